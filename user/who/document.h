/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON of any content: parsed only if the tree of it stays small. json-c takes 800 bytes for "{}".
 */
#ifndef TLSTRACE_DOCUMENT_H
#define TLSTRACE_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/* To be put (json_object_put); NULL if it is too long, too deep, has too many values, or is no
 * JSON. */
struct json_object *document_parse(const char *text, size_t length);
/*
 * Of an array of any length: reads each object in it whose text has this string, in quotes, until
 * read returns true, as it then does. Only these are parsed.
 */
bool document_find(const char *text, size_t length, const char *string,
		   bool (*read)(struct json_object *object, void *context), void *context);

#endif
