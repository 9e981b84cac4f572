// SPDX-License-Identifier: BSD-2-Clause
#include "policy/failure_rate.h"

#include <stdio.h>
#include <string.h>

#include "handshake/handshake.h"
#include "hash.h"
#include "log.h"
#include "policy/pair.h"
#include "sink/sink.h"
#include "sink/text.h"

/* Fewer handshakes than this in a window say nothing about a rate. */
#define WINDOW_LEAST 20

void failure_rate_start(struct failure_rate *rate, const struct failure_limit *limit)
{
	*rate = (struct failure_rate){.limit = *limit, .seed = hash_seed()};
}

static void pair_count(struct failure_rate *rate, const struct handshake *handshake)
{
	uint64_t hash = pair_hash(handshake, rate->seed);
	unsigned int i;

	for (i = 0; i < rate->pair_count && rate->pairs[i].hash != hash; i++)
		;
	if (i == FAILURE_PAIRS)
		return;
	if (i == rate->pair_count)
		rate->pair_count++;
	rate->pairs[i].hash = hash;
	rate->pairs[i].count++;
	pair_write(handshake, rate->pairs[i].who, sizeof(rate->pairs[i].who));
	verdict_write(handshake, rate->pairs[i].verdict, sizeof(rate->pairs[i].verdict));
}

/* Move on to the slice of this time, and empty those between. */
static bool slice_reach(struct failure_rate *rate, uint64_t time_ns)
{
	uint64_t slice = time_ns / (rate->limit.window_ns / FAILURE_BUCKETS), i;

	if (slice + FAILURE_BUCKETS <= rate->slice)
		return false; /* too old */
	if (slice >= rate->slice + FAILURE_BUCKETS)
		rate->slice = slice - FAILURE_BUCKETS;
	for (i = rate->slice + 1; i <= slice; i++)
		rate->totals[i % FAILURE_BUCKETS] = rate->faileds[i % FAILURE_BUCKETS] = 0;
	if (slice > rate->slice)
		rate->slice = slice;
	return true;
}

static bool is_over(const struct failure_rate *rate, uint64_t total, uint64_t failed)
{
	return failed * 100.0 > rate->limit.percent * total;
}

static void window_add(struct failure_rate *rate, const struct handshake *handshake)
{
	uint64_t slice = handshake->end_ns / (rate->limit.window_ns / FAILURE_BUCKETS);
	uint64_t total = 0, failed = 0;
	unsigned int i;

	if (!slice_reach(rate, handshake->end_ns))
		return;
	rate->totals[slice % FAILURE_BUCKETS]++;
	rate->faileds[slice % FAILURE_BUCKETS] += handshake->outcome == HANDSHAKE_FAILED;
	for (i = 0; i < FAILURE_BUCKETS; i++) {
		total += rate->totals[i];
		failed += rate->faileds[i];
	}
	rate->exceeded = total >= WINDOW_LEAST && is_over(rate, total, failed);
	rate->window_total = total;
	rate->window_failed = failed;
}

bool failure_rate_add(struct failure_rate *rate, const struct handshake *handshake)
{
	bool failed = handshake->outcome == HANDSHAKE_FAILED;

	if (rate->exceeded || (!failed && handshake->outcome != HANDSHAKE_COMPLETED))
		return rate->exceeded;
	rate->total++;
	rate->failed += failed;
	if (failed)
		pair_count(rate, handshake);
	if (rate->limit.window_ns)
		window_add(rate, handshake);
	return rate->exceeded;
}

bool failure_rate_report(const struct failure_rate *rate)
{
	uint64_t total = rate->exceeded ? rate->window_total : rate->total;
	uint64_t failed = rate->exceeded ? rate->window_failed : rate->failed;
	char window[TEXT_NUMBER_SIZE + 16] = "", text[TEXT_NUMBER_SIZE];
	unsigned int worst = 0, i;

	if (rate->limit.window_ns ? !rate->exceeded : !is_over(rate, total, failed))
		return false;
	for (i = 1; i < rate->pair_count; i++)
		if (rate->pairs[i].count > rate->pairs[worst].count)
			worst = i;
	text_duration(rate->limit.window_ns, text);
	if (rate->limit.window_ns)
		snprintf(window, sizeof(window), " within %s", text);
	log_error("%llu of %llu handshakes failed%s, more than %g%%; most often %s: %s",
		  (unsigned long long)failed, (unsigned long long)total, window,
		  rate->limit.percent, rate->pairs[worst].who, rate->pairs[worst].verdict);
	return true;
}
