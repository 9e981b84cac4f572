// SPDX-License-Identifier: BSD-2-Clause
/* Frames and packets within packets: GRE and what it carries, and tunnels in UDP. */
#include "source/layer.h"

/* RFC 2784, RFC 2890; version 1 is PPTP's (RFC 2637). */
enum layer gre_read(struct walk *walk)
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
	if (flags & GRE_CHECKSUM && !walk_skip(walk, 4))
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
			walk_encapsulate(walk, LAYER_GRE, key);
	}
	if (flags & GRE_SEQUENCE && !walk_skip(walk, 4))
		return LAYER_BROKEN;
	if (flags & GRE_VERSION && flags & GRE_ACKNOWLEDGEMENT && !walk_skip(walk, 4))
		return LAYER_BROKEN;
	/* ERSPAN type I has no header of its own, and no sequence number. */
	if (type == 0x88be && !(flags & GRE_SEQUENCE))
		return LAYER_ETHERNET;
	return ethertype_layer(type);
}

/* draft-foschiano-erspan-03 sections 4.2 and 4.3. */
enum layer erspan2_read(struct walk *walk)
{
	return walk_skip(walk, 8) ? LAYER_ETHERNET : LAYER_BROKEN;
}

enum layer erspan3_read(struct walk *walk)
{
	uint16_t flags;

	if (!walk_skip(walk, 10) || !slice_u16(&walk->rest, &flags))
		return LAYER_BROKEN;
	if (flags & 1 && !walk_skip(walk, 8)) /* the platform's own header */
		return LAYER_BROKEN;
	return LAYER_ETHERNET;
}

/* RFC 3378: a version and nothing else. */
enum layer ether_ip_read(struct walk *walk)
{
	uint16_t version;

	return slice_u16(&walk->rest, &version) && version == 0x3000 ? LAYER_ETHERNET : LAYER_NONE;
}

/* RFC 7348 section 5. */
static enum layer vxlan_read(struct walk *walk)
{
	uint32_t flags, network;

	if (!slice_u32(&walk->rest, &flags) || !slice_u32(&walk->rest, &network) ||
	    !(flags & 0x08000000) || network & 0xff)
		return LAYER_NONE;
	walk_encapsulate(walk, LAYER_ETHERNET, network >> 8);
	return LAYER_ETHERNET;
}

/* RFC 8926 section 3.4. */
static enum layer geneve_read(struct walk *walk)
{
	uint16_t first, type;
	uint32_t network;

	if (!slice_u16(&walk->rest, &first) || !slice_u16(&walk->rest, &type) ||
	    !slice_u32(&walk->rest, &network) || first >> 14 != 0 || network & 0xff ||
	    !walk_skip(walk, (first >> 8 & 0x3f) * 4))
		return LAYER_NONE;
	walk_encapsulate(walk, LAYER_ETHERNET, network >> 8);
	return ethertype_layer(type);
}

/* draft-ietf-nvo3-vxlan-gpe section 3.1: it says what it carries. */
static enum layer vxlan_gpe_read(struct walk *walk)
{
	enum { GPE_IPV4 = 1, GPE_IPV6 = 2, GPE_ETHERNET = 3 };
	uint32_t flags, network;

	if (!slice_u32(&walk->rest, &flags) || !slice_u32(&walk->rest, &network) ||
	    !(flags & 0x08000000) || network & 0xff)
		return LAYER_NONE;
	walk_encapsulate(walk, LAYER_ETHERNET, network >> 8);
	switch (flags & 0xff) {
	case GPE_IPV4:
	case GPE_IPV6:
		return LAYER_IP;
	case GPE_ETHERNET:
		return LAYER_ETHERNET;
	}
	return LAYER_NONE;
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
	walk_length(walk, length);
	if (!(flags & 7))
		return LAYER_IP;
	if (!slice_u16(&walk->rest, &sequence) || !walk_skip(walk, 1) ||
	    !slice_u8(&walk->rest, &next))
		return LAYER_NONE;
	while (flags & 4 && next) {
		if (!slice_u8(&walk->rest, &units) || !units || !walk_skip(walk, units * 4U - 2) ||
		    !slice_u8(&walk->rest, &next))
			return LAYER_NONE;
	}
	return LAYER_IP;
}

static const struct tunnel {
	uint16_t port;
	layer_reader *read;
} tunnels[] = {
	{4789, vxlan_read},  {8472, vxlan_read}, {4790, vxlan_gpe_read},
	{6081, geneve_read}, {2152, gtp_read},
};

enum layer tunnel_read(struct walk *walk)
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
