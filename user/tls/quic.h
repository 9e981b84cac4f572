/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QUIC packets (RFC 9000 section 17), and the protection of Initial packets, whose keys anybody can
 * derive from the client's first Destination Connection ID (RFC 9001 section 5.2).
 */
#ifndef TLSTRACE_QUIC_H
#define TLSTRACE_QUIC_H

#include "tls/slice.h"

#define QUIC_CONNECTION_ID_MAX 20 /* RFC 9000 section 17.2 */
#define QUIC_PACKET_MAX	       65535
#define QUIC_VERSION_NAME_SIZE 16

enum quic_packet_type {
	QUIC_INITIAL,
	QUIC_0RTT,
	QUIC_HANDSHAKE,
	QUIC_RETRY,
	QUIC_VERSION_NEGOTIATION,
	QUIC_1RTT,
	QUIC_UNKNOWN, /* of a version that is not known: it takes the rest of its datagram */
};

struct quic_packet {
	enum quic_packet_type type;
	uint32_t version; /* 0: Version Negotiation, or a short header, which names none */
	struct slice destination, source; /* connection ids; of a short header none */
	struct slice versions;		  /* of Version Negotiation: 4 bytes each */
	struct slice bytes;		  /* what is known of the packet, from its first byte */
	size_t size;			  /* on the wire */
	size_t number_at; /* offset of the packet number, if the packet has a Length */
};

/*
 * Read the header of the packet that bytes begin with. wire_length bytes of its datagram are left
 * on the wire; bytes may be only the first of them. False if it is not a packet, or too little of
 * it is known.
 */
MUST_CHECK bool quic_packet_read(struct slice bytes, size_t wire_length,
				 struct quic_packet *packet);

/* Is it one whose Initial packets can be read? */
bool quic_version_known(uint32_t version);
/* The type of a packet with a long header, whose first byte is first, in a known version. */
enum quic_packet_type quic_long_type(uint8_t first, uint32_t version);
/* "1", "2", "draft-29", "T051"; the number in hex of another. Returns to. */
const char *quic_version_name(uint32_t version, char to[QUIC_VERSION_NAME_SIZE]);

/* Of one direction's Initial packets. */
struct quic_keys {
	uint8_t key[16], iv[12], header[16];
};

/*
 * libcrypto's algorithms, fetched once: a fetch costs more than a packet. Holds the bytes of the
 * packet opened last as well. Not for two threads.
 */
struct quic_crypto;

/* NULL without memory, or if libcrypto lacks an algorithm. */
struct quic_crypto *quic_crypto_new(void);
void quic_crypto_free(struct quic_crypto *crypto);
/* The keys of the client's or the server's Initials. 0; -ENOTSUP: the version is not known; -EIO.
 */
int quic_keys_derive(struct quic_crypto *crypto, uint32_t version, struct slice connection_id,
		     bool from_client, struct quic_keys *keys);
/*
 * Remove the protection of an Initial packet. next_number is the packet number expected next in its
 * direction (RFC 9000 appendix A.3), number the one it has. payload, its frames, is valid until the
 * next packet. False if it does not authenticate, or is not known whole.
 */
MUST_CHECK bool quic_initial_open(struct quic_crypto *crypto, const struct quic_keys *keys,
				  const struct quic_packet *packet, uint64_t next_number,
				  uint64_t *number, struct slice *payload);

enum quic_frame_type {
	QUIC_FRAME_PADDING = 0x00,
	QUIC_FRAME_PING = 0x01,
	QUIC_FRAME_ACK = 0x02,
	QUIC_FRAME_ACK_ECN = 0x03,
	QUIC_FRAME_CRYPTO = 0x06,
	QUIC_FRAME_CONNECTION_CLOSE = 0x1c,
};

struct quic_frame {
	uint64_t type;
	uint64_t offset;   /* of CRYPTO */
	uint64_t error;	   /* of CONNECTION_CLOSE: RFC 9000 section 20.1 */
	struct slice data; /* of CRYPTO; the reason phrase of CONNECTION_CLOSE */
};

/* The next frame of an Initial. False at the end, and at what must not be in one (RFC 9000 table
 * 3). */
MUST_CHECK bool quic_frame_next(struct slice *payload, struct quic_frame *frame);

#endif
