/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A child that outlives a tlstrace killed without a word, and takes away what the kernel does not
 * take away by itself: filters on clsact. (Links go with their descriptors.)
 */
#ifndef TLSTRACE_REAPER_H
#define TLSTRACE_REAPER_H

#include <stdint.h>

/* What is attached to one interface; a later record of an interface replaces the earlier. */
struct reaper_record {
	uint32_t ifindex;
	uint32_t handle;
	uint32_t priority[2]; /* by enum tlstrace_hook; 0: no filter there */
	uint32_t program[2];  /* id in the kernel */
	uint32_t made_qdisc;  /* it was not there before us */
};

struct reaper;

/*
 * Fork it: before any program is loaded, so that it keeps none alive. When this process is gone,
 * reap is called in the child for each interface. NULL and errno on failure.
 */
struct reaper *reaper_start(void (*reap)(const struct reaper_record *record));
/* Before the record becomes true. NULL is fine: nothing to do. */
void reaper_tell(struct reaper *reaper, const struct reaper_record *record);
/* Nothing is attached to it any more. */
void reaper_forget(struct reaper *reaper, uint32_t ifindex);
/* Let it leave without reaping, and wait until it is gone; frees. NULL is fine. */
void reaper_end(struct reaper *reaper);

#endif
