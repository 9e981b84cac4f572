/* SPDX-License-Identifier: BSD-2-Clause */
/* What the delay line reads of an Ethernet frame. */
#ifndef LINE_PACKET_H
#define LINE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tcp_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

struct packet {
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint8_t flags;	  /* enum tcp_flag */
	uint16_t source, target;
	uint32_t sequence, acknowledgement;
	uint32_t length; /* of the payload */
	const uint8_t *payload;
};

/* False unless it is a whole TCP or UDP packet over IPv4 or IPv6 without extension headers. */
bool packet_read(const uint8_t *frame, size_t size, struct packet *packet);
/* The payload begins a TLS ClientHello (RFC 8446 section 5.1). */
bool packet_is_hello(const struct packet *packet);

#endif
