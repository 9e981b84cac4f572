/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree of a handshake: its parts, the bars of its phases, why it was slow. */
#include "row_fixture.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "sink/phases.h"
#include "sink/text.h"

static void test_tree(void **state)
{
	static const char *const parts[] = {
		"curl[812], /usr/bin/curl, uid 1000, 192.0.2.10:38486",
		"socket of sh[800]",
		"cgroup /user.slice",
		"X25519MLKEM768, x25519",
		"h2, http/1.1",
		"eth0 egress 192.0.2.10:38486 192.0.2.1:443 +0.000 ms",
		"+0.890 ms",
		"server_hello, 1210 bytes\n",
		"finished, 53 bytes, encrypted, inferred\n",
		"outcome inferred",
		"result       ok\n\n",
	};
	struct handshake handshake = example;
	char *output = row_print(&sink_tree, 80, false, &handshake);

	(void)state;
	assert_contains_all(output, parts, ARRAY_SIZE(parts));
	assert_null(strchr(output, '\x1b'));
	free(output);
}

static void test_tree_certificates(void **state)
{
	static const char *const parts[] = {
		"of the server, 400 bytes, shown only in part\n    subject    CN=a\\x1b[2J\n",
		"DNS:a\\xff, IP:192.0.2.1\n",
		"1970-01-01T00:00:04Z to 1970-01-01T00:00:05Z\n",
		"EC P-256, signed with ED25519\n",
		"of the client, 7 bytes, broken\n",
		"JA4 t13d1516h2_8daaf6152771_e5627efa2ab1, JA3 ada70206e40642a3e4461f35503241d5\n",
		"resumed by ticket",
		"session ticket issued",
	};
	struct handshake handshake = with_certificates();
	char *output = row_print(&sink_tree, 0, false, &handshake);

	(void)state;
	assert_contains_all(output, parts, ARRAY_SIZE(parts));
	assert_null(strchr(output, '\x1b'));
	free(output);
	handshake.time_ns += 1000 * MS;
	output = row_print(&sink_tree, 0, false, &handshake);
	assert_contains(output, "05Z, expired at the time of the handshake\n");
	free(output);
	handshake.time_ns -= 3000 * MS;
	output = row_print(&sink_tree, 0, false, &handshake);
	assert_contains(output, "05Z, not yet valid at the time of the handshake\n");
	free(output);
}

static void test_bars(void **state)
{
	/* 80 columns: the axis has 36. */
	static const char *const parts[] = {
		"  latency      40.200 ms, round trip 0.400 ms, 2 segments sent again\n",
		"    phase          where  start ms  took ms 0                          40.200 "
		"ms\n",
		"    tcp_connect    client    0.000    0.061 ▏\n",
		"    hello_network  -         0.361    0.200 ░\n",
		"    server_crypto  server    0.561   38.100 ▐█████████████████████████████████▋\n",
		"    reply_network  -        38.661    0.200                                   ░\n",
		"    client_crypto  client   38.861    1.339                                   "
		"▐█\n",
		"    total                            40.200 █ measured, ░ estimated\n",
		"  slow because: server_crypto 38.1 ms of 40.2 ms (server is at work)\n",
	};
	struct handshake handshake = with_phases();
	char *output = row_print(&sink_tree, 80, false, &handshake);

	(void)state;
	assert_contains_all(output, parts, ARRAY_SIZE(parts));
	free(output);
	output = row_print(&sink_tree, 120, true, &handshake);
	assert_contains(output, "\x1b[35m▐███");
	assert_contains(output, "\x1b[0m ");
	assert_contains(output, "  answer travels to the client (estimate)\n");
	free(output);
	setlocale(LC_CTYPE, "C");
	output = row_print(&sink_tree, 80, false, &handshake);
	setlocale(LC_CTYPE, "C.UTF-8");
	assert_contains(output, " 38.100 ###################################\n");
	assert_contains(output, " 0.200 .\n");
	assert_contains(output, "# measured, . estimated\n");
	free(output);
}

static void bars_fit(const struct handshake *handshake, int width)
{
	char *output = NULL;
	size_t size;
	FILE *out = open_memstream(&output, &size);
	struct sink_settings settings = {.out = out, .width = width};

	assert_non_null(out);
	bars_print(&settings, &handshake->latency);
	fclose(out);
	for (char *line = strtok(output, "\n"); line; line = strtok(NULL, "\n")) {
		if (strstr(line, "latency  ") || strstr(line, "slow because"))
			continue;
		if (text_width(line) > (size_t)width)
			fail_msg("%d columns: \"%s\" has %zu", width, line, text_width(line));
	}
	free(output);
}

/* Bars of any phases at any width fit, and none is missing. */
static void test_bars_width(void **state)
{
	struct handshake handshake = with_phases();

	(void)state;
	for (int width = 68; width <= 300; width++)
		bars_fit(&handshake, width);
	for (int round = 0; round < 200; round++) {
		struct latency *latency = &handshake.latency;
		uint64_t at = START_NS;

		latency->phase_count = (size_t)(rand() % HANDSHAKE_PHASES_MAX) + 1;
		for (size_t i = 0; i < latency->phase_count; i++) {
			latency->phases[i] =
				(struct phase){PHASE_SERVER_WAKEUP,
					       END_SERVER,
					       at,
					       (uint64_t)(rand() % 3 ? rand() % 1000 : 0),
					       rand() % 2,
					       false,
					       false,
					       false,
					       0};
			at += latency->phases[i].duration_ns;
		}
		bars_fit(&handshake, 68 + rand() % 200);
	}
}

static void assert_cause(const struct handshake *handshake, const char *expected)
{
	char cause[256];

	phases_cause_write(&handshake->latency, cause, sizeof(cause));
	assert_string_equal(cause, expected);
}

/* One phase is the cause if it is more than half of all, else several are. */
static void test_cause(void **state)
{
	struct handshake handshake = with_phases();
	struct phase *phases = handshake.latency.phases;

	(void)state;
	assert_cause(&handshake, "slow because: server_crypto 38.1 ms of 40.2 ms");
	phases[3].duration_ns = 2 * MS;
	phases[4].duration_ns = 2 * MS;
	phases[5].duration_ns = 1 * MS;
	assert_cause(&handshake, "slow because: server_crypto 2.0 ms, "
				 "reply_network about 2.0 ms of 5.6 ms");
	phases[2].duration_ns = 248 * MS;
	phases[2].estimated = false;
	phases[2].lost = true;
	assert_cause(&handshake, "slow because: ClientHello lost, sent again after 248.0 ms "
				 "of 253.4 ms");
	assert_string_equal(phase_meaning(&phases[2]), "lost on the way, until it was sent again");
	/* An end that is elsewhere is not blamed for what may have been the way's. */
	phases[3].kind = PHASE_SERVER;
	phases[3].estimated = true;
	phases[3].error_ns = 2 * MS;
	assert_string_equal(phase_meaning(&phases[3]), "server, or lost or queued on the way");
	for (size_t i = 0; i < handshake.latency.phase_count; i++)
		phases[i].duration_ns = 0;
	assert_cause(&handshake, "");
	handshake.latency.phase_count = 0;
	assert_cause(&handshake, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),  cmocka_unit_test(test_tree_certificates),
		cmocka_unit_test(test_bars),  cmocka_unit_test(test_bars_width),
		cmocka_unit_test(test_cause),
	};

	return cmocka_run_group_tests(tests, row_locale, NULL);
}
