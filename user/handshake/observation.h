/* SPDX-License-Identifier: BSD-2-Clause */
/* From what the flows show to the entries: the callbacks of the tracker's flow table. */
#ifndef TLSTRACE_OBSERVATION_H
#define TLSTRACE_OBSERVATION_H

#include "flow/flow.h"

/* context is the tracker; see struct flow_handler. */
void observe_message(void *context, struct flow *flow, const struct flow_message *message);
void observe_segment(void *context, struct flow *flow, const struct tlstrace_packet_event *event);
void observe_expired(void *context, const struct flow *flow);

#endif
