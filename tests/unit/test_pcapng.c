// SPDX-License-Identifier: BSD-2-Clause
/* pcapng files built here, block by block: byte orders, sections, interfaces, times, and what is
 * broken. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "build.h"
#include "source/pcapng.h"

#define SECOND_NS 1000000000ULL

enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, PACKET = 2, SIMPLE = 3, NAMES = 4, ENHANCED = 6 };
enum { ETHERNET = 1, RAW = 101, COOKED = 113 };

/* A file, the byte order it goes on in, and where its latest block begins. */
struct file {
	struct buffer bytes;
	bool little;
	size_t block;
};

static void put(struct file *file, uint64_t value, size_t width)
{
	for (size_t i = 0; i < width; i++) {
		uint8_t byte = value >> 8 * (file->little ? i : width - 1 - i);

		put_bytes(&file->bytes, &byte, 1);
	}
}

static void block_open(struct file *file, uint32_t type)
{
	file->block = file->bytes.length;
	put(file, type, 4);
	put(file, 0, 4);
}

static void block_close(struct file *file)
{
	size_t end;

	put_fill(&file->bytes, 0, -file->bytes.length & 3);
	end = file->bytes.length;
	file->bytes.length = file->block + 4;
	put(file, end + 4 - file->block, 4);
	file->bytes.length = end;
	put(file, end + 4 - file->block, 4);
}

static void put_section(struct file *file, bool little)
{
	file->little = little;
	block_open(file, SECTION);
	put(file, 0x1a2b3c4d, 4);
	put(file, 1, 2);
	put(file, 0, 2);
	put(file, UINT64_MAX, 8);
	block_close(file);
}

/* With another option before those that count, and no end of options. */
static void put_interface(struct file *file, uint16_t link, uint32_t snaplen, int resolution,
			  int64_t offset)
{
	block_open(file, INTERFACE);
	put(file, link, 2);
	put(file, 0, 2);
	put(file, snaplen, 4);
	put(file, 2, 2); /* if_name */
	put(file, 5, 2);
	put_bytes(&file->bytes, "wlan0\0\0", 8);
	if (resolution >= 0) {
		put(file, 9, 2);
		put(file, 1, 2);
		put(file, resolution, 1);
		put_fill(&file->bytes, 0, 3);
	}
	if (offset) {
		put(file, 14, 2);
		put(file, 8, 2);
		put(file, offset, 8);
	}
	block_close(file);
}

static void put_packet(struct file *file, uint32_t interface, uint64_t time, const char *bytes)
{
	block_open(file, ENHANCED);
	put(file, interface, 4);
	put(file, time >> 32, 4);
	put(file, time & UINT32_MAX, 4);
	put(file, strlen(bytes), 4);
	put(file, strlen(bytes) + 7, 4);
	put_bytes(&file->bytes, bytes, strlen(bytes));
	block_close(file);
}

static struct pcapng *open_bytes(const uint8_t *bytes, size_t length)
{
	/* fmemopen() knows no empty file. */
	FILE *stream = length ? fmemopen((void *)bytes, length, "r") : fopen("/dev/null", "r");
	struct pcapng *pcapng;

	assert_non_null(stream);
	pcapng = pcapng_new(stream);
	assert_non_null(pcapng);
	return pcapng;
}

static struct pcapng *open_file(const struct file *file)
{
	struct pcapng *pcapng = open_bytes(file->bytes.bytes, file->bytes.length);

	assert_int_equal(pcapng_begin(pcapng), 0);
	return pcapng;
}

static void expect_packet(struct pcapng *pcapng, int link, uint64_t time_ns, const char *bytes,
			  uint32_t wire)
{
	struct capture_packet packet;

	assert_int_equal(pcapng_next(pcapng, &packet), 1);
	assert_int_equal(packet.link_type, link);
	assert_int_equal(packet.time_ns, time_ns);
	assert_int_equal(packet.wire_length, wire);
	assert_int_equal(packet.bytes.length, strlen(bytes));
	assert_memory_equal(packet.bytes.bytes, bytes, strlen(bytes));
}

static void expect_end(struct pcapng *pcapng, int result)
{
	struct capture_packet packet;

	assert_int_equal(pcapng_next(pcapng, &packet), result);
	assert_int_equal(strlen(pcapng_error(pcapng)) > 0, result != 0);
	pcapng_free(pcapng);
}

/* Link types, snapshot lengths and resolutions that differ; an interface between packets. */
static void test_interfaces(void **state)
{
	struct file file = {0};
	struct pcapng *pcapng;

	(void)state;
	put_section(&file, true);
	put_interface(&file, ETHERNET, 262144, -1, 0);
	put_interface(&file, RAW, 0, 9, 0);
	put_packet(&file, 1, 1700000000 * SECOND_NS + 5, "raw");
	put_packet(&file, 0, 1700000000000007, "ether");
	block_open(&file, NAMES); /* of no interest */
	put_fill(&file.bytes, 1, 5000);
	block_close(&file);
	put_interface(&file, COOKED, 96, 3, 0);
	put_packet(&file, 2, 1700000000009, "cooked");
	put_packet(&file, 1, 1700000001 * SECOND_NS, "");
	pcapng = open_file(&file);
	expect_packet(pcapng, RAW, 1700000000 * SECOND_NS + 5, "raw", 10);
	expect_packet(pcapng, ETHERNET, 1700000000 * SECOND_NS + 7000, "ether", 12);
	expect_packet(pcapng, COOKED, 1700000000 * SECOND_NS + 9000000, "cooked", 13);
	expect_packet(pcapng, RAW, 1700000001 * SECOND_NS, "", 7);
	expect_end(pcapng, 0);
}

/* Each section has its own byte order and its own interfaces. */
static void test_sections(void **state)
{
	struct file file = {0};
	struct pcapng *pcapng;

	(void)state;
	put_section(&file, false);
	put_interface(&file, ETHERNET, 0, 6, 0);
	put_packet(&file, 0, 1, "big");
	put_section(&file, true);
	put_interface(&file, RAW, 0, 6, 0);
	put_packet(&file, 0, 2, "little");
	put_section(&file, false);
	put_packet(&file, 0, 3, "of nothing");
	pcapng = open_file(&file);
	expect_packet(pcapng, ETHERNET, 1000, "big", 10);
	expect_packet(pcapng, RAW, 2000, "little", 13);
	expect_end(pcapng, -EBADMSG);
}

static void test_times(void **state)
{
	static const struct {
		int resolution;
		int64_t offset;
		uint64_t time, ns;
	} cases[] = {
		{-1, 0, 3, 3000},
		{0, 0, 3, 3 * SECOND_NS},
		{9, 0, 3, 3},
		{12, 0, 3999, 3},
		{19, 0, 30000000000, 3},
		{0x80, 0, 3, 3 * SECOND_NS},
		{0x81, 0, 3, 3 * SECOND_NS / 2},
		{0x80 | 20, 0, 3 << 19, 3 * SECOND_NS / 2},
		{0x80 | 32, 0, 3ULL << 31, 3 * SECOND_NS / 2},
		{0x80 | 63, 0, 3ULL << 62, 3 * SECOND_NS / 2},
		{9, 2, 3, 2 * SECOND_NS + 3},
		{9, -2, 3 * SECOND_NS, SECOND_NS},
		/* What is no time is still one, and not 0. */
		{9, 0, 0, 1},
		{9, -2, 3, 1},
		{9, 0, UINT64_MAX, INT64_MAX},
		{0, 0, UINT64_MAX, INT64_MAX},
		{0x80, 0, UINT64_MAX, INT64_MAX},
		{6, INT64_MAX, 3, INT64_MAX},
		{9, 1, INT64_MAX, INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		struct file file = {0};
		struct pcapng *pcapng;

		put_section(&file, i % 2);
		put_interface(&file, ETHERNET, 0, cases[i / 2].resolution, cases[i / 2].offset);
		put_packet(&file, 0, cases[i / 2].time, "x");
		pcapng = open_file(&file);
		expect_packet(pcapng, ETHERNET, cases[i / 2].ns, "x", 8);
		expect_end(pcapng, 0);
	}
}

/* The two older kinds of packet: one has no time, the other numbers interfaces with 16 bits. */
static void test_old_packets(void **state)
{
	struct file file = {0};
	struct pcapng *pcapng;

	(void)state;
	put_section(&file, true);
	put_interface(&file, ETHERNET, 4, 9, 0);
	block_open(&file, SIMPLE);
	put(&file, 3, 4);
	put_bytes(&file.bytes, "one", 3);
	block_close(&file);
	block_open(&file, PACKET);
	put(&file, 0, 2);
	put(&file, 9, 2);
	put(&file, 0, 4);
	put(&file, 77, 4);
	put(&file, 3, 4);
	put(&file, 30, 4);
	put_bytes(&file.bytes, "two", 3);
	block_close(&file);
	block_open(&file, SIMPLE);
	put(&file, 5, 4);
	put_bytes(&file.bytes, "five", 4);
	block_close(&file);
	pcapng = open_file(&file);
	expect_packet(pcapng, ETHERNET, 1, "one", 3);
	expect_packet(pcapng, ETHERNET, 77, "two", 30);
	expect_packet(pcapng, ETHERNET, 77, "five", 5);
	expect_end(pcapng, 0);
}

/* Cut at every byte: whole blocks are read, and what is cut off is said. */
static void test_cut(void **state)
{
	struct file file = {0};
	size_t edges[4];

	(void)state;
	put_section(&file, true);
	edges[0] = file.bytes.length;
	put_interface(&file, ETHERNET, 0, 9, 0);
	edges[1] = file.bytes.length;
	put_packet(&file, 0, 5, "first");
	edges[2] = file.bytes.length;
	put_packet(&file, 0, 6, "second");
	edges[3] = file.bytes.length;
	for (size_t length = 0; length <= file.bytes.length; length++) {
		struct slice cut = exact_copy((struct slice){file.bytes.bytes, length});
		struct pcapng *pcapng = open_bytes(cut.bytes, cut.length);

		if (length < edges[0]) {
			assert_int_equal(pcapng_begin(pcapng), -EBADMSG);
			pcapng_free(pcapng);
		} else {
			assert_int_equal(pcapng_begin(pcapng), 0);
			if (length >= edges[2])
				expect_packet(pcapng, ETHERNET, 5, "first", 12);
			if (length >= edges[3])
				expect_packet(pcapng, ETHERNET, 6, "second", 13);
			expect_end(pcapng, length == edges[0] || length == edges[1] ||
							   length == edges[2] || length == edges[3]
						   ? 0
						   : -EBADMSG);
		}
		free((void *)cut.bytes);
	}
}

/* One number of a file is replaced: its offset, and its new value. */
static void test_broken(void **state)
{
	enum { SECTION_AT = 0, INTERFACE_AT = 28, PACKET_AT = 68, END = 108 };
	static const struct {
		size_t at;
		uint32_t value;
		const char *said;
		bool at_begin;
	} cases[] = {
		{SECTION_AT, INTERFACE, "the block at byte 0 is no section header", true},
		{SECTION_AT + 8, 0x1a2b3c4e,
		 "the block at byte 0 is a section header of no byte order", true},
		{SECTION_AT + 12, 2, "the block at byte 0 begins a section of version 2", true},
		{SECTION_AT + 4, 8, "the block at byte 0 has a length of 8", true},
		{INTERFACE_AT + 4, 41, "the block at byte 28 has a length of 41", false},
		{INTERFACE_AT + 36, 44, "the block at byte 28 does not end with its length", false},
		{PACKET_AT + 4, 0xfffffffc, "the block at byte 68 has a length of 4294967292",
		 false},
		{PACKET_AT + 8, 1, "the block at byte 68 is of interface 1, which is not described",
		 false},
		{PACKET_AT + 20, 9, "the block at byte 68 has no room for its packet", false},
		{PACKET_AT + 20, 0xffffffff, "the block at byte 68 has no room for its packet",
		 false},
	};
	struct file file = {0};

	(void)state;
	put_section(&file, true);
	put_interface(&file, ETHERNET, 0, 9, 0);
	assert_int_equal(file.bytes.length, PACKET_AT);
	put_packet(&file, 0, 5, "packet");
	assert_int_equal(file.bytes.length, END);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct file changed = file;
		struct capture_packet packet;
		struct pcapng *pcapng;

		changed.bytes.length = cases[i].at;
		put(&changed, cases[i].value, 4);
		pcapng = open_bytes(changed.bytes.bytes, file.bytes.length);
		assert_int_equal(pcapng_begin(pcapng), cases[i].at_begin ? -EBADMSG : 0);
		if (!cases[i].at_begin)
			assert_int_equal(pcapng_next(pcapng, &packet), -EBADMSG);
		assert_string_equal(pcapng_error(pcapng), cases[i].said);
		pcapng_free(pcapng);
	}
}

/* Blocks too short for what they are, and times finer or coarser than can be said. */
static void test_short(void **state)
{
	static const uint32_t types[] = {INTERFACE, PACKET, SIMPLE, ENHANCED, SECTION};
	static const int resolutions[] = {20, 0x7f, 0x80 | 64, 0xff};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct file file = {0};

		put_section(&file, true);
		put_interface(&file, ETHERNET, 0, 9, 0);
		block_open(&file, types[i]);
		if (types[i] == SECTION)
			put(&file, 0x1a2b3c4d, 4);
		block_close(&file);
		expect_end(open_file(&file), -EBADMSG);
	}
	for (size_t i = 0; i < ARRAY_SIZE(resolutions); i++) {
		struct file file = {0};

		put_section(&file, true);
		put_interface(&file, ETHERNET, 0, resolutions[i], 0);
		expect_end(open_file(&file), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interfaces), cmocka_unit_test(test_sections),
		cmocka_unit_test(test_times),	   cmocka_unit_test(test_old_packets),
		cmocka_unit_test(test_cut),	   cmocka_unit_test(test_broken),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
