/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gives up what a process does not need any more: capabilities, new privileges, system calls (a
 * seccomp filter), files (Landlock, where the kernel has it), and root. None of it comes back.
 */
#ifndef TLSTRACE_CONFINE_H
#define TLSTRACE_CONFINE_H

#include <stdbool.h>

/* What a process does from now on. */
enum confine_job {
	CONFINE_READER,	    /* read a capture that is open, and write to files that are open */
	CONFINE_TRACER,	    /* trace this host with programs that are attached */
	CONFINE_COMMANDER,  /* the same, and pass signals to a command of another user */
	CONFINE_REAPER,	    /* detach programs from interfaces */
	CONFINE_SUPERVISOR, /* start and kill workers, which become other users */
	CONFINE_ASKER,	    /* read files and ask sockets of root's runtimes */
	CONFINE_USER,	    /* the same of a user's, as that user */
};

/* What the kernel does not have is left out. Call it in a process with one thread. */
void confine(enum confine_job job);
/*
 * If this process is root, become another user with no other groups: user is a name or number, NULL
 * is "nobody". 0; or negative after one message on stderr, which only a user that was named can
 * cause.
 */
int confine_user(const char *user);

#endif
