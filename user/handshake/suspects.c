// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/suspects.h"

#include "handshake/chain.h"
#include "tls/hello.h"
#include "tls/names.h"

/* An offer of more is no explanation. */
#define SUSPECT_LIST_MAX 4

/* OpenSSL's security level 2, the default of Debian and others: 112 bits of security. */
enum { RSA_BITS_MIN = 2048, EC_BITS_MIN = 224 };

/* TLS 1.3 makes these mandatory (RFC 8446 section 9.1): a server that takes none of them is rare.
 */
enum {
	CIPHER_MANDATORY = 0x1301, /* TLS_AES_128_GCM_SHA256 */
	GROUP_MANDATORY = 0x0017,  /* secp256r1 */
};

static uint64_t fact_bit(enum failure_fact fact, bool holds)
{
	return holds ? UINT64_C(1) << fact : 0;
}

bool suspects_key_is_short(const struct certificate *certificate)
{
	return certificate->key_bits &&
	       certificate->key_bits < (certificate->key_is_rsa ? RSA_BITS_MIN : EC_BITS_MIN);
}

/* Nobody checks the signature by which a root vouches for itself. */
static bool is_weak(const struct chain *chain, const struct certificate *certificate)
{
	return certificate->weak_signature && !(chain->rooted && certificate == chain->top);
}

static uint64_t strength(const struct handshake *handshake, enum handshake_end of,
			 const struct chain *chain)
{
	uint64_t facts = 0;

	for (size_t i = 0; i < handshake->certificate_count; i++) {
		const struct certificate *one = handshake->certificates[i].certificate;

		if (handshake->certificates[i].from != of)
			continue;
		facts |= fact_bit(FACT_SHORT_KEY, suspects_key_is_short(one));
		facts |= fact_bit(FACT_WEAK_SIGNATURE, is_weak(chain, one));
	}
	return facts;
}

/* RFC 7633: of a client that can take an OCSP response, from a server that sent none. */
static bool lacks_staple(const struct handshake *handshake, const struct chain *chain)
{
	if (!chain->leaf || !chain->leaf->must_staple || handshake->ocsp_stapled)
		return false;
	for (size_t i = 0; i < handshake->offer.extensions.count; i++)
		if (handshake->offer.extensions.items[i] == TLS_EXTENSION_STATUS_REQUEST)
			return true;
	return false;
}

uint64_t suspects_certificate(const struct handshake *handshake, enum handshake_end of, int64_t now)
{
	const struct certificate *first = handshake_first_to_expire(handshake, of);
	const struct certificate *last = handshake_last_to_begin(handshake, of);
	struct chain chain;
	uint64_t facts;

	handshake_chain(handshake, of, &chain);
	facts = strength(handshake, of, &chain);
	facts |= fact_bit(FACT_EXPIRED, first && first->not_after < now);
	facts |= fact_bit(FACT_NOT_YET_VALID, last && last->not_before > now);
	facts |= fact_bit(FACT_SELF_SIGNED, chain.leaf && chain.rooted && chain.leaf == chain.top);
	if (of == END_SERVER) {
		facts |= fact_bit(FACT_CERTIFICATE_NAME, handshake_name_differs(handshake));
		facts |= fact_bit(FACT_MUST_STAPLE, lacks_staple(handshake, &chain));
	}
	return facts;
}

static bool has_code(const struct code_list *list, uint16_t code)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i] == code)
			return true;
	return false;
}

static size_t real_count(const struct code_list *list)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += !tls_is_grease(list->items[i]);
	return count;
}

static bool are_ciphers_unusual(const struct offer *offer)
{
	size_t count = real_count(&offer->ciphers);

	for (size_t i = 0; i < offer->ciphers.count; i++)
		count -= tls_is_signal(offer->ciphers.items[i]);
	return offer->ciphers.count && count <= SUSPECT_LIST_MAX &&
	       !has_code(&offer->ciphers, CIPHER_MANDATORY);
}

static bool are_groups_unusual(const struct offer *offer)
{
	size_t count = real_count(&offer->groups);

	return count && count <= SUSPECT_LIST_MAX && !has_code(&offer->groups, GROUP_MANDATORY);
}

/*
 * A server has a key of one kind, mostly: a list without RSA, or without ECDSA, shuts it out.
 * RFC 8446 section 4.2.3; in TLS 1.2 the low byte is the key's kind.
 */
static bool are_signatures_unusual(const struct offer *offer)
{
	const struct code_list *list = &offer->signatures;
	bool rsa = false, ecdsa = false;
	size_t count = real_count(list);

	for (size_t i = 0; i < list->count; i++) {
		uint16_t code = list->items[i];

		rsa |= (code & 0xff) == 1 || (code >= 0x0804 && code <= 0x0806);
		ecdsa |= (code & 0xff) == 3 && code >> 8 < 8;
	}
	return count && count <= SUSPECT_LIST_MAX && !(rsa && ecdsa);
}

uint64_t suspects_offer(const struct handshake *handshake)
{
	const struct offer *offer = &handshake->offer;

	return fact_bit(FACT_CIPHERS, are_ciphers_unusual(offer)) |
	       fact_bit(FACT_GROUPS, are_groups_unusual(offer)) |
	       fact_bit(FACT_SIGNATURES, are_signatures_unusual(offer)) |
	       fact_bit(FACT_NO_SERVER_NAME, !handshake->sni && offer->whole);
}
