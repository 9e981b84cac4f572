// SPDX-License-Identifier: BSD-2-Clause
#include "tls/beginning.h"

#include <stddef.h>
#include <string.h>

#include "tls/hello.h"
#include "tls/quic.h"
#include "tls/record.h"

#define EMPTY_RECORDS_MAX 8 /* before the hello; OpenSSL takes up to 32 */
#define PROXY_V1_MAX	  107
#define PROXY_V2_HEADER	  16

/* Of a vector with a length of one byte: may it be there? Moves after it as far as there are bytes.
 */
static enum beginning vector8_skip(struct slice *rest, size_t most)
{
	struct slice vector;

	if (!rest->length)
		return BEGINS_MAYBE;
	if (rest->bytes[0] > most)
		return BEGINS_NOTHING;
	return slice_vector8(rest, &vector) ? BEGINS_HELLO : BEGINS_MAYBE;
}

/* A hello with an undefined version must be well-formed as far as its cipher suites. */
static enum beginning odd_hello(struct slice rest, uint32_t size)
{
	struct slice random;
	enum beginning session;
	uint16_t ciphers;

	if (!slice_bytes(&rest, 32, &random))
		return BEGINS_MAYBE;
	session = vector8_skip(&rest, 32);
	if (session != BEGINS_HELLO)
		return session;
	if (!slice_u16(&rest, &ciphers))
		return BEGINS_MAYBE;
	return ciphers && ciphers % 2 == 0 && ciphers < size ? BEGINS_HELLO : BEGINS_NOTHING;
}

static bool is_version(uint16_t version)
{
	return version >> 8 == 3 && (version & 0xff) <= 4;
}

/* The message's header and its version, as far as the record goes: records have any length. */
static enum beginning message_beginning(struct slice rest, uint16_t record_version, uint16_t length)
{
	uint8_t message, high;
	uint16_t size, version;

	if (!slice_u8(&rest, &message))
		return BEGINS_MAYBE;
	if (message != TLS_CLIENT_HELLO)
		return BEGINS_NOTHING;
	if (length < 2)
		return is_version(record_version) ? BEGINS_HELLO : BEGINS_NOTHING;
	/* A hello is shorter than 64 KiB. */
	if (!slice_u8(&rest, &high))
		return BEGINS_MAYBE;
	if (high != 0)
		return BEGINS_NOTHING;
	if (length < 6)
		return is_version(record_version) ? BEGINS_HELLO : BEGINS_NOTHING;
	if (!slice_u16(&rest, &size) || !slice_u16(&rest, &version))
		return BEGINS_MAYBE;
	if (is_version(record_version) && is_version(version))
		return BEGINS_HELLO;
	return odd_hello(rest, size);
}

/* The record's header, then what it carries. Empty records may come first. */
static enum beginning record_beginning(struct slice payload)
{
	uint16_t version, length;
	uint8_t type, major;
	size_t i;

	for (i = 0; i < EMPTY_RECORDS_MAX; i++) {
		if (!slice_u8(&payload, &type))
			return BEGINS_MAYBE;
		if (type != RECORD_KIND_HANDSHAKE)
			return BEGINS_NOTHING;
		if (payload.length == 1 && slice_u8(&payload, &major))
			return BEGINS_MAYBE;
		if (!slice_u16(&payload, &version) || !slice_u16(&payload, &length))
			return BEGINS_MAYBE;
		if (length > RECORD_LENGTH_MAX)
			return BEGINS_NOTHING;
		if (length)
			return message_beginning(payload, version, length);
		if (!is_version(version))
			return BEGINS_NOTHING;
	}
	return BEGINS_NOTHING;
}

/* RFC 5246 appendix E.2: the lengths inside must add up to the one outside, which leaves no room
 * for chance. */
static enum beginning v2_beginning(struct slice payload)
{
	uint16_t length, version, ciphers, session, challenge;
	uint8_t first, second, type;

	if (!slice_u8(&payload, &first) || !(first & 0x80))
		return BEGINS_NOTHING;
	if (!slice_u8(&payload, &second))
		return BEGINS_MAYBE;
	length = (uint16_t)((first & 0x7f) << 8 | second);
	if (!slice_u8(&payload, &type))
		return BEGINS_MAYBE;
	if (type != TLS_CLIENT_HELLO)
		return BEGINS_NOTHING;
	if (!slice_u16(&payload, &version))
		return BEGINS_MAYBE;
	if (version != 0x0002 && (version < 0x0300 || version > 0x0304))
		return BEGINS_NOTHING;
	if (!slice_u16(&payload, &ciphers) || !slice_u16(&payload, &session) ||
	    !slice_u16(&payload, &challenge))
		return BEGINS_MAYBE;
	if (ciphers == 0 || ciphers % 3 || challenge < 16 || challenge > 32 ||
	    9U + ciphers + session + challenge != length)
		return BEGINS_NOTHING;
	return BEGINS_HELLO;
}

static enum beginning hello_beginning(struct slice payload)
{
	enum beginning record = record_beginning(payload);

	return record != BEGINS_NOTHING ? record : v2_beginning(payload);
}

/* The PROXY protocol's version 1: a line of text. */
static enum beginning proxy_v1_skip(struct slice *payload)
{
	static const char start[] = "PROXY ";
	size_t known = payload->length < sizeof(start) - 1 ? payload->length : sizeof(start) - 1;
	size_t most = payload->length < PROXY_V1_MAX ? payload->length : PROXY_V1_MAX;
	const uint8_t *end;
	struct slice line;

	if (!known || memcmp(payload->bytes, start, known))
		return BEGINS_NOTHING;
	end = memchr(payload->bytes, '\n', most);
	if (!end)
		return most < PROXY_V1_MAX ? BEGINS_MAYBE : BEGINS_NOTHING;
	return slice_bytes(payload, end + 1 - payload->bytes, &line) ? BEGINS_HELLO
								     : BEGINS_NOTHING;
}

/* Version 2: a signature, a version and command, a family, a length, then addresses and TLVs. */
static enum beginning proxy_v2_skip(struct slice *payload)
{
	static const uint8_t start[12] = {'\r', '\n', '\r', '\n', 0,   '\r',
					  '\n', 'Q',  'U',  'I',  'T', '\n'};
	size_t known = payload->length < sizeof(start) ? payload->length : sizeof(start);
	struct slice rest = *payload, skipped;
	uint16_t command_family;

	if (!known || memcmp(payload->bytes, start, known))
		return BEGINS_NOTHING;
	if (rest.length < PROXY_V2_HEADER)
		return BEGINS_MAYBE;
	if (!slice_bytes(&rest, sizeof(start), &skipped) || !slice_u16(&rest, &command_family) ||
	    command_family >> 12 != 2)
		return BEGINS_NOTHING;
	if (!slice_vector16(&rest, &skipped))
		return BEGINS_MAYBE;
	*payload = rest;
	return BEGINS_HELLO;
}

enum beginning beginning_tcp(struct slice payload, size_t *before)
{
	struct slice rest = payload;
	enum beginning proxy = proxy_v1_skip(&rest), hello;

	*before = 0;
	if (proxy == BEGINS_NOTHING)
		proxy = proxy_v2_skip(&rest);
	if (proxy == BEGINS_NOTHING)
		return hello_beginning(payload);
	/* A header that ends with its segment needs no more than a look at the next one. */
	if (proxy == BEGINS_MAYBE || !rest.length)
		return proxy == BEGINS_MAYBE ? BEGINS_MAYBE : BEGINS_NOTHING;
	hello = hello_beginning(rest);
	*before = payload.length - rest.length;
	return hello;
}

/* The smallest ClientHello has 41 bytes: RFC 5246 section 7.4.1.2. */
bool beginning_is_encrypted(struct slice payload)
{
	uint8_t type, major, minor;
	uint16_t length;

	return slice_u8(&payload, &type) && type == RECORD_KIND_HANDSHAKE &&
	       slice_u8(&payload, &major) && major == 3 && slice_u8(&payload, &minor) &&
	       minor <= 3 && slice_u16(&payload, &length) && length > 41 &&
	       length <= RECORD_LENGTH_MAX;
}

bool beginning_is_record(struct slice payload)
{
	uint8_t type, major, minor;
	uint16_t length;

	return slice_u8(&payload, &type) && type >= RECORD_KIND_CCS &&
	       type <= RECORD_KIND_HEARTBEAT && slice_u8(&payload, &major) && major == 3 &&
	       slice_u8(&payload, &minor) && slice_u16(&payload, &length) &&
	       length <= RECORD_LENGTH_MAX;
}

/*
 * RFC 9000 section 14.1: a server answers a client's first datagram only if it has this size, in
 * whatever version. The first two bits and the length of the connection id tell it from RTP and
 * most others.
 */
static enum beginning unknown_quic(uint8_t first, size_t size, const struct slice *destination)
{
	enum { LONG_AND_FIXED = 0xc0, CONNECTION_ID_MIN = 8, FIRST_DATAGRAM_MIN = 1200 };

	return (first & LONG_AND_FIXED) == LONG_AND_FIXED && size >= FIRST_DATAGRAM_MIN &&
			       destination->length >= CONNECTION_ID_MIN
		       ? BEGINS_UNKNOWN_QUIC
		       : BEGINS_NOTHING;
}

static enum beginning quic_beginning(struct slice payload, struct slice *identity)
{
	struct slice destination, source;
	size_t size = payload.length;
	uint32_t version;
	uint8_t first;

	/* The fixed bit may be greased here too, if the client knows the server (RFC 9287
	 * section 3.1). */
	if (!slice_u8(&payload, &first) || !slice_u32(&payload, &version) || !(first & 0x80) ||
	    !version || !slice_vector8(&payload, &destination) ||
	    !slice_vector8(&payload, &source) || destination.length > QUIC_CONNECTION_ID_MAX ||
	    source.length > QUIC_CONNECTION_ID_MAX)
		return BEGINS_NOTHING;
	/* The client keeps its own id, if it has one, and changes the other for the server's. */
	*identity = source.length ? source : destination;
	if (!quic_version_known(version))
		return unknown_quic(first, size, &destination);
	return quic_long_type(first, version) == QUIC_INITIAL ? BEGINS_HELLO : BEGINS_NOTHING;
}

bool beginning_is_version_negotiation(struct slice payload)
{
	struct slice destination, source;
	uint32_t version;
	uint8_t first;

	return slice_u8(&payload, &first) && first & 0x80 && slice_u32(&payload, &version) &&
	       !version && slice_vector8(&payload, &destination) &&
	       slice_vector8(&payload, &source) && payload.length >= sizeof(version) &&
	       payload.length % sizeof(version) == 0;
}

/* RFC 6347 sections 4.1 and 4.2.2; 0x0100 is what OpenSSL called DTLS before there was an RFC. */
static bool dtls_begins(struct slice payload, struct slice *identity)
{
	struct slice sequence, fragment, random;
	uint16_t version, epoch, length, offset, hello_version;
	uint8_t type, message, offset_high;

	if (!slice_u8(&payload, &type) || !slice_u16(&payload, &version) ||
	    !slice_u16(&payload, &epoch) || !slice_bytes(&payload, 6, &sequence) ||
	    !slice_u16(&payload, &length) || !slice_u8(&payload, &message) ||
	    type != RECORD_KIND_HANDSHAKE || epoch || message != TLS_CLIENT_HELLO ||
	    (version != 0xfeff && version != 0xfefd && version != 0x0100))
		return false;
	*identity = (struct slice){NULL, 0};
	/* Length and number of the message, then where this fragment begins: the random is in the
	 * first. */
	if (slice_bytes(&payload, 5, &fragment) && slice_u8(&payload, &offset_high) &&
	    slice_u16(&payload, &offset) && !offset_high && !offset &&
	    slice_bytes(&payload, 3, &fragment) && slice_u16(&payload, &hello_version) &&
	    slice_bytes(&payload, 32, &random))
		*identity = random;
	return true;
}

enum beginning beginning_udp(struct slice payload, struct slice *identity)
{
	if (dtls_begins(payload, identity))
		return BEGINS_HELLO;
	return quic_beginning(payload, identity);
}
