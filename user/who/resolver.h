/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread that asks runtimes, so that nobody else has to wait for them. All calls are of one other
 * thread. */
#ifndef TLSTRACE_RESOLVER_H
#define TLSTRACE_RESOLVER_H

#include <stdbool.h>

#include "who/container.h"
#include "who/container_lookup.h"

struct resolver;

struct resolver_answer {
	struct container *container; /* whose question it was; the reference is the caller's */
	bool found;
	struct container_details details; /* the caller's */
};

/* Starts the thread with the first question. NULL without memory. */
struct resolver *resolver_new(void);
/* Questions without an answer are dropped. NULL is fine. */
void resolver_free(struct resolver *resolver);
/* False if too many wait already. container is handed back: the thread does not look at it. */
bool resolver_ask(struct resolver *resolver, struct container *container,
		  const struct container_question *question);
/* The next answer, if there is one. */
bool resolver_take(struct resolver *resolver, struct resolver_answer *answer);
/* Until all is answered, but not longer than this. */
void resolver_wait(struct resolver *resolver, unsigned int milliseconds);

#endif
