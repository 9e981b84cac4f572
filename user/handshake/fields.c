// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tls/names.h"

const struct field_registry registry_version = {"version", tls_version_name, 0xffff, true};
const struct field_registry registry_cipher = {"cipher suite", tls_cipher_name, 0xffff, true};
const struct field_registry registry_group = {"group", tls_group_name, 0xffff, true};
const struct field_registry registry_signature = {"signature", tls_signature_name, 0xffff, true};
const struct field_registry registry_extension = {"extension", tls_extension_name, 0xffff, true};
const struct field_registry registry_point_format = {"point format", tls_point_format_name, 0xff,
						     true};
const struct field_registry registry_psk_mode = {"PSK mode", tls_psk_mode_name, 0xff, true};
const struct field_registry registry_compression = {"compression", tls_compression_name, 0xff,
						    true};
const struct field_registry registry_heartbeat = {"heartbeat mode", tls_heartbeat_name, 0xff, true};

static bool name_is(const char *name, const char *wanted, size_t length)
{
	return strlen(name) == length && strncasecmp(name, wanted, length) == 0;
}

static const struct field *path_find(const char *path, size_t length)
{
	for (size_t i = 0; i < field_count; i++)
		if (name_is(fields[i].path, path, length))
			return &fields[i];
	return NULL;
}

const struct field *field_find(const char *name, size_t length)
{
	for (size_t i = 0; i < field_alias_count; i++)
		if (name_is(field_aliases[i].name, name, length))
			return path_find(field_aliases[i].path, strlen(field_aliases[i].path));
	return path_find(name, length);
}

const char *field_alias(const struct field *field)
{
	for (size_t i = 0; i < field_alias_count; i++)
		if (strcmp(field_aliases[i].path, field->path) == 0)
			return field_aliases[i].name;
	return NULL;
}

#define NEAREST_MAX 48 /* longer names are compared by their beginning */

/* Letters to insert, delete or replace to make one of the other (Levenshtein). */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t row[NEAREST_MAX + 1];

	a_length = a_length < NEAREST_MAX ? a_length : NEAREST_MAX;
	b_length = b_length < NEAREST_MAX ? b_length : NEAREST_MAX;
	for (size_t j = 0; j <= b_length; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
			size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = replaced < least ? replaced : least;
		}
	}
	return row[b_length];
}

/* Somebody who types "group.name" or "san" means the end of a path. */
static size_t path_distance(const char *path, const char *name, size_t length)
{
	const char *end = strrchr(path, '.');
	size_t whole = distance(path, strlen(path), name, length);
	size_t last = end ? distance(end + 1, strlen(end + 1), name, length) : whole;

	return last < whole ? last : whole;
}

const char *field_nearest(const char *name, size_t length)
{
	size_t best = 1 + length / 3, found;
	const char *nearest = NULL;

	for (size_t i = 0; i < field_alias_count; i++) {
		found = path_distance(field_aliases[i].name, name, length);
		if (found < best || (found == best && !nearest)) {
			best = found;
			nearest = field_aliases[i].name;
		}
	}
	for (size_t i = 0; i < field_count; i++) {
		found = path_distance(fields[i].path, name, length);
		if (found < best || (found == best && !nearest)) {
			best = found;
			nearest = fields[i].path;
		}
	}
	return nearest;
}

bool field_is_object(const struct field *field)
{
	return field->type == FIELD_OBJECT || field->type == FIELD_OBJECTS;
}

void field_type_name(const struct field *field, char *to, size_t size)
{
	static const char *const names[FIELD_TYPES] = {
		[FIELD_BOOL] = "bool",	       [FIELD_NUMBER] = "number",
		[FIELD_DURATION] = "duration", [FIELD_TIME] = "time",
		[FIELD_DATE] = "time",	       [FIELD_WORD] = "word",
		[FIELD_NAME] = "word",	       [FIELD_VERSION] = "version",
		[FIELD_TEXT] = "text",	       [FIELD_HEX] = "hex",
		[FIELD_IP] = "address",	       [FIELD_ENDPOINT] = "address:port",
		[FIELD_LABEL] = "key=value",   [FIELD_OBJECT] = "object",
		[FIELD_OBJECTS] = "objects",
	};
	bool is_code = field->type == FIELD_CODE;

	snprintf(to, size, "%s%s", field->is_list || field->repeats ? "list of " : "",
		 is_code ? field->registry->name : names[field->type]);
}

enum field_state field_object(const struct field *field, const struct field_row *row,
			      const void **base)
{
	*base = row->handshake;
	return field->base ? field->base(field, row, base) : FIELD_KNOWN;
}

const char *field_list_parse(struct field_list *list, const char *names, size_t *length)
{
	list->count = 0;
	for (;; names += *length + 1) {
		const struct field *field;

		*length = strcspn(names, ",");
		field = field_find(names, *length);
		if (!field || field_is_object(field) || list->count == FIELD_LIST_MAX)
			return names;
		list->items[list->count++] = field;
		if (!names[*length])
			return NULL;
	}
}

bool field_list_has_details(const struct field_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i]->has_details)
			return true;
	return false;
}

/* The values within one object; the visitor's wish to go on. */
static bool object_visit(const struct field *field, struct field_row *row, const void *base,
			 enum field_state *state, field_visitor *visit, void *user)
{
	struct field_value value;
	bool more = true;

	row->cursor = 0;
	for (row->item = 0; more; row->item++) {
		enum field_state read = field->read(field, row, base, &value);

		if (read == FIELD_END)
			break;
		if (read == FIELD_KNOWN)
			more = visit(user, field, &value);
		else if (field->repeats && read == FIELD_UNKNOWN)
			more = visit(user, field, NULL);
		else if (!field->repeats)
			*state = read;
		if (!field->is_list || read != FIELD_KNOWN)
			break;
	}
	return more;
}

enum field_state field_visit(const struct field *field, struct field_row *row, field_visitor *visit,
			     void *user)
{
	enum field_state state = FIELD_KNOWN, found;
	const void *base;

	for (row->element = 0;; row->element++) {
		found = field_object(field, row, &base);
		if (found == FIELD_END)
			return state;
		if (found != FIELD_KNOWN && row->element == 0)
			state = found;
		if (found == FIELD_KNOWN && !object_visit(field, row, base, &state, visit, user))
			return state;
		if (!field->repeats || (found == FIELD_UNKNOWN && !row->element))
			return state;
	}
}

struct first {
	struct field_value *value;
	bool found, is_known;
};

static bool first_take(void *user, const struct field *field, const struct field_value *value)
{
	struct first *first = user;

	(void)field;
	first->found = true;
	first->is_known = value;
	if (value)
		*first->value = *value;
	return false;
}

enum field_state field_read(const struct field *field, struct field_row *row,
			    struct field_value *value)
{
	struct first first = {.value = value};
	enum field_state state = field_visit(field, row, first_take, &first);

	if (first.found)
		return first.is_known ? FIELD_KNOWN : FIELD_UNKNOWN;
	return state == FIELD_KNOWN ? FIELD_END : state;
}

unsigned int field_version_rank(uint16_t version)
{
	static const struct {
		uint16_t version;
		unsigned int rank;
	} ranks[] = {
		{0x0002, 1}, {0x0300, 2}, {0x0301, 3}, {0x0302, 4}, {0xfeff, 4}, /* RFC 4347 */
		{0x0303, 5}, {0xfefd, 5}, {0x0304, 6}, {0xfefc, 6},
	};

	for (size_t i = 0; i < sizeof(ranks) / sizeof(ranks[0]); i++)
		if (ranks[i].version == version)
			return ranks[i].rank;
	return 0;
}

static bool number_parse(const char *text, size_t length, uint32_t max, uint16_t *code)
{
	char digits[8], *end;
	unsigned long number;

	if (length < 3 || length >= sizeof(digits) || strncasecmp(text, "0x", 2))
		return false;
	memcpy(digits, text, length);
	digits[length] = '\0';
	number = strtoul(digits, &end, 16);
	*code = (uint16_t)number;
	return !*end && number <= max;
}

bool registry_code(const struct field_registry *registry, const char *name, size_t length,
		   uint16_t *code)
{
	for (uint32_t i = 0; i <= registry->max; i++) {
		const char *known = registry->code_name((uint16_t)i);

		*code = (uint16_t)i;
		if (known && name_is(known, name, length))
			return true;
	}
	return number_parse(name, length, registry->max, code);
}
