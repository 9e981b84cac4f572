// SPDX-License-Identifier: BSD-2-Clause
/* The line of type "summary", as docs/events.schema.json says. */
#include <stdio.h>
#include <string.h>

#include "sink/json_write.h"
#include "sink/phases.h"
#include "sink/summary.h"
#include "sink/text.h"
#include "summary/summary.h"

static void key_open(struct json *json, const char *key, char bracket)
{
	json_key(json, key, strlen(key));
	json_open(json, bracket);
}

/* A text in so much room; empty is unknown. */
static void text_field(struct json *json, const char *key, const void *text, size_t length)
{
	json_key(json, key, strlen(key));
	if (length)
		json_bytes(json, text, length);
	else
		json_null(json);
}

static void ip_field(struct json *json, const struct address *address)
{
	char ip[TEXT_ADDRESS_SIZE];

	text_ip(address, ip);
	json_name_field(json, "ip", text_address_known(address) ? ip : NULL);
}

static void known_number_field(struct json *json, const char *key, uint64_t number)
{
	if (number)
		json_number_field(json, key, number);
	else
		json_name_field(json, key, NULL);
}

static void names_write(struct json *json, const struct summary_names *names)
{
	if (!names) {
		json_name_field(json, "client", NULL);
		json_name_field(json, "server", NULL);
		return;
	}
	key_open(json, "client", '{');
	text_field(json, "comm", names->client_comm,
		   strnlen(names->client_comm, HANDSHAKE_COMM_SIZE));
	text_field(json, "container", names->client_container,
		   strnlen(names->client_container, SUMMARY_CONTAINER_SIZE));
	ip_field(json, &names->client);
	json_close(json, '}');
	key_open(json, "server", '{');
	text_field(json, "sni", names->sni, names->sni_length);
	text_field(json, "comm", names->server_comm,
		   strnlen(names->server_comm, HANDSHAKE_COMM_SIZE));
	text_field(json, "container", names->server_container,
		   strnlen(names->server_container, SUMMARY_CONTAINER_SIZE));
	ip_field(json, &names->server);
	known_number_field(json, "port", names->server.port);
	json_close(json, '}');
}

static void quantile_field(struct json *json, const char *key, bool is_known, uint64_t ns)
{
	json_key(json, key, strlen(key));
	if (is_known)
		json_duration(json, (int64_t)ns);
	else
		json_null(json);
}

static void quantiles_write(struct json *json, const struct histogram *histogram)
{
	static const struct {
		const char *name;
		unsigned int per_mille;
	} quantiles[] = {{"p50_us", 500}, {"p95_us", 950}, {"p99_us", 990}};

	json_number_field(json, "count", histogram->count);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		quantile_field(json, quantiles[i].name, histogram->count,
			       histogram->count
				       ? histogram_quantile(histogram, quantiles[i].per_mille)
				       : 0);
	quantile_field(json, "max_us", histogram->count, histogram->max);
}

static void phase_write(struct json *json, const struct summary_phase *phase)
{
	json_open(json, '{');
	json_name_field(json, "name", phase_name(phase->kind));
	json_name_field(json, "side", phase->side < END_UNKNOWN ? text_end(phase->side) : NULL);
	quantiles_write(json, &phase->durations);
	json_number_field(json, "estimated", phase->estimated);
	json_close(json, '}');
}

static void share_field(struct json *json, const char *key, uint64_t part, uint64_t whole)
{
	char digits[TEXT_NUMBER_SIZE];
	unsigned int per_10000;

	if (!whole) {
		json_name_field(json, key, NULL);
		return;
	}
	per_10000 = (unsigned int)((double)part / (double)whole * 10000 + 0.5);
	snprintf(digits, sizeof(digits), "%u.%04u", per_10000 / 10000, per_10000 % 10000);
	json_key(json, key, strlen(key));
	json_digits(json, digits);
}

static void group_write(struct json *json, const struct summary_group *group)
{
	const struct summary_phase *list[SUMMARY_PHASES_MAX];
	size_t count = summary_phases(group, list);

	json_open(json, '{');
	names_write(json, group->names);
	json_number_field(json, "count", summary_group_count(group));
	json_number_field(json, "completed", group->completed);
	json_number_field(json, "failed", group->failed);
	json_number_field(json, "incomplete", group->incomplete);
	json_number_field(json, "resumed", group->resumed);
	share_field(json, "resumed_share", group->resumed, group->completed);
	json_number_field(json, "untimed", group->untimed);
	key_open(json, "total", '{');
	quantiles_write(json, &group->totals);
	json_close(json, '}');
	key_open(json, "phases", '[');
	for (size_t i = 0; i < count; i++)
		phase_write(json, list[i]);
	json_close(json, ']');
	json_close(json, '}');
}

void summary_json_write(const struct sink_settings *settings, struct summary *summary,
			uint64_t time_ns)
{
	const struct summary_group *other = summary_other(summary);
	const struct summary_group *const *groups;
	size_t count = summary_groups(summary, &groups);
	struct json json;

	json_line_begin(&json, settings->out, "summary");
	json_schema(&json);
	json_time_field(&json, "time", settings, time_ns);
	key_open(&json, "groups", '[');
	for (size_t i = 0; i < count; i++)
		group_write(&json, groups[i]);
	json_close(&json, ']');
	json_key(&json, "other", strlen("other"));
	if (other)
		group_write(&json, other);
	else
		json_null(&json);
	json_line_end(&json);
}
