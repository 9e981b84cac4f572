// SPDX-License-Identifier: BSD-2-Clause
/* Questions and answers of the helper process, and what it might say if somebody took it over. */
#include <stdlib.h>

#include "build.h"
#include "who/container_api.h"
#include "who/message.h"

static char packet[ANSWER_MAX];

static void test_answer(void **state)
{
	struct container_label labels[] = {{"a", "b"}, {"", ""}, {"c", ""}};
	const struct message_answer sent = {
		.ticket = 7,
		.found = true,
		.details = {.runtime = "podman",
			    .id = "1",
			    .name = "web",
			    .pod_uid = "u",
			    .labels = labels,
			    .label_count = 3},
	};
	size_t length = message_answer_write(&sent, packet), i;
	struct message_answer got;

	(void)state;
	assert_true(message_answer_read(packet, length, &got));
	assert_int_equal(got.ticket, 7);
	assert_true(got.found);
	assert_ptr_equal(got.details.runtime, container_runtime("podman"));
	assert_string_equal(got.details.name, "web");
	assert_string_equal(got.details.pod_uid, "u");
	assert_null(got.details.image);
	assert_null(got.details.namespace);
	assert_int_equal(got.details.label_count, 3);
	assert_string_equal(got.details.labels[0].value, "b");
	assert_string_equal(got.details.labels[2].key, "c");
	container_details_clear(&got.details);
	assert_int_equal(got.user, 0);
	assert_true(message_answer_stamp(packet, length, 8, 1000));
	assert_true(message_answer_read(packet, length, &got));
	assert_int_equal(got.ticket, 8);
	assert_int_equal(got.user, 1000);
	assert_true(got.found);
	container_details_clear(&got.details);
	assert_false(message_answer_stamp(packet, 4, 8, 1000));
	/* Cut anywhere, it is whole or nothing. */
	for (i = 0; i < length; i++) {
		char *exact = malloc(i ? i : 1);

		memcpy(exact, packet, i);
		message_answer_read(exact, i, &got);
		container_details_clear(&got.details);
		free(exact);
	}
}

/* Texts that are too long, too many labels, and a runtime that nobody knows. */
static void test_hostile_answers(void **state)
{
	struct message_answer got;
	size_t i;

	(void)state;
	memset(packet, 'x', sizeof(packet));
	assert_false(message_answer_read(packet, sizeof(packet), &got));
	memset(packet, 0, sizeof(packet));
	assert_true(message_answer_read(packet, sizeof(packet), &got));
	assert_int_equal(got.details.label_count, CONTAINER_LABELS_MAX);
	container_details_clear(&got.details);
	memset(packet, 'x', 20000);
	for (i = 5000; i < 20000; i += 2500)
		packet[i] = 0;
	assert_true(message_answer_read(packet, sizeof(packet), &got));
	assert_null(got.details.runtime);
	assert_int_equal(strlen(got.details.id), CONTAINER_TEXT_MAX);
	container_details_clear(&got.details);
}

/* All that an answer can be has room. */
static void test_largest_answer(void **state)
{
	struct container_label labels[CONTAINER_LABELS_MAX];
	char text[CONTAINER_TEXT_MAX + 1];
	const struct message_answer sent = {.details = {"systemd-nspawn", text, text, text, text,
							text, text, labels, CONTAINER_LABELS_MAX}};
	struct message_answer got;
	size_t i;

	(void)state;
	memset(text, 'x', CONTAINER_TEXT_MAX);
	text[CONTAINER_TEXT_MAX] = 0;
	for (i = 0; i < CONTAINER_LABELS_MAX; i++)
		labels[i] = (struct container_label){text, text};
	assert_true(message_answer_read(packet, message_answer_write(&sent, packet), &got));
	assert_int_equal(got.details.label_count, CONTAINER_LABELS_MAX);
	assert_int_equal(strlen(got.details.namespace), CONTAINER_TEXT_MAX);
	container_details_clear(&got.details);
}

static void test_questions(void **state)
{
	struct message_question question = {.ticket = 1};
	size_t length;

	(void)state;
	strcpy(question.about.cgroup, "/docker/1");
	length = message_question_size(&question);
	assert_true(message_question_is(&question, length));
	assert_false(message_question_is(&question, length - 1)); /* no end of the text */
	assert_false(message_question_is(&question, 0));
	assert_false(message_question_is(&question, sizeof(question) + 1));
}

/* Answers of an HTTP server, whole and not. */
static void test_api_answers(void **state)
{
	static const struct {
		const char *text, *body; /* NULL: it is refused */
	} samples[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "{}"},
		{"HTTP/1.0 200 OK\r\n\r\n{}", "{}"},
		{"HTTP/1.1 200 OK\r\n\r\n", ""},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
		 "abc0123456789"},
		{"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n", ""},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", NULL},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabc", NULL},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "fffffffffffffffe\r\nabc\r\n",
		 NULL},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", NULL},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", NULL},
		{"HTTP/1.1 404 Not Found\r\n\r\n{}", NULL},
		{"HTTP/1.1 2000 OK\r\n\r\n{}", NULL},
		{"HTTP/1.1 200 OK\r\n", NULL},
		{"\r\n\r\n", NULL},
		{"", NULL},
	};
	size_t i, length, size;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		char *text = strdup(samples[i].text);
		bool whole = container_api_body(text, strlen(text), &length);

		assert_int_equal(whole, samples[i].body != NULL);
		size = samples[i].body ? strlen(samples[i].body) : 0;
		if (whole) {
			assert_int_equal(length, size);
			assert_memory_equal(text, samples[i].body, size);
		}
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),	       cmocka_unit_test(test_hostile_answers),
		cmocka_unit_test(test_largest_answer), cmocka_unit_test(test_questions),
		cmocka_unit_test(test_api_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
