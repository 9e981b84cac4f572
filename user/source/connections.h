/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds handshakes in the frames of a capture, and hands their packets on as the kernel would
 * (bpf/track.bpf.h): from the first byte of a ClientHello until the flow is forgotten. Bounded.
 */
#ifndef TLSTRACE_CONNECTIONS_H
#define TLSTRACE_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/connections_counts.h"
#include "source/frame.h"
#include "source/source.h"

struct connections;

/*
 * capacity: TCP connections and UDP flows at most; the one idle for longest makes room. NULL
 * without memory. patient: all of the capture is there, so a late packet is waited for as long as
 * there is room; else for the time that it takes a capture to put packets in order.
 */
struct connections *connections_new(size_t capacity, bool patient,
				    const struct source_handler *handler);
void connections_free(struct connections *connections);
/* Look at a frame. Borrowed for the call; what has to wait is copied. */
void connections_add(struct connections *connections, const struct frame *frame, uint64_t time_ns);
/* Tell of what is late by now and will not come any more. UINT64_MAX: of all that is missing. */
void connections_tick(struct connections *connections, uint64_t now_ns);
/*
 * The packets of this flow are not wanted any more. A later ClientHello on the connection begins
 * another, an encrypted one too where the client may renegotiate.
 */
void connections_forget(struct connections *connections, const struct tlstrace_flow_key *key,
			uint64_t flow_id, bool may_renegotiate);
struct connections_counts connections_counts(const struct connections *connections);

#endif
