// SPDX-License-Identifier: BSD-2-Clause
#include "source/privileges.h"

#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF	    39
#endif

static const struct {
	unsigned int number;
	const char *name;
	bool in_admin; /* CAP_SYS_ADMIN includes it */
} needed[] = {
	{CAP_BPF, "CAP_BPF", true},
	{CAP_PERFMON, "CAP_PERFMON", true},
	{CAP_NET_ADMIN, "CAP_NET_ADMIN", false},
};

#define NEEDED_COUNT (sizeof(needed) / sizeof(needed[0]))

/* A bit for each of needed[]. */
static unsigned int privileges_missing(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
	unsigned int missing = 0, i;
	uint64_t held;
	bool admin;

	if (syscall(SYS_capget, &header, data))
		return 0; /* the kernel will tell */
	held = data[0].effective | (uint64_t)data[1].effective << 32;
	admin = held & 1ULL << CAP_SYS_ADMIN;
	for (i = 0; i < NEEDED_COUNT; i++)
		if (!(held & 1ULL << needed[i].number) && !(admin && needed[i].in_admin))
			missing |= 1U << i;
	return missing;
}

bool privileges_held(void)
{
	return !privileges_missing();
}

static void missing_explain(unsigned int missing)
{
	char names[64] = "", options[96] = "";
	unsigned int i;

	for (i = 0; i < NEEDED_COUNT; i++) {
		if (!(missing & 1U << i))
			continue;
		strcat(strcat(names, *names ? ", " : ""), needed[i].name);
		strcat(strcat(options, " --cap-add "), needed[i].name + strlen("CAP_"));
	}
	if (geteuid() == 0)
		log_error("tracing needs %s, which root does not have here; in a container, start "
			  "it with%s",
			  names, options);
	else
		log_error("tracing needs %s; run it as root (sudo tlstrace)", names);
}

static bool file_contains(const char *path, const char *text)
{
	FILE *file = fopen(path, "re");
	char line[256] = "";
	bool found;

	if (!file)
		return false;
	found = fgets(line, sizeof(line), file) && strstr(line, text);
	fclose(file);
	return found;
}

/* The initial user namespace maps all numbers to themselves. */
static bool in_user_namespace(void)
{
	FILE *file = fopen("/proc/self/uid_map", "re");
	unsigned int inside = 0, outside = 0, count = UINT32_MAX;
	bool initial;

	if (!file)
		return false;
	initial = fscanf(file, "%u %u %u", &inside, &outside, &count) == 3 && !inside && !outside &&
		  count == UINT32_MAX;
	fclose(file);
	return !initial;
}

void privileges_explain(void)
{
	unsigned int missing = privileges_missing();

	if (missing)
		missing_explain(missing);
	else if (in_user_namespace())
		log_error("the kernel refuses BPF programs: the capabilities are those of a user "
			  "namespace; run tlstrace as root of the host");
	else if (file_contains("/sys/kernel/security/lockdown", "[confidentiality]"))
		log_error("the kernel refuses BPF programs: it is locked down for confidentiality; "
			  "boot it with lockdown=integrity");
	else
		log_error("the kernel refuses BPF programs although all capabilities are there; "
			  "look for a seccomp filter or a security module that forbids bpf(2)");
}
