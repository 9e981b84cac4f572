/* SPDX-License-Identifier: BSD-2-Clause */
/* Handshakes as the tracker hands them over, and what a sink prints of them. */
#ifndef ROW_FIXTURE_H
#define ROW_FIXTURE_H

#include "build.h"
#include "handshake/handshake.h"
#include "sink/sink.h"

#define START_NS (5000 * MS)
#define V4(a, b, c, d)                                                                             \
	{                                                                                          \
		[10] = 0xff, [11] = 0xff, a, b, c, d                                               \
	}

/* curl meets a remote server in TLS 1.3. */
extern const struct handshake example;

/* The example with 40.2 ms; the server's computation takes 38.1 of them. Calls share the phases. */
struct handshake with_phases(void);
/* The example with a certificate as an attacker makes it, and one that could not be read. */
struct handshake with_certificates(void);

/* The width of characters is the locale's: set up each group of tests with it. */
int row_locale(void **state);
/* All that a sink prints of a trace with this row. Free it. */
char *row_print(const struct sink *sink, int width, bool color, const struct handshake *handshake);
void assert_contains(const char *output, const char *part);
void assert_contains_all(const char *output, const char *const *parts, size_t count);

#endif
