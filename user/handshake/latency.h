/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a handshake's time went: from the times of its flights at both ends, and of the sockets,
 * to phases. docs/design.md says how, and which are estimates.
 */
#ifndef TLSTRACE_LATENCY_H
#define TLSTRACE_LATENCY_H

#include "handshake/handshake.h"
#include "handshake/timeline.h"

/* Fill handshake->latency; the outcome, the ends and their sockets are known. */
void latency_fill(struct handshake *handshake, const struct timeline *timeline);

#endif
