/* SPDX-License-Identifier: BSD-2-Clause */
/* The cache of certificates, and the Certificate messages of a handshake. */
#include "certificate_fixture.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "handshake/certificates.h"

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
