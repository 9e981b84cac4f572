/* SPDX-License-Identifier: BSD-2-Clause */
/* What the encrypted parts of handshakes over UDP say. */
#ifndef TLSTRACE_HANDSHAKE_DATAGRAMS_H
#define TLSTRACE_HANDSHAKE_DATAGRAMS_H

#include "handshake/progress.h"

/* 0-RTT, Handshake and 1-RTT packets. */
void datagram_quic_encrypted(struct progress *progress, const struct flow_message *from);
/* CONNECTION_CLOSE in an Initial packet. */
void datagram_quic_close(struct progress *progress, const struct flow_message *from);
/* Ciphertext of DTLS 1.3. DTLS 1.2 and before are like TLS. */
void datagram_dtls13_encrypted(struct progress *progress, const struct flow_message *from);

#endif
