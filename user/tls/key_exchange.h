/* SPDX-License-Identifier: BSD-2-Clause */
/* How the ends of a handshake agree on a key. */
#ifndef TLSTRACE_KEY_EXCHANGE_H
#define TLSTRACE_KEY_EXCHANGE_H

#include <stdint.h>

enum tls_key_exchange {
	TLS_KEY_EXCHANGE_UNKNOWN,
	TLS_KEY_EXCHANGE_RSA,
	TLS_KEY_EXCHANGE_DH,
	TLS_KEY_EXCHANGE_DH_ANON,
	TLS_KEY_EXCHANGE_DHE,
	TLS_KEY_EXCHANGE_ECDH,
	TLS_KEY_EXCHANGE_ECDH_ANON,
	TLS_KEY_EXCHANGE_ECDHE,
	TLS_KEY_EXCHANGE_PSK,
	TLS_KEY_EXCHANGE_RSA_PSK,
	TLS_KEY_EXCHANGE_DHE_PSK,
	TLS_KEY_EXCHANGE_ECDHE_PSK,
	TLS_KEY_EXCHANGE_SRP,
	TLS_KEY_EXCHANGE_KRB5,
	TLS_KEY_EXCHANGE_GOST,
	TLS_KEY_EXCHANGE_KEM,	 /* ML-KEM alone */
	TLS_KEY_EXCHANGE_HYBRID, /* ML-KEM or Kyber with an elliptic curve */
	TLS_KEY_EXCHANGES,
};

/* Of a cipher suite before TLS 1.3, by its name in IANA's registry. */
enum tls_key_exchange tls_cipher_key_exchange(uint16_t cipher);
/* Of a group of TLS 1.3. */
enum tls_key_exchange tls_group_key_exchange(uint16_t group);
/* NULL for TLS_KEY_EXCHANGE_UNKNOWN. */
const char *tls_key_exchange_name(enum tls_key_exchange key_exchange);

#endif
