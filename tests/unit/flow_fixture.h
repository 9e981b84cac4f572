/* SPDX-License-Identifier: BSD-2-Clause */
/* A flow table that is fed segments, and the messages that come out. */
#ifndef TLSTRACE_TEST_FLOW_FIXTURE_H
#define TLSTRACE_TEST_FLOW_FIXTURE_H

#include "build.h"
#include "flow/flow.h"

#define MESSAGES_MAX 64

struct fixture {
	struct flow_handler handler;
	struct flow_table *table; /* of four flows */
	struct connection connection;
	struct flow *flow;			    /* of the last segment */
	struct flow_message messages[MESSAGES_MAX]; /* without their bodies */
	size_t count, segments;
	struct buffer last; /* body of the last message */
};

int flow_setup(void **state);
int flow_teardown(void **state);
/* Returns what flow_table_add() returns. */
int flow_feed(struct fixture *fixture, const struct packet *packet);
/* A segment with [from, to) of what the side sends; 1 ms passes. */
void send_part(struct fixture *fixture, bool from_client, const struct buffer *bytes, size_t from,
	       size_t to);
/* All bytes, in segments of this size; the side's position moves past them. */
void send_sized(struct fixture *fixture, bool from_client, const struct buffer *bytes, size_t size);
void send_all(struct fixture *fixture, bool from_client, const struct buffer *bytes);
/* RFC 8448's ClientHello: in one record; in records of this size; sent in one segment. */
void put_rfc8448_hello(struct buffer *buffer);
void put_rfc8448_hello_split(struct buffer *buffer, size_t size);
void send_hello(struct fixture *fixture);
/* The last message is RFC 8448's ClientHello, whole. */
void assert_rfc8448_hello(const struct fixture *fixture);
/* These are the messages so far. */
void assert_kinds(const struct fixture *fixture, const enum flow_message_kind *kinds, size_t count);

#define ASSERT_KINDS(fixture, ...)                                                                 \
	assert_kinds(fixture, (enum flow_message_kind[]){__VA_ARGS__},                             \
		     ARRAY_SIZE(((enum flow_message_kind[]){__VA_ARGS__})))

#endif
