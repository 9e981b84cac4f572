/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One direction of a TCP connection, put in order. It may have holes: bytes not seen yet, and bytes
 * that were seen but not copied (bodies of encrypted records).
 */
#ifndef TLSTRACE_STREAM_H
#define TLSTRACE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/slice.h"

/* Bytes and pieces kept per direction; what comes beyond is dropped and the stream is `full`. */
#define STREAM_BYTES_MAX  (256 * 1024)
#define STREAM_PIECES_MAX 4096

enum stream_status {
	STREAM_HAVE,   /* the bytes are there */
	STREAM_WAIT,   /* not all of them were seen yet */
	STREAM_ELIDED, /* they were seen, but not copied */
};

struct stream_piece {
	uint64_t start;
	uint64_t time_ns;
	size_t length;
	uint8_t *bytes; /* NULL: seen, not copied */
};

struct stream {
	struct stream_piece *pieces; /* sorted by start, never overlapping; owned */
	size_t count, capacity;
	size_t bytes;  /* held */
	uint32_t base; /* sequence number of position 0 */
	bool has_base;
	bool full;
};

void stream_free(struct stream *stream); /* frees what it holds, not itself */
/* Position of a sequence number; negative if before the base. Wraps are fine within 2 GiB of it. */
int64_t stream_position(const struct stream *stream, uint32_t sequence);
/*
 * Note [position, position + length) as seen, with its bytes (copied) or NULL. What is known
 * already stays as it was. 0 or -ENOMEM; over a cap: -ENOSPC and full is set.
 */
int stream_add(struct stream *stream, uint64_t position, const uint8_t *bytes, size_t length,
	       uint64_t time_ns);
/* Copy length bytes at position to to (may be NULL: only ask). time_ns: when the first came. */
enum stream_status stream_read(const struct stream *stream, uint64_t position, size_t length,
			       uint8_t *to, uint64_t *time_ns);
/* Of the length bytes at position, how many the beginning has that were copied. */
size_t stream_have(const struct stream *stream, uint64_t position, size_t length);
/*
 * Bytes known without a hole from position on, and when they came; there may be more after them.
 * False if there are none. Borrowed until the stream is touched.
 */
bool stream_run(const struct stream *stream, uint64_t position, struct slice *bytes,
		uint64_t *time_ns);
/* Drop everything before position. */
void stream_discard(struct stream *stream, uint64_t position);
/* Where the first bytes known at or after position begin, or UINT64_MAX. */
uint64_t stream_known_from(const struct stream *stream, uint64_t position);

#endif
