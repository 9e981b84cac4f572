/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of other programs, which may be anything. Opening one has no effect but on its access time.
 */
#ifndef TLSTRACE_FILES_H
#define TLSTRACE_FILES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Whose files are read, which decides what is opened. Of root: only what root alone can have made
 * or replaced, at each step of the path. Of a user: anything, because the process has the user's
 * credentials.
 */
enum files_of { FILES_OF_ROOT, FILES_OF_USER };

/*
 * A regular file on a file system that stores files, opened for reading; a negative errno otherwise
 * (-EINVAL if it is something else, such as a FIFO, a terminal or a file of /proc). What the path
 * leads to is looked at before it is opened. resolve: RESOLVE_* of openat2(2), 0 none.
 */
int file_open_regular(int directory, const char *path, uint64_t resolve);
/* A descriptor (O_PATH) of a directory or a socket; symbolic links stay below root, a descriptor.
 * Negative errno. */
int path_open(enum files_of whose, int root, const char *path);
/* A regular file in a directory, followed by a NUL, to be freed; NULL if it cannot be had. */
char *file_read(enum files_of whose, int directory, const char *name, size_t *length);
/* The first max bytes of a file in /proc/PID, followed by a NUL, to be freed; NULL if it cannot be
 * had. */
char *process_file_read(uint32_t pid, const char *name, size_t max, size_t *length);

#endif
