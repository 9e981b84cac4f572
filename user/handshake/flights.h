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

/* Resends of one flight that are kept; of more, the first and the latest. */
#define RESENDS_MAX 4

/* A flight as one place saw it. Times are 0 if that was not seen. */
struct stretch {
	uint64_t first_ns;   /* its first byte */
	uint64_t last_ns;    /* its last byte for the first time, whatever is missing before it */
	uint64_t whole_ns;   /* nothing of it is missing any more */
	uint64_t hole_ns;    /* a segment came, and one before it had not come yet */
	uint64_t acked_ns;   /* the other end acknowledged all of it */
	uint64_t begin, end; /* TCP: positions in the stream */
	uint64_t resent_ns[RESENDS_MAX]; /* some of it was sent again */
	uint8_t resends;
};

/* Bytes that have not come though later ones have. */
struct hole {
	uint64_t begin, end;
};

#define HOLES_MAX 8
#define MARKS_MAX 16

/* One direction of a TCP connection at one place. Positions in the stream. */
struct wire {
	uint64_t read;	  /* all messages before it were delivered */
	uint64_t highest; /* one more than the last byte that was seen */
	struct hole holes[HOLES_MAX];
	uint64_t hole_ns; /* when the first of them was noticed */
	/* The latest times at which it grew. */
	struct {
		uint64_t end, time_ns;
	} marks[MARKS_MAX];
	uint8_t hole_count, mark_next;
	uint32_t resent; /* segments that were sent again */
	uint32_t filled; /* segments that filled a hole */
};

/* What one place saw. */
struct flight_times {
	struct stretch flights[FLIGHTS_MAX];
	struct wire wires[2]; /* by enum handshake_end of the sender */
};

/*
 * The nth message of its sender, which was applied to the handshake just now: to which flight it
 * belongs. was_pending: the outcome was not known before it.
 */
void flights_place(struct flights *flights, const struct handshake *handshake,
		   const struct flow_message *message, unsigned int n, bool was_pending);
/* The end of a connection (FIN, RST) while the handshake was under way is a flight too. */
uint8_t flights_end(struct flights *flights, enum handshake_end from);
/* The sender's nth message was seen at a place. */
void flight_times_message(struct flight_times *times, const struct flights *flights,
			  const struct flow_message *message, unsigned int n);
/* The segment that the messages came in, after them. pending: the outcome is not known yet. */
void flight_times_segment(struct flight_times *times, const struct flights *flights,
			  const struct flow *flow, const struct tlstrace_packet_event *event,
			  bool pending);
void flight_times_end(struct flight_times *times, uint8_t flight, uint64_t time_ns);

#endif
