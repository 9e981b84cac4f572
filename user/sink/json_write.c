// SPDX-License-Identifier: BSD-2-Clause
#include "sink/json_write.h"

#include <string.h>

#include "sink/sink.h"
#include "sink/text.h"

#define SCHEMA 1

static void chunk_flush(struct json *json)
{
	fwrite(json->chunk, 1, json->used, json->out);
	json->used = 0;
}

/* Room for what is short, with its comma, quotes and colon. */
static char *room(struct json *json, size_t length)
{
	char *to;

	if (sizeof(json->chunk) - json->used < length + 4)
		chunk_flush(json);
	to = json->chunk + json->used;
	/* A comma comes before all but the first of a list and the value after a key. */
	if (json->needs_comma)
		*to++ = ',';
	json->needs_comma = true;
	return to;
}

static void written(struct json *json, const char *end)
{
	json->used = (size_t)(end - json->chunk);
}

static void raw(struct json *json, const char *bytes, size_t length)
{
	if (length > sizeof(json->chunk) - json->used)
		chunk_flush(json);
	if (length > sizeof(json->chunk)) {
		fwrite(bytes, 1, length, json->out);
		return;
	}
	memcpy(json->chunk + json->used, bytes, length);
	json->used += length;
}

static void raw_char(struct json *json, char c)
{
	if (json->used == sizeof(json->chunk))
		chunk_flush(json);
	json->chunk[json->used++] = c;
}

void json_open(struct json *json, char bracket)
{
	char *to = room(json, 1);

	*to++ = bracket;
	json->needs_comma = false;
	written(json, to);
}

void json_close(struct json *json, char bracket)
{
	raw_char(json, bracket);
	json->needs_comma = true;
}

void json_key(struct json *json, const char *key, size_t length)
{
	char *to = room(json, length);

	*to++ = '"';
	to = mempcpy(to, key, length);
	*to++ = '"';
	*to++ = ':';
	json->needs_comma = false;
	written(json, to);
}

static void literal(struct json *json, const char *text, size_t length)
{
	char *to = room(json, length);

	written(json, mempcpy(to, text, length));
}

void json_null(struct json *json)
{
	literal(json, "null", 4);
}

void json_bool(struct json *json, bool value)
{
	literal(json, value ? "true" : "false", value ? 4 : 5);
}

void json_digits(struct json *json, const char *digits)
{
	literal(json, digits, strlen(digits));
}

void json_number(struct json *json, uint64_t number)
{
	written(json, text_number(number, 1, room(json, TEXT_NUMBER_SIZE)));
}

void json_duration(struct json *json, int64_t ns)
{
	written(json, text_microseconds(ns, room(json, TEXT_NUMBER_SIZE)));
}

void json_words(struct json *json, const char *words, size_t length)
{
	char *to;

	if (length > TEXT_VERDICT_SIZE) {
		json_bytes(json, words, length);
		return;
	}
	to = room(json, length);
	*to++ = '"';
	to = mempcpy(to, words, length);
	*to++ = '"';
	written(json, to);
}

void json_name(struct json *json, const char *name)
{
	json_words(json, name, strlen(name));
}

static bool is_plain(uint8_t byte)
{
	return byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\';
}

static void quoted(struct json *json, char c)
{
	if (c == '"' || c == '\\')
		raw_char(json, '\\');
	raw_char(json, c);
}

static void string_body(struct json *json, const uint8_t *bytes, size_t length)
{
	struct text_escaper escaper = {.readers = TEXT_FOR_PROGRAMS};

	for (size_t at = 0, run; at < length;) {
		char escaped[TEXT_ESCAPED_MAX];
		size_t written;

		for (run = at; run < length && is_plain(bytes[run]);)
			run++;
		raw(json, (const char *)bytes + at, run - at);
		at = run;
		if (at == length)
			return;
		at += text_escape_next(&escaper, bytes + at, length - at, escaped, &written);
		for (size_t i = 0; i < written; i++)
			quoted(json, escaped[i]);
	}
}

void json_bytes(struct json *json, const void *bytes, size_t length)
{
	written(json, room(json, 0));
	raw_char(json, '"');
	string_body(json, bytes, length);
	raw_char(json, '"');
}

void json_key_bytes(struct json *json, const void *bytes, size_t length)
{
	json_bytes(json, bytes, length);
	raw_char(json, ':');
	json->needs_comma = false;
}

void json_hex(struct json *json, const void *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = bytes;
	char *to = room(json, 2 * length);

	*to++ = '"';
	for (size_t i = 0; i < length; i++) {
		*to++ = digits[from[i] >> 4];
		*to++ = digits[from[i] & 15];
	}
	*to++ = '"';
	written(json, to);
}

void json_name_field(struct json *json, const char *key, const char *name)
{
	json_key(json, key, strlen(key));
	if (name)
		json_name(json, name);
	else
		json_null(json);
}

void json_text_field(struct json *json, const char *key, const char *text)
{
	json_key(json, key, strlen(key));
	if (text)
		json_bytes(json, text, strlen(text));
	else
		json_null(json);
}

void json_number_field(struct json *json, const char *key, uint64_t number)
{
	json_key(json, key, strlen(key));
	json_number(json, number);
}

void json_time_field(struct json *json, const char *key, const struct sink_settings *settings,
		     uint64_t time_ns)
{
	char time[TEXT_TIME_SIZE];

	text_time(time_ns, settings->clock_offset_ns, time);
	json_name_field(json, key, time);
}

void json_line_begin(struct json *json, FILE *out, const char *type)
{
	json->out = out;
	json->used = 0;
	json->needs_comma = false;
	json_open(json, '{');
	json_name_field(json, "type", type);
}

void json_schema(struct json *json)
{
	json_number_field(json, "schema", SCHEMA);
}

/* With its newline, so that line buffering writes it as a whole. */
void json_line_end(struct json *json)
{
	json_close(json, '}');
	raw_char(json, '\n');
	chunk_flush(json);
}
