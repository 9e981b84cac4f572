// SPDX-License-Identifier: BSD-2-Clause
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <wchar.h>

#include <openssl/crypto.h>

#include "log.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF	    39
#endif
#define BIT(number) (1ULL << (number))

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* Of a file system, as much as a process may still open. */
enum files { FILES_NONE, FILES_ALL };

/* Bits of calls[].sets. */
enum { BASE = 1, FILES = 2, SOCKETS = 4, KERNEL = 8, CHILDREN = 16 };

/* CAP_SYS_ADMIN includes CAP_BPF and CAP_PERFMON; see capabilities_keep(). */
#define KERNEL_CAPABILITIES                                                                        \
	(BIT(CAP_BPF) | BIT(CAP_PERFMON) | BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_PTRACE) |              \
	 BIT(CAP_DAC_READ_SEARCH))

static const struct {
	uint64_t capabilities;
	unsigned int calls;
	enum files files;
} jobs[] = {
	[CONFINE_READER] = {0, BASE, FILES_NONE},
	[CONFINE_TRACER] = {KERNEL_CAPABILITIES, BASE | FILES | SOCKETS | KERNEL, FILES_ALL},
	[CONFINE_COMMANDER] = {KERNEL_CAPABILITIES | BIT(CAP_KILL),
			       BASE | FILES | SOCKETS | KERNEL | CHILDREN, FILES_ALL},
	[CONFINE_REAPER] = {BIT(CAP_BPF) | BIT(CAP_NET_ADMIN), BASE | SOCKETS | KERNEL, FILES_NONE},
	/*
	 * Its workers get theirs from it, and so their system calls. With Landlock they could not
	 * look at processes outside of it, which ptrace(2) rights are needed for.
	 */
	[CONFINE_SUPERVISOR] = {BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_KILL) |
					BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH),
				0, FILES_ALL},
	[CONFINE_ASKER] = {BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH), BASE | FILES | SOCKETS,
			   FILES_ALL},
	[CONFINE_USER] = {0, BASE | FILES | SOCKETS, FILES_ALL},
};

/* Every other system call fails with EPERM. */
static const struct {
	unsigned int number, sets;
} calls[] = {
	{__NR_read, BASE},
	{__NR_write, BASE},
	{__NR_readv, BASE},
	{__NR_writev, BASE},
	{__NR_pread64, BASE},
	{__NR_lseek, BASE},
	{__NR_close, BASE},
	{__NR_fstat, BASE},
	{__NR_newfstatat, BASE},
	{__NR_fcntl, BASE},
	{__NR_ioctl, BASE},
	{__NR_dup, BASE},
	{__NR_dup3, BASE},
	{__NR_ftruncate, BASE},
	{__NR_fsync, BASE},
	{__NR_fdatasync, BASE},
	{__NR_openat, BASE}, /* /dev/null, see files_restrict() */
	{__NR_ppoll, BASE},
	{__NR_pselect6, BASE},
	{__NR_mmap, BASE},
	{__NR_munmap, BASE},
	{__NR_mremap, BASE},
	{__NR_mprotect, BASE},
	{__NR_madvise, BASE},
	{__NR_brk, BASE},
	{__NR_futex, BASE},
	{__NR_rt_sigaction, BASE},
	{__NR_rt_sigprocmask, BASE},
	{__NR_rt_sigreturn, BASE},
	{__NR_sigaltstack, BASE},
	{__NR_restart_syscall, BASE},
	{__NR_tgkill, BASE}, /* of itself: abort(), raise() */
	{__NR_exit, BASE},
	{__NR_exit_group, BASE},
	{__NR_getpid, BASE},
	{__NR_gettid, BASE},
	{__NR_getppid, BASE},
	{__NR_getuid, BASE},
	{__NR_geteuid, BASE},
	{__NR_getgid, BASE},
	{__NR_getegid, BASE},
	{__NR_uname, BASE},
	{__NR_sysinfo, BASE},
	{__NR_prlimit64, BASE},
	{__NR_getrusage, BASE},
	{__NR_getrandom, BASE},
	{__NR_clock_gettime, BASE},
	{__NR_clock_nanosleep, BASE},
	{__NR_nanosleep, BASE},
	{__NR_gettimeofday, BASE},
	{__NR_sched_yield, BASE},
	{__NR_sched_getaffinity, BASE},
	{__NR_set_robust_list, BASE},
	{__NR_membarrier, BASE},
	{__NR_rseq, BASE},

	{__NR_openat2, FILES},
	{__NR_readlinkat, FILES},
	{__NR_faccessat, FILES},
	{__NR_faccessat2, FILES},
	{__NR_statx, FILES},
	{__NR_statfs, FILES},
	{__NR_fstatfs, FILES},
	{__NR_getdents64, FILES},

	{__NR_socket, SOCKETS},
	{__NR_connect, SOCKETS},
	{__NR_bind, SOCKETS},
	{__NR_sendto, SOCKETS},
	{__NR_sendmsg, SOCKETS},
	{__NR_recvfrom, SOCKETS},
	{__NR_recvmsg, SOCKETS},
	{__NR_getsockname, SOCKETS},
	{__NR_getsockopt, SOCKETS},
	{__NR_setsockopt, SOCKETS},

	{__NR_bpf, KERNEL},
	{__NR_perf_event_open, KERNEL},
	{__NR_open_by_handle_at, KERNEL},
	{__NR_epoll_create1, KERNEL},
	{__NR_epoll_ctl, KERNEL},
	{__NR_epoll_pwait, KERNEL},
	{__NR_shutdown, KERNEL},
	{__NR_eventfd2, KERNEL},
	{__NR_timerfd_create, KERNEL},
	{__NR_timerfd_settime, KERNEL},
	{__NR_renameat, KERNEL}, /* results that are rotated */
	{__NR_renameat2, KERNEL},
	{__NR_unlinkat, KERNEL},
	{__NR_kill, KERNEL}, /* the helper process */
	{__NR_wait4, KERNEL},
	{__NR_waitid, KERNEL},
	{__NR_pipe2, CHILDREN},

#ifdef __NR_open /* the older half, which arm64 never had */
	{__NR_open, BASE},
	{__NR_stat, BASE},
	{__NR_lstat, FILES},
	{__NR_access, FILES},
	{__NR_readlink, FILES},
	{__NR_poll, BASE},
	{__NR_select, BASE},
	{__NR_dup2, BASE},
	{__NR_time, BASE},
	{__NR_epoll_wait, KERNEL},
	{__NR_rename, KERNEL},
	{__NR_unlink, KERNEL},
	{__NR_arch_prctl, BASE},
#endif
};

static void capabilities_keep(uint64_t kept)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
	int i;

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &header, data))
		return;
	if (kept & BIT(CAP_BPF) && !(data[1].permitted & BIT(CAP_BPF - 32)))
		kept |= BIT(CAP_SYS_ADMIN);
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(kept >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	syscall(SYS_capset, &header, data);
}

/* In place of a library: the filter is one comparison per call. */
static void calls_restrict(unsigned int sets)
{
#ifdef ARCHITECTURE
	struct sock_filter filter[2 * ARRAY_SIZE(calls) + 8];
	struct sock_fprog program = {.filter = filter};
	size_t length = 0, i;

	filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							offsetof(struct seccomp_data, arch));
	filter[length++] =
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							offsetof(struct seccomp_data, nr));
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!(calls[i].sets & sets))
			continue;
		filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
								calls[i].number, 0, 1);
		filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	program.len = (unsigned short)length;
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#else
	(void)sets;
#endif
}

/* Of what the first version of Landlock (Linux 5.13) knows: landlock(7). */
#define LANDLOCK_ALL (2 * LANDLOCK_ACCESS_FS_MAKE_SYM - 1)

/* No file but /dev/null, for results that are discarded. */
static void files_restrict(enum files files)
{
	const struct landlock_ruleset_attr handled = {.handled_access_fs = LANDLOCK_ALL};
	struct landlock_path_beneath_attr null = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE |
								    LANDLOCK_ACCESS_FS_WRITE_FILE};
	int rules;

	if (files == FILES_ALL)
		return;
	rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	if (rules < 0)
		return;
	null.parent_fd = open("/dev/null", O_PATH | O_CLOEXEC);
	if (null.parent_fd >= 0) {
		syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &null, 0);
		close(null.parent_fd);
	}
	syscall(SYS_landlock_restrict_self, rules, 0);
	close(rules);
}

/* Libraries must not look for their files later. */
static void libraries_prepare(void)
{
	mbstate_t state = {};
	wchar_t wide;

	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	mbrtowc(&wide, "a", 1, &state);
}

void confine(enum confine_job job)
{
	if (job <= CONFINE_COMMANDER)
		libraries_prepare();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	files_restrict(jobs[job].files);
	capabilities_keep(jobs[job].capabilities);
	if (jobs[job].calls)
		calls_restrict(jobs[job].calls);
}

static int user_find(const char *user, uid_t *uid, gid_t *gid)
{
	struct passwd *entry = getpwnam(user);
	unsigned long number;
	char *end;

	if (!entry) {
		errno = 0;
		number = strtoul(user, &end, 10);
		if (errno || *end || end == user || number >= UINT32_MAX)
			return -ENOENT;
		entry = getpwuid((uid_t)number);
	}
	if (!entry)
		return -ENOENT;
	*uid = entry->pw_uid;
	*gid = entry->pw_gid;
	return 0;
}

int confine_user(const char *user)
{
	const char *name = user ? user : "nobody";
	uid_t uid;
	gid_t gid;

	if (geteuid())
		return 0;
	if (user_find(name, &uid, &gid)) {
		if (!user)
			return 0;
		log_error("there is no user %s; 'getent passwd' lists all users", user);
		return -ENOENT;
	}
	if ((setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid)) && user) {
		log_error("becoming %s failed: %s; leave out --run-as", user, strerror(errno));
		return -errno;
	}
	return 0;
}
