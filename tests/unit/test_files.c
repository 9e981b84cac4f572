// SPDX-License-Identifier: BSD-2-Clause
/* Files of other programs: of any length, and of any kind. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/openat2.h>

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
		size_t length;
		bool is_read;
	} samples[] = {
		{0, true},	 {1, true},	   {4094, true},    {4095, true},
		{4096, true},	 {8191, true},	   {131072, true},  {262143, true},
		{262144, true},	 {262145, false},  {300000, false}, {524287, false},
		{524288, false}, {1000000, false},
	};
	int at = open(directory, O_PATH | O_DIRECTORY);
	size_t i, length;
	char *text;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		file_write("file", samples[i].length);
		text = file_read(FILES_OF_USER, at, "file", &length);
		assert_int_equal(text != NULL, samples[i].is_read);
		if (text) {
			assert_int_equal(length, samples[i].length);
			assert_int_equal(strlen(text), length);
		}
		free(text);
	}
	close(at);
}

/* Of a file of /proc the first bytes, however long it is. */
static void test_process_files(void **state)
{
	static const size_t limits[] = {1, 10, 4094, 4095, 4096, 4097, 8192, 1 << 20};
	size_t i, length, whole;
	char *text = process_file_read((uint32_t)getpid(), "smaps", 1 << 24, &whole);

	(void)state;
	assert_non_null(text);
	assert_true(whole > 8192);
	free(text);
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		text = process_file_read((uint32_t)getpid(), "smaps", limits[i], &length);
		assert_non_null(text);
		if (limits[i] <= 8192)
			assert_int_equal(length, limits[i]);
		assert_int_equal(text[length], 0);
		free(text);
	}
	assert_null(process_file_read(0, "stat", 10, &length));
}

static bool was_opened(int watch)
{
	char events[4096];

	return read(watch, events, sizeof(events)) > 0;
}

/* What is no file is not opened, for that may already have an effect. */
static void test_kinds(void **state)
{
	static const struct {
		const char *name, *target; /* NULL: a FIFO */
		bool opens;
	} samples[] = {
		{"fifo", NULL, false},
		{"terminal", "/dev/ptmx", false},
		{"null", "/dev/null", false},
		{"proc", "/proc/version", false},
		{"kmsg", "/proc/kmsg", false},
		{"directory", "/tmp", false},
		{"nowhere", "nowhere", false},
		{"link", "plain", true},
		{"sys", "/sys/kernel/mm", false},
		{"fd", "/proc/self/fd/0", false},
	};
	int at = open(directory, O_PATH | O_DIRECTORY), watch = inotify_init1(IN_NONBLOCK), fd;
	char path[64];
	size_t i;

	(void)state;
	file_write("plain", 10);
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, samples[i].name);
		if (samples[i].target)
			assert_int_equal(symlink(samples[i].target, path), 0);
		else
			assert_int_equal(mkfifo(path, 0600), 0);
		/* The others may be opened by anybody at any time. */
		if (!samples[i].target || samples[i].opens)
			inotify_add_watch(watch, path, IN_OPEN);
		fd = file_open_regular(at, samples[i].name, 0);
		assert_int_equal(fd >= 0, samples[i].opens);
		assert_int_equal(was_opened(watch), samples[i].opens);
		if (fd >= 0)
			close(fd);
		if (!samples[i].target)
			continue;
		/* Runtimes' own files are no links at all. */
		fd = file_open_regular(at, samples[i].name, RESOLVE_NO_SYMLINKS);
		assert_true(fd < 0);
	}
	close(watch);
	close(at);
}

/* A path of root's is made of what only root can have put there; these are a user's in part. */
static void test_of_root(void **state)
{
	static const struct {
		const char *path;
		bool opens;
	} samples[] = {
		{"roots/inner", true},	  {"roots/../roots/inner/", true},
		{"relative/inner", true}, {"absolute/inner", true},
		{"users/inner", false},	  {"tolink/inner", false},
		{"open/inner", false},	  {"sticky/inner", true},
		{"sticky/users", false},  {"group/inner", false},
		{"loop/inner", false},	  {"userlink/inner", false},
		{"roots/none", false},
	};
	int at = open(directory, O_PATH | O_DIRECTORY), fd;
	char path[128];
	size_t i;

	(void)state;
	if (geteuid())
		skip();
	snprintf(path, sizeof(path),
		 "cd %s && mkdir -p roots/inner users/inner open/inner sticky/inner sticky/users "
		 "group/inner",
		 directory);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s/roots", directory);
	assert_int_equal(chdir(directory) || symlink("roots", "relative") ||
				 symlink("/roots", "absolute") || symlink("users", "tolink") ||
				 symlink("loop", "loop") || symlink("roots", "userlink") ||
				 lchown("userlink", 1234, 1234) || chown("users", 1234, 1234) ||
				 chmod("open", 0777) || chmod("sticky", 01777) ||
				 chown("sticky/users", 1234, 1234) || chown("group", 0, 1234) ||
				 chmod("group", 0775),
			 0);
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		fd = path_open(FILES_OF_ROOT, at, samples[i].path);
		assert_int_equal(fd >= 0, samples[i].opens);
		if (fd >= 0)
			close(fd);
	}
	close(at);
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
		cmocka_unit_test(test_process_files),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_of_root),
	};

	return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
