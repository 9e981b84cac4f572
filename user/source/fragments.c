// SPDX-License-Identifier: BSD-2-Clause
#include "source/fragments.h"

#include <stdlib.h>
#include <string.h>

#define UNIT	     8 /* fragments begin at multiples of it */
#define DATAGRAM_MAX 65535
#define UNITS_MAX    (DATAGRAM_MAX / UNIT + 1)
/* RFC 8200 section 4.5: 60 seconds; Linux waits 30 for IPv4. */
#define EXPIRY_NS (30 * 1000000000ULL)

struct datagram {
	struct fragment_key key;
	uint64_t begun_ns;
	bool used, is_void;
	uint32_t units; /* of 8 bytes that came */
	uint32_t total; /* length; 0 until the last fragment came */
	uint32_t highest;
	uint8_t protocol;
	uint8_t came[(UNITS_MAX + 7) / 8]; /* a bit each */
	uint8_t bytes[DATAGRAM_MAX + 1];
};

struct fragments {
	struct datagram
		*datagrams[FRAGMENTS_DATAGRAMS_MAX]; /* allocated when needed first, then kept */
};

struct fragments *fragments_new(void)
{
	return calloc(1, sizeof(struct fragments));
}

void fragments_free(struct fragments *fragments)
{
	size_t i;

	if (!fragments)
		return;
	for (i = 0; i < FRAGMENTS_DATAGRAMS_MAX; i++)
		free(fragments->datagrams[i]);
	free(fragments);
}

static struct datagram *datagram_find(struct fragments *fragments, const struct fragment_key *key,
				      uint64_t time_ns)
{
	size_t i;

	for (i = 0; i < FRAGMENTS_DATAGRAMS_MAX && fragments->datagrams[i]; i++) {
		struct datagram *datagram = fragments->datagrams[i];

		if (!datagram->used || memcmp(&datagram->key, key, sizeof(*key)))
			continue;
		if (time_ns <= datagram->begun_ns + EXPIRY_NS)
			return datagram;
		datagram->used = false; /* the identification is used again */
	}
	return NULL;
}

/* An unused datagram, else a new one, else the oldest. */
static struct datagram *datagram_take(struct fragments *fragments)
{
	struct datagram *oldest = NULL;
	size_t i;

	for (i = 0; i < FRAGMENTS_DATAGRAMS_MAX; i++) {
		struct datagram *datagram = fragments->datagrams[i];

		if (!datagram)
			return fragments->datagrams[i] = malloc(sizeof(*datagram));
		if (!datagram->used)
			return datagram;
		if (!oldest || datagram->begun_ns < oldest->begun_ns)
			oldest = datagram;
	}
	return oldest;
}

static struct datagram *datagram_begin(struct fragments *fragments, const struct fragment *fragment,
				       uint64_t time_ns)
{
	struct datagram *datagram = datagram_take(fragments);

	if (!datagram)
		return NULL;
	datagram->key = fragment->key;
	datagram->begun_ns = time_ns;
	datagram->used = true;
	datagram->is_void = false;
	datagram->units = datagram->total = datagram->highest = 0;
	datagram->protocol = 0;
	memset(datagram->came, 0, sizeof(datagram->came));
	return datagram;
}

static uint32_t units_of(uint32_t length)
{
	return (length + UNIT - 1) / UNIT;
}

/* How many of the units that a fragment covers came before. */
static uint32_t units_known(const struct datagram *datagram, uint32_t first, uint32_t count)
{
	uint32_t known = 0, i;

	for (i = first; i < first + count; i++)
		known += datagram->came[i / 8] >> i % 8 & 1;
	return known;
}

static bool fragment_fits(const struct datagram *datagram, const struct fragment *fragment,
			  uint32_t end)
{
	if (fragment->more)
		return !datagram->total || end <= datagram->total;
	return end >= datagram->highest && (!datagram->total || datagram->total == end);
}

static void fragment_store(struct datagram *datagram, const struct fragment *fragment, uint32_t end)
{
	uint32_t first = fragment->offset / UNIT, count = units_of(fragment->bytes.length), i;

	/* A fragment in a tunnel that came in fragments may lie in the very buffer that is taken
	 * for it. */
	memmove(datagram->bytes + fragment->offset, fragment->bytes.bytes, fragment->bytes.length);
	for (i = first; i < first + count; i++)
		datagram->came[i / 8] |= 1 << i % 8;
	datagram->units += count;
	if (end > datagram->highest)
		datagram->highest = end;
	if (!fragment->more)
		datagram->total = end;
	if (!fragment->offset)
		datagram->protocol = fragment->protocol;
}

static void fragment_put(struct datagram *datagram, const struct fragment *fragment, uint32_t end)
{
	uint32_t count = units_of(fragment->bytes.length);
	uint32_t known = units_known(datagram, fragment->offset / UNIT, count);

	if (!fragment_fits(datagram, fragment, end))
		datagram->is_void = true;
	else if (known == 0)
		fragment_store(datagram, fragment, end);
	else if (known < count)
		datagram->is_void = true;
}

bool fragments_add(struct fragments *fragments, const struct fragment *fragment, uint64_t time_ns,
		   struct slice *whole, uint8_t *protocol)
{
	uint64_t end = (uint64_t)fragment->offset + fragment->bytes.length;
	struct datagram *datagram;

	if (!fragment->bytes.length || end > DATAGRAM_MAX || fragment->offset % UNIT ||
	    (fragment->more && fragment->bytes.length % UNIT))
		return false;
	datagram = datagram_find(fragments, &fragment->key, time_ns);
	if (!datagram)
		datagram = datagram_begin(fragments, fragment, time_ns);
	if (!datagram)
		return false;
	if (!datagram->is_void)
		fragment_put(datagram, fragment, (uint32_t)end);
	if (datagram->is_void || !datagram->total || datagram->units < units_of(datagram->total))
		return false;
	datagram->used = false;
	*whole = (struct slice){datagram->bytes, datagram->total};
	*protocol = datagram->protocol;
	return true;
}
