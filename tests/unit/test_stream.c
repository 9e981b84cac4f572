/* SPDX-License-Identifier: BSD-2-Clause */
#include "build.h"

#include <errno.h>
#include <stdlib.h>

#include "flow/stream.h"

#define TEXT	    "abcdefghijklmnopqrstuvwxyz"
#define TEXT_LENGTH 26

/* Add [from, to) of the text at its own position. */
static void add(struct stream *stream, size_t from, size_t to, uint64_t time_ns)
{
	const uint8_t *text = (const uint8_t *)TEXT;

	assert_int_equal(stream_add(stream, from, text + from, to - from, time_ns), 0);
}

static void add_seen(struct stream *stream, size_t from, size_t to)
{
	assert_int_equal(stream_add(stream, from, NULL, to - from, 1), 0);
}

/* [from, to) reads as the text. */
static void assert_text(const struct stream *stream, size_t from, size_t to)
{
	uint8_t got[TEXT_LENGTH];

	assert_int_equal(stream_read(stream, from, to - from, got, NULL), STREAM_HAVE);
	assert_memory_equal(got, TEXT + from, to - from);
}

static void assert_status(const struct stream *stream, size_t from, size_t to,
			  enum stream_status expected)
{
	uint8_t got[TEXT_LENGTH];

	assert_int_equal(stream_read(stream, from, to - from, got, NULL), expected);
	assert_int_equal(stream_read(stream, from, to - from, NULL, NULL), expected);
}

/* Pieces are sorted, do not overlap, are not empty, and the sum of held bytes is right. */
static void assert_sound(const struct stream *stream)
{
	uint64_t end = 0;
	size_t bytes = 0, i;

	for (i = 0; i < stream->count; i++) {
		const struct stream_piece *piece = &stream->pieces[i];

		assert_true(piece->start >= end);
		assert_true(piece->length > 0);
		end = piece->start + piece->length;
		if (piece->bytes)
			bytes += piece->length;
	}
	assert_int_equal(stream->bytes, bytes);
}

static void test_order(void **state)
{
	struct stream stream = {0};

	(void)state;
	assert_status(&stream, 0, 1, STREAM_WAIT);
	add(&stream, 0, 10, 1);
	assert_status(&stream, 0, 11, STREAM_WAIT);
	add(&stream, 10, TEXT_LENGTH, 2);
	assert_text(&stream, 0, TEXT_LENGTH);
	assert_text(&stream, 7, 13);
	assert_status(&stream, 0, 0, STREAM_HAVE);
	assert_sound(&stream);
	stream_free(&stream);
}

static void test_hole(void **state)
{
	struct stream stream = {0};

	(void)state;
	add(&stream, 20, TEXT_LENGTH, 1);
	add(&stream, 0, 5, 2);
	assert_status(&stream, 0, 6, STREAM_WAIT);
	assert_text(&stream, 20, TEXT_LENGTH);
	assert_int_equal(stream_known_from(&stream, 0), 0);
	assert_int_equal(stream_known_from(&stream, 5), 20);
	assert_int_equal(stream_known_from(&stream, 23), 23);
	assert_int_equal(stream_known_from(&stream, TEXT_LENGTH), UINT64_MAX);
	add(&stream, 5, 20, 3);
	assert_text(&stream, 0, TEXT_LENGTH);
	assert_sound(&stream);
	stream_free(&stream);
}

/* What came first is kept: an overlap with other bytes and a later time changes nothing. */
static void test_overlap(void **state)
{
	static const uint8_t other[TEXT_LENGTH] = {0};
	struct stream stream = {0};
	uint64_t time_ns = 0;

	(void)state;
	add(&stream, 4, 8, 1);
	add(&stream, 12, 16, 2);
	add(&stream, 6, 14, 3);
	assert_text(&stream, 4, 16);
	assert_int_equal(stream_add(&stream, 4, other, 12, 4), 0);
	assert_int_equal(stream_add(&stream, 5, other, 1, 4), 0);
	assert_text(&stream, 4, 16);
	add(&stream, 0, TEXT_LENGTH, 5);
	assert_text(&stream, 0, TEXT_LENGTH);
	assert_int_equal(stream_read(&stream, 9, 10, NULL, &time_ns), STREAM_HAVE);
	assert_int_equal(time_ns, 3);
	assert_int_equal(stream.bytes, TEXT_LENGTH);
	assert_sound(&stream);
	stream_free(&stream);
}

static void test_retransmission(void **state)
{
	struct stream stream = {0};
	uint64_t time_ns = 0;

	(void)state;
	add(&stream, 0, 10, 1);
	add(&stream, 0, 10, 2);
	assert_int_equal(stream.count, 1);
	assert_int_equal(stream_read(&stream, 0, 10, NULL, &time_ns), STREAM_HAVE);
	assert_int_equal(time_ns, 1);
	assert_int_equal(stream.bytes, 10);
	stream_free(&stream);
}

/* Every way to give a text of five pieces in another order, byte for byte the same. */
static void test_permutations(void **state)
{
	static const size_t cuts[] = {0, 1, 7, 8, 19, TEXT_LENGTH};
	unsigned int number;

	(void)state;
	for (number = 0; number < 5 * 4 * 3 * 2; number++) {
		struct stream stream = {0};
		size_t left[] = {0, 1, 2, 3, 4}, count;
		unsigned int code = number;

		for (count = 5; count; count--) {
			size_t pick = code % count, at = left[pick];

			code /= count;
			left[pick] = left[count - 1];
			add(&stream, cuts[at], cuts[at + 1], number);
			assert_sound(&stream);
		}
		assert_text(&stream, 0, TEXT_LENGTH);
		stream_free(&stream);
	}
}

static void test_elided(void **state)
{
	struct stream stream = {0};

	(void)state;
	add(&stream, 0, 5, 1);
	add_seen(&stream, 5, 20);
	assert_status(&stream, 0, 20, STREAM_ELIDED);
	assert_status(&stream, 5, 20, STREAM_ELIDED);
	assert_status(&stream, 0, 21, STREAM_WAIT);
	assert_text(&stream, 0, 5);
	assert_int_equal(stream_known_from(&stream, 5), UINT64_MAX);
	add(&stream, 20, TEXT_LENGTH, 2);
	assert_status(&stream, 4, 21, STREAM_ELIDED);
	assert_int_equal(stream_known_from(&stream, 5), 20);
	assert_int_equal(stream.bytes, 11);
	/* Seen once more, but not copied: known bytes stay. */
	add_seen(&stream, 0, TEXT_LENGTH);
	assert_text(&stream, 0, 5);
	assert_sound(&stream);
	stream_free(&stream);
}

/* Bytes take the place of what was only seen: inside, at both ends, across. */
static void test_elided_filled(void **state)
{
	static const struct {
		size_t from, to;
	} parts[] = {
		{10, 12}, {0, 3}, {23, TEXT_LENGTH}, {2, 11}, {0, TEXT_LENGTH},
	};
	struct stream stream = {0};
	size_t i;

	(void)state;
	add_seen(&stream, 0, TEXT_LENGTH);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		add(&stream, parts[i].from, parts[i].to, i);
		assert_text(&stream, parts[i].from, parts[i].to);
		assert_sound(&stream);
	}
	assert_text(&stream, 0, TEXT_LENGTH);
	assert_int_equal(stream.bytes, TEXT_LENGTH);
	stream_free(&stream);
}

static void test_discard(void **state)
{
	struct stream stream = {0};

	(void)state;
	add(&stream, 0, 10, 1);
	add_seen(&stream, 10, 20);
	add(&stream, 20, TEXT_LENGTH, 2);
	stream_discard(&stream, 4);
	assert_status(&stream, 3, 5, STREAM_WAIT);
	assert_text(&stream, 4, 10);
	assert_int_equal(stream.bytes, 12);
	stream_discard(&stream, 15);
	assert_status(&stream, 15, 20, STREAM_ELIDED);
	assert_int_equal(stream.bytes, 6);
	stream_discard(&stream, 22);
	assert_text(&stream, 22, TEXT_LENGTH);
	assert_sound(&stream);
	stream_discard(&stream, 1000);
	assert_int_equal(stream.count, 0);
	assert_int_equal(stream.bytes, 0);
	stream_discard(&stream, 2000);
	stream_free(&stream);
}

static void test_sequence_wrap(void **state)
{
	struct stream stream = {.base = 0xfffffff0, .has_base = true};

	(void)state;
	assert_int_equal(stream_position(&stream, 0xfffffff0), 0);
	assert_int_equal(stream_position(&stream, 0xffffffff), 15);
	assert_int_equal(stream_position(&stream, 0), 16);
	assert_int_equal(stream_position(&stream, 100), 116);
	assert_int_equal(stream_position(&stream, 0xffffffef), -1);
	assert_int_equal(stream_position(&stream, 0xfffffff0 + 0x7fffffff), 0x7fffffff);
	stream.base = 5;
	assert_int_equal(stream_position(&stream, 0xffffffff), -6);
}

static void test_bytes_cap(void **state)
{
	uint8_t *bytes = calloc(1, STREAM_BYTES_MAX + 1);
	struct stream stream = {0};

	(void)state;
	assert_non_null(bytes);
	assert_int_equal(stream_add(&stream, 0, bytes, STREAM_BYTES_MAX, 1), 0);
	assert_false(stream.full);
	assert_int_equal(stream_add(&stream, STREAM_BYTES_MAX, bytes, 1, 1), -ENOSPC);
	assert_true(stream.full);
	assert_int_equal(stream.bytes, STREAM_BYTES_MAX);
	/* What is known already, or not copied, costs nothing. */
	assert_int_equal(stream_add(&stream, 0, bytes, STREAM_BYTES_MAX, 1), 0);
	assert_int_equal(stream_add(&stream, STREAM_BYTES_MAX, NULL, 1 << 20, 1), 0);
	stream_discard(&stream, STREAM_BYTES_MAX);
	assert_int_equal(stream_add(&stream, STREAM_BYTES_MAX, bytes, 1, 1), 0);
	assert_sound(&stream);
	stream_free(&stream);
	assert_int_equal(stream_add(&stream, 0, bytes, STREAM_BYTES_MAX + 1, 1), -ENOSPC);
	assert_int_equal(stream.count, 0);
	stream_free(&stream);
	free(bytes);
}

static void test_pieces_cap(void **state)
{
	struct stream stream = {0};
	size_t i;

	(void)state;
	for (i = 0; i < STREAM_PIECES_MAX; i++)
		assert_int_equal(stream_add(&stream, 2 * i, (const uint8_t *)"x", 1, i), 0);
	assert_int_equal(stream_add(&stream, 2 * i, (const uint8_t *)"x", 1, i), -ENOSPC);
	assert_true(stream.full);
	assert_int_equal(stream.count, STREAM_PIECES_MAX);
	assert_sound(&stream);
	stream_free(&stream);
}

/* Pieces are handed out one by one, from within one too, up to a hole. */
static void test_run(void **state)
{
	struct stream stream = {0};
	struct slice bytes;
	uint64_t time_ns;

	(void)state;
	assert_false(stream_run(&stream, 0, &bytes, &time_ns));
	assert_int_equal(stream_add(&stream, 3, (const uint8_t *)"def", 3, 7), 0);
	assert_false(stream_run(&stream, 0, &bytes, &time_ns));
	assert_int_equal(stream_add(&stream, 0, (const uint8_t *)"abc", 3, 8), 0);
	assert_int_equal(stream_add(&stream, 6, NULL, 3, 9), 0);
	assert_true(stream_run(&stream, 1, &bytes, &time_ns));
	assert_int_equal(bytes.length, 2);
	assert_memory_equal(bytes.bytes, "bc", 2);
	assert_int_equal(time_ns, 8);
	assert_true(stream_run(&stream, 3, &bytes, &time_ns));
	assert_memory_equal(bytes.bytes, "def", 3);
	assert_int_equal(time_ns, 7);
	assert_false(stream_run(&stream, 6, &bytes, &time_ns));
	stream_free(&stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),	      cmocka_unit_test(test_hole),
		cmocka_unit_test(test_overlap),	      cmocka_unit_test(test_retransmission),
		cmocka_unit_test(test_permutations),  cmocka_unit_test(test_elided),
		cmocka_unit_test(test_elided_filled), cmocka_unit_test(test_discard),
		cmocka_unit_test(test_sequence_wrap), cmocka_unit_test(test_bytes_cap),
		cmocka_unit_test(test_pieces_cap),    cmocka_unit_test(test_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
