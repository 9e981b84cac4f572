// SPDX-License-Identifier: BSD-2-Clause
/* --fields: the field table for people and for grep(1). */
#include <stdio.h>

#include "handshake/fields.h"
#include "options/table.h"

#define TYPE_SIZE 48

static void field_print(const struct field *field)
{
	const char *alias = field_alias(field);
	char type[TYPE_SIZE];

	field_type_name(field, type, sizeof(type));
	printf("%-32s %-24s %s", field->path, type, field->help);
	if (alias)
		printf("; short: %s", alias);
	if (field->is_derived)
		printf("; not in JSON");
	putchar('\n');
}

void option_fields_print(const char *value)
{
	(void)value;
	for (size_t i = 0; i < field_count; i++)
		if (!field_is_object(&fields[i]))
			field_print(&fields[i]);
}
