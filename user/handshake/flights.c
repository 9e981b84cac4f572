// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/flights.h"

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
	/* The server goes to work when it has the hello, whatever the client sends behind it. */
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

static void stretch_extend(struct stretch *stretch, uint64_t first_ns, uint64_t last_ns)
{
	if (!stretch->first_ns)
		stretch->first_ns = first_ns;
	if (last_ns > stretch->last_ns)
		stretch->last_ns = last_ns;
}

void flight_times_init(struct flight_times *times)
{
	times->waiting[0].flight = times->waiting[1].flight = FLIGHT_NONE;
}

void flight_times_message(struct flight_times *times, const struct flights *flights,
			  const struct flow_message *message, unsigned int n)
{
	enum handshake_end from = message->from_client ? END_CLIENT : END_SERVER;
	uint8_t flight = n < HANDSHAKE_MESSAGES_MAX ? flights->of[from][n] : FLIGHT_NONE;

	/* What was waited for ended before this began, which may have come in the same segment. */
	if (times->waiting[from].flight != FLIGHT_NONE)
		stretch_extend(&times->flights[times->waiting[from].flight], 0, message->time_ns);
	times->waiting[from].flight = flight;
	times->waiting[from].end = message->end;
	if (flight == FLIGHT_NONE)
		return;
	times->passed[from] = message->end;
	stretch_extend(&times->flights[flight], message->time_ns, message->time_ns);
}

void flight_times_segment(struct flight_times *times, const struct flow *flow,
			  const struct tlstrace_packet_event *event, bool pending)
{
	enum handshake_end from = event->from_client ? END_CLIENT : END_SERVER;
	const struct stream *stream = &flow->directions[from].stream;
	uint64_t end = times->waiting[from].end;
	uint8_t flight = times->waiting[from].flight;

	/* Data behind the handshake is not of it. */
	if (event->flags & TLSTRACE_PACKET_RETRANSMIT &&
	    (pending || !times->passed[from] ||
	     stream_position(stream, event->sequence) < (int64_t)times->passed[from]))
		times->repeated[from] += event->segments;
	if (flow->transport->kind != TRANSPORT_TCP && pending)
		times->repeated[from] = flow->directions[from].resent;
	if (flight == FLIGHT_NONE)
		return;
	/* A message in datagrams is handed on when it is whole: its end is 0. */
	if (end && stream_position(stream, event->sequence) + (int64_t)event->length < (int64_t)end)
		return;
	stretch_extend(&times->flights[flight], 0, event->header.time_ns);
	times->waiting[from].flight = FLIGHT_NONE;
}

void flight_times_end(struct flight_times *times, uint8_t flight, uint64_t time_ns)
{
	if (flight != FLIGHT_NONE)
		stretch_extend(&times->flights[flight], time_ns, time_ns);
}
