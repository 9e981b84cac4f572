/* SPDX-License-Identifier: BSD-2-Clause */
/* What the hellos say; that of the client is in apply.h. For apply.c alone. */
#ifndef TLSTRACE_HELLOS_H
#define TLSTRACE_HELLOS_H

#include "handshake/handshake.h"
#include "tls/hello.h"

/* A ServerHello, or a HelloRetryRequest that has its type. message is its place in the row; NULL:
 * it has none. */
void apply_server_hello(struct handshake *handshake, struct message *message, struct slice body);
/* A HelloRetryRequest. */
void apply_retry(struct handshake *handshake, struct message *message,
		 const struct tls_server_hello *hello);

#endif
