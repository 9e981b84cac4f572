/* SPDX-License-Identifier: BSD-2-Clause */
/* Sample packets of RFC 9001 appendix A and RFC 9369 appendix A, and what is in them. */
#ifndef TLSTRACE_TEST_QUIC_SAMPLES_H
#define TLSTRACE_TEST_QUIC_SAMPLES_H

#include <stdint.h>

extern const uint8_t rfc9001_client[1200];
extern const uint8_t rfc9001_server[135];
extern const uint8_t rfc9001_retry[36];
extern const uint8_t rfc9369_client[1200];
extern const uint8_t rfc9369_server[135];
extern const uint8_t rfc9369_retry[36];
extern const uint8_t rfc9001_client_crypto[245];
extern const uint8_t rfc9001_server_frames[99];

#endif
