// SPDX-License-Identifier: BSD-2-Clause
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expression/node.h"

#define DEPTH_MAX    64
#define NODES_MAX    4096
#define LITERALS_MAX 1024

/* Words that mean an expression if no operator follows. */
static const struct {
	const char *word, *text;
} shorthands[] = {
	{"pq", "pq == chosen"},
	{"legacy",
	 "version < TLSv1.2 or tls.key_exchange in {RSA, DH, ECDH, PSK, RSA_PSK}"
	 " or cipher ~ '*_RC4_*' or cipher ~ '*_3DES_*' or cipher ~ '*_DES*_CBC_*'"
	 " or cipher ~ '*_NULL_*' or cipher ~ '*_EXPORT_*' or cipher ~ '*_anon_*'"
	 " or signature in {rsa_pkcs1_sha1, ecdsa_sha1, dsa_sha1, rsa_pkcs1_md5}"
	 " or certificates.signature ~ '*[sS][hH][aA]1*' or certificates.signature ~ '*[mM][dD]5*'"
	 " or certificates.key in {'RSA 512', 'RSA 768', 'RSA 1024'}"
	 " or (outcome != completed and offer.version < TLSv1.2)"},
};

static struct node *or_parse(struct parser *parser);

void parser_fail(struct parser *parser, const char *where, const char *format, ...)
{
	struct expression_error *error = parser->error;
	va_list arguments;
	const char *at;

	if (parser->failed)
		return;
	parser->failed = true;
	error->line = error->column = 1;
	for (at = parser->text; at < where; at++) {
		error->column = *at == '\n' ? 1 : error->column + 1;
		error->line += *at == '\n';
	}
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
}

void parser_advance(struct parser *parser)
{
	parser->last_end = parser->token.end;
	parser->token = token_next(&parser->at);
}

static void node_free(struct node *node)
{
	size_t i;

	if (!node)
		return;
	node_free(node->left);
	node_free(node->right);
	for (i = 0; i < node->literal_count; i++)
		free(node->literals[i].text);
	free(node->literals);
	free(node);
}

static struct node *node_new(struct parser *parser, enum node_kind kind, const char *start)
{
	struct node *node = NULL;

	if (parser->nodes++ == NODES_MAX)
		parser_fail(parser, start, "it has more than %d parts", NODES_MAX);
	else
		node = calloc(1, sizeof(*node));
	if (!node) {
		parser_fail(parser, start, "out of memory");
		return NULL;
	}
	node->kind = kind;
	node->start = node->end = start;
	return node;
}

static bool literal_add(struct parser *parser, struct node *node)
{
	struct literal *larger;

	if (node->literal_count == LITERALS_MAX) {
		parser_fail(parser, parser->token.start, "a list has at most %d values",
			    LITERALS_MAX);
		return false;
	}
	larger = realloc(node->literals, (node->literal_count + 1) * sizeof(*larger));
	if (!larger) {
		parser_fail(parser, parser->token.start, "out of memory");
		return false;
	}
	node->literals = larger;
	node->literals[node->literal_count] = (struct literal){0};
	return literal_parse(parser, node, &node->literals[node->literal_count++]);
}

static void token_want(struct parser *parser, enum token_kind kind, const char *what)
{
	if (parser->token.kind != kind)
		parser_fail(parser, parser->token.start, "%s is missing here", what);
	else
		parser_advance(parser);
}

/* {a, b, c} */
static void list_parse(struct parser *parser, struct node *node)
{
	token_want(parser, TOKEN_LIST_OPEN, "'{'");
	while (!parser->failed && literal_add(parser, node) && parser->token.kind == TOKEN_COMMA)
		parser_advance(parser);
	token_want(parser, TOKEN_LIST_CLOSE, "'}' or ','");
}

static bool is_comparison(enum token_kind kind)
{
	return kind >= TOKEN_EQUAL && kind <= TOKEN_IN;
}

static void comparison_parse(struct parser *parser, struct node *node)
{
	const char *where = parser->token.start;
	enum token_kind kind = parser->token.kind;

	node->kind = NODE_COMPARE;
	node->is_negated = kind == TOKEN_UNEQUAL;
	node->operation = kind == TOKEN_UNEQUAL || kind == TOKEN_IN ? TOKEN_EQUAL : kind;
	if (!operation_check(parser, node, where))
		return;
	parser_advance(parser);
	if (kind == TOKEN_IN) {
		list_parse(parser, node);
		return;
	}
	literal_add(parser, node);
}

/* The text of a shorthand is parsed with a parser of its own; blame sees the word alone. */
static struct node *shorthand_parse(struct parser *parser, const struct token *word,
				    const char *text)
{
	struct parser inner = {.text = text, .at = text, .error = parser->error};
	struct node *node;

	parser_advance(&inner);
	node = or_parse(&inner);
	if (inner.failed)
		parser->failed = true;
	if (node) {
		node->start = word->start;
		node->end = word->end;
	}
	return node;
}

static const char *shorthand_find(const struct token *word)
{
	size_t i;

	for (i = 0; i < sizeof(shorthands) / sizeof(shorthands[0]); i++)
		if (token_is(word, shorthands[i].word))
			return shorthands[i].text;
	return NULL;
}

static struct node *field_parse(struct parser *parser)
{
	struct token word = parser->token;
	const struct field *field = field_find(word.text, word.length);
	const char *text, *nearest;
	struct node *node;

	parser_advance(parser);
	text = is_comparison(parser->token.kind) ? NULL : shorthand_find(&word);
	if (text)
		return shorthand_parse(parser, &word, text);
	if (!field) {
		nearest = field_nearest(word.text, word.length);
		parser_fail(parser, word.start, "there is no field '%.*s'%s%s%s",
			    (int)(word.length < 64 ? word.length : 64), word.text,
			    nearest ? "; did you mean '" : "; see tlstrace --fields",
			    nearest ? nearest : "", nearest ? "'?" : "");
		return NULL;
	}
	node = node_new(parser, NODE_EXISTS, word.start);
	if (!node)
		return NULL;
	node->field = field;
	node->end = word.end;
	if (is_comparison(parser->token.kind)) {
		comparison_parse(parser, node);
		node->end = parser->last_end;
	}
	return node;
}

static struct node *primary_parse(struct parser *parser)
{
	const char *start = parser->token.start;
	struct node *node;

	switch (parser->token.kind) {
	case TOKEN_OPEN:
		parser_advance(parser);
		node = or_parse(parser);
		if (node) {
			node->start = start;
			node->end = parser->token.end;
		}
		token_want(parser, TOKEN_CLOSE, "')'");
		return node;
	case TOKEN_WORD:
		return field_parse(parser);
	case TOKEN_END:
		parser_fail(parser, start, "the expression ends here; a field is missing");
		return NULL;
	default:
		parser_fail(parser, start, "a field is expected here, not '%.1s'", start);
		return NULL;
	}
}

static struct node *not_parse(struct parser *parser)
{
	const char *start = parser->token.start;
	struct node *node, *inner;

	if (++parser->depth > DEPTH_MAX)
		parser_fail(parser, start, "it is nested too deeply");
	if (parser->failed)
		return NULL;
	if (parser->token.kind != TOKEN_NOT) {
		node = primary_parse(parser);
	} else {
		parser_advance(parser);
		inner = not_parse(parser);
		node = inner ? node_new(parser, NODE_NOT, start) : NULL;
		if (node) {
			node->left = inner;
			node->end = inner->end;
		} else {
			node_free(inner);
		}
	}
	parser->depth--;
	return node;
}

/* Left-associative; each level parses the tighter one with next. */
static struct node *chain_parse(struct parser *parser, enum token_kind kind, enum node_kind made,
				struct node *(*next)(struct parser *parser))
{
	struct node *left = next(parser), *node;

	while (left && !parser->failed && parser->token.kind == kind) {
		parser_advance(parser);
		node = node_new(parser, made, left->start);
		if (!node)
			break;
		node->left = left;
		node->right = next(parser);
		node->end = node->right ? node->right->end : left->end;
		left = node;
	}
	return left;
}

static struct node *and_parse(struct parser *parser)
{
	return chain_parse(parser, TOKEN_AND, NODE_AND, not_parse);
}

static struct node *or_parse(struct parser *parser)
{
	return chain_parse(parser, TOKEN_OR, NODE_OR, and_parse);
}

static void end_check(struct parser *parser)
{
	const struct token *token = &parser->token;

	if (token->kind == TOKEN_END)
		return;
	if (token->kind == TOKEN_WRONG && (*token->start == '"' || *token->start == '\''))
		parser_fail(parser, token->start, "this string has no closing quote");
	else if (*token->start == '=')
		parser_fail(parser, token->start, "'=' compares nothing; use '=='");
	else
		parser_fail(parser, token->start, "'and', 'or' or an operator is expected here");
}

static bool node_wants_details(const struct node *node)
{
	return node && ((node->field && node->field->has_details) ||
			node_wants_details(node->left) || node_wants_details(node->right));
}

void expression_free(struct expression *expression)
{
	if (!expression)
		return;
	node_free(expression->root);
	free(expression->text);
	free(expression);
}

struct expression *expression_parse(const char *text, struct expression_error *error)
{
	struct expression *expression = calloc(1, sizeof(*expression));
	struct parser parser = {.error = error};

	*error = (struct expression_error){1, 1, "out of memory"};
	if (expression)
		expression->text = strndup(text, EXPRESSION_LENGTH_MAX + 1);
	if (!expression || !expression->text)
		goto failed;
	parser.text = parser.at = expression->text;
	if (strlen(expression->text) > EXPRESSION_LENGTH_MAX)
		parser_fail(&parser, parser.text, "it is longer than %d bytes",
			    EXPRESSION_LENGTH_MAX);
	parser_advance(&parser);
	if (!parser.failed)
		expression->root = or_parse(&parser);
	if (!parser.failed)
		end_check(&parser);
	expression->wants_details = node_wants_details(expression->root);
	if (!parser.failed && expression->root)
		return expression;
failed:
	expression_free(expression);
	return NULL;
}

bool expression_wants_details(const struct expression *expression)
{
	return expression->wants_details;
}
