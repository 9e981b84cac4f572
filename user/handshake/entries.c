// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/entries.h"

#include <stdlib.h>
#include <string.h>

#include "flow/transport.h"
#include "handshake/hellos.h"
#include "handshake/path.h"
#include "handshake/renegotiation.h"
#include "hash.h"

/* The same packet is seen at another interface within this time. */
#define SECOND_NS      1000000000ULL
#define SAME_PACKET_NS SECOND_NS
/* TCP sends again for so long at most before a server gives up (RFC 6298: 1, 2, 4 … 32 s). */
#define RECENT_NS (30 * SECOND_NS)

static struct entry **bucket_of(struct tracker *tracker, const uint8_t *random)
{
	/* Random bytes are their own hash; an attacker's choice only makes one bucket long, up to
	 * the cap. */
	return &tracker->buckets[(random[2] << 8 | random[3]) % ENTRY_BUCKETS];
}

static void entry_link(struct tracker *tracker, struct entry *entry)
{
	entry->bucket = bucket_of(tracker, entry->handshake->random);
	entry->bucket_next = *entry->bucket;
	*entry->bucket = entry;
	entry->older = tracker->newest;
	if (tracker->newest)
		tracker->newest->newer = entry;
	else
		tracker->oldest = entry;
	tracker->newest = entry;
	tracker->count++;
}

static struct recent recent_of(const uint8_t *random, const struct flow *flow)
{
	struct recent recent = {.sequence = flow->start};

	memcpy(recent.random, random, sizeof(recent.random));
	recent.ports[!flow->client_is_local] = flow->key.local_port;
	recent.ports[flow->client_is_local] = flow->key.remote_port;
	return recent;
}

void entry_remember(struct tracker *tracker, const struct entry *entry)
{
	const struct sighting *sighting;
	struct recent *recent;

	for (sighting = entry->sightings; sighting; sighting = sighting->next) {
		if (!sighting->flow || !entry->handshake->has_random)
			continue;
		recent = &tracker->recents[tracker->recent_next++ % RECENT_MAX];
		*recent = recent_of(entry->handshake->random, sighting->flow);
		recent->time_ns = entry->handshake->last_ns;
	}
}

bool entry_was_done(const struct tracker *tracker, const uint8_t *random, const struct flow *flow)
{
	struct recent like = recent_of(random, flow);

	for (size_t i = 0; i < RECENT_MAX; i++) {
		const struct recent *recent = &tracker->recents[i];

		if (recent->time_ns && recent->sequence == like.sequence &&
		    memcmp(recent->ports, like.ports, sizeof(like.ports)) == 0 &&
		    memcmp(recent->random, like.random, sizeof(like.random)) == 0 &&
		    flow->first_ns < recent->time_ns + RECENT_NS)
			return true;
	}
	return false;
}

void entry_unlink(struct tracker *tracker, struct entry *entry)
{
	struct entry **link = entry->bucket;

	while (*link != entry)
		link = &(*link)->bucket_next;
	*link = entry->bucket_next;
	if (entry->older)
		entry->older->newer = entry->newer;
	else
		tracker->oldest = entry->newer;
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		tracker->newest = entry->older;
	tracker->count--;
}

void sighting_add(struct entry *entry, struct sighting *sighting)
{
	struct sighting **link = &entry->sightings;

	while (*link)
		link = &(*link)->next;
	*link = sighting;
	sighting->entry = entry;
	sighting->next = NULL;
}

static void flow_release(struct tracker *tracker, struct flow *flow, bool may_renegotiate)
{
	if (tracker->handler->forget)
		tracker->handler->forget(tracker->handler->events, &flow->key, flow->id,
					 may_renegotiate);
	flow_table_remove(tracker->flows, flow);
}

void sightings_release(struct tracker *tracker, struct entry *entry)
{
	bool may_renegotiate = renegotiation_possible(entry->handshake);
	struct sighting *sighting, *next;

	for (sighting = entry->sightings; sighting; sighting = next) {
		next = sighting->next;
		if (sighting->flow)
			flow_release(tracker, sighting->flow, may_renegotiate);
		free(sighting);
	}
	entry->sightings = NULL;
}

void entry_release(struct tracker *tracker, struct entry *entry)
{
	sightings_release(tracker, entry);
	handshake_free(entry->handshake);
	free(entry);
}

static uint64_t time_distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* 0: what is missing cannot be compared. */
static uint64_t hello_hash(const struct tracker *tracker, const struct flow_message *message)
{
	if (message->truncated || message->partial || !message->body.length)
		return 0;
	return slice_hash(message->body, tracker->seed) | 1;
}

struct entry *entry_find(struct tracker *tracker, const uint8_t *random, const struct flow *flow,
			 const struct flow_message *message)
{
	uint64_t hash = hello_hash(tracker, message);
	struct entry *entry;
	struct sighting *sighting;

	for (entry = *bucket_of(tracker, random); entry; entry = entry->bucket_next) {
		if (memcmp(entry->handshake->random, random, 32) ||
		    (hash && entry->hello_hash && entry->hello_hash != hash))
			continue;
		for (sighting = entry->sightings; sighting; sighting = sighting->next)
			if (sighting->sequence == flow->start && sighting->flow != flow &&
			    time_distance(flow->first_ns, sighting->time_ns) < SAME_PACKET_NS)
				return entry;
	}
	return NULL;
}

/* hello is NULL if it is encrypted. */
static int handshake_begin(struct progress *progress, const struct tls_client_hello *hello,
			   const struct flow_message *message, const struct flow *flow)
{
	struct handshake *handshake = progress->handshake;

	handshake->transport = flow->transport->kind;
	handshake->quic_version = flow->quic_version;
	handshake->truncated = message->truncated;
	path_addresses(flow, &handshake->ends[END_CLIENT].address,
		       &handshake->ends[END_SERVER].address);
	if (hello)
		return hello_client_apply(progress, hello, message);
	/* In the random's place, which is hidden. */
	memcpy(handshake->random, &flow->start, sizeof(flow->start));
	renegotiation_start(progress, message);
	return 0;
}

struct entry *entry_new(struct tracker *tracker, const struct tls_client_hello *hello,
			const struct flow_message *message, const struct flow *flow)
{
	struct entry *entry;
	struct handshake *handshake;

	if (tracker->count >= tracker->settings.capacity) {
		tracker->refused++;
		return NULL;
	}
	entry = calloc(1, sizeof(*entry));
	handshake = handshake_new();
	if (entry)
		entry->progress.handshake = entry->handshake = handshake;
	if (!entry || !handshake || handshake_begin(&entry->progress, hello, message, flow)) {
		free(entry);
		handshake_free(handshake);
		tracker->refused++;
		return NULL;
	}
	entry->hello_hash = hello_hash(tracker, message);
	entry->applied[1] = 1;
	flights_place(&entry->flights, handshake, message, 0, true);
	entry_link(tracker, entry);
	return entry;
}

/*
 * A proxy that passes TLS through: the same hello on another connection, answered by the same
 * server. The one that lies within the other in time is its continuation.
 */
static struct entry *inner_find(struct tracker *tracker, const struct entry *outer)
{
	const struct handshake *handshake = outer->handshake;
	struct entry *entry;

	for (entry = *bucket_of(tracker, handshake->random); entry; entry = entry->bucket_next) {
		const struct handshake *inner = entry->handshake;

		if (entry != outer && entry->hello_hash == outer->hello_hash &&
		    memcmp(inner->random, handshake->random, 32) == 0 && inner->has_server_random &&
		    inner->time_ns >= handshake->time_ns && entry->answer_ns <= outer->answer_ns &&
		    memcmp(inner->server_random, handshake->server_random, 32) == 0)
			return entry;
	}
	return NULL;
}

static void merge_inner(struct tracker *tracker, struct entry *outer, struct entry *inner)
{
	struct handshake *to = outer->handshake, *from = inner->handshake;
	struct sighting *sighting, *next;

	for (sighting = inner->sightings; sighting; sighting = next) {
		next = sighting->next;
		sighting->place = sighting->flow ? path_add(to, sighting->flow) : PLACE_NONE;
		sighting_add(outer, sighting);
		/* Its messages came through here already, or will: count as seen what the outer
		 * applied. */
	}
	inner->sightings = NULL;
	to->ends[END_SERVER].address = from->ends[END_SERVER].address;
	to->gap |= from->gap;
	entry_unlink(tracker, inner);
	entry_release(tracker, inner);
}

void entry_join_inner(struct tracker *tracker, struct entry *outer)
{
	struct entry *inner;

	while ((inner = inner_find(tracker, outer)))
		merge_inner(tracker, outer, inner);
}

const uint64_t *sighting_sockets(const struct sighting *sighting)
{
	return sighting->flow ? sighting->flow->sockets : sighting->sockets;
}

/* Of a passed-through handshake the connection that began first has the client, the last the
 * server. */
static const struct sighting *sighting_outermost(const struct entry *entry, enum handshake_end end)
{
	const struct sighting *sighting, *found = entry->sightings;

	for (sighting = found; sighting; sighting = sighting->next)
		if (end == END_CLIENT ? sighting->time_ns < found->time_ns
				      : sighting->time_ns > found->time_ns)
			found = sighting;
	return found;
}

/* Where the socket of an end is known, next to that end. NULL: nowhere. */
static const struct sighting *sighting_near(const struct entry *entry, enum handshake_end end)
{
	const struct sighting *outermost = sighting_outermost(entry, end), *sighting, *found = NULL;

	for (sighting = entry->sightings; sighting; sighting = sighting->next) {
		if (sighting->sequence != outermost->sequence || !sighting_sockets(sighting)[end])
			continue;
		if (!found || (end == END_CLIENT) == (sighting->time_ns < found->time_ns))
			found = sighting;
	}
	return found;
}

const struct flight_times *entry_times(const struct entry *entry, enum handshake_end end)
{
	const struct sighting *near = sighting_near(entry, end);

	return near ? &near->times : NULL;
}

uint64_t entry_socket(const struct entry *entry, enum handshake_end end)
{
	const struct sighting *near = sighting_near(entry, end);

	return near ? sighting_sockets(near)[end] : 0;
}

const struct flow_opening *sighting_opening(const struct sighting *sighting)
{
	return sighting->flow ? &sighting->flow->opening : &sighting->opening;
}
