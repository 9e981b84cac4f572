/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flows: one connection (TCP, QUIC, DTLS) at one place. Puts segments in order, cuts them into
 * records and messages, and hands these on in order. What differs between transports: transport.h.
 */
#ifndef TLSTRACE_FLOW_H
#define TLSTRACE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/stream.h"
#include "tls/slice.h"
#include "tlstrace_types.h"

#define FLOW_MESSAGE_MAX  (256 * 1024)
#define FLOW_BYTES_MAX	  (128 * 1024 * 1024)
#define FLOW_GREETING_MAX 8

struct flow;

enum flow_message_kind {
	FLOW_HANDSHAKE,	      /* plaintext: type and body are set */
	FLOW_HELLO_V2,	      /* SSLv2-style ClientHello: body after the type byte */
	FLOW_SERVER_HELLO_V2, /* the answer is SSL 2.0: nothing after it is read */
	FLOW_ALERT,	      /* plaintext: two bytes of body */
	FLOW_CHANGE_CIPHER_SPEC,
	FLOW_ENCRYPTED, /* an encrypted record: record_type and size only */
	FLOW_NOT_TLS,	/* the stream does not go on as records: body are its next five bytes */
	FLOW_QUIC_RETRY,
	FLOW_QUIC_VERSION_NEGOTIATION, /* body: the versions, 4 bytes each */
	FLOW_QUIC_CLOSE,	       /* CONNECTION_CLOSE: error, and the reason phrase as body */
};

struct flow_message {
	enum flow_message_kind kind;
	bool from_client;
	uint8_t record_type; /* enum message_record, tls/record.h */
	uint8_t type;	     /* handshake type */
	uint32_t size;	     /* handshake message with its header, else length of the record */
	struct slice body;   /* borrowed for the call */
	uint64_t time_ns;    /* first byte */
	uint64_t end;	     /* TCP: position in the stream after its last record, else 0 */
	uint32_t records;    /* it came in so many records, */
	uint32_t segments;   /* and the direction in so many segments so far */
	bool truncated;	     /* only the beginning was copied */
	bool partial;	     /* a ClientHello that came only in part */
	uint8_t epoch;	     /* DTLS: of the record; of DTLS 1.3 its two low bits */
	uint64_t error;	     /* of FLOW_QUIC_CLOSE: RFC 9000 section 20 */
	uint16_t version;    /* of FLOW_ENCRYPTED over TCP: in the record's header */
	bool in_clear; /* of FLOW_ENCRYPTED over TCP: a kind of record that is not looked into,
			  before any encryption */
};

/*
 * What the other end of a TCP connection has said that it received of a direction's bytes.
 * Positions are those of the stream; what precedes the ClientHello is before 0.
 */
struct flow_receipt {
	bool known;	     /* an acknowledgement came */
	int64_t acked;	     /* all before it was received */
	uint64_t acked_ns;   /* when that was first said of the last byte */
	uint64_t started_ns; /* when it was first said of any byte after position 0 */
	/* What was received after a hole, said last: RFC 2018. */
	struct {
		int64_t start, end;
	} sacks[TLSTRACE_SACKS_MAX];
	uint32_t sack_count;
	uint32_t duplicates; /* times that the other end said it received bytes twice: RFC 2883 */
};

#define FLOW_SEGMENTS_KEPT 4

/* What a segment carried: another one at the same sequence number must not carry other bytes. */
struct flow_print {
	uint32_t sequence, length; /* of what was copied */
	uint64_t head, whole;	   /* hashes of the first bytes, and of all */
};

/* One direction's decoding state. */
struct flow_direction {
	struct stream stream;
	uint64_t position;   /* of the next record */
	uint64_t record_end; /* TCP: position after the record at hand, */
	uint64_t seen;	     /* and after the last byte that came */
	struct flow_receipt receipt;
	struct flow_print prints[FLOW_SEGMENTS_KEPT]; /* of its latest segments */
	uint32_t print_count;
	uint32_t resent; /* segments or datagrams that brought only what had come before */
	bool heard;	 /* a packet of it was delivered */
	bool changed;	 /* ChangeCipherSpec seen: handshake records may be encrypted */
	bool stopped;	 /* not TLS, or a hole that will not be filled */
	bool not_tls;	 /* and that because of bytes that are not TLS */
	uint32_t segments;
	uint8_t *message; /* handshake bytes gathered over records, owned */
	size_t message_length, message_capacity;
	size_t message_skip; /* bytes of a message beyond FLOW_MESSAGE_MAX that are still to come */
	uint64_t message_time_ns;
	uint32_t message_records;
};

/* How its TCP connection began, as the place saw it; 0: not seen, or more than once. */
struct flow_opening {
	uint64_t syn_ns;
	uint64_t answer_ns; /* SYN-ACK */
	uint64_t ack_ns;    /* the client's ACK of that */
	bool closed; /* the server had closed its side before the ClientHello; the times may be 0
			then */
	bool used;   /* something was said on it before the ClientHello */
	bool server_unseen; /* of the server there was no packet by then */
	/* The first bytes of the server, if it spoke before a client that then sent the hello. */
	uint8_t greeting[FLOW_GREETING_MAX];
	uint8_t greeting_length;
	/* Every acknowledgement is delivered: that none came is evidence. */
	bool acknowledgements;
};

struct flow_transport;

struct flow {
	struct tlstrace_flow_key key;
	uint64_t id;
	const struct flow_transport *transport;
	void *state;	/* of the transport, owned */
	uint32_t start; /* tells the same packet elsewhere: TCP sequence number of the ClientHello;
			   UDP: a hash */
	uint32_t quic_version; /* the one in use; 0 if not QUIC */
	uint64_t first_ns, last_ns;
	struct flow_opening opening; /* of a connection that the ClientHello is the first to use */
	bool client_is_local;
	bool hello_v2; /* its ClientHello came in SSLv2 style */
	bool again;    /* it began after another handshake of its connection */
	uint8_t hello_hook;
	char interface[TLSTRACE_INTERFACE_SIZE]; /* where it was seen; not always terminated */
	bool gap;				 /* bytes are missing */
	bool truncated;			     /* of some packets only the beginning was captured */
	bool conflict;			     /* at one sequence number different bytes were seen */
	bool hello_taken;		     /* flow_hello_take() */
	struct flow_direction directions[2]; /* 0: from the server, 1: from the client */
	uint64_t sockets[2];	    /* ids of the sockets of its ends, in the order of directions; 0
				       unknown */
	void *owner;		    /* of the handler */
	size_t bytes;		    /* that it holds */
	struct flow *older, *newer; /* those without hello_taken, by age */
	struct flow *next;	    /* in its bucket */
};

/* One segment as a source saw it. data holds the slices' bytes, one after the other. */
struct flow_segment {
	const struct tlstrace_packet_event *event;
	const uint8_t *data;
};

struct flow_handler {
	void (*message)(void *context, struct flow *flow, const struct flow_message *message);
	/* After the messages of each segment: its flags, its sockets. */
	void (*segment)(void *context, struct flow *flow,
			const struct tlstrace_packet_event *event);
	/* Before flow_table_expire() ends it; may be NULL. */
	void (*expired)(void *context, const struct flow *flow);
	void *context;
};

struct flow_table;

/* capacity: flows at most. NULL without memory. handler is borrowed. */
struct flow_table *flow_table_new(size_t capacity, const struct flow_handler *handler);
void flow_table_free(struct flow_table *table);
/*
 * How many bytes all flows may hold together, by default FLOW_BYTES_MAX. Above it the oldest flows
 * whose ClientHello is not whole yet are ended, and counted as refused.
 */
void flow_table_limit(struct flow_table *table, size_t bytes_max);
/*
 * Feed a segment. 0; -EPROTO if it should begin a flow but only looked like TLS: it is no loss;
 * -ENOSPC if the table is full (counted), -ENOMEM (counted).
 */
int flow_table_add(struct flow_table *table, const struct flow_segment *segment);
/* How the connection of a flow under way began, if that is known. */
void flow_table_open(struct flow_table *table, const struct tlstrace_flow_key *key,
		     uint64_t flow_id, const struct flow_opening *opening);
/*
 * Another handshake begins on the flow with the record just read: start and first_ns are that
 * one's, so that it is known elsewhere.
 */
void flow_renegotiate(struct flow *flow, uint64_t time_ns);
/*
 * The ClientHello just read begins another handshake on a connection whose earlier one is over:
 * what was known of encryption no longer holds, and the server's answer begins where the client
 * has acknowledged. TCP.
 */
void flow_restart(struct flow *flow, uint64_t time_ns);
/* TCP: of what this direction has begun to say a part has not come: of a record, of a message, or
 * before a hole. */
bool flow_is_amid(const struct flow *flow, bool from_client);
/* The handler has its ClientHello, or has counted it as refused: it is not unfinished. */
void flow_hello_take(struct flow_table *table, struct flow *flow);
/*
 * The rest of its ClientHello will not come: hand on what there is as a message that is partial.
 * Nothing is, if it was taken, if its beginning is not all there, or if it may only be that it was
 * not captured.
 */
void flow_hello_part(struct flow_table *table, struct flow *flow);
/* The same for each flow that was silent since before_ns. */
void flow_table_hello_parts(struct flow_table *table, uint64_t before_ns);
/* Whether with this segment, which is the last of its direction, all is there that came before it.
 */
bool flow_ends_with(const struct flow *flow, const struct tlstrace_packet_event *event);
/* The flow under way with this key and id, or NULL. */
struct flow *flow_table_find(struct flow_table *table, const struct tlstrace_flow_key *key,
			     uint64_t flow_id);
/* End a flow. */
void flow_table_remove(struct flow_table *table, struct flow *flow);
/*
 * End the flows that no handler has taken since before_ns: their ClientHello never became whole.
 * Their number so far is flow_table_unfinished().
 */
void flow_table_expire(struct flow_table *table, uint64_t before_ns);
uint64_t flow_table_begun(const struct flow_table *table);
uint64_t flow_table_refused(const struct flow_table *table); /* ClientHellos, because it was full */
uint64_t flow_table_unfinished(const struct flow_table *table);

#endif
