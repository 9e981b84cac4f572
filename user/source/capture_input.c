// SPDX-License-Identifier: BSD-2-Clause
#include "source/capture_input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define CHUNK	    (64 * 1024)
#define WINDOW_GZIP (15 + 16) /* zlib.h: the largest window, gzip's header */

struct capture_input {
	int fd;
	capture_input_idle *idle;
	void *context;
	bool begun, ended, is_file;
	bool any;	     /* bytes have come from it, or an error */
	bool packed, inside; /* gzip'd; within one of its members */
	const char *error;
	z_stream zlib;
	size_t at, length; /* of the bytes read and not yet given away */
	uint8_t bytes[CHUNK];
};

static int fd_open(const char *path, char reason[FILE_REASON_SIZE])
{
	int fd;

	if (strcmp(path, "-") != 0)
		return file_open_read(path, reason);
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		snprintf(reason, FILE_REASON_SIZE, "%s; redirect a capture to it", strerror(errno));
	return fd;
}

struct capture_input *capture_input_open(const char *path, capture_input_idle *idle, void *context,
					 char reason[FILE_REASON_SIZE])
{
	struct capture_input *input = calloc(1, sizeof(*input));
	struct stat status;

	snprintf(reason, FILE_REASON_SIZE, "out of memory; free some and run tlstrace again");
	if (!input)
		return NULL;
	input->idle = idle;
	input->context = context;
	input->fd = fd_open(path, reason);
	if (input->fd < 0 || fstat(input->fd, &status)) {
		capture_input_close(input);
		return NULL;
	}
	input->is_file = S_ISREG(status.st_mode);
	return input;
}

/* False: the input ends here. */
static bool readable_wait(struct capture_input *input)
{
	struct pollfd poller = {.fd = input->fd, .events = POLLIN};
	int wait = 0;

	while (poll(&poller, 1, wait) <= 0) {
		wait = input->idle(input->context);
		if (wait < 0)
			return false;
	}
	return true;
}

/* 0 at the end, negative and errno on failure. */
static ssize_t fd_read(struct capture_input *input, void *to, size_t size)
{
	ssize_t length;

	if (input->ended)
		return 0;
	do {
		if (!input->is_file && !readable_wait(input))
			return 0;
		length = read(input->fd, to, size);
	} while (length < 0 && (errno == EINTR || errno == EAGAIN));
	input->ended = length == 0;
	input->any |= length != 0;
	return length;
}

/* More bytes after those that are there. */
static ssize_t input_fill(struct capture_input *input)
{
	ssize_t length;

	memmove(input->bytes, input->bytes + input->at, input->length);
	input->at = 0;
	length = fd_read(input, input->bytes + input->length, CHUNK - input->length);
	if (length > 0)
		input->length += length;
	return length;
}

/* The first two bytes tell whether it is packed (RFC 1952). */
static int input_begin(struct capture_input *input)
{
	while (input->length < 2) {
		ssize_t length = input_fill(input);

		if (length < 0)
			return -1;
		if (length == 0)
			break;
	}
	input->begun = true;
	input->packed = input->length >= 2 && input->bytes[0] == 0x1f && input->bytes[1] == 0x8b;
	if (input->packed && inflateInit2(&input->zlib, WINDOW_GZIP) != Z_OK) {
		input->packed = false;
		errno = ENOMEM;
		return -1;
	}
	input->inside = input->packed;
	return 0;
}

/* A member has ended: another may follow (RFC 1952 section 2.2); what is none is left unread. */
static bool member_next(struct capture_input *input)
{
	if (!input->length && input_fill(input) <= 0)
		return false;
	input->inside = input->bytes[input->at] == 0x1f && inflateReset(&input->zlib) == Z_OK;
	return input->inside;
}

/* One turn of zlib. Returns bytes put out; 0 with nothing more to come: *done. */
static size_t inflate_some(struct capture_input *input, char *to, size_t size, bool *done)
{
	int result;

	if (!input->inside) {
		*done = !member_next(input);
		return 0;
	}
	if (!input->length && input_fill(input) <= 0) {
		input->error = "its compression ends in the middle";
		*done = true;
		return 0;
	}
	input->zlib.next_in = input->bytes + input->at;
	input->zlib.avail_in = input->length;
	input->zlib.next_out = (uint8_t *)to;
	input->zlib.avail_out = size;
	result = inflate(&input->zlib, Z_NO_FLUSH);
	input->at += input->length - input->zlib.avail_in;
	input->length = input->zlib.avail_in;
	if (result == Z_STREAM_END)
		input->inside = false;
	else if (result != Z_OK && result != Z_BUF_ERROR) {
		input->error = "its compression is damaged";
		*done = true;
	}
	return size - input->zlib.avail_out;
}

static ssize_t packed_read(struct capture_input *input, char *to, size_t size)
{
	bool done = input->error != NULL;
	size_t length = 0;

	while (!length && !done)
		length = inflate_some(input, to, size, &done);
	return length;
}

static ssize_t plain_read(struct capture_input *input, char *to, size_t size)
{
	if (!input->length)
		return fd_read(input, to, size);
	if (size > input->length)
		size = input->length;
	memcpy(to, input->bytes + input->at, size);
	input->at += size;
	input->length -= size;
	return size;
}

static ssize_t input_read(void *cookie, char *to, size_t size)
{
	struct capture_input *input = cookie;

	if (!input->begun && input_begin(input))
		return -1;
	return input->packed ? packed_read(input, to, size) : plain_read(input, to, size);
}

FILE *capture_input_stream(struct capture_input *input)
{
	FILE *stream = fopencookie(input, "r", (cookie_io_functions_t){.read = input_read});

	if (stream)
		setvbuf(stream, NULL, _IOFBF, CHUNK); /* the default is a page */
	return stream;
}

const char *capture_input_error(const struct capture_input *input)
{
	return input->error;
}

bool capture_input_is_empty(const struct capture_input *input)
{
	return !input->any;
}

bool capture_input_is_file(const struct capture_input *input)
{
	return input->is_file;
}

void capture_input_close(struct capture_input *input)
{
	int error = errno;

	if (!input)
		return;
	if (input->packed)
		inflateEnd(&input->zlib);
	if (input->fd >= 0)
		close(input->fd);
	free(input);
	errno = error;
}
