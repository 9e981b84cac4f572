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

#include "confine.h"
#include "who/container_api.h"
#include "who/message.h"

#define GROUP_NOBODY 65534 /* of Linux */

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

/* For good. Without an entry in passwd(5) there are no groups, and no home to look in. */
static bool user_become(uid_t user, char home[PATH_MAX])
{
	struct passwd entry = {}, *found = NULL;
	gid_t group = GROUP_NOBODY;
	char room[16384];
	int error;

	strcpy(home, "/nonexistent");
	if (getpwuid_r(user, &entry, room, sizeof(room), &found) == 0 && found &&
	    strlen(entry.pw_dir) < PATH_MAX) {
		strcpy(home, entry.pw_dir);
		group = entry.pw_gid;
		error = initgroups(entry.pw_name, group);
	} else {
		error = setgroups(0, NULL);
	}
	return !error && setresgid(group, group, group) == 0 && setresuid(user, user, user) == 0;
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
	confine(user ? CONFINE_USER : CONFINE_ASKER);
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
