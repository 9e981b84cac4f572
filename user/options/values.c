// SPDX-License-Identifier: BSD-2-Clause
#include "options/values.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expression/expression.h"
#include "handshake/fields.h"
#include "log.h"
#include "options/options.h"
#include "policy/policy.h"
#include "sink/sink.h"
#include "source/netns.h"

#define QUANTITY_MAX	 9e18
#define WINDOW_MIN_NS	 1000000000ULL
#define POLICY_NAME_SIZE 1024

bool value_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	uint64_t number;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || *end || number < min || number > max)
		return false;
	*value = number;
	return true;
}

struct unit {
	const char *name; /* "" for a number without a unit */
	uint64_t factor;
};

static bool quantity_read(const char *text, const struct unit *units, uint64_t *value)
{
	double number;
	char *end;

	/* strtod() also reads signs, hexadecimal numbers, "inf" and "nan". */
	if (!isdigit((unsigned char)*text) || text[1] == 'x' || text[1] == 'X')
		return false;
	number = strtod(text, &end);
	for (; units->name; units++) {
		if (strcmp(end, units->name))
			continue;
		if (number * units->factor > QUANTITY_MAX)
			return false;
		*value = number * units->factor;
		return true;
	}
	return false;
}

bool value_duration(const char *text, uint64_t *ns)
{
	static const struct unit units[] = {
		{"ns", 1},	    {"us", 1000},	  {"ms", 1000000},	 {"s", 1000000000},
		{"m", 60000000000}, {"h", 3600000000000}, {"d", 86400000000000}, {NULL, 0},
	};
	uint64_t value;

	if (!quantity_read(text, units, &value) || !value)
		return false;
	*ns = value;
	return true;
}

bool value_size(const char *text, uint64_t *bytes)
{
	static const struct unit units[] = {
		{"", 1}, {"k", 1 << 10}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {NULL, 0},
	};

	return quantity_read(text, units, bytes);
}

bool value_uid(const char *text, uint32_t *uid)
{
	const struct passwd *user = getpwnam(text);
	uint64_t number;

	if (!user && !value_number(text, 0, UINT32_MAX - 1, &number))
		return false;
	*uid = user ? user->pw_uid : number;
	return true;
}

static bool address_read(const char *text, struct options_network *network, bool *is_v4)
{
	*network = (struct options_network){0};
	*is_v4 = inet_pton(AF_INET, text, network->ip + 12) == 1;
	if (*is_v4)
		network->ip[10] = network->ip[11] = 0xff;
	return *is_v4 || inet_pton(AF_INET6, text, network->ip) == 1;
}

bool value_network(const char *text, struct options_network *network)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	char address[64];
	uint64_t bits;
	bool is_v4;

	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = 0;
	if (!address_read(address, network, &is_v4))
		return false;
	bits = is_v4 ? 32 : 128;
	if (slash && !value_number(slash + 1, 0, bits, &bits))
		return false;
	network->bits = bits + (is_v4 ? 96 : 0);
	return true;
}

bool value_cgroup(const char *text, const char **path)
{
	static const char *const mounts[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
	size_t i;

	*path = text;
	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		size_t length = strlen(mounts[i]);

		if (strncmp(text, mounts[i], length) == 0 &&
		    (text[length] == '/' || !text[length])) {
			*path = text + length;
			return true;
		}
	}
	return *text == '/';
}

bool value_netns(const char *text, uint32_t *netns)
{
	*netns = 0;
	return strcmp(text, "all") == 0 || (*netns = netns_find(text));
}

const char *const value_formats[] = {"table", "wide", "tree", "json", "csv", "explain", NULL};
static const struct sink *const sinks[] = {&sink_table, &sink_wide, &sink_tree,
					   &sink_json,	&sink_csv,  &sink_explain};

bool value_output(const char *text, struct options_output *output)
{
	size_t length = strcspn(text, "="), i;

	for (i = 0; value_formats[i]; i++) {
		if (strlen(value_formats[i]) != length || strncmp(value_formats[i], text, length))
			continue;
		output->sink = sinks[i];
		output->file = text[length] ? text + length + 1 : NULL;
		return !output->file || *output->file;
	}
	return false;
}

/* The line that is wrong, and a mark below its column. */
static void expression_explain(const char *text, const struct expression_error *error)
{
	const char *line = text;
	size_t i;
	int length;

	for (i = 1; i < error->line; i++)
		line = strchr(line, '\n') + 1;
	length = strcspn(line, "\n");
	if (strchr(text, '\n'))
		log_error("the expression is wrong at line %zu, column %zu: %s", error->line,
			  error->column, error->text);
	else
		log_error("the expression is wrong at column %zu: %s", error->column, error->text);
	fprintf(stderr, "  %.*s\n  %*s^\n", length, line, (int)error->column - 1, "");
}

bool value_expression(const char *text, struct named_expression *expression)
{
	struct expression_error error;

	expression->text = text;
	expression->expression = expression_parse(text, &error);
	if (!expression->expression)
		expression_explain(text, &error);
	return expression->expression;
}

static void fields_explain(const char *text, const char *name, size_t length,
			   const struct field_list *list)
{
	const char *nearest;
	int shown = (int)length;

	if (list->count == FIELD_LIST_MAX)
		log_error("--columns takes at most %d fields; leave some out", FIELD_LIST_MAX);
	else if (!length)
		log_error("--columns has an empty name at column %zu; see tlstrace --fields",
			  (size_t)(name - text) + 1);
	else if (field_find(name, length))
		log_error(
			"--columns cannot show '%.*s', which is an object; name fields in it, see "
			"tlstrace --fields",
			shown, name);
	else if ((nearest = field_nearest(name, length)))
		log_error("there is no field '%.*s'; did you mean '%s'? See tlstrace --fields",
			  shown, name, nearest);
	else
		log_error("there is no field '%.*s'; see tlstrace --fields", shown, name);
}

bool value_fields(const char *text, struct field_list *list)
{
	size_t length;
	const char *wrong = field_list_parse(list, text, &length);

	if (wrong)
		fields_explain(text, wrong, length, list);
	return !wrong;
}

bool value_expectation(const char *text, struct named_expression *expression)
{
	char reason[POLICY_REASON_SIZE], *policy;

	if (*text != '@')
		return value_expression(text, expression);
	policy = policy_text(text + 1, reason);
	if (!policy) {
		log_error("%s", reason);
		return false;
	}
	value_expression(policy, expression);
	expression->text = text;
	free(policy);
	return expression->expression;
}

static bool report_refuse(const char *text)
{
	log_error("--report takes pairs, failures, crypto, resumption, certificates or "
		  "breaks:@POLICY, and =FILE to write it to a file, not '%s'",
		  text);
	return false;
}

/* The file is what follows the last '=' that is not within the policy's own. */
bool value_report(const char *text, struct report_wanted *report)
{
	size_t name = strcspn(text, ":="), length;
	char policy[POLICY_NAME_SIZE];

	*report = (struct report_wanted){.kind = report_kind_find(text, name)};
	if (!report->kind || report->kind->takes_policy != (text[name] == ':'))
		return report_refuse(text);
	if (report->kind->takes_policy) {
		text += name + 1;
		name = *text == '@' ? strcspn(text, "=") : 0;
		length = snprintf(policy, sizeof(policy), "%.*s", (int)name, text);
		if (!length || length >= sizeof(policy))
			return report_refuse(text);
		if (!value_expectation(policy, &report->policy))
			return false;
		report->policy.text = text;
	}
	report->file = text[name] ? text + name + 1 : NULL;
	if (!report->file || *report->file)
		return true;
	expression_free(report->policy.expression);
	return report_refuse(text);
}

bool value_rate(const char *text, struct failure_limit *rate)
{
	char *end;

	if (!isdigit((unsigned char)*text) || text[1] == 'x' || text[1] == 'X')
		return false;
	rate->percent = strtod(text, &end);
	rate->window_ns = 0;
	if (rate->percent > 100 || *end++ != '%')
		return false;
	return !*end || (*end == '/' && value_duration(end + 1, &rate->window_ns) &&
			 rate->window_ns >= WINDOW_MIN_NS);
}

int value_word(const char *text, const char *const *words)
{
	int i;

	for (i = 0; words[i]; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	return -1;
}
