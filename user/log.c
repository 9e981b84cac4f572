// SPDX-License-Identifier: BSD-2-Clause
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

static bool is_verbose;

void log_set_verbose(bool verbose)
{
	is_verbose = verbose;
}

bool log_is_verbose(void)
{
	return is_verbose;
}

static void log_write(const char *format, va_list arguments)
{
	fputs("tlstrace: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

void log_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_write(format, arguments);
	va_end(arguments);
}

void log_verbose(const char *format, ...)
{
	va_list arguments;

	if (!is_verbose)
		return;
	va_start(arguments, format);
	log_write(format, arguments);
	va_end(arguments);
}
