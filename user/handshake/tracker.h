/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tracker: from the messages of flows and the events of sockets to one handshake each, with its
 * outcome. The same handshake seen at several places is one.
 */
#ifndef TLSTRACE_TRACKER_H
#define TLSTRACE_TRACKER_H

#include "flow/flow.h"
#include "handshake/tracker_handler.h"

struct tracker;

struct tracker *tracker_new(const struct tracker_settings *settings,
			    const struct tracker_handler *handler);
void tracker_free(struct tracker *tracker);
void tracker_packet(struct tracker *tracker, const struct tlstrace_packet_event *event,
		    const uint8_t *data);
/* How the connection began of a flow whose ClientHello was fed just now. */
void tracker_opening(struct tracker *tracker, const struct tlstrace_flow_key *key, uint64_t flow_id,
		     const struct flow_opening *opening);
void tracker_socket(struct tracker *tracker, const struct tlstrace_socket_event *event);
/* The packets come as they are captured, so silence is judged although it was asked to be patient.
 */
void tracker_be_impatient(struct tracker *tracker);
/* Hand over what is due at this time. True if something waits for a moment near: tick again soon.
 */
bool tracker_tick(struct tracker *tracker, uint64_t now_ns);
/*
 * Call for each handshake whose outcome is not known yet, the oldest first: with the owners of its
 * ends, by enum handshake_end, NULL where none is known. All is borrowed for the call.
 */
void tracker_pending(const struct tracker *tracker,
		     void (*pending)(void *context, const struct handshake *handshake,
				     const struct process *const owners[2]),
		     void *context);
/* Events were lost before this time: what is silent since before it may not have been. */
void tracker_lost(struct tracker *tracker, uint64_t time_ns);
/* ClientHellos whose flow gave way to others in the kernel side, and that have no row. */
uint64_t tracker_displaced(const struct tracker *tracker);
/* The trace ends: hand over everything. */
void tracker_finish(struct tracker *tracker, uint64_t now_ns);
/* ClientHellos that reached the tracker, one per place; and of these: */
uint64_t tracker_hellos(const struct tracker *tracker);
uint64_t tracker_refused(const struct tracker *tracker);    /* a table was full */
uint64_t tracker_unfinished(const struct tracker *tracker); /* never became whole */

#endif
