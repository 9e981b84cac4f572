/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files and answers of runtimes, as JSON of any content. Each function takes the whole document. It
 * returns true if the document is about this container, and then has filled in what details lacked.
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
/* Of the same, Docker's own directory for the container, to be freed; NULL if the bundle is not
 * Docker's. */
char *container_bundle_docker(const char *text, size_t length, const char *id);
/* state.json of runc, status of crun: directory of the bundle, to be freed; NULL if unknown.
 */
char *container_state_bundle(const char *text, size_t length);

#endif
