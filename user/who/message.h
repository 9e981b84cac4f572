/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tlstrace and its helper process say to each other: a question, and the answer to it. Each is
 * one packet of a socket (SOCK_SEQPACKET) between processes of one executable.
 */
#ifndef TLSTRACE_MESSAGE_H
#define TLSTRACE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "who/container.h"
#include "who/container_lookup.h"

/* All texts of an answer: of CONTAINER_LABELS_MAX labels, and of a container itself. */
#define ANSWER_MAX (160 << 10)

struct message_question {
	uint32_t ticket; /* the answer has the same */
	struct container_question about;
};

struct message_answer {
	uint32_t ticket;
	uint32_t user; /* whose runtimes know it; 0 root's */
	bool found;
	struct container_details details; /* the caller's */
};

/* How many bytes of a question are sent. */
size_t message_question_size(const struct message_question *question);
/* Is this a whole question? Its text ends within it. */
bool message_question_is(const struct message_question *question, size_t length);
/* Returns its length. What has no room is left out. */
size_t message_answer_write(const struct message_answer *answer, char packet[ANSWER_MAX]);
/* Whatever a worker wrote, it is the answer to this question, and that user's. False if
 * it is no answer. */
bool message_answer_stamp(char *packet, size_t length, uint32_t ticket, uint32_t user);
/* The helper reads what anybody wrote, so nothing in its answer is taken for granted. False if it
 * is no answer, or there is no memory; then it has no details. */
bool message_answer_read(const char *packet, size_t length, struct message_answer *answer);

#endif
