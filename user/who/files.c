// SPDX-License-Identifier: BSD-2-Clause
#include "who/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <linux/openat2.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define STEP		  4096
/* containers.json grows by about 600 bytes with each container. */
#define MAX_OF_ROOT (16 << 20)
#define MAX_OF_USER (256 << 10)
#define LINKS_MAX   16 /* symbolic links in one path */

/* Reading a file there, or only opening it, may have effects: /proc/kmsg takes messages away. */
static const long pseudo_filesystems[] = {
	PROC_SUPER_MAGIC,
	SYSFS_MAGIC,
	DEBUGFS_MAGIC,
	TRACEFS_MAGIC,
	SECURITYFS_MAGIC,
	CGROUP_SUPER_MAGIC,
	CGROUP2_SUPER_MAGIC,
	BPF_FS_MAGIC,
	BINFMTFS_MAGIC,
	PSTOREFS_MAGIC,
	EFIVARFS_MAGIC,
	SELINUX_MAGIC,
	SMACK_MAGIC,
	DEVPTS_SUPER_MAGIC,
	NSFS_MAGIC,
	RDTGROUP_SUPER_MAGIC,
	0x62656570 /* configfs */,
	0x19800202 /* mqueue */,
};

static int open_resolved(int directory, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
	long fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static bool is_stored_file(int fd)
{
	struct stat status;
	struct statfs system;
	size_t i;

	if (fstat(fd, &status) || !S_ISREG(status.st_mode) || fstatfs(fd, &system))
		return false;
	for (i = 0; i < ARRAY_SIZE(pseudo_filesystems); i++)
		if ((long)system.f_type == pseudo_filesystems[i])
			return false;
	return true;
}

int file_open_regular(int directory, const char *path, uint64_t resolve)
{
	int found = open_resolved(directory, path, O_PATH, resolve), fd = -EINVAL;
	char same[32];

	if (found < 0)
		return found;
	if (is_stored_file(found)) {
		snprintf(same, sizeof(same), "/proc/self/fd/%d", found);
		fd = open(same, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	close(found);
	return fd;
}

/* Can only root change what this is and, in a directory, replace what is there and is root's? */
static bool is_of_root(int fd, struct stat *status)
{
	mode_t others;

	if (fstat(fd, status) || status->st_uid)
		return false;
	others = S_IWOTH | (status->st_gid ? S_IWGRP : 0);
	return !S_ISDIR(status->st_mode) || !(status->st_mode & others) ||
	       status->st_mode & S_ISVTX;
}

/* Takes the first name of a path; false at its end. */
static bool name_take(char *path, char name[NAME_MAX + 1])
{
	const char *start = path + strspn(path, "/");
	size_t length = strcspn(start, "/");

	if (!length || length > NAME_MAX)
		return false;
	memcpy(name, start, length);
	name[length] = 0;
	memmove(path, start + length, strlen(start + length) + 1);
	return true;
}

/* The rest of the path begins with what the link says. */
static bool link_follow(int link, char rest[PATH_MAX])
{
	char target[2 * PATH_MAX];
	ssize_t length = readlinkat(link, "", target, PATH_MAX);

	if (length <= 0 || (size_t)length + 1 + strlen(rest) >= PATH_MAX)
		return false;
	target[length] = 0;
	strcat(strcat(target, "/"), rest);
	strcpy(rest, target);
	return true;
}

/* One step of a path; what a link says is put before the rest of it. */
static int step_of_root(int root, int at, const char *name, char rest[PATH_MAX], int *links)
{
	int next = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (next < 0 || (is_of_root(next, &status) && !S_ISLNK(status.st_mode)))
		return next;
	if (status.st_uid || !S_ISLNK(status.st_mode) || ++*links > LINKS_MAX ||
	    !link_follow(next, rest)) {
		close(next);
		return -1;
	}
	close(next);
	return fcntl(*rest == '/' ? root : at, F_DUPFD_CLOEXEC, 0);
}

static int open_of_root(int root, const char *path)
{
	char rest[PATH_MAX], name[NAME_MAX + 1];
	int at = fcntl(root, F_DUPFD_CLOEXEC, 0), next, links = 0;
	struct stat status;

	if (at >= 0 && (strlen(path) >= sizeof(rest) || !is_of_root(at, &status))) {
		close(at);
		return -EPERM;
	}
	strcpy(rest, path);
	while (at >= 0 && name_take(rest, name)) {
		next = step_of_root(root, at, name, rest, &links);
		close(at);
		at = next;
	}
	return at < 0 ? -EPERM : at;
}

int path_open(enum files_of whose, int root, const char *path)
{
	if (whose == FILES_OF_ROOT)
		return open_of_root(root, path);
	return open_resolved(root, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/* All of it, or NULL if that is more than max bytes; cut: then the first max bytes. */
static char *descriptor_read(int fd, size_t max, bool cut, size_t *length)
{
	char *text = NULL, *more;
	size_t room = 0;
	ssize_t count;

	/* Files in /proc have a size of 0, so only reading tells how long they are. */
	for (*length = 0; *length <= max; *length += (size_t)count) {
		if (*length + 1 >= room) {
			room = room ? 2 * room : STEP;
			more = realloc(text, room);
			if (!more)
				break;
			text = more;
		}
		count = read(fd, text + *length, room - *length - 1);
		if (count < 0)
			break;
		if (!count) {
			text[*length] = 0;
			return text;
		}
	}
	if (cut && *length > max) {
		*length = max;
		text[max] = 0;
		return text;
	}
	free(text);
	return NULL;
}

char *file_read(enum files_of whose, int directory, const char *name, size_t *length)
{
	const size_t max = whose == FILES_OF_ROOT ? MAX_OF_ROOT : MAX_OF_USER;
	int fd = file_open_regular(directory, name,
				   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	char *text = NULL;
	struct stat status;

	if (fd < 0)
		return NULL;
	if (whose == FILES_OF_USER || is_of_root(fd, &status))
		text = descriptor_read(fd, max, false, length);
	close(fd);
	return text;
}

char *process_file_read(uint32_t pid, const char *name, size_t max, size_t *length)
{
	char path[64], *text;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	text = descriptor_read(fd, max, true, length);
	close(fd);
	return text;
}
