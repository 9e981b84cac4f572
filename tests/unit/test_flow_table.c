/* SPDX-License-Identifier: BSD-2-Clause */
/* Flows in their table: how they begin and end, and its limits. */
#include "flow_fixture.h"

#include <errno.h>

static void test_capacity(void **state)
{
	struct fixture *fixture = *state;
	struct connection refused;
	struct packet packet;
	struct buffer buffer = {0};
	int i;

	put_rfc8448_hello(&buffer);
	for (i = 0; i < 4; i++) {
		fixture->connection = connection_new(1000 + i);
		send_all(fixture, true, &buffer);
	}
	refused = connection_new(2000);
	packet_make(&packet, &refused, true, 0, buffer.bytes, buffer.length);
	assert_int_equal(flow_feed(fixture, &packet), -ENOSPC);
	assert_int_equal(flow_table_refused(fixture->table), 1);
	assert_int_equal(fixture->count, 4);
	flow_table_remove(fixture->table, fixture->flow);
	assert_int_equal(flow_feed(fixture, &packet), 0);
	assert_int_equal(fixture->count, 5);
}

/* The oldest unfinished hellos are dropped when their bytes exceed the limit. */
static void test_bytes_limited(void **state)
{
	struct fixture *fixture = *state;
	struct buffer part = {0};
	struct packet packet;
	uint16_t i;

	flow_table_limit(fixture->table, 40000);
	put_record(&part, RECORD_HANDSHAKE, "\x01\x00\x3f\xff\x03\x03", 6);
	part.bytes[3] = 0x40;
	put_fill(&part, 0, 15000);
	for (i = 0; i < 4; i++) {
		fixture->connection = connection_new(41000 + i);
		packet_make(&packet, &fixture->connection, true, 0, part.bytes, part.length);
		assert_int_equal(flow_feed(fixture, &packet), 0);
	}
	assert_int_equal(flow_table_begun(fixture->table), 4);
	assert_int_equal(flow_table_refused(fixture->table), 2);
}

/* The same addresses and ports again, with another id: another flow. */
static void test_reused_key(void **state)
{
	struct fixture *fixture = *state;
	struct flow *first;

	send_hello(fixture);
	first = fixture->flow;
	fixture->connection.flow_id++;
	fixture->connection.begun = false;
	fixture->connection.next[1] += 5000000;
	send_hello(fixture);
	assert_ptr_not_equal(fixture->flow, first);
	assert_int_equal(fixture->count, 2);
	assert_rfc8448_hello(fixture);
}

/* Silent flows without an owner expire; those with an owner do not. */
static void test_expire(void **state)
{
	struct fixture *fixture = *state;
	int i;

	for (i = 0; i < 3; i++) {
		fixture->connection = connection_new(1000 + i);
		fixture->connection.time_ns = (1000 + i) * MS;
		send_hello(fixture);
	}
	fixture->flow->owner = fixture;
	flow_table_expire(fixture->table, 1001 * MS);
	assert_int_equal(flow_table_unfinished(fixture->table), 1);
	flow_table_expire(fixture->table, UINT64_MAX);
	assert_int_equal(flow_table_unfinished(fixture->table), 2);
	assert_int_equal(flow_table_begun(fixture->table), 3);
}

/* A segment that does not begin with a hello begins no flow. */
static void test_no_beginning(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;
	struct buffer buffer = {0};

	put_alert(&buffer, 2, 40);
	packet_make(&packet, &fixture->connection, false, 0, buffer.bytes, buffer.length);
	assert_int_equal(flow_feed(fixture, &packet), -ENOSPC);
	packet_make(&packet, &fixture->connection, true, 0, NULL, 0);
	assert_int_equal(flow_feed(fixture, &packet), -ENOSPC);
	packet_make(&packet, &fixture->connection, true, 0, buffer.bytes, buffer.length);
	packet.event.flags = 0;
	assert_int_equal(flow_feed(fixture, &packet), -ENOSPC);
	assert_int_equal(fixture->segments, 0);
	assert_int_equal(flow_table_begun(fixture->table), 0);
	assert_int_equal(flow_table_refused(fixture->table), 0);
}

/* Slices that lie outside the segment or claim more data than there is are refused. */
static void test_invalid_slices(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;
	struct buffer buffer = {0};

	put_rfc8448_hello(&buffer);
	packet_make(&packet, &fixture->connection, true, 0, buffer.bytes, buffer.length);
	packet.event.slices[0].offset = UINT32_MAX;
	assert_int_equal(flow_feed(fixture, &packet), -EINVAL);
	packet.event.slices[0].offset = 1;
	assert_int_equal(flow_feed(fixture, &packet), -EINVAL);
	packet.event.slices[0].offset = 0;
	packet.event.data_length--;
	assert_int_equal(flow_feed(fixture, &packet), -EINVAL);
	packet.event.slice_count = TLSTRACE_SLICES_MAX + 1;
	assert_int_equal(flow_feed(fixture, &packet), -EINVAL);
	assert_int_equal(fixture->count, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, flow_setup, flow_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_capacity), TEST(test_bytes_limited), TEST(test_reused_key),
		TEST(test_expire),   TEST(test_no_beginning),  TEST(test_invalid_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
