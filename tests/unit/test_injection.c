/* SPDX-License-Identifier: BSD-2-Clause */
/* No byte that a peer, a certificate or a container's owner chooses gets out of its place. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json.h>

#include "handshake/fields.h"
#include "handshake/handshake.h"
#include "sink/sink.h"
#include "sink/summary.h"
#include "summary/summary.h"
#include "tls/certificate.h"
#include "tls/hello.h"
#include "who/container.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define START_NS	  5000000000ull
#define MARKS		  250

struct hostile {
	const char *bytes;
	const char *forbidden; /* at a terminal */
};

static char marks[1 + 2 * MARKS + 1];

static const struct hostile hostiles[] = {
	{"\x1b[2J\x1b]0;title\x07", "\x1b"},
	{"line\r\nline", "line\r"},
	{"\xc2\x9b"
	 "31m",
	 "\xc2\x9b"},
	{"\xe2\x80\xaegpj.exe", "\xe2\x80\xae"},
	{"\xd7\x90\xd7\x91\xd7\x92", "\xd7\x90"},
	{"a\xe3\x80\x80\xe2\xa0\x80"
	 "b",
	 "\xe2\xa0\x80"},
	{"\xf3\xa0\x81\x81tag", "\xf3\xa0\x81\x81"},
	{"\xff\xfe\xed\xa0\x80", "\xff"},
	{"\"},{\"type\":\"end\"", NULL},
	{"=HYPERLINK(\"http://192.0.2.1\")", NULL},
	{"<script>alert(1)</script>", NULL},
	{"a;b,c\\d", NULL},
	{marks, "\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81"},
};

/* One handshake that has the same bytes wherever a stranger may choose them. */
struct scene {
	struct certificate certificate;
	struct sent_certificate sent[2];
	struct container container;
	struct container_label label;
	char *sans[2];
	struct place place;
	struct message messages[2];
	struct handshake handshake;
	uint8_t alpn[300];
};

static void scene_set(struct scene *scene, const char *bytes)
{
	size_t length = strlen(bytes), short_length = length < 255 ? length : 255;
	char *text = (char *)bytes;

	*scene = (struct scene){
		.sans = {text, text},
		.label = {text, text},
		.certificate = {.subject = text,
				.issuer = text,
				.sans = scene->sans,
				.san_count = 2,
				.key = (char *)"RSA 2048",
				.signature = (char *)"1.2.3",
				.serial = (char *)"0A"},
		.container = {.known = true,
			      .id = text,
			      .details = {.name = text,
					  .image = text,
					  .labels = &scene->label,
					  .label_count = 1}},
		.sent = {{END_SERVER, &scene->certificate}, {END_CLIENT, &scene->certificate}},
		.messages = {{.time_ns = START_NS,
			      .from = END_CLIENT,
			      .kind = MESSAGE_HANDSHAKE,
			      .type = TLS_CLIENT_HELLO},
			     {.time_ns = START_NS,
			      .from = END_SERVER,
			      .kind = MESSAGE_HANDSHAKE,
			      .type = TLS_CERTIFICATE}},
		.handshake = {.has_random = true,
			      .time_ns = START_NS,
			      .end_ns = START_NS,
			      .transport = TRANSPORT_QUIC,
			      .outcome = HANDSHAKE_FAILED,
			      .failure = {.kind = FAILURE_CLOSED,
					  .by = END_SERVER,
					  .alert = -1,
					  .has_error = true,
					  .reason = text,
					  .reason_length = length},
			      .sni = text,
			      .sni_length = length,
			      .certificates = scene->sent,
			      .certificate_count = 2,
			      .messages = scene->messages,
			      .message_count = 2,
			      .path = &scene->place,
			      .path_count = 1},
	};
	for (int end = 0; end < 2; end++) {
		struct process *process = &scene->handshake.ends[end].process;

		*process = (struct process){.pid = 7,
					    .exe = text,
					    .cgroup_path = text,
					    .unit = text,
					    .container = &scene->container};
		strncpy(process->comm, bytes, HANDSHAKE_COMM_SIZE);
	}
	strncpy(scene->place.interface, bytes, sizeof(scene->place.interface) - 1);
	scene->alpn[0] = (uint8_t)short_length;
	memcpy(scene->alpn + 1, bytes, short_length);
	scene->handshake.offer.alpn = scene->alpn;
	scene->handshake.offer.alpn_length = 1 + short_length;
	scene->handshake.offer.size = scene->handshake.offer.received = 500;
}

static char *scene_print(const struct sink *sink, const char *columns, const struct scene *scene)
{
	static const struct trace_start start = {.file = "capture"};
	struct sink_settings settings = {.width = 0};
	struct field_list list;
	char *output = NULL;
	size_t size, length;

	settings.out = open_memstream(&output, &size);
	assert_non_null(settings.out);
	if (columns) {
		assert_null(field_list_parse(&list, columns, &length));
		settings.columns = &list;
	}
	sink->start(&settings, &start);
	sink->row(&settings, &scene->handshake);
	fclose(settings.out);
	return output;
}

static size_t lines_count(const char *output)
{
	size_t lines = 0;

	for (; *output; output++)
		lines += *output == '\n';
	return lines;
}

/* Neither control characters nor what else the terminal must not get. */
static void assert_harmless(const char *name, const char *output, const struct hostile *hostile)
{
	for (const char *at = output; *at; at++)
		if ((unsigned char)*at < ' ' && *at != '\n' && *at != '\r')
			fail_msg("%s prints 0x%02x", name, *at);
	if (hostile->forbidden && strstr(output, hostile->forbidden))
		fail_msg("%s prints %s", name, output);
}

static void test_terminal(void **state)
{
	static const struct {
		const struct sink *sink;
		const char *columns;
	} cases[] = {
		{&sink_table, NULL},
		{&sink_wide, NULL},
		{&sink_tree, NULL},
		{&sink_explain, NULL},
		{&sink_table, "client,sni,verdict,certificates.subject,certificates.san,"
			      "client.container.labels,offer.alpn,failure.reason,path.interface"},
	};
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostiles); i++) {
		scene_set(&scene, hostiles[i].bytes);
		for (size_t j = 0; j < ARRAY_SIZE(cases); j++) {
			char *output = scene_print(cases[j].sink, cases[j].columns, &scene);

			assert_harmless(cases[j].sink->name, output, &hostiles[i]);
			if (cases[j].sink != &sink_tree && cases[j].sink != &sink_explain)
				assert_int_equal(lines_count(output), 2);
			free(output);
		}
	}
}

static void test_summary(void **state)
{
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostiles); i++) {
		struct summary *summary = summary_new();
		struct sink_settings settings = {.width = 0};
		char *output = NULL;
		size_t size;

		scene_set(&scene, hostiles[i].bytes);
		summary_add(summary, &scene.handshake);
		settings.out = open_memstream(&output, &size);
		summary_table_write(&settings, summary, SUMMARY_ALL);
		fclose(settings.out);
		assert_harmless("summary", output, &hostiles[i]);
		free(output);
		summary_free(summary);
	}
}

/* It parses, and what it says is what was sent, if that was UTF-8 without controls. */
static void test_json(void **state)
{
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostiles); i++) {
		struct json_object *row, *san;
		char *output, *line;

		scene_set(&scene, hostiles[i].bytes);
		output = scene_print(&sink_json, NULL, &scene);
		assert_int_equal(lines_count(output), 2);
		line = strchr(output, '\n') + 1;
		row = json_tokener_parse(line);
		assert_non_null(row);
		assert_int_equal(json_pointer_get(row, "/certificates/0/san/1", &san), 0);
		if (!hostiles[i].forbidden || hostiles[i].bytes == marks)
			assert_string_equal(json_object_get_string(san), hostiles[i].bytes);
		for (const char *at = output; *at; at++)
			assert_true((unsigned char)*at >= ' ' || *at == '\n');
		json_object_put(row);
		free(output);
	}
}

/* Quotes are doubled, a line stays one line, and no cell begins like a formula. */
static void test_csv(void **state)
{
	struct scene scene;
	char *output;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostiles); i++) {
		size_t quotes = 0;

		scene_set(&scene, hostiles[i].bytes);
		output = scene_print(&sink_csv, "sni,certificates.subject,failure.reason", &scene);
		assert_int_equal(lines_count(output), 2);
		for (const char *at = output; *at; at++)
			quotes += *at == '"';
		assert_int_equal(quotes % 2, 0);
		assert_null(strstr(output, "\"="));
		free(output);
	}
	scene_set(&scene, "a;b\"c,=d");
	output = scene_print(&sink_csv, "sni", &scene);
	assert_string_equal(output, "tls.sni\r\n\"a\\x3bb\"\"c,=d\"\r\n");
	free(output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_csv),
	};

	setlocale(LC_ALL, "C.UTF-8");
	marks[0] = 'a';
	for (size_t i = 0; i < MARKS; i++)
		memcpy(marks + 1 + 2 * i, "\xcc\x81", 2);
	return cmocka_run_group_tests_name("injection", tests, NULL, NULL);
}
