/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Expectations of --expect: each handshake that is shown must satisfy all of them. What violates
 * them is kept, equal cases once, for the account at the end.
 */
#ifndef TLSTRACE_EXPECT_H
#define TLSTRACE_EXPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "expression/expression.h"

#define EXPECTATIONS_MAX      32
#define EXPECT_VIOLATIONS_MAX 256
#define EXPECT_TEXT_SIZE      1024

/* Cases that differ in nothing but their times and process ids. */
struct expect_case {
	size_t expectation;
	uint64_t count;
	uint64_t hash;			/* of what makes cases equal */
	uint64_t first_ns;		/* time of the first; like the texts */
	char who[EXPECT_TEXT_SIZE / 4]; /* "curl[812] to nginx[711] demo.example" */
	char what[EXPECT_TEXT_SIZE];	/* a line for each part that is not true */
};

struct expectation {
	const struct named_expression *wanted; /* borrowed */
	uint64_t satisfied, violated;
	uint64_t undecided; /* failed or incomplete before it could be decided */
	uint64_t unlisted;  /* violations beyond those that are kept */
};

struct expect {
	struct expectation list[EXPECTATIONS_MAX];
	size_t count;
	struct expect_case *violations; /* owned */
	size_t violation_count;
	uint64_t seed;
};

/* At most EXPECTATIONS_MAX; they are borrowed. NULL without memory. */
struct expect *expect_new(const struct named_expression *wanted, size_t count);
void expect_free(struct expect *expect);
void expect_judge(struct expect *expect, struct field_row *row);
/* Does the expectation hold? none_ok: also if there was no handshake that could be judged. */
bool expectation_holds(const struct expectation *expectation, bool none_ok);
/* All of them. Prints the account on stderr. */
bool expect_report(const struct expect *expect, bool none_ok);
/* The same for CI, as JUnit's XML. */
void expect_junit(const struct expect *expect, bool none_ok, FILE *out);

#endif
