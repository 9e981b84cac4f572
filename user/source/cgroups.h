/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of cgroups: bpf/cgroup.bpf.h keeps them, this reads them. */
#ifndef TLSTRACE_CGROUPS_H
#define TLSTRACE_CGROUPS_H

#include <stdbool.h>
#include <stdint.h>

/* Do controllers have hierarchies of their own here (v1, hybrid)? */
bool cgroups_v1_used(void);
/*
 * Path from the root of its hierarchy of a cgroup that a task of the trace was in, to be freed; NULL if
 * it is not known as a whole. map: descriptor of the map; id: of struct tlstrace_task.
 */
char *cgroups_path(int map, uint64_t id);

#endif
