// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/cause.h"

#include <string.h>
#include <strings.h>

#include "handshake/words.h"
#include "handshake/suspects.h"
#include "tls/certificate.h"
#include "tls/hello.h"
#include "tls/names.h"

/* RFC 8446 section 6, RFC 7507, RFC 6066, RFC 7301. */
enum alert {
	ALERT_CLOSE_NOTIFY = 0,
	ALERT_UNEXPECTED_MESSAGE = 10,
	ALERT_HANDSHAKE_FAILURE = 40,
	ALERT_BAD_CERTIFICATE = 42,
	ALERT_UNSUPPORTED_CERTIFICATE = 43,
	ALERT_CERTIFICATE_REVOKED = 44,
	ALERT_CERTIFICATE_EXPIRED = 45,
	ALERT_CERTIFICATE_UNKNOWN = 46,
	ALERT_ILLEGAL_PARAMETER = 47,
	ALERT_UNKNOWN_CA = 48,
	ALERT_ACCESS_DENIED = 49,
	ALERT_DECODE_ERROR = 50,
	ALERT_PROTOCOL_VERSION = 70,
	ALERT_INSUFFICIENT_SECURITY = 71,
	ALERT_INTERNAL_ERROR = 80,
	ALERT_INAPPROPRIATE_FALLBACK = 86,
	ALERT_USER_CANCELED = 90,
	ALERT_UNRECOGNIZED_NAME = 112,
	ALERT_BAD_STATUS_RESPONSE = 113,
	ALERT_CERTIFICATE_REQUIRED = 116,
	ALERT_NO_APPLICATION_PROTOCOL = 120,
};

enum { LEVEL_WARNING = 1 };

/* The fastest servers take a tenth of this for a key exchange and a signature. */
#define ANSWER_NS_MIN 1000000ULL

/* Alerts that say what they are for, whoever reads them. */
static const struct {
	uint8_t alert;
	enum failure_fact fact;
} certain[] = {
	{ALERT_PROTOCOL_VERSION, FACT_VERSION},
	{ALERT_INAPPROPRIATE_FALLBACK, FACT_FALLBACK},
	{ALERT_UNRECOGNIZED_NAME, FACT_SERVER_NAME},
	{ALERT_UNKNOWN_CA, FACT_ISSUER},
	{ALERT_CERTIFICATE_REQUIRED, FACT_NO_CERTIFICATE},
	{ALERT_NO_APPLICATION_PROTOCOL, FACT_ALPN},
};

const char *failure_fact_name(enum failure_fact fact)
{
	return words_name(&words_fact, fact);
}

enum incomplete_reason handshake_incomplete_reason(const struct handshake *handshake)
{
	if (handshake->gap)
		return INCOMPLETE_EVENTS_LOST;
	return handshake->version == 0x0002 ? INCOMPLETE_SSL2 : INCOMPLETE_TRACE_ENDED;
}

/* The highest version that the client offers. */
static uint16_t offered_version(const struct offer *offer)
{
	uint16_t highest = offer->versions.count ? 0 : offer->version;

	for (size_t i = 0; i < offer->versions.count; i++) {
		uint16_t version = offer->versions.items[i];

		if (!tls_is_grease(version) && version >> 8 == 3 && version > highest)
			highest = version;
	}
	return highest;
}

uint16_t handshake_downgrade(const struct handshake *handshake)
{
	static const uint8_t mark[7] = {'D', 'O', 'W', 'N', 'G', 'R', 'D'};
	const uint8_t *tail = handshake->server_random + 24;

	if (!handshake->has_server_random || handshake->version >> 8 != 3 ||
	    memcmp(tail, mark, sizeof(mark)) != 0 || tail[7] > 1 ||
	    handshake->version >= offered_version(&handshake->offer))
		return 0;
	return tail[7] == 1 ? 0x0303 : 0x0302;
}

static void fact_add(struct handshake *handshake, enum failure_fact fact, bool holds)
{
	if (holds)
		handshake->failure.facts |= UINT64_C(1) << fact;
}

static bool has_fact(const struct handshake *handshake, enum failure_fact fact)
{
	return handshake->failure.facts >> fact & 1;
}

/* An authority that is not known is one that was named: the top of the chain's. */
static void certificate_facts(struct handshake *handshake, enum handshake_end of, int64_t now)
{
	struct chain chain;

	handshake->failure.facts |= suspects_certificate(handshake, of, now);
	if (handshake->failure.alert != ALERT_UNKNOWN_CA)
		return;
	handshake_chain(handshake, of, &chain);
	fact_add(handshake, FACT_ISSUER, chain.top && !has_fact(handshake, FACT_SELF_SIGNED));
	fact_add(handshake, FACT_UNRELATED, chain.unrelated);
}

static void warning_fact(struct handshake *handshake)
{
	for (size_t i = 0; i < handshake->message_count; i++) {
		const struct message *message = &handshake->messages[i];

		if (message->alert_level == LEVEL_WARNING &&
		    message->alert != handshake->failure.alert) {
			handshake->failure.warning = message->alert;
			fact_add(handshake, FACT_WARNED, true);
		}
	}
}

static bool is_one_of(int alert, const uint8_t *alerts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (alerts[i] == alert)
			return true;
	return false;
}

/*
 * With these a client may refuse a certificate: besides those that say so, what some libraries
 * (Erlang's, Perl's) send whatever is wrong with it.
 */
static bool may_reject_certificate(int alert)
{
	static const uint8_t alerts[] = {
		ALERT_CLOSE_NOTIFY,	   ALERT_HANDSHAKE_FAILURE,
		ALERT_BAD_CERTIFICATE,	   ALERT_UNSUPPORTED_CERTIFICATE,
		ALERT_CERTIFICATE_REVOKED, ALERT_CERTIFICATE_EXPIRED,
		ALERT_CERTIFICATE_UNKNOWN, ALERT_UNKNOWN_CA,
		ALERT_ACCESS_DENIED,	   ALERT_INTERNAL_ERROR,
		ALERT_USER_CANCELED,	   ALERT_BAD_STATUS_RESPONSE,
	};

	return is_one_of(alert, alerts, sizeof(alerts));
}

/* With these a server may refuse a client that sent no certificate, up to TLS 1.2. */
static bool may_demand_certificate(int alert)
{
	static const uint8_t alerts[] = {
		ALERT_HANDSHAKE_FAILURE, /* RFC 5246 section 7.4.6 */
		ALERT_BAD_CERTIFICATE,	 /* Go, Java */
		ALERT_CERTIFICATE_UNKNOWN, ALERT_ACCESS_DENIED, ALERT_DECODE_ERROR, /* GnuTLS */
	};

	return is_one_of(alert, alerts, sizeof(alerts));
}

/* The client sent an empty Certificate, and the server nothing since but what ended it. */
static bool is_without_certificate(const struct handshake *handshake)
{
	size_t i = handshake->message_count;

	if (handshake->client_auth != TRI_DECLINED)
		return false;
	while (i-- > 0) {
		const struct message *message = &handshake->messages[i];

		if (message->time_ns < handshake->end_ns && message->kind != MESSAGE_ALERT)
			return message->from == END_CLIENT;
	}
	return false;
}

/* It is what the alert says, unless the certificate says something else. */
static enum failure_fact validity_cause(const struct handshake *handshake)
{
	if (has_fact(handshake, FACT_NOT_YET_VALID) && !has_fact(handshake, FACT_EXPIRED))
		return FACT_NOT_YET_VALID;
	return FACT_EXPIRED;
}

static enum failure_fact server_alert_cause(const struct handshake *handshake)
{
	int alert = handshake->failure.alert;

	if (alert == ALERT_UNRECOGNIZED_NAME && !handshake->sni && handshake->offer.whole)
		return FACT_NO_SERVER_NAME;
	if (alert == ALERT_DECODE_ERROR && !handshake->has_server_random &&
	    !handshake->offer.whole && !handshake->offer.partial && !handshake->truncated)
		return FACT_MALFORMED_HELLO;
	/* In TLS 1.3 only the length of its Certificate shows it, and the alert is encrypted. */
	if (is_without_certificate(handshake) &&
	    (may_demand_certificate(alert) || handshake->failure.encrypted))
		return FACT_NO_CERTIFICATE;
	return FACT_NONE;
}

static enum failure_fact client_alert_cause(const struct handshake *handshake)
{
	int alert = handshake->failure.alert;

	if (alert == ALERT_UNKNOWN_CA && has_fact(handshake, FACT_SELF_SIGNED))
		return FACT_SELF_SIGNED;
	if (alert == ALERT_ILLEGAL_PARAMETER && handshake_downgrade(handshake))
		return FACT_DOWNGRADE;
	if (handshake->violation != VIOLATION_NONE &&
	    (alert == ALERT_ILLEGAL_PARAMETER || alert == ALERT_UNEXPECTED_MESSAGE ||
	     alert == ALERT_HANDSHAKE_FAILURE || alert < 0))
		return FACT_VIOLATION;
	return FACT_NONE;
}

static enum failure_fact alert_cause(const struct handshake *handshake)
{
	int alert = handshake->failure.alert;
	enum failure_fact cause = FACT_NONE;

	if (handshake->failure.by == END_SERVER)
		cause = server_alert_cause(handshake);
	else if (handshake->failure.by == END_CLIENT)
		cause = client_alert_cause(handshake);
	if (cause == FACT_NONE && alert == ALERT_CERTIFICATE_EXPIRED)
		return validity_cause(handshake);
	for (size_t i = 0; cause == FACT_NONE && i < sizeof(certain) / sizeof(certain[0]); i++)
		if (certain[i].alert == alert)
			return certain[i].fact;
	return cause;
}

/* "Expired", of certificates that are valid by the clock of this host: one of two is wrong. */
static bool is_clock_doubtful(const struct handshake *handshake, enum handshake_end of)
{
	return handshake->failure.alert == ALERT_CERTIFICATE_EXPIRED &&
	       handshake_first_to_expire(handshake, of) && !has_fact(handshake, FACT_EXPIRED) &&
	       !has_fact(handshake, FACT_NOT_YET_VALID);
}

/*
 * TLS 1.3: after the ServerHello the server sent nothing but an alert. The reasons that are left
 * are in the client's offer.
 */
static bool is_before_certificate(const struct handshake *handshake)
{
	size_t encrypted = 0;

	if (!handshake->failure.encrypted || handshake->failure.by != END_SERVER ||
	    !tls_version_is_13(handshake->version) || handshake->transport != TRANSPORT_TCP)
		return false;
	for (size_t i = 0; i < handshake->message_count; i++) {
		const struct message *message = &handshake->messages[i];

		if (message->encrypted && message->from == END_CLIENT)
			return false;
		encrypted += message->encrypted && message->time_ns <= handshake->end_ns;
	}
	return encrypted == 1;
}

static void early_refusal_facts(struct handshake *handshake)
{
	if (!is_before_certificate(handshake))
		return;
	fact_add(handshake, FACT_BEFORE_CERTIFICATE, true);
	fact_add(handshake, FACT_ALPN, handshake->offer.alpn_length > 0);
	handshake->failure.facts |=
		suspects_offer(handshake) &
		(UINT64_C(1) << FACT_SIGNATURES | UINT64_C(1) << FACT_NO_SERVER_NAME);
}

static void alert_causes(struct handshake *handshake, int64_t now)
{
	int alert = handshake->failure.alert;
	enum handshake_end by = handshake->failure.by;

	warning_fact(handshake);
	if (by != END_UNKNOWN && may_reject_certificate(alert))
		certificate_facts(handshake, handshake_other_end(by), now);
	if (by != END_UNKNOWN)
		fact_add(handshake, FACT_CLOCK,
			 is_clock_doubtful(handshake, handshake_other_end(by)));
	early_refusal_facts(handshake);
	handshake->failure.cause = alert_cause(handshake);
	fact_add(handshake, FACT_VIOLATION,
		 handshake->failure.cause == FACT_VIOLATION && handshake->failure.encrypted);
	if (by == END_SERVER && !handshake->has_server_random &&
	    (alert == ALERT_HANDSHAKE_FAILURE || alert == ALERT_INSUFFICIENT_SECURITY))
		handshake->failure.facts |= suspects_offer(handshake);
}

/* Whether an end of this host left what the other said last in its socket. */
static bool has_not_read(const struct handshake *handshake, enum handshake_end end)
{
	const struct endpoint *endpoint = &handshake->ends[end];
	const struct message *last = handshake_last_message(handshake);

	/* When a UDP server reads is not known for each of its peers. */
	if (handshake->transport != TRANSPORT_TCP && end == END_SERVER)
		return false;
	return !handshake->amid[end] && endpoint->socket_id && last && last->from != end &&
	       endpoint->last_read_ns < last->time_ns;
}

static bool has_spoken_since(const struct handshake *handshake, enum handshake_end end,
			     uint64_t time_ns)
{
	for (size_t i = handshake->message_count; i-- > 0;)
		if (handshake->messages[i].from == end && handshake->messages[i].time_ns > time_ns)
			return true;
	return false;
}

/* Whether an end of this host wrote an answer in time that crossed no interface: a firewall's
 * doing, for one. */
static bool has_not_sent(const struct handshake *handshake, enum handshake_end end)
{
	const struct endpoint *endpoint = &handshake->ends[end];
	const struct message *last = handshake_last_message(handshake);
	uint64_t wrote_ns;

	/* A UDP socket's writing may be for another peer. */
	if (!endpoint->socket_id || !last || last->from == end || handshake->amid[end] ||
	    handshake->transport != TRANSPORT_TCP)
		return false;
	wrote_ns = endpoint->first_write_ns > last->time_ns ? endpoint->first_write_ns
							    : endpoint->last_write_ns;
	return wrote_ns > last->time_ns && wrote_ns < handshake->end_ns &&
	       !has_spoken_since(handshake, end, last->time_ns);
}

/* A reset in the name of an end whose socket sent none and is open still. */
static bool is_from_between(const struct handshake *handshake)
{
	enum handshake_end by = handshake->failure.by;

	return handshake->failure.kind == FAILURE_RESET && by != END_UNKNOWN &&
	       handshake->ends[by].socket_id && !handshake->ends[by].reset_sent &&
	       !handshake->ends[by].left;
}

/*
 * What the other end sent last never arrived: whoever ended the handshake then only drew the
 * conclusion.
 */
static bool is_undelivered(const struct handshake *handshake)
{
	enum handshake_end awaited = handshake_awaited(handshake);
	const struct endpoint *receiver = &handshake->ends[awaited];
	const struct message *last = handshake_last_message(handshake);
	enum failure_kind kind = handshake->failure.kind;

	/* Its acknowledgements may be what is dropped. */
	if (receiver->socket_id && last && receiver->last_read_ns > last->time_ns)
		return false;
	return handshake->undelivered[handshake_other_end(awaited)] &&
	       (kind == FAILURE_CLOSED || kind == FAILURE_RESET || kind == FAILURE_TIMEOUT) &&
	       handshake->failure.alert < 0;
}

/*
 * The client left before the answer could have come: within a round trip, or within a millisecond.
 * That says nothing about the server.
 */
static bool has_not_waited(const struct handshake *handshake)
{
	const struct message *last = handshake_last_message(handshake);
	uint64_t least_ns = handshake->latency.rtt_us * UINT64_C(1000);

	if (least_ns < ANSWER_NS_MIN)
		least_ns = ANSWER_NS_MIN;
	return handshake->failure.by == END_CLIENT && last && message_is(last, TLS_CLIENT_HELLO) &&
	       !handshake->has_server_random && !handshake->offer.partial &&
	       handshake->end_ns < last->time_ns + least_ns;
}

static void end_causes(struct handshake *handshake, int64_t now)
{
	enum handshake_end awaited = handshake_awaited(handshake), by = handshake->failure.by;
	const struct endpoint *ending = by != END_UNKNOWN ? &handshake->ends[by] : NULL;

	warning_fact(handshake);
	fact_add(handshake, FACT_HELLO_PART, handshake->offer.partial);
	fact_add(handshake, FACT_EXITED, ending && ending->exited && !ending->exit_signal);
	if (is_from_between(handshake)) {
		handshake->failure.cause = FACT_BETWEEN;
		handshake->failure.by = END_UNKNOWN;
	} else if (ending && ending->exited && ending->exit_signal) {
		handshake->failure.cause = FACT_KILLED;
	} else if (by == END_SERVER && is_without_certificate(handshake)) {
		handshake->failure.cause = FACT_NO_CERTIFICATE;
		fact_add(handshake, FACT_NO_CERTIFICATE, true);
	} else if (has_not_waited(handshake)) {
		handshake->failure.cause = FACT_DID_NOT_WAIT;
	} else if (by != END_UNKNOWN && by != awaited) {
		handshake->failure.cause = FACT_NO_ANSWER;
		fact_add(handshake, FACT_NOT_READ, has_not_read(handshake, awaited));
		fact_add(handshake, FACT_NOT_SENT, has_not_sent(handshake, awaited));
	} else if (by == END_CLIENT) {
		certificate_facts(handshake, END_SERVER, now);
		if (handshake->violation != VIOLATION_NONE)
			handshake->failure.cause = FACT_VIOLATION;
		fact_add(handshake, FACT_VIOLATION, handshake->violation != VIOLATION_NONE);
	}
}

static void timeout_causes(struct handshake *handshake)
{
	const struct message *last = handshake_last_message(handshake);
	enum handshake_end by = handshake->failure.by;

	fact_add(handshake, FACT_HELLO_PART, handshake->offer.partial);
	if (by == END_UNKNOWN)
		return;
	/* RFC 9000 section 6.2: a client that speaks none of them says nothing more. */
	if (last && last->record == RECORD_KIND_QUIC_VERSION_NEGOTIATION) {
		handshake->failure.cause = FACT_VERSION;
		handshake->failure.by = END_SERVER;
		return;
	}
	if (has_not_read(handshake, by))
		handshake->failure.cause = FACT_NOT_READ;
	else
		handshake->failure.cause =
			has_not_sent(handshake, by) ? FACT_NOT_SENT : FACT_NO_ANSWER;
}

/* Whoever ended it then only drew the conclusion. */
static bool is_closed_before(const struct handshake *handshake)
{
	enum failure_kind kind = handshake->failure.kind;

	return handshake->closed_before && handshake->message_count <= 1 &&
	       (kind == FAILURE_CLOSED || kind == FAILURE_RESET || kind == FAILURE_TIMEOUT);
}

/*
 * The client that named the server left before it sent any data, and the certificate shows why:
 * curl compares the name only after the handshake. Others leave too: health checks, of good
 * certificates.
 */
static enum failure_fact departure_cause(const struct handshake *handshake, int64_t now)
{
	static const enum failure_fact proofs[] = {
		FACT_CERTIFICATE_NAME,
		FACT_EXPIRED,
		FACT_NOT_YET_VALID,
		FACT_SELF_SIGNED,
	};
	uint64_t facts;

	if (!handshake->left_at_once || handshake->left_by != END_CLIENT || !handshake->sni)
		return FACT_NONE;
	facts = suspects_certificate(handshake, END_SERVER, now);
	for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++)
		if (facts >> proofs[i] & 1)
			return proofs[i];
	return FACT_NONE;
}

static enum failure_fact refusal_cause(const struct handshake *handshake)
{
	if (handshake->failure.echoed)
		return FACT_ECHO;
	return handshake->failure.protocol ? FACT_PLAINTEXT : FACT_NONE;
}

void handshake_causes(struct handshake *handshake, int64_t clock_offset_ns)
{
	int64_t now = ((int64_t)handshake->time_ns + clock_offset_ns) / 1000000000;

	if (handshake->outcome == HANDSHAKE_COMPLETED) {
		handshake->rejected_after = departure_cause(handshake, now);
		return;
	}
	if (is_closed_before(handshake)) {
		handshake->failure.kind = FAILURE_CLOSED;
		handshake->failure.by = END_SERVER;
		handshake->failure.cause = FACT_CLOSED_BEFORE;
		return;
	}
	if (handshake->failure.greeted) {
		handshake->failure.by = END_SERVER;
		handshake->failure.cause = FACT_GREETED;
		return;
	}
	if (is_undelivered(handshake)) {
		handshake->failure.by = END_UNKNOWN;
		handshake->failure.cause = FACT_NOT_DELIVERED;
		return;
	}
	switch (handshake->failure.kind) {
	case FAILURE_NONE:
		break;
	case FAILURE_ALERT:
		alert_causes(handshake, now);
		break;
	case FAILURE_CLOSED:
	case FAILURE_RESET:
		end_causes(handshake, now);
		break;
	case FAILURE_TIMEOUT:
		timeout_causes(handshake);
		break;
	case FAILURE_REFUSED:
		handshake->failure.cause = refusal_cause(handshake);
		break;
	}
}
