// SPDX-License-Identifier: BSD-2-Clause
/* Who violates a policy, and would be affected if it were enforced. */
#include "report/report.h"

#include <stdio.h>

#include "policy/blame.h"
#include "report/workload.h"

enum { CLIENT, SERVER, WHAT, CHANGE };
enum { COUNT, LAST };

static void add(struct report *report, struct field_row *row)
{
	const struct expression *policy = report->wanted->policy.expression;
	const struct handshake *handshake = row->handshake;
	char client[WORKLOAD_SIZE], server[WORKLOAD_SIZE];
	const char *const key[] = {client, server};
	enum truth truth = expression_evaluate(policy, row);
	struct report_row *into;
	struct blame blame;

	if (truth == TRUTH_TRUE ||
	    (truth == TRUTH_UNKNOWN && handshake->outcome != HANDSHAKE_COMPLETED))
		return;
	workload_write(&handshake->ends[END_CLIENT], client);
	workload_server_write(handshake, server);
	into = report_row(report, key, 2);
	into->counts[COUNT]++;
	into->counts[LAST] = handshake->time_ns + row->clock_offset_ns;
	blame_first(policy, row, &blame);
	report_text(report, into, WHAT, blame.what);
	report_text(report, into, CHANGE, blame.advice);
}

static uint64_t weight(const struct report_row *row)
{
	return row->counts[COUNT];
}

static const struct report_column columns[] = {
	{"client", REPORT_TEXT, CLIENT},     {"server", REPORT_TEXT, SERVER},
	{"handshakes", REPORT_COUNT, COUNT}, {"last", REPORT_TIME, LAST},
	{"violates", REPORT_TEXT, WHAT},     {"change", REPORT_TEXT, CHANGE},
};

const struct report_kind report_breaks = {
	.name = "breaks",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.add = add,
	.weight = weight,
	.takes_policy = true,
};
