/* SPDX-License-Identifier: BSD-2-Clause */
/* What the first bytes of a handshake look like: the rules of bpf/hello.bpf.h, for files. */
#ifndef TLSTRACE_OPENING_H
#define TLSTRACE_OPENING_H

#include <stdbool.h>
#include <stdint.h>

#include "tls/slice.h"

/* So many bytes always suffice to tell: record header, handshake header, version. */
#define OPENING_PREFIX 11

enum opening {
	OPENING_NONE,
	OPENING_MAYBE, /* too few bytes to tell */
	OPENING_HELLO,
};

/* Does a TCP payload begin with a ClientHello, of SSLv2's form too? */
enum opening opening_tcp(struct slice payload);
/* Does it, behind a handshake of TLS 1.2 or before, with a record that may be an encrypted one? */
bool opening_is_encrypted(struct slice payload);
/*
 * Is a UDP payload a client's first: a QUIC Initial of a known version, or a DTLS ClientHello?
 * identity is equal for packets that repeat the same handshake's first, 0 if unknown.
 */
bool opening_udp(struct slice payload, uint64_t *identity);

#endif
