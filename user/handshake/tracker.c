// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/tracker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow/transport.h"
#include "handshake/apply.h"
#include "handshake/flights.h"
#include "handshake/latency.h"
#include "handshake/path.h"
#include "handshake/renegotiation.h"
#include "handshake/sockets.h"
#include "tls/hello.h"

#define BUCKETS	     4096
#define PROTOCOL_TCP 6 /* IANA */
#define SECOND_NS    1000000000ULL
/* A row waits this long behind its outcome for what is under way: other places, the probes' events.
 */
#define SETTLE_NS (20 * 1000000ULL)
/* And this long, where the last flight is under way to a client on this host. */
#define ARRIVAL_NS SECOND_NS
/* Or this long, if the server has yet to say what it thinks of the client's certificate. */
#define JUDGEMENT_NS SECOND_NS
/* The same packet elsewhere is seen within this time (DESIGN.md section 2). */
#define SAME_PACKET_NS SECOND_NS
#define EXPIRY_NS      (60 * SECOND_NS)

struct entry;

/* One handshake at one place. */
struct sighting {
	struct sighting *next;
	struct entry *entry;
	struct flow *flow; /* NULL: it went on to the handshake that renegotiates. This is how it
			      began, */
	struct flow_opening opening;
	uint64_t sockets[2]; /* and whose ends it had */
	uint32_t sequence;   /* of the ClientHello */
	uint64_t time_ns;
	unsigned int seen[2]; /* messages from the server, from the client */
	size_t place;	      /* in the handshake's path; PLACE_NONE: it is full */
	struct flight_times times;
};

struct entry {
	struct entry **bucket; /* kept: a random that was cut off may be told later */
	struct entry *bucket_next;
	struct entry *older, *newer;
	struct handshake *handshake;
	struct sighting *sightings;
	unsigned int applied[2];
	uint64_t answer_ns; /* ServerHello seen first */
	struct flights flights;
	uint64_t flight_ns; /* a message of a flight was seen last */
};

struct tracker {
	struct tracker_settings settings;
	const struct tracker_handler *handler;
	struct flow_handler flow_handler;
	struct flow_table *flows;
	struct socket_table *sockets;
	struct entry *buckets[BUCKETS];
	struct entry *oldest, *newest;
	size_t count;
	uint64_t refused;
	uint64_t expired_ns, parts_ns;
	uint64_t lost_ns; /* tracker_lost() */
};

static struct entry **bucket_of(struct tracker *tracker, const uint8_t *random)
{
	/* Random bytes are their own hash; an attacker's choice only makes one bucket long, up to
	 * the cap. */
	return &tracker->buckets[(random[2] << 8 | random[3]) % BUCKETS];
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

static void entry_unlink(struct tracker *tracker, struct entry *entry)
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

static void sighting_add(struct entry *entry, struct sighting *sighting)
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

static void sightings_release(struct tracker *tracker, struct entry *entry)
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

static void entry_release(struct tracker *tracker, struct entry *entry)
{
	sightings_release(tracker, entry);
	handshake_free(entry->handshake);
	free(entry);
}

static uint64_t time_distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* The handshake this hello is another sighting of: the same packet elsewhere. */
static struct entry *entry_find(struct tracker *tracker, const uint8_t *random,
				const struct flow *flow)
{
	struct entry *entry;
	struct sighting *sighting;

	for (entry = *bucket_of(tracker, random); entry; entry = entry->bucket_next) {
		if (memcmp(entry->handshake->random, random, 32))
			continue;
		for (sighting = entry->sightings; sighting; sighting = sighting->next)
			if (sighting->sequence == flow->start && sighting->flow != flow &&
			    time_distance(flow->first_ns, sighting->time_ns) < SAME_PACKET_NS)
				return entry;
	}
	return NULL;
}

/* hello is NULL if it is encrypted. */
static int handshake_begin(struct handshake *handshake, const struct tls_client_hello *hello,
			   const struct flow_message *message, const struct flow *flow)
{
	handshake->transport = flow->transport->kind;
	handshake->quic_version = flow->quic_version;
	handshake->truncated = message->truncated;
	path_addresses(flow, &handshake->ends[END_CLIENT].address,
		       &handshake->ends[END_SERVER].address);
	if (hello)
		return apply_client_hello(handshake, hello, message);
	/* In the random's place, which is hidden. */
	memcpy(handshake->random, &flow->start, sizeof(flow->start));
	renegotiation_start(handshake, message);
	return 0;
}

static struct entry *entry_new(struct tracker *tracker, const struct tls_client_hello *hello,
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
	if (!entry || !handshake || handshake_begin(handshake, hello, message, flow)) {
		free(entry);
		handshake_free(handshake);
		tracker->refused++;
		return NULL;
	}
	entry->handshake = handshake;
	entry->applied[1] = 1;
	flights_place(&entry->flights, handshake, message, 0, true);
	entry_link(tracker, entry);
	return entry;
}

static bool hello_read(const struct flow *flow, const struct flow_message *message,
		       struct tls_client_hello *hello)
{
	if (message->kind == FLOW_HELLO_V2)
		return tls_client_hello_v2_read(message->body, hello);
	if (flow->transport->kind == TRANSPORT_DTLS)
		return tls_client_hello_dtls_read(message->body, hello);
	return tls_client_hello_read(message->body, hello);
}

static bool is_client_hello(const struct flow_message *message)
{
	return message->from_client &&
	       (message->kind == FLOW_HELLO_V2 ||
		(message->kind == FLOW_HANDSHAKE && message->type == TLS_CLIENT_HELLO));
}

/* A handshake, or one more place of a known one. hello is NULL if it is encrypted. */
static void sighting_new(struct tracker *tracker, struct flow *flow,
			 const struct flow_message *message, const struct tls_client_hello *hello)
{
	struct sighting *sighting = calloc(1, sizeof(*sighting));
	uint8_t hidden[32] = {0};
	struct entry *entry;

	if (!sighting) {
		tracker->refused++;
		return;
	}
	sighting->flow = flow;
	sighting->sequence = flow->start;
	sighting->time_ns = flow->first_ns;
	sighting->seen[1] = 1;
	flight_times_init(&sighting->times);
	memcpy(hidden, &flow->start, sizeof(flow->start));
	entry = entry_find(tracker, hello ? hello->random : hidden, flow);
	if (!entry)
		entry = entry_new(tracker, hello, message, flow);
	if (!entry) {
		free(sighting);
		return;
	}
	if (message->partial)
		entry->handshake->last_ns = flow->last_ns;
	sighting_add(entry, sighting);
	flight_times_message(&sighting->times, &entry->flights, message, 0);
	flow->owner = sighting;
	sighting->place = path_add(entry->handshake, flow);
}

/* The first ClientHello of a flow. */
static void hello_arrived(struct tracker *tracker, struct flow *flow,
			  const struct flow_message *message)
{
	struct tls_client_hello hello;

	/* A hello that does not parse still has a random, unless a capture cut even that off. */
	if (!hello_read(flow, message, &hello) && message->body.length < TLS_HELLO_RANDOM_END &&
	    !message->truncated) {
		tracker->refused++;
		return;
	}
	sighting_new(tracker, flow, message, &hello);
}

/* The flow goes on to another handshake. What is left of the one before waits for its time without
 * it. */
static void renegotiation_arrived(struct tracker *tracker, struct flow *flow,
				  const struct flow_message *message)
{
	struct sighting *before = flow->owner;

	if (before) {
		before->opening = flow->opening;
		memcpy(before->sockets, flow->sockets, sizeof(before->sockets));
		before->flow = NULL;
		flow->owner = NULL;
	}
	flow_renegotiate(flow, message->time_ns);
	sighting_new(tracker, flow, message, NULL);
}

/*
 * A proxy that passes TLS through: the same hello on another connection, answered by the same
 * server. The one that lies within the other in time is its continuation (DESIGN.md section 2).
 */
static struct entry *inner_find(struct tracker *tracker, const struct entry *outer)
{
	const struct handshake *handshake = outer->handshake;
	struct entry *entry;

	for (entry = *bucket_of(tracker, handshake->random); entry; entry = entry->bucket_next) {
		const struct handshake *inner = entry->handshake;

		if (entry != outer && memcmp(inner->random, handshake->random, 32) == 0 &&
		    inner->has_server_random && inner->time_ns >= handshake->time_ns &&
		    entry->answer_ns <= outer->answer_ns &&
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

static void answer_arrived(struct tracker *tracker, struct entry *entry, uint64_t time_ns)
{
	struct entry *inner;

	entry->answer_ns = time_ns;
	if (!entry->handshake->has_server_random)
		return;
	while ((inner = inner_find(tracker, entry)))
		merge_inner(tracker, entry, inner);
}

/* What no place has told yet. */
static void message_apply(struct tracker *tracker, struct entry *entry, const struct flow *flow,
			  const struct flow_message *message, unsigned int n)
{
	bool pending = entry->handshake->outcome == HANDSHAKE_PENDING;
	bool had_answer = entry->handshake->has_server_random;
	struct tls_client_hello hello;

	if (!is_client_hello(message))
		apply_message(entry->handshake, message);
	else if (hello_read(flow, message, &hello) &&
		 apply_client_hello(entry->handshake, &hello, message))
		entry->handshake->truncated = true;
	flights_place(&entry->flights, entry->handshake, message, n, pending);
	if (!had_answer && entry->handshake->has_server_random)
		answer_arrived(tracker, entry, message->time_ns);
}

/* A flow that no handshake has. Only its first hello counts: a refused flow's second is not another
 * handshake. */
static void flow_opened(struct tracker *tracker, struct flow *flow,
			const struct flow_message *message)
{
	bool encrypted = flow->again && renegotiation_begins(message);

	if (flow->hello_taken || !(encrypted || is_client_hello(message)))
		return;
	/* Of a part that ends before its random nobody can tell which handshake it is. */
	if (message->partial && message->body.length < TLS_HELLO_RANDOM_END)
		return;
	flow_hello_take(tracker->flows, flow);
	if (encrypted)
		renegotiation_arrived(tracker, flow, message);
	else
		hello_arrived(tracker, flow, message);
}

/* Silence is no evidence where events were lost. */
static void silence_doubt(const struct tracker *tracker, struct handshake *handshake)
{
	if (handshake->outcome == HANDSHAKE_PENDING && tracker->lost_ns > handshake->last_ns)
		handshake->gap = true;
}

/* Its time may have run out before the event that is looked at. */
static void timeout_check(const struct tracker *tracker, struct handshake *handshake,
			  uint64_t now_ns)
{
	uint64_t due_ns = handshake->last_ns + tracker->settings.timeout_ns;

	if (handshake->outcome != HANDSHAKE_PENDING || now_ns < due_ns)
		return;
	silence_doubt(tracker, handshake);
	apply_timeout(handshake, due_ns);
}

static void on_message(void *context, struct flow *flow, const struct flow_message *message)
{
	struct tracker *tracker = context;
	struct sighting *sighting;
	unsigned int direction = message->from_client, n;
	struct entry *entry;

	/* The server does not wait for the rest. */
	if ((message->kind == FLOW_ALERT || message->kind == FLOW_QUIC_CLOSE) &&
	    !message->from_client)
		flow_hello_part(tracker->flows, flow);
	sighting = flow->owner;
	if (!sighting) {
		flow_opened(tracker, flow, message);
		return;
	}
	entry = sighting->entry;
	timeout_check(tracker, entry->handshake, message->time_ns);
	n = sighting->seen[direction]++;
	if (flow->gap)
		return;
	/* Each place delivers the same messages: whoever is first with the nth is heard. */
	if (n >= entry->applied[direction]) {
		if (renegotiation_begins(message) && renegotiation_possible(entry->handshake)) {
			renegotiation_arrived(tracker, flow, message);
			return;
		}
		entry->applied[direction] = n + 1;
		message_apply(tracker, entry, flow, message, n);
	}
	flight_times_message(&sighting->times, &entry->flights, message, n);
	if (n < HANDSHAKE_MESSAGES_MAX && entry->flights.of[direction][n] != FLIGHT_NONE)
		entry->flight_ns = flow->last_ns;
}

/* Nobody waits for the rest of its ClientHello any more. */
static void on_expired(void *context, const struct flow *flow)
{
	const struct tracker *tracker = context;

	if (tracker->handler->forget)
		tracker->handler->forget(tracker->handler->events, &flow->key, flow->id, false);
}

/* Ids of this connection's ends, by enum handshake_end, as far as they are known here. */
static const uint64_t *sockets_of(const struct sighting *sighting)
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
		if (sighting->sequence != outermost->sequence || !sockets_of(sighting)[end])
			continue;
		if (!found || (end == END_CLIENT) == (sighting->time_ns < found->time_ns))
			found = sighting;
	}
	return found;
}

static const struct flight_times *times_near(const struct entry *entry, enum handshake_end end)
{
	const struct sighting *near = sighting_near(entry, end);

	return near ? &near->times : NULL;
}

static uint64_t entry_socket(const struct entry *entry, enum handshake_end end)
{
	const struct sighting *near = sighting_near(entry, end);

	return near ? sockets_of(near)[end] : 0;
}

/* Whether what is missing of the ClientHello will not come any more. */
static bool hello_ends(const struct flow *flow, const struct tlstrace_packet_event *event)
{
	if (event->tcp_flags & TLSTRACE_TCP_RST)
		return true;
	return event->tcp_flags & TLSTRACE_TCP_FIN &&
	       (!event->from_client || flow_ends_with(flow, event));
}

static void on_segment(void *context, struct flow *flow, const struct tlstrace_packet_event *event)
{
	struct tracker *tracker = context;
	struct sighting *sighting;
	struct entry *entry;

	if (hello_ends(flow, event))
		flow_hello_part(tracker->flows, flow);
	sighting = flow->owner;
	if (!sighting)
		return;
	entry = sighting->entry;
	timeout_check(tracker, entry->handshake, event->header.time_ns);
	if (flow->gap)
		entry->handshake->gap = true;
	if (flow->gap && flow->truncated)
		entry->handshake->truncated = true;
	entry->handshake->quic_version = flow->quic_version;
	entry->handshake->last_ns = event->header.time_ns;
	if (event->length && event->key.protocol == PROTOCOL_TCP &&
	    entry->handshake->outcome == HANDSHAKE_PENDING)
		entry->handshake->amid[event->from_client] = flow_is_amid(flow, event->from_client);
	flight_times_segment(&sighting->times, flow, event,
			     entry->handshake->outcome == HANDSHAKE_PENDING);
	if (event->tcp_flags & (TLSTRACE_TCP_FIN | TLSTRACE_TCP_RST) &&
	    entry->handshake->outcome == HANDSHAKE_PENDING)
		flight_times_end(&sighting->times, flights_end(&entry->flights, event->from_client),
				 event->header.time_ns);
	if (event->tcp_flags & (TLSTRACE_TCP_FIN | TLSTRACE_TCP_RST))
		apply_end(entry->handshake, event->from_client, event->tcp_flags & TLSTRACE_TCP_RST,
			  event->header.time_ns);
}

struct tracker *tracker_new(const struct tracker_settings *settings,
			    const struct tracker_handler *handler)
{
	struct tracker *tracker = calloc(1, sizeof(*tracker));

	if (!tracker)
		return NULL;
	tracker->settings = *settings;
	tracker->handler = handler;
	tracker->flow_handler = (struct flow_handler){on_message, on_segment, on_expired, tracker};
	/* Four places each is a container behind a bridge and NAT; more only lower the cap. */
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

void tracker_packet(struct tracker *tracker, const struct tlstrace_packet_event *event,
		    const uint8_t *data)
{
	int error = flow_table_add(tracker->flows, &(struct flow_segment){event, data});

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
	/* An encrypted alert may only be the goodbye behind what is missing. */
	if (handshake->outcome == HANDSHAKE_FAILED && missing &&
	    (kind != FAILURE_ALERT || handshake->failure.encrypted)) {
		handshake->outcome = HANDSHAKE_INCOMPLETE;
		handshake->failure.kind = FAILURE_NONE;
	}
}

/* Times of a socket's earlier life are not the handshake's. */
static void endpoint_settle(struct handshake *handshake, struct endpoint *end)
{
	if (end->last_read_ns < handshake->time_ns)
		end->first_read_ns = end->last_read_ns = 0;
	if (end == &handshake->ends[END_SERVER] && end->last_write_ns < handshake->time_ns)
		end->first_write_ns = end->last_write_ns = 0;
}

static const struct flow_opening *opening_of(const struct sighting *sighting)
{
	return sighting->flow ? &sighting->flow->opening : &sighting->opening;
}

static void closed_before_settle(const struct entry *entry)
{
	struct handshake *handshake = entry->handshake;

	handshake->closed_before =
		handshake->ends[END_CLIENT].peer_closed || opening_of(entry->sightings)->closed;
}

static void latency_settle(const struct entry *entry)
{
	const struct sighting *first = entry->sightings;
	const struct timeline timeline = {
		.flights = &entry->flights,
		.at =
			{
				[END_SERVER] = times_near(entry, END_SERVER),
				[END_CLIENT] = times_near(entry, END_CLIENT),
				[END_UNKNOWN] = &first->times,
			},
		.opening = opening_of(first),
	};

	latency_fill(entry->handshake, &timeline);
}

static void entry_done(struct tracker *tracker, struct entry *entry, uint64_t now_ns)
{
	struct handshake *handshake = entry->handshake;
	const struct sighting *sighting;
	int i;

	entry_unlink(tracker, entry);
	outcome_settle(handshake, now_ns);
	for (i = 0; i < 2; i++)
		if (socket_table_take(tracker->sockets, entry_socket(entry, i),
				      &handshake->ends[i]))
			endpoint_settle(handshake, &handshake->ends[i]);
	closed_before_settle(entry);
	latency_settle(entry);
	for (sighting = entry->sightings; sighting; sighting = sighting->next)
		if (sighting->place != PLACE_NONE)
			memcpy(handshake->path[sighting->place].sockets, sockets_of(sighting),
			       sizeof(handshake->path->sockets));
	path_settle(handshake, tracker->sockets);
	/* First: who reads the row may renegotiate. */
	sightings_release(tracker, entry);
	tracker->handler->done(tracker->handler->context, handshake);
	entry_release(tracker, entry);
}

/* ClientHellos whose rest did not come in time. Not at every tick: it looks at every flow. */
static void hellos_expire(struct tracker *tracker, uint64_t now_ns)
{
	if (now_ns <= tracker->parts_ns + SECOND_NS || now_ns <= tracker->settings.timeout_ns)
		return;
	tracker->parts_ns = now_ns;
	flow_table_hello_parts(tracker->flows, now_ns - tracker->settings.timeout_ns + 1);
}

/* What a handshake may still ask for stays as long as that may be silent. */
static void tables_expire(struct tracker *tracker, uint64_t now_ns)
{
	uint64_t idle_ns = EXPIRY_NS + tracker->settings.timeout_ns;

	if (now_ns <= tracker->expired_ns + idle_ns)
		return;
	tracker->expired_ns = now_ns;
	flow_table_expire(tracker->flows, now_ns - idle_ns);
	socket_table_expire(tracker->sockets, now_ns - idle_ns);
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

/* A server on this host has ended the handshake, and its client here has not heard of it yet. */
static bool is_under_way(const struct entry *entry)
{
	const struct flight_times *client = times_near(entry, END_CLIENT);
	size_t last = entry->flights.count - 1;

	return client && entry->flights.list[last].from == END_SERVER &&
	       !client->flights[last].last_ns;
}

static bool is_settled(const struct entry *entry, uint64_t now_ns)
{
	const struct handshake *handshake = entry->handshake;
	uint64_t latest_ns = handshake->end_ns;

	if (handshake->failure.kind == FAILURE_TIMEOUT)
		return true;
	if (apply_awaits_judgement(handshake))
		return now_ns >= latest_ns + JUDGEMENT_NS;
	if (handshake->outcome == HANDSHAKE_COMPLETED && is_under_way(entry))
		return now_ns >= latest_ns + ARRIVAL_NS;
	if (entry->flight_ns > latest_ns && entry->flight_ns < latest_ns + ARRIVAL_NS)
		latest_ns = entry->flight_ns;
	return now_ns >= latest_ns + SETTLE_NS;
}

bool tracker_tick(struct tracker *tracker, uint64_t now_ns)
{
	struct entry *entry, *next;
	bool near = false;

	hellos_expire(tracker, now_ns);
	for (entry = tracker->oldest; entry; entry = next) {
		struct handshake *handshake = entry->handshake;

		next = entry->newer;
		timeout_check(tracker, handshake, now_ns);
		if (handshake->outcome == HANDSHAKE_PENDING)
			continue;
		if (is_settled(entry, now_ns) && !entry_awaits(tracker, entry))
			entry_done(tracker, entry, now_ns);
		else
			near = true;
	}
	tables_expire(tracker, now_ns);
	return near;
}

void tracker_lost(struct tracker *tracker, uint64_t time_ns)
{
	tracker->lost_ns = time_ns;
}

void tracker_finish(struct tracker *tracker, uint64_t now_ns)
{
	flow_table_hello_parts(tracker->flows, UINT64_MAX);
	while (tracker->oldest) {
		silence_doubt(tracker, tracker->oldest->handshake);
		entry_done(tracker, tracker->oldest, now_ns);
	}
	flow_table_expire(tracker->flows, UINT64_MAX);
}

uint64_t tracker_hellos(const struct tracker *tracker)
{
	return flow_table_begun(tracker->flows);
}

uint64_t tracker_unfinished(const struct tracker *tracker)
{
	return flow_table_unfinished(tracker->flows);
}

uint64_t tracker_refused(const struct tracker *tracker)
{
	return tracker->refused + flow_table_refused(tracker->flows);
}
