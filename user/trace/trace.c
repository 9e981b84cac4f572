// SPDX-License-Identifier: BSD-2-Clause
#include "trace/trace.h"

#include <time.h>

#include "trace/signals.h"

#define SECOND_NS 1000000000ULL

bool trace_stopping(const struct trace *trace)
{
	return trace->enough || signals_stopping() || outputs_failed(&trace->outputs);
}

uint64_t trace_clock_ns(int clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * SECOND_NS + time.tv_nsec;
}
