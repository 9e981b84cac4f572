// SPDX-License-Identifier: BSD-2-Clause
/* Readers of what was offered and chosen: what is null there, and why, is decided here. */
#include <stdio.h>
#include <string.h>

#include "handshake/cause.h"
#include "handshake/fields_read.h"
#include "tls/hello.h"
#include "tls/names.h"
#include "tls/quic.h"

/* The whole handshake was seen, so what it does not have was not sent. */
static bool is_whole(const struct handshake *handshake)
{
	return handshake->outcome == HANDSHAKE_COMPLETED && !handshake_is_partial(handshake) &&
	       !handshake->renegotiation;
}

static bool offer_is_whole(const struct handshake *handshake)
{
	const struct offer *offer = &handshake->offer;

	return handshake->has_random && offer->received >= offer->size && !handshake->renegotiation;
}

static enum field_state absent_if(bool is_absent)
{
	return is_absent ? FIELD_ABSENT : FIELD_UNKNOWN;
}

FIELD_READER(read_quic_version)
{
	(void)field;
	(void)base;
	if (!row->handshake->quic_version)
		return absent_if(row->handshake->transport != TRANSPORT_QUIC);
	return field_known_string(value,
				  quic_version_name(row->handshake->quic_version, row->buffer));
}

FIELD_READER(read_cipher)
{
	(void)field;
	(void)base;
	value->number = row->handshake->cipher;
	return row->handshake->has_cipher ? FIELD_KNOWN : FIELD_UNKNOWN;
}

FIELD_READER(read_group)
{
	(void)field;
	(void)base;
	value->number = row->handshake->group;
	return row->handshake->group ? FIELD_KNOWN : absent_if(is_whole(row->handshake));
}

FIELD_READER(read_signature)
{
	const struct handshake *handshake = row->handshake;

	(void)field;
	(void)base;
	value->number = handshake->signature;
	if (handshake->signature)
		return FIELD_KNOWN;
	return absent_if(is_whole(handshake) && !tls_version_is_13(handshake->version));
}

FIELD_READER(read_sni)
{
	const struct handshake *handshake = row->handshake;

	(void)field;
	(void)base;
	field_known_text(value, handshake->sni, handshake->sni_length);
	return handshake->sni ? FIELD_KNOWN : absent_if(offer_is_whole(handshake));
}

/* A server cannot choose where the client offers nothing (RFC 7301 section 3.1). */
FIELD_READER(read_alpn)
{
	const struct handshake *handshake = row->handshake;
	bool was_offered = !offer_is_whole(handshake) || handshake->offer.alpn_length;

	(void)field;
	(void)base;
	field_known_text(value, handshake->alpn, handshake->alpn_length);
	if (handshake->alpn_length)
		return FIELD_KNOWN;
	return absent_if(!was_offered ||
			 (is_whole(handshake) && !tls_version_is_13(handshake->version)));
}

/* What was not seen may be in the missing part. */
static enum field_state seen(const struct handshake *handshake, bool was_seen,
			     struct field_value *value)
{
	value->boolean = was_seen;
	return was_seen || !handshake_is_partial(handshake) ? FIELD_KNOWN : FIELD_UNKNOWN;
}

FIELD_READER(read_resumed)
{
	const struct handshake *handshake = row->handshake;

	(void)field;
	(void)base;
	if (!handshake->has_server_random && !handshake->resumed)
		return FIELD_UNKNOWN;
	return seen(handshake, handshake->resumed, value);
}

FIELD_READER(read_resumption)
{
	struct field_value resumed;
	enum field_state state = read_resumed(field, row, base, &resumed);

	value->number = row->handshake->resumption;
	if (row->handshake->resumption != RESUMPTION_UNKNOWN)
		return FIELD_KNOWN;
	return absent_if(state == FIELD_KNOWN && !resumed.boolean);
}

FIELD_READER(read_key_exchange)
{
	const char *name = tls_key_exchange_name(row->handshake->key_exchange);

	(void)field;
	(void)base;
	return name ? field_known_string(value, name) : FIELD_UNKNOWN;
}

FIELD_READER(read_state)
{
	unsigned int state = *(const unsigned int *)((const char *)base + field->offset);

	(void)row;
	value->number = state;
	return state == TRI_UNKNOWN ? FIELD_UNKNOWN : FIELD_KNOWN;
}

/* RFC 8446 section 4.2.9: with a key share it is psk_dhe_ke. */
FIELD_READER(read_psk_mode)
{
	(void)field;
	(void)base;
	if (row->handshake->psk != TRI_ACCEPTED)
		return absent_if(row->handshake->psk != TRI_UNKNOWN);
	return field_known_string(value, tls_psk_mode_name(row->handshake->group != 0));
}

/*
 * A server that chose an older version did not ask for another hello. DTLS's verification is as
 * old as DTLS.
 */
FIELD_READER(read_retry)
{
	const struct handshake *handshake = row->handshake;

	value->boolean = *(const bool *)((const char *)base + field->offset);
	if (handshake->transport == TRANSPORT_TCP && handshake->has_server_random &&
	    !tls_version_is_13(handshake->version))
		return FIELD_KNOWN;
	return seen(handshake, value->boolean, value);
}

FIELD_READER(read_downgrade)
{
	(void)field;
	(void)base;
	value->number = handshake_downgrade(row->handshake);
	return value->number ? FIELD_KNOWN : absent_if(row->handshake->has_server_random);
}

FIELD_READER(read_plain)
{
	const struct handshake *handshake = row->handshake;

	if (!handshake->has_server_random || tls_version_is_13(handshake->version))
		return FIELD_UNKNOWN;
	return seen(handshake, *(const bool *)((const char *)base + field->offset), value);
}

FIELD_READER(read_compression)
{
	const char *name = tls_compression_name(row->handshake->compression);

	(void)field;
	(void)base;
	if (!row->handshake->has_server_random || !row->handshake->compression)
		return absent_if(row->handshake->has_server_random);
	if (!name)
		snprintf(row->buffer, sizeof(row->buffer), "0x%02x", row->handshake->compression);
	return field_known_string(value, name ? name : row->buffer);
}

FIELD_READER(read_server_random)
{
	(void)field;
	(void)base;
	field_known_text(value, row->handshake->server_random, 32);
	return row->handshake->has_server_random ? FIELD_KNOWN : FIELD_UNKNOWN;
}

FIELD_READER(read_session_id)
{
	const struct handshake *handshake = row->handshake;

	(void)field;
	(void)base;
	field_known_text(value, handshake->session_id, handshake->session_id_length);
	return handshake->session_id_length ? FIELD_KNOWN : absent_if(offer_is_whole(handshake));
}

FIELD_READER(read_offered_alpn)
{
	const struct offer *offer = base;
	const uint8_t *name;
	size_t length;

	(void)field;
	if (!row->item && !offer->alpn_length && offer->received < offer->size)
		return FIELD_UNKNOWN;
	if (!tls_alpn_next(offer->alpn, offer->alpn ? offer->alpn_length : 0, &row->cursor, &name,
			   &length))
		return FIELD_END;
	return field_known_text(value, name, length);
}

FIELD_READER(read_offered_padding)
{
	const struct offer *offer = base;

	(void)field;
	value->number = offer->padding;
	if (offer->has_padding)
		return FIELD_KNOWN;
	return absent_if(offer_is_whole(row->handshake));
}

static bool has_post_quantum(const struct code_list *groups)
{
	for (size_t i = 0; i < groups->count; i++)
		if (tls_group_is_post_quantum(groups->items[i]))
			return true;
	return false;
}

FIELD_READER(read_post_quantum)
{
	const struct handshake *handshake = row->handshake;
	const struct offer *offer = &handshake->offer;

	(void)field;
	(void)base;
	value->number = POST_QUANTUM_NONE;
	if (tls_group_is_post_quantum(handshake->group))
		value->number = POST_QUANTUM_CHOSEN;
	else if (has_post_quantum(&offer->groups) || has_post_quantum(&offer->key_shares))
		value->number = POST_QUANTUM_OFFERED;
	else if (!offer_is_whole(handshake))
		return FIELD_UNKNOWN;
	return FIELD_KNOWN;
}
