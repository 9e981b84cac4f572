// SPDX-License-Identifier: BSD-2-Clause
#include "source.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/capability.h>

#include "attach.h"
#include "follow.h"
#include "interfaces.h"
#include "log.h"
#include "reaper.h"
#include "tlstrace_types.h"
#include "tlstrace.skel.h"

/* Events delivered at one go, before interfaces and the caller's clock have their turn. */
#define BATCH 1024
/* Interfaces that are gone and whose names are kept: container hosts make new ones all day. */
#define PAST_MAX 4096

/*
 * The object file is loaded in three parts that share their maps: a flavour of the socket probes
 * that the kernel refuses does not cost loading the packet programs again, and an iterator that it
 * refuses costs nothing else.
 */
enum part { PART_SOCKETS, PART_PACKETS, PART_PACKETS_L3, PART_ITERATOR };

static const struct flavour {
	enum source_sockets sockets;
	const char *name;
	bool use_storage;
} flavours[] = {
	{ SOURCE_SOCKETS_FENTRY, "fentry", true },
	{ SOURCE_SOCKETS_FENTRY, "fentry", false },
	{ SOURCE_SOCKETS_KPROBE, "kprobe", false },
	{ SOURCE_SOCKETS_TRACEPOINT, "tracepoint", true },
	{ SOURCE_SOCKETS_TRACEPOINT, "tracepoint", false },
};

/* A tracepoint that only stands in for a better one that older kernels lack. */
static const struct substitute {
	const char *name;
	const char *better;
} substitutes[] = {
	{ "sock_send_length", "tcp_sendmsg_locked" },
	{ "tcp_rcv_space_adjust", "sock_recv_length" },
};

struct interface_list {
	struct source_interface *rows;
	size_t count;
};

struct source_live {
	struct source_handler handler;
	struct source_settings settings;
	char interface[IFNAMSIZ]; /* "" all */
	const struct flavour *flavour;
	struct tlstrace_bpf *sockets; /* owns the maps */
	struct tlstrace_bpf *packets;
	struct tlstrace_bpf *packets_l3; /* NULL until a device without MAC header is met */
	int programs_l3[2];
	struct reaper *reaper;
	struct attach *attach;
	struct interfaces *interfaces;
	struct ring_buffer *ring;
	uint64_t *presence;
	uint64_t *counts; /* one per CPU */
	int epoll;
	uint32_t netns;
	bool tracing;	     /* what comes from now on is attached to whether up or not */
	bool more;	     /* the ring buffer was not read to its end */
	unsigned int events; /* delivered by this poll */
	int attach_error;    /* the last one */
	struct interface_list attached;
	struct interface_list past;
};

static int libbpf_print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_DEBUG || !log_is_verbose())
		return 0;
	return vfprintf(stderr, format, arguments);
}

static void privileges_explain(void)
{
	log_error("tracing needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN: "
		  "run it as root (sudo tlstrace)");
}

/* Asked beforehand, because the kernel also says EPERM to a flavour that it does not want. */
static bool privileges_held(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
	uint64_t held;

	if (syscall(SYS_capget, &header, data))
		return true; /* the kernel will tell */
	held = data[0].effective | (uint64_t)data[1].effective << 32;
	if (!(held & 1ULL << CAP_NET_ADMIN))
		return false;
	return held & 1ULL << CAP_SYS_ADMIN ||
	       (held & 1ULL << CAP_BPF && held & 1ULL << CAP_PERFMON);
}

static uint32_t function_arguments(const struct btf *vmlinux, const char *name, uint32_t otherwise)
{
	int id = btf__find_by_name_kind(vmlinux, name, BTF_KIND_FUNC);
	const struct btf_type *type = id > 0 ? btf__type_by_id(vmlinux, id) : NULL;

	type = type ? btf__type_by_id(vmlinux, type->type) : NULL;
	return type && btf_is_func_proto(type) ? btf_vlen(type) : otherwise;
}

static bool tracepoint_exists(const struct btf *vmlinux, const char *name)
{
	char type[128];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(vmlinux, type, BTF_KIND_TYPEDEF) > 0;
}

static bool tracepoint_wanted(const struct btf *vmlinux, const char *name)
{
	size_t i;

	if (!tracepoint_exists(vmlinux, name))
		return false;
	for (i = 0; i < sizeof(substitutes) / sizeof(substitutes[0]); i++)
		if (strcmp(name, substitutes[i].name) == 0)
			return !tracepoint_exists(vmlinux, substitutes[i].better);
	return true;
}

static bool starts_with(const char *string, const char *start)
{
	return strncmp(string, start, strlen(start)) == 0;
}

static bool program_wanted(const struct bpf_program *program, enum part part,
			   enum source_sockets sockets, bool follow_forks,
			   const struct btf *vmlinux)
{
	const char *section = bpf_program__section_name(program);

	if (strcmp(section, "classifier") == 0)
		return part == PART_PACKETS_L3;
	if (strcmp(section, "tc") == 0)
		return part == PART_PACKETS;
	if (starts_with(section, "iter/"))
		return part == PART_ITERATOR;
	if (part != PART_SOCKETS)
		return false;
	if (starts_with(section, "tp_btf/sched_process_"))
		return follow_forks;
	if (starts_with(section, "fentry/") || starts_with(section, "fexit/"))
		return sockets == SOURCE_SOCKETS_FENTRY;
	if (starts_with(section, "kprobe/") || starts_with(section, "kretprobe/"))
		return sockets == SOURCE_SOCKETS_KPROBE;
	/* Tracepoints without `?` are part of every flavour. */
	if (bpf_program__autoload(program))
		return true;
	return sockets == SOURCE_SOCKETS_TRACEPOINT && starts_with(section, "tp_btf/") &&
	       tracepoint_wanted(vmlinux, section + strlen("tp_btf/"));
}

/* max_entries of a ring buffer: a power of two and whole pages. */
static uint32_t buffer_entries(size_t size)
{
	uint32_t entries = sysconf(_SC_PAGESIZE);

	while (entries < size && entries < 1U << 31)
		entries <<= 1;
	return entries;
}

/* The first part makes the maps, the others use them. */
static int maps_prepare(struct source_live *live, struct tlstrace_bpf *part)
{
	const struct tlstrace_bpf *owner = live->sockets;
	struct bpf_map *map;
	int error;

	if (!owner) {
		if (live->flavour->use_storage)
			bpf_map__set_max_entries(part->maps.socket_hash, 1);
		return bpf_map__set_max_entries(part->maps.events,
						buffer_entries(live->settings.buffer_size));
	}
	bpf_object__for_each_map(map, part->obj) {
		if (bpf_map__is_internal(map))
			continue;
		error = bpf_map__reuse_fd(map, bpf_object__find_map_fd_by_name(owner->obj,
									       bpf_map__name(map)));
		if (error)
			return error;
	}
	return 0;
}

/* 0 if the kernel does not tell (kernel.kptr_restrict). */
static uint64_t symbol_address(const char *wanted)
{
	FILE *symbols = fopen("/proc/kallsyms", "re");
	char line[512], name[256];
	uint64_t address, found = 0;

	if (!symbols)
		return 0;
	while (!found && fgets(line, sizeof(line), symbols))
		if (sscanf(line, "%" SCNx64 " %*c %255s", &address, name) == 2 &&
		    strcmp(name, wanted) == 0)
			found = address;
	fclose(symbols);
	return found;
}

/* NULL and errno on failure. */
static struct tlstrace_bpf *part_load(struct source_live *live, enum part which,
				      const struct btf *vmlinux)
{
	struct tlstrace_bpf *part = tlstrace_bpf__open();
	struct bpf_program *program;
	int error;

	if (!part)
		return NULL;
	part->rodata->use_socket_storage = live->flavour->use_storage;
	part->rodata->follow_forks = live->settings.followed_count;
	part->rodata->accept_arguments = function_arguments(vmlinux, "inet_csk_accept", 4);
	part->rodata->recvmsg_arguments = function_arguments(vmlinux, "tcp_recvmsg", 6);
	if (which == PART_ITERATOR && !live->flavour->use_storage)
		part->rodata->socket_file_ops = symbol_address("socket_file_ops");
	bpf_object__for_each_program(program, part->obj)
		bpf_program__set_autoload(program,
					  program_wanted(program, which, live->flavour->sockets,
							 live->settings.followed_count, vmlinux));
	error = maps_prepare(live, part);
	if (!error)
		error = tlstrace_bpf__load(part);
	if (!error)
		return part;
	tlstrace_bpf__destroy(part);
	errno = -error;
	return NULL;
}

static int processes_follow(const struct source_live *live, const struct tlstrace_bpf *part)
{
	const struct source_settings *settings = &live->settings;
	int error = 0;
	size_t i;

	for (i = 0; !error && i < settings->followed_count; i++)
		error = follow_process(bpf_map__fd(part->maps.followed), settings->followed[i]);
	return error;
}

/* Before the first probe fires, or it would take them for others; after it for what forked meanwhile. */
static int sockets_attach(const struct source_live *live, struct tlstrace_bpf *part)
{
	int error = processes_follow(live, part);

	if (!error)
		error = tlstrace_bpf__attach(part);
	return error ? error : processes_follow(live, part);
}

/* Load and attach the first flavour of the socket probes that this kernel takes. */
static int sockets_load(struct source_live *live, const struct btf *vmlinux)
{
	const enum source_sockets forced = live->settings.sockets;
	struct tlstrace_bpf *part;
	int error = -ENOENT;
	size_t i;

	for (i = 0; i < sizeof(flavours) / sizeof(flavours[0]); i++) {
		live->flavour = &flavours[i];
		if (forced != SOURCE_SOCKETS_AUTO && forced != flavours[i].sockets)
			continue;
		part = part_load(live, PART_SOCKETS, vmlinux);
		error = part ? sockets_attach(live, part) : -errno;
		if (!error) {
			live->sockets = part;
			return 0;
		}
		tlstrace_bpf__destroy(part);
		log_verbose("socket probes: no %s with %s: %s", flavours[i].name,
			    flavours[i].use_storage ? "socket storage" : "a hash",
			    strerror(-error));
	}
	return error;
}

static void sockets_explain(const struct source_live *live, int error)
{
	enum source_sockets forced = live->settings.sockets;
	size_t i;

	for (i = 0; i < sizeof(flavours) / sizeof(flavours[0]); i++) {
		if (flavours[i].sockets != forced)
			continue;
		log_error("this kernel does not take the %s socket probes (%s): use --sockets auto",
			  flavours[i].name, strerror(-error));
		return;
	}
	if (error == -EPERM)
		privileges_explain();
	else
		log_error("this kernel takes none of the socket probes (%s): -v shows why",
			  strerror(-error));
}

/* Who holds the sockets that are older than the trace. */
static int iterator_run(const struct tlstrace_bpf *part)
{
	struct bpf_link *link = bpf_program__attach_iter(part->progs.iter_task_file, NULL);
	int iterator, error = 0;
	char nothing[256]; /* the program prints nothing */
	ssize_t length;

	if (!link)
		return -errno;
	iterator = bpf_iter_create(bpf_link__fd(link));
	if (iterator < 0) {
		error = iterator;
	} else {
		do {
			length = read(iterator, nothing, sizeof(nothing));
		} while (length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR)));
		error = length < 0 ? -errno : 0;
		close(iterator);
	}
	bpf_link__destroy(link);
	return error;
}

static void sockets_iterate(struct source_live *live, const struct btf *vmlinux)
{
	struct tlstrace_bpf *part = part_load(live, PART_ITERATOR, vmlinux);
	int error = part ? iterator_run(part) : -errno;

	if (error)
		log_verbose("owners of connections older than the trace stay unknown: %s",
			    strerror(-error));
	tlstrace_bpf__destroy(part);
}

static int programs_load(struct source_live *live)
{
	struct btf *vmlinux = btf__load_vmlinux_btf();
	int error = -errno;

	if (!vmlinux) {
		log_error("this kernel does not describe its types (no /sys/kernel/btf/vmlinux): "
			  "boot one that is built with CONFIG_DEBUG_INFO_BTF");
		return error;
	}
	error = sockets_load(live, vmlinux);
	if (error) {
		sockets_explain(live, error);
		goto out;
	}
	sockets_iterate(live, vmlinux);
	live->packets = part_load(live, PART_PACKETS, vmlinux);
	if (!live->packets) {
		error = -errno;
		log_error("this kernel does not take the packet programs (%s): -v shows why",
			  strerror(-error));
	}
out:
	btf__free(vmlinux);
	return error;
}

static int list_add(struct interface_list *list, const struct source_interface *row)
{
	struct source_interface *larger;

	larger = realloc(list->rows, (list->count + 1) * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	list->rows = larger;
	list->rows[list->count++] = *row;
	return 0;
}

static void list_remove(struct interface_list *list, size_t index)
{
	list->count--;
	memmove(&list->rows[index], &list->rows[index + 1],
		(list->count - index) * sizeof(*list->rows));
}

static struct source_interface *list_find(const struct interface_list *list, uint32_t ifindex)
{
	size_t i;

	/* From the end: a number that was used again means the later interface. */
	for (i = list->count; i > 0; i--)
		if (list->rows[i - 1].ifindex == ifindex)
			return &list->rows[i - 1];
	return NULL;
}

static void interface_forget(struct source_live *live, uint32_t ifindex)
{
	struct source_interface *row = list_find(&live->attached, ifindex);

	attach_remove(live->attach, ifindex);
	if (!row)
		return;
	if (live->past.count == PAST_MAX)
		list_remove(&live->past, 0);
	list_add(&live->past, row);
	list_remove(&live->attached, row - live->attached.rows);
}

static void interface_attach(struct source_live *live, const struct interface *interface)
{
	struct source_interface row = { .ifindex = interface->ifindex, .netns = live->netns };
	int result = attach_add(live->attach, interface);

	if (result == 0 || result == -ENODEV)
		return;
	if (result == -EPFNOSUPPORT) {
		log_verbose("%s carries neither Ethernet nor IP: left alone", interface->name);
		return;
	}
	if (result < 0) {
		live->attach_error = result;
		log_verbose("cannot attach to %s: %s", interface->name, strerror(-result));
		if (live->tracing)
			log_error("interface %s is not traced (%s): -v shows why", interface->name,
				  strerror(-result));
		return;
	}
	memcpy(row.name, interface->name, sizeof(row.name));
	list_add(&live->attached, &row);
}

static void interface_changed(void *context, const struct interface *interface, bool gone)
{
	struct source_live *live = context;
	struct source_interface *row = list_find(&live->attached, interface->ifindex);

	if (gone) {
		interface_forget(live, interface->ifindex);
		return;
	}
	if (!live->tracing)
		attach_clean(interface->ifindex);
	if (row) {
		memcpy(row->name, interface->name, sizeof(row->name));
		return;
	}
	if (live->interface[0] ? strcmp(live->interface, interface->name) == 0 :
				 interface->up || live->tracing)
		interface_attach(live, interface);
}

/* Most hosts have no such device, and verifying these programs takes as long as the others. */
static const int *packets_l3_load(void *context)
{
	struct source_live *live = context;
	struct btf *vmlinux;

	if (live->packets_l3)
		return live->programs_l3;
	vmlinux = btf__load_vmlinux_btf();
	live->packets_l3 = vmlinux ? part_load(live, PART_PACKETS_L3, vmlinux) : NULL;
	btf__free(vmlinux);
	if (!live->packets_l3)
		return NULL;
	live->programs_l3[TLSTRACE_INGRESS] = bpf_program__fd(live->packets_l3->progs.tc_ingress_l3);
	live->programs_l3[TLSTRACE_EGRESS] = bpf_program__fd(live->packets_l3->progs.tc_egress_l3);
	return live->programs_l3;
}

static int packets_attach(struct source_live *live)
{
	const struct tlstrace_bpf *packets = live->packets;
	const struct attach_programs programs = {
		.with_mac = { bpf_program__fd(packets->progs.tc_ingress),
			      bpf_program__fd(packets->progs.tc_egress) },
		.without_mac = packets_l3_load,
		.context = live,
	};
	int error;

	live->attach = attach_open(live->settings.tc, &programs, live->reaper);
	if (!live->attach) {
		error = -errno;
		log_error("this kernel has no TCX links (%s): use --tc auto", strerror(-error));
		return error;
	}
	if (attach_tc(live->attach) == SOURCE_TC_TCX) {
		reaper_end(live->reaper);
		live->reaper = NULL;
	}
	live->interfaces = interfaces_open(interface_changed, live);
	if (!live->interfaces) {
		error = -errno;
		log_error("cannot list the network interfaces: %s", strerror(-error));
		return error;
	}
	if (!live->attached.count && live->attach_error) {
		log_error("cannot attach to any interface (%s): -v shows why",
			  strerror(-live->attach_error));
		return live->attach_error;
	}
	live->tracing = true;
	return 0;
}

static int event_deliver(void *context, void *data, size_t size)
{
	const struct tlstrace_event_header *header = data;
	const struct tlstrace_packet_event *packet = data;
	struct source_live *live = context;

	if (size < sizeof(*header))
		return 0;
	if (header->type == TLSTRACE_EVENT_PACKET && size >= sizeof(*packet) &&
	    packet->data_length <= size - sizeof(*packet))
		live->handler.packet(live->handler.context, packet,
				     (const uint8_t *)data + sizeof(*packet));
	else if (header->type == TLSTRACE_EVENT_SOCKET &&
		 size >= sizeof(struct tlstrace_socket_event))
		live->handler.socket(live->handler.context, data);
	/* The event counts as read, also when this ends the reading. */
	return ++live->events < BATCH ? 0 : -ECANCELED;
}

static int epoll_add(struct source_live *live, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(live->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* Before anything is attached: events wait in the buffer until they are polled for. */
static int buffers_open(struct source_live *live)
{
	const struct tlstrace_bpf *owner = live->sockets;
	void *presence;
	int error;

	live->counts = calloc(libbpf_num_possible_cpus(), sizeof(*live->counts));
	live->ring = ring_buffer__new(bpf_map__fd(owner->maps.events), event_deliver, live, NULL);
	presence = mmap(NULL, TLSTRACE_PRESENCE_SIZE * sizeof(*live->presence),
			PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(owner->maps.presence), 0);
	live->presence = presence == MAP_FAILED ? NULL : presence;
	live->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (live->counts && live->ring && live->presence && live->epoll >= 0 &&
	    !epoll_add(live, ring_buffer__epoll_fd(live->ring)))
		return 0;
	error = -errno;
	log_error("cannot map the kernel's buffers (%s): try a smaller --buffer-size",
		  strerror(-error));
	return error;
}

static int live_start(struct source_live *live)
{
	struct stat namespace;
	int error;

	if (!privileges_held()) {
		privileges_explain();
		return -EPERM;
	}
	if (live->interface[0] && !if_nametoindex(live->interface)) {
		log_error("there is no interface %s: 'ip link' lists those there are",
			  live->interface);
		return -ENODEV;
	}
	if (stat("/proc/self/ns/net", &namespace) == 0)
		live->netns = namespace.st_ino;
	if (live->settings.tc != SOURCE_TC_TCX) {
		live->reaper = reaper_start(attach_reap);
		if (!live->reaper)
			log_verbose("no child to clean up behind us: %s", strerror(errno));
	}
	error = programs_load(live);
	if (!error)
		error = buffers_open(live);
	if (!error)
		error = packets_attach(live);
	if (!error)
		error = epoll_add(live, interfaces_fd(live->interfaces));
	return error;
}

struct source_live *source_live_open(const struct source_settings *settings,
				     const struct source_handler *handler)
{
	struct source_live *live = calloc(1, sizeof(*live));

	if (!live) {
		log_error("out of memory");
		return NULL;
	}
	live->epoll = -1;
	live->settings = *settings;
	live->handler = *handler;
	if (settings->interface && strlen(settings->interface) >= sizeof(live->interface)) {
		log_error("there is no interface %s: names have at most 15 characters",
			  settings->interface);
		free(live);
		return NULL;
	}
	if (settings->interface)
		strcpy(live->interface, settings->interface);
	libbpf_set_print(libbpf_print);
	if (live_start(live) == 0)
		return live;
	source_live_close(live);
	return NULL;
}

void source_live_close(struct source_live *live)
{
	if (!live)
		return;
	attach_close(live->attach);
	reaper_end(live->reaper);
	interfaces_close(live->interfaces);
	if (live->epoll >= 0)
		close(live->epoll);
	if (live->presence)
		munmap(live->presence, TLSTRACE_PRESENCE_SIZE * sizeof(*live->presence));
	ring_buffer__free(live->ring);
	tlstrace_bpf__destroy(live->packets_l3);
	tlstrace_bpf__destroy(live->packets);
	tlstrace_bpf__destroy(live->sockets);
	free(live->attached.rows);
	free(live->past.rows);
	free(live->counts);
	free(live);
}

int source_live_poll(struct source_live *live, int timeout_ms)
{
	struct epoll_event ready[2];
	int count, i, result;

	count = epoll_wait(live->epoll, ready, 2, live->more ? 0 : timeout_ms);
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (i = 0; i < count; i++) {
		if (ready[i].data.fd != interfaces_fd(live->interfaces))
			continue;
		result = interfaces_read(live->interfaces);
		if (result)
			log_verbose("cannot follow the interfaces: %s", strerror(-result));
	}
	live->events = 0;
	result = ring_buffer__consume(live->ring);
	live->more = result == -ECANCELED;
	return result < 0 && !live->more ? result : (int)live->events;
}

const char *source_live_tc(const struct source_live *live)
{
	return attach_tc(live->attach) == SOURCE_TC_TCX ? "tcx" : "clsact";
}

const char *source_live_sockets(const struct source_live *live)
{
	return live->flavour->name;
}

const struct source_interface *source_live_interfaces(const struct source_live *live, size_t *count)
{
	*count = live->attached.count;
	return live->attached.rows;
}

const char *source_live_interface_name(const struct source_live *live, uint32_t netns,
				       uint32_t ifindex)
{
	const struct source_interface *row = NULL;

	if (netns == live->netns)
		row = list_find(&live->attached, ifindex);
	if (!row && netns == live->netns)
		row = list_find(&live->past, ifindex);
	return row ? row->name : "";
}

uint64_t source_live_counter(const struct source_live *live, unsigned int counter)
{
	int cpus = libbpf_num_possible_cpus(), i;
	uint32_t key = counter;
	uint64_t sum = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(live->sockets->maps.counters), &key, live->counts))
		return 0;
	for (i = 0; i < cpus; i++)
		sum += live->counts[i];
	return sum;
}

bool source_live_follows(const struct source_live *live)
{
	return follow_any(bpf_map__fd(live->sockets->maps.followed));
}

void source_live_forget(struct source_live *live, const struct tlstrace_flow_key *key,
			uint64_t flow_id)
{
	/* What struct flow of bpf/maps.bpf.h begins with. */
	struct {
		uint64_t id;
		uint32_t slot;
	} flow;
	const struct bpf_map *flows = live->sockets->maps.flows;
	uint8_t value[1024];

	if (bpf_map__value_size(flows) > sizeof(value) ||
	    bpf_map_lookup_elem(bpf_map__fd(flows), key, value))
		return;
	memcpy(&flow, value, sizeof(flow));
	if (flow.id != flow_id || flow.slot >= TLSTRACE_PRESENCE_SIZE)
		return;
	/* Whoever deletes it, the kernel or we, counts it down. */
	if (bpf_map_delete_elem(bpf_map__fd(flows), key) == 0)
		__atomic_fetch_sub(&live->presence[flow.slot], 1, __ATOMIC_RELAXED);
}

static void part_cost(const struct tlstrace_bpf *part, uint64_t *run_ns, uint64_t *runs)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, part->obj) {
		struct bpf_prog_info info = {};
		uint32_t size = sizeof(info);
		int fd = bpf_program__fd(program);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
			continue;
		*run_ns += info.run_time_ns;
		*runs += info.run_cnt;
	}
}

void source_live_cost(const struct source_live *live, uint64_t *run_ns, uint64_t *runs)
{
	*run_ns = *runs = 0;
	part_cost(live->sockets, run_ns, runs);
	part_cost(live->packets, run_ns, runs);
	if (live->packets_l3)
		part_cost(live->packets_l3, run_ns, runs);
}
