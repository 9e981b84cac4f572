/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/verdict.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "handshake/cause.h"
#include "sink/facts.h"
#include "sink/sink.h"
#include "sink/text.h"
#include "tls/hello.h"
#include "tls/names.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

const char *const verdict_forms[VERDICT_FORMS] = {
	[VERDICT_OK] = "ok",
	[VERDICT_LEFT] = "client left: CAUSE",
	[VERDICT_REFUSED_FOR] = "WHO refused the handshake: REASON (ALERT)",
	[VERDICT_REFUSED] = "WHO refused the handshake: ALERT",
	[VERDICT_REJECTED_CERTIFICATE] = "WHO rejected the SIDE's certificate: ALERT",
	[VERDICT_WANTS_CERTIFICATE] = "WHO wants a certificate and got none: ALERT",
	[VERDICT_ENCRYPTED_EARLY] =
		"WHO refused the handshake before its certificate: encrypted alert",
	[VERDICT_ENCRYPTED_NO_CERTIFICATE] =
		"WHO refused the handshake after the client sent no certificate: encrypted alert",
	[VERDICT_ENCRYPTED_CERTIFICATE] =
		"WHO refused the handshake after the client's certificate: encrypted alert",
	[VERDICT_ENCRYPTED_FLIGHT] = ("WHO refused the server's encrypted messages, such as its "
				      "certificate: encrypted alert"),
	[VERDICT_ENCRYPTED] = "WHO sent an encrypted alert",
	[VERDICT_GOODBYE] = "WHO gave up the handshake TIME after LAST: ALERT",
	[VERDICT_CLOSED] = "WHO closed the connection TIME after LAST, without an alert",
	[VERDICT_CLOSED_WAITING] = "WHO closed the connection after waiting TIME for PEER",
	[VERDICT_CLOSED_QUIC] =
		"WHO closed the connection before the handshake was complete: ERROR",
	[VERDICT_CLOSED_BEFORE] = "WHO closed the connection before the ClientHello came",
	[VERDICT_KILLED] = "WHO was killed by SIGNAL TIME after LAST",
	[VERDICT_RESET] = "WHO reset the connection TIME after LAST",
	[VERDICT_RESET_WAITING] = "WHO reset the connection after waiting TIME for PEER",
	[VERDICT_RESET_BETWEEN] =
		"a middlebox, such as a firewall, reset the connection TIME after LAST",
	[VERDICT_SILENT] = "WHO did not answer within TIME",
	[VERDICT_SILENT_AFTER_READING] = "WHO has read LAST and did not answer within TIME",
	[VERDICT_SILENT_UNREAD] = "WHO did not read LAST within TIME",
	[VERDICT_SILENT_UNSENT] = "WHO's answer to LAST never left this host (TIME)",
	[VERDICT_SILENT_HELLO] = "WHO sent nothing more within TIME",
	[VERDICT_SILENT_QUIC] = "neither end sent more of the encrypted handshake within TIME",
	[VERDICT_QUIC_VERSION] =
		"WHO offered other versions of QUIC, and the client accepted none within TIME",
	[VERDICT_DID_NOT_WAIT] =
		"WHO closed the connection TIME after LAST, without waiting for an answer",
	[VERDICT_NOT_DELIVERED] = "LAST was not delivered: PEER did not acknowledge it within TIME",
	[VERDICT_OTHER_PROTOCOL] = "WHO answered in PROTOCOL, not in TLS",
	[VERDICT_GREETED] = "WHO speaks PROTOCOL, not TLS: it greeted before the ClientHello",
	[VERDICT_SPOKE_FIRST] = "WHO spoke before the ClientHello, in something that is not TLS",
	[VERDICT_ECHO] = "WHO answered with the client's own ClientHello",
	[VERDICT_NOT_TLS] = "WHO answered with something that is not TLS",
	[VERDICT_TRACE_ENDED] = "incomplete: the trace ended TIME after LAST, waiting for PEER",
	[VERDICT_EVENTS_LOST] = "incomplete: events were lost",
	[VERDICT_SSL2] = "incomplete: SSL 2.0 is not followed after its hellos",
};

/* What sending an alert means (RFC 8446, 6.2); without an entry it refuses the handshake. */
static const enum verdict_form alert_forms[256] = {
	[0] = VERDICT_GOODBYE,		      /* close_notify */
	[42] = VERDICT_REJECTED_CERTIFICATE,  /* bad_certificate */
	[43] = VERDICT_REJECTED_CERTIFICATE,  /* unsupported_certificate */
	[44] = VERDICT_REJECTED_CERTIFICATE,  /* certificate_revoked */
	[45] = VERDICT_REJECTED_CERTIFICATE,  /* certificate_expired */
	[46] = VERDICT_REJECTED_CERTIFICATE,  /* certificate_unknown */
	[48] = VERDICT_REJECTED_CERTIFICATE,  /* unknown_ca */
	[90] = VERDICT_GOODBYE,		      /* user_canceled */
	[113] = VERDICT_REJECTED_CERTIFICATE, /* bad_certificate_status_response */
	[116] = VERDICT_WANTS_CERTIFICATE,    /* certificate_required */
};

static bool has_sent(const struct handshake *handshake, enum handshake_end from, uint8_t type)
{
	for (size_t i = 0; i < handshake->message_count; i++)
		if (handshake->messages[i].from == from &&
		    message_is(&handshake->messages[i], type))
			return true;
	return false;
}

static bool has_encrypted(const struct handshake *handshake, enum handshake_end from)
{
	for (size_t i = 0; i < handshake->message_count; i++)
		if (handshake->messages[i].from == from && handshake->messages[i].encrypted)
			return true;
	return false;
}

/* Of TLS 1.3, where only who sent it and what came before is known. */
static enum verdict_form encrypted_form(const struct handshake *handshake)
{
	enum handshake_end by = handshake->failure.by;

	if (!tls_version_is_13(handshake->version) || by == END_UNKNOWN)
		return VERDICT_ENCRYPTED;
	if (handshake->failure.facts >> FACT_BEFORE_CERTIFICATE & 1)
		return VERDICT_ENCRYPTED_EARLY;
	if (handshake->failure.cause == FACT_NO_CERTIFICATE)
		return VERDICT_ENCRYPTED_NO_CERTIFICATE;
	if (by == END_SERVER && handshake->client_auth == TRI_SENT &&
	    has_sent(handshake, END_CLIENT, TLS_FINISHED))
		return VERDICT_ENCRYPTED_CERTIFICATE;
	/* After a resumption there is no certificate in it. */
	if (by == END_CLIENT && !handshake->resumed && has_encrypted(handshake, END_SERVER))
		return VERDICT_ENCRYPTED_FLIGHT;
	return VERDICT_ENCRYPTED;
}

static enum verdict_form alert_form(const struct handshake *handshake)
{
	int alert = handshake->failure.alert;
	enum verdict_form form;

	if (alert < 0 || alert > UINT8_MAX)
		return encrypted_form(handshake);
	if (handshake->failure.cause == FACT_NO_CERTIFICATE)
		return VERDICT_WANTS_CERTIFICATE;
	form = alert_forms[alert];
	if (form != VERDICT_OK)
		return form;
	return facts_has_reason(handshake) ? VERDICT_REFUSED_FOR : VERDICT_REFUSED;
}

/* Who ends a connection within a millisecond did not wait for anybody. */
#define WAIT_LEAST_NS 1000000

/* The time since the last message. Other signs of life may be a socket's. */
static uint64_t silence_ns(const struct handshake *handshake)
{
	const struct message *last = handshake_last_message(handshake);
	uint64_t from_ns = last ? last->time_ns : handshake->time_ns;

	return handshake->end_ns > from_ns ? handshake->end_ns - from_ns : 0;
}

static bool has_waited(const struct handshake *handshake)
{
	return handshake->failure.cause == FACT_NO_ANSWER && silence_ns(handshake) >= WAIT_LEAST_NS;
}

static enum verdict_form closed_form(const struct handshake *handshake)
{
	if (handshake->failure.has_error)
		return VERDICT_CLOSED_QUIC;
	if (handshake->failure.alert >= 0)
		return VERDICT_GOODBYE;
	if (handshake->failure.cause == FACT_CLOSED_BEFORE)
		return VERDICT_CLOSED_BEFORE;
	if (handshake->failure.cause == FACT_KILLED)
		return VERDICT_KILLED;
	return has_waited(handshake) ? VERDICT_CLOSED_WAITING : VERDICT_CLOSED;
}

static enum verdict_form reset_form(const struct handshake *handshake)
{
	if (handshake->failure.cause == FACT_BETWEEN)
		return VERDICT_RESET_BETWEEN;
	if (handshake->failure.cause == FACT_KILLED)
		return VERDICT_KILLED;
	return has_waited(handshake) ? VERDICT_RESET_WAITING : VERDICT_RESET;
}

static enum verdict_form timeout_form(const struct handshake *handshake)
{
	enum handshake_end by = handshake->failure.by;

	if (by == END_UNKNOWN)
		return VERDICT_SILENT_QUIC;
	if (handshake->failure.cause == FACT_VERSION)
		return VERDICT_QUIC_VERSION;
	if (handshake->offer.partial || handshake_is_mid_flight(handshake))
		return VERDICT_SILENT_HELLO;
	if (handshake->failure.cause == FACT_NOT_READ)
		return VERDICT_SILENT_UNREAD;
	if (handshake->failure.cause == FACT_NOT_SENT)
		return VERDICT_SILENT_UNSENT;
	if (handshake->transport != TRANSPORT_TCP && by == END_SERVER)
		return VERDICT_SILENT;
	return handshake->ends[by].socket_id ? VERDICT_SILENT_AFTER_READING : VERDICT_SILENT;
}

static enum verdict_form refused_form(const struct handshake *handshake)
{
	if (handshake->failure.cause == FACT_ECHO)
		return VERDICT_ECHO;
	return handshake->failure.protocol ? VERDICT_OTHER_PROTOCOL : VERDICT_NOT_TLS;
}

static enum verdict_form incomplete_form(const struct handshake *handshake)
{
	static const enum verdict_form forms[] = {
		[INCOMPLETE_TRACE_ENDED] = VERDICT_TRACE_ENDED,
		[INCOMPLETE_EVENTS_LOST] = VERDICT_EVENTS_LOST,
		[INCOMPLETE_SSL2] = VERDICT_SSL2,
	};

	return forms[handshake_incomplete_reason(handshake)];
}

enum verdict_form verdict_form(const struct handshake *handshake)
{
	static enum verdict_form (*const kinds[])(const struct handshake *) = {
		[FAILURE_NONE] = incomplete_form, [FAILURE_ALERT] = alert_form,
		[FAILURE_RESET] = reset_form,	  [FAILURE_CLOSED] = closed_form,
		[FAILURE_TIMEOUT] = timeout_form, [FAILURE_REFUSED] = refused_form,
	};

	if (handshake->outcome == HANDSHAKE_COMPLETED)
		return handshake->rejected_after ? VERDICT_LEFT : VERDICT_OK;
	if (handshake->outcome != HANDSHAKE_FAILED)
		return incomplete_form(handshake);
	if (handshake->failure.cause == FACT_DID_NOT_WAIT)
		return VERDICT_DID_NOT_WAIT;
	if (handshake->failure.cause == FACT_GREETED)
		return handshake->failure.protocol ? VERDICT_GREETED : VERDICT_SPOKE_FIRST;
	if (handshake->failure.cause == FACT_NOT_DELIVERED)
		return VERDICT_NOT_DELIVERED;
	return kinds[handshake->failure.kind](handshake);
}

/* Which end, then who: "client curl[812]". */
static void end_append(struct text *text, const struct handshake *handshake, enum handshake_end end)
{
	char who[TEXT_WHO_SIZE];

	if (end >= END_UNKNOWN) {
		text_append(text, "one end");
		return;
	}
	text_append(text, "%s", text_end(end));
	if (!handshake->ends[end].process.pid && !text_address_known(&handshake->ends[end].address))
		return;
	text_who(&handshake->ends[end], who);
	text_append(text, " %s", who);
}

static void who_append(struct text *text, const struct handshake *handshake)
{
	end_append(text, handshake, handshake->failure.by);
}

/* The one who was to speak. */
static void peer_append(struct text *text, const struct handshake *handshake)
{
	end_append(text, handshake, handshake_awaited(handshake));
}

static void side_append(struct text *text, const struct handshake *handshake)
{
	static const char *const others[] = {
		[END_CLIENT] = "server", [END_SERVER] = "client", [END_UNKNOWN] = "other"};

	text_append(text, "%s", others[handshake->failure.by]);
}

static void alert_append(struct text *text, const struct handshake *handshake)
{
	char buffer[TEXT_CODE_SIZE];

	text_append(text, "%s", text_alert((uint8_t)handshake->failure.alert, buffer));
}

static const char *hello_words(const struct message *message)
{
	if (message_is(message, TLS_CLIENT_HELLO))
		return "the ClientHello";
	if (message_is(message, TLS_SERVER_HELLO))
		return "the ServerHello";
	if (message_is(message, TLS_HELLO_VERIFY_REQUEST))
		return "the HelloVerifyRequest";
	return message->kind == MESSAGE_HELLO_RETRY_REQUEST ? "the HelloRetryRequest" : NULL;
}

/* The server's flight, which the client has not answered, has a certificate. */
static bool shows_certificate(const struct handshake *handshake)
{
	if (handshake->resumed || has_encrypted(handshake, END_CLIENT))
		return false;
	return tls_version_is_13(handshake->version)
		       ? has_encrypted(handshake, END_SERVER)
		       : has_sent(handshake, END_SERVER, TLS_CERTIFICATE);
}

/* The message that came last, in words. */
static void last_append(struct text *text, const struct handshake *handshake)
{
	const struct message *last = handshake_last_message(handshake);
	const char *hello = last ? hello_words(last) : NULL;

	if (hello) {
		text_append(text, "%s", hello);
		return;
	}
	if (!last)
		text_append(text, "the start");
	else if (last->from == END_SERVER && shows_certificate(handshake))
		text_append(text, "the server's flight with its certificate");
	else
		text_append(text, "the %s's last message", text_end(last->from));
}

static void time_append(struct text *text, const struct handshake *handshake)
{
	char duration[TEXT_NUMBER_SIZE];

	text_duration(silence_ns(handshake), duration);
	text_append(text, "%s", duration);
}

static void protocol_append(struct text *text, const struct handshake *handshake)
{
	text_append(text, "%s", plaintext_name(handshake->failure.protocol));
}

static void signal_append(struct text *text, const struct handshake *handshake)
{
	char name[TEXT_NUMBER_SIZE];

	text_append(text, "%s",
		    text_signal(handshake->ends[handshake->failure.by].exit_signal, name));
}

/* CONNECTION_CLOSE says why: a code, and perhaps words that the other end chose. */
static void error_append(struct text *text, const struct handshake *handshake)
{
	const char *name = text_quic_error(handshake->failure.error);
	char escaped[TEXT_VERDICT_SIZE / 2];

	if (name)
		text_append(text, "%s", name);
	else
		text_append(text, "error 0x%llx", (unsigned long long)handshake->failure.error);
	if (text_escape(handshake->failure.reason, handshake->failure.reason_length, escaped,
			sizeof(escaped)))
		text_append(text, " (%s)", escaped);
}

typedef void word_writer(struct text *text, const struct handshake *handshake);

static const struct {
	const char *word;
	word_writer *write;
} words[] = {
	{"WHO", who_append},	   {"PEER", peer_append},      {"SIDE", side_append},
	{"ALERT", alert_append},   {"LAST", last_append},      {"TIME", time_append},
	{"ERROR", error_append},   {"REASON", facts_reason},   {"PROTOCOL", protocol_append},
	{"SIGNAL", signal_append}, {"CAUSE", facts_departure},
};

static word_writer *word_find(const char *at, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i].word) == length && strncmp(words[i].word, at, length) == 0)
			return words[i].write;
	return NULL;
}

static void form_append(struct text *text, const char *form, const struct handshake *handshake)
{
	while (*form) {
		size_t length = 0;
		word_writer *write;

		while (isupper((unsigned char)form[length]))
			length++;
		write = word_find(form, length);
		if (!length)
			length = 1;
		if (write)
			write(text, handshake);
		else
			text_append(text, "%.*s", (int)length, form);
		form += length;
	}
}

static void sentence_write(const struct handshake *handshake, bool remarks, char *to, size_t size)
{
	struct text text;

	text_start(&text, to, size);
	form_append(&text, verdict_forms[verdict_form(handshake)], handshake);
	if (remarks && handshake->outcome == HANDSHAKE_FAILED)
		facts_append(&text, handshake);
	if (handshake->renegotiation)
		text_append(&text, " (renegotiation)");
}

void verdict_write(const struct handshake *handshake, char *to, size_t size)
{
	sentence_write(handshake, true, to, size);
}

void verdict_write_bare(const struct handshake *handshake, char *to, size_t size)
{
	sentence_write(handshake, false, to, size);
}
