/* SPDX-License-Identifier: BSD-2-Clause */
/* The certificates of a handshake, as far as they crossed the wire in the clear: up to TLS 1.2. */
#ifndef TLSTRACE_CERTIFICATES_H
#define TLSTRACE_CERTIFICATES_H

#include "handshake/handshake.h"
#include "tls/certificate_cache.h"
#include "tls/slice.h"

/* Certificates of one message that are read: chains that anybody verifies are far shorter. */
#define HANDSHAKE_CERTIFICATES_MAX 32

/*
 * Keep the body of a Certificate message (RFC 5246 section 7.4.2) for
 * handshake_certificates_read(), its first 64 KiB at most. Only the first message of an end is
 * kept.
 */
void handshake_certificates_keep(struct handshake *handshake, enum handshake_end from,
				 struct slice body);
/*
 * Fill handshake->certificates from the messages that were kept; does nothing a second time. After
 * a fault, or beyond the limits, nothing is read, and handshake->truncated is set.
 */
void handshake_certificates_read(struct handshake *handshake, struct certificate_cache *cache);

#endif
