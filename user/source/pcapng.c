// SPDX-License-Identifier: BSD-2-Clause
#include "source/pcapng.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#define SECOND_NS      1000000000ULL
#define TIME_MAX_NS    (UINT64_MAX / 2) /* in the year 2262 */
#define BLOCK_MIN      12		/* type, length, and the length again */
#define BLOCK_USUAL    4096
#define BLOCK_MAX      (16U << 20) /* of those that are kept whole: libpcap's bound too */
#define INTERFACES_MAX 65536
#define ORDER_MAGIC    0x1a2b3c4d

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete */
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_ENHANCED_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a, /* the same in both byte orders */
};

enum { OPTION_END = 0, OPTION_RESOLUTION = 9, OPTION_OFFSET = 14 };
enum { RESOLUTION_DEFAULT = 6, RESOLUTION_BINARY = 0x80, DECIMALS_MAX = 19, BITS_MAX = 63 };

struct interface {
	int link_type;
	uint32_t snaplen;   /* 0: unlimited */
	uint8_t resolution; /* of times: 10^-n s, with RESOLUTION_BINARY 2^-n s */
	int64_t offset;	    /* seconds, added to them */
};

struct pcapng {
	FILE *stream;
	uint64_t position, next;      /* of the block at hand, and after it */
	bool swapped;		      /* the section is little-endian */
	struct interface *interfaces; /* of the section */
	size_t interface_count, interface_capacity;
	uint64_t last_ns; /* of the latest packet that has a time, or 1 */
	uint8_t *block;	  /* of BLOCK_USUAL bytes at least */
	size_t block_capacity;
	char error[128];
};

struct pcapng *pcapng_new(FILE *stream)
{
	struct pcapng *pcapng = calloc(1, sizeof(*pcapng));

	if (pcapng)
		pcapng->stream = stream;
	return pcapng;
}

void pcapng_free(struct pcapng *pcapng)
{
	if (!pcapng)
		return;
	fclose(pcapng->stream);
	free(pcapng->interfaces);
	free(pcapng->block);
	free(pcapng);
}

const char *pcapng_error(const struct pcapng *pcapng)
{
	return pcapng->error;
}

static int broken(struct pcapng *pcapng, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int broken(struct pcapng *pcapng, const char *format, ...)
{
	int length = snprintf(pcapng->error, sizeof(pcapng->error), "the block at byte %llu ",
			      (unsigned long long)pcapng->position);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(pcapng->error + length, sizeof(pcapng->error) - length, format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

static uint32_t order32(const struct pcapng *pcapng, uint32_t value)
{
	return pcapng->swapped ? __builtin_bswap32(value) : value;
}

/* Numbers of the section's byte order. */
MUST_CHECK static bool u16_read(const struct pcapng *pcapng, struct slice *body, uint16_t *value)
{
	if (!slice_u16(body, value))
		return false;
	if (pcapng->swapped)
		*value = __builtin_bswap16(*value);
	return true;
}

MUST_CHECK static bool u32_read(const struct pcapng *pcapng, struct slice *body, uint32_t *value)
{
	if (!slice_u32(body, value))
		return false;
	*value = order32(pcapng, *value);
	return true;
}

MUST_CHECK static bool u64_read(const struct pcapng *pcapng, struct slice *body, uint64_t *value)
{
	uint32_t first, second;

	if (!u32_read(pcapng, body, &first) || !u32_read(pcapng, body, &second))
		return false;
	*value = pcapng->swapped ? (uint64_t)second << 32 | first : (uint64_t)first << 32 | second;
	return true;
}

static int block_grow(struct pcapng *pcapng, size_t size)
{
	uint8_t *grown;

	if (size <= pcapng->block_capacity)
		return 0;
	grown = realloc(pcapng->block, size);
	if (!grown) {
		broken(pcapng, "finds no memory left");
		return -ENOMEM;
	}
	pcapng->block = grown;
	pcapng->block_capacity = size;
	return 0;
}

static int bytes_read(struct pcapng *pcapng, size_t at, size_t length)
{
	return fread(pcapng->block + at, 1, length, pcapng->stream) == length
		       ? 0
		       : broken(pcapng, "is cut off");
}

/* Skip the rest of a block. */
static int block_skip(struct pcapng *pcapng, size_t length)
{
	int error = 0;

	while (length && !error) {
		size_t part = length < pcapng->block_capacity ? length : pcapng->block_capacity;

		error = bytes_read(pcapng, 0, part);
		length -= part;
	}
	return error;
}

/* Read the rest of a block; body is what is between its two lengths. */
static int block_keep(struct pcapng *pcapng, size_t length, struct slice *body)
{
	struct slice rest;
	uint32_t type, begin, end;
	int error;

	if (length > BLOCK_MAX)
		return broken(pcapng, "has a length of %zu", length);
	error = block_grow(pcapng, length);
	if (!error)
		error = bytes_read(pcapng, BLOCK_MIN, length - BLOCK_MIN);
	if (error)
		return error;
	rest = (struct slice){pcapng->block, length};
	if (!u32_read(pcapng, &rest, &type) || !u32_read(pcapng, &rest, &begin) ||
	    !slice_bytes(&rest, length - BLOCK_MIN, body) || !u32_read(pcapng, &rest, &end) ||
	    begin != end)
		return broken(pcapng, "does not end with its length");
	return 0;
}

/* A section's byte order is that of the number after its header's length. */
static bool order_find(struct pcapng *pcapng, uint32_t magic)
{
	pcapng->swapped = magic != ORDER_MAGIC;
	return magic == ORDER_MAGIC || magic == __builtin_bswap32(ORDER_MAGIC);
}

static bool is_kept(uint32_t type)
{
	return type == BLOCK_SECTION || type == BLOCK_INTERFACE || type == BLOCK_PACKET ||
	       type == BLOCK_SIMPLE_PACKET || type == BLOCK_ENHANCED_PACKET;
}

/* 1 and the next block, of one without interest no body; 0 at the end. */
static int block_next(struct pcapng *pcapng, uint32_t *type, struct slice *body)
{
	size_t have = fread(pcapng->block, 1, BLOCK_MIN, pcapng->stream);
	struct slice rest = {pcapng->block, have};
	uint32_t length, magic;
	int error;

	pcapng->position = pcapng->next;
	*body = (struct slice){NULL, 0};
	if (!have)
		return 0;
	if (!slice_u32(&rest, type) || !slice_u32(&rest, &length) || !slice_u32(&rest, &magic))
		return broken(pcapng, "is cut off");
	if (*type != BLOCK_SECTION && !pcapng->position)
		return broken(pcapng, "is no section header");
	if (*type == BLOCK_SECTION && !order_find(pcapng, magic))
		return broken(pcapng, "is a section header of no byte order");
	*type = order32(pcapng, *type);
	length = order32(pcapng, length);
	if (length < BLOCK_MIN || length % 4)
		return broken(pcapng, "has a length of %u", length);
	error = is_kept(*type) ? block_keep(pcapng, length, body)
			       : block_skip(pcapng, length - BLOCK_MIN);
	pcapng->next += length;
	return error ? error : 1;
}

static int section_begin(struct pcapng *pcapng, struct slice body)
{
	uint32_t magic;
	uint16_t major;

	if (!u32_read(pcapng, &body, &magic) || !u16_read(pcapng, &body, &major))
		return broken(pcapng, "is too short for a section header");
	if (major != 1)
		return broken(pcapng, "begins a section of version %u", major);
	pcapng->interface_count = 0;
	return 0;
}

static struct interface *interface_new(struct pcapng *pcapng)
{
	size_t capacity = pcapng->interface_capacity ? pcapng->interface_capacity * 2 : 4;
	struct interface *grown = pcapng->interfaces;

	if (pcapng->interface_count == INTERFACES_MAX)
		return NULL;
	if (pcapng->interface_count == pcapng->interface_capacity) {
		grown = realloc(pcapng->interfaces, capacity * sizeof(*grown));
		if (!grown)
			return NULL;
		pcapng->interfaces = grown;
		pcapng->interface_capacity = capacity;
	}
	return &grown[pcapng->interface_count++];
}

/* The next option (section 3.5); false at their end, which need not be marked. */
MUST_CHECK static bool option_next(const struct pcapng *pcapng, struct slice *options,
				   uint16_t *code, struct slice *value)
{
	struct slice padding;
	uint16_t length;

	return u16_read(pcapng, options, code) && *code != OPTION_END &&
	       u16_read(pcapng, options, &length) && slice_bytes(options, length, value) &&
	       slice_bytes(options, -length & 3, &padding);
}

static bool resolution_valid(uint8_t resolution)
{
	return resolution & RESOLUTION_BINARY ? (resolution & ~RESOLUTION_BINARY) <= BITS_MAX
					      : resolution <= DECIMALS_MAX;
}

static int interface_add(struct pcapng *pcapng, struct slice body)
{
	struct interface interface = {.resolution = RESOLUTION_DEFAULT}, *added;
	uint16_t link_type, reserved, code;
	struct slice value;
	uint64_t offset;

	if (!u16_read(pcapng, &body, &link_type) || !u16_read(pcapng, &body, &reserved) ||
	    !u32_read(pcapng, &body, &interface.snaplen))
		return broken(pcapng, "is too short for an interface");
	interface.link_type = link_type;
	while (option_next(pcapng, &body, &code, &value)) {
		if (code == OPTION_RESOLUTION && !slice_u8(&value, &interface.resolution))
			return broken(pcapng, "has an empty resolution");
		if (code == OPTION_OFFSET && u64_read(pcapng, &value, &offset))
			interface.offset = (int64_t)offset;
	}
	if (!resolution_valid(interface.resolution))
		return broken(pcapng, "has a resolution of %#x", interface.resolution);
	added = interface_new(pcapng);
	if (!added)
		return broken(pcapng, "is an interface too many");
	*added = interface;
	return 0;
}

static uint64_t power_of_10(unsigned int n)
{
	uint64_t value = 1;

	while (n--)
		value *= 10;
	return value;
}

/* Nanoseconds, of times that cannot be TIME_MAX_NS. */
static uint64_t binary_ns(uint64_t time, unsigned int bits)
{
	uint64_t seconds = time >> bits, rest = time - (seconds << bits);

	if (seconds >= TIME_MAX_NS / SECOND_NS)
		return TIME_MAX_NS;
	if (bits > 32) { /* finer than a quarter of a nanosecond */
		rest >>= bits - 32;
		bits = 32;
	}
	return seconds * SECOND_NS + (rest * SECOND_NS >> bits);
}

static uint64_t decimal_ns(uint64_t time, unsigned int decimals)
{
	uint64_t ns;

	if (decimals > 9)
		return time / power_of_10(decimals - 9);
	return __builtin_mul_overflow(time, power_of_10(9 - decimals), &ns) || ns > TIME_MAX_NS
		       ? TIME_MAX_NS
		       : ns;
}

static uint64_t time_ns(const struct interface *interface, uint64_t time)
{
	uint8_t resolution = interface->resolution;
	uint64_t ns = resolution & RESOLUTION_BINARY
			      ? binary_ns(time, resolution & ~RESOLUTION_BINARY)
			      : decimal_ns(time, resolution);
	int64_t offset, sum;

	if (__builtin_mul_overflow(interface->offset, (int64_t)SECOND_NS, &offset) ||
	    __builtin_add_overflow((int64_t)ns, offset, &sum))
		return TIME_MAX_NS;
	return sum > 0 ? sum : 1;
}

/* All packets' blocks have these; captured is bounded by what the block has. */
static int packet_fill(struct pcapng *pcapng, const struct interface *interface, struct slice body,
		       uint32_t captured, uint32_t wire_length, struct capture_packet *packet)
{
	if (!slice_bytes(&body, captured, &packet->bytes))
		return broken(pcapng, "has no room for its packet");
	packet->link_type = interface->link_type;
	packet->wire_length = wire_length;
	packet->time_ns = pcapng->last_ns;
	return 1;
}

static int packet_enhanced(struct pcapng *pcapng, uint32_t type, struct slice body,
			   struct capture_packet *packet)
{
	uint32_t index, high, low, captured, wire_length;
	const struct interface *interface;
	uint16_t short_index, drops;

	if (type == BLOCK_ENHANCED_PACKET && !u32_read(pcapng, &body, &index))
		return broken(pcapng, "is too short for a packet");
	if (type == BLOCK_PACKET) {
		if (!u16_read(pcapng, &body, &short_index) || !u16_read(pcapng, &body, &drops))
			return broken(pcapng, "is too short for a packet");
		index = short_index;
	}
	if (!u32_read(pcapng, &body, &high) || !u32_read(pcapng, &body, &low) ||
	    !u32_read(pcapng, &body, &captured) || !u32_read(pcapng, &body, &wire_length))
		return broken(pcapng, "is too short for a packet");
	if (index >= pcapng->interface_count)
		return broken(pcapng, "is of interface %u, which is not described", index);
	interface = &pcapng->interfaces[index];
	pcapng->last_ns = time_ns(interface, (uint64_t)high << 32 | low);
	return packet_fill(pcapng, interface, body, captured, wire_length, packet);
}

/* Of the first interface, and without a time: it is taken for that of the packet before it. */
static int packet_simple(struct pcapng *pcapng, struct slice body, struct capture_packet *packet)
{
	uint32_t captured, wire_length;

	if (!pcapng->interface_count)
		return broken(pcapng, "is of an interface that is not described");
	if (!u32_read(pcapng, &body, &wire_length))
		return broken(pcapng, "is too short for a packet");
	captured = wire_length;
	if (pcapng->interfaces[0].snaplen && captured > pcapng->interfaces[0].snaplen)
		captured = pcapng->interfaces[0].snaplen;
	return packet_fill(pcapng, &pcapng->interfaces[0], body, captured, wire_length, packet);
}

/* 1: it is a packet. */
static int block_read(struct pcapng *pcapng, uint32_t type, struct slice body,
		      struct capture_packet *packet)
{
	switch (type) {
	case BLOCK_SECTION:
		return section_begin(pcapng, body);
	case BLOCK_INTERFACE:
		return interface_add(pcapng, body);
	case BLOCK_SIMPLE_PACKET:
		return packet_simple(pcapng, body, packet);
	case BLOCK_PACKET:
	case BLOCK_ENHANCED_PACKET:
		return packet_enhanced(pcapng, type, body, packet);
	}
	return 0;
}

int pcapng_begin(struct pcapng *pcapng)
{
	struct slice body;
	uint32_t type;
	int result = block_grow(pcapng, BLOCK_USUAL);

	pcapng->last_ns = 1;
	if (result == 0)
		result = block_next(pcapng, &type, &body);
	if (result == 0)
		return broken(pcapng, "is not there");
	return result == 1 ? section_begin(pcapng, body) : result;
}

int pcapng_next(struct pcapng *pcapng, struct capture_packet *packet)
{
	struct slice body;
	uint32_t type;
	int result;

	do {
		result = block_next(pcapng, &type, &body);
		if (result == 1)
			result = block_read(pcapng, type, body, packet);
		else if (result == 0)
			return 0;
	} while (result == 0);
	return result;
}
