/* SPDX-License-Identifier: BSD-2-Clause */
#include "build.h"

#include <stdlib.h>

#include "tls/hello.h"

#define RFC8448(name) message_body(rfc8448_##name, sizeof(rfc8448_##name))
#define ANY_LENGTH    SIZE_MAX

static void assert_bytes(struct slice slice, const void *expected, size_t length)
{
	assert_int_equal(slice.length, length);
	assert_memory_equal(slice.bytes, expected, length);
}

static bool client_hello_reads(struct slice body)
{
	struct tls_client_hello hello;

	return tls_client_hello_read(body, &hello);
}

static bool client_hello_v2_reads(struct slice body)
{
	struct tls_client_hello hello;

	return tls_client_hello_v2_read(body, &hello);
}

static bool server_hello_reads(struct slice body)
{
	struct tls_server_hello hello;

	return tls_server_hello_read(body, &hello);
}

/*
 * Each beginning of a message that is not the whole must fail, without a byte read after it. One
 * is whole again: the hello that ends before its extensions.
 */
static void assert_truncations_fail(bool (*reads)(struct slice body), struct slice body,
				    size_t extensions_at)
{
	size_t length;

	for (length = 0; length <= body.length; length++) {
		struct slice part = exact_copy((struct slice){body.bytes, length});
		bool expected = length == body.length || length == extensions_at;

		if (reads(part) != expected)
			fail_msg("%zu of %zu bytes: must %s", length, body.length,
				 expected ? "do" : "fail");
		free((void *)part.bytes);
	}
}

static void test_client_hello(void **state)
{
	static const uint8_t signatures_begin[] = {0x04, 0x03, 0x05, 0x03};
	static const uint8_t group_begin[] = {0x00, 0x1d, 0x00, 0x17};
	struct slice body = RFC8448(client_hello);
	struct tls_client_hello hello;

	(void)state;
	assert_true(tls_client_hello_read(body, &hello));
	assert_int_equal(hello.version, 0x0303);
	assert_memory_equal(hello.random, rfc8448_client_hello + 6, 32);
	assert_int_equal(hello.session_id.length, 0);
	assert_bytes(hello.ciphers, "\x13\x01\x13\x03\x13\x02", 6);
	assert_bytes(hello.sni, "server", 6);
	assert_bytes(hello.versions, "\x03\x04", 2);
	assert_int_equal(hello.groups.length, 18);
	assert_memory_equal(hello.groups.bytes, group_begin, sizeof(group_begin));
	assert_int_equal(hello.signatures.length, 30);
	assert_memory_equal(hello.signatures.bytes, signatures_begin, sizeof(signatures_begin));
	assert_int_equal(hello.key_shares.length, 36);
	assert_int_equal(hello.extensions.length, 0x91);
	assert_null(hello.alpn.bytes);
	assert_false(hello.is_v2 || hello.psk || hello.early_data || hello.ech);
}

static void test_client_hello_truncated(void **state)
{
	(void)state;
	assert_truncations_fail(client_hello_reads, RFC8448(client_hello), 2 + 32 + 1 + 2 + 6 + 2);
}

/* What stood before the fault is filled in. */
static void test_client_hello_partial(void **state)
{
	struct tls_client_hello hello;

	(void)state;
	assert_false(tls_client_hello_read((struct slice){rfc8448_client_hello + 4, 66}, &hello));
	assert_memory_equal(hello.random, rfc8448_client_hello + 6, 32);
	assert_int_equal(hello.ciphers.length, 6);
	assert_bytes(hello.sni, "server", 6);
	assert_false(hello.whole);
	assert_int_equal(hello.groups.length, 0);
}

static void test_extensions(void **state)
{
	struct buffer buffer = {0};
	struct tls_client_hello hello;

	(void)state;
	put_client_hello(&buffer, &(struct hello_options){.is_13 = true, .early_data = true});
	assert_true(tls_client_hello_read(message_body(buffer.bytes, buffer.length), &hello));
	assert_bytes(hello.sni, "example.org", 11);
	assert_bytes(hello.alpn, "\x02h2\x08http/1.1", 12);
	assert_bytes(hello.versions, "\x03\x04\x03\x03", 4);
	assert_true(hello.early_data);
	assert_false(hello.psk);
}

/* A ClientHello up to its extensions; close the vector that comes back. */
static size_t hello_open(struct buffer *buffer, size_t session_id)
{
	put_number(buffer, 0x0303, 2);
	put_fill(buffer, 1, 32);
	put_number(buffer, session_id, 1);
	put_fill(buffer, 2, session_id);
	put_codes(buffer, (uint16_t[]){0x1301}, 1, 2);
	put_number(buffer, 0x0100, 2);
	return vector_open(buffer, 2);
}

static void extension_put(struct buffer *buffer, uint16_t type, const void *data, size_t length)
{
	size_t at = extension_open(buffer, type);

	put_bytes(buffer, data, length);
	vector_close(buffer, at, 2);
}

/* An extension whose inside is broken leaves its list empty; its neighbours and the hello are
 * valid. */
static void test_broken_extensions(void **state)
{
	static const uint16_t types[] = {
		TLS_EXTENSION_SERVER_NAME,
		TLS_EXTENSION_SUPPORTED_GROUPS,
		TLS_EXTENSION_ALPN,
		TLS_EXTENSION_SIGNATURE_ALGORITHMS,
		TLS_EXTENSION_SUPPORTED_VERSIONS,
		TLS_EXTENSION_KEY_SHARE,
	};
	struct buffer buffer = {0};
	struct tls_client_hello hello;
	size_t at = hello_open(&buffer, 32), i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(types); i++)
		extension_put(&buffer, types[i], "\xff\xff\x00", 3);
	for (i = 0; i < ARRAY_SIZE(types); i++)
		extension_put(&buffer, types[i], "", 0);
	extension_put(&buffer, TLS_EXTENSION_PRE_SHARED_KEY, "", 0);
	extension_put(&buffer, TLS_EXTENSION_ECH, "x", 1);
	vector_close(&buffer, at, 2);
	assert_true(tls_client_hello_read((struct slice){buffer.bytes, buffer.length}, &hello));
	assert_null(hello.sni.bytes);
	assert_int_equal(hello.groups.length + hello.alpn.length + hello.signatures.length, 0);
	assert_int_equal(hello.versions.length + hello.key_shares.length, 0);
	assert_true(hello.psk && hello.ech);
	assert_int_equal(hello.session_id.length, 32);
}

static void test_server_name_types(void **state)
{
	static const uint8_t names[] = {0, 13, 1, 0, 1, 'x', 0, 0, 1, 'a', 0, 0, 2, 'b', 'c'};
	struct buffer buffer = {0};
	struct tls_client_hello hello;
	size_t at = hello_open(&buffer, 0);

	(void)state;
	extension_put(&buffer, TLS_EXTENSION_SERVER_NAME, names, sizeof(names));
	vector_close(&buffer, at, 2);
	assert_true(tls_client_hello_read((struct slice){buffer.bytes, buffer.length}, &hello));
	assert_bytes(hello.sni, "a", 1);
}

static void test_session_id_too_long(void **state)
{
	struct buffer buffer = {0};
	struct slice body;

	(void)state;
	vector_close(&buffer, hello_open(&buffer, 33), 2);
	body = (struct slice){buffer.bytes, buffer.length};
	assert_false(client_hello_reads(body));
	assert_false(server_hello_reads(body));
}

static void test_extension_next(void **state)
{
	static const uint8_t bytes[] = {0, 1, 0, 2, 'a', 'b', 0xff, 0x01, 0, 0, 0, 5, 0, 9, 'c'};
	struct slice rest = {bytes, sizeof(bytes)}, data;
	uint16_t type;

	(void)state;
	assert_true(tls_extension_next(&rest, &type, &data));
	assert_int_equal(type, 1);
	assert_bytes(data, "ab", 2);
	assert_true(tls_extension_next(&rest, &type, &data));
	assert_int_equal(type, 0xff01);
	assert_int_equal(data.length, 0);
	assert_false(tls_extension_next(&rest, &type, &data));
	assert_int_equal(rest.length, 5);
}

static void test_client_hello_v2(void **state)
{
	static const uint8_t challenge[16] = {1, 2, 3, [15] = 16};
	struct buffer buffer = {0};
	struct tls_client_hello hello;
	struct slice body;

	(void)state;
	put_hello_v2(&buffer, challenge, sizeof(challenge));
	body = (struct slice){buffer.bytes + 3, buffer.length - 3};
	assert_true(tls_client_hello_v2_read(body, &hello));
	assert_true(hello.is_v2);
	assert_int_equal(hello.version, 0x0301);
	assert_bytes(hello.ciphers, "\x00\x00\x2f\x01\x00\x80", 6);
	assert_int_equal(hello.session_id.length, 0);
	assert_memory_equal(hello.random + 16, challenge, 16);
	assert_memory_equal(hello.random, ((uint8_t[16]){0}), 16);
	assert_truncations_fail(client_hello_v2_reads, body, ANY_LENGTH);
}

static void test_client_hello_v2_challenge(void **state)
{
	static const uint8_t challenge[33] = {9, [31] = 8};
	struct tls_client_hello hello;
	size_t length;

	(void)state;
	for (length = 0; length <= sizeof(challenge); length++) {
		struct buffer buffer = {0};
		struct slice body;

		put_hello_v2(&buffer, challenge, length);
		body = (struct slice){buffer.bytes + 3, buffer.length - 3};
		assert_int_equal(tls_client_hello_v2_read(body, &hello), length <= 32);
		if (length <= 32)
			assert_memory_equal(hello.random + 32 - length, challenge, length);
	}
}

static void test_server_hello(void **state)
{
	struct tls_server_hello hello;

	(void)state;
	assert_true(tls_server_hello_read(RFC8448(server_hello), &hello));
	assert_int_equal(hello.version, 0x0304);
	assert_memory_equal(hello.random, rfc8448_server_hello + 6, 32);
	assert_int_equal(hello.cipher, 0x1301);
	assert_int_equal(hello.compression, 0);
	assert_int_equal(hello.group, 0x001d);
	assert_int_equal(hello.session_id.length, 0);
	assert_null(hello.alpn.bytes);
	assert_false(hello.is_retry || hello.psk);
	assert_truncations_fail(server_hello_reads, RFC8448(server_hello), 2 + 32 + 1 + 2 + 1);
}

/* Before draft 22: version, random, suite, extensions. */
static void test_server_hello_draft(void **state)
{
	static const uint16_t versions[] = {0x7f0e, 0x7f12, 0x0304};
	struct tls_server_hello hello;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		struct buffer buffer = {.length = 0};

		put_number(&buffer, versions[i], 2);
		put_fill(&buffer, 7, 32);
		put_number(&buffer, 0xc02b, 2);
		put_number(&buffer, 0, 2);
		assert_true(
			tls_server_hello_read((struct slice){buffer.bytes, buffer.length}, &hello));
		assert_int_equal(hello.version, versions[i]);
		assert_int_equal(hello.cipher, 0xc02b);
		assert_int_equal(hello.session_id.length, 0);
	}
}

static void test_server_hello_12(void **state)
{
	struct buffer buffer = {0};
	struct tls_server_hello hello;

	(void)state;
	put_server_hello(&buffer, &(struct hello_options){.random = 3, .cipher = 0xc02f});
	assert_true(tls_server_hello_read(message_body(buffer.bytes, buffer.length), &hello));
	assert_int_equal(hello.version, 0x0303);
	assert_int_equal(hello.cipher, 0xc02f);
	assert_int_equal(hello.group, 0);
	assert_bytes(hello.alpn, "h2", 2);
}

static void test_retry(void **state)
{
	struct tls_server_hello hello;

	(void)state;
	assert_true(tls_server_hello_read(RFC8448(retry), &hello));
	assert_true(hello.is_retry);
	assert_memory_equal(hello.random, retry_random, 32);
	assert_int_equal(hello.version, 0x0304);
	assert_int_equal(hello.group, 0x0017);
	assert_truncations_fail(server_hello_reads, RFC8448(retry), 2 + 32 + 1 + 2 + 1);
}

static void test_key_exchange_ecdhe(void **state)
{
	static const uint8_t body[] = {3, 0, 0x17, 4, 1, 2, 3, 4, 0x08, 0x04, 0, 2, 9, 9};
	uint16_t group, signature;
	size_t length;

	(void)state;
	assert_true(tls_server_key_exchange_read((struct slice){body, sizeof(body)}, true, true,
						 &group, &signature));
	assert_int_equal(group, 0x0017);
	assert_int_equal(signature, 0x0804);
	assert_true(tls_server_key_exchange_read((struct slice){body, sizeof(body)}, true, false,
						 &group, &signature));
	assert_int_equal(signature, 0);
	/* ECDH_anon ends after the point; half a scheme is a fault. */
	for (length = 0; length <= 9; length++) {
		struct slice part = exact_copy((struct slice){body, length});

		assert_int_equal(tls_server_key_exchange_read(part, true, true, &group, &signature),
				 length == 8);
		assert_int_equal(signature, 0);
		free((void *)part.bytes);
	}
}

static void test_key_exchange_explicit_curve(void **state)
{
	static const uint8_t body[] = {1, 0, 0x17, 1, 1};
	uint16_t group, signature;

	(void)state;
	assert_false(tls_server_key_exchange_read((struct slice){body, sizeof(body)}, true, true,
						  &group, &signature));
	assert_int_equal(group, 0);
}

static void test_key_exchange_dhe(void **state)
{
	static const uint8_t body[] = {0, 2, 1, 1, 0, 1, 2, 0, 2, 3, 3, 0x04, 0x01, 0, 1, 7};
	uint16_t group, signature;

	(void)state;
	assert_true(tls_server_key_exchange_read((struct slice){body, sizeof(body)}, false, true,
						 &group, &signature));
	assert_int_equal(group, 0);
	assert_int_equal(signature, 0x0401);
	assert_false(tls_server_key_exchange_read((struct slice){body, 10}, false, true, &group,
						  &signature));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_hello),
		cmocka_unit_test(test_client_hello_truncated),
		cmocka_unit_test(test_client_hello_partial),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_broken_extensions),
		cmocka_unit_test(test_server_name_types),
		cmocka_unit_test(test_session_id_too_long),
		cmocka_unit_test(test_extension_next),
		cmocka_unit_test(test_client_hello_v2),
		cmocka_unit_test(test_client_hello_v2_challenge),
		cmocka_unit_test(test_server_hello),
		cmocka_unit_test(test_server_hello_draft),
		cmocka_unit_test(test_server_hello_12),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_key_exchange_ecdhe),
		cmocka_unit_test(test_key_exchange_explicit_curve),
		cmocka_unit_test(test_key_exchange_dhe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
