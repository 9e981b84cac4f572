/* SPDX-License-Identifier: BSD-2-Clause */
#include "build.h"

#include <stdlib.h>

#include "handshake/latency.h"

#define US	 1000ULL
#define TLS12	 0x0303
#define TLS13	 0x0304
#define LIST_MAX 24

/*
 * A handshake as it truly ran; a view shows a part of it. Times are microseconds from the
 * client's connect, on the clock of everybody; 0 is that, so nothing else is at 0.
 */
struct scene {
	struct handshake *handshake;
	struct flights flights;
	struct flight_times at[3];
	struct timeline timeline;
	struct flow_opening opening;
};

struct want {
	enum phase_kind kind;
	enum handshake_end side;
	uint64_t duration_us;
	bool estimated;
};

enum { ORIGIN_US = 1000000 };

static uint64_t ns_of(uint64_t us)
{
	return (ORIGIN_US + us) * US;
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene)
		return -1;
	scene->handshake = handshake_new();
	if (!scene->handshake)
		return -1;
	scene->handshake->version = TLS13;
	scene->handshake->outcome = HANDSHAKE_COMPLETED;
	scene->timeline.flights = &scene->flights;
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	handshake_free(scene->handshake);
	free(scene);
	return 0;
}

static struct stretch stretch_of(uint64_t first_us, uint64_t last_us)
{
	return (struct stretch){
		.first_ns = ns_of(first_us), .last_ns = ns_of(last_us), .whole_ns = ns_of(last_us)};
}

/* A flight left its sender at sent_us and was on the way for way_us; it takes long_us to pass. */
static void flight_at(struct scene *scene, enum handshake_end from, bool hello, uint64_t sent_us,
		      uint64_t long_us, uint64_t way_us)
{
	size_t n = scene->flights.count++;
	const struct stretch out = stretch_of(sent_us, sent_us + long_us);
	const struct stretch in = stretch_of(sent_us + way_us, sent_us + long_us + way_us);

	scene->flights.list[n].from = from;
	scene->flights.list[n].hello = hello;
	scene->at[from].flights[n] = out;
	scene->at[!from].flights[n] = in;
	scene->at[END_UNKNOWN].flights[n] =
		stretch_of(sent_us + way_us / 2, sent_us + long_us + way_us / 2);
	scene->handshake->end_ns = out.last_ns;
}

static void read_at(struct scene *scene, enum handshake_end end, uint64_t us)
{
	struct endpoint *endpoint = &scene->handshake->ends[end];

	if (!endpoint->reads_ns)
		endpoint->reads_ns = calloc(LIST_MAX, sizeof(*endpoint->reads_ns));
	assert_non_null(endpoint->reads_ns);
	assert_true(endpoint->read_count < LIST_MAX);
	endpoint->reads_ns[endpoint->read_count++] = ns_of(us);
}

/* Both sockets of a connection that was made for the handshake: RTT 100 us, hello at 500 us. */
static void sockets(struct scene *scene)
{
	struct endpoint *client = &scene->handshake->ends[END_CLIENT];
	struct endpoint *server = &scene->handshake->ends[END_SERVER];

	client->connect_ns = ns_of(0);
	client->established_ns = ns_of(100);
	client->fresh = true;
	client->min_rtt_us = 100;
	server->established_ns = ns_of(150);
	server->accept_ns = ns_of(180);
	server->fresh = true;
	server->min_rtt_us = 100;
}

/* TLS 1.3: ServerHello to Finished take 40 us to write, the client reads before they are all in. */
static void full_13(struct scene *scene)
{
	sockets(scene);
	flight_at(scene, END_CLIENT, true, 500, 0, 50);
	read_at(scene, END_SERVER, 570);
	read_at(scene, END_SERVER, 575);
	flight_at(scene, END_SERVER, false, 1570, 40, 50);
	read_at(scene, END_CLIENT, 1690);
	read_at(scene, END_CLIENT, 1990);
	flight_at(scene, END_CLIENT, false, 2400, 10, 50);
	read_at(scene, END_SERVER, 2500);
}

static void full_12(struct scene *scene)
{
	scene->handshake->version = TLS12;
	full_13(scene);
	flight_at(scene, END_SERVER, false, 3460, 20, 50);
	read_at(scene, END_CLIENT, 3560);
}

static void see(struct scene *scene, enum handshake_end place)
{
	scene->timeline.at[place] = &scene->at[place];
}

/* Only this end is on this host. */
static void see_only(struct scene *scene, enum handshake_end end)
{
	struct endpoint *far = &scene->handshake->ends[!end];

	free(far->reads_ns);
	*far = (struct endpoint){0};
	see(scene, end);
}

static void assert_covered(const struct latency *latency)
{
	uint64_t at_ns = latency->start_ns;
	size_t i;

	for (i = 0; i < latency->phase_count; i++) {
		assert_int_equal(latency->phases[i].start_ns, at_ns);
		assert_true(latency->phases[i].duration_ns <= INT64_MAX);
		at_ns += latency->phases[i].duration_ns;
	}
	if (latency->end_ns)
		assert_int_equal(at_ns, latency->end_ns);
}

static void assert_phases(struct scene *scene, const struct want *want, size_t count)
{
	const struct latency *latency = &scene->handshake->latency;
	size_t i;

	latency_fill(scene->handshake, &scene->timeline);
	assert_covered(latency);
	for (i = 0; i < count && i < latency->phase_count; i++) {
		assert_int_equal(latency->phases[i].kind, want[i].kind);
		assert_int_equal(latency->phases[i].duration_ns, want[i].duration_us * US);
		assert_int_equal(latency->phases[i].side, want[i].side);
		assert_int_equal(latency->phases[i].estimated, want[i].estimated);
	}
	assert_int_equal(latency->phase_count, count);
}

#define ASSERT_PHASES(scene, ...)                                                                  \
	do {                                                                                       \
		const struct want want[] = {__VA_ARGS__};                                          \
		assert_phases(scene, want, ARRAY_SIZE(want));                                      \
	} while (0)

static uint64_t total_us(const struct scene *scene)
{
	return (scene->handshake->latency.end_ns - scene->handshake->latency.start_ns) / US;
}

/* gnutls-cli writes ChangeCipherSpec and Finished one by one, and the second waits for an ACK. */
static void test_answer_held(void **state)
{
	static const struct {
		uint64_t sent_us, written_us;
		bool held, in_parts;
	} cases[] = {
		{1990, 1995, true, false},  {2340, 1995, false, false}, /* it left at once */
		{1990, 2400, false, false}, /* java: an alert, when the certificate has been looked
					       at */
		{1990, 3000, false, true},  /* wget: its request */
		{1990, 0, false, true},
	};
	struct scene *scene = *state;
	const struct latency *latency = &scene->handshake->latency;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct endpoint *client = &scene->handshake->ends[END_CLIENT];

		memset(&scene->flights, 0, sizeof(scene->flights));
		client->read_count = 0;
		sockets(scene);
		flight_at(scene, END_CLIENT, true, 500, 0, 50);
		flight_at(scene, END_SERVER, false, 1570, 40, 50);
		read_at(scene, END_CLIENT, 1690);
		flight_at(scene, END_CLIENT, false, cases[i].sent_us, 2410 - cases[i].sent_us, 50);
		client->last_write_ns = cases[i].written_us ? ns_of(cases[i].written_us) : 0;
		see(scene, END_CLIENT);
		latency_fill(scene->handshake, &scene->timeline);
		assert_int_equal(latency->phases[latency->phase_count - 1].kind,
				 PHASE_CLIENT_CRYPTO);
		assert_int_equal(latency->phases[latency->phase_count - 1].held, cases[i].held);
		assert_int_equal(latency->phases[latency->phase_count - 1].in_parts,
				 cases[i].in_parts);
	}
}

static void test_both_13(void **state)
{
	struct scene *scene = *state;

	full_13(scene);
	see(scene, END_CLIENT);
	see(scene, END_SERVER);
	ASSERT_PHASES(scene, {PHASE_TCP_CONNECT, END_CLIENT, 100, false},
		      {PHASE_CLIENT_PREPARE, END_CLIENT, 400, false},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_ACCEPT_QUEUE, END_SERVER, 0, false},
		      {PHASE_SERVER_WAKEUP, END_SERVER, 20, false},
		      {PHASE_SERVER_CRYPTO, END_SERVER, 1000, false},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 40, false},
		      {PHASE_REPLY_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_CLIENT_WAKEUP, END_CLIENT, 30, false},
		      {PHASE_CLIENT_CRYPTO, END_CLIENT, 720, false});
	assert_int_equal(total_us(scene), 2410);
	assert_int_equal(scene->handshake->latency.rtt_us, 100);
}

static void test_client_only_13(void **state)
{
	struct scene *scene = *state;

	full_13(scene);
	see_only(scene, END_CLIENT);
	ASSERT_PHASES(scene, {PHASE_TCP_CONNECT, END_CLIENT, 100, false},
		      {PHASE_CLIENT_PREPARE, END_CLIENT, 400, false},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_SERVER, END_SERVER, 1020, true},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 40, true},
		      {PHASE_REPLY_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_CLIENT_WAKEUP, END_CLIENT, 30, false},
		      {PHASE_CLIENT_CRYPTO, END_CLIENT, 720, false});
	assert_int_equal(total_us(scene), 2410);
}

/* Without a round-trip time nothing is known of the far end but how long its answer took to come.
 */
static void test_client_only_without_rtt(void **state)
{
	struct scene *scene = *state;

	full_13(scene);
	scene->handshake->ends[END_CLIENT].min_rtt_us = 0;
	see_only(scene, END_CLIENT);
	ASSERT_PHASES(scene, {PHASE_TCP_CONNECT, END_CLIENT, 100, false},
		      {PHASE_CLIENT_PREPARE, END_CLIENT, 400, false},
		      {PHASE_UNKNOWN, END_UNKNOWN, 1120, false},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 40, true},
		      {PHASE_CLIENT_WAKEUP, END_CLIENT, 30, false},
		      {PHASE_CLIENT_CRYPTO, END_CLIENT, 720, false});
}

/* Seen from the server all is 50 us later, which takes nothing away from how long it took. */
static void test_server_only_13(void **state)
{
	struct scene *scene = *state;

	full_13(scene);
	see_only(scene, END_SERVER);
	ASSERT_PHASES(scene, {PHASE_CLIENT_PREPARE, END_CLIENT, 400, true},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_ACCEPT_QUEUE, END_SERVER, 0, false},
		      {PHASE_SERVER_WAKEUP, END_SERVER, 20, false},
		      {PHASE_SERVER_CRYPTO, END_SERVER, 1000, false},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 40, false},
		      {PHASE_REPLY_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_CLIENT_CRYPTO, END_CLIENT, 750, true});
	assert_int_equal(total_us(scene), 2310);
	assert_int_equal(scene->handshake->latency.start_ns, ns_of(100));
}

static void test_server_only_without_rtt(void **state)
{
	struct scene *scene = *state;

	full_13(scene);
	scene->handshake->ends[END_SERVER].min_rtt_us = 0;
	see_only(scene, END_SERVER);
	ASSERT_PHASES(scene, {PHASE_CLIENT_PREPARE, END_CLIENT, 400, true},
		      {PHASE_ACCEPT_QUEUE, END_SERVER, 0, false},
		      {PHASE_SERVER_WAKEUP, END_SERVER, 20, false},
		      {PHASE_SERVER_CRYPTO, END_SERVER, 1000, false},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 40, false},
		      {PHASE_UNKNOWN, END_UNKNOWN, 850, false});
}

/* A router knows no socket and no round-trip time. */
static void test_between(void **state)
{
	struct scene *scene = *state;

	full_13(scene);
	see_only(scene, END_CLIENT);
	scene->handshake->ends[END_CLIENT].min_rtt_us = 0;
	scene->timeline.at[END_CLIENT] = NULL;
	see(scene, END_UNKNOWN);
	ASSERT_PHASES(scene, {PHASE_UNKNOWN, END_UNKNOWN, 1070, false},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 40, true},
		      {PHASE_UNKNOWN, END_UNKNOWN, 800, false});
}

/* A capture knows how long the ends' kernels took to answer each other, seen in the middle. */
static void test_between_opened(void **state)
{
	struct scene *scene = *state;
	const struct flow_opening opening = {
		.syn_ns = ns_of(25), .answer_ns = ns_of(75), .ack_ns = ns_of(125)};

	full_12(scene);
	scene->timeline.opening = &opening;
	see_only(scene, END_CLIENT);
	scene->handshake->ends[END_CLIENT] = (struct endpoint){
		.reads_ns = scene->handshake->ends[END_CLIENT].reads_ns,
	};
	scene->timeline.at[END_CLIENT] = NULL;
	see(scene, END_UNKNOWN);
	ASSERT_PHASES(scene, {PHASE_TCP_CONNECT, END_CLIENT, 100, true},
		      {PHASE_CLIENT_PREPARE, END_CLIENT, 400, true},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_SERVER, END_SERVER, 1020, true},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 40, true},
		      {PHASE_REPLY_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_CLIENT_CRYPTO, END_CLIENT, 750, true},
		      {PHASE_FINISH_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_SERVER_FINISH, END_SERVER, 1020, true},
		      {PHASE_FINISH_NETWORK, END_UNKNOWN, 50, true});
	assert_int_equal(total_us(scene), 3530);
	assert_int_equal(scene->handshake->latency.rtt_us, 100);
}

/* Without the answer's time it is known when the connection was made, and no more. */
static void test_between_half_opened(void **state)
{
	struct scene *scene = *state;
	const struct flow_opening opening = {.syn_ns = ns_of(25), .ack_ns = ns_of(125)};

	full_13(scene);
	scene->timeline.opening = &opening;
	see(scene, END_UNKNOWN);
	ASSERT_PHASES(scene, {PHASE_TCP_CONNECT, END_CLIENT, 100, true},
		      {PHASE_CLIENT_PREPARE, END_CLIENT, 400, true},
		      {PHASE_UNKNOWN, END_UNKNOWN, 1070, false},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 40, true},
		      {PHASE_UNKNOWN, END_UNKNOWN, 800, false});
}

static void test_both_12(void **state)
{
	struct scene *scene = *state;

	full_12(scene);
	see(scene, END_CLIENT);
	see(scene, END_SERVER);
	ASSERT_PHASES(scene, {PHASE_TCP_CONNECT, END_CLIENT, 100, false},
		      {PHASE_CLIENT_PREPARE, END_CLIENT, 400, false},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_ACCEPT_QUEUE, END_SERVER, 0, false},
		      {PHASE_SERVER_WAKEUP, END_SERVER, 20, false},
		      {PHASE_SERVER_CRYPTO, END_SERVER, 1000, false},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 40, false},
		      {PHASE_REPLY_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_CLIENT_WAKEUP, END_CLIENT, 30, false},
		      {PHASE_CLIENT_CRYPTO, END_CLIENT, 720, false},
		      {PHASE_FINISH_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_SERVER_FINISH, END_SERVER, 1020, false},
		      {PHASE_FINISH_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_CLIENT_FINISH, END_CLIENT, 30, false});
	assert_int_equal(total_us(scene), 3560);
}

static void test_client_only_12(void **state)
{
	struct scene *scene = *state;

	full_12(scene);
	see_only(scene, END_CLIENT);
	ASSERT_PHASES(scene, {PHASE_TCP_CONNECT, END_CLIENT, 100, false},
		      {PHASE_CLIENT_PREPARE, END_CLIENT, 400, false},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_SERVER, END_SERVER, 1020, true},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 40, true},
		      {PHASE_REPLY_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_CLIENT_WAKEUP, END_CLIENT, 30, false},
		      {PHASE_CLIENT_CRYPTO, END_CLIENT, 720, false},
		      {PHASE_FINISH_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_SERVER_FINISH, END_SERVER, 1020, true},
		      {PHASE_FINISH_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_CLIENT_FINISH, END_CLIENT, 30, false});
}

static void test_server_only_12(void **state)
{
	struct scene *scene = *state;

	full_12(scene);
	see_only(scene, END_SERVER);
	ASSERT_PHASES(scene, {PHASE_CLIENT_PREPARE, END_CLIENT, 400, true},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_ACCEPT_QUEUE, END_SERVER, 0, false},
		      {PHASE_SERVER_WAKEUP, END_SERVER, 20, false},
		      {PHASE_SERVER_CRYPTO, END_SERVER, 1000, false},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 40, false},
		      {PHASE_REPLY_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_CLIENT_CRYPTO, END_CLIENT, 750, true},
		      {PHASE_FINISH_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_SERVER_FINISH, END_SERVER, 1020, false},
		      {PHASE_FINISH_NETWORK, END_UNKNOWN, 50, true});
	assert_int_equal(total_us(scene), 3430);
}

/* RFC 7918: the client may send after its own Finished, and did. */
static void test_false_start(void **state)
{
	struct scene *scene = *state;

	full_12(scene);
	scene->flights.false_start = true;
	see(scene, END_CLIENT);
	see(scene, END_SERVER);
	latency_fill(scene->handshake, &scene->timeline);
	assert_covered(&scene->handshake->latency);
	assert_int_equal(total_us(scene), 2410);
	assert_int_equal(scene->handshake->latency.phases[9].kind, PHASE_CLIENT_CRYPTO);
	assert_int_equal(scene->handshake->latency.phase_count, 10);
}

/* A resumed session of TLS 1.2 ends with the client's Finished. */
static void test_abbreviated_12(void **state)
{
	struct scene *scene = *state;

	full_13(scene);
	scene->handshake->version = TLS12;
	see(scene, END_CLIENT);
	see(scene, END_SERVER);
	latency_fill(scene->handshake, &scene->timeline);
	assert_covered(&scene->handshake->latency);
	assert_int_equal(total_us(scene), 2410);
}

/* HelloRetryRequest: two round trips, and the client prepares twice. */
static void test_retry(void **state)
{
	struct scene *scene = *state;

	sockets(scene);
	flight_at(scene, END_CLIENT, true, 500, 0, 50);
	read_at(scene, END_SERVER, 570);
	flight_at(scene, END_SERVER, false, 600, 0, 50);
	read_at(scene, END_CLIENT, 680);
	flight_at(scene, END_CLIENT, true, 900, 0, 50);
	read_at(scene, END_SERVER, 970);
	flight_at(scene, END_SERVER, false, 1970, 40, 50);
	read_at(scene, END_CLIENT, 2070);
	flight_at(scene, END_CLIENT, false, 2500, 0, 50);
	see(scene, END_CLIENT);
	see(scene, END_SERVER);
	ASSERT_PHASES(scene, {PHASE_TCP_CONNECT, END_CLIENT, 100, false},
		      {PHASE_CLIENT_PREPARE, END_CLIENT, 400, false},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_ACCEPT_QUEUE, END_SERVER, 0, false},
		      {PHASE_SERVER_WAKEUP, END_SERVER, 20, false},
		      {PHASE_SERVER_CRYPTO, END_SERVER, 30, false},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 0, false},
		      {PHASE_REPLY_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_CLIENT_WAKEUP, END_CLIENT, 30, false},
		      {PHASE_CLIENT_PREPARE, END_CLIENT, 220, false},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_SERVER_WAKEUP, END_SERVER, 20, false},
		      {PHASE_SERVER_CRYPTO, END_SERVER, 1000, false},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 40, false},
		      {PHASE_REPLY_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_CLIENT_WAKEUP, END_CLIENT, 10, false},
		      {PHASE_CLIENT_CRYPTO, END_CLIENT, 430, false});
}

/* The hello waits for accept; what of the queue lies before it delays nobody. */
static void test_accept_late(void **state)
{
	struct scene *scene = *state;

	sockets(scene);
	flight_at(scene, END_CLIENT, true, 500, 0, 50);
	scene->handshake->ends[END_SERVER].accept_ns = ns_of(9000);
	read_at(scene, END_SERVER, 9020);
	flight_at(scene, END_SERVER, false, 9520, 0, 50);
	flight_at(scene, END_CLIENT, false, 9700, 0, 50);
	see(scene, END_CLIENT);
	see(scene, END_SERVER);
	latency_fill(scene->handshake, &scene->timeline);
	assert_covered(&scene->handshake->latency);
	assert_int_equal(scene->handshake->latency.phases[3].kind, PHASE_ACCEPT_QUEUE);
	assert_int_equal(scene->handshake->latency.phases[3].duration_ns, 8450 * US);
	assert_int_equal(scene->handshake->latency.phases[4].duration_ns, 20 * US);
}

/* Where accept has no time: it was before the hello came, or nobody knows when before its reading.
 */
static void test_accept_without_time(void **state)
{
	struct scene *scene = *state;
	struct endpoint *server = &scene->handshake->ends[END_SERVER];
	const struct latency *latency = &scene->handshake->latency;
	uint64_t established_ns;

	full_13(scene);
	see(scene, END_CLIENT);
	see(scene, END_SERVER);
	server->accept_ns = 0;
	server->accepted_before = true;
	latency_fill(scene->handshake, &scene->timeline);
	assert_int_equal(latency->phases[3].kind, PHASE_ACCEPT_QUEUE);
	assert_int_equal(latency->phases[3].duration_ns, 0);
	assert_int_equal(latency->phases[4].kind, PHASE_SERVER_WAKEUP);
	assert_false(latency->phases[4].estimated);
	server->accepted_before = false;
	server->accepted_later = true;
	latency_fill(scene->handshake, &scene->timeline);
	assert_int_equal(latency->phases[3].kind, PHASE_ACCEPT_QUEUE);
	assert_int_equal(latency->phases[3].duration_ns, 20 * US);
	assert_true(latency->phases[3].estimated);
	assert_int_equal(latency->phases[4].kind, PHASE_SERVER_CRYPTO);
	/* With TCP_DEFER_ACCEPT it is the hello that makes the connection. */
	server->accepted_later = false;
	established_ns = server->established_ns;
	server->established_ns = scene->timeline.at[END_SERVER]->flights[0].first_ns + US;
	latency_fill(scene->handshake, &scene->timeline);
	assert_int_equal(latency->phases[3].kind, PHASE_ACCEPT_QUEUE);
	assert_int_equal(latency->phases[3].duration_ns, 20 * US);
	assert_true(latency->phases[3].estimated);
	server->established_ns = established_ns;
	latency_fill(scene->handshake, &scene->timeline);
	assert_int_equal(latency->phases[3].kind, PHASE_SERVER_WAKEUP);
	assert_true(latency->phases[3].estimated);
	assert_covered(&scene->handshake->latency);
}

/* STARTTLS and the like: the connection had a life before, which is not the handshake's. */
static void test_not_fresh(void **state)
{
	struct scene *scene = *state;
	const struct latency *latency = &scene->handshake->latency;

	full_13(scene);
	scene->handshake->ends[END_CLIENT].fresh = scene->handshake->ends[END_SERVER].fresh = false;
	see(scene, END_CLIENT);
	see(scene, END_SERVER);
	latency_fill(scene->handshake, &scene->timeline);
	assert_covered(latency);
	assert_int_equal(latency->start_ns, ns_of(500));
	assert_int_equal(latency->phases[0].kind, PHASE_HELLO_NETWORK);
	scene->timeline.at[END_CLIENT] = NULL;
	latency_fill(scene->handshake, &scene->timeline);
	assert_covered(latency);
	assert_int_equal(latency->start_ns, ns_of(500));
	assert_int_equal(latency->phases[0].kind, PHASE_HELLO_NETWORK);
	assert_true(latency->phases[0].estimated);
}

/* TCP Fast Open: the hello is in the SYN, the connection is established with the answer. */
static void test_fast_open(void **state)
{
	struct scene *scene = *state;
	const struct latency *latency = &scene->handshake->latency;

	full_13(scene);
	scene->handshake->ends[END_CLIENT].established_ns = ns_of(1620);
	scene->handshake->ends[END_SERVER].established_ns = ns_of(1700);
	see(scene, END_CLIENT);
	see(scene, END_SERVER);
	latency_fill(scene->handshake, &scene->timeline);
	assert_covered(latency);
	assert_int_equal(latency->phases[0].kind, PHASE_CLIENT_PREPARE);
	assert_int_equal(latency->phases[0].duration_ns, 500 * US);
}

/* A round-trip time that is longer than an answer took is too long. */
static void test_rtt_too_long(void **state)
{
	struct scene *scene = *state;
	const struct latency *latency = &scene->handshake->latency;

	full_13(scene);
	scene->handshake->ends[END_CLIENT].min_rtt_us = 40000;
	see_only(scene, END_CLIENT);
	latency_fill(scene->handshake, &scene->timeline);
	assert_covered(latency);
	assert_int_equal(latency->phases[2].kind, PHASE_HELLO_NETWORK);
	assert_int_equal(latency->phases[2].duration_ns, 560 * US);
	assert_int_equal(latency->phases[3].kind, PHASE_SERVER);
	assert_int_equal(latency->phases[3].duration_ns, 0);
	assert_int_equal(total_us(scene), 2410);
}

static void fail_at(struct scene *scene, enum failure_kind kind, enum handshake_end by, uint64_t us)
{
	scene->handshake->outcome = HANDSHAKE_FAILED;
	scene->handshake->failure.kind = kind;
	scene->handshake->failure.by = by;
	scene->handshake->end_ns = ns_of(us);
}

/* A server that never answers: it had read the hello, so it is its work that does not end. */
static void test_no_answer(void **state)
{
	struct scene *scene = *state;

	sockets(scene);
	flight_at(scene, END_CLIENT, true, 500, 0, 50);
	read_at(scene, END_SERVER, 570);
	fail_at(scene, FAILURE_TIMEOUT, END_SERVER, 10000500);
	see(scene, END_CLIENT);
	see(scene, END_SERVER);
	ASSERT_PHASES(scene, {PHASE_TCP_CONNECT, END_CLIENT, 100, false},
		      {PHASE_CLIENT_PREPARE, END_CLIENT, 400, false},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_ACCEPT_QUEUE, END_SERVER, 0, false},
		      {PHASE_SERVER_WAKEUP, END_SERVER, 20, false},
		      {PHASE_SERVER_CRYPTO, END_SERVER, 9999930, false});
}

/* One that never reads it. */
static void test_never_read(void **state)
{
	struct scene *scene = *state;

	sockets(scene);
	flight_at(scene, END_CLIENT, true, 500, 0, 50);
	fail_at(scene, FAILURE_TIMEOUT, END_SERVER, 10000500);
	see_only(scene, END_SERVER);
	ASSERT_PHASES(scene, {PHASE_CLIENT_PREPARE, END_CLIENT, 400, true},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_ACCEPT_QUEUE, END_SERVER, 0, false},
		      {PHASE_SERVER_WAKEUP, END_SERVER, 9999950, false});
}

/* The client gives up waiting for a server that is elsewhere. */
static void test_client_gives_up(void **state)
{
	struct scene *scene = *state;

	sockets(scene);
	flight_at(scene, END_CLIENT, true, 500, 0, 50);
	fail_at(scene, FAILURE_CLOSED, END_CLIENT, 2000500);
	see_only(scene, END_CLIENT);
	ASSERT_PHASES(scene, {PHASE_TCP_CONNECT, END_CLIENT, 100, false},
		      {PHASE_CLIENT_PREPARE, END_CLIENT, 400, false},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_SERVER, END_SERVER, 1999950, true});
}

/* The server's alert, seen where the client is. */
static void test_refused(void **state)
{
	struct scene *scene = *state;

	sockets(scene);
	flight_at(scene, END_CLIENT, true, 500, 0, 50);
	flight_at(scene, END_SERVER, false, 1570, 0, 50);
	read_at(scene, END_CLIENT, 1640);
	fail_at(scene, FAILURE_ALERT, END_SERVER, 1620);
	see_only(scene, END_CLIENT);
	ASSERT_PHASES(scene, {PHASE_TCP_CONNECT, END_CLIENT, 100, false},
		      {PHASE_CLIENT_PREPARE, END_CLIENT, 400, false},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, true},
		      {PHASE_SERVER, END_SERVER, 1020, true},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 0, true},
		      {PHASE_REPLY_NETWORK, END_UNKNOWN, 50, true});
}

/* Of the server's flight only the arrival was seen: what went before is nobody's. */
static void test_flight_missing(void **state)
{
	struct scene *scene = *state;

	full_13(scene);
	scene->handshake->ends[END_CLIENT].min_rtt_us = 0;
	scene->handshake->ends[END_SERVER].min_rtt_us = 0;
	scene->at[END_SERVER].flights[1] = (struct stretch){};
	see(scene, END_CLIENT);
	see(scene, END_SERVER);
	ASSERT_PHASES(scene, {PHASE_TCP_CONNECT, END_CLIENT, 100, false},
		      {PHASE_CLIENT_PREPARE, END_CLIENT, 400, false},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_ACCEPT_QUEUE, END_SERVER, 0, false},
		      {PHASE_SERVER_WAKEUP, END_SERVER, 20, false},
		      {PHASE_UNKNOWN, END_UNKNOWN, 1090, false},
		      {PHASE_CLIENT_WAKEUP, END_CLIENT, 30, false},
		      {PHASE_CLIENT_CRYPTO, END_CLIENT, 720, false});
}

/* What is missing must not pass for time that something took. */
/* Where events were lost before its end, what is known of the rest is an estimate at best. */
static void test_gap(void **state)
{
	struct scene *scene = *state;

	full_13(scene);
	scene->handshake->gap = true;
	see(scene, END_CLIENT);
	latency_fill(scene->handshake, &scene->timeline);
	assert_covered(&scene->handshake->latency);
	assert_int_equal(total_us(scene), 2410);
	for (size_t i = 0; i < scene->handshake->latency.phase_count; i++)
		assert_true(scene->handshake->latency.phases[i].estimated);
}

/* What is known of a handshake without an outcome is kept; how long it took is not known. */
static void test_incomplete(void **state)
{
	struct scene *scene = *state;
	const struct latency *latency = &scene->handshake->latency;
	uint64_t total_ns;

	full_13(scene);
	scene->handshake->outcome = HANDSHAKE_INCOMPLETE;
	scene->handshake->last_ns = ns_of(2600);
	see(scene, END_CLIENT);
	see(scene, END_SERVER);
	ASSERT_PHASES(scene, {PHASE_TCP_CONNECT, END_CLIENT, 100, false},
		      {PHASE_CLIENT_PREPARE, END_CLIENT, 400, false},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_ACCEPT_QUEUE, END_SERVER, 0, false},
		      {PHASE_SERVER_WAKEUP, END_SERVER, 20, false},
		      {PHASE_SERVER_CRYPTO, END_SERVER, 1000, false},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 40, false},
		      {PHASE_REPLY_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_CLIENT_WAKEUP, END_CLIENT, 30, false},
		      {PHASE_CLIENT_CRYPTO, END_CLIENT, 720, false},
		      {PHASE_UNKNOWN, END_UNKNOWN, 190, false});
	assert_int_equal(latency->end_ns, 0);
	assert_false(handshake_total(scene->handshake, &total_ns));
	assert_int_equal(latency->rtt_us, 100);
}

/* The hello was lost and sent again: until then the time is the way's, whoever looks. */
static void test_hello_lost(void **state)
{
	struct scene *scene = *state;
	struct stretch *out = &scene->at[END_CLIENT].flights[0];

	sockets(scene);
	flight_at(scene, END_CLIENT, true, 500, 0, 50);
	out->resent_ns[out->resends++] = ns_of(900);
	scene->at[END_SERVER].flights[0] = stretch_of(950, 950);
	read_at(scene, END_SERVER, 970);
	flight_at(scene, END_SERVER, false, 1970, 0, 50);
	read_at(scene, END_CLIENT, 2030);
	flight_at(scene, END_CLIENT, false, 2400, 0, 50);
	see(scene, END_CLIENT);
	see(scene, END_SERVER);
	ASSERT_PHASES(scene, {PHASE_TCP_CONNECT, END_CLIENT, 100, false},
		      {PHASE_CLIENT_PREPARE, END_CLIENT, 400, false},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 400, false},
		      {PHASE_HELLO_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_ACCEPT_QUEUE, END_SERVER, 0, false},
		      {PHASE_SERVER_WAKEUP, END_SERVER, 20, false},
		      {PHASE_SERVER_CRYPTO, END_SERVER, 1000, false},
		      {PHASE_SERVER_FLIGHT, END_SERVER, 0, false},
		      {PHASE_REPLY_NETWORK, END_UNKNOWN, 50, false},
		      {PHASE_CLIENT_WAKEUP, END_CLIENT, 10, false},
		      {PHASE_CLIENT_CRYPTO, END_CLIENT, 370, false});
	assert_true(scene->handshake->latency.phases[2].lost);
	assert_false(scene->handshake->latency.phases[3].lost);
	scene->timeline.at[END_SERVER] = NULL;
	latency_fill(scene->handshake, &scene->timeline);
	assert_true(scene->handshake->latency.phases[2].lost);
	assert_int_equal(scene->handshake->latency.phases[2].duration_ns, 400 * US);
	assert_int_equal(scene->handshake->latency.phases[4].kind, PHASE_SERVER);
	assert_int_equal(scene->handshake->latency.phases[4].duration_ns, 1020 * US);
}

/* The hello came late and was sent again for nothing: the answer is to the first copy. */
static void test_resent_for_nothing(void **state)
{
	struct scene *scene = *state;
	struct stretch *out = &scene->at[END_CLIENT].flights[0];

	full_13(scene);
	out->resent_ns[out->resends++] = ns_of(1600);
	see_only(scene, END_CLIENT);
	latency_fill(scene->handshake, &scene->timeline);
	for (size_t i = 0; i < scene->handshake->latency.phase_count; i++)
		assert_false(scene->handshake->latency.phases[i].lost);
}

/* Of an estimate of one end all may be the way's, and of the way's half a round trip and that. */
static void test_errors(void **state)
{
	struct scene *scene = *state;
	const struct phase *phases;

	full_13(scene);
	see_only(scene, END_CLIENT);
	latency_fill(scene->handshake, &scene->timeline);
	phases = scene->handshake->latency.phases;
	assert_int_equal(phases[2].kind, PHASE_HELLO_NETWORK);
	assert_int_equal(phases[2].error_ns, (50 + 1020 + 40) * US);
	assert_int_equal(phases[3].error_ns, 1020 * US);
	/* The server had the hello when it acknowledged it: the rest is its own, or its answer's.
	 */
	scene->at[END_CLIENT].flights[0].acked_ns = ns_of(610);
	latency_fill(scene->handshake, &scene->timeline);
	phases = scene->handshake->latency.phases;
	assert_int_equal(phases[2].error_ns, (50 + 10) * US);
}

/* The same segment crosses two places: it was sent again once. */
static void test_retransmissions(void **state)
{
	struct scene *scene = *state;

	full_13(scene);
	see(scene, END_CLIENT);
	see(scene, END_SERVER);
	scene->at[END_CLIENT].wires[END_CLIENT].resent = 2;
	scene->at[END_SERVER].wires[END_CLIENT].resent = 1;
	scene->at[END_SERVER].wires[END_SERVER].resent = 1;
	scene->at[END_CLIENT].wires[END_SERVER].resent = 1;
	scene->handshake->ends[END_CLIENT].retransmitted = 1; /* its SYN */
	latency_fill(scene->handshake, &scene->timeline);
	assert_int_equal(scene->handshake->latency.retransmissions, 4);
}

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

/* Whatever the times are: phases cover the total, and none is negative. */
static void test_any_times(void **state)
{
	struct scene *scene = *state;
	uint32_t seed = 1;
	int i;

	for (i = 0; i < 8; i++) {
		read_at(scene, END_CLIENT, i);
		read_at(scene, END_SERVER, i);
	}
	for (i = 0; i < 200000; i++) {
		scene_scramble(scene, &seed);
		latency_fill(scene->handshake, &scene->timeline);
		assert_covered(&scene->handshake->latency);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_answer_held),
		TEST(test_both_13),
		TEST(test_client_only_13),
		TEST(test_client_only_without_rtt),
		TEST(test_server_only_13),
		TEST(test_server_only_without_rtt),
		TEST(test_between),
		TEST(test_between_opened),
		TEST(test_between_half_opened),
		TEST(test_both_12),
		TEST(test_client_only_12),
		TEST(test_server_only_12),
		TEST(test_false_start),
		TEST(test_abbreviated_12),
		TEST(test_retry),
		TEST(test_accept_late),
		TEST(test_accept_without_time),
		TEST(test_not_fresh),
		TEST(test_fast_open),
		TEST(test_rtt_too_long),
		TEST(test_no_answer),
		TEST(test_never_read),
		TEST(test_client_gives_up),
		TEST(test_refused),
		TEST(test_flight_missing),
		TEST(test_gap),
		TEST(test_incomplete),
		TEST(test_hello_lost),
		TEST(test_resent_for_nothing),
		TEST(test_errors),
		TEST(test_retransmissions),
		TEST(test_any_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
