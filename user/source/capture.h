/* SPDX-License-Identifier: BSD-2-Clause */
/* A source that is a capture file or a pipe: pcap or pcapng, gzip'd too. */
#ifndef TLSTRACE_CAPTURE_H
#define TLSTRACE_CAPTURE_H

#include "source/connections.h"
#include "source/source.h"

struct source_capture;

/*
 * Called while a pipe has nothing, with the capture's clock advanced by the time that has passed.
 * Returns for how many milliseconds at most to wait until the next call, -1 to end the capture
 * here.
 */
struct source_waiter {
	int (*idle)(void *context, uint64_t now_ns);
	void *context;
	/* Called when the input is open, before its first byte is read. Negative: do not read it.
	 * May be NULL. */
	int (*opened)(void *context);
};

/* path "-" is standard input. NULL on failure, after one sentence on stderr. */
struct source_capture *source_capture_open(const char *path, const struct source_handler *handler,
					   const struct source_waiter *waiter);
void source_capture_close(struct source_capture *capture); /* NULL is fine */
/*
 * Read packets, until some milliseconds of the capture's time have passed, and deliver those that
 * are of a handshake. Returns how many were read, 0 at the end; -EBADMSG where the file is broken,
 * see source_capture_explain().
 */
int source_capture_poll(struct source_capture *capture);
/* One sentence on stderr: how the file is broken. */
void source_capture_explain(const struct source_capture *capture);
/* Nothing more will be read: tell of the holes that are left. */
void source_capture_finish(struct source_capture *capture);
/* source is a struct source_capture, as for source_live_forget(). */
void source_capture_forget(void *source, const struct tlstrace_flow_key *key, uint64_t flow_id,
			   bool may_renegotiate);

/* Nanoseconds since the epoch, of the latest packet and of the first; 0 before it. */
uint64_t source_capture_now(const struct source_capture *capture);
uint64_t source_capture_begun(const struct source_capture *capture);
bool source_capture_is_file(const struct source_capture *capture); /* not a pipe */
struct connections_counts source_capture_counts(const struct source_capture *capture);
uint64_t
source_capture_unreadable(const struct source_capture *capture); /* packets with broken headers */

#endif
