// SPDX-License-Identifier: BSD-2-Clause
#include "source/connection_table.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

/* Held segments: what one end sends while the other's packets are late; all connections together.
 */
#define HELD_SEGMENTS_MAX 128
#define HELD_BYTES_MAX	  (128 * 1024)
#define HELD_TOTAL_MAX	  (32 * 1024 * 1024)

/* Connections that are over and kept: the next one makes the first of them go. */
#define RETIRED_MAX 1024

struct connection_table {
	struct connection *retired[RETIRED_MAX];
	size_t retired_at;
	struct connection *pool;
	struct connection
		*free;	/* through free_next; the latest released first: it is in the cache */
	size_t touched; /* entries of the pool ever used */
	size_t capacity;
	struct connection_link **buckets; /* by key */
	struct connection **endpoints;	  /* by who sent the first packet */
	size_t bucket_count;		  /* a power of two */
	uint64_t seed; /* who chooses the addresses does not choose the buckets */
	struct connection *oldest, *newest;
	struct connection *suspects;
	size_t held_bytes;
};

struct connection_table *connection_table_new(size_t capacity)
{
	struct connection_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->capacity = capacity;
	for (table->bucket_count = 64; table->bucket_count < capacity;)
		table->bucket_count *= 2;
	table->buckets = calloc(table->bucket_count, sizeof(*table->buckets));
	table->endpoints = calloc(table->bucket_count, sizeof(*table->endpoints));
	table->pool = calloc(capacity, sizeof(*table->pool));
	table->seed = hash_seed();
	if (table->buckets && table->endpoints && table->pool)
		return table;
	connection_table_free(table);
	return NULL;
}

void connection_table_free(struct connection_table *table)
{
	struct connection *connection;

	if (!table)
		return;
	for (connection = table->oldest; connection; connection = connection->newer) {
		connection_drop(table, connection, 0);
		connection_drop(table, connection, 1);
	}
	free(table->buckets);
	free(table->endpoints);
	free(table->pool);
	free(table);
}

unsigned int connection_key_make(struct connection_key *key, const struct frame *frame)
{
	int order = memcmp(frame->source, frame->destination, 16);
	unsigned int side = order ? order > 0 : frame->source_port > frame->destination_port;

	memset(key, 0, sizeof(*key));
	memcpy(key->addresses[side], frame->source, 16);
	memcpy(key->addresses[!side], frame->destination, 16);
	key->ports[side] = frame->source_port;
	key->ports[!side] = frame->destination_port;
	key->encapsulation = frame->encapsulation;
	key->ifindex = frame->ifindex;
	key->protocol = frame->protocol;
	return side;
}

uint64_t connection_table_seed(const struct connection_table *table)
{
	return table->seed;
}

static struct connection_link **bucket_of(const struct connection_table *table,
					  const struct connection_key *key)
{
	_Static_assert(sizeof(*key) % sizeof(uint64_t) == 0, "the key is hashed in words");
	return &table->buckets[hash_words(key, sizeof(*key), table->seed) &
			       (table->bucket_count - 1)];
}

static struct connection **endpoint_of(const struct connection_table *table,
				       const uint8_t address[16], uint16_t port)
{
	uint64_t words[3] = {0, 0, port};

	memcpy(words, address, 16);
	return &table->endpoints[hash_words(words, sizeof(words), table->seed) &
				 (table->bucket_count - 1)];
}

struct connection *connection_find(const struct connection_table *table,
				   const struct connection_key *key, unsigned int *side)
{
	struct connection_link *link = *bucket_of(table, key);

	while (link && memcmp(&link->key, key, sizeof(*key)))
		link = link->next;
	if (!link)
		return NULL;
	*side ^= link->flipped;
	return link->owner;
}

static bool is_from(const struct connection *connection, const uint8_t address[16], uint16_t port)
{
	const struct connection_key *key = &connection->links[0].key;
	unsigned int side = connection->endpoint_side;

	return key->ports[side] == port && memcmp(key->addresses[side], address, 16) == 0;
}

struct connection *connection_from(const struct connection_table *table, const uint8_t address[16],
				   uint16_t port)
{
	struct connection *connection = *endpoint_of(table, address, port);

	while (connection && !is_from(connection, address, port))
		connection = connection->endpoint_next;
	return connection;
}

struct connection *connection_from_next(const struct connection *connection)
{
	const struct connection_key *key = &connection->links[0].key;
	unsigned int side = connection->endpoint_side;
	struct connection *next = connection->endpoint_next;

	while (next && !is_from(next, key->addresses[side], key->ports[side]))
		next = next->endpoint_next;
	return next;
}

static void age_unlink(struct connection_table *table, struct connection *connection)
{
	*(connection->older ? &connection->older->newer : &table->oldest) = connection->newer;
	*(connection->newer ? &connection->newer->older : &table->newest) = connection->older;
}

static void age_append(struct connection_table *table, struct connection *connection)
{
	connection->older = table->newest;
	connection->newer = NULL;
	*(table->newest ? &table->newest->newer : &table->oldest) = connection;
	table->newest = connection;
}

static struct connection *slot_take(struct connection_table *table)
{
	struct connection *slot = table->free;

	if (!slot)
		return table->touched < table->capacity ? &table->pool[table->touched++] : NULL;
	table->free = slot->free_next;
	return slot;
}

static void link_add(struct connection_table *table, struct connection_link *link)
{
	struct connection_link **bucket = bucket_of(table, &link->key);

	link->next = *bucket;
	*bucket = link;
}

static void link_remove(struct connection_table *table, struct connection_link *link)
{
	struct connection_link **at = bucket_of(table, &link->key);

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
}

struct connection *connection_oldest(const struct connection_table *table)
{
	return table->oldest;
}

struct connection *connection_take(struct connection_table *table, const struct connection_key *key,
				   unsigned int side)
{
	struct connection *connection = slot_take(table), **endpoint;

	if (!connection)
		return NULL;
	memset(connection, 0, sizeof(*connection));
	connection->links[0].key = *key;
	connection->links[0].owner = connection;
	connection->endpoint_side = side;
	connection->used = true;
	link_add(table, &connection->links[0]);
	endpoint = endpoint_of(table, key->addresses[side], key->ports[side]);
	connection->endpoint_next = *endpoint;
	*endpoint = connection;
	age_append(table, connection);
	return connection;
}

void connection_alias(struct connection_table *table, struct connection *connection,
		      const struct connection_key *key, unsigned int side)
{
	struct connection_link *link = &connection->links[1];

	if (connection->has_alias)
		return;
	link->key = *key;
	link->owner = connection;
	link->flipped = side == connection->endpoint_side;
	connection->has_alias = true;
	link_add(table, link);
}

static void endpoint_remove(struct connection_table *table, struct connection *connection)
{
	const struct connection_key *key = &connection->links[0].key;
	unsigned int side = connection->endpoint_side;
	struct connection **at = endpoint_of(table, key->addresses[side], key->ports[side]);

	while (*at != connection)
		at = &(*at)->endpoint_next;
	*at = connection->endpoint_next;
}

void connection_retire(struct connection_table *table, struct connection *connection)
{
	struct connection **slot = &table->retired[table->retired_at % RETIRED_MAX];

	if (connection->retired)
		return;
	if (*slot && !(*slot)->tracked)
		connection_release(table, *slot);
	else if (*slot)
		(*slot)->retired = false;
	*slot = connection;
	table->retired_at++;
	connection->retired = true;
}

static void retired_remove(struct connection_table *table, const struct connection *connection)
{
	size_t i;

	for (i = 0; i < RETIRED_MAX; i++)
		if (table->retired[i] == connection)
			table->retired[i] = NULL;
}

void connection_release(struct connection_table *table, struct connection *connection)
{
	if (connection->retired)
		retired_remove(table, connection);
	link_remove(table, &connection->links[0]);
	if (connection->has_alias)
		link_remove(table, &connection->links[1]);
	endpoint_remove(table, connection);
	age_unlink(table, connection);
	connection_trust(table, connection);
	connection_drop(table, connection, 0);
	connection_drop(table, connection, 1);
	connection->used = connection->tracked = false;
	connection->free_next = table->free;
	table->free = connection;
}

void connection_touch(struct connection_table *table, struct connection *connection)
{
	if (table->newest == connection)
		return;
	age_unlink(table, connection);
	age_append(table, connection);
}

size_t connection_index(const struct connection_table *table, const struct connection *connection)
{
	return (size_t)(connection - table->pool);
}

struct connection *connection_at(const struct connection_table *table, size_t index)
{
	return index < table->touched && table->pool[index].used ? &table->pool[index] : NULL;
}

void connection_suspect(struct connection_table *table, struct connection *connection)
{
	if (connection->suspect)
		return;
	connection->suspect = true;
	connection->suspect_older = NULL;
	connection->suspect_newer = table->suspects;
	if (table->suspects)
		table->suspects->suspect_older = connection;
	table->suspects = connection;
}

void connection_trust(struct connection_table *table, struct connection *connection)
{
	if (!connection->suspect)
		return;
	connection->suspect = false;
	*(connection->suspect_older ? &connection->suspect_older->suspect_newer
				    : &table->suspects) = connection->suspect_newer;
	if (connection->suspect_newer)
		connection->suspect_newer->suspect_older = connection->suspect_older;
}

struct connection *connection_first_suspect(const struct connection_table *table)
{
	return table->suspects;
}

bool connection_hold(struct connection_table *table, struct connection *connection,
		     unsigned int side, const struct frame *frame, uint64_t time_ns)
{
	struct held_segment **link = &connection->held, *held;
	size_t length = frame->payload.length;

	if (connection->held_count == HELD_SEGMENTS_MAX ||
	    connection->held_bytes + length > HELD_BYTES_MAX ||
	    table->held_bytes + length > HELD_TOTAL_MAX)
		return false;
	held = malloc(sizeof(*held) + length);
	if (!held)
		return false;
	*held = (struct held_segment){.time_ns = time_ns, .side = side, .frame = *frame};
	if (length)
		memcpy(held->bytes, frame->payload.bytes, length);
	held->frame.payload.bytes = held->bytes;
	while (*link)
		link = &(*link)->next;
	*link = held;
	connection->held_count++;
	connection->held_bytes += length;
	table->held_bytes += length;
	return true;
}

struct held_segment *connection_take_held(struct connection_table *table,
					  struct connection *connection, struct held_segment *held)
{
	struct held_segment **link = &connection->held;

	while (*link && *link != held)
		link = &(*link)->next;
	if (!*link)
		return NULL;
	*link = held->next;
	connection->held_count--;
	connection->held_bytes -= held->frame.payload.length;
	table->held_bytes -= held->frame.payload.length;
	return held;
}

void connection_unhold(struct connection_table *table, struct connection *connection,
		       struct held_segment **link)
{
	free(connection_take_held(table, connection, *link));
}

void connection_drop(struct connection_table *table, struct connection *connection,
		     unsigned int side)
{
	struct held_segment **link = &connection->held;

	while (*link) {
		if ((*link)->side == side)
			connection_unhold(table, connection, link);
		else
			link = &(*link)->next;
	}
}
