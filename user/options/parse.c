// SPDX-License-Identifier: BSD-2-Clause
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "expression/expression.h"
#include "log.h"
#include "options/options.h"
#include "options/table.h"
#include "options/values.h"
#include "sink/sink.h"

#define ROWS_MAX	    128
#define LONG_FIRST	    256 /* what getopt_long() returns for row 0: above all letters */
#define BUFFER_SIZE_DEFAULT (8 << 20)

/* What getopt_long(3) takes, made from the table. */
struct getopt_tables {
	struct option words[ROWS_MAX + 1];
	char letters[2 * ROWS_MAX + 3];
};

static void tables_fill(struct getopt_tables *tables)
{
	size_t length = 0, i;

	*tables = (struct getopt_tables){0};
	/* Stop at the first word that is no option; tell a missing value from an unknown option. */
	tables->letters[length++] = '+';
	tables->letters[length++] = ':';
	for (i = 0; i < option_row_count && i < ROWS_MAX; i++) {
		const struct option_row *row = &option_rows[i];

		tables->words[i] =
			(struct option){row->name, row->argument ? required_argument : no_argument,
					NULL, LONG_FIRST + i};
		if (!row->letter)
			continue;
		tables->letters[length++] = row->letter;
		if (row->argument)
			tables->letters[length++] = ':';
	}
}

static const struct option_row *row_find(int option)
{
	size_t i;

	if (option >= LONG_FIRST)
		return &option_rows[option - LONG_FIRST];
	for (i = 0; i < option_row_count; i++)
		if (option_rows[i].letter == option)
			return &option_rows[i];
	return NULL;
}

/*
 * Of several letters after one dash, as in -vxf, getopt does not say in its arguments which one is
 * wrong: optopt does.
 */
static void wrong_option(bool lacks_value, const char *word)
{
	const char letter[] = {'-', (char)optopt, 0};
	bool is_long = strncmp(word, "--", 2) == 0;
	int length = strcspn(word, "=");

	if (lacks_value)
		log_error("option '%s' takes a value; see tlstrace --help",
			  is_long ? word : letter);
	else if (optopt && is_long && word[length])
		log_error("option '%.*s' takes no value; see tlstrace --help", length, word);
	else
		log_error("there is no option '%s'; see tlstrace --help",
			  optopt && !is_long ? letter : word);
}

static bool option_set(struct options *options, const struct option_row *row, const char *value)
{
	char *field = (char *)options + row->offset;
	size_t *count = row->is_list ? (size_t *)((char *)options + row->count_offset) : NULL;

	if (count && *count == OPTIONS_LIST_MAX) {
		log_error("--%s was given more than %d times; use a pattern, or filter the output",
			  row->name, OPTIONS_LIST_MAX);
		return false;
	}
	if (row->read && !row->read(row, value, count ? field + *count * row->size : field)) {
		if (row->explains)
			return false;
		log_error("--%s takes %s, not '%s'%s; see tlstrace --help", row->name, row->takes,
			  value, count ? " (repeat the option for several values)" : "");
		return false;
	}
	if (count)
		++*count;
	return true;
}

static bool arguments_check(struct options *options, int argc, char **argv, int first)
{
	if (first == argc)
		return true;
	if (strcmp(argv[first - 1], "--") != 0) {
		log_error("unexpected argument '%s'; put '--' before a command to run",
			  argv[first]);
		return false;
	}
	options->command = &argv[first];
	return true;
}

/* At most one output may go where --output-file or the default says. */
static bool outputs_check(struct options *options)
{
	size_t unnamed = 0, i;

	if (!options->output_count)
		options->outputs[options->output_count++].sink = &sink_table;
	for (i = 0; i < options->output_count; i++)
		unnamed += !options->outputs[i].file;
	if (unnamed > 1)
		log_error("%zu outputs cannot share %s; give all but one a file: -o json=FILE",
			  unnamed, options->output_file ? options->output_file : "standard output");
	else if (!unnamed && options->output_file)
		log_error("--output-file needs an output without a file of its own; add -o table, "
			  "or leave it out");
	return unnamed == 1 || (!unnamed && !options->output_file);
}

/* Options that were given and need another one, or have no meaning for a capture. */
static bool combination_check(const struct options *options, const bool *given)
{
	size_t i;

	for (i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		if (!given[i])
			continue;
		if (row->needs && !row->needs_met(options)) {
			log_error("--%s needs %s; see tlstrace --help", row->name, row->needs);
			return false;
		}
		if (options->file && row->not_with_read) {
			log_error("--read cannot be combined with --%s: %s; leave one of them out",
				  row->name, row->not_with_read);
			return false;
		}
	}
	if (!options->file || !options->command)
		return true;
	log_error("--read cannot be combined with a command: reading a capture runs nothing; "
		  "leave one of them out");
	return false;
}

void options_free(struct options *options)
{
	size_t i;

	for (i = 0; i < options->where_count; i++)
		expression_free(options->wheres[i].expression);
	for (i = 0; i < options->expect_count; i++)
		expression_free(options->expects[i].expression);
	for (i = 0; i < options->report_count; i++)
		expression_free(options->reports[i].policy.expression);
}

enum options_result options_parse(struct options *options, int argc, char **argv)
{
	struct getopt_tables tables;
	bool given[ROWS_MAX] = {false};
	const struct option_row *row;
	int option;

	*options = (struct options){.role = -1};
	options->max_failed.percent = -1;
	options->source.buffer_size = BUFFER_SIZE_DEFAULT;
	tables_fill(&tables);
	opterr = 0; /* our own messages say what to do */
	while ((option = getopt_long(argc, argv, tables.letters, tables.words, NULL)) != -1) {
		row = row_find(option);
		if (option == '?' || option == ':' || !row) {
			wrong_option(option == ':', argv[optind - 1]);
			return OPTIONS_WRONG;
		}
		if (!option_set(options, row, optarg))
			return OPTIONS_WRONG;
		if (row->print) {
			row->print(optarg);
			return OPTIONS_EXIT;
		}
		given[row - option_rows] = true;
	}
	return arguments_check(options, argc, argv, optind) && outputs_check(options) &&
			       combination_check(options, given)
		       ? OPTIONS_RUN
		       : OPTIONS_WRONG;
}
