/* SPDX-License-Identifier: BSD-2-Clause */
/* ClientHello, ServerHello and ServerKeyExchange, decoded into slices of the message. */
#ifndef TLSTRACE_HELLO_H
#define TLSTRACE_HELLO_H

#include "tls/slice.h"

#define TLS_MESSAGE_HEADER 4 /* RFC 8446 section 4: type and length */
/* Of a ClientHello's body, SSLv2's aside: version and random (RFC 8446 section 4.1.2). */
#define TLS_HELLO_RANDOM_END 34

enum tls_extension {
	TLS_EXTENSION_SERVER_NAME = 0,
	TLS_EXTENSION_STATUS_REQUEST = 5,
	TLS_EXTENSION_SUPPORTED_GROUPS = 10,
	TLS_EXTENSION_POINT_FORMATS = 11,
	TLS_EXTENSION_SIGNATURE_ALGORITHMS = 13,
	TLS_EXTENSION_HEARTBEAT = 15,
	TLS_EXTENSION_ALPN = 16,
	TLS_EXTENSION_CLIENT_CERTIFICATE_TYPE = 19,
	TLS_EXTENSION_SERVER_CERTIFICATE_TYPE = 20,
	TLS_EXTENSION_PADDING = 21,
	TLS_EXTENSION_DELEGATED_CREDENTIAL = 34,
	TLS_EXTENSION_SESSION_TICKET = 35,
	TLS_EXTENSION_KEY_SHARE_DRAFT = 40, /* drafts of TLS 1.3 before 23 */
	TLS_EXTENSION_PRE_SHARED_KEY = 41,
	TLS_EXTENSION_EARLY_DATA = 42,
	TLS_EXTENSION_SUPPORTED_VERSIONS = 43,
	TLS_EXTENSION_COOKIE = 44,
	TLS_EXTENSION_PSK_MODES = 45,
	TLS_EXTENSION_KEY_SHARE = 51,
	TLS_EXTENSION_ALPS_OLD = 17513, /* draft-vvv-tls-alps */
	TLS_EXTENSION_ALPS = 17613,
	TLS_EXTENSION_ECH = 0xfe0d,
};

enum tls_handshake_type {
	TLS_HELLO_REQUEST = 0,
	TLS_CLIENT_HELLO = 1,
	TLS_SERVER_HELLO = 2,
	TLS_HELLO_VERIFY_REQUEST = 3, /* DTLS, RFC 6347 section 4.2.1 */
	TLS_NEW_SESSION_TICKET = 4,
	TLS_END_OF_EARLY_DATA = 5,
	TLS_HELLO_RETRY_REQUEST_DRAFT = 6, /* a message of its own before draft 22 */
	TLS_CERTIFICATE = 11,
	TLS_SERVER_KEY_EXCHANGE = 12,
	TLS_CERTIFICATE_REQUEST = 13,
	TLS_SERVER_HELLO_DONE = 14,
	TLS_CERTIFICATE_VERIFY = 15,
	TLS_CLIENT_KEY_EXCHANGE = 16,
	TLS_FINISHED = 20,
	TLS_CERTIFICATE_STATUS = 22,
};

struct tls_client_hello {
	uint16_t version;
	uint8_t random[32];
	struct slice session_id;
	struct slice ciphers;	 /* 2 bytes each, 3 if is_v2 */
	struct slice extensions; /* the whole block; walk it with tls_extension_next() */
	struct slice versions, groups, signatures, key_shares; /* vectors without their length */
	struct slice compressions, point_formats, psk_modes;   /* 1 byte each */
	struct slice alpn;		    /* ProtocolNameList without its length (RFC 7301) */
	struct slice sni;		    /* first host_name; bytes NULL if none */
	struct slice delegated_credentials; /* signature schemes, RFC 9345 */
	uint16_t padding;		    /* bytes in the padding extension, RFC 7685 */
	uint8_t heartbeat;		    /* HeartbeatMode, RFC 6520; 0 not offered */
	bool has_padding;
	bool is_v2;
	bool psk, early_data, ech;
	bool ticket; /* a session ticket is offered, not only asked for: RFC 5077 section 3.2 */
	bool whole;  /* a TLS hello, read to its end */
};

struct tls_server_hello {
	uint16_t version; /* negotiated: supported_versions where present */
	uint8_t random[32];
	struct slice session_id;
	uint16_t cipher;
	uint8_t compression;
	uint16_t group;		 /* of the key share; 0 none */
	struct slice alpn;	 /* the one name; bytes NULL if none */
	struct slice extensions; /* the whole block */
	uint16_t legacy_version; /* the version field */
	uint8_t heartbeat;	 /* HeartbeatMode; 0 not accepted */
	bool cookie;		 /* of a HelloRetryRequest */
	bool is_retry;		 /* HelloRetryRequest: RFC 8446 section 4.1.3 */
	bool psk;
	bool no_client_x509, no_server_x509; /* a raw key (RFC 7250) or one of OpenPGP
						replaces the certificate */
};

/*
 * Decode a message body (after the 4-byte handshake header). False if it is malformed; what stood
 * before the fault is filled in. Slices borrow from body.
 */
MUST_CHECK bool tls_client_hello_read(struct slice body, struct tls_client_hello *hello);
/* DTLS: a cookie follows the session id (RFC 6347 section 4.2.1). */
MUST_CHECK bool tls_client_hello_dtls_read(struct slice body, struct tls_client_hello *hello);
MUST_CHECK bool tls_client_hello_v2_read(struct slice body, struct tls_client_hello *hello);
MUST_CHECK bool tls_server_hello_read(struct slice body, struct tls_server_hello *hello);
/* HelloRetryRequest as it was before draft 22: version and extensions. */
MUST_CHECK bool tls_retry_draft_read(struct slice body, struct tls_server_hello *hello);
/*
 * TLS 1.3, final, a draft (0x7fxx) or an experiment (0xfb1a), or DTLS 1.3: every version that only
 * supported_versions can negotiate, whose rules are those of RFC 8446.
 */
bool tls_version_is_13(uint16_t version);
/*
 * The next name of a ProtocolNameList (RFC 7301 section 3.1), with or without its own length in
 * front, and the offset after it; false at its end or where it is broken. offset starts at 0.
 */
bool tls_alpn_next(const uint8_t *list, size_t size, size_t *offset, const uint8_t **name,
		   size_t *length);
/* Named group (RFC 8422 section 5.4), 0 for DHE; signature scheme, 0 if absent. Needs ECDHE or DHE.
 */
MUST_CHECK bool tls_server_key_exchange_read(struct slice body, bool is_ecdhe,
					     bool has_signature_scheme, uint16_t *group,
					     uint16_t *signature);
MUST_CHECK bool tls_extension_next(struct slice *extensions, uint16_t *type, struct slice *data);

#endif
