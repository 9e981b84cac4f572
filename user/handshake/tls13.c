// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/tls13.h"

#include "handshake/outcome.h"
#include "tls/hello.h"
#include "tls/names.h"

/*
 * Lengths of encrypted TLS 1.3 records with a 16-byte tag and one byte of inner type, unpadded:
 * Finished is 4 + 32 or 48 bytes (RFC 8446 section 4.4.4), EndOfEarlyData 4, an alert 2, an empty
 * Certificate 8, a CertificateVerify 8 and the signature.
 */
enum {
	SIZE_TAG = 16,
	SIZE_ALERT = 19,
	SIZE_END_OF_EARLY_DATA = 21,
	SIZE_EMPTY_CERTIFICATE = 25,
	SIZE_DECLINED = 8,  /* of an empty Certificate in one record with Finished */
	SIZE_FINISHED = 21, /* and the hash */
	SIZE_PROOF = 25,    /* CertificateVerify, and the signature */
	PADDING_JAVA = 16,  /* the JDK pads each record by so much */
	/* draft-vvv-tls-alps: an EncryptedExtensions message of the client, before its Finished. */
	SIZE_ALPS = 10,
};

uint32_t tls13_size(const struct handshake *handshake, const struct flow_message *from)
{
	uint32_t tag = tls_cipher_tag_size(handshake->cipher);

	return from->size > tag ? from->size - tag + SIZE_TAG : 0;
}

bool tls13_is_padded_alert_size(uint32_t size)
{
	return size == SIZE_ALERT + PADDING_JAVA;
}

bool tls13_is_alert_size(uint32_t size)
{
	return size == SIZE_ALERT || tls13_is_padded_alert_size(size);
}

static bool offers_alps(const struct handshake *handshake)
{
	const struct code_list *extensions = &handshake->offer.extensions;

	for (size_t i = 0; i < extensions->count; i++)
		if (extensions->items[i] == TLS_EXTENSION_ALPS ||
		    extensions->items[i] == TLS_EXTENSION_ALPS_OLD)
			return true;
	return false;
}

/* The Finished alone, as it is, padded by the JDK, or after the extensions of ALPS. */
static bool is_finished(const struct handshake *handshake, uint32_t size)
{
	uint32_t finished = SIZE_FINISHED + tls_cipher_hash_size(handshake->cipher);

	return size == finished || size == finished + PADDING_JAVA ||
	       (size == finished + SIZE_ALPS && offers_alps(handshake));
}

/* An empty Certificate and the Finished in one record. */
static bool is_declined(const struct handshake *handshake, uint32_t size)
{
	return size > SIZE_DECLINED && is_finished(handshake, size - SIZE_DECLINED);
}

static bool is_empty_certificate(uint32_t size)
{
	return size == SIZE_EMPTY_CERTIFICATE || size == SIZE_EMPTY_CERTIFICATE + PADDING_JAVA;
}

/*
 * A CertificateVerify: RSA has signatures of fixed lengths, EdDSA too; those of ECDSA are two
 * numbers, and each may be some bytes shorter.
 */
static bool is_proof(uint32_t size)
{
	static const struct {
		uint32_t least, most;
	} signatures[] = {
		{256, 256}, {384, 384}, {512, 512}, {64, 64},
		{114, 114}, {68, 72},	{98, 104},  {132, 139},
	};

	for (uint32_t padding = 0; padding <= PADDING_JAVA; padding += PADDING_JAVA)
		for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++)
			if (size >= SIZE_PROOF + padding + signatures[i].least &&
			    size <= SIZE_PROOF + padding + signatures[i].most)
				return true;
	return false;
}

static void client_auth_infer(struct handshake *handshake, enum handshake_tri state)
{
	handshake->client_auth = state;
	handshake_infer(handshake, INFERRED_CLIENT_AUTH);
}

static void early_data_infer(struct handshake *handshake, enum handshake_tri state)
{
	handshake->early_data = state;
	handshake_infer(handshake, INFERRED_EARLY_DATA);
}

/* The Finished came in a record of its own: what came before it tells of a certificate. */
static void finished(struct progress *progress, const struct flow_message *from,
		     struct message *message)
{
	struct handshake *handshake = progress->handshake;

	if (handshake->early_data == TRI_OFFERED)
		early_data_infer(handshake, TRI_REJECTED);
	else if (handshake->client_auth == TRI_UNKNOWN && progress->unexplained > 1 &&
		 progress->proof_last)
		client_auth_infer(handshake, TRI_SENT);
	if (handshake->client_auth == TRI_UNKNOWN && !progress->unexplained)
		client_auth_infer(handshake, TRI_NONE);
	handshake_infer(handshake, INFERRED_OUTCOME);
	outcome_infer_message(progress, message, TLS_FINISHED);
	outcome_complete(progress, from->time_ns);
}

/* It may be anything: a certificate, a record with padding, early data. */
static void unexplained(struct progress *progress, uint32_t size)
{
	if (progress->handshake->early_data == TRI_OFFERED)
		return;
	progress->proof_last = is_proof(size);
	progress->unexplained++;
}

void tls13_client_record(struct progress *progress, const struct flow_message *from,
			 struct message *message)
{
	struct handshake *handshake = progress->handshake;
	uint32_t size = tls13_size(handshake, from);
	/* With a PSK there was no request to answer: RFC 8446 section 4.3.2. */
	bool asked = handshake->psk != TRI_ACCEPTED;

	progress->doubtful_alert_ns = 0;
	if (asked && is_declined(handshake, size)) {
		client_auth_infer(handshake, TRI_DECLINED);
		finished(progress, from, message);
	} else if (is_finished(handshake, size)) {
		finished(progress, from, message);
	} else if (size == SIZE_END_OF_EARLY_DATA) {
		early_data_infer(handshake, TRI_ACCEPTED);
		outcome_infer_message(progress, message, TLS_END_OF_EARLY_DATA);
		progress->client_spoke_on = true;
	} else if (is_empty_certificate(size) && asked) {
		client_auth_infer(handshake, TRI_DECLINED);
		outcome_infer_message(progress, message, TLS_CERTIFICATE);
	} else if (tls13_is_alert_size(size) && handshake->early_data == TRI_OFFERED) {
		progress->doubtful_alert_ns = from->time_ns;
	} else if (tls13_is_alert_size(size)) {
		outcome_encrypted_alert(progress, END_CLIENT, from->time_ns);
		handshake_infer(handshake, INFERRED_FAILURE);
	} else {
		unexplained(progress, size);
	}
}

/*
 * The server speaks after the client's second flight: it must have accepted it. Its first record
 * after the ServerHello is EncryptedExtensions, as short as a padded alert if it holds five letters
 * of ALPN or three groups.
 */
void tls13_server_record(struct progress *progress, const struct flow_message *from, bool is_first)
{
	struct handshake *handshake = progress->handshake;
	uint32_t size = tls13_size(handshake, from);
	bool is_padded = tls13_is_padded_alert_size(size);

	progress->doubtful_refusal_ns = is_first && is_padded ? from->time_ns : 0;
	if (tls13_is_alert_size(size) && !(is_first && is_padded)) {
		outcome_encrypted_alert(progress, END_SERVER, from->time_ns);
		handshake_infer(handshake, INFERRED_FAILURE);
	} else if (progress->encrypted_kinds[END_CLIENT] && handshake->early_data == TRI_NONE) {
		progress->server_spoke_on = true;
		/* Or it did not: where its Finished ended is not visible. */
		progress->client_spoke_on = true;
		handshake_infer(handshake, INFERRED_OUTCOME);
		outcome_complete(progress, from->time_ns);
	}
}
