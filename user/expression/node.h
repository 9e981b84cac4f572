/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree of an expression; for user/expression alone. */
#ifndef TLSTRACE_EXPRESSION_NODE_H
#define TLSTRACE_EXPRESSION_NODE_H

#include "expression/expression.h"
#include "expression/lexer.h"

enum node_kind {
	NODE_AND,
	NODE_OR,
	NODE_NOT,
	NODE_EXISTS,  /* the field has a value; of a boolean field, it is true */
	NODE_COMPARE, /* with each of its literals */
};

/* What a field is compared with, as its type has it. */
struct literal {
	union {
		bool boolean;
		uint64_t number;     /* of a word or code point too */
		int64_t duration_ns; /* of a time: seconds and offset below */
		struct {
			int64_t seconds; /* since 1970; from now if is_relative */
			bool is_relative;
		} time;
		struct {
			uint8_t ip[16];
			unsigned int bits;
		} network;
	};
	bool is_grease;	   /* any code point of GREASE */
	bool has_brackets; /* of the pattern, or backslashes */
	bool is_pattern;   /* text is a pattern of fnmatch(3) */
	char *text;	   /* owned; NULL unless the field is compared as text */
};

struct node {
	enum node_kind kind;
	const char *start, *end;   /* within the expression's text */
	struct node *left, *right; /* of AND and OR; of NOT the left */
	const struct field *field;
	enum token_kind operation; /* EQUAL, LESS...; "in" is EQUAL with several literals */
	bool is_negated;	   /* "!=" is not "==" */
	struct literal *literals;
	size_t literal_count;
};

struct expression {
	char *text;
	struct node *root;
	bool wants_details;
};

/* A parser's position, and its first error. */
struct parser {
	const char *text, *at;
	struct token token; /* the current one */
	struct expression_error *error;
	const char *last_end; /* of the token before the current one */
	bool failed;
	unsigned int depth;
	size_t nodes;
};

void parser_fail(struct parser *parser, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void parser_advance(struct parser *parser);
/* One value for this field, at the parser's token. False after parser_fail(). */
bool literal_parse(struct parser *parser, const struct node *node, struct literal *literal);
/* Whether the operation makes sense for the field's type; false after parser_fail(). */
bool operation_check(struct parser *parser, const struct node *node, const char *where);
/* A value of the field as text; false: it does not fit, or is not known. Not escaped. */
bool value_write(const struct field *field, const struct field_value *value, char *to, size_t size);
enum truth node_evaluate(const struct node *node, struct field_row *row);

#endif
