/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Record headers, and what the first bytes of a ClientHello look like. Nothing deeper is decoded
 * here. */
#ifndef TLSTRACE_HELLO_BPF_H
#define TLSTRACE_HELLO_BPF_H

#include "vmlinux.h"

#define RECORD_HEADER 5
/* Record header, handshake header (RFC 8446 section 4) and the version both hellos begin with. */
#define HELLO_PREFIX 11
/* RFC 5246 section 6.2.3: 2^14 and 2048 of expansion. */
#define RECORD_LENGTH_MAX (16384 + 2048)

enum record_type {
	RECORD_CHANGE_CIPHER_SPEC = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_APPLICATION_DATA = 23,
	RECORD_HEARTBEAT = 24,
	RECORD_DTLS_CID = 25, /* RFC 9146 */
	RECORD_DTLS_ACK = 26, /* RFC 9147 */
};

static __always_inline __u32 record_length(const __u8 *header)
{
	return (__u32)header[3] << 8 | header[4];
}

static __always_inline bool version_is_known(const __u8 *version)
{
	return version[0] == 3 && version[1] <= 4;
}

static __always_inline bool record_valid(const __u8 *header)
{
	return header[0] >= RECORD_CHANGE_CIPHER_SPEC && header[0] <= RECORD_HEARTBEAT &&
	       version_is_known(header + 1) && record_length(header) <= RECORD_LENGTH_MAX;
}

/* Are the first length bytes those of a record whose handshake message is a hello of this type? */
static __always_inline bool hello_matches(const __u8 *bytes, __u32 length, __u8 type)
{
	__u32 record = record_length(bytes);

	if (length >= 1 && bytes[0] != RECORD_HANDSHAKE)
		return false;
	if (length < RECORD_HEADER)
		return true;
	if (record == 0 || record > RECORD_LENGTH_MAX)
		return false;
	if (length >= 6 && bytes[5] != type)
		return false;
	/* A hello is shorter than 64 KiB; a record may end here (hellos split over records). */
	if (length >= 7 && record >= 2 && bytes[6] != 0)
		return false;
	if (record < 6)
		return version_is_known(bytes + 1);
	if (length < HELLO_PREFIX)
		return true;
	if (version_is_known(bytes + 1) && version_is_known(bytes + 9))
		return true;
	/* An undefined version: the lengths of record and message must agree. */
	return ((__u32)bytes[7] << 8 | bytes[8]) + 4 == record;
}

/* A handshake record long enough for a ClientHello's 41 bytes, whatever its contents. */
static __always_inline bool hello_may_be_encrypted(const __u8 *bytes)
{
	return bytes[0] == RECORD_HANDSHAKE && bytes[1] == 3 && bytes[2] <= 3 &&
	       record_length(bytes) > 41 && record_length(bytes) <= RECORD_LENGTH_MAX;
}

/*
 * SSLv2-style ClientHello (RFC 5246 appendix E.2): the lengths inside must add up to the length
 * outside, which leaves next to no room for chance. Returns the length of the whole, or 0.
 */
static __always_inline __u32 hello_v2_length(const __u8 *bytes)
{
	__u32 length = ((__u32)bytes[0] & 0x7f) << 8 | bytes[1];
	__u32 ciphers = (__u32)bytes[5] << 8 | bytes[6];
	__u32 session = (__u32)bytes[7] << 8 | bytes[8];
	__u32 challenge = (__u32)bytes[9] << 8 | bytes[10];

	if (!(bytes[0] & 0x80) || bytes[2] != 1)
		return 0;
	if (!(bytes[3] == 3 && bytes[4] <= 4) && !(bytes[3] == 0 && bytes[4] == 2))
		return 0;
	if (ciphers == 0 || ciphers % 3 || challenge < 16 || challenge > 32 ||
	    9 + ciphers + session + challenge != length)
		return 0;
	return length + 2;
}

/* What may precede a ClientHello in its segment: an empty record, or a PROXY header. */
static __always_inline bool hello_may_follow(const __u8 *bytes)
{
	if (bytes[0] == RECORD_HANDSHAKE)
		return version_is_known(bytes + 1) && !record_length(bytes) &&
		       bytes[RECORD_HEADER] == RECORD_HANDSHAKE;
	if (bytes[0] == 'P')
		return bytes[1] == 'R' && bytes[2] == 'O' && bytes[3] == 'X' && bytes[4] == 'Y' &&
		       bytes[5] == ' ';
	/* As much of the signature of version 2 as there is here. */
	return bytes[0] == '\r' && bytes[1] == '\n' && bytes[2] == '\r' && bytes[3] == '\n' &&
	       bytes[4] == 0 && bytes[5] == '\r' && bytes[6] == '\n' && bytes[7] == 'Q' &&
	       bytes[8] == 'U' && bytes[9] == 'I' && bytes[10] == 'T';
}

#endif
