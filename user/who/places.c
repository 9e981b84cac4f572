// SPDX-License-Identifier: BSD-2-Clause
#include "who/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "who/container.h"
#include "who/container_path.h"
#include "who/process.h"
#include "who/resolver.h"

#define PLACES	  1024 /* each has one slot: who collides gives way */
#define SECOND_NS 1000000000ULL
/* A row waits no longer for names: a runtime that is down or slow costs these. */
#define WAIT_MS 100
/* Names may change; a runtime that did not answer may be up again. */
#define FOUND_NS       (60 * SECOND_NS)
#define NOT_FOUND_NS   (10 * SECOND_NS)
#define PID_NS_INITIAL 0xeffffffcU /* PROC_PID_INIT_INO of include/linux/proc_ns.h */

struct places {
	struct places_settings settings;
	struct cgroup_mount *mount;
	struct resolver *resolver;
	struct process_place *slots[PLACES];
};

struct places *places_new(const struct places_settings *settings)
{
	struct places *places = calloc(1, sizeof(*places));

	if (!places)
		return NULL;
	places->settings = *settings;
	places->mount = cgroup_mount_open();
	places->resolver = resolver_start();
	if (places->resolver)
		return places;
	places_free(places);
	return NULL;
}

static void place_free(struct process_place *place)
{
	if (!place)
		return;
	free(place->path);
	free(place->unit);
	container_put(place->container);
	free(place);
}

void places_free(struct places *places)
{
	size_t i;

	if (!places)
		return;
	for (i = 0; i < PLACES; i++)
		place_free(places->slots[i]);
	resolver_end(places->resolver);
	cgroup_mount_close(places->mount);
	free(places);
}

static char *cgroup_path(const struct places *places, uint64_t id)
{
	char *path = places->settings.cgroup_path(places->settings.context, id);

	return path ? path : cgroup_mount_path(places->mount, id);
}

/* The v2 hierarchy's path, unless that says nothing and the v1 hierarchies' does. */
static void path_choose(const struct places *places, struct process_place *place,
			struct container_path *said)
{
	char *v1 = place->key.cgroup_v1 ? places->settings.cgroup_path(places->settings.context,
								       place->key.cgroup_v1)
					: NULL;
	struct container_path said_v1 = {};

	place->path = cgroup_path(places, place->key.cgroup);
	container_path_read(place->path ? place->path : "", said);
	if (v1)
		container_path_read(v1, &said_v1);
	if (!v1 || said->is_container ||
	    (!said_v1.is_container && place->path && strcmp(place->path, "/"))) {
		free(v1);
		return;
	}
	memcpy(said_v1.unit, said->unit,
	       sizeof(said->unit)); /* units are in systemd's own hierarchy */
	*said = said_v1;
	free(place->path);
	place->path = v1;
}

/* A runtime may know of a container where the path does not tell: in a directory of any name, or by
 * its process. */
static bool container_possible(const struct container_path *said, const struct place_key *key)
{
	return said->is_container || said->leaf[0] ||
	       (key->pid_ns && key->pid_ns != PID_NS_INITIAL);
}

static struct container *container_of_path(const struct container_path *said)
{
	struct container *container = container_new();

	if (!container || !said->is_container)
		return container;
	container->id = strdup(said->id);
	container->runtime = said->runtime;
	container->details.pod_uid = said->pod_uid[0] ? strdup(said->pod_uid) : NULL;
	container->known = container->id;
	return container;
}

static struct process_place *place_new(const struct places *places, const struct place_key *key)
{
	struct process_place *place = calloc(1, sizeof(*place));
	struct container_path said;

	if (!place)
		return NULL;
	place->key = *key;
	path_choose(places, place, &said);
	place->unit = said.unit[0] ? strdup(said.unit) : NULL;
	if (container_possible(&said, key))
		place->container = container_of_path(&said);
	return place;
}

static bool key_is(const struct place_key *a, const struct place_key *b)
{
	return a->cgroup == b->cgroup && a->cgroup_v1 == b->cgroup_v1 && a->pid_ns == b->pid_ns;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * SECOND_NS + (uint64_t)time.tv_nsec;
}

static void answers_take(struct places *places)
{
	struct resolver_answer answer;

	while (resolver_take(places->resolver, &answer)) {
		answer.container->awaited = false;
		answer.container->found = answer.found;
		if (answer.found)
			container_learn(answer.container, &answer.details);
		container_details_clear(&answer.details);
		container_put(answer.container);
	}
}

static void runtime_ask(struct places *places, const struct process_place *place, uint32_t pid,
			uint64_t start_ns)
{
	struct container *container = place->container;
	struct container_question question = {.pid = pid, .start_ns = start_ns};
	uint64_t time = now();

	if (!container || container->awaited ||
	    (container->asked_ns &&
	     time < container->asked_ns + (container->found ? FOUND_NS : NOT_FOUND_NS)))
		return;
	snprintf(question.cgroup, sizeof(question.cgroup), "%s", place->path ? place->path : "");
	container->asked_ns = time;
	container->awaited = resolver_ask(places->resolver, container, &question);
}

bool places_awaits(struct places *places, const struct container *container)
{
	answers_take(places);
	return container && container->awaited &&
	       now() < container->asked_ns + WAIT_MS * 1000000ULL;
}

void places_wait(struct places *places)
{
	const uint64_t until = now() + WAIT_MS * 1000000ULL;
	uint64_t time;

	answers_take(places);
	while ((time = now()) < until &&
	       resolver_wait(places->resolver, (unsigned int)((until - time) / 1000000)))
		answers_take(places);
}

const struct process_place *places_find(struct places *places, const struct place_key *key,
					uint32_t pid, uint64_t start_ns)
{
	uint64_t mixed = (key->cgroup ^ key->cgroup_v1 << 7 ^ (uint64_t)key->pid_ns << 13) *
			 0x9e3779b97f4a7c15ULL;
	struct process_place **slot = &places->slots[(mixed >> 32) % PLACES];

	if (*slot && !key_is(&(*slot)->key, key)) {
		place_free(*slot);
		*slot = NULL;
	}
	if (!*slot)
		*slot = place_new(places, key);
	answers_take(places);
	if (*slot)
		runtime_ask(places, *slot, pid, start_ns);
	return *slot;
}
