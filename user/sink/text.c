/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/text.h"

#include <arpa/inet.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "handshake/words.h"
#include "sink/sink.h"
#include "tls/hello.h"
#include "tls/names.h"
#include "tls/quic.h"
#include "tlstrace_types.h"
#include "who/container.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define NS_PER_S	  1000000000

/* Forms of UTF-8 by length (RFC 3629, section 3), and the least value that needs that length. */
static const struct {
	uint8_t mask, lead;
	uint32_t least;
} utf8_forms[] = {
	{0x80, 0x00, 0x0},
	{0xe0, 0xc0, 0x80},
	{0xf0, 0xe0, 0x800},
	{0xf8, 0xf0, 0x10000},
};

struct point_range {
	uint32_t first, last;
};

/*
 * What a terminal obeys, reorders or does not show: C0, DEL and C1 controls, soft hyphen, marks and
 * overrides of direction (Unicode's UAX #9), zero-width characters, separators of lines, tags,
 * noncharacters.
 */
static const struct point_range unprintable[] = {
	{0x0000, 0x001f}, {0x007f, 0x009f},   {0x00ad, 0x00ad},	  {0x034f, 0x034f},
	{0x061c, 0x061c}, {0x115f, 0x1160},   {0x180b, 0x180f},	  {0x200b, 0x200f},
	{0x2028, 0x202e}, {0x2060, 0x206f},   {0x3164, 0x3164},	  {0xd800, 0xdfff},
	{0xfdd0, 0xfdef}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},	  {0xffa0, 0xffa0},
	{0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

/* Bytes of the first character, 0 if it is not valid. */
static size_t utf8_decode(const uint8_t *bytes, size_t length, uint32_t *point)
{
	for (size_t i = 0; i < ARRAY_SIZE(utf8_forms); i++) {
		if ((bytes[0] & utf8_forms[i].mask) != utf8_forms[i].lead)
			continue;
		if (i >= length)
			return 0;
		*point = bytes[0] & (uint8_t)~utf8_forms[i].mask;
		for (size_t next = 1; next <= i; next++) {
			if ((bytes[next] & 0xc0) != 0x80)
				return 0;
			*point = *point << 6 | (bytes[next] & 0x3f);
		}
		return *point >= utf8_forms[i].least ? i + 1 : 0;
	}
	return 0;
}

/* Combining marks that one letter may have: Vietnamese and IPA need two, Hebrew four. */
#define MARKS_MAX 4

static bool point_is_in(uint32_t point, const struct point_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	return false;
}

static bool point_is_printable(uint32_t point)
{
	/* The last two of each plane are noncharacters. */
	return point <= 0x10ffff && (point & 0xfffe) != 0xfffe &&
	       !point_is_in(point, unprintable, ARRAY_SIZE(unprintable));
}

/* A mark takes no column of its own, in any locale. */
static bool point_is_mark(uint32_t point)
{
	static const struct point_range marks[] = {
		{0x0300, 0x036f},   {0x0483, 0x0489},	{0x0591, 0x05c7},   {0x0610, 0x061a},
		{0x064b, 0x065f},   {0x06d6, 0x06ed},	{0x0900, 0x0903},   {0x093a, 0x094d},
		{0x0e31, 0x0e4e},   {0x0eb1, 0x0ece},	{0x135d, 0x135f},   {0x1ab0, 0x1aff},
		{0x1dc0, 0x1dff},   {0x20d0, 0x20ff},	{0x302a, 0x302f},   {0x3099, 0x309a},
		{0xa66f, 0xa67d},   {0xfe20, 0xfe2f},	{0x1d165, 0x1d169}, {0x1d16d, 0x1d172},
		{0x1e000, 0x1e02a}, {0x1e8d0, 0x1e8d6},
	};

	return point >= 0x300 &&
	       (point_is_in(point, marks, ARRAY_SIZE(marks)) || wcwidth((wchar_t)point) == 0);
}

/* Blanks that are not a space, and scripts that run from right to left (UAX #9). */
static bool point_misleads(uint32_t point)
{
	static const struct point_range misleading[] = {
		{0x00a0, 0x00a0},   {0x0590, 0x08ff},	{0x1680, 0x1680},   {0x17b4, 0x17b5},
		{0x2000, 0x200a},   {0x202f, 0x202f},	{0x205f, 0x205f},   {0x2800, 0x2800},
		{0x3000, 0x3000},   {0xfb1d, 0xfdff},	{0xfe70, 0xfeff},   {0xfffc, 0xfffc},
		{0x10800, 0x10fff}, {0x1d159, 0x1d159}, {0x1e800, 0x1efff},
	};

	return point >= 0xa0 && point_is_in(point, misleading, ARRAY_SIZE(misleading));
}

static bool is_shown(struct text_escaper *escaper, uint32_t point)
{
	if (!point_is_printable(point))
		return false;
	if (escaper->readers == TEXT_FOR_PROGRAMS)
		return true;
	if (!point_is_mark(point)) {
		escaper->marks = 0;
		return !point_misleads(point);
	}
	return !point_misleads(point) && ++escaper->marks <= MARKS_MAX;
}

size_t text_escape_next(struct text_escaper *escaper, const void *bytes, size_t length,
			char to[TEXT_ESCAPED_MAX], size_t *written)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = bytes;
	uint32_t point;
	size_t taken = utf8_decode(from, length, &point);

	if (taken && is_shown(escaper, point)) {
		memcpy(to, from, taken);
		*written = taken;
		return taken;
	}
	/* One byte at a time: the next one may start a character. */
	memcpy(to, (char[]){'\\', 'x', digits[from[0] >> 4], digits[from[0] & 15]}, 4);
	*written = 4;
	return 1;
}

size_t text_escape(const void *bytes, size_t length, char *to, size_t size)
{
	struct text_escaper escaper = {.readers = TEXT_FOR_PEOPLE};
	const uint8_t *from = bytes;
	size_t written = 0, taken;

	if (!size)
		return 0;
	for (size_t at = 0; at < length; at += taken) {
		char escaped[TEXT_ESCAPED_MAX] = {(char)from[at]};
		size_t need = 1;

		taken = 1;
		if (from[at] >= ' ' && from[at] <= '~')
			escaper.marks = 0;
		else
			taken = text_escape_next(&escaper, from + at, length - at, escaped, &need);
		if (need >= size - written)
			break;
		memcpy(to + written, escaped, need);
		written += need;
	}
	to[written] = '\0';
	return written;
}

void text_start(struct text *text, char *to, size_t size)
{
	*text = (struct text){.to = to, .size = size};
	if (size)
		to[0] = '\0';
}

void text_append(struct text *text, const char *format, ...)
{
	size_t left = text->size - text->length;
	va_list arguments;
	int written;

	if (left < 2)
		return;
	va_start(arguments, format);
	written = vsnprintf(text->to + text->length, left, format, arguments);
	va_end(arguments);
	if (written < 0)
		return;
	if ((size_t)written < left) {
		text->length += (size_t)written;
		return;
	}
	text->length = text->size - 1;
	/* Back to the start of the last character, which may have been cut. */
	while (text->length && (text->to[text->length - 1] & 0xc0) == 0x80)
		text->length--;
	if (text->length && (text->to[text->length - 1] & 0xc0) == 0xc0)
		text->length--;
	text->to[text->length] = '\0';
	text->size = text->length + 1;
}

size_t text_step(const char *string, size_t *width)
{
	size_t length = strnlen(string, 4), taken;
	uint32_t point = 0;
	int columns;

	*width = 1;
	if (!length)
		return 0;
	taken = utf8_decode((const uint8_t *)string, length, &point);
	if (taken < 2)
		return 1;
	/* -1 in a locale that does not know the character. */
	columns = wcwidth((wchar_t)point);
	if (columns >= 0)
		*width = (size_t)columns;
	return taken;
}

size_t text_width(const char *string)
{
	size_t total = 0, width, taken;

	/* ASCII is nearly all there is. */
	for (; *string && !(*string & 0x80); string++)
		total++;
	if (!*string)
		return total;
	while ((taken = text_step(string, &width))) {
		string += taken;
		total += width;
	}
	return total;
}

bool text_is_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

void text_cut(char *string, size_t size, size_t width, size_t tail)
{
	const char *mark = text_is_utf8() ? "…" : "~";
	size_t length = strlen(string), room, used = 0, at = 0, step, columns;

	if (text_width(string) <= width)
		return;
	/* Not where it would leave next to nothing of the start. */
	if (tail + 4 > width)
		tail = 0;
	room = width - 1 - tail;
	while ((step = text_step(string + at, &columns)) && used + columns <= room) {
		used += columns;
		at += step;
	}
	/* What is left out may be fewer bytes than the mark. */
	if (at + strlen(mark) + tail >= size)
		return;
	memmove(string + at + strlen(mark), string + length - tail, tail + 1);
	memcpy(string + at, mark, strlen(mark));
}

bool text_address_known(const struct address *address)
{
	static const struct address unknown;

	return address->port || memcmp(address->ip, unknown.ip, sizeof(unknown.ip));
}

static bool address_is_v4(const struct address *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return !memcmp(address->ip, mapped, sizeof(mapped));
}

char *text_number(uint64_t number, size_t digits, char *to)
{
	char reversed[20]; /* of 2^64 */
	size_t count = 0;

	do {
		reversed[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number || count < digits);
	while (count)
		*to++ = reversed[--count];
	*to = '\0';
	return to;
}

void text_ip(const struct address *address, char to[TEXT_ADDRESS_SIZE])
{
	if (!address_is_v4(address)) {
		inet_ntop(AF_INET6, address->ip, to, TEXT_ADDRESS_SIZE);
		return;
	}
	/* inet_ntop() does this by sprintf(). */
	for (size_t i = 12; i < 16; i++) {
		to = text_number(address->ip[i], 1, to);
		*to++ = '.';
	}
	to[-1] = '\0';
}

void text_address(const struct address *address, char to[TEXT_ADDRESS_SIZE])
{
	bool v4 = address_is_v4(address);
	char ip[TEXT_ADDRESS_SIZE];

	text_ip(address, ip);
	to = stpcpy(to, v4 ? "" : "[");
	to = stpcpy(to, ip);
	to = stpcpy(to, v4 ? ":" : "]:");
	text_number(address->port, 1, to);
}

void text_process(const struct process *process, char to[TEXT_WHO_SIZE])
{
	char escaped[4 * HANDSHAKE_COMM_SIZE + 1], name[TEXT_WHO_SIZE];
	size_t length, name_length;

	text_escape(process->comm, strnlen(process->comm, HANDSHAKE_COMM_SIZE), escaped,
		    sizeof(escaped));
	length = (size_t)snprintf(to, TEXT_WHO_SIZE, "%s[%u]", escaped, process->pid);
	if (process->container && process->container->known) {
		to[length++] = '@';
		name_length = container_called(process->container, name, sizeof(name));
		text_escape(name, name_length, to + length, TEXT_WHO_SIZE - length);
	}
}

void text_who(const struct endpoint *end, char to[TEXT_WHO_SIZE])
{
	char address[TEXT_ADDRESS_SIZE];

	if (end->process.pid) {
		text_process(&end->process, to);
		return;
	}
	text_address(&end->address, address);
	snprintf(to, TEXT_WHO_SIZE, "%s", text_address_known(&end->address) ? address : "-");
}

/* Without strftime(), which took a fifth of a row of JSON. */
void text_time(uint64_t time_ns, int64_t clock_offset_ns, char to[TEXT_TIME_SIZE])
{
	uint64_t ns = time_ns + (uint64_t)clock_offset_ns;
	time_t seconds = (time_t)(ns / NS_PER_S);
	struct tm tm = *gmtime_r(&seconds, &(struct tm){0});
	const struct {
		int number;
		size_t digits;
		char after;
	} parts[] = {
		{tm.tm_year + 1900, 4, '-'},	{tm.tm_mon + 1, 2, '-'}, {tm.tm_mday, 2, 'T'},
		{tm.tm_hour, 2, ':'},		{tm.tm_min, 2, ':'},	 {tm.tm_sec, 2, '.'},
		{(int)(ns % NS_PER_S), 9, 'Z'},
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		to = text_number((uint64_t)parts[i].number, parts[i].digits, to);
		*to++ = parts[i].after;
	}
	*to = '\0';
}

bool text_seconds(int64_t seconds, char to[TEXT_TIME_SIZE])
{
	time_t time = seconds;
	struct tm tm;

	return gmtime_r(&time, &tm) && strftime(to, TEXT_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

char *text_microseconds(int64_t ns, char to[TEXT_NUMBER_SIZE])
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	if (ns < 0)
		*to++ = '-';
	to = text_number(size / 1000, 1, to);
	if (size % 1000 == 0)
		return to;
	*to++ = '.';
	to = text_number(size % 1000, 3, to);
	while (to[-1] == '0')
		to--;
	*to = '\0';
	return to;
}

/* In integers, since a locale's decimal point may be a comma. */
void text_milliseconds(uint64_t ns, char to[TEXT_NUMBER_SIZE])
{
	static const struct {
		uint64_t below_ns;
		unsigned int decimals, unit_ns, units;
	} forms[] = {
		{10000000, 3, 1000, 1000},
		{100000000, 2, 10000, 100},
		{UINT64_MAX, 1, 100000, 10},
	};
	size_t form = 0;
	uint64_t value;

	while (form < ARRAY_SIZE(forms) - 1 && ns >= forms[form].below_ns)
		form++;
	value = ns / forms[form].unit_ns + (ns % forms[form].unit_ns >= forms[form].unit_ns / 2);
	to = text_number(value / forms[form].units, 1, to);
	*to++ = '.';
	text_number(value % forms[form].units, forms[form].decimals, to);
}

void text_duration(uint64_t ns, char to[TEXT_NUMBER_SIZE])
{
	bool seconds = ns >= NS_PER_S;
	unsigned int unit_ns = seconds ? NS_PER_S / 10 : 100000;
	uint64_t tenths = ns / unit_ns + (ns % unit_ns >= unit_ns / 2);
	struct text text;

	text_start(&text, to, TEXT_NUMBER_SIZE);
	if (!tenths) {
		text_append(&text, "less than 0.1 ms");
		return;
	}
	text_append(&text, "%llu", (unsigned long long)(tenths / 10));
	if (tenths % 10 || !seconds)
		text_append(&text, ".%u", (unsigned int)(tenths % 10));
	text_append(&text, seconds ? " s" : " ms");
}

const char *text_outcome_color(enum handshake_outcome outcome)
{
	static const char *const colors[] = {
		[HANDSHAKE_PENDING] = "\x1b[35m",
		[HANDSHAKE_COMPLETED] = "\x1b[32m",
		[HANDSHAKE_FAILED] = "\x1b[31m",
		[HANDSHAKE_INCOMPLETE] = "\x1b[35m",
	};

	return colors[outcome];
}

const char *text_code(text_namer *name, uint16_t code, char buffer[TEXT_CODE_SIZE])
{
	const char *found = name(code);

	if (found)
		return found;
	if (tls_is_grease(code))
		return "GREASE";
	snprintf(buffer, TEXT_CODE_SIZE, "0x%04x", code);
	return buffer;
}

const char *text_alert(uint8_t alert, char buffer[TEXT_CODE_SIZE])
{
	return words_alert(alert, buffer, TEXT_CODE_SIZE);
}

const char *text_signal(int number, char buffer[TEXT_NUMBER_SIZE])
{
	const char *name = sigabbrev_np(number);

	if (name)
		snprintf(buffer, TEXT_NUMBER_SIZE, "SIG%s", name);
	else
		snprintf(buffer, TEXT_NUMBER_SIZE, "signal %d", number);
	return buffer;
}

const char *text_end(enum handshake_end end)
{
	const char *name = words_name(&words_end, end);

	return name ? name : "unknown";
}

const char *text_hook(uint8_t hook)
{
	return words_name(&words_direction, hook);
}

const char *text_state(enum handshake_tri state)
{
	const char *name = words_name(&words_state, state);

	return name ? name : "unknown";
}

const char *text_transport(enum handshake_transport transport)
{
	const char *name = words_name(&words_transport, transport);

	return name ? name : "unknown";
}

void text_quic(uint32_t version, char to[TEXT_QUIC_SIZE])
{
	char name[QUIC_VERSION_NAME_SIZE];
	bool is_known = quic_version_known(version);

	quic_version_name(version, name);
	if (is_known && strlen(name) == 1)
		snprintf(to, TEXT_QUIC_SIZE, "QUICv%c", name[0]);
	else
		snprintf(to, TEXT_QUIC_SIZE, is_known ? "QUICd%02u" : "QUIC", version & 0xff);
}

/* RFC 9000 section 20.1. */
const char *text_quic_error(uint64_t error)
{
	static const char *const names[] = {
		"NO_ERROR",
		"INTERNAL_ERROR",
		"CONNECTION_REFUSED",
		"FLOW_CONTROL_ERROR",
		"STREAM_LIMIT_ERROR",
		"STREAM_STATE_ERROR",
		"FINAL_SIZE_ERROR",
		"FRAME_ENCODING_ERROR",
		"TRANSPORT_PARAMETER_ERROR",
		"CONNECTION_ID_LIMIT_ERROR",
		"PROTOCOL_VIOLATION",
		"INVALID_TOKEN",
		"APPLICATION_ERROR",
		"CRYPTO_BUFFER_EXCEEDED",
		"KEY_UPDATE_ERROR",
		"AEAD_LIMIT_REACHED",
		"NO_VIABLE_PATH",
		"VERSION_NEGOTIATION_ERROR", /* RFC 9368 section 8 */
	};

	return error < ARRAY_SIZE(names) ? names[error] : NULL;
}

const char *text_record(uint8_t record)
{
	return words_name(&words_record, record);
}

const char *text_message(const struct message *message, char buffer[TEXT_CODE_SIZE])
{
	return words_message(message, buffer, TEXT_CODE_SIZE);
}

const char *text_resumption(enum resumption resumption)
{
	return words_name(&words_resumption, resumption);
}

const char *text_inferred(enum inferred_field field)
{
	return words_name(&words_inferred, field);
}

const char *text_compression(const struct handshake *handshake, char buffer[TEXT_CODE_SIZE])
{
	const char *name = tls_compression_name(handshake->compression);

	if (!handshake->has_server_random)
		return NULL;
	if (!name)
		snprintf(buffer, TEXT_CODE_SIZE, "0x%02x", handshake->compression);
	return name ? name : buffer;
}

bool text_alpn_next(const struct offer *offer, size_t *offset, const uint8_t **name, size_t *length)
{
	return tls_alpn_next(offer->alpn, offer->alpn ? offer->alpn_length : 0, offset, name,
			     length);
}
