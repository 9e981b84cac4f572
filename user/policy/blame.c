// SPDX-License-Identifier: BSD-2-Clause
#include "policy/blame.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "policy/advice.h"
#include "sink/sink.h"
#include "sink/text.h"

/* On one line, without comments, and shortened. */
static void part_write(const struct expression_part *part, char *to, size_t size)
{
	char plain[101];
	size_t length = 0, i;

	for (i = 0; i < part->length && length < sizeof(plain) - 1; i++) {
		char c = part->text[i];

		while (c == '#' && i < part->length && part->text[i] != '\n')
			i++;
		c = isspace((unsigned char)c) || c == '#' ? ' ' : c;
		if (c != ' ' || (length && plain[length - 1] != ' '))
			plain[length++] = c;
	}
	plain[length] = 0;
	text_escape(plain, length, to, size);
	if (i < part->length)
		strcpy(to + strlen(to) - 3, "...");
}

void blame_write(const struct expression_part *part, struct field_row *row, struct blame *blame)
{
	char actual[BLAME_SIZE / 4], shown[BLAME_SIZE / 2];
	struct text text;
	size_t i;

	blame->advice[0] = 0;
	text_start(&text, blame->what, sizeof(blame->what));
	part_write(part, shown, sizeof(shown));
	text_append(&text, "%s:%s", shown,
		    part->truth == TRUTH_UNKNOWN ? " cannot be decided:" : "");
	for (i = 0; i < part->field_count; i++) {
		expression_actual(part->fields[i], row, actual, sizeof(actual));
		text_append(&text, "%s %s is %s", i ? "," : "", part->fields[i]->path, actual);
		if (!*blame->advice)
			advice_write(part->fields[i], row, blame->advice, sizeof(blame->advice));
	}
}

struct first {
	struct field_row *row;
	struct blame *blame;
	bool found;
};

static void on_part(void *context, const struct expression_part *part)
{
	struct first *first = context;

	if (!first->found)
		blame_write(part, first->row, first->blame);
	first->found = true;
}

void blame_first(const struct expression *expression, struct field_row *row, struct blame *blame)
{
	struct first first = {row, blame, false};

	*blame = (struct blame){"", ""};
	expression_blame(expression, row, on_part, &first);
}
