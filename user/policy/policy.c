// SPDX-License-Identifier: BSD-2-Clause
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expression/expression.h"
#include "file_open.h"

static const struct policy {
	const char *name, *text;
} policies[] = {
/* Made from policies/ by the Makefile. */
#include "policies.h"
};

#define POLICY_COUNT (sizeof(policies) / sizeof(policies[0]))

static char *file_read(const char *path, char reason[POLICY_REASON_SIZE])
{
	char why[FILE_REASON_SIZE];
	int fd = file_open_read(path, why);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char *text = file ? calloc(1, EXPRESSION_LENGTH_MAX + 2) : NULL;
	size_t length = text ? fread(text, 1, EXPRESSION_LENGTH_MAX + 1, file) : 0;

	snprintf(reason, POLICY_REASON_SIZE, "cannot read %.60s: %.100s", path,
		 fd < 0 ? why
		 : text ? "it is empty; write an expression into it"
			: "out of memory");
	if (file)
		fclose(file);
	if (length)
		return text;
	free(text);
	return NULL;
}

static void names_write(char *to, size_t size)
{
	size_t length = 0, i;

	for (i = 0; i < POLICY_COUNT && length < size; i++)
		length += snprintf(to + length, size - length, "%s%s", i ? ", " : "",
				   policies[i].name);
}

char *policy_text(const char *name, char reason[POLICY_REASON_SIZE])
{
	char names[POLICY_REASON_SIZE - 64];
	size_t i;

	if (strchr(name, '/'))
		return file_read(name, reason);
	for (i = 0; i < POLICY_COUNT; i++)
		if (strcmp(policies[i].name, name) == 0)
			return strdup(policies[i].text);
	names_write(names, sizeof(names));
	snprintf(reason, POLICY_REASON_SIZE, "there is no policy %.24s; choose %s, or @./FILE",
		 name, names);
	return NULL;
}

/* The line "# KEY: VALUE" of a policy. */
static void line_print(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	if (!at)
		return;
	at += strlen(key);
	printf("%.*s", (int)strcspn(at, "\n"), at);
}

void policies_print(const char *value)
{
	size_t i;

	(void)value;
	for (i = 0; i < POLICY_COUNT; i++) {
		printf("@%-21s ", policies[i].name);
		line_print(policies[i].text, "# title: ");
		printf("\n%23s", "");
		line_print(policies[i].text, "# source: ");
		printf(" (");
		line_print(policies[i].text, "# date: ");
		printf(")\n");
	}
}
