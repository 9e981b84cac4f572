/* SPDX-License-Identifier: BSD-2-Clause */
/* What happened to the connections of a capture. */
#ifndef TLSTRACE_CONNECTIONS_COUNTS_H
#define TLSTRACE_CONNECTIONS_COUNTS_H

#include <stdint.h>

struct connections_counts {
	uint64_t hellos;       /* flows begun */
	uint64_t table_full;   /* flows under way that made room for others */
	uint64_t lost;	       /* flows with bytes that are not in the capture, or were cut off */
	uint64_t unknown_quic; /* QUIC handshakes of versions that are not decoded */
};

#endif
