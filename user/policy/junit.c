// SPDX-License-Identifier: BSD-2-Clause
/* The outcome of expectations in the XML that CI servers read: a suite for each expectation. */
#include <stdio.h>
#include <string.h>

#include "file_open.h"
#include "policy/expect.h"

/* Control characters are not allowed in XML 1.0, not even escaped. */
static void xml_print(FILE *out, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\n':
			fputs("&#10;", out);
			break;
		default:
			fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
		}
}

static void case_print(FILE *out, const char *name, const char *failure)
{
	fputs("    <testcase classname=\"tlstrace\" name=\"", out);
	xml_print(out, name);
	if (!failure) {
		fputs("\"/>\n", out);
		return;
	}
	fputs("\">\n      <failure message=\"", out);
	xml_print(out, failure);
	fputs("\"/>\n    </testcase>\n", out);
}

static size_t cases_count(const struct expect *expect, size_t index)
{
	size_t count = 0, i;

	for (i = 0; i < expect->violation_count; i++)
		count += expect->violations[i].expectation == index;
	return count;
}

static void suite_print(FILE *out, const struct expect *expect, size_t index, bool none_ok)
{
	const struct expectation *expectation = &expect->list[index];
	size_t failures = cases_count(expect, index), i;
	bool passed = expectation->satisfied || !failures;
	bool empty = !expectation->violated && !expectation_holds(expectation, none_ok);
	char name[64];

	fputs("  <testsuite name=\"", out);
	xml_print(out, expectation->wanted->text);
	fprintf(out, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\">\n",
		failures + passed, failures + empty);
	snprintf(name, sizeof(name), "handshakes that satisfy it: %llu",
		 (unsigned long long)expectation->satisfied);
	if (passed)
		case_print(out, name, empty ? "there was no handshake that could be judged" : NULL);
	for (i = 0; i < expect->violation_count; i++)
		if (expect->violations[i].expectation == index)
			case_print(out, expect->violations[i].who, expect->violations[i].what);
	fputs("  </testsuite>\n", out);
}

void expect_junit(const struct expect *expect, bool none_ok, FILE *out)
{
	size_t i;

	file_empty(fileno(out));
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"tlstrace\">\n", out);
	for (i = 0; i < expect->count; i++)
		suite_print(out, expect, i, none_ok);
	fputs("</testsuites>\n", out);
}
