/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of JSON as all lines have them. NULL is null, and what memory is short for. */
#ifndef TLSTRACE_JSON_VALUE_H
#define TLSTRACE_JSON_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "sink/sink.h"

struct json_object;

/* Both take the value, also where memory is short. */
void json_add(struct json_object *to, const char *key, struct json_object *value);
void json_append(struct json_object *list, struct json_object *value);

/* Text of our own. */
struct json_object *json_name(const char *name);
/* Bytes that anybody on the network may have chosen. */
struct json_object *json_bytes(const void *bytes, size_t length);
/* In microseconds, in our own digits: json-c would write them as 1e-05. */
struct json_object *json_duration(int64_t ns);
struct json_object *json_time(const struct sink_settings *settings, uint64_t time_ns);

/* A line with its type and schema. */
struct json_object *json_line(const char *type);
/* A line at once and flushed, so that a reader never waits for the half of one. Takes the line. */
void json_write(const struct sink_settings *settings, struct json_object *line);

#endif
