/* SPDX-License-Identifier: BSD-2-Clause */
/* A tracker that is fed what the ends of a connection say, and the rows that come of it. */
#ifndef TRACKER_FIXTURE_H
#define TRACKER_FIXTURE_H

#include "build.h"
#include "handshake/tracker.h"
#include "tls/hello.h"

#define ROWS_MAX	8
#define TIMEOUT		(10000 * MS)
#define SETTLED		(50 * MS) /* after an outcome, its row is handed over */
#define SHA256_FINISHED 53
#define SHA384_FINISHED 69
#define ALERT_13	19
#define PADDED_ALERT_13 35

enum { CLIENT = true, SERVER = false };

struct fixture {
	struct tracker_handler handler;
	struct tracker *tracker;
	struct connection connection;
	struct handshake rows[ROWS_MAX]; /* copies; of what they own they have the lists only */
	size_t count, forgotten, processes;
	size_t may_renegotiate; /* of the forgotten */
};

extern const struct hello_options client_12, server_12, client_13, server_13, server_13_sha384;

int tracker_setup(void **state);
int tracker_teardown(void **state);
/* Forget the rows so far. */
void rows_drop(struct fixture *fixture);
void feed(struct fixture *fixture, const struct packet *packet);
/* One side sends this on a connection; 1 ms passes. */
void say_on(struct fixture *fixture, struct connection *connection, bool from_client,
	    const struct buffer *bytes);
void say(struct fixture *fixture, bool from_client, const struct buffer *bytes);
/* A segment without bytes: TCP flags, or the event's own. */
void signal_on(struct fixture *fixture, struct connection *connection, bool from_client,
	       uint8_t tcp_flags, uint8_t flags);
void put_hello_record(struct buffer *buffer, bool from_client, const struct hello_options *options);
void hello_on(struct fixture *fixture, struct connection *connection, bool from_client,
	      const struct hello_options *options);
void say_hello(struct fixture *fixture, bool from_client, const struct hello_options *options);
void sealed_on(struct fixture *fixture, struct connection *connection, bool from_client,
	       uint8_t type, size_t length);
void say_sealed(struct fixture *fixture, bool from_client, uint8_t type, size_t length);
void say_alert(struct fixture *fixture, bool from_client, uint8_t level, uint8_t alert);
/* TLS 1.2: ChangeCipherSpec and Finished of a side. */
void say_finished_12(struct fixture *fixture, bool from_client);
/* The rest of a TLS 1.3 handshake after the ClientHello. */
void finish_13_on(struct fixture *fixture, struct connection *connection,
		  const struct hello_options *server);
/* Let the row come, and it alone. */
struct handshake *only_row(struct fixture *fixture);
void assert_failure(const struct handshake *row, enum failure_kind kind, enum handshake_end by,
		    int alert);
bool is_inferred(const struct handshake *row, enum inferred_field field);

/* A whole TLS 1.2 handshake. */
void complete_12_on(struct fixture *fixture, struct connection *connection);
struct tlstrace_socket_event socket_event(uint64_t id, uint32_t kind, uint64_t time_ns);
struct tlstrace_task task(uint32_t pid, const char *comm);

#define TEST(function) cmocka_unit_test_setup_teardown(function, tracker_setup, tracker_teardown)

#endif
