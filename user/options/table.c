// SPDX-License-Identifier: BSD-2-Clause
#include "options/table.h"

#include <stdio.h>
#include <string.h>

#include "options/values.h"
#include "sink/sink.h"
#include "policy/policy.h"
#include "version.h"

#define TIMEOUT_MIN_NS	1000000ULL
#define TIMEOUT_MAX_NS	3600000000000ULL
#define INTERVAL_MIN_NS 100000000ULL
#define BUFFER_SIZE_MIN (64ULL << 10)
#define BUFFER_SIZE_MAX (1ULL << 30)

/* Where a row's value goes: a field of struct options, or a list and its number of elements. */
#define FIELD(field)                                                                               \
	.offset = offsetof(struct options, field), .size = sizeof(((struct options *)0)->field)
#define LIST(field, count)                                                                         \
	.offset = offsetof(struct options, field),                                                 \
	.count_offset = offsetof(struct options, count),                                           \
	.size = sizeof(((struct options *)0)->field[0]), .is_list = true

static bool number_store(const struct option_row *row, uint64_t value, void *to)
{
	const uint16_t narrow = value;
	const uint32_t middle = value;

	if (value < row->min || (row->max && value > row->max))
		return false;
	memcpy(to,
	       row->size == sizeof(narrow)   ? (const void *)&narrow
	       : row->size == sizeof(middle) ? (const void *)&middle
					     : (const void *)&value,
	       row->size);
	return true;
}

static bool read_number(const struct option_row *row, const char *text, void *to)
{
	uint64_t value;

	return value_number(text, 0, UINT64_MAX - 1, &value) && number_store(row, value, to);
}

static bool read_duration(const struct option_row *row, const char *text, void *to)
{
	uint64_t value;

	return value_duration(text, &value) && number_store(row, value, to);
}

static bool read_size(const struct option_row *row, const char *text, void *to)
{
	uint64_t value;

	return value_size(text, &value) && number_store(row, value, to);
}

static bool read_flag(const struct option_row *row, const char *text, void *to)
{
	(void)row;
	(void)text;
	return *(bool *)to = true;
}

static bool read_text(const struct option_row *row, const char *text, void *to)
{
	(void)row;
	*(const char **)to = text;
	return *text;
}

/* As text, but an empty one is a value too: a server name may be empty. */
static bool read_pattern(const struct option_row *row, const char *text, void *to)
{
	(void)row;
	*(const char **)to = text;
	return true;
}

/* Only check it: the value is printed, or kept elsewhere. */
static bool check_word(const struct option_row *row, const char *text, void *to)
{
	(void)to;
	return value_word(text, row->words) >= 0;
}

/* The index of the word, for a field that is an enum. */
static bool read_word(const struct option_row *row, const char *text, void *to)
{
	int index = value_word(text, row->words);

	if (index >= 0)
		memcpy(to, &index, sizeof(index));
	return index >= 0;
}

static bool read_uid(const struct option_row *row, const char *text, void *to)
{
	(void)row;
	return value_uid(text, to);
}

static bool read_network(const struct option_row *row, const char *text, void *to)
{
	(void)row;
	return value_network(text, to);
}

static bool read_cgroup(const struct option_row *row, const char *text, void *to)
{
	(void)row;
	return value_cgroup(text, to);
}

static bool read_netns(const struct option_row *row, const char *text, void *to)
{
	(void)row;
	return value_netns(text, to);
}

static bool read_output(const struct option_row *row, const char *text, void *to)
{
	(void)row;
	return value_output(text, to);
}

static bool read_expression(const struct option_row *row, const char *text, void *to)
{
	(void)row;
	return value_expression(text, to);
}

static bool read_fields(const struct option_row *row, const char *text, void *to)
{
	(void)row;
	return value_fields(text, to);
}

static bool has_columns(const struct options *options)
{
	for (size_t i = 0; i < options->output_count; i++)
		if (options->outputs[i].sink->has_columns)
			return true;
	return false;
}

static bool read_expectation(const struct option_row *row, const char *text, void *to)
{
	(void)row;
	return value_expectation(text, to);
}

static bool read_rate(const struct option_row *row, const char *text, void *to)
{
	(void)row;
	return value_rate(text, to);
}

static bool read_report(const struct option_row *row, const char *text, void *to)
{
	(void)row;
	return value_report(text, to);
}

static bool has_expectation(const struct options *options)
{
	return options->expect_count;
}

static bool has_command(const struct options *options)
{
	return options->command;
}

static bool has_capture(const struct options *options)
{
	return options->file;
}

static bool has_process(const struct options *options)
{
	return options->pid_count || options->command;
}

static void version_print(const char *value)
{
	(void)value;
	puts("tlstrace " TLSTRACE_VERSION "\nfeatures: table wide tree json csv explain pcap "
	     "pcapng gzip tcx clsact fentry kprobe "
	     "tracepoint");
}

static const char *const colors[] = {"auto", "always", "never", NULL}; /* enum options_color */
static const char *const summaries[] = {"auto", "table", "json", "none", NULL};
static const char *const tcs[] = {"auto", "tcx", "clsact", NULL}; /* enum source_tc */
static const char *const sockets[] = {"auto", "fentry", "kprobe", "tracepoint", NULL};
static const char *const roles[] = {"server", "client", NULL}; /* enum handshake_end */
static const char *const shells[] = {"bash", "zsh", NULL};

#define NO_PROCESSES	  "a capture does not contain processes"
#define NOTHING_TO_ATTACH "nothing is attached to read a capture"
#define A_COMMAND	  "a command after '--'"

const char *const option_groups[OPTION_GROUPS] = {
	[GROUP_INPUT] = "Input",   [GROUP_FILTERS] = "Filters", [GROUP_OUTPUT] = "Output",
	[GROUP_CHECKS] = "Checks", [GROUP_RUN] = "Running",
};

const struct option_row option_rows[] = {
	{"read", 'r', GROUP_INPUT, "FILE",
	 "decode a pcap or pcapng file, also gzip-compressed, instead of tracing this host; "
	 "- is standard input; needs no privileges",
	 "the name of a file, or - for standard input", .completion = COMPLETE_FILES,
	 .read = read_text, FIELD(file)},

	{"pid", 'p', GROUP_FILTERS, "PID", "this process", "a process id", .read = read_number,
	 .min = 1, .max = INT32_MAX, LIST(pids, pid_count), .not_with_read = NO_PROCESSES},
	{"follow-forks", 'f', GROUP_FILTERS, NULL, "with --pid: its descendants too",
	 .read = read_flag, FIELD(follow_forks), .needs = "--pid", .needs_met = has_process},
	{"comm", 'c', GROUP_FILTERS, "GLOB", "a process with this name", "a name or pattern",
	 .read = read_pattern, LIST(comms, comm_count), .not_with_read = NO_PROCESSES},
	{"uid", 'u', GROUP_FILTERS, "USER", "a process of this user, by name or number",
	 "a user's name or number", .completion = COMPLETE_USERS, .read = read_uid,
	 LIST(uids, uid_count), .not_with_read = NO_PROCESSES},
	{"container", 0, GROUP_FILTERS, "NAME|ID",
	 "a process in this container: a name, a pattern, or at least 6 digits of an id",
	 "a name, a pattern or an id", .read = read_text, LIST(containers, container_count),
	 .not_with_read = NO_PROCESSES},
	{"cgroup", 0, GROUP_FILTERS, "PATH", "a process in this cgroup or below it",
	 "a path that begins with /", .completion = COMPLETE_FILES, .read = read_cgroup,
	 LIST(cgroups, cgroup_count), .not_with_read = NO_PROCESSES},
	{"netns", 0, GROUP_FILTERS, "NAMESPACE",
	 "a process in this network namespace: all, host, self, a name from 'ip netns', a process "
	 "id or a path",
	 "all, host, self, or the name, a process or the path of an existing namespace",
	 .read = read_netns, LIST(netns, netns_count),
	 .not_with_read = "a capture does not contain namespaces"},
	{"interface", 'i', GROUP_FILTERS, "IF",
	 "trace only this interface, or any interface, of this network namespace",
	 "the name of an interface, or any", .completion = COMPLETE_INTERFACES, .read = read_text,
	 FIELD(source.interface),
	 .not_with_read = "a capture's interfaces were chosen when it was made"},
	{"port", 0, GROUP_FILTERS, "N",
	 "this TCP or UDP port, also at a proxy or NAT between the ends", "a port from 1 to 65535",
	 .read = read_number, .min = 1, .max = 65535, LIST(ports, port_count)},
	{"host", 0, GROUP_FILTERS, "ADDR[/LEN]",
	 "this address or network, also at a proxy or NAT between the ends",
	 "an address or ADDRESS/LENGTH", .read = read_network, LIST(networks, network_count)},
	{"sni", 0, GROUP_FILTERS, "GLOB", "the server name that the client asked for",
	 "a name or pattern", .read = read_pattern, LIST(names, name_count)},
	{"role", 0, GROUP_FILTERS, "ROLE",
	 "client or server: apply the filters above to this end only; alone: handshakes with a "
	 "local process in this role",
	 "client or server", .words = roles, .read = read_word, FIELD(role)},
	{"where", 0, GROUP_FILTERS, "EXPR",
	 "handshakes for which the expression is true: 'version < TLSv1.2', legacy, pq, 'expires < "
	 "30d'; see EXPRESSIONS in the manual",
	 "an expression", .read = read_expression, .explains = true, LIST(wheres, where_count)},
	{"failed", 0, GROUP_FILTERS, NULL, "only handshakes that failed", .read = read_flag,
	 FIELD(failed_only)},
	{"slower-than", 0, GROUP_FILTERS, "DURATION",
	 "only handshakes that took longer: 250ms, 1s, 800us",
	 "a duration such as 250ms, 1s or 800us", .read = read_duration, FIELD(slower_than_ns)},

	{"output", 'o', GROUP_OUTPUT, "FORMAT[=FILE]",
	 "table (default); wide: the table with the time of each phase; tree: everything about "
	 "each handshake, its phases as bars; explain: the handshake step by step; json: one "
	 "object per line; csv: one line of values "
	 "per handshake. Repeat it to write several files",
	 "table, wide, tree, explain, json or csv, and =FILE to write it to a file",
	 .words = value_formats, .read = read_output, LIST(outputs, output_count)},
	{"columns", 0, GROUP_OUTPUT, "LIST",
	 "show these fields, in this order, in the table or in csv: time,client,sni,total",
	 "fields separated by commas", .read = read_fields, FIELD(columns), .explains = true,
	 .needs = "-o table or -o csv", .needs_met = has_columns},
	{"output-file", 0, GROUP_OUTPUT, "FILE",
	 "write the results to FILE, not to standard output", "the name of a file",
	 .completion = COMPLETE_FILES, .read = read_text, FIELD(output_file)},
	{"summary", 0, GROUP_OUTPUT, "FORM",
	 "at the end: auto (default: a short one on stderr if there were two handshakes), table "
	 "(all of it), json (on stdout) or none",
	 "auto, table, json or none", .words = summaries, .read = read_word, FIELD(summary)},
	{"interval", 0, GROUP_OUTPUT, "DURATION",
	 "print the summary so far, and the handshakes under way, on stderr this often; SIGUSR1 "
	 "prints it once",
	 "a duration from 100ms, such as 10s", .read = read_duration, .min = INTERVAL_MIN_NS,
	 FIELD(interval_ns)},
	{"report", 0, GROUP_OUTPUT, "NAME[=FILE]",
	 "at the end: pairs, failures, crypto, resumption, certificates or breaks:@POLICY; as "
	 "text, "
	 "or as FILE's suffix .json, .csv or .md says",
	 "the name of a report", .words = report_names, .read = read_report, .explains = true,
	 LIST(reports, report_count)},
	{"color", 0, GROUP_OUTPUT, "WHEN", "auto (default), always or never",
	 "auto, always or never", .words = colors, .read = read_word, FIELD(color)},
	{"verbose", 'v', GROUP_OUTPUT, NULL,
	 "print on stderr what was attached and what the kernel lacks", .read = read_flag,
	 FIELD(verbose)},

	{"expect", 0, GROUP_CHECKS, "EXPR|@NAME",
	 "exit with status 4 unless each handshake shown satisfies the expression or the policy, "
	 "and there was one",
	 "an expression or @POLICY", .read = read_expectation, .explains = true,
	 LIST(expects, expect_count)},
	{"expect-none-ok", 0, GROUP_CHECKS, NULL,
	 "with --expect: succeed also if there was no handshake", .read = read_flag,
	 FIELD(expect_none_ok), .needs = "--expect", .needs_met = has_expectation},
	{"junit", 0, GROUP_CHECKS, "FILE", "with --expect: write the outcome to FILE as JUnit XML",
	 "the name of a file", .completion = COMPLETE_FILES, .read = read_text, FIELD(junit),
	 .needs = "--expect", .needs_met = has_expectation},
	{"max-failed", 0, GROUP_CHECKS, "PERCENT[/TIME]",
	 "exit with status 4 if more handshakes fail: 5% of the whole run, or 5%/1m, which ends "
	 "the "
	 "trace as soon as more fail within a minute",
	 "a percentage such as 5%, or 5%/1m", .read = read_rate, FIELD(max_failed)},
	{"policies", 0, GROUP_CHECKS, NULL, "print the policies for --expect, and exit",
	 .print = policies_print},

	{"user", 0, GROUP_RUN, "USER",
	 "run COMMAND as USER; default: the user who ran sudo, or else the current user",
	 "a user's name or number", .completion = COMPLETE_USERS, .read = read_text, FIELD(user),
	 .needs = A_COMMAND, .needs_met = has_command},
	{"run-as", 0, GROUP_RUN, "USER",
	 "with --read as root: become USER before reading (default nobody)",
	 "a user's name or number", .completion = COMPLETE_USERS, .read = read_text, FIELD(run_as),
	 .needs = "--read", .needs_met = has_capture},
	{"count", 'n', GROUP_RUN, "N", "stop after N handshakes", "a number above 0",
	 .read = read_number, .min = 1, FIELD(count)},
	{"duration", 'd', GROUP_RUN, "DURATION",
	 "stop after this time: 10s, 250ms, 2m; with --read in the capture's time",
	 "a duration such as 10s, 250ms or 2m", .read = read_duration, FIELD(duration_ns)},
	{"timeout", 0, GROUP_RUN, "DURATION",
	 "treat a handshake as failed after this much inactivity (default 10s); with --read the "
	 "default is to wait for the end of the file",
	 "a duration from 1ms to 1h, such as 3s", .read = read_duration, .min = TIMEOUT_MIN_NS,
	 .max = TIMEOUT_MAX_NS, FIELD(timeout_ns)},
	{"buffer-size", 0, GROUP_RUN, "SIZE",
	 "size of the ring buffer between the kernel and tlstrace (default 8M)",
	 "a size from 64K to 1G", .read = read_size, .min = BUFFER_SIZE_MIN, .max = BUFFER_SIZE_MAX,
	 FIELD(source.buffer_size), .not_with_read = "a capture needs no buffer in the kernel"},
	{"strict", 0, GROUP_RUN, NULL, "exit with status 3 if anything was lost", .read = read_flag,
	 FIELD(strict)},
	{"tc", 0, GROUP_RUN, "FLAVOUR",
	 "how to attach to interfaces: auto (default), tcx or clsact", "auto, tcx or clsact",
	 .words = tcs, .read = read_word, FIELD(source.tc), .not_with_read = NOTHING_TO_ATTACH},
	{"sockets", 0, GROUP_RUN, "FLAVOUR",
	 "how to follow sockets: auto (default), fentry, kprobe or tracepoint",
	 "auto, fentry, kprobe or tracepoint", .words = sockets, .read = read_word,
	 FIELD(source.sockets), .not_with_read = NOTHING_TO_ATTACH},
	{"fields", 0, GROUP_RUN, NULL, "print the names of all fields, and exit",
	 .print = option_fields_print},
	{"version", 'V', GROUP_RUN, NULL, "print the version and features, and exit",
	 .print = version_print},
	{"help", 'h', GROUP_RUN, NULL, "print this help, and exit", .print = option_help_print},

	{"completion", 0, GROUP_HIDDEN, "SHELL", "print a completion script", "bash or zsh",
	 .words = shells, .read = check_word, .print = option_completion_print},
};

const size_t option_row_count = sizeof(option_rows) / sizeof(option_rows[0]);
