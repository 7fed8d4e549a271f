/* Conditions: the grammar, and what can be told to be wrong before an item is seen.
 *
 *   or        = and { OR and }
 *   and       = not { AND not }
 *   not       = NOT not | primary
 *   primary   = "(" or ")" | predicate "(" operand { "," operand } ")"
 *             | operand ( comparator operand | BETWEEN operand AND operand | IN "(" operand { "," operand } ")" )
 */
#include "table/expression_parse.h"

#define MAX_DEPTH 150
#define MAX_IN_OPERANDS 100

static const struct condition *parse_or(struct parser *parser);

static struct condition *new_condition(struct parser *parser, enum condition_kind kind)
{
    struct condition *condition = arena_zeroed(parser->arena, sizeof *condition, parser->error);

    if (condition != NULL) {
        condition->kind = kind;
    }
    return condition != NULL && parser_count_operator(parser) ? condition : NULL;
}

/* What is written in place of an operand's type in errors. */
static const char *operand_type(const struct operand *operand)
{
    static const char *const names[ATTRIBUTE_TYPES] = {"S", "N", "B", "SS", "NS", "BS", "BOOL", "NULL", "L", "M"};

    return operand->kind == OPERAND_SIZE ? "N" : names[operand->value->type];
}

static bool wrong_type(struct parser *parser, const char *name, const struct operand *operand)
{
    parser_fail(parser, "Incorrect operand type for operator or function; operator or function: %s, operand type: %s",
                name, operand_type(operand));
    return false;
}

static bool scalar(const struct operand *operand)
{
    return operand->kind != OPERAND_VALUE || operand->value->type <= ATTRIBUTE_BINARY;
}

/* The same path or value on both sides. */
static bool same(const struct operand *a, const struct operand *b)
{
    return a->kind == b->kind && a->kind == OPERAND_PATH && path_equal(&a->path, &b->path);
}

static bool not_distinct(struct parser *parser, const char *name, const struct operand *operand)
{
    return parser_fail(parser,
                       "The first operand must be distinct from the remaining operands for this operator or function; "
                       "operator: %s, first operand: %s",
                       name, path_text(&operand->path, parser->arena));
}

static const char *shown(const struct attribute *value, struct parser *parser)
{
    struct buffer text = {0};

    if (value->type == ATTRIBUTE_NUMBER) {
        char digits[DECIMAL_TEXT_BYTES];

        decimal_text(value->as.number, digits);
        buffer_append_format(&text, "AttributeValue: {N:%s}", digits);
    } else {
        buffer_append_format(&text, "AttributeValue: {%s:%.*s}", attribute_type_name(value->type),
                             (int)(value->as.text.length > 100 ? 100 : value->as.text.length), value->as.text.data);
    }
    const char *kept = buffer_text(&text) != NULL ? arena_text(parser->arena, text.data, text.length, NULL) : NULL;

    buffer_free(&text);
    return kept != NULL ? kept : "";
}

static bool check_between(struct parser *parser, const struct operand *operands)
{
    const struct operand *low = &operands[1];
    const struct operand *high = &operands[2];

    for (int i = 0; i < 3; i++) {
        if (!scalar(&operands[i])) {
            return wrong_type(parser, "BETWEEN", &operands[i]);
        }
    }
    if (same(&operands[0], low) || same(&operands[0], high)) {
        return not_distinct(parser, "BETWEEN", &operands[0]);
    }
    if (low->kind != OPERAND_VALUE || high->kind != OPERAND_VALUE) {
        return true;
    }
    if (low->value->type != high->value->type) {
        return parser_fail(parser,
                           "The BETWEEN operator requires same data type for lower and upper bounds; lower bound "
                           "operand: %s, upper bound operand: %s",
                           shown(low->value, parser), shown(high->value, parser));
    }
    return attribute_compare(low->value, high->value) <= 0 ||
           parser_fail(parser,
                       "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower "
                       "bound operand: %s, upper bound operand: %s",
                       shown(low->value, parser), shown(high->value, parser));
}

static const struct {
    const char *sign;
    enum condition_kind kind;
} comparators[] = {
    {"=", CONDITION_EQUAL},          {"<>", CONDITION_NOT_EQUAL}, {"<", CONDITION_LESS},
    {"<=", CONDITION_LESS_OR_EQUAL}, {">", CONDITION_GREATER},    {">=", CONDITION_GREATER_OR_EQUAL},
};

static bool check_comparison(struct parser *parser, const char *sign, const struct condition *condition)
{
    const struct operand *operands = condition->operands;

    if (condition->kind != CONDITION_EQUAL && condition->kind != CONDITION_NOT_EQUAL) {
        for (int i = 0; i < 2; i++) {
            if (!scalar(&operands[i])) {
                return parser_fail(parser,
                                   "Incorrect operand type for operator or function; operator or function: "
                                   "%s, operand type: %s",
                                   sign, operand_type(&operands[i]));
            }
        }
    }
    return !same(&operands[0], &operands[1]) || not_distinct(parser, sign, &operands[0]);
}

/* "operand IN (…": the opening parenthesis is looked at. `operands` has room for all. */
static bool parse_in(struct parser *parser, struct condition *condition, struct operand *operands)
{
    condition->operand_count = 1;
    if (!parser_take_sign(parser, "(")) {
        return false;
    }
    do {
        if (condition->operand_count > MAX_IN_OPERANDS) {
            return parser_fail(parser, "The IN operator is provided with too many operands; number of operands: %zu",
                               condition->operand_count);
        }
        if ((condition->operand_count > 1 && !parser_next(parser)) ||
            !parser_operand(parser, &operands[condition->operand_count])) {
            return false;
        }
        if (same(&operands[0], &operands[condition->operand_count])) {
            return not_distinct(parser, "IN", &operands[0]);
        }
        condition->operand_count++;
    } while (parser_is_sign(parser, ","));
    return parser_take_sign(parser, ")");
}

/* What follows the first operand. */
static const struct condition *parse_relation(struct parser *parser, const struct operand *first)
{
    struct condition *condition = new_condition(parser, CONDITION_EQUAL);
    size_t most = parser_is_word(parser, "IN") ? MAX_IN_OPERANDS + 1 : 3;
    struct operand *operands =
        condition != NULL ? arena_zeroed(parser->arena, most * sizeof *operands, parser->error) : NULL;

    if (operands == NULL) {
        return NULL;
    }
    operands[0] = *first;
    condition->operands = operands;
    condition->operand_count = 2;
    if (parser_is_word(parser, "BETWEEN")) {
        condition->kind = CONDITION_BETWEEN;
        condition->operand_count = 3;
        if (!parser_next(parser) || !parser_operand(parser, &operands[1])) {
            return NULL;
        }
        if (!parser_is_word(parser, "AND")) {
            parser_syntax(parser);
            return NULL;
        }
        return parser_next(parser) && parser_operand(parser, &operands[2]) && check_between(parser, operands)
                   ? condition
                   : NULL;
    }
    if (parser_is_word(parser, "IN")) {
        condition->kind = CONDITION_IN;
        return parser_next(parser) && parse_in(parser, condition, operands) ? condition : NULL;
    }
    for (size_t i = 0; i < sizeof comparators / sizeof *comparators; i++) {
        if (parser_is_sign(parser, comparators[i].sign)) {
            condition->kind = comparators[i].kind;
            return parser_next(parser) && parser_operand(parser, &operands[1]) &&
                           check_comparison(parser, comparators[i].sign, condition)
                       ? condition
                       : NULL;
        }
    }
    parser_syntax(parser);
    return NULL;
}

static const struct {
    const char *name;
    enum condition_kind kind;
    size_t operands;
    bool path_first; /* the first operand must be a document path */
} predicates[] = {
    {"attribute_exists", CONDITION_EXISTS, 1, true}, {"attribute_not_exists", CONDITION_NOT_EXISTS, 1, true},
    {"attribute_type", CONDITION_TYPE, 2, false},    {"begins_with", CONDITION_BEGINS_WITH, 2, false},
    {"contains", CONDITION_CONTAINS, 2, false},
};

static bool check_predicate(struct parser *parser, size_t which, const struct operand *operands)
{
    const char *name = predicates[which].name;
    enum attribute_type type;

    if (predicates[which].path_first && operands[0].kind != OPERAND_PATH) {
        return parser_fail(parser, "Operator or function requires a document path; operator or function: %s", name);
    }
    if (predicates[which].operands == 2 && same(&operands[0], &operands[1])) {
        return not_distinct(parser, name, &operands[0]);
    }
    if (predicates[which].kind == CONDITION_BEGINS_WITH) {
        for (int i = 0; i < 2; i++) {
            if (operands[i].kind == OPERAND_SIZE ||
                (operands[i].kind == OPERAND_VALUE && operands[i].value->type != ATTRIBUTE_STRING &&
                 operands[i].value->type != ATTRIBUTE_BINARY)) {
                return wrong_type(parser, name, &operands[i]);
            }
        }
    }
    if (predicates[which].kind == CONDITION_TYPE) {
        if (operands[1].kind != OPERAND_VALUE || operands[1].value->type != ATTRIBUTE_STRING) {
            return operands[1].kind == OPERAND_PATH
                       ? parser_fail(parser, "Incorrect operand type for operator or function; operator or function: "
                                             "attribute_type, operand type: PATH")
                       : wrong_type(parser, name, &operands[1]);
        }
        const char *text = arena_text(parser->arena, operands[1].value->as.text.data, operands[1].value->as.text.length,
                                      parser->error);

        return text != NULL &&
               (attribute_type_of(text, &type) ||
                parser_fail(parser,
                            "Invalid attribute type name found; type: %s, valid types: {N,BS,L,B,NULL,M,S,SS,NS,BOOL}",
                            text));
    }
    return true;
}

/* "begins_with(a, :b)": the name is looked at. */
static const struct condition *parse_predicate(struct parser *parser, size_t which)
{
    struct condition *condition = new_condition(parser, predicates[which].kind);
    struct operand *operands =
        condition != NULL ? arena_zeroed(parser->arena, 2 * sizeof *operands, parser->error) : NULL;
    size_t count = 0;

    if (operands == NULL || !parser_next(parser) || !parser_take_sign(parser, "(")) {
        return NULL;
    }
    do {
        struct operand operand;

        if ((count > 0 && !parser_next(parser)) || !parser_operand(parser, &operand)) {
            return NULL;
        }
        if (count < 2) {
            operands[count] = operand;
        }
        count++;
    } while (parser_is_sign(parser, ","));
    if (!parser_take_sign(parser, ")")) {
        return NULL;
    }
    if (count != predicates[which].operands) {
        parser_fail(parser,
                    "Incorrect number of operands for operator or function; operator or function: %s, number of "
                    "operands: %zu",
                    predicates[which].name, count);
        return NULL;
    }
    condition->operands = operands;
    condition->operand_count = count;
    return check_predicate(parser, which, operands) ? condition : NULL;
}

static bool is_call_of(const struct parser *parser, const char *name)
{
    struct parser ahead = *parser;

    ahead.error = NULL;
    return parser->token.kind == TOKEN_WORD && str_is(parser->token.text, name) && parser_next(&ahead) &&
           parser_is_sign(&ahead, "(");
}

static bool is_comparator(const struct parser *parser)
{
    for (size_t i = 0; i < sizeof comparators / sizeof *comparators; i++) {
        if (parser_is_sign(parser, comparators[i].sign)) {
            return true;
        }
    }
    return false;
}

/* Whether what stands in the parentheses that are looked at is an operand and no condition. */
static bool encloses_operand(const struct parser *parser)
{
    static const char *const words[] = {"AND", "OR", "NOT", "IN", "BETWEEN"};
    struct parser ahead = *parser;
    unsigned open = 0;

    ahead.error = NULL;
    do {
        open += parser_is_sign(&ahead, "(");
        open -= parser_is_sign(&ahead, ")");
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            if (parser_is_word(&ahead, words[i])) {
                return false;
            }
        }
        for (size_t i = 0; i < sizeof predicates / sizeof *predicates; i++) {
            if (is_call_of(&ahead, predicates[i].name)) {
                return false;
            }
        }
        if (is_comparator(&ahead) || !parser_next(&ahead) || ahead.token.kind == TOKEN_END) {
            return false;
        }
    } while (open > 0);
    return true;
}

/* A value where a condition belongs, or the other way round. */
static const struct condition *not_this_way(struct parser *parser, struct str function)
{
    parser_fail(parser, "The function is not allowed to be used this way in an expression; function: %.*s",
                STR_ARGS(function));
    return NULL;
}

static const struct condition *parse_primary(struct parser *parser)
{
    struct operand first;
    struct str function;

    if (parser_is_sign(parser, "(") && !encloses_operand(parser)) {
        if (++parser->depth > MAX_DEPTH) {
            parser_fail(parser, "The expression is nested too deeply");
            return NULL;
        }
        const struct condition *inner = parser_next(parser) ? parse_or(parser) : NULL;

        parser->depth--;
        if (inner == NULL || !parser_take_sign(parser, ")")) {
            return NULL;
        }
        if (parser->closed == inner) {
            parser_fail(parser, "The expression has redundant parentheses;");
            return NULL;
        }
        parser->closed = inner;
        return inner;
    }
    for (size_t i = 0; i < sizeof predicates / sizeof *predicates; i++) {
        if (is_call_of(parser, predicates[i].name)) {
            const struct condition *made = parse_predicate(parser, i);

            return made != NULL && is_comparator(parser) ? not_this_way(parser, str_of(predicates[i].name)) : made;
        }
    }
    function = parser->token.text;
    if (!parser_operand(parser, &first)) {
        return NULL;
    }
    return first.kind == OPERAND_SIZE && !is_comparator(parser) && !parser_is_word(parser, "IN") &&
                   !parser_is_word(parser, "BETWEEN")
               ? not_this_way(parser, function)
               : parse_relation(parser, &first);
}

static const struct condition *parse_not(struct parser *parser)
{
    if (!parser_is_word(parser, "NOT")) {
        return parse_primary(parser);
    }
    if (++parser->depth > MAX_DEPTH) {
        parser_fail(parser, "The expression is nested too deeply");
        return NULL;
    }
    struct condition *condition = new_condition(parser, CONDITION_NOT);

    if (condition == NULL || !parser_next(parser) || (condition->first = parse_not(parser)) == NULL) {
        return NULL;
    }
    parser->depth--;
    return condition;
}

static const struct condition *join(struct parser *parser, enum condition_kind kind, const struct condition *first,
                                    const struct condition *second)
{
    struct condition *condition = second != NULL ? new_condition(parser, kind) : NULL;

    if (condition != NULL) {
        condition->first = first;
        condition->second = second;
    }
    return condition;
}

static const struct condition *parse_and(struct parser *parser)
{
    const struct condition *condition = parse_not(parser);

    while (condition != NULL && parser_is_word(parser, "AND")) {
        condition = parser_next(parser) ? join(parser, CONDITION_AND, condition, parse_not(parser)) : NULL;
    }
    return condition;
}

static const struct condition *parse_or(struct parser *parser)
{
    const struct condition *condition = parse_and(parser);

    while (condition != NULL && parser_is_word(parser, "OR")) {
        condition = parser_next(parser) ? join(parser, CONDITION_OR, condition, parse_and(parser)) : NULL;
    }
    return condition;
}

const struct condition *expression_condition(struct expression_scope *scope, struct str text, const char *what,
                                             struct arena *arena, struct error *error)
{
    struct parser parser = {.scope = scope, .arena = arena, .error = error};
    const struct condition *condition = parser_begin(&parser, text, what) ? parse_or(&parser) : NULL;

    if (condition != NULL && parser.token.kind != TOKEN_END) {
        parser_syntax(&parser);
        return NULL;
    }
    return condition;
}
