/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP connections and UDP flows of a capture: a pool, found by address, the longest idle one
 * reused. */
#ifndef TLSTRACE_CONNECTION_TABLE_H
#define TLSTRACE_CONNECTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/frame.h"

/* Addresses and ports in the order of their bytes: the same for both directions. Compared as bytes.
 */
struct connection_key {
	uint8_t addresses[2][16];
	uint64_t encapsulation;
	uint32_t ifindex;
	uint32_t protocol;
	uint16_t ports[2];
	uint32_t reserved;
};

#define CONNECTION_AHEAD_MAX  4
#define CONNECTION_RECENT_MAX 8

/* A packet that was seen a moment ago: another one like it is the same, captured twice. */
struct connection_recent {
	uint32_t print; /* hash of its headers and payload */
	uint32_t time_us;
};

/* What one end sent, as far as it was seen. Sequence numbers. */
struct connection_side {
	uint32_t first;	  /* of the SYN, if has_first */
	uint32_t next;	  /* all before it was seen, if known */
	uint32_t highest; /* after the last byte seen */
	uint32_t proven;  /* all before it was sent: the other end acknowledged it, or a FIN follows
			   */
	uint32_t acked;	  /* what this end acknowledged last of the other's bytes, if has_acked */
	uint32_t start;	  /* of what may become a ClientHello, if may_start */
	uint32_t base;	  /* where the flow begins, if has_base */
	uint64_t first_ns; /* of the SYN */
	/* Seen beyond next, after holes. */
	struct {
		uint32_t start, end;
	} ahead[CONNECTION_AHEAD_MAX];
	struct connection_recent recent[CONNECTION_RECENT_MAX];
	uint8_t start_bytes[8]; /* the first that it sent, if its SYN was seen */
	uint8_t start_length;
	uint8_t ahead_count, recent_at;
	uint32_t padding_at; /* where zero bytes were that only fill a frame, if padding */
	uint8_t padding;     /* their number */
	bool has_first, known, has_acked, may_start, finished;
	bool answers; /* its SYN acknowledges the other's: it is the server */
	bool seen_data, has_base;
	bool repeated;	  /* the SYN came more than once */
	bool seen;	  /* a packet of it is in the capture */
	bool checksummed; /* a checksum of it was right: a wrong one means something */
	bool has_direction;
	enum frame_direction
		direction; /* of the first bytes that were seen, on an interface that tells */
};

/* A segment kept until what comes before it is there. */
struct held_segment {
	struct held_segment *next;
	uint64_t time_ns;
	unsigned int side;
	struct frame frame; /* its payload is bytes */
	uint8_t bytes[];
};

/* A place in the table: a connection has one for each pair of addresses that it is known by. */
struct connection_link {
	struct connection_link *next;
	struct connection_key key;
	struct connection *owner;
	bool flipped; /* the sides of this key are the other way round */
};

struct connection {
	struct connection *free_next;
	struct connection *older, *newer;
	struct connection *suspect_older, *suspect_newer;
	struct connection *endpoint_next;
	/* The second is for an answer that comes from another address than the one asked. */
	struct connection_link links[2];
	uint64_t last_ns;
	uint64_t flow_id;  /* of the latest flow */
	uint64_t identity; /* UDP: what its first packet was (tls/beginning.h) */
	uint64_t ack_ns;   /* the client's first segment after its SYN */
	uint64_t due_ns;   /* suspect: when its holes are final */
	struct connection_side sides[2];
	struct held_segment *held;
	size_t held_count, held_bytes;
	uint32_t successor; /* sequence number of a SYN that may begin another connection */
	uint64_t successor_ns;
	bool has_successor;
	bool used, tracked, suspect, reset, has_alias, retired;
	bool may_renegotiate; /* its client has finished a handshake of TLS 1.2 or before */
	bool local_is_client;
	bool told_lost;	       /* that the flow misses packets was counted */
	uint8_t client;	       /* side */
	uint8_t endpoint_side; /* that sent the first packet */
};

struct connection_table;

struct connection_table *connection_table_new(size_t capacity);
void connection_table_free(struct connection_table *table);
/* The side that sends this frame, and the key. */
unsigned int connection_key_make(struct connection_key *key, const struct frame *frame);
/* side is that of the key, and becomes that of the connection. */
struct connection *connection_find(const struct connection_table *table,
				   const struct connection_key *key, unsigned int *side);
/* A new one, all zero but its key, whose first packet side sent. NULL: the table is full. */
struct connection *connection_take(struct connection_table *table, const struct connection_key *key,
				   unsigned int side);
/* The one that was active longest ago. */
struct connection *connection_oldest(const struct connection_table *table);
/*
 * The connections whose first packet came from this address and port: the first, and the one after.
 */
struct connection *connection_from(const struct connection_table *table, const uint8_t address[16],
				   uint16_t port);
struct connection *connection_from_next(const struct connection *connection);
/* It is known by this key too, in which side is the one that was not first to send. */
void connection_alias(struct connection_table *table, struct connection *connection,
		      const struct connection_key *key, unsigned int side);
/* Mixed into hashes of what peers choose. */
uint64_t connection_table_seed(const struct connection_table *table);
/* It is over. It stays for a while: what is sent again must not begin another. */
void connection_retire(struct connection_table *table, struct connection *connection);
static inline bool connection_is_over(const struct connection *connection)
{
	return connection->reset ||
	       (connection->sides[0].finished && connection->sides[1].finished);
}
void connection_release(struct connection_table *table, struct connection *connection);
/* It is the latest to have been active. */
void connection_touch(struct connection_table *table, struct connection *connection);
size_t connection_index(const struct connection_table *table, const struct connection *connection);
struct connection *connection_at(const struct connection_table *table,
				 size_t index); /* NULL beyond the end */

void connection_suspect(struct connection_table *table, struct connection *connection);
void connection_trust(struct connection_table *table, struct connection *connection);
struct connection *connection_first_suspect(const struct connection_table *table);

/* Copy a segment. False where bounds or memory forbid it. */
bool connection_hold(struct connection_table *table, struct connection *connection,
		     unsigned int side, const struct frame *frame, uint64_t time_ns);
/* Take out one held segment, to be freed by the caller; NULL is fine. */
struct held_segment *connection_take_held(struct connection_table *table,
					  struct connection *connection, struct held_segment *held);
/* Take out one held segment, and free it. */
void connection_unhold(struct connection_table *table, struct connection *connection,
		       struct held_segment **link);
/* Free what is held of a side. */
void connection_drop(struct connection_table *table, struct connection *connection,
		     unsigned int side);

#endif
