/* SPDX-License-Identifier: BSD-2-Clause */
#include "tracker_fixture.h"

#include "sink/phases.h"

#define LATER 60000

/* The same connection at a second place: one row, a path in the order of time. */
static void test_two_places(void **state)
{
	struct fixture *fixture = *state;
	struct connection other = connection_elsewhere(&fixture->connection);
	const struct handshake *row;

	other.time_ns += 10000;
	say_hello(fixture, CLIENT, &client_13);
	hello_on(fixture, &other, CLIENT, &client_13);
	finish_13_on(fixture, &other, &server_13);
	finish_13_on(fixture, &fixture->connection, &server_13);
	row = only_row(fixture);
	assert_int_equal(row->outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(row->path_count, 2);
	assert_string_equal(row->path[0].interface, "eth0");
	assert_int_equal(row->path[0].hook, TLSTRACE_EGRESS);
	assert_string_equal(row->path[1].interface, "fifteen-letters");
	assert_int_equal(row->path[1].hook, TLSTRACE_INGRESS);
	assert_int_equal(row->path[1].netns, 2);
	assert_memory_equal(&row->path[0].client, &row->path[1].client, sizeof(struct address));
	assert_memory_equal(&row->path[0].server, &row->path[1].server, sizeof(struct address));
	assert_int_equal(row->ends[END_CLIENT].address.port, 40000);
	assert_int_equal(row->ends[END_SERVER].address.port, 443);
	/* Each message counts once: two hellos, the server's flight, Finished. */
	assert_int_equal(row->message_count, 4);
	assert_int_equal(fixture->forgotten, 2);
}

/* NAT in between: other addresses, the same sequence number. */
static void test_two_places_nat(void **state)
{
	struct fixture *fixture = *state;
	struct connection other = connection_elsewhere(&fixture->connection);
	const struct handshake *row;

	other.key.remote_port = 50000;
	other.key.remote_address[15] = 99;
	say_hello(fixture, CLIENT, &client_13);
	hello_on(fixture, &other, CLIENT, &client_13);
	finish_13_on(fixture, &fixture->connection, &server_13);
	row = only_row(fixture);
	assert_int_equal(row->path_count, 2);
	assert_int_equal(row->ends[END_CLIENT].address.port, 40000);
	assert_int_equal(row->path[1].client.port, 50000);
}

/* A client that repeats its random on two connections: two handshakes. */
static void test_same_random(void **state)
{
	struct fixture *fixture = *state;
	struct hello_options server = server_13;
	struct connection other = connection_new(40001);

	say_hello(fixture, CLIENT, &client_13);
	hello_on(fixture, &other, CLIENT, &client_13);
	finish_13_on(fixture, &fixture->connection, &server);
	server.random = 3;
	finish_13_on(fixture, &other, &server);
	tracker_tick(fixture->tracker, other.time_ns + SETTLED);
	assert_int_equal(fixture->count, 2);
	assert_int_equal(fixture->rows[0].path_count, 1);
	assert_int_equal(fixture->rows[1].path_count, 1);
	assert_int_equal(fixture->rows[0].server_random[0], 2);
	assert_int_equal(fixture->rows[1].server_random[0], 3);
	assert_int_equal(fixture->rows[0].ends[END_CLIENT].address.port, 40000);
	assert_int_equal(fixture->rows[1].ends[END_CLIENT].address.port, 40001);
}

/* The same random and sequence number, but far apart in time: not the same packet. */
static void test_same_random_later(void **state)
{
	struct fixture *fixture = *state;
	struct connection other = connection_elsewhere(&fixture->connection);

	other.time_ns += 2000 * MS;
	say_hello(fixture, CLIENT, &client_13);
	hello_on(fixture, &other, CLIENT, &client_13);
	tracker_finish(fixture->tracker, other.time_ns);
	assert_int_equal(fixture->count, 2);
}

static struct tlstrace_socket_event socket_event(uint64_t id, uint32_t kind, uint64_t time_ns)
{
	return (struct tlstrace_socket_event){
		.header = {TLSTRACE_EVENT_SOCKET, sizeof(struct tlstrace_socket_event), time_ns},
		.kind = kind,
		.socket = {.id = id, .netns = 7, .role = TLSTRACE_ROLE_SERVER},
	};
}

static struct tlstrace_task task(uint32_t pid, const char *comm)
{
	struct tlstrace_task task = {.pid = pid, .tid = pid, .start_ns = pid};

	memcpy(task.comm, comm, strnlen(comm, sizeof(task.comm)));
	return task;
}

/*
 * A proxy that passes TLS on: the same hello on a second connection that lies within the first in
 * time, the same server random. The first has the client, the second the server.
 */
static void test_pass_through(void **state)
{
	struct fixture *fixture = *state;
	struct connection *outer = &fixture->connection, inner = connection_new(41000);
	struct tlstrace_socket_event event;
	const struct handshake *row;

	inner.key.remote_address[15] = 3;
	outer->senders[CLIENT] = 11;
	outer->senders[SERVER] = 12;
	inner.senders[CLIENT] = 13;
	inner.senders[SERVER] = 14;
	hello_on(fixture, outer, CLIENT, &client_13);
	inner.time_ns = outer->time_ns;
	hello_on(fixture, &inner, CLIENT, &client_13);
	hello_on(fixture, &inner, SERVER, &server_13);
	outer->time_ns = inner.time_ns;
	finish_13_on(fixture, outer, &server_13);
	event = socket_event(11, TLSTRACE_SOCKET_WRITE, outer->time_ns);
	event.socket.writer = task(100, "client");
	tracker_socket(fixture->tracker, &event);
	event = socket_event(14, TLSTRACE_SOCKET_WRITE, outer->time_ns);
	event.socket.writer = task(400, "server");
	tracker_socket(fixture->tracker, &event);
	event = socket_event(12, TLSTRACE_SOCKET_WRITE, outer->time_ns);
	event.socket.writer = task(200, "proxy");
	tracker_socket(fixture->tracker, &event);
	event = socket_event(13, TLSTRACE_SOCKET_WRITE, outer->time_ns);
	event.socket.writer = task(201, "proxy");
	tracker_socket(fixture->tracker, &event);
	row = only_row(fixture);
	assert_int_equal(row->outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(row->path_count, 2);
	assert_int_equal(row->path[0].client.port, 40000);
	assert_int_equal(row->path[1].client.port, 41000);
	assert_int_equal(row->ends[END_CLIENT].address.port, 40000);
	assert_int_equal(row->ends[END_SERVER].address.ip[15], 3);
	assert_int_equal(row->ends[END_CLIENT].process.pid, 100);
	assert_int_equal(row->ends[END_SERVER].process.pid, 400);
	assert_int_equal(row->path[0].process.pid, 200);
	assert_int_equal(row->path[1].process.pid, 201);
	assert_string_equal(row->path[1].process.comm, "proxy");
	assert_int_equal(fixture->forgotten, 2);
}

/* Two connections that do not lie within each other are not one, whatever their randoms say. */
static void test_overlap_is_no_proxy(void **state)
{
	struct fixture *fixture = *state;
	struct connection other = connection_new(41000);

	say_hello(fixture, CLIENT, &client_13);
	other.time_ns += 10 * MS;
	hello_on(fixture, &other, CLIENT, &client_13);
	say_hello(fixture, SERVER, &server_13);
	other.time_ns += 10 * MS;
	hello_on(fixture, &other, SERVER, &server_13);
	tracker_finish(fixture->tracker, other.time_ns);
	assert_int_equal(fixture->count, 2);
}

static void test_full_12(void **state)
{
	struct fixture *fixture = *state;
	struct buffer flight = {0}, client = {0};
	const struct handshake *row;
	uint64_t last_ns;

	say_hello(fixture, CLIENT, &client_12);
	put_hello_record(&flight, SERVER, &server_12);
	put_record(&flight, RECORD_HANDSHAKE, "\x0b\x00\x00\x03\x00\x00\x00", 7);
	put_record(&flight, RECORD_HANDSHAKE, "\x0c\x00\x00\x09\x03\x00\x1d\x01x\x08\x04\x00\x00",
		   13);
	put_record(&flight, RECORD_HANDSHAKE, "\x0e\x00\x00\x00", 4);
	say(fixture, SERVER, &flight);
	put_record(&client, RECORD_HANDSHAKE, "\x10\x00\x00\x02\x01y", 6);
	say(fixture, CLIENT, &client);
	say_finished_12(fixture, CLIENT);
	assert_false(tracker_tick(fixture->tracker, fixture->connection.time_ns + SETTLED));
	assert_int_equal(fixture->count, 0);
	last_ns = fixture->connection.time_ns;
	say_finished_12(fixture, SERVER);
	/* The row waits a moment for what is under way. */
	assert_true(tracker_tick(fixture->tracker, last_ns));
	row = only_row(fixture);
	assert_int_equal(row->outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(row->end_ns, last_ns);
	assert_int_equal(row->version, 0x0303);
	assert_int_equal(row->cipher, 0xc02f);
	assert_int_equal(row->group, 0x001d);
	assert_int_equal(row->signature, 0x0804);
	assert_int_equal(row->key_exchange, TLS_KEY_EXCHANGE_ECDHE);
	assert_int_equal(row->alpn_length, 2);
	assert_false(row->resumed);
	assert_int_equal(row->inferred_count, 0);
	assert_int_equal(row->message_count, 10);
}

static void complete_12_on(struct fixture *fixture, struct connection *connection)
{
	struct buffer finished = {0};

	hello_on(fixture, connection, CLIENT, &client_12);
	hello_on(fixture, connection, SERVER, &server_12);
	put_record(&finished, RECORD_CCS, "\x01", 1);
	put_sealed(&finished, RECORD_HANDSHAKE, 40);
	say_on(fixture, connection, CLIENT, &finished);
	say_on(fixture, connection, SERVER, &finished);
}

/* A whole handshake within the encryption of the one before. */
static void renegotiate_on(struct fixture *fixture, struct connection *connection)
{
	struct buffer finished = {0};

	sealed_on(fixture, connection, CLIENT, RECORD_HANDSHAKE, 245);
	sealed_on(fixture, connection, SERVER, RECORD_HANDSHAKE, 900);
	put_sealed(&finished, RECORD_HANDSHAKE, 61);
	put_sealed(&finished, RECORD_CCS, 25);
	put_sealed(&finished, RECORD_HANDSHAKE, 40);
	say_on(fixture, connection, CLIENT, &finished);
	say_on(fixture, connection, SERVER, &finished);
}

static void assert_renegotiation(const struct handshake *row, uint64_t begun_ns)
{
	assert_true(row->renegotiation);
	assert_int_equal(row->outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(row->time_ns, begun_ns);
	assert_int_equal(row->version, 0x0303);
	assert_false(row->has_random || row->has_cipher || row->sni);
	assert_int_equal(row->message_count, 8);
	assert_true(row->messages[0].encrypted && row->messages[0].from == END_CLIENT);
	assert_int_equal(row->messages[3].kind, MESSAGE_CHANGE_CIPHER_SPEC);
}

/* Right behind the handshake, while its row waits, and at two places: two rows, each with both
 * places. */
static void test_renegotiation(void **state)
{
	struct fixture *fixture = *state;
	struct connection other = connection_elsewhere(&fixture->connection);
	uint64_t begun_ns;

	complete_12_on(fixture, &fixture->connection);
	complete_12_on(fixture, &other);
	begun_ns = fixture->connection.time_ns;
	renegotiate_on(fixture, &fixture->connection);
	other.time_ns = begun_ns;
	renegotiate_on(fixture, &other);
	tracker_tick(fixture->tracker, fixture->connection.time_ns + SETTLED);
	assert_int_equal(fixture->count, 2);
	assert_false(fixture->rows[0].renegotiation);
	assert_int_equal(fixture->rows[0].outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(fixture->rows[0].message_count, 6);
	assert_renegotiation(&fixture->rows[1], begun_ns);
	assert_int_equal(fixture->rows[1].path_count, 2);
	/* Each flow once, when the second is over. */
	assert_int_equal(fixture->forgotten, 2);
	assert_int_equal(fixture->may_renegotiate, 2);
}

static void say_again(struct fixture *fixture, struct connection *connection, size_t length)
{
	struct buffer buffer = {0};
	struct packet packet;

	put_sealed(&buffer, RECORD_HANDSHAKE, length);
	packet_make(&packet, connection, CLIENT, 0, buffer.bytes, buffer.length);
	packet.event.flags = TLSTRACE_PACKET_AGAIN;
	feed(fixture, &packet);
	connection->next[CLIENT] += buffer.length;
	connection->time_ns += MS;
}

/* A ClientHello in the clear behind an encrypted one: no client says that, an attacker may. It
 * changes nothing. */
static void test_renegotiation_in_the_clear(void **state)
{
	struct fixture *fixture = *state;
	const struct handshake *row;

	complete_12_on(fixture, &fixture->connection);
	say_sealed(fixture, CLIENT, RECORD_HANDSHAKE, 200);
	say_hello(fixture, CLIENT, &client_12);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	assert_int_equal(fixture->count, 2);
	row = &fixture->rows[1];
	assert_true(row->renegotiation && !row->has_random && !row->offer.size);
}

/* Of the first hello a capture has less than its random; the one behind a retry is whole. */
static void test_random_told_late(void **state)
{
	struct fixture *fixture = *state;
	struct connection *connection = &fixture->connection;
	struct buffer hello = {0};
	struct packet packet;

	put_hello_record(&hello, CLIENT, &client_13);
	packet_make(&packet, connection, CLIENT, 0, hello.bytes, hello.length);
	packet_elide(&packet, 20, hello.length);
	packet.event.flags |= TLSTRACE_PACKET_TRUNCATED;
	feed(fixture, &packet);
	connection->next[CLIENT] += hello.length;
	say_hello(fixture, CLIENT, &client_13);
	tracker_finish(fixture->tracker, connection->time_ns);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->rows[0].random[5], 1);
}

/* Long after: the source begins the flow anew, without a hello that can be read. */
static void test_renegotiation_later(void **state)
{
	struct fixture *fixture = *state;
	struct connection *connection = &fixture->connection;
	uint64_t begun_ns;

	complete_12_on(fixture, connection);
	tracker_tick(fixture->tracker, connection->time_ns + SETTLED);
	assert_int_equal(fixture->count, 1);
	connection->flow_id++;
	connection->time_ns += 1000 * MS;
	begun_ns = connection->time_ns;
	say_again(fixture, connection, 245);
	sealed_on(fixture, connection, SERVER, RECORD_HANDSHAKE, 900);
	renegotiate_on(fixture, connection);
	tracker_tick(fixture->tracker, connection->time_ns + SETTLED);
	assert_int_equal(fixture->count, 2);
	assert_true(fixture->rows[1].renegotiation);
	assert_int_equal(fixture->rows[1].time_ns, begun_ns);
	assert_int_equal(fixture->rows[1].outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(tracker_hellos(fixture->tracker), 1);
}

/* The server's no_renegotiation is a warning in an encrypted record. */
static void test_renegotiation_refused(void **state)
{
	struct fixture *fixture = *state;

	complete_12_on(fixture, &fixture->connection);
	say_sealed(fixture, CLIENT, RECORD_HANDSHAKE, 245);
	say_sealed(fixture, SERVER, RECORD_ALERT, 26);
	tracker_tick(fixture->tracker, fixture->connection.time_ns + SETTLED);
	assert_int_equal(fixture->count, 2);
	assert_failure(&fixture->rows[1], FAILURE_ALERT, END_SERVER, -1);
	assert_true(fixture->rows[1].failure.encrypted);
}

/* What was taken for a flow begun anew is none: no row, and no loss. */
static void test_renegotiation_not_tls(void **state)
{
	struct fixture *fixture = *state;
	struct connection *connection = &fixture->connection;
	struct buffer noise = {0};

	connection->begun = true;
	say_again(fixture, connection, 100);
	put_fill(&noise, 0x55, 200);
	say_on(fixture, connection, SERVER, &noise);
	tracker_finish(fixture->tracker, connection->time_ns);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->rows[0].outcome, HANDSHAKE_INCOMPLETE);
	assert_int_equal(tracker_refused(fixture->tracker), 0);
	assert_int_equal(tracker_unfinished(fixture->tracker), 0);
}

static void assert_completes_13(struct fixture *fixture, const struct hello_options *server)
{
	const struct handshake *row;

	say_hello(fixture, CLIENT, &client_13);
	finish_13_on(fixture, &fixture->connection, server);
	row = only_row(fixture);
	assert_int_equal(row->outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(row->end_ns, fixture->connection.time_ns - MS);
	assert_int_equal(row->version, 0x0304);
	assert_int_equal(row->group, 0x001d);
	assert_true(is_inferred(row, INFERRED_OUTCOME));
	assert_true(message_is(&row->messages[row->message_count - 1], TLS_FINISHED));
	assert_true(row->messages[row->message_count - 1].inferred);
}

static void test_completed_13(void **state)
{
	assert_completes_13(*state, &server_13);
}

static void test_completed_13_sha384(void **state)
{
	assert_completes_13(*state, &server_13_sha384);
}

/* TLS_AES_128_CCM_8_SHA256: half the tag, so that a Finished is 8 bytes shorter. */
static void test_short_tag_13(void **state)
{
	const struct hello_options server = {.random = 2, .is_13 = true, .cipher = 0x1305};
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	say_hello(fixture, SERVER, &server);
	say_sealed(fixture, SERVER, RECORD_DATA, 800);
	say_sealed(fixture, CLIENT, RECORD_DATA, SHA256_FINISHED - 8);
	assert_int_equal(only_row(fixture)->outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(fixture->rows[0].client_auth, TRI_NONE);
}

/* Lengths that no rule explains say nothing: not even that there was a certificate. */
static void test_other_length_13(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	say_hello(fixture, SERVER, &server_13);
	say_sealed(fixture, CLIENT, RECORD_DATA, 528);
	say_sealed(fixture, CLIENT, RECORD_DATA, 64);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->rows[0].outcome, HANDSHAKE_INCOMPLETE);
	assert_int_equal(fixture->rows[0].client_auth, TRI_UNKNOWN);
}

static void test_lengths_13(void **state)
{
	enum { F = SHA256_FINISHED };
	static const struct {
		const char *what;
		bool alps;
		size_t sizes[4];
		enum handshake_outcome outcome;
		enum handshake_tri client_auth;
	} cases[] = {
		{"Finished", false, {F}, HANDSHAKE_COMPLETED, TRI_NONE},
		{"padded by the JDK", false, {F + 16}, HANDSHAKE_COMPLETED, TRI_NONE},
		{"after ALPS", true, {F + 10}, HANDSHAKE_COMPLETED, TRI_NONE},
		{"as long, but no ALPS was offered",
		 false,
		 {F + 10},
		 HANDSHAKE_INCOMPLETE,
		 TRI_UNKNOWN},
		{"padded to 64", false, {80}, HANDSHAKE_INCOMPLETE, TRI_UNKNOWN},
		{"padded to 4096", false, {4112, 4112, 4112}, HANDSHAKE_INCOMPLETE, TRI_UNKNOWN},
		{"empty certificate", false, {25, F}, HANDSHAKE_COMPLETED, TRI_DECLINED},
		{"the same by the JDK", false, {41, F + 16}, HANDSHAKE_COMPLETED, TRI_DECLINED},
		{"the same in one record", false, {F + 8}, HANDSHAKE_COMPLETED, TRI_DECLINED},
		{"certificate and RSA", false, {800, 281, F}, HANDSHAKE_COMPLETED, TRI_SENT},
		{"certificate and ECDSA", false, {500, 96, F}, HANDSHAKE_COMPLETED, TRI_SENT},
		{"the same by the JDK", false, {816, 297, F + 16}, HANDSHAKE_COMPLETED, TRI_SENT},
		{"no signature", false, {800, 200, F}, HANDSHAKE_COMPLETED, TRI_UNKNOWN},
		{"all in one record", false, {1100, F}, HANDSHAKE_COMPLETED, TRI_UNKNOWN},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct hello_options client = {
			.random = 1, .is_13 = true, .alps = cases[i].alps};

		fixture->connection = connection_new(40000 + i);
		say_hello(fixture, CLIENT, &client);
		say_hello(fixture, SERVER, &server_13);
		for (size_t n = 0; n < ARRAY_SIZE(cases[i].sizes) && cases[i].sizes[n]; n++)
			say_sealed(fixture, CLIENT, RECORD_DATA, cases[i].sizes[n]);
		tracker_finish(fixture->tracker, fixture->connection.time_ns);
		assert_int_equal(fixture->count, 1);
		if (fixture->rows[0].outcome != cases[i].outcome ||
		    fixture->rows[0].client_auth != cases[i].client_auth)
			fail_msg("%s: outcome %d, client_auth %d", cases[i].what,
				 fixture->rows[0].outcome, fixture->rows[0].client_auth);
		rows_drop(fixture);
	}
}

static void test_retry_13(void **state)
{
	const struct hello_options retry = {.is_13 = true, .is_retry = true, .cipher = 0x1301};
	struct fixture *fixture = *state;
	const struct handshake *row;

	say_hello(fixture, CLIENT, &client_13);
	say_hello(fixture, SERVER, &retry);
	say_hello(fixture, CLIENT, &client_13);
	finish_13_on(fixture, &fixture->connection, &server_13);
	row = only_row(fixture);
	assert_int_equal(row->outcome, HANDSHAKE_COMPLETED);
	assert_true(row->hello_retry);
	assert_int_equal(row->server_random[0], 2);
	assert_int_equal(row->message_count, 6);
}

static void test_alert_by_server(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_12);
	say_alert(fixture, SERVER, 2, 40);
	assert_failure(only_row(fixture), FAILURE_ALERT, END_SERVER, 40);
}

static void test_alert_by_client(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_12);
	say_hello(fixture, SERVER, &server_12);
	say_alert(fixture, CLIENT, 2, 48);
	/* What follows the reason does not replace it. */
	signal_on(fixture, &fixture->connection, SERVER, TCP_RST, 0);
	assert_failure(only_row(fixture), FAILURE_ALERT, END_CLIENT, 48);
	assert_false(fixture->rows[0].failure.encrypted);
}

/* More than a row lists, before the server's Finished: False Start. */
static void test_many_records_12(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_12);
	say_hello(fixture, SERVER, &server_12);
	say_finished_12(fixture, CLIENT);
	for (int i = 0; i < 2 * HANDSHAKE_MESSAGES_MAX; i++)
		say_sealed(fixture, CLIENT, RECORD_DATA, 300);
	say_finished_12(fixture, SERVER);
	say_sealed(fixture, CLIENT, RECORD_ALERT, 40);
	assert_int_equal(only_row(fixture)->outcome, HANDSHAKE_COMPLETED);
}

/* A warning leaves the choice to the other side. */
static void test_warning(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_12);
	say_alert(fixture, SERVER, 1, 112);
	say_hello(fixture, SERVER, &server_12);
	say_finished_12(fixture, CLIENT);
	say_finished_12(fixture, SERVER);
	assert_int_equal(only_row(fixture)->outcome, HANDSHAKE_COMPLETED);
}

static void test_encrypted_alert_13(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	say_hello(fixture, SERVER, &server_13);
	say_sealed(fixture, CLIENT, RECORD_DATA, 19);
	assert_failure(only_row(fixture), FAILURE_ALERT, END_CLIENT, -1);
	assert_true(fixture->rows[0].failure.encrypted);
	assert_true(is_inferred(&fixture->rows[0], INFERRED_FAILURE));
}

static void test_reset(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	signal_on(fixture, &fixture->connection, SERVER, TCP_RST, 0);
	assert_failure(only_row(fixture), FAILURE_RESET, END_SERVER, -1);
}

static void test_fin(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	say_hello(fixture, SERVER, &server_13);
	signal_on(fixture, &fixture->connection, CLIENT, TCP_FIN, 0);
	assert_failure(only_row(fixture), FAILURE_CLOSED, END_CLIENT, -1);
}

static void test_end_behind_completion(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	finish_13_on(fixture, &fixture->connection, &server_13);
	signal_on(fixture, &fixture->connection, SERVER, TCP_RST, 0);
	assert_int_equal(only_row(fixture)->outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(fixture->rows[0].failure.kind, FAILURE_NONE);
}

/* Who leaves right behind completion is named, but not if the client had sent data: RFC 7918's,
 * 0-RTT's too. */
static void test_left_at_once(void **state)
{
	struct fixture *fixture = *state;

	complete_12_on(fixture, &fixture->connection);
	signal_on(fixture, &fixture->connection, SERVER, TCP_FIN, 0);
	assert_true(only_row(fixture)->left_at_once);
	assert_int_equal(fixture->rows[0].left_by, END_SERVER);
}

static void test_left_behind_false_start(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_12);
	say_hello(fixture, SERVER, &server_12);
	say_finished_12(fixture, CLIENT);
	say_sealed(fixture, CLIENT, RECORD_DATA, 300);
	say_finished_12(fixture, SERVER);
	signal_on(fixture, &fixture->connection, SERVER, TCP_FIN, 0);
	assert_int_equal(only_row(fixture)->outcome, HANDSHAKE_COMPLETED);
	assert_false(fixture->rows[0].left_at_once);
}

/* EncryptedExtensions as long as a padded alert. */
static void test_short_extensions_13(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	say_hello(fixture, SERVER, &server_13);
	say_sealed(fixture, SERVER, RECORD_DATA, PADDED_ALERT_13);
	say_sealed(fixture, SERVER, RECORD_DATA, 800);
	say_sealed(fixture, CLIENT, RECORD_DATA, SHA256_FINISHED);
	assert_int_equal(only_row(fixture)->outcome, HANDSHAKE_COMPLETED);
}

/* GET / HTTP/1.0 and two line ends are 18 bytes, as a padded alert. */
static void test_short_request_13(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	finish_13_on(fixture, &fixture->connection, &server_13);
	say_sealed(fixture, CLIENT, RECORD_DATA, PADDED_ALERT_13);
	say_sealed(fixture, SERVER, RECORD_DATA, 300);
	say_sealed(fixture, SERVER, RECORD_DATA, ALERT_13);
	signal_on(fixture, &fixture->connection, CLIENT, TCP_FIN, 0);
	assert_int_equal(only_row(fixture)->outcome, HANDSHAKE_COMPLETED);
	assert_false(fixture->rows[0].left_at_once);
}

static void test_padded_goodbye_13(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	finish_13_on(fixture, &fixture->connection, &server_13);
	say_sealed(fixture, CLIENT, RECORD_DATA, PADDED_ALERT_13);
	signal_on(fixture, &fixture->connection, CLIENT, TCP_FIN, 0);
	assert_true(only_row(fixture)->left_at_once);
	assert_int_equal(fixture->rows[0].left_by, END_CLIENT);
}

/* A client that sent a certificate, and then this; the server answers with records of these lengths
 * and leaves. */
static const struct handshake *judged_13(struct fixture *fixture, size_t request,
					 const size_t *answers, size_t count)
{
	say_hello(fixture, CLIENT, &client_13);
	say_hello(fixture, SERVER, &server_13);
	say_sealed(fixture, SERVER, RECORD_DATA, 900);
	say_sealed(fixture, CLIENT, RECORD_DATA, 600);
	say_sealed(fixture, CLIENT, RECORD_DATA, SHA256_FINISHED);
	say_sealed(fixture, CLIENT, RECORD_DATA, request);
	for (size_t i = 0; i < count; i++)
		say_sealed(fixture, SERVER, RECORD_DATA, answers[i]);
	signal_on(fixture, &fixture->connection, SERVER, TCP_FIN, 0);
	return only_row(fixture);
}

static void test_refused_behind_request_13(void **state)
{
	assert_failure(judged_13(*state, PADDED_ALERT_13, (size_t[]){ALERT_13}, 1), FAILURE_ALERT,
		       END_SERVER, -1);
}

/* GnuTLS: an alert, then close_notify. */
static void test_refused_with_goodbye_13(void **state)
{
	assert_failure(judged_13(*state, 200, (size_t[]){ALERT_13, ALERT_13}, 2), FAILURE_ALERT,
		       END_SERVER, -1);
}

/* Two bytes of data, more data and a goodbye: a refusal would have been the last word. */
static void test_short_answer_13(void **state)
{
	const struct handshake *row =
		judged_13(*state, 200, (size_t[]){ALERT_13, 120, ALERT_13}, 3);

	assert_int_equal(row->outcome, HANDSHAKE_COMPLETED);
}

static const struct hello_options client_early = {.random = 1, .is_13 = true, .early_data = true};

/* Early data of two bytes, the rest of a question's length in DNS over TLS, comes behind the
 * ServerHello. */
static void test_short_early_data(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_early);
	say_hello(fixture, SERVER, &server_13);
	say_sealed(fixture, SERVER, RECORD_DATA, 200);
	say_sealed(fixture, CLIENT, RECORD_DATA, ALERT_13);
	say_sealed(fixture, CLIENT, RECORD_DATA, 21); /* EndOfEarlyData */
	say_sealed(fixture, CLIENT, RECORD_DATA, SHA256_FINISHED);
	assert_int_equal(only_row(fixture)->outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(fixture->rows[0].early_data, TRI_ACCEPTED);
}

static void test_alert_behind_early_data(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_early);
	say_hello(fixture, SERVER, &server_13);
	say_sealed(fixture, SERVER, RECORD_DATA, 200);
	say_sealed(fixture, CLIENT, RECORD_DATA, ALERT_13);
	signal_on(fixture, &fixture->connection, CLIENT, TCP_FIN, 0);
	assert_failure(only_row(fixture), FAILURE_ALERT, END_CLIENT, -1);
	assert_true(fixture->rows[0].failure.encrypted);
}

/* BoringSSL and rustls put both into one record. */
static void test_declined_in_one_record(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	say_hello(fixture, SERVER, &server_13);
	say_sealed(fixture, SERVER, RECORD_DATA, 900);
	say_sealed(fixture, CLIENT, RECORD_DATA, SHA256_FINISHED + 8);
	say_sealed(fixture, SERVER, RECORD_DATA, 250);
	assert_int_equal(only_row(fixture)->outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(fixture->rows[0].client_auth, TRI_DECLINED);
}

/* What a client sends before any answer is no second flight of it. */
static void test_data_before_answer_13(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	say_sealed(fixture, CLIENT, RECORD_DATA, 5);
	say_hello(fixture, SERVER, &server_13);
	say_sealed(fixture, SERVER, RECORD_DATA, 800);
	say_alert(fixture, SERVER, 2, 10);
	assert_failure(only_row(fixture), FAILURE_ALERT, END_SERVER, 10);
}

/* Silence is no evidence where events were lost. */
static void test_lost_events(void **state)
{
	struct connection other = connection_new(40001);
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	tracker_lost(fixture->tracker, fixture->connection.time_ns);
	tracker_tick(fixture->tracker, fixture->connection.time_ns + TIMEOUT + SETTLED);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->rows[0].outcome, HANDSHAKE_INCOMPLETE);
	assert_true(fixture->rows[0].gap);
	/* What begins behind the loss is judged as ever. */
	other.time_ns = fixture->connection.time_ns + 2 * TIMEOUT;
	rows_drop(fixture);
	hello_on(fixture, &other, CLIENT, &(struct hello_options){.random = 9, .is_13 = true});
	signal_on(fixture, &other, SERVER, 0, 0);
	tracker_tick(fixture->tracker, other.time_ns + TIMEOUT + SETTLED);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->rows[0].outcome, HANDSHAKE_FAILED);
}

static void test_left_behind_early_data(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_early);
	say_sealed(fixture, CLIENT, RECORD_DATA, 500);
	say_hello(fixture, SERVER, &server_13);
	say_sealed(fixture, SERVER, RECORD_DATA, 800);
	say_sealed(fixture, CLIENT, RECORD_DATA, 21); /* EndOfEarlyData */
	say_sealed(fixture, CLIENT, RECORD_DATA, SHA256_FINISHED);
	signal_on(fixture, &fixture->connection, CLIENT, TCP_FIN, 0);
	assert_int_equal(only_row(fixture)->early_data, TRI_ACCEPTED);
	assert_false(fixture->rows[0].left_at_once);
}

static void test_refused(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	say_hello(fixture, CLIENT, &client_13);
	put_bytes(&buffer, "HTTP/1.1 400 Bad Request\r\n", 26);
	say(fixture, SERVER, &buffer);
	assert_failure(only_row(fixture), FAILURE_REFUSED, END_SERVER, -1);
}

/* Who spoke last waits for the other: the other timed out. */
static void assert_times_out(struct fixture *fixture, enum handshake_end by)
{
	uint64_t last_ns = fixture->connection.time_ns - MS;

	tracker_tick(fixture->tracker, last_ns + TIMEOUT - 1);
	assert_int_equal(fixture->count, 0);
	tracker_tick(fixture->tracker, last_ns + TIMEOUT);
	assert_int_equal(fixture->count, 1);
	assert_failure(&fixture->rows[0], FAILURE_TIMEOUT, by, -1);
	assert_int_equal(fixture->forgotten, 1);
}

/* A capture that holds the client's direction only says nothing about the server. */
static void test_one_direction(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	tracker_tick(fixture->tracker, fixture->connection.time_ns + TIMEOUT + SETTLED);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->rows[0].outcome, HANDSHAKE_INCOMPLETE);
	assert_true(fixture->rows[0].gap);
}

/* Nobody blames the server for a hello that it never acknowledged. */
static void test_not_delivered(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;
	struct buffer buffer = {0};

	put_hello_record(&buffer, CLIENT, &client_13);
	packet_make(&packet, &fixture->connection, CLIENT, 0, buffer.bytes, buffer.length);
	for (int i = 0; i < 4; i++) {
		packet.event.header.time_ns += i * 1000 * MS;
		feed(fixture, &packet);
	}
	fixture->connection.time_ns = packet.event.header.time_ns;
	packet_make(&packet, &fixture->connection, SERVER, 0, NULL, 0);
	packet.event.acknowledgement = fixture->connection.next[CLIENT];
	feed(fixture, &packet);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	assert_int_equal(fixture->count, 1);
	assert_true(fixture->rows[0].undelivered[END_CLIENT]);
	assert_int_equal(fixture->rows[0].outcome, HANDSHAKE_FAILED);
}

/* Two hellos with the same random and sequence number. */
static void test_same_random_other_hello(void **state)
{
	struct connection other = connection_new(40001);
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	hello_on(fixture, &other, CLIENT,
		 &(struct hello_options){.random = 1, .is_13 = true, .alps = true});
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	assert_int_equal(fixture->count, 2);
}

/* A capture is read to its end before silence is judged. */
static void test_patient(void **state)
{
	const struct tracker_settings settings = {
		.timeout_ns = TIMEOUT, .capacity = 2, .patient = true};
	struct fixture *fixture = *state;
	struct connection others[2] = {connection_new(40001), connection_new(40002)};

	tracker_free(fixture->tracker);
	fixture->tracker = tracker_new(&settings, &fixture->handler);
	assert_non_null(fixture->tracker);
	say_hello(fixture, CLIENT, &client_13);
	signal_on(fixture, &fixture->connection, SERVER, 0, 0);
	tracker_tick(fixture->tracker, fixture->connection.time_ns + 2 * TIMEOUT);
	assert_int_equal(fixture->count, 0);
	/* Unless there is no room. */
	for (size_t i = 0; i < 2; i++) {
		others[i].time_ns = fixture->connection.time_ns + 2 * TIMEOUT;
		hello_on(fixture, &others[i], CLIENT,
			 &(struct hello_options){.random = 9 + i, .is_13 = true});
	}
	assert_int_equal(fixture->count, 1);
	assert_failure(&fixture->rows[0], FAILURE_TIMEOUT, END_SERVER, -1);
	signal_on(fixture, &others[0], SERVER, 0, 0);
	tracker_finish(fixture->tracker, others[0].time_ns + TIMEOUT);
	assert_int_equal(fixture->count, 3);
	assert_failure(&fixture->rows[1], FAILURE_TIMEOUT, END_SERVER, -1);
}

static void test_timeout_of_server(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	signal_on(fixture, &fixture->connection, SERVER, 0, 0);
	assert_times_out(fixture, END_SERVER);
}

static void test_timeout_of_client(void **state)
{
	say_hello(*state, CLIENT, &client_13);
	say_hello(*state, SERVER, &server_13);
	say_sealed(*state, SERVER, RECORD_DATA, 800);
	assert_times_out(*state, END_CLIENT);
}

/* The rest of its flight did not come: a path that takes no large segments, for one. */
static void test_timeout_amid_flight_13(void **state)
{
	say_hello(*state, CLIENT, &client_13);
	say_hello(*state, SERVER, &server_13);
	assert_times_out(*state, END_SERVER);
}

static void test_timeout_amid_flight_12(void **state)
{
	say_hello(*state, CLIENT, &client_12);
	say_hello(*state, SERVER, &server_12);
	assert_times_out(*state, END_SERVER);
}

/* Encrypted, and no message ends where the record is cut. */
static void test_timeout_amid_record_13(void **state)
{
	struct fixture *fixture = *state;
	struct buffer record = {0};

	say_hello(fixture, CLIENT, &client_13);
	say_hello(fixture, SERVER, &server_13);
	say_sealed(fixture, SERVER, RECORD_DATA, 40);
	put_sealed(&record, RECORD_DATA, 2000);
	record.length = 1000;
	say(fixture, SERVER, &record);
	assert_times_out(fixture, END_SERVER);
}

static void test_two_alerts_in_one_record(void **state)
{
	struct fixture *fixture = *state;
	struct buffer record = {0};

	say_hello(fixture, CLIENT, &client_12);
	put_record(&record, RECORD_ALERT, (uint8_t[]){1, 112, 2, 40}, 4);
	say(fixture, SERVER, &record);
	assert_failure(only_row(fixture), FAILURE_ALERT, END_SERVER, 40);
	assert_int_equal(fixture->rows[0].message_count, 3);
	assert_false(fixture->rows[0].messages[2].encrypted);
}

static void test_gap(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	signal_on(fixture, &fixture->connection, SERVER, 0, TLSTRACE_PACKET_LOST_BEFORE);
	signal_on(fixture, &fixture->connection, SERVER, TCP_FIN, 0);
	assert_int_equal(only_row(fixture)->outcome, HANDSHAKE_INCOMPLETE);
	assert_true(fixture->rows[0].gap);
	assert_int_equal(fixture->rows[0].failure.kind, FAILURE_NONE);
}

static void test_gap_timeout(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	signal_on(fixture, &fixture->connection, SERVER, 0, TLSTRACE_PACKET_LOST_BEFORE);
	tracker_tick(fixture->tracker, fixture->connection.time_ns + TIMEOUT);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->rows[0].outcome, HANDSHAKE_INCOMPLETE);
}

static void test_finish(void **state)
{
	struct fixture *fixture = *state;

	say_hello(fixture, CLIENT, &client_13);
	tracker_finish(fixture->tracker, fixture->connection.time_ns + LATER);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->rows[0].outcome, HANDSHAKE_INCOMPLETE);
	assert_int_equal(fixture->rows[0].end_ns, fixture->connection.time_ns + LATER);
}

static void test_capacity(void **state)
{
	struct fixture *fixture = *state;
	uint16_t i;

	for (i = 0; i < 5; i++) {
		struct connection connection = connection_new(40000 + i);

		hello_on(fixture, &connection, CLIENT, &(struct hello_options){.random = 10 + i});
		/* Its second hello, behind a HelloRetryRequest, counts no more. */
		hello_on(fixture, &connection, CLIENT, &(struct hello_options){.random = 10 + i});
	}
	assert_int_equal(tracker_refused(fixture->tracker), 1);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	assert_int_equal(fixture->count, 4);
	assert_int_equal(tracker_hellos(fixture->tracker), 5);
	/* A hello that was refused is not lost a second time, as one that never became whole. */
	assert_int_equal(tracker_unfinished(fixture->tracker), 0);
}

static void test_hello_v2(void **state)
{
	static const uint8_t challenge[32] = {5, 6, 7};
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	put_hello_v2(&buffer, challenge, sizeof(challenge));
	say(fixture, CLIENT, &buffer);
	say_alert(fixture, SERVER, 2, 70);
	assert_failure(only_row(fixture), FAILURE_ALERT, END_SERVER, 70);
	assert_memory_equal(fixture->rows[0].random, challenge, sizeof(challenge));
	assert_int_equal(fixture->rows[0].offer.ciphers.count, 1); /* the other is SSLv2's own */
}

/* SSL 2.0: a 16-byte answer of type 4, session not found, an X.509 certificate. */
static void test_answer_v2(void **state)
{
	static const uint8_t challenge[32] = {8};
	struct fixture *fixture = *state;
	struct buffer hello = {0}, answer = {0};

	put_hello_v2(&hello, challenge, sizeof(challenge));
	say(fixture, CLIENT, &hello);
	put_bytes(&answer, "\x80\x10\x04\x00\x01\x00\x02", 7);
	put_fill(&answer, 0, 11);
	say(fixture, SERVER, &answer);
	assert_int_equal(only_row(fixture)->outcome, HANDSHAKE_INCOMPLETE);
	assert_int_equal(fixture->rows[0].version, 0x0002);
}

#define OWNER_SOCKET 42

/* A handshake whose server has the socket with these operations; its row. */
static const struct handshake *row_with_operations(struct fixture *fixture, const uint32_t *kinds,
						   size_t count)
{
	struct tlstrace_socket_event event = socket_event(OWNER_SOCKET, 0, 0);
	size_t i;

	event.socket.accepter = task(300, "accepter");
	fixture->connection.receiver = OWNER_SOCKET;
	say_hello(fixture, CLIENT, &client_13);
	for (i = 0; i < count; i++) {
		event.kind = kinds[i];
		event.header.time_ns = fixture->connection.time_ns;
		if (kinds[i] == TLSTRACE_SOCKET_READ)
			event.socket.reader = task(301, "reader");
		if (kinds[i] == TLSTRACE_SOCKET_WRITE)
			event.socket.writer = task(302, "writer");
		tracker_socket(fixture->tracker, &event);
	}
	finish_13_on(fixture, &fixture->connection, &server_13);
	return only_row(fixture);
}

#define ASSERT_OWNER(fixture, comm_, ...)                                                          \
	assert_string_equal(row_with_operations(fixture, (uint32_t[]){__VA_ARGS__},                \
						ARRAY_SIZE(((uint32_t[]){__VA_ARGS__})))           \
				    ->ends[END_SERVER]                                             \
				    .process.comm,                                                 \
			    comm_)

static void test_owner_accepter(void **state)
{
	struct fixture *fixture = *state;
	const struct endpoint *end = &fixture->rows[0].ends[END_SERVER];

	ASSERT_OWNER(fixture, "accepter", TLSTRACE_SOCKET_ACCEPT);
	assert_int_equal(end->process.pid, 300);
	assert_int_equal(end->creator.pid, 300);
	assert_int_equal(end->netns, 7);
	assert_int_equal(end->how, OWNER_CREATED);
	assert_int_equal(end->address.port, 443);
	assert_int_equal(fixture->processes, 1);
	assert_int_equal(fixture->rows[0].ends[END_CLIENT].how, OWNER_NONE);
}

static void test_owner_reader(void **state)
{
	struct fixture *fixture = *state;

	ASSERT_OWNER(fixture, "reader", TLSTRACE_SOCKET_ACCEPT, TLSTRACE_SOCKET_READ);
	assert_int_equal(fixture->rows[0].ends[END_SERVER].creator.pid, 300);
	assert_int_equal(fixture->processes, 2);
}

static void test_owner_writer(void **state)
{
	struct fixture *fixture = *state;

	ASSERT_OWNER(fixture, "writer", TLSTRACE_SOCKET_ACCEPT, TLSTRACE_SOCKET_READ,
		     TLSTRACE_SOCKET_WRITE);
	assert_int_equal(fixture->processes, 3);
}

/* The order in which they come does not matter: who wrote stays the owner. */
static void test_owner_writer_first(void **state)
{
	ASSERT_OWNER(*state, "writer", TLSTRACE_SOCKET_WRITE, TLSTRACE_SOCKET_READ,
		     TLSTRACE_SOCKET_ACCEPT);
}

/* A socket no probe told of: the end is remote. */
static void test_owner_unknown(void **state)
{
	struct fixture *fixture = *state;
	const struct handshake *row;

	fixture->connection.receiver = OWNER_SOCKET;
	say_hello(fixture, CLIENT, &client_13);
	finish_13_on(fixture, &fixture->connection, &server_13);
	row = only_row(fixture);
	assert_int_equal(row->ends[END_SERVER].process.pid, 0);
	assert_int_equal(row->ends[END_SERVER].how, OWNER_NONE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, tracker_setup, tracker_teardown)

/* Names of a row's phases, in order. */
static void assert_phase_names(const struct handshake *row, const char *names)
{
	char all[1024] = "";
	size_t i;

	for (i = 0; i < row->latency.phase_count; i++) {
		strcat(all, i ? " " : "");
		strcat(all, phase_name(row->latency.phases[i].kind));
	}
	assert_string_equal(all, names);
}

static void local_at(struct connection *connection, enum handshake_end end)
{
	if (end == END_CLIENT)
		connection->senders[CLIENT] = 11;
	else
		connection->receiver = 12;
}

static void tell_socket(struct fixture *fixture, uint64_t id, uint32_t kind, uint64_t time_ns,
			uint32_t turns)
{
	struct tlstrace_socket_event event = socket_event(id, kind, time_ns);

	event.socket.role = id == 11 ? TLSTRACE_ROLE_CLIENT : TLSTRACE_ROLE_SERVER;
	event.socket.connect_ns = event.socket.established_ns = connection_new(1).time_ns - MS / 2;
	event.socket.turns = turns;
	event.min_rtt_us = 100;
	tracker_socket(fixture->tracker, &event);
}

/* A client that is local: its hello, what it reads, and a round-trip time for the way. */
static void test_phases_of_client(void **state)
{
	struct fixture *fixture = *state;
	struct connection *connection = &fixture->connection;
	const struct handshake *row;

	local_at(connection, END_CLIENT);
	tell_socket(fixture, 11, TLSTRACE_SOCKET_HELLO, connection->time_ns, 1);
	say_hello(fixture, CLIENT, &client_13);
	say_hello(fixture, SERVER, &server_13);
	say_sealed(fixture, SERVER, RECORD_DATA, 800);
	tell_socket(fixture, 11, TLSTRACE_SOCKET_READ, connection->time_ns, 2);
	connection->time_ns += MS;
	say_sealed(fixture, CLIENT, RECORD_DATA, SHA256_FINISHED);
	row = only_row(fixture);
	assert_phase_names(row, "tcp_connect client_prepare hello_network server server_flight "
				"reply_network client_wakeup client_crypto");
	assert_int_equal(row->latency.phases[4].duration_ns,
			 MS); /* the two records came 1 ms apart */
	assert_int_equal(row->latency.phases[6].duration_ns, MS);
	assert_int_equal(row->latency.phases[7].duration_ns, MS);
	assert_int_equal(row->latency.end_ns, row->end_ns);
}

/* What was said on the connection before is not the handshake's. */
static void test_phases_behind_starttls(void **state)
{
	struct fixture *fixture = *state;
	struct connection *connection = &fixture->connection;

	local_at(connection, END_CLIENT);
	tell_socket(fixture, 11, TLSTRACE_SOCKET_HELLO, connection->time_ns, 3);
	say_hello(fixture, CLIENT, &client_13);
	finish_13_on(fixture, connection, &server_13);
	assert_phase_names(only_row(fixture), "hello_network server server_flight reply_network "
					      "client_crypto");
}

/* Both hooks of one interface: the server's flight is two messages, at two places. */
static void test_phases_of_both(void **state)
{
	struct fixture *fixture = *state;
	struct connection *near_client = &fixture->connection;
	struct connection near_server = connection_elsewhere(near_client);
	const struct latency *latency;

	local_at(near_client, END_CLIENT);
	local_at(&near_server, END_SERVER);
	say_hello(fixture, CLIENT, &client_13);
	near_server.time_ns += MS;
	hello_on(fixture, &near_server, CLIENT, &client_13);
	near_server.time_ns += 9 * MS;
	hello_on(fixture, &near_server, SERVER, &server_13);
	near_client->time_ns = near_server.time_ns + MS;
	say_hello(fixture, SERVER, &server_13);
	say_sealed(fixture, CLIENT, RECORD_DATA, SHA256_FINISHED);
	latency = &only_row(fixture)->latency;
	assert_phase_names(&fixture->rows[0], "hello_network server server_flight reply_network "
					      "client_crypto");
	assert_int_equal(latency->phases[0].duration_ns, MS);
	assert_int_equal(latency->phases[1].duration_ns, 10 * MS);
	assert_false(latency->phases[1].estimated);
	assert_int_equal(latency->phases[3].duration_ns, 2 * MS);
}

/* Early data goes out while the server works: it is neither the hello nor an answer. */
static void test_phases_with_early_data(void **state)
{
	const struct hello_options client = {.random = 1, .is_13 = true, .early_data = true};
	struct fixture *fixture = *state;
	const struct latency *latency;

	local_at(&fixture->connection, END_CLIENT);
	say_hello(fixture, CLIENT, &client);
	say_sealed(fixture, CLIENT, RECORD_DATA, 500);
	say_hello(fixture, SERVER, &server_13);
	say_sealed(fixture, CLIENT, RECORD_DATA, 500);
	say_sealed(fixture, SERVER, RECORD_DATA, 800);
	say_sealed(fixture, CLIENT, RECORD_DATA, 21); /* EndOfEarlyData */
	say_sealed(fixture, CLIENT, RECORD_DATA, SHA256_FINISHED);
	latency = &only_row(fixture)->latency;
	assert_phase_names(&fixture->rows[0], "unknown server_flight client_crypto");
	assert_int_equal(latency->phases[0].duration_ns, 2 * MS);
	assert_int_equal(latency->phases[1].duration_ns, 2 * MS);
	assert_int_equal(latency->phases[2].duration_ns, 2 * MS);
}

/* RFC 7918: data before the server's Finished. The handshake took no longer than to there. */
static void test_phases_of_false_start(void **state)
{
	struct fixture *fixture = *state;
	const struct handshake *row;

	local_at(&fixture->connection, END_CLIENT);
	say_hello(fixture, CLIENT, &client_12);
	say_hello(fixture, SERVER, &server_12);
	say_finished_12(fixture, CLIENT);
	say_sealed(fixture, CLIENT, RECORD_DATA, 300);
	say_finished_12(fixture, SERVER);
	row = only_row(fixture);
	assert_int_equal(row->outcome, HANDSHAKE_COMPLETED);
	assert_phase_names(row, "unknown server_flight client_crypto");
	assert_int_equal(row->latency.end_ns, row->end_ns - 2 * MS);
}

/* A hello in two segments is out with the second, and its way begins there. */
static void test_phases_of_long_hello(void **state)
{
	struct fixture *fixture = *state;
	struct connection *connection = &fixture->connection;
	struct buffer whole = {0}, part = {0};

	local_at(connection, END_CLIENT);
	tell_socket(fixture, 11, TLSTRACE_SOCKET_HELLO, connection->time_ns, 1);
	put_hello_record(&whole, CLIENT, &client_13);
	put_bytes(&part, whole.bytes, 60);
	say(fixture, CLIENT, &part);
	part.length = 0;
	put_bytes(&part, whole.bytes + 60, whole.length - 60);
	say(fixture, CLIENT, &part);
	finish_13_on(fixture, connection, &server_13);
	assert_int_equal(only_row(fixture)->latency.phases[1].kind, PHASE_CLIENT_PREPARE);
	assert_int_equal(fixture->rows[0].latency.phases[1].duration_ns, MS + MS / 2);
}

static void say_twice(struct fixture *fixture, bool from_client, const struct buffer *bytes)
{
	struct connection *connection = &fixture->connection;
	struct packet packet;

	say(fixture, from_client, bytes);
	connection->next[from_client] -= bytes->length;
	packet_make(&packet, connection, from_client, 0, bytes->bytes, bytes->length);
	packet.event.flags = TLSTRACE_PACKET_RETRANSMIT;
	packet.event.segments = 1;
	feed(fixture, &packet);
	connection->next[from_client] += bytes->length;
}

/* A ticket that is sent again has not delayed the handshake. */
static void test_retransmission_behind(void **state)
{
	struct fixture *fixture = *state;
	struct buffer ticket = {0};

	local_at(&fixture->connection, END_CLIENT);
	say_hello(fixture, CLIENT, &client_13);
	finish_13_on(fixture, &fixture->connection, &server_13);
	put_sealed(&ticket, 23, 250);
	say_twice(fixture, SERVER, &ticket);
	assert_int_equal(only_row(fixture)->latency.retransmissions, 0);
}

/* What crosses the same place again is counted, at whichever place more of it was seen. */
static void test_retransmissions(void **state)
{
	struct fixture *fixture = *state;
	struct connection *connection = &fixture->connection;
	struct buffer hello = {0};

	local_at(connection, END_CLIENT);
	put_hello_record(&hello, CLIENT, &client_13);
	say_twice(fixture, CLIENT, &hello);
	finish_13_on(fixture, connection, &server_13);
	assert_int_equal(only_row(fixture)->latency.retransmissions, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_two_places),
		TEST(test_two_places_nat),
		TEST(test_phases_of_client),
		TEST(test_phases_behind_starttls),
		TEST(test_phases_of_both),
		TEST(test_phases_with_early_data),
		TEST(test_phases_of_false_start),
		TEST(test_phases_of_long_hello),
		TEST(test_retransmissions),
		TEST(test_retransmission_behind),
		TEST(test_same_random),
		TEST(test_same_random_later),
		TEST(test_pass_through),
		TEST(test_overlap_is_no_proxy),
		TEST(test_full_12),
		TEST(test_completed_13),
		TEST(test_renegotiation),
		TEST(test_renegotiation_later),
		TEST(test_renegotiation_in_the_clear),
		TEST(test_random_told_late),
		TEST(test_renegotiation_refused),
		TEST(test_renegotiation_not_tls),
		TEST(test_completed_13_sha384),
		TEST(test_short_tag_13),
		TEST(test_many_records_12),
		TEST(test_other_length_13),
		TEST(test_lengths_13),
		TEST(test_refused_with_goodbye_13),
		TEST(test_retry_13),
		TEST(test_alert_by_server),
		TEST(test_alert_by_client),
		TEST(test_warning),
		TEST(test_encrypted_alert_13),
		TEST(test_reset),
		TEST(test_fin),
		TEST(test_end_behind_completion),
		TEST(test_left_at_once),
		TEST(test_short_extensions_13),
		TEST(test_short_request_13),
		TEST(test_padded_goodbye_13),
		TEST(test_refused_behind_request_13),
		TEST(test_short_answer_13),
		TEST(test_short_early_data),
		TEST(test_alert_behind_early_data),
		TEST(test_data_before_answer_13),
		TEST(test_declined_in_one_record),
		TEST(test_lost_events),
		TEST(test_left_behind_false_start),
		TEST(test_left_behind_early_data),
		TEST(test_refused),
		TEST(test_one_direction),
		TEST(test_not_delivered),
		TEST(test_same_random_other_hello),
		TEST(test_patient),
		TEST(test_timeout_of_server),
		TEST(test_timeout_of_client),
		TEST(test_timeout_amid_flight_13),
		TEST(test_timeout_amid_record_13),
		TEST(test_timeout_amid_flight_12),
		TEST(test_two_alerts_in_one_record),
		TEST(test_gap),
		TEST(test_gap_timeout),
		TEST(test_finish),
		TEST(test_capacity),
		TEST(test_hello_v2),
		TEST(test_answer_v2),
		TEST(test_owner_accepter),
		TEST(test_owner_reader),
		TEST(test_owner_writer),
		TEST(test_owner_writer_first),
		TEST(test_owner_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
