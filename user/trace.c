// SPDX-License-Identifier: BSD-2-Clause
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "filter.h"
#include "handshake/cause.h"
#include "handshake/certificates.h"
#include "handshake/fingerprint.h"
#include "log.h"
#include "sink/summary.h"
#include "summary/summary.h"
#include "version.h"

#define SECOND_NS	   1000000000ULL
#define HANDSHAKES_MAX	   16384
#define SUMMARY_AUTO_LEAST 2

static volatile sig_atomic_t stopping;

static void on_signal(int signal, siginfo_t *info, void *context);

/* From the second signal on a write is given up whose reader does not read. */
static void writes_give_up(int signal)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = on_signal};

	sigaction(signal, &action, NULL);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (command_signal(signal, info))
		return;
	stopping = 1;
	writes_give_up(signal);
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

bool trace_stopping(const struct trace *trace)
{
	return stopping || ferror(trace->sink.out);
}

/* A write was given up: the next one must not wait for the same reader. */
static void writes_discard(int fd)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (nowhere < 0)
		return;
	dup2(nowhere, fd);
	close(nowhere);
}

/* Behind every write: later calls change errno. */
static void output_check(struct trace *trace)
{
	if (trace->output_error || !ferror(trace->sink.out))
		return;
	trace->output_error = errno;
	writes_discard(fileno(trace->sink.out));
}

/* A reader that has gone, as head(1) does, has what it wants. */
static int output_explain(const struct trace *trace)
{
	if (!trace->output_error || trace->output_error == EPIPE)
		return EXIT_FINE;
	log_error("writing the results failed (%s), so they are not whole: make room for them, or "
		  "choose "
		  "another place with --output-file",
		  strerror(trace->output_error));
	return EXIT_COULD_NOT_RUN;
}

uint64_t trace_clock_ns(int clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * SECOND_NS + time.tv_nsec;
}

void trace_count(struct named_count *counts, size_t *count, const char *name, uint64_t value)
{
	if (*count < TRACE_COUNTS_MAX)
		counts[(*count)++] = (struct named_count){name, value};
}

void trace_count_tracker(const struct trace *trace, struct trace_account *account)
{
	trace_count(account->lost, &account->lost_count, "handshake_table_full",
		    tracker_refused(trace->tracker));
	trace_count(account->lost, &account->lost_count, "hello_never_whole",
		    tracker_unfinished(trace->tracker));
}

static void on_packet(void *context, const struct tlstrace_packet_event *event, const uint8_t *data)
{
	struct trace *trace = context;

	tracker_packet(trace->tracker, event, data);
}

static void on_opening(void *context, const struct tlstrace_flow_key *key, uint64_t flow_id,
		       const struct flow_opening *opening)
{
	struct trace *trace = context;

	tracker_opening(trace->tracker, key, flow_id, opening);
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
	if (handshake->outcome == HANDSHAKE_FAILED)
		handshake_causes(handshake, trace->sink.clock_offset_ns);
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
	if (trace->summary)
		summary_add(trace->summary, handshake);
	details_read(trace, handshake);
	options->sink->row(&trace->sink, handshake);
	output_check(trace);
	if (options->count && trace->reported >= options->count)
		stopping = 1;
}

static void on_forget(void *context, const struct tlstrace_flow_key *key, uint64_t flow_id,
		      bool may_renegotiate)
{
	struct trace *trace = context;

	trace->kind->forget(trace, key, flow_id, may_renegotiate);
}

static void on_process(void *context, struct process *process)
{
	struct trace *trace = context;

	if (trace->kind->process_seen)
		trace->kind->process_seen(trace, process);
}

static bool on_process_awaited(void *context, const struct process *process)
{
	struct trace *trace = context;

	return trace->kind->process_awaited && trace->kind->process_awaited(trace, process);
}

/* nohup(1) wants it to go on when the terminal goes. */
static bool is_for_nohup(int signal)
{
	struct sigaction action;

	return signal == SIGHUP && !sigaction(signal, NULL, &action) &&
	       action.sa_handler == SIG_IGN;
}

static void signals_set(bool with_command)
{
	static const struct {
		int signal;
		void (*handler)(int signal, siginfo_t *info, void *context);
		bool with_command; /* only then */
	} handled[] = {
		{SIGINT, on_signal, false},
		{SIGTERM, on_signal, false},
		{SIGHUP, on_signal, false},
		{SIGQUIT, on_signal, true},
		{SIGTSTP, on_signal_for_command, true},
		{SIGCONT, on_signal_for_command, true},
		{SIGUSR1, on_signal_for_command, true},
		{SIGUSR2, on_signal_for_command, true},
	};
	/* Waiting for events ends at a signal in any case (signal(7)); a row goes on to be written.
	 */
	struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};
	size_t i;

	for (i = 0; i < sizeof(handled) / sizeof(handled[0]); i++) {
		action.sa_sigaction = handled[i].handler;
		if ((with_command || !handled[i].with_command) && !is_for_nohup(handled[i].signal))
			sigaction(handled[i].signal, &action, NULL);
	}
	/* Interrupts the waiting for events, which is all it is for. */
	action = (struct sigaction){.sa_handler = on_child, .sa_flags = SA_RESTART};
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

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

static bool color_wanted(const struct options *options, FILE *out)
{
	if (options->color == COLOR_AUTO)
		return isatty(fileno(out)) && !is_set("NO_COLOR");
	return options->color == COLOR_ALWAYS;
}

static bool is_same_file(const char *read, int fd)
{
	struct stat one, other;

	return !fstat(fd, &other) && S_ISREG(other.st_mode) &&
	       !(strcmp(read, "-") ? stat(read, &one) : fstat(STDIN_FILENO, &one)) &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static int output_empty(const struct trace *trace)
{
	int fd = fileno(trace->sink.out);
	struct stat file;

	return trace->options->output_file && !fstat(fd, &file) && S_ISREG(file.st_mode)
		       ? ftruncate(fd, 0)
		       : 0;
}

static int sink_prepare(struct trace *trace)
{
	const char *file = trace->options->output_file;
	/* What is in the file stays until there is something to put in its place. */
	int fd = file ? open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : STDOUT_FILENO;
	FILE *out = !file ? stdout : fd < 0 ? NULL : fdopen(fd, "w");

	if (!out) {
		log_error("cannot write %s (%s): choose another file", file, strerror(errno));
		return -1;
	}
	if (file && trace->options->file && is_same_file(trace->options->file, fd)) {
		log_error(
			"%s is the capture that is to be read: choose another file for the results",
			file);
		fclose(out);
		return -1;
	}
	trace->sink = (struct sink_settings){
		.out = out,
		.color = color_wanted(trace->options, out),
		.width = terminal_width(out),
	};
	setvbuf(out, NULL, _IOLBF, 0);
	return 0;
}

static void start_tell(struct trace *trace)
{
	struct utsname system;
	struct trace_start start = {.version = TLSTRACE_VERSION};

	uname(&system);
	start.host = system.nodename;
	start.kernel = system.release;
	trace->kind->start(trace, &start);
	start.time_ns = trace_clock_ns(CLOCK_REALTIME) - trace->sink.clock_offset_ns;
	trace->options->sink->start(&trace->sink, &start);
	fflush(trace->sink.out);
	output_check(trace);
}

static uint64_t counts_write(const struct named_count *counts, size_t count, const char *what)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		if (counts[i].count)
			fprintf(stderr, "; %s %llu: %s", what, (unsigned long long)counts[i].count,
				counts[i].name);
		sum += counts[i].count;
	}
	return sum;
}

/* Returns how much was lost, in handshakes and in parts of them. */
static uint64_t footer_write(const struct trace_end *end)
{
	uint64_t sum;

	fprintf(stderr,
		"tlstrace: %llu handshake%s: %llu completed, %llu failed, %llu incomplete; "
		"%llu filtered out",
		(unsigned long long)end->reported, end->reported == 1 ? "" : "s",
		(unsigned long long)end->completed, (unsigned long long)end->failed,
		(unsigned long long)end->incomplete, (unsigned long long)end->filtered);
	sum = counts_write(end->lost, end->lost_count, "lost") +
	      counts_write(end->dropped, end->dropped_count, "dropped");
	fputc('\n', stderr);
	return sum;
}

/* A summary of one handshake would say no more than its row, so it is for who asks for it. */
static void summary_tell(struct trace *trace, uint64_t time_ns)
{
	const struct sink_settings err = {.out = stderr, .width = terminal_width(stderr)};

	switch (trace->options->summary) {
	case SUMMARY_AUTO:
		if (trace->reported >= SUMMARY_AUTO_LEAST)
			summary_table_write(&err, trace->summary, SUMMARY_BRIEF);
		break;
	case SUMMARY_TABLE:
		summary_table_write(&err, trace->summary, SUMMARY_ALL);
		break;
	case SUMMARY_JSON:
		summary_json_write(&trace->sink, trace->summary, time_ns);
		break;
	case SUMMARY_NONE:
		break;
	}
}

static uint64_t end_tell(struct trace *trace)
{
	struct trace_account account = {};
	struct trace_end end = {
		.time_ns = trace_clock_ns(CLOCK_REALTIME) - trace->sink.clock_offset_ns,
		.completed = trace->outcomes[HANDSHAKE_COMPLETED],
		.failed = trace->outcomes[HANDSHAKE_FAILED],
		.incomplete = trace->outcomes[HANDSHAKE_INCOMPLETE],
		.seen = trace->reported + trace->filtered,
		.reported = trace->reported,
		.filtered = trace->filtered,
		.lost = account.lost,
		.dropped = account.dropped,
		.cost = account.cost,
	};
	size_t i;

	trace->kind->account(trace, &account);
	end.lost_count = account.lost_count;
	end.dropped_count = account.dropped_count;
	end.cost_count = account.cost_count;
	for (i = 0; i < account.lost_count; i++)
		end.seen += account.lost[i].count;
	summary_tell(trace, end.time_ns);
	trace->options->sink->end(&trace->sink, &end);
	fflush(trace->sink.out);
	output_check(trace);
	return footer_write(&end);
}

static int trace_open(struct trace *trace)
{
	const struct tracker_settings settings = {trace->options->timeout_ns, HANDSHAKES_MAX};
	const struct source_handler source = {on_packet, on_socket, on_opening, trace};

	trace->tracker_handler = (struct tracker_handler){
		.done = on_done,
		.forget = on_forget,
		.process_seen = on_process,
		.process_awaited = on_process_awaited,
		.context = trace,
	};
	trace->tracker = tracker_new(&settings, &trace->tracker_handler);
	trace->certificates = certificate_cache_new();
	if (trace->options->summary != SUMMARY_NONE)
		trace->summary = summary_new();
	if (!trace->tracker || !trace->certificates ||
	    (!trace->summary && trace->options->summary != SUMMARY_NONE)) {
		log_error("there is no memory left: free some and start tlstrace again");
		return -1;
	}
	return trace->kind->open(trace, &source);
}

static void trace_close(struct trace *trace)
{
	tracker_free(trace->tracker);
	trace->kind->close(trace);
	certificate_cache_free(trace->certificates);
	summary_free(trace->summary);
	if (trace->sink.out && trace->sink.out != stdout)
		fclose(trace->sink.out);
}

/* Let the command run, if there is one, and trace until the end. Returns the exit status. */
static int trace_all(struct trace *trace)
{
	uint64_t lost;
	int status;

	if (trace->command && stopping) {
		log_error("it was stopped before the trace was on, and the command did not run: "
			  "run it again");
		return EXIT_COULD_NOT_RUN;
	}
	status = trace->command ? command_release(trace->command) : 0;
	if (status)
		return status;
	if (output_empty(trace)) {
		log_error("cannot empty %s (%s): choose another file", trace->options->output_file,
			  strerror(errno));
		return EXIT_COULD_NOT_RUN;
	}
	start_tell(trace);
	status = trace->kind->run(trace);
	if (status && !trace->kind->explain)
		return EXIT_COULD_NOT_RUN;
	lost = end_tell(trace);
	if (status) {
		trace->kind->explain(trace);
		return EXIT_COULD_NOT_RUN;
	}
	status = output_explain(trace);
	return !status && lost && trace->options->strict ? EXIT_LOST : status;
}

int trace_main(const struct options *options, struct command *command)
{
	struct trace trace = {
		.options = options,
		.kind = options->file ? &trace_file : &trace_live,
		.command = command,
	};
	int status = EXIT_COULD_NOT_RUN;

	signals_set(command);
	if (!sink_prepare(&trace) && !trace_open(&trace))
		status = trace_all(&trace);
	trace_close(&trace);
	return status;
}
