// SPDX-License-Identifier: BSD-2-Clause
#include "source/connections.h"

#include <stdlib.h>
#include <string.h>

#include "source/segments.h"
#include "tls/beginning.h"

/* Kept of each connection for what comes before the hello that it answers. */
#define EARLY_BYTES_MAX (32 * 1024)

struct connections *connections_new(size_t capacity, bool patient,
				    const struct source_handler *handler)
{
	struct connections *connections = calloc(1, sizeof(*connections));

	if (!connections)
		return NULL;
	connections->handler = *handler;
	connections->patient = patient;
	connections->table =
		connection_table_new(capacity < 1 << SLOT_BITS ? capacity : 1 << SLOT_BITS);
	if (connections->table)
		return connections;
	free(connections);
	return NULL;
}

void connections_free(struct connections *connections)
{
	if (!connections)
		return;
	connection_table_free(connections->table);
	free(connections);
}

struct connections_counts connections_counts(const struct connections *connections)
{
	return connections->counts;
}

void connection_end(struct connections *connections, struct connection *connection)
{
	if (connection->tracked && connection->held)
		segments_settle(connections, connection);
	connection_release(connections->table, connection);
}

struct connection *connection_begin(struct connections *connections,
				    const struct connection_key *key, unsigned int side)
{
	struct connection *connection = connection_take(connections->table, key, side), *oldest;

	if (connection)
		return connection;
	oldest = connection_oldest(connections->table);
	connections->counts.table_full += oldest->tracked;
	connection_end(connections, oldest);
	return connection_take(connections->table, key, side);
}

/* What the server may send next is what the client has acknowledged; unknown in a SYN. */
static void sides_begin(struct connection *connection, unsigned int side, const struct frame *first)
{
	struct connection_side *client = &connection->sides[side],
			       *server = &connection->sides[!side];

	side_synchronise(client, first->sequence);
	client->base = first->sequence;
	client->has_base = true;
	server->has_base = first->tcp_flags & TLSTRACE_TCP_ACK;
	if (!server->has_base)
		return;
	side_synchronise(server, first->acknowledgement);
	server->base = first->acknowledgement;
}

/* Of what was kept before the hello was known: only what belongs to it or answers it. */
static void held_prune(struct connections *connections, struct connection *connection,
		       unsigned int side, const struct frame *first)
{
	struct held_segment **link = &connection->held;

	while (*link) {
		const struct frame *frame = &(*link)->frame;
		bool before = (*link)->side == side
				      ? sequence_diff(frame->sequence, first->sequence) <= 0
				      : first->tcp_flags & TLSTRACE_TCP_ACK &&
						sequence_diff(frame->sequence + frame->length,
							      first->acknowledgement) <= 0 &&
						!(frame->tcp_flags & TLSTRACE_TCP_FIN);

		if (before)
			connection_unhold(connections->table, connection, link);
		else
			link = &(*link)->next;
	}
}

/* The flow begins with this segment; then those follow that came before it, or too small to be
 * known for it. */
static void hello_found(struct connections *connections, struct connection *connection,
			unsigned int side, const struct frame *first, uint64_t time_ns,
			uint8_t flag)
{
	struct frame frame = *first;

	connection->sides[side].may_start = false;
	held_prune(connections, connection, side, &frame);
	flow_begin(connections, connection, side, frame.direction);
	sides_begin(connection, side, &frame);
	segment_send(connections, connection, side, &frame, time_ns, flag);
	if (connection->tracked)
		opening_send(connections, connection, &frame);
	segments_release(connections, connection);
	if (!connection->tracked || !connection->held)
		return;
	connection->due_ns = connections->patient ? UINT64_MAX / 2 : time_ns;
	connection_suspect(connections->table, connection);
}

static struct held_segment *held_at(const struct connection *connection, unsigned int side,
				    uint32_t sequence)
{
	struct held_segment *held;

	for (held = connection->held; held; held = held->next) {
		uint32_t into = sequence - held->frame.sequence;

		if (held->side == side && into < held->frame.payload.length)
			return held;
	}
	return NULL;
}

/* The first bytes of what may be a hello, put together from held segments. */
static size_t prefix_gather(const struct connection *connection, unsigned int side,
			    uint8_t prefix[BEGINNING_PREFIX])
{
	uint32_t start = connection->sides[side].start;
	const struct held_segment *held;
	size_t length = 0;

	while (length < BEGINNING_PREFIX && (held = held_at(connection, side, start + length))) {
		uint32_t into = start + length - held->frame.sequence;
		size_t part = held->frame.payload.length - into;

		if (part > BEGINNING_PREFIX - length)
			part = BEGINNING_PREFIX - length;
		memcpy(prefix + length, held->bytes + into, part);
		length += part;
	}
	return length;
}

static void prefix_look(struct connections *connections, struct connection *connection,
			unsigned int side)
{
	struct connection_side *sender = &connection->sides[side];
	uint8_t prefix[BEGINNING_PREFIX];
	size_t length = prefix_gather(connection, side, prefix), before;
	enum beginning beginning = beginning_tcp((struct slice){prefix, length}, &before);
	struct held_segment *first;
	struct frame frame;

	if (beginning == BEGINS_MAYBE && length < BEGINNING_PREFIX)
		return;
	sender->may_start = false;
	if (beginning != BEGINS_HELLO)
		return;
	first = connection_take_held(connections->table, connection,
				     held_at(connection, side, sender->start + before));
	if (!first)
		return;
	frame = frame_after(&first->frame, sender->start + before - first->frame.sequence);
	hello_found(connections, connection, side, &frame, first->time_ns, TLSTRACE_PACKET_HELLO);
	free(first);
}

/* It answers what is not there yet: with one direction late, the hello. */
static bool is_early_answer(const struct connection *connection, unsigned int side,
			    const struct frame *frame)
{
	const struct connection_side *other = &connection->sides[!side];

	return frame->tcp_flags & TLSTRACE_TCP_ACK && other->known && !other->seen_data &&
	       sequence_diff(frame->acknowledgement, other->next) > 1 &&
	       connection->held_bytes < EARLY_BYTES_MAX &&
	       (connection->held || beginning_is_record(frame->payload));
}

/* A segment of a connection on which no handshake is under way: does one begin? */
static void segment_seek(struct connections *connections, struct connection *connection,
			 unsigned int side, const struct frame *frame, uint64_t time_ns)
{
	struct connection_side *sender = &connection->sides[side];
	enum beginning beginning = BEGINS_NOTHING;
	size_t before = 0;

	if (is_early_answer(connection, side, frame) &&
	    connection_hold(connections->table, connection, side, frame, time_ns))
		return;
	if (!frame->length || side_is_repetition(sender, frame))
		return;
	if (frame->payload.length)
		beginning = beginning_tcp(frame->payload, &before);
	if (beginning == BEGINS_HELLO) {
		struct frame hello = frame_after(frame, before);

		hello_found(connections, connection, side, &hello, time_ns, TLSTRACE_PACKET_HELLO);
		return;
	}
	if (connection->may_renegotiate && side == connection->client &&
	    beginning_is_encrypted(frame->payload)) {
		hello_found(connections, connection, side, frame, time_ns, TLSTRACE_PACKET_AGAIN);
		return;
	}
	if (beginning == BEGINS_MAYBE && !sender->may_start) {
		sender->may_start = true;
		sender->start = frame->sequence;
	}
	if ((sender->may_start ||
	     (sender->known && sequence_diff(frame->sequence, sender->next) > 0)) &&
	    !connection_hold(connections->table, connection, side, frame, time_ns)) {
		/* Too much for a hello: what was before it no longer matters. */
		sender->may_start = sender->known = false;
	}
	side_advance(sender, frame->sequence, frame->length);
	sender->seen_data = true;
	if (sender->may_start)
		prefix_look(connections, connection, side);
	if (!connection->tracked && !sender->may_start && sender->next == sender->highest)
		connection_drop(connections->table, connection, side);
}

/*
 * A receiver throws away what has a wrong checksum; whether checksums mean anything in this capture
 * shows in others. Only what may be of a handshake is worth the look.
 */
static bool is_doubtful(const struct connection *connection, struct connection_side *sender,
			const struct frame *frame)
{
	enum frame_checksum checksum;

	if (!connection->tracked && sender->seen_data && !beginning_is_record(frame->payload))
		return false;
	checksum = frame_checksum(frame);
	sender->checksummed |= checksum == FRAME_CHECKSUM_RIGHT;
	return checksum == FRAME_CHECKSUM_WRONG && sender->checksummed;
}

static void segment_route(struct connections *connections, struct connection *connection,
			  unsigned int side, const struct frame *frame, uint64_t time_ns)
{
	if (connection->tracked) {
		segment_take(connections, connection, side, frame, time_ns);
		return;
	}
	segment_seek(connections, connection, side, frame, time_ns);
	connection->reset |= !!(frame->tcp_flags & TLSTRACE_TCP_RST);
	connection->sides[side].finished |= !!(frame->tcp_flags & TLSTRACE_TCP_FIN);
	if (!connection->tracked && connection_is_over(connection))
		connection_retire(connections->table, connection);
}

/* What had a wrong checksum is acknowledged: it was the capture that changed it, unless the same
 * bytes came again. */
static void doubts_resolve(struct connections *connections, struct connection *connection,
			   unsigned int side, uint32_t acknowledgement)
{
	struct connection_side *sender = &connection->sides[side];
	struct held_segment *held, *next;

	for (held = connection->held; held; held = next) {
		const struct frame *frame = &held->frame;

		next = held->next;
		if (held->side != side || !frame->doubtful ||
		    sequence_diff(acknowledgement, frame->sequence + frame->length) < 0)
			continue;
		held = connection_take_held(connections->table, connection, held);
		held->frame.doubtful = false;
		if (!side_has(sender, frame))
			segment_route(connections, connection, side, frame, held->time_ns);
		free(held);
		next = connection->held;
	}
}

static void segment_add(struct connections *connections, const struct frame *captured,
			uint64_t time_ns)
{
	struct frame frame = *captured, zeros;
	unsigned int side;
	struct connection *connection = opening_connection(connections, &frame, &side, time_ns);

	if (!connection || opening_is_successor(connection, &frame))
		return;
	if (side_is_duplicate(&connection->sides[side], &frame,
			      connection_table_seed(connections->table), time_ns))
		return;
	frame.doubtful = is_doubtful(connection, &connection->sides[side], &frame);
	if (frame.doubtful && segment_hold(connections, connection, side, &frame, time_ns))
		return;
	frame.doubtful = false;
	if (frame.tcp_flags & TLSTRACE_TCP_ACK)
		doubts_resolve(connections, connection, !side, frame.acknowledgement);
	connection->last_ns = time_ns;
	opening_note(connection, side, &frame, time_ns);
	connection->sides[side].seen = true;
	if (side_doubt(&connection->sides[side], &frame, &zeros))
		segment_route(connections, connection, side, &zeros, time_ns);
	segment_route(connections, connection, side, &frame, time_ns);
}

void connections_add(struct connections *connections, const struct frame *frame, uint64_t time_ns)
{
	connections->busy = true;
	if (frame->protocol == FRAME_PROTOCOL_TCP)
		segment_add(connections, frame, time_ns);
	else
		datagram_add(connections, frame, time_ns);
	connections->busy = false;
}

void connections_tick(struct connections *connections, uint64_t now_ns)
{
	struct connection *connection, *next;

	connections->busy = true;
	for (connection = connection_first_suspect(connections->table); connection;
	     connection = next) {
		next = connection->suspect_newer;
		if (!connection->tracked)
			connection_trust(connections->table, connection);
		else if (now_ns >= connection->due_ns)
			segments_settle(connections, connection);
	}
	connections->busy = false;
}

void connections_forget(struct connections *connections, const struct tlstrace_flow_key *key,
			uint64_t flow_id, bool may_renegotiate)
{
	struct connection *connection =
		connection_at(connections->table, flow_id & ((1 << SLOT_BITS) - 1));

	(void)key; /* the id says it all */
	if (!connection || !connection->tracked || connection->flow_id != flow_id)
		return;
	connection->tracked = false;
	connection->may_renegotiate = may_renegotiate;
	connection_drop(connections->table, connection, 0);
	connection_drop(connections->table, connection, 1);
	/* In the middle of a packet, or of the walk over the suspects, it must stay where it is. */
	if (!connections->busy && connection_is_over(connection))
		connection_retire(connections->table, connection);
}
