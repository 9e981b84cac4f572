/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A handshake as it truly ran, what the places that are traced saw of it, and the phases that must
 * come of that. Times are microseconds after the client's connect, on one clock for all places.
 */
#ifndef LATENCY_FIXTURE_H
#define LATENCY_FIXTURE_H

#include "build.h"
#include "handshake/latency.h"

#define US	  1000ULL
#define TLS12	  0x0303
#define TLS13	  0x0304
#define READS_MAX 8
#define WANT_MAX  20
#define WAY_US	  50 /* from one end to the other */

/* Places, as bits: both ends, and a capture point halfway between them. */
enum { AT_SERVER = 1 << END_SERVER, AT_CLIENT = 1 << END_CLIENT, BETWEEN = 1 << END_UNKNOWN };
enum { AT_BOTH = AT_SERVER | AT_CLIENT };

/* One flight: when its first byte left, and how much later its last one did. */
struct sent {
	uint64_t us, long_us;
	enum handshake_end from;
	bool hello;
	uint64_t again_us; /* it was lost, and sent again then */
};

struct script {
	struct sent flights[FLIGHTS_MAX]; /* us 0: the end of the list */
	uint64_t reads_us[2][READS_MAX];  /* by the end that reads; 0: the end of the list */
};

/* How a phase is known; at least one of the first two. */
enum { MEASURED = 1, ESTIMATED = 2, LOST = 4 };

struct want {
	enum phase_kind kind;
	enum handshake_end side;
	uint64_t us;
	unsigned int quality; /* 0: the end of the list */
	uint64_t error_us;    /* 0: not compared */
};

struct scene {
	struct handshake *handshake;
	struct flights flights;
	struct flight_times at[3];
	struct timeline timeline;
	struct flow_opening opening;
	const struct latency_case *is;
};

struct latency_case {
	const char *name;
	const struct script *script;
	uint16_t version;	 /* 0: TLS 1.3 */
	unsigned int seen;	 /* the places that saw the flights */
	unsigned int sockets;	 /* ends whose sockets are known beside those of the places */
	enum failure_kind fault; /* with the end to blame, and when it was noticed */
	enum handshake_end by;
	uint64_t failed_us;
	void (*change)(struct scene *scene); /* what else is special about it */
	/* Expected. */
	uint64_t start_us, total_us;
	bool open; /* the end is not known */
	uint32_t rtt_us, retransmissions;
	struct want phases[WANT_MAX];
};

/*
 * TLS 1.3: ServerHello to Finished take 40 us to write, the client reads before they are all in.
 * TLS 1.2 has the server's Finished after that.
 */
extern const struct script full_13, full_12;

uint64_t ns_of(uint64_t us);
struct stretch stretch_of(uint64_t first_us, uint64_t last_us);
/* state: NULL, or the case to play. */
int scene_setup(void **state);
int scene_teardown(void **state);
/* Let the flights and the reads happen, and both sockets know of them. */
void scene_play(struct scene *scene, const struct script *script);
void scene_read(struct scene *scene, enum handshake_end end, uint64_t us);
/* Phases follow each other without a gap, and none is negative. */
void assert_covered(const struct latency *latency);
/* Play the case of the scene and compare all that comes of it. */
void test_case(void **state);

#define TEST(function) cmocka_unit_test_setup_teardown(function, scene_setup, scene_teardown)
/* One test for each entry of a table, under its name. */
#define TEST_OF(entry)                                                                             \
	(struct CMUnitTest)                                                                        \
	{                                                                                          \
		.name = (entry)->name, .test_func = test_case, .setup_func = scene_setup,          \
		.teardown_func = scene_teardown, .initial_state = (void *)(entry)                  \
	}

#endif
