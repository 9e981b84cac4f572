/* SPDX-License-Identifier: BSD-2-Clause */
#include "build.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "flow/flow.h"
#include "handshake/tracker.h"
#include "quic_samples.h"
#include "tls/hello.h"
#include "tls/quic.h"
#include "tls/record.h"

#define MESSAGES_MAX 64
#define V1	     0x00000001u
#define V2	     0x6b3343cfu

enum { CLIENT = true, SERVER = false };

static const uint8_t first_id[8] = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};
static const uint8_t server_id[8] = {0xf0, 0x67, 0xa5, 0x50, 0x2a, 0x42, 0x62, 0xb5};

struct fixture {
	struct quic_crypto *crypto;
	struct flow_handler handler;
	struct flow_table *table;
	struct connection connection;
	struct flow *flow;
	struct flow_message messages[MESSAGES_MAX];
	size_t count;
	struct buffer last;
	/* of the rows that a tracker gave */
	struct tracker_handler tracker_handler;
	struct tracker *tracker;
	struct handshake row; /* its pointers are gone, but for what is kept here: */
	char sni[64], reason[64];
	size_t rows, forgotten;
	uint64_t client_socket; /* of the datagrams that the client sends; 0: it is not here */
};

static void on_message(void *context, struct flow *flow, const struct flow_message *message)
{
	struct fixture *fixture = context;

	(void)flow;
	assert_true(fixture->count < MESSAGES_MAX);
	fixture->messages[fixture->count] = *message;
	fixture->messages[fixture->count++].body.bytes = NULL;
	fixture->last.length = 0;
	put_bytes(&fixture->last, message->body.bytes, message->body.length);
}

static void on_segment(void *context, struct flow *flow, const struct tlstrace_packet_event *event)
{
	struct fixture *fixture = context;

	(void)event;
	fixture->flow = flow;
}

static void on_done(void *context, struct handshake *handshake)
{
	struct fixture *fixture = context;

	fixture->row = *handshake;
	fixture->rows++;
	if (handshake->sni)
		strncpy(fixture->sni, handshake->sni, sizeof(fixture->sni) - 1);
	if (handshake->failure.reason)
		memcpy(fixture->reason, handshake->failure.reason,
		       handshake->failure.reason_length);
}

static void on_forget(void *context, const struct tlstrace_flow_key *key, uint64_t flow_id,
		      bool may_renegotiate)
{
	struct fixture *fixture = context;

	(void)key;
	(void)flow_id;
	(void)may_renegotiate;
	fixture->forgotten++;
}

static int setup(void **state)
{
	const struct tracker_settings settings = {.timeout_ns = 10000 * MS, .capacity = 4};
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	fixture->crypto = quic_crypto_new();
	fixture->handler = (struct flow_handler){on_message, on_segment, NULL, fixture};
	fixture->table = flow_table_new(4, &fixture->handler);
	fixture->tracker_handler = (struct tracker_handler){
		.done = on_done, .context = fixture, .forget = on_forget, .events = fixture};
	fixture->tracker = tracker_new(&settings, &fixture->tracker_handler);
	fixture->connection = connection_new(40000);
	*state = fixture;
	return fixture->crypto && fixture->table && fixture->tracker ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	tracker_free(fixture->tracker);
	flow_table_free(fixture->table);
	quic_crypto_free(fixture->crypto);
	free(fixture);
	return 0;
}

/* An Initial packet to be made. */
struct initial {
	uint32_t version;
	bool from_client;
	uint32_t number;
	struct slice key_id; /* the connection id that the keys rest on */
	struct slice destination, source;
};

static struct initial initial_from(bool from_client, uint32_t number)
{
	struct slice first = {first_id, sizeof(first_id)}, server = {server_id, sizeof(server_id)};

	return (struct initial){.version = V1,
				.from_client = from_client,
				.number = number,
				.key_id = first,
				.destination = from_client ? first : (struct slice){first_id, 0},
				.source = from_client ? (struct slice){first_id, 0} : server};
}

static void seal(const struct quic_keys *keys, uint32_t number, uint8_t *header,
		 size_t header_length, const struct buffer *frames, uint8_t *to)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t nonce[12];
	int written;
	size_t i;

	assert_non_null(context);
	memcpy(nonce, keys->iv, sizeof(nonce));
	for (i = 0; i < 4; i++)
		nonce[11 - i] ^= number >> 8 * i;
	assert_true(EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), NULL, keys->key, nonce));
	assert_true(EVP_EncryptUpdate(context, NULL, &written, header, header_length));
	assert_true(EVP_EncryptUpdate(context, to, &written, frames->bytes, frames->length));
	assert_true(EVP_EncryptFinal_ex(context, to + frames->length, &written));
	assert_true(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, to + frames->length));
	EVP_CIPHER_CTX_free(context);
}

static void protect_header(const struct quic_keys *keys, uint8_t *packet, size_t number_at,
			   size_t number_length)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t mask[32];
	int written;
	size_t i;

	assert_non_null(context);
	assert_true(EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, keys->header, NULL));
	assert_true(EVP_EncryptUpdate(context, mask, &written, packet + number_at + 4, 16));
	EVP_CIPHER_CTX_free(context);
	packet[0] ^= mask[0] & 0x0f;
	for (i = 0; i < number_length; i++)
		packet[number_at + i] ^= mask[1 + i];
}

/* The inverse of quic_initial_open(), by RFC 9001 section 5. The packet number takes two bytes. */
static void put_initial(struct fixture *fixture, struct buffer *to, const struct initial *initial,
			const struct buffer *frames)
{
	size_t start = to->length, number_at;
	struct quic_keys keys;

	assert_int_equal(quic_keys_derive(fixture->crypto, initial->version, initial->key_id,
					  initial->from_client, &keys),
			 0);
	put_number(to, initial->version == V2 ? 0xd1 : 0xc1, 1);
	put_number(to, initial->version, 4);
	put_number(to, initial->destination.length, 1);
	put_bytes(to, initial->destination.bytes, initial->destination.length);
	put_number(to, initial->source.length, 1);
	put_bytes(to, initial->source.bytes, initial->source.length);
	put_number(to, 0, 1);
	put_number(to, 0x4000 | (2 + frames->length + 16), 2);
	number_at = to->length;
	put_number(to, initial->number & 0xffff, 2);
	put_fill(to, 0, frames->length + 16);
	seal(&keys, initial->number, to->bytes + start, number_at + 2 - start, frames,
	     to->bytes + number_at + 2);
	protect_header(&keys, to->bytes + start, number_at - start, 2);
}

static void put_crypto(struct buffer *frames, const struct buffer *stream, size_t from, size_t to)
{
	put_number(frames, 0x06, 1);
	put_number(frames, 0x80000000u | from, 4);
	put_number(frames, 0x4000 | (to - from), 2);
	put_bytes(frames, stream->bytes + from, to - from);
}

static int feed(struct fixture *fixture, const struct packet *packet)
{
	struct slice data = exact_copy((struct slice){packet->data, packet->event.data_length});
	int error =
		flow_table_add(fixture->table, &(struct flow_segment){&packet->event, data.bytes});

	tracker_packet(fixture->tracker, &packet->event, data.bytes);
	free((void *)data.bytes);
	fixture->connection.time_ns += MS;
	return error;
}

static int send_datagram(struct fixture *fixture, bool from_client, const void *bytes,
			 size_t length)
{
	struct packet packet;

	datagram_make(&packet, &fixture->connection, from_client, bytes, length);
	packet.event.sender = from_client ? fixture->client_socket : 0;
	return feed(fixture, &packet);
}

/* One Initial with the CRYPTO bytes [from, to) of a stream, in a datagram of its own. */
static void send_crypto(struct fixture *fixture, const struct initial *initial,
			const struct buffer *stream, size_t from, size_t to)
{
	struct buffer frames = {0}, datagram = {0};

	put_crypto(&frames, stream, from, to);
	put_initial(fixture, &datagram, initial, &frames);
	assert_int_equal(
		send_datagram(fixture, initial->from_client, datagram.bytes, datagram.length), 0);
}

static void hello_make(struct buffer *hello, bool from_client)
{
	const struct hello_options options = {.random = 0x42, .is_13 = true, .cipher = 0x1301};

	hello->length = 0;
	if (from_client)
		put_client_hello(hello, &options);
	else
		put_server_hello(hello, &options);
}

static void assert_message(const struct fixture *fixture, size_t at, enum flow_message_kind kind,
			   uint8_t record)
{
	assert_true(at < fixture->count);
	assert_int_equal(fixture->messages[at].kind, kind);
	assert_int_equal(fixture->messages[at].record_type, record);
}

static void assert_hello(const struct fixture *fixture, const struct buffer *hello)
{
	assert_true(fixture->count > 0);
	assert_message(fixture, fixture->count - 1, FLOW_HANDSHAKE, RECORD_KIND_QUIC_INITIAL);
	assert_int_equal(fixture->last.length, hello->length - 4);
	assert_memory_equal(fixture->last.bytes, hello->bytes + 4, fixture->last.length);
}

/* A whole handshake as far as it is in the clear. */
static void exchange_hellos(struct fixture *fixture)
{
	struct initial client = initial_from(CLIENT, 0), server = initial_from(SERVER, 0);
	struct buffer hello;

	hello_make(&hello, CLIENT);
	send_crypto(fixture, &client, &hello, 0, hello.length);
	hello_make(&hello, SERVER);
	send_crypto(fixture, &server, &hello, 0, hello.length);
}

static void put_long(struct buffer *to, uint8_t first, size_t length)
{
	put_number(to, first, 1);
	put_number(to, V1, 4);
	put_number(to, 0, 2); /* no connection ids */
	put_number(to, 0x4000 | length, 2);
	put_fill(to, 0xa5, length);
}

static void send_long(struct fixture *fixture, bool from_client, uint8_t first, size_t length)
{
	struct buffer datagram = {0};

	put_long(&datagram, first, length);
	assert_int_equal(send_datagram(fixture, from_client, datagram.bytes, datagram.length), 0);
}

static void send_short(struct fixture *fixture, bool from_client)
{
	struct buffer datagram = {0};

	put_number(&datagram, 0x43, 1);
	put_fill(&datagram, 0xa5, 40);
	assert_int_equal(send_datagram(fixture, from_client, datagram.bytes, datagram.length), 0);
}

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

static void send_sample(struct fixture *fixture, bool from_client, const void *bytes, size_t length)
{
	assert_int_equal(send_datagram(fixture, from_client, bytes, length), 0);
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

/* The same packets as a flow: the hellos come out, and a Retry is seen. */
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
		assert_hello(fixture, &hello);
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
	assert_hello(fixture, &hello);
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
	assert_int_equal(feed(fixture, &packet), 0);
	assert_int_equal(fixture->count, 4);
	assert_message(fixture, 0, FLOW_HANDSHAKE, RECORD_KIND_QUIC_INITIAL);
	assert_int_equal(fixture->messages[0].records, 2);
	assert_message(fixture, 1, FLOW_ENCRYPTED, RECORD_KIND_QUIC_HANDSHAKE);
	assert_int_equal(fixture->messages[1].size, 109);
	assert_message(fixture, 2, FLOW_ENCRYPTED, RECORD_KIND_QUIC_1RTT);
	assert_int_equal(fixture->messages[2].size, 31);
	assert_message(fixture, 3, FLOW_ENCRYPTED, RECORD_KIND_QUIC_0RTT);
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

/*
 * Of an encrypted packet only the beginning is copied: what follows it is found by its
 * Length.
 */
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
	assert_int_equal(feed(fixture, &packet), 0);
	assert_int_equal(fixture->count, 4);
	assert_int_equal(fixture->messages[2].size, 109);
	assert_int_equal(fixture->messages[3].size, 209);
}

/* Whatever of a datagram is there: no overrun, and no hello from less than all of it. */
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
	assert_int_equal(feed(fixture, &packet), 0);
	assert_int_equal(fixture->count, 0);
	assert_true(fixture->flow->gap);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	assert_int_equal(fixture->rows, 0);
	assert_int_equal(tracker_unfinished(fixture->tracker), 1);
}

/* Frames cut at every length: what is malformed ends the packet, not the program. */
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

/* What is not an Initial, or cannot be opened, is no flow, no row, and no loss. */
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

/* A version that is not decoded: the source vouches for it, there is a row without a hello. */
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

/* A packet that does not authenticate is ignored, its successor is not. */
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
	assert_hello(fixture, &hello);
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
	assert_hello(fixture, &hello);
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
	assert_hello(fixture, &hello);
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
	assert_hello(fixture, &hello);
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
	assert_hello(fixture, &hello);
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

/* Something else on the port that looks like 1-RTT, before the server said anything. */
static void test_row_unanswered(void **state)
{
	struct fixture *fixture = *state;
	struct initial client = initial_from(CLIENT, 0);
	struct buffer hello;

	hello_make(&hello, CLIENT);
	fixture->client_socket = 7;
	send_crypto(fixture, &client, &hello, 0, hello.length);
	send_short(fixture, CLIENT);
	row_take(fixture, 11000 * MS);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_FAILED);
	assert_int_equal(fixture->row.failure.kind, FAILURE_TIMEOUT);
}

/* A capture of one direction: the server may have answered. */
static void test_row_one_direction(void **state)
{
	struct fixture *fixture = *state;
	struct initial client = initial_from(CLIENT, 0);
	struct buffer hello;

	hello_make(&hello, CLIENT);
	send_crypto(fixture, &client, &hello, 0, hello.length);
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
	struct initial client = initial_from(CLIENT, 0);
	struct buffer hello;

	hello_make(&hello, CLIENT);
	send_crypto(fixture, &client, &hello, 0, hello.length);
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
	struct initial client = initial_from(CLIENT, 0);
	struct buffer hello;

	hello_make(&hello, CLIENT);
	send_crypto(fixture, &client, &hello, 0, hello.length);
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

/* The server says nothing, to 0-RTT packets neither. */
static void test_row_early_silent(void **state)
{
	struct fixture *fixture = *state;
	struct initial client = initial_from(CLIENT, 0);
	struct buffer hello;

	hello_make(&hello, CLIENT);
	fixture->client_socket = 7;
	send_crypto(fixture, &client, &hello, 0, hello.length);
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

static void test_version_names(void **state)
{
	char name[QUIC_VERSION_NAME_SIZE];

	(void)state;
	assert_string_equal(quic_version_name(V1, name), "1");
	assert_string_equal(quic_version_name(V2, name), "2");
	assert_string_equal(quic_version_name(0xff00001d, name), "draft-29");
	assert_string_equal(quic_version_name(0x1a2a3a4a, name), "0x1a2a3a4a");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keys),
		TEST(test_samples_open),
		TEST(test_samples_flow),
		TEST(test_crypto_any_order),
		TEST(test_crypto_scattered),
		TEST(test_coalesced),
		TEST(test_greased_fixed_bit),
		TEST(test_elided_body),
		TEST(test_truncated),
		TEST(test_truncated_copy),
		TEST(test_frames_truncated),
		TEST(test_frames_forbidden),
		TEST(test_not_quic),
		TEST(test_unknown_version),
		TEST(test_forged),
		TEST(test_retry),
		TEST(test_version_negotiation),
		TEST(test_compatible_version),
		TEST(test_packet_numbers),
		TEST(test_crypto_far),
		TEST(test_row_completed),
		TEST(test_row_hello_part),
		TEST(test_row_unanswered),
		TEST(test_row_one_direction),
		TEST(test_row_close_alert),
		TEST(test_row_close_error),
		TEST(test_row_silent),
		TEST(test_row_early_silent),
		TEST(test_row_early_data),
		TEST(test_version_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
