/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TLSTRACE_EXPRESSION_LEXER_H
#define TLSTRACE_EXPRESSION_LEXER_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,   /* a field, a name, a number, an address, a pattern */
	TOKEN_STRING, /* the same in quotes */
	TOKEN_EQUAL,
	TOKEN_UNEQUAL,
	TOKEN_LESS,
	TOKEN_LESS_EQUAL,
	TOKEN_GREATER,
	TOKEN_GREATER_EQUAL,
	TOKEN_MATCHES,
	TOKEN_CONTAINS,
	TOKEN_IN,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_NOT,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_LIST_OPEN,
	TOKEN_LIST_CLOSE,
	TOKEN_COMMA,
	TOKEN_PLUS,
	TOKEN_MINUS,
	TOKEN_WRONG, /* no token begins here, or a string does not end */
};

/* Borrowed from the text. A string's bytes are those between its quotes, escapes and all. */
struct token {
	enum token_kind kind;
	const char *text;
	size_t length;
	const char *start, *end; /* with the quotes */
};

/* The token at *at, which moves to its end. White space and # comments are skipped. */
struct token token_next(const char **at);
bool token_is(const struct token *token, const char *word);

#endif
