// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/apply.h"

#include "handshake/after.h"
#include "handshake/datagrams.h"
#include "handshake/hellos.h"
#include "handshake/outcome.h"
#include "handshake/renegotiation.h"
#include "handshake/tls12.h"
#include "handshake/tls13.h"
#include "tls/hello.h"
#include "tls/plaintext.h"

enum { ALERT_CLOSE_NOTIFY = 0, ALERT_NO_CERTIFICATE = 41, ALERT_USER_CANCELED = 90 };

static void apply_handshake(struct progress *progress, const struct flow_message *from)
{
	struct handshake *handshake = progress->handshake;
	struct message *message = outcome_record_handshake(progress, from, from->type);

	/* Half a message would be read as one that says less: a ServerHello of TLS 1.3 as one
	 * of 1.2. */
	if (from->truncated) {
		handshake->truncated = handshake->cut = true;
		return;
	}
	switch (from->type) {
	case TLS_CLIENT_HELLO:
		/* The client's own were taken out before. */
		handshake->failure.echoed = true;
		outcome_fail(progress, FAILURE_REFUSED, sender_of(from), from->time_ns);
		break;
	case TLS_SERVER_HELLO:
	case TLS_HELLO_RETRY_REQUEST_DRAFT:
	case TLS_HELLO_VERIFY_REQUEST:
		if (!from->from_client)
			hello_server_apply(progress, message, from);
		break;
	default:
		tls12_message(progress, from);
		break;
	}
}

static void apply_alert(struct progress *progress, const struct flow_message *from)
{
	struct handshake *handshake = progress->handshake;
	struct message *message = outcome_record(progress, from);
	enum handshake_end by = sender_of(from);
	uint8_t level = from->body.bytes[0], alert = from->body.bytes[1];

	if (message) {
		message->kind = MESSAGE_ALERT;
		message->alert_level = level;
		message->alert = alert;
	}
	if (handshake->outcome != HANDSHAKE_PENDING)
		return;
	if (alert == ALERT_CLOSE_NOTIFY || alert == ALERT_USER_CANCELED) {
		outcome_fail(progress, FAILURE_CLOSED, by, from->time_ns);
		handshake->failure.alert = alert;
		return;
	}
	/* SSLv3 has no empty Certificate: RFC 6101 section 5.6.6. */
	if (alert == ALERT_NO_CERTIFICATE && from->from_client &&
	    handshake->client_auth == TRI_REQUESTED)
		handshake->client_auth = TRI_DECLINED;
	/* A warning leaves the choice to the other side (unrecognized_name); 1.3 knows none. */
	if (level == ALERT_LEVEL_WARNING && !tls_version_is_13(handshake->version))
		return;
	outcome_fail(progress, FAILURE_ALERT, by, from->time_ns);
	handshake->failure.alert = alert;
}

/* TLS, and DTLS up to 1.2, after the ServerHello. */
static void apply_record(struct progress *progress, const struct flow_message *from)
{
	struct handshake *handshake = progress->handshake;
	bool is_13 = tls_version_is_13(handshake->version);
	bool is_first = !progress->encrypted_kinds[sender_of(from)];
	struct message *message;

	if (handshake->outcome == HANDSHAKE_COMPLETED)
		after_record(progress, from);
	/* After the end only the server's first few records are of interest: session tickets. */
	if (handshake->outcome != HANDSHAKE_PENDING && (from->from_client || !is_13))
		return;
	message = outcome_record_encrypted(progress, from);
	if (!handshake->has_server_random)
		return;
	if (!is_13)
		tls12_encrypted(progress, from, message);
	else if (handshake->outcome == HANDSHAKE_PENDING && from->from_client)
		tls13_client_record(progress, from, message);
	else if (handshake->outcome == HANDSHAKE_PENDING)
		tls13_server_record(progress, from, is_first);
}

static void apply_encrypted(struct progress *progress, const struct flow_message *from)
{
	const struct handshake *handshake = progress->handshake;

	if (handshake->transport == TRANSPORT_QUIC)
		datagram_quic_encrypted(progress, from);
	else if (handshake->transport == TRANSPORT_DTLS && tls_version_is_13(handshake->version))
		datagram_dtls13_encrypted(progress, from);
	else
		apply_record(progress, from);
}

static void apply_change_cipher_spec(struct progress *progress, const struct flow_message *from)
{
	outcome_record_kind(progress, from, MESSAGE_CHANGE_CIPHER_SPEC);
	if (!tls_version_is_13(progress->handshake->version))
		tls12_change_cipher_spec(progress, from);
}

/* SSL 2.0 is named, not followed: whether such a handshake was completed stays open. */
static void apply_server_hello_v2(struct progress *progress, const struct flow_message *from)
{
	struct handshake *handshake = progress->handshake;

	outcome_record_handshake(progress, from, TLS_SERVER_HELLO);
	if (handshake->outcome != HANDSHAKE_PENDING)
		return;
	handshake->version = 0x0002;
	handshake->outcome = HANDSHAKE_INCOMPLETE;
	handshake->end_ns = from->time_ns;
}

static void apply_not_tls(struct progress *progress, const struct flow_message *from)
{
	progress->handshake->failure.protocol = plaintext_recognize(from->body);
	outcome_fail(progress, FAILURE_REFUSED, sender_of(from), from->time_ns);
}

void apply_message(struct progress *progress, const struct flow_message *message)
{
	if (progress->handshake->renegotiation) {
		renegotiation_apply(progress, message);
		return;
	}
	switch (message->kind) {
	case FLOW_HANDSHAKE:
	case FLOW_HELLO_V2:
		apply_handshake(progress, message);
		break;
	case FLOW_SERVER_HELLO_V2:
		apply_server_hello_v2(progress, message);
		break;
	case FLOW_ALERT:
		apply_alert(progress, message);
		break;
	case FLOW_CHANGE_CIPHER_SPEC:
		apply_change_cipher_spec(progress, message);
		break;
	case FLOW_ENCRYPTED:
		apply_encrypted(progress, message);
		break;
	case FLOW_NOT_TLS:
		apply_not_tls(progress, message);
		break;
	case FLOW_QUIC_RETRY:
		outcome_record_kind(progress, message, MESSAGE_QUIC_RETRY);
		break;
	case FLOW_QUIC_VERSION_NEGOTIATION:
		outcome_record_kind(progress, message, MESSAGE_QUIC_VERSION_NEGOTIATION);
		break;
	case FLOW_QUIC_CLOSE:
		datagram_quic_close(progress, message);
		break;
	}
}

/* A record as short as an alert was one if it is the last of its sender. */
static void doubts_settle(struct progress *progress, enum handshake_end by)
{
	uint64_t alert_ns =
		by == END_CLIENT ? progress->doubtful_alert_ns : progress->doubtful_refusal_ns;

	if (!alert_ns || progress->handshake->outcome != HANDSHAKE_PENDING)
		return;
	outcome_encrypted_alert(progress, by, alert_ns);
	handshake_infer(progress->handshake, INFERRED_FAILURE);
}

void apply_end(struct progress *progress, bool from_client, bool reset, uint64_t time_ns)
{
	enum handshake_end by = from_client ? END_CLIENT : END_SERVER;

	if (progress->handshake->outcome == HANDSHAKE_COMPLETED) {
		after_end(progress, by);
		return;
	}
	doubts_settle(progress, by);
	outcome_fail(progress, reset ? FAILURE_RESET : FAILURE_CLOSED, by, time_ns);
}
