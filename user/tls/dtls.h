/* SPDX-License-Identifier: BSD-2-Clause */
/* Records and handshake fragments of DTLS 1.0 (RFC 4347), 1.2 (RFC 6347) and 1.3 (RFC 9147). */
#ifndef TLSTRACE_DTLS_H
#define TLSTRACE_DTLS_H

#include "tls/slice.h"

struct dtls_record {
	uint8_t type;	   /* enum message_record; DTLS 1.3 ciphertext hides it: application data */
	uint16_t version;  /* 0: DTLS 1.3 ciphertext names none */
	uint16_t epoch;	   /* of a DTLS 1.3 ciphertext its two low bits */
	bool is_13;	   /* has the unified header of RFC 9147 section 4 */
	struct slice body; /* what is known of it */
	size_t length;	   /* of the body on the wire */
	size_t size;	   /* with its header */
};

/*
 * Read the record that bytes begin with. wire_length bytes of its datagram are left on the wire;
 * bytes may be only the first of them. A record of unknown length (connection ids) takes the rest
 * of the datagram. False if it is not a record, or its header is not known whole.
 */
MUST_CHECK bool dtls_record_read(struct slice bytes, size_t wire_length,
				 struct dtls_record *record);

/* RFC 6347 section 4.2.2. */
struct dtls_fragment {
	uint8_t type;
	uint32_t length;   /* of the whole message */
	uint16_t sequence; /* of the message */
	uint32_t offset;
	struct slice bytes;
};

/* The next fragment in a record's body. False at its end, or if it is malformed. */
MUST_CHECK bool dtls_fragment_next(struct slice *body, struct dtls_fragment *fragment);

#endif
