/* SPDX-License-Identifier: BSD-2-Clause */
/* Each message changes its handshake by the rules of its protocol. */
#ifndef TLSTRACE_APPLY_H
#define TLSTRACE_APPLY_H

#include "handshake/progress.h"

/* Any message but a ClientHello (hellos.h), in wire order; sets the outcome if it decides it. */
void apply_message(struct progress *progress, const struct flow_message *message);
/* The connection ends with FIN or RST. */
void apply_end(struct progress *progress, bool from_client, bool reset, uint64_t time_ns);

#endif
