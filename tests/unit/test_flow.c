/* SPDX-License-Identifier: BSD-2-Clause */
#include "build.h"

#include <errno.h>
#include <stdlib.h>

#include "flow/flow.h"
#include "tls/hello.h"

#define MESSAGES_MAX 64

/* What came out: the messages, and a sum over the last body. */
struct fixture {
	struct flow_handler handler;
	struct flow_table *table;
	struct connection connection;
	struct flow *flow; /* of the last segment */
	struct flow_message messages[MESSAGES_MAX];
	size_t count, segments;
	struct buffer last; /* body of the last message */
};

static void on_message(void *context, struct flow *flow, const struct flow_message *message)
{
	struct fixture *fixture = context;

	(void)flow;
	assert_true(fixture->count < MESSAGES_MAX);
	fixture->messages[fixture->count] = *message;
	fixture->messages[fixture->count++].body.bytes = NULL;
	fixture->last.length = 0;
	if (message->body.length <= sizeof(fixture->last.bytes))
		put_bytes(&fixture->last, message->body.bytes, message->body.length);
}

static void on_segment(void *context, struct flow *flow, const struct tlstrace_packet_event *event)
{
	struct fixture *fixture = context;

	(void)event;
	fixture->flow = flow;
	fixture->segments++;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	fixture->handler = (struct flow_handler){on_message, on_segment, NULL, fixture};
	fixture->table = flow_table_new(4, &fixture->handler);
	fixture->connection = connection_new(40000);
	*state = fixture;
	return fixture->table ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	flow_table_free(fixture->table);
	free(fixture);
	return 0;
}

static int feed(struct fixture *fixture, const struct packet *packet)
{
	/* Exactly as long as it claims, for the sanitizer. */
	struct slice data = exact_copy((struct slice){packet->data, packet->event.data_length});
	int error =
		flow_table_add(fixture->table, &(struct flow_segment){&packet->event, data.bytes});

	free((void *)data.bytes);
	return error;
}

/* A segment with [from, to) of what the side sends; 1 ms passes. */
static void send_part(struct fixture *fixture, bool from_client, const struct buffer *bytes,
		      size_t from, size_t to)
{
	struct packet packet;

	packet_make(&packet, &fixture->connection, from_client, from, bytes->bytes + from,
		    to - from);
	assert_int_equal(feed(fixture, &packet), 0);
	fixture->connection.time_ns += MS;
}

/* All of it in segments of this size; the side's position is after it then. */
static void send_sized(struct fixture *fixture, bool from_client, const struct buffer *bytes,
		       size_t size)
{
	size_t at;

	for (at = 0; at < bytes->length; at += size)
		send_part(fixture, from_client, bytes, at,
			  at + size < bytes->length ? at + size : bytes->length);
	fixture->connection.next[from_client] += bytes->length;
}

static void send_all(struct fixture *fixture, bool from_client, const struct buffer *bytes)
{
	send_sized(fixture, from_client, bytes, bytes->length);
}

static void assert_kinds(const struct fixture *fixture, const enum flow_message_kind *kinds,
			 size_t count)
{
	size_t i;

	assert_int_equal(fixture->count, count);
	for (i = 0; i < count; i++)
		assert_int_equal(fixture->messages[i].kind, kinds[i]);
}

#define ASSERT_KINDS(fixture, ...)                                                                 \
	assert_kinds(fixture, (enum flow_message_kind[]){__VA_ARGS__},                             \
		     ARRAY_SIZE(((enum flow_message_kind[]){__VA_ARGS__})))

/* The last message is RFC 8448's ClientHello, whole. */
static void assert_hello(const struct fixture *fixture)
{
	const struct flow_message *message;

	assert_true(fixture->count > 0);
	message = &fixture->messages[fixture->count - 1];
	assert_int_equal(message->kind, FLOW_HANDSHAKE);
	assert_true(message->from_client);
	assert_int_equal(message->type, TLS_CLIENT_HELLO);
	assert_int_equal(message->record_type, RECORD_HANDSHAKE);
	assert_int_equal(message->size, sizeof(rfc8448_client_hello));
	assert_int_equal(fixture->last.length, sizeof(rfc8448_client_hello) - 4);
	assert_memory_equal(fixture->last.bytes, rfc8448_client_hello + 4, fixture->last.length);
}

static void put_hello_record(struct buffer *buffer)
{
	put_record(buffer, RECORD_HANDSHAKE, rfc8448_client_hello, sizeof(rfc8448_client_hello));
}

/* The hello in records of this many bytes each. */
static void put_hello_records(struct buffer *buffer, size_t size)
{
	size_t at, left = sizeof(rfc8448_client_hello);

	for (at = 0; left; at += size, left -= size) {
		if (size > left)
			size = left;
		put_record(buffer, RECORD_HANDSHAKE, rfc8448_client_hello + at, size);
	}
}

static void send_hello(struct fixture *fixture)
{
	struct buffer buffer = {0};

	put_hello_record(&buffer);
	send_all(fixture, true, &buffer);
}

static void test_one_segment(void **state)
{
	struct fixture *fixture = *state;

	send_hello(fixture);
	assert_int_equal(fixture->count, 1);
	assert_hello(fixture);
	assert_int_equal(fixture->messages[0].records, 1);
	assert_int_equal(fixture->messages[0].segments, 1);
	assert_int_equal(fixture->messages[0].time_ns, 1000 * MS);
	assert_int_equal(fixture->segments, 1);
	assert_true(fixture->flow->client_is_local);
	assert_false(fixture->flow->gap);
}

static void test_all_segment_sizes(void **state)
{
	size_t size;

	for (size = 1; size < 5 + sizeof(rfc8448_client_hello); size++) {
		struct fixture *fixture;
		struct buffer buffer = {0};

		teardown(state);
		assert_int_equal(setup(state), 0);
		fixture = *state;
		put_hello_record(&buffer);
		send_sized(fixture, true, &buffer, size);
		assert_int_equal(fixture->count, 1);
		assert_hello(fixture);
		assert_int_equal(fixture->messages[0].segments, (buffer.length + size - 1) / size);
		assert_int_equal(fixture->messages[0].time_ns, 1000 * MS);
	}
}

static void test_hello_over_records(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	put_hello_records(&buffer, 50);
	send_all(fixture, true, &buffer);
	assert_int_equal(fixture->count, 1);
	assert_hello(fixture);
	assert_int_equal(fixture->messages[0].records, 4);
}

/* A byte per record, a byte per segment: as bad as it gets. */
static void test_hello_in_crumbs(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	put_hello_records(&buffer, 1);
	send_sized(fixture, true, &buffer, 1);
	assert_int_equal(fixture->count, 1);
	assert_hello(fixture);
	assert_int_equal(fixture->messages[0].records, sizeof(rfc8448_client_hello));
	assert_int_equal(fixture->messages[0].segments, buffer.length);
}

/* RFC 8446 section 5.1 forbids it; nobody may fall over it. */
static void test_empty_records(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	put_record(&buffer, RECORD_HANDSHAKE, NULL, 0);
	put_record(&buffer, RECORD_HANDSHAKE, NULL, 0);
	put_hello_record(&buffer);
	send_all(fixture, true, &buffer);
	assert_int_equal(fixture->count, 1);
	assert_hello(fixture);
}

static void test_messages_in_a_record(void **state)
{
	static const uint8_t types[] = {TLS_SERVER_HELLO, TLS_CERTIFICATE, TLS_SERVER_KEY_EXCHANGE,
					TLS_SERVER_HELLO_DONE};
	struct fixture *fixture = *state;
	struct buffer body = {0}, buffer = {0};
	size_t i;

	send_hello(fixture);
	for (i = 0; i < ARRAY_SIZE(types); i++)
		put_message(&body, types[i], "0123456789", i * 3);
	put_record(&buffer, RECORD_HANDSHAKE, body.bytes, body.length);
	send_all(fixture, false, &buffer);
	assert_int_equal(fixture->count, 1 + ARRAY_SIZE(types));
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		assert_int_equal(fixture->messages[1 + i].type, types[i]);
		assert_int_equal(fixture->messages[1 + i].size, 4 + i * 3);
		assert_int_equal(fixture->messages[1 + i].records, 1);
		assert_false(fixture->messages[1 + i].from_client);
	}
	assert_memory_equal(fixture->last.bytes, "012345678", 9);
}

/* A message begins in the record in which the one before it ends. */
static void test_message_straddles_records(void **state)
{
	struct fixture *fixture = *state;
	struct buffer body = {0}, buffer = {0};

	send_hello(fixture);
	put_message(&body, TLS_SERVER_HELLO, "abc", 3);
	put_message(&body, TLS_CERTIFICATE, "0123456789", 10);
	put_record(&buffer, RECORD_HANDSHAKE, body.bytes, 9);
	put_record(&buffer, RECORD_HANDSHAKE, body.bytes + 9, body.length - 9);
	send_sized(fixture, false, &buffer, 14);
	assert_int_equal(fixture->count, 3);
	assert_int_equal(fixture->messages[1].time_ns, 1001 * MS);
	assert_int_equal(fixture->messages[2].type, TLS_CERTIFICATE);
	assert_int_equal(fixture->messages[2].time_ns, 1001 * MS);
	assert_int_equal(fixture->messages[2].records, 2);
	assert_int_equal(fixture->messages[2].segments, 3);
	assert_memory_equal(fixture->last.bytes, "0123456789", 10);
}

static void test_out_of_order(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	put_hello_records(&buffer, 60);
	send_part(fixture, true, &buffer, 0, 10);
	send_part(fixture, true, &buffer, 150, buffer.length);
	send_part(fixture, true, &buffer, 80, 150);
	assert_int_equal(fixture->count, 0);
	send_part(fixture, true, &buffer, 10, 80);
	assert_int_equal(fixture->count, 1);
	assert_hello(fixture);
	assert_int_equal(fixture->messages[0].time_ns, 1000 * MS);
	assert_int_equal(fixture->messages[0].segments, 4);
}

/* A server's answer whose last segment arrives first: the base is what the client acknowledged. */
static void test_server_out_of_order(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	send_hello(fixture);
	put_record(&buffer, RECORD_HANDSHAKE, rfc8448_server_hello, sizeof(rfc8448_server_hello));
	send_part(fixture, false, &buffer, 40, buffer.length);
	assert_int_equal(fixture->count, 1);
	send_part(fixture, false, &buffer, 0, 40);
	assert_int_equal(fixture->count, 2);
	assert_int_equal(fixture->messages[1].type, TLS_SERVER_HELLO);
	assert_memory_equal(fixture->last.bytes, rfc8448_server_hello + 4, fixture->last.length);
}

static void test_retransmission(void **state)
{
	struct fixture *fixture = *state;
	struct connection connection = fixture->connection;
	struct packet packet;
	struct buffer buffer = {0};

	put_hello_record(&buffer);
	send_part(fixture, true, &buffer, 0, 100);
	packet_make(&packet, &connection, true, 0, buffer.bytes, 120);
	packet.event.flags = TLSTRACE_PACKET_RETRANSMIT;
	assert_int_equal(feed(fixture, &packet), 0);
	send_part(fixture, true, &buffer, 100, buffer.length);
	assert_int_equal(feed(fixture, &packet), 0);
	assert_int_equal(fixture->count, 1);
	assert_hello(fixture);
	assert_int_equal(fixture->messages[0].segments, 2);
	assert_int_equal(fixture->segments, 4);
}

/* Both sides' sequence numbers pass 2^32 within a message. */
static void test_sequence_wrap(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	fixture->connection.next[0] = UINT32_MAX - 20;
	fixture->connection.next[1] = UINT32_MAX - 70;
	put_hello_record(&buffer);
	send_part(fixture, true, &buffer, 0, 30);
	send_part(fixture, true, &buffer, 100, buffer.length);
	send_part(fixture, true, &buffer, 30, 100);
	assert_hello(fixture);
	fixture->connection.next[1] += buffer.length;
	buffer.length = 0;
	put_record(&buffer, RECORD_HANDSHAKE, rfc8448_server_hello, sizeof(rfc8448_server_hello));
	send_sized(fixture, false, &buffer, 7);
	assert_int_equal(fixture->count, 2);
	assert_int_equal(fixture->messages[1].type, TLS_SERVER_HELLO);
	assert_false(fixture->flow->gap);
}

static void test_not_tls(void **state)
{
	static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	send_hello(fixture);
	put_bytes(&buffer, answer, sizeof(answer) - 1);
	send_sized(fixture, false, &buffer, 10);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_NOT_TLS);
	assert_false(fixture->messages[1].from_client);
	assert_int_equal(fixture->messages[1].time_ns, 1001 * MS);
}

/* Content type, version and length must be a record's. */
static void test_record_headers(void **state)
{
	static const struct {
		uint8_t header[5];
		bool valid;
	} cases[] = {
		{{19, 3, 3, 0, 1}, false},    {{25, 3, 3, 0, 1}, false},
		{{23, 2, 0, 0, 1}, false},    {{23, 3, 5, 0, 1}, false},
		{{23, 3, 3, 0x48, 1}, false}, {{23, 3, 3, 0x48, 0}, true},
		{{24, 3, 0, 0, 1}, true},     {{23, 3, 4, 0, 0}, true},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture *fixture;
		struct buffer buffer = {0};

		teardown(state);
		assert_int_equal(setup(state), 0);
		fixture = *state;
		send_hello(fixture);
		put_bytes(&buffer, cases[i].header, 5);
		send_all(fixture, false, &buffer);
		ASSERT_KINDS(fixture, FLOW_HANDSHAKE,
			     cases[i].valid ? FLOW_ENCRYPTED : FLOW_NOT_TLS);
	}
}

static void test_change_cipher_spec(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	send_hello(fixture);
	put_record(&buffer, RECORD_HANDSHAKE, "\x10\x00\x00\x01x", 5);
	put_record(&buffer, RECORD_CCS, "\x01", 1);
	put_sealed(&buffer, RECORD_HANDSHAKE, 40);
	put_sealed(&buffer, RECORD_ALERT, 26);
	put_sealed(&buffer, RECORD_DATA, 100);
	send_sized(fixture, true, &buffer, 33);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_HANDSHAKE, FLOW_CHANGE_CIPHER_SPEC,
		     FLOW_ENCRYPTED, FLOW_ENCRYPTED, FLOW_ENCRYPTED);
	assert_int_equal(fixture->messages[3].record_type, RECORD_HANDSHAKE);
	assert_int_equal(fixture->messages[3].size, 40);
	assert_int_equal(fixture->messages[4].record_type, RECORD_ALERT);
	assert_int_equal(fixture->messages[5].size, 100);
}

/* In compatibility mode (RFC 8446 appendix D.4) the second hellos come after ChangeCipherSpec. */
static void test_hellos_behind_ccs(void **state)
{
	struct fixture *fixture = *state;
	struct buffer client = {0}, server = {0};

	send_hello(fixture);
	put_record(&server, RECORD_HANDSHAKE, rfc8448_retry, sizeof(rfc8448_retry));
	put_record(&server, RECORD_CCS, "\x01", 1);
	send_all(fixture, false, &server);
	put_record(&client, RECORD_CCS, "\x01", 1);
	put_hello_records(&client, 150);
	send_all(fixture, true, &client);
	assert_hello(fixture);
	server.length = 0;
	put_record(&server, RECORD_HANDSHAKE, rfc8448_server_hello, sizeof(rfc8448_server_hello));
	put_sealed(&server, RECORD_DATA, 53);
	send_all(fixture, false, &server);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_HANDSHAKE, FLOW_CHANGE_CIPHER_SPEC,
		     FLOW_CHANGE_CIPHER_SPEC, FLOW_HANDSHAKE, FLOW_HANDSHAKE, FLOW_ENCRYPTED);
	assert_int_equal(fixture->messages[5].type, TLS_SERVER_HELLO);
}

static void test_alert(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};

	send_hello(fixture);
	put_alert(&buffer, 2, 40);
	send_sized(fixture, false, &buffer, 1);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_ALERT);
	assert_memory_equal(fixture->last.bytes, "\x02\x28", 2);
}

/* A segment that a capture has only in part. */
static void send_truncated(struct fixture *fixture, bool from_client, const struct buffer *bytes,
			   size_t captured)
{
	struct packet packet;

	packet_make(&packet, &fixture->connection, from_client, 0, bytes->bytes, bytes->length);
	packet.event.flags |= TLSTRACE_PACKET_TRUNCATED;
	packet.event.data_length = packet.event.slices[0].length = captured;
	packet.event.slice_count = captured > 0;
	feed(fixture, &packet);
	fixture->connection.next[from_client] += bytes->length;
}

/* At every byte: the message is handed on as truncated once its length is known, and what follows
 * its record is read. */
static void test_truncated_record(void **state)
{
	struct fixture *fixture = *state;
	struct buffer server = {0}, next = {0};
	size_t captured;

	put_record(&server, RECORD_HANDSHAKE, rfc8448_server_hello, sizeof(rfc8448_server_hello));
	put_sealed(&next, RECORD_DATA, 53);
	for (captured = 9; captured < server.length; captured++) {
		fixture->connection = connection_new(1000 + captured);
		fixture->count = 0;
		send_hello(fixture);
		send_truncated(fixture, false, &server, captured);
		send_all(fixture, false, &next);
		ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_HANDSHAKE, FLOW_ENCRYPTED);
		assert_true(fixture->messages[1].truncated);
		assert_int_equal(fixture->messages[1].type, 2);
		assert_int_equal(fixture->messages[1].size, sizeof(rfc8448_server_hello));
		assert_int_equal(fixture->messages[1].body.length, captured - 9);
		assert_false(fixture->flow->gap);
		flow_table_remove(fixture->table, fixture->flow);
	}
}

/* More messages follow in the record that is cut: where they end is unknown, and nothing is
 * guessed. */
static void test_truncated_messages(void **state)
{
	struct fixture *fixture = *state;
	struct buffer body = {0}, server = {0}, next = {0};

	put_bytes(&body, rfc8448_server_hello, sizeof(rfc8448_server_hello));
	put_message(&body, 11, "certificates", 12);
	put_record(&server, RECORD_HANDSHAKE, body.bytes, body.length);
	put_message(&next, 14, NULL, 0);
	send_hello(fixture);
	send_truncated(fixture, false, &server, 40);
	send_all(fixture, false, &next);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_HANDSHAKE);
	assert_true(fixture->messages[1].truncated);
	assert_true(fixture->flow->gap);
}

/* The kernel copies headers only of what is encrypted. */
static void test_elided_bodies(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;
	struct buffer buffer = {0};

	send_hello(fixture);
	put_record(&buffer, RECORD_HANDSHAKE, rfc8448_server_hello, sizeof(rfc8448_server_hello));
	put_sealed(&buffer, RECORD_DATA, 1000);
	put_sealed(&buffer, RECORD_HANDSHAKE, 40);
	put_sealed(&buffer, RECORD_DATA, 53);
	packet_make(&packet, &fixture->connection, false, 0, buffer.bytes, buffer.length);
	packet_elide(&packet, 100, 1100);
	packet_elide(&packet, 1105, 1145);
	packet_elide(&packet, 1150, 1203);
	assert_int_equal(packet.event.slice_count, 3);
	assert_int_equal(packet.event.data_length, buffer.length - 1000 - 40 - 53);
	assert_int_equal(feed(fixture, &packet), 0);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_HANDSHAKE, FLOW_ENCRYPTED, FLOW_ENCRYPTED,
		     FLOW_ENCRYPTED);
	assert_int_equal(fixture->messages[2].size, 1000);
	assert_int_equal(fixture->messages[3].record_type, RECORD_HANDSHAKE);
	assert_int_equal(fixture->messages[4].size, 53);
	assert_false(fixture->flow->gap);
}

/* A body of application data need not be there for its record to count, the next header must. */
static void test_elided_over_segments(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;
	struct buffer buffer = {0};

	send_hello(fixture);
	put_sealed(&buffer, RECORD_DATA, 2000);
	put_sealed(&buffer, RECORD_DATA, 69);
	packet_make(&packet, &fixture->connection, false, 0, buffer.bytes, 1400);
	packet_elide(&packet, 5, 1400);
	assert_int_equal(feed(fixture, &packet), 0);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_ENCRYPTED);
	packet_make(&packet, &fixture->connection, false, 1400, buffer.bytes + 1400,
		    buffer.length - 1400);
	packet_elide(&packet, 0, 605);
	assert_int_equal(feed(fixture, &packet), 0);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_ENCRYPTED, FLOW_ENCRYPTED);
	assert_int_equal(fixture->messages[2].size, 69);
}

/* A header was not copied: the rest of the direction is unknown. */
static void test_elided_header(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;
	struct buffer buffer = {0};

	send_hello(fixture);
	put_sealed(&buffer, RECORD_DATA, 100);
	packet_make(&packet, &fixture->connection, false, 0, buffer.bytes, buffer.length);
	packet_elide(&packet, 2, 50);
	assert_int_equal(feed(fixture, &packet), 0);
	assert_int_equal(fixture->count, 1);
	assert_true(fixture->flow->gap);
}

static void test_lost_before(void **state)
{
	static const uint8_t flags[] = {TLSTRACE_PACKET_LOST_BEFORE, TLSTRACE_PACKET_CUT};
	struct fixture *fixture = *state;
	struct packet packet;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		fixture->connection = connection_new(40001 + i);
		send_hello(fixture);
		assert_false(fixture->flow->gap);
		packet_make(&packet, &fixture->connection, false, 0, NULL, 0);
		packet.event.flags = flags[i];
		assert_int_equal(feed(fixture, &packet), 0);
		assert_true(fixture->flow->gap);
	}
}

static void test_hello_v2(void **state)
{
	static const uint8_t challenge[16] = {1, 2, 3};
	struct fixture *fixture = *state;
	struct buffer buffer = {0};
	size_t hello;

	put_hello_v2(&buffer, challenge, sizeof(challenge));
	hello = buffer.length;
	put_alert(&buffer, 2, 70);
	send_sized(fixture, true, &buffer, 1);
	ASSERT_KINDS(fixture, FLOW_HELLO_V2, FLOW_ALERT);
	assert_true(fixture->messages[0].from_client);
	assert_int_equal(fixture->messages[0].size, hello - 2);
	assert_int_equal(fixture->messages[0].body.length, hello - 3);
	assert_int_equal(fixture->messages[0].segments, hello);
}

/* The hello is not at the beginning of its segment (STARTTLS). */
static void test_start_offset(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;
	struct buffer buffer = {0};

	put_bytes(&buffer, "STARTTLS\r\n", 10);
	put_hello_record(&buffer);
	packet_make(&packet, &fixture->connection, true, 0, buffer.bytes, buffer.length);
	packet_elide(&packet, 0, 10);
	assert_int_equal(feed(fixture, &packet), 0);
	assert_int_equal(fixture->count, 1);
	assert_hello(fixture);
	assert_int_equal(fixture->flow->start, packet.event.sequence + 10);
}

/* A hello in a SYN (TCP Fast Open) acknowledges nothing: the server's first bytes are the base. */
static void test_fast_open(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;
	struct buffer buffer = {0};

	put_hello_record(&buffer);
	packet_make(&packet, &fixture->connection, true, 0, buffer.bytes, buffer.length);
	packet.event.tcp_flags = 0x02;
	packet.event.acknowledgement = 0;
	assert_int_equal(feed(fixture, &packet), 0);
	assert_hello(fixture);
	buffer.length = 0;
	put_alert(&buffer, 2, 40);
	send_all(fixture, false, &buffer);
	ASSERT_KINDS(fixture, FLOW_HANDSHAKE, FLOW_ALERT);
}

/* A message without end is given up, not gathered. */
/* Of a message that is longer than what is kept the beginning is handed on. */
static void test_message_too_long(void **state)
{
	struct fixture *fixture = *state;
	struct buffer buffer = {0};
	size_t i;

	send_hello(fixture);
	put_record(&buffer, RECORD_HANDSHAKE, "\x0b\x05\0\0", 4);
	send_all(fixture, false, &buffer);
	buffer.length = 0;
	put_sealed(&buffer, RECORD_HANDSHAKE, 16384);
	for (i = 0; i < 0x50000 / 16384; i++)
		send_all(fixture, false, &buffer);
	assert_int_equal(fixture->count, 2);
	assert_true(fixture->messages[1].truncated);
	assert_int_equal(fixture->messages[1].size, 0x50004);
	assert_in_range(fixture->messages[1].body.length, FLOW_MESSAGE_MAX - 16384,
			FLOW_MESSAGE_MAX);
	assert_false(fixture->flow->gap);
	/* What follows is read. */
	buffer.length = 0;
	put_record(&buffer, RECORD_HANDSHAKE, "\x0e\0\0\0", 4);
	send_all(fixture, false, &buffer);
	assert_int_equal(fixture->count, 3);
	assert_int_equal(fixture->messages[2].type, TLS_SERVER_HELLO_DONE);
}

static void test_capacity(void **state)
{
	struct fixture *fixture = *state;
	struct connection refused;
	struct packet packet;
	struct buffer buffer = {0};
	int i;

	put_hello_record(&buffer);
	for (i = 0; i < 4; i++) {
		fixture->connection = connection_new(1000 + i);
		send_all(fixture, true, &buffer);
	}
	refused = connection_new(2000);
	packet_make(&packet, &refused, true, 0, buffer.bytes, buffer.length);
	assert_int_equal(feed(fixture, &packet), -ENOSPC);
	assert_int_equal(flow_table_refused(fixture->table), 1);
	assert_int_equal(fixture->count, 4);
	flow_table_remove(fixture->table, fixture->flow);
	assert_int_equal(feed(fixture, &packet), 0);
	assert_int_equal(fixture->count, 5);
}

/* The same addresses and ports again, with another id: another flow. */
/* Half-open hellos beyond the limit: the oldest give way. */
static void test_bytes_limited(void **state)
{
	struct fixture *fixture = *state;
	struct buffer part = {0};
	struct packet packet;
	uint16_t i;

	flow_table_limit(fixture->table, 40000);
	put_record(&part, RECORD_HANDSHAKE, "\x01\x00\x3f\xff\x03\x03", 6);
	part.bytes[3] = 0x40;
	put_fill(&part, 0, 15000);
	for (i = 0; i < 4; i++) {
		fixture->connection = connection_new(41000 + i);
		packet_make(&packet, &fixture->connection, true, 0, part.bytes, part.length);
		assert_int_equal(feed(fixture, &packet), 0);
	}
	assert_int_equal(flow_table_begun(fixture->table), 4);
	assert_int_equal(flow_table_refused(fixture->table), 2);
}

static void test_reused_key(void **state)
{
	struct fixture *fixture = *state;
	struct flow *first;

	send_hello(fixture);
	first = fixture->flow;
	fixture->connection.flow_id++;
	fixture->connection.begun = false;
	fixture->connection.next[1] += 5000000;
	send_hello(fixture);
	assert_ptr_not_equal(fixture->flow, first);
	assert_int_equal(fixture->count, 2);
	assert_hello(fixture);
}

/* Flows that nobody took end when they are silent; those with an owner do not. */
static void test_expire(void **state)
{
	struct fixture *fixture = *state;
	int i;

	for (i = 0; i < 3; i++) {
		fixture->connection = connection_new(1000 + i);
		fixture->connection.time_ns = (1000 + i) * MS;
		send_hello(fixture);
	}
	fixture->flow->owner = fixture;
	flow_table_expire(fixture->table, 1001 * MS);
	assert_int_equal(flow_table_unfinished(fixture->table), 1);
	flow_table_expire(fixture->table, UINT64_MAX);
	assert_int_equal(flow_table_unfinished(fixture->table), 2);
	assert_int_equal(flow_table_begun(fixture->table), 3);
}

/* A segment of a flow whose hello was never seen is nobody's. */
static void test_no_beginning(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;
	struct buffer buffer = {0};

	put_alert(&buffer, 2, 40);
	packet_make(&packet, &fixture->connection, false, 0, buffer.bytes, buffer.length);
	assert_int_equal(feed(fixture, &packet), -ENOSPC);
	packet_make(&packet, &fixture->connection, true, 0, NULL, 0);
	assert_int_equal(feed(fixture, &packet), -ENOSPC);
	packet_make(&packet, &fixture->connection, true, 0, buffer.bytes, buffer.length);
	packet.event.flags = 0;
	assert_int_equal(feed(fixture, &packet), -ENOSPC);
	assert_int_equal(fixture->segments, 0);
	assert_int_equal(flow_table_begun(fixture->table), 0);
	assert_int_equal(flow_table_refused(fixture->table), 0);
}

/* Slices that lie outside the segment or claim more data than there is are refused. */
static void test_invalid_slices(void **state)
{
	struct fixture *fixture = *state;
	struct packet packet;
	struct buffer buffer = {0};

	put_hello_record(&buffer);
	packet_make(&packet, &fixture->connection, true, 0, buffer.bytes, buffer.length);
	packet.event.slices[0].offset = UINT32_MAX;
	assert_int_equal(feed(fixture, &packet), -EINVAL);
	packet.event.slices[0].offset = 1;
	assert_int_equal(feed(fixture, &packet), -EINVAL);
	packet.event.slices[0].offset = 0;
	packet.event.data_length--;
	assert_int_equal(feed(fixture, &packet), -EINVAL);
	packet.event.slice_count = TLSTRACE_SLICES_MAX + 1;
	assert_int_equal(feed(fixture, &packet), -EINVAL);
	assert_int_equal(fixture->count, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_segment),
		TEST(test_all_segment_sizes),
		TEST(test_hello_over_records),
		TEST(test_hello_in_crumbs),
		TEST(test_empty_records),
		TEST(test_messages_in_a_record),
		TEST(test_message_straddles_records),
		TEST(test_out_of_order),
		TEST(test_server_out_of_order),
		TEST(test_retransmission),
		TEST(test_sequence_wrap),
		TEST(test_not_tls),
		TEST(test_record_headers),
		TEST(test_change_cipher_spec),
		TEST(test_hellos_behind_ccs),
		TEST(test_alert),
		TEST(test_truncated_record),
		TEST(test_truncated_messages),
		TEST(test_elided_bodies),
		TEST(test_elided_over_segments),
		TEST(test_elided_header),
		TEST(test_lost_before),
		TEST(test_hello_v2),
		TEST(test_start_offset),
		TEST(test_fast_open),
		TEST(test_message_too_long),
		TEST(test_capacity),
		TEST(test_bytes_limited),
		TEST(test_reused_key),
		TEST(test_expire),
		TEST(test_no_beginning),
		TEST(test_invalid_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
