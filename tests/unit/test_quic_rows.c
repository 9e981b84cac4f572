/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of QUIC handshakes. */
#include "quic_fixture.h"
#include "quic_samples.h"

#include <errno.h>

/* A datagram that is no readable Initial gives no flow and no row, and is not counted as lost. */
static void test_not_quic(void **state)
{
	struct fixture *fixture = *state;
	uint8_t bytes[sizeof(rfc9001_client)];

	memcpy(bytes, rfc9001_client, sizeof(bytes));
	bytes[600] ^= 1;
	assert_int_equal(send_datagram(fixture, CLIENT, bytes, sizeof(bytes)), -EPROTO);
	bytes[600] ^= 1;
	memcpy(bytes + 1, "\x6b\x33\x43\xcf", 4); /* another version's */
	fixture->connection = connection_new(40002);
	assert_int_equal(send_datagram(fixture, CLIENT, bytes, sizeof(bytes)), -EPROTO);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	assert_int_equal(fixture->rows, 0);
	assert_int_equal(fixture->forgotten, 2);
	assert_int_equal(tracker_hellos(fixture->tracker), 2);
	assert_int_equal(tracker_refused(fixture->tracker) + tracker_unfinished(fixture->tracker),
			 0);
}

/* A version that is not decoded gives a row without a hello: the source says that it is QUIC. */
static void test_unknown_version(void **state)
{
	struct fixture *fixture = *state;
	uint8_t bytes[sizeof(rfc9001_client)];

	memcpy(bytes, rfc9001_client, sizeof(bytes));
	memcpy(bytes + 1, "\x1a\x2a\x3a\x4a", 4);
	assert_int_equal(send_datagram(fixture, CLIENT, bytes, sizeof(bytes)), 0);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	assert_int_equal(fixture->rows, 1);
	assert_true(fixture->row.truncated);
	assert_int_equal(fixture->row.quic_version, 0x1a2a3a4a);
}

static void row_take(struct fixture *fixture, uint64_t later_ns)
{
	tracker_tick(fixture->tracker, fixture->connection.time_ns + later_ns);
	assert_int_equal(fixture->rows, 1);
	assert_int_equal(fixture->row.transport, TRANSPORT_QUIC);
	assert_int_equal(fixture->row.quic_version, V1);
	assert_string_equal(fixture->sni, "example.org");
}

/* The server's 1-RTT packets may come early; the client's say that it is done. */
static void test_row_completed(void **state)
{
	struct fixture *fixture = *state;

	exchange_hellos(fixture);
	send_long(fixture, SERVER, 0xe0, 900);
	send_short(fixture, SERVER);
	send_long(fixture, CLIENT, 0xe0, 53);
	tracker_tick(fixture->tracker, fixture->connection.time_ns + 100 * MS);
	assert_int_equal(fixture->rows, 0);
	send_short(fixture, CLIENT);
	row_take(fixture, 50 * MS);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(fixture->row.version, 0x0304);
	assert_int_equal(fixture->row.cipher, 0x1301);
	assert_int_equal(fixture->row.inferred_count, 0);
	assert_int_equal(fixture->row.client_auth, TRI_UNKNOWN);
	assert_int_equal(fixture->row.message_count, 6);
}

/* The second of two Initials is lost for good. */
static void test_row_hello_part(void **state)
{
	struct fixture *fixture = *state;
	struct initial client = initial_from(CLIENT, 0);
	struct buffer hello;

	hello_make(&hello, CLIENT);
	send_crypto(fixture, &client, &hello, 0, hello.length - 5);
	row_take(fixture, 12000 * MS);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_FAILED);
	assert_int_equal(fixture->row.failure.kind, FAILURE_TIMEOUT);
	assert_int_equal(fixture->row.failure.by, END_CLIENT);
	assert_true(fixture->row.offer.partial);
	assert_int_equal(fixture->row.offer.received, hello.length - 5);
	assert_int_equal(fixture->row.offer.size, hello.length);
}

/* Something on the port looks like 1-RTT before the server answers: nothing is completed. */
static void test_row_unanswered(void **state)
{
	struct fixture *fixture = *state;

	fixture->client_socket = 7;
	send_initial_hello(fixture, CLIENT);
	send_short(fixture, CLIENT);
	row_take(fixture, 11000 * MS);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_FAILED);
	assert_int_equal(fixture->row.failure.kind, FAILURE_TIMEOUT);
}

/* A capture of one direction: the server may have answered. */
static void test_row_one_direction(void **state)
{
	struct fixture *fixture = *state;

	send_initial_hello(fixture, CLIENT);
	send_short(fixture, CLIENT);
	row_take(fixture, 11000 * MS);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_INCOMPLETE);
	assert_true(fixture->row.gap);
}

static void send_close(struct fixture *fixture, uint16_t error, const char *reason)
{
	struct initial server = initial_from(SERVER, 0);
	struct buffer frames = {0}, datagram = {0};

	put_number(&frames, 0x1c, 1);
	put_number(&frames, 0x4000 | error, 2);
	put_number(&frames, 0x06, 1);
	put_number(&frames, strlen(reason), 1);
	put_bytes(&frames, reason, strlen(reason));
	put_fill(&frames, 0, 20);
	put_initial(fixture, &datagram, &server, &frames);
	assert_int_equal(send_datagram(fixture, SERVER, datagram.bytes, datagram.length), 0);
}

static void test_row_close_alert(void **state)
{
	struct fixture *fixture = *state;

	send_initial_hello(fixture, CLIENT);
	send_close(fixture, 0x0178, "no application protocol");
	row_take(fixture, 50 * MS);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_FAILED);
	assert_int_equal(fixture->row.failure.kind, FAILURE_ALERT);
	assert_int_equal(fixture->row.failure.by, END_SERVER);
	assert_int_equal(fixture->row.failure.alert, 120);
	assert_int_equal(fixture->row.failure.error, 0x0178);
	assert_string_equal(fixture->reason, "no application protocol");
}

static void test_row_close_error(void **state)
{
	struct fixture *fixture = *state;

	send_initial_hello(fixture, CLIENT);
	send_close(fixture, 0x02, "");
	row_take(fixture, 50 * MS);
	assert_int_equal(fixture->row.failure.kind, FAILURE_CLOSED);
	assert_true(fixture->row.failure.has_error);
	assert_int_equal(fixture->row.failure.error, 2);
	assert_int_equal(fixture->row.failure.alert, -1);
	assert_string_equal(fixture->reason, "");
}

/* A CONNECTION_CLOSE in a Handshake packet cannot be read: nobody is blamed. */
static void test_row_silent(void **state)
{
	struct fixture *fixture = *state;

	exchange_hellos(fixture);
	send_long(fixture, SERVER, 0xe0, 900);
	send_long(fixture, CLIENT, 0xe0, 40);
	row_take(fixture, 11000 * MS);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_FAILED);
	assert_int_equal(fixture->row.failure.kind, FAILURE_TIMEOUT);
	assert_int_equal(fixture->row.failure.by, END_UNKNOWN);
}

/* The server does not answer 0-RTT packets either. */
static void test_row_early_silent(void **state)
{
	struct fixture *fixture = *state;

	fixture->client_socket = 7;
	send_initial_hello(fixture, CLIENT);
	send_long(fixture, CLIENT, 0xd0, 300);
	row_take(fixture, 11000 * MS);
	assert_int_equal(fixture->row.failure.kind, FAILURE_TIMEOUT);
	assert_int_equal(fixture->row.failure.by, END_SERVER);
}

/* 0-RTT without the PSK is rejected for sure; the hello here offers none. */
static void test_row_early_data(void **state)
{
	const struct hello_options options = {.random = 0x42, .is_13 = true, .early_data = true};
	struct fixture *fixture = *state;
	struct initial client = initial_from(CLIENT, 0), server = initial_from(SERVER, 0);
	struct buffer hello = {0};

	put_client_hello(&hello, &options);
	send_crypto(fixture, &client, &hello, 0, hello.length);
	send_long(fixture, CLIENT, 0xd0, 300);
	hello_make(&hello, SERVER);
	send_crypto(fixture, &server, &hello, 0, hello.length);
	send_short(fixture, CLIENT);
	row_take(fixture, 50 * MS);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(fixture->row.early_data, TRI_REJECTED);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, quic_setup, quic_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_not_quic),	    TEST(test_unknown_version),
		TEST(test_row_completed),   TEST(test_row_hello_part),
		TEST(test_row_unanswered),  TEST(test_row_one_direction),
		TEST(test_row_close_alert), TEST(test_row_close_error),
		TEST(test_row_silent),	    TEST(test_row_early_silent),
		TEST(test_row_early_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
