// SPDX-License-Identifier: BSD-2-Clause
#include "options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/handshake.h"
#include "log.h"
#include "sink/sink.h"
#include "source/netns.h"
#include "version.h"

#define BUFFER_SIZE_DEFAULT (8 << 20)
#define BUFFER_SIZE_MIN	    (64 << 10)
#define BUFFER_SIZE_MAX	    (1ULL << 30)
#define TIMEOUT_DEFAULT_NS  10000000000ULL
#define TIMEOUT_MIN_NS	    1000000ULL
#define TIMEOUT_MAX_NS	    3600000000000ULL

static const char help[] =
	"Usage: tlstrace [OPTION...] [-- COMMAND [ARGUMENT...]]\n"
	"Show every TLS handshake on this host as it happens: which process negotiated what\n"
	"with whom, how long each part took, and who rejected whom. With COMMAND: run it, and\n"
	"show only its handshakes and those of all its descendants.\n"
	"\n"
	"Where from:\n"
	"  -r, --read FILE          decode a pcap or pcapng file, gzip'd too (- is stdin), "
	"instead\n"
	"                           of tracing; needs no privilege\n"
	"\n"
	"Which handshakes (repeatable; any of one kind, all kinds together):\n"
	"  -p, --pid PID            this process at either end\n"
	"  -f, --follow-forks       with -p: its descendants too\n"
	"  -c, --comm GLOB          a process of this name at either end\n"
	"  -u, --uid USER           a process of this user (name or number) at either end\n"
	"      --container NAME|ID  a process in this container at either end: a name or pattern,\n"
	"                           or the first 6 digits or more of an id\n"
	"      --cgroup PATH        a process in this cgroup or below it at either end\n"
	"      --netns WHICH        a process in this network namespace at either end: all, host, "
	"self,\n"
	"                           a name of ip-netns(8), a process in it, or a path\n"
	"  -i, --interface IF       only this interface, or any, of this network namespace\n"
	"      --port N             this TCP or UDP port at either end or between\n"
	"      --host ADDR[/LEN]    this address or network at either end or between\n"
	"      --sni GLOB           the server name the client asked for\n"
	"      --role client|server the ends that -p, -c, -u, --container, --cgroup, --netns, "
	"--port\n"
	"                           and --host look at;\n"
	"                           alone: handshakes with a local process in this role\n"
	"      --failed             only those that failed\n"
	"      --slower-than TIME   only those that took longer: 250ms, 1s, 800us\n"
	"\n"
	"Output:\n"
	"  -o, --output FORMAT      table (default); wide: the table with latency by phase;\n"
	"                           tree: all of each handshake, its phases as bars; json\n"
	"      --output-file FILE   write the results there, not to stdout\n"
	"      --summary FORM       at the end: auto (default: on stderr, short, if there were "
	"two\n"
	"                           handshakes), table (all of it), json (on stdout) or none\n"
	"      --color WHEN         auto (default), always or never\n"
	"  -v, --verbose            say on stderr what was attached, and what the kernel lacks\n"
	"\n"
	"How long, and how:\n"
	"      --user USER          run COMMAND as USER; default: who ran sudo, else as tlstrace\n"
	"  -n, --count N            stop after N handshakes\n"
	"  -d, --duration DURATION  stop after this time: 10s, 250ms, 2m; of a file, its own time\n"
	"      --timeout DURATION   a handshake that is silent for so long failed (default 10s)\n"
	"      --buffer-size SIZE   ring buffer between kernel and tlstrace (default 8M)\n"
	"      --strict             exit with status 3 if anything was lost\n"
	"      --tc FLAVOUR         auto (default), tcx or clsact\n"
	"      --sockets FLAVOUR    auto (default), fentry, kprobe or tracepoint\n"
	"  -V, --version            print version and features\n"
	"  -h, --help               print this\n"
	"\n"
	"Examples:\n"
	"  tlstrace -o tree -- curl https://example.org/    one command, its handshakes in full\n"
	"  tlstrace --slower-than 250ms -o tree             what is slow, and why\n"
	"  tlstrace --failed                                what fails, and who refused whom\n"
	"  tlstrace -r capture.pcap --summary table         how a capture's servers do\n"
	"\n"
	"Exit status: 0 fine, 1 could not run, 2 wrong usage, 3 --strict and something was lost.\n"
	"With COMMAND its own, or 128 and the signal that killed it.\n";

enum long_option {
	OPTION_PORT = 256,
	OPTION_HOST,
	OPTION_SNI,
	OPTION_ROLE,
	OPTION_FAILED,
	OPTION_BUFFER_SIZE,
	OPTION_STRICT,
	OPTION_COLOR,
	OPTION_TC,
	OPTION_SOCKETS,
	OPTION_OUTPUT_FILE,
	OPTION_USER,
	OPTION_CONTAINER,
	OPTION_CGROUP,
	OPTION_SLOWER_THAN,
	OPTION_SUMMARY,
	OPTION_NETNS,
	OPTION_TIMEOUT
};

static const struct option long_options[] = {
	{"pid", required_argument, NULL, 'p'},
	{"follow-forks", no_argument, NULL, 'f'},
	{"comm", required_argument, NULL, 'c'},
	{"uid", required_argument, NULL, 'u'},
	{"interface", required_argument, NULL, 'i'},
	{"read", required_argument, NULL, 'r'},
	{"container", required_argument, NULL, OPTION_CONTAINER},
	{"cgroup", required_argument, NULL, OPTION_CGROUP},
	{"netns", required_argument, NULL, OPTION_NETNS},
	{"port", required_argument, NULL, OPTION_PORT},
	{"host", required_argument, NULL, OPTION_HOST},
	{"sni", required_argument, NULL, OPTION_SNI},
	{"role", required_argument, NULL, OPTION_ROLE},
	{"failed", no_argument, NULL, OPTION_FAILED},
	{"slower-than", required_argument, NULL, OPTION_SLOWER_THAN},
	{"output", required_argument, NULL, 'o'},
	{"output-file", required_argument, NULL, OPTION_OUTPUT_FILE},
	{"summary", required_argument, NULL, OPTION_SUMMARY},
	{"user", required_argument, NULL, OPTION_USER},
	{"count", required_argument, NULL, 'n'},
	{"duration", required_argument, NULL, 'd'},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"buffer-size", required_argument, NULL, OPTION_BUFFER_SIZE},
	{"strict", no_argument, NULL, OPTION_STRICT},
	{"verbose", no_argument, NULL, 'v'},
	{"color", required_argument, NULL, OPTION_COLOR},
	{"tc", required_argument, NULL, OPTION_TC},
	{"sockets", required_argument, NULL, OPTION_SOCKETS},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static bool number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	if (!isdigit((unsigned char)*text))
		return false;
	*value = strtoull(text, &end, 10);
	return !errno && !*end && *value >= min && *value <= max;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* A number and a unit; "" is the unit that may be left out, if there is one. */
static bool quantity_parse(const char *text, const struct unit *units, uint64_t *value)
{
	char *end;
	double number;

	if (!isdigit((unsigned char)*text) || text[1] == 'x' ||
	    text[1] == 'X') /* strtod reads hexadecimal too */
		return false;
	number = strtod(text, &end);
	for (; units->name; units++) {
		if (strcmp(end, units->name))
			continue;
		if (number * units->factor > 9e18)
			return false;
		*value = number * units->factor;
		return true;
	}
	return false;
}

static bool duration_parse(const char *text, uint64_t *ns)
{
	static const struct unit units[] = {
		{"ns", 1},	    {"us", 1000},	  {"ms", 1000000}, {"s", 1000000000},
		{"m", 60000000000}, {"h", 3600000000000}, {NULL, 0}};

	return quantity_parse(text, units, ns) && *ns > 0;
}

static bool size_parse(const char *text, size_t *size)
{
	static const struct unit units[] = {{"", 1},	    {"k", 1 << 10}, {"K", 1 << 10},
					    {"M", 1 << 20}, {"G", 1 << 30}, {NULL, 0}};
	uint64_t value;

	if (!quantity_parse(text, units, &value) || value < BUFFER_SIZE_MIN ||
	    value > BUFFER_SIZE_MAX)
		return false;
	*size = value;
	return true;
}

static bool uid_parse(const char *text, uint32_t *uid)
{
	const struct passwd *user = getpwnam(text);
	uint64_t number;

	if (user) {
		*uid = user->pw_uid;
		return true;
	}
	if (!number_parse(text, 0, UINT32_MAX - 1, &number))
		return false;
	*uid = number;
	return true;
}

static bool network_parse(const char *text, struct options_network *network)
{
	char address[64];
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	uint64_t bits;
	bool is_v4;

	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = 0;
	memset(network, 0, sizeof(*network));
	is_v4 = inet_pton(AF_INET, address, network->ip + 12) == 1;
	if (is_v4)
		network->ip[10] = network->ip[11] = 0xff;
	else if (inet_pton(AF_INET6, address, network->ip) != 1)
		return false;
	if (!slash)
		bits = is_v4 ? 32 : 128;
	else if (!number_parse(slash + 1, 0, is_v4 ? 32 : 128, &bits))
		return false;
	network->bits = bits + (is_v4 ? 96 : 0);
	return true;
}

/* As in the rows, or the directory itself where cgroups are mounted. */
static bool cgroup_parse(const char *text, const char **path)
{
	static const char *const mounts[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		size_t length = strlen(mounts[i]);

		if (strncmp(text, mounts[i], length) == 0 &&
		    (text[length] == '/' || !text[length])) {
			*path = text + length;
			return true;
		}
	}
	*path = text;
	return *text == '/';
}

/* Index of text in a NULL-terminated list, or -1. */
static int word_find(const char *text, const char *const *words)
{
	int i;

	for (i = 0; words[i]; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	return -1;
}

static bool word_parse(const char *text, const char *const *words, int *index)
{
	*index = word_find(text, words);
	return *index >= 0;
}

static const char *const colors[] = {"auto", "always", "never", NULL};
static const char *const summaries[] = {"auto", "table", "json", "none", NULL};
static const char *const tcs[] = {"auto", "tcx", "clsact", NULL};
static const char *const sockets[] = {"auto", "fentry", "kprobe", "tracepoint", NULL};
static const char *const roles[] = {"server", "client", NULL}; /* enum handshake_end */
static const struct sink *const sinks[] = {&sink_table, &sink_wide, &sink_tree, &sink_json};

static bool sink_parse(const char *text, const struct sink **sink)
{
	size_t i;

	for (i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++) {
		if (strcmp(text, sinks[i]->name) == 0) {
			*sink = sinks[i];
			return true;
		}
	}
	return false;
}

static bool netns_parse(const char *text, uint32_t *netns)
{
	*netns = 0;
	return strcmp(text, "all") == 0 || (*netns = netns_find(text));
}

/* One value of a filter that may be given several times. */
static bool list_add(struct options *options, int option, const char *text)
{
	uint64_t number;

	switch (option) {
	case 'p':
		return options->pid_count < OPTIONS_LIST_MAX &&
		       number_parse(text, 1, INT32_MAX, &number) &&
		       (options->pids[options->pid_count++] = number, true);
	case 'c':
		return options->comm_count < OPTIONS_LIST_MAX &&
		       (options->comms[options->comm_count++] = text, true);
	case 'u':
		return options->uid_count < OPTIONS_LIST_MAX &&
		       uid_parse(text, &options->uids[options->uid_count]) && ++options->uid_count;
	case OPTION_PORT:
		return options->port_count < OPTIONS_LIST_MAX &&
		       number_parse(text, 1, 65535, &number) &&
		       (options->ports[options->port_count++] = number, true);
	case OPTION_HOST:
		return options->network_count < OPTIONS_LIST_MAX &&
		       network_parse(text, &options->networks[options->network_count]) &&
		       ++options->network_count;
	case OPTION_CONTAINER:
		return options->container_count < OPTIONS_LIST_MAX && *text &&
		       (options->containers[options->container_count++] = text, true);
	case OPTION_CGROUP:
		return options->cgroup_count < OPTIONS_LIST_MAX &&
		       cgroup_parse(text, &options->cgroups[options->cgroup_count]) &&
		       ++options->cgroup_count;
	case OPTION_NETNS:
		return options->netns_count < OPTIONS_LIST_MAX &&
		       netns_parse(text, &options->netns[options->netns_count]) &&
		       ++options->netns_count;
	case OPTION_SNI:
		return options->name_count < OPTIONS_LIST_MAX &&
		       (options->names[options->name_count++] = text, true);
	}
	return false;
}

/* What each option takes, for the sentence about a wrong value. */
static const struct {
	int option;
	const char *name, *takes;
	bool several;
} takers[] = {
	{'p', "--pid", "a process id", true},
	{'c', "--comm", "a name or pattern", true},
	{'u', "--uid", "a user's name or number", true},
	{'i', "--interface", "the name of an interface, or any", false},
	{'o', "--output", "table, wide, tree or json", false},
	{'n', "--count", "a number above 0", false},
	{'r', "--read", "the name of a file, or - for standard input", false},
	{'d', "--duration", "a time such as 10s, 250ms or 2m", false},
	{OPTION_CONTAINER, "--container", "a name, a pattern or an id", true},
	{OPTION_CGROUP, "--cgroup", "a path that begins with /", true},
	{OPTION_NETNS, "--netns",
	 "all, host, self, or the name, a process or the path of a namespace that is there", true},
	{OPTION_PORT, "--port", "a port from 1 to 65535", true},
	{OPTION_HOST, "--host", "an address or ADDRESS/LENGTH", true},
	{OPTION_SNI, "--sni", "a name or pattern", true},
	{OPTION_ROLE, "--role", "client or server", false},
	{OPTION_SLOWER_THAN, "--slower-than", "a time such as 250ms, 1s or 800us", false},
	{OPTION_TIMEOUT, "--timeout", "a time from 1ms to 1h, such as 3s", false},
	{OPTION_BUFFER_SIZE, "--buffer-size", "a size from 64K to 1G", false},
	{OPTION_SUMMARY, "--summary", "auto, table, json or none", false},
	{OPTION_COLOR, "--color", "auto, always or never", false},
	{OPTION_TC, "--tc", "auto, tcx or clsact", false},
	{OPTION_SOCKETS, "--sockets", "auto, fentry, kprobe or tracepoint", false},
};

static void wrong_value(int option, const char *value)
{
	size_t i;

	for (i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
		if (takers[i].option == option)
			log_error("%s takes %s, not '%s'%s: see tlstrace --help", takers[i].name,
				  takers[i].takes, value,
				  takers[i].several
					  ? "; give it once for each of several, at most 32"
					  : "");
}

static bool option_set(struct options *options, int option, const char *value)
{
	int index = 0;

	switch (option) {
	case 'o':
		return sink_parse(value, &options->sink);
	case 'n':
		return number_parse(value, 1, UINT64_MAX - 1, &options->count);
	case 'd':
		return duration_parse(value, &options->duration_ns);
	case OPTION_TIMEOUT:
		return duration_parse(value, &options->timeout_ns) &&
		       options->timeout_ns >= TIMEOUT_MIN_NS &&
		       options->timeout_ns <= TIMEOUT_MAX_NS;
	case 'i':
		options->source.interface = value;
		return *value != 0;
	case 'r':
		options->file = value;
		return *value != 0;
	case 'v':
		return options->verbose = true;
	case 'f':
		return options->follow_forks = true;
	case OPTION_OUTPUT_FILE:
		options->output_file = value;
		return true;
	case OPTION_USER:
		options->user = value;
		return true;
	case OPTION_FAILED:
		return options->failed_only = true;
	case OPTION_SLOWER_THAN:
		return duration_parse(value, &options->slower_than_ns);
	case OPTION_STRICT:
		return options->strict = true;
	case OPTION_ROLE:
		return word_parse(value, roles, &options->role);
	case OPTION_BUFFER_SIZE:
		return size_parse(value, &options->source.buffer_size);
	case OPTION_SUMMARY:
		return word_parse(value, summaries, &index) && (options->summary = index, true);
	case OPTION_COLOR:
		return word_parse(value, colors, &index) && (options->color = index, true);
	case OPTION_TC:
		return word_parse(value, tcs, &index) && (options->source.tc = index, true);
	case OPTION_SOCKETS:
		return word_parse(value, sockets, &index) &&
		       (options->source.sockets = index, true);
	}
	return list_add(options, option, value);
}

/* What a capture cannot answer, or has no use for. */
static const struct live_option {
	int option;
	const char *name, *why;
} live_options[] = {
	{'p', "--pid", "a capture does not know processes"},
	{'c', "--comm", "a capture does not know processes"},
	{'u', "--uid", "a capture does not know processes"},
	{OPTION_CONTAINER, "--container", "a capture does not know processes"},
	{OPTION_CGROUP, "--cgroup", "a capture does not know processes"},
	{OPTION_NETNS, "--netns", "a capture does not know namespaces"},
	{'i', "--interface", "the interfaces of a capture were chosen when it was made"},
	{OPTION_BUFFER_SIZE, "--buffer-size", "a capture needs no buffer in the kernel"},
	{OPTION_TC, "--tc", "nothing is attached to read a capture"},
	{OPTION_SOCKETS, "--sockets", "nothing is attached to read a capture"},
};

static const struct live_option command_option = {0, "a command",
						  "a capture does not run anything"};

static const struct live_option *live_option_find(int option)
{
	size_t i;

	for (i = 0; i < sizeof(live_options) / sizeof(live_options[0]); i++)
		if (live_options[i].option == option)
			return &live_options[i];
	return NULL;
}

/* What is left behind the options, and options that need another. */
static bool arguments_check(struct options *options, int argc, char **argv, int first)
{
	if (first < argc && strcmp(argv[first - 1], "--") != 0) {
		log_error("unexpected argument '%s': a command stands behind '--', see tlstrace "
			  "--help",
			  argv[first]);
		return false;
	}
	if (first < argc)
		options->command = &argv[first];
	if (options->follow_forks && !options->pid_count && !options->command) {
		log_error("-f follows the processes of -p: give one, see tlstrace --help");
		return false;
	}
	if (options->user && !options->command) {
		log_error("--user is for a command behind '--': see tlstrace --help");
		return false;
	}
	return true;
}

/* Of several short ones behind one dash getopt stands before their word: optopt tells which it is.
 */
static void wrong_option(bool lacks_value, const char *word)
{
	const char letter[] = {'-', (char)optopt, 0};
	bool is_long = strncmp(word, "--", 2) == 0;
	size_t length = strcspn(word, "=");

	if (lacks_value)
		log_error("option '%s' takes a value: see tlstrace --help",
			  is_long ? word : letter);
	else if (optopt && is_long && word[length])
		log_error("option '%.*s' takes no value: see tlstrace --help", (int)length, word);
	else
		log_error("there is no option '%s': see tlstrace --help",
			  optopt && !is_long ? letter : word);
}

enum options_result options_parse(struct options *options, int argc, char **argv)
{
	const struct live_option *live = NULL;
	int option;

	*options = (struct options){.role = -1, .sink = &sink_table};
	options->source.buffer_size = BUFFER_SIZE_DEFAULT;
	options->timeout_ns = TIMEOUT_DEFAULT_NS;
	opterr = 0; /* our own sentences say what to do */
	while ((option = getopt_long(argc, argv, "+:p:c:u:i:r:o:n:d:fvVh", long_options, NULL)) !=
	       -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return OPTIONS_EXIT;
		}
		if (option == 'V') {
			puts("tlstrace " TLSTRACE_VERSION
			     "\nfeatures: table wide tree json pcap pcapng gzip tcx clsact "
			     "fentry kprobe tracepoint");
			return OPTIONS_EXIT;
		}
		if (option == '?' || option == ':') {
			wrong_option(option == ':', argv[optind - 1]);
			return OPTIONS_WRONG;
		}
		if (!option_set(options, option, optarg)) {
			wrong_value(option, optarg);
			return OPTIONS_WRONG;
		}
		if (!live)
			live = live_option_find(option);
	}
	if (!arguments_check(options, argc, argv, optind))
		return OPTIONS_WRONG;
	if (options->command)
		live = &command_option;
	if (options->file && live) {
		log_error("--read does not go with %s: %s; leave one of them out", live->name,
			  live->why);
		return OPTIONS_WRONG;
	}
	return OPTIONS_RUN;
}
