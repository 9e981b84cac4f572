// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/flights.h"

#include <string.h>

#include "flow/transport.h"
#include "tls/hello.h"

static bool is_hello(const struct flow_message *message)
{
	return message->from_client &&
	       (message->kind == FLOW_HELLO_V2 ||
		(message->kind == FLOW_HANDSHAKE && message->type == TLS_CLIENT_HELLO));
}

/*
 * The server's Initial and Handshake packets are its flight, whatever acknowledgements lie between
 * them; the client's answer is the packet that tells that it is done.
 */
static bool is_part_quic(const struct handshake *handshake, const struct flow_message *message)
{
	if (message->kind == FLOW_QUIC_RETRY || message->kind == FLOW_QUIC_VERSION_NEGOTIATION)
		return false;
	if (message->from_client)
		return message->kind == FLOW_HANDSHAKE || handshake->outcome != HANDSHAKE_PENDING;
	return message->record_type != RECORD_KIND_QUIC_1RTT;
}

static bool is_data(const struct handshake *handshake, const struct flow_message *message)
{
	return message->kind == FLOW_ENCRYPTED && message->record_type == RECORD_KIND_DATA &&
	       !tls_version_is_13(handshake->version);
}

/* Early data waits for nothing and nothing waits for it: its length gives no name away. */
static bool is_early_data(const struct handshake *handshake, const struct flow_message *message)
{
	return message->from_client && message->kind == FLOW_ENCRYPTED &&
	       handshake->early_data == TRI_OFFERED;
}

static bool is_part(const struct flights *flights, const struct handshake *handshake,
		    const struct flow_message *message)
{
	if (handshake->transport == TRANSPORT_QUIC)
		return is_part_quic(handshake, message);
	if (is_data(handshake, message) || is_early_data(handshake, message))
		return false;
	/* The server goes to work when it has the hello, whatever the client sends after it. */
	return !message->from_client || is_hello(message) || flights->count != 1;
}

static uint8_t flight_from(struct flights *flights, enum handshake_end from)
{
	if (flights->count && flights->list[flights->count - 1].from == from)
		return flights->count - 1;
	if (flights->count == FLIGHTS_MAX)
		return FLIGHT_NONE;
	flights->list[flights->count].from = from;
	return flights->count++;
}

void flights_place(struct flights *flights, const struct handshake *handshake,
		   const struct flow_message *message, unsigned int n, bool was_pending)
{
	enum handshake_end from = message->from_client ? END_CLIENT : END_SERVER;
	uint8_t flight = FLIGHT_NONE;

	if (n >= HANDSHAKE_MESSAGES_MAX)
		return;
	/* Where one renegotiates, data goes on. */
	if (was_pending && message->from_client && is_data(handshake, message) &&
	    flights->count > 2 && !handshake->renegotiation)
		flights->false_start = true;
	if (was_pending && is_part(flights, handshake, message))
		flight = flight_from(flights, from);
	/* The first is one, even if it is encrypted. */
	if (flight == 0 || (flight != FLIGHT_NONE && is_hello(message)))
		flights->list[flight].hello = true;
	flights->of[from][n] = flight;
}

uint8_t flights_end(struct flights *flights, enum handshake_end from)
{
	/* Who ends what it has sent itself says nothing new. */
	if (!flights->count || flights->list[flights->count - 1].from == from)
		return FLIGHT_NONE;
	return flight_from(flights, from);
}

/* Of datagrams, which have no positions. */
static void stretch_extend(struct stretch *stretch, uint64_t first_ns, uint64_t last_ns)
{
	if (!stretch->first_ns)
		stretch->first_ns = first_ns;
	if (last_ns > stretch->last_ns)
		stretch->last_ns = stretch->whole_ns = last_ns;
}

/* How far the stream is known without a hole. */
static uint64_t wire_contiguous(const struct wire *wire)
{
	return wire->hole_count ? wire->holes[0].begin : wire->highest;
}

/* The time at which the stream first reached a position. */
static uint64_t wire_reached(const struct wire *wire, uint64_t position)
{
	uint64_t found = 0;

	for (size_t i = 0; i < MARKS_MAX; i++)
		if (wire->marks[i].end >= position && (!found || wire->marks[i].time_ns < found))
			found = wire->marks[i].time_ns;
	return found;
}

static void wire_grow(struct wire *wire, uint64_t end, uint64_t time_ns)
{
	wire->highest = end;
	wire->marks[wire->mark_next].end = end;
	wire->marks[wire->mark_next].time_ns = time_ns;
	wire->mark_next = (wire->mark_next + 1) % MARKS_MAX;
}

/* One too many is not noted: a flight then seems to be whole too early. */
static void hole_add(struct wire *wire, uint64_t begin, uint64_t end, uint64_t time_ns)
{
	if (wire->hole_count == HOLES_MAX)
		return;
	if (!wire->hole_count)
		wire->hole_ns = time_ns;
	wire->holes[wire->hole_count++] = (struct hole){begin, end};
}

static void hole_remove(struct wire *wire, size_t i)
{
	memmove(&wire->holes[i], &wire->holes[i + 1],
		(--wire->hole_count - i) * sizeof(*wire->holes));
}

/* Bytes came. True if some of them were missing. */
static bool holes_fill(struct wire *wire, uint64_t begin, uint64_t end)
{
	bool filled = false;
	struct hole *hole;
	size_t i = 0;

	while (i < wire->hole_count) {
		hole = &wire->holes[i];
		if (begin >= hole->end || end <= hole->begin) {
			i++;
			continue;
		}
		filled = true;
		if (begin <= hole->begin && end >= hole->end) {
			hole_remove(wire, i);
			continue;
		}
		/* What is filled in the middle of a hole leaves its first part. */
		if (begin <= hole->begin)
			hole->begin = end;
		else
			hole->end = begin;
		i++;
	}
	return filled;
}

void flight_times_message(struct flight_times *times, const struct flights *flights,
			  const struct flow_message *message, unsigned int n)
{
	enum handshake_end from = message->from_client ? END_CLIENT : END_SERVER;
	uint8_t flight = n < HANDSHAKE_MESSAGES_MAX ? flights->of[from][n] : FLIGHT_NONE;
	struct wire *wire = &times->wires[from];
	uint64_t begin = wire->read;
	struct stretch *stretch;

	if (message->end)
		wire->read = message->end;
	if (flight == FLIGHT_NONE)
		return;
	stretch = &times->flights[flight];
	if (!message->end) {
		stretch_extend(stretch, message->time_ns, message->time_ns);
		return;
	}
	if (!stretch->first_ns) {
		stretch->first_ns = message->time_ns;
		stretch->begin = begin;
	}
	if (message->end > stretch->end) {
		stretch->end = message->end;
		stretch->last_ns = stretch->whole_ns = 0;
	}
}

static void stretch_resent(struct stretch *stretch, uint64_t time_ns)
{
	size_t i = stretch->resends < RESENDS_MAX ? stretch->resends++ : RESENDS_MAX - 1;

	stretch->resent_ns[i] = time_ns;
}

/* Flights of this sender that lie in [begin, end). */
static bool stretch_has(const struct flights *flights, const struct flight_times *times, size_t i,
			enum handshake_end from, uint64_t begin, uint64_t end)
{
	const struct stretch *stretch = &times->flights[i];

	return flights->list[i].from == from && stretch->end > begin && stretch->begin < end;
}

static void resend_note(struct flight_times *times, const struct flights *flights,
			enum handshake_end from, uint64_t begin, uint64_t end, uint64_t time_ns)
{
	for (size_t i = 0; i < flights->count; i++)
		if (stretch_has(flights, times, i, from, begin, end))
			stretch_resent(&times->flights[i], time_ns);
}

/* Which flights are over with what came just now. */
static void flights_close(struct flight_times *times, const struct flights *flights,
			  enum handshake_end from, uint64_t time_ns)
{
	const struct wire *wire = &times->wires[from];

	for (size_t i = 0; i < flights->count; i++) {
		struct stretch *stretch = &times->flights[i];

		if (flights->list[i].from != from || !stretch->end || wire->highest < stretch->end)
			continue;
		if (!stretch->last_ns)
			stretch->last_ns = wire_reached(wire, stretch->end);
		if (!stretch->whole_ns && wire_contiguous(wire) >= stretch->end)
			stretch->whole_ns = time_ns > stretch->last_ns ? time_ns : stretch->last_ns;
	}
}

/* Where the beginning of a flight is what was missing, what came first is its first sign. */
static void hole_time_note(struct stretch *stretch, uint64_t hole_ns)
{
	if (!stretch->hole_ns)
		stretch->hole_ns = hole_ns;
	if (stretch->first_ns > hole_ns)
		stretch->first_ns = hole_ns;
}

static void hole_times_note(struct flight_times *times, const struct flights *flights,
			    enum handshake_end from, uint64_t begin, uint64_t end)
{
	for (size_t i = 0; i < flights->count; i++)
		if (stretch_has(flights, times, i, from, begin, end))
			hole_time_note(&times->flights[i], times->wires[from].hole_ns);
}

/* Is this of the handshake? What follows it on the connection is not. */
static bool is_counted(const struct flight_times *times, const struct flights *flights,
		       enum handshake_end from, uint64_t begin)
{
	for (size_t i = 0; i < flights->count; i++)
		if (stretch_has(flights, times, i, from, begin, UINT64_MAX))
			return true;
	return false;
}

static void segment_note(struct flight_times *times, const struct flights *flights,
			 const struct tlstrace_packet_event *event, int64_t begin, bool pending)
{
	enum handshake_end from = event->from_client ? END_CLIENT : END_SERVER;
	struct wire *wire = &times->wires[from];
	uint64_t time_ns = event->header.time_ns, end = begin + event->length;
	bool again = event->flags & TLSTRACE_PACKET_RETRANSMIT, filled;

	if (begin < 0)
		begin = 0;
	if (event->hole && (uint64_t)begin > wire->highest)
		hole_add(wire, begin - event->hole, begin, time_ns);
	filled = holes_fill(wire, begin, end);
	if (filled)
		hole_times_note(times, flights, from, begin, end);
	if (end > wire->highest)
		wire_grow(wire, end, time_ns);
	if (pending || is_counted(times, flights, from, begin)) {
		wire->filled += filled;
		wire->resent += again && !filled ? event->segments : 0;
	}
	if (again && !filled)
		resend_note(times, flights, from, begin, end, time_ns);
}

/* What this end acknowledges of the other's flights. */
static void acknowledgement_note(struct flight_times *times, const struct flights *flights,
				 const struct flow *flow, const struct tlstrace_packet_event *event)
{
	enum handshake_end from = event->from_client ? END_SERVER : END_CLIENT;
	const struct stream *stream = &flow->directions[from].stream;
	int64_t acked;

	if (!(event->tcp_flags & TLSTRACE_TCP_ACK) || !stream->has_base)
		return;
	acked = stream_position(stream, event->acknowledgement);
	for (size_t i = 0; i < flights->count; i++) {
		struct stretch *stretch = &times->flights[i];

		if (flights->list[i].from == from && stretch->end && !stretch->acked_ns &&
		    acked >= (int64_t)stretch->end)
			stretch->acked_ns = event->header.time_ns;
	}
}

void flight_times_segment(struct flight_times *times, const struct flights *flights,
			  const struct flow *flow, const struct tlstrace_packet_event *event,
			  bool pending)
{
	enum handshake_end from = event->from_client ? END_CLIENT : END_SERVER;
	const struct stream *stream = &flow->directions[from].stream;
	int64_t begin;

	if (flow->transport->kind != TRANSPORT_TCP) {
		if (pending)
			times->wires[from].resent = flow->directions[from].resent;
		return;
	}
	acknowledgement_note(times, flights, flow, event);
	if (!event->length || !stream->has_base)
		return;
	begin = stream_position(stream, event->sequence);
	if (begin + (int64_t)event->length <= 0)
		return;
	segment_note(times, flights, event, begin, pending);
	flights_close(times, flights, from, event->header.time_ns);
}

void flight_times_end(struct flight_times *times, uint8_t flight, uint64_t time_ns)
{
	if (flight != FLIGHT_NONE)
		stretch_extend(&times->flights[flight], time_ns, time_ns);
}
