/* SPDX-License-Identifier: BSD-2-Clause */
/* The words for where a handshake's time went, and the chart of it. */
#ifndef TLSTRACE_PHASES_H
#define TLSTRACE_PHASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handshake/handshake.h"

struct sink_settings;

const char *phase_name(enum phase_kind kind);
/* What happens in it, in plain words. */
const char *phase_meaning(const struct phase *phase);

/* The fewest phases that make up more than half of it, the longest first; how many. */
size_t phases_majority(const struct latency *latency, const struct phase **phases, size_t max);

/*
 * "slow because: server_crypto 38.1 ms of 40.2 ms", or "ClientHello lost, sent again after 248 ms
 * of 291 ms"; "" where nothing is known.
 */
void phases_cause_write(const struct latency *latency, char *to, size_t size);

/* A line for each phase, with its bar on one time axis; nothing if there are no phases. */
void bars_print(const struct sink_settings *settings, const struct latency *latency);

#endif
