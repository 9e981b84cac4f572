/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets of a pcapng file (draft-ietf-opsawg-pcapng). libpcap reads only those whose interfaces
 * have one link type and one snapshot length, and whose sections have one byte order; what mergecap
 * and Wireshark write on several interfaces has not.
 */
#ifndef TLSTRACE_PCAPNG_H
#define TLSTRACE_PCAPNG_H

#include <stdint.h>
#include <stdio.h>

#include "tls/slice.h"

struct capture_packet {
	uint64_t time_ns; /* since the epoch, never 0 */
	int link_type; /* LINKTYPE_ or, of libpcap, DLT_: those that tlstrace knows have one number
			  but for raw IP */
	uint32_t wire_length;
	struct slice bytes; /* valid until the next one */
};

struct pcapng;

/* The stream is the reader's from here on, and closed with it. NULL without memory. */
struct pcapng *pcapng_new(FILE *stream);
void pcapng_free(struct pcapng *pcapng); /* NULL is fine */
/* The header of the first section; 0, or -EBADMSG: it is no pcapng file, see pcapng_error(). */
int pcapng_begin(struct pcapng *pcapng);
/* 1 and the next packet; 0 at the end; -EBADMSG where the file is broken, -ENOMEM. */
int pcapng_next(struct pcapng *pcapng, struct capture_packet *packet);
/* What is wrong, as part of a sentence. */
const char *pcapng_error(const struct pcapng *pcapng);

#endif
