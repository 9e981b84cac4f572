// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/tls13.h"

#include "handshake/outcome.h"
#include "tls/hello.h"
#include "tls/names.h"

/*
 * Lengths of encrypted TLS 1.3 records with a 16-byte tag and one byte of inner type, unpadded:
 * Finished is 4 + 32 or 48 bytes (RFC 8446 section 4.4.4), EndOfEarlyData 4, an alert 2, an empty
 * Certificate 8.
 */
enum {
	TAIL_ALERT = 19,
	TAIL_ALERT_PADDED = 35, /* Java pads to 16 */
	TAIL_END_OF_EARLY_DATA = 21,
	TAIL_EMPTY_CERTIFICATE = 25, /* alone, */
	TAIL_DECLINED = 8,  /* or in one record with the Finished: so much more than that */
	TAIL_FINISHED = 21, /* and the hash */
	TAIL_TAG = 16,
};

uint32_t tls13_size(const struct handshake *handshake, const struct flow_message *from)
{
	uint32_t tag = tls_cipher_tag_size(handshake->cipher);

	return from->size > tag ? from->size - tag + TAIL_TAG : 0;
}

bool tls13_is_padded_alert_size(uint32_t size)
{
	return size == TAIL_ALERT_PADDED;
}

bool tls13_is_alert_size(uint32_t size)
{
	return size == TAIL_ALERT || tls13_is_padded_alert_size(size);
}

void tls13_client_record(struct progress *progress, const struct flow_message *from,
			 struct message *message)
{
	struct handshake *handshake = progress->handshake;
	uint32_t size = tls13_size(handshake, from);
	uint32_t finished = TAIL_FINISHED + tls_cipher_hash_size(handshake->cipher);
	bool asked = handshake->psk !=
		     TRI_ACCEPTED; /* else there was no request to answer: RFC 8446 section 4.3.2 */
	int type = -1;

	progress->doubtful_alert_ns = 0;
	if (asked && size == TAIL_DECLINED + finished) {
		handshake->client_auth = TRI_DECLINED;
		handshake_infer(handshake, INFERRED_CLIENT_AUTH);
		size = finished;
	}
	if (size == finished) {
		type = TLS_FINISHED;
		if (handshake->early_data == TRI_OFFERED) {
			handshake->early_data = TRI_REJECTED;
			handshake_infer(handshake, INFERRED_EARLY_DATA);
		}
		if (handshake->client_auth == TRI_UNKNOWN) {
			handshake->client_auth = TRI_NONE;
			handshake_infer(handshake, INFERRED_CLIENT_AUTH);
		}
		handshake_infer(handshake, INFERRED_OUTCOME);
		outcome_complete(progress, from->time_ns);
	} else if (size == TAIL_END_OF_EARLY_DATA) {
		type = TLS_END_OF_EARLY_DATA;
		handshake->early_data = TRI_ACCEPTED;
		progress->client_spoke_on = true;
		handshake_infer(handshake, INFERRED_EARLY_DATA);
	} else if (size == TAIL_EMPTY_CERTIFICATE && asked) {
		type = TLS_CERTIFICATE;
		handshake->client_auth = TRI_DECLINED;
		handshake_infer(handshake, INFERRED_CLIENT_AUTH);
	} else if (tls13_is_alert_size(size) && handshake->early_data == TRI_OFFERED) {
		progress->doubtful_alert_ns = from->time_ns;
	} else if (tls13_is_alert_size(size)) {
		outcome_encrypted_alert(progress, sender_of(from), from->time_ns);
		handshake_infer(handshake, INFERRED_FAILURE);
	} else if (asked && handshake->client_auth == TRI_UNKNOWN &&
		   handshake->early_data != TRI_OFFERED) {
		/* More than Finished: a certificate and its proof. */
		handshake->client_auth = TRI_SENT;
		handshake_infer(handshake, INFERRED_CLIENT_AUTH);
	}
	if (type >= 0)
		outcome_infer_message(progress, message, (uint8_t)type);
}

/*
 * The server speaks after the client's second flight: it must have liked it. Its first record
 * behind the ServerHello is EncryptedExtensions, as short as a padded alert with five letters of
 * ALPN or three groups.
 */
void tls13_server_record(struct progress *progress, const struct flow_message *from, bool is_first)
{
	struct handshake *handshake = progress->handshake;
	uint32_t size = tls13_size(handshake, from);

	if (tls13_is_alert_size(size) && !(is_first && size == TAIL_ALERT_PADDED)) {
		outcome_encrypted_alert(progress, sender_of(from), from->time_ns);
		handshake_infer(handshake, INFERRED_FAILURE);
	} else if (progress->encrypted_kinds[END_CLIENT] && handshake->early_data == TRI_NONE) {
		progress->server_spoke_on = true;
		progress->client_spoke_on =
			true; /* or not: where its Finished ended nobody can tell */
		handshake_infer(handshake, INFERRED_OUTCOME);
		outcome_complete(progress, from->time_ns);
	}
}
