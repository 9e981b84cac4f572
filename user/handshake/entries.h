/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tracker's table: one entry per handshake, with a sighting for each interface where its
 * packets were seen. For the files of the tracker alone.
 */
#ifndef TLSTRACE_ENTRIES_H
#define TLSTRACE_ENTRIES_H

#include "flow/flow.h"
#include "handshake/delivery.h"
#include "handshake/flights.h"
#include "handshake/progress.h"
#include "handshake/tracker_handler.h"
#include "tls/hello.h"

#define ENTRY_BUCKETS 4096
/* Hellos of rows that are done, kept to know their late copies. */
#define RECENT_MAX 256

struct entry;

/* One handshake at one place. */
struct sighting {
	struct sighting *next;
	struct entry *entry;
	/* NULL: the flow went on to the handshake that renegotiates. Then these are what it had: */
	struct flow *flow;
	struct flow_opening opening;
	uint64_t sockets[2];
	uint32_t sequence; /* of the ClientHello */
	uint64_t time_ns;
	unsigned int seen[2]; /* messages from the server, from the client */
	size_t place;	      /* in the handshake's path; PLACE_NONE: it is full */
	bool fin_waits[2];    /* its FIN came, and something before it is missing */
	struct flight_times times;
	struct delivery delivery;
};

struct entry {
	struct entry **bucket; /* kept: a random that was cut off may be known later */
	struct entry *bucket_next;
	struct entry *older, *newer;
	struct progress progress;
	struct handshake *handshake; /* owned; the one of progress */
	struct sighting *sightings;
	unsigned int applied[2];
	uint64_t hello_hash; /* of the ClientHello; 0: a part of it is missing */
	uint64_t answer_ns;  /* ServerHello seen first */
	struct flights flights;
	uint64_t flight_ns; /* a message of a flight was seen last */
};

/* A packet with a ClientHello, as it tells itself from others. */
struct recent {
	uint8_t random[32];
	uint32_t sequence;
	uint16_t ports[2];
	uint64_t time_ns; /* when its row was done; 0: none */
};

struct tracker {
	struct recent recents[RECENT_MAX];
	size_t recent_next;
	struct tracker_settings settings;
	const struct tracker_handler *handler;
	struct flow_handler flow_handler;
	struct flow_table *flows;
	struct socket_table *sockets;
	struct entry *buckets[ENTRY_BUCKETS];
	struct entry *oldest, *newest;
	size_t count;
	uint64_t refused;
	uint64_t displaced;  /* ClientHellos whose flow gave way to others in the kernel side */
	uint64_t unreadable; /* hellos that end before their random */
	uint64_t seed;	     /* of the hash */
	uint64_t expired_ns, parts_ns;
	uint64_t lost_ns; /* tracker_lost() */
};

/*
 * The handshake that this hello is another sighting of: the same packet at another interface, with
 * the same bytes.
 */
struct entry *entry_find(struct tracker *tracker, const uint8_t *random, const struct flow *flow,
			 const struct flow_message *message);
/* A new handshake; hello is NULL if it is encrypted. NULL: refused, and counted. */
struct entry *entry_new(struct tracker *tracker, const struct tls_client_hello *hello,
			const struct flow_message *message, const struct flow *flow);
/* Its row is done: what repeats its hello is not another handshake. */
void entry_remember(struct tracker *tracker, const struct entry *entry);
/* Does this hello repeat one of a row that is done? */
bool entry_was_done(const struct tracker *tracker, const uint8_t *random, const struct flow *flow);
void entry_unlink(struct tracker *tracker, struct entry *entry);
/* Free an entry that is not linked. */
void entry_release(struct tracker *tracker, struct entry *entry);
/* It was answered: a proxy that passed it on has an entry of its own, which becomes part of this.
 */
void entry_join_inner(struct tracker *tracker, struct entry *outer);

void sighting_add(struct entry *entry, struct sighting *sighting);
void sightings_release(struct tracker *tracker, struct entry *entry);
/* Ids of this connection's ends, by enum handshake_end; 0: not known here. */
const uint64_t *sighting_sockets(const struct sighting *sighting);
const struct flow_opening *sighting_opening(const struct sighting *sighting);
/* What the interface nearest to an end saw, if the end's socket is known there; else NULL. */
const struct flight_times *entry_times(const struct entry *entry, enum handshake_end end);
/* The id of an end's socket; 0: not known. */
uint64_t entry_socket(const struct entry *entry, enum handshake_end end);

#endif
