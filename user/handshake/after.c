// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/after.h"

#include "handshake/outcome.h"
#include "handshake/tls13.h"
#include "tls/hello.h"

/* An end leaves the connection of a completed handshake. */
static void leave(struct progress *progress, enum handshake_end by)
{
	struct handshake *handshake = progress->handshake;

	if (!handshake->left_at_once && !progress->client_spoke_on) {
		handshake->left_at_once = true;
		handshake->left_by = by;
	}
	/* A close that answers the server's alert is not its reason. */
	if (by == END_CLIENT && !progress->late_alert_ns)
		progress->client_closing = true;
}

/* What something follows was no close_notify: GET / HTTP/1.0 is as long as a padded one. */
static void client_record(struct progress *progress, bool goodbye, bool is_padded)
{
	progress->client_spoke_on |= progress->client_may_close;
	progress->client_may_close = is_padded;
	if (goodbye && !is_padded)
		leave(progress, END_CLIENT);
	else if (!is_padded)
		progress->client_spoke_on = true;
}

/* An alert was no refusal if something else than a close_notify follows it. */
static void server_record(struct progress *progress, bool goodbye, uint64_t time_ns)
{
	progress->client_spoke_on |= progress->client_may_close && !goodbye;
	progress->client_may_close = false;
	if (goodbye && after_awaits_judgement(progress)) {
		if (!progress->late_alert_ns)
			progress->late_alert_ns = time_ns;
		return;
	}
	progress->server_spoke_on = true;
	progress->late_alert_ns = 0;
}

/*
 * The client's Finished completes the handshake for the client. A server that asked for a
 * certificate judges it only then (RFC 8446 section 4.4.2.4). Its first record tells: a ticket or
 * data means that it goes on, an alert that nothing follows means that it refused. If the client
 * sent close_notify before, the alert is the server's close_notify.
 */
void after_record(struct progress *progress, const struct flow_message *from)
{
	const struct handshake *handshake = progress->handshake;
	bool is_13 = tls_version_is_13(handshake->version);
	uint32_t size = is_13 ? tls13_size(handshake, from) : 0;
	bool goodbye = is_13 ? tls13_is_alert_size(size) : from->record_type == RECORD_KIND_ALERT;

	if (from->from_client)
		client_record(progress, goodbye, tls13_is_padded_alert_size(size));
	else
		server_record(progress, goodbye, from->time_ns);
}

bool after_awaits_judgement(const struct progress *progress)
{
	const struct handshake *handshake = progress->handshake;

	return handshake->outcome == HANDSHAKE_COMPLETED && tls_version_is_13(handshake->version) &&
	       handshake->transport == TRANSPORT_TCP && !progress->server_spoke_on &&
	       !progress->client_closing &&
	       (handshake->client_auth == TRI_DECLINED || handshake->client_auth == TRI_SENT ||
		progress->unexplained);
}

void after_settle(struct progress *progress)
{
	struct handshake *handshake = progress->handshake;

	if (!progress->late_alert_ns || !after_awaits_judgement(progress))
		return;
	handshake->outcome = HANDSHAKE_PENDING;
	outcome_encrypted_alert(progress, END_SERVER, progress->late_alert_ns);
	handshake_infer(handshake, INFERRED_FAILURE);
	handshake->left_at_once = false;
}

void after_end(struct progress *progress, enum handshake_end by)
{
	after_settle(progress);
	if (progress->handshake->outcome == HANDSHAKE_COMPLETED)
		leave(progress, by);
}
