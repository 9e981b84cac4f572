// SPDX-License-Identifier: BSD-2-Clause
/* source → flow → tls → handshake → sink: see docs/design.md. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "options/options.h"
#include "trace/command.h"
#include "trace/run.h"

/*
 * If standard output is closed, the first file to be opened must not take its place. Writing to it
 * fails as it would have; stderr is discarded.
 */
static void descriptors_fill(void)
{
	static const int modes[] = {O_RDONLY, O_RDONLY, O_RDWR};

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			return;
}

static int text_flush(void)
{
	if (!fflush(stdout))
		return EXIT_FINE;
	log_error("writing to standard output failed: %s; make room for it", strerror(errno));
	return EXIT_COULD_NOT_RUN;
}

/* Start the command, if there is one, and trace. */
static int run(const struct options *options)
{
	struct command *command = NULL;
	int status, command_status;

	log_set_verbose(options->verbose);
	if (options->command) {
		command = command_start(options->command, options->user);
		if (!command)
			return EXIT_COULD_NOT_RUN;
	}
	status = trace_main(options, command);
	if (command) {
		/* It goes on running after -n or -d has ended the tracing. */
		command_status = command_wait(command);
		if (status == EXIT_EXPECTATION && command_status)
			log_error("the command failed too: its exit status is %d", command_status);
		status = status == EXIT_FINE ? command_status : status;
	}
	command_free(command);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	int status = EXIT_WRONG_USAGE;

	descriptors_fill();
	setlocale(LC_CTYPE, ""); /* the table needs it to know how wide a name is */
	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_EXIT:
		status = text_flush();
		break;
	case OPTIONS_WRONG:
		break;
	case OPTIONS_RUN:
		status = run(&options);
		break;
	}
	options_free(&options);
	return status;
}
