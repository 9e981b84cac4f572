// SPDX-License-Identifier: BSD-2-Clause
#include "who/container_api.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MS 500
#define ANSWER_MAX (256 << 10)
/* A runtime that is down or hangs costs its time once in this many milliseconds. */
#define REST_MS	    10000
#define SOCKETS_MAX 8
#define ID_MAX	    256

struct container_api {
	struct {
		char *path;
		int64_t until_ms;
	} resting[SOCKETS_MAX];
};

struct answer {
	char *text;
	size_t length, room;
};

struct container_api *container_api_new(void)
{
	return calloc(1, sizeof(struct container_api));
}

void container_api_free(struct container_api *api)
{
	size_t i;

	for (i = 0; api && i < SOCKETS_MAX; i++)
		free(api->resting[i].path);
	free(api);
}

static int64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static bool rests(const struct container_api *api, const char *path)
{
	size_t i;

	for (i = 0; i < SOCKETS_MAX; i++)
		if (api->resting[i].path && strcmp(api->resting[i].path, path) == 0)
			return now_ms() < api->resting[i].until_ms;
	return false;
}

/* The one that has rested longest gives way. */
static void rest(struct container_api *api, const char *path)
{
	size_t slot = 0, i;

	for (i = 0; i < SOCKETS_MAX; i++) {
		if (api->resting[i].path && strcmp(api->resting[i].path, path) == 0) {
			slot = i;
			break;
		}
		if (api->resting[i].until_ms < api->resting[slot].until_ms)
			slot = i;
	}
	free(api->resting[slot].path);
	api->resting[slot].path = strdup(path);
	api->resting[slot].until_ms = now_ms() + REST_MS;
}

/* Somebody else may listen where a runtime should. */
static bool peer_is_trusted(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

/* By the descriptor, so that it is the socket that was looked at, and a path of any length. */
static int runtime_connect(int file)
{
	const struct timeval limit = {.tv_usec = TIMEOUT_MS * 1000};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", file);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    peer_is_trusted(fd))
		return fd;
	close(fd);
	return -1;
}

static bool answer_grow(struct answer *answer)
{
	size_t room = answer->room ? 2 * answer->room : 16 << 10;
	char *more = room <= ANSWER_MAX ? realloc(answer->text, room) : NULL;

	if (!more)
		return false;
	answer->text = more;
	answer->room = room;
	return true;
}

/* Up to the end of the connection. False if that does not come in time, or too much comes. */
static bool answer_read(int fd, struct answer *answer)
{
	const int64_t until = now_ms() + TIMEOUT_MS;
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	ssize_t count;
	int64_t left;

	for (;;) {
		left = until - now_ms();
		if (left <= 0 || poll(&readable, 1, (int)left) != 1 ||
		    (answer->length + 1 >= answer->room && !answer_grow(answer)))
			return false;
		count = recv(fd, answer->text + answer->length, answer->room - answer->length - 1,
			     MSG_DONTWAIT);
		if (count < 0)
			return false;
		answer->length += (size_t)count;
		answer->text[answer->length] = 0;
		if (!count)
			return true;
	}
}

/* RFC 9112, section 7.1: the chunks are joined, what follows the last one is ignored. */
static bool chunks_join(char *text, size_t length, size_t *body_length)
{
	size_t at = 0, size;
	char *line_end, *digits_end;

	for (*body_length = 0;; *body_length += size) {
		line_end = memmem(text + at, length - at, "\r\n", 2);
		if (!line_end)
			return false;
		size = strtoul(text + at, &digits_end, 16);
		if (digits_end == text + at || digits_end > line_end)
			return false;
		at = (size_t)(line_end - text) + 2;
		if (!size)
			return true;
		if (size > length - at || length - at - size < 2)
			return false;
		memmove(text + *body_length, text + at, size);
		at += size + 2;
	}
}

bool container_api_body(char *text, size_t length, size_t *body_length)
{
	char *end = memmem(text, length, "\r\n\r\n", 4), *body;
	bool chunked;

	if (!end || length < 13 || memcmp(text, "HTTP/1.", 7) || memcmp(text + 8, " 200 ", 5))
		return false;
	body = end + 4;
	*end = 0;
	chunked = strcasestr(text, "\r\nTransfer-Encoding: chunked");
	*body_length = (size_t)(text + length - body);
	/* Else the end of the connection is that of the body: section 6.3. */
	memmove(text, body, *body_length);
	return !chunked || chunks_join(text, *body_length, body_length);
}

static bool is_id(const char *id)
{
	return strlen(id) < ID_MAX &&
	       !id[strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.")];
}

/* False if the runtime does not answer. */
static bool request(int file, const char *id, struct answer *answer)
{
	int fd = runtime_connect(file), length;
	char text[ID_MAX + 128];
	bool answered;

	if (fd < 0)
		return false;
	length = snprintf(text, sizeof(text),
			  "GET /containers/%s/json HTTP/1.1\r\nHost: localhost\r\n"
			  "Connection: close\r\n\r\n",
			  id);
	answered =
		send(fd, text, (size_t)length, MSG_NOSIGNAL) == length && answer_read(fd, answer);
	close(fd);
	return answered;
}

char *container_api_inspect(struct container_api *api, const char *path, int file, const char *id,
			    size_t *length)
{
	struct answer answer = {};

	if (!is_id(id) || rests(api, path))
		return NULL;
	if (!request(file, id, &answer))
		rest(api, path);
	else if (answer.length && container_api_body(answer.text, answer.length, length))
		return answer.text;
	free(answer.text);
	return NULL;
}
