/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments of a flow: out of order, repeated, truncated, with parts not copied. */
#include "flow_fixture.h"
#include "tls/hello.h"

static void test_out_of_order(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	put_rfc8448_hello_split(&buffer, 60);
	send_part(fixture, true, &buffer, 0, 10);
	send_part(fixture, true, &buffer, 150, buffer.length);
	send_part(fixture, true, &buffer, 80, 150);
	assert_int_equal(fixture->count, 0);
	send_part(fixture, true, &buffer, 10, 80);
	assert_int_equal(fixture->count, 1);
	assert_rfc8448_hello(fixture);
	assert_int_equal(fixture->messages[0].time_ns, 1000 * MS);
	assert_int_equal(fixture->messages[0].segments, 4);
}

/* A server's answer whose last segment arrives first: the base is what the client acknowledged. */
static void test_server_out_of_order(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	send_hello(fixture);
	put_record(&buffer, RECORD_HANDSHAKE, rfc8448_server_hello, sizeof(rfc8448_server_hello));
	send_part(fixture, false, &buffer, 40, buffer.length);
	assert_int_equal(fixture->count, 1);
	send_part(fixture, false, &buffer, 0, 40);
	assert_int_equal(fixture->count, 2);
	assert_int_equal(fixture->messages[1].type, TLS_SERVER_HELLO);
	assert_memory_equal(fixture->last.bytes, rfc8448_server_hello + 4, fixture->last.length);
}

static void test_retransmission(void **state)
{
	struct fixture *fixture = *state;
	struct connection connection = fixture->connection;
	struct packet packet;
	struct buffer buffer = {0};

	put_rfc8448_hello(&buffer);
	send_part(fixture, true, &buffer, 0, 100);
	packet_make(&packet, &connection, true, 0, buffer.bytes, 120);
	packet.event.flags = TLSTRACE_PACKET_RETRANSMIT;
	assert_int_equal(flow_feed(fixture, &packet), 0);
	send_part(fixture, true, &buffer, 100, buffer.length);
	assert_int_equal(flow_feed(fixture, &packet), 0);
	assert_int_equal(fixture->count, 1);
	assert_rfc8448_hello(fixture);
	assert_int_equal(fixture->messages[0].segments, 2);
	assert_int_equal(fixture->segments, 4);
}

/* Both sides' sequence numbers pass 2^32 within a message. */
static void test_sequence_wrap(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	fixture->connection.next[0] = UINT32_MAX - 20;
	fixture->connection.next[1] = UINT32_MAX - 70;
	put_rfc8448_hello(&buffer);
	send_part(fixture, true, &buffer, 0, 30);
	send_part(fixture, true, &buffer, 100, buffer.length);
	send_part(fixture, true, &buffer, 30, 100);
	assert_rfc8448_hello(fixture);
	fixture->connection.next[1] += buffer.length;
	buffer.length = 0;
	put_record(&buffer, RECORD_HANDSHAKE, rfc8448_server_hello, sizeof(rfc8448_server_hello));
	send_sized(fixture, false, &buffer, 7);
	assert_int_equal(fixture->count, 2);
	assert_int_equal(fixture->messages[1].type, TLS_SERVER_HELLO);
	assert_false(fixture->flow->gap);
}

/* A segment truncated by the capture. */
static void send_truncated(struct fixture *fixture, bool from_client, const struct buffer *bytes,
			   size_t captured)
{
	struct packet packet;

	packet_make(&packet, &fixture->connection, from_client, 0, bytes->bytes, bytes->length);
	packet.event.flags |= TLSTRACE_PACKET_TRUNCATED;
	packet.event.data_length = packet.event.slices[0].length = captured;
	packet.event.slice_count = captured > 0;
	flow_feed(fixture, &packet);
	fixture->connection.next[from_client] += bytes->length;
}

/*
 * Cut at every byte: the message is handed on as truncated once its length is known, and the next
 * record is read.
 */
static void test_truncated_record(void **state)
{
	struct fixture *fixture = *state;
	struct buffer server = {0}, next = {0};
	size_t captured;

	put_record(&server, RECORD_HANDSHAKE, rfc8448_server_hello, sizeof(rfc8448_server_hello));
	put_sealed(&next, RECORD_DATA, 53);
	for (captured = 9; captured < server.length; captured++) {
		fixture->connection = connection_new(1000 + captured);
		fixture->count = 0;
		send_hello(fixture);
		send_truncated(fixture, false, &server, captured);
		send_all(fixture, false, &next);
		ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_HANDSHAKE, FLOW_ENCRYPTED);
		assert_true(fixture->messages[1].truncated);
		assert_int_equal(fixture->messages[1].type, 2);
		assert_int_equal(fixture->messages[1].size, sizeof(rfc8448_server_hello));
		assert_int_equal(fixture->messages[1].body.length, captured - 9);
		assert_false(fixture->flow->gap);
		flow_table_remove(fixture->table, fixture->flow);
	}
}

/*
 * A record that is cut holds more messages: their ends are unknown, so the direction has a gap.
 */
static void test_truncated_messages(void **state)
{
	struct fixture *fixture = *state;
	struct buffer body = {0}, server = {0}, next = {0};

	put_bytes(&body, rfc8448_server_hello, sizeof(rfc8448_server_hello));
	put_message(&body, 11, "certificates", 12);
	put_record(&server, RECORD_HANDSHAKE, body.bytes, body.length);
	put_message(&next, 14, NULL, 0);
	send_hello(fixture);
	send_truncated(fixture, false, &server, 40);
	send_all(fixture, false, &next);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_HANDSHAKE);
	assert_true(fixture->messages[1].truncated);
	assert_true(fixture->flow->gap);
}

/* The kernel copies only the headers of encrypted records. */
static void test_elided_bodies(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;
	struct buffer buffer = {0};

	send_hello(fixture);
	put_record(&buffer, RECORD_HANDSHAKE, rfc8448_server_hello, sizeof(rfc8448_server_hello));
	put_sealed(&buffer, RECORD_DATA, 1000);
	put_sealed(&buffer, RECORD_HANDSHAKE, 40);
	put_sealed(&buffer, RECORD_DATA, 53);
	packet_make(&packet, &fixture->connection, false, 0, buffer.bytes, buffer.length);
	packet_elide(&packet, 100, 1100);
	packet_elide(&packet, 1105, 1145);
	packet_elide(&packet, 1150, 1203);
	assert_int_equal(packet.event.slice_count, 3);
	assert_int_equal(packet.event.data_length, buffer.length - 1000 - 40 - 53);
	assert_int_equal(flow_feed(fixture, &packet), 0);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_HANDSHAKE, FLOW_ENCRYPTED, FLOW_ENCRYPTED,
		     FLOW_ENCRYPTED);
	assert_int_equal(fixture->messages[2].size, 1000);
	assert_int_equal(fixture->messages[3].record_type, RECORD_HANDSHAKE);
	assert_int_equal(fixture->messages[4].size, 53);
	assert_false(fixture->flow->gap);
}

/* A record counts without its body, but the next header must be there. */
static void test_elided_over_segments(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;
	struct buffer buffer = {0};

	send_hello(fixture);
	put_sealed(&buffer, RECORD_DATA, 2000);
	put_sealed(&buffer, RECORD_DATA, 69);
	packet_make(&packet, &fixture->connection, false, 0, buffer.bytes, 1400);
	packet_elide(&packet, 5, 1400);
	assert_int_equal(flow_feed(fixture, &packet), 0);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_ENCRYPTED);
	packet_make(&packet, &fixture->connection, false, 1400, buffer.bytes + 1400,
		    buffer.length - 1400);
	packet_elide(&packet, 0, 605);
	assert_int_equal(flow_feed(fixture, &packet), 0);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_ENCRYPTED, FLOW_ENCRYPTED);
	assert_int_equal(fixture->messages[2].size, 69);
}

/* A header was not copied: the rest of the direction is unknown. */
static void test_elided_header(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;
	struct buffer buffer = {0};

	send_hello(fixture);
	put_sealed(&buffer, RECORD_DATA, 100);
	packet_make(&packet, &fixture->connection, false, 0, buffer.bytes, buffer.length);
	packet_elide(&packet, 2, 50);
	assert_int_equal(flow_feed(fixture, &packet), 0);
	assert_int_equal(fixture->count, 1);
	assert_true(fixture->flow->gap);
}

static void test_lost_before(void **state)
{
	static const uint8_t flags[] = {TLSTRACE_PACKET_LOST_BEFORE, TLSTRACE_PACKET_CUT};
	struct fixture *fixture = *state;
	struct packet packet;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		fixture->connection = connection_new(40001 + i);
		send_hello(fixture);
		assert_false(fixture->flow->gap);
		packet_make(&packet, &fixture->connection, false, 0, NULL, 0);
		packet.event.flags = flags[i];
		assert_int_equal(flow_feed(fixture, &packet), 0);
		assert_true(fixture->flow->gap);
	}
}

/* The hello is not at the beginning of its segment (STARTTLS). */
static void test_start_offset(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;
	struct buffer buffer = {0};

	put_bytes(&buffer, "STARTTLS\r\n", 10);
	put_rfc8448_hello(&buffer);
	packet_make(&packet, &fixture->connection, true, 0, buffer.bytes, buffer.length);
	packet_elide(&packet, 0, 10);
	assert_int_equal(flow_feed(fixture, &packet), 0);
	assert_int_equal(fixture->count, 1);
	assert_rfc8448_hello(fixture);
	assert_int_equal(fixture->flow->start, packet.event.sequence + 10);
}

/* A hello in a SYN (TCP Fast Open) acknowledges nothing: the server's first bytes are the base. */
static void test_fast_open(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;
	struct buffer buffer = {0};

	put_rfc8448_hello(&buffer);
	packet_make(&packet, &fixture->connection, true, 0, buffer.bytes, buffer.length);
	packet.event.tcp_flags = 0x02;
	packet.event.acknowledgement = 0;
	assert_int_equal(flow_feed(fixture, &packet), 0);
	assert_rfc8448_hello(fixture);
	buffer.length = 0;
	put_alert(&buffer, 2, 40);
	send_all(fixture, false, &buffer);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_ALERT);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, flow_setup, flow_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_out_of_order),     TEST(test_server_out_of_order),
		TEST(test_retransmission),   TEST(test_sequence_wrap),
		TEST(test_truncated_record), TEST(test_truncated_messages),
		TEST(test_elided_bodies),    TEST(test_elided_over_segments),
		TEST(test_elided_header),    TEST(test_lost_before),
		TEST(test_start_offset),     TEST(test_fast_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
