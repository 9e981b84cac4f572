/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Processes that are followed, and all that they fork from then on. The kernel keeps the set: a
 * child is in it before it runs, and an orphan stays in it, which no look at /proc can promise.
 */
#ifndef TLSTRACE_FOLLOW_BPF_H
#define TLSTRACE_FOLLOW_BPF_H

#include "maps.bpf.h"
#include <bpf/bpf_core_read.h>

/* Set by the loader; if false, the set is neither filled nor read. */
const volatile bool follow_forks = false;

/* The set: key is the thread-group id, the value says nothing. User space puts the first ones in.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32);
} followed SEC(".maps");

static __always_inline bool process_is_followed(__u32 pid)
{
	return follow_forks && bpf_map_lookup_elem(&followed, &pid);
}

static __always_inline void process_forked(struct task_struct *parent, struct task_struct *child)
{
	__u32 old = BPF_CORE_READ(parent, tgid), new = BPF_CORE_READ(child, tgid), value = 1;

	if (new == old || !bpf_map_lookup_elem(&followed, &old)) /* a thread, or another's child */
		return;
	if (bpf_map_update_elem(&followed, &new, &value, BPF_ANY))
		counter_add(TLSTRACE_COUNT_FOLLOWED_FULL);
}

/* Its last thread is gone: the number may be given to another process. */
static __always_inline void process_exited(struct task_struct *task)
{
	__u32 pid = BPF_CORE_READ(task, tgid);

	if (BPF_CORE_READ(task, signal, live.counter) == 0)
		bpf_map_delete_elem(&followed, &pid);
}

#endif
