/* SPDX-License-Identifier: BSD-2-Clause */
/* What the sinks share: how addresses, times, code points and ends are written. */
#ifndef TLSTRACE_TEXT_H
#define TLSTRACE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handshake/handshake.h"

#define TEXT_ADDRESS_SIZE 64
#define TEXT_WHO_SIZE                                                                              \
	352 /* an escaped comm is at most 64 bytes, a longer name of a container is cut */
#define TEXT_TIME_SIZE	  48
#define TEXT_NUMBER_SIZE  32
#define TEXT_CODE_SIZE	  8
#define TEXT_QUIC_SIZE	  12
#define TEXT_VERDICT_SIZE 512

/* Text that grows within a caller's buffer; what does not fit is cut, never inside a character. */
struct text {
	char *to;
	size_t size, length;
};

/*
 * Who reads escaped text. Programs get all printable UTF-8. People at a terminal do not get what
 * they cannot see, or what changes the place of what is beside it: blanks other than a space,
 * letters that run from right to left, and more than a few marks on one letter.
 */
enum text_readers { TEXT_FOR_PEOPLE, TEXT_FOR_PROGRAMS };

struct text_escaper {
	enum text_readers readers;
	size_t marks; /* combining marks since the last letter */
};

#define TEXT_ESCAPED_MAX 4 /* bytes that one step writes */

/*
 * The next character as it is, or one byte as \xNN, written without a NUL. Returns the bytes
 * taken; length is not 0.
 */
size_t text_escape_next(struct text_escaper *escaper, const void *bytes, size_t length,
			char to[TEXT_ESCAPED_MAX], size_t *written);

void text_start(struct text *text, char *to, size_t size);
void text_append(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes of the first character of valid UTF-8, its columns in *width; 0 at the end. */
size_t text_step(const char *string, size_t *width);
size_t text_width(const char *string);
/* Cut to a width of at least 1, with a mark where something is missing; tail bytes at the end stay.
 */
void text_cut(char *string, size_t size, size_t width, size_t tail);
/* Whether the locale's terminal shows UTF-8; setlocale() must have been called. */
bool text_is_utf8(void);

/* False for an unknown address, which is all zero. */
bool text_address_known(const struct address *address);
/* With at least so many digits; returns a pointer to the NUL. */
char *text_number(uint64_t number, size_t digits, char *to);
void text_ip(const struct address *address, char to[TEXT_ADDRESS_SIZE]);
/* "192.0.2.1:443", "[2001:db8::1]:443" */
void text_address(const struct address *address, char to[TEXT_ADDRESS_SIZE]);
/* "curl[812]" if local, "curl[812]@web" in a container, else the address. */
void text_who(const struct endpoint *end, char to[TEXT_WHO_SIZE]);
/* The same of a process that is known. */
void text_process(const struct process *process, char to[TEXT_WHO_SIZE]);

/* RFC 3339, UTC, nanoseconds. */
void text_time(uint64_t time_ns, int64_t clock_offset_ns, char to[TEXT_TIME_SIZE]);
/* Seconds since 1970 as RFC 3339, UTC, without a fraction; false if no such date can be written. */
bool text_seconds(int64_t seconds, char to[TEXT_TIME_SIZE]);
/* Nanoseconds as microseconds with at most 3 decimals: "890.1". Returns a pointer to the NUL. */
char *text_microseconds(int64_t ns, char to[TEXT_NUMBER_SIZE]);
/* Nanoseconds as milliseconds with 1 to 3 decimals, without the unit. */
void text_milliseconds(uint64_t ns, char to[TEXT_NUMBER_SIZE]);

/* Nanoseconds as a person says them: "1.2 ms", "10 s", "less than 0.1 ms". */
void text_duration(uint64_t ns, char to[TEXT_NUMBER_SIZE]);

#define TEXT_COLOR_OFF "\x1b[0m"
/* Readable on light and on dark terminals. */
const char *text_outcome_color(enum handshake_outcome outcome);

typedef const char *text_namer(uint16_t code);

/* The name, "GREASE", or the code point as "0x1234" in buffer. */
const char *text_code(text_namer *name, uint16_t code, char buffer[TEXT_CODE_SIZE]);
const char *text_alert(uint8_t alert, char buffer[TEXT_CODE_SIZE]);
/* "SIGKILL", or "signal 40" in buffer where it has no name. */
const char *text_signal(int number, char buffer[TEXT_NUMBER_SIZE]);
/* "client", "server" or "unknown" */
const char *text_end(enum handshake_end end);
/* "ingress" or "egress"; NULL if the direction is unknown. */
const char *text_hook(uint8_t hook);
/* "none", "offered", ... */
const char *text_state(enum handshake_tri state);
/* "tcp", "quic" or "dtls" */
const char *text_transport(enum handshake_transport transport);
/* "QUICv1", "QUICd29" for a draft, "QUIC" for another version. */
void text_quic(uint32_t version, char to[TEXT_QUIC_SIZE]);
/* The name of a transport error; NULL if it has none. */
const char *text_quic_error(uint64_t error);
/* The record's content type, or the packet's type; NULL if it has no name. */
const char *text_record(uint8_t record);
/* The message's name, of a plaintext alert the alert's; NULL where encryption hides it. */
const char *text_message(const struct message *message, char buffer[TEXT_CODE_SIZE]);
/* NULL: none, or unknown. */
const char *text_resumption(enum resumption resumption);
/* The path of the field in JSON. */
const char *text_inferred(enum inferred_field field);
/* NULL if the server has not said. */
const char *text_compression(const struct handshake *handshake, char buffer[TEXT_CODE_SIZE]);

/* The next name of offer.alpn, and the offset after it; false at its end or where it is broken. */
bool text_alpn_next(const struct offer *offer, size_t *offset, const uint8_t **name,
		    size_t *length);

#endif
