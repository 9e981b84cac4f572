// SPDX-License-Identifier: BSD-2-Clause
#include "flow/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tls/hello.h"

#define RECORD_HEADER 5
#define RECORD_LENGTH_MAX (16384 + 2048) /* RFC 5246 section 6.2.3 */
#define MESSAGE_HEADER 4

enum { RECORD_CCS = 20, RECORD_ALERT, RECORD_HANDSHAKE, RECORD_DATA, RECORD_HEARTBEAT };

struct flow_table {
	struct flow **buckets;
	size_t bucket_count; /* a power of two */
	size_t count, capacity;
	uint64_t begun, refused, unfinished;
	const struct flow_handler *handler;
};

struct flow_table *flow_table_new(size_t capacity, const struct flow_handler *handler)
{
	struct flow_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	for (table->bucket_count = 64; table->bucket_count < capacity;)
		table->bucket_count *= 2;
	table->buckets = calloc(table->bucket_count, sizeof(*table->buckets));
	if (!table->buckets) {
		free(table);
		return NULL;
	}
	table->capacity = capacity;
	table->handler = handler;
	return table;
}

static void flow_free(struct flow *flow)
{
	int i;

	for (i = 0; i < 2; i++) {
		stream_free(&flow->directions[i].stream);
		free(flow->directions[i].message);
	}
	free(flow);
}

void flow_table_free(struct flow_table *table)
{
	struct flow *flow, *next;
	size_t i;

	if (!table)
		return;
	for (i = 0; i < table->bucket_count; i++) {
		for (flow = table->buckets[i]; flow; flow = next) {
			next = flow->next;
			flow_free(flow);
		}
	}
	free(table->buckets);
	free(table);
}

uint64_t flow_table_begun(const struct flow_table *table)
{
	return table->begun;
}

uint64_t flow_table_unfinished(const struct flow_table *table)
{
	return table->unfinished;
}

uint64_t flow_table_refused(const struct flow_table *table)
{
	return table->refused;
}

/* FNV-1a over the key. */
static size_t key_hash(const struct flow_table *table, const struct tlstrace_flow_key *key)
{
	const uint8_t *bytes = (const uint8_t *)key;
	uint64_t hash = 0xcbf29ce484222325ULL;
	size_t i;

	for (i = 0; i < sizeof(*key); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
	return (hash ^ hash >> 32) & (table->bucket_count - 1);
}

static struct flow *flow_find(struct flow_table *table, const struct tlstrace_packet_event *event)
{
	struct flow *flow = table->buckets[key_hash(table, &event->key)];

	while (flow && (flow->id != event->flow_id || memcmp(&flow->key, &event->key, sizeof(flow->key))))
		flow = flow->next;
	return flow;
}

/* A flow begins with the first segment of its ClientHello; anything else has lost its beginning. */
static struct flow *flow_begin(struct flow_table *table, const struct tlstrace_packet_event *event)
{
	struct flow *flow, **bucket;

	if (!(event->flags & TLSTRACE_PACKET_HELLO) || !event->slice_count)
		return NULL;
	table->begun++;
	if (table->count >= table->capacity) {
		table->refused++;
		return NULL;
	}
	flow = calloc(1, sizeof(*flow));
	if (!flow) {
		table->refused++;
		return NULL;
	}
	flow->key = event->key;
	flow->id = event->flow_id;
	flow->start = event->sequence + event->slices[0].offset;
	flow->first_ns = event->header.time_ns;
	flow->hello_hook = event->hook;
	flow->client_is_local = event->hook == TLSTRACE_EGRESS;
	flow->directions[1].stream.base = flow->start;
	flow->directions[1].stream.has_base = true;
	/* What the server sends next is what the client acknowledged; a Fast Open SYN has not. */
	if (event->tcp_flags & 0x10) {
		flow->directions[0].stream.base = event->acknowledgement;
		flow->directions[0].stream.has_base = true;
	}
	bucket = &table->buckets[key_hash(table, &event->key)];
	flow->next = *bucket;
	*bucket = flow;
	table->count++;
	return flow;
}

void flow_table_remove(struct flow_table *table, struct flow *flow)
{
	struct flow **link = &table->buckets[key_hash(table, &flow->key)];

	while (*link && *link != flow)
		link = &(*link)->next;
	if (!*link)
		return;
	*link = flow->next;
	table->count--;
	flow_free(flow);
}

void flow_table_expire(struct flow_table *table, uint64_t before_ns)
{
	size_t i;

	for (i = 0; i < table->bucket_count; i++) {
		struct flow *flow = table->buckets[i], *next;

		for (; flow; flow = next) {
			next = flow->next;
			if (flow->owner || flow->last_ns >= before_ns)
				continue;
			table->unfinished += !flow->hello_whole;
			flow_table_remove(table, flow);
		}
	}
}

static void message_emit(struct flow_table *table, struct flow *flow, struct flow_message *message)
{
	message->segments = flow->directions[message->from_client].segments;
	table->handler->message(table->handler->context, flow, message);
}

static int message_append(struct flow_direction *direction, const uint8_t *bytes, size_t length)
{
	size_t needed = direction->message_length + length;

	if (!length)
		return 0; /* an empty record; nothing may be allocated yet */
	if (needed > FLOW_MESSAGE_MAX)
		return -ENOSPC;
	if (needed > direction->message_capacity) {
		uint8_t *grown = realloc(direction->message, needed * 2);

		if (!grown)
			return -ENOMEM;
		direction->message = grown;
		direction->message_capacity = needed * 2;
	}
	memcpy(direction->message + direction->message_length, bytes, length);
	direction->message_length = needed;
	return 0;
}

/* Hand on every handshake message that is whole; keep the rest for the next record. */
static void messages_cut(struct flow_table *table, struct flow *flow, bool from_client,
			 uint64_t record_time_ns)
{
	struct flow_direction *direction = &flow->directions[from_client];
	size_t done = 0;

	while (direction->message_length - done >= MESSAGE_HEADER) {
		const uint8_t *start = direction->message + done;
		size_t length = (size_t)start[1] << 16 | (size_t)start[2] << 8 | start[3];
		struct flow_message message = {
			.kind = FLOW_HANDSHAKE,
			.from_client = from_client,
			.record_type = RECORD_HANDSHAKE,
			.type = start[0],
			.size = length + MESSAGE_HEADER,
			.time_ns = direction->message_time_ns,
			.records = direction->message_records,
		};

		if (direction->message_length - done < length + MESSAGE_HEADER)
			break;
		message.body = (struct slice){ start + MESSAGE_HEADER, length };
		message_emit(table, flow, &message);
		done += length + MESSAGE_HEADER;
		direction->message_time_ns = record_time_ns;
		direction->message_records = 1;
	}
	direction->message_length -= done;
	if (done)
		memmove(direction->message, direction->message + done, direction->message_length);
}

static void handshake_record(struct flow_table *table, struct flow *flow, bool from_client,
			     const uint8_t *body, size_t length, uint64_t time_ns)
{
	struct flow_direction *direction = &flow->directions[from_client];

	if (!direction->message_length) {
		direction->message_time_ns = time_ns;
		direction->message_records = 0;
	}
	direction->message_records++;
	if (message_append(direction, body, length)) {
		direction->stopped = true;
		flow->gap = true;
		return;
	}
	messages_cut(table, flow, from_client, time_ns);
}

/* Behind a ChangeCipherSpec only the hellos around a HelloRetryRequest are plaintext. */
static bool is_plaintext(const struct flow_direction *direction, const uint8_t *body, size_t length)
{
	if (!direction->changed || direction->message_length)
		return true;
	return length >= 6 && (body[0] == TLS_CLIENT_HELLO || body[0] == TLS_SERVER_HELLO) &&
	       body[1] == 0 && body[4] == 3 && body[5] <= 4;
}

static void record_handle(struct flow_table *table, struct flow *flow, bool from_client, uint8_t type,
			  const uint8_t *body, size_t length, uint64_t time_ns)
{
	struct flow_direction *direction = &flow->directions[from_client];
	struct flow_message message = {
		.kind = FLOW_ENCRYPTED,
		.from_client = from_client,
		.record_type = type,
		.size = length,
		.time_ns = time_ns,
		.records = 1,
	};

	if (type == RECORD_HANDSHAKE && body && is_plaintext(direction, body, length)) {
		handshake_record(table, flow, from_client, body, length, time_ns);
		return;
	}
	if (type == RECORD_CCS) {
		message.kind = FLOW_CHANGE_CIPHER_SPEC;
		direction->changed = true;
	} else if (type == RECORD_ALERT && body && length == 2) {
		message.kind = FLOW_ALERT;
		message.body = (struct slice){ body, length };
	}
	message_emit(table, flow, &message);
}

static bool header_valid(const uint8_t *header)
{
	return header[0] >= RECORD_CCS && header[0] <= RECORD_HEARTBEAT && header[1] == 3 &&
	       header[2] <= 4 && ((size_t)header[3] << 8 | header[4]) <= RECORD_LENGTH_MAX;
}

/* Read the next record, if it is all there. */
static bool record_next(struct flow_table *table, struct flow *flow, bool from_client)
{
	struct flow_direction *direction = &flow->directions[from_client];
	uint8_t header[RECORD_HEADER], body[RECORD_LENGTH_MAX];
	const uint8_t *known = NULL;
	enum stream_status status;
	uint64_t time_ns = 0;
	size_t length;

	status = stream_read(&direction->stream, direction->position, RECORD_HEADER, header, &time_ns);
	if (status == STREAM_WAIT)
		return false;
	if (status == STREAM_ELIDED) {
		direction->stopped = flow->gap = true;
		return false;
	}
	if (!header_valid(header)) {
		struct flow_message message = { .kind = FLOW_NOT_TLS, .from_client = from_client,
						.time_ns = time_ns };

		direction->stopped = true;
		message_emit(table, flow, &message);
		return false;
	}
	length = (size_t)header[3] << 8 | header[4];
	if (header[0] <= RECORD_HANDSHAKE) {
		status = stream_read(&direction->stream, direction->position + RECORD_HEADER, length,
				     body, NULL);
		if (status == STREAM_WAIT)
			return false;
		if (status == STREAM_HAVE)
			known = body;
	}
	direction->position += RECORD_HEADER + length;
	record_handle(table, flow, from_client, header[0], known, length, time_ns);
	stream_discard(&direction->stream, direction->position);
	return true;
}

/* An SSLv2-style hello stands before any record (RFC 5246 appendix E.2). False: wait for more. */
static bool hello_v2_next(struct flow_table *table, struct flow *flow)
{
	struct flow_direction *direction = &flow->directions[1];
	struct flow_message message = { .kind = FLOW_HELLO_V2, .from_client = true, .records = 1 };
	uint8_t whole[2 + 0x7fff];
	size_t length;

	if (stream_read(&direction->stream, 0, 2, whole, &message.time_ns) != STREAM_HAVE)
		return false;
	length = ((size_t)whole[0] & 0x7f) << 8 | whole[1];
	if (length < 1 || stream_read(&direction->stream, 0, 2 + length, whole, NULL) != STREAM_HAVE)
		return false;
	message.type = TLS_CLIENT_HELLO;
	message.record_type = RECORD_HANDSHAKE;
	message.size = length;
	message.body = (struct slice){ whole + 3, length - 1 };
	direction->position = 2 + length;
	message_emit(table, flow, &message);
	return true;
}

static void direction_advance(struct flow_table *table, struct flow *flow, bool from_client)
{
	struct flow_direction *direction = &flow->directions[from_client];
	uint8_t first;

	if (from_client && !direction->position &&
	    stream_read(&direction->stream, 0, 1, &first, NULL) == STREAM_HAVE && first & 0x80 &&
	    !hello_v2_next(table, flow))
		return;
	while (!direction->stopped && record_next(table, flow, from_client))
		;
}

static void segment_store(struct flow *flow, struct flow_direction *direction,
			  const struct flow_segment *segment)
{
	const struct tlstrace_packet_event *event = segment->event;
	const uint8_t *data = segment->data;
	uint64_t time_ns = event->header.time_ns;
	int64_t start = stream_position(&direction->stream, event->sequence);
	uint32_t i;

	for (i = 0; i < event->slice_count; i++) {
		int64_t at = start + event->slices[i].offset;
		uint32_t length = event->slices[i].length, skip = 0;

		if (at < 0)
			skip = (uint64_t)-at < length ? -at : length;
		if (skip < length && stream_add(&direction->stream, at + skip, data + skip,
						length - skip, time_ns))
			flow->gap = true;
		data += length;
	}
	/* Behind a hole nothing is elided by choice: what was not copied is unknown, not uninteresting. */
	if (start + (int64_t)event->length > 0 && event->length) {
		uint64_t from = start < 0 ? 0 : start;

		if (stream_add(&direction->stream, from, NULL, start + event->length - from, time_ns))
			flow->gap = true;
	}
}

/* Are the slices what the event says they are? The ring buffer is trusted, a capture file is not. */
static bool segment_valid(const struct flow_segment *segment)
{
	const struct tlstrace_packet_event *event = segment->event;
	uint64_t sum = 0;
	uint32_t i;

	if (event->slice_count > TLSTRACE_SLICES_MAX)
		return false;
	for (i = 0; i < event->slice_count; i++) {
		sum += event->slices[i].length;
		if ((uint64_t)event->slices[i].offset + event->slices[i].length > event->length)
			return false;
	}
	return sum <= event->data_length;
}

int flow_table_add(struct flow_table *table, const struct flow_segment *segment)
{
	const struct tlstrace_packet_event *event = segment->event;
	struct flow_direction *direction;
	struct flow *flow;

	if (!segment_valid(segment))
		return -EINVAL;
	flow = flow_find(table, event);
	if (!flow)
		flow = flow_begin(table, event);
	if (!flow)
		return -ENOSPC;
	flow->last_ns = event->header.time_ns;
	if (event->flags & (TLSTRACE_PACKET_LOST_BEFORE | TLSTRACE_PACKET_CUT))
		flow->gap = true;
	direction = &flow->directions[event->from_client];
	if (!direction->stream.has_base && event->length) {
		direction->stream.base = event->sequence;
		direction->stream.has_base = true;
	}
	if (event->slice_count && !(event->flags & TLSTRACE_PACKET_RETRANSMIT))
		direction->segments += event->segments;
	if (direction->stream.has_base && !direction->stopped) {
		segment_store(flow, direction, segment);
		direction_advance(table, flow, event->from_client);
	}
	table->handler->segment(table->handler->context, flow, event);
	return 0;
}
