/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Where a task is in the cgroup hierarchies: that names its container. A container may be gone
 * before user space looks, so the names on the path to each cgroup are kept the first time a task
 * of it is met.
 */
#ifndef TLSTRACE_CGROUP_BPF_H
#define TLSTRACE_CGROUP_BPF_H

#include "path.bpf.h"

#define CGROUP_DEPTH 12 /* a pod of a cluster that runs in containers has 7 */
#define PID_NS_DEPTH 32 /* MAX_PID_NS_LEVEL of include/linux/pid_namespace.h */

/* Set by the loader: controllers have hierarchies of their own here (v1, hybrid). */
const volatile bool use_cgroup_v1 = false;

/* Names by struct tlstrace_task's cgroup and cgroup_v1; the least recently used give way. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct tlstrace_path);
} cgroups SEC(".maps");

/* Ids of different hierarchies may be equal; the v2 hierarchy is number 0. */
static __always_inline __u64 cgroup_key(struct cgroup *cgroup)
{
	__u64 id = BPF_CORE_READ(cgroup, kn, id),
	      hierarchy = BPF_CORE_READ(cgroup, root, hierarchy_id);

	return (id & ~0ULL >> 8) | hierarchy << 56;
}

/* A global function with numbers as arguments, so that it is verified once, not at each caller. */
__noinline int cgroup_note(__u64 key, __u64 address)
{
	struct cgroup *cgroup = (struct cgroup *)address;
	struct tlstrace_path *entry = bpf_map_lookup_elem(&cgroups, &key);
	int i;

	if (entry)
		return 0;
	bpf_map_update_elem(&cgroups, &key, (const void *)&executable_zero.path, BPF_NOEXIST);
	entry = bpf_map_lookup_elem(&cgroups, &key);
	if (!entry)
		return 0;
	entry->cut = 1;
	for (i = 0; i < CGROUP_DEPTH; i++) {
		struct cgroup_subsys_state *parent = BPF_CORE_READ(cgroup, self.parent);

		if (!parent) {
			entry->cut = 0;
			break;
		}
		if (!path_add(entry, BPF_CORE_READ(cgroup, kn, name)))
			break;
		cgroup = BPF_CORE_READ(parent, cgroup);
	}
	return 0;
}

/* 0: the kernel lacks this controller, it is part of v2, or the task is in the root of its
 * hierarchy. */
static __always_inline __u64 controller_cgroup(struct css_set *set, bool exists, __u64 controller)
{
	struct cgroup_subsys_state *state = NULL;
	struct cgroup *cgroup;
	__u64 key;

	if (!exists)
		return 0;
	bpf_probe_read_kernel(&state, sizeof(state),
			      (void *)set + bpf_core_field_offset(struct css_set, subsys) +
				      controller * sizeof(state));
	cgroup = BPF_CORE_READ(state, cgroup);
	if (!cgroup || !BPF_CORE_READ(cgroup, root, hierarchy_id) || !BPF_CORE_READ(cgroup, level))
		return 0;
	key = cgroup_key(cgroup);
	cgroup_note(key, (__u64)cgroup);
	return key;
}

#define CONTROLLER_CGROUP(set, name)                                                               \
	controller_cgroup(set, bpf_core_enum_value_exists(enum cgroup_subsys_id, name),            \
			  bpf_core_enum_value(enum cgroup_subsys_id, name))

/* Runtimes enter the hierarchies of all controllers; not every kernel has each of these. */
static __always_inline __u64 cgroup_v1_read(struct css_set *set)
{
	__u64 key = CONTROLLER_CGROUP(set, pids_cgrp_id);

	if (!key)
		key = CONTROLLER_CGROUP(set, memory_cgrp_id);
	return key ? key : CONTROLLER_CGROUP(set, cpu_cgrp_id);
}

static __always_inline void task_cgroups_read(struct tlstrace_task *to, struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *cgroup = BPF_CORE_READ(set, dfl_cgrp);

	to->cgroup = cgroup_key(cgroup);
	if (BPF_CORE_READ(cgroup, level))
		cgroup_note(to->cgroup, (__u64)cgroup);
	to->cgroup_v1 = use_cgroup_v1 ? cgroup_v1_read(set) : 0;
}

/* The process id that the process itself sees. */
static __always_inline void task_ns_pid_read(struct tlstrace_task *to, struct task_struct *leader)
{
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid *number;

	if (level > PID_NS_DEPTH)
		return;
	number = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
		 level * bpf_core_type_size(struct upid);
	to->ns_pid = BPF_CORE_READ(number, nr);
	to->pid_ns = BPF_CORE_READ(number, ns, ns.inum);
}

#endif
