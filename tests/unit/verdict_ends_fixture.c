/* SPDX-License-Identifier: BSD-2-Clause */
#include "verdict_fixture.h"

static void goodbye(struct handshake *handshake)
{
	answer_hello(handshake, 0x0303);
	say_message(handshake, END_CLIENT, HIDDEN, false);
	handshake->messages[handshake->message_count - 1].record = 21;
	handshake->messages[handshake->message_count - 1].time_ns = handshake->end_ns;
	leave(handshake, FAILURE_CLOSED, END_CLIENT);
	handshake->failure.alert = 0;
}

/* A message that was under way when the other end left. */
static void crosses(struct handshake *handshake, enum handshake_end from, uint8_t type)
{
	say_message(handshake, from, type, false);
	handshake->messages[handshake->message_count - 1].time_ns = handshake->end_ns + MS;
}

static void goodbye_crossed(struct handshake *handshake)
{
	goodbye(handshake);
	crosses(handshake, END_SERVER, TLS_NEW_SESSION_TICKET);
}

static void given_up_crossed(struct handshake *handshake)
{
	leave(handshake, FAILURE_CLOSED, END_CLIENT);
	crosses(handshake, END_SERVER, TLS_SERVER_HELLO);
}

static void closed(struct handshake *handshake)
{
	leave(handshake, FAILURE_CLOSED, END_SERVER);
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
	leave(handshake, FAILURE_CLOSED, END_CLIENT);
	handshake->ends[END_CLIENT].exited = true;
	handshake->ends[END_CLIENT].exit_status = 28;
}

static void hello_part(struct handshake *handshake)
{
	handshake->offer.partial = true;
	handshake->offer.size = 1760;
	handshake->offer.received = 1208;
	leave(handshake, FAILURE_TIMEOUT, END_CLIENT);
}

static void hello_part_closed(struct handshake *handshake)
{
	hello_part(handshake);
	leave(handshake, FAILURE_CLOSED, END_SERVER);
}

static void closed_by_client(struct handshake *handshake)
{
	answer_hello(handshake, 0x0303);
	send_certificates(handshake, END_SERVER, &old_middle, &middle);
	leave(handshake, FAILURE_CLOSED, END_CLIENT);
}

static void given_up(struct handshake *handshake)
{
	leave(handshake, FAILURE_CLOSED, END_CLIENT);
	handshake->ends[END_SERVER].last_read_ns = 0;
}

static void closed_before(struct handshake *handshake)
{
	leave(handshake, FAILURE_CLOSED, END_CLIENT);
	handshake->closed_before = true;
}

static void closed_before_and_silent(struct handshake *handshake)
{
	leave(handshake, FAILURE_TIMEOUT, END_SERVER);
	handshake->closed_before = true;
}

static void echo(struct handshake *handshake)
{
	handshake->failure.kind = FAILURE_REFUSED;
	handshake->failure.echoed = true;
}

static void greeted(struct handshake *handshake)
{
	refuse(handshake, END_CLIENT, 80);
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
	answer_hello(handshake, 0x0303);
	send_certificates(handshake, END_SERVER, &leaf, &middle);
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
	leave(handshake, FAILURE_CLOSED, END_CLIENT);
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
	leave(handshake, FAILURE_RESET, END_SERVER);
}
static void reset_waiting(struct handshake *handshake)
{
	leave(handshake, FAILURE_RESET, END_CLIENT);
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
	leave(handshake, FAILURE_CLOSED, END_CLIENT);
	crosses(handshake, END_SERVER, TLS_SERVER_HELLO);
}

static void given_up_unsent(struct handshake *handshake)
{
	silent_unsent(handshake);
	leave(handshake, FAILURE_CLOSED, END_CLIENT);
}

static void silent_unread(struct handshake *handshake)
{
	handshake->failure.kind = FAILURE_TIMEOUT;
	handshake->ends[END_SERVER].last_read_ns = 0;
}

static void client_unread(struct handshake *handshake)
{
	answer_hello(handshake, 0x0303);
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

static void lost(struct handshake *handshake)
{
	pending(handshake);
	handshake->gap = true;
}

static void ssl2(struct handshake *handshake)
{
	pending(handshake);
	handshake->version = 2;
}

const struct verdict_case verdict_ends[] = {
	{fine, VERDICT_OK, NULL, "ok"},
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
	{lost, VERDICT_EVENTS_LOST, NULL, "incomplete: events were lost"},
	{ssl2, VERDICT_SSL2, NULL, "incomplete: SSL 2.0 is not followed after its hellos"},
};
const size_t verdict_end_count = ARRAY_SIZE(verdict_ends);
