/* SPDX-License-Identifier: BSD-2-Clause */
/* The set of processes whose forks are followed: bpf/follow.bpf.h keeps it, this looks into it. */
#ifndef TLSTRACE_FOLLOW_H
#define TLSTRACE_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Put a process and the descendants that it has into the set, whose descriptor is map. None is
 * missed if forks are followed already. 0 or negative errno.
 */
int follow_process(int map, uint32_t pid);
/* Is any of them alive? */
bool follow_any(int map);

#endif
