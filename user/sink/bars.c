/* SPDX-License-Identifier: BSD-2-Clause */
/* The phases of one handshake as bars on one time axis, a line each. */
#include <stdio.h>
#include <string.h>

#include "sink/phases.h"
#include "sink/sink.h"
#include "sink/text.h"

#define WIDTH_DEFAULT 100 /* where the output is no terminal */
#define BAR_MIN	      8
#define BAR_MAX	      72
#define BAR_WISH      30 /* what the meanings leave it at least */
#define BAR_SIZE      (4 * BAR_MAX + 1)
#define TABLE_WIDTH   44 /* columns before the bar: see phase_print() */
#define EIGHTHS	      8
#define CAUSE_SIZE    512

#define COLOR_CAUSE "\x1b[1m"

/* Yellow and cyan cannot be read on white, dark blue not on black. */
static const char *const side_colors[] = {
	[END_SERVER] = "\x1b[35m",
	[END_CLIENT] = "\x1b[94m",
	[END_UNKNOWN] = "",
};
static const char *const side_names[] = {
	[END_SERVER] = "server",
	[END_CLIENT] = "client",
	[END_UNKNOWN] = "-",
};

/* What a bar is made of: estimated phases are drawn lighter. */
struct style {
	bool utf8;
	const char *measured, *estimated;
};

static struct style style_find(void)
{
	return text_is_utf8() ? (struct style){true, "█", "░"} : (struct style){false, "#", "."};
}

struct chart {
	const struct sink_settings *settings;
	const struct latency *latency;
	struct style style;
	uint64_t start_ns, span_ns;
	size_t bar;    /* columns of the axis */
	bool meanings; /* there is room for them */
};

static const char *estimate_note(const struct phase *phase)
{
	return phase->estimated ? " (estimate)" : "";
}

static size_t meaning_width(const struct latency *latency)
{
	size_t width = 0;

	for (size_t i = 0; i < latency->phase_count; i++) {
		size_t one = strlen(phase_meaning(&latency->phases[i])) +
			     strlen(estimate_note(&latency->phases[i]));

		width = one > width ? one : width;
	}
	return width;
}

static struct chart chart_plan(const struct sink_settings *settings, const struct latency *latency)
{
	const struct phase *first = &latency->phases[0];
	const struct phase *last = &latency->phases[latency->phase_count - 1];
	size_t width = settings->width > 0 ? (size_t)settings->width : WIDTH_DEFAULT;
	size_t left = width > TABLE_WIDTH + BAR_MIN ? width - TABLE_WIDTH : BAR_MIN;
	size_t meaning = meaning_width(latency) + 2;
	struct chart chart = {settings, latency, style_find(), first->start_ns, 0, left, false};

	chart.span_ns = last->start_ns + last->duration_ns - first->start_ns;
	if (left >= meaning + BAR_WISH) {
		chart.meanings = true;
		chart.bar -= meaning;
	}
	chart.bar = chart.bar < BAR_MAX ? chart.bar : BAR_MAX;
	return chart;
}

/* A place on the axis, in eighths of a column. */
static size_t chart_place(const struct chart *chart, uint64_t time_ns)
{
	double share =
		chart->span_ns ? (double)(time_ns - chart->start_ns) / (double)chart->span_ns : 0;

	return (size_t)(share * (double)(chart->bar * EIGHTHS) + 0.5);
}

static void cells_append(struct text *text, const char *cell, size_t count)
{
	while (count--)
		text_append(text, "%s", cell);
}

/* In whole columns, at least one. */
static void coarse_bar_append(struct text *text, const char *cell, size_t from, size_t to)
{
	size_t first = from / EIGHTHS, end = (to + EIGHTHS / 2) / EIGHTHS;

	cells_append(text, cell, end > first ? end - first : 1);
}

/* Blocks grow from the left edge of a column; of those from the right there is only the half. */
static void fine_bar_append(struct text *text, const char *whole, size_t from, size_t to)
{
	static const char *const parts[EIGHTHS] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	size_t column = from / EIGHTHS, end = to / EIGHTHS;

	if (column == end) {
		text_append(text, "%s", parts[to - from]);
		return;
	}
	if (from % EIGHTHS >= EIGHTHS / 2) {
		text_append(text, "▐");
		column++;
	}
	cells_append(text, whole, end - column);
	text_append(text, "%s", parts[to % EIGHTHS]);
}

/* The bar in its place; what took no time is still a mark. */
static void bar_write(const struct chart *chart, const struct phase *phase, char to[BAR_SIZE])
{
	size_t from = chart_place(chart, phase->start_ns), all = chart->bar * EIGHTHS;
	size_t end = chart_place(chart, phase->start_ns + phase->duration_ns);
	struct text text;

	from = from < all ? from : all - 1;
	end = end > from ? end : from + 1;
	text_start(&text, to, BAR_SIZE);
	cells_append(&text, " ", from / EIGHTHS);
	if (phase->estimated || !chart->style.utf8)
		coarse_bar_append(&text,
				  phase->estimated ? chart->style.estimated : chart->style.measured,
				  from, end);
	else
		fine_bar_append(&text, chart->style.measured, from, end);
}

/* All of a chart have the same decimals, so that their points are below each other. */
static void milliseconds_write(uint64_t ns, char to[TEXT_NUMBER_SIZE])
{
	uint64_t us = ns / 1000 + (ns % 1000 >= 500);

	snprintf(to, TEXT_NUMBER_SIZE, "%llu.%03u", (unsigned long long)(us / 1000),
		 (unsigned int)(us % 1000));
}

static void phase_print(const struct chart *chart, const struct phase *phase)
{
	FILE *out = chart->settings->out;
	char start[TEXT_NUMBER_SIZE], duration[TEXT_NUMBER_SIZE], bar[BAR_SIZE];
	const char *meaning = chart->meanings ? phase_meaning(phase) : "";
	const char *color = chart->settings->color ? side_colors[phase->side] : "";

	milliseconds_write(phase->start_ns - chart->start_ns, start);
	milliseconds_write(phase->duration_ns, duration);
	bar_write(chart, phase, bar);
	fprintf(out, "    %-14s %-6s %8s %8s %s%s%s", phase_name(phase->kind),
		side_names[phase->side], start, duration, color, bar, *color ? TEXT_COLOR_OFF : "");
	if (*meaning)
		fprintf(out, "%*s  %s%s", (int)(chart->bar - text_width(bar)), "", meaning,
			estimate_note(phase));
	fputc('\n', out);
}

static bool has_estimated(const struct latency *latency)
{
	for (size_t i = 0; i < latency->phase_count; i++) {
		if (latency->phases[i].estimated)
			return true;
	}
	return false;
}

/* In how many milliseconds, and over which network. */
static void head_print(const struct chart *chart)
{
	FILE *out = chart->settings->out;
	const struct latency *latency = chart->latency;
	char number[TEXT_NUMBER_SIZE];

	milliseconds_write(chart->span_ns, number);
	fprintf(out, "  latency      %s ms", number);
	if (!latency->end_ns)
		fprintf(out, " until it ended");
	if (latency->rtt_us) {
		milliseconds_write(latency->rtt_us * UINT64_C(1000), number);
		fprintf(out, ", round trip %s ms", number);
	}
	if (latency->retransmissions)
		fprintf(out, ", %u segment%s sent again", latency->retransmissions,
			latency->retransmissions == 1 ? "" : "s");
	fputc('\n', out);
}

static void axis_print(const struct chart *chart)
{
	char end[TEXT_NUMBER_SIZE + 4];

	milliseconds_write(chart->span_ns, end);
	strcat(end, " ms");
	fprintf(chart->settings->out, "    %-14s %-6s %8s %8s 0%*s\n", "phase", "where", "start ms",
		"took ms", (int)chart->bar - 1, strlen(end) < chart->bar - 1 ? end : "");
}

static void total_print(const struct chart *chart)
{
	char number[TEXT_NUMBER_SIZE];

	milliseconds_write(chart->span_ns, number);
	fprintf(chart->settings->out, "    %-14s %-6s %8s %8s", "total", "", "", number);
	if (has_estimated(chart->latency))
		fprintf(chart->settings->out, " %s measured, %s estimated", chart->style.measured,
			chart->style.estimated);
	fputc('\n', chart->settings->out);
}

static void cause_print(const struct chart *chart)
{
	const struct phase *longest;
	char cause[CAUSE_SIZE], meaning[64] = "";
	int width = chart->settings->width;
	bool color = chart->settings->color;

	phases_cause_write(chart->latency, cause, sizeof(cause));
	if (!*cause)
		return;
	if (phases_majority(chart->latency, &longest, 1) && *phase_meaning(longest))
		snprintf(meaning, sizeof(meaning), " (%s)", phase_meaning(longest));
	if (strchr(cause, ',') ||
	    (width > 0 && strlen(cause) + strlen(meaning) + 2 > (size_t)width))
		meaning[0] = '\0';
	fprintf(chart->settings->out, "  %s%s%s%s\n", color ? COLOR_CAUSE : "", cause,
		color ? TEXT_COLOR_OFF : "", meaning);
}

void bars_print(const struct sink_settings *settings, const struct latency *latency)
{
	struct chart chart;

	if (!latency->phase_count)
		return;
	chart = chart_plan(settings, latency);
	head_print(&chart);
	axis_print(&chart);
	for (size_t i = 0; i < latency->phase_count; i++)
		phase_print(&chart, &latency->phases[i]);
	total_print(&chart);
	cause_print(&chart);
}
