// SPDX-License-Identifier: BSD-2-Clause
#include "trace/command.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "trace/signals.h"

/* POSIX.1-2017, Shell & Utilities, 2.8.2: exit status of commands that cannot be run. */
enum { STATUS_NOT_EXECUTABLE = 126, STATUS_NOT_FOUND = 127, STATUS_SIGNALED = 128 };

struct command {
	pid_t pid;
	int status; /* of waitpid(); valid once ended */
	bool ended;
	int gate;   /* write a byte to let it run; -1 once it does */
	int report; /* errno of a failed exec comes from here */
	const char *name;
};

struct identity {
	bool changes;
	uid_t uid;
	gid_t gid;
	char *name, *home; /* owned; NULL unless it changes */
};

static bool number_read(const char *text, unsigned long *value)
{
	char *end;

	errno = 0;
	if (!text || !isdigit((unsigned char)*text))
		return false;
	*value = strtoul(text, &end, 10);
	return !errno && !*end && *value < UINT32_MAX;
}

static int identity_set(struct identity *identity, const struct passwd *entry)
{
	identity->changes = true;
	identity->uid = entry->pw_uid;
	identity->gid = entry->pw_gid;
	identity->name = strdup(entry->pw_name);
	identity->home = strdup(entry->pw_dir);
	return identity->name && identity->home ? 0 : -ENOMEM;
}

/* sudo(8) passes the user who ran it in SUDO_UID and SUDO_GID. */
static int identity_of_sudo(struct identity *identity)
{
	unsigned long uid, gid;
	struct passwd *entry;

	if (geteuid() != 0 || !number_read(getenv("SUDO_UID"), &uid) ||
	    !number_read(getenv("SUDO_GID"), &gid) || uid == 0)
		return 0;
	entry = getpwuid(uid);
	if (entry)
		return identity_set(identity, entry);
	/* A user without an entry in passwd(5): nothing of root's may stay in its environment. */
	*identity = (struct identity){.changes = true, .uid = uid, .gid = gid};
	identity->home = strdup("/");
	return identity->home && asprintf(&identity->name, "%lu", uid) > 0 ? 0 : -ENOMEM;
}

static int identity_find(struct identity *identity, const char *user)
{
	struct passwd *entry;
	unsigned long uid;

	*identity = (struct identity){0};
	if (!user)
		return identity_of_sudo(identity);
	entry = getpwnam(user);
	if (!entry && number_read(user, &uid))
		entry = getpwuid(uid);
	if (entry)
		return identity_set(identity, entry);
	log_error("there is no user %s; 'getent passwd' lists all users", user);
	return -ENOENT;
}

static int identity_take(const struct identity *identity)
{
	int error;

	if (!identity->changes)
		return 0;
	/* For a name without an entry in group(5) that is the gid alone. */
	error = initgroups(identity->name, identity->gid);
	if (error || setgid(identity->gid) || setuid(identity->uid))
		return -errno;
	if (setenv("HOME", identity->home, 1) || setenv("USER", identity->name, 1) ||
	    setenv("LOGNAME", identity->name, 1))
		return -errno;
	return 0;
}

static void identity_free(struct identity *identity)
{
	free(identity->name);
	free(identity->home);
}

/* In the child. If the parent ends without opening the gate, it runs nothing. */
static void child_run(char *const *arguments, const struct identity *identity, int gate, int report)
{
	ssize_t length;
	int error;
	char go;

	do {
		length = read(gate, &go, 1);
	} while (length < 0 && errno == EINTR);
	if (length != 1)
		_exit(STATUS_NOT_EXECUTABLE);
	error = identity_take(identity);
	if (!error) {
		execvp(arguments[0], arguments);
		error = -errno;
	}
	if (write(report, &error, sizeof(error)) != sizeof(error))
		_exit(STATUS_NOT_EXECUTABLE);
	_exit(error == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE);
}

static int child_fork(struct command *command, char *const *arguments,
		      const struct identity *identity)
{
	int gate[2], report[2], error = 0;

	if (pipe2(gate, O_CLOEXEC))
		return -errno;
	if (pipe2(report, O_CLOEXEC)) {
		error = -errno;
		close(gate[0]);
		close(gate[1]);
		return error;
	}
	command->pid = fork();
	if (command->pid == 0) {
		close(gate[1]); /* or it would wait for itself */
		child_run(arguments, identity, gate[0], report[1]);
	}
	if (command->pid < 0)
		error = -errno;
	close(gate[0]);
	close(report[1]);
	command->gate = gate[1];
	command->report = report[0];
	return error;
}

struct command *command_start(char *const *arguments, const char *user)
{
	struct command *command = calloc(1, sizeof(*command));
	struct identity identity;
	int error;

	if (!command) {
		log_error("out of memory; free some and run tlstrace again");
		return NULL;
	}
	command->name = arguments[0];
	command->gate = command->report = -1;
	error = identity_find(&identity, user);
	if (!error) {
		error = child_fork(command, arguments, &identity);
		if (error)
			log_error("cannot start a process: %s; end others and run tlstrace again",
				  strerror(-error));
	}
	identity_free(&identity);
	if (!error)
		return command;
	command_free(command);
	return NULL;
}

pid_t command_pid(const struct command *command)
{
	return command->pid;
}

static void gate_close(struct command *command)
{
	if (command->gate >= 0)
		close(command->gate);
	command->gate = -1;
}

int command_release(struct command *command)
{
	ssize_t length;
	int error = 0;

	signals_forward(command->pid);
	if (write(command->gate, "", 1) != 1)
		log_verbose("%s ended before it was released", command->name);
	gate_close(command);
	/* A successful exec closes the pipe. */
	do {
		length = read(command->report, &error, sizeof(error));
	} while (length < 0 && errno == EINTR);
	if (length != sizeof(error))
		return 0;
	command_wait(command);
	if (error == -ENOENT) {
		log_error("there is no command %s; check its name and PATH", command->name);
		return STATUS_NOT_FOUND;
	}
	log_error("cannot run %s: %s; check its permissions", command->name, strerror(-error));
	return STATUS_NOT_EXECUTABLE;
}

static bool command_reap(struct command *command, int options)
{
	pid_t result;

	if (command->ended)
		return true;
	do {
		result = waitpid(command->pid, &command->status, options);
	} while (result < 0 && errno == EINTR);
	if (result == 0)
		return false;
	signals_forward(0);
	command->ended = true;
	return true;
}

bool command_ended(struct command *command)
{
	return command_reap(command, WNOHANG);
}

int command_wait(struct command *command)
{
	gate_close(command);
	command_reap(command, 0);
	if (WIFSIGNALED(command->status))
		return STATUS_SIGNALED + WTERMSIG(command->status);
	return WEXITSTATUS(command->status);
}

void command_free(struct command *command)
{
	if (!command)
		return;
	gate_close(command);
	if (command->report >= 0)
		close(command->report);
	free(command);
}
