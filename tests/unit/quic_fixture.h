/* SPDX-License-Identifier: BSD-2-Clause */
/* A flow table and a tracker that are fed QUIC datagrams, and what comes out of each. */
#ifndef TLSTRACE_TEST_QUIC_FIXTURE_H
#define TLSTRACE_TEST_QUIC_FIXTURE_H

#include "build.h"
#include "flow/flow.h"
#include "handshake/tracker.h"
#include "tls/quic.h"

#define MESSAGES_MAX 64
#define V1	     0x00000001u
#define V2	     0x6b3343cfu

enum { CLIENT = true, SERVER = false };

/* The connection ids of RFC 9001 appendix A. */
extern const uint8_t first_id[8], server_id[8];

struct fixture {
	struct quic_crypto *crypto;
	struct flow_handler handler;
	struct flow_table *table;
	struct connection connection;
	struct flow *flow;			    /* of the last datagram */
	struct flow_message messages[MESSAGES_MAX]; /* without their bodies */
	size_t count;
	struct buffer last; /* body of the last message */
	struct tracker_handler tracker_handler;
	struct tracker *tracker;
	struct handshake row;	  /* the tracker's last; its pointers are invalid */
	char sni[64], reason[64]; /* copies of what the row pointed to */
	size_t rows, forgotten;
	uint64_t client_socket; /* sends the client's datagrams; 0: it is on another host */
};

/* An Initial packet to be made. */
struct initial {
	uint32_t version;
	bool from_client;
	uint32_t number;     /* the packet has the low 16 bits of it */
	struct slice key_id; /* the connection id that the keys are derived from */
	struct slice destination, source;
};

int quic_setup(void **state);
int quic_teardown(void **state);
struct initial initial_from(bool from_client, uint32_t number);
/* Append the Initial packet, protected, with these frames. */
void put_initial(struct fixture *fixture, struct buffer *to, const struct initial *initial,
		 const struct buffer *frames);
/* A CRYPTO frame with the bytes [from, to) of a stream. */
void put_crypto(struct buffer *frames, const struct buffer *stream, size_t from, size_t to);
/* A packet with a long header, without connection ids, and a payload of this length. */
void put_long(struct buffer *to, uint8_t first, size_t length);
/* To both the flow table and the tracker; 1 ms passes. Returns what flow_table_add() returns. */
int quic_feed(struct fixture *fixture, const struct packet *packet);
int send_datagram(struct fixture *fixture, bool from_client, const void *bytes, size_t length);
/* One Initial with the CRYPTO bytes [from, to) of a stream, in a datagram of its own. */
void send_crypto(struct fixture *fixture, const struct initial *initial,
		 const struct buffer *stream, size_t from, size_t to);
void send_long(struct fixture *fixture, bool from_client, uint8_t first, size_t length);
/* A 1-RTT packet. */
void send_short(struct fixture *fixture, bool from_client);
/* A ClientHello or a ServerHello, in place of what the buffer has. */
void hello_make(struct buffer *hello, bool from_client);
/* A side's hello, whole, in its Initial 0. */
void send_initial_hello(struct fixture *fixture, bool from_client);
/* A whole handshake as far as it is in the clear. */
void exchange_hellos(struct fixture *fixture);
void assert_message(const struct fixture *fixture, size_t at, enum flow_message_kind kind,
		    uint8_t record);
/* The last message is this hello, from Initial packets. */
void assert_last_hello(const struct fixture *fixture, const struct buffer *hello);

#endif
