/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The helper process: starts workers, which ask runtimes, and kills those that do not answer. It
 * opens nothing itself, so nobody can make it hang.
 */
#ifndef TLSTRACE_SUPERVISOR_H
#define TLSTRACE_SUPERVISOR_H

/* In a new process: until the socket (SOCK_SEQPACKET, of struct message_question) ends. */
_Noreturn void supervisor_run(int socket);

#endif
