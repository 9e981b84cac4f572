// SPDX-License-Identifier: BSD-2-Clause
/*
 * flood INTERFACE KIND COUNT RATE ADDRESS: packets that look like the beginning of a handshake,
 * from ever new ports of 198.18.0.0/15 (RFC 2544), to ADDRESS through INTERFACE. No socket is
 * behind them. KIND: byte (the first byte of a record), hello (a whole ClientHello), half (its
 * first 100 bytes), dtls (one fragment of a ClientHello). Ends after COUNT packets and prints the
 * rate reached.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define COUNT_MAX  50000000UL
#define FRAME_SIZE 1514
#define BATCH	   64
#define NETWORK	   0xc6120000u /* 198.18.0.0 */
#define RANDOM_AT  11	       /* of a hello in its record */

struct kind {
	const char *name;
	uint8_t protocol;
	size_t size;	  /* of the payload */
	size_t random_at; /* 0: it has none */
};

static const struct kind kinds[] = {
	{"byte", IPPROTO_TCP, 1, 0},
	{"hello", IPPROTO_TCP, 250, RANDOM_AT},
	{"half", IPPROTO_TCP, 100, RANDOM_AT},
	{"dtls", IPPROTO_UDP, 100, 27},
};

/* A ClientHello of 245 bytes that offers two suites; its extension is padding (RFC 7685). */
static void hello_fill(uint8_t *to)
{
	static const uint8_t start[] = {0x16, 3, 1, 0, 245, 1, 0, 0, 241, 3, 3};
	static const uint8_t rest[] = {0, 0, 4,	  0xc0, 0x2f, 0xc0, 0x30, 1,
				       0, 0, 196, 0,	21,   0,    192};

	memset(to, 0, 250);
	memcpy(to, start, sizeof(start));
	memcpy(to + RANDOM_AT + 32, rest, sizeof(rest));
}

/* The first 75 bytes of a ClientHello of 200 (RFC 6347 section 4.2.2). */
static void dtls_fill(uint8_t *to)
{
	static const uint8_t start[] = {0x16, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0,  0,	 87,  1,
					0,    0,    200,  0, 0, 0, 0, 0, 0, 0, 75, 0xfe, 0xfd};

	memset(to, 0, 100);
	memcpy(to, start, sizeof(start));
}

static size_t frame_fill(uint8_t *frame, const struct kind *kind, struct in_addr to)
{
	size_t header =
		kind->protocol == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr);
	struct ethhdr *ethernet = (void *)frame;
	struct iphdr *ip = (void *)(ethernet + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	struct udphdr *udp = (void *)(ip + 1);
	uint8_t *payload = (uint8_t *)(ip + 1) + header;

	memset(frame, 0, FRAME_SIZE);
	memset(ethernet->h_dest, 0xff, ETH_ALEN);
	ethernet->h_source[0] = 2;
	ethernet->h_proto = htons(ETH_P_IP);
	*ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = kind->protocol};
	ip->tot_len = htons(sizeof(*ip) + header + kind->size);
	ip->daddr = to.s_addr;
	if (kind->protocol == IPPROTO_TCP) {
		*tcp = (struct tcphdr){.dest = htons(443), .doff = 5, .ack = 1, .psh = 1};
		hello_fill(payload);
	} else {
		*udp = (struct udphdr){.dest = htons(4433), .len = htons(header + kind->size)};
		dtls_fill(payload);
	}
	return (size_t)(payload - frame) + kind->size;
}

/* The source address, port and random of the packet with this number. */
static void frame_number(uint8_t *frame, const struct kind *kind, size_t size, uint64_t seed,
			 unsigned long number)
{
	struct iphdr *ip = (void *)(frame + sizeof(struct ethhdr));
	uint16_t *port = (void *)(ip + 1);
	uint64_t random = (seed + number) * 0x9e3779b97f4a7c15ULL;

	ip->saddr = htonl(NETWORK + 1 + number / 50000 % 100000);
	*port = htons(1024 + number % 50000);
	if (kind->random_at)
		memcpy(frame + size - kind->size + kind->random_at, &random, sizeof(random));
}

static double seconds_since(const struct timespec *begin)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - begin->tv_sec + (now.tv_nsec - begin->tv_nsec) / 1e9;
}

static int flood(int socket, const struct kind *kind, unsigned long count, double rate,
		 struct in_addr to)
{
	uint8_t frame[FRAME_SIZE];
	size_t size = frame_fill(frame, kind, to);
	struct timespec begin;
	unsigned long number;
	uint64_t seed;
	double ahead;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (number = 0; number < count; number++) {
		frame_number(frame, kind, size, seed, number);
		if (send(socket, frame, size, 0) < 0) {
			perror("flood: send");
			return -1;
		}
		if (number % BATCH)
			continue;
		ahead = number / rate - seconds_since(&begin);
		if (ahead > 0)
			usleep(ahead * 1e6);
	}
	printf("%.0f\n", count / seconds_since(&begin));
	return 0;
}

static const struct kind *kind_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static int interface_open(const char *name)
{
	struct sockaddr_ll where = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(name)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (!where.sll_ifindex || fd < 0 || bind(fd, (struct sockaddr *)&where, sizeof(where))) {
		perror("flood: interface");
		return -1;
	}
	return fd;
}

int main(int argc, char **argv)
{
	const struct kind *kind = argc == 6 ? kind_find(argv[2]) : NULL;
	unsigned long count = argc == 6 ? strtoul(argv[3], NULL, 10) : 0;
	double rate = argc == 6 ? strtod(argv[4], NULL) : 0;
	struct in_addr to;
	int socket;

	if (!kind || !count || count > COUNT_MAX || rate <= 0 || !inet_aton(argv[5], &to)) {
		fprintf(stderr, "usage: flood INTERFACE byte|hello|half|dtls COUNT RATE ADDRESS\n");
		return 2;
	}
	socket = interface_open(argv[1]);
	if (socket < 0)
		return 1;
	return flood(socket, kind, count, rate, to) ? 1 : 0;
}
