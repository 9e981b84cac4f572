/* SPDX-License-Identifier: BSD-2-Clause */
/* The sentences that a row may end with: all there are, as the manual lists them. */
#ifndef TLSTRACE_VERDICT_H
#define TLSTRACE_VERDICT_H

#include "handshake/handshake.h"

enum verdict_form {
	VERDICT_OK,
	VERDICT_REFUSED_FOR,
	VERDICT_REFUSED,
	VERDICT_REJECTED_CERTIFICATE,
	VERDICT_WANTS_CERTIFICATE,
	VERDICT_ENCRYPTED_EARLY,
	VERDICT_ENCRYPTED_NO_CERTIFICATE,
	VERDICT_ENCRYPTED_CERTIFICATE,
	VERDICT_ENCRYPTED_FLIGHT,
	VERDICT_ENCRYPTED,
	VERDICT_GOODBYE,
	VERDICT_CLOSED,
	VERDICT_CLOSED_WAITING,
	VERDICT_CLOSED_QUIC,
	VERDICT_CLOSED_BEFORE,
	VERDICT_KILLED,
	VERDICT_RESET,
	VERDICT_RESET_WAITING,
	VERDICT_RESET_BETWEEN,
	VERDICT_SILENT,
	VERDICT_SILENT_AFTER_READING,
	VERDICT_SILENT_UNREAD,
	VERDICT_SILENT_UNSENT,
	VERDICT_SILENT_HELLO,
	VERDICT_SILENT_QUIC,
	VERDICT_QUIC_VERSION,
	VERDICT_OTHER_PROTOCOL,
	VERDICT_NOT_TLS,
	VERDICT_TRACE_ENDED,
	VERDICT_EVENTS_LOST,
	VERDICT_LATE_START,
	VERDICT_SSL2,
	VERDICT_FORMS,
};

/*
 * The sentence; words in capitals are filled in: WHO and PEER an end and its process or address,
 * SIDE "client" or "server", LAST the message before, TIME, ALERT, REASON, PROTOCOL, ERROR, SIGNAL.
 * Behind it may stand, in parentheses, what else may tell why.
 */
extern const char *const verdict_forms[VERDICT_FORMS];

enum verdict_form verdict_form(const struct handshake *handshake);

#endif
