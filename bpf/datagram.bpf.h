/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Following a QUIC or DTLS handshake through its datagrams. What is encrypted with keys that
 * anybody can derive, or not at all, is copied whole: QUIC's Initial, Retry and Version Negotiation
 * packets and DTLS's records of epoch 0. Of everything else the header: lengths and epochs speak.
 */
#ifndef TLSTRACE_DATAGRAM_BPF_H
#define TLSTRACE_DATAGRAM_BPF_H

#include "copy.bpf.h"
#include "datagram_socket.bpf.h"
#include "flow.bpf.h"
#include "room.bpf.h"

/* As far as a DTLS record has to be looked at: its header (RFC 6347 section 4.1) and the message's
 * type. */
#define DATAGRAM_PREFIX 14
#define DTLS_HEADER	13
/* QUIC packets and DTLS records looked at of what is one packet here: 64 KiB of GSO are 48
 * datagrams. */
#define DATAGRAM_STEPS 64
/* One datagram rarely needs more slices: with fewer left, the event is sent before it. */
#define DATAGRAM_SLICES 4
/* RFC 9000 sections 7.2 and 17.2: of the client's first Destination Connection ID. */
#define CONNECTION_ID_MIN 8
#define CONNECTION_ID_MAX 20
#define REPETITION_NS	  60000000000ULL

enum quic_version_number {
	QUIC_V1 = 0x00000001,
	QUIC_V2 = 0x6b3343cf,
	QUIC_DRAFT_29 = 0xff00001d,
};

/* Numbers of version 1; version 2 has turned them by one (RFC 9369 section 3.2). */
enum quic_type { QUIC_TYPE_INITIAL, QUIC_TYPE_0RTT, QUIC_TYPE_HANDSHAKE, QUIC_TYPE_RETRY };

static __always_inline __u32 bytes_u32(const __u8 *bytes)
{
	return (__u32)bytes[0] << 24 | (__u32)bytes[1] << 16 | (__u32)bytes[2] << 8 | bytes[3];
}

static __always_inline bool quic_version_followed(__u32 version)
{
	return version == QUIC_V1 || version == QUIC_V2 || version >> 8 == 0xff0000;
}

static __always_inline __u32 quic_type(__u8 first, __u32 version)
{
	__u32 type = first >> 4;

	if (version == QUIC_V2)
		type += 3;
	return type & 3;
}

/* The fixed bit may be greased here too (RFC 9287 section 3.1). */
static __always_inline bool quic_begins(const __u8 *bytes)
{
	__u32 version = bytes_u32(bytes + 1);

	return bytes[0] & 0x80 &&
	       (version == QUIC_V1 || version == QUIC_V2 || version == QUIC_DRAFT_29) &&
	       quic_type(bytes[0], version) == QUIC_TYPE_INITIAL && bytes[5] >= CONNECTION_ID_MIN &&
	       bytes[5] <= CONNECTION_ID_MAX;
}

/* 0x0100 is what OpenSSL called DTLS before there was an RFC. */
static __always_inline bool dtls_begins(const __u8 *bytes)
{
	__u32 version = (__u32)bytes[1] << 8 | bytes[2];

	return bytes[0] == RECORD_HANDSHAKE &&
	       (version == 0xfeff || version == 0xfefd || version == 0x0100) && bytes[3] == 0 &&
	       bytes[4] == 0 && bytes[13] == 1;
}

/* Cheap enough for every packet: could this datagram begin a handshake? */
static __always_inline bool datagram_may_begin(struct __sk_buff *skb, const struct packet *packet)
{
	__u8 prefix[DATAGRAM_PREFIX];

	if (packet->length < DATAGRAM_PREFIX ||
	    packet_load_bytes(skb, packet->payload, prefix, DATAGRAM_PREFIX))
		return false;
	return quic_begins(prefix) || dtls_begins(prefix);
}

/*
 * What a repetition of the first packet has too: of DTLS the random's first bytes, of QUIC those of
 * the client's own connection id, or where that is empty of the other.
 */
static __always_inline __u64 datagram_identity(struct __sk_buff *skb, const struct packet *packet,
					       const __u8 *prefix)
{
	__u64 identity = 0, mask = ~0ULL;
	__u32 at = packet->payload;
	__u8 length;

	if (prefix[0] == RECORD_HANDSHAKE) {
		at += DTLS_HEADER + 12 + 2;
	} else {
		at += 6;
		if (bpf_skb_load_bytes(skb, at + prefix[5], &length, sizeof(length)))
			return 0;
		if (length)
			at += prefix[5] + 1;
		if (length && length < sizeof(identity))
			mask >>= 8 * (sizeof(identity) - length);
	}
	if (bpf_skb_load_bytes(skb, at, &identity, sizeof(identity)))
		return 0;
	return identity & mask;
}

/* Is it another handshake, or the first packet of the last one again? */
static __always_inline bool datagram_is_new(const struct tlstrace_flow_key *key, __u64 identity,
					    __u64 now)
{
	struct datagram_hello hello = {.identity = identity, .time_ns = now}, *last;

	last = bpf_map_lookup_elem(&datagram_hellos, key);
	if (last && last->identity == identity && now - last->time_ns < REPETITION_NS)
		return false;
	bpf_map_update_elem(&datagram_hellos, key, &hello, BPF_ANY);
	return true;
}

static __always_inline struct flow *datagram_flow_begin(struct __sk_buff *skb,
							struct scratch *scratch)
{
	struct tlstrace_packet_event *event = &scratch->event;
	const struct packet *packet = &scratch->packet;
	__u8 prefix[DATAGRAM_PREFIX];
	struct flow *flow;

	if (packet->length < DATAGRAM_PREFIX ||
	    bpf_skb_load_bytes(skb, packet->payload, prefix, DATAGRAM_PREFIX) ||
	    (!quic_begins(prefix) && !dtls_begins(prefix)) ||
	    !datagram_is_new(&event->key, datagram_identity(skb, packet, prefix),
			     event->header.time_ns))
		return NULL;
	flow = flow_new(scratch);
	if (!flow)
		return NULL;
	flow->confirmed = 1;
	flow->is_dtls = prefix[0] == RECORD_HANDSHAKE;
	scratch->hello = 1;
	return flow;
}

/* Send [base, to) of the payload as one event, and start a new one after it. */
static __always_inline void datagrams_send(struct scratch *scratch, __u32 to)
{
	struct tlstrace_packet_event *event = &scratch->event;

	event->length = to - scratch->base;
	event->data_length = scratch->position;
	if (event->slice_count || event->flags)
		event_output(scratch);
	event->flags = 0;
	event->segments = 0;
	event->slice_count = 0;
	scratch->position = 0;
	scratch->base = to;
}

/* Copy length bytes at the offset, and advance by size bytes. */
static __always_inline void stretch_take(struct __sk_buff *skb, struct scratch *scratch,
					 __u32 length, __u32 size)
{
	struct tlstrace_packet_event *event = &scratch->event;
	__u32 at = scratch->offset;

	scratch->offset += size;
	if (scratch->position + length > TLSTRACE_DATA_MAX ||
	    !slice_add(event, at - scratch->base, length)) {
		event->flags |= TLSTRACE_PACKET_TRUNCATED;
		counter_add(TLSTRACE_COUNT_SLICES);
		scratch->offset = scratch->end;
		return;
	}
	if (scratch_fill(skb, scratch->packet.payload + at, scratch, scratch->position, length)) {
		counter_add(TLSTRACE_COUNT_LOAD_FAILED);
		event->slice_count = 0;
		scratch->position = 0;
		scratch->offset = scratch->end;
		return;
	}
	scratch->position += length;
	scratch->direction.copied += length;
	if (scratch->direction.copied > TLSTRACE_COPY_BUDGET)
		direction_cut(scratch, TLSTRACE_COUNT_COPY_BUDGET);
}

/* A header whose body stays here. */
static __always_inline void header_take(struct __sk_buff *skb, struct scratch *scratch,
					__u32 length, __u32 size)
{
	if (++scratch->direction.encrypted > TLSTRACE_ENCRYPTED_BUDGET)
		scratch->direction.done = 1;
	else
		stretch_take(skb, scratch, length, size);
}

/* A number at this offset of the frame (RFC 9000 section 16): its size, or 0 if it is not whole, or
 * none of a length. */
static __always_inline __u32 varint_load(struct __sk_buff *skb, __u32 at, __u32 room, __u32 *value)
{
	__u8 bytes[4] = {};

	if (room < 1 || bpf_skb_load_bytes(skb, at, bytes, 1))
		return 0;
	switch (bytes[0] >> 6) {
	case 0:
		*value = bytes[0];
		return 1;
	case 1:
		if (room < 2 || bpf_skb_load_bytes(skb, at, bytes, 2))
			return 0;
		*value = (__u32)(bytes[0] & 0x3f) << 8 | bytes[1];
		return 2;
	case 2:
		if (room < 4 || bpf_skb_load_bytes(skb, at, bytes, 4))
			return 0;
		*value = bytes_u32(bytes) & 0x3fffffff;
		return 4;
	}
	if (room < 8 || bpf_skb_load_bytes(skb, at + 4, bytes, 4))
		return 0;
	*value = bytes_u32(bytes);
	return 8;
}

/* Length of a long header up to the packet number, and of its packet; 0 if it is broken (RFC 9000
 * section 17.2). */
static __always_inline __u32 quic_header_measure(struct __sk_buff *skb,
						 const struct scratch *scratch, __u32 type,
						 __u32 at, __u32 *size)
{
	__u32 frame = scratch->packet.payload + scratch->offset,
	      left = scratch->end - scratch->offset;
	__u32 token, length, step;

	if (at > left)
		return 0;
	if (type == QUIC_TYPE_INITIAL) {
		step = varint_load(skb, frame + at, left - at, &token);
		if (!step || token > left)
			return 0;
		at += step + token;
		if (at > left)
			return 0;
	}
	step = varint_load(skb, frame + at, left - at, &length);
	at += step;
	if (!step || length > left || at + length > left)
		return 0;
	*size = at + length;
	return at;
}

/* One QUIC packet. */
static __always_inline int quic_take(struct __sk_buff *skb, struct scratch *scratch)
{
	__u32 left, version, type, header, size = 0;
	__u8 first[6], source;
	__u32 frame;

	left = scratch->end - scratch->offset;
	frame = scratch->packet.payload + scratch->offset;
	if (bpf_skb_load_bytes(skb, frame, first, 1))
		goto rest;
	if (!(first[0] & 0x80)) {
		header_take(skb, scratch, 1, left);
		return 0;
	}
	if (left < 7 || bpf_skb_load_bytes(skb, frame, first, sizeof(first)))
		goto rest;
	version = bytes_u32(first + 1);
	if (!version) {
		stretch_take(skb, scratch, left, left);
		return 0;
	}
	if (!quic_version_followed(version) || first[5] > CONNECTION_ID_MAX ||
	    7U + first[5] > left ||
	    bpf_skb_load_bytes(skb, frame + 6 + first[5], &source, sizeof(source)) ||
	    source > CONNECTION_ID_MAX)
		goto rest;
	type = quic_type(first[0], version);
	if (type == QUIC_TYPE_RETRY) {
		stretch_take(skb, scratch, left, left);
		return 0;
	}
	header = quic_header_measure(skb, scratch, type, 7U + first[5] + source, &size);
	if (!header)
		goto rest;
	if (type == QUIC_TYPE_INITIAL)
		stretch_take(skb, scratch, size, size);
	else
		header_take(skb, scratch, header, size);
	return 0;
rest:
	scratch->offset = scratch->end;
	return 0;
}

/* DTLS 1.3 ciphertext: 001CSLEE (RFC 9147 section 4). How long a connection id is was said
 * elsewhere. */
static __always_inline void dtls_unified_take(struct __sk_buff *skb, struct scratch *scratch,
					      __u8 first, __u32 frame, __u32 left)
{
	__u32 header = 1, size = left;
	__u8 length[2];

	if (!(first & 0x10)) {
		header += first & 0x08 ? 2 : 1;
		if (first & 0x04) {
			if (bpf_skb_load_bytes(skb, frame + header, length, sizeof(length)))
				return;
			header += sizeof(length);
			size = header + ((__u32)length[0] << 8 | length[1]);
		}
	}
	if (header <= left && size <= left)
		header_take(skb, scratch, header, size);
}

/* One DTLS record. */
static __always_inline int dtls_take(struct __sk_buff *skb, struct scratch *scratch)
{
	__u32 left, size, before, frame;
	__u8 header[DTLS_HEADER];

	before = scratch->offset;
	left = scratch->end - before;
	frame = scratch->packet.payload + before;
	if (bpf_skb_load_bytes(skb, frame, header, 1))
		goto rest;
	if ((header[0] & 0xe0) == 0x20) {
		dtls_unified_take(skb, scratch, header[0], frame, left);
		goto rest;
	}
	if (left < DTLS_HEADER || bpf_skb_load_bytes(skb, frame, header, sizeof(header)))
		goto rest;
	/* RFC 9146: a connection id precedes the length. */
	if (header[0] == RECORD_DTLS_CID) {
		header_take(skb, scratch, DTLS_HEADER - 2, left);
		goto rest;
	}
	size = DTLS_HEADER + ((__u32)header[11] << 8 | header[12]);
	if (header[0] < RECORD_CHANGE_CIPHER_SPEC || header[0] > RECORD_DTLS_ACK ||
	    size > DTLS_HEADER + RECORD_LENGTH_MAX || size > left)
		goto rest;
	if (header[3] || header[4] || header[0] == RECORD_APPLICATION_DATA)
		header_take(skb, scratch, DTLS_HEADER, size);
	else
		stretch_take(skb, scratch, size, size);
rest:
	if (scratch->offset == before)
		scratch->offset = scratch->end;
	return 0;
}

/* The next datagram of several (GSO, GRO); false after the last. */
static __always_inline bool datagram_next(struct scratch *scratch)
{
	struct tlstrace_packet_event *event = &scratch->event;
	__u32 start = scratch->end, left = scratch->packet.length - start;

	if (start >= scratch->packet.length)
		return false;
	if (event->datagram_size && left > event->datagram_size)
		left = event->datagram_size;
	if (start > scratch->base && (event->slice_count > TLSTRACE_SLICES_MAX - DATAGRAM_SLICES ||
				      scratch->position + left > TLSTRACE_DATA_MAX))
		datagrams_send(scratch, start);
	event->segments++;
	scratch->offset = start;
	scratch->end = start + left;
	return true;
}

/* One QUIC packet or DTLS record. */
__noinline int datagram_step(struct __sk_buff *skb, __u32 slot)
{
	struct scratch *scratch = scratch_find(slot);

	if (!scratch || scratch->direction.done ||
	    (scratch->offset >= scratch->end && !datagram_next(scratch)))
		return 0;
	if (scratch->is_dtls)
		dtls_take(skb, scratch);
	else
		quic_take(skb, scratch);
	return 1;
}

static __always_inline void datagrams_take(struct __sk_buff *skb, struct scratch *scratch,
					   __u32 slot)
{
	int i;

	scratch->base = scratch->offset = scratch->end = scratch->position = 0;
	for (i = 0; i < DATAGRAM_STEPS; i++)
		if (!datagram_step(skb, slot))
			break;
	reload();
	if (i == DATAGRAM_STEPS && scratch->end < scratch->packet.length) {
		scratch->event.flags |= TLSTRACE_PACKET_TRUNCATED;
		counter_add(TLSTRACE_COUNT_SLICES);
	}
	datagrams_send(scratch, scratch->end);
}

/* What a flow's first packet or its last budget leaves to do. */
static __always_inline void datagram_flow_settle(struct flow *flow, struct scratch *scratch,
						 bool begins)
{
	const struct tlstrace_flow_key *key = &scratch->event.key;
	bool over = flow->directions[0].done && flow->directions[1].done;

	/* Sent, or lost; what was neither is broken, and no hello. */
	if (begins && !scratch->hello)
		counter_add(TLSTRACE_COUNT_HELLOS);
	/* User space never hears of it: the client's next try is another chance. */
	if (begins && flow->lost)
		bpf_map_delete_elem(&datagram_hellos, key);
	if (over || (begins && (scratch->hello || flow->lost)))
		flow_delete(flow, key);
}

/* A datagram that belongs to a handshake, or may begin one, or shares a slot of the filter with
 * one. */
__noinline int datagram_follow(struct __sk_buff *skb, __u32 slot)
{
	struct scratch *scratch = scratch_find(slot);
	struct tlstrace_packet_event *event;
	struct direction *direction;
	struct flow *flow;
	bool begins;
	__u64 index;

	if (!scratch)
		return 0;
	event = &scratch->event;
	flow = bpf_map_lookup_elem(&flows, &event->key);
	if (!flow)
		flow = datagram_flow_begin(skb, scratch);
	if (!flow)
		return 0;
	if (scratch->hello)
		place_take(slot, FLOW_STRANGER);
	index = (event->hook == TLSTRACE_EGRESS) == !!flow->client_is_local;
	barrier_var(index);
	direction = &flow->directions[index & 1];
	if (direction->done)
		return 0;
	begins = scratch->hello;
	event->flow_id = flow->id;
	event->from_client = index;
	event->datagram_size = skb->gso_segs > 1 ? skb->gso_size : 0;
	event->segments = 0;
	datagram_sockets_name(skb, flow, scratch);
	flow_kind_raise(flow, slot, !!event->sender, !index);
	flow_take(flow, direction, scratch);
	datagrams_take(skb, scratch, slot);
	flow_give(flow, direction, scratch);
	datagram_flow_settle(flow, scratch, begins);
	return 0;
}

#endif
