// SPDX-License-Identifier: BSD-2-Clause
/* Frames of every kind around the same TCP segment, built by hand; and each of them cut at every
 * byte. */
#include <stdlib.h>

#include "build.h"
#include "source/fragments.h"
#include "source/frame.h"

#define PAYLOAD	       "payload of a segment"
#define PAYLOAD_LENGTH (sizeof(PAYLOAD) - 1)
#define SECOND_NS      1000000000ULL

static const uint8_t source4[4] = {192, 0, 2, 1}, destination4[4] = {198, 51, 100, 2};
static const uint8_t source6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
static const uint8_t destination6[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};

static void put_tcp(struct buffer *buffer)
{
	put_number(buffer, 40000, 2);
	put_number(buffer, 443, 2);
	put_number(buffer, 0xfffffff0, 4);
	put_number(buffer, 0x01020304, 4);
	put_number(buffer, 8 << 12 | TLSTRACE_TCP_ACK, 2);
	put_fill(buffer, 0, 6);
	put_fill(buffer, 1, 12); /* options: NOP */
	put_bytes(buffer, PAYLOAD, PAYLOAD_LENGTH);
}

static void put_udp(struct buffer *buffer, uint16_t port, const struct buffer *body)
{
	put_number(buffer, 50000, 2);
	put_number(buffer, port, 2);
	put_number(buffer, 8 + body->length, 2);
	put_number(buffer, 0, 2);
	put_bytes(buffer, body->bytes, body->length);
}

static void put_ipv4_part(struct buffer *buffer, uint8_t protocol, const struct buffer *body,
			  size_t from, size_t to, bool more)
{
	put_number(buffer, 0x46, 1); /* with 4 bytes of options */
	put_number(buffer, 0, 1);
	put_number(buffer, 24 + to - from, 2);
	put_number(buffer, 77, 2);
	put_number(buffer, (more ? 0x2000 : 0) | from / 8, 2);
	put_number(buffer, 64, 1);
	put_number(buffer, protocol, 1);
	put_number(buffer, 0, 2);
	put_bytes(buffer, source4, 4);
	put_bytes(buffer, destination4, 4);
	put_fill(buffer, 1, 4);
	put_bytes(buffer, body->bytes + from, to - from);
}

static void put_ipv4(struct buffer *buffer, uint8_t protocol, const struct buffer *body)
{
	put_ipv4_part(buffer, protocol, body, 0, body->length, false);
}

static void put_ipv6(struct buffer *buffer, uint8_t next, const struct buffer *body)
{
	put_number(buffer, 0x60000000, 4);
	put_number(buffer, body->length, 2);
	put_number(buffer, next, 1);
	put_number(buffer, 64, 1);
	put_bytes(buffer, source6, 16);
	put_bytes(buffer, destination6, 16);
	put_bytes(buffer, body->bytes, body->length);
}

static struct buffer tcp_in_ipv4(void)
{
	struct buffer tcp = {0}, ip = {0};

	put_tcp(&tcp);
	put_ipv4(&ip, 6, &tcp);
	return ip;
}

static struct buffer tcp_in_ipv6(void)
{
	struct buffer tcp = {0}, ip = {0};

	put_tcp(&tcp);
	put_ipv6(&ip, 6, &tcp);
	return ip;
}

static struct buffer ethernet(uint16_t type, const struct buffer *body)
{
	struct buffer frame = {0};

	put_fill(&frame, 2, 12);
	put_number(&frame, type, 2);
	put_bytes(&frame, body->bytes, body->length);
	return frame;
}

/* Some bytes, then a body. */
static struct buffer behind(const void *header, size_t length, const struct buffer *body)
{
	struct buffer frame = {0};

	put_bytes(&frame, header, length);
	put_bytes(&frame, body->bytes, body->length);
	return frame;
}

#define BEHIND(body, ...)                                                                          \
	behind((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), body)

static enum frame_result read_bytes(enum frame_link link, const uint8_t *bytes, size_t length,
				    size_t wire_length, struct fragments *fragments,
				    struct frame *frame)
{
	struct slice copy = exact_copy((struct slice){bytes, length});
	enum frame_result result = frame_read(link, copy, wire_length, SECOND_NS, fragments, frame);

	/* A payload that borrows the copy is looked at before it goes. */
	if (result == FRAME_READ && frame->payload.length && frame->protocol == FRAME_PROTOCOL_TCP)
		assert_memory_equal(frame->payload.bytes, PAYLOAD,
				    frame->payload.length < PAYLOAD_LENGTH ? frame->payload.length
									   : PAYLOAD_LENGTH);
	free((void *)copy.bytes);
	return result;
}

/* The segment is found; and however the frame is cut, what is found of it is right. */
static struct frame assert_segment(enum frame_link link, const struct buffer *buffer)
{
	struct fragments *fragments = fragments_new();
	struct frame whole, frame;
	size_t length;

	assert_non_null(fragments);
	assert_int_equal(
		read_bytes(link, buffer->bytes, buffer->length, buffer->length, fragments, &whole),
		FRAME_READ);
	assert_int_equal(whole.protocol, FRAME_PROTOCOL_TCP);
	assert_int_equal(whole.source_port, 40000);
	assert_int_equal(whole.destination_port, 443);
	assert_int_equal(whole.sequence, 0xfffffff0);
	assert_int_equal(whole.acknowledgement, 0x01020304);
	assert_int_equal(whole.tcp_flags, TLSTRACE_TCP_ACK);
	assert_int_equal(whole.length, PAYLOAD_LENGTH);
	assert_int_equal(whole.payload.length, PAYLOAD_LENGTH);
	for (length = 0; length < buffer->length; length++) {
		/* A tunnel that is cut too short looks like any UDP. */
		if (read_bytes(link, buffer->bytes, length, buffer->length, fragments, &frame) !=
			    FRAME_READ ||
		    frame.protocol != FRAME_PROTOCOL_TCP)
			continue;
		assert_int_equal(frame.length, whole.length);
		assert_true(frame.payload.length <= frame.length);
		assert_memory_equal(frame.source, whole.source, 16);
	}
	fragments_free(fragments);
	return whole;
}

static void test_ethernet(void **state)
{
	struct buffer ip = tcp_in_ipv4(), ip6 = tcp_in_ipv6(), frame = ethernet(0x0800, &ip);
	struct frame got = assert_segment(FRAME_LINK_ETHERNET, &frame);

	(void)state;
	assert_int_equal(got.source[10], 0xff);
	assert_memory_equal(got.source + 12, source4, 4);
	assert_memory_equal(got.destination + 12, destination4, 4);
	assert_int_equal(got.encapsulation, 0);
	assert_int_equal(got.direction, FRAME_DIRECTION_UNKNOWN);
	frame = ethernet(0x86dd, &ip6);
	got = assert_segment(FRAME_LINK_ETHERNET, &frame);
	assert_memory_equal(got.source, source6, 16);
	assert_memory_equal(got.destination, destination6, 16);
	frame = BEHIND(&ip, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0);
	frame = ethernet(frame.length, &frame);
	assert_segment(FRAME_LINK_ETHERNET, &frame);
}

static void test_links(void **state)
{
	struct buffer ip = tcp_in_ipv4(), ip6 = tcp_in_ipv6(), frame;
	struct frame got;

	(void)state;
	assert_segment(FRAME_LINK_IP, &ip);
	assert_segment(FRAME_LINK_IP, &ip6);
	frame = BEHIND(&ip, 2, 0, 0, 0);
	assert_segment(FRAME_LINK_NULL, &frame);
	frame = BEHIND(&ip6, 0, 0, 0, 30);
	assert_segment(FRAME_LINK_NULL, &frame);
	frame = BEHIND(&ip, 0xff, 3, 0, 0x21);
	assert_segment(FRAME_LINK_PPP, &frame);
	frame = BEHIND(&ip, 0x21);
	assert_segment(FRAME_LINK_PPP, &frame);
	frame = BEHIND(&ip6, 0, 0x57);
	assert_segment(FRAME_LINK_PPP, &frame);
	frame = BEHIND(&ip, 0x0f, 0, 8, 0);
	assert_segment(FRAME_LINK_HDLC, &frame);
	frame = BEHIND(&ip, 0, 4, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0, 8, 0);
	got = assert_segment(FRAME_LINK_COOKED, &frame);
	assert_int_equal(got.direction, FRAME_OUTGOING);
	frame = BEHIND(&ip, 8, 0, 0, 0, 0, 0, 0, 7, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0);
	got = assert_segment(FRAME_LINK_COOKED2, &frame);
	assert_int_equal(got.direction, FRAME_INCOMING);
	assert_int_equal(got.ifindex, 7);
}

static struct buffer pppoe(const struct buffer *ip)
{
	struct buffer frame = {0};

	put_number(&frame, 0x11000005, 4);
	put_number(&frame, ip->length + 2, 2);
	put_number(&frame, 0x0021, 2);
	put_bytes(&frame, ip->bytes, ip->length);
	put_fill(&frame, 0, 3); /* padding of the link */
	return frame;
}

static void test_tags(void **state)
{
	struct buffer ip = tcp_in_ipv4(), frame, inner;
	uint64_t one, two;

	(void)state;
	inner = BEHIND(&ip, 0, 1, 8, 0);
	frame = ethernet(0x8100, &inner);
	one = assert_segment(FRAME_LINK_ETHERNET, &frame).encapsulation;
	inner = BEHIND(&ip, 0xe0, 2, 8, 0);
	frame = ethernet(0x8100, &inner);
	two = assert_segment(FRAME_LINK_ETHERNET, &frame).encapsulation;
	assert_true(one && two && one != two);
	inner = BEHIND(&ip, 0, 1, 0x81, 0, 0, 2, 8, 0);
	frame = ethernet(0x88a8, &inner);
	assert_true(assert_segment(FRAME_LINK_ETHERNET, &frame).encapsulation != one);
	/* A priority alone: often of one direction only. */
	inner = BEHIND(&ip, 0xe0, 0, 8, 0);
	frame = ethernet(0x8100, &inner);
	assert_int_equal(assert_segment(FRAME_LINK_ETHERNET, &frame).encapsulation, 0);
	/* Labels of MPLS differ between the directions. */
	inner = BEHIND(&ip, 0, 1, 0, 64, 0, 2, 1, 64);
	frame = ethernet(0x8847, &inner);
	assert_int_equal(assert_segment(FRAME_LINK_ETHERNET, &frame).encapsulation, 0);
	frame = ethernet(0x0800, &ip);
	frame = BEHIND(&frame, 0, 2, 1, 64, 0, 0, 0, 0); /* a pseudowire's control word */
	frame = ethernet(0x8847, &frame);
	assert_segment(FRAME_LINK_ETHERNET, &frame);
	inner = pppoe(&ip);
	frame = ethernet(0x8864, &inner);
	assert_segment(FRAME_LINK_ETHERNET, &frame);
	assert_segment(FRAME_LINK_PPPOE, &inner);
}

static struct buffer in_udp(uint16_t port, const struct buffer *body)
{
	struct buffer udp = {0}, ip = {0};

	put_udp(&udp, port, body);
	put_ipv4(&ip, 17, &udp);
	return ip;
}

static void test_udp_tunnels(void **state)
{
	struct buffer ip = tcp_in_ipv4(), ip6 = tcp_in_ipv6(), body, frame;
	uint64_t one;

	(void)state;
	body = ethernet(0x0800, &ip);
	body = BEHIND(&body, 8, 0, 0, 0, 0, 0, 1, 0);
	frame = in_udp(4789, &body);
	one = assert_segment(FRAME_LINK_IP, &frame).encapsulation;
	body.bytes[6] = 2;
	frame = in_udp(8472, &body);
	assert_true(assert_segment(FRAME_LINK_IP, &frame).encapsulation != one);
	body = BEHIND(&ip6, 1, 0, 0x86, 0xdd, 0, 0, 9, 0, 1, 2, 3, 4); /* with an option */
	frame = in_udp(6081, &body);
	assert_segment(FRAME_LINK_IP, &frame);
	body = BEHIND(&ip, 0x30, 255, 0, (uint8_t)ip.length, 0, 0, 0, 1);
	frame = in_udp(2152, &body);
	assert_int_equal(assert_segment(FRAME_LINK_IP, &frame).encapsulation, 0);
	body = BEHIND(&ip, 0x34, 255, 0, (uint8_t)(ip.length + 8), 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0,
		      9, 0);
	frame = in_udp(2152, &body);
	assert_segment(FRAME_LINK_IP, &frame);
}

static void test_ip_tunnels(void **state)
{
	struct buffer ip = tcp_in_ipv4(), ip6 = tcp_in_ipv6(), body, frame = {0};
	uint64_t networks[2];

	(void)state;
	put_ipv4(&frame, 4, &ip);
	assert_segment(FRAME_LINK_IP, &frame);
	frame.length = 0;
	put_ipv4(&frame, 41, &ip6);
	assert_segment(FRAME_LINK_IP, &frame);
	frame.length = 0;
	put_ipv6(&frame, 4, &ip);
	assert_segment(FRAME_LINK_IP, &frame);
	body = BEHIND(&ip, 0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0,
		      1); /* checksum, key, sequence */
	frame.length = 0;
	put_ipv4(&frame, 47, &body);
	assert_true(assert_segment(FRAME_LINK_IP, &frame).encapsulation != 0);
	body = ethernet(0x0800, &ip);
	body = BEHIND(&body, 0, 0, 0x65, 0x58);
	frame.length = 0;
	put_ipv4(&frame, 47, &body);
	assert_segment(FRAME_LINK_IP, &frame);
	for (uint8_t flow = 0; flow < 2;
	     flow++) { /* NVGRE: a network, and what tells its flows apart */
		body = ethernet(0x0800, &ip);
		body = BEHIND(&body, 0x20, 0, 0x65, 0x58, 0, 0x13, 0x88, flow);
		frame.length = 0;
		put_ipv4(&frame, 47, &body);
		networks[flow] = assert_segment(FRAME_LINK_IP, &frame).encapsulation;
	}
	assert_true(networks[0] && networks[0] == networks[1]);
	body = ethernet(0x0800, &ip);
	body = BEHIND(&body, 0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 0, 0, 0, 0,
		      0); /* ERSPAN II */
	frame.length = 0;
	put_ipv4(&frame, 47, &body);
	assert_segment(FRAME_LINK_IP, &frame);
}

static void test_extensions(void **state)
{
	struct buffer tcp = {0}, body, frame = {0};

	(void)state;
	put_tcp(&tcp);
	body = BEHIND(&tcp, 43, 0, 1, 4, 0, 0, 0, 0,		       /* hop-by-hop */
		      60, 1, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, /* routing, 16 bytes */
		      51, 0, 1, 4, 0, 0, 0, 0,			       /* destination */
		      44, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
		      12,		       /* AH */
		      6, 0, 0, 0, 0, 0, 0, 9); /* an atomic fragment */
	put_ipv6(&frame, 0, &body);
	assert_segment(FRAME_LINK_IP, &frame);
	body = BEHIND(&tcp, 6, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
		      12);
	frame.length = 0;
	put_ipv4(&frame, 51, &body);
	assert_segment(FRAME_LINK_IP, &frame);
}

static void test_fragments(void **state)
{
	struct buffer tcp = {0}, first = {0}, second = {0};
	struct fragments *fragments = fragments_new();
	struct frame frame;

	(void)state;
	assert_non_null(fragments);
	put_tcp(&tcp);
	put_ipv4_part(&first, 6, &tcp, 0, 24, true);
	put_ipv4_part(&second, 6, &tcp, 24, tcp.length, false);
	assert_int_equal(read_bytes(FRAME_LINK_IP, second.bytes, second.length, second.length,
				    fragments, &frame),
			 FRAME_OTHER);
	/* One that was cut cannot be used. */
	assert_int_equal(read_bytes(FRAME_LINK_IP, first.bytes, first.length - 1, first.length,
				    fragments, &frame),
			 FRAME_BROKEN);
	assert_int_equal(read_bytes(FRAME_LINK_IP, first.bytes, first.length, first.length,
				    fragments, &frame),
			 FRAME_READ);
	assert_int_equal(frame.length, PAYLOAD_LENGTH);
	assert_int_equal(frame.payload.length, PAYLOAD_LENGTH);
	assert_memory_equal(frame.payload.bytes, PAYLOAD, PAYLOAD_LENGTH);
	fragments_free(fragments);
}

/* A tunnel's packet in fragments, which carries fragments itself: one lies in the buffer of the
 * other. */
static void test_fragments_in_fragments(void **state)
{
	struct buffer tcp = {0}, inner = {0}, outer;
	struct fragments *fragments = fragments_new();
	struct frame frame;
	size_t part;

	(void)state;
	assert_non_null(fragments);
	put_tcp(&tcp);
	for (part = 0; part < 2; part++) {
		inner.length = 0;
		put_ipv4_part(&inner, 6, &tcp, part ? 24 : 0, part ? tcp.length : 24, !part);
		outer.length = 0;
		put_ipv4_part(&outer, 4, &inner, 0, 16, true);
		assert_int_equal(read_bytes(FRAME_LINK_IP, outer.bytes, outer.length, outer.length,
					    fragments, &frame),
				 FRAME_OTHER);
		outer.length = 0;
		put_ipv4_part(&outer, 4, &inner, 16, inner.length, false);
		assert_int_equal(read_bytes(FRAME_LINK_IP, outer.bytes, outer.length, outer.length,
					    fragments, &frame),
				 part ? FRAME_READ : FRAME_OTHER);
	}
	assert_int_equal(frame.length, PAYLOAD_LENGTH);
	assert_memory_equal(frame.payload.bytes, PAYLOAD, PAYLOAD_LENGTH);
	fragments_free(fragments);
}

static enum frame_result result_of(enum frame_link link, const struct buffer *buffer)
{
	struct frame frame;

	return read_bytes(link, buffer->bytes, buffer->length, buffer->length, NULL, &frame);
}

static void test_others(void **state)
{
	struct buffer nothing = {0}, ip = tcp_in_ipv4(), frame;
	unsigned int i;

	(void)state;
	put_fill(&nothing, 0, 28);
	frame = ethernet(0x0806, &nothing); /* ARP */
	assert_int_equal(result_of(FRAME_LINK_ETHERNET, &frame), FRAME_OTHER);
	frame.length = 0;
	put_ipv4(&frame, 1, &nothing); /* ICMP */
	assert_int_equal(result_of(FRAME_LINK_IP, &frame), FRAME_OTHER);
	frame = ip;
	frame.bytes[0] = 0x44; /* a header of 16 bytes */
	assert_int_equal(result_of(FRAME_LINK_IP, &frame), FRAME_BROKEN);
	frame = ip;
	frame.bytes[24 + 12] = 0x40; /* so the segment's */
	assert_int_equal(result_of(FRAME_LINK_IP, &frame), FRAME_BROKEN);
	/* Tags without end. */
	for (i = 0; i < 100; i++)
		ip = BEHIND(&ip, 0, 1, 0x81, 0);
	frame = ethernet(0x8100, &ip);
	assert_int_equal(result_of(FRAME_LINK_ETHERNET, &frame), FRAME_BROKEN);
}

/* Ports of tunnels carry other things too. */
static void test_plain_udp(void **state)
{
	struct buffer body = {0}, ip;
	struct frame frame;

	(void)state;
	put_bytes(&body, PAYLOAD, PAYLOAD_LENGTH);
	ip = in_udp(4789, &body);
	put_fill(&ip, 0, 7); /* padding of the link */
	assert_int_equal(read_bytes(FRAME_LINK_IP, ip.bytes, ip.length, ip.length, NULL, &frame),
			 FRAME_READ);
	assert_int_equal(frame.protocol, FRAME_PROTOCOL_UDP);
	assert_int_equal(frame.destination_port, 4789);
	assert_int_equal(frame.length, PAYLOAD_LENGTH);
	assert_int_equal(frame.payload.length, PAYLOAD_LENGTH);
	assert_int_equal(frame.encapsulation, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ethernet),   cmocka_unit_test(test_links),
		cmocka_unit_test(test_tags),	   cmocka_unit_test(test_udp_tunnels),
		cmocka_unit_test(test_ip_tunnels), cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_fragments),  cmocka_unit_test(test_fragments_in_fragments),
		cmocka_unit_test(test_others),	   cmocka_unit_test(test_plain_udp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
