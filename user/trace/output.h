/* SPDX-License-Identifier: BSD-2-Clause */
/* The outputs of a trace: where each goes, and whether all of it got there. */
#ifndef TLSTRACE_OUTPUT_H
#define TLSTRACE_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "handshake/fields.h"
#include "options/options.h"
#include "sink/sink.h"

struct output {
	const struct sink *sink;
	struct sink_settings settings;
	struct field_list columns; /* the sink's own */
	const char *file;	   /* NULL: standard output */
	int error;		   /* errno of the first write that failed; 0 none */
};

struct outputs {
	struct output list[OPTIONS_LIST_MAX];
	size_t count;
};

/* Open all; files keep what they have until outputs_start(). 0, or -1 after one message. */
int outputs_open(struct outputs *outputs, const struct options *options);
void outputs_close(struct outputs *outputs);
/* Empty the files and write the start lines. 0, or -1 after one message. */
int outputs_start(struct outputs *outputs, const struct trace_start *start);
void outputs_row(struct outputs *outputs, const struct handshake *handshake);
void outputs_end(struct outputs *outputs, const struct trace_end *end);
/* Call after writing to one: later calls change errno. */
void output_check(struct output *output);
/* Nobody reads one of them any more, or it has no room. */
bool outputs_failed(const struct outputs *outputs);
/* 0 if all was written, or if its reader has gone; else -1 after one message. */
int outputs_explain(const struct outputs *outputs);
/* Does any show certificates and fingerprints? */
bool outputs_want_details(const struct outputs *outputs);
/* Buffer rows: for a file, they need not be written one by one. */
void outputs_buffer(struct outputs *outputs);
/* The first with this sink, or else the first. */
struct output *outputs_find(struct outputs *outputs, const struct sink *sink);
/* What to add to a time of the trace for the time of day. */
void outputs_clock_set(struct outputs *outputs, int64_t offset_ns);
int output_width(FILE *out); /* of the terminal, or COLUMNS; 0: no limit */

#endif
