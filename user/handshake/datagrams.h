/* SPDX-License-Identifier: BSD-2-Clause */
/* What the encrypted parts of handshakes over UDP say. For apply.c alone. */
#ifndef TLSTRACE_HANDSHAKE_DATAGRAMS_H
#define TLSTRACE_HANDSHAKE_DATAGRAMS_H

#include "flow/flow.h"
#include "handshake/handshake.h"

/* 0-RTT, Handshake and 1-RTT packets. */
void apply_quic_encrypted(struct handshake *handshake, const struct flow_message *from);
/* CONNECTION_CLOSE in an Initial packet. */
void apply_quic_close(struct handshake *handshake, const struct flow_message *from);
/* Ciphertext of DTLS 1.3. DTLS 1.2 and before are like TLS. */
void apply_dtls13_encrypted(struct handshake *handshake, const struct flow_message *from);

#endif
