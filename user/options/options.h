/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line, parsed and checked. */
#ifndef TLSTRACE_OPTIONS_H
#define TLSTRACE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handshake/fields.h"
#include "expression/expression.h"
#include "policy/failure_rate.h"
#include "report/report.h"
#include "source/source.h"

#define OPTIONS_LIST_MAX 32

enum options_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
enum options_summary { SUMMARY_AUTO, SUMMARY_TABLE, SUMMARY_JSON, SUMMARY_NONE };

struct sink;

/* One -o: a format, and where it goes. */
struct options_output {
	const struct sink *sink;
	const char *file; /* NULL: --output-file, or else standard output */
};

struct options_network {
	uint8_t ip[16];	   /* IPv4 mapped */
	unsigned int bits; /* of the 128 */
};

/* Within a kind any may match, between kinds all must. Strings are borrowed from argv. */
#define TIMEOUT_DEFAULT_NS 10000000000ULL

struct options {
	uint32_t pids[OPTIONS_LIST_MAX];
	size_t pid_count;
	bool follow_forks; /* of these pids */
	const char *comms[OPTIONS_LIST_MAX];
	size_t comm_count;
	uint32_t uids[OPTIONS_LIST_MAX];
	size_t uid_count;
	uint16_t ports[OPTIONS_LIST_MAX];
	size_t port_count;
	struct options_network networks[OPTIONS_LIST_MAX];
	size_t network_count;
	const char *containers[OPTIONS_LIST_MAX]; /* names or ids */
	size_t container_count;
	const char *cgroups[OPTIONS_LIST_MAX]; /* paths below the root of their hierarchy, without
						  it: "" is all */
	size_t cgroup_count;
	uint32_t netns[OPTIONS_LIST_MAX]; /* inode numbers; 0: all */
	size_t netns_count;
	const char *names[OPTIONS_LIST_MAX]; /* of servers (SNI) */
	size_t name_count;
	int role; /* enum handshake_end, or -1 */
	struct named_expression wheres[OPTIONS_LIST_MAX];
	size_t where_count;
	struct named_expression expects[OPTIONS_LIST_MAX];
	size_t expect_count;
	bool expect_none_ok;
	struct report_wanted reports[OPTIONS_LIST_MAX];
	size_t report_count;
	const char *junit;		 /* a file; NULL none */
	struct failure_limit max_failed; /* percent is negative: no limit */
	bool failed_only;
	uint64_t slower_than_ns; /* 0: any */
	char *const *command;	 /* to be run and traced, NULL-terminated; NULL none */
	const char *user;	 /* to run it as; NULL the default */
	const char *run_as;	 /* user to become before a capture is read; NULL the default */
	const char *file;	 /* a capture to read, "-" is standard input; NULL: live */
	struct options_output outputs[OPTIONS_LIST_MAX]; /* at least one */
	size_t output_count;
	struct field_list columns; /* of tables and csv; none: their own */
	const char *output_file;   /* of outputs without one; NULL: standard output */
	int summary;		   /* enum options_summary */
	uint64_t count;		   /* stop after so many rows; 0 never */
	uint64_t duration_ns;	   /* stop after this time; 0 never */
	uint64_t interval_ns;	   /* between interim summaries; 0: none */
	uint64_t timeout_ns;	   /* silence that fails a handshake; 0: not given */
	bool strict;
	bool verbose;
	int color; /* enum options_color */
	struct source_settings source;
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_EXIT,  /* help or version was printed */
	OPTIONS_WRONG, /* the reason was printed on stderr: exit 2 */
};

enum options_result options_parse(struct options *options, int argc, char **argv);
void options_free(struct options *options);

#endif
