/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A cursor over borrowed wire bytes. Every read is checked; a read that fails moves nothing.
 * No other code touches bytes off the wire.
 */
#ifndef TLSTRACE_SLICE_H
#define TLSTRACE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))

struct slice {
	const uint8_t *bytes;
	size_t length;
};

MUST_CHECK bool slice_u8(struct slice *slice, uint8_t *value);
MUST_CHECK bool slice_u16(struct slice *slice, uint16_t *value);
MUST_CHECK bool slice_u24(struct slice *slice, uint32_t *value);
MUST_CHECK bool slice_u32(struct slice *slice, uint32_t *value);
/* An integer of 1, 2, 4 or 8 bytes (RFC 9000 section 16). */
MUST_CHECK bool slice_varint(struct slice *slice, uint64_t *value);
MUST_CHECK bool slice_bytes(struct slice *slice, size_t length, struct slice *value);
/* A vector with a length of 1, 2 or 3 bytes before it (RFC 8446 section 3.4). */
MUST_CHECK bool slice_vector8(struct slice *slice, struct slice *value);
MUST_CHECK bool slice_vector16(struct slice *slice, struct slice *value);
MUST_CHECK bool slice_vector24(struct slice *slice, struct slice *value);

#endif
