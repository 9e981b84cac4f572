/* SPDX-License-Identifier: BSD-2-Clause */
#include "verdict_fixture.h"

enum { MESSAGES_MAX = 8 };

static uint8_t offered_alpn[] = "\x02h2\x03"
				"a\x1b"
				"b";
static char *sans[] = {(char *)"DNS:*.example.org", (char *)"DNS:a.test", (char *)"DNS:b.test",
		       (char *)"DNS:c.test"};

struct certificate leaf = {
	.subject = (char *)"CN=web",
	.issuer = (char *)"CN=middle",
	.sans = sans,
	.san_count = 1,
	.not_before = NOON - 100,
	.not_after = NOON + 100,
};
struct certificate middle = {
	.subject = (char *)"CN=middle",
	.issuer = (char *)"CN=root",
	.not_before = NOON - 100,
	.not_after = NOON + 100,
};
struct certificate old_middle = {
	.subject = (char *)"CN=middle",
	.issuer = (char *)"CN=root",
	.not_before = NOON - 100,
	.not_after = NOON - 10,
};
struct certificate late_leaf = {
	.subject = (char *)"CN=web",
	.issuer = (char *)"CN=root",
	.sans = sans,
	.san_count = 4,
	.not_before = NOON + 10,
	.not_after = NOON + 100,
};

static const struct message first_message = {
	.time_ns = HELLO_NS,
	.from = END_CLIENT,
	.kind = MESSAGE_HANDSHAKE,
	.type = TLS_CLIENT_HELLO,
	.record = 22,
};
static struct message messages[MESSAGES_MAX];

static const struct handshake hello = {
	.has_random = true,
	.time_ns = HELLO_NS,
	.last_ns = HELLO_NS,
	.end_ns = HELLO_NS + 2 * MS,
	.outcome = HANDSHAKE_FAILED,
	.failure = {.alert = -1, .by = END_SERVER},
	.ends[END_CLIENT] = {.process = {.pid = 812, .comm = "curl"}, .socket_id = 1},
	.ends[END_SERVER] = {.process = {.pid = 711, .comm = "nginx"},
			     .socket_id = 2,
			     .last_read_ns = HELLO_NS + MS},
	.offer = {.version = 0x0303,
		  .ciphers = CODES(0x1a1a, 0xc02b, 0x00ff),
		  .whole = true,
		  .groups = CODES(0x001e),
		  .alpn = offered_alpn,
		  .alpn_length = sizeof(offered_alpn) - 1},
	.sni = (char *)"www.example.org",
	.sni_length = 15,
	.messages = messages,
	.message_count = 1,
};

struct handshake hello_new(void)
{
	messages[0] = first_message;
	return hello;
}

void say_message(struct handshake *handshake, enum handshake_end from, int type, bool encrypted)
{
	handshake->messages[handshake->message_count++] = (struct message){
		.time_ns = HELLO_NS + MS,
		.from = from,
		.record = encrypted ? 23 : 22,
		.kind = type == HIDDEN ? MESSAGE_HIDDEN : MESSAGE_HANDSHAKE,
		.type = (uint8_t)(type == HIDDEN ? 0 : type),
		.encrypted = encrypted,
	};
}

void refuse(struct handshake *handshake, enum handshake_end by, int code)
{
	handshake->failure.kind = FAILURE_ALERT;
	handshake->failure.by = by;
	handshake->failure.alert = code;
}

void leave(struct handshake *handshake, enum failure_kind kind, enum handshake_end by)
{
	handshake->failure.kind = kind;
	handshake->failure.by = by;
	handshake->ends[END_CLIENT].left = handshake->ends[END_SERVER].left = true;
}

void answer_hello(struct handshake *handshake, uint16_t version)
{
	handshake->version = version;
	handshake->has_server_random = true;
	say_message(handshake, END_SERVER, TLS_SERVER_HELLO, false);
	if (version != 0x0304)
		say_message(handshake, END_SERVER, TLS_CERTIFICATE, false);
	say_message(handshake, END_SERVER, version == 0x0304 ? HIDDEN : TLS_SERVER_HELLO_DONE,
		    version == 0x0304);
}

void send_certificates(struct handshake *handshake, enum handshake_end from,
		       struct certificate *first, struct certificate *second)
{
	static struct sent_certificate sent[2];

	sent[0] = (struct sent_certificate){from, first};
	sent[1] = (struct sent_certificate){from, second};
	handshake->certificates = sent;
	handshake->certificate_count = 2;
}
