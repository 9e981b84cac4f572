/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole handshakes as each view sees them: both ends, one end, a router, a capture. */
#include "latency_fixture.h"

static const struct script retry = {
	.flights = {{500, 0, END_CLIENT, true},
		    {600, 0, END_SERVER, false},
		    {900, 0, END_CLIENT, true},
		    {1970, 40, END_SERVER, false},
		    {2500, 0, END_CLIENT, false}},
	.reads_us = {[END_SERVER] = {570, 970}, [END_CLIENT] = {680, 2070}},
};

static void client_without_rtt(struct scene *scene)
{
	scene->handshake->ends[END_CLIENT].min_rtt_us = 0;
}

static void server_without_rtt(struct scene *scene)
{
	scene->handshake->ends[END_SERVER].min_rtt_us = 0;
}

static void opening_captured(struct scene *scene)
{
	struct endpoint *client = &scene->handshake->ends[END_CLIENT];

	*client = (struct endpoint){.reads_ns = client->reads_ns};
	scene->opening = (struct flow_opening){
		.syn_ns = ns_of(25), .answer_ns = ns_of(75), .ack_ns = ns_of(125)};
	scene->timeline.opening = &scene->opening;
}

static void opening_half_captured(struct scene *scene)
{
	scene->opening = (struct flow_opening){.syn_ns = ns_of(25), .ack_ns = ns_of(125)};
	scene->timeline.opening = &scene->opening;
}

static void false_start(struct scene *scene)
{
	scene->flights.false_start = true;
}

static void not_fresh(struct scene *scene)
{
	scene->handshake->ends[END_CLIENT].fresh = false;
	scene->handshake->ends[END_SERVER].fresh = false;
}

static void fast_open(struct scene *scene)
{
	scene->handshake->ends[END_CLIENT].established_ns = ns_of(1620);
	scene->handshake->ends[END_SERVER].established_ns = ns_of(1700);
}

static const struct latency_case cases[] = {
	{
		.name = "TLS 1.3, both ends",
		.script = &full_13,
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
	/* The server's time may be the network's, which then took that much longer. */
	{
		.name = "TLS 1.3, client",
		.script = &full_13,
		.seen = AT_CLIENT,
		.total_us = 2410,
		.rtt_us = 100,
		.phases =
			{
				{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
				{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
				{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, ESTIMATED, 1110},
				{PHASE_SERVER, END_SERVER, 1020, ESTIMATED, 1020},
				{PHASE_SERVER_FLIGHT, END_SERVER, 40, ESTIMATED},
				{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, ESTIMATED},
				{PHASE_CLIENT_WAKEUP, END_CLIENT, 30, MEASURED},
				{PHASE_CLIENT_CRYPTO, END_CLIENT, 720, MEASURED},
			},
	},
	/* Without a round-trip time, only the time until the answer came is known. */
	{
		.name = "TLS 1.3, client without a round-trip time",
		.script = &full_13,
		.change = client_without_rtt,
		.seen = AT_CLIENT,
		.total_us = 2410,
		.phases =
			{
				{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
				{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
				{PHASE_UNKNOWN, END_UNKNOWN, 1120, MEASURED},
				{PHASE_SERVER_FLIGHT, END_SERVER, 40, ESTIMATED},
				{PHASE_CLIENT_WAKEUP, END_CLIENT, 30, MEASURED},
				{PHASE_CLIENT_CRYPTO, END_CLIENT, 720, MEASURED},
			},
	},
	/* All times are 50 us later at the server; the durations are the same. */
	{
		.name = "TLS 1.3, server",
		.script = &full_13,
		.seen = AT_SERVER,
		.start_us = 100,
		.total_us = 2310,
		.rtt_us = 100,
		.phases =
			{
				{PHASE_CLIENT_PREPARE, END_CLIENT, 400, ESTIMATED},
				{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, ESTIMATED},
				{PHASE_ACCEPT_QUEUE, END_SERVER, 0, MEASURED},
				{PHASE_SERVER_WAKEUP, END_SERVER, 20, MEASURED},
				{PHASE_SERVER_CRYPTO, END_SERVER, 1000, MEASURED},
				{PHASE_SERVER_FLIGHT, END_SERVER, 40, MEASURED},
				{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, ESTIMATED},
				{PHASE_CLIENT_CRYPTO, END_CLIENT, 750, ESTIMATED},
			},
	},
	{
		.name = "TLS 1.3, server without a round-trip time",
		.script = &full_13,
		.change = server_without_rtt,
		.seen = AT_SERVER,
		.start_us = 150,
		.total_us = 2310,
		.phases =
			{
				{PHASE_CLIENT_PREPARE, END_CLIENT, 400, ESTIMATED},
				{PHASE_ACCEPT_QUEUE, END_SERVER, 0, MEASURED},
				{PHASE_SERVER_WAKEUP, END_SERVER, 20, MEASURED},
				{PHASE_SERVER_CRYPTO, END_SERVER, 1000, MEASURED},
				{PHASE_SERVER_FLIGHT, END_SERVER, 40, MEASURED},
				{PHASE_UNKNOWN, END_UNKNOWN, 850, MEASURED},
			},
	},
	/* A router knows no socket and no round-trip time. */
	{
		.name = "TLS 1.3, router",
		.script = &full_13,
		.seen = BETWEEN,
		.start_us = 525,
		.total_us = 1910,
		.phases =
			{
				{PHASE_UNKNOWN, END_UNKNOWN, 1070, MEASURED},
				{PHASE_SERVER_FLIGHT, END_SERVER, 40, ESTIMATED},
				{PHASE_UNKNOWN, END_UNKNOWN, 800, MEASURED},
			},
	},
	/* What it knows of a socket is of no use to it, as long as no place is at that end. */
	{
		.name = "TLS 1.3, router with a socket",
		.script = &full_13,
		.sockets = AT_CLIENT,
		.change = client_without_rtt,
		.seen = BETWEEN,
		.start_us = 525,
		.total_us = 1910,
		.phases =
			{
				{PHASE_UNKNOWN, END_UNKNOWN, 1070, MEASURED},
				{PHASE_SERVER_FLIGHT, END_SERVER, 40, ESTIMATED},
				{PHASE_UNKNOWN, END_UNKNOWN, 800, MEASURED},
			},
	},
	/* A capture shows how long the ends' kernels took to answer each other. */
	{
		.name = "TLS 1.2, capture with its opening",
		.script = &full_12,
		.sockets = AT_CLIENT,
		.change = opening_captured,
		.version = TLS12,
		.seen = BETWEEN,
		.total_us = 3530,
		.rtt_us = 100,
		.phases =
			{
				{PHASE_TCP_CONNECT, END_CLIENT, 100, ESTIMATED},
				{PHASE_CLIENT_PREPARE, END_CLIENT, 400, ESTIMATED},
				{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, ESTIMATED},
				{PHASE_SERVER, END_SERVER, 1020, ESTIMATED},
				{PHASE_SERVER_FLIGHT, END_SERVER, 40, ESTIMATED},
				{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, ESTIMATED},
				{PHASE_CLIENT_CRYPTO, END_CLIENT, 750, ESTIMATED},
				{PHASE_FINISH_NETWORK, END_UNKNOWN, 50, ESTIMATED},
				{PHASE_SERVER_FINISH, END_SERVER, 1020, ESTIMATED},
				{PHASE_FINISH_NETWORK, END_UNKNOWN, 50, ESTIMATED},
			},
	},
	/* Without the server's SYN the capture shows when the connection was made, and no more. */
	{
		.name = "TLS 1.3, capture with half of its opening",
		.script = &full_13,
		.sockets = AT_BOTH,
		.change = opening_half_captured,
		.seen = BETWEEN,
		.start_us = 25,
		.total_us = 2410,
		.rtt_us = 100,
		.phases =
			{
				{PHASE_TCP_CONNECT, END_CLIENT, 100, ESTIMATED},
				{PHASE_CLIENT_PREPARE, END_CLIENT, 400, ESTIMATED},
				{PHASE_UNKNOWN, END_UNKNOWN, 1070, MEASURED},
				{PHASE_SERVER_FLIGHT, END_SERVER, 40, ESTIMATED},
				{PHASE_UNKNOWN, END_UNKNOWN, 800, MEASURED},
			},
	},
	{
		.name = "TLS 1.2, both ends",
		.script = &full_12,
		.version = TLS12,
		.seen = AT_BOTH,
		.total_us = 3560,
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
				{PHASE_FINISH_NETWORK, END_UNKNOWN, 50, MEASURED},
				{PHASE_SERVER_FINISH, END_SERVER, 1020, MEASURED},
				{PHASE_FINISH_NETWORK, END_UNKNOWN, 50, MEASURED},
				{PHASE_CLIENT_FINISH, END_CLIENT, 30, MEASURED},
			},
	},
	{
		.name = "TLS 1.2, client",
		.script = &full_12,
		.version = TLS12,
		.seen = AT_CLIENT,
		.total_us = 3560,
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
				{PHASE_FINISH_NETWORK, END_UNKNOWN, 50, ESTIMATED},
				{PHASE_SERVER_FINISH, END_SERVER, 1020, ESTIMATED},
				{PHASE_FINISH_NETWORK, END_UNKNOWN, 50, ESTIMATED},
				{PHASE_CLIENT_FINISH, END_CLIENT, 30, MEASURED},
			},
	},
	{
		.name = "TLS 1.2, server",
		.script = &full_12,
		.version = TLS12,
		.seen = AT_SERVER,
		.start_us = 100,
		.total_us = 3430,
		.rtt_us = 100,
		.phases =
			{
				{PHASE_CLIENT_PREPARE, END_CLIENT, 400, ESTIMATED},
				{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, ESTIMATED},
				{PHASE_ACCEPT_QUEUE, END_SERVER, 0, MEASURED},
				{PHASE_SERVER_WAKEUP, END_SERVER, 20, MEASURED},
				{PHASE_SERVER_CRYPTO, END_SERVER, 1000, MEASURED},
				{PHASE_SERVER_FLIGHT, END_SERVER, 40, MEASURED},
				{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, ESTIMATED},
				{PHASE_CLIENT_CRYPTO, END_CLIENT, 750, ESTIMATED},
				{PHASE_FINISH_NETWORK, END_UNKNOWN, 50, ESTIMATED},
				{PHASE_SERVER_FINISH, END_SERVER, 1020, MEASURED},
				{PHASE_FINISH_NETWORK, END_UNKNOWN, 50, ESTIMATED},
			},
	},
	/* RFC 7918: the client may send after its own Finished, and did. */
	{
		.name = "TLS 1.2, False Start",
		.script = &full_12,
		.change = false_start,
		.version = TLS12,
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
	/* A resumed session ends with the client's Finished. */
	{
		.name = "TLS 1.2, resumed",
		.script = &full_13,
		.version = TLS12,
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
	/* Two round trips, and the client prepares twice. */
	{
		.name = "HelloRetryRequest",
		.script = &retry,
		.seen = AT_BOTH,
		.total_us = 2500,
		.rtt_us = 100,
		.phases =
			{
				{PHASE_TCP_CONNECT, END_CLIENT, 100, MEASURED},
				{PHASE_CLIENT_PREPARE, END_CLIENT, 400, MEASURED},
				{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, MEASURED},
				{PHASE_ACCEPT_QUEUE, END_SERVER, 0, MEASURED},
				{PHASE_SERVER_WAKEUP, END_SERVER, 20, MEASURED},
				{PHASE_SERVER_CRYPTO, END_SERVER, 30, MEASURED},
				{PHASE_SERVER_FLIGHT, END_SERVER, 0, MEASURED},
				{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, MEASURED},
				{PHASE_CLIENT_WAKEUP, END_CLIENT, 30, MEASURED},
				{PHASE_CLIENT_PREPARE, END_CLIENT, 220, MEASURED},
				{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, MEASURED},
				{PHASE_SERVER_WAKEUP, END_SERVER, 20, MEASURED},
				{PHASE_SERVER_CRYPTO, END_SERVER, 1000, MEASURED},
				{PHASE_SERVER_FLIGHT, END_SERVER, 40, MEASURED},
				{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, MEASURED},
				{PHASE_CLIENT_WAKEUP, END_CLIENT, 10, MEASURED},
				{PHASE_CLIENT_CRYPTO, END_CLIENT, 430, MEASURED},
			},
	},
	/* STARTTLS: what the connection did before is not part of the handshake. */
	{
		.name = "not fresh, both ends",
		.script = &full_13,
		.change = not_fresh,
		.seen = AT_BOTH,
		.start_us = 500,
		.total_us = 1910,
		.rtt_us = 100,
		.phases =
			{
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
	{
		.name = "not fresh, server",
		.script = &full_13,
		.sockets = AT_CLIENT,
		.change = not_fresh,
		.seen = AT_SERVER,
		.start_us = 500,
		.total_us = 1910,
		.rtt_us = 100,
		.phases =
			{
				{PHASE_HELLO_NETWORK, END_UNKNOWN, 50, ESTIMATED},
				{PHASE_ACCEPT_QUEUE, END_SERVER, 0, MEASURED},
				{PHASE_SERVER_WAKEUP, END_SERVER, 20, MEASURED},
				{PHASE_SERVER_CRYPTO, END_SERVER, 1000, MEASURED},
				{PHASE_SERVER_FLIGHT, END_SERVER, 40, MEASURED},
				{PHASE_REPLY_NETWORK, END_UNKNOWN, 50, ESTIMATED},
				{PHASE_CLIENT_CRYPTO, END_CLIENT, 750, ESTIMATED},
			},
	},
	/* The hello is in the SYN; the connection is established with the answer. */
	{
		.name = "TCP Fast Open",
		.script = &full_13,
		.change = fast_open,
		.seen = AT_BOTH,
		.total_us = 2410,
		.rtt_us = 100,
		.phases =
			{
				{PHASE_CLIENT_PREPARE, END_CLIENT, 500, MEASURED},
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

static uint64_t random_below(uint32_t *seed, uint32_t limit)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % limit;
}

static uint64_t random_time(uint32_t *seed)
{
	return random_below(seed, 5) ? ns_of(random_below(seed, 5000)) : 0;
}

static void scene_scramble(struct scene *scene, uint32_t *seed)
{
	static const uint16_t versions[] = {0, TLS12, TLS13};
	enum handshake_end place;
	struct flow_opening *opening = &scene->opening;
	size_t i;

	opening->syn_ns = random_time(seed);
	opening->answer_ns = random_time(seed);
	opening->ack_ns = random_time(seed);
	scene->timeline.opening = random_below(seed, 2) ? opening : NULL;
	scene->handshake->version = versions[random_below(seed, 3)];
	scene->handshake->outcome = HANDSHAKE_COMPLETED + random_below(seed, 2);
	scene->handshake->end_ns = ns_of(random_below(seed, 5000));
	scene->flights.count = 1 + random_below(seed, FLIGHTS_MAX);
	scene->flights.false_start = !random_below(seed, 4);
	for (i = 0; i < scene->flights.count; i++) {
		scene->flights.list[i].from = i % 2 ? END_SERVER : END_CLIENT;
		scene->flights.list[i].hello = i % 2 == 0 && random_below(seed, 2);
		for (place = END_SERVER; place <= END_UNKNOWN; place++) {
			struct stretch *stretch = &scene->at[place].flights[i];

			stretch->first_ns = random_time(seed);
			stretch->last_ns =
				stretch->first_ns ? stretch->first_ns + random_below(seed, 300) * US
						  : 0;
			stretch->whole_ns = stretch->last_ns;
			if (stretch->last_ns && !random_below(seed, 3))
				stretch->whole_ns += random_below(seed, 300) * US;
			stretch->hole_ns = random_time(seed);
			stretch->acked_ns = random_time(seed);
			stretch->resends = random_below(seed, RESENDS_MAX + 1);
			for (size_t n = 0; n < stretch->resends; n++)
				stretch->resent_ns[n] = random_time(seed);
		}
	}
	for (place = END_SERVER; place <= END_UNKNOWN; place++)
		scene->timeline.at[place] = random_below(seed, 2) ? &scene->at[place] : NULL;
	for (place = END_SERVER; place <= END_CLIENT; place++) {
		struct endpoint *end = &scene->handshake->ends[place];

		end->connect_ns = random_time(seed);
		end->established_ns = random_time(seed);
		end->accept_ns = random_time(seed);
		end->fresh = random_below(seed, 2);
		end->min_rtt_us = random_below(seed, 2) ? random_below(seed, 3000) : 0;
		for (i = 0; i < end->read_count; i++)
			end->reads_ns[i] = ns_of(random_below(seed, 5000));
	}
}

/* Whatever the times are, the phases cover the total, and none is negative. */
static void test_any_times(void **state)
{
	struct scene *scene = *state;
	uint32_t seed = 1;
	int i;

	for (i = 0; i < 8; i++) {
		scene_read(scene, END_CLIENT, i);
		scene_read(scene, END_SERVER, i);
	}
	for (i = 0; i < 200000; i++) {
		scene_scramble(scene, &seed);
		latency_fill(scene->handshake, &scene->timeline);
		assert_covered(&scene->handshake->latency);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(cases) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		tests[i] = TEST_OF(&cases[i]);
	tests[ARRAY_SIZE(cases)] = (struct CMUnitTest)TEST(test_any_times);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
