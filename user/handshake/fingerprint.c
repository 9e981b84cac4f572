// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/fingerprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "tls/hello.h"
#include "tls/names.h"
#include "tls/slice.h"

#define JA4_HASH_LENGTH 12
#define JA4_COUNT_MAX	99
#define DECIMAL_MAX	6 /* "65535-" */
#define HEX_MAX		5 /* "ff01," */

/* Text with room for all that is put into it. */
struct line {
	char *text; /* owned */
	size_t length;
};

static bool line_start(struct line *line, size_t room)
{
	line->text = malloc(room);
	line->length = 0;
	return line->text;
}

static void put_char(struct line *line, char character)
{
	line->text[line->length++] = character;
}

static void put_decimal(struct line *line, uint16_t code)
{
	char digits[DECIMAL_MAX];
	size_t count = 0;

	do
		digits[count++] = (char)('0' + code % 10);
	while (code /= 10);
	while (count)
		put_char(line, digits[--count]);
}

static char hex_digit(unsigned int value)
{
	return "0123456789abcdef"[value & 15];
}

static void put_hex(struct line *line, uint16_t code)
{
	for (int shift = 12; shift >= 0; shift -= 4)
		put_char(line, hex_digit(code >> shift));
}

typedef void code_putter(struct line *line, uint16_t code);

static void put_codes(struct line *line, code_putter *put, char separator,
		      const struct code_list *codes)
{
	bool first = true;

	for (size_t i = 0; i < codes->count; i++) {
		if (tls_is_grease(codes->items[i]))
			continue;
		if (!first)
			put_char(line, separator);
		put(line, codes->items[i]);
		first = false;
	}
}

/* The first digits of the hash in lower-case hex, with a NUL at the end. */
static void hash_write(const EVP_MD *type, const struct line *line, char *to, size_t digits)
{
	uint8_t hash[EVP_MAX_MD_SIZE];

	to[0] = '\0';
	if (!EVP_Digest(line->text, line->length, hash, NULL, type, NULL)) {
		ERR_clear_error();
		return;
	}
	for (size_t i = 0; i < digits; i++)
		to[i] = hex_digit(i % 2 ? hash[i / 2] : hash[i / 2] >> 4);
	to[digits] = '\0';
}

/* "769,47-53-5,0-10-11,23-24-25,0": a field without values is empty. */
static void ja3_write(struct handshake *handshake)
{
	const struct offer *offer = &handshake->offer;
	const struct code_list *fields[] = {
		&offer->ciphers,
		&offer->extensions,
		&offer->groups,
		&offer->point_formats,
	};
	size_t count = sizeof(fields) / sizeof(fields[0]), room = 1;
	struct line line;

	for (size_t i = 0; i < count; i++)
		room += 1 + fields[i]->count;
	if (!line_start(&line, room * DECIMAL_MAX))
		return;
	put_decimal(&line, offer->version);
	for (size_t i = 0; i < count; i++) {
		put_char(&line, ',');
		put_codes(&line, put_decimal, '-', fields[i]);
	}
	hash_write(EVP_md5(), &line, handshake->ja3, sizeof(handshake->ja3) - 1);
	free(line.text);
}

/* "769,47,65281-0-11" */
static void ja3s_write(struct handshake *handshake)
{
	struct line line;

	if (!line_start(&line, (3 + handshake->server_extensions.count) * DECIMAL_MAX))
		return;
	put_decimal(&line, handshake->server_legacy_version);
	put_char(&line, ',');
	put_decimal(&line, handshake->cipher);
	put_char(&line, ',');
	put_codes(&line, put_decimal, '-', &handshake->server_extensions);
	hash_write(EVP_md5(), &line, handshake->ja3s, sizeof(handshake->ja3s) - 1);
	free(line.text);
}

static const char *ja4_version(const struct offer *offer)
{
	static const struct {
		uint16_t version;
		const char *name;
	} names[] = {
		{0x0304, "13"}, {0x0303, "12"}, {0x0302, "11"}, {0x0301, "10"}, {0x0300, "s3"},
		{0x0002, "s2"}, {0xfeff, "d1"}, {0xfefd, "d2"}, {0xfefc, "d3"},
	};
	uint16_t version = 0;

	/* The highest value, as the text says: of DTLS, which counts down, the oldest version. */
	for (size_t i = 0; i < offer->versions.count; i++)
		if (!tls_is_grease(offer->versions.items[i]) && offer->versions.items[i] > version)
			version = offer->versions.items[i];
	if (!version)
		version = offer->version;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].version == version)
			return names[i].name;
	return "00";
}

static bool has_extension(const struct offer *offer, uint16_t type)
{
	for (size_t i = 0; i < offer->extensions.count; i++)
		if (offer->extensions.items[i] == type)
			return true;
	return false;
}

/* Not isalnum(): that is the locale's. */
static bool is_alphanumeric(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z');
}

/* RFC 8701 section 2 reserves names of ALPN too, and JA4 ignores GREASE wherever it appears. */
static bool is_grease_name(struct slice name)
{
	uint16_t code;

	return name.length == 2 && slice_u16(&name, &code) && tls_is_grease(code);
}

/* First and last character of the first name, or of its hex digits. */
static void ja4_alpn(const struct offer *offer, char to[2])
{
	struct slice list = {offer->alpn, offer->alpn_length}, name;
	uint8_t first, last;

	to[0] = to[1] = '0';
	do {
		if (!slice_vector8(&list, &name) || !name.length)
			return;
	} while (is_grease_name(name));
	first = name.bytes[0];
	last = name.bytes[name.length - 1];
	if (is_alphanumeric(first) && is_alphanumeric(last)) {
		to[0] = (char)first;
		to[1] = (char)last;
	} else {
		to[0] = hex_digit(first >> 4);
		to[1] = hex_digit(last);
	}
}

static unsigned int ja4_count(const struct code_list *codes)
{
	unsigned int count = 0;

	for (size_t i = 0; i < codes->count && count < JA4_COUNT_MAX; i++)
		count += !tls_is_grease(codes->items[i]);
	return count;
}

static int code_compare(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* Sorted, without the two extensions that vary with the destination. Owned; false: no memory. */
static bool codes_sort(const struct code_list *codes, bool are_extensions, struct code_list *sorted)
{
	sorted->count = 0;
	sorted->items = malloc((codes->count + 1) * sizeof(*sorted->items));
	if (!sorted->items)
		return false;
	for (size_t i = 0; i < codes->count; i++) {
		uint16_t code = codes->items[i];

		if (tls_is_grease(code) || (are_extensions && (code == TLS_EXTENSION_SERVER_NAME ||
							       code == TLS_EXTENSION_ALPN)))
			continue;
		sorted->items[sorted->count++] = code;
	}
	qsort(sorted->items, sorted->count, sizeof(*sorted->items), code_compare);
	return true;
}

/* The hash of ciphers, or of extensions and, unsorted, their tail; zeros if there are none. */
static bool ja4_hash(const struct code_list *codes, const struct code_list *tail,
		     char to[JA4_HASH_LENGTH + 1])
{
	struct code_list sorted;
	struct line line;

	to[0] = '\0';
	if (!codes_sort(codes, tail, &sorted))
		return false;
	if (!sorted.count) {
		memset(to, '0', JA4_HASH_LENGTH);
		to[JA4_HASH_LENGTH] = '\0';
	} else if (line_start(&line, (sorted.count + (tail ? tail->count : 0) + 1) * HEX_MAX)) {
		put_codes(&line, put_hex, ',', &sorted);
		if (tail && ja4_count(tail)) {
			put_char(&line, '_');
			put_codes(&line, put_hex, ',', tail);
		}
		hash_write(EVP_sha256(), &line, to, JA4_HASH_LENGTH);
		free(line.text);
	}
	free(sorted.items);
	return to[0];
}

/* "t13d1516h2_8daaf6152771_e5627efa2ab1" */
static void ja4_write(struct handshake *handshake)
{
	static const char transports[] = {
		[TRANSPORT_TCP] = 't',
		[TRANSPORT_QUIC] = 'q',
		[TRANSPORT_DTLS] = 'd',
	};
	const struct offer *offer = &handshake->offer;
	char ciphers[JA4_HASH_LENGTH + 1], extensions[JA4_HASH_LENGTH + 1], alpn[2];

	if (!ja4_hash(&offer->ciphers, NULL, ciphers) ||
	    !ja4_hash(&offer->extensions, &offer->signatures, extensions))
		return;
	ja4_alpn(offer, alpn);
	snprintf(handshake->ja4, sizeof(handshake->ja4), "%c%s%c%02u%02u%c%c_%s_%s",
		 transports[handshake->transport], ja4_version(offer),
		 has_extension(offer, TLS_EXTENSION_SERVER_NAME) ? 'd' : 'i',
		 ja4_count(&offer->ciphers), ja4_count(&offer->extensions), alpn[0], alpn[1],
		 ciphers, extensions);
}

void handshake_fingerprint(struct handshake *handshake)
{
	if (handshake->offer.whole) {
		ja3_write(handshake);
		ja4_write(handshake);
	}
	if (handshake->server_hello_whole)
		ja3s_write(handshake);
}
