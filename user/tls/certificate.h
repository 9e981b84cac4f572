/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * X.509 certificates as libcrypto reads them, in the words that users read. A certificate does not
 * change once it is read; handshakes and the cache share it, by counting references.
 */
#ifndef TLSTRACE_CERTIFICATE_H
#define TLSTRACE_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/slice.h"

/* Longer texts are cut, and SANs beyond this number left out: no honest certificate comes near. */
#define CERTIFICATE_TEXT_MAX 4096
#define CERTIFICATE_SANS_MAX 1024
/* Not 0: some certificates begin in 1970. */
#define CERTIFICATE_TIME_UNKNOWN INT64_MIN

/*
 * Strings are raw bytes, NUL-terminated (sinks escape them); NULL is unknown. A NUL within a name
 * is written out, as \00 in subject and issuer and as \x00 in a SAN: it must not hide what follows
 * it.
 */
struct certificate {
	unsigned int references;
	bool broken;	/* the DER or a part of it could not be parsed, or something follows it */
	bool truncated; /* a text was cut, or a SAN left out */
	char *subject, *issuer; /* RFC 4514 with UTF-8 as it is: "CN=example.org,O=Example" */
	char **sans;		/* "DNS:example.org", "IP:192.0.2.1", "otherName:1.2.3;UTF8:name" */
	size_t san_count;
	int64_t not_before, not_after; /* seconds since 1970, UTC, or CERTIFICATE_TIME_UNKNOWN */
	char *key;	 /* "RSA 2048", "EC P-256", "Ed25519"; an OID if it has no name */
	char *signature; /* "sha256WithRSAEncryption"; an OID if it has no name */
	char *serial;	 /* upper-case hex without separators */
	char *subject_key, *authority_key; /* their identifiers, RFC 5280 section 4.2.1, as hex */
	uint32_t key_bits;		   /* the key's length; 0 unknown */
	bool key_is_rsa;
	bool weak_signature; /* with a hash that is no longer accepted: SHA-1 or MD5 */
	bool must_staple;    /* RFC 7633: the server has to send an OCSP response along */
	uint8_t sha256[32];  /* of the DER */
	uint32_t size;	     /* of the DER */
};

/*
 * Read a certificate; sha256 is its DER's. The caller has the one reference. NULL only without
 * memory: what is not a certificate is a broken one.
 */
struct certificate *certificate_parse(struct slice der, const uint8_t sha256[32]);
/* One more reference to it. */
struct certificate *certificate_share(struct certificate *certificate);
void certificate_release(struct certificate *certificate);

#endif
