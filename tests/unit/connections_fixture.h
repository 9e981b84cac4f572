/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of a made-up capture, and the events that come of them. */
#ifndef TLSTRACE_TEST_CONNECTIONS_FIXTURE_H
#define TLSTRACE_TEST_CONNECTIONS_FIXTURE_H

#include "build.h"
#include "flow/flow.h"
#include "source/connections.h"

#define EVENTS_MAX 256

struct fixture {
	struct connections *connections;
	struct tlstrace_packet_event events[EVENTS_MAX];
	uint8_t first_bytes[EVENTS_MAX];
	size_t count;
	uint64_t time_ns;
	uint16_t port;	  /* the client's */
	uint32_t next[2]; /* sequence numbers: the server's, the client's */
	uint64_t encapsulation;
	uint16_t identification;	/* of the latest packet: no two are the same */
	enum frame_direction direction; /* of the client's packets */
	struct buffer hello;
	struct flow_opening opening;
	size_t openings;
};

int setup(void **state);
int teardown(void **state);
struct frame frame_make(struct fixture *fixture, bool from_client);
/* Its payload is these bytes. */
void add(struct fixture *fixture, struct frame *frame, const uint8_t *bytes, size_t length);
/* A segment at this distance from the side's position, which does not move. */
void send_at(struct fixture *fixture, bool from_client, uint32_t offset, const uint8_t *bytes,
	     size_t length);
void send_next(struct fixture *fixture, bool from_client, const uint8_t *bytes, size_t length);
void send_flags(struct fixture *fixture, bool from_client, uint8_t flags);
void datagram(struct fixture *fixture, bool from_client, const struct buffer *buffer);
/* SYN, answer, ACK; begin_ends(): 1 ms apart. */
void connect_ends(struct fixture *fixture);
void begin_ends(struct fixture *fixture);
void assert_hello(const struct fixture *fixture, size_t index);
void forget_unless(struct fixture *fixture, size_t index, bool may_renegotiate);
void forget(struct fixture *fixture, size_t index);

#endif
