// SPDX-License-Identifier: BSD-2-Clause
#include "tls/key_exchange.h"

#include <stddef.h>
#include <string.h>

#include "tls/names.h"

enum tls_key_exchange tls_cipher_key_exchange(uint16_t cipher)
{
	static const struct {
		const char *prefix;
		enum tls_key_exchange kind;
	} suites[] = {
		{"TLS_ECDHE_PSK_", TLS_KEY_EXCHANGE_ECDHE_PSK},
		{"TLS_DHE_PSK_", TLS_KEY_EXCHANGE_DHE_PSK},
		{"TLS_PSK_DHE_", TLS_KEY_EXCHANGE_DHE_PSK}, /* the same, as RFC 6655 calls it */
		{"TLS_RSA_PSK_", TLS_KEY_EXCHANGE_RSA_PSK},
		{"TLS_PSK_", TLS_KEY_EXCHANGE_PSK},
		{"TLS_ECDHE_", TLS_KEY_EXCHANGE_ECDHE},
		{"TLS_DHE_", TLS_KEY_EXCHANGE_DHE},
		{"TLS_ECDH_anon_", TLS_KEY_EXCHANGE_ECDH_ANON},
		{"TLS_DH_anon_", TLS_KEY_EXCHANGE_DH_ANON},
		{"TLS_ECDH_", TLS_KEY_EXCHANGE_ECDH},
		{"TLS_DH_", TLS_KEY_EXCHANGE_DH},
		{"TLS_RSA_", TLS_KEY_EXCHANGE_RSA},
		{"TLS_SRP_", TLS_KEY_EXCHANGE_SRP},
		{"TLS_KRB5_", TLS_KEY_EXCHANGE_KRB5},
		{"TLS_GOSTR341112_", TLS_KEY_EXCHANGE_GOST},
	};
	const char *name = tls_cipher_name(cipher);

	for (size_t i = 0; name && i < sizeof(suites) / sizeof(suites[0]); i++)
		if (strncmp(name, suites[i].prefix, strlen(suites[i].prefix)) == 0)
			return suites[i].kind;
	return TLS_KEY_EXCHANGE_UNKNOWN;
}

enum tls_key_exchange tls_group_key_exchange(uint16_t group)
{
	const char *name = tls_group_name(group);

	if (name && strncmp(name, "MLKEM", 5) == 0)
		return TLS_KEY_EXCHANGE_KEM;
	if (name && (strstr(name, "MLKEM") || strstr(name, "Kyber")))
		return TLS_KEY_EXCHANGE_HYBRID;
	/* 0x01xx is ffdhe: RFC 7919. */
	return group >> 8 == 1 ? TLS_KEY_EXCHANGE_DHE : TLS_KEY_EXCHANGE_ECDHE;
}

const char *tls_key_exchange_name(enum tls_key_exchange key_exchange)
{
	static const char *const names[TLS_KEY_EXCHANGES] = {
		[TLS_KEY_EXCHANGE_RSA] = "RSA",
		[TLS_KEY_EXCHANGE_DH] = "DH",
		[TLS_KEY_EXCHANGE_DH_ANON] = "DH_anon",
		[TLS_KEY_EXCHANGE_DHE] = "DHE",
		[TLS_KEY_EXCHANGE_ECDH] = "ECDH",
		[TLS_KEY_EXCHANGE_ECDH_ANON] = "ECDH_anon",
		[TLS_KEY_EXCHANGE_ECDHE] = "ECDHE",
		[TLS_KEY_EXCHANGE_PSK] = "PSK",
		[TLS_KEY_EXCHANGE_RSA_PSK] = "RSA_PSK",
		[TLS_KEY_EXCHANGE_DHE_PSK] = "DHE_PSK",
		[TLS_KEY_EXCHANGE_ECDHE_PSK] = "ECDHE_PSK",
		[TLS_KEY_EXCHANGE_SRP] = "SRP",
		[TLS_KEY_EXCHANGE_KRB5] = "KRB5",
		[TLS_KEY_EXCHANGE_GOST] = "GOST",
		[TLS_KEY_EXCHANGE_KEM] = "KEM",
		[TLS_KEY_EXCHANGE_HYBRID] = "hybrid",
	};

	return names[key_exchange];
}
