/* SPDX-License-Identifier: BSD-2-Clause */
/* One certificate, read. */
#include "certificate_fixture.h"

#include <stdlib.h>

#include <openssl/err.h>

static void test_fields(void **state)
{
	struct certificate *certificate = made(&(struct recipe){.serial = 0x1a2b3c4d5e});

	(void)state;
	assert_false(certificate->broken || certificate->truncated);
	assert_string_equal(certificate->subject, "CN=example.org,O=Example");
	assert_string_equal(certificate->issuer, "CN=example.org,O=Example");
	assert_int_equal(certificate->not_before, FROM);
	assert_int_equal(certificate->not_after, TO);
	assert_string_equal(certificate->key, "EC P-256");
	assert_string_equal(certificate->signature, "ecdsa-with-SHA256");
	assert_string_equal(certificate->serial, "1A2B3C4D5E");
	assert_int_equal(certificate->san_count, 0);
	certificate_release(certificate);
}

static void test_keys(void **state)
{
	const struct {
		EVP_PKEY *key;
		const EVP_MD *hash;
		const char *name, *signature;
	} cases[] = {
		{EVP_RSA_gen(1024), EVP_sha256(), "RSA 1024", "sha256WithRSAEncryption"},
		{EVP_RSA_gen(1024), EVP_sha1(), "RSA 1024", "sha1WithRSAEncryption"},
		{EVP_EC_gen("P-384"), EVP_sha384(), "EC P-384", "ecdsa-with-SHA384"},
		{EVP_EC_gen("secp256k1"), EVP_sha256(), "EC secp256k1", "ecdsa-with-SHA256"},
		{EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, "Ed25519", "ED25519"},
		{EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), NULL, "Ed448", "ED448"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct slice der;
		struct certificate *certificate;

		assert_non_null(cases[i].key);
		der = der_take(
			x509_make(&(struct recipe){.serial = 1}, cases[i].key, cases[i].hash));
		certificate = parse(der);
		assert_string_equal(certificate->key, cases[i].name);
		assert_string_equal(certificate->signature, cases[i].signature);
		certificate_release(certificate);
		free((void *)der.bytes);
		EVP_PKEY_free(cases[i].key);
	}
}

/* Replace all occurrences of some bytes by others of the same length. */
static void bytes_replace(struct slice der, const void *from, const void *to, size_t length)
{
	size_t count = 0;

	for (size_t at = 0; at + length <= der.length; at++) {
		if (memcmp(der.bytes + at, from, length) == 0) {
			memcpy((uint8_t *)der.bytes + at, to, length);
			count++;
		}
	}
	assert_true(count > 0);
}

/* An algorithm that libcrypto has no name for: the OID 1.2.840.10045.4.3.127 instead of ...4.3.2.
 */
static void test_unknown_algorithm(void **state)
{
	struct slice der = der_make(&(struct recipe){.serial = 1});
	struct certificate *certificate;

	(void)state;
	bytes_replace(der, "\x2a\x86\x48\xce\x3d\x04\x03\x02", "\x2a\x86\x48\xce\x3d\x04\x03\x7f",
		      8);
	/* id-ecPublicKey, 1.2.840.10045.2.1 */
	bytes_replace(der, "\x2a\x86\x48\xce\x3d\x02\x01", "\x2a\x86\x48\xce\x3d\x02\x7f", 7);
	certificate = parse(der);
	assert_false(certificate->broken);
	assert_string_equal(certificate->signature, "1.2.840.10045.4.3.127");
	assert_string_equal(certificate->key, "1.2.840.10045.2.127");
	certificate_release(certificate);
	free((void *)der.bytes);
}

static void test_sans(void **state)
{
	static const char *const expected[] = {
		"DNS:example.org",
		"DNS:*.example.org",
		"IP:192.0.2.1",
		"IP:2001:db8::1",
		"URI:spiffe://example.org/web",
		"email:root@example.org",
		"RID:1.2.3.4",
		"otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user@example.org",
		"otherName:1.2.3.5",
	};
	struct certificate *certificate = made(&(struct recipe){
		.serial = 1,
		.sans = "DNS:example.org,DNS:*.example.org,IP:192.0.2.1,IP:2001:db8::1,"
			"URI:spiffe://example.org/web,email:root@example.org,RID:1.2.3.4,"
			"otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user@example.org,otherName:1.2.3.5;"
			"INT:7",
	});

	(void)state;
	assert_false(certificate->broken || certificate->truncated);
	assert_int_equal(certificate->san_count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_string_equal(certificate->sans[i], expected[i]);
	certificate_release(certificate);
}

static void san_push(GENERAL_NAMES *names, int type, const void *bytes, int length)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *string = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();

	assert_true(name && string && ASN1_STRING_set(string, bytes, length));
	GENERAL_NAME_set0_value(name, type, string);
	assert_true(sk_GENERAL_NAME_push(names, name) > 0);
}

/* A NUL does not hide what follows; an address is of 4 or 16 bytes. */
static void test_sans_odd(void **state)
{
	static const char *const expected[] = {
		"DNS:example.org\\x00.attacker.example",
		"URI:\\x00\\x00a",
		"DNS:",
		"DNS:\xff\x1b[2J",
		"IP:C0000201FF",
		"dirName:CN=example.org\\00x",
	};
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *directory = GENERAL_NAME_new();
	X509_NAME *name = X509_NAME_new();
	struct certificate *certificate;

	(void)state;
	assert_true(names && directory && name);
	san_push(names, GEN_DNS, "example.org\0.attacker.example", 29);
	san_push(names, GEN_URI, "\0\0a", 3);
	san_push(names, GEN_DNS, "", 0);
	san_push(names, GEN_DNS, "\xff\x1b[2J", 5);
	san_push(names, GEN_IPADD, "\xc0\x00\x02\x01\xff", 5);
	name_add(name, "CN", MBSTRING_ASC, "example.org\0x", 13);
	GENERAL_NAME_set0_value(directory, GEN_DIRNAME, name);
	assert_true(sk_GENERAL_NAME_push(names, directory) > 0);
	certificate = made(&(struct recipe){.serial = 1, .names = names});
	assert_true(certificate->broken);
	assert_int_equal(certificate->san_count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_string_equal(certificate->sans[i], expected[i]);
	certificate_release(certificate);
	GENERAL_NAMES_free(names);
}

/* The extension's type within an OCTET STRING becomes another: the certificate is read without it.
 */
static void test_sans_broken(void **state)
{
	struct slice der = der_make(&(struct recipe){.serial = 1, .sans = "DNS:example.org"});
	struct certificate *certificate;

	(void)state;
	bytes_replace(der, "\x04\x0f\x30\x0d\x82\x0b", "\x04\x0f\x31\x0d\x82\x0b", 6);
	certificate = parse(der);
	assert_true(certificate->broken);
	assert_int_equal(certificate->san_count, 0);
	assert_string_equal(certificate->subject, "CN=example.org,O=Example");
	certificate_release(certificate);
	free((void *)der.bytes);
}

static void test_many_sans(void **state)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	struct certificate *certificate;

	(void)state;
	assert_non_null(names);
	for (int i = 0; i <= CERTIFICATE_SANS_MAX; i++)
		san_push(names, GEN_DNS, "a.example", 9);
	certificate = made(&(struct recipe){.serial = 1, .names = names});
	assert_true(certificate->truncated);
	assert_int_equal(certificate->san_count, CERTIFICATE_SANS_MAX);
	certificate_release(certificate);
	GENERAL_NAMES_free(names);
}

static void assert_subject(int type, const void *bytes, int length, const char *expected)
{
	X509_NAME *name = X509_NAME_new();
	struct certificate *certificate;

	assert_non_null(name);
	name_add(name, "O", type, bytes, length);
	certificate = made(&(struct recipe){.serial = 1, .subject = name});
	assert_string_equal(certificate->subject, expected);
	certificate_release(certificate);
	X509_NAME_free(name);
}

static void test_names(void **state)
{
	(void)state;
	assert_subject(MBSTRING_UTF8,
		       "B\xc3\xbc"
		       "cher",
		       -1,
		       "O=B\xc3\xbc"
		       "cher");
	assert_subject(MBSTRING_UTF8, "a,b+c\"<>; ", -1, "O=a\\,b\\+c\\\"\\<\\>\\;\\ ");
	assert_subject(MBSTRING_ASC, "a\0b\n\x7f", 5, "O=a\\00b\\0A\\7F");
	/* T61String in practice is Latin-1. */
	assert_subject(V_ASN1_T61STRING,
		       "B\xfc"
		       "cher",
		       6,
		       "O=B\xc3\xbc"
		       "cher");
	assert_subject(V_ASN1_BMPSTRING, "\0B\0\xfc", 4, "O=B\xc3\xbc");
}

/* Latin-1 where UTF-8 is announced, and half a pair of UTF-16: libcrypto does not take them. */
static void test_names_broken(void **state)
{
	static const struct {
		int type, length;
		const char *name, *other;
	} cases[] = {
		{V_ASN1_UTF8STRING, 6, "Bucher",
		 "B\xfc"
		 "cher"},
		{V_ASN1_BMPSTRING, 6, "\0B\0u\0c", "\0B\xd8\x00\0c"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		X509_NAME *name = X509_NAME_new();
		struct certificate *certificate;
		struct slice der;

		assert_non_null(name);
		name_add(name, "O", cases[i].type, cases[i].name, cases[i].length);
		der = der_make(&(struct recipe){.serial = 1, .subject = name});
		bytes_replace(der, cases[i].name, cases[i].other, cases[i].length);
		certificate = parse(der);
		assert_true(certificate->broken);
		assert_null(certificate->subject);
		certificate_release(certificate);
		free((void *)der.bytes);
		X509_NAME_free(name);
	}
}

static void test_empty_subject(void **state)
{
	X509_NAME *name = X509_NAME_new();
	struct certificate *certificate;

	(void)state;
	assert_non_null(name);
	certificate =
		made(&(struct recipe){.serial = 1, .subject = name, .sans = "DNS:example.org"});
	assert_false(certificate->broken);
	assert_string_equal(certificate->subject, "");
	certificate_release(certificate);
	X509_NAME_free(name);
}

static void test_long_name(void **state)
{
	static char text[CERTIFICATE_TEXT_MAX + 10];
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	struct certificate *certificate;

	(void)state;
	assert_non_null(names);
	memset(text, 'a', sizeof(text));
	san_push(names, GEN_DNS, text, CERTIFICATE_TEXT_MAX - 4);
	certificate = made(&(struct recipe){.serial = 1, .names = names});
	assert_false(certificate->truncated);
	assert_int_equal(strlen(certificate->sans[0]), CERTIFICATE_TEXT_MAX);
	certificate_release(certificate);
	san_push(names, GEN_DNS, text, sizeof(text));
	certificate = made(&(struct recipe){.serial = 1, .names = names});
	assert_true(certificate->truncated);
	assert_int_equal(strlen(certificate->sans[1]), CERTIFICATE_TEXT_MAX);
	certificate_release(certificate);
	GENERAL_NAMES_free(names);
}

static void test_v1(void **state)
{
	struct certificate *certificate = made(&(struct recipe){.serial = 0, .is_v1 = true});

	(void)state;
	assert_false(certificate->broken);
	assert_string_equal(certificate->serial, "00");
	assert_int_equal(certificate->san_count, 0);
	certificate_release(certificate);
}

static void test_serial_negative(void **state)
{
	struct certificate *certificate = made(&(struct recipe){.serial = -255});

	(void)state;
	assert_string_equal(certificate->serial, "-FF");
	certificate_release(certificate);
}

/* The first second of 1970 is a time like others; the 13th month is none. */
static void test_times(void **state)
{
	struct slice der = der_make(&(struct recipe){.serial = 1, .from = 1, .to = FROM});
	struct certificate *certificate = parse(der);

	(void)state;
	assert_int_equal(certificate->not_before, 1);
	assert_int_equal(certificate->not_after, FROM);
	certificate_release(certificate);
	bytes_replace(der, "700101000001Z", "700101000000Z", 13);
	bytes_replace(der, "231114221320Z", "231314221320Z", 13);
	certificate = parse(der);
	assert_true(certificate->broken);
	assert_int_equal(certificate->not_before, 0);
	assert_int_equal(certificate->not_after, CERTIFICATE_TIME_UNKNOWN);
	certificate_release(certificate);
	free((void *)der.bytes);
}

/* A truncated certificate is refused, and no byte after it is read. */
static void test_cut(void **state)
{
	struct slice der = der_make(&(struct recipe){.serial = 1, .sans = "DNS:example.org"});

	(void)state;
	for (size_t length = 0; length < der.length; length++) {
		struct slice part = exact_copy((struct slice){der.bytes, length});
		struct certificate *certificate = parse(part);

		assert_true(certificate->broken);
		assert_null(certificate->subject);
		assert_int_equal(certificate->not_after, CERTIFICATE_TIME_UNKNOWN);
		certificate_release(certificate);
		free((void *)part.bytes);
	}
	free((void *)der.bytes);
}

static void test_followed(void **state)
{
	struct slice der = der_make(&(struct recipe){.serial = 1});
	struct buffer buffer = {0};
	struct certificate *certificate;

	(void)state;
	put_bytes(&buffer, der.bytes, der.length);
	put_number(&buffer, 0, 1);
	certificate = parse((struct slice){buffer.bytes, buffer.length});
	assert_true(certificate->broken);
	assert_string_equal(certificate->subject, "CN=example.org,O=Example");
	certificate_release(certificate);
	free((void *)der.bytes);
}

/* Any byte may be any other: what comes out is text or nothing, and nobody reads beyond the end. */
static void test_changed_bytes(void **state)
{
	struct slice der =
		der_make(&(struct recipe){.serial = 1, .sans = "DNS:a.example,IP:192.0.2.1"});

	(void)state;
	for (size_t at = 0; at < der.length; at++) {
		static const uint8_t flips[] = {0x01, 0x80, 0xff};

		for (size_t i = 0; i < ARRAY_SIZE(flips); i++) {
			struct slice copy = exact_copy(der);

			((uint8_t *)copy.bytes)[at] ^= flips[i];
			certificate_release(parse(copy));
			free((void *)copy.bytes);
		}
	}
	free((void *)der.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_unknown_algorithm),
		cmocka_unit_test(test_sans),
		cmocka_unit_test(test_sans_odd),
		cmocka_unit_test(test_sans_broken),
		cmocka_unit_test(test_many_sans),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_broken),
		cmocka_unit_test(test_empty_subject),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_v1),
		cmocka_unit_test(test_serial_negative),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_followed),
		cmocka_unit_test(test_changed_bytes),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
