// SPDX-License-Identifier: BSD-2-Clause
/* source → flow → tls → handshake → sink: see docs/design.md. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "filter.h"
#include "handshake/certificates.h"
#include "handshake/fingerprint.h"
#include "handshake/tracker.h"
#include "log.h"
#include "options.h"
#include "sink/sink.h"
#include "source/source.h"
#include "version.h"
#include "who/process.h"

#define SECOND_NS 1000000000ULL
#define TIMEOUT_NS (10 * SECOND_NS)
#define HANDSHAKES_MAX 16384
#define POLL_MS 200
#define POLL_NEAR_MS 5
/* Behind the end of the last process that is followed: for what is still under way. */
#define LINGER_NS (SECOND_NS / 20)

enum exit_status { EXIT_FINE, EXIT_COULD_NOT_RUN, EXIT_WRONG_USAGE, EXIT_LOST };

static volatile sig_atomic_t stopping;

struct trace {
	const struct options *options;
	struct sink_settings sink;
	struct source_live *source;
	struct tracker *tracker;
	struct who *who;
	struct command *command; /* NULL: the whole host is traced */
	uint64_t linger_ns;	 /* the command and its descendants are gone: when to end; 0 not yet */
	uint32_t followed[OPTIONS_LIST_MAX + 1];
	struct certificate_cache *certificates;
	uint64_t outcomes[HANDSHAKE_INCOMPLETE + 1];
	uint64_t reported, filtered;
	uint64_t kernel_hellos; /* counted by the kernel when the trace ended */
};

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (!command_signal(signal, info))
		stopping = 1;
}

/* Those that say nothing to tlstrace itself. */
static void on_signal_for_command(int signal, siginfo_t *info, void *context)
{
	(void)context;
	command_signal(signal, info);
	if (signal == SIGTSTP)
		raise(SIGSTOP);
}

static void on_child(int signal)
{
	(void)signal;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * SECOND_NS + time.tv_nsec;
}

static void on_packet(void *context, const struct tlstrace_packet_event *event, const uint8_t *data)
{
	struct trace *trace = context;

	tracker_packet(trace->tracker, event, data);
}

static void on_socket(void *context, const struct tlstrace_socket_event *event)
{
	struct trace *trace = context;

	tracker_socket(trace->tracker, event);
}

/* Only where it is wanted, for it takes long. A failure's cause may stand in a certificate. */
static void details_read(struct trace *trace, struct handshake *handshake)
{
	bool wanted = trace->options->sink->wants_details;

	if (wanted)
		handshake_fingerprint(handshake);
	if (wanted || handshake->outcome == HANDSHAKE_FAILED)
		handshake_certificates_read(handshake, trace->certificates);
}

static void on_done(void *context, struct handshake *handshake)
{
	struct trace *trace = context;
	const struct options *options = trace->options;

	if (options->count && trace->reported >= options->count)
		return; /* beyond what was asked for: not counted as seen either */
	if (!filter_matches(options, handshake)) {
		trace->filtered++;
		return;
	}
	trace->outcomes[handshake->outcome]++;
	trace->reported++;
	details_read(trace, handshake);
	options->sink->row(&trace->sink, handshake);
	if (options->count && trace->reported >= options->count)
		stopping = 1;
}

static void on_forget(void *context, const struct tlstrace_flow_key *key, uint64_t flow_id)
{
	struct trace *trace = context;

	source_live_forget(trace->source, key, flow_id);
}

static const char *on_interface_name(void *context, uint32_t netns, uint32_t ifindex)
{
	struct trace *trace = context;

	return source_live_interface_name(trace->source, netns, ifindex);
}

static void on_process(void *context, struct process *process)
{
	struct trace *trace = context;

	process->exe = who_exe(trace->who, process->pid);
	process->cgroup_path = who_cgroup(trace->who, process->cgroup);
}

static void signals_set(bool with_command)
{
	static const struct {
		int signal;
		void (*handler)(int signal, siginfo_t *info, void *context);
		bool with_command; /* only then */
	} handled[] = {
		{ SIGINT, on_signal, false },
		{ SIGTERM, on_signal, false },
		{ SIGHUP, on_signal, false },
		{ SIGQUIT, on_signal, true },
		{ SIGTSTP, on_signal_for_command, true },
		{ SIGCONT, on_signal_for_command, true },
		{ SIGUSR1, on_signal_for_command, true },
		{ SIGUSR2, on_signal_for_command, true },
	};
	struct sigaction action = { .sa_flags = SA_SIGINFO };
	size_t i;

	for (i = 0; i < sizeof(handled) / sizeof(handled[0]); i++) {
		action.sa_sigaction = handled[i].handler;
		if (with_command || !handled[i].with_command)
			sigaction(handled[i].signal, &action, NULL);
	}
	/* Interrupts the waiting for events, which is all it is for. */
	action = (struct sigaction){ .sa_handler = on_child };
	sigaction(SIGCHLD, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int terminal_width(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return columns ? atoi(columns) : 0;
}

static bool color_wanted(const struct options *options, FILE *out)
{
	if (options->color == COLOR_AUTO)
		return isatty(fileno(out)) && !getenv("NO_COLOR");
	return options->color == COLOR_ALWAYS;
}

static int sink_prepare(struct trace *trace)
{
	const char *file = trace->options->output_file;
	FILE *out = file ? fopen(file, "we") : stdout;

	if (!out) {
		log_error("cannot write %s (%s): choose another file", file, strerror(errno));
		return -1;
	}
	trace->sink = (struct sink_settings){
		.out = out,
		.color = color_wanted(trace->options, out),
		.width = terminal_width(out),
		.clock_offset_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC)),
	};
	setvbuf(out, NULL, _IOLBF, 0);
	return 0;
}

static void start_tell(const struct trace *trace)
{
	struct sink_interface interfaces[256];
	const struct source_interface *attached;
	struct utsname system;
	struct trace_start start;
	size_t count, i;

	attached = source_live_interfaces(trace->source, &count);
	if (count > sizeof(interfaces) / sizeof(interfaces[0]))
		count = sizeof(interfaces) / sizeof(interfaces[0]);
	for (i = 0; i < count; i++) {
		memcpy(interfaces[i].name, attached[i].name, sizeof(interfaces[i].name));
		interfaces[i].ifindex = attached[i].ifindex;
		interfaces[i].netns = attached[i].netns;
	}
	uname(&system);
	start = (struct trace_start){
		.version = TLSTRACE_VERSION,
		.time_ns = clock_ns(CLOCK_MONOTONIC),
		.host = system.nodename,
		.kernel = system.release,
		.tc = source_live_tc(trace->source),
		.sockets = source_live_sockets(trace->source),
		.interfaces = interfaces,
		.interface_count = count,
	};
	trace->options->sink->start(&trace->sink, &start);
	fflush(trace->sink.out);
	if (trace->options->sink != &sink_json && !trace->command)
		fprintf(stderr, "tlstrace: tracing %zu interfaces (%s, %s); Ctrl-C ends it\n", count, start.tc,
			start.sockets);
}

/* The counters of one purpose, with the name users see. */
struct counted {
	unsigned int counter;
	const char *name;
};

static uint64_t counters_read(const struct trace *trace, const struct counted *from, size_t count,
			      struct named_count *to)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		to[i].name = from[i].name;
		to[i].count = source_live_counter(trace->source, from[i].counter);
		sum += to[i].count;
	}
	return sum;
}

static void footer_write(const struct trace_end *end)
{
	size_t i;

	fprintf(stderr, "tlstrace: %llu handshakes: %llu completed, %llu failed, %llu incomplete; "
		"%llu filtered out", (unsigned long long)end->reported, (unsigned long long)end->completed,
		(unsigned long long)end->failed, (unsigned long long)end->incomplete,
		(unsigned long long)end->filtered);
	for (i = 0; i < end->lost_count; i++)
		if (end->lost[i].count)
			fprintf(stderr, "; lost %llu: %s", (unsigned long long)end->lost[i].count,
				end->lost[i].name);
	for (i = 0; i < end->dropped_count; i++)
		if (end->dropped[i].count)
			fprintf(stderr, "; dropped %llu: %s", (unsigned long long)end->dropped[i].count,
				end->dropped[i].name);
	fputc('\n', stderr);
}

/* Returns how much was lost, in handshakes and in parts of them. */
static uint64_t end_tell(const struct trace *trace)
{
	static const struct counted lost_counters[] = {
		{ TLSTRACE_COUNT_HELLOS_RING_FULL, "ring_buffer_full" },
		{ TLSTRACE_COUNT_HELLOS_FLOWS_FULL, "flow_table_full" },
	};
	static const struct counted dropped_counters[] = {
		{ TLSTRACE_COUNT_PACKETS_RING_FULL, "packet_events_ring_full" },
		{ TLSTRACE_COUNT_SOCKETS_RING_FULL, "socket_events_ring_full" },
		{ TLSTRACE_COUNT_SOCKETS_FULL, "socket_table_full" },
		{ TLSTRACE_COUNT_COPY_BUDGET, "copy_budget" },
		{ TLSTRACE_COUNT_SLICES, "records_per_packet" },
		{ TLSTRACE_COUNT_LOAD_FAILED, "unreadable_packets" },
		{ TLSTRACE_COUNT_FOLLOWED_FULL, "followed_processes_full" },
	};
	struct named_count lost[5], dropped[7], cost[2] = { { "bpf_run_ns", 0 }, { "bpf_runs", 0 } };
	uint64_t lost_sum, dropped_sum, known;
	struct trace_end end = {
		.time_ns = clock_ns(CLOCK_MONOTONIC),
		.completed = trace->outcomes[HANDSHAKE_COMPLETED],
		.failed = trace->outcomes[HANDSHAKE_FAILED],
		.incomplete = trace->outcomes[HANDSHAKE_INCOMPLETE],
		.reported = trace->reported,
		.filtered = trace->filtered,
		.lost = lost,
		.lost_count = 5,
		.dropped = dropped,
		.dropped_count = 7,
		.cost = cost,
		.cost_count = 2,
	};

	lost_sum = counters_read(trace, lost_counters, 2, lost);
	lost[2] = (struct named_count){ "handshake_table_full", tracker_refused(trace->tracker) };
	lost[3] = (struct named_count){ "hello_never_whole", tracker_unfinished(trace->tracker) };
	/* What the kernel counted, and neither reached the tracker nor was counted under a cause. */
	known = tracker_hellos(trace->tracker) + lost_sum;
	lost[4] = (struct named_count){ "unaccounted",
		trace->kernel_hellos > known ? trace->kernel_hellos - known : 0 };
	lost_sum += lost[2].count + lost[3].count + lost[4].count;
	dropped_sum = counters_read(trace, dropped_counters, 7, dropped);
	end.seen = trace->reported + trace->filtered + lost_sum;
	source_live_cost(trace->source, &cost[0].count, &cost[1].count);
	trace->options->sink->end(&trace->sink, &end);
	fflush(trace->sink.out);
	footer_write(&end);
	return lost_sum + dropped_sum;
}

/* Is there nobody left to trace? */
static bool command_is_over(struct trace *trace, uint64_t now)
{
	if (!trace->command || !command_ended(trace->command) || source_live_follows(trace->source))
		return false;
	if (!trace->linger_ns)
		trace->linger_ns = now + LINGER_NS;
	return now >= trace->linger_ns;
}

static int trace_run(struct trace *trace)
{
	uint64_t start = clock_ns(CLOCK_MONOTONIC), now = start;
	const struct options *options = trace->options;
	bool near = false;

	while (!stopping && !command_is_over(trace, now)) {
		int wait = near ? POLL_NEAR_MS : POLL_MS, error;

		if (options->duration_ns) {
			uint64_t left = start + options->duration_ns - now;

			if (now >= start + options->duration_ns)
				break;
			if (left / 1000000 < (uint64_t)wait)
				wait = left / 1000000 + 1;
		}
		error = source_live_poll(trace->source, wait);
		if (error < 0 && error != -EINTR) {
			log_error("reading events failed: %s; start tlstrace again", strerror(-error));
			return -1;
		}
		now = clock_ns(CLOCK_MONOTONIC);
		near = tracker_tick(trace->tracker, now) || trace->linger_ns;
		if (ferror(trace->sink.out))
			return 0; /* the reader has gone, as with head(1) */
	}
	trace->kernel_hellos = source_live_counter(trace->source, TLSTRACE_COUNT_HELLOS);
	while (source_live_poll(trace->source, 0) > 0)
		;
	tracker_finish(trace->tracker, clock_ns(CLOCK_MONOTONIC));
	return 0;
}

/* Fills followed; returns how many. */
static size_t followed_list(struct trace *trace)
{
	const struct options *options = trace->options;
	size_t count = options->follow_forks ? options->pid_count : 0;

	memcpy(trace->followed, options->pids, count * sizeof(*trace->followed));
	if (trace->command)
		trace->followed[count++] = command_pid(trace->command);
	return count;
}

static int trace_open(struct trace *trace, const struct tracker_handler *tracker,
		      const struct source_handler *source)
{
	static const struct tracker_settings limits = { TIMEOUT_NS, HANDSHAKES_MAX };
	struct source_settings settings;

	trace->who = who_new();
	trace->tracker = tracker_new(&limits, tracker);
	trace->certificates = certificate_cache_new();
	if (!trace->who || !trace->tracker || !trace->certificates) {
		log_error("there is no memory left: free some and start tlstrace again");
		return -1;
	}
	settings = trace->options->source;
	settings.followed = trace->followed;
	settings.followed_count = followed_list(trace);
	trace->source = source_live_open(&settings, source);
	return trace->source ? 0 : -1;
}

static void trace_close(struct trace *trace)
{
	tracker_free(trace->tracker);
	source_live_close(trace->source);
	who_free(trace->who);
	certificate_cache_free(trace->certificates);
	if (trace->sink.out && trace->sink.out != stdout)
		fclose(trace->sink.out);
}

/* Let the command run, if there is one, and trace until the end. Returns the exit status. */
static int trace_all(struct trace *trace)
{
	const struct options *options = trace->options;
	int status;

	if (trace->command && stopping)
		return EXIT_COULD_NOT_RUN;
	status = trace->command ? command_release(trace->command) : 0;
	if (status)
		return status;
	start_tell(trace);
	if (trace_run(trace))
		return EXIT_COULD_NOT_RUN;
	return end_tell(trace) && options->strict ? EXIT_LOST : EXIT_FINE;
}

int main(int argc, char **argv)
{
	struct options options;
	struct trace trace = { .options = &options };
	const struct tracker_handler tracker = { on_done, on_forget, on_interface_name, on_process, &trace };
	const struct source_handler source = { on_packet, on_socket, &trace };
	int status = EXIT_COULD_NOT_RUN, command_status;

	setlocale(LC_CTYPE, ""); /* or the table cannot tell how wide a name is */
	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_EXIT:
		return EXIT_FINE;
	case OPTIONS_WRONG:
		return EXIT_WRONG_USAGE;
	case OPTIONS_RUN:
		break;
	}
	log_set_verbose(options.verbose);
	if (options.command) {
		trace.command = command_start(options.command, options.user);
		if (!trace.command)
			return EXIT_COULD_NOT_RUN;
	}
	signals_set(trace.command);
	if (!sink_prepare(&trace) && !trace_open(&trace, &tracker, &source))
		status = trace_all(&trace);
	trace_close(&trace);
	if (trace.command) {
		/* It runs on where -n or -d ended the tracing. */
		command_status = command_wait(trace.command);
		status = status == EXIT_FINE ? command_status : status;
	}
	command_free(trace.command);
	return status;
}
