/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the first bytes of a handshake look like. The rules of user space: bpf/hello.bpf.h has those
 * of the kernel side.
 */
#ifndef TLSTRACE_BEGINNING_H
#define TLSTRACE_BEGINNING_H

#include <stdbool.h>
#include <stdint.h>

#include "tls/slice.h"

/* So many bytes always suffice to tell: a PROXY header with its TLVs, and the hello's first. */
#define BEGINNING_PREFIX 1024

enum beginning {
	BEGINS_NOTHING,
	BEGINS_MAYBE, /* too few bytes to tell */
	BEGINS_HELLO,
	BEGINS_UNKNOWN_QUIC, /* a client's first packet of a QUIC version that is not decoded */
};

/*
 * Does a TCP payload begin with a ClientHello, SSLv2's form included? before: so many bytes of it
 * are a PROXY header, which comes first.
 */
enum beginning beginning_tcp(struct slice payload, size_t *before);
/* Does it, after a handshake of TLS 1.2 or before, begin with a record that may be an encrypted
 * one? */
bool beginning_is_encrypted(struct slice payload);
/* Does it begin with the header of a record? */
bool beginning_is_record(struct slice payload);
/*
 * Is a UDP payload a client's first: a QUIC Initial, or a DTLS ClientHello? identity, bytes
 * of it, is equal for packets that repeat the same handshake's first; empty if that is not known.
 */
enum beginning beginning_udp(struct slice payload, struct slice *identity);
/* Does a UDP payload begin with a QUIC Version Negotiation packet? */
bool beginning_is_version_negotiation(struct slice payload);

#endif
