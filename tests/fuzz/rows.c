// SPDX-License-Identifier: BSD-2-Clause
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/certificates.h"
#include "handshake/fingerprint.h"
#include "sink/sink.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define STEP_NS		  1000000ULL
#define TIMEOUT_NS	  10000000000ULL
#define CAPACITY	  64

static struct certificate_cache *certificates;
static FILE *nowhere;

static void on_done(void *context, struct handshake *handshake)
{
	static const struct sink *const sinks[] = {&sink_json, &sink_table, &sink_wide, &sink_tree,
						   &sink_explain};
	struct sink_settings settings = {.out = nowhere, .width = 120};
	size_t i;

	(void)context;
	handshake_fingerprint(handshake);
	handshake_certificates_read(handshake, certificates);
	for (i = 0; i < ARRAY_SIZE(sinks); i++)
		sinks[i]->row(&settings, handshake);
}

static void forget_nothing(void *context, const struct tlstrace_flow_key *key, uint64_t flow_id,
			   bool may_renegotiate)
{
	(void)context, (void)key, (void)flow_id, (void)may_renegotiate;
}

struct tracker *rows_begin(void (*forget)(void *context, const struct tlstrace_flow_key *key,
					  uint64_t flow_id, bool may_renegotiate),
			   void *context)
{
	static const struct tracker_settings settings = {.timeout_ns = TIMEOUT_NS,
							 .capacity = CAPACITY};
	static struct tracker_handler handler;
	struct tracker *tracker;

	if (!nowhere) {
		nowhere = fopen("/dev/null", "w");
		certificates = certificate_cache_new();
	}
	handler = (struct tracker_handler){
		.done = on_done,
		.forget = forget ? forget : forget_nothing,
		.events = context,
	};
	tracker = tracker_new(&settings, &handler);
	if (!nowhere || !certificates || !tracker)
		abort();
	return tracker;
}

void rows_end(struct tracker *tracker, uint64_t now_ns)
{
	tracker_tick(tracker, now_ns);
	tracker_finish(tracker, now_ns);
	tracker_free(tracker);
}

static void key_fill(struct tlstrace_flow_key *key, uint8_t protocol)
{
	static const uint8_t prefix[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2};

	memcpy(key->local_address, prefix, sizeof(prefix));
	memcpy(key->remote_address, prefix, sizeof(prefix));
	key->local_address[15] = 1;
	key->remote_address[15] = 2;
	key->local_port = 40000;
	key->remote_port = 443;
	key->protocol = protocol;
}

void fuzz_flow_send(struct fuzz_flow *flow, bool from_client, uint8_t flags, uint8_t tcp_flags,
		    struct slice payload, uint32_t elided)
{
	struct tlstrace_packet_event event = {
		.header = {.time_ns = ROWS_START_NS + flow->time_ns},
		.sequence = flow->next[from_client],
		.flow_id = 1,
		.acknowledgement = flow->next[!from_client],
		.length = payload.length + elided,
		.hook = from_client ? TLSTRACE_EGRESS : TLSTRACE_INGRESS,
		.tcp_flags = tcp_flags,
		.from_client = from_client,
		.flags = flags,
		.slice_count = payload.length > 0,
		.data_length = payload.length,
		.segments = 1,
		.slices = {{0, payload.length}},
	};
	uint8_t *copy = malloc(payload.length ? payload.length : 1);

	if (!copy)
		abort();
	if (payload.length)
		memcpy(copy, payload.bytes, payload.length);
	if (!flow->begun)
		event.flags |= TLSTRACE_PACKET_HELLO;
	flow->begun = true;
	flow->time_ns += STEP_NS;
	if (flow->protocol == 6)
		flow->next[from_client] += event.length;
	else
		event.sequence = event.acknowledgement = 0;
	key_fill(&event.key, flow->protocol);
	tracker_packet(flow->tracker, &event, copy);
	free(copy);
}

struct slice fuzz_take(struct slice *input, size_t length)
{
	struct slice taken = {input->bytes, 0};

	if (!slice_bytes(input, length < input->length ? length : input->length, &taken))
		abort();
	return taken;
}
