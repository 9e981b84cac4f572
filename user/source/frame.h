/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a captured frame to the TCP segment or UDP datagram it carries, through VLAN tags, tunnels
 * and fragments. Allocates nothing; every byte is hostile.
 */
#ifndef TLSTRACE_FRAME_H
#define TLSTRACE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/slice.h"
#include "tlstrace_types.h"

/* What a frame begins with; the numbers of the link types are the capture format's business. */
enum frame_link {
	FRAME_LINK_ETHERNET,
	FRAME_LINK_COOKED,
	FRAME_LINK_COOKED2,
	FRAME_LINK_IP,	 /* version in the first nibble */
	FRAME_LINK_NULL, /* address family of the capturing host before it */
	FRAME_LINK_PPP,	 /* protocol number, perhaps after address and control (RFC 1662) */
	FRAME_LINK_PPPOE,
	FRAME_LINK_HDLC,  /* Cisco's: address and control, then an EtherType */
	FRAME_LINK_NFLOG, /* attributes of Linux's nfnetlink_log */
};

enum frame_direction { FRAME_INCOMING, FRAME_OUTGOING, FRAME_DIRECTION_UNKNOWN };

enum frame_result {
	FRAME_READ,   /* a segment or a datagram */
	FRAME_OTHER,  /* no TCP or UDP, or a fragment whose datagram is not whole yet */
	FRAME_BROKEN, /* headers that are cut off, contradict themselves or are nested too deep */
};

enum frame_checksum { FRAME_CHECKSUM_UNKNOWN, FRAME_CHECKSUM_RIGHT, FRAME_CHECKSUM_WRONG };

enum { FRAME_PROTOCOL_TCP = 6, FRAME_PROTOCOL_UDP = 17 };

struct frame {
	uint8_t source[16], destination[16]; /* IPv4 as ::ffff:a.b.c.d; of the innermost packet */
	uint16_t source_port, destination_port;
	uint8_t protocol;
	uint8_t tcp_flags; /* enum tlstrace_tcp_flag */
	uint32_t sequence; /* of the first payload byte: a SYN's own number is counted */
	uint32_t acknowledgement;
	uint16_t urgent;	 /* pointer, if the flag is set */
	uint16_t identification; /* of IPv4; 0 if there is none */
	struct tlstrace_sack sacks[TLSTRACE_SACKS_MAX];
	uint8_t sack_count;
	struct slice whole;   /* from the transport's header on, as far as it was captured */
	struct slice payload; /* what was captured of it; borrows the frame or the fragments */
	uint32_t length;      /* of the payload on the wire */
	/*
	 * Tells equal addresses in different VLANs and virtual networks apart; 0 if there are none.
	 * Labels that differ between the directions of one connection (MPLS, GTP) are not part of
	 * it.
	 */
	uint64_t encapsulation;
	uint32_t ifindex; /* of the capturing host, 0 unknown */
	enum frame_direction direction;
	bool doubtful; /* its checksum is wrong: set by who knows that it means something */
};

struct fragments;

/* Of a TCP segment; unknown if it is not whole, or the network card was to compute it. */
enum frame_checksum frame_checksum(const struct frame *frame);
/*
 * Read a frame of wire_length bytes on the wire; bytes are those captured. fragments keeps the
 * pieces of datagrams between calls; a frame's payload is valid until the next call.
 */
enum frame_result frame_read(enum frame_link link, struct slice bytes, size_t wire_length,
			     uint64_t time_ns, struct fragments *fragments, struct frame *frame);

#endif
