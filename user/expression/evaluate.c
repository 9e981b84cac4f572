// SPDX-License-Identifier: BSD-2-Clause
#include <ctype.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "expression/node.h"
#include "tls/names.h"

#define SECOND_NS 1000000000LL

static enum truth truth_of(bool value)
{
	return value ? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth truth_not(enum truth value)
{
	return value == TRUTH_UNKNOWN ? TRUTH_UNKNOWN : truth_of(value == TRUTH_FALSE);
}

/* Kleene's: false wins, then unknown. */
static enum truth truth_and(enum truth one, enum truth other)
{
	if (one == TRUTH_FALSE || other == TRUTH_FALSE)
		return TRUTH_FALSE;
	return one == TRUTH_UNKNOWN || other == TRUTH_UNKNOWN ? TRUTH_UNKNOWN : TRUTH_TRUE;
}

static bool order_fits(enum token_kind operation, int order)
{
	switch (operation) {
	case TOKEN_LESS:
		return order < 0;
	case TOKEN_LESS_EQUAL:
		return order <= 0;
	case TOKEN_GREATER:
		return order > 0;
	case TOKEN_GREATER_EQUAL:
		return order >= 0;
	default:
		return order == 0;
	}
}

#define ORDER(one, other) (((one) > (other)) - ((one) < (other)))

static enum truth version_compare(enum token_kind operation, const struct literal *literal,
				  uint64_t version)
{
	unsigned int one = field_version_rank(version), other;

	if (operation == TOKEN_EQUAL)
		return truth_of(version == literal->number);
	other = field_version_rank(literal->number);
	/* GREASE has no place in the order; a draft or a private version has one nobody knows. */
	if (!one && tls_is_grease(version))
		return TRUTH_FALSE;
	if (!one || !other)
		return TRUTH_UNKNOWN;
	return truth_of(order_fits(operation, ORDER(one, other)));
}

static enum truth time_compare(const struct node *node, const struct literal *literal,
			       const struct field_value *value, const struct field_row *row)
{
	int64_t now = ((int64_t)row->handshake->time_ns + row->clock_offset_ns) / SECOND_NS;
	int64_t wanted =
		literal->time.is_relative ? now + literal->time.seconds : literal->time.seconds;

	return truth_of(order_fits(node->operation, ORDER(value->time.seconds, wanted)));
}

static bool network_contains(const struct literal *literal, const uint8_t ip[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	unsigned int bytes = literal->network.bits / 8, bits = literal->network.bits % 8;

	if (literal->network.bits < 96 && memcmp(ip, mapped, sizeof(mapped)) == 0)
		return false; /* an IPv4 address is in no network of IPv6 */
	if (memcmp(literal->network.ip, ip, bytes))
		return false;
	return !bits || (literal->network.ip[bytes] ^ ip[bytes]) >> (8 - bits) == 0;
}

/* Names of the DNS, and our own words, are the same in either case; processes and paths are not. */
static bool ignores_case(const struct field *field)
{
	return field->type != FIELD_TEXT || strcmp(field->path, "tls.sni") == 0 ||
	       strcmp(field->path, "certificates.san") == 0;
}

/* Of bytes, in no locale: fnmatch(3), which would make wide characters of both, takes brackets. */
static bool glob_fits(const char *pattern, const char *text, bool fold)
{
	const char *star = NULL, *resume = NULL;

	while (*text) {
		bool same = fold ? tolower((unsigned char)*pattern) == tolower((unsigned char)*text)
				 : *pattern == *text;

		if (*pattern == '*') {
			star = ++pattern;
			resume = text;
		} else if (*pattern && (*pattern == '?' || same)) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++resume;
		} else {
			return false;
		}
	}
	return !pattern[strspn(pattern, "*")];
}

static bool pattern_fits(const struct literal *literal, const char *text, bool fold)
{
	if (literal->has_brackets)
		return !fnmatch(literal->text, text, fold ? FNM_CASEFOLD : 0);
	return glob_fits(literal->text, text, fold);
}

static enum truth text_compare(const struct node *node, const struct literal *literal,
			       const struct field_value *value)
{
	char text[4 * FIELD_TEXT_SIZE];
	bool fold = ignores_case(node->field);

	if (!value_write(node->field, value, text, sizeof(text)))
		return TRUTH_UNKNOWN;
	if (node->operation == TOKEN_CONTAINS)
		return truth_of(fold ? strcasestr(text, literal->text)
				     : strstr(text, literal->text));
	if (literal->is_pattern)
		return truth_of(pattern_fits(literal, text, fold));
	return truth_of(!(fold ? strcasecmp : strcmp)(literal->text, text));
}

static enum truth literal_compare(const struct node *node, const struct literal *literal,
				  const struct field_value *value, const struct field_row *row)
{
	if (literal->text)
		return text_compare(node, literal, value);
	switch (node->field->type) {
	case FIELD_BOOL:
		return truth_of(value->boolean == literal->boolean);
	case FIELD_NUMBER:
	case FIELD_WORD:
		return truth_of(order_fits(node->operation, ORDER(value->number, literal->number)));
	case FIELD_DURATION:
		return truth_of(order_fits(node->operation,
					   ORDER(value->duration_ns, literal->duration_ns)));
	case FIELD_TIME:
	case FIELD_DATE:
		return time_compare(node, literal, value, row);
	case FIELD_VERSION:
		if (literal->is_grease)
			return truth_of(tls_is_grease(value->number));
		return version_compare(node->operation, literal, value->number);
	case FIELD_CODE:
		return truth_of(literal->is_grease ? tls_is_grease(value->number)
						   : value->number == literal->number);
	case FIELD_IP:
		return truth_of(network_contains(literal, value->address->ip));
	default:
		return TRUTH_UNKNOWN;
	}
}

/* A comparison on its way through the values of a field. */
struct search {
	const struct node *node;
	const struct field_row *row;
	enum truth truth; /* so far: false until something is unknown, or fits */
};

static bool compare_one(void *user, const struct field *field, const struct field_value *value)
{
	struct search *search = user;
	enum truth truth = TRUTH_UNKNOWN;
	size_t i;

	(void)field;
	for (i = 0; value && i < search->node->literal_count && truth != TRUTH_TRUE; i++) {
		enum truth one = literal_compare(search->node, &search->node->literals[i], value,
						 search->row);

		if (i == 0 || one != TRUTH_FALSE)
			truth = one;
	}
	if (truth != TRUTH_FALSE)
		search->truth = truth;
	return truth != TRUTH_TRUE;
}

static enum truth compare(const struct node *node, struct field_row *row)
{
	struct search search = {node, row, TRUTH_FALSE};
	enum field_state state = field_visit(node->field, row, compare_one, &search);

	if (state == FIELD_UNKNOWN && search.truth != TRUTH_TRUE)
		search.truth = TRUTH_UNKNOWN;
	return node->is_negated ? truth_not(search.truth) : search.truth;
}

static enum truth state_truth(enum field_state state)
{
	return state == FIELD_UNKNOWN ? TRUTH_UNKNOWN : truth_of(state == FIELD_KNOWN);
}

static enum truth exists(const struct node *node, struct field_row *row)
{
	struct field_value value;
	enum field_state state;
	const void *base;

	row->element = 0;
	if (field_is_object(node->field))
		return state_truth(field_object(node->field, row, &base));
	state = field_read(node->field, row, &value);
	if (state == FIELD_KNOWN && node->field->type == FIELD_BOOL)
		return truth_of(value.boolean);
	return state_truth(state);
}

enum truth node_evaluate(const struct node *node, struct field_row *row)
{
	enum truth left;

	switch (node->kind) {
	case NODE_EXISTS:
		return exists(node, row);
	case NODE_COMPARE:
		return compare(node, row);
	case NODE_NOT:
		return truth_not(node_evaluate(node->left, row));
	case NODE_AND:
		left = node_evaluate(node->left, row);
		return left == TRUTH_FALSE ? left
					   : truth_and(left, node_evaluate(node->right, row));
	case NODE_OR:
		left = node_evaluate(node->left, row);
		return left == TRUTH_TRUE
			       ? left
			       : truth_not(truth_and(truth_not(left),
						     truth_not(node_evaluate(node->right, row))));
	}
	return TRUTH_UNKNOWN;
}

enum truth expression_evaluate(const struct expression *expression, struct field_row *row)
{
	return node_evaluate(expression->root, row);
}
