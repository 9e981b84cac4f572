/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments of captured connections on which a handshake is under way, delivered in an order that
 * could have happened: what acknowledges bytes comes after them. Also what both kinds of flows
 * share.
 */
#ifndef TLSTRACE_SEGMENTS_H
#define TLSTRACE_SEGMENTS_H

#include "source/connection_table.h"
#include "source/connections_counts.h"
#include "source/frame.h"
#include "source/sides.h"
#include "source/source.h"
#include "tlstrace_types.h"

/* The slot of a flow's connection is the lower part of its id. */
#define SLOT_BITS 24

struct connections {
	struct source_handler handler;
	struct connection_table *table;
	struct connections_counts counts;
	bool patient; /* rows need not be timely: wait for late packets without limit */
	bool busy;    /* a connection is in use: forgetting must not free it */
	struct tlstrace_packet_event event; /* reused, with slices for one */
};

/* A flow begins on the connection, whose client is side. */
void flow_begin(struct connections *connections, struct connection *connection, unsigned int side,
		enum frame_direction direction);
/* The event for a frame of a flow; flags are those of enum tlstrace_packet_flag. */
struct tlstrace_packet_event *event_fill(struct connections *connections,
					 struct connection *connection, unsigned int side,
					 const struct frame *frame, uint64_t time_ns,
					 uint8_t flags);
/* Deliver a segment of a tracked connection at once. */
void segment_send(struct connections *connections, struct connection *connection, unsigned int side,
		  const struct frame *frame, uint64_t time_ns, uint8_t flags);
/* Deliver it, and what waited for it, or keep it until what it acknowledges is there. */
void segment_take(struct connections *connections, struct connection *connection, unsigned int side,
		  const struct frame *frame, uint64_t time_ns);
/* Keep it for a while. False without room. */
bool segment_hold(struct connections *connections, struct connection *connection, unsigned int side,
		  const struct frame *frame, uint64_t time_ns);
/* Deliver what waited for what is there now. */
void segments_release(struct connections *connections, struct connection *connection);
/* What is missing will not come: deliver what waits for it, and tell that there is a gap. */
void segments_settle(struct connections *connections, struct connection *connection);

/* A new one, whose first packet side sent; the one idle for longest makes room. */
struct connection *connection_begin(struct connections *connections,
				    const struct connection_key *key, unsigned int side);
void connection_end(struct connections *connections, struct connection *connection);

/* opening.c: the connection that a segment belongs to, and its sender. NULL: of no interest. */
struct connection *opening_connection(struct connections *connections, const struct frame *frame,
				      unsigned int *side, uint64_t time_ns);
/* A SYN that will count once it is answered. */
bool opening_is_successor(const struct connection *connection, const struct frame *frame);
/* When the connection began: of both SYNs, and of what the client sends next. */
void opening_note(struct connection *connection, unsigned int side, const struct frame *frame,
		  uint64_t time_ns);
/* Deliver what is known of it, after the ClientHello's segment. */
void opening_send(struct connections *connections, const struct connection *connection,
		  const struct frame *hello);

/* udp_flows.c */
void datagram_add(struct connections *connections, const struct frame *frame, uint64_t time_ns);

#endif
