/* SPDX-License-Identifier: BSD-2-Clause */
#include "tracker_fixture.h"

#include <stdlib.h>

const struct hello_options client_12 = {.random = 1};
const struct hello_options server_12 = {.random = 2, .cipher = 0xc02f};
const struct hello_options client_13 = {.random = 1, .is_13 = true};
const struct hello_options server_13 = {.random = 2, .is_13 = true, .cipher = 0x1301};
const struct hello_options server_13_sha384 = {
	.random = 2,
	.is_13 = true,
	.cipher = 0x1302,
};

static void on_done(void *context, struct handshake *handshake)
{
	struct fixture *fixture = context;

	assert_true(fixture->count < ROWS_MAX);
	fixture->rows[fixture->count++] = *handshake;
	handshake->latency.phases = NULL;
	handshake->messages = NULL;
	handshake->message_count = 0;
	handshake->path = NULL;
	handshake->path_count = 0;
}

static void on_forget(void *context, const struct tlstrace_flow_key *key, uint64_t flow_id,
		      bool may_renegotiate)
{
	struct fixture *fixture = context;

	(void)key;
	(void)flow_id;
	fixture->forgotten++;
	fixture->may_renegotiate += may_renegotiate;
}

static void on_process_seen(void *context, struct process *process)
{
	struct fixture *fixture = context;

	assert_true(process->pid > 0);
	fixture->processes++;
}

int tracker_setup(void **state)
{
	const struct tracker_settings settings = {.timeout_ns = TIMEOUT, .capacity = 4};
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	fixture->handler = (struct tracker_handler){.done = on_done,
						    .context = fixture,
						    .forget = on_forget,
						    .events = fixture,
						    .process_seen = on_process_seen,
						    .source = fixture};
	fixture->tracker = tracker_new(&settings, &fixture->handler);
	fixture->connection = connection_new(40000);
	*state = fixture;
	return fixture->tracker ? 0 : -1;
}

void rows_drop(struct fixture *fixture)
{
	while (fixture->count) {
		struct handshake *row = &fixture->rows[--fixture->count];

		free(row->latency.phases);
		free(row->messages);
		free(row->path);
	}
}

int tracker_teardown(void **state)
{
	struct fixture *fixture = *state;

	tracker_free(fixture->tracker);
	rows_drop(fixture);
	free(fixture);
	return 0;
}

void feed(struct fixture *fixture, const struct packet *packet)
{
	tracker_packet(fixture->tracker, &packet->event, packet->data);
}

void say_on(struct fixture *fixture, struct connection *connection, bool from_client,
	    const struct buffer *bytes)
{
	struct packet packet;

	packet_make(&packet, connection, from_client, 0, bytes->bytes, bytes->length);
	feed(fixture, &packet);
	connection->next[from_client] += bytes->length;
	connection->time_ns += MS;
}

void say(struct fixture *fixture, bool from_client, const struct buffer *bytes)
{
	say_on(fixture, &fixture->connection, from_client, bytes);
}

void signal_on(struct fixture *fixture, struct connection *connection, bool from_client,
	       uint8_t tcp_flags, uint8_t flags)
{
	struct packet packet;

	packet_make(&packet, connection, from_client, 0, NULL, 0);
	packet.event.tcp_flags |= tcp_flags;
	packet.event.flags = flags;
	feed(fixture, &packet);
	connection->time_ns += MS;
}

void put_hello_record(struct buffer *buffer, bool from_client, const struct hello_options *options)
{
	struct buffer message = {0};

	if (from_client)
		put_client_hello(&message, options);
	else
		put_server_hello(&message, options);
	put_record(buffer, RECORD_HANDSHAKE, message.bytes, message.length);
}

void hello_on(struct fixture *fixture, struct connection *connection, bool from_client,
	      const struct hello_options *options)
{
	struct buffer buffer = {0};

	put_hello_record(&buffer, from_client, options);
	say_on(fixture, connection, from_client, &buffer);
}

void say_hello(struct fixture *fixture, bool from_client, const struct hello_options *options)
{
	hello_on(fixture, &fixture->connection, from_client, options);
}

void sealed_on(struct fixture *fixture, struct connection *connection, bool from_client,
	       uint8_t type, size_t length)
{
	struct buffer buffer = {0};

	put_sealed(&buffer, type, length);
	say_on(fixture, connection, from_client, &buffer);
}

void say_sealed(struct fixture *fixture, bool from_client, uint8_t type, size_t length)
{
	sealed_on(fixture, &fixture->connection, from_client, type, length);
}

void say_alert(struct fixture *fixture, bool from_client, uint8_t level, uint8_t alert)
{
	struct buffer buffer = {0};

	put_alert(&buffer, level, alert);
	say(fixture, from_client, &buffer);
}

void say_finished_12(struct fixture *fixture, bool from_client)
{
	struct buffer buffer = {0};

	put_record(&buffer, RECORD_CCS, "\x01", 1);
	put_sealed(&buffer, RECORD_HANDSHAKE, 40);
	say(fixture, from_client, &buffer);
}

void finish_13_on(struct fixture *fixture, struct connection *connection,
		  const struct hello_options *server)
{
	hello_on(fixture, connection, SERVER, server);
	sealed_on(fixture, connection, SERVER, RECORD_DATA, 800);
	sealed_on(fixture, connection, CLIENT, RECORD_DATA,
		  server->cipher == 0x1302 ? SHA384_FINISHED : SHA256_FINISHED);
}

struct handshake *only_row(struct fixture *fixture)
{
	assert_int_equal(fixture->count, 0);
	tracker_tick(fixture->tracker, fixture->connection.time_ns + SETTLED);
	assert_int_equal(fixture->count, 1);
	return &fixture->rows[0];
}

void assert_failure(const struct handshake *row, enum failure_kind kind, enum handshake_end by,
		    int alert)
{
	assert_int_equal(row->outcome, HANDSHAKE_FAILED);
	assert_int_equal(row->failure.kind, kind);
	assert_int_equal(row->failure.by, by);
	assert_int_equal(row->failure.alert, alert);
}

bool is_inferred(const struct handshake *row, enum inferred_field field)
{
	size_t i;

	for (i = 0; i < row->inferred_count; i++)
		if (row->inferred[i] == field)
			return true;
	return false;
}

struct tlstrace_socket_event socket_event(uint64_t id, uint32_t kind, uint64_t time_ns)
{
	return (struct tlstrace_socket_event){
		.header = {TLSTRACE_EVENT_SOCKET, sizeof(struct tlstrace_socket_event), time_ns},
		.kind = kind,
		.socket = {.id = id, .netns = 7, .role = TLSTRACE_ROLE_SERVER},
	};
}

struct tlstrace_task task(uint32_t pid, const char *comm)
{
	struct tlstrace_task task = {.pid = pid, .tid = pid, .start_ns = pid};

	memcpy(task.comm, comm, strnlen(comm, sizeof(task.comm)));
	return task;
}

void complete_12_on(struct fixture *fixture, struct connection *connection)
{
	struct buffer finished = {0};

	hello_on(fixture, connection, CLIENT, &client_12);
	hello_on(fixture, connection, SERVER, &server_12);
	put_record(&finished, RECORD_CCS, "\x01", 1);
	put_sealed(&finished, RECORD_HANDSHAKE, 40);
	say_on(fixture, connection, CLIENT, &finished);
	say_on(fixture, connection, SERVER, &finished);
}
