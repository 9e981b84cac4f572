// SPDX-License-Identifier: BSD-2-Clause
#include "programs.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "follow.h"
#include "hash.h"
#include "host.h"
#include "log.h"
#include "privileges.h"
#include "paths.h"
#include "tlstrace_types.h"
#include "tlstrace.skel.h"

/*
 * The object file is loaded in parts that share their maps: a flavour of the socket probes
 * that the kernel refuses does not cost loading the packet programs again, and an iterator that it
 * refuses costs nothing else.
 */
enum part { PART_SOCKETS, PART_PACKETS, PART_PACKETS_L3, PART_NAMESPACES, PART_ITERATOR };

static const struct flavour {
	enum source_sockets sockets;
	const char *name;
	bool use_storage;
} flavours[] = {
	{SOURCE_SOCKETS_FENTRY, "fentry", true},
	{SOURCE_SOCKETS_FENTRY, "fentry", false},
	{SOURCE_SOCKETS_KPROBE, "kprobe", false},
	{SOURCE_SOCKETS_TRACEPOINT, "tracepoint", true},
	{SOURCE_SOCKETS_TRACEPOINT, "tracepoint", false},
};

/* A tracepoint that replaces a better one on older kernels. */
static const struct substitute {
	const char *name;
	const char *better;
} substitutes[] = {
	{"tcp_rcv_space_adjust", "sock_recv_length"},
};

struct programs {
	const struct source_settings *settings;
	const struct flavour *flavour;
	struct programs_maps maps;
	struct tlstrace_bpf *sockets; /* owns the maps */
	struct tlstrace_bpf *packets;
	struct tlstrace_bpf *packets_l3; /* NULL until a device without MAC header is met */
	struct tlstrace_bpf *namespaces; /* NULL: only this network namespace is traced, */
	int namespaces_error; /* for this reason, negative errno; 0: none was asked for */
	int with_mac[2], without_mac[2];
	uint32_t netns;	       /* the one whose devices are traced */
	uint64_t seeds[2];     /* of the presence filter, the same in all parts */
	uint64_t netns_cookie; /* the same for the cgroup programs; 0: they cannot ask for it */
};

static int libbpf_print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_DEBUG || !log_is_verbose())
		return 0;
	return vfprintf(stderr, format, arguments);
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

/* Without those of UDP an owner is known later; where IPv6 is a module, vmlinux has half of them.
 */
static bool function_wanted(const struct btf *vmlinux, const char *section)
{
	const char *name = strchr(section, '/') + 1;

	return !starts_with(name, "udp") ||
	       btf__find_by_name_kind(vmlinux, name, BTF_KIND_FUNC) > 0;
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
	if (starts_with(section, "cgroup_skb/"))
		return part == PART_NAMESPACES;
	if (starts_with(section, "iter/"))
		return part == PART_ITERATOR;
	if (part != PART_SOCKETS)
		return false;
	if (starts_with(section, "tp_btf/sched_process_"))
		return follow_forks;
	if (starts_with(section, "fentry/") || starts_with(section, "fexit/"))
		return sockets == SOURCE_SOCKETS_FENTRY && function_wanted(vmlinux, section);
	if (starts_with(section, "kprobe/") || starts_with(section, "kretprobe/"))
		return sockets == SOURCE_SOCKETS_KPROBE && function_wanted(vmlinux, section);
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

/* Sockets that send at the same time: on each CPU a task, a softirq on top of it, and tasks put
 * aside. */
static uint32_t scratches_free(uint32_t cpus)
{
	return 2 * cpus + 16;
}

/* The first part makes the maps, the others use them. */
static int maps_prepare(struct programs *programs, struct tlstrace_bpf *part)
{
	const struct tlstrace_bpf *owner = programs->sockets;
	uint32_t cpus = libbpf_num_possible_cpus();
	struct bpf_map *map;
	int error;

	if (!owner) {
		if (programs->flavour->use_storage) {
			bpf_map__set_max_entries(part->maps.socket_hash, 1);
			bpf_map__set_max_entries(part->maps.datagram_hash, 1);
		}
		bpf_map__set_max_entries(part->maps.scratches, cpus + scratches_free(cpus));
		bpf_map__set_max_entries(part->maps.free_scratches, scratches_free(cpus));
		return bpf_map__set_max_entries(part->maps.events,
						buffer_entries(programs->settings->buffer_size));
	}
	bpf_object__for_each_map(map, part->obj)
	{
		if (bpf_map__is_internal(map))
			continue;
		error = bpf_map__reuse_fd(
			map, bpf_object__find_map_fd_by_name(owner->obj, bpf_map__name(map)));
		if (error)
			return error;
	}
	return 0;
}

/* NULL and errno on failure. */
static struct tlstrace_bpf *part_load(struct programs *programs, enum part which,
				      const struct btf *vmlinux)
{
	struct tlstrace_bpf *part = tlstrace_bpf__open();
	struct bpf_program *program;
	int error;

	if (!part)
		return NULL;
	part->rodata->use_socket_storage = programs->flavour->use_storage;
	part->rodata->use_cgroup_v1 = cgroups_v1_used();
	part->rodata->device_netns = programs->netns;
	part->rodata->device_netns_cookie = programs->netns_cookie;
	memcpy((void *)part->rodata->presence_seeds, programs->seeds, sizeof(programs->seeds));
	part->rodata->follow_forks = programs->settings->followed_count;
	part->rodata->accept_arguments = function_arguments(vmlinux, "inet_csk_accept", 4);
	part->rodata->writes_told_before = tracepoint_exists(vmlinux, "tcp_sendmsg_locked");
	part->rodata->recvmsg_arguments = function_arguments(vmlinux, "tcp_recvmsg", 6);
	if (which == PART_ITERATOR && !programs->flavour->use_storage)
		part->rodata->socket_file_ops = host_symbol("socket_file_ops");
	bpf_object__for_each_program(program, part->obj) bpf_program__set_autoload(
		program, program_wanted(program, which, programs->flavour->sockets,
					programs->settings->followed_count, vmlinux));
	error = maps_prepare(programs, part);
	if (!error)
		error = tlstrace_bpf__load(part);
	if (!error)
		return part;
	tlstrace_bpf__destroy(part);
	errno = -error;
	return NULL;
}

static int processes_follow(const struct programs *programs, const struct tlstrace_bpf *part)
{
	const struct source_settings *settings = programs->settings;
	int error = 0;
	size_t i;

	for (i = 0; !error && i < settings->followed_count; i++)
		error = follow_process(bpf_map__fd(part->maps.followed), settings->followed[i]);
	return error;
}

/* Before the first probe fires, or it would take them for others; after it for what forked
 * meanwhile. */
static int sockets_attach(const struct programs *programs, struct tlstrace_bpf *part)
{
	int error = processes_follow(programs, part);

	if (!error)
		error = tlstrace_bpf__attach(part);
	return error ? error : processes_follow(programs, part);
}

/* Load and attach the first flavour of the socket probes that this kernel takes. */
static int sockets_load(struct programs *programs, const struct btf *vmlinux)
{
	const enum source_sockets forced = programs->settings->sockets;
	struct tlstrace_bpf *part;
	int error = -ENOENT;
	size_t i;

	for (i = 0; i < sizeof(flavours) / sizeof(flavours[0]); i++) {
		programs->flavour = &flavours[i];
		if (forced != SOURCE_SOCKETS_AUTO && forced != flavours[i].sockets)
			continue;
		part = part_load(programs, PART_SOCKETS, vmlinux);
		error = part ? sockets_attach(programs, part) : -errno;
		if (!error) {
			programs->sockets = part;
			return 0;
		}
		tlstrace_bpf__destroy(part);
		log_verbose("socket probes: no %s with %s: %s", flavours[i].name,
			    flavours[i].use_storage ? "socket storage" : "a hash",
			    strerror(-error));
	}
	return error;
}

static void sockets_explain(const struct programs *programs, int error)
{
	enum source_sockets forced = programs->settings->sockets;
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
	else if (error == -EMFILE || error == -ENFILE)
		log_error("cannot load the socket probes (%s): raise the limit with ulimit -n",
			  strerror(-error));
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

static void sockets_iterate(struct programs *programs, const struct btf *vmlinux)
{
	struct tlstrace_bpf *part = part_load(programs, PART_ITERATOR, vmlinux);
	int error = part ? iterator_run(part) : -errno;

	if (error)
		log_verbose("owners of connections older than the trace stay unknown: %s",
			    strerror(-error));
	tlstrace_bpf__destroy(part);
}

static void maps_fill(struct programs *programs)
{
	const struct tlstrace_bpf *owner = programs->sockets;

	programs->maps = (struct programs_maps){
		.control = bpf_map__fd(owner->maps.control),
		.attached = bpf_map__fd(owner->maps.attached),
		.over = bpf_map__fd(owner->maps.over),
		.events = bpf_map__fd(owner->maps.events),
		.presence = bpf_map__fd(owner->maps.presence),
		.flows = bpf_map__fd(owner->maps.flows),
		.finished_flows = bpf_map__fd(owner->maps.finished_flows),
		.counters = bpf_map__fd(owner->maps.counters),
		.followed = bpf_map__fd(owner->maps.followed),
		.cgroups = bpf_map__fd(owner->maps.cgroups),
		.executables = bpf_map__fd(owner->maps.executables),
		.flow_size = bpf_map__value_size(owner->maps.flows),
	};
}

static int packets_load(struct programs *programs, const struct btf *vmlinux)
{
	int error;

	programs->packets = part_load(programs, PART_PACKETS, vmlinux);
	if (!programs->packets) {
		error = -errno;
		log_error("this kernel does not take the packet programs (%s): -v shows why",
			  strerror(-error));
		return error;
	}
	programs->with_mac[TLSTRACE_INGRESS] = bpf_program__fd(programs->packets->progs.tc_ingress);
	programs->with_mac[TLSTRACE_EGRESS] = bpf_program__fd(programs->packets->progs.tc_egress);
	return 0;
}

/* A part that is verified while others are: what takes longest at the start is the verifier. */
struct loading {
	struct programs *programs;
	const struct btf *vmlinux;
	pthread_t thread;
	bool begun;
};

static void *namespaces_load(void *context)
{
	struct loading *loading = context;
	struct programs *programs = loading->programs;

	programs->netns_cookie = host_netns_cookie();
	programs->namespaces = part_load(programs, PART_NAMESPACES, loading->vmlinux);
	if (!programs->namespaces && programs->netns_cookie) {
		/* bpf_get_host_netns_cookie() is newer for these programs than for others. */
		log_verbose("cgroup programs: no cookie of a namespace: %s", strerror(errno));
		programs->netns_cookie = 0;
		programs->namespaces = part_load(programs, PART_NAMESPACES, loading->vmlinux);
	}
	programs->namespaces_error = programs->namespaces ? 0 : -errno;
	return NULL;
}

static void namespaces_begin(struct loading *loading)
{
	if (loading->programs->settings->interface)
		return; /* which is in this namespace */
	loading->begun = pthread_create(&loading->thread, NULL, namespaces_load, loading) == 0;
	if (!loading->begun)
		namespaces_load(loading);
}

static void namespaces_end(struct loading *loading)
{
	if (loading->begun)
		pthread_join(loading->thread, NULL);
}

static int parts_load(struct programs *programs)
{
	struct btf *vmlinux = btf__load_vmlinux_btf();
	struct loading loading = {.programs = programs, .vmlinux = vmlinux};
	int error = -errno;

	if (!vmlinux) {
		log_error(
			"this kernel does not describe its types: /sys/kernel/btf/vmlinux does not "
			"exist; boot a kernel built with CONFIG_DEBUG_INFO_BTF=y");
		return error;
	}
	error = sockets_load(programs, vmlinux);
	if (error) {
		sockets_explain(programs, error);
	} else {
		maps_fill(programs);
		namespaces_begin(&loading);
		sockets_iterate(programs, vmlinux);
		error = packets_load(programs, vmlinux);
		namespaces_end(&loading);
	}
	btf__free(vmlinux);
	return error;
}

struct programs *programs_load(const struct source_settings *settings, uint32_t netns)
{
	struct programs *programs;
	int error = -EPERM;

	libbpf_set_print(libbpf_print);
	if (!privileges_held()) {
		privileges_explain();
		errno = -error;
		return NULL;
	}
	programs = calloc(1, sizeof(*programs));
	if (!programs) {
		log_error("there is no memory left: free some and start tlstrace again");
		return NULL;
	}
	programs->settings = settings;
	programs->netns = netns;
	programs->seeds[0] = hash_seed() | 1;
	programs->seeds[1] = hash_seed() | 1;
	error = parts_load(programs);
	if (!error)
		return programs;
	programs_free(programs);
	errno = -error;
	return NULL;
}

void programs_free(struct programs *programs)
{
	if (!programs)
		return;
	tlstrace_bpf__destroy(programs->namespaces);
	tlstrace_bpf__destroy(programs->packets_l3);
	tlstrace_bpf__destroy(programs->packets);
	tlstrace_bpf__destroy(programs->sockets);
	free(programs);
}

const struct programs_maps *programs_maps(const struct programs *programs)
{
	return &programs->maps;
}

const char *programs_flavour(const struct programs *programs)
{
	return programs->flavour->name;
}

const int *programs_packets(const struct programs *programs)
{
	return programs->with_mac;
}

/* Most hosts have no such device, and verifying these programs takes as long as the others. */
const int *programs_packets_l3(void *context)
{
	struct programs *programs = context;
	struct btf *vmlinux;

	if (programs->packets_l3)
		return programs->without_mac;
	vmlinux = btf__load_vmlinux_btf();
	programs->packets_l3 = vmlinux ? part_load(programs, PART_PACKETS_L3, vmlinux) : NULL;
	btf__free(vmlinux);
	if (!programs->packets_l3)
		return NULL;
	programs->without_mac[TLSTRACE_INGRESS] =
		bpf_program__fd(programs->packets_l3->progs.tc_ingress_l3);
	programs->without_mac[TLSTRACE_EGRESS] =
		bpf_program__fd(programs->packets_l3->progs.tc_egress_l3);
	return programs->without_mac;
}

static int scratches_fill(const struct tlstrace_bpf *part)
{
	uint32_t cpus = libbpf_num_possible_cpus(), i;
	int error = 0;

	for (i = 0; !error && i < scratches_free(cpus); i++) {
		uint32_t index = cpus + i;

		error = bpf_map_update_elem(bpf_map__fd(part->maps.free_scratches), NULL, &index,
					    BPF_ANY);
	}
	return error;
}

static int namespaces_attach(struct tlstrace_bpf *part)
{
	int root = host_cgroup_root(), error = root < 0 ? root : 0;

	if (!error)
		error = scratches_fill(part);
	if (!error)
		part->links.cgroup_ingress =
			bpf_program__attach_cgroup(part->progs.cgroup_ingress, root);
	if (!error && part->links.cgroup_ingress)
		part->links.cgroup_egress =
			bpf_program__attach_cgroup(part->progs.cgroup_egress, root);
	if (!error && !part->links.cgroup_egress)
		error = -errno;
	if (root >= 0)
		close(root);
	return error;
}

int programs_reach(struct programs *programs)
{
	int error = programs->namespaces ? namespaces_attach(programs->namespaces)
					 : programs->namespaces_error;

	if (error) {
		tlstrace_bpf__destroy(programs->namespaces);
		programs->namespaces = NULL;
	}
	return error;
}

static void part_cost(const struct tlstrace_bpf *part, uint64_t *run_ns, uint64_t *runs)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, part->obj)
	{
		struct bpf_prog_info info = {};
		uint32_t size = sizeof(info);
		int fd = bpf_program__fd(program);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
			continue;
		*run_ns += info.run_time_ns;
		*runs += info.run_cnt;
	}
}

void programs_cost(const struct programs *programs, uint64_t *run_ns, uint64_t *runs)
{
	*run_ns = *runs = 0;
	part_cost(programs->sockets, run_ns, runs);
	part_cost(programs->packets, run_ns, runs);
	if (programs->packets_l3)
		part_cost(programs->packets_l3, run_ns, runs);
	if (programs->namespaces)
		part_cost(programs->namespaces, run_ns, runs);
}
