// SPDX-License-Identifier: BSD-2-Clause
/* The handshake step by step, for people who learn TLS and for incident reports. */
#include <stdio.h>
#include <string.h>

#include "handshake/handshake.h"
#include "handshake/words.h"
#include "sink/sink.h"
#include "sink/text.h"
#include "tls/certificate.h"
#include "tls/hello.h"
#include "tls/names.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define STEP_SIZE	  2048
#define LIST_MAX	  6 /* names of a list that are shown */
#define INDENT		  5
#define WIDTH_DEFAULT	  100

typedef void step_writer(struct text *text, const struct handshake *handshake,
			 const struct message *message);

/* Records that nobody else can read are one step together. */
struct hidden {
	size_t count;
	uint64_t size;
};

static void names_append(struct text *text, const struct code_list *list, text_namer *name)
{
	char buffer[TEXT_CODE_SIZE];
	size_t shown = 0, more = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (tls_is_grease(list->items[i]) ||
		    (name == tls_cipher_name && tls_is_signal(list->items[i])))
			continue;
		if (shown == LIST_MAX) {
			more++;
			continue;
		}
		text_append(text, "%s%s", shown++ ? ", " : "",
			    text_code(name, list->items[i], buffer));
	}
	if (more)
		text_append(text, " and %zu more", more);
}

static void name_append(struct text *text, const void *bytes, size_t length)
{
	char escaped[STEP_SIZE / 2];

	text_escape(bytes, length, escaped, sizeof(escaped));
	text_append(text, "%s", escaped);
}

static void protocols_append(struct text *text, const struct offer *offer)
{
	size_t offset = 0, length, count = 0;
	const uint8_t *name;

	while (text_alpn_next(offer, &offset, &name, &length)) {
		text_append(text, "%s", count++ ? ", " : " It speaks ");
		name_append(text, name, length);
	}
	if (count)
		text_append(text, ".");
}

static bool is_first_hello(const struct handshake *handshake, const struct message *message)
{
	for (size_t i = 0; &handshake->messages[i] < message; i++)
		if (message_is(&handshake->messages[i], TLS_CLIENT_HELLO))
			return false;
	return true;
}

static void client_hello_write(struct text *text, const struct handshake *handshake,
			       const struct message *message)
{
	const struct offer *offer = &handshake->offer;
	char buffer[TEXT_CODE_SIZE];

	if (!is_first_hello(handshake, message)) {
		text_append(text, "The client says hello again, with what the server asked for.");
		return;
	}
	text_append(text, "The client offers ");
	if (offer->versions.count)
		names_append(text, &offer->versions, tls_version_name);
	else
		text_append(text, "at most %s",
			    text_code(tls_version_name, offer->version, buffer));
	text_append(text, ", with the suites ");
	names_append(text, &offer->ciphers, tls_cipher_name);
	text_append(text, ".");
	if (offer->groups.count) {
		text_append(text, " It can exchange keys over ");
		names_append(text, &offer->groups, tls_group_name);
		text_append(text, ".");
	}
	if (offer->key_shares.count) {
		text_append(text, " To save a round trip it already sends a key share for ");
		names_append(text, &offer->key_shares, tls_group_name);
		text_append(text, ".");
	}
	if (handshake->sni) {
		text_append(text, " It asks for the server ");
		name_append(text, handshake->sni, handshake->sni_length);
		text_append(text, ".");
	}
	protocols_append(text, offer);
	if (handshake->psk == TRI_OFFERED || handshake->psk == TRI_ACCEPTED)
		text_append(text, " It offers to resume an earlier session with a pre-shared key.");
	else if (offer->ticket)
		text_append(text, " It offers a session ticket, to resume an earlier session.");
	if (handshake->early_data != TRI_NONE)
		text_append(text, " It announces data before the handshake is complete (0-RTT).");
	if (handshake->ech == TRI_OFFERED)
		text_append(text, " An inner hello may be encrypted in it (ECH).");
}

/* What the hello that chooses says, and what it means for the rest. */
static void server_hello_write(struct text *text, const struct handshake *handshake,
			       const struct message *message)
{
	char version[TEXT_CODE_SIZE], cipher[TEXT_CODE_SIZE], group[TEXT_CODE_SIZE];
	bool is_13 = tls_version_is_13(handshake->version);

	(void)message;
	text_append(text, "The server chooses %s",
		    text_code(tls_version_name, handshake->version, version));
	if (handshake->has_cipher)
		text_append(text, " and %s", text_code(tls_cipher_name, handshake->cipher, cipher));
	if (is_13 && handshake->group)
		text_append(text, ", and sends its key share for %s",
			    text_code(tls_group_name, handshake->group, group));
	text_append(text, ".");
	if (handshake->psk == TRI_ACCEPTED)
		text_append(text, " It accepts the pre-shared key: the session is resumed, and no "
				  "certificate follows.");
	else if (handshake->resumed)
		text_append(text, " It resumes the earlier session: no certificate and no key "
				  "exchange follow.");
	if (is_13)
		text_append(text, " From here on the server encrypts everything.");
}

static void retry_write(struct text *text, const struct handshake *handshake,
			const struct message *message)
{
	char group[TEXT_CODE_SIZE];

	(void)message;
	text_append(text, "The server cannot go on with this hello and asks for another one");
	if (handshake->retry_group)
		text_append(text, ", with a key share for %s",
			    text_code(tls_group_name, handshake->retry_group, group));
	if (handshake->retry_cookie)
		text_append(text, "%s with a cookie in it", handshake->retry_group ? " and" : ",");
	text_append(text, ". This costs a round trip.");
}

static void verify_request_write(struct text *text, const struct handshake *handshake,
				 const struct message *message)
{
	(void)handshake;
	(void)message;
	text_append(text, "The server sends a cookie, to be sure that the client can receive at "
			  "its address before it does any work.");
}

static void certificate_write(struct text *text, const struct handshake *handshake,
			      const struct message *message)
{
	size_t count = 0;

	if (message->inferred) {
		text_append(text, handshake->client_auth == TRI_DECLINED
					  ? "By its length, an empty list: the client has no "
					    "certificate."
					  : "By its length, the client's certificate. Encryption "
					    "hides it.");
		return;
	}
	for (size_t i = 0; i < handshake->certificate_count; i++) {
		const struct certificate *certificate = handshake->certificates[i].certificate;
		char until[TEXT_TIME_SIZE];

		if (handshake->certificates[i].from != message->from || count++)
			continue;
		text_append(text, "The %s shows a certificate", text_end(message->from));
		if (certificate->subject) {
			text_append(text, " for ");
			name_append(text, certificate->subject, strlen(certificate->subject));
		}
		if (certificate->issuer) {
			text_append(text, ", issued by ");
			name_append(text, certificate->issuer, strlen(certificate->issuer));
		}
		if (certificate->not_after != CERTIFICATE_TIME_UNKNOWN &&
		    text_seconds(certificate->not_after, until))
			text_append(text, ", valid until %s", until);
		text_append(text, ".");
	}
	if (!count)
		text_append(text, "The %s has no certificate to send.", text_end(message->from));
	if (count > 1)
		text_append(text, " %zu more certificate%s to its authority.", count - 1,
			    count == 2 ? " leads" : "s lead");
}

static void server_key_exchange_write(struct text *text, const struct handshake *handshake,
				      const struct message *message)
{
	char group[TEXT_CODE_SIZE], signature[TEXT_CODE_SIZE];

	(void)message;
	text_append(text, "The server's part of the key");
	if (handshake->group)
		text_append(text, ", over %s", text_code(tls_group_name, handshake->group, group));
	if (handshake->signature)
		text_append(text, ", signed with %s to prove that it owns the certificate",
			    text_code(tls_signature_name, handshake->signature, signature));
	text_append(text, ".");
}

static void alert_write(struct text *text, const struct handshake *handshake,
			const struct message *message)
{
	(void)handshake;
	text_append(text, "The %s ", text_end(message->from));
	text_append(text, message->encrypted ? "sends an alert. Encryption hides which one."
			  : message->alert == 0 || message->alert == 90 ? "says goodbye."
			  : message->alert_level == 1 ? "warns. This does not end the handshake."
						      : "gives up, and says why.");
}

/* What always means the same. */
static const struct {
	uint8_t type;
	const char *words;
} plain_words[] = {
	{TLS_HELLO_REQUEST, "The server asks for a new handshake."},
	{TLS_CERTIFICATE_REQUEST, "The server wants a certificate of the client."},
	{TLS_CERTIFICATE_STATUS, "The authority's recent answer whether the certificate is revoked "
				 "(OCSP)."},
	{TLS_SERVER_HELLO_DONE, "The end of the server's messages: the client has to speak next."},
	{TLS_CLIENT_KEY_EXCHANGE, "The client's part of the key. Now both ends can compute it."},
	{TLS_CERTIFICATE_VERIFY, "The client signs the handshake, to prove that it owns its "
				 "certificate."},
	{TLS_NEW_SESSION_TICKET,
	 "The server issues a ticket, with which the client can resume this "
	 "session."},
	{TLS_END_OF_EARLY_DATA, "By its length, the end of the early data."},
	{TLS_FINISHED, "By its length, the client's Finished: it has verified the server, and can "
		       "send data."},
};

static void plain_write(struct text *text, const struct handshake *handshake,
			const struct message *message)
{
	(void)handshake;
	for (size_t i = 0; i < ARRAY_SIZE(plain_words); i++)
		if (plain_words[i].type == message->type)
			text_append(text, "%s", plain_words[i].words);
}

static void change_write(struct text *text, const struct handshake *handshake,
			 const struct message *message)
{
	if (tls_version_is_13(handshake->version))
		text_append(text,
			    "It has no meaning in TLS 1.3: it is sent for middleboxes that expect "
			    "it.");
	else
		text_append(text, "From here on the %s encrypts what it sends.",
			    text_end(message->from));
}

static void finished_write(struct text *text, const struct handshake *handshake,
			   const struct message *message)
{
	if (handshake->renegotiation)
		text_append(text, "Encrypted by the earlier handshake of this connection.");
	else
		text_append(text,
			    "The %s's Finished, by its place: the first encrypted message. It "
			    "proves that nobody changed the messages before.",
			    text_end(message->from));
}

static void quic_write(struct text *text, const struct handshake *handshake,
		       const struct message *message)
{
	(void)handshake;
	if (message->kind == MESSAGE_QUIC_RETRY)
		text_append(text,
			    "The server sends a token, to be sure that the client can receive "
			    "at its address before it does any work.");
	else if (message->kind == MESSAGE_QUIC_VERSION_NEGOTIATION)
		text_append(text,
			    "The server does not speak this version of QUIC and names others.");
	else
		text_append(text, "The %s closes the connection.", text_end(message->from));
}

/* How each message is explained, and where it is defined: by TLS 1.2 or by TLS 1.3. */
static const struct step {
	enum message_kind kind;
	int type; /* of MESSAGE_HANDSHAKE; -1: any */
	const char *old_section, *new_section;
	step_writer *write;
} steps[] = {
	{MESSAGE_HANDSHAKE, TLS_CLIENT_HELLO, "RFC 5246 section 7.4.1.2", "RFC 8446 section 4.1.2",
	 client_hello_write},
	{MESSAGE_HANDSHAKE, TLS_SERVER_HELLO, "RFC 5246 section 7.4.1.3", "RFC 8446 section 4.1.3",
	 server_hello_write},
	{MESSAGE_HANDSHAKE, TLS_HELLO_VERIFY_REQUEST, "RFC 6347 section 4.2.1",
	 "RFC 6347 section 4.2.1", verify_request_write},
	{MESSAGE_HANDSHAKE, TLS_CERTIFICATE, "RFC 5246 section 7.4.2", "RFC 8446 section 4.4.2",
	 certificate_write},
	{MESSAGE_HANDSHAKE, TLS_SERVER_KEY_EXCHANGE, "RFC 5246 section 7.4.3",
	 "RFC 5246 section 7.4.3", server_key_exchange_write},
	{MESSAGE_HANDSHAKE, TLS_HELLO_REQUEST, "RFC 5246 section 7.4.1.1",
	 "RFC 5246 section 7.4.1.1", plain_write},
	{MESSAGE_HANDSHAKE, TLS_CERTIFICATE_REQUEST, "RFC 5246 section 7.4.4",
	 "RFC 8446 section 4.3.2", plain_write},
	{MESSAGE_HANDSHAKE, TLS_CERTIFICATE_STATUS, "RFC 6066 section 8",
	 "RFC 8446 section 4.4.2.1", plain_write},
	{MESSAGE_HANDSHAKE, TLS_SERVER_HELLO_DONE, "RFC 5246 section 7.4.5",
	 "RFC 5246 section 7.4.5", plain_write},
	{MESSAGE_HANDSHAKE, TLS_CLIENT_KEY_EXCHANGE, "RFC 5246 section 7.4.7",
	 "RFC 5246 section 7.4.7", plain_write},
	{MESSAGE_HANDSHAKE, TLS_CERTIFICATE_VERIFY, "RFC 5246 section 7.4.8",
	 "RFC 8446 section 4.4.3", plain_write},
	{MESSAGE_HANDSHAKE, TLS_NEW_SESSION_TICKET, "RFC 5077 section 3.3",
	 "RFC 8446 section 4.6.1", plain_write},
	{MESSAGE_HANDSHAKE, TLS_END_OF_EARLY_DATA, "RFC 8446 section 4.5", "RFC 8446 section 4.5",
	 plain_write},
	{MESSAGE_HANDSHAKE, TLS_FINISHED, "RFC 5246 section 7.4.9", "RFC 8446 section 4.4.4",
	 plain_write},
	{MESSAGE_HELLO_RETRY_REQUEST, -1, "RFC 8446 section 4.1.4", "RFC 8446 section 4.1.4",
	 retry_write},
	{MESSAGE_CHANGE_CIPHER_SPEC, -1, "RFC 5246 section 7.1", "RFC 8446 section 5",
	 change_write},
	{MESSAGE_ENCRYPTED_HANDSHAKE, -1, "RFC 5246 section 7.4.9", "RFC 8446 section 4.4.4",
	 finished_write},
	{MESSAGE_ALERT, -1, "RFC 5246 section 7.2", "RFC 8446 section 6", alert_write},
	{MESSAGE_QUIC_RETRY, -1, "RFC 9000 section 8.1.2", "RFC 9000 section 8.1.2", quic_write},
	{MESSAGE_QUIC_VERSION_NEGOTIATION, -1, "RFC 9000 section 6", "RFC 9000 section 6",
	 quic_write},
	{MESSAGE_QUIC_CLOSE, -1, "RFC 9000 section 10.2", "RFC 9000 section 10.2", quic_write},
};

static const struct step *step_find(const struct message *message)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i].kind == message->kind &&
		    (steps[i].type < 0 || steps[i].type == message->type))
			return &steps[i];
	return NULL;
}

static bool is_after(const struct handshake *handshake, const struct message *message, uint8_t type)
{
	for (size_t i = 0; &handshake->messages[i] < message; i++)
		if (message_is(&handshake->messages[i], type))
			return true;
	return false;
}

static const char *client_hidden_words(const struct handshake *handshake,
				       const struct message *message)
{
	if (!is_after(handshake, message, TLS_SERVER_HELLO))
		return "Early data, before the handshake is complete (0-RTT).";
	if (handshake->client_auth == TRI_SENT)
		return "By the lengths, the client's certificate and a signature to prove that it "
		       "owns it.";
	if (handshake->client_auth == TRI_DECLINED)
		return "By the length, an empty Certificate message: the client has none.";
	return "The rest of the client's handshake. Only the two ends can read it.";
}

/* What the protocol has at this point, since nobody but the two ends can read it. */
static const char *hidden_words(const struct handshake *handshake, const struct message *message)
{
	if (message->record == RECORD_KIND_QUIC_0RTT)
		return "Early data, before the handshake is complete (0-RTT).";
	if (message->record == RECORD_KIND_QUIC_1RTT)
		return message->from == END_CLIENT
			       ? "The final keys are in use: the client has verified the server."
			       : "The final keys are in use, for application data and session "
				 "tickets.";
	if (is_after(handshake, message, TLS_FINISHED))
		return "Session tickets or application data. Only the two ends can read them.";
	if (!tls_version_is_13(handshake->version))
		return message->record == RECORD_KIND_DATA ? "Application data."
							   : "Encryption hides what it is.";
	if (message->from == END_CLIENT)
		return client_hidden_words(handshake, message);
	if (handshake->psk == TRI_ACCEPTED)
		return "Here TLS 1.3 has EncryptedExtensions and Finished. Only the two ends can "
		       "read them.";
	return "Here TLS 1.3 has EncryptedExtensions, Certificate, CertificateVerify and Finished. "
	       "Only the two ends can read them.";
}

static void hidden_write(struct text *text, const struct handshake *handshake,
			 const struct message *message)
{
	text_append(text, "%s", hidden_words(handshake, message));
}

static bool is_same_flight(const struct message *one, const struct message *other)
{
	return one->kind == MESSAGE_HIDDEN && other->kind == MESSAGE_HIDDEN &&
	       one->from == other->from && one->record == other->record;
}

/* How many messages from this one on are one step, and their bytes. */
static struct hidden step_measure(const struct handshake *handshake, size_t first)
{
	struct hidden step = {0};

	do {
		step.size += handshake->messages[first + step.count].size;
		step.count++;
	} while (first + step.count < handshake->message_count &&
		 is_same_flight(&handshake->messages[first],
				&handshake->messages[first + step.count]));
	return step;
}

static void step_name_write(struct text *text, const struct message *message, size_t count)
{
	const char *record = text_record(message->record);
	char buffer[TEXT_CODE_SIZE];
	const char *name = text_message(message, buffer);

	if (message->kind == MESSAGE_ALERT)
		text_append(text, "alert ");
	if (name)
		text_append(text, "%s", name);
	else
		text_append(text, "%zu encrypted %s %s%s", count, record ? record : "unknown",
			    message->record >= RECORD_KIND_QUIC_INITIAL ? "packet" : "record",
			    count == 1 ? "" : "s");
}

/* Wrapped between words, below the title of the step. */
static void words_print(const struct sink_settings *settings, const char *words)
{
	size_t width = settings->width > 2 * INDENT ? (size_t)settings->width : WIDTH_DEFAULT;
	size_t used = 0;

	while (*words) {
		size_t length = strcspn(words, " ");

		if (!used || used + 1 + length > width) {
			fprintf(settings->out, "%s%*s", used ? "\n" : "", INDENT, "");
			used = INDENT;
		} else {
			fputc(' ', settings->out);
			used++;
		}
		fwrite(words, 1, length, settings->out);
		used += length;
		words += length + strspn(words + length, " ");
	}
	fputc('\n', settings->out);
}

static void step_print(const struct sink_settings *settings, const struct handshake *handshake,
		       size_t first, size_t number, const struct hidden *size)
{
	const struct message *message = &handshake->messages[first];
	const struct step *step = step_find(message);
	char at[TEXT_NUMBER_SIZE], who[TEXT_WHO_SIZE], words[STEP_SIZE], name[64];
	uint64_t start_ns = handshake->time_ns;
	struct text text, title;

	text_milliseconds(message->time_ns > start_ns ? message->time_ns - start_ns : 0, at);
	text_who(&handshake->ends[message->from], who);
	text_start(&title, name, sizeof(name));
	step_name_write(&title, message, size->count);
	fprintf(settings->out, "%3zu. %s ms, %s %s: %s, %llu byte%s", number, at,
		text_end(message->from), who, name, (unsigned long long)size->size,
		size->size == 1 ? "" : "s");
	if (step && !handshake->renegotiation)
		fprintf(settings->out, " (%s)",
			tls_version_is_13(handshake->version) ? step->new_section
							      : step->old_section);
	text_start(&text, words, sizeof(words));
	if (step)
		step->write(&text, handshake, message);
	else
		hidden_write(&text, handshake, message);
	fputc('\n', settings->out);
	words_print(settings, words);
}

static void explain_start(const struct sink_settings *settings, const struct trace_start *start)
{
	(void)start;
	fflush(settings->out);
}

static void title_print(const struct sink_settings *settings, const struct handshake *handshake)
{
	char client[TEXT_WHO_SIZE], server[TEXT_WHO_SIZE], time[TEXT_TIME_SIZE];

	text_who(&handshake->ends[END_CLIENT], client);
	text_who(&handshake->ends[END_SERVER], server);
	text_time(handshake->time_ns, settings->clock_offset_ns, time);
	fprintf(settings->out, "%s: client %s and server %s\n", time, client, server);
}

static void result_print(const struct sink_settings *settings, const struct handshake *handshake)
{
	char verdict[TEXT_VERDICT_SIZE], number[TEXT_NUMBER_SIZE];
	uint64_t total_ns;

	verdict_write(handshake, verdict, sizeof(verdict));
	fprintf(settings->out, "Result: %s", verdict);
	if (handshake->outcome == HANDSHAKE_COMPLETED && handshake_total(handshake, &total_ns)) {
		text_milliseconds(total_ns, number);
		fprintf(settings->out, ", after %s ms", number);
	}
	fputs("\n\n", settings->out);
}

static void explain_row(const struct sink_settings *settings, const struct handshake *handshake)
{
	size_t number = 0;

	title_print(settings, handshake);
	for (size_t i = 0; i < handshake->message_count;) {
		struct hidden step = step_measure(handshake, i);

		step_print(settings, handshake, i, ++number, &step);
		i += step.count;
	}
	if (handshake->gap)
		fprintf(settings->out, "%*sSome messages were not seen.\n", INDENT, "");
	result_print(settings, handshake);
	fflush(settings->out);
}

static void explain_end(const struct sink_settings *settings, const struct trace_end *end)
{
	(void)end;
	fflush(settings->out);
}

const struct sink sink_explain = {
	.name = "explain",
	.wants_details = true,
	.start = explain_start,
	.row = explain_row,
	.end = explain_end,
};
