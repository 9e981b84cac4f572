/* SPDX-License-Identifier: BSD-2-Clause */
/* Sinks: they read finished handshakes and write them, they decode nothing. */
#ifndef TLSTRACE_SINK_H
#define TLSTRACE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct handshake;
struct field_list;

struct sink_interface {
	char name[16];
	uint32_t ifindex;
	uint32_t netns;
};

/* What the start line tells. Strings are borrowed. */
struct trace_start {
	const char *version;
	uint64_t time_ns;
	const char *host;
	const char *kernel;
	const char *tc;	     /* "tcx" or "clsact" */
	const char *sockets; /* "fentry", "kprobe", "tracepoint" or "none" */
	const struct sink_interface *interfaces;
	size_t interface_count;
	bool everywhere;  /* other network namespaces are traced too */
	const char *file; /* the capture that is read; NULL: live */
};

struct named_count {
	const char *name; /* static */
	uint64_t count;
};

/* What the end line and the footer tell. seen = reported + filtered + the sum of lost. */
struct trace_end {
	uint64_t time_ns;
	uint64_t completed, failed, incomplete;
	uint64_t seen, reported, filtered;
	const struct named_count *lost; /* whole handshakes, by cause */
	size_t lost_count;
	const struct named_count *dropped; /* parts of handshakes, by cause */
	size_t dropped_count;
	const struct named_count *cost;
	size_t cost_count;
	bool live;
	uint64_t unattached; /* live: ClientHellos before all programs were attached */
};

struct sink_settings {
	FILE *out;
	bool color;
	int width;			  /* columns; 0: no limit */
	int64_t clock_offset_ns;	  /* to add to a time for CLOCK_REALTIME */
	const struct field_list *columns; /* fields to show; NULL: those the sink chooses */
};

struct sink {
	const char *name;
	bool has_columns;    /* shows settings->columns, if there are some */
	const char *columns; /* which to set where the user chooses none; NULL: none */
	bool wants_details;  /* certificates and fingerprints, which cost time to read */
	void (*start)(const struct sink_settings *settings, const struct trace_start *start);
	void (*row)(const struct sink_settings *settings, const struct handshake *handshake);
	void (*end)(const struct sink_settings *settings, const struct trace_end *end);
};

extern const struct sink sink_table, sink_wide, sink_tree, sink_json, sink_csv, sink_explain;

/* One plain sentence on how it ended: "ok", or who rejected whom and why. */
void verdict_write(const struct handshake *handshake, char *to, size_t size);
/* The same without the remarks in parentheses. */
void verdict_write_bare(const struct handshake *handshake, char *to, size_t size);

/*
 * Write bytes as text that is safe on a terminal and in JSON: printable UTF-8 as it is, anything
 * else as \xNN. Always NUL-terminated; cuts at size. Returns the length written.
 */
size_t text_escape(const void *bytes, size_t length, char *to, size_t size);

#endif
