/* SPDX-License-Identifier: BSD-2-Clause */
/* QUIC packets and frames by themselves. */
#include "quic_fixture.h"
#include "quic_samples.h"

#include <errno.h>
#include <stdlib.h>

static void open_sample(struct fixture *fixture, const uint8_t *bytes, size_t length,
			bool from_client, uint64_t expected_number, struct slice *payload)
{
	struct quic_packet packet;
	struct quic_keys keys;
	uint64_t number;

	assert_true(quic_packet_read((struct slice){bytes, length}, length, &packet));
	assert_int_equal(packet.type, QUIC_INITIAL);
	assert_int_equal(packet.size, length);
	assert_int_equal(quic_keys_derive(fixture->crypto, packet.version,
					  (struct slice){first_id, sizeof(first_id)}, from_client,
					  &keys),
			 0);
	assert_true(quic_initial_open(fixture->crypto, &keys, &packet, 0, &number, payload));
	assert_int_equal(number, expected_number);
}

/* RFC 9001 appendix A.1. */
static void test_keys(void **state)
{
	static const struct quic_keys client = {
		{0x1f, 0x36, 0x96, 0x13, 0xdd, 0x76, 0xd5, 0x46, 0x77, 0x30, 0xef, 0xcb, 0xe3, 0xb1,
		 0xa2, 0x2d},
		{0xfa, 0x04, 0x4b, 0x2f, 0x42, 0xa3, 0xfd, 0x3b, 0x46, 0xfb, 0x25, 0x5c},
		{0x9f, 0x50, 0x44, 0x9e, 0x04, 0xa0, 0xe8, 0x10, 0x28, 0x3a, 0x1e, 0x99, 0x33, 0xad,
		 0xed, 0xd2},
	};
	struct fixture *fixture = *state;
	struct quic_keys keys;

	assert_int_equal(
		quic_keys_derive(fixture->crypto, V1, (struct slice){first_id, 8}, CLIENT, &keys),
		0);
	assert_memory_equal(&keys, &client, sizeof(keys));
	assert_int_equal(quic_keys_derive(fixture->crypto, 0x1a2a3a4a, (struct slice){first_id, 8},
					  CLIENT, &keys),
			 -ENOTSUP);
}

/* RFC 9001 appendix A.2 and A.3, RFC 9369 appendix A. */
static void test_samples_open(void **state)
{
	static const uint8_t *const clients[] = {rfc9001_client, rfc9369_client};
	static const uint8_t *const servers[] = {rfc9001_server, rfc9369_server};
	struct slice payload;
	size_t i;

	for (i = 0; i < 2; i++) {
		open_sample(*state, clients[i], sizeof(rfc9001_client), CLIENT, 2, &payload);
		assert_int_equal(payload.length, 1162);
		assert_memory_equal(payload.bytes, rfc9001_client_crypto,
				    sizeof(rfc9001_client_crypto));
		open_sample(*state, servers[i], sizeof(rfc9001_server), SERVER, 1, &payload);
		assert_int_equal(payload.length, sizeof(rfc9001_server_frames));
		assert_memory_equal(payload.bytes, rfc9001_server_frames, payload.length);
	}
}

/*
 * RFC 9287: the fixed bit of a 1-RTT packet may be 0. Padding, and STUN on the same port, begin
 * lower.
 */
static void test_greased_fixed_bit(void **state)
{
	static const struct {
		uint8_t first;
		bool is_packet;
	} cases[] = {
		{0x00, false}, {0x03, false}, {0x04, true}, {0x3f, true}, {0x40, true},
	};
	uint8_t bytes[40] = {0};
	struct quic_packet packet;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bytes[0] = cases[i].first;
		assert_int_equal(quic_packet_read((struct slice){bytes, sizeof(bytes)},
						  sizeof(bytes), &packet),
				 cases[i].is_packet);
		if (cases[i].is_packet)
			assert_int_equal(packet.type, QUIC_1RTT);
	}
}

/* Frames cut at every length: a malformed frame is the last of its packet. */
static void test_frames_truncated(void **state)
{
	static const uint8_t bytes[] = {0x03, 0x05, 0x00, 0x01, 0x00, 0x02, 0x02, 0x40, 0x01, 0x00,
					0x00, 0x1c, 0x41, 0x28, 0x06, 0x03, 'b',  'a',	'd'};
	struct quic_frame frame;
	size_t length, count;

	(void)state;
	for (length = 0; length <= sizeof(bytes); length++) {
		struct slice copy = exact_copy((struct slice){bytes, length}), rest = copy;

		for (count = 0; quic_frame_next(&rest, &frame); count++)
			;
		assert_int_equal(count, (length >= 11) + (length == sizeof(bytes)));
		free((void *)copy.bytes);
	}
	assert_int_equal(frame.type, 0);
}

/* Not every frame may be in an Initial packet (RFC 9000 section 12.4). */
static void test_frames_forbidden(void **state)
{
	static const uint8_t stream[] = {0x08, 0x00, 0x61},
			     application_close[] = {0x1d, 0x00, 0x00};
	struct slice payload = {stream, sizeof(stream)};
	struct quic_frame frame;

	(void)state;
	assert_false(quic_frame_next(&payload, &frame));
	payload = (struct slice){application_close, sizeof(application_close)};
	assert_false(quic_frame_next(&payload, &frame));
}

static void test_version_names(void **state)
{
	char name[QUIC_VERSION_NAME_SIZE];

	(void)state;
	assert_string_equal(quic_version_name(V1, name), "1");
	assert_string_equal(quic_version_name(V2, name), "2");
	assert_string_equal(quic_version_name(0xff00001d, name), "draft-29");
	assert_string_equal(quic_version_name(0x1a2a3a4a, name), "0x1a2a3a4a");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, quic_setup, quic_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keys),
		TEST(test_samples_open),
		TEST(test_greased_fixed_bit),
		TEST(test_frames_truncated),
		TEST(test_frames_forbidden),
		TEST(test_version_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
