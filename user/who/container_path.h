/* SPDX-License-Identifier: BSD-2-Clause */
/* What the path of a cgroup says of the container or service that its processes belong to. */
#ifndef TLSTRACE_CONTAINER_PATH_H
#define TLSTRACE_CONTAINER_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTAINER_ID_SIZE 256 /* a name of a directory */

struct container_path {
	bool is_container;
	const char *runtime;		 /* static; NULL: the path does not tell */
	char id[CONTAINER_ID_SIZE];	 /* "" none */
	char pod_uid[CONTAINER_ID_SIZE]; /* of Kubernetes; "" none */
	char unit[CONTAINER_ID_SIZE];	 /* of systemd, not the container's own scope; "" none */
	/* If it is none: it may yet be one, of this name, if a runtime below knows it. "" none */
	char leaf[CONTAINER_ID_SIZE], leaf_parent[CONTAINER_ID_SIZE];
	size_t parent_length; /* of the path of the directory that has the container's, or the leaf
			       */
	int64_t user;	      /* whose session or services it is among; -1: the system's */
};

/*
 * Of containers within containers it is the outermost: that is the one this host's runtimes know,
 * and no process inside can pass for another by the name of a cgroup that it makes.
 */
void container_path_read(const char *path, struct container_path *into);

#endif
