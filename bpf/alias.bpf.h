/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Connections whose two directions have different addresses at one place: REDIRECT and DNAT to an
 * address of the own host rewrite what the client sends, and what the server answers only after
 * it crossed that place. The client's socket knows the addresses that the answer has.
 */
#ifndef TLSTRACE_ALIAS_BPF_H
#define TLSTRACE_ALIAS_BPF_H

#include "flow.bpf.h"

/* What the flow is called. */
struct alias {
	struct tlstrace_flow_key key;
	__u32 slot; /* of that key, in the presence filter */
};

/* By the key that packets of the other direction have. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct tlstrace_flow_key);
	__type(value, struct alias);
} aliases SEC(".maps");

struct alias_work {
	struct tlstrace_flow_key from, turned;
	struct alias to, to_turned;
};

/* The same connection, seen from the other end. */
static __always_inline void key_turn(struct tlstrace_flow_key *to,
				     const struct tlstrace_flow_key *from)
{
	*to = *from;
	__builtin_memcpy(to->local_address, from->remote_address, 16);
	__builtin_memcpy(to->remote_address, from->local_address, 16);
	to->local_port = from->remote_port;
	to->remote_port = from->local_port;
}

static __always_inline bool address_is(const __u8 *one, const __u8 *other)
{
	__u64 a[2], b[2];

	__builtin_memcpy(a, one, sizeof(a));
	__builtin_memcpy(b, other, sizeof(b));
	return a[0] == b[0] && a[1] == b[1];
}

/*
 * A ClientHello leaves its socket: if the packet has other addresses than the socket, its answer
 * will have those of the socket, here and, where both ends are on this host, where it arrives.
 */
static __always_inline void alias_note(struct flow *flow, struct scratch *scratch,
				       const struct tlstrace_socket *client)
{
	const struct tlstrace_flow_key *key = &scratch->event.key;
	struct alias_work *work = (void *)scratch->data; /* nothing was copied yet */
	__u32 slot;

	if (address_is(key->remote_address, client->remote_address) &&
	    address_is(key->local_address, client->local_address) &&
	    key->remote_port == client->remote_port && key->local_port == client->local_port)
		return;
	work->to.key = work->from = *key;
	__builtin_memcpy(work->from.local_address, client->local_address, 16);
	__builtin_memcpy(work->from.remote_address, client->remote_address, 16);
	work->from.local_port = client->local_port;
	work->from.remote_port = client->remote_port;
	work->to.slot = work->to_turned.slot = scratch->packet.slot;
	key_turn(&work->turned, &work->from);
	key_turn(&work->to_turned.key, key);
	if (bpf_map_update_elem(&aliases, &work->from, &work->to, BPF_ANY) ||
	    bpf_map_update_elem(&aliases, &work->turned, &work->to_turned, BPF_ANY))
		return;
	slot = presence_slot(client->local_address, client->local_port, client->remote_address,
			     client->remote_port);
	presence_add(slot, 1);
	flow->alias_slot = slot + 1;
}

/* The flow of a packet that goes by other addresses; the event goes by the flow's from now on. */
static __always_inline struct flow *alias_find(struct scratch *scratch)
{
	struct alias *alias = bpf_map_lookup_elem(&aliases, &scratch->event.key);
	struct flow *flow = alias ? bpf_map_lookup_elem(&flows, &alias->key) : NULL;

	if (!flow)
		return NULL;
	scratch->event.key = alias->key;
	scratch->packet.slot = alias->slot;
	return flow;
}

#endif
