// SPDX-License-Identifier: BSD-2-Clause
#include "who/files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP 4096

/* Files in /proc have a size of 0, so only reading tells how long they are. */
static char *descriptor_read(int fd, size_t max, size_t *length)
{
	char *text = NULL, *more;
	size_t room = 0;
	ssize_t count;

	*length = 0;
	for (;;) {
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
		if (count == 0) {
			text[*length] = 0;
			return text;
		}
		*length += (size_t)count;
		if (*length > max)
			break;
	}
	free(text);
	return NULL;
}

char *file_read(const char *directory, const char *name, size_t max, size_t *length)
{
	char path[2 * PATH_MAX], *text = NULL;
	struct stat status;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return NULL;
	/* Not to wait for the other end of a pipe. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		text = descriptor_read(fd, max, length);
	close(fd);
	return text;
}
