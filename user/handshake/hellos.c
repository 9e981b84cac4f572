// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/hellos.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/outcome.h"
#include "tls/names.h"

/*
 * The list of these code points at next; returns where another may begin. Of 3 bytes are those of a
 * hello in SSLv2 style: the ones that do not begin with 0 are SSLv2's own (RFC 5246 appendix E.2),
 * and have no code point.
 */
static uint16_t *codes_copy(struct code_list *list, struct slice codes, size_t width,
			    uint16_t *next)
{
	size_t i;

	list->items = next;
	for (i = 0; i < codes.length / width; i++) {
		const uint8_t *last = codes.bytes + (i + 1) * width - 1;

		if (width < 3 || !last[-2])
			*next++ = (uint16_t)(width > 1 ? last[-1] << 8 | last[0] : last[0]);
	}
	list->count = next - list->items;
	return next;
}

/* Types of extensions, and groups of key shares: both lists of a code point and a vector, 4 bytes
 * at least. */
static uint16_t *codes_walk(struct code_list *list, struct slice entries, uint16_t *next)
{
	struct slice data;
	uint16_t code;

	list->items = next;
	while (tls_extension_next(&entries, &code, &data))
		*next++ = code;
	list->count = next - list->items;
	return next;
}

static void *bytes_copy(struct slice bytes)
{
	char *copy = malloc(bytes.length + 1);

	if (copy) {
		memcpy(copy, bytes.bytes, bytes.length);
		copy[bytes.length] = 0;
	}
	return copy;
}

/* One block for all lists: a hello has a dozen of them. */
static int offer_codes(struct offer *offer, const struct tls_client_hello *hello)
{
	size_t cipher_width = hello->is_v2 ? 3 : 2;
	const struct {
		struct code_list *list;
		struct slice codes;
		size_t width;
	} copied[] = {
		{&offer->versions, hello->versions, 2},
		{&offer->ciphers, hello->ciphers, cipher_width},
		{&offer->groups, hello->groups, 2},
		{&offer->signatures, hello->signatures, 2},
		{&offer->point_formats, hello->point_formats, 1},
		{&offer->psk_modes, hello->psk_modes, 1},
		{&offer->compressions, hello->compressions, 1},
		{&offer->delegated_credentials, hello->delegated_credentials, 2},
	};
	size_t count = hello->key_shares.length / 4 + hello->extensions.length / 4, i;
	uint16_t *next;

	for (i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
		count += copied[i].codes.length / copied[i].width;
	free(offer->codes); /* of a hello that was cut off before its random */
	offer->codes = next = malloc((count + 1) * sizeof(*next));
	if (!next)
		return -ENOMEM;
	for (i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
		next = codes_copy(copied[i].list, copied[i].codes, copied[i].width, next);
	next = codes_walk(&offer->key_shares, hello->key_shares, next);
	codes_walk(&offer->extensions, hello->extensions, next);
	return 0;
}

static int offer_fill(struct handshake *handshake, const struct tls_client_hello *hello)
{
	struct offer *offer = &handshake->offer;
	int error = offer_codes(offer, hello);

	offer->version = hello->version;
	offer->whole = hello->whole;
	offer->ticket = hello->ticket;
	offer->padding = hello->padding;
	offer->has_padding = hello->has_padding;
	offer->heartbeat = hello->heartbeat;
	if (hello->alpn.length) {
		offer->alpn = bytes_copy(hello->alpn);
		offer->alpn_length = offer->alpn ? hello->alpn.length : 0;
	}
	if (hello->sni.bytes) {
		handshake->sni = bytes_copy(hello->sni);
		handshake->sni_length = handshake->sni ? hello->sni.length : 0;
	}
	return error;
}

int hello_client_apply(struct progress *progress, const struct tls_client_hello *hello,
		       const struct flow_message *from)
{
	struct handshake *handshake = progress->handshake;
	bool cut = from->truncated || from->partial;
	/* The part that was cut off may hold what is missing. */
	enum handshake_tri absent = cut ? TRI_UNKNOWN : TRI_NONE;
	int error;

	outcome_record_handshake(progress, from, TLS_CLIENT_HELLO);
	/* After an encrypted hello none comes in the clear, unless somebody put it there. */
	if (handshake->has_random || handshake->renegotiation)
		return 0;
	memcpy(handshake->random, hello->random, sizeof(handshake->random));
	handshake->has_random = !from->truncated || from->body.length >= TLS_HELLO_RANDOM_END;
	handshake->time_ns = from->time_ns;
	handshake->offer.size = from->size;
	handshake->offer.received = cut ? TLS_MESSAGE_HEADER + from->body.length : from->size;
	handshake->offer.records = from->records;
	handshake->offer.segments = from->segments;
	if (hello->session_id.length && hello->session_id.length <= sizeof(handshake->session_id)) {
		memcpy(handshake->session_id, hello->session_id.bytes, hello->session_id.length);
		handshake->session_id_length = hello->session_id.length;
	}
	handshake->psk = hello->psk ? TRI_OFFERED : absent;
	handshake->early_data = hello->early_data ? TRI_OFFERED : absent;
	handshake->ech = hello->ech ? TRI_OFFERED : absent;
	error = offer_fill(handshake, hello);
	/* One cut off where its extensions begin looks like one of the time before them. */
	if (cut)
		handshake->offer.whole = false;
	handshake->offer.partial = from->partial;
	return error;
}

/* TLS 1.3 agrees by the group, earlier versions by what the suite says. */
static enum tls_key_exchange key_exchange_of(const struct handshake *handshake)
{
	if (!tls_version_is_13(handshake->version))
		return tls_cipher_key_exchange(handshake->cipher);
	if (handshake->group)
		return tls_group_key_exchange(handshake->group);
	return handshake->psk == TRI_ACCEPTED ? TLS_KEY_EXCHANGE_PSK : TLS_KEY_EXCHANGE_UNKNOWN;
}

static void alpn_set(struct handshake *handshake, struct slice name)
{
	if (!name.bytes || name.length > sizeof(handshake->alpn))
		return;
	memcpy(handshake->alpn, name.bytes, name.length);
	handshake->alpn_length = name.length;
}

static bool has_code(const struct code_list *list, uint16_t code)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i] == code)
			return true;
	return false;
}

static void violation_note(struct handshake *handshake, enum violation violation, bool holds)
{
	/* What an offer lacks is not known if it was cut off. */
	if (holds && handshake->violation == VIOLATION_NONE && handshake->offer.whole)
		handshake->violation = violation;
}

/* RFC 8446 section 4.1.4: one only, and only for a key share that the client did not send. */
static void retry_check(struct handshake *handshake, const struct tls_server_hello *hello)
{
	violation_note(handshake, VIOLATION_RETRY_TWICE, handshake->hello_retry);
	violation_note(handshake, VIOLATION_RETRY_SHARED,
		       hello->group && has_code(&handshake->offer.key_shares, hello->group));
}

/* RFC 8446 sections 4.1.3 and 4.2.8, RFC 5246 section 7.4.1.3. */
static void answer_check(struct handshake *handshake, const struct tls_server_hello *hello)
{
	bool is_13 = tls_version_is_13(hello->version);
	bool shared = has_code(&handshake->offer.key_shares, hello->group) ||
		      (handshake->hello_retry && hello->group == handshake->retry_group);
	bool echoed = hello->session_id.length == handshake->session_id_length &&
		      memcmp(hello->session_id.bytes, handshake->session_id,
			     hello->session_id.length) == 0;

	violation_note(handshake, VIOLATION_CIPHER,
		       !has_code(&handshake->offer.ciphers, hello->cipher));
	violation_note(handshake, VIOLATION_GROUP, is_13 && hello->group && !shared);
	violation_note(handshake, VIOLATION_SESSION_ID,
		       is_13 && hello->legacy_version == 0x0303 && !echoed);
}

static void retry_apply(struct handshake *handshake, struct message *message,
			const struct tls_server_hello *hello)
{
	retry_check(handshake, hello);
	handshake->version = hello->version;
	handshake->hello_retry = true;
	handshake->group = handshake->retry_group = hello->group;
	handshake->retry_cookie = hello->cookie;
	/* RFC 8446 section 4.2.10: the client must not go on with early data. */
	if (handshake->early_data == TRI_OFFERED)
		handshake->early_data = TRI_REJECTED;
	if (message)
		message->kind = MESSAGE_HELLO_RETRY_REQUEST;
}

/* The server's session id, a new one or the one it repeats, takes the place of the client's. */
static void session_id_answer(struct handshake *handshake, struct slice id)
{
	if (!id.length || id.length > sizeof(handshake->session_id))
		return;
	handshake->session_id_echoed = id.length == handshake->session_id_length &&
				       memcmp(handshake->session_id, id.bytes, id.length) == 0;
	memcpy(handshake->session_id, id.bytes, id.length);
	handshake->session_id_length = id.length;
}

static void server_hello_keep(struct handshake *handshake, const struct tls_server_hello *hello,
			      bool whole)
{
	struct code_list *list = &handshake->server_extensions;

	free(list->items);
	*list = (struct code_list){
		malloc((hello->extensions.length / 4 + 1) * sizeof(*list->items)), 0};
	if (list->items)
		codes_walk(list, hello->extensions, list->items);
	handshake->server_hello_whole = list->items && whole;
	handshake->server_legacy_version = hello->legacy_version;
}

static void server_hello_apply(struct progress *progress, struct message *message,
			       struct slice body)
{
	struct handshake *handshake = progress->handshake;
	struct tls_server_hello hello;
	bool whole = tls_server_hello_read(body, &hello);

	if (!whole)
		handshake->truncated = true;
	handshake->version = hello.version;
	if (hello.is_retry) {
		/* A ServerHello by its type only (RFC 8446 section 4.1.3). */
		retry_apply(handshake, message, &hello);
		return;
	}
	if (whole && !handshake->has_server_random)
		answer_check(handshake, &hello);
	server_hello_keep(handshake, &hello, whole);
	handshake->heartbeat = hello.heartbeat;
	memcpy(handshake->server_random, hello.random, sizeof(handshake->server_random));
	handshake->has_server_random = true;
	/* What the client encrypted before the answer was early data, or unasked for. */
	progress->encrypted_kinds[END_CLIENT] = 0;
	handshake->cipher = hello.cipher;
	handshake->has_cipher = true;
	handshake->compression = hello.compression;
	handshake->group = hello.group;
	alpn_set(handshake, hello.alpn);
	session_id_answer(handshake, hello.session_id);
	progress->no_x509[END_CLIENT] = hello.no_client_x509;
	progress->no_x509[END_SERVER] = hello.no_server_x509;
	/* Of an offer that was cut off the answer says that it was there. */
	if (hello.psk && handshake->psk != TRI_NONE)
		handshake->psk = TRI_ACCEPTED;
	handshake->resumed = tls_version_is_13(handshake->version) && hello.psk;
	handshake->resumption = handshake->resumed ? RESUMPTION_PSK : RESUMPTION_UNKNOWN;
	if (tls_version_is_13(handshake->version))
		handshake->client_auth = TRI_UNKNOWN;
	else if (handshake->early_data == TRI_OFFERED)
		handshake->early_data = TRI_REJECTED;
	handshake->key_exchange = key_exchange_of(handshake);
}

void hello_server_apply(struct progress *progress, struct message *message,
			const struct flow_message *from)
{
	struct handshake *handshake = progress->handshake;
	struct tls_server_hello hello;

	if (from->type == TLS_SERVER_HELLO)
		server_hello_apply(progress, message, from->body);
	else if (from->type == TLS_HELLO_VERIFY_REQUEST)
		handshake->retry_cookie |= handshake->transport == TRANSPORT_DTLS;
	else if (tls_retry_draft_read(from->body, &hello))
		retry_apply(handshake, message, &hello);
}
