/* SPDX-License-Identifier: BSD-2-Clause */
/* A container, as plain data: what the cgroup of its processes says at once, and what its runtime
 * says later. */
#ifndef TLSTRACE_CONTAINER_H
#define TLSTRACE_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTAINER_LABELS_MAX 64
#define CONTAINER_TEXT_MAX   1024 /* bytes of each text below; longer ones are cut */

struct container_label {
	char *key, *value;
};

/* What only the runtime knows. Owned; NULL unknown. Whoever made the container chose these texts:
 * escape them. */
struct container_details {
	const char *runtime; /* static */
	char *id;	     /* if the cgroup does not name it */
	char *name, *image;
	char *pod, *pod_uid;
	char *namespace;		/* of Kubernetes, else of containerd */
	struct container_label *labels; /* in the runtime's order */
	size_t label_count;
};

/* How it is known that a process is in this container. */
enum container_how {
	CONTAINER_BY_CGROUP, /* the process is in a cgroup of that name, which only root can make */
	CONTAINER_BY_RUNTIME, /* root's runtime says so */
	/* A user says so, who may have made a cgroup of any name, or run any program as a runtime.
	 */
	CONTAINER_CLAIMED,
};

struct container {
	unsigned int references;
	bool known; /* it is a container; else a runtime is asked, and nothing below is valid */
	enum container_how how;
	uint32_t user; /* whose claim it is; 0 nobody's */
	char *id;
	const char *runtime; /* static: "docker", "podman", ... ; NULL unknown */
	struct container_details details;
	/* When its runtime was last asked, CLOCK_MONOTONIC; 0 never. */
	uint64_t asked_ns;
	bool awaited; /* there is no answer yet */
	bool found;   /* a runtime knew it when last asked */
};

/* The name of a runtime as the structures here point to it; NULL if there is no such runtime. */
const char *container_runtime(const char *name);
struct container *container_new(void); /* with one reference; NULL without memory */
struct container *container_get(struct container *container); /* one more reference; NULL is fine */
void container_put(struct container *container); /* one less; the last one frees it; NULL is fine */
void container_details_clear(struct container_details *details);
/* The path of a cgroup says what it is. user: who may have chosen that path; 0 root. */
void container_name_by_cgroup(struct container *container, const char *id, const char *runtime,
			      uint32_t user);
/* A runtime of this user (0: root) answered: take over what it says, which is empty after that. */
void container_learn(struct container *container, struct container_details *details, uint32_t user);
/*
 * What a person calls it: its name, else the start of its id; of a claimed one USER/NAME, where
 * USER is the number of the user. What has no room is cut; returns the length.
 */
size_t container_called(const struct container *container, char *to, size_t size);
/*
 * Is this what a user calls it: a pattern for its name, or the first 6 digits or more of its id? Of
 * a claimed one only with a pattern for the number of the user and a slash before it, so that no
 * user can choose a name that somebody else waits for.
 */
bool container_is(const struct container *container, const char *name_or_id);

#endif
