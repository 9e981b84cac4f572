/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports: tables over all handshakes of a run, what to fix first on top. A kind says which rows a
 * handshake counts in; memory is bounded, and what has no row left counts as "all others".
 */
#ifndef TLSTRACE_REPORT_KINDS_H
#define TLSTRACE_REPORT_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "expression/expression.h"
#include "histogram.h"

#define REPORT_ROWS_MAX	  1024
#define REPORT_TEXTS_MAX  8
#define REPORT_COUNTS_MAX 12

enum report_type {
	REPORT_TEXT,	 /* texts[index] */
	REPORT_COUNT,	 /* counts[index] */
	REPORT_TIME,	 /* counts[index], nanoseconds since 1970; 0 unknown */
	REPORT_DURATION, /* counts[index], nanoseconds */
	REPORT_AVERAGE,	 /* counts[index] / counts[index + 1]; empty if that is 0 */
	REPORT_QUANTILE, /* of totals, in per mille: index */
};

struct report_column {
	const char *name;
	enum report_type type;
	unsigned int index;
};

struct report_row {
	uint64_t hash;
	char *texts[REPORT_TEXTS_MAX]; /* owned, escaped; NULL: empty */
	uint64_t counts[REPORT_COUNTS_MAX];
	struct histogram totals;
	/* For a kind that looks back: of the handshake before, and whose it was. */
	uint64_t last_ns;
	uint32_t last_pid;
};

struct report;

struct report_kind {
	const char *name;
	const struct report_column *columns;
	size_t column_count;
	void (*add)(struct report *report, struct field_row *row);
	/* Rows with more of it come first. */
	uint64_t (*weight)(const struct report_row *row);
	bool wants_details;  /* certificates */
	bool takes_policy;   /* NAME:EXPR */
	const char *closing; /* a line after the table, or NULL */
};

/* One --report. */
struct report_wanted {
	const struct report_kind *kind;
	struct named_expression policy; /* expression owned by the options */
	const char *file;		/* NULL: standard output or error */
};

struct report {
	const struct report_wanted *wanted;
	struct report_row *rows[REPORT_ROWS_MAX]; /* owned */
	size_t row_count;
	struct report_row others;
	uint16_t slots[2 * REPORT_ROWS_MAX]; /* index of a row + 1; 0 empty */
	uint64_t seed;
	FILE *out; /* NULL: it has no file of its own */
};

extern const char *const report_names[]; /* NULL-terminated */
/* NULL: there is none of this name and length. */
const struct report_kind *report_kind_find(const char *name, size_t length);

/* Does it look at certificates? */
bool report_wants_details(const struct report_wanted *wanted);
/* Opens its file, but leaves it as it is. capture: the file that is read. NULL after one message.
 */
struct report *report_new(const struct report_wanted *wanted, const char *capture);
void report_free(struct report *report); /* NULL is fine */
void report_add(struct report *report, struct field_row *row);
/* Sort and write; the format by the file's suffix: .json, .csv, .md, else text. 0, or -1 after one
 * message. out: where it has no file. */
int report_write(struct report *report, FILE *out);

/*
 * For kinds: the row with these texts as its key, new if need be; "all others" where there is no
 * room. Texts after the key can be set with report_text().
 */
struct report_row *report_row(struct report *report, const char *const *key, size_t count);
void report_text(struct report *report, struct report_row *row, size_t index, const char *text);

extern const struct report_kind report_pairs, report_failures, report_crypto, report_resumption,
	report_certificates, report_breaks;

#endif
