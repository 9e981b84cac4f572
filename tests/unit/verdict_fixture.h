/* SPDX-License-Identifier: BSD-2-Clause */
/* Handshakes, each with the sentence that its row must end with. */
#ifndef VERDICT_FIXTURE_H
#define VERDICT_FIXTURE_H

#include "build.h"
#include "handshake/handshake.h"
#include "sink/verdict.h"
#include "tls/certificate.h"
#include "tls/hello.h"

#define CODES(...)                                                                                 \
	{                                                                                          \
		(uint16_t[]){__VA_ARGS__}, sizeof((uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t)    \
	}
#define NOON	 INT64_C(1700000000) /* of the handshakes here, seconds since 1970 */
#define HELLO_NS (NOON * 1000 * MS)
#define CURL	 "client curl[812]"
#define NGINX	 "server nginx[711]"

enum { HIDDEN = -1 };

struct verdict_case {
	void (*make)(struct handshake *handshake);
	enum verdict_form form;
	const char *cause; /* in JSON */
	const char *expected;
};

/* One end refused the handshake by an alert. */
extern const struct verdict_case verdict_refusals[];
extern const size_t verdict_refusal_count;
/* The handshake ended in another way: closed, reset, silence, another protocol, or well. */
extern const struct verdict_case verdict_ends[];
extern const size_t verdict_end_count;

extern struct certificate leaf, middle, old_middle, late_leaf;

/*
 * One hello, at NOON; both ends are on this host, the server has read it. The functions below add
 * to it. Calls share the lists of messages and certificates, so finish with one before the next.
 */
struct handshake hello_new(void);
/* A handshake message, or a HIDDEN one. */
void say_message(struct handshake *handshake, enum handshake_end from, int type, bool encrypted);
/* A fatal alert of this end. */
void refuse(struct handshake *handshake, enum handshake_end by, int code);
/* This end left first, then the other. */
void leave(struct handshake *handshake, enum failure_kind kind, enum handshake_end by);
/* The server's whole flight. */
void answer_hello(struct handshake *handshake, uint16_t version);
void send_certificates(struct handshake *handshake, enum handshake_end from,
		       struct certificate *first, struct certificate *second);

#endif
