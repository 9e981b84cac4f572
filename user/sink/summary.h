/* SPDX-License-Identifier: BSD-2-Clause */
/* A summary, written out. */
#ifndef TLSTRACE_SINK_SUMMARY_H
#define TLSTRACE_SINK_SUMMARY_H

#include "sink/sink.h"

struct summary;

/* Of which there are many, a few are enough for who has not asked for all. */
enum summary_extent { SUMMARY_BRIEF, SUMMARY_ALL };

/* For people: who asked whom, and below it the phases. */
void summary_table_write(const struct sink_settings *settings, struct summary *summary,
			 enum summary_extent extent);
/* One line of type "summary". */
void summary_json_write(const struct sink_settings *settings, struct summary *summary,
			uint64_t time_ns);

#endif
