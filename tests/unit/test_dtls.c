/* SPDX-License-Identifier: BSD-2-Clause */
#include "build.h"

#include <errno.h>
#include <stdlib.h>

#include "handshake/tracker.h"
#include "sink/text.h"
#include "tls/dtls.h"
#include "tls/hello.h"
#include "tls/record.h"

#define HEADER		 13
#define HANDSHAKE_HEADER 12

enum { CLIENT = true, SERVER = false };
enum { DTLS_10 = 0xfeff, DTLS_12 = 0xfefd, DTLS_13 = 0xfefc };

struct fixture {
	struct tracker_handler handler;
	struct tracker *tracker;
	struct connection connection;
	struct handshake row; /* its pointers are gone, but for what is kept here: */
	char sni[64];
	size_t rows;
	uint16_t sequences[2]; /* of the next record, by sender */
};

static void on_done(void *context, struct handshake *handshake)
{
	struct fixture *fixture = context;

	free(fixture->row.messages);
	fixture->row = *handshake;
	handshake->messages = NULL;
	handshake->message_count = 0;
	fixture->rows++;
	if (handshake->sni)
		strncpy(fixture->sni, handshake->sni, sizeof(fixture->sni) - 1);
}

static int setup(void **state)
{
	const struct tracker_settings settings = {.timeout_ns = 10000 * MS, .capacity = 4};
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	fixture->handler = (struct tracker_handler){.done = on_done, .context = fixture};
	fixture->tracker = tracker_new(&settings, &fixture->handler);
	fixture->connection = connection_new(40000);
	*state = fixture;
	return fixture->tracker ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	tracker_free(fixture->tracker);
	free(fixture->row.messages);
	free(fixture);
	return 0;
}

static void feed(struct fixture *fixture, const struct packet *packet)
{
	struct slice data = exact_copy((struct slice){packet->data, packet->event.data_length});

	tracker_packet(fixture->tracker, &packet->event, data.bytes);
	free((void *)data.bytes);
	fixture->connection.time_ns += MS;
}

static void send_datagram(struct fixture *fixture, bool from_client, const struct buffer *bytes)
{
	struct packet packet;

	datagram_make(&packet, &fixture->connection, from_client, bytes->bytes, bytes->length);
	feed(fixture, &packet);
}

static void put_dtls(struct fixture *fixture, struct buffer *to, bool from_client, uint8_t type,
		     uint16_t epoch, const void *body, size_t length)
{
	put_number(to, type, 1);
	put_number(to, DTLS_12, 2);
	put_number(to, epoch, 2);
	put_number(to, 0, 4);
	put_number(to, fixture->sequences[from_client]++, 2);
	put_number(to, length, 2);
	put_bytes(to, body, length);
}

static void put_sealed_dtls(struct fixture *fixture, struct buffer *to, bool from_client,
			    uint8_t type, size_t length)
{
	struct buffer body = {0};

	put_fill(&body, 0xa5, length);
	put_dtls(fixture, to, from_client, type, 1, body.bytes, body.length);
}

/* DTLS 1.3 ciphertext: 16-bit sequence, with a length. */
static void put_unified(struct buffer *to, uint8_t epoch, size_t length)
{
	put_number(to, 0x2c | epoch, 1);
	put_number(to, 0x1234, 2);
	put_number(to, length, 2);
	put_fill(to, 0xa5, length);
}

/* Bytes [from, to) of a message's body in a record of their own. */
static void put_fragment(struct fixture *fixture, struct buffer *to, bool from_client,
			 const struct buffer *message, uint16_t sequence, size_t from, size_t end)
{
	struct buffer body = {0};

	put_number(&body, message->bytes[0], 1);
	put_number(&body, message->length - 4, 3);
	put_number(&body, sequence, 2);
	put_number(&body, from, 3);
	put_number(&body, end - from, 3);
	put_bytes(&body, message->bytes + 4 + from, end - from);
	put_dtls(fixture, to, from_client, RECORD_KIND_HANDSHAKE, 0, body.bytes, body.length);
}

static void put_whole(struct fixture *fixture, struct buffer *to, bool from_client,
		      const struct buffer *message, uint16_t sequence)
{
	put_fragment(fixture, to, from_client, message, sequence, 0, message->length - 4);
}

static void client_hello_make(struct buffer *to, uint8_t cookie_length)
{
	size_t message, extensions, extension;

	to->length = 0;
	put_number(to, TLS_CLIENT_HELLO, 1);
	message = vector_open(to, 3);
	put_number(to, DTLS_12, 2);
	put_fill(to, 0x42, 32);
	put_number(to, 0, 1);
	put_number(to, cookie_length, 1);
	put_fill(to, 0xcc, cookie_length);
	put_codes(to, (uint16_t[]){0x1301, 0xc02f}, 2, 2);
	put_number(to, 0x0100, 2);
	extensions = vector_open(to, 2);
	extension = extension_open(to, TLS_EXTENSION_SERVER_NAME);
	put_number(to, 8, 2);
	put_number(to, 0, 1);
	put_number(to, 5, 2);
	put_bytes(to, "a.org", 5);
	vector_close(to, extension, 2);
	vector_close(to, extensions, 2);
	vector_close(to, message, 3);
}

static void server_hello_make(struct buffer *to, uint16_t version, uint16_t cipher)
{
	size_t message, extensions, extension;

	to->length = 0;
	put_number(to, TLS_SERVER_HELLO, 1);
	message = vector_open(to, 3);
	put_number(to, version == DTLS_13 ? DTLS_12 : version, 2);
	put_fill(to, 0x53, 32);
	put_number(to, 0, 1);
	put_number(to, cipher, 2);
	put_number(to, 0, 1);
	extensions = vector_open(to, 2);
	if (version == DTLS_13) {
		extension = extension_open(to, TLS_EXTENSION_SUPPORTED_VERSIONS);
		put_number(to, DTLS_13, 2);
		vector_close(to, extension, 2);
	}
	vector_close(to, extensions, 2);
	vector_close(to, message, 3);
}

static void message_make(struct buffer *to, uint8_t type, size_t length)
{
	to->length = 0;
	put_number(to, type, 1);
	put_number(to, length, 3);
	put_fill(to, 0, length);
}

/* A side's message in a datagram of its own. */
static void send_message(struct fixture *fixture, bool from_client, const struct buffer *message,
			 uint16_t sequence)
{
	struct buffer datagram = {0};

	put_whole(fixture, &datagram, from_client, message, sequence);
	send_datagram(fixture, from_client, &datagram);
}

static void send_finish(struct fixture *fixture, bool from_client)
{
	struct buffer datagram = {0};

	put_dtls(fixture, &datagram, from_client, RECORD_KIND_CCS, 0, "\x01", 1);
	put_sealed_dtls(fixture, &datagram, from_client, RECORD_KIND_HANDSHAKE, 64);
	send_datagram(fixture, from_client, &datagram);
}

static void assert_names(const struct handshake *row, const char *const *names, size_t count)
{
	char buffer[TEXT_CODE_SIZE];
	size_t i;

	assert_int_equal(row->message_count, count);
	for (i = 0; i < count; i++) {
		const char *name = text_message(&row->messages[i], buffer);

		assert_non_null(name);
		assert_string_equal(name, names[i]);
	}
}

static void row_take(struct fixture *fixture)
{
	tracker_tick(fixture->tracker, fixture->connection.time_ns + 100 * MS);
	assert_int_equal(fixture->rows, 1);
	assert_int_equal(fixture->row.transport, TRANSPORT_DTLS);
	assert_string_equal(fixture->sni, "a.org");
}

static void hellos_exchange(struct fixture *fixture, uint16_t version, uint16_t cipher)
{
	struct buffer message;

	client_hello_make(&message, 0);
	send_message(fixture, CLIENT, &message, 0);
	server_hello_make(&message, version, cipher);
	send_message(fixture, SERVER, &message, 0);
}

/* The whole of DTLS 1.2, with HelloVerifyRequest, and messages of one flight in one datagram. */
static void test_whole(void **state)
{
	static const char *const names[] = {
		"client_hello",	      "hello_verify_request",
		"client_hello",	      "server_hello",
		"server_hello_done",  "client_key_exchange",
		"change_cipher_spec", "encrypted_handshake_message",
		"change_cipher_spec", "encrypted_handshake_message",
	};
	struct fixture *fixture = *state;
	struct buffer message, datagram = {0};

	client_hello_make(&message, 0);
	send_message(fixture, CLIENT, &message, 0);
	message_make(&message, TLS_HELLO_VERIFY_REQUEST, 23);
	send_message(fixture, SERVER, &message, 0);
	client_hello_make(&message, 20);
	send_message(fixture, CLIENT, &message, 1);
	server_hello_make(&message, DTLS_12, 0xc02f);
	put_whole(fixture, &datagram, SERVER, &message, 1);
	message_make(&message, TLS_SERVER_HELLO_DONE, 0);
	put_whole(fixture, &datagram, SERVER, &message, 2);
	send_datagram(fixture, SERVER, &datagram);
	message_make(&message, TLS_CLIENT_KEY_EXCHANGE, 33);
	send_message(fixture, CLIENT, &message, 2);
	send_finish(fixture, CLIENT);
	send_finish(fixture, SERVER);
	row_take(fixture);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(fixture->row.version, DTLS_12);
	assert_int_equal(fixture->row.cipher, 0xc02f);
	assert_true(fixture->row.retry_cookie);
	assert_false(fixture->row.hello_retry);
	assert_false(fixture->row.gap);
	assert_names(&fixture->row, names, ARRAY_SIZE(names));
}

/* Fragments backwards, overlapping, and twice; the message after them comes first. */
static void test_fragments(void **state)
{
	static const char *const names[] = {"client_hello", "server_hello", "server_hello_done"};
	static const size_t cuts[][2] = {{30, 40}, {10, 35}, {30, 40}, {0, 10}};
	struct fixture *fixture = *state;
	struct buffer message, datagram;
	size_t hello_length, i;

	client_hello_make(&message, 0);
	hello_length = message.length - 4;
	for (i = hello_length; i > 0; i = i > 9 ? i - 9 : 0) {
		datagram.length = 0;
		put_fragment(fixture, &datagram, CLIENT, &message, 0, i > 9 ? i - 9 : 0, i);
		send_datagram(fixture, CLIENT, &datagram);
	}
	message_make(&message, TLS_SERVER_HELLO_DONE, 0);
	send_message(fixture, SERVER, &message, 1);
	server_hello_make(&message, DTLS_12, 0xc02f);
	assert_int_equal(message.length - 4, 40);
	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		datagram.length = 0;
		put_fragment(fixture, &datagram, SERVER, &message, 0, cuts[i][0], cuts[i][1]);
		send_datagram(fixture, SERVER, &datagram);
	}
	send_message(fixture, SERVER, &message, 0);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	row_take(fixture);
	assert_false(fixture->row.gap);
	assert_true(fixture->row.has_server_random);
	assert_int_equal(fixture->row.offer.records, (hello_length + 8) / 9);
	assert_names(&fixture->row, names, ARRAY_SIZE(names));
}

/* Retransmitted flights add nothing. */
static void test_retransmission(void **state)
{
	struct fixture *fixture = *state;
	struct buffer hello;

	client_hello_make(&hello, 0);
	send_message(fixture, CLIENT, &hello, 0);
	send_message(fixture, CLIENT, &hello, 0);
	server_hello_make(&hello, DTLS_12, 0xc02f);
	send_message(fixture, SERVER, &hello, 0);
	send_message(fixture, SERVER, &hello, 0);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	row_take(fixture);
	assert_int_equal(fixture->row.message_count, 2);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_INCOMPLETE);
}

/* The exchange of the cookie was not seen: both sides begin at 1. */
static void test_begins_late(void **state)
{
	struct fixture *fixture = *state;
	struct buffer hello;

	client_hello_make(&hello, 20);
	send_message(fixture, CLIENT, &hello, 1);
	server_hello_make(&hello, DTLS_10, 0xc013);
	send_message(fixture, SERVER, &hello, 1);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	row_take(fixture);
	assert_int_equal(fixture->row.version, DTLS_10);
}

static void test_alert(void **state)
{
	struct fixture *fixture = *state;
	struct buffer message, datagram = {0};

	client_hello_make(&message, 0);
	send_message(fixture, CLIENT, &message, 0);
	put_dtls(fixture, &datagram, SERVER, RECORD_KIND_ALERT, 0, "\x02\x28", 2);
	send_datagram(fixture, SERVER, &datagram);
	row_take(fixture);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_FAILED);
	assert_int_equal(fixture->row.failure.kind, FAILURE_ALERT);
	assert_int_equal(fixture->row.failure.alert, 40);
	assert_int_equal(fixture->row.failure.by, END_SERVER);
}

static void send_unified(struct fixture *fixture, bool from_client, uint8_t epoch, size_t length)
{
	struct buffer datagram = {0};

	put_unified(&datagram, epoch, length);
	send_datagram(fixture, from_client, &datagram);
}

/* The client's Finished by its length: 12 + 32 or 48, inner type and tag. */
static void test_13_finished(void **state)
{
	struct fixture *fixture = *state;

	hellos_exchange(fixture, DTLS_13, 0x1302);
	send_unified(fixture, SERVER, 2, 900);
	send_unified(fixture, CLIENT, 2, 61);
	tracker_tick(fixture->tracker, fixture->connection.time_ns + 100 * MS);
	assert_int_equal(fixture->rows, 0);
	send_unified(fixture, CLIENT, 2, 77);
	row_take(fixture);
	assert_int_equal(fixture->row.version, DTLS_13);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(fixture->row.inferred_count, 2);
	assert_true(message_is(&fixture->row.messages[4], TLS_FINISHED));
}

/* The client's change of epoch is proof, whatever lengths its flight had. */
static void test_13_application(void **state)
{
	struct fixture *fixture = *state;

	hellos_exchange(fixture, DTLS_13, 0x1301);
	send_unified(fixture, SERVER, 2, 900);
	send_unified(fixture, SERVER, 3, 120); /* may be early data of the server */
	send_unified(fixture, CLIENT, 2, 800);
	send_unified(fixture, CLIENT, 3, 100);
	row_take(fixture);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(fixture->row.inferred_count, 0);
}

/* The server acknowledges a flight whose length says nothing. */
static void test_13_acknowledged(void **state)
{
	struct fixture *fixture = *state;

	hellos_exchange(fixture, DTLS_13, 0x1301);
	send_unified(fixture, SERVER, 2, 900);
	send_unified(fixture, CLIENT, 2, 800);
	send_unified(fixture, SERVER, 3, 35);
	row_take(fixture);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_COMPLETED);
	assert_int_equal(fixture->row.inferred_count, 1);
	assert_int_equal(fixture->row.inferred[0], INFERRED_OUTCOME);
}

static void test_13_alert(void **state)
{
	struct fixture *fixture = *state;

	hellos_exchange(fixture, DTLS_13, 0x1301);
	send_unified(fixture, SERVER, 2, 900);
	send_unified(fixture, CLIENT, 2, 19);
	row_take(fixture);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_FAILED);
	assert_int_equal(fixture->row.failure.by, END_CLIENT);
	assert_true(fixture->row.failure.encrypted);
}

/* RFC 9147 section 4: with and without length, sequence of 8 bits, connection id. */
static void test_unified_header(void **state)
{
	static const struct {
		uint8_t bytes[8];
		size_t length, size;
		uint16_t epoch;
	} headers[] = {
		{{0x2e, 0x12, 0x34, 0x00, 0x02}, 2, 7, 2},
		{{0x27, 0x12, 0x00, 0x02}, 2, 6, 3},
		{{0x22, 0x12}, 6, 8, 2},
		{{0x33, 0x12}, 7, 8, 3},
	};
	struct dtls_record record;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(headers); i++) {
		struct slice copy = exact_copy((struct slice){headers[i].bytes, 8});

		assert_true(dtls_record_read(copy, 8, &record));
		assert_true(record.is_13);
		assert_int_equal(record.length, headers[i].length);
		assert_int_equal(record.size, headers[i].size);
		assert_int_equal(record.epoch, headers[i].epoch);
		free((void *)copy.bytes);
	}
}

/* Records that are cut at every length, in the capture and on the wire. */
static void test_truncated(void **state)
{
	struct fixture *fixture = *state;
	struct buffer message, datagram = {0};
	struct dtls_record record;
	size_t length;

	client_hello_make(&message, 0);
	put_whole(fixture, &datagram, CLIENT, &message, 0);
	for (length = 0; length < datagram.length; length++) {
		struct slice copy = exact_copy((struct slice){datagram.bytes, length});
		struct buffer part = datagram;

		assert_int_equal(dtls_record_read(copy, datagram.length, &record),
				 length >= HEADER);
		assert_false(dtls_record_read(copy, length, &record));
		free((void *)copy.bytes);
		part.length = length;
		fixture->connection = connection_new(30000 + length);
		send_datagram(fixture, CLIENT, &part);
	}
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	assert_int_equal(fixture->rows, 0);
	assert_int_equal(tracker_refused(fixture->tracker) + tracker_unfinished(fixture->tracker),
			 0);
}

/* Every prefix of a ClientHello with a cookie: decoded as far as it goes, and never beyond. */
static void test_hello_prefixes(void **state)
{
	struct tls_client_hello hello;
	struct buffer message;
	size_t length;

	(void)state;
	client_hello_make(&message, 20);
	for (length = 0; length <= message.length - 4; length++) {
		struct slice copy = exact_copy((struct slice){message.bytes + 4, length});
		/* A hello may end where its extensions would begin. */
		bool whole = length == message.length - 4 || length == 2 + 32 + 1 + 21 + 6 + 2;

		assert_int_equal(tls_client_hello_dtls_read(copy, &hello), whole);
		free((void *)copy.bytes);
	}
	/* As TLS it is something else: the cookie is where the suites would be. */
	assert_false(tls_client_hello_read(message_body(message.bytes, message.length), &hello));
}

/* Fragments that contradict their message: dropped without harm. */
static void test_fragments_hostile(void **state)
{
	static const uint8_t bodies[][HANDSHAKE_HEADER + 1] = {
		{2, 0, 0, 4, 0, 0, 0, 0, 5, 0, 0, 0},		  /* offset after its end */
		{2, 0, 0, 4, 0, 0, 0, 0, 4, 0, 0, 1, 0xa5},	  /* runs over its end */
		{2, 0, 0, 4, 0xff, 0xff, 0, 0, 0, 0, 0, 1, 0xa5}, /* far ahead */
	};
	struct fixture *fixture = *state;
	struct buffer message, datagram;
	size_t i;

	client_hello_make(&message, 0);
	send_message(fixture, CLIENT, &message, 0);
	for (i = 0; i < ARRAY_SIZE(bodies); i++) {
		datagram.length = 0;
		put_dtls(fixture, &datagram, SERVER, RECORD_KIND_HANDSHAKE, 0, bodies[i],
			 sizeof(bodies[i]));
		send_datagram(fixture, SERVER, &datagram);
	}
	server_hello_make(&message, DTLS_12, 0xc02f);
	send_message(fixture, SERVER, &message, 0);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	row_take(fixture);
	assert_false(fixture->row.gap);
	assert_int_equal(fixture->row.message_count, 2);
}

/* A message longer than any handshake's: nothing more is read of its direction. */
static void test_message_huge(void **state)
{
	static const uint8_t body[HANDSHAKE_HEADER + 1] = {2, 0xff, 0xff, 0xff, 0, 0,	0,
							   0, 0,    0,	  0,	1, 0xa5};
	struct fixture *fixture = *state;
	struct buffer message, datagram = {0};

	client_hello_make(&message, 0);
	send_message(fixture, CLIENT, &message, 0);
	put_dtls(fixture, &datagram, SERVER, RECORD_KIND_HANDSHAKE, 0, body, sizeof(body));
	send_datagram(fixture, SERVER, &datagram);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	row_take(fixture);
	assert_true(fixture->row.gap);
	assert_int_equal(fixture->row.outcome, HANDSHAKE_INCOMPLETE);
}

/* RFC 9146: with a connection id everything is encrypted, and its length is unknown. */
static void test_connection_id(void **state)
{
	struct fixture *fixture = *state;
	struct buffer datagram = {0};

	hellos_exchange(fixture, DTLS_12, 0xc02f);
	put_dtls(fixture, &datagram, CLIENT, RECORD_KIND_TLS12_CID, 1, "\x01\x02\x03\x04", 4);
	send_datagram(fixture, CLIENT, &datagram);
	tracker_finish(fixture->tracker, fixture->connection.time_ns);
	row_take(fixture);
	assert_int_equal(fixture->row.message_count, 3);
	assert_int_equal(fixture->row.messages[2].record, RECORD_KIND_TLS12_CID);
	assert_true(fixture->row.messages[2].encrypted);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whole),
		TEST(test_fragments),
		TEST(test_retransmission),
		TEST(test_begins_late),
		TEST(test_alert),
		TEST(test_13_finished),
		TEST(test_13_application),
		TEST(test_13_acknowledged),
		TEST(test_13_alert),
		TEST(test_unified_header),
		TEST(test_truncated),
		TEST(test_hello_prefixes),
		TEST(test_fragments_hostile),
		TEST(test_message_huge),
		TEST(test_connection_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
