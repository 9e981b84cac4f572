/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks runtimes for what they know of a container: on disk first, then its manager, then its
 * socket. May block. */
#ifndef TLSTRACE_CONTAINER_LOOKUP_H
#define TLSTRACE_CONTAINER_LOOKUP_H

#include <stdint.h>

#include "who/container_path.h"

struct container_api;
struct container_details;

struct container_question {
	struct container_path path;
	uint32_t pid; /* of one of its processes */
};

/*
 * What is known of it is added to details, which are empty before; a container whose id the path
 * does not tell has its id and runtime there. False if nobody knows it.
 */
bool container_lookup(struct container_api *api, const struct container_question *question,
		      struct container_details *details);

#endif
