/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vectors are the examples of the texts that define the fingerprints, or hashes that `md5sum` and
 * `sha256sum` give of the strings in the comments.
 */
#include "build.h"

#include <stdlib.h>

#include "handshake/apply.h"
#include "handshake/hellos.h"
#include "handshake/fingerprint.h"

#define CODES(...)                                                                                 \
	{                                                                                          \
		(uint16_t[]){__VA_ARGS__}, sizeof((uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t)    \
	}
#define ALPN(names) .alpn = (uint8_t *)(names), .alpn_length = sizeof(names) - 1

/* The example of JA4.md, with GREASE wherever a browser puts it. */
static const struct offer browser = {
	.whole = true,
	.version = 0x0303,
	.versions = CODES(0x0a0a, 0x0303, 0x0304),
	.ciphers = CODES(0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9,
			 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035),
	.extensions = CODES(0xfafa, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d,
			    0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0x3a3a),
	.signatures = CODES(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601),
	.groups = CODES(0x6a6a, 0x001d, 0x0017, 0x0018),
	.point_formats = CODES(0),
	ALPN("\x02h2\x08http/1.1"),
};

static void assert_ja4(const struct offer *offer, enum handshake_transport transport,
		       const char *expected)
{
	struct handshake handshake = {.offer = *offer, .transport = transport};

	handshake_fingerprint(&handshake);
	assert_string_equal(handshake.ja4, expected);
}

static void assert_ja3(const struct offer *offer, const char *expected)
{
	struct handshake handshake = {.offer = *offer};

	handshake_fingerprint(&handshake);
	assert_string_equal(handshake.ja3, expected);
}

/* The examples of the JA3 README. */
static void test_ja3(void **state)
{
	const struct offer with_extensions = {
		.whole = true,
		.version = 769,
		.ciphers = CODES(47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4),
		.extensions = CODES(0, 10, 11),
		.groups = CODES(23, 24, 25),
		.point_formats = CODES(0),
	};
	const struct offer without = {
		.whole = true,
		.version = 769,
		.ciphers = CODES(4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99),
	};
	/* "0,,,," */
	const struct offer empty = {.whole = true};

	(void)state;
	assert_ja3(&with_extensions, "ada70206e40642a3e4461f35503241d5");
	assert_ja3(&without, "de350869b8c85de67a350c8d186f11e6");
	assert_ja3(&empty, "2432bebf06532faf89aae784a9aae4ef");
}

/* The same hello with and without GREASE. */
static void test_ja3_grease(void **state)
{
	static const uint16_t ciphers[] = {0x0a0a, 47,	  53, 5,  0x1a1a, 10, 49161, 49162,
					   49171,  49172, 50, 56, 19,	  4,  0xfafa};
	const struct offer greased = {
		.whole = true,
		.version = 769,
		.ciphers = {(uint16_t *)ciphers, ARRAY_SIZE(ciphers)},
		.extensions = CODES(0xbaba, 0, 10, 11, 0x5a5a),
		.groups = CODES(0xcaca, 23, 24, 25),
		.point_formats = CODES(0),
	};

	(void)state;
	assert_ja3(&greased, "ada70206e40642a3e4461f35503241d5");
}

static void test_ja3s(void **state)
{
	const struct {
		uint16_t version, cipher;
		struct code_list extensions;
		const char *expected;
	} cases[] = {
		{769, 47, CODES(65281, 0, 11, 35, 5, 16), "836ce314215654b5b1f85f97c73e506f"},
		/* "771,49200," */
		{771, 49200, {0}, "7770094a92b1cbfa5a6de2017cfb682a"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct handshake handshake = {
			.server_hello_whole = true,
			.server_legacy_version = cases[i].version,
			.cipher = cases[i].cipher,
			.server_extensions = cases[i].extensions,
		};

		handshake_fingerprint(&handshake);
		assert_string_equal(handshake.ja3s, cases[i].expected);
		assert_string_equal(handshake.ja3, "");
		assert_string_equal(handshake.ja4, "");
	}
}

static void test_ja4(void **state)
{
	struct offer offer = browser;

	(void)state;
	assert_ja4(&browser, TRANSPORT_TCP, "t13d1516h2_8daaf6152771_e5627efa2ab1");
	assert_ja4(&browser, TRANSPORT_QUIC, "q13d1516h2_8daaf6152771_e5627efa2ab1");
	/* Without signature algorithms the string ends without an underscore. */
	offer.signatures.count = 0;
	assert_ja4(&offer, TRANSPORT_TCP, "t13d1516h2_8daaf6152771_6d807ffa2a79");
}

/* To an address, and for another protocol: a part of JA4_a only. */
static void test_ja4_destination(void **state)
{
	struct offer offer = browser;

	(void)state;
	offer.extensions =
		(struct code_list)CODES(0x001b, 0x0033, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005,
					0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015);
	offer.alpn_length = 0;
	assert_ja4(&offer, TRANSPORT_TCP, "t13i151400_8daaf6152771_e5627efa2ab1");
}

static void test_ja4_empty(void **state)
{
	const struct offer nothing = {.whole = true, .version = 0x0301};
	const struct offer only_grease = {
		.whole = true,
		.version = 0x0303,
		.versions = CODES(0x0a0a),
		.ciphers = CODES(0x1a1a),
		.extensions = CODES(0x2a2a),
		.signatures = CODES(0x3a3a),
	};
	/* What is counted, but not hashed. */
	const struct offer only_names = {
		.whole = true, .version = 0x0302, .extensions = CODES(0, 16)};

	(void)state;
	assert_ja4(&nothing, TRANSPORT_TCP, "t10i000000_000000000000_000000000000");
	assert_ja4(&only_grease, TRANSPORT_TCP, "t12i000000_000000000000_000000000000");
	assert_ja4(&only_names, TRANSPORT_TCP, "t11d000200_000000000000_000000000000");
}

static void test_ja4_versions(void **state)
{
	const struct {
		uint16_t legacy;
		struct code_list offered;
		enum handshake_transport transport;
		const char *expected;
	} cases[] = {
		{0x0300, {0}, TRANSPORT_TCP, "ts3"},
		{0x0002, {0}, TRANSPORT_TCP, "ts2"},
		{0x0303, CODES(0x0303, 0x0304, 0xfafa), TRANSPORT_TCP, "t13"},
		{0x0303, CODES(0x0302, 0x0301), TRANSPORT_TCP, "t11"},
		/* A draft of TLS 1.3 is the highest value, and has no name. */
		{0x0303, CODES(0x0304, 0x7f1c), TRANSPORT_TCP, "t00"},
		{0x0305, {0}, TRANSPORT_TCP, "t00"},
		{0xfeff, {0}, TRANSPORT_DTLS, "dd1"},
		{0xfefd, {0}, TRANSPORT_DTLS, "dd2"},
		{0xfefd, CODES(0xfefc), TRANSPORT_DTLS, "dd3"},
		{0xfefd, CODES(0xfefc, 0xfefd), TRANSPORT_DTLS, "dd2"},
		/* Cisco's first DTLS: none of the names. */
		{0x0100, {0}, TRANSPORT_DTLS, "d00"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct handshake handshake = {
			.transport = cases[i].transport,
			.offer = {.whole = true,
				  .version = cases[i].legacy,
				  .versions = cases[i].offered},
		};

		handshake_fingerprint(&handshake);
		assert_memory_equal(handshake.ja4, cases[i].expected, 3);
	}
}

/* JA4.md's examples, and names that are empty, broken or GREASE. */
static void test_ja4_alpn(void **state)
{
	static const struct {
		const char *list;
		size_t length;
		const char *expected;
	} cases[] = {
		{"\x02h2", 3, "h2"},
		{"\x08http/1.1", 9, "h1"},
		{"\x01q", 2, "qq"},
		{"\x01\xab", 2, "ab"},
		{"\x02\xab\xcd", 3, "ad"},
		{"\x02\x30\xab", 3, "3b"},
		{"\x04\x30\x31\xab\xcd", 5, "3d"},
		{"\x04\x30\xab\xcd\x31", 5, "01"},
		{"\x02h_", 3, "6f"},
		{"\x03\0h2", 4, "02"},
		{"", 0, "00"},
		{"\0", 1, "00"},
		{"\0\x02h2", 4, "00"},
		{"\x05h2", 3, "00"},
		{"\x02\x0a\x0a\x02h2", 6, "h2"},
		{"\x02\xfa\xfa", 3, "00"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct slice list =
			exact_copy((struct slice){(const uint8_t *)cases[i].list, cases[i].length});
		struct handshake handshake = {
			.offer = {.whole = true,
				  .alpn = (uint8_t *)list.bytes,
				  .alpn_length = list.length},
		};

		handshake_fingerprint(&handshake);
		assert_memory_equal(handshake.ja4 + 8, cases[i].expected, 2);
		free((void *)list.bytes);
	}
}

static void test_ja4_counts(void **state)
{
	uint16_t codes[150];
	struct handshake handshake = {
		.offer = {.whole = true,
			  .version = 0x0303,
			  .ciphers = {codes, 150},
			  .extensions = {codes, 99}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		codes[i] = 0xc000 + i;
	handshake_fingerprint(&handshake);
	assert_memory_equal(handshake.ja4, "t12i999900_", 11);
}

/* A fingerprint of half a hello would be another client's. */
static void test_not_whole(void **state)
{
	struct handshake handshake = {.offer = browser};

	(void)state;
	handshake.offer.whole = false;
	handshake_fingerprint(&handshake);
	assert_string_equal(handshake.ja3, "");
	assert_string_equal(handshake.ja3s, "");
	assert_string_equal(handshake.ja4, "");
}

static void client_hello_apply(struct progress *progress, const uint8_t *bytes, size_t length)
{
	struct tls_client_hello hello;
	struct flow_message message = {
		.from_client = true, .record_type = RECORD_HANDSHAKE, .size = length};

	assert_true(tls_client_hello_read(message_body(bytes, length), &hello));
	assert_int_equal(hello_client_apply(progress, &hello, &message), 0);
}

/*
 * From the wire: RFC 8448 section 3. JA3 is of "771,4865-4867-4866,0-65281-10-35-51-43-13-45-28,
 * 29-23-24-25-256-257-258-259-260," and JA3S of "771,4865,51-43".
 */
static void test_from_wire(void **state)
{
	struct handshake *handshake = handshake_new();
	struct progress progress = {.handshake = handshake};
	struct buffer second = {0};
	struct flow_message answer = {
		.kind = FLOW_HANDSHAKE,
		.record_type = RECORD_HANDSHAKE,
		.type = TLS_SERVER_HELLO,
		.body = message_body(rfc8448_server_hello, sizeof(rfc8448_server_hello)),
	};

	(void)state;
	assert_non_null(handshake);
	client_hello_apply(&progress, rfc8448_client_hello, sizeof(rfc8448_client_hello));
	apply_message(&progress, &answer);
	/* A second hello, as after a HelloRetryRequest, changes nothing. */
	put_client_hello(&second, &(struct hello_options){.random = 9});
	client_hello_apply(&progress, second.bytes, second.length);
	handshake_fingerprint(handshake);
	assert_string_equal(handshake->ja3, "da4dea34fe6d4ce5f0725df3f2682fa0");
	assert_string_equal(handshake->ja3s, "eb1d94daa7e0344597e756a1fb6e7054");
	assert_string_equal(handshake->ja4, "t13d030900_55b375c5d22e_59cd3dafc54d");
	handshake_free(handshake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ja3),
		cmocka_unit_test(test_ja3_grease),
		cmocka_unit_test(test_ja3s),
		cmocka_unit_test(test_ja4),
		cmocka_unit_test(test_ja4_destination),
		cmocka_unit_test(test_ja4_empty),
		cmocka_unit_test(test_ja4_versions),
		cmocka_unit_test(test_ja4_alpn),
		cmocka_unit_test(test_ja4_counts),
		cmocka_unit_test(test_not_whole),
		cmocka_unit_test(test_from_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
