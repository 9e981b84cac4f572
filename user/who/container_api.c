// SPDX-License-Identifier: BSD-2-Clause
#include "who/container_api.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MS 500L
#define ANSWER_MAX (1 << 20)
/* A runtime that is down or hangs costs its time once in this many seconds. */
#define REST_SECONDS 10
#define SOCKETS_MAX  8

struct container_api {
	CURL *curl;
	struct {
		char *path;
		time_t until;
	} resting[SOCKETS_MAX];
};

struct answer {
	char *text;
	size_t length;
};

struct container_api *container_api_new(void)
{
	return calloc(1, sizeof(struct container_api));
}

void container_api_free(struct container_api *api)
{
	size_t i;

	if (!api)
		return;
	if (api->curl)
		curl_easy_cleanup(api->curl);
	for (i = 0; i < SOCKETS_MAX; i++)
		free(api->resting[i].path);
	free(api);
}

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static bool rests(const struct container_api *api, const char *socket)
{
	size_t i;

	for (i = 0; i < SOCKETS_MAX; i++)
		if (api->resting[i].path && strcmp(api->resting[i].path, socket) == 0)
			return now() < api->resting[i].until;
	return false;
}

/* The one that has rested longest gives way. */
static void rest(struct container_api *api, const char *socket)
{
	size_t slot = 0, i;

	for (i = 0; i < SOCKETS_MAX; i++) {
		if (api->resting[i].path && strcmp(api->resting[i].path, socket) == 0) {
			slot = i;
			break;
		}
		if (api->resting[i].until < api->resting[slot].until)
			slot = i;
	}
	free(api->resting[slot].path);
	api->resting[slot].path = strdup(socket);
	api->resting[slot].until = now() + REST_SECONDS;
}

static size_t answer_add(char *bytes, size_t size, size_t count, void *context)
{
	struct answer *answer = context;
	char *more;

	if (answer->length + size * count > ANSWER_MAX)
		return 0; /* ends the transfer */
	more = realloc(answer->text, answer->length + size * count + 1);
	if (!more)
		return 0;
	memcpy(more + answer->length, bytes, size * count);
	answer->text = more;
	answer->length += size * count;
	return size * count;
}

static CURLcode request(CURL *curl, const char *socket, const char *url, struct answer *answer)
{
	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	/* Kept open it might be the last thing that keeps a runtime up which systemd starts on
	 * demand. */
	curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_add);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	return curl_easy_perform(curl);
}

char *container_api_inspect(struct container_api *api, const char *socket, const char *id,
			    size_t *length)
{
	struct answer answer = {};
	char url[512];
	CURLcode result;

	if (access(socket, W_OK) || rests(api, socket))
		return NULL;
	if (!api->curl)
		api->curl = curl_easy_init();
	if (!api->curl)
		return NULL;
	snprintf(url, sizeof(url), "http://localhost/containers/%s/json", id);
	result = request(api->curl, socket, url, &answer);
	if (result == CURLE_OK) {
		*length = answer.length;
		return answer.text;
	}
	free(answer.text);
	/* 404: it does not know the container, and was quick to say so. */
	if (result != CURLE_HTTP_RETURNED_ERROR)
		rest(api, socket);
	return NULL;
}
