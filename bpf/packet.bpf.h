/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* From a frame to its TCP or UDP payload: Ethernet, VLAN, QinQ, IPv4 with options, IPv6 with
 * extensions. */
#ifndef TLSTRACE_PACKET_BPF_H
#define TLSTRACE_PACKET_BPF_H

#include "vmlinux.h"
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "tlstrace.h"

#define VLAN_TAGS_MAX	     2
#define IPV6_EXTENSIONS_MAX  6
#define IPV4_FRAGMENT_OFFSET 0x1fff
#define IPV4_MORE_FRAGMENTS  0x2000

#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17

struct packet {
	__u8 source[16];
	__u8 destination[16];
	__u16 source_port;
	__u16 destination_port;
	__u32 sequence; /* of the first payload byte */
	__u32 acknowledgement;
	__u32 payload; /* offset in the frame */
	__u32 length;  /* of the payload */
	__u32 slot;    /* in the presence filter: the same for both directions */
	__u8 flags;    /* of TCP */
	__u8 protocol;
	__u8 hook;
	__u8 at_socket; /* on its way into or out of a socket, else at a device */
};

/* Secret numbers, for who chooses addresses and ports must not choose the slot; set by the loader.
 */
const volatile __u64 presence_seeds[2] = {0x9e3779b97f4a7c15ULL, 0xc2b2ae3d27d4eb4fULL};

static __always_inline __u64 end_hash(const __u8 *address, __u16 port)
{
	__u64 words[2], hash;

	__builtin_memcpy(words, address, sizeof(words));
	hash = (words[0] + ((__u64)port << 32 | port)) * presence_seeds[0] +
	       words[1] * presence_seeds[1];
	hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

/* In the presence filter: the same for both directions. */
static __always_inline __u32 presence_slot(const __u8 *source, __u16 source_port,
					   const __u8 *destination, __u16 destination_port)
{
	__u64 hash = end_hash(source, source_port) + end_hash(destination, destination_port);

	return (hash * 0xff51afd7ed558ccdULL) >> 50 & (TLSTRACE_PRESENCE_SIZE - 1);
}

/*
 * Copy bytes of the frame: directly where they are in the linear part (half the price of the
 * helper), else through the helper, which also reads fragments.
 */
#define packet_load(skb, offset, to) packet_load_bytes(skb, offset, to, sizeof(*(to)))

static __always_inline int packet_load_bytes(struct __sk_buff *skb, __u32 offset, void *to,
					     __u32 length)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;

	if (offset < 2048 && data + offset + length <= end) {
		__builtin_memcpy(to, data + offset, length);
		return 0;
	}
	return bpf_skb_load_bytes(skb, offset, to, length);
}

/* The EtherType after the MAC header and the tags in the frame; tags in metadata are not in the
 * frame. */
static __always_inline __be16 packet_ethertype(struct __sk_buff *skb, __u32 *offset)
{
	__be16 type;
	int i;

	if (packet_load(skb, ETH_HLEN - sizeof(type), &type))
		return 0;
	*offset = ETH_HLEN;
	for (i = 0; i < VLAN_TAGS_MAX; i++) {
		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		if (packet_load(skb, *offset + 2, &type))
			return 0;
		*offset += 4;
	}
	return type;
}

/* A device without MAC header (tun, WireGuard, IP tunnels): the version nibble tells. */
static __always_inline __be16 packet_version(struct __sk_buff *skb)
{
	__u8 first;

	if (packet_load(skb, 0, &first))
		return 0;
	if (first >> 4 == 4)
		return bpf_htons(ETH_P_IP);
	return first >> 4 == 6 ? bpf_htons(ETH_P_IPV6) : 0;
}

static __always_inline int packet_parse_ipv4(struct __sk_buff *skb, struct packet *packet,
					     __u32 *offset, __u32 *end)
{
	struct iphdr ip;
	__u32 total;

	if (packet_load(skb, *offset, &ip))
		return -1;
	if ((ip.protocol != PROTOCOL_TCP && ip.protocol != PROTOCOL_UDP) || ip.version != 4 ||
	    ip.ihl < 5 || ip.frag_off & bpf_htons(IPV4_FRAGMENT_OFFSET))
		return -1;
	/* Fragments of datagrams are not reassembled. */
	if (ip.protocol == PROTOCOL_UDP && ip.frag_off & bpf_htons(IPV4_MORE_FRAGMENTS))
		return -1;
	packet->protocol = ip.protocol;
	total = bpf_ntohs(ip.tot_len);
	/* 0 is a BIG TCP packet (b1a78b9b9886): the socket buffer knows its length. */
	*end = total ? *offset + total : skb->len;
	*offset += ip.ihl * 4;
	/* ::ffff:0:0/96 */
	__builtin_memset(packet->source, 0, 10);
	__builtin_memset(packet->destination, 0, 10);
	packet->source[10] = packet->source[11] = 0xff;
	packet->destination[10] = packet->destination[11] = 0xff;
	__builtin_memcpy(packet->source + 12, &ip.saddr, 4);
	__builtin_memcpy(packet->destination + 12, &ip.daddr, 4);
	return 0;
}

static __always_inline int packet_parse_ipv6(struct __sk_buff *skb, struct packet *packet,
					     __u32 *offset, __u32 *end)
{
	struct ipv6hdr ip;
	__u8 next, option[2];
	int i;

	if (packet_load(skb, *offset, &ip) || ip.version != 6)
		return -1;
	*offset += sizeof(ip);
	/* 0 is a jumbogram (BIG TCP). */
	*end = ip.payload_len ? *offset + bpf_ntohs(ip.payload_len) : skb->len;
	next = ip.nexthdr;
	/* RFC 8200 section 4.1; each extension begins with next header and length in units of 8. */
	for (i = 0; i < IPV6_EXTENSIONS_MAX && next != PROTOCOL_TCP && next != PROTOCOL_UDP; i++) {
		if (bpf_skb_load_bytes(skb, *offset, option, sizeof(option)))
			return -1;
		if (next == 0 || next == 43 || next == 60) /* hop-by-hop, routing, destination */
			*offset += (option[1] + 1) * 8;
		else if (next == 51) /* authentication, RFC 4302 section 2.2 */
			*offset += (option[1] + 2) * 4;
		else
			return -1; /* fragments too: their rest cannot be put together here */
		next = option[0];
	}
	if (next != PROTOCOL_TCP && next != PROTOCOL_UDP)
		return -1;
	packet->protocol = next;
	__builtin_memcpy(packet->source, &ip.saddr, 16);
	__builtin_memcpy(packet->destination, &ip.daddr, 16);
	return 0;
}

static __always_inline int packet_parse_tcp(struct __sk_buff *skb, __u32 offset, __u32 end,
					    struct packet *packet)
{
	struct tcphdr tcp;

	if (packet_load(skb, offset, &tcp) || tcp.doff < 5)
		return -1;
	packet->payload = offset + tcp.doff * 4;
	packet->length = end > packet->payload ? end - packet->payload : 0;
	packet->flags = ((__u8 *)&tcp)[13];
	/* SYN takes one sequence number; Fast Open data starts after it. */
	packet->sequence = bpf_ntohl(tcp.seq) + !!(packet->flags & TLSTRACE_TCP_SYN);
	packet->acknowledgement = bpf_ntohl(tcp.ack_seq);
	packet->source_port = bpf_ntohs(tcp.source);
	packet->destination_port = bpf_ntohs(tcp.dest);
	/* An urgent byte is no part of the stream (RFC 6093): one in front of everything is passed
	 * over. The pointer is to the byte after it. */
	if (packet->flags & TLSTRACE_TCP_URG && tcp.urg_ptr == bpf_htons(1) && packet->length > 1) {
		packet->payload++;
		packet->sequence++;
		packet->length--;
	}
	return 0;
}

static __always_inline int packet_parse_udp(struct __sk_buff *skb, __u32 offset, __u32 end,
					    struct packet *packet)
{
	struct udphdr udp;

	if (packet_load(skb, offset, &udp))
		return -1;
	/* Several datagrams of GSO or GRO have one header, whose length is that of all. */
	packet->payload = offset + sizeof(udp);
	packet->length = end > packet->payload ? end - packet->payload : 0;
	if (packet->length > bpf_ntohs(udp.len) - sizeof(udp))
		packet->length = bpf_ntohs(udp.len) - sizeof(udp);
	packet->flags = 0;
	packet->sequence = packet->acknowledgement = 0;
	packet->source_port = bpf_ntohs(udp.source);
	packet->destination_port = bpf_ntohs(udp.dest);
	return 0;
}

/* 0 if the frame is a TCP segment or UDP datagram whose header is whole. */
static __always_inline int packet_parse(struct __sk_buff *skb, bool has_mac, struct packet *packet)
{
	__u32 offset = 0, end = 0;
	__be16 type;

	type = has_mac ? packet_ethertype(skb, &offset) : packet_version(skb);
	if (type == bpf_htons(ETH_P_IP)) {
		if (packet_parse_ipv4(skb, packet, &offset, &end))
			return -1;
	} else if (type == bpf_htons(ETH_P_IPV6)) {
		if (packet_parse_ipv6(skb, packet, &offset, &end))
			return -1;
	} else {
		return -1;
	}
	if (end > skb->len)
		end = skb->len;
	if (packet->protocol == PROTOCOL_TCP ? packet_parse_tcp(skb, offset, end, packet)
					     : packet_parse_udp(skb, offset, end, packet))
		return -1;
	packet->slot = presence_slot(packet->source, packet->source_port, packet->destination,
				     packet->destination_port);
	return 0;
}

#endif
