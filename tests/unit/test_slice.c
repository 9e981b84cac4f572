/* SPDX-License-Identifier: BSD-2-Clause */
#include "build.h"

#include <stdlib.h>

static const uint8_t sample[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd};

static void test_numbers(void **state)
{
	struct slice slice = {sample, sizeof(sample)};
	uint8_t u8;
	uint16_t u16;
	uint32_t u24;

	(void)state;
	assert_true(slice_u8(&slice, &u8));
	assert_int_equal(u8, 0x01);
	assert_true(slice_u16(&slice, &u16));
	assert_int_equal(u16, 0x2345);
	assert_true(slice_u24(&slice, &u24));
	assert_int_equal(u24, 0x6789ab);
	assert_int_equal(slice.length, 1);
	assert_ptr_equal(slice.bytes, sample + 6);
}

static void test_bytes(void **state)
{
	struct slice slice = {sample, sizeof(sample)}, part;

	(void)state;
	assert_true(slice_bytes(&slice, 0, &part));
	assert_int_equal(part.length, 0);
	assert_true(slice_bytes(&slice, sizeof(sample), &part));
	assert_ptr_equal(part.bytes, sample);
	assert_int_equal(part.length, sizeof(sample));
	assert_int_equal(slice.length, 0);
	assert_true(slice_bytes(&slice, 0, &part));
	assert_false(slice_bytes(&slice, 1, &part));
}

static void test_vectors(void **state)
{
	static const uint8_t bytes[] = {2, 'a', 'b', 0, 1, 'c', 0, 0, 0, 0, 0, 1, 'd'};
	struct slice slice = {bytes, sizeof(bytes)}, value;

	(void)state;
	assert_true(slice_vector8(&slice, &value));
	assert_int_equal(value.length, 2);
	assert_memory_equal(value.bytes, "ab", 2);
	assert_true(slice_vector16(&slice, &value));
	assert_int_equal(value.length, 1);
	assert_memory_equal(value.bytes, "c", 1);
	assert_true(slice_vector16(&slice, &value));
	assert_int_equal(value.length, 0);
	assert_true(slice_vector8(&slice, &value));
	assert_int_equal(value.length, 0);
	assert_true(slice_vector24(&slice, &value));
	assert_int_equal(value.length, 1);
	assert_memory_equal(value.bytes, "d", 1);
	assert_int_equal(slice.length, 0);
}

/* One byte too few for each kind of read: it fails and moves nothing. */
static void test_too_short(void **state)
{
	static const uint8_t bytes[] = {0, 3, 'a', 'b'};
	struct slice value;
	uint8_t u8;
	uint16_t u16;
	uint32_t u24;
	size_t length;

	(void)state;
	for (length = 0; length <= sizeof(bytes); length++) {
		struct slice copy = exact_copy((struct slice){bytes, length}), slice = copy;

		assert_true(length >= 1 || !slice_u8(&slice, &u8));
		assert_true(length >= 2 || !slice_u16(&slice, &u16));
		assert_true(length >= 3 || !slice_u24(&slice, &u24));
		assert_true(length >= 1 || !slice_vector8(&slice, &value));
		assert_false(slice_vector16(&slice, &value));
		assert_false(slice_vector24(&slice, &value));
		assert_false(slice_bytes(&slice, length + 1, &value));
		assert_false(slice_bytes(&slice, SIZE_MAX, &value));
		assert_ptr_equal(slice.bytes, copy.bytes);
		assert_int_equal(slice.length, length);
		free((void *)copy.bytes);
	}
}

/* A vector whose length is there, but not its bytes, gives the length back. */
static void test_vector_restores(void **state)
{
	static const uint8_t bytes[] = {5, 0, 1, 2};
	struct slice slice = {bytes, sizeof(bytes)}, value;

	(void)state;
	assert_false(slice_vector8(&slice, &value));
	assert_false(slice_vector16(&slice, &value));
	assert_false(slice_vector24(&slice, &value));
	assert_ptr_equal(slice.bytes, bytes);
	assert_int_equal(slice.length, sizeof(bytes));
}

/* RFC 9000 appendix A.1, and each of its prefixes. */
static void test_varint(void **state)
{
	static const struct {
		uint8_t bytes[8];
		size_t length;
		uint64_t value;
	} samples[] = {
		{{0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c}, 8, 151288809941952652},
		{{0x9d, 0x7f, 0x3e, 0x7d}, 4, 494878333},
		{{0x7b, 0xbd}, 2, 15293},
		{{0x25}, 1, 37},
		{{0x40, 0x25}, 2, 37},
	};
	size_t i, length;
	uint64_t value;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(samples); i++)
		for (length = 0; length <= samples[i].length; length++) {
			struct slice copy = exact_copy((struct slice){samples[i].bytes, length}),
				     slice = copy;

			assert_int_equal(slice_varint(&slice, &value), length == samples[i].length);
			if (length == samples[i].length)
				assert_int_equal(value, samples[i].value);
			assert_int_equal(slice.length, length == samples[i].length ? 0 : length);
			free((void *)copy.bytes);
		}
}

static void test_u32(void **state)
{
	static const uint8_t bytes[] = {0x80, 1, 2, 3, 4};
	struct slice slice = {bytes, sizeof(bytes)};
	uint32_t value;

	(void)state;
	assert_true(slice_u32(&slice, &value));
	assert_int_equal(value, 0x80010203);
	assert_false(slice_u32(&slice, &value));
	assert_int_equal(slice.length, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_too_short),
		cmocka_unit_test(test_vector_restores),
		cmocka_unit_test(test_varint),
		cmocka_unit_test(test_u32),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
