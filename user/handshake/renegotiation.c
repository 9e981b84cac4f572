// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/renegotiation.h"

#include "handshake/outcome.h"
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

/* The handshake record after an end's ChangeCipherSpec is its Finished. */
static bool is_finished(struct progress *progress, const struct flow_message *from)
{
	enum handshake_end sender = sender_of(from);

	if (from->record_type == RECORD_KIND_HANDSHAKE)
		progress->finished[sender] =
			outcome_has_encrypted(progress, sender, RECORD_KIND_CCS);
	return progress->finished[END_CLIENT] && progress->finished[END_SERVER];
}

void renegotiation_apply(struct progress *progress, const struct flow_message *from)
{
	struct message *message;

	if (progress->handshake->outcome != HANDSHAKE_PENDING)
		return;
	message = outcome_record_encrypted(progress, from);
	if (message && from->record_type == RECORD_KIND_HANDSHAKE)
		message->kind = MESSAGE_ENCRYPTED_HANDSHAKE;
	else if (message && from->record_type == RECORD_KIND_CCS)
		message->kind = MESSAGE_CHANGE_CIPHER_SPEC;
	/* That of a server which does not renegotiate is a warning: no_renegotiation. */
	if (from->record_type == RECORD_KIND_ALERT)
		outcome_encrypted_alert(progress, sender_of(from), from->time_ns);
	else if (is_finished(progress, from))
		outcome_complete(progress, from->time_ns);
}

void renegotiation_start(struct progress *progress, const struct flow_message *from)
{
	struct handshake *handshake = progress->handshake;

	handshake->renegotiation = true;
	handshake->version = from->version;
	handshake->time_ns = from->time_ns;
	handshake->early_data = TRI_UNKNOWN;
	handshake->client_auth = TRI_UNKNOWN;
	handshake->psk = TRI_UNKNOWN;
	handshake->ech = TRI_UNKNOWN;
	renegotiation_apply(progress, from);
}
