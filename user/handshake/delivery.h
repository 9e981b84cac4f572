/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What arrived of a TCP connection's bytes, by what the other end acknowledged: bytes that were
 * sent may never have been delivered, and bytes that nobody saw may have been.
 */
#ifndef TLSTRACE_DELIVERY_H
#define TLSTRACE_DELIVERY_H

#include "flow/flow.h"
#include "handshake/handshake.h"

/* Of one end, by the packets that were seen at one place. */
struct delivery_end {
	bool seen;	   /* a packet of it was */
	bool acknowledges; /* one of them with an acknowledgement */
	uint64_t acked;	   /* where in the other end's stream what it acknowledged ends */
	uint64_t acked_ns; /* when it acknowledged last, whatever */
	uint64_t sent;	   /* where in its own stream its last handshake bytes end */
	uint64_t sent_ns;  /* when they were sent first */
	uint32_t repeats;  /* segments with such bytes that were sent again */
};

struct delivery {
	struct delivery_end ends[2]; /* by enum handshake_end */
};

/* A packet of the flow, after its messages were handed on. */
void delivery_note(struct delivery *delivery, const struct flow *flow,
		   const struct tlstrace_packet_event *event);
/*
 * What this end sent last was not delivered: the other end acknowledged less, although it said
 * something later or was sent the bytes again.
 */
bool delivery_failed(const struct delivery *delivery, enum handshake_end from);

#endif
