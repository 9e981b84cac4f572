/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code points of TLS and DTLS, as the words that users read.
 *
 * Every function returns a constant string that nobody frees, or NULL when the code point has no
 * name: reserved, unassigned and private ranges, and GREASE, have none. The result is printable
 * ASCII without quotes or backslashes, so it may go to a terminal or into JSON as it is.
 *
 * Names are IANA's. Where IANA's table says more than the name, it is left out: "(renamed from
 * ...)", "(OBSOLETE)", "(TEMPORARY ...)", and the suffix _RESERVED, which marks messages and alerts
 * of old versions that are still seen (hello_request, server_key_exchange, decryption_failed).
 * Only "connection_id (deprecated)" keeps its note, to tell extension 53 from 54. Code points that
 * are seen on the wire but were never IANA's have the names their authors use: registry/odd.tsv.
 */
#ifndef TLSTRACE_TLS_NAMES_H
#define TLSTRACE_TLS_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/* "SSLv2" to "TLSv1.3", "DTLSv1.0" to "DTLSv1.3"; drafts of TLS 1.3 (0x7fxx) have no name. */
const char *tls_version_name(uint16_t version);

/* SSLv2's three-byte cipher kinds do not fit and are not here. */
const char *tls_cipher_name(uint16_t cipher);
/* Bytes of the suite's hash in TLS 1.3, as its name says: 48 for SHA-384, else 32. */
uint32_t tls_cipher_hash_size(uint16_t cipher);
/* Bytes of the tag that a suite of TLS 1.3 puts after each record. */
uint32_t tls_cipher_tag_size(uint16_t cipher);

const char *tls_group_name(uint16_t group);
/* Its key exchange holds against a quantum computer: ML-KEM and its drafts, hybrid or alone. */
bool tls_group_is_post_quantum(uint16_t group);

/* TLS 1.2's pairs of hash and signature (RFC 5246, 7.4.1.4.1) are named like TLS 1.3's schemes. */
const char *tls_signature_name(uint16_t signature);

const char *tls_extension_name(uint16_t extension);

const char *tls_alert_name(uint8_t alert);

const char *tls_handshake_name(uint8_t handshake);

/* RFC 8422 section 5.1.2, RFC 8446 section 4.2.9, RFC 3749, RFC 6520; 8 bits wide on the wire. */
const char *tls_point_format_name(uint16_t format);
const char *tls_psk_mode_name(uint16_t mode);
const char *tls_compression_name(uint16_t method);
const char *tls_heartbeat_name(uint16_t mode);

/* Of ciphers, groups, signatures, extensions, versions: 0x0a0a, 0x1a1a ... 0xfafa (RFC 8701). */
bool tls_is_grease(uint16_t value);
/* A cipher suite that is none, but says something: RFC 5746's and RFC 7507's. */
bool tls_is_signal(uint16_t cipher);

#endif
