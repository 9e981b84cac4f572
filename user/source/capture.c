// SPDX-License-Identifier: BSD-2-Clause
#include "source/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pcap/pcap.h>

#include "log.h"
#include "source/capture_input.h"
#include "source/fragments.h"
#include "source/frame.h"
#include "source/pcapng.h"

#define SECOND_NS 1000000000ULL
#ifndef CONNECTIONS_MAX /* the fuzz target, which opens thousands of captures a second, has fewer  \
			 */
#define CONNECTIONS_MAX 65536
#endif
/* Between two looks at the clock: rows wait 20 ms after their outcome anyway. */
#define TICK_NS 5000000ULL
#define BATCH	4096
/* A timestamp this far back is not a packet out of order, but another clock or another file after
 * the first. */
#define CLOCK_BACK_NS SECOND_NS

/* Numbers of libpcap's that files use too, but for raw IP. */
#define LINKTYPE_RAW 101

static const struct link {
	int type;
	enum frame_link link;
} links[] = {
	{DLT_EN10MB, FRAME_LINK_ETHERNET},
	{DLT_LINUX_SLL, FRAME_LINK_COOKED},
	{DLT_LINUX_SLL2, FRAME_LINK_COOKED2},
	{DLT_RAW, FRAME_LINK_IP},
	{DLT_IPV4, FRAME_LINK_IP},
	{DLT_IPV6, FRAME_LINK_IP},
	{DLT_NULL, FRAME_LINK_NULL},
	{DLT_LOOP, FRAME_LINK_NULL},
	{DLT_PPP, FRAME_LINK_PPP},
	{DLT_PPP_SERIAL, FRAME_LINK_PPP},
	{DLT_PPP_ETHER, FRAME_LINK_PPPOE},
	{DLT_C_HDLC, FRAME_LINK_HDLC},
	{DLT_NFLOG, FRAME_LINK_NFLOG},
	{LINKTYPE_RAW, FRAME_LINK_IP},
};

struct source_capture {
	const char *name;
	struct source_waiter waiter;
	struct capture_input *input;
	pcap_t *pcap; /* one of both */
	struct pcapng *pcapng;
	struct fragments *fragments;
	struct connections *connections;
	uint64_t now_ns, begun_ns;
	uint64_t read_ns; /* of the host's clock, when the latest packet was read */
	uint64_t unreadable;
	struct capture_packet next; /* if has_next: its bytes stay until another is read */
	bool has_next;
	bool link_known,
		link_unknown; /* there were packets of a link type that is, or is not, decoded */
	int result; /* of packet_next(); 1 while it goes on: an error is reported only once */
};

static uint64_t host_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * SECOND_NS + time.tv_nsec;
}

static int on_idle(void *context)
{
	struct source_capture *capture = context;
	uint64_t now_ns = capture->now_ns;

	if (!capture->connections)
		return capture->waiter.idle(capture->waiter.context,
					    0); /* its header has not come yet */
	if (!capture->read_ns)
		capture->read_ns = host_ns();
	now_ns += host_ns() - capture->read_ns;
	connections_tick(capture->connections, now_ns);
	return capture->waiter.idle(capture->waiter.context, now_ns);
}

static const struct link *link_find(int type)
{
	size_t i;

	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (links[i].type == type)
			return &links[i];
	return NULL;
}

static void link_refuse(const struct source_capture *capture, int type, const char *consequence)
{
	const char *name = pcap_datalink_val_to_name(type);

	log_error("%s has link type %d (%s), which tlstrace does not decode%s: capture on an "
		  "interface with "
		  "Ethernet, cooked, PPP or IP packets",
		  capture->name, type, name ? name : "unknown", consequence);
}

static int pcap_prepare(struct source_capture *capture, FILE *stream, char reason[PCAP_ERRBUF_SIZE])
{
	capture->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO,
								 reason);
	return capture->pcap ? 0 : -EBADMSG;
}

static int pcapng_prepare(struct source_capture *capture, FILE *stream,
			  char reason[PCAP_ERRBUF_SIZE])
{
	int error;

	capture->pcapng = pcapng_new(stream);
	if (!capture->pcapng) {
		snprintf(reason, PCAP_ERRBUF_SIZE, "out of memory");
		return -ENOMEM;
	}
	error = pcapng_begin(capture->pcapng);
	snprintf(reason, PCAP_ERRBUF_SIZE, "%s", pcapng_error(capture->pcapng));
	return error;
}

/* The first byte tells a pcapng file from a pcap file of either byte order. */
static bool is_pcapng(FILE *stream)
{
	int first = getc(stream);

	return first != EOF && ungetc(first, stream) == '\n';
}

static int packets_prepare(struct source_capture *capture)
{
	FILE *stream = capture_input_stream(capture->input);
	char reason[PCAP_ERRBUF_SIZE] = "";
	int error;

	if (!stream)
		return -errno;
	errno = 0;
	error = is_pcapng(stream) ? pcapng_prepare(capture, stream, reason)
				  : pcap_prepare(capture, stream, reason);
	if (!error && capture->pcap && !link_find(pcap_datalink(capture->pcap))) {
		link_refuse(capture, pcap_datalink(capture->pcap), "");
		return -EINVAL;
	}
	if (!error)
		return 0;
	if (errno == EISDIR)
		log_error("cannot read %s: it is a directory; name a capture file", capture->name);
	else if (capture_input_is_empty(capture->input))
		log_error("%s is empty: look at why what should write it did not", capture->name);
	else
		log_error("%s is no capture (%s): tlstrace reads pcap and pcapng, gzip'd too",
			  capture->name,
			  capture_input_error(capture->input) ? capture_input_error(capture->input)
							      : reason);
	if (!capture->pcapng)
		fclose(stream);
	return error;
}

struct source_capture *source_capture_open(const char *path, const struct source_handler *handler,
					   const struct source_waiter *waiter)
{
	struct source_capture *capture = calloc(1, sizeof(*capture));
	char reason[FILE_REASON_SIZE];

	if (!capture)
		goto no_memory;
	capture->result = 1;
	capture->name = strcmp(path, "-") ? path : "standard input";
	capture->waiter = *waiter;
	capture->input = capture_input_open(path, on_idle, capture, reason);
	if (!capture->input) {
		log_error("cannot read %s: %s", capture->name, reason);
		goto out;
	}
	if ((waiter->opened && waiter->opened(waiter->context)) || packets_prepare(capture))
		goto out;
	capture->fragments = fragments_new();
	capture->connections =
		connections_new(CONNECTIONS_MAX, capture_input_is_file(capture->input), handler);
	if (capture->fragments && capture->connections)
		return capture;
no_memory:
	log_error("out of memory; free some and run tlstrace again");
out:
	source_capture_close(capture);
	return NULL;
}

void source_capture_close(struct source_capture *capture)
{
	if (!capture)
		return;
	connections_free(capture->connections);
	fragments_free(capture->fragments);
	if (capture->pcap)
		pcap_close(capture->pcap);
	pcapng_free(capture->pcapng);
	capture_input_close(capture->input);
	free(capture);
}

/* Never 0: that is unknown. */
static uint64_t packet_time(const struct pcap_pkthdr *header)
{
	if (header->ts.tv_sec <= 0)
		return 1;
	/* PCAP_TSTAMP_PRECISION_NANO puts nanoseconds where microseconds were. */
	return header->ts.tv_sec * SECOND_NS + header->ts.tv_usec;
}

static void clock_set(struct source_capture *capture, uint64_t time_ns)
{
	if (time_ns > capture->now_ns || time_ns + CLOCK_BACK_NS < capture->now_ns)
		capture->now_ns = time_ns;
	if (!capture->begun_ns)
		capture->begun_ns = time_ns;
}

/* All that it has is of link types that are not decoded. */
static bool is_refused(const struct source_capture *capture)
{
	return capture->link_unknown && !capture->link_known && !capture->result;
}

/* 1 and a packet; 0 at the end, negative where the file is broken. */
static int packet_next(struct source_capture *capture, struct capture_packet *packet)
{
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	int result;

	if (capture->pcapng)
		return pcapng_next(capture->pcapng, packet);
	result = pcap_next_ex(capture->pcap, &header, &bytes);
	if (result == 1)
		*packet = (struct capture_packet){packet_time(header),
						  pcap_datalink(capture->pcap),
						  header->len,
						  {bytes, header->caplen}};
	return result == PCAP_ERROR_BREAK ? 0 : result;
}

static bool packet_ready(struct source_capture *capture)
{
	if (!capture->has_next && capture->result == 1) {
		capture->read_ns = 0;
		capture->result = packet_next(capture, &capture->next);
		capture->has_next = capture->result == 1;
	}
	return capture->has_next;
}

static void packet_read(struct source_capture *capture, const struct capture_packet *packet)
{
	const struct link *link = link_find(packet->link_type);
	struct frame frame;

	clock_set(capture, packet->time_ns);
	if (!link && !capture->link_unknown)
		link_refuse(capture, packet->link_type, ", such packets are left out");
	capture->link_unknown |= !link;
	capture->link_known |= !!link;
	switch (link ? frame_read(link->link, packet->bytes, packet->wire_length, packet->time_ns,
				  capture->fragments, &frame)
		     : FRAME_BROKEN) {
	case FRAME_READ:
		connections_add(capture->connections, &frame, packet->time_ns);
		break;
	case FRAME_BROKEN:
		capture->unreadable++;
		break;
	case FRAME_OTHER:
		break;
	}
}

int source_capture_poll(struct source_capture *capture)
{
	uint64_t begun_ns = capture->now_ns;
	int count = 0;

	while (count < BATCH && capture->now_ns - begun_ns < TICK_NS && packet_ready(capture)) {
		count++;
		/* What ends in the silence before a packet ends first: the packet may begin another
		 * on the same ports. */
		if (capture->next.time_ns > begun_ns &&
		    capture->next.time_ns - begun_ns >= TICK_NS) {
			clock_set(capture, capture->next.time_ns);
			break;
		}
		packet_read(capture, &capture->next);
		capture->has_next = false;
	}
	connections_tick(capture->connections, capture->now_ns);
	if (count)
		return count;
	return capture->result || capture_input_error(capture->input) || is_refused(capture)
		       ? -EBADMSG
		       : 0;
}

void source_capture_explain(const struct source_capture *capture)
{
	const char *packing = capture_input_error(capture->input);

	if (!packing && is_refused(capture))
		return; /* that was said */
	log_error("reading %s failed: %s; everything before that was shown; capture the rest again",
		  capture->name,
		  packing	    ? packing
		  : capture->pcapng ? pcapng_error(capture->pcapng)
				    : pcap_geterr(capture->pcap));
}

void source_capture_finish(struct source_capture *capture)
{
	connections_tick(capture->connections, UINT64_MAX);
}

void source_capture_forget(void *source, const struct tlstrace_flow_key *key, uint64_t flow_id,
			   bool may_renegotiate)
{
	struct source_capture *capture = source;

	connections_forget(capture->connections, key, flow_id, may_renegotiate);
}

uint64_t source_capture_now(const struct source_capture *capture)
{
	return capture->now_ns;
}

uint64_t source_capture_begun(const struct source_capture *capture)
{
	return capture->begun_ns;
}

bool source_capture_is_file(const struct source_capture *capture)
{
	return capture_input_is_file(capture->input);
}

struct connections_counts source_capture_counts(const struct source_capture *capture)
{
	return connections_counts(capture->connections);
}

uint64_t source_capture_unreadable(const struct source_capture *capture)
{
	return capture->unreadable;
}
