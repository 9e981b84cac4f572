// SPDX-License-Identifier: BSD-2-Clause
#include "summary/summary.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "hash.h"
#include "who/container.h"

#define SLOTS (2 * SUMMARY_GROUPS_MAX)
/* 8 MiB in all histograms: a thousand groups of a thousand handshakes each need a tenth. */
#define BUCKETS_MAX ((size_t)1 << 20)
#define WORD	    sizeof(uint64_t)

/* Names, padded with zeros to whole words for the hash. */
struct key {
	struct summary_names names;
	uint8_t zeros[WORD];
};

struct summary {
	uint64_t seed;
	size_t buckets;
	struct summary_group *groups[SUMMARY_GROUPS_MAX];
	struct summary_group *sorted[SUMMARY_GROUPS_MAX]; /* of summary_groups() */
	size_t group_count;
	uint16_t slots[SLOTS]; /* index of a group + 1; 0 empty */
	struct summary_group other;
};

struct summary *summary_new(void)
{
	struct summary *summary = calloc(1, sizeof(*summary));

	/* SNIs are chosen by anybody: their slots must not be. Without a seed it is slower at
	 * worst. */
	if (summary && getrandom(&summary->seed, sizeof(summary->seed), GRND_NONBLOCK) < 0)
		summary->seed = (uintptr_t)summary;
	return summary;
}

static void group_clear(struct summary_group *group)
{
	for (size_t i = 0; i < group->phase_count; i++)
		histogram_clear(&group->phases[i].durations);
	histogram_clear(&group->totals);
	free(group->names);
}

void summary_free(struct summary *summary)
{
	if (!summary)
		return;
	for (size_t i = 0; i < summary->group_count; i++) {
		group_clear(summary->groups[i]);
		free(summary->groups[i]);
	}
	group_clear(&summary->other);
	free(summary);
}

static void container_name(const struct container *container, char to[SUMMARY_CONTAINER_SIZE])
{
	char name[SUMMARY_CONTAINER_SIZE + 1];

	if (container && container->known)
		memcpy(to, name, container_called(container, name, sizeof(name)));
}

static void end_name(const struct endpoint *end, char comm[HANDSHAKE_COMM_SIZE],
		     char container[SUMMARY_CONTAINER_SIZE], struct address *address)
{
	if (!end->process.pid) {
		*address = end->address;
		return;
	}
	memcpy(comm, end->process.comm, HANDSHAKE_COMM_SIZE);
	container_name(end->process.container, container);
}

/* Only as far as it is used is a key set. Returns its bytes. */
static size_t key_fill(struct key *key, const struct handshake *handshake)
{
	struct summary_names *names = &key->names;
	size_t length = handshake->sni ? handshake->sni_length : 0;

	memset(names, 0, offsetof(struct summary_names, sni));
	end_name(&handshake->ends[END_CLIENT], names->client_comm, names->client_container,
		 &names->client);
	names->client.port = 0; /* it is another one each time */
	if (length > SUMMARY_SNI_MAX)
		length = SUMMARY_SNI_MAX;
	if (length)
		memcpy(names->sni, handshake->sni, length);
	else
		end_name(&handshake->ends[END_SERVER], names->server_comm, names->server_container,
			 &names->server);
	names->sni_length = (uint8_t)length;
	length += offsetof(struct summary_names, sni);
	memset((uint8_t *)key + length, 0, WORD);
	return length;
}

static struct summary_group *group_new(struct summary *summary, const struct key *key, size_t size)
{
	struct summary_group *group;

	if (summary->group_count == SUMMARY_GROUPS_MAX || summary->buckets >= BUCKETS_MAX)
		return NULL;
	group = calloc(1, sizeof(*group));
	if (!group)
		return NULL;
	group->names = calloc(1, sizeof(*group->names));
	if (!group->names) {
		free(group);
		return NULL;
	}
	memcpy(group->names, &key->names, size);
	summary->groups[summary->group_count++] = group;
	return group;
}

/* The group of its names, else the one of all others. */
static struct summary_group *group_find(struct summary *summary, const struct handshake *handshake)
{
	struct summary_group *group;
	struct key key;
	size_t size = key_fill(&key, handshake), slot;

	slot = hash_words(&key, (size + WORD - 1) / WORD * WORD, summary->seed) % SLOTS;
	for (; summary->slots[slot]; slot = (slot + 1) % SLOTS) {
		group = summary->groups[summary->slots[slot] - 1];
		if (memcmp(group->names, &key.names, size) == 0)
			return group;
	}
	group = group_new(summary, &key, size);
	if (!group)
		return &summary->other;
	summary->slots[slot] = (uint16_t)summary->group_count;
	return group;
}

static struct summary_phase *phase_find(struct summary_group *group, const struct phase *phase)
{
	struct summary_phase *found;

	for (size_t i = 0; i < group->phase_count; i++) {
		if (group->phases[i].kind == phase->kind)
			return &group->phases[i];
	}
	if (group->phase_count == SUMMARY_PHASES_MAX)
		return NULL;
	found = &group->phases[group->phase_count++];
	found->kind = phase->kind;
	found->side = phase->side;
	return found;
}

static bool duration_add(struct summary *summary, struct histogram *histogram, uint64_t ns)
{
	int made = histogram_add(histogram, ns);

	if (made > 0)
		summary->buckets++;
	return made >= 0;
}

static void phases_add(struct summary *summary, struct summary_group *group,
		       const struct latency *latency)
{
	uint64_t sums[SUMMARY_PHASES_MAX] = {};
	bool seen[SUMMARY_PHASES_MAX] = {}, estimated[SUMMARY_PHASES_MAX] = {};

	for (size_t i = 0; i < latency->phase_count; i++) {
		const struct summary_phase *phase = phase_find(group, &latency->phases[i]);
		size_t index = phase ? (size_t)(phase - group->phases) : 0;

		if (!phase)
			continue;
		seen[index] = true;
		sums[index] += latency->phases[i].duration_ns;
		estimated[index] |= latency->phases[i].estimated;
	}
	for (size_t i = 0; i < group->phase_count; i++) {
		if (seen[i] && duration_add(summary, &group->phases[i].durations, sums[i]))
			group->phases[i].estimated += estimated[i];
	}
}

static void latency_add(struct summary *summary, struct summary_group *group,
			const struct handshake *handshake)
{
	uint64_t ns;

	if (!handshake_total(handshake, &ns))
		return;
	if (summary->buckets >= BUCKETS_MAX || !duration_add(summary, &group->totals, ns)) {
		group->untimed++;
		return;
	}
	phases_add(summary, group, &handshake->latency);
}

void summary_add(struct summary *summary, const struct handshake *handshake)
{
	struct summary_group *group = group_find(summary, handshake);

	switch (handshake->outcome) {
	case HANDSHAKE_COMPLETED:
		group->completed++;
		group->resumed += handshake->resumed;
		latency_add(summary, group, handshake);
		break;
	case HANDSHAKE_FAILED:
		group->failed++;
		break;
	default:
		group->incomplete++;
	}
}

uint64_t summary_group_count(const struct summary_group *group)
{
	return group->completed + group->failed + group->incomplete;
}

static int groups_compare(const void *left, const void *right)
{
	const struct summary_group *a = *(struct summary_group *const *)left;
	const struct summary_group *b = *(struct summary_group *const *)right;
	uint64_t count_a = summary_group_count(a), count_b = summary_group_count(b);

	if (count_a != count_b)
		return count_a < count_b ? 1 : -1;
	/* The same each time, whatever the order in which they came. */
	return memcmp(a->names, b->names, sizeof(*a->names));
}

size_t summary_groups(struct summary *summary, const struct summary_group *const **groups)
{
	/* The order of groups itself stays, since slots has their indexes. */
	memcpy(summary->sorted, summary->groups, summary->group_count * sizeof(summary->groups[0]));
	qsort(summary->sorted, summary->group_count, sizeof(summary->sorted[0]), groups_compare);
	*groups = (const struct summary_group *const *)summary->sorted;
	return summary->group_count;
}

const struct summary_group *summary_other(const struct summary *summary)
{
	return summary_group_count(&summary->other) ? &summary->other : NULL;
}
