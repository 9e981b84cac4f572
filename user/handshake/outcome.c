// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/outcome.h"

#include "handshake/cause.h"

/* What came early was of use only with what came before it in the stream. */
static uint64_t message_time(const struct handshake *handshake, uint64_t time_ns)
{
	size_t count = handshake->message_count;
	uint64_t last_ns = count ? handshake->messages[count - 1].time_ns : 0;

	return last_ns > time_ns ? last_ns : time_ns;
}

struct message *outcome_record(struct progress *progress, const struct flow_message *from)
{
	uint64_t time_ns = message_time(progress->handshake, from->time_ns);
	struct message *message = handshake_message_add(progress->handshake);

	progress->handshake->last_ns = from->time_ns;
	if (message)
		*message = (struct message){
			.time_ns = time_ns,
			.from = sender_of(from),
			.record = from->record_type,
			.size = from->size,
		};
	return message;
}

void outcome_record_kind(struct progress *progress, const struct flow_message *from,
			 enum message_kind kind)
{
	struct message *message = outcome_record(progress, from);

	if (message)
		message->kind = kind;
}

struct message *outcome_record_handshake(struct progress *progress, const struct flow_message *from,
					 uint8_t type)
{
	struct message *message = outcome_record(progress, from);

	if (message) {
		message->kind = MESSAGE_HANDSHAKE;
		message->type = type;
	}
	return message;
}

/* TLS and DTLS number record types from 20, ours for QUIC from 0x80. */
static uint32_t kind_bit(uint8_t kind)
{
	return 1U << kind % 32;
}

struct message *outcome_record_encrypted(struct progress *progress, const struct flow_message *from)
{
	struct message *message = outcome_record(progress, from);

	if (message)
		message->encrypted = !from->in_clear;
	progress->encrypted_kinds[sender_of(from)] |= kind_bit(from->record_type);
	return message;
}

bool outcome_has_encrypted(const struct progress *progress, enum handshake_end from, uint8_t kind)
{
	return progress->encrypted_kinds[from] & kind_bit(kind);
}

void outcome_infer_message(struct progress *progress, struct message *message, uint8_t type)
{
	if (!message)
		return;
	message->kind = MESSAGE_HANDSHAKE;
	message->type = type;
	message->inferred = true;
	handshake_infer(progress->handshake, INFERRED_MESSAGES);
}

void outcome_complete(struct progress *progress, uint64_t time_ns)
{
	struct handshake *handshake = progress->handshake;

	if (handshake->outcome != HANDSHAKE_PENDING)
		return;
	handshake->outcome = HANDSHAKE_COMPLETED;
	handshake->end_ns = time_ns;
}

void outcome_fail(struct progress *progress, enum failure_kind kind, enum handshake_end by,
		  uint64_t time_ns)
{
	struct handshake *handshake = progress->handshake;

	if (handshake->outcome != HANDSHAKE_PENDING)
		return;
	handshake->outcome = HANDSHAKE_FAILED;
	handshake->failure.kind = kind;
	handshake->failure.by = by;
	handshake->end_ns = time_ns;
}

void outcome_encrypted_alert(struct progress *progress, enum handshake_end by, uint64_t time_ns)
{
	if (progress->handshake->outcome != HANDSHAKE_PENDING)
		return;
	outcome_fail(progress, FAILURE_ALERT, by, time_ns);
	progress->handshake->failure.encrypted = true;
}

void outcome_timeout(struct progress *progress, uint64_t now_ns)
{
	const struct handshake *handshake = progress->handshake;
	const struct message *last = handshake_last_message(handshake);
	enum handshake_end by = handshake_awaited(handshake);

	/* Either end may have said why in an encrypted packet, after which the other is silent. */
	if (last && last->encrypted && handshake->transport == TRANSPORT_QUIC &&
	    last->record != RECORD_KIND_QUIC_0RTT)
		by = END_UNKNOWN;
	outcome_fail(progress, FAILURE_TIMEOUT, by, now_ns);
}
