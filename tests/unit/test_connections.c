// SPDX-License-Identifier: BSD-2-Clause
/* Which packets of a capture become events: hellos however they come, holes, ends, ports used
 * again. */
#include "connections_fixture.h"

static void test_hello(void **state)
{
	struct fixture *fixture = *state;
	const struct tlstrace_packet_event *event = fixture->events;

	connect_ends(fixture);
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	send_next(fixture, false, fixture->hello.bytes, 50);
	assert_int_equal(fixture->count, 2);
	assert_hello(fixture, 0);
	assert_int_equal(event[0].sequence, 0xffffff00);
	assert_int_equal(event[0].acknowledgement, 5000);
	assert_int_equal(event[0].length, fixture->hello.length);
	assert_int_equal(event[0].data_length, fixture->hello.length);
	assert_int_equal(event[0].header.time_ns, 1000 * MS);
	assert_int_equal(event[0].hook, TLSTRACE_HOOK_UNKNOWN);
	assert_false(event[1].from_client);
	assert_int_equal(event[1].flags, 0);
	assert_int_equal(event[1].flow_id, event[0].flow_id);
	assert_memory_equal(&event[1].key, &event[0].key, sizeof(event->key));
}

/* What begins otherwise is not followed, whatever comes. */
static void test_no_hello(void **state)
{
	static const uint8_t web[] = "GET / HTTP/1.1\r\n";
	struct fixture *fixture = *state;

	connect_ends(fixture);
	send_next(fixture, true, web, sizeof(web));
	send_next(fixture, false, web, sizeof(web));
	fixture->hello.bytes[5] = 2; /* a ServerHello */
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->count, 0);
}

/* The beginning of a connection is not needed, nor is it the beginning of the handshake (STARTTLS).
 */
static void test_middle(void **state)
{
	static const uint8_t command[] = "STARTTLS\r\n", answer[] = "220 go ahead\r\n";
	struct fixture *fixture = *state;

	send_next(fixture, true, command, sizeof(command));
	send_next(fixture, false, answer, sizeof(answer));
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->count, 1);
	assert_hello(fixture, 0);
}

static void test_direction(void **state)
{
	struct fixture *fixture = *state;

	fixture->direction = FRAME_OUTGOING;
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->events[0].hook, TLSTRACE_EGRESS);
	assert_int_equal(fixture->events[0].key.local_port, fixture->port);
	fixture->port++;
	fixture->direction = FRAME_INCOMING;
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->events[1].hook, TLSTRACE_INGRESS);
	assert_int_equal(fixture->events[1].key.local_port, 443);
}

/* Split in two at every byte, and one byte at a time. */
static void test_split(void **state)
{
	struct fixture *fixture = *state;
	size_t split, i;

	for (split = 1; split < fixture->hello.length; split++) {
		fixture->count = 0;
		fixture->port++;
		send_next(fixture, true, fixture->hello.bytes, split);
		send_next(fixture, true, fixture->hello.bytes + split,
			  fixture->hello.length - split);
		assert_int_equal(fixture->count, 2);
		assert_hello(fixture, 0);
		assert_int_equal(fixture->events[0].length, split);
		assert_int_equal(fixture->events[1].flags, 0);
	}
	fixture->count = 0;
	fixture->port++;
	for (i = 0; i < fixture->hello.length; i++)
		send_next(fixture, true, fixture->hello.bytes + i, 1);
	assert_int_equal(fixture->count, fixture->hello.length);
	assert_hello(fixture, 0);
}

/* The second segment first: the SYN tells that something is missing before it. */
static void test_second_first(void **state)
{
	struct fixture *fixture = *state;
	size_t split;

	for (split = 1; split < fixture->hello.length; split++) {
		fixture->count = 0;
		fixture->port++;
		connect_ends(fixture);
		send_at(fixture, true, split, fixture->hello.bytes + split,
			fixture->hello.length - split);
		assert_int_equal(fixture->count, 0);
		send_at(fixture, true, 0, fixture->hello.bytes, split);
		assert_int_equal(fixture->count, 2);
		assert_hello(fixture, 0);
		assert_int_equal(fixture->events[0].length, split);
		assert_int_equal(fixture->events[1].sequence, 0xffffff00 + (uint32_t)split);
	}
}

/* What is kept for a hello that never comes is bounded, and is freed. */
static void test_held_bounded(void **state)
{
	struct fixture *fixture = *state;
	uint8_t bytes[1000] = {1};
	uint32_t i;

	connect_ends(fixture);
	for (i = 1; i < 200; i++)
		send_at(fixture, true, i * 2000, bytes, sizeof(bytes));
	assert_int_equal(fixture->count, 0);
	fixture->next[1] += 500000;
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	assert_hello(fixture, 0);
	assert_int_equal(fixture->count, 1);
}

static void test_hello_v2(void **state)
{
	struct fixture *fixture = *state;
	struct buffer hello = {0};
	uint8_t challenge[16] = {1};

	put_hello_v2(&hello, challenge, sizeof(challenge));
	send_next(fixture, true, hello.bytes, hello.length);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->events[0].flags, TLSTRACE_PACKET_HELLO);
}

static void test_fast_open(void **state)
{
	struct fixture *fixture = *state;
	struct frame frame = frame_make(fixture, true);

	frame.tcp_flags = TLSTRACE_TCP_SYN;
	add(fixture, &frame, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->count, 1);
	assert_hello(fixture, 0);
}

static void test_retransmit(void **state)
{
	struct fixture *fixture = *state;

	connect_ends(fixture);
	send_at(fixture, true, 0, fixture->hello.bytes, fixture->hello.length);
	send_at(fixture, true, 0, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->count, 2);
	assert_int_equal(fixture->events[1].flags, TLSTRACE_PACKET_RETRANSMIT);
	assert_int_equal(fixture->events[1].flow_id, fixture->events[0].flow_id);
	send_at(fixture, false, 100, fixture->hello.bytes, 10);
	assert_int_equal(fixture->events[2].flags, TLSTRACE_PACKET_OUT_OF_ORDER);
}

/* On lo a segment leaves and arrives: that is not sending it again. */
static void test_both_directions(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		enum frame_direction direction;
		uint8_t flags;
	} copies[] = {
		{FRAME_OUTGOING, TLSTRACE_PACKET_HELLO},
		{FRAME_INCOMING, 0},
		{FRAME_OUTGOING, TLSTRACE_PACKET_RETRANSMIT},
		{FRAME_INCOMING, 0},
	};

	connect_ends(fixture);
	for (size_t i = 0; i < ARRAY_SIZE(copies); i++) {
		fixture->direction = copies[i].direction;
		send_at(fixture, true, 0, fixture->hello.bytes, fixture->hello.length);
		assert_int_equal(fixture->events[i].flags, copies[i].flags);
	}
}

static void test_forget(void **state)
{
	struct fixture *fixture = *state;

	connect_ends(fixture);
	send_at(fixture, true, 0, fixture->hello.bytes, fixture->hello.length);
	forget(fixture, 0);
	/* The same again is a retransmission, another one another handshake. */
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->count, 1);
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->count, 2);
	assert_hello(fixture, 1);
	assert_int_not_equal(fixture->events[1].flow_id, fixture->events[0].flow_id);
	/* A flow that is over already is not confused with it. */
	forget(fixture, 0);
	send_next(fixture, false, fixture->hello.bytes, 20);
	assert_int_equal(fixture->count, 3);
}

/* An encrypted hello begins a flow if it follows a handshake; the server's records do not. */
static void test_renegotiation(void **state)
{
	struct fixture *fixture = *state;
	struct buffer sealed = {0};

	put_sealed(&sealed, RECORD_HANDSHAKE, 245);
	connect_ends(fixture);
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	forget(fixture, 0);
	send_next(fixture, true, sealed.bytes, sealed.length);
	assert_int_equal(fixture->count, 1);
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->count, 2);
	forget_unless(fixture, 1, true);
	send_next(fixture, false, sealed.bytes, sealed.length);
	assert_int_equal(fixture->count, 2);
	send_next(fixture, true, sealed.bytes, sealed.length);
	assert_int_equal(fixture->count, 3);
	assert_int_equal(fixture->events[2].flags, TLSTRACE_PACKET_AGAIN);
	assert_true(fixture->events[2].from_client);
}

static void test_ports_used_again(void **state)
{
	struct fixture *fixture = *state;

	connect_ends(fixture);
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	fixture->next[1] = 77;
	send_flags(fixture, true, TLSTRACE_TCP_SYN);
	send_flags(fixture, true, TLSTRACE_TCP_SYN); /* repeated */
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->count, 2);
	assert_hello(fixture, 1);
	assert_int_not_equal(fixture->events[1].flow_id, fixture->events[0].flow_id);
}

/* The same addresses in another virtual network. */
static void test_encapsulation(void **state)
{
	struct fixture *fixture = *state;

	send_at(fixture, true, 0, fixture->hello.bytes, fixture->hello.length);
	fixture->encapsulation = 5;
	send_at(fixture, true, 0, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->count, 2);
	assert_hello(fixture, 0);
	assert_hello(fixture, 1);
	assert_int_not_equal(fixture->events[1].flow_id, fixture->events[0].flow_id);
}

/* The client acknowledged what the capture lacks: reported once it cannot be late any more. */
static void test_hole(void **state)
{
	struct fixture *fixture = *state;

	connect_ends(fixture);
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	fixture->next[0] += 1000;
	send_flags(fixture, true, TLSTRACE_TCP_ACK);
	assert_int_equal(fixture->count, 1);
	connections_tick(fixture->connections, fixture->time_ns + 10 * MS);
	assert_int_equal(fixture->count, 1);
	connections_tick(fixture->connections, fixture->time_ns + 30 * MS);
	assert_int_equal(fixture->count, 3);
	assert_int_equal(fixture->events[2].flags, TLSTRACE_PACKET_LOST_BEFORE);
	assert_int_equal(fixture->events[2].length, 0);
	assert_int_equal(connections_counts(fixture->connections).lost, 1);
	connections_tick(fixture->connections, UINT64_MAX);
	assert_int_equal(fixture->count, 3);
}

/* An end of the connection overtook data: it waits for them. */
static void test_end_before_data(void **state)
{
	struct fixture *fixture = *state;
	uint8_t bytes[100] = {22};

	connect_ends(fixture);
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	fixture->next[0] += sizeof(bytes);
	send_flags(fixture, false, TLSTRACE_TCP_FIN | TLSTRACE_TCP_ACK);
	assert_int_equal(fixture->count, 1);
	fixture->next[0] -= sizeof(bytes);
	send_next(fixture, false, bytes, sizeof(bytes));
	assert_int_equal(fixture->count, 3);
	assert_int_equal(fixture->events[1].length, sizeof(bytes));
	assert_int_equal(fixture->events[2].tcp_flags, TLSTRACE_TCP_FIN | TLSTRACE_TCP_ACK);
	assert_int_equal(fixture->events[2].flags, 0);
	assert_false(fixture->events[2].from_client);
	connections_tick(fixture->connections, UINT64_MAX);
	assert_int_equal(fixture->count, 3);
}

static void test_end_behind_hole(void **state)
{
	struct fixture *fixture = *state;

	connect_ends(fixture);
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	fixture->next[0] += 100;
	send_flags(fixture, true, TLSTRACE_TCP_ACK);
	send_flags(fixture, false, TLSTRACE_TCP_RST);
	connections_tick(fixture->connections, UINT64_MAX);
	assert_int_equal(fixture->count, 4);
	assert_int_equal(fixture->events[2].tcp_flags, 0);
	assert_int_equal(fixture->events[3].tcp_flags, TLSTRACE_TCP_RST);
	assert_int_equal(fixture->events[3].flags, TLSTRACE_PACKET_LOST_BEFORE);
}

static void test_truncated(void **state)
{
	struct fixture *fixture = *state;
	struct frame frame = frame_make(fixture, true);

	frame.length = fixture->hello.length;
	add(fixture, &frame, fixture->hello.bytes, 34);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->events[0].flags,
			 TLSTRACE_PACKET_HELLO | TLSTRACE_PACKET_TRUNCATED);
	assert_int_equal(fixture->events[0].length, fixture->hello.length);
	assert_int_equal(fixture->events[0].data_length, 34);
}

/* More than the table holds: the longest idle one makes room, and is counted while its handshake
 * runs. */
static void test_capacity(void **state)
{
	struct fixture *fixture = *state;
	size_t i;

	for (i = 0; i < 20; i++) {
		fixture->port++;
		send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	}
	assert_int_equal(fixture->count, 20);
	assert_int_equal(connections_counts(fixture->connections).table_full, 12);
	assert_int_equal(connections_counts(fixture->connections).hellos, 20);
	for (i = 0; i < 20; i++)
		forget(fixture, i);
}

static struct buffer dtls_hello(uint8_t random)
{
	struct buffer hello = {0};

	put_number(&hello, 0x16fefd, 3);
	put_fill(&hello, 0, 8); /* epoch and number */
	put_number(&hello, 12 + 2 + 32, 2);
	put_number(&hello, 0x01000022, 4);
	put_fill(&hello, 0, 5);
	put_number(&hello, 0x000022, 3);
	put_number(&hello, 0xfefd, 2);
	put_fill(&hello, random, 32);
	return hello;
}

static void test_dtls(void **state)
{
	struct fixture *fixture = *state;
	struct buffer hello = dtls_hello(1), answer = {0}, other = dtls_hello(2);

	put_fill(&answer, 22, 60);
	datagram(fixture, false, &answer);
	assert_int_equal(fixture->count, 0);
	datagram(fixture, true, &hello);
	datagram(fixture, false, &answer);
	datagram(fixture, true, &hello);
	assert_int_equal(fixture->count, 3);
	assert_int_equal(fixture->events[0].key.protocol, 17);
	assert_int_equal(fixture->events[0].flags, TLSTRACE_PACKET_HELLO);
	assert_int_equal(fixture->events[1].from_client, false);
	assert_int_equal(fixture->events[1].flags, 0);
	assert_int_equal(fixture->events[1].length, 60);
	forget(fixture, 0);
	datagram(fixture, true, &hello);
	datagram(fixture, false, &answer);
	assert_int_equal(fixture->count, 3);
	datagram(fixture, true, &other);
	assert_int_equal(fixture->count, 4);
	assert_int_equal(fixture->events[3].flags, TLSTRACE_PACKET_HELLO);
}

static struct buffer quic_initial(uint32_t version, uint8_t type)
{
	struct buffer packet = {0};

	put_number(&packet, 0xc0 | type << 4, 1);
	put_number(&packet, version, 4);
	put_number(&packet, 8, 1);
	put_fill(&packet, 7, 8);
	put_number(&packet, 0, 1); /* no id of its own */
	put_fill(&packet, 0, 1180);
	return packet;
}

/* A handshake that is over, and its first packet, whose repetition begins no other. */
static struct buffer quic_over(struct fixture *fixture)
{
	struct buffer packet = quic_initial(1, 0);

	fixture->port++;
	fixture->count = 0;
	datagram(fixture, true, &packet);
	forget(fixture, 0);
	datagram(fixture, true, &packet);
	assert_int_equal(fixture->count, 1);
	return packet;
}

static void test_quic(void **state)
{
	static const struct {
		uint32_t version;
		uint8_t type;
		size_t expected;
	} packets[] = {
		{1, 0, 1},	    {1, 1, 0},		{0x6b3343cf, 1, 1},
		{0x6b3343cf, 0, 0}, {0xff00001d, 0, 1}, {2, 0, 0},
	};
	struct fixture *fixture = *state;
	struct buffer packet;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(packets); i++) {
		packet = quic_initial(packets[i].version, packets[i].type);
		fixture->count = 0;
		fixture->port++;
		datagram(fixture, true, &packet);
		assert_int_equal(fixture->count, packets[i].expected);
	}
	/* Behind a handshake that is over: another; the client has no id of its own. */
	packet = quic_over(fixture);
	packet.bytes[6]++;
	datagram(fixture, true, &packet);
	assert_int_equal(fixture->count, 2);
	/* Idle for long: whatever comes begins anew. */
	packet = quic_over(fixture);
	fixture->time_ns += 61000 * MS;
	datagram(fixture, true, &packet);
	assert_int_equal(fixture->count, 2);
}

static void test_opening(void **state)
{
	struct fixture *fixture = *state;

	begin_ends(fixture);
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->openings, 1);
	assert_int_equal(fixture->opening.syn_ns, 1000 * MS);
	assert_int_equal(fixture->opening.answer_ns, 1001 * MS);
	assert_int_equal(fixture->opening.ack_ns, 1002 * MS);
}

/* Which of two SYNs was answered nobody knows. */
static void test_opening_repeated(void **state)
{
	struct fixture *fixture = *state;

	send_flags(fixture, true, TLSTRACE_TCP_SYN);
	fixture->time_ns += 1000 * MS;
	begin_ends(fixture);
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->openings, 1);
	assert_int_equal(fixture->opening.syn_ns, 1000 * MS);
	assert_int_equal(fixture->opening.answer_ns, 0);
	assert_int_equal(fixture->opening.ack_ns, 2002 * MS);
}

/* STARTTLS: the connection was not made for the handshake. */
static void test_opening_used_before(void **state)
{
	struct fixture *fixture = *state;

	begin_ends(fixture);
	send_next(fixture, false, (const uint8_t *)"220", 3);
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->count, 1);
	assert_int_equal(fixture->openings, 1);
	assert_true(fixture->opening.used);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_hello),
		TEST(test_no_hello),
		TEST(test_middle),
		TEST(test_direction),
		TEST(test_split),
		TEST(test_second_first),
		TEST(test_held_bounded),
		TEST(test_hello_v2),
		TEST(test_fast_open),
		TEST(test_retransmit),
		TEST(test_both_directions),
		TEST(test_forget),
		TEST(test_ports_used_again),
		TEST(test_renegotiation),
		TEST(test_encapsulation),
		TEST(test_hole),
		TEST(test_end_before_data),
		TEST(test_end_behind_hole),
		TEST(test_truncated),
		TEST(test_capacity),
		TEST(test_dtls),
		TEST(test_quic),
		TEST(test_opening),
		TEST(test_opening_repeated),
		TEST(test_opening_used_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
