/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "histogram.h"

#define COUNT		  20000
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static double uniform(void)
{
	return (rand() + 1.0) / (RAND_MAX + 2.0);
}

/* Distributions as latencies have them, and as they never have. */
static uint64_t draw_uniform(void)
{
	return (uint64_t)(uniform() * 1e9);
}

static uint64_t draw_exponential(void)
{
	return (uint64_t)(-log(uniform()) * 2e6);
}

static uint64_t draw_lognormal(void)
{
	double normal = sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());

	return (uint64_t)exp(14 + 2 * normal);
}

/* Two humps: most are resumed, some wait for a timer. */
static uint64_t draw_bimodal(void)
{
	return (uint64_t)((uniform() < 0.9 ? 3e5 : 2e8) * (1 + uniform() / 10));
}

static uint64_t draw_pareto(void)
{
	return (uint64_t)fmin(1e4 / pow(uniform(), 2), 1e18);
}

static uint64_t draw_small(void)
{
	return (uint64_t)(rand() % 200);
}

static uint64_t draw_any(void)
{
	return ((uint64_t)rand() << 33 ^ (uint64_t)rand() << 11) >> rand() % 64;
}

static uint64_t draw_same(void)
{
	return 123456789;
}

/* The least of sorted values that has the share of them at or below it. */
static uint64_t exact_quantile(const uint64_t *sorted, size_t count, unsigned int per_mille)
{
	size_t rank = (count * per_mille + 999) / 1000;

	return sorted[rank ? rank - 1 : 0];
}

static void assert_quantiles(const struct histogram *histogram, uint64_t *values, size_t count)
{
	static const unsigned int per_milles[] = {0, 1, 100, 250, 500, 900, 950, 990, 999, 1000};

	qsort(values, count, sizeof(*values), compare);
	for (size_t i = 0; i < ARRAY_SIZE(per_milles); i++) {
		uint64_t exact = exact_quantile(values, count, per_milles[i]);
		uint64_t got = histogram_quantile(histogram, per_milles[i]);
		uint64_t difference = got > exact ? got - exact : exact - got;

		if (difference > exact / 100)
			fail_msg("%u per mille of %zu: %llu, not %llu", per_milles[i], count,
				 (unsigned long long)got, (unsigned long long)exact);
	}
}

static void test_distributions(void **state)
{
	static uint64_t (*const draws[])(void) = {draw_uniform, draw_exponential, draw_lognormal,
						  draw_bimodal, draw_pareto,	  draw_small,
						  draw_any,	draw_same};
	static const size_t counts[] = {1, 2, 3, 10, 999, COUNT};
	static uint64_t values[COUNT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(draws); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(counts); j++) {
			struct histogram histogram = {};

			for (size_t k = 0; k < counts[j]; k++) {
				values[k] = draws[i]();
				assert_true(histogram_add(&histogram, values[k]) >= 0);
			}
			assert_int_equal(histogram.count, counts[j]);
			assert_quantiles(&histogram, values, counts[j]);
			histogram_clear(&histogram);
		}
	}
}

/* Only what holds something takes memory, however far apart it lies. */
static void test_sparse(void **state)
{
	struct histogram histogram = {};
	int made = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		made += histogram_add(&histogram, i % 2 ? UINT64_MAX : 0);
	assert_int_equal(made, 2);
	assert_int_equal(histogram.used, 2);
	assert_true(histogram.room <= 4);
	assert_int_equal(histogram_quantile(&histogram, 500), 0);
	assert_true(histogram_quantile(&histogram, 501) > UINT64_MAX / 100 * 99);
	histogram_clear(&histogram);
}

/* No values take more than all buckets. */
static void test_bound(void **state)
{
	struct histogram histogram = {};
	size_t made = 0;

	(void)state;
	for (unsigned int bit = 0; bit < 64; bit++) {
		for (uint64_t i = 0; i < 256; i++)
			made += (size_t)histogram_add(&histogram, (UINT64_C(1) << bit) / 64 * i);
	}
	assert_int_equal(made, histogram.used);
	assert_true(histogram.used <= 59 * 64);
	for (size_t i = 1; i < histogram.used; i++)
		assert_true(histogram.buckets[i - 1].index < histogram.buckets[i].index);
	histogram_clear(&histogram);
}

static void test_empty(void **state)
{
	struct histogram histogram = {};

	(void)state;
	assert_int_equal(histogram_quantile(&histogram, 500), 0);
	histogram_clear(&histogram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distributions),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
