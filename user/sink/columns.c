// SPDX-License-Identifier: BSD-2-Clause
#include "sink/columns.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sink/field_text.h"
#include "sink/sink.h"
#include "sink/text.h"

#define CELL_SIZE   1152
#define NARROWEST   6 /* a column is dropped rather than made narrower */
#define NS_PER_S    1000000000LL
#define NS_PER_DAY  (86400 * NS_PER_S)
#define UNIT_SUFFIX "_us"

/* Room that holds all but the longest values. */
static size_t type_width(const struct field *field)
{
	static const size_t widths[FIELD_TYPES] = {
		[FIELD_BOOL] = 5,   [FIELD_NUMBER] = 8,	   [FIELD_DURATION] = 11,
		[FIELD_TIME] = 12,  [FIELD_DATE] = 20,	   [FIELD_WORD] = 10,
		[FIELD_NAME] = 16,  [FIELD_CODE] = 22,	   [FIELD_VERSION] = 8,
		[FIELD_TEXT] = 24,  [FIELD_HEX] = 64,	   [FIELD_IP] = 15,
		[FIELD_LABEL] = 30, [FIELD_ENDPOINT] = 21,
	};

	return field->is_list ? 2 * widths[field->type] : widths[field->type];
}

static bool is_right(const struct field *field)
{
	return !field->is_list && (field->type == FIELD_NUMBER || field->type == FIELD_DURATION);
}

/* "CLIENT.PROCESS.PID"; the unit is at the values. */
static void title_write(const struct field *field, char cell[CELL_SIZE])
{
	const char *alias = field_alias(field);
	size_t length;

	snprintf(cell, CELL_SIZE, "%s", alias ? alias : field->path);
	length = strlen(cell);
	if (length > strlen(UNIT_SUFFIX) &&
	    !strcmp(cell + length - strlen(UNIT_SUFFIX), UNIT_SUFFIX))
		cell[length - strlen(UNIT_SUFFIX)] = '\0';
	for (char *at = cell; *at; at++)
		*at = (char)toupper((unsigned char)*at);
}

static size_t column_wish(const struct field *field)
{
	size_t wish = type_width(field);
	char title[CELL_SIZE];

	title_write(field, title);
	return strlen(title) > wish ? strlen(title) : wish;
}

struct columns_layout {
	size_t width[FIELD_LIST_MAX];
	size_t count; /* that have room */
	bool is_cut;
};

static size_t widest(const struct columns_layout *layout)
{
	size_t found = 0;

	for (size_t i = 1; i < layout->count; i++)
		if (layout->width[i] > layout->width[found])
			found = i;
	return found;
}

/* All as wide as they wish, or the widest narrower; at the end what has no room is left out. */
static void layout_make(struct columns_layout *layout, const struct sink_settings *settings)
{
	const struct field_list *columns = settings->columns;
	size_t line = 0;

	*layout = (struct columns_layout){.count = columns->count, .is_cut = settings->width > 0};
	for (size_t i = 0; i < columns->count; i++) {
		layout->width[i] = column_wish(columns->items[i]);
		line += layout->width[i] + 1;
	}
	while (layout->is_cut && line > (size_t)settings->width + 1) {
		size_t column = widest(layout);

		if (layout->width[column] > NARROWEST || layout->count == 1) {
			line--;
			layout->width[column]--;
		} else {
			line -= layout->width[--layout->count] + 1;
		}
	}
}

static void local_time_write(const struct field_value *value, char *to)
{
	time_t seconds = (time_t)value->time.seconds;
	struct tm tm;

	localtime_r(&seconds, &tm);
	snprintf(to, CELL_SIZE, "%02d:%02d:%02d.%03u", tm.tm_hour, tm.tm_min, tm.tm_sec,
		 value->time.ns / 1000000);
}

static void duration_write(int64_t ns, char *to)
{
	if (ns < 0) {
		*to++ = '-';
		ns = ns == INT64_MIN ? INT64_MAX : -ns;
	}
	if (ns >= NS_PER_DAY) {
		sprintf(to, "%lld d", (long long)(ns / NS_PER_DAY));
		return;
	}
	text_milliseconds((uint64_t)ns, to);
	strcat(to, " ms");
}

static void hex_write(const uint8_t *bytes, size_t length, char *to)
{
	for (size_t i = 0; i < length && i < 32; i++)
		sprintf(to + 2 * i, "%02x", bytes[i]);
}

static void value_write(const struct field *field, const struct field_value *value,
			char cell[CELL_SIZE])
{
	char buffer[FIELD_VALUE_SIZE];
	const char *text;
	size_t length;

	switch (field->type) {
	case FIELD_TIME:
		local_time_write(value, cell);
		break;
	case FIELD_DURATION:
		duration_write(value->duration_ns, cell);
		break;
	case FIELD_HEX:
		hex_write(value->text.bytes, value->text.length, cell);
		break;
	case FIELD_LABEL:
		length = text_escape(value->text.key, strlen(value->text.key), cell, CELL_SIZE / 2);
		cell[length++] = '=';
		text_escape(value->text.bytes, value->text.length, cell + length,
			    CELL_SIZE - length);
		break;
	case FIELD_TEXT:
	case FIELD_NAME:
		text_escape(value->text.bytes, value->text.length, cell, CELL_SIZE);
		break;
	default:
		text = field_value_text(field, value, buffer);
		snprintf(cell, CELL_SIZE, "%s", text ? text : "");
	}
}

static bool value_append(void *user, const struct field *field, const struct field_value *value)
{
	struct text *text = user;
	char one[CELL_SIZE] = "?";

	if (value)
		value_write(field, value, one);
	text_append(text, "%s%s", text->length ? "," : "", one);
	return true;
}

/* "-": there is none; "?": it is not known. */
static void cell_write(const struct field *field, struct field_row *row, char cell[CELL_SIZE])
{
	struct text text;
	enum field_state state;

	text_start(&text, cell, CELL_SIZE);
	state = field_visit(field, row, value_append, &text);
	if (state == FIELD_UNKNOWN)
		strcpy(cell, "?");
	else if (!*cell)
		strcpy(cell, "-");
}

static void cell_print(const struct sink_settings *settings, const struct columns_layout *layout,
		       size_t column, char cell[CELL_SIZE])
{
	size_t width = layout->width[column], used;
	bool right = is_right(settings->columns->items[column]);

	if (layout->is_cut)
		text_cut(cell, CELL_SIZE, width, 0);
	used = text_width(cell);
	if (right && used < width)
		fprintf(settings->out, "%*s", (int)(width - used), "");
	fputs(cell, settings->out);
	if (column + 1 == layout->count) {
		fputc('\n', settings->out);
		return;
	}
	fprintf(settings->out, "%*s", (int)(!right && used < width ? width - used : 0) + 1, "");
}

void columns_titles_print(const struct sink_settings *settings)
{
	struct columns_layout layout;

	layout_make(&layout, settings);
	for (size_t i = 0; i < layout.count; i++) {
		char cell[CELL_SIZE];

		title_write(settings->columns->items[i], cell);
		cell_print(settings, &layout, i, cell);
	}
	fflush(settings->out);
}

void columns_row_print(const struct sink_settings *settings, const struct handshake *handshake)
{
	struct columns_layout layout;
	struct field_row row;

	layout_make(&layout, settings);
	field_row_start(&row, settings, handshake);
	for (size_t i = 0; i < layout.count; i++) {
		char cell[CELL_SIZE];

		cell_write(settings->columns->items[i], &row, cell);
		cell_print(settings, &layout, i, cell);
	}
}
