/* SPDX-License-Identifier: BSD-2-Clause */
/* IP datagrams put together from their fragments (RFC 791, RFC 8200 section 4.5). Bounded. */
#ifndef TLSTRACE_FRAGMENTS_H
#define TLSTRACE_FRAGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/slice.h"

/* Datagrams under way at most; the one that began first makes room. */
#define FRAGMENTS_DATAGRAMS_MAX 64

/* What the fragments of one datagram have in common. No padding: compared as bytes. */
struct fragment_key {
	uint8_t source[16], destination[16];
	uint64_t encapsulation;
	uint32_t identification;
	uint32_t protocol; /* of IPv4; 0 in IPv6, where the first fragment's counts */
};

struct fragment {
	struct fragment_key key;
	uint32_t offset;  /* bytes */
	bool more;	  /* it is not the last */
	uint8_t protocol; /* of what it carries */
	struct slice bytes;
};

struct fragments;

struct fragments *fragments_new(void); /* NULL without memory */
void fragments_free(struct fragments *fragments);
/*
 * Add a fragment. True if its datagram is whole with it: whole is borrowed until the next call,
 * protocol that of the first fragment. Fragments that overlap make their datagram void, as in Linux
 * and RFC 5722; one that only repeats what is there is left out.
 */
bool fragments_add(struct fragments *fragments, const struct fragment *fragment, uint64_t time_ns,
		   struct slice *whole, uint8_t *protocol);

#endif
