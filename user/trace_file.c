// SPDX-License-Identifier: BSD-2-Clause
/* Reading a capture: packets from a file or a pipe, on the capture's clock. */
#include <stdio.h>

#include "source/capture.h"
#include "trace.h"

#define WAIT_MS	     200
#define WAIT_NEAR_MS 5

static bool is_over(const struct trace *trace, uint64_t now_ns)
{
	uint64_t begun_ns = trace->source ? source_capture_begun(trace->source) : 0;

	return trace->options->duration_ns && begun_ns &&
	       now_ns >= begun_ns + trace->options->duration_ns;
}

static int on_idle(void *context, uint64_t now_ns)
{
	struct trace *trace = context;
	bool near = tracker_tick(trace->tracker, now_ns);

	if (trace_stopping(trace) || is_over(trace, now_ns))
		return -1;
	return near ? WAIT_NEAR_MS : WAIT_MS;
}

static int file_open(struct trace *trace, const struct source_handler *handler)
{
	const struct source_waiter waiter = {on_idle, trace};

	trace->source = source_capture_open(trace->options->file, handler, &waiter);
	return trace->source ? 0 : -1;
}

static void file_close(struct trace *trace)
{
	source_capture_close(trace->source);
}

static void file_start(struct trace *trace, struct trace_start *start)
{
	start->file = trace->options->file;
	/* Nobody waits for the rows of a file one by one; its times are those of the wall already.
	 */
	if (source_capture_is_file(trace->source))
		setvbuf(trace->sink.out, NULL, _IOFBF, 1 << 16);
}

static int file_run(struct trace *trace)
{
	int count;

	do {
		count = source_capture_poll(trace->source);
		tracker_tick(trace->tracker, source_capture_now(trace->source));
	} while (count > 0 && !trace_stopping(trace) &&
		 !is_over(trace, source_capture_now(trace->source)));
	source_capture_finish(trace->source);
	tracker_finish(trace->tracker, source_capture_now(trace->source));
	if (trace_stopping(trace) || is_over(trace, source_capture_now(trace->source)))
		return 0; /* what comes behind the end that was asked for is not looked at */
	return count;
}

static void file_explain(struct trace *trace)
{
	source_capture_explain(trace->source);
}

static void file_account(struct trace *trace, struct trace_account *account)
{
	struct connections_counts counts = source_capture_counts(trace->source);

	trace_count_tracker(trace, account);
	trace_count(account->dropped, &account->dropped_count, "connection_table_full",
		    counts.table_full);
	trace_count(account->dropped, &account->dropped_count, "not_in_capture", counts.lost);
	trace_count(account->dropped, &account->dropped_count, "unreadable_packets",
		    source_capture_unreadable(trace->source));
}

static void file_forget(struct trace *trace, const struct tlstrace_flow_key *key, uint64_t flow_id,
			bool may_renegotiate)
{
	source_capture_forget(trace->source, key, flow_id, may_renegotiate);
}

const struct trace_kind trace_file = {
	.open = file_open,
	.close = file_close,
	.start = file_start,
	.run = file_run,
	.explain = file_explain,
	.account = file_account,
	.forget = file_forget,
};
