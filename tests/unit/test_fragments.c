// SPDX-License-Identifier: BSD-2-Clause
/* Datagrams from their fragments: any order, repeated, overlapping, lost, too many. */
#include <stdlib.h>

#include "build.h"
#include "source/fragments.h"

#define SECOND_NS 1000000000ULL

struct fixture {
	struct fragments *fragments;
	struct slice whole;
	uint8_t protocol;
	uint64_t time_ns;
	uint32_t identification;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->fragments = fragments_new();
	assert_non_null(fixture->fragments);
	fixture->time_ns = SECOND_NS;
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	fragments_free(fixture->fragments);
	free(fixture);
	return 0;
}

/* Bytes [from, to) of a datagram whose byte n is n + mark; the copy has not one byte to spare. */
static bool add(struct fixture *fixture, size_t from, size_t to, bool more, uint8_t mark)
{
	struct fragment fragment = {
		.key = {.identification = fixture->identification, .protocol = 17},
		.offset = from,
		.more = more,
		.protocol = from ? 99 : 17, /* the first fragment's counts */
	};
	uint8_t *bytes = malloc(to - from);
	bool done;
	size_t i;

	assert_non_null(bytes);
	for (i = from; i < to; i++)
		bytes[i - from] = (uint8_t)(i + mark);
	fragment.bytes = (struct slice){bytes, to - from};
	done = fragments_add(fixture->fragments, &fragment, fixture->time_ns, &fixture->whole,
			     &fixture->protocol);
	free(bytes);
	return done;
}

static void assert_whole(const struct fixture *fixture, size_t length)
{
	size_t i;

	assert_int_equal(fixture->whole.length, length);
	assert_int_equal(fixture->protocol, 17);
	for (i = 0; i < length; i++)
		assert_int_equal(fixture->whole.bytes[i], (uint8_t)i);
}

static void test_in_order(void **state)
{
	struct fixture *fixture = *state;

	assert_false(add(fixture, 0, 16, true, 0));
	assert_false(add(fixture, 16, 32, true, 0));
	assert_true(add(fixture, 32, 37, false, 0));
	assert_whole(fixture, 37);
}

static void test_any_order(void **state)
{
	static const size_t orders[][3] = {{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	static const size_t edges[] = {0, 8, 24, 31};
	struct fixture *fixture = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		const size_t *order = orders[i];

		fixture->identification = i;
		assert_false(add(fixture, edges[order[0]], edges[order[0] + 1], order[0] < 2, 0));
		assert_false(add(fixture, edges[order[1]], edges[order[1] + 1], order[1] < 2, 0));
		assert_true(add(fixture, edges[order[2]], edges[order[2] + 1], order[2] < 2, 0));
		assert_whole(fixture, 31);
	}
}

/* What repeats others changes nothing, whatever it says. */
static void test_repeated(void **state)
{
	struct fixture *fixture = *state;

	assert_false(add(fixture, 0, 16, true, 0));
	assert_false(add(fixture, 0, 16, true, 7));
	assert_false(add(fixture, 8, 16, true, 7));
	assert_true(add(fixture, 16, 20, false, 0));
	assert_whole(fixture, 20);
}

/* RFC 5722: what overlaps makes all of it void. */
static void test_overlapping(void **state)
{
	struct fixture *fixture = *state;

	assert_false(add(fixture, 0, 16, true, 0));
	assert_false(add(fixture, 8, 24, true, 0));
	assert_false(add(fixture, 16, 24, true, 0));
	assert_false(add(fixture, 24, 30, false, 0));
}

static void test_behind_the_end(void **state)
{
	struct fixture *fixture = *state;

	assert_false(add(fixture, 16, 20, false, 0));
	assert_false(add(fixture, 24, 32, true, 0));
	assert_false(add(fixture, 0, 16, true, 0));
	fixture->identification++;
	assert_false(add(fixture, 24, 32, true, 0));
	assert_false(add(fixture, 16, 20, false, 0));
	assert_false(add(fixture, 0, 16, true, 0));
}

static void test_impossible(void **state)
{
	struct fixture *fixture = *state;

	assert_false(add(fixture, 0, 9, true, 0));	    /* not the last, and no multiple of 8 */
	assert_false(add(fixture, 65528, 65540, false, 0)); /* beyond what IP can carry */
	assert_true(add(fixture, 0, 8, false, 0));	    /* nothing of that was kept */
}

static void test_largest(void **state)
{
	struct fixture *fixture = *state;

	assert_false(add(fixture, 0, 32768, true, 0));
	assert_false(add(fixture, 32768, 65528, true, 0));
	assert_true(add(fixture, 65528, 65535, false, 0));
	assert_whole(fixture, 65535);
}

/* An identification is used again: what is left of its last use does not count. */
static void test_expiry(void **state)
{
	struct fixture *fixture = *state;

	assert_false(add(fixture, 0, 16, true, 7));
	fixture->time_ns += 61 * SECOND_NS;
	assert_false(add(fixture, 16, 20, false, 0));
	assert_true(add(fixture, 0, 16, true, 0));
	assert_whole(fixture, 20);
}

static void test_too_many(void **state)
{
	struct fixture *fixture = *state;
	uint32_t i;

	for (i = 0; i <= FRAGMENTS_DATAGRAMS_MAX; i++) {
		fixture->identification = i;
		fixture->time_ns++;
		assert_false(add(fixture, 0, 8, true, 0));
	}
	/* The first made room for the last. */
	assert_true(add(fixture, 8, 9, false, 0));
	fixture->identification = 0;
	assert_false(add(fixture, 8, 9, false, 0));
	fixture->identification = 2;
	assert_true(add(fixture, 8, 9, false, 0));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_in_order),	TEST(test_any_order),	   TEST(test_repeated),
		TEST(test_overlapping), TEST(test_behind_the_end), TEST(test_impossible),
		TEST(test_largest),	TEST(test_expiry),	   TEST(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
