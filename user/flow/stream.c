// SPDX-License-Identifier: BSD-2-Clause
#include "flow/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void stream_free(struct stream *stream)
{
	size_t i;

	for (i = 0; i < stream->count; i++)
		free(stream->pieces[i].bytes);
	free(stream->pieces);
	memset(stream, 0, sizeof(*stream));
}

int64_t stream_position(const struct stream *stream, uint32_t sequence)
{
	return (int32_t)(sequence - stream->base);
}

static uint64_t piece_end(const struct stream_piece *piece)
{
	return piece->start + piece->length;
}

/* First piece that ends after position. */
static size_t piece_find(const struct stream *stream, uint64_t position)
{
	size_t low = 0, high = stream->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (piece_end(&stream->pieces[middle]) <= position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int piece_insert(struct stream *stream, size_t at, uint64_t start, const uint8_t *bytes,
			size_t length, uint64_t time_ns)
{
	struct stream_piece *piece;

	if (stream->count >= STREAM_PIECES_MAX ||
	    (bytes && stream->bytes + length > STREAM_BYTES_MAX)) {
		stream->full = true;
		return -ENOSPC;
	}
	if (stream->count == stream->capacity) {
		size_t capacity = stream->capacity ? stream->capacity * 2 : 8;

		piece = realloc(stream->pieces, capacity * sizeof(*piece));
		if (!piece)
			return -ENOMEM;
		stream->pieces = piece;
		stream->capacity = capacity;
	}
	memmove(&stream->pieces[at + 1], &stream->pieces[at],
		(stream->count - at) * sizeof(*stream->pieces));
	piece = &stream->pieces[at];
	*piece = (struct stream_piece){.start = start, .time_ns = time_ns, .length = length};
	stream->count++;
	if (!bytes)
		return 0;
	piece->bytes = malloc(length);
	if (!piece->bytes)
		return -ENOMEM; /* stays as seen, not copied */
	memcpy(piece->bytes, bytes, length);
	stream->bytes += length;
	return 0;
}

/* Cut the first n bytes off a piece. */
static void piece_cut(struct stream *stream, struct stream_piece *piece, size_t n)
{
	if (piece->bytes) {
		memmove(piece->bytes, piece->bytes + n, piece->length - n);
		stream->bytes -= n;
	}
	piece->start += n;
	piece->length -= n;
}

static void piece_remove(struct stream *stream, size_t at)
{
	struct stream_piece *piece = &stream->pieces[at];

	if (piece->bytes)
		stream->bytes -= piece->length;
	free(piece->bytes);
	memmove(piece, piece + 1, (--stream->count - at) * sizeof(*piece));
}

/*
 * Bytes beat "seen, not copied": cut the hole [from, to) out of a piece without bytes. Happens when
 * a segment is copied on its second sighting only.
 */
static int elided_replace(struct stream *stream, size_t at, uint64_t from, uint64_t to)
{
	struct stream_piece *piece = &stream->pieces[at];
	uint64_t end = piece_end(piece), time_ns = piece->time_ns;

	piece->length = from - piece->start;
	if (end > to) {
		int error = piece_insert(stream, at + 1, to, NULL, end - to, time_ns);

		if (error)
			return error;
	}
	if (!stream->pieces[at].length)
		piece_remove(stream, at);
	return 0;
}

int stream_add(struct stream *stream, uint64_t position, const uint8_t *bytes, size_t length,
	       uint64_t time_ns)
{
	uint64_t end = position + length;
	int error;

	while (position < end) {
		size_t at = piece_find(stream, position);
		struct stream_piece *piece = at < stream->count ? &stream->pieces[at] : NULL;
		uint64_t to = end;

		if (piece && piece->start <= position) {
			to = piece_end(piece) < end ? piece_end(piece) : end;
			if (bytes && !piece->bytes) {
				error = elided_replace(stream, at, position, to);
				if (error)
					return error;
				continue;
			}
		} else {
			if (piece && piece->start < end)
				to = piece->start;
			error = piece_insert(stream, at, position, bytes, to - position, time_ns);
			if (error)
				return error;
		}
		if (bytes)
			bytes += to - position;
		position = to;
	}
	return 0;
}

enum stream_status stream_read(const struct stream *stream, uint64_t position, size_t length,
			       uint8_t *to, uint64_t *time_ns)
{
	uint64_t end = position + length;
	size_t at = piece_find(stream, position);
	bool elided = false;

	if (time_ns && at < stream->count)
		*time_ns = stream->pieces[at].time_ns;
	for (; position < end; at++) {
		const struct stream_piece *piece;
		size_t skip, n;

		if (at >= stream->count || stream->pieces[at].start > position)
			return STREAM_WAIT;
		piece = &stream->pieces[at];
		skip = position - piece->start;
		n = piece->length - skip;
		if (n > end - position)
			n = end - position;
		if (!piece->bytes)
			elided = true;
		else if (to)
			memcpy(to, piece->bytes + skip, n);
		if (to)
			to += n;
		position += n;
	}
	return elided ? STREAM_ELIDED : STREAM_HAVE;
}

size_t stream_have(const struct stream *stream, uint64_t position, size_t length)
{
	uint64_t end = position + length, from = position;
	size_t at;

	for (at = piece_find(stream, position); at < stream->count && position < end; at++) {
		const struct stream_piece *piece = &stream->pieces[at];

		if (piece->start > position || !piece->bytes)
			break;
		position = piece_end(piece) < end ? piece_end(piece) : end;
	}
	return (size_t)(position - from);
}

bool stream_run(const struct stream *stream, uint64_t position, struct slice *bytes,
		uint64_t *time_ns)
{
	size_t at = piece_find(stream, position);
	const struct stream_piece *piece;

	if (at >= stream->count)
		return false;
	piece = &stream->pieces[at];
	if (piece->start > position || !piece->bytes)
		return false;
	*bytes = (struct slice){piece->bytes + (position - piece->start),
				piece_end(piece) - position};
	*time_ns = piece->time_ns;
	return true;
}

void stream_discard(struct stream *stream, uint64_t position)
{
	while (stream->count && piece_end(&stream->pieces[0]) <= position)
		piece_remove(stream, 0);
	if (stream->count && stream->pieces[0].start < position)
		piece_cut(stream, &stream->pieces[0], position - stream->pieces[0].start);
}

uint64_t stream_known_from(const struct stream *stream, uint64_t position)
{
	size_t at;

	for (at = piece_find(stream, position); at < stream->count; at++)
		if (stream->pieces[at].bytes)
			return stream->pieces[at].start > position ? stream->pieces[at].start
								   : position;
	return UINT64_MAX;
}
