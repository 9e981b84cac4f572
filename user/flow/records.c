// SPDX-License-Identifier: BSD-2-Clause
/* TLS over TCP: records in the order of the stream. */
#include <string.h>

#include "flow/messages.h"
#include "flow/transport.h"
#include "tls/beginning.h"
#include "tls/hello.h"
#include "tls/record.h"

#define RECORD_HEADER 5
#define ALERT_SIZE    2

static void handshake_record(const struct flow_handler *handler, struct flow *flow,
			     bool from_client, const uint8_t *body, size_t length, uint64_t time_ns)
{
	if (messages_add(handler, flow, from_client, RECORD_KIND_HANDSHAKE, 1,
			 (struct slice){body, length}, time_ns)) {
		flow->directions[from_client].stopped = true;
		flow->gap = true;
	}
}

/* After a ChangeCipherSpec only the hellos around a HelloRetryRequest are plaintext. */
static bool is_plaintext(const struct flow_direction *direction, const uint8_t *body, size_t length)
{
	if (!direction->changed || direction->message_length)
		return true;
	return length >= 6 && (body[0] == TLS_CLIENT_HELLO || body[0] == TLS_SERVER_HELLO) &&
	       body[1] == 0 && body[4] == 3 && body[5] <= 4;
}

static size_t record_length(const uint8_t *header)
{
	return (size_t)header[3] << 8 | header[4];
}

/* Before a ChangeCipherSpec one record may hold several; after it one is plaintext only in
 * TLS 1.3. */
static bool is_alerts(const struct flow_direction *direction, size_t length)
{
	return length == ALERT_SIZE || (!direction->changed && length && length % ALERT_SIZE == 0);
}

/* A record that the direction has passed; body is NULL if it was not copied. */
static void record_handle(const struct flow_handler *handler, struct flow *flow, bool from_client,
			  const uint8_t *header, const uint8_t *body, uint64_t time_ns)
{
	struct flow_direction *direction = &flow->directions[from_client];
	size_t length = record_length(header);
	struct flow_message message = {
		.kind = FLOW_ENCRYPTED,
		.from_client = from_client,
		.record_type = header[0],
		.size = length,
		.time_ns = time_ns,
		.records = 1,
		.version = header[1] << 8 | header[2],
	};

	if (header[0] == RECORD_KIND_HANDSHAKE && body && is_plaintext(direction, body, length)) {
		handshake_record(handler, flow, from_client, body, length, time_ns);
		return;
	}
	if (header[0] == RECORD_KIND_CCS) {
		message.kind = FLOW_CHANGE_CIPHER_SPEC;
		direction->changed = true;
	} else if (header[0] == RECORD_KIND_ALERT && body && is_alerts(direction, length)) {
		message.kind = FLOW_ALERT;
		message.size = ALERT_SIZE;
		for (message.body.length = ALERT_SIZE; length;
		     length -= ALERT_SIZE, body += ALERT_SIZE) {
			message.body.bytes = body;
			message_emit(handler, flow, &message);
		}
		return;
	}
	message.in_clear = header[0] == RECORD_KIND_HEARTBEAT && !direction->changed;
	message_emit(handler, flow, &message);
}

/* Of a record with this header the body is copied wherever that is possible. */
static bool is_copied(const struct flow_direction *direction, const uint8_t *header, size_t length)
{
	if (header[0] == RECORD_KIND_ALERT)
		return length == 2;
	return header[0] == RECORD_KIND_HANDSHAKE && !direction->changed;
}

/*
 * A plaintext record that was captured only in part, and that the direction has passed.
 * What follows it is known only if the message that is cut ends where the record ends.
 */
static void record_truncated(const struct flow_handler *handler, struct flow *flow,
			     bool from_client, const uint8_t *header, size_t length)
{
	struct flow_direction *direction = &flow->directions[from_client];
	uint64_t position = direction->position - length, time_ns = flow->last_ns;
	size_t have = stream_have(&direction->stream, position, length), missing = SIZE_MAX;
	uint8_t body[RECORD_LENGTH_MAX];

	if (header[0] == RECORD_KIND_HANDSHAKE &&
	    stream_read(&direction->stream, position, have, body, &time_ns) == STREAM_HAVE) {
		handshake_record(handler, flow, from_client, body, have, time_ns);
		missing =
			message_truncate(handler, flow, from_client, RECORD_KIND_HANDSHAKE, false);
	}
	if (missing != length - have)
		direction->stopped = flow->gap = true;
}

/* A client may put any version into the header of its first record, which servers ignore. */
static bool header_valid(const struct flow_direction *direction, const uint8_t *header)
{
	bool is_first = !direction->position && header[0] == RECORD_KIND_HANDSHAKE;

	return header[0] >= RECORD_KIND_CCS && header[0] <= RECORD_KIND_HEARTBEAT &&
	       ((header[1] == 3 && header[2] <= 4) || is_first) &&
	       record_length(header) <= RECORD_LENGTH_MAX;
}

/* The first bytes of an SSL 2.0 ServerHello: length, type, whether the session was found,
 * certificate type. */
static bool is_server_hello_v2(const struct flow *flow, const uint8_t *header)
{
	return flow->hello_v2 && !flow->directions[0].position && header[0] & 0x80 &&
	       header[2] == 4 && header[3] <= 1 && header[4] <= 1;
}

static void not_tls(const struct flow_handler *handler, struct flow *flow, bool from_client,
		    struct slice start, uint64_t time_ns)
{
	struct flow_message message = {.kind = FLOW_NOT_TLS,
				       .from_client = from_client,
				       .time_ns = time_ns,
				       .body = start};

	const uint8_t *header = start.bytes;

	if (!from_client && start.length >= RECORD_HEADER && is_server_hello_v2(flow, header)) {
		message.kind = FLOW_SERVER_HELLO_V2;
		message.record_type = RECORD_KIND_HANDSHAKE;
		message.type = TLS_SERVER_HELLO;
		message.size = (header[0] & 0x7f) << 8 | header[1];
	}
	flow->directions[from_client].stopped = flow->directions[from_client].not_tls = true;
	/* It may only have begun in the middle of a record. */
	if (flow->again)
		flow->gap = true;
	else
		message_emit(handler, flow, &message);
}

/* Read the next record, if it is all there. */
static bool record_next(const struct flow_handler *handler, struct flow *flow, bool from_client)
{
	struct flow_direction *direction = &flow->directions[from_client];
	uint8_t header[RECORD_HEADER], body[RECORD_LENGTH_MAX];
	const uint8_t *known = NULL;
	enum stream_status status;
	uint64_t time_ns = 0;
	size_t length;

	status = stream_read(&direction->stream, direction->position, RECORD_HEADER, header,
			     &time_ns);
	if (status == STREAM_WAIT)
		return false;
	if (status == STREAM_ELIDED) {
		direction->stopped = flow->gap = true;
		return false;
	}
	if (!header_valid(direction, header)) {
		not_tls(handler, flow, from_client, (struct slice){header, RECORD_HEADER}, time_ns);
		return false;
	}
	length = record_length(header);
	if (header[0] <= RECORD_KIND_HANDSHAKE) {
		status = stream_read(&direction->stream, direction->position + RECORD_HEADER,
				     length, body, NULL);
		if (status == STREAM_WAIT)
			return false;
		if (status == STREAM_HAVE)
			known = body;
	}
	direction->position += RECORD_HEADER + length;
	direction->record_end = direction->position;
	if (status == STREAM_ELIDED && flow->truncated && is_copied(direction, header, length))
		record_truncated(handler, flow, from_client, header, length);
	else
		record_handle(handler, flow, from_client, header, known, time_ns);
	stream_discard(&direction->stream, direction->position);
	return true;
}

/* An SSLv2-style hello comes before any record (RFC 5246 appendix E.2). False: wait for more. */
static bool hello_v2_next(const struct flow_handler *handler, struct flow *flow)
{
	struct flow_direction *direction = &flow->directions[1];
	struct flow_message message = {.kind = FLOW_HELLO_V2, .from_client = true, .records = 1};
	uint8_t whole[2 + 0x7fff];
	size_t length;

	if (stream_read(&direction->stream, 0, 2, whole, &message.time_ns) != STREAM_HAVE)
		return false;
	length = ((size_t)whole[0] & 0x7f) << 8 | whole[1];
	if (length < 1 ||
	    stream_read(&direction->stream, 0, 2 + length, whole, NULL) != STREAM_HAVE)
		return false;
	message.type = TLS_CLIENT_HELLO;
	message.record_type = RECORD_KIND_HANDSHAKE;
	message.size = length;
	message.body = (struct slice){whole + 3, length - 1};
	direction->position = direction->record_end = 2 + length;
	flow->hello_v2 = true;
	message_emit(handler, flow, &message);
	return true;
}

static void direction_advance(const struct flow_handler *handler, struct flow *flow,
			      bool from_client)
{
	struct flow_direction *direction = &flow->directions[from_client];
	uint8_t first;

	if (from_client && !direction->position &&
	    stream_read(&direction->stream, 0, 1, &first, NULL) == STREAM_HAVE && first & 0x80 &&
	    !hello_v2_next(handler, flow))
		return;
	while (!direction->stopped && record_next(handler, flow, from_client))
		;
}

bool flow_is_amid(const struct flow *flow, bool from_client)
{
	const struct flow_direction *direction = &flow->directions[from_client];

	return !direction->stopped &&
	       (direction->seen != direction->position || direction->message_length);
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
		if (skip < length &&
		    stream_add(&direction->stream, at + skip, data + skip, length - skip, time_ns))
			flow->gap = true;
		data += length;
	}
	/* After a hole nothing is elided by choice: what was not copied is unknown, not
	 * uninteresting. */
	if (start + (int64_t)event->length > 0 && event->length) {
		uint64_t from = start < 0 ? 0 : start;

		if (stream_add(&direction->stream, from, NULL, start + event->length - from,
			       time_ns))
			flow->gap = true;
	}
}

/*
 * Usually a segment begins at its direction's position, and no bytes are stored there. Then its
 * records are read in place. What remains of it, the beginning of a record, is left to be stored.
 */
static struct slice records_in_place(const struct flow_handler *handler, struct flow *flow,
				     bool from_client, struct slice segment, uint64_t time_ns)
{
	struct flow_direction *direction = &flow->directions[from_client];
	struct slice rest = segment, header, body;
	size_t length;

	while (!direction->stopped && slice_bytes(&rest, RECORD_HEADER, &header)) {
		if (!header_valid(direction, header.bytes)) {
			not_tls(handler, flow, from_client, header, time_ns);
			return rest;
		}
		length = record_length(header.bytes);
		body.bytes = NULL;
		if (!slice_bytes(&rest, length, &body)) {
			if (header.bytes[0] <= RECORD_KIND_HANDSHAKE)
				break;
			rest.length = 0; /* encrypted: its body is of no interest */
		}
		segment = rest;
		direction->position += RECORD_HEADER + length;
		direction->record_end = direction->position;
		record_handle(handler, flow, from_client, header.bytes, body.bytes, time_ns);
	}
	return segment;
}

/* The bytes of a segment that was copied whole and begins at its direction's position; else none.
 */
static struct slice segment_in_place(const struct flow_direction *direction,
				     const struct flow_segment *segment)
{
	const struct tlstrace_packet_event *event = segment->event;
	int64_t start = stream_position(&direction->stream, event->sequence);
	struct slice bytes = {segment->data, event->length}, skipped;

	if (direction->stream.count || event->slice_count != 1 ||
	    event->slices[0].length != event->length || start < 0 ||
	    (uint64_t)start > direction->position ||
	    !slice_bytes(&bytes, direction->position - start, &skipped))
		return (struct slice){NULL, 0};
	/* A hello in SSLv2 style is no record. */
	if (direction->position == 0 && bytes.length && bytes.bytes[0] & 0x80)
		return (struct slice){NULL, 0};
	return bytes;
}

/* Nothing of the segment lies after the record that the direction is in: no need to keep it. */
static bool segment_is_past(const struct flow_direction *direction,
			    const struct flow_segment *segment)
{
	const struct tlstrace_packet_event *event = segment->event;

	return !direction->stream.count &&
	       stream_position(&direction->stream, event->sequence) + (int64_t)event->length <=
		       (int64_t)direction->position;
}

static int tcp_begin(struct flow *flow, const struct flow_segment *segment,
		     struct flow_shared *shared)
{
	const struct tlstrace_packet_event *event = segment->event;

	(void)shared;
	flow->start = event->sequence + event->slices[0].offset;
	flow->directions[1].stream.base = flow->start;
	flow->directions[1].stream.has_base = true;
	flow->directions[0].changed = flow->directions[1].changed = flow->again;
	/* What the server sends next is what the client acknowledged; a Fast Open SYN has not. */
	if (event->tcp_flags & TLSTRACE_TCP_ACK) {
		flow->directions[0].stream.base = event->acknowledgement;
		flow->directions[0].stream.has_base = true;
	}
	return 0;
}

/*
 * After what was not TLS, as after a handshake that ended and left the connection to another
 * protocol, a segment that begins with a ClientHello begins another one.
 */
static void client_resume(struct flow *flow, const struct flow_segment *segment)
{
	const struct tlstrace_packet_event *event = segment->event;
	struct flow_direction *direction = &flow->directions[1];
	int64_t position = stream_position(&direction->stream, event->sequence);
	size_t before;

	if (!event->from_client || !direction->not_tls || !event->slice_count ||
	    event->slices[0].offset || position < (int64_t)direction->position ||
	    beginning_tcp((struct slice){segment->data, event->slices[0].length}, &before) !=
		    BEGINS_HELLO ||
	    before)
		return;
	direction->position = position;
	direction->stopped = direction->not_tls = direction->changed = false;
	direction->message_length = 0;
	stream_discard(&direction->stream, position);
}

static void segment_add(struct flow *flow, const struct flow_segment *segment,
			const struct flow_handler *handler)
{
	const struct tlstrace_packet_event *event = segment->event;
	struct flow_direction *direction = &flow->directions[event->from_client];
	struct slice bytes, left;
	int64_t end;

	if (!direction->stream.has_base && event->length) {
		direction->stream.base = event->sequence;
		direction->stream.has_base = true;
	}
	client_resume(flow, segment);
	if (!direction->stream.has_base || direction->stopped)
		return;
	end = stream_position(&direction->stream, event->sequence) + (int64_t)event->length;
	if (event->length && end > (int64_t)direction->seen)
		direction->seen = end;
	if (segment_is_past(direction, segment))
		return;
	bytes = segment_in_place(direction, segment);
	if (bytes.length) {
		left = records_in_place(handler, flow, event->from_client, bytes,
					event->header.time_ns);
		if (left.length && !direction->stopped &&
		    stream_add(&direction->stream, direction->position, left.bytes, left.length,
			       event->header.time_ns))
			flow->gap = true;
		return;
	}
	segment_store(flow, direction, segment);
	direction_advance(handler, flow, event->from_client);
}

/*
 * The connection ends, and all that the server said is shorter than a record's header: MQTT's
 * answer has 4 bytes, PostgreSQL's one.
 */
static void short_answer(struct flow *flow, const struct flow_handler *handler)
{
	const struct flow_direction *server = &flow->directions[0];
	uint8_t start[RECORD_HEADER];
	uint64_t time_ns = 0;
	size_t have = server->position || server->stopped
			      ? 0
			      : stream_have(&server->stream, 0, RECORD_HEADER - 1);

	if (!have || stream_read(&server->stream, 0, have, start, &time_ns) != STREAM_HAVE ||
	    (start[0] >= RECORD_KIND_CCS && start[0] <= RECORD_KIND_HEARTBEAT))
		return;
	not_tls(handler, flow, false, (struct slice){start, have}, time_ns);
}

static void tcp_add(struct flow *flow, const struct flow_segment *segment,
		    const struct flow_handler *handler)
{
	segment_add(flow, segment, handler);
	if (segment->event->tcp_flags & (TLSTRACE_TCP_FIN | TLSTRACE_TCP_RST))
		short_answer(flow, handler);
}

/* The message's beginning may end within a record. */
static void tcp_part(struct flow *flow, const struct flow_handler *handler)
{
	const struct flow_direction *client = &flow->directions[1];
	uint64_t position = client->position, time_ns = 0;
	uint8_t header[RECORD_HEADER], body[RECORD_LENGTH_MAX];
	size_t have;

	if (stream_read(&client->stream, position, RECORD_HEADER, header, &time_ns) ==
		    STREAM_HAVE &&
	    header_valid(client, header) && header[0] == RECORD_KIND_HANDSHAKE) {
		have = stream_have(&client->stream, position + RECORD_HEADER,
				   record_length(header));
		if (stream_read(&client->stream, position + RECORD_HEADER, have, body, NULL) ==
		    STREAM_HAVE)
			handshake_record(handler, flow, true, body, have, time_ns);
	}
	message_truncate(handler, flow, true, RECORD_KIND_HANDSHAKE, true);
}

const struct flow_transport flow_tcp = {
	.kind = TRANSPORT_TCP, .begin = tcp_begin, .add = tcp_add, .part = tcp_part};
