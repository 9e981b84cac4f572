/* SPDX-License-Identifier: BSD-2-Clause */
/* Layers of a frame, for the files that read them: frame.c, link.c, tunnel.c. */
#ifndef TLSTRACE_LAYER_H
#define TLSTRACE_LAYER_H

#include <stdbool.h>

#include "source/frame.h"

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
	LAYER_NFLOG,
	LAYER_VLAN,
	LAYER_METADATA,
	LAYER_E_TAG,
	LAYER_VN_TAG,
	LAYER_I_TAG,
	LAYER_MPLS,
	LAYER_IP,
	LAYER_IPV4,
	LAYER_IPV6,
	LAYER_IPV6_EXTENSION,
	LAYER_IPV6_FRAGMENT,
	LAYER_AUTHENTICATION,
	LAYER_GRE,
	LAYER_ETHER_IP,
	LAYER_ERSPAN2,
	LAYER_ERSPAN3,
	LAYER_TCP,
	LAYER_UDP,
	LAYERS,
};

/* A frame being read: rest is what was captured after the headers so far. */
struct walk {
	struct slice rest;
	size_t missing; /* bytes after rest that were on the wire only */
	uint64_t time_ns;
	struct fragments *fragments;
	struct frame *frame;
};

struct code_layer {
	uint16_t code;
	enum layer layer;
};

/* A reader takes its header off the walk and says what comes next. */
typedef enum layer layer_reader(struct walk *walk);

/* LAYER_NONE if it is not in the table. */
enum layer code_find(const struct code_layer *codes, size_t count, uint16_t code);
enum layer ethertype_layer(uint16_t type);
MUST_CHECK static inline bool walk_skip(struct walk *walk, size_t length)
{
	struct slice skipped;

	return slice_bytes(&walk->rest, length, &skipped);
}
/* What the packet says of its own length: what follows is padding of the link, or an FCS. */
void walk_length(struct walk *walk, size_t length);
/* Equal addresses within different networks of this kind are different ones. */
void walk_encapsulate(struct walk *walk, enum layer kind, uint32_t identifier);

/* link.c: what a frame begins with, and tags. */
layer_reader ethernet_read, cooked_read, cooked2_read, null_read, hdlc_read, ppp_read, pppoe_read,
	nflog_read, vlan_read, metadata_read, e_tag_read, vn_tag_read, i_tag_read, mpls_read;
/* tunnel.c: frames and packets within packets. */
layer_reader gre_read, ether_ip_read, erspan2_read, erspan3_read;
/* What a UDP datagram to this port carries; LAYER_NONE if it is no tunnel: then nothing has moved.
 */
enum layer tunnel_read(struct walk *walk);

#endif
