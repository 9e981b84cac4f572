/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a handshake failed, as far as what was seen carries: the offers, the certificates, the
 * sockets. What is certain is its cause; what only may explain it is a fact beside it.
 */
#ifndef TLSTRACE_CAUSE_H
#define TLSTRACE_CAUSE_H

#include "handshake/handshake.h"
#include "handshake/words.h"

/* An offer of more is no explanation. */
#define CAUSE_LIST_MAX 4

/*
 * Fill failure.cause and failure.facts of a handshake that failed; certificates must have been read
 * before. clock_offset_ns is added to a time of the handshake for CLOCK_REALTIME.
 */
void handshake_causes(struct handshake *handshake, int64_t clock_offset_ns);

enum incomplete_reason handshake_incomplete_reason(const struct handshake *handshake);
/* The end that this one dealt with. */
enum handshake_end handshake_other_end(enum handshake_end end);
/* The last message before its end, neither a goodbye nor what crossed that; NULL: there is none. */
const struct message *handshake_last_message(const struct handshake *handshake);
/* Whether who spoke last has to go on: a part of its flight did not come. */
bool handshake_is_mid_flight(const struct handshake *handshake);
/* Whose turn it was to speak when it ended: the other end than the one that spoke last, unless that
 * had to go on. */
enum handshake_end handshake_awaited(const struct handshake *handshake);
/* Of an end's certificates the one whose time ends first, and the one whose time begins last; NULL:
 * none. */
const struct certificate *handshake_first_to_expire(const struct handshake *handshake,
						    enum handshake_end end);
const struct certificate *handshake_last_to_begin(const struct handshake *handshake,
						  enum handshake_end end);
/* The first certificate that an end sent, and the last; NULL: none was seen. */
const struct certificate *handshake_leaf(const struct handshake *handshake, enum handshake_end end);
const struct certificate *handshake_top(const struct handshake *handshake, enum handshake_end end);
/*
 * The ServerHello's random says that the server could have chosen more than this version (RFC 8446
 * section 4.1.3), and the client did offer more. 0: no.
 */
uint16_t handshake_downgrade(const struct handshake *handshake);
/* The name of a fact in JSON; NULL for FACT_NONE. */
const char *failure_fact_name(enum failure_fact fact);

#endif
