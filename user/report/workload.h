/* SPDX-License-Identifier: BSD-2-Clause */
/* What an end belongs to: its container, else its systemd unit, executable or name, else its
 * address. */
#ifndef TLSTRACE_WORKLOAD_H
#define TLSTRACE_WORKLOAD_H

#include "handshake/handshake.h"

#define WORKLOAD_SIZE 256

/* All escaped. */
void workload_write(const struct endpoint *end, char to[WORKLOAD_SIZE]);
/* The name that the server was asked for, else its workload. */
void workload_server_write(const struct handshake *handshake, char to[WORKLOAD_SIZE]);

#endif
