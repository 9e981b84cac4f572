// SPDX-License-Identifier: BSD-2-Clause
#include "report/workload.h"

#include <stdio.h>
#include <string.h>

#include "sink/sink.h"
#include "sink/text.h"
#include "who/container.h"

static const char *process_name(const struct process *process)
{
	if (process->unit)
		return process->unit;
	return process->exe ? process->exe : process->comm;
}

void workload_write(const struct endpoint *end, char to[WORKLOAD_SIZE])
{
	const struct process *process = &end->process;
	char name[WORKLOAD_SIZE];

	if (process->container && process->container->known)
		container_called(process->container, name, sizeof(name));
	else if (*process_name(process))
		snprintf(name, sizeof(name), "%s", process_name(process));
	else
		text_ip(&end->address, name);
	text_escape(name, strlen(name), to, WORKLOAD_SIZE);
}

void workload_server_write(const struct handshake *handshake, char to[WORKLOAD_SIZE])
{
	if (handshake->sni && handshake->sni_length)
		text_escape(handshake->sni, handshake->sni_length, to, WORKLOAD_SIZE);
	else
		workload_write(&handshake->ends[END_SERVER], to);
}
