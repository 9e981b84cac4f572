// SPDX-License-Identifier: BSD-2-Clause
#include "source/netns.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/nsfs.h>

/* Of what is a network namespace: a name may be left over from one that is mounted elsewhere, or
 * gone. */
static uint32_t inode_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat namespace = {};

	if (fd < 0)
		return 0;
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET || fstat(fd, &namespace))
	namespace.st_ino = 0;
	close(fd);
	return namespace.st_ino;
}

static uint32_t inode_below(const char *format, const char *name)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), format, name) >= sizeof(path))
		return 0;
	return inode_of(path);
}

uint32_t netns_find(const char *name)
{
	static const char *const folders[] = {"/run/netns/%s", "/run/docker/netns/%s"};
	uint32_t inode = 0;
	size_t i;

	if (strchr(name, '/'))
		return inode_of(name);
	if (strcmp(name, "self") == 0)
		return inode_of("/proc/self/ns/net");
	if (strcmp(name, "host") == 0)
		return inode_of("/proc/1/ns/net");
	if (name[strspn(name, "0123456789")] == 0)
		return inode_below("/proc/%s/ns/net", name);
	for (i = 0; !inode && i < sizeof(folders) / sizeof(folders[0]); i++)
		inode = inode_below(folders[i], name);
	return inode;
}
