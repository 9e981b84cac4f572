// SPDX-License-Identifier: BSD-2-Clause
/*
 * What captures show that did not happen, or happened in another order: packets seen twice, one
 * direction late, segments that their receiver ignored, answers from another address.
 */
#include "connections_fixture.h"

static void send_hello(struct fixture *fixture)
{
	send_next(fixture, true, fixture->hello.bytes, fixture->hello.length);
}

/* A mirror port: each packet twice, a moment apart. */
static void test_twice(void **state)
{
	struct fixture *fixture = *state;
	struct frame frame;

	connect_ends(fixture);
	frame = frame_make(fixture, true);
	add(fixture, &frame, fixture->hello.bytes, fixture->hello.length);
	fixture->time_ns += MS;
	add(fixture, &frame, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->count, 1);
	/* Much later it was sent again. */
	fixture->time_ns += 100 * MS;
	add(fixture, &frame, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->count, 2);
	assert_int_equal(fixture->events[1].flags, TLSTRACE_PACKET_RETRANSMIT);
}

/* Without an identification only what is hardly any time apart is the same packet. */
static void test_twice_unnumbered(void **state)
{
	struct fixture *fixture = *state;
	struct frame frame;

	connect_ends(fixture);
	frame = frame_make(fixture, true);
	frame.identification = 0;
	add(fixture, &frame, fixture->hello.bytes, fixture->hello.length);
	fixture->time_ns += MS / 2;
	add(fixture, &frame, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->count, 1);
	fixture->time_ns += 2 * MS;
	add(fixture, &frame, fixture->hello.bytes, fixture->hello.length);
	assert_int_equal(fixture->count, 2);
}

static void test_keepalive(void **state)
{
	struct fixture *fixture = *state;
	struct frame frame;

	connect_ends(fixture);
	send_hello(fixture);
	frame = frame_make(fixture, true);
	frame.sequence--;
	add(fixture, &frame, (const uint8_t *)"x", 1);
	assert_int_equal(fixture->events[1].length, 0);
	assert_int_equal(fixture->events[1].flags, 0);
}

/* Zero bytes of a pure ACK, which only fill its frame, against data at the same place. */
static void test_padded_ack(void **state)
{
	struct fixture *fixture = *state;
	static const uint8_t zeros[6];
	struct frame frame;

	connect_ends(fixture);
	frame = frame_make(fixture, true);
	frame.payload = (struct slice){zeros, sizeof(zeros)};
	frame.length = sizeof(zeros);
	connections_add(fixture->connections, &frame, fixture->time_ns);
	send_hello(fixture);
	assert_int_equal(fixture->count, 1);
	assert_hello(fixture, 0);
	frame = frame_make(fixture, false);
	frame.payload = (struct slice){zeros, sizeof(zeros)};
	frame.length = sizeof(zeros);
	connections_add(fixture->connections, &frame, fixture->time_ns);
	assert_int_equal(fixture->events[1].length, 0);
	/* They were data after all: what comes next goes on after them. */
	fixture->next[0] += sizeof(zeros);
	send_next(fixture, false, fixture->hello.bytes, 50);
	assert_int_equal(fixture->count, 4);
	assert_int_equal(fixture->events[2].length, sizeof(zeros));
	assert_int_equal(fixture->events[3].length, 50);
	assert_int_equal(fixture->events[3].flags, 0);
}

/* After both FINs the hello is sent once more: it is the same handshake. */
static void test_hello_after_end(void **state)
{
	struct fixture *fixture = *state;

	connect_ends(fixture);
	send_hello(fixture);
	send_flags(fixture, false, TLSTRACE_TCP_FIN | TLSTRACE_TCP_ACK);
	send_flags(fixture, true, TLSTRACE_TCP_FIN | TLSTRACE_TCP_ACK);
	forget(fixture, 0);
	fixture->next[1] -= fixture->hello.length;
	fixture->time_ns += 1000 * MS;
	send_hello(fixture);
	assert_int_equal(fixture->count, 3);
}

/* The client's segments come first: what acknowledges waits for what it acknowledges. */
static void test_server_late(void **state)
{
	struct fixture *fixture = *state;

	connect_ends(fixture);
	send_hello(fixture);
	fixture->next[0] += 50;
	send_next(fixture, true, fixture->hello.bytes, 20);
	send_flags(fixture, true, TLSTRACE_TCP_FIN | TLSTRACE_TCP_ACK);
	assert_int_equal(fixture->count, 1);
	fixture->next[0] -= 50;
	fixture->next[1] -= 20;
	send_next(fixture, false, fixture->hello.bytes, 50);
	assert_int_equal(fixture->count, 4);
	assert_false(fixture->events[1].from_client);
	assert_int_equal(fixture->events[2].length, 20);
	assert_int_equal(fixture->events[3].tcp_flags, TLSTRACE_TCP_FIN | TLSTRACE_TCP_ACK);
	assert_int_equal(connections_counts(fixture->connections).lost, 0);
}

/* The server's direction is first in the file. */
static void test_client_late(void **state)
{
	struct fixture *fixture = *state;

	send_flags(fixture, false, TLSTRACE_TCP_SYN | TLSTRACE_TCP_ACK);
	fixture->next[1] += fixture->hello.length;
	send_next(fixture, false, fixture->hello.bytes, 50);
	assert_int_equal(fixture->count, 0);
	fixture->next[1] -= fixture->hello.length;
	fixture->next[0] -= 50;
	send_flags(fixture, true, TLSTRACE_TCP_SYN);
	send_flags(fixture, true, TLSTRACE_TCP_ACK);
	send_hello(fixture);
	assert_int_equal(fixture->count, 2);
	assert_hello(fixture, 0);
	assert_int_equal(fixture->events[1].length, 50);
	assert_false(fixture->events[1].from_client);
}

/* RFC 5961: a RST beside the next sequence number is not obeyed; what comes after it shows that. */
static void test_stale_reset(void **state)
{
	struct fixture *fixture = *state;
	struct frame frame;

	connect_ends(fixture);
	send_hello(fixture);
	frame = frame_make(fixture, false);
	frame.tcp_flags = TLSTRACE_TCP_RST;
	frame.sequence -= 5000;
	add(fixture, &frame, NULL, 0);
	assert_int_equal(fixture->count, 1);
	send_next(fixture, false, fixture->hello.bytes, 50);
	connections_tick(fixture->connections, UINT64_MAX);
	assert_int_equal(fixture->count, 2);
	assert_int_equal(fixture->events[1].length, 50);
}

static void test_reset_and_silence(void **state)
{
	struct fixture *fixture = *state;
	struct frame frame;

	connect_ends(fixture);
	send_hello(fixture);
	frame = frame_make(fixture, false);
	frame.tcp_flags = TLSTRACE_TCP_RST;
	frame.sequence -= 5000;
	add(fixture, &frame, NULL, 0);
	connections_tick(fixture->connections, UINT64_MAX);
	assert_int_equal(fixture->count, 2);
	assert_int_equal(fixture->events[1].tcp_flags, TLSTRACE_TCP_RST);
}

/* A SYN in the middle of a connection is answered with a challenge, or begins another one. */
static void test_syn_amid(void **state)
{
	struct fixture *fixture = *state;
	struct frame frame;

	connect_ends(fixture);
	send_hello(fixture);
	frame = frame_make(fixture, true);
	frame.tcp_flags = TLSTRACE_TCP_SYN;
	frame.sequence += 100000;
	add(fixture, &frame, NULL, 0);
	send_next(fixture, false, fixture->hello.bytes, 50);
	assert_int_equal(fixture->count, 2);
	assert_int_equal(fixture->events[1].flow_id, fixture->events[0].flow_id);
	fixture->next[1] = frame.sequence;
	fixture->next[0] = 77;
	send_flags(fixture, false, TLSTRACE_TCP_SYN | TLSTRACE_TCP_ACK);
	send_flags(fixture, true, TLSTRACE_TCP_ACK);
	send_hello(fixture);
	assert_int_equal(fixture->count, 3);
	assert_true(fixture->events[2].flow_id != fixture->events[0].flow_id);
	assert_int_equal(fixture->opening.syn_ns, fixture->time_ns);
}

/* The answer comes from the address that was asked before the packet was redirected. */
static void test_redirected(void **state)
{
	struct fixture *fixture = *state;
	struct frame frame;

	send_flags(fixture, true, TLSTRACE_TCP_SYN);
	frame = frame_make(fixture, false);
	frame.source[15] = 99;
	frame.source_port = 8443;
	frame.tcp_flags = TLSTRACE_TCP_SYN | TLSTRACE_TCP_ACK;
	add(fixture, &frame, NULL, 0);
	send_flags(fixture, true, TLSTRACE_TCP_ACK);
	send_hello(fixture);
	frame = frame_make(fixture, false);
	frame.source[15] = 99;
	frame.source_port = 8443;
	add(fixture, &frame, fixture->hello.bytes, 50);
	assert_int_equal(fixture->count, 2);
	assert_false(fixture->events[1].from_client);
	assert_int_equal(fixture->events[1].flow_id, fixture->events[0].flow_id);
	assert_int_equal(fixture->opening.answer_ns, fixture->time_ns);
}

/* An answer with numbers that do not fit is of another connection. */
static void test_not_redirected(void **state)
{
	struct fixture *fixture = *state;
	struct frame frame;

	send_flags(fixture, true, TLSTRACE_TCP_SYN);
	frame = frame_make(fixture, false);
	frame.source[15] = 99;
	frame.acknowledgement++;
	frame.tcp_flags = TLSTRACE_TCP_SYN | TLSTRACE_TCP_ACK;
	add(fixture, &frame, NULL, 0);
	send_hello(fixture);
	frame.tcp_flags = TLSTRACE_TCP_ACK;
	frame.sequence += 1000;
	add(fixture, &frame, fixture->hello.bytes + 60, 50);
	assert_int_equal(fixture->count, 1);
}

static void test_syn_ack_first(void **state)
{
	struct fixture *fixture = *state;

	fixture->time_ns += MS;
	send_flags(fixture, false, TLSTRACE_TCP_SYN | TLSTRACE_TCP_ACK);
	fixture->time_ns -= MS;
	send_flags(fixture, true, TLSTRACE_TCP_SYN);
	fixture->time_ns += 2 * MS;
	send_flags(fixture, true, TLSTRACE_TCP_ACK);
	send_hello(fixture);
	assert_int_equal(fixture->openings, 1);
	assert_int_equal(fixture->opening.syn_ns, 1000 * MS);
	assert_int_equal(fixture->opening.answer_ns, 1001 * MS);
	assert_int_equal(fixture->opening.ack_ns, 1002 * MS);
	assert_false(fixture->opening.used);
}

static void proxy_then_hello(struct fixture *fixture, const void *header, size_t length)
{
	struct buffer both = {0};

	put_bytes(&both, header, length);
	put_bytes(&both, fixture->hello.bytes, fixture->hello.length);
	connect_ends(fixture);
	send_at(fixture, true, 0, both.bytes, both.length);
	assert_int_equal(fixture->count, 1);
	assert_hello(fixture, 0);
	assert_int_equal(fixture->events[0].sequence, fixture->next[1] + length);
	assert_int_equal(fixture->events[0].length, fixture->hello.length);
}

static void test_proxy_v1(void **state)
{
	static const char header[] = "PROXY TCP4 192.0.2.7 192.0.2.8 56324 443\r\n";

	proxy_then_hello(*state, header, sizeof(header) - 1);
}

/* Version 2, IPv4, with a TLV of 5 bytes. */
static const uint8_t proxy_v2[] = {'\r', '\n', '\r', '\n', 0,	 '\r', '\n', 'Q', 'U',
				   'I',	 'T',  '\n', 0x21, 0x11, 0,    20,   192, 0,
				   2,	 7,    192,  0,	   2,	 8,    1,    2,	  1,
				   0xbb, 0x05, 0,    2,	   1,	 2,    0,    0,	  0};

static void test_proxy_v2(void **state)
{
	proxy_then_hello(*state, proxy_v2, sizeof(proxy_v2));
}

/* Header and hello split anywhere. */
static void test_proxy_split(void **state)
{
	struct fixture *fixture = *state;
	struct buffer both = {0};
	size_t split;

	put_bytes(&both, proxy_v2, sizeof(proxy_v2));
	put_bytes(&both, fixture->hello.bytes, fixture->hello.length);
	for (split = 1; split < sizeof(proxy_v2) + 40; split++) {
		fixture->port++;
		fixture->count = 0;
		send_flags(fixture, true, TLSTRACE_TCP_SYN);
		send_next(fixture, true, both.bytes, split);
		send_next(fixture, true, both.bytes + split, both.length - split);
		assert_true(fixture->count >= 1);
		assert_int_equal(fixture->events[0].flags, TLSTRACE_PACKET_HELLO);
		assert_int_equal(fixture->first_bytes[0], 22);
	}
}

static void hello_versions(struct fixture *fixture, uint16_t record, uint16_t hello,
			   size_t expected)
{
	struct buffer bytes = fixture->hello;

	fixture->port++;
	fixture->count = 0;
	bytes.bytes[1] = record >> 8;
	bytes.bytes[2] = record & 0xff;
	bytes.bytes[9] = hello >> 8;
	bytes.bytes[10] = hello & 0xff;
	send_flags(fixture, true, TLSTRACE_TCP_SYN);
	send_next(fixture, true, bytes.bytes, bytes.length);
	assert_int_equal(fixture->count, expected);
}

/* Versions that nobody defined: a hello by its structure. */
static void test_odd_versions(void **state)
{
	struct fixture *fixture = *state;

	hello_versions(fixture, 0x0301, 0x0305, 1);
	hello_versions(fixture, 0x0301, 0x7f7f, 1);
	hello_versions(fixture, 0x0301, 0x0200, 1);
	hello_versions(fixture, 0x0000, 0x0303, 1);
	hello_versions(fixture, 0x0305, 0x0303, 1);
	fixture->hello.bytes[43] = 33; /* a session id may have 32 bytes */
	hello_versions(fixture, 0x0301, 0x7f7f, 0);
	hello_versions(fixture, 0x0301, 0x0303, 1);
}

static void test_empty_record_first(void **state)
{
	struct fixture *fixture = *state;
	struct buffer both = {0};

	put_record(&both, RECORD_HANDSHAKE, NULL, 0);
	put_bytes(&both, fixture->hello.bytes, fixture->hello.length);
	send_flags(fixture, true, TLSTRACE_TCP_SYN);
	send_next(fixture, true, both.bytes, both.length);
	assert_int_equal(fixture->count, 1);
	assert_hello(fixture, 0);
}

/* One byte out of band, which is not part of what the server reads. */
static void test_urgent_byte(void **state)
{
	struct fixture *fixture = *state;
	struct buffer both = {0};
	struct frame frame;

	put_fill(&both, 'X', 1);
	put_bytes(&both, fixture->hello.bytes, fixture->hello.length);
	connect_ends(fixture);
	frame = frame_make(fixture, true);
	frame.tcp_flags |= TLSTRACE_TCP_URG;
	frame.urgent = 1;
	add(fixture, &frame, both.bytes, both.length);
	assert_int_equal(fixture->count, 1);
	assert_hello(fixture, 0);
}

static struct buffer unknown_quic(uint32_t version, size_t length)
{
	struct buffer packet = {0};

	put_number(&packet, 0xc0, 1);
	put_number(&packet, version, 4);
	put_number(&packet, 8, 1);
	put_fill(&packet, 7, 8);
	put_number(&packet, 0, 1);
	put_fill(&packet, 9, length - packet.length);
	return packet;
}

/* A version that is not decoded: with Version Negotiation for an answer there is something to tell.
 */
static void test_unknown_quic(void **state)
{
	struct fixture *fixture = *state;
	struct buffer first = unknown_quic(0x1a2a3a4a, 1200), answer = {0};

	datagram(fixture, true, &first);
	assert_int_equal(fixture->count, 0);
	assert_int_equal(connections_counts(fixture->connections).unknown_quic, 1);
	put_number(&answer, 0x80, 1);
	put_number(&answer, 0, 4);
	put_number(&answer, 0, 1);
	put_number(&answer, 8, 1);
	put_fill(&answer, 7, 8);
	put_number(&answer, 1, 4);
	datagram(fixture, false, &answer);
	assert_int_equal(fixture->count, 2);
	assert_int_equal(fixture->events[0].flags, TLSTRACE_PACKET_HELLO);
	assert_int_equal(fixture->events[0].length, 1200);
	assert_int_equal(connections_counts(fixture->connections).unknown_quic, 0);
}

/* Neither a short datagram nor RTP is one. */
static void test_not_quic(void **state)
{
	struct fixture *fixture = *state;
	struct buffer shorter = unknown_quic(0x1a2a3a4a, 1199),
		      rtp = unknown_quic(0x60123456, 1300);

	rtp.bytes[0] = 0x80;
	datagram(fixture, true, &shorter);
	datagram(fixture, true, &rtp);
	assert_int_equal(connections_counts(fixture->connections).unknown_quic, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_twice),
		TEST(test_twice_unnumbered),
		TEST(test_keepalive),
		TEST(test_padded_ack),
		TEST(test_hello_after_end),
		TEST(test_server_late),
		TEST(test_client_late),
		TEST(test_stale_reset),
		TEST(test_reset_and_silence),
		TEST(test_syn_amid),
		TEST(test_redirected),
		TEST(test_not_redirected),
		TEST(test_syn_ack_first),
		TEST(test_proxy_v1),
		TEST(test_proxy_v2),
		TEST(test_proxy_split),
		TEST(test_odd_versions),
		TEST(test_empty_record_first),
		TEST(test_urgent_byte),
		TEST(test_unknown_quic),
		TEST(test_not_quic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
