// SPDX-License-Identifier: BSD-2-Clause
/* Tracing the host: packets and sockets from the kernel, on the host's monotonic clock. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "log.h"
#include "tlstrace_types.h"
#include "trace.h"
#include "who/container.h"
#include "who/places.h"
#include "who/process.h"

#define POLL_MS	      200
#define POLL_NEAR_MS  5
#define CLOCK_STEP_NS 10000000LL
/* Behind the end of the last process that is followed: for what is still under way. */
#define LINGER_NS	  50000000ULL
#define INTERFACES_TOLD	  256
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct live {
	struct source_live *source;
	struct places *places;
	uint64_t linger_ns; /* the command and its descendants are gone: when to end; 0 not yet */
	uint32_t followed[OPTIONS_LIST_MAX + 1];
	uint64_t losses; /* events of handshakes under way that the kernel side could not deliver so
			    far */
	uint64_t kernel_hellos; /* counted by the kernel when the trace ended */
	struct sink_interface interfaces[INTERFACES_TOLD]; /* of the start line */
};

/* Fills followed; returns how many. */
static size_t followed_list(const struct trace *trace, struct live *live)
{
	const struct options *options = trace->options;
	size_t count = options->follow_forks ? options->pid_count : 0;

	memcpy(live->followed, options->pids, count * sizeof(*live->followed));
	if (trace->command)
		live->followed[count++] = command_pid(trace->command);
	return count;
}

static char *live_cgroup_path(void *context, uint64_t id)
{
	const struct live *live = context;

	return source_live_cgroup_path(live->source, id);
}

/* A number that is none of a process would wait for ever. */
static bool processes_check(const struct options *options)
{
	size_t i;

	if (!options->pid_count || !process_numbers_known())
		return true;
	for (i = 0; i < options->pid_count; i++) {
		uint32_t pid = options->pids[i], process = process_of(pid);

		if (!process)
			log_error("there is no process %u: 'ps -e' lists those there are", pid);
		else if (process != pid)
			log_error("%u is a thread of process %u: give that to -p", pid, process);
		if (process != pid)
			return false;
	}
	return true;
}

static int live_open(struct trace *trace, const struct source_handler *handler)
{
	struct live *live = trace->source = calloc(1, sizeof(*live));
	struct source_settings settings = trace->options->source;

	if (!processes_check(trace->options))
		return -1;
	if (live)
		live->places = places_new(&(struct places_settings){live_cgroup_path, live});
	if (!live || !live->places) {
		log_error("there is no memory left: free some and start tlstrace again");
		return -1;
	}
	settings.followed = live->followed;
	settings.followed_count = followed_list(trace, live);
	live->source = source_live_open(&settings, handler);
	trace->sink.clock_offset_ns =
		(int64_t)(trace_clock_ns(CLOCK_REALTIME) - trace_clock_ns(CLOCK_MONOTONIC));
	return live->source ? 0 : -1;
}

static void live_close(struct trace *trace)
{
	struct live *live = trace->source;

	if (!live)
		return;
	source_live_close(live->source);
	places_free(live->places);
	free(live);
}

static void live_start(struct trace *trace, struct trace_start *start)
{
	struct live *live = trace->source;
	const struct source_interface *attached;
	size_t count, i;

	attached = source_live_interfaces(live->source, &count);
	if (count > INTERFACES_TOLD)
		count = INTERFACES_TOLD;
	for (i = 0; i < count; i++) {
		memcpy(live->interfaces[i].name, attached[i].name,
		       sizeof(live->interfaces[i].name));
		live->interfaces[i].ifindex = attached[i].ifindex;
		live->interfaces[i].netns = attached[i].netns;
	}
	start->tc = source_live_tc(live->source);
	start->sockets = source_live_sockets(live->source);
	start->everywhere = source_live_everywhere(live->source);
	start->interfaces = live->interfaces;
	start->interface_count = count;
	if (trace->options->sink != &sink_json && !trace->command)
		fprintf(stderr, "tlstrace: tracing %zu interface%s%s (%s, %s); Ctrl-C ends it\n",
			count, count == 1 ? "" : "s",
			start->everywhere ? " here and all other network namespaces" : "",
			start->tc, start->sockets);
}

/* Is there nobody left to trace? */
static bool command_is_over(const struct trace *trace, struct live *live, uint64_t now)
{
	if (!trace->command || !command_ended(trace->command) || source_live_follows(live->source))
		return false;
	if (!live->linger_ns)
		live->linger_ns = now + LINGER_NS;
	return now >= live->linger_ns;
}

/* The host's clock was set, or the host slept, which CLOCK_MONOTONIC does not count. */
static void clock_follow(struct trace *trace)
{
	int64_t offset =
		(int64_t)(trace_clock_ns(CLOCK_REALTIME) - trace_clock_ns(CLOCK_MONOTONIC));

	if (llabs(offset - trace->sink.clock_offset_ns) > CLOCK_STEP_NS)
		trace->sink.clock_offset_ns = offset;
}

/* What would have shown that somebody spoke, or read. */
static void losses_look(struct trace *trace, struct live *live, uint64_t now)
{
	uint64_t losses = source_live_counter(live->source, TLSTRACE_COUNT_PACKETS_RING_FULL) +
			  source_live_counter(live->source, TLSTRACE_COUNT_SOCKETS_RING_FULL);

	if (losses != live->losses)
		tracker_lost(trace->tracker, now);
	live->losses = losses;
}

static int live_run(struct trace *trace)
{
	struct live *live = trace->source;
	uint64_t start = trace_clock_ns(CLOCK_MONOTONIC), now = start;
	const struct options *options = trace->options;
	bool near = false;

	while (!trace_stopping(trace) && !command_is_over(trace, live, now)) {
		int wait = near ? POLL_NEAR_MS : POLL_MS, error;

		if (options->duration_ns) {
			uint64_t left = start + options->duration_ns - now;

			if (now >= start + options->duration_ns)
				break;
			if (left / 1000000 < (uint64_t)wait)
				wait = left / 1000000 + 1;
		}
		error = source_live_poll(live->source, wait);
		if (error < 0 && error != -EINTR) {
			log_error("reading events failed: %s; start tlstrace again",
				  strerror(-error));
			return -1;
		}
		now = trace_clock_ns(CLOCK_MONOTONIC);
		losses_look(trace, live, now);
		clock_follow(trace);
		near = tracker_tick(trace->tracker, source_live_time(live->source, now)) ||
		       live->linger_ns;
	}
	live->kernel_hellos = source_live_counter(live->source, TLSTRACE_COUNT_HELLOS);
	while (source_live_poll(live->source, 0) > 0)
		;
	places_wait(live->places);
	losses_look(trace, live, trace_clock_ns(CLOCK_MONOTONIC));
	tracker_finish(trace->tracker, trace_clock_ns(CLOCK_MONOTONIC));
	return 0;
}

/* The counters of one purpose, with the name users see. */
struct counted {
	unsigned int counter;
	const char *name;
};

static const struct counted lost_counters[] = {
	{TLSTRACE_COUNT_HELLOS_RING_FULL, "ring_buffer_full"},
	{TLSTRACE_COUNT_HELLOS_FLOWS_FULL, "flow_table_full"},
};
static const struct counted dropped_counters[] = {
	{TLSTRACE_COUNT_PACKETS_RING_FULL, "packet_events_ring_full"},
	{TLSTRACE_COUNT_SOCKETS_RING_FULL, "socket_events_ring_full"},
	{TLSTRACE_COUNT_SOCKETS_FULL, "socket_table_full"},
	{TLSTRACE_COUNT_COPY_BUDGET, "copy_budget"},
	{TLSTRACE_COUNT_SLICES, "records_per_packet"},
	{TLSTRACE_COUNT_LOAD_FAILED, "unreadable_packets"},
	{TLSTRACE_COUNT_FOLLOWED_FULL, "followed_processes_full"},
};

static uint64_t counters_read(const struct live *live, const struct counted *from, size_t count,
			      struct named_count *to, size_t *to_count)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		uint64_t value = source_live_counter(live->source, from[i].counter);

		trace_count(to, to_count, from[i].name, value);
		sum += value;
	}
	return sum;
}

static void live_account(struct trace *trace, struct trace_account *account)
{
	const struct live *live = trace->source;
	uint64_t known, run_ns, runs;

	known = tracker_hellos(trace->tracker) + counters_read(live, lost_counters,
							       ARRAY_SIZE(lost_counters),
							       account->lost, &account->lost_count);
	trace_count_tracker(trace, account);
	/* What the kernel counted, and neither reached the tracker nor was counted under a cause.
	 */
	trace_count(account->lost, &account->lost_count, "unaccounted",
		    live->kernel_hellos > known ? live->kernel_hellos - known : 0);
	counters_read(live, dropped_counters, ARRAY_SIZE(dropped_counters), account->dropped,
		      &account->dropped_count);
	source_live_cost(live->source, &run_ns, &runs);
	trace_count(account->cost, &account->cost_count, "bpf_run_ns", run_ns);
	trace_count(account->cost, &account->cost_count, "bpf_runs", runs);
}

static void live_forget(struct trace *trace, const struct tlstrace_flow_key *key, uint64_t flow_id,
			bool may_renegotiate)
{
	const struct live *live = trace->source;

	source_live_forget(live->source, key, flow_id, may_renegotiate);
}

static void live_process_seen(struct trace *trace, struct process *process)
{
	const struct live *live = trace->source;
	const struct place_key key = {process->cgroup, process->cgroup_v1, process->pid_ns};
	const struct process_place *place = places_find(live->places, &key, process->pid);

	process->exe = source_live_executable(live->source, process->start_ns, process->pid);
	if (!process->exe)
		process->exe = process_exe(process->pid);
	if (!place)
		return;
	process->cgroup_path = place->path ? strdup(place->path) : NULL;
	process->unit = place->unit ? strdup(place->unit) : NULL;
	process->container = container_get(place->container);
}

static bool live_process_awaited(struct trace *trace, const struct process *process)
{
	const struct live *live = trace->source;

	return places_awaits(live->places, process->container);
}

const struct trace_kind trace_live = {
	.open = live_open,
	.close = live_close,
	.start = live_start,
	.run = live_run,
	.account = live_account,
	.forget = live_forget,
	.process_seen = live_process_seen,
	.process_awaited = live_process_awaited,
};
