/* SPDX-License-Identifier: BSD-2-Clause */
/* A trace, from its start line to its account: main() runs one. */
#ifndef TLSTRACE_TRACE_H
#define TLSTRACE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "handshake/fields.h"
#include "handshake/tracker.h"
#include "options/options.h"
#include "policy/failure_rate.h"
#include "sink/sink.h"
#include "trace/output.h"
#include "trace/source.h"

/* Exit status of main(), unless that of the command is passed on. */
enum exit_status { EXIT_FINE, EXIT_COULD_NOT_RUN, EXIT_WRONG_USAGE, EXIT_LOST, EXIT_EXPECTATION };

struct command;

struct trace {
	const struct options *options;
	struct source *source;
	struct command *command; /* NULL: none was given */
	struct outputs outputs;
	struct tracker *tracker;
	struct tracker_handler tracker_handler;
	struct certificate_cache *certificates;
	struct summary *summary; /* NULL: not wanted */
	struct expect *expect;	 /* NULL: there are no expectations */
	FILE *junit;		 /* NULL: not wanted */
	struct failure_rate failure_rate;
	struct report *reports[OPTIONS_LIST_MAX]; /* as many as the options have */
	uint64_t outcomes[HANDSHAKE_INCOMPLETE + 1];
	uint64_t reported, filtered;
	uint64_t interim_ns; /* when the next interim account is due; 0 not yet set */
	bool wants_details;  /* something shows or asks for certificates and fingerprints */
	bool enough;	     /* as many handshakes as --count were shown */
};

/*
 * Run a trace. The command, if there is one, was started and waits for its release. Returns the
 * exit status.
 */
int trace_main(const struct options *options, struct command *command);
/* It was interrupted, has shown enough handshakes, or nobody reads its output any more. */
bool trace_stopping(const struct trace *trace);
uint64_t trace_clock_ns(int clock);
/* For reading the fields of a handshake that is done. */
struct field_row trace_row(const struct trace *trace, const struct handshake *handshake);

#endif
