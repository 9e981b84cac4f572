// SPDX-License-Identifier: BSD-2-Clause
#include "who/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "confine.h"
#include "who/message.h"
#include "who/worker.h"

/* A question to a worker. Each of the two sockets of runtimes may take half a second of it. */
#define QUESTION_MS 2000
/* A worker that was killed is replaced once in this time. */
#define RESTART_MS 1000
/* Workers for users are started with pauses of this length between them, however many processes a
 * user starts. */
#define PAUSE_MS 20
/* A user whose files did not answer is not asked about again for a while. */
#define REST_MS	    60000
#define RESTING_MAX 64
/* A question waits no longer for a worker. */
#define QUEUED_MS 5000
#define QUEUE_MAX 256
/* At a time: one for root's runtimes, and of each user one. Those that were killed and cannot end,
 * because they wait for a file system, count too. */
#define WORKERS_OF_ROOT 4
#define WORKERS_MAX	12

/* How often it looks whether a worker can be started, or one that was killed has ended. */
#define WAITING_POLL_MS 10
#define REAP_POLL_MS	200

#define MILLISECOND_NS 1000000LL

struct worker {
	pid_t pid;	  /* 0: not running */
	int socket;	  /* -1: it was killed and has not ended yet */
	uid_t user;	  /* 0: root's runtimes */
	int64_t until_ms; /* it must have answered by then; 0 it was not asked */
	struct message_question question;
};

struct waiting {
	uid_t user;	  /* whose runtimes are asked next */
	int64_t until_ms; /* after that the question is dropped */
	struct message_question question;
};

struct supervisor {
	int socket;
	struct worker workers[WORKERS_MAX];
	struct waiting *queue; /* QUEUE_MAX */
	size_t waiting;
	int64_t restart_ms; /* no worker for root's runtimes before */
	int64_t start_ms;   /* and none for a user's */
	struct {
		uid_t user;
		int64_t until_ms;
	} resting[RESTING_MAX];
};

static int64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000LL + time.tv_nsec / MILLISECOND_NS;
}

static bool rests(const struct supervisor *supervisor, uid_t user)
{
	size_t i;

	for (i = 0; i < RESTING_MAX; i++)
		if (supervisor->resting[i].user == user &&
		    now_ms() < supervisor->resting[i].until_ms)
			return true;
	return false;
}

/* The one that rests longest gives way. */
static void rest(struct supervisor *supervisor, uid_t user)
{
	size_t slot = 0, i;

	for (i = 1; i < RESTING_MAX; i++)
		if (supervisor->resting[i].until_ms < supervisor->resting[slot].until_ms)
			slot = i;
	supervisor->resting[slot].user = user;
	supervisor->resting[slot].until_ms = now_ms() + REST_MS;
}

static void answer_nothing(const struct supervisor *supervisor, uint32_t ticket)
{
	static char packet[ANSWER_MAX];
	const struct message_answer answer = {.ticket = ticket};

	send(supervisor->socket, packet, message_answer_write(&answer, packet), MSG_NOSIGNAL);
}

static void enqueue(struct supervisor *supervisor, const struct message_question *question,
		    uid_t user)
{
	struct waiting *waiting;

	if (supervisor->waiting == QUEUE_MAX || (user && rests(supervisor, user))) {
		answer_nothing(supervisor, question->ticket);
		return;
	}
	waiting = &supervisor->queue[supervisor->waiting++];
	waiting->user = user;
	waiting->until_ms = now_ms() + QUEUED_MS;
	waiting->question = *question;
}

/* Root's runtimes know nothing: those of the user who may have named it may. */
static void ask_next(struct supervisor *supervisor, const struct message_question *question)
{
	if (question->about.user)
		enqueue(supervisor, question, question->about.user);
	else
		answer_nothing(supervisor, question->ticket);
}

/* It died, or was killed. */
static void worker_lost(struct supervisor *supervisor, struct worker *worker)
{
	kill(worker->pid, SIGKILL);
	close(worker->socket);
	worker->socket = -1;
	if (!worker->user)
		supervisor->restart_ms = now_ms() + RESTART_MS;
	if (!worker->until_ms)
		return;
	worker->until_ms = 0;
	if (worker->user) {
		rest(supervisor, worker->user);
		answer_nothing(supervisor, worker->question.ticket);
	} else {
		ask_next(supervisor, &worker->question);
	}
}

static bool is_not_found(const char *packet, size_t length)
{
	struct message_answer answer;
	bool found = message_answer_read(packet, length, &answer) && answer.found;

	container_details_clear(&answer.details);
	return !found;
}

static void worker_answers(struct supervisor *supervisor, struct worker *worker)
{
	static char packet[ANSWER_MAX];
	ssize_t length = recv(worker->socket, packet, sizeof(packet), MSG_DONTWAIT);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length <= 0 || !worker->until_ms) {
		worker_lost(supervisor, worker);
		return;
	}
	worker->until_ms = 0;
	if (!worker->user && is_not_found(packet, (size_t)length)) {
		ask_next(supervisor, &worker->question);
		return;
	}
	if (message_answer_stamp(packet, (size_t)length, worker->question.ticket, worker->user))
		send(supervisor->socket, packet, (size_t)length, MSG_NOSIGNAL);
	else
		answer_nothing(supervisor, worker->question.ticket);
	if (worker->user) { /* it ends with its socket */
		close(worker->socket);
		worker->socket = -1;
	}
}

static bool worker_start(struct supervisor *supervisor, struct worker *worker, uid_t user)
{
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return false;
	*worker = (struct worker){.socket = sockets[0], .user = user};
	worker->pid = fork();
	if (worker->pid == 0) {
		/* Nothing but its own socket: not what others say, nor what tlstrace says. */
		dup2(sockets[1], supervisor->socket);
		close_range((unsigned int)supervisor->socket + 1, ~0U, 0);
		worker_run(supervisor->socket, user);
	}
	close(sockets[1]);
	if (worker->pid > 0)
		return true;
	close(sockets[0]);
	worker->pid = 0;
	return false;
}

/* A worker that can take a question about this user; NULL if it has to wait. */
static struct worker *worker_for(struct supervisor *supervisor, uid_t user)
{
	size_t i = user ? WORKERS_OF_ROOT : 0, end = user ? WORKERS_MAX : WORKERS_OF_ROOT;
	struct worker *worker, *none = NULL;

	for (; i < end; i++) {
		worker = &supervisor->workers[i];
		if (!worker->pid)
			none = worker;
		else if (worker->socket >= 0 && worker->user == user)
			return worker->until_ms ? NULL : worker;
		else if (user && worker->user == user)
			return NULL; /* it cannot end */
	}
	if (!none || now_ms() < (user ? supervisor->start_ms : supervisor->restart_ms) ||
	    !worker_start(supervisor, none, user))
		return NULL;
	if (user)
		supervisor->start_ms = now_ms() + PAUSE_MS;
	return none;
}

/* False if it has to wait. */
static bool question_give(struct supervisor *supervisor, const struct waiting *waiting)
{
	struct worker *worker = worker_for(supervisor, waiting->user);

	if (!worker)
		return false;
	worker->question = waiting->question;
	worker->until_ms = now_ms() + QUESTION_MS;
	if (send(worker->socket, &worker->question, message_question_size(&worker->question),
		 MSG_NOSIGNAL) < 0)
		worker_lost(supervisor, worker);
	return true;
}

static void queue_look(struct supervisor *supervisor)
{
	const size_t count = supervisor->waiting;
	struct waiting waiting;
	size_t i;

	for (i = 0; i < count; i++) {
		waiting = supervisor->queue[0];
		memmove(supervisor->queue, supervisor->queue + 1,
			--supervisor->waiting * sizeof(waiting));
		if (question_give(supervisor, &waiting))
			continue;
		if (now_ms() >= waiting.until_ms)
			answer_nothing(supervisor, waiting.question.ticket);
		else
			supervisor->queue[supervisor->waiting++] = waiting;
	}
}

static void deadlines_look(struct supervisor *supervisor)
{
	const int64_t now = now_ms();
	size_t i;

	for (i = 0; i < WORKERS_MAX; i++)
		if (supervisor->workers[i].until_ms && now >= supervisor->workers[i].until_ms)
			worker_lost(supervisor, &supervisor->workers[i]);
}

/* Only what has ended: one that waits for a file system may never do so. */
static void workers_reap(struct supervisor *supervisor)
{
	struct worker *worker;

	for (worker = supervisor->workers; worker < supervisor->workers + WORKERS_MAX; worker++)
		if (worker->pid && worker->socket < 0 &&
		    waitpid(worker->pid, NULL, WNOHANG) == worker->pid)
			worker->pid = 0;
}

static void question_read(struct supervisor *supervisor)
{
	static struct message_question question;
	ssize_t length = recv(supervisor->socket, &question, sizeof(question), MSG_DONTWAIT);
	size_t i;

	if (length > 0 && message_question_is(&question, (size_t)length)) {
		enqueue(supervisor, &question, 0);
		return;
	}
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	for (i = 0; i < WORKERS_MAX; i++)
		if (supervisor->workers[i].pid)
			kill(supervisor->workers[i].pid, SIGKILL);
	_exit(0);
}

static void signals_ignore(void)
{
	static const int ignored[] = {SIGINT,  SIGTERM, SIGHUP,	 SIGQUIT, SIGPIPE,
				      SIGTSTP, SIGUSR1, SIGUSR2, SIGCONT};
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Nothing of tlstrace's is to be held open, no terminal and no pipe either. Returns the socket. */
static int descriptors_close(int socket)
{
	int null = open("/dev/null", O_RDWR), i;

	for (i = 0; i <= STDERR_FILENO; i++)
		if (null < 0 || dup2(null, i) < 0)
			close(i);
	socket = dup2(socket, STDERR_FILENO + 1);
	/* Since 5.9 (278a5fbaed89). */
	close_range((unsigned int)socket + 1, ~0U, 0);
	return socket;
}

/* Milliseconds until something is due that no socket tells; -1 nothing is. */
static int due_in(const struct supervisor *supervisor)
{
	const int64_t now = now_ms();
	int64_t due = supervisor->waiting ? WAITING_POLL_MS : INT32_MAX;
	size_t i;

	for (i = 0; i < WORKERS_MAX; i++) {
		const struct worker *worker = &supervisor->workers[i];

		if (worker->until_ms && worker->until_ms - now < due)
			due = worker->until_ms > now ? worker->until_ms - now : 0;
		if (worker->pid && worker->socket < 0 && due > REAP_POLL_MS)
			due = REAP_POLL_MS;
	}
	return due == INT32_MAX ? -1 : (int)due;
}

static void sockets_wait(struct supervisor *supervisor)
{
	struct pollfd sockets[WORKERS_MAX + 1] = {{.fd = supervisor->socket, .events = POLLIN}};
	size_t i;

	for (i = 0; i < WORKERS_MAX; i++) {
		const struct worker *worker = &supervisor->workers[i];

		sockets[i + 1].fd = worker->pid ? worker->socket : -1; /* -1 is ignored */
		sockets[i + 1].events = POLLIN;
	}
	if (poll(sockets, WORKERS_MAX + 1, due_in(supervisor)) < 0)
		return;
	if (sockets[0].revents)
		question_read(supervisor);
	for (i = 0; i < WORKERS_MAX; i++)
		if (sockets[i + 1].revents)
			worker_answers(supervisor, &supervisor->workers[i]);
}

_Noreturn void supervisor_run(int socket)
{
	static struct supervisor supervisor;

	signals_ignore();
	setsid();
	prctl(PR_SET_NAME, "tlstrace-who");
	confine(CONFINE_SUPERVISOR);
	supervisor.socket = descriptors_close(socket);
	supervisor.queue = calloc(QUEUE_MAX, sizeof(*supervisor.queue));
	if (!supervisor.queue)
		_exit(1);
	for (;;) {
		sockets_wait(&supervisor);
		deadlines_look(&supervisor);
		workers_reap(&supervisor);
		queue_look(&supervisor);
	}
}
