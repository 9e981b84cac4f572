// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/slow.h"

#define US 1000ULL
#define MS 1000000ULL
/* Ten segments (RFC 6928) of an Ethernet: what is larger waits for an acknowledgement. */
#define INITIAL_WINDOW 14600
/* Round trips are a reason where they are longer than what programs take, */
#define ROUND_TRIP_NS MS
/* and together more than this share of the whole, in percent. */
#define ROUND_TRIPS_SHARE 50

static void cause_add(struct latency *latency, enum latency_cause_kind kind,
		      enum handshake_end from, uint32_t count, uint64_t duration_ns)
{
	struct latency_cause *cause;

	for (size_t i = 0; i < latency->cause_count; i++) {
		cause = &latency->causes[i];
		if (cause->kind != kind || cause->from != from)
			continue;
		cause->count += count;
		cause->duration_ns += duration_ns;
		return;
	}
	if (latency->cause_count == LATENCY_CAUSES_MAX)
		return;
	latency->causes[latency->cause_count++] =
		(struct latency_cause){kind, from, count, duration_ns};
}

static bool is_network(enum phase_kind kind)
{
	return kind == PHASE_HELLO_NETWORK || kind == PHASE_REPLY_NETWORK ||
	       kind == PHASE_FINISH_NETWORK;
}

/* SYN or SYN-ACK: the client's timer is what was waited for, whichever was lost. */
static void connect_look(struct model *model, const struct phase *phase)
{
	struct latency *latency = &model->handshake->latency;
	uint32_t syns = model->handshake->ends[END_CLIENT].retransmitted;
	uint32_t answers = model->handshake->ends[END_SERVER].retransmitted;
	uint64_t rtt_ns = latency->rtt_us * US;

	if (syns && phase->duration_ns > rtt_ns)
		cause_add(latency, answers ? CAUSE_SYN_ACK_LOST : CAUSE_SYN_LOST,
			  answers ? END_SERVER : END_CLIENT, syns, phase->duration_ns - rtt_ns);
}

/* The last messages of TLS 1.2: the client's, and after them the server's. */
static void finish_look(struct latency *latency, size_t at)
{
	enum handshake_end from = END_CLIENT;

	for (size_t i = 0; i < at; i++)
		if (latency->phases[i].kind == PHASE_SERVER_FINISH)
			from = END_SERVER;
	cause_add(latency, CAUSE_FINISH_LOST, from, 1, latency->phases[at].duration_ns);
}

static void lost_look(struct latency *latency, size_t at)
{
	const struct phase *phase = &latency->phases[at];

	if (phase->kind == PHASE_HELLO_NETWORK)
		cause_add(latency, CAUSE_HELLO_LOST, END_CLIENT, 1, phase->duration_ns);
	else if (phase->kind == PHASE_REPLY_NETWORK)
		cause_add(latency, CAUSE_ANSWER_LOST, END_SERVER, 1, phase->duration_ns);
	else
		finish_look(latency, at);
}

/* The server's flight is larger than it may send before the client acknowledges. */
static void window_look(struct model *model, const struct phase *phase)
{
	struct latency *latency = &model->handshake->latency;
	uint64_t rtt_ns = latency->rtt_us * US, size = 0;

	for (size_t i = 0; i < model->count; i++) {
		const struct stretch *seen = model_seen(model, i);

		if (model_sender(model, i) == END_SERVER && seen->end - seen->begin > size)
			size = seen->end - seen->begin;
	}
	if (rtt_ns >= ROUND_TRIP_NS && size > INITIAL_WINDOW && phase->duration_ns > rtt_ns / 4 * 3)
		cause_add(latency, CAUSE_INITIAL_WINDOW, END_SERVER,
			  (phase->duration_ns + rtt_ns / 2) / rtt_ns, phase->duration_ns);
}

/* What the way takes of a healthy handshake with an end that is far away. */
static void round_trips_look(struct latency *latency)
{
	uint64_t rtt_ns = latency->rtt_us * US, ways_ns = 0, sum_ns = 0;
	uint32_t ways = 0;

	for (size_t i = 0; i < latency->phase_count; i++) {
		const struct phase *phase = &latency->phases[i];

		sum_ns += phase->duration_ns;
		if (is_network(phase->kind) && !phase->lost) {
			ways_ns += phase->duration_ns;
			ways++;
		} else if (phase->kind == PHASE_TCP_CONNECT) {
			ways_ns += phase->duration_ns < rtt_ns ? phase->duration_ns : rtt_ns;
			ways += 2;
		}
	}
	if (rtt_ns >= ROUND_TRIP_NS && ways >= 2 && ways_ns * 100 > sum_ns * ROUND_TRIPS_SHARE)
		cause_add(latency, CAUSE_ROUND_TRIPS, END_UNKNOWN, ways / 2, ways_ns);
}

void slow_fill(struct model *model)
{
	struct latency *latency = &model->handshake->latency;

	for (size_t i = 0; i < latency->phase_count; i++) {
		const struct phase *phase = &latency->phases[i];

		if (phase->lost)
			lost_look(latency, i);
		else if (phase->kind == PHASE_TCP_CONNECT)
			connect_look(model, phase);
		else if (phase->kind == PHASE_SERVER_FLIGHT)
			window_look(model, phase);
	}
	round_trips_look(latency);
}
