/* SPDX-License-Identifier: BSD-2-Clause */
/* What /proc and the cgroup hierarchy still know of a process that the kernel named. */
#ifndef TLSTRACE_PROCESS_H
#define TLSTRACE_PROCESS_H

#include <stdint.h>

struct who;

struct who *who_new(void);
void who_free(struct who *who);
/* Path of the executable, to be freed; NULL if the process is gone. */
char *who_exe(struct who *who, uint32_t pid);
/* Path of a cgroup of the v2 hierarchy below its mount, "/" for the root; to be freed; NULL if gone. */
char *who_cgroup(struct who *who, uint64_t id);

#endif
