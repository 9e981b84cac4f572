// SPDX-License-Identifier: BSD-2-Clause
#include "trace/report.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>

#include "handshake/cause.h"
#include "sink/summary.h"
#include "sink/text.h"
#include "summary/summary.h"
#include "trace/filter.h"
#include "trace/signals.h"
#include "trace/trace.h"
#include "version.h"

#define SUMMARY_AUTO_LEAST 2

void account_add(struct account_counts *counts, const char *name, uint64_t value)
{
	if (counts->count < ACCOUNT_COUNTS_MAX)
		counts->rows[counts->count++] = (struct named_count){name, value};
}

static uint64_t account_sum(const struct account_counts *counts)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < counts->count; i++)
		sum += counts->rows[i].count;
	return sum;
}

/* On the clock of the trace. */
static uint64_t time_now(const struct trace *trace)
{
	return trace_clock_ns(CLOCK_REALTIME) - trace->outputs.list[0].settings.clock_offset_ns;
}

int report_start(struct trace *trace)
{
	struct trace_start start = {.version = TLSTRACE_VERSION};
	struct utsname system;

	uname(&system);
	start.host = system.nodename;
	start.kernel = system.release;
	trace->source->operations->describe(trace->source, trace, &start);
	start.time_ns = time_now(trace);
	return outputs_start(&trace->outputs, &start);
}

static void counts_print(const struct account_counts *counts, const char *what)
{
	size_t i;

	for (i = 0; i < counts->count; i++)
		if (counts->rows[i].count)
			fprintf(stderr, "; %s %llu: %s", what,
				(unsigned long long)counts->rows[i].count, counts->rows[i].name);
}

static void footer_print(const struct trace_end *end, const struct account *account)
{
	fprintf(stderr,
		"tlstrace: %llu handshake%s: %llu completed, %llu failed, %llu incomplete; "
		"%llu filtered out",
		(unsigned long long)end->reported, end->reported == 1 ? "" : "s",
		(unsigned long long)end->completed, (unsigned long long)end->failed,
		(unsigned long long)end->incomplete, (unsigned long long)end->filtered);
	counts_print(&account->lost, "lost");
	counts_print(&account->dropped, "dropped");
	fputc('\n', stderr);
}

/* A summary of one handshake repeats its row, so it must be asked for. */
static void summary_print(struct trace *trace, uint64_t time_ns)
{
	const struct sink_settings err = {.out = stderr, .width = output_width(stderr)};
	struct output *json;

	switch (trace->options->summary) {
	case SUMMARY_AUTO:
		if (trace->reported >= SUMMARY_AUTO_LEAST)
			summary_table_write(&err, trace->summary, SUMMARY_BRIEF);
		break;
	case SUMMARY_TABLE:
		summary_table_write(&err, trace->summary, SUMMARY_ALL);
		break;
	case SUMMARY_JSON:
		json = outputs_find(&trace->outputs, &sink_json);
		summary_json_write(&json->settings, trace->summary, time_ns);
		break;
	case SUMMARY_NONE:
		break;
	}
}

/* The counts of end are borrowed from account. */
static struct trace_end end_make(struct trace *trace, struct account *account)
{
	struct trace_end end = {
		.time_ns = time_now(trace),
		.completed = trace->outcomes[HANDSHAKE_COMPLETED],
		.failed = trace->outcomes[HANDSHAKE_FAILED],
		.incomplete = trace->outcomes[HANDSHAKE_INCOMPLETE],
		.reported = trace->reported,
		.filtered = trace->filtered,
	};

	*account = (struct account){0};
	account_add(&account->lost, "handshake_table_full", tracker_refused(trace->tracker));
	account_add(&account->lost, "hello_never_whole", tracker_unfinished(trace->tracker));
	trace->source->operations->account(trace->source, trace->tracker, account);
	end.lost = account->lost.rows;
	end.lost_count = account->lost.count;
	end.dropped = account->dropped.rows;
	end.dropped_count = account->dropped.count;
	end.cost = account->cost.rows;
	end.cost_count = account->cost.count;
	end.live = account->live;
	end.unattached = account->unattached;
	end.seen = end.reported + end.filtered + account_sum(&account->lost);
	return end;
}

#define PENDING_MAX 20

/* Handshakes under way, for people. */
struct pending_list {
	const struct trace *trace;
	uint64_t now_ns;
	size_t count;
};

static void pending_print(const struct handshake *handshake, uint64_t now_ns)
{
	const struct message *last = handshake_last_message(handshake);
	enum handshake_end awaited = handshake_awaited(handshake);
	char client[TEXT_WHO_SIZE], server[TEXT_WHO_SIZE], waited[TEXT_NUMBER_SIZE],
		code[TEXT_CODE_SIZE], sni[256] = "";
	const char *name = last ? text_message(last, code) : NULL;

	text_who(&handshake->ends[END_CLIENT], client);
	text_who(&handshake->ends[END_SERVER], server);
	if (handshake->sni)
		text_escape(handshake->sni, handshake->sni_length, sni, sizeof(sni));
	text_duration(now_ns > handshake->last_ns ? now_ns - handshake->last_ns : 0, waited);
	fprintf(stderr, "tlstrace:   %s to %s%s%s: waiting %s for %s after %s\n", client, server,
		*sni ? " " : "", sni, waited, text_end(awaited),
		name ? name : "an encrypted message");
}

/* The row as it would be if it ended now, with the same filters, except that it can match both
 * outcomes. */
static void on_pending(void *context, const struct handshake *handshake,
		       const struct process *const owners[2])
{
	struct pending_list *list = context;
	struct handshake row = *handshake; /* shallow: what it points to is borrowed */
	int i;

	for (i = 0; i < 2; i++)
		if (owners[i])
			row.ends[i].process = *owners[i];
	row.outcome = HANDSHAKE_FAILED;
	row.end_ns = list->now_ns;
	if (filter_matches(list->trace->options, &row) && ++list->count <= PENDING_MAX)
		pending_print(&row, list->now_ns);
}

static bool interim_due(struct trace *trace, uint64_t now_ns)
{
	uint64_t interval_ns = trace->options->interval_ns;
	bool due = signals_account_wanted();

	if (!interval_ns || !now_ns)
		return due;
	if (!trace->interim_ns)
		trace->interim_ns = now_ns + interval_ns;
	if (now_ns < trace->interim_ns)
		return due;
	trace->interim_ns = now_ns + interval_ns;
	return true;
}

void report_interim(struct trace *trace, uint64_t now_ns)
{
	const struct sink_settings err = {.out = stderr, .width = output_width(stderr)};
	struct pending_list list = {trace, now_ns, 0};
	struct account account;
	struct trace_end end;

	if (!interim_due(trace, now_ns))
		return;
	end = end_make(trace, &account);
	if (trace->summary && trace->reported)
		summary_table_write(&err, trace->summary, SUMMARY_BRIEF);
	footer_print(&end, &account);
	tracker_pending(trace->tracker, on_pending, &list);
	if (list.count > PENDING_MAX)
		fprintf(stderr, "tlstrace:   and %zu more\n", list.count - PENDING_MAX);
	else if (!list.count)
		fprintf(stderr, "tlstrace:   no handshake is under way\n");
}

uint64_t report_end(struct trace *trace)
{
	struct account account;
	struct trace_end end = end_make(trace, &account);

	summary_print(trace, end.time_ns);
	outputs_end(&trace->outputs, &end);
	footer_print(&end, &account);
	return account_sum(&account.lost) + account_sum(&account.dropped);
}
