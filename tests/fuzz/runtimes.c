// SPDX-License-Identifier: BSD-2-Clause
/* What container runtimes, or somebody in their place, write: files, answers, names, arguments. */
#include "rows.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "who/container.h"
#include "who/container_api.h"
#include "who/container_manager.h"
#include "who/container_names.h"
#include "who/container_path.h"
#include "who/message.h"

#define ID "4c9f0d2a8b7e6f5a4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b"

static void inspect(char *text, size_t length)
{
	struct container_details details = {};

	container_inspect_read(text, length, ID, &details);
	container_details_clear(&details);
}

static void storage(char *text, size_t length)
{
	struct container_details details = {};

	container_storage_read(text, length, ID, &details);
	container_details_clear(&details);
}

static void bundle(char *text, size_t length)
{
	struct container_details details = {};

	container_bundle_read(text, length, &details);
	container_details_clear(&details);
	free(container_bundle_docker(text, length, ID));
	free(container_state_bundle(text, length));
}

static void path(char *text, size_t length)
{
	struct container_path said;

	(void)length;
	container_path_read(text, &said);
	if (said.parent_length > strlen(text) || strlen(said.id) >= sizeof(said.id))
		abort();
}

static void manager(char *text, size_t length)
{
	static const char *const comms[] = {"conmon", "containerd-shim", "systemd-nspawn",
					    "lxc-start", "[lxc monitor]"};
	struct container_manager found;
	size_t i;

	for (i = 0; i < sizeof(comms) / sizeof(comms[0]); i++)
		container_manager_read(1, comms[i], text, length, &found);
}

static void http(char *text, size_t length)
{
	size_t body;

	if (container_api_body(text, length, &body) && body > length)
		abort();
}

static void message(char *text, size_t length)
{
	struct message_answer answer;

	message_answer_read(text, length, &answer);
	container_details_clear(&answer.details);
}

static void (*const readers[])(char *text, size_t length) = {
	inspect, storage, bundle, path, manager, http, message,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	/* As file_read() gives it: a NUL follows. */
	text = malloc(size);
	if (!text)
		abort();
	memcpy(text, data + 1, size - 1);
	text[size - 1] = 0;
	readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](text, size - 1);
	free(text);
	return 0;
}
