// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the binary of `make tarball` needs besides static libraries: functions that the C library
 * has only since 2.34 (close_range), 2.36 (fsopen and the like) or 2.32 (sigabbrev_np), and
 * libpcap's D-Bus devices without libdbus. tlstrace only reads files with libpcap, so those are
 * never used.
 */
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

struct pcap;
struct pcap_if_list;

int close_range(unsigned int first, unsigned int last, int flags);
int fsopen(const char *type, unsigned int flags);
int fsconfig(int fd, unsigned int command, const char *key, const void *value, int aux);
int fsmount(int fd, unsigned int flags, unsigned int attributes);
const char *sigabbrev_np(int number);
struct pcap *dbus_create(const char *device, char *error, int *is_ours);
int dbus_findalldevs(struct pcap_if_list *devices, char *error);

int close_range(unsigned int first, unsigned int last, int flags)
{
	return syscall(SYS_close_range, first, last, flags);
}

int fsopen(const char *type, unsigned int flags)
{
	return syscall(SYS_fsopen, type, flags);
}

int fsconfig(int fd, unsigned int command, const char *key, const void *value, int aux)
{
	return syscall(SYS_fsconfig, fd, command, key, value, aux);
}

int fsmount(int fd, unsigned int flags, unsigned int attributes)
{
	return syscall(SYS_fsmount, fd, flags, attributes);
}

const char *sigabbrev_np(int number)
{
#define SIGNAL(name) [SIG##name] = #name
	static const char *const names[] = {
		SIGNAL(HUP),	SIGNAL(INT),	SIGNAL(QUIT),  SIGNAL(ILL),  SIGNAL(TRAP),
		SIGNAL(ABRT),	SIGNAL(STKFLT), SIGNAL(BUS),   SIGNAL(FPE),  SIGNAL(KILL),
		SIGNAL(USR1),	SIGNAL(SEGV),	SIGNAL(USR2),  SIGNAL(PIPE), SIGNAL(ALRM),
		SIGNAL(TERM),	SIGNAL(CHLD),	SIGNAL(CONT),  SIGNAL(STOP), SIGNAL(TSTP),
		SIGNAL(TTIN),	SIGNAL(TTOU),	SIGNAL(URG),   SIGNAL(XCPU), SIGNAL(XFSZ),
		SIGNAL(VTALRM), SIGNAL(PROF),	SIGNAL(WINCH), SIGNAL(POLL), SIGNAL(PWR),
		SIGNAL(SYS),
	};
#undef SIGNAL

	if (number <= 0 || (size_t)number >= sizeof(names) / sizeof(names[0]))
		return NULL;
	return names[number];
}

struct pcap *dbus_create(const char *device, char *error, int *is_ours)
{
	(void)device, (void)error;
	*is_ours = 0;
	return NULL;
}

int dbus_findalldevs(struct pcap_if_list *devices, char *error)
{
	(void)devices, (void)error;
	return 0;
}
