/* SPDX-License-Identifier: BSD-2-Clause */
/* What the decoders' tests feed them: hellos, records, segments as the kernel reports them. */
#ifndef TLSTRACE_TEST_BUILD_H
#define TLSTRACE_TEST_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tls/slice.h"
#include "tlstrace_types.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MS		  1000000ULL
#define BUFFER_MAX	  40000

enum { RECORD_CCS = 20, RECORD_ALERT, RECORD_HANDSHAKE, RECORD_DATA };

enum { TCP_FIN = 0x01, TCP_RST = 0x04, TCP_ACK = 0x10 };

/* Bytes appended to each other; a test that overruns it fails. */
struct buffer {
	size_t length;
	uint8_t bytes[BUFFER_MAX];
};

void put_number(struct buffer *buffer, uint32_t value, size_t width); /* big-endian */
void put_bytes(struct buffer *buffer, const void *bytes, size_t length);
void put_fill(struct buffer *buffer, uint8_t value, size_t length);
/* Open a vector with a length of width bytes; close it with the value that came back. */
size_t vector_open(struct buffer *buffer, size_t width);
void vector_close(struct buffer *buffer, size_t at, size_t width);
/* A list of 16-bit code points after a length of width bytes. */
void put_codes(struct buffer *buffer, const uint16_t *codes, size_t count, size_t width);
size_t extension_open(struct buffer *buffer, uint16_t type); /* closed with vector_close(…, 2) */

void put_record(struct buffer *buffer, uint8_t type, const void *body, size_t length);
/* An encrypted record of this length: the bytes do not matter. */
void put_sealed(struct buffer *buffer, uint8_t type, size_t length);
void put_message(struct buffer *buffer, uint8_t type, const void *body, size_t length);
void put_alert(struct buffer *buffer, uint8_t level, uint8_t alert); /* with its record */

/* Whole handshake messages. A random is one byte, 32 times. */
struct hello_options {
	uint8_t random;
	bool early_data; /* client */
	bool alps;	 /* client */
	bool is_13;
	bool is_retry;	 /* server: random is the one of RFC 8446 section 4.1.3 */
	uint16_t cipher; /* server */
};

void put_client_hello(struct buffer *buffer, const struct hello_options *options);
void put_server_hello(struct buffer *buffer, const struct hello_options *options);
void put_hello_v2(struct buffer *buffer, const uint8_t *challenge, size_t length);

/* RFC 8448 sections 3 and 5, with their handshake headers. */
extern const uint8_t rfc8448_client_hello[196], rfc8448_server_hello[90], rfc8448_retry[176];
extern const uint8_t retry_random[32]; /* RFC 8446 section 4.1.3 */

/* The message without its handshake header. */
struct slice message_body(const void *message, size_t length);
/* A copy without one byte to spare, for the sanitizer to see an overrun. Free its bytes. */
struct slice exact_copy(struct slice slice);

/* A segment as the kernel reports it. */
struct packet {
	struct tlstrace_packet_event event;
	uint8_t data[BUFFER_MAX];
};

/* A connection at one place: what its segments have in common, and each side's position. */
struct connection {
	struct tlstrace_flow_key key;
	uint64_t flow_id;
	uint8_t client_hook;
	char interface[TLSTRACE_INTERFACE_SIZE];
	uint32_t next[2]; /* sequence numbers: 0 the server's, 1 the client's */
	uint64_t time_ns;
	uint64_t senders[2], receiver; /* socket ids */
	bool begun;		       /* its hello's first segment was made */
};

/* Client 192.0.2.1 on this port, server 192.0.2.2:443, seen where the client's host sends it. */
struct connection connection_new(uint16_t port);
/* The same connection where the other host receives it. */
struct connection connection_elsewhere(const struct connection *connection);
/* A segment at this distance from the side's position, copied whole. */
void packet_make(struct packet *packet, struct connection *connection, bool from_client,
		 uint32_t offset, const uint8_t *bytes, size_t length);
/* A datagram, copied whole. */
void datagram_make(struct packet *packet, struct connection *connection, bool from_client,
		   const uint8_t *bytes, size_t length);
/* Do not copy [from, to) of the segment's payload. */
void packet_elide(struct packet *packet, uint32_t from, uint32_t to);

#endif
