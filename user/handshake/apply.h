/* SPDX-License-Identifier: BSD-2-Clause */
/* What each message says about its handshake. */
#ifndef TLSTRACE_APPLY_H
#define TLSTRACE_APPLY_H

#include "flow/flow.h"
#include "handshake/handshake.h"
#include "tls/hello.h"

/* A ClientHello: the first fills the offer, a second one (after HelloRetryRequest) only its
 * message. */
int apply_client_hello(struct handshake *handshake, const struct tls_client_hello *hello,
		       const struct flow_message *message);
/* Any message in wire order; sets the outcome where the message decides it. */
void apply_message(struct handshake *handshake, const struct flow_message *message);
/*
 * Add a message to the row. NULL if it has no room for more; from->time_ns counts as a sign of life
 * anyway.
 */
struct message *apply_record(struct handshake *handshake, const struct flow_message *from);
/* The same, and say what it is. */
void apply_kind(struct handshake *handshake, const struct flow_message *from,
		enum message_kind kind);
/* By its length a record is this handshake message. message is its place in the row; NULL: none. */
void apply_inferred(struct handshake *handshake, struct message *message, uint8_t type);
/* The same of an encrypted record: its kind is remembered, also where there is no room. */
struct message *apply_encrypted_record(struct handshake *handshake,
				       const struct flow_message *from);
/* Whether an end has sent an encrypted record of this kind (tls/record.h). */
bool apply_has_encrypted(const struct handshake *handshake, enum handshake_end from, uint8_t kind);
/* Bytes of an encrypted TLS 1.3 record, as they were with a tag of 16; 0 if it is too short for its
 * own. */
uint32_t apply_tail_size(const struct handshake *handshake, const struct flow_message *from);
/* FIN or RST of one side. */
void apply_end(struct handshake *handshake, bool from_client, bool reset, uint64_t time_ns);
/* The outcome is success, unless it is known already. */
void apply_completion(struct handshake *handshake, uint64_t time_ns);
/* An alert that only its record's length gives away. */
void apply_encrypted_alert(struct handshake *handshake, const struct flow_message *from);
/*
 * Whether a TLS 1.3 server that asked for a certificate has not said yet what it thinks of the
 * answer: until it does, or the connection ends, its completion is the client's view only.
 */
bool apply_awaits_judgement(const struct handshake *handshake);
/* No sign of life for too long. */
void apply_timeout(struct handshake *handshake, uint64_t now_ns);
/* Set a failure, unless the outcome is known already. */
void apply_failure(struct handshake *handshake, enum failure_kind kind, enum handshake_end by,
		   uint64_t time_ns);

#endif
