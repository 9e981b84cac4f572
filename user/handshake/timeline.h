/* SPDX-License-Identifier: BSD-2-Clause */
/* What the phases of a handshake are made from. */
#ifndef TLSTRACE_TIMELINE_H
#define TLSTRACE_TIMELINE_H

#include "handshake/flights.h"
#include "handshake/handshake.h"

/* When each flight was seen nearest to each end; END_UNKNOWN: somewhere between. NULL: nowhere. */
struct timeline {
	const struct flights *flights;
	const struct flight_times *at[3];
	/* How the connection began, seen somewhere between. */
	const struct flow_opening *opening;
};

#endif
