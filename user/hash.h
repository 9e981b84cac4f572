/* SPDX-License-Identifier: BSD-2-Clause */
/* Hashes for tables. Not for secrets. */
#ifndef TLSTRACE_HASH_H
#define TLSTRACE_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * Of a key in words of 8 bytes; size is a multiple of that. A byte at a time is a tenth of the time
 * that reading a capture takes. seed: where who chooses the key must not choose the bucket, else 0.
 */
uint64_t hash_words(const void *key, size_t size, uint64_t seed);
/* FNV-1a of any bytes, seeded likewise. */
uint64_t hash_bytes(const uint8_t *bytes, size_t size, uint64_t seed);
/* A random seed. */
uint64_t hash_seed(void);

#endif
