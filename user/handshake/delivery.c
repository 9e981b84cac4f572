// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/delivery.h"

/* RFC 6298: once may be too early, since an acknowledgement may be late. */
#define REPEATS_MIN 2
/* An acknowledgement that was under way when the bytes were sent says nothing about them. */
#define UNDER_WAY_NS (1000 * 1000000ULL)

static void acknowledgement_note(struct delivery_end *end, const struct flow_direction *other,
				 const struct tlstrace_packet_event *event)
{
	int64_t position;

	if (!(event->tcp_flags & TLSTRACE_TCP_ACK) || !other->stream.has_base)
		return;
	position = stream_position(&other->stream, event->acknowledgement);
	if (position > (int64_t)end->acked)
		end->acked = position;
	end->acknowledges = true;
	end->acked_ns = event->header.time_ns;
}

void delivery_note(struct delivery *delivery, const struct flow *flow,
		   const struct tlstrace_packet_event *event)
{
	struct delivery_end *end = &delivery->ends[event->from_client];
	const struct flow_direction *direction = &flow->directions[event->from_client];
	int64_t last;

	acknowledgement_note(end, &flow->directions[!event->from_client], event);
	if (!event->length || !direction->stream.has_base)
		return;
	last = stream_position(&direction->stream, event->sequence) + (int64_t)event->length;
	if (last > (int64_t)end->sent) {
		end->sent = last;
		end->sent_ns = event->header.time_ns;
		end->repeats = 0;
	} else {
		end->repeats += event->segments;
	}
}

bool delivery_failed(const struct delivery *delivery, enum handshake_end from)
{
	const struct delivery_end *sender = &delivery->ends[from];
	const struct delivery_end *receiver = &delivery->ends[!from];

	if (!sender->sent || !receiver->seen || receiver->acked >= sender->sent)
		return false;
	return sender->repeats >= REPEATS_MIN ||
	       (receiver->acknowledges && receiver->acked_ns > sender->sent_ns + UNDER_WAY_NS);
}
