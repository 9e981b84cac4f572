/* SPDX-License-Identifier: BSD-2-Clause */
/* What targets have in common: a tracker whose rows go through every sink, and cuts of the input.
 */
#ifndef TLSTRACE_FUZZ_ROWS_H
#define TLSTRACE_FUZZ_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handshake/tracker.h"
#include "tls/slice.h"
#include "tlstrace_types.h"

#define ROWS_START_NS 1000000000ULL

/* libFuzzer calls it; the header keeps -Wmissing-prototypes content. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A tracker as main() has it; forget is called for its flows and may be NULL. */
struct tracker *rows_begin(void (*forget)(void *context, const struct tlstrace_flow_key *key,
					  uint64_t flow_id, bool may_renegotiate),
			   void *context);
/* Report what is left, and free it. */
void rows_end(struct tracker *tracker, uint64_t now_ns);

/* One flow, fed packet by packet: client 192.0.2.1:40000, server 192.0.2.2:443. */
struct fuzz_flow {
	struct tracker *tracker;
	uint8_t protocol; /* 6 TCP, 17 UDP */
	bool begun;
	uint32_t next[2]; /* TCP sequence numbers, indexed by from_client */
	uint64_t time_ns;
};

/*
 * Feed payload as a segment or datagram of the flow, copied to where a byte too many is noticed. Of
 * its length on the wire the last elided bytes were not copied.
 */
void fuzz_flow_send(struct fuzz_flow *flow, bool from_client, uint8_t flags, uint8_t tcp_flags,
		    struct slice payload, uint32_t elided);
/* The next length bytes of the input, or all that are left. */
struct slice fuzz_take(struct slice *input, size_t length);

#endif
