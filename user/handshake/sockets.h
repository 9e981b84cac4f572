/* SPDX-License-Identifier: BSD-2-Clause */
/* What the socket probes reported, by socket id, until a handshake's row is written. */
#ifndef TLSTRACE_SOCKETS_H
#define TLSTRACE_SOCKETS_H

#include "handshake/handshake.h"
#include "tlstrace_types.h"

struct socket_table;

struct socket_table *socket_table_new(size_t capacity);
void socket_table_free(struct socket_table *table);
/*
 * Note an event. Returns the owner if this event named it anew (to look up what must be looked up
 * while the process lives), else NULL.
 */
struct process *socket_table_add(struct socket_table *table,
				 const struct tlstrace_socket_event *event);
/* Fill an endpoint from the socket with this id; processes move to the endpoint. False if unknown.
 */
bool socket_table_take(struct socket_table *table, uint64_t id, struct endpoint *end);
/* The owner of the socket with this id; NULL if unknown. */
const struct process *socket_table_owner(struct socket_table *table, uint64_t id);
/* Its owner reads this socket, and has not read since this time. False if unknown. */
bool socket_table_awaits_read(struct socket_table *table, uint64_t id, uint64_t since_ns);
/* Copy that owner. False if unknown. */
bool socket_table_owner_copy(struct socket_table *table, uint64_t id, struct process *to);
/* No handshake will ask for this socket any more. Unknown ids are fine. */
void socket_table_drop(struct socket_table *table, uint64_t id);
/* Drop what no handshake asked for since before_ns. */
void socket_table_expire(struct socket_table *table, uint64_t before_ns);

#endif
