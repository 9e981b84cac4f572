// SPDX-License-Identifier: BSD-2-Clause
#include "source/opening.h"

#include <stddef.h>

#include "hash.h"
#include "tls/hello.h"
#include "tls/record.h"

/*
 * The record's header, then that of the message and its version, as far as the record goes: a hello
 * may be split over records of any length.
 */
static enum opening record_opening(struct slice payload)
{
	uint8_t type, major, minor, message, high;
	uint16_t length, size, version;

	if (!slice_u8(&payload, &type))
		return OPENING_MAYBE;
	if (type != RECORD_KIND_HANDSHAKE)
		return OPENING_NONE;
	if (!slice_u8(&payload, &major))
		return OPENING_MAYBE;
	if (major != 3)
		return OPENING_NONE;
	if (!slice_u8(&payload, &minor))
		return OPENING_MAYBE;
	if (minor > 4)
		return OPENING_NONE;
	if (!slice_u16(&payload, &length))
		return OPENING_MAYBE;
	if (length == 0 || length > RECORD_LENGTH_MAX)
		return OPENING_NONE;
	if (!slice_u8(&payload, &message))
		return OPENING_MAYBE;
	if (message != TLS_CLIENT_HELLO)
		return OPENING_NONE;
	if (length < 2)
		return OPENING_HELLO;
	/* A hello is shorter than 64 KiB. */
	if (!slice_u8(&payload, &high))
		return OPENING_MAYBE;
	if (high != 0)
		return OPENING_NONE;
	if (length < 6)
		return OPENING_HELLO;
	if (!slice_u16(&payload, &size) || !slice_u16(&payload, &version))
		return OPENING_MAYBE;
	return version >> 8 == 3 && (version & 0xff) <= 4 ? OPENING_HELLO : OPENING_NONE;
}

/* RFC 5246 appendix E.2: the lengths inside must add up to the one outside, which leaves no room
 * for chance. */
static enum opening v2_opening(struct slice payload)
{
	uint16_t length, version, ciphers, session, challenge;
	uint8_t first, second, type;

	if (!slice_u8(&payload, &first) || !(first & 0x80))
		return OPENING_NONE;
	if (!slice_u8(&payload, &second))
		return OPENING_MAYBE;
	length = (uint16_t)((first & 0x7f) << 8 | second);
	if (!slice_u8(&payload, &type))
		return OPENING_MAYBE;
	if (type != TLS_CLIENT_HELLO)
		return OPENING_NONE;
	if (!slice_u16(&payload, &version))
		return OPENING_MAYBE;
	if (version != 0x0002 && (version < 0x0300 || version > 0x0304))
		return OPENING_NONE;
	if (!slice_u16(&payload, &ciphers) || !slice_u16(&payload, &session) ||
	    !slice_u16(&payload, &challenge))
		return OPENING_MAYBE;
	if (ciphers == 0 || ciphers % 3 || challenge < 16 || challenge > 32 ||
	    9U + ciphers + session + challenge != length)
		return OPENING_NONE;
	return OPENING_HELLO;
}

enum opening opening_tcp(struct slice payload)
{
	enum opening record = record_opening(payload);

	return record != OPENING_NONE ? record : v2_opening(payload);
}

/* The smallest ClientHello has 41 bytes: RFC 5246 section 7.4.1.2. */
bool opening_is_encrypted(struct slice payload)
{
	uint8_t type, major, minor;
	uint16_t length;

	return slice_u8(&payload, &type) && type == RECORD_KIND_HANDSHAKE &&
	       slice_u8(&payload, &major) && major == 3 && slice_u8(&payload, &minor) &&
	       minor <= 3 && slice_u16(&payload, &length) && length > 41 &&
	       length <= RECORD_LENGTH_MAX;
}

/* RFC 9000 section 17.2.2, RFC 9369 section 3.2: the type's two bits differ between versions. */
static bool quic_opening(struct slice payload, uint64_t *identity)
{
	static const struct {
		uint32_t version;
		uint8_t initial;
	} versions[] = {
		{0x00000001, 0},
		{0x6b3343cf, 1},
		{0xff00001d, 0},
	};
	struct slice destination, source;
	uint32_t version;
	uint8_t first;
	size_t i;

	/* The fixed bit may be greased here too, if the client knows the server (RFC 9287
	 * section 3.1). */
	if (!slice_u8(&payload, &first) || !slice_u32(&payload, &version) || !(first & 0x80) ||
	    !slice_vector8(&payload, &destination) || !slice_vector8(&payload, &source) ||
	    destination.length > 20 || source.length > 20)
		return false;
	/* The client keeps its own id, if it has one, and changes the other for the server's. */
	*identity = hash_bytes(source.length ? source : destination);
	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i].version == version && (first >> 4 & 3) == versions[i].initial)
			return true;
	return false;
}

/* RFC 6347 sections 4.1 and 4.2.2; 0x0100 is what OpenSSL called DTLS before there was an RFC. */
static bool dtls_opening(struct slice payload, uint64_t *identity)
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
	*identity = 0;
	/* Length and number of the message, then where this fragment begins: the random is in the
	 * first. */
	if (slice_bytes(&payload, 5, &fragment) && slice_u8(&payload, &offset_high) &&
	    slice_u16(&payload, &offset) && !offset_high && !offset &&
	    slice_bytes(&payload, 3, &fragment) && slice_u16(&payload, &hello_version) &&
	    slice_bytes(&payload, 32, &random))
		*identity = hash_bytes(random);
	return true;
}

bool opening_udp(struct slice payload, uint64_t *identity)
{
	return dtls_opening(payload, identity) || quic_opening(payload, identity);
}
