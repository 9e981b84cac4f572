/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* From chosen stretches of a packet to events in the ring buffer. */
#ifndef TLSTRACE_COPY_BPF_H
#define TLSTRACE_COPY_BPF_H

#include "maps.bpf.h"
#include "hello.bpf.h"
#include "packet.bpf.h"

#ifndef barrier_var
#define barrier_var(variable) asm volatile("" : "+r"(variable))
#endif

/* Forget what registers hold: the next reads come from memory, unknown to the verifier. */
#define reload() asm volatile("" ::: "memory")

/* Note that [offset, offset + length) of the payload is to be copied. */
static __always_inline bool slice_add(struct tlstrace_packet_event *event, __u32 offset,
				      __u32 length)
{
	__u32 count = event->slice_count;
	struct tlstrace_slice *slice;

	if (!length)
		return true;
	if (count > 0 && count <= TLSTRACE_SLICES_MAX) {
		slice = &event->slices[count - 1];
		if (slice->offset + slice->length == offset) {
			slice->length += length;
			return true;
		}
	}
	if (count >= TLSTRACE_SLICES_MAX)
		return false;
	event->slices[count].offset = offset;
	event->slices[count].length = length;
	event->slice_count = count + 1;
	return true;
}

static __always_inline void direction_cut(struct scratch *scratch, __u32 counter)
{
	scratch->direction.done = 1;
	scratch->event.flags |= TLSTRACE_PACKET_CUT;
	counter_add(counter);
}

/* Send the event with the data collected so far. */
static __always_inline void event_output(struct scratch *scratch)
{
	struct tlstrace_packet_event *event = &scratch->event;
	__u64 size = event->data_length;

	barrier_var(size); /* or clang proves the bound away that the verifier wants to see */
	if (size > TLSTRACE_DATA_MAX)
		return;
	size += sizeof(*event);
	event->header.size = size;
	if (scratch->lost)
		event->flags |= TLSTRACE_PACKET_LOST_BEFORE;
	if (scratch->hello)
		event->flags |= TLSTRACE_PACKET_HELLO;
	else
		event->flags &= ~TLSTRACE_PACKET_HELLO;
	if (bpf_ringbuf_output(&events, scratch, size, event_wakes())) {
		scratch->lost = 1;
		counter_add(scratch->hello ? TLSTRACE_COUNT_HELLOS_RING_FULL
					   : TLSTRACE_COUNT_PACKETS_RING_FULL);
	}
	scratch->hello = 0;
}

/* Append bytes of the frame to the event. The barriers keep the bounds where the verifier sees
 * them. */
static __always_inline int scratch_fill(struct __sk_buff *skb, __u32 offset,
					struct scratch *scratch, __u64 position, __u64 length)
{
	/* Less one: a single comparison excludes 0 too, which 6.1 does not learn from length == 0.
	 */
	length--;
	barrier_var(position);
	barrier_var(length);
	if (position > TLSTRACE_DATA_MAX || length >= TLSTRACE_DATA_MAX)
		return -1;
	return bpf_skb_load_bytes(skb, offset, scratch->data + position, length + 1);
}

/*
 * The event is full: send it as the beginning of the segment, and start a new one for the rest.
 * That is one run of plaintext, because nothing else is so long.
 */
static __always_inline void segment_split(struct scratch *scratch, __u32 offset, __u32 length)
{
	struct tlstrace_packet_event *event = &scratch->event;
	const struct packet *packet = &scratch->packet;

	event->length = offset;
	event->slice_count = scratch->index + 1;
	event->data_length = scratch->position;
	event_output(scratch);
	event->segments = 0; /* counted */
	event->sequence += offset;
	event->length = packet->length - (event->sequence - packet->sequence);
	event->slices[0].offset = 0;
	event->slices[0].length = length;
	event->slice_count = 1;
	scratch->index = scratch->done = scratch->position = 0;
}

/* Copy what fits of the current slice. False when all are copied or one cannot be. */
__noinline int slice_step(struct __sk_buff *skb, __u32 slot)
{
	struct scratch *scratch = scratch_find(slot);
	struct tlstrace_packet_event *event;
	__u32 index, offset, length, room;
	struct tlstrace_slice *slice;

	if (!scratch)
		return false;
	event = &scratch->event;
	index = scratch->index;
	if (index >= event->slice_count || index >= TLSTRACE_SLICES_MAX)
		return false;
	slice = &event->slices[index];
	offset = slice->offset + scratch->done;
	length = slice->length - scratch->done;
	room = TLSTRACE_DATA_MAX - scratch->position;
	if (room == 0) {
		slice->length = scratch->done;
		segment_split(scratch, offset, length);
		return true;
	}
	if (length > room)
		length = room;
	if (scratch_fill(skb,
			 scratch->packet.payload + (event->sequence - scratch->packet.sequence) +
				 offset,
			 scratch, scratch->position, length)) {
		counter_add(TLSTRACE_COUNT_LOAD_FAILED);
		return false;
	}
	scratch->position += length;
	scratch->done += length;
	scratch->direction.copied += length;
	if (scratch->done >= slice->length) {
		scratch->index = index + 1;
		scratch->done = 0;
	}
	return true;
}

/*
 * Append the chosen slices to the event and send it. What does not fit follows in further events,
 * which cover one part of the segment each.
 */
static __always_inline void segment_send(struct __sk_buff *skb, struct scratch *scratch, __u32 slot)
{
	int i;

	scratch->index = scratch->done = scratch->position = 0;
	for (i = 0; i < TLSTRACE_SLICES_MAX + 8; i++)
		if (!slice_step(skb, slot))
			break;
	scratch->event.data_length = scratch->position;
	if (scratch->direction.copied > TLSTRACE_COPY_BUDGET)
		direction_cut(scratch, TLSTRACE_COUNT_COPY_BUDGET);
	event_output(scratch);
}

/* A ClientHello that came in pieces too small to be known for one: its beginning, from the state.
 */
static __always_inline void hello_begin_send(const struct flow *flow, struct scratch *scratch)
{
	struct tlstrace_packet_event *event = &scratch->event;
	const struct packet *packet = &scratch->packet;
	__u64 now = event->header.time_ns;
	__u32 missing = packet->sequence - flow->start;
	__u32 count = event->slice_count, length = event->length, segments = event->segments;
	struct tlstrace_slice first = event->slices[0];

	if (missing == 0 || missing > HELLO_PREFIX)
		return;
	__builtin_memcpy(scratch->data, scratch->prefix, HELLO_PREFIX);
	event->header.time_ns = flow->first_ns;
	event->sequence = flow->start;
	event->length = event->data_length = missing;
	event->slices[0].offset = 0;
	event->slices[0].length = missing;
	event->slice_count = 1;
	event->segments = flow->pieces;
	event_output(scratch);
	event->segments = segments;
	event->header.time_ns = now;
	event->sequence = packet->sequence;
	event->length = length;
	event->slices[0] = first;
	event->slice_count = count;
}

#endif
