/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Following a handshake through its TCP segments: where a flow begins and where it ends. */
#ifndef TLSTRACE_TRACK_BPF_H
#define TLSTRACE_TRACK_BPF_H

#include "alias.bpf.h"
#include "datagram.bpf.h"
#include "flow.bpf.h"
#include "owner.bpf.h"
#include "records.bpf.h"
#include "room.bpf.h"

/* Empty records before a ClientHello: OpenSSL accepts up to 32; no known program sends them. */
#define WRAPPINGS_MAX 9
/* The PROXY protocol of haproxy: the longest header of version 1, the fixed part of version 2. */
#define PROXY_V1_MAX	107
#define PROXY_V2_HEADER 16

/* The first payload that looks like a ClientHello, on any port, at any time of a connection; or an
 * encrypted one. */
static __always_inline void flow_begin(struct __sk_buff *skb, struct scratch *scratch, bool again)
{
	const struct packet *packet = &scratch->packet;
	__u8 prefix[HELLO_PREFIX] = {};
	struct direction *direction;
	struct flow *flow;
	__u32 length = packet->length, whole = 0;

	if (length >= HELLO_PREFIX) {
		if (packet_load_bytes(skb, packet->payload, prefix, HELLO_PREFIX))
			return;
		whole = hello_v2_length(prefix);
	}
	flow = flow_new(scratch);
	if (!flow)
		return;
	flow->again = flow->confirmed = again;
	flow->directions[0].changed = flow->directions[1].changed = again;
	flow->start = packet->sequence;
	direction = &flow->directions[1];
	direction->synchronised = direction->plain = 1;
	direction->next = direction->plain_from = direction->highest = packet->sequence;
	if (whole) {
		/* SSLv2-style: no record header, all of it is the hello. */
		flow->confirmed = 1;
		direction->next += whole;
	}
	/* What the server may send next is what the client has acknowledged; unknown in a SYN. */
	if (packet->flags & TLSTRACE_TCP_ACK) {
		direction = &flow->directions[0];
		direction->synchronised = direction->plain = 1;
		direction->next = direction->plain_from = direction->highest =
			packet->acknowledgement;
	}
}

enum beginning {
	BEGINS_NOTHING,
	BEGINS_HELLO,
	BEGINS_RECORD,	/* a handshake record that may be an encrypted ClientHello */
	BEGINS_WRAPPED, /* what may precede a ClientHello in its segment */
};

/* Cheap enough for every packet: could this payload begin a ClientHello? */
static __always_inline int payload_beginning(struct __sk_buff *skb, const struct packet *packet)
{
	__u8 prefix[HELLO_PREFIX] = {};

	if (packet->length >= HELLO_PREFIX) {
		if (packet_load_bytes(skb, packet->payload, prefix, HELLO_PREFIX))
			return BEGINS_NOTHING;
		if (prefix[0] == RECORD_HANDSHAKE && hello_matches(prefix, HELLO_PREFIX, 1))
			return BEGINS_HELLO;
		if (hello_may_follow(prefix))
			return BEGINS_WRAPPED;
		if (prefix[0] != RECORD_HANDSHAKE)
			return hello_v2_length(prefix) ? BEGINS_HELLO : BEGINS_NOTHING;
		return hello_may_be_encrypted(prefix) ? BEGINS_RECORD : BEGINS_NOTHING;
	}
	if (!packet->length || packet_load_bytes(skb, packet->payload, prefix, 1))
		return BEGINS_NOTHING;
	return prefix[0] == RECORD_HANDSHAKE ? BEGINS_HELLO : BEGINS_NOTHING;
}

/* Of a flow whose handshake is over: does its client renegotiate? */
static __always_inline bool flow_renegotiates(const struct tlstrace_flow_key *key, __u8 hook)
{
	__u32 *client_is_local = bpf_map_lookup_elem(&finished_flows, key);

	return client_is_local && !!*client_is_local == (hook == TLSTRACE_EGRESS);
}

/* Does the packet acknowledge more than those before it did? What arrived is evidence of its own.
 */
static __always_inline bool acknowledges(struct direction *direction, const struct packet *packet)
{
	__u32 before = direction->acked;

	if (!(packet->flags & TLSTRACE_TCP_ACK) ||
	    (before && sequence_diff(packet->acknowledgement, before) <= 0))
		return false;
	direction->acked = packet->acknowledgement;
	return true;
}

/* Does the segment begin a hello, and is it another one of the same connection? */
static __always_inline void hello_mark(struct scratch *scratch, const struct flow *flow)
{
	struct tlstrace_packet_event *event = &scratch->event;
	/* A hello in SSLv2 style is confirmed before its first byte is looked at. */
	bool first = !scratch->direction.copied && event->slice_count;

	scratch->hello = event->from_client && first && !flow->again;
	scratch->again = first && flow->again;
	if (scratch->again && event->from_client)
		event->flags |= TLSTRACE_PACKET_AGAIN;
}

/* Name the sockets of a segment that user space is to see, and send it. */
static __always_inline void segment_report(struct __sk_buff *skb, struct flow *flow,
					   struct scratch *scratch, __u32 slot)
{
	struct tlstrace_packet_event *event = &scratch->event;
	const struct packet *packet = &scratch->packet;
	__u64 index = event->from_client;

	sockets_name(skb, packet, flow, scratch);
	if (event->sender)
		flow->sockets[index & 1] = event->sender;
	if (event->receiver)
		flow->sockets[!index] = event->receiver;
	flow_kind_raise(flow, slot, event->sender || event->receiver, !index && packet->length);
	if (scratch->hello) {
		counter_add(TLSTRACE_COUNT_HELLOS);
		if (!flow->confirmed)
			hello_begin_send(flow, scratch);
	}
	reload();
	segment_send(skb, scratch, slot);
}

/* A packet of a flow that is tracked. The event, begun, has the flow's key, the hook and the time.
 */
__noinline int flow_follow(struct __sk_buff *skb, __u32 slot)
{
	struct scratch *scratch = scratch_find(slot);
	struct tlstrace_packet_event *event;
	const struct packet *packet;
	struct direction *direction;
	struct flow *flow;
	__u32 before;
	bool ends_record, acks;
	__u64 index;

	if (!scratch)
		return 0;
	event = &scratch->event;
	packet = &scratch->packet;
	flow = bpf_map_lookup_elem(&flows, &event->key);
	if (!flow)
		return 0;
	index = (event->hook == TLSTRACE_EGRESS) == !!flow->client_is_local;
	barrier_var(index);
	direction = &flow->directions[index & 1];
	before = direction->next;
	if (!index && !flow->confirmed)
		return 0;
	event->flow_id = flow->id;
	event->from_client = index;
	flow_take(flow, direction, scratch);
	scratch->peer_encrypted = !!flow->directions[!index].encrypted;
	acks = acknowledges(&scratch->direction, packet);
	if (packet->length && !direction->done &&
	    segment_follow(skb, scratch, slot) == FOLLOW_DROP) {
		flow_delete(flow, &event->key);
		return 0;
	}
	reload();
	if (!scratch->confirmed) {
		flow_give(flow, direction, scratch);
		flow->pieces++;
		return 0;
	}
	hello_mark(scratch, flow);
	ends_record = sequence_diff(packet->sequence, before) < 0 &&
		      sequence_diff(packet->sequence + packet->length, before) >= 0;
	if (!event->slice_count && !event->flags && !event->hole && !ends_record && !acks &&
	    !(packet->flags & (TLSTRACE_TCP_FIN | TLSTRACE_TCP_RST))) {
		flow_give(flow, direction, scratch);
		return 0;
	}
	segment_report(skb, flow, scratch, slot);
	if (packet->flags & TLSTRACE_TCP_FIN)
		scratch->direction.finished = 1;
	flow_give(flow, direction, scratch);
	if (packet->flags & TLSTRACE_TCP_RST ||
	    (flow->directions[0].finished && flow->directions[1].finished) ||
	    (flow->directions[0].done && flow->directions[1].done))
		flow_delete(flow, &event->key);
	return 0;
}

/* Size of what precedes a ClientHello in its segment; 0: it is not what it looked like. */
static __always_inline __u32 wrapping_size(struct __sk_buff *skb, struct scratch *scratch)
{
	const struct packet *packet = &scratch->packet;
	__u8 *text = scratch->data; /* nothing was copied yet */
	__u32 length = packet->length;
	int i;

	if (bpf_skb_load_bytes(skb, packet->payload, text, PROXY_V2_HEADER))
		return 0;
	if (text[0] == RECORD_HANDSHAKE)
		return RECORD_HEADER;
	if (text[0] != 'P')
		return PROXY_V2_HEADER + ((__u32)text[14] << 8 | text[15]);
	if (length > PROXY_V1_MAX)
		length = PROXY_V1_MAX;
	if (scratch_fill(skb, packet->payload, scratch, 0, length))
		return 0;
	for (i = HELLO_PREFIX; i < PROXY_V1_MAX; i++)
		if (text[i - 1] == '\r' && text[i] == '\n')
			return i + 1;
	return 0;
}

/*
 * Look for the ClientHello after empty records or a PROXY header; from now on the packet begins
 * there. Returns whether there is one.
 */
__noinline int hello_unwrap(struct __sk_buff *skb, __u32 slot)
{
	struct scratch *scratch = scratch_find(slot);
	struct packet *packet;
	__u32 size;
	int i, beginning;

	if (!scratch)
		return false;
	packet = &scratch->packet;
	for (i = 0; i < WRAPPINGS_MAX; i++) {
		beginning = payload_beginning(skb, packet);
		if (beginning != BEGINS_WRAPPED)
			return beginning == BEGINS_HELLO;
		size = wrapping_size(skb, scratch);
		if (!size || size >= packet->length || size > 2048)
			return false;
		packet->payload += size;
		packet->sequence += size;
		packet->length -= size;
		scratch->event.sequence = packet->sequence;
		scratch->event.length = packet->length;
		reload();
	}
	return false;
}

/*
 * After a handshake the client says another hello in clear: StartTLS of LDAP can end and begin
 * again, and so can that of FTP. Else it is the second hello of a handshake, or repeated.
 */
static __always_inline bool flow_is_followed_by(const struct flow *flow,
						const struct packet *packet)
{
	const struct direction *server = &flow->directions[0], *client = &flow->directions[1];

	return flow->confirmed && packet->length >= HELLO_PREFIX &&
	       (packet->hook == TLSTRACE_EGRESS) == !!flow->client_is_local &&
	       (client->encrypted || client->done) && (server->encrypted || server->done) &&
	       sequence_diff(packet->sequence, client->highest) >= 0;
}

/* A packet that belongs to a handshake (true), begins one (true, too), or only shares a slot of the
 * filter with one. */
static __always_inline bool flow_find(struct __sk_buff *skb, struct scratch *scratch, __u32 slot)
{
	const struct tlstrace_flow_key *key = &scratch->event.key;
	const struct packet *packet = &scratch->packet;
	struct flow *flow = bpf_map_lookup_elem(&flows, key);
	int beginning;

	if (!flow)
		flow = alias_find(scratch);
	if (flow && packet->flags & TLSTRACE_TCP_SYN && !(packet->flags & TLSTRACE_TCP_ACK)) {
		flow_delete(flow, key); /* the ports are used again */
		flow = NULL;
	}
	if (flow && !flow_is_followed_by(flow, packet))
		return true;
	beginning = payload_beginning(skb, packet);
	if (flow && beginning != BEGINS_HELLO)
		return true;
	if (beginning == BEGINS_NOTHING ||
	    (beginning == BEGINS_RECORD && !flow_renegotiates(key, packet->hook)) ||
	    (beginning == BEGINS_WRAPPED && !hello_unwrap(skb, slot)))
		return false;
	if (flow)
		flow_delete(flow, key);
	flow_begin(skb, scratch, beginning == BEGINS_RECORD);
	place_take(slot, FLOW_STRANGER);
	return true;
}

/* A packet that may matter, which is in its scratch. */
__noinline int packet_follow(struct __sk_buff *skb, __u32 slot)
{
	struct scratch *scratch = scratch_find(slot);

	if (!scratch || trace_ended())
		return 0;
	event_begin(skb, scratch);
	if (scratch->packet.protocol == PROTOCOL_UDP)
		datagram_follow(skb, slot);
	else if (flow_find(skb, scratch, slot))
		flow_follow(skb, slot);
	return 0;
}

/* Cheap enough for every packet: is it part of a handshake, or may it begin one? */
static __always_inline bool packet_matters(struct __sk_buff *skb, bool has_mac,
					   struct packet *packet)
{
	__u64 *present;

	if (packet_parse(skb, has_mac, packet))
		return false;
	present = bpf_map_lookup_elem(&presence, &packet->slot);
	if (present && *present)
		return true;
	if (packet->protocol == PROTOCOL_UDP)
		return datagram_may_begin(skb, packet);
	return payload_beginning(skb, packet) != BEGINS_NOTHING;
}

/* What follows does not look at the caller's stack: see struct scratch. */
static __always_inline void packet_hand_over(struct __sk_buff *skb, const struct packet *packet,
					     __u32 slot)
{
	struct scratch *scratch = scratch_find(slot);

	if (!scratch)
		return;
	scratch->packet = *packet;
	packet_follow(skb, slot);
}

/* The body of the TC programs. */
static __always_inline int packet_look(struct __sk_buff *skb, __u8 hook, bool has_mac)
{
	struct packet packet;

	if (!packet_matters(skb, has_mac, &packet))
		return TCX_NEXT;
	packet.hook = hook;
	packet.at_socket = 0;
	packet_hand_over(skb, &packet, bpf_get_smp_processor_id());
	return TCX_NEXT;
}

/*
 * The body of the cgroup programs, which see what any socket of any network namespace sends and
 * receives. The one whose devices have TC programs is left to these: they see what is forwarded,
 * too.
 */
static __always_inline int packet_look_at_socket(struct __sk_buff *skb, __u8 hook)
{
	struct sk_buff *kernel_skb = (void *)skb;
	struct packet packet;
	__u32 slot;

	if (device_netns_cookie && bpf_get_netns_cookie(skb) == device_netns_cookie)
		return CGROUP_PASS;
	if (!packet_matters(skb, false, &packet))
		return CGROUP_PASS;
	if (BPF_CORE_READ(kernel_skb, dev, nd_net.net, ns.inum) == device_netns)
		return CGROUP_PASS;
	packet.hook = hook;
	packet.at_socket = 1;
	if (hook == TLSTRACE_INGRESS) {
		packet_hand_over(skb, &packet, bpf_get_smp_processor_id());
		return CGROUP_PASS;
	}
	if (bpf_map_pop_elem(&free_scratches, &slot)) {
		counter_add(TLSTRACE_COUNT_LOAD_FAILED);
		return CGROUP_PASS;
	}
	packet_hand_over(skb, &packet, slot);
	bpf_map_push_elem(&free_scratches, &slot, BPF_ANY);
	return CGROUP_PASS;
}

#endif
