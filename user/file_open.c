// SPDX-License-Identifier: BSD-2-Clause
#include "file_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "log.h"

#define LINKS_MAX 40 /* as path_resolution(7) */
#define RACES_MAX 8

/* A name on its way from link to link. */
struct location {
	int directory; /* open with O_PATH; AT_FDCWD before the first step */
	char name[PATH_MAX];
	struct stat parent;
};

static int refuse(char reason[FILE_REASON_SIZE], int error, const char *text)
{
	snprintf(reason, FILE_REASON_SIZE, "%s", text);
	return -error;
}

static int fail(char reason[FILE_REASON_SIZE])
{
	int error = errno;

	snprintf(reason, FILE_REASON_SIZE, "%s; check its name and permissions", strerror(error));
	return -error;
}

/* Devices whose opening changes nothing: Documentation/admin-guide/devices.txt of the kernel. */
static bool is_harmless(dev_t device)
{
	enum { MEMORY = 1, TERMINAL = 4, TERMINAL_OTHER = 5, SLAVE_FIRST = 136, SLAVE_LAST = 143 };
	enum { NULL_DEVICE = 3, ZERO_DEVICE = 5, FULL_DEVICE = 7, PTMX = 2 };
	unsigned int number = minor(device);

	switch (major(device)) {
	case MEMORY:
		return number == NULL_DEVICE || number == ZERO_DEVICE || number == FULL_DEVICE;
	case TERMINAL:
		return true;
	case TERMINAL_OTHER:
		return number != PTMX;
	}
	return major(device) >= SLAVE_FIRST && major(device) <= SLAVE_LAST;
}

static int kind_check(const struct stat *status, char reason[FILE_REASON_SIZE])
{
	switch (status->st_mode & S_IFMT) {
	case S_IFREG:
	case S_IFIFO:
		return 0;
	case S_IFCHR:
		return is_harmless(status->st_rdev)
			       ? 0
			       : refuse(reason, EINVAL,
					"it is a device, and opening it may have effects; name a "
					"file or a pipe");
	case S_IFDIR:
		return refuse(reason, EISDIR, "it is a directory; name a file");
	case S_IFSOCK:
		return refuse(reason, EINVAL, "it is a socket; name a file or a pipe");
	}
	return refuse(reason, EINVAL, "it is a block device; name a file or a pipe");
}

/* Anybody may create files there, and only owners may remove them (sticky bit). */
static bool is_shared(const struct stat *directory)
{
	return directory->st_mode & S_ISVTX && directory->st_mode & (S_IWGRP | S_IWOTH);
}

/* As fs.protected_symlinks, _regular and _fifos (proc_sys_fs(5)), which may be off. */
static bool is_foreign(const struct location *location, const struct stat *status)
{
	return is_shared(&location->parent) && status->st_uid != geteuid() &&
	       status->st_uid != location->parent.st_uid;
}

static void location_close(struct location *location)
{
	if (location->directory >= 0)
		close(location->directory);
	location->directory = AT_FDCWD;
}

/* Go to the directory of a path, which is relative to the location's; keep its last part as name.
 */
static int location_step(struct location *location, const char *path)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) + 1 : 0;
	int fd;

	if (strlen(path) >= sizeof(directory)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(directory, path, length);
	strcpy(directory + length, length ? "" : ".");
	memmove(location->name, path + length, strlen(path + length) + 1);
	if (!*location->name) /* "directory/" */
		strcpy(location->name, ".");
	fd = openat(location->directory, directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	location_close(location);
	if (fd < 0)
		return -1;
	location->directory = fd;
	return fstat(fd, &location->parent);
}

/* Links of /proc/PID/fd lead to open files, whatever they read as. */
static bool is_magic(const struct location *location)
{
	struct statfs system;

	return !fstatfs(location->directory, &system) && system.f_type == PROC_SUPER_MAGIC;
}

/*
 * Follow symbolic links to what they lead to. 1: status describes it; 0: there is nothing; negative
 * after a reason. A magic link is left to be followed by open().
 */
static int location_resolve(struct location *location, const char *path, struct stat *status,
			    char reason[FILE_REASON_SIZE])
{
	char target[PATH_MAX];
	int links, flags;
	ssize_t length;

	if (location_step(location, path))
		return fail(reason);
	for (links = 0; links < LINKS_MAX; links++) {
		flags = is_magic(location) ? 0 : AT_SYMLINK_NOFOLLOW;
		if (fstatat(location->directory, location->name, status, flags))
			return errno == ENOENT ? 0 : fail(reason);
		if (!S_ISLNK(status->st_mode))
			return 1;
		if (is_foreign(location, status))
			return refuse(reason, EACCES,
				      "it is another user's symbolic link in a shared directory; "
				      "choose another name");
		length =
			readlinkat(location->directory, location->name, target, sizeof(target) - 1);
		if (length < 0)
			return fail(reason);
		target[length] = 0;
		if (location_step(location, target))
			return fail(reason);
	}
	errno = ELOOP;
	return fail(reason);
}

/* The same file as was looked at, or somebody has put another in its place. */
static bool is_same(int fd, const struct stat *status)
{
	struct stat now;

	return !fstat(fd, &now) && now.st_dev == status->st_dev && now.st_ino == status->st_ino;
}

/* Never blocks: a FIFO is opened without waiting for its other end. */
static int location_open(const struct location *location, const struct stat *status, int flags,
			 char reason[FILE_REASON_SIZE])
{
	int follow = is_magic(location) ? 0 : O_NOFOLLOW;
	int fd = openat(location->directory, location->name,
			flags | follow | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 && errno == ENXIO && S_ISFIFO(status->st_mode))
		return refuse(reason, ENXIO, "nobody reads this FIFO; start its reader first");
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? -EAGAIN : fail(reason);
	if (!is_same(fd, status)) {
		close(fd);
		return -EAGAIN;
	}
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

static int location_create(const struct location *location, char reason[FILE_REASON_SIZE])
{
	int fd = openat(location->directory, location->name,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	return errno == EEXIST ? -EAGAIN : fail(reason);
}

static int try_open(const char *path, int flags, char reason[FILE_REASON_SIZE])
{
	struct location location = {.directory = AT_FDCWD};
	struct stat status;
	int result = location_resolve(&location, path, &status, reason);

	if (result == 0 && flags == O_WRONLY)
		result = location_create(&location, reason);
	else if (result == 0)
		result = (errno = ENOENT, fail(reason));
	else if (result > 0 && flags == O_WRONLY && is_foreign(&location, &status))
		result = refuse(reason, EACCES,
				"it is another user's file in a shared directory; choose another "
				"name");
	else if (result > 0) {
		result = kind_check(&status, reason);
		if (!result)
			result = location_open(&location, &status, flags, reason);
	}
	location_close(&location);
	return result;
}

static int file_open(const char *path, int flags, char reason[FILE_REASON_SIZE])
{
	int tries, result = -EAGAIN;

	for (tries = 0; tries < RACES_MAX && result == -EAGAIN; tries++)
		result = try_open(path, flags, reason);
	if (result == -EAGAIN)
		refuse(reason, EAGAIN, "somebody keeps replacing it; choose another name");
	return result;
}

int file_open_read(const char *path, char reason[FILE_REASON_SIZE])
{
	return file_open(path, O_RDONLY, reason);
}

int file_open_write(const char *path, char reason[FILE_REASON_SIZE])
{
	return file_open(path, O_WRONLY, reason);
}

int file_empty(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && S_ISREG(status.st_mode) && ftruncate(fd, 0) ? -errno : 0;
}

static bool is_capture(const char *capture, int fd)
{
	struct stat one, other;

	return capture && !fstat(fd, &other) && S_ISREG(other.st_mode) &&
	       !(strcmp(capture, "-") ? stat(capture, &one) : fstat(STDIN_FILENO, &one)) &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

FILE *file_open_results(const char *path, const char *what, const char *capture)
{
	char reason[FILE_REASON_SIZE] = "out of memory; free some and run tlstrace again";
	int fd = file_open_write(path, reason);
	FILE *out = NULL;

	if (fd >= 0 && is_capture(capture, fd))
		snprintf(reason, sizeof(reason), "it is the capture to read; choose another file");
	else if (fd >= 0)
		out = fdopen(fd, "w");
	if (out)
		return out;
	log_error("cannot write %s to %s: %s", what, path, reason);
	if (fd >= 0)
		close(fd);
	return NULL;
}

int file_close_results(FILE *out, const char *path, const char *what)
{
	int failed = ferror(out);

	if (!fclose(out) && !failed)
		return 0;
	log_error("writing %s to %s failed: %s; make room or choose another file", what, path,
		  strerror(errno));
	return -1;
}
