/* SPDX-License-Identifier: BSD-2-Clause */
#include "names.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "names.gen.h"

/* Rising order, as in the generated tables. DTLS counts down: RFC 6347 4.1, RFC 9147 5.3. */
static const struct tls_name version_rows[] = {
	{0x0002, "SSLv2"},    {0x0300, "SSLv3"},    {0x0301, "TLSv1.0"},
	{0x0302, "TLSv1.1"},  {0x0303, "TLSv1.2"},  {0x0304, "TLSv1.3"},
	{0xfefc, "DTLSv1.3"}, {0xfefd, "DTLSv1.2"}, {0xfeff, "DTLSv1.0"},
};

/* Small registries of 8-bit code points that no longer grow. */
static const struct tls_name point_format_rows[] = {
	{0, "uncompressed"},
	{1, "ansiX962_compressed_prime"},
	{2, "ansiX962_compressed_char2"},
};

static const struct tls_name psk_mode_rows[] = {
	{0, "psk_ke"},
	{1, "psk_dhe_ke"},
};

static const struct tls_name compression_rows[] = {
	{0, "null"},
	{1, "deflate"},
	{64, "lzs"},
};

static const struct tls_name heartbeat_rows[] = {
	{1, "peer_allowed_to_send"},
	{2, "peer_not_allowed_to_send"},
};

#define ROWS(table)                                                                                \
	{                                                                                          \
		.rows = table, .count = sizeof(table) / sizeof((table)[0])                         \
	}

static const struct tls_name_table versions = ROWS(version_rows);
static const struct tls_name_table point_formats = ROWS(point_format_rows);
static const struct tls_name_table psk_modes = ROWS(psk_mode_rows);
static const struct tls_name_table compressions = ROWS(compression_rows);
static const struct tls_name_table heartbeats = ROWS(heartbeat_rows);

static int code_compare(const void *key, const void *row)
{
	uint16_t code = *(const uint16_t *)key;
	const struct tls_name *name = row;

	return (code > name->code) - (code < name->code);
}

static const char *name_find(const struct tls_name_table *table, uint16_t code)
{
	const struct tls_name *name;

	name = bsearch(&code, table->rows, table->count, sizeof(*table->rows), code_compare);
	return name ? name->name : NULL;
}

const char *tls_version_name(uint16_t version)
{
	return name_find(&versions, version);
}

const char *tls_cipher_name(uint16_t cipher)
{
	return name_find(&tls_ciphers, cipher);
}

uint32_t tls_cipher_hash_size(uint16_t cipher)
{
	static const char sha384[] = "SHA384";
	const char *name = tls_cipher_name(cipher);
	size_t length = name ? strlen(name) : 0, end = sizeof(sha384) - 1;

	return length > end && strcmp(name + length - end, sha384) == 0 ? 48 : 32;
}

uint32_t tls_cipher_tag_size(uint16_t cipher)
{
	switch (cipher) {
	case 0x1305: /* TLS_AES_128_CCM_8_SHA256, RFC 8446 appendix B.4 */
		return 8;
	case 0xc0b4: /* TLS_SHA256_SHA256, RFC 9150: it does not encrypt at all */
		return 32;
	case 0xc0b5: /* TLS_SHA384_SHA384 */
		return 48;
	default:
		return 16;
	}
}

const char *tls_group_name(uint16_t group)
{
	return name_find(&tls_groups, group);
}

bool tls_group_is_post_quantum(uint16_t group)
{
	static const struct {
		uint16_t first, last;
	} ranges[] = {
		{0x0200, 0x0202}, /* MLKEM512 to MLKEM1024 */
		{0x11eb, 0x11ee}, /* SecP256r1MLKEM768 to curveSM2MLKEM768 */
		{0x4138, 0x4138}, /* CECPQ2 */
		{0x6399, 0x639a}, /* Kyber768Draft00 */
		{0xfe30, 0xfe32}, /* Kyber, older drafts */
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (group >= ranges[i].first && group <= ranges[i].last)
			return true;
	return false;
}

const char *tls_signature_name(uint16_t signature)
{
	return name_find(&tls_signatures, signature);
}

const char *tls_extension_name(uint16_t extension)
{
	return name_find(&tls_extensions, extension);
}

const char *tls_alert_name(uint8_t alert)
{
	return name_find(&tls_alerts, alert);
}

const char *tls_handshake_name(uint8_t handshake)
{
	return name_find(&tls_handshakes, handshake);
}

const char *tls_point_format_name(uint16_t format)
{
	return name_find(&point_formats, format);
}

const char *tls_psk_mode_name(uint16_t mode)
{
	return name_find(&psk_modes, mode);
}

const char *tls_compression_name(uint16_t method)
{
	return name_find(&compressions, method);
}

const char *tls_heartbeat_name(uint16_t mode)
{
	return name_find(&heartbeats, mode);
}

bool tls_is_signal(uint16_t cipher)
{
	return cipher == 0x00ff || cipher == 0x5600;
}

bool tls_is_grease(uint16_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}
