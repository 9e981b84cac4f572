/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs must know of the running kernel before they are loaded or attached. */
#ifndef TLSTRACE_HOST_H
#define TLSTRACE_HOST_H

#include <stdint.h>

/* The address of a kernel symbol; 0 if the kernel hides it (kernel.kptr_restrict). */
uint64_t host_symbol(const char *wanted);
/* The cookie of this network namespace, since 5.14 (e8b9eab99232); 0 on failure. */
uint64_t host_netns_cookie(void);
/*
 * The root of the cgroups, as a descriptor or a negative errno: a mount of our own, visible to
 * nobody, which every layout of hierarchies allows.
 */
int host_cgroup_root(void);

#endif
