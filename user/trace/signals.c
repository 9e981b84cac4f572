// SPDX-License-Identifier: BSD-2-Clause
#include "trace/signals.h"

#include <signal.h>
#include <stddef.h>

/* All that signal handlers know. */
static struct {
	volatile sig_atomic_t stopping;
	volatile sig_atomic_t account; /* is wanted */
	volatile sig_atomic_t command; /* process id; 0: none is running */
} state;

static void on_stop(int signal, siginfo_t *info, void *context);

/*
 * The terminal sends its signals (SI_KERNEL) to the whole foreground process group, so that the
 * command has it already. False if there is no command.
 */
static bool forward(int signal, const siginfo_t *info)
{
	pid_t pid = state.command;

	if (pid && info->si_code != SI_KERNEL)
		kill(pid, signal);
	return pid;
}

static void on_stop(int signal, siginfo_t *info, void *context)
{
	/* The next one interrupts a write whose reader does not read: without SA_RESTART. */
	struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = on_stop};

	(void)context;
	if (forward(signal, info))
		return;
	state.stopping = 1;
	sigaction(signal, &action, NULL);
}

/* Signals that mean nothing to tlstrace itself. */
static void on_forward(int signal, siginfo_t *info, void *context)
{
	(void)context;
	forward(signal, info);
	if (signal == SIGTSTP)
		raise(SIGSTOP);
}

static void on_account(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (!forward(signal, info))
		state.account = 1;
}

/* Waiting for events ends at every signal that has a handler (signal(7)), also at this one. */
static void on_wake(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
}

/* nohup(1) lets a program go on when the terminal closes. */
static bool is_for_nohup(int signal)
{
	struct sigaction action;

	return signal == SIGHUP && !sigaction(signal, NULL, &action) &&
	       action.sa_handler == SIG_IGN;
}

void signals_set(bool with_command)
{
	static const struct {
		int signal;
		void (*handler)(int signal, siginfo_t *info, void *context);
		bool with_command; /* only then */
	} handled[] = {
		{SIGINT, on_stop, false},     {SIGTERM, on_stop, false},
		{SIGHUP, on_stop, false},     {SIGQUIT, on_stop, true},
		{SIGTSTP, on_forward, true},  {SIGCONT, on_forward, true},
		{SIGUSR1, on_account, false}, {SIGUSR2, on_forward, true},
		{SIGCHLD, on_wake, false},
	};
	/* SA_RESTART: a row that is being written is written to its end. */
	struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};
	size_t i;

	for (i = 0; i < sizeof(handled) / sizeof(handled[0]); i++) {
		action.sa_sigaction = handled[i].handler;
		if ((with_command || !handled[i].with_command) && !is_for_nohup(handled[i].signal))
			sigaction(handled[i].signal, &action, NULL);
	}
	/* Writing then fails with an error, which is reported: no reader, or ulimit -f. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

void signals_forward(pid_t pid)
{
	state.command = pid;
}

bool signals_stopping(void)
{
	return state.stopping;
}

bool signals_account_wanted(void)
{
	bool wanted = state.account;

	state.account = 0;
	return wanted;
}
