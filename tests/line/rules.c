// SPDX-License-Identifier: BSD-2-Clause
#include "rules.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

enum { CONNECTIONS = 64, PIECES = 1024 };

/* A stretch of the stream as it was first sent. */
struct piece {
	uint32_t begin, end, tries;
};

struct direction {
	struct piece *pieces; /* PIECES, made when the first comes */
	uint32_t count, syns, acks, datagrams;
};

struct connection {
	uint16_t client, server;
	uint8_t protocol;
	struct direction directions[WAYS];
};

struct connections {
	struct connection all[CONNECTIONS];
	size_t next;
};

struct word {
	const char *name;
	int (*read)(const char *value, struct rule *rule, struct settings *settings);
};

static int range_read(const char *value, uint32_t range[2])
{
	char *end;

	range[0] = range[1] = strtoul(value, &end, 10);
	if (*end == '-')
		range[1] = strtoul(end + 1, &end, 10);
	return *end || !range[0] ? -EINVAL : 0;
}

static int milliseconds_read(const char *value, uint64_t *ns)
{
	char *end;
	double ms = strtod(value, &end);

	*ns = ms * 1e6;
	return *end || end == value || ms < 0 ? -EINVAL : 0;
}

static int number_read(const char *value, uint64_t *number)
{
	char *end;

	*number = strtoull(value, &end, 10);
	return *end || end == value ? -EINVAL : 0;
}

static int nth_read(const char *value, struct rule *rule, struct settings *settings)
{
	(void)settings;
	return range_read(value, rule->nth);
}

static int try_read(const char *value, struct rule *rule, struct settings *settings)
{
	(void)settings;
	return range_read(value, rule->try);
}

static int count_read(const char *value, struct rule *rule, struct settings *settings)
{
	uint64_t count;
	int error = number_read(value, &count);

	(void)settings;
	rule->left = count;
	return error;
}

static int for_read(const char *value, struct rule *rule, struct settings *settings)
{
	(void)settings;
	return milliseconds_read(value, &rule->for_ns);
}

static int after_read(const char *value, struct rule *rule, struct settings *settings)
{
	(void)settings;
	return milliseconds_read(value, &rule->after_ns);
}

static int drop_read(const char *value, struct rule *rule, struct settings *settings)
{
	(void)settings;
	rule->action = ACTION_DROP;
	return *value ? -EINVAL : 0;
}

static int late_read(const char *value, struct rule *rule, enum action action)
{
	rule->action = action;
	return milliseconds_read(value, &rule->amount);
}

static int delay_read(const char *value, struct rule *rule, struct settings *settings)
{
	(void)settings;
	return late_read(value, rule, ACTION_DELAY);
}

static int stall_read(const char *value, struct rule *rule, struct settings *settings)
{
	(void)settings;
	return late_read(value, rule, ACTION_STALL);
}

static int dup_read(const char *value, struct rule *rule, struct settings *settings)
{
	(void)settings;
	return late_read(value, rule, ACTION_DUP);
}

static int swap_read(const char *value, struct rule *rule, struct settings *settings)
{
	(void)settings;
	rule->action = ACTION_SWAP;
	return number_read(value, &rule->amount);
}

/* Of one line, the settings are those of each direction that it names. */
static int way_read(const char *value, struct rule *rule, struct settings *settings)
{
	(void)rule;
	return milliseconds_read(value, &settings->way_ns);
}

static int rate_read(const char *value, struct rule *rule, struct settings *settings)
{
	(void)rule;
	return number_read(value, &settings->rate);
}

static int queue_read(const char *value, struct rule *rule, struct settings *settings)
{
	(void)rule;
	return number_read(value, &settings->queue);
}

static const struct word words[] = {
	{"nth=", nth_read},	{"try=", try_read},  {"count=", count_read}, {"for=", for_read},
	{"after=", after_read}, {"drop", drop_read}, {"delay=", delay_read}, {"stall=", stall_read},
	{"swap=", swap_read},	{"dup=", dup_read},  {"way=", way_read},     {"rate=", rate_read},
	{"queue=", queue_read},
};

static const struct {
	const char *name;
	enum packet_kind kind;
} kinds[] = {
	{"syn", KIND_SYN},     {"synack", KIND_SYNACK}, {"ack", KIND_ACK}, {"data", KIND_DATA},
	{"hello", KIND_HELLO}, {"fin", KIND_FIN},	{"rst", KIND_RST}, {"udp", KIND_UDP},
};

static int word_read(const char *text, struct rule *rule, struct settings settings[WAYS])
{
	size_t i, length;
	int way, error;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(text, kinds[i].name) == 0) {
			rule->kinds |= kinds[i].kind;
			return 0;
		}
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		length = strlen(words[i].name);
		if (strncmp(text, words[i].name, length))
			continue;
		for (way = 0, error = 0; way < WAYS && !error; way++)
			if (rule->from[way])
				error = words[i].read(text + length, rule, &settings[way]);
		return error;
	}
	return -EINVAL;
}

static bool from_read(const char *text, struct rule *rule)
{
	bool client = strcmp(text, "from=client") == 0;

	if (!client && strcmp(text, "from=server"))
		return false;
	rule->from[FROM_CLIENT] = client;
	rule->from[FROM_SERVER] = !client;
	return true;
}

int rule_parse(const char *line, struct rule *rule, struct settings settings[WAYS])
{
	char *copy = strdup(line), *rest = copy, *text;
	int error = copy ? 0 : -ENOMEM;

	*rule = (struct rule){.from = {true, true}, .left = UINT32_MAX};
	while (!error && (text = strsep(&rest, " \t\n")))
		if (*text && !from_read(text, rule))
			error = word_read(text, rule, settings);
	free(copy);
	return error;
}

static bool in_range(const uint32_t range[2], uint32_t number)
{
	return !range[0] || (number >= range[0] && number <= range[1]);
}

bool rule_acts(struct rule *rule, const struct label *label, uint64_t now_ns, uint64_t age_ns)
{
	if (!rule->left || !rule->from[label->from] || age_ns < rule->after_ns ||
	    (rule->kinds && !(rule->kinds & label->kinds)) || !in_range(rule->nth, label->nth) ||
	    !in_range(rule->try, label->try))
		return false;
	if (rule->for_ns && !rule->until_ns)
		rule->until_ns = now_ns + rule->for_ns;
	if (rule->until_ns && now_ns > rule->until_ns)
		return false;
	rule->left--;
	rule->hits++;
	return true;
}

struct connections *connections_new(void)
{
	return calloc(1, sizeof(struct connections));
}

/* The oldest gives way. */
static struct connection *connection_of(struct connections *connections,
					const struct packet *packet, enum way from)
{
	uint16_t client = from == FROM_CLIENT ? packet->source : packet->target;
	uint16_t server = from == FROM_CLIENT ? packet->target : packet->source;
	struct connection *one;
	size_t i;

	for (i = 0; i < CONNECTIONS; i++) {
		one = &connections->all[i];
		if (one->client == client && one->server == server &&
		    one->protocol == packet->protocol)
			return one;
	}
	one = &connections->all[connections->next++ % CONNECTIONS];
	for (i = 0; i < WAYS; i++)
		free(one->directions[i].pieces);
	*one = (struct connection){client, server, packet->protocol, {{0}}};
	return one;
}

static bool is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* A data segment: a new one, or one that was sent before. */
static void piece_number(struct direction *direction, const struct packet *packet,
			 struct label *label)
{
	struct piece *piece;
	uint32_t i;

	if (!direction->pieces)
		direction->pieces = calloc(PIECES, sizeof(*direction->pieces));
	if (!direction->pieces)
		abort();
	for (i = 0; i < direction->count; i++) {
		piece = &direction->pieces[i];
		if (is_before(packet->sequence, piece->end)) {
			label->nth = i + 1;
			label->try = ++piece->tries;
			return;
		}
	}
	if (direction->count < PIECES)
		direction->pieces[direction->count++] =
			(struct piece){packet->sequence, packet->sequence + packet->length, 1};
	label->nth = direction->count;
	label->try = 1;
}

static void tcp_label(struct direction *direction, const struct packet *packet, struct label *label)
{
	if (packet->flags & TCP_FIN)
		label->kinds |= KIND_FIN;
	if (packet->flags & TCP_RST)
		label->kinds |= KIND_RST;
	if (packet_is_hello(packet))
		label->kinds |= KIND_HELLO;
	label->nth = label->try = 1;
	if (packet->flags & TCP_SYN) {
		label->kinds |= packet->flags & TCP_ACK ? KIND_SYNACK : KIND_SYN;
		label->try = ++direction->syns;
	} else if (packet->length) {
		label->kinds |= KIND_DATA;
		piece_number(direction, packet, label);
	} else if (!label->kinds) {
		label->kinds = KIND_ACK;
		label->nth = ++direction->acks;
	}
}

struct label packet_label(struct connections *connections, const struct packet *packet,
			  enum way from)
{
	struct connection *connection = connection_of(connections, packet, from);
	struct direction *direction = &connection->directions[from];
	struct label label = {.from = from};

	if (packet->protocol == IPPROTO_TCP) {
		tcp_label(direction, packet, &label);
	} else {
		label.kinds = KIND_UDP;
		label.nth = ++direction->datagrams;
		label.try = 1;
	}
	return label;
}
