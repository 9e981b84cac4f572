/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TLSTRACE_FILTER_H
#define TLSTRACE_FILTER_H

#include <stdbool.h>

struct handshake;
struct options;

/* Does the user want to see this handshake? */
bool filter_matches(const struct options *options, const struct handshake *handshake);

#endif
