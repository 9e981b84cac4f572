// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/certificates.h"

#include <stdlib.h>
#include <string.h>

/* OpenSSL accepts no message above 100 KiB; real chains have a tenth of this. */
#define MESSAGE_MAX (64 * 1024)

void handshake_certificates_keep(struct handshake *handshake, enum handshake_end from,
				 struct slice body)
{
	size_t length = body.length < MESSAGE_MAX ? body.length : MESSAGE_MAX;
	uint8_t *copy;

	if (handshake->certificate_messages[from].body || !length)
		return;
	copy = malloc(length);
	if (!copy || length < body.length)
		handshake->truncated = true;
	if (!copy)
		return;
	memcpy(copy, body.bytes, length);
	handshake->certificate_messages[from].body = copy;
	handshake->certificate_messages[from].length = length;
}

static void certificate_add(struct handshake *handshake, enum handshake_end from,
			    struct certificate *certificate)
{
	if (!certificate) {
		handshake->truncated = true;
		return;
	}
	handshake->certificates[handshake->certificate_count++] =
		(struct sent_certificate){from, certificate};
}

/* A list: its length, then each certificate after its own; lengths have 3 bytes. */
static void message_read(struct handshake *handshake, enum handshake_end from,
			 struct certificate_cache *cache)
{
	struct slice body = {handshake->certificate_messages[from].body,
			     handshake->certificate_messages[from].length};
	struct slice list, der;
	uint32_t claimed;
	size_t i;

	if (!slice_vector24(&body, &list)) {
		/* Of a list that ends too early the certificates are there up to its end. */
		list = body;
		body.length = 0;
		if (!slice_u24(&list, &claimed))
			list.length = 0;
		handshake->truncated = true;
	}
	for (i = 0; i < HANDSHAKE_CERTIFICATES_MAX && slice_vector24(&list, &der); i++)
		certificate_add(handshake, from, certificate_cache_get(cache, der));
	if (list.length || body.length)
		handshake->truncated = true;
}

void handshake_certificates_read(struct handshake *handshake, struct certificate_cache *cache)
{
	static const enum handshake_end ends[] = {END_SERVER, END_CLIENT};

	if (handshake->certificates)
		return;
	if (!handshake->certificate_messages[END_SERVER].body &&
	    !handshake->certificate_messages[END_CLIENT].body)
		return;
	handshake->certificates =
		calloc(2 * HANDSHAKE_CERTIFICATES_MAX, sizeof(*handshake->certificates));
	if (!handshake->certificates) {
		handshake->truncated = true;
		return;
	}
	for (size_t i = 0; i < 2; i++)
		if (handshake->certificate_messages[ends[i]].body)
			message_read(handshake, ends[i], cache);
}
