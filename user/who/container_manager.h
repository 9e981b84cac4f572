/* SPDX-License-Identifier: BSD-2-Clause */
/* The program that keeps a container running is an ancestor of its processes, and its arguments say
 * what it keeps. */
#ifndef TLSTRACE_CONTAINER_MANAGER_H
#define TLSTRACE_CONTAINER_MANAGER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "who/container_path.h"

struct container_manager {
	uint32_t pid;
	const char *runtime; /* static */
	/* "" unknown. The id is that of the pod, if the manager keeps all containers of one (many).
	 */
	char id[CONTAINER_ID_SIZE], name[CONTAINER_ID_SIZE], namespace[CONTAINER_ID_SIZE];
	bool many;
	/*
	 * Holds directories named by id: storage of Podman and CRI-O; "" unknown. Of containerd
	 * (many) that is the parent of its working directory. As the manager itself sees it.
	 */
	char directory[PATH_MAX];
};

/*
 * The manager of a process that started at start_ns (CLOCK_BOOTTIME). Only one that runs as this
 * user counts: 0 is root of the machine, and not of a namespace of users. Of several it is the
 * outermost: what runs within a container, and may call itself anything, is not asked. False if
 * there is none, or the process is gone.
 */
bool container_manager_find(uint32_t pid, uint64_t start_ns, uid_t user,
			    struct container_manager *manager);
/* The same of one process, by what it says; arguments: length bytes of NUL-terminated strings, as
 * in /proc/PID/cmdline. */
bool container_manager_read(uint32_t pid, const char *comm, const char *arguments, size_t length,
			    struct container_manager *manager);

#endif
