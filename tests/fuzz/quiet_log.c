// SPDX-License-Identifier: BSD-2-Clause
/* Stands in for user/log.c: targets are fed broken files, and nobody wants to read about each. */
#include "log.h"

void log_set_verbose(bool verbose)
{
	(void)verbose;
}

bool log_is_verbose(void)
{
	return false;
}

void log_error(const char *format, ...)
{
	(void)format;
}

void log_verbose(const char *format, ...)
{
	(void)format;
}
