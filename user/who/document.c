// SPDX-License-Identifier: BSD-2-Clause
#include "who/document.h"

#include <json.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* About 6 MiB of objects and 8 MiB of other values at most; the bundle of a container with all of
 * Docker's defaults has 150 and 1,500. */
#define DEPTH_MAX  32
#define NESTED_MAX 8192	 /* objects and arrays */
#define VALUES_MAX 65536 /* by the commas and colons that separate them */
#define STRING_MAX 512

/* Reads JSON character by character, and knows only strings and nesting. */
struct scanner {
	const char *text, *end;
	bool in_string;
	size_t depth, deepest, nested, values;
};

static char scanner_next(struct scanner *scanner)
{
	char c = *scanner->text++;

	if (scanner->in_string) {
		if (c == '\\' && scanner->text < scanner->end)
			scanner->text++;
		scanner->in_string = c != '"';
		return 0;
	}
	scanner->in_string = c == '"';
	if (c == '{' || c == '[') {
		scanner->nested++;
		if (++scanner->depth > scanner->deepest)
			scanner->deepest = scanner->depth;
	} else if ((c == '}' || c == ']') && scanner->depth) {
		scanner->depth--;
	} else if (c == ',' || c == ':') {
		scanner->values++;
	}
	return c;
}

static bool is_small(const char *text, size_t length)
{
	struct scanner scanner = {.text = text, .end = text + length};

	while (scanner.text < scanner.end)
		scanner_next(&scanner);
	return scanner.deepest <= DEPTH_MAX && scanner.nested <= NESTED_MAX &&
	       scanner.values <= VALUES_MAX;
}

struct json_object *document_parse(const char *text, size_t length)
{
	struct json_tokener *tokener;
	struct json_object *document;

	if (length > INT_MAX || !is_small(text, length))
		return NULL;
	tokener = json_tokener_new_ex(DEPTH_MAX + 1);
	if (!tokener)
		return NULL;
	document = json_tokener_parse_ex(tokener, text, (int)length);
	json_tokener_free(tokener);
	return document;
}

static bool object_read(const char *text, size_t length,
			bool (*read)(struct json_object *object, void *context), void *context)
{
	struct json_object *object = document_parse(text, length);
	bool found = object && read(object, context);

	json_object_put(object);
	return found;
}

bool document_find(const char *text, size_t length, const char *string,
		   bool (*read)(struct json_object *object, void *context), void *context)
{
	struct scanner scanner = {.text = text, .end = text + length};
	char quoted[STRING_MAX], c, first = 0;
	size_t wanted = (size_t)snprintf(quoted, sizeof(quoted), "\"%s\"", string);
	const char *start = NULL;

	while (wanted < sizeof(quoted) && scanner.text < scanner.end) {
		c = scanner_next(&scanner);
		if (!first && scanner.nested)
			first = c;
		if (first == '[' && scanner.depth == 2 && c == '{')
			start = scanner.text - 1;
		if (scanner.depth != 1 || c != '}' || !start)
			continue;
		if (memmem(start, (size_t)(scanner.text - start), quoted, wanted) &&
		    object_read(start, (size_t)(scanner.text - start), read, context))
			return true;
		start = NULL;
	}
	return false;
}
