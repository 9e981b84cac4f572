/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks runtimes for what they know of a container: on disk first, then its manager, then its
 * socket. May block for ever: only the helper process calls it (worker.c). */
#ifndef TLSTRACE_CONTAINER_LOOKUP_H
#define TLSTRACE_CONTAINER_LOOKUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct container_api;
struct container_details;

struct container_question {
	uint64_t start_ns; /* of the process, CLOCK_BOOTTIME; 0 unknown */
	uint32_t pid;	   /* one of its processes */
	uint32_t user;	   /* whose runtimes may know it, beside root's; 0: no user's */
	char cgroup[PATH_MAX];
};

/*
 * Fill details, which must be empty; id and runtime too if the cgroup's path does not contain them.
 * home: the user's, to ask that user's runtimes, if the caller has that user's credentials; NULL
 * for root's. False if no runtime knows it.
 */
bool container_lookup(struct container_api *api, const struct container_question *question,
		      const char *home, struct container_details *details);

#endif
