/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a handshake failed, as far as what was seen carries: the offers, the certificates, the
 * sockets. What is certain is its cause; what only may explain it is a fact beside it.
 */
#ifndef TLSTRACE_CAUSE_H
#define TLSTRACE_CAUSE_H

#include "handshake/chain.h"
#include "handshake/handshake.h"
#include "handshake/turn.h"
#include "handshake/words.h"

/*
 * Fill failure.cause and failure.facts of a handshake that failed, and rejected_after of one that
 * was completed and then left by the client; certificates must have been read before.
 * clock_offset_ns is added to a time of the handshake for CLOCK_REALTIME.
 */
void handshake_causes(struct handshake *handshake, int64_t clock_offset_ns);

enum incomplete_reason handshake_incomplete_reason(const struct handshake *handshake);
/*
 * The ServerHello's random says that the server could have chosen more than this version (RFC 8446
 * section 4.1.3), and the client did offer more. 0: no.
 */
uint16_t handshake_downgrade(const struct handshake *handshake);
/* The name of a fact in JSON; NULL for FACT_NONE. */
const char *failure_fact_name(enum failure_fact fact);

#endif
