/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "handshake/fields.h"
#include "tls/names.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const struct field *find(const char *name)
{
	const struct field *field = field_find(name, strlen(name));

	if (!field)
		fail_msg("no field %s", name);
	return field;
}

static void test_find(void **state)
{
	(void)state;
	assert_ptr_equal(find("group"), find("tls.group"));
	assert_ptr_equal(find("TOTAL"), find("latency.total_us"));
	assert_string_equal(find("client")->path, "client.name");
	assert_string_equal(field_alias(find("tls.sni")), "sni");
	assert_null(field_alias(find("tls.psk")));
	assert_null(field_find("groups", 6));
	assert_null(field_find("", 0));
	assert_ptr_equal(field_find("sni == x", 3), find("tls.sni"));
	assert_string_equal(field_nearest("gruop", 5), "group");
	assert_string_equal(field_nearest("tls.versoin", 11), "tls.version");
	assert_string_equal(field_nearest("certificates.notafter", 21), "certificates.not_after");
	assert_string_equal(field_nearest("not_after", 9), "certificates.not_after");
	assert_null(field_nearest("xyzzyx", 6));
}

/* Names are unique, objects come before what is in them, and all have a type and help. */
static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < field_count; i++) {
		const struct field *field = &fields[i];
		const char *end = strrchr(field->path, '.');
		char type[48];

		field_type_name(field, type, sizeof(type));
		assert_int_equal(field->length, strlen(field->path));
		if (!field->is_derived)
			assert_int_equal(field->prefix, end ? end + 1 - field->path : 0);
		assert_true(type[0] && field->help && field->help[0]);
		assert_true(field_is_object(field) == !field->read);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(field->path, fields[j].path);
		if (end && !field->is_derived) {
			bool found = false;

			for (size_t j = 0; j < i; j++)
				found |= field_is_object(&fields[j]) &&
					 strlen(fields[j].path) == (size_t)(end - field->path) &&
					 !strncmp(fields[j].path, field->path,
						  (size_t)(end - field->path));
			if (!found)
				fail_msg("%s is in no object", field->path);
		}
	}
	for (size_t i = 0; i < field_alias_count; i++)
		assert_string_equal(find(field_aliases[i].name)->path, field_aliases[i].path);
}

static void verdict(const struct handshake *handshake, char *to, size_t size)
{
	snprintf(to, size, "failed %d", handshake->failure.alert);
}

static enum field_state read_state(const char *name, const struct handshake *handshake,
				   struct field_value *value)
{
	static struct field_row row;

	row = (struct field_row){.handshake = handshake, .verdict = verdict};
	return field_read(find(name), &row, value);
}

static void assert_state(const char *name, const struct handshake *handshake,
			 enum field_state expected)
{
	struct field_value value;
	enum field_state got = read_state(name, handshake, &value);

	if (got != expected)
		fail_msg("%s is %d, not %d", name, got, expected);
}

static void assert_number(const char *name, const struct handshake *handshake, uint64_t expected)
{
	struct field_value value;

	assert_state(name, handshake, FIELD_KNOWN);
	read_state(name, handshake, &value);
	assert_int_equal(value.number, expected);
}

static void assert_bool(const char *name, const struct handshake *handshake, bool expected)
{
	struct field_value value;

	assert_state(name, handshake, FIELD_KNOWN);
	read_state(name, handshake, &value);
	assert_int_equal(value.boolean, expected);
}

static void assert_text(const char *name, const struct handshake *handshake, const char *expected)
{
	struct field_value value;

	assert_state(name, handshake, FIELD_KNOWN);
	read_state(name, handshake, &value);
	assert_int_equal(value.text.length, strlen(expected));
	assert_memory_equal(value.text.bytes, expected, strlen(expected));
}

/* What is not there and what nobody saw are two things. */
static void test_states(void **state)
{
	static uint16_t groups[] = {0x001d, 0x11ec};
	struct handshake handshake = {.failure.alert = -1, .outcome = HANDSHAKE_INCOMPLETE};

	(void)state;
	assert_state("id", &handshake, FIELD_UNKNOWN);
	assert_state("sni", &handshake, FIELD_UNKNOWN);
	assert_state("version", &handshake, FIELD_UNKNOWN);
	assert_state("failed", &handshake, FIELD_UNKNOWN);
	assert_state("failure.kind", &handshake, FIELD_UNKNOWN);
	assert_state("offer.groups", &handshake, FIELD_UNKNOWN);
	assert_state("pq", &handshake, FIELD_UNKNOWN);
	assert_state("certificates.subject", &handshake, FIELD_UNKNOWN);
	assert_state("messages.size", &handshake, FIELD_END);
	assert_state("client", &handshake, FIELD_UNKNOWN);
	assert_number("incomplete", &handshake, INCOMPLETE_TRACE_ENDED);

	handshake.has_random = true;
	handshake.outcome = HANDSHAKE_COMPLETED;
	handshake.has_server_random = true;
	handshake.version = 0x0303;
	handshake.offer.size = handshake.offer.received = 100;
	assert_state("sni", &handshake, FIELD_ABSENT);
	assert_state("alpn", &handshake, FIELD_ABSENT);
	assert_state("group", &handshake, FIELD_ABSENT);
	assert_state("failure.kind", &handshake, FIELD_ABSENT);
	assert_state("verdict", &handshake, FIELD_ABSENT);
	assert_state("incomplete", &handshake, FIELD_ABSENT);
	assert_state("offer.groups", &handshake, FIELD_END);
	assert_state("tls.resumption", &handshake, FIELD_ABSENT);
	assert_bool("failed", &handshake, false);
	assert_bool("resumed", &handshake, false);
	assert_number("pq", &handshake, POST_QUANTUM_NONE);
	handshake.gap = true;
	assert_state("resumed", &handshake, FIELD_UNKNOWN);

	handshake.offer.groups = (struct code_list){groups, ARRAY_SIZE(groups)};
	assert_number("pq", &handshake, POST_QUANTUM_OFFERED);
	assert_number("offer.groups", &handshake, 0x001d);
	handshake.group = 0x11ec;
	assert_number("pq", &handshake, POST_QUANTUM_CHOSEN);
	handshake.outcome = HANDSHAKE_FAILED;
	handshake.failure.alert = 48;
	handshake.failure.kind = FAILURE_ALERT;
	handshake.failure.by = END_CLIENT;
	handshake.failure.facts = 1u << FACT_ALPN | 1u << FACT_EXITED;
	assert_text("failure.alert", &handshake, "unknown_ca");
	assert_text("verdict", &handshake, "failed 48");
	assert_bool("failed", &handshake, true);
	assert_state("cause", &handshake, FIELD_UNKNOWN);
	assert_number("failure.facts", &handshake, FACT_ALPN);
}

static bool number_add(void *user, const struct field *field, const struct field_value *value)
{
	char *to = user;

	(void)field;
	sprintf(to + strlen(to), value ? "%d " : "? ", value ? (int)value->number : 0);
	return true;
}

static void test_lists(void **state)
{
	static uint16_t groups[] = {0x001d, 0x11ec};
	static uint8_t alpn[] = "\0\x03\x02h2";
	struct handshake handshake = {
		.has_random = true,
		.failure = {.alert = -1, .facts = 1u << FACT_ALPN | 1u << FACT_EXITED},
		.outcome = HANDSHAKE_FAILED,
		.offer = {.groups = {groups, 2}, .alpn = alpn, .alpn_length = 5},
		.path_count = 2,
		.path = (struct place[]){{.ifindex = 7}, {.ifindex = 0}},
	};
	struct field_row row = {.handshake = &handshake};
	char got[64] = "";

	(void)state;
	assert_int_equal(field_visit(find("offer.groups"), &row, number_add, got), FIELD_KNOWN);
	assert_string_equal(got, "29 4588 ");
	*got = '\0';
	field_visit(find("failure.facts"), &row, number_add, got);
	assert_string_equal(got, "4 23 ");
	*got = '\0';
	field_visit(find("path.ifindex"), &row, number_add, got);
	assert_string_equal(got, "7 ? ");
	assert_text("offer.alpn", &handshake, "h2");
}

static void test_codes(void **state)
{
	uint16_t code;

	(void)state;
	assert_true(registry_code(&registry_group, "X25519", 6, &code));
	assert_int_equal(code, 0x001d);
	assert_true(registry_code(&registry_version, "tlsv1.2", 7, &code));
	assert_int_equal(code, 0x0303);
	assert_true(registry_code(&registry_cipher, "0x1301", 6, &code));
	assert_int_equal(code, 0x1301);
	assert_false(registry_code(&registry_heartbeat, "0x1301", 6, &code));
	assert_false(registry_code(&registry_group, "x2551", 5, &code));
	assert_false(registry_code(&registry_group, "0x", 2, &code));
	assert_true(field_version_rank(0x0304) > field_version_rank(0x0303));
	assert_int_equal(field_version_rank(0xfefc), field_version_rank(0x0304));
	assert_int_equal(field_version_rank(0xfb1a), 0);
}

/* The table of post-quantum groups is as complete as the registry. */
static void test_post_quantum(void **state)
{
	(void)state;
	for (uint32_t group = 0; group <= UINT16_MAX; group++) {
		const char *name = tls_group_name((uint16_t)group);
		bool expected = name && (strstr(name, "MLKEM") || strstr(name, "Kyber") ||
					 strstr(name, "CECPQ"));

		if (tls_group_is_post_quantum((uint16_t)group) != expected)
			fail_msg("group 0x%04x %s", group, name ? name : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),   cmocka_unit_test(test_table),
		cmocka_unit_test(test_states), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_codes),  cmocka_unit_test(test_post_quantum),
	};

	return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
