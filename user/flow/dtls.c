// SPDX-License-Identifier: BSD-2-Clause
/* DTLS: records in datagrams, handshake messages in fragments that come in any order, or twice. */
#include "tls/dtls.h"

#include <errno.h>
#include <stdlib.h>

#include "flow/datagrams.h"
#include "flow/messages.h"
#include "flow/transport.h"
#include "hash.h"
#include "tls/hello.h"
#include "tls/record.h"

#define HASHED_MAX	256 /* bytes of the first datagram that tell it from others */
#define AHEAD_MAX	16  /* messages kept after one that is not whole yet */
#define MESSAGE_HEADER	12  /* RFC 6347 section 4.2.2 */
#define TYPE_AND_LENGTH 4

/*
 * A direction's stream holds, for each message, its type and length and then its body, at a place
 * that its message_seq gives: far enough from the next that no length reaches it.
 */
#define MESSAGE_SPACE ((uint64_t)1 << 25)

/* What a datagram brought. */
struct dtls_news {
	bool fresh, resent;
};

/* What is being read, and its handler; flow->directions[].position is the message_seq that is next.
 */
struct dtls_reader {
	const struct flow_handler *handler;
	struct flow *flow;
	struct flow_direction *direction;
	bool from_client;
	uint64_t time_ns;
	struct dtls_news *datagram;
};

static void reader_stop(const struct dtls_reader *reader)
{
	reader->direction->stopped = reader->flow->gap = true;
}

static void handshake_emit(const struct dtls_reader *reader, uint8_t type, struct slice body,
			   uint64_t time_ns, uint32_t records)
{
	struct flow_message message = {
		.kind = FLOW_HANDSHAKE,
		.from_client = reader->from_client,
		.record_type = RECORD_KIND_HANDSHAKE,
		.type = type,
		.size = body.length + MESSAGE_HEADER,
		.body = body,
		.time_ns = time_ns,
		.records = records,
	};

	reader->direction->position++;
	message_emit(reader->handler, reader->flow, &message);
}

static void fragment_store(const struct dtls_reader *reader, const struct dtls_fragment *fragment)
{
	const uint8_t header[TYPE_AND_LENGTH] = {fragment->type, fragment->length >> 16,
						 fragment->length >> 8, fragment->length};
	struct stream *stream = &reader->direction->stream;
	uint64_t base = fragment->sequence * MESSAGE_SPACE;

	if (stream_add(stream, base, header, sizeof(header), reader->time_ns) ||
	    stream_add(stream, base + TYPE_AND_LENGTH + fragment->offset, fragment->bytes.bytes,
		       fragment->bytes.length, reader->time_ns))
		reader_stop(reader);
}

/* Fragments that brought something new: one piece of the stream each. */
static uint32_t fragments_count(const struct stream *stream, uint64_t from, uint64_t to)
{
	uint32_t count = 0;
	size_t i;

	for (i = 0; i < stream->count && stream->pieces[i].start < to; i++)
		count += stream->pieces[i].start >= from;
	return count ? count : 1;
}

/* Hand on the next message, if it is whole. */
static bool message_next(const struct dtls_reader *reader)
{
	struct stream *stream = &reader->direction->stream;
	uint64_t base = reader->direction->position * MESSAGE_SPACE;
	uint64_t body = base + TYPE_AND_LENGTH, time_ns = 0;
	uint8_t header[TYPE_AND_LENGTH], *bytes;
	uint32_t length;

	if (stream_read(stream, base, sizeof(header), header, &time_ns) != STREAM_HAVE)
		return false;
	length = (uint32_t)header[1] << 16 | (uint32_t)header[2] << 8 | header[3];
	if (stream_read(stream, body, length, NULL, NULL) != STREAM_HAVE)
		return false;
	bytes = malloc(length + 1);
	if (!bytes || stream_read(stream, body, length, bytes, NULL) != STREAM_HAVE) {
		free(bytes);
		reader_stop(reader);
		return false;
	}
	handshake_emit(reader, header[0], (struct slice){bytes, length}, time_ns,
		       fragments_count(stream, body, body + length));
	stream_discard(stream, reader->direction->position * MESSAGE_SPACE);
	free(bytes);
	return true;
}

static void fragment_add(const struct dtls_reader *reader, const struct dtls_fragment *fragment)
{
	struct flow_direction *direction = reader->direction;

	/* What is far ahead, nobody can be waiting for. */
	if (fragment->sequence < direction->position)
		reader->datagram->resent = true;
	else
		reader->datagram->fresh = true;
	if (fragment->sequence < direction->position ||
	    fragment->sequence > direction->position + AHEAD_MAX)
		return;
	if (fragment->length > FLOW_MESSAGE_MAX) {
		reader_stop(reader);
		return;
	}
	if (fragment->sequence == direction->position &&
	    fragment->bytes.length == fragment->length && !direction->stream.count) {
		handshake_emit(reader, fragment->type, fragment->bytes, reader->time_ns, 1);
		return;
	}
	fragment_store(reader, fragment);
	while (!direction->stopped && message_next(reader))
		;
}

static void handshake_read(const struct dtls_reader *reader, struct slice body)
{
	struct dtls_fragment fragment;

	while (!reader->direction->stopped && dtls_fragment_next(&body, &fragment))
		fragment_add(reader, &fragment);
}

/* Records of epoch 0 are plaintext (RFC 6347 section 4.1, RFC 9147 section 4). */
static void plaintext_read(const struct dtls_reader *reader, const struct dtls_record *record,
			   struct flow_message *message)
{
	if (record->body.length < record->length) {
		reader->flow->gap = true; /* only its beginning was copied */
		return;
	}
	if (record->type == RECORD_KIND_HANDSHAKE) {
		handshake_read(reader, record->body);
	} else if (record->type == RECORD_KIND_CCS && reader->direction->changed) {
		reader->datagram->resent = true;
	} else if (record->type == RECORD_KIND_CCS) {
		reader->datagram->fresh = true;
		reader->direction->changed = true;
		message->kind = FLOW_CHANGE_CIPHER_SPEC;
		message_emit(reader->handler, reader->flow, message);
	} else if (record->type == RECORD_KIND_ALERT && record->length == 2) {
		message->kind = FLOW_ALERT;
		message->body = record->body;
		message_emit(reader->handler, reader->flow, message);
	}
}

static void record_add(const struct dtls_reader *reader, const struct dtls_record *record)
{
	struct flow_message message = {
		.kind = FLOW_ENCRYPTED,
		.from_client = reader->from_client,
		.record_type = record->type,
		.epoch = record->epoch > UINT8_MAX ? UINT8_MAX : record->epoch,
		.size = record->length,
		.time_ns = reader->time_ns,
		.records = 1,
	};

	if (record->is_13 || record->epoch || record->type == RECORD_KIND_TLS12_CID)
		message_emit(reader->handler, reader->flow, &message);
	else
		plaintext_read(reader, record, &message);
}

static void dtls_add(struct flow *flow, const struct flow_segment *segment,
		     const struct flow_handler *handler)
{
	bool from_client = segment->event->from_client;
	struct dtls_news news;
	struct dtls_reader reader = {handler,
				     flow,
				     &flow->directions[from_client],
				     from_client,
				     segment->event->header.time_ns,
				     &news};
	struct datagram datagram = {0, 0};
	struct dtls_record record;
	uint32_t at;

	while (datagram_next(segment, &datagram)) {
		news = (struct dtls_news){false, false};
		for (at = datagram.start; at < datagram.end; at += record.size) {
			if (!dtls_record_read(datagram_bytes(segment, &datagram, at),
					      datagram.end - at, &record))
				break;
			record_add(&reader, &record);
		}
		/* With the flight that is sent again the Finished has a new number: it says
		 * nothing. */
		reader.direction->resent += news.resent && !news.fresh;
	}
}

static int dtls_begin(struct flow *flow, const struct flow_segment *segment,
		      struct flow_shared *shared)
{
	struct datagram datagram = {0, 0};
	struct dtls_fragment fragment;
	struct dtls_record record;
	struct slice bytes;

	if (!segment->event->from_client || !datagram_next(segment, &datagram))
		return -EPROTO;
	bytes = datagram_bytes(segment, &datagram, 0);
	if (!dtls_record_read(bytes, datagram.end, &record) || record.is_13 || record.epoch ||
	    record.type != RECORD_KIND_HANDSHAKE || !record.body.length ||
	    record.body.bytes[0] != TLS_CLIENT_HELLO)
		return -EPROTO;
	/*
	 * Where the exchange of a cookie was not seen, both sides are at 1 (RFC 6347
	 * section 4.2.2).
	 */
	if (dtls_fragment_next(&record.body, &fragment))
		flow->directions[0].position = flow->directions[1].position = fragment.sequence;
	if (bytes.length > HASHED_MAX)
		bytes.length = HASHED_MAX;
	flow->start = slice_hash(bytes, shared->seed);
	return 0;
}

const struct flow_transport flow_dtls = {
	.kind = TRANSPORT_DTLS, .begin = dtls_begin, .add = dtls_add};
