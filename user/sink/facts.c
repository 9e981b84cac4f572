/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/facts.h"

#include <string.h>

#include "handshake/cause.h"
#include "handshake/suspects.h"
#include "sink/sink.h"
#include "tls/certificate.h"
#include "tls/names.h"

#define NAMES_MAX 3
#define NAME_SIZE 256

/* The end whose certificate was rejected: after a completed handshake that is the server's. */
static enum handshake_end rejected_end(const struct handshake *handshake)
{
	return handshake->outcome == HANDSHAKE_COMPLETED
		       ? END_SERVER
		       : handshake_other_end(handshake->failure.by);
}

typedef void fact_writer(struct text *text, const struct handshake *handshake);

static void bytes_append(struct text *text, const void *bytes, size_t length)
{
	char escaped[NAME_SIZE];

	text_escape(bytes, length, escaped, sizeof(escaped));
	text_append(text, "%s", escaped);
}

static void codes_append(struct text *text, const struct code_list *list, text_namer *name)
{
	const char *separator = "";
	char buffer[TEXT_CODE_SIZE];

	for (size_t i = 0; i < list->count; i++) {
		if (tls_is_grease(list->items[i]) ||
		    (name == tls_cipher_name && tls_is_signal(list->items[i])))
			continue;
		text_append(text, "%s%s", separator, text_code(name, list->items[i], buffer));
		separator = ", ";
	}
}

/* What the peer could have agreed to: without the extension, anything up to legacy_version. */
static void versions_write(struct text *text, const struct handshake *handshake)
{
	const struct offer *offer = &handshake->offer;
	char buffer[TEXT_CODE_SIZE];

	if (handshake->failure.by == END_CLIENT) {
		text_append(text, "server chose %s",
			    text_code(tls_version_name, handshake->version, buffer));
	} else if (offer->versions.count) {
		text_append(text, "client offers only ");
		codes_append(text, &offer->versions, tls_version_name);
	} else {
		text_append(text, "client offers at most %s",
			    text_code(tls_version_name, offer->version, buffer));
	}
}

static void ciphers_write(struct text *text, const struct handshake *handshake)
{
	text_append(text, "client offers only ");
	codes_append(text, &handshake->offer.ciphers, tls_cipher_name);
}

static void groups_write(struct text *text, const struct handshake *handshake)
{
	text_append(text, "client offers only ");
	codes_append(text, &handshake->offer.groups, tls_group_name);
}

static void alpn_write(struct text *text, const struct handshake *handshake)
{
	const char *separator = "";
	const uint8_t *name;
	size_t offset = 0, length;

	text_append(text, "client offers only the protocols ");
	while (text_alpn_next(&handshake->offer, &offset, &name, &length)) {
		text_append(text, "%s", separator);
		bytes_append(text, name, length);
		separator = ", ";
	}
}

static void server_name_write(struct text *text, const struct handshake *handshake)
{
	text_append(text, "it does not know the name ");
	bytes_append(text, handshake->sni, handshake->sni_length);
}

static void malformed_write(struct text *text, const struct handshake *handshake)
{
	(void)handshake;
	text_append(text, "the ClientHello is malformed");
}

static void fallback_write(struct text *text, const struct handshake *handshake)
{
	char buffer[TEXT_CODE_SIZE];

	text_append(text, "client says that it fell back to %s",
		    text_code(tls_version_name, handshake->offer.version, buffer));
}

static void downgrade_write(struct text *text, const struct handshake *handshake)
{
	char buffer[TEXT_CODE_SIZE];

	text_append(text, "server chose %s and marked that it could do more, which client offers",
		    text_code(tls_version_name, handshake->version, buffer));
}

/* Name the certificate, unless it is the leaf. */
static void validity_append(struct text *text, const struct handshake *handshake, const char *what,
			    int64_t limit, const struct certificate *certificate)
{
	enum handshake_end of = rejected_end(handshake);
	char time[TEXT_TIME_SIZE];

	if (!text_seconds(limit, time))
		return;
	text_append(text, "%s %s", what, time);
	if (certificate == handshake_leaf(handshake, of) || !certificate->subject)
		return;
	text_append(text, ": ");
	bytes_append(text, certificate->subject, strlen(certificate->subject));
}

static void expired_write(struct text *text, const struct handshake *handshake)
{
	const struct certificate *first =
		handshake_first_to_expire(handshake, rejected_end(handshake));

	if (first)
		validity_append(text, handshake, "not after", first->not_after, first);
}

static void not_yet_valid_write(struct text *text, const struct handshake *handshake)
{
	const struct certificate *last =
		handshake_last_to_begin(handshake, rejected_end(handshake));

	if (last)
		validity_append(text, handshake, "not before", last->not_before, last);
}

/* The name or address in a SAN; NULL: it is something else. */
static const char *san_name(const char *san)
{
	if (strncmp(san, "DNS:", 4) == 0)
		return san + 4;
	return strncmp(san, "IP:", 3) == 0 ? san + 3 : NULL;
}

static void name_write(struct text *text, const struct handshake *handshake)
{
	const struct certificate *leaf = handshake_leaf(handshake, END_SERVER);
	size_t shown = 0;

	text_append(text, "certificate is for ");
	for (size_t i = 0; leaf && i < leaf->san_count; i++) {
		const char *name = san_name(leaf->sans[i]);

		if (!name)
			continue;
		if (shown++ == NAMES_MAX) {
			text_append(text, ", ...");
			break;
		}
		text_append(text, "%s", shown > 1 ? ", " : "");
		bytes_append(text, name, strlen(name));
	}
	text_append(text, ", not ");
	bytes_append(text, handshake->sni, handshake->sni_length);
}

static void issuer_write(struct text *text, const struct handshake *handshake)
{
	struct chain chain;

	handshake_chain(handshake, rejected_end(handshake), &chain);
	if (!chain.top || !chain.top->issuer)
		return;
	text_append(text, "issued by ");
	bytes_append(text, chain.top->issuer, strlen(chain.top->issuer));
	if (!chain.rooted)
		text_append(text, ", which was not sent");
}

static void self_signed_write(struct text *text, const struct handshake *handshake)
{
	(void)handshake;
	text_append(text, "certificate is self-signed");
}

static void unrelated_write(struct text *text, const struct handshake *handshake)
{
	(void)handshake;
	text_append(text, "certificates were sent that do not belong to its chain");
}

/* The first certificate of the rejected end for which this holds. */
static const struct certificate *
certificate_find(const struct handshake *handshake,
		 bool (*holds)(const struct certificate *certificate))
{
	enum handshake_end of = rejected_end(handshake);

	for (size_t i = 0; i < handshake->certificate_count; i++)
		if (handshake->certificates[i].from == of &&
		    holds(handshake->certificates[i].certificate))
			return handshake->certificates[i].certificate;
	return NULL;
}

static bool is_weak(const struct certificate *certificate)
{
	return certificate->weak_signature;
}

static void certificate_append(struct text *text, const char *what,
			       const struct certificate *certificate, const char *value)
{
	text_append(text, "%s", what);
	if (value)
		bytes_append(text, value, strlen(value));
	if (certificate->subject) {
		text_append(text, ": ");
		bytes_append(text, certificate->subject, strlen(certificate->subject));
	}
}

static void short_key_write(struct text *text, const struct handshake *handshake)
{
	const struct certificate *found = certificate_find(handshake, suspects_key_is_short);

	if (found)
		certificate_append(text, "short key, ", found, found->key);
}

static void weak_signature_write(struct text *text, const struct handshake *handshake)
{
	const struct certificate *found = certificate_find(handshake, is_weak);

	if (found)
		certificate_append(text, "signed with ", found, found->signature);
}

static void must_staple_write(struct text *text, const struct handshake *handshake)
{
	(void)handshake;
	text_append(text, "certificate demands an OCSP response, and none was sent");
}

static void clock_write(struct text *text, const struct handshake *handshake)
{
	const struct certificate *first =
		handshake_first_to_expire(handshake, rejected_end(handshake));
	char time[TEXT_TIME_SIZE];

	if (first && text_seconds(first->not_after, time))
		text_append(text,
			    "by our clock it is valid until %s: look at the clock of the %s's host",
			    time, text_end(handshake->failure.by));
}

static void no_certificate_write(struct text *text, const struct handshake *handshake)
{
	(void)handshake;
	text_append(text, "it wants a certificate and got none");
}

static void signatures_write(struct text *text, const struct handshake *handshake)
{
	text_append(text, "client offers only ");
	codes_append(text, &handshake->offer.signatures, tls_signature_name);
}

static void no_server_name_write(struct text *text, const struct handshake *handshake)
{
	(void)handshake;
	text_append(text, "client sent no server name");
}

static void violation_write(struct text *text, const struct handshake *handshake)
{
	char code[TEXT_CODE_SIZE];

	text_append(text, "server broke the protocol: it ");
	switch (handshake->violation) {
	case VIOLATION_CIPHER:
		text_append(text, "chose %s, which was not offered",
			    text_code(tls_cipher_name, handshake->cipher, code));
		break;
	case VIOLATION_GROUP:
		text_append(text, "chose %s, for which it had no key share",
			    text_code(tls_group_name, handshake->group, code));
		break;
	case VIOLATION_SESSION_ID:
		text_append(text, "did not echo the session id");
		break;
	case VIOLATION_RETRY_TWICE:
		text_append(text, "sent a second HelloRetryRequest");
		break;
	case VIOLATION_RETRY_SHARED:
		text_append(text, "asked for a key share of %s, which it had",
			    text_code(tls_group_name, handshake->retry_group, code));
		break;
	case VIOLATION_NONE:
		break;
	}
}

static void warned_write(struct text *text, const struct handshake *handshake)
{
	char buffer[TEXT_CODE_SIZE];

	text_append(text, "after the warning %s", text_alert(handshake->failure.warning, buffer));
}

static void not_read_write(struct text *text, const struct handshake *handshake)
{
	(void)handshake;
	text_append(text, "which did not read from the connection");
}

static void hello_part_write(struct text *text, const struct handshake *handshake)
{
	text_append(text, "only %u of %u bytes of the ClientHello came", handshake->offer.received,
		    handshake->offer.size);
}

static void exited_write(struct text *text, const struct handshake *handshake)
{
	text_append(text, "the %s's process exited with status %u", text_end(handshake->failure.by),
		    handshake->ends[handshake->failure.by].exit_status);
}

static void not_sent_write(struct text *text, const struct handshake *handshake)
{
	(void)handshake;
	text_append(text, "whose answer never left this host");
}

/* Facts that are the reason in a sentence, and those that follow it in parentheses. */
static fact_writer *const reasons[FAILURE_FACTS] = {
	[FACT_VERSION] = versions_write,
	[FACT_ALPN] = alpn_write,
	[FACT_SERVER_NAME] = server_name_write,
	[FACT_MALFORMED_HELLO] = malformed_write,
	[FACT_FALLBACK] = fallback_write,
	[FACT_DOWNGRADE] = downgrade_write,
	[FACT_NO_SERVER_NAME] = no_server_name_write,
	[FACT_VIOLATION] = violation_write,
};

static fact_writer *const remarks[FAILURE_FACTS] = {
	[FACT_CIPHERS] = ciphers_write,
	[FACT_GROUPS] = groups_write,
	[FACT_EXPIRED] = expired_write,
	[FACT_NOT_YET_VALID] = not_yet_valid_write,
	[FACT_CERTIFICATE_NAME] = name_write,
	[FACT_ISSUER] = issuer_write,
	[FACT_WARNED] = warned_write,
	[FACT_NOT_READ] = not_read_write,
	[FACT_NOT_SENT] = not_sent_write,
	[FACT_HELLO_PART] = hello_part_write,
	[FACT_EXITED] = exited_write,
	[FACT_ALPN] = alpn_write,
	[FACT_SIGNATURES] = signatures_write,
	[FACT_NO_SERVER_NAME] = no_server_name_write,
	[FACT_SELF_SIGNED] = self_signed_write,
	[FACT_UNRELATED] = unrelated_write,
	[FACT_SHORT_KEY] = short_key_write,
	[FACT_WEAK_SIGNATURE] = weak_signature_write,
	[FACT_MUST_STAPLE] = must_staple_write,
	[FACT_CLOCK] = clock_write,
	[FACT_NO_CERTIFICATE] = no_certificate_write,
	[FACT_VIOLATION] = violation_write,
};

bool facts_has_reason(const struct handshake *handshake)
{
	switch (handshake->failure.cause) {
	case FACT_VERSION:
		return handshake->failure.by == END_SERVER
			       ? handshake->has_random
			       : handshake->failure.by == END_CLIENT && handshake->version;
	case FACT_ALPN:
		return handshake->offer.alpn_length > 0;
	case FACT_SERVER_NAME:
		return handshake->sni != NULL;
	default:
		return reasons[handshake->failure.cause] != NULL;
	}
}

void facts_reason(struct text *text, const struct handshake *handshake)
{
	reasons[handshake->failure.cause](text, handshake);
}

void facts_append(struct text *text, const struct handshake *handshake)
{
	const char *separator = " (";
	char remark[TEXT_VERDICT_SIZE];
	struct text part;

	for (size_t i = 0; i < FAILURE_FACTS; i++) {
		if (!remarks[i] || !(handshake->failure.facts >> i & 1))
			continue;
		text_start(&part, remark, sizeof(remark));
		remarks[i](&part, handshake);
		if (!part.length)
			continue;
		text_append(text, "%s%s", separator, remark);
		separator = "; ";
	}
	if (*separator == ';')
		text_append(text, ")");
}

void facts_departure(struct text *text, const struct handshake *handshake)
{
	remarks[handshake->rejected_after](text, handshake);
}
