/* SPDX-License-Identifier: BSD-2-Clause */
#include "row_fixture.h"

#include <locale.h>
#include <stdio.h>

#include "tls/certificate.h"
#include "tls/hello.h"

#define CODES(...)                                                                                 \
	{                                                                                          \
		(uint16_t[]){__VA_ARGS__}, sizeof((uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t)    \
	}

static uint8_t offered_alpn[] = "\0\x0c\x02h2\x08http/1.1";

const struct handshake example = {
	.random = {0xab, [31] = 0x01},
	.has_random = true,
	.time_ns = START_NS,
	.end_ns = START_NS + 2310400,
	.last_ns = START_NS + 2310400,
	.outcome = HANDSHAKE_COMPLETED,
	.failure = {.alert = -1},
	.ends[END_CLIENT] =
		{
			.address = {V4(192, 0, 2, 10), 38486},
			.process = {.pid = 812,
				    .ns_pid = 7,
				    .tid = 813,
				    .uid = 1000,
				    .comm = "curl",
				    .exe = (char *)"/usr/bin/curl",
				    .cgroup_path = (char *)"/user.slice"},
			.creator = {.pid = 800, .comm = "sh"},
			.how = OWNER_WROTE,
			.netns = 4026531840,
			.socket_id = 7,
			.connect_ns = START_NS - 61200,
			.first_write_ns = START_NS - 10,
			.min_rtt_us = 87,
		},
	.latency = {.start_ns = START_NS - 61200, .end_ns = START_NS + 2310400, .rtt_us = 87},
	.ends[END_SERVER] = {.address = {{0x20, 1, 0xd, 0xb8, [15] = 1}, 443}},
	.offer =
		{
			.version = 0x0303,
			.versions = CODES(0x1a1a, 0x0304, 0x0303),
			.ciphers = CODES(0x1301, 0xfe99),
			.groups = CODES(0x11ec, 0x001d),
			.key_shares = CODES(0x11ec),
			.signatures = CODES(0x0403),
			.extensions = CODES(0, 16, 43),
			.alpn = offered_alpn,
			.alpn_length = sizeof(offered_alpn) - 1,
			.size = 1733,
			.records = 1,
			.segments = 2,
		},
	.version = 0x0304,
	.cipher = 0x1301,
	.has_cipher = true,
	.group = 0x11ec,
	.key_exchange = TLS_KEY_EXCHANGE_HYBRID,
	.sni = (char *)"a\x1b[2J\0.org",
	.sni_length = 10,
	.alpn = "h2",
	.alpn_length = 2,
	.server_random = {[0] = 0xcd},
	.has_server_random = true,
	.messages =
		(struct message[]){
			{.time_ns = START_NS,
			 .from = END_CLIENT,
			 .record = 22,
			 .kind = MESSAGE_HANDSHAKE,
			 .type = TLS_CLIENT_HELLO,
			 .size = 1733},
			{.time_ns = START_NS + 890100,
			 .from = END_SERVER,
			 .record = 22,
			 .kind = MESSAGE_HANDSHAKE,
			 .type = TLS_SERVER_HELLO,
			 .size = 1210},
			{.time_ns = START_NS + 890400,
			 .from = END_SERVER,
			 .record = 23,
			 .size = 23,
			 .encrypted = true},
			{.time_ns = START_NS + 2310400,
			 .from = END_CLIENT,
			 .record = 23,
			 .kind = MESSAGE_HANDSHAKE,
			 .type = TLS_FINISHED,
			 .size = 53,
			 .encrypted = true,
			 .inferred = true},
		},
	.message_count = 4,
	.path = (struct place[]){{.interface = "eth0",
				  .ifindex = 2,
				  .netns = 4026531840,
				  .hook = 1,
				  .client = {V4(192, 0, 2, 10), 38486},
				  .server = {V4(192, 0, 2, 1), 443},
				  .time_ns = START_NS}},
	.path_count = 1,
	.inferred = {INFERRED_OUTCOME},
	.inferred_count = 1,
};

struct handshake with_phases(void)
{
	static struct phase phases[HANDSHAKE_PHASES_MAX];
	static const struct phase once[] = {
		{PHASE_TCP_CONNECT, END_CLIENT, START_NS - 61200, 61200, false, false, false, false,
		 0},
		{PHASE_CLIENT_PREPARE, END_CLIENT, START_NS, 300000, false, false, false, false, 0},
		{PHASE_HELLO_NETWORK, END_UNKNOWN, START_NS + 300000, 200000, true, false, false,
		 false, 0},
		{PHASE_SERVER_CRYPTO, END_SERVER, START_NS + 500000, 38100000, false, false, false,
		 false, 0},
		{PHASE_REPLY_NETWORK, END_UNKNOWN, START_NS + 38600000, 200000, true, false, false,
		 false, 0},
		{PHASE_CLIENT_CRYPTO, END_CLIENT, START_NS + 38800000, 1338800, false, false, false,
		 false, 0},
	};
	struct handshake handshake = example;

	memcpy(phases, once, sizeof(once));
	handshake.latency.phases = phases;
	handshake.latency.phase_count = ARRAY_SIZE(once);
	handshake.latency.start_ns = START_NS - 61200;
	handshake.latency.end_ns = START_NS + 40138800;
	handshake.latency.rtt_us = 400;
	handshake.latency.retransmissions = 2;
	return handshake;
}

static struct certificate odd = {
	.truncated = true,
	.subject = (char *)"CN=a\x1b[2J",
	.issuer = (char *)"O=B\xc3\xbc"
			  "cher",
	.sans = (char *[]){(char *)"DNS:a\xff", (char *)"IP:192.0.2.1"},
	.san_count = 2,
	.not_before = 4,
	.not_after = 5,
	.key = (char *)"EC P-256",
	.signature = (char *)"ED25519",
	.serial = (char *)"0A",
	.sha256 = {0xab},
	.size = 400,
};

static struct certificate unread = {
	.broken = true,
	.not_before = CERTIFICATE_TIME_UNKNOWN,
	.not_after = CERTIFICATE_TIME_UNKNOWN,
	.sha256 = {0xcd},
	.size = 7,
};

struct handshake with_certificates(void)
{
	static struct sent_certificate sent[] = {{END_SERVER, &odd}, {END_CLIENT, &unread}};
	struct handshake handshake = example;

	handshake.version = 0x0303;
	handshake.certificates = sent;
	handshake.certificate_count = 2;
	handshake.resumed = handshake.ticket_issued = true;
	handshake.resumption = RESUMPTION_TICKET;
	strcpy(handshake.ja3, "ada70206e40642a3e4461f35503241d5");
	strcpy(handshake.ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1");
	return handshake;
}

int row_locale(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

char *row_print(const struct sink *sink, int width, bool color, const struct handshake *handshake)
{
	static const struct sink_interface lo = {"lo", 1, 0};
	static const struct trace_start start = {"1",	 START_NS, "h", "6.1", "tcx",
						 "none", &lo,	   1,	true,  NULL};
	static const struct named_count lost = {"ring_full", 3};
	static const struct trace_end end = {
		.time_ns = START_NS, .seen = 4, .reported = 1, .lost = &lost, .lost_count = 1};
	struct sink_settings settings = {.color = color, .width = width};
	char *output = NULL;
	size_t size;

	settings.out = open_memstream(&output, &size);
	assert_non_null(settings.out);
	sink->start(&settings, &start);
	sink->row(&settings, handshake);
	sink->end(&settings, &end);
	fclose(settings.out);
	return output;
}

void assert_contains(const char *output, const char *part)
{
	if (!strstr(output, part))
		fail_msg("\"%s\" is not in:\n%s", part, output);
}

void assert_contains_all(const char *output, const char *const *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_contains(output, parts[i]);
}
