// SPDX-License-Identifier: BSD-2-Clause
#include "flow/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow/transport.h"
#include "hash.h"
#include "tls/quic.h"

#define PROTOCOL_UDP 17 /* IANA */
#define PRINT_HEAD   64 /* bytes: those of a hello tell its length and random */

struct flow_table {
	struct flow **buckets;
	size_t bucket_count; /* a power of two */
	size_t count, capacity;
	uint64_t begun, refused, unfinished;
	size_t untaken;		      /* flows without hello_taken */
	struct flow *oldest, *newest; /* of these */
	size_t bytes, bytes_max;      /* that all flows hold, and may hold */
	struct flow_shared shared;
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
	table->shared.seed = hash_seed();
	table->capacity = capacity;
	table->bytes_max = FLOW_BYTES_MAX;
	table->handler = handler;
	return table;
}

void flow_table_limit(struct flow_table *table, size_t bytes_max)
{
	table->bytes_max = bytes_max;
}

static void untaken_append(struct flow_table *table, struct flow *flow)
{
	flow->older = table->newest;
	*(table->newest ? &table->newest->newer : &table->oldest) = flow;
	table->newest = flow;
	table->untaken++;
}

static void untaken_remove(struct flow_table *table, struct flow *flow)
{
	if (flow->hello_taken)
		return;
	*(flow->older ? &flow->older->newer : &table->oldest) = flow->newer;
	*(flow->newer ? &flow->newer->older : &table->newest) = flow->older;
	flow->older = flow->newer = NULL;
	table->untaken--;
}

static void flow_free(struct flow *flow)
{
	int i;

	if (flow->transport && flow->transport->end)
		flow->transport->end(flow);
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
	quic_crypto_free(table->shared.quic);
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

static size_t key_hash(const struct flow_table *table, const struct tlstrace_flow_key *key)
{
	_Static_assert(sizeof(*key) % sizeof(uint64_t) == 0, "the key is hashed in words");
	return hash_words(key, sizeof(*key), table->shared.seed) & (table->bucket_count - 1);
}

struct flow *flow_table_find(struct flow_table *table, const struct tlstrace_flow_key *key,
			     uint64_t flow_id)
{
	struct flow *flow = table->buckets[key_hash(table, key)];

	while (flow && (flow->id != flow_id || memcmp(&flow->key, key, sizeof(flow->key))))
		flow = flow->next;
	return flow;
}

void flow_table_open(struct flow_table *table, const struct tlstrace_flow_key *key,
		     uint64_t flow_id, const struct flow_opening *opening)
{
	struct flow *flow = flow_table_find(table, key, flow_id);

	if (flow)
		flow->opening = *opening;
}

/* RFC 9443: a long header of QUIC has the highest bit set, a DTLS record's type has not. */
static const struct flow_transport *transport_of(const struct flow_segment *segment)
{
	if (segment->event->key.protocol != PROTOCOL_UDP)
		return &flow_tcp;
	return segment->data[0] & 0x80 ? &flow_quic : &flow_dtls;
}

/* A flow begins with the first segment of a ClientHello, if only an encrypted one; else its
 * beginning is lost. */
static int flow_begin(struct flow_table *table, const struct flow_segment *segment,
		      struct flow **begun)
{
	const struct tlstrace_packet_event *event = segment->event;
	struct flow *flow, **bucket;
	int error;

	if (!(event->flags & (TLSTRACE_PACKET_HELLO | TLSTRACE_PACKET_AGAIN)) ||
	    !event->slice_count || !event->data_length)
		return -ENOSPC;
	table->begun += !!(event->flags & TLSTRACE_PACKET_HELLO);
	if (table->count >= table->capacity) {
		table->refused++;
		return -ENOSPC;
	}
	flow = calloc(1, sizeof(*flow));
	if (!flow) {
		table->refused++;
		return -ENOMEM;
	}
	flow->key = event->key;
	flow->id = event->flow_id;
	flow->first_ns = event->header.time_ns;
	flow->hello_hook = event->hook;
	memcpy(flow->interface, event->interface, sizeof(flow->interface));
	flow->client_is_local = event->hook == TLSTRACE_EGRESS;
	flow->again = event->flags & TLSTRACE_PACKET_AGAIN;
	flow->transport = transport_of(segment);
	error = flow->transport->begin(flow, segment, &table->shared);
	if (error) {
		table->refused += error != -EPROTO;
		flow_free(flow);
		return error;
	}
	bucket = &table->buckets[key_hash(table, &event->key)];
	flow->next = *bucket;
	*bucket = flow;
	table->count++;
	untaken_append(table, flow);
	*begun = flow;
	return 0;
}

void flow_renegotiate(struct flow *flow, uint64_t time_ns)
{
	const struct flow_direction *client = &flow->directions[1];

	flow->start = client->stream.base + (uint32_t)client->position;
	flow->first_ns = time_ns;
	flow->opening = (struct flow_opening){0};
	flow->again = true;
}

void flow_restart(struct flow *flow, uint64_t time_ns)
{
	struct flow_direction *server = &flow->directions[0];
	const struct flow_receipt *read = &server->receipt;

	flow_renegotiate(flow, time_ns);
	flow->again = false;
	flow->opening.used = true;
	if (read->known && read->acked > (int64_t)server->position)
		server->position = read->acked;
	stream_discard(&server->stream, server->position);
	server->message_length = server->message_skip = 0;
	server->stopped = server->not_tls = false;
	server->changed = flow->directions[1].changed = false;
}

void flow_hello_take(struct flow_table *table, struct flow *flow)
{
	untaken_remove(table, flow);
	flow->hello_taken = true;
}

void flow_hello_part(struct flow_table *table, struct flow *flow)
{
	struct flow_direction *client = &flow->directions[1];

	if (flow->owner || flow->hello_taken || flow->again || flow->gap || flow->truncated ||
	    client->stopped || !flow->transport->part)
		return;
	flow->transport->part(flow, table->handler);
	client->stopped = true;
}

void flow_table_hello_parts(struct flow_table *table, uint64_t before_ns)
{
	/* Hardly ever: a hello is whole a moment after it began. */
	for (size_t i = 0; table->untaken && i < table->bucket_count; i++)
		for (struct flow *flow = table->buckets[i]; flow; flow = flow->next)
			if (flow->last_ns < before_ns)
				flow_hello_part(table, flow);
}

bool flow_ends_with(const struct flow *flow, const struct tlstrace_packet_event *event)
{
	const struct flow_direction *direction = &flow->directions[event->from_client];
	int64_t left = stream_position(&direction->stream, event->sequence) +
		       (int64_t)event->length - (int64_t)direction->position;

	return left <= 0 ||
	       stream_have(&direction->stream, direction->position, left) == (size_t)left;
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
	table->bytes -= flow->bytes;
	untaken_remove(table, flow);
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
			table->unfinished += !flow->hello_taken && !flow->again;
			if (table->handler->expired)
				table->handler->expired(table->handler->context, flow);
			flow_table_remove(table, flow);
		}
	}
}

static void sacks_note(struct flow_receipt *receipt, const struct stream *stream,
		       const struct tlstrace_packet_event *event)
{
	uint32_t i;

	receipt->sack_count = 0;
	for (i = 0; i < event->sack_count && i < TLSTRACE_SACKS_MAX; i++) {
		int64_t start = stream_position(stream, event->sacks[i].start);
		int64_t end = stream_position(stream, event->sacks[i].end);

		/* RFC 2883 section 4: the first block may be of bytes that came twice. */
		if (i == 0 && end <= receipt->acked) {
			receipt->duplicates++;
			continue;
		}
		receipt->sacks[receipt->sack_count].start = start;
		receipt->sacks[receipt->sack_count++].end = end;
	}
}

/* What the sender of a segment has received of the other direction. */
static void receipt_note(struct flow *flow, const struct tlstrace_packet_event *event)
{
	struct flow_direction *direction = &flow->directions[!event->from_client];
	struct flow_receipt *receipt = &direction->receipt;
	int64_t acked;

	if (flow->transport->kind != TRANSPORT_TCP || !direction->stream.has_base ||
	    !(event->tcp_flags & TLSTRACE_TCP_ACK))
		return;
	acked = stream_position(&direction->stream, event->acknowledgement);
	if (!receipt->known || acked > receipt->acked) {
		receipt->acked = acked;
		receipt->acked_ns = event->header.time_ns;
	}
	if (acked > 0 && !receipt->started_ns)
		receipt->started_ns = event->header.time_ns;
	receipt->known = true;
	sacks_note(receipt, &direction->stream, event);
}

/* Are the slices what the event says they are? The ring buffer is trusted, a capture file is not.
 */
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

/* What it holds has changed. */
static void bytes_count(struct flow_table *table, struct flow *flow)
{
	size_t bytes = 0, i;

	for (i = 0; i < 2; i++) {
		const struct flow_direction *direction = &flow->directions[i];

		bytes += direction->stream.bytes +
			 direction->stream.capacity * sizeof(*direction->stream.pieces) +
			 direction->message_capacity;
	}
	table->bytes += bytes - flow->bytes;
	flow->bytes = bytes;
}

/* Flows that may never have a ClientHello give way, the oldest first. */
static void bytes_limit(struct flow_table *table, const struct flow *spared)
{
	struct flow *flow, *next;

	for (flow = table->oldest; flow && table->bytes > table->bytes_max; flow = next) {
		next = flow->newer;
		if (flow == spared || !flow->bytes)
			continue;
		table->refused++;
		if (table->handler->expired)
			table->handler->expired(table->handler->context, flow);
		flow_table_remove(table, flow);
	}
}

static struct flow_print print_make(const struct tlstrace_packet_event *event, const uint8_t *data,
				    uint64_t seed)
{
	size_t length = event->slices[0].length,
	       words = length / sizeof(uint64_t) * sizeof(uint64_t);
	struct flow_print print = {.sequence = event->sequence, .length = length};

	/* In words: each segment pays for this. */
	print.whole =
		hash_words(data, words, seed) ^ hash_bytes(data + words, length - words, seed);
	if (length >= PRINT_HEAD)
		print.head = hash_words(data, PRINT_HEAD, seed);
	return print;
}

static bool is_conflict(const struct flow_print *a, const struct flow_print *b)
{
	if (a->sequence != b->sequence)
		return false;
	if (a->length == b->length)
		return a->whole != b->whole;
	return a->length >= PRINT_HEAD && b->length >= PRINT_HEAD && a->head != b->head;
}

/* Two segments with different bytes at one sequence number: somebody else may have sent one. */
static void conflict_look(struct flow *flow, const struct flow_segment *segment, uint64_t seed)
{
	const struct tlstrace_packet_event *event = segment->event;
	struct flow_direction *direction = &flow->directions[event->from_client];
	struct flow_print print;
	uint32_t i;

	if (flow->transport->kind != TRANSPORT_TCP || !event->slice_count ||
	    event->slices[0].offset || !event->slices[0].length)
		return;
	print = print_make(event, segment->data, seed);
	for (i = 0; i < direction->print_count && i < FLOW_SEGMENTS_KEPT; i++)
		flow->conflict |= is_conflict(&direction->prints[i], &print);
	direction->prints[direction->print_count++ % FLOW_SEGMENTS_KEPT] = print;
}

int flow_table_add(struct flow_table *table, const struct flow_segment *segment)
{
	const struct tlstrace_packet_event *event = segment->event;
	struct flow *flow;
	int error;

	if (!segment_valid(segment))
		return -EINVAL;
	flow = flow_table_find(table, &event->key, event->flow_id);
	if (!flow) {
		error = flow_begin(table, segment, &flow);
		if (error)
			return error;
	}
	flow->last_ns = event->header.time_ns;
	if (event->sender)
		flow->sockets[event->from_client] = event->sender;
	if (event->receiver)
		flow->sockets[0] = event->receiver;
	if (event->flags & (TLSTRACE_PACKET_LOST_BEFORE | TLSTRACE_PACKET_CUT))
		flow->gap = true;
	if (event->flags & TLSTRACE_PACKET_TRUNCATED)
		flow->truncated = true;
	if (event->slice_count && !(event->flags & TLSTRACE_PACKET_RETRANSMIT))
		flow->directions[event->from_client].segments += event->segments;
	flow->directions[event->from_client].heard |= event->segments > 0;
	if (event->flags & TLSTRACE_PACKET_RETRANSMIT)
		flow->directions[event->from_client].resent += event->segments;
	receipt_note(flow, event);
	conflict_look(flow, segment, table->shared.seed);
	flow->transport->add(flow, segment, table->handler);
	bytes_count(table, flow);
	bytes_limit(table, flow);
	table->handler->segment(table->handler->context, flow, event);
	return 0;
}
