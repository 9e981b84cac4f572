// SPDX-License-Identifier: BSD-2-Clause
/* The field table: in the order of JSON, each object before what is in it. */
#include <stddef.h>

#include "handshake/fields.h"
#include "handshake/fields_read.h"
#include "tls/certificate.h"
#include "who/container.h"

/* The path, and how long the part before its last name is. */
#define PATH(object, key)     object key, sizeof(object key) - 1, sizeof(object) - 1
#define IN(structure, member) .offset = offsetof(struct structure, member)
#define WORDS(name)	      FIELD_WORD, .words = &words_##name
#define CODE(name)	      FIELD_CODE, .registry = &registry_##name
#define VERSION		      FIELD_VERSION, .registry = &registry_version
#define UNKNOWN		      .missing = FIELD_UNKNOWN
#define ABSENT		      .missing = FIELD_ABSENT
#define LIST		      .is_list = true
#define READ(name)	      .read = read_##name

/* Both ends have the same fields. */
#define SOCKET(SIDE, END, key, member, text)                                                       \
	{                                                                                          \
		PATH(SIDE ".socket.", key), FIELD_DURATION, .base = base_end_socket, .end = END,   \
							    READ(relative), IN(endpoint, member),  \
							    UNKNOWN, .help = text                  \
	}

#define CONTAINER(OBJECT, BASE, END, EACH, key, member, text)                                      \
	{                                                                                          \
		PATH(OBJECT ".container.", key), FIELD_TEXT,                                       \
			.base = BASE, .end = END, .repeats = EACH, READ(string),                   \
			IN(container, member), UNKNOWN, .help = text                               \
	}

#define CONTAINER_FIELDS(OBJECT, BASE, END, EACH)                                                  \
	{PATH(OBJECT ".", "container"),                                                            \
	 FIELD_OBJECT,                                                                             \
	 .base = BASE,                                                                             \
	 .end = END,                                                                               \
	 .repeats = EACH,                                                                          \
	 .help = "the outermost container the process is in"},                                     \
		CONTAINER(OBJECT, BASE, END, EACH, "id", id, "id of the container"),               \
		CONTAINER(OBJECT, BASE, END, EACH, "name", details.name, "name of the container"), \
		{PATH(OBJECT ".container.", "runtime"),                                            \
		 FIELD_NAME,                                                                       \
		 .base = BASE,                                                                     \
		 .end = END,                                                                       \
		 .repeats = EACH,                                                                  \
		 READ(name),                                                                       \
		 IN(container, runtime),                                                           \
		 UNKNOWN,                                                                          \
		 .help = "container runtime, such as docker"},                                     \
		{PATH(OBJECT ".container.", "how"),                                                \
		 WORDS(container_how),                                                             \
		 .base = BASE,                                                                     \
		 .end = END,                                                                       \
		 .repeats = EACH,                                                                  \
		 READ(word),                                                                       \
		 IN(container, how),                                                               \
		 .help = "how it is known which container it is"},                                 \
		{PATH(OBJECT ".container.", "user"),                                               \
		 FIELD_NUMBER,                                                                     \
		 .base = BASE,                                                                     \
		 .end = END,                                                                       \
		 .repeats = EACH,                                                                  \
		 READ(number32),                                                                   \
		 IN(container, user),                                                              \
		 ABSENT,                                                                           \
		 .help = "user id of who claims that it is this container"},                       \
		CONTAINER(OBJECT, BASE, END, EACH, "image", details.image,                         \
			  "image of the container"),                                               \
		CONTAINER(OBJECT, BASE, END, EACH, "pod", details.pod, "Kubernetes pod"),          \
		CONTAINER(OBJECT, BASE, END, EACH, "pod_uid", details.pod_uid, "uid of the pod"),  \
		CONTAINER(OBJECT, BASE, END, EACH, "namespace", details.namespace,                 \
			  "namespace of Kubernetes, or of containerd"),                            \
	{                                                                                          \
		PATH(OBJECT ".container.", "labels"), FIELD_LABEL, LIST,                           \
			.base = BASE, .end = END, .repeats = EACH, READ(label),                    \
			.help = "labels of the container"                                          \
	}

#define END_FIELDS(SIDE, END)                                                                        \
	{PATH("", SIDE), FIELD_OBJECT, .base = base_end, .end = END,                                 \
	 .help = "the " SIDE "'s end"},                                                              \
		{PATH(SIDE ".", "ip"),                                                               \
		 FIELD_IP,                                                                           \
		 .base = base_end,                                                                   \
		 .end = END,                                                                         \
		 READ(ip),                                                                           \
		 IN(endpoint, address),                                                              \
		 .help = "IP address of the " SIDE},                                                 \
		{PATH(SIDE ".", "port"),     FIELD_NUMBER, .base = base_end, .end = END, READ(port), \
		 .help = "port of the " SIDE},                                                       \
		{PATH(SIDE ".", "process"), FIELD_OBJECT, .base = base_end_process, .end = END,      \
		 .help = "the " SIDE "'s process, if it is on this host"},                           \
		{PATH(SIDE ".process.", "pid"),                                                      \
		 FIELD_NUMBER,                                                                       \
		 .base = base_end_process,                                                           \
		 .end = END,                                                                         \
		 READ(number32),                                                                     \
		 IN(endpoint, process.pid),                                                          \
		 UNKNOWN,                                                                            \
		 .help = "process id"},                                                              \
		{PATH(SIDE ".process.", "ns_pid"),                                                   \
		 FIELD_NUMBER,                                                                       \
		 .base = base_end_process,                                                           \
		 .end = END,                                                                         \
		 READ(number32),                                                                     \
		 IN(endpoint, process.ns_pid),                                                       \
		 UNKNOWN,                                                                            \
		 .help = "process id within its own pid namespace"},                                 \
		{PATH(SIDE ".process.", "tid"),                                                      \
		 FIELD_NUMBER,                                                                       \
		 .base = base_end_process,                                                           \
		 .end = END,                                                                         \
		 READ(number32),                                                                     \
		 IN(endpoint, process.tid),                                                          \
		 UNKNOWN,                                                                            \
		 .help = "thread id"},                                                               \
		{PATH(SIDE ".process.", "comm"),                                                     \
		 FIELD_TEXT,                                                                         \
		 .base = base_end_process,                                                           \
		 .end = END,                                                                         \
		 READ(comm),                                                                         \
		 IN(endpoint, process.comm),                                                         \
		 .help = "name of the process"},                                                     \
		{PATH(SIDE ".process.", "exe"),                                                      \
		 FIELD_TEXT,                                                                         \
		 .base = base_end_process,                                                           \
		 .end = END,                                                                         \
		 READ(string),                                                                       \
		 IN(endpoint, process.exe),                                                          \
		 UNKNOWN,                                                                            \
		 .help = "path of the executable"},                                                  \
		{PATH(SIDE ".process.", "uid"),                                                      \
		 FIELD_NUMBER,                                                                       \
		 .base = base_end_process,                                                           \
		 .end = END,                                                                         \
		 READ(number32),                                                                     \
		 IN(endpoint, process.uid),                                                          \
		 .help = "user id"},                                                                 \
		{PATH(SIDE ".process.", "how"),                                                      \
		 FIELD_NAME,                                                                         \
		 .base = base_end_process,                                                           \
		 .end = END,                                                                         \
		 READ(how),                                                                          \
		 .help = "how the process is known"},                                                \
		{PATH(SIDE ".process.", "exit"), FIELD_OBJECT, .base = base_end_exit, .end = END,    \
		 .help = "how the process ended, if that closed the connection"},                    \
		{PATH(SIDE ".process.exit.", "signal"),                                              \
		 FIELD_NAME,                                                                         \
		 .base = base_end_exit,                                                              \
		 .end = END,                                                                         \
		 READ(exit_signal),                                                                  \
		 .help = "signal that ended it, such as SIGKILL"},                                   \
		{PATH(SIDE ".process.exit.", "status"),                                              \
		 FIELD_NUMBER,                                                                       \
		 .base = base_end_exit,                                                              \
		 .end = END,                                                                         \
		 READ(exit_status),                                                                  \
		 .help = "its exit status"},                                                         \
		{PATH(SIDE ".process.", "creator"), FIELD_OBJECT, .base = base_end_creator,          \
		 .end = END, .help = "the task that made the socket, if it is another one"},         \
		{PATH(SIDE ".process.creator.", "pid"),                                              \
		 FIELD_NUMBER,                                                                       \
		 .base = base_end_creator,                                                           \
		 .end = END,                                                                         \
		 READ(number32),                                                                     \
		 IN(process, pid),                                                                   \
		 UNKNOWN,                                                                            \
		 .help = "its process id"},                                                          \
		{PATH(SIDE ".process.creator.", "comm"),                                             \
		 FIELD_TEXT,                                                                         \
		 .base = base_end_creator,                                                           \
		 .end = END,                                                                         \
		 READ(comm),                                                                         \
		 IN(process, comm),                                                                  \
		 .help = "its name"},                                                                \
		CONTAINER_FIELDS(SIDE, base_end_container, END, false),                              \
		{PATH(SIDE ".", "netns"),                                                            \
		 FIELD_NUMBER,                                                                       \
		 .base = base_end,                                                                   \
		 .end = END,                                                                         \
		 READ(number32),                                                                     \
		 IN(endpoint, netns),                                                                \
		 UNKNOWN,                                                                            \
		 .help = "inode number of the network namespace"},                                   \
		{PATH(SIDE ".", "cgroup"),                                                           \
		 FIELD_TEXT,                                                                         \
		 .base = base_end,                                                                   \
		 .end = END,                                                                         \
		 READ(string),                                                                       \
		 IN(endpoint, process.cgroup_path),                                                  \
		 UNKNOWN,                                                                            \
		 .help = "path of the cgroup"},                                                      \
		{PATH(SIDE ".", "unit"), FIELD_TEXT, .base = base_end, .end = END, READ(unit),       \
		 .help = "systemd unit"},                                                            \
		{PATH(SIDE ".", "socket"), FIELD_OBJECT, .base = base_end_socket, .end = END,        \
		 .help = "times of the socket, relative to the time of the handshake"},              \
		SOCKET(SIDE, END, "connect_us", connect_ns, "connect was called"),                   \
		SOCKET(SIDE, END, "established_us", established_ns,                                  \
		       "the connection was established"),                                            \
		SOCKET(SIDE, END, "accept_us", accept_ns, "accept returned"),                        \
		SOCKET(SIDE, END, "first_read_us", first_read_ns, "first read"),                     \
		SOCKET(SIDE, END, "last_read_us", last_read_ns, "last read"),                        \
		SOCKET(SIDE, END, "first_write_us", first_write_ns, "first write"),                  \
		SOCKET(SIDE, END, "last_write_us", last_write_ns, "last write"),                     \
		{PATH(SIDE ".socket.", "srtt_us"),                                                   \
		 FIELD_DURATION,                                                                     \
		 .base = base_end_socket,                                                            \
		 .end = END,                                                                         \
		 READ(microseconds),                                                                 \
		 IN(endpoint, srtt_us),                                                              \
		 UNKNOWN,                                                                            \
		 .help = "smoothed round-trip time, as TCP has it"},                                 \
	{                                                                                            \
		PATH(SIDE ".socket.", "min_rtt_us"), FIELD_DURATION,                                 \
			.base = base_end_socket, .end = END, READ(microseconds),                     \
			IN(endpoint, min_rtt_us), UNKNOWN,                                           \
			.help = "shortest round-trip time, as TCP has it"                            \
	}

#define OFFER_CODES(key, type, member, text)                                                       \
	{                                                                                          \
		PATH("offer.", key), type, LIST, .base = base_offer, READ(code_list),              \
						 IN(offer, member), .help = text                   \
	}

#define OFFER_NUMBER(key, member, text)                                                            \
	{                                                                                          \
		PATH("offer.", key), FIELD_NUMBER, .base = base_offer, READ(number32),             \
						   IN(offer, member), UNKNOWN, .help = text        \
	}

#define CERTIFICATE(key, reader, type, member, text)                                               \
	{                                                                                          \
		PATH("certificates.", key), type, .base = base_certificate, .repeats = true,       \
						  .has_details = true, READ(reader),               \
						  IN(certificate, member), UNKNOWN, .help = text   \
	}

#define PHASE_TIME(key, kind, text)                                                                \
	{                                                                                          \
		PATH("", key), FIELD_DURATION, .is_derived = true, READ(phase_sum), .phase = kind, \
					       .help = "time in this phase: " text                 \
	}

const struct field fields[] = {
	{PATH("", "id"), FIELD_HEX, READ(id), .help = "ClientHello.random"},
	{PATH("", "time"), FIELD_TIME, READ(time), IN(handshake, time_ns), UNKNOWN,
	 .help = "first byte of the ClientHello"},
	{PATH("", "transport"), WORDS(transport), READ(word), IN(handshake, transport),
	 .help = "tcp, quic or dtls"},
	{PATH("", "outcome"), WORDS(outcome), READ(word), IN(handshake, outcome),
	 .help = "completed, failed or incomplete"},
	{PATH("", "verdict"), FIELD_TEXT, READ(verdict), .help = "why it failed, in one sentence"},

	{PATH("", "failure"), FIELD_OBJECT, .base = base_failure, .help = "how it failed"},
	{PATH("failure.", "kind"), WORDS(failure_kind), .base = base_failure, READ(word),
	 IN(handshake, failure.kind), .help = "alert, reset, closed, timeout or refused"},
	{PATH("failure.", "by"), WORDS(end), .base = base_failure, READ(failure_by),
	 .says_unknown = true, .help = "client or server: who ended it, or had to speak next"},
	{PATH("failure.", "alert"), FIELD_NAME, .base = base_failure, READ(failure_alert),
	 .help = "name of the alert"},
	{PATH("failure.", "encrypted"), FIELD_BOOL, .base = base_failure, READ(flag),
	 IN(handshake, failure.encrypted), .help = "the alert was encrypted"},
	{PATH("failure.", "error"), FIELD_NUMBER, .base = base_failure, READ(failure_error),
	 .help = "error code of QUIC's CONNECTION_CLOSE"},
	{PATH("failure.", "reason"), FIELD_TEXT, .base = base_failure, READ(failure_reason),
	 .help = "reason phrase of QUIC's CONNECTION_CLOSE"},
	{PATH("failure.", "cause"), WORDS(fact), .base = base_failure, READ(word),
	 IN(handshake, failure.cause), UNKNOWN, .help = "what is certain to be why"},
	{PATH("failure.", "facts"), WORDS(fact), LIST, .base = base_failure, READ(failure_facts),
	 .help = "what else may tell why"},

	{PATH("", "incomplete"), WORDS(incomplete), READ(incomplete),
	 .help = "why the outcome is not known"},
	{PATH("", "left_by"), WORDS(end), READ(left_by),
	 .help = "client or server: who closed at once after a completed handshake"},
	{PATH("", "rejected_after"), WORDS(fact), READ(rejected_after),
	 .help = "what the certificate shows to be why the client left at once"},

	END_FIELDS("client", END_CLIENT),
	END_FIELDS("server", END_SERVER),

	{PATH("", "tls"), FIELD_OBJECT, .help = "what was negotiated"},
	{PATH("tls.", "version"), VERSION, READ(code16), IN(handshake, version), UNKNOWN,
	 .help = "version that the server chose"},
	{PATH("tls.", "quic_version"), FIELD_NAME, READ(quic_version), .help = "version of QUIC"},
	{PATH("tls.", "cipher"), CODE(cipher), READ(cipher),
	 .help = "cipher suite that the server chose"},
	{PATH("tls.", "group"), CODE(group), READ(group), .help = "group of the key exchange"},
	{PATH("tls.", "signature"), CODE(signature), READ(signature),
	 .help = "signature algorithm of ServerKeyExchange; hidden in TLS 1.3"},
	{PATH("tls.", "sni"), FIELD_TEXT, READ(sni),
	 .help = "server name that the client asked for"},
	{PATH("tls.", "alpn"), FIELD_TEXT, READ(alpn),
	 .help = "application protocol that the server chose; hidden in TLS 1.3"},
	{PATH("tls.", "resumed"), FIELD_BOOL, READ(resumed),
	 .help = "an earlier session was resumed"},
	{PATH("tls.", "resumption"), WORDS(resumption), READ(resumption),
	 .help = "session_id, ticket or psk"},
	{PATH("tls.", "psk"), WORDS(state), READ(state), IN(handshake, psk),
	 .help = "pre-shared key: none, offered or accepted"},
	{PATH("tls.", "psk_mode"), FIELD_NAME, READ(psk_mode), .help = "psk_ke or psk_dhe_ke"},
	{PATH("tls.", "early_data"), WORDS(state), READ(state), IN(handshake, early_data),
	 .says_unknown = true, .help = "0-RTT data: none, offered, accepted or rejected"},
	{PATH("tls.", "hello_retry"), FIELD_BOOL, READ(retry), IN(handshake, hello_retry),
	 .help = "the server sent a HelloRetryRequest"},
	{PATH("tls.", "downgrade"), VERSION, READ(downgrade),
	 .help = "the ServerHello is marked as a downgrade to this version"},
	{PATH("tls.", "retry_group"), CODE(group), READ(code16), IN(handshake, retry_group), ABSENT,
	 .help = "group that the HelloRetryRequest asked for"},
	{PATH("tls.", "retry_cookie"), FIELD_BOOL, READ(retry), IN(handshake, retry_cookie),
	 .help = "the retry request had a cookie"},
	{PATH("tls.", "client_auth"), WORDS(state), READ(state), IN(handshake, client_auth),
	 .says_unknown = true, .help = "client certificate: none, requested, sent or declined"},
	{PATH("tls.", "ocsp_stapled"), FIELD_BOOL, READ(plain), IN(handshake, ocsp_stapled),
	 .help = "the server sent an OCSP response; hidden in TLS 1.3"},
	{PATH("tls.", "ticket_issued"), FIELD_BOOL, READ(plain), IN(handshake, ticket_issued),
	 .help = "the server issued a session ticket; hidden in TLS 1.3"},
	{PATH("tls.", "ech"), WORDS(state), READ(state), IN(handshake, ech),
	 .help = "Encrypted ClientHello: none or offered"},
	{PATH("tls.", "heartbeat"), CODE(heartbeat), READ(code8), IN(handshake, heartbeat), ABSENT,
	 .help = "heartbeat mode that the server accepted"},
	{PATH("tls.", "renegotiation"), FIELD_BOOL, READ(flag), IN(handshake, renegotiation),
	 .help = "on a connection that had a handshake before"},
	{PATH("tls.", "compression"), FIELD_NAME, READ(compression), .help = "compression method"},
	{PATH("tls.", "key_exchange"), FIELD_NAME, READ(key_exchange),
	 .help = "RSA, DHE, ECDHE, PSK, hybrid, ..."},
	{PATH("tls.", "server_random"), FIELD_HEX, READ(server_random),
	 .help = "ServerHello.random"},
	{PATH("tls.", "session_id"), FIELD_HEX, READ(session_id), .help = "session id"},

	{PATH("", "messages"), FIELD_OBJECTS, .base = base_message, .repeats = true,
	 .help = "messages and records of both ends, in order"},
	{PATH("messages.", "at_us"), FIELD_DURATION, .base = base_message, .repeats = true,
	 READ(relative), IN(message, time_ns), UNKNOWN,
	 .help = "when it was seen, relative to the ClientHello"},
	{PATH("messages.", "from"), WORDS(end), .base = base_message, .repeats = true, READ(word),
	 IN(message, from), .help = "client or server"},
	{PATH("messages.", "record"), WORDS(record), .base = base_message, .repeats = true,
	 READ(word8), IN(message, record),
	 .help = "content type of the record, or type of the packet"},
	{PATH("messages.", "message"), FIELD_NAME, .base = base_message, .repeats = true,
	 READ(message_name), .help = "name of the message or alert"},
	{PATH("messages.", "size"), FIELD_NUMBER, .base = base_message, .repeats = true,
	 READ(number32), IN(message, size),
	 .help = "bytes of the message, or of the encrypted record"},
	{PATH("messages.", "encrypted"), FIELD_BOOL, .base = base_message, .repeats = true,
	 READ(flag), IN(message, encrypted), .help = "it was encrypted"},

	{PATH("", "offer"), FIELD_OBJECT, .base = base_offer,
	 .help = "what the ClientHello offers"},
	{PATH("offer.", "version"), VERSION, .base = base_offer, READ(code16), IN(offer, version),
	 UNKNOWN, .help = "legacy_version of the ClientHello"},
	OFFER_CODES("versions", VERSION, versions, "versions offered"),
	OFFER_CODES("ciphers", CODE(cipher), ciphers, "cipher suites offered"),
	OFFER_CODES("groups", CODE(group), groups, "groups offered"),
	OFFER_CODES("key_shares", CODE(group), key_shares, "groups with a key share"),
	OFFER_CODES("signature_algorithms", CODE(signature), signatures,
		    "signature algorithms offered"),
	{PATH("offer.", "alpn"), FIELD_TEXT, LIST, .base = base_offer, READ(offered_alpn),
	 .help = "application protocols offered"},
	OFFER_CODES("extensions", CODE(extension), extensions, "extensions"),
	OFFER_CODES("point_formats", CODE(point_format), point_formats, "EC point formats"),
	OFFER_CODES("psk_modes", CODE(psk_mode), psk_modes, "PSK key exchange modes"),
	OFFER_CODES("compressions", CODE(compression), compressions, "compression methods"),
	OFFER_CODES("delegated_credentials", CODE(signature), delegated_credentials,
		    "signature algorithms for delegated credentials"),
	{PATH("offer.", "heartbeat"), CODE(heartbeat), .base = base_offer, READ(code8),
	 IN(offer, heartbeat), ABSENT, .help = "heartbeat mode"},
	{PATH("offer.", "padding"), FIELD_NUMBER, .base = base_offer, READ(offered_padding),
	 .help = "bytes in the padding extension"},
	OFFER_NUMBER("size", size, "bytes of the ClientHello"),
	OFFER_NUMBER("received", received, "bytes of it that were seen"),
	OFFER_NUMBER("records", records, "records it came in"),
	OFFER_NUMBER("segments", segments, "segments it came in"),

	{PATH("", "certificates"), FIELD_OBJECTS, .base = base_sent_certificate, .repeats = true,
	 .has_details = true, .help = "certificates that both ends sent; hidden in TLS 1.3"},
	{PATH("certificates.", "from"), WORDS(end), .base = base_sent_certificate, .repeats = true,
	 .has_details = true, READ(word), IN(sent_certificate, from), .help = "server or client"},
	CERTIFICATE("subject", string, FIELD_TEXT, subject, "subject"),
	CERTIFICATE("issuer", string, FIELD_TEXT, issuer, "issuer"),
	{PATH("certificates.", "san"), FIELD_TEXT, LIST, .base = base_certificate, .repeats = true,
	 .has_details = true, READ(san), .help = "subject alternative names, such as DNS:NAME"},
	CERTIFICATE("not_before", date, FIELD_DATE, not_before, "valid from"),
	CERTIFICATE("not_after", date, FIELD_DATE, not_after, "valid until"),
	CERTIFICATE("key", name, FIELD_NAME, key, "key, such as RSA 2048"),
	CERTIFICATE("signature", name, FIELD_NAME, signature, "signature algorithm"),
	CERTIFICATE("serial", name, FIELD_NAME, serial, "serial number, in hexadecimal"),
	CERTIFICATE("sha256", sha256, FIELD_HEX, sha256, "SHA-256 of the certificate"),
	CERTIFICATE("size", number32, FIELD_NUMBER, size, "bytes"),
	CERTIFICATE("broken", flag, FIELD_BOOL, broken, "it could not be parsed as a whole"),
	CERTIFICATE("truncated", flag, FIELD_BOOL, truncated, "a long text was truncated"),

	{PATH("", "fingerprint"), FIELD_OBJECT, .has_details = true,
	 .help = "fingerprints of the hellos"},
	{PATH("fingerprint.", "ja3"), FIELD_NAME, READ(name_array), IN(handshake, ja3), UNKNOWN,
	 .has_details = true, .help = "JA3 of the ClientHello"},
	{PATH("fingerprint.", "ja3s"), FIELD_NAME, READ(name_array), IN(handshake, ja3s), UNKNOWN,
	 .has_details = true, .help = "JA3S of the ServerHello"},
	{PATH("fingerprint.", "ja4"), FIELD_NAME, READ(name_array), IN(handshake, ja4), UNKNOWN,
	 .has_details = true, .help = "JA4 of the ClientHello"},

	{PATH("", "latency"), FIELD_OBJECT, .help = "how long it took"},
	{PATH("latency.", "total_us"), FIELD_DURATION, READ(total),
	 .help = "from connect until the client may send, or until the failure"},
	{PATH("latency.", "rtt_us"), FIELD_DURATION, READ(microseconds),
	 IN(handshake, latency.rtt_us), UNKNOWN, .help = "round-trip time between the ends"},
	{PATH("latency.", "retransmissions"), FIELD_NUMBER, READ(number32),
	 IN(handshake, latency.retransmissions), .help = "segments that were sent again"},
	{PATH("latency.", "phases"), FIELD_OBJECTS, .base = base_phase, .repeats = true,
	 .help = "where the time went"},
	{PATH("latency.phases.", "name"), WORDS(phase), .base = base_phase, .repeats = true,
	 READ(word), IN(phase, kind), .help = "name of the phase"},
	{PATH("latency.phases.", "side"), WORDS(end), .base = base_phase, .repeats = true,
	 READ(phase_side), .help = "client or server"},
	{PATH("latency.phases.", "start_us"), FIELD_DURATION, .base = base_phase, .repeats = true,
	 READ(phase_start), .help = "from the beginning of the first phase"},
	{PATH("latency.phases.", "duration_us"), FIELD_DURATION, .base = base_phase,
	 .repeats = true, READ(phase_duration), .help = "how long the phase took"},
	{PATH("latency.phases.", "quality"), FIELD_NAME, .base = base_phase, .repeats = true,
	 READ(phase_quality), .help = "measured, estimated or lost"},
	{PATH("latency.phases.", "error_us"), FIELD_DURATION, .base = base_phase, .repeats = true,
	 READ(phase_error), .help = "how far off an estimate may be"},
	{PATH("latency.", "causes"), FIELD_OBJECTS, .base = base_latency_cause, .repeats = true,
	 .help = "why it took so long, as far as packets prove it"},
	{PATH("latency.causes.", "kind"), WORDS(latency_cause), .base = base_latency_cause,
	 .repeats = true, READ(word), IN(latency_cause, kind), .help = "what happened"},
	{PATH("latency.causes.", "from"), WORDS(end), .base = base_latency_cause, .repeats = true,
	 READ(latency_cause_from), .help = "who sent what was lost or waited"},
	{PATH("latency.causes.", "count"), FIELD_NUMBER, .base = base_latency_cause,
	 .repeats = true, READ(number32), IN(latency_cause, count),
	 .help = "losses, or round trips"},
	{PATH("latency.causes.", "duration_us"), FIELD_DURATION, .base = base_latency_cause,
	 .repeats = true, READ(latency_cause_duration), .help = "how long that took"},

	{PATH("", "path"), FIELD_OBJECTS, .base = base_place, .repeats = true,
	 .help = "interfaces where it was seen, in order of time"},
	{PATH("path.", "interface"), FIELD_TEXT, .base = base_place, .repeats = true,
	 READ(interface), .help = "name of the interface"},
	{PATH("path.", "ifindex"), FIELD_NUMBER, .base = base_place, .repeats = true,
	 READ(number32), IN(place, ifindex), UNKNOWN, .help = "index of the interface"},
	{PATH("path.", "netns"), FIELD_NUMBER, .base = base_place, .repeats = true, READ(number32),
	 IN(place, netns), UNKNOWN, .help = "inode number of the network namespace"},
	{PATH("path.", "direction"), WORDS(direction), .base = base_place, .repeats = true,
	 READ(word8), IN(place, hook), UNKNOWN, .help = "ingress or egress"},
	{PATH("path.", "client"), FIELD_ENDPOINT, .base = base_place, .repeats = true,
	 READ(endpoint), IN(place, client), .help = "address of the client there"},
	{PATH("path.", "server"), FIELD_ENDPOINT, .base = base_place, .repeats = true,
	 READ(endpoint), IN(place, server), .help = "address of the server there"},
	{PATH("path.", "process"), FIELD_OBJECT, .base = base_place_process, .repeats = true,
	 .help = "proxy that passes the handshake on"},
	{PATH("path.process.", "pid"), FIELD_NUMBER, .base = base_place_process, .repeats = true,
	 READ(number32), IN(process, pid), UNKNOWN, .help = "its process id"},
	{PATH("path.process.", "comm"), FIELD_TEXT, .base = base_place_process, .repeats = true,
	 READ(comm), IN(process, comm), .help = "its name"},
	{PATH("path.process.", "exe"), FIELD_TEXT, .base = base_place_process, .repeats = true,
	 READ(string), IN(process, exe), UNKNOWN, .help = "path of its executable"},
	{PATH("path.process.", "uid"), FIELD_NUMBER, .base = base_place_process, .repeats = true,
	 READ(number32), IN(process, uid), .help = "its user id"},
	CONTAINER_FIELDS("path.process", base_place_container, END_UNKNOWN, true),
	{PATH("path.", "time"), FIELD_TIME, .base = base_place, .repeats = true, READ(time),
	 IN(place, time_ns), UNKNOWN, .help = "when it was first seen there"},

	{PATH("", "quality"), FIELD_OBJECT, .help = "what the row rests on"},
	{PATH("quality.", "gap"), FIELD_BOOL, READ(flag), IN(handshake, gap),
	 .help = "events were lost, or packets are missing"},
	{PATH("quality.", "truncated"), FIELD_BOOL, READ(flag), IN(handshake, truncated),
	 .help = "something was copied or understood only in part"},
	{PATH("quality.", "conflict"), FIELD_BOOL, READ(flag), IN(handshake, conflict),
	 .help = "different bytes were seen at one sequence number"},
	{PATH("quality.", "inferred"), WORDS(inferred), LIST, READ(inferred),
	 .help = "fields that are inferred from the lengths of encrypted records"},

	{PATH("client.", "name"), FIELD_TEXT, .is_derived = true, .base = base_end,
	 .end = END_CLIENT, READ(end_name), .help = "process name of the client, else its address"},
	{PATH("server.", "name"), FIELD_TEXT, .is_derived = true, .base = base_end,
	 .end = END_SERVER, READ(end_name), .help = "process name of the server, else its address"},
	{PATH("", "failed"), FIELD_BOOL, .is_derived = true, READ(failed),
	 .help = "the handshake failed"},
	{PATH("", "pq"), WORDS(post_quantum), .is_derived = true, READ(post_quantum),
	 .help = "post-quantum key exchange: none, offered or chosen"},
	{PATH("", "expires_us"), FIELD_DURATION, .is_derived = true, .has_details = true,
	 READ(expires), .help = "time until the first certificate of the server expires"},
	PHASE_TIME("tcp_connect_us", PHASE_TCP_CONNECT, "TCP connects"),
	PHASE_TIME("client_prepare_us", PHASE_CLIENT_PREPARE, "the client makes its hello"),
	PHASE_TIME("hello_network_us", PHASE_HELLO_NETWORK, "the hello travels to the server"),
	PHASE_TIME("accept_queue_us", PHASE_ACCEPT_QUEUE, "the connection waits to be accepted"),
	PHASE_TIME("server_wakeup_us", PHASE_SERVER_WAKEUP,
		   "the server has not read the hello yet"),
	PHASE_TIME("server_crypto_us", PHASE_SERVER_CRYPTO, "the server is at work"),
	PHASE_TIME("server_flight_us", PHASE_SERVER_FLIGHT,
		   "the server sends the rest of its answer"),
	PHASE_TIME("reply_network_us", PHASE_REPLY_NETWORK, "the answer travels to the client"),
	PHASE_TIME("client_wakeup_us", PHASE_CLIENT_WAKEUP,
		   "the client has not read the answer yet"),
	PHASE_TIME("client_crypto_us", PHASE_CLIENT_CRYPTO, "the client checks the answer"),
	PHASE_TIME("finish_network_us", PHASE_FINISH_NETWORK, "the last messages travel"),
	PHASE_TIME("server_finish_us", PHASE_SERVER_FINISH,
		   "the server checks the client's last messages"),
	PHASE_TIME("client_finish_us", PHASE_CLIENT_FINISH,
		   "the client checks the server's last messages"),
};
const size_t field_count = sizeof(fields) / sizeof(fields[0]);

const struct field_alias field_aliases[] = {
	{"client", "client.name"},
	{"server", "server.name"},
	{"sni", "tls.sni"},
	{"version", "tls.version"},
	{"cipher", "tls.cipher"},
	{"group", "tls.group"},
	{"signature", "tls.signature"},
	{"alpn", "tls.alpn"},
	{"resumed", "tls.resumed"},
	{"total", "latency.total_us"},
	{"rtt", "latency.rtt_us"},
	{"retransmissions", "latency.retransmissions"},
	{"cause", "failure.cause"},
	{"alert", "failure.alert"},
	{"expires", "expires_us"},
	{"tcp_connect", "tcp_connect_us"},
	{"client_prepare", "client_prepare_us"},
	{"hello_network", "hello_network_us"},
	{"accept_queue", "accept_queue_us"},
	{"server_wakeup", "server_wakeup_us"},
	{"server_crypto", "server_crypto_us"},
	{"server_flight", "server_flight_us"},
	{"reply_network", "reply_network_us"},
	{"client_wakeup", "client_wakeup_us"},
	{"client_crypto", "client_crypto_us"},
	{"finish_network", "finish_network_us"},
	{"server_finish", "server_finish_us"},
	{"client_finish", "client_finish_us"},
	{"ja3", "fingerprint.ja3"},
	{"ja4", "fingerprint.ja4"},
};
const size_t field_alias_count = sizeof(field_aliases) / sizeof(field_aliases[0]);
