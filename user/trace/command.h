/* SPDX-License-Identifier: BSD-2-Clause */
/* The command of `tlstrace -- COMMAND`: a child that waits until tracing has begun. */
#ifndef TLSTRACE_COMMAND_H
#define TLSTRACE_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct command;

/*
 * Fork a child that waits. It will run as user (name or number); if that is NULL and sudo started
 * us, as the user who ran sudo, else as we do. To be called before signals are handled: the command
 * inherits what is ignored. Borrows arguments. NULL after one sentence on stderr.
 */
struct command *command_start(char *const *arguments, const char *user);
pid_t command_pid(const struct command *command);
/* Let it run. 0, or after a sentence on stderr the exit status that shells give: 126 or 127. */
int command_release(struct command *command);
/* Has it ended? Does not wait. */
bool command_ended(struct command *command);
/*
 * Wait for its end; its exit status, or 128 and the signal that killed it. One that was never
 * released ends without running anything.
 */
int command_wait(struct command *command);
/* The process is not waited for. NULL is fine. */
void command_free(struct command *command);

#endif
