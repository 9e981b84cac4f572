/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The option table: parsing, --help, the completion of bash and zsh, and the test of the manual
 * page all read it. To add an option, add a row to table.c and a field to struct options.
 */
#ifndef TLSTRACE_OPTIONS_TABLE_H
#define TLSTRACE_OPTIONS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options/options.h"

enum option_group {
	GROUP_INPUT,
	GROUP_FILTERS,
	GROUP_OUTPUT,
	GROUP_CHECKS,
	GROUP_RUN,
	GROUP_HIDDEN
};
#define OPTION_GROUPS GROUP_HIDDEN /* that --help shows */

/* What a shell completes the value with, unless the row has words. */
enum option_completion { COMPLETE_NOTHING, COMPLETE_FILES, COMPLETE_USERS, COMPLETE_INTERFACES };

struct option_row {
	const char *name; /* without its dashes */
	char letter;	  /* short name; 0: none */
	enum option_group group;
	const char *argument;	  /* name of the value; NULL: the option takes none */
	const char *help;	  /* one line or more, without a final full stop */
	const char *takes;	  /* which values are right: "--pid takes TAKES, not 'x'" */
	const char *const *words; /* all values, or NULL */
	enum option_completion completion;

	/* Read the value (NULL if it takes none) into the field, or into its list's next element.
	 */
	bool (*read)(const struct option_row *row, const char *value, void *to);
	uint64_t min, max;   /* for numbers, durations and sizes; max 0: no limit */
	size_t offset, size; /* of the field in struct options; of an element where it is a list */
	size_t count_offset; /* of the number of elements in struct options, if is_list */
	bool is_list;	     /* may be given up to OPTIONS_LIST_MAX times */

	bool explains;			  /* read() prints itself why a value is wrong */
	void (*print)(const char *value); /* print something and exit instead */
	const char *not_with_read;	  /* why it makes no sense with a capture; NULL: it does */
	const char *needs; /* without which it makes no sense, and whether that is there */
	bool (*needs_met)(const struct options *options);
};

extern const struct option_row option_rows[];
extern const size_t option_row_count;
extern const char *const option_groups[OPTION_GROUPS]; /* their titles */

void option_help_print(const char *value);
void option_fields_print(const char *value);
void option_completion_print(const char *shell);

#endif
