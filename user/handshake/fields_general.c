// SPDX-License-Identifier: BSD-2-Clause
/* Readers that only need to know where a value is, and the objects that values are in. */
#include <string.h>

#include "handshake/fields_read.h"
#include "tls/certificate.h"
#include "who/container.h"

#define NS_PER_S 1000000000u

static const void *member(const struct field *field, const void *base)
{
	return (const char *)base + field->offset;
}

enum field_state field_known_text(struct field_value *value, const void *bytes, size_t length)
{
	value->text.bytes = bytes;
	value->text.length = length;
	return FIELD_KNOWN;
}

enum field_state field_known_string(struct field_value *value, const char *string)
{
	return field_known_text(value, string, strlen(string));
}

static enum field_state known_number(const struct field *field, struct field_value *value,
				     uint64_t number)
{
	value->number = number;
	return number ? FIELD_KNOWN : field->missing;
}

static enum field_state known_word(const struct field *field, struct field_value *value,
				   size_t number)
{
	value->number = number;
	return words_name(field->words, number) ? FIELD_KNOWN : FIELD_UNKNOWN;
}

FIELD_READER(read_flag)
{
	(void)row;
	value->boolean = *(const bool *)member(field, base);
	return FIELD_KNOWN;
}

FIELD_READER(read_word)
{
	(void)row;
	return known_word(field, value, *(const unsigned int *)member(field, base));
}

FIELD_READER(read_word8)
{
	(void)row;
	return known_word(field, value, *(const uint8_t *)member(field, base));
}

FIELD_READER(read_code16)
{
	(void)row;
	return known_number(field, value, *(const uint16_t *)member(field, base));
}

FIELD_READER(read_code8)
{
	(void)row;
	return known_number(field, value, *(const uint8_t *)member(field, base));
}

FIELD_READER(read_number32)
{
	(void)row;
	return known_number(field, value, *(const uint32_t *)member(field, base));
}

FIELD_READER(read_microseconds)
{
	uint32_t microseconds = *(const uint32_t *)member(field, base);

	(void)row;
	value->duration_ns = (int64_t)microseconds * 1000;
	return microseconds ? FIELD_KNOWN : field->missing;
}

FIELD_READER(read_relative)
{
	uint64_t time_ns = *(const uint64_t *)member(field, base);

	value->duration_ns = (int64_t)(time_ns - row->handshake->time_ns);
	return time_ns && row->handshake->time_ns ? FIELD_KNOWN : field->missing;
}

FIELD_READER(read_time)
{
	uint64_t ns = *(const uint64_t *)member(field, base) + (uint64_t)row->clock_offset_ns;

	value->time.seconds = (int64_t)(ns / NS_PER_S);
	value->time.ns = ns % NS_PER_S;
	return FIELD_KNOWN;
}

FIELD_READER(read_date)
{
	(void)row;
	value->time.seconds = *(const int64_t *)member(field, base);
	value->time.ns = 0;
	return value->time.seconds == CERTIFICATE_TIME_UNKNOWN ? field->missing : FIELD_KNOWN;
}

FIELD_READER(read_string)
{
	const char *string = *(char *const *)member(field, base);

	(void)row;
	return string ? field_known_string(value, string) : field->missing;
}

FIELD_READER(read_name)
{
	return read_string(field, row, base, value);
}

FIELD_READER(read_name_array)
{
	const char *name = member(field, base);

	(void)row;
	return *name ? field_known_string(value, name) : field->missing;
}

FIELD_READER(read_comm)
{
	const char *comm = member(field, base);

	(void)row;
	return field_known_text(value, comm, strnlen(comm, HANDSHAKE_COMM_SIZE));
}

FIELD_READER(read_sha256)
{
	(void)row;
	return field_known_text(value, member(field, base), 32);
}

FIELD_READER(read_endpoint)
{
	(void)row;
	value->address = member(field, base);
	return FIELD_KNOWN;
}

/* A hello that was cut off may have had this list in the missing part. */
FIELD_READER(read_code_list)
{
	const struct code_list *codes = member(field, base);
	const struct offer *offer = base;

	if (row->item >= codes->count)
		return !codes->count && offer->received < offer->size ? FIELD_UNKNOWN : FIELD_END;
	value->number = codes->items[row->item];
	return FIELD_KNOWN;
}

FIELD_BASE(base_failure)
{
	(void)field;
	*base = row->handshake;
	if (row->handshake->outcome == HANDSHAKE_FAILED)
		return FIELD_KNOWN;
	return row->handshake->outcome == HANDSHAKE_COMPLETED ? FIELD_ABSENT : FIELD_UNKNOWN;
}

static const struct endpoint *end_of(const struct field *field, const struct field_row *row)
{
	return &row->handshake->ends[field->end];
}

FIELD_BASE(base_end)
{
	*base = end_of(field, row);
	return FIELD_KNOWN;
}

FIELD_BASE(base_end_process)
{
	*base = end_of(field, row);
	return end_of(field, row)->process.pid ? FIELD_KNOWN : FIELD_UNKNOWN;
}

FIELD_BASE(base_end_exit)
{
	enum field_state process = base_end_process(field, row, base);

	if (process != FIELD_KNOWN)
		return process;
	return end_of(field, row)->exited ? FIELD_KNOWN : FIELD_ABSENT;
}

FIELD_BASE(base_end_creator)
{
	enum field_state process = base_end_process(field, row, base);

	*base = &end_of(field, row)->creator;
	if (process != FIELD_KNOWN)
		return process;
	return end_of(field, row)->creator.pid ? FIELD_KNOWN : FIELD_ABSENT;
}

/* A cgroup that is known and names no container says that the process is in none. */
static enum field_state container_of(const struct process *process, const void **base)
{
	*base = process->container;
	if (process->container && process->container->known)
		return FIELD_KNOWN;
	return process->pid && process->cgroup_path ? FIELD_ABSENT : FIELD_UNKNOWN;
}

FIELD_BASE(base_end_container)
{
	return container_of(&end_of(field, row)->process, base);
}

FIELD_BASE(base_end_socket)
{
	const struct endpoint *end = end_of(field, row);

	*base = end;
	return end->process.pid || end->socket_id ? FIELD_KNOWN : FIELD_UNKNOWN;
}

FIELD_BASE(base_message)
{
	(void)field;
	if (row->element >= row->handshake->message_count)
		return FIELD_END;
	*base = &row->handshake->messages[row->element];
	return FIELD_KNOWN;
}

FIELD_BASE(base_offer)
{
	(void)field;
	*base = &row->handshake->offer;
	return row->handshake->has_random || row->handshake->offer.size ? FIELD_KNOWN
									: FIELD_UNKNOWN;
}

FIELD_BASE(base_sent_certificate)
{
	(void)field;
	if (!row->handshake->certificates)
		return FIELD_UNKNOWN;
	if (row->element >= row->handshake->certificate_count)
		return FIELD_END;
	*base = &row->handshake->certificates[row->element];
	return FIELD_KNOWN;
}

FIELD_BASE(base_certificate)
{
	enum field_state state = base_sent_certificate(field, row, base);

	if (state == FIELD_KNOWN)
		*base = row->handshake->certificates[row->element].certificate;
	return state;
}

FIELD_BASE(base_phase)
{
	(void)field;
	if (row->element >= row->handshake->latency.phase_count)
		return FIELD_END;
	*base = &row->handshake->latency.phases[row->element];
	return FIELD_KNOWN;
}

FIELD_BASE(base_latency_cause)
{
	(void)field;
	if (row->element >= row->handshake->latency.cause_count)
		return FIELD_END;
	*base = &row->handshake->latency.causes[row->element];
	return FIELD_KNOWN;
}

FIELD_BASE(base_place)
{
	(void)field;
	if (row->element >= row->handshake->path_count)
		return FIELD_END;
	*base = &row->handshake->path[row->element];
	return FIELD_KNOWN;
}

FIELD_BASE(base_place_process)
{
	const struct process *process;

	if (base_place(field, row, base) == FIELD_END)
		return FIELD_END;
	process = &row->handshake->path[row->element].process;
	*base = process;
	return process->pid ? FIELD_KNOWN : FIELD_ABSENT;
}

FIELD_BASE(base_place_container)
{
	enum field_state state = base_place_process(field, row, base);

	return state == FIELD_KNOWN ? container_of(*base, base) : state;
}
