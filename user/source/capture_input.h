/* SPDX-License-Identifier: BSD-2-Clause */
/* A capture file or pipe as a stdio stream: unpacked if it is gzip'd, and not deaf while it waits
 * for more. */
#ifndef TLSTRACE_CAPTURE_INPUT_H
#define TLSTRACE_CAPTURE_INPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "file_open.h"

/*
 * Called again and again while nothing comes. Returns how many milliseconds to wait for at most
 * until the next call, or -1 to end the input here.
 */
typedef int capture_input_idle(void *context);

struct capture_input;

/* path "-" is standard input. NULL, and why in reason, on failure. */
struct capture_input *capture_input_open(const char *path, capture_input_idle *idle, void *context,
					 char reason[FILE_REASON_SIZE]);
/* A stream that reads it, unbuffered below; NULL and errno. Closing it leaves the input as it is.
 */
FILE *capture_input_stream(struct capture_input *input);
/* What is wrong with the compression, or NULL. */
const char *capture_input_error(const struct capture_input *input);
/* Not a byte has come from it, and no error either. */
bool capture_input_is_empty(const struct capture_input *input);
/* It comes from a file: all of it is there already. */
bool capture_input_is_file(const struct capture_input *input);
void capture_input_close(struct capture_input *input); /* NULL is fine */

#endif
