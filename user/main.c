// SPDX-License-Identifier: BSD-2-Clause
/* source → flow → tls → handshake → sink: see docs/design.md. */
#include <locale.h>

#include "command.h"
#include "log.h"
#include "options.h"
#include "trace.h"

int main(int argc, char **argv)
{
	struct command *command = NULL;
	struct options options;
	int status, command_status;

	setlocale(LC_CTYPE, ""); /* or the table cannot tell how wide a name is */
	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_EXIT:
		return EXIT_FINE;
	case OPTIONS_WRONG:
		return EXIT_WRONG_USAGE;
	case OPTIONS_RUN:
		break;
	}
	log_set_verbose(options.verbose);
	if (options.command) {
		command = command_start(options.command, options.user);
		if (!command)
			return EXIT_COULD_NOT_RUN;
	}
	status = trace_main(&options, command);
	if (command) {
		/* It runs on where -n or -d ended the tracing. */
		command_status = command_wait(command);
		status = status == EXIT_FINE ? command_status : status;
	}
	command_free(command);
	return status;
}
