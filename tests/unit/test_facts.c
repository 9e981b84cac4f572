/* SPDX-License-Identifier: BSD-2-Clause */
/* For each fact the evidence that shows it, the words that come of it, and a counter-example. */
#include "build.h"

#include <stdio.h>
#include <stdlib.h>

#include "handshake/cause.h"
#include "sink/sink.h"
#include "sink/text.h"
#include "tls/certificate.h"
#include "tls/hello.h"

#define FILE_MAX     (1 << 18)
#define MESSAGES_MAX 8
#define HELLO_NS     (1000 * MS)
/* Inside the life of a good certificate, whose clock is that of the handshake. */
#define NOW	   0
#define LONG_AGO   (-1000000)
#define LONG_AHEAD 1000000

static struct message messages[MESSAGES_MAX];
static struct sent_certificate sent[3];
static uint16_t codes[3][5];

static const struct certificate good_leaf = {
	.subject = (char *)"CN=www.example.org",
	.issuer = (char *)"CN=Middle",
	.sans = (char *[]){(char *)"DNS:www.example.org", (char *)"IP:2001:db8::1"},
	.san_count = 2,
	.not_before = LONG_AGO,
	.not_after = LONG_AHEAD,
	.key = (char *)"RSA 2048",
	.key_is_rsa = true,
	.key_bits = 2048,
	.signature = (char *)"sha256WithRSAEncryption",
};
static const struct certificate good_middle = {
	.subject = (char *)"CN=Middle",
	.issuer = (char *)"CN=Root",
	.not_before = LONG_AGO,
	.not_after = LONG_AHEAD,
};
static struct certificate leaf, middle, other;

static void say(struct handshake *handshake, enum handshake_end from, uint8_t type)
{
	assert_true(handshake->message_count < MESSAGES_MAX);
	messages[handshake->message_count] = (struct message){
		.time_ns = HELLO_NS + handshake->message_count * MS,
		.from = from,
		.kind = MESSAGE_HANDSHAKE,
		.type = type,
		.record = RECORD_KIND_HANDSHAKE,
	};
	handshake->message_count++;
}

static void say_hidden(struct handshake *handshake, enum handshake_end from)
{
	say(handshake, from, 0);
	messages[handshake->message_count - 1].kind = MESSAGE_HIDDEN;
	messages[handshake->message_count - 1].encrypted = true;
}

static void list_set(struct code_list *list, size_t which, size_t count, const uint16_t *items)
{
	memcpy(codes[which], items, count * sizeof(*items));
	*list = (struct code_list){codes[which], count};
}

/* A ClientHello that every server can take. */
static void hello(struct handshake *handshake)
{
	static char sni[] = "www.example.org";

	*handshake = (struct handshake){
		.time_ns = HELLO_NS,
		.end_ns = HELLO_NS + 20 * MS,
		.outcome = HANDSHAKE_FAILED,
		.failure = {.alert = -1, .by = END_SERVER},
		.offer = {.version = 0x0303, .whole = true},
		.messages = messages,
		.sni = sni,
		.sni_length = sizeof(sni) - 1,
	};
	list_set(&handshake->offer.ciphers, 0, 2, (uint16_t[]){0x1301, 0x1302});
	list_set(&handshake->offer.groups, 1, 2, (uint16_t[]){0x001d, 0x0017});
	list_set(&handshake->offer.signatures, 2, 2, (uint16_t[]){0x0403, 0x0804});
	say(handshake, END_CLIENT, TLS_CLIENT_HELLO);
}

static void alert(struct handshake *handshake, enum handshake_end by, int code)
{
	handshake->failure.kind = FAILURE_ALERT;
	handshake->failure.by = by;
	handshake->failure.alert = code;
	handshake->failure.encrypted = code < 0;
}

static void refused(struct handshake *handshake)
{
	hello(handshake);
	alert(handshake, END_SERVER, 40);
}

/* TLS 1.2, with a chain that is all right. */
static void answered(struct handshake *handshake)
{
	hello(handshake);
	handshake->version = 0x0303;
	handshake->has_server_random = true;
	say(handshake, END_SERVER, TLS_SERVER_HELLO);
	say(handshake, END_SERVER, TLS_CERTIFICATE);
	say(handshake, END_SERVER, TLS_SERVER_HELLO_DONE);
	leaf = good_leaf;
	middle = good_middle;
	sent[0] = (struct sent_certificate){END_SERVER, &leaf};
	sent[1] = (struct sent_certificate){END_SERVER, &middle};
	sent[2] = (struct sent_certificate){END_SERVER, &other};
	handshake->certificates = sent;
	handshake->certificate_count = 2;
}

static void rejected(struct handshake *handshake)
{
	answered(handshake);
	alert(handshake, END_CLIENT, 48);
}

static void rejected_vaguely(struct handshake *handshake)
{
	answered(handshake);
	alert(handshake, END_CLIENT, 80);
}

static void answered_13(struct handshake *handshake)
{
	hello(handshake);
	handshake->version = 0x0304;
	handshake->has_server_random = true;
	handshake->offer.alpn = (uint8_t *)"\0\3\2h2";
	handshake->offer.alpn_length = 5;
	say(handshake, END_SERVER, TLS_SERVER_HELLO);
	say_hidden(handshake, END_SERVER);
	alert(handshake, END_SERVER, -1);
}

static void answered_13_flight(struct handshake *handshake)
{
	answered_13(handshake);
	say_hidden(handshake, END_SERVER);
}

static void few_ciphers(struct handshake *handshake)
{
	refused(handshake);
	list_set(&handshake->offer.ciphers, 0, 1, (uint16_t[]){0xc02b});
}

static void few_groups(struct handshake *handshake)
{
	refused(handshake);
	list_set(&handshake->offer.groups, 1, 1, (uint16_t[]){0x001e});
}

static void few_signatures(struct handshake *handshake)
{
	refused(handshake);
	list_set(&handshake->offer.signatures, 2, 1, (uint16_t[]){0x0403});
}

static void no_name(struct handshake *handshake)
{
	refused(handshake);
	handshake->sni = NULL;
}

static void self_signed(struct handshake *handshake)
{
	rejected(handshake);
	leaf.issuer = leaf.subject;
	handshake->certificate_count = 1;
}

/* As the chain's root is, which nobody minds. */
static void root_sent(struct handshake *handshake)
{
	rejected(handshake);
	other = good_middle;
	other.subject = other.issuer;
	other.weak_signature = true;
	handshake->certificate_count = 3;
}

static void other_issuer(struct handshake *handshake)
{
	rejected(handshake);
	leaf.issuer = (char *)"CN=Other";
}

/* The chain is whole, in an order of its own. */
static void other_order(struct handshake *handshake)
{
	root_sent(handshake);
	sent[1].certificate = &other;
	sent[2].certificate = &middle;
}

/* Names alone are not enough where the certificates name keys. */
static void other_key(struct handshake *handshake)
{
	rejected(handshake);
	leaf.authority_key = (char *)"01";
	middle.subject_key = (char *)"02";
}

static void short_key(struct handshake *handshake)
{
	rejected_vaguely(handshake);
	leaf.key_bits = 1024;
	leaf.key = (char *)"RSA 1024";
}

static void short_curve(struct handshake *handshake)
{
	rejected_vaguely(handshake);
	leaf.key_bits = 256;
	leaf.key_is_rsa = false;
}

static void weak(struct handshake *handshake)
{
	rejected_vaguely(handshake);
	middle.weak_signature = true;
	middle.signature = (char *)"sha1WithRSAEncryption";
}

static void staple_wanted(struct handshake *handshake)
{
	rejected_vaguely(handshake);
	leaf.must_staple = true;
	list_set(&handshake->offer.extensions, 0, 1, (uint16_t[]){TLS_EXTENSION_STATUS_REQUEST});
}

static void stapled(struct handshake *handshake)
{
	staple_wanted(handshake);
	handshake->ocsp_stapled = true;
}

static void other_name(struct handshake *handshake)
{
	rejected_vaguely(handshake);
	handshake->sni = (char *)"2001:db8::2";
	handshake->sni_length = 11;
}

static void same_address(struct handshake *handshake)
{
	other_name(handshake);
	handshake->sni = (char *)"2001:db8:0::1";
	handshake->sni_length = 13;
}

static void expired_elsewhere(struct handshake *handshake)
{
	answered(handshake);
	alert(handshake, END_CLIENT, 45);
}

static void expired(struct handshake *handshake)
{
	expired_elsewhere(handshake);
	leaf.not_after = NOW - 1;
}

static void not_yet_valid(struct handshake *handshake)
{
	expired_elsewhere(handshake);
	leaf.not_before = LONG_AHEAD - 1;
}

static void unasked_cipher(struct handshake *handshake)
{
	answered(handshake);
	handshake->cipher = 0xc02f;
	handshake->violation = VIOLATION_CIPHER;
	alert(handshake, END_CLIENT, 47);
}

static void nothing_wrong(struct handshake *handshake)
{
	unasked_cipher(handshake);
	handshake->violation = VIOLATION_NONE;
}

static void declined(struct handshake *handshake)
{
	answered(handshake);
	say(handshake, END_CLIENT, TLS_CERTIFICATE);
	say(handshake, END_CLIENT, TLS_CLIENT_KEY_EXCHANGE);
	handshake->client_auth = TRI_DECLINED;
	handshake->failure.kind = FAILURE_RESET;
	handshake->failure.by = END_SERVER;
	handshake->ends[END_SERVER].left = true;
}

/* The server went on without one. */
static void declined_and_went_on(struct handshake *handshake)
{
	declined(handshake);
	say(handshake, END_SERVER, TLS_NEW_SESSION_TICKET);
	alert(handshake, END_SERVER, 40);
}

static const struct rule {
	enum failure_fact fact;
	void (*evidence)(struct handshake *handshake);
	const char *words;
	void (*counter)(struct handshake *handshake);
} rules[] = {
	{FACT_CIPHERS, few_ciphers, "offers only TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", refused},
	{FACT_GROUPS, few_groups, "client offers only x448", refused},
	{FACT_SIGNATURES, few_signatures, "client offers only ecdsa_secp256r1_sha256", refused},
	{FACT_NO_SERVER_NAME, no_name, "client sent no server name", refused},
	{FACT_SELF_SIGNED, self_signed, "certificate is self-signed", root_sent},
	{FACT_ISSUER, rejected, "issued by CN=Root, which was not sent", self_signed},
	{FACT_ISSUER, other_issuer, "issued by CN=Other, which was not sent", rejected_vaguely},
	{FACT_ISSUER, other_order, "issued by CN=Root)", rejected_vaguely},
	{FACT_UNRELATED, other_issuer, "do not belong to its chain", other_order},
	{FACT_UNRELATED, other_key, "do not belong to its chain", rejected},
	{FACT_SHORT_KEY, short_key, "short key, RSA 1024: CN=www.example.org", short_curve},
	{FACT_WEAK_SIGNATURE, weak, "signed with sha1WithRSAEncryption: CN=Middle", root_sent},
	{FACT_MUST_STAPLE, staple_wanted, "demands an OCSP response", stapled},
	{FACT_CERTIFICATE_NAME, other_name,
	 "certificate is for www.example.org, 2001:db8::1, not 2001:db8::2", same_address},
	{FACT_CLOCK, expired_elsewhere, "look at the clock of the client's host", expired},
	{FACT_EXPIRED, expired, "not after 1969", not_yet_valid},
	{FACT_NOT_YET_VALID, not_yet_valid, "not before 1970", expired},
	{FACT_BEFORE_CERTIFICATE, answered_13,
	 "before its certificate: encrypted alert (client offers only the protocols h2",
	 answered_13_flight},
	{FACT_VIOLATION, unasked_cipher,
	 "server broke the protocol: it chose TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, which was not "
	 "offered (illegal_parameter)",
	 nothing_wrong},
	{FACT_NO_CERTIFICATE, declined, "it wants a certificate and got none",
	 declined_and_went_on},
};

static bool shows(const struct handshake *handshake, enum failure_fact fact)
{
	return handshake->failure.cause == fact || handshake->failure.facts >> fact & 1;
}

static void test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		char verdict[TEXT_VERDICT_SIZE];
		struct handshake handshake;

		rules[i].evidence(&handshake);
		handshake_causes(&handshake, -(int64_t)HELLO_NS);
		verdict_write(&handshake, verdict, sizeof(verdict));
		if (!shows(&handshake, rules[i].fact) || !strstr(verdict, rules[i].words))
			fail_msg("%zu, %s: %s", i, failure_fact_name(rules[i].fact), verdict);
		rules[i].counter(&handshake);
		handshake_causes(&handshake, -(int64_t)HELLO_NS);
		verdict_write(&handshake, verdict, sizeof(verdict));
		if (shows(&handshake, rules[i].fact))
			fail_msg("%zu, not %s: %s", i, failure_fact_name(rules[i].fact), verdict);
	}
}

static char *file_read(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, FILE_MAX);

	assert_non_null(file);
	assert_non_null(text);
	assert_in_range(fread(text, 1, FILE_MAX - 1, file), 1, FILE_MAX - 2);
	fclose(file);
	return text;
}

static void test_documented(void **state)
{
	char *document = file_read("docs/events.md"),
	     *schema = file_read("docs/events.schema.json");

	(void)state;
	for (enum failure_fact fact = FACT_NONE + 1; fact < FAILURE_FACTS; fact++) {
		char quoted[64];

		assert_non_null(failure_fact_name(fact));
		snprintf(quoted, sizeof(quoted), "`%s`", failure_fact_name(fact));
		if (!strstr(document, quoted))
			fail_msg("docs/events.md does not list %s", quoted);
		snprintf(quoted, sizeof(quoted), "\"%s\"", failure_fact_name(fact));
		if (!strstr(schema, quoted))
			fail_msg("docs/events.schema.json does not list %s", quoted);
	}
	free(document);
	free(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
