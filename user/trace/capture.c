// SPDX-License-Identifier: BSD-2-Clause
/* The source that reads a capture: packets from a file or a pipe, on the capture's clock. */
#include "source/capture.h"

#include <stdlib.h>

#include "confine.h"
#include "log.h"
#include "trace/report.h"
#include "trace/trace.h"

#define WAIT_MS	     200
#define WAIT_NEAR_MS 5

struct capture {
	struct source source;
	struct trace *trace;
	struct source_capture *packets; /* NULL while its header is awaited */
};

static bool is_over(const struct capture *capture, uint64_t now_ns)
{
	uint64_t begun_ns = capture->packets ? source_capture_begun(capture->packets) : 0;
	uint64_t duration_ns = capture->trace->options->duration_ns;

	return duration_ns && begun_ns && now_ns >= begun_ns + duration_ns;
}

static int on_idle(void *context, uint64_t now_ns)
{
	struct capture *capture = context;
	bool near = tracker_tick(capture->trace->tracker, now_ns);

	if (capture->packets)
		report_interim(capture->trace, now_ns);
	if (trace_stopping(capture->trace) || is_over(capture, now_ns))
		return -1;
	return near ? WAIT_NEAR_MS : WAIT_MS;
}

/* Nothing but what is open is needed to read it. */
static int on_opened(void *context)
{
	const struct capture *capture = context;
	int error = confine_user(capture->trace->options->run_as);

	if (!error)
		confine(CONFINE_READER);
	return error;
}

static void capture_close(struct source *source)
{
	struct capture *capture = (struct capture *)source;

	source_capture_close(capture->packets);
	free(capture);
}

static struct source *capture_open(struct trace *trace, const struct source_handler *handler)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	const struct source_waiter waiter = {
		.idle = on_idle, .opened = on_opened, .context = capture};

	if (!capture) {
		log_error("out of memory; free some and run tlstrace again");
		return NULL;
	}
	capture->source.operations = &source_capture;
	capture->trace = trace;
	capture->packets = source_capture_open(trace->options->file, handler, &waiter);
	capture->source.events = capture->packets;
	/* A pipe is read as it is written. */
	if (capture->packets && !source_capture_is_file(capture->packets))
		tracker_be_impatient(trace->tracker);
	if (capture->packets)
		return &capture->source;
	capture_close(&capture->source);
	return NULL;
}

static void capture_describe(struct source *source, struct trace *trace, struct trace_start *start)
{
	const struct capture *capture = (struct capture *)source;

	start->file = trace->options->file;
	if (source_capture_is_file(capture->packets))
		outputs_buffer(&trace->outputs);
}

static int capture_run(struct source *source, struct trace *trace)
{
	struct capture *capture = (struct capture *)source;
	int count;

	do {
		count = source_capture_poll(capture->packets);
		tracker_tick(trace->tracker, source_capture_now(capture->packets));
		report_interim(trace, source_capture_now(capture->packets));
	} while (count > 0 && !trace_stopping(trace) &&
		 !is_over(capture, source_capture_now(capture->packets)));
	source_capture_finish(capture->packets);
	tracker_finish(trace->tracker, source_capture_now(capture->packets));
	if (trace_stopping(trace) || is_over(capture, source_capture_now(capture->packets)))
		return 0; /* whether the rest can be read does not matter */
	return count;
}

static void capture_explain(struct source *source)
{
	source_capture_explain(((struct capture *)source)->packets);
}

static void capture_account(struct source *source, const struct tracker *tracker,
			    struct account *account)
{
	const struct capture *capture = (struct capture *)source;
	struct connections_counts counts = source_capture_counts(capture->packets);

	(void)tracker;
	account_add(&account->dropped, "connection_table_full", counts.table_full);
	account_add(&account->dropped, "not_in_capture", counts.lost);
	account_add(&account->dropped, "quic_version_unknown", counts.unknown_quic);
	account_add(&account->dropped, "unreadable_packets",
		    source_capture_unreadable(capture->packets));
}

const struct source_operations source_capture = {
	.open = capture_open,
	.close = capture_close,
	.describe = capture_describe,
	.run = capture_run,
	.explain = capture_explain,
	.account = capture_account,
	.forget = source_capture_forget,
};
