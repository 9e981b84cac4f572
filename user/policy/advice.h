/* SPDX-License-Identifier: BSD-2-Clause */
/* What to change where a handshake is not as it should be. */
#ifndef TLSTRACE_ADVICE_H
#define TLSTRACE_ADVICE_H

#include <stddef.h>

struct field;
struct field_row;

/* One clause that names the end which has to change; "" if that is not known. */
void advice_write(const struct field *field, struct field_row *row, char *to, size_t size);

#endif
