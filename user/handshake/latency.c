// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/latency.h"

#include <stdlib.h>
#include <string.h>

#include "handshake/cause.h"
#include "tls/hello.h"

#define US 1000ULL
/* A handshake of TLS 1.3 has ten at most. */
#define PHASES_STEP 12

/*
 * A moment of a handshake. Exact: seen at the end where it happened; else derived from what the
 * one place saw and the round-trip time. ns 0: not known at all.
 */
struct point {
	uint64_t ns;
	bool exact;
};

/* What phases are made of, and where the last of them ended. */
struct model {
	struct handshake *handshake;
	const struct timeline *timeline;
	size_t count;		  /* flights that matter */
	bool open;		  /* the last of them waits for an answer */
	enum handshake_end place; /* what is not known of an end is derived from here */
	bool reaches[2];	  /* the way from there to this end is known: */
	uint64_t way_ns[2];	  /* so long, one way */
	struct point cursor;
	uint64_t end_ns;
};

static const struct stretch *stretch_at(const struct model *model, size_t flight,
					enum handshake_end place)
{
	static const struct stretch nothing;
	const struct flight_times *times = model->timeline->at[place];

	return times && flight < model->count ? &times->flights[flight] : &nothing;
}

static const struct stretch *seen(const struct model *model, size_t flight)
{
	return stretch_at(model, flight, model->place);
}

static enum handshake_end sender_of(const struct model *model, size_t flight)
{
	return model->timeline->flights->list[flight].from;
}

static bool is_hello(const struct model *model, size_t flight)
{
	return model->timeline->flights->list[flight].hello;
}

static bool is_local(const struct model *model, enum handshake_end end)
{
	return model->timeline->at[end] != NULL;
}

/* A capture's clock may begin at 0. */
static uint64_t time_before(uint64_t ns, uint64_t way_ns)
{
	return ns > way_ns ? ns - way_ns : ns;
}

/* When a flight's first or last byte left its sender or reached its receiver. */
static struct point point_of(const struct model *model, size_t flight, enum handshake_end end,
			     bool last)
{
	const struct stretch *exact = stretch_at(model, flight, end), *other = seen(model, flight);
	uint64_t ns = last ? other->last_ns : other->first_ns, way_ns;

	if (exact->first_ns)
		return (struct point){last ? exact->last_ns : exact->first_ns, true};
	if (!ns || !model->reaches[end])
		return (struct point){0, false};
	way_ns = model->way_ns[end];
	if (sender_of(model, flight) != end)
		return (struct point){ns + way_ns, false};
	return (struct point){time_before(ns, way_ns), false};
}

static struct point sent(const struct model *model, size_t flight, bool last)
{
	return point_of(model, flight, sender_of(model, flight), last);
}

static struct point received(const struct model *model, size_t flight)
{
	return point_of(model, flight, !sender_of(model, flight), true);
}

/* One more at the end of the list. NULL: it is full, or out of memory. */
static struct phase *phase_new(struct latency *latency)
{
	size_t capacity = latency->phase_count + PHASES_STEP;
	struct phase *grown;

	if (latency->phase_count == HANDSHAKE_PHASES_MAX)
		return NULL;
	if (latency->phase_count % PHASES_STEP == 0) {
		grown = realloc(latency->phases, capacity * sizeof(*grown));
		if (!grown)
			return NULL;
		latency->phases = grown;
	}
	latency->phases[latency->phase_count] = (struct phase){};
	return &latency->phases[latency->phase_count++];
}

/* What has no room of its own: the last phase takes it in and says nothing any more. */
static void last_extend(struct latency *latency, uint64_t until_ns)
{
	struct phase *last;

	if (!latency->phase_count)
		return;
	last = &latency->phases[latency->phase_count - 1];
	last->kind = PHASE_UNKNOWN;
	last->side = END_UNKNOWN;
	last->duration_ns = until_ns - last->start_ns;
}

/*
 * The next phase, from where the last one ended. One that ended before then takes no time; one of
 * which the end is not known is left to what comes next.
 */
static void phase_add(struct model *model, enum phase_kind kind, enum handshake_end side,
		      struct point until, bool measured)
{
	struct latency *latency = &model->handshake->latency;
	struct phase *phase;

	if (!until.ns || model->cursor.ns >= model->end_ns)
		return;
	if (until.ns > model->end_ns)
		until.ns = model->end_ns;
	if (until.ns < model->cursor.ns)
		until.ns = model->cursor.ns;
	phase = phase_new(latency);
	if (!phase) {
		last_extend(latency, until.ns);
		model->cursor = until;
		return;
	}
	phase->kind = kind;
	phase->side = side;
	phase->start_ns = model->cursor.ns;
	phase->duration_ns = until.ns - model->cursor.ns;
	phase->estimated = !measured;
	model->cursor = until;
}

static void phase_between(struct model *model, enum phase_kind kind, enum handshake_end side,
			  struct point until)
{
	phase_add(model, kind, side, until, model->cursor.exact && until.exact);
}

static void unknown_add(struct model *model, uint64_t until_ns)
{
	struct latency *latency = &model->handshake->latency;
	struct phase *last =
		latency->phase_count ? &latency->phases[latency->phase_count - 1] : NULL;

	if (until_ns <= model->cursor.ns)
		return;
	if (!last || last->kind != PHASE_UNKNOWN) {
		phase_add(model, PHASE_UNKNOWN, END_UNKNOWN, (struct point){until_ns, true}, true);
		return;
	}
	if (until_ns > model->end_ns)
		until_ns = model->end_ns;
	model->cursor = (struct point){until_ns, true};
	last->duration_ns = until_ns - last->start_ns;
}

/*
 * Since a flight's first byte came in: the first read. Programs read a record's header and body
 * one after the other, and work between records: from the first on they are awake.
 */
static uint64_t first_read(const struct model *model, enum handshake_end end, size_t flight)
{
	const struct endpoint *endpoint = &model->handshake->ends[end];
	const struct stretch *in = stretch_at(model, flight, end);
	size_t i;

	/* A UDP socket has many peers: its reads may be of others' packets. */
	if (model->handshake->transport != TRANSPORT_TCP || !in->first_ns)
		return 0;
	for (i = 0; i < endpoint->read_count; i++)
		if (endpoint->reads_ns[i] >= in->first_ns)
			return endpoint->reads_ns[i];
	return 0;
}

/* When this end took up the flight: not before the flight was all there. */
static struct point taken_up(const struct model *model, enum handshake_end end, size_t flight)
{
	const struct stretch *in = stretch_at(model, flight, end);
	uint64_t read_ns = first_read(model, end, flight);

	if (!read_ns)
		return (struct point){0, false};
	return (struct point){read_ns > in->last_ns ? read_ns : in->last_ns, true};
}

/* What an end does lasts until its next flight, or until the handshake is over. */
static struct point work_end(const struct model *model, size_t flight, bool last)
{
	if (flight + 1 < model->count)
		return sent(model, flight + 1, last);
	return (struct point){model->end_ns, true};
}

/* So the kernel said, or it was the hello that made the connection: TCP_DEFER_ACCEPT, or the ACK
 * before it was lost. */
static bool accepted_later(const struct endpoint *server, const struct stretch *hello)
{
	return server->accepted_later ||
	       (hello->first_ns && server->established_ns > hello->first_ns);
}

/*
 * What lies between the hello and its reading. A server that has not accepted the connection
 * cannot read what is there. Where accept has no time but is known to have come later, all of it
 * counts as the queue: a server that accepts goes on to read.
 */
static void server_wait(struct model *model, size_t flight, struct point taken)
{
	const struct endpoint *server = &model->handshake->ends[END_SERVER];
	const struct stretch *in = stretch_at(model, flight, END_SERVER);
	struct point accepted = {in->last_ns, true};
	bool known = flight > 0 || server->accept_ns || server->accepted_before;

	if (!known && accepted_later(server, in)) {
		phase_add(model, PHASE_ACCEPT_QUEUE, END_SERVER, taken, false);
		return;
	}
	if (server->accept_ns > in->last_ns)
		accepted.ns = server->accept_ns;
	if (known && flight == 0)
		phase_between(model, PHASE_ACCEPT_QUEUE, END_SERVER, accepted);
	phase_add(model, PHASE_SERVER_WAKEUP, END_SERVER, taken,
		  known && model->cursor.exact && taken.exact);
}

static void server_work(struct model *model, size_t flight)
{
	struct point until = work_end(model, flight, false);
	struct point taken = taken_up(model, END_SERVER, flight);
	bool open = flight + 1 >= model->count;
	/* That nothing was read says something where reads are seen. */
	bool unread = open && model->handshake->transport == TRANSPORT_TCP;

	if (!is_hello(model, flight)) {
		phase_between(model, PHASE_SERVER_FINISH, END_SERVER,
			      work_end(model, flight, true));
		return;
	}
	if (is_local(model, END_SERVER) && (taken.ns || unread)) {
		/* Not read yet: it was not woken until the end. */
		server_wait(model, flight, taken.ns ? taken : until);
		if (taken.ns)
			phase_between(model, PHASE_SERVER_CRYPTO, END_SERVER, until);
	} else {
		phase_between(model, PHASE_SERVER, END_SERVER, until);
	}
	if (!open)
		phase_add(model, PHASE_SERVER_FLIGHT, END_SERVER, sent(model, flight + 1, true),
			  true);
}

/*
 * Its first part has left, and the last one has not: if that was written already, the client has
 * nothing to do with it. What it wrote behind its answer hides when it wrote that.
 */
static void answer_look(struct model *model, size_t flight)
{
	struct latency *latency = &model->handshake->latency;
	struct phase *phase =
		latency->phase_count ? &latency->phases[latency->phase_count - 1] : NULL;
	uint64_t written_ns = model->handshake->ends[END_CLIENT].last_write_ns;
	const struct stretch *out = stretch_at(model, flight + 1, END_CLIENT);

	if (!phase || model->handshake->transport != TRANSPORT_TCP || !out->first_ns ||
	    phase->kind != PHASE_CLIENT_CRYPTO ||
	    out->last_ns - out->first_ns <= phase->duration_ns / 2)
		return;
	phase->in_parts = !written_ns || written_ns >= out->last_ns;
	phase->held = !phase->in_parts && out->last_ns - written_ns > phase->duration_ns / 2;
}

static void client_work(struct model *model, size_t flight)
{
	struct point until = work_end(model, flight, true);
	struct point taken = taken_up(model, END_CLIENT, flight);
	bool again = flight + 1 < model->count && is_hello(model, flight + 1);
	bool finish = flight >= 2 && !is_hello(model, flight - 1);
	enum phase_kind kind = again ? PHASE_CLIENT_PREPARE : PHASE_CLIENT_CRYPTO;

	if (finish) {
		phase_between(model, PHASE_CLIENT_FINISH, END_CLIENT, until);
		return;
	}
	if (taken.ns) {
		phase_between(model, PHASE_CLIENT_WAKEUP, END_CLIENT, taken);
		phase_between(model, kind, END_CLIENT, until);
	} else {
		/* The wake-up is in it. */
		phase_add(model, kind, END_CLIENT, until, false);
	}
	answer_look(model, flight);
}

/* The way to one end is not known: of what lies beyond only the answer is. */
static void beyond(struct model *model, size_t flight)
{
	const struct stretch *next;

	if (flight + 1 >= model->count)
		return;
	next = seen(model, flight + 1);
	unknown_add(model, next->first_ns);
	if (sender_of(model, flight + 1) == END_SERVER && is_hello(model, flight))
		phase_add(model, PHASE_SERVER_FLIGHT, END_SERVER,
			  (struct point){next->last_ns, true}, true);
	else
		unknown_add(model, next->last_ns);
}

/* From one flight's last byte to that of the next. */
static void leg_add(struct model *model, size_t flight)
{
	bool finish =
		!is_hello(model, sender_of(model, flight) == END_CLIENT ? flight : flight - 1);
	struct point in = received(model, flight);

	if (!in.ns) {
		beyond(model, flight);
		return;
	}
	/* If when it was sent is not known, how long it took is not either. */
	if (sent(model, flight, true).ns)
		phase_between(model,
			      finish				       ? PHASE_FINISH_NETWORK
			      : sender_of(model, flight) == END_CLIENT ? PHASE_HELLO_NETWORK
								       : PHASE_REPLY_NETWORK,
			      END_UNKNOWN, in);
	else
		unknown_add(model, in.ns);
	if (sender_of(model, flight) == END_CLIENT)
		server_work(model, flight);
	else
		client_work(model, flight);
}

/* The time between is at most what the fastest answer from there took. */
static uint64_t answer_least(const struct model *model, enum handshake_end end, uint64_t rtt_ns)
{
	const struct stretch *question, *answer;
	size_t i;

	for (i = 0; i + 1 < model->count; i++) {
		question = seen(model, i);
		answer = seen(model, i + 1);
		if (sender_of(model, i + 1) != end || !question->first_ns || !answer->first_ns)
			continue;
		if (answer->first_ns < question->last_ns)
			return 0;
		if (answer->first_ns - question->last_ns < rtt_ns)
			rtt_ns = answer->first_ns - question->last_ns;
	}
	return rtt_ns;
}

static void way_set(struct model *model, enum handshake_end end, uint64_t sent_ns, uint64_t back_ns)
{
	model->reaches[end] = back_ns >= sent_ns;
	model->way_ns[end] = answer_least(model, end, back_ns - sent_ns) / 2;
}

/* How far away both ends are shows in how long their kernels took to answer each other's SYN. */
static void between_place(struct model *model)
{
	const struct flow_opening *opening = model->timeline->opening;

	if (!opening || !opening->answer_ns)
		return;
	way_set(model, END_SERVER, opening->syn_ns, opening->answer_ns);
	way_set(model, END_CLIENT, opening->answer_ns, opening->ack_ns);
	if (model->reaches[END_SERVER] && model->reaches[END_CLIENT])
		model->handshake->latency.rtt_us = (opening->ack_ns - opening->syn_ns) / US;
}

static void model_place(struct model *model)
{
	uint64_t rtt_ns = model->handshake->latency.rtt_us * US;
	enum handshake_end far;

	model->place = is_local(model, END_CLIENT)   ? END_CLIENT
		       : is_local(model, END_SERVER) ? END_SERVER
						     : END_UNKNOWN;
	if (model->place == END_UNKNOWN) {
		between_place(model);
		return;
	}
	far = !model->place;
	model->reaches[model->place] = true;
	model->reaches[far] = rtt_ns > 0;
	model->way_ns[far] = answer_least(model, far, rtt_ns) / 2;
}

static uint32_t rtt_of(const struct endpoint *end)
{
	return end->min_rtt_us ? end->min_rtt_us : end->srtt_us;
}

/* TLS 1.2 and before end with the server's Finished; the client may send before if it dares to. */
static bool ends_with_server(const struct model *model)
{
	const struct flights *flights = model->timeline->flights;

	return !tls_version_is_13(model->handshake->version) && !flights->false_start &&
	       flights->list[flights->count - 1].from == END_SERVER;
}

/* The flights behind which the client may send. */
static size_t flights_count(const struct model *model)
{
	const struct flights *flights = model->timeline->flights;
	size_t count = flights->count;

	if (model->handshake->outcome == HANDSHAKE_COMPLETED && !ends_with_server(model))
		while (count > 1 && flights->list[count - 1].from == END_SERVER)
			count--;
	return count;
}

static uint64_t model_end(const struct model *model)
{
	size_t last = model->count - 1;
	struct point end;

	if (model->handshake->outcome != HANDSHAKE_COMPLETED)
		return model->handshake->end_ns;
	if (sender_of(model, last) == END_CLIENT) {
		end = sent(model, last, true);
	} else {
		end = taken_up(model, END_CLIENT, last);
		if (!end.ns)
			end = received(model, last);
	}
	return end.ns ? end.ns : seen(model, last)->last_ns;
}

/* The connection was made for this handshake: nothing was read or written before it. */
static void connect_add(struct model *model)
{
	const struct endpoint *client = &model->handshake->ends[END_CLIENT];
	const struct endpoint *server = &model->handshake->ends[END_SERVER];
	const struct stretch *hello = seen(model, 0);
	struct point out = sent(model, 0, true);
	const struct flow_opening *opening = model->timeline->opening;
	uint64_t way_ns = model->way_ns[END_CLIENT];

	if (model->place == END_CLIENT && client->fresh && client->connect_ns) {
		model->cursor = (struct point){client->connect_ns, true};
		/* With Fast Open (RFC 7413) the hello goes along with the SYN. */
		if (client->established_ns && client->established_ns <= hello->first_ns)
			phase_between(model, PHASE_TCP_CONNECT, END_CLIENT,
				      (struct point){client->established_ns, true});
		phase_between(model, PHASE_CLIENT_PREPARE, END_CLIENT, out);
	} else if (model->place == END_SERVER && server->fresh && server->established_ns &&
		   server->established_ns <= hello->first_ns) {
		/* Its ACK was as long under way as its hello is: what lies between is the client's.
		 */
		model->cursor = (struct point){time_before(server->established_ns, way_ns), false};
		phase_add(model, PHASE_CLIENT_PREPARE, END_CLIENT,
			  (struct point){time_before(hello->first_ns, way_ns),
					 !model->reaches[END_CLIENT]},
			  false);
	} else if (model->place == END_UNKNOWN && opening && !opening->used && opening->ack_ns &&
		   opening->syn_ns < opening->ack_ns && opening->ack_ns <= hello->first_ns) {
		/* The client's SYN, ACK and hello are all as long under way. */
		model->cursor = (struct point){time_before(opening->syn_ns, way_ns), false};
		phase_add(model, PHASE_TCP_CONNECT, END_CLIENT,
			  (struct point){time_before(opening->ack_ns, way_ns), false}, false);
		phase_add(model, PHASE_CLIENT_PREPARE, END_CLIENT,
			  (struct point){time_before(hello->last_ns, way_ns),
					 !model->reaches[END_CLIENT]},
			  false);
	} else {
		model->cursor = sent(model, 0, false);
		if (!model->cursor.ns)
			model->cursor = (struct point){hello->first_ns, true};
	}
}

static uint32_t retransmissions(const struct timeline *timeline)
{
	static const enum handshake_end directions[] = {END_SERVER, END_CLIENT};
	uint32_t count = 0, most, place, i;

	/* What was sent again crosses several places, but where a packet is lost not all of them.
	 */
	for (i = 0; i < 2; i++) {
		for (most = 0, place = 0; place < 3; place++)
			if (timeline->at[place] &&
			    timeline->at[place]->repeated[directions[i]] > most)
				most = timeline->at[place]->repeated[directions[i]];
		count += most;
	}
	return count;
}

void latency_fill(struct handshake *handshake, const struct timeline *timeline)
{
	struct latency *latency = &handshake->latency;
	struct model model = {.handshake = handshake, .timeline = timeline};
	size_t i;

	free(latency->phases);
	memset(latency, 0, sizeof(*latency));
	latency->rtt_us = rtt_of(&handshake->ends[END_CLIENT]);
	if (!latency->rtt_us)
		latency->rtt_us = rtt_of(&handshake->ends[END_SERVER]);
	latency->retransmissions = retransmissions(timeline) +
				   handshake->ends[END_CLIENT].retransmitted +
				   handshake->ends[END_SERVER].retransmitted;
	if (handshake->outcome == HANDSHAKE_INCOMPLETE || !timeline->flights->count ||
	    timeline->flights->list[0].from != END_CLIENT)
		return;
	model.count = flights_count(&model);
	/* The client that completed it waits for nothing. */
	model.open = handshake->outcome != HANDSHAKE_COMPLETED ||
		     timeline->flights->list[model.count - 1].from == END_SERVER;
	/* Nor does anybody answer half a flight. */
	if (handshake->failure.kind != FAILURE_ALERT && handshake->outcome == HANDSHAKE_FAILED &&
	    handshake_is_mid_flight(handshake))
		model.open = false;
	model_place(&model);
	if (!seen(&model, 0)->first_ns)
		return;
	model.end_ns = model_end(&model);
	connect_add(&model);
	latency->start_ns = latency->phase_count ? latency->phases[0].start_ns : model.cursor.ns;
	if (model.end_ns < model.cursor.ns)
		model.end_ns = model.cursor.ns;
	for (i = 0; i + !model.open < model.count && !handshake->gap; i++)
		leg_add(&model, i);
	unknown_add(&model, model.end_ns);
	latency->end_ns = model.end_ns;
}
