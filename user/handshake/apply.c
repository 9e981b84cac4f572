// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/cause.h"
#include "handshake/certificates.h"
#include "handshake/datagrams.h"
#include "handshake/renegotiation.h"
#include "tls/names.h"

enum { ALERT_WARNING = 1, ALERT_FATAL = 2, ALERT_CLOSE_NOTIFY = 0, ALERT_USER_CANCELED = 90 };

/*
 * Lengths of encrypted TLS 1.3 records with a 16-byte tag and one byte of inner type, unpadded:
 * Finished is 4 + 32 or 48 bytes (RFC 8446 section 4.4.4), EndOfEarlyData 4, an alert 2, an empty
 * Certificate 8.
 */
enum {
	TAIL_ALERT = 19,
	TAIL_ALERT_PADDED = 35, /* Java pads to 16 */
	TAIL_END_OF_EARLY_DATA = 21,
	TAIL_EMPTY_CERTIFICATE = 25,
	TAIL_FINISHED = 21, /* and the hash */
};

static bool version_is_13(const struct handshake *handshake)
{
	return tls_version_is_13(handshake->version);
}

struct message *apply_record(struct handshake *handshake, const struct flow_message *from)
{
	struct message *message;

	handshake->last_ns = from->time_ns;
	if (handshake->message_count == HANDSHAKE_MESSAGES_MAX)
		return NULL;
	message = &handshake->messages[handshake->message_count++];
	*message = (struct message){
		.time_ns = from->time_ns,
		.from = from->from_client ? END_CLIENT : END_SERVER,
		.record = from->record_type,
		.size = from->size,
	};
	return message;
}

/* The list of these code points at next; returns where another may begin. */
static uint16_t *codes_copy(struct code_list *list, struct slice codes, size_t width, uint16_t *next)
{
	size_t i;

	list->items = next;
	list->count = codes.length / width;
	for (i = 0; i < list->count; i++) {
		const uint8_t *last = codes.bytes + (i + 1) * width - 1;

		*next++ = (uint16_t)(width > 1 ? last[-1] << 8 | last[0] : last[0]);
	}
	return next;
}

/* Types of extensions, and groups of key shares: both lists of a code point and a vector, 4 bytes at least. */
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
		{ &offer->versions, hello->versions, 2 },	{ &offer->ciphers, hello->ciphers, cipher_width },
		{ &offer->groups, hello->groups, 2 },		{ &offer->signatures, hello->signatures, 2 },
		{ &offer->point_formats, hello->point_formats, 1 }, { &offer->psk_modes, hello->psk_modes, 1 },
		{ &offer->compressions, hello->compressions, 1 },
		{ &offer->delegated_credentials, hello->delegated_credentials, 2 },
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

int apply_client_hello(struct handshake *handshake, const struct tls_client_hello *hello,
		       const struct flow_message *from)
{
	struct message *message = apply_record(handshake, from);
	bool cut = from->truncated || from->partial;
	/* What is not there may stand in what was cut off. */
	enum handshake_tri absent = cut ? TRI_UNKNOWN : TRI_NONE;
	int error;

	if (message)
		message->name = tls_handshake_name(TLS_CLIENT_HELLO);
	/* Behind an encrypted hello none comes in the clear, unless somebody put it there. */
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

/* How the key is agreed: TLS 1.3 by the group, before that by the name of the suite. */
static const char *key_exchange_name(const struct handshake *handshake)
{
	static const struct { const char *prefix, *name; } suites[] = {
		{ "TLS_ECDHE_PSK_", "ECDHE_PSK" }, { "TLS_DHE_PSK_", "DHE_PSK" },
		{ "TLS_RSA_PSK_", "RSA_PSK" },	   { "TLS_PSK_", "PSK" },
		{ "TLS_ECDHE_", "ECDHE" },	   { "TLS_DHE_", "DHE" },
		{ "TLS_ECDH_anon_", "ECDH_anon" }, { "TLS_DH_anon_", "DH_anon" },
		{ "TLS_ECDH_", "ECDH" },	   { "TLS_DH_", "DH" },
		{ "TLS_RSA_", "RSA" },		   { "TLS_SRP_", "SRP" },
		{ "TLS_KRB5_", "KRB5" },	   { "TLS_GOSTR341112_", "GOST" },
	};
	const char *name;
	size_t i;

	if (version_is_13(handshake)) {
		if (!handshake->group)
			return handshake->psk == TRI_ACCEPTED ? "PSK" : NULL;
		name = tls_group_name(handshake->group);
		if (name && (strstr(name, "MLKEM") || strstr(name, "Kyber")))
			return strncmp(name, "MLKEM", 5) == 0 ? "KEM" : "hybrid";
		return handshake->group >> 8 == 1 ? "DHE" : "ECDHE"; /* 0x01xx is ffdhe, RFC 7919 */
	}
	name = tls_cipher_name(handshake->cipher);
	for (i = 0; name && i < sizeof(suites) / sizeof(suites[0]); i++)
		if (strncmp(name, suites[i].prefix, strlen(suites[i].prefix)) == 0)
			return suites[i].name;
	return NULL;
}

static void alpn_set(struct handshake *handshake, struct slice name)
{
	if (!name.bytes || name.length > sizeof(handshake->alpn))
		return;
	memcpy(handshake->alpn, name.bytes, name.length);
	handshake->alpn_length = name.length;
}

static void apply_retry(struct handshake *handshake, struct message *message,
			const struct tls_server_hello *hello)
{
	handshake->version = hello->version;
	handshake->hello_retry = true;
	handshake->group = handshake->retry_group = hello->group;
	handshake->retry_cookie = hello->cookie;
	/* RFC 8446 section 4.2.10: the client must not go on with early data. */
	if (handshake->early_data == TRI_OFFERED)
		handshake->early_data = TRI_REJECTED;
	if (message)
		message->name = "hello_retry_request";
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
	*list = (struct code_list){ malloc((hello->extensions.length / 4 + 1) * sizeof(*list->items)), 0 };
	if (list->items)
		codes_walk(list, hello->extensions, list->items);
	handshake->server_hello_whole = list->items && whole;
	handshake->server_legacy_version = hello->legacy_version;
}

static void apply_server_hello(struct handshake *handshake, struct message *message,
			       struct slice body)
{
	struct tls_server_hello hello;
	bool whole = tls_server_hello_read(body, &hello);

	if (!whole)
		handshake->truncated = true;
	handshake->version = hello.version;
	if (hello.is_retry) {
		/* A ServerHello by its type only (RFC 8446 section 4.1.3). */
		apply_retry(handshake, message, &hello);
		return;
	}
	server_hello_keep(handshake, &hello, whole);
	handshake->heartbeat = hello.heartbeat;
	memcpy(handshake->server_random, hello.random, sizeof(handshake->server_random));
	handshake->has_server_random = true;
	handshake->cipher = hello.cipher;
	handshake->has_cipher = true;
	handshake->compression = hello.compression;
	handshake->group = hello.group;
	alpn_set(handshake, hello.alpn);
	session_id_answer(handshake, hello.session_id);
	if (handshake->psk == TRI_OFFERED)
		handshake->psk = hello.psk ? TRI_ACCEPTED : TRI_OFFERED;
	handshake->resumed = version_is_13(handshake) && hello.psk;
	handshake->resumption = handshake->resumed ? "psk" : NULL;
	if (version_is_13(handshake))
		handshake->client_auth = TRI_UNKNOWN;
	handshake->key_exchange = key_exchange_name(handshake);
}

/* TLS 1.2 brought them, and DTLS 1.2; DTLS counts down. */
static bool has_signature_scheme(uint16_t version)
{
	return version == 0xfefd || (version >= 0x0303 && version < 0xfe00);
}

/* Key exchanges for which the server sends a key of its own; behind a hint, if the client has a PSK (RFC 4279). */
static const struct ephemeral { const char *key_exchange; bool is_ecdhe, has_hint; } ephemerals[] = {
	{ "ECDHE", true, false },    { "DHE", false, false },	 { "ECDH_anon", true, false },
	{ "DH_anon", false, false }, { "ECDHE_PSK", true, true }, { "DHE_PSK", false, true },
};

static const struct ephemeral *ephemeral_find(const char *key_exchange)
{
	size_t i;

	for (i = 0; key_exchange && i < sizeof(ephemerals) / sizeof(ephemerals[0]); i++)
		if (strcmp(ephemerals[i].key_exchange, key_exchange) == 0)
			return &ephemerals[i];
	return NULL;
}

static void apply_server_key_exchange(struct handshake *handshake, struct slice body)
{
	const struct ephemeral *kind = ephemeral_find(handshake->key_exchange);
	struct slice hint;

	if (!kind)
		return;
	if ((kind->has_hint && !slice_vector16(&body, &hint)) ||
	    !tls_server_key_exchange_read(body, kind->is_ecdhe, has_signature_scheme(handshake->version),
					  &handshake->group, &handshake->signature))
		handshake->truncated = true;
}

static bool server_sent(const struct handshake *handshake, const char *name)
{
	size_t i;

	for (i = 0; i < handshake->message_count; i++)
		if (handshake->messages[i].from == END_SERVER && handshake->messages[i].name &&
		    strcmp(handshake->messages[i].name, name) == 0)
			return true;
	return false;
}

static void apply_handshake(struct handshake *handshake, const struct flow_message *from)
{
	enum handshake_end sender = from->from_client ? END_CLIENT : END_SERVER;
	struct message *message = apply_record(handshake, from);
	struct tls_server_hello hello;

	if (message)
		message->name = tls_handshake_name(from->type);
	/* Half a message would be read as one that says less: a ServerHello of TLS 1.3 as one of 1.2. */
	if (from->truncated) {
		handshake->truncated = true;
		return;
	}
	switch (from->type) {
	case TLS_SERVER_HELLO:
		if (!from->from_client)
			apply_server_hello(handshake, message, from->body);
		break;
	case TLS_HELLO_RETRY_REQUEST_DRAFT:
		if (!from->from_client && tls_retry_draft_read(from->body, &hello))
			apply_retry(handshake, message, &hello);
		break;
	case TLS_HELLO_VERIFY_REQUEST:
		if (!from->from_client && handshake->transport == TRANSPORT_DTLS)
			handshake->retry_cookie = true;
		break;
	case TLS_SERVER_KEY_EXCHANGE:
		apply_server_key_exchange(handshake, from->body);
		break;
	case TLS_CERTIFICATE_REQUEST:
		handshake->client_auth = TRI_REQUESTED;
		break;
	case TLS_CERTIFICATE:
		/* An empty list is three bytes of length. */
		if (from->from_client)
			handshake->client_auth = from->body.length > 3 ? TRI_SENT : TRI_DECLINED;
		if (!version_is_13(handshake))
			handshake_certificates_keep(handshake, sender, from->body);
		break;
	case TLS_CERTIFICATE_STATUS:
		handshake->ocsp_stapled |= !from->from_client;
		break;
	case TLS_NEW_SESSION_TICKET:
		handshake->ticket_issued |= !from->from_client;
		break;
	}
}

void apply_failure(struct handshake *handshake, enum failure_kind kind, enum handshake_end by,
		   uint64_t time_ns)
{
	if (handshake->outcome != HANDSHAKE_PENDING)
		return;
	handshake->outcome = HANDSHAKE_FAILED;
	handshake->failure.kind = kind;
	handshake->failure.by = by;
	handshake->end_ns = time_ns;
}

static void apply_alert(struct handshake *handshake, const struct flow_message *from)
{
	struct message *message = apply_record(handshake, from);
	enum handshake_end by = from->from_client ? END_CLIENT : END_SERVER;
	uint8_t level = from->body.bytes[0], alert = from->body.bytes[1];

	if (message) {
		message->name = tls_alert_name(alert);
		message->alert_level = level;
		message->alert = alert;
	}
	if (handshake->outcome != HANDSHAKE_PENDING)
		return;
	if (alert == ALERT_CLOSE_NOTIFY || alert == ALERT_USER_CANCELED) {
		apply_failure(handshake, FAILURE_CLOSED, by, from->time_ns);
		handshake->failure.alert = alert;
		return;
	}
	/* A warning leaves the choice to the other side (unrecognized_name); 1.3 knows none. */
	if (level == ALERT_WARNING && !version_is_13(handshake))
		return;
	apply_failure(handshake, FAILURE_ALERT, by, from->time_ns);
	handshake->failure.alert = alert;
}

void apply_completion(struct handshake *handshake, uint64_t time_ns)
{
	if (handshake->outcome != HANDSHAKE_PENDING)
		return;
	handshake->outcome = HANDSHAKE_COMPLETED;
	handshake->end_ns = time_ns;
}

void apply_encrypted_alert(struct handshake *handshake, const struct flow_message *from)
{
	if (handshake->outcome != HANDSHAKE_PENDING)
		return;
	apply_failure(handshake, FAILURE_ALERT, from->from_client ? END_CLIENT : END_SERVER, from->time_ns);
	handshake->failure.encrypted = true;
}

/* TLS 1.2 and before: both sides' ChangeCipherSpec and the record behind it. */
static void legacy_encrypted(struct handshake *handshake, const struct flow_message *from,
			     struct message *message)
{
	bool sent[2] = { false, false };
	size_t i;

	if (from->record_type == RECORD_KIND_ALERT) {
		apply_encrypted_alert(handshake, from);
		return;
	}
	/* False Start (RFC 7918). */
	if (from->record_type == RECORD_KIND_DATA)
		handshake->client_spoke_on |= from->from_client;
	if (from->record_type != RECORD_KIND_HANDSHAKE)
		return;
	if (message)
		message->name = "encrypted_handshake_message";
	for (i = 0; i < handshake->message_count; i++)
		if (handshake->messages[i].encrypted &&
		    handshake->messages[i].record == RECORD_KIND_HANDSHAKE)
			sent[handshake->messages[i].from] = true;
	if (sent[END_CLIENT] && sent[END_SERVER])
		apply_completion(handshake, from->time_ns);
}

/* The client's records in TLS 1.3 behind the ServerHello, by their lengths. */
static void client_tail(struct handshake *handshake, const struct flow_message *from,
			struct message *message)
{
	const char *name = NULL;

	if (from->size == TAIL_FINISHED + tls_cipher_hash_size(handshake->cipher)) {
		name = "finished";
		if (handshake->early_data == TRI_OFFERED) {
			handshake->early_data = TRI_REJECTED;
			handshake_infer(handshake, "tls.early_data");
		}
		if (handshake->client_auth == TRI_UNKNOWN) {
			handshake->client_auth = TRI_NONE;
			handshake_infer(handshake, "tls.client_auth");
		}
		handshake_infer(handshake, "outcome");
		apply_completion(handshake, from->time_ns);
	} else if (from->size == TAIL_END_OF_EARLY_DATA) {
		name = "end_of_early_data";
		handshake->early_data = TRI_ACCEPTED;
		handshake->client_spoke_on = true;
		handshake_infer(handshake, "tls.early_data");
	} else if (from->size == TAIL_EMPTY_CERTIFICATE) {
		name = "certificate";
		handshake->client_auth = TRI_DECLINED;
		handshake_infer(handshake, "tls.client_auth");
	} else if (from->size == TAIL_ALERT || from->size == TAIL_ALERT_PADDED) {
		apply_encrypted_alert(handshake, from);
		handshake_infer(handshake, "failure");
	} else if (handshake->client_auth == TRI_UNKNOWN && handshake->early_data != TRI_OFFERED) {
		/* More than Finished: a certificate and its proof. */
		handshake->client_auth = TRI_SENT;
		handshake_infer(handshake, "tls.client_auth");
	}
	if (message && name) {
		message->name = name;
		message->inferred = true;
		handshake_infer(handshake, "messages");
	}
}

/* The server speaks after the client's second flight: it must have liked it. */
static void server_tail(struct handshake *handshake, const struct flow_message *from)
{
	size_t i;
	bool client_spoke = false;

	for (i = 0; i < handshake->message_count; i++) {
		const struct message *message = &handshake->messages[i];

		if (message->from == END_CLIENT && message->encrypted)
			client_spoke = true;
	}
	if (from->size == TAIL_ALERT || from->size == TAIL_ALERT_PADDED) {
		apply_encrypted_alert(handshake, from);
		handshake_infer(handshake, "failure");
	} else if (client_spoke && handshake->early_data == TRI_NONE) {
		handshake->server_spoke_on = true;
		handshake_infer(handshake, "outcome");
		apply_completion(handshake, from->time_ns);
	}
}

/* Of TLS 1.3 an alert, or what is as short as one. */
static bool is_alert_sized(const struct flow_message *from)
{
	return from->size == TAIL_ALERT || from->size == TAIL_ALERT_PADDED;
}

/* An end leaves a completed handshake's connection. */
static void apply_leave(struct handshake *handshake, enum handshake_end by)
{
	if (!handshake->left_at_once && !handshake->client_spoke_on) {
		handshake->left_at_once = true;
		handshake->left_by = by;
	}
	/* What answers an alert is no reason for it. */
	if (by == END_CLIENT && !handshake->late_alert_ns)
		handshake->client_closing = true;
}

/*
 * Behind completion. The client's Finished ends the handshake for the client; a server that asked for
 * a certificate judges it only then (RFC 8446 section 4.4.2.4), and its first record says what it
 * thinks: a ticket or data that it goes on, an alert with nothing behind it that it refused. If the
 * client has said goodbye before, the alert is the server's goodbye.
 */
static void apply_behind(struct handshake *handshake, const struct flow_message *from)
{
	bool is_13 = version_is_13(handshake);
	bool goodbye = is_13 ? is_alert_sized(from) : from->record_type == RECORD_KIND_ALERT;

	if (from->from_client && goodbye)
		apply_leave(handshake, END_CLIENT);
	else if (from->from_client)
		handshake->client_spoke_on = true;
	else if (goodbye && apply_awaits_judgement(handshake))
		handshake->late_alert_ns = from->time_ns;
	else
		handshake->server_spoke_on = true;
}

bool apply_awaits_judgement(const struct handshake *handshake)
{
	return handshake->outcome == HANDSHAKE_COMPLETED && version_is_13(handshake) &&
	       handshake->transport == TRANSPORT_TCP && !handshake->server_spoke_on &&
	       !handshake->client_closing &&
	       (handshake->client_auth == TRI_DECLINED || handshake->client_auth == TRI_SENT);
}

/* The connection ends behind completion: was that a refusal? */
static void apply_end_behind(struct handshake *handshake, enum handshake_end by)
{
	if (handshake->late_alert_ns && apply_awaits_judgement(handshake)) {
		handshake->outcome = HANDSHAKE_PENDING;
		apply_failure(handshake, FAILURE_ALERT, END_SERVER, handshake->late_alert_ns);
		handshake->failure.encrypted = true;
		handshake_infer(handshake, "failure");
		return;
	}
	apply_leave(handshake, by);
}

static void apply_encrypted(struct handshake *handshake, const struct flow_message *from)
{
	bool answered = handshake->has_server_random;
	struct message *message;

	if (handshake->transport == TRANSPORT_QUIC) {
		apply_quic_encrypted(handshake, from);
		return;
	}
	if (handshake->transport == TRANSPORT_DTLS && version_is_13(handshake)) {
		apply_dtls13_encrypted(handshake, from);
		return;
	}
	if (handshake->outcome == HANDSHAKE_COMPLETED)
		apply_behind(handshake, from);
	/* Behind the end only the first few records are of interest (session tickets). */
	if (handshake->outcome != HANDSHAKE_PENDING && (from->from_client || !version_is_13(handshake)))
		return;
	message = apply_record(handshake, from);
	if (message)
		message->encrypted = true;
	if (!version_is_13(handshake) && answered)
		legacy_encrypted(handshake, from, message);
	else if (answered && handshake->outcome == HANDSHAKE_PENDING && from->from_client)
		client_tail(handshake, from, message);
	else if (answered && handshake->outcome == HANDSHAKE_PENDING)
		server_tail(handshake, from);
}

/*
 * RFC 5246 section 7.3: a server that has sent no certificate yet takes up an old session, which
 * the client named by its id or, RFC 5077 section 3.4, sent along as a ticket, with an id or
 * without one.
 */
static bool takes_up_session(const struct handshake *handshake)
{
	return (handshake->session_id_length || handshake->offer.ticket) &&
	       !server_sent(handshake, "certificate") &&
	       !server_sent(handshake, "server_key_exchange") &&
	       !server_sent(handshake, "server_hello_done");
}

static const char *resumption_name(const struct handshake *handshake)
{
	if (handshake->offer.ticket)
		return "ticket";
	return handshake->session_id_echoed ? "session_id" : NULL;
}

static void apply_change_cipher_spec(struct handshake *handshake, const struct flow_message *from)
{
	struct message *message = apply_record(handshake, from);

	if (message)
		message->name = "change_cipher_spec";
	if (!from->from_client && !version_is_13(handshake) && takes_up_session(handshake)) {
		handshake->resumed = true;
		handshake->resumption = resumption_name(handshake);
	}
}

/* Who spoke last waits for the other. */
void apply_timeout(struct handshake *handshake, uint64_t now_ns)
{
	const struct message *last = handshake_last_message(handshake);
	enum handshake_end by = handshake_awaited(handshake);

	/* Either may have said why in an encrypted packet, and the other then says nothing. */
	if (last && last->encrypted && handshake->transport == TRANSPORT_QUIC &&
	    last->record != RECORD_KIND_QUIC_0RTT)
		by = END_UNKNOWN;
	apply_failure(handshake, FAILURE_TIMEOUT, by, now_ns);
}

void apply_named(struct handshake *handshake, const struct flow_message *from, const char *name)
{
	struct message *message = apply_record(handshake, from);

	if (message)
		message->name = name;
}

/* SSL 2.0 is named, not followed: whether such a handshake was completed stays open. */
static void apply_server_hello_v2(struct handshake *handshake, const struct flow_message *from)
{
	apply_named(handshake, from, tls_handshake_name(TLS_SERVER_HELLO));
	if (handshake->outcome != HANDSHAKE_PENDING)
		return;
	handshake->version = 0x0002;
	handshake->outcome = HANDSHAKE_INCOMPLETE;
	handshake->end_ns = from->time_ns;
}

/* What the first bytes of an answer that is not TLS look like. */
static const char *plaintext_name(struct slice body)
{
	static const struct { const char *start, *name; } protocols[] = {
		{ "HTTP/", "HTTP" },  { "<html", "HTML" },	  { "<HTML", "HTML" },
		{ "<!DOC", "HTML" },  { "SSH-", "SSH" },	  { "220 ", "SMTP or FTP" },
		{ "220-", "SMTP or FTP" }, { "500 ", "SMTP or FTP" }, { "502 ", "SMTP or FTP" },
		{ "+OK", "POP3" },    { "* OK", "IMAP" },	  { "* BAD", "IMAP" },
		{ "-ERR", "Redis or POP3" },
	};

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		size_t length = strlen(protocols[i].start);

		if (body.length >= length && memcmp(body.bytes, protocols[i].start, length) == 0)
			return protocols[i].name;
	}
	return NULL;
}

void apply_message(struct handshake *handshake, const struct flow_message *message)
{
	if (handshake->renegotiation) {
		renegotiation_apply(handshake, message);
		return;
	}
	switch (message->kind) {
	case FLOW_HANDSHAKE:
	case FLOW_HELLO_V2:
		apply_handshake(handshake, message);
		break;
	case FLOW_SERVER_HELLO_V2:
		apply_server_hello_v2(handshake, message);
		break;
	case FLOW_ALERT:
		apply_alert(handshake, message);
		break;
	case FLOW_CHANGE_CIPHER_SPEC:
		apply_change_cipher_spec(handshake, message);
		break;
	case FLOW_ENCRYPTED:
		apply_encrypted(handshake, message);
		break;
	case FLOW_NOT_TLS:
		handshake->failure.protocol = plaintext_name(message->body);
		apply_failure(handshake, FAILURE_REFUSED, message->from_client ? END_CLIENT : END_SERVER,
			      message->time_ns);
		break;
	case FLOW_QUIC_RETRY:
		apply_named(handshake, message, "retry");
		break;
	case FLOW_QUIC_VERSION_NEGOTIATION:
		apply_named(handshake, message, "version_negotiation");
		break;
	case FLOW_QUIC_CLOSE:
		apply_quic_close(handshake, message);
		break;
	}
}

void apply_end(struct handshake *handshake, bool from_client, bool reset, uint64_t time_ns)
{
	if (handshake->outcome == HANDSHAKE_COMPLETED) {
		apply_end_behind(handshake, from_client ? END_CLIENT : END_SERVER);
		return;
	}
	apply_failure(handshake, reset ? FAILURE_RESET : FAILURE_CLOSED,
		      from_client ? END_CLIENT : END_SERVER, time_ns);
}
