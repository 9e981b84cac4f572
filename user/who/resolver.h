/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks a helper process what runtimes know of containers. Nothing here waits for it: if it hangs or
 * dies, names are missing. All calls are of one thread.
 */
#ifndef TLSTRACE_RESOLVER_H
#define TLSTRACE_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "who/container.h"
#include "who/container_lookup.h"

struct resolver;

struct resolver_answer {
	struct container *container; /* whose question it was; the reference is the caller's */
	bool found;
	uint32_t user;			  /* whose runtimes know it; 0 root's */
	struct container_details details; /* the caller's */
};

/*
 * Forks, so it comes before what the helper must not have: threads, BPF programs, output files.
 * NULL without memory or processes.
 */
struct resolver *resolver_start(void);
/* Ends the helper. Questions without an answer are dropped. NULL is fine. */
void resolver_end(struct resolver *resolver);
/* False if too many wait already. */
bool resolver_ask(struct resolver *resolver, struct container *container,
		  const struct container_question *question);
/* The next answer, if there is one. */
bool resolver_take(struct resolver *resolver, struct resolver_answer *answer);
/* Until an answer may be taken, but not longer than this. False if none will come in this time. */
bool resolver_wait(struct resolver *resolver, unsigned int milliseconds);

#endif
