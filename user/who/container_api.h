/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP API of Docker, which Podman has too, on unix sockets of this host. Blocks for half a
 * second at most. */
#ifndef TLSTRACE_CONTAINER_API_H
#define TLSTRACE_CONTAINER_API_H

#include <stdbool.h>
#include <stddef.h>

struct container_api;

struct container_api *container_api_new(void);	    /* NULL without memory */
void container_api_free(struct container_api *api); /* NULL is fine */
/*
 * What the runtime at a socket (path, and an O_PATH descriptor of it) says of a container, to be
 * freed; NULL if nothing. The runtime must run as root or as the user of this process. A socket
 * where nobody answers is not asked again for a while.
 */
char *container_api_inspect(struct container_api *api, const char *path, int file, const char *id,
			    size_t *length);
/*
 * The body of a whole answer of HTTP/1.1, if its status is 200. It is put at the start of text,
 * which is changed and ends with a NUL after length bytes. False if it is no such answer, or not
 * whole.
 */
bool container_api_body(char *text, size_t length, size_t *body_length);

#endif
