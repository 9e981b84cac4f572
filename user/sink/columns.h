/* SPDX-License-Identifier: BSD-2-Clause */
/* The table with the columns that a user chose: --columns. */
#ifndef TLSTRACE_COLUMNS_H
#define TLSTRACE_COLUMNS_H

struct handshake;
struct sink_settings;

void columns_titles_print(const struct sink_settings *settings);
void columns_row_print(const struct sink_settings *settings, const struct handshake *handshake);

#endif
