// SPDX-License-Identifier: BSD-2-Clause
#include "handshake/words.h"

#include <stdio.h>

#include "handshake/handshake.h"
#include "tls/names.h"
#include "tlstrace_types.h"
#include "who/container.h"

#define WORDS(name, ...)                                                                           \
	static const char *const name##_names[] = {__VA_ARGS__};                                   \
	const struct words words_##name = {name##_names,                                           \
					   sizeof(name##_names) / sizeof(name##_names[0])}

/* A handshake that is still pending when its row is written has no outcome. */
WORDS(outcome, [HANDSHAKE_PENDING] = "incomplete", [HANDSHAKE_COMPLETED] = "completed",
      [HANDSHAKE_FAILED] = "failed", [HANDSHAKE_INCOMPLETE] = "incomplete");

WORDS(transport, [TRANSPORT_TCP] = "tcp", [TRANSPORT_QUIC] = "quic", [TRANSPORT_DTLS] = "dtls");

WORDS(end, [END_SERVER] = "server", [END_CLIENT] = "client", [END_UNKNOWN] = "unknown");

WORDS(failure_kind, [FAILURE_NONE] = NULL, [FAILURE_ALERT] = "alert", [FAILURE_RESET] = "reset",
      [FAILURE_CLOSED] = "closed", [FAILURE_TIMEOUT] = "timeout", [FAILURE_REFUSED] = "refused");

WORDS(fact, [FACT_VERSION] = "version", [FACT_CIPHERS] = "ciphers", [FACT_GROUPS] = "groups",
      [FACT_ALPN] = "alpn", [FACT_SERVER_NAME] = "server_name",
      [FACT_MALFORMED_HELLO] = "malformed_hello", [FACT_FALLBACK] = "fallback",
      [FACT_DOWNGRADE] = "downgrade", [FACT_EXPIRED] = "certificate_expired",
      [FACT_NOT_YET_VALID] = "certificate_not_yet_valid",
      [FACT_CERTIFICATE_NAME] = "certificate_name", [FACT_ISSUER] = "certificate_issuer",
      [FACT_NO_CERTIFICATE] = "no_certificate", [FACT_WARNED] = "warned",
      [FACT_NO_ANSWER] = "no_answer", [FACT_NOT_READ] = "not_read", [FACT_NOT_SENT] = "not_sent",
      [FACT_BETWEEN] = "between", [FACT_PLAINTEXT] = "plaintext", [FACT_HELLO_PART] = "hello_part",
      [FACT_CLOSED_BEFORE] = "closed_before", [FACT_KILLED] = "killed", [FACT_EXITED] = "exited",
      [FACT_SIGNATURES] = "signatures", [FACT_NO_SERVER_NAME] = "no_server_name",
      [FACT_SELF_SIGNED] = "self_signed", [FACT_UNRELATED] = "unrelated_certificates",
      [FACT_SHORT_KEY] = "short_key", [FACT_WEAK_SIGNATURE] = "weak_signature",
      [FACT_MUST_STAPLE] = "must_staple", [FACT_CLOCK] = "clock",
      [FACT_BEFORE_CERTIFICATE] = "before_certificate", [FACT_VIOLATION] = "protocol_violation",
      [FACT_ECHO] = "echo", [FACT_GREETED] = "greeted", [FACT_DID_NOT_WAIT] = "did_not_wait",
      [FACT_NOT_DELIVERED] = "not_delivered");

WORDS(state, [TRI_NONE] = "none", [TRI_OFFERED] = "offered", [TRI_ACCEPTED] = "accepted",
      [TRI_REJECTED] = "rejected", [TRI_REQUESTED] = "requested", [TRI_SENT] = "sent",
      [TRI_DECLINED] = "declined", [TRI_UNKNOWN] = "unknown");

WORDS(container_how, [CONTAINER_BY_CGROUP] = "cgroup", [CONTAINER_BY_RUNTIME] = "runtime",
      [CONTAINER_CLAIMED] = "claimed");

WORDS(incomplete, [INCOMPLETE_TRACE_ENDED] = "trace_ended",
      [INCOMPLETE_EVENTS_LOST] = "events_lost", [INCOMPLETE_SSL2] = "ssl2");

WORDS(record, [RECORD_KIND_CCS] = "change_cipher_spec", [RECORD_KIND_ALERT] = "alert",
      [RECORD_KIND_HANDSHAKE] = "handshake", [RECORD_KIND_DATA] = "application_data",
      [RECORD_KIND_HEARTBEAT] = "heartbeat", [RECORD_KIND_TLS12_CID] = "tls12_cid",
      [RECORD_KIND_DTLS_ACK] = "ack", [RECORD_KIND_QUIC_INITIAL] = "quic_initial",
      [RECORD_KIND_QUIC_0RTT] = "quic_0rtt", [RECORD_KIND_QUIC_HANDSHAKE] = "quic_handshake",
      [RECORD_KIND_QUIC_1RTT] = "quic_1rtt", [RECORD_KIND_QUIC_RETRY] = "quic_retry",
      [RECORD_KIND_QUIC_VERSION_NEGOTIATION] = "quic_version_negotiation");

WORDS(direction, [TLSTRACE_INGRESS] = "ingress", [TLSTRACE_EGRESS] = "egress");

WORDS(post_quantum, [POST_QUANTUM_NONE] = "none", [POST_QUANTUM_OFFERED] = "offered",
      [POST_QUANTUM_CHOSEN] = "chosen");

WORDS(latency_cause, [CAUSE_SYN_LOST] = "syn_lost", [CAUSE_SYN_ACK_LOST] = "syn_ack_lost",
      [CAUSE_HELLO_LOST] = "hello_lost", [CAUSE_ANSWER_LOST] = "answer_lost",
      [CAUSE_FINISH_LOST] = "finish_lost", [CAUSE_INITIAL_WINDOW] = "initial_window",
      [CAUSE_ROUND_TRIPS] = "round_trips");
WORDS(phase, [PHASE_TCP_CONNECT] = "tcp_connect", [PHASE_CLIENT_PREPARE] = "client_prepare",
      [PHASE_HELLO_NETWORK] = "hello_network", [PHASE_ACCEPT_QUEUE] = "accept_queue",
      [PHASE_SERVER_WAKEUP] = "server_wakeup", [PHASE_SERVER_CRYPTO] = "server_crypto",
      [PHASE_SERVER_FLIGHT] = "server_flight", [PHASE_SERVER] = "server",
      [PHASE_REPLY_NETWORK] = "reply_network", [PHASE_CLIENT_WAKEUP] = "client_wakeup",
      [PHASE_CLIENT_CRYPTO] = "client_crypto", [PHASE_FINISH_NETWORK] = "finish_network",
      [PHASE_SERVER_FINISH] = "server_finish", [PHASE_CLIENT_FINISH] = "client_finish",
      [PHASE_UNKNOWN] = "unknown");

/* A kind without a word is named by its type, or hidden. */
WORDS(message_kind, [MESSAGE_CHANGE_CIPHER_SPEC] = "change_cipher_spec",
      [MESSAGE_ENCRYPTED_HANDSHAKE] = "encrypted_handshake_message",
      [MESSAGE_HELLO_RETRY_REQUEST] = "hello_retry_request", [MESSAGE_QUIC_RETRY] = "retry",
      [MESSAGE_QUIC_VERSION_NEGOTIATION] = "version_negotiation",
      [MESSAGE_QUIC_CLOSE] = "connection_close");

WORDS(resumption, [RESUMPTION_UNKNOWN] = NULL, [RESUMPTION_SESSION_ID] = "session_id",
      [RESUMPTION_TICKET] = "ticket", [RESUMPTION_PSK] = "psk");

/* Paths of fields. */
WORDS(inferred, [INFERRED_OUTCOME] = "outcome", [INFERRED_FAILURE] = "failure",
      [INFERRED_MESSAGES] = "messages", [INFERRED_CLIENT_AUTH] = "tls.client_auth",
      [INFERRED_EARLY_DATA] = "tls.early_data");

const char *words_name(const struct words *words, size_t value)
{
	return value < words->count ? words->names[value] : NULL;
}

const char *words_alert(uint8_t alert, char *buffer, size_t size)
{
	const char *name = tls_alert_name(alert);

	if (name)
		return name;
	snprintf(buffer, size, "0x%02x", alert);
	return buffer;
}

const char *words_message(const struct message *message, char *buffer, size_t size)
{
	switch (message->kind) {
	case MESSAGE_HANDSHAKE:
		return tls_handshake_name(message->type);
	case MESSAGE_ALERT:
		return words_alert(message->alert, buffer, size);
	default:
		return words_name(&words_message_kind, message->kind);
	}
}
