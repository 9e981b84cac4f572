// SPDX-License-Identifier: BSD-2-Clause
/* Bodies of hellos and of ServerKeyExchange. The first byte of the input says which. */
#include "rows.h"

#include "tls/hello.h"

/* Every byte that a slice promises is there: the sanitizer sees it if not. */
static void slice_touch(struct slice slice)
{
	static volatile uint8_t sum;
	size_t i;

	for (i = 0; i < slice.length; i++)
		sum = sum + slice.bytes[i];
}

static void extensions_touch(struct slice extensions)
{
	struct slice data;
	uint16_t type;

	slice_touch(extensions);
	while (tls_extension_next(&extensions, &type, &data))
		slice_touch(data);
}

static void client_hello_touch(const struct tls_client_hello *hello)
{
	slice_touch(hello->session_id);
	slice_touch(hello->ciphers);
	slice_touch(hello->compressions);
	slice_touch(hello->versions);
	slice_touch(hello->groups);
	slice_touch(hello->signatures);
	slice_touch(hello->key_shares);
	slice_touch(hello->alpn);
	slice_touch(hello->sni);
	slice_touch(hello->delegated_credentials);
	extensions_touch(hello->extensions);
}

static void server_hello_touch(const struct tls_server_hello *hello)
{
	slice_touch(hello->session_id);
	slice_touch(hello->alpn);
	extensions_touch(hello->extensions);
}

/* What stood before a fault is filled in, so it is touched in any case. */
static bool message_read(uint8_t which, struct slice body)
{
	struct tls_client_hello client = {0};
	struct tls_server_hello server = {0};
	uint16_t group, signature;
	bool well_formed;

	switch (which % 6) {
	case 0:
		well_formed = tls_client_hello_read(body, &client);
		break;
	case 1:
		well_formed = tls_client_hello_v2_read(body, &client);
		break;
	case 2:
		well_formed = tls_client_hello_dtls_read(body, &client);
		break;
	case 3:
		well_formed = tls_server_hello_read(body, &server);
		break;
	case 4:
		well_formed = tls_retry_draft_read(body, &server);
		break;
	default:
		well_formed = tls_server_key_exchange_read(body, which & 0x80, which & 0x40, &group,
							   &signature);
		break;
	}
	client_hello_touch(&client);
	server_hello_touch(&server);
	return well_formed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = {data, size};
	uint8_t which;

	if (slice_u8(&input, &which))
		(void)!message_read(which, input);
	return 0;
}
