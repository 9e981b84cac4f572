/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the packets of a trace come from: this host's kernel, or a capture. */
#ifndef TLSTRACE_TRACE_SOURCE_H
#define TLSTRACE_TRACE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "sink/sink.h"
#include "source/source.h"

#define ACCOUNT_COUNTS_MAX 8

struct process;
struct trace;
struct tracker;

struct account_counts {
	struct named_count rows[ACCOUNT_COUNTS_MAX];
	size_t count;
};

/* What was lost of a trace, and what it cost. */
struct account {
	struct account_counts lost;    /* whole handshakes, by cause */
	struct account_counts dropped; /* parts of handshakes, by cause */
	struct account_counts cost;
	bool live;
	uint64_t unattached; /* live: ClientHellos before all programs were attached */
};

struct source;

struct source_operations {
	/* NULL after one message on stderr. */
	struct source *(*open)(struct trace *trace, const struct source_handler *handler);
	void (*close)(struct source *source);
	/* Fill in what the start line says of the source, and print it on stderr for people. */
	void (*describe)(struct source *source, struct trace *trace, struct trace_start *start);
	/*
	 * Deliver events until the source ends, or the trace does. 0, or negative on failure; then
	 * explain() prints one message, after the account.
	 */
	int (*run)(struct source *source, struct trace *trace);
	void (*explain)(struct source *source);
	void (*account)(struct source *source, const struct tracker *tracker,
			struct account *account);

	/* For struct tracker_handler, which calls them directly. */
	void (*forget)(void *events, const struct tlstrace_flow_key *key, uint64_t flow_id,
		       bool may_renegotiate);
	void (*process_seen)(void *source, struct process *process);
	bool (*process_awaited)(void *source, const struct process *process);
};

/* The first member of each kind's own structure. */
struct source {
	const struct source_operations *operations;
	void *events; /* what forget() is called with */
};

extern const struct source_operations source_live, source_capture;

void account_add(struct account_counts *counts, const char *name, uint64_t value);

#endif
