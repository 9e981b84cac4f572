/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of a trace, which its source and its reports share. */
#ifndef TLSTRACE_TRACE_H
#define TLSTRACE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "handshake/tracker.h"
#include "options/options.h"
#include "policy/failure_rate.h"
#include "sink/sink.h"
#include "trace/output.h"
#include "trace/source.h"

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

/* It was interrupted, has shown enough handshakes, or nobody reads its output any more. */
bool trace_stopping(const struct trace *trace);
uint64_t trace_clock_ns(int clock);

#endif
