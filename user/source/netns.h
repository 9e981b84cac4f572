/* SPDX-License-Identifier: BSD-2-Clause */
/* Network namespaces, as users name them. */
#ifndef TLSTRACE_NETNS_H
#define TLSTRACE_NETNS_H

#include <stdint.h>

/*
 * Inode number of a network namespace: "self" (this process's), "host" (that of process 1), the
 * number of a process in it, a path that holds it, or a name of ip-netns(8) or Docker. 0: there is
 * none.
 */
uint32_t netns_find(const char *name);

#endif
