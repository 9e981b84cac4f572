/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Quantiles of many values in little memory, by HdrHistogram's scheme: each power of two is cut
 * into 64 buckets of the same width, so that the middle of a bucket is within 1/128 of each value
 * in it. Only buckets that hold a value are kept.
 */
#ifndef TLSTRACE_HISTOGRAM_H
#define TLSTRACE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/* Of 64 bits there are 59 * 64 buckets. */
struct histogram_bucket {
	uint64_t index : 12, count : 52;
};

/* All zero is empty. */
struct histogram {
	struct histogram_bucket *buckets; /* owned, in order of index */
	size_t used, room;
	uint64_t count, min, max;
};

/* 1: it took a new bucket, 0: it did not, -ENOMEM: it is not counted. */
int histogram_add(struct histogram *histogram, uint64_t value);
/* The least value that is not below per_mille of all, within 1 %; 0 of an empty histogram. */
uint64_t histogram_quantile(const struct histogram *histogram, unsigned int per_mille);
void histogram_clear(struct histogram *histogram);

#endif
