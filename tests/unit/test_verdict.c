/* SPDX-License-Identifier: BSD-2-Clause */
/* What a row ends with: each sentence there is, and that the manual lists it. */
#include "build.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "handshake/cause.h"
#include "handshake/handshake.h"
#include "sink/sink.h"
#include "sink/text.h"
#include "sink/verdict.h"
#include "tls/certificate.h"
#include "tls/hello.h"

#define MANUAL "docs/tlstrace.8.rst"
#define CODES(...)                                                                                 \
	{                                                                                          \
		(uint16_t[]){__VA_ARGS__}, sizeof((uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t)    \
	}
#define NOON	 INT64_C(1700000000) /* of the handshakes here, seconds since 1970 */
#define HELLO_NS (NOON * 1000 * MS)
#define CURL	 "client curl[812]"
#define NGINX	 "server nginx[711]"

static uint8_t offered_alpn[] = "\x02h2\x03"
				"a\x1b"
				"b";
static char *sans[] = {(char *)"DNS:*.example.org", (char *)"DNS:a.test", (char *)"DNS:b.test",
		       (char *)"DNS:c.test"};

static struct certificate leaf = {
	.subject = (char *)"CN=web",
	.issuer = (char *)"CN=middle",
	.sans = sans,
	.san_count = 1,
	.not_before = NOON - 100,
	.not_after = NOON + 100,
};
static struct certificate middle = {
	.subject = (char *)"CN=middle",
	.issuer = (char *)"CN=root",
	.not_before = NOON - 100,
	.not_after = NOON + 100,
};
static struct certificate old_middle = {
	.subject = (char *)"CN=middle",
	.issuer = (char *)"CN=root",
	.not_before = NOON - 100,
	.not_after = NOON - 10,
};
static struct certificate late_leaf = {
	.subject = (char *)"CN=web",
	.issuer = (char *)"CN=root",
	.sans = sans,
	.san_count = 4,
	.not_before = NOON + 10,
	.not_after = NOON + 100,
};

enum { HIDDEN = -1, MESSAGES_MAX = 8 };

static const struct message first_message = {
	.time_ns = HELLO_NS,
	.from = END_CLIENT,
	.kind = MESSAGE_HANDSHAKE,
	.type = TLS_CLIENT_HELLO,
	.record = 22,
};
static struct message messages[MESSAGES_MAX];

/* One hello, at NOON; both ends are on this host, the server has read it. */
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

/* A handshake message of this type. */
static void say(struct handshake *handshake, enum handshake_end from, int type, bool encrypted)
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

static void alert(struct handshake *handshake, enum handshake_end by, int code)
{
	handshake->failure.kind = FAILURE_ALERT;
	handshake->failure.by = by;
	handshake->failure.alert = code;
}

static void end(struct handshake *handshake, enum failure_kind kind, enum handshake_end by)
{
	handshake->failure.kind = kind;
	handshake->failure.by = by;
	handshake->ends[END_CLIENT].left = handshake->ends[END_SERVER].left = true;
}

static void answer(struct handshake *handshake, uint16_t version)
{
	handshake->version = version;
	handshake->has_server_random = true;
	say(handshake, END_SERVER, TLS_SERVER_HELLO, false);
	if (version != 0x0304)
		say(handshake, END_SERVER, TLS_CERTIFICATE, false);
	say(handshake, END_SERVER, version == 0x0304 ? HIDDEN : TLS_SERVER_HELLO_DONE,
	    version == 0x0304);
}

static void certificates(struct handshake *handshake, enum handshake_end from,
			 struct certificate *first, struct certificate *second)
{
	static struct sent_certificate sent[2];

	sent[0] = (struct sent_certificate){from, first};
	sent[1] = (struct sent_certificate){from, second};
	handshake->certificates = sent;
	handshake->certificate_count = 2;
}

static void no_version(struct handshake *handshake)
{
	alert(handshake, END_SERVER, 70);
}

static void no_listed_version(struct handshake *handshake)
{
	static uint16_t versions[] = {0x2a2a, 0x0302, 0x0301};

	alert(handshake, END_SERVER, 70);
	handshake->offer.versions = (struct code_list){versions, 3};
}

static void version_chosen(struct handshake *handshake)
{
	answer(handshake, 0x0301);
	alert(handshake, END_CLIENT, 70);
}

static void no_protocol(struct handshake *handshake)
{
	alert(handshake, END_SERVER, 120);
}
static void no_name(struct handshake *handshake)
{
	alert(handshake, END_SERVER, 112);
}
static void fell_back(struct handshake *handshake)
{
	alert(handshake, END_SERVER, 86);
}

static void no_sni(struct handshake *handshake)
{
	alert(handshake, END_SERVER, 112);
	handshake->sni = NULL;
}

static void malformed(struct handshake *handshake)
{
	alert(handshake, END_SERVER, 50);
	handshake->offer.whole = false;
}

static void cut_off(struct handshake *handshake)
{
	malformed(handshake);
	handshake->truncated = true;
}

static void downgraded(struct handshake *handshake)
{
	static uint16_t versions[] = {0x0304, 0x0303};

	answer(handshake, 0x0303);
	memcpy(handshake->server_random + 24, "DOWNGRD\1", 8);
	handshake->offer.versions = (struct code_list){versions, 2};
	alert(handshake, END_CLIENT, 47);
}

static void not_downgraded(struct handshake *handshake)
{
	downgraded(handshake);
	handshake->offer.versions.count = 0;
}

static void no_cipher(struct handshake *handshake)
{
	alert(handshake, END_SERVER, 40);
}

static void many_offers(struct handshake *handshake)
{
	static uint16_t codes[] = {1, 2, 3, 4, 5};

	alert(handshake, END_SERVER, 71);
	handshake->offer.ciphers = handshake->offer.groups = (struct code_list){codes, 5};
}

static void unknown_alert(struct handshake *handshake)
{
	alert(handshake, END_UNKNOWN, 253);
}

static void unknown_ca(struct handshake *handshake)
{
	answer(handshake, 0x0303);
	certificates(handshake, END_SERVER, &leaf, &middle);
	alert(handshake, END_CLIENT, 48);
}

static void unknown_ca_hidden(struct handshake *handshake)
{
	answer(handshake, 0x0304);
	alert(handshake, END_CLIENT, 48);
}

static void expired_middle(struct handshake *handshake)
{
	unknown_ca(handshake);
	certificates(handshake, END_SERVER, &leaf, &old_middle);
	alert(handshake, END_CLIENT, 45);
}

static void too_early_other_name(struct handshake *handshake)
{
	unknown_ca(handshake);
	certificates(handshake, END_SERVER, &late_leaf, &middle);
	handshake->sni = (char *)"a.b.example.org";
	handshake->messages[1].alert_level = 1;
	handshake->messages[1].alert = 112;
	alert(handshake, END_CLIENT, 42);
}

static void client_rejected(struct handshake *handshake)
{
	unknown_ca(handshake);
	certificates(handshake, END_CLIENT, &old_middle, &middle);
	alert(handshake, END_SERVER, 46);
}

static void required(struct handshake *handshake)
{
	alert(handshake, END_SERVER, 116);
}

static void declined(struct handshake *handshake)
{
	answer(handshake, 0x0303);
	say(handshake, END_CLIENT, TLS_CERTIFICATE, false);
	handshake->client_auth = TRI_DECLINED;
	alert(handshake, END_SERVER, 40);
}

static void encrypted(struct handshake *handshake, enum handshake_end by)
{
	alert(handshake, by, -1);
	handshake->failure.encrypted = true;
}

static void late_declined(struct handshake *handshake)
{
	answer(handshake, 0x0304);
	say(handshake, END_CLIENT, TLS_FINISHED, true);
	handshake->client_auth = TRI_DECLINED;
	encrypted(handshake, END_SERVER);
}

static void late_sent(struct handshake *handshake)
{
	late_declined(handshake);
	handshake->client_auth = TRI_SENT;
}

static void flight_refused(struct handshake *handshake)
{
	answer(handshake, 0x0304);
	encrypted(handshake, END_CLIENT);
}

static void resumed_refused(struct handshake *handshake)
{
	flight_refused(handshake);
	handshake->resumed = true;
}

static void refused_early(struct handshake *handshake)
{
	answer(handshake, 0x0304);
	encrypted(handshake, END_SERVER);
}

static void encrypted_old(struct handshake *handshake)
{
	answer(handshake, 0x0303);
	encrypted(handshake, END_CLIENT);
}

static void goodbye(struct handshake *handshake)
{
	answer(handshake, 0x0303);
	say(handshake, END_CLIENT, HIDDEN, false);
	handshake->messages[handshake->message_count - 1].record = 21;
	handshake->messages[handshake->message_count - 1].time_ns = handshake->end_ns;
	end(handshake, FAILURE_CLOSED, END_CLIENT);
	handshake->failure.alert = 0;
}

/* A message that was under way when the other end left. */
static void crosses(struct handshake *handshake, enum handshake_end from, uint8_t type)
{
	say(handshake, from, type, false);
	handshake->messages[handshake->message_count - 1].time_ns = handshake->end_ns + MS;
}

static void goodbye_crossed(struct handshake *handshake)
{
	goodbye(handshake);
	crosses(handshake, END_SERVER, TLS_NEW_SESSION_TICKET);
}

static void given_up_crossed(struct handshake *handshake)
{
	end(handshake, FAILURE_CLOSED, END_CLIENT);
	crosses(handshake, END_SERVER, TLS_SERVER_HELLO);
}

static void closed(struct handshake *handshake)
{
	end(handshake, FAILURE_CLOSED, END_SERVER);
}

static void killed(struct handshake *handshake)
{
	closed(handshake);
	handshake->ends[END_SERVER].exited = true;
	handshake->ends[END_SERVER].exit_signal = 11;
}

static void killed_with_data_unread(struct handshake *handshake)
{
	killed(handshake);
	handshake->failure.kind = FAILURE_RESET;
	handshake->ends[END_SERVER].reset_sent = true;
	handshake->ends[END_SERVER].exit_signal = 40;
}

static void client_exited(struct handshake *handshake)
{
	end(handshake, FAILURE_CLOSED, END_CLIENT);
	handshake->ends[END_CLIENT].exited = true;
	handshake->ends[END_CLIENT].exit_status = 28;
}

static void hello_part(struct handshake *handshake)
{
	handshake->offer.partial = true;
	handshake->offer.size = 1760;
	handshake->offer.received = 1208;
	end(handshake, FAILURE_TIMEOUT, END_CLIENT);
}

static void hello_part_closed(struct handshake *handshake)
{
	hello_part(handshake);
	end(handshake, FAILURE_CLOSED, END_SERVER);
}

static void closed_by_client(struct handshake *handshake)
{
	unknown_ca(handshake);
	certificates(handshake, END_SERVER, &old_middle, &middle);
	end(handshake, FAILURE_CLOSED, END_CLIENT);
	handshake->failure.alert = -1;
}

static void given_up(struct handshake *handshake)
{
	end(handshake, FAILURE_CLOSED, END_CLIENT);
	handshake->ends[END_SERVER].last_read_ns = 0;
}

static void closed_before(struct handshake *handshake)
{
	end(handshake, FAILURE_CLOSED, END_CLIENT);
	handshake->closed_before = true;
}

static void closed_before_and_silent(struct handshake *handshake)
{
	end(handshake, FAILURE_TIMEOUT, END_SERVER);
	handshake->closed_before = true;
}

static void echo(struct handshake *handshake)
{
	handshake->failure.kind = FAILURE_REFUSED;
	handshake->failure.echoed = true;
}

static void greeted(struct handshake *handshake)
{
	alert(handshake, END_CLIENT, 80);
	handshake->failure.greeted = true;
	handshake->failure.protocol = PLAINTEXT_IMAP;
}

static void spoke_first(struct handshake *handshake)
{
	greeted(handshake);
	handshake->failure.protocol = PLAINTEXT_UNKNOWN;
}

static void left_for_name(struct handshake *handshake)
{
	answer(handshake, 0x0303);
	certificates(handshake, END_SERVER, &leaf, &middle);
	handshake->sni = (char *)"a.b.example.org";
	handshake->sni_length = 15;
	handshake->outcome = HANDSHAKE_COMPLETED;
	handshake->left_at_once = true;
	handshake->left_by = END_CLIENT;
}

/* A health check is the same with a good certificate. */
static void health_check(struct handshake *handshake)
{
	left_for_name(handshake);
	handshake->sni = (char *)"www.example.org";
}

static void did_not_wait(struct handshake *handshake)
{
	end(handshake, FAILURE_CLOSED, END_CLIENT);
	handshake->end_ns = HELLO_NS + MS / 2;
}

static void undelivered(struct handshake *handshake)
{
	closed(handshake);
	handshake->undelivered[END_CLIENT] = true;
	handshake->ends[END_SERVER].last_read_ns = 0;
}

/* Only the acknowledgement did not arrive: the server has read. */
static void delivered(struct handshake *handshake)
{
	undelivered(handshake);
	handshake->ends[END_SERVER].last_read_ns = HELLO_NS + MS;
}

static void closed_quic(struct handshake *handshake)
{
	closed(handshake);
	handshake->failure.has_error = true;
	handshake->failure.error = 2;
}

static void reset(struct handshake *handshake)
{
	end(handshake, FAILURE_RESET, END_SERVER);
}
static void reset_waiting(struct handshake *handshake)
{
	end(handshake, FAILURE_RESET, END_CLIENT);
}

static void reset_between(struct handshake *handshake)
{
	reset(handshake);
	handshake->ends[END_SERVER].left = false;
}

static void reset_by_socket(struct handshake *handshake)
{
	reset_between(handshake);
	handshake->ends[END_SERVER].reset_sent = true;
}

static void reset_by_remote(struct handshake *handshake)
{
	reset_between(handshake);
	handshake->ends[END_SERVER].socket_id = 0;
}

static void silent(struct handshake *handshake)
{
	handshake->failure.kind = FAILURE_TIMEOUT;
	handshake->ends[END_SERVER].socket_id = 0;
}

static void silent_after_reading(struct handshake *handshake)
{
	handshake->failure.kind = FAILURE_TIMEOUT;
}

static void silent_unsent(struct handshake *handshake)
{
	handshake->failure.kind = FAILURE_TIMEOUT;
	handshake->ends[END_SERVER].first_write_ns = handshake->ends[END_SERVER].last_write_ns =
		HELLO_NS + MS + 1;
}

/* Its answer came, only too late. */
static void given_up_answered(struct handshake *handshake)
{
	silent_unsent(handshake);
	end(handshake, FAILURE_CLOSED, END_CLIENT);
	crosses(handshake, END_SERVER, TLS_SERVER_HELLO);
}

static void given_up_unsent(struct handshake *handshake)
{
	silent_unsent(handshake);
	end(handshake, FAILURE_CLOSED, END_CLIENT);
}

static void silent_unread(struct handshake *handshake)
{
	handshake->failure.kind = FAILURE_TIMEOUT;
	handshake->ends[END_SERVER].last_read_ns = 0;
}

static void client_unread(struct handshake *handshake)
{
	answer(handshake, 0x0303);
	handshake->failure.kind = FAILURE_TIMEOUT;
	handshake->failure.by = END_CLIENT;
}

static void silent_quic(struct handshake *handshake)
{
	handshake->failure.kind = FAILURE_TIMEOUT;
	handshake->failure.by = END_UNKNOWN;
}

static void quic_version(struct handshake *handshake)
{
	handshake->failure.kind = FAILURE_TIMEOUT;
	handshake->failure.by = END_CLIENT;
	handshake->messages[handshake->message_count - 1].record =
		RECORD_KIND_QUIC_VERSION_NEGOTIATION;
}

static void http(struct handshake *handshake)
{
	handshake->failure.kind = FAILURE_REFUSED;
	handshake->failure.protocol = PLAINTEXT_HTTP;
}

static void nonsense(struct handshake *handshake)
{
	handshake->failure.kind = FAILURE_REFUSED;
}
static void fine(struct handshake *handshake)
{
	handshake->outcome = HANDSHAKE_COMPLETED;
}
static void pending(struct handshake *handshake)
{
	handshake->outcome = HANDSHAKE_INCOMPLETE;
}

static void late(struct handshake *handshake)
{
	pending(handshake);
	handshake->late_start = true;
}

static void lost(struct handshake *handshake)
{
	late(handshake);
	handshake->gap = true;
}

static void ssl2(struct handshake *handshake)
{
	pending(handshake);
	handshake->version = 2;
}

#define ONLY                                                                                       \
	" (client offers only TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256; client offers only x448)"

static const struct {
	void (*make)(struct handshake *handshake);
	enum verdict_form form;
	const char *cause; /* in JSON */
	const char *expected;
} cases[] = {
	{fine, VERDICT_OK, NULL, "ok"},
	{no_version, VERDICT_REFUSED_FOR, "version",
	 NGINX " refused the handshake: client offers at most TLSv1.2 (protocol_version)"},
	{no_listed_version, VERDICT_REFUSED_FOR, "version",
	 NGINX " refused the handshake: client offers only TLSv1.1, TLSv1.0 (protocol_version)"},
	{version_chosen, VERDICT_REFUSED_FOR, "version",
	 CURL " refused the handshake: server chose TLSv1.0 (protocol_version)"},
	{no_protocol, VERDICT_REFUSED_FOR, "alpn",
	 NGINX " refused the handshake: client offers only "
	       "the protocols h2, a\\x1bb (no_application_protocol)"},
	{no_name, VERDICT_REFUSED_FOR, "server_name",
	 NGINX
	 " refused the handshake: it does not know the name www.example.org (unrecognized_name)"},
	{no_sni, VERDICT_REFUSED_FOR, "no_server_name",
	 NGINX " refused the handshake: client sent no server name (unrecognized_name)"},
	{refused_early, VERDICT_ENCRYPTED_EARLY, NULL,
	 NGINX " refused the handshake before its certificate: encrypted alert (client offers only "
	       "the protocols h2, a\\x1bb)"},
	{fell_back, VERDICT_REFUSED_FOR, "fallback",
	 NGINX " refused the handshake: client says that "
	       "it fell back to TLSv1.2 (inappropriate_fallback)"},
	{malformed, VERDICT_REFUSED_FOR, "malformed_hello",
	 NGINX " refused the handshake: the ClientHello is malformed (decode_error)"},
	{cut_off, VERDICT_REFUSED, NULL, NGINX " refused the handshake: decode_error"},
	{downgraded, VERDICT_REFUSED_FOR, "downgrade",
	 CURL " refused the handshake: server chose TLSv1.2 "
	      "and marked that it could do more, which client offers (illegal_parameter)"},
	{not_downgraded, VERDICT_REFUSED, NULL, CURL " refused the handshake: illegal_parameter"},
	{no_cipher, VERDICT_REFUSED, NULL, NGINX " refused the handshake: handshake_failure" ONLY},
	{many_offers, VERDICT_REFUSED, NULL, NGINX " refused the handshake: insufficient_security"},
	{unknown_alert, VERDICT_REFUSED, NULL, "one end refused the handshake: 0xfd"},
	{unknown_ca, VERDICT_REJECTED_CERTIFICATE, "certificate_issuer",
	 CURL
	 " rejected the server's certificate: unknown_ca (issued by CN=root, which was not sent)"},
	{unknown_ca_hidden, VERDICT_REJECTED_CERTIFICATE, "certificate_issuer",
	 CURL " rejected the server's certificate: unknown_ca"},
	{expired_middle, VERDICT_REJECTED_CERTIFICATE, "certificate_expired",
	 CURL " rejected the server's certificate: certificate_expired "
	      "(not after 2023-11-14T22:13:10Z: CN=middle)"},
	{too_early_other_name, VERDICT_REJECTED_CERTIFICATE, NULL,
	 CURL
	 " rejected the server's certificate: bad_certificate (not before 2023-11-14T22:13:30Z; "
	 "certificate is for *.example.org, a.test, b.test, ..., not a.b.example.org; "
	 "after the warning unrecognized_name)"},
	{client_rejected, VERDICT_REJECTED_CERTIFICATE, NULL,
	 NGINX " rejected the client's certificate: "
	       "certificate_unknown (not after 2023-11-14T22:13:10Z)"},
	{required, VERDICT_WANTS_CERTIFICATE, "no_certificate",
	 NGINX " wants a certificate and got none: certificate_required"},
	{declined, VERDICT_WANTS_CERTIFICATE, "no_certificate",
	 NGINX " wants a certificate and got none: handshake_failure"},
	{late_declined, VERDICT_ENCRYPTED_NO_CERTIFICATE, "no_certificate",
	 NGINX " refused the handshake after the client sent no certificate: encrypted alert"},
	{late_sent, VERDICT_ENCRYPTED_CERTIFICATE, NULL,
	 NGINX " refused the handshake after the client's certificate: encrypted alert"},
	{flight_refused, VERDICT_ENCRYPTED_FLIGHT, NULL,
	 CURL " refused the server's encrypted messages, such as its certificate: encrypted alert"},
	{resumed_refused, VERDICT_ENCRYPTED, NULL, CURL " sent an encrypted alert"},
	{encrypted_old, VERDICT_ENCRYPTED, NULL, CURL " sent an encrypted alert"},
	{goodbye, VERDICT_GOODBYE, NULL,
	 CURL " gave up the handshake 1.0 ms after the server's flight with "
	      "its certificate: close_notify"},
	{goodbye_crossed, VERDICT_GOODBYE, NULL,
	 CURL " gave up the handshake 1.0 ms after the server's "
	      "flight with its certificate: close_notify"},
	{given_up_crossed, VERDICT_CLOSED_WAITING, "no_answer",
	 CURL " closed the connection after waiting 2.0 ms for " NGINX},
	{closed, VERDICT_CLOSED, NULL,
	 NGINX " closed the connection 2.0 ms after the ClientHello, without an alert"},
	{closed_by_client, VERDICT_CLOSED, NULL,
	 CURL " closed the connection 1.0 ms after the server's "
	      "flight with its certificate, without an alert (not after 2023-11-14T22:13:10Z)"},
	{given_up, VERDICT_CLOSED_WAITING, "no_answer",
	 CURL " closed the connection after waiting 2.0 ms "
	      "for " NGINX " (which did not read from the connection)"},
	{client_exited, VERDICT_CLOSED_WAITING, "no_answer",
	 CURL " closed the connection after waiting 2.0 ms "
	      "for " NGINX " (the client's process exited with status 28)"},
	{killed, VERDICT_KILLED, "killed",
	 NGINX " was killed by SIGSEGV 2.0 ms after the ClientHello"},
	{killed_with_data_unread, VERDICT_KILLED, "killed",
	 NGINX " was killed by signal 40 2.0 ms after the ClientHello"},
	{closed_before, VERDICT_CLOSED_BEFORE, "closed_before",
	 NGINX " closed the connection before the ClientHello came"},
	{closed_before_and_silent, VERDICT_CLOSED_BEFORE, "closed_before",
	 NGINX " closed the connection before the ClientHello came"},
	{closed_quic, VERDICT_CLOSED_QUIC, NULL,
	 NGINX " closed the connection before the handshake was complete: CONNECTION_REFUSED"},
	{reset, VERDICT_RESET, NULL, NGINX " reset the connection 2.0 ms after the ClientHello"},
	{reset_by_socket, VERDICT_RESET, NULL,
	 NGINX " reset the connection 2.0 ms after the ClientHello"},
	{reset_by_remote, VERDICT_RESET, NULL,
	 NGINX " reset the connection 2.0 ms after the ClientHello"},
	{reset_waiting, VERDICT_RESET_WAITING, "no_answer",
	 CURL " reset the connection after waiting 2.0 ms for " NGINX},
	{reset_between, VERDICT_RESET_BETWEEN, "between",
	 "a middlebox, such as a firewall, reset the connection 2.0 ms after the ClientHello"},
	{silent, VERDICT_SILENT, "no_answer", NGINX " did not answer within 2.0 ms"},
	{silent_after_reading, VERDICT_SILENT_AFTER_READING, "no_answer",
	 NGINX " has read the ClientHello and did not answer within 2.0 ms"},
	{silent_unsent, VERDICT_SILENT_UNSENT, "not_sent",
	 NGINX "'s answer to the ClientHello never left this host (2.0 ms)"},
	{given_up_answered, VERDICT_CLOSED_WAITING, "no_answer",
	 CURL " closed the connection after waiting 2.0 ms for " NGINX},
	{given_up_unsent, VERDICT_CLOSED_WAITING, "no_answer",
	 CURL " closed the connection after waiting "
	      "2.0 ms for " NGINX " (whose answer never left this host)"},
	{silent_unread, VERDICT_SILENT_UNREAD, "not_read",
	 NGINX " did not read the ClientHello within 2.0 ms"},
	{client_unread, VERDICT_SILENT_UNREAD, "not_read",
	 CURL " did not read the server's flight "
	      "with its certificate within 1.0 ms"},
	{hello_part, VERDICT_SILENT_HELLO, "no_answer",
	 CURL " sent nothing more within 2.0 ms (only 1208 of 1760 bytes of the ClientHello came)"},
	{hello_part_closed, VERDICT_CLOSED_WAITING, "no_answer",
	 NGINX " closed the connection after waiting "
	       "2.0 ms for " CURL " (only 1208 of 1760 bytes of the ClientHello came)"},
	{silent_quic, VERDICT_SILENT_QUIC, NULL,
	 "neither end sent more of the encrypted handshake within 2.0 ms"},
	{quic_version, VERDICT_QUIC_VERSION, "version",
	 NGINX " offered other versions of QUIC, and the client accepted none within 2.0 ms"},
	{http, VERDICT_OTHER_PROTOCOL, "plaintext", NGINX " answered in HTTP, not in TLS"},
	{nonsense, VERDICT_NOT_TLS, NULL, NGINX " answered with something that is not TLS"},
	{pending, VERDICT_TRACE_ENDED, NULL,
	 "incomplete: the trace ended 2.0 ms after the ClientHello, waiting for " NGINX},
	{echo, VERDICT_ECHO, "echo", NGINX " answered with the client's own ClientHello"},
	{left_for_name, VERDICT_LEFT, NULL,
	 "client left: certificate is for *.example.org, not a.b.example.org"},
	{health_check, VERDICT_OK, NULL, "ok"},
	{greeted, VERDICT_GREETED, "greeted",
	 NGINX " speaks IMAP, not TLS: it greeted before the ClientHello"},
	{spoke_first, VERDICT_SPOKE_FIRST, "greeted",
	 NGINX " spoke before the ClientHello, in something that is not TLS"},
	{did_not_wait, VERDICT_DID_NOT_WAIT, "did_not_wait",
	 CURL " closed the connection 0.5 ms after the ClientHello, without waiting for an answer"},
	{delivered, VERDICT_CLOSED, NULL,
	 NGINX " closed the connection 2.0 ms after the ClientHello, without an alert"},
	{undelivered, VERDICT_NOT_DELIVERED, "not_delivered",
	 "the ClientHello was not delivered: " NGINX " did not acknowledge it within 2.0 ms"},
	{late, VERDICT_LATE_START, NULL,
	 "incomplete: the trace began in the middle of the handshake"},
	{lost, VERDICT_EVENTS_LOST, NULL, "incomplete: events were lost"},
	{ssl2, VERDICT_SSL2, NULL, "incomplete: SSL 2.0 is not followed after its hellos"},
};

static void test_sentences(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct handshake handshake = hello;
		char verdict[TEXT_VERDICT_SIZE];
		const char *cause;

		messages[0] = first_message;
		cases[i].make(&handshake);
		handshake_causes(&handshake, 0);
		verdict_write(&handshake, verdict, sizeof(verdict));
		assert_string_equal(verdict, cases[i].expected);
		assert_int_equal(verdict_form(&handshake), cases[i].form);
		cause = failure_fact_name(handshake.failure.cause);
		assert_string_equal(cause ? cause : "", cases[i].cause ? cases[i].cause : "");
	}
}

static void test_every_form(void **state)
{
	bool covered[VERDICT_FORMS] = {false};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		covered[cases[i].form] = true;
	for (size_t form = 0; form < VERDICT_FORMS; form++)
		if (!covered[form])
			fail_msg("no case for: %s", verdict_forms[form]);
}

/* The manual's text with every run of space as one, markup left out. */
static char *manual_read(void)
{
	FILE *file = fopen(MANUAL, "r");
	char *text = calloc(1, 1 << 18), *to = text;
	int byte, last = ' ';

	assert_non_null(file);
	assert_non_null(text);
	while ((byte = fgetc(file)) != EOF && to < text + (1 << 18) - 1) {
		if (byte == '*' || byte == '\\')
			continue;
		byte = isspace(byte) ? ' ' : byte;
		if (byte != ' ' || last != ' ')
			*to++ = byte;
		last = byte;
	}
	fclose(file);
	return text;
}

static void test_manual(void **state)
{
	char *manual = manual_read();

	(void)state;
	for (size_t form = 0; form < VERDICT_FORMS; form++)
		if (!strstr(manual, verdict_forms[form]))
			fail_msg(MANUAL " does not list: %s", verdict_forms[form]);
	free(manual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_every_form),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
