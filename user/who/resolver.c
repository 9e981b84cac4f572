// SPDX-License-Identifier: BSD-2-Clause
#include "who/resolver.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "who/message.h"
#include "who/supervisor.h"

#define WAITING_MAX 256

struct resolver {
	pid_t helper;
	int socket;	/* -1: the helper is gone */
	uint32_t asked; /* questions so far */
	size_t waiting; /* asked, not answered */
	/* By the ticket modulo its size. */
	struct {
		uint32_t ticket;
		struct container *container; /* NULL: nothing is asked */
	} questions[WAITING_MAX];
	char packet[ANSWER_MAX];
};

struct resolver *resolver_start(void)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	int sockets[2];

	if (!resolver || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets)) {
		free(resolver);
		return NULL;
	}
	resolver->helper = fork();
	if (resolver->helper == 0)
		supervisor_run(sockets[1]);
	close(sockets[1]);
	resolver->socket = sockets[0];
	if (resolver->helper > 0)
		return resolver;
	close(sockets[0]);
	free(resolver);
	return NULL;
}

void resolver_end(struct resolver *resolver)
{
	size_t i;

	if (!resolver)
		return;
	/* It opens nothing that could keep it from ending. */
	kill(resolver->helper, SIGKILL);
	while (waitpid(resolver->helper, NULL, 0) < 0 && errno == EINTR)
		;
	if (resolver->socket >= 0)
		close(resolver->socket);
	for (i = 0; i < WAITING_MAX; i++)
		container_put(resolver->questions[i].container);
	free(resolver);
}

bool resolver_ask(struct resolver *resolver, struct container *container,
		  const struct container_question *about)
{
	static struct message_question question;
	size_t slot = resolver->asked % WAITING_MAX;

	if (resolver->socket < 0 || resolver->questions[slot].container)
		return false;
	question.ticket = resolver->asked;
	question.about = *about;
	if (send(resolver->socket, &question, message_question_size(&question),
		 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return false;
	resolver->questions[slot].ticket = resolver->asked++;
	resolver->questions[slot].container = container_get(container);
	resolver->waiting++;
	return true;
}

static bool question_end(struct resolver *resolver, size_t slot, struct resolver_answer *answer)
{
	answer->container = resolver->questions[slot].container;
	resolver->questions[slot].container = NULL;
	resolver->waiting--;
	return true;
}

/* The helper is gone, and with it all answers. */
static bool answer_missing(struct resolver *resolver, struct resolver_answer *answer)
{
	size_t slot;

	if (resolver->socket >= 0)
		close(resolver->socket);
	resolver->socket = -1;
	for (slot = 0; slot < WAITING_MAX; slot++)
		if (resolver->questions[slot].container)
			return question_end(resolver, slot, answer);
	return false;
}

bool resolver_take(struct resolver *resolver, struct resolver_answer *answer)
{
	struct message_answer message;
	ssize_t length;
	size_t slot;

	*answer = (struct resolver_answer){};
	if (!resolver->waiting)
		return false;
	length = recv(resolver->socket, resolver->packet, sizeof(resolver->packet), MSG_DONTWAIT);
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (length <= 0)
		return answer_missing(resolver, answer);
	message_answer_read(resolver->packet, (size_t)length, &message);
	slot = message.ticket % WAITING_MAX;
	if (!resolver->questions[slot].container ||
	    resolver->questions[slot].ticket != message.ticket) {
		container_details_clear(&message.details);
		return false;
	}
	answer->found = message.found;
	answer->user = message.user;
	answer->details = message.details;
	return question_end(resolver, slot, answer);
}

bool resolver_wait(struct resolver *resolver, unsigned int milliseconds)
{
	struct pollfd readable = {.fd = resolver->socket, .events = POLLIN};

	return resolver->waiting &&
	       (resolver->socket < 0 || poll(&readable, 1, (int)milliseconds) > 0);
}
