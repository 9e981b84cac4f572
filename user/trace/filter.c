// SPDX-License-Identifier: BSD-2-Clause
#include "trace/filter.h"

#include <fnmatch.h>
#include <string.h>

#include "handshake/handshake.h"
#include "options/options.h"
#include "who/container.h"

static bool network_contains(const struct options_network *network, const uint8_t ip[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	unsigned int bytes = network->bits / 8, bits = network->bits % 8;

	/* An IPv4 address is in no network of IPv6, as wide as that may be. */
	if (network->bits < 96 && memcmp(ip, mapped, sizeof(mapped)) == 0)
		return false;
	if (memcmp(network->ip, ip, bytes))
		return false;
	return !bits || (network->ip[bytes] ^ ip[bytes]) >> (8 - bits) == 0;
}

static bool pid_matches(const struct options *options, const struct endpoint *end)
{
	size_t i;

	for (i = 0; i < options->pid_count; i++)
		if (end->process.pid == options->pids[i])
			return true;
	return end->process.followed || (!options->pid_count && !options->command);
}

static bool comm_matches(const struct options *options, const struct endpoint *end)
{
	size_t i;

	for (i = 0; i < options->comm_count; i++)
		if (end->process.pid && fnmatch(options->comms[i], end->process.comm, 0) == 0)
			return true;
	return !options->comm_count;
}

static bool uid_matches(const struct options *options, const struct endpoint *end)
{
	size_t i;

	for (i = 0; i < options->uid_count; i++)
		if (end->process.pid && end->process.uid == options->uids[i])
			return true;
	return !options->uid_count;
}

static bool container_matches(const struct options *options, const struct endpoint *end)
{
	size_t i;

	for (i = 0; i < options->container_count; i++)
		if (container_is(end->process.container, options->containers[i]))
			return true;
	return !options->container_count;
}

/* The cgroup itself, or one below it. */
static bool cgroup_contains(const char *cgroup, const char *path)
{
	size_t length = strlen(cgroup);

	while (length && cgroup[length - 1] == '/')
		length--;
	return strncmp(path, cgroup, length) == 0 && (path[length] == '/' || !path[length]);
}

static bool cgroup_matches(const struct options *options, const struct endpoint *end)
{
	const char *path = end->process.cgroup_path;
	size_t i;

	for (i = 0; path && i < options->cgroup_count; i++)
		if (cgroup_contains(options->cgroups[i], path))
			return true;
	return !options->cgroup_count;
}

static bool netns_matches(const struct options *options, const struct endpoint *end)
{
	size_t i;

	for (i = 0; i < options->netns_count; i++)
		if (!options->netns[i] || end->netns == options->netns[i])
			return true;
	return !options->netns_count;
}

static bool port_matches(const struct options *options, const struct endpoint *end)
{
	size_t i;

	for (i = 0; i < options->port_count; i++)
		if (end->address.port == options->ports[i])
			return true;
	return !options->port_count;
}

static bool network_matches(const struct options *options, const struct endpoint *end)
{
	size_t i;

	for (i = 0; i < options->network_count; i++)
		if (network_contains(&options->networks[i], end->address.ip))
			return true;
	return !options->network_count;
}

static bool sni_matches(const struct options *options, const struct handshake *handshake)
{
	size_t i;

	for (i = 0; i < options->name_count; i++)
		if (handshake->sni && fnmatch(options->names[i], handshake->sni, FNM_CASEFOLD) == 0)
			return true;
	return !options->name_count;
}

/* What was cut off took its time too. */
static bool is_slow(const struct options *options, const struct handshake *handshake)
{
	uint64_t ns;

	if (!handshake_total(handshake, &ns))
		ns = handshake->end_ns > handshake->time_ns ? handshake->end_ns - handshake->time_ns
							    : 0;
	return ns > options->slower_than_ns;
}

typedef bool (*end_filter)(const struct options *options, const struct endpoint *end);

static bool ends_match(const struct options *options, const struct handshake *handshake,
		       end_filter matches)
{
	return (options->role != END_SERVER && matches(options, &handshake->ends[END_CLIENT])) ||
	       (options->role != END_CLIENT && matches(options, &handshake->ends[END_SERVER]));
}

/* A proxy or NAT between the ends has ports, addresses and processes of its own, which are no end
 * of the handshake. */
static bool place_matches(const struct options *options, const struct place *place,
			  end_filter matches)
{
	struct endpoint client = {.address = place->client}, server = {.address = place->server};

	if (options->role < 0)
		server.process = place->process;
	return (options->role != END_SERVER && matches(options, &client)) ||
	       (options->role != END_CLIENT && matches(options, &server));
}

static bool path_matches(const struct options *options, const struct handshake *handshake,
			 end_filter matches)
{
	size_t i;

	for (i = 0; i < handshake->path_count; i++)
		if (place_matches(options, &handshake->path[i], matches))
			return true;
	return false;
}

/* The trace ended, or an interim account came, while it had been silent for so long. */
#define HANGING_NS 1000000000ULL

static bool is_hanging(const struct handshake *handshake)
{
	return handshake->outcome == HANDSHAKE_INCOMPLETE && !handshake->gap &&
	       !handshake->truncated && handshake->end_ns > handshake->last_ns + HANGING_NS;
}

bool filter_matches(const struct options *options, const struct handshake *handshake)
{
	static const end_filter filters[] = {pid_matches,	comm_matches,	uid_matches,
					     container_matches, cgroup_matches, netns_matches,
					     port_matches,	network_matches};
	size_t i;

	if (options->failed_only && handshake->outcome != HANDSHAKE_FAILED &&
	    !handshake->rejected_after && !is_hanging(handshake))
		return false;
	if (options->slower_than_ns && !is_slow(options, handshake))
		return false;
	/* A capture has no local end: there the role only says which end the other filters look at.
	 */
	if (options->role >= 0 && !options->file && !handshake->ends[options->role].process.pid)
		return false;
	for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		if (!ends_match(options, handshake, filters[i]) &&
		    !path_matches(options, handshake, filters[i]))
			return false;
	return sni_matches(options, handshake);
}
