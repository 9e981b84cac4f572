// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/model.h"

#define US 1000ULL
#define MS 1000000ULL
/* Segments overtake each other by less than this; what was lost takes longer to come again. */
#define OVERTAKEN_NS (3 * MS)

const struct stretch *model_stretch(const struct model *model, size_t flight,
				    enum handshake_end place)
{
	static const struct stretch nothing;
	const struct flight_times *times = model->timeline->at[place];

	return times && flight < model->count ? &times->flights[flight] : &nothing;
}

const struct stretch *model_seen(const struct model *model, size_t flight)
{
	return model_stretch(model, flight, model->place);
}

enum handshake_end model_sender(const struct model *model, size_t flight)
{
	return model->timeline->flights->list[flight].from;
}

bool model_is_hello(const struct model *model, size_t flight)
{
	return model->timeline->flights->list[flight].hello;
}

bool model_is_local(const struct model *model, enum handshake_end end)
{
	return model->timeline->at[end] != NULL;
}

uint64_t time_before(uint64_t ns, uint64_t way_ns)
{
	return ns > way_ns ? ns - way_ns : ns;
}

/* What was seen at the place happened so much earlier at its sender. */
static struct point sender_point(const struct model *model, size_t flight, uint64_t ns)
{
	enum handshake_end sender = model_sender(model, flight);

	if (!ns || !model->reaches[sender])
		return (struct point){0, false};
	return (struct point){time_before(ns, model->way_ns[sender]), false};
}

struct point model_sent(const struct model *model, size_t flight, bool last)
{
	const struct stretch *exact = model_stretch(model, flight, model_sender(model, flight));
	const struct stretch *other = model_seen(model, flight);

	if (exact->first_ns)
		return (struct point){last ? exact->last_ns : exact->first_ns, true};
	return sender_point(model, flight, last ? other->last_ns : other->first_ns);
}

/* The first sign at this place that all of the flight had arrived. */
static uint64_t answered_ns(const struct model *model, size_t flight, const struct stretch *stretch,
			    enum handshake_end place)
{
	uint64_t next_ns = model_stretch(model, flight + 1, place)->first_ns;
	uint64_t acked_ns = stretch->acked_ns;

	return acked_ns && (!next_ns || acked_ns < next_ns) ? acked_ns : next_ns;
}

/* The latest of what was sent again that can have caused what came by then; 0: none did. */
static uint64_t resend_before(const struct stretch *stretch, uint64_t ns)
{
	uint64_t found = 0;

	for (size_t i = 0; i < stretch->resends; i++)
		if ((!ns || stretch->resent_ns[i] < ns) && stretch->resent_ns[i] > found)
			found = stretch->resent_ns[i];
	return found;
}

/* Seen on its way from the sender to the place: at the place's time. */
static uint64_t resend_seen(const struct model *model, size_t flight, enum handshake_end place)
{
	enum handshake_end sender = model_sender(model, flight);
	const struct stretch *stretch = model_stretch(model, flight, place);
	uint64_t there_ns = model_stretch(model, flight, !sender)->whole_ns, back_ns;

	if (there_ns)
		return resend_before(stretch, there_ns);
	/* An answer that comes sooner than a round trip after it is one to the first copy. */
	back_ns = 2 * model->way_ns[!sender] * 9 / 10;
	return resend_before(stretch,
			     time_before(answered_ns(model, flight, stretch, place), back_ns));
}

struct point model_resent(const struct model *model, size_t flight)
{
	enum handshake_end sender = model_sender(model, flight);
	const struct stretch *seen = model_seen(model, flight);
	uint64_t resent_ns;

	if (model_is_local(model, sender))
		return (struct point){resend_seen(model, flight, sender), true};
	/* It was lost before it came here, */
	if (seen->hole_ns && seen->whole_ns > seen->hole_ns + OVERTAKEN_NS)
		return sender_point(model, flight, seen->whole_ns);
	/* or behind here. */
	if (model->place == END_UNKNOWN) {
		resent_ns = resend_seen(model, flight, END_UNKNOWN);
		return sender_point(model, flight, resent_ns);
	}
	return (struct point){0, false};
}

struct point model_received(const struct model *model, size_t flight)
{
	enum handshake_end sender = model_sender(model, flight), receiver = !sender;
	const struct stretch *exact = model_stretch(model, flight, receiver);
	const struct stretch *seen = model_seen(model, flight);
	uint64_t ns, resent_ns;

	if (exact->first_ns)
		return (struct point){exact->whole_ns, true};
	if (!seen->whole_ns || !model->reaches[receiver])
		return (struct point){0, false};
	ns = seen->whole_ns;
	resent_ns = resend_seen(model, flight, model->place);
	if (resent_ns > ns)
		ns = resent_ns;
	return (struct point){ns + model->way_ns[receiver], false};
}

uint64_t model_slack(const struct model *model, size_t flight)
{
	enum handshake_end sender = model_sender(model, flight);
	enum handshake_end place = model_is_local(model, sender) ? sender : model->place;
	const struct stretch *stretch = model_stretch(model, flight, place);
	uint64_t left_ns = resend_seen(model, flight, place), way_ns = model->way_ns[!sender];

	if (!stretch->acked_ns || place == !sender)
		return UINT64_MAX;
	if (left_ns < stretch->last_ns)
		left_ns = stretch->last_ns;
	return stretch->acked_ns > left_ns + 2 * way_ns ? stretch->acked_ns - left_ns - 2 * way_ns
							: 0;
}

/* The time between is at most what the fastest answer from there took. */
static uint64_t answer_least(const struct model *model, enum handshake_end end, uint64_t rtt_ns)
{
	const struct stretch *question, *answer;

	for (size_t i = 0; i + 1 < model->count; i++) {
		question = model_seen(model, i);
		answer = model_seen(model, i + 1);
		if (model_sender(model, i + 1) != end || !question->last_ns || !answer->first_ns)
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
	/* Its ACK was lost: the client answered with its hello, when that was ready. */
	if (opening->ack_ns >= model_seen(model, 0)->first_ns && model->reaches[END_CLIENT])
		model->spare_ns = opening->ack_ns - opening->answer_ns;
	if (model->reaches[END_SERVER] && model->reaches[END_CLIENT])
		model->handshake->latency.rtt_us = (opening->ack_ns - opening->syn_ns) / US;
}

uint64_t model_established(const struct model *model)
{
	const struct flow_opening *opening = model->timeline->opening;
	uint64_t way_ns = model->way_ns[END_CLIENT];

	/* The ACK was lost: the hello is the first that acknowledges the SYN-ACK. */
	if (opening->answer_ns && opening->ack_ns >= model_seen(model, 0)->first_ns)
		return opening->answer_ns + way_ns;
	return time_before(opening->ack_ns, way_ns);
}

void model_place(struct model *model)
{
	uint64_t rtt_ns = model->handshake->latency.rtt_us * US;
	enum handshake_end far;

	model->place = model_is_local(model, END_CLIENT)   ? END_CLIENT
		       : model_is_local(model, END_SERVER) ? END_SERVER
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
