/* SPDX-License-Identifier: BSD-2-Clause */
/* --max-failed: too many handshakes fail, of the whole run or within a sliding window. */
#ifndef TLSTRACE_FAILURE_RATE_H
#define TLSTRACE_FAILURE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define FAILURE_BUCKETS 60
#define FAILURE_PAIRS	64
#define FAILURE_TEXT	256

struct handshake;

/* So many percent of the whole run, or within a window. */
struct failure_limit {
	double percent;	    /* negative: no limit */
	uint64_t window_ns; /* 0: the whole run */
};

struct failure_rate {
	struct failure_limit limit;
	uint64_t total, failed;					    /* of the whole run */
	uint64_t totals[FAILURE_BUCKETS], faileds[FAILURE_BUCKETS]; /* of slices of the window */
	uint64_t slice;						    /* number of the latest */
	bool exceeded;						    /* within the window */
	uint64_t window_total, window_failed;			    /* when it was exceeded */
	/* Who fails most often, and how the last time. */
	struct {
		uint64_t hash, count;
		char who[FAILURE_TEXT], verdict[FAILURE_TEXT];
	} pairs[FAILURE_PAIRS];
	unsigned int pair_count;
	uint64_t seed;
};

void failure_rate_start(struct failure_rate *rate, const struct failure_limit *limit);
/* A handshake that is done. True: the window's limit is exceeded, and the trace shall end. */
bool failure_rate_add(struct failure_rate *rate, const struct handshake *handshake);
/* At the end: true, after one message on stderr, if the limit is exceeded. */
bool failure_rate_report(const struct failure_rate *rate);

#endif
