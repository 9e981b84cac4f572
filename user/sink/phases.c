/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/phases.h"

#include "handshake/words.h"
#include "sink/text.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const char *const meanings[PHASE_KINDS] = {
	[PHASE_TCP_CONNECT] = "TCP connects",
	[PHASE_CLIENT_PREPARE] = "client makes its hello",
	[PHASE_HELLO_NETWORK] = "hello travels to the server",
	[PHASE_ACCEPT_QUEUE] = "connection waits to be accepted",
	[PHASE_SERVER_WAKEUP] = "server has not read the hello yet",
	[PHASE_SERVER_CRYPTO] = "server is at work",
	[PHASE_SERVER_FLIGHT] = "server sends the rest of its answer",
	[PHASE_SERVER] = "server is at work",
	[PHASE_REPLY_NETWORK] = "answer travels to the client",
	[PHASE_CLIENT_WAKEUP] = "client has not read the answer yet",
	[PHASE_CLIENT_CRYPTO] = "client checks the answer",
	[PHASE_FINISH_NETWORK] = "last messages travel",
	[PHASE_SERVER_FINISH] = "server checks the client's last",
	[PHASE_CLIENT_FINISH] = "client checks the server's last",
	[PHASE_UNKNOWN] = "unknown: not visible from here",
};

const char *phase_name(enum phase_kind kind)
{
	return words_name(&words_phase, kind);
}

/* What was on its way, where that was lost. */
static const char *lost_name(enum phase_kind kind)
{
	if (kind == PHASE_HELLO_NETWORK)
		return "ClientHello";
	return kind == PHASE_REPLY_NETWORK ? "server's flight" : "last flight";
}

/* Of an end that is elsewhere it is seen only that its answer came late. */
static const char *far_meaning(enum phase_kind kind)
{
	switch (kind) {
	case PHASE_SERVER:
	case PHASE_SERVER_FINISH:
		return "server, or lost or queued on the way";
	case PHASE_CLIENT_PREPARE:
	case PHASE_CLIENT_CRYPTO:
		return "client, or lost or queued on the way";
	default:
		return meanings[kind];
	}
}

const char *phase_meaning(const struct phase *phase)
{
	if (phase->lost)
		return "lost on the way, until it was sent again";
	/* Nagle's algorithm (RFC 896) and a delayed ACK, mostly: nothing is checked meanwhile. */
	if (phase->held)
		return "client's answer waits in its socket";
	if (phase->in_parts)
		return "client's answer leaves in parts";
	if (phase->estimated && phase->error_ns)
		return far_meaning(phase->kind);
	return meanings[phase->kind];
}

/* The longest that is not longer than, nor before, the one taken last; NULL: none is left. */
static const struct phase *phase_next(const struct latency *latency, const struct phase *taken)
{
	const struct phase *longest = NULL;

	for (size_t i = 0; i < latency->phase_count; i++) {
		const struct phase *phase = &latency->phases[i];

		if (taken && (phase->duration_ns > taken->duration_ns ||
			      (phase->duration_ns == taken->duration_ns && phase <= taken)))
			continue;
		if (!longest || phase->duration_ns > longest->duration_ns)
			longest = phase;
	}
	return longest;
}

static uint64_t phases_sum(const struct latency *latency)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < latency->phase_count; i++)
		sum += latency->phases[i].duration_ns;
	return sum;
}

size_t phases_majority(const struct latency *latency, const struct phase **phases, size_t max)
{
	uint64_t half = phases_sum(latency) / 2, sum = 0;
	const struct phase *phase = NULL;
	size_t count = 0;

	while (count < max && sum <= half && (phase = phase_next(latency, phase)) &&
	       phase->duration_ns) {
		phases[count++] = phase;
		sum += phase->duration_ns;
	}
	return count;
}

static void cause_append(struct text *text, const struct phase *phase)
{
	const char *about = phase->estimated ? "about " : "";
	char duration[TEXT_NUMBER_SIZE];

	text_duration(phase->duration_ns, duration);
	if (phase->lost)
		text_append(text, "%s lost, sent again after %s%s", lost_name(phase->kind), about,
			    duration);
	else
		text_append(text, "%s %s%s", phase_name(phase->kind), about, duration);
}

void phases_cause_write(const struct latency *latency, char *to, size_t size)
{
	const struct phase *phases[HANDSHAKE_PHASES_MAX];
	size_t count = phases_majority(latency, phases, ARRAY_SIZE(phases));
	char duration[TEXT_NUMBER_SIZE];
	struct text text;

	text_start(&text, to, size);
	for (size_t i = 0; i < count; i++) {
		text_append(&text, "%s", i ? ", " : "slow because: ");
		cause_append(&text, phases[i]);
	}
	if (!count)
		return;
	text_duration(phases_sum(latency), duration);
	text_append(&text, " of %s", duration);
}
