/* SPDX-License-Identifier: BSD-2-Clause */
/* Who owns the sockets of the ends, and where the time went. */
#include "tracker_fixture.h"
#include "sink/phases.h"

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

/* A socket that no probe reported: the end is remote. */
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
		TEST(test_phases_of_client),	  TEST(test_phases_behind_starttls),
		TEST(test_phases_of_both),	  TEST(test_phases_with_early_data),
		TEST(test_phases_of_false_start), TEST(test_phases_of_long_hello),
		TEST(test_retransmissions),	  TEST(test_retransmission_behind),
		TEST(test_owner_accepter),	  TEST(test_owner_reader),
		TEST(test_owner_writer),	  TEST(test_owner_writer_first),
		TEST(test_owner_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
