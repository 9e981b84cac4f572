/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Renegotiation (RFC 5246 section 7.4.1.1): a handshake within the encryption of the one before.
 * Record types, lengths and times are all that can be seen of it; TLS 1.3 has none.
 */
#ifndef TLSTRACE_RENEGOTIATION_H
#define TLSTRACE_RENEGOTIATION_H

#include "handshake/progress.h"

/* The client's encrypted hello: once its Finished was sent, it has no other handshake message to
 * send. */
bool renegotiation_begins(const struct flow_message *message);
/* May it come on a connection of this handshake? */
bool renegotiation_possible(const struct handshake *handshake);
/* What the first message says of the handshake it begins. */
void renegotiation_start(struct progress *progress, const struct flow_message *from);
/* A later one. Sets the outcome where it decides it. */
void renegotiation_apply(struct progress *progress, const struct flow_message *from);

#endif
