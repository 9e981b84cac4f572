/* SPDX-License-Identifier: BSD-2-Clause */
/* What a trace says of itself: its start line, and its account at the end. */
#ifndef TLSTRACE_REPORT_H
#define TLSTRACE_REPORT_H

#include <stdint.h>

struct trace;

/* 0, or -1 after one message on stderr. */
int report_start(struct trace *trace);
/* What is known by now, on stderr, if SIGUSR1 or --interval asks for it. now_ns: of the trace. */
void report_interim(struct trace *trace, uint64_t now_ns);
/* Returns how much was lost, in handshakes and in parts of them. */
uint64_t report_end(struct trace *trace);

#endif
