// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/settling.h"

#include <string.h>

#include "handshake/after.h"
#include "handshake/entries.h"
#include "handshake/latency.h"
#include "handshake/outcome.h"
#include "handshake/path.h"
#include "handshake/sockets.h"
#include "handshake/turn.h"

#define SECOND_NS 1000000000ULL
/* After the outcome, wait this long for sightings at other interfaces and the probes' events, */
#define SETTLE_NS (20 * 1000000ULL)
/* this long if the last flight is under way to a client on this host, */
#define ARRIVAL_NS SECOND_NS
/* and this long if the server has not yet judged the client's certificate. */
#define JUDGEMENT_NS SECOND_NS

/* Silence is no evidence where events were lost. */
void entry_doubt_silence(const struct tracker *tracker, struct entry *entry)
{
	struct handshake *handshake = entry->handshake;

	if (handshake->outcome == HANDSHAKE_PENDING && tracker->lost_ns > handshake->last_ns)
		handshake->gap = true;
}

static void silence_judge(const struct tracker *tracker, struct entry *entry, uint64_t now_ns)
{
	const struct handshake *handshake = entry->handshake;
	uint64_t due_ns = handshake->last_ns + tracker->settings.timeout_ns;

	if (handshake->outcome != HANDSHAKE_PENDING || now_ns < due_ns)
		return;
	entry_doubt_silence(tracker, entry);
	outcome_timeout(&entry->progress, due_ns);
}

/* Evidence that is missing must not pass for a failure, nor for a client that was asked nothing. */
static void outcome_settle(struct handshake *handshake, uint64_t now_ns)
{
	enum failure_kind kind = handshake->failure.kind;
	bool missing;

	if (handshake_is_partial(handshake) && handshake->client_auth == TRI_NONE &&
	    !tls_version_is_13(handshake->version))
		handshake->client_auth = TRI_UNKNOWN;
	if (handshake->outcome == HANDSHAKE_PENDING) {
		handshake->outcome = HANDSHAKE_INCOMPLETE;
		handshake->end_ns = now_ns;
	}
	/* Of a ServerHello that was cut off nothing is known, nor of what follows it. */
	missing = handshake->gap || (handshake->truncated && !handshake->has_server_random);
	/* An encrypted alert may only be the close_notify after what is missing. */
	if (handshake->outcome == HANDSHAKE_FAILED && missing &&
	    (kind != FAILURE_ALERT || handshake->failure.encrypted)) {
		handshake->outcome = HANDSHAKE_INCOMPLETE;
		handshake->failure.kind = FAILURE_NONE;
	}
}

void entry_check_timeout(const struct tracker *tracker, struct entry *entry, uint64_t now_ns)
{
	if (!tracker->settings.patient)
		silence_judge(tracker, entry, now_ns);
}

void entries_relieve(struct tracker *tracker, uint64_t now_ns)
{
	struct entry *entry, *next;

	for (entry = tracker->oldest; entry; entry = next) {
		next = entry->newer;
		silence_judge(tracker, entry, now_ns);
		if (entry->handshake->outcome != HANDSHAKE_PENDING)
			entry_finish(tracker, entry, now_ns);
	}
}

/*
 * Both places saw the same connection, or a proxy passed it on: what one of them shows to have
 * arrived did.
 */
static void delivery_settle(struct entry *entry)
{
	for (enum handshake_end end = END_SERVER; end <= END_CLIENT; end++) {
		const struct sighting *sighting = entry->sightings;
		bool failed = sighting != NULL;

		for (; sighting; sighting = sighting->next)
			failed &= delivery_failed(&sighting->delivery, end);
		entry->handshake->undelivered[end] = failed;
	}
}

void entry_give_up(const struct tracker *tracker, struct entry *entry, uint64_t now_ns)
{
	struct handshake *handshake = entry->handshake;
	enum handshake_end from;

	silence_judge(tracker, entry, now_ns);
	if (handshake->outcome != HANDSHAKE_PENDING || handshake->gap)
		return;
	delivery_settle(entry);
	from = handshake_other_end(handshake_awaited(handshake));
	if (handshake->undelivered[from])
		outcome_timeout(&entry->progress, now_ns);
}

/* Was anything of this end seen: a packet, its socket, or its part of the TCP handshake? */
static bool was_seen(const struct entry *entry, enum handshake_end end)
{
	const struct sighting *sighting;

	for (sighting = entry->sightings; sighting; sighting = sighting->next)
		if (sighting->delivery.ends[end].seen || sighting_sockets(sighting)[END_SERVER] ||
		    sighting_sockets(sighting)[END_CLIENT] ||
		    (end == END_SERVER && sighting_opening(sighting)->answer_ns) ||
		    (end == END_SERVER && sighting_opening(sighting)->acknowledgements &&
		     !sighting_opening(sighting)->server_unseen) ||
		    sighting_opening(sighting)->closed)
			return true;
	return false;
}

/* A capture that holds one direction says nothing about the other. */
static void unseen_settle(const struct entry *entry)
{
	struct handshake *handshake = entry->handshake;

	if (handshake->outcome != HANDSHAKE_COMPLETED &&
	    handshake_awaited(handshake) == END_SERVER && !was_seen(entry, END_SERVER))
		handshake->gap = true;
}

/* Times of a socket's earlier life are not the handshake's. */
static void endpoint_settle(struct handshake *handshake, struct endpoint *end)
{
	if (end->last_read_ns < handshake->time_ns)
		end->first_read_ns = end->last_read_ns = 0;
	if (end == &handshake->ends[END_SERVER] && end->last_write_ns < handshake->time_ns)
		end->first_write_ns = end->last_write_ns = 0;
}

static void closed_before_settle(const struct entry *entry)
{
	struct handshake *handshake = entry->handshake;

	handshake->closed_before = handshake->ends[END_CLIENT].peer_closed ||
				   sighting_opening(entry->sightings)->closed;
}

/* The server spoke first, which no server of TLS does, and then not in TLS. */
static void greeting_settle(const struct entry *entry)
{
	const struct flow_opening *opening = sighting_opening(entry->sightings);
	struct handshake *handshake = entry->handshake;

	if (!opening->greeting_length || handshake->has_server_random ||
	    handshake->outcome != HANDSHAKE_FAILED || handshake->failure.by == END_UNKNOWN)
		return;
	handshake->failure.greeted = true;
	handshake->failure.protocol =
		plaintext_recognize((struct slice){opening->greeting, opening->greeting_length});
}

static void latency_settle(const struct entry *entry)
{
	const struct sighting *first = entry->sightings;
	const struct timeline timeline = {
		.flights = &entry->flights,
		.at =
			{
				[END_SERVER] = entry_times(entry, END_SERVER),
				[END_CLIENT] = entry_times(entry, END_CLIENT),
				[END_UNKNOWN] = &first->times,
			},
		.opening = sighting_opening(first),
	};

	latency_fill(entry->handshake, &timeline);
}

void entry_finish(struct tracker *tracker, struct entry *entry, uint64_t now_ns)
{
	struct handshake *handshake = entry->handshake;
	const struct sighting *sighting;
	int i;

	entry_unlink(tracker, entry);
	entry_remember(tracker, entry);
	after_settle(&entry->progress);
	unseen_settle(entry);
	delivery_settle(entry);
	outcome_settle(handshake, now_ns);
	for (i = 0; i < 2; i++)
		if (socket_table_take(tracker->sockets, entry_socket(entry, i),
				      &handshake->ends[i]))
			endpoint_settle(handshake, &handshake->ends[i]);
	handshake->left_at_once &= handshake->outcome == HANDSHAKE_COMPLETED;
	closed_before_settle(entry);
	greeting_settle(entry);
	latency_settle(entry);
	for (sighting = entry->sightings; sighting; sighting = sighting->next)
		if (sighting->place != PLACE_NONE)
			memcpy(handshake->path[sighting->place].sockets, sighting_sockets(sighting),
			       sizeof(handshake->path->sockets));
	path_settle(handshake, tracker->sockets);
	/* First: who reads the row may renegotiate. */
	sightings_release(tracker, entry);
	tracker->handler->done(tracker->handler->context, handshake);
	entry_release(tracker, entry);
}

/* A name that a runtime is about to tell. */
static bool entry_awaits(const struct tracker *tracker, const struct entry *entry)
{
	int i;

	for (i = 0; i < 2 && tracker->handler->process_awaited; i++) {
		const struct process *owner =
			socket_table_owner(tracker->sockets, entry_socket(entry, i));

		if (owner && tracker->handler->process_awaited(tracker->handler->source, owner))
			return true;
	}
	return false;
}

/*
 * The server's last flight has not reached its client, or the client, on this host, has not read it
 * yet: the handshake lasts until then.
 */
static bool is_under_way(const struct tracker *tracker, const struct entry *entry)
{
	const struct flight_times *client = entry_times(entry, END_CLIENT);
	size_t last = entry->flights.count - 1;

	if (!client || entry->flights.list[last].from != END_SERVER)
		return false;
	return !client->flights[last].whole_ns ||
	       (entry->handshake->transport == TRANSPORT_TCP &&
		socket_table_awaits_read(tracker->sockets, entry_socket(entry, END_CLIENT),
					 client->flights[last].whole_ns));
}

static bool is_settled(const struct tracker *tracker, const struct entry *entry, uint64_t now_ns)
{
	const struct handshake *handshake = entry->handshake;
	uint64_t latest_ns = handshake->end_ns;

	if (handshake->failure.kind == FAILURE_TIMEOUT)
		return true;
	if (after_awaits_judgement(&entry->progress))
		return now_ns >= latest_ns + JUDGEMENT_NS;
	if (handshake->outcome == HANDSHAKE_COMPLETED && is_under_way(tracker, entry))
		return now_ns >= latest_ns + ARRIVAL_NS;
	if (entry->flight_ns > latest_ns && entry->flight_ns < latest_ns + ARRIVAL_NS)
		latest_ns = entry->flight_ns;
	return now_ns >= latest_ns + SETTLE_NS;
}

bool entry_is_due(const struct tracker *tracker, const struct entry *entry, uint64_t now_ns)
{
	return is_settled(tracker, entry, now_ns) && !entry_awaits(tracker, entry);
}
