// SPDX-License-Identifier: BSD-2-Clause
#include "expression/lexer.h"

#include <ctype.h>
#include <string.h>

/* Longer ones first where one begins with another. */
static const struct {
	const char *text;
	enum token_kind kind;
} symbols[] = {
	{"==", TOKEN_EQUAL},	  {"!=", TOKEN_UNEQUAL},
	{"<=", TOKEN_LESS_EQUAL}, {">=", TOKEN_GREATER_EQUAL},
	{"&&", TOKEN_AND},	  {"||", TOKEN_OR},
	{"<", TOKEN_LESS},	  {">", TOKEN_GREATER},
	{"~", TOKEN_MATCHES},	  {"!", TOKEN_NOT},
	{"(", TOKEN_OPEN},	  {")", TOKEN_CLOSE},
	{"{", TOKEN_LIST_OPEN},	  {"}", TOKEN_LIST_CLOSE},
	{",", TOKEN_COMMA},	  {"+", TOKEN_PLUS},
	{"-", TOKEN_MINUS},
};

static const struct {
	const char *text;
	enum token_kind kind;
} keywords[] = {
	{"and", TOKEN_AND},	      {"or", TOKEN_OR}, {"not", TOKEN_NOT}, {"in", TOKEN_IN},
	{"contains", TOKEN_CONTAINS},
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_.:/*?[]@%", c));
}

static const char *space_skip(const char *at)
{
	for (;;) {
		while (isspace((unsigned char)*at))
			at++;
		if (*at != '#')
			return at;
		at += strcspn(at, "\n");
	}
}

static struct token string_take(const char *start)
{
	struct token token = {TOKEN_WRONG, start + 1, 0, start, start + 1};
	const char *at = start + 1;

	while (*at && *at != *start)
		at += *at == '\\' && at[1] ? 2 : 1;
	if (!*at)
		return token;
	token.kind = TOKEN_STRING;
	token.length = at - token.text;
	token.end = at + 1;
	return token;
}

/* A hyphen is part of a word only within it: "web-*", but "now -30d". */
static struct token word_take(const char *start)
{
	struct token token = {TOKEN_WORD, start, 0, start, start};
	const char *at = start;
	size_t i;

	while (is_word(*at) || (*at == '-' && at > start && is_word(at[1])))
		at++;
	token.length = at - start;
	token.end = at;
	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (token_is(&token, keywords[i].text))
			token.kind = keywords[i].kind;
	return token;
}

static struct token symbol_take(const char *start)
{
	struct token token = {TOKEN_WRONG, start, *start != 0, start, start + (*start != 0)};
	size_t i;

	for (i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		size_t length = strlen(symbols[i].text);

		if (strncmp(start, symbols[i].text, length) == 0)
			return (struct token){symbols[i].kind, start, length, start,
					      start + length};
	}
	return token;
}

struct token token_next(const char **at)
{
	const char *start = space_skip(*at);
	struct token token = {TOKEN_END, start, 0, start, start};

	if (*start == '"' || *start == '\'')
		token = string_take(start);
	else if (is_word(*start))
		token = word_take(start);
	else if (*start)
		token = symbol_take(start);
	*at = token.end;
	return token;
}

bool token_is(const struct token *token, const char *word)
{
	return strlen(word) == token->length && memcmp(token->text, word, token->length) == 0;
}
