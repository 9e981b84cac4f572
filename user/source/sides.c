// SPDX-License-Identifier: BSD-2-Clause
#include "source/sides.h"

#include <string.h>

#include "hash.h"
#include "tlstrace_types.h"

#define US 1000ULL
/* Between two sightings of one packet; a packet without an identification may be sent again. */
#define DUPLICATE_US		20000
#define DUPLICATE_UNNUMBERED_US 1000
/* Ethernet's smallest frame has room for 46 bytes after its header, IPv4 and TCP take 40. */
#define PADDING_MAX 6
/* A sequence number this far back is not a repetition but another connection with the same ports.
 */
#define OLD_BYTES_MAX (1 << 20)
#define PRINTED_BYTES 96 /* of a packet; the checksum among them is of all its bytes */

void side_synchronise(struct connection_side *side, uint32_t sequence)
{
	side->next = side->highest = side->proven = sequence;
	side->ahead_count = 0;
	side->known = true;
}

/* Keep [start, end) beyond a hole. Where there is no room, the nearest one grows over the gap. */
static void ahead_add(struct connection_side *side, uint32_t start, uint32_t end)
{
	size_t i;

	for (i = 0; i < side->ahead_count; i++) {
		bool touches = sequence_diff(start, side->ahead[i].end) <= 0 &&
			       sequence_diff(end, side->ahead[i].start) >= 0;

		if (!touches && side->ahead_count < CONNECTION_AHEAD_MAX)
			continue;
		if (!touches && i + 1 < side->ahead_count)
			continue;
		if (sequence_diff(start, side->ahead[i].start) < 0)
			side->ahead[i].start = start;
		if (sequence_diff(end, side->ahead[i].end) > 0)
			side->ahead[i].end = end;
		return;
	}
	side->ahead[side->ahead_count].start = start;
	side->ahead[side->ahead_count++].end = end;
}

/* What follows next without a hole is known too. */
static void ahead_join(struct connection_side *side)
{
	size_t i = 0;

	while (i < side->ahead_count) {
		if (sequence_diff(side->ahead[i].start, side->next) > 0) {
			i++;
			continue;
		}
		if (sequence_diff(side->ahead[i].end, side->next) > 0)
			side->next = side->ahead[i].end;
		side->ahead[i] = side->ahead[--side->ahead_count];
		i = 0;
	}
}

void side_advance(struct connection_side *side, uint32_t sequence, uint32_t length)
{
	uint32_t end = sequence + length;

	if (!side->known)
		side_synchronise(side, sequence);
	if (sequence_diff(end, side->highest) > 0)
		side->highest = end;
	if (sequence_diff(sequence, side->next) > 0)
		ahead_add(side, sequence, end);
	else if (sequence_diff(end, side->next) > 0)
		side->next = end;
	ahead_join(side);
}

void side_forgo(struct connection_side *side)
{
	if (sequence_diff(side->proven, side->next) <= 0)
		return;
	side->next = side->proven;
	if (sequence_diff(side->highest, side->next) < 0)
		side->highest = side->next;
	ahead_join(side);
}

void side_prove(struct connection_side *side, uint32_t sequence)
{
	if (side->known && sequence_diff(sequence, side->proven) > 0)
		side->proven = sequence;
}

/* A FIN has a sequence number too: one byte is no evidence. */
bool side_has_hole(const struct connection_side *side)
{
	return side->known && sequence_diff(side->proven, side->next) > 1;
}

void side_direct(struct connection_side *side, enum frame_direction direction)
{
	if (!side->has_direction)
		side->direction = direction;
	side->has_direction = true;
}

bool side_has(const struct connection_side *side, const struct frame *frame)
{
	uint32_t end = frame->sequence + frame->length;
	size_t i;

	if (!side->known)
		return false;
	if (sequence_diff(end, side->next) <= 0)
		return true;
	for (i = 0; i < side->ahead_count; i++)
		if (sequence_diff(frame->sequence, side->ahead[i].start) >= 0 &&
		    sequence_diff(end, side->ahead[i].end) <= 0)
			return true;
	return false;
}

uint8_t side_order(const struct connection_side *side, const struct frame *frame)
{
	bool again;

	if (!side->known || !frame->length)
		return 0;
	/* What preceded the handshake, and comes late in the file. */
	if (side->has_base && sequence_diff(frame->sequence + frame->length, side->base) <= 0)
		return 0;
	again = side_has(side, frame) || sequence_diff(frame->sequence, side->next) < 0;
	if (!again)
		return frame->sequence == side->next ? 0 : TLSTRACE_PACKET_OUT_OF_ORDER;
	/* What leaves this host and arrives at it, as on lo, is seen twice and was sent once. */
	return !side->has_direction || frame->direction == side->direction
		       ? TLSTRACE_PACKET_RETRANSMIT
		       : 0;
}

static uint32_t frame_print(const struct frame *frame, uint64_t seed)
{
	uint64_t words[2 + PRINTED_BYTES / sizeof(uint64_t)] = {
		(uint64_t)frame->identification << 32 | frame->length, frame->protocol};
	size_t length = frame->whole.length < PRINTED_BYTES ? frame->whole.length : PRINTED_BYTES;
	uint64_t hash;

	if (length)
		memcpy(words + 2, frame->whole.bytes, length);
	hash = hash_words(words, sizeof(words), seed);
	return hash ^ hash >> 32;
}

bool side_is_duplicate(struct connection_side *side, const struct frame *frame, uint64_t seed,
		       uint64_t time_ns)
{
	uint32_t print = frame_print(frame, seed), now_us = time_ns / US;
	uint32_t most_us = frame->identification ? DUPLICATE_US : DUPLICATE_UNNUMBERED_US;
	struct connection_recent *recent;
	size_t i;

	for (i = 0; i < CONNECTION_RECENT_MAX; i++) {
		recent = &side->recent[i];
		if (recent->time_us && recent->print == print && now_us - recent->time_us < most_us)
			return true;
	}
	recent = &side->recent[side->recent_at++ % CONNECTION_RECENT_MAX];
	*recent = (struct connection_recent){print, now_us};
	return false;
}

bool side_is_repetition(const struct connection_side *side, const struct frame *frame)
{
	int32_t behind = sequence_diff(frame->sequence + frame->length, side->next);

	return side->known && behind <= 0 && behind > -OLD_BYTES_MAX;
}

struct frame frame_after(const struct frame *frame, uint32_t bytes)
{
	struct frame rest = *frame;
	struct slice cut;

	if (!slice_bytes(&rest.payload, bytes < rest.payload.length ? bytes : rest.payload.length,
			 &cut))
		return rest;
	rest.sequence += bytes;
	rest.length -= bytes;
	return rest;
}

/* A probe of a connection that is idle: RFC 9293 section 3.8.4. */
static bool is_probe(const struct connection_side *side, const struct frame *frame)
{
	const uint8_t ends = TLSTRACE_TCP_SYN | TLSTRACE_TCP_FIN | TLSTRACE_TCP_RST;

	return side->known && frame->length <= 1 && !(frame->tcp_flags & ends) &&
	       frame->sequence + 1 == side->next && side->next == side->highest;
}

static bool is_zero(struct slice bytes)
{
	uint8_t byte;

	while (slice_u8(&bytes, &byte))
		if (byte)
			return false;
	return true;
}

/* A pure acknowledgement whose length counts the zero bytes that fill an Ethernet frame. */
static bool is_padded_ack(const struct frame *frame)
{
	const uint8_t no_ack = TLSTRACE_TCP_SYN | TLSTRACE_TCP_PSH;

	return frame->length && frame->length <= PADDING_MAX && !(frame->tcp_flags & no_ack) &&
	       frame->tcp_flags & TLSTRACE_TCP_ACK && is_zero(frame->payload);
}

static void padding_note(struct connection_side *side, const struct frame *frame)
{
	side->padding = frame->length;
	side->padding_at = frame->sequence;
}

bool side_doubt(struct connection_side *side, struct frame *frame, struct frame *zeros)
{
	static const uint8_t filling[PADDING_MAX];
	bool was_data = side->padding && frame->length &&
			frame->sequence == side->padding_at + side->padding;

	if (was_data) {
		*zeros = *frame;
		zeros->sequence = side->padding_at;
		zeros->length = side->padding;
		zeros->payload = (struct slice){filling, side->padding};
		zeros->tcp_flags = TLSTRACE_TCP_ACK;
	}
	if (frame->length)
		side->padding = 0;
	/* One byte that is not part of the stream that its receiver reads. */
	if (frame->tcp_flags & TLSTRACE_TCP_URG && frame->urgent == 1 && frame->length) {
		side_advance(side, frame->sequence, 1);
		*frame = frame_after(frame, 1);
	}
	if (is_padded_ack(frame) && !is_probe(side, frame))
		padding_note(side, frame);
	if (is_probe(side, frame) || is_padded_ack(frame))
		frame->length = frame->payload.length = 0;
	return was_data;
}
