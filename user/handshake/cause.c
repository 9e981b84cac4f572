// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/cause.h"

#include <string.h>
#include <strings.h>

#include "handshake/words.h"
#include "tls/certificate.h"
#include "tls/hello.h"
#include "tls/names.h"

/* RFC 8446 section 6, RFC 7507, RFC 6066, RFC 7301. */
enum alert {
	ALERT_HANDSHAKE_FAILURE = 40,
	ALERT_BAD_CERTIFICATE = 42,
	ALERT_CERTIFICATE_EXPIRED = 45,
	ALERT_ILLEGAL_PARAMETER = 47,
	ALERT_UNKNOWN_CA = 48,
	ALERT_DECODE_ERROR = 50,
	ALERT_PROTOCOL_VERSION = 70,
	ALERT_INSUFFICIENT_SECURITY = 71,
	ALERT_INAPPROPRIATE_FALLBACK = 86,
	ALERT_UNRECOGNIZED_NAME = 112,
	ALERT_CERTIFICATE_REQUIRED = 116,
	ALERT_NO_APPLICATION_PROTOCOL = 120,
};

enum { LEVEL_WARNING = 1 };

/* Alerts that say what they are for, whoever reads them. */
static const struct {
	uint8_t alert;
	enum failure_fact fact;
} certain[] = {
	{ALERT_PROTOCOL_VERSION, FACT_VERSION},
	{ALERT_CERTIFICATE_EXPIRED, FACT_EXPIRED},
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
	if (handshake->late_start)
		return INCOMPLETE_LATE_START;
	return handshake->version == 0x0002 ? INCOMPLETE_SSL2 : INCOMPLETE_TRACE_ENDED;
}

enum handshake_end handshake_other_end(enum handshake_end end)
{
	return end == END_CLIENT ? END_SERVER : END_CLIENT;
}

/* What crossed the end on its way, or is the goodbye itself, is not what came before the end. */
static bool is_behind_end(const struct handshake *handshake, const struct message *message)
{
	if (handshake->outcome != HANDSHAKE_FAILED)
		return false;
	return message->time_ns > handshake->end_ns ||
	       (message->time_ns == handshake->end_ns && message->record == RECORD_KIND_ALERT &&
		handshake->failure.kind == FAILURE_CLOSED && handshake->failure.alert >= 0);
}

const struct message *handshake_last_message(const struct handshake *handshake)
{
	size_t count = handshake->message_count;

	while (count > 1 && is_behind_end(handshake, &handshake->messages[count - 1]))
		count--;
	return count ? &handshake->messages[count - 1] : NULL;
}

/*
 * Behind what is no flight's last message its sender has to say more. In TLS 1.3 only the
 * ServerHello is in the clear; a ChangeCipherSpec says nothing there.
 */
bool handshake_is_mid_flight(const struct handshake *handshake)
{
	const struct message *last = handshake_last_message(handshake);
	static const uint8_t types[] = {
		TLS_SERVER_HELLO,	 TLS_CERTIFICATE,	  TLS_CERTIFICATE_STATUS,
		TLS_SERVER_KEY_EXCHANGE, TLS_CERTIFICATE_REQUEST, TLS_CLIENT_KEY_EXCHANGE,
		TLS_CERTIFICATE_VERIFY,	 TLS_NEW_SESSION_TICKET,
	};
	bool is_13 = tls_version_is_13(handshake->version);
	size_t i;

	if (!last || handshake->renegotiation)
		return false;
	if (handshake->amid[END_SERVER] || handshake->amid[END_CLIENT])
		return true;
	if (!handshake->version)
		return false;
	while (is_13 && last > handshake->messages && last->record == RECORD_KIND_CCS)
		last--;
	if (last->encrypted)
		return false;
	if (is_13)
		return message_is(last, TLS_SERVER_HELLO);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (message_is(last, types[i]))
			return true;
	return last->kind == MESSAGE_CHANGE_CIPHER_SPEC;
}

enum handshake_end handshake_awaited(const struct handshake *handshake)
{
	const struct message *last = handshake_last_message(handshake);

	if (!handshake->offer.partial && handshake_is_mid_flight(handshake))
		return handshake->amid[END_SERVER]   ? END_SERVER
		       : handshake->amid[END_CLIENT] ? END_CLIENT
						     : last->from;
	return handshake->offer.partial || (last && last->from == END_SERVER) ? END_CLIENT
									      : END_SERVER;
}

const struct certificate *handshake_leaf(const struct handshake *handshake, enum handshake_end end)
{
	for (size_t i = 0; i < handshake->certificate_count; i++)
		if (handshake->certificates[i].from == end)
			return handshake->certificates[i].certificate;
	return NULL;
}

const struct certificate *handshake_top(const struct handshake *handshake, enum handshake_end end)
{
	for (size_t i = handshake->certificate_count; i-- > 0;)
		if (handshake->certificates[i].from == end)
			return handshake->certificates[i].certificate;
	return NULL;
}

const struct certificate *handshake_first_to_expire(const struct handshake *handshake,
						    enum handshake_end end)
{
	const struct certificate *found = NULL;

	for (size_t i = 0; i < handshake->certificate_count; i++) {
		const struct certificate *one = handshake->certificates[i].certificate;

		if (handshake->certificates[i].from == end &&
		    one->not_after != CERTIFICATE_TIME_UNKNOWN &&
		    (!found || one->not_after < found->not_after))
			found = one;
	}
	return found;
}

const struct certificate *handshake_last_to_begin(const struct handshake *handshake,
						  enum handshake_end end)
{
	const struct certificate *found = NULL;

	/* An unknown time is the smallest of all. */
	for (size_t i = 0; i < handshake->certificate_count; i++) {
		const struct certificate *one = handshake->certificates[i].certificate;

		if (handshake->certificates[i].from == end &&
		    (!found || one->not_before > found->not_before))
			found = one;
	}
	return found;
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

/* RFC 6125 section 6.4.3: a star stands for the whole of the leftmost label. */
static bool name_matches(const char *pattern, const char *name)
{
	const char *rest = strchr(name, '.');

	if (strncmp(pattern, "*.", 2) == 0)
		return rest && rest != name && strcasecmp(pattern + 1, rest) == 0;
	return strcasecmp(pattern, name) == 0;
}

/* Names are there, and none is the one that was asked for. */
static bool is_for_another_name(const struct handshake *handshake)
{
	const struct certificate *leaf = handshake_leaf(handshake, END_SERVER);
	bool has_names = false;

	if (!leaf || leaf->broken || leaf->truncated || !handshake->sni ||
	    strlen(handshake->sni) != handshake->sni_length)
		return false;
	for (size_t i = 0; i < leaf->san_count; i++) {
		if (strncmp(leaf->sans[i], "DNS:", 4) != 0)
			continue;
		if (name_matches(leaf->sans[i] + 4, handshake->sni))
			return false;
		has_names = true;
	}
	return has_names;
}

static void fact_add(struct handshake *handshake, enum failure_fact fact, bool holds)
{
	if (holds)
		handshake->failure.facts |= 1u << fact;
}

static void certificate_facts(struct handshake *handshake, enum handshake_end of, int64_t now)
{
	const struct certificate *first = handshake_first_to_expire(handshake, of);
	const struct certificate *last = handshake_last_to_begin(handshake, of);

	fact_add(handshake, FACT_EXPIRED, first && first->not_after < now);
	fact_add(handshake, FACT_NOT_YET_VALID, last && last->not_before > now);
	fact_add(handshake, FACT_CERTIFICATE_NAME,
		 of == END_SERVER && is_for_another_name(handshake));
	fact_add(handshake, FACT_ISSUER,
		 handshake->failure.alert == ALERT_UNKNOWN_CA && handshake_top(handshake, of));
}

static size_t real_count(const struct code_list *list)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += !tls_is_grease(list->items[i]);
	return count;
}

/* A server that takes nothing of what is offered does not say which part. */
static void offer_facts(struct handshake *handshake)
{
	const struct offer *offer = &handshake->offer;
	size_t groups = real_count(&offer->groups), ciphers = real_count(&offer->ciphers);

	for (size_t i = 0; i < offer->ciphers.count; i++)
		ciphers -= tls_is_signal(offer->ciphers.items[i]);
	fact_add(handshake, FACT_CIPHERS, offer->ciphers.count && ciphers <= CAUSE_LIST_MAX);
	fact_add(handshake, FACT_GROUPS, groups && groups <= CAUSE_LIST_MAX);
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

static bool rejects_certificate(int alert)
{
	return alert >= ALERT_BAD_CERTIFICATE && alert <= ALERT_UNKNOWN_CA &&
	       alert != ALERT_ILLEGAL_PARAMETER;
}

static enum failure_fact alert_cause(const struct handshake *handshake)
{
	int alert = handshake->failure.alert;
	bool by_server = handshake->failure.by == END_SERVER;

	for (size_t i = 0; i < sizeof(certain) / sizeof(certain[0]); i++)
		if (certain[i].alert == alert)
			return certain[i].fact;
	if (by_server && alert == ALERT_DECODE_ERROR && !handshake->has_server_random &&
	    !handshake->offer.whole && !handshake->offer.partial && !handshake->truncated)
		return FACT_MALFORMED_HELLO;
	if (!by_server && alert == ALERT_ILLEGAL_PARAMETER && handshake_downgrade(handshake))
		return FACT_DOWNGRADE;
	/* RFC 5246 section 7.4.6 and, for TLS 1.3, what only its length tells. */
	if (by_server && handshake->client_auth == TRI_DECLINED &&
	    (alert == ALERT_HANDSHAKE_FAILURE || handshake->failure.encrypted))
		return FACT_NO_CERTIFICATE;
	return FACT_NONE;
}

static void alert_causes(struct handshake *handshake, int64_t now)
{
	int alert = handshake->failure.alert;
	enum handshake_end by = handshake->failure.by;

	handshake->failure.cause = alert_cause(handshake);
	warning_fact(handshake);
	if (rejects_certificate(alert) && by != END_UNKNOWN)
		certificate_facts(handshake, handshake_other_end(by), now);
	if (by == END_SERVER && !handshake->has_server_random &&
	    (alert == ALERT_HANDSHAKE_FAILURE || alert == ALERT_INSUFFICIENT_SECURITY))
		offer_facts(handshake);
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
	} else if (by != END_UNKNOWN && by != awaited) {
		handshake->failure.cause = FACT_NO_ANSWER;
		fact_add(handshake, FACT_NOT_READ, has_not_read(handshake, awaited));
		fact_add(handshake, FACT_NOT_SENT, has_not_sent(handshake, awaited));
	} else if (by == END_CLIENT) {
		certificate_facts(handshake, END_SERVER, now);
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

void handshake_causes(struct handshake *handshake, int64_t clock_offset_ns)
{
	int64_t now = ((int64_t)handshake->time_ns + clock_offset_ns) / 1000000000;

	if (is_closed_before(handshake)) {
		handshake->failure.kind = FAILURE_CLOSED;
		handshake->failure.by = END_SERVER;
		handshake->failure.cause = FACT_CLOSED_BEFORE;
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
		handshake->failure.cause = handshake->failure.protocol ? FACT_PLAINTEXT : FACT_NONE;
		break;
	}
}
