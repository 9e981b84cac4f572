/* SPDX-License-Identifier: BSD-2-Clause */
#include "certificate_fixture.h"

#include <stdlib.h>

#include <openssl/err.h>

EVP_PKEY *certificate_key;

int group_setup(void **state)
{
	(void)state;
	certificate_key = EVP_EC_gen("P-256");
	return certificate_key ? 0 : -1;
}

int group_teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(certificate_key);
	return 0;
}

void name_add(X509_NAME *name, const char *field, int type, const void *bytes, int length)
{
	assert_true(X509_NAME_add_entry_by_txt(name, field, type, bytes, length, -1, 0));
}

static void sans_add(X509 *x509, const struct recipe *recipe)
{
	X509_EXTENSION *extension;

	if (recipe->names) {
		assert_true(X509_add1_ext_i2d(x509, NID_subject_alt_name, recipe->names, 0, 0));
	} else if (recipe->sans) {
		extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, recipe->sans);
		assert_non_null(extension);
		assert_true(X509_add_ext(x509, extension, -1));
		X509_EXTENSION_free(extension);
	}
}

X509 *x509_make(const struct recipe *recipe, EVP_PKEY *own, const EVP_MD *hash)
{
	X509 *x509 = X509_new();
	X509_NAME *name;

	assert_non_null(x509);
	assert_true(X509_set_version(x509, recipe->is_v1 ? X509_VERSION_1 : X509_VERSION_3));
	assert_true(ASN1_INTEGER_set_int64(X509_get_serialNumber(x509), recipe->serial));
	assert_non_null(
		ASN1_TIME_set(X509_getm_notBefore(x509), recipe->from ? recipe->from : FROM));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x509), recipe->to ? recipe->to : TO));
	name = X509_get_subject_name(x509);
	name_add(name, "O", MBSTRING_UTF8, "Example", -1);
	name_add(name, "CN", MBSTRING_UTF8, "example.org", -1);
	assert_true(X509_set_issuer_name(x509, name));
	if (recipe->subject)
		assert_true(X509_set_subject_name(x509, recipe->subject));
	assert_true(X509_set_pubkey(x509, own));
	sans_add(x509, recipe);
	assert_true(X509_sign(x509, own, hash));
	return x509;
}

struct slice der_take(X509 *x509)
{
	unsigned char *bytes = NULL;
	int length = i2d_X509(x509, &bytes);
	struct slice der;

	assert_true(length > 0);
	der = exact_copy((struct slice){bytes, length});
	OPENSSL_free(bytes);
	X509_free(x509);
	return der;
}

struct slice der_make(const struct recipe *recipe)
{
	return der_take(x509_make(recipe, certificate_key, EVP_sha256()));
}

/* Errors left in libcrypto's queue would be reported for something else. */
struct certificate *parse(struct slice der)
{
	static const uint8_t sha256[32] = {1, [31] = 2};
	struct certificate *certificate = certificate_parse(der, sha256);

	assert_non_null(certificate);
	assert_int_equal(certificate->size, der.length);
	assert_memory_equal(certificate->sha256, sha256, 32);
	assert_int_equal(ERR_peek_error(), 0);
	return certificate;
}

struct certificate *made(const struct recipe *recipe)
{
	struct slice der = der_make(recipe);
	struct certificate *certificate = parse(der);

	free((void *)der.bytes);
	return certificate;
}
