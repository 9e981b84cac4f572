// SPDX-License-Identifier: BSD-2-Clause
#include "trace/run.h"

#include <stdio.h>

#include "expression/expression.h"
#include "handshake/cause.h"
#include "handshake/certificates.h"
#include "handshake/fingerprint.h"
#include "file_open.h"
#include "log.h"
#include "policy/expect.h"
#include "summary/summary.h"
#include "trace/command.h"
#include "trace/filter.h"
#include "trace/report.h"
#include "trace/signals.h"
#include "trace/trace.h"

#define HANDSHAKES_MAX 16384

static void on_packet(void *context, const struct tlstrace_packet_event *event, const uint8_t *data)
{
	struct trace *trace = context;

	tracker_packet(trace->tracker, event, data);
}

static void on_opening(void *context, const struct tlstrace_flow_key *key, uint64_t flow_id,
		       const struct flow_opening *opening)
{
	struct trace *trace = context;

	tracker_opening(trace->tracker, key, flow_id, opening);
}

static void on_socket(void *context, const struct tlstrace_socket_event *event)
{
	struct trace *trace = context;

	tracker_socket(trace->tracker, event);
}

/* For reading the fields of a handshake that is done. */
static struct field_row trace_row(const struct trace *trace, const struct handshake *handshake)
{
	return (struct field_row){
		.handshake = handshake,
		.clock_offset_ns = trace->outputs.list[0].settings.clock_offset_ns,
		.verdict = verdict_write,
	};
}

static bool details_wanted(const struct trace *trace)
{
	size_t i;

	for (i = 0; i < trace->options->where_count; i++)
		if (expression_wants_details(trace->options->wheres[i].expression))
			return true;
	for (i = 0; i < trace->options->expect_count; i++)
		if (expression_wants_details(trace->options->expects[i].expression))
			return true;
	for (i = 0; i < trace->options->report_count; i++)
		if (report_wants_details(&trace->options->reports[i]))
			return true;
	return outputs_want_details(&trace->outputs);
}

/* Only where they are needed, since they take long. A certificate may hold a failure's cause. */
static void details_read(struct trace *trace, struct handshake *handshake)
{
	bool wanted = trace->wants_details;
	bool reasons = handshake->outcome == HANDSHAKE_FAILED || handshake->left_at_once;

	if (wanted)
		handshake_fingerprint(handshake);
	if (wanted || reasons)
		handshake_certificates_read(handshake, trace->certificates);
	if (reasons)
		handshake_causes(handshake, trace->outputs.list[0].settings.clock_offset_ns);
}

static bool where_matches(const struct trace *trace, const struct handshake *handshake)
{
	const struct options *options = trace->options;
	struct field_row row = trace_row(trace, handshake);
	size_t i;

	for (i = 0; i < options->where_count; i++)
		if (expression_evaluate(options->wheres[i].expression, &row) != TRUTH_TRUE)
			return false;
	return true;
}

static void checks_judge(struct trace *trace, const struct handshake *handshake)
{
	struct field_row row = trace_row(trace, handshake);
	size_t i;

	if (trace->expect)
		expect_judge(trace->expect, &row);
	for (i = 0; i < trace->options->report_count; i++)
		report_add(trace->reports[i], &row);
	if (trace->options->max_failed.percent >= 0 &&
	    failure_rate_add(&trace->failure_rate, handshake))
		trace->enough = true;
}

static void on_done(void *context, struct handshake *handshake)
{
	struct trace *trace = context;

	if (trace->enough)
		return; /* after the last one that was asked for: it does not count as seen */
	/* Whether it shows as failed depends on them. */
	if (trace->options->failed_only && handshake->left_at_once)
		details_read(trace, handshake);
	if (!filter_matches(trace->options, handshake)) {
		trace->filtered++;
		return;
	}
	details_read(trace, handshake);
	if (!where_matches(trace, handshake)) {
		trace->filtered++;
		return;
	}
	trace->outcomes[handshake->outcome]++;
	trace->reported++;
	if (trace->summary)
		summary_add(trace->summary, handshake);
	outputs_row(&trace->outputs, handshake);
	checks_judge(trace, handshake);
	trace->enough |= trace->options->count && trace->reported >= trace->options->count;
}

/* Before a source gives up the right to open files. */
static bool results_open(struct trace *trace)
{
	const struct options *options = trace->options;
	size_t i;

	if (options->junit)
		trace->junit = file_open_results(options->junit, "the outcome", options->file);
	if (options->junit && !trace->junit)
		return false;

	for (i = 0; i < trace->options->report_count; i++) {
		trace->reports[i] = report_new(&trace->options->reports[i], trace->options->file);
		if (!trace->reports[i])
			return false;
	}
	return true;
}

static int parts_new(struct trace *trace)
{
	const struct options *options = trace->options;
	const struct tracker_settings settings = {
		.timeout_ns = options->timeout_ns ? options->timeout_ns : TIMEOUT_DEFAULT_NS,
		.capacity = HANDSHAKES_MAX,
		.patient = options->file && !options->timeout_ns,
	};
	bool with_summary = trace->options->summary != SUMMARY_NONE;

	trace->tracker = tracker_new(&settings, &trace->tracker_handler);
	trace->certificates = certificate_cache_new();
	trace->summary = with_summary ? summary_new() : NULL;
	trace->expect = trace->options->expect_count
				? expect_new(trace->options->expects, trace->options->expect_count)
				: NULL;
	failure_rate_start(&trace->failure_rate, &trace->options->max_failed);
	if (trace->tracker && trace->certificates && (trace->summary || !with_summary) &&
	    (trace->expect || !trace->options->expect_count))
		return 0;
	log_error("out of memory; free some and run tlstrace again");
	return -1;
}

static int trace_open(struct trace *trace)
{
	const struct source_operations *operations =
		trace->options->file ? &source_capture : &source_live;
	const struct source_handler handler = {on_packet, on_socket, on_opening, trace};

	trace->tracker_handler = (struct tracker_handler){.done = on_done, .context = trace};
	if (outputs_open(&trace->outputs, trace->options) || parts_new(trace) ||
	    !results_open(trace))
		return -1;
	trace->wants_details = details_wanted(trace);
	trace->source = operations->open(trace, &handler);
	if (!trace->source)
		return -1;
	trace->tracker_handler.forget = operations->forget;
	trace->tracker_handler.events = trace->source->events;
	trace->tracker_handler.process_seen = operations->process_seen;
	trace->tracker_handler.process_awaited = operations->process_awaited;
	trace->tracker_handler.source = trace->source;
	return 0;
}

static void trace_close(struct trace *trace)
{
	size_t i;

	tracker_free(trace->tracker);
	if (trace->source)
		trace->source->operations->close(trace->source);
	certificate_cache_free(trace->certificates);
	summary_free(trace->summary);
	expect_free(trace->expect);
	if (trace->junit)
		fclose(trace->junit);
	for (i = 0; i < trace->options->report_count; i++)
		report_free(trace->reports[i]);
	outputs_close(&trace->outputs);
}

/* To standard output after rows that people read, else to stderr. */
static int reports_write(struct trace *trace)
{
	const struct sink *sink = trace->outputs.list[0].sink;
	bool for_people = sink != &sink_json && sink != &sink_csv;
	int failed = 0;
	size_t i;

	for (i = 0; i < trace->options->report_count; i++)
		failed |= report_write(trace->reports[i], for_people ? stdout : stderr);
	return failed;
}

static int junit_write(struct trace *trace)
{
	FILE *out = trace->junit;

	trace->junit = NULL;
	expect_junit(trace->expect, trace->options->expect_none_ok, out);
	return file_close_results(out, trace->options->junit, "the outcome");
}

/* Whether all that was expected is so. False after messages on stderr. */
static bool checks_report(struct trace *trace, int *status)
{
	const struct options *options = trace->options;
	bool fine = true;

	if (trace->expect)
		fine = expect_report(trace->expect, options->expect_none_ok);
	if (trace->junit && junit_write(trace))
		*status = EXIT_COULD_NOT_RUN;
	if (options->max_failed.percent >= 0)
		fine &= !failure_rate_report(&trace->failure_rate);
	return fine;
}

/* Release the command, if there is one, and trace to the end. Returns the exit status. */
static int trace_run(struct trace *trace)
{
	const struct source_operations *operations = trace->source->operations;
	uint64_t lost;
	int status;
	bool fine;

	if (trace->command && signals_stopping()) {
		log_error("interrupted before tracing began; the command was not run");
		return EXIT_COULD_NOT_RUN;
	}
	status = trace->command ? command_release(trace->command) : 0;
	if (status)
		return status;
	if (report_start(trace))
		return EXIT_COULD_NOT_RUN;
	status = operations->run(trace->source, trace);
	lost = report_end(trace);
	if (status)
		operations->explain(trace->source);
	if (reports_write(trace))
		status = EXIT_COULD_NOT_RUN;
	fine = checks_report(trace, &status);
	if (status || outputs_explain(&trace->outputs))
		return EXIT_COULD_NOT_RUN;
	if (!fine)
		return EXIT_EXPECTATION;
	return lost && trace->options->strict ? EXIT_LOST : EXIT_FINE;
}

int trace_main(const struct options *options, struct command *command)
{
	struct trace trace = {.options = options, .command = command};
	int status = EXIT_COULD_NOT_RUN;

	signals_set(command);
	if (!trace_open(&trace))
		status = trace_run(&trace);
	trace_close(&trace);
	return status;
}
