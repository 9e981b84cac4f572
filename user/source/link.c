// SPDX-License-Identifier: BSD-2-Clause
/* What a frame begins with: link layers, and the tags and labels between them and IP. */
#include "source/layer.h"

#define LENGTH_FIELD_MAX 1500 /* below it an EtherType is IEEE 802.3's length */

/* The most frequent first. */
enum layer ethertype_layer(uint16_t type)
{
	static const struct code_layer types[] = {
		{0x0800, LAYER_IPV4},	  {0x86dd, LAYER_IPV6},	    {0x8100, LAYER_VLAN},
		{0x88a8, LAYER_VLAN},	  {0x9100, LAYER_VLAN},	    {0x9200, LAYER_VLAN},
		{0x8847, LAYER_MPLS},	  {0x8848, LAYER_MPLS},	    {0x8864, LAYER_PPPOE},
		{0x6558, LAYER_ETHERNET}, {0x88be, LAYER_ERSPAN2},  {0x22eb, LAYER_ERSPAN3},
		{0x880b, LAYER_PPP},	  {0x8909, LAYER_METADATA}, {0x893f, LAYER_E_TAG},
		{0x8926, LAYER_VN_TAG},	  {0x88e7, LAYER_I_TAG},
	};

	return code_find(types, sizeof(types) / sizeof(types[0]), type);
}

enum layer ethernet_read(struct walk *walk)
{
	uint16_t type, access, organization;
	uint32_t rest;

	if (!walk_skip(walk, 12) || !slice_u16(&walk->rest, &type))
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
enum layer cooked_read(struct walk *walk)
{
	uint16_t packet_type, protocol;

	if (!slice_u16(&walk->rest, &packet_type) || !walk_skip(walk, 12) ||
	    !slice_u16(&walk->rest, &protocol))
		return LAYER_BROKEN;
	direction_set(walk, packet_type);
	return ethertype_layer(protocol);
}

/* LINKTYPE_LINUX_SLL2: protocol, reserved, interface, ARPHRD, packet type, address length, address.
 */
enum layer cooked2_read(struct walk *walk)
{
	uint16_t protocol;
	uint8_t packet_type;

	if (!slice_u16(&walk->rest, &protocol) || !walk_skip(walk, 2) ||
	    !slice_u32(&walk->rest, &walk->frame->ifindex) || !walk_skip(walk, 2) ||
	    !slice_u8(&walk->rest, &packet_type) || !walk_skip(walk, 9))
		return LAYER_BROKEN;
	direction_set(walk, packet_type);
	return ethertype_layer(protocol);
}

/* The family's number and byte order are those of a system unknown: the IP version says the same.
 */
enum layer null_read(struct walk *walk)
{
	return walk_skip(walk, 4) ? LAYER_IP : LAYER_BROKEN;
}

enum layer hdlc_read(struct walk *walk)
{
	uint16_t type;

	return walk_skip(walk, 2) && slice_u16(&walk->rest, &type) ? ethertype_layer(type)
								   : LAYER_BROKEN;
}

/* RFC 1661 section 2, RFC 1662 section 3.1: address, control and the protocol's first byte may be
 * left out. */
enum layer ppp_read(struct walk *walk)
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
enum layer pppoe_read(struct walk *walk)
{
	uint16_t version_code, session, length;

	if (!slice_u16(&walk->rest, &version_code) || !slice_u16(&walk->rest, &session) ||
	    !slice_u16(&walk->rest, &length))
		return LAYER_BROKEN;
	if (version_code != 0x1100)
		return LAYER_NONE;
	walk_encapsulate(walk, LAYER_PPPOE, session);
	walk_length(walk, length);
	return LAYER_PPP;
}

enum layer vlan_read(struct walk *walk)
{
	uint16_t tag, type;

	if (!slice_u16(&walk->rest, &tag) || !slice_u16(&walk->rest, &type))
		return LAYER_BROKEN;
	/* A tag of VLAN 0 is a priority alone (IEEE 802.1Q), and often of one direction only. */
	if (tag & 0x0fff)
		walk_encapsulate(walk, LAYER_VLAN, tag & 0x0fff);
	return ethertype_layer(type);
}

/* Cisco MetaData, which carries a Security Group Tag: a version, the length of the options in
 * words. */
enum layer metadata_read(struct walk *walk)
{
	uint8_t version, words;
	uint16_t type;

	if (!slice_u8(&walk->rest, &version) || !slice_u8(&walk->rest, &words) ||
	    !walk_skip(walk, words * 4U) || !slice_u16(&walk->rest, &type))
		return LAYER_BROKEN;
	return ethertype_layer(type);
}

static enum layer tag_skip(struct walk *walk, size_t length)
{
	uint16_t type;

	return walk_skip(walk, length) && slice_u16(&walk->rest, &type) ? ethertype_layer(type)
									: LAYER_BROKEN;
}

/* IEEE 802.1BR section 7.5. */
enum layer e_tag_read(struct walk *walk)
{
	return tag_skip(walk, 6);
}

/* Cisco's VN-Tag, which became 802.1BR. */
enum layer vn_tag_read(struct walk *walk)
{
	return tag_skip(walk, 4);
}

/* IEEE 802.1ah: the service's identifier, then the customer's frame. */
enum layer i_tag_read(struct walk *walk)
{
	return walk_skip(walk, 4) ? LAYER_ETHERNET : LAYER_BROKEN;
}

/*
 * LINKTYPE_NFLOG: family, version, resource, then attributes in the byte order of the host that
 * captured. One of them is the packet.
 */
enum layer nflog_read(struct walk *walk)
{
	enum { NFLOG_PAYLOAD = 9, ATTRIBUTE_HEADER = 4 };
	struct slice header;

	if (!walk_skip(walk, 4))
		return LAYER_BROKEN;
	while (slice_bytes(&walk->rest, ATTRIBUTE_HEADER, &header)) {
		size_t little = header.bytes[0] | header.bytes[1] << 8;
		size_t big = header.bytes[0] << 8 | header.bytes[1];
		bool is_little = little >= ATTRIBUTE_HEADER &&
				 little - ATTRIBUTE_HEADER <= walk->rest.length + walk->missing;
		size_t length = is_little ? little : big;
		uint16_t type = header.bytes[is_little ? 2 : 3] | header.bytes[is_little ? 3 : 2]
									  << 8;

		if (length < ATTRIBUTE_HEADER)
			return LAYER_BROKEN;
		length -= ATTRIBUTE_HEADER;
		if ((type & 0x7fff) == NFLOG_PAYLOAD) {
			walk_length(walk, length);
			return LAYER_IP;
		}
		if (!walk_skip(walk, (length + 3) / 4 * 4))
			return LAYER_BROKEN;
	}
	return LAYER_NONE;
}

/* RFC 3032: what lies below the last label is not said; RFC 4385's control word begins with a
 * nibble of 0. */
enum layer mpls_read(struct walk *walk)
{
	uint32_t label;

	if (!slice_u32(&walk->rest, &label))
		return LAYER_BROKEN;
	if (!(label & 0x100))
		return LAYER_MPLS;
	if (walk->rest.length && walk->rest.bytes[0] >> 4 == 0)
		return walk_skip(walk, 4) ? LAYER_ETHERNET : LAYER_BROKEN;
	return LAYER_IP;
}
