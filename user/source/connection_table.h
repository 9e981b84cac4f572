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

/* What one end sent, as far as it was seen. Sequence numbers. */
struct connection_side {
	uint32_t first;	  /* of the SYN, if has_first */
	uint32_t next;	  /* all before it was seen, if known */
	uint32_t highest; /* behind the last byte seen */
	uint32_t proven;  /* all before it was sent: the other end acknowledged it, or a FIN follows
			   */
	uint32_t start;	  /* of what may become a ClientHello, if may_start */
	uint64_t first_ns; /* of the SYN */
	bool has_first, known, may_start, finished;
	bool repeated; /* the SYN came more than once */
	bool has_direction;
	enum frame_direction
		direction; /* of the first bytes that were seen, on an interface that tells */
};

/* A segment kept because a ClientHello's beginning may come behind it. */
struct held_segment {
	struct held_segment *next;
	uint64_t time_ns;
	unsigned int side;
	struct frame frame; /* its payload is bytes */
	uint8_t bytes[];
};

struct connection {
	struct connection *bucket_next;
	struct connection *older, *newer;
	struct connection *suspect_older, *suspect_newer;
	struct connection_key key;
	uint64_t last_ns;
	uint64_t flow_id;  /* of the latest flow */
	uint64_t identity; /* UDP: what its first packet was (opening.h) */
	uint64_t ack_ns;   /* the client's first segment behind its SYN */
	uint64_t due_ns;   /* suspect: when its holes are final */
	struct connection_side sides[2];
	struct held_segment *held;
	size_t held_count, held_bytes;
	bool used, tracked, suspect, reset;
	bool may_renegotiate; /* its client has finished a handshake of TLS 1.2 or before */
	bool local_is_client;
	uint8_t client;	       /* side */
	uint8_t pending_flags; /* FIN or RST that waits for a hole to be filled, of pending_side */
	uint8_t pending_side;
};

struct connection_table;

struct connection_table *connection_table_new(size_t capacity);
void connection_table_free(struct connection_table *table);
/* The side that sends this frame, and the key. */
unsigned int connection_key_make(struct connection_key *key, const struct frame *frame);
struct connection *connection_find(const struct connection_table *table,
				   const struct connection_key *key);
/* A new one, all zero but its key. Where none is free the longest idle one is released; *evicted
 * was tracked. */
struct connection *connection_take(struct connection_table *table, const struct connection_key *key,
				   bool *evicted);
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
/* Free what is held of a side. */
void connection_drop(struct connection_table *table, struct connection *connection,
		     unsigned int side);

#endif
