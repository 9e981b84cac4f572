// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/handshake.h"

#include <stdlib.h>
#include <string.h>

#include "tls/certificate.h"
#include "who/container.h"

#define LIST_MIN 4

struct handshake *handshake_new(void)
{
	struct handshake *handshake = calloc(1, sizeof(*handshake));

	if (handshake) {
		handshake->failure.alert = -1;
		handshake->failure.by = END_UNKNOWN;
	}
	return handshake;
}

void process_clear(struct process *process)
{
	free(process->exe);
	free(process->cgroup_path);
	free(process->unit);
	container_put(process->container);
	*process = (struct process){};
}

static char *text_copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

void process_copy(struct process *to, const struct process *from)
{
	*to = *from;
	to->exe = text_copy(from->exe);
	to->cgroup_path = text_copy(from->cgroup_path);
	to->unit = text_copy(from->unit);
	to->container = container_get(from->container);
}

static void certificates_release(struct handshake *handshake)
{
	for (size_t i = 0; i < handshake->certificate_count; i++)
		certificate_release(handshake->certificates[i].certificate);
	free(handshake->certificates);
	free(handshake->certificate_messages[END_SERVER].body);
	free(handshake->certificate_messages[END_CLIENT].body);
}

void handshake_free(struct handshake *handshake)
{
	struct offer *offer;
	size_t place;
	int i;

	if (!handshake)
		return;
	offer = &handshake->offer;
	free(offer->codes);
	free(handshake->server_extensions.items);
	certificates_release(handshake);
	free(handshake->failure.reason);
	free(handshake->latency.phases);
	free(offer->alpn);
	free(handshake->sni);
	for (i = 0; i < 2; i++) {
		process_clear(&handshake->ends[i].process);
		process_clear(&handshake->ends[i].creator);
		free(handshake->ends[i].reads_ns);
	}
	for (place = 0; place < handshake->path_count; place++)
		process_clear(&handshake->path[place].process);
	free(handshake->path);
	free(handshake->messages);
	free(handshake);
}

bool handshake_total(const struct handshake *handshake, uint64_t *ns)
{
	const struct latency *latency = &handshake->latency;

	if (!latency->start_ns || latency->end_ns < latency->start_ns)
		return false;
	*ns = latency->end_ns - latency->start_ns;
	return true;
}

bool handshake_is_partial(const struct handshake *handshake)
{
	return handshake->gap || handshake->cut;
}

void handshake_infer(struct handshake *handshake, enum inferred_field field)
{
	size_t i;

	for (i = 0; i < handshake->inferred_count; i++)
		if (handshake->inferred[i] == field)
			return;
	handshake->inferred[handshake->inferred_count++] = field;
}

/* The list with room for one more, which grows by a power of 2. NULL: full, or out of memory. */
static void *list_grow(void *list, size_t count, size_t max, size_t size)
{
	if (count == max)
		return NULL;
	if (list && (count < LIST_MIN || count & (count - 1)))
		return list;
	return realloc(list, (count < LIST_MIN ? LIST_MIN : 2 * count) * size);
}

struct message *handshake_message_add(struct handshake *handshake)
{
	struct message *grown = list_grow(handshake->messages, handshake->message_count,
					  HANDSHAKE_MESSAGES_MAX, sizeof(*grown));

	if (!grown)
		return NULL;
	handshake->messages = grown;
	grown += handshake->message_count++;
	*grown = (struct message){};
	return grown;
}

struct place *handshake_place_add(struct handshake *handshake)
{
	struct place *grown = list_grow(handshake->path, handshake->path_count, HANDSHAKE_PATH_MAX,
					sizeof(*grown));

	if (!grown)
		return NULL;
	handshake->path = grown;
	grown += handshake->path_count++;
	*grown = (struct place){};
	return grown;
}

bool message_is(const struct message *message, uint8_t type)
{
	return message->kind == MESSAGE_HANDSHAKE && message->type == type;
}
