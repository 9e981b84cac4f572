/* SPDX-License-Identifier: BSD-2-Clause */
/* How bytes of others, addresses, times and durations become text. */
#include "row_fixture.h"

#include <stdlib.h>

#include "sink/text.h"

static void assert_escaped(const void *bytes, size_t length, const char *expected)
{
	char text[256];

	assert_int_equal(text_escape(bytes, length, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
}

static void test_escape(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		const char *expected;
	} cases[] = {
		{"example.org", 11, "example.org"},
		{"", 0, ""},
		{"b\xc3\xbc"
		 "cher \xf0\x9f\x94\x92",
		 12,
		 "b\xc3\xbc"
		 "cher \xf0\x9f\x94\x92"},
		{"\x1b[31m", 5, "\\x1b[31m"},
		{"a\0b\n\r\t\x7f", 7, "a\\x00b\\x0a\\x0d\\x09\\x7f"},
		/* invalid: a lone continuation, a cut sequence, bytes that never occur */
		{"\x80"
		 "a\xe2\x82"
		 "b\xff",
		 6, "\\x80a\\xe2\\x82b\\xff"},
		{"\xf0\x9f\x94", 3, "\\xf0\\x9f\\x94"},
		/* overlong "/", NUL and ESC */
		{"\xc0\xaf\xc0\x80\xe0\x80\x9b", 7, "\\xc0\\xaf\\xc0\\x80\\xe0\\x80\\x9b"},
		/* a surrogate, beyond U+10FFFF, a noncharacter */
		{"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},
		{"\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"},
		{"\xef\xbf\xbf", 3, "\\xef\\xbf\\xbf"},
		/* U+0080, U+009B (CSI), U+009F */
		{"\xc2\x80\xc2\x9b\xc2\x9f", 6, "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f"},
		/* Blanks that are no space: NBSP, EM SPACE, IDEOGRAPHIC SPACE, BRAILLE BLANK */
		{"\xc2\xa0\xe2\x80\x83", 5, "\\xc2\\xa0\\xe2\\x80\\x83"},
		{"\xe3\x80\x80\xe2\xa0\x80", 6, "\\xe3\\x80\\x80\\xe2\\xa0\\x80"},
		/* From right to left: HEBREW ALEF, ARABIC ALEF, and their presentation forms */
		{"\xd7\x90\xd8\xa7", 4, "\\xd7\\x90\\xd8\\xa7"},
		{"\xef\xac\x9d\xef\xba\x8d", 6, "\\xef\\xac\\x9d\\xef\\xba\\x8d"},
		/* A letter may have four marks, the fifth is escaped; a letter starts anew. */
		{"a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81", 11,
		 "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\\xcc\\x81"},
		{"a\xcc\x81\xcc\x81\xcc\x81\xcc\x81z\xcc\x81", 12,
		 "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81z\xcc\x81"},
		/* RIGHT-TO-LEFT OVERRIDE, LEFT-TO-RIGHT ISOLATE, ARABIC LETTER MARK, RLM */
		{"\xe2\x80\xae"
		 "gpj",
		 6, "\\xe2\\x80\\xaegpj"},
		{"\xe2\x81\xa6", 3, "\\xe2\\x81\\xa6"},
		{"\xd8\x9c\xe2\x80\x8f", 5, "\\xd8\\x9c\\xe2\\x80\\x8f"},
		/* LINE SEPARATOR, ZERO WIDTH SPACE, BOM */
		{"\xe2\x80\xa8\xe2\x80\x8b\xef\xbb\xbf", 9,
		 "\\xe2\\x80\\xa8\\xe2\\x80\\x8b\\xef\\xbb\\xbf"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* Exactly as long as it is, so that reading on is seen. */
		char *bytes = malloc(cases[i].length + !cases[i].length);

		assert_non_null(bytes);
		memcpy(bytes, cases[i].bytes, cases[i].length);
		assert_escaped(bytes, cases[i].length, cases[i].expected);
		free(bytes);
	}
}

/* 250 marks on one letter would cover the lines above it. */
static void test_escape_marks(void **state)
{
	char name[1 + 2 * 250], text[4 * sizeof(name) + 1];

	(void)state;
	name[0] = 'a';
	for (size_t i = 1; i < sizeof(name); i += 2)
		memcpy(name + i, "\xcc\x81", 2);
	assert_int_equal(text_escape(name, sizeof(name), text, sizeof(text)), 1 + 4 * 2 + 246 * 8);
}

/* Neither an escape nor a character is cut in its middle. */
static void test_escape_cut(void **state)
{
	char text[8];

	(void)state;
	assert_int_equal(text_escape("abcdefgh", 8, text, 8), 7);
	assert_string_equal(text, "abcdefg");
	assert_int_equal(text_escape("abcd\x1b", 5, text, 8), 4);
	assert_string_equal(text, "abcd");
	assert_int_equal(text_escape("abc\x1b", 4, text, 8), 7);
	assert_string_equal(text, "abc\\x1b");
	assert_int_equal(text_escape("abcdef\xc3\xbc", 8, text, 8), 6);
	assert_string_equal(text, "abcdef");
	assert_int_equal(text_escape("a", 1, text, 1), 0);
	assert_string_equal(text, "");
	assert_int_equal(text_escape("a", 1, NULL, 0), 0);
}

static void test_helpers(void **state)
{
	static const struct address v4 = {V4(192, 0, 2, 1), 443};
	static const struct address v6 = {{0x20, 1, 0xd, 0xb8, [15] = 1}, 443};
	static const struct {
		int64_t ns;
		const char *expected;
	} durations[] = {
		{890100, "890.1"}, {0, "0"},	      {-1, "-0.001"},
		{100000, "100"},   {1000000, "1000"}, {-61200, "-61.2"},
	};
	static const struct {
		uint64_t ns;
		const char *expected;
	} spoken[] = {
		{1234000, "1.2 ms"},
		{0, "less than 0.1 ms"},
		{10000 * MS, "10 s"},
		{1500 * MS, "1.5 s"},
	};
	char text[128];

	(void)state;
	text_address(&v4, text);
	assert_string_equal(text, "192.0.2.1:443");
	text_address(&v6, text);
	assert_string_equal(text, "[2001:db8::1]:443");
	text_time(1700000000123456789, -1000000000, text);
	assert_string_equal(text, "2023-11-14T22:13:19.123456789Z");
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		text_microseconds(durations[i].ns, text);
		assert_string_equal(text, durations[i].expected);
	}
	for (size_t i = 0; i < ARRAY_SIZE(spoken); i++) {
		text_duration(spoken[i].ns, text);
		assert_string_equal(text, spoken[i].expected);
	}
	text_milliseconds(2310400, text);
	assert_string_equal(text, "2.310");
	text_milliseconds(12345678, text);
	assert_string_equal(text, "12.35");
	text_milliseconds(2310400000, text);
	assert_string_equal(text, "2310.4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_escape_marks),
		cmocka_unit_test(test_escape_cut),
		cmocka_unit_test(test_helpers),
	};

	return cmocka_run_group_tests(tests, row_locale, NULL);
}
