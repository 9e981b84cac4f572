/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs in the kernel: loaded in the flavours that this kernel takes. */
#ifndef TLSTRACE_PROGRAMS_H
#define TLSTRACE_PROGRAMS_H

#include <stddef.h>
#include <stdint.h>

#include "source.h"

struct programs;

/* Descriptors of the maps that user space reads; borrowed. */
struct programs_maps {
	int control, attached, over, events, presence, flows, finished_flows, counters, followed,
		cgroups, executables;
	size_t flow_size; /* of a value of flows */
};

/*
 * Load the programs in the first flavour that this kernel takes, attach the socket probes, and read
 * the sockets that exist already. settings is borrowed until programs_free(). netns is the
 * namespace whose devices are traced. NULL and errno on failure, after one sentence on stderr that
 * says what failed, why and what to do.
 */
struct programs *programs_load(const struct source_settings *settings, uint32_t netns);
void programs_free(struct programs *programs); /* NULL is fine */

const struct programs_maps *programs_maps(const struct programs *programs);
const char *programs_flavour(const struct programs *programs); /* of the socket probes */
/* Packet programs, by enum tlstrace_hook; those of devices without MAC header are loaded when asked
 * for. */
const int *programs_packets(const struct programs *programs);
const int *programs_packets_l3(void *programs); /* NULL and errno on failure */
/* Trace the sockets of all other network namespaces too, unless an interface was asked for. 0 or
 * negative errno. */
int programs_reach(struct programs *programs);
/* Kernel run time and runs of all programs so far, 0 unless kernel.bpf_stats_enabled. */
void programs_cost(const struct programs *programs, uint64_t *run_ns, uint64_t *runs);

#endif
