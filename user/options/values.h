/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of options as people write them: numbers, durations, sizes, users, networks. */
#ifndef TLSTRACE_OPTIONS_VALUES_H
#define TLSTRACE_OPTIONS_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct field_list;
struct named_expression;
struct options_network;
struct failure_limit;
struct options_output;
struct report_wanted;

/* Each returns whether the text is a value of its kind, and only then writes it. */
bool value_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);
/* A number with a unit: ns, us, ms, s, m, h or d. Nanoseconds; never 0. */
bool value_duration(const char *text, uint64_t *ns);
/* A number of bytes, with k, K, M or G for powers of 1024. */
bool value_size(const char *text, uint64_t *bytes);
bool value_uid(const char *text, uint32_t *uid); /* a number, or a name of passwd(5) */
bool value_network(const char *text, struct options_network *network);
/* A path below the root of a cgroup hierarchy, or the directory where it is mounted. */
bool value_cgroup(const char *text, const char **path);
bool value_netns(const char *text, uint32_t *netns);
/* FORMAT or FORMAT=FILE. */
bool value_output(const char *text, struct options_output *output);
/* An expression; where it is wrong, and how, is printed on stderr. Owned by the caller. */
/* Fields separated by commas; says what is wrong. */
bool value_fields(const char *text, struct field_list *list);
bool value_expression(const char *text, struct named_expression *expression);
/* The same, or the policy @NAME. */
bool value_expectation(const char *text, struct named_expression *expression);
/* NAME, or NAME:@POLICY, with =FILE or without. What is wrong is printed on stderr. */
bool value_report(const char *text, struct report_wanted *report);
/* PERCENT% or PERCENT%/DURATION. */
bool value_rate(const char *text, struct failure_limit *rate);
/* Index of the text in a NULL-terminated list, or -1. */
int value_word(const char *text, const char *const *words);

extern const char *const value_formats[]; /* of value_output(), NULL-terminated */

#endif
