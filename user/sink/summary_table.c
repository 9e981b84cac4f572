/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "sink/phases.h"
#include "sink/summary.h"
#include "sink/text.h"
#include "summary/summary.h"

#define BRIEF_GROUPS		 10
#define BRIEF_GROUPS_WITH_PHASES 3
#define NAME_MIN		 24
#define NAME_MAX		 64
#define NAME_SIZE		 (4 * SUMMARY_SNI_MAX + 2 * TEXT_WHO_SIZE)
#define NUMBERS_WIDTH		 52 /* columns after a name: see numbers_print() */

struct table {
	const struct sink_settings *settings;
	size_t name; /* columns of the first column */
};

size_t summary_phases(const struct summary_group *group, const struct summary_phase **phases)
{
	size_t count = 0;

	for (size_t kind = 0; kind < PHASE_KINDS; kind++) {
		for (size_t i = 0; i < group->phase_count; i++) {
			if (group->phases[i].kind == kind)
				phases[count++] = &group->phases[i];
		}
	}
	return count;
}

static void end_append(struct text *text, const char comm[HANDSHAKE_COMM_SIZE],
		       const char container[SUMMARY_CONTAINER_SIZE], const struct address *address)
{
	char escaped[TEXT_ADDRESS_SIZE + 4 * SUMMARY_CONTAINER_SIZE];

	if (*comm)
		text_escape(comm, strnlen(comm, HANDSHAKE_COMM_SIZE), escaped, sizeof(escaped));
	else if (address->port)
		text_address(address, escaped);
	else
		text_ip(address, escaped);
	text_append(text, "%s", escaped);
	if (!*container)
		return;
	text_escape(container, strnlen(container, SUMMARY_CONTAINER_SIZE), escaped,
		    sizeof(escaped));
	text_append(text, "@%s", escaped);
}

/* "curl@client -> example.org" */
static void name_write(const struct summary_group *group, char to[NAME_SIZE])
{
	const struct summary_names *names = group->names;
	char sni[4 * SUMMARY_SNI_MAX + 1];
	struct text text;

	text_start(&text, to, NAME_SIZE);
	if (!names) {
		text_append(&text, "all others");
		return;
	}
	end_append(&text, names->client_comm, names->client_container, &names->client);
	text_append(&text, text_is_utf8() ? " → " : " -> ");
	if (names->sni_length) {
		text_escape(names->sni, names->sni_length, sni, sizeof(sni));
		text_append(&text, "%s", sni);
	} else {
		end_append(&text, names->server_comm, names->server_container, &names->server);
	}
}

/* The longest name, if there is room for it. */
static size_t name_width(const struct sink_settings *settings,
			 const struct summary_group *const *groups, size_t count)
{
	size_t limit = NAME_MAX, longest = NAME_MIN;

	if (settings->width > 0)
		limit = settings->width > NAME_MIN + NUMBERS_WIDTH
				? (size_t)settings->width - NUMBERS_WIDTH
				: NAME_MIN;
	for (size_t i = 0; i < count; i++) {
		char name[NAME_SIZE];
		size_t width;

		name_write(groups[i], name);
		width = text_width(name);
		longest = width > longest ? width : longest;
	}
	return longest < limit ? longest : limit;
}

static void name_print(const struct table *table, char *name)
{
	size_t width;

	text_cut(name, NAME_SIZE, table->name, 0);
	width = text_width(name);
	fprintf(table->settings->out, "%s%*s", name, (int)(table->name - width), "");
}

static void quantiles_print(const struct table *table, const struct histogram *histogram,
			    bool estimated)
{
	static const unsigned int per_milles[] = {500, 950, 990};
	char number[TEXT_NUMBER_SIZE], cell[TEXT_NUMBER_SIZE + 1];

	for (size_t i = 0; i < 3; i++) {
		text_milliseconds(histogram_quantile(histogram, per_milles[i]), number);
		snprintf(cell, sizeof(cell), "%s%s", estimated ? "~" : "", number);
		fprintf(table->settings->out, " %9s", histogram->count ? cell : "-");
	}
	fputc('\n', table->settings->out);
}

static void group_print(const struct table *table, const struct summary_group *group, bool phases)
{
	const struct summary_phase *list[SUMMARY_PHASES_MAX];
	char name[NAME_SIZE], resumed[TEXT_NUMBER_SIZE] = "-";
	size_t count;

	name_write(group, name);
	name_print(table, name);
	if (group->completed)
		snprintf(resumed, sizeof(resumed), "%.0f%%",
			 100.0 * (double)group->resumed / (double)group->completed);
	fprintf(table->settings->out, " %6llu %6llu %7s",
		(unsigned long long)summary_group_count(group), (unsigned long long)group->failed,
		resumed);
	quantiles_print(table, &group->totals, false);
	count = phases ? summary_phases(group, list) : 0;
	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "  %s", phase_name(list[i]->kind));
		name_print(table, name);
		fprintf(table->settings->out, " %6s %6s %7s", "", "", "");
		quantiles_print(table, &list[i]->durations, list[i]->estimated);
	}
}

static void titles_print(const struct table *table)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "CLIENT %s SERVER", text_is_utf8() ? "→" : "->");
	name_print(table, name);
	fprintf(table->settings->out, " %6s %6s %7s %9s %9s %9s\n", "COUNT", "FAILED", "RESUMED",
		"P50 MS", "P95 MS", "P99 MS");
}

static void rest_print(const struct table *table, const struct summary_group *const *groups,
		       size_t shown, size_t count)
{
	uint64_t handshakes = 0;

	for (size_t i = shown; i < count; i++)
		handshakes += summary_group_count(groups[i]);
	if (shown < count)
		fprintf(table->settings->out,
			"and %zu more group%s with %llu handshake%s: "
			"--summary table shows all, with phases\n",
			count - shown, count - shown == 1 ? "" : "s",
			(unsigned long long)handshakes, handshakes == 1 ? "" : "s");
}

void summary_table_write(const struct sink_settings *settings, struct summary *summary,
			 enum summary_extent extent)
{
	const struct summary_group *other = summary_other(summary);
	const struct summary_group *const *groups;
	size_t count = summary_groups(summary, &groups), shown = count;
	bool all = extent == SUMMARY_ALL, phases = all || count <= BRIEF_GROUPS_WITH_PHASES;
	struct table table = {.settings = settings};

	if (!all && shown > BRIEF_GROUPS)
		shown = BRIEF_GROUPS;
	table.name = name_width(settings, groups, shown);
	fputc('\n', settings->out);
	titles_print(&table);
	for (size_t i = 0; i < shown; i++)
		group_print(&table, groups[i], phases);
	if (other)
		group_print(&table, other, phases);
	rest_print(&table, groups, shown, count);
	fflush(settings->out);
}
