/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Expressions over the fields of a row, close to Wireshark's display filters:
 *
 *	version >= TLSv1.2 && !(group in {secp256r1, secp384r1})
 *	client.process.comm == curl or client.container.name ~ "web-*"
 *	total > 250ms and retransmissions > 0   # a comment
 *
 * They are three-valued: a comparison with something that is not known is neither true nor false.
 * A list matches if any of its elements does.
 */
#ifndef TLSTRACE_EXPRESSION_H
#define TLSTRACE_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "handshake/fields.h"

#define EXPRESSION_ERROR_SIZE 256
#define EXPRESSION_LENGTH_MAX 65536
#define EXPRESSION_FIELDS_MAX 4

enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN };

struct expression;

struct expression_error {
	size_t line, column; /* from 1 */
	char text[EXPRESSION_ERROR_SIZE];
};

/* An expression that a user gave, by what the user calls it: its text, or @POLICY. */
struct named_expression {
	const char *text;
	struct expression *expression;
};

/* Keeps a copy of the text. NULL, with what is wrong and where, on failure. */
struct expression *expression_parse(const char *text, struct expression_error *error);
void expression_free(struct expression *expression); /* NULL is fine */
enum truth expression_evaluate(const struct expression *expression, struct field_row *row);
/* Does it ask for something that is only read where a sink wants details? */
bool expression_wants_details(const struct expression *expression);

/* A part of an expression that keeps it from being true. */
struct expression_part {
	const char *text; /* borrowed from the expression, not NUL-terminated */
	size_t length;
	const struct field *fields[EXPRESSION_FIELDS_MAX]; /* that are responsible, each once */
	size_t field_count;
	enum truth truth; /* false or unknown */
};

/* Call for the smallest parts that are responsible: none if it is true. */
void expression_blame(const struct expression *expression, struct field_row *row,
		      void (*blame)(void *context, const struct expression_part *part),
		      void *context);
/* The values that a field has in this row, as people read them; "none", "unknown". Escaped. */
void expression_actual(const struct field *field, struct field_row *row, char *to, size_t size);

#endif
