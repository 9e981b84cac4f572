/* SPDX-License-Identifier: BSD-2-Clause */
/* One row per handshake: places, proxies, renegotiation, the limits of the table. */
#include "tracker_fixture.h"

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

/* Right after the handshake, while its row waits, and at two places: two rows, each with both
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

/* A ClientHello in the clear after an encrypted one: no client sends that, an attacker may. It
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

/* Of the first hello a capture has less than its random; the one after a retry is whole. */
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
	/* What begins after the loss is judged as usual. */
	other.time_ns = fixture->connection.time_ns + 2 * TIMEOUT;
	rows_drop(fixture);
	hello_on(fixture, &other, CLIENT, &(struct hello_options){.random = 9, .is_13 = true});
	signal_on(fixture, &other, SERVER, 0, 0);
	tracker_tick(fixture->tracker, other.time_ns + TIMEOUT + SETTLED);
	assert_int_equal(fixture->count, 1);
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
		/* Its second hello, after a HelloRetryRequest, counts no more. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_two_places),
		TEST(test_two_places_nat),
		TEST(test_same_random),
		TEST(test_same_random_later),
		TEST(test_pass_through),
		TEST(test_overlap_is_no_proxy),
		TEST(test_full_12),
		TEST(test_renegotiation),
		TEST(test_renegotiation_later),
		TEST(test_renegotiation_in_the_clear),
		TEST(test_random_told_late),
		TEST(test_renegotiation_refused),
		TEST(test_renegotiation_not_tls),
		TEST(test_lost_events),
		TEST(test_same_random_other_hello),
		TEST(test_patient),
		TEST(test_finish),
		TEST(test_capacity),
		TEST(test_hello_v2),
		TEST(test_answer_v2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
