/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/json_value.h"

#include <json.h>
#include <stdlib.h>

#include "log.h"
#include "sink/text.h"

#define SCHEMA 1

void json_add(struct json_object *to, const char *key, struct json_object *value)
{
	/* A copy of each key would be a third of the price of a line. */
	const unsigned int flags = JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY;

	if (!to || json_object_object_add_ex(to, key, value, flags))
		json_object_put(value);
}

void json_append(struct json_object *list, struct json_object *value)
{
	if (!list || json_object_array_add(list, value))
		json_object_put(value);
}

struct json_object *json_name(const char *name)
{
	return name ? json_object_new_string(name) : NULL;
}

struct json_object *json_bytes(const void *bytes, size_t length)
{
	struct json_object *value = NULL;
	size_t size = 4 * length + 1;
	char *text = bytes ? malloc(size) : NULL;

	if (text)
		value = json_object_new_string_len(text,
						   (int)text_escape(bytes, length, text, size));
	free(text);
	return value;
}

struct json_object *json_duration(int64_t ns)
{
	char digits[TEXT_NUMBER_SIZE];

	text_microseconds(ns, digits);
	return json_object_new_double_s((double)ns / 1e3, digits);
}

struct json_object *json_time(const struct sink_settings *settings, uint64_t time_ns)
{
	char text[TEXT_TIME_SIZE];

	text_time(time_ns, settings->clock_offset_ns, text);
	return json_object_new_string(text);
}

struct json_object *json_line(const char *type)
{
	struct json_object *line = json_object_new_object();

	json_add(line, "type", json_name(type));
	json_add(line, "schema", json_object_new_int(SCHEMA));
	return line;
}

void json_write(const struct sink_settings *settings, struct json_object *line)
{
	const char *text =
		line ? json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN |
								    JSON_C_TO_STRING_NOSLASHESCAPE)
		     : NULL;

	if (text) {
		fputs(text, settings->out);
		putc('\n', settings->out);
	} else {
		log_error("no memory for a line of JSON, which is left out: free some memory");
	}
	json_object_put(line);
}
