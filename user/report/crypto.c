// SPDX-License-Identifier: BSD-2-Clause
/* What each workload negotiates in each role, who is not post-quantum, and whose fault that is. */
#include "report/report.h"

#include <string.h>

#include "policy/advice.h"
#include "report/workload.h"
#include "sink/text.h"

enum { WORKLOAD, ROLE, CHANGE };
enum {
	COUNT,
	TLS13,
	TLS12,
	OLDER,
	CHOSEN,
	BY_CLIENT, /* not post-quantum since the client offers nothing */
	BY_SERVER, /* or since the server does not choose it */
	RETRIES,   /* HelloRetryRequests for a post-quantum group */
	HELLO_PQ,
	HELLOS_PQ,
	HELLO_CLASSIC,
	HELLOS_CLASSIC,
};

static const struct field *pq_field(void)
{
	return field_find("pq", strlen("pq"));
}

static void version_count(struct report_row *into, uint16_t version)
{
	unsigned int rank = field_version_rank(version);

	if (rank >= field_version_rank(0x0304))
		into->counts[TLS13]++;
	else if (rank == field_version_rank(0x0303))
		into->counts[TLS12]++;
	else
		into->counts[OLDER]++;
}

static void role_add(struct report *report, struct field_row *row, enum handshake_end role,
		     uint64_t pq)
{
	const struct handshake *handshake = row->handshake;
	unsigned int size = pq == POST_QUANTUM_NONE ? HELLO_CLASSIC : HELLO_PQ;
	char workload[WORKLOAD_SIZE], advice[FIELD_TEXT_SIZE];
	const char *const key[] = {workload, text_end(role)};
	struct report_row *into;
	enum handshake_end fault;

	workload_write(&handshake->ends[role], workload);
	into = report_row(report, key, 2);
	into->counts[COUNT]++;
	version_count(into, handshake->version);
	into->counts[size] += handshake->offer.size;
	into->counts[size + 1]++;
	if (pq == POST_QUANTUM_CHOSEN) {
		into->counts[CHOSEN]++;
		into->counts[RETRIES] += handshake->hello_retry;
		return;
	}
	fault = pq == POST_QUANTUM_NONE ? END_CLIENT : END_SERVER;
	into->counts[fault == END_CLIENT ? BY_CLIENT : BY_SERVER]++;
	if (fault != role)
		return;
	advice_write(pq_field(), row, advice, sizeof(advice));
	report_text(report, into, CHANGE, advice);
}

static void add(struct report *report, struct field_row *row)
{
	struct field_value pq;

	if (row->handshake->outcome != HANDSHAKE_COMPLETED ||
	    field_read(pq_field(), row, &pq) != FIELD_KNOWN)
		return;
	role_add(report, row, END_CLIENT, pq.number);
	role_add(report, row, END_SERVER, pq.number);
}

/* Own faults first, then the most handshakes. */
static uint64_t weight(const struct report_row *row)
{
	bool is_client = row->texts[ROLE] && strcmp(row->texts[ROLE], text_end(END_CLIENT)) == 0;
	uint64_t own = row->counts[is_client ? BY_CLIENT : BY_SERVER];

	return (own << 32) + row->counts[COUNT];
}

static const struct report_column columns[] = {
	{"workload", REPORT_TEXT, WORKLOAD},
	{"role", REPORT_TEXT, ROLE},
	{"handshakes", REPORT_COUNT, COUNT},
	{"tls13", REPORT_COUNT, TLS13},
	{"tls12", REPORT_COUNT, TLS12},
	{"older", REPORT_COUNT, OLDER},
	{"pq", REPORT_COUNT, CHOSEN},
	{"not_pq_by_client", REPORT_COUNT, BY_CLIENT},
	{"not_pq_by_server", REPORT_COUNT, BY_SERVER},
	{"retries", REPORT_COUNT, RETRIES},
	{"hello_bytes_pq", REPORT_AVERAGE, HELLO_PQ},
	{"hello_bytes_classic", REPORT_AVERAGE, HELLO_CLASSIC},
	{"change", REPORT_TEXT, CHANGE},
};

const struct report_kind report_crypto = {
	.name = "crypto",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.add = add,
	.weight = weight,
	.closing = "Post-quantum deadlines: CNSA 2.0 for new systems 2027; EU roadmap begun by the "
		   "end of 2026, high risk done by the end of 2030; EO 14412 (USA) 2030.",
};
