/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "handshake/handshake.h"
#include "sink/sink.h"
#include "sink/text.h"
#include "tls/names.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define ALERT_PROTOCOL_VERSION 70

/* What sending an alert means (RFC 8446, 6.2); without an entry it refuses the handshake. */
enum alert_meaning {
	ALERT_REFUSES,
	ALERT_REJECTS_CERTIFICATE,
	ALERT_MISSES_CERTIFICATE,
	ALERT_ENDS
};

static const uint8_t alert_meanings[256] = {
	[0] = ALERT_ENDS,		  /* close_notify */
	[42] = ALERT_REJECTS_CERTIFICATE, /* bad_certificate */
	[43] = ALERT_REJECTS_CERTIFICATE, /* unsupported_certificate */
	[44] = ALERT_REJECTS_CERTIFICATE, /* certificate_revoked */
	[45] = ALERT_REJECTS_CERTIFICATE, /* certificate_expired */
	[46] = ALERT_REJECTS_CERTIFICATE, /* certificate_unknown */
	[48] = ALERT_REJECTS_CERTIFICATE, /* unknown_ca */
	[90] = ALERT_ENDS,		  /* user_canceled */
	[113] = ALERT_REJECTS_CERTIFICATE, /* bad_certificate_status_response */
	[116] = ALERT_MISSES_CERTIFICATE, /* certificate_required */
};

/* Which end, then who: "client curl[812]". */
static void subject_append(struct text *text, const struct handshake *handshake)
{
	enum handshake_end by = handshake->failure.by;
	char who[TEXT_WHO_SIZE];

	if (by >= END_UNKNOWN) {
		text_append(text, "one end");
		return;
	}
	text_append(text, "%s", text_end(by));
	if (!handshake->ends[by].process.pid && !text_address_known(&handshake->ends[by].address))
		return;
	text_who(&handshake->ends[by], who);
	text_append(text, " %s", who);
}

static enum handshake_end other_end(enum handshake_end end)
{
	return end == END_CLIENT ? END_SERVER : END_CLIENT;
}

static void duration_append(struct text *text, uint64_t from_ns, uint64_t to_ns)
{
	char duration[TEXT_NUMBER_SIZE];

	text_duration(to_ns > from_ns ? to_ns - from_ns : 0, duration);
	text_append(text, "%s", duration);
}

/* What the peer could have agreed to: without the extension, anything up to legacy_version. */
static void versions_append(struct text *text, const struct offer *offer)
{
	const char *separator = "";
	char buffer[TEXT_CODE_SIZE];

	if (!offer->versions.count) {
		text_append(text, "client offers at most %s",
			    text_code(tls_version_name, offer->version, buffer));
		return;
	}
	text_append(text, "client offers only ");
	for (size_t i = 0; i < offer->versions.count; i++) {
		if (tls_is_grease(offer->versions.items[i]))
			continue;
		text_append(text, "%s%s", separator,
			    text_code(tls_version_name, offer->versions.items[i], buffer));
		separator = ", ";
	}
}

/* Why, where the alert alone leaves a reader to guess. */
static bool reason_append(struct text *text, const struct handshake *handshake)
{
	char buffer[TEXT_CODE_SIZE];

	if (handshake->failure.alert != ALERT_PROTOCOL_VERSION)
		return false;
	if (handshake->failure.by == END_SERVER && handshake->has_random) {
		versions_append(text, &handshake->offer);
		return true;
	}
	if (handshake->failure.by == END_CLIENT && handshake->version) {
		text_append(text, "server chose %s",
			    text_code(tls_version_name, handshake->version, buffer));
		return true;
	}
	return false;
}

static void refusal_append(struct text *text, const struct handshake *handshake, const char *alert)
{
	text_append(text, " refused the handshake: ");
	text_append(text, reason_append(text, handshake) ? " (%s)" : "%s", alert);
}

static void alert_append(struct text *text, const struct handshake *handshake)
{
	const char *other = text_end(other_end(handshake->failure.by));
	int code = handshake->failure.alert;
	char buffer[TEXT_CODE_SIZE];
	const char *alert;

	subject_append(text, handshake);
	if (code < 0 || code >= (int)ARRAY_SIZE(alert_meanings)) {
		text_append(text, " sent an%s alert",
			    handshake->failure.encrypted ? " encrypted" : "");
		return;
	}
	alert = text_alert((uint8_t)code, buffer);
	switch (alert_meanings[code]) {
	case ALERT_REJECTS_CERTIFICATE:
		text_append(text, " rejected the %s's certificate: %s",
			    handshake->failure.by == END_UNKNOWN ? "other" : other, alert);
		return;
	case ALERT_MISSES_CERTIFICATE:
		text_append(text, " wants a certificate and got none: %s", alert);
		return;
	case ALERT_ENDS:
		text_append(text, " gave up the handshake: %s", alert);
		return;
	default:
		refusal_append(text, handshake, alert);
	}
}

static void reset_append(struct text *text, const struct handshake *handshake)
{
	subject_append(text, handshake);
	text_append(text, " reset the connection after ");
	duration_append(text, handshake->time_ns, handshake->end_ns);
}

static bool has_message_of(const struct handshake *handshake, enum handshake_end end)
{
	for (size_t i = 0; i < handshake->message_count; i++) {
		if (handshake->messages[i].from == end)
			return true;
	}
	return false;
}

/* CONNECTION_CLOSE says why: a code, and perhaps words that the other end chose. */
static void close_append(struct text *text, const struct handshake *handshake)
{
	const char *name = text_quic_error(handshake->failure.error);
	const char *reason = handshake->failure.reason;
	char escaped[TEXT_VERDICT_SIZE / 2];

	subject_append(text, handshake);
	text_append(text, " closed the connection before the handshake was complete: ");
	if (name)
		text_append(text, "%s", name);
	else
		text_append(text, "error 0x%llx", (unsigned long long)handshake->failure.error);
	if (!reason || !text_escape(reason, strlen(reason), escaped, sizeof(escaped)))
		return;
	text_append(text, " (%s)", escaped);
}

static void closed_append(struct text *text, const struct handshake *handshake)
{
	if (handshake->failure.has_error) {
		close_append(text, handshake);
		return;
	}
	subject_append(text, handshake);
	text_append(text, " closed the connection after ");
	if (handshake->message_count <= 1)
		text_append(text, "ClientHello");
	else
		duration_append(text, handshake->time_ns, handshake->end_ns);
	text_append(text, ", before the handshake was complete");
}

/* The last sign of life may be the other end's or a socket's, so only an answer moves the start. */
static void timeout_append(struct text *text, const struct handshake *handshake)
{
	bool answered = has_message_of(handshake, handshake->failure.by);
	uint64_t last_ns = handshake->last_ns ? handshake->last_ns : handshake->time_ns;

	if (handshake->transport == TRANSPORT_QUIC && handshake->failure.by == END_UNKNOWN) {
		text_append(text, "the handshake fell silent in its encrypted part, which hides "
				  "why, for ");
		duration_append(text, last_ns, handshake->end_ns);
		return;
	}
	subject_append(text, handshake);
	text_append(text, answered ? " did not go on within " : " did not answer within ");
	duration_append(text, answered ? last_ns : handshake->time_ns, handshake->end_ns);
}

static void refused_append(struct text *text, const struct handshake *handshake)
{
	subject_append(text, handshake);
	text_append(text, " answered with something that is not TLS");
}

static void failure_append(struct text *text, const struct handshake *handshake)
{
	static void (*const writers[])(struct text *, const struct handshake *) = {
		[FAILURE_ALERT] = alert_append,	    [FAILURE_RESET] = reset_append,
		[FAILURE_CLOSED] = closed_append,   [FAILURE_TIMEOUT] = timeout_append,
		[FAILURE_REFUSED] = refused_append,
	};
	size_t kind = handshake->failure.kind;

	if (kind < ARRAY_SIZE(writers) && writers[kind])
		writers[kind](text, handshake);
	else
		text_append(text, "the handshake failed");
}

static const char *incomplete_reason(const struct handshake *handshake)
{
	if (handshake->gap)
		return "events were lost";
	if (handshake->late_start)
		return "the trace began in its middle";
	return "the trace ended";
}

void verdict_write(const struct handshake *handshake, char *to, size_t size)
{
	struct text text;

	text_start(&text, to, size);
	if (handshake->outcome == HANDSHAKE_COMPLETED)
		text_append(&text, "ok");
	else if (handshake->outcome == HANDSHAKE_FAILED)
		failure_append(&text, handshake);
	else
		text_append(&text, "incomplete: %s", incomplete_reason(handshake));
	if (handshake->renegotiation)
		text_append(&text, " (renegotiation)");
}
