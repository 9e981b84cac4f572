// SPDX-License-Identifier: BSD-2-Clause
#include "follow.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

static int set_add(int map, uint32_t pid)
{
	uint32_t value = 1;

	return bpf_map_update_elem(map, &pid, &value, BPF_ANY);
}

static bool set_has(int map, uint32_t pid)
{
	uint32_t value;

	return bpf_map_lookup_elem(map, &pid, &value) == 0;
}

/* 0 if it is gone. The fourth field of proc_pid_stat(5); the second may hold any bytes but ')'
 * last. */
static uint32_t process_parent(const char *pid)
{
	char path[300], line[512], *end;
	uint32_t parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fgets(line, sizeof(line), file)) {
		end = strrchr(line, ')');
		if (!end || sscanf(end + 1, " %*c %u", &parent) != 1)
			parent = 0;
	}
	fclose(file);
	return parent;
}

/* Children of members become members. Returns how many, or negative errno. */
static int children_add(int map, DIR *processes)
{
	struct dirent *entry;
	int added = 0, error;
	uint32_t pid;

	rewinddir(processes);
	while ((entry = readdir(processes))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		pid = strtoul(entry->d_name, NULL, 10);
		if (set_has(map, pid) || !set_has(map, process_parent(entry->d_name)))
			continue;
		error = set_add(map, pid);
		if (error)
			return error;
		added++;
	}
	return added;
}

int follow_process(int map, uint32_t pid)
{
	int result = set_add(map, pid);
	DIR *processes;

	if (result)
		return result;
	processes = opendir("/proc");
	if (!processes)
		return -errno;
	do {
		result = children_add(map, processes);
	} while (result > 0);
	closedir(processes);
	return result;
}

bool follow_any(int map)
{
	uint32_t first;

	return bpf_map_get_next_key(map, NULL, &first) == 0;
}
