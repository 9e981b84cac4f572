/* SPDX-License-Identifier: BSD-2-Clause */
#include "quic_fixture.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "tls/hello.h"
#include "tls/record.h"

const uint8_t first_id[8] = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};
const uint8_t server_id[8] = {0xf0, 0x67, 0xa5, 0x50, 0x2a, 0x42, 0x62, 0xb5};

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

int quic_setup(void **state)
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

int quic_teardown(void **state)
{
	struct fixture *fixture = *state;

	tracker_free(fixture->tracker);
	flow_table_free(fixture->table);
	quic_crypto_free(fixture->crypto);
	free(fixture);
	return 0;
}

struct initial initial_from(bool from_client, uint32_t number)
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

/* The inverse of quic_initial_open(), by RFC 9001 section 5. */
void put_initial(struct fixture *fixture, struct buffer *to, const struct initial *initial,
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

void put_crypto(struct buffer *frames, const struct buffer *stream, size_t from, size_t to)
{
	put_number(frames, 0x06, 1);
	put_number(frames, 0x80000000u | from, 4);
	put_number(frames, 0x4000 | (to - from), 2);
	put_bytes(frames, stream->bytes + from, to - from);
}

int quic_feed(struct fixture *fixture, const struct packet *packet)
{
	struct slice data = exact_copy((struct slice){packet->data, packet->event.data_length});
	int error =
		flow_table_add(fixture->table, &(struct flow_segment){&packet->event, data.bytes});

	tracker_packet(fixture->tracker, &packet->event, data.bytes);
	free((void *)data.bytes);
	fixture->connection.time_ns += MS;
	return error;
}

int send_datagram(struct fixture *fixture, bool from_client, const void *bytes, size_t length)
{
	struct packet packet;

	datagram_make(&packet, &fixture->connection, from_client, bytes, length);
	packet.event.sender = from_client ? fixture->client_socket : 0;
	return quic_feed(fixture, &packet);
}

void send_crypto(struct fixture *fixture, const struct initial *initial,
		 const struct buffer *stream, size_t from, size_t to)
{
	struct buffer frames = {0}, datagram = {0};

	put_crypto(&frames, stream, from, to);
	put_initial(fixture, &datagram, initial, &frames);
	assert_int_equal(
		send_datagram(fixture, initial->from_client, datagram.bytes, datagram.length), 0);
}

void hello_make(struct buffer *hello, bool from_client)
{
	const struct hello_options options = {.random = 0x42, .is_13 = true, .cipher = 0x1301};

	hello->length = 0;
	if (from_client)
		put_client_hello(hello, &options);
	else
		put_server_hello(hello, &options);
}

void assert_message(const struct fixture *fixture, size_t at, enum flow_message_kind kind,
		    uint8_t record)
{
	assert_true(at < fixture->count);
	assert_int_equal(fixture->messages[at].kind, kind);
	assert_int_equal(fixture->messages[at].record_type, record);
}

void assert_last_hello(const struct fixture *fixture, const struct buffer *hello)
{
	assert_true(fixture->count > 0);
	assert_message(fixture, fixture->count - 1, FLOW_HANDSHAKE, RECORD_KIND_QUIC_INITIAL);
	assert_int_equal(fixture->last.length, hello->length - 4);
	assert_memory_equal(fixture->last.bytes, hello->bytes + 4, fixture->last.length);
}

void send_initial_hello(struct fixture *fixture, bool from_client)
{
	struct initial initial = initial_from(from_client, 0);
	struct buffer hello;

	hello_make(&hello, from_client);
	send_crypto(fixture, &initial, &hello, 0, hello.length);
}

void exchange_hellos(struct fixture *fixture)
{
	send_initial_hello(fixture, CLIENT);
	send_initial_hello(fixture, SERVER);
}

void put_long(struct buffer *to, uint8_t first, size_t length)
{
	put_number(to, first, 1);
	put_number(to, V1, 4);
	put_number(to, 0, 2); /* no connection ids */
	put_number(to, 0x4000 | length, 2);
	put_fill(to, 0xa5, length);
}

void send_long(struct fixture *fixture, bool from_client, uint8_t first, size_t length)
{
	struct buffer datagram = {0};

	put_long(&datagram, first, length);
	assert_int_equal(send_datagram(fixture, from_client, datagram.bytes, datagram.length), 0);
}

void send_short(struct fixture *fixture, bool from_client)
{
	struct buffer datagram = {0};

	put_number(&datagram, 0x43, 1);
	put_fill(&datagram, 0xa5, 40);
	assert_int_equal(send_datagram(fixture, from_client, datagram.bytes, datagram.length), 0);
}
