// SPDX-License-Identifier: BSD-2-Clause
/* What fields are compared with: each type of field has its own kind of value. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "expression/node.h"

#define SECOND_NS  1000000000LL
#define NAMES_SIZE 160

/* Types that are compared as text. */
static bool is_textual(enum field_type type)
{
	return type == FIELD_TEXT || type == FIELD_NAME || type == FIELD_HEX ||
	       type == FIELD_ENDPOINT || type == FIELD_LABEL;
}

static bool is_ordered(enum field_type type)
{
	return type == FIELD_NUMBER || type == FIELD_DURATION || type == FIELD_TIME ||
	       type == FIELD_DATE || type == FIELD_VERSION;
}

bool operation_check(struct parser *parser, const struct node *node, const char *where)
{
	enum field_type type = node->field->type;
	char name[48];

	field_type_name(node->field, name, sizeof(name));
	if (field_is_object(node->field)) {
		parser_fail(parser, where, "'%s' is an object; compare one of the fields in it",
			    node->field->path);
		return false;
	}
	if (node->operation == TOKEN_EQUAL)
		return true;
	if (node->operation == TOKEN_MATCHES || node->operation == TOKEN_CONTAINS) {
		if (is_textual(type) || type == FIELD_CODE || type == FIELD_VERSION ||
		    type == FIELD_WORD || type == FIELD_IP)
			return true;
		parser_fail(parser, where, "'%s' (%s) is not text; use == or <", node->field->path,
			    name);
		return false;
	}
	if (is_ordered(type))
		return true;
	parser_fail(parser, where, "'%s' (%s) has no order; use == or in", node->field->path, name);
	return false;
}

static char *text_copy(const struct token *token)
{
	char *text = malloc(token->length + 1);
	size_t i, length = 0;

	for (i = 0; text && i < token->length; i++) {
		if (token->kind == TOKEN_STRING && token->text[i] == '\\' && i + 1 < token->length)
			i++;
		text[length++] = token->text[i];
	}
	if (text)
		text[length] = 0;
	return text;
}

static const char *quantity_read(const char *text, double *number)
{
	char *end;

	if (!isdigit((unsigned char)*text) || text[1] == 'x' || text[1] == 'X')
		return NULL;
	*number = strtod(text, &end);
	return end;
}

struct unit {
	const char *name;
	double factor;
};

static bool unit_find(const struct unit *units, const char *name, double *factor)
{
	for (; units->name; units++) {
		if (strcmp(units->name, name))
			continue;
		*factor = units->factor;
		return true;
	}
	return false;
}

static bool duration_read(const char *text, int64_t *ns)
{
	static const struct unit units[] = {
		{"ns", 1},     {"us", 1e3},    {"ms", 1e6},	{"s", 1e9},	   {"m", 60e9},
		{"h", 3600e9}, {"d", 86400e9}, {"w", 604800e9}, {"y", 31557600e9}, {NULL, 0},
	};
	const char *unit;
	double number, factor;

	unit = quantity_read(text, &number);
	if (!unit)
		return false;
	if (!unit_find(units, unit, &factor)) {
		*ns = 0;
		return !*unit && number == 0;
	}
	if (number * factor > 9e18)
		return false;
	*ns = (int64_t)(number * factor);
	return true;
}

static bool number_read(const char *text, uint64_t *value)
{
	static const struct unit units[] = {
		{"", 1}, {"k", 1 << 10}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {NULL, 0},
	};
	const char *unit;
	double number, factor;
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	if (isdigit((unsigned char)*text) && !*end)
		return !errno;
	unit = quantity_read(text, &number);
	if (!unit || !unit_find(units, unit, &factor) || number * factor > 9e18)
		return false;
	*value = (uint64_t)(number * factor);
	return true;
}

/* 2026-12-31, 2026-12-31T23:59, 2026-12-31T23:59:59Z: UTC. */
static bool date_read(const char *text, int64_t *seconds)
{
	static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S",
					    "%Y-%m-%dT%H:%M:%SZ"};
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = {0};
		const char *end = strptime(text, forms[i], &tm);

		if (end && !*end) {
			*seconds = timegm(&tm);
			return true;
		}
	}
	return false;
}

static bool network_read(const char *text, struct literal *literal)
{
	const char *slash = strchr(text, '/');
	char address[64];
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	uint64_t bits, most;
	bool is_v4;

	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = 0;
	memset(literal->network.ip, 0, sizeof(literal->network.ip));
	is_v4 = inet_pton(AF_INET, address, literal->network.ip + 12) == 1;
	if (is_v4)
		literal->network.ip[10] = literal->network.ip[11] = 0xff;
	else if (inet_pton(AF_INET6, address, literal->network.ip) != 1)
		return false;
	bits = most = is_v4 ? 32 : 128;
	if (slash && (!number_read(slash + 1, &bits) || bits > most))
		return false;
	literal->network.bits = bits + (is_v4 ? 96 : 0);
	return true;
}

/* "completed, failed or incomplete", as many as fit. */
static void names_list(const struct words *words, char to[NAMES_SIZE])
{
	size_t length = 0, i;

	to[0] = 0;
	for (i = 0; i < words->count && length < NAMES_SIZE - 40; i++)
		if (words->names[i])
			length += snprintf(to + length, NAMES_SIZE - length, "%s%s",
					   length ? ", " : "", words->names[i]);
}

static bool word_read(const struct words *words, const char *text, uint64_t *value)
{
	size_t i;

	for (i = 0; i < words->count; i++) {
		if (!words->names[i] || strcasecmp(words->names[i], text))
			continue;
		*value = i;
		return true;
	}
	return false;
}

static bool code_read(const struct field *field, const char *text, struct literal *literal)
{
	uint16_t code;

	literal->is_grease = field->registry->has_grease && strcasecmp(text, "GREASE") == 0;
	if (literal->is_grease)
		return true;
	if (!registry_code(field->registry, text, strlen(text), &code))
		return false;
	literal->number = code;
	return true;
}

/* "now", "now + 30d", "now - 1h": now is the time of the handshake. */
static bool now_parse(struct parser *parser, struct literal *literal)
{
	enum token_kind sign;
	int64_t ns = 0;
	char *text;
	bool fine;

	literal->time.is_relative = true;
	parser_advance(parser);
	sign = parser->token.kind;
	if (sign != TOKEN_PLUS && sign != TOKEN_MINUS)
		return true;
	parser_advance(parser);
	text = text_copy(&parser->token);
	fine = parser->token.kind == TOKEN_WORD && text && duration_read(text, &ns);
	free(text);
	literal->time.seconds = (sign == TOKEN_MINUS ? -ns : ns) / SECOND_NS;
	if (!fine)
		parser_fail(parser, parser->token.start, "a duration such as 30d is expected here");
	else
		parser_advance(parser);
	return fine;
}

static bool boolean_read(const char *text, bool *value)
{
	*value = strcasecmp(text, "true") == 0;
	return *value || strcasecmp(text, "false") == 0;
}

/* False: the text is no value of the field's type, and expected says what one is. */
static bool typed_read(const struct field *field, const char *text, struct literal *literal,
		       char expected[NAMES_SIZE])
{
	switch (field->type) {
	case FIELD_BOOL:
		snprintf(expected, NAMES_SIZE, "true or false");
		return boolean_read(text, &literal->boolean);
	case FIELD_NUMBER:
		snprintf(expected, NAMES_SIZE, "a number");
		return number_read(text, &literal->number);
	case FIELD_DURATION:
		snprintf(expected, NAMES_SIZE, "a duration with a unit, such as 250ms or 30d");
		return duration_read(text, &literal->duration_ns);
	case FIELD_TIME:
	case FIELD_DATE:
		snprintf(expected, NAMES_SIZE, "a time such as 2026-12-31 or now + 30d");
		return date_read(text, &literal->time.seconds);
	case FIELD_WORD:
		names_list(field->words, expected);
		return word_read(field->words, text, &literal->number);
	case FIELD_CODE:
	case FIELD_VERSION:
		snprintf(expected, NAMES_SIZE, "the name of a %s as IANA has it, or a number 0x...",
			 field->registry->name);
		return code_read(field, text, literal);
	case FIELD_IP:
		snprintf(expected, NAMES_SIZE, "an address or a network such as 192.0.2.0/24");
		return network_read(text, literal);
	default:
		return true;
	}
}

static bool text_keep(struct parser *parser, const struct node *node, struct literal *literal,
		      char *text)
{
	/* A pattern is what it looks like: no name of a server has an asterisk. */
	literal->is_pattern = node->operation == TOKEN_MATCHES ||
			      (node->operation == TOKEN_EQUAL && strpbrk(text, "*?"));
	literal->has_brackets = strpbrk(text, "[\\");
	literal->text = text;
	parser_advance(parser);
	return true;
}

bool literal_parse(struct parser *parser, const struct node *node, struct literal *literal)
{
	const struct token *token = &parser->token;
	const char *start = token->start;
	bool is_negative = token->kind == TOKEN_MINUS && node->field->type == FIELD_DURATION;
	char expected[NAMES_SIZE] = "", *text;

	if (is_negative)
		parser_advance(parser);
	if (token->kind != TOKEN_WORD && token->kind != TOKEN_STRING) {
		parser_fail(parser, token->start, "a value is missing here");
		return false;
	}
	if ((node->field->type == FIELD_TIME || node->field->type == FIELD_DATE) &&
	    token_is(token, "now"))
		return now_parse(parser, literal);
	text = text_copy(token);
	if (!text) {
		parser_fail(parser, start, "out of memory");
		return false;
	}
	if (is_textual(node->field->type) || node->operation == TOKEN_MATCHES ||
	    node->operation == TOKEN_CONTAINS)
		return text_keep(parser, node, literal, text);
	if (!typed_read(node->field, text, literal, expected)) {
		parser_fail(parser, start, "'%s' takes %s, not '%.40s'", node->field->path,
			    expected, text);
		free(text);
		return false;
	}
	free(text);
	if (is_negative)
		literal->duration_ns = -literal->duration_ns;
	parser_advance(parser);
	return true;
}
