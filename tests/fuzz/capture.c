// SPDX-License-Identifier: BSD-2-Clause
/* A capture file's bytes, all the way to its rows. */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/capture.h"

struct reading {
	struct tracker *tracker;
	struct source_capture *capture;
};

static void on_packet(void *context, const struct tlstrace_packet_event *event, const uint8_t *data)
{
	struct reading *reading = context;

	tracker_packet(reading->tracker, event, data);
}

static void on_forget(void *context, const struct tlstrace_flow_key *key, uint64_t flow_id,
		      bool may_renegotiate)
{
	struct reading *reading = context;

	source_capture_forget(reading->capture, key, flow_id, may_renegotiate);
}

static int on_idle(void *context, uint64_t now_ns)
{
	(void)context, (void)now_ns;
	return -1;
}

/* The file of every run: opened once, written anew for each. */
static const char *file_write(const uint8_t *data, size_t size)
{
	static char path[32];
	static int file = -1;

	if (file < 0) {
		file = memfd_create("capture", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	}
	if (file < 0 || ftruncate(file, 0) || pwrite(file, data, size, 0) != (ssize_t)size)
		abort();
	return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reading reading = {0};
	struct source_handler source = {.packet = on_packet, .context = &reading};
	const struct source_waiter waiter = {.idle = on_idle, .context = &reading};

	reading.capture = source_capture_open(file_write(data, size), &source, &waiter);
	if (!reading.capture)
		return 0;
	reading.tracker = rows_begin(on_forget, &reading);
	while (source_capture_poll(reading.capture) > 0)
		tracker_tick(reading.tracker, source_capture_now(reading.capture));
	source_capture_finish(reading.capture);
	rows_end(reading.tracker, source_capture_now(reading.capture));
	source_capture_close(reading.capture);
	return 0;
}
