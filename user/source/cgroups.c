// SPDX-License-Identifier: BSD-2-Clause
#include "cgroups.h"

#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlstrace_types.h"

/* cgroups(7): lines are NUMBER:CONTROLLERS:PATH, the v2 hierarchy's is 0::PATH. */
bool cgroups_v1_used(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[4096];
	bool used = false;

	while (file && !used && fgets(line, sizeof(line), file)) {
		const char *controllers = strchr(line, ':');

		used = controllers && controllers[1] != ':' && strncmp(controllers, ":name=", 6);
	}
	if (file)
		fclose(file);
	return used;
}

/* The kernel noted the names from the cgroup upwards. */
static char *names_join(const struct tlstrace_cgroup *cgroup)
{
	size_t at = cgroup->length, start = 0, length;
	char *path = malloc(at + 1);

	if (!path)
		return NULL;
	path[at] = 0;
	for (; start < cgroup->length; start += length + 1) {
		length = strnlen(cgroup->names + start, cgroup->length - start - 1);
		at -= length;
		memcpy(path + at, cgroup->names + start, length);
		path[--at] = '/';
	}
	return path;
}

char *cgroups_path(int map, uint64_t id)
{
	struct tlstrace_cgroup cgroup;

	if (bpf_map_lookup_elem(map, &id, &cgroup) || cgroup.cut || !cgroup.length ||
	    cgroup.length > sizeof(cgroup.names))
		return NULL;
	return names_join(&cgroup);
}
