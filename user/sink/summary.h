/* SPDX-License-Identifier: BSD-2-Clause */
/* A summary, written out. */
#ifndef TLSTRACE_SINK_SUMMARY_H
#define TLSTRACE_SINK_SUMMARY_H

#include "sink/sink.h"

struct summary;
struct summary_group;
struct summary_phase;

/* Without --summary only the largest groups are shown. */
enum summary_extent { SUMMARY_BRIEF, SUMMARY_ALL };

/* Those of a group in the order in which phases come, whichever was met first; how many. */
size_t summary_phases(const struct summary_group *group, const struct summary_phase **phases);

/* As text: each client and server, and below them the phases. */
void summary_table_write(const struct sink_settings *settings, struct summary *summary,
			 enum summary_extent extent);
/* One line of type "summary". */
void summary_json_write(const struct sink_settings *settings, struct summary *summary,
			uint64_t time_ns);

#endif
