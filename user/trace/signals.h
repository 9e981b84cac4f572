/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals, of tlstrace itself and those that it passes on to the command it runs. */
#ifndef TLSTRACE_SIGNALS_H
#define TLSTRACE_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

void signals_set(bool with_command);
/* From now on signals are passed on to this process; 0: no longer. */
void signals_forward(pid_t pid);
bool signals_stopping(void);
/* Has SIGUSR1 asked for an account since the last call? */
bool signals_account_wanted(void);

#endif
