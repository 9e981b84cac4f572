/* SPDX-License-Identifier: BSD-2-Clause */
/* How a handshake ends, and who is said to have ended it. */
#include "tracker_fixture.h"

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

/* An end that leaves right after completion is named, but not if the client had sent data: RFC
 * 7918's, 0-RTT's too. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_many_records_12),
		TEST(test_alert_by_server),
		TEST(test_alert_by_client),
		TEST(test_warning),
		TEST(test_reset),
		TEST(test_fin),
		TEST(test_end_behind_completion),
		TEST(test_left_at_once),
		TEST(test_left_behind_false_start),
		TEST(test_refused),
		TEST(test_one_direction),
		TEST(test_not_delivered),
		TEST(test_timeout_of_server),
		TEST(test_timeout_of_client),
		TEST(test_timeout_amid_flight_13),
		TEST(test_timeout_amid_record_13),
		TEST(test_timeout_amid_flight_12),
		TEST(test_two_alerts_in_one_record),
		TEST(test_gap),
		TEST(test_gap_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
