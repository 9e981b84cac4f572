// SPDX-License-Identifier: BSD-2-Clause
#include "source/connection_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "hash.h"

/* Held segments: a hello of post-quantum size in pieces, and all connections together. */
#define HELD_SEGMENTS_MAX 32
#define HELD_BYTES_MAX	  (64 * 1024)
#define HELD_TOTAL_MAX	  (16 * 1024 * 1024)

struct connection_table {
	struct connection *pool;
	struct connection
		*free;	/* through bucket_next; the latest released first: it is in the cache */
	size_t touched; /* entries of the pool ever used */
	size_t capacity;
	struct connection **buckets;
	size_t bucket_count; /* a power of two */
	uint64_t seed;	     /* who chooses the addresses does not choose the buckets */
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
	table->pool = calloc(capacity, sizeof(*table->pool));
	if (getrandom(&table->seed, sizeof(table->seed), GRND_NONBLOCK) < 0)
		table->seed = 0; /* no worse than any constant */
	if (table->buckets && table->pool)
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

static struct connection **bucket_of(const struct connection_table *table,
				     const struct connection_key *key)
{
	_Static_assert(sizeof(*key) % sizeof(uint64_t) == 0, "the key is hashed in words");
	return &table->buckets[hash_words(key, sizeof(*key), table->seed) &
			       (table->bucket_count - 1)];
}

struct connection *connection_find(const struct connection_table *table,
				   const struct connection_key *key)
{
	struct connection *connection = *bucket_of(table, key);

	while (connection && memcmp(&connection->key, key, sizeof(*key)))
		connection = connection->bucket_next;
	return connection;
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
		return &table->pool[table->touched++];
	table->free = slot->bucket_next;
	return slot;
}

struct connection *connection_take(struct connection_table *table, const struct connection_key *key,
				   bool *evicted)
{
	struct connection *connection, **bucket;

	*evicted = false;
	if (!table->free && table->touched == table->capacity) {
		*evicted = table->oldest->tracked;
		connection_release(table, table->oldest);
	}
	connection = slot_take(table);
	memset(connection, 0, sizeof(*connection));
	connection->key = *key;
	connection->used = true;
	bucket = bucket_of(table, key);
	connection->bucket_next = *bucket;
	*bucket = connection;
	age_append(table, connection);
	return connection;
}

void connection_release(struct connection_table *table, struct connection *connection)
{
	struct connection **link = bucket_of(table, &connection->key);

	while (*link != connection)
		link = &(*link)->bucket_next;
	*link = connection->bucket_next;
	age_unlink(table, connection);
	connection_trust(table, connection);
	connection_drop(table, connection, 0);
	connection_drop(table, connection, 1);
	connection->used = connection->tracked = false;
	connection->bucket_next = table->free;
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

void connection_drop(struct connection_table *table, struct connection *connection,
		     unsigned int side)
{
	struct held_segment **link = &connection->held, *held;

	while ((held = *link)) {
		if (held->side != side) {
			link = &held->next;
			continue;
		}
		*link = held->next;
		connection->held_count--;
		connection->held_bytes -= held->frame.payload.length;
		table->held_bytes -= held->frame.payload.length;
		free(held);
	}
}
