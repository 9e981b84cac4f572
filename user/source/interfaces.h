/* SPDX-License-Identifier: BSD-2-Clause */
/* The network interfaces of this namespace, as they come, change and go (rtnetlink). */
#ifndef TLSTRACE_INTERFACES_H
#define TLSTRACE_INTERFACES_H

#include <stdbool.h>
#include <stdint.h>

struct interface {
	uint32_t ifindex;
	uint16_t type; /* ARPHRD_* */
	bool up;
	char name[16];
};

struct interfaces;

/* Called for each interface there is, again when it changes, and with gone when it is deleted. */
typedef void (*interfaces_handler)(void *context, const struct interface *interface, bool gone);

/* Report the interfaces that are there now. NULL and errno on failure. */
struct interfaces *interfaces_open(interfaces_handler handler, void *context);
/* Becomes readable when something changed. */
int interfaces_fd(const struct interfaces *interfaces);
/* Report what changed, without waiting. 0 or negative errno. */
int interfaces_read(struct interfaces *interfaces);
void interfaces_close(struct interfaces *interfaces); /* NULL is fine */

#endif
