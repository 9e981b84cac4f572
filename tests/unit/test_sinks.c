/* SPDX-License-Identifier: BSD-2-Clause */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json.h>

#include "handshake/handshake.h"
#include "sink/phases.h"
#include "sink/sink.h"
#include "sink/text.h"
#include "tls/certificate.h"
#include "tls/hello.h"
#include "who/container.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MS		  1000000ull
#define START_NS	  (5000 * MS)
#define CONTAINER_ID	  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define V4(a, b, c, d)                                                                             \
	{                                                                                          \
		[10] = 0xff, [11] = 0xff, a, b, c, d                                               \
	}
#define CODES(...)                                                                                 \
	{                                                                                          \
		(uint16_t[]){__VA_ARGS__}, sizeof((uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t)    \
	}

static uint8_t offered_alpn[] = "\0\x0c\x02h2\x08http/1.1";

/* curl meets a remote server in TLS 1.3; its certificate authority is not known to it. */
static const struct handshake example = {
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

static void assert_escaped(const void *bytes, size_t length, const char *expected)
{
	char text[256];

	assert_int_equal(text_escape(bytes, length, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
}

static void test_escape(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		const char *expected;
	} cases[] = {
		{"example.org", 11, "example.org"},
		{"", 0, ""},
		{"b\xc3\xbc"
		 "cher \xf0\x9f\x94\x92",
		 12,
		 "b\xc3\xbc"
		 "cher \xf0\x9f\x94\x92"},
		{"\x1b[31m", 5, "\\x1b[31m"},
		{"a\0b\n\r\t\x7f", 7, "a\\x00b\\x0a\\x0d\\x09\\x7f"},
		/* invalid: a lone continuation, a cut sequence, bytes that never occur */
		{"\x80"
		 "a\xe2\x82"
		 "b\xff",
		 6, "\\x80a\\xe2\\x82b\\xff"},
		{"\xf0\x9f\x94", 3, "\\xf0\\x9f\\x94"},
		/* overlong "/", NUL and ESC */
		{"\xc0\xaf\xc0\x80\xe0\x80\x9b", 7, "\\xc0\\xaf\\xc0\\x80\\xe0\\x80\\x9b"},
		/* a surrogate, beyond U+10FFFF, a noncharacter */
		{"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},
		{"\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"},
		{"\xef\xbf\xbf", 3, "\\xef\\xbf\\xbf"},
		/* U+0080, U+009B (CSI), U+009F */
		{"\xc2\x80\xc2\x9b\xc2\x9f", 6, "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f"},
		/* Blanks that are no space: NBSP, EM SPACE, IDEOGRAPHIC SPACE, BRAILLE BLANK */
		{"\xc2\xa0\xe2\x80\x83", 5, "\\xc2\\xa0\\xe2\\x80\\x83"},
		{"\xe3\x80\x80\xe2\xa0\x80", 6, "\\xe3\\x80\\x80\\xe2\\xa0\\x80"},
		/* From right to left: HEBREW ALEF, ARABIC ALEF, and their presentation forms */
		{"\xd7\x90\xd8\xa7", 4, "\\xd7\\x90\\xd8\\xa7"},
		{"\xef\xac\x9d\xef\xba\x8d", 6, "\\xef\\xac\\x9d\\xef\\xba\\x8d"},
		/* A letter may have four marks, the fifth is escaped; a letter starts anew. */
		{"a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81", 11,
		 "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\\xcc\\x81"},
		{"a\xcc\x81\xcc\x81\xcc\x81\xcc\x81z\xcc\x81", 12,
		 "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81z\xcc\x81"},
		/* RIGHT-TO-LEFT OVERRIDE, LEFT-TO-RIGHT ISOLATE, ARABIC LETTER MARK, RLM */
		{"\xe2\x80\xae"
		 "gpj",
		 6, "\\xe2\\x80\\xaegpj"},
		{"\xe2\x81\xa6", 3, "\\xe2\\x81\\xa6"},
		{"\xd8\x9c\xe2\x80\x8f", 5, "\\xd8\\x9c\\xe2\\x80\\x8f"},
		/* LINE SEPARATOR, ZERO WIDTH SPACE, BOM */
		{"\xe2\x80\xa8\xe2\x80\x8b\xef\xbb\xbf", 9,
		 "\\xe2\\x80\\xa8\\xe2\\x80\\x8b\\xef\\xbb\\xbf"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* Exactly as long as it is, so that reading on is seen. */
		char *bytes = malloc(cases[i].length + !cases[i].length);

		assert_non_null(bytes);
		memcpy(bytes, cases[i].bytes, cases[i].length);
		assert_escaped(bytes, cases[i].length, cases[i].expected);
		free(bytes);
	}
}

/* 250 marks on one letter would cover the lines above it. */
static void test_escape_marks(void **state)
{
	char name[1 + 2 * 250], text[4 * sizeof(name) + 1];

	(void)state;
	name[0] = 'a';
	for (size_t i = 1; i < sizeof(name); i += 2)
		memcpy(name + i, "\xcc\x81", 2);
	assert_int_equal(text_escape(name, sizeof(name), text, sizeof(text)), 1 + 4 * 2 + 246 * 8);
}

/* Neither an escape nor a character is cut in its middle. */
static void test_escape_cut(void **state)
{
	char text[8];

	(void)state;
	assert_int_equal(text_escape("abcdefgh", 8, text, 8), 7);
	assert_string_equal(text, "abcdefg");
	assert_int_equal(text_escape("abcd\x1b", 5, text, 8), 4);
	assert_string_equal(text, "abcd");
	assert_int_equal(text_escape("abc\x1b", 4, text, 8), 7);
	assert_string_equal(text, "abc\\x1b");
	assert_int_equal(text_escape("abcdef\xc3\xbc", 8, text, 8), 6);
	assert_string_equal(text, "abcdef");
	assert_int_equal(text_escape("a", 1, text, 1), 0);
	assert_string_equal(text, "");
	assert_int_equal(text_escape("a", 1, NULL, 0), 0);
}

static void test_helpers(void **state)
{
	static const struct address v4 = {V4(192, 0, 2, 1), 443};
	static const struct address v6 = {{0x20, 1, 0xd, 0xb8, [15] = 1}, 443};
	static const struct {
		int64_t ns;
		const char *expected;
	} durations[] = {
		{890100, "890.1"}, {0, "0"},	      {-1, "-0.001"},
		{100000, "100"},   {1000000, "1000"}, {-61200, "-61.2"},
	};
	static const struct {
		uint64_t ns;
		const char *expected;
	} spoken[] = {
		{1234000, "1.2 ms"},
		{0, "less than 0.1 ms"},
		{10000 * MS, "10 s"},
		{1500 * MS, "1.5 s"},
	};
	char text[128];

	(void)state;
	text_address(&v4, text);
	assert_string_equal(text, "192.0.2.1:443");
	text_address(&v6, text);
	assert_string_equal(text, "[2001:db8::1]:443");
	text_time(1700000000123456789, -1000000000, text);
	assert_string_equal(text, "2023-11-14T22:13:19.123456789Z");
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		text_microseconds(durations[i].ns, text);
		assert_string_equal(text, durations[i].expected);
	}
	for (size_t i = 0; i < ARRAY_SIZE(spoken); i++) {
		text_duration(spoken[i].ns, text);
		assert_string_equal(text, spoken[i].expected);
	}
	text_milliseconds(2310400, text);
	assert_string_equal(text, "2.310");
	text_milliseconds(12345678, text);
	assert_string_equal(text, "12.35");
	text_milliseconds(2310400000, text);
	assert_string_equal(text, "2310.4");
}

static char *row_print(const struct sink *sink, int width, bool color,
		       const struct handshake *handshake)
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

static struct json_object *get(struct json_object *from, const char *path)
{
	struct json_object *value = NULL;

	if (json_pointer_get(from, path, &value))
		fail_msg("%s is left out", path);
	return value;
}

static void assert_json(struct json_object *row, const char *path, const char *expected)
{
	const char *got = json_object_to_json_string_ext(
		get(row, path), JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (strcmp(got, expected))
		fail_msg("%s is %s, not %s", path, got, expected);
}

struct expected_json {
	const char *path, *value;
};

/* A line's expectations, then the rest of the output. */
static char *line_check(char *lines, const struct expected_json *expected, size_t count)
{
	char *end = strchr(lines, '\n');
	struct json_object *row;

	assert_non_null(end);
	*end = '\0';
	row = json_tokener_parse(lines);
	assert_non_null(row);
	for (size_t i = 0; i < count; i++)
		assert_json(row, expected[i].path, expected[i].value);
	json_object_put(row);
	return end + 1;
}

static const struct expected_json expected_start[] = {
	{"/type", "\"start\""},
	{"/time", "\"1970-01-01T00:00:05.000000000Z\""},
	{"/capture/tc", "\"tcx\""},
	{"/capture/sockets", "null"},
	{"/capture/namespaces", "\"all\""},
	{"/capture/interfaces", "[{\"name\":\"lo\",\"ifindex\":1,\"netns\":null}]"},
};

static const struct expected_json expected_row[] = {
	{"/type", "\"handshake\""},
	{"/schema", "1"},
	{"/id", "\"ab00000000000000000000000000000000000000000000000000000000000001\""},
	{"/transport", "\"tcp\""},
	{"/outcome", "\"completed\""},
	{"/verdict", "null"},
	{"/failure", "null"},
	{"/client/ip", "\"192.0.2.10\""},
	{"/client/port", "38486"},
	{"/client/process",
	 "{\"pid\":812,\"ns_pid\":7,\"tid\":813,\"comm\":\"curl\",\"exe\":\"/usr/bin/curl\","
	 "\"uid\":1000,\"how\":\"socket\",\"exit\":null,\"creator\":{\"pid\":800,"
	 "\"comm\":\"sh\"}}"},
	{"/client/container", "null"},
	{"/client/netns", "4026531840"},
	{"/client/cgroup", "\"/user.slice\""},
	{"/client/socket/connect_us", "-61.2"},
	{"/client/socket/first_write_us", "-0.01"},
	{"/client/socket/accept_us", "null"},
	{"/client/socket/min_rtt_us", "87"},
	{"/server/ip", "\"2001:db8::1\""},
	{"/server/process", "null"},
	{"/server/netns", "null"},
	{"/server/socket", "null"},
	{"/tls/version", "\"TLSv1.3\""},
	{"/tls/cipher", "\"TLS_AES_128_GCM_SHA256\""},
	{"/tls/group", "\"X25519MLKEM768\""},
	{"/tls/signature", "null"},
	{"/tls/sni", "\"a\\\\x1b[2J\\\\x00.org\""},
	{"/tls/alpn", "\"h2\""},
	{"/tls/psk", "\"none\""},
	{"/tls/compression", "null"},
	{"/tls/session_id", "null"},
	{"/offer/version", "\"TLSv1.2\""},
	{"/offer/versions", "[\"GREASE\",\"TLSv1.3\",\"TLSv1.2\"]"},
	{"/offer/ciphers", "[\"TLS_AES_128_GCM_SHA256\",\"0xfe99\"]"},
	{"/offer/alpn", "[\"h2\",\"http/1.1\"]"},
	{"/offer/segments", "2"},
	{"/messages/1", "{\"at_us\":890.1,\"from\":\"server\",\"record\":\"handshake\","
			"\"message\":\"server_hello\",\"size\":1210,\"encrypted\":false}"},
	{"/messages/2", "{\"at_us\":890.4,\"from\":\"server\",\"record\":\"application_data\","
			"\"message\":null,\"size\":23,\"encrypted\":true}"},
	{"/certificates", "null"},
	{"/tls/resumption", "null"},
	{"/tls/ocsp_stapled", "null"},
	{"/tls/ticket_issued", "null"},
	{"/fingerprint", "{\"ja3\":null,\"ja3s\":null,\"ja4\":null}"},
	{"/latency",
	 "{\"total_us\":2371.6,\"rtt_us\":87,\"retransmissions\":0,\"phases\":[],\"causes\":[]}"},
	{"/path", "[{\"interface\":\"eth0\",\"ifindex\":2,\"netns\":4026531840,"
		  "\"direction\":\"egress\",\"client\":\"192.0.2.10:38486\","
		  "\"server\":\"192.0.2.1:443\",\"process\":null,\"time\":\"1970-01-01T00:00:05."
		  "000000000Z\"}]"},
	{"/quality", "{\"gap\":false,\"truncated\":false,\"conflict\":false,\"late_start\":false,"
		     "\"inferred\":[\"outcome\"]}"},
};

static const struct expected_json expected_end[] = {
	{"/type", "\"end\""}, {"/handshakes", "{\"completed\":0,\"failed\":0,\"incomplete\":0}"},
	{"/seen", "4"},	      {"/reported", "1"},
	{"/filtered", "0"},   {"/lost", "{\"ring_full\":3}"},
	{"/dropped", "{}"},   {"/cost", "{}"},
};

static void test_json(void **state)
{
	struct handshake handshake = example;
	char *output = row_print(&sink_json, 0, false, &handshake), *at = output;

	(void)state;
	/* No byte of the hello reaches the output raw. */
	assert_null(strchr(output, '\x1b'));
	at = line_check(at, expected_start, ARRAY_SIZE(expected_start));
	at = line_check(at, expected_row, ARRAY_SIZE(expected_row));
	at = line_check(at, expected_end, ARRAY_SIZE(expected_end));
	assert_string_equal(at, "");
	free(output);
}

/* Its name and labels are what whoever made it wanted them to be. */
static void test_container(void **state)
{
	static const struct expected_json expected[] = {
		{"/client/container",
		 "{\"id\":\"" CONTAINER_ID
		 "\",\"name\":\"we\\\\x1bb\",\"runtime\":\"docker\",\"how\":\"claimed\","
		 "\"user\":1000,\"image\":\"nginx:1\","
		 "\"pod\":null,\"pod_uid\":\"123\",\"namespace\":null,\"labels\":{\"a\\\\x07\":"
		 "\"\\\\xff\"}}"},
		{"/client/unit", "\"a.service\""},
	};
	struct container_label label = {(char *)"a\a", (char *)"\xff"};
	struct container container = {
		.known = true,
		.id = (char *)CONTAINER_ID,
		.runtime = "docker",
		.how = CONTAINER_CLAIMED,
		.user = 1000,
		.details = {.name = (char *)"we\x1b"
					    "b",
			    .image = (char *)"nginx:1",
			    .pod_uid = (char *)"123",
			    .labels = &label,
			    .label_count = 1},
	};
	struct handshake handshake = example;
	char who[TEXT_WHO_SIZE], *output;

	(void)state;
	handshake.ends[END_CLIENT].process.container = &container;
	handshake.ends[END_CLIENT].process.unit = (char *)"a.service";
	output = row_print(&sink_json, 0, false, &handshake);
	line_check(strchr(output, '\n') + 1, expected, ARRAY_SIZE(expected));
	free(output);
	text_who(&handshake.ends[END_CLIENT], who);
	assert_string_equal(who, "curl[812]@1000/we\\x1bb");
	container.how = CONTAINER_BY_RUNTIME;
	text_who(&handshake.ends[END_CLIENT], who);
	assert_string_equal(who, "curl[812]@we\\x1bb");
	container.details.name = NULL;
	text_who(&handshake.ends[END_CLIENT], who);
	assert_string_equal(who, "curl[812]@0123456789ab");
	container.known = false;
	text_who(&handshake.ends[END_CLIENT], who);
	assert_string_equal(who, "curl[812]");
}

static void test_json_failed(void **state)
{
	static const struct expected_json expected[] = {
		{"/outcome", "\"failed\""},
		{"/verdict",
		 "\"client cu\\\\x07[812] rejected the server's certificate: unknown_ca\""},
		{"/failure",
		 "{\"kind\":\"alert\",\"by\":\"client\",\"alert\":\"unknown_ca\","
		 "\"encrypted\":false,\"error\":null,\"reason\":null,"
		 "\"cause\":\"certificate_issuer\",\"facts\":[\"certificate_expired\"]}"},
		{"/latency/total_us", "2371.6"},
	};
	struct handshake handshake = example;
	char *output;

	(void)state;
	handshake.outcome = HANDSHAKE_FAILED;
	handshake.failure.kind = FAILURE_ALERT;
	handshake.failure.by = END_CLIENT;
	handshake.failure.alert = 48;
	handshake.failure.cause = FACT_ISSUER;
	handshake.failure.facts = 1u << FACT_EXPIRED;
	strcpy(handshake.ends[END_CLIENT].process.comm, "cu\a");
	output = row_print(&sink_json, 0, false, &handshake);
	line_check(strchr(output, '\n') + 1, expected, ARRAY_SIZE(expected));
	free(output);
}

static void test_json_quic(void **state)
{
	static const struct expected_json expected[] = {
		{"/transport", "\"quic\""},
		{"/tls/quic_version", "\"draft-29\""},
		{"/failure", "{\"kind\":\"closed\",\"by\":\"client\",\"alert\":null,"
			     "\"encrypted\":false,\"error\":0,\"reason\":\"bye\\\\x00!\","
			     "\"cause\":null,\"facts\":[]}"},
		{"/messages/0/record", "\"quic_initial\""},
		{"/messages/1/record", "\"quic_retry\""},
		{"/messages/2/record", "\"quic_handshake\""},
		{"/messages/3/record", "\"quic_1rtt\""},
	};
	static const uint8_t records[] = {RECORD_KIND_QUIC_INITIAL, RECORD_KIND_QUIC_RETRY,
					  RECORD_KIND_QUIC_HANDSHAKE, RECORD_KIND_QUIC_1RTT};
	struct message messages[ARRAY_SIZE(records)];
	struct handshake handshake = example;
	char *output;

	(void)state;
	handshake.transport = TRANSPORT_QUIC;
	handshake.quic_version = 0xff00001d;
	handshake.outcome = HANDSHAKE_FAILED;
	handshake.failure.kind = FAILURE_CLOSED;
	handshake.failure.by = END_CLIENT;
	handshake.failure.has_error = true;
	handshake.failure.reason = (char *)"bye\0!";
	handshake.failure.reason_length = 5;
	memcpy(messages, example.messages, sizeof(messages));
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		messages[i].record = records[i];
	handshake.messages = messages;
	output = row_print(&sink_json, 0, false, &handshake);
	line_check(strchr(output, '\n') + 1, expected, ARRAY_SIZE(expected));
	free(output);
}

/* If nothing is known of a handshake, every key is still there. */
static void test_json_unknown(void **state)
{
	static const struct expected_json expected[] = {
		{"/outcome", "\"incomplete\""},
		{"/client/ip", "null"},
		{"/client/port", "null"},
		{"/client/process", "null"},
		{"/tls/version", "null"},
		{"/tls/cipher", "null"},
		{"/tls/sni", "null"},
		{"/tls/resumed", "null"},
		{"/tls/compression", "null"},
		{"/tls/server_random", "null"},
		{"/id", "null"},
		{"/offer", "null"},
		{"/messages", "[]"},
		{"/latency/total_us", "null"},
	};
	struct handshake handshake = {.failure.alert = -1};
	char *output = row_print(&sink_json, 0, false, &handshake);

	(void)state;
	line_check(strchr(output, '\n') + 1, expected, ARRAY_SIZE(expected));
	free(output);
}

/* 40.2 ms; the server's computation takes 38.1 of them. There is one at a time. */
static struct handshake with_phases(void)
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

static void test_json_phases(void **state)
{
	static const struct expected_json expected[] = {
		{"/latency/total_us", "40200"},
		{"/latency/rtt_us", "400"},
		{"/latency/retransmissions", "2"},
		{"/latency/phases/0",
		 "{\"name\":\"tcp_connect\",\"side\":\"client\",\"start_us\":0,"
		 "\"duration_us\":61.2,\"quality\":\"measured\",\"error_us\":null}"},
		{"/latency/phases/2",
		 "{\"name\":\"hello_network\",\"side\":null,\"start_us\":361.2,"
		 "\"duration_us\":200,\"quality\":\"estimated\",\"error_us\":0}"},
	};
	struct handshake handshake = with_phases();
	char *output = row_print(&sink_json, 0, false, &handshake);

	(void)state;
	line_check(strchr(output, '\n') + 1, expected, ARRAY_SIZE(expected));
	free(output);
}

/* A certificate as an attacker makes it, and one that could not be read. */
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

static struct handshake with_certificates(void)
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

static void test_json_certificates(void **state)
{
#define SHA256_ZEROS "00000000000000000000000000000000000000000000000000000000000000"
	static const struct expected_json expected[] = {
		{"/certificates/0",
		 "{\"from\":\"server\",\"subject\":\"CN=a\\\\x1b[2J\",\"issuer\":\"O=B\xc3\xbc"
		 "cher\","
		 "\"san\":[\"DNS:a\\\\xff\",\"IP:192.0.2.1\"],\"not_before\":\"1970-01-01T00:00:"
		 "04Z\","
		 "\"not_after\":\"1970-01-01T00:00:05Z\",\"key\":\"EC "
		 "P-256\",\"signature\":\"ED25519\","
		 "\"serial\":\"0A\",\"sha256\":\"ab" SHA256_ZEROS
		 "\",\"size\":400,\"broken\":false,"
		 "\"truncated\":true}"},
		{"/certificates/1",
		 "{\"from\":\"client\",\"subject\":null,\"issuer\":null,\"san\":null,\"not_"
		 "before\":null,"
		 "\"not_after\":null,\"key\":null,\"signature\":null,\"serial\":null,\"sha256\":"
		 "\"cd" SHA256_ZEROS "\",\"size\":7,\"broken\":true,\"truncated\":false}"},
		{"/fingerprint", "{\"ja3\":\"ada70206e40642a3e4461f35503241d5\",\"ja3s\":null,"
				 "\"ja4\":\"t13d1516h2_8daaf6152771_e5627efa2ab1\"}"},
		{"/tls/resumption", "\"ticket\""},
		{"/tls/ocsp_stapled", "false"},
		{"/tls/ticket_issued", "true"},
	};
	static const struct expected_json expected_empty[] = {{"/certificates", "[]"}};
	struct handshake handshake = with_certificates();
	char *output = row_print(&sink_json, 0, false, &handshake);

	(void)state;
	line_check(strchr(output, '\n') + 1, expected, ARRAY_SIZE(expected));
	free(output);
	/* An empty list was sent. */
	handshake.certificate_count = 0;
	output = row_print(&sink_json, 0, false, &handshake);
	line_check(strchr(output, '\n') + 1, expected_empty, ARRAY_SIZE(expected_empty));
	free(output);
}

/* At any width there are the header and one row, neither wider than the terminal. */
static void assert_table_fits(const struct sink *sink, const struct handshake *handshake, int width)
{
	char *output = row_print(sink, width, false, handshake), *at = output;
	size_t lines = 0;

	for (char *end; (end = strchr(at, '\n')); at = end + 1, lines++) {
		*end = '\0';
		if (text_width(at) > (size_t)width)
			fail_msg("%d columns: \"%s\" has %zu", width, at, text_width(at));
	}
	assert_int_equal(lines, 2);
	free(output);
}

static void test_table_width(void **state)
{
	struct handshake handshake = example;

	(void)state;
	for (int width = 1; width <= 300; width++)
		assert_table_fits(&sink_table, &handshake, width);
	handshake.outcome = HANDSHAKE_FAILED;
	handshake.failure.kind = FAILURE_ALERT;
	handshake.failure.by = END_SERVER;
	handshake.failure.alert = 70;
	/* Characters of two columns. */
	handshake.sni = (char *)"\xe4\xbe\x8b\xe3\x81\x88.\xe4\xbe\x8b\xe3\x81\x88.example.org";
	handshake.sni_length = strlen(handshake.sni);
	for (int width = 1; width <= 300; width++)
		assert_table_fits(&sink_table, &handshake, width);
	for (int width = 1; width <= 500; width++)
		assert_table_fits(&sink_wide, &handshake, width);
}

static void assert_contains(const char *output, const char *part)
{
	if (!strstr(output, part))
		fail_msg("\"%s\" is not in:\n%s", part, output);
}

static void test_table(void **state)
{
	struct handshake handshake = example;
	char *output = row_print(&sink_table, 0, false, &handshake);

	(void)state;
	assert_contains(output, "curl[812]  ");
	assert_contains(output, " [2001:db8::1]:443  ");
	assert_contains(output, " a\\x1b[2J\\x00.org ");
	assert_contains(output, " 2.372 ok\n");
	free(output);
	handshake.outcome = HANDSHAKE_FAILED;
	handshake.failure.kind = FAILURE_ALERT;
	handshake.failure.by = END_CLIENT;
	handshake.failure.alert = 48;
	output = row_print(&sink_table, 80, true, &handshake);
	/* The sentence has no room: who and why have. */
	assert_contains(output, " 2.372 \x1b[31mclient: unknown_ca\x1b[0m\n");
	assert_contains(output, "\n00:00:05 curl[812]  ");
	free(output);
	output = row_print(&sink_table, 60, false, &handshake);
	assert_contains(output, " unknown_ca\n");
	free(output);
	/* The name has its own column. */
	output = row_print(&sink_table, 180, false, &handshake);
	assert_contains(output, " client rejected the server's certificate: unknown_ca\n");
	free(output);
	output = row_print(&sink_table, 0, true, &handshake);
	assert_contains(output, "\x1b[31mclient curl[812] rejected the server's certificate: "
				"unknown_ca\x1b[0m\n");
	free(output);
}

/* What has no room is said shorter, never cut: the name, the remarks, the sentence go one by one.
 */
static void test_table_short_verdict(void **state)
{
	static const char *const forms[] = {
		" client curl[812] rejected the server's certificate: unknown_ca "
		"(after the warning unrecognized_name)\n",
		" client rejected the server's certificate: unknown_ca (after the warning "
		"unrecognized_name)\n",
		" client curl[812] rejected the server's certificate: unknown_ca\n",
		" client rejected the server's certificate: unknown_ca\n",
		" client: unknown_ca\n",
	};
	struct handshake handshake = example;
	bool said[ARRAY_SIZE(forms)] = {false};

	(void)state;
	handshake.outcome = HANDSHAKE_FAILED;
	handshake.failure.kind = FAILURE_ALERT;
	handshake.failure.by = END_CLIENT;
	handshake.failure.alert = 48;
	handshake.failure.facts = 1u << FACT_WARNED;
	handshake.failure.warning = 112;
	for (int width = 80; width <= 300; width++) {
		char *output = row_print(&sink_table, width, false, &handshake);
		size_t form = 0;

		while (form < ARRAY_SIZE(forms) && !strstr(output, forms[form]))
			form++;
		if (form == ARRAY_SIZE(forms))
			fail_msg("%d columns: %s", width, output);
		said[form] = true;
		free(output);
	}
	for (size_t form = 0; form < ARRAY_SIZE(forms); form++)
		assert_true(said[form]);
}

static void test_table_words(void **state)
{
	static const struct {
		enum failure_kind kind;
		enum handshake_end by;
		enum failure_fact cause;
		const char *words;
	} cases[] = {
		{FAILURE_CLOSED, END_CLIENT, FACT_NONE, " client: closed\n"},
		{FAILURE_CLOSED, END_CLIENT, FACT_NO_ANSWER, " gave up waiting\n"},
		{FAILURE_RESET, END_SERVER, FACT_NONE, " server: reset\n"},
		{FAILURE_CLOSED, END_SERVER, FACT_KILLED, " server: killed\n"},
		{FAILURE_RESET, END_UNKNOWN, FACT_BETWEEN, " middlebox: reset\n"},
		{FAILURE_TIMEOUT, END_UNKNOWN, FACT_NONE, " timeout\n"},
	};
	struct handshake handshake = example;

	(void)state;
	handshake.outcome = HANDSHAKE_FAILED;
	handshake.end_ns += 1000 * MS;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *output;

		handshake.failure.kind = cases[i].kind;
		handshake.failure.by = cases[i].by;
		handshake.failure.cause = cases[i].cause;
		output = row_print(&sink_table, 80, false, &handshake);
		assert_contains(output, cases[i].words);
		free(output);
	}
}

static void test_tree(void **state)
{
	static const char *const parts[] = {
		"curl[812], /usr/bin/curl, uid 1000, 192.0.2.10:38486",
		"socket of sh[800]",
		"cgroup /user.slice",
		"X25519MLKEM768, x25519",
		"h2, http/1.1",
		"eth0 egress 192.0.2.10:38486 192.0.2.1:443 +0.000 ms",
		"+0.890 ms",
		"server_hello, 1210 bytes\n",
		"finished, 53 bytes, encrypted, inferred\n",
		"outcome inferred",
		"result       ok\n\n",
	};
	struct handshake handshake = example;
	char *output = row_print(&sink_tree, 80, false, &handshake);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		assert_contains(output, parts[i]);
	assert_null(strchr(output, '\x1b'));
	free(output);
}

static void test_tree_certificates(void **state)
{
	static const char *const parts[] = {
		"of the server, 400 bytes, shown only in part\n    subject    CN=a\\x1b[2J\n",
		"DNS:a\\xff, IP:192.0.2.1\n",
		"1970-01-01T00:00:04Z to 1970-01-01T00:00:05Z\n",
		"EC P-256, signed with ED25519\n",
		"of the client, 7 bytes, broken\n",
		"JA4 t13d1516h2_8daaf6152771_e5627efa2ab1, JA3 ada70206e40642a3e4461f35503241d5\n",
		"resumed by ticket",
		"session ticket issued",
	};
	struct handshake handshake = with_certificates();
	char *output = row_print(&sink_tree, 0, false, &handshake);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		assert_contains(output, parts[i]);
	assert_null(strchr(output, '\x1b'));
	free(output);
	handshake.time_ns += 1000 * MS;
	output = row_print(&sink_tree, 0, false, &handshake);
	assert_contains(output, "05Z, expired at the time of the handshake\n");
	free(output);
	handshake.time_ns -= 3000 * MS;
	output = row_print(&sink_tree, 0, false, &handshake);
	assert_contains(output, "05Z, not yet valid at the time of the handshake\n");
	free(output);
}

/* The plain table's columns and the phases; what happened twice is added up. */
static void test_wide(void **state)
{
	struct handshake handshake = with_phases();
	char *output = row_print(&sink_wide, 0, false, &handshake);

	(void)state;
	assert_contains(output, " ALPN     RESUMED        RTT RESENT TCP_CONNECT CLIENT_PREPARE ");
	assert_contains(output,
			" h2       no           0.400      2       0.061          0.300 "
			"       ~0.200            -             -         38.10             - ");
	assert_contains(output, " 40.20 ok\n");
	free(output);
	handshake.latency.phases[4].kind = PHASE_HELLO_NETWORK;
	output = row_print(&sink_wide, 0, false, &handshake);
	assert_contains(output, " ~0.400 ");
	free(output);
	output = row_print(&sink_wide, 200, false, &handshake);
	assert_contains(output, " SERVER_CRYPTO ");
	assert_contains(output, " RESULT");
	free(output);
	output = row_print(&sink_table, 0, false, &handshake);
	assert_null(strstr(output, "TCP_CONNECT"));
	free(output);
}

static void test_bars(void **state)
{
	/* 80 columns: the axis has 36. */
	static const char *const parts[] = {
		"  latency      40.200 ms, round trip 0.400 ms, 2 segments sent again\n",
		"    phase          where  start ms  took ms 0                          40.200 "
		"ms\n",
		"    tcp_connect    client    0.000    0.061 ▏\n",
		"    hello_network  -         0.361    0.200 ░\n",
		"    server_crypto  server    0.561   38.100 ▐█████████████████████████████████▋\n",
		"    reply_network  -        38.661    0.200                                   ░\n",
		"    client_crypto  client   38.861    1.339                                   "
		"▐█\n",
		"    total                            40.200 █ measured, ░ estimated\n",
		"  slow because: server_crypto 38.1 ms of 40.2 ms (server is at work)\n",
	};
	struct handshake handshake = with_phases();
	char *output = row_print(&sink_tree, 80, false, &handshake);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		assert_contains(output, parts[i]);
	free(output);
	output = row_print(&sink_tree, 120, true, &handshake);
	assert_contains(output, "\x1b[35m▐███");
	assert_contains(output, "\x1b[0m ");
	assert_contains(output, "  answer travels to the client (estimate)\n");
	free(output);
	setlocale(LC_CTYPE, "C");
	output = row_print(&sink_tree, 80, false, &handshake);
	setlocale(LC_CTYPE, "C.UTF-8");
	assert_contains(output, " 38.100 ###################################\n");
	assert_contains(output, " 0.200 .\n");
	assert_contains(output, "# measured, . estimated\n");
	free(output);
}

static void bars_fit(const struct handshake *handshake, int width)
{
	char *output = NULL;
	size_t size;
	FILE *out = open_memstream(&output, &size);
	struct sink_settings settings = {.out = out, .width = width};

	assert_non_null(out);
	bars_print(&settings, &handshake->latency);
	fclose(out);
	for (char *line = strtok(output, "\n"); line; line = strtok(NULL, "\n")) {
		if (strstr(line, "latency  ") || strstr(line, "slow because"))
			continue;
		if (text_width(line) > (size_t)width)
			fail_msg("%d columns: \"%s\" has %zu", width, line, text_width(line));
	}
	free(output);
}

/* Bars of any phases at any width fit, and none is missing. */
static void test_bars_width(void **state)
{
	struct handshake handshake = with_phases();

	(void)state;
	for (int width = 68; width <= 300; width++)
		bars_fit(&handshake, width);
	for (int round = 0; round < 200; round++) {
		struct latency *latency = &handshake.latency;
		uint64_t at = START_NS;

		latency->phase_count = (size_t)(rand() % HANDSHAKE_PHASES_MAX) + 1;
		for (size_t i = 0; i < latency->phase_count; i++) {
			latency->phases[i] =
				(struct phase){PHASE_SERVER_WAKEUP,
					       END_SERVER,
					       at,
					       (uint64_t)(rand() % 3 ? rand() % 1000 : 0),
					       rand() % 2,
					       false,
					       false,
					       false,
					       0};
			at += latency->phases[i].duration_ns;
		}
		bars_fit(&handshake, 68 + rand() % 200);
	}
}

static void assert_cause(const struct handshake *handshake, const char *expected)
{
	char cause[256];

	phases_cause_write(&handshake->latency, cause, sizeof(cause));
	assert_string_equal(cause, expected);
}

/* One phase is the cause if it is more than half of all, else several are. */
static void test_cause(void **state)
{
	struct handshake handshake = with_phases();
	struct phase *phases = handshake.latency.phases;

	(void)state;
	assert_cause(&handshake, "slow because: server_crypto 38.1 ms of 40.2 ms");
	phases[3].duration_ns = 2 * MS;
	phases[4].duration_ns = 2 * MS;
	phases[5].duration_ns = 1 * MS;
	assert_cause(&handshake, "slow because: server_crypto 2.0 ms, "
				 "reply_network about 2.0 ms of 5.6 ms");
	phases[2].duration_ns = 248 * MS;
	phases[2].estimated = false;
	phases[2].lost = true;
	assert_cause(&handshake, "slow because: ClientHello lost, sent again after 248.0 ms "
				 "of 253.4 ms");
	assert_string_equal(phase_meaning(&phases[2]), "lost on the way, until it was sent again");
	/* An end that is elsewhere is not blamed for what may have been the way's. */
	phases[3].kind = PHASE_SERVER;
	phases[3].estimated = true;
	phases[3].error_ns = 2 * MS;
	assert_string_equal(phase_meaning(&phases[3]), "server, or lost or queued on the way");
	for (size_t i = 0; i < handshake.latency.phase_count; i++)
		phases[i].duration_ns = 0;
	assert_cause(&handshake, "");
	handshake.latency.phase_count = 0;
	assert_cause(&handshake, "");
}

/* QUIC's own version is what the row shows. */
static void test_rows_quic(void **state)
{
	static const struct {
		uint32_t version;
		const char *name;
	} versions[] = {{1, " QUICv1 "},
			{0x6b3343cf, " QUICv2 "},
			{0xff00001d, " QUICd29 "},
			{0x1a2a3a4a, " QUIC "}};
	struct handshake handshake = example;

	(void)state;
	handshake.transport = TRANSPORT_QUIC;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		char *table, *tree;

		handshake.quic_version = versions[i].version;
		table = row_print(&sink_table, 0, false, &handshake);
		tree = row_print(&sink_tree, 80, false, &handshake);
		assert_contains(table, versions[i].name);
		assert_contains(tree, versions[i].name);
		free(table);
		free(tree);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_escape_marks),
		cmocka_unit_test(test_escape_cut),
		cmocka_unit_test(test_helpers),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_json_failed),
		cmocka_unit_test(test_json_quic),
		cmocka_unit_test(test_rows_quic),
		cmocka_unit_test(test_json_unknown),
		cmocka_unit_test(test_table_width),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_short_verdict),
		cmocka_unit_test(test_table_words),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_json_certificates),
		cmocka_unit_test(test_tree_certificates),
		cmocka_unit_test(test_json_phases),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_bars),
		cmocka_unit_test(test_bars_width),
		cmocka_unit_test(test_cause),
	};

	/* The width of characters and the mark of a cut are the locale's. */
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
