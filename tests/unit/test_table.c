/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables: what has room at which width, and what is said in short. */
#include "row_fixture.h"

#include <stdlib.h>

#include "sink/text.h"

/* At any width there are the header and one row, neither wider than the terminal. */
static void assert_table_fits(const struct sink *sink, const struct handshake *handshake, int width)
{
	char *output = row_print(sink, width, false, handshake), *at = output;
	size_t lines = 0;

	for (char *end; (end = strchr(at, '\n')); at = end + 1, lines++) {
		*end = '\0';
		if (text_width(at) > (size_t)width)
			fail_msg("%d columns: \"%s\" has %zu", width, at, text_width(at));
	}
	assert_int_equal(lines, 2);
	free(output);
}

static void test_table_width(void **state)
{
	struct handshake handshake = example;

	(void)state;
	for (int width = 1; width <= 300; width++)
		assert_table_fits(&sink_table, &handshake, width);
	handshake.outcome = HANDSHAKE_FAILED;
	handshake.failure.kind = FAILURE_ALERT;
	handshake.failure.by = END_SERVER;
	handshake.failure.alert = 70;
	/* Characters of two columns. */
	handshake.sni = (char *)"\xe4\xbe\x8b\xe3\x81\x88.\xe4\xbe\x8b\xe3\x81\x88.example.org";
	handshake.sni_length = strlen(handshake.sni);
	for (int width = 1; width <= 300; width++)
		assert_table_fits(&sink_table, &handshake, width);
	for (int width = 1; width <= 500; width++)
		assert_table_fits(&sink_wide, &handshake, width);
}

static void test_table(void **state)
{
	struct handshake handshake = example;
	char *output = row_print(&sink_table, 0, false, &handshake);

	(void)state;
	assert_contains(output, "curl[812]  ");
	assert_contains(output, " [2001:db8::1]:443  ");
	assert_contains(output, " a\\x1b[2J\\x00.org ");
	assert_contains(output, " 2.372 ok\n");
	free(output);
	handshake.outcome = HANDSHAKE_FAILED;
	handshake.failure.kind = FAILURE_ALERT;
	handshake.failure.by = END_CLIENT;
	handshake.failure.alert = 48;
	output = row_print(&sink_table, 80, true, &handshake);
	/* The sentence has no room: who and why have. */
	assert_contains(output, " 2.372 \x1b[31mclient: unknown_ca\x1b[0m\n");
	assert_contains(output, "\n00:00:05 curl[812]  ");
	free(output);
	output = row_print(&sink_table, 60, false, &handshake);
	assert_contains(output, " unknown_ca\n");
	free(output);
	/* The name has its own column. */
	output = row_print(&sink_table, 180, false, &handshake);
	assert_contains(output, " client rejected the server's certificate: unknown_ca\n");
	free(output);
	output = row_print(&sink_table, 0, true, &handshake);
	assert_contains(output, "\x1b[31mclient curl[812] rejected the server's certificate: "
				"unknown_ca\x1b[0m\n");
	free(output);
}

/* What has no room is said shorter, never cut: the name, the remarks, the sentence go one by one.
 */
static void test_table_short_verdict(void **state)
{
	static const char *const forms[] = {
		" client curl[812] rejected the server's certificate: unknown_ca "
		"(after the warning unrecognized_name)\n",
		" client rejected the server's certificate: unknown_ca (after the warning "
		"unrecognized_name)\n",
		" client curl[812] rejected the server's certificate: unknown_ca\n",
		" client rejected the server's certificate: unknown_ca\n",
		" client: unknown_ca\n",
	};
	struct handshake handshake = example;
	bool said[ARRAY_SIZE(forms)] = {false};

	(void)state;
	handshake.outcome = HANDSHAKE_FAILED;
	handshake.failure.kind = FAILURE_ALERT;
	handshake.failure.by = END_CLIENT;
	handshake.failure.alert = 48;
	handshake.failure.facts = 1u << FACT_WARNED;
	handshake.failure.warning = 112;
	for (int width = 80; width <= 300; width++) {
		char *output = row_print(&sink_table, width, false, &handshake);
		size_t form = 0;

		while (form < ARRAY_SIZE(forms) && !strstr(output, forms[form]))
			form++;
		if (form == ARRAY_SIZE(forms))
			fail_msg("%d columns: %s", width, output);
		said[form] = true;
		free(output);
	}
	for (size_t form = 0; form < ARRAY_SIZE(forms); form++)
		assert_true(said[form]);
}

static void test_table_words(void **state)
{
	static const struct {
		enum failure_kind kind;
		enum handshake_end by;
		enum failure_fact cause;
		const char *words;
	} cases[] = {
		{FAILURE_CLOSED, END_CLIENT, FACT_NONE, " client: closed\n"},
		{FAILURE_CLOSED, END_CLIENT, FACT_NO_ANSWER, " gave up waiting\n"},
		{FAILURE_RESET, END_SERVER, FACT_NONE, " server: reset\n"},
		{FAILURE_CLOSED, END_SERVER, FACT_KILLED, " server: killed\n"},
		{FAILURE_RESET, END_UNKNOWN, FACT_BETWEEN, " middlebox: reset\n"},
		{FAILURE_TIMEOUT, END_UNKNOWN, FACT_NONE, " timeout\n"},
	};
	struct handshake handshake = example;

	(void)state;
	handshake.outcome = HANDSHAKE_FAILED;
	handshake.end_ns += 1000 * MS;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *output;

		handshake.failure.kind = cases[i].kind;
		handshake.failure.by = cases[i].by;
		handshake.failure.cause = cases[i].cause;
		output = row_print(&sink_table, 80, false, &handshake);
		assert_contains(output, cases[i].words);
		free(output);
	}
}

/* The plain table's columns and the phases; what happened twice is added up. */
static void test_wide(void **state)
{
	struct handshake handshake = with_phases();
	char *output = row_print(&sink_wide, 0, false, &handshake);

	(void)state;
	assert_contains(output, " ALPN     RESUMED        RTT RESENT TCP_CONNECT CLIENT_PREPARE ");
	assert_contains(output,
			" h2       no           0.400      2       0.061          0.300 "
			"       ~0.200            -             -         38.10             - ");
	assert_contains(output, " 40.20 ok\n");
	free(output);
	handshake.latency.phases[4].kind = PHASE_HELLO_NETWORK;
	output = row_print(&sink_wide, 0, false, &handshake);
	assert_contains(output, " ~0.400 ");
	free(output);
	output = row_print(&sink_wide, 200, false, &handshake);
	assert_contains(output, " SERVER_CRYPTO ");
	assert_contains(output, " RESULT");
	free(output);
	output = row_print(&sink_table, 0, false, &handshake);
	assert_null(strstr(output, "TCP_CONNECT"));
	free(output);
}

/* QUIC's own version is what the row shows. */
static void test_rows_quic(void **state)
{
	static const struct {
		uint32_t version;
		const char *name;
	} versions[] = {{1, " QUICv1 "},
			{0x6b3343cf, " QUICv2 "},
			{0xff00001d, " QUICd29 "},
			{0x1a2a3a4a, " QUIC "}};
	struct handshake handshake = example;

	(void)state;
	handshake.transport = TRANSPORT_QUIC;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		char *table, *tree;

		handshake.quic_version = versions[i].version;
		table = row_print(&sink_table, 0, false, &handshake);
		tree = row_print(&sink_tree, 80, false, &handshake);
		assert_contains(table, versions[i].name);
		assert_contains(tree, versions[i].name);
		free(table);
		free(tree);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_width),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_short_verdict),
		cmocka_unit_test(test_table_words),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_rows_quic),
	};

	return cmocka_run_group_tests(tests, row_locale, NULL);
}
