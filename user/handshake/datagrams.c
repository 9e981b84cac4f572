// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/datagrams.h"

#include <stdlib.h>
#include <string.h>

#include "handshake/outcome.h"
#include "handshake/tls13.h"
#include "tls/hello.h"
#include "tls/names.h"

/*
 * Lengths of DTLS 1.3 ciphertext with a 16-byte tag and one byte of inner type, unpadded: the
 * handshake header is 12 bytes (RFC 9147 section 5.2), Finished 32 or 48 (RFC 8446 section 4.4.4),
 * an empty Certificate 4.
 */
enum {
	DTLS_ALERT = 19,
	DTLS_EMPTY_CERTIFICATE = 33,
	DTLS_FINISHED = 29, /* and the hash */
};

/*
 * RFC 9147 section 6.1: 2 is the handshake's epoch, from 3 on it is application data, alerts and
 * ACKs.
 */
enum { EPOCH_HANDSHAKE = 2, EPOCH_APPLICATION = 3 };

/*
 * After the end only the first few packets of the server are of interest, as with TLS 1.3 over
 * TCP.
 */
static struct message *encrypted_record(struct progress *progress, const struct flow_message *from)
{
	struct handshake *handshake = progress->handshake;

	if (handshake->outcome != HANDSHAKE_PENDING && from->from_client)
		return NULL;
	return outcome_record_encrypted(progress, from);
}

/*
 * Whether the server took early data is encrypted, but it cannot have without the PSK (RFC 8446
 * section 4.2.10).
 */
static void early_data_settle(struct handshake *handshake)
{
	if (handshake->early_data == TRI_OFFERED)
		handshake->early_data = handshake->psk == TRI_ACCEPTED ? TRI_UNKNOWN : TRI_REJECTED;
}

/*
 * The client has 1-RTT keys to write with once it has verified the server's Finished and sent its
 * own: for it the handshake is complete then (RFC 9001 sections 4.1.1 and 5.7). The server may send
 * 1-RTT packets before it has heard the client's Finished, so they say nothing.
 */
void datagram_quic_encrypted(struct progress *progress, const struct flow_message *from)
{
	struct handshake *handshake = progress->handshake;

	encrypted_record(progress, from);
	if (handshake->outcome != HANDSHAKE_PENDING || !from->from_client ||
	    from->record_type != RECORD_KIND_QUIC_1RTT)
		return;
	/* An answer that was not seen cannot vouch that this is QUIC at all. */
	if (!handshake->has_server_random &&
	    !outcome_has_encrypted(progress, END_SERVER, RECORD_KIND_QUIC_HANDSHAKE))
		return;
	early_data_settle(handshake);
	outcome_complete(progress, from->time_ns);
}

/* RFC 9001 section 4.8: an alert is the error code 0x0100 + alert. */
void datagram_quic_close(struct progress *progress, const struct flow_message *from)
{
	struct handshake *handshake = progress->handshake;
	enum handshake_end by = sender_of(from);

	outcome_record_kind(progress, from, MESSAGE_QUIC_CLOSE);
	if (handshake->outcome != HANDSHAKE_PENDING)
		return;
	handshake->failure.error = from->error;
	handshake->failure.has_error = true;
	if (from->body.length)
		handshake->failure.reason = malloc(from->body.length);
	if (handshake->failure.reason) {
		memcpy(handshake->failure.reason, from->body.bytes, from->body.length);
		handshake->failure.reason_length = from->body.length;
	}
	if (from->error >> 8 != 1) {
		outcome_fail(progress, FAILURE_CLOSED, by, from->time_ns);
		return;
	}
	outcome_fail(progress, FAILURE_ALERT, by, from->time_ns);
	handshake->failure.alert = from->error & 0xff;
}

/* The client's records of the handshake epoch, by their lengths. */
static void client_record(struct progress *progress, const struct flow_message *from,
			  struct message *message)
{
	struct handshake *handshake = progress->handshake;
	uint32_t size = tls13_size(handshake, from);

	if (size == DTLS_FINISHED + tls_cipher_hash_size(handshake->cipher)) {
		outcome_infer_message(progress, message, TLS_FINISHED);
		handshake_infer(handshake, INFERRED_OUTCOME);
		early_data_settle(handshake);
		outcome_complete(progress, from->time_ns);
	} else if (size == DTLS_EMPTY_CERTIFICATE) {
		outcome_infer_message(progress, message, TLS_CERTIFICATE);
		handshake->client_auth = TRI_DECLINED;
		handshake_infer(handshake, INFERRED_CLIENT_AUTH);
	} else if (size == DTLS_ALERT) {
		outcome_encrypted_alert(progress, sender_of(from), from->time_ns);
		handshake_infer(handshake, INFERRED_FAILURE);
	}
}

/*
 * The client changes to the application epoch after its Finished: that is proof. Its record of the
 * length of a Finished is a good guess, and so is the server's first record of that epoch after
 * the client's flight, an ACK (RFC 9147 section 7.1), unless it may be data that the server sends
 * early.
 */
void datagram_dtls13_encrypted(struct progress *progress, const struct flow_message *from)
{
	struct handshake *handshake = progress->handshake;
	bool client_spoke = outcome_has_encrypted(progress, END_CLIENT, RECORD_KIND_DATA);
	struct message *message = encrypted_record(progress, from);
	bool is_application = from->epoch >= EPOCH_APPLICATION;

	if (handshake->outcome != HANDSHAKE_PENDING || !handshake->has_server_random)
		return;
	if (from->from_client && is_application) {
		early_data_settle(handshake);
		outcome_complete(progress, from->time_ns);
	} else if (from->from_client && from->epoch == EPOCH_HANDSHAKE) {
		client_record(progress, from, message);
	} else if (tls13_size(handshake, from) == DTLS_ALERT) {
		outcome_encrypted_alert(progress, sender_of(from), from->time_ns);
		handshake_infer(handshake, INFERRED_FAILURE);
	} else if (is_application && client_spoke) {
		handshake_infer(handshake, INFERRED_OUTCOME);
		early_data_settle(handshake);
		outcome_complete(progress, from->time_ns);
	}
}
