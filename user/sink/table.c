/* SPDX-License-Identifier: BSD-2-Clause */
/* One row per handshake, as wide as the terminal: the table, and the wide one with phases. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "handshake/handshake.h"
#include "sink/columns.h"
#include "sink/sink.h"
#include "sink/text.h"
#include "sink/verdict.h"
#include "tls/names.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define CELL_SIZE	  1152 /* an escaped SNI of 255 bytes; a longer one is cut */

enum column {
	COLUMN_TIME,
	COLUMN_CLIENT,
	COLUMN_SERVER,
	COLUMN_SNI,
	COLUMN_VERSION,
	COLUMN_CIPHER,
	COLUMN_GROUP,
	COLUMN_ALPN,
	COLUMN_RESUMED,
	COLUMN_RTT,
	COLUMN_RESENT,
	COLUMN_TCP_CONNECT,
	COLUMN_CLIENT_PREPARE,
	COLUMN_HELLO_NETWORK,
	COLUMN_ACCEPT_QUEUE,
	COLUMN_SERVER_WAKEUP,
	COLUMN_SERVER_CRYPTO,
	COLUMN_SERVER_FLIGHT,
	COLUMN_SERVER_ALL,
	COLUMN_REPLY_NETWORK,
	COLUMN_CLIENT_WAKEUP,
	COLUMN_CLIENT_CRYPTO,
	COLUMN_FINISH_NETWORK,
	COLUMN_SERVER_FINISH,
	COLUMN_CLIENT_FINISH,
	COLUMN_UNKNOWN,
	COLUMN_MS,
	COLUMN_RESULT,
	COLUMNS
};

/* Widths in columns of the terminal that hold all but the longest contents. */
static const struct {
	const char *title;
	size_t wish;
	bool right;
	bool wide;	       /* not of the plain table */
	enum phase_kind phase; /* whose time it shows; PHASE_KINDS: it shows none */
} columns[COLUMNS] = {
	[COLUMN_TIME] = {"TIME", 12, false, false, PHASE_KINDS},
	[COLUMN_CLIENT] = {"CLIENT", 24, false, false, PHASE_KINDS},
	[COLUMN_SERVER] = {"SERVER", 24, false, false, PHASE_KINDS},
	[COLUMN_SNI] = {"SNI", 28, false, false, PHASE_KINDS},
	[COLUMN_VERSION] = {"VERSION", 8, false, false, PHASE_KINDS},
	[COLUMN_CIPHER] = {"CIPHER", 37, false, false, PHASE_KINDS},
	[COLUMN_GROUP] = {"GROUP", 18, false, false, PHASE_KINDS},
	[COLUMN_ALPN] = {"ALPN", 8, false, false, PHASE_KINDS},
	[COLUMN_RESUMED] = {"RESUMED", 10, false, true, PHASE_KINDS},
	[COLUMN_RTT] = {"RTT", 7, true, true, PHASE_KINDS},
	[COLUMN_RESENT] = {"RESENT", 6, true, true, PHASE_KINDS},
	[COLUMN_TCP_CONNECT] = {"TCP_CONNECT", 11, true, true, PHASE_TCP_CONNECT},
	[COLUMN_CLIENT_PREPARE] = {"CLIENT_PREPARE", 14, true, true, PHASE_CLIENT_PREPARE},
	[COLUMN_HELLO_NETWORK] = {"HELLO_NETWORK", 13, true, true, PHASE_HELLO_NETWORK},
	[COLUMN_ACCEPT_QUEUE] = {"ACCEPT_QUEUE", 12, true, true, PHASE_ACCEPT_QUEUE},
	[COLUMN_SERVER_WAKEUP] = {"SERVER_WAKEUP", 13, true, true, PHASE_SERVER_WAKEUP},
	[COLUMN_SERVER_CRYPTO] = {"SERVER_CRYPTO", 13, true, true, PHASE_SERVER_CRYPTO},
	[COLUMN_SERVER_FLIGHT] = {"SERVER_FLIGHT", 13, true, true, PHASE_SERVER_FLIGHT},
	[COLUMN_SERVER_ALL] = {"SERVER_ALL", 10, true, true, PHASE_SERVER},
	[COLUMN_REPLY_NETWORK] = {"REPLY_NETWORK", 13, true, true, PHASE_REPLY_NETWORK},
	[COLUMN_CLIENT_WAKEUP] = {"CLIENT_WAKEUP", 13, true, true, PHASE_CLIENT_WAKEUP},
	[COLUMN_CLIENT_CRYPTO] = {"CLIENT_CRYPTO", 13, true, true, PHASE_CLIENT_CRYPTO},
	[COLUMN_FINISH_NETWORK] = {"FINISH_NETWORK", 14, true, true, PHASE_FINISH_NETWORK},
	[COLUMN_SERVER_FINISH] = {"SERVER_FINISH", 13, true, true, PHASE_SERVER_FINISH},
	[COLUMN_CLIENT_FINISH] = {"CLIENT_FINISH", 13, true, true, PHASE_CLIENT_FINISH},
	[COLUMN_UNKNOWN] = {"UNKNOWN", 8, true, true, PHASE_UNKNOWN},
	[COLUMN_MS] = {"MS", 8, true, false, PHASE_KINDS},
	[COLUMN_RESULT] = {"RESULT", 76, false, false, PHASE_KINDS},
};

/*
 * The order in which columns get room if a line is short: the ends and the result first, then
 * readable names, then the details.
 */
static const struct {
	enum column column;
	size_t width;
} steps[] = {
	{COLUMN_RESULT, 18},
	{COLUMN_SERVER, 12},
	{COLUMN_CLIENT, 11},
	{COLUMN_SNI, 12},
	{COLUMN_MS, 6},
	{COLUMN_TIME, 8},
	{COLUMN_VERSION, 7},
	{COLUMN_CLIENT, 16},
	{COLUMN_SERVER, 16},
	{COLUMN_SNI, 15},
	{COLUMN_RESULT, 22},
	{COLUMN_CIPHER, 22},
	{COLUMN_TIME, 12},
	{COLUMN_GROUP, 14},
	{COLUMN_ALPN, 8},
	{COLUMN_RESULT, 52},
	/* Of the wide table, the phases that tell most first; narrower than its title a column is
	   none. */
	{COLUMN_SERVER_CRYPTO, 13},
	{COLUMN_SERVER_ALL, 10},
	{COLUMN_CLIENT_CRYPTO, 13},
	{COLUMN_TCP_CONNECT, 11},
	{COLUMN_ACCEPT_QUEUE, 12},
	{COLUMN_REPLY_NETWORK, 13},
	{COLUMN_HELLO_NETWORK, 13},
	{COLUMN_SERVER_WAKEUP, 13},
	{COLUMN_CLIENT_WAKEUP, 13},
	{COLUMN_CLIENT_PREPARE, 14},
	{COLUMN_SERVER_FLIGHT, 13},
	{COLUMN_FINISH_NETWORK, 14},
	{COLUMN_SERVER_FINISH, 13},
	{COLUMN_CLIENT_FINISH, 13},
	{COLUMN_UNKNOWN, 8},
	{COLUMN_RESUMED, 10},
	{COLUMN_RTT, 7},
	{COLUMN_RESENT, 6},
};

struct row {
	const struct sink_settings *settings;
	const struct handshake *handshake;
	enum column column;
	size_t width; /* of the column; more may be written, and is cut */
};

/* Columns that each column gets; 0: not shown. */
struct layout {
	size_t width[COLUMNS];
	bool cut;
};

/* First the steps, then the rest of the line in proportion to what is wished for beyond them. */
static void layout_for(struct layout *layout, int width, bool wide)
{
	size_t left = width > 0 ? (size_t)width : 0, wishes = 0, rest, i;

	*layout = (struct layout){.cut = width > 0};
	for (i = 0; i < COLUMNS && !left; i++)
		layout->width[i] = wide || !columns[i].wide ? columns[i].wish : 0;
	if (left && left < steps[0].width)
		layout->width[COLUMN_RESULT] = left;
	if (left < steps[0].width)
		return;
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		size_t *cell = &layout->width[steps[i].column];
		/* A new column costs a space too, unless it is the first. */
		size_t price = steps[i].width - *cell + (i && !*cell);

		if (left < price || (columns[steps[i].column].wide && !wide))
			break;
		*cell = steps[i].width;
		left -= price;
	}
	for (i = 0; i < COLUMNS; i++)
		wishes += layout->width[i] ? columns[i].wish - layout->width[i] : 0;
	for (rest = left, i = 0; wishes && i < COLUMNS; i++) {
		size_t wish = layout->width[i] ? columns[i].wish - layout->width[i] : 0;
		size_t more = rest * wish / wishes;

		more = more < wish ? more : wish;
		layout->width[i] += more;
		left -= more;
	}
	layout->width[COLUMN_RESULT] += left;
}

/* Bytes of the end that names best and is kept: "[812]", ":443". */
static size_t tail_length(enum column column, const char *cell)
{
	size_t length = strlen(cell);
	const char *tail = NULL;

	if (column == COLUMN_CLIENT || column == COLUMN_SERVER)
		tail = strrchr(cell, length && cell[length - 1] == ']' ? '[' : ':');
	return tail ? length - (size_t)(tail - cell) : 0;
}

static void cell_fit(enum column column, char cell[CELL_SIZE], size_t width)
{
	text_cut(cell, CELL_SIZE, width, tail_length(column, cell));
}

static void time_cell(const struct row *row, char cell[CELL_SIZE])
{
	uint64_t ns = row->handshake->time_ns + (uint64_t)row->settings->clock_offset_ns;
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	cell = text_number((uint64_t)tm.tm_hour, 2, cell);
	*cell++ = ':';
	cell = text_number((uint64_t)tm.tm_min, 2, cell);
	*cell++ = ':';
	cell = text_number((uint64_t)tm.tm_sec, 2, cell);
	if (row->width < columns[COLUMN_TIME].wish)
		return;
	*cell++ = '.';
	text_number(ns / 1000000 % 1000, 3, cell);
}

static void client_cell(const struct row *row, char cell[CELL_SIZE])
{
	text_who(&row->handshake->ends[END_CLIENT], cell);
}

static void server_cell(const struct row *row, char cell[CELL_SIZE])
{
	text_who(&row->handshake->ends[END_SERVER], cell);
}

static void sni_cell(const struct row *row, char cell[CELL_SIZE])
{
	if (row->handshake->sni)
		text_escape(row->handshake->sni, row->handshake->sni_length, cell, CELL_SIZE);
}

static void code_cell(text_namer *name, uint16_t code, bool known, char cell[CELL_SIZE])
{
	char buffer[TEXT_CODE_SIZE];

	if (known)
		strcpy(cell, text_code(name, code, buffer));
}

static void version_cell(const struct row *row, char cell[CELL_SIZE])
{
	/* QUIC is always TLS 1.3 (RFC 9001): its own version says more. */
	if (row->handshake->transport == TRANSPORT_QUIC)
		text_quic(row->handshake->quic_version, cell);
	else
		code_cell(tls_version_name, row->handshake->version, row->handshake->version, cell);
}

static void cipher_cell(const struct row *row, char cell[CELL_SIZE])
{
	code_cell(tls_cipher_name, row->handshake->cipher, row->handshake->has_cipher, cell);
}

static void group_cell(const struct row *row, char cell[CELL_SIZE])
{
	code_cell(tls_group_name, row->handshake->group, row->handshake->group, cell);
}

static void alpn_cell(const struct row *row, char cell[CELL_SIZE])
{
	text_escape(row->handshake->alpn, row->handshake->alpn_length, cell, CELL_SIZE);
}

static void ms_cell(const struct row *row, char cell[CELL_SIZE])
{
	uint64_t ns;

	if (handshake_total(row->handshake, &ns))
		text_milliseconds(ns, cell);
}

static void resumed_cell(const struct row *row, char cell[CELL_SIZE])
{
	const char *how = text_resumption(row->handshake->resumption);

	if (row->handshake->resumed)
		snprintf(cell, CELL_SIZE, "%s", how ? how : "yes");
	else if (row->handshake->has_server_random)
		strcpy(cell, "no");
}

static void rtt_cell(const struct row *row, char cell[CELL_SIZE])
{
	if (row->handshake->latency.rtt_us)
		text_milliseconds(row->handshake->latency.rtt_us * UINT64_C(1000), cell);
}

static void resent_cell(const struct row *row, char cell[CELL_SIZE])
{
	if (row->handshake->latency.phase_count)
		snprintf(cell, CELL_SIZE, "%u", row->handshake->latency.retransmissions);
}

/* A phase may come twice, with a HelloRetryRequest. */
static void phase_cell(const struct row *row, char cell[CELL_SIZE])
{
	const struct latency *latency = &row->handshake->latency;
	bool found = false, estimated = false;
	char number[TEXT_NUMBER_SIZE];
	uint64_t sum = 0;

	for (size_t i = 0; i < latency->phase_count; i++) {
		const struct phase *phase = &latency->phases[i];

		if (phase->kind != columns[row->column].phase)
			continue;
		found = true;
		estimated |= phase->estimated;
		sum += phase->duration_ns;
	}
	if (!found)
		return;
	text_milliseconds(sum, number);
	snprintf(cell, CELL_SIZE, "%s%s", estimated ? "~" : "", number);
}

static void result_cell(const struct row *row, char cell[CELL_SIZE])
{
	verdict_write(row->handshake, cell, CELL_SIZE);
}

static void (*const cells[COLUMNS])(const struct row *, char[CELL_SIZE]) = {
	[COLUMN_TIME] = time_cell,	 [COLUMN_CLIENT] = client_cell,
	[COLUMN_SERVER] = server_cell,	 [COLUMN_SNI] = sni_cell,
	[COLUMN_VERSION] = version_cell, [COLUMN_CIPHER] = cipher_cell,
	[COLUMN_GROUP] = group_cell,	 [COLUMN_ALPN] = alpn_cell,
	[COLUMN_RESUMED] = resumed_cell, [COLUMN_RTT] = rtt_cell,
	[COLUMN_RESENT] = resent_cell,	 [COLUMN_TCP_CONNECT... COLUMN_UNKNOWN] = phase_cell,
	[COLUMN_MS] = ms_cell,		 [COLUMN_RESULT] = result_cell,
};

/* Remove the name of the end that did it: it has a column of its own. */
static void result_drop_name(const struct handshake *handshake, char cell[CELL_SIZE])
{
	enum handshake_end by = handshake->failure.by;
	char who[TEXT_WHO_SIZE + 1] = " ", *found;

	if (by >= END_UNKNOWN)
		return;
	text_who(&handshake->ends[by], who + 1);
	found = strstr(cell, who);
	if (found)
		memmove(found, found + strlen(who), strlen(found + strlen(who)) + 1);
}

/* Who did what. One who left because the other was silent is not who to look at. */
static void result_words(const struct handshake *handshake, char cell[CELL_SIZE], size_t width)
{
	static const char *const kinds[] = {
		[FAILURE_NONE] = "failed",     [FAILURE_ALERT] = "alert",
		[FAILURE_RESET] = "reset",     [FAILURE_CLOSED] = "closed",
		[FAILURE_TIMEOUT] = "timeout", [FAILURE_REFUSED] = "not TLS",
	};
	const char *why = kinds[handshake->failure.kind];
	enum verdict_form form = verdict_form(handshake);
	char buffer[TEXT_CODE_SIZE];

	if (handshake->failure.kind == FAILURE_ALERT && handshake->failure.alert >= 0)
		why = text_alert((uint8_t)handshake->failure.alert, buffer);
	else if (form == VERDICT_CLOSED_WAITING || form == VERDICT_RESET_WAITING)
		why = "gave up waiting";
	else if (form == VERDICT_KILLED)
		why = "killed";
	else if (form == VERDICT_RESET_BETWEEN)
		why = "middlebox: reset";
	if (handshake->failure.by < END_UNKNOWN)
		snprintf(cell, CELL_SIZE, "%s: %s", text_end(handshake->failure.by), why);
	if (handshake->failure.by >= END_UNKNOWN || text_width(cell) > width)
		snprintf(cell, CELL_SIZE, "%s", why);
}

/*
 * What has no room is said shorter, not cut, which would hide the why: without the name that has a
 * column of its own, then without remarks, then in few words.
 */
static void result_shorten(const struct handshake *handshake, char cell[CELL_SIZE], size_t width)
{
	if (handshake->outcome != HANDSHAKE_FAILED || text_width(cell) <= width)
		return;
	result_drop_name(handshake, cell);
	if (text_width(cell) <= width)
		return;
	verdict_write_bare(handshake, cell, CELL_SIZE);
	if (text_width(cell) > width)
		result_drop_name(handshake, cell);
	if (text_width(cell) > width)
		result_words(handshake, cell, width);
}

/* Without printf(): half the time of a capture's rows went there. */
static void spaces_print(FILE *out, size_t count)
{
	static const char spaces[] = "                                ";
	const size_t most = sizeof(spaces) - 1;

	for (; count > most; count -= most)
		fwrite(spaces, 1, most, out);
	fwrite(spaces, 1, count, out);
}

static void cell_print(FILE *out, enum column column, const char *cell, size_t width)
{
	size_t used = text_width(cell), pad = used < width ? width - used : 0;

	/* The last column ends the line. */
	if (column == COLUMN_RESULT) {
		fputs(cell, out);
		return;
	}
	if (columns[column].right)
		spaces_print(out, pad);
	fputs(cell, out);
	spaces_print(out, columns[column].right ? 1 : pad + 1);
}

static void result_print(const struct row *row, const char *cell)
{
	bool color = row->settings->color;

	if (color)
		fputs(text_outcome_color(row->handshake->outcome), row->settings->out);
	fputs(cell, row->settings->out);
	if (color)
		fputs(TEXT_COLOR_OFF, row->settings->out);
}

static void titles_print(const struct sink_settings *settings, bool wide)
{
	struct layout layout;

	if (settings->columns) {
		columns_titles_print(settings);
		return;
	}
	layout_for(&layout, settings->width, wide);
	for (enum column column = 0; column < COLUMNS; column++) {
		char cell[CELL_SIZE];

		if (!layout.width[column])
			continue;
		snprintf(cell, sizeof(cell), "%s", columns[column].title);
		if (layout.cut)
			cell_fit(column, cell, layout.width[column]);
		cell_print(settings->out, column, cell, layout.width[column]);
	}
	fputc('\n', settings->out);
	fflush(settings->out);
}

static void row_print(const struct sink_settings *settings, const struct handshake *handshake,
		      bool wide)
{
	struct layout layout;

	if (settings->columns) {
		columns_row_print(settings, handshake);
		return;
	}
	layout_for(&layout, settings->width, wide);
	for (enum column column = 0; column < COLUMNS; column++) {
		size_t width = layout.width[column];
		const struct row row = {settings, handshake, column, width};
		char cell[CELL_SIZE];

		if (!width)
			continue;
		cell[0] = '\0';
		cells[column](&row, cell);
		if (!cell[0])
			strcpy(cell, "-");
		if (layout.cut && column == COLUMN_RESULT)
			result_shorten(handshake, cell, width);
		if (layout.cut)
			cell_fit(column, cell, width);
		if (column == COLUMN_RESULT)
			result_print(&row, cell);
		else
			cell_print(settings->out, column, cell, width);
	}
	fputc('\n', settings->out);
}

static void table_start(const struct sink_settings *settings, const struct trace_start *start)
{
	(void)start;
	titles_print(settings, false);
}

static void table_row(const struct sink_settings *settings, const struct handshake *handshake)
{
	row_print(settings, handshake, false);
}

static void wide_start(const struct sink_settings *settings, const struct trace_start *start)
{
	(void)start;
	titles_print(settings, true);
}

static void wide_row(const struct sink_settings *settings, const struct handshake *handshake)
{
	row_print(settings, handshake, true);
}

/* The footer is stderr's. */
static void table_end(const struct sink_settings *settings, const struct trace_end *end)
{
	(void)end;
	fflush(settings->out);
}

const struct sink sink_table = {
	.name = "table",
	.has_columns = true,
	.start = table_start,
	.row = table_row,
	.end = table_end,
};

const struct sink sink_wide = {
	.name = "wide",
	.has_columns = true,
	.start = wide_start,
	.row = wide_row,
	.end = table_end,
};
