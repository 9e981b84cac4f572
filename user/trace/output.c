// SPDX-License-Identifier: BSD-2-Clause
#include "trace/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_open.h"
#include "handshake/fields.h"
#include "log.h"

#define BUFFER_SIZE (1 << 16)

int output_width(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return columns ? atoi(columns) : 0;
}

static bool color_wanted(int color, FILE *out)
{
	const char *no_color = getenv("NO_COLOR");

	if (color == COLOR_AUTO)
		return isatty(fileno(out)) && !(no_color && *no_color);
	return color == COLOR_ALWAYS;
}

static bool is_same(const struct output *one, int fd)
{
	struct stat a, b;

	return !fstat(fileno(one->settings.out), &a) && !fstat(fd, &b) && S_ISREG(a.st_mode) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool is_taken(const struct outputs *outputs, int fd)
{
	size_t i;

	for (i = 0; i < outputs->count; i++)
		if (is_same(&outputs->list[i], fd))
			return true;
	return false;
}

/* The file, if it may be overwritten; NULL after one message. */
static FILE *file_prepare(const struct outputs *outputs, const char *file, const char *capture)
{
	FILE *out = file_open_results(file, "the results", capture);

	if (!out || !is_taken(outputs, fileno(out)))
		return out;
	log_error("cannot write two outputs to %s; choose another file for one of them", file);
	fclose(out);
	return NULL;
}

static const struct field_list *columns_choose(struct output *output, const struct options *options)
{
	size_t length;

	if (options->columns.count)
		return &options->columns;
	if (!output->sink->columns)
		return NULL;
	field_list_parse(&output->columns, output->sink->columns, &length);
	return &output->columns;
}

static int output_open(struct outputs *outputs, const struct options *options,
		       const struct options_output *wanted)
{
	const char *file = wanted->file ? wanted->file : options->output_file;
	FILE *out = file ? file_prepare(outputs, file, options->file) : stdout;
	struct output *output;

	if (!out)
		return -1;
	setvbuf(out, NULL, _IOLBF, 0);
	output = &outputs->list[outputs->count++];
	*output = (struct output){
		.sink = wanted->sink,
		.settings = {.out = out,
			     .color = color_wanted(options->color, out),
			     .width = output_width(out)},
		.file = file,
	};
	output->settings.columns = columns_choose(output, options);
	return 0;
}

int outputs_open(struct outputs *outputs, const struct options *options)
{
	size_t i;

	for (i = 0; i < options->output_count; i++)
		if (output_open(outputs, options, &options->outputs[i]))
			return -1;
	return 0;
}

void outputs_close(struct outputs *outputs)
{
	size_t i;

	for (i = 0; i < outputs->count; i++)
		if (outputs->list[i].settings.out != stdout)
			fclose(outputs->list[i].settings.out);
}

/* A write was given up: the next one must not wait for the same reader. */
static void writes_discard(int fd)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (nowhere < 0)
		return;
	dup2(nowhere, fd);
	close(nowhere);
}

void output_check(struct output *output)
{
	if (output->error || !ferror(output->settings.out))
		return;
	output->error = errno;
	writes_discard(fileno(output->settings.out));
}

static void output_flush(struct output *output)
{
	fflush(output->settings.out);
	output_check(output);
}

static int output_empty(const struct output *output)
{
	int error = output->file ? file_empty(fileno(output->settings.out)) : 0;

	if (error)
		log_error("cannot empty %s: %s; choose another file", output->file,
			  strerror(-error));
	return error ? -1 : 0;
}

int outputs_start(struct outputs *outputs, const struct trace_start *start)
{
	size_t i;

	for (i = 0; i < outputs->count; i++)
		if (output_empty(&outputs->list[i]))
			return -1;
	for (i = 0; i < outputs->count; i++) {
		outputs->list[i].sink->start(&outputs->list[i].settings, start);
		output_flush(&outputs->list[i]);
	}
	return 0;
}

void outputs_row(struct outputs *outputs, const struct handshake *handshake)
{
	size_t i;

	for (i = 0; i < outputs->count; i++) {
		outputs->list[i].sink->row(&outputs->list[i].settings, handshake);
		output_check(&outputs->list[i]);
	}
}

void outputs_end(struct outputs *outputs, const struct trace_end *end)
{
	size_t i;

	for (i = 0; i < outputs->count; i++) {
		outputs->list[i].sink->end(&outputs->list[i].settings, end);
		output_flush(&outputs->list[i]);
	}
}

bool outputs_failed(const struct outputs *outputs)
{
	size_t i;

	for (i = 0; i < outputs->count; i++)
		if (ferror(outputs->list[i].settings.out))
			return true;
	return false;
}

int outputs_explain(const struct outputs *outputs)
{
	size_t i;

	for (i = 0; i < outputs->count; i++) {
		const struct output *output = &outputs->list[i];

		/* A reader that has gone, as head(1) does, has what it wants. */
		if (!output->error || output->error == EPIPE)
			continue;
		log_error("writing the results to %s failed: %s; the results are incomplete, %s",
			  output->file ? output->file : "standard output", strerror(output->error),
			  output->error == EFBIG ? "raise the limit with ulimit -f"
						 : "make room or choose another file");
		return -1;
	}
	return 0;
}

bool outputs_want_details(const struct outputs *outputs)
{
	size_t i;

	for (i = 0; i < outputs->count; i++) {
		const struct output *output = &outputs->list[i];
		const struct field_list *columns = output->settings.columns;

		if (output->sink->wants_details ||
		    (output->sink->has_columns && columns && field_list_has_details(columns)))
			return true;
	}
	return false;
}

void outputs_buffer(struct outputs *outputs)
{
	size_t i;

	for (i = 0; i < outputs->count; i++)
		setvbuf(outputs->list[i].settings.out, NULL, _IOFBF, BUFFER_SIZE);
}

struct output *outputs_find(struct outputs *outputs, const struct sink *sink)
{
	size_t i;

	for (i = 0; i < outputs->count; i++)
		if (outputs->list[i].sink == sink)
			return &outputs->list[i];
	return &outputs->list[0];
}

void outputs_clock_set(struct outputs *outputs, int64_t offset_ns)
{
	size_t i;

	for (i = 0; i < outputs->count; i++)
		outputs->list[i].settings.clock_offset_ns = offset_ns;
}
