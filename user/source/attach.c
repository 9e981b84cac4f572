// SPDX-License-Identifier: BSD-2-Clause
#include "attach.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "interfaces.h"
#include "log.h"
#include "reaper.h"
#include "tlstrace_types.h"

/* linux/bpf.h since 6.6 (e420bed02507): BPF_TCX_INGRESS, BPF_TCX_EGRESS, BPF_F_BEFORE. */
enum { TCX_INGRESS = 46, TCX_EGRESS = 47, TCX_BEFORE = 1 << 3 };

#define LOOPBACK_IFINDEX 1	/* include/net/net_namespace.h: the same in every namespace */
#define FILTER_HANDLE	 0x746c /* "tl" */
#define PRIORITIES	 8	/* how many are tried where others took the first */
#define FILTERS_MAX	 64 /* looked at per interface and direction; ours are among the first */

struct row {
	struct reaper_record record; /* clsact; its ifindex is always set */
	int links[2];		     /* TCX, else -1 */
};

struct attach {
	enum source_tc tc;
	struct attach_programs programs;
	struct reaper *reaper;
	struct row *rows;
	size_t count;
};

struct filter {
	uint32_t handle;
	uint32_t priority;
	uint32_t program;
	char name[64];
};

struct filters {
	struct filter list[FILTERS_MAX];
	size_t count;
	size_t total; /* with those that did not fit */
};

static int filter_read(const struct nlmsghdr *header, void *context)
{
	const struct tcmsg *message = mnl_nlmsg_get_payload(header);
	const struct nlattr *options, *option;
	struct filters *filters = context;
	struct filter *filter;

	if (header->nlmsg_type != RTM_NEWTFILTER)
		return MNL_CB_OK;
	filters->total++;
	if (filters->count == FILTERS_MAX)
		return MNL_CB_OK;
	filter = &filters->list[filters->count++];
	memset(filter, 0, sizeof(*filter));
	filter->handle = message->tcm_handle;
	filter->priority = TC_H_MAJ(message->tcm_info) >> 16;
	mnl_attr_for_each(options, header, sizeof(*message))
	{
		if (mnl_attr_get_type(options) != TCA_OPTIONS)
			continue;
		/* Of another kind of filter these types mean something else: lengths are checked.
		 */
		mnl_attr_for_each_nested(option, options)
		{
			if (mnl_attr_get_type(option) == TCA_BPF_ID &&
			    !mnl_attr_validate(option, MNL_TYPE_U32))
				filter->program = mnl_attr_get_u32(option);
			if (mnl_attr_get_type(option) == TCA_BPF_NAME &&
			    !mnl_attr_validate(option, MNL_TYPE_NUL_STRING))
				strncpy(filter->name, mnl_attr_get_str(option),
					sizeof(filter->name) - 1);
		}
	}
	return MNL_CB_OK;
}

static int filters_receive(struct mnl_socket *socket, struct filters *filters)
{
	char buffer[32768]; /* the largest piece of a listing, net/netlink/af_netlink.c */
	ssize_t length;
	int more = 1;

	while (more > 0) {
		length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (length < 0)
			return -errno;
		more = mnl_cb_run(buffer, length, 0, 0, filter_read, filters);
	}
	return more < 0 ? -errno : 0;
}

/* The filters of one direction of clsact; none if there is no clsact. */
static int filters_list(uint32_t ifindex, unsigned int hook, struct filters *filters)
{
	char buffer[256];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct mnl_socket *socket;
	struct tcmsg *message;
	int error;

	filters->count = filters->total = 0;
	header->nlmsg_type = RTM_GETTFILTER;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->tcm_ifindex = ifindex;
	message->tcm_parent = TC_H_MAKE(TC_H_CLSACT, hook == TLSTRACE_INGRESS ? TC_H_MIN_INGRESS
									      : TC_H_MIN_EGRESS);
	socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
		error = -errno;
	else
		error = filters_receive(socket, filters);
	mnl_socket_close(socket);
	return error;
}

static void filter_detach(uint32_t ifindex, unsigned int hook, uint32_t handle, uint32_t priority)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = priority);
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, place, .ifindex = ifindex,
			    .attach_point =
				    hook == TLSTRACE_INGRESS ? BPF_TC_INGRESS : BPF_TC_EGRESS);

	bpf_tc_detach(&place, &opts);
}

void attach_reap(const struct reaper_record *record)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, both, .ifindex = record->ifindex,
			    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	struct filters filters;
	size_t others = 0, i;
	unsigned int hook;

	for (hook = 0; hook < 2; hook++) {
		if (filters_list(record->ifindex, hook, &filters))
			return;
		/* By program too: the interface may be a new one with an old number. */
		for (i = 0; record->priority[hook] && i < filters.count; i++)
			if (filters.list[i].program == record->program[hook] &&
			    filters.list[i].priority == record->priority[hook] &&
			    filters.list[i].handle == record->handle)
				filter_detach(record->ifindex, hook, record->handle,
					      record->priority[hook]);
		if (filters_list(record->ifindex, hook, &filters))
			return;
		others += filters.total;
	}
	if (record->made_qdisc && !others)
		bpf_tc_hook_destroy(&both);
}

/* Does the process hold a descriptor of the program? proc(5), fdinfo. */
static bool process_holds(const char *pid, const char *wanted)
{
	char path[2 * NAME_MAX + 32],
		line[128]; /* proc's names are numbers, the compiler knows not */
	struct dirent *entry;
	bool found = false;
	DIR *folder;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo", pid);
	folder = opendir(path);
	if (!folder)
		return false;
	while (!found && (entry = readdir(folder))) {
		snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		while (!found && fgets(line, sizeof(line), file))
			found = strcmp(line, wanted) == 0;
		fclose(file);
	}
	closedir(folder);
	return found;
}

/* A tlstrace that still runs holds its programs; of one that was killed only the filter is left. */
static bool program_is_held(uint32_t program)
{
	struct dirent *entry;
	bool held = false;
	char wanted[32];
	DIR *folder;

	snprintf(wanted, sizeof(wanted), "prog_id:\t%u\n", program);
	folder = opendir("/proc");
	if (!folder)
		return true; /* better a filter too many than another's removed */
	while (!held && (entry = readdir(folder)))
		held = isdigit((unsigned char)entry->d_name[0]) &&
		       process_holds(entry->d_name, wanted);
	closedir(folder);
	return held;
}

void attach_clean(uint32_t ifindex)
{
	const struct filter *filter;
	struct filters filters;
	unsigned int hook;
	size_t i;

	for (hook = 0; hook < 2; hook++) {
		if (filters_list(ifindex, hook, &filters))
			return;
		for (i = 0; i < filters.count; i++) {
			filter = &filters.list[i];
			if (filter->handle != FILTER_HANDLE || !filter->program ||
			    strncmp(filter->name, "tc_", 3) != 0 ||
			    program_is_held(filter->program))
				continue;
			log_verbose("removing a filter that a killed tlstrace left on interface %u",
				    ifindex);
			filter_detach(ifindex, hook, filter->handle, filter->priority);
		}
	}
}

/* First in line, so that we see what the others drop or redirect. */
static int tcx_attach(int program, uint32_t ifindex, unsigned int hook)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = TCX_BEFORE);
	int type = hook == TLSTRACE_INGRESS ? TCX_INGRESS : TCX_EGRESS;
	int link = bpf_link_create(program, ifindex, (enum bpf_attach_type)type, &opts);

	if (link == -EINVAL)
		link = bpf_link_create(program, ifindex, (enum bpf_attach_type)type, NULL);
	return link;
}

static int tcx_add(struct row *row, const int programs[2])
{
	unsigned int hook;

	for (hook = 0; hook < 2; hook++) {
		row->links[hook] = tcx_attach(programs[hook], row->record.ifindex, hook);
		if (row->links[hook] < 0)
			return row->links[hook];
	}
	return 0;
}

static uint32_t program_id(int program)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(program, &info, &size) ? 0 : info.id;
}

static int clsact_attach(struct attach *attach, struct reaper_record *record, unsigned int hook,
			 int program)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, place, .ifindex = record->ifindex,
			    .attach_point =
				    hook == TLSTRACE_INGRESS ? BPF_TC_INGRESS : BPF_TC_EGRESS);
	uint32_t priority;
	int error = 0;

	record->program[hook] = program_id(program);
	for (priority = 1; priority <= PRIORITIES; priority++) {
		DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE,
				    .priority = priority, .prog_fd = program);

		record->priority[hook] = priority;
		reaper_tell(attach->reaper, record);
		error = bpf_tc_attach(&place, &opts);
		/* EEXIST: another tlstrace's. EINVAL: a filter of another kind has this priority.
		 */
		if (error != -EEXIST && error != -EINVAL)
			break;
	}
	if (error)
		record->priority[hook] = 0;
	return error;
}

static int clsact_add(struct attach *attach, struct row *row, const int programs[2])
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, both, .ifindex = row->record.ifindex,
			    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	struct reaper_record *record = &row->record;
	int error = bpf_tc_hook_create(&both);

	if (error && error != -EEXIST)
		return error;
	record->handle = FILTER_HANDLE;
	record->made_qdisc = !error;
	error = clsact_attach(attach, record, TLSTRACE_INGRESS, programs[TLSTRACE_INGRESS]);
	if (!error)
		error = clsact_attach(attach, record, TLSTRACE_EGRESS, programs[TLSTRACE_EGRESS]);
	return error;
}

static void row_detach(struct attach *attach, struct row *row)
{
	struct reaper_record empty = {.ifindex = row->record.ifindex};
	unsigned int hook;

	for (hook = 0; hook < 2; hook++) {
		if (row->links[hook] >= 0)
			close(row->links[hook]);
		row->links[hook] = -1;
	}
	if (row->record.priority[0] || row->record.priority[1] || row->record.made_qdisc) {
		attach_reap(&row->record);
		reaper_forget(attach->reaper, row->record.ifindex);
	}
	row->record = empty;
}

static struct row *row_find(struct attach *attach, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < attach->count; i++)
		if (attach->rows[i].record.ifindex == ifindex)
			return &attach->rows[i];
	return NULL;
}

/* NULL: neither Ethernet frames nor IP packets. */
static const int *programs_for(const struct attach *attach, uint16_t type)
{
	switch (type) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		return attach->programs.with_mac;
	case ARPHRD_NONE: /* tun, WireGuard */
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
	case ARPHRD_PPP:
	case ARPHRD_RAWIP:
		return attach->programs.without_mac(attach->programs.context);
	}
	return NULL;
}

int attach_add(struct attach *attach, const struct interface *interface)
{
	const int *programs = programs_for(attach, interface->type);
	struct row *row = row_find(attach, interface->ifindex);
	int error;

	if (row)
		return 0;
	row = realloc(attach->rows, (attach->count + 1) * sizeof(*row));
	if (!row)
		return -ENOMEM;
	attach->rows = row;
	row = &attach->rows[attach->count++];
	*row = (struct row){.record.ifindex = interface->ifindex, .links = {-1, -1}};
	if (!programs)
		return -EPFNOSUPPORT;
	error = attach->tc == SOURCE_TC_TCX ? tcx_add(row, programs)
					    : clsact_add(attach, row, programs);
	if (!error)
		return 1;
	/* The row stays: not to try again at each change of the interface. */
	row_detach(attach, row);
	return error;
}

void attach_remove(struct attach *attach, uint32_t ifindex)
{
	struct row *row = row_find(attach, ifindex);

	if (!row)
		return;
	row_detach(attach, row);
	*row = attach->rows[--attach->count];
}

struct attach *attach_open(enum source_tc tc, const struct attach_programs *programs,
			   struct reaper *reaper)
{
	struct attach *attach = calloc(1, sizeof(*attach));
	int link;

	if (!attach)
		return NULL;
	attach->tc = tc;
	attach->programs = *programs;
	attach->reaper = reaper;
	if (tc == SOURCE_TC_CLSACT)
		return attach;
	/* Tried where it does least: loopback is always there. */
	link = tcx_attach(programs->with_mac[TLSTRACE_INGRESS], LOOPBACK_IFINDEX, TLSTRACE_INGRESS);
	if (link >= 0)
		close(link);
	attach->tc = link >= 0 ? SOURCE_TC_TCX : SOURCE_TC_CLSACT;
	if (attach->tc == SOURCE_TC_CLSACT)
		log_verbose("no TCX here (%s): using clsact", strerror(-link));
	if (tc == SOURCE_TC_TCX && attach->tc != tc) {
		free(attach);
		errno = EOPNOTSUPP;
		return NULL;
	}
	return attach;
}

enum source_tc attach_tc(const struct attach *attach)
{
	return attach->tc;
}

void attach_close(struct attach *attach)
{
	size_t i;

	if (!attach)
		return;
	for (i = 0; i < attach->count; i++)
		row_detach(attach, &attach->rows[i]);
	free(attach->rows);
	free(attach);
}
