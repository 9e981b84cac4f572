// SPDX-License-Identifier: BSD-2-Clause
/* How captured TCP connections begin: their SYNs, and which connection a segment belongs to. */
#include "source/segments.h"

#include <string.h>

#include "flow/flow.h"
#include "tls/beginning.h"

/* No SYN is sent again for so long (net/ipv4/tcp_timer.c gives up an answered one far earlier). */
#define REUSE_NS 30000000000ULL

/* How the connection was made, and what is known of the server so far. */
void opening_send(struct connections *connections, const struct connection *connection,
		  const struct frame *hello)
{
	const struct connection_side *client = &connection->sides[connection->client];
	const struct connection_side *server = &connection->sides[!connection->client];
	struct flow_opening opening = {
		.closed = server->finished,
		.server_unseen = !server->seen,
		.acknowledgements = true,
		.used = client->has_first && server->has_first &&
			(hello->sequence != client->first || server->highest != server->first),
	};

	if (client->has_first && hello->sequence == client->first &&
	    !(hello->tcp_flags & TLSTRACE_TCP_SYN)) {
		memcpy(opening.greeting, server->start_bytes, server->start_length);
		opening.greeting_length = server->start_length;
	}
	if (client->has_first && server->has_first && connection->ack_ns) {
		opening.syn_ns = client->first_ns;
		/* If there were several SYNs, which one was answered is not known. */
		opening.answer_ns = client->repeated || server->repeated ? 0 : server->first_ns;
		opening.ack_ns = connection->ack_ns;
		/* Captured in the wrong order. */
		if (opening.answer_ns && opening.answer_ns < opening.syn_ns)
			opening.answer_ns = opening.syn_ns;
	}
	if (connections->handler.opening)
		connections->handler.opening(connections->handler.context, &connections->event.key,
					     connection->flow_id, &opening);
}

/*
 * A SYN with another number. On a connection that is under way it may be forged, and its receiver
 * only asks back (RFC 5961 section 4): it counts once it is answered.
 */
static bool is_new_connection(struct connection *connection, unsigned int side,
			      const struct frame *frame, uint64_t time_ns)
{
	const struct connection_side *sender = &connection->sides[side];
	bool is_over;

	if ((frame->tcp_flags & (TLSTRACE_TCP_SYN | TLSTRACE_TCP_ACK)) != TLSTRACE_TCP_SYN)
		return connection->has_successor &&
		       (frame->tcp_flags & TLSTRACE_TCP_SYN
				? frame->acknowledgement == connection->successor
				: frame->sequence == connection->successor &&
					  !side_is_repetition(sender, frame));
	is_over = connection->reset ||
		  (connection->sides[0].finished && connection->sides[1].finished);
	/* The same number again long after the end: the capture holds a second recording. */
	if (is_over && sender->first_ns && time_ns > sender->first_ns + REUSE_NS)
		return true;
	/* Its answer may have come first. */
	if ((sender->has_first && sender->first == frame->sequence) ||
	    (!sender->has_first && sender->known && sender->next == frame->sequence))
		return false;
	if (!connection->tracked || is_over)
		return true;
	connection->has_successor = true;
	connection->successor = frame->sequence;
	connection->successor_ns = time_ns;
	return false;
}

bool opening_is_successor(const struct connection *connection, const struct frame *frame)
{
	return connection->has_successor &&
	       (frame->tcp_flags & (TLSTRACE_TCP_SYN | TLSTRACE_TCP_ACK)) == TLSTRACE_TCP_SYN &&
	       frame->sequence == connection->successor;
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

/* When the connection began: of both SYNs, and of what the client sends next. */
static void start_note(struct connection_side *sender, const struct frame *frame)
{
	size_t length = frame->payload.length < sizeof(sender->start_bytes)
				? frame->payload.length
				: sizeof(sender->start_bytes);

	if (!sender->has_first || sender->start_length || frame->sequence != sender->first ||
	    frame->tcp_flags & TLSTRACE_TCP_SYN)
		return;
	memcpy(sender->start_bytes, frame->payload.bytes, length);
	sender->start_length = (uint8_t)length;
}

void opening_note(struct connection *connection, unsigned int side, const struct frame *frame,
		  uint64_t time_ns)
{
	struct connection_side *sender = &connection->sides[side];

	syn_note(connection, side, frame);
	start_note(sender, frame);
	if (frame->tcp_flags & TLSTRACE_TCP_SYN) {
		sender->repeated |= sender->first_ns != 0;
		sender->answers = frame->tcp_flags & TLSTRACE_TCP_ACK;
		if (!sender->first_ns)
			sender->first_ns = time_ns;
	} else if (!connection->ack_ns && sender->first_ns && !sender->answers &&
		   frame->tcp_flags & TLSTRACE_TCP_ACK) {
		connection->ack_ns = time_ns;
	}
}

/*
 * An answer from another address than the one that was asked, as where a connection is redirected
 * to its own host, or in another encapsulation: the client's endpoint is the same, and so are the
 * numbers.
 */
static bool is_answer(const struct connection *connection, const struct frame *frame)
{
	const struct connection_side *asker = &connection->sides[connection->endpoint_side],
				     *other = &connection->sides[!connection->endpoint_side];

	if (connection->has_alias || other->seen ||
	    connection->links[0].key.protocol != FRAME_PROTOCOL_TCP)
		return false;
	if (frame->tcp_flags & TLSTRACE_TCP_SYN)
		return asker->has_first && frame->acknowledgement == asker->first;
	return asker->known && other->known && frame->sequence == other->next &&
	       sequence_diff(frame->acknowledgement, asker->highest) <= 1 &&
	       sequence_diff(frame->acknowledgement, asker->first) >= 0;
}

static struct connection *answered_connection(struct connections *connections,
					      const struct frame *frame,
					      const struct connection_key *key, unsigned int *side)
{
	struct connection *connection;

	if (!(frame->tcp_flags & TLSTRACE_TCP_ACK))
		return NULL;
	for (connection = connection_from(connections->table, frame->destination,
					  frame->destination_port);
	     connection; connection = connection_from_next(connection)) {
		if (!is_answer(connection, frame))
			continue;
		connection_alias(connections->table, connection, key, *side);
		*side = !connection->endpoint_side;
		return connection;
	}
	return NULL;
}

/* The ports are used again: what is known of the SYN goes with the new connection. */
static struct connection *connection_renew(struct connections *connections,
					   struct connection *connection, unsigned int side,
					   const struct frame *frame)
{
	struct connection_key key = connection->links[0].key;
	bool had_syn = connection->has_successor;
	uint32_t successor = connection->successor;
	uint64_t successor_ns = connection->successor_ns;
	unsigned int client =
		frame->tcp_flags & TLSTRACE_TCP_ACK && frame->tcp_flags & TLSTRACE_TCP_SYN ? !side
											   : side;

	connection_end(connections, connection);
	connection = connection_begin(connections, &key, client);
	if (connection && had_syn) {
		struct connection_side *sender = &connection->sides[client];

		side_synchronise(sender, successor);
		sender->has_first = sender->seen = true;
		sender->first = successor;
		sender->first_ns = successor_ns;
	}
	return connection;
}

struct connection *opening_connection(struct connections *connections, const struct frame *frame,
				      unsigned int *side, uint64_t time_ns)
{
	struct connection_key key;
	struct connection *connection;
	size_t before;

	*side = connection_key_make(&key, frame);
	connection = connection_find(connections->table, &key, side);
	if (connection && is_new_connection(connection, *side, frame, time_ns))
		connection = connection_renew(connections, connection, *side, frame);
	if (!connection)
		connection = answered_connection(connections, frame, &key, side);
	if (connection) {
		connection_touch(connections->table, connection);
		return connection;
	}
	if (!(frame->tcp_flags & TLSTRACE_TCP_SYN) &&
	    (!frame->payload.length || beginning_tcp(frame->payload, &before) == BEGINS_NOTHING))
		return NULL;
	return connection_begin(connections, &key, *side);
}
