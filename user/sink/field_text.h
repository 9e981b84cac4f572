/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields as text, for the sinks that read them. */
#ifndef TLSTRACE_FIELD_TEXT_H
#define TLSTRACE_FIELD_TEXT_H

#include "handshake/fields.h"
#include "sink/sink.h"

#define FIELD_VALUE_SIZE 64

/* A row whose fields can be read, its verdict too. */
void field_row_start(struct field_row *row, const struct sink_settings *settings,
		     const struct handshake *handshake);

/*
 * A value that is not text or hexadecimal, as JSON has it; NULL: it cannot be written, as a date
 * that no calendar has. In to, or static.
 */
const char *field_value_text(const struct field *field, const struct field_value *value,
			     char to[FIELD_VALUE_SIZE]);

#endif
