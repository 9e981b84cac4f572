/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of the bytes that one end of a captured connection sent. */
#ifndef TLSTRACE_SIDES_H
#define TLSTRACE_SIDES_H

#include "source/connection_table.h"

/* a after b: positive. Sequence numbers wrap. */
static inline int32_t sequence_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/* All before this number is known, or of no interest. */
void side_synchronise(struct connection_side *side, uint32_t sequence);
/* A segment was seen. */
void side_advance(struct connection_side *side, uint32_t sequence, uint32_t length);
/* What is missing before what the other end acknowledged will not come. */
void side_forgo(struct connection_side *side);
/* All before this number was sent. */
void side_prove(struct connection_side *side, uint32_t sequence);
/* Bytes that were sent were not seen. */
bool side_has_hole(const struct connection_side *side);
void side_direct(struct connection_side *side, enum frame_direction direction);
/* All bytes of the segment were seen before. */
bool side_has(const struct connection_side *side, const struct frame *frame);
/* Flags of enum tlstrace_packet_flag for a segment, before it is added. */
uint8_t side_order(const struct connection_side *side, const struct frame *frame);
/*
 * Is this packet the one that was seen a moment ago, as with a mirror port or two capturing
 * interfaces? It is noted.
 */
bool side_is_duplicate(struct connection_side *side, const struct frame *frame, uint64_t seed,
		       uint64_t time_ns);

/* It ends before what is known: not another connection with the same ports. */
bool side_is_repetition(const struct connection_side *side, const struct frame *frame);
/*
 * Take off a segment what is no data: probes, an urgent byte, zero bytes that only fill an Ethernet
 * frame. True if such zero bytes turn out to have been data, since this segment goes on after them:
 * zeros is their segment.
 */
bool side_doubt(struct connection_side *side, struct frame *frame, struct frame *zeros);
/* A segment without its first bytes. */
struct frame frame_after(const struct frame *frame, uint32_t bytes);

#endif
