// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * The programs: thin wrappers over the bodies in track.bpf.h, socket.bpf.h and
 * datagram_socket.bpf.h. Sections with `?` are switched on by the loader: it takes the first
 * flavour that loads and attaches on this kernel.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#define TCX_NEXT    -1 /* TC_ACT_UNSPEC on clsact: on to the next program, whatever we saw */
#define CGROUP_PASS 1

#include "track.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* sys/socket.h */
#define MSG_PEEK 2

SEC("tc")
int tc_ingress(struct __sk_buff *skb)
{
	return packet_look(skb, TLSTRACE_INGRESS, true);
}

SEC("tc")
int tc_egress(struct __sk_buff *skb)
{
	return packet_look(skb, TLSTRACE_EGRESS, true);
}

/* Devices without MAC header, in a section of their own: loaded when the first of them is met. */

SEC("classifier")
int tc_ingress_l3(struct __sk_buff *skb)
{
	return packet_look(skb, TLSTRACE_INGRESS, false);
}

SEC("classifier")
int tc_egress_l3(struct __sk_buff *skb)
{
	return packet_look(skb, TLSTRACE_EGRESS, false);
}

/* The sockets of all network namespaces, at the root of the cgroups. */

SEC("?cgroup_skb/ingress")
int cgroup_ingress(struct __sk_buff *skb)
{
	return packet_look_at_socket(skb, TLSTRACE_INGRESS);
}

SEC("?cgroup_skb/egress")
int cgroup_egress(struct __sk_buff *skb)
{
	return packet_look_at_socket(skb, TLSTRACE_EGRESS);
}

/* All flavours: tracepoints that every kernel since 5.10 has. */

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tp_inet_sock_set_state, struct sock *sk, int old, int new)
{
	socket_state_changed(sk, old, new);
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tp_tcp_destroy_sock, struct sock *sk)
{
	socket_destroyed(sk);
	return 0;
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(tp_tcp_send_reset, struct sock *sk)
{
	socket_reset(sk, TLSTRACE_SOCKET_RESET_SENT);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(tp_tcp_receive_reset, struct sock *sk)
{
	socket_reset(sk, TLSTRACE_SOCKET_RESET_RECEIVED);
	return 0;
}

/* All flavours, where processes are followed. */

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(tp_sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	process_forked(parent, child);
	return 0;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(tp_sched_process_exit, struct task_struct *task)
{
	process_exited(task);
	return 0;
}

/* Flavour fentry. */

SEC("?fentry/tcp_sendmsg")
int BPF_PROG(fentry_tcp_sendmsg, struct sock *sk, struct msghdr *message, unsigned long size)
{
	socket_written(sk, size);
	return 0;
}

/*
 * The return value follows the arguments, and their number has changed: 6; 5 since 5.19
 * (ec095263a965); 4 in 7.x.
 */
#define context_load(context, offset)                                                              \
	({                                                                                         \
		__u64 value;                                                                       \
		/* The compiler must not choose the address first: that would be arithmetic on the \
		 * context. */                                                                     \
		asm volatile("%0 = *(u64 *)(%1 + " #offset ")" : "=r"(value) : "r"(context));      \
		value;                                                                             \
	})

static __always_inline __s32 recvmsg_result(const __u64 *context)
{
	if (recvmsg_arguments == 4)
		return context_load(context, 32);
	return recvmsg_arguments == 5 ? context_load(context, 40) : context_load(context, 48);
}

SEC("?fexit/tcp_recvmsg")
int fexit_tcp_recvmsg(__u64 *context)
{
	__u64 flags =
		recvmsg_arguments <= 5 ? context_load(context, 24) : context_load(context, 32);

	socket_read((void *)context[0], recvmsg_result(context), flags & MSG_PEEK);
	return 0;
}

/* 2 arguments since 6.10 (92ef0fd55ac8), 4 before. */
SEC("?fexit/inet_csk_accept")
int fexit_inet_csk_accept(__u64 *context)
{
	if (accept_arguments == 2)
		socket_accepted((void *)context[2]);
	else
		socket_accepted((void *)context[4]);
	return 0;
}

SEC("?fexit/udp_sendmsg")
int BPF_PROG(fexit_udp_sendmsg, struct sock *sk, struct msghdr *message, unsigned long size,
	     int bytes)
{
	datagram_socket_written(sk, bytes);
	return 0;
}

SEC("?fexit/udpv6_sendmsg")
int BPF_PROG(fexit_udpv6_sendmsg, struct sock *sk, struct msghdr *message, unsigned long size,
	     int bytes)
{
	datagram_socket_written(sk, bytes);
	return 0;
}

/* Their arguments changed as those of tcp_recvmsg did. */
SEC("?fexit/udp_recvmsg")
int fexit_udp_recvmsg(__u64 *context)
{
	datagram_socket_read((void *)context[0], recvmsg_result(context));
	return 0;
}

SEC("?fexit/udpv6_recvmsg")
int fexit_udpv6_recvmsg(__u64 *context)
{
	datagram_socket_read((void *)context[0], recvmsg_result(context));
	return 0;
}

/* Flavour kprobe. */

SEC("?kprobe/tcp_sendmsg")
int BPF_KPROBE(kprobe_tcp_sendmsg, struct sock *sk, struct msghdr *message, unsigned long size)
{
	socket_written(sk, size);
	return 0;
}

SEC("?kprobe/tcp_recvmsg")
int kprobe_tcp_recvmsg(struct pt_regs *registers)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u64 fourth = PT_REGS_PARM4(registers), fifth = PT_REGS_PARM5(registers), value;

	/* Both are read: choosing before would be arithmetic on the context, which is refused. */
	barrier_var(fourth);
	barrier_var(fifth);
	/* Kernel addresses are even: the lowest bit has room for the flag. */
	value = PT_REGS_PARM1(registers) | !!((recvmsg_arguments <= 5 ? fourth : fifth) & MSG_PEEK);
	bpf_map_update_elem(&receiving, &id, &value, BPF_ANY);
	return 0;
}

SEC("?kretprobe/tcp_recvmsg")
int BPF_KRETPROBE(kretprobe_tcp_recvmsg, int bytes)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u64 *value = bpf_map_lookup_elem(&receiving, &id);

	if (!value)
		return 0;
	socket_read((void *)(*value & ~1ULL), bytes, *value & 1);
	bpf_map_delete_elem(&receiving, &id);
	return 0;
}

SEC("?kprobe/udp_sendmsg")
int BPF_KPROBE(kprobe_udp_sendmsg, struct sock *sk, struct msghdr *message, unsigned long size)
{
	datagram_socket_written(sk, size);
	return 0;
}

SEC("?kprobe/udpv6_sendmsg")
int BPF_KPROBE(kprobe_udpv6_sendmsg, struct sock *sk, struct msghdr *message, unsigned long size)
{
	datagram_socket_written(sk, size);
	return 0;
}

/* Remembered only where there is a handshake: others pay one look. */
static __always_inline void datagram_recvmsg_entered(struct sock *sk)
{
	__u64 id = bpf_get_current_pid_tgid(), value = (__u64)sk;

	if (datagram_socket_find(sk))
		bpf_map_update_elem(&receiving, &id, &value, BPF_ANY);
}

static __always_inline void datagram_recvmsg_left(int bytes)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u64 *value = bpf_map_lookup_elem(&receiving, &id);

	if (!value)
		return;
	datagram_socket_read((void *)*value, bytes);
	bpf_map_delete_elem(&receiving, &id);
}

SEC("?kprobe/udp_recvmsg")
int BPF_KPROBE(kprobe_udp_recvmsg, struct sock *sk)
{
	datagram_recvmsg_entered(sk);
	return 0;
}

SEC("?kretprobe/udp_recvmsg")
int BPF_KRETPROBE(kretprobe_udp_recvmsg, int bytes)
{
	datagram_recvmsg_left(bytes);
	return 0;
}

SEC("?kprobe/udpv6_recvmsg")
int BPF_KPROBE(kprobe_udpv6_recvmsg, struct sock *sk)
{
	datagram_recvmsg_entered(sk);
	return 0;
}

SEC("?kretprobe/udpv6_recvmsg")
int BPF_KRETPROBE(kretprobe_udpv6_recvmsg, int bytes)
{
	datagram_recvmsg_left(bytes);
	return 0;
}

SEC("?kretprobe/inet_csk_accept")
int BPF_KRETPROBE(kretprobe_inet_csk_accept, struct sock *sk)
{
	socket_accepted(sk);
	return 0;
}

/* Flavour tracepoint: each is optional, older kernels have fewer of them. */

SEC("?tp_btf/tcp_sendmsg_locked")
int BPF_PROG(tp_tcp_sendmsg_locked, struct sock *sk, struct msghdr *message, struct sk_buff *skb,
	     int size_goal)
{
	socket_written(sk, 0);
	return 0;
}

/* After the bytes went out: of TCP for kernels without tcp_sendmsg_locked. */
SEC("?tp_btf/sock_send_length")
int BPF_PROG(tp_sock_send_length, struct sock *sk, int bytes, int flags)
{
	__u16 protocol = socket_protocol(sk);

	if (protocol == PROTOCOL_UDP)
		datagram_socket_written(sk, bytes);
	else if (protocol == PROTOCOL_TCP && bytes > 0 && !writes_told_before)
		socket_written(sk, bytes);
	return 0;
}

SEC("?tp_btf/sock_recv_length")
int BPF_PROG(tp_sock_recv_length, struct sock *sk, int bytes, int flags)
{
	__u16 protocol = socket_protocol(sk);

	if (protocol == PROTOCOL_UDP)
		datagram_socket_read(sk, bytes);
	else if (protocol == PROTOCOL_TCP)
		socket_read(sk, bytes, flags & MSG_PEEK);
	return 0;
}

/* Within recvmsg, when bytes were taken: for kernels without sock_recv_length. */
SEC("?tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(tp_tcp_rcv_space_adjust, struct sock *sk)
{
	socket_read(sk, 1, false);
	return 0;
}

/* Sockets older than the trace, by who holds them. */

/*
 * Address of the kernel's socket_file_ops, set by the loader where bpf_sock_from_file is missing.
 * Not a
 * __ksym: libbpf would read all of /proc/kallsyms at every load, a tenth of a second each.
 */
const volatile __u64 socket_file_ops = 0;

SEC("?iter/task_file")
int iter_task_file(struct bpf_iter__task_file *context)
{
	struct task_struct *task = context->task;
	struct file *file = context->file;
	struct socket *socket;
	struct sock *sk;

	if (!task || !file)
		return 0;
	if (use_socket_storage) {
		socket = bpf_sock_from_file(file);
		if (!socket)
			return 0;
		sk = socket->sk;
	} else {
		/* bpf_sock_from_file came with 5.11 (4f19cab76136). */
		if ((__u64)BPF_CORE_READ(file, f_op) != socket_file_ops)
			return 0;
		socket = BPF_CORE_READ(file, private_data);
		sk = BPF_CORE_READ(socket, sk);
	}
	if (sk)
		socket_existed(sk, task);
	return 0;
}
