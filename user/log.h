/* SPDX-License-Identifier: BSD-2-Clause */
/* Diagnostics on stderr. */
#ifndef TLSTRACE_LOG_H
#define TLSTRACE_LOG_H

#include <stdbool.h>

void log_set_verbose(bool verbose);
bool log_is_verbose(void);
/* "tlstrace: " and one sentence: what failed, why, what to do. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Only with -v. */
void log_verbose(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
