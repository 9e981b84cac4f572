/* SPDX-License-Identifier: BSD-2-Clause */
/* Handshake messages cut from the bytes that records, or CRYPTO frames, carry one after the other.
 */
#ifndef TLSTRACE_MESSAGES_H
#define TLSTRACE_MESSAGES_H

#include "flow/flow.h"

/* Hand one message to the handler. */
void message_emit(const struct flow_handler *handler, struct flow *flow,
		  struct flow_message *message);
/*
 * Add the next handshake bytes of a direction, which came in so many records (or packets) of this
 * type, and hand on every message that is whole; of one that is longer than FLOW_MESSAGE_MAX the
 * beginning, as truncated. 0, or -ENOMEM: nothing more can be read from this direction.
 */
int messages_add(const struct flow_handler *handler, struct flow *flow, bool from_client,
		 uint8_t record_type, uint32_t records, struct slice bytes, uint64_t time_ns);
/*
 * The rest of the message under way was not copied, or if partial never came: hand its beginning on
 * as that. Returns how many of its bytes are missing, SIZE_MAX if none is under way or its length
 * is among them.
 */
size_t message_truncate(const struct flow_handler *handler, struct flow *flow, bool from_client,
			uint8_t record_type, bool partial);

#endif
