/* SPDX-License-Identifier: BSD-2-Clause */
/* One object a line, as docs/events.schema.json says: every key is always there. */
#include <json.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/cause.h"
#include "handshake/handshake.h"
#include "sink/json_value.h"
#include "sink/phases.h"
#include "sink/sink.h"
#include "sink/text.h"
#include "sink/verdict.h"
#include "tls/certificate.h"
#include "tls/hello.h"
#include "tls/names.h"
#include "tls/quic.h"
#include "who/container.h"

static struct json_object *json_text(const char *string)
{
	return string ? json_bytes(string, strlen(string)) : NULL;
}

static struct json_object *json_hex(const uint8_t *bytes, size_t length)
{
	char hex[2 * 32 + 1] = "";

	for (size_t i = 0; i < length && i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	return json_object_new_string(hex);
}

/* 0 is unknown. */
static struct json_object *json_known(uint64_t number)
{
	return number ? json_object_new_uint64(number) : NULL;
}

static struct json_object *json_code(text_namer *name, uint16_t code)
{
	char buffer[TEXT_CODE_SIZE];

	return json_object_new_string(text_code(name, code, buffer));
}

static struct json_object *json_known_code(text_namer *name, uint16_t code)
{
	return code ? json_code(name, code) : NULL;
}

/* A time relative to the handshake's. */
static struct json_object *json_relative(uint64_t time_ns, uint64_t start_ns)
{
	return time_ns && start_ns ? json_duration((int64_t)(time_ns - start_ns)) : NULL;
}

static struct json_object *json_address(const struct address *address)
{
	char text[TEXT_ADDRESS_SIZE];

	text_address(address, text);
	return json_object_new_string(text);
}

static struct json_object *json_comm(const struct process *process)
{
	return json_bytes(process->comm, strnlen(process->comm, HANDSHAKE_COMM_SIZE));
}

static struct json_object *json_creator(const struct process *creator)
{
	struct json_object *value;

	if (!creator->pid)
		return NULL;
	value = json_object_new_object();
	json_add(value, "pid", json_object_new_uint64(creator->pid));
	json_add(value, "comm", json_comm(creator));
	return value;
}

/* How the process ended, if that is what closed the connection. */
static struct json_object *json_exit(const struct endpoint *end)
{
	struct json_object *value;
	char name[TEXT_NUMBER_SIZE];

	if (!end->exited)
		return NULL;
	value = json_object_new_object();
	json_add(value, "signal",
		 end->exit_signal ? json_name(text_signal(end->exit_signal, name)) : NULL);
	json_add(value, "status", end->exit_signal ? NULL : json_object_new_int(end->exit_status));
	return value;
}

static struct json_object *json_process(const struct endpoint *end)
{
	const struct process *process = &end->process;
	struct json_object *value;

	if (!process->pid)
		return NULL;
	value = json_object_new_object();
	json_add(value, "pid", json_object_new_uint64(process->pid));
	json_add(value, "ns_pid", json_known(process->ns_pid));
	json_add(value, "tid", json_known(process->tid));
	json_add(value, "comm", json_comm(process));
	json_add(value, "exe", json_text(process->exe));
	json_add(value, "uid", json_object_new_uint64(process->uid));
	json_add(value, "how", json_name("socket"));
	json_add(value, "exit", json_exit(end));
	json_add(value, "creator", json_creator(&end->creator));
	return value;
}

static struct json_object *json_socket(const struct endpoint *end, uint64_t start_ns)
{
	const struct {
		const char *key;
		uint64_t time_ns;
	} times[] = {
		{"connect_us", end->connect_ns},       {"established_us", end->established_ns},
		{"accept_us", end->accept_ns},	       {"first_read_us", end->first_read_ns},
		{"last_read_us", end->last_read_ns},   {"first_write_us", end->first_write_ns},
		{"last_write_us", end->last_write_ns},
	};
	struct json_object *value;

	if (!end->process.pid && !end->socket_id)
		return NULL;
	value = json_object_new_object();
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		json_add(value, times[i].key, json_relative(times[i].time_ns, start_ns));
	json_add(value, "srtt_us", json_known(end->srtt_us));
	json_add(value, "min_rtt_us", json_known(end->min_rtt_us));
	return value;
}

/* Both ends of a label may be anybody's. */
static struct json_object *json_labels(const struct container_details *details)
{
	struct json_object *value;
	char key[4 * CONTAINER_TEXT_MAX + 1];

	if (!details->labels)
		return NULL;
	value = json_object_new_object();
	for (size_t i = 0; i < details->label_count; i++) {
		const struct container_label *label = &details->labels[i];

		text_escape(label->key, strlen(label->key), key, sizeof(key));
		json_object_object_add(value, key, json_text(label->value));
	}
	return value;
}

static struct json_object *json_container(const struct container *container)
{
	const struct container_details *details;
	struct json_object *value;

	if (!container || !container->known)
		return NULL;
	details = &container->details;
	value = json_object_new_object();
	json_add(value, "id", json_text(container->id));
	json_add(value, "name", json_text(details->name));
	json_add(value, "runtime", json_name(container->runtime));
	json_add(value, "image", json_text(details->image));
	json_add(value, "pod", json_text(details->pod));
	json_add(value, "pod_uid", json_text(details->pod_uid));
	json_add(value, "namespace", json_text(details->namespace));
	json_add(value, "labels", json_labels(details));
	return value;
}

static struct json_object *json_end(const struct endpoint *end, uint64_t start_ns)
{
	struct json_object *value = json_object_new_object();
	bool known = text_address_known(&end->address);
	char ip[TEXT_ADDRESS_SIZE];

	text_ip(&end->address, ip);
	json_add(value, "ip", known ? json_object_new_string(ip) : NULL);
	json_add(value, "port", known ? json_object_new_int(end->address.port) : NULL);
	json_add(value, "process", json_process(end));
	json_add(value, "container", json_container(end->process.container));
	json_add(value, "netns", json_known(end->netns));
	json_add(value, "cgroup", json_text(end->process.cgroup_path));
	json_add(value, "unit", json_text(end->process.unit));
	json_add(value, "socket", json_socket(end, start_ns));
	return value;
}

static struct json_object *json_facts(uint32_t facts)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < FAILURE_FACTS; i++)
		if (facts & 1u << i)
			json_append(list, json_name(failure_fact_name(i)));
	return list;
}

static struct json_object *json_failure(const struct handshake *handshake)
{
	static const char *const kinds[] = {
		[FAILURE_NONE] = NULL,	       [FAILURE_ALERT] = "alert",
		[FAILURE_RESET] = "reset",     [FAILURE_CLOSED] = "closed",
		[FAILURE_TIMEOUT] = "timeout", [FAILURE_REFUSED] = "refused",
	};
	int alert = handshake->failure.alert;
	struct json_object *value;
	char buffer[TEXT_CODE_SIZE];

	if (handshake->outcome != HANDSHAKE_FAILED)
		return NULL;
	value = json_object_new_object();
	json_add(value, "kind", json_name(kinds[handshake->failure.kind]));
	json_add(value, "by", json_name(text_end(handshake->failure.by)));
	if (alert < 0)
		json_add(value, "alert", NULL);
	else
		json_add(value, "alert", json_name(text_alert((uint8_t)alert, buffer)));
	json_add(value, "encrypted", json_object_new_boolean(handshake->failure.encrypted));
	json_add(value, "error",
		 handshake->failure.has_error ? json_object_new_uint64(handshake->failure.error)
					      : NULL);
	json_add(value, "reason",
		 json_bytes(handshake->failure.reason, handshake->failure.reason_length));
	json_add(value, "cause", json_name(failure_fact_name(handshake->failure.cause)));
	json_add(value, "facts", json_facts(handshake->failure.facts));
	return value;
}

static struct json_object *json_incomplete(const struct handshake *handshake)
{
	static const char *const reasons[VERDICT_FORMS] = {
		[VERDICT_TRACE_ENDED] = "trace_ended",
		[VERDICT_EVENTS_LOST] = "events_lost",
		[VERDICT_LATE_START] = "late_start",
		[VERDICT_SSL2] = "ssl2",
	};

	if (handshake->outcome != HANDSHAKE_INCOMPLETE)
		return NULL;
	return json_name(reasons[verdict_form(handshake)]);
}

static struct json_object *json_verdict(const struct handshake *handshake)
{
	char verdict[TEXT_VERDICT_SIZE];

	if (handshake->outcome != HANDSHAKE_FAILED)
		return NULL;
	verdict_write(handshake, verdict, sizeof(verdict));
	return json_object_new_string(verdict);
}

/* RFC 8446 section 4.2.9: with a key share it is psk_dhe_ke. */
static const char *psk_mode_accepted(const struct handshake *handshake)
{
	if (handshake->psk != TRI_ACCEPTED)
		return NULL;
	return tls_psk_mode_name(handshake->group != 0);
}

/* Of what has no "unknown" among its values. */
static struct json_object *json_state(enum handshake_tri state)
{
	return state == TRI_UNKNOWN ? NULL : json_name(text_state(state));
}

/* What was not seen may have been in what is missing. */
static struct json_object *json_seen(const struct handshake *handshake, bool was_seen)
{
	return was_seen || !handshake_is_partial(handshake) ? json_object_new_boolean(was_seen)
							    : NULL;
}

/* A server that chose an older version did not ask for another hello. DTLS's verification is as old
 * as DTLS. */
static struct json_object *json_retry(const struct handshake *handshake, bool was_asked)
{
	if (handshake->transport == TRANSPORT_TCP && handshake->has_server_random &&
	    !tls_version_is_13(handshake->version))
		return json_object_new_boolean(was_asked);
	return json_seen(handshake, was_asked);
}

/* What TLS 1.3 encrypts, and what nobody has said without an answer. */
static struct json_object *json_plain(const struct handshake *handshake, bool was_sent)
{
	if (!handshake->has_server_random || tls_version_is_13(handshake->version))
		return NULL;
	return json_seen(handshake, was_sent);
}

static struct json_object *json_quic_version(const struct handshake *handshake)
{
	char name[QUIC_VERSION_NAME_SIZE];

	return handshake->quic_version
		       ? json_object_new_string(quic_version_name(handshake->quic_version, name))
		       : NULL;
}

static struct json_object *json_tls(const struct handshake *handshake)
{
	struct json_object *value = json_object_new_object();
	bool answered = handshake->has_server_random;
	char buffer[TEXT_CODE_SIZE];

	json_add(value, "version", json_known_code(tls_version_name, handshake->version));
	json_add(value, "quic_version", json_quic_version(handshake));
	json_add(value, "cipher",
		 handshake->has_cipher ? json_code(tls_cipher_name, handshake->cipher) : NULL);
	json_add(value, "group", json_known_code(tls_group_name, handshake->group));
	json_add(value, "signature", json_known_code(tls_signature_name, handshake->signature));
	json_add(value, "sni", json_bytes(handshake->sni, handshake->sni_length));
	json_add(value, "alpn",
		 handshake->alpn_length ? json_bytes(handshake->alpn, handshake->alpn_length)
					: NULL);
	json_add(value, "resumed",
		 answered || handshake->resumed ? json_seen(handshake, handshake->resumed) : NULL);
	json_add(value, "resumption", json_name(text_resumption(handshake->resumption)));
	json_add(value, "psk", json_state(handshake->psk));
	json_add(value, "psk_mode", json_name(psk_mode_accepted(handshake)));
	json_add(value, "early_data", json_name(text_state(handshake->early_data)));
	json_add(value, "hello_retry", json_retry(handshake, handshake->hello_retry));
	json_add(value, "downgrade",
		 json_known_code(tls_version_name, handshake_downgrade(handshake)));
	json_add(value, "retry_group", json_known_code(tls_group_name, handshake->retry_group));
	json_add(value, "retry_cookie", json_retry(handshake, handshake->retry_cookie));
	json_add(value, "client_auth", json_name(text_state(handshake->client_auth)));
	json_add(value, "ocsp_stapled", json_plain(handshake, handshake->ocsp_stapled));
	json_add(value, "ticket_issued", json_plain(handshake, handshake->ticket_issued));
	json_add(value, "ech", json_state(handshake->ech));
	json_add(value, "heartbeat", json_known_code(tls_heartbeat_name, handshake->heartbeat));
	json_add(value, "renegotiation", json_object_new_boolean(handshake->renegotiation));
	json_add(value, "compression",
		 handshake->compression ? json_name(text_compression(handshake, buffer)) : NULL);
	json_add(value, "key_exchange", json_name(tls_key_exchange_name(handshake->key_exchange)));
	json_add(value, "server_random", answered ? json_hex(handshake->server_random, 32) : NULL);
	json_add(value, "session_id",
		 handshake->session_id_length
			 ? json_hex(handshake->session_id, handshake->session_id_length)
			 : NULL);
	return value;
}

static struct json_object *json_messages(const struct handshake *handshake)
{
	struct json_object *list = json_object_new_array();
	char buffer[TEXT_CODE_SIZE];

	for (size_t i = 0; i < handshake->message_count; i++) {
		const struct message *message = &handshake->messages[i];
		struct json_object *value = json_object_new_object();

		json_add(value, "at_us", json_relative(message->time_ns, handshake->time_ns));
		json_add(value, "from", json_name(text_end(message->from)));
		json_add(value, "record", json_name(text_record(message->record)));
		json_add(value, "message", json_name(text_message(message, buffer)));
		json_add(value, "size", json_object_new_uint64(message->size));
		json_add(value, "encrypted", json_object_new_boolean(message->encrypted));
		json_append(list, value);
	}
	return list;
}

static bool offer_is_cut(const struct offer *offer)
{
	return offer->received < offer->size;
}

/* Of a hello that was cut off nobody knows whether it went on with this list. */
static struct json_object *json_codes(const struct offer *offer, text_namer *name,
				      const struct code_list *codes)
{
	struct json_object *list;

	if (offer_is_cut(offer) && !codes->count)
		return NULL;
	list = json_object_new_array();
	for (size_t i = 0; i < codes->count; i++)
		json_append(list, json_code(name, codes->items[i]));
	return list;
}

static struct json_object *json_alpn(const struct offer *offer)
{
	struct json_object *list;
	size_t offset = 0, length;
	const uint8_t *name;

	if (offer_is_cut(offer) && !offer->alpn_length)
		return NULL;
	list = json_object_new_array();
	while (text_alpn_next(offer, &offset, &name, &length))
		json_append(list, json_bytes(name, length));
	return list;
}

static struct json_object *json_offer(const struct handshake *handshake)
{
	const struct offer *offer = &handshake->offer;
	struct json_object *value;

	if (!handshake->has_random && !offer->size)
		return NULL;
	value = json_object_new_object();
	json_add(value, "version", json_known_code(tls_version_name, offer->version));
	json_add(value, "versions", json_codes(offer, tls_version_name, &offer->versions));
	json_add(value, "ciphers", json_codes(offer, tls_cipher_name, &offer->ciphers));
	json_add(value, "groups", json_codes(offer, tls_group_name, &offer->groups));
	json_add(value, "key_shares", json_codes(offer, tls_group_name, &offer->key_shares));
	json_add(value, "signature_algorithms",
		 json_codes(offer, tls_signature_name, &offer->signatures));
	json_add(value, "alpn", json_alpn(offer));
	json_add(value, "extensions", json_codes(offer, tls_extension_name, &offer->extensions));
	json_add(value, "point_formats",
		 json_codes(offer, tls_point_format_name, &offer->point_formats));
	json_add(value, "psk_modes", json_codes(offer, tls_psk_mode_name, &offer->psk_modes));
	json_add(value, "compressions",
		 json_codes(offer, tls_compression_name, &offer->compressions));
	json_add(value, "delegated_credentials",
		 json_codes(offer, tls_signature_name, &offer->delegated_credentials));
	json_add(value, "heartbeat", json_known_code(tls_heartbeat_name, offer->heartbeat));
	json_add(value, "padding",
		 offer->has_padding ? json_object_new_uint64(offer->padding) : NULL);
	json_add(value, "size", json_known(offer->size));
	json_add(value, "received", json_known(offer->received));
	json_add(value, "records", json_known(offer->records));
	json_add(value, "segments", json_known(offer->segments));
	return value;
}

static struct json_object *json_date(int64_t seconds)
{
	char text[TEXT_TIME_SIZE];

	return seconds != CERTIFICATE_TIME_UNKNOWN && text_seconds(seconds, text)
		       ? json_object_new_string(text)
		       : NULL;
}

static struct json_object *json_sans(const struct certificate *certificate)
{
	struct json_object *list;

	if (certificate->broken && !certificate->san_count)
		return NULL;
	list = json_object_new_array();
	for (size_t i = 0; i < certificate->san_count; i++)
		json_append(list, json_text(certificate->sans[i]));
	return list;
}

static struct json_object *json_certificate(const struct sent_certificate *sent)
{
	const struct certificate *certificate = sent->certificate;
	struct json_object *value = json_object_new_object();

	json_add(value, "from", json_name(text_end(sent->from)));
	json_add(value, "subject", json_text(certificate->subject));
	json_add(value, "issuer", json_text(certificate->issuer));
	json_add(value, "san", json_sans(certificate));
	json_add(value, "not_before", json_date(certificate->not_before));
	json_add(value, "not_after", json_date(certificate->not_after));
	json_add(value, "key", json_name(certificate->key));
	json_add(value, "signature", json_name(certificate->signature));
	json_add(value, "serial", json_name(certificate->serial));
	json_add(value, "sha256", json_hex(certificate->sha256, 32));
	json_add(value, "size", json_object_new_uint64(certificate->size));
	json_add(value, "broken", json_object_new_boolean(certificate->broken));
	json_add(value, "truncated", json_object_new_boolean(certificate->truncated));
	return value;
}

static struct json_object *json_certificates(const struct handshake *handshake)
{
	struct json_object *list;

	if (!handshake->certificates)
		return NULL;
	list = json_object_new_array();
	for (size_t i = 0; i < handshake->certificate_count; i++)
		json_append(list, json_certificate(&handshake->certificates[i]));
	return list;
}

static struct json_object *json_fingerprint(const struct handshake *handshake)
{
	struct json_object *value = json_object_new_object();

	json_add(value, "ja3", handshake->ja3[0] ? json_name(handshake->ja3) : NULL);
	json_add(value, "ja3s", handshake->ja3s[0] ? json_name(handshake->ja3s) : NULL);
	json_add(value, "ja4", handshake->ja4[0] ? json_name(handshake->ja4) : NULL);
	return value;
}

static struct json_object *json_phases(const struct latency *latency)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < latency->phase_count; i++) {
		const struct phase *phase = &latency->phases[i];
		struct json_object *value = json_object_new_object();

		json_add(value, "name", json_name(phase_name(phase->kind)));
		json_add(value, "side",
			 phase->side < END_UNKNOWN ? json_name(text_end(phase->side)) : NULL);
		json_add(value, "start_us",
			 json_duration((int64_t)(phase->start_ns - latency->start_ns)));
		json_add(value, "duration_us", json_duration((int64_t)phase->duration_ns));
		json_add(value, "quality", json_name(phase->estimated ? "estimated" : "measured"));
		json_append(list, value);
	}
	return list;
}

static struct json_object *json_latency(const struct handshake *handshake)
{
	struct json_object *value = json_object_new_object();
	uint64_t total_ns;

	json_add(value, "total_us",
		 handshake_total(handshake, &total_ns) ? json_duration((int64_t)total_ns) : NULL);
	json_add(value, "rtt_us", json_known(handshake->latency.rtt_us));
	json_add(value, "retransmissions",
		 json_object_new_uint64(handshake->latency.retransmissions));
	json_add(value, "phases", json_phases(&handshake->latency));
	return value;
}

static struct json_object *json_place_process(const struct process *process)
{
	struct json_object *value;

	if (!process->pid)
		return NULL;
	value = json_object_new_object();
	json_add(value, "pid", json_object_new_uint64(process->pid));
	json_add(value, "comm", json_comm(process));
	json_add(value, "exe", json_text(process->exe));
	json_add(value, "uid", json_object_new_uint64(process->uid));
	json_add(value, "container", json_container(process->container));
	return value;
}

static struct json_object *json_path(const struct sink_settings *settings,
				     const struct handshake *handshake)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < handshake->path_count; i++) {
		const struct place *place = &handshake->path[i];
		struct json_object *value = json_object_new_object();
		size_t length = strnlen(place->interface, sizeof(place->interface));

		json_add(value, "interface", length ? json_bytes(place->interface, length) : NULL);
		json_add(value, "ifindex", json_known(place->ifindex));
		json_add(value, "netns", json_known(place->netns));
		json_add(value, "direction", json_name(text_hook(place->hook)));
		json_add(value, "client", json_address(&place->client));
		json_add(value, "server", json_address(&place->server));
		json_add(value, "process", json_place_process(&place->process));
		json_add(value, "time", json_time(settings, place->time_ns));
		json_append(list, value);
	}
	return list;
}

static struct json_object *json_quality(const struct handshake *handshake)
{
	struct json_object *value = json_object_new_object();
	struct json_object *inferred = json_object_new_array();

	for (size_t i = 0; i < handshake->inferred_count; i++)
		json_append(inferred, json_name(text_inferred(handshake->inferred[i])));
	json_add(value, "gap", json_object_new_boolean(handshake->gap));
	json_add(value, "truncated", json_object_new_boolean(handshake->truncated));
	json_add(value, "late_start", json_object_new_boolean(handshake->late_start));
	json_add(value, "inferred", inferred);
	return value;
}

static void json_row(const struct sink_settings *settings, const struct handshake *handshake)
{
	/* What is still pending when it is written stays without an outcome. */
	static const char *const outcomes[] = {
		[HANDSHAKE_PENDING] = "incomplete",
		[HANDSHAKE_COMPLETED] = "completed",
		[HANDSHAKE_FAILED] = "failed",
		[HANDSHAKE_INCOMPLETE] = "incomplete",
	};
	const struct endpoint *ends = handshake->ends;
	struct json_object *line = json_line("handshake");

	json_add(line, "id", handshake->has_random ? json_hex(handshake->random, 32) : NULL);
	json_add(line, "time", json_time(settings, handshake->time_ns));
	json_add(line, "transport", json_name(text_transport(handshake->transport)));
	json_add(line, "outcome", json_name(outcomes[handshake->outcome]));
	json_add(line, "verdict", json_verdict(handshake));
	json_add(line, "failure", json_failure(handshake));
	json_add(line, "incomplete", json_incomplete(handshake));
	json_add(line, "left_by",
		 handshake->left_at_once ? json_name(text_end(handshake->left_by)) : NULL);
	json_add(line, "client", json_end(&ends[END_CLIENT], handshake->time_ns));
	json_add(line, "server", json_end(&ends[END_SERVER], handshake->time_ns));
	json_add(line, "tls", json_tls(handshake));
	json_add(line, "messages", json_messages(handshake));
	json_add(line, "offer", json_offer(handshake));
	json_add(line, "certificates", json_certificates(handshake));
	json_add(line, "fingerprint", json_fingerprint(handshake));
	json_add(line, "latency", json_latency(handshake));
	json_add(line, "path", json_path(settings, handshake));
	json_add(line, "quality", json_quality(handshake));
	json_write(settings, line);
}

static struct json_object *json_hook(const char *hook)
{
	return hook && strcmp(hook, "none") ? json_object_new_string(hook) : NULL;
}

static struct json_object *json_capture(const struct trace_start *start)
{
	struct json_object *value = json_object_new_object();
	struct json_object *list;

	if (start->file) {
		json_add(value, "file", json_text(start->file));
		return value;
	}
	list = json_object_new_array();
	for (size_t i = 0; i < start->interface_count; i++) {
		const struct sink_interface *interface = &start->interfaces[i];
		struct json_object *item = json_object_new_object();

		json_add(item, "name",
			 json_bytes(interface->name,
				    strnlen(interface->name, sizeof(interface->name))));
		json_add(item, "ifindex", json_object_new_uint64(interface->ifindex));
		json_add(item, "netns", json_known(interface->netns));
		json_append(list, item);
	}
	json_add(value, "tc", json_hook(start->tc));
	json_add(value, "sockets", json_hook(start->sockets));
	json_add(value, "namespaces", json_text(start->everywhere ? "all" : "current"));
	json_add(value, "interfaces", list);
	return value;
}

static void json_start(const struct sink_settings *settings, const struct trace_start *start)
{
	struct json_object *line = json_line("start");

	json_add(line, "version", json_text(start->version));
	json_add(line, "time", json_time(settings, start->time_ns));
	json_add(line, "host", json_text(start->host));
	json_add(line, "kernel", json_text(start->kernel));
	json_add(line, "capture", json_capture(start));
	json_write(settings, line);
}

static struct json_object *json_counts(const struct named_count *counts, size_t count)
{
	struct json_object *value = json_object_new_object();

	for (size_t i = 0; i < count; i++)
		json_add(value, counts[i].name, json_object_new_uint64(counts[i].count));
	return value;
}

static void json_finish(const struct sink_settings *settings, const struct trace_end *end)
{
	const struct named_count handshakes[] = {
		{"completed", end->completed},
		{"failed", end->failed},
		{"incomplete", end->incomplete},
	};
	struct json_object *line = json_object_new_object();

	json_add(line, "type", json_name("end"));
	json_add(line, "time", json_time(settings, end->time_ns));
	json_add(line, "handshakes", json_counts(handshakes, 3));
	json_add(line, "seen", json_object_new_uint64(end->seen));
	json_add(line, "reported", json_object_new_uint64(end->reported));
	json_add(line, "filtered", json_object_new_uint64(end->filtered));
	json_add(line, "lost", json_counts(end->lost, end->lost_count));
	json_add(line, "dropped", json_counts(end->dropped, end->dropped_count));
	if (end->live)
		json_add(line, "unattached", json_object_new_uint64(end->unattached));
	json_add(line, "cost", json_counts(end->cost, end->cost_count));
	json_write(settings, line);
}

const struct sink sink_json = {
	.name = "json",
	.wants_details = true,
	.start = json_start,
	.row = json_row,
	.end = json_finish,
};
