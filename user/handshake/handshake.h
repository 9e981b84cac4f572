/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model: one handshake, as plain data. The tracker fills it, sinks read it.
 * All times are nanoseconds of CLOCK_MONOTONIC (live) or of the capture's clock; 0 is unknown.
 */
#ifndef TLSTRACE_HANDSHAKE_H
#define TLSTRACE_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/key_exchange.h"
#include "tls/plaintext.h"
#include "tls/record.h"

#define HANDSHAKE_MESSAGES_MAX 64
#define HANDSHAKE_PATH_MAX     16
#define HANDSHAKE_COMM_SIZE    16
#define HANDSHAKE_ALPN_SIZE    256
#define HANDSHAKE_PHASES_MAX   24

enum handshake_outcome {
	HANDSHAKE_PENDING,
	HANDSHAKE_COMPLETED,
	HANDSHAKE_FAILED,
	HANDSHAKE_INCOMPLETE
};

enum handshake_end { END_SERVER, END_CLIENT, END_UNKNOWN };

enum failure_kind {
	FAILURE_NONE,
	FAILURE_ALERT,
	FAILURE_RESET,
	FAILURE_CLOSED,
	FAILURE_TIMEOUT,
	FAILURE_REFUSED
};

/* What is known about a failure beyond how it ended; found by handshake_causes(), see cause.h. */
enum failure_fact {
	FACT_NONE,
	FACT_VERSION,		 /* no version that both would speak */
	FACT_CIPHERS,		 /* the few cipher suites that the client offers */
	FACT_GROUPS,		 /* the few groups that the client offers */
	FACT_ALPN,		 /* none of the client's protocols suits the server */
	FACT_SERVER_NAME,	 /* the server does not know the name that it was asked for */
	FACT_MALFORMED_HELLO,	 /* the ClientHello cannot be read to its end */
	FACT_FALLBACK,		 /* the client came back with an older version than it could */
	FACT_DOWNGRADE,		 /* the ServerHello is marked: RFC 8446 section 4.1.3 */
	FACT_EXPIRED,		 /* a certificate of the rejected end */
	FACT_NOT_YET_VALID,	 /* a certificate of the rejected end */
	FACT_CERTIFICATE_NAME,	 /* the server's certificate is not for the name it was asked for */
	FACT_ISSUER,		 /* who issued the top of the rejected end's chain */
	FACT_NO_CERTIFICATE,	 /* the server asked for one, the client had none */
	FACT_WARNED,		 /* the one who failed it, or its peer, had sent a warning before */
	FACT_NO_ANSWER,		 /* it was the other end's turn to speak */
	FACT_NOT_READ,		 /* what the peer sent last was not read from the socket */
	FACT_NOT_SENT,		 /* the one to speak wrote to its socket, and nothing came of it */
	FACT_BETWEEN,		 /* neither end's socket sent the reset */
	FACT_PLAINTEXT,		 /* the answer is that of another protocol */
	FACT_HELLO_PART,	 /* only a part of the ClientHello came */
	FACT_CLOSED_BEFORE,	 /* the server had closed its side before the ClientHello came */
	FACT_KILLED,		 /* a signal ended the process of the one who closed or reset */
	FACT_EXITED,		 /* that process ended by itself, and the kernel closed for it */
	FACT_SIGNATURES,	 /* the few signature algorithms that the client offers */
	FACT_NO_SERVER_NAME,	 /* the client named no server */
	FACT_SELF_SIGNED,	 /* the certificate of the rejected end is */
	FACT_UNRELATED,		 /* it sent certificates that do not belong to its chain */
	FACT_SHORT_KEY,		 /* a certificate of the rejected end has a key that is too short */
	FACT_WEAK_SIGNATURE,	 /* or is signed with SHA-1 or MD5 */
	FACT_MUST_STAPLE,	 /* it demands an OCSP response, and none was sent */
	FACT_CLOCK,		 /* it is not expired by the clock of this host */
	FACT_BEFORE_CERTIFICATE, /* TLS 1.3: the server refused before it sent its certificate */
	FACT_VIOLATION,		 /* the server did what the protocol forbids */
	FACT_ECHO,		 /* the answer is the client's own ClientHello */
	FACT_GREETED,		 /* the server spoke before the ClientHello, in another protocol */
	FACT_DID_NOT_WAIT,	 /* the client left before an answer could come */
	FACT_NOT_DELIVERED,	 /* what the other end sent last was never acknowledged */
	FAILURE_FACTS,
};

/* What a server did that the protocol forbids. */
enum violation {
	VIOLATION_NONE,
	VIOLATION_CIPHER,	/* chose a suite that was not offered */
	VIOLATION_GROUP,	/* chose a group for which there was no key share */
	VIOLATION_SESSION_ID,	/* TLS 1.3: did not echo the session id */
	VIOLATION_RETRY_TWICE,	/* a second HelloRetryRequest */
	VIOLATION_RETRY_SHARED, /* asked for a key share that it had */
};

/* How sure a three-valued field is; names in handshake_state_name(). */
enum handshake_tri {
	TRI_NONE,
	TRI_OFFERED,
	TRI_ACCEPTED,
	TRI_REJECTED,
	TRI_REQUESTED,
	TRI_SENT,
	TRI_DECLINED,
	TRI_UNKNOWN
};

struct address {
	uint8_t ip[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;	/* host order */
};

/* What an owner was seen to do with its socket, from the weakest evidence to the strongest. */
enum owner_evidence {
	OWNER_NONE,
	OWNER_CREATED, /* connected or accepted it */
	OWNER_READ,
	OWNER_WROTE_BEFORE, /* before the handshake */
	OWNER_WROTE,
};

struct container;

/* A task, copied in the kernel when it touched the socket. pid 0: none. */
struct process {
	uint32_t pid;
	uint32_t ns_pid; /* the same in its own pid namespace; 0 unknown */
	uint32_t pid_ns; /* inode number of that; 0 unknown */
	uint32_t tid;
	uint32_t uid;
	uint64_t start_ns;
	uint64_t cgroup, cgroup_v1; /* as in struct tlstrace_task */
	char comm[HANDSHAKE_COMM_SIZE + 1];
	char thread_comm[HANDSHAKE_COMM_SIZE + 1];
	bool followed;		     /* it or an ancestor was asked for: -f, or a command to run */
	char *exe;		     /* owned; NULL if it was gone */
	char *cgroup_path;	     /* owned; NULL if unknown */
	char *unit;		     /* of systemd, owned; NULL if in none, or unknown */
	struct container *container; /* a reference: who/container.h; NULL if in none, or unknown */
};

/* What the sockets say of one end. */
struct endpoint {
	struct address address;
	struct process process;	 /* the owner: wrote, else read, else accepted or connected */
	struct process creator;	 /* connected or accepted it, where that is another task */
	enum owner_evidence how; /* why it is the owner */
	uint32_t netns;		 /* 0 unknown */
	uint64_t socket_id;
	uint64_t connect_ns, established_ns, accept_ns;
	bool reset_sent, left; /* its socket sent a reset; was closed or shut down, or got one */
	bool peer_closed; /* at its hello the other end had closed its side of the connection */
	bool exited;	  /* it was closed because its process ended, */
	uint8_t exit_signal,
		exit_status; /* by this signal, or if that is 0 by itself with this status */
	uint64_t first_read_ns, last_read_ns, first_write_ns, last_write_ns;
	uint64_t *reads_ns; /* the first of its reads, owned */
	size_t read_count;
	bool fresh; /* nothing was read or written on its connection before the handshake */
	bool accepted_before;	/* its hello, which came when it had been accepted; */
	bool accepted_later;	/* or had not: neither if that is not known */
	uint32_t retransmitted; /* segments before the hello: SYN, SYN-ACK */
	uint32_t srtt_us, min_rtt_us;
};

struct certificate;

/* A certificate that one end sent; owned is one reference to it. */
struct sent_certificate {
	enum handshake_end from;
	struct certificate *certificate;
};

/* A list of 16-bit code points in wire order. Owned by the handshake; those of an offer by its
 * codes. */
struct code_list {
	uint16_t *items;
	size_t count;
};

struct offer {
	uint16_t *codes;  /* of all its lists, owned */
	uint16_t version; /* legacy_version */
	struct code_list versions, ciphers, groups, key_shares, signatures, extensions;
	struct code_list point_formats, psk_modes, compressions; /* code points of 8 bits */
	struct code_list delegated_credentials;			 /* signature schemes, RFC 9345 */
	uint8_t *alpn; /* ProtocolNameList as on the wire (RFC 7301), owned */
	size_t alpn_length;
	uint16_t padding; /* bytes in the padding extension (RFC 7685), if has_padding */
	bool has_padding;
	uint8_t heartbeat; /* HeartbeatMode (RFC 6520); 0 not offered */
	uint32_t size;	   /* of the message with its 4-byte header */
	uint32_t received; /* as much of it as was seen */
	bool partial;	   /* no more than that came */
	uint32_t records;  /* records it came in */
	uint32_t segments; /* segments it came in */
	bool whole;	   /* a TLS hello, read to its end */
	bool ticket;	   /* a session ticket was offered (RFC 5077) */
};

enum message_kind {
	MESSAGE_HIDDEN,	   /* encryption hides what it is */
	MESSAGE_HANDSHAKE, /* of a type: enum tls_handshake_type */
	MESSAGE_ALERT,
	MESSAGE_CHANGE_CIPHER_SPEC,
	MESSAGE_ENCRYPTED_HANDSHAKE, /* which of them is not known */
	MESSAGE_HELLO_RETRY_REQUEST,
	MESSAGE_QUIC_RETRY,
	MESSAGE_QUIC_VERSION_NEGOTIATION,
	MESSAGE_QUIC_CLOSE,
};

struct message {
	uint64_t time_ns;
	enum handshake_end from;
	enum message_kind kind;
	uint8_t type;	/* of MESSAGE_HANDSHAKE */
	uint8_t record; /* content type */
	uint32_t size;	/* message with its header, else the record's length */
	bool encrypted;
	bool inferred;		    /* kind and type rest on the record's length */
	uint8_t alert_level, alert; /* of a plaintext alert */
};

struct place {
	char interface[16];
	uint32_t ifindex;
	uint32_t netns;
	uint8_t hook; /* enum tlstrace_hook; of the ClientHello */
	struct address client, server;
	uint64_t sockets[2]; /* ids, by enum handshake_end, of this place's connection; 0 unknown */
	struct process process; /* at this place, and neither end: a proxy; pid 0: none */
	uint64_t time_ns;
};

/* What a stretch of a handshake's time was used for, in the order in which phases come. */
enum phase_kind {
	PHASE_TCP_CONNECT,
	PHASE_CLIENT_PREPARE,
	PHASE_HELLO_NETWORK,
	PHASE_ACCEPT_QUEUE,
	PHASE_SERVER_WAKEUP,
	PHASE_SERVER_CRYPTO,
	PHASE_SERVER_FLIGHT,
	PHASE_SERVER,
	PHASE_REPLY_NETWORK,
	PHASE_CLIENT_WAKEUP,
	PHASE_CLIENT_CRYPTO,
	PHASE_FINISH_NETWORK,
	PHASE_SERVER_FINISH,
	PHASE_CLIENT_FINISH,
	PHASE_UNKNOWN, /* the evidence does not say */
	PHASE_KINDS,
};

/* A stretch of a handshake's time. Phases are in order and never overlap. */
struct phase {
	enum phase_kind kind;
	enum handshake_end side; /* END_UNKNOWN: of both, or of the network between */
	uint64_t start_ns, duration_ns;
	bool estimated; /* else measured */
	bool in_parts;	/* for most of it the first part of what ends it had left; when the last was
			   written is not known */
	bool held;	/* the same, and all of it had been written */
	bool lost;	/* until something that was lost was sent again */
	uint64_t error_ns; /* of an estimate: how far off it may be; UINT64_MAX: not known */
};

/* Why it took so long, as far as its packets prove it. */
enum latency_cause_kind {
	CAUSE_SYN_LOST,
	CAUSE_SYN_ACK_LOST,
	CAUSE_HELLO_LOST,
	CAUSE_ANSWER_LOST,    /* of the server's flight, a part at least */
	CAUSE_FINISH_LOST,    /* of the messages after it */
	CAUSE_INITIAL_WINDOW, /* the server's flight waited for the client's acknowledgements */
	CAUSE_ROUND_TRIPS,    /* most of it is the way */
	LATENCY_CAUSES,
};

struct latency_cause {
	enum latency_cause_kind kind;
	enum handshake_end from; /* who sent what was lost, or waited; END_UNKNOWN: both */
	uint32_t count;		 /* losses, round trips */
	uint64_t duration_ns;
};

#define LATENCY_CAUSES_MAX 8

/* What the phases add up to: from the connect, or from the first thing seen, to when the client may
 * send. */
struct latency {
	uint64_t start_ns, end_ns; /* 0: not known */
	uint32_t rtt_us;	   /* of the stack, of the network between the ends; 0 unknown */
	uint32_t retransmissions;  /* segments of the connect and the handshake that were sent again
				    */
	struct phase *phases;	   /* owned, at most HANDSHAKE_PHASES_MAX */
	size_t phase_count;
	struct latency_cause causes[LATENCY_CAUSES_MAX];
	size_t cause_count;
};

/* What of an earlier session the client brought and the server took. */
enum resumption { RESUMPTION_UNKNOWN, RESUMPTION_SESSION_ID, RESUMPTION_TICKET, RESUMPTION_PSK };

/* Fields that may rest on the lengths of encrypted records. */
enum inferred_field {
	INFERRED_OUTCOME,
	INFERRED_FAILURE,
	INFERRED_MESSAGES,
	INFERRED_CLIENT_AUTH,
	INFERRED_EARLY_DATA,
	INFERRED_FIELDS,
};

struct handshake {
	uint8_t random[32];
	bool has_random;
	uint64_t time_ns; /* first byte of the ClientHello, wherever seen first */
	uint64_t end_ns;  /* outcome known */
	uint64_t last_ns; /* latest sign of life */
	enum handshake_transport transport;
	enum handshake_outcome outcome;
	struct {
		enum failure_kind kind;
		enum handshake_end by;
		int alert; /* -1 unknown */
		bool encrypted;
		bool has_error;		 /* QUIC: a CONNECTION_CLOSE was read, */
		enum failure_fact cause; /* what is certain to be why; FACT_NONE: not known */
		uint64_t facts;	 /* what else may tell a reader why: bits 1 << enum failure_fact */
		uint8_t warning; /* of FACT_WARNED: the alert */
		enum plaintext protocol; /* what an answer that is not TLS looks like */
		bool echoed;		 /* the answer is a ClientHello */
		bool greeted;	/* the server spoke before the ClientHello, as protocol says */
		uint64_t error; /* its error code (RFC 9000 section 20), */
		char *reason;	/* and reason phrase, raw bytes, owned; NULL none */
		size_t reason_length;
	} failure;
	struct endpoint ends[2]; /* indexed by enum handshake_end */

	struct offer offer;
	uint16_t version; /* negotiated; 0 unknown */
	uint16_t cipher;
	bool has_cipher;
	uint16_t group;	    /* 0 unknown */
	uint16_t signature; /* of ServerKeyExchange; 0 unknown */
	enum tls_key_exchange key_exchange;
	uint8_t compression;
	char *sni; /* owned, raw bytes NUL-terminated; NULL none */
	size_t sni_length;
	uint8_t alpn[HANDSHAKE_ALPN_SIZE];
	size_t alpn_length; /* 0: none chosen or hidden */
	uint8_t server_random[32];
	bool has_server_random;
	uint8_t session_id[32];
	size_t session_id_length;
	bool resumed;
	enum resumption resumption;
	bool session_id_echoed; /* the server repeated the session id that was offered */
	bool ocsp_stapled;	/* CertificateStatus was sent (RFC 6066); hidden in TLS 1.3 */
	bool ticket_issued;	/* NewSessionTicket was sent (RFC 5077); hidden in TLS 1.3 */
	bool hello_retry;
	uint16_t retry_group; /* the key share a HelloRetryRequest asks for; 0 none */
	bool retry_cookie; /* it brings a cookie (RFC 8446 section 4.2.2; DTLS: HelloVerifyRequest)
			    */
	enum violation violation;	    /* the first one */
	bool renegotiation;		    /* on a connection that had a handshake before */
	uint16_t server_legacy_version;	    /* of the ServerHello itself */
	struct code_list server_extensions; /* of the ServerHello, wire order */
	bool server_hello_whole;	    /* it was read to its end */
	uint8_t heartbeat;     /* HeartbeatMode the server accepted (RFC 6520); 0 none */
	uint32_t quic_version; /* 0 if not QUIC */
	enum handshake_tri psk, early_data, client_auth, ech;

	/* Bodies of Certificate messages as on the wire, indexed by enum handshake_end; owned. */
	struct {
		uint8_t *body;
		size_t length;
	} certificate_messages[2];
	struct sent_certificate *certificates; /* owned, the server's first: certificates.h */
	size_t certificate_count;
	char ja3[33], ja3s[33], ja4[37]; /* hex and text; "" unknown */

	struct message *messages; /* owned, at most HANDSHAKE_MESSAGES_MAX */
	size_t message_count;
	struct place *path; /* owned, at most HANDSHAKE_PATH_MAX */
	size_t path_count;

	struct latency latency; /* filled when the outcome is known: latency.h */
	bool left_at_once; /* completed, and then left_by closed, before any data of the client */
	enum handshake_end left_by;
	enum failure_fact rejected_after; /* why the client left, by the certificate: cause.h */
	bool closed_before;  /* the server had closed its side of the connection before the
				ClientHello */
	bool undelivered[2]; /* what this end sent last did not arrive: delivery.h */
	bool gap, truncated;
	bool conflict;	/* at one sequence number different bytes were seen */
	bool gap_after; /* the gap lies after its outcome */
	bool amid[2];	/* TCP: of what this end began to say a part did not come */
	bool cut;	/* of a message a capture holds only the beginning */
	enum inferred_field inferred[INFERRED_FIELDS]; /* in the order in which they were noted */
	size_t inferred_count;
};

struct handshake *handshake_new(void); /* NULL without memory */
void handshake_free(struct handshake *handshake);
/* Also what it owns, as far as there is memory; to is empty. */
void process_copy(struct process *to, const struct process *from);
void process_clear(struct process *process); /* free what it owns; it is all zero afterwards */
/* How long it took until the client could send, or until it failed; false: that is not known. */
bool handshake_total(const struct handshake *handshake, uint64_t *ns);
/* Were there bytes of it that nobody saw? */
bool handshake_is_partial(const struct handshake *handshake);
/* Note once that a field rests on record lengths. */
void handshake_infer(struct handshake *handshake, enum inferred_field field);
/* Room for one more, all zero. NULL: the list is full, or out of memory. */
struct message *handshake_message_add(struct handshake *handshake);
struct place *handshake_place_add(struct handshake *handshake);
/* Is it this handshake message, as far as is known? */
bool message_is(const struct message *message, uint8_t type);

#endif
