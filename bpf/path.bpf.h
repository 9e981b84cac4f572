/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Paths, gathered from their ends to the root: the kernel keeps a name and a parent. */
#ifndef TLSTRACE_PATH_BPF_H
#define TLSTRACE_PATH_BPF_H

#include "maps.bpf.h"
#include <bpf/bpf_core_read.h>

#define NAME_MAX 255 /* include/uapi/linux/limits.h */

/* All zero: the initial state of entries, too large for the BPF stack. */
static const volatile struct tlstrace_executable executable_zero = {};

/* The next name, nearer to the root. False: there is none, or no room. */
static __always_inline bool path_add(struct tlstrace_path *path, const void *name)
{
	/* In memory, not in a register: nothing is known of it but this bound. */
	__u32 length = path->length;
	long size;

	if (length > TLSTRACE_PATH_NAMES - (NAME_MAX + 1))
		return false;
	size = bpf_probe_read_kernel_str(path->names + length, NAME_MAX + 1, name);
	if (size <= 1)
		return false;
	path->length = length + size;
	return true;
}

#endif
