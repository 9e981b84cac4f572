// SPDX-License-Identifier: BSD-2-Clause
/* Certificates that were seen, the first to expire on top. TLS 1.3 encrypts them. */
#include "report/report.h"

#include <stdio.h>
#include <string.h>

#include "report/workload.h"
#include "sink/sink.h"
#include "sink/text.h"
#include "tls/certificate.h"

enum { SUBJECT, FINGERPRINT, ISSUER, KEY, SIGNATURE, FROM, WHERE };
enum { COUNT, NOT_AFTER, LAST };

static void escaped_note(struct report *report, struct report_row *into, size_t index,
			 const char *text)
{
	char escaped[FIELD_TEXT_SIZE] = "";

	if (text)
		text_escape(text, strlen(text), escaped, sizeof(escaped));
	report_text(report, into, index, escaped);
}

static void certificate_add(struct report *report, struct field_row *row,
			    const struct sent_certificate *sent)
{
	const struct certificate *certificate = sent->certificate;
	char subject[FIELD_TEXT_SIZE] = "", hex[65], where[WORKLOAD_SIZE];
	const char *const key[] = {subject, hex};
	struct report_row *into;
	size_t i;

	if (certificate->subject)
		text_escape(certificate->subject, strlen(certificate->subject), subject,
			    sizeof(subject));
	for (i = 0; i < sizeof(certificate->sha256); i++)
		snprintf(hex + 2 * i, 3, "%02x", certificate->sha256[i]);
	into = report_row(report, key, 2);
	into->counts[COUNT]++;
	into->counts[LAST] = row->handshake->time_ns + row->clock_offset_ns;
	if (certificate->not_after > 0)
		into->counts[NOT_AFTER] = certificate->not_after * 1000000000ULL;
	escaped_note(report, into, ISSUER, certificate->issuer);
	escaped_note(report, into, KEY, certificate->key);
	escaped_note(report, into, SIGNATURE, certificate->signature);
	report_text(report, into, FROM, text_end(sent->from));
	if (sent->from == END_SERVER)
		workload_server_write(row->handshake, where);
	else
		workload_write(&row->handshake->ends[END_CLIENT], where);
	report_text(report, into, WHERE, where);
}

static void add(struct report *report, struct field_row *row)
{
	size_t i;

	for (i = 0; i < row->handshake->certificate_count; i++)
		certificate_add(report, row, &row->handshake->certificates[i]);
}

static uint64_t weight(const struct report_row *row)
{
	return UINT64_MAX - row->counts[NOT_AFTER];
}

static const struct report_column columns[] = {
	{"not_after", REPORT_TIME, NOT_AFTER}, {"subject", REPORT_TEXT, SUBJECT},
	{"issuer", REPORT_TEXT, ISSUER},       {"key", REPORT_TEXT, KEY},
	{"signature", REPORT_TEXT, SIGNATURE}, {"from", REPORT_TEXT, FROM},
	{"seen_at", REPORT_TEXT, WHERE},       {"handshakes", REPORT_COUNT, COUNT},
	{"last_seen", REPORT_TIME, LAST},      {"sha256", REPORT_TEXT, FINGERPRINT},
};

const struct report_kind report_certificates = {
	.name = "certificates",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.add = add,
	.weight = weight,
	.wants_details = true,
	.closing = "TLS 1.3 encrypts certificates: these are of TLS 1.2 and before.",
};
