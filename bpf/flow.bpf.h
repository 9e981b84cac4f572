/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The table of flows and its presence filter. */
#ifndef TLSTRACE_FLOW_BPF_H
#define TLSTRACE_FLOW_BPF_H

#include "maps.bpf.h"
#include "packet.bpf.h"
#include <bpf/bpf_core_read.h>

static __always_inline void presence_add(__u32 slot, __s64 step)
{
	__u64 *count = bpf_map_lookup_elem(&presence, &slot);

	if (count)
		__sync_fetch_and_add(count, step);
}

static __always_inline void flow_key_make(struct __sk_buff *skb, const struct packet *packet,
					  struct tlstrace_flow_key *key)
{
	struct sk_buff *kernel_skb = (void *)skb;
	bool out = packet->hook == TLSTRACE_EGRESS;

	key->netns = BPF_CORE_READ(kernel_skb, dev, nd_net.net, ns.inum);
	key->ifindex = skb->ifindex;
	__builtin_memcpy(key->local_address, out ? packet->source : packet->destination, 16);
	__builtin_memcpy(key->remote_address, out ? packet->destination : packet->source, 16);
	key->local_port = out ? packet->source_port : packet->destination_port;
	key->remote_port = out ? packet->destination_port : packet->source_port;
	key->protocol = packet->protocol;
}

static __always_inline void flow_delete(const struct tlstrace_flow_key *key, __u32 slot)
{
	if (bpf_map_delete_elem(&flows, key) == 0)
		presence_add(slot, -1);
}

/* What all events of this packet have in common. */
static __always_inline void event_begin(struct __sk_buff *skb, struct scratch *scratch)
{
	struct tlstrace_packet_event *event = &scratch->event;
	const struct packet *packet = &scratch->packet;
	struct sk_buff *kernel_skb = (void *)skb;

	flow_key_make(skb, packet, &event->key);
	event->header.type = TLSTRACE_EVENT_PACKET;
	event->header.time_ns = bpf_ktime_get_ns();
	event->sender = event->receiver = 0;
	event->sequence = packet->sequence;
	event->acknowledgement = packet->acknowledgement;
	event->length = packet->length;
	event->hook = packet->hook;
	event->tcp_flags = packet->flags;
	event->flags = 0;
	event->slice_count = 0;
	event->segments = skb->gso_segs > 1 ? skb->gso_segs : 1;
	event->datagram_size = 0;
	BPF_CORE_READ_INTO(&event->interface, kernel_skb, dev, name);
	scratch->hello = scratch->again = 0;
}

/* Of the event's flow: what the steps need in the scratch, and back what they changed. */
static __always_inline void flow_take(const struct flow *flow, const struct direction *direction,
				      struct scratch *scratch)
{
	scratch->direction = *direction;
	scratch->confirmed = flow->confirmed;
	scratch->is_dtls = flow->is_dtls;
	scratch->lost = flow->lost;
}

static __always_inline void flow_give(struct flow *flow, struct direction *direction,
				      const struct scratch *scratch)
{
	*direction = scratch->direction;
	/* Of both directions, which two CPUs may be at: these are only ever set. */
	if (scratch->confirmed)
		flow->confirmed = 1;
	if (scratch->lost)
		flow->lost = 1;
}

/* The flow of the event, which is the first of it; NULL if there is no room. */
static __always_inline struct flow *flow_new(const struct tlstrace_packet_event *event, __u32 slot)
{
	struct flow *flow;

	if (bpf_map_update_elem(&flows, &event->key, (const void *)&flow_zero, BPF_NOEXIST)) {
		counter_add(TLSTRACE_COUNT_HELLOS);
		counter_add(TLSTRACE_COUNT_HELLOS_FLOWS_FULL);
		return NULL;
	}
	presence_add(slot, 1);
	flow = bpf_map_lookup_elem(&flows, &event->key);
	if (!flow)
		return NULL;
	flow->id = flow->first_ns = event->header.time_ns;
	flow->slot = slot;
	flow->client_is_local = event->hook == TLSTRACE_EGRESS;
	return flow;
}

#endif
