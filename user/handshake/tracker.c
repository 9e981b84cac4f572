// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/tracker.h"

#include <errno.h>
#include <stdlib.h>

#include "handshake/entries.h"
#include "handshake/observation.h"
#include "handshake/settling.h"
#include "handshake/sockets.h"
#include "hash.h"

#define PROTOCOL_TCP 6 /* IANA */
#define SECOND_NS    1000000000ULL
#define EXPIRY_NS    (60 * SECOND_NS)

struct tracker *tracker_new(const struct tracker_settings *settings,
			    const struct tracker_handler *handler)
{
	struct tracker *tracker = calloc(1, sizeof(*tracker));

	if (!tracker)
		return NULL;
	tracker->settings = *settings;
	tracker->handler = handler;
	tracker->seed = hash_seed();
	tracker->flow_handler =
		(struct flow_handler){observe_message, observe_segment, observe_expired, tracker};
	/* A container behind a bridge and NAT shows at four interfaces; more only lower the cap. */
	tracker->flows = flow_table_new(settings->capacity * 4, &tracker->flow_handler);
	tracker->sockets = socket_table_new(settings->capacity * 4);
	if (!tracker->flows || !tracker->sockets) {
		tracker_free(tracker);
		return NULL;
	}
	return tracker;
}

void tracker_free(struct tracker *tracker)
{
	struct entry *entry, *next;

	if (!tracker)
		return;
	for (entry = tracker->oldest; entry; entry = next) {
		next = entry->newer;
		entry_release(tracker, entry);
	}
	flow_table_free(tracker->flows);
	socket_table_free(tracker->sockets);
	free(tracker);
}

static void sighting_remove(struct entry *entry, struct sighting *sighting)
{
	struct sighting **link = &entry->sightings;

	while (*link != sighting)
		link = &(*link)->next;
	*link = sighting->next;
	free(sighting);
}

/*
 * The kernel side follows it no longer. Nothing is known of how it ends: it has no row, unless it
 * was seen elsewhere, or has ended.
 */
static void flow_displaced(struct tracker *tracker, const struct tlstrace_packet_event *event)
{
	struct flow *flow = flow_table_find(tracker->flows, &event->key, event->flow_id);
	struct sighting *sighting = flow ? flow->owner : NULL;
	struct entry *entry = sighting ? sighting->entry : NULL;

	if (!flow || (entry && entry->handshake->outcome != HANDSHAKE_PENDING))
		return;
	if (entry && sighting == entry->sightings && !sighting->next) {
		tracker->displaced++;
		entry_unlink(tracker, entry);
		entry_release(tracker, entry);
		return;
	}
	if (entry) {
		entry->handshake->gap = true;
		sighting_remove(entry, sighting);
	} else if (!flow->hello_taken) {
		tracker->displaced++;
	}
	flow_table_remove(tracker->flows, flow);
}

uint64_t tracker_displaced(const struct tracker *tracker)
{
	return tracker->displaced;
}

void tracker_packet(struct tracker *tracker, const struct tlstrace_packet_event *event,
		    const uint8_t *data)
{
	int error;

	if (event->flags & TLSTRACE_PACKET_DISPLACED) {
		flow_displaced(tracker, event);
		return;
	}
	error = flow_table_add(tracker->flows, &(struct flow_segment){event, data});

	/*
	 * It only looked like a handshake: its packets need not be copied. Of a flow without end,
	 * which UDP's are, that holds for one that there is no room for, too.
	 */
	if ((error == -EPROTO || (error && event->key.protocol != PROTOCOL_TCP)) &&
	    tracker->handler->forget)
		tracker->handler->forget(tracker->handler->events, &event->key, event->flow_id,
					 false);
}

void tracker_opening(struct tracker *tracker, const struct tlstrace_flow_key *key, uint64_t flow_id,
		     const struct flow_opening *opening)
{
	flow_table_open(tracker->flows, key, flow_id, opening);
}

void tracker_socket(struct tracker *tracker, const struct tlstrace_socket_event *event)
{
	struct process *owner = socket_table_add(tracker->sockets, event);

	if (owner && tracker->handler->process_seen)
		tracker->handler->process_seen(tracker->handler->source, owner);
}

/* ClientHellos whose rest did not come in time. Not at every tick: it looks at every flow. */
static void hellos_expire(struct tracker *tracker, uint64_t now_ns)
{
	if (now_ns <= tracker->parts_ns + SECOND_NS || now_ns <= tracker->settings.timeout_ns)
		return;
	if (tracker->settings.patient)
		return;
	tracker->parts_ns = now_ns;
	flow_table_hello_parts(tracker->flows, now_ns - tracker->settings.timeout_ns + 1);
}

void tracker_be_impatient(struct tracker *tracker)
{
	tracker->settings.patient = false;
}

/* What a handshake may still ask for stays as long as that may be silent. */
static void tables_expire(struct tracker *tracker, uint64_t now_ns)
{
	uint64_t idle_ns = EXPIRY_NS + tracker->settings.timeout_ns;

	if (now_ns <= tracker->expired_ns + idle_ns)
		return;
	tracker->expired_ns = now_ns;
	flow_table_hello_parts(tracker->flows, now_ns - idle_ns);
	flow_table_expire(tracker->flows, now_ns - idle_ns);
	socket_table_expire(tracker->sockets, now_ns - idle_ns);
}

bool tracker_tick(struct tracker *tracker, uint64_t now_ns)
{
	struct entry *entry, *next;
	bool near = false;

	hellos_expire(tracker, now_ns);
	for (entry = tracker->oldest; entry; entry = next) {
		struct handshake *handshake = entry->handshake;

		next = entry->newer;
		entry_check_timeout(tracker, entry, now_ns);
		if (handshake->outcome == HANDSHAKE_PENDING)
			continue;
		if (entry_is_due(tracker, entry, now_ns))
			entry_finish(tracker, entry, now_ns);
		else
			near = true;
	}
	tables_expire(tracker, now_ns);
	return near;
}

void tracker_pending(const struct tracker *tracker,
		     void (*pending)(void *context, const struct handshake *handshake,
				     const struct process *const owners[2]),
		     void *context)
{
	const struct entry *entry;

	for (entry = tracker->oldest; entry; entry = entry->newer) {
		const struct process *const owners[2] = {
			socket_table_owner(tracker->sockets, entry_socket(entry, 0)),
			socket_table_owner(tracker->sockets, entry_socket(entry, 1)),
		};

		if (entry->handshake->outcome == HANDSHAKE_PENDING)
			pending(context, entry->handshake, owners);
	}
}

void tracker_lost(struct tracker *tracker, uint64_t time_ns)
{
	tracker->lost_ns = time_ns;
}

void tracker_finish(struct tracker *tracker, uint64_t now_ns)
{
	flow_table_hello_parts(tracker->flows, UINT64_MAX);
	while (tracker->oldest) {
		entry_doubt_silence(tracker, tracker->oldest);
		entry_give_up(tracker, tracker->oldest, now_ns);
		entry_finish(tracker, tracker->oldest, now_ns);
	}
	flow_table_expire(tracker->flows, UINT64_MAX);
}

uint64_t tracker_hellos(const struct tracker *tracker)
{
	return flow_table_begun(tracker->flows);
}

uint64_t tracker_unfinished(const struct tracker *tracker)
{
	return flow_table_unfinished(tracker->flows) + tracker->unreadable;
}

uint64_t tracker_refused(const struct tracker *tracker)
{
	return tracker->refused + flow_table_refused(tracker->flows);
}
