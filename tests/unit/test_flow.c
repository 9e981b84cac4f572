/* SPDX-License-Identifier: BSD-2-Clause */
/* Records and messages of a flow, however its bytes are split. */
#include "flow_fixture.h"
#include "tls/hello.h"

static void test_one_segment(void **state)
{
	struct fixture *fixture = *state;

	send_hello(fixture);
	assert_int_equal(fixture->count, 1);
	assert_rfc8448_hello(fixture);
	assert_int_equal(fixture->messages[0].records, 1);
	assert_int_equal(fixture->messages[0].segments, 1);
	assert_int_equal(fixture->messages[0].time_ns, 1000 * MS);
	assert_int_equal(fixture->segments, 1);
	assert_true(fixture->flow->client_is_local);
	assert_false(fixture->flow->gap);
}

static void test_all_segment_sizes(void **state)
{
	size_t size;

	for (size = 1; size < 5 + sizeof(rfc8448_client_hello); size++) {
		struct fixture *fixture;
		struct buffer buffer = {0};

		flow_teardown(state);
		assert_int_equal(flow_setup(state), 0);
		fixture = *state;
		put_rfc8448_hello(&buffer);
		send_sized(fixture, true, &buffer, size);
		assert_int_equal(fixture->count, 1);
		assert_rfc8448_hello(fixture);
		assert_int_equal(fixture->messages[0].segments, (buffer.length + size - 1) / size);
		assert_int_equal(fixture->messages[0].time_ns, 1000 * MS);
	}
}

static void test_hello_over_records(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	put_rfc8448_hello_split(&buffer, 50);
	send_all(fixture, true, &buffer);
	assert_int_equal(fixture->count, 1);
	assert_rfc8448_hello(fixture);
	assert_int_equal(fixture->messages[0].records, 4);
}

/* One byte per record and one byte per segment: the worst case. */
static void test_hello_in_crumbs(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	put_rfc8448_hello_split(&buffer, 1);
	send_sized(fixture, true, &buffer, 1);
	assert_int_equal(fixture->count, 1);
	assert_rfc8448_hello(fixture);
	assert_int_equal(fixture->messages[0].records, sizeof(rfc8448_client_hello));
	assert_int_equal(fixture->messages[0].segments, buffer.length);
}

/* RFC 8446 section 5.1 forbids them; they must do no harm. */
static void test_empty_records(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	put_record(&buffer, RECORD_HANDSHAKE, NULL, 0);
	put_record(&buffer, RECORD_HANDSHAKE, NULL, 0);
	put_rfc8448_hello(&buffer);
	send_all(fixture, true, &buffer);
	assert_int_equal(fixture->count, 1);
	assert_rfc8448_hello(fixture);
}

static void test_messages_in_a_record(void **state)
{
	static const uint8_t types[] = {TLS_SERVER_HELLO, TLS_CERTIFICATE, TLS_SERVER_KEY_EXCHANGE,
					TLS_SERVER_HELLO_DONE};
	struct fixture *fixture = *state;
	struct buffer body = {0}, buffer = {0};
	size_t i;

	send_hello(fixture);
	for (i = 0; i < ARRAY_SIZE(types); i++)
		put_message(&body, types[i], "0123456789", i * 3);
	put_record(&buffer, RECORD_HANDSHAKE, body.bytes, body.length);
	send_all(fixture, false, &buffer);
	assert_int_equal(fixture->count, 1 + ARRAY_SIZE(types));
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		assert_int_equal(fixture->messages[1 + i].type, types[i]);
		assert_int_equal(fixture->messages[1 + i].size, 4 + i * 3);
		assert_int_equal(fixture->messages[1 + i].records, 1);
		assert_false(fixture->messages[1 + i].from_client);
	}
	assert_memory_equal(fixture->last.bytes, "012345678", 9);
}

/* A message begins in the record in which the one before it ends. */
static void test_message_straddles_records(void **state)
{
	struct fixture *fixture = *state;
	struct buffer body = {0}, buffer = {0};

	send_hello(fixture);
	put_message(&body, TLS_SERVER_HELLO, "abc", 3);
	put_message(&body, TLS_CERTIFICATE, "0123456789", 10);
	put_record(&buffer, RECORD_HANDSHAKE, body.bytes, 9);
	put_record(&buffer, RECORD_HANDSHAKE, body.bytes + 9, body.length - 9);
	send_sized(fixture, false, &buffer, 14);
	assert_int_equal(fixture->count, 3);
	assert_int_equal(fixture->messages[1].time_ns, 1001 * MS);
	assert_int_equal(fixture->messages[2].type, TLS_CERTIFICATE);
	assert_int_equal(fixture->messages[2].time_ns, 1001 * MS);
	assert_int_equal(fixture->messages[2].records, 2);
	assert_int_equal(fixture->messages[2].segments, 3);
	assert_memory_equal(fixture->last.bytes, "0123456789", 10);
}

static void test_not_tls(void **state)
{
	static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	send_hello(fixture);
	put_bytes(&buffer, answer, sizeof(answer) - 1);
	send_sized(fixture, false, &buffer, 10);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_NOT_TLS);
	assert_false(fixture->messages[1].from_client);
	assert_int_equal(fixture->messages[1].time_ns, 1001 * MS);
}

/* Content type, version and length must be a record's. */
static void test_record_headers(void **state)
{
	static const struct {
		uint8_t header[5];
		bool valid;
	} cases[] = {
		{{19, 3, 3, 0, 1}, false},    {{25, 3, 3, 0, 1}, false},
		{{23, 2, 0, 0, 1}, false},    {{23, 3, 5, 0, 1}, false},
		{{23, 3, 3, 0x48, 1}, false}, {{23, 3, 3, 0x48, 0}, true},
		{{24, 3, 0, 0, 1}, true},     {{23, 3, 4, 0, 0}, true},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture *fixture;
		struct buffer buffer = {0};

		flow_teardown(state);
		assert_int_equal(flow_setup(state), 0);
		fixture = *state;
		send_hello(fixture);
		put_bytes(&buffer, cases[i].header, 5);
		send_all(fixture, false, &buffer);
		ASSERT_KINDS(fixture, FLOW_HANDSHAKE,
			     cases[i].valid ? FLOW_ENCRYPTED : FLOW_NOT_TLS);
	}
}

static void test_change_cipher_spec(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	send_hello(fixture);
	put_record(&buffer, RECORD_HANDSHAKE, "\x10\x00\x00\x01x", 5);
	put_record(&buffer, RECORD_CCS, "\x01", 1);
	put_sealed(&buffer, RECORD_HANDSHAKE, 40);
	put_sealed(&buffer, RECORD_ALERT, 26);
	put_sealed(&buffer, RECORD_DATA, 100);
	send_sized(fixture, true, &buffer, 33);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_HANDSHAKE, FLOW_CHANGE_CIPHER_SPEC,
		     FLOW_ENCRYPTED, FLOW_ENCRYPTED, FLOW_ENCRYPTED);
	assert_int_equal(fixture->messages[3].record_type, RECORD_HANDSHAKE);
	assert_int_equal(fixture->messages[3].size, 40);
	assert_int_equal(fixture->messages[4].record_type, RECORD_ALERT);
	assert_int_equal(fixture->messages[5].size, 100);
}

/* In compatibility mode (RFC 8446 appendix D.4) the second hellos come after ChangeCipherSpec. */
static void test_hellos_after_ccs(void **state)
{
	struct fixture *fixture = *state;
	struct buffer client = {0}, server = {0};

	send_hello(fixture);
	put_record(&server, RECORD_HANDSHAKE, rfc8448_retry, sizeof(rfc8448_retry));
	put_record(&server, RECORD_CCS, "\x01", 1);
	send_all(fixture, false, &server);
	put_record(&client, RECORD_CCS, "\x01", 1);
	put_rfc8448_hello_split(&client, 150);
	send_all(fixture, true, &client);
	assert_rfc8448_hello(fixture);
	server.length = 0;
	put_record(&server, RECORD_HANDSHAKE, rfc8448_server_hello, sizeof(rfc8448_server_hello));
	put_sealed(&server, RECORD_DATA, 53);
	send_all(fixture, false, &server);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_HANDSHAKE, FLOW_CHANGE_CIPHER_SPEC,
		     FLOW_CHANGE_CIPHER_SPEC, FLOW_HANDSHAKE, FLOW_HANDSHAKE, FLOW_ENCRYPTED);
	assert_int_equal(fixture->messages[5].type, TLS_SERVER_HELLO);
}

static void test_alert(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	send_hello(fixture);
	put_alert(&buffer, 2, 40);
	send_sized(fixture, false, &buffer, 1);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_ALERT);
	assert_memory_equal(fixture->last.bytes, "\x02\x28", 2);
}

static void test_hello_v2(void **state)
{
	static const uint8_t challenge[16] = {1, 2, 3};
	struct fixture *fixture = *state;
	struct buffer buffer = {0};
	size_t hello;

	put_hello_v2(&buffer, challenge, sizeof(challenge));
	hello = buffer.length;
	put_alert(&buffer, 2, 70);
	send_sized(fixture, true, &buffer, 1);
	ASSERT_KINDS(fixture, FLOW_HELLO_V2, FLOW_ALERT);
	assert_true(fixture->messages[0].from_client);
	assert_int_equal(fixture->messages[0].size, hello - 2);
	assert_int_equal(fixture->messages[0].body.length, hello - 3);
	assert_int_equal(fixture->messages[0].segments, hello);
}

/* Only the beginning of a message longer than FLOW_MESSAGE_MAX is kept; the next one is read. */
static void test_message_too_long(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};
	size_t i;

	send_hello(fixture);
	put_record(&buffer, RECORD_HANDSHAKE, "\x0b\x05\0\0", 4);
	send_all(fixture, false, &buffer);
	buffer.length = 0;
	put_sealed(&buffer, RECORD_HANDSHAKE, 16384);
	for (i = 0; i < 0x50000 / 16384; i++)
		send_all(fixture, false, &buffer);
	assert_int_equal(fixture->count, 2);
	assert_true(fixture->messages[1].truncated);
	assert_int_equal(fixture->messages[1].size, 0x50004);
	assert_in_range(fixture->messages[1].body.length, FLOW_MESSAGE_MAX - 16384,
			FLOW_MESSAGE_MAX);
	assert_false(fixture->flow->gap);
	buffer.length = 0;
	put_record(&buffer, RECORD_HANDSHAKE, "\x0e\0\0\0", 4);
	send_all(fixture, false, &buffer);
	assert_int_equal(fixture->count, 3);
	assert_int_equal(fixture->messages[2].type, TLS_SERVER_HELLO_DONE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, flow_setup, flow_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_segment),
		TEST(test_all_segment_sizes),
		TEST(test_hello_over_records),
		TEST(test_hello_in_crumbs),
		TEST(test_empty_records),
		TEST(test_messages_in_a_record),
		TEST(test_message_straddles_records),
		TEST(test_not_tls),
		TEST(test_record_headers),
		TEST(test_change_cipher_spec),
		TEST(test_hellos_after_ccs),
		TEST(test_alert),
		TEST(test_hello_v2),
		TEST(test_message_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
