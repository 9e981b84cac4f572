// SPDX-License-Identifier: BSD-2-Clause
#include "source/frame.h"

#include <stdbool.h>
#include <string.h>

#include "source/fragments.h"

/* Headers of one frame: two VLAN tags, a tunnel and IPv6 extensions are about ten. */
#define LAYERS_MAX	 24
#define LENGTH_FIELD_MAX 1500 /* below it an EtherType is IEEE 802.3's length */

enum layer {
	LAYER_NONE, /* nothing for us */
	LAYER_BROKEN,
	LAYER_DONE,
	LAYER_ETHERNET,
	LAYER_COOKED,
	LAYER_COOKED2,
	LAYER_NULL,
	LAYER_PPP,
	LAYER_PPPOE,
	LAYER_HDLC,
	LAYER_VLAN,
	LAYER_MPLS,
	LAYER_IP,
	LAYER_IPV4,
	LAYER_IPV6,
	LAYER_IPV6_EXTENSION,
	LAYER_IPV6_FRAGMENT,
	LAYER_AUTHENTICATION,
	LAYER_GRE,
	LAYER_ERSPAN2,
	LAYER_ERSPAN3,
	LAYER_TCP,
	LAYER_UDP,
	LAYERS,
};

/* A frame being read: rest is what was captured behind the headers so far. */
struct walk {
	struct slice rest;
	size_t missing; /* bytes behind rest that were on the wire only */
	uint64_t time_ns;
	struct fragments *fragments;
	struct frame *frame;
};

struct code_layer {
	uint16_t code;
	enum layer layer;
};

static enum layer code_find(const struct code_layer *codes, size_t count, uint16_t code)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (codes[i].code == code)
			return codes[i].layer;
	return LAYER_NONE;
}

/* The most frequent first. */
static enum layer ethertype_layer(uint16_t type)
{
	static const struct code_layer types[] = {
		{0x0800, LAYER_IPV4},	 {0x86dd, LAYER_IPV6},	  {0x8100, LAYER_VLAN},
		{0x88a8, LAYER_VLAN},	 {0x9100, LAYER_VLAN},	  {0x8847, LAYER_MPLS},
		{0x8848, LAYER_MPLS},	 {0x8864, LAYER_PPPOE},	  {0x6558, LAYER_ETHERNET},
		{0x88be, LAYER_ERSPAN2}, {0x22eb, LAYER_ERSPAN3}, {0x880b, LAYER_PPP},
	};

	return code_find(types, sizeof(types) / sizeof(types[0]), type);
}

static enum layer protocol_layer(uint8_t protocol)
{
	static const struct code_layer protocols[] = {
		{6, LAYER_TCP},
		{17, LAYER_UDP},
		{4, LAYER_IPV4},
		{41, LAYER_IPV6},
		{47, LAYER_GRE},
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

MUST_CHECK static bool skip(struct walk *walk, size_t length)
{
	struct slice skipped;

	return slice_bytes(&walk->rest, length, &skipped);
}

/* What the packet says of its own length: behind it is padding of the link, or an FCS. */
static void length_set(struct walk *walk, size_t length)
{
	if (length <= walk->rest.length) {
		walk->rest.length = length;
		walk->missing = 0;
	} else {
		walk->missing = length - walk->rest.length;
	}
}

static void encapsulation_add(struct walk *walk, enum layer kind, uint32_t identifier)
{
	uint64_t mixed = walk->frame->encapsulation ^ ((uint64_t)kind << 32 | identifier);

	mixed *= 0x9e3779b97f4a7c15ULL; /* 2^64 / golden ratio */
	walk->frame->encapsulation = mixed ^ mixed >> 29;
}

static enum layer ethernet_read(struct walk *walk)
{
	uint16_t type, access, organization;
	uint32_t rest;

	if (!skip(walk, 12) || !slice_u16(&walk->rest, &type))
		return LAYER_BROKEN;
	if (type > LENGTH_FIELD_MAX)
		return ethertype_layer(type);
	/* SNAP: aa aa 03, then an organization of 0 and an EtherType (RFC 1042). */
	if (!slice_u16(&walk->rest, &access) || access != 0xaaaa ||
	    !slice_u32(&walk->rest, &rest) || rest != 0x03000000 ||
	    !slice_u16(&walk->rest, &organization))
		return LAYER_NONE;
	return ethertype_layer(organization);
}

static void direction_set(struct walk *walk, uint16_t packet_type)
{
	enum { PACKET_TO_US = 0, PACKET_FROM_US = 4 };

	if (packet_type == PACKET_FROM_US)
		walk->frame->direction = FRAME_OUTGOING;
	else if (packet_type == PACKET_TO_US)
		walk->frame->direction = FRAME_INCOMING;
}

/* LINKTYPE_LINUX_SLL: packet type, ARPHRD, address length, address, protocol. */
static enum layer cooked_read(struct walk *walk)
{
	uint16_t packet_type, protocol;

	if (!slice_u16(&walk->rest, &packet_type) || !skip(walk, 12) ||
	    !slice_u16(&walk->rest, &protocol))
		return LAYER_BROKEN;
	direction_set(walk, packet_type);
	return ethertype_layer(protocol);
}

/* LINKTYPE_LINUX_SLL2: protocol, reserved, interface, ARPHRD, packet type, address length, address.
 */
static enum layer cooked2_read(struct walk *walk)
{
	uint16_t protocol;
	uint8_t packet_type;

	if (!slice_u16(&walk->rest, &protocol) || !skip(walk, 2) ||
	    !slice_u32(&walk->rest, &walk->frame->ifindex) || !skip(walk, 2) ||
	    !slice_u8(&walk->rest, &packet_type) || !skip(walk, 9))
		return LAYER_BROKEN;
	direction_set(walk, packet_type);
	return ethertype_layer(protocol);
}

/* The family's number and byte order are those of a system unknown: the IP version says the same.
 */
static enum layer null_read(struct walk *walk)
{
	return skip(walk, 4) ? LAYER_IP : LAYER_BROKEN;
}

static enum layer hdlc_read(struct walk *walk)
{
	uint16_t type;

	return skip(walk, 2) && slice_u16(&walk->rest, &type) ? ethertype_layer(type)
							      : LAYER_BROKEN;
}

/* RFC 1661 section 2, RFC 1662 section 3.1: address, control and the protocol's first byte may be
 * left out. */
static enum layer ppp_read(struct walk *walk)
{
	static const struct code_layer protocols[] = {
		{0x0021, LAYER_IPV4},
		{0x0057, LAYER_IPV6},
		{0x0281, LAYER_MPLS},
		{0x0283, LAYER_MPLS},
	};
	struct slice start = walk->rest;
	uint16_t protocol;
	uint8_t low, first;

	if (!slice_u16(&walk->rest, &protocol))
		return LAYER_BROKEN;
	if (protocol != 0xff03)
		walk->rest = start;
	if (!slice_u8(&walk->rest, &first))
		return LAYER_BROKEN;
	protocol = first;
	if (!(first & 1)) { /* the last byte of a protocol is odd */
		if (!slice_u8(&walk->rest, &low))
			return LAYER_BROKEN;
		protocol = (uint16_t)(first << 8 | low);
	}
	return code_find(protocols, sizeof(protocols) / sizeof(protocols[0]), protocol);
}

/* RFC 2516 section 4; code 0 is a session's data. */
static enum layer pppoe_read(struct walk *walk)
{
	uint16_t version_code, session, length;

	if (!slice_u16(&walk->rest, &version_code) || !slice_u16(&walk->rest, &session) ||
	    !slice_u16(&walk->rest, &length))
		return LAYER_BROKEN;
	if (version_code != 0x1100)
		return LAYER_NONE;
	encapsulation_add(walk, LAYER_PPPOE, session);
	length_set(walk, length);
	return LAYER_PPP;
}

static enum layer vlan_read(struct walk *walk)
{
	uint16_t tag, type;

	if (!slice_u16(&walk->rest, &tag) || !slice_u16(&walk->rest, &type))
		return LAYER_BROKEN;
	/* A tag of VLAN 0 is a priority alone (IEEE 802.1Q), and often of one direction only. */
	if (tag & 0x0fff)
		encapsulation_add(walk, LAYER_VLAN, tag & 0x0fff);
	return ethertype_layer(type);
}

/* RFC 3032: what lies below the last label is not said; RFC 4385's control word begins with a
 * nibble of 0. */
static enum layer mpls_read(struct walk *walk)
{
	uint32_t label;

	if (!slice_u32(&walk->rest, &label))
		return LAYER_BROKEN;
	if (!(label & 0x100))
		return LAYER_MPLS;
	if (walk->rest.length && walk->rest.bytes[0] >> 4 == 0)
		return skip(walk, 4) ? LAYER_ETHERNET : LAYER_BROKEN;
	return LAYER_IP;
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
	header = (first & 0x0f) * 4;
	/* A length of 0 is left to segmentation offload: the frame's own counts. */
	if (first >> 4 != 4 || header < 20 || (total && total < header) || !skip(walk, header - 20))
		return LAYER_BROKEN;
	if (total)
		length_set(walk, total - header);
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
		length_set(walk, length);
	return protocol_layer(next);
}

static enum layer extension_read(struct walk *walk, size_t added_units, size_t unit)
{
	uint8_t next, length;

	if (!slice_u8(&walk->rest, &next) || !slice_u8(&walk->rest, &length) ||
	    !skip(walk, (length + added_units) * unit - 2))
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

/* RFC 2784, RFC 2890; version 1 is PPTP's (RFC 2637). */
static enum layer gre_read(struct walk *walk)
{
	enum {
		GRE_CHECKSUM = 0x8000,
		GRE_ROUTING = 0x4000,
		GRE_KEY = 0x2000,
		GRE_SEQUENCE = 0x1000,
		GRE_ACKNOWLEDGEMENT = 0x0080,
		GRE_VERSION = 0x0007,
		GRE_BRIDGED = 0x6558
	};
	uint16_t flags, type;
	uint32_t key;

	if (!slice_u16(&walk->rest, &flags) || !slice_u16(&walk->rest, &type))
		return LAYER_BROKEN;
	if (flags & GRE_ROUTING || (flags & GRE_VERSION) > 1)
		return LAYER_NONE;
	if (flags & GRE_CHECKSUM && !skip(walk, 4))
		return LAYER_BROKEN;
	if (flags & GRE_KEY) {
		if (!slice_u32(&walk->rest, &key))
			return LAYER_BROKEN;
		/* NVGRE's key ends in a byte that tells flows apart: each direction has its own
		 * (RFC 7637 section 3.2). */
		if (type == GRE_BRIDGED)
			key >>= 8;
		/* PPTP's key is a length and the receiver's call number. */
		if (!(flags & GRE_VERSION))
			encapsulation_add(walk, LAYER_GRE, key);
	}
	if (flags & GRE_SEQUENCE && !skip(walk, 4))
		return LAYER_BROKEN;
	if (flags & GRE_VERSION && flags & GRE_ACKNOWLEDGEMENT && !skip(walk, 4))
		return LAYER_BROKEN;
	/* ERSPAN type I has no header of its own, and no sequence number. */
	if (type == 0x88be && !(flags & GRE_SEQUENCE))
		return LAYER_ETHERNET;
	return ethertype_layer(type);
}

/* draft-foschiano-erspan-03 sections 4.2 and 4.3. */
static enum layer erspan2_read(struct walk *walk)
{
	return skip(walk, 8) ? LAYER_ETHERNET : LAYER_BROKEN;
}

static enum layer erspan3_read(struct walk *walk)
{
	uint16_t flags;

	if (!skip(walk, 10) || !slice_u16(&walk->rest, &flags))
		return LAYER_BROKEN;
	if (flags & 1 && !skip(walk, 8)) /* the platform's own header */
		return LAYER_BROKEN;
	return LAYER_ETHERNET;
}

/* RFC 7348 section 5. */
static enum layer vxlan_read(struct walk *walk)
{
	uint32_t flags, network;

	if (!slice_u32(&walk->rest, &flags) || !slice_u32(&walk->rest, &network) ||
	    !(flags & 0x08000000) || network & 0xff)
		return LAYER_NONE;
	encapsulation_add(walk, LAYER_ETHERNET, network >> 8);
	return LAYER_ETHERNET;
}

/* RFC 8926 section 3.4. */
static enum layer geneve_read(struct walk *walk)
{
	uint16_t first, type;
	uint32_t network;

	if (!slice_u16(&walk->rest, &first) || !slice_u16(&walk->rest, &type) ||
	    !slice_u32(&walk->rest, &network) || first >> 14 != 0 || network & 0xff ||
	    !skip(walk, (first >> 8 & 0x3f) * 4))
		return LAYER_NONE;
	encapsulation_add(walk, LAYER_ETHERNET, network >> 8);
	return ethertype_layer(type);
}

/* 3GPP TS 29.281 section 5.1: version 1, a user's packet (255); options if any of three flags is
 * set. */
static enum layer gtp_read(struct walk *walk)
{
	uint8_t flags, type, next = 0, units;
	uint16_t length, sequence;
	uint32_t tunnel;

	if (!slice_u8(&walk->rest, &flags) || !slice_u8(&walk->rest, &type) ||
	    !slice_u16(&walk->rest, &length) || !slice_u32(&walk->rest, &tunnel) ||
	    flags >> 4 != 3 || type != 255)
		return LAYER_NONE;
	length_set(walk, length);
	if (!(flags & 7))
		return LAYER_IP;
	if (!slice_u16(&walk->rest, &sequence) || !skip(walk, 1) || !slice_u8(&walk->rest, &next))
		return LAYER_NONE;
	while (flags & 4 && next) {
		if (!slice_u8(&walk->rest, &units) || !units || !skip(walk, units * 4U - 2) ||
		    !slice_u8(&walk->rest, &next))
			return LAYER_NONE;
	}
	return LAYER_IP;
}

static const struct tunnel {
	uint16_t port;
	enum layer (*read)(struct walk *walk);
} tunnels[] = {
	{4789, vxlan_read},
	{8472, vxlan_read},
	{6081, geneve_read},
	{2152, gtp_read},
};

/* LAYER_NONE if it is no tunnel: then nothing has moved. */
static enum layer tunnel_read(struct walk *walk)
{
	struct walk before = *walk;
	uint64_t encapsulation = walk->frame->encapsulation;
	enum layer layer;
	size_t i;

	for (i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++) {
		if (walk->frame->destination_port != tunnels[i].port)
			continue;
		layer = tunnels[i].read(walk);
		if (layer != LAYER_NONE)
			return layer;
		*walk = before;
		walk->frame->encapsulation = encapsulation;
	}
	return LAYER_NONE;
}

static enum layer payload_set(struct walk *walk, uint8_t protocol)
{
	walk->frame->protocol = protocol;
	walk->frame->payload = walk->rest;
	walk->frame->length = walk->rest.length + walk->missing;
	return LAYER_DONE;
}

static enum layer udp_read(struct walk *walk)
{
	struct frame *frame = walk->frame;
	uint16_t length, checksum;
	enum layer layer;

	if (!slice_u16(&walk->rest, &frame->source_port) ||
	    !slice_u16(&walk->rest, &frame->destination_port) || !slice_u16(&walk->rest, &length) ||
	    !slice_u16(&walk->rest, &checksum))
		return LAYER_BROKEN;
	if (length && length < 8)
		return LAYER_BROKEN;
	if (length && (size_t)length - 8 <= walk->rest.length + walk->missing)
		length_set(walk, length - 8);
	layer = tunnel_read(walk);
	return layer != LAYER_NONE ? layer : payload_set(walk, FRAME_PROTOCOL_UDP);
}

/* RFC 9293 section 3.1. */
static enum layer tcp_read(struct walk *walk)
{
	struct frame *frame = walk->frame;
	uint16_t offset_flags;
	size_t options;

	if (!slice_u16(&walk->rest, &frame->source_port) ||
	    !slice_u16(&walk->rest, &frame->destination_port) ||
	    !slice_u32(&walk->rest, &frame->sequence) ||
	    !slice_u32(&walk->rest, &frame->acknowledgement) ||
	    !slice_u16(&walk->rest, &offset_flags) || !skip(walk, 6))
		return LAYER_BROKEN;
	frame->tcp_flags = offset_flags & 0xff;
	if (offset_flags >> 12 < 5)
		return LAYER_BROKEN;
	options = ((offset_flags >> 12) - 5) * 4;
	if (options > walk->rest.length + walk->missing)
		return LAYER_BROKEN;
	if (!skip(walk, options)) {
		/* The snapshot ends within the options: there is a payload, and none of it. */
		walk->missing -= options - walk->rest.length;
		walk->rest.length = 0;
	}
	if (frame->tcp_flags & TLSTRACE_TCP_SYN)
		frame->sequence++;
	return payload_set(walk, FRAME_PROTOCOL_TCP);
}

static enum layer (*const readers[LAYERS])(struct walk *walk) = {
	[LAYER_ETHERNET] = ethernet_read,
	[LAYER_COOKED] = cooked_read,
	[LAYER_COOKED2] = cooked2_read,
	[LAYER_NULL] = null_read,
	[LAYER_PPP] = ppp_read,
	[LAYER_PPPOE] = pppoe_read,
	[LAYER_HDLC] = hdlc_read,
	[LAYER_VLAN] = vlan_read,
	[LAYER_MPLS] = mpls_read,
	[LAYER_IP] = ip_read,
	[LAYER_IPV4] = ipv4_read,
	[LAYER_IPV6] = ipv6_read,
	[LAYER_IPV6_EXTENSION] = ipv6_extension_read,
	[LAYER_IPV6_FRAGMENT] = ipv6_fragment_read,
	[LAYER_AUTHENTICATION] = authentication_read,
	[LAYER_GRE] = gre_read,
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
