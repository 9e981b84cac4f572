// SPDX-License-Identifier: BSD-2-Clause
/*
 * QUIC Initial packets. The input is a list of packets: how (below), a length of two bytes, bytes.
 * Sealed ones are the frames of an Initial, which the target protects as an end would, so that the
 * fuzzer reaches what comes after the authentication.
 */
#include "rows.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "tls/quic.h"

#define DATAGRAM_MAX 4096
#define NUMBER_SIZE  2
#define TAG_SIZE     16
#define SAMPLE_SIZE  16

enum {
	FROM_CLIENT = 0x01,
	SEALED = 0x02,
	COALESCED = 0x04,
	VERSION_2 = 0x08,
	DRAFT = 0x10,
	ELIDED = 0x20,
	SKIP = 0x40
};

static const uint8_t client_id[8] = {1, 2, 3, 4, 5, 6, 7, 8},
		     server_id[8] = {8, 7, 6, 5, 4, 3, 2, 1};

struct datagram {
	uint8_t bytes[DATAGRAM_MAX];
	size_t length;
};

/* Room is checked by the one caller. */
static void put(struct datagram *datagram, const void *bytes, size_t length)
{
	memcpy(datagram->bytes + datagram->length, bytes, length);
	datagram->length += length;
}

static void put_number(struct datagram *datagram, uint32_t value, size_t width)
{
	while (width--)
		datagram->bytes[datagram->length++] = value >> (8 * width);
}

static uint32_t version_of(uint8_t how)
{
	if (how & VERSION_2)
		return 0x6b3343cf; /* RFC 9369 */
	return how & DRAFT ? 0xff00001d : 1;
}

/* RFC 9000 section 17.2.2; returns the position of the packet number. */
static size_t header_put(struct datagram *datagram, uint8_t how, uint16_t number, size_t payload)
{
	/* In version 2 an Initial has type 1. */
	put_number(datagram, 0xc0 | (how & VERSION_2 ? 0x10 : 0) | (NUMBER_SIZE - 1), 1);
	put_number(datagram, version_of(how), 4);
	put_number(datagram, sizeof(client_id), 1);
	/* The keys come from the id that the client made up for the server. */
	put(datagram, how & FROM_CLIENT ? server_id : client_id, sizeof(client_id));
	put_number(datagram, sizeof(server_id), 1);
	put(datagram, how & FROM_CLIENT ? client_id : server_id, sizeof(server_id));
	put_number(datagram, 0, 1); /* no token */
	put_number(datagram, 0x4000 | (NUMBER_SIZE + payload + TAG_SIZE), 2);
	put_number(datagram, number, NUMBER_SIZE);
	return datagram->length - NUMBER_SIZE;
}

/* AEAD_AES_128_GCM, RFC 9001 section 5.3. */
static void payload_seal(struct datagram *datagram, size_t header_at, const struct quic_keys *keys,
			 uint16_t number, struct slice payload)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t nonce[12], *to = datagram->bytes + datagram->length;
	int length;

	memcpy(nonce, keys->iv, sizeof(nonce));
	nonce[10] ^= number >> 8;
	nonce[11] ^= number & 0xff;
	if (!context ||
	    EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), NULL, keys->key, nonce) != 1 ||
	    EVP_EncryptUpdate(context, NULL, &length, datagram->bytes + header_at,
			      datagram->length - header_at) != 1 ||
	    EVP_EncryptUpdate(context, to, &length, payload.bytes, payload.length) != 1 ||
	    EVP_EncryptFinal_ex(context, to + length, &length) != 1 ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, to + payload.length) != 1)
		abort();
	EVP_CIPHER_CTX_free(context);
	datagram->length += payload.length + TAG_SIZE;
}

/* Header protection, RFC 9001 section 5.4. */
static void header_protect(struct datagram *datagram, size_t header_at, size_t number_at,
			   const struct quic_keys *keys)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t mask[SAMPLE_SIZE];
	int length, i;

	if (!context ||
	    EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, keys->header, NULL) != 1 ||
	    EVP_EncryptUpdate(context, mask, &length, datagram->bytes + number_at + 4,
			      SAMPLE_SIZE) != 1)
		abort();
	EVP_CIPHER_CTX_free(context);
	datagram->bytes[header_at] ^= mask[0] & 0x0f;
	for (i = 0; i < NUMBER_SIZE; i++)
		datagram->bytes[number_at + i] ^= mask[1 + i];
}

static void initial_put(struct datagram *datagram, uint8_t how, uint16_t number,
			struct slice frames)
{
	static struct quic_crypto *crypto;
	size_t header_at = datagram->length, number_at;
	struct quic_keys keys;

	if (!crypto)
		crypto = quic_crypto_new();
	if (!crypto ||
	    quic_keys_derive(crypto, version_of(how), (struct slice){server_id, sizeof(server_id)},
			     how & FROM_CLIENT, &keys))
		abort();
	number_at = header_put(datagram, how, number, frames.length);
	payload_seal(datagram, header_at, &keys, number, frames);
	header_protect(datagram, header_at, number_at, &keys);
}

static void packet_put(struct datagram *datagram, uint8_t how, uint16_t number, struct slice bytes)
{
	/* A sample must follow 4 bytes after the start of the number. */
	if (how & SEALED && bytes.length >= 4 - NUMBER_SIZE)
		initial_put(datagram, how, number, bytes);
	else
		put(datagram, bytes.bytes, bytes.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_flow flow = {.tracker = rows_begin(NULL, NULL), .protocol = 17};
	struct slice input = {data, size};
	struct datagram datagram = {.length = 0};
	uint16_t length, numbers[2] = {0, 0};
	uint8_t how;

	while (slice_u8(&input, &how) && slice_u16(&input, &length)) {
		bool from_client = how & FROM_CLIENT;

		if (how & SKIP)
			numbers[from_client] += 100;
		/* A packet, its header and its tag: the next one no longer fits. */
		if (datagram.length > DATAGRAM_MAX / 2)
			datagram.length = 0;
		packet_put(&datagram, how, numbers[from_client]++,
			   fuzz_take(&input, length % (DATAGRAM_MAX / 2 - 64)));
		if (how & COALESCED)
			continue;
		fuzz_flow_send(&flow, from_client, 0, 0,
			       (struct slice){datagram.bytes, datagram.length},
			       how & ELIDED ? 64 : 0);
		datagram.length = 0;
	}
	rows_end(flow.tracker, ROWS_START_NS + flow.time_ns);
	return 0;
}
