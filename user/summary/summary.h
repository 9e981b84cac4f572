/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts and quantiles of many handshakes by client and server. */
#ifndef TLSTRACE_SUMMARY_H
#define TLSTRACE_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handshake/handshake.h"
#include "histogram.h"

#define SUMMARY_GROUPS_MAX     1024
#define SUMMARY_PHASES_MAX     PHASE_KINDS
#define SUMMARY_SNI_MAX	       255 /* a longer name is cut */
#define SUMMARY_CONTAINER_SIZE 64  /* the same */

/* The time that handshakes spent in one phase; a phase that comes twice in one is added up. */
struct summary_phase {
	enum phase_kind kind;
	enum handshake_end side;
	uint64_t estimated;	    /* of the histogram's count */
	struct histogram durations; /* nanoseconds */
};

/*
 * An end by the name of its process and of the container that is in, or by its address where no
 * process is known. A server is known by the name it was asked for, if there was one. What is not
 * used is all zero.
 */
struct summary_names {
	struct address client;
	struct address server;
	char client_comm[HANDSHAKE_COMM_SIZE];
	char server_comm[HANDSHAKE_COMM_SIZE];
	char client_container[SUMMARY_CONTAINER_SIZE];
	char server_container[SUMMARY_CONTAINER_SIZE];
	uint8_t sni_length;
	uint8_t sni[SUMMARY_SNI_MAX]; /* raw bytes */
};

struct summary_group {
	struct summary_names *names; /* owned; NULL: all for which there was no group left */
	uint64_t completed, failed, incomplete;
	uint64_t resumed;	 /* of the completed */
	uint64_t untimed;	 /* completed, but there was no memory for their times */
	struct histogram totals; /* of the completed; nanoseconds */
	struct summary_phase phases[SUMMARY_PHASES_MAX];
	size_t phase_count;
};

struct summary;

struct summary *summary_new(void); /* NULL without memory */
void summary_free(struct summary *summary);
void summary_add(struct summary *summary, const struct handshake *handshake);

/* The most handshakes first. Borrowed until the next call. */
size_t summary_groups(struct summary *summary, const struct summary_group *const **groups);
/* NULL: every handshake has a group with names. */
const struct summary_group *summary_other(const struct summary *summary);
uint64_t summary_group_count(const struct summary_group *group);

#endif
