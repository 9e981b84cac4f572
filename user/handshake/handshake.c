// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/handshake.h"

#include <stdlib.h>
#include <string.h>

#include "handshake/certificates.h"
#include "who/container.h"

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
	handshake_certificates_free(handshake);
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

void handshake_infer(struct handshake *handshake, const char *field)
{
	size_t i;

	for (i = 0; i < handshake->inferred_count; i++)
		if (strcmp(handshake->inferred[i], field) == 0)
			return;
	if (handshake->inferred_count < HANDSHAKE_INFERRED_MAX)
		handshake->inferred[handshake->inferred_count++] = field;
}
