// SPDX-License-Identifier: BSD-2-Clause
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

#include "file_open.h"
#include "hash.h"
#include "log.h"
#include "tls/slice.h"

#define SLOTS (2 * REPORT_ROWS_MAX)

static const struct report_kind *const kinds[] = {
	&report_pairs,	    &report_failures,	  &report_crypto,
	&report_resumption, &report_certificates, &report_breaks,
};

const char *const report_names[] = {"pairs",	    "failures",	    "crypto", "resumption",
				    "certificates", "breaks:@NAME", NULL};

const struct report_kind *report_kind_find(const char *name, size_t length)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i]->name) == length && memcmp(kinds[i]->name, name, length) == 0)
			return kinds[i];
	return NULL;
}

bool report_wants_details(const struct report_wanted *wanted)
{
	const struct expression *policy = wanted->policy.expression;

	return wanted->kind->wants_details || (policy && expression_wants_details(policy));
}

struct report *report_new(const struct report_wanted *wanted, const char *capture)
{
	struct report *report = calloc(1, sizeof(*report));

	if (!report) {
		log_error("out of memory; free some and run tlstrace again");
		return NULL;
	}
	report->wanted = wanted;
	report->seed = hash_seed();
	if (wanted->file)
		report->out = file_open_results(wanted->file, "the report", capture);
	if (!wanted->file || report->out)
		return report;
	report_free(report);
	return NULL;
}

static void row_clear(struct report_row *row)
{
	size_t i;

	for (i = 0; i < REPORT_TEXTS_MAX; i++)
		free(row->texts[i]);
	histogram_clear(&row->totals);
}

void report_free(struct report *report)
{
	size_t i;

	if (!report)
		return;
	for (i = 0; i < report->row_count; i++) {
		row_clear(report->rows[i]);
		free(report->rows[i]);
	}
	row_clear(&report->others);
	if (report->out)
		fclose(report->out);
	free(report);
}

void report_add(struct report *report, struct field_row *row)
{
	report->wanted->kind->add(report, row);
}

void report_text(struct report *report, struct report_row *row, size_t index, const char *text)
{
	if (row == &report->others || (row->texts[index] && strcmp(row->texts[index], text) == 0))
		return;
	free(row->texts[index]);
	row->texts[index] = strdup(text);
}

static bool row_has(const struct report_row *row, const char *const *key, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!row->texts[i] || strcmp(row->texts[i], key[i]))
			return false;
	return true;
}

static struct report_row *row_new(struct report *report, uint64_t hash, const char *const *key,
				  size_t count)
{
	struct report_row *row;
	size_t i;

	if (report->row_count == REPORT_ROWS_MAX)
		return NULL;
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	row->hash = hash;
	for (i = 0; i < count; i++)
		report_text(report, row, i, key[i]);
	report->rows[report->row_count++] = row;
	return row;
}

struct report_row *report_row(struct report *report, const char *const *key, size_t count)
{
	uint64_t hash = report->seed;
	struct report_row *row;
	size_t slot, i;

	for (i = 0; i < count; i++)
		hash = slice_hash((struct slice){(const uint8_t *)key[i], strlen(key[i]) + 1},
				  hash);
	for (slot = hash % SLOTS; report->slots[slot]; slot = (slot + 1) % SLOTS) {
		row = report->rows[report->slots[slot] - 1];
		if (row->hash == hash && row_has(row, key, count))
			return row;
	}
	row = row_new(report, hash, key, count);
	if (!row)
		return &report->others;
	report->slots[slot] = report->row_count;
	return row;
}
