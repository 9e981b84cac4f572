// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/observation.h"

#include <stdlib.h>
#include <string.h>

#include "flow/transport.h"
#include "handshake/apply.h"
#include "handshake/entries.h"
#include "handshake/hellos.h"
#include "handshake/outcome.h"
#include "handshake/path.h"
#include "handshake/renegotiation.h"
#include "handshake/settling.h"

#define PROTOCOL_TCP 6 /* IANA */

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
	memcpy(hidden, &flow->start, sizeof(flow->start));
	entry = entry_find(tracker, hello ? hello->random : hidden, flow, message);
	if (!entry && hello && flow->transport->kind == TRANSPORT_TCP &&
	    entry_was_done(tracker, hello->random, flow)) {
		free(sighting);
		return;
	}
	if (!entry && tracker->settings.patient && tracker->count >= tracker->settings.capacity)
		entries_relieve(tracker, message->time_ns);
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
		tracker->unreadable++;
		return;
	}
	sighting_new(tracker, flow, message, &hello);
}

/* The flow goes on to another handshake. What is left of the one before waits for its time without
 * it. */
static void sighting_detach(struct flow *flow)
{
	struct sighting *before = flow->owner;

	if (!before)
		return;
	before->opening = flow->opening;
	memcpy(before->sockets, flow->sockets, sizeof(before->sockets));
	before->flow = NULL;
	flow->owner = NULL;
}

static void renegotiation_arrived(struct tracker *tracker, struct flow *flow,
				  const struct flow_message *message)
{
	sighting_detach(flow);
	flow_renegotiate(flow, message->time_ns);
	sighting_new(tracker, flow, message, NULL);
}

/* Its connection goes on to another handshake, in the clear: STARTTLS twice, or after a failure. */
static void restart_arrived(struct tracker *tracker, struct flow *flow,
			    const struct flow_message *message)
{
	sighting_detach(flow);
	flow_restart(flow, message->time_ns);
	hello_arrived(tracker, flow, message);
}

static void answer_arrived(struct tracker *tracker, struct entry *entry, uint64_t time_ns)
{
	entry->answer_ns = time_ns;
	if (entry->handshake->has_server_random)
		entry_join_inner(tracker, entry);
}

/* A message that was not seen at another interface before. */
static void message_apply(struct tracker *tracker, struct entry *entry, const struct flow *flow,
			  const struct flow_message *message, unsigned int n)
{
	bool pending = entry->handshake->outcome == HANDSHAKE_PENDING;
	bool had_answer = entry->handshake->has_server_random;
	struct tls_client_hello hello;

	if (!is_client_hello(message))
		apply_message(&entry->progress, message);
	else if (hello_read(flow, message, &hello) &&
		 hello_client_apply(&entry->progress, &hello, message))
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
	/* A part that ends before its random does not identify its handshake. */
	if (message->partial && message->body.length < TLS_HELLO_RANDOM_END)
		return;
	flow_hello_take(tracker->flows, flow);
	if (encrypted)
		renegotiation_arrived(tracker, flow, message);
	else
		hello_arrived(tracker, flow, message);
}

void observe_message(void *context, struct flow *flow, const struct flow_message *message)
{
	struct tracker *tracker = context;
	struct sighting *sighting;
	unsigned int direction = message->from_client, n;
	struct entry *entry;

	/* The server does not wait for the rest. */
	if ((message->kind == FLOW_ALERT || message->kind == FLOW_QUIC_CLOSE) &&
	    !message->from_client)
		flow_hello_part(tracker->flows, flow);
	/* It has read all of the hello, so what is missing here crossed before it was looked for.
	 */
	if (!message->from_client && message->kind == FLOW_HANDSHAKE && !flow->hello_taken) {
		flow_hello_part(tracker->flows, flow);
		flow->gap = true;
	}
	sighting = flow->owner;
	if (!sighting) {
		flow_opened(tracker, flow, message);
		return;
	}
	entry = sighting->entry;
	entry_check_timeout(tracker, entry, message->time_ns);
	n = sighting->seen[direction]++;
	if (flow->gap)
		return;
	if (flow->transport->kind == TRANSPORT_TCP && is_client_hello(message) &&
	    entry->handshake->outcome != HANDSHAKE_PENDING) {
		restart_arrived(tracker, flow, message);
		return;
	}
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
void observe_expired(void *context, const struct flow *flow)
{
	const struct tracker *tracker = context;

	if (tracker->handler->forget)
		tracker->handler->forget(tracker->handler->events, &flow->key, flow->id, false);
}

/* Whether what is missing of the ClientHello will not come any more. */
static bool hello_ends(const struct flow *flow, const struct tlstrace_packet_event *event)
{
	if (event->tcp_flags & TLSTRACE_TCP_RST)
		return true;
	return event->tcp_flags & TLSTRACE_TCP_FIN &&
	       (!event->from_client || flow_ends_with(flow, event));
}

/* What is sent again, or only acknowledges what was acknowledged before, does not go on. */
static bool is_sign_of_life(const struct flow *flow, const struct tlstrace_packet_event *event)
{
	const struct flow_receipt *receipt = &flow->directions[!event->from_client].receipt;

	return event->key.protocol != PROTOCOL_TCP ||
	       event->tcp_flags & (TLSTRACE_TCP_FIN | TLSTRACE_TCP_RST) ||
	       (event->length && !(event->flags & TLSTRACE_PACKET_RETRANSMIT)) ||
	       (receipt->known && receipt->acked_ns == event->header.time_ns);
}

static void gap_note(struct handshake *handshake)
{
	if (!handshake->gap)
		handshake->gap_after = handshake->outcome != HANDSHAKE_PENDING;
	handshake->gap = true;
}

/* The end of a direction counts when all that was sent before it is there. */
static uint8_t ends_of(struct sighting *sighting, const struct flow *flow,
		       const struct tlstrace_packet_event *event)
{
	uint8_t ends = event->tcp_flags & (TLSTRACE_TCP_FIN | TLSTRACE_TCP_RST);
	bool *waits = &sighting->fin_waits[event->from_client];

	if (flow->gap || flow->directions[event->from_client].stopped)
		return *waits ? ends | TLSTRACE_TCP_FIN : ends;
	if (ends & TLSTRACE_TCP_FIN && !flow_ends_with(flow, event)) {
		*waits = true;
		return ends & ~TLSTRACE_TCP_FIN;
	}
	if (*waits && !flow_is_amid(flow, event->from_client)) {
		*waits = false;
		ends |= TLSTRACE_TCP_FIN;
	}
	return ends;
}

void observe_segment(void *context, struct flow *flow, const struct tlstrace_packet_event *event)
{
	struct tracker *tracker = context;
	struct sighting *sighting;
	struct entry *entry;
	uint8_t ends;

	if (hello_ends(flow, event))
		flow_hello_part(tracker->flows, flow);
	sighting = flow->owner;
	if (!sighting)
		return;
	entry = sighting->entry;
	entry_check_timeout(tracker, entry, event->header.time_ns);
	if (flow->gap)
		gap_note(entry->handshake);
	entry->handshake->conflict |= flow->conflict;
	if (flow->gap && flow->truncated)
		entry->handshake->truncated = true;
	entry->handshake->quic_version = flow->quic_version;
	if (is_sign_of_life(flow, event))
		entry->handshake->last_ns = event->header.time_ns;
	sighting->delivery.ends[END_SERVER].seen |=
		flow->opening.acknowledgements && !flow->opening.server_unseen;
	sighting->delivery.ends[event->from_client].seen = true;
	if (event->key.protocol == PROTOCOL_TCP && entry->handshake->outcome == HANDSHAKE_PENDING)
		delivery_note(&sighting->delivery, flow, event);
	if (event->length && event->key.protocol == PROTOCOL_TCP &&
	    entry->handshake->outcome == HANDSHAKE_PENDING)
		entry->handshake->amid[event->from_client] = flow_is_amid(flow, event->from_client);
	flight_times_segment(&sighting->times, &entry->flights, flow, event,
			     entry->handshake->outcome == HANDSHAKE_PENDING);
	ends = ends_of(sighting, flow, event);
	if (ends && entry->handshake->outcome == HANDSHAKE_PENDING)
		flight_times_end(&sighting->times, flights_end(&entry->flights, event->from_client),
				 event->header.time_ns);
	if (ends)
		apply_end(&entry->progress, event->from_client, ends & TLSTRACE_TCP_RST,
			  event->header.time_ns);
}
