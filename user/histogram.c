// SPDX-License-Identifier: BSD-2-Clause
#include "histogram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SHARE_BITS 6
#define SHARES	   (1u << SHARE_BITS)
#define ROOM_FIRST 4

/* Below 128 a bucket is one value. */
static unsigned int bucket_of(uint64_t value)
{
	unsigned int shift;

	if (value < SHARES)
		return (unsigned int)value;
	shift = 63 - SHARE_BITS - (unsigned int)__builtin_clzll(value);
	return (shift + 1) * SHARES + (unsigned int)(value >> shift) % SHARES;
}

static uint64_t bucket_middle(unsigned int index)
{
	unsigned int shift = index / SHARES;

	if (shift < 2)
		return index;
	shift--;
	return ((uint64_t)(SHARES + index % SHARES) << shift) + (UINT64_C(1) << shift) / 2;
}

/* Where it is or belongs. Without a branch on data, which the CPU could not predict. */
static size_t bucket_place(const struct histogram *histogram, unsigned int index)
{
	const struct histogram_bucket *first = histogram->buckets;
	size_t left = histogram->used;

	while (left > 1) {
		size_t half = left / 2;

		first += first[half - 1].index < index ? half : 0;
		left -= half;
	}
	return (size_t)(first - histogram->buckets) + (left && first->index < index);
}

static int bucket_insert(struct histogram *histogram, size_t place, unsigned int index)
{
	struct histogram_bucket *at;

	if (histogram->used == histogram->room) {
		size_t room = histogram->room ? 2 * histogram->room : ROOM_FIRST;

		at = realloc(histogram->buckets, room * sizeof(*at));
		if (!at)
			return -ENOMEM;
		histogram->buckets = at;
		histogram->room = room;
	}
	at = &histogram->buckets[place];
	memmove(at + 1, at, (histogram->used - place) * sizeof(*at));
	*at = (struct histogram_bucket){.index = index};
	histogram->used++;
	return 0;
}

int histogram_add(struct histogram *histogram, uint64_t value)
{
	unsigned int index = bucket_of(value);
	size_t place = bucket_place(histogram, index);
	int made = place == histogram->used || histogram->buckets[place].index != index;

	if (made && bucket_insert(histogram, place, index))
		return -ENOMEM;
	histogram->buckets[place].count++;
	if (!histogram->count || value < histogram->min)
		histogram->min = value;
	if (value > histogram->max)
		histogram->max = value;
	histogram->count++;
	return made;
}

uint64_t histogram_quantile(const struct histogram *histogram, unsigned int per_mille)
{
	uint64_t below = histogram->count - histogram->count * (1000 - per_mille) / 1000, sum = 0;
	uint64_t value;
	size_t i;

	if (!histogram->count)
		return 0;
	for (i = 0; i < histogram->used - 1; i++) {
		sum += histogram->buckets[i].count;
		if (sum >= below)
			break;
	}
	value = bucket_middle(histogram->buckets[i].index);
	if (value < histogram->min)
		return histogram->min;
	return value < histogram->max ? value : histogram->max;
}

void histogram_clear(struct histogram *histogram)
{
	free(histogram->buckets);
	*histogram = (struct histogram){};
}
