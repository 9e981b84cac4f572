// SPDX-License-Identifier: BSD-2-Clause
/*
 * What acknowledgements prove, which sightings are one handshake, and silence in a file.
 */
#include "tracker_fixture.h"

static struct flow_opening seen_opening(void)
{
	return (struct flow_opening){.acknowledgements = true};
}

static void opening_tell(struct fixture *fixture, const struct flow_opening *opening)
{
	tracker_opening(fixture->tracker, &fixture->connection.key, fixture->connection.flow_id,
			opening);
}

/* The client's hello once more. */
static void hello_again(struct fixture *fixture, const struct hello_options *options)
{
	struct buffer buffer = {0};
	struct packet packet;

	put_hello_record(&buffer, CLIENT, options);
	packet_make(&packet, &fixture->connection, CLIENT, -(uint32_t)buffer.length, buffer.bytes,
		    buffer.length);
	packet.event.flags = TLSTRACE_PACKET_RETRANSMIT;
	feed(fixture, &packet);
	fixture->connection.time_ns += MS;
}

/* A pure acknowledgement: of all but these last bytes. */
static void acknowledge(struct fixture *fixture, bool from_client, uint32_t missing, uint8_t flags)
{
	struct packet packet;

	packet_make(&packet, &fixture->connection, from_client, 0, NULL, 0);
	packet.event.tcp_flags |= TLSTRACE_TCP_ACK | flags;
	packet.event.acknowledgement = fixture->connection.next[!from_client] - missing;
	feed(fixture, &packet);
	fixture->connection.time_ns += MS;
}

static const struct handshake *row_at_end(struct fixture *fixture)
{
	tracker_finish(fixture->tracker, fixture->connection.time_ns + SETTLED);
	assert_int_equal(fixture->count, 1);
	return &fixture->rows[0];
}

/* Sent again, and the server's end says that nothing of it came. */
static void test_hello_undelivered(void **state)
{
	struct fixture *fixture = *state;
	const struct flow_opening opening = seen_opening();

	say_hello(fixture, CLIENT, &client_13);
	opening_tell(fixture, &opening);
	hello_again(fixture, &client_13);
	hello_again(fixture, &client_13);
	acknowledge(fixture, SERVER, 100, TLSTRACE_TCP_FIN);
	assert_true(row_at_end(fixture)->undelivered[END_CLIENT]);
	assert_false(fixture->rows[0].undelivered[END_SERVER]);
}

/* Not even an acknowledgement, where all are delivered. */
static void test_hello_never_acknowledged(void **state)
{
	struct fixture *fixture = *state;
	const struct flow_opening opening = seen_opening();

	say_hello(fixture, CLIENT, &client_13);
	opening_tell(fixture, &opening);
	hello_again(fixture, &client_13);
	hello_again(fixture, &client_13);
	assert_true(row_at_end(fixture)->undelivered[END_CLIENT]);
}

/* Without a second try nothing is proven; nor where acknowledgements are not delivered; nor if it
 * was acknowledged. */
static void test_hello_delivered(void **state)
{
	struct fixture *fixture = *state;
	const struct flow_opening opening = seen_opening();

	say_hello(fixture, CLIENT, &client_13);
	opening_tell(fixture, &opening);
	assert_false(row_at_end(fixture)->undelivered[END_CLIENT]);
	rows_drop(fixture);
	fixture->connection = connection_new(40001);
	say_hello(fixture, CLIENT, &client_13);
	hello_again(fixture, &client_13);
	hello_again(fixture, &client_13);
	assert_false(row_at_end(fixture)->undelivered[END_CLIENT]);
	rows_drop(fixture);
	fixture->connection = connection_new(40002);
	say_hello(fixture, CLIENT, &client_13);
	opening_tell(fixture, &opening);
	hello_again(fixture, &client_13);
	hello_again(fixture, &client_13);
	acknowledge(fixture, SERVER, 0, 0);
	assert_false(row_at_end(fixture)->undelivered[END_CLIENT]);
}

/* Of the server no packet was seen: its silence is not its own. */
static void test_one_sided(void **state)
{
	struct fixture *fixture = *state;
	const struct flow_opening opening = {.server_unseen = true, .acknowledgements = true};

	say_hello(fixture, CLIENT, &client_13);
	opening_tell(fixture, &opening);
	tracker_tick(fixture->tracker, fixture->connection.time_ns + 2 * TIMEOUT);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->rows[0].outcome, HANDSHAKE_INCOMPLETE);
	assert_true(fixture->rows[0].gap);
}

/* Only sent again, for ever: that is no sign of life. */
static void test_resending_is_silence(void **state)
{
	struct fixture *fixture = *state;
	const struct flow_opening opening = seen_opening();

	say_hello(fixture, CLIENT, &client_13);
	opening_tell(fixture, &opening);
	fixture->connection.time_ns += TIMEOUT - 5 * MS;
	hello_again(fixture, &client_13);
	fixture->connection.time_ns += 10 * MS;
	assert_failure(only_row(fixture), FAILURE_TIMEOUT, END_SERVER, -1);
}

/* The same random and sequence number, and other bytes: two handshakes. */
static void test_same_random(void **state)
{
	struct fixture *fixture = *state;
	struct connection other = connection_new(40001);
	struct hello_options options = client_13;

	other.next[CLIENT] = fixture->connection.next[CLIENT];
	other.time_ns = fixture->connection.time_ns;
	say_hello(fixture, CLIENT, &options);
	options.early_data = true;
	hello_on(fixture, &other, CLIENT, &options);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	assert_int_equal(fixture->count, 2);
}

/* TLS ends, another protocol goes on, and asks for TLS once more: LDAP, FTP's CCC and AUTH. */
static void test_twice_on_one_connection(void **state)
{
	struct fixture *fixture = *state;
	struct hello_options again = client_13;
	struct buffer plain = {0};

	say_hello(fixture, CLIENT, &client_13);
	finish_13_on(fixture, &fixture->connection, &server_13);
	say_sealed(fixture, CLIENT, RECORD_DATA, ALERT_13);
	say_sealed(fixture, SERVER, RECORD_DATA, ALERT_13);
	put_bytes(&plain, "AUTH TLS\r\n", 10);
	say(fixture, CLIENT, &plain);
	plain.length = 0;
	put_bytes(&plain, "234 go on\r\n", 11);
	say(fixture, SERVER, &plain);
	again.random = 3;
	say_hello(fixture, CLIENT, &again);
	finish_13_on(fixture, &fixture->connection, &server_13);
	tracker_tick(fixture->tracker, fixture->connection.time_ns + SETTLED);
	assert_int_equal(fixture->count, 2);
	assert_int_equal(fixture->rows[0].random[0], 1);
	assert_int_equal(fixture->rows[1].random[0], 3);
	assert_int_equal(fixture->rows[1].outcome, HANDSHAKE_COMPLETED);
	assert_false(fixture->rows[1].renegotiation);
}

/* The same without a word between. */
static void test_twice_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct hello_options again = client_12;

	say_hello(fixture, CLIENT, &client_12);
	say_hello(fixture, SERVER, &server_12);
	say_finished_12(fixture, CLIENT);
	say_finished_12(fixture, SERVER);
	say_sealed(fixture, CLIENT, RECORD_ALERT, 26);
	say_sealed(fixture, SERVER, RECORD_ALERT, 26);
	again.random = 3;
	say_hello(fixture, CLIENT, &again);
	say_hello(fixture, SERVER, &server_12);
	say_finished_12(fixture, CLIENT);
	say_finished_12(fixture, SERVER);
	tracker_tick(fixture->tracker, fixture->connection.time_ns + SETTLED);
	assert_int_equal(fixture->count, 2);
	assert_int_equal(fixture->rows[1].outcome, HANDSHAKE_COMPLETED);
}

static void hello_with(struct fixture *fixture, const struct hello_options *options, uint32_t back)
{
	struct buffer buffer = {0};
	struct packet packet;

	put_hello_record(&buffer, CLIENT, options);
	packet_make(&packet, &fixture->connection, CLIENT, -back, buffer.bytes, buffer.length);
	packet.event.flags = TLSTRACE_PACKET_RETRANSMIT;
	feed(fixture, &packet);
}

/* Another hello at the same sequence number: of the same length, or another. */
static void test_conflict(void **state)
{
	struct fixture *fixture = *state;
	struct hello_options same_length = client_13, other_length = client_13;
	const struct hello_options *const others[] = {&client_13, &same_length, &other_length};
	struct buffer hello = {0};
	size_t i;

	same_length.random = 7;
	other_length.early_data = true;
	put_hello_record(&hello, CLIENT, &client_13);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		rows_drop(fixture);
		fixture->connection = connection_new(41000 + i);
		say_hello(fixture, CLIENT, &client_13);
		hello_with(fixture, others[i], hello.length);
		finish_13_on(fixture, &fixture->connection, &server_13);
		assert_int_equal(only_row(fixture)->conflict, i > 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_hello_undelivered),
		TEST(test_hello_never_acknowledged),
		TEST(test_hello_delivered),
		TEST(test_one_sided),
		TEST(test_resending_is_silence),
		TEST(test_same_random),
		TEST(test_twice_on_one_connection),
		TEST(test_twice_at_once),
		TEST(test_conflict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
