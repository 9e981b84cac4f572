// SPDX-License-Identifier: BSD-2-Clause
#include "tls/plaintext.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const struct {
	const char *start;
	enum plaintext plaintext;
} texts[] = {
	{"HTTP/", PLAINTEXT_HTTP},	{"<html", PLAINTEXT_HTML}, {"<HTML", PLAINTEXT_HTML},
	{"<!DOC", PLAINTEXT_HTML},	{"<!doc", PLAINTEXT_HTML}, {"SSH-", PLAINTEXT_SSH},
	{"+OK", PLAINTEXT_POP3},	{"* OK", PLAINTEXT_IMAP},  {"* BAD", PLAINTEXT_IMAP},
	{"* BYE", PLAINTEXT_IMAP},	{"* PRE", PLAINTEXT_IMAP}, {"-ERR", PLAINTEXT_REDIS_POP3},
	{"RFB 0", PLAINTEXT_VNC},	{"AMQP", PLAINTEXT_AMQP},  {"SIP/", PLAINTEXT_SIP},
	{"RTSP/", PLAINTEXT_RTSP},	{"NOTIC", PLAINTEXT_IRC},  {"ERROR", PLAINTEXT_IRC},
	{":", PLAINTEXT_IRC},		{"200 ", PLAINTEXT_NNTP},  {"201 ", PLAINTEXT_NNTP},
	{"<?xml", PLAINTEXT_XMPP},	{"<stre", PLAINTEXT_XMPP}, {"\xff\xfb", PLAINTEXT_TELNET},
	{"\xff\xfd", PLAINTEXT_TELNET},
};

/* A reply of SMTP or FTP: three digits, and a space or a hyphen (RFC 5321, RFC 959). */
static bool is_reply(struct slice bytes)
{
	const uint8_t *at = bytes.bytes;

	return bytes.length >= 4 && at[0] >= '2' && at[0] <= '5' && isdigit(at[1]) &&
	       isdigit(at[2]) && (at[3] == ' ' || at[3] == '-');
}

/* CONNACK, or DISCONNECT of version 5 (OASIS MQTT, 3.2 and 3.14). */
static bool is_mqtt(struct slice bytes)
{
	const uint8_t *at = bytes.bytes;

	return bytes.length >= 2 &&
	       ((at[0] == 0x20 && at[1] >= 2 && at[1] < 0x80 && (bytes.length < 3 || at[2] <= 1)) ||
		(at[0] == 0xe0 && at[1] >= 1 && at[1] < 0x80));
}

/* LDAPMessage: a SEQUENCE that begins with an INTEGER (RFC 4511 section 4.1.1). */
static bool is_ldap(struct slice bytes)
{
	const uint8_t *at = bytes.bytes;

	return bytes.length >= 4 && at[0] == 0x30 &&
	       ((at[1] < 0x80 && at[2] == 2 && at[3] >= 1 && at[3] <= 4) ||
		(at[1] == 0x84 && at[2] == 0 && at[3] == 0));
}

/* A packet of less than 64 KiB, and in it the protocol's version or an error. */
static bool is_mysql(struct slice bytes)
{
	const uint8_t *at = bytes.bytes;

	return bytes.length >= 5 && at[2] == 0 && at[3] <= 2 && (at[4] == 0x0a || at[4] == 0xff);
}

/* ErrorResponse with a short length, or the one byte that answers SSLRequest. */
static bool is_postgresql(struct slice bytes)
{
	const uint8_t *at = bytes.bytes;

	if (bytes.length == 1)
		return at[0] == 'N' || at[0] == 'S';
	return bytes.length >= 4 && at[0] == 'E' && at[1] == 0 && at[2] == 0;
}

/* SETTINGS, whose entries have 6 bytes, or GOAWAY (RFC 9113 sections 6.5 and 6.8). */
static bool is_http2(struct slice bytes)
{
	const uint8_t *at = bytes.bytes;

	return bytes.length >= 5 && at[0] == 0 && at[1] == 0 && at[4] == 0 &&
	       ((at[3] == 4 && at[2] % 6 == 0) || (at[3] == 7 && at[2] >= 8));
}

/* TPKT (RFC 1006). */
static bool is_rdp(struct slice bytes)
{
	const uint8_t *at = bytes.bytes;

	return bytes.length >= 4 && at[0] == 3 && at[1] == 0 && at[2] == 0 && at[3] >= 7;
}

static const struct {
	bool (*matches)(struct slice bytes);
	enum plaintext plaintext;
} shapes[] = {
	{is_reply, PLAINTEXT_FTP_SMTP}, {is_mqtt, PLAINTEXT_MQTT},
	{is_ldap, PLAINTEXT_LDAP},	{is_http2, PLAINTEXT_HTTP2},
	{is_mysql, PLAINTEXT_MYSQL},	{is_postgresql, PLAINTEXT_POSTGRESQL},
	{is_rdp, PLAINTEXT_RDP},
};

enum plaintext plaintext_recognize(struct slice bytes)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t length = strlen(texts[i].start);

		if (bytes.length >= length && memcmp(bytes.bytes, texts[i].start, length) == 0)
			return texts[i].plaintext;
	}
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (shapes[i].matches(bytes))
			return shapes[i].plaintext;
	return PLAINTEXT_UNKNOWN;
}

const char *plaintext_name(enum plaintext plaintext)
{
	static const char *const names[PLAINTEXTS] = {
		[PLAINTEXT_AMQP] = "AMQP",
		[PLAINTEXT_FTP_SMTP] = "SMTP or FTP",
		[PLAINTEXT_HTML] = "HTML",
		[PLAINTEXT_HTTP] = "HTTP",
		[PLAINTEXT_HTTP2] = "HTTP/2",
		[PLAINTEXT_IMAP] = "IMAP",
		[PLAINTEXT_IRC] = "IRC",
		[PLAINTEXT_LDAP] = "LDAP",
		[PLAINTEXT_MQTT] = "MQTT",
		[PLAINTEXT_MYSQL] = "MySQL",
		[PLAINTEXT_NNTP] = "NNTP",
		[PLAINTEXT_POP3] = "POP3",
		[PLAINTEXT_POSTGRESQL] = "PostgreSQL",
		[PLAINTEXT_RDP] = "RDP",
		[PLAINTEXT_REDIS_POP3] = "Redis or POP3",
		[PLAINTEXT_RTSP] = "RTSP",
		[PLAINTEXT_SIP] = "SIP",
		[PLAINTEXT_SSH] = "SSH",
		[PLAINTEXT_TELNET] = "Telnet",
		[PLAINTEXT_VNC] = "VNC",
		[PLAINTEXT_XMPP] = "XMPP",
	};

	return names[plaintext];
}
