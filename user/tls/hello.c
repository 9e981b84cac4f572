// SPDX-License-Identifier: BSD-2-Clause
#include "tls/hello.h"

#include <string.h>

#define VERSION_DRAFT 0x7f /* of TLS 1.3: the draft's number is the low byte */

/* SHA-256 of "HelloRetryRequest", RFC 8446 section 4.1.3. */
static const uint8_t retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
	0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
	0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

bool tls_extension_next(struct slice *extensions, uint16_t *type, struct slice *data)
{
	struct slice start = *extensions;

	if (slice_u16(extensions, type) && slice_vector16(extensions, data))
		return true;
	*extensions = start;
	return false;
}

/* RFC 6066 section 3; the first host_name counts. */
static void server_name_read(struct slice data, struct slice *name)
{
	struct slice list, entry;
	uint8_t type;

	if (!slice_vector16(&data, &list))
		return;
	while (slice_u8(&list, &type) && slice_vector16(&list, &entry)) {
		if (type == 0) {
			*name = entry;
			return;
		}
	}
}

static void client_extension_read(uint16_t type, struct slice data, struct tls_client_hello *hello)
{
	bool well_formed = true;

	switch (type) {
	case TLS_EXTENSION_SERVER_NAME:
		server_name_read(data, &hello->sni);
		break;
	case TLS_EXTENSION_SUPPORTED_GROUPS:
		well_formed = slice_vector16(&data, &hello->groups);
		break;
	case TLS_EXTENSION_POINT_FORMATS:
		well_formed = slice_vector8(&data, &hello->point_formats);
		break;
	case TLS_EXTENSION_SIGNATURE_ALGORITHMS:
		well_formed = slice_vector16(&data, &hello->signatures);
		break;
	case TLS_EXTENSION_ALPN:
		well_formed = slice_vector16(&data, &hello->alpn);
		break;
	case TLS_EXTENSION_SUPPORTED_VERSIONS:
		well_formed = slice_vector8(&data, &hello->versions);
		break;
	case TLS_EXTENSION_KEY_SHARE:
	case TLS_EXTENSION_KEY_SHARE_DRAFT:
		well_formed = slice_vector16(&data, &hello->key_shares);
		break;
	case TLS_EXTENSION_DELEGATED_CREDENTIAL:
		well_formed = slice_vector16(&data, &hello->delegated_credentials);
		break;
	case TLS_EXTENSION_HEARTBEAT:
		well_formed = slice_u8(&data, &hello->heartbeat);
		break;
	case TLS_EXTENSION_PADDING:
		hello->padding = data.length;
		hello->has_padding = true;
		break;
	case TLS_EXTENSION_PSK_MODES:
		well_formed = slice_vector8(&data, &hello->psk_modes);
		break;
	case TLS_EXTENSION_SESSION_TICKET:
		hello->ticket = data.length > 0;
		break;
	case TLS_EXTENSION_PRE_SHARED_KEY:
		hello->psk = true;
		break;
	case TLS_EXTENSION_EARLY_DATA:
		hello->early_data = true;
		break;
	case TLS_EXTENSION_ECH:
		hello->ech = true;
		break;
	}
	(void)well_formed; /* a broken extension leaves its list empty; the rest of the hello is
			      valid */
}

static bool client_hello_read(struct slice body, bool is_dtls, struct tls_client_hello *hello)
{
	struct slice random, cookie, rest, data;
	uint16_t type, length;
	bool cut = false;

	memset(hello, 0, sizeof(*hello));
	if (!slice_u16(&body, &hello->version) || !slice_bytes(&body, 32, &random))
		return false;
	memcpy(hello->random, random.bytes, 32);
	if (!slice_vector8(&body, &hello->session_id) || hello->session_id.length > 32 ||
	    (is_dtls && !slice_vector8(&body, &cookie)) ||
	    !slice_vector16(&body, &hello->ciphers) || !slice_vector8(&body, &hello->compressions))
		return false;
	/* Before RFC 3546 there were no extensions. Of a block that was cut off the whole ones are
	 * read. */
	if (body.length && !slice_vector16(&body, &hello->extensions)) {
		cut = true;
		if (!slice_u16(&body, &length))
			return false;
		hello->extensions = body;
	}
	for (rest = hello->extensions; tls_extension_next(&rest, &type, &data);)
		client_extension_read(type, data, hello);
	hello->whole = !cut && rest.length == 0;
	return hello->whole;
}

bool tls_client_hello_read(struct slice body, struct tls_client_hello *hello)
{
	return client_hello_read(body, false, hello);
}

bool tls_client_hello_dtls_read(struct slice body, struct tls_client_hello *hello)
{
	return client_hello_read(body, true, hello);
}

/* RFC 5246 appendix E.2: after the type byte. The challenge is the random, right-aligned. */
bool tls_client_hello_v2_read(struct slice body, struct tls_client_hello *hello)
{
	uint16_t ciphers, session, challenge;
	struct slice random;

	memset(hello, 0, sizeof(*hello));
	hello->is_v2 = true;
	if (!slice_u16(&body, &hello->version) || !slice_u16(&body, &ciphers) ||
	    !slice_u16(&body, &session) || !slice_u16(&body, &challenge) ||
	    !slice_bytes(&body, ciphers, &hello->ciphers) ||
	    !slice_bytes(&body, session, &hello->session_id) || challenge > 32 ||
	    !slice_bytes(&body, challenge, &random))
		return false;
	memcpy(hello->random + 32 - challenge, random.bytes, challenge);
	return true;
}

static void server_extension_read(uint16_t type, struct slice data, struct tls_server_hello *hello)
{
	struct slice list, name;
	uint16_t value;
	uint8_t mode, kind;

	switch (type) {
	case TLS_EXTENSION_SUPPORTED_VERSIONS:
		if (slice_u16(&data, &value))
			hello->version = value;
		break;
	case TLS_EXTENSION_KEY_SHARE:
	case TLS_EXTENSION_KEY_SHARE_DRAFT:
		if (slice_u16(&data, &value))
			hello->group = value;
		break;
	case TLS_EXTENSION_COOKIE:
		hello->cookie = true;
		break;
	case TLS_EXTENSION_HEARTBEAT:
		if (slice_u8(&data, &mode))
			hello->heartbeat = mode;
		break;
	case TLS_EXTENSION_CLIENT_CERTIFICATE_TYPE:
		hello->no_client_x509 = slice_u8(&data, &kind) && kind;
		break;
	case TLS_EXTENSION_SERVER_CERTIFICATE_TYPE:
		hello->no_server_x509 = slice_u8(&data, &kind) && kind;
		break;
	case TLS_EXTENSION_ALPN:
		if (slice_vector16(&data, &list) && slice_vector8(&list, &name))
			hello->alpn = name;
		break;
	case TLS_EXTENSION_PRE_SHARED_KEY:
		hello->psk = true;
		break;
	}
}

static bool server_extensions_read(struct slice body, struct tls_server_hello *hello)
{
	struct slice rest, data;
	uint16_t type;

	if (!body.length)
		return true;
	if (!slice_vector16(&body, &hello->extensions))
		return false;
	for (rest = hello->extensions; tls_extension_next(&rest, &type, &data);)
		server_extension_read(type, data, hello);
	return rest.length == 0;
}

bool tls_server_hello_read(struct slice body, struct tls_server_hello *hello)
{
	struct slice random;

	memset(hello, 0, sizeof(*hello));
	if (!slice_u16(&body, &hello->version) || !slice_bytes(&body, 32, &random))
		return false;
	hello->legacy_version = hello->version;
	memcpy(hello->random, random.bytes, 32);
	hello->is_retry = memcmp(hello->random, retry_random, 32) == 0;
	/*
	 * Drafts before 22 had their own layout: neither session id nor compression. Some of their
	 * servers said 0x0304 there, which RFC 8446 section 4.1.3 leaves to the extension.
	 */
	if (hello->version == 0x0304 || hello->version >> 8 == VERSION_DRAFT)
		return slice_u16(&body, &hello->cipher) && server_extensions_read(body, hello);
	if (!slice_vector8(&body, &hello->session_id) || hello->session_id.length > 32 ||
	    !slice_u16(&body, &hello->cipher) || !slice_u8(&body, &hello->compression))
		return false;
	return server_extensions_read(body, hello);
}

bool tls_retry_draft_read(struct slice body, struct tls_server_hello *hello)
{
	memset(hello, 0, sizeof(*hello));
	hello->is_retry = true;
	if (!slice_u16(&body, &hello->version))
		return false;
	/* The suite came with draft 19. */
	if (hello->version >= 0x7f13 && !slice_u16(&body, &hello->cipher))
		return false;
	return server_extensions_read(body, hello);
}

bool tls_version_is_13(uint16_t version)
{
	return version > 0x0303 && version != 0xfeff && version != 0xfefd;
}

bool tls_server_key_exchange_read(struct slice body, bool is_ecdhe, bool has_signature_scheme,
				  uint16_t *group, uint16_t *signature)
{
	struct slice part;
	uint8_t curve_type;
	int i;

	*group = *signature = 0;
	if (is_ecdhe) {
		/* named_curve is 3; explicit curves were never used */
		if (!slice_u8(&body, &curve_type) || curve_type != 3 || !slice_u16(&body, group) ||
		    !slice_vector8(&body, &part))
			return false;
	} else {
		for (i = 0; i < 3; i++) /* p, g, Ys */
			if (!slice_vector16(&body, &part))
				return false;
	}
	if (has_signature_scheme && body.length)
		return slice_u16(&body, signature);
	return true;
}

bool tls_alpn_next(const uint8_t *list, size_t size, size_t *offset, const uint8_t **name,
		   size_t *length)
{
	/* The list's own length: a name is not empty (RFC 7301, section 3.1), so 0 is no name's. */
	if (!*offset && size >= 2 && (size_t)(list[0] << 8 | list[1]) == size - 2)
		*offset = 2;
	if (*offset >= size || list[*offset] > size - *offset - 1)
		return false;
	*length = list[*offset];
	*name = list + *offset + 1;
	*offset += 1 + *length;
	return true;
}
