// SPDX-License-Identifier: BSD-2-Clause
#include "trace/awaited.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"
#include "who/container.h"
#include "who/container_path.h"
#include "who/cgroups.h"

#define LOOK_NS	       2000000000ULL
#define CONTAINERS_MAX 4096

/* The containers that run, each once: a reference of its own. */
struct running {
	struct container *list[CONTAINERS_MAX];
	uint64_t cgroups[CONTAINERS_MAX];
	size_t count;
};

/* The first line of /proc/mounts that is a cgroup hierarchy and has this path. */
static bool cgroup_exists(const char *path, struct stat *status)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	char line[2 * PATH_MAX], full[2 * PATH_MAX];
	bool found = false;

	while (mounts && !found && fgets(line, sizeof(line), mounts)) {
		char *saved, *point, *type;

		if (!strtok_r(line, " ", &saved))
			continue;
		point = strtok_r(NULL, " ", &saved);
		type = strtok_r(NULL, " ", &saved);
		if (!type || strncmp(type, "cgroup", strlen("cgroup")))
			continue;
		snprintf(full, sizeof(full), "%.*s%.*s", PATH_MAX, point, PATH_MAX - 1, path);
		found = !stat(full, status) && S_ISDIR(status->st_mode);
	}
	if (mounts)
		fclose(mounts);
	return found;
}

/* The path of a process's cgroup that names a container; false: none does. */
static bool container_of_process(const char *pid, char path[PATH_MAX])
{
	char name[64], line[PATH_MAX + 64];
	struct container_path said;
	bool found = false;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%.20s/cgroup", pid);
	file = fopen(name, "re");
	while (file && !found && fgets(line, sizeof(line), file)) {
		/* cgroups(7): NUMBER:CONTROLLERS:PATH */
		const char *colon = strchr(line, ':');
		const char *start = colon ? strchr(colon + 1, ':') : NULL;

		if (!start)
			continue;
		line[strcspn(line, "\n")] = 0;
		snprintf(path, PATH_MAX, "%.*s", PATH_MAX - 1, start + 1);
		container_path_read(path, &said);
		found = said.is_container;
	}
	if (file)
		fclose(file);
	return found;
}

static void running_add(struct running *running, struct cgroups *groups, const char *pid)
{
	struct cgroup_facts facts;
	char path[PATH_MAX];
	struct stat status;
	size_t i;

	if (running->count == CONTAINERS_MAX || !container_of_process(pid, path) ||
	    !cgroup_exists(path, &status))
		return;
	for (i = 0; i < running->count; i++)
		if (running->cgroups[i] == status.st_ino)
			return;
	facts = cgroups_find(
		groups, &(struct cgroup_task){.cgroup = status.st_ino, .pid = (uint32_t)atoi(pid)});
	if (!facts.container)
		return;
	running->cgroups[running->count] = status.st_ino;
	running->list[running->count++] = container_get(facts.container);
}

static void running_find(struct running *running, struct cgroups *groups)
{
	DIR *processes = opendir("/proc");
	const struct dirent *entry;

	while (processes && (entry = readdir(processes)))
		if (isdigit((unsigned char)entry->d_name[0]))
			running_add(running, groups, entry->d_name);
	if (processes)
		closedir(processes);
	cgroups_wait(groups); /* their names are asked for in the background */
}

static bool running_has(const struct running *running, const char *name)
{
	size_t i;

	for (i = 0; i < running->count; i++)
		if (container_is(running->list[i], name))
			return true;
	return false;
}

static void told(struct awaited *awaited, bool *missing, bool exists, const char *what,
		 const char *name)
{
	if (!awaited->begun && !exists) {
		log_error("there is no %s %s yet; waiting for it to start", what, name);
		awaited->missing++;
		*missing = true;
	} else if (*missing && exists) {
		log_error("%s %s has started", what, name);
		awaited->missing--;
		*missing = false;
	}
}

static void containers_look(struct awaited *awaited, const struct options *options,
			    struct cgroups *groups)
{
	struct running *running;
	size_t i;

	running = options->container_count ? calloc(1, sizeof(*running)) : NULL;
	if (!running)
		return;
	running_find(running, groups);
	for (i = 0; i < options->container_count; i++)
		told(awaited, &awaited->containers_missing[i],
		     running_has(running, options->containers[i]), "container",
		     options->containers[i]);
	for (i = 0; i < running->count; i++)
		container_put(running->list[i]);
	free(running);
}

void awaited_look(struct awaited *awaited, const struct options *options, struct cgroups *groups,
		  uint64_t now_ns)
{
	struct stat status;
	size_t i;

	if (awaited->begun && (!awaited->missing || now_ns < awaited->next_ns))
		return;
	containers_look(awaited, options, groups);
	for (i = 0; i < options->cgroup_count; i++)
		told(awaited, &awaited->cgroups_missing[i],
		     cgroup_exists(options->cgroups[i], &status), "cgroup", options->cgroups[i]);
	awaited->begun = true;
	awaited->next_ns = now_ns + LOOK_NS;
}
