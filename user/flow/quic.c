// SPDX-License-Identifier: BSD-2-Clause
/* TLS in QUIC: handshake messages in the CRYPTO frames of Initial packets, in any order. */
#include "tls/quic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow/datagrams.h"
#include "flow/messages.h"
#include "flow/transport.h"
#include "hash.h"
#include "tls/hello.h"

/* RFC 9000 sections 7.2 and 14.1: of the client's first datagram. */
#define FIRST_CONNECTION_ID_MIN 8
#define FIRST_DATAGRAM_MIN	1200

struct quic_side {
	struct quic_keys keys;
	uint32_t version; /* the keys are for; 0: none yet */
	uint64_t next_number;
	bool heard;	  /* an Initial of it was read */
	uint64_t sent;	  /* the end of the CRYPTO bytes that it sent with these keys */
	uint32_t packets; /* whose CRYPTO bytes were not handed on yet */
};

struct quic_state {
	struct quic_crypto *crypto; /* of the table */
	/*
	 * The client's first Destination Connection ID, or the one a Retry gave it: the keys rest
	 * on it.
	 */
	uint8_t connection_id[QUIC_CONNECTION_ID_MAX];
	size_t connection_id_length;
	bool negotiated; /* Version Negotiation: the client begins anew */
	bool unreadable; /* the client's first packet is of a version that is not decoded */
	struct quic_side sides[2];
};

/* What is being read, and its handler. */
struct quic_reader {
	const struct flow_handler *handler;
	struct flow *flow;
	bool from_client;
	bool counted; /* the packet brought new CRYPTO bytes, */
	bool resent;  /* or some that had come before */
	uint64_t time_ns;
};

static void reader_emit(const struct quic_reader *reader, struct flow_message *message)
{
	message->from_client = reader->from_client;
	message->time_ns = reader->time_ns;
	message->records = 1;
	message_emit(reader->handler, reader->flow, message);
}

static const struct quic_keys *side_keys(struct quic_state *state, uint32_t version,
					 bool from_client)
{
	struct quic_side *side = &state->sides[from_client];
	struct slice connection_id = {state->connection_id, state->connection_id_length};

	/* The server may answer in another version than it was asked in (RFC 9369 section 4.1). */
	if (side->version != version &&
	    quic_keys_derive(state->crypto, version, connection_id, from_client, &side->keys)) {
		side->version = 0;
		return NULL;
	}
	side->version = version;
	return &side->keys;
}

static void connection_id_set(struct quic_state *state, struct slice connection_id)
{
	memcpy(state->connection_id, connection_id.bytes, connection_id.length);
	state->connection_id_length = connection_id.length;
	state->sides[0].version = state->sides[1].version = 0;
	/* What the client sends again after a Retry was not lost. */
	state->sides[0].sent = state->sides[1].sent = 0;
}

/* After Version Negotiation the client's ClientHello is another one. */
static void client_restart(struct quic_state *state, struct flow_direction *direction)
{
	stream_free(&direction->stream);
	direction->position = direction->message_length = 0;
	state->sides[1].packets = 0;
	state->negotiated = false;
}

/*
 * After a Retry, or Version Negotiation, the client's packets have another Destination Connection
 * ID (RFC 9001 section 5.2). Trusted is not the Retry, which anybody can forge, but what can be
 * opened with it.
 */
static bool initial_reopen(struct flow *flow, const struct quic_packet *packet, uint64_t *number,
			   struct slice *payload)
{
	struct quic_state *state = flow->state;
	struct quic_keys keys;

	if (state->sides[0].heard ||
	    quic_keys_derive(state->crypto, packet->version, packet->destination, true, &keys) ||
	    !quic_initial_open(state->crypto, &keys, packet, state->sides[1].next_number, number,
			       payload))
		return false;
	connection_id_set(state, packet->destination);
	if (state->negotiated)
		client_restart(state, &flow->directions[1]);
	flow->quic_version = packet->version;
	return true;
}

static bool initial_open(const struct quic_reader *reader, const struct quic_packet *packet,
			 struct slice *payload)
{
	struct quic_state *state = reader->flow->state;
	struct quic_side *side = &state->sides[reader->from_client];
	const struct quic_keys *keys = side_keys(state, packet->version, reader->from_client);
	uint64_t number;

	if ((!keys || !quic_initial_open(state->crypto, keys, packet, side->next_number, &number,
					 payload)) &&
	    (!reader->from_client || !initial_reopen(reader->flow, packet, &number, payload)))
		return false;
	if (number >= side->next_number)
		side->next_number = number + 1;
	side->heard = true;
	if (!reader->from_client)
		reader->flow->quic_version = packet->version;
	return true;
}

/* Hand on the next bytes in order. */
static void crypto_deliver(const struct quic_reader *reader, struct slice bytes, uint64_t time_ns)
{
	struct quic_state *state = reader->flow->state;
	struct quic_side *side = &state->sides[reader->from_client];
	struct flow_direction *direction = &reader->flow->directions[reader->from_client];

	direction->position += bytes.length;
	if (messages_add(reader->handler, reader->flow, reader->from_client,
			 RECORD_KIND_QUIC_INITIAL, side->packets, bytes, time_ns))
		direction->stopped = reader->flow->gap = true;
	side->packets = 0;
}

static void crypto_drain(const struct quic_reader *reader)
{
	struct flow_direction *direction = &reader->flow->directions[reader->from_client];
	struct slice bytes;
	uint64_t time_ns;

	while (!direction->stopped &&
	       stream_run(&direction->stream, direction->position, &bytes, &time_ns)) {
		crypto_deliver(reader, bytes, time_ns);
		stream_discard(&direction->stream, direction->position);
	}
}

static void crypto_add(struct quic_reader *reader, const struct quic_frame *frame)
{
	struct quic_state *state = reader->flow->state;
	struct flow_direction *direction = &reader->flow->directions[reader->from_client];
	struct quic_side *side = &state->sides[reader->from_client];
	struct slice bytes = frame->data, seen;

	reader->resent |= bytes.length && frame->offset + bytes.length <= side->sent;
	if (frame->offset + bytes.length > side->sent)
		side->sent = frame->offset + bytes.length;
	if (direction->stopped || frame->offset + bytes.length <= direction->position)
		return;
	if (frame->offset + bytes.length > FLOW_MESSAGE_MAX) {
		direction->stopped = reader->flow->gap = true;
		return;
	}
	state->sides[reader->from_client].packets += !reader->counted;
	reader->counted = true;
	if (frame->offset > direction->position || direction->stream.count) {
		if (stream_add(&direction->stream, frame->offset, bytes.bytes, bytes.length,
			       reader->time_ns))
			direction->stopped = reader->flow->gap = true;
		return;
	}
	if (slice_bytes(&bytes, direction->position - frame->offset, &seen))
		crypto_deliver(reader, bytes, reader->time_ns);
}

static void initial_read(struct quic_reader *reader, const struct quic_packet *packet)
{
	struct flow_direction *direction = &reader->flow->directions[reader->from_client];
	struct quic_frame frame;
	struct slice payload;

	if (packet->bytes.length < packet->size) {
		/*
		 * Only its beginning was copied. After the hello there is hardly more than
		 * acknowledgements.
		 */
		if (!direction->position || direction->message_length || direction->stream.count)
			reader->flow->gap = true;
		return;
	}
	if (!initial_open(reader, packet, &payload))
		return;
	reader->counted = reader->resent = false;
	while (quic_frame_next(&payload, &frame)) {
		if (frame.type == QUIC_FRAME_CRYPTO)
			crypto_add(reader, &frame);
		if (frame.type != QUIC_FRAME_CONNECTION_CLOSE)
			continue;
		crypto_drain(reader);
		reader_emit(reader, &(struct flow_message){.kind = FLOW_QUIC_CLOSE,
							   .record_type = RECORD_KIND_QUIC_INITIAL,
							   .size = packet->size,
							   .error = frame.error,
							   .body = frame.data});
	}
	crypto_drain(reader);
	direction->resent += reader->resent && !reader->counted;
}

static void versions_read(const struct quic_reader *reader, const struct quic_packet *packet)
{
	struct quic_state *state = reader->flow->state;

	/* Only the first answer can be one (RFC 9000 section 6.2). */
	if (reader->from_client || state->sides[0].heard)
		return;
	state->negotiated = true;
	reader_emit(reader,
		    &(struct flow_message){.kind = FLOW_QUIC_VERSION_NEGOTIATION,
					   .record_type = RECORD_KIND_QUIC_VERSION_NEGOTIATION,
					   .size = packet->size,
					   .body = packet->versions});
}

/* Of a version that is not decoded: that there is a ClientHello, and nothing of it. */
static void unknown_read(const struct quic_reader *reader, const struct quic_packet *packet)
{
	struct quic_state *state = reader->flow->state;

	if (!reader->from_client || state->unreadable)
		return;
	state->unreadable = true;
	reader_emit(reader, &(struct flow_message){.kind = FLOW_HANDSHAKE,
						   .type = TLS_CLIENT_HELLO,
						   .record_type = RECORD_KIND_QUIC_INITIAL,
						   .size = packet->size,
						   .truncated = true});
}

static void packet_read(struct quic_reader *reader, const struct quic_packet *packet)
{
	static const uint8_t records[] = {
		[QUIC_0RTT] = RECORD_KIND_QUIC_0RTT,
		[QUIC_HANDSHAKE] = RECORD_KIND_QUIC_HANDSHAKE,
		[QUIC_1RTT] = RECORD_KIND_QUIC_1RTT,
	};

	switch (packet->type) {
	case QUIC_INITIAL:
		initial_read(reader, packet);
		break;
	case QUIC_0RTT:
	case QUIC_HANDSHAKE:
	case QUIC_1RTT:
		reader_emit(reader, &(struct flow_message){.kind = FLOW_ENCRYPTED,
							   .record_type = records[packet->type],
							   .size = packet->size});
		break;
	case QUIC_RETRY:
		if (!reader->from_client)
			reader_emit(reader,
				    &(struct flow_message){.kind = FLOW_QUIC_RETRY,
							   .record_type = RECORD_KIND_QUIC_RETRY,
							   .size = packet->size});
		break;
	case QUIC_VERSION_NEGOTIATION:
		versions_read(reader, packet);
		break;
	case QUIC_UNKNOWN:
		unknown_read(reader, packet);
		break;
	}
}

static void quic_add(struct flow *flow, const struct flow_segment *segment,
		     const struct flow_handler *handler)
{
	struct quic_reader reader = {.handler = handler,
				     .flow = flow,
				     .from_client = segment->event->from_client,
				     .time_ns = segment->event->header.time_ns};
	struct datagram datagram = {0, 0};
	struct quic_packet packet;
	uint32_t at;

	while (datagram_next(segment, &datagram))
		for (at = datagram.start; at < datagram.end; at += packet.size) {
			if (!quic_packet_read(datagram_bytes(segment, &datagram, at),
					      datagram.end - at, &packet))
				break;
			packet_read(&reader, &packet);
		}
}

/* The first Initial of a datagram, or what may be one of another version; 0-RTT may come first. */
static bool initial_find(const struct flow_segment *segment, struct quic_packet *packet)
{
	struct datagram datagram = {0, 0};
	uint32_t at;

	if (!datagram_next(segment, &datagram))
		return false;
	for (at = datagram.start; at < datagram.end; at += packet->size) {
		if (!quic_packet_read(datagram_bytes(segment, &datagram, at), datagram.end - at,
				      packet))
			return false;
		if (packet->type == QUIC_INITIAL || packet->type == QUIC_UNKNOWN)
			return true;
	}
	return false;
}

/* Of a packet that was not copied whole only the header can be judged. */
static bool is_first_initial(struct quic_state *state, const struct quic_packet *packet,
			     uint32_t datagram_length)
{
	const struct quic_keys *keys = side_keys(state, packet->version, true);
	struct slice payload;
	uint64_t number;

	if (packet->bytes.length < packet->size)
		return packet->destination.length >= FIRST_CONNECTION_ID_MIN &&
		       datagram_length >= FIRST_DATAGRAM_MIN;
	return keys && quic_initial_open(state->crypto, keys, packet, 0, &number, &payload);
}

static int quic_begin(struct flow *flow, const struct flow_segment *segment,
		      struct flow_shared *shared)
{
	struct quic_packet packet;
	struct quic_state *state;

	if (!segment->event->from_client || !initial_find(segment, &packet))
		return -EPROTO;
	if (!shared->quic)
		shared->quic = quic_crypto_new();
	state = calloc(1, sizeof(*state));
	if (!shared->quic || !state) {
		free(state);
		return -ENOMEM;
	}
	flow->state = state;
	state->crypto = shared->quic;
	connection_id_set(state, packet.destination);
	if (packet.type == QUIC_INITIAL &&
	    !is_first_initial(state, &packet, segment->event->length))
		return -EPROTO;
	flow->quic_version = packet.version;
	flow->start = slice_hash(packet.destination, shared->seed);
	return 0;
}

static void quic_end(struct flow *flow)
{
	free(flow->state);
}

static void quic_part(struct flow *flow, const struct flow_handler *handler)
{
	message_truncate(handler, flow, true, RECORD_KIND_QUIC_INITIAL, true);
}

const struct flow_transport flow_quic = {
	.kind = TRANSPORT_QUIC,
	.begin = quic_begin,
	.add = quic_add,
	.part = quic_part,
	.end = quic_end,
};
