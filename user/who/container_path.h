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
	const char *runtime;		 /* static; NULL: unknown */
	char id[CONTAINER_ID_SIZE];	 /* "" none */
	char pod_uid[CONTAINER_ID_SIZE]; /* of Kubernetes; "" none */
	char unit[CONTAINER_ID_SIZE];	 /* of systemd, not the container's own scope; "" none */
	/* If the path names no container: the last directory and its parent. A runtime may know a
	 * container of that name. "" none */
	char leaf[CONTAINER_ID_SIZE], leaf_parent[CONTAINER_ID_SIZE];
	size_t parent_length; /* of the path of the directory that has the container's, or the leaf
			       */
	int64_t user;	      /* in whose slice it is; -1: in no user's */
};

/*
 * Of nested containers, the outermost: this host's runtimes know it, and a process inside cannot
 * appear as another container by making a cgroup.
 */
void container_path_read(const char *path, struct container_path *into);

#endif
