/* SPDX-License-Identifier: BSD-2-Clause */
/* Client and server: handshakes that differ only in process ids and ports are of one pair. */
#ifndef TLSTRACE_PAIR_H
#define TLSTRACE_PAIR_H

#include <stddef.h>
#include <stdint.h>

struct handshake;

uint64_t pair_hash(const struct handshake *handshake, uint64_t seed);
/* "curl[812] to nginx[711] demo.example" */
void pair_write(const struct handshake *handshake, char *to, size_t size);

#endif
