/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What runtimes write down of their containers, as JSON of any content. Each function takes the
 * whole document; true if it is of this container, then what it says and details lacks was added to
 * details.
 */
#ifndef TLSTRACE_CONTAINER_NAMES_H
#define TLSTRACE_CONTAINER_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct container_details;

/* Docker's config.v2.json, and what its and Podman's API say of a container. */
bool container_inspect_read(const char *text, size_t length, const char *id,
			    struct container_details *details);
/* containers.json of containers/storage, which Podman and CRI-O use. */
bool container_storage_read(const char *text, size_t length, const char *id,
			    struct container_details *details);
/* config.json of an OCI bundle: what its annotations say. */
bool container_bundle_read(const char *text, size_t length, struct container_details *details);
/* Of the same, the directory where Docker keeps what it knows of the container, to be freed; NULL
 * if it is none. */
char *container_bundle_docker(const char *text, size_t length, const char *id);
/* state.json of runc, status of crun: directory of the bundle, to be freed; NULL if it says none.
 */
char *container_state_bundle(const char *text, size_t length);

#endif
