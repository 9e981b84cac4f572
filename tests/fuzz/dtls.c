// SPDX-License-Identifier: BSD-2-Clause
/* DTLS. The input is a list of datagrams: how (below), a length of two bytes, payload. */
#include "rows.h"

enum { FROM_CLIENT = 0x01, ELIDED = 0x02 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_flow flow = {.tracker = rows_begin(NULL, NULL), .protocol = 17};
	struct slice input = {data, size};
	uint16_t length;
	uint8_t how;

	while (slice_u8(&input, &how) && slice_u16(&input, &length))
		fuzz_flow_send(&flow, how & FROM_CLIENT, 0, 0, fuzz_take(&input, length),
			       how & ELIDED ? 64 : 0);
	rows_end(flow.tracker, ROWS_START_NS + flow.time_ns);
	return 0;
}
