// SPDX-License-Identifier: BSD-2-Clause
/* The source that traces this host: packets and sockets from the kernel, on CLOCK_MONOTONIC. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "confine.h"
#include "log.h"
#include "tlstrace_types.h"
#include "trace/awaited.h"
#include "trace/command.h"
#include "trace/report.h"
#include "trace/trace.h"
#include "who/container.h"
#include "who/cgroups.h"
#include "who/process.h"

#define POLL_MS	      200
#define POLL_NEAR_MS  5
#define POLL_END_MS   2
#define CLOCK_STEP_NS 10000000LL
/* How long the trace goes on after the last followed process has ended, for its last packets. */
#define LINGER_NS	  50000000ULL
#define INTERFACES_MAX	  256 /* in the start line */
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct live {
	struct source source;
	struct source_live *kernel;
	struct cgroups *cgroups;
	struct awaited awaited;
	uint64_t linger_ns; /* the command and its descendants have ended: when to stop; 0: not yet
			     */
	uint32_t followed[OPTIONS_LIST_MAX + 1];
	uint64_t losses;	/* events that the kernel side could not deliver so far */
	uint64_t kernel_hellos; /* counted by the kernel when the trace ended */
	int error;		/* that ended it */
	struct sink_interface interfaces[INTERFACES_MAX];
};

/* Fill in the processes to follow; returns how many. */
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

	return source_live_cgroup_path(live->kernel, id);
}

/* A number that is no process would never match, and the trace would wait for ever. */
static bool processes_check(const struct options *options)
{
	size_t i;

	if (!options->pid_count || !process_numbers_known())
		return true;
	for (i = 0; i < options->pid_count; i++) {
		uint32_t pid = options->pids[i], process = process_of(pid);

		if (!process)
			log_error("there is no process %u; 'ps -e' lists all processes", pid);
		else if (process != pid)
			log_error("%u is a thread of process %u; use --pid %u", pid, process,
				  process);
		if (process != pid)
			return false;
	}
	return true;
}

static int64_t clock_offset(void)
{
	return trace_clock_ns(CLOCK_REALTIME) - trace_clock_ns(CLOCK_MONOTONIC);
}

static void live_close(struct source *source)
{
	struct live *live = (struct live *)source;

	source_live_close(live->kernel);
	cgroups_free(live->cgroups);
	free(live);
}

static int kernel_open(struct live *live, struct trace *trace, const struct source_handler *handler)
{
	struct source_settings settings = trace->options->source;

	settings.followed = live->followed;
	settings.followed_count = followed_list(trace, live);
	live->kernel = source_live_open(&settings, handler);
	live->source.events = live->kernel;
	outputs_clock_set(&trace->outputs, clock_offset());
	return live->kernel ? 0 : -1;
}

static struct source *live_open(struct trace *trace, const struct source_handler *handler)
{
	struct live *live;

	if (!processes_check(trace->options))
		return NULL;
	live = calloc(1, sizeof(*live));
	if (live)
		live->cgroups = cgroups_new(&(struct cgroups_settings){live_cgroup_path, live});
	if (!live || !live->cgroups) {
		log_error("out of memory; free some and run tlstrace again");
		free(live);
		return NULL;
	}
	live->source.operations = &source_live;
	if (!kernel_open(live, trace, handler)) {
		confine(trace->command ? CONFINE_COMMANDER : CONFINE_TRACER);
		return &live->source;
	}
	live_close(&live->source);
	return NULL;
}

static size_t interfaces_copy(struct live *live)
{
	const struct source_interface *attached;
	size_t count, i;

	attached = source_live_interfaces(live->kernel, &count);
	if (count > INTERFACES_MAX)
		count = INTERFACES_MAX;
	for (i = 0; i < count; i++) {
		memcpy(live->interfaces[i].name, attached[i].name,
		       sizeof(live->interfaces[i].name));
		live->interfaces[i].ifindex = attached[i].ifindex;
		live->interfaces[i].netns = attached[i].netns;
	}
	return count;
}

static void live_describe(struct source *source, struct trace *trace, struct trace_start *start)
{
	struct live *live = (struct live *)source;

	start->interface_count = interfaces_copy(live);
	start->interfaces = live->interfaces;
	start->tc = source_live_tc(live->kernel);
	start->sockets = source_live_sockets(live->kernel);
	start->everywhere = source_live_everywhere(live->kernel);
	/* Programs that read JSON wait for its start line. */
	if (!trace->command && trace->outputs.list[0].sink != &sink_json)
		fprintf(stderr, "tlstrace: tracing %zu interface%s%s (%s, %s); Ctrl-C ends it\n",
			start->interface_count, start->interface_count == 1 ? "" : "s",
			start->everywhere ? " here and all other network namespaces" : "",
			start->tc, start->sockets);
}

/* The command and all its descendants have ended. */
static bool command_is_over(const struct trace *trace, struct live *live, uint64_t now)
{
	if (!trace->command || !command_ended(trace->command) || source_live_follows(live->kernel))
		return false;
	if (!live->linger_ns)
		live->linger_ns = now + LINGER_NS;
	return now >= live->linger_ns;
}

/* The clock was set, or the host slept, which CLOCK_MONOTONIC does not count. */
static void clock_follow(struct trace *trace)
{
	int64_t offset = clock_offset();

	if (llabs(offset - trace->outputs.list[0].settings.clock_offset_ns) > CLOCK_STEP_NS)
		outputs_clock_set(&trace->outputs, offset);
}

/* A lost event may have shown that an end spoke, or read. */
static void losses_look(struct trace *trace, struct live *live, uint64_t now)
{
	uint64_t losses = source_live_counter(live->kernel, TLSTRACE_COUNT_PACKETS_RING_FULL) +
			  source_live_counter(live->kernel, TLSTRACE_COUNT_SOCKETS_RING_FULL);

	if (losses != live->losses)
		tracker_lost(trace->tracker, now);
	live->losses = losses;
}

/* Milliseconds to wait for events; 0: the time is over. */
static int wait_ms(const struct trace *trace, uint64_t start, uint64_t now, bool near)
{
	int wait = near ? POLL_NEAR_MS : POLL_MS;
	uint64_t duration = trace->options->duration_ns, left_ms;

	if (!duration)
		return wait;
	if (now >= start + duration)
		return 0;
	left_ms = (start + duration - now) / 1000000 + 1;
	return left_ms < (uint64_t)wait ? (int)left_ms : wait;
}

static void live_finish(struct live *live, struct trace *trace)
{
	source_live_end(live->kernel);
	/* A program that runs on another CPU at this moment still reports its event. */
	source_live_poll(live->kernel, POLL_END_MS);
	live->kernel_hellos = source_live_counter(live->kernel, TLSTRACE_COUNT_HELLOS);
	while (source_live_poll(live->kernel, 0) > 0)
		;
	cgroups_wait(live->cgroups);
	losses_look(trace, live, trace_clock_ns(CLOCK_MONOTONIC));
	tracker_finish(trace->tracker, trace_clock_ns(CLOCK_MONOTONIC));
}

static int live_run(struct source *source, struct trace *trace)
{
	struct live *live = (struct live *)source;
	uint64_t start = trace_clock_ns(CLOCK_MONOTONIC), now = start;
	bool near = false;
	int wait;

	while (!trace_stopping(trace) && !command_is_over(trace, live, now)) {
		wait = wait_ms(trace, start, now, near);
		if (!wait)
			break;
		live->error = source_live_poll(live->kernel, wait);
		if (live->error < 0)
			return -1;
		now = trace_clock_ns(CLOCK_MONOTONIC);
		losses_look(trace, live, now);
		clock_follow(trace);
		report_interim(trace, now);
		awaited_look(&live->awaited, trace->options, live->cgroups, now);
		near = tracker_tick(trace->tracker, source_live_time(live->kernel, now)) ||
		       live->linger_ns;
	}
	live_finish(live, trace);
	return 0;
}

static void live_explain(struct source *source)
{
	const struct live *live = (struct live *)source;

	log_error("reading events failed: %s; run tlstrace again", strerror(-live->error));
}

/* A counter of the kernel side, with the name that users see. */
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
			      struct account_counts *to)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		uint64_t value = source_live_counter(live->kernel, from[i].counter);

		account_add(to, from[i].name, value);
		sum += value;
	}
	return sum;
}

static uint64_t time_us(const struct timeval *time)
{
	return time->tv_sec * 1000000ULL + time->tv_usec;
}

static void live_account(struct source *source, const struct tracker *tracker,
			 struct account *account)
{
	const struct live *live = (struct live *)source;
	uint64_t known = tracker_hellos(tracker), run_ns, runs, wakeups, bytes;
	struct rusage usage;

	known += counters_read(live, lost_counters, ARRAY_SIZE(lost_counters), &account->lost);
	/* Counted by the kernel side, but neither delivered nor counted under a cause. */
	account_add(&account->lost, "displaced", tracker_displaced(tracker));
	account_add(&account->lost, "unaccounted",
		    live->kernel_hellos > known ? live->kernel_hellos - known : 0);
	counters_read(live, dropped_counters, ARRAY_SIZE(dropped_counters), &account->dropped);
	account->live = true;
	account->unattached = source_live_counter(live->kernel, TLSTRACE_COUNT_UNATTACHED);
	source_live_cost(live->kernel, &run_ns, &runs);
	account_add(&account->cost, "bpf_run_ns", run_ns);
	account_add(&account->cost, "bpf_runs", runs);
	source_live_reading(live->kernel, &wakeups, &bytes);
	account_add(&account->cost, "ring_bytes", bytes);
	account_add(&account->cost, "wakeups", wakeups);
	getrusage(RUSAGE_SELF, &usage);
	account_add(&account->cost, "cpu_us", time_us(&usage.ru_utime) + time_us(&usage.ru_stime));
	account_add(&account->cost, "peak_memory_bytes", usage.ru_maxrss * 1024ULL);
}

static void live_process_seen(void *source, struct process *process)
{
	const struct live *live = source;
	const struct cgroup_task task = {
		.cgroup = process->cgroup,
		.cgroup_v1 = process->cgroup_v1,
		.start_ns = process->start_ns,
		.pid_ns = process->pid_ns,
		.pid = process->pid,
	};
	const struct cgroup_facts facts = cgroups_find(live->cgroups, &task);

	process->exe = source_live_executable(live->kernel, process->start_ns, process->pid);
	if (!process->exe)
		process->exe = process_exe(process->pid);
	process->cgroup_path = facts.path ? strdup(facts.path) : NULL;
	process->unit = facts.unit ? strdup(facts.unit) : NULL;
	process->container = container_get(facts.container);
}

static bool live_process_awaited(void *source, const struct process *process)
{
	const struct live *live = source;

	return cgroups_await(live->cgroups, process->container);
}

const struct source_operations source_live = {
	.open = live_open,
	.close = live_close,
	.describe = live_describe,
	.run = live_run,
	.explain = live_explain,
	.account = live_account,
	.forget = source_live_forget,
	.process_seen = live_process_seen,
	.process_awaited = live_process_awaited,
};
