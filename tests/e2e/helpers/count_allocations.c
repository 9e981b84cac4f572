/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded: replaces malloc by glibc's own under another name, and prints the number of
 * allocations on stderr at the end.
 */
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static unsigned long allocations;

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	allocations++;
	return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
	allocations++;
	return __libc_realloc(block, size);
}

__attribute__((destructor)) static void report(void)
{
	fprintf(stderr, "allocations: %lu\n", allocations);
}
