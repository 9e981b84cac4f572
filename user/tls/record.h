/* SPDX-License-Identifier: BSD-2-Clause */
/* What carries handshake messages: transports and their records, or packets. */
#ifndef TLSTRACE_RECORD_H
#define TLSTRACE_RECORD_H

#define RECORD_LENGTH_MAX (16384 + 2048) /* RFC 5246 section 6.2.3: 2^14 and the expansion */

enum handshake_transport { TRANSPORT_TCP, TRANSPORT_QUIC, TRANSPORT_DTLS };

enum message_record {
	RECORD_KIND_CCS = 20,
	RECORD_KIND_ALERT = 21,
	RECORD_KIND_HANDSHAKE = 22,
	RECORD_KIND_DATA = 23,
	RECORD_KIND_HEARTBEAT = 24,
	RECORD_KIND_TLS12_CID = 25, /* DTLS with connection id, RFC 9146 */
	RECORD_KIND_DTLS_ACK = 26,  /* RFC 9147 */
	/* QUIC has packets where TLS has records: beyond the registry of content types. */
	RECORD_KIND_QUIC_INITIAL = 0x80,
	RECORD_KIND_QUIC_0RTT,
	RECORD_KIND_QUIC_HANDSHAKE,
	RECORD_KIND_QUIC_1RTT,
	RECORD_KIND_QUIC_RETRY,
	RECORD_KIND_QUIC_VERSION_NEGOTIATION,
};

/* Alerts have a level: RFC 5246 section 7.2. */
enum { ALERT_LEVEL_WARNING = 1, ALERT_LEVEL_FATAL = 2 };

#endif
