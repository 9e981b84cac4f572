// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/renegotiation.h"

#include "handshake/apply.h"
#include "tls/hello.h"

bool renegotiation_begins(const struct flow_message *message)
{
	return message->from_client && message->kind == FLOW_ENCRYPTED &&
	       message->record_type == RECORD_KIND_HANDSHAKE;
}

bool renegotiation_possible(const struct handshake *handshake)
{
	return handshake->outcome == HANDSHAKE_COMPLETED && handshake->transport == TRANSPORT_TCP &&
	       !tls_version_is_13(handshake->version);
}

/* Each end's ChangeCipherSpec, which is a record of its own kind, and the Finished behind it. */
static bool is_finished(struct handshake *handshake, const struct flow_message *from)
{
	enum handshake_end sender = from->from_client ? END_CLIENT : END_SERVER;

	if (from->record_type == RECORD_KIND_HANDSHAKE)
		handshake->finished[sender] =
			apply_has_encrypted(handshake, sender, RECORD_KIND_CCS);
	return handshake->finished[END_CLIENT] && handshake->finished[END_SERVER];
}

void renegotiation_apply(struct handshake *handshake, const struct flow_message *from)
{
	struct message *message;

	if (handshake->outcome != HANDSHAKE_PENDING)
		return;
	message = apply_encrypted_record(handshake, from);
	if (message && from->record_type == RECORD_KIND_HANDSHAKE)
		message->kind = MESSAGE_ENCRYPTED_HANDSHAKE;
	else if (message && from->record_type == RECORD_KIND_CCS)
		message->kind = MESSAGE_CHANGE_CIPHER_SPEC;
	/* That of a server which does not renegotiate is a warning: no_renegotiation. */
	if (from->record_type == RECORD_KIND_ALERT)
		apply_encrypted_alert(handshake, from);
	else if (is_finished(handshake, from))
		apply_completion(handshake, from->time_ns);
}

void renegotiation_start(struct handshake *handshake, const struct flow_message *from)
{
	handshake->renegotiation = true;
	handshake->version = from->version;
	handshake->time_ns = from->time_ns;
	handshake->early_data = TRI_UNKNOWN;
	handshake->client_auth = TRI_UNKNOWN;
	handshake->psk = TRI_UNKNOWN;
	handshake->ech = TRI_UNKNOWN;
	renegotiation_apply(handshake, from);
}
