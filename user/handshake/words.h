/* SPDX-License-Identifier: BSD-2-Clause */
/* The words for the model's enums, as JSON, expressions and people use them: one place for all. */
#ifndef TLSTRACE_WORDS_H
#define TLSTRACE_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* Answers that the model holds no member for. */
enum incomplete_reason {
	INCOMPLETE_TRACE_ENDED,
	INCOMPLETE_EVENTS_LOST,
	INCOMPLETE_SSL2, /* SSL 2.0 is not followed after its hellos */
};

enum post_quantum { POST_QUANTUM_NONE, POST_QUANTUM_OFFERED, POST_QUANTUM_CHOSEN };

/* names[value]; NULL for a value that has no word. */
struct words {
	const char *const *names;
	size_t count;
};

extern const struct words words_outcome, words_transport, words_end, words_failure_kind, words_fact,
	words_state, words_container_how, words_incomplete, words_record, words_direction,
	words_phase, words_latency_cause, words_post_quantum, words_message_kind, words_resumption,
	words_inferred;

struct message;

/* NULL if the value has no word. */
const char *words_name(const struct words *words, size_t value);
/* The name, or the code point in buffer, of at least 8 bytes. */
const char *words_alert(uint8_t alert, char *buffer, size_t size);
/* The same of a message; of an alert its name; NULL where encryption hides it. */
const char *words_message(const struct message *message, char *buffer, size_t size);

#endif
