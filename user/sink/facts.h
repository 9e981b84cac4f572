/* SPDX-License-Identifier: BSD-2-Clause */
/* In words what is known about why a handshake failed: handshake/cause.h. */
#ifndef TLSTRACE_FACTS_H
#define TLSTRACE_FACTS_H

#include "handshake/handshake.h"
#include "sink/text.h"

/* Whether its cause is one that facts_reason() has words for. */
bool facts_has_reason(const struct handshake *handshake);
void facts_reason(struct text *text, const struct handshake *handshake);
/* What else may explain it: " (one; another)", or nothing. */
void facts_append(struct text *text, const struct handshake *handshake);

/* Why the client left a completed handshake: rejected_after. */
void facts_departure(struct text *text, const struct handshake *handshake);

#endif
