/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Socket state: who owns a socket and when it was connected, accepted, read and written.
 * Noted for the first operations of every TCP socket, and reported while a handshake is under way
 * on it. After that the socket is quiet: a read or write costs a lookup.
 */
#ifndef TLSTRACE_SOCKET_BPF_H
#define TLSTRACE_SOCKET_BPF_H

#include "maps.bpf.h"
#include "cgroup.bpf.h"
#include "executable.bpf.h"
#include "follow.bpf.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define AF_INET	   2
#define AF_INET6   10
#define PF_EXITING 0x00000004 /* include/linux/sched.h */
/* Of x86-64 and arm64; where it is larger, the owner is reported one packet later. */
#define KERNEL_STACK_SIZE 16384

/* All zero: the initial state of a socket in socket_hash, too large for the BPF stack. */
static const volatile struct tlstrace_socket socket_zero = {};

static __always_inline void task_read(struct tlstrace_task *to, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	to->tid = BPF_CORE_READ(task, pid);
	to->pid = BPF_CORE_READ(task, tgid);
	to->uid = BPF_CORE_READ(task, real_cred, uid.val);
	to->start_ns = BPF_CORE_READ(leader, start_boottime);
	task_ns_pid_read(to, leader);
	task_cgroups_read(to, task);
	task_executable_note(task, to->start_ns, to->pid);
	to->followed = process_is_followed(to->pid);
	bpf_probe_read_kernel(to->comm, sizeof(to->comm), &leader->comm);
	bpf_probe_read_kernel(to->thread_comm, sizeof(to->thread_comm), &task->comm);
}

/*
 * Processes read and write thousands of times: only a change of task is worth the eight reads.
 * Returns whether it was read.
 */
static __always_inline bool task_current(struct tlstrace_task *to, bool again)
{
	__u64 id = bpf_get_current_pid_tgid();

	if (!again && to->tid == (__u32)id && to->pid == id >> 32)
		return false;
	task_read(to, (struct task_struct *)bpf_get_current_task());
	return true;
}

static __always_inline void address_map_v4(__u8 to[16], __be32 address)
{
	__builtin_memset(to, 0, 10);
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, sizeof(address));
}

static __always_inline void tuple_read(struct tlstrace_socket *state, const struct sock *sk)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
		address_map_v4(state->local_address, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		address_map_v4(state->remote_address, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	} else {
		BPF_CORE_READ_INTO((struct in6_addr *)state->local_address, sk,
				   __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO((struct in6_addr *)state->remote_address, sk,
				   __sk_common.skc_v6_daddr);
	}
	state->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	state->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	state->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline bool socket_is_tcp(const struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	return (family == AF_INET || family == AF_INET6) &&
	       BPF_CORE_READ(sk, sk_protocol) == PROTOCOL_TCP;
}

/*
 * What a socket of the internet speaks, or 0. Only for a pointer that is an argument of a typed
 * program: its fields are read without a helper, which at every read and write of the host makes a
 * difference.
 */
static __always_inline __u16 socket_protocol(const struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	return family == AF_INET || family == AF_INET6 ? sk->sk_protocol : 0;
}

static __always_inline struct tlstrace_socket *socket_find(struct sock *sk)
{
	__u64 key = (__u64)sk;

	if (use_socket_storage)
		return bpf_sk_storage_get(&socket_storage, sk, NULL, 0);
	return bpf_map_lookup_elem(&socket_hash, &key);
}

static __always_inline __u64 socket_id_new(void)
{
	return bpf_ktime_get_ns() << 8 | (bpf_get_smp_processor_id() & 0xff);
}

static __always_inline struct tlstrace_socket *socket_create(struct sock *sk)
{
	struct tlstrace_socket *state;
	__u64 key = (__u64)sk;

	if (use_socket_storage) {
		state = bpf_sk_storage_get(&socket_storage, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	} else {
		bpf_map_update_elem(&socket_hash, &key, (const void *)&socket_zero, BPF_NOEXIST);
		state = bpf_map_lookup_elem(&socket_hash, &key);
	}
	if (!state) {
		counter_add(TLSTRACE_COUNT_SOCKETS_FULL);
		return NULL;
	}
	if (!state->id)
		state->id = socket_id_new();
	return state;
}

/*
 * The kernel closes what a process leaves open when it ends. In a softirq the task is anyone, and
 * of several that have the socket any may be the last: it has to be the one that user space takes
 * for the owner.
 */
static __always_inline __u32 owner_exiting(const struct tlstrace_socket *state)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 owner = state->writer.pid;

	if (!owner)
		owner = state->reader.pid;
	if (!owner)
		owner = state->accepter.pid;
	if (!owner)
		owner = state->creator.pid;
	if (owner != bpf_get_current_pid_tgid() >> 32 || !(BPF_CORE_READ(task, flags) & PF_EXITING))
		return 0;
	return TLSTRACE_EXITING | (BPF_CORE_READ(task, exit_code) & 0xffff);
}

static __always_inline void socket_event_fill(struct tlstrace_socket_event *event, const void *sk,
					      __u32 kind, __s32 detail, __u64 now)
{
	const struct tcp_sock *tcp = sk;

	event->header.type = TLSTRACE_EVENT_SOCKET;
	event->header.time_ns = now;
	event->kind = kind;
	event->detail = detail;
	event->srtt_us = event->min_rtt_us = event->retransmitted = event->exiting = 0;
	if (kind == TLSTRACE_SOCKET_READ)
		return; /* the next write has them, too */
	event->srtt_us =
		BPF_CORE_READ(tcp, srtt_us) >> 3; /* kept times eight, net/ipv4/tcp_input.c */
	event->min_rtt_us = BPF_CORE_READ(tcp, rtt_min.s[0].v);
	event->retransmitted = BPF_CORE_READ(tcp, total_retrans);
}

static __always_inline void socket_tell(const struct tlstrace_socket *state, const void *sk,
					__u32 kind, __s32 detail, __u64 now)
{
	struct tlstrace_socket_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		counter_add(TLSTRACE_COUNT_SOCKETS_RING_FULL);
		return;
	}
	socket_event_fill(event, sk, kind, detail, now);
	event->header.size = sizeof(*event);
	if (kind == TLSTRACE_SOCKET_STATE)
		event->exiting = owner_exiting(state);
	__builtin_memcpy(&event->socket, state, sizeof(*state));
	bpf_ringbuf_submit(event, event_wakes());
}

static __always_inline void socket_tell_brief(const struct tlstrace_socket *state, const void *sk,
					      __u32 kind, __s32 detail, __u64 now)
{
	struct tlstrace_socket_event *event =
		bpf_ringbuf_reserve(&events, TLSTRACE_SOCKET_EVENT_BRIEF, 0);

	if (!event) {
		counter_add(TLSTRACE_COUNT_SOCKETS_RING_FULL);
		return;
	}
	socket_event_fill(event, sk, kind, detail, now);
	event->header.size = TLSTRACE_SOCKET_EVENT_BRIEF;
	event->socket.id = state->id;
	bpf_ringbuf_submit(event, event_wakes());
}

/* User space has written the row of the handshake on this socket. */
static __always_inline bool socket_is_over(const struct tlstrace_socket *state)
{
	__u32 slot = TLSTRACE_OVER_SLOT(state->id);
	__u64 *id = bpf_map_lookup_elem(&over, &slot);

	return id && *id == state->id;
}

/* May one more operation be reported? The budget ends it for long connections. */
static __always_inline bool operation_is_wanted(struct tlstrace_socket *state)
{
	if (!state->followed || trace_ended())
		return false;
	if (state->operations < TLSTRACE_SOCKET_BUDGET && !socket_is_over(state)) {
		state->operations++;
		return true;
	}
	state->followed = 0;
	state->quiet = 1;
	return false;
}

/* Tell an operation on a socket that carries a handshake. */
static __always_inline void socket_tell_operation(struct tlstrace_socket *state,
						  const struct sock *sk, __u32 kind, __s32 detail,
						  __u64 now)
{
	if (operation_is_wanted(state))
		socket_tell(state, sk, kind, detail, now);
}

/* The same of a read or write; named: user space does not know the task yet. */
static __always_inline void socket_tell_turn(struct tlstrace_socket *state, const struct sock *sk,
					     __u32 kind, __s32 detail, __u64 now, bool named)
{
	if (!state->followed && ++state->early >= TLSTRACE_EARLY_OPERATIONS)
		state->quiet = 1;
	if (!operation_is_wanted(state))
		return;
	if (named)
		socket_tell(state, sk, kind, detail, now);
	else
		socket_tell_brief(state, sk, kind, detail, now);
}

/*
 * A handshake on a socket that was quiet: who read and wrote since is not known. The client's hello
 * was written just now, and not as the first thing on the connection.
 */
static __always_inline void socket_wake(struct tlstrace_socket *state, __u8 role, __u64 now)
{
	state->quiet = 0;
	state->turns = TLSTRACE_EARLY_OPERATIONS;
	state->reader.pid = state->reader.tid = 0;
	state->writer.pid = state->writer.tid = 0;
	state->first_read_ns = state->last_read_ns = 0;
	state->first_write_ns = state->last_write_ns = 0;
	state->last_turn = 0;
	if (role != TLSTRACE_ROLE_CLIENT)
		return;
	state->first_write_ns = state->last_write_ns = now;
	state->last_turn = TLSTRACE_SOCKET_WRITE;
}

/* From now on it carries a handshake, whatever was reported of it before. */
static __always_inline void socket_over_forget(const struct tlstrace_socket *state)
{
	__u32 slot = TLSTRACE_OVER_SLOT(state->id);
	__u64 *id = bpf_map_lookup_elem(&over, &slot);

	if (id && *id == state->id)
		*id = 0;
}

/* A ClientHello or its first answer of this socket crossed a TC hook: from now on it is followed.
 */
static __always_inline void socket_follow(struct tlstrace_socket *state, const void *sk, __u8 role,
					  __u64 now)
{
	if (state->followed && state->role == role && !socket_is_over(state))
		return;
	socket_over_forget(state);
	if (state->quiet)
		socket_wake(state, role, now);
	state->role = role;
	state->followed = 1;
	state->operations = state->named = 0;
	tuple_read(state, sk);
	socket_tell(state, sk, TLSTRACE_SOCKET_HELLO,
		    BPF_CORE_READ((const struct sock *)sk, __sk_common.skc_state), now);
}

static __always_inline void socket_state_changed(struct sock *sk, int old, int new)
{
	__u64 now = bpf_ktime_get_ns();
	struct tlstrace_socket *state;

	if (new == TCP_LISTEN || !socket_is_tcp(sk))
		return;
	if (new == TCP_SYN_SENT) {
		state = socket_create(sk);
		if (!state)
			return;
		state->connect_ns = now;
		state->role = TLSTRACE_ROLE_CLIENT;
		/* In the context of connect(2), or of the sendmsg(2) that carries Fast Open data.
		 */
		task_current(&state->creator, true);
	} else if (new == TCP_ESTABLISHED) {
		/* Softirq: no task here is the owner. */
		state = socket_create(sk);
		if (!state)
			return;
		state->established_ns = now;
		if (old == TCP_SYN_RECV)
			state->role = TLSTRACE_ROLE_SERVER;
	} else if (old == TCP_ESTABLISHED || new == TCP_CLOSE) {
		state = socket_find(sk);
		if (state)
			socket_tell_operation(state, sk, TLSTRACE_SOCKET_STATE, new, now);
	}
}

static __always_inline void socket_accepted(struct sock *sk)
{
	__u64 now = bpf_ktime_get_ns();
	struct tlstrace_socket *state;

	if (!sk || !socket_is_tcp(sk))
		return;
	state = socket_create(sk);
	if (!state)
		return;
	state->accept_ns = now;
	state->role = TLSTRACE_ROLE_SERVER;
	task_current(&state->accepter, true);
	socket_tell_operation(state, sk, TLSTRACE_SOCKET_ACCEPT, 0, now);
}

static __always_inline void socket_turn(struct tlstrace_socket *state, __u32 kind)
{
	state->turns++;
	state->last_turn = kind;
}

/*
 * The task in whose system call this packet is sent; NULL: it waited for an address to be resolved,
 * or the hook is at the other side of a veth. Then this is a softirq, which has a stack of its own,
 * or a kernel thread.
 */
static __always_inline struct task_struct *task_sending(struct scratch *scratch)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 frame, stack = (__u64)BPF_CORE_READ(task, stack);

	asm volatile("%0 = r10" : "=r"(frame));
	/* Through memory, which makes a number of it that can be compared. */
	*(volatile __u64 *)&scratch->event.receiver = frame;
	frame = *(volatile __u64 *)&scratch->event.receiver;
	scratch->event.receiver = 0;
	if (frame - stack >= KERNEL_STACK_SIZE || !BPF_CORE_READ(task, mm))
		return NULL;
	return task;
}

/* The state of a socket on which reads and writes matter; NULL: on this one they do not. */
static __always_inline struct tlstrace_socket *socket_find_awake(struct sock *sk)
{
	struct tlstrace_socket *state = socket_find(sk);

	if (!state)
		return socket_create(sk); /* older than the trace; no process held it then */
	return state->quiet ? NULL : state;
}

/*
 * Who reads or writes. The first time after the socket is followed, the task is read anew, because
 * it may have executed another program since. Returns whether to report it to user space.
 */
static __always_inline bool socket_task(struct tlstrace_socket *state, struct tlstrace_task *to,
					__u32 kind)
{
	bool first = state->followed && !(state->named & 1 << kind);

	if (first)
		state->named |= 1 << kind;
	return task_current(to, first) || first;
}

/* Of a TCP socket; before the bytes are queued, so that the writer is known when they cross TC. */
static __always_inline void socket_written(struct sock *sk, __s32 bytes)
{
	struct tlstrace_socket *state = socket_find_awake(sk);
	__u64 now;
	bool named;

	if (!state)
		return;
	now = bpf_ktime_get_ns();
	named = socket_task(state, &state->writer, TLSTRACE_SOCKET_WRITE);
	if (state->last_turn != TLSTRACE_SOCKET_WRITE) {
		state->first_write_ns = now;
		socket_turn(state, TLSTRACE_SOCKET_WRITE);
	}
	state->last_write_ns = now;
	socket_tell_turn(state, sk, TLSTRACE_SOCKET_WRITE, bytes, now, named);
}

/* Of a TCP socket; after the bytes were taken. A peek has a reader but takes nothing. */
static __always_inline void socket_read(struct sock *sk, __s32 bytes, bool peek)
{
	struct tlstrace_socket *state;
	__u64 now;
	bool named;

	if (bytes <= 0)
		return;
	state = socket_find_awake(sk);
	if (!state)
		return;
	if (peek) {
		task_current(&state->reader, false);
		return;
	}
	now = bpf_ktime_get_ns();
	named = socket_task(state, &state->reader, TLSTRACE_SOCKET_READ);
	if (state->last_turn != TLSTRACE_SOCKET_READ) {
		state->first_read_ns = now;
		socket_turn(state, TLSTRACE_SOCKET_READ);
	}
	state->last_read_ns = now;
	socket_tell_turn(state, sk, TLSTRACE_SOCKET_READ, bytes, now, named);
}

static __always_inline void socket_reset(struct sock *sk, __u32 kind)
{
	struct tlstrace_socket *state;

	if (!sk || !socket_is_tcp(sk))
		return;
	state = socket_find(sk);
	if (state)
		socket_tell_operation(state, sk, kind, 0, bpf_ktime_get_ns());
}

static __always_inline void socket_destroyed(struct sock *sk)
{
	__u64 key = (__u64)sk;

	if (!use_socket_storage)
		bpf_map_delete_elem(&socket_hash, &key);
}

/* A socket that is older than the trace: whoever holds it is taken for its creator. */
static __always_inline void socket_existed(struct sock *sk, struct task_struct *task)
{
	struct tlstrace_socket *state;

	if (!socket_is_tcp(sk) || BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN)
		return;
	state = socket_create(sk);
	if (!state || state->creator.pid)
		return;
	state->existed = 1;
	task_read(&state->creator, task);
}

#endif
