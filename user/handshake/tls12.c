// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/tls12.h"

#include "handshake/certificates.h"
#include "handshake/outcome.h"
#include "tls/hello.h"

/* TLS 1.2 introduced them, and DTLS 1.2, whose version numbers count down. */
static bool has_signature_scheme(uint16_t version)
{
	return version == 0xfefd || (version >= 0x0303 && version < 0xfe00);
}

/* Key exchanges for which the server sends a key of its own. With a PSK a hint precedes it
 * (RFC 4279). */
static const struct ephemeral {
	bool sends_key, is_ecdhe, has_hint;
} ephemerals[TLS_KEY_EXCHANGES] = {
	[TLS_KEY_EXCHANGE_ECDHE] = {true, true, false},
	[TLS_KEY_EXCHANGE_DHE] = {true, false, false},
	[TLS_KEY_EXCHANGE_ECDH_ANON] = {true, true, false},
	[TLS_KEY_EXCHANGE_DH_ANON] = {true, false, false},
	[TLS_KEY_EXCHANGE_ECDHE_PSK] = {true, true, true},
	[TLS_KEY_EXCHANGE_DHE_PSK] = {true, false, true},
};

static void server_key_exchange(struct handshake *handshake, struct slice body)
{
	const struct ephemeral *kind = &ephemerals[handshake->key_exchange];
	struct slice hint;

	if (!kind->sends_key)
		return;
	if ((kind->has_hint && !slice_vector16(&body, &hint)) ||
	    !tls_server_key_exchange_read(body, kind->is_ecdhe,
					  has_signature_scheme(handshake->version),
					  &handshake->group, &handshake->signature))
		handshake->truncated = true;
}

static void certificate(struct progress *progress, const struct flow_message *from)
{
	struct handshake *handshake = progress->handshake;
	enum handshake_end sender = sender_of(from);

	/* An empty list is three bytes of length. */
	if (from->from_client)
		handshake->client_auth = from->body.length > 3 ? TRI_SENT : TRI_DECLINED;
	/* TLS 1.3 encrypts it, in another form: one in the clear is nobody's. */
	if (!tls_version_is_13(handshake->version) && !progress->no_x509[sender])
		handshake_certificates_keep(handshake, sender, from->body);
}

void tls12_message(struct progress *progress, const struct flow_message *from)
{
	struct handshake *handshake = progress->handshake;

	switch (from->type) {
	case TLS_SERVER_KEY_EXCHANGE:
		server_key_exchange(handshake, from->body);
		break;
	case TLS_CERTIFICATE_REQUEST:
		handshake->client_auth = TRI_REQUESTED;
		break;
	case TLS_CERTIFICATE:
		certificate(progress, from);
		break;
	case TLS_CERTIFICATE_STATUS:
		handshake->ocsp_stapled |= !from->from_client;
		break;
	case TLS_NEW_SESSION_TICKET:
		handshake->ticket_issued |= !from->from_client;
		break;
	}
}

static bool server_sent(const struct handshake *handshake, uint8_t type)
{
	size_t i;

	for (i = 0; i < handshake->message_count; i++)
		if (handshake->messages[i].from == END_SERVER &&
		    message_is(&handshake->messages[i], type))
			return true;
	return false;
}

/*
 * RFC 5246 section 7.3: a server that sends ChangeCipherSpec before any certificate resumes a
 * session. The client named it by its id or, RFC 5077 section 3.4, sent it as a ticket, with or
 * without an id.
 */
static bool resumes_session(const struct handshake *handshake)
{
	return (handshake->session_id_length || handshake->offer.ticket) &&
	       !server_sent(handshake, TLS_CERTIFICATE) &&
	       !server_sent(handshake, TLS_SERVER_KEY_EXCHANGE) &&
	       !server_sent(handshake, TLS_SERVER_HELLO_DONE);
}

static enum resumption resumption_of(const struct handshake *handshake)
{
	if (handshake->offer.ticket)
		return RESUMPTION_TICKET;
	if (!handshake->offer.whole) /* the part that is missing may hold a ticket */
		return RESUMPTION_UNKNOWN;
	return handshake->session_id_echoed ? RESUMPTION_SESSION_ID : RESUMPTION_UNKNOWN;
}

void tls12_change_cipher_spec(struct progress *progress, const struct flow_message *from)
{
	struct handshake *handshake = progress->handshake;

	if (from->from_client || !resumes_session(handshake))
		return;
	handshake->resumed = true;
	handshake->resumption = resumption_of(handshake);
}

/* RFC 9146 hides a record's type: the first one after ChangeCipherSpec is Finished. */
static bool is_finished(const struct progress *progress, const struct flow_message *from)
{
	return from->record_type == RECORD_KIND_HANDSHAKE ||
	       (from->record_type == RECORD_KIND_TLS12_CID && !progress->finished[sender_of(from)]);
}

void tls12_encrypted(struct progress *progress, const struct flow_message *from,
		     struct message *message)
{
	if (from->record_type == RECORD_KIND_ALERT) {
		outcome_encrypted_alert(progress, sender_of(from), from->time_ns);
		return;
	}
	/* False Start (RFC 7918). */
	if (from->record_type == RECORD_KIND_DATA)
		progress->client_spoke_on |= from->from_client;
	if (!is_finished(progress, from))
		return;
	if (message)
		message->kind = MESSAGE_ENCRYPTED_HANDSHAKE;
	progress->finished[sender_of(from)] = true;
	if (progress->finished[END_CLIENT] && progress->finished[END_SERVER])
		outcome_complete(progress, from->time_ns);
}
