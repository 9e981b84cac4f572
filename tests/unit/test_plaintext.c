/* SPDX-License-Identifier: BSD-2-Clause */
/* What the first bytes of an answer that is not TLS look like. */
#include "build.h"

#include <stdlib.h>

#include "tls/plaintext.h"

#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *bytes;
	size_t length;
	enum plaintext plaintext;
} answers[] = {
	{BYTES("HTTP/1.1 400 Bad Request"), PLAINTEXT_HTTP},
	{BYTES("<!DOCTYPE html>"), PLAINTEXT_HTML},
	{BYTES("SSH-2.0-OpenSSH_9.2"), PLAINTEXT_SSH},
	{BYTES("220 mail.example ESMTP"), PLAINTEXT_FTP_SMTP},
	{BYTES("454 TLS not available"), PLAINTEXT_FTP_SMTP},
	{BYTES("500-5.5.1"), PLAINTEXT_FTP_SMTP},
	{BYTES("200 news.example ready"), PLAINTEXT_NNTP},
	{BYTES("+OK ready"), PLAINTEXT_POP3},
	{BYTES("* OK [CAPABILITY IMAP4rev1]"), PLAINTEXT_IMAP},
	{BYTES("* PREAUTH"), PLAINTEXT_IMAP},
	{BYTES("-ERR unknown command"), PLAINTEXT_REDIS_POP3},
	{BYTES("RFB 003.008\n"), PLAINTEXT_VNC},
	{BYTES("AMQP\0\0\x09\x01"), PLAINTEXT_AMQP},
	{BYTES("SIP/2.0 400 Bad Request"), PLAINTEXT_SIP},
	{BYTES("RTSP/1.0 400 Bad Request"), PLAINTEXT_RTSP},
	{BYTES(":irc.example NOTICE"), PLAINTEXT_IRC},
	{BYTES("NOTICE AUTH"), PLAINTEXT_IRC},
	{BYTES("<?xml version"), PLAINTEXT_XMPP},
	{BYTES("\xff\xfd\x18"), PLAINTEXT_TELNET},
	{BYTES("\x20\x02\x00\x05"), PLAINTEXT_MQTT}, /* CONNACK */
	{BYTES("\xe0\x01\x81"), PLAINTEXT_MQTT},     /* DISCONNECT */
	{BYTES("\x30\x0c\x02\x01\x00"), PLAINTEXT_LDAP},
	{BYTES("\x30\x84\x00\x00\x00\x10"), PLAINTEXT_LDAP},
	{BYTES("\x4a\x00\x00\x00\x0a"), PLAINTEXT_MYSQL}, /* greeting */
	{BYTES("\x1d\x00\x00\x01\xff"), PLAINTEXT_MYSQL}, /* error */
	{BYTES("E\0\0\0\x8bSFATAL"), PLAINTEXT_POSTGRESQL},
	{BYTES("N"), PLAINTEXT_POSTGRESQL},
	{BYTES("\0\0\x12\x04\0\0\0\0\0"), PLAINTEXT_HTTP2}, /* SETTINGS */
	{BYTES("\0\0\0\x04\0"), PLAINTEXT_HTTP2},
	{BYTES("\x03\0\0\x13"), PLAINTEXT_RDP},
	/* None of them. */
	{BYTES(""), PLAINTEXT_UNKNOWN},
	{BYTES("\x16\x03\x03\x00\x7a"), PLAINTEXT_UNKNOWN},
	{BYTES("\x15\x03\x03\x00\x02"), PLAINTEXT_UNKNOWN},
	{BYTES("\0\0\x11\x04\0"), PLAINTEXT_UNKNOWN}, /* no whole entries */
	{BYTES("220"), PLAINTEXT_UNKNOWN},
	{BYTES("190 x"), PLAINTEXT_UNKNOWN},
	{BYTES("HTTP"), PLAINTEXT_UNKNOWN},
	{BYTES("\x30\x0c\x04\x01\x00"), PLAINTEXT_UNKNOWN},
	{BYTES("\xde\xad\xbe\xef\x00"), PLAINTEXT_UNKNOWN},
};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		const struct slice bytes = exact_copy(
			(struct slice){(const uint8_t *)answers[i].bytes, answers[i].length});
		enum plaintext found = plaintext_recognize(bytes);

		if (found != answers[i].plaintext)
			fail_msg("%zu: %s", i, found ? plaintext_name(found) : "unknown");
		free((void *)bytes.bytes);
	}
}

static void test_names(void **state)
{
	bool covered[PLAINTEXTS] = {false};

	(void)state;
	assert_null(plaintext_name(PLAINTEXT_UNKNOWN));
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		covered[answers[i].plaintext] = true;
	for (enum plaintext i = PLAINTEXT_UNKNOWN + 1; i < PLAINTEXTS; i++) {
		assert_non_null(plaintext_name(i));
		assert_true(covered[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
