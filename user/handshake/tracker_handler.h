/* SPDX-License-Identifier: BSD-2-Clause */
/* What a tracker is set to, and whom it calls. */
#ifndef TLSTRACE_TRACKER_HANDLER_H
#define TLSTRACE_TRACKER_HANDLER_H

#include "flow/flow.h"
#include "handshake/handshake.h"

struct tracker_handler {
	/* A handshake's outcome is known. Borrowed for the call. */
	void (*done)(void *context, struct handshake *handshake);
	void *context;
	/* This flow is of no interest any more, unless its client renegotiates. NULL: no matter. */
	void (*forget)(void *events, const struct tlstrace_flow_key *key, uint64_t flow_id,
		       bool may_renegotiate);
	void *events;
	/* Fill in what can be looked up of a process that was seen just now. NULL: nothing. */
	void (*process_seen)(void *source, struct process *process);
	/* Will more be known of it in a moment? NULL: never. */
	bool (*process_awaited)(void *source, const struct process *process);
	void *source;
};

struct tracker_settings {
	uint64_t timeout_ns; /* without a sign of life for so long: it failed */
	size_t capacity;     /* handshakes under way at most */
	/* Silence is judged when the trace ends: in a capture the answer may come late. */
	bool patient;
};

#endif
