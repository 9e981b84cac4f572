/* SPDX-License-Identifier: BSD-2-Clause */
/* The readers that the field table uses; only for fields*.c. */
#ifndef TLSTRACE_FIELDS_READ_H
#define TLSTRACE_FIELDS_READ_H

#include "handshake/fields.h"

#define FIELD_BASE(name)                                                                           \
	enum field_state name(const struct field *field, const struct field_row *row,              \
			      const void **base)
#define FIELD_READER(name)                                                                         \
	enum field_state name(const struct field *field, struct field_row *row, const void *base,  \
			      struct field_value *value)

/* Objects, and what offset counts from in each. */
FIELD_BASE(base_failure);	   /* struct handshake */
FIELD_BASE(base_end);		   /* struct endpoint */
FIELD_BASE(base_end_process);	   /* struct endpoint */
FIELD_BASE(base_end_exit);	   /* struct endpoint */
FIELD_BASE(base_end_creator);	   /* struct process */
FIELD_BASE(base_end_container);	   /* struct container */
FIELD_BASE(base_end_socket);	   /* struct endpoint */
FIELD_BASE(base_message);	   /* struct message */
FIELD_BASE(base_offer);		   /* struct offer */
FIELD_BASE(base_sent_certificate); /* struct sent_certificate */
FIELD_BASE(base_certificate);	   /* struct certificate */
FIELD_BASE(base_phase);		   /* struct phase */
FIELD_BASE(base_latency_cause);	   /* struct latency_cause */
FIELD_BASE(base_place);		   /* struct place */
FIELD_BASE(base_place_process);	   /* struct process */
FIELD_BASE(base_place_container);  /* struct container */

/* General: the value at field->offset. 0 and NULL mean field->missing, if that is not FIELD_KNOWN.
 */
FIELD_READER(read_flag);
FIELD_READER(read_word);	 /* enum */
FIELD_READER(read_word8);	 /* uint8_t */
FIELD_READER(read_code16);	 /* uint16_t */
FIELD_READER(read_code8);	 /* uint8_t */
FIELD_READER(read_number32);	 /* uint32_t */
FIELD_READER(read_microseconds); /* uint32_t */
FIELD_READER(read_relative);	 /* uint64_t, to the time of the handshake */
FIELD_READER(read_time);	 /* uint64_t */
FIELD_READER(read_date);	 /* int64_t, or CERTIFICATE_TIME_UNKNOWN */
FIELD_READER(read_string);	 /* char *, of bytes that anybody may have chosen */
FIELD_READER(read_name);	 /* const char *, of ours */
FIELD_READER(read_name_array);	 /* char[] of ours */
FIELD_READER(read_comm);	 /* char[HANDSHAKE_COMM_SIZE] */
FIELD_READER(read_sha256);	 /* uint8_t[32] */
FIELD_READER(read_endpoint);	 /* struct address */
FIELD_READER(read_code_list);	 /* struct code_list of an offer */

FIELD_READER(read_id);
FIELD_READER(read_verdict);
FIELD_READER(read_failure_alert);
FIELD_READER(read_failure_error);
FIELD_READER(read_failure_reason);
FIELD_READER(read_failure_facts);
FIELD_READER(read_rejected_after);
FIELD_READER(read_failure_by);
FIELD_READER(read_incomplete);
FIELD_READER(read_left_by);
FIELD_READER(read_inferred);

FIELD_READER(read_ip);
FIELD_READER(read_port);
FIELD_READER(read_how);
FIELD_READER(read_exit_signal);
FIELD_READER(read_exit_status);
FIELD_READER(read_unit);
FIELD_READER(read_label);

FIELD_READER(read_quic_version);
FIELD_READER(read_cipher);
FIELD_READER(read_group);
FIELD_READER(read_signature);
FIELD_READER(read_sni);
FIELD_READER(read_alpn);
FIELD_READER(read_resumed);
FIELD_READER(read_resumption);
FIELD_READER(read_key_exchange);
FIELD_READER(read_state);
FIELD_READER(read_psk_mode);
FIELD_READER(read_retry);
FIELD_READER(read_downgrade);
FIELD_READER(read_plain); /* what TLS 1.3 encrypts */
FIELD_READER(read_compression);
FIELD_READER(read_server_random);
FIELD_READER(read_session_id);

FIELD_READER(read_message_name);
FIELD_READER(read_offered_alpn);
FIELD_READER(read_offered_padding);
FIELD_READER(read_san);
FIELD_READER(read_total);
FIELD_READER(read_phase_side);
FIELD_READER(read_phase_start);
FIELD_READER(read_phase_duration);
FIELD_READER(read_phase_quality);
FIELD_READER(read_phase_error);
FIELD_READER(read_latency_cause_from);
FIELD_READER(read_latency_cause_duration);
FIELD_READER(read_interface);

FIELD_READER(read_end_name);
FIELD_READER(read_failed);
FIELD_READER(read_post_quantum);
FIELD_READER(read_expires);
FIELD_READER(read_phase_sum);

/* Values as readers make them. */
enum field_state field_known_text(struct field_value *value, const void *bytes, size_t length);
enum field_state field_known_string(struct field_value *value, const char *string);

#endif
