/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Room in the table of flows. Anybody can send what looks like a ClientHello, so flows are of three
 * kinds, each with places of its own, and in each kind the oldest one gives way to the newest.
 * Together they are fewer than the table has entries: a new flow always finds room.
 */
#ifndef TLSTRACE_ROOM_BPF_H
#define TLSTRACE_ROOM_BPF_H

#include "flow.bpf.h"

enum flow_kind {
	FLOW_STRANGER, /* no socket of this host is known to have it, and no answer was seen */
	FLOW_ANSWERED,
	FLOW_LOCAL, /* an end is a socket of this host */
	FLOW_KINDS,
};

#define STRANGERS_MAX 2048
#define ANSWERED_MAX  4096
#define LOCAL_MAX     8192
#define ROOM_MAX      (STRANGERS_MAX + ANSWERED_MAX + LOCAL_MAX)

/* Which flow has a place; it may have ended since, or be of another kind. */
struct place {
	struct tlstrace_flow_key key;
	__u64 flow_id;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ROOM_MAX);
	__type(key, __u32);
	__type(value, struct place);
} places SEC(".maps");

/* The place to be given away next, by kind. */
struct next_place {
	struct bpf_spin_lock lock;
	__u32 number;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOW_KINDS);
	__type(key, __u32);
	__type(value, struct next_place);
} next_places SEC(".maps");

static __always_inline __u32 place_next(__u32 kind)
{
	struct next_place *next = bpf_map_lookup_elem(&next_places, &kind);
	__u32 number;

	if (!next)
		return 0;
	bpf_spin_lock(&next->lock);
	number = next->number++;
	bpf_spin_unlock(&next->lock);
	if (kind == FLOW_STRANGER)
		return number % STRANGERS_MAX;
	if (kind == FLOW_ANSWERED)
		return STRANGERS_MAX + number % ANSWERED_MAX;
	return STRANGERS_MAX + ANSWERED_MAX + number % LOCAL_MAX;
}

/* The flow gives way. User space may know it, and must not wait for more of it. */
static __always_inline void flow_displace(const struct flow *flow,
					  const struct tlstrace_flow_key *key)
{
	struct tlstrace_packet_event *event;

	if (flow->confirmed) {
		event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
		if (!event) {
			counter_add(TLSTRACE_COUNT_PACKETS_RING_FULL);
		} else {
			__builtin_memset(event, 0, sizeof(*event));
			event->header.type = TLSTRACE_EVENT_PACKET;
			event->header.size = sizeof(*event);
			event->header.time_ns = bpf_ktime_get_ns();
			event->key = *key;
			event->flow_id = flow->id;
			event->flags = TLSTRACE_PACKET_DISPLACED;
			bpf_ringbuf_submit(event, event_wakes());
		}
	}
	flow_delete(flow, key);
}

/* Give the flow of the event a place among those of this kind. */
__noinline int place_take(__u32 slot, __u32 kind)
{
	struct scratch *scratch = scratch_find(slot);
	struct flow *flow, *other;
	struct place *place;
	__u32 number;

	if (!scratch || kind >= FLOW_KINDS)
		return 0;
	number = place_next(kind);
	place = bpf_map_lookup_elem(&places, &number);
	flow = bpf_map_lookup_elem(&flows, &scratch->event.key);
	if (!place || !flow)
		return 0;
	other = place->flow_id ? bpf_map_lookup_elem(&flows, &place->key) : NULL;
	if (other && other->id == place->flow_id && other->kind == kind)
		flow_displace(other, &place->key);
	place->key = scratch->event.key;
	place->flow_id = flow->id;
	flow->kind = kind;
	return 0;
}

/* What a packet of the flow has shown: whose it is, or that somebody answers. */
static __always_inline void flow_kind_raise(const struct flow *flow, __u32 slot, bool is_local,
					    bool is_answer)
{
	if (is_local && flow->kind != FLOW_LOCAL)
		place_take(slot, FLOW_LOCAL);
	else if (is_answer && flow->kind == FLOW_STRANGER)
		place_take(slot, FLOW_ANSWERED);
}

#endif
