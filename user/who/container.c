// SPDX-License-Identifier: BSD-2-Clause
#include "who/container.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fewer digits may be a name, such as "db" or "cafe", or those of many containers. */
#define ID_PREFIX_MIN 6
/* Of ids that are no names Docker shows so much. */
#define ID_LENGTH 64
#define ID_SHOWN  12

const char *container_runtime(const char *name)
{
	static const char *const runtimes[] = {
		"docker", "podman", "containerd",     "cri-o",	     "runc",
		"crun",	  "lxc",    "systemd-nspawn", "libvirt-lxc",
	};
	size_t i;

	for (i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++)
		if (strcmp(name, runtimes[i]) == 0)
			return runtimes[i];
	return NULL;
}

struct container *container_new(void)
{
	struct container *container = calloc(1, sizeof(*container));

	if (container)
		container->references = 1;
	return container;
}

struct container *container_get(struct container *container)
{
	if (container)
		container->references++;
	return container;
}

void container_details_clear(struct container_details *details)
{
	size_t i;

	for (i = 0; i < details->label_count; i++) {
		free(details->labels[i].key);
		free(details->labels[i].value);
	}
	free(details->labels);
	free(details->id);
	free(details->name);
	free(details->image);
	free(details->pod);
	free(details->pod_uid);
	free(details->namespace);
	*details = (struct container_details){};
}

void container_put(struct container *container)
{
	if (!container || --container->references)
		return;
	container_details_clear(&container->details);
	free(container->id);
	free(container);
}

static const char *name_of(const struct container *container)
{
	return container->details.name ? container->details.name : container->id;
}

static void how_set(struct container *container, uint32_t user, enum container_how proven)
{
	container->how = user ? CONTAINER_CLAIMED : proven;
	container->user = user;
	container->known = container->id;
}

void container_name_by_cgroup(struct container *container, const char *id, const char *runtime,
			      uint32_t user)
{
	container->id = strdup(id);
	container->runtime = runtime;
	how_set(container, user, CONTAINER_BY_CGROUP);
}

void container_learn(struct container *container, struct container_details *details, uint32_t user)
{
	if (!container->id) {
		container->id = details->id;
		details->id = NULL;
	}
	if (!container->runtime)
		container->runtime = details->runtime;
	if (!details->pod_uid) { /* known from the cgroup */
		details->pod_uid = container->details.pod_uid;
		container->details.pod_uid = NULL;
	}
	container_details_clear(&container->details);
	container->details = *details;
	*details = (struct container_details){};
	how_set(container, user, CONTAINER_BY_RUNTIME);
}

size_t container_called(const struct container *container, char *to, size_t size)
{
	const char *name = name_of(container);
	int shown = !container->details.name && strlen(name) == ID_LENGTH ? ID_SHOWN : INT_MAX;
	char user[16] = "";
	size_t length;

	if (container->how == CONTAINER_CLAIMED)
		snprintf(user, sizeof(user), "%u/", container->user);
	length = (size_t)snprintf(to, size, "%s%.*s", user, shown, name);
	return length < size ? length : size - 1;
}

/* The part of the pattern that is for the name; NULL if the rest is not for this user. */
static const char *claim_pattern(const struct container *container, const char *pattern)
{
	const char *slash = strchr(pattern, '/');
	char user[16], *start;
	bool matches;

	if (!slash)
		return NULL;
	snprintf(user, sizeof(user), "%u", container->user);
	start = strndup(pattern, (size_t)(slash - pattern));
	matches = start && fnmatch(start, user, 0) == 0;
	free(start);
	return matches ? slash + 1 : NULL;
}

bool container_is(const struct container *container, const char *name_or_id)
{
	size_t length;

	if (!container || !container->known)
		return false;
	if (container->how == CONTAINER_CLAIMED)
		name_or_id = claim_pattern(container, name_or_id);
	if (!name_or_id)
		return false;
	if (fnmatch(name_or_id, name_of(container), 0) == 0)
		return true;
	length = strlen(name_or_id);
	return length >= ID_PREFIX_MIN && strncmp(container->id, name_or_id, length) == 0;
}
