// SPDX-License-Identifier: BSD-2-Clause
#include "who/process.h"

#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* FILEID_KERNFS of include/linux/exportfs.h: the handle is the cgroup's 64-bit id. */
#define FILEID_KERNFS 0xfe
#define CACHE_SIZE 64

struct who {
	int mount_fd; /* of the cgroup2 hierarchy; -1 if there is none */
	char mount[PATH_MAX];
	struct {
		uint64_t id;
		char *path;
	} cache[CACHE_SIZE];
};

struct who *who_new(void)
{
	struct who *who = calloc(1, sizeof(*who));
	struct mntent *entry;
	FILE *mounts;

	if (!who)
		return NULL;
	who->mount_fd = -1;
	mounts = setmntent("/proc/self/mounts", "re");
	if (!mounts)
		return who;
	while (who->mount_fd < 0 && (entry = getmntent(mounts))) {
		if (strcmp(entry->mnt_type, "cgroup2") || strlen(entry->mnt_dir) >= PATH_MAX)
			continue;
		strcpy(who->mount, entry->mnt_dir);
		who->mount_fd = open(who->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	endmntent(mounts);
	return who;
}

void who_free(struct who *who)
{
	int i;

	if (!who)
		return;
	for (i = 0; i < CACHE_SIZE; i++)
		free(who->cache[i].path);
	if (who->mount_fd >= 0)
		close(who->mount_fd);
	free(who);
}

static char *link_read(const char *path)
{
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof(target) - 1);

	if (length < 0)
		return NULL;
	target[length] = 0;
	return strdup(target);
}

char *who_exe(struct who *who, uint32_t pid)
{
	char path[64];

	(void)who;
	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	return link_read(path);
}

static char *cgroup_open(const struct who *who, uint64_t id)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} file = { 0 };
	char link[64], *path;
	size_t length = strlen(who->mount);
	int fd;

	file.handle.handle_bytes = sizeof(id);
	file.handle.handle_type = FILEID_KERNFS;
	memcpy(file.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(who->mount_fd, &file.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	path = link_read(link);
	close(fd);
	if (path && strncmp(path, who->mount, length) == 0) {
		memmove(path, path + length, strlen(path + length) + 1);
		if (!*path)
			strcpy(path, "/");
	}
	return path;
}

char *who_cgroup(struct who *who, uint64_t id)
{
	unsigned int slot = id % CACHE_SIZE;

	if (!id || who->mount_fd < 0)
		return NULL;
	if (who->cache[slot].id != id || !who->cache[slot].path) {
		free(who->cache[slot].path);
		who->cache[slot].id = id;
		who->cache[slot].path = cgroup_open(who, id);
	}
	return who->cache[slot].path ? strdup(who->cache[slot].path) : NULL;
}
