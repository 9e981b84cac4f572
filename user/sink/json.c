// SPDX-License-Identifier: BSD-2-Clause
/* One object a line, as docs/events.schema.json says: every key is always there. */
#include <string.h>

#include "sink/field_text.h"
#include "sink/json_write.h"
#include "sink/sink.h"
#include "sink/text.h"

static void value_write(struct json *json, const struct field *field,
			const struct field_value *value)
{
	char buffer[FIELD_VALUE_SIZE];
	const char *text;

	switch (field->type) {
	case FIELD_BOOL:
		json_bool(json, value->boolean);
		break;
	case FIELD_NUMBER:
		json_number(json, value->number);
		break;
	case FIELD_DURATION:
		json_duration(json, value->duration_ns);
		break;
	case FIELD_NAME:
		json_words(json, value->text.bytes, value->text.length);
		break;
	case FIELD_TEXT:
		json_bytes(json, value->text.bytes, value->text.length);
		break;
	case FIELD_HEX:
		json_hex(json, value->text.bytes, value->text.length);
		break;
	default:
		text = field_value_text(field, value, buffer);
		if (text)
			json_name(json, text);
		else
			json_null(json);
	}
}

/* Both the key and the text of a label may be anybody's. */
static void label_write(struct json *json, const struct field_value *value)
{
	json_key_bytes(json, value->text.key, strlen(value->text.key));
	json_bytes(json, value->text.bytes, value->text.length);
}

static void list_write(struct json *json, const struct field *field, struct field_row *row,
		       const void *base)
{
	bool is_object = field->type == FIELD_LABEL;
	struct field_value value;
	enum field_state state;

	row->item = row->cursor = 0;
	state = field->read(field, row, base, &value);
	if (state != FIELD_KNOWN && state != FIELD_END) {
		json_null(json);
		return;
	}
	json_open(json, is_object ? '{' : '[');
	while (state == FIELD_KNOWN) {
		if (is_object)
			label_write(json, &value);
		else
			value_write(json, field, &value);
		row->item++;
		state = field->read(field, row, base, &value);
	}
	json_close(json, is_object ? '}' : ']');
}

static void field_write(struct json *json, const struct field *field, struct field_row *row)
{
	struct field_value value;
	enum field_state state;
	const void *base;

	field_object(field, row, &base);
	if (field->is_list) {
		list_write(json, field, row, base);
		return;
	}
	row->item = row->cursor = 0;
	state = field->read(field, row, base, &value);
	if (state == FIELD_KNOWN)
		value_write(json, field, &value);
	else if (state == FIELD_UNKNOWN && field->says_unknown)
		json_name(json, "unknown");
	else
		json_null(json);
}

static size_t member_write(struct json *json, struct field_row *row, size_t at);

/* What an object has follows it in the table, with a longer prefix. */
static bool is_member(size_t at, size_t prefix)
{
	return at < field_count && fields[at].prefix >= prefix && !fields[at].is_derived;
}

/* From its first member on; the index after the last. */
static size_t members_write(struct json *json, struct field_row *row, size_t at)
{
	size_t prefix = fields[at].prefix;

	json_open(json, '{');
	while (is_member(at, prefix))
		at = member_write(json, row, at);
	json_close(json, '}');
	return at;
}

static size_t members_skip(size_t at)
{
	size_t prefix = fields[at].prefix;

	while (is_member(at, prefix))
		at++;
	return at;
}

static void objects_write(struct json *json, struct field_row *row, size_t at)
{
	const struct field *field = &fields[at];
	enum field_state state;
	const void *base;

	row->element = 0;
	state = field_object(field, row, &base);
	if (state != FIELD_KNOWN && state != FIELD_END) {
		json_null(json);
		return;
	}
	json_open(json, '[');
	for (; state == FIELD_KNOWN; state = field_object(field, row, &base)) {
		members_write(json, row, at + 1);
		row->element++;
	}
	json_close(json, ']');
}

/* The field at this index, an object with all that is in it; the index after it. */
static size_t member_write(struct json *json, struct field_row *row, size_t at)
{
	const struct field *field = &fields[at];
	const void *base;

	json_key(json, field->path + field->prefix, field->length - field->prefix);
	if (!field_is_object(field)) {
		field_write(json, field, row);
		return at + 1;
	}
	if (field->type == FIELD_OBJECT && field_object(field, row, &base) == FIELD_KNOWN)
		return members_write(json, row, at + 1);
	if (field->type == FIELD_OBJECTS)
		objects_write(json, row, at);
	else
		json_null(json);
	return members_skip(at + 1);
}

static void json_row(const struct sink_settings *settings, const struct handshake *handshake)
{
	struct field_row row;
	struct json json;

	field_row_start(&row, settings, handshake);
	json_line_begin(&json, settings->out, "handshake");
	json_schema(&json);
	for (size_t at = 0; is_member(at, 0);)
		at = member_write(&json, &row, at);
	json_line_end(&json);
}

static void hook_write(struct json *json, const char *key, const char *hook)
{
	json_name_field(json, key, hook && strcmp(hook, "none") ? hook : NULL);
}

static void interfaces_write(struct json *json, const struct trace_start *start)
{
	json_key(json, "interfaces", strlen("interfaces"));
	json_open(json, '[');
	for (size_t i = 0; i < start->interface_count; i++) {
		const struct sink_interface *interface = &start->interfaces[i];

		json_open(json, '{');
		json_key(json, "name", strlen("name"));
		json_bytes(json, interface->name,
			   strnlen(interface->name, sizeof(interface->name)));
		json_number_field(json, "ifindex", interface->ifindex);
		if (interface->netns)
			json_number_field(json, "netns", interface->netns);
		else
			json_name_field(json, "netns", NULL);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void capture_write(struct json *json, const struct trace_start *start)
{
	json_key(json, "capture", strlen("capture"));
	json_open(json, '{');
	if (start->file) {
		json_text_field(json, "file", start->file);
	} else {
		hook_write(json, "tc", start->tc);
		hook_write(json, "sockets", start->sockets);
		json_name_field(json, "namespaces", start->everywhere ? "all" : "current");
		interfaces_write(json, start);
	}
	json_close(json, '}');
}

static void json_start(const struct sink_settings *settings, const struct trace_start *start)
{
	struct json json;

	json_line_begin(&json, settings->out, "start");
	json_schema(&json);
	json_text_field(&json, "version", start->version);
	json_time_field(&json, "time", settings, start->time_ns);
	json_text_field(&json, "host", start->host);
	json_text_field(&json, "kernel", start->kernel);
	capture_write(&json, start);
	json_line_end(&json);
}

static void counts_write(struct json *json, const char *key, const struct named_count *counts,
			 size_t count)
{
	json_key(json, key, strlen(key));
	json_open(json, '{');
	for (size_t i = 0; i < count; i++)
		json_number_field(json, counts[i].name, counts[i].count);
	json_close(json, '}');
}

static void json_finish(const struct sink_settings *settings, const struct trace_end *end)
{
	const struct named_count handshakes[] = {
		{"completed", end->completed},
		{"failed", end->failed},
		{"incomplete", end->incomplete},
	};
	struct json json;

	json_line_begin(&json, settings->out, "end");
	json_time_field(&json, "time", settings, end->time_ns);
	counts_write(&json, "handshakes", handshakes, 3);
	json_number_field(&json, "seen", end->seen);
	json_number_field(&json, "reported", end->reported);
	json_number_field(&json, "filtered", end->filtered);
	counts_write(&json, "lost", end->lost, end->lost_count);
	counts_write(&json, "dropped", end->dropped, end->dropped_count);
	if (end->live)
		json_number_field(&json, "unattached", end->unattached);
	counts_write(&json, "cost", end->cost, end->cost_count);
	json_line_end(&json);
}

const struct sink sink_json = {
	.name = "json",
	.wants_details = true,
	.start = json_start,
	.row = json_row,
	.end = json_finish,
};
