/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A cursor over borrowed wire bytes. Every read is checked; a read that fails moves nothing.
 * No other code touches bytes off the wire. Inline: most of decoding is these.
 */
#ifndef TLSTRACE_SLICE_H
#define TLSTRACE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash.h"

#define MUST_CHECK __attribute__((warn_unused_result))

struct slice {
	const uint8_t *bytes;
	size_t length;
};

MUST_CHECK static inline bool slice_bytes(struct slice *slice, size_t length, struct slice *value)
{
	if (length > slice->length)
		return false;
	value->bytes = slice->bytes;
	value->length = length;
	slice->bytes += length;
	slice->length -= length;
	return true;
}

MUST_CHECK static inline bool slice_u8(struct slice *slice, uint8_t *value)
{
	struct slice part;

	if (!slice_bytes(slice, 1, &part))
		return false;
	*value = part.bytes[0];
	return true;
}

MUST_CHECK static inline bool slice_u16(struct slice *slice, uint16_t *value)
{
	struct slice part;

	if (!slice_bytes(slice, 2, &part))
		return false;
	*value = (uint16_t)(part.bytes[0] << 8 | part.bytes[1]);
	return true;
}

MUST_CHECK static inline bool slice_u24(struct slice *slice, uint32_t *value)
{
	struct slice part;

	if (!slice_bytes(slice, 3, &part))
		return false;
	*value = (uint32_t)part.bytes[0] << 16 | (uint32_t)part.bytes[1] << 8 | part.bytes[2];
	return true;
}

MUST_CHECK static inline bool slice_u32(struct slice *slice, uint32_t *value)
{
	struct slice part;

	if (!slice_bytes(slice, 4, &part))
		return false;
	*value = (uint32_t)part.bytes[0] << 24 | (uint32_t)part.bytes[1] << 16 |
		 (uint32_t)part.bytes[2] << 8 | part.bytes[3];
	return true;
}

/* An integer of 1, 2, 4 or 8 bytes (RFC 9000 section 16). */
MUST_CHECK static inline bool slice_varint(struct slice *slice, uint64_t *value)
{
	struct slice part;
	size_t i;

	if (!slice->length || !slice_bytes(slice, (size_t)1 << (slice->bytes[0] >> 6), &part))
		return false;
	*value = part.bytes[0] & 0x3f;
	for (i = 1; i < part.length; i++)
		*value = *value << 8 | part.bytes[i];
	return true;
}

/* A vector with a length of 1, 2 or 3 bytes before it (RFC 8446 section 3.4). */
MUST_CHECK static inline bool slice_vector8(struct slice *slice, struct slice *value)
{
	struct slice start = *slice;
	uint8_t length;

	if (slice_u8(slice, &length) && slice_bytes(slice, length, value))
		return true;
	*slice = start;
	return false;
}

MUST_CHECK static inline bool slice_vector16(struct slice *slice, struct slice *value)
{
	struct slice start = *slice;
	uint16_t length;

	if (slice_u16(slice, &length) && slice_bytes(slice, length, value))
		return true;
	*slice = start;
	return false;
}

MUST_CHECK static inline bool slice_vector24(struct slice *slice, struct slice *value)
{
	struct slice start = *slice;
	uint32_t length;

	if (slice_u24(slice, &length) && slice_bytes(slice, length, value))
		return true;
	*slice = start;
	return false;
}

/* Of all its bytes; see hash_bytes. */
static inline uint64_t slice_hash(struct slice slice, uint64_t seed)
{
	return hash_bytes(slice.bytes, slice.length, seed);
}

#endif
