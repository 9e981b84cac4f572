/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to which packet. A rule is a line of words:
 *
 *   from=client|server    default: both
 *   syn synack ack data hello fin rst udp    kinds, any of them; default: every packet
 *   nth=N[-M]             of its kind in its direction and connection: a data segment counts once
 *                         however often it is sent; datagrams, pure ACKs and SYNs count each time
 *   try=N[-M]             the transmission of a data segment or SYN: 1 is the first
 *   count=N               the rule acts so often; default: always
 *   for=MS                the rule acts so long, from the first packet it acts on
 *   after=MS              of the line's own life: the rule begins to act then
 *
 * and an action:
 *
 *   drop                  the packet is lost
 *   delay=MS              it alone comes later, and others may overtake it
 *   stall=MS              it and all packets of its direction that follow come later
 *   swap=N                it comes after the N packets that follow it, or after a second
 *   dup=MS                a second copy comes so much later
 *
 * Instead of both, settings of a direction:
 *
 *   way=MS rate=BITS queue=PACKETS    how long the way is, how many bits a second leave, and how
 *                                     many packets wait at most: others are dropped
 *
 * Milliseconds may have a fraction.
 */
#ifndef LINE_RULES_H
#define LINE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet.h"

enum way { FROM_CLIENT, FROM_SERVER, WAYS };

enum packet_kind {
	KIND_SYN = 1,
	KIND_SYNACK = 2,
	KIND_ACK = 4,
	KIND_DATA = 8,
	KIND_HELLO = 16,
	KIND_FIN = 32,
	KIND_RST = 64,
	KIND_UDP = 128,
};

/* Which packet it is: what rules match. */
struct label {
	enum way from;
	uint32_t kinds;
	uint32_t nth, try;
};

enum action { ACTION_NONE, ACTION_DROP, ACTION_DELAY, ACTION_STALL, ACTION_SWAP, ACTION_DUP };

struct rule {
	bool from[WAYS];
	uint32_t kinds;		 /* 0: all */
	uint32_t nth[2], try[2]; /* first and last; 0: any */
	uint32_t left, hits;
	uint64_t for_ns, after_ns;
	uint64_t until_ns; /* 0: it has not acted yet */
	enum action action;
	uint64_t amount; /* ns, of swap packets */
};

struct settings {
	uint64_t way_ns, rate, queue; /* 0: no limit */
};

/* 0, or -EINVAL. A line of settings changes them and leaves rule->action at ACTION_NONE. */
int rule_parse(const char *line, struct rule *rule, struct settings settings[WAYS]);
/* Whether the rule acts on this packet; if it does, that is noted. */
bool rule_acts(struct rule *rule, const struct label *label, uint64_t now_ns, uint64_t age_ns);

struct connections;

struct connections *connections_new(void);
/* Label a packet of the connection it belongs to, which is known by the client's port. */
struct label packet_label(struct connections *connections, const struct packet *packet,
			  enum way from);

#endif
