// SPDX-License-Identifier: BSD-2-Clause
/*
 * TLS over TCP. The input is a list of segments: how (below), a distance from the side's
 * position, a length of two bytes, payload.
 */
#include "rows.h"

enum {
	FROM_CLIENT = 0x01,
	RETRANSMIT = 0x02,
	LOST_BEFORE = 0x04,
	FIN = 0x08,
	RST = 0x10,
	ELIDED = 0x20,
	TRUNCATED = 0x40
};

static void segment_send(struct fuzz_flow *flow, uint8_t how, struct slice payload)
{
	uint8_t flags = (how & RETRANSMIT ? TLSTRACE_PACKET_RETRANSMIT : 0) |
			(how & LOST_BEFORE ? TLSTRACE_PACKET_LOST_BEFORE : 0) |
			(how & TRUNCATED ? TLSTRACE_PACKET_TRUNCATED : 0);

	fuzz_flow_send(flow, how & FROM_CLIENT, flags,
		       0x10 | (how & FIN ? 0x01 : 0) | (how & RST ? 0x04 : 0), payload,
		       how & ELIDED ? 256 : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_flow flow = {
		.tracker = rows_begin(NULL, NULL), .protocol = 6, .next = {5000, 1000}};
	struct slice input = {data, size};
	uint8_t how, distance;
	uint16_t length;

	while (slice_u8(&input, &how) && slice_u8(&input, &distance) &&
	       slice_u16(&input, &length)) {
		flow.next[how & FROM_CLIENT] += (int8_t)distance;
		segment_send(&flow, how, fuzz_take(&input, length));
	}
	rows_end(flow.tracker, ROWS_START_NS + flow.time_ns);
	return 0;
}
