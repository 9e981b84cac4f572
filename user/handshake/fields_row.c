// SPDX-License-Identifier: BSD-2-Clause
/* Readers with a rule of their own: of the row, its failure, its ends, and what is derived. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "handshake/cause.h"
#include "handshake/fields_read.h"
#include "tls/certificate.h"
#include "who/container.h"

FIELD_READER(read_id)
{
	(void)field;
	(void)base;
	field_known_text(value, row->handshake->random, sizeof(row->handshake->random));
	return row->handshake->has_random ? FIELD_KNOWN : FIELD_UNKNOWN;
}

FIELD_READER(read_verdict)
{
	(void)field;
	(void)base;
	if (row->handshake->outcome != HANDSHAKE_FAILED)
		return FIELD_ABSENT;
	if (!row->verdict)
		return FIELD_UNKNOWN;
	row->verdict(row->handshake, row->buffer, sizeof(row->buffer));
	return field_known_string(value, row->buffer);
}

FIELD_READER(read_failure_by)
{
	(void)field;
	(void)base;
	value->number = row->handshake->failure.by;
	return row->handshake->failure.by < END_UNKNOWN ? FIELD_KNOWN : FIELD_UNKNOWN;
}

FIELD_READER(read_failure_alert)
{
	(void)field;
	(void)base;
	if (row->handshake->failure.alert < 0)
		return row->handshake->failure.encrypted ? FIELD_UNKNOWN : FIELD_ABSENT;
	return field_known_string(value, words_alert((uint8_t)row->handshake->failure.alert,
						     row->buffer, sizeof(row->buffer)));
}

FIELD_READER(read_failure_error)
{
	(void)field;
	(void)base;
	value->number = row->handshake->failure.error;
	return row->handshake->failure.has_error ? FIELD_KNOWN : FIELD_ABSENT;
}

FIELD_READER(read_failure_reason)
{
	const struct handshake *handshake = row->handshake;

	(void)field;
	(void)base;
	field_known_text(value, handshake->failure.reason, handshake->failure.reason_length);
	return handshake->failure.reason ? FIELD_KNOWN : FIELD_ABSENT;
}

FIELD_READER(read_failure_facts)
{
	uint64_t left = row->handshake->failure.facts >> row->cursor;

	(void)field;
	(void)base;
	if (!left)
		return FIELD_END;
	value->number = row->cursor + (size_t)__builtin_ctzll(left);
	row->cursor = value->number + 1;
	return FIELD_KNOWN;
}

FIELD_READER(read_incomplete)
{
	(void)field;
	(void)base;
	value->number = handshake_incomplete_reason(row->handshake);
	return row->handshake->outcome == HANDSHAKE_INCOMPLETE ? FIELD_KNOWN : FIELD_ABSENT;
}

FIELD_READER(read_left_by)
{
	(void)field;
	(void)base;
	value->number = row->handshake->left_by;
	return row->handshake->left_at_once ? FIELD_KNOWN : FIELD_ABSENT;
}

FIELD_READER(read_rejected_after)
{
	(void)field;
	(void)base;
	value->number = row->handshake->rejected_after;
	return row->handshake->rejected_after ? FIELD_KNOWN : FIELD_ABSENT;
}

FIELD_READER(read_inferred)
{
	(void)field;
	(void)base;
	if (row->item >= row->handshake->inferred_count)
		return FIELD_END;
	value->number = row->handshake->inferred[row->item];
	return FIELD_KNOWN;
}

static bool address_is_known(const struct address *address)
{
	static const struct address none;

	return memcmp(address->ip, none.ip, sizeof(none.ip)) || address->port;
}

FIELD_READER(read_ip)
{
	const struct endpoint *end = base;

	(void)field;
	(void)row;
	value->address = &end->address;
	return address_is_known(&end->address) ? FIELD_KNOWN : FIELD_UNKNOWN;
}

FIELD_READER(read_port)
{
	const struct endpoint *end = base;

	(void)field;
	(void)row;
	value->number = end->address.port;
	return address_is_known(&end->address) ? FIELD_KNOWN : FIELD_UNKNOWN;
}

FIELD_READER(read_how)
{
	(void)field;
	(void)row;
	(void)base;
	return field_known_string(value, "socket");
}

FIELD_READER(read_exit_signal)
{
	const struct endpoint *end = base;
	const char *name = sigabbrev_np(end->exit_signal);

	(void)field;
	if (!end->exit_signal)
		return FIELD_ABSENT;
	if (name)
		snprintf(row->buffer, sizeof(row->buffer), "SIG%s", name);
	else
		snprintf(row->buffer, sizeof(row->buffer), "signal %d", end->exit_signal);
	return field_known_string(value, row->buffer);
}

FIELD_READER(read_exit_status)
{
	const struct endpoint *end = base;

	(void)field;
	(void)row;
	value->number = end->exit_status;
	return end->exit_signal ? FIELD_ABSENT : FIELD_KNOWN;
}

FIELD_READER(read_unit)
{
	const struct process *process = &((const struct endpoint *)base)->process;

	(void)field;
	(void)row;
	if (process->unit)
		return field_known_string(value, process->unit);
	return process->cgroup_path ? FIELD_ABSENT : FIELD_UNKNOWN;
}

FIELD_READER(read_label)
{
	const struct container_details *details = &((const struct container *)base)->details;

	(void)field;
	if (!details->labels)
		return FIELD_UNKNOWN;
	if (row->item >= details->label_count)
		return FIELD_END;
	value->text.key = details->labels[row->item].key;
	return field_known_string(value, details->labels[row->item].value);
}

FIELD_READER(read_end_name)
{
	const struct endpoint *end = base;
	bool v4 = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)end->address.ip);

	(void)field;
	if (end->process.pid)
		return field_known_text(value, end->process.comm,
					strnlen(end->process.comm, HANDSHAKE_COMM_SIZE));
	if (!address_is_known(&end->address))
		return FIELD_UNKNOWN;
	inet_ntop(v4 ? AF_INET : AF_INET6, end->address.ip + (v4 ? 12 : 0), row->buffer,
		  sizeof(row->buffer));
	return field_known_string(value, row->buffer);
}

FIELD_READER(read_failed)
{
	enum handshake_outcome outcome = row->handshake->outcome;

	(void)field;
	(void)base;
	value->boolean = outcome == HANDSHAKE_FAILED;
	return value->boolean || outcome == HANDSHAKE_COMPLETED ? FIELD_KNOWN : FIELD_UNKNOWN;
}

FIELD_READER(read_message_name)
{
	const char *name = words_message(base, row->buffer, sizeof(row->buffer));

	(void)field;
	return name ? field_known_string(value, name) : FIELD_UNKNOWN;
}

FIELD_READER(read_interface)
{
	const struct place *place = base;
	size_t length = strnlen(place->interface, sizeof(place->interface));

	(void)field;
	(void)row;
	field_known_text(value, place->interface, length);
	return length ? FIELD_KNOWN : FIELD_UNKNOWN;
}

FIELD_READER(read_san)
{
	const struct certificate *certificate = base;

	(void)field;
	if (row->item >= certificate->san_count)
		return certificate->broken && !certificate->san_count ? FIELD_UNKNOWN : FIELD_END;
	return field_known_string(value, certificate->sans[row->item]);
}

/* Certificates are valid for up to 8,000 years, durations are of 292: what is longer is that. */
FIELD_READER(read_expires)
{
	const struct certificate *first = handshake_first_to_expire(row->handshake, END_SERVER);
	int64_t now_ns = (int64_t)row->handshake->time_ns + row->clock_offset_ns, then_ns;

	(void)field;
	(void)base;
	if (!first || first->not_after == CERTIFICATE_TIME_UNKNOWN)
		return FIELD_UNKNOWN;
	if (__builtin_mul_overflow(first->not_after, INT64_C(1000000000), &then_ns))
		then_ns = first->not_after < 0 ? INT64_MIN : INT64_MAX;
	if (__builtin_sub_overflow(then_ns, now_ns, &value->duration_ns))
		value->duration_ns = INT64_MIN;
	return FIELD_KNOWN;
}

FIELD_READER(read_total)
{
	uint64_t total_ns;

	(void)field;
	(void)base;
	if (!handshake_total(row->handshake, &total_ns))
		return FIELD_UNKNOWN;
	value->duration_ns = (int64_t)total_ns;
	return FIELD_KNOWN;
}

FIELD_READER(read_phase_side)
{
	const struct phase *phase = base;

	(void)field;
	(void)row;
	value->number = phase->side;
	return phase->side < END_UNKNOWN ? FIELD_KNOWN : FIELD_ABSENT;
}

FIELD_READER(read_phase_start)
{
	const struct phase *phase = base;

	(void)field;
	value->duration_ns = (int64_t)(phase->start_ns - row->handshake->latency.start_ns);
	return FIELD_KNOWN;
}

FIELD_READER(read_phase_duration)
{
	(void)field;
	(void)row;
	value->duration_ns = (int64_t)((const struct phase *)base)->duration_ns;
	return FIELD_KNOWN;
}

FIELD_READER(read_phase_quality)
{
	const struct phase *phase = base;

	(void)field;
	(void)row;
	if (phase->lost)
		return field_known_string(value, "lost");
	return field_known_string(value, phase->estimated ? "estimated" : "measured");
}

FIELD_READER(read_phase_error)
{
	const struct phase *phase = base;

	(void)field;
	(void)row;
	value->duration_ns = (int64_t)phase->error_ns;
	if (!phase->estimated)
		return FIELD_ABSENT;
	return phase->error_ns == UINT64_MAX ? FIELD_UNKNOWN : FIELD_KNOWN;
}

FIELD_READER(read_latency_cause_from)
{
	const struct latency_cause *cause = base;

	(void)field;
	(void)row;
	value->number = cause->from;
	return cause->from < END_UNKNOWN ? FIELD_KNOWN : FIELD_ABSENT;
}

FIELD_READER(read_latency_cause_duration)
{
	(void)field;
	(void)row;
	value->duration_ns = (int64_t)((const struct latency_cause *)base)->duration_ns;
	return FIELD_KNOWN;
}

/* A phase may come twice in one handshake. */
FIELD_READER(read_phase_sum)
{
	const struct latency *latency = &row->handshake->latency;
	bool found = false;

	(void)base;
	value->duration_ns = 0;
	for (size_t i = 0; i < latency->phase_count; i++) {
		if (latency->phases[i].kind != field->phase)
			continue;
		found = true;
		value->duration_ns += (int64_t)latency->phases[i].duration_ns;
	}
	if (found)
		return FIELD_KNOWN;
	return latency->phase_count ? FIELD_ABSENT : FIELD_UNKNOWN;
}
