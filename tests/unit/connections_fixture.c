// SPDX-License-Identifier: BSD-2-Clause
#include "connections_fixture.h"

#include <stdlib.h>

static void on_packet(void *context, const struct tlstrace_packet_event *event, const uint8_t *data)
{
	struct fixture *fixture = context;

	assert_true(fixture->count < EVENTS_MAX);
	assert_int_equal(event->slice_count, event->data_length > 0);
	fixture->events[fixture->count] = *event;
	fixture->first_bytes[fixture->count++] = event->data_length ? data[0] : 0;
}

static void on_opening(void *context, const struct tlstrace_flow_key *key, uint64_t flow_id,
		       const struct flow_opening *opening)
{
	struct fixture *fixture = context;

	/* Behind the hello that it belongs to. */
	assert_int_equal(flow_id, fixture->events[fixture->count - 1].flow_id);
	assert_int_equal(key->remote_port, fixture->events[fixture->count - 1].key.remote_port);
	fixture->opening = *opening;
	fixture->openings++;
}

int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const struct source_handler handler = {
		.packet = on_packet, .opening = on_opening, .context = fixture};

	assert_non_null(fixture);
	fixture->connections = connections_new(8, false, &handler);
	assert_non_null(fixture->connections);
	fixture->time_ns = 1000 * MS;
	fixture->port = 40000;
	fixture->next[0] = 5000;
	fixture->next[1] = 0xffffff00; /* about to wrap */
	fixture->direction = FRAME_DIRECTION_UNKNOWN;
	put_record(&fixture->hello, RECORD_HANDSHAKE, rfc8448_client_hello,
		   sizeof(rfc8448_client_hello));
	*state = fixture;
	return 0;
}

int teardown(void **state)
{
	struct fixture *fixture = *state;

	connections_free(fixture->connections);
	free(fixture);
	return 0;
}

struct frame frame_make(struct fixture *fixture, bool from_client)
{
	struct frame frame = {
		.source_port = from_client ? fixture->port : 443,
		.destination_port = from_client ? 443 : fixture->port,
		.protocol = FRAME_PROTOCOL_TCP,
		.tcp_flags = TLSTRACE_TCP_ACK,
		.sequence = fixture->next[from_client],
		.acknowledgement = fixture->next[!from_client],
		.encapsulation = fixture->encapsulation,
		.identification = ++fixture->identification,
		.direction = from_client ? fixture->direction : FRAME_DIRECTION_UNKNOWN,
	};

	frame.source[15] = from_client ? 1 : 2;
	frame.destination[15] = from_client ? 2 : 1;
	return frame;
}

void add(struct fixture *fixture, struct frame *frame, const uint8_t *bytes, size_t length)
{
	struct slice copy = exact_copy((struct slice){bytes, length});

	frame->payload = copy;
	if (!frame->length)
		frame->length = length;
	if (frame->length)
		frame->tcp_flags |= TLSTRACE_TCP_PSH;
	connections_add(fixture->connections, frame, fixture->time_ns);
	free((void *)copy.bytes);
}

/* A segment at this distance from the side's position, which does not move. */
void send_at(struct fixture *fixture, bool from_client, uint32_t offset, const uint8_t *bytes,
	     size_t length)
{
	struct frame frame = frame_make(fixture, from_client);

	frame.sequence += offset;
	add(fixture, &frame, bytes, length);
}

void send_next(struct fixture *fixture, bool from_client, const uint8_t *bytes, size_t length)
{
	send_at(fixture, from_client, 0, bytes, length);
	fixture->next[from_client] += length;
}

void send_flags(struct fixture *fixture, bool from_client, uint8_t flags)
{
	struct frame frame = frame_make(fixture, from_client);

	frame.tcp_flags = flags;
	add(fixture, &frame, NULL, 0);
}

void connect_ends(struct fixture *fixture)
{
	send_flags(fixture, true, TLSTRACE_TCP_SYN);
	send_flags(fixture, false, TLSTRACE_TCP_SYN | TLSTRACE_TCP_ACK);
	send_flags(fixture, true, TLSTRACE_TCP_ACK);
	assert_int_equal(fixture->count, 0);
}

void assert_hello(const struct fixture *fixture, size_t index)
{
	const struct tlstrace_packet_event *event = &fixture->events[index];

	assert_true(index < fixture->count);
	assert_int_equal(event->flags, TLSTRACE_PACKET_HELLO);
	assert_true(event->from_client);
	assert_int_equal(event->key.protocol, 6);
	/* Where nothing is known of the direction, the server is the local end. */
	assert_int_equal(event->key.remote_port, fixture->port);
	assert_int_equal(event->key.local_port, 443);
	assert_int_equal(event->key.remote_address[15], 1);
	assert_int_equal(fixture->first_bytes[index], 22);
}

void forget_unless(struct fixture *fixture, size_t index, bool may_renegotiate)
{
	connections_forget(fixture->connections, &fixture->events[index].key,
			   fixture->events[index].flow_id, may_renegotiate);
}

void forget(struct fixture *fixture, size_t index)
{
	forget_unless(fixture, index, false);
}

void datagram(struct fixture *fixture, bool from_client, const struct buffer *buffer)
{
	struct frame frame = frame_make(fixture, from_client);

	frame.protocol = FRAME_PROTOCOL_UDP;
	frame.sequence = frame.acknowledgement = frame.tcp_flags = 0;
	add(fixture, &frame, buffer->bytes, buffer->length);
}

/* A connection that begins in the capture: SYN, answer, ACK, 1 ms apart. */
void begin_ends(struct fixture *fixture)
{
	send_flags(fixture, true, TLSTRACE_TCP_SYN);
	fixture->time_ns += MS;
	send_flags(fixture, false, TLSTRACE_TCP_SYN | TLSTRACE_TCP_ACK);
	fixture->time_ns += MS;
	send_flags(fixture, true, TLSTRACE_TCP_ACK);
	fixture->time_ns += MS;
}
