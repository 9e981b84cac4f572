/* SPDX-License-Identifier: BSD-2-Clause */
/* What every kind of message does to its handshake: it becomes a record of the row, or ends it. */
#ifndef TLSTRACE_OUTCOME_H
#define TLSTRACE_OUTCOME_H

#include "handshake/progress.h"

/*
 * Add a message to the row. NULL if there is no room for it; from->time_ns counts as a sign of life
 * anyway.
 */
struct message *outcome_record(struct progress *progress, const struct flow_message *from);
/* The same for a message of this kind. */
void outcome_record_kind(struct progress *progress, const struct flow_message *from,
			 enum message_kind kind);
/* The same for a handshake message in the clear. */
struct message *outcome_record_handshake(struct progress *progress, const struct flow_message *from,
					 uint8_t type);
/* The same for an encrypted record; its record type is remembered in any case. */
struct message *outcome_record_encrypted(struct progress *progress,
					 const struct flow_message *from);
/* Has an end sent an encrypted record of this type (tls/record.h)? */
bool outcome_has_encrypted(const struct progress *progress, enum handshake_end from, uint8_t kind);
/* By its length a record is this handshake message. message may be NULL: it has no place. */
void outcome_infer_message(struct progress *progress, struct message *message, uint8_t type);

/* These change a pending handshake only. */
void outcome_complete(struct progress *progress, uint64_t time_ns);
void outcome_fail(struct progress *progress, enum failure_kind kind, enum handshake_end by,
		  uint64_t time_ns);
void outcome_encrypted_alert(struct progress *progress, enum handshake_end by, uint64_t time_ns);
/* Nothing came for too long. */
void outcome_timeout(struct progress *progress, uint64_t now_ns);

#endif
