// SPDX-License-Identifier: BSD-2-Clause
#include "who/container_manager.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "who/files.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define ARGUMENTS_MAX	  (128 << 10)
#define STAT_MAX	  4096
#define DEPTH_MAX	  64
/* PROC_USER_INIT_INO of include/linux/proc_ns.h */
#define USER_NAMESPACE_INITIAL "user:[4026531837]"

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

/* Only what can be the name of a directory. */
static void name_copy(char to[CONTAINER_ID_SIZE], const char *from)
{
	if (from && strlen(from) < CONTAINER_ID_SIZE && !strchr(from, '/') && strcmp(from, "..") &&
	    strcmp(from, "."))
		strcpy(to, from);
}

/* containerd-shim-runc-v2 -namespace NAMESPACE -id ID, in the directory of the bundle. */
static bool shim_read(const struct arguments *arguments, struct container_manager *manager)
{
	name_copy(manager->id, argument_find(arguments, "-id", "--id"));
	name_copy(manager->namespace, argument_find(arguments, "-namespace", "--namespace"));
	if (strcmp(manager->namespace, "moby") == 0) {
		manager->runtime = "docker";
		manager->namespace[0] = 0;
	}
	manager->many = true;
	return manager->id[0];
}

/* conmon --cid ID --name NAME --bundle STORAGE/ID/userdata */
static bool conmon_read(const struct arguments *arguments, struct container_manager *manager)
{
	const char *bundle = argument_find(arguments, "-b", "--bundle");

	name_copy(manager->id, argument_find(arguments, "-c", "--cid"));
	name_copy(manager->name, argument_find(arguments, "-n", "--name"));
	if (bundle && *bundle == '/' && strlen(bundle) < sizeof(manager->directory) - 64)
		snprintf(manager->directory, sizeof(manager->directory), "%s/../..", bundle);
	return manager->id[0];
}

static bool nspawn_read(const struct arguments *arguments, struct container_manager *manager)
{
	const char *name = argument_find(arguments, "-M", "--machine");
	const char *directory = argument_find(arguments, "-D", "--directory");

	if (!name && directory)
		name = strrchr(directory, '/') ? strrchr(directory, '/') + 1 : directory;
	name_copy(manager->id, name);
	return manager->id[0];
}

/* "[lxc monitor] /var/lib/lxc NAME", written over the arguments. */
static bool lxc_read(const struct arguments *arguments, struct container_manager *manager)
{
	const char *name = strrchr(arguments->text, ' ');

	if (strncmp(arguments->text, "[lxc monitor] ", 14) == 0 && name)
		name_copy(manager->id, name + 1);
	return manager->id[0];
}

static const struct {
	const char *comm; /* begins with */
	const char *runtime;
	const char *programs[4]; /* names of executables begin with */
	bool (*read)(const struct arguments *arguments, struct container_manager *manager);
} managers[] = {
	{"containerd-shim", "containerd", {"containerd-shim"}, shim_read},
	{"conmon", "podman", {"conmon"}, conmon_read},
	{"systemd-nspawn", "systemd-nspawn", {"systemd-nspawn"}, nspawn_read},
	{"lxc-", "lxc", {"lxc-"}, lxc_read},
	{"[lxc monitor]", "lxc", {"lxc", "lxd", "incus"}, lxc_read},
};

/* An index of the table, or its size. */
static size_t manager_kind(const char *comm)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(managers); i++)
		if (strncmp(comm, managers[i].comm, strlen(managers[i].comm)) == 0)
			break;
	return i;
}

bool container_manager_read(uint32_t pid, const char *comm, const char *arguments, size_t length,
			    struct container_manager *manager)
{
	const struct arguments given = {arguments, length};
	size_t kind = manager_kind(comm);

	if (kind == ARRAY_SIZE(managers))
		return false;
	*manager = (struct container_manager){.pid = pid, .runtime = managers[kind].runtime};
	return managers[kind].read(&given, manager);
}

/* Of proc_pid_stat(5). */
struct process_stat {
	char comm[64];
	uint32_t parent;
	unsigned long long start; /* ticks of the clock since the machine started */
};

/* The second field is the command in parentheses, which may contain some itself. */
static bool stat_read(uint32_t pid, struct process_stat *stat)
{
	size_t length;
	char *text = process_file_read(pid, "stat", STAT_MAX, &length);
	char *start = text ? strchr(text, '(') : NULL, *end = start ? strrchr(start, ')') : NULL;
	bool read = end && sscanf(end + 1,
				  " %*c %u %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d"
				  " %*d %*d %*d %*d %llu",
				  &stat->parent, &stat->start) == 2;

	if (read)
		snprintf(stat->comm, sizeof(stat->comm), "%.*s", (int)(end - start - 1), start + 1);
	free(text);
	return read;
}

/* Real, effective, saved and of the file system: a program that runs as another user than the one
 * who started it has arguments of the latter's choice. */
static bool is_of_user(uint32_t pid, uid_t user)
{
	unsigned int ids[4];
	size_t length;
	char *text = process_file_read(pid, "status", STAT_MAX, &length);
	const char *line = text ? strstr(text, "\nUid:") : NULL;
	bool is_it = line && sscanf(line + 5, "%u %u %u %u", ids, ids + 1, ids + 2, ids + 3) == 4 &&
		     ids[0] == user && ids[1] == user && ids[2] == user && ids[3] == user;

	free(text);
	return is_it;
}

static bool link_is(uint32_t pid, const char *name, const char *start, bool whole)
{
	char path[64], target[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = 0;
	name = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
	return whole ? strcmp(name, start) == 0 : strncmp(name, start, strlen(start)) == 0;
}

/* Root of the machine, not of a namespace of users; and the program that it seems to be, for the
 * name that the kernel shows is that of the link by which it was started. */
static bool is_roots_manager(uint32_t pid, size_t kind)
{
	size_t i;

	if (!link_is(pid, "ns/user", USER_NAMESPACE_INITIAL, true))
		return false;
	for (i = 0; i < ARRAY_SIZE(managers[kind].programs) && managers[kind].programs[i]; i++)
		if (link_is(pid, "exe", managers[kind].programs[i], false))
			return true;
	return false;
}

/* Only then its arguments are looked at: those of somebody else's process may lie in a file system
 * that does not answer. */
static bool manager_read(uint32_t pid, const char *comm, uid_t user,
			 struct container_manager *manager)
{
	size_t kind = manager_kind(comm), length;
	char *text;
	bool read;

	if (kind == ARRAY_SIZE(managers) || !is_of_user(pid, user) ||
	    (!user && !is_roots_manager(pid, kind)))
		return false;
	text = process_file_read(pid, "cmdline", ARGUMENTS_MAX, &length);
	read = text && container_manager_read(pid, comm, text, length, manager);
	free(text);
	return read;
}

bool container_manager_find(uint32_t pid, uint64_t start_ns, uid_t user,
			    struct container_manager *manager)
{
	const uint64_t tick_ns = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK);
	struct container_manager candidate;
	struct process_stat stat;
	bool found = false;
	int depth;

	for (depth = 0; depth < DEPTH_MAX && pid > 1 && stat_read(pid, &stat); depth++) {
		if (!depth && start_ns && stat.start != start_ns / tick_ns)
			return false; /* another process has its number by now */
		if (depth && manager_read(pid, stat.comm, user, &candidate)) {
			*manager = candidate;
			found = true;
		}
		pid = stat.parent;
	}
	return found;
}
