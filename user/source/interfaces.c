// SPDX-License-Identifier: BSD-2-Clause
#include "interfaces.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

/* One link message, with the statistics of an interface's virtual functions, may be long. */
#define MESSAGES_SIZE 65536

struct known {
	struct interface interface;
	bool seen; /* in the listing under way */
};

struct interfaces {
	interfaces_handler handler;
	void *context;
	struct mnl_socket *socket;
	struct known *known;
	size_t count;
	bool listing;	 /* asked for all; the end of the answer is to come */
	bool list_again; /* changes were missed meanwhile */
	char messages[MESSAGES_SIZE];
};

static int listing_request(struct interfaces *interfaces)
{
	char buffer[256];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *message;
	size_t i;

	if (interfaces->listing) {
		interfaces->list_again = true;
		return 0;
	}
	header->nlmsg_type = RTM_GETLINK;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nlmsg_seq = time(NULL);
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->ifi_family = AF_UNSPEC;
	mnl_attr_put_u32(header, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (mnl_socket_sendto(interfaces->socket, header, header->nlmsg_len) < 0)
		return -errno;
	for (i = 0; i < interfaces->count; i++)
		interfaces->known[i].seen = false;
	interfaces->listing = true;
	interfaces->list_again = false;
	return 0;
}

static struct known *known_find(struct interfaces *interfaces, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < interfaces->count; i++)
		if (interfaces->known[i].interface.ifindex == ifindex)
			return &interfaces->known[i];
	return NULL;
}

static void known_remove(struct interfaces *interfaces, struct known *known)
{
	struct interface interface = known->interface;

	*known = interfaces->known[--interfaces->count];
	interfaces->handler(interfaces->context, &interface, true);
}

static int known_set(struct interfaces *interfaces, const struct interface *interface)
{
	struct known *known = known_find(interfaces, interface->ifindex), *larger;

	if (!known) {
		larger = realloc(interfaces->known, (interfaces->count + 1) * sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		interfaces->known = larger;
		known = &larger[interfaces->count++];
	}
	known->interface = *interface;
	known->seen = true;
	interfaces->handler(interfaces->context, interface, false);
	return 0;
}

/* The list is complete: an interface that is not in it was deleted unseen. */
static int listing_end(struct interfaces *interfaces, const struct nlmsghdr *header)
{
	size_t i = 0;

	interfaces->listing = false;
	if (header->nlmsg_flags & NLM_F_DUMP_INTR || interfaces->list_again)
		return listing_request(interfaces);
	while (i < interfaces->count) {
		if (interfaces->known[i].seen)
			i++;
		else
			known_remove(interfaces, &interfaces->known[i]);
	}
	return 0;
}

static int link_read(struct interfaces *interfaces, const struct nlmsghdr *header)
{
	const struct ifinfomsg *message = mnl_nlmsg_get_payload(header);
	struct interface interface = {};
	const struct nlattr *attribute;
	struct known *known;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
		return 0;
	/* A bridge tells of its ports in the same words: a port that leaves it is not deleted. */
	if (message->ifi_family != AF_UNSPEC)
		return 0;
	if (header->nlmsg_type == RTM_DELLINK) {
		known = known_find(interfaces, message->ifi_index);
		if (known)
			known_remove(interfaces, known);
		return 0;
	}
	interface.ifindex = message->ifi_index;
	interface.type = message->ifi_type;
	interface.up = message->ifi_flags & IFF_UP;
	mnl_attr_for_each(attribute, header,
			  sizeof(*message)) if (mnl_attr_get_type(attribute) == IFLA_IFNAME)
		strncpy(interface.name, mnl_attr_get_str(attribute), sizeof(interface.name) - 1);
	return known_set(interfaces, &interface);
}

static int message_read(struct interfaces *interfaces, const struct nlmsghdr *header)
{
	const struct nlmsgerr *failure;

	switch (header->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return link_read(interfaces, header);
	case NLMSG_DONE:
		return listing_end(interfaces, header);
	case NLMSG_ERROR:
		failure = mnl_nlmsg_get_payload(header);
		interfaces->listing = false;
		return mnl_nlmsg_get_payload_len(header) < sizeof(*failure) ? -EBADMSG
									    : failure->error;
	}
	return 0;
}

int interfaces_read(struct interfaces *interfaces)
{
	const struct nlmsghdr *header;
	int length, error = 0;
	ssize_t received;

	for (;;) {
		received = mnl_socket_recvfrom(interfaces->socket, interfaces->messages,
					       sizeof(interfaces->messages));
		if (received < 0 && errno == EINTR)
			continue;
		if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return error;
		if (received < 0 && errno == ENOBUFS) {
			/* More happened than fits into the socket: list them anew. */
			error = listing_request(interfaces);
			if (error)
				return error;
			continue;
		}
		if (received < 0)
			return -errno;
		header = (const void *)interfaces->messages;
		length = received;
		for (; mnl_nlmsg_ok(header, length); header = mnl_nlmsg_next(header, &length)) {
			int result = message_read(interfaces, header);

			error = error ? error : result;
		}
	}
}

struct interfaces *interfaces_open(interfaces_handler handler, void *context)
{
	struct interfaces *interfaces = calloc(1, sizeof(*interfaces));
	struct pollfd readable;
	int error;

	if (!interfaces)
		return NULL;
	interfaces->handler = handler;
	interfaces->context = context;
	interfaces->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (!interfaces->socket ||
	    mnl_socket_bind(interfaces->socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0) {
		error = -errno;
		goto failed;
	}
	error = listing_request(interfaces);
	while (!error && interfaces->listing) {
		readable.fd = interfaces_fd(interfaces);
		readable.events = POLLIN;
		if (poll(&readable, 1, -1) < 0 && errno != EINTR)
			error = -errno;
		else
			error = interfaces_read(interfaces);
	}
	if (!error)
		return interfaces;
failed:
	interfaces_close(interfaces);
	errno = -error;
	return NULL;
}

int interfaces_fd(const struct interfaces *interfaces)
{
	return mnl_socket_get_fd(interfaces->socket);
}

void interfaces_close(struct interfaces *interfaces)
{
	if (!interfaces)
		return;
	if (interfaces->socket)
		mnl_socket_close(interfaces->socket);
	free(interfaces->known);
	free(interfaces);
}
