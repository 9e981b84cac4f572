/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates are made by libcrypto as each test needs them, with faults that no tool would make.
 */
#include "build.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "handshake/certificates.h"

#define FROM 1700000000 /* 2023-11-14T22:13:20Z */
#define TO   4102444800 /* 2100-01-01T00:00:00Z: beyond what UTCTime can say */

struct recipe {
	X509_NAME *subject;   /* owned by the test; NULL: CN=example.org, O=Example */
	const char *sans;     /* as in OpenSSL's configuration files */
	GENERAL_NAMES *names; /* owned by the test; instead of sans */
	int64_t from, to;
	long serial;
	bool is_v1;
};

static EVP_PKEY *key; /* P-256, for certificates whose key is not the point */

static int group_setup(void **state)
{
	(void)state;
	key = EVP_EC_gen("P-256");
	return key ? 0 : -1;
}

static int group_teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return 0;
}

static void name_add(X509_NAME *name, const char *field, int type, const void *bytes, int length)
{
	assert_true(X509_NAME_add_entry_by_txt(name, field, type, bytes, length, -1, 0));
}

static void sans_add(X509 *x509, const struct recipe *recipe)
{
	X509_EXTENSION *extension;

	if (recipe->names) {
		assert_true(X509_add1_ext_i2d(x509, NID_subject_alt_name, recipe->names, 0, 0));
	} else if (recipe->sans) {
		extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, recipe->sans);
		assert_non_null(extension);
		assert_true(X509_add_ext(x509, extension, -1));
		X509_EXTENSION_free(extension);
	}
}

static X509 *x509_make(const struct recipe *recipe, EVP_PKEY *own, const EVP_MD *hash)
{
	X509 *x509 = X509_new();
	X509_NAME *name;

	assert_non_null(x509);
	assert_true(X509_set_version(x509, recipe->is_v1 ? X509_VERSION_1 : X509_VERSION_3));
	assert_true(ASN1_INTEGER_set_int64(X509_get_serialNumber(x509), recipe->serial));
	assert_non_null(
		ASN1_TIME_set(X509_getm_notBefore(x509), recipe->from ? recipe->from : FROM));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x509), recipe->to ? recipe->to : TO));
	name = X509_get_subject_name(x509);
	name_add(name, "O", MBSTRING_UTF8, "Example", -1);
	name_add(name, "CN", MBSTRING_UTF8, "example.org", -1);
	assert_true(X509_set_issuer_name(x509, name));
	if (recipe->subject)
		assert_true(X509_set_subject_name(x509, recipe->subject));
	assert_true(X509_set_pubkey(x509, own));
	sans_add(x509, recipe);
	assert_true(X509_sign(x509, own, hash));
	return x509;
}

/* Owned by the caller. */
static struct slice der_take(X509 *x509)
{
	unsigned char *bytes = NULL;
	int length = i2d_X509(x509, &bytes);
	struct slice der;

	assert_true(length > 0);
	der = exact_copy((struct slice){bytes, length});
	OPENSSL_free(bytes);
	X509_free(x509);
	return der;
}

static struct slice der_make(const struct recipe *recipe)
{
	return der_take(x509_make(recipe, key, EVP_sha256()));
}

/* Errors left in libcrypto's queue would be reported for something else. */
static struct certificate *parse(struct slice der)
{
	static const uint8_t sha256[32] = {1, [31] = 2};
	struct certificate *certificate = certificate_parse(der, sha256);

	assert_non_null(certificate);
	assert_int_equal(certificate->size, der.length);
	assert_memory_equal(certificate->sha256, sha256, 32);
	assert_int_equal(ERR_peek_error(), 0);
	return certificate;
}

static struct certificate *made(const struct recipe *recipe)
{
	struct slice der = der_make(recipe);
	struct certificate *certificate = parse(der);

	free((void *)der.bytes);
	return certificate;
}

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

static struct slice garbage(uint32_t *bytes)
{
	return (struct slice){(const uint8_t *)bytes, sizeof(*bytes)};
}

static void test_cache(void **state)
{
	struct certificate_cache *cache = certificate_cache_new();
	struct slice der = der_make(&(struct recipe){.serial = 1});
	struct certificate *first, *second;
	uint8_t sha256[32];

	(void)state;
	assert_non_null(cache);
	first = certificate_cache_get(cache, der);
	second = certificate_cache_get(cache, der);
	assert_ptr_equal(first, second);
	assert_true(EVP_Digest(der.bytes, der.length, sha256, NULL, EVP_sha256(), NULL));
	assert_memory_equal(first->sha256, sha256, 32);
	certificate_release(second);
	certificate_cache_free(cache);
	/* It outlives the cache. */
	assert_string_equal(first->subject, "CN=example.org,O=Example");
	certificate_release(first);
	free((void *)der.bytes);
}

/* However many come, what is handed out stays, and what is used stays known. */
static void test_cache_full(void **state)
{
	struct certificate_cache *cache = certificate_cache_new();
	uint32_t first = UINT32_MAX, i;
	struct certificate *kept, *again;

	(void)state;
	assert_non_null(cache);
	kept = certificate_cache_get(cache, garbage(&first));
	for (i = 0; i < 4 * CERTIFICATE_CACHE_ENTRIES; i++) {
		certificate_release(certificate_cache_get(cache, garbage(&i)));
		again = certificate_cache_get(cache, garbage(&first));
		assert_ptr_equal(again, kept);
		certificate_release(again);
	}
	for (; i < 8 * CERTIFICATE_CACHE_ENTRIES; i++)
		certificate_release(certificate_cache_get(cache, garbage(&i)));
	again = certificate_cache_get(cache, garbage(&first));
	assert_ptr_not_equal(again, kept);
	assert_memory_equal(again->sha256, kept->sha256, 32);
	certificate_release(again);
	certificate_release(kept);
	certificate_cache_free(cache);
}

/* Large ones are read, but not kept. */
static void test_cache_large(void **state)
{
	static const uint8_t bytes[20000];
	struct certificate_cache *cache = certificate_cache_new();
	struct certificate *first, *second;

	(void)state;
	assert_non_null(cache);
	first = certificate_cache_get(cache, (struct slice){bytes, sizeof(bytes)});
	second = certificate_cache_get(cache, (struct slice){bytes, sizeof(bytes)});
	assert_ptr_not_equal(first, second);
	certificate_cache_free(cache);
	certificate_release(first);
	certificate_release(second);
}

struct fixture {
	struct certificate_cache *cache;
	struct handshake *handshake;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	fixture->cache = certificate_cache_new();
	fixture->handshake = handshake_new();
	*state = fixture;
	return fixture->cache && fixture->handshake ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	certificate_cache_free(fixture->cache);
	handshake_free(fixture->handshake);
	free(fixture);
	return 0;
}

static void keep(struct fixture *fixture, enum handshake_end from, const void *bytes, size_t length)
{
	struct slice body = exact_copy((struct slice){bytes, length});

	handshake_certificates_keep(fixture->handshake, from, body);
	free((void *)body.bytes);
}

/* Read what was kept; the number of certificates, or -1 if there is not even a list. */
static int read_kept(struct fixture *fixture)
{
	handshake_certificates_read(fixture->handshake, fixture->cache);
	assert_int_equal(ERR_peek_error(), 0);
	return fixture->handshake->certificates ? (int)fixture->handshake->certificate_count : -1;
}

static void put_certificate(struct buffer *buffer, struct slice der)
{
	put_number(buffer, der.length, 3);
	put_bytes(buffer, der.bytes, der.length);
}

static void test_messages(void **state)
{
	struct fixture *fixture = *state;
	struct slice der = der_make(&(struct recipe){.serial = 7});
	struct sent_certificate *sent;
	struct buffer buffer = {0};
	size_t list = vector_open(&buffer, 3);

	put_certificate(&buffer, der);
	put_certificate(&buffer, (struct slice){(const uint8_t *)"no DER", 6});
	vector_close(&buffer, list, 3);
	keep(fixture, END_CLIENT, buffer.bytes, buffer.length);
	buffer.length = 0;
	list = vector_open(&buffer, 3);
	put_certificate(&buffer, der);
	vector_close(&buffer, list, 3);
	keep(fixture, END_SERVER, buffer.bytes, buffer.length);
	/* Only the first message counts. */
	keep(fixture, END_SERVER, "\0\0\0", 3);
	assert_int_equal(read_kept(fixture), 3);
	assert_int_equal(read_kept(fixture), 3);
	assert_false(fixture->handshake->truncated);
	sent = fixture->handshake->certificates;
	assert_int_equal(sent[0].from, END_SERVER);
	assert_string_equal(sent[0].certificate->serial, "07");
	assert_int_equal(sent[1].from, END_CLIENT);
	assert_ptr_equal(sent[1].certificate, sent[0].certificate);
	assert_int_equal(sent[2].from, END_CLIENT);
	assert_true(sent[2].certificate->broken);
	assert_int_equal(sent[2].certificate->size, 6);
	free((void *)der.bytes);
}

static void test_no_message(void **state)
{
	assert_int_equal(read_kept(*state), -1);
}

/* What precedes the fault is kept, and the fault is reported. */
static void test_lists(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t length;
		int count;
		bool truncated;
	} cases[] = {
		{"empty", "\0\0\0", 3, 0, false},
		{"certificate without a byte", "\0\0\x03\0\0\0", 6, 1, false},
		{"two",
		 "\0\0\x08\0\0\x01"
		 "a\0\0\x01"
		 "b",
		 11, 2, false},
		{"no length", "\0\0", 2, 0, true},
		{"list longer than the message",
		 "\0\x01\0\0\0\x01"
		 "a\0\0\x01"
		 "b",
		 11, 2, true},
		{"list shorter than the message",
		 "\0\0\x04\0\0\x01"
		 "a\0\0\x01"
		 "b",
		 11, 1, true},
		{"certificate longer than the list",
		 "\0\0\x08\0\0\x01"
		 "a\0\0\x09"
		 "b",
		 11, 1, true},
		{"length cut",
		 "\0\0\x06\0\0\x01"
		 "a\0\0",
		 9, 1, true},
		{"all bits", "\xff\xff\xff\xff\xff\xff", 6, 0, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture *fixture = *state;
		int count;

		keep(fixture, END_SERVER, cases[i].bytes, cases[i].length);
		count = read_kept(fixture);
		if (count != cases[i].count || fixture->handshake->truncated != cases[i].truncated)
			fail_msg("%s: %d certificates, %s", cases[i].name, count,
				 fixture->handshake->truncated ? "truncated" : "whole");
		handshake_free(fixture->handshake);
		fixture->handshake = handshake_new();
		assert_non_null(fixture->handshake);
	}
}

static void test_many_certificates(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};
	size_t list = vector_open(&buffer, 3);

	for (int i = 0; i < 5000; i++)
		put_certificate(&buffer, (struct slice){(const uint8_t *)"a", 1});
	vector_close(&buffer, list, 3);
	keep(fixture, END_SERVER, buffer.bytes, buffer.length);
	keep(fixture, END_CLIENT, buffer.bytes, buffer.length);
	assert_int_equal(read_kept(fixture), 2 * HANDSHAKE_CERTIFICATES_MAX);
	assert_true(fixture->handshake->truncated);
}

/* Of a message that is too long its beginning is kept. */
static void test_large_message(void **state)
{
	static uint8_t bytes[200000] = {0x03, 0x0d, 0x3d, 0, 0, 1, 'a', 0x03, 0x0d, 0x36};
	struct fixture *fixture = *state;

	keep(fixture, END_SERVER, bytes, sizeof(bytes));
	assert_true(fixture->handshake->truncated);
	assert_in_range(fixture->handshake->certificate_messages[END_SERVER].length, 1, 65536);
	assert_int_equal(read_kept(fixture), 1);
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
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_cache_full),
		cmocka_unit_test(test_cache_large),
		cmocka_unit_test_setup_teardown(test_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_message, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_certificates, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_message, setup, teardown),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
