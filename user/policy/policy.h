/* SPDX-License-Identifier: BSD-2-Clause */
/* Named policies: the files of policies/, compiled in, and those of users. */
#ifndef TLSTRACE_POLICY_H
#define TLSTRACE_POLICY_H

#define POLICY_REASON_SIZE 200

/*
 * The expression of "@NAME", or of "@PATH" if that has a slash in it; to be freed. NULL, and why in
 * reason, if there is no such policy.
 */
char *policy_text(const char *name, char reason[POLICY_REASON_SIZE]);
/* All that are compiled in, with their titles and sources, on standard output. */
void policies_print(const char *value);

#endif
