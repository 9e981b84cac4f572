/* SPDX-License-Identifier: BSD-2-Clause */
/* What a row ends with: each sentence there is, and that the manual lists it. */
#include "verdict_fixture.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "handshake/cause.h"
#include "sink/sink.h"
#include "sink/text.h"

#define MANUAL "docs/tlstrace.8.rst"

static void assert_sentence(const struct verdict_case *expected)
{
	struct handshake handshake = hello_new();
	char verdict[TEXT_VERDICT_SIZE];
	const char *cause;

	expected->make(&handshake);
	handshake_causes(&handshake, 0);
	verdict_write(&handshake, verdict, sizeof(verdict));
	assert_string_equal(verdict, expected->expected);
	assert_int_equal(verdict_form(&handshake), expected->form);
	cause = failure_fact_name(handshake.failure.cause);
	assert_string_equal(cause ? cause : "", expected->cause ? expected->cause : "");
}

static void test_sentences(void **state)
{
	(void)state;
	for (size_t i = 0; i < verdict_refusal_count; i++)
		assert_sentence(&verdict_refusals[i]);
	for (size_t i = 0; i < verdict_end_count; i++)
		assert_sentence(&verdict_ends[i]);
}

static void test_every_form(void **state)
{
	bool covered[VERDICT_FORMS] = {false};

	(void)state;
	for (size_t i = 0; i < verdict_refusal_count; i++)
		covered[verdict_refusals[i].form] = true;
	for (size_t i = 0; i < verdict_end_count; i++)
		covered[verdict_ends[i].form] = true;
	for (size_t form = 0; form < VERDICT_FORMS; form++)
		if (!covered[form])
			fail_msg("no case for: %s", verdict_forms[form]);
}

/* The manual's text with every run of space as one, markup left out. */
static char *manual_read(void)
{
	FILE *file = fopen(MANUAL, "r");
	char *text = calloc(1, 1 << 18), *to = text;
	int byte, last = ' ';

	assert_non_null(file);
	assert_non_null(text);
	while ((byte = fgetc(file)) != EOF && to < text + (1 << 18) - 1) {
		if (byte == '*' || byte == '\\')
			continue;
		byte = isspace(byte) ? ' ' : byte;
		if (byte != ' ' || last != ' ')
			*to++ = byte;
		last = byte;
	}
	fclose(file);
	return text;
}

static void test_manual(void **state)
{
	char *manual = manual_read();

	(void)state;
	for (size_t form = 0; form < VERDICT_FORMS; form++)
		if (!strstr(manual, verdict_forms[form]))
			fail_msg(MANUAL " does not list: %s", verdict_forms[form]);
	free(manual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_every_form),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
