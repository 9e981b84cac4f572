// SPDX-License-Identifier: BSD-2-Clause
/* --help, from the option table. */
#include <stdio.h>
#include <string.h>

#include "options/table.h"

#define HELP_INDENT 27
#define HELP_WIDTH  90

static const char introduction[] =
	"Usage: tlstrace [OPTION...] [-- COMMAND [ARGUMENT...]]\n"
	"Show every TLS handshake on this host as it happens: which process negotiated what with\n"
	"whom, how long each part took, and who rejected whom and why. With COMMAND: run it, and\n"
	"show only the handshakes of it and its descendants.\n";

static const char conclusion[] =
	"\n"
	"Filters match either end of a handshake. Repeat an option to match any of several "
	"values;\n"
	"filters of different kinds must all match.\n"
	"\n"
	"Examples:\n"
	"  tlstrace -o tree -- curl https://example.org/    one command, its handshakes in full\n"
	"  tlstrace --slower-than 250ms -o tree             what is slow, and why\n"
	"  tlstrace --failed                                what fails, and who rejected whom\n"
	"  tlstrace -r capture.pcap --summary table         a summary of a capture\n"
	"\n"
	"Exit status: 0 success, 1 could not run, 2 wrong usage, 3 --strict and something was\n"
	"lost, 4 --expect or --max-failed failed. With COMMAND: its own exit status, or 128 plus\n"
	"the signal that killed it; 4 if an expectation failed too.\n";

static void indent(int from)
{
	printf("%*s", HELP_INDENT - from, "");
}

/* Words of the text, wrapped; the cursor is in the text's first column. */
static void text_print(const char *text)
{
	size_t column = HELP_INDENT;

	while (*text) {
		size_t length = strcspn(text, " ");

		if (column > HELP_INDENT && column + 1 + length > HELP_WIDTH) {
			putchar('\n');
			indent(0);
			column = HELP_INDENT;
		}
		column += printf("%s%.*s", column > HELP_INDENT ? " " : "", (int)length, text);
		text += length;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void row_print(const struct option_row *row)
{
	int width;

	if (row->letter)
		width = printf("  -%c, --%s", row->letter, row->name);
	else
		width = printf("      --%s", row->name);
	if (row->argument)
		width += printf(" %s", row->argument);
	if (width > HELP_INDENT - 2) { /* two spaces at least */
		putchar('\n');
		width = 0;
	}
	indent(width);
	text_print(row->help);
}

void option_help_print(const char *value)
{
	int group;
	size_t i;

	(void)value;
	fputs(introduction, stdout);
	for (group = 0; group < OPTION_GROUPS; group++) {
		printf("\n%s:\n", option_groups[group]);
		for (i = 0; i < option_row_count; i++)
			if ((int)option_rows[i].group == group)
				row_print(&option_rows[i]);
	}
	fputs(conclusion, stdout);
}
