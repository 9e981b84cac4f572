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
 * What the runtime behind this socket says of a container, to be freed; NULL if nothing. A socket
 * where nobody answers is not asked again for a while.
 */
char *container_api_inspect(struct container_api *api, const char *socket, const char *id,
			    size_t *length);

#endif
