// SPDX-License-Identifier: BSD-2-Clause
#include "who/container_manager.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "who/files.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define ARGUMENTS_MAX	  (128 << 10)
#define DEPTH_MAX	  64

struct arguments {
	const char *text;
	size_t length;
};

static const char *argument_next(const struct arguments *arguments, const char *after)
{
	const char *next = after ? after + strlen(after) + 1 : arguments->text;

	return next < arguments->text + arguments->length ? next : NULL;
}

/* The value of an option by either name: "-c X", "--cid X", "--cid=X", "-id=X". NULL if it is not
 * given. */
static const char *argument_find(const struct arguments *arguments, const char *name,
				 const char *other)
{
	const char *const names[] = {name, other};
	const char *at = NULL;
	size_t i;

	while ((at = argument_next(arguments, at)))
		for (i = 0; i < ARRAY_SIZE(names); i++) {
			size_t length = strlen(names[i]);

			if (strcmp(at, names[i]) == 0)
				return argument_next(arguments, at);
			if (strncmp(at, names[i], length) == 0 && at[length] == '=')
				return at + length + 1;
		}
	return NULL;
}

/* Names of directories; what is none is left out. */
static void name_copy(char to[CONTAINER_ID_SIZE], const char *from)
{
	if (from && strlen(from) < CONTAINER_ID_SIZE && !strchr(from, '/') && strcmp(from, "..") &&
	    strcmp(from, "."))
		strcpy(to, from);
}

/* containerd-shim-runc-v2 -namespace NAMESPACE -id ID, in the directory of the bundle. */
static bool shim_read(uint32_t pid, const struct arguments *arguments,
		      struct container_manager *manager)
{
	name_copy(manager->id, argument_find(arguments, "-id", "--id"));
	name_copy(manager->namespace, argument_find(arguments, "-namespace", "--namespace"));
	if (strcmp(manager->namespace, "moby") == 0) {
		manager->runtime = "docker";
		manager->namespace[0] = 0;
	}
	manager->many = true;
	snprintf(manager->directory, sizeof(manager->directory), "/proc/%u/cwd/..", pid);
	return manager->id[0];
}

/* conmon --cid ID --name NAME --bundle STORAGE/ID/userdata */
static bool conmon_read(uint32_t pid, const struct arguments *arguments,
			struct container_manager *manager)
{
	const char *bundle = argument_find(arguments, "-b", "--bundle");

	name_copy(manager->id, argument_find(arguments, "-c", "--cid"));
	name_copy(manager->name, argument_find(arguments, "-n", "--name"));
	if (bundle && *bundle == '/' && strlen(bundle) < sizeof(manager->directory) - 64)
		snprintf(manager->directory, sizeof(manager->directory), "/proc/%u/root%s/../..",
			 pid, bundle);
	return manager->id[0];
}

static bool nspawn_read(uint32_t pid, const struct arguments *arguments,
			struct container_manager *manager)
{
	const char *name = argument_find(arguments, "-M", "--machine");
	const char *directory = argument_find(arguments, "-D", "--directory");

	(void)pid;
	if (!name && directory)
		name = strrchr(directory, '/') ? strrchr(directory, '/') + 1 : directory;
	name_copy(manager->id, name);
	return manager->id[0];
}

/* "[lxc monitor] /var/lib/lxc NAME", written over the arguments. */
static bool lxc_read(uint32_t pid, const struct arguments *arguments,
		     struct container_manager *manager)
{
	const char *name = strrchr(arguments->text, ' ');

	(void)pid;
	if (strncmp(arguments->text, "[lxc monitor] ", 14) == 0 && name)
		name_copy(manager->id, name + 1);
	return manager->id[0];
}

static const struct {
	const char *comm; /* begins with */
	const char *runtime;
	bool (*read)(uint32_t pid, const struct arguments *arguments,
		     struct container_manager *manager);
} managers[] = {
	{"containerd-shim", "containerd", shim_read},
	{"conmon", "podman", conmon_read},
	{"systemd-nspawn", "systemd-nspawn", nspawn_read},
	{"lxc-", "lxc", lxc_read},
	{"[lxc monitor]", "lxc", lxc_read},
};

bool container_manager_read(uint32_t pid, const char *comm, const char *arguments, size_t length,
			    struct container_manager *manager)
{
	const struct arguments given = {arguments, length};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(managers); i++) {
		if (strncmp(comm, managers[i].comm, strlen(managers[i].comm)))
			continue;
		*manager = (struct container_manager){.runtime = managers[i].runtime};
		return managers[i].read(pid, &given, manager);
	}
	return false;
}

/* proc(5), /proc/PID/stat: the command stands in parentheses and may contain some itself. 0 if it
 * is gone. */
static uint32_t parent_read(const char *directory, char comm[64])
{
	size_t length;
	char *stat = file_read(directory, "stat", ARGUMENTS_MAX, &length);
	char *start = stat ? strchr(stat, '(') : NULL, *end = start ? strrchr(start, ')') : NULL;
	uint32_t parent = 0;

	if (end && sscanf(end + 1, " %*c %u", &parent) == 1)
		snprintf(comm, 64, "%.*s", (int)(end - start - 1), start + 1);
	free(stat);
	return parent;
}

bool container_manager_find(uint32_t pid, struct container_manager *manager)
{
	struct container_manager candidate;
	char directory[32], comm[64] = "";
	bool found = false;
	size_t length;
	int depth;

	for (depth = 0; depth < DEPTH_MAX && pid > 1; depth++) {
		uint32_t parent;
		char *text;

		snprintf(directory, sizeof(directory), "/proc/%u", pid);
		parent = parent_read(directory, comm);
		text = depth ? file_read(directory, "cmdline", ARGUMENTS_MAX, &length) : NULL;
		if (text && container_manager_read(pid, comm, text, length, &candidate)) {
			*manager = candidate;
			found = true;
		}
		free(text);
		pid = parent;
	}
	return found;
}
