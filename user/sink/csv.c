// SPDX-License-Identifier: BSD-2-Clause
/* A header line and a line per handshake, as RFC 4180 has it. Values are as in JSON. */
#include <stdio.h>
#include <string.h>

#include "sink/field_text.h"
#include "sink/sink.h"
#include "sink/text.h"

/* What people look for first; --columns chooses others. */
static const char default_columns[] =
	"time,outcome,client.process.comm,client.process.pid,client.ip,client.port,"
	"client.container.name,server.process.comm,server.process.pid,server.ip,server.port,"
	"server.container.name,tls.sni,tls.version,tls.cipher,tls.group,tls.alpn,tls.resumed,pq,"
	"latency.total_us,latency.rtt_us,failure.by,failure.cause,failure.alert,verdict";

struct cell {
	FILE *out;
	bool has_value;
};

/*
 * Within quotes only a quote needs care: no control character is left. Values of a list are
 * separated by semicolons, so in text from the wire a semicolon is escaped. A spreadsheet takes
 * what begins with one of these for a formula, and names from the wire may be anybody's: there
 * the first character is escaped too.
 */
static bool is_escaped(char c, bool is_first)
{
	return c == ';' || (is_first && strchr("=+-@", c));
}

static void char_print(FILE *out, char c)
{
	if (c == '"')
		fputc('"', out);
	fputc(c, out);
}

static void bytes_print(FILE *out, const uint8_t *bytes, size_t length)
{
	struct text_escaper escaper = {.readers = TEXT_FOR_PROGRAMS};
	char escaped[TEXT_ESCAPED_MAX];
	size_t written;

	for (size_t at = 0; at < length;) {
		if (is_escaped((char)bytes[at], !at)) {
			fprintf(out, "\\x%02x", bytes[at++]);
			continue;
		}
		at += text_escape_next(&escaper, bytes + at, length - at, escaped, &written);
		for (size_t i = 0; i < written; i++)
			char_print(out, escaped[i]);
	}
}

static void hex_print(FILE *out, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		fprintf(out, "%02x", bytes[i]);
}

static bool value_print(void *user, const struct field *field, const struct field_value *value)
{
	struct cell *cell = user;
	char buffer[FIELD_VALUE_SIZE];
	const char *text;

	if (cell->has_value)
		fputc(';', cell->out);
	cell->has_value = true;
	if (!value)
		return true;
	switch (field->type) {
	case FIELD_LABEL:
		bytes_print(cell->out, (const uint8_t *)value->text.key, strlen(value->text.key));
		fputc('=', cell->out);
		bytes_print(cell->out, value->text.bytes, value->text.length);
		break;
	case FIELD_TEXT:
	case FIELD_NAME:
		bytes_print(cell->out, value->text.bytes, value->text.length);
		break;
	case FIELD_HEX:
		hex_print(cell->out, value->text.bytes, value->text.length);
		break;
	default:
		text = field_value_text(field, value, buffer);
		fputs(text ? text : "", cell->out);
	}
	return true;
}

/* Text and lists are quoted, since they may have a comma in them; numbers and words are not. */
static bool is_quoted(const struct field *field)
{
	return field->is_list || field->repeats || field->type == FIELD_TEXT ||
	       field->type == FIELD_NAME;
}

static void cell_print(FILE *out, const struct field *field, struct field_row *row)
{
	struct cell cell = {.out = out};

	if (is_quoted(field))
		fputc('"', out);
	if (field_visit(field, row, value_print, &cell) == FIELD_UNKNOWN && field->says_unknown)
		fputs("unknown", out);
	if (is_quoted(field))
		fputc('"', out);
}

static void line_end(FILE *out)
{
	fputs("\r\n", out); /* RFC 4180 section 2 */
}

static void csv_start(const struct sink_settings *settings, const struct trace_start *start)
{
	const struct field_list *columns = settings->columns;

	(void)start;
	for (size_t i = 0; i < columns->count; i++)
		fprintf(settings->out, "%s%s", i ? "," : "", columns->items[i]->path);
	line_end(settings->out);
	fflush(settings->out);
}

static void csv_row(const struct sink_settings *settings, const struct handshake *handshake)
{
	const struct field_list *columns = settings->columns;
	struct field_row row;

	field_row_start(&row, settings, handshake);
	for (size_t i = 0; i < columns->count; i++) {
		if (i)
			fputc(',', settings->out);
		cell_print(settings->out, columns->items[i], &row);
	}
	line_end(settings->out);
}

static void csv_end(const struct sink_settings *settings, const struct trace_end *end)
{
	(void)end;
	fflush(settings->out);
}

const struct sink sink_csv = {
	.name = "csv",
	.has_columns = true,
	.columns = default_columns,
	.start = csv_start,
	.row = csv_row,
	.end = csv_end,
};
