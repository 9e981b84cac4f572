/* SPDX-License-Identifier: BSD-2-Clause */
/* What a connection shows after its handshake was completed: was it a refusal, who left it? */
#ifndef TLSTRACE_AFTER_H
#define TLSTRACE_AFTER_H

#include "handshake/progress.h"

/* An encrypted record. */
void after_record(struct progress *progress, const struct flow_message *from);
/* FIN or RST. */
void after_end(struct progress *progress, enum handshake_end by);
/* Nothing more will come: an alert that nothing followed was a refusal. */
void after_settle(struct progress *progress);
/*
 * A server that has got a client's certificate in TLS 1.3, or an empty one, says only after the
 * handshake whether it accepts that: it has not said so yet.
 */
bool after_awaits_judgement(const struct progress *progress);

#endif
