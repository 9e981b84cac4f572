/* SPDX-License-Identifier: BSD-2-Clause */
/* The datagrams of one UDP event, and what was copied of them. */
#ifndef TLSTRACE_DATAGRAMS_H
#define TLSTRACE_DATAGRAMS_H

#include "flow/flow.h"

/* [start, end) of the event's payload. */
struct datagram {
	uint32_t start, end;
};

/* The datagram after this one; begin with a zeroed one. False at the end. */
bool datagram_next(const struct flow_segment *segment, struct datagram *datagram);
/*
 * What was copied without a hole from offset on, up to the datagram's end. Borrows from the
 * segment.
 */
struct slice datagram_bytes(const struct flow_segment *segment, const struct datagram *datagram,
			    uint32_t offset);

#endif
