/* SPDX-License-Identifier: BSD-2-Clause */
/* X.509 certificates as libcrypto reads them, in the words that users read. */
#ifndef TLSTRACE_CERTIFICATE_H
#define TLSTRACE_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/slice.h"

/* One certificate. Strings are owned, raw bytes NUL-terminated (sinks escape them); NULL is unknown. */
struct certificate {
	bool from_client;
	bool broken;		/* the DER could not be parsed: only sha256 and size are set */
	char *subject, *issuer; /* RFC 4514 order and escaping is the printer's: "CN=...,O=..." */
	char **sans;		/* "DNS:example.org", "IP:192.0.2.1", "URI:...", "email:..." */
	size_t san_count;
	int64_t not_before, not_after; /* seconds since 1970, UTC; 0 unknown */
	char *key;	 /* "RSA 2048", "EC P-256", "Ed25519", "ML-DSA-65" */
	char *signature; /* OpenSSL's long or short name of the algorithm, as `openssl x509 -text` prints it */
	char *serial;	 /* upper-case hex without separators, as on the wire */
	uint8_t sha256[32];
	uint32_t size; /* of the DER */
};

#endif
