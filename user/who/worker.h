/* SPDX-License-Identifier: BSD-2-Clause */
/* A process that answers questions about containers of one user's runtimes, and nothing else. */
#ifndef TLSTRACE_WORKER_H
#define TLSTRACE_WORKER_H

#include <sys/types.h>

/*
 * In a new process: answers what comes from the socket until that ends. user: 0 for root's
 * runtimes; else the process first becomes that user for good.
 */
_Noreturn void worker_run(int socket, uid_t user);

#endif
