/* SPDX-License-Identifier: BSD-2-Clause */
/* The line of type "summary", as docs/events.schema.json says. */
#include <json.h>
#include <string.h>

#include "sink/json_value.h"
#include "sink/phases.h"
#include "sink/summary.h"
#include "sink/text.h"
#include "summary/summary.h"

/* Of a name in so much room. */
static struct json_object *json_text(const char *name, size_t size)
{
	return *name ? json_bytes(name, strnlen(name, size)) : NULL;
}

static struct json_object *json_ip(const struct address *address)
{
	char ip[TEXT_ADDRESS_SIZE];

	text_ip(address, ip);
	return text_address_known(address) ? json_object_new_string(ip) : NULL;
}

static void names_add(struct json_object *to, const struct summary_names *names)
{
	struct json_object *client = NULL, *server = NULL;

	if (names) {
		client = json_object_new_object();
		json_add(client, "comm", json_text(names->client_comm, HANDSHAKE_COMM_SIZE));
		json_add(client, "container",
			 json_text(names->client_container, SUMMARY_CONTAINER_SIZE));
		json_add(client, "ip", json_ip(&names->client));
		server = json_object_new_object();
		json_add(server, "sni",
			 names->sni_length ? json_bytes(names->sni, names->sni_length) : NULL);
		json_add(server, "comm", json_text(names->server_comm, HANDSHAKE_COMM_SIZE));
		json_add(server, "container",
			 json_text(names->server_container, SUMMARY_CONTAINER_SIZE));
		json_add(server, "ip", json_ip(&names->server));
		json_add(server, "port",
			 names->server.port ? json_object_new_int(names->server.port) : NULL);
	}
	json_add(to, "client", client);
	json_add(to, "server", server);
}

static void quantiles_add(struct json_object *to, const struct histogram *histogram)
{
	static const struct {
		const char *name;
		unsigned int per_mille;
	} quantiles[] = {{"p50_us", 500}, {"p95_us", 950}, {"p99_us", 990}};

	json_add(to, "count", json_object_new_uint64(histogram->count));
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		json_add(to, quantiles[i].name,
			 histogram->count ? json_duration((int64_t)histogram_quantile(
						    histogram, quantiles[i].per_mille))
					  : NULL);
	json_add(to, "max_us", histogram->count ? json_duration((int64_t)histogram->max) : NULL);
}

static struct json_object *json_phase(const struct summary_phase *phase)
{
	struct json_object *value = json_object_new_object();

	json_add(value, "name", json_name(phase_name(phase->kind)));
	json_add(value, "side",
		 phase->side < END_UNKNOWN ? json_name(text_end(phase->side)) : NULL);
	quantiles_add(value, &phase->durations);
	json_add(value, "estimated", json_object_new_uint64(phase->estimated));
	return value;
}

static struct json_object *json_share(uint64_t part, uint64_t whole)
{
	char digits[TEXT_NUMBER_SIZE];
	unsigned int per_10000;

	if (!whole)
		return NULL;
	per_10000 = (unsigned int)((double)part / (double)whole * 10000 + 0.5);
	snprintf(digits, sizeof(digits), "%u.%04u", per_10000 / 10000, per_10000 % 10000);
	return json_object_new_double_s((double)per_10000 / 10000, digits);
}

static struct json_object *json_group(const struct summary_group *group)
{
	struct json_object *value = json_object_new_object();
	struct json_object *total = json_object_new_object();
	struct json_object *phases = json_object_new_array();
	const struct summary_phase *list[SUMMARY_PHASES_MAX];
	size_t count = summary_phases(group, list);

	names_add(value, group->names);
	json_add(value, "count", json_object_new_uint64(summary_group_count(group)));
	json_add(value, "completed", json_object_new_uint64(group->completed));
	json_add(value, "failed", json_object_new_uint64(group->failed));
	json_add(value, "incomplete", json_object_new_uint64(group->incomplete));
	json_add(value, "resumed", json_object_new_uint64(group->resumed));
	json_add(value, "resumed_share", json_share(group->resumed, group->completed));
	json_add(value, "untimed", json_object_new_uint64(group->untimed));
	quantiles_add(total, &group->totals);
	json_add(value, "total", total);
	for (size_t i = 0; i < count; i++)
		json_append(phases, json_phase(list[i]));
	json_add(value, "phases", phases);
	return value;
}

void summary_json_write(const struct sink_settings *settings, struct summary *summary,
			uint64_t time_ns)
{
	struct json_object *line = json_line("summary"), *list = json_object_new_array();
	const struct summary_group *other = summary_other(summary);
	const struct summary_group *const *groups;
	size_t count = summary_groups(summary, &groups);

	for (size_t i = 0; i < count; i++)
		json_append(list, json_group(groups[i]));
	json_add(line, "time", json_time(settings, time_ns));
	json_add(line, "groups", list);
	json_add(line, "other", other ? json_group(other) : NULL);
	json_write(settings, line);
}
