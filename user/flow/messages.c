// SPDX-License-Identifier: BSD-2-Clause
#include "flow/messages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tls/hello.h"

void message_emit(const struct flow_handler *handler, struct flow *flow,
		  struct flow_message *message)
{
	const struct flow_direction *direction = &flow->directions[message->from_client];

	message->segments = direction->segments;
	message->end = direction->record_end;
	handler->message(handler->context, flow, message);
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

/* Hand on every message that is whole; returns how many bytes are left after them. */
static size_t messages_cut(const struct flow_handler *handler, struct flow *flow, bool from_client,
			   uint8_t record_type, struct slice bytes, uint64_t record_time_ns)
{
	struct flow_direction *direction = &flow->directions[from_client];
	struct slice rest = bytes;
	uint32_t length;
	uint8_t type;

	while (slice_u8(&rest, &type) && slice_u24(&rest, &length)) {
		struct flow_message message = {
			.kind = FLOW_HANDSHAKE,
			.from_client = from_client,
			.record_type = record_type,
			.type = type,
			.size = length + TLS_MESSAGE_HEADER,
			.time_ns = direction->message_time_ns,
			.records = direction->message_records,
		};

		if (!slice_bytes(&rest, length, &message.body))
			break;
		message_emit(handler, flow, &message);
		bytes = rest;
		direction->message_time_ns = record_time_ns;
		direction->message_records = 1;
	}
	return bytes.length;
}

/*
 * The message under way is longer than what is kept of one: hand its beginning on, and leave out
 * the rest. Returns what comes after it in these bytes.
 */
static struct slice message_shorten(const struct flow_handler *handler, struct flow *flow,
				    bool from_client, uint8_t record_type, struct slice bytes)
{
	struct flow_direction *direction = &flow->directions[from_client];
	size_t missing = message_truncate(handler, flow, from_client, record_type, false);
	size_t here = missing < bytes.length ? missing : bytes.length;

	direction->message_skip = missing - here;
	return (struct slice){bytes.bytes + here, bytes.length - here};
}

static struct slice message_skip(struct flow_direction *direction, struct slice bytes)
{
	size_t here =
		direction->message_skip < bytes.length ? direction->message_skip : bytes.length;

	direction->message_skip -= here;
	return (struct slice){bytes.bytes + here, bytes.length - here};
}

int messages_add(const struct flow_handler *handler, struct flow *flow, bool from_client,
		 uint8_t record_type, uint32_t records, struct slice bytes, uint64_t time_ns)
{
	struct flow_direction *direction = &flow->directions[from_client];
	size_t left;
	int error;

	bytes = message_skip(direction, bytes);
	if (direction->message_length &&
	    direction->message_length + bytes.length > FLOW_MESSAGE_MAX)
		bytes = message_shorten(handler, flow, from_client, record_type, bytes);
	if (!direction->message_length) {
		direction->message_time_ns = time_ns;
		/* None new: it goes on in the record where a message ended. */
		direction->message_records = records ? records : 1;
		/* The usual case: read where they lie, only what is not whole is kept. */
		left = messages_cut(handler, flow, from_client, record_type, bytes, time_ns);
		return message_append(direction, bytes.bytes + bytes.length - left, left);
	}
	direction->message_records += records;
	error = message_append(direction, bytes.bytes, bytes.length);
	if (error)
		return error;
	left = messages_cut(handler, flow, from_client, record_type,
			    (struct slice){direction->message, direction->message_length}, time_ns);
	if (left && left < direction->message_length)
		memmove(direction->message, direction->message + direction->message_length - left,
			left);
	direction->message_length = left;
	return 0;
}

size_t message_truncate(const struct flow_handler *handler, struct flow *flow, bool from_client,
			uint8_t record_type, bool partial)
{
	struct flow_direction *direction = &flow->directions[from_client];
	struct slice rest = {direction->message, direction->message_length};
	struct flow_message message = {
		.kind = FLOW_HANDSHAKE,
		.from_client = from_client,
		.record_type = record_type,
		.time_ns = direction->message_time_ns,
		.records = direction->message_records,
		.truncated = !partial,
		.partial = partial,
	};
	uint32_t length;
	size_t missing;

	direction->message_length = 0;
	if (!slice_u8(&rest, &message.type) || !slice_u24(&rest, &length))
		return SIZE_MAX;
	missing = length - rest.length; /* or it would be whole, and gone */
	message.size = length + TLS_MESSAGE_HEADER;
	message.body = rest;
	message_emit(handler, flow, &message);
	return missing;
}
