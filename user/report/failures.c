// SPDX-License-Identifier: BSD-2-Clause
/* Failures by cause: how often, since when, and who to talk to. */
#include "report/report.h"

#include <stdio.h>

#include "report/workload.h"
#include "sink/sink.h"
#include "sink/text.h"

enum { CAUSE, BY, CLIENT, SERVER, TALK_TO, EXAMPLE };
enum { COUNT, FIRST, LAST };

/* What is certain to be why; else the alert; else how it ended. */
static void cause_write(const struct handshake *handshake, char *to, size_t size)
{
	const char *name = words_name(&words_fact, handshake->failure.cause);
	char buffer[TEXT_CODE_SIZE];

	if (handshake->failure.cause && name)
		snprintf(to, size, "%s", name);
	else if (handshake->failure.alert >= 0)
		snprintf(to, size, "%s", text_alert(handshake->failure.alert, buffer));
	else
		snprintf(to, size, "%s", words_name(&words_failure_kind, handshake->failure.kind));
}

static void add(struct report *report, struct field_row *row)
{
	const struct handshake *handshake = row->handshake;
	enum handshake_end by = handshake->failure.by;
	char cause[TEXT_CODE_SIZE + 32], client[WORKLOAD_SIZE], server[WORKLOAD_SIZE];
	char verdict[FIELD_TEXT_SIZE], talk_to[WORKLOAD_SIZE] = "both ends";
	const char *const key[] = {cause, text_end(by), client, server};
	uint64_t time_ns = handshake->time_ns + row->clock_offset_ns;
	struct report_row *into;

	if (handshake->outcome != HANDSHAKE_FAILED)
		return;
	cause_write(handshake, cause, sizeof(cause));
	workload_write(&handshake->ends[END_CLIENT], client);
	workload_server_write(handshake, server);
	into = report_row(report, key, 4);
	into->counts[COUNT]++;
	if (!into->counts[FIRST])
		into->counts[FIRST] = time_ns;
	into->counts[LAST] = time_ns;
	if (by != END_UNKNOWN)
		workload_write(&handshake->ends[by], talk_to);
	report_text(report, into, TALK_TO, talk_to);
	verdict_write(handshake, verdict, sizeof(verdict));
	report_text(report, into, EXAMPLE, verdict);
}

static uint64_t weight(const struct report_row *row)
{
	return row->counts[COUNT];
}

static const struct report_column columns[] = {
	{"cause", REPORT_TEXT, CAUSE},	   {"failures", REPORT_COUNT, COUNT},
	{"ended_by", REPORT_TEXT, BY},	   {"client", REPORT_TEXT, CLIENT},
	{"server", REPORT_TEXT, SERVER},   {"first", REPORT_TIME, FIRST},
	{"last", REPORT_TIME, LAST},	   {"talk_to", REPORT_TEXT, TALK_TO},
	{"example", REPORT_TEXT, EXAMPLE},
};

const struct report_kind report_failures = {
	.name = "failures",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.add = add,
	.weight = weight,
};
