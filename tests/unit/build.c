/* SPDX-License-Identifier: BSD-2-Clause */
#include "build.h"

#include <stdlib.h>

#include "tls/hello.h"

const uint8_t rfc8448_client_hello[196] = {
	0x01, 0x00, 0x00, 0xc0, 0x03, 0x03, 0xcb, 0x34, 0xec, 0xb1, 0xe7, 0x81, 0x63, 0xba,
	0x1c, 0x38, 0xc6, 0xda, 0xcb, 0x19, 0x6a, 0x6d, 0xff, 0xa2, 0x1a, 0x8d, 0x99, 0x12,
	0xec, 0x18, 0xa2, 0xef, 0x62, 0x83, 0x02, 0x4d, 0xec, 0xe7, 0x00, 0x00, 0x06, 0x13,
	0x01, 0x13, 0x03, 0x13, 0x02, 0x01, 0x00, 0x00, 0x91, 0x00, 0x00, 0x00, 0x0b, 0x00,
	0x09, 0x00, 0x00, 0x06, 0x73, 0x65, 0x72, 0x76, 0x65, 0x72, 0xff, 0x01, 0x00, 0x01,
	0x00, 0x00, 0x0a, 0x00, 0x14, 0x00, 0x12, 0x00, 0x1d, 0x00, 0x17, 0x00, 0x18, 0x00,
	0x19, 0x01, 0x00, 0x01, 0x01, 0x01, 0x02, 0x01, 0x03, 0x01, 0x04, 0x00, 0x23, 0x00,
	0x00, 0x00, 0x33, 0x00, 0x26, 0x00, 0x24, 0x00, 0x1d, 0x00, 0x20, 0x99, 0x38, 0x1d,
	0xe5, 0x60, 0xe4, 0xbd, 0x43, 0xd2, 0x3d, 0x8e, 0x43, 0x5a, 0x7d, 0xba, 0xfe, 0xb3,
	0xc0, 0x6e, 0x51, 0xc1, 0x3c, 0xae, 0x4d, 0x54, 0x13, 0x69, 0x1e, 0x52, 0x9a, 0xaf,
	0x2c, 0x00, 0x2b, 0x00, 0x03, 0x02, 0x03, 0x04, 0x00, 0x0d, 0x00, 0x20, 0x00, 0x1e,
	0x04, 0x03, 0x05, 0x03, 0x06, 0x03, 0x02, 0x03, 0x08, 0x04, 0x08, 0x05, 0x08, 0x06,
	0x04, 0x01, 0x05, 0x01, 0x06, 0x01, 0x02, 0x01, 0x04, 0x02, 0x05, 0x02, 0x06, 0x02,
	0x02, 0x02, 0x00, 0x2d, 0x00, 0x02, 0x01, 0x01, 0x00, 0x1c, 0x00, 0x02, 0x40, 0x01,
};

const uint8_t rfc8448_server_hello[90] = {
	0x02, 0x00, 0x00, 0x56, 0x03, 0x03, 0xa6, 0xaf, 0x06, 0xa4, 0x12, 0x18, 0x60, 0xdc, 0x5e,
	0x6e, 0x60, 0x24, 0x9c, 0xd3, 0x4c, 0x95, 0x93, 0x0c, 0x8a, 0xc5, 0xcb, 0x14, 0x34, 0xda,
	0xc1, 0x55, 0x77, 0x2e, 0xd3, 0xe2, 0x69, 0x28, 0x00, 0x13, 0x01, 0x00, 0x00, 0x2e, 0x00,
	0x33, 0x00, 0x24, 0x00, 0x1d, 0x00, 0x20, 0xc9, 0x82, 0x88, 0x76, 0x11, 0x20, 0x95, 0xfe,
	0x66, 0x76, 0x2b, 0xdb, 0xf7, 0xc6, 0x72, 0xe1, 0x56, 0xd6, 0xcc, 0x25, 0x3b, 0x83, 0x3d,
	0xf1, 0xdd, 0x69, 0xb1, 0xb0, 0x4e, 0x75, 0x1f, 0x0f, 0x00, 0x2b, 0x00, 0x02, 0x03, 0x04,
};

const uint8_t rfc8448_retry[176] = {
	0x02, 0x00, 0x00, 0xac, 0x03, 0x03, 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe,
	0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
	0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c, 0x00, 0x13, 0x01, 0x00, 0x00, 0x84, 0x00,
	0x33, 0x00, 0x02, 0x00, 0x17, 0x00, 0x2c, 0x00, 0x74, 0x00, 0x72, 0x71, 0xdc, 0xd0, 0x4b,
	0xb8, 0x8b, 0xc3, 0x18, 0x91, 0x19, 0x39, 0x8a, 0x00, 0x00, 0x00, 0x00, 0xee, 0xfa, 0xfc,
	0x76, 0xc1, 0x46, 0xb8, 0x23, 0xb0, 0x96, 0xf8, 0xaa, 0xca, 0xd3, 0x65, 0xdd, 0x00, 0x30,
	0x95, 0x3f, 0x4e, 0xdf, 0x62, 0x56, 0x36, 0xe5, 0xf2, 0x1b, 0xb2, 0xe2, 0x3f, 0xcc, 0x65,
	0x4b, 0x1b, 0x5b, 0x40, 0x31, 0x8d, 0x10, 0xd1, 0x37, 0xab, 0xcb, 0xb8, 0x75, 0x74, 0xe3,
	0x6e, 0x8a, 0x1f, 0x02, 0x5f, 0x7d, 0xfa, 0x5d, 0x6e, 0x50, 0x78, 0x1b, 0x5e, 0xda, 0x4a,
	0xa1, 0x5b, 0x0c, 0x8b, 0xe7, 0x78, 0x25, 0x7d, 0x16, 0xaa, 0x30, 0x30, 0xe9, 0xe7, 0x84,
	0x1d, 0xd9, 0xe4, 0xc0, 0x34, 0x22, 0x67, 0xe8, 0xca, 0x0c, 0xaf, 0x57, 0x1f, 0xb2, 0xb7,
	0xcf, 0xf0, 0xf9, 0x34, 0xb0, 0x00, 0x2b, 0x00, 0x02, 0x03, 0x04,
};

const uint8_t retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
	0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
	0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

void put_number(struct buffer *buffer, uint32_t value, size_t width)
{
	assert_true(buffer->length + width <= sizeof(buffer->bytes));
	while (width--)
		buffer->bytes[buffer->length++] = (uint8_t)(value >> 8 * width);
}

void put_bytes(struct buffer *buffer, const void *bytes, size_t length)
{
	assert_true(buffer->length + length <= sizeof(buffer->bytes));
	if (length)
		memcpy(buffer->bytes + buffer->length, bytes, length);
	buffer->length += length;
}

void put_fill(struct buffer *buffer, uint8_t value, size_t length)
{
	assert_true(buffer->length + length <= sizeof(buffer->bytes));
	memset(buffer->bytes + buffer->length, value, length);
	buffer->length += length;
}

size_t vector_open(struct buffer *buffer, size_t width)
{
	put_number(buffer, 0, width);
	return buffer->length;
}

void vector_close(struct buffer *buffer, size_t at, size_t width)
{
	size_t end = buffer->length;

	buffer->length = at - width;
	put_number(buffer, end - at, width);
	buffer->length = end;
}

void put_codes(struct buffer *buffer, const uint16_t *codes, size_t count, size_t width)
{
	size_t i;

	put_number(buffer, count * 2, width);
	for (i = 0; i < count; i++)
		put_number(buffer, codes[i], 2);
}

size_t extension_open(struct buffer *buffer, uint16_t type)
{
	put_number(buffer, type, 2);
	return vector_open(buffer, 2);
}

static void record_header(struct buffer *buffer, uint8_t type, size_t length)
{
	put_number(buffer, type, 1);
	put_number(buffer, 0x0303, 2);
	put_number(buffer, length, 2);
}

void put_record(struct buffer *buffer, uint8_t type, const void *body, size_t length)
{
	record_header(buffer, type, length);
	put_bytes(buffer, body, length);
}

void put_sealed(struct buffer *buffer, uint8_t type, size_t length)
{
	record_header(buffer, type, length);
	put_fill(buffer, 0xa5, length);
}

void put_message(struct buffer *buffer, uint8_t type, const void *body, size_t length)
{
	put_number(buffer, type, 1);
	put_number(buffer, length, 3);
	put_bytes(buffer, body, length);
}

void put_alert(struct buffer *buffer, uint8_t level, uint8_t alert)
{
	put_record(buffer, RECORD_ALERT, (uint8_t[]){level, alert}, 2);
}

static void server_name_put(struct buffer *buffer)
{
	size_t extension = extension_open(buffer, TLS_EXTENSION_SERVER_NAME);
	size_t list = vector_open(buffer, 2);
	size_t name;

	put_number(buffer, 0, 1);
	name = vector_open(buffer, 2);
	put_bytes(buffer, "example.org", 11);
	vector_close(buffer, name, 2);
	vector_close(buffer, list, 2);
	vector_close(buffer, extension, 2);
}

static void key_share_put(struct buffer *buffer, bool is_client)
{
	size_t extension = extension_open(buffer, TLS_EXTENSION_KEY_SHARE);
	size_t list = is_client ? vector_open(buffer, 2) : 0;

	put_number(buffer, 0x001d, 2);
	put_number(buffer, 32, 2);
	put_fill(buffer, 0x11, 32);
	if (is_client)
		vector_close(buffer, list, 2);
	vector_close(buffer, extension, 2);
}

static void alpn_put(struct buffer *buffer, const void *names, size_t length)
{
	size_t extension = extension_open(buffer, TLS_EXTENSION_ALPN);
	size_t list = vector_open(buffer, 2);

	put_bytes(buffer, names, length);
	vector_close(buffer, list, 2);
	vector_close(buffer, extension, 2);
}

static void client_versions_put(struct buffer *buffer)
{
	size_t extension = extension_open(buffer, TLS_EXTENSION_SUPPORTED_VERSIONS);

	put_codes(buffer, (uint16_t[]){0x0304, 0x0303}, 2, 1);
	vector_close(buffer, extension, 2);
}

void put_client_hello(struct buffer *buffer, const struct hello_options *options)
{
	size_t message, extensions;

	put_number(buffer, TLS_CLIENT_HELLO, 1);
	message = vector_open(buffer, 3);
	put_number(buffer, 0x0303, 2);
	put_fill(buffer, options->random, 32);
	put_number(buffer, 0, 1);
	put_codes(buffer, (uint16_t[]){0x1301, 0xc02f}, 2, 2);
	put_number(buffer, 0x0100, 2);
	extensions = vector_open(buffer, 2);
	server_name_put(buffer);
	alpn_put(buffer, "\x02h2\x08http/1.1", 12);
	if (options->is_13) {
		client_versions_put(buffer);
		key_share_put(buffer, true);
	}
	if (options->alps)
		vector_close(buffer, extension_open(buffer, TLS_EXTENSION_ALPS), 2);
	if (options->early_data)
		vector_close(buffer, extension_open(buffer, TLS_EXTENSION_EARLY_DATA), 2);
	vector_close(buffer, extensions, 2);
	vector_close(buffer, message, 3);
}

static void server_extensions_put(struct buffer *buffer, const struct hello_options *options)
{
	size_t extensions = vector_open(buffer, 2), extension;

	if (options->is_13) {
		extension = extension_open(buffer, TLS_EXTENSION_SUPPORTED_VERSIONS);
		put_number(buffer, 0x0304, 2);
		vector_close(buffer, extension, 2);
	} else {
		alpn_put(buffer, "\x02h2", 3);
	}
	if (options->is_retry) {
		extension = extension_open(buffer, TLS_EXTENSION_KEY_SHARE);
		put_number(buffer, 0x0017, 2);
		vector_close(buffer, extension, 2);
	} else if (options->is_13) {
		key_share_put(buffer, false);
	}
	vector_close(buffer, extensions, 2);
}

void put_server_hello(struct buffer *buffer, const struct hello_options *options)
{
	size_t message;

	put_number(buffer, TLS_SERVER_HELLO, 1);
	message = vector_open(buffer, 3);
	put_number(buffer, 0x0303, 2);
	if (options->is_retry)
		put_bytes(buffer, retry_random, 32);
	else
		put_fill(buffer, options->random, 32);
	put_number(buffer, 0, 1);
	put_number(buffer, options->cipher, 2);
	put_number(buffer, 0, 1);
	server_extensions_put(buffer, options);
	vector_close(buffer, message, 3);
}

void put_hello_v2(struct buffer *buffer, const uint8_t *challenge, size_t length)
{
	size_t start = buffer->length;

	put_number(buffer, 0, 2);
	put_number(buffer, TLS_CLIENT_HELLO, 1);
	put_number(buffer, 0x0301, 2);
	put_number(buffer, 6, 2);
	put_number(buffer, 0, 2);
	put_number(buffer, length, 2);
	put_bytes(buffer, (uint8_t[]){0x00, 0x00, 0x2f, 0x01, 0x00, 0x80}, 6);
	put_bytes(buffer, challenge, length);
	length = buffer->length - start - 2;
	buffer->bytes[start] = (uint8_t)(0x80 | length >> 8);
	buffer->bytes[start + 1] = (uint8_t)length;
}

struct slice message_body(const void *message, size_t length)
{
	assert_true(length >= 4);
	return (struct slice){(const uint8_t *)message + 4, length - 4};
}

struct slice exact_copy(struct slice slice)
{
	uint8_t *bytes = malloc(slice.length ? slice.length : 1);

	assert_non_null(bytes);
	if (slice.length)
		memcpy(bytes, slice.bytes, slice.length);
	return (struct slice){bytes, slice.length};
}

static void address_fill(uint8_t address[16], uint8_t last)
{
	static const uint8_t net[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2};

	memcpy(address, net, sizeof(net));
	address[15] = last;
}

struct connection connection_new(uint16_t port)
{
	struct connection connection = {
		.key = {.netns = 1,
			.ifindex = 2,
			.local_port = port,
			.remote_port = 443,
			.protocol = 6},
		.flow_id = port,
		.client_hook = TLSTRACE_EGRESS,
		.interface = "eth0",
		.next = {9000U * port, 1000U * port},
		.time_ns = 1000 * MS,
	};

	address_fill(connection.key.local_address, 1);
	address_fill(connection.key.remote_address, 2);
	return connection;
}

struct connection connection_elsewhere(const struct connection *connection)
{
	struct connection other = *connection;
	struct tlstrace_flow_key *key = &other.key;

	key->netns++;
	key->ifindex += 10;
	memcpy(key->local_address, connection->key.remote_address, 16);
	memcpy(key->remote_address, connection->key.local_address, 16);
	key->local_port = connection->key.remote_port;
	key->remote_port = connection->key.local_port;
	other.client_hook = !connection->client_hook;
	other.flow_id += 100000;
	strcpy(other.interface, "fifteen-letters");
	other.begun = false;
	return other;
}

void packet_make(struct packet *packet, struct connection *connection, bool from_client,
		 uint32_t offset, const uint8_t *bytes, size_t length)
{
	struct tlstrace_packet_event *event = &packet->event;

	assert_true(length <= sizeof(packet->data));
	*event = (struct tlstrace_packet_event){
		.header = {TLSTRACE_EVENT_PACKET, sizeof(*event) + length, connection->time_ns},
		.key = connection->key,
		.flow_id = connection->flow_id,
		.sequence = connection->next[from_client] + offset,
		.acknowledgement = connection->next[!from_client],
		.sender = connection->senders[from_client],
		.receiver = from_client ? connection->receiver : 0,
		.length = length,
		.hook = from_client ? connection->client_hook : !connection->client_hook,
		.tcp_flags = TCP_ACK,
		.from_client = from_client,
		.slice_count = length > 0,
		.segments = 1,
		.data_length = length,
		.slices = {{0, length}},
	};
	memcpy(event->interface, connection->interface, sizeof(event->interface));
	if (!length)
		return;
	memcpy(packet->data, bytes, length);
	if (from_client && !connection->begun)
		event->flags = TLSTRACE_PACKET_HELLO;
	connection->begun |= from_client;
}

void datagram_make(struct packet *packet, struct connection *connection, bool from_client,
		   const uint8_t *bytes, size_t length)
{
	packet_make(packet, connection, from_client, 0, bytes, length);
	packet->event.key.protocol = 17;
	packet->event.sequence = packet->event.acknowledgement = 0;
	packet->event.tcp_flags = 0;
}

void packet_elide(struct packet *packet, uint32_t from, uint32_t to)
{
	struct tlstrace_packet_event *event = &packet->event;
	struct tlstrace_slice *last = &event->slices[event->slice_count - 1];
	uint32_t end = last->offset + last->length;
	uint32_t kept = event->data_length - (end - from);

	assert_true(from >= last->offset && from < to && to <= end);
	memmove(packet->data + kept, packet->data + kept + (to - from), end - to);
	event->data_length -= to - from;
	last->length = from - last->offset;
	if (last->length)
		last++;
	else
		event->slice_count--;
	if (to == end)
		return;
	assert_true(event->slice_count < TLSTRACE_SLICES_MAX);
	*last = (struct tlstrace_slice){to, end - to};
	event->slice_count++;
}
