// SPDX-License-Identifier: BSD-2-Clause
#include "tls/certificate.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define OID_SIZE 128

/*
 * RFC 4514 as Zeek and `openssl x509 -nameopt RFC2253` write it, but with UTF-8 as it is instead of
 * one escape a byte. Controls stay escaped, so that there is no NUL within.
 */
#define NAME_FLAGS (XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB)

/* What libcrypto 3.0 does not know yet: FIPS 204's signatures, RFC 9881 section 2. */
static const struct {
	const char *oid, *name;
} newer_algorithms[] = {
	{"2.16.840.1.101.3.4.3.17", "ML-DSA-44"},
	{"2.16.840.1.101.3.4.3.18", "ML-DSA-65"},
	{"2.16.840.1.101.3.4.3.19", "ML-DSA-87"},
};

/* Reading one certificate. Texts are put together in text, which each of them empties. */
struct reading {
	struct certificate *certificate;
	X509 *x509;
	BIO *text;
};

/* The text so far, owned by the caller, cut at CERTIFICATE_TEXT_MAX. NULL without memory. */
static char *text_take(struct reading *reading)
{
	char *bytes, *copy;
	long length = BIO_get_mem_data(reading->text, &bytes);

	if (length > CERTIFICATE_TEXT_MAX) {
		length = CERTIFICATE_TEXT_MAX;
		reading->certificate->truncated = true;
	}
	copy = length > 0 ? strndup(bytes, length) : strdup("");
	if (!copy)
		reading->certificate->truncated = true;
	(void)BIO_reset(reading->text);
	return copy;
}

/* A string that is not of its type's character set does not come here: d2i_X509() refuses it. */
static void name_write(struct reading *reading, const X509_NAME *name)
{
	if (X509_NAME_print_ex(reading->text, name, 0, NAME_FLAGS) < 0)
		reading->certificate->broken = true;
}

static char *name_take(struct reading *reading, const X509_NAME *name)
{
	name_write(reading, name);
	return text_take(reading);
}

static void bytes_write(struct reading *reading, const ASN1_STRING *string)
{
	const char *bytes = (const char *)ASN1_STRING_get0_data(string);
	int length = ASN1_STRING_length(string), part;

	for (; length > 0; bytes += part, length -= part) {
		part = (int)strnlen(bytes, length);
		BIO_write(reading->text, bytes, part);
		if (part == length)
			break;
		BIO_puts(reading->text, "\\x00");
		part++;
	}
}

static void hex_write(struct reading *reading, const ASN1_STRING *string)
{
	const uint8_t *bytes = ASN1_STRING_get0_data(string);
	int length = ASN1_STRING_length(string);

	/* One more than is kept, for text_take() to see that it is cut. */
	for (int i = 0; i < length && i <= CERTIFICATE_TEXT_MAX / 2; i++)
		BIO_printf(reading->text, "%02X", bytes[i]);
}

static void address_write(struct reading *reading, const ASN1_STRING *address)
{
	int length = ASN1_STRING_length(address);
	int family = length == 4 ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN];

	if (length != 4 && length != 16) {
		reading->certificate->broken = true;
		hex_write(reading, address);
		return;
	}
	inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof(text));
	BIO_puts(reading->text, text);
}

static void oid_write(struct reading *reading, const ASN1_OBJECT *object)
{
	char oid[OID_SIZE];

	OBJ_obj2txt(oid, sizeof(oid), object, 1);
	BIO_puts(reading->text, oid);
}

/* As OpenSSL's configuration files write it: the user names of Windows are such. */
static void other_name_write(struct reading *reading, const OTHERNAME *other)
{
	oid_write(reading, other->type_id);
	if (other->value && other->value->type == V_ASN1_UTF8STRING) {
		BIO_puts(reading->text, ";UTF8:");
		bytes_write(reading, other->value->value.utf8string);
	}
}

/* One SAN (RFC 5280 section 4.2.1.6), with the prefix that OpenSSL's configuration files use. */
static void san_write(struct reading *reading, const GENERAL_NAME *name)
{
	static const char *const prefixes[] = {
		[GEN_OTHERNAME] = "otherName:",
		[GEN_EMAIL] = "email:",
		[GEN_DNS] = "DNS:",
		[GEN_X400] = "x400Address",
		[GEN_DIRNAME] = "dirName:",
		[GEN_EDIPARTY] = "ediPartyName",
		[GEN_URI] = "URI:",
		[GEN_IPADD] = "IP:",
		[GEN_RID] = "RID:",
	};

	BIO_puts(reading->text, prefixes[name->type]);
	switch (name->type) {
	case GEN_EMAIL:
	case GEN_DNS:
	case GEN_URI:
		bytes_write(reading, name->d.ia5);
		break;
	case GEN_IPADD:
		address_write(reading, name->d.iPAddress);
		break;
	case GEN_DIRNAME:
		name_write(reading, name->d.directoryName);
		break;
	case GEN_RID:
		oid_write(reading, name->d.registeredID);
		break;
	case GEN_OTHERNAME:
		other_name_write(reading, name->d.otherName);
		break;
	}
}

static void sans_read(struct reading *reading)
{
	struct certificate *certificate = reading->certificate;
	GENERAL_NAMES *names;
	int found, count;

	names = X509_get_ext_d2i(reading->x509, NID_subject_alt_name, &found, NULL);
	/* -1: there is no such extension. */
	if (!names && found != -1)
		certificate->broken = true;
	count = sk_GENERAL_NAME_num(names);
	if (count > CERTIFICATE_SANS_MAX) {
		count = CERTIFICATE_SANS_MAX;
		certificate->truncated = true;
	}
	if (count > 0)
		certificate->sans = calloc(count, sizeof(*certificate->sans));
	for (int i = 0; certificate->sans && i < count; i++) {
		char *san;

		san_write(reading, sk_GENERAL_NAME_value(names, i));
		san = text_take(reading);
		if (san)
			certificate->sans[certificate->san_count++] = san;
	}
	GENERAL_NAMES_free(names);
}

static int64_t time_read(struct reading *reading, const ASN1_TIME *time)
{
	struct tm parts;

	if (ASN1_TIME_to_tm(time, &parts))
		return timegm(&parts);
	reading->certificate->broken = true;
	return CERTIFICATE_TIME_UNKNOWN;
}

static void algorithm_write(struct reading *reading, const ASN1_OBJECT *object)
{
	int known = OBJ_obj2nid(object);
	char oid[OID_SIZE];

	if (known != NID_undef) {
		BIO_puts(reading->text, OBJ_nid2ln(known));
		return;
	}
	OBJ_obj2txt(oid, sizeof(oid), object, 1);
	for (size_t i = 0; i < sizeof(newer_algorithms) / sizeof(newer_algorithms[0]); i++) {
		if (strcmp(oid, newer_algorithms[i].oid) == 0) {
			BIO_puts(reading->text, newer_algorithms[i].name);
			return;
		}
	}
	BIO_puts(reading->text, oid);
}

static char *signature_take(struct reading *reading)
{
	const X509_ALGOR *algorithm;
	const ASN1_OBJECT *object;

	X509_get0_signature(NULL, &algorithm, reading->x509);
	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	algorithm_write(reading, object);
	return text_take(reading);
}

/* A curve by NIST's name, which people use, where it has one. */
static bool curve_write(struct reading *reading, const EVP_PKEY *key)
{
	const char *nist;
	char name[64];

	if (!EVP_PKEY_get_group_name(key, name, sizeof(name), NULL))
		return false;
	nist = EC_curve_nid2nist(OBJ_txt2nid(name));
	BIO_printf(reading->text, "EC %s", nist ? nist : name);
	return true;
}

static void key_write(struct reading *reading, const EVP_PKEY *key)
{
	/* Libcrypto's names of keys that have one size only; the size of all others is added. */
	static const struct {
		const char *type, *name;
	} sizeless[] = {
		{"ED25519", "Ed25519"},
		{"ED448", "Ed448"},
		{"X25519", "X25519"},
		{"X448", "X448"},
	};
	const char *type = EVP_PKEY_get0_type_name(key);

	for (size_t i = 0; i < sizeof(sizeless) / sizeof(sizeless[0]); i++) {
		if (strcmp(type, sizeless[i].type) == 0) {
			BIO_puts(reading->text, sizeless[i].name);
			return;
		}
	}
	/* ML-DSA-65 and the like carry their size in their name. */
	if (strchr(type, '-') && strncmp(type, "RSA", 3) != 0)
		BIO_puts(reading->text, type);
	else if (strcmp(type, "EC") != 0 || !curve_write(reading, key))
		BIO_printf(reading->text, "%s %d", type, EVP_PKEY_get_bits(key));
}

static char *key_take(struct reading *reading)
{
	EVP_PKEY *key = X509_get0_pubkey(reading->x509);
	ASN1_OBJECT *object;

	if (key && EVP_PKEY_get0_type_name(key)) {
		key_write(reading, key);
	} else {
		X509_PUBKEY_get0_param(&object, NULL, NULL, NULL,
				       X509_get_X509_PUBKEY(reading->x509));
		algorithm_write(reading, object);
	}
	return text_take(reading);
}

static char *serial_take(struct reading *reading)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(reading->x509);

	if (ASN1_STRING_type(serial) & V_ASN1_NEG)
		BIO_puts(reading->text, "-");
	hex_write(reading, serial);
	return text_take(reading);
}

/* NULL: there is none. */
static char *key_id_take(struct reading *reading, const ASN1_OCTET_STRING *id)
{
	if (!id)
		return NULL;
	hex_write(reading, id);
	return text_take(reading);
}

/* RFC 7633: a list of the TLS extensions that the server has to send; 5 is status_request. */
static bool must_staple(const X509 *x509)
{
	int found, features;
	bool holds = false;
	TLS_FEATURE *list = X509_get_ext_d2i(x509, NID_tlsfeature, &found, NULL);

	features = sk_ASN1_INTEGER_num(list);
	for (int i = 0; i < features; i++)
		holds |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(list, i)) == 5;
	sk_ASN1_INTEGER_pop_free(list, ASN1_INTEGER_free);
	return holds;
}

/* What a peer that verifies may find too weak. */
static void strength_read(struct reading *reading)
{
	struct certificate *certificate = reading->certificate;
	const EVP_PKEY *key = X509_get0_pubkey(reading->x509);
	int digest = NID_undef;

	certificate->key_bits = key ? (uint32_t)EVP_PKEY_get_bits(key) : 0;
	certificate->key_is_rsa = key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
	OBJ_find_sigid_algs(X509_get_signature_nid(reading->x509), &digest, NULL);
	certificate->weak_signature =
		digest == NID_sha1 || digest == NID_md5 || digest == NID_md5_sha1;
	certificate->must_staple = must_staple(reading->x509);
}

static void fields_read(struct reading *reading)
{
	struct certificate *certificate = reading->certificate;
	const X509 *x509 = reading->x509;

	certificate->subject = name_take(reading, X509_get_subject_name(x509));
	certificate->issuer = name_take(reading, X509_get_issuer_name(x509));
	certificate->not_before = time_read(reading, X509_get0_notBefore(x509));
	certificate->not_after = time_read(reading, X509_get0_notAfter(x509));
	certificate->key = key_take(reading);
	certificate->signature = signature_take(reading);
	certificate->serial = serial_take(reading);
	certificate->subject_key = key_id_take(reading, X509_get0_subject_key_id(reading->x509));
	certificate->authority_key =
		key_id_take(reading, X509_get0_authority_key_id(reading->x509));
	strength_read(reading);
	sans_read(reading);
}

static struct certificate *certificate_new(struct slice der, const uint8_t sha256[32])
{
	struct certificate *certificate = calloc(1, sizeof(*certificate));

	if (!certificate)
		return NULL;
	certificate->references = 1;
	certificate->not_before = certificate->not_after = CERTIFICATE_TIME_UNKNOWN;
	certificate->size = der.length;
	memcpy(certificate->sha256, sha256, sizeof(certificate->sha256));
	return certificate;
}

struct certificate *certificate_parse(struct slice der, const uint8_t sha256[32])
{
	struct reading reading = {.text = BIO_new(BIO_s_mem())};
	const unsigned char *end = der.bytes;

	reading.certificate = certificate_new(der, sha256);
	if (!reading.text || !reading.certificate) {
		certificate_release(reading.certificate);
		reading.certificate = NULL;
		goto out;
	}
	reading.x509 = d2i_X509(NULL, &end, der.length);
	if (reading.x509)
		fields_read(&reading);
	if (!reading.x509 || end != der.bytes + der.length)
		reading.certificate->broken = true;
out:
	X509_free(reading.x509);
	BIO_free(reading.text);
	ERR_clear_error();
	return reading.certificate;
}

struct certificate *certificate_share(struct certificate *certificate)
{
	certificate->references++;
	return certificate;
}

void certificate_release(struct certificate *certificate)
{
	if (!certificate || --certificate->references)
		return;
	for (size_t i = 0; i < certificate->san_count; i++)
		free(certificate->sans[i]);
	free(certificate->sans);
	free(certificate->subject);
	free(certificate->issuer);
	free(certificate->key);
	free(certificate->signature);
	free(certificate->serial);
	free(certificate->subject_key);
	free(certificate->authority_key);
	free(certificate);
}
