/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Following a handshake through its TCP segments: which bytes of each are copied.
 * Plaintext handshake, alert and ChangeCipherSpec records whole, of encrypted records the header.
 */
#ifndef TLSTRACE_TRACK_BPF_H
#define TLSTRACE_TRACK_BPF_H

#include "maps.bpf.h"
#include "hello.bpf.h"
#include "packet.bpf.h"
#include "socket.bpf.h"

#ifndef barrier_var
#define barrier_var(variable) asm volatile("" : "+r"(variable))
#endif

/* Forget what registers hold: the next reads come from memory, unknown to the verifier. */
#define reload() asm volatile("" ::: "memory")

#define RECORDS_PER_PACKET 12

static __always_inline __s32 sequence_diff(__u32 a, __u32 b)
{
	return (__s32)(a - b);
}

static __always_inline void presence_add(__u32 slot, __s64 step)
{
	__u64 *count = bpf_map_lookup_elem(&presence, &slot);

	if (count)
		__sync_fetch_and_add(count, step);
}

static __always_inline void flow_key_make(struct __sk_buff *skb, const struct packet *packet,
					  __u8 hook, struct tlstrace_flow_key *key)
{
	struct sk_buff *kernel_skb = (void *)skb;
	bool out = hook == TLSTRACE_EGRESS;

	key->netns = BPF_CORE_READ(kernel_skb, dev, nd_net.net, ns.inum);
	key->ifindex = skb->ifindex;
	__builtin_memcpy(key->local_address, out ? packet->source : packet->destination, 16);
	__builtin_memcpy(key->remote_address, out ? packet->destination : packet->source, 16);
	key->local_port = out ? packet->source_port : packet->destination_port;
	key->remote_port = out ? packet->destination_port : packet->source_port;
	key->protocol = IPPROTO_TCP;
}

/* State of the socket a packet still carries: at the first TC hook that it crosses. */
static __always_inline struct tlstrace_socket *sender_find(struct __sk_buff *skb, __u64 *address)
{
	struct sk_buff *kernel_skb = (void *)skb;
	struct bpf_sock *sk = skb->sk;

	*address = (__u64)BPF_CORE_READ(kernel_skb, sk);
	if (!*address || !sk)
		return NULL;
	if (!use_socket_storage)
		return bpf_map_lookup_elem(&socket_hash, address);
	sk = bpf_sk_fullsock(sk);
	return sk ? bpf_sk_storage_get(&socket_storage, sk, NULL, 0) : NULL;
}

/* A ClientHello for this host: its socket is known before anything answers. Returns the socket's id. */
static __noinline __u64 receiver_follow(struct __sk_buff *skb, const struct packet *packet,
					struct scratch *scratch, __u64 now)
{
	struct tlstrace_socket *state = NULL;
	struct bpf_sock_tuple *tuple;
	__u64 id = 0, address;
	struct bpf_sock *sk;

	if (!packet || !scratch)
		return 0;
	tuple = (void *)scratch->data; /* nothing was copied yet; the stack is too small */
	if (packet->source[10] == 0xff && packet->source[0] == 0) {
		__builtin_memcpy(&tuple->ipv4.saddr, packet->source + 12, 4);
		__builtin_memcpy(&tuple->ipv4.daddr, packet->destination + 12, 4);
		tuple->ipv4.sport = bpf_htons(packet->source_port);
		tuple->ipv4.dport = bpf_htons(packet->destination_port);
		sk = bpf_skc_lookup_tcp(skb, tuple, sizeof(tuple->ipv4), BPF_F_CURRENT_NETNS, 0);
	} else {
		__builtin_memcpy(&tuple->ipv6.saddr, packet->source, 16);
		__builtin_memcpy(&tuple->ipv6.daddr, packet->destination, 16);
		tuple->ipv6.sport = bpf_htons(packet->source_port);
		tuple->ipv6.dport = bpf_htons(packet->destination_port);
		sk = bpf_skc_lookup_tcp(skb, tuple, sizeof(tuple->ipv6), BPF_F_CURRENT_NETNS, 0);
	}
	if (!sk)
		return 0;
	/* Through memory: the verifier lets no arithmetic be done on a socket, CO-RE reads need it. */
	*(volatile __u64 *)&scratch->event.receiver = (__u64)sk;
	address = *(volatile __u64 *)&scratch->event.receiver;
	if (use_socket_storage) {
		struct bpf_sock *full = bpf_sk_fullsock(sk);

		if (full && full->state != BPF_TCP_LISTEN)
			state = bpf_sk_storage_get(&socket_storage, full, NULL, 0);
	} else {
		state = bpf_map_lookup_elem(&socket_hash, &address);
	}
	if (state) {
		socket_follow(state, (void *)address, TLSTRACE_ROLE_SERVER, now);
		id = state->id;
	}
	bpf_sk_release(sk);
	return id;
}

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

static __always_inline void direction_cut(struct direction *direction,
					  struct tlstrace_packet_event *event, __u32 counter)
{
	direction->done = 1;
	event->flags |= TLSTRACE_PACKET_CUT;
	counter_add(counter);
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
		 * Behind a ChangeCipherSpec it is encrypted (TLS 1.2), unless this is the hello
		 * behind a HelloRetryRequest in compatibility mode (RFC 8446 appendix D.4).
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
	/* On paths that cannot be, 6.1 believes in bounds like "above 5, below 4": the mask mends them. */
	have &= 15;
	if (have >= HELLO_PREFIX || take >= HELLO_PREFIX)
		return -1;
	return bpf_skb_load_bytes(skb, offset, direction->header + have, take + 1);
}

enum follow_result {
	FOLLOW_ON,
	FOLLOW_DROP, /* not a handshake after all */
};

/*
 * One step: collect header bytes at scratch->offset, and when the record is known, note what to copy and
 * move it behind the record.
 */
static __noinline int record_follow(struct __sk_buff *skb, const struct packet *packet,
					 struct flow *flow, struct direction *direction,
					 struct scratch *scratch)
{
	struct tlstrace_packet_event *event = &scratch->event;
	__u32 have = direction->have, want = RECORD_HEADER, take, body, record_start;
	int plain;

	if (!skb || !packet || !flow || !direction || !scratch)
		return FOLLOW_DROP;
	if (have >= RECORD_HEADER || !flow->confirmed)
		want = HELLO_PREFIX;
	if (!flow->confirmed && have >= RECORD_HEADER &&
	    record_length(direction->header) + RECORD_HEADER < want)
		want = record_length(direction->header) + RECORD_HEADER;
	/* The first record: its header alone first, since the record may be shorter than the prefix. */
	if (!flow->confirmed && have < RECORD_HEADER)
		want = RECORD_HEADER;
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
	if (flow->confirmed && !slice_add(event, scratch->offset, take))
		direction_cut(direction, event, TLSTRACE_COUNT_SLICES);
	scratch->offset += take;
	direction->next += take;
	have += take;
	direction->have = have;
	if (!flow->confirmed) {
		if (!hello_matches(direction->header, have, 1))
			return FOLLOW_DROP;
		if (have < RECORD_HEADER + 1 ||
		    (have < HELLO_PREFIX && have < RECORD_HEADER + record_length(direction->header)))
			return FOLLOW_ON;
		flow->confirmed = 1;
		__builtin_memcpy(flow->prefix, direction->header, HELLO_PREFIX);
		record_start = direction->next - have;
		/* The part of the header that is in this packet; the rest is told from the state. */
		if (sequence_diff(record_start, packet->sequence) >= 0)
			slice_add(event, record_start - packet->sequence, have);
		else
			slice_add(event, 0, direction->next - packet->sequence);
	}
	if (have < RECORD_HEADER)
		return FOLLOW_ON;
	if (!record_valid(direction->header)) {
		/* An answer that is not TLS (plaintext HTTP): these five bytes say so. */
		direction->done = 1;
		return FOLLOW_ON;
	}
	plain = record_is_plain(direction);
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
		take = packet->length - scratch->offset;
		if (take > body)
			take = body;
		if (!slice_add(event, scratch->offset, take))
			direction_cut(direction, event, TLSTRACE_COUNT_SLICES);
	}
	scratch->offset += body;
	return FOLLOW_ON;
}

/* Choose what to copy of a segment of a tracked flow. */
static __noinline int segment_follow(struct __sk_buff *skb, const struct packet *packet,
					  struct flow *flow, struct direction *direction,
					  struct scratch *scratch)
{
	struct tlstrace_packet_event *event = &scratch->event;
	__u32 offset = 0, length;
	__s32 behind, from;
	int i;

	if (!skb || !packet || !flow || !direction || !scratch)
		return FOLLOW_DROP;
	length = packet->length;
	if (!direction->synchronised) {
		direction->synchronised = 1;
		direction->plain = 1;
		direction->next = direction->plain_from = direction->highest = packet->sequence;
	}
	if (sequence_diff(packet->sequence, direction->highest) < 0)
		event->flags |= TLSTRACE_PACKET_RETRANSMIT;
	if (sequence_diff(packet->sequence + length, direction->highest) > 0)
		direction->highest = packet->sequence + length;

	behind = sequence_diff(packet->sequence, direction->next);
	if (behind > 0) {
		/* A hole: where records begin is unknown. Copy until encryption was seen. */
		event->flags |= TLSTRACE_PACKET_OUT_OF_ORDER;
		if (!direction->plain || direction->changed || direction->encrypted)
			return FOLLOW_ON;
		direction->gap_copied += length;
		if (direction->gap_copied > TLSTRACE_GAP_BUDGET) {
			direction_cut(direction, event, TLSTRACE_COUNT_COPY_BUDGET);
			return FOLLOW_ON;
		}
		slice_add(event, 0, length);
		return FOLLOW_ON;
	}
	if (behind < 0) {
		/* The rest of the current record, or something seen before. */
		offset = -behind;
		if (direction->plain && flow->confirmed) {
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
		reload();
		if (scratch->offset >= packet->length || direction->done)
			return FOLLOW_ON;
		if (record_follow(skb, packet, flow, direction, scratch) == FOLLOW_DROP)
			return FOLLOW_DROP;
	}
	if (scratch->offset >= packet->length)
		return FOLLOW_ON;
	/* Small records of an application, joined by GSO behind the handshake: nothing of it is missed. */
	if (flow->directions[0].encrypted && flow->directions[1].encrypted) {
		direction->done = 1;
		event->length = scratch->offset;
	} else {
		direction_cut(direction, event, TLSTRACE_COUNT_SLICES);
	}
	return FOLLOW_ON;
}

/* Send the event with the data collected so far. */
static __always_inline void event_output(struct scratch *scratch, struct flow *flow)
{
	struct tlstrace_packet_event *event = &scratch->event;
	__u64 size = event->data_length;

	barrier_var(size); /* or clang proves the bound away that the verifier wants to see */
	if (size > TLSTRACE_DATA_MAX)
		return;
	size += sizeof(*event);
	event->header.size = size;
	if (flow->lost)
		event->flags |= TLSTRACE_PACKET_LOST_BEFORE;
	if (scratch->hello)
		event->flags |= TLSTRACE_PACKET_HELLO;
	else
		event->flags &= ~TLSTRACE_PACKET_HELLO;
	if (bpf_ringbuf_output(&events, scratch, size, 0)) {
		flow->lost = 1;
		counter_add(scratch->hello ? TLSTRACE_COUNT_HELLOS_RING_FULL :
					     TLSTRACE_COUNT_PACKETS_RING_FULL);
	}
	scratch->hello = 0;
}

/* Copy bytes of the frame behind the event. The barriers keep the bounds where the verifier sees them. */
static __always_inline int scratch_fill(struct __sk_buff *skb, __u32 offset,
					struct scratch *scratch, __u64 position, __u64 length)
{
	/* Less one: a single comparison excludes 0 too, which 6.1 does not learn from length == 0. */
	length--;
	barrier_var(position);
	barrier_var(length);
	if (position > TLSTRACE_DATA_MAX || length >= TLSTRACE_DATA_MAX)
		return -1;
	return bpf_skb_load_bytes(skb, offset, scratch->data + position, length + 1);
}

/*
 * The event is full: send it as the beginning of the segment and start anew behind it. What is left
 * is one run of plaintext: nothing else is that long.
 */
static __always_inline void segment_split(const struct packet *packet, struct flow *flow,
					  struct scratch *scratch, __u32 offset, __u32 length)
{
	struct tlstrace_packet_event *event = &scratch->event;

	event->length = offset;
	event->slice_count = scratch->index + 1;
	event->data_length = scratch->position;
	event_output(scratch, flow);
	event->segments = 0; /* counted */
	event->sequence += offset;
	event->length = packet->length - (event->sequence - packet->sequence);
	event->slices[0].offset = 0;
	event->slices[0].length = length;
	event->slice_count = 1;
	scratch->index = scratch->done = scratch->position = 0;
}

/* Copy what fits of the current slice. False when all are copied or one cannot be. */
static __noinline int slice_copy(struct __sk_buff *skb, const struct packet *packet,
				       struct flow *flow, struct direction *direction,
				       struct scratch *scratch)
{
	struct tlstrace_packet_event *event = &scratch->event;
	__u32 index = scratch->index, offset, length, room;
	struct tlstrace_slice *slice;

	if (index >= event->slice_count || index >= TLSTRACE_SLICES_MAX)
		return false;
	slice = &event->slices[index];
	offset = slice->offset + scratch->done;
	length = slice->length - scratch->done;
	room = TLSTRACE_DATA_MAX - scratch->position;
	if (room == 0) {
		slice->length = scratch->done;
		segment_split(packet, flow, scratch, offset, length);
		return true;
	}
	if (length > room)
		length = room;
	if (scratch_fill(skb, packet->payload + (event->sequence - packet->sequence) + offset,
			 scratch, scratch->position, length)) {
		counter_add(TLSTRACE_COUNT_LOAD_FAILED);
		return false;
	}
	scratch->position += length;
	scratch->done += length;
	direction->copied += length;
	if (scratch->done >= slice->length) {
		scratch->index = index + 1;
		scratch->done = 0;
	}
	return true;
}

/*
 * Copy the chosen slices behind the event and send it; what does not fit follows in further events,
 * each of which covers its own part of the segment.
 */
static __always_inline void segment_send(struct __sk_buff *skb, const struct packet *packet,
					 struct flow *flow, struct direction *direction,
					 struct scratch *scratch)
{
	struct tlstrace_packet_event *event = &scratch->event;
	int i;

	scratch->index = scratch->done = scratch->position = 0;
	for (i = 0; i < TLSTRACE_SLICES_MAX + 8; i++) {
		reload();
		if (!slice_copy(skb, packet, flow, direction, scratch))
			break;
	}
	event->data_length = scratch->position;
	if (direction->copied > TLSTRACE_COPY_BUDGET)
		direction_cut(direction, event, TLSTRACE_COUNT_COPY_BUDGET);
	event_output(scratch, flow);
}

/* A ClientHello that came in pieces too small to be known for one: its beginning, from the state. */
static __always_inline void hello_begin_send(struct flow *flow, const struct packet *packet,
					     struct scratch *scratch)
{
	struct tlstrace_packet_event *event = &scratch->event;
	__u64 now = event->header.time_ns;
	__u32 missing = packet->sequence - flow->start;
	__u32 count = event->slice_count, length = event->length, segments = event->segments;
	struct tlstrace_slice first = event->slices[0];

	if (missing == 0 || missing > HELLO_PREFIX)
		return;
	__builtin_memcpy(scratch->data, flow->prefix, HELLO_PREFIX);
	event->header.time_ns = flow->first_ns;
	event->sequence = flow->start;
	event->length = event->data_length = missing;
	event->slices[0].offset = 0;
	event->slices[0].length = missing;
	event->slice_count = 1;
	event->segments = flow->pieces;
	event_output(scratch, flow);
	event->segments = segments;
	event->header.time_ns = now;
	event->sequence = packet->sequence;
	event->length = length;
	event->slices[0] = first;
	event->slice_count = count;
}

static __always_inline void flow_delete(const struct tlstrace_flow_key *key, __u32 slot)
{
	if (bpf_map_delete_elem(&flows, key) == 0)
		presence_add(slot, -1);
}

/* The first payload that looks like a ClientHello, on any port, at any time of a connection. */
static __always_inline void flow_begin(struct __sk_buff *skb, const struct packet *packet,
				       const struct tlstrace_flow_key *key, __u8 hook, __u64 now)
{
	__u8 prefix[HELLO_PREFIX] = {};
	struct direction *direction;
	struct flow *flow;
	__u32 length = packet->length, whole = 0;

	if (length >= HELLO_PREFIX) {
		if (packet_load_bytes(skb, packet->payload, prefix, HELLO_PREFIX))
			return;
		whole = hello_v2_length(prefix);
	}
	if (bpf_map_update_elem(&flows, key, (const void *)&flow_zero, BPF_NOEXIST)) {
		counter_add(TLSTRACE_COUNT_HELLOS);
		counter_add(TLSTRACE_COUNT_HELLOS_FLOWS_FULL);
		return;
	}
	presence_add(packet->slot, 1);
	flow = bpf_map_lookup_elem(&flows, key);
	if (!flow)
		return;
	flow->id = flow->first_ns = now;
	flow->slot = packet->slot;
	flow->start = packet->sequence;
	flow->client_is_local = hook == TLSTRACE_EGRESS;
	direction = &flow->directions[1];
	direction->synchronised = direction->plain = 1;
	direction->next = direction->plain_from = direction->highest = packet->sequence;
	if (whole) {
		/* SSLv2-style: no record header, all of it is the hello. */
		flow->confirmed = 1;
		direction->next += whole;
	}
	/* What the server may send next is what the client has acknowledged; unknown in a SYN. */
	if (packet->flags & TCP_ACK) {
		direction = &flow->directions[0];
		direction->synchronised = direction->plain = 1;
		direction->next = direction->plain_from = direction->highest =
			packet->acknowledgement;
	}
}

/* Cheap enough for every packet: could this payload begin a ClientHello? */
static __always_inline bool payload_may_begin(struct __sk_buff *skb, const struct packet *packet)
{
	__u8 prefix[HELLO_PREFIX] = {};

	if (packet->length >= HELLO_PREFIX) {
		if (packet_load_bytes(skb, packet->payload, prefix, HELLO_PREFIX))
			return false;
		return hello_matches(prefix, HELLO_PREFIX, 1) || hello_v2_length(prefix);
	}
	if (!packet->length || packet_load_bytes(skb, packet->payload, prefix, 1))
		return false;
	return prefix[0] == RECORD_HANDSHAKE;
}

/* Name the sockets at hand, and follow them from now on. */
static __always_inline void sockets_name(struct __sk_buff *skb, const struct packet *packet,
					 struct scratch *scratch)
{
	struct tlstrace_packet_event *event = &scratch->event;
	__u64 now = event->header.time_ns, address = 0, receiver;
	struct tlstrace_socket *sender;

	sender = sender_find(skb, &address);
	if (sender) {
		if (scratch->hello)
			socket_follow(sender, (void *)address, TLSTRACE_ROLE_CLIENT, now);
		else if (!event->from_client && packet->length)
			socket_follow(sender, (void *)address, TLSTRACE_ROLE_SERVER, now);
		event->sender = sender->id;
	} else if (scratch->hello && event->hook == TLSTRACE_INGRESS) {
		receiver = receiver_follow(skb, packet, scratch, now);
		event->receiver = receiver;
	}
}

/* A packet of a flow that is tracked; the flow's key, the hook and the time are in the event. */
static __noinline int flow_follow(struct __sk_buff *skb)
{
	struct tlstrace_packet_event *event;
	const struct packet *packet;
	struct direction *direction;
	struct scratch *scratch;
	__u32 zero = 0, before;
	bool ends_record;
	struct flow *flow;
	__u64 index;

	scratch = bpf_map_lookup_elem(&scratches, &zero);
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
	scratch->was_confirmed = flow->confirmed;
	if (!index && !flow->confirmed)
		return 0;
	event->flow_id = flow->id;
	event->from_client = index;
	if (packet->length && !direction->done &&
	    segment_follow(skb, packet, flow, direction, scratch) == FOLLOW_DROP) {
		flow_delete(&event->key, packet->slot);
		return 0;
	}
	reload();
	if (!flow->confirmed) {
		flow->pieces++;
		return 0;
	}
	/* A hello in SSLv2 style is confirmed before its first byte is looked at. */
	scratch->hello = event->from_client && !direction->copied && event->slice_count;
	ends_record = sequence_diff(packet->sequence, before) < 0 &&
		      sequence_diff(packet->sequence + packet->length, before) >= 0;
	if (!event->slice_count && !event->flags && !ends_record &&
	    !(packet->flags & (TCP_FIN | TCP_RST)))
		return 0;
	sockets_name(skb, packet, scratch);
	if (scratch->hello) {
		counter_add(TLSTRACE_COUNT_HELLOS);
		if (!scratch->was_confirmed)
			hello_begin_send(flow, packet, scratch);
	}
	reload();
	segment_send(skb, packet, flow, direction, scratch);
	if (packet->flags & TCP_FIN)
		direction->finished = 1;
	if (packet->flags & TCP_RST || (flow->directions[0].finished && flow->directions[1].finished) ||
	    (flow->directions[0].done && flow->directions[1].done))
		flow_delete(&event->key, packet->slot);
	return 0;
}

/*
 * A packet that belongs to a handshake, or begins one (then 1, and the event is begun), or only
 * shares a slot of the filter with one (0).
 */
static __noinline int flow_find(struct __sk_buff *skb, const struct packet *packet, __u8 hook)
{
	struct tlstrace_packet_event *event;
	struct scratch *scratch;
	struct flow *flow;
	__u32 zero = 0;

	if (!packet)
		return 0;
	scratch = bpf_map_lookup_elem(&scratches, &zero);
	if (!scratch)
		return 0;
	event = &scratch->event;
	flow_key_make(skb, packet, hook, &event->key);
	flow = bpf_map_lookup_elem(&flows, &event->key);
	if (flow && packet->flags & TCP_SYN && !(packet->flags & TCP_ACK)) {
		flow_delete(&event->key, packet->slot); /* the ports are used again */
		flow = NULL;
	}
	event->header.type = TLSTRACE_EVENT_PACKET;
	event->header.time_ns = bpf_ktime_get_ns();
	event->sender = event->receiver = 0;
	event->sequence = packet->sequence;
	event->acknowledgement = packet->acknowledgement;
	event->length = packet->length;
	event->hook = hook;
	event->tcp_flags = packet->flags;
	event->flags = 0;
	event->slice_count = 0;
	event->segments = skb->gso_segs > 1 ? skb->gso_segs : 1;
	event->datagram_size = 0;
	scratch->hello = 0;
	scratch->packet = *packet;
	if (!flow) {
		if (!payload_may_begin(skb, packet))
			return 0;
		flow_begin(skb, packet, &event->key, hook, event->header.time_ns);
	}
	return 1;
}

/* The body of the TC programs. */
static __always_inline int packet_look(struct __sk_buff *skb, __u8 hook, bool has_mac)
{
	struct packet packet;
	__u64 *present;

	if (packet_parse(skb, has_mac, &packet))
		return TCX_NEXT;
	present = bpf_map_lookup_elem(&presence, &packet.slot);
	if (!(present && *present) && !payload_may_begin(skb, &packet))
		return TCX_NEXT;
	if (flow_find(skb, &packet, hook))
		flow_follow(skb);
	return TCX_NEXT;
}

#endif
