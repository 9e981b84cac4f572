/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of a handshake after the hellos in TLS 1.2 and before, and in DTLS 1.2 and before. */
#ifndef TLSTRACE_TLS12_H
#define TLSTRACE_TLS12_H

#include "handshake/progress.h"

/* A handshake message in the clear, other than the hellos. */
void tls12_message(struct progress *progress, const struct flow_message *from);
void tls12_change_cipher_spec(struct progress *progress, const struct flow_message *from);
/* An encrypted record after the ServerHello; message is its place in the row, or NULL. */
void tls12_encrypted(struct progress *progress, const struct flow_message *from,
		     struct message *message);

#endif
