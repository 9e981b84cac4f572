// SPDX-License-Identifier: BSD-2-Clause
#include "who/cgroups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "who/container.h"
#include "who/container_path.h"
#include "who/process.h"
#include "who/resolver.h"

#define SLOTS	  1024 /* of each table; entries that collide replace each other */
#define SECOND_NS 1000000000ULL
/* A row waits no longer for names: a runtime that is down or slow costs these. */
#define WAIT_MS 100
/* Names may change; a runtime that did not answer may be up again. */
#define FOUND_NS       (60 * SECOND_NS)
#define NOT_FOUND_NS   (10 * SECOND_NS)
#define PID_NS_INITIAL 0xeffffffcU /* PROC_PID_INIT_INO of include/linux/proc_ns.h */

/* A pair of cgroups, one of each version. */
struct group {
	uint64_t cgroup, cgroup_v1;
	char *path;	       /* NULL unknown */
	char *unit;	       /* NULL in none */
	uint32_t user;	       /* who may have made it, and given it its name; 0 root */
	bool may_be_container; /* a runtime may know its name, though the path does not tell */
	struct container *container; /* the one that its path names; NULL none */
};

/*
 * A container that no path of a cgroup names: only a runtime tells, and only of this process, for
 * others may be in the same cgroup.
 */
struct member {
	uint64_t cgroup, start_ns;
	uint32_t pid;
	struct container *container;
};

struct cgroups {
	struct cgroups_settings settings;
	struct cgroup_mount *mount;
	struct resolver *resolver;
	struct group *groups[SLOTS];
	struct member members[SLOTS];
};

struct cgroups *cgroups_new(const struct cgroups_settings *settings)
{
	struct cgroups *cgroups = calloc(1, sizeof(*cgroups));

	if (!cgroups)
		return NULL;
	cgroups->settings = *settings;
	cgroups->resolver = resolver_start();
	if (cgroups->resolver) {
		cgroups->mount = cgroup_mount_open();
		return cgroups;
	}
	free(cgroups);
	return NULL;
}

static void group_free(struct group *group)
{
	if (!group)
		return;
	free(group->path);
	free(group->unit);
	container_put(group->container);
	free(group);
}

void cgroups_free(struct cgroups *cgroups)
{
	size_t i;

	if (!cgroups)
		return;
	for (i = 0; i < SLOTS; i++) {
		group_free(cgroups->groups[i]);
		container_put(cgroups->members[i].container);
	}
	resolver_end(cgroups->resolver);
	cgroup_mount_close(cgroups->mount);
	free(cgroups);
}

static char *path_of(const struct cgroups *cgroups, uint64_t id)
{
	char *path = cgroups->settings.cgroup_path(cgroups->settings.context, id);

	return path ? path : cgroup_mount_path(cgroups->mount, id);
}

/* The v2 hierarchy's path, unless that says nothing and the v1 hierarchies' does. */
static void path_choose(const struct cgroups *cgroups, struct group *group,
			struct container_path *said)
{
	struct container_path said_v1 = {};
	char *v1 = group->cgroup_v1 ? cgroups->settings.cgroup_path(cgroups->settings.context,
								    group->cgroup_v1)
				    : NULL;

	group->path = path_of(cgroups, group->cgroup);
	container_path_read(group->path ? group->path : "", said);
	if (v1)
		container_path_read(v1, &said_v1);
	if (!v1 || said->is_container ||
	    (!said_v1.is_container && group->path && strcmp(group->path, "/"))) {
		free(v1);
		return;
	}
	/* Units are in systemd's own hierarchy. */
	memcpy(said_v1.unit, said->unit, sizeof(said->unit));
	*said = said_v1;
	free(group->path);
	group->path = v1;
}

/* In the slice of a user, or below a directory that was handed to one, that user chooses names. */
static uint32_t user_of(const struct cgroups *cgroups, const struct group *group,
			const struct container_path *said)
{
	if (said->user > 0)
		return (uint32_t)said->user;
	return group->path ? cgroup_mount_owner(cgroups->mount, group->path, said->parent_length)
			   : 0;
}

static struct container *container_of_path(const struct container_path *said, uint32_t user)
{
	struct container *container = container_new();

	if (!container)
		return NULL;
	container->details.pod_uid = said->pod_uid[0] ? strdup(said->pod_uid) : NULL;
	container_name_by_cgroup(container, said->id, said->runtime, user);
	return container;
}

static struct group *group_new(const struct cgroups *cgroups, const struct cgroup_task *task)
{
	struct group *group = calloc(1, sizeof(*group));
	struct container_path said;

	if (!group)
		return NULL;
	group->cgroup = task->cgroup;
	group->cgroup_v1 = task->cgroup_v1;
	path_choose(cgroups, group, &said);
	group->unit = said.unit[0] ? strdup(said.unit) : NULL;
	group->user = user_of(cgroups, group, &said);
	group->may_be_container = said.leaf[0];
	if (said.is_container)
		group->container = container_of_path(&said, group->user);
	return group;
}

static size_t slot_of(uint64_t one, uint64_t other)
{
	return ((one ^ other << 17) * 0x9e3779b97f4a7c15ULL >> 32) % SLOTS;
}

static struct group *group_find(struct cgroups *cgroups, const struct cgroup_task *task)
{
	struct group **slot = &cgroups->groups[slot_of(task->cgroup, task->cgroup_v1)];

	if (*slot && ((*slot)->cgroup != task->cgroup || (*slot)->cgroup_v1 != task->cgroup_v1)) {
		group_free(*slot);
		*slot = NULL;
	}
	if (!*slot)
		*slot = group_new(cgroups, task);
	return *slot;
}

static struct container *member_find(struct cgroups *cgroups, const struct cgroup_task *task)
{
	struct member *member = &cgroups->members[slot_of(task->pid, task->start_ns)];

	if (member->container && member->pid == task->pid && member->start_ns == task->start_ns &&
	    member->cgroup == task->cgroup)
		return member->container;
	container_put(member->container);
	*member = (struct member){task->cgroup, task->start_ns, task->pid, container_new()};
	return member->container;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * SECOND_NS + (uint64_t)time.tv_nsec;
}

static void answers_take(struct cgroups *cgroups)
{
	struct resolver_answer answer;

	while (resolver_take(cgroups->resolver, &answer)) {
		answer.container->awaited = false;
		answer.container->found = answer.found;
		if (answer.found)
			container_learn(answer.container, &answer.details, answer.user);
		container_details_clear(&answer.details);
		container_put(answer.container);
	}
}

static void runtime_ask(struct cgroups *cgroups, const struct group *group,
			struct container *container, const struct cgroup_task *task)
{
	static struct container_question question;
	uint64_t time = now();

	if (container->awaited ||
	    (container->asked_ns &&
	     time < container->asked_ns + (container->found ? FOUND_NS : NOT_FOUND_NS)))
		return;
	question.pid = task->pid;
	question.start_ns = task->start_ns;
	question.user = group->user;
	snprintf(question.cgroup, sizeof(question.cgroup), "%s", group->path ? group->path : "");
	container->asked_ns = time;
	container->awaited = resolver_ask(cgroups->resolver, container, &question);
}

struct cgroup_facts cgroups_find(struct cgroups *cgroups, const struct cgroup_task *task)
{
	const struct group *group = group_find(cgroups, task);
	struct cgroup_facts facts = {};

	if (!group)
		return facts;
	facts.path = group->path;
	facts.unit = group->unit;
	facts.container = group->container;
	if (!facts.container &&
	    (group->may_be_container || (task->pid_ns && task->pid_ns != PID_NS_INITIAL)))
		facts.container = member_find(cgroups, task);
	answers_take(cgroups);
	if (facts.container)
		runtime_ask(cgroups, group, facts.container, task);
	return facts;
}

bool cgroups_await(struct cgroups *cgroups, const struct container *container)
{
	answers_take(cgroups);
	return container && container->awaited &&
	       now() < container->asked_ns + WAIT_MS * 1000000ULL;
}

void cgroups_wait(struct cgroups *cgroups)
{
	const uint64_t until = now() + WAIT_MS * 1000000ULL;
	uint64_t time;

	answers_take(cgroups);
	while ((time = now()) < until &&
	       resolver_wait(cgroups->resolver, (unsigned int)((until - time) / 1000000)))
		answers_take(cgroups);
}
