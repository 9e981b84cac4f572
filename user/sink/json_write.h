/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON as it is written: values go out one by one, nothing is allocated. A writer is on its
 * caller's stack for one line.
 */
#ifndef TLSTRACE_JSON_WRITE_H
#define TLSTRACE_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_CHUNK_SIZE 4096

struct sink_settings;

struct json {
	FILE *out;
	bool needs_comma;
	size_t used;
	char chunk[JSON_CHUNK_SIZE];
};

/* A line of this type, and its end. */
void json_line_begin(struct json *json, FILE *out, const char *type);
void json_schema(struct json *json); /* of the lines that have one, right after the type */
void json_line_end(struct json *json);

/* '{' or '[', and what closes it. */
void json_open(struct json *json, char bracket);
void json_close(struct json *json, char bracket);
void json_key(struct json *json, const char *key, size_t length);
void json_key_bytes(struct json *json, const void *bytes, size_t length);

void json_null(struct json *json);
void json_bool(struct json *json, bool value);
void json_number(struct json *json, uint64_t number);
/* In microseconds. */
void json_duration(struct json *json, int64_t ns);
/* Printable text of ours, without quotes and backslashes. */
void json_name(struct json *json, const char *name);
void json_words(struct json *json, const char *words, size_t length);
/* Bytes that anybody may have chosen: what is not printable UTF-8 becomes \xNN. */
void json_bytes(struct json *json, const void *bytes, size_t length);
/* A few bytes, in lower-case hexadecimal. */
void json_hex(struct json *json, const void *bytes, size_t length);
/* A number that is written already. */
void json_digits(struct json *json, const char *digits);

/* A key and its value. NULL is null. */
void json_name_field(struct json *json, const char *key, const char *name);
void json_text_field(struct json *json, const char *key, const char *text);
void json_number_field(struct json *json, const char *key, uint64_t number);
void json_time_field(struct json *json, const char *key, const struct sink_settings *settings,
		     uint64_t time_ns);

#endif
