/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The contract between bpf/ and user/: events in the ring buffer, limits, counters.
 * Both sides include it; it includes nothing, the includer provides __u8 … __u64.
 * Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d; ports are in host byte order; times are
 * bpf_ktime_get_ns() (CLOCK_MONOTONIC, nanoseconds).
 */
#ifndef TLSTRACE_H
#define TLSTRACE_H

enum tlstrace_limit {
	/* Stretches of bytes one event can carry; a packet with more records is cut and counted. */
	TLSTRACE_SLICES_MAX = 16,
	TLSTRACE_SACKS_MAX = 4, /* all that fit into a header */
	/* Bytes one event can carry; a packet with more plaintext becomes several events. */
	TLSTRACE_DATA_MAX = 12288,
	/* Handshake bytes copied per direction of a flow. Certificate chains seen in the wild end
	   well below. */
	TLSTRACE_COPY_BUDGET = 131072,
	/* Bytes copied per direction beyond a hole, where record boundaries are unknown. */
	TLSTRACE_GAP_BUDGET = 65536,
	/* Encrypted record headers per direction: user space ends the tracking long before. */
	TLSTRACE_ENCRYPTED_BUDGET = 256,
	/* Socket operations reported after a handshake began on the socket. */
	TLSTRACE_SOCKET_BUDGET = 64,
	/* The same for UDP, whose sockets live longer than a handshake. */
	TLSTRACE_DATAGRAM_BUDGET = 16,
	/* Counters of the presence filter, a power of two. */
	TLSTRACE_PRESENCE_SIZE = 16384,
	/* Operations noted on a socket before a handshake is seen on it; then it is quiet. */
	TLSTRACE_EARLY_OPERATIONS = 16,
	/* Slots for sockets whose handshake is over, a power of two. */
	TLSTRACE_OVER_SIZE = 16384,
	TLSTRACE_COMM_SIZE = 16,
	/* Bytes of names on the way to a cgroup or a file; what is nearer to the root is cut. */
	TLSTRACE_PATH_NAMES = 1024,
	TLSTRACE_INTERFACE_SIZE = 16, /* IFNAMSIZ */
};

/*
 * The phase of the trace, written by user space only. Programs are attached one after the other, so
 * a handshake that begins before the last one is in place would be seen in part.
 */
struct tlstrace_control {
	__u64 begun_ns; /* all programs are attached since then; 0: not yet */
	__u64 ended;	/* not 0: nothing more is reported, the programs are being detached */
	/*
	 * The reader of the ring buffer sleeps until it is woken; else it comes back by itself in
	 * a few milliseconds. The kernel side sets it to 0 when it wakes the reader.
	 */
	__u64 reader_sleeps;
};

enum tlstrace_event_type {
	TLSTRACE_EVENT_PACKET = 1,
	TLSTRACE_EVENT_SOCKET = 2,
};

enum tlstrace_hook {
	TLSTRACE_INGRESS = 0,
	TLSTRACE_EGRESS = 1,
	TLSTRACE_HOOK_UNKNOWN = 2, /* from a file that does not tell */
};

/* Of a packet's tcp_flags: RFC 9293 section 3.1. */
enum tlstrace_tcp_flag {
	TLSTRACE_TCP_FIN = 0x01,
	TLSTRACE_TCP_SYN = 0x02,
	TLSTRACE_TCP_RST = 0x04,
	TLSTRACE_TCP_PSH = 0x08,
	TLSTRACE_TCP_ACK = 0x10,
	TLSTRACE_TCP_URG = 0x20,
};

/* Indices of the counters map. Every event that is not delivered is counted under its cause. */
enum tlstrace_counter {
	TLSTRACE_COUNT_HELLOS,		  /* ClientHellos detected, one per place they cross */
	TLSTRACE_COUNT_HELLOS_RING_FULL,  /* of these, lost: the ring buffer had no room */
	TLSTRACE_COUNT_HELLOS_FLOWS_FULL, /* of these, lost: the table of flows was full */
	TLSTRACE_COUNT_PACKETS_RING_FULL, /* later packets of a handshake lost: no room */
	TLSTRACE_COUNT_SOCKETS_RING_FULL, /* socket events lost: no room */
	TLSTRACE_COUNT_SOCKETS_FULL,	  /* sockets not followed: the table of sockets was full */
	TLSTRACE_COUNT_COPY_BUDGET,   /* directions cut off at TLSTRACE_COPY_BUDGET or GAP_BUDGET */
	TLSTRACE_COUNT_SLICES,	      /* packets with more records than TLSTRACE_SLICES_MAX */
	TLSTRACE_COUNT_LOAD_FAILED,   /* packet bytes that could not be read */
	TLSTRACE_COUNT_FOLLOWED_FULL, /* children not followed: the table was full */
	TLSTRACE_COUNT_UNATTACHED, /* ClientHellos seen before all programs were attached: no row */
	TLSTRACE_COUNTERS,
};

enum tlstrace_packet_flag {
	TLSTRACE_PACKET_RETRANSMIT = 1,	  /* carries bytes that were seen before */
	TLSTRACE_PACKET_OUT_OF_ORDER = 2, /* starts after a gap: copied whole, unparsed */
	TLSTRACE_PACKET_LOST_BEFORE =
		4, /* an earlier packet of this flow was not delivered, and never will be */
	TLSTRACE_PACKET_CUT = 8,    /* a budget ended the copying of this direction */
	TLSTRACE_PACKET_HELLO = 16, /* begins a flow: carries the first byte of its ClientHello */
	TLSTRACE_PACKET_TRUNCATED =
		32, /* a file holds only its beginning: the rest will never come */
	TLSTRACE_PACKET_AGAIN =
		64, /* begins a flow anew that had a handshake: the client's encrypted hello */
	TLSTRACE_PACKET_DISPLACED = 128, /* no packet: the flow gave way to others, all ends here */
};

struct tlstrace_event_header {
	__u32 type;
	__u32 size;
	__u64 time_ns;
};

/* A flow as one place (an interface of a namespace) sees it; local is the end that egress leaves
 * from. */
struct tlstrace_flow_key {
	__u32 netns;
	__u32 ifindex;
	__u8 local_address[16];
	__u8 remote_address[16];
	__u16 local_port;
	__u16 remote_port;
	__u32 protocol; /* 6 TCP, 17 UDP */
};

/* A stretch of the payload that was copied: offset from the event's sequence number, length. */
struct tlstrace_slice {
	__u32 offset;
	__u32 length;
};

/* Bytes that an end has received out of order: RFC 2018, RFC 2883. Sequence numbers. */
struct tlstrace_sack {
	__u32 start;
	__u32 end;
};

/*
 * One TCP segment of a handshake. [sequence, sequence + length) was observed; the slices of it
 * were copied, one after the other, and follow the struct. Between them are the bodies of encrypted
 * records.
 *
 * Or one UDP packet of a QUIC or DTLS handshake: length is that of its payload, offsets count from
 * the payload's beginning, sequence and acknowledgement are 0.
 */
struct tlstrace_packet_event {
	struct tlstrace_event_header header;
	struct tlstrace_flow_key key;
	__u32 sequence;
	__u64 flow_id;	/* tells flows apart that used the same key one after the other */
	__u64 sender;	/* socket id, where the packet still carries its socket, else 0 */
	__u64 receiver; /* socket id of the local socket that a ClientHello is for, else 0 */
	__u32 acknowledgement;
	__u32 length;
	__u8 hook;
	__u8 tcp_flags; /* enum tlstrace_tcp_flag */
	__u8 from_client;
	__u8 flags;
	__u32 slice_count;
	__u32 data_length;
	__u32 segments;	     /* segments or datagrams in it: more than 1 with GSO and GRO */
	__u32 datagram_size; /* UDP: bytes of each of several datagrams but the last; 0: it is one
			      */
	__u32 hole; /* TCP: so many bytes before it were not seen, and nothing beyond them */
	__u32 reserved;
	char interface[TLSTRACE_INTERFACE_SIZE]; /* its name now; "" unknown */
	__u32 sack_count;
	struct tlstrace_sack sacks[TLSTRACE_SACKS_MAX];
	struct tlstrace_slice slices[TLSTRACE_SLICES_MAX];
	/* data_length bytes of data follow */
};

/* A task at the time it touched a socket: all that is needed when it is gone a moment later. */
struct tlstrace_task {
	__u64 start_ns;	 /* of the thread-group leader, CLOCK_BOOTTIME */
	__u64 cgroup;	 /* id in the v2 hierarchy */
	__u64 cgroup_v1; /* id in a v1 hierarchy, whose number is the highest byte; 0: in none but
			    its root */
	__u32 pid;	 /* thread-group id */
	__u32 ns_pid;	 /* the same in its own pid namespace; 0 unknown */
	__u32 pid_ns;	 /* inode number of that namespace */
	__u32 tid;
	__u32 uid;
	__u32 followed;		       /* it or an ancestor was asked for: see bpf/follow.bpf.h */
	char comm[TLSTRACE_COMM_SIZE]; /* the leader's */
	char thread_comm[TLSTRACE_COMM_SIZE]; /* the thread's own */
};

/* The names on the way from a cgroup or a file up to below the root, each with its NUL. */
struct tlstrace_path {
	__u32 length;
	__u32 cut; /* those nearest to the root are missing */
	char names[TLSTRACE_PATH_NAMES];
};

/* A process, for as long as this host runs. */
struct tlstrace_process {
	__u64 start_ns; /* as in struct tlstrace_task */
	__u32 pid;
	__u32 reserved;
};

/* The file that a process runs. */
struct tlstrace_executable {
	__u64 entry; /* tells it from the one that the process ran before */
	__u32 deleted;
	__u32 reserved;
	struct tlstrace_path path;
};

enum tlstrace_socket_kind {
	/* Its ClientHello or its first answer crossed a TC hook; of TCP detail is its state then.
	 */
	TLSTRACE_SOCKET_HELLO = 1,
	TLSTRACE_SOCKET_ACCEPT,
	TLSTRACE_SOCKET_READ,
	TLSTRACE_SOCKET_WRITE,
	TLSTRACE_SOCKET_STATE, /* left ESTABLISHED: detail is the new state */
	TLSTRACE_SOCKET_RESET_SENT,
	TLSTRACE_SOCKET_RESET_RECEIVED,
};

enum tlstrace_role {
	TLSTRACE_ROLE_UNKNOWN,
	TLSTRACE_ROLE_CLIENT,
	TLSTRACE_ROLE_SERVER,
};

/* Whether a socket had been accepted when its ClientHello came: where accept has no time. */
enum tlstrace_accepted {
	TLSTRACE_ACCEPTED_UNKNOWN,
	TLSTRACE_ACCEPTED_BEFORE,
	TLSTRACE_ACCEPTED_LATER,
};

/* What is known of a socket that carries a handshake; unknown times and tasks are 0. */
struct tlstrace_socket {
	__u64 id;
	__u8 local_address[16];
	__u8 remote_address[16];
	__u16 local_port;
	__u16 remote_port;
	__u32 netns;
	__u64 connect_ns;
	__u64 established_ns;
	__u64 accept_ns;
	/* The latest turn of reading and of writing: its first and last operation. */
	__u64 first_read_ns;
	__u64 last_read_ns;
	__u64 first_write_ns;
	__u64 last_write_ns;
	struct tlstrace_task creator;  /* connected it */
	struct tlstrace_task accepter; /* accepted it */
	struct tlstrace_task reader;   /* read from it last */
	struct tlstrace_task writer;   /* wrote to it last */
	__u8 role;
	__u8 followed;	/* a handshake was seen on it: operations are reported */
	__u8 existed;	/* found by the iterator: older than the trace */
	__u8 last_turn; /* TLSTRACE_SOCKET_READ or _WRITE */
	__u32 operations;
	__u32 turns;	      /* of reading and writing so far: 1 while only one of them was done */
	__u8 accepted;	      /* enum tlstrace_accepted */
	__u8 early;	      /* operations before a handshake was seen on it */
	__u8 quiet;	      /* nothing is noted: no handshake was seen early on, or it is over */
	__u8 named;	      /* since it is followed: 1 << TLSTRACE_SOCKET_READ, _WRITE */
	__u32 hello_sequence; /* TCP sequence number of the latest ClientHello */
	__u32 reserved;
};

/* Set beside the 16 bits that wait(2) gives of a process that ended. */
#define TLSTRACE_EXITING 0x10000

struct tlstrace_socket_event {
	struct tlstrace_event_header header;
	__u32 kind;
	__s32 detail; /* bytes of a read or write, or the new state */
	__u32 srtt_us;
	__u32 min_rtt_us;
	__u32 retransmitted; /* segments since the connection's first */
	__u32 exiting; /* STATE: the kernel closed it for its owner, who ended: TLSTRACE_EXITING and
			  how */
	struct tlstrace_socket socket;
};

/* Size of an event that ends with the socket's id: an operation by the same task as the last one.
 */
#define TLSTRACE_SOCKET_EVENT_BRIEF                                                                \
	(sizeof(struct tlstrace_socket_event) - sizeof(struct tlstrace_socket) + sizeof(__u64))

/* The slot of a socket's id among those whose handshake is over. */
#define TLSTRACE_OVER_SLOT(id) ((__u32)((id) >> 8 ^ (id) >> 22) & (TLSTRACE_OVER_SIZE - 1))

#endif
