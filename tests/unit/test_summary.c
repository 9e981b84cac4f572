/* SPDX-License-Identifier: BSD-2-Clause */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sink/summary.h"
#include "sink/text.h"
#include "summary/summary.h"
#include "who/container.h"

#define MS	 1000000ull
#define START_NS (5000 * MS)
#define ID	 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define V4(a, b, c, d)                                                                             \
	{                                                                                          \
		[10] = 0xff, [11] = 0xff, a, b, c, d                                               \
	}

enum { PHASE_COUNT = 3 };

/*
 * curl asks example.org, and it takes this long, half of it in one phase that comes twice. Its
 * phases are valid until four more were made.
 */
static struct handshake completed_in(uint64_t ns)
{
	static struct phase phases[4][PHASE_COUNT];
	static size_t made;
	struct phase *own = phases[made++ % 4];
	const struct phase once[PHASE_COUNT] = {
		{PHASE_HELLO_NETWORK, END_UNKNOWN, START_NS, ns / 4, true, false, false, false, 0},
		{PHASE_SERVER_CRYPTO, END_SERVER, START_NS + ns / 4, ns / 2, false, false, false,
		 false, 0},
		{PHASE_HELLO_NETWORK, END_UNKNOWN, START_NS + ns / 4 * 3, ns / 4, false, false,
		 false, false, 0},
	};
	struct handshake handshake = {
		.time_ns = START_NS,
		.end_ns = START_NS + ns,
		.outcome = HANDSHAKE_COMPLETED,
		.ends[END_CLIENT] = {.address = {V4(192, 0, 2, 10), 38486},
				     .process = {.pid = 812, .comm = "curl"}},
		.ends[END_SERVER] = {.address = {V4(192, 0, 2, 1), 443},
				     .process = {.pid = 900, .comm = "nginx"}},
		.sni = (char *)"example.org",
		.sni_length = 11,
		.latency =
			{
				.start_ns = START_NS,
				.end_ns = START_NS + ns,
				.phases = own,
				.phase_count = PHASE_COUNT,
			},
	};

	for (size_t i = 0; i < PHASE_COUNT; i++)
		own[i] = once[i];
	return handshake;
}

static struct summary *summary_of(const struct handshake *handshakes, size_t count)
{
	struct summary *summary = summary_new();

	assert_non_null(summary);
	for (size_t i = 0; i < count; i++)
		summary_add(summary, &handshakes[i]);
	return summary;
}

static void assert_near(uint64_t got, uint64_t expected)
{
	uint64_t difference = got > expected ? got - expected : expected - got;

	if (difference > expected / 100)
		fail_msg("%llu is not near %llu", (unsigned long long)got,
			 (unsigned long long)expected);
}

static char *table_of(struct summary *summary, int width, enum summary_extent extent)
{
	char *output = NULL;
	size_t size;
	struct sink_settings settings = {.out = open_memstream(&output, &size), .width = width};

	assert_non_null(settings.out);
	summary_table_write(&settings, summary, extent);
	fclose(settings.out);
	return output;
}

static void assert_contains(const char *output, const char *part)
{
	if (!strstr(output, part))
		fail_msg("\"%s\" is not in:\n%s", part, output);
}

/* Who asks, and whom: by process, by name, by address, whatever is known. */
static void test_groups(void **state)
{
	struct handshake list[8];
	const struct summary_group *const *groups;
	struct summary *summary;

	(void)state;
	for (size_t i = 0; i < 8; i++)
		list[i] = completed_in(4 * MS);
	list[1].ends[END_CLIENT].process.pid++;	   /* another curl is the same client */
	list[2].ends[END_CLIENT].address.ip[15]++; /* from wherever */
	list[3].sni_length = 7;			   /* another server */
	list[4].sni = NULL;			   /* nginx */
	list[5].ends[END_CLIENT].process.pid = 0;  /* 192.0.2.10 */
	list[6].ends[END_CLIENT].process.pid = 0;
	list[6].ends[END_CLIENT].address.port++; /* from another port */
	list[7].sni = NULL;
	list[7].ends[END_SERVER].process.pid = 0; /* 192.0.2.1:443 */
	summary = summary_of(list, 8);
	assert_int_equal(summary_groups(summary, &groups), 5);
	assert_int_equal(summary_group_count(groups[0]), 3);
	assert_string_equal(groups[0]->names->client_comm, "curl");
	assert_int_equal(groups[0]->names->sni_length, 11);
	assert_int_equal(summary_group_count(groups[1]), 2);
	assert_string_equal(groups[1]->names->client_comm, "");
	assert_int_equal(groups[1]->names->client.ip[15], 10);
	assert_null(summary_other(summary));
	summary_free(summary);
}

/* The same programs in other containers are others: by its name, or else the start of its id. */
static void test_containers(void **state)
{
	struct container web = {.known = true, .id = (char *)ID, .details.name = (char *)"web\x1b"};
	struct container asked = {.known = false}, nameless = {.known = true, .id = (char *)ID};
	struct handshake list[4];
	const struct summary_group *const *groups;
	struct summary *summary;
	char *output;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		list[i] = completed_in(4 * MS);
		list[i].sni = NULL;
		list[i].ends[END_SERVER].process.container = &web;
	}
	list[1].ends[END_CLIENT].process.container = &nameless;
	list[2].ends[END_CLIENT].process.container = &asked; /* not known to be in one */
	list[3].sni = (char *)"example.org";		     /* whoever serves it */
	summary = summary_of(list, 4);
	assert_int_equal(summary_groups(summary, &groups), 3);
	assert_int_equal(summary_group_count(groups[0]), 2);
	output = table_of(summary, 100, SUMMARY_ALL);
	assert_contains(output, "\ncurl → nginx@web\\x1b ");
	assert_contains(output, "\ncurl@0123456789ab → nginx@web\\x1b ");
	assert_contains(output, "\ncurl → example.org ");
	free(output);
	summary_free(summary);
}

static void test_counts(void **state)
{
	struct handshake list[5];
	const struct summary_group *const *groups;
	struct summary *summary;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		list[i] = completed_in(4 * MS);
	list[1].resumed = true;
	list[2].outcome = HANDSHAKE_FAILED;
	list[3].outcome = HANDSHAKE_INCOMPLETE;
	list[4].outcome = HANDSHAKE_FAILED;
	list[4].resumed = true;
	summary = summary_of(list, 5);
	assert_int_equal(summary_groups(summary, &groups), 1);
	assert_int_equal(groups[0]->completed, 2);
	assert_int_equal(groups[0]->resumed, 1);
	assert_int_equal(groups[0]->failed, 2);
	assert_int_equal(groups[0]->incomplete, 1);
	/* Only of those that were completed it is a latency. */
	assert_int_equal(groups[0]->totals.count, 2);
	summary_free(summary);
}

static void test_phases(void **state)
{
	const struct summary_group *const *groups;
	struct summary *summary = summary_new();

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++) {
		struct handshake handshake = completed_in(i * 100000);

		summary_add(summary, &handshake);
	}
	assert_int_equal(summary_groups(summary, &groups), 1);
	assert_near(histogram_quantile(&groups[0]->totals, 500), 50 * MS);
	assert_near(histogram_quantile(&groups[0]->totals, 950), 95 * MS);
	assert_near(histogram_quantile(&groups[0]->totals, 990), 99 * MS);
	assert_int_equal(groups[0]->phase_count, 2);
	assert_int_equal(groups[0]->phases[0].kind, PHASE_HELLO_NETWORK);
	assert_int_equal(groups[0]->phases[0].durations.count, 1000);
	assert_int_equal(groups[0]->phases[0].estimated, 1000);
	assert_near(histogram_quantile(&groups[0]->phases[0].durations, 500), 25 * MS);
	assert_int_equal(groups[0]->phases[1].estimated, 0);
	summary_free(summary);
}

/* Names that anybody may choose do not fill the memory: what is beyond the limit is counted
 * together. */
static void test_other(void **state)
{
	const struct summary_group *const *groups;
	struct summary *summary = summary_new();
	char name[300];

	(void)state;
	for (int i = 0; i < 3 * SUMMARY_GROUPS_MAX; i++) {
		struct handshake handshake = completed_in(MS);

		handshake.sni = name;
		handshake.sni_length = (size_t)snprintf(name, sizeof(name), "%0*d", i % 250 + 5, i);
		summary_add(summary, &handshake);
	}
	assert_int_equal(summary_groups(summary, &groups), SUMMARY_GROUPS_MAX);
	assert_non_null(summary_other(summary));
	assert_null(summary_other(summary)->names);
	assert_int_equal(summary_group_count(summary_other(summary)), 2 * SUMMARY_GROUPS_MAX);
	assert_int_equal(summary_other(summary)->totals.count, 2 * SUMMARY_GROUPS_MAX);
	summary_free(summary);
}

static void test_table(void **state)
{
	struct handshake list[3] = {completed_in(4 * MS), completed_in(4 * MS), completed_in(MS)};
	struct summary *summary;
	char *output;

	(void)state;
	list[1].resumed = true;
	list[2].outcome = HANDSHAKE_FAILED;
	list[2].sni = (char *)"\x1b[2J";
	list[2].sni_length = 4;
	summary = summary_of(list, 3);
	output = table_of(summary, 80, SUMMARY_BRIEF);
	assert_contains(
		output,
		"\n"
		"CLIENT → SERVER           COUNT FAILED RESUMED    P50 MS    P95 MS    P99 MS\n"
		"curl → example.org            2      0     50%     4.000     4.000     4.000\n"
		"  hello_network                                   ~2.000    ~2.000    ~2.000\n"
		"  server_crypto                                    2.000     2.000     2.000\n"
		"curl → \\x1b[2J                1      1       -         -         -         -\n");
	free(output);
	summary_free(summary);
}

/* In the order of a handshake, also where the first of them had no such phase. */
static void test_phase_order(void **state)
{
	struct handshake list[2] = {completed_in(4 * MS), completed_in(4 * MS)};
	struct summary *summary;
	char *output;

	(void)state;
	list[0].latency.phases[0].kind = list[0].latency.phases[2].kind = PHASE_UNKNOWN;
	list[1].latency.phases[0].kind = list[1].latency.phases[2].kind = PHASE_TCP_CONNECT;
	summary = summary_of(list, 2);
	output = table_of(summary, 80, SUMMARY_ALL);
	assert_true(strstr(output, "tcp_connect") < strstr(output, "server_crypto"));
	assert_true(strstr(output, "server_crypto") < strstr(output, "unknown"));
	free(output);
	summary_free(summary);
}

/* Many groups at any width: lines fit, and a brief table is one. */
static void test_table_many(void **state)
{
	struct summary *summary = summary_new();
	char name[100], *output;

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct handshake handshake = completed_in(MS);

		handshake.sni = name;
		handshake.sni_length = (size_t)snprintf(name, sizeof(name), "%0*d", i + 5, i);
		for (int j = 0; j <= i; j++)
			summary_add(summary, &handshake);
	}
	output = table_of(summary, 0, SUMMARY_BRIEF);
	assert_contains(output,
			"and 40 more groups with 820 handshakes: --summary table shows all");
	assert_null(strstr(output, "server_crypto"));
	free(output);
	output = table_of(summary, 0, SUMMARY_ALL);
	assert_contains(output, "server_crypto");
	assert_null(strstr(output, " more groups with "));
	free(output);
	for (int width = 78; width < 200; width += 7) {
		output = table_of(summary, width, SUMMARY_ALL);
		for (char *line = strtok(output, "\n"); line; line = strtok(NULL, "\n"))
			assert_true(text_width(line) <= (size_t)width);
		free(output);
	}
	summary_free(summary);
}

static void test_json(void **state)
{
	struct handshake list[2] = {completed_in(4 * MS), completed_in(4 * MS)};
	struct summary *summary;
	char *output = NULL;
	size_t size;
	struct sink_settings settings = {.out = open_memstream(&output, &size)};

	(void)state;
	list[1].resumed = true;
	summary = summary_of(list, 2);
	summary_json_write(&settings, summary, START_NS);
	fclose(settings.out);
	assert_string_equal(
		output,
		"{\"type\":\"summary\",\"schema\":1,\"time\":\"1970-01-01T00:00:05.000000000Z\","
		"\"groups\":[{\"client\":{\"comm\":\"curl\",\"container\":null,\"ip\":null},"
		"\"server\":{\"sni\":\"example.org\",\"comm\":null,\"container\":null,\"ip\":null,"
		"\"port\":null},"
		"\"count\":2,\"completed\":2,\"failed\":0,\"incomplete\":0,\"resumed\":1,"
		"\"resumed_share\":0.5000,\"untimed\":0,"
		"\"total\":{\"count\":2,\"p50_us\":4000,\"p95_us\":4000,\"p99_us\":4000,\"max_us\":"
		"4000},"
		"\"phases\":[{\"name\":\"hello_network\",\"side\":null,"
		"\"count\":2,\"p50_us\":2000,\"p95_us\":2000,\"p99_us\":2000,\"max_us\":2000,"
		"\"estimated\":2},"
		"{\"name\":\"server_crypto\",\"side\":\"server\","
		"\"count\":2,\"p50_us\":2000,\"p95_us\":2000,\"p99_us\":2000,\"max_us\":2000,"
		"\"estimated\":0}"
		"]}],\"other\":null}\n");
	free(output);
	summary_free(summary);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),	    cmocka_unit_test(test_containers),
		cmocka_unit_test(test_counts),	    cmocka_unit_test(test_phases),
		cmocka_unit_test(test_other),	    cmocka_unit_test(test_table),
		cmocka_unit_test(test_phase_order), cmocka_unit_test(test_table_many),
		cmocka_unit_test(test_json),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
