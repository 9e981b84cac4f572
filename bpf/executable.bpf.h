/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Which file a process runs. A client that lives for milliseconds is gone before user space can ask
 * /proc, so its path is kept when it first touches a socket, as d_path() of fs/d_path.c would put
 * it.
 */
#ifndef TLSTRACE_EXECUTABLE_BPF_H
#define TLSTRACE_EXECUTABLE_BPF_H

#include "path.bpf.h"

#define PATH_DEPTH 32 /* names and mounts on the way to the root */

/* Those that touched no socket for longest give way. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct tlstrace_process);
	__type(value, struct tlstrace_executable);
} executables SEC(".maps");

/* Up to the root of the last mount: the root of the process's mount namespace. */
static __always_inline void path_gather(struct tlstrace_path *path, struct dentry *dentry,
					struct vfsmount *at)
{
	struct mount *mount = (void *)at - bpf_core_field_offset(struct mount, mnt), *lower;
	struct dentry *parent;
	int i;

	for (i = 0; i < PATH_DEPTH; i++) {
		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
			lower = BPF_CORE_READ(mount, mnt_parent);
			if (lower == mount) {
				path->cut = 0;
				return;
			}
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = lower;
			continue;
		}
		parent = BPF_CORE_READ(dentry, d_parent);
		if (parent == dentry || !path_add(path, BPF_CORE_READ(dentry, d_name.name)))
			return;
		dentry = parent;
	}
}

/* A global function with numbers as arguments, so that it is verified once, not at each caller. */
__noinline int executable_note(__u64 start_ns, __u32 pid, __u64 address)
{
	const struct tlstrace_process key = {.start_ns = start_ns, .pid = pid};
	struct tlstrace_executable *entry = bpf_map_lookup_elem(&executables, &key);
	struct file *file = (struct file *)address;
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);

	if (!dentry || (entry && entry->entry == (__u64)dentry))
		return 0;
	bpf_map_update_elem(&executables, &key, (const void *)&executable_zero, BPF_ANY);
	entry = bpf_map_lookup_elem(&executables, &key);
	if (!entry)
		return 0;
	entry->entry = (__u64)dentry;
	entry->deleted = !BPF_CORE_READ(dentry, d_hash.pprev);
	entry->path.cut = 1;
	path_gather(&entry->path, dentry, BPF_CORE_READ(file, f_path.mnt));
	return 0;
}

/* Nothing of kernel threads, nor of a task whose memory is gone: what was noted stays. */
static __always_inline void task_executable_note(struct task_struct *task, __u64 start_ns,
						 __u32 pid)
{
	struct file *file = BPF_CORE_READ(task, mm, exe_file);

	if (file)
		executable_note(start_ns, pid, (__u64)file);
}

#endif
