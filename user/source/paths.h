/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths of cgroups and executables: bpf/path.bpf.h gathers their names, this reads them. */
#ifndef TLSTRACE_PATHS_H
#define TLSTRACE_PATHS_H

#include <stdbool.h>
#include <stdint.h>

/* Do controllers have hierarchies of their own here (v1, hybrid)? */
bool cgroups_v1_used(void);
/*
 * Path from the root of its hierarchy of a cgroup that a task of the trace was in, to be freed;
 * NULL if it is not known as a whole. map: descriptor of the map; id: of struct tlstrace_task.
 */
char *paths_cgroup(int map, uint64_t id);
/*
 * Path of what a process runs, as /proc/PID/exe puts it, to be freed; NULL if it is not known as a
 * whole. map: descriptor of the map; start_ns and pid: of struct tlstrace_task.
 */
char *paths_executable(int map, uint64_t start_ns, uint32_t pid);

#endif
