// SPDX-License-Identifier: BSD-2-Clause
#include "packet.h"

#include <netinet/in.h>
#include <string.h>

enum { ETHERNET_SIZE = 14, IPV6_SIZE = 40, UDP_SIZE = 8, TCP_MIN = 20 };

struct reader {
	const uint8_t *at;
	size_t left;
};

static uint16_t read16(const uint8_t *bytes)
{
	return bytes[0] << 8 | bytes[1];
}

static uint32_t read32(const uint8_t *bytes)
{
	return (uint32_t)read16(bytes) << 16 | read16(bytes + 2);
}

static bool skip(struct reader *reader, size_t size)
{
	if (reader->left < size)
		return false;
	reader->at += size;
	reader->left -= size;
	return true;
}

static bool limit(struct reader *reader, size_t size)
{
	if (reader->left < size)
		return false;
	reader->left = size;
	return true;
}

static bool ipv4_read(struct reader *reader, struct packet *packet)
{
	size_t header;

	if (reader->left < 20)
		return false;
	header = (reader->at[0] & 0xf) * 4;
	packet->protocol = reader->at[9];
	return limit(reader, read16(reader->at + 2)) && skip(reader, header);
}

static bool ipv6_read(struct reader *reader, struct packet *packet)
{
	size_t payload;

	if (reader->left < IPV6_SIZE)
		return false;
	packet->protocol = reader->at[6];
	payload = read16(reader->at + 4);
	return skip(reader, IPV6_SIZE) && limit(reader, payload);
}

static bool tcp_read(struct reader *reader, struct packet *packet)
{
	if (reader->left < TCP_MIN)
		return false;
	packet->sequence = read32(reader->at + 4);
	packet->acknowledgement = read32(reader->at + 8);
	packet->flags = reader->at[13];
	return skip(reader, (reader->at[12] >> 4) * 4);
}

bool packet_read(const uint8_t *frame, size_t size, struct packet *packet)
{
	struct reader reader = {frame, size};
	uint16_t type;
	bool whole;

	memset(packet, 0, sizeof(*packet));
	if (!skip(&reader, ETHERNET_SIZE))
		return false;
	type = read16(frame + 12);
	if (type == 0x0800)
		whole = ipv4_read(&reader, packet);
	else
		whole = type == 0x86dd && ipv6_read(&reader, packet);
	if (!whole || reader.left < UDP_SIZE)
		return false;
	packet->source = read16(reader.at);
	packet->target = read16(reader.at + 2);
	if (packet->protocol == IPPROTO_TCP)
		whole = tcp_read(&reader, packet);
	else
		whole = packet->protocol == IPPROTO_UDP && skip(&reader, UDP_SIZE);
	packet->payload = reader.at;
	packet->length = reader.left;
	return whole;
}

bool packet_is_hello(const struct packet *packet)
{
	return packet->length > 5 && packet->payload[0] == 22 && packet->payload[1] == 3 &&
	       packet->payload[5] == 1;
}
