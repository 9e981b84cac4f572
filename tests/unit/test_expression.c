/* SPDX-License-Identifier: BSD-2-Clause */
/* Expressions: what they mean on one row, what is wrong with wrong ones, and whom they blame. */
#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expression/expression.h"
#include "tls/certificate.h"
#include "who/container.h"

#define NOON   INT64_C(1700000000) /* 2023-11-14T22:13:20Z */
#define NOW_NS (NOON * 1000 * MS)
#define DAY    (24 * 3600)

#define X25519		 0x001d
#define X25519MLKEM768	 0x11ec
#define GREASE		 0x1a1a
#define RSA_PKCS1_SHA256 0x0401

static char *sans[] = {(char *)"DNS:www.example.org", (char *)"IP:192.0.2.1"};
static struct certificate certificate = {
	.subject = (char *)"CN=www.example.org",
	.issuer = (char *)"CN=Example CA",
	.sans = sans,
	.san_count = 2,
	.not_before = NOON - DAY,
	.not_after = NOON + 20 * DAY,
	.key = (char *)"RSA 2048",
	.signature = (char *)"sha256WithRSAEncryption",
};
static struct sent_certificate sent = {END_SERVER, &certificate};
static struct container web = {
	.references = 1, .known = true, .details = {.name = (char *)"web-1"}};

/* curl, here, to a server elsewhere: TLS 1.2, completed, nothing known of the server's process. */
static struct handshake *row_new(void)
{
	static uint16_t versions[] = {GREASE, 0x0304, 0x0303}, groups[] = {X25519, X25519MLKEM768},
			signatures[] = {RSA_PKCS1_SHA256};
	struct handshake *handshake = handshake_new();

	assert_non_null(handshake);
	handshake->has_random = true;
	handshake->time_ns = NOW_NS;
	handshake->outcome = HANDSHAKE_COMPLETED;
	handshake->version = 0x0303;
	handshake->cipher = 0xc02f;
	handshake->has_cipher = true;
	handshake->group = X25519;
	handshake->sni = (char *)"www.Example.org";
	handshake->sni_length = strlen(handshake->sni);
	handshake->offer.versions = (struct code_list){versions, 3};
	handshake->offer.groups = (struct code_list){groups, 2};
	handshake->offer.signatures = (struct code_list){signatures, 1};
	handshake->offer.size = handshake->offer.received = 1700;
	handshake->certificates = &sent;
	handshake->certificate_count = 1;
	handshake->ends[END_CLIENT].process.pid = 812;
	strcpy(handshake->ends[END_CLIENT].process.comm, "curl");
	handshake->ends[END_CLIENT].process.exe = (char *)"/usr/bin/curl";
	handshake->ends[END_CLIENT].process.container = &web;
	memcpy(handshake->ends[END_SERVER].address.ip,
	       (uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7}, 16);
	handshake->ends[END_SERVER].address.port = 443;
	handshake->latency.start_ns = NOW_NS;
	handshake->latency.end_ns = NOW_NS + 250 * MS;
	return handshake;
}

static const struct {
	const char *text;
	enum truth truth;
} cases[] = {
	/* Versions have an order, and lists match if any element does. */
	{"version == TLSv1.2", TRUTH_TRUE},
	{"version != TLSv1.2", TRUTH_FALSE},
	{"version >= TLSv1.2 and version < TLSv1.3", TRUTH_TRUE},
	{"version > TLSv1.2", TRUTH_FALSE},
	{"tls.version <= tlsv1.2", TRUTH_TRUE},
	{"version == 0x0303", TRUTH_TRUE},
	{"offer.versions >= TLSv1.3", TRUTH_TRUE},
	{"offer.versions < TLSv1.2", TRUTH_FALSE},
	{"offer.versions == GREASE", TRUTH_TRUE},
	{"offer.groups == GREASE", TRUTH_FALSE},
	{"offer.groups == X25519MLKEM768", TRUTH_TRUE},
	{"offer.groups != X25519MLKEM768", TRUTH_FALSE},
	{"offer.groups != secp256r1", TRUTH_TRUE},
	/* Sets and names. */
	{"group in {secp256r1, x25519}", TRUTH_TRUE},
	{"group in {secp256r1}", TRUTH_FALSE},
	{"!(group in {secp256r1, secp384r1})", TRUTH_TRUE},
	{"cipher ~ TLS_ECDHE_*_GCM_*", TRUTH_TRUE},
	{"cipher contains sha256", TRUTH_TRUE},
	{"outcome == completed", TRUTH_TRUE},
	{"outcome in {failed, incomplete}", TRUTH_FALSE},
	/* Text: names of the DNS without regard to case, processes with. */
	{"sni == www.example.org", TRUTH_TRUE},
	{"sni == \"*.example.org\"", TRUTH_TRUE},
	{"sni ~ '*.example.com'", TRUTH_FALSE},
	{"sni contains 'EXAMPLE'", TRUTH_TRUE},
	{"sni ~ '*w.e?ample.*'", TRUTH_TRUE},
	{"sni ~ '*.org.*'", TRUTH_FALSE},
	{"sni ~ '*'", TRUTH_TRUE},
	{"sni ~ 'www.[ef]xample.org'", TRUTH_TRUE},
	{"sni ~ 'www.[!ef]xample.org'", TRUTH_FALSE},
	{"sni ~ '*example.org*'", TRUTH_TRUE},
	{"sni ~ 'ww?.example.or'", TRUTH_FALSE},
	{"client.process.comm == curl", TRUTH_TRUE},
	{"client.process.comm == CURL", TRUTH_FALSE},
	{"client.process.exe ~ '/usr/*'", TRUTH_TRUE},
	{"client == curl", TRUTH_TRUE},
	{"client.container.name ~ 'web-*'", TRUTH_TRUE},
	{"client.container", TRUTH_TRUE},
	{"certificates.san == 'dns:*.example.org'", TRUTH_TRUE},
	/* Numbers, durations, addresses, times. */
	{"client.process.pid == 812", TRUTH_TRUE},
	{"offer.size > 1k and offer.size < 2k", TRUTH_TRUE},
	{"total >= 250ms && total < 0.3s", TRUTH_TRUE},
	{"total > 250ms", TRUTH_FALSE},
	{"server.ip == 192.0.2.7", TRUTH_TRUE},
	{"server.ip in {198.51.100.0/24, 192.0.2.0/29}", TRUTH_TRUE},
	{"server.ip == ::/0", TRUTH_FALSE},
	{"certificates.not_after < now + 30d", TRUTH_TRUE},
	{"certificates.not_after < now + 10d", TRUTH_FALSE},
	{"certificates.not_before < now", TRUTH_TRUE},
	{"certificates.not_before >= 2023-11-13", TRUTH_TRUE},
	{"certificates.not_before >= 2023-11-13T22:13:21Z", TRUTH_FALSE},
	{"time == 2023-11-14T22:13:20Z", TRUTH_TRUE},
	{"expires < 30d", TRUTH_TRUE},
	{"expires < 0", TRUTH_FALSE},
	{"expires > -1d", TRUTH_TRUE},
	/* What is alone: a boolean, a value, a shorthand. */
	{"failed", TRUTH_FALSE},
	{"not failed", TRUTH_TRUE},
	{"sni", TRUTH_TRUE},
	{"tls.quic_version", TRUTH_FALSE},
	{"quality.gap == false", TRUTH_TRUE},
	{"pq", TRUTH_FALSE},
	{"pq == offered", TRUTH_TRUE},
	{"legacy", TRUTH_UNKNOWN}, /* the signature is not known */
	{"legacy or version == TLSv1.2", TRUTH_TRUE},
	/* What is not known is neither true nor false. */
	{"server.process.comm == nginx", TRUTH_UNKNOWN},
	{"server.process.comm != nginx", TRUTH_UNKNOWN},
	{"not server.process.comm == nginx", TRUTH_UNKNOWN},
	{"server.process", TRUTH_UNKNOWN},
	{"server.process.comm == nginx or version == TLSv1.2", TRUTH_TRUE},
	{"version == TLSv1.2 or server.process.comm == nginx", TRUTH_TRUE},
	{"server.process.comm == nginx and version == TLSv1.3", TRUTH_FALSE},
	{"server.process.comm == nginx and version == TLSv1.2", TRUTH_UNKNOWN},
	/* "and" binds closer than "or", "not" than both. */
	{"sni or failed and failed", TRUTH_TRUE},
	{"(sni or failed) and failed", TRUTH_FALSE},
	{"not failed and sni", TRUTH_TRUE},
	{"! ! sni", TRUTH_TRUE},
	{"version == TLSv1.2 # a comment\n and sni", TRUTH_TRUE},
};

static struct expression *parse(const char *text)
{
	struct expression_error error;
	struct expression *expression = expression_parse(text, &error);

	if (!expression)
		fail_msg("%s: column %zu: %s", text, error.column, error.text);
	return expression;
}

static void row_free(struct handshake *handshake)
{
	free(handshake); /* what it points to is static */
}

static void test_meaning(void **state)
{
	struct handshake *handshake = row_new();
	struct field_row row = {.handshake = handshake};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct expression *expression = parse(cases[i].text);

		if (expression_evaluate(expression, &row) != cases[i].truth)
			fail_msg("%s is not %d", cases[i].text, cases[i].truth);
		expression_free(expression);
	}
	row_free(handshake);
}

static const struct {
	const char *text;
	size_t line, column;
	const char *error; /* a part of it */
} wrong[] = {
	{"", 1, 1, "field is missing"},
	{"  # nothing", 1, 12, "field is missing"},
	{"verison == TLSv1.2", 1, 1, "did you mean 'version'?"},
	{"sni and tls.grup == x25519", 1, 9, "did you mean 'tls.group'?"},
	{"zzzzzzzzzzzzzzzz", 1, 1, "tlstrace --fields"},
	{"version >= TLSv9", 1, 12, "not 'TLSv9'"},
	{"version = TLSv1.2", 1, 9, "use '=='"},
	{"version ==", 1, 11, "value is missing"},
	{"total > 250", 1, 9, "unit"},
	{"total > 250parsecs", 1, 9, "unit"},
	{"outcome == done", 1, 12, "completed, failed, incomplete"},
	{"group < x25519", 1, 7, "no order"},
	{"total ~ 1*", 1, 7, "not text"},
	{"certificates == x", 1, 14, "object"},
	{"server.ip == 300.0.0.1", 1, 14, "address"},
	{"server.ip == 192.0.2.0/33", 1, 14, "address"},
	{"server.port == -1", 1, 16, "value is missing"},
	{"group in x25519", 1, 10, "'{'"},
	{"group in {x25519", 1, 17, "'}'"},
	{"group in {}", 1, 11, "value is missing"},
	{"(sni", 1, 5, "')'"},
	{"sni)", 1, 4, "operator"},
	{"sni == 'open", 1, 8, "value is missing"},
	{"sni sni", 1, 5, "operator"},
	{"sni and\n\n  foo bar", 3, 3, "no field 'foo'"},
	{"certificates.not_after < now + x", 1, 32, "duration"},
	{"sni & sni", 1, 5, "operator"},
	{"not", 1, 4, "field is missing"},
	{"quality.gap == maybe", 1, 16, "true or false"},
};

static void test_errors(void **state)
{
	struct expression_error error;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct expression *expression = expression_parse(wrong[i].text, &error);

		if (expression)
			fail_msg("%s is taken", wrong[i].text);
		if (error.line != wrong[i].line || error.column != wrong[i].column ||
		    !strstr(error.text, wrong[i].error))
			fail_msg("'%s' at %zu:%zu: %s", wrong[i].text, error.line, error.column,
				 error.text);
	}
}

/* Too deep, too long, too much: refused instead of exhausting the stack or the memory. */
static void test_limits(void **state)
{
	static char text[200000];
	struct expression_error error;

	(void)state;
	memset(text, '(', 100);
	strcpy(text + 100, "sni");
	assert_null(expression_parse(text, &error));
	assert_non_null(strstr(error.text, "deep"));
	memset(text, '!', 100);
	assert_null(expression_parse(text, &error));
	memset(text, ' ', 70000);
	assert_null(expression_parse(text, &error));
	assert_non_null(strstr(error.text, "longer"));
	text[0] = 0;
	for (size_t i = 0; i < 5000; i++)
		memcpy(text + 8 * i, "sni and ", 9);
	strcat(text, "sni");
	assert_null(expression_parse(text, &error));
	assert_non_null(strstr(error.text, "parts"));
}

struct blamed {
	char text[256];
	char fields[256];
};

static void on_blame(void *context, const struct expression_part *part)
{
	struct blamed *blamed = context;

	snprintf(blamed->text + strlen(blamed->text), sizeof(blamed->text) - strlen(blamed->text),
		 "[%.*s]", (int)part->length, part->text);
	for (size_t i = 0; i < part->field_count; i++)
		snprintf(blamed->fields + strlen(blamed->fields),
			 sizeof(blamed->fields) - strlen(blamed->fields), "%s ",
			 part->fields[i]->path);
}

static void test_blame(void **state)
{
	static const struct {
		const char *text, *blamed, *fields;
	} rows[] = {
		{"sni", "", ""},
		{"version >= TLSv1.3", "[version >= TLSv1.3]", "tls.version "},
		{"sni and version >= TLSv1.3 and group == x448",
		 "[version >= TLSv1.3][group == x448]", "tls.version tls.group "},
		{"sni and (failed or pq)", "[(failed or pq)]", "failed pq "},
		{"not (sni ~ 'www.*') and sni", "[not (sni ~ 'www.*')]", "tls.sni "},
		{"server.process.comm == nginx and sni", "[server.process.comm == nginx]",
		 "server.process.comm "},
		{"group in {x448, secp521r1}  and sni", "[group in {x448, secp521r1}]",
		 "tls.group "},
		{"not (sni or failed)", "[not (sni or failed)]", "tls.sni "},
		{"pq", "[pq]", "pq "},
	};
	struct handshake *handshake = row_new();
	struct field_row row = {.handshake = handshake};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct expression *expression = parse(rows[i].text);
		struct blamed blamed = {"", ""};

		expression_blame(expression, &row, on_blame, &blamed);
		assert_string_equal(blamed.text, rows[i].blamed);
		assert_string_equal(blamed.fields, rows[i].fields);
		expression_free(expression);
	}
	row_free(handshake);
}

static void test_actual(void **state)
{
	static const struct {
		const char *field, *actual;
	} rows[] = {
		{"version", "TLSv1.2"},
		{"offer.versions", "GREASE, TLSv1.3, TLSv1.2"},
		{"group", "x25519"},
		{"sni", "www.Example.org"},
		{"total", "250.0 ms"},
		{"expires", "20 days"},
		{"certificates.not_after", "2023-12-04T22:13:20Z"},
		{"server.ip", "192.0.2.7"},
		{"server.process.comm", "unknown"},
		{"tls.quic_version", "none"},
		{"pq", "offered"},
	};
	struct handshake *handshake = row_new();
	struct field_row row = {.handshake = handshake};
	char text[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		expression_actual(field_find(rows[i].field, strlen(rows[i].field)), &row, text,
				  sizeof(text));
		assert_string_equal(text, rows[i].actual);
	}
	handshake->sni = (char *)"\x1b[2J";
	handshake->sni_length = 4;
	expression_actual(field_find("sni", 3), &row, text, sizeof(text));
	assert_string_equal(text, "\\x1b[2J");
	row_free(handshake);
}

static void test_details(void **state)
{
	static const struct {
		const char *text;
		bool wanted;
	} rows[] = {{"sni", false}, {"expires < 1d", true}, {"sni or legacy", true}, {"pq", false}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct expression *expression = parse(rows[i].text);

		assert_int_equal(expression_wants_details(expression), rows[i].wanted);
		expression_free(expression);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meaning), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_limits),	cmocka_unit_test(test_blame),
		cmocka_unit_test(test_actual),	cmocka_unit_test(test_details),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
