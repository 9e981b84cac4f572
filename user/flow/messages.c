// SPDX-License-Identifier: BSD-2-Clause
#include "flow/messages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_HEADER 4

void message_emit(const struct flow_handler *handler, struct flow *flow, struct flow_message *message)
{
	message->segments = flow->directions[message->from_client].segments;
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

/* Hand on every handshake message that is whole; keep the rest for the next record. */
static void messages_cut(const struct flow_handler *handler, struct flow *flow, bool from_client,
			 uint8_t record_type, uint64_t record_time_ns)
{
	struct flow_direction *direction = &flow->directions[from_client];
	size_t done = 0;

	while (direction->message_length - done >= MESSAGE_HEADER) {
		const uint8_t *start = direction->message + done;
		size_t length = (size_t)start[1] << 16 | (size_t)start[2] << 8 | start[3];
		struct flow_message message = {
			.kind = FLOW_HANDSHAKE,
			.from_client = from_client,
			.record_type = record_type,
			.type = start[0],
			.size = length + MESSAGE_HEADER,
			.time_ns = direction->message_time_ns,
			.records = direction->message_records,
		};

		if (direction->message_length - done < length + MESSAGE_HEADER)
			break;
		message.body = (struct slice){ start + MESSAGE_HEADER, length };
		message_emit(handler, flow, &message);
		done += length + MESSAGE_HEADER;
		direction->message_time_ns = record_time_ns;
		direction->message_records = 1;
	}
	direction->message_length -= done;
	if (done)
		memmove(direction->message, direction->message + done, direction->message_length);
}

int messages_add(const struct flow_handler *handler, struct flow *flow, bool from_client, uint8_t record_type,
		 struct slice bytes, uint64_t time_ns)
{
	struct flow_direction *direction = &flow->directions[from_client];
	int error;

	if (!direction->message_length) {
		direction->message_time_ns = time_ns;
		direction->message_records = 0;
	}
	direction->message_records++;
	error = message_append(direction, bytes.bytes, bytes.length);
	if (!error)
		messages_cut(handler, flow, from_client, record_type, time_ns);
	return error;
}
