/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The table of flows and its presence filter. */
#ifndef TLSTRACE_FLOW_BPF_H
#define TLSTRACE_FLOW_BPF_H

#include "maps.bpf.h"
#include "packet.bpf.h"
#include <bpf/bpf_core_read.h>

#define LOOPBACK_IFINDEX 1 /* include/net/net_namespace.h: the same in every namespace */
/* A packet waits for its softirq for less than this. */
#define LOOPBACK_TRANSIT_NS 100000000ULL

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

static __always_inline void flow_delete(const struct flow *flow,
					const struct tlstrace_flow_key *key)
{
	__u32 slot = flow->slot, alias_slot = flow->alias_slot;

	/* Whoever deletes it, user space or we, counts it down. */
	if (bpf_map_delete_elem(&flows, key))
		return;
	presence_add(slot, -1);
	if (alias_slot)
		presence_add(alias_slot - 1, -1);
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
	event->hole = event->reserved = 0;
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

/*
 * A ClientHello that a local socket sent over loopback before the trace began, and that arrives
 * after: its way out was not seen, and with it the socket that sent it.
 */
static __always_inline bool hello_left_before(struct scratch *scratch, __u64 begun_ns)
{
	/* Nothing was copied yet, and the stack is too small. */
	struct tlstrace_flow_key *out = (void *)scratch->data;
	const struct tlstrace_packet_event *event = &scratch->event;

	if (event->hook != TLSTRACE_INGRESS || event->key.ifindex != LOOPBACK_IFINDEX ||
	    event->header.time_ns - begun_ns > LOOPBACK_TRANSIT_NS)
		return false;
	*out = event->key;
	__builtin_memcpy(out->local_address, event->key.remote_address, 16);
	__builtin_memcpy(out->remote_address, event->key.local_address, 16);
	out->local_port = event->key.remote_port;
	out->remote_port = event->key.local_port;
	return !bpf_map_lookup_elem(&flows, out);
}

/* Are all programs in place that see the packets of a flow that begins with this event? */
static __always_inline bool flow_is_covered(struct scratch *scratch)
{
	const struct tlstrace_packet_event *event = &scratch->event;
	const struct tlstrace_control *phase = control_find();

	if (!phase || !phase->begun_ns || event->header.time_ns < phase->begun_ns)
		return false;
	if (scratch->packet.at_socket)
		return true;
	return bpf_map_lookup_elem(&attached, &event->key.ifindex) &&
	       !hello_left_before(scratch, phase->begun_ns);
}

/* The flow of the event, which is the first of it; NULL if there is no room, or no full view. */
static __always_inline struct flow *flow_new(struct scratch *scratch)
{
	const struct tlstrace_packet_event *event = &scratch->event;
	__u32 slot = scratch->packet.slot;
	struct flow *flow;

	if (!flow_is_covered(scratch)) {
		counter_add(TLSTRACE_COUNT_UNATTACHED);
		return NULL;
	}

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
