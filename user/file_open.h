/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening files that a user names to a program that runs as root. What the name leads to is looked
 * at before it is opened: opening a FIFO may block for ever, and opening a device may do something
 * (a watchdog starts, a tape rewinds, a pseudo-terminal is made).
 */
#ifndef TLSTRACE_FILE_OPEN_H
#define TLSTRACE_FILE_OPEN_H

#include <stdio.h>

#define FILE_REASON_SIZE 160

/*
 * Open for reading: a regular file, a pipe, a FIFO (also without a writer yet), a terminal or
 * /dev/null. A descriptor; or negative errno, and why in reason, such as "it is a directory; name
 * a file".
 */
int file_open_read(const char *path, char reason[FILE_REASON_SIZE]);
/*
 * Open for writing, without emptying it: the same kinds, but a FIFO must have a reader. A new file
 * gets mode 0600. In a directory where everybody may create files but only owners may remove them,
 * as in /tmp, symbolic links and files of other users are refused.
 */
int file_open_write(const char *path, char reason[FILE_REASON_SIZE]);

/*
 * The same as a stream, which is not the capture that is read (NULL: none is). NULL after one
 * message that begins with what: "cannot write WHAT to PATH".
 */
FILE *file_open_results(const char *path, const char *what, const char *capture);
/* Write all of a stream and close it. 0, or -1 after one message. */
int file_close_results(FILE *out, const char *path, const char *what);
/* Empty it if it is a regular file. 0 or negative errno. */
int file_empty(int fd);

#endif
