/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Maps, settings and counters shared by the TC programs and the socket probes. */
#ifndef TLSTRACE_MAPS_BPF_H
#define TLSTRACE_MAPS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "packet.bpf.h"
#include "tlstrace.h"

/* Set by the loader before load, from what this kernel turned out to have. */
const volatile bool use_socket_storage = true; /* else a hash keyed by socket address */
const volatile __u32 accept_arguments = 4;     /* of inet_csk_accept: 2 since 6.10 */
const volatile __u32 recvmsg_arguments = 6;    /* of tcp_recvmsg: 5 since 5.19, 4 in 7.x */
const volatile bool writes_told_before =
	false; /* tcp_sendmsg_locked exists: sock_send_length is not for TCP */

/* The network namespace whose devices have TC programs: the cgroup programs leave it out. */
const volatile __u32 device_netns = 0;
/* The same as a cookie, which costs less to ask for; 0: this kernel does not give it to them. */
const volatile __u64 device_netns_cookie = 0;

/* How far the bytes of one direction of a flow have been followed. */
struct direction {
	__u32 next;	   /* sequence number of the next record-header byte to be read */
	__u32 plain_from;  /* start of the current run of plaintext records */
	__u32 highest;	   /* end of the highest segment seen */
	__u32 copied;	   /* bytes copied, against TLSTRACE_COPY_BUDGET */
	__u32 gap_copied;  /* bytes copied after gaps, against TLSTRACE_GAP_BUDGET */
	__u32 encrypted;   /* encrypted records seen */
	__u32 acked;	   /* what this end acknowledged last; 0: nothing yet */
	__u8 synchronised; /* next is valid */
	__u8 done;	   /* nothing more is copied */
	__u8 plain;	   /* the record before next is plaintext */
	__u8 changed;	   /* a ChangeCipherSpec was sent: handshake records may be encrypted */
	__u8 finished;	   /* FIN seen */
	__u8 have;	   /* header bytes collected */
	__u8 header[22];   /* they; room for a load of 11 at any offset below 11 */
};

struct flow {
	__u64 id;
	__u32 slot; /* in the presence filter */
	__u32 client_is_local;
	__u64 sockets[2]; /* ids of its ends as far as they are known, as directions */
	__u32 alias_slot; /* a second one in the presence filter, plus 1; 0: none */
	__u32 reserved;
	/* User space reads the fields above. */
	__u64 first_ns;			/* of the first byte of the ClientHello */
	struct direction directions[2]; /* 0: from the server, 1: from the client */
	__u32 start;			/* sequence number of that byte */
	__u8 confirmed; /* it is a ClientHello, not only a first byte that looks like one */
	__u8 again;	/* after a handshake: all is encrypted */
	__u8 lost;	/* an event was not delivered: the next one says so */
	__u8 pieces;	/* segments that its first bytes came in before it was known for one */
	__u8 is_dtls;	/* else QUIC, if it is UDP */
	__u8 kind;	/* enum flow_kind */
};

/* The initial state of a flow, too large for the BPF stack. */
static const volatile struct flow flow_zero = {};

/* Element 0; mapped by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct tlstrace_control);
} control SEC(".maps");

/* Interfaces of device_netns, by index, both of whose programs are attached. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32);
} attached SEC(".maps");

/* Everything user space gets; the size is set by the loader (--buffer-size). */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} events SEC(".maps");

/* Flows with a handshake under way. User space removes those whose outcome it knows. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct tlstrace_flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

/*
 * Flows whose handshake of TLS 1.2 or before is complete, and whose client may renegotiate; the
 * value is client_is_local. Looked up only for a packet that begins with a handshake record and is
 * no ClientHello.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct tlstrace_flow_key);
	__type(value, __u32);
} finished_flows SEC(".maps");

/*
 * How many tracked flows hash to each slot: an untracked packet costs one array read, not a hash
 * miss. Mapped by user space too, which counts down the flows that it removes. 64 bits: an array's
 * elements are 8 bytes apart whatever their size.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TLSTRACE_PRESENCE_SIZE);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} presence SEC(".maps");

/*
 * Ids of sockets whose handshake is over, by TLSTRACE_OVER_SLOT; written by user space. One that is
 * displaced by another is reported until its budget is used up.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TLSTRACE_OVER_SIZE);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} over SEC(".maps");

/* Per-socket state that dies with its socket (kernel 5.11 for tracing programs, 8e4597c627fb). */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tlstrace_socket);
} socket_storage SEC(".maps");

/* The same where sk_storage cannot be used: key is the address of the socket. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct tlstrace_socket);
} socket_hash SEC(".maps");

/*
 * A UDP socket with a handshake: it may have many, this is the latest. A socket on which none was
 * seen has no such state, and its traffic costs no more than to find that out.
 */
struct datagram_socket {
	__u64 id;	  /* of one end of one flow; 0: nothing more is reported */
	__u32 operations; /* reported, against TLSTRACE_DATAGRAM_BUDGET */
	__u8 role;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct datagram_socket);
} datagram_storage SEC(".maps");

/* The same where sk_storage cannot be used: key is the address of the socket. No hook tells of its
 * end. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct datagram_socket);
} datagram_hash SEC(".maps");

/* The first packet of the latest handshake between two ends. */
struct datagram_hello {
	__u64 identity; /* bytes that a repetition has too */
	__u64 time_ns;
};

/* UDP has no SYN: what repeats the first packet of a handshake that is over is known by this. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct tlstrace_flow_key);
	__type(value, struct datagram_hello);
} datagram_hellos SEC(".maps");

/* Socket of a tcp_recvmsg or udp_recvmsg under way, for the kretprobe: key is pid_tgid. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u64);
} receiving SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TLSTRACE_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/*
 * An event and its data, which follow each other in the ring buffer too. Room for the data twice
 * over, so that a bounded offset plus a bounded length fits.
 */
struct scratch {
	struct tlstrace_packet_event event;
	__u8 data[2 * TLSTRACE_DATA_MAX];
	/*
	 * The packet at hand, what of its flow the steps of the loops need, and where the loops
	 * are. In memory, and the steps are global functions that find it by its slot: the verifier
	 * looks at such a function once, whatever it is called with, while what it knows of
	 * registers and of the stack makes each turn of a loop a new state.
	 */
	struct packet packet;
	struct direction direction; /* of the flow: the one that the packet goes */
	__u8 prefix[16];	    /* the first bytes of the ClientHello */
	__u8 confirmed;		    /* as in struct flow, the next two as well */
	__u8 is_dtls;
	__u8 lost;
	__u8 hello; /* the event at hand begins a ClientHello: its loss loses a handshake */
	__u8 again; /* the first packet of a direction after an earlier handshake */
	__u32 hello_sequence; /* where the flow starts */
	__u8 peer_encrypted;  /* the other direction has had an encrypted record */
	__u32 offset;	      /* in the payload: next record */
	__u32 index;	      /* slice being copied */
	__u32 done;	      /* bytes of it copied */
	__u32 position;	      /* bytes in data */
	__u32 base;	      /* UDP: in the payload, where the event at hand begins */
	__u32 end;	      /* UDP: where the datagram at hand ends */
};

/*
 * Where a packet event is put together. The first ones belong to the CPUs: with bottom halves off
 * no one else is there. What a socket sends may be interrupted, by softirqs that send and by tasks:
 * it takes one of the others. Sized by the loader.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* Indices of the free scratches; the loader puts them in. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 1);
	__uint(value_size, sizeof(__u32));
} free_scratches SEC(".maps");

static __always_inline struct scratch *scratch_find(__u32 slot)
{
	return bpf_map_lookup_elem(&scratches, &slot);
}

static __always_inline struct tlstrace_control *control_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&control, &zero);
}

/* The trace is over: what is seen while programs are detached is only a part. */
static __always_inline bool trace_ended(void)
{
	const struct tlstrace_control *phase = control_find();

	return !phase || phase->ended;
}

/*
 * How to hand an event over. Waking the reader costs more than the event, so it is woken only if it
 * sleeps: while handshakes are under way it comes by itself every few milliseconds.
 */
static __always_inline __u64 event_wakes(void)
{
	struct tlstrace_control *phase = control_find();

	if (!phase || !phase->reader_sleeps)
		return BPF_RB_NO_WAKEUP;
	phase->reader_sleeps = 0;
	return BPF_RB_FORCE_WAKEUP;
}

static __always_inline void counter_add(__u32 counter)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &counter);

	if (value)
		*value += 1;
}

#endif
