/* SPDX-License-Identifier: BSD-2-Clause */
/* All of one handshake as a block of lines. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/cause.h"
#include "handshake/handshake.h"
#include "sink/phases.h"
#include "sink/sink.h"
#include "sink/text.h"
#include "tls/certificate.h"
#include "tls/names.h"

#define LABEL_WIDTH 13
#define ITEM_SIZE   1152 /* an escaped name of 255 bytes; a longer one is cut */

/* A label, then items that go on under each other where the line ends. */
struct list {
	const struct sink_settings *settings;
	const char *label;
	size_t column, items;
};

static struct list list_start(const struct sink_settings *settings, const char *label)
{
	return (struct list){.settings = settings, .label = label};
}

static void list_add(struct list *list, const char *item)
{
	size_t width = text_width(item), limit = (size_t)list->settings->width;
	FILE *out = list->settings->out;

	if (!list->items++) {
		fprintf(out, "  %-*s%s", LABEL_WIDTH, list->label, item);
		list->column = 2 + LABEL_WIDTH + width;
		return;
	}
	/* The comma after it, and the one and the space before it. */
	if (list->settings->width > 0 && list->column + 2 + width + 1 > limit) {
		fprintf(out, ",\n%*s%s", 2 + LABEL_WIDTH, "", item);
		list->column = 2 + LABEL_WIDTH + width;
		return;
	}
	fprintf(out, ", %s", item);
	list->column += 2 + width;
}

static void list_addf(struct list *list, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void list_addf(struct list *list, const char *format, ...)
{
	char item[ITEM_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(item, sizeof(item), format, arguments);
	va_end(arguments);
	list_add(list, item);
}

/* A list without an item is not shown. */
static void list_finish(struct list *list)
{
	if (list->items)
		fputc('\n', list->settings->out);
}

static void list_add_bytes(struct list *list, const char *before, const void *bytes, size_t length)
{
	char text[ITEM_SIZE];

	text_escape(bytes, length, text, sizeof(text));
	list_addf(list, "%s%.1024s", before, text);
}

/* Paths are not cut: a path that is cut names another file. */
static void list_add_path(struct list *list, const char *before, const char *path)
{
	size_t length = path ? strlen(path) : 0, size = strlen(before) + 4 * length + 1;
	char *item = length ? malloc(size) : NULL;

	if (!item)
		return;
	strcpy(item, before);
	text_escape(path, length, item + strlen(before), size - strlen(before));
	list_add(list, item);
	free(item);
}

static void list_add_code(struct list *list, text_namer *name, uint16_t code)
{
	char buffer[TEXT_CODE_SIZE];

	list_add(list, text_code(name, code, buffer));
}

static void title_print(const struct sink_settings *settings, const struct handshake *handshake)
{
	const char *arrow = text_is_utf8() ? "→" : "->";
	char client[TEXT_WHO_SIZE], server[TEXT_WHO_SIZE], time[TEXT_TIME_SIZE];
	char sni[ITEM_SIZE] = "", number[TEXT_NUMBER_SIZE], buffer[TEXT_CODE_SIZE];
	char quic[TEXT_QUIC_SIZE];
	uint64_t ns;

	text_time(handshake->time_ns, settings->clock_offset_ns, time);
	text_who(&handshake->ends[END_CLIENT], client);
	text_who(&handshake->ends[END_SERVER], server);
	fprintf(settings->out, "%s %s %s %s", time, client, arrow, server);
	if (handshake->sni && text_escape(handshake->sni, handshake->sni_length, sni, sizeof(sni)))
		fprintf(settings->out, " %s", sni);
	if (handshake->transport == TRANSPORT_QUIC) {
		text_quic(handshake->quic_version, quic);
		fprintf(settings->out, " %s", quic);
	}
	if (handshake->version)
		fprintf(settings->out, " %s",
			text_code(tls_version_name, handshake->version, buffer));
	if (handshake_total(handshake, &ns)) {
		text_milliseconds(ns, number);
		fprintf(settings->out, " %s ms", number);
	}
	fputc('\n', settings->out);
}

static void end_print(const struct sink_settings *settings, const struct endpoint *end,
		      const char *label)
{
	struct list list = list_start(settings, label);
	const struct process *process = &end->process;
	char address[TEXT_ADDRESS_SIZE], who[TEXT_WHO_SIZE];

	if (process->pid) {
		text_who(end, who);
		list_add(&list, who);
		list_add_path(&list, "", process->exe);
		list_addf(&list, "uid %u", process->uid);
	}
	if (text_address_known(&end->address)) {
		text_address(&end->address, address);
		list_add(&list, address);
	}
	if (end->creator.pid) {
		struct endpoint creator = {.process = end->creator};

		text_who(&creator, who);
		list_addf(&list, "socket of %s", who);
	}
	list_add_path(&list, "cgroup ", process->cgroup_path);
	if (end->netns)
		list_addf(&list, "netns %u", end->netns);
	if (!list.items)
		list_add(&list, "unknown");
	list_finish(&list);
}

static void list_add_state(struct list *list, const char *what, enum handshake_tri state)
{
	if (state != TRI_NONE)
		list_addf(list, "%s %s", what, text_state(state));
}

/* What the server chose, and how. */
static void choice_print(const struct sink_settings *settings, const struct handshake *handshake)
{
	struct list list = list_start(settings, "chosen");

	if (handshake->version)
		list_add_code(&list, tls_version_name, handshake->version);
	if (handshake->has_cipher)
		list_add_code(&list, tls_cipher_name, handshake->cipher);
	if (handshake->group)
		list_add_code(&list, tls_group_name, handshake->group);
	if (handshake->signature)
		list_add_code(&list, tls_signature_name, handshake->signature);
	if (handshake->alpn_length)
		list_add_bytes(&list, "ALPN ", handshake->alpn, handshake->alpn_length);
	if (handshake->key_exchange)
		list_addf(&list, "key exchange %s", tls_key_exchange_name(handshake->key_exchange));
	if (handshake->compression)
		list_addf(&list, "compression %s",
			  text_compression(handshake, (char[TEXT_CODE_SIZE]){""}));
	if (handshake->resumed)
		list_addf(&list, "resumed%s%s", handshake->resumption ? " by " : "",
			  handshake->resumption ? text_resumption(handshake->resumption) : "");
	if (handshake->ocsp_stapled)
		list_add(&list, "OCSP response stapled");
	if (handshake->ticket_issued)
		list_add(&list, "session ticket issued");
	if (handshake->hello_retry)
		list_add(&list, "after a HelloRetryRequest");
	if (handshake->retry_group)
		list_addf(&list, "which asked for %s",
			  text_code(tls_group_name, handshake->retry_group,
				    (char[TEXT_CODE_SIZE]){""}));
	if (handshake->retry_cookie)
		list_add(&list, "which brought a cookie");
	if (handshake->renegotiation)
		list_add(&list, "renegotiation, encrypted by the handshake before");
	if (handshake->heartbeat)
		list_addf(&list, "heartbeat %s",
			  text_code(tls_heartbeat_name, handshake->heartbeat,
				    (char[TEXT_CODE_SIZE]){""}));
	if (!handshake->renegotiation) {
		list_add_state(&list, "PSK", handshake->psk);
		list_add_state(&list, "early data", handshake->early_data);
		list_add_state(&list, "client certificate", handshake->client_auth);
		list_add_state(&list, "ECH", handshake->ech);
	}
	list_finish(&list);
}

static void codes_print(const struct sink_settings *settings, const char *label, text_namer *name,
			const struct code_list *codes)
{
	struct list list = list_start(settings, label);

	for (size_t i = 0; i < codes->count; i++)
		list_add_code(&list, name, codes->items[i]);
	list_finish(&list);
}

static void offer_print(const struct sink_settings *settings, const struct handshake *handshake)
{
	const struct offer *offer = &handshake->offer;
	struct list list = list_start(settings, "offer"), alpn = list_start(settings, "  alpn");
	size_t offset = 0, length;
	const uint8_t *name;

	if (!handshake->has_random)
		return;
	if (offer->version)
		list_add_code(&list, tls_version_name, offer->version);
	if (offer->received < offer->size)
		list_addf(&list, "%u of %u bytes", offer->received, offer->size);
	else
		list_addf(&list, "%u bytes", offer->size);
	list_addf(&list, "%u record%s", offer->records, offer->records == 1 ? "" : "s");
	list_addf(&list, "%u segment%s", offer->segments, offer->segments == 1 ? "" : "s");
	list_finish(&list);
	codes_print(settings, "  versions", tls_version_name, &offer->versions);
	codes_print(settings, "  ciphers", tls_cipher_name, &offer->ciphers);
	codes_print(settings, "  groups", tls_group_name, &offer->groups);
	codes_print(settings, "  key shares", tls_group_name, &offer->key_shares);
	codes_print(settings, "  signatures", tls_signature_name, &offer->signatures);
	while (text_alpn_next(offer, &offset, &name, &length))
		list_add_bytes(&alpn, "", name, length);
	list_finish(&alpn);
	codes_print(settings, "  extensions", tls_extension_name, &offer->extensions);
}

static void fingerprint_print(const struct sink_settings *settings,
			      const struct handshake *handshake)
{
	struct list list = list_start(settings, "fingerprint");

	if (handshake->ja4[0])
		list_addf(&list, "JA4 %s", handshake->ja4);
	if (handshake->ja3[0])
		list_addf(&list, "JA3 %s", handshake->ja3);
	if (handshake->ja3s[0])
		list_addf(&list, "JA3S %s", handshake->ja3s);
	list_finish(&list);
}

/* Judged by the time of the handshake, which of a capture may be long ago. */
static void validity_print(const struct sink_settings *settings,
			   const struct certificate *certificate, int64_t now)
{
	int64_t before = certificate->not_before, after = certificate->not_after;
	struct list list = list_start(settings, "  valid");
	char from[TEXT_TIME_SIZE], to[TEXT_TIME_SIZE];

	if (before == CERTIFICATE_TIME_UNKNOWN || after == CERTIFICATE_TIME_UNKNOWN ||
	    !text_seconds(before, from) || !text_seconds(after, to))
		return;
	list_addf(&list, "%s to %s", from, to);
	if (now > after)
		list_add(&list, "expired at the time of the handshake");
	if (now < before)
		list_add(&list, "not yet valid at the time of the handshake");
	list_finish(&list);
}

static void text_print(const struct sink_settings *settings, const char *label, const char *text)
{
	struct list list = list_start(settings, label);

	if (text)
		list_add_bytes(&list, "", text, strlen(text));
	list_finish(&list);
}

static void sans_print(const struct sink_settings *settings, const struct certificate *certificate)
{
	struct list list = list_start(settings, "  names");

	for (size_t i = 0; i < certificate->san_count; i++)
		list_add_bytes(&list, "", certificate->sans[i], strlen(certificate->sans[i]));
	list_finish(&list);
}

static void certificate_print(const struct sink_settings *settings,
			      const struct sent_certificate *sent, int64_t now)
{
	const struct certificate *certificate = sent->certificate;
	struct list title = list_start(settings, "certificate");
	struct list key = list_start(settings, "  key");

	list_addf(&title, "of the %s", text_end(sent->from));
	list_addf(&title, "%u bytes", certificate->size);
	if (certificate->broken)
		list_add(&title, "broken");
	if (certificate->truncated)
		list_add(&title, "shown only in part");
	list_finish(&title);
	text_print(settings, "  subject", certificate->subject);
	text_print(settings, "  issuer", certificate->issuer);
	sans_print(settings, certificate);
	validity_print(settings, certificate, now);
	if (certificate->key)
		list_add(&key, certificate->key);
	if (certificate->signature)
		list_addf(&key, "signed with %s", certificate->signature);
	list_finish(&key);
	text_print(settings, "  serial", certificate->serial);
}

static void certificates_print(const struct sink_settings *settings,
			       const struct handshake *handshake)
{
	int64_t now = ((int64_t)handshake->time_ns + settings->clock_offset_ns) / 1000000000;

	for (size_t i = 0; i < handshake->certificate_count; i++)
		certificate_print(settings, &handshake->certificates[i], now);
}

/* Relative to the handshake's time, with a sign: "+0.890". */
static void relative_write(uint64_t time_ns, uint64_t start_ns, char to[TEXT_NUMBER_SIZE + 1])
{
	bool before = time_ns < start_ns;
	char number[TEXT_NUMBER_SIZE];

	text_milliseconds(before ? start_ns - time_ns : time_ns - start_ns, number);
	if (time_ns && start_ns)
		snprintf(to, TEXT_NUMBER_SIZE + 1, "%c%s", before ? '-' : '+', number);
	else
		snprintf(to, TEXT_NUMBER_SIZE + 1, "?");
}

static void path_print(const struct sink_settings *settings, const struct handshake *handshake)
{
	struct list list = list_start(settings, "path");

	for (size_t i = 0; i < handshake->path_count; i++) {
		const struct place *place = &handshake->path[i];
		char name[4 * sizeof(place->interface) + 1], at[TEXT_NUMBER_SIZE + 1];
		char client[TEXT_ADDRESS_SIZE], server[TEXT_ADDRESS_SIZE], who[TEXT_WHO_SIZE] = "";

		if (place->process.pid)
			text_process(&place->process, who);
		text_escape(place->interface, strnlen(place->interface, sizeof(place->interface)),
			    name, sizeof(name));
		relative_write(place->time_ns, handshake->time_ns, at);
		text_address(&place->client, client);
		text_address(&place->server, server);
		list_addf(&list, "%s %s %s %s %s ms%s%s", name[0] ? name : "-",
			  text_hook(place->hook) ? text_hook(place->hook) : "-", client, server, at,
			  who[0] ? " " : "", who);
	}
	list_finish(&list);
}

static const char *direction_arrow(enum handshake_end from)
{
	static const char *const plain[] = {[END_SERVER] = "<-", [END_CLIENT] = "->"};
	static const char *const utf8[] = {[END_SERVER] = "←", [END_CLIENT] = "→"};

	if (from >= END_UNKNOWN)
		return "?";
	return text_is_utf8() ? utf8[from] : plain[from];
}

static void message_print(FILE *out, const struct message *message, uint64_t start_ns)
{
	const char *record = text_record(message->record);
	char at[TEXT_NUMBER_SIZE + 1], buffer[TEXT_CODE_SIZE];
	const char *name = text_message(message, buffer);

	relative_write(message->time_ns, start_ns, at);
	fprintf(out, "    %12s ms %s ", at, direction_arrow(message->from));
	if (message->record == RECORD_KIND_ALERT && name)
		fprintf(out, "alert ");
	fprintf(out, "%s, %u byte%s%s%s\n",
		name	 ? name
		: record ? record
			 : "unknown",
		message->size, message->size == 1 ? "" : "s",
		message->encrypted ? ", encrypted" : "", message->inferred ? ", inferred" : "");
}

static void messages_print(const struct sink_settings *settings, const struct handshake *handshake)
{
	if (handshake->message_count)
		fprintf(settings->out, "  messages\n");
	for (size_t i = 0; i < handshake->message_count; i++)
		message_print(settings->out, &handshake->messages[i], handshake->time_ns);
}

static void quality_print(const struct sink_settings *settings, const struct handshake *handshake)
{
	struct list list = list_start(settings, "quality");

	if (handshake->gap)
		list_add(&list, "events were lost");
	if (handshake->truncated)
		list_add(&list, "copied only in part");
	if (handshake->conflict)
		list_add(&list, "conflicting segments");
	for (size_t i = 0; i < handshake->inferred_count; i++)
		list_addf(&list, "%s inferred", text_inferred(handshake->inferred[i]));
	list_finish(&list);
}

/* What is no failure and yet may be why somebody looks. */
static void warnings_print(const struct sink_settings *settings, const struct handshake *handshake)
{
	struct list list = list_start(settings, "warning");
	char buffer[TEXT_CODE_SIZE];

	if (handshake_downgrade(handshake))
		list_addf(&list, "downgrade to %s: the server marked that it could do more",
			  text_code(tls_version_name, handshake->version, buffer));
	if (handshake->left_at_once)
		list_addf(&list, "the %s left at once, before the client sent data",
			  text_end(handshake->left_by));
	list_finish(&list);
}

static void verdict_print(const struct sink_settings *settings, const struct handshake *handshake)
{
	char verdict[TEXT_VERDICT_SIZE];

	verdict_write(handshake, verdict, sizeof(verdict));
	fprintf(settings->out, "  %-*s%s%s%s\n", LABEL_WIDTH, "result",
		settings->color ? text_outcome_color(handshake->outcome) : "", verdict,
		settings->color ? TEXT_COLOR_OFF : "");
}

static void tree_start(const struct sink_settings *settings, const struct trace_start *start)
{
	(void)start;
	fflush(settings->out);
}

static void tree_row(const struct sink_settings *settings, const struct handshake *handshake)
{
	title_print(settings, handshake);
	end_print(settings, &handshake->ends[END_CLIENT], "client");
	end_print(settings, &handshake->ends[END_SERVER], "server");
	bars_print(settings, &handshake->latency);
	choice_print(settings, handshake);
	offer_print(settings, handshake);
	fingerprint_print(settings, handshake);
	certificates_print(settings, handshake);
	path_print(settings, handshake);
	messages_print(settings, handshake);
	quality_print(settings, handshake);
	warnings_print(settings, handshake);
	verdict_print(settings, handshake);
	fputc('\n', settings->out);
	fflush(settings->out);
}

/* The footer is stderr's. */
static void tree_end(const struct sink_settings *settings, const struct trace_end *end)
{
	(void)end;
	fflush(settings->out);
}

const struct sink sink_tree = {
	.name = "tree",
	.wants_details = true,
	.start = tree_start,
	.row = tree_row,
	.end = tree_end,
};
