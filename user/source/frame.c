// SPDX-License-Identifier: BSD-2-Clause
#include "source/frame.h"

#include <string.h>

#include "source/fragments.h"
#include "source/layer.h"

/* Headers of one frame: two VLAN tags, a tunnel and IPv6 extensions are about ten. */
#define LAYERS_MAX 24

enum layer code_find(const struct code_layer *codes, size_t count, uint16_t code)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (codes[i].code == code)
			return codes[i].layer;
	return LAYER_NONE;
}

static enum layer protocol_layer(uint8_t protocol)
{
	static const struct code_layer protocols[] = {
		{6, LAYER_TCP},
		{17, LAYER_UDP},
		{4, LAYER_IPV4},
		{41, LAYER_IPV6},
		{47, LAYER_GRE},
		{97, LAYER_ETHER_IP},
		{51, LAYER_AUTHENTICATION},
		{137, LAYER_MPLS},
		/* RFC 8200 section 4, RFC 6275, RFC 7401, RFC 5533: hop-by-hop, routing, … */
		{0, LAYER_IPV6_EXTENSION},
		{43, LAYER_IPV6_EXTENSION},
		{60, LAYER_IPV6_EXTENSION},
		{135, LAYER_IPV6_EXTENSION},
		{139, LAYER_IPV6_EXTENSION},
		{140, LAYER_IPV6_EXTENSION},
		{44, LAYER_IPV6_FRAGMENT},
	};

	return code_find(protocols, sizeof(protocols) / sizeof(protocols[0]), protocol);
}

void walk_length(struct walk *walk, size_t length)
{
	if (length <= walk->rest.length) {
		walk->rest.length = length;
		walk->missing = 0;
	} else {
		walk->missing = length - walk->rest.length;
	}
}

void walk_encapsulate(struct walk *walk, enum layer kind, uint32_t identifier)
{
	uint64_t mixed = walk->frame->encapsulation ^ ((uint64_t)kind << 32 | identifier);

	mixed *= 0x9e3779b97f4a7c15ULL; /* 2^64 / golden ratio */
	walk->frame->encapsulation = mixed ^ mixed >> 29;
}

static enum layer ip_read(struct walk *walk)
{
	struct slice ahead = walk->rest;
	uint8_t first;

	if (!slice_u8(&ahead, &first))
		return LAYER_BROKEN;
	if (first >> 4 == 4)
		return LAYER_IPV4;
	return first >> 4 == 6 ? LAYER_IPV6 : LAYER_NONE;
}

static void address_set(uint8_t to[16], struct slice from)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (from.length == 4)
		memcpy(to, mapped, 12);
	memcpy(to + 16 - from.length, from.bytes, from.length);
}

MUST_CHECK static bool addresses_read(struct walk *walk, size_t length)
{
	struct slice source, destination;

	if (!slice_bytes(&walk->rest, length, &source) ||
	    !slice_bytes(&walk->rest, length, &destination))
		return false;
	address_set(walk->frame->source, source);
	address_set(walk->frame->destination, destination);
	return true;
}

/* A fragment: the layer of what it carries if its datagram is whole with it. */
static enum layer fragment_read(struct walk *walk, struct fragment *fragment)
{
	struct slice whole;
	uint8_t protocol;

	if (walk->missing)
		return LAYER_BROKEN;
	memcpy(fragment->key.source, walk->frame->source, 16);
	memcpy(fragment->key.destination, walk->frame->destination, 16);
	fragment->key.encapsulation = walk->frame->encapsulation;
	fragment->bytes = walk->rest;
	if (!fragments_add(walk->fragments, fragment, walk->time_ns, &whole, &protocol))
		return LAYER_NONE;
	walk->rest = whole;
	return protocol_layer(protocol);
}

/* RFC 791 section 3.1. */
static enum layer ipv4_read(struct walk *walk)
{
	uint16_t total, identification, fragmenting, checksum;
	uint8_t first, service, lifetime, protocol;
	size_t header;

	if (!slice_u8(&walk->rest, &first) || !slice_u8(&walk->rest, &service) ||
	    !slice_u16(&walk->rest, &total) || !slice_u16(&walk->rest, &identification) ||
	    !slice_u16(&walk->rest, &fragmenting) || !slice_u8(&walk->rest, &lifetime) ||
	    !slice_u8(&walk->rest, &protocol) || !slice_u16(&walk->rest, &checksum) ||
	    !addresses_read(walk, 4))
		return LAYER_BROKEN;
	walk->frame->identification = identification;
	header = (first & 0x0f) * 4;
	/* A length of 0 is left to segmentation offload: the frame's own counts. */
	if (first >> 4 != 4 || header < 20 || (total && total < header) ||
	    !walk_skip(walk, header - 20))
		return LAYER_BROKEN;
	if (total)
		walk_length(walk, total - header);
	if (fragmenting & 0x3fff) {
		struct fragment fragment = {
			.key.identification = identification,
			.key.protocol = protocol,
			.offset = (fragmenting & 0x1fff) * 8U,
			.more = fragmenting & 0x2000,
			.protocol = protocol,
		};

		return fragment_read(walk, &fragment);
	}
	return protocol_layer(protocol);
}

/* RFC 8200 section 3; a length of 0 is a jumbogram's. */
static enum layer ipv6_read(struct walk *walk)
{
	uint8_t next, hops;
	uint32_t first;
	uint16_t length;

	if (!slice_u32(&walk->rest, &first) || !slice_u16(&walk->rest, &length) ||
	    !slice_u8(&walk->rest, &next) || !slice_u8(&walk->rest, &hops) ||
	    !addresses_read(walk, 16) || first >> 28 != 6)
		return LAYER_BROKEN;
	if (length)
		walk_length(walk, length);
	return protocol_layer(next);
}

static enum layer extension_read(struct walk *walk, size_t added_units, size_t unit)
{
	uint8_t next, length;

	if (!slice_u8(&walk->rest, &next) || !slice_u8(&walk->rest, &length) ||
	    !walk_skip(walk, (length + added_units) * unit - 2))
		return LAYER_BROKEN;
	return protocol_layer(next);
}

static enum layer ipv6_extension_read(struct walk *walk)
{
	return extension_read(walk, 1, 8);
}

/* RFC 4302 section 2.2. */
static enum layer authentication_read(struct walk *walk)
{
	return extension_read(walk, 2, 4);
}

static enum layer ipv6_fragment_read(struct walk *walk)
{
	struct fragment fragment = {.key.protocol = 0};
	uint16_t offset;
	uint8_t reserved;

	if (!slice_u8(&walk->rest, &fragment.protocol) || !slice_u8(&walk->rest, &reserved) ||
	    !slice_u16(&walk->rest, &offset) ||
	    !slice_u32(&walk->rest, &fragment.key.identification))
		return LAYER_BROKEN;
	fragment.offset = offset & ~7U;
	fragment.more = offset & 1;
	if (!fragment.offset && !fragment.more)
		return protocol_layer(fragment.protocol); /* an atomic fragment, RFC 6946 */
	return fragment_read(walk, &fragment);
}

/* whole: from the transport's header on. */
static enum layer payload_set(struct walk *walk, uint8_t protocol, struct slice whole)
{
	walk->frame->protocol = protocol;
	walk->frame->whole =
		(struct slice){whole.bytes, walk->rest.bytes + walk->rest.length - whole.bytes};
	walk->frame->payload = walk->rest;
	walk->frame->length = walk->rest.length + walk->missing;
	return LAYER_DONE;
}

static enum layer udp_read(struct walk *walk)
{
	struct frame *frame = walk->frame;
	struct slice datagram = walk->rest;
	uint16_t length, checksum;
	enum layer layer;

	if (!slice_u16(&walk->rest, &frame->source_port) ||
	    !slice_u16(&walk->rest, &frame->destination_port) || !slice_u16(&walk->rest, &length) ||
	    !slice_u16(&walk->rest, &checksum))
		return LAYER_BROKEN;
	if (length && length < 8)
		return LAYER_BROKEN;
	if (length && (size_t)length - 8 <= walk->rest.length + walk->missing)
		walk_length(walk, length - 8);
	layer = tunnel_read(walk);
	return layer != LAYER_NONE ? layer : payload_set(walk, FRAME_PROTOCOL_UDP, datagram);
}

/* RFC 2018 section 3. */
static void sack_read(struct frame *frame, struct slice blocks)
{
	struct tlstrace_sack sack;

	while (frame->sack_count < TLSTRACE_SACKS_MAX && slice_u32(&blocks, &sack.start) &&
	       slice_u32(&blocks, &sack.end))
		frame->sacks[frame->sack_count++] = sack;
}

static void options_read(struct frame *frame, struct slice options)
{
	enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_SACK = 5 };
	struct slice value;
	uint8_t kind, length;

	while (slice_u8(&options, &kind) && kind != OPTION_END) {
		if (kind == OPTION_NOP)
			continue;
		if (!slice_u8(&options, &length) || length < 2 ||
		    !slice_bytes(&options, length - 2U, &value))
			return;
		if (kind == OPTION_SACK)
			sack_read(frame, value);
	}
}

/* RFC 9293 section 3.1. */
static enum layer tcp_read(struct walk *walk)
{
	struct frame *frame = walk->frame;
	struct slice segment = walk->rest, options;
	uint16_t offset_flags, window, checksum, urgent;
	size_t length;

	if (!slice_u16(&walk->rest, &frame->source_port) ||
	    !slice_u16(&walk->rest, &frame->destination_port) ||
	    !slice_u32(&walk->rest, &frame->sequence) ||
	    !slice_u32(&walk->rest, &frame->acknowledgement) ||
	    !slice_u16(&walk->rest, &offset_flags) || !slice_u16(&walk->rest, &window) ||
	    !slice_u16(&walk->rest, &checksum) || !slice_u16(&walk->rest, &urgent))
		return LAYER_BROKEN;
	frame->tcp_flags = offset_flags & 0xff;
	frame->urgent = urgent;
	if (offset_flags >> 12 < 5)
		return LAYER_BROKEN;
	length = ((offset_flags >> 12) - 5) * 4;
	if (length > walk->rest.length + walk->missing)
		return LAYER_BROKEN;
	if (slice_bytes(&walk->rest, length, &options)) {
		options_read(frame, options);
	} else {
		/* The snapshot ends within the options: there is a payload, and none of it. */
		walk->missing -= length - walk->rest.length;
		walk->rest.length = 0;
	}
	if (frame->tcp_flags & TLSTRACE_TCP_SYN)
		frame->sequence++;
	return payload_set(walk, FRAME_PROTOCOL_TCP, segment);
}

static layer_reader *const readers[LAYERS] = {
	[LAYER_ETHERNET] = ethernet_read,
	[LAYER_COOKED] = cooked_read,
	[LAYER_COOKED2] = cooked2_read,
	[LAYER_NULL] = null_read,
	[LAYER_PPP] = ppp_read,
	[LAYER_PPPOE] = pppoe_read,
	[LAYER_HDLC] = hdlc_read,
	[LAYER_NFLOG] = nflog_read,
	[LAYER_VLAN] = vlan_read,
	[LAYER_METADATA] = metadata_read,
	[LAYER_E_TAG] = e_tag_read,
	[LAYER_VN_TAG] = vn_tag_read,
	[LAYER_I_TAG] = i_tag_read,
	[LAYER_MPLS] = mpls_read,
	[LAYER_IP] = ip_read,
	[LAYER_IPV4] = ipv4_read,
	[LAYER_IPV6] = ipv6_read,
	[LAYER_IPV6_EXTENSION] = ipv6_extension_read,
	[LAYER_IPV6_FRAGMENT] = ipv6_fragment_read,
	[LAYER_AUTHENTICATION] = authentication_read,
	[LAYER_GRE] = gre_read,
	[LAYER_ETHER_IP] = ether_ip_read,
	[LAYER_ERSPAN2] = erspan2_read,
	[LAYER_ERSPAN3] = erspan3_read,
	[LAYER_TCP] = tcp_read,
	[LAYER_UDP] = udp_read,
};

static const enum layer links[] = {
	[FRAME_LINK_ETHERNET] = LAYER_ETHERNET, [FRAME_LINK_COOKED] = LAYER_COOKED,
	[FRAME_LINK_COOKED2] = LAYER_COOKED2,	[FRAME_LINK_IP] = LAYER_IP,
	[FRAME_LINK_NULL] = LAYER_NULL,		[FRAME_LINK_PPP] = LAYER_PPP,
	[FRAME_LINK_PPPOE] = LAYER_PPPOE,	[FRAME_LINK_HDLC] = LAYER_HDLC,
	[FRAME_LINK_NFLOG] = LAYER_NFLOG,
};

enum frame_result frame_read(enum frame_link link, struct slice bytes, size_t wire_length,
			     uint64_t time_ns, struct fragments *fragments, struct frame *frame)
{
	struct walk walk = {
		.rest = bytes,
		.missing = wire_length > bytes.length ? wire_length - bytes.length : 0,
		.time_ns = time_ns,
		.fragments = fragments,
		.frame = frame,
	};
	enum layer layer = links[link];
	unsigned int depth;

	memset(frame, 0, sizeof(*frame));
	frame->direction = FRAME_DIRECTION_UNKNOWN;
	for (depth = 0; layer > LAYER_DONE && depth < LAYERS_MAX; depth++)
		layer = readers[layer](&walk);
	if (layer == LAYER_DONE)
		return FRAME_READ;
	return layer == LAYER_NONE ? FRAME_OTHER : FRAME_BROKEN;
}

/* RFC 1071: the sum of 16-bit words. */
static uint32_t words_sum(struct slice bytes, uint32_t sum)
{
	uint16_t word;
	uint8_t last;

	while (slice_u16(&bytes, &word))
		sum += word;
	if (slice_u8(&bytes, &last))
		sum += (uint32_t)last << 8;
	return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Of the pseudo header: IPv4's mapped addresses count as the four bytes that they are. */
static uint32_t pseudo_sum(const struct frame *frame)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	size_t skip = memcmp(frame->source, mapped, 12) ? 0 : 12;

	return words_sum(
		(struct slice){frame->destination + skip, 16 - skip},
		words_sum((struct slice){frame->source + skip, 16 - skip}, frame->protocol));
}

enum frame_checksum frame_checksum(const struct frame *frame)
{
	enum { TCP_CHECKSUM_AT = 16 };
	size_t length = frame->whole.length;
	uint16_t field, pseudo, without_length;

	if (frame->protocol != FRAME_PROTOCOL_TCP || frame->payload.length < frame->length ||
	    length <= TCP_CHECKSUM_AT + 1)
		return FRAME_CHECKSUM_UNKNOWN;
	field = frame->whole.bytes[TCP_CHECKSUM_AT] << 8 | frame->whole.bytes[TCP_CHECKSUM_AT + 1];
	without_length = sum_fold(pseudo_sum(frame));
	pseudo = sum_fold(without_length + (uint32_t)length);
	if (sum_fold(words_sum(frame->whole, pseudo)) == 0xffff)
		return FRAME_CHECKSUM_RIGHT;
	/* Left to the network card: the sum of the pseudo header, some without its length. */
	if (field == pseudo || field == without_length || !field)
		return FRAME_CHECKSUM_UNKNOWN;
	return FRAME_CHECKSUM_WRONG;
}
