/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tls/names.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct expected_name {
	uint16_t code;
	const char *name;
};

static const char *alert_name(uint16_t code)
{
	return tls_alert_name((uint8_t)code);
}

static const char *handshake_name(uint16_t code)
{
	return tls_handshake_name((uint8_t)code);
}

/* NULL as the expected name means that there must be none. */
static void assert_names(const char *(*name)(uint16_t), const struct expected_name *expected,
			 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *got = name(expected[i].code);

		if (!expected[i].name && got)
			fail_msg("0x%04x is named %s", expected[i].code, got);
		if (expected[i].name && (!got || strcmp(got, expected[i].name)))
			fail_msg("0x%04x is named %s, not %s", expected[i].code,
				 got ? got : "nothing", expected[i].name);
	}
}

static void test_versions(void **state)
{
	static const struct expected_name expected[] = {
		{0x0002, "SSLv2"},    {0x0300, "SSLv3"},    {0x0301, "TLSv1.0"},
		{0x0302, "TLSv1.1"},  {0x0303, "TLSv1.2"},  {0x0304, "TLSv1.3"},
		{0xfeff, "DTLSv1.0"}, {0xfefd, "DTLSv1.2"}, {0xfefc, "DTLSv1.3"},
		{0xfefe, NULL},	      {0x0305, NULL},	    {0x7f1c, NULL},
		{0x0a0a, NULL},	      {0x0000, NULL},	    {0xffff, NULL},
	};

	(void)state;
	assert_names(tls_version_name, expected, ARRAY_SIZE(expected));
}

/* RFC 8446 B.4, RFC 5246 A.5, RFC 5289, RFC 7905, RFC 5746 3.3, RFC 7507, RFC 9189. */
static void test_ciphers(void **state)
{
	static const struct expected_name expected[] = {
		{0x0000, "TLS_NULL_WITH_NULL_NULL"},
		{0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"},
		{0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"},
		{0x1301, "TLS_AES_128_GCM_SHA256"},
		{0x1302, "TLS_AES_256_GCM_SHA384"},
		{0x1303, "TLS_CHACHA20_POLY1305_SHA256"},
		{0x1305, "TLS_AES_128_CCM_8_SHA256"},
		{0x5600, "TLS_FALLBACK_SCSV"},
		{0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
		{0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
		{0xc100, "TLS_GOSTR341112_256_WITH_KUZNYECHIK_CTR_OMAC"},
		{0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
		{0xcc13, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256_OLD"},
		{0xfeff, "SSL_RSA_FIPS_WITH_3DES_EDE_CBC_SHA"},
		{0x0a0a, NULL},
		{0x13ff, NULL},
		{0xffff, NULL},
	};

	(void)state;
	assert_names(tls_cipher_name, expected, ARRAY_SIZE(expected));
}

/* RFC 8446 4.2.7, RFC 8422 5.1.1, draft-ietf-tls-ecdhe-mlkem. */
static void test_groups(void **state)
{
	static const struct expected_name expected[] = {
		{0x0001, "sect163k1"},
		{0x0017, "secp256r1"},
		{0x0018, "secp384r1"},
		{0x0019, "secp521r1"},
		{0x001d, "x25519"},
		{0x001e, "x448"},
		{0x0100, "ffdhe2048"},
		{0x0104, "ffdhe8192"},
		{0x0201, "MLKEM768"},
		{0x11eb, "SecP256r1MLKEM768"},
		{0x11ec, "X25519MLKEM768"},
		{0x11ed, "SecP384r1MLKEM1024"},
		{0x11ee, "curveSM2MLKEM768"},
		{0x4138, "CECPQ2"},
		{0x6399, "X25519Kyber768Draft00"},
		{0x639a, "SecP256r1Kyber768Draft00"},
		{0xfe30, "X25519Kyber512Draft00"},
		{0xfe31, "X25519Kyber768Draft00Old"},
		{0xff02, "arbitrary_explicit_char2_curves"},
		{0x0000, NULL},
		{0x7a7a, NULL},
		{0xffff, NULL},
	};

	(void)state;
	assert_names(tls_group_name, expected, ARRAY_SIZE(expected));
}

/* RFC 8446 4.2.3 and B.3.1.3, RFC 5246 7.4.1.4.1, RFC 9367. */
static void test_signatures(void **state)
{
	static const struct expected_name expected[] = {
		{0x0101, "rsa_pkcs1_md5"},
		{0x0201, "rsa_pkcs1_sha1"},
		{0x0202, "dsa_sha1"},
		{0x0303, "ecdsa_sha224"},
		{0x0401, "rsa_pkcs1_sha256"},
		{0x0403, "ecdsa_secp256r1_sha256"},
		{0x0503, "ecdsa_secp384r1_sha384"},
		{0x0709, "gostr34102012_256a"},
		{0x0804, "rsa_pss_rsae_sha256"},
		{0x0807, "ed25519"},
		{0x080b, "rsa_pss_pss_sha512"},
		{0x0905, "mldsa65"},
		{0x091c, "slhdsa_shake_256f"},
		{0x0000, NULL},
		{0x0a0a, NULL},
	};

	(void)state;
	assert_names(tls_signature_name, expected, ARRAY_SIZE(expected));
}

/* RFC 8446 4.2, RFC 5746 3.2, RFC 7301, RFC 8701, RFC 9001 8.2, RFC 9849. */
static void test_extensions(void **state)
{
	static const struct expected_name expected[] = {
		{0, "server_name"},
		{5, "status_request"},
		{10, "supported_groups"},
		{13, "signature_algorithms"},
		{16, "application_layer_protocol_negotiation"},
		{21, "padding"},
		{35, "session_ticket"},
		{41, "pre_shared_key"},
		{43, "supported_versions"},
		{51, "key_share"},
		{53, "connection_id (deprecated)"},
		{54, "connection_id"},
		{57, "quic_transport_parameters"},
		{13172, "next_protocol_negotiation"},
		{17513, "application_settings_old"},
		{17613, "application_settings"},
		{30032, "channel_id"},
		{0xfe0d, "encrypted_client_hello"},
		{0xfe0a, "encrypted_client_hello_draft10"},
		{0xff01, "renegotiation_info"},
		{0xffce, "encrypted_server_name"},
		{2570, NULL},
		{63, NULL},
		{65535, NULL},
	};

	(void)state;
	assert_names(tls_extension_name, expected, ARRAY_SIZE(expected));
}

/* RFC 8446 6 and B.2. */
static void test_alerts(void **state)
{
	static const struct expected_name expected[] = {
		{0, "close_notify"},
		{10, "unexpected_message"},
		{21, "decryption_failed"},
		{40, "handshake_failure"},
		{41, "no_certificate"},
		{48, "unknown_ca"},
		{70, "protocol_version"},
		{86, "inappropriate_fallback"},
		{112, "unrecognized_name"},
		{116, "certificate_required"},
		{117, "general_error"},
		{120, "no_application_protocol"},
		{121, "ech_required"},
		{1, NULL},
		{255, NULL},
	};

	(void)state;
	assert_names(alert_name, expected, ARRAY_SIZE(expected));
}

/* RFC 8446 B.3, RFC 5246 A.4. */
static void test_handshakes(void **state)
{
	static const struct expected_name expected[] = {
		{0, "hello_request"},
		{1, "client_hello"},
		{2, "server_hello"},
		{4, "new_session_ticket"},
		{8, "encrypted_extensions"},
		{11, "certificate"},
		{12, "server_key_exchange"},
		{14, "server_hello_done"},
		{16, "client_key_exchange"},
		{20, "finished"},
		{22, "certificate_status"},
		{25, "compressed_certificate"},
		{67, "next_protocol"},
		{254, "message_hash"},
		{7, NULL},
		{255, NULL},
	};

	(void)state;
	assert_names(handshake_name, expected, ARRAY_SIZE(expected));
}

static void test_grease(void **state)
{
	unsigned int count = 0;

	(void)state;
	for (uint32_t value = 0; value <= UINT16_MAX; value++)
		count += tls_is_grease((uint16_t)value);
	assert_int_equal(count, 16);
	for (uint32_t high = 0; high < 16; high++)
		assert_true(tls_is_grease((uint16_t)(high << 12 | 0x0a00 | high << 4 | 0x0a)));
	assert_false(tls_is_grease(0x0a1a));
	assert_false(tls_is_grease(0x1a0a));
	assert_false(tls_is_grease(0x0b0b));
}

/* A table out of order, or with a code twice, hides some of its rows from the binary search. */
static void assert_named_count(const char *(*name)(uint16_t), uint32_t limit, size_t least)
{
	size_t count = 0;

	for (uint32_t code = 0; code <= limit; code++) {
		const char *text = name((uint16_t)code);

		if (!text)
			continue;
		count++;
		assert_true(*text != '\0');
		assert_null(strpbrk(text, "\"\\\t\n"));
		if (limit > UINT8_MAX)
			assert_false(tls_is_grease((uint16_t)code));
	}
	if (count < least)
		fail_msg("only %zu of at least %zu names are found", count, least);
}

/* The row counts of the tables in registry/ when they were first committed: they only grow. */
static void test_counts(void **state)
{
	(void)state;
	assert_named_count(tls_version_name, UINT16_MAX, 9);
	assert_named_count(tls_cipher_name, UINT16_MAX, 392);
	assert_named_count(tls_group_name, UINT16_MAX, 61);
	assert_named_count(tls_signature_name, UINT16_MAX, 60);
	assert_named_count(tls_extension_name, UINT16_MAX, 84);
	assert_named_count(alert_name, UINT8_MAX, 37);
	assert_named_count(handshake_name, UINT8_MAX, 27);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),   cmocka_unit_test(test_ciphers),
		cmocka_unit_test(test_groups),	   cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_extensions), cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_handshakes), cmocka_unit_test(test_grease),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
