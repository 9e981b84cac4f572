/* SPDX-License-Identifier: BSD-2-Clause */
/* What names.gen.c holds; for names.c alone. */
#ifndef TLSTRACE_TLS_NAMES_GEN_H
#define TLSTRACE_TLS_NAMES_GEN_H

#include <stddef.h>
#include <stdint.h>

struct tls_name {
	uint16_t code;
	const char *name;
};

/* Rows are in rising order of code, each code once. */
struct tls_name_table {
	const struct tls_name *rows;
	size_t count;
};

extern const struct tls_name_table tls_ciphers;
extern const struct tls_name_table tls_groups;
extern const struct tls_name_table tls_signatures;
extern const struct tls_name_table tls_extensions;
extern const struct tls_name_table tls_alerts;
extern const struct tls_name_table tls_handshakes;

#endif
