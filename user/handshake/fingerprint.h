/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fingerprints of clients and servers: JA3 and JA3S as github.com/salesforce/ja3 publishes them,
 * and JA4 as github.com/FoxIO-LLC/ja4 does in technical_details/JA4.md.
 */
#ifndef TLSTRACE_FINGERPRINT_H
#define TLSTRACE_FINGERPRINT_H

#include "handshake/handshake.h"

/*
 * Fill ja3, ja3s and ja4. One stays empty where its hello was not seen whole, where memory is
 * short, or where libcrypto refuses the hash (MD5 in FIPS mode). An SSLv2-style hello has neither
 * JA3 nor JA4: their texts speak of TLS ClientHellos. After a HelloRetryRequest they are those of
 * the first ClientHello.
 */
void handshake_fingerprint(struct handshake *handshake);

#endif
