/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a handshake does not satisfy an expression, as text for people. */
#ifndef TLSTRACE_BLAME_H
#define TLSTRACE_BLAME_H

#include <stddef.h>

#include "expression/expression.h"

#define BLAME_SIZE 512

struct blame {
	char what[BLAME_SIZE];	 /* "version >= TLSv1.3: tls.version is TLSv1.2" */
	char advice[BLAME_SIZE]; /* what to change; "" unknown */
};

/* One part of an expression that is not true. */
void blame_write(const struct expression_part *part, struct field_row *row, struct blame *blame);
/* The first of an expression's. */
void blame_first(const struct expression *expression, struct field_row *row, struct blame *blame);

#endif
