/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a handshake shows that may have been the reason to refuse it: in the certificates of an end,
 * and in the client's offer. Only what is unusual is a suspect.
 */
#ifndef TLSTRACE_SUSPECTS_H
#define TLSTRACE_SUSPECTS_H

#include "handshake/handshake.h"

/* Bits 1 << enum failure_fact. now: seconds since 1970. */
uint64_t suspects_certificate(const struct handshake *handshake, enum handshake_end of,
			      int64_t now);
/* Before an answer that shows what the server took. */
uint64_t suspects_offer(const struct handshake *handshake);

/* Its key has less than the usual security. */
bool suspects_key_is_short(const struct certificate *certificate);

#endif
