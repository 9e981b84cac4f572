/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A handshake under way: the row as it is so far, and what is needed to judge the next message.
 * The tracker keeps one per handshake; sinks never see it.
 */
#ifndef TLSTRACE_PROGRESS_H
#define TLSTRACE_PROGRESS_H

#include "flow/flow.h"
#include "handshake/handshake.h"

struct progress {
	struct handshake *handshake; /* owned by the tracker's entry */
	uint32_t encrypted_kinds[2]; /* of records that an end has sent: outcome_has_encrypted() */
	bool finished[2];	     /* TLS 1.2 and before: this end has sent Finished */
	bool no_x509[2]; /* this end's Certificate message holds no X.509: RFC 7250, RFC 6091 */
	/* TLS 1.3: the client's last record is as short as an alert, or it is early data. */
	uint64_t doubtful_alert_ns;
	/* TLS 1.3: the server's only record is as short as an alert, or as EncryptedExtensions. */
	uint64_t doubtful_refusal_ns;
	unsigned int unexplained; /* TLS 1.3: the client's records whose length says nothing; */
	bool proof_last;	  /* the last of them is as long as a CertificateVerify */
	/* After completion; the client's data before it counts too (False Start, 0-RTT): */
	uint64_t late_alert_ns; /* the server answered the client's certificate with an alert */
	bool client_spoke_on;	/* the client sent data, */
	bool client_closing;	/* or a close_notify, */
	bool client_may_close;	/* or a record as long as one, which nothing has followed yet */
	bool server_spoke_on;
};

static inline enum handshake_end sender_of(const struct flow_message *from)
{
	return from->from_client ? END_CLIENT : END_SERVER;
}

#endif
