// SPDX-License-Identifier: BSD-2-Clause
#include "source.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "attach.h"
#include "follow.h"
#include "interfaces.h"
#include "log.h"
#include "paths.h"
#include "programs.h"
#include "reaper.h"
#include "tlstrace_types.h"

/* Events delivered at one go, before interfaces and the caller's clock have their turn. */
#define BATCH 1024
/* While events keep coming, the reader looks after so long and is not woken. */
#define NEAR_MS 5
/* As tcpdump calls them all. */
#define ANY_INTERFACE "any"

struct interface_list {
	struct source_interface *rows;
	size_t count;
};

struct source_live {
	struct source_handler handler;
	struct source_settings settings;
	char interface[IFNAMSIZ]; /* "" all */
	struct programs *programs;
	struct reaper *reaper;
	struct attach *attach;
	struct interfaces *interfaces;
	struct ring_buffer *ring;
	uint64_t *presence;
	struct tlstrace_control *control;
	uint64_t *over;
	uint64_t wakeups, bytes; /* so far: returns from waiting, and read from the ring buffer */
	uint64_t *counts;	 /* one per CPU */
	int epoll;
	uint32_t netns;
	bool everywhere; /* other network namespaces are traced too */
	bool tracing;	 /* what comes from now on is attached to whether up or not */
	bool more;	 /* the ring buffer was not read to its end, but up to: */
	uint64_t latest_ns;
	unsigned int events; /* delivered by this poll */
	int attach_error;    /* the last one */
	size_t unattached;   /* interfaces that it kept out when the trace began */
	struct interface_list attached;
};

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

	bpf_map_delete_elem(programs_maps(live->programs)->attached, &ifindex);
	attach_remove(live->attach, ifindex);
	if (!row)
		return;
	list_remove(&live->attached, row - live->attached.rows);
}

static void interface_attach(struct source_live *live, const struct interface *interface)
{
	struct source_interface row = {.ifindex = interface->ifindex, .netns = live->netns};
	const int attached = programs_maps(live->programs)->attached;
	const uint32_t yes = 1;
	int result = attach_add(live->attach, interface);

	if (result == 0 || result == -ENODEV)
		return;
	if (result == -EPFNOSUPPORT) {
		log_verbose("%s carries neither Ethernet nor IP: left alone", interface->name);
		return;
	}
	if (result < 0) {
		live->attach_error = result;
		live->unattached++;
		log_verbose("cannot attach to %s: %s", interface->name, strerror(-result));
		if (live->tracing)
			log_error("interface %s is not traced (%s): -v shows why", interface->name,
				  strerror(-result));
		return;
	}
	/* Both directions are seen from now on: handshakes may begin here. */
	if (bpf_map_update_elem(attached, &row.ifindex, &yes, BPF_ANY))
		log_error("interface %s is not traced (%s)", interface->name, strerror(errno));
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
	if (live->interface[0] ? strcmp(live->interface, interface->name) == 0
			       : interface->up || live->tracing)
		interface_attach(live, interface);
}

static int packets_attach(struct source_live *live)
{
	const struct attach_programs programs = {
		.with_mac = programs_packets(live->programs),
		.without_mac = programs_packets_l3,
		.context = live->programs,
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
	if (live->unattached)
		log_error("%zu interface%s not traced (%s): -v shows which", live->unattached,
			  live->unattached == 1 ? " is" : "s are", strerror(-live->attach_error));
	live->tracing = true;
	return 0;
}

/* Two links for each interface: the usual soft limit of 1024 is that of select(2). A command was
 * forked before, with its own. */
static void descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_verbose("cannot raise the limit of open files: %s", strerror(errno));
}

/* Of an operation by the same task as the last one only the beginning is sent. */
static void socket_deliver(struct source_live *live, const void *data, size_t size)
{
	struct tlstrace_socket_event event = {};

	if (size >= sizeof(event)) {
		live->handler.socket(live->handler.context, data);
	} else if (size == TLSTRACE_SOCKET_EVENT_BRIEF) {
		memcpy(&event, data, size);
		live->handler.socket(live->handler.context, &event);
	}
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
	else if (header->type == TLSTRACE_EVENT_SOCKET)
		socket_deliver(live, data, size);
	live->bytes += (size + 2 * sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
	if (header->time_ns > live->latest_ns)
		live->latest_ns = header->time_ns;
	/* The event counts as read, also when this ends the reading. */
	return ++live->events < BATCH ? 0 : -ECANCELED;
}

static int epoll_add(struct source_live *live, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(live->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static void *map_shared(int fd, size_t size)
{
	void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return mapped == MAP_FAILED ? NULL : mapped;
}

/* Before anything is attached: events wait in the buffer until they are polled for. */
static int buffers_open(struct source_live *live)
{
	const struct programs_maps *maps = programs_maps(live->programs);
	int error;

	live->counts = calloc(libbpf_num_possible_cpus(), sizeof(*live->counts));
	live->ring = ring_buffer__new(maps->events, event_deliver, live, NULL);
	live->presence =
		map_shared(maps->presence, TLSTRACE_PRESENCE_SIZE * sizeof(*live->presence));
	live->control = map_shared(maps->control, sizeof(*live->control));
	live->over = map_shared(maps->over, TLSTRACE_OVER_SIZE * sizeof(*live->over));
	live->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (live->counts && live->ring && live->presence && live->control && live->over &&
	    live->epoll >= 0 && !epoll_add(live, ring_buffer__epoll_fd(live->ring)))
		return 0;
	error = -errno;
	log_error("cannot map the kernel's buffers (%s): try a smaller --buffer-size",
		  strerror(-error));
	return error;
}

static void namespaces_reach(struct source_live *live)
{
	int error = programs_reach(live->programs);

	live->everywhere = !error;
	if (error)
		log_error(
			"handshakes of other network namespaces are seen only where they cross an "
			"interface of this one (%s): -v shows why",
			strerror(-error));
}

/* All programs are attached: handshakes that begin from now on are seen from their beginning. */
static void handshakes_begin(struct source_live *live)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	__atomic_store_n(&live->control->begun_ns, now.tv_sec * 1000000000ULL + now.tv_nsec,
			 __ATOMIC_RELEASE);
}

static int live_start(struct source_live *live)
{
	struct stat namespace;
	int error;

	descriptors_raise();
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
			log_verbose("no child process to clean up after a crash: %s",
				    strerror(errno));
	}
	live->programs = programs_load(&live->settings, live->netns);
	if (!live->programs)
		return -errno;
	error = buffers_open(live);
	if (!error)
		error = packets_attach(live);
	if (!error)
		error = epoll_add(live, interfaces_fd(live->interfaces));
	if (!error && !live->settings.interface)
		namespaces_reach(live);
	if (!error)
		handshakes_begin(live);
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
	if (settings->interface && strcmp(settings->interface, ANY_INTERFACE))
		strcpy(live->interface, settings->interface);
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
	if (live->control)
		munmap(live->control, sizeof(*live->control));
	if (live->over)
		munmap(live->over, TLSTRACE_OVER_SIZE * sizeof(*live->over));
	ring_buffer__free(live->ring);
	programs_free(live->programs);
	free(live->attached.rows);
	free(live->counts);
	free(live);
}

static int events_read(struct source_live *live)
{
	int result;

	live->events = 0;
	result = ring_buffer__consume(live->ring);
	live->more = result == -ECANCELED;
	return result < 0 && !live->more ? result : (int)live->events;
}

static void interfaces_follow(struct source_live *live, const struct epoll_event *ready, int count)
{
	int i, result;

	for (i = 0; i < count; i++) {
		if (ready[i].data.fd != interfaces_fd(live->interfaces))
			continue;
		result = interfaces_read(live->interfaces);
		if (result)
			log_verbose("cannot follow the interfaces: %s", strerror(-result));
	}
}

/* Returns the number of events that came before anybody would have woken the reader. */
static int reader_sleep(struct source_live *live)
{
	__atomic_store_n(&live->control->reader_sleeps, 1, __ATOMIC_SEQ_CST);
	return events_read(live);
}

int source_live_poll(struct source_live *live, int timeout_ms)
{
	struct epoll_event ready[2];
	int count, result;

	/* After events more are likely to come soon: to look for them costs less than to be woken.
	 */
	if (live->events && timeout_ms > NEAR_MS)
		timeout_ms = NEAR_MS;
	if (live->more)
		timeout_ms = 0;
	if (timeout_ms > NEAR_MS) {
		result = reader_sleep(live);
		if (result)
			return result;
	}
	count = epoll_wait(live->epoll, ready, 2, timeout_ms);
	__atomic_store_n(&live->control->reader_sleeps, 0, __ATOMIC_SEQ_CST);
	live->wakeups += timeout_ms > 0;
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	interfaces_follow(live, ready, count);
	return events_read(live);
}

void source_live_end(struct source_live *live)
{
	__atomic_store_n(&live->control->ended, 1, __ATOMIC_RELEASE);
}

uint64_t source_live_time(const struct source_live *live, uint64_t now_ns)
{
	return live->more ? live->latest_ns : now_ns;
}

const char *source_live_tc(const struct source_live *live)
{
	return attach_tc(live->attach) == SOURCE_TC_TCX ? "tcx" : "clsact";
}

const char *source_live_sockets(const struct source_live *live)
{
	return programs_flavour(live->programs);
}

const struct source_interface *source_live_interfaces(const struct source_live *live, size_t *count)
{
	*count = live->attached.count;
	return live->attached.rows;
}

bool source_live_everywhere(const struct source_live *live)
{
	return live->everywhere;
}

uint64_t source_live_counter(const struct source_live *live, unsigned int counter)
{
	int cpus = libbpf_num_possible_cpus(), i;
	uint32_t key = counter;
	uint64_t sum = 0;

	if (bpf_map_lookup_elem(programs_maps(live->programs)->counters, &key, live->counts))
		return 0;
	for (i = 0; i < cpus; i++)
		sum += live->counts[i];
	return sum;
}

bool source_live_follows(const struct source_live *live)
{
	return follow_any(programs_maps(live->programs)->followed);
}

char *source_live_cgroup_path(const struct source_live *live, uint64_t id)
{
	return paths_cgroup(programs_maps(live->programs)->cgroups, id);
}

char *source_live_executable(const struct source_live *live, uint64_t start_ns, uint32_t pid)
{
	return paths_executable(programs_maps(live->programs)->executables, start_ns, pid);
}

/* What struct flow of bpf/maps.bpf.h begins with. */
struct flow_head {
	uint64_t id;
	uint32_t slot;
	uint32_t client_is_local;
	uint64_t sockets[2];
	uint32_t alias_slot; /* plus 1 */
};

static void presence_drop(struct source_live *live, const struct flow_head *flow)
{
	__atomic_fetch_sub(&live->presence[flow->slot], 1, __ATOMIC_RELAXED);
	if (flow->alias_slot && flow->alias_slot <= TLSTRACE_PRESENCE_SIZE)
		__atomic_fetch_sub(&live->presence[flow->alias_slot - 1], 1, __ATOMIC_RELAXED);
}

/* Reads and writes on its sockets need not be reported any more. */
static void sockets_end(struct source_live *live, const struct flow_head *flow)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (flow->sockets[i])
			live->over[TLSTRACE_OVER_SLOT(flow->sockets[i])] = flow->sockets[i];
}

void source_live_forget(void *source, const struct tlstrace_flow_key *key, uint64_t flow_id,
			bool may_renegotiate)
{
	struct source_live *live = source;
	const struct programs_maps *maps = programs_maps(live->programs);
	struct flow_head flow;
	uint8_t value[1024];

	if (maps->flow_size > sizeof(value) || bpf_map_lookup_elem(maps->flows, key, value))
		return;
	memcpy(&flow, value, sizeof(flow));
	if (flow.id != flow_id || flow.slot >= TLSTRACE_PRESENCE_SIZE)
		return;
	if (may_renegotiate)
		bpf_map_update_elem(maps->finished_flows, key, &flow.client_is_local, BPF_ANY);
	sockets_end(live, &flow);
	/* Whoever deletes it, the kernel or we, counts it down. */
	if (bpf_map_delete_elem(maps->flows, key) == 0)
		presence_drop(live, &flow);
}

void source_live_cost(const struct source_live *live, uint64_t *run_ns, uint64_t *runs)
{
	programs_cost(live->programs, run_ns, runs);
}

void source_live_reading(const struct source_live *live, uint64_t *wakeups, uint64_t *bytes)
{
	*wakeups = live->wakeups;
	*bytes = live->bytes;
}
