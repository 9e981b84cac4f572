/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose turn it was to speak when a handshake ended. */
#ifndef TLSTRACE_TURN_H
#define TLSTRACE_TURN_H

#include "handshake/handshake.h"

/* The other one of the two ends. */
enum handshake_end handshake_other_end(enum handshake_end end);
/*
 * The last message before the end that demands an answer; not a close_notify, nor what crossed it.
 * NULL: there is none.
 */
const struct message *handshake_last_message(const struct handshake *handshake);
/* Whether the end that spoke last has to go on: a part of its flight did not come. */
bool handshake_is_mid_flight(const struct handshake *handshake);
/*
 * Whose turn it was: the other end than the one that spoke last, unless that one had to go on.
 */
enum handshake_end handshake_awaited(const struct handshake *handshake);

#endif
