/* SPDX-License-Identifier: BSD-2-Clause */
/* What /proc and the cgroup hierarchy still know of a process that the kernel named. */
#ifndef TLSTRACE_PROCESS_H
#define TLSTRACE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cgroup_mount;

/* The cgroup2 hierarchy of this host, wherever it is mounted; NULL if it is not. */
struct cgroup_mount *cgroup_mount_open(void);
void cgroup_mount_close(struct cgroup_mount *mount); /* NULL is fine */
/* Path of a cgroup below it, "/" for the root; to be freed; NULL if gone. mount may be NULL. */
char *cgroup_mount_path(const struct cgroup_mount *mount, uint64_t id);
/*
 * The first user but root who owns a directory on this path, of length bytes, and so may make any
 * directory below it; 0 if all are root's, as far as they exist. mount may be NULL.
 */
uint32_t cgroup_mount_owner(const struct cgroup_mount *mount, const char *path, size_t length);
/* Path of the executable, to be freed; NULL if the process is gone. */
char *process_exe(uint32_t pid);
/* Whether /proc shows the initial pid namespace, whose numbers the kernel gives us. */
bool process_numbers_known(void);
/* The process that a process or thread of this number belongs to; 0 if it does not exist. */
uint32_t process_of(uint32_t pid);

#endif
