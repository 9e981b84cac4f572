// SPDX-License-Identifier: BSD-2-Clause
#include "policy/pair.h"

#include <stdio.h>
#include <string.h>

#include "handshake/handshake.h"
#include "hash.h"
#include "tls/slice.h"
#include "sink/sink.h"
#include "sink/text.h"

uint64_t pair_hash(const struct handshake *handshake, uint64_t seed)
{
	uint64_t hash = seed;
	int i;

	for (i = 0; i < 2; i++) {
		const struct endpoint *end = &handshake->ends[i];
		struct slice name = {(const uint8_t *)end->process.comm, strlen(end->process.comm)};
		struct slice address = {end->address.ip, sizeof(end->address.ip)};

		hash = slice_hash(end->process.pid ? name : address, hash);
	}
	return slice_hash((struct slice){(const uint8_t *)handshake->sni, handshake->sni_length},
			  hash);
}

void pair_write(const struct handshake *handshake, char *to, size_t size)
{
	char client[TEXT_WHO_SIZE], server[TEXT_WHO_SIZE], sni[256] = "";

	text_who(&handshake->ends[END_CLIENT], client);
	text_who(&handshake->ends[END_SERVER], server);
	if (handshake->sni)
		text_escape(handshake->sni, handshake->sni_length, sni, sizeof(sni));
	snprintf(to, size, "%s to %s%s%s", client, server, *sni ? " " : "", sni);
}
