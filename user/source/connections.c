// SPDX-License-Identifier: BSD-2-Clause
#include "source/connections.h"

#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "source/connection_table.h"
#include "source/opening.h"
#include "tlstrace_types.h"

#define MS 1000000ULL
/* Several queues of a network card, or several processors, put a capture out of order by less than
 * this. */
#define REORDER_NS (20 * MS)
/* Bytes before a FIN that nobody acknowledged may still be sent again: RFC 6298's first timeouts.
 */
#define RETRANSMIT_NS (3000 * MS)
/* RFC 9000 section 10.1 leaves a QUIC connection's idle timeout to its ends; 60 s is long for a
 * handshake. */
#define DATAGRAM_IDLE_NS (60000 * MS)
/* A sequence number this far back is not a repetition but another connection with the same ports.
 */
#define OLD_BYTES_MAX (1 << 20)
/* The slot of a flow's connection is the lower part of its id. */
#define SLOT_BITS 24

struct connections {
	struct source_handler handler;
	struct connection_table *table;
	struct connections_counts counts;
	bool busy; /* a connection is in use: forgetting must not free it */
	struct tlstrace_packet_event event; /* reused, with slices for one */
};

static int32_t sequence_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

struct connections *connections_new(size_t capacity, const struct source_handler *handler)
{
	struct connections *connections = calloc(1, sizeof(*connections));

	if (!connections)
		return NULL;
	connections->handler = *handler;
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

static struct connection *connection_begin(struct connections *connections,
					   const struct connection_key *key)
{
	bool evicted;
	struct connection *connection = connection_take(connections->table, key, &evicted);

	connections->counts.table_full += evicted;
	return connection;
}

static void side_synchronise(struct connection_side *side, uint32_t sequence)
{
	side->next = side->highest = side->proven = sequence;
	side->known = true;
}

static void side_advance(struct connection_side *side, uint32_t sequence, uint32_t length)
{
	uint32_t end = sequence + length;

	if (!side->known)
		side_synchronise(side, sequence);
	if (sequence_diff(end, side->highest) > 0)
		side->highest = end;
	/* What fills a hole is taken to fill all of it: more than one at a time is rare, and only
	 * costs a flag. */
	if (sequence_diff(sequence, side->next) <= 0 && sequence_diff(end, side->next) > 0)
		side->next = side->highest;
}

static void side_direct(struct connection_side *side, enum frame_direction direction)
{
	if (!side->has_direction)
		side->direction = direction;
	side->has_direction = true;
}

/* A FIN has a sequence number too: one byte is no evidence. */
static bool side_has_hole(const struct connection_side *side)
{
	return side->known && sequence_diff(side->proven, side->next) > 1;
}

static void side_prove(struct connection_side *side, uint32_t sequence)
{
	if (side->known && sequence_diff(sequence, side->proven) > 0)
		side->proven = sequence;
}

static void event_address(struct tlstrace_packet_event *event, const struct connection *connection)
{
	unsigned int local = connection->local_is_client ? connection->client : !connection->client;
	const struct connection_key *key = &connection->key;

	event->key = (struct tlstrace_flow_key){
		.ifindex = key->ifindex,
		.local_port = key->ports[local],
		.remote_port = key->ports[!local],
		.protocol = key->protocol,
	};
	memcpy(event->key.local_address, key->addresses[local], 16);
	memcpy(event->key.remote_address, key->addresses[!local], 16);
}

static void event_payload(struct tlstrace_packet_event *event, const struct frame *frame)
{
	event->length = frame->length;
	event->data_length = frame->payload.length;
	event->slice_count = frame->payload.length > 0;
	event->slices[0] = (struct tlstrace_slice){0, event->data_length};
	if (event->data_length < event->length)
		event->flags |= TLSTRACE_PACKET_TRUNCATED;
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

/* An end that waited for a hole, with the word that the hole stays if it does. */
static void pending_send(struct connections *connections, struct connection *connection,
			 uint8_t flags)
{
	struct tlstrace_packet_event *event =
		event_begin(connections, connection, connection->pending_side, connection->last_ns);

	event->sequence = connection->sides[connection->pending_side].highest;
	event->tcp_flags = connection->pending_flags;
	event->flags = flags;
	event->segments = 0;
	connection->pending_flags = 0;
	connections->handler.packet(connections->handler.context, event, NULL);
}

/* Which of several answers to its SYNs the other end took shows in what it acknowledges before any
 * data. */
static bool is_other_answer(const struct connection_side *side, uint32_t acknowledgement)
{
	int32_t distance = sequence_diff(acknowledgement, side->first);

	return side->has_first && side->highest == side->first &&
	       (distance > OLD_BYTES_MAX || distance < -OLD_BYTES_MAX);
}

/*
 * Bytes that were sent and not seen make what follows them doubtful. They may only be late: the end
 * of a connection waits for them, or it would pass for a failure.
 */
static void holes_look(struct connections *connections, struct connection *connection,
		       unsigned int side, const struct frame *frame, uint64_t time_ns)
{
	struct connection_side *sender = &connection->sides[side],
			       *other = &connection->sides[!side];
	uint64_t patience = REORDER_NS;

	if (frame->tcp_flags & TLSTRACE_TCP_ACK && is_other_answer(other, frame->acknowledgement))
		side_synchronise(other, frame->acknowledgement);
	else if (frame->tcp_flags & TLSTRACE_TCP_ACK)
		side_prove(other, frame->acknowledgement);
	if (frame->tcp_flags & TLSTRACE_TCP_FIN) {
		if (!side_has_hole(sender))
			patience = RETRANSMIT_NS;
		side_prove(sender, frame->sequence + frame->length);
	}
	if (!side_has_hole(sender) && !side_has_hole(other))
		return;
	if (side_has_hole(other))
		patience = REORDER_NS;
	if (!connection->suspect || connection->due_ns > time_ns + patience)
		connection->due_ns = time_ns + patience;
	connection_suspect(connections->table, connection);
}

static void holes_filled(struct connections *connections, struct connection *connection)
{
	if (!connection->suspect || side_has_hole(&connection->sides[0]) ||
	    side_has_hole(&connection->sides[1]))
		return;
	connection_trust(connections->table, connection);
	if (connection->pending_flags)
		pending_send(connections, connection, 0);
}

static void holes_tell(struct connections *connections, struct connection *connection)
{
	size_t i;

	connection_trust(connections->table, connection);
	for (i = 0; i < 2; i++)
		if (side_has_hole(&connection->sides[i]))
			connection->sides[i].next = connection->sides[i].highest =
				connection->sides[i].proven;
	connections->counts.lost++;
	if (!connection->pending_flags)
		connection->pending_side = connection->client;
	pending_send(connections, connection, TLSTRACE_PACKET_LOST_BEFORE);
}

static uint8_t order_flags(const struct connection_side *side, const struct frame *frame)
{
	int32_t behind = sequence_diff(frame->sequence, side->next);

	if (!side->known || !frame->length || !behind)
		return 0;
	if (behind > 0)
		return TLSTRACE_PACKET_OUT_OF_ORDER;
	/* What leaves this host and arrives at it, as on lo, is seen twice and was sent once. */
	return !side->has_direction || frame->direction == side->direction
		       ? TLSTRACE_PACKET_RETRANSMIT
		       : 0;
}

/* A segment of a tracked connection. */
static void segment_send(struct connections *connections, struct connection *connection,
			 unsigned int side, const struct frame *frame, uint64_t time_ns,
			 uint8_t flags)
{
	struct tlstrace_packet_event *event = event_begin(connections, connection, side, time_ns);
	const uint8_t ends = TLSTRACE_TCP_FIN | TLSTRACE_TCP_RST;

	event->sequence = frame->sequence;
	event->acknowledgement = frame->acknowledgement;
	event->hook = hook_of(frame->direction);
	event->tcp_flags = frame->tcp_flags;
	event->flags = flags ? flags : order_flags(&connection->sides[side], frame);
	event_payload(event, frame);
	if (frame->length) {
		side_advance(&connection->sides[side], frame->sequence, frame->length);
		side_direct(&connection->sides[side], frame->direction);
	}
	holes_look(connections, connection, side, frame, time_ns);
	if (connection->suspect && event->tcp_flags & ends) {
		connection->pending_flags = event->tcp_flags & ends;
		connection->pending_side = side;
		event->tcp_flags &= ~ends;
	}
	connections->handler.packet(connections->handler.context, event, frame->payload.bytes);
	if (connection->tracked)
		holes_filled(connections, connection);
}

static void flow_begin(struct connections *connections, struct connection *connection,
		       unsigned int side, enum frame_direction direction)
{
	uint64_t serial = ++connections->counts.hellos;

	connection->flow_id =
		serial << SLOT_BITS | connection_index(connections->table, connection);
	connection->tracked = true;
	connection->client = side;
	connection->local_is_client = direction == FRAME_OUTGOING;
}

/* What the server may send next is what the client has acknowledged; unknown in a SYN. */
static void sides_begin(struct connection *connection, unsigned int side, const struct frame *first)
{
	side_synchronise(&connection->sides[side], first->sequence);
	if (first->tcp_flags & TLSTRACE_TCP_ACK)
		side_synchronise(&connection->sides[!side], first->acknowledgement);
}

/* How the connection was made, if for the ClientHello: nothing was sent before it; and whether the
 * server left. */
static void opening_send(struct connections *connections, const struct connection *connection,
			 const struct frame *hello)
{
	const struct connection_side *client = &connection->sides[connection->client];
	const struct connection_side *server = &connection->sides[!connection->client];
	bool fresh = client->has_first && server->has_first && connection->ack_ns &&
		     hello->sequence == client->first && server->highest == server->first;
	struct flow_opening opening = {.closed = server->finished};

	if (fresh) {
		opening.syn_ns = client->first_ns;
		/* Which of several SYNs an answer is to nobody can tell. */
		opening.answer_ns = client->repeated || server->repeated ? 0 : server->first_ns;
		opening.ack_ns = connection->ack_ns;
	}
	if (!connections->handler.opening || (!fresh && !opening.closed))
		return;
	connections->handler.opening(connections->handler.context, &connections->event.key,
				     connection->flow_id, &opening);
}

/* The flow begins with this segment; then those follow that came before it, or too small to be
 * known for it. */
static void hello_found(struct connections *connections, struct connection *connection,
			unsigned int side, const struct frame *first, uint64_t time_ns,
			uint8_t flag)
{
	struct held_segment *held;

	flow_begin(connections, connection, side, first->direction);
	sides_begin(connection, side, first);
	segment_send(connections, connection, side, first, time_ns, flag);
	if (connection->tracked)
		opening_send(connections, connection, first);
	for (held = connection->held; held && connection->tracked; held = held->next)
		if (held->side == side && sequence_diff(held->frame.sequence, first->sequence) > 0)
			segment_send(connections, connection, side, &held->frame, held->time_ns, 0);
	connection_drop(connections->table, connection, 0);
	connection_drop(connections->table, connection, 1);
	connection->sides[side].may_start = false;
}

static const struct held_segment *held_at(const struct connection *connection, unsigned int side,
					  uint32_t sequence)
{
	const struct held_segment *held;

	for (held = connection->held; held; held = held->next) {
		uint32_t into = sequence - held->frame.sequence;

		if (held->side == side && into < held->frame.payload.length)
			return held;
	}
	return NULL;
}

/* The first bytes of what may be a hello, put together from held segments. */
static size_t prefix_gather(const struct connection *connection, unsigned int side,
			    uint8_t prefix[OPENING_PREFIX])
{
	uint32_t start = connection->sides[side].start;
	const struct held_segment *held;
	size_t length = 0;

	while (length < OPENING_PREFIX && (held = held_at(connection, side, start + length)))
		prefix[length] = held->bytes[start + length - held->frame.sequence], length++;
	return length;
}

static void prefix_look(struct connections *connections, struct connection *connection,
			unsigned int side)
{
	struct connection_side *sender = &connection->sides[side];
	uint8_t prefix[OPENING_PREFIX];
	size_t length = prefix_gather(connection, side, prefix);
	enum opening opening = opening_tcp((struct slice){prefix, length});
	const struct held_segment *first;

	if (opening == OPENING_MAYBE)
		return;
	sender->may_start = false;
	first = held_at(connection, side, sender->start);
	if (opening == OPENING_HELLO && first) {
		struct frame frame = first->frame;

		hello_found(connections, connection, side, &frame, first->time_ns,
			    TLSTRACE_PACKET_HELLO);
	}
}

static bool is_repetition(const struct connection_side *side, const struct frame *frame)
{
	int32_t behind = sequence_diff(frame->sequence + frame->length, side->next);

	return side->known && behind <= 0 && behind > -OLD_BYTES_MAX;
}

/* A segment of a connection on which no handshake is under way: does one begin? */
static void segment_seek(struct connections *connections, struct connection *connection,
			 unsigned int side, const struct frame *frame, uint64_t time_ns)
{
	struct connection_side *sender = &connection->sides[side];
	enum opening opening;

	if (!frame->length || is_repetition(sender, frame))
		return;
	opening = frame->payload.length ? opening_tcp(frame->payload) : OPENING_NONE;
	if (opening == OPENING_HELLO) {
		hello_found(connections, connection, side, frame, time_ns, TLSTRACE_PACKET_HELLO);
		return;
	}
	if (connection->may_renegotiate && side == connection->client &&
	    opening_is_encrypted(frame->payload)) {
		hello_found(connections, connection, side, frame, time_ns, TLSTRACE_PACKET_AGAIN);
		return;
	}
	if (opening == OPENING_MAYBE && !sender->may_start) {
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
	if (sender->may_start)
		prefix_look(connections, connection, side);
	if (!connection->tracked && !sender->may_start && sender->next == sender->highest)
		connection_drop(connections->table, connection, side);
}

static bool is_new_connection(const struct connection *connection, unsigned int side,
			      const struct frame *frame)
{
	const struct connection_side *sender = &connection->sides[side];

	return (frame->tcp_flags & (TLSTRACE_TCP_SYN | TLSTRACE_TCP_ACK)) == TLSTRACE_TCP_SYN &&
	       !(sender->has_first && sender->first == frame->sequence);
}

/* When the connection began: of both SYNs, and of what the client sends next. */
static void opening_note(struct connection *connection, unsigned int side,
			 const struct frame *frame, uint64_t time_ns)
{
	struct connection_side *sender = &connection->sides[side],
			       *other = &connection->sides[!side];

	if (frame->tcp_flags & TLSTRACE_TCP_SYN) {
		sender->repeated |= sender->first_ns != 0;
		if (!sender->first_ns)
			sender->first_ns = time_ns;
	} else if (!connection->ack_ns && sender->first_ns && other->first_ns &&
		   sender->first_ns <= other->first_ns) {
		connection->ack_ns = time_ns;
	}
}

static void syn_note(struct connection *connection, unsigned int side, const struct frame *frame)
{
	struct connection_side *sender = &connection->sides[side],
			       *other = &connection->sides[!side];

	if (!(frame->tcp_flags & TLSTRACE_TCP_SYN) ||
	    (sender->has_first && sender->first == frame->sequence))
		return;
	/* A server that keeps no state answers each SYN with another number; the last one before
	 * its data counts. */
	if (!sender->known || (sender->has_first && sender->highest == sender->first))
		side_synchronise(sender, frame->sequence);
	sender->has_first = true;
	sender->first = frame->sequence;
	if (frame->tcp_flags & TLSTRACE_TCP_ACK && !other->known)
		side_synchronise(other, frame->acknowledgement);
}

static bool is_over(const struct connection *connection)
{
	return connection->reset ||
	       (connection->sides[0].finished && connection->sides[1].finished);
}

static struct connection *segment_connection(struct connections *connections,
					     const struct frame *frame, unsigned int *side)
{
	struct connection *connection;
	struct connection_key key;

	*side = connection_key_make(&key, frame);
	connection = connection_find(connections->table, &key);
	if (connection && is_new_connection(connection, *side, frame)) {
		connection_release(connections->table, connection); /* the ports are used again */
		connection = NULL;
	}
	if (connection) {
		connection_touch(connections->table, connection);
		return connection;
	}
	if (!(frame->tcp_flags & TLSTRACE_TCP_SYN) &&
	    (!frame->payload.length || opening_tcp(frame->payload) == OPENING_NONE))
		return NULL;
	return connection_begin(connections, &key);
}

static void segment_add(struct connections *connections, const struct frame *frame,
			uint64_t time_ns)
{
	unsigned int side;
	struct connection *connection = segment_connection(connections, frame, &side);

	if (!connection)
		return;
	connection->last_ns = time_ns;
	syn_note(connection, side, frame);
	opening_note(connection, side, frame, time_ns);
	if (connection->tracked)
		segment_send(connections, connection, side, frame, time_ns, 0);
	else
		segment_seek(connections, connection, side, frame, time_ns);
	connection->reset |= !!(frame->tcp_flags & TLSTRACE_TCP_RST);
	connection->sides[side].finished |= !!(frame->tcp_flags & TLSTRACE_TCP_FIN);
	if (!connection->tracked && is_over(connection))
		connection_release(connections->table, connection);
}

static void datagram_send(struct connections *connections, struct connection *connection,
			  unsigned int side, const struct frame *frame, uint64_t time_ns,
			  uint8_t flags)
{
	struct tlstrace_packet_event *event = event_begin(connections, connection, side, time_ns);

	event->hook = hook_of(frame->direction);
	event->flags = flags;
	event_payload(event, frame);
	connections->handler.packet(connections->handler.context, event, frame->payload.bytes);
}

/*
 * Packets that repeat the first of a handshake that is over are not another one. Those that do not
 * say what they repeat are taken for it while the flow is alive.
 */
static void datagram_seek(struct connections *connections, struct connection *connection,
			  const struct connection_key *key, unsigned int side,
			  const struct frame *frame, uint64_t time_ns)
{
	uint64_t identity;

	if (!opening_udp(frame->payload, &identity))
		return;
	if (!connection)
		connection = connection_begin(connections, key);
	else if (!identity || identity == connection->identity)
		return;
	connection->identity = identity;
	connection->last_ns = time_ns;
	flow_begin(connections, connection, side, frame->direction);
	datagram_send(connections, connection, side, frame, time_ns, TLSTRACE_PACKET_HELLO);
}

static void datagram_add(struct connections *connections, const struct frame *frame,
			 uint64_t time_ns)
{
	struct connection_key key;
	unsigned int side = connection_key_make(&key, frame);
	struct connection *connection = connection_find(connections->table, &key);

	if (connection && time_ns > connection->last_ns + DATAGRAM_IDLE_NS) {
		connection_release(connections->table, connection);
		connection = NULL;
	}
	if (!connection || !connection->tracked) {
		datagram_seek(connections, connection, &key, side, frame, time_ns);
		return;
	}
	connection->last_ns = time_ns;
	connection_touch(connections->table, connection);
	datagram_send(connections, connection, side, frame, time_ns, 0);
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
			holes_tell(connections, connection);
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
	connection->pending_flags = 0;
	/* In the middle of a packet, or of the walk over the suspects, it must stay where it is. */
	if (connections->busy)
		return;
	connection_trust(connections->table, connection);
	if (is_over(connection))
		connection_release(connections->table, connection);
}
