/* SPDX-License-Identifier: BSD-2-Clause */
/* What the hellos say about their handshake. */
#ifndef TLSTRACE_HELLOS_H
#define TLSTRACE_HELLOS_H

#include "handshake/progress.h"
#include "tls/hello.h"

/*
 * A ClientHello: the first fills the offer, a second one (after HelloRetryRequest) only adds its
 * message. 0 or -ENOMEM.
 */
int hello_client_apply(struct progress *progress, const struct tls_client_hello *hello,
		       const struct flow_message *from);
/*
 * A ServerHello, HelloRetryRequest or HelloVerifyRequest. message is its place in the row; NULL:
 * it has none.
 */
void hello_server_apply(struct progress *progress, struct message *message,
			const struct flow_message *from);

#endif
