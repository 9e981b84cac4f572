// SPDX-License-Identifier: BSD-2-Clause
/* UDP flows of a capture: which datagrams begin a QUIC or DTLS handshake, and those that follow. */
#include "hash.h"
#include "log.h"
#include "source/segments.h"
#include "tls/beginning.h"
#include "tls/quic.h"

/* RFC 9000 section 10.1 leaves a QUIC connection's idle timeout to its ends; 60 s is long for a
 * handshake. */
#define DATAGRAM_IDLE_NS 60000000000ULL

static void datagram_send(struct connections *connections, struct connection *connection,
			  unsigned int side, const struct frame *frame, uint64_t time_ns,
			  uint8_t flags)
{
	const struct tlstrace_packet_event *event =
		event_fill(connections, connection, side, frame, time_ns, flags);

	connections->handler.packet(connections->handler.context, event, frame->payload.bytes);
}

static void datagram_flow(struct connections *connections, struct connection *connection,
			  unsigned int side, const struct frame *frame, uint64_t time_ns)
{
	flow_begin(connections, connection, side, frame->direction);
	datagram_send(connections, connection, side, frame, time_ns, TLSTRACE_PACKET_HELLO);
	if (connection->tracked)
		opening_send(connections, connection, frame);
}

/* Its first packet is kept: with a Version Negotiation for an answer there is something to tell. */
static void unknown_quic_note(struct connections *connections, struct connection *connection,
			      unsigned int side, const struct frame *frame, uint64_t time_ns)
{
	char name[QUIC_VERSION_NAME_SIZE];
	struct quic_packet packet;

	if (!connection_hold(connections->table, connection, side, frame, time_ns))
		return;
	connections->counts.unknown_quic++;
	if (quic_packet_read(frame->payload, frame->length, &packet))
		log_verbose("QUIC version %s is not decoded; this handshake has no row",
			    quic_version_name(packet.version, name));
}

static void version_negotiation_look(struct connections *connections, struct connection *connection,
				     unsigned int side, const struct frame *frame, uint64_t time_ns)
{
	struct held_segment *held = connection->held;
	unsigned int client;

	if (!held || held->side == side || !beginning_is_version_negotiation(frame->payload))
		return;
	connections->counts.unknown_quic--;
	/* A flow that is refused at once frees what is held. */
	client = held->side;
	datagram_flow(connections, connection, client, &held->frame, held->time_ns);
	connection_drop(connections->table, connection, client);
	if (connection->tracked)
		datagram_send(connections, connection, side, frame, time_ns, 0);
}

/*
 * Packets that repeat the first of a handshake that is over are not another one. Those that do not
 * say what they repeat are taken for it while the flow is alive.
 */
static void datagram_seek(struct connections *connections, struct connection *connection,
			  const struct connection_key *key, unsigned int side,
			  const struct frame *frame, uint64_t time_ns)
{
	struct slice bytes = {NULL, 0};
	enum beginning beginning = beginning_udp(frame->payload, &bytes);
	uint64_t identity =
		bytes.length ? slice_hash(bytes, connection_table_seed(connections->table)) : 0;

	if (connection && beginning == BEGINS_NOTHING) {
		version_negotiation_look(connections, connection, side, frame, time_ns);
		return;
	}
	if (beginning == BEGINS_NOTHING)
		return;
	if (!connection)
		connection = connection_begin(connections, key, side);
	else if (!identity || identity == connection->identity)
		return;
	if (!connection)
		return;
	connection->identity = identity;
	connection->last_ns = time_ns;
	if (beginning == BEGINS_UNKNOWN_QUIC)
		unknown_quic_note(connections, connection, side, frame, time_ns);
	else
		datagram_flow(connections, connection, side, frame, time_ns);
}

void datagram_add(struct connections *connections, const struct frame *frame, uint64_t time_ns)
{
	struct connection_key key;
	unsigned int side = connection_key_make(&key, frame);
	struct connection *connection = connection_find(connections->table, &key, &side);

	if (connection && time_ns > connection->last_ns + DATAGRAM_IDLE_NS) {
		connection_end(connections, connection);
		connection = NULL;
	}
	if (connection && side_is_duplicate(&connection->sides[side], frame,
					    connection_table_seed(connections->table), time_ns))
		return;
	if (connection)
		connection->sides[side].seen = true;
	if (!connection || !connection->tracked) {
		datagram_seek(connections, connection, &key, side, frame, time_ns);
		return;
	}
	connection->last_ns = time_ns;
	connection_touch(connections->table, connection);
	datagram_send(connections, connection, side, frame, time_ns, 0);
}
