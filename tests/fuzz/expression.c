// SPDX-License-Identifier: BSD-2-Clause
/* The text of an expression; what it means on a row that has a bit of everything. */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expression/expression.h"

static void on_blame(void *context, const struct expression_part *part)
{
	struct field_row *row = context;
	char actual[64];

	for (size_t i = 0; i < part->field_count; i++)
		expression_actual(part->fields[i], row, actual, sizeof(actual));
	if (part->truth == TRUTH_TRUE || part->length > EXPRESSION_LENGTH_MAX)
		abort();
}

static struct handshake *row_new(void)
{
	static uint16_t codes[] = {0x1a1a, 0x0304, 0x0303, 0x001d, 0x11ec};
	struct handshake *handshake = handshake_new();

	if (!handshake)
		abort();
	handshake->has_random = true;
	handshake->time_ns = 1700000000ULL * 1000000000;
	handshake->outcome = HANDSHAKE_FAILED;
	handshake->sni = (char *)"www.example.org";
	handshake->sni_length = strlen(handshake->sni);
	handshake->offer.versions = handshake->offer.groups = (struct code_list){codes, 5};
	handshake->ends[END_CLIENT].process.pid = 1;
	return handshake;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct handshake *handshake;
	struct expression_error error = {0};
	struct expression *expression;
	char *text = strndup((const char *)data, size);
	struct field_row row = {0};
	enum truth truth;

	if (!text)
		return 0;
	if (!handshake)
		handshake = row_new();
	row.handshake = handshake;
	expression = expression_parse(text, &error);
	if (expression) {
		truth = expression_evaluate(expression, &row);
		if (truth != TRUTH_TRUE)
			expression_blame(expression, &row, on_blame, &row);
	} else if (!error.text[0] || !error.line || !error.column) {
		abort();
	}
	expression_free(expression);
	free(text);
	return 0;
}
