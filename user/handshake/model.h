/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When flights left one end and reached the other, from what one or two places saw of them. For the
 * files that make phases of it alone.
 */
#ifndef TLSTRACE_MODEL_H
#define TLSTRACE_MODEL_H

#include "handshake/handshake.h"
#include "handshake/timeline.h"

/*
 * A moment of a handshake. Exact: seen at the end where it happened; else derived from what the
 * one place saw and the round-trip time. ns 0: not known at all.
 */
struct point {
	uint64_t ns;
	bool exact;
};

/* What phases are made of, and where the last of them ended. */
struct model {
	struct handshake *handshake;
	const struct timeline *timeline;
	size_t count;		  /* flights that matter */
	bool open;		  /* the last of them waits for an answer */
	enum handshake_end place; /* what is not known of an end is derived from here */
	bool reaches[2];	  /* the way from there to this end is known: */
	uint64_t way_ns[2];	  /* so long, one way */
	struct point cursor;
	uint64_t end_ns;
	uint64_t spare_ns;  /* the ways themselves may be this much shorter */
	uint64_t before_ns; /* what the end at work before the next flight may owe to the way */
};

/* Choose the place, and find how far away the ends are. */
void model_place(struct model *model);
bool model_is_local(const struct model *model, enum handshake_end end);
/* A flight as this place saw it; all zero if it did not. */
const struct stretch *model_stretch(const struct model *model, size_t flight,
				    enum handshake_end place);
/* The same of the place that all is derived from. */
const struct stretch *model_seen(const struct model *model, size_t flight);
enum handshake_end model_sender(const struct model *model, size_t flight);
bool model_is_hello(const struct model *model, size_t flight);
/* When a flight's first or last byte left its sender for the first time. */
struct point model_sent(const struct model *model, size_t flight, bool last);
/* When the sender sent that again which then arrived; ns 0: nothing was lost, as far as is known.
 */
struct point model_resent(const struct model *model, size_t flight);
/* When all of a flight was there. */
struct point model_received(const struct model *model, size_t flight);
/* In a capture: when the client had its connection, by the client's clock. */
uint64_t model_established(const struct model *model);
/* How much longer than its way took a flight may have been under way, given what was acknowledged.
 */
uint64_t model_slack(const struct model *model, size_t flight);
/* A capture's clock may begin at 0. */
uint64_t time_before(uint64_t ns, uint64_t way_ns);

#endif
