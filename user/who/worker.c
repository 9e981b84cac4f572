// SPDX-License-Identifier: BSD-2-Clause
#include "who/worker.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "who/container_api.h"
#include "who/message.h"

/* What hostile files can make it use: memory, and descriptors. */
static void limits_set(void)
{
	static const struct {
		__rlimit_resource_t resource;
		rlim_t most;
	} limits[] = {
		{RLIMIT_AS, 256 << 20},
		{RLIMIT_NOFILE, 64},
		{RLIMIT_CORE, 0},
		{RLIMIT_FSIZE, 0},
	};
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		setrlimit(limits[i].resource, &(struct rlimit){limits[i].most, limits[i].most});
}

/* For good. Without an entry in passwd(5) there is no home, and no group but root's is given up. */
static bool user_become(uid_t user, char home[PATH_MAX])
{
	struct passwd entry = {}, *found = NULL;
	char room[16384];

	if (getpwuid_r(user, &entry, room, sizeof(room), &found) || !found ||
	    strlen(entry.pw_dir) >= PATH_MAX)
		return false;
	strcpy(home, entry.pw_dir);
	return initgroups(entry.pw_name, entry.pw_gid) == 0 &&
	       setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid) == 0 &&
	       setresuid(user, user, user) == 0;
}

static void answer(int socket, struct container_api *api, const char *home,
		   const struct message_question *question)
{
	struct message_answer message = {.ticket = question->ticket};
	static char packet[ANSWER_MAX];
	size_t length;

	message.found = container_lookup(api, &question->about, home, &message.details);
	length = message_answer_write(&message, packet);
	container_details_clear(&message.details);
	send(socket, packet, length, MSG_NOSIGNAL);
}

_Noreturn void worker_run(int socket, uid_t user)
{
	struct container_api *api = container_api_new();
	static struct message_question question;
	char home[PATH_MAX] = "";
	ssize_t length;

	limits_set();
	if (!api || (user && !user_become(user, home)))
		_exit(1);
	/* After the change of users, which undoes both. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	for (;;) {
		length = recv(socket, &question, sizeof(question), 0);
		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			_exit(0);
		if (message_question_is(&question, (size_t)length))
			answer(socket, api, user ? home : NULL, &question);
	}
}
