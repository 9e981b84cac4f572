// SPDX-License-Identifier: BSD-2-Clause
/* Why an expression is not true of a row, in the words of both. */
#include <stdio.h>
#include <string.h>

#include "expression/node.h"
#include "sink/sink.h"
#include "sink/text.h"
#include "tls/names.h"

#define SECOND_NS 1000000000LL

static void field_add(struct expression_part *part, const struct field *field)
{
	size_t i;

	for (i = 0; i < part->field_count; i++)
		if (part->fields[i] == field)
			return;
	if (part->field_count < EXPRESSION_FIELDS_MAX)
		part->fields[part->field_count++] = field;
}

/* Fields of comparisons that are not as they would have to be; within a "not" that is false. */
static void fields_collect(const struct node *node, struct field_row *row, enum truth wanted,
			   struct expression_part *part)
{
	if (node->kind == NODE_NOT) {
		fields_collect(node->left, row, wanted == TRUTH_TRUE ? TRUTH_FALSE : TRUTH_TRUE,
			       part);
	} else if (node->field) {
		if (node_evaluate(node, row) != wanted)
			field_add(part, node->field);
	} else {
		fields_collect(node->left, row, wanted, part);
		fields_collect(node->right, row, wanted, part);
	}
}

/* Of "and" each side that is not true is to blame; of all else the whole. */
static void node_blame(const struct node *node, struct field_row *row,
		       void (*blame)(void *context, const struct expression_part *part),
		       void *context)
{
	struct expression_part part = {.text = node->start, .length = node->end - node->start};

	part.truth = node_evaluate(node, row);
	if (part.truth == TRUTH_TRUE)
		return;
	if (node->kind == NODE_AND) {
		node_blame(node->left, row, blame, context);
		node_blame(node->right, row, blame, context);
		return;
	}
	fields_collect(node, row, TRUTH_TRUE, &part);
	blame(context, &part);
}

void expression_blame(const struct expression *expression, struct field_row *row,
		      void (*blame)(void *context, const struct expression_part *part),
		      void *context)
{
	node_blame(expression->root, row, blame, context);
}

static void hex_write(const struct field_value *value, char *to, size_t size)
{
	const uint8_t *bytes = value->text.bytes;
	size_t i;

	to[0] = 0;
	for (i = 0; i < value->text.length && 2 * i + 2 < size; i++)
		snprintf(to + 2 * i, size - 2 * i, "%02x", bytes[i]);
}

static void code_write(const struct field *field, uint16_t code, char *to, size_t size)
{
	const char *name = field->registry->code_name(code);

	if (field->registry->has_grease && tls_is_grease(code))
		name = "GREASE";
	if (name)
		snprintf(to, size, "%s", name);
	else
		snprintf(to, size, "0x%04x", code);
}

static void duration_write(int64_t ns, char *to, size_t size)
{
	char text[TEXT_NUMBER_SIZE];
	int64_t days = ns / (86400 * SECOND_NS);

	text_duration(ns < 0 ? -(uint64_t)ns : (uint64_t)ns, text);
	if (days > 1 || days < -1)
		snprintf(to, size, "%lld days", (long long)days);
	else
		snprintf(to, size, "%s%s", ns < 0 ? "-" : "", text);
}

bool value_write(const struct field *field, const struct field_value *value, char *to, size_t size)
{
	char text[TEXT_ADDRESS_SIZE > TEXT_TIME_SIZE ? TEXT_ADDRESS_SIZE : TEXT_TIME_SIZE] = "";
	const char *word;
	size_t length;

	to[0] = 0;
	switch (field->type) {
	case FIELD_BOOL:
		snprintf(to, size, "%s", value->boolean ? "true" : "false");
		return true;
	case FIELD_NUMBER:
		snprintf(to, size, "%llu", (unsigned long long)value->number);
		return true;
	case FIELD_DURATION:
		duration_write(value->duration_ns, to, size);
		return true;
	case FIELD_TIME:
	case FIELD_DATE:
		text_seconds(value->time.seconds, text);
		snprintf(to, size, "%s", text);
		return *text;
	case FIELD_WORD:
		word = words_name(field->words, value->number);
		snprintf(to, size, "%s", word ? word : "");
		return word;
	case FIELD_CODE:
	case FIELD_VERSION:
		code_write(field, value->number, to, size);
		return true;
	case FIELD_HEX:
		hex_write(value, to, size);
		return true;
	case FIELD_IP:
		text_ip(value->address, text);
		snprintf(to, size, "%s", text);
		return true;
	case FIELD_ENDPOINT:
		text_address(value->address, text);
		snprintf(to, size, "%s", text);
		return true;
	case FIELD_LABEL:
		snprintf(to, size, "%s=%.*s", value->text.key, (int)value->text.length,
			 (const char *)value->text.bytes);
		return true;
	default:
		length = value->text.length < size ? value->text.length : size - 1;
		memcpy(to, value->text.bytes, length);
		to[length] = 0;
		return true;
	}
}

/* Values in a row, as far as they fit. */
struct listing {
	struct text text;
	size_t count;
};

#define LISTED_MAX 8

static bool listing_add(void *user, const struct field *field, const struct field_value *value)
{
	struct listing *listing = user;
	char raw[FIELD_TEXT_SIZE], safe[FIELD_TEXT_SIZE];
	bool known = value && value_write(field, value, raw, sizeof(raw));

	if (listing->count++ == LISTED_MAX) {
		text_append(&listing->text, ", ...");
		return false;
	}
	if (known)
		text_escape(raw, strlen(raw), safe, sizeof(safe));
	text_append(&listing->text, "%s%s", listing->count > 1 ? ", " : "",
		    known ? safe : "unknown");
	return true;
}

void expression_actual(const struct field *field, struct field_row *row, char *to, size_t size)
{
	struct listing listing = {0};
	enum field_state state;
	const void *base;

	text_start(&listing.text, to, size);
	row->element = 0;
	if (field_is_object(field))
		state = field_object(field, row, &base);
	else
		state = field_visit(field, row, listing_add, &listing);
	if (state == FIELD_UNKNOWN)
		snprintf(to, size, "unknown");
	else if (!listing.count)
		snprintf(to, size, "none");
}
