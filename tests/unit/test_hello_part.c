/* SPDX-License-Identifier: BSD-2-Clause */
/* A ClientHello whose rest never comes: still a row, with the contents of its beginning. */
#include "tracker_fixture.h"

#define HEADERS 9 /* of the record and of the message */
#define MISSING 10

/* The first length bytes of a hello; returns the size of its message. */
static size_t say_part(struct fixture *fixture, struct connection *connection, size_t length)
{
	struct buffer buffer = {0};
	size_t whole;

	put_hello_record(&buffer, CLIENT, &client_13);
	whole = buffer.length;
	assert_true(length < whole);
	buffer.length = length;
	say_on(fixture, connection, CLIENT, &buffer);
	return whole - 5;
}

static size_t say_most(struct fixture *fixture)
{
	struct buffer buffer = {0};

	put_hello_record(&buffer, CLIENT, &client_13);
	return say_part(fixture, &fixture->connection, buffer.length - MISSING);
}

static void assert_part(const struct handshake *row, size_t size)
{
	assert_true(row->has_random && row->offer.partial && !row->offer.whole && !row->truncated);
	assert_int_equal(row->offer.size, size);
	assert_int_equal(row->offer.received, size - MISSING);
	assert_true(row->offer.ciphers.count > 0);
	assert_string_equal(row->ja3, "");
	assert_string_equal(row->ja4, "");
}

static void test_timeout(void **state)
{
	struct fixture *fixture = *state;
	uint64_t began = fixture->connection.time_ns;
	size_t size = say_most(fixture);

	tracker_tick(fixture->tracker, began + TIMEOUT - 1);
	assert_int_equal(fixture->count, 0);
	tracker_tick(fixture->tracker, began + TIMEOUT + 2000 * MS);
	assert_int_equal(fixture->count, 1);
	assert_part(&fixture->rows[0], size);
	assert_failure(&fixture->rows[0], FAILURE_TIMEOUT, END_CLIENT, -1);
	assert_int_equal(fixture->rows[0].end_ns, began + TIMEOUT);
	assert_int_equal(tracker_unfinished(fixture->tracker), 0);
	assert_int_equal(fixture->forgotten, 1);
}

static void test_finish(void **state)
{
	struct fixture *fixture = *state;
	size_t size = say_most(fixture);

	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	assert_int_equal(fixture->count, 1);
	assert_part(&fixture->rows[0], size);
	assert_int_equal(fixture->rows[0].outcome, HANDSHAKE_INCOMPLETE);
	assert_int_equal(tracker_unfinished(fixture->tracker), 0);
}

static void test_ends(void **state)
{
	static const struct {
		bool from_client;
		uint8_t flags;
		enum failure_kind kind;
	} cases[] = {
		{SERVER, TLSTRACE_TCP_FIN, FAILURE_CLOSED},
		{SERVER, TLSTRACE_TCP_RST, FAILURE_RESET},
		{CLIENT, TLSTRACE_TCP_FIN, FAILURE_CLOSED},
		{CLIENT, TLSTRACE_TCP_RST, FAILURE_RESET},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t size;

		fixture->connection = connection_new(41000 + i);
		fixture->connection.time_ns += i * 2000 * MS;
		rows_drop(fixture);
		size = say_most(fixture);
		signal_on(fixture, &fixture->connection, cases[i].from_client, cases[i].flags, 0);
		assert_part(only_row(fixture), size);
		assert_failure(&fixture->rows[0], cases[i].kind,
			       cases[i].from_client ? END_CLIENT : END_SERVER, -1);
	}
}

/* The server's word on what it got is heard. */
static void test_alert(void **state)
{
	struct fixture *fixture = *state;
	size_t size = say_most(fixture);

	say_alert(fixture, SERVER, 2, 50);
	signal_on(fixture, &fixture->connection, SERVER, TLSTRACE_TCP_FIN, 0);
	assert_part(only_row(fixture), size);
	assert_failure(&fixture->rows[0], FAILURE_ALERT, END_SERVER, 50);
}

/* The client's end overtook what is missing: the hello comes whole. */
static void test_end_ahead(void **state)
{
	struct fixture *fixture = *state;
	struct connection *connection = &fixture->connection;
	struct buffer hello = {0};
	struct packet packet;

	put_hello_record(&hello, CLIENT, &client_13);
	packet_make(&packet, connection, CLIENT, 0, hello.bytes, hello.length - MISSING);
	feed(fixture, &packet);
	connection->next[CLIENT] += hello.length;
	signal_on(fixture, connection, CLIENT, TLSTRACE_TCP_FIN, TLSTRACE_PACKET_OUT_OF_ORDER);
	connection->next[CLIENT] -= MISSING;
	packet_make(&packet, connection, CLIENT, 0, hello.bytes + hello.length - MISSING, MISSING);
	feed(fixture, &packet);
	tracker_finish(fixture->tracker, connection->time_ns);
	assert_int_equal(fixture->count, 1);
	assert_true(fixture->rows[0].offer.whole && !fixture->rows[0].offer.partial);
	assert_int_equal(fixture->rows[0].offer.received, fixture->rows[0].offer.size);
}

/* Whole at one place, not at the next: one handshake that is known whole. */
static void test_part_elsewhere(void **state)
{
	struct fixture *fixture = *state;
	struct connection other = connection_elsewhere(&fixture->connection);

	other.time_ns += 10000;
	say_hello(fixture, CLIENT, &client_13);
	say_part(fixture, &other, 100);
	signal_on(fixture, &other, SERVER, TLSTRACE_TCP_RST, 0);
	signal_on(fixture, &fixture->connection, SERVER, TLSTRACE_TCP_RST, 0);
	assert_failure(only_row(fixture), FAILURE_RESET, END_SERVER, -1);
	assert_false(fixture->rows[0].offer.partial);
	assert_int_equal(fixture->rows[0].path_count, 2);
}

/* Too little to tell which handshake it is; or it may only not have been delivered. */
static void test_no_row(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;

	say_part(fixture, &fixture->connection, HEADERS + 33);
	fixture->connection = connection_new(40001);
	say_part(fixture, &fixture->connection, HEADERS + 60);
	packet_make(&packet, &fixture->connection, SERVER, 0, NULL, 0);
	packet.event.flags = TLSTRACE_PACKET_LOST_BEFORE;
	packet.event.tcp_flags |= TLSTRACE_TCP_RST;
	feed(fixture, &packet);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	assert_int_equal(fixture->count, 0);
	assert_int_equal(tracker_unfinished(fixture->tracker), 2);
	assert_int_equal(tracker_refused(fixture->tracker), 0);
}

/* One byte after the random is enough. */
static void test_least(void **state)
{
	struct fixture *fixture = *state;

	say_part(fixture, &fixture->connection, HEADERS + 34);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->rows[0].offer.received, 38);
	assert_int_equal(fixture->rows[0].offer.ciphers.count, 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, tracker_setup, tracker_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_timeout), TEST(test_finish),	  TEST(test_ends),
		TEST(test_alert),   TEST(test_end_ahead), TEST(test_part_elsewhere),
		TEST(test_no_row),  TEST(test_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
