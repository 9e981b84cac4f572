// SPDX-License-Identifier: BSD-2-Clause
/* Completion scripts for bash and zsh, from the option table. */
#include <stdio.h>
#include <string.h>

#include "options/table.h"

static bool is_shown(const struct option_row *row)
{
	return row->group != GROUP_HIDDEN;
}

static void words_print(const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		printf("%s%s", i ? " " : "", words[i]);
}

/* The command that lists what a value may be. */
static void bash_values_print(const struct option_row *row)
{
	static const char *const commands[] = {
		[COMPLETE_NOTHING] = "COMPREPLY=()",
		[COMPLETE_FILES] = "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))",
		[COMPLETE_USERS] = "COMPREPLY=($(compgen -u -- \"$cur\"))",
		[COMPLETE_INTERFACES] =
			"COMPREPLY=($(compgen -W \"any $(ls /sys/class/net)\" -- \"$cur\"))",
	};

	if (!row->words) {
		printf("%s ;;\n", commands[row->completion]);
		return;
	}
	fputs("COMPREPLY=($(compgen -W \"", stdout);
	words_print(row->words);
	fputs("\" -- \"$cur\")) ;;\n", stdout);
}

static void bash_print(void)
{
	size_t i;

	fputs("# bash completion for tlstrace; made from its option table\n"
	      "_tlstrace()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} i\n"
	      "\t# bash splits --option=value into three words.\n"
	      "\t[[ $cur == = ]] && cur=\n"
	      "\t[[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD-2]}\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\t[[ ${COMP_WORDS[i]} == -- ]] || continue\n"
	      "\t\tif declare -F _command_offset >/dev/null; then\n"
	      "\t\t\t_command_offset $((i + 1))\n"
	      "\t\telse\n"
	      "\t\t\tCOMPREPLY=($(compgen -c -f -- \"$cur\"))\n"
	      "\t\tfi\n"
	      "\t\treturn\n"
	      "\tdone\n"
	      "\tcase $prev in\n",
	      stdout);
	for (i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		if (!is_shown(row) || !row->argument)
			continue;
		printf("\t--%s", row->name);
		if (row->letter)
			printf(" | -%c", row->letter);
		fputs(") ", stdout);
		bash_values_print(row);
	}
	fputs("\t*) COMPREPLY=($(compgen -W \"", stdout);
	for (i = 0; i < option_row_count; i++)
		if (is_shown(&option_rows[i]))
			printf("--%s ", option_rows[i].name);
	fputs("--\" -- \"$cur\")) ;;\n\tesac\n}\ncomplete -F _tlstrace tlstrace\n", stdout);
}

/* Within a zsh specification brackets, colons and quotes have a meaning. */
static void zsh_text_print(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (strchr("[]:\\", *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void zsh_values_print(const struct option_row *row)
{
	static const char *const actions[] = {
		[COMPLETE_NOTHING] = " ",
		[COMPLETE_FILES] = "_files",
		[COMPLETE_USERS] = "_users",
		[COMPLETE_INTERFACES] = "_net_interfaces",
	};

	putchar(':');
	zsh_text_print(row->argument);
	putchar(':');
	if (row->words) {
		putchar('(');
		words_print(row->words);
		putchar(')');
	} else {
		fputs(actions[row->completion], stdout);
	}
}

static void zsh_row_print(const struct option_row *row)
{
	const char *repeat = row->is_list ? "*" : "";

	if (row->letter && row->is_list)
		printf("\t'*'{-%c%s,--%s%s}'[", row->letter, row->argument ? "+" : "", row->name,
		       row->argument ? "=" : "");
	else if (row->letter)
		printf("\t'(-%c --%s)'{-%c%s,--%s%s}'[", row->letter, row->name, row->letter,
		       row->argument ? "+" : "", row->name, row->argument ? "=" : "");
	else
		printf("\t'%s--%s%s[", repeat, row->name, row->argument ? "=" : "");
	zsh_text_print(row->help);
	putchar(']');
	if (row->argument)
		zsh_values_print(row);
	fputs("' \\\n", stdout);
}

static void zsh_print(void)
{
	size_t i;

	fputs("#compdef tlstrace\n# zsh completion for tlstrace; made from its option table\n"
	      "_arguments -s -S \\\n",
	      stdout);
	for (i = 0; i < option_row_count; i++)
		if (is_shown(&option_rows[i]))
			zsh_row_print(&option_rows[i]);
	fputs("\t'*::command:_normal'\n", stdout);
}

void option_completion_print(const char *shell)
{
	if (strcmp(shell, "zsh") == 0)
		zsh_print();
	else
		bash_print();
}
