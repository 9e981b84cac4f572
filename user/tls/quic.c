// SPDX-License-Identifier: BSD-2-Clause
#include "tls/quic.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_SIZE	32
#define TAG_SIZE	16
#define SALT_SIZE	20
#define SAMPLE_SIZE	16
#define NUMBER_SIZE_MAX 4
#define LABEL_SIZE_MAX	32

enum { FORM_LONG = 0x80, FIXED_BIT = 0x40, STUN_LAST = 3 };

/*
 * What differs between versions: salt, labels, and by how much the numbers of packet types are
 * turned.
 */
struct quic_version {
	uint32_t first, last;
	uint8_t type_turn;
	const char *key_label, *iv_label, *header_label;
	const uint8_t *salt; /* SALT_SIZE bytes */
};

#define LABELS_V1 "tls13 quic key", "tls13 quic iv", "tls13 quic hp"
#define LABELS_V2 "tls13 quicv2 key", "tls13 quicv2 iv", "tls13 quicv2 hp"

static const uint8_t salt_v1[SALT_SIZE] = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34,
					   0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8,
					   0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
static const uint8_t salt_v2[SALT_SIZE] = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6,
					   0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26,
					   0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9};
static const uint8_t salt_29[SALT_SIZE] = {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2,
					   0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61,
					   0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99};
static const uint8_t salt_23[SALT_SIZE] = {0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb,
					   0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4,
					   0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02};
static const uint8_t salt_22[SALT_SIZE] = {0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb,
					   0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51,
					   0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a};
static const uint8_t salt_t050[SALT_SIZE] = {0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72,
					     0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2,
					     0x36, 0x7c, 0x60, 0x48, 0x83, 0x10};
static const uint8_t salt_t051[SALT_SIZE] = {0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee,
					     0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f,
					     0xc8, 0xcc, 0xda, 0x6e, 0x03, 0x3d};

/* All versions whose Initial packets can be read; nothing else knows their numbers. */
static const struct quic_version versions[] = {
	{0x00000001, 0x00000001, 0, LABELS_V1, salt_v1}, /* RFC 9001 section 5.2 */
	/* RFC 9369 section 3: Retry is 0, Initial 1, 0-RTT 2, Handshake 3 */
	{0x6b3343cf, 0x6b3343cf, 3, LABELS_V2, salt_v2},
	/* draft-ietf-quic-tls, section 5.2 of each; -22 brought this form of the header */
	{0xff000021, 0xff000022, 0, LABELS_V1, salt_v1},
	{0xff00001d, 0xff000020, 0, LABELS_V1, salt_29},
	{0xff000017, 0xff00001c, 0, LABELS_V1, salt_23},
	{0xff000016, 0xff000016, 0, LABELS_V1, salt_22},
	/* mvfst (QuicConstants.h): its own numbers, the salts of drafts */
	{0xfaceb001, 0xfaceb001, 0, LABELS_V1, salt_22},
	{0xfaceb002, 0xfaceb00f, 0, LABELS_V1, salt_23},
	/* Chromium's QUIC with TLS (quic_versions.h) */
	{0x54303530, 0x54303530, 0, LABELS_V1, salt_t050},
	{0x54303531, 0x54303531, 0, LABELS_V1, salt_t051},
};

struct quic_crypto {
	EVP_MAC *hmac;
	EVP_MAC_CTX *mac;
	EVP_CIPHER *gcm, *ecb;
	EVP_CIPHER_CTX *packet, *mask;
	uint8_t bytes[QUIC_PACKET_MAX]; /* of one packet without its protection */
};

static const struct quic_version *version_find(uint32_t version)
{
	size_t i;

	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (version >= versions[i].first && version <= versions[i].last)
			return &versions[i];
	return NULL;
}

bool quic_version_known(uint32_t version)
{
	return version_find(version);
}

const char *quic_version_name(uint32_t version, char to[QUIC_VERSION_NAME_SIZE])
{
	if (version == 0x00000001)
		return strcpy(to, "1");
	if (version == 0x6b3343cf)
		return strcpy(to, "2");
	if (version >= 0x54303530 && version <= 0x54303539) /* ASCII */
		snprintf(to, QUIC_VERSION_NAME_SIZE, "T05%c", (int)(version & 0x7f));
	else if (version >> 8 == 0xff0000)
		snprintf(to, QUIC_VERSION_NAME_SIZE, "draft-%02u", version & 0xff);
	else
		snprintf(to, QUIC_VERSION_NAME_SIZE, "0x%08x", version);
	return to;
}

enum quic_packet_type quic_long_type(uint8_t first, uint32_t version)
{
	const struct quic_version *found = version_find(version);

	return found ? ((first >> 4 & 3) + found->type_turn) & 3 : QUIC_UNKNOWN;
}

/* What follows the connection ids (RFC 9000 section 17.2). */
static bool long_header_read(struct slice rest, uint8_t first, struct quic_packet *packet)
{
	uint64_t token_length, length;
	struct slice token;
	size_t header;

	packet->type = quic_long_type(first, packet->version);
	if (packet->type == QUIC_UNKNOWN || packet->type == QUIC_RETRY)
		return true;
	if (packet->type == QUIC_INITIAL &&
	    (!slice_varint(&rest, &token_length) || token_length > rest.length ||
	     !slice_bytes(&rest, token_length, &token)))
		return false;
	if (!slice_varint(&rest, &length))
		return false;
	header = packet->bytes.length - rest.length;
	if (length > packet->size - header)
		return false;
	packet->number_at = header;
	packet->size = header + length;
	if (packet->bytes.length > packet->size)
		packet->bytes.length = packet->size;
	return true;
}

bool quic_packet_read(struct slice bytes, size_t wire_length, struct quic_packet *packet)
{
	struct slice rest = bytes;
	uint8_t first;

	*packet = (struct quic_packet){.type = QUIC_1RTT, .bytes = bytes, .size = wire_length};
	if (bytes.length > wire_length || !slice_u8(&rest, &first))
		return false;
	/*
	 * RFC 9287 lets the fixed bit vary. What has neither it nor more than the lowest bits set
	 * may as well be padding of the datagram, or STUN on the same port (RFC 9443 section 2).
	 */
	if (!(first & FORM_LONG))
		return first & FIXED_BIT || first > STUN_LAST;
	if (!slice_u32(&rest, &packet->version) || !slice_vector8(&rest, &packet->destination) ||
	    !slice_vector8(&rest, &packet->source))
		return false;
	if (!packet->version) {
		packet->type = QUIC_VERSION_NEGOTIATION;
		packet->versions = rest;
		return true;
	}
	if (packet->destination.length > QUIC_CONNECTION_ID_MAX ||
	    packet->source.length > QUIC_CONNECTION_ID_MAX)
		return false;
	return long_header_read(rest, first, packet);
}

static bool mac_start(struct quic_crypto *crypto)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	crypto->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	crypto->mac = crypto->hmac ? EVP_MAC_CTX_new(crypto->hmac) : NULL;
	return crypto->mac && EVP_MAC_CTX_set_params(crypto->mac, params);
}

static bool ciphers_start(struct quic_crypto *crypto)
{
	crypto->gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
	crypto->ecb = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
	crypto->packet = EVP_CIPHER_CTX_new();
	crypto->mask = EVP_CIPHER_CTX_new();
	return crypto->gcm && crypto->ecb && crypto->packet && crypto->mask &&
	       EVP_DecryptInit_ex2(crypto->packet, crypto->gcm, NULL, NULL, NULL) &&
	       EVP_EncryptInit_ex2(crypto->mask, crypto->ecb, NULL, NULL, NULL);
}

struct quic_crypto *quic_crypto_new(void)
{
	struct quic_crypto *crypto = calloc(1, sizeof(*crypto));

	if (!crypto)
		return NULL;
	if (!mac_start(crypto) || !ciphers_start(crypto)) {
		quic_crypto_free(crypto);
		return NULL;
	}
	return crypto;
}

void quic_crypto_free(struct quic_crypto *crypto)
{
	if (!crypto)
		return;
	EVP_CIPHER_CTX_free(crypto->mask);
	EVP_CIPHER_CTX_free(crypto->packet);
	EVP_CIPHER_free(crypto->ecb);
	EVP_CIPHER_free(crypto->gcm);
	EVP_MAC_CTX_free(crypto->mac);
	EVP_MAC_free(crypto->hmac);
	free(crypto);
}

/* HMAC-SHA256, which is HKDF-Extract as well (RFC 5869 section 2.2). */
static bool hmac(struct quic_crypto *crypto, const uint8_t *key, size_t key_length,
		 struct slice data, uint8_t to[HASH_SIZE])
{
	size_t length;

	return EVP_MAC_init(crypto->mac, key, key_length, NULL) &&
	       EVP_MAC_update(crypto->mac, data.bytes, data.length) &&
	       EVP_MAC_final(crypto->mac, to, &length, HASH_SIZE);
}

/*
 * HKDF-Expand-Label with an empty context (RFC 8446 section 7.1) of at most one hash: its first
 * round.
 */
static bool expand_label(struct quic_crypto *crypto, const uint8_t secret[HASH_SIZE],
			 const char *label, uint8_t *to, size_t length)
{
	uint8_t info[2 + 1 + LABEL_SIZE_MAX + 1 + 1], block[HASH_SIZE];
	size_t label_length = strnlen(label, LABEL_SIZE_MAX);

	info[0] = 0;
	info[1] = length;
	info[2] = label_length;
	memcpy(info + 3, label, label_length);
	info[3 + label_length] = 0;
	info[4 + label_length] = 1; /* the round, RFC 5869 section 2.3 */
	if (!hmac(crypto, secret, HASH_SIZE, (struct slice){info, 5 + label_length}, block))
		return false;
	memcpy(to, block, length);
	return true;
}

int quic_keys_derive(struct quic_crypto *crypto, uint32_t version, struct slice connection_id,
		     bool from_client, struct quic_keys *keys)
{
	const char *label = from_client ? "tls13 client in" : "tls13 server in";
	const struct quic_version *found = version_find(version);
	uint8_t initial[HASH_SIZE], secret[HASH_SIZE];

	if (!found)
		return -ENOTSUP;
	if (!hmac(crypto, found->salt, SALT_SIZE, connection_id, initial) ||
	    !expand_label(crypto, initial, label, secret, HASH_SIZE) ||
	    !expand_label(crypto, secret, found->key_label, keys->key, sizeof(keys->key)) ||
	    !expand_label(crypto, secret, found->iv_label, keys->iv, sizeof(keys->iv)) ||
	    !expand_label(crypto, secret, found->header_label, keys->header, sizeof(keys->header)))
		return -EIO;
	return 0;
}

/*
 * Copy the header without its protection (RFC 9001 section 5.4) to crypto->bytes. Returns the
 * length of the packet number in it, 0 if that failed.
 */
static size_t header_unmask(struct quic_crypto *crypto, const struct quic_keys *keys,
			    const struct quic_packet *packet)
{
	const uint8_t *sample = packet->bytes.bytes + packet->number_at + NUMBER_SIZE_MAX;
	size_t length, i;
	uint8_t mask[2 * SAMPLE_SIZE]; /* as long as libcrypto may want a block cipher's output */
	int written;

	if (!EVP_EncryptInit_ex2(crypto->mask, NULL, keys->header, NULL, NULL) ||
	    !EVP_EncryptUpdate(crypto->mask, mask, &written, sample, SAMPLE_SIZE))
		return 0;
	memcpy(crypto->bytes, packet->bytes.bytes, packet->number_at + NUMBER_SIZE_MAX);
	crypto->bytes[0] ^= mask[0] & 0x0f;
	length = 1 + (crypto->bytes[0] & 0x03);
	for (i = 0; i < length; i++)
		crypto->bytes[packet->number_at + i] ^= mask[1 + i];
	return length;
}

/* RFC 9000 appendix A.3. */
static uint64_t number_decode(const uint8_t *bytes, size_t length, uint64_t expected)
{
	uint64_t window = (uint64_t)1 << 8 * length, truncated = 0, candidate;
	size_t i;

	for (i = 0; i < length; i++)
		truncated = truncated << 8 | bytes[i];
	candidate = (expected & ~(window - 1)) | truncated;
	if (candidate + window / 2 <= expected && candidate < ((uint64_t)1 << 62) - window)
		return candidate + window;
	if (candidate > expected + window / 2 && candidate >= window)
		return candidate - window;
	return candidate;
}

/* Authenticate and decrypt what follows the header, to the place after the copy of the header. */
static bool payload_open(struct quic_crypto *crypto, const struct quic_keys *keys,
			 struct slice sealed, size_t header_length, uint64_t number)
{
	uint8_t nonce[sizeof(keys->iv)], tag[TAG_SIZE];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, sizeof(tag)),
		OSSL_PARAM_construct_end(),
	};
	int written;
	size_t i;

	memcpy(nonce, keys->iv, sizeof(nonce));
	for (i = 0; i < 8; i++)
		nonce[sizeof(nonce) - 1 - i] ^= number >> 8 * i;
	sealed.length -= TAG_SIZE;
	memcpy(tag, sealed.bytes + sealed.length, TAG_SIZE);
	return EVP_DecryptInit_ex2(crypto->packet, NULL, keys->key, nonce, NULL) &&
	       EVP_DecryptUpdate(crypto->packet, NULL, &written, crypto->bytes, header_length) &&
	       EVP_DecryptUpdate(crypto->packet, crypto->bytes + header_length, &written,
				 sealed.bytes, sealed.length) &&
	       EVP_CIPHER_CTX_set_params(crypto->packet, params) &&
	       EVP_DecryptFinal_ex(crypto->packet, crypto->bytes + header_length + sealed.length,
				   &written);
}

bool quic_initial_open(struct quic_crypto *crypto, const struct quic_keys *keys,
		       const struct quic_packet *packet, uint64_t next_number, uint64_t *number,
		       struct slice *payload)
{
	struct slice sealed = packet->bytes, header;
	size_t number_length;

	if (packet->type != QUIC_INITIAL || packet->bytes.length != packet->size ||
	    packet->size > QUIC_PACKET_MAX ||
	    packet->size < packet->number_at + NUMBER_SIZE_MAX + SAMPLE_SIZE)
		return false;
	number_length = header_unmask(crypto, keys, packet);
	if (!number_length || !slice_bytes(&sealed, packet->number_at + number_length, &header))
		return false;
	*number = number_decode(crypto->bytes + packet->number_at, number_length, next_number);
	if (!payload_open(crypto, keys, sealed, header.length, *number))
		return false;
	*payload = (struct slice){crypto->bytes + header.length, sealed.length - TAG_SIZE};
	return true;
}

/* RFC 9000 section 19.3; what it acknowledges is of no interest. */
static bool ack_skip(struct slice *payload, bool has_ecn)
{
	uint64_t value, ranges;

	if (!slice_varint(payload, &value) || !slice_varint(payload, &value) ||
	    !slice_varint(payload, &ranges) || !slice_varint(payload, &value))
		return false;
	while (ranges--)
		if (!slice_varint(payload, &value) || !slice_varint(payload, &value))
			return false;
	return !has_ecn || (slice_varint(payload, &value) && slice_varint(payload, &value) &&
			    slice_varint(payload, &value));
}

static bool data_read(struct slice *payload, struct slice *data)
{
	uint64_t length;

	return slice_varint(payload, &length) && length <= payload->length &&
	       slice_bytes(payload, length, data);
}

bool quic_frame_next(struct slice *payload, struct quic_frame *frame)
{
	uint64_t frame_type;

	memset(frame, 0, sizeof(*frame));
	if (!slice_varint(payload, &frame->type))
		return false;
	switch (frame->type) {
	case QUIC_FRAME_PADDING:
	case QUIC_FRAME_PING:
		return true;
	case QUIC_FRAME_ACK:
	case QUIC_FRAME_ACK_ECN:
		return ack_skip(payload, frame->type == QUIC_FRAME_ACK_ECN);
	case QUIC_FRAME_CRYPTO:
		return slice_varint(payload, &frame->offset) && data_read(payload, &frame->data);
	case QUIC_FRAME_CONNECTION_CLOSE:
		return slice_varint(payload, &frame->error) && slice_varint(payload, &frame_type) &&
		       data_read(payload, &frame->data);
	}
	return false;
}
