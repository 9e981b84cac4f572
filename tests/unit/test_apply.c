/* SPDX-License-Identifier: BSD-2-Clause */
/* What single messages say about their handshake, up to TLS 1.2. */
#include "build.h"

#include <stdlib.h>

#include "handshake/apply.h"
#include "handshake/hellos.h"

enum { CLIENT = true, SERVER = false };

static struct progress *progress_new(void)
{
	struct progress *progress = calloc(1, sizeof(*progress));

	assert_non_null(progress);
	progress->handshake = handshake_new();
	assert_non_null(progress->handshake);
	return progress;
}

static void progress_free(struct progress *progress)
{
	handshake_free(progress->handshake);
	free(progress);
}

static int setup(void **state)
{
	*state = progress_new();
	return 0;
}

static int teardown(void **state)
{
	progress_free(*state);
	return 0;
}

static void apply(struct progress *progress, bool from_client, uint8_t type, const void *bytes,
		  size_t length)
{
	struct slice body = exact_copy((struct slice){bytes, length});

	apply_message(progress, &(struct flow_message){
					.kind = FLOW_HANDSHAKE,
					.from_client = from_client,
					.record_type = RECORD_HANDSHAKE,
					.type = type,
					.size = length + 4,
					.body = body,
				});
	free((void *)body.bytes);
}

static void apply_change_cipher_spec(struct progress *progress, bool from_client)
{
	apply_message(progress, &(struct flow_message){
					.kind = FLOW_CHANGE_CIPHER_SPEC,
					.from_client = from_client,
					.record_type = RECORD_CCS,
				});
}

static void extension_put(struct buffer *buffer, uint16_t type, const void *data, size_t length)
{
	size_t at = extension_open(buffer, type);

	put_bytes(buffer, data, length);
	vector_close(buffer, at, 2);
}

/* A ClientHello with this session id (a byte, repeated) and this ticket; NULL: no such extension.
 */
static void client_hello(struct progress *progress, uint8_t session_id, size_t session_id_length,
			 const char *ticket)
{
	struct buffer buffer = {0};
	struct tls_client_hello hello;
	size_t extensions;

	put_number(&buffer, 0x0303, 2);
	put_fill(&buffer, 1, 32);
	put_number(&buffer, session_id_length, 1);
	put_fill(&buffer, session_id, session_id_length);
	put_codes(&buffer, (uint16_t[]){0xc02f}, 1, 2);
	put_bytes(&buffer, "\x02\x01\x00", 3);
	extensions = vector_open(&buffer, 2);
	extension_put(&buffer, TLS_EXTENSION_POINT_FORMATS, "\x03\x00\x01\x02", 4);
	extension_put(&buffer, TLS_EXTENSION_PSK_MODES, "\x01\x01", 2);
	if (ticket)
		extension_put(&buffer, TLS_EXTENSION_SESSION_TICKET, ticket, strlen(ticket));
	vector_close(&buffer, extensions, 2);
	assert_true(tls_client_hello_read((struct slice){buffer.bytes, buffer.length}, &hello));
	assert_int_equal(
		hello_client_apply(progress, &hello, &(struct flow_message){.from_client = true}),
		0);
}

static void server_hello_of(struct progress *progress, uint16_t cipher, uint8_t session_id,
			    size_t session_id_length, bool is_13)
{
	struct buffer buffer = {0};
	size_t extensions;

	put_number(&buffer, 0x0303, 2);
	put_fill(&buffer, 2, 32);
	put_number(&buffer, session_id_length, 1);
	put_fill(&buffer, session_id, session_id_length);
	put_number(&buffer, cipher, 2);
	put_number(&buffer, 0, 1);
	extensions = vector_open(&buffer, 2);
	if (is_13)
		extension_put(&buffer, TLS_EXTENSION_SUPPORTED_VERSIONS, "\x03\x04", 2);
	extension_put(&buffer, 0xff01, "\0", 1);
	extension_put(&buffer, TLS_EXTENSION_SESSION_TICKET, "", 0);
	vector_close(&buffer, extensions, 2);
	apply(progress, SERVER, TLS_SERVER_HELLO, buffer.bytes, buffer.length);
}

static void server_hello_choose(struct progress *progress, uint16_t cipher, uint8_t session_id,
				size_t session_id_length)
{
	server_hello_of(progress, cipher, session_id, session_id_length, false);
}

static void server_hello(struct progress *progress, uint8_t session_id, size_t session_id_length)
{
	server_hello_choose(progress, 0xc02f, session_id, session_id_length);
}

/* One extension more than a version; TLS 1.2: that is none. */
static void server_hello_with(struct progress *progress, uint16_t version, uint16_t extension,
			      const char *data, size_t length)
{
	struct buffer buffer = {0};
	size_t extensions;

	put_number(&buffer, 0x0303, 2);
	put_fill(&buffer, 2, 32);
	put_number(&buffer, 0, 1);
	put_number(&buffer, version == 0x0304 ? 0x1301 : 0xc02f, 2);
	put_number(&buffer, 0, 1);
	extensions = vector_open(&buffer, 2);
	if (version == 0x0304)
		extension_put(&buffer, TLS_EXTENSION_SUPPORTED_VERSIONS, "\x03\x04", 2);
	extension_put(&buffer, extension, data, length);
	vector_close(&buffer, extensions, 2);
	apply(progress, SERVER, TLS_SERVER_HELLO, buffer.bytes, buffer.length);
}

static void assert_codes(const struct code_list *list, const uint16_t *codes, size_t count)
{
	assert_int_equal(list->count, count);
	assert_memory_equal(list->items, codes, count * sizeof(*codes));
}

static void test_lists(void **state)
{
	struct progress *progress = *state;
	struct handshake *handshake = progress->handshake;

	client_hello(progress, 0, 0, NULL);
	server_hello(progress, 0, 0);
	assert_codes(&handshake->offer.point_formats, (uint16_t[]){0, 1, 2}, 3);
	assert_codes(&handshake->offer.psk_modes, (uint16_t[]){1}, 1);
	assert_codes(&handshake->offer.compressions, (uint16_t[]){1, 0}, 2);
	assert_codes(&handshake->server_extensions, (uint16_t[]){0xff01, 35}, 2);
	assert_int_equal(handshake->server_legacy_version, 0x0303);
	assert_true(handshake->offer.whole && handshake->server_hello_whole);
	assert_false(handshake->offer.ticket);
	/* A server that says it twice. */
	server_hello(progress, 0, 0);
	assert_codes(&handshake->server_extensions, (uint16_t[]){0xff01, 35}, 2);
	/* And one whose hello is cut in its extensions. */
	apply(progress, SERVER, TLS_SERVER_HELLO, rfc8448_server_hello + 4, 50);
	assert_false(handshake->server_hello_whole);
}

/* What the client offered, what the server answered, and how the session was taken up, if it was.
 */
static void test_resumption(void **state)
{
	static const struct {
		uint8_t offered, answered;
		size_t offered_length, answered_length;
		const char *ticket;
		enum resumption resumption;
		bool resumed;
	} cases[] = {
		{7, 7, 32, 32, NULL, RESUMPTION_SESSION_ID, true},
		{7, 7, 32, 32, "", RESUMPTION_SESSION_ID, true},
		{7, 7, 32, 32, "ticket", RESUMPTION_TICKET, true},
		{0, 0, 0, 0, "ticket", RESUMPTION_TICKET, true},
		{7, 8, 32, 32, NULL, RESUMPTION_UNKNOWN, true},
		{7, 7, 32, 31, NULL, RESUMPTION_UNKNOWN, true},
		{0, 0, 0, 0, "", RESUMPTION_UNKNOWN, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct progress *progress = progress_new();
		struct handshake *handshake = progress->handshake;

		client_hello(progress, cases[i].offered, cases[i].offered_length, cases[i].ticket);
		server_hello(progress, cases[i].answered, cases[i].answered_length);
		apply_change_cipher_spec(progress, SERVER);
		assert_int_equal(handshake->resumed, cases[i].resumed);
		assert_int_equal(handshake->resumption, cases[i].resumption);
		progress_free(progress);
	}
}

/* A full handshake: the server echoes the id, but proves itself anew. */
static void test_not_resumed(void **state)
{
	struct progress *progress = *state;
	struct handshake *handshake = progress->handshake;

	client_hello(progress, 7, 32, "ticket");
	server_hello(progress, 7, 32);
	apply(progress, SERVER, TLS_CERTIFICATE, "\0\0\0", 3);
	apply(progress, SERVER, TLS_SERVER_HELLO_DONE, "", 0);
	apply_change_cipher_spec(progress, CLIENT);
	apply_change_cipher_spec(progress, SERVER);
	assert_false(handshake->resumed);
	assert_int_equal(handshake->resumption, RESUMPTION_UNKNOWN);
}

static void test_server_messages(void **state)
{
	struct progress *progress = *state;
	struct handshake *handshake = progress->handshake;

	client_hello(progress, 0, 0, NULL);
	server_hello(progress, 0, 0);
	assert_false(handshake->ocsp_stapled || handshake->ticket_issued);
	/* These are not the client's to send. */
	apply(progress, CLIENT, TLS_CERTIFICATE_STATUS, "\x01\0\0\0", 4);
	apply(progress, CLIENT, TLS_NEW_SESSION_TICKET, "\0\0\0\0\0\0", 6);
	assert_false(handshake->ocsp_stapled || handshake->ticket_issued);
	apply(progress, SERVER, TLS_CERTIFICATE_STATUS, "\x01\0\0\x01x", 5);
	assert_true(handshake->ocsp_stapled);
	apply(progress, SERVER, TLS_NEW_SESSION_TICKET, "\0\0\0\0\0\x01x", 7);
	assert_true(handshake->ticket_issued);
}

/* ServerKeyExchange by suite: with or without a hint for a PSK before it, a signature after it. */
static void test_server_key_exchange(void **state)
{
#define CURVE	   "\x03\x00\x1d\x01k"
#define NUMBERS	   "\0\x01p\0\x01g\0\x01y"
#define SIGNED	   "\x04\x03\0\x01s"
#define HINT	   "\0\x04hint"
#define BODY(text) text, sizeof(text) - 1
	static const struct {
		uint16_t cipher;
		const char *key_exchange, *body;
		size_t length;
		uint16_t group, signature;
		bool truncated;
	} cases[] = {
		{0xc02f, "ECDHE", BODY(CURVE SIGNED), 0x1d, 0x0403, false},
		{0x009e, "DHE", BODY(NUMBERS SIGNED), 0, 0x0403, false},
		{0xc018, "ECDH_anon", BODY(CURVE), 0x1d, 0, false},
		{0x006c, "DH_anon", BODY(NUMBERS), 0, 0, false},
		{0xc037, "ECDHE_PSK", BODY(HINT CURVE), 0x1d, 0, false},
		{0xc037, "ECDHE_PSK", BODY("\0\0" CURVE), 0x1d, 0, false},
		{0xc037, "ECDHE_PSK", BODY("\0\x09hint"), 0, 0, true},
		{0x00aa, "DHE_PSK", BODY(HINT NUMBERS), 0, 0, false},
		{0x00aa, "DHE_PSK", BODY(HINT "\0\x01p"), 0, 0, true},
		{0xc0aa, "DHE_PSK", BODY(HINT NUMBERS), 0, 0,
		 false}, /* TLS_PSK_DHE_WITH_AES_128_CCM_8 */
		{0x00a8, "PSK", BODY(HINT), 0, 0, false},
		/* Of these the certificate's key is the server's, and of an export suite a short
		   RSA key. */
		{0xc004, "ECDH", BODY(""), 0, 0, false},
		{0x0003, "RSA", BODY(NUMBERS SIGNED), 0, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct progress *progress = progress_new();
		struct handshake *handshake = progress->handshake;

		client_hello(progress, 0, 0, NULL);
		server_hello_choose(progress, cases[i].cipher, 0, 0);
		apply(progress, SERVER, TLS_SERVER_KEY_EXCHANGE, cases[i].body, cases[i].length);
		assert_string_equal(tls_key_exchange_name(handshake->key_exchange),
				    cases[i].key_exchange);
		assert_int_equal(handshake->group, cases[i].group);
		assert_int_equal(handshake->signature, cases[i].signature);
		assert_int_equal(handshake->truncated, cases[i].truncated);
		progress_free(progress);
	}
}

/* What the server did against the protocol; an offer that is not whole proves nothing. */
static void test_violations(void **state)
{
	static const struct {
		uint16_t cipher;
		size_t session_id_length;
		bool is_13, whole;
		enum violation violation;
	} cases[] = {
		{0xc02f, 0, false, true, VIOLATION_NONE},
		{0xc02f, 32, false, true, VIOLATION_NONE}, /* a session id of the server's own */
		{0xc030, 0, false, true, VIOLATION_CIPHER},
		{0xc030, 0, false, false, VIOLATION_NONE},
		{0xc02f, 32, true, true, VIOLATION_SESSION_ID},
		{0xc02f, 0, true, true, VIOLATION_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct progress *progress = progress_new();

		client_hello(progress, 0, 0, NULL);
		progress->handshake->offer.whole = cases[i].whole;
		server_hello_of(progress, cases[i].cipher, 8, cases[i].session_id_length,
				cases[i].is_13);
		assert_int_equal(progress->handshake->violation, cases[i].violation);
		progress_free(progress);
	}
}

/* RFC 8446 section 4.1.4. */
static void test_retry_violations(void **state)
{
	static uint16_t shares[] = {0x001d};
	struct progress *progress = *state;
	struct handshake *handshake = progress->handshake;
	struct buffer retry = {0};

	put_server_hello(
		&retry, &(struct hello_options){.is_13 = true, .is_retry = true, .cipher = 0xc02f});
	client_hello(progress, 0, 0, NULL);
	apply(progress, SERVER, TLS_SERVER_HELLO, retry.bytes + 4, retry.length - 4);
	assert_true(handshake->hello_retry);
	assert_int_equal(handshake->violation, VIOLATION_NONE);
	apply(progress, SERVER, TLS_SERVER_HELLO, retry.bytes + 4, retry.length - 4);
	assert_int_equal(handshake->violation, VIOLATION_RETRY_TWICE);
	handshake->violation = VIOLATION_NONE;
	handshake->hello_retry = false;
	shares[0] = handshake->retry_group;
	handshake->offer.key_shares = (struct code_list){shares, 1};
	apply(progress, SERVER, TLS_SERVER_HELLO, retry.bytes + 4, retry.length - 4);
	assert_int_equal(handshake->violation, VIOLATION_RETRY_SHARED);
}

static void test_certificates(void **state)
{
	struct progress *progress = *state;
	struct handshake *handshake = progress->handshake;

	client_hello(progress, 0, 0, NULL);
	server_hello(progress, 0, 0);
	apply(progress, SERVER, TLS_CERTIFICATE, "\0\0\x04\0\0\x01x", 7);
	apply(progress, CLIENT, TLS_CERTIFICATE, "\0\0\0", 3);
	assert_int_equal(handshake->certificate_messages[END_SERVER].length, 7);
	assert_memory_equal(handshake->certificate_messages[END_SERVER].body, "\0\0\x04\0\0\x01x",
			    7);
	assert_int_equal(handshake->certificate_messages[END_CLIENT].length, 3);
	assert_int_equal(handshake->client_auth, TRI_DECLINED);
}

/* RFC 7250: the key alone, in no list. */
static void test_raw_key(void **state)
{
	struct progress *progress = *state;
	struct handshake *handshake = progress->handshake;

	client_hello(progress, 0, 0, NULL);
	server_hello_with(progress, 0x0303, TLS_EXTENSION_SERVER_CERTIFICATE_TYPE, "\x02", 1);
	apply(progress, SERVER, TLS_CERTIFICATE, "\0\0\x02\x30\0", 5);
	apply(progress, CLIENT, TLS_CERTIFICATE, "\0\0\x04\0\0\x01x", 7);
	assert_null(handshake->certificate_messages[END_SERVER].body);
	assert_non_null(handshake->certificate_messages[END_CLIENT].body);
}

/* SSLv3's way to say that it has none: RFC 6101 section 5.6.6. */
static void test_no_certificate(void **state)
{
	struct progress *progress = *state;
	struct handshake *handshake = progress->handshake;
	static const uint8_t alert[] = {1, 41};
	const struct flow_message message = {
		.kind = FLOW_ALERT,
		.from_client = CLIENT,
		.record_type = RECORD_ALERT,
		.size = sizeof(alert),
		.body = {alert, sizeof(alert)},
	};

	client_hello(progress, 0, 0, NULL);
	server_hello(progress, 0, 0);
	apply_message(progress, &message);
	assert_int_equal(handshake->client_auth, TRI_NONE);
	apply(progress, SERVER, TLS_CERTIFICATE_REQUEST, "\x01\x01\0\0", 4);
	apply_message(progress, &message);
	assert_int_equal(handshake->client_auth, TRI_DECLINED);
	assert_int_equal(handshake->outcome, HANDSHAKE_PENDING);
}

/* Where the offer was cut off before its last extension, the answer still says that it was there.
 */
static void test_psk_of_a_cut_offer(void **state)
{
	struct progress *progress = *state;
	struct handshake *handshake = progress->handshake;

	client_hello(progress, 0, 0, NULL);
	handshake->psk = TRI_UNKNOWN;
	server_hello_with(progress, 0x0304, TLS_EXTENSION_PRE_SHARED_KEY, "\0\0", 2);
	assert_int_equal(handshake->psk, TRI_ACCEPTED);
	assert_true(handshake->resumed);
}

/* TLS 1.3 encrypts it, in another form: one in the clear is nobody's. */
static void test_certificate_13(void **state)
{
	struct progress *progress = *state;
	struct handshake *handshake = progress->handshake;

	client_hello(progress, 0, 0, NULL);
	apply(progress, SERVER, TLS_SERVER_HELLO, rfc8448_server_hello + 4,
	      sizeof(rfc8448_server_hello) - 4);
	assert_int_equal(handshake->version, 0x0304);
	apply(progress, SERVER, TLS_CERTIFICATE, "\0\0\x04\0\0\x01x", 7);
	assert_null(handshake->certificate_messages[END_SERVER].body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
		cmocka_unit_test(test_resumption),
		cmocka_unit_test_setup_teardown(test_not_resumed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_server_messages, setup, teardown),
		cmocka_unit_test(test_server_key_exchange),
		cmocka_unit_test(test_violations),
		cmocka_unit_test_setup_teardown(test_retry_violations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_certificates, setup, teardown),
		cmocka_unit_test_setup_teardown(test_certificate_13, setup, teardown),
		cmocka_unit_test_setup_teardown(test_raw_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_certificate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_psk_of_a_cut_offer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
