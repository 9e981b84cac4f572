/* SPDX-License-Identifier: BSD-2-Clause */
/* Reasons for a handshake's latency that are known from its packets. */
#ifndef TLSTRACE_SLOW_H
#define TLSTRACE_SLOW_H

#include "handshake/model.h"

/* Fill the causes of handshake->latency; its phases are known. */
void slow_fill(struct model *model);

#endif
