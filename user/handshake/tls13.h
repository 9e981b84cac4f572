/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The encrypted part of a TLS 1.3 handshake over TCP, which shows nothing but the lengths of its
 * records.
 */
#ifndef TLSTRACE_TLS13_H
#define TLSTRACE_TLS13_H

#include "handshake/progress.h"

/* The length of an encrypted record as it were with a tag of 16 bytes; 0 if it is too short for
 * its own tag. */
uint32_t tls13_size(const struct handshake *handshake, const struct flow_message *from);
/* An alert, or a record as short as one. */
bool tls13_is_alert_size(uint32_t size);
/* An alert in a record padded to 16 bytes, as Java sends it, or another record of that length. */
bool tls13_is_padded_alert_size(uint32_t size);
/* The client's record after the ServerHello; message is its place in the row, or NULL. */
void tls13_client_record(struct progress *progress, const struct flow_message *from,
			 struct message *message);
/* The server's. is_first: it sent none before. */
void tls13_server_record(struct progress *progress, const struct flow_message *from, bool is_first);

#endif
