// SPDX-License-Identifier: BSD-2-Clause
#include "reaper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"

struct reaper {
	pid_t child;
	int socket;
};

struct table {
	struct reaper_record *records;
	size_t count;
};

/* A record without filters and qdisc says that its interface has nothing of ours any more. */
static bool record_is_empty(const struct reaper_record *record)
{
	return !record->priority[0] && !record->priority[1] && !record->made_qdisc;
}

static void table_set(struct table *table, const struct reaper_record *record)
{
	struct reaper_record *larger;
	size_t i;

	for (i = 0; i < table->count && table->records[i].ifindex != record->ifindex; i++)
		;
	if (record_is_empty(record)) {
		if (i < table->count)
			table->records[i] = table->records[--table->count];
		return;
	}
	if (i == table->count) {
		larger = realloc(table->records, (i + 1) * sizeof(*larger));
		if (!larger)
			return; /* the next start removes what stays */
		table->records = larger;
		table->count++;
	}
	table->records[i] = *record;
}

/* Nothing of the parent's is to be held open by the child, no terminal and no pipe either. */
static void descriptors_close(int keep)
{
	int null = open("/dev/null", O_RDWR), i;

	for (i = 0; i <= STDERR_FILENO; i++)
		if (null < 0 || dup2(null, i) < 0)
			close(i);
	keep = dup2(keep, STDERR_FILENO + 1);
	/* Since 5.9 (278a5fbaed89). */
	close_range(keep + 1, ~0U, 0);
}

static void signals_ignore(void)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP};
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void child_run(int socket, void (*reap)(const struct reaper_record *record))
{
	struct reaper_record record;
	struct table table = {};
	ssize_t length;
	size_t i;

	signals_ignore();
	setsid();
	descriptors_close(socket);
	socket = STDERR_FILENO + 1;
	confine(CONFINE_REAPER);
	for (;;) {
		length = recv(socket, &record, sizeof(record), 0);
		if (length < 0 && errno == EINTR)
			continue;
		if (length != sizeof(record))
			break;
		if (!record.ifindex)
			_exit(0); /* all is detached */
		table_set(&table, &record);
	}
	for (i = 0; i < table.count; i++)
		reap(&table.records[i]);
	_exit(0);
}

struct reaper *reaper_start(void (*reap)(const struct reaper_record *record))
{
	struct reaper *reaper = calloc(1, sizeof(*reaper));
	int sockets[2], error;

	/* Packets, not a stream: records stay whole, and the end of one side is seen at the other.
	 */
	if (!reaper || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets)) {
		free(reaper);
		return NULL;
	}
	reaper->child = fork();
	if (reaper->child < 0) {
		error = errno;
		close(sockets[0]);
		close(sockets[1]);
		free(reaper);
		errno = error;
		return NULL;
	}
	if (reaper->child == 0) {
		close(sockets[0]);
		child_run(sockets[1], reap);
	}
	close(sockets[1]);
	reaper->socket = sockets[0];
	return reaper;
}

void reaper_tell(struct reaper *reaper, const struct reaper_record *record)
{
	if (reaper)
		send(reaper->socket, record, sizeof(*record), MSG_NOSIGNAL);
}

void reaper_forget(struct reaper *reaper, uint32_t ifindex)
{
	struct reaper_record record = {.ifindex = ifindex};

	reaper_tell(reaper, &record);
}

void reaper_end(struct reaper *reaper)
{
	struct reaper_record leave = {};

	if (!reaper)
		return;
	reaper_tell(reaper, &leave);
	close(reaper->socket);
	while (waitpid(reaper->child, NULL, 0) < 0 && errno == EINTR)
		;
	free(reaper);
}
