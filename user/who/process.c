// SPDX-License-Identifier: BSD-2-Clause
#include "who/process.h"

#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* FILEID_KERNFS of include/linux/exportfs.h: the handle is the cgroup's 64-bit id. */
#define FILEID_KERNFS 0xfe
/* PROC_PID_INIT_INO of include/linux/proc_ns.h. */
#define PID_NAMESPACE_INITIAL "4026531836"

struct cgroup_mount {
	int fd;
	char path[PATH_MAX];
};

static bool mount_try(struct cgroup_mount *mount, const struct mntent *entry)
{
	if (strcmp(entry->mnt_type, "cgroup2") || strlen(entry->mnt_dir) >= sizeof(mount->path))
		return false;
	strcpy(mount->path, entry->mnt_dir);
	mount->fd = open(mount->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return mount->fd >= 0;
}

struct cgroup_mount *cgroup_mount_open(void)
{
	struct cgroup_mount *mount = malloc(sizeof(*mount));
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;
	bool found = false;

	while (mount && mounts && !found && (entry = getmntent(mounts)))
		found = mount_try(mount, entry);
	if (mounts)
		endmntent(mounts);
	if (found)
		return mount;
	free(mount);
	return NULL;
}

void cgroup_mount_close(struct cgroup_mount *mount)
{
	if (mount)
		close(mount->fd);
	free(mount);
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

char *process_exe(uint32_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	return link_read(path);
}

bool process_numbers_known(void)
{
	char *namespace = link_read("/proc/self/ns/pid");
	bool known = namespace && strcmp(namespace, "pid:[" PID_NAMESPACE_INITIAL "]") == 0;

	free(namespace);
	return known;
}

uint32_t process_of(uint32_t pid)
{
	char path[64], line[256];
	uint32_t process = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	status = fopen(path, "re");
	while (status && !process && fgets(line, sizeof(line), status))
		sscanf(line, "Tgid: %u", &process);
	if (status)
		fclose(status);
	return process;
}

char *cgroup_mount_path(const struct cgroup_mount *mount, uint64_t id)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} file = {0};
	char link[64], *path;
	size_t length;
	int fd;

	if (!mount)
		return NULL;
	file.handle.handle_bytes = sizeof(id);
	file.handle.handle_type = FILEID_KERNFS;
	memcpy(file.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(mount->fd, &file.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	path = link_read(link);
	close(fd);
	length = strlen(mount->path);
	if (path && strncmp(path, mount->path, length) == 0) {
		memmove(path, path + length, strlen(path + length) + 1);
		if (!*path)
			strcpy(path, "/");
	}
	return path;
}

uint32_t cgroup_mount_owner(const struct cgroup_mount *mount, const char *path, size_t length)
{
	char part[PATH_MAX];
	struct stat status;
	size_t end;

	for (end = 1; mount && end <= length && length < sizeof(part); end++) {
		end += strcspn(path + end, "/");
		snprintf(part, sizeof(part), ".%.*s", (int)(end < length ? end : length), path);
		if (fstatat(mount->fd, part, &status, AT_SYMLINK_NOFOLLOW))
			return 0;
		if (status.st_uid)
			return status.st_uid;
	}
	return 0;
}
