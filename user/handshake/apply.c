// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/apply.h"

#include <string.h>

#include "handshake/cause.h"
#include "handshake/certificates.h"
#include "handshake/datagrams.h"
#include "handshake/hellos.h"
#include "handshake/renegotiation.h"
#include "tls/names.h"

enum {
	ALERT_WARNING = 1,
	ALERT_FATAL = 2,
	ALERT_CLOSE_NOTIFY = 0,
	ALERT_NO_CERTIFICATE = 41,
	ALERT_USER_CANCELED = 90
};

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

uint32_t apply_tail_size(const struct handshake *handshake, const struct flow_message *from)
{
	uint32_t tag = tls_cipher_tag_size(handshake->cipher);

	return from->size > tag ? from->size - tag + TAIL_TAG : 0;
}

/* Of TLS 1.3 an alert, or what is as short as one. */
static bool is_alert_size(uint32_t size)
{
	return size == TAIL_ALERT || size == TAIL_ALERT_PADDED;
}

static bool version_is_13(const struct handshake *handshake)
{
	return tls_version_is_13(handshake->version);
}

static enum handshake_end sender_of(const struct flow_message *from)
{
	return from->from_client ? END_CLIENT : END_SERVER;
}

struct message *apply_record(struct handshake *handshake, const struct flow_message *from)
{
	struct message *message;

	handshake->last_ns = from->time_ns;
	message = handshake_message_add(handshake);
	if (message)
		*message = (struct message){
			.time_ns = from->time_ns,
			.from = sender_of(from),
			.record = from->record_type,
			.size = from->size,
		};
	return message;
}

/* TLS and DTLS number them from 20, ours for QUIC from 0x80. */
static uint32_t kind_bit(uint8_t kind)
{
	return 1U << kind % 32;
}

struct message *apply_encrypted_record(struct handshake *handshake, const struct flow_message *from)
{
	struct message *message = apply_record(handshake, from);

	if (message)
		message->encrypted = !from->in_clear;
	handshake->encrypted_kinds[sender_of(from)] |= kind_bit(from->record_type);
	return message;
}

bool apply_has_encrypted(const struct handshake *handshake, enum handshake_end from, uint8_t kind)
{
	return handshake->encrypted_kinds[from] & kind_bit(kind);
}

/* TLS 1.2 brought them, and DTLS 1.2; DTLS counts down. */
static bool has_signature_scheme(uint16_t version)
{
	return version == 0xfefd || (version >= 0x0303 && version < 0xfe00);
}

/* Key exchanges for which the server sends a key of its own; behind a hint, if the client has a PSK
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

static void apply_server_key_exchange(struct handshake *handshake, struct slice body)
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

static bool server_sent(const struct handshake *handshake, uint8_t type)
{
	size_t i;

	for (i = 0; i < handshake->message_count; i++)
		if (handshake->messages[i].from == END_SERVER &&
		    message_is(&handshake->messages[i], type))
			return true;
	return false;
}

static void apply_handshake(struct handshake *handshake, const struct flow_message *from)
{
	enum handshake_end sender = sender_of(from);
	struct message *message = apply_record(handshake, from);
	struct tls_server_hello hello;

	if (message) {
		message->kind = MESSAGE_HANDSHAKE;
		message->type = from->type;
	}
	/* Half a message would be read as one that says less: a ServerHello of TLS 1.3 as one
	 * of 1.2. */
	if (from->truncated) {
		handshake->truncated = handshake->cut = true;
		return;
	}
	switch (from->type) {
	case TLS_SERVER_HELLO:
		if (!from->from_client)
			apply_server_hello(handshake, message, from->body);
		break;
	case TLS_HELLO_RETRY_REQUEST_DRAFT:
		if (!from->from_client && tls_retry_draft_read(from->body, &hello))
			apply_retry(handshake, message, &hello);
		break;
	case TLS_HELLO_VERIFY_REQUEST:
		if (!from->from_client && handshake->transport == TRANSPORT_DTLS)
			handshake->retry_cookie = true;
		break;
	case TLS_SERVER_KEY_EXCHANGE:
		apply_server_key_exchange(handshake, from->body);
		break;
	case TLS_CERTIFICATE_REQUEST:
		handshake->client_auth = TRI_REQUESTED;
		break;
	case TLS_CERTIFICATE:
		/* An empty list is three bytes of length. */
		if (from->from_client)
			handshake->client_auth = from->body.length > 3 ? TRI_SENT : TRI_DECLINED;
		if (!version_is_13(handshake) && !handshake->no_x509[sender])
			handshake_certificates_keep(handshake, sender, from->body);
		break;
	case TLS_CERTIFICATE_STATUS:
		handshake->ocsp_stapled |= !from->from_client;
		break;
	case TLS_NEW_SESSION_TICKET:
		handshake->ticket_issued |= !from->from_client;
		break;
	}
}

void apply_failure(struct handshake *handshake, enum failure_kind kind, enum handshake_end by,
		   uint64_t time_ns)
{
	if (handshake->outcome != HANDSHAKE_PENDING)
		return;
	handshake->outcome = HANDSHAKE_FAILED;
	handshake->failure.kind = kind;
	handshake->failure.by = by;
	handshake->end_ns = time_ns;
}

static void apply_alert(struct handshake *handshake, const struct flow_message *from)
{
	struct message *message = apply_record(handshake, from);
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
		apply_failure(handshake, FAILURE_CLOSED, by, from->time_ns);
		handshake->failure.alert = alert;
		return;
	}
	/* SSLv3 has no empty Certificate: RFC 6101 section 5.6.6. */
	if (alert == ALERT_NO_CERTIFICATE && from->from_client &&
	    handshake->client_auth == TRI_REQUESTED)
		handshake->client_auth = TRI_DECLINED;
	/* A warning leaves the choice to the other side (unrecognized_name); 1.3 knows none. */
	if (level == ALERT_WARNING && !version_is_13(handshake))
		return;
	apply_failure(handshake, FAILURE_ALERT, by, from->time_ns);
	handshake->failure.alert = alert;
}

void apply_completion(struct handshake *handshake, uint64_t time_ns)
{
	if (handshake->outcome != HANDSHAKE_PENDING)
		return;
	handshake->outcome = HANDSHAKE_COMPLETED;
	handshake->end_ns = time_ns;
}

static void encrypted_alert(struct handshake *handshake, enum handshake_end by, uint64_t time_ns)
{
	if (handshake->outcome != HANDSHAKE_PENDING)
		return;
	apply_failure(handshake, FAILURE_ALERT, by, time_ns);
	handshake->failure.encrypted = true;
}

void apply_encrypted_alert(struct handshake *handshake, const struct flow_message *from)
{
	encrypted_alert(handshake, sender_of(from), from->time_ns);
}

/* RFC 9146 hides what a record is: an end's first behind its ChangeCipherSpec is its Finished. */
static bool is_legacy_finished(const struct handshake *handshake, const struct flow_message *from)
{
	return from->record_type == RECORD_KIND_HANDSHAKE ||
	       (from->record_type == RECORD_KIND_TLS12_CID &&
		!handshake->finished[sender_of(from)]);
}

/* TLS 1.2 and before: both sides' ChangeCipherSpec and the record behind it. */
static void legacy_encrypted(struct handshake *handshake, const struct flow_message *from,
			     struct message *message)
{
	if (from->record_type == RECORD_KIND_ALERT) {
		apply_encrypted_alert(handshake, from);
		return;
	}
	/* False Start (RFC 7918). */
	if (from->record_type == RECORD_KIND_DATA)
		handshake->client_spoke_on |= from->from_client;
	if (!is_legacy_finished(handshake, from))
		return;
	if (message)
		message->kind = MESSAGE_ENCRYPTED_HANDSHAKE;
	handshake->finished[sender_of(from)] = true;
	if (handshake->finished[END_CLIENT] && handshake->finished[END_SERVER])
		apply_completion(handshake, from->time_ns);
}

void apply_inferred(struct handshake *handshake, struct message *message, uint8_t type)
{
	if (!message)
		return;
	message->kind = MESSAGE_HANDSHAKE;
	message->type = type;
	message->inferred = true;
	handshake_infer(handshake, INFERRED_MESSAGES);
}

/* The client's records in TLS 1.3 behind the ServerHello, by their lengths. */
static void client_tail(struct handshake *handshake, const struct flow_message *from,
			struct message *message)
{
	uint32_t size = apply_tail_size(handshake, from);
	uint32_t finished = TAIL_FINISHED + tls_cipher_hash_size(handshake->cipher);
	bool asked = handshake->psk !=
		     TRI_ACCEPTED; /* else there was no request to answer: RFC 8446 section 4.3.2 */
	int type = -1;

	handshake->doubtful_alert_ns = 0;
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
		apply_completion(handshake, from->time_ns);
	} else if (size == TAIL_END_OF_EARLY_DATA) {
		type = TLS_END_OF_EARLY_DATA;
		handshake->early_data = TRI_ACCEPTED;
		handshake->client_spoke_on = true;
		handshake_infer(handshake, INFERRED_EARLY_DATA);
	} else if (size == TAIL_EMPTY_CERTIFICATE && asked) {
		type = TLS_CERTIFICATE;
		handshake->client_auth = TRI_DECLINED;
		handshake_infer(handshake, INFERRED_CLIENT_AUTH);
	} else if (is_alert_size(size) && handshake->early_data == TRI_OFFERED) {
		handshake->doubtful_alert_ns = from->time_ns;
	} else if (is_alert_size(size)) {
		apply_encrypted_alert(handshake, from);
		handshake_infer(handshake, INFERRED_FAILURE);
	} else if (asked && handshake->client_auth == TRI_UNKNOWN &&
		   handshake->early_data != TRI_OFFERED) {
		/* More than Finished: a certificate and its proof. */
		handshake->client_auth = TRI_SENT;
		handshake_infer(handshake, INFERRED_CLIENT_AUTH);
	}
	if (type >= 0)
		apply_inferred(handshake, message, (uint8_t)type);
}

/*
 * The server speaks after the client's second flight: it must have liked it. Its first record
 * behind the ServerHello is EncryptedExtensions, as short as a padded alert with five letters of
 * ALPN or three groups.
 */
static void server_tail(struct handshake *handshake, const struct flow_message *from, bool is_first)
{
	uint32_t size = apply_tail_size(handshake, from);

	if (is_alert_size(size) && !(is_first && size == TAIL_ALERT_PADDED)) {
		apply_encrypted_alert(handshake, from);
		handshake_infer(handshake, INFERRED_FAILURE);
	} else if (handshake->encrypted_kinds[END_CLIENT] && handshake->early_data == TRI_NONE) {
		handshake->server_spoke_on = true;
		handshake->client_spoke_on =
			true; /* or not: where its Finished ended nobody can tell */
		handshake_infer(handshake, INFERRED_OUTCOME);
		apply_completion(handshake, from->time_ns);
	}
}

/* An end leaves a completed handshake's connection. */
static void apply_leave(struct handshake *handshake, enum handshake_end by)
{
	if (!handshake->left_at_once && !handshake->client_spoke_on) {
		handshake->left_at_once = true;
		handshake->left_by = by;
	}
	/* What answers an alert is no reason for it. */
	if (by == END_CLIENT && !handshake->late_alert_ns)
		handshake->client_closing = true;
}

/* A goodbye that something follows was none: GET / HTTP/1.0 is as long as a padded one. */
static void client_behind(struct handshake *handshake, bool goodbye, bool is_padded)
{
	handshake->client_spoke_on |= handshake->client_may_close;
	handshake->client_may_close = is_padded;
	if (goodbye && !is_padded)
		apply_leave(handshake, END_CLIENT);
	else if (!is_padded)
		handshake->client_spoke_on = true;
}

/* An alert that something follows was no refusal. */
static void server_behind(struct handshake *handshake, bool goodbye, uint64_t time_ns)
{
	handshake->client_spoke_on |= handshake->client_may_close && !goodbye;
	handshake->client_may_close = false;
	if (goodbye && !handshake->late_alert_ns && apply_awaits_judgement(handshake)) {
		handshake->late_alert_ns = time_ns;
		return;
	}
	handshake->server_spoke_on = true;
	handshake->late_alert_ns = 0;
}

/*
 * Behind completion. The client's Finished ends the handshake for the client; a server that asked
 * for a certificate judges it only then (RFC 8446 section 4.4.2.4), and its first record says what
 * it thinks: a ticket or data that it goes on, an alert with nothing behind it that it refused. If
 * the client has said goodbye before, the alert is the server's goodbye.
 */
static void apply_behind(struct handshake *handshake, const struct flow_message *from)
{
	uint32_t size = version_is_13(handshake) ? apply_tail_size(handshake, from) : 0;
	bool goodbye = version_is_13(handshake) ? is_alert_size(size)
						: from->record_type == RECORD_KIND_ALERT;

	if (from->from_client)
		client_behind(handshake, goodbye, size == TAIL_ALERT_PADDED);
	else
		server_behind(handshake, goodbye, from->time_ns);
}

bool apply_awaits_judgement(const struct handshake *handshake)
{
	return handshake->outcome == HANDSHAKE_COMPLETED && version_is_13(handshake) &&
	       handshake->transport == TRANSPORT_TCP && !handshake->server_spoke_on &&
	       !handshake->client_closing &&
	       (handshake->client_auth == TRI_DECLINED || handshake->client_auth == TRI_SENT);
}

/* The connection ends behind completion: was that a refusal? */
static void apply_end_behind(struct handshake *handshake, enum handshake_end by)
{
	if (handshake->late_alert_ns && apply_awaits_judgement(handshake)) {
		handshake->outcome = HANDSHAKE_PENDING;
		encrypted_alert(handshake, END_SERVER, handshake->late_alert_ns);
		handshake_infer(handshake, INFERRED_FAILURE);
		return;
	}
	apply_leave(handshake, by);
}

static void apply_encrypted(struct handshake *handshake, const struct flow_message *from)
{
	bool answered = handshake->has_server_random,
	     is_first = !handshake->encrypted_kinds[sender_of(from)];
	struct message *message;

	if (handshake->transport == TRANSPORT_QUIC) {
		apply_quic_encrypted(handshake, from);
		return;
	}
	if (handshake->transport == TRANSPORT_DTLS && version_is_13(handshake)) {
		apply_dtls13_encrypted(handshake, from);
		return;
	}
	if (handshake->outcome == HANDSHAKE_COMPLETED)
		apply_behind(handshake, from);
	/* Behind the end only the first few records are of interest (session tickets). */
	if (handshake->outcome != HANDSHAKE_PENDING &&
	    (from->from_client || !version_is_13(handshake)))
		return;
	message = apply_encrypted_record(handshake, from);
	if (!version_is_13(handshake) && answered)
		legacy_encrypted(handshake, from, message);
	else if (answered && handshake->outcome == HANDSHAKE_PENDING && from->from_client)
		client_tail(handshake, from, message);
	else if (answered && handshake->outcome == HANDSHAKE_PENDING)
		server_tail(handshake, from, is_first);
}

/*
 * RFC 5246 section 7.3: a server that has sent no certificate yet takes up an old session, which
 * the client named by its id or, RFC 5077 section 3.4, sent along as a ticket, with an id or
 * without one.
 */
static bool takes_up_session(const struct handshake *handshake)
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
	if (!handshake->offer.whole) /* a ticket may have been in the rest */
		return RESUMPTION_UNKNOWN;
	return handshake->session_id_echoed ? RESUMPTION_SESSION_ID : RESUMPTION_UNKNOWN;
}

static void apply_change_cipher_spec(struct handshake *handshake, const struct flow_message *from)
{
	struct message *message = apply_record(handshake, from);

	if (message)
		message->kind = MESSAGE_CHANGE_CIPHER_SPEC;
	if (!from->from_client && !version_is_13(handshake) && takes_up_session(handshake)) {
		handshake->resumed = true;
		handshake->resumption = resumption_of(handshake);
	}
}

/* Who spoke last waits for the other. */
void apply_timeout(struct handshake *handshake, uint64_t now_ns)
{
	const struct message *last = handshake_last_message(handshake);
	enum handshake_end by = handshake_awaited(handshake);

	/* Either may have said why in an encrypted packet, and the other then says nothing. */
	if (last && last->encrypted && handshake->transport == TRANSPORT_QUIC &&
	    last->record != RECORD_KIND_QUIC_0RTT)
		by = END_UNKNOWN;
	apply_failure(handshake, FAILURE_TIMEOUT, by, now_ns);
}

void apply_kind(struct handshake *handshake, const struct flow_message *from,
		enum message_kind kind)
{
	struct message *message = apply_record(handshake, from);

	if (message)
		message->kind = kind;
}

/* SSL 2.0 is named, not followed: whether such a handshake was completed stays open. */
static void apply_server_hello_v2(struct handshake *handshake, const struct flow_message *from)
{
	struct message *message = apply_record(handshake, from);

	if (message) {
		message->kind = MESSAGE_HANDSHAKE;
		message->type = TLS_SERVER_HELLO;
	}
	if (handshake->outcome != HANDSHAKE_PENDING)
		return;
	handshake->version = 0x0002;
	handshake->outcome = HANDSHAKE_INCOMPLETE;
	handshake->end_ns = from->time_ns;
}

/* What the first bytes of an answer that is not TLS look like. */
static const char *plaintext_name(struct slice body)
{
	static const struct {
		const char *start, *name;
	} protocols[] = {
		{"HTTP/", "HTTP"},	   {"<html", "HTML"},	    {"<HTML", "HTML"},
		{"<!DOC", "HTML"},	   {"SSH-", "SSH"},	    {"220 ", "SMTP or FTP"},
		{"220-", "SMTP or FTP"},   {"500 ", "SMTP or FTP"}, {"502 ", "SMTP or FTP"},
		{"+OK", "POP3"},	   {"* OK", "IMAP"},	    {"* BAD", "IMAP"},
		{"-ERR", "Redis or POP3"},
	};

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		size_t length = strlen(protocols[i].start);

		if (body.length >= length && memcmp(body.bytes, protocols[i].start, length) == 0)
			return protocols[i].name;
	}
	return NULL;
}

void apply_message(struct handshake *handshake, const struct flow_message *message)
{
	if (handshake->renegotiation) {
		renegotiation_apply(handshake, message);
		return;
	}
	switch (message->kind) {
	case FLOW_HANDSHAKE:
	case FLOW_HELLO_V2:
		apply_handshake(handshake, message);
		break;
	case FLOW_SERVER_HELLO_V2:
		apply_server_hello_v2(handshake, message);
		break;
	case FLOW_ALERT:
		apply_alert(handshake, message);
		break;
	case FLOW_CHANGE_CIPHER_SPEC:
		apply_change_cipher_spec(handshake, message);
		break;
	case FLOW_ENCRYPTED:
		apply_encrypted(handshake, message);
		break;
	case FLOW_NOT_TLS:
		handshake->failure.protocol = plaintext_name(message->body);
		apply_failure(handshake, FAILURE_REFUSED,
			      message->from_client ? END_CLIENT : END_SERVER, message->time_ns);
		break;
	case FLOW_QUIC_RETRY:
		apply_kind(handshake, message, MESSAGE_QUIC_RETRY);
		break;
	case FLOW_QUIC_VERSION_NEGOTIATION:
		apply_kind(handshake, message, MESSAGE_QUIC_VERSION_NEGOTIATION);
		break;
	case FLOW_QUIC_CLOSE:
		apply_quic_close(handshake, message);
		break;
	}
}

void apply_end(struct handshake *handshake, bool from_client, bool reset, uint64_t time_ns)
{
	if (handshake->outcome == HANDSHAKE_COMPLETED) {
		apply_end_behind(handshake, from_client ? END_CLIENT : END_SERVER);
		return;
	}
	/* What is as short as an alert may be early data, unless it was the client's last word. */
	if (handshake->doubtful_alert_ns && from_client &&
	    handshake->outcome == HANDSHAKE_PENDING) {
		encrypted_alert(handshake, END_CLIENT, handshake->doubtful_alert_ns);
		handshake_infer(handshake, INFERRED_FAILURE);
	}
	apply_failure(handshake, reset ? FAILURE_RESET : FAILURE_CLOSED,
		      from_client ? END_CLIENT : END_SERVER, time_ns);
}
