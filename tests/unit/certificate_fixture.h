/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates are made by libcrypto as each test needs them, with faults that no tool would make.
 */
#ifndef TLSTRACE_TEST_CERTIFICATE_FIXTURE_H
#define TLSTRACE_TEST_CERTIFICATE_FIXTURE_H

#include "build.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tls/certificate.h"

#define FROM 1700000000 /* 2023-11-14T22:13:20Z */
#define TO   4102444800 /* 2100-01-01T00:00:00Z: beyond what UTCTime can say */

struct recipe {
	X509_NAME *subject;   /* owned by the test; NULL: CN=example.org, O=Example */
	const char *sans;     /* as in OpenSSL's configuration files */
	GENERAL_NAMES *names; /* owned by the test; instead of sans */
	int64_t from, to;
	long serial;
	bool is_v1;
};

extern EVP_PKEY *certificate_key; /* P-256, for certificates whose key is not the point */

/* Of a group of tests: make and free the key. */
int group_setup(void **state);
int group_teardown(void **state);
void name_add(X509_NAME *name, const char *field, int type, const void *bytes, int length);
X509 *x509_make(const struct recipe *recipe, EVP_PKEY *own, const EVP_MD *hash);
/* Both are owned by the caller; der_take() frees the X509. */
struct slice der_take(X509 *x509);
struct slice der_make(const struct recipe *recipe);
struct certificate *parse(struct slice der);
struct certificate *made(const struct recipe *recipe);

#endif
