/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of JSON: each key, whatever is known of a handshake. */
#include "row_fixture.h"

#include <stdlib.h>

#include <json.h>

#include "sink/text.h"
#include "who/container.h"

#define CONTAINER_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct json_object *get(struct json_object *from, const char *path)
{
	struct json_object *value = NULL;

	if (json_pointer_get(from, path, &value))
		fail_msg("%s is left out", path);
	return value;
}

static void assert_json(struct json_object *row, const char *path, const char *expected)
{
	const char *got = json_object_to_json_string_ext(
		get(row, path), JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (strcmp(got, expected))
		fail_msg("%s is %s, not %s", path, got, expected);
}

struct expected_json {
	const char *path, *value;
};

/* A line's expectations, then the rest of the output. */
static char *line_check(char *lines, const struct expected_json *expected, size_t count)
{
	char *end = strchr(lines, '\n');
	struct json_object *row;

	assert_non_null(end);
	*end = '\0';
	row = json_tokener_parse(lines);
	assert_non_null(row);
	for (size_t i = 0; i < count; i++)
		assert_json(row, expected[i].path, expected[i].value);
	json_object_put(row);
	return end + 1;
}

static const struct expected_json expected_start[] = {
	{"/type", "\"start\""},
	{"/time", "\"1970-01-01T00:00:05.000000000Z\""},
	{"/capture/tc", "\"tcx\""},
	{"/capture/sockets", "null"},
	{"/capture/namespaces", "\"all\""},
	{"/capture/interfaces", "[{\"name\":\"lo\",\"ifindex\":1,\"netns\":null}]"},
};

static const struct expected_json expected_row[] = {
	{"/type", "\"handshake\""},
	{"/schema", "1"},
	{"/id", "\"ab00000000000000000000000000000000000000000000000000000000000001\""},
	{"/transport", "\"tcp\""},
	{"/outcome", "\"completed\""},
	{"/verdict", "null"},
	{"/failure", "null"},
	{"/client/ip", "\"192.0.2.10\""},
	{"/client/port", "38486"},
	{"/client/process",
	 "{\"pid\":812,\"ns_pid\":7,\"tid\":813,\"comm\":\"curl\",\"exe\":\"/usr/bin/curl\","
	 "\"uid\":1000,\"how\":\"socket\",\"exit\":null,\"creator\":{\"pid\":800,"
	 "\"comm\":\"sh\"}}"},
	{"/client/container", "null"},
	{"/client/netns", "4026531840"},
	{"/client/cgroup", "\"/user.slice\""},
	{"/client/socket/connect_us", "-61.2"},
	{"/client/socket/first_write_us", "-0.01"},
	{"/client/socket/accept_us", "null"},
	{"/client/socket/min_rtt_us", "87"},
	{"/server/ip", "\"2001:db8::1\""},
	{"/server/process", "null"},
	{"/server/netns", "null"},
	{"/server/socket", "null"},
	{"/tls/version", "\"TLSv1.3\""},
	{"/tls/cipher", "\"TLS_AES_128_GCM_SHA256\""},
	{"/tls/group", "\"X25519MLKEM768\""},
	{"/tls/signature", "null"},
	{"/tls/sni", "\"a\\\\x1b[2J\\\\x00.org\""},
	{"/tls/alpn", "\"h2\""},
	{"/tls/psk", "\"none\""},
	{"/tls/compression", "null"},
	{"/tls/session_id", "null"},
	{"/offer/version", "\"TLSv1.2\""},
	{"/offer/versions", "[\"GREASE\",\"TLSv1.3\",\"TLSv1.2\"]"},
	{"/offer/ciphers", "[\"TLS_AES_128_GCM_SHA256\",\"0xfe99\"]"},
	{"/offer/alpn", "[\"h2\",\"http/1.1\"]"},
	{"/offer/segments", "2"},
	{"/messages/1", "{\"at_us\":890.1,\"from\":\"server\",\"record\":\"handshake\","
			"\"message\":\"server_hello\",\"size\":1210,\"encrypted\":false}"},
	{"/messages/2", "{\"at_us\":890.4,\"from\":\"server\",\"record\":\"application_data\","
			"\"message\":null,\"size\":23,\"encrypted\":true}"},
	{"/certificates", "null"},
	{"/tls/resumption", "null"},
	{"/tls/ocsp_stapled", "null"},
	{"/tls/ticket_issued", "null"},
	{"/fingerprint", "{\"ja3\":null,\"ja3s\":null,\"ja4\":null}"},
	{"/latency",
	 "{\"total_us\":2371.6,\"rtt_us\":87,\"retransmissions\":0,\"phases\":[],\"causes\":[]}"},
	{"/path", "[{\"interface\":\"eth0\",\"ifindex\":2,\"netns\":4026531840,"
		  "\"direction\":\"egress\",\"client\":\"192.0.2.10:38486\","
		  "\"server\":\"192.0.2.1:443\",\"process\":null,\"time\":\"1970-01-01T00:00:05."
		  "000000000Z\"}]"},
	{"/quality", "{\"gap\":false,\"truncated\":false,\"conflict\":false,"
		     "\"inferred\":[\"outcome\"]}"},
};

static const struct expected_json expected_end[] = {
	{"/type", "\"end\""}, {"/handshakes", "{\"completed\":0,\"failed\":0,\"incomplete\":0}"},
	{"/seen", "4"},	      {"/reported", "1"},
	{"/filtered", "0"},   {"/lost", "{\"ring_full\":3}"},
	{"/dropped", "{}"},   {"/cost", "{}"},
};

static void test_json(void **state)
{
	struct handshake handshake = example;
	char *output = row_print(&sink_json, 0, false, &handshake), *at = output;

	(void)state;
	/* No byte of the hello reaches the output raw. */
	assert_null(strchr(output, '\x1b'));
	at = line_check(at, expected_start, ARRAY_SIZE(expected_start));
	at = line_check(at, expected_row, ARRAY_SIZE(expected_row));
	at = line_check(at, expected_end, ARRAY_SIZE(expected_end));
	assert_string_equal(at, "");
	free(output);
}

/* Its name and labels are what whoever made it wanted them to be. */
static void test_container(void **state)
{
	static const struct expected_json expected[] = {
		{"/client/container",
		 "{\"id\":\"" CONTAINER_ID
		 "\",\"name\":\"we\\\\x1bb\",\"runtime\":\"docker\",\"how\":\"claimed\","
		 "\"user\":1000,\"image\":\"nginx:1\","
		 "\"pod\":null,\"pod_uid\":\"123\",\"namespace\":null,\"labels\":{\"a\\\\x07\":"
		 "\"\\\\xff\"}}"},
		{"/client/unit", "\"a.service\""},
	};
	struct container_label label = {(char *)"a\a", (char *)"\xff"};
	struct container container = {
		.known = true,
		.id = (char *)CONTAINER_ID,
		.runtime = "docker",
		.how = CONTAINER_CLAIMED,
		.user = 1000,
		.details = {.name = (char *)"we\x1b"
					    "b",
			    .image = (char *)"nginx:1",
			    .pod_uid = (char *)"123",
			    .labels = &label,
			    .label_count = 1},
	};
	struct handshake handshake = example;
	char who[TEXT_WHO_SIZE], *output;

	(void)state;
	handshake.ends[END_CLIENT].process.container = &container;
	handshake.ends[END_CLIENT].process.unit = (char *)"a.service";
	output = row_print(&sink_json, 0, false, &handshake);
	line_check(strchr(output, '\n') + 1, expected, ARRAY_SIZE(expected));
	free(output);
	text_who(&handshake.ends[END_CLIENT], who);
	assert_string_equal(who, "curl[812]@1000/we\\x1bb");
	container.how = CONTAINER_BY_RUNTIME;
	text_who(&handshake.ends[END_CLIENT], who);
	assert_string_equal(who, "curl[812]@we\\x1bb");
	container.details.name = NULL;
	text_who(&handshake.ends[END_CLIENT], who);
	assert_string_equal(who, "curl[812]@0123456789ab");
	container.known = false;
	text_who(&handshake.ends[END_CLIENT], who);
	assert_string_equal(who, "curl[812]");
}

static void test_json_failed(void **state)
{
	static const struct expected_json expected[] = {
		{"/outcome", "\"failed\""},
		{"/verdict",
		 "\"client cu\\\\x07[812] rejected the server's certificate: unknown_ca\""},
		{"/failure",
		 "{\"kind\":\"alert\",\"by\":\"client\",\"alert\":\"unknown_ca\","
		 "\"encrypted\":false,\"error\":null,\"reason\":null,"
		 "\"cause\":\"certificate_issuer\",\"facts\":[\"certificate_expired\"]}"},
		{"/latency/total_us", "2371.6"},
	};
	struct handshake handshake = example;
	char *output;

	(void)state;
	handshake.outcome = HANDSHAKE_FAILED;
	handshake.failure.kind = FAILURE_ALERT;
	handshake.failure.by = END_CLIENT;
	handshake.failure.alert = 48;
	handshake.failure.cause = FACT_ISSUER;
	handshake.failure.facts = 1u << FACT_EXPIRED;
	strcpy(handshake.ends[END_CLIENT].process.comm, "cu\a");
	output = row_print(&sink_json, 0, false, &handshake);
	line_check(strchr(output, '\n') + 1, expected, ARRAY_SIZE(expected));
	free(output);
}

static void test_json_quic(void **state)
{
	static const struct expected_json expected[] = {
		{"/transport", "\"quic\""},
		{"/tls/quic_version", "\"draft-29\""},
		{"/failure", "{\"kind\":\"closed\",\"by\":\"client\",\"alert\":null,"
			     "\"encrypted\":false,\"error\":0,\"reason\":\"bye\\\\x00!\","
			     "\"cause\":null,\"facts\":[]}"},
		{"/messages/0/record", "\"quic_initial\""},
		{"/messages/1/record", "\"quic_retry\""},
		{"/messages/2/record", "\"quic_handshake\""},
		{"/messages/3/record", "\"quic_1rtt\""},
	};
	static const uint8_t records[] = {RECORD_KIND_QUIC_INITIAL, RECORD_KIND_QUIC_RETRY,
					  RECORD_KIND_QUIC_HANDSHAKE, RECORD_KIND_QUIC_1RTT};
	struct message messages[ARRAY_SIZE(records)];
	struct handshake handshake = example;
	char *output;

	(void)state;
	handshake.transport = TRANSPORT_QUIC;
	handshake.quic_version = 0xff00001d;
	handshake.outcome = HANDSHAKE_FAILED;
	handshake.failure.kind = FAILURE_CLOSED;
	handshake.failure.by = END_CLIENT;
	handshake.failure.has_error = true;
	handshake.failure.reason = (char *)"bye\0!";
	handshake.failure.reason_length = 5;
	memcpy(messages, example.messages, sizeof(messages));
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		messages[i].record = records[i];
	handshake.messages = messages;
	output = row_print(&sink_json, 0, false, &handshake);
	line_check(strchr(output, '\n') + 1, expected, ARRAY_SIZE(expected));
	free(output);
}

/* If nothing is known of a handshake, every key is still there. */
static void test_json_unknown(void **state)
{
	static const struct expected_json expected[] = {
		{"/outcome", "\"incomplete\""},
		{"/client/ip", "null"},
		{"/client/port", "null"},
		{"/client/process", "null"},
		{"/tls/version", "null"},
		{"/tls/cipher", "null"},
		{"/tls/sni", "null"},
		{"/tls/resumed", "null"},
		{"/tls/compression", "null"},
		{"/tls/server_random", "null"},
		{"/id", "null"},
		{"/offer", "null"},
		{"/messages", "[]"},
		{"/latency/total_us", "null"},
	};
	struct handshake handshake = {.failure.alert = -1};
	char *output = row_print(&sink_json, 0, false, &handshake);

	(void)state;
	line_check(strchr(output, '\n') + 1, expected, ARRAY_SIZE(expected));
	free(output);
}

static void test_json_phases(void **state)
{
	static const struct expected_json expected[] = {
		{"/latency/total_us", "40200"},
		{"/latency/rtt_us", "400"},
		{"/latency/retransmissions", "2"},
		{"/latency/phases/0",
		 "{\"name\":\"tcp_connect\",\"side\":\"client\",\"start_us\":0,"
		 "\"duration_us\":61.2,\"quality\":\"measured\",\"error_us\":null}"},
		{"/latency/phases/2",
		 "{\"name\":\"hello_network\",\"side\":null,\"start_us\":361.2,"
		 "\"duration_us\":200,\"quality\":\"estimated\",\"error_us\":0}"},
	};
	struct handshake handshake = with_phases();
	char *output = row_print(&sink_json, 0, false, &handshake);

	(void)state;
	line_check(strchr(output, '\n') + 1, expected, ARRAY_SIZE(expected));
	free(output);
}

static void test_json_certificates(void **state)
{
#define SHA256_ZEROS "00000000000000000000000000000000000000000000000000000000000000"
	static const struct expected_json expected[] = {
		{"/certificates/0",
		 "{\"from\":\"server\",\"subject\":\"CN=a\\\\x1b[2J\",\"issuer\":\"O=B\xc3\xbc"
		 "cher\","
		 "\"san\":[\"DNS:a\\\\xff\",\"IP:192.0.2.1\"],\"not_before\":\"1970-01-01T00:00:"
		 "04Z\","
		 "\"not_after\":\"1970-01-01T00:00:05Z\",\"key\":\"EC "
		 "P-256\",\"signature\":\"ED25519\","
		 "\"serial\":\"0A\",\"sha256\":\"ab" SHA256_ZEROS
		 "\",\"size\":400,\"broken\":false,"
		 "\"truncated\":true}"},
		{"/certificates/1",
		 "{\"from\":\"client\",\"subject\":null,\"issuer\":null,\"san\":null,\"not_"
		 "before\":null,"
		 "\"not_after\":null,\"key\":null,\"signature\":null,\"serial\":null,\"sha256\":"
		 "\"cd" SHA256_ZEROS "\",\"size\":7,\"broken\":true,\"truncated\":false}"},
		{"/fingerprint", "{\"ja3\":\"ada70206e40642a3e4461f35503241d5\",\"ja3s\":null,"
				 "\"ja4\":\"t13d1516h2_8daaf6152771_e5627efa2ab1\"}"},
		{"/tls/resumption", "\"ticket\""},
		{"/tls/ocsp_stapled", "false"},
		{"/tls/ticket_issued", "true"},
	};
	static const struct expected_json expected_empty[] = {{"/certificates", "[]"}};
	struct handshake handshake = with_certificates();
	char *output = row_print(&sink_json, 0, false, &handshake);

	(void)state;
	line_check(strchr(output, '\n') + 1, expected, ARRAY_SIZE(expected));
	free(output);
	/* An empty list was sent. */
	handshake.certificate_count = 0;
	output = row_print(&sink_json, 0, false, &handshake);
	line_check(strchr(output, '\n') + 1, expected_empty, ARRAY_SIZE(expected_empty));
	free(output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_json_failed),
		cmocka_unit_test(test_json_quic),
		cmocka_unit_test(test_json_unknown),
		cmocka_unit_test(test_json_phases),
		cmocka_unit_test(test_json_certificates),
	};

	return cmocka_run_group_tests(tests, row_locale, NULL);
}
