/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets and socket events: what every source delivers, and the source that is the kernel. */
#ifndef TLSTRACE_SOURCE_H
#define TLSTRACE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tlstrace_packet_event;
struct tlstrace_socket_event;
struct tlstrace_flow_key;
struct flow_opening;

enum source_tc { SOURCE_TC_AUTO, SOURCE_TC_TCX, SOURCE_TC_CLSACT };
enum source_sockets {
	SOURCE_SOCKETS_AUTO,
	SOURCE_SOCKETS_FENTRY,
	SOURCE_SOCKETS_KPROBE,
	SOURCE_SOCKETS_TRACEPOINT
};

struct source_settings {
	size_t buffer_size; /* of the ring buffer, bytes; rounded up to a power of two of pages */
	const char *interface; /* only this one, or "any", of this network namespace; NULL: all that
				  can be seen */
	enum source_tc tc;
	enum source_sockets sockets;
	/* These processes and all their descendants are marked: tlstrace_task.followed. Borrowed.
	 */
	const uint32_t *followed;
	size_t followed_count;
};

struct source_interface {
	char name[16];
	uint32_t ifindex;
	uint32_t netns; /* inode number of the namespace */
};

/* Called from source_poll(). data: event->data_length bytes, borrowed for the call. */
struct source_handler {
	void (*packet)(void *context, const struct tlstrace_packet_event *event,
		       const uint8_t *data);
	void (*socket)(void *context, const struct tlstrace_socket_event *event);
	/* Of a capture: how the connection of a flow began whose ClientHello was delivered just
	 * now. */
	void (*opening)(void *context, const struct tlstrace_flow_key *key, uint64_t flow_id,
			const struct flow_opening *opening);
	void *context;
};

struct source_live;

/*
 * Load the programs, attach them to all interfaces that are up and to the sockets, read the sockets
 * that exist already. Chooses flavours by trying. NULL on failure, after one sentence on stderr
 * that says what failed, why and what to do.
 */
struct source_live *source_live_open(const struct source_settings *settings,
				     const struct source_handler *handler);
void source_live_close(struct source_live *source); /* detaches everything; NULL is fine */

/*
 * Wait up to timeout_ms for events and deliver what is there; also follows interfaces that come and
 * go. Returns the number of events delivered, 0 on timeout or signal, negative errno.
 */
int source_live_poll(struct source_live *source, int timeout_ms);
/* All events before this time were delivered, or lost: while there is a backlog, that of the
 * latest. now_ns: not later. */
uint64_t source_live_time(const struct source_live *source, uint64_t now_ns);

const char *source_live_tc(const struct source_live *source); /* "tcx" or "clsact" */
const char *
source_live_sockets(const struct source_live *source); /* "fentry", "kprobe", "tracepoint" */
/* Interfaces attached now; borrowed until the next poll. */
const struct source_interface *source_live_interfaces(const struct source_live *source,
						      size_t *count);
/* Are the sockets of all other network namespaces traced too? */
bool source_live_everywhere(const struct source_live *source);
/*
 * Report nothing more of what happens from now on: as programs are detached they would see parts.
 * What was reported before can still be polled for.
 */
void source_live_end(struct source_live *source);
/* Sum over CPUs of one enum tlstrace_counter. */
uint64_t source_live_counter(const struct source_live *source, unsigned int counter);
/* Is any of the processes that are followed alive? */
bool source_live_follows(const struct source_live *source);
/* Path of a cgroup of struct tlstrace_task, to be freed; NULL if the kernel has not noted it. */
char *source_live_cgroup_path(const struct source_live *source, uint64_t id);
/* Path of what a process of struct tlstrace_task runs, to be freed; NULL if the kernel has not
 * noted it whole. */
char *source_live_executable(const struct source_live *source, uint64_t start_ns, uint32_t pid);
/*
 * Stop the kernel's tracking of this flow, if it still is this one. live is a struct source_live:
 * the tracker calls this without knowing where its events come from.
 */
void source_live_forget(void *live, const struct tlstrace_flow_key *key, uint64_t flow_id,
			bool may_renegotiate);
/* Kernel run time and runs of all programs so far, 0 unless kernel.bpf_stats_enabled. */
void source_live_cost(const struct source_live *source, uint64_t *run_ns, uint64_t *runs);
/* How often the wait for events ended, and what of the ring buffer was read. */
void source_live_reading(const struct source_live *source, uint64_t *wakeups, uint64_t *bytes);

#endif
