/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Which bytes of a segment are copied: plaintext handshake, alert and ChangeCipherSpec records
 * whole, of encrypted records the header.
 */
#ifndef TLSTRACE_RECORDS_BPF_H
#define TLSTRACE_RECORDS_BPF_H

#include "copy.bpf.h"

/* A packet of 1460 bytes has 243 records of one byte each; what is longer by GSO is rarely cut so
 * small. */
#define RECORDS_PER_PACKET 256
/* No flight of TLS 1.3 has more: EncryptedExtensions to Finished, with a request and a status. */
#define FLIGHT_ENCRYPTED_MAX 6

static __always_inline __s32 sequence_diff(__u32 a, __u32 b)
{
	return (__s32)(a - b);
}

/*
 * What is done with a record whose first have bytes are in direction->header: is its body
 * plaintext? 1 yes, 0 no, -1 more bytes are needed to tell.
 */
static __always_inline int record_is_plain(struct direction *direction)
{
	const __u8 *header = direction->header;
	__u32 length = record_length(header);

	switch (header[0]) {
	case RECORD_CHANGE_CIPHER_SPEC:
		return 1;
	case RECORD_ALERT:
		return length == 2; /* an encrypted one carries at least a tag or a MAC */
	case RECORD_HANDSHAKE:
		if (!direction->changed)
			return 1;
		/*
		 * After a ChangeCipherSpec it is encrypted (TLS 1.2), unless this is the hello
		 * after a HelloRetryRequest in compatibility mode (RFC 8446 appendix D.4).
		 */
		if (length < 6)
			return 0;
		if (direction->have < HELLO_PREFIX)
			return -1;
		return hello_matches(header, HELLO_PREFIX, 1) ||
		       hello_matches(header, HELLO_PREFIX, 2);
	}
	return 0;
}

static __always_inline int header_fill(struct __sk_buff *skb, __u32 offset,
				       struct direction *direction, __u64 have, __u64 take)
{
	take--; /* as in scratch_fill() */
	barrier_var(have);
	barrier_var(take);
	/* On paths that cannot be, 6.1 believes in bounds like "above 5, below 4": the mask mends
	 * them. */
	have &= 15;
	if (have >= HELLO_PREFIX || take >= HELLO_PREFIX)
		return -1;
	return bpf_skb_load_bytes(skb, offset, direction->header + have, take + 1);
}

/* The event has no room for more records of this packet, and ends here. */
static __always_inline void direction_full(struct scratch *scratch)
{
	/* Small records of an application, joined by GSO after the handshake: no part of the
	 * handshake is missing. */
	if (scratch->direction.encrypted && scratch->peer_encrypted) {
		scratch->direction.done = 1;
		scratch->event.length = scratch->offset;
	} else {
		direction_cut(scratch, TLSTRACE_COUNT_SLICES);
	}
}

enum follow_result {
	FOLLOW_ON,
	FOLLOW_END,  /* of the segment, or of what is looked at */
	FOLLOW_DROP, /* not a handshake after all */
};

/* How many bytes of a record's beginning are needed before it is clear what to do. */
static __always_inline __u32 header_wanted(const struct scratch *scratch)
{
	const struct direction *direction = &scratch->direction;

	if (scratch->confirmed)
		return direction->have >= RECORD_HEADER ? HELLO_PREFIX : RECORD_HEADER;
	/* The first record: its header alone first, since the record may be shorter than the
	 * prefix. */
	if (direction->have < RECORD_HEADER)
		return RECORD_HEADER;
	if (record_length(direction->header) + RECORD_HEADER < HELLO_PREFIX)
		return record_length(direction->header) + RECORD_HEADER;
	return HELLO_PREFIX;
}

/* Collect bytes of the record's beginning at scratch->offset. */
static __always_inline int header_collect(struct __sk_buff *skb, struct scratch *scratch)
{
	struct direction *direction = &scratch->direction;
	const struct packet *packet = &scratch->packet;
	__u32 have = direction->have, want = header_wanted(scratch), take;

	if (have > HELLO_PREFIX || want <= have)
		return FOLLOW_DROP;
	take = want - have;
	if (take > packet->length - scratch->offset)
		take = packet->length - scratch->offset;
	if (take == 0 || take > HELLO_PREFIX)
		return FOLLOW_DROP;
	if (header_fill(skb, packet->payload + scratch->offset, direction, have, take)) {
		counter_add(TLSTRACE_COUNT_LOAD_FAILED);
		return FOLLOW_DROP;
	}
	if (scratch->confirmed && !slice_add(&scratch->event, scratch->offset, take)) {
		direction_full(scratch);
		return FOLLOW_END;
	}
	scratch->offset += take;
	direction->next += take;
	direction->have = have + take;
	return FOLLOW_ON;
}

/* Is the beginning that was collected that of a ClientHello? False: not yet, or never. */
static __always_inline bool hello_confirm(struct scratch *scratch, int *result)
{
	struct tlstrace_packet_event *event = &scratch->event;
	struct direction *direction = &scratch->direction;
	__u32 have = direction->have, record_start = direction->next - have;

	*result = FOLLOW_DROP;
	if (!hello_matches(direction->header, have, 1))
		return false;
	*result = FOLLOW_ON;
	if (have < RECORD_HEADER + 1 ||
	    (have < HELLO_PREFIX && have < RECORD_HEADER + record_length(direction->header)))
		return false;
	scratch->confirmed = 1;
	__builtin_memcpy(scratch->prefix, direction->header, HELLO_PREFIX);
	/* The part of the header that is in this packet; the rest is in the state. */
	if (sequence_diff(record_start, scratch->packet.sequence) >= 0)
		slice_add(event, record_start - scratch->packet.sequence, have);
	else
		slice_add(event, 0, direction->next - scratch->packet.sequence);
	return true;
}

/* The record's beginning is known: note what to copy, and move the offset to its end. */
static __always_inline int record_take(struct scratch *scratch)
{
	struct direction *direction = &scratch->direction;
	__u32 have = direction->have, take, body;
	int plain = record_is_plain(direction);

	if (plain < 0)
		return FOLLOW_ON;
	if (plain && !direction->plain)
		direction->plain_from = direction->next - have;
	direction->plain = plain;
	if (direction->header[0] == RECORD_CHANGE_CIPHER_SPEC)
		direction->changed = 1;
	if (!plain && ++direction->encrypted > TLSTRACE_ENCRYPTED_BUDGET)
		direction->done = 1;
	body = record_length(direction->header) - (have - RECORD_HEADER);
	direction->have = 0;
	direction->next += body;
	if (plain) {
		take = scratch->packet.length - scratch->offset;
		if (take > body)
			take = body;
		if (!slice_add(&scratch->event, scratch->offset, take))
			direction_cut(scratch, TLSTRACE_COUNT_SLICES);
	}
	scratch->offset += body;
	return FOLLOW_ON;
}

/* How far its direction was seen, and whether the segment repeats bytes or leaves some out. */
static __always_inline void segment_note(struct scratch *scratch)
{
	struct tlstrace_packet_event *event = &scratch->event;
	struct direction *direction = &scratch->direction;
	const struct packet *packet = &scratch->packet;

	if (!direction->synchronised) {
		direction->synchronised = 1;
		direction->plain = 1;
		direction->next = direction->plain_from = direction->highest = packet->sequence;
	}
	if (sequence_diff(packet->sequence, direction->highest) < 0)
		event->flags |= TLSTRACE_PACKET_RETRANSMIT;
	else
		event->hole = packet->sequence - direction->highest;
	if (sequence_diff(packet->sequence + packet->length, direction->highest) > 0)
		direction->highest = packet->sequence + packet->length;
}

/*
 * One step: collect header bytes at scratch->offset. When the record is known, note what to copy,
 * and move the offset to the end of the record.
 */
__noinline int record_step(struct __sk_buff *skb, __u32 slot)
{
	struct scratch *scratch = scratch_find(slot);
	struct direction *direction;
	bool first = false; /* the record that begins the ClientHello: it was looked at already */
	int result;

	if (!scratch)
		return FOLLOW_DROP;
	direction = &scratch->direction;
	if (scratch->offset >= scratch->packet.length || direction->done)
		return FOLLOW_END;
	result = header_collect(skb, scratch);
	if (result != FOLLOW_ON)
		return result;
	if (!scratch->confirmed) {
		first = true;
		if (!hello_confirm(scratch, &result))
			return result;
	}
	if (direction->have < RECORD_HEADER)
		return FOLLOW_ON;
	if (!first && !record_valid(direction->header)) {
		/* An answer that is not TLS (plaintext HTTP): these five bytes say so. */
		direction->done = 1;
		return FOLLOW_ON;
	}
	return record_take(scratch);
}

/*
 * A hole comes before the segment: where records begin is unknown, so that all is copied, encrypted
 * records of the handshake too, within a budget. After more encrypted records than a flight of the
 * handshake has, nothing is.
 */
static __always_inline int hole_take(struct scratch *scratch)
{
	struct direction *direction = &scratch->direction;
	__u32 length = scratch->packet.length;

	scratch->event.flags |= TLSTRACE_PACKET_OUT_OF_ORDER;
	if (direction->encrypted > FLIGHT_ENCRYPTED_MAX)
		return FOLLOW_END;
	direction->gap_copied += length;
	if (direction->gap_copied > TLSTRACE_GAP_BUDGET)
		direction_cut(scratch, TLSTRACE_COUNT_COPY_BUDGET);
	else
		slice_add(&scratch->event, 0, length);
	return FOLLOW_END;
}

/* Choose what to copy of a segment of a tracked flow. */
static __always_inline int segment_follow(struct __sk_buff *skb, struct scratch *scratch,
					  __u32 slot)
{
	struct tlstrace_packet_event *event = &scratch->event;
	struct direction *direction = &scratch->direction;
	const struct packet *packet = &scratch->packet;
	__u32 offset = 0, length = packet->length;
	__s32 behind, from;
	int result, i;

	segment_note(scratch);
	behind = sequence_diff(packet->sequence, direction->next);
	if (behind > 0)
		return hole_take(scratch);
	if (behind < 0) {
		/* The rest of the current record, or something seen before. */
		offset = -behind;
		if (direction->plain && scratch->confirmed) {
			__u32 to = offset < length ? offset : length;

			from = sequence_diff(direction->plain_from, packet->sequence);
			if (from < 0)
				from = 0;
			if ((__u32)from < to)
				slice_add(event, from, to - from);
		}
	}
	scratch->offset = offset;
	for (i = 0; i < RECORDS_PER_PACKET; i++) {
		result = record_step(skb, slot);
		if (result != FOLLOW_ON)
			return result;
	}
	reload();
	if (scratch->offset >= packet->length || direction->done)
		return FOLLOW_END;
	direction_full(scratch);
	return FOLLOW_END;
}

#endif
