// SPDX-License-Identifier: BSD-2-Clause
#include "trace/trace.h"

#include <time.h>

#include "expression/expression.h"
#include "handshake/cause.h"
#include "handshake/certificates.h"
#include "handshake/fingerprint.h"
#include "log.h"
#include "summary/summary.h"
#include "trace/command.h"
#include "trace/filter.h"
#include "trace/report.h"
#include "trace/signals.h"

#define SECOND_NS      1000000000ULL
#define HANDSHAKES_MAX 16384

bool trace_stopping(const struct trace *trace)
{
	return trace->enough || signals_stopping() || outputs_failed(&trace->outputs);
}

uint64_t trace_clock_ns(int clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * SECOND_NS + time.tv_nsec;
}

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

struct field_row trace_row(const struct trace *trace, const struct handshake *handshake)
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
	trace->enough = trace->options->count && trace->reported >= trace->options->count;
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
	if (trace->tracker && trace->certificates && (trace->summary || !with_summary))
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
	if (outputs_open(&trace->outputs, trace->options) || parts_new(trace))
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
	tracker_free(trace->tracker);
	if (trace->source)
		trace->source->operations->close(trace->source);
	certificate_cache_free(trace->certificates);
	summary_free(trace->summary);
	outputs_close(&trace->outputs);
}

/* Release the command, if there is one, and trace to the end. Returns the exit status. */
static int trace_run(struct trace *trace)
{
	const struct source_operations *operations = trace->source->operations;
	uint64_t lost;
	int status;

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
	if (status || outputs_explain(&trace->outputs))
		return EXIT_COULD_NOT_RUN;
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
