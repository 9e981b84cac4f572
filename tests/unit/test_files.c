// SPDX-License-Identifier: BSD-2-Clause
/* Files of other programs: of any length, and of any kind. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "build.h"
#include "who/files.h"

static char directory[] = "/tmp/tlstrace-files-XXXXXX";

static void file_write(const char *name, size_t length)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	while (length--)
		fputc('x', file);
	assert_int_equal(fclose(file), 0);
}

/* Lengths around the limit and around the sizes of the buffer, which doubles. */
static void test_lengths(void **state)
{
	static const struct {
		size_t length, max;
		bool read;
	} samples[] = {
		{0, 10, true},	     {10, 10, true},	    {11, 10, false},
		{4095, 10, false},   {4096, 10, false},	    {4096, 4096, true},
		{4097, 4096, false}, {5000, 4096, false},   {8191, 8191, true},
		{8191, 8190, false}, {70000, 65536, false}, {65536, 65536, true},
	};
	size_t i, length;
	char *text;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		file_write("file", samples[i].length);
		text = file_read(directory, "file", samples[i].max, &length);
		assert_int_equal(text != NULL, samples[i].read);
		if (text) {
			assert_int_equal(length, samples[i].length);
			assert_int_equal(strlen(text), length);
		}
		free(text);
	}
}

static int directory_make(void **state)
{
	(void)state;
	alarm(60); /* reading must end */
	return mkdtemp(directory) ? 0 : -1;
}

static int directory_remove(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
