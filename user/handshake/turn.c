// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/turn.h"

#include "tls/hello.h"
#include "tls/record.h"

enum handshake_end handshake_other_end(enum handshake_end end)
{
	return end == END_CLIENT ? END_SERVER : END_CLIENT;
}

/* It crossed the end on its way, or is the close_notify itself: it did not come before the end. */
static bool is_after_end(const struct handshake *handshake, const struct message *message)
{
	if (handshake->outcome != HANDSHAKE_FAILED)
		return false;
	return message->time_ns > handshake->end_ns ||
	       (message->time_ns == handshake->end_ns && message->record == RECORD_KIND_ALERT &&
		handshake->failure.kind == FAILURE_CLOSED && handshake->failure.alert >= 0);
}

/*
 * A message that demands no answer: a warning, which leaves the choice to the other end, and in TLS
 * 1.3 ChangeCipherSpec (RFC 8446 appendix D.4), which clients send even before the ServerHello.
 */
static bool is_no_turn(const struct handshake *handshake, const struct message *message)
{
	bool is_13 = tls_version_is_13(handshake->version);

	if (message->kind == MESSAGE_CHANGE_CIPHER_SPEC)
		return is_13 || (!handshake->has_server_random && !handshake->renegotiation);
	return message->kind == MESSAGE_ALERT && message->alert_level == ALERT_LEVEL_WARNING &&
	       !is_13;
}

const struct message *handshake_last_message(const struct handshake *handshake)
{
	size_t count = handshake->message_count;

	while (count > 1 && (is_after_end(handshake, &handshake->messages[count - 1]) ||
			     is_no_turn(handshake, &handshake->messages[count - 1])))
		count--;
	return count ? &handshake->messages[count - 1] : NULL;
}

/*
 * After a message that ends no flight its sender has to say more. In TLS 1.3 only the ServerHello
 * is in the clear.
 */
bool handshake_is_mid_flight(const struct handshake *handshake)
{
	const struct message *last = handshake_last_message(handshake);
	static const uint8_t types[] = {
		TLS_SERVER_HELLO,	 TLS_CERTIFICATE,	  TLS_CERTIFICATE_STATUS,
		TLS_SERVER_KEY_EXCHANGE, TLS_CERTIFICATE_REQUEST, TLS_CLIENT_KEY_EXCHANGE,
		TLS_CERTIFICATE_VERIFY,	 TLS_NEW_SESSION_TICKET,
	};
	bool is_13 = tls_version_is_13(handshake->version);
	size_t i;

	if (!last || handshake->renegotiation)
		return false;
	if (handshake->amid[END_SERVER] || handshake->amid[END_CLIENT])
		return true;
	if (!handshake->version)
		return false;
	if (last->encrypted)
		return false;
	if (is_13)
		return message_is(last, TLS_SERVER_HELLO);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (message_is(last, types[i]))
			return true;
	return last->kind == MESSAGE_CHANGE_CIPHER_SPEC;
}

enum handshake_end handshake_awaited(const struct handshake *handshake)
{
	const struct message *last = handshake_last_message(handshake);

	if (!handshake->offer.partial && handshake_is_mid_flight(handshake))
		return handshake->amid[END_SERVER]   ? END_SERVER
		       : handshake->amid[END_CLIENT] ? END_CLIENT
						     : last->from;
	return handshake->offer.partial || (last && last->from == END_SERVER) ? END_CLIENT
									      : END_SERVER;
}
