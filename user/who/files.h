/* SPDX-License-Identifier: BSD-2-Clause */
/* Small files of other programs, which may be anything. */
#ifndef TLSTRACE_FILES_H
#define TLSTRACE_FILES_H

#include <stddef.h>

/* A regular file of at most max bytes, with a NUL behind it, to be freed; NULL if it is not there
 * or is none. */
char *file_read(const char *directory, const char *name, size_t max, size_t *length);

#endif
