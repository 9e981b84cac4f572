/* SPDX-License-Identifier: BSD-2-Clause */
/* The packet programs on interfaces: as TCX links, or as filters of a clsact qdisc. */
#ifndef TLSTRACE_ATTACH_H
#define TLSTRACE_ATTACH_H

#include <stdint.h>

#include "source.h"

struct interface;
struct reaper;
struct reaper_record;

/* Descriptors, by enum tlstrace_hook; borrowed. */
struct attach_programs {
	const int *with_mac;
	const int *(*without_mac)(void *context); /* loads them; NULL and errno on failure */
	void *context;
};

struct attach;

/*
 * Find out which way this kernel offers; only attach_add() attaches to interfaces. The
 * reaper (may be NULL) is informed of clsact filters. NULL and errno on failure: EOPNOTSUPP if the
 * kernel lacks the way that tc forces.
 */
struct attach *attach_open(enum source_tc tc, const struct attach_programs *programs,
			   struct reaper *reaper);
void attach_close(struct attach *attach);	       /* detaches everything; NULL is fine */
enum source_tc attach_tc(const struct attach *attach); /* SOURCE_TC_TCX or SOURCE_TC_CLSACT */

/*
 * 1 attached, 0 nothing new: it already is, or was tried in vain. Negative errno: -EPFNOSUPPORT if
 * its frames are not Ethernet or IP, -ENODEV if it is gone.
 */
int attach_add(struct attach *attach, const struct interface *interface);
/* The interface is gone. */
void attach_remove(struct attach *attach, uint32_t ifindex);

/* Remove filters that a killed tlstrace left here: ours by handle and name, held by no process. */
void attach_clean(uint32_t ifindex);
/* Remove the filters of the record, and the qdisc if we made it and no one else uses it. */
void attach_reap(const struct reaper_record *record);

#endif
