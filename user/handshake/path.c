// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/path.h"

#include <stdlib.h>
#include <string.h>

#include "handshake/sockets.h"

static void address_set(struct address *address, const uint8_t ip[16], uint16_t port)
{
	memcpy(address->ip, ip, 16);
	address->port = port;
}

void path_addresses(const struct flow *flow, struct address *client, struct address *server)
{
	const struct tlstrace_flow_key *key = &flow->key;
	struct address *local = flow->client_is_local ? client : server;
	struct address *remote = flow->client_is_local ? server : client;

	address_set(local, key->local_address, key->local_port);
	address_set(remote, key->remote_address, key->remote_port);
}

size_t path_add(struct handshake *handshake, const struct flow *flow)
{
	struct place *place = handshake_place_add(handshake);

	if (!place)
		return PLACE_NONE;
	memcpy(place->interface, flow->interface,
	       strnlen(flow->interface, sizeof(place->interface) - 1));
	place->ifindex = flow->key.ifindex;
	place->netns = flow->key.netns;
	place->hook = flow->hello_hook;
	place->time_ns = flow->first_ns;
	path_addresses(flow, &place->client, &place->server);
	return handshake->path_count - 1;
}

static int place_compare(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	return (left->time_ns > right->time_ns) - (left->time_ns < right->time_ns);
}

static bool is_end(const struct handshake *handshake, uint64_t socket)
{
	return socket == handshake->ends[END_CLIENT].socket_id ||
	       socket == handshake->ends[END_SERVER].socket_id;
}

void path_settle(struct handshake *handshake, struct socket_table *sockets)
{
	/* Between two proxies the one that sends the hello: the other shows at a later place. */
	static const enum handshake_end order[] = {END_CLIENT, END_SERVER};
	size_t i, j;

	for (i = 0; i < handshake->path_count; i++) {
		struct place *place = &handshake->path[i];

		for (j = 0; !place->process.pid && j < 2; j++)
			if (!is_end(handshake, place->sockets[order[j]]))
				socket_table_owner_copy(sockets, place->sockets[order[j]],
							&place->process);
	}
	/* Only this handshake used their connections: forget them now. */
	for (i = 0; i < handshake->path_count; i++)
		for (j = 0; j < 2; j++)
			socket_table_drop(sockets, handshake->path[i].sockets[j]);
	if (handshake->path_count)
		qsort(handshake->path, handshake->path_count, sizeof(handshake->path[0]),
		      place_compare);
}
