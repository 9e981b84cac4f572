/* SPDX-License-Identifier: BSD-2-Clause */
/* The cgroups that processes run in, and what these tell: unit of systemd, container. Cached. */
#ifndef TLSTRACE_CGROUPS_H
#define TLSTRACE_CGROUPS_H

#include <stdbool.h>
#include <stdint.h>

struct container;
struct cgroups;

/* A process that lives, or did a moment ago; members as in struct tlstrace_task. */
struct cgroup_task {
	uint64_t cgroup, cgroup_v1;
	uint64_t start_ns; /* 0 unknown */
	uint32_t pid_ns;   /* 0 unknown */
	uint32_t pid;
};

struct cgroup_facts {
	const char *path;	     /* NULL unknown */
	const char *unit;	     /* NULL in none, or unknown */
	struct container *container; /* NULL in none; it may turn out to be none, too */
};

struct cgroups_settings {
	/* Path of a cgroup as the kernel noted it, to be freed; NULL unknown. */
	char *(*cgroup_path)(void *context, uint64_t id);
	void *context;
};

/* Starts the helper process, so it comes before BPF programs and threads. NULL without memory. */
struct cgroups *cgroups_new(const struct cgroups_settings *settings);
void cgroups_free(struct cgroups *cgroups); /* NULL is fine */
/*
 * What the cgroup of a process tells. Its container's runtime is asked in the background for what
 * only that knows. All of it is borrowed until the next call.
 */
struct cgroup_facts cgroups_find(struct cgroups *cgroups, const struct cgroup_task *task);
/* Is the runtime's answer worth waiting for? Not for longer than a tenth of a second. */
bool cgroups_await(struct cgroups *cgroups, const struct container *container);
/* Wait for all answers, as long as that is worth it. */
void cgroups_wait(struct cgroups *cgroups);

#endif
