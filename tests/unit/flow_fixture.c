/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow_fixture.h"

#include <stdlib.h>

#include "tls/hello.h"

static void on_message(void *context, struct flow *flow, const struct flow_message *message)
{
	struct fixture *fixture = context;

	(void)flow;
	assert_true(fixture->count < MESSAGES_MAX);
	fixture->messages[fixture->count] = *message;
	fixture->messages[fixture->count++].body.bytes = NULL;
	fixture->last.length = 0;
	if (message->body.length <= sizeof(fixture->last.bytes))
		put_bytes(&fixture->last, message->body.bytes, message->body.length);
}

static void on_segment(void *context, struct flow *flow, const struct tlstrace_packet_event *event)
{
	struct fixture *fixture = context;

	(void)event;
	fixture->flow = flow;
	fixture->segments++;
}

int flow_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	fixture->handler = (struct flow_handler){on_message, on_segment, NULL, fixture};
	fixture->table = flow_table_new(4, &fixture->handler);
	fixture->connection = connection_new(40000);
	*state = fixture;
	return fixture->table ? 0 : -1;
}

int flow_teardown(void **state)
{
	struct fixture *fixture = *state;

	flow_table_free(fixture->table);
	free(fixture);
	return 0;
}

int flow_feed(struct fixture *fixture, const struct packet *packet)
{
	/* Exactly as long as it claims, for the sanitizer. */
	struct slice data = exact_copy((struct slice){packet->data, packet->event.data_length});
	int error =
		flow_table_add(fixture->table, &(struct flow_segment){&packet->event, data.bytes});

	free((void *)data.bytes);
	return error;
}

void send_part(struct fixture *fixture, bool from_client, const struct buffer *bytes, size_t from,
	       size_t to)
{
	struct packet packet;

	packet_make(&packet, &fixture->connection, from_client, from, bytes->bytes + from,
		    to - from);
	assert_int_equal(flow_feed(fixture, &packet), 0);
	fixture->connection.time_ns += MS;
}

void send_sized(struct fixture *fixture, bool from_client, const struct buffer *bytes, size_t size)
{
	size_t at;

	for (at = 0; at < bytes->length; at += size)
		send_part(fixture, from_client, bytes, at,
			  at + size < bytes->length ? at + size : bytes->length);
	fixture->connection.next[from_client] += bytes->length;
}

void send_all(struct fixture *fixture, bool from_client, const struct buffer *bytes)
{
	send_sized(fixture, from_client, bytes, bytes->length);
}

void assert_kinds(const struct fixture *fixture, const enum flow_message_kind *kinds, size_t count)
{
	size_t i;

	assert_int_equal(fixture->count, count);
	for (i = 0; i < count; i++)
		assert_int_equal(fixture->messages[i].kind, kinds[i]);
}

void assert_rfc8448_hello(const struct fixture *fixture)
{
	const struct flow_message *message;

	assert_true(fixture->count > 0);
	message = &fixture->messages[fixture->count - 1];
	assert_int_equal(message->kind, FLOW_HANDSHAKE);
	assert_true(message->from_client);
	assert_int_equal(message->type, TLS_CLIENT_HELLO);
	assert_int_equal(message->record_type, RECORD_HANDSHAKE);
	assert_int_equal(message->size, sizeof(rfc8448_client_hello));
	assert_int_equal(fixture->last.length, sizeof(rfc8448_client_hello) - 4);
	assert_memory_equal(fixture->last.bytes, rfc8448_client_hello + 4, fixture->last.length);
}

void put_rfc8448_hello(struct buffer *buffer)
{
	put_record(buffer, RECORD_HANDSHAKE, rfc8448_client_hello, sizeof(rfc8448_client_hello));
}

void put_rfc8448_hello_split(struct buffer *buffer, size_t size)
{
	size_t at, left = sizeof(rfc8448_client_hello);

	for (at = 0; left; at += size, left -= size) {
		if (size > left)
			size = left;
		put_record(buffer, RECORD_HANDSHAKE, rfc8448_client_hello + at, size);
	}
}

void send_hello(struct fixture *fixture)
{
	struct buffer buffer = {0};

	put_rfc8448_hello(&buffer);
	send_all(fixture, true, &buffer);
}
