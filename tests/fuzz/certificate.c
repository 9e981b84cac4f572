// SPDX-License-Identifier: BSD-2-Clause
/* A certificate's DER or, if the first byte is odd, the body of a whole Certificate message. */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "handshake/certificates.h"
#include "sink/sink.h"

static void certificate_read(struct slice der)
{
	static const uint8_t sha256[32];
	struct certificate *certificate = certificate_parse(der, sha256);
	char text[256];
	size_t i;

	if (!certificate)
		abort();
	if (certificate->subject)
		text_escape(certificate->subject, strlen(certificate->subject), text, sizeof(text));
	for (i = 0; i < certificate->san_count; i++)
		text_escape(certificate->sans[i], strlen(certificate->sans[i]), text, sizeof(text));
	certificate_release(certificate);
}

static void message_read(struct slice body)
{
	struct certificate_cache *cache = certificate_cache_new();
	struct handshake *handshake = handshake_new();

	if (!cache || !handshake)
		abort();
	handshake_certificates_keep(handshake, END_SERVER, body);
	handshake_certificates_keep(handshake, END_CLIENT, body);
	handshake_certificates_read(handshake, cache);
	handshake_free(handshake);
	certificate_cache_free(cache);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = {data, size};
	uint8_t which;

	if (!slice_u8(&input, &which))
		return 0;
	if (which & 1)
		message_read(input);
	else
		certificate_read(input);
	return 0;
}
