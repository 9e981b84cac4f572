/* SPDX-License-Identifier: BSD-2-Clause */
/* From an entry to its row: when it is due, and what is added at its end. */
#ifndef TLSTRACE_SETTLING_H
#define TLSTRACE_SETTLING_H

#include <stdbool.h>
#include <stdint.h>

struct tracker;
struct entry;

/* Silence before a loss of events is no evidence. */
void entry_doubt_silence(const struct tracker *tracker, struct entry *entry);
/* It may have been silent for too long already when an event comes. */
void entry_check_timeout(const struct tracker *tracker, struct entry *entry, uint64_t now_ns);
/*
 * The trace ends. A handshake that was silent for too long has failed, and so has one whose bytes
 * are sent again and again and do not arrive.
 */
void entry_give_up(const struct tracker *tracker, struct entry *entry, uint64_t now_ns);
/* The table is full: hand over all that have been silent for too long. */
void entries_relieve(struct tracker *tracker, uint64_t now_ns);
/* Its outcome is known: can anything more come that belongs to its row? */
bool entry_is_due(const struct tracker *tracker, const struct entry *entry, uint64_t now_ns);
/* Complete the row, hand it over and free the entry. */
void entry_finish(struct tracker *tracker, struct entry *entry, uint64_t now_ns);

#endif
