/* SPDX-License-Identifier: BSD-2-Clause */
/* Handshakes that wait, lose packets, fail, or were not seen as a whole. */
#include "latency_fixture.h"

static const struct script hello_alone = {.flights = {{500, 0, END_CLIENT, true}}};

static const struct script hello_read = {
	.flights = {{500, 0, END_CLIENT, true}},
	.reads_us = {[END_SERVER] = {570}},
};

static const struct script refused = {
	.flights = {{500, 0, END_CLIENT, true}, {1570, 0, END_SERVER, false}},
	.reads_us = {[END_CLIENT] = {1640}},
};

static const struct script accept_late = {
	.flights = {{500, 0, END_CLIENT, true},
		    {9520, 0, END_SERVER, false},
		    {9700, 0, END_CLIENT, false}},
	.reads_us = {[END_SERVER] = {9020}},
};

static const struct script hello_lost = {
	.flights = {{500, 0, END_CLIENT, true, 900},
		    {1970, 0, END_SERVER, false},
		    {2400, 0, END_CLIENT, false}},
	.reads_us = {[END_SERVER] = {970}, [END_CLIENT] = {2030}},
};

static void accept_late_set(struct scene *scene)
{
	scene->handshake->ends[END_SERVER].accept_ns = ns_of(9000);
}

static void accept_unknown(struct scene *scene)
{
	scene->handshake->ends[END_SERVER].accept_ns = 0;
}

static void accepted_before(struct scene *scene)
{
	accept_unknown(scene);
	scene->handshake->ends[END_SERVER].accepted_before = true;
}

static void accepted_later(struct scene *scene)
{
	accept_unknown(scene);
	scene->handshake->ends[END_SERVER].accepted_later = true;
}

static void accept_deferred(struct scene *scene)
{
	accept_unknown(scene);
	scene->handshake->ends[END_SERVER].established_ns =
		scene->at[END_SERVER].flights[0].first_ns + US;
}

static void rtt_too_long(struct scene *scene)
{
	scene->handshake->ends[END_CLIENT].min_rtt_us = 40000;
}

static void flight_not_seen(struct scene *scene)
{
	scene->handshake->ends[END_CLIENT].min_rtt_us = 0;
	scene->handshake->ends[END_SERVER].min_rtt_us = 0;
	scene->at[END_SERVER].flights[1] = (struct stretch){};
}

static void events_lost(struct scene *scene)
{
	scene->handshake->gap = true;
}

static void incomplete(struct scene *scene)
{
	scene->handshake->outcome = HANDSHAKE_INCOMPLETE;
	scene->handshake->last_ns = ns_of(2600);
}

static void resent_for_nothing(struct scene *scene)
{
	struct stretch *out = &scene->at[END_CLIENT].flights[0];

	out->resent_ns[out->resends++] = ns_of(1600);
}

static void hello_acknowledged(struct scene *scene)
{
	scene->at[END_CLIENT].flights[0].acked_ns = ns_of(610);
}

static void acknowledged_and_resent(struct scene *scene)
{
	struct stretch *out = &scene->at[END_CLIENT].flights[0];

	hello_acknowledged(scene);
	out->resent_ns[out->resends++] = ns_of(1000);
}

static void segments_resent(struct scene *scene)
{
	scene->at[END_CLIENT].wires[END_CLIENT].resent = 2;
	scene->at[END_SERVER].wires[END_CLIENT].resent = 1;
	scene->at[END_SERVER].wires[END_SERVER].resent = 1;
	scene->at[END_CLIENT].wires[END_SERVER].resent = 1;
	scene->handshake->ends[END_CLIENT].retransmitted = 1; /* its SYN */
}

static const struct latency_case cases[] =
	{
		{
			.name = "late accept",
			.script = &accept_late,
			.change = accept_late_set,
			.seen = AT_BOTH,
			.total_us = 9700,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_ACCEPT_QUEUE, END_SERVER, 8450, MEASURED},
					{PHASE_SERVER_WAKEUP, END_SERVER, 20, MEASURED},
					{PHASE_SERVER_CRYPTO, END_SERVER, 500, MEASURED},
					{PHASE_SERVER_FLIGHT, END_SERVER, 0, MEASURED},
					{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_CLIENT_CRYPTO, END_CLIENT, 130, ESTIMATED},
				},
		},
		/* Accept has no time, but came before the hello. */
		{
			.name = "accepted before",
			.script = &full_13,
			.change = accepted_before,
			.seen = AT_BOTH,
			.total_us = 2410,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_ACCEPT_QUEUE, END_SERVER, 0, MEASURED},
					{PHASE_SERVER_WAKEUP, END_SERVER, 20, MEASURED},
					{PHASE_SERVER_CRYPTO, END_SERVER, 1000, MEASURED},
					{PHASE_SERVER_FLIGHT, END_SERVER, 40, MEASURED},
					{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_CLIENT_WAKEUP, END_CLIENT, 30, MEASURED},
					{PHASE_CLIENT_CRYPTO, END_CLIENT, 720, MEASURED},
				},
		},
		/* It came after the hello: at the latest when the hello was read. */
		{
			.name = "accepted later",
			.script = &full_13,
			.change = accepted_later,
			.seen = AT_BOTH,
			.total_us = 2410,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_ACCEPT_QUEUE, END_SERVER, 20, ESTIMATED},
					{PHASE_SERVER_CRYPTO, END_SERVER, 1000, MEASURED},
					{PHASE_SERVER_FLIGHT, END_SERVER, 40, MEASURED},
					{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_CLIENT_WAKEUP, END_CLIENT, 30, MEASURED},
					{PHASE_CLIENT_CRYPTO, END_CLIENT, 720, MEASURED},
				},
		},
		/* TCP_DEFER_ACCEPT: the hello makes the connection. */
		{
			.name = "accept deferred",
			.script = &full_13,
			.change = accept_deferred,
			.seen = AT_BOTH,
			.total_us = 2410,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_ACCEPT_QUEUE, END_SERVER, 20, ESTIMATED},
					{PHASE_SERVER_CRYPTO, END_SERVER, 1000, MEASURED},
					{PHASE_SERVER_FLIGHT, END_SERVER, 40, MEASURED},
					{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_CLIENT_WAKEUP, END_CLIENT, 30, MEASURED},
					{PHASE_CLIENT_CRYPTO, END_CLIENT, 720, MEASURED},
				},
		},
		{
			.name = "accept unknown",
			.script = &full_13,
			.change = accept_unknown,
			.seen = AT_BOTH,
			.total_us = 2410,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_SERVER_WAKEUP, END_SERVER, 20, ESTIMATED},
					{PHASE_SERVER_CRYPTO, END_SERVER, 1000, MEASURED},
					{PHASE_SERVER_FLIGHT, END_SERVER, 40, MEASURED},
					{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_CLIENT_WAKEUP, END_CLIENT, 30, MEASURED},
					{PHASE_CLIENT_CRYPTO, END_CLIENT, 720, MEASURED},
				},
		},
		/* A round-trip time that is longer than the quickest answer took is too long. */
		{
			.name = "round-trip time too long",
			.script = &full_13,
			.change = rtt_too_long,
			.seen = AT_CLIENT,
			.total_us = 2410,
			.rtt_us = 40000,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 560, ESTIMATED},
					{PHASE_SERVER, END_SERVER, 0, ESTIMATED},
					{PHASE_SERVER_FLIGHT, END_SERVER, 40, ESTIMATED},
					{PHASE_REPLY_NETWORK, END_UNKNOWN, 560, ESTIMATED},
					{PHASE_CLIENT_WAKEUP, END_CLIENT, 30, MEASURED},
					{PHASE_CLIENT_CRYPTO, END_CLIENT, 720, MEASURED},
				},
		},
		/* The server read the hello, so its own work does not end. */
		{
			.name = "no answer",
			.script = &hello_read,
			.fault = FAILURE_TIMEOUT,
			.by = END_SERVER,
			.failed_us = 10000500,
			.seen = AT_BOTH,
			.total_us = 10000500,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_ACCEPT_QUEUE, END_SERVER, 0, MEASURED},
					{PHASE_SERVER_WAKEUP, END_SERVER, 20, MEASURED},
					{PHASE_SERVER_CRYPTO, END_SERVER, 9999930, MEASURED},
				},
		},
		{
			.name = "hello not read",
			.script = &hello_alone,
			.fault = FAILURE_TIMEOUT,
			.by = END_SERVER,
			.failed_us = 10000500,
			.seen = AT_SERVER,
			.start_us = 100,
			.total_us = 10000400,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, ESTIMATED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, ESTIMATED},
					{PHASE_ACCEPT_QUEUE, END_SERVER, 0, MEASURED},
					{PHASE_SERVER_WAKEUP, END_SERVER, 9999950, MEASURED},
				},
		},
		{
			.name = "client gives up",
			.script = &hello_alone,
			.fault = FAILURE_CLOSED,
			.by = END_CLIENT,
			.failed_us = 2000500,
			.seen = AT_CLIENT,
			.total_us = 2000500,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, ESTIMATED},
					{PHASE_SERVER, END_SERVER, 1999950, ESTIMATED},
				},
		},
		/* The server's alert, seen by the client. */
		{
			.name = "alert",
			.script = &refused,
			.fault = FAILURE_ALERT,
			.by = END_SERVER,
			.failed_us = 1620,
			.seen = AT_CLIENT,
			.total_us = 1620,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, ESTIMATED},
					{PHASE_SERVER, END_SERVER, 1020, ESTIMATED},
					{PHASE_SERVER_FLIGHT, END_SERVER, 0, ESTIMATED},
					{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, ESTIMATED},
				},
		},
		/* The server's flight was seen at the client only: the time before is unknown. */
		{
			.name = "flight not seen at its sender",
			.script = &full_13,
			.change = flight_not_seen,
			.seen = AT_BOTH,
			.total_us = 2410,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_ACCEPT_QUEUE, END_SERVER, 0, MEASURED},
					{PHASE_SERVER_WAKEUP, END_SERVER, 20, MEASURED},
					{PHASE_UNKNOWN, END_UNKNOWN, 1090, MEASURED},
					{PHASE_CLIENT_WAKEUP, END_CLIENT, 30, MEASURED},
					{PHASE_CLIENT_CRYPTO, END_CLIENT, 720, MEASURED},
				},
		},
		/* After lost events, the rest is an estimate at best. */
		{
			.name = "events lost",
			.script = &full_13,
			.change = events_lost,
			.seen = AT_CLIENT,
			.total_us = 2410,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, ESTIMATED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, ESTIMATED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, ESTIMATED},
					{PHASE_SERVER, END_SERVER, 1020, ESTIMATED},
					{PHASE_SERVER_FLIGHT, END_SERVER, 40, ESTIMATED},
					{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, ESTIMATED},
					{PHASE_CLIENT_WAKEUP, END_CLIENT, 30, ESTIMATED},
					{PHASE_CLIENT_CRYPTO, END_CLIENT, 720, ESTIMATED},
				},
		},
		/* Its phases are known, its duration is not. */
		{
			.name = "incomplete",
			.script = &full_13,
			.change = incomplete,
			.open = true,
			.seen = AT_BOTH,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_ACCEPT_QUEUE, END_SERVER, 0, MEASURED},
					{PHASE_SERVER_WAKEUP, END_SERVER, 20, MEASURED},
					{PHASE_SERVER_CRYPTO, END_SERVER, 1000, MEASURED},
					{PHASE_SERVER_FLIGHT, END_SERVER, 40, MEASURED},
					{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_CLIENT_WAKEUP, END_CLIENT, 30, MEASURED},
					{PHASE_CLIENT_CRYPTO, END_CLIENT, 720, MEASURED},
					{PHASE_UNKNOWN, END_UNKNOWN, 190, MEASURED},
				},
		},
		/* Until the hello was sent again, the network took the time, at every view. */
		{
			.name = "hello lost, both ends",
			.script = &hello_lost,
			.seen = AT_BOTH,
			.total_us = 2400,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 400, LOST | MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_ACCEPT_QUEUE, END_SERVER, 0, MEASURED},
					{PHASE_SERVER_WAKEUP, END_SERVER, 20, MEASURED},
					{PHASE_SERVER_CRYPTO, END_SERVER, 1000, MEASURED},
					{PHASE_SERVER_FLIGHT, END_SERVER, 0, MEASURED},
					{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_CLIENT_WAKEUP, END_CLIENT, 10, MEASURED},
					{PHASE_CLIENT_CRYPTO, END_CLIENT, 370, MEASURED},
				},
		},
		{
			.name = "hello lost, client",
			.script = &hello_lost,
			.sockets = AT_SERVER,
			.seen = AT_CLIENT,
			.total_us = 2400,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 400, LOST | MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, ESTIMATED},
					{PHASE_SERVER, END_SERVER, 1020, ESTIMATED},
					{PHASE_SERVER_FLIGHT, END_SERVER, 0, ESTIMATED},
					{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, ESTIMATED},
					{PHASE_CLIENT_WAKEUP, END_CLIENT, 10, MEASURED},
					{PHASE_CLIENT_CRYPTO, END_CLIENT, 370, MEASURED},
				},
		},
		/* The hello was late, not lost: the answer is to the first copy. */
		{
			.name = "hello sent again for nothing",
			.script = &full_13,
			.change = resent_for_nothing,
			.seen = AT_CLIENT,
			.total_us = 2410,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, ESTIMATED},
					{PHASE_SERVER, END_SERVER, 1020, ESTIMATED},
					{PHASE_SERVER_FLIGHT, END_SERVER, 40, ESTIMATED},
					{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, ESTIMATED},
					{PHASE_CLIENT_WAKEUP, END_CLIENT, 30, MEASURED},
					{PHASE_CLIENT_CRYPTO, END_CLIENT, 720, MEASURED},
				},
		},
		/* The server had the hello when it acknowledged it. */
		{
			.name = "hello acknowledged",
			.script = &full_13,
			.change = hello_acknowledged,
			.seen = AT_CLIENT,
			.total_us = 2410,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, ESTIMATED, 60},
					{PHASE_SERVER, END_SERVER, 1020, ESTIMATED, 1020},
					{PHASE_SERVER_FLIGHT, END_SERVER, 40, ESTIMATED},
					{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, ESTIMATED},
					{PHASE_CLIENT_WAKEUP, END_CLIENT, 30, MEASURED},
					{PHASE_CLIENT_CRYPTO, END_CLIENT, 720, MEASURED},
				},
		},
		/* A copy that was sent after the acknowledgement replaced nothing. */
		{
			.name = "hello acknowledged and sent again",
			.script = &full_13,
			.change = acknowledged_and_resent,
			.seen = AT_CLIENT,
			.total_us = 2410,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, ESTIMATED, 60},
					{PHASE_SERVER, END_SERVER, 1020, ESTIMATED, 1020},
					{PHASE_SERVER_FLIGHT, END_SERVER, 40, ESTIMATED},
					{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, ESTIMATED},
					{PHASE_CLIENT_WAKEUP, END_CLIENT, 30, MEASURED},
					{PHASE_CLIENT_CRYPTO, END_CLIENT, 720, MEASURED},
				},
		},
		/* A segment that crosses two places was sent again once. */
		{
			.name = "retransmissions",
			.script = &full_13,
			.change = segments_resent,
			.retransmissions = 4,
			.seen = AT_BOTH,
			.total_us = 2410,
			.rtt_us = 100,
			.phases =
				{
					{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
					{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
					{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_ACCEPT_QUEUE, END_SERVER, 0, MEASURED},
					{PHASE_SERVER_WAKEUP, END_SERVER, 20, MEASURED},
					{PHASE_SERVER_CRYPTO, END_SERVER, 1000, MEASURED},
					{PHASE_SERVER_FLIGHT, END_SERVER, 40, MEASURED},
					{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, MEASURED},
					{PHASE_CLIENT_WAKEUP, END_CLIENT, 30, MEASURED},
					{PHASE_CLIENT_CRYPTO, END_CLIENT, 720, MEASURED},
				},
		},
};

/* When the client's answer left, and when it was last written to. */
static const struct answer_case {
	uint64_t sent_us, written_us;
	bool held, in_parts;
} answers[] = {
	/* gnutls-cli writes ChangeCipherSpec and Finished one by one; the second waits for an ACK.
	 */
	{1990, 1995, true, false},  {2340, 1995, false, false}, /* it left at once */
	{1990, 2400, false, false}, /* java: an alert, after it has judged the certificate */
	{1990, 3000, false, true},  /* wget: its request */
	{1990, 0, false, true},
};

static void test_answer(void **state)
{
	struct scene *scene = *state;
	const struct latency *latency = &scene->handshake->latency;
	const struct phase *last;

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		const struct script script = {
			.flights = {{500, 0, END_CLIENT, true},
				    {1570, 40, END_SERVER, false},
				    {answers[i].sent_us, 2410 - answers[i].sent_us, END_CLIENT,
				     false}},
			.reads_us = {[END_CLIENT] = {1690}},
		};
		struct endpoint *client = &scene->handshake->ends[END_CLIENT];

		memset(&scene->flights, 0, sizeof(scene->flights));
		client->read_count = 0;
		scene_play(scene, &script);
		client->last_write_ns = answers[i].written_us ? ns_of(answers[i].written_us) : 0;
		scene->timeline.at[END_CLIENT] = &scene->at[END_CLIENT];
		latency_fill(scene->handshake, &scene->timeline);
		last = &latency->phases[latency->phase_count - 1];
		assert_int_equal(last->kind, PHASE_CLIENT_CRYPTO);
		assert_int_equal(last->held, answers[i].held);
		assert_int_equal(last->in_parts, answers[i].in_parts);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(cases) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		tests[i] = TEST_OF(&cases[i]);
	tests[ARRAY_SIZE(cases)] = (struct CMUnitTest)TEST(test_answer);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
