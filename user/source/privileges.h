/* SPDX-License-Identifier: BSD-2-Clause */
/* Which privileges tracing needs, and which are missing. */
#ifndef TLSTRACE_PRIVILEGES_H
#define TLSTRACE_PRIVILEGES_H

#include <stdbool.h>

/* Asked beforehand, because the kernel also answers EPERM for other reasons. */
bool privileges_held(void);
/* One message on stderr: the kernel refused something for lack of privileges. */
void privileges_explain(void);

#endif
