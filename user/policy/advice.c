// SPDX-License-Identifier: BSD-2-Clause
#include "policy/advice.h"

#include <stdio.h>
#include <string.h>

#include "handshake/fields.h"
#include "sink/sink.h"
#include "sink/text.h"
#include "tls/hello.h"
#include "tls/names.h"

/* Releases that offer and take X25519MLKEM768 by default. */
#define POST_QUANTUM_NEEDS "X25519MLKEM768 needs OpenSSL 3.5, Go 1.24, Firefox 132 or Chrome 131"

static void who_write(const struct handshake *handshake, enum handshake_end end,
		      char to[TEXT_WHO_SIZE + 8])
{
	char who[TEXT_WHO_SIZE];

	text_who(&handshake->ends[end], who);
	snprintf(to, TEXT_WHO_SIZE + 8, "%s %s", text_end(end), who);
}

/* The newest version that the client offers; 0: unknown. */
static uint16_t newest_offered(const struct handshake *handshake)
{
	const struct code_list *versions = &handshake->offer.versions;
	uint16_t newest = handshake->offer.version;
	size_t i;

	for (i = 0; i < versions->count; i++)
		if (field_version_rank(versions->items[i]) > field_version_rank(newest))
			newest = versions->items[i];
	return newest;
}

static void version_advise(struct field_row *row, char *to, size_t size)
{
	const struct handshake *handshake = row->handshake;
	uint16_t offered = newest_offered(handshake);
	const char *name = tls_version_name(offered);
	bool by_server = field_version_rank(offered) > field_version_rank(handshake->version);
	char who[TEXT_WHO_SIZE + 8];

	who_write(handshake, by_server ? END_SERVER : END_CLIENT, who);
	if (!name)
		return;
	if (by_server && handshake->version)
		snprintf(to, size, "the client offers %s; enable it at %s", name, who);
	else
		snprintf(to, size,
			 "%s offers nothing newer than %s; update its TLS library or its "
			 "settings",
			 who, name);
}

static void post_quantum_advise(struct field_row *row, char *to, size_t size)
{
	const struct handshake *handshake = row->handshake;
	struct field_value value;
	const char *version = tls_version_name(handshake->version);
	char client[TEXT_WHO_SIZE + 8], server[TEXT_WHO_SIZE + 8];

	who_write(handshake, END_CLIENT, client);
	who_write(handshake, END_SERVER, server);
	if (field_read(field_find("pq", 2), row, &value) != FIELD_KNOWN)
		return;
	if (value.number == POST_QUANTUM_NONE)
		snprintf(to, size, "%s offers no post-quantum group; " POST_QUANTUM_NEEDS, client);
	else if (value.number == POST_QUANTUM_OFFERED && version &&
		 !tls_version_is_13(handshake->version))
		snprintf(to, size,
			 "%s chose %s, which has no post-quantum key exchange; enable "
			 "TLSv1.3 there",
			 server, version);
	else if (value.number == POST_QUANTUM_OFFERED)
		snprintf(to, size,
			 "%s did not choose the post-quantum group that the client "
			 "offers; " POST_QUANTUM_NEEDS,
			 server);
}

static void choice_advise(struct field_row *row, char *to, size_t size)
{
	char server[TEXT_WHO_SIZE + 8];

	who_write(row->handshake, END_SERVER, server);
	snprintf(to, size,
		 "%s chose it from what the client offers; change the list of the server, "
		 "or that of the client",
		 server);
}

static void certificate_advise(struct field_row *row, char *to, size_t size)
{
	char server[TEXT_WHO_SIZE + 8];

	who_write(row->handshake, END_SERVER, server);
	if (row->handshake->certificate_count)
		snprintf(to, size, "replace the certificate of %s", server);
	else
		snprintf(to, size,
			 "the certificate was not seen; TLS 1.3 encrypts it, and resumed "
			 "sessions have none");
}

static void group_advise(struct field_row *row, char *to, size_t size)
{
	if (tls_version_is_13(row->handshake->version) || row->handshake->group)
		choice_advise(row, to, size);
}

static void outcome_advise(struct field_row *row, char *to, size_t size)
{
	if (row->handshake->outcome == HANDSHAKE_FAILED)
		verdict_write(row->handshake, to, size);
}

void advice_write(const struct field *field, struct field_row *row, char *to, size_t size)
{
	static const struct {
		const char *prefix;
		void (*advise)(struct field_row *row, char *to, size_t size);
	} advisers[] = {
		{"pq", post_quantum_advise},	 {"tls.version", version_advise},
		{"tls.cipher", choice_advise},	 {"tls.key_exchange", choice_advise},
		{"tls.group", group_advise},	 {"certificates", certificate_advise},
		{"expires", certificate_advise}, {"outcome", outcome_advise},
		{"failed", outcome_advise},
	};
	size_t i;

	to[0] = 0;
	for (i = 0; field && i < sizeof(advisers) / sizeof(advisers[0]); i++)
		if (strncmp(field->path, advisers[i].prefix, strlen(advisers[i].prefix)) == 0) {
			advisers[i].advise(row, to, size);
			return;
		}
}
