/* SPDX-License-Identifier: BSD-2-Clause */
#include "verdict_fixture.h"

static void no_version(struct handshake *handshake)
{
	refuse(handshake, END_SERVER, 70);
}

static void no_listed_version(struct handshake *handshake)
{
	static uint16_t versions[] = {0x2a2a, 0x0302, 0x0301};

	refuse(handshake, END_SERVER, 70);
	handshake->offer.versions = (struct code_list){versions, 3};
}

static void version_chosen(struct handshake *handshake)
{
	answer_hello(handshake, 0x0301);
	refuse(handshake, END_CLIENT, 70);
}

static void no_protocol(struct handshake *handshake)
{
	refuse(handshake, END_SERVER, 120);
}
static void no_name(struct handshake *handshake)
{
	refuse(handshake, END_SERVER, 112);
}
static void fell_back(struct handshake *handshake)
{
	refuse(handshake, END_SERVER, 86);
}

static void no_sni(struct handshake *handshake)
{
	refuse(handshake, END_SERVER, 112);
	handshake->sni = NULL;
}

static void malformed(struct handshake *handshake)
{
	refuse(handshake, END_SERVER, 50);
	handshake->offer.whole = false;
}

static void cut_off(struct handshake *handshake)
{
	malformed(handshake);
	handshake->truncated = true;
}

static void downgraded(struct handshake *handshake)
{
	static uint16_t versions[] = {0x0304, 0x0303};

	answer_hello(handshake, 0x0303);
	memcpy(handshake->server_random + 24, "DOWNGRD\1", 8);
	handshake->offer.versions = (struct code_list){versions, 2};
	refuse(handshake, END_CLIENT, 47);
}

static void not_downgraded(struct handshake *handshake)
{
	downgraded(handshake);
	handshake->offer.versions.count = 0;
}

static void no_cipher(struct handshake *handshake)
{
	refuse(handshake, END_SERVER, 40);
}

static void many_offers(struct handshake *handshake)
{
	static uint16_t codes[] = {1, 2, 3, 4, 5};

	refuse(handshake, END_SERVER, 71);
	handshake->offer.ciphers = handshake->offer.groups = (struct code_list){codes, 5};
}

static void unknown_alert(struct handshake *handshake)
{
	refuse(handshake, END_UNKNOWN, 253);
}

static void unknown_ca(struct handshake *handshake)
{
	answer_hello(handshake, 0x0303);
	send_certificates(handshake, END_SERVER, &leaf, &middle);
	refuse(handshake, END_CLIENT, 48);
}

static void unknown_ca_hidden(struct handshake *handshake)
{
	answer_hello(handshake, 0x0304);
	refuse(handshake, END_CLIENT, 48);
}

static void expired_middle(struct handshake *handshake)
{
	unknown_ca(handshake);
	send_certificates(handshake, END_SERVER, &leaf, &old_middle);
	refuse(handshake, END_CLIENT, 45);
}

static void too_early_other_name(struct handshake *handshake)
{
	unknown_ca(handshake);
	send_certificates(handshake, END_SERVER, &late_leaf, &middle);
	handshake->sni = (char *)"a.b.example.org";
	handshake->messages[1].alert_level = 1;
	handshake->messages[1].alert = 112;
	refuse(handshake, END_CLIENT, 42);
}

static void client_rejected(struct handshake *handshake)
{
	unknown_ca(handshake);
	send_certificates(handshake, END_CLIENT, &old_middle, &middle);
	refuse(handshake, END_SERVER, 46);
}

static void required(struct handshake *handshake)
{
	refuse(handshake, END_SERVER, 116);
}

static void declined(struct handshake *handshake)
{
	answer_hello(handshake, 0x0303);
	say_message(handshake, END_CLIENT, TLS_CERTIFICATE, false);
	handshake->client_auth = TRI_DECLINED;
	refuse(handshake, END_SERVER, 40);
}

static void encrypted(struct handshake *handshake, enum handshake_end by)
{
	refuse(handshake, by, -1);
	handshake->failure.encrypted = true;
}

static void late_declined(struct handshake *handshake)
{
	answer_hello(handshake, 0x0304);
	say_message(handshake, END_CLIENT, TLS_FINISHED, true);
	handshake->client_auth = TRI_DECLINED;
	encrypted(handshake, END_SERVER);
}

static void late_sent(struct handshake *handshake)
{
	late_declined(handshake);
	handshake->client_auth = TRI_SENT;
}

static void flight_refused(struct handshake *handshake)
{
	answer_hello(handshake, 0x0304);
	encrypted(handshake, END_CLIENT);
}

static void resumed_refused(struct handshake *handshake)
{
	flight_refused(handshake);
	handshake->resumed = true;
}

static void refused_early(struct handshake *handshake)
{
	answer_hello(handshake, 0x0304);
	encrypted(handshake, END_SERVER);
}

static void encrypted_old(struct handshake *handshake)
{
	answer_hello(handshake, 0x0303);
	encrypted(handshake, END_CLIENT);
}

#define ONLY                                                                                       \
	" (client offers only TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256; client offers only x448)"

const struct verdict_case verdict_refusals[] = {
	{no_version, VERDICT_REFUSED_FOR, "version",
	 NGINX " refused the handshake: client offers at most TLSv1.2 (protocol_version)"},
	{no_listed_version, VERDICT_REFUSED_FOR, "version",
	 NGINX " refused the handshake: client offers only TLSv1.1, TLSv1.0 (protocol_version)"},
	{version_chosen, VERDICT_REFUSED_FOR, "version",
	 CURL " refused the handshake: server chose TLSv1.0 (protocol_version)"},
	{no_protocol, VERDICT_REFUSED_FOR, "alpn",
	 NGINX " refused the handshake: client offers only "
	       "the protocols h2, a\\x1bb (no_application_protocol)"},
	{no_name, VERDICT_REFUSED_FOR, "server_name",
	 NGINX
	 " refused the handshake: it does not know the name www.example.org (unrecognized_name)"},
	{no_sni, VERDICT_REFUSED_FOR, "no_server_name",
	 NGINX " refused the handshake: client sent no server name (unrecognized_name)"},
	{refused_early, VERDICT_ENCRYPTED_EARLY, NULL,
	 NGINX " refused the handshake before its certificate: encrypted alert (client offers only "
	       "the protocols h2, a\\x1bb)"},
	{fell_back, VERDICT_REFUSED_FOR, "fallback",
	 NGINX " refused the handshake: client says that "
	       "it fell back to TLSv1.2 (inappropriate_fallback)"},
	{malformed, VERDICT_REFUSED_FOR, "malformed_hello",
	 NGINX " refused the handshake: the ClientHello is malformed (decode_error)"},
	{cut_off, VERDICT_REFUSED, NULL, NGINX " refused the handshake: decode_error"},
	{downgraded, VERDICT_REFUSED_FOR, "downgrade",
	 CURL " refused the handshake: server chose TLSv1.2 "
	      "and marked that it could do more, which client offers (illegal_parameter)"},
	{not_downgraded, VERDICT_REFUSED, NULL, CURL " refused the handshake: illegal_parameter"},
	{no_cipher, VERDICT_REFUSED, NULL, NGINX " refused the handshake: handshake_failure" ONLY},
	{many_offers, VERDICT_REFUSED, NULL, NGINX " refused the handshake: insufficient_security"},
	{unknown_alert, VERDICT_REFUSED, NULL, "one end refused the handshake: 0xfd"},
	{unknown_ca, VERDICT_REJECTED_CERTIFICATE, "certificate_issuer",
	 CURL
	 " rejected the server's certificate: unknown_ca (issued by CN=root, which was not sent)"},
	{unknown_ca_hidden, VERDICT_REJECTED_CERTIFICATE, "certificate_issuer",
	 CURL " rejected the server's certificate: unknown_ca"},
	{expired_middle, VERDICT_REJECTED_CERTIFICATE, "certificate_expired",
	 CURL " rejected the server's certificate: certificate_expired "
	      "(not after 2023-11-14T22:13:10Z: CN=middle)"},
	{too_early_other_name, VERDICT_REJECTED_CERTIFICATE, NULL,
	 CURL
	 " rejected the server's certificate: bad_certificate (not before 2023-11-14T22:13:30Z; "
	 "certificate is for *.example.org, a.test, b.test, ..., not a.b.example.org; "
	 "after the warning unrecognized_name)"},
	{client_rejected, VERDICT_REJECTED_CERTIFICATE, NULL,
	 NGINX " rejected the client's certificate: "
	       "certificate_unknown (not after 2023-11-14T22:13:10Z)"},
	{required, VERDICT_WANTS_CERTIFICATE, "no_certificate",
	 NGINX " wants a certificate and got none: certificate_required"},
	{declined, VERDICT_WANTS_CERTIFICATE, "no_certificate",
	 NGINX " wants a certificate and got none: handshake_failure"},
	{late_declined, VERDICT_ENCRYPTED_NO_CERTIFICATE, "no_certificate",
	 NGINX " refused the handshake after the client sent no certificate: encrypted alert"},
	{late_sent, VERDICT_ENCRYPTED_CERTIFICATE, NULL,
	 NGINX " refused the handshake after the client's certificate: encrypted alert"},
	{flight_refused, VERDICT_ENCRYPTED_FLIGHT, NULL,
	 CURL " refused the server's encrypted messages, such as its certificate: encrypted alert"},
	{resumed_refused, VERDICT_ENCRYPTED, NULL, CURL " sent an encrypted alert"},
	{encrypted_old, VERDICT_ENCRYPTED, NULL, CURL " sent an encrypted alert"},
};
const size_t verdict_refusal_count = ARRAY_SIZE(verdict_refusals);
