// SPDX-License-Identifier: BSD-2-Clause
/* A report as text, JSON, CSV or Markdown. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "file_open.h"
#include "report/report.h"
#include "sink/sink.h"
#include "sink/text.h"

#define CELL_SIZE 512
#define WIDTH_MAX 60 /* of a column of text, but the last */

/* The "all others" row is the last, if anything is in it. */
static const struct report_row *row_at(const struct report *report, size_t index)
{
	return index < report->row_count ? report->rows[index] : &report->others;
}

static size_t rows_count(const struct report *report)
{
	size_t i;

	for (i = 0; i < REPORT_COUNTS_MAX; i++)
		if (report->others.counts[i])
			return report->row_count + 1;
	return report->row_count;
}

static void text_cell(const struct report *report, const struct report_row *row, unsigned int index,
		      char to[CELL_SIZE])
{
	const char *text = row->texts[index];

	if (row == &report->others && index == 0)
		text = "all others";
	snprintf(to, CELL_SIZE, "%s", text ? text : "");
}

/* False: the cell is empty. */
static bool number_cell(const struct report_row *row, const struct report_column *column,
			char to[CELL_SIZE])
{
	char text[TEXT_TIME_SIZE];
	uint64_t value = column->type == REPORT_QUANTILE ? 0 : row->counts[column->index];

	switch (column->type) {
	case REPORT_TIME:
		if (!value)
			return false;
		text_seconds(value / 1000000000, text);
		snprintf(to, CELL_SIZE, "%s", text);
		return true;
	case REPORT_DURATION:
		snprintf(to, CELL_SIZE, "%.3f", value / 1e6);
		return true;
	case REPORT_AVERAGE:
		if (!row->counts[column->index + 1])
			return false;
		snprintf(to, CELL_SIZE, "%.0f", (double)value / row->counts[column->index + 1]);
		return true;
	case REPORT_QUANTILE:
		if (!row->totals.count)
			return false;
		snprintf(to, CELL_SIZE, "%.3f",
			 histogram_quantile(&row->totals, column->index) / 1e6);
		return true;
	default:
		snprintf(to, CELL_SIZE, "%llu", (unsigned long long)value);
		return true;
	}
}

static bool cell_write(const struct report *report, const struct report_row *row,
		       const struct report_column *column, char to[CELL_SIZE])
{
	to[0] = 0;
	if (column->type != REPORT_TEXT)
		return number_cell(row, column, to);
	text_cell(report, row, column->index, to);
	return *to;
}

static bool is_quoted(enum report_type type)
{
	return type == REPORT_TEXT || type == REPORT_TIME;
}

static void json_text(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', out);
		if ((unsigned char)*text < ' ')
			fprintf(out, "\\u%04x", *text);
		else
			putc(*text, out);
	}
	putc('"', out);
}

static void json_row(FILE *out, const struct report *report, const struct report_row *row)
{
	const struct report_kind *kind = report->wanted->kind;
	char cell[CELL_SIZE];
	size_t i;

	for (i = 0; i < kind->column_count; i++) {
		bool known = cell_write(report, row, &kind->columns[i], cell);

		fprintf(out, "%s\"%s\":", i ? "," : "{", kind->columns[i].name);
		if (!known)
			fputs("null", out);
		else if (is_quoted(kind->columns[i].type))
			json_text(out, cell);
		else
			fputs(cell, out);
	}
	putc('}', out);
}

static void json_write(FILE *out, const struct report *report)
{
	size_t i;

	fprintf(out, "{\"type\":\"report\",\"schema\":1,\"report\":\"%s\",\"rows\":[",
		report->wanted->kind->name);
	for (i = 0; i < rows_count(report); i++) {
		fputs(i ? ",\n" : "\n", out);
		json_row(out, report, row_at(report, i));
	}
	fputs("\n]}\n", out);
}

/* RFC 4180; a cell that a spreadsheet would take for a formula gets an apostrophe. */
static void csv_text(FILE *out, const char *text)
{
	bool formula = *text && strchr("=+-@", *text);

	if (!formula && !strpbrk(text, "\",\r\n")) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	if (formula)
		putc('\'', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

static void csv_write(FILE *out, const struct report *report)
{
	const struct report_kind *kind = report->wanted->kind;
	char cell[CELL_SIZE];
	size_t row, i;

	for (i = 0; i < kind->column_count; i++)
		fprintf(out, "%s%s", i ? "," : "", kind->columns[i].name);
	fputs("\r\n", out);
	for (row = 0; row < rows_count(report); row++) {
		for (i = 0; i < kind->column_count; i++) {
			cell_write(report, row_at(report, row), &kind->columns[i], cell);
			if (i)
				putc(',', out);
			if (kind->columns[i].type == REPORT_TEXT)
				csv_text(out, cell);
			else
				fputs(cell, out);
		}
		fputs("\r\n", out);
	}
}

static void markdown_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("|\\`*_<>[]", *text))
			putc('\\', out);
		putc(*text, out);
	}
}

static void markdown_write(FILE *out, const struct report *report)
{
	const struct report_kind *kind = report->wanted->kind;
	char cell[CELL_SIZE];
	size_t row, i;

	fprintf(out, "## %s\n\n|", kind->name);
	for (i = 0; i < kind->column_count; i++) {
		putc(' ', out);
		markdown_text(out, kind->columns[i].name);
		fputs(" |", out);
	}
	fputs("\n|", out);
	for (i = 0; i < kind->column_count; i++)
		fputs(is_quoted(kind->columns[i].type) ? " --- |" : " ---: |", out);
	putc('\n', out);
	for (row = 0; row < rows_count(report); row++) {
		putc('|', out);
		for (i = 0; i < kind->column_count; i++) {
			cell_write(report, row_at(report, row), &kind->columns[i], cell);
			putc(' ', out);
			markdown_text(out, cell);
			fputs(" |", out);
		}
		putc('\n', out);
	}
	if (kind->closing)
		fprintf(out, "\n%s\n", kind->closing);
}

static size_t column_width(const struct report *report, const struct report_column *column)
{
	size_t width = strlen(column->name), row;
	char cell[CELL_SIZE];

	for (row = 0; row < rows_count(report); row++) {
		cell_write(report, row_at(report, row), column, cell);
		if (text_width(cell) > width)
			width = text_width(cell);
	}
	return width < WIDTH_MAX ? width : WIDTH_MAX;
}

static void text_cell_print(FILE *out, const struct report_column *column, char cell[CELL_SIZE],
			    size_t width, bool is_last)
{
	int pad;

	if (!*cell)
		strcpy(cell, "-");
	if (!is_last)
		text_cut(cell, CELL_SIZE, width, 0);
	pad = width > text_width(cell) ? (int)(width - text_width(cell)) : 0;
	if (is_quoted(column->type))
		fprintf(out, "%s%*s", cell, is_last ? 0 : pad + 1, "");
	else
		fprintf(out, "%*s%s%s", pad, "", cell, is_last ? "" : " ");
}

/* "hello_bytes" is "HELLO BYTES" to people. */
static void title_write(const char *name, char to[CELL_SIZE])
{
	size_t i;

	for (i = 0; name[i]; i++)
		to[i] = name[i] == '_' ? ' ' : toupper((unsigned char)name[i]);
	to[i] = 0;
}

static void text_write(FILE *out, const struct report *report)
{
	const struct report_kind *kind = report->wanted->kind;
	size_t widths[REPORT_TEXTS_MAX + REPORT_COUNTS_MAX], row, i;
	char cell[CELL_SIZE];

	if (!rows_count(report)) {
		fprintf(out, "%s: nothing to report\n", kind->name);
		return;
	}
	for (i = 0; i < kind->column_count; i++)
		widths[i] = column_width(report, &kind->columns[i]);
	for (i = 0; i < kind->column_count; i++) {
		title_write(kind->columns[i].name, cell);
		text_cell_print(out, &kind->columns[i], cell, widths[i],
				i + 1 == kind->column_count);
	}
	putc('\n', out);
	for (row = 0; row < rows_count(report); row++) {
		for (i = 0; i < kind->column_count; i++) {
			cell_write(report, row_at(report, row), &kind->columns[i], cell);
			text_cell_print(out, &kind->columns[i], cell, widths[i],
					i + 1 == kind->column_count);
		}
		putc('\n', out);
	}
	if (kind->closing)
		fprintf(out, "%s\n", kind->closing);
}

static const struct {
	const char *suffix;
	void (*write)(FILE *out, const struct report *report);
} formats[] = {
	{".json", json_write}, {".csv", csv_write}, {".md", markdown_write}, {"", text_write}};

static void write_as(FILE *out, const struct report *report, const char *file)
{
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		size_t length = strlen(formats[i].suffix);

		if (strlen(file) >= length &&
		    strcasecmp(file + strlen(file) - length, formats[i].suffix) == 0) {
			formats[i].write(out, report);
			return;
		}
	}
}

static int rows_compare(const void *one, const void *other, void *context)
{
	const struct report_row *a = *(struct report_row *const *)one;
	const struct report_row *b = *(struct report_row *const *)other;
	const struct report_kind *kind = context;
	uint64_t x = kind->weight(a), y = kind->weight(b);

	if (x != y)
		return x < y ? 1 : -1;
	/* By name where nothing else decides, so that two runs compare. */
	return strcmp(a->texts[0] ? a->texts[0] : "", b->texts[0] ? b->texts[0] : "");
}

int report_write(struct report *report, FILE *out)
{
	const char *file = report->wanted->file;

	/* Rows move, and the slots no longer lead to them: nothing is added any more. */
	qsort_r(report->rows, report->row_count, sizeof(report->rows[0]), rows_compare,
		(void *)report->wanted->kind);
	if (!file) {
		write_as(out, report, "");
		return 0;
	}
	out = report->out;
	report->out = NULL;
	file_empty(fileno(out));
	write_as(out, report, file);
	return file_close_results(out, file, "the report");
}
