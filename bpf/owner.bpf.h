/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The sockets that a packet comes from and goes to. */
#ifndef TLSTRACE_OWNER_BPF_H
#define TLSTRACE_OWNER_BPF_H

#include "alias.bpf.h"
#include "maps.bpf.h"
#include "packet.bpf.h"
#include "socket.bpf.h"

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

/*
 * The client's hello leaves: name the task that sends it, for who wrote before may be another one,
 * or have executed another program since. Its own system call holds the socket, and is no softirq;
 * a packet that waited, for an address or in a queue, leaves in anybody's context.
 */
static __always_inline void writer_note(struct tlstrace_socket *state, struct scratch *scratch,
					__u64 address)
{
	const struct sock *sk = (void *)address;
	/* bpf_get_current_pid_tgid() is not for these programs on old kernels. */
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 tid = BPF_CORE_READ(task, pid);

	if (state->quiet)
		socket_wake(state, TLSTRACE_ROLE_CLIENT, scratch->event.header.time_ns);
	else if (state->turns <= 1 && state->writer.tid == tid)
		return;
	if (!BPF_CORE_READ(sk, sk_lock.owned))
		return;
	task = task_sending(scratch);
	if (task)
		task_read(&state->writer, task);
}

/* A socket has a file, and so a struct socket, from accept on. */
static __always_inline void socket_accepted_note(struct tlstrace_socket *state,
						 const struct sock *sk)
{
	state->accepted =
		BPF_CORE_READ(sk, sk_socket) ? TLSTRACE_ACCEPTED_BEFORE : TLSTRACE_ACCEPTED_LATER;
}

/*
 * User space keeps what it knows of a socket for one handshake. For the next one on the same
 * socket, the socket is reported again with a new id, because the first one may still be under way.
 */
static __always_inline void socket_begin_anew(struct tlstrace_socket *state,
					      const struct scratch *scratch, __u32 hello)
{
	if (scratch->again)
		state->followed = 0;
	if (state->followed && state->hello_sequence != hello) {
		state->followed = 0;
		state->id = socket_id_new();
		state->turns = TLSTRACE_EARLY_OPERATIONS; /* the hello is not the first word */
	}
	state->hello_sequence = hello;
}

/* A ClientHello for this host: its socket is known before anything answers. Returns the socket's
 * id. */
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
	/* Through memory: the verifier lets no arithmetic be done on a socket, CO-RE reads need it.
	 */
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
		socket_accepted_note(state, (void *)address);
		socket_begin_anew(state, scratch, scratch->hello_sequence);
		socket_follow(state, (void *)address, TLSTRACE_ROLE_SERVER, now);
		id = state->id;
	}
	bpf_sk_release(sk);
	return id;
}

/* Name the sockets at hand, and follow them from now on. */
static __always_inline void sockets_name(struct __sk_buff *skb, const struct packet *packet,
					 struct flow *flow, struct scratch *scratch)
{
	struct tlstrace_packet_event *event = &scratch->event;
	__u64 now = event->header.time_ns, address = 0, receiver;
	bool begins = scratch->hello || (scratch->again && event->from_client);
	struct tlstrace_socket *sender;

	sender = sender_find(skb, &address);
	scratch->hello_sequence = flow->start;
	if (sender && begins)
		socket_begin_anew(sender, scratch, flow->start);
	else if (sender && scratch->again)
		sender->followed = 0;
	if (scratch->packet.at_socket && event->hook == TLSTRACE_INGRESS) {
		/* The kernel has found the socket that it is for. */
		if (!sender || !begins)
			return;
		socket_follow(sender, (void *)address, TLSTRACE_ROLE_SERVER, now);
		event->receiver = sender->id;
	} else if (sender) {
		if (begins && event->hook == TLSTRACE_EGRESS)
			writer_note(sender, scratch, address);
		if (begins)
			socket_follow(sender, (void *)address, TLSTRACE_ROLE_CLIENT, now);
		if (begins && event->hook == TLSTRACE_EGRESS)
			alias_note(flow, scratch, sender);
		if (!begins && !event->from_client && packet->length)
			socket_follow(sender, (void *)address, TLSTRACE_ROLE_SERVER, now);
		event->sender = sender->id;
	}
	/* From another namespace of this host the packet still carries its sender's. */
	if (begins && event->hook == TLSTRACE_INGRESS && !scratch->packet.at_socket) {
		receiver = receiver_follow(skb, packet, scratch, now);
		event->receiver = receiver;
	}
}

#endif
