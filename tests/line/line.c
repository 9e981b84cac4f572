// SPDX-License-Identifier: BSD-2-Clause
/*
 * line NETNS DEVICE NETNS DEVICE [RULE...]: a network between two namespaces, and its diary.
 *
 * Makes a TAP device in each namespace, the client's first, and carries packets from one to the
 * other by the rules of rules.h, which also come on standard input, one a line. Devices have no
 * offloads, so a packet is what a wire would carry. Says "ready" when both devices are there; they
 * are gone when it ends, which it does with its input.
 *
 * Standard output has the truth of each TCP and UDP packet, times in ns of CLOCK_MONOTONIC:
 *
 *   in TIME ID client|server tcp|udp SOURCE TARGET FLAGS SEQUENCE ACKNOWLEDGEMENT LENGTH NTH TRY
 * HELLO out TIME ID drop TIME ID rule|queue
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "rules.h"

enum { FRAME_MAX = 65536, RULES_MAX = 64 };
#define NS_PER_SECOND 1000000000ULL

/* A packet on its way. */
struct frame {
	struct frame *next;
	uint64_t due_ns, id;
	enum way from;
	uint32_t behind; /* so many packets more have to go first */
	size_t size;
	uint8_t bytes[];
};

struct line {
	int taps[WAYS];
	struct settings settings[WAYS];
	struct rule rules[RULES_MAX];
	size_t rule_count;
	struct connections *connections;
	struct frame *first;	/* by due_ns */
	uint64_t free_ns[WAYS]; /* the direction carries the next packet from then on */
	uint64_t waiting[WAYS]; /* packets */
	uint64_t begin_ns, next_id;
	char input[512];
	size_t input_length;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

static int netns_enter(const char *name)
{
	char path[256];
	int fd, error;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	error = setns(fd, CLONE_NEWNET) ? -errno : 0;
	close(fd);
	return error;
}

static int tap_open(const char *netns, const char *device)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd, error = netns_enter(netns);

	if (error)
		return error;
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	if (!ioctl(fd, TUNSETIFF, &request))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static void frame_insert(struct line *line, struct frame *frame)
{
	struct frame **link = &line->first;

	while (*link && (*link)->due_ns <= frame->due_ns)
		link = &(*link)->next;
	frame->next = *link;
	*link = frame;
}

static void frame_queue(struct line *line, enum way from, uint64_t id, uint64_t due_ns,
			uint32_t behind, const uint8_t *bytes, size_t size)
{
	struct frame *frame = malloc(sizeof(*frame) + size);

	if (!frame)
		abort();
	*frame = (struct frame){
		.due_ns = due_ns, .id = id, .from = from, .behind = behind, .size = size};
	memcpy(frame->bytes, bytes, size);
	line->waiting[from]++;
	frame_insert(line, frame);
}

/* A packet goes: those that were to be overtaken by it come nearer to their turn. */
static void swapped_advance(struct line *line, enum way from, uint64_t due_ns)
{
	struct frame **link = &line->first, *frame, *moved = NULL;

	while ((frame = *link)) {
		if (frame->from != from || !frame->behind || --frame->behind) {
			link = &frame->next;
			continue;
		}
		*link = frame->next;
		frame->due_ns = due_ns + 1;
		frame->next = moved;
		moved = frame;
	}
	while ((frame = moved)) {
		moved = frame->next;
		frame_insert(line, frame);
	}
}

static const struct rule *rule_find(struct line *line, const struct label *label, uint64_t now)
{
	static const struct rule nothing;
	size_t i;

	for (i = 0; i < line->rule_count; i++)
		if (rule_acts(&line->rules[i], label, now, now - line->begin_ns))
			return &line->rules[i];
	return &nothing;
}

/* When the last bit of a packet has gone into the direction. */
static uint64_t leave_ns(struct line *line, enum way from, uint64_t now, size_t size)
{
	uint64_t rate = line->settings[from].rate, *free = &line->free_ns[from];

	if (*free < now)
		*free = now;
	if (rate)
		*free += size * 8 * NS_PER_SECOND / rate;
	return *free;
}

static void packet_log(const struct packet *packet, const struct label *label, uint64_t id,
		       uint64_t now)
{
	printf("in %" PRIu64 " %" PRIu64 " %s %s %u %u %u %u %u %u %u %u %d\n", now, id,
	       label->from == FROM_CLIENT ? "client" : "server",
	       packet->protocol == IPPROTO_TCP ? "tcp" : "udp", packet->source, packet->target,
	       packet->flags, packet->sequence, packet->acknowledgement, packet->length, label->nth,
	       label->try, !!(label->kinds & KIND_HELLO));
}

/* Put a packet on its way, or not. */
static void packet_carry(struct line *line, const struct label *label, uint64_t id, uint64_t now,
			 const uint8_t *bytes, size_t size)
{
	const struct rule *rule = rule_find(line, label, now);
	const struct settings *settings = &line->settings[label->from];
	bool full = settings->queue && line->waiting[label->from] >= settings->queue;
	uint64_t due_ns;

	if (rule->action == ACTION_DROP || full) {
		printf("drop %" PRIu64 " %" PRIu64 " %s\n", now, id, full ? "queue" : "rule");
		return;
	}
	if (rule->action == ACTION_STALL && line->free_ns[label->from] < now + rule->amount)
		line->free_ns[label->from] = now + rule->amount;
	due_ns = leave_ns(line, label->from, now, size) + settings->way_ns;
	if (rule->action == ACTION_SWAP) {
		frame_queue(line, label->from, id, due_ns + NS_PER_SECOND, rule->amount, bytes,
			    size);
		return;
	}
	if (rule->action == ACTION_DELAY)
		due_ns += rule->amount;
	frame_queue(line, label->from, id, due_ns, 0, bytes, size);
	swapped_advance(line, label->from, due_ns);
	if (rule->action == ACTION_DUP)
		frame_queue(line, label->from, id, due_ns + rule->amount, 0, bytes, size);
}

static void frame_take(struct line *line, enum way from, const uint8_t *bytes, size_t size)
{
	struct label label = {.from = from};
	uint64_t now = now_ns(), id = line->next_id++;
	struct packet packet;

	if (packet_read(bytes, size, &packet)) {
		label = packet_label(line->connections, &packet, from);
		packet_log(&packet, &label, id, now);
		packet_carry(line, &label, id, now, bytes, size);
		return;
	}
	/* Neighbour discovery and the like: no rule is meant for it. */
	frame_queue(line, from, UINT64_MAX, now, 0, bytes, size);
}

static void tap_read(struct line *line, enum way from)
{
	static uint8_t bytes[FRAME_MAX];
	ssize_t size;

	while ((size = read(line->taps[from], bytes, sizeof(bytes))) > 0)
		frame_take(line, from, bytes, size);
}

/* Hand over what is due. A device that is down, or a full one, loses it as an interface does. */
static void frames_deliver(struct line *line)
{
	struct frame *frame;
	uint64_t now;

	while ((frame = line->first) && frame->due_ns <= (now = now_ns())) {
		line->first = frame->next;
		line->waiting[frame->from]--;
		/* Before the write: what it causes may be in the diary at once. */
		if (frame->id != UINT64_MAX)
			printf("out %" PRIu64 " %" PRIu64 "\n", now, frame->id);
		if (write(line->taps[!frame->from], frame->bytes, frame->size) < 0 &&
		    frame->id != UINT64_MAX)
			printf("drop %" PRIu64 " %" PRIu64 " device\n", now, frame->id);
		free(frame);
	}
}

static int rule_add(struct line *line, const char *text)
{
	struct rule rule;
	int error = rule_parse(text, &rule, line->settings);

	if (!error && rule.action != ACTION_NONE && line->rule_count == RULES_MAX)
		error = -ENOSPC;
	if (error) {
		fprintf(stderr, "line: rule '%s': %s; see rules.h\n", text, strerror(-error));
		return error;
	}
	if (rule.action != ACTION_NONE)
		line->rules[line->rule_count++] = rule;
	return 0;
}

/* False at the end of the input. */
static bool input_read(struct line *line)
{
	size_t room = sizeof(line->input) - 1 - line->input_length;
	ssize_t size = read(STDIN_FILENO, line->input + line->input_length, room);
	char *end;

	if (size <= 0)
		return false;
	line->input_length += size;
	line->input[line->input_length] = '\0';
	while ((end = strchr(line->input, '\n'))) {
		*end = '\0';
		if (strcmp(line->input, "mark") == 0)
			printf("mark %" PRIu64 "\n", now_ns());
		else
			rule_add(line, line->input);
		line->input_length -= end + 1 - line->input;
		memmove(line->input, end + 1, line->input_length + 1);
	}
	return room > 0;
}

static void line_run(struct line *line)
{
	struct pollfd fds[] = {
		{.fd = line->taps[FROM_CLIENT], .events = POLLIN},
		{.fd = line->taps[FROM_SERVER], .events = POLLIN},
		{.fd = STDIN_FILENO, .events = POLLIN},
	};
	struct timespec left;
	uint64_t now;

	for (;;) {
		now = now_ns();
		left = (struct timespec){0};
		if (line->first && line->first->due_ns > now) {
			left.tv_sec = (line->first->due_ns - now) / NS_PER_SECOND;
			left.tv_nsec = (line->first->due_ns - now) % NS_PER_SECOND;
		}
		if (ppoll(fds, 3, line->first ? &left : NULL, NULL) < 0 && errno != EINTR)
			return;
		tap_read(line, FROM_CLIENT);
		tap_read(line, FROM_SERVER);
		frames_deliver(line);
		if (fds[2].revents && !input_read(line))
			return;
	}
}

static void rules_log(const struct line *line)
{
	for (size_t i = 0; i < line->rule_count; i++)
		printf("rule %zu %" PRIu32 "\n", i, line->rules[i].hits);
}

int main(int count, char **arguments)
{
	static struct line line;
	int i;

	if (count < 5) {
		fprintf(stderr, "usage: line NETNS DEVICE NETNS DEVICE [RULE...]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* A line does not wait for a processor. Where that is refused it is only less exact. */
	sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
	line.begin_ns = now_ns();
	line.connections = connections_new();
	if (!line.connections)
		return 1;
	for (i = 5; i < count; i++)
		if (rule_add(&line, arguments[i]))
			return 2;
	for (i = 0; i < WAYS; i++) {
		line.taps[i] = tap_open(arguments[1 + 2 * i], arguments[2 + 2 * i]);
		if (line.taps[i] < 0) {
			fprintf(stderr, "line: making %s in %s failed: %s; run it as root\n",
				arguments[2 + 2 * i], arguments[1 + 2 * i],
				strerror(-line.taps[i]));
			return 1;
		}
	}
	printf("ready\n");
	line_run(&line);
	rules_log(&line);
	return 0;
}
