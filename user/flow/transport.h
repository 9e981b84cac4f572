/* SPDX-License-Identifier: BSD-2-Clause */
/* What lies between the segments of a flow and the messages they carry. */
#ifndef TLSTRACE_TRANSPORT_H
#define TLSTRACE_TRANSPORT_H

#include "flow/flow.h"
#include "tls/record.h"

/* What the flows of one table share; the table owns it. */
struct flow_shared {
	struct quic_crypto *quic; /* made for the first QUIC flow */
	uint64_t seed;		  /* of hashes of what peers choose */
};

struct flow_transport {
	enum handshake_transport kind;
	/*
	 * The flow's first segment, before it is added. 0 or negative errno: then the flow does not
	 * begin; -EPROTO: because it only looked like TLS.
	 */
	int (*begin)(struct flow *flow, const struct flow_segment *segment,
		     struct flow_shared *shared);
	/* Read a segment, or datagrams, and hand their messages on. */
	void (*add)(struct flow *flow, const struct flow_segment *segment,
		    const struct flow_handler *handler);
	/* Hand on the beginning of a ClientHello whose rest will not come; NULL: cannot. */
	void (*part)(struct flow *flow, const struct flow_handler *handler);
	/* Free flow->state. */
	void (*end)(struct flow *flow);
};

extern const struct flow_transport flow_tcp, flow_quic, flow_dtls;

#endif
