/* SPDX-License-Identifier: BSD-2-Clause */
/* Protocols that a server may speak where TLS was expected, by their first bytes. */
#ifndef TLSTRACE_PLAINTEXT_H
#define TLSTRACE_PLAINTEXT_H

#include "tls/slice.h"

enum plaintext {
	PLAINTEXT_UNKNOWN,
	PLAINTEXT_AMQP,
	PLAINTEXT_FTP_SMTP,
	PLAINTEXT_HTML,
	PLAINTEXT_HTTP,
	PLAINTEXT_HTTP2,
	PLAINTEXT_IMAP,
	PLAINTEXT_IRC,
	PLAINTEXT_LDAP,
	PLAINTEXT_MQTT,
	PLAINTEXT_MYSQL,
	PLAINTEXT_NNTP,
	PLAINTEXT_POP3,
	PLAINTEXT_POSTGRESQL,
	PLAINTEXT_RDP,
	PLAINTEXT_REDIS_POP3,
	PLAINTEXT_RTSP,
	PLAINTEXT_SIP,
	PLAINTEXT_SSH,
	PLAINTEXT_TELNET,
	PLAINTEXT_VNC,
	PLAINTEXT_XMPP,
	PLAINTEXTS,
};

/* Of what a server sent first: five bytes tell most of them, MQTT has four. */
enum plaintext plaintext_recognize(struct slice bytes);
/* NULL for PLAINTEXT_UNKNOWN. */
const char *plaintext_name(enum plaintext plaintext);

#endif
