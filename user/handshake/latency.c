// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/latency.h"

#include <stdlib.h>
#include <string.h>

#include "handshake/cause.h"
#include "handshake/model.h"
#include "handshake/slow.h"
#include "tls/hello.h"

#define US 1000ULL
/* A handshake of TLS 1.3 has ten at most. */
#define PHASES_STEP 12
/* A server that takes no longer has answered at once. */
#define AT_ONCE_NS (10 * 1000 * US)

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

/* Until what was lost was sent again. */
static void lost_add(struct model *model, enum phase_kind kind, struct point until)
{
	struct latency *latency = &model->handshake->latency;
	size_t count = latency->phase_count;

	if (until.ns <= model->cursor.ns)
		return;
	phase_between(model, kind, END_UNKNOWN, until);
	if (latency->phase_count > count)
		latency->phases[count].lost = true;
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
	const struct stretch *in = model_stretch(model, flight, end);
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
	const struct stretch *in = model_stretch(model, flight, end);
	uint64_t read_ns = first_read(model, end, flight);

	if (!read_ns)
		return (struct point){0, false};
	return (struct point){read_ns > in->whole_ns ? read_ns : in->whole_ns, true};
}

/* What an end does lasts until its next flight, or until the handshake is over. */
static struct point work_end(const struct model *model, size_t flight, bool last)
{
	if (flight + 1 < model->count)
		return model_sent(model, flight + 1, last);
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
	const struct stretch *in = model_stretch(model, flight, END_SERVER);
	struct point accepted = {in->whole_ns, true};
	bool known = flight > 0 || server->accept_ns || server->accepted_before;

	if (!known && accepted_later(server, in)) {
		phase_add(model, PHASE_ACCEPT_QUEUE, END_SERVER, taken, false);
		return;
	}
	if (server->accept_ns > in->whole_ns)
		accepted.ns = server->accept_ns;
	if (known && flight == 0)
		phase_between(model, PHASE_ACCEPT_QUEUE, END_SERVER, accepted);
	phase_add(model, PHASE_SERVER_WAKEUP, END_SERVER, taken,
		  known && model->cursor.exact && taken.exact);
}

/* A server that asks for proof of the client's address: RFC 9000 section 8.1.2. */
static bool has_retry(const struct handshake *handshake)
{
	for (size_t i = 0; i < handshake->message_count; i++)
		if (handshake->messages[i].kind == MESSAGE_QUIC_RETRY)
			return true;
	return false;
}

/* From the server's first byte to its last: as it was sent, or as it came from afar. */
static void flight_add(struct model *model, struct point until)
{
	phase_add(model, PHASE_SERVER_FLIGHT, END_SERVER, until, model_is_local(model, END_SERVER));
}

static void server_work(struct model *model, size_t flight)
{
	struct point until = work_end(model, flight, false);
	struct point taken = taken_up(model, END_SERVER, flight);
	bool open = flight + 1 >= model->count;
	/* That nothing was read says something where reads are seen. */
	bool unread = open && model->handshake->transport == TRANSPORT_TCP;

	if (!model_is_hello(model, flight)) {
		phase_between(model, PHASE_SERVER_FINISH, END_SERVER,
			      work_end(model, flight, true));
		return;
	}
	if (model_is_local(model, END_SERVER) && (taken.ns || unread)) {
		/* Not read yet: it was not woken until the end. */
		server_wait(model, flight, taken.ns ? taken : until);
		if (taken.ns)
			phase_between(model, PHASE_SERVER_CRYPTO, END_SERVER, until);
	} else if (flight == 0 && has_retry(model->handshake)) {
		/* In it is a round trip that the Retry asks for. */
		unknown_add(model, until.ns);
	} else {
		phase_between(model, PHASE_SERVER, END_SERVER, until);
	}
	if (!open)
		flight_add(model, model_sent(model, flight + 1, true));
}

/*
 * Its first part has left, and the last one has not: if that was written already, the client has
 * nothing to do with it. If it wrote more after its answer, the time of the answer is not known.
 */
static void answer_look(struct model *model, size_t flight)
{
	struct latency *latency = &model->handshake->latency;
	struct phase *phase =
		latency->phase_count ? &latency->phases[latency->phase_count - 1] : NULL;
	uint64_t written_ns = model->handshake->ends[END_CLIENT].last_write_ns;
	const struct stretch *out = model_stretch(model, flight + 1, END_CLIENT);

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
	bool again = flight + 1 < model->count && model_is_hello(model, flight + 1);
	bool finish = flight >= 2 && !model_is_hello(model, flight - 1);
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
	next = model_seen(model, flight + 1);
	unknown_add(model, next->first_ns);
	if (model_sender(model, flight + 1) == END_SERVER && model_is_hello(model, flight))
		flight_add(model, (struct point){next->last_ns, true});
	else
		unknown_add(model, next->last_ns);
}

/* An estimate of what an end did that is elsewhere: it may as well be the way's. */
static bool is_far(const struct model *model, const struct phase *phase)
{
	return phase->estimated && !model_is_local(model, phase->side);
}

static uint64_t phases_far(const struct model *model, size_t from)
{
	const struct latency *latency = &model->handshake->latency;
	uint64_t sum = 0;

	for (size_t i = from; i < latency->phase_count; i++)
		sum += is_far(model, &latency->phases[i]) ? latency->phases[i].duration_ns : 0;
	return sum;
}

/* Where an end is here and only its wake-up cannot be told from its work, nothing is off. */
static bool is_exact_sum(const struct model *model, const struct phase *phase)
{
	return model_is_local(model, phase->side) && phase->kind == PHASE_CLIENT_CRYPTO;
}

/*
 * Of what an end sent again it knows that it was not acknowledged. Had the answer not come at once,
 * the acknowledgement may be what was lost.
 */
static uint64_t phases_lost(const struct model *model, size_t from, size_t flight)
{
	const struct latency *latency = &model->handshake->latency;
	uint64_t sum = 0;

	if (model_is_local(model, !model_sender(model, flight)))
		return 0;
	for (size_t i = from; i < latency->phase_count; i++)
		sum += latency->phases[i].lost ? latency->phases[i].duration_ns : 0;
	return sum;
}

static uint64_t add_known(uint64_t a, uint64_t b)
{
	return a == UINT64_MAX || b == UINT64_MAX ? UINT64_MAX : a + b;
}

/*
 * How far off the estimates of a leg may be. What is seen of an end that is elsewhere is an answer
 * that came late: whether the end took so long, or what it received or sent was lost or waited on
 * the way, is not. So the end's share may be anything from nothing on, the way's so much more.
 */
static void errors_fill(struct model *model, size_t flight, size_t network, size_t work)
{
	struct latency *latency = &model->handshake->latency;
	uint64_t far_ns = phases_far(model, work), slack_ns = model_slack(model, flight);
	uint64_t way_ns = model->way_ns[END_CLIENT] + model->way_ns[END_SERVER];
	uint64_t lost_ns = far_ns > AT_ONCE_NS ? phases_lost(model, network, flight) : 0;
	uint64_t network_ns;

	/* Nobody has said yet that the last flight arrived: there is no bound. */
	if (slack_ns > far_ns && flight + 1 < model->count)
		slack_ns = far_ns;
	network_ns = add_known(add_known(way_ns + model->spare_ns + lost_ns, slack_ns),
			       model->before_ns);
	for (size_t i = network; i < latency->phase_count; i++) {
		struct phase *phase = &latency->phases[i];

		phase->estimated |= phase->lost && lost_ns;
		if (!phase->estimated || is_exact_sum(model, phase))
			continue;
		phase->error_ns =
			i < work ? network_ns : phase->duration_ns + lost_ns + model->spare_ns;
	}
	model->before_ns = far_ns;
}

/* From one flight's last byte to that of the next. */
static void leg_add(struct model *model, size_t flight)
{
	size_t begin = model->handshake->latency.phase_count, work;
	bool finish = !model_is_hello(
		model, model_sender(model, flight) == END_CLIENT ? flight : flight - 1);
	struct point in = model_received(model, flight);
	enum phase_kind kind = finish					   ? PHASE_FINISH_NETWORK
			       : model_sender(model, flight) == END_CLIENT ? PHASE_HELLO_NETWORK
									   : PHASE_REPLY_NETWORK;

	if (!in.ns) {
		beyond(model, flight);
		return;
	}
	/* If when it was sent is not known, how long it took is not either. */
	if (model_sent(model, flight, true).ns) {
		lost_add(model, kind, model_resent(model, flight));
		phase_between(model, kind, END_UNKNOWN, in);
	} else {
		unknown_add(model, in.ns);
	}
	work = model->handshake->latency.phase_count;
	if (model_sender(model, flight) == END_CLIENT)
		server_work(model, flight);
	else
		client_work(model, flight);
	errors_fill(model, flight, begin, work);
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

/* The flights after which the client may send. */
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

	if (model->handshake->outcome == HANDSHAKE_INCOMPLETE)
		return model->handshake->last_ns;
	if (model->handshake->outcome != HANDSHAKE_COMPLETED)
		return model->handshake->end_ns;
	if (model_sender(model, last) == END_CLIENT) {
		end = model_sent(model, last, true);
	} else {
		end = taken_up(model, END_CLIENT, last);
		if (!end.ns)
			end = model_received(model, last);
	}
	return end.ns ? end.ns : model_seen(model, last)->whole_ns;
}

/* The connection was made for this handshake: nothing was read or written before it. */
static void connect_add(struct model *model)
{
	const struct endpoint *client = &model->handshake->ends[END_CLIENT];
	const struct endpoint *server = &model->handshake->ends[END_SERVER];
	const struct stretch *hello = model_seen(model, 0);
	struct point out = model_sent(model, 0, true);
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
			  (struct point){model_established(model), false}, false);
		phase_add(model, PHASE_CLIENT_PREPARE, END_CLIENT,
			  (struct point){time_before(hello->last_ns, way_ns),
					 !model->reaches[END_CLIENT]},
			  false);
	} else {
		model->cursor = model_sent(model, 0, false);
		/* How long the client had been ready to send it is not known. */
		if (!model->cursor.exact)
			model->before_ns = UINT64_MAX;
		if (!model->cursor.ns)
			model->cursor = (struct point){hello->first_ns, true};
	}
}

static void connect_errors_fill(struct model *model)
{
	struct latency *latency = &model->handshake->latency;
	uint64_t way_ns = model->way_ns[END_CLIENT] + model->way_ns[END_SERVER];

	for (size_t i = 0; i < latency->phase_count; i++) {
		struct phase *phase = &latency->phases[i];

		if (!phase->estimated)
			continue;
		phase->error_ns = model->spare_ns +
				  (phase->kind == PHASE_TCP_CONNECT ? way_ns : phase->duration_ns);
		if (phase->kind == PHASE_CLIENT_PREPARE)
			model->before_ns = phase->duration_ns;
	}
}

/* Segments that an end sent again, where that is seen best. */
static uint32_t resent_by(const struct model *model, enum handshake_end from)
{
	const struct timeline *timeline = model->timeline;
	enum handshake_end place = model_is_local(model, from) ? from : model->place;
	const struct wire *wire;
	uint32_t count;

	if (!timeline->at[place])
		return 0;
	wire = &timeline->at[place]->wires[from];
	count = wire->resent;
	/* What was lost before it came here. */
	for (size_t i = 0; place != from && i < model->count; i++)
		if (model_sender(model, i) == from && model_resent(model, i).ns &&
		    model_seen(model, i)->hole_ns)
			return count + wire->filled;
	return count;
}

/* A SYN-ACK that is lost makes both ends send again: it is one loss. */
static uint32_t resent_before(const struct handshake *handshake)
{
	uint32_t syns = handshake->ends[END_CLIENT].retransmitted;
	uint32_t answers = handshake->ends[END_SERVER].retransmitted;

	return syns > answers ? syns : answers;
}

void latency_fill(struct handshake *handshake, const struct timeline *timeline)
{
	struct latency *latency = &handshake->latency;
	struct model model = {.handshake = handshake, .timeline = timeline};
	bool is_known;
	size_t i;

	free(latency->phases);
	memset(latency, 0, sizeof(*latency));
	latency->rtt_us = rtt_of(&handshake->ends[END_CLIENT]);
	if (!latency->rtt_us)
		latency->rtt_us = rtt_of(&handshake->ends[END_SERVER]);
	latency->retransmissions = resent_before(handshake);
	if (!timeline->flights->count || timeline->flights->list[0].from != END_CLIENT)
		return;
	model.count = flights_count(&model);
	/* The client that completed it waits for nothing. */
	model.open = handshake->outcome == HANDSHAKE_FAILED ||
		     timeline->flights->list[model.count - 1].from == END_SERVER;
	if (handshake->outcome == HANDSHAKE_INCOMPLETE)
		model.open = false;
	/* Nor does anybody answer half a flight. */
	if (handshake->failure.kind != FAILURE_ALERT && handshake->outcome == HANDSHAKE_FAILED &&
	    handshake_is_mid_flight(handshake))
		model.open = false;
	model_place(&model);
	latency->retransmissions += resent_by(&model, END_CLIENT) + resent_by(&model, END_SERVER);
	if (!model_seen(&model, 0)->first_ns)
		return;
	model.end_ns = model_end(&model);
	is_known = model.end_ns && handshake->outcome != HANDSHAKE_INCOMPLETE;
	if (!model.end_ns)
		model.end_ns = handshake->end_ns;
	connect_add(&model);
	connect_errors_fill(&model);
	latency->start_ns = latency->phase_count ? latency->phases[0].start_ns : model.cursor.ns;
	if (model.end_ns < model.cursor.ns)
		model.end_ns = model.cursor.ns;
	for (i = 0; i + !model.open < model.count; i++)
		leg_add(&model, i);
	unknown_add(&model, model.end_ns);
	if (is_known)
		latency->end_ns = model.end_ns;
	slow_fill(&model);
	/* Of what was missed nobody knows what it would have told. */
	for (i = 0; handshake->gap && !handshake->gap_after && i < latency->phase_count; i++)
		latency->phases[i].estimated = true;
}
