/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Who owns the ends of a UDP flow. A UDP socket may serve many flows and several processes, so an
 * owner belongs to one end of one flow, and sockets without a handshake have no state.
 */
#ifndef TLSTRACE_DATAGRAM_SOCKET_BPF_H
#define TLSTRACE_DATAGRAM_SOCKET_BPF_H

#include "copy.bpf.h"
#include "socket.bpf.h"

#define EPHEMERAL_ID (1ULL << 63) /* not an id of a TCP socket, bpf/socket.bpf.h */

static __always_inline __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

/* The id of a socket's end of a flow: the same wherever the packet still carries the socket. */
static __always_inline __u64 datagram_end_id(__u64 address, const __u8 *peer, __u32 ports)
{
	__u64 hash = mix(0, address);
	__u32 part;
	int i;

	for (i = 0; i < 4; i++) {
		__builtin_memcpy(&part, peer + 4 * i, sizeof(part));
		hash = mix(hash, part);
	}
	return mix(hash, ports) | EPHEMERAL_ID;
}

static __always_inline struct datagram_socket *datagram_socket_find(struct sock *sk)
{
	__u64 key = (__u64)sk;

	if (use_socket_storage)
		return bpf_sk_storage_get(&datagram_storage, sk, NULL, 0);
	return bpf_map_lookup_elem(&datagram_hash, &key);
}

/* From now on, operations on this socket are reported as those of this end. */
static __always_inline void datagram_socket_follow(struct bpf_sock *sk, __u64 address, __u64 id,
						   __u8 role)
{
	struct datagram_socket fresh = {.id = id, .role = role}, *state;

	if (!use_socket_storage) {
		bpf_map_update_elem(&datagram_hash, &address, &fresh, BPF_ANY);
		return;
	}
	state = bpf_sk_storage_get(&datagram_storage, sk, &fresh, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state) {
		counter_add(TLSTRACE_COUNT_SOCKETS_FULL);
		return;
	}
	state->operations = 0;
	state->role = role;
	state->id = id;
}

/* The task wrote, read, or is not known. */
static __always_inline void datagram_socket_tell(const struct sock *sk, __u64 id, __u8 role,
						 __u32 kind, struct task_struct *writer,
						 struct task_struct *reader, __s32 detail)
{
	struct tlstrace_socket_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		counter_add(TLSTRACE_COUNT_SOCKETS_RING_FULL);
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->header.type = TLSTRACE_EVENT_SOCKET;
	event->header.size = sizeof(*event);
	event->header.time_ns = bpf_ktime_get_ns();
	event->kind = kind;
	event->detail = detail;
	tuple_read(&event->socket, sk);
	event->socket.id = id;
	event->socket.role = role;
	event->socket.followed = 1;
	if (writer)
		task_read(&event->socket.writer, writer);
	if (reader)
		task_read(&event->socket.reader, reader);
	bpf_ringbuf_submit(event, event_wakes());
}

/*
 * In the context of the task, after it wrote or read. A server's socket has others' packets too:
 * that tells who serves, but not when this handshake was read or answered.
 */
static __always_inline void datagram_socket_used(struct sock *sk, __u32 kind, __s32 bytes)
{
	struct datagram_socket *state = datagram_socket_find(sk);
	struct task_struct *task;
	bool wrote = kind == TLSTRACE_SOCKET_WRITE;
	__u64 id;

	if (!state || !state->id || trace_ended())
		return;
	id = state->id;
	if (++state->operations >= TLSTRACE_DATAGRAM_BUDGET ||
	    (state->role == TLSTRACE_ROLE_SERVER && wrote))
		state->id = 0;
	task = (void *)bpf_get_current_task();
	datagram_socket_tell(sk, id, state->role,
			     state->role == TLSTRACE_ROLE_SERVER ? TLSTRACE_SOCKET_HELLO : kind,
			     wrote ? task : NULL, wrote ? NULL : task, bytes);
}

static __always_inline void datagram_socket_written(struct sock *sk, __s32 bytes)
{
	if (bytes > 0)
		datagram_socket_used(sk, TLSTRACE_SOCKET_WRITE, bytes);
}

static __always_inline void datagram_socket_read(struct sock *sk, __s32 bytes)
{
	if (bytes > 0)
		datagram_socket_used(sk, TLSTRACE_SOCKET_READ, bytes);
}

/* The packet at hand carries the socket that sent it: tell its owner once for each end of a flow.
 */
static __always_inline void datagram_sender_name(struct __sk_buff *skb, struct flow *flow,
						 struct scratch *scratch)
{
	struct tlstrace_packet_event *event = &scratch->event;
	struct sk_buff *kernel_skb = (void *)skb;
	const struct packet *packet = &scratch->packet;
	__u64 address = (__u64)BPF_CORE_READ(kernel_skb, sk), id, end = event->from_client & 1;
	__u8 role = end ? TLSTRACE_ROLE_CLIENT : TLSTRACE_ROLE_SERVER;
	struct bpf_sock *sk = skb->sk;
	struct task_struct *task;

	if (!address || !sk)
		return;
	sk = bpf_sk_fullsock(sk);
	if (!sk || sk->protocol != PROTOCOL_UDP)
		return;
	id = datagram_end_id(address, packet->destination,
			     (__u32)packet->source_port << 16 | packet->destination_port);
	event->sender = id;
	if (flow->sockets[end] == id)
		return;
	flow->sockets[end] = id;
	task = task_sending(scratch);
	/* A server that is known needs no following. */
	if (end || !task)
		datagram_socket_follow(sk, address, id, role);
	datagram_socket_tell((void *)address, id, role, TLSTRACE_SOCKET_HELLO, task, NULL, 0);
}

static __always_inline struct bpf_sock *datagram_receiver_find(struct __sk_buff *skb,
							       struct scratch *scratch)
{
	struct bpf_sock_tuple *tuple = (void *)scratch->data; /* nothing was copied yet */
	const struct packet *packet = &scratch->packet;

	if (packet->source[10] == 0xff && packet->source[0] == 0) {
		__builtin_memcpy(&tuple->ipv4.saddr, packet->source + 12, 4);
		__builtin_memcpy(&tuple->ipv4.daddr, packet->destination + 12, 4);
		tuple->ipv4.sport = bpf_htons(packet->source_port);
		tuple->ipv4.dport = bpf_htons(packet->destination_port);
		return bpf_sk_lookup_udp(skb, tuple, sizeof(tuple->ipv4), BPF_F_CURRENT_NETNS, 0);
	}
	__builtin_memcpy(&tuple->ipv6.saddr, packet->source, 16);
	__builtin_memcpy(&tuple->ipv6.daddr, packet->destination, 16);
	tuple->ipv6.sport = bpf_htons(packet->source_port);
	tuple->ipv6.dport = bpf_htons(packet->destination_port);
	return bpf_sk_lookup_udp(skb, tuple, sizeof(tuple->ipv6), BPF_F_CURRENT_NETNS, 0);
}

/* A server that never answers may still read the ClientHello. */
static __always_inline void datagram_receiver_follow(struct bpf_sock *sk, struct scratch *scratch)
{
	const struct packet *packet = &scratch->packet;
	__u64 address, id;

	*(volatile __u64 *)&scratch->event.receiver = (__u64)sk; /* as in receiver_follow() */
	address = *(volatile __u64 *)&scratch->event.receiver;
	id = datagram_end_id(address, packet->source,
			     (__u32)packet->destination_port << 16 | packet->source_port);
	scratch->event.receiver = id;
	datagram_socket_follow(sk, address, id, TLSTRACE_ROLE_SERVER);
}

static __always_inline void datagram_receiver_name(struct __sk_buff *skb, struct scratch *scratch)
{
	struct bpf_sock *sk;

	if (scratch->packet.at_socket) {
		/* The kernel has found the socket that it is for. */
		sk = skb->sk;
		if (sk)
			sk = bpf_sk_fullsock(sk);
		if (sk)
			datagram_receiver_follow(sk, scratch);
		return;
	}
	sk = datagram_receiver_find(skb, scratch);
	if (!sk)
		return;
	datagram_receiver_follow(sk, scratch);
	bpf_sk_release(sk);
}

static __noinline int datagram_sockets_name(struct __sk_buff *skb, struct flow *flow,
					    struct scratch *scratch)
{
	bool arrives;

	if (!skb || !flow || !scratch)
		return 0;
	arrives = scratch->event.hook == TLSTRACE_INGRESS;
	if (!arrives || !scratch->packet.at_socket)
		datagram_sender_name(skb, flow, scratch);
	if (arrives && scratch->hello)
		datagram_receiver_name(skb, scratch);
	return 0;
}

#endif
