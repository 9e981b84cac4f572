/* SPDX-License-Identifier: BSD-2-Clause */
/* The places where a handshake was seen. */
#ifndef TLSTRACE_PATH_H
#define TLSTRACE_PATH_H

#include "flow/flow.h"
#include "handshake/handshake.h"

struct socket_table;

/* The addresses of both ends as the flow's place sees them. */
void path_addresses(const struct flow *flow, struct address *client, struct address *server);
#define PLACE_NONE SIZE_MAX

/* Add the place of a flow. Its index; PLACE_NONE: there is no room. */
size_t path_add(struct handshake *handshake, const struct flow *flow);
/*
 * Name the process at each place that is neither end: a proxy, which has one connection to each.
 * Both ends have been taken from the table.
 */
void path_settle(struct handshake *handshake, struct socket_table *sockets);

#endif
