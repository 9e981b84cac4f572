/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flights: what one end sends before it waits for the other (RFC 5246 section 7.3). Which messages
 * belong to which, and when each was seen at each place.
 */
#ifndef TLSTRACE_FLIGHTS_H
#define TLSTRACE_FLIGHTS_H

#include "flow/flow.h"
#include "handshake/handshake.h"

#define FLIGHTS_MAX 8
#define FLIGHT_NONE 0xff

/* A handshake's flights, and of each end's nth message its flight: the same at all places. */
struct flights {
	struct {
		enum handshake_end from;
		bool hello; /* brings a ClientHello */
	} list[FLIGHTS_MAX];
	size_t count;
	uint8_t of[2][HANDSHAKE_MESSAGES_MAX];
	bool false_start; /* the client sent data before the server's Finished (RFC 7918) */
};

/* When the first and the last byte were seen; 0: not seen. */
struct stretch {
	uint64_t first_ns, last_ns;
};

/* What one place saw. */
struct flight_times {
	struct stretch flights[FLIGHTS_MAX];
	/* Per direction: the latest message's flight is over when the stream has reached its end.
	 */
	struct {
		uint8_t flight;
		uint64_t end;
	} waiting[2];
	uint64_t passed[2];   /* where the latest message of each direction's flights ends; 0: not
				 known */
	uint32_t repeated[2]; /* segments with bytes that had crossed here before */
};

/*
 * The nth message of its sender, which was applied to the handshake just now: to which flight it
 * belongs. was_pending: the outcome was not known before it.
 */
void flights_place(struct flights *flights, const struct handshake *handshake,
		   const struct flow_message *message, unsigned int n, bool was_pending);
/* The end of a connection (FIN, RST) while the handshake was under way is a flight too. */
uint8_t flights_end(struct flights *flights, enum handshake_end from);
void flight_times_init(struct flight_times *times);
/* The sender's nth message was seen at a place. */
void flight_times_message(struct flight_times *times, const struct flights *flights,
			  const struct flow_message *message, unsigned int n);
/* The segment that the messages came in, behind them. pending: the outcome is not known yet. */
void flight_times_segment(struct flight_times *times, const struct flow *flow,
			  const struct tlstrace_packet_event *event, bool pending);
void flight_times_end(struct flight_times *times, uint8_t flight, uint64_t time_ns);

#endif
