// SPDX-License-Identifier: BSD-2-Clause
#include "hash.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

uint64_t hash_words(const void *key, size_t size, uint64_t seed)
{
	const uint8_t *at = key, *end = at + size;
	uint64_t hash = seed, word;

	for (; at < end; at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL; /* 2^64 / golden ratio */
		hash ^= hash >> 32;
	}
	return hash;
}

uint64_t hash_bytes(const uint8_t *bytes, size_t size, uint64_t seed)
{
	uint64_t hash = 0xcbf29ce484222325ULL ^ seed;
	size_t i;

	for (i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
	return hash;
}

uint64_t hash_seed(void)
{
	struct timespec now;
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed))
		return seed;
	/* Before the kernel has random numbers: hard enough to guess. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((uint64_t)now.tv_sec << 30 ^ now.tv_nsec) * 0x9e3779b97f4a7c15ULL;
}
