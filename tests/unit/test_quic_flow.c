/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of a QUIC flow. */
#include "quic_fixture.h"
#include "quic_samples.h"

#include <errno.h>
#include <stdlib.h>

#include "tls/hello.h"
#include "tls/record.h"

static void send_sample(struct fixture *fixture, bool from_client, const void *bytes, size_t length)
{
	assert_int_equal(send_datagram(fixture, from_client, bytes, length), 0);
}

/* The RFCs' sample packets as a flow: the hellos come out, and a Retry is seen. */
static void test_samples_flow(void **state)
{
	static const struct {
		const uint8_t *client, *server, *retry;
		uint32_t version;
	} samples[] = {
		{rfc9001_client, rfc9001_server, rfc9001_retry, V1},
		{rfc9369_client, rfc9369_server, rfc9369_retry, V2},
	};
	struct fixture *fixture = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		fixture->connection = connection_new(40000 + i);
		fixture->count = 0;
		send_sample(fixture, CLIENT, samples[i].client, sizeof(rfc9001_client));
		send_sample(fixture, SERVER, samples[i].retry, sizeof(rfc9001_retry));
		send_sample(fixture, SERVER, samples[i].server, sizeof(rfc9001_server));
		assert_int_equal(fixture->count, 3);
		assert_message(fixture, 0, FLOW_HANDSHAKE, RECORD_KIND_QUIC_INITIAL);
		assert_int_equal(fixture->messages[0].type, TLS_CLIENT_HELLO);
		assert_int_equal(fixture->messages[0].size, 241);
		assert_message(fixture, 1, FLOW_QUIC_RETRY, RECORD_KIND_QUIC_RETRY);
		assert_message(fixture, 2, FLOW_HANDSHAKE, RECORD_KIND_QUIC_INITIAL);
		assert_int_equal(fixture->messages[2].type, TLS_SERVER_HELLO);
		assert_int_equal(fixture->messages[2].size, 90);
		assert_int_equal(fixture->flow->quic_version, samples[i].version);
	}
}

/* Initials in any order, and twice: the hello comes out once, and knows its packets. */
static void test_crypto_any_order(void **state)
{
	static const int orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}};
	struct fixture *fixture = *state;
	struct initial again;
	struct buffer hello;
	size_t i, j, part;

	hello_make(&hello, CLIENT);
	part = (hello.length + 3) / 4;
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		fixture->connection = connection_new(41000 + i);
		fixture->count = 0;
		for (j = 0; j < 4; j++) {
			struct initial initial = initial_from(CLIENT, j);
			size_t from = orders[i][j] * part, to = from + part;

			assert_int_equal(fixture->count, 0);
			send_crypto(fixture, &initial, &hello, from,
				    to < hello.length ? to : hello.length);
		}
		assert_int_equal(fixture->count, 1);
		assert_last_hello(fixture, &hello);
		assert_int_equal(fixture->messages[0].records, 4);
		assert_int_equal(fixture->messages[0].segments, 4);
		again = initial_from(CLIENT, 9);
		send_crypto(fixture, &again, &hello, 0, hello.length);
		assert_int_equal(fixture->count, 1);
	}
}

/* Many small frames in one packet, last one first, with padding and pings between. */
static void test_crypto_scattered(void **state)
{
	struct fixture *fixture = *state;
	struct buffer hello, frames = {0}, datagram = {0};
	struct initial initial = initial_from(CLIENT, 0);
	size_t at;

	hello_make(&hello, CLIENT);
	for (at = hello.length; at > 0;) {
		size_t from = at > 7 ? at - 7 : 0;

		put_crypto(&frames, &hello, from, at);
		put_number(&frames, 0x0100, 2); /* PING, PADDING */
		at = from;
	}
	/* ACK of two ranges */
	put_bytes(&frames, (uint8_t[]){0x02, 0x05, 0x00, 0x01, 0x00, 0x00, 0x00}, 7);
	put_initial(fixture, &datagram, &initial, &frames);
	assert_int_equal(send_datagram(fixture, CLIENT, datagram.bytes, datagram.length), 0);
	assert_int_equal(fixture->count, 1);
	assert_last_hello(fixture, &hello);
	assert_int_equal(fixture->messages[0].records, 1);
}

/* Two Initials, a Handshake and a 1-RTT packet in one datagram; two datagrams in one event. */
static void test_coalesced(void **state)
{
	struct fixture *fixture = *state;
	struct initial first = initial_from(CLIENT, 0), second = initial_from(CLIENT, 1);
	struct buffer hello, frames = {0}, datagram = {0};
	struct packet packet;
	size_t size;

	hello_make(&hello, CLIENT);
	put_crypto(&frames, &hello, 0, 50);
	put_initial(fixture, &datagram, &first, &frames);
	frames.length = 0;
	put_crypto(&frames, &hello, 50, hello.length);
	put_initial(fixture, &datagram, &second, &frames);
	put_long(&datagram, 0xe0, 100);
	put_number(&datagram, 0x40, 1);
	put_fill(&datagram, 0xa5, 30);
	size = datagram.length;
	put_long(&datagram, 0xd0, 33); /* 0-RTT, in the second datagram */
	datagram_make(&packet, &fixture->connection, CLIENT, datagram.bytes, datagram.length);
	packet.event.datagram_size = size;
	packet.event.segments = 2;
	assert_int_equal(quic_feed(fixture, &packet), 0);
	assert_int_equal(fixture->count, 4);
	assert_message(fixture, 0, FLOW_HANDSHAKE, RECORD_KIND_QUIC_INITIAL);
	assert_int_equal(fixture->messages[0].records, 2);
	assert_message(fixture, 1, FLOW_ENCRYPTED, RECORD_KIND_QUIC_HANDSHAKE);
	assert_int_equal(fixture->messages[1].size, 109);
	assert_message(fixture, 2, FLOW_ENCRYPTED, RECORD_KIND_QUIC_1RTT);
	assert_int_equal(fixture->messages[2].size, 31);
	assert_message(fixture, 3, FLOW_ENCRYPTED, RECORD_KIND_QUIC_0RTT);
}

/* Only the beginning of an encrypted packet is copied: its Length leads to the next one. */
static void test_elided_body(void **state)
{
	struct fixture *fixture = *state;
	struct buffer datagram = {0};
	struct packet packet;

	exchange_hellos(fixture);
	put_long(&datagram, 0xe0, 100);
	put_long(&datagram, 0xe0, 200);
	datagram_make(&packet, &fixture->connection, SERVER, datagram.bytes, datagram.length);
	packet_elide(&packet, 20, 109);
	packet_elide(&packet, 130, 318);
	assert_int_equal(quic_feed(fixture, &packet), 0);
	assert_int_equal(fixture->count, 4);
	assert_int_equal(fixture->messages[2].size, 109);
	assert_int_equal(fixture->messages[3].size, 209);
}

/* A datagram cut at every length: no overrun, and no hello from a part of it. */
static void test_truncated(void **state)
{
	struct fixture *fixture = *state;
	struct quic_packet packet;
	size_t length;

	for (length = 0; length < sizeof(rfc9001_client); length++) {
		struct slice copy = exact_copy((struct slice){rfc9001_client, length});

		/* Cut in the capture, and cut on the wire. */
		if (quic_packet_read(copy, sizeof(rfc9001_client), &packet))
			assert_int_equal(packet.size, sizeof(rfc9001_client));
		assert_false(quic_packet_read(copy, length, &packet));
		free((void *)copy.bytes);
		fixture->connection = connection_new(30000 + length);
		assert_int_equal(send_datagram(fixture, CLIENT, rfc9001_client, length),
				 length ? -EPROTO : -ENOSPC);
	}
	assert_int_equal(fixture->count, 0);
	assert_int_equal(flow_table_refused(fixture->table), 0);
}

/* A first packet that was copied only in part begins a flow that stays unfinished. */
static void test_truncated_copy(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;

	datagram_make(&packet, &fixture->connection, CLIENT, rfc9001_client,
		      sizeof(rfc9001_client));
	packet_elide(&packet, 200, sizeof(rfc9001_client));
	assert_int_equal(quic_feed(fixture, &packet), 0);
	assert_int_equal(fixture->count, 0);
	assert_true(fixture->flow->gap);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	assert_int_equal(fixture->rows, 0);
	assert_int_equal(tracker_unfinished(fixture->tracker), 1);
}

/* A packet that does not authenticate is ignored; the next one is read. */
static void test_forged(void **state)
{
	struct fixture *fixture = *state;
	struct initial server = initial_from(SERVER, 1);
	uint8_t forged[sizeof(rfc9001_server)];
	struct buffer hello;

	assert_int_equal(send_datagram(fixture, CLIENT, rfc9001_client, sizeof(rfc9001_client)), 0);
	memcpy(forged, rfc9001_server, sizeof(forged));
	forged[100] ^= 0x80;
	assert_int_equal(send_datagram(fixture, SERVER, forged, sizeof(forged)), 0);
	assert_int_equal(fixture->count, 1);
	hello_make(&hello, SERVER);
	send_crypto(fixture, &server, &hello, 0, hello.length);
	assert_int_equal(fixture->count, 2);
	assert_last_hello(fixture, &hello);
}

/* RFC 9001 section 5.2: after a Retry the keys come from the connection id that the server chose.
 */
static void test_retry(void **state)
{
	struct fixture *fixture = *state;
	struct initial client = initial_from(CLIENT, 1), server = initial_from(SERVER, 0);
	struct buffer hello;

	hello_make(&hello, CLIENT);
	client.number = 0;
	send_crypto(fixture, &client, &hello, 0, hello.length);
	assert_int_equal(send_datagram(fixture, SERVER, rfc9001_retry, sizeof(rfc9001_retry)), 0);
	client.number = 1;
	client.key_id = client.destination = server.key_id =
		(struct slice){server_id, sizeof(server_id)};
	send_crypto(fixture, &client, &hello, 0, hello.length);
	hello_make(&hello, SERVER);
	send_crypto(fixture, &server, &hello, 0, hello.length);
	assert_int_equal(fixture->count, 3);
	assert_message(fixture, 1, FLOW_QUIC_RETRY, RECORD_KIND_QUIC_RETRY);
	assert_last_hello(fixture, &hello);
	send_short(fixture, CLIENT);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	assert_int_equal(fixture->rows, 1);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_COMPLETED);
}

/* The server knows only version 2: the client begins anew with another hello. */
static void test_version_negotiation(void **state)
{
	struct fixture *fixture = *state;
	struct initial client = initial_from(CLIENT, 0), server = initial_from(SERVER, 0);
	struct buffer hello, datagram = {0};

	hello_make(&hello, CLIENT);
	send_crypto(fixture, &client, &hello, 0, hello.length);
	put_bytes(&datagram, "\x80\0\0\0\0\0\x08", 7);
	put_bytes(&datagram, first_id, 8);
	put_number(&datagram, V2, 4);
	assert_int_equal(send_datagram(fixture, SERVER, datagram.bytes, datagram.length), 0);
	assert_message(fixture, 1, FLOW_QUIC_VERSION_NEGOTIATION,
		       RECORD_KIND_QUIC_VERSION_NEGOTIATION);
	assert_int_equal(fixture->last.length, 4);
	client.version = server.version = V2;
	client.key_id = client.destination = server.key_id =
		(struct slice){(const uint8_t *)"otherone", 8};
	send_crypto(fixture, &client, &hello, 0, hello.length);
	assert_int_equal(fixture->count, 3);
	assert_last_hello(fixture, &hello);
	hello_make(&hello, SERVER);
	send_crypto(fixture, &server, &hello, 0, hello.length);
	assert_int_equal(fixture->count, 4);
	assert_int_equal(fixture->flow->quic_version, V2);
}

/* RFC 9369 section 4.1: asked in version 1, the server answers in version 2. */
static void test_compatible_version(void **state)
{
	struct fixture *fixture = *state;
	struct initial client = initial_from(CLIENT, 0), server = initial_from(SERVER, 0);
	struct buffer hello;

	hello_make(&hello, CLIENT);
	send_crypto(fixture, &client, &hello, 0, hello.length);
	hello_make(&hello, SERVER);
	server.version = V2;
	send_crypto(fixture, &server, &hello, 0, hello.length);
	assert_int_equal(fixture->count, 2);
	assert_last_hello(fixture, &hello);
	assert_int_equal(fixture->flow->quic_version, V2);
}

/* Packet numbers are cut to two bytes; the window follows what was seen (RFC 9000 appendix A.3). */
static void test_packet_numbers(void **state)
{
	static const uint32_t numbers[] = {0, 30000, 60000, 90000, 65530, 120000};
	struct fixture *fixture = *state;
	struct buffer hello;
	size_t i;

	hello_make(&hello, CLIENT);
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct initial initial = initial_from(CLIENT, numbers[i]);

		assert_int_equal(fixture->count, 0);
		send_crypto(fixture, &initial, &hello, i * 10,
			    i + 1 < ARRAY_SIZE(numbers) ? i * 10 + 10 : hello.length);
	}
	assert_int_equal(fixture->count, 1);
	assert_last_hello(fixture, &hello);
}

/* A CRYPTO offset beyond any handshake ends the direction. */
static void test_crypto_far(void **state)
{
	struct fixture *fixture = *state;
	struct initial initial = initial_from(CLIENT, 0);
	struct buffer frames = {0}, datagram = {0};

	put_bytes(&frames,
		  "\x06\xff\xff\xff\xff\xff\xff\xff\xff\x01"
		  "a",
		  11);
	put_initial(fixture, &datagram, &initial, &frames);
	assert_int_equal(send_datagram(fixture, CLIENT, datagram.bytes, datagram.length), 0);
	assert_true(fixture->flow->gap);
	assert_true(fixture->flow->directions[1].stopped);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, quic_setup, quic_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_samples_flow),
		TEST(test_crypto_any_order),
		TEST(test_crypto_scattered),
		TEST(test_coalesced),
		TEST(test_elided_body),
		TEST(test_truncated),
		TEST(test_truncated_copy),
		TEST(test_forged),
		TEST(test_retry),
		TEST(test_version_negotiation),
		TEST(test_compatible_version),
		TEST(test_packet_numbers),
		TEST(test_crypto_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
