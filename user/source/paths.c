// SPDX-License-Identifier: BSD-2-Clause
#include "paths.h"

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

/* The kernel noted the names from the end upwards. */
static char *names_join(const struct tlstrace_path *noted, const char *suffix)
{
	size_t at = noted->length, start = 0, length;
	char *path;

	if (noted->cut || !noted->length || noted->length > sizeof(noted->names))
		return NULL;
	path = malloc(at + strlen(suffix) + 1);
	if (!path)
		return NULL;
	strcpy(path + at, suffix);
	for (; start < noted->length; start += length + 1) {
		length = strnlen(noted->names + start, noted->length - start - 1);
		at -= length;
		memcpy(path + at, noted->names + start, length);
		path[--at] = '/';
	}
	return path;
}

char *paths_cgroup(int map, uint64_t id)
{
	struct tlstrace_path noted;

	return bpf_map_lookup_elem(map, &id, &noted) ? NULL : names_join(&noted, "");
}

char *paths_executable(int map, uint64_t start_ns, uint32_t pid)
{
	const struct tlstrace_process process = {.start_ns = start_ns, .pid = pid};
	struct tlstrace_executable noted;

	if (bpf_map_lookup_elem(map, &process, &noted))
		return NULL;
	/* As /proc says it: proc_pid_exe(5). */
	return names_join(&noted.path, noted.deleted ? " (deleted)" : "");
}
