/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The certificates met last. Fleets see the same few again and again, and libcrypto takes long to
 * read one: a known certificate costs a hash only.
 */
#ifndef TLSTRACE_CERTIFICATE_CACHE_H
#define TLSTRACE_CERTIFICATE_CACHE_H

#include "tls/certificate.h"

/* Certificates it keeps at most. */
#define CERTIFICATE_CACHE_ENTRIES 1024

struct certificate_cache;

struct certificate_cache *certificate_cache_new(void); /* NULL without memory */
/* Certificates that were handed out live on. */
void certificate_cache_free(struct certificate_cache *cache);
/* The certificate with this DER, known or read now; release it. NULL without memory. */
struct certificate *certificate_cache_get(struct certificate_cache *cache, struct slice der);

#endif
