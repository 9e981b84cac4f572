// SPDX-License-Identifier: BSD-2-Clause
#include "sink/field_text.h"

#include <stdio.h>

#include "sink/text.h"
#include "tls/names.h"

#define NS_PER_S 1000000000

void field_row_start(struct field_row *row, const struct sink_settings *settings,
		     const struct handshake *handshake)
{
	row->handshake = handshake;
	row->clock_offset_ns = settings->clock_offset_ns;
	row->verdict = verdict_write;
	row->element = row->item = row->cursor = 0;
}

static const char *code_text(const struct field_registry *registry, uint16_t code, char *to)
{
	const char *name = registry->code_name(code);

	if (name)
		return name;
	if (registry->has_grease && tls_is_grease(code))
		return "GREASE";
	snprintf(to, FIELD_VALUE_SIZE, "0x%04x", code);
	return to;
}

static const char *number_text(uint64_t number, char *to)
{
	text_number(number, 1, to);
	return to;
}

const char *field_value_text(const struct field *field, const struct field_value *value,
			     char to[FIELD_VALUE_SIZE])
{
	switch (field->type) {
	case FIELD_BOOL:
		return value->boolean ? "true" : "false";
	case FIELD_NUMBER:
		return number_text(value->number, to);
	case FIELD_DURATION:
		text_microseconds(value->duration_ns, to);
		return to;
	case FIELD_TIME:
		text_time((uint64_t)value->time.seconds * NS_PER_S + value->time.ns, 0, to);
		return to;
	case FIELD_DATE:
		return text_seconds(value->time.seconds, to) ? to : NULL;
	case FIELD_WORD:
		return words_name(field->words, value->number);
	case FIELD_CODE:
	case FIELD_VERSION:
		return code_text(field->registry, (uint16_t)value->number, to);
	case FIELD_IP:
		text_ip(value->address, to);
		return to;
	case FIELD_ENDPOINT:
		text_address(value->address, to);
		return to;
	default:
		return NULL;
	}
}
