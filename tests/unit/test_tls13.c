/* SPDX-License-Identifier: BSD-2-Clause */
/* What the lengths of encrypted TLS 1.3 records say, and what they do not. */
#include "tracker_fixture.h"

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

/* Early data of two bytes, the rest of a question's length in DNS over TLS, comes after the
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_completed_13),
		TEST(test_completed_13_sha384),
		TEST(test_short_tag_13),
		TEST(test_other_length_13),
		TEST(test_lengths_13),
		TEST(test_refused_with_goodbye_13),
		TEST(test_retry_13),
		TEST(test_encrypted_alert_13),
		TEST(test_short_extensions_13),
		TEST(test_short_request_13),
		TEST(test_padded_goodbye_13),
		TEST(test_refused_behind_request_13),
		TEST(test_short_answer_13),
		TEST(test_short_early_data),
		TEST(test_alert_behind_early_data),
		TEST(test_data_before_answer_13),
		TEST(test_declined_in_one_record),
		TEST(test_left_behind_early_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
