// SPDX-License-Identifier: BSD-2-Clause
#include "host.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#define NETNS_COOKIE_OPTION 71 /* SO_NETNS_COOKIE of include/uapi/asm-generic/socket.h */

uint64_t host_symbol(const char *wanted)
{
	FILE *symbols = fopen("/proc/kallsyms", "re");
	char line[512], name[256];
	uint64_t address, found = 0;

	if (!symbols)
		return 0;
	while (!found && fgets(line, sizeof(line), symbols))
		if (sscanf(line, "%" SCNx64 " %*c %255s", &address, name) == 2 &&
		    strcmp(name, wanted) == 0)
			found = address;
	fclose(symbols);
	return found;
}

uint64_t host_netns_cookie(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, NETNS_COOKIE_OPTION, &cookie, &size))
		cookie = 0;
	close(fd);
	return cookie;
}

int host_cgroup_root(void)
{
	int filesystem = fsopen("cgroup2", FSOPEN_CLOEXEC), mount = -1, error = 0;

	if (filesystem < 0)
		return -errno;
	if (fsconfig(filesystem, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mount = fsmount(filesystem, FSMOUNT_CLOEXEC, 0);
	if (mount < 0)
		error = -errno;
	close(filesystem);
	return error ? error : mount;
}
