// SPDX-License-Identifier: BSD-2-Clause
#include "who/container.h"

#include <fnmatch.h>
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

void container_learn(struct container *container, struct container_details *details)
{
	if (!container->id) {
		container->id = details->id;
		details->id = NULL;
	}
	if (!container->runtime)
		container->runtime = details->runtime;
	if (!details->pod_uid) { /* the cgroup told it */
		details->pod_uid = container->details.pod_uid;
		container->details.pod_uid = NULL;
	}
	container_details_clear(&container->details);
	container->details = *details;
	*details = (struct container_details){};
	container->known = container->id;
}

size_t container_called(const struct container *container, const char **text)
{
	size_t length;

	*text = container->details.name ? container->details.name : container->id;
	length = strlen(*text);
	return !container->details.name && length == ID_LENGTH ? ID_SHOWN : length;
}

bool container_is(const struct container *container, const char *name_or_id)
{
	size_t length = strlen(name_or_id);

	if (!container || !container->known)
		return false;
	if (fnmatch(name_or_id, container->details.name ? container->details.name : container->id,
		    0) == 0)
		return true;
	return length >= ID_PREFIX_MIN && strncmp(container->id, name_or_id, length) == 0;
}
