// SPDX-License-Identifier: BSD-2-Clause
#include "tls/certificate_cache.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#define WAYS 4
#define SETS (CERTIFICATE_CACHE_ENTRIES / WAYS)
/* Larger ones are rare, and would let anybody who sends them fill the memory. */
#define DER_MAX 8192

struct slot {
	struct certificate *certificate;
	uint64_t used;
};

/* Sets of a few slots, by hash; the one that was used longest ago gives way. */
struct certificate_cache {
	struct slot sets[SETS][WAYS];
	uint64_t clock;
	EVP_MD *sha256; /* EVP_sha256() is looked up anew at each use */
};

struct certificate_cache *certificate_cache_new(void)
{
	struct certificate_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (cache->sha256)
		return cache;
	certificate_cache_free(cache);
	return NULL;
}

void certificate_cache_free(struct certificate_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < CERTIFICATE_CACHE_ENTRIES; i++)
		certificate_release(cache->sets[i / WAYS][i % WAYS].certificate);
	EVP_MD_free(cache->sha256);
	free(cache);
}

/* The slot that holds the certificate; else an empty one, if need be made so. */
static struct slot *slot_find(struct certificate_cache *cache, const uint8_t sha256[32])
{
	struct slot *set = cache->sets[sha256[0] % SETS], *oldest = set;

	for (struct slot *slot = set; slot < set + WAYS; slot++) {
		if (slot->certificate && memcmp(slot->certificate->sha256, sha256, 32) == 0)
			return slot;
		if (slot->used < oldest->used)
			oldest = slot;
	}
	certificate_release(oldest->certificate);
	oldest->certificate = NULL;
	return oldest;
}

struct certificate *certificate_cache_get(struct certificate_cache *cache, struct slice der)
{
	struct certificate *certificate;
	uint8_t sha256[32];
	struct slot *slot;

	if (!EVP_Digest(der.bytes, der.length, sha256, NULL, cache->sha256, NULL))
		return NULL;
	if (der.length > DER_MAX)
		return certificate_parse(der, sha256);
	slot = slot_find(cache, sha256);
	slot->used = ++cache->clock;
	if (!slot->certificate)
		slot->certificate = certificate_parse(der, sha256);
	certificate = slot->certificate;
	return certificate ? certificate_share(certificate) : NULL;
}
