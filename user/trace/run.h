/* SPDX-License-Identifier: BSD-2-Clause */
/* Run a trace, from its start line to its account. */
#ifndef TLSTRACE_RUN_H
#define TLSTRACE_RUN_H

/* Exit status of main(), unless that of the command is passed on. */
enum exit_status { EXIT_FINE, EXIT_COULD_NOT_RUN, EXIT_WRONG_USAGE, EXIT_LOST, EXIT_EXPECTATION };

struct command;
struct options;

/*
 * The command, if there is one, was started and waits for its release. Returns the
 * exit status.
 */
int trace_main(const struct options *options, struct command *command);

#endif
