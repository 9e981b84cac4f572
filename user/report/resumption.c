// SPDX-License-Identifier: BSD-2-Clause
/* Full handshakes that could have been resumed: who prevented it, and what it cost. */
#include "report/report.h"

#include "report/workload.h"
#include "tls/hello.h"

/* OpenSSL's and nginx's sessions live for at least 5 minutes, most libraries' tickets for 2 hours.
 */
#define LIFETIME_NS (300 * 1000000000ULL)

enum { CLIENT, SERVER, PREVENTED };
enum {
	COUNT,
	RESUMED,
	FULL,
	AVOIDABLE,
	NEW_PROCESS,
	NOT_OFFERED,
	REFUSED,
	NO_TICKET,
	COST,
	BARREN
};

static uint64_t crypto_ns(const struct handshake *handshake)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < handshake->latency.phase_count; i++) {
		const struct phase *phase = &handshake->latency.phases[i];

		if (phase->kind == PHASE_SERVER_CRYPTO || phase->kind == PHASE_CLIENT_CRYPTO ||
		    phase->kind == PHASE_SERVER_FINISH)
			sum += phase->duration_ns;
	}
	return sum;
}

/* Up to TLS 1.2 the wire shows whether the server gave the client something to come back with. */
static bool is_barren(const struct handshake *handshake)
{
	return !tls_version_is_13(handshake->version) && !handshake->ticket_issued &&
	       !handshake->session_id_length;
}

static unsigned int reason_of(const struct report_row *into, const struct handshake *handshake)
{
	uint32_t pid = handshake->ends[END_CLIENT].process.pid;

	if (handshake->psk == TRI_OFFERED || handshake->psk == TRI_REJECTED ||
	    handshake->offer.ticket)
		return REFUSED;
	if (into->counts[BARREN])
		return NO_TICKET;
	return pid && into->last_pid && pid != into->last_pid ? NEW_PROCESS : NOT_OFFERED;
}

static void prevented_note(struct report *report, struct report_row *into)
{
	static const char *const reasons[] = {
		"the client starts a new process each time; keep one, or share its sessions",
		"the client offers no session; let it keep and reuse sessions",
		"the server refuses sessions; share its ticket keys, and keep them long enough",
		"the server issues no ticket; enable session tickets or a session cache",
	};
	unsigned int most = NEW_PROCESS, i;

	for (i = NEW_PROCESS; i <= NO_TICKET; i++)
		if (into->counts[i] > into->counts[most])
			most = i;
	report_text(report, into, PREVENTED, reasons[most - NEW_PROCESS]);
}

static void add(struct report *report, struct field_row *row)
{
	const struct handshake *handshake = row->handshake;
	char client[WORKLOAD_SIZE], server[WORKLOAD_SIZE];
	const char *const key[] = {client, server};
	struct report_row *into;

	if (handshake->outcome != HANDSHAKE_COMPLETED || handshake->renegotiation)
		return;
	workload_write(&handshake->ends[END_CLIENT], client);
	workload_server_write(handshake, server);
	into = report_row(report, key, 2);
	into->counts[COUNT]++;
	into->counts[handshake->resumed ? RESUMED : FULL]++;
	if (!handshake->resumed && into->last_ns &&
	    handshake->time_ns < into->last_ns + LIFETIME_NS) {
		into->counts[AVOIDABLE]++;
		into->counts[reason_of(into, handshake)]++;
		into->counts[COST] += crypto_ns(handshake);
		prevented_note(report, into);
	}
	into->last_ns = handshake->time_ns;
	into->last_pid = handshake->ends[END_CLIENT].process.pid;
	if (!handshake->resumed)
		into->counts[BARREN] = is_barren(handshake);
}

static uint64_t weight(const struct report_row *row)
{
	return row->counts[COST] + row->counts[AVOIDABLE];
}

static const struct report_column columns[] = {
	{"client", REPORT_TEXT, CLIENT},
	{"server", REPORT_TEXT, SERVER},
	{"handshakes", REPORT_COUNT, COUNT},
	{"resumed", REPORT_COUNT, RESUMED},
	{"full", REPORT_COUNT, FULL},
	{"avoidable", REPORT_COUNT, AVOIDABLE},
	{"new_process", REPORT_COUNT, NEW_PROCESS},
	{"not_offered", REPORT_COUNT, NOT_OFFERED},
	{"refused", REPORT_COUNT, REFUSED},
	{"no_ticket", REPORT_COUNT, NO_TICKET},
	{"crypto_ms", REPORT_DURATION, COST},
	{"prevented_by", REPORT_TEXT, PREVENTED},
};

const struct report_kind report_resumption = {
	.name = "resumption",
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.add = add,
	.weight = weight,
	.closing = "Avoidable: a full handshake within 5 minutes of another one of its pair. "
		   "crypto ms: the time that both ends were at work in them.",
};
