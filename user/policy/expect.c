// SPDX-License-Identifier: BSD-2-Clause
#include "policy/expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "tls/slice.h"
#include "log.h"
#include "policy/blame.h"
#include "policy/pair.h"
#include "sink/sink.h"
#include "sink/text.h"

struct expect *expect_new(const struct named_expression *wanted, size_t count)
{
	struct expect *expect = calloc(1, sizeof(*expect));
	size_t i;

	if (!expect)
		return NULL;
	expect->violations = calloc(EXPECT_VIOLATIONS_MAX, sizeof(*expect->violations));
	if (!expect->violations) {
		expect_free(expect);
		return NULL;
	}
	expect->seed = hash_seed();
	for (i = 0; i < count && i < EXPECTATIONS_MAX; i++)
		expect->list[expect->count++].wanted = &wanted[i];
	return expect;
}

void expect_free(struct expect *expect)
{
	if (!expect)
		return;
	free(expect->violations);
	free(expect);
}

/* The parts of an expression that are not true, being written down. */
struct account_writer {
	struct field_row *row;
	struct text text;
};

static void on_blame(void *context, const struct expression_part *part)
{
	struct account_writer *writer = context;
	struct blame blame;

	blame_write(part, writer->row, &blame);
	text_append(&writer->text, "%s%s%s%s", writer->text.length ? "\n" : "", blame.what,
		    *blame.advice ? "; " : "", blame.advice);
}

/* Process ids and ports differ from one case to the next, but not what has to change. */
static uint64_t case_hash(const struct expect *expect, size_t expectation,
			  const struct handshake *handshake, const char *what)
{
	/* Without the advice, which names processes. */
	struct slice facts = {(const uint8_t *)what, strcspn(what, ";")};

	return slice_hash(facts, pair_hash(handshake, expect->seed + expectation));
}

static void violation_add(struct expect *expect, size_t index, struct field_row *row)
{
	struct account_writer writer = {.row = row};
	char what[EXPECT_TEXT_SIZE];
	struct expect_case *violation;
	uint64_t hash;
	size_t i;

	text_start(&writer.text, what, sizeof(what));
	expression_blame(expect->list[index].wanted->expression, row, on_blame, &writer);
	hash = case_hash(expect, index, row->handshake, what);
	for (i = 0; i < expect->violation_count; i++)
		if (expect->violations[i].hash == hash) {
			expect->violations[i].count++;
			return;
		}
	if (expect->violation_count == EXPECT_VIOLATIONS_MAX) {
		expect->list[index].unlisted++;
		return;
	}
	violation = &expect->violations[expect->violation_count++];
	*violation = (struct expect_case){
		.expectation = index,
		.count = 1,
		.hash = hash,
		.first_ns = row->handshake->time_ns + row->clock_offset_ns,
	};
	pair_write(row->handshake, violation->who, sizeof(violation->who));
	memcpy(violation->what, what, sizeof(what));
}

void expect_judge(struct expect *expect, struct field_row *row)
{
	size_t i;

	for (i = 0; i < expect->count; i++) {
		struct expectation *expectation = &expect->list[i];
		enum truth truth = expression_evaluate(expectation->wanted->expression, row);
		bool completed = row->handshake->outcome == HANDSHAKE_COMPLETED;

		if (truth == TRUTH_TRUE) {
			expectation->satisfied++;
		} else if (truth == TRUTH_UNKNOWN && !completed) {
			expectation->undecided++;
		} else {
			expectation->violated++;
			violation_add(expect, i, row);
		}
	}
}

bool expectation_holds(const struct expectation *expectation, bool none_ok)
{
	return !expectation->violated && (none_ok || expectation->satisfied);
}

static void violations_print(const struct expect *expect, size_t index)
{
	size_t i;

	for (i = 0; i < expect->violation_count; i++) {
		const struct expect_case *violation = &expect->violations[i];
		const char *line = violation->what;
		char time[TEXT_TIME_SIZE];

		if (violation->expectation != index)
			continue;
		text_time(violation->first_ns, 0, time);
		fprintf(stderr, "  %s %s", time, violation->who);
		if (violation->count > 1)
			fprintf(stderr, ", and %llu more like it",
				(unsigned long long)violation->count - 1);
		fputc('\n', stderr);
		for (; *line; line += strcspn(line, "\n"), line += *line == '\n')
			fprintf(stderr, "    %.*s\n", (int)strcspn(line, "\n"), line);
	}
}

static void expectation_print(const struct expect *expect, size_t index, bool none_ok)
{
	const struct expectation *expectation = &expect->list[index];
	const char *text = expectation->wanted->text;
	unsigned long long judged = expectation->satisfied + expectation->violated;

	if (expectation->violated) {
		log_error("--expect '%s' failed: %llu of %llu handshake%s do%s not satisfy it",
			  text, (unsigned long long)expectation->violated, judged,
			  judged == 1 ? "" : "s", judged == 1 ? "es" : "");
		violations_print(expect, index);
		if (expectation->unlisted)
			fprintf(stderr, "  and %llu of other kinds\n",
				(unsigned long long)expectation->unlisted);
	} else if (!expectation_holds(expectation, none_ok)) {
		log_error("--expect '%s' failed: no handshake %s; check that the filters match, or "
			  "allow it with --expect-none-ok",
			  text,
			  expectation->undecided ? "got so far that it could be decided"
						 : "was seen");
	} else {
		log_error("--expect '%s' holds: %llu handshake%s", text, judged,
			  judged == 1 ? "" : "s");
	}
}

bool expect_report(const struct expect *expect, bool none_ok)
{
	bool holds = true;
	size_t i;

	for (i = 0; i < expect->count; i++) {
		expectation_print(expect, i, none_ok);
		holds &= expectation_holds(&expect->list[i], none_ok);
	}
	return holds;
}
