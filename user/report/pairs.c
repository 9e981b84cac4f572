// SPDX-License-Identifier: BSD-2-Clause
/* For each client and server: how many handshakes, how many failed, how long they took. */
#include "report/report.h"
#include "report/workload.h"

enum { CLIENT, SERVER };
enum { COUNT, FAILED, RESUMED };

static void add(struct report *report, struct field_row *row)
{
	const struct handshake *handshake = row->handshake;
	char client[WORKLOAD_SIZE], server[WORKLOAD_SIZE];
	const char *const key[] = {client, server};
	struct report_row *into;
	uint64_t total_ns;

	workload_write(&handshake->ends[END_CLIENT], client);
	workload_server_write(handshake, server);
	into = report_row(report, key, 2);
	into->counts[COUNT]++;
	into->counts[FAILED] += handshake->outcome == HANDSHAKE_FAILED;
	if (handshake->outcome != HANDSHAKE_COMPLETED)
		return;
	into->counts[RESUMED] += handshake->resumed;
	if (handshake_total(handshake, &total_ns))
		histogram_add(&into->totals, total_ns);
}

static uint64_t weight(const struct report_row *row)
{
	return row->counts[COUNT];
}

static const struct report_column columns[] = {
	{"client", REPORT_TEXT, CLIENT},     {"server", REPORT_TEXT, SERVER},
	{"handshakes", REPORT_COUNT, COUNT}, {"failed", REPORT_COUNT, FAILED},
	{"resumed", REPORT_COUNT, RESUMED},  {"p50_ms", REPORT_QUANTILE, 500},
	{"p95_ms", REPORT_QUANTILE, 950},    {"p99_ms", REPORT_QUANTILE, 990},
};

const struct report_kind report_pairs = {
	.name = "pairs",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.add = add,
	.weight = weight,
};
