// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/chain.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "handshake/certificates.h"

const struct certificate *handshake_leaf(const struct handshake *handshake, enum handshake_end end)
{
	for (size_t i = 0; i < handshake->certificate_count; i++)
		if (handshake->certificates[i].from == end)
			return handshake->certificates[i].certificate;
	return NULL;
}

static bool same_name(const char *one, const char *other)
{
	return one && other && *one && strcasecmp(one, other) == 0;
}

/* RFC 5280 section 6.1: by the names, and by the key identifiers where both are there. */
static bool has_issued(const struct certificate *issuer, const struct certificate *certificate)
{
	return same_name(certificate->issuer, issuer->subject) &&
	       (!certificate->authority_key || !issuer->subject_key ||
		strcmp(certificate->authority_key, issuer->subject_key) == 0);
}

/* The one that issued it and was not met before; count: none was sent. */
static size_t issuer_find(const struct handshake *handshake, enum handshake_end end,
			  const struct certificate *of, const bool *met)
{
	size_t i;

	for (i = 0; i < handshake->certificate_count; i++)
		if (handshake->certificates[i].from == end && !met[i] &&
		    has_issued(handshake->certificates[i].certificate, of))
			break;
	return i;
}

void handshake_chain(const struct handshake *handshake, enum handshake_end end, struct chain *chain)
{
	bool met[2 * HANDSHAKE_CERTIFICATES_MAX] = {false};
	size_t at = 0, count = handshake->certificate_count;

	*chain = (struct chain){.leaf = handshake_leaf(handshake, end)};
	while (at < count && handshake->certificates[at].certificate != chain->leaf)
		at++;
	while (at < count && at < sizeof(met)) {
		chain->top = handshake->certificates[at].certificate;
		met[at] = true;
		if (has_issued(chain->top, chain->top))
			break;
		at = issuer_find(handshake, end, chain->top, met);
	}
	chain->rooted = chain->top && has_issued(chain->top, chain->top);
	for (size_t i = 0; i < count && i < sizeof(met); i++)
		chain->unrelated |= handshake->certificates[i].from == end && !met[i] &&
				    handshake->certificates[i].certificate != chain->leaf;
}

const struct certificate *handshake_top(const struct handshake *handshake, enum handshake_end end)
{
	struct chain chain;

	handshake_chain(handshake, end, &chain);
	return chain.top;
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

/* RFC 6125 section 6.4.3: a star is the whole leftmost label. */
static bool name_matches(const char *pattern, const char *name)
{
	const char *rest = strchr(name, '.');

	if (strncmp(pattern, "*.", 2) == 0)
		return rest && rest != name && strcasecmp(pattern + 1, rest) == 0;
	return strcasecmp(pattern, name) == 0;
}

/* An address as text names the same one in several ways: those of IPv6 do. */
static bool same_address(const char *one, const char *other)
{
	uint8_t bytes[2][16];

	for (int family = AF_INET, left = 2; left--; family = AF_INET6)
		if (inet_pton(family, one, bytes[0]) == 1 &&
		    inet_pton(family, other, bytes[1]) == 1)
			return memcmp(bytes[0], bytes[1], family == AF_INET ? 4 : 16) == 0;
	return false;
}

bool handshake_name_differs(const struct handshake *handshake)
{
	const struct certificate *leaf = handshake_leaf(handshake, END_SERVER);
	bool has_names = false;

	if (!leaf || leaf->broken || leaf->truncated || !handshake->sni ||
	    strlen(handshake->sni) != handshake->sni_length)
		return false;
	for (size_t i = 0; i < leaf->san_count; i++) {
		const char *san = leaf->sans[i];
		bool is_name = strncmp(san, "DNS:", 4) == 0;

		if (is_name ? name_matches(san + 4, handshake->sni)
			    : strncmp(san, "IP:", 3) == 0 && same_address(san + 3, handshake->sni))
			return false;
		has_names |= is_name || strncmp(san, "IP:", 3) == 0;
	}
	return has_names;
}
