/* SPDX-License-Identifier: BSD-2-Clause */
/* Where processes run: cgroup, unit of systemd, container. Looked up once per cgroup, and cached.
 */
#ifndef TLSTRACE_PLACES_H
#define TLSTRACE_PLACES_H

#include <stdbool.h>
#include <stdint.h>

struct container;
struct places;

/* What the kernel says of a task's place; ids as in struct tlstrace_task. */
struct place_key {
	uint64_t cgroup, cgroup_v1;
	uint32_t pid_ns;
};

struct process_place {
	struct place_key key;
	char *path;		     /* of the cgroup; NULL unknown */
	char *unit;		     /* NULL in none */
	struct container *container; /* NULL in none */
};

struct places_settings {
	/* Path of a cgroup as the kernel noted it, to be freed; NULL unknown. */
	char *(*cgroup_path)(void *context, uint64_t id);
	void *context;
};

/* Starts the helper process, so it comes before BPF programs and threads. NULL without memory. */
struct places *places_new(const struct places_settings *settings);
void places_free(struct places *places); /* NULL is fine */
/*
 * Place of a process that lives, or did a moment ago: its runtime is asked in the background for
 * what only it knows. start_ns: of the process, CLOCK_BOOTTIME; 0 unknown. Borrowed until the next
 * call; NULL without memory.
 */
const struct process_place *places_find(struct places *places, const struct place_key *key,
					uint32_t pid, uint64_t start_ns);
/* Is it worth to wait for the runtime's answer? Not for longer than a tenth of a second. */
bool places_awaits(struct places *places, const struct container *container);
/* Wait for all answers, as long as that is worth it. */
void places_wait(struct places *places);

#endif
