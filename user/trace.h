/* SPDX-License-Identifier: BSD-2-Clause */
/* A trace from its source to its rows: what tracing live and reading a file have in common. */
#ifndef TLSTRACE_TRACE_H
#define TLSTRACE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "handshake/tracker.h"
#include "options.h"
#include "sink/sink.h"
#include "source/source.h"

#define TRACE_COUNTS_MAX 8

/* Of main(), unless it is that of a command. */
enum exit_status { EXIT_FINE, EXIT_COULD_NOT_RUN, EXIT_WRONG_USAGE, EXIT_LOST };

struct command;
struct trace;

/* The account of a source, for the end line and the footer. */
struct trace_account {
	struct named_count lost[TRACE_COUNTS_MAX]; /* whole handshakes */
	size_t lost_count;
	struct named_count dropped[TRACE_COUNTS_MAX]; /* parts of them */
	size_t dropped_count;
	struct named_count cost[TRACE_COUNTS_MAX];
	size_t cost_count;
};

/* Where packets come from: the kernel, or a capture. */
struct trace_kind {
	/* 0, or -1 after one sentence. */
	int (*open)(struct trace *trace, const struct source_handler *handler);
	void (*close)(struct trace *trace); /* of what was never opened too */
	void (*start)(struct trace *trace,
		      struct trace_start *start); /* fill in, and say so on stderr */
	/* Until its end, a signal or what the options say. 0, or -1: then explain() says why behind
	 * the account. */
	int (*run)(struct trace *trace);
	void (*explain)(struct trace *trace); /* NULL: run() did */
	void (*account)(struct trace *trace, struct trace_account *account);
	void (*forget)(struct trace *trace, const struct tlstrace_flow_key *key, uint64_t flow_id,
		       bool may_renegotiate);
	void (*process_seen)(struct trace *trace, struct process *process);
	bool (*process_awaited)(struct trace *trace, const struct process *process);
};

extern const struct trace_kind trace_live, trace_file;

struct trace {
	const struct options *options;
	const struct trace_kind *kind;
	struct command *command; /* NULL: the whole host is traced */
	void *source;		 /* of the kind */
	struct sink_settings sink;
	struct tracker *tracker;
	struct tracker_handler tracker_handler;
	struct certificate_cache *certificates;
	struct summary *summary; /* NULL: none is wanted */
	uint64_t outcomes[HANDSHAKE_INCOMPLETE + 1];
	uint64_t reported, filtered;
	int output_error; /* errno of the first write that failed; 0 none */
};

/*
 * Run it from its start line to its account. command, if not NULL, is started and waits to be
 * released. Returns main()'s exit status.
 */
int trace_main(const struct options *options, struct command *command);
/* A signal came, enough rows were shown, or nobody reads them any more. */
bool trace_stopping(const struct trace *trace);
uint64_t trace_clock_ns(int clock);
void trace_count(struct named_count *counts, size_t *count, const char *name, uint64_t value);
/* What the tracker lost, of whatever source. */
void trace_count_tracker(const struct trace *trace, struct trace_account *account);

#endif
