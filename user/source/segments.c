// SPDX-License-Identifier: BSD-2-Clause
#include "source/segments.h"

#include <stdlib.h>
#include <string.h>

#define MS 1000000ULL
/* Several queues of a network card, or several processors, put a capture out of order by less than
 * this. */
#define REORDER_NS (20 * MS)
/* Unacknowledged bytes before a FIN may still be sent again: RFC 6298's first timeouts.
 */
#define RETRANSMIT_NS (3000 * MS)
/* A sequence number this far back is not a repetition but another connection with the same ports.
 */
#define OLD_BYTES_MAX (1 << 20)

static const uint8_t ends = TLSTRACE_TCP_FIN | TLSTRACE_TCP_RST;

static void event_address(struct tlstrace_packet_event *event, const struct connection *connection)
{
	unsigned int local = connection->local_is_client ? connection->client : !connection->client;
	const struct connection_key *key = &connection->links[0].key;

	event->key = (struct tlstrace_flow_key){
		.ifindex = key->ifindex,
		.local_port = key->ports[local],
		.remote_port = key->ports[!local],
		.protocol = key->protocol,
	};
	memcpy(event->key.local_address, key->addresses[local], 16);
	memcpy(event->key.remote_address, key->addresses[!local], 16);
}

static uint8_t hook_of(enum frame_direction direction)
{
	static const uint8_t hooks[] = {
		[FRAME_INCOMING] = TLSTRACE_INGRESS,
		[FRAME_OUTGOING] = TLSTRACE_EGRESS,
		[FRAME_DIRECTION_UNKNOWN] = TLSTRACE_HOOK_UNKNOWN,
	};

	return hooks[direction];
}

static struct tlstrace_packet_event *event_begin(struct connections *connections,
						 const struct connection *connection,
						 unsigned int side, uint64_t time_ns)
{
	struct tlstrace_packet_event *event = &connections->event;

	memset(event, 0, offsetof(struct tlstrace_packet_event, slices));
	event->header.type = TLSTRACE_EVENT_PACKET;
	event->header.size = sizeof(*event);
	event->header.time_ns = time_ns;
	event_address(event, connection);
	event->flow_id = connection->flow_id;
	event->hook = TLSTRACE_HOOK_UNKNOWN;
	event->from_client = side == connection->client;
	event->segments = 1;
	return event;
}

/* Once a flow. */
static void lost_count(struct connections *connections, struct connection *connection)
{
	connections->counts.lost += !connection->told_lost;
	connection->told_lost = true;
}

struct tlstrace_packet_event *event_fill(struct connections *connections,
					 struct connection *connection, unsigned int side,
					 const struct frame *frame, uint64_t time_ns, uint8_t flags)
{
	struct tlstrace_packet_event *event = event_begin(connections, connection, side, time_ns);

	event->sequence = frame->sequence;
	event->acknowledgement = frame->acknowledgement;
	event->hook = hook_of(frame->direction);
	event->tcp_flags = frame->tcp_flags;
	event->flags = flags;
	event->sack_count = frame->sack_count;
	memcpy(event->sacks, frame->sacks, sizeof(event->sacks));
	event->length = frame->length;
	event->data_length = frame->payload.length;
	event->slice_count = frame->payload.length > 0;
	event->slices[0] = (struct tlstrace_slice){0, event->data_length};
	if (event->data_length < event->length) {
		event->flags |= TLSTRACE_PACKET_TRUNCATED;
		lost_count(connections, connection);
	}
	return event;
}

void flow_begin(struct connections *connections, struct connection *connection, unsigned int side,
		enum frame_direction direction)
{
	uint64_t serial = ++connections->counts.hellos;

	connection->flow_id =
		serial << SLOT_BITS | connection_index(connections->table, connection);
	connection->tracked = true;
	connection->told_lost = false;
	connection->client = side;
	connection->local_is_client = direction == FRAME_OUTGOING;
}

/* Which of several answers to its SYNs the other end took shows in what it acknowledges before any
 * data. */
static bool is_other_answer(const struct connection_side *side, uint32_t acknowledgement)
{
	int32_t distance = sequence_diff(acknowledgement, side->first);

	return side->has_first && side->highest == side->first &&
	       (distance > OLD_BYTES_MAX || distance < -OLD_BYTES_MAX);
}

static void acknowledgement_note(struct connection *connection, unsigned int side,
				 const struct frame *frame)
{
	struct connection_side *sender = &connection->sides[side];

	if (!(frame->tcp_flags & TLSTRACE_TCP_ACK))
		return;
	if (!sender->has_acked || sequence_diff(frame->acknowledgement, sender->acked) > 0)
		sender->acked = frame->acknowledgement;
	sender->has_acked = true;
}

/* Where the receiver takes a RST at its word: RFC 5961 section 3.2. */
static bool is_exact_reset(const struct connection *connection, unsigned int side,
			   const struct frame *frame)
{
	const struct connection_side *sender = &connection->sides[side],
				     *other = &connection->sides[!side];

	return !sender->known || frame->sequence == sender->next + sender->finished ||
	       frame->sequence == sender->next ||
	       (other->has_acked && frame->sequence == other->acked);
}

/* A FIN that data went on after, or one before what is known, is not its sender's. */
static bool is_void_end(const struct connection_side *sender, const struct frame *frame)
{
	return frame->tcp_flags & TLSTRACE_TCP_FIN && sender->known &&
	       sequence_diff(frame->sequence + frame->length, sender->next) < 0;
}

/* All that it acknowledges is there, and if it ends its direction, all that came before the end. */
static bool is_ready(const struct connection *connection, unsigned int side,
		     const struct frame *frame)
{
	const struct connection_side *sender = &connection->sides[side],
				     *other = &connection->sides[!side];

	if (frame->doubtful)
		return false;
	if (frame->tcp_flags & TLSTRACE_TCP_RST)
		return is_exact_reset(connection, side, frame);
	if (frame->tcp_flags & TLSTRACE_TCP_FIN && sender->known &&
	    sequence_diff(frame->sequence, sender->next) > 0)
		return false;
	return !(frame->tcp_flags & TLSTRACE_TCP_ACK) || !other->known ||
	       is_other_answer(other, frame->acknowledgement) ||
	       sequence_diff(frame->acknowledgement, other->next) <= 1;
}

/* Bytes before this segment that were not seen, while nothing beyond them was. */
static uint32_t hole_before(const struct connection_side *side, const struct frame *frame)
{
	int32_t ahead = sequence_diff(frame->sequence, side->highest);

	return side->known && frame->length && ahead > 0 ? ahead : 0;
}

void segment_send(struct connections *connections, struct connection *connection, unsigned int side,
		  const struct frame *frame, uint64_t time_ns, uint8_t flags)
{
	struct connection_side *sender = &connection->sides[side],
			       *other = &connection->sides[!side];
	struct tlstrace_packet_event *event =
		event_fill(connections, connection, side, frame, time_ns,
			   flags ? flags : side_order(sender, frame));

	event->hole = hole_before(sender, frame);
	if (is_void_end(sender, frame))
		event->tcp_flags &= ~TLSTRACE_TCP_FIN;
	if (event->tcp_flags & TLSTRACE_TCP_ACK && is_other_answer(other, frame->acknowledgement))
		side_synchronise(other, frame->acknowledgement);
	acknowledgement_note(connection, side, frame);
	if (frame->length) {
		side_advance(sender, frame->sequence, frame->length);
		side_direct(sender, frame->direction);
	}
	sender->finished |= !!(event->tcp_flags & TLSTRACE_TCP_FIN);
	connection->reset |= !!(event->tcp_flags & TLSTRACE_TCP_RST);
	connections->handler.packet(connections->handler.context, event, frame->payload.bytes);
}

static bool release_one(struct connections *connections, struct connection *connection)
{
	struct held_segment **link;

	for (link = &connection->held; *link; link = &(*link)->next) {
		struct held_segment *held = *link;

		if (!is_ready(connection, held->side, &held->frame))
			continue;
		held = connection_take_held(connections->table, connection, held);
		segment_send(connections, connection, held->side, &held->frame, held->time_ns, 0);
		free(held);
		return true;
	}
	return false;
}

void segments_release(struct connections *connections, struct connection *connection)
{
	while (connection->tracked && release_one(connections, connection))
		;
	if (!connection->held)
		connection_trust(connections->table, connection);
}

/*
 * A RST that its receiver did not take at its word is void once the connection goes on: its sender
 * sends, or its receiver acknowledges, what comes after it.
 */
static void resets_void(struct connections *connections, struct connection *connection,
			unsigned int side, const struct frame *frame)
{
	struct held_segment **link = &connection->held;

	if (frame->tcp_flags & TLSTRACE_TCP_RST)
		return;
	while (*link) {
		const struct held_segment *held = *link;
		const struct connection_side *sender = &connection->sides[held->side];
		bool goes_on = held->side == side
				       ? sequence_diff(frame->sequence + frame->length,
						       sender->highest) > 0
				       : frame->tcp_flags & TLSTRACE_TCP_ACK && sender->known &&
						 sequence_diff(frame->acknowledgement,
							       sender->highest) > 1;

		if (held->frame.tcp_flags & TLSTRACE_TCP_RST && goes_on)
			connection_unhold(connections->table, connection, link);
		else
			link = &(*link)->next;
	}
}

static uint64_t patience_of(const struct connections *connections, const struct frame *frame)
{
	if (connections->patient)
		return UINT64_MAX / 2;
	return frame->tcp_flags & ends ? RETRANSMIT_NS : REORDER_NS;
}

bool segment_hold(struct connections *connections, struct connection *connection, unsigned int side,
		  const struct frame *frame, uint64_t time_ns)
{
	uint64_t due_ns = time_ns + patience_of(connections, frame);

	if (!connection_hold(connections->table, connection, side, frame, time_ns))
		return false;
	if (!connection->tracked)
		return true;
	if (!connection->suspect || connection->due_ns > due_ns)
		connection->due_ns = due_ns;
	connection_suspect(connections->table, connection);
	return true;
}

/* An end of the connection without a segment: with the word that bytes are missing before it. */
static void gap_send(struct connections *connections, struct connection *connection,
		     unsigned int side, uint8_t tcp_flags)
{
	struct tlstrace_packet_event *event =
		event_begin(connections, connection, side, connection->last_ns);

	event->sequence = connection->sides[side].highest;
	event->tcp_flags = tcp_flags;
	event->flags = TLSTRACE_PACKET_LOST_BEFORE;
	event->segments = 0;
	lost_count(connections, connection);
	connections->handler.packet(connections->handler.context, event, NULL);
}

static void holes_prove(struct connection *connection)
{
	const struct held_segment *held;

	for (held = connection->held; held; held = held->next) {
		const struct frame *frame = &held->frame;

		if (frame->tcp_flags & TLSTRACE_TCP_ACK)
			side_prove(&connection->sides[!held->side], frame->acknowledgement);
		if (frame->tcp_flags & TLSTRACE_TCP_FIN)
			side_prove(&connection->sides[held->side], frame->sequence + frame->length);
	}
}

void segments_settle(struct connections *connections, struct connection *connection)
{
	bool lost;
	uint8_t last_ends = 0;
	unsigned int last_side = connection->client;

	connection_trust(connections->table, connection);
	holes_prove(connection);
	lost = side_has_hole(&connection->sides[0]) || side_has_hole(&connection->sides[1]);
	while (connection->held && connection->tracked) {
		struct held_segment *held =
			connection_take_held(connections->table, connection, connection->held);

		/* The end is not believed before it is known that something is missing. */
		if (lost && held->frame.tcp_flags & ends) {
			last_ends = held->frame.tcp_flags & ends;
			last_side = held->side;
			held->frame.tcp_flags &= ~ends;
		}
		if (!held->frame.doubtful ||
		    !side_has(&connection->sides[held->side], &held->frame))
			segment_send(connections, connection, held->side, &held->frame,
				     held->time_ns, 0);
		free(held);
	}
	side_forgo(&connection->sides[0]);
	side_forgo(&connection->sides[1]);
	connection->sides[last_side].finished |= !!(last_ends & TLSTRACE_TCP_FIN);
	connection->reset |= !!(last_ends & TLSTRACE_TCP_RST);
	if (lost && connection->tracked)
		gap_send(connections, connection, last_side, last_ends);
}

/* There is no room to wait for what it acknowledges. */
static void segment_force(struct connections *connections, struct connection *connection,
			  unsigned int side, const struct frame *frame, uint64_t time_ns)
{
	struct connection_side *other = &connection->sides[!side];

	segments_settle(connections, connection);
	if (connection->tracked && frame->tcp_flags & TLSTRACE_TCP_ACK)
		side_prove(other, frame->acknowledgement);
	if (connection->tracked && side_has_hole(other))
		gap_send(connections, connection, connection->client, 0);
	side_forgo(other);
	if (connection->tracked)
		segment_send(connections, connection, side, frame, time_ns, 0);
}

void segment_take(struct connections *connections, struct connection *connection, unsigned int side,
		  const struct frame *frame, uint64_t time_ns)
{
	resets_void(connections, connection, side, frame);
	if (is_ready(connection, side, frame)) {
		segment_send(connections, connection, side, frame, time_ns, 0);
		segments_release(connections, connection);
	} else if (!segment_hold(connections, connection, side, frame, time_ns)) {
		segment_force(connections, connection, side, frame, time_ns);
	}
}
