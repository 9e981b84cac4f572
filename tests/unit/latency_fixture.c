/* SPDX-License-Identifier: BSD-2-Clause */
#include "latency_fixture.h"

#include <stdlib.h>

enum { ORIGIN_US = 1000000 };

const struct script full_13 = {
	.flights = {{500, 0, END_CLIENT, true},
		    {1570, 40, END_SERVER, false},
		    {2400, 10, END_CLIENT, false}},
	.reads_us = {[END_SERVER] = {570, 575, 2500}, [END_CLIENT] = {1690, 1990}},
};

const struct script full_12 = {
	.flights = {{500, 0, END_CLIENT, true},
		    {1570, 40, END_SERVER, false},
		    {2400, 10, END_CLIENT, false},
		    {3460, 20, END_SERVER, false}},
	.reads_us = {[END_SERVER] = {570, 575, 2500}, [END_CLIENT] = {1690, 1990, 3560}},
};

uint64_t ns_of(uint64_t us)
{
	return (ORIGIN_US + us) * US;
}

struct stretch stretch_of(uint64_t first_us, uint64_t last_us)
{
	return (struct stretch){
		.first_ns = ns_of(first_us), .last_ns = ns_of(last_us), .whole_ns = ns_of(last_us)};
}

int scene_setup(void **state)
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
	scene->is = *state;
	*state = scene;
	return 0;
}

int scene_teardown(void **state)
{
	struct scene *scene = *state;

	handshake_free(scene->handshake);
	free(scene);
	return 0;
}

void scene_read(struct scene *scene, enum handshake_end end, uint64_t us)
{
	struct endpoint *endpoint = &scene->handshake->ends[end];

	if (!endpoint->reads_ns)
		endpoint->reads_ns = calloc(READS_MAX, sizeof(*endpoint->reads_ns));
	assert_non_null(endpoint->reads_ns);
	assert_true(endpoint->read_count < READS_MAX);
	endpoint->reads_ns[endpoint->read_count++] = ns_of(us);
}

/* The connection was made for the handshake, and a round trip takes 100 us. */
static void sockets_open(struct scene *scene)
{
	struct endpoint *client = &scene->handshake->ends[END_CLIENT];
	struct endpoint *server = &scene->handshake->ends[END_SERVER];

	client->connect_ns = ns_of(0);
	client->established_ns = ns_of(100);
	client->fresh = true;
	client->min_rtt_us = 2 * WAY_US;
	server->established_ns = ns_of(150);
	server->accept_ns = ns_of(180);
	server->fresh = true;
	server->min_rtt_us = 2 * WAY_US;
}

static void flight_play(struct scene *scene, const struct sent *sent)
{
	size_t n = scene->flights.count++;
	uint64_t end_us = sent->us + sent->long_us;
	/* How much later than at first the copy left that arrived. */
	uint64_t late_us = sent->again_us ? sent->again_us - sent->us : 0;
	struct stretch *out = &scene->at[sent->from].flights[n];

	scene->flights.list[n].from = sent->from;
	scene->flights.list[n].hello = sent->hello;
	*out = stretch_of(sent->us, end_us);
	if (sent->again_us)
		out->resent_ns[out->resends++] = ns_of(sent->again_us);
	scene->at[!sent->from].flights[n] =
		stretch_of(sent->us + late_us + WAY_US, end_us + late_us + WAY_US);
	scene->at[END_UNKNOWN].flights[n] = stretch_of(sent->us + WAY_US / 2, end_us + WAY_US / 2);
	scene->handshake->end_ns = out->last_ns;
}

void scene_play(struct scene *scene, const struct script *script)
{
	sockets_open(scene);
	for (size_t i = 0; i < FLIGHTS_MAX && script->flights[i].us; i++)
		flight_play(scene, &script->flights[i]);
	for (enum handshake_end end = END_SERVER; end <= END_CLIENT; end++)
		for (size_t i = 0; i < READS_MAX && script->reads_us[end][i]; i++)
			scene_read(scene, end, script->reads_us[end][i]);
}

/* What the places do not see is not known. */
static void scene_see(struct scene *scene, unsigned int places, unsigned int sockets)
{
	for (enum handshake_end end = END_SERVER; end <= END_CLIENT; end++) {
		struct endpoint *endpoint = &scene->handshake->ends[end];

		if ((places | sockets) & 1U << end)
			continue;
		free(endpoint->reads_ns);
		*endpoint = (struct endpoint){0};
	}
	for (enum handshake_end place = END_SERVER; place <= END_UNKNOWN; place++)
		scene->timeline.at[place] = places & 1U << place ? &scene->at[place] : NULL;
}

static void scene_fail(struct scene *scene, const struct latency_case *is)
{
	scene->handshake->outcome = HANDSHAKE_FAILED;
	scene->handshake->failure.kind = is->fault;
	scene->handshake->failure.by = is->by;
	scene->handshake->end_ns = ns_of(is->failed_us);
}

void assert_covered(const struct latency *latency)
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

static unsigned int quality_of(const struct phase *phase)
{
	return (phase->estimated ? ESTIMATED : MEASURED) | (phase->lost ? LOST : 0);
}

static void assert_phases(const struct latency *latency, const struct want *want)
{
	size_t i;

	for (i = 0; i < latency->phase_count && i < WANT_MAX && want[i].quality; i++) {
		assert_int_equal(latency->phases[i].kind, want[i].kind);
		assert_int_equal(latency->phases[i].duration_ns, want[i].us * US);
		assert_int_equal(latency->phases[i].side, want[i].side);
		assert_int_equal(quality_of(&latency->phases[i]), want[i].quality);
		if (want[i].error_us)
			assert_int_equal(latency->phases[i].error_ns, want[i].error_us * US);
	}
	assert_int_equal(latency->phase_count, i);
	assert_true(i == WANT_MAX || !want[i].quality);
}

static void assert_total(const struct handshake *handshake, const struct latency_case *is)
{
	const struct latency *latency = &handshake->latency;
	uint64_t total_ns;

	assert_int_equal(latency->start_ns, ns_of(is->start_us));
	assert_int_equal(handshake_total(handshake, &total_ns), !is->open);
	if (is->open) {
		assert_int_equal(latency->end_ns, 0);
		return;
	}
	assert_int_equal(latency->end_ns - latency->start_ns, is->total_us * US);
	assert_int_equal(total_ns, is->total_us * US);
}

void test_case(void **state)
{
	struct scene *scene = *state;
	const struct latency_case *is = scene->is;
	const struct latency *latency = &scene->handshake->latency;

	if (is->version)
		scene->handshake->version = is->version;
	scene_play(scene, is->script);
	if (is->fault)
		scene_fail(scene, is);
	scene_see(scene, is->seen, is->sockets);
	if (is->change)
		is->change(scene);
	latency_fill(scene->handshake, &scene->timeline);
	assert_covered(latency);
	assert_phases(latency, is->phases);
	assert_total(scene->handshake, is);
	assert_int_equal(latency->rtt_us, is->rtt_us);
	assert_int_equal(latency->retransmissions, is->retransmissions);
}
