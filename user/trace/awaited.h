/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Containers and cgroups that a filter names and that do not exist yet. A misspelt name would wait
 * for ever in silence: tlstrace says so, and again when one appears.
 */
#ifndef TLSTRACE_AWAITED_H
#define TLSTRACE_AWAITED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options/options.h"

struct cgroups;

struct awaited {
	bool begun;
	uint64_t next_ns; /* when to look again */
	bool containers_missing[OPTIONS_LIST_MAX], cgroups_missing[OPTIONS_LIST_MAX];
	size_t missing; /* of both */
};

/* Look, if it is time to, and tell what is missing, or has appeared. now_ns: CLOCK_MONOTONIC. */
void awaited_look(struct awaited *awaited, const struct options *options, struct cgroups *groups,
		  uint64_t now_ns);

#endif
