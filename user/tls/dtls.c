// SPDX-License-Identifier: BSD-2-Clause
#include "tls/dtls.h"

#include "tls/record.h"

#define LENGTH_MAX (16384 + 2048) /* RFC 6347 section 4.1 */

/* The unified header's first byte: 001CSLEE (RFC 9147 section 4). */
enum {
	UNIFIED_MASK = 0xe0,
	UNIFIED = 0x20,
	UNIFIED_CONNECTION_ID = 0x10,
	UNIFIED_SEQUENCE_16 = 0x08,
	UNIFIED_LENGTH = 0x04,
	UNIFIED_EPOCH = 0x03,
};

/* Cut body and size to what the header says. */
static bool body_take(struct slice bytes, struct slice rest, size_t wire_length, size_t length,
		      struct dtls_record *record)
{
	size_t header = bytes.length - rest.length;

	if (length > wire_length - header)
		return false;
	if (rest.length > length)
		rest.length = length;
	record->body = rest;
	record->length = length;
	record->size = header + length;
	return true;
}

static bool unified_read(struct slice bytes, size_t wire_length, struct dtls_record *record)
{
	struct slice rest = bytes, sequence;
	uint16_t length;
	uint8_t first;

	record->is_13 = true;
	record->type = RECORD_KIND_DATA;
	if (!slice_u8(&rest, &first))
		return false;
	record->epoch = first & UNIFIED_EPOCH;
	/* How long the connection id is was said in the hellos, which need not have been seen. */
	if (first & UNIFIED_CONNECTION_ID)
		return body_take(bytes, rest, wire_length, wire_length - 1, record);
	if (!slice_bytes(&rest, first & UNIFIED_SEQUENCE_16 ? 2 : 1, &sequence))
		return false;
	if (!(first & UNIFIED_LENGTH))
		return body_take(bytes, rest, wire_length, wire_length - 1 - sequence.length,
				 record);
	return slice_u16(&rest, &length) && body_take(bytes, rest, wire_length, length, record);
}

/* 0x0100 is what OpenSSL 0.9.8 sent before DTLS 1.0 had its number. */
static bool version_valid(uint16_t version)
{
	return version == 0x0100 || (version >= 0xfefc && version <= 0xfeff);
}

bool dtls_record_read(struct slice bytes, size_t wire_length, struct dtls_record *record)
{
	struct slice rest = bytes, sequence;
	uint16_t length;

	*record = (struct dtls_record){0};
	if (bytes.length > wire_length)
		return false;
	if (bytes.length && (bytes.bytes[0] & UNIFIED_MASK) == UNIFIED)
		return unified_read(bytes, wire_length, record);
	if (!slice_u8(&rest, &record->type) || record->type < RECORD_KIND_CCS ||
	    record->type > RECORD_KIND_DTLS_ACK || !slice_u16(&rest, &record->version) ||
	    !version_valid(record->version) || !slice_u16(&rest, &record->epoch) ||
	    !slice_bytes(&rest, 6, &sequence))
		return false;
	/* RFC 9146 section 4: the connection id precedes the length. */
	if (record->type == RECORD_KIND_TLS12_CID)
		return body_take(bytes, rest, wire_length,
				 wire_length - (bytes.length - rest.length), record);
	return slice_u16(&rest, &length) && length <= LENGTH_MAX &&
	       body_take(bytes, rest, wire_length, length, record);
}

bool dtls_fragment_next(struct slice *body, struct dtls_fragment *fragment)
{
	uint32_t length;

	return slice_u8(body, &fragment->type) && slice_u24(body, &fragment->length) &&
	       slice_u16(body, &fragment->sequence) && slice_u24(body, &fragment->offset) &&
	       slice_u24(body, &length) && fragment->offset <= fragment->length &&
	       length <= fragment->length - fragment->offset &&
	       slice_bytes(body, length, &fragment->bytes);
}
