#include "table/expression_parse.h"

#include <stdarg.h>
#include <stdio.h>

#define VALIDATION "ValidationException"
#define MAX_PATH_STEPS 64
#define MAX_PARENTHESES 150

bool parser_fail(struct parser *parser, const char *format, ...)
{
    char words[600];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    return error_set_named(parser->error, ERROR_INVALID, VALIDATION, "Invalid %s: %s", parser->what, words);
}

/* The token is shown between the one before it and the one after it, as DynamoDB does. */
bool parser_syntax(struct parser *parser)
{
    struct parser ahead = *parser;
    struct token first = parser->previous.text.data != NULL ? parser->previous : parser->token;
    struct token last = parser->token.kind != TOKEN_END ? parser->token : first;
    struct str shown = parser->token.kind != TOKEN_END ? parser->token.text : str_of("<EOF>");

    if (parser->error == NULL) {
        return false; /* looking ahead only */
    }
    if (parser->token.kind == TOKEN_END && first.text.length == 0) {
        first.text = last.text = parser->text;
    }
    ahead.error = NULL;
    if (parser->token.kind != TOKEN_END && parser_next(&ahead) && ahead.token.kind != TOKEN_END) {
        last = ahead.token;
    }
    size_t length = (size_t)(last.text.data + last.text.length - first.text.data);

    return parser_fail(parser, "Syntax error; token: \"%.*s\", near: \"%.*s\"", STR_ARGS(shown), (int)length,
                       first.text.data);
}

static bool is_word_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* A name begins with a letter; with anything else it takes a placeholder. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t word_end(const struct parser *parser, size_t at)
{
    while (at < parser->text.length && is_word_character(parser->text.data[at])) {
        at++;
    }
    return at;
}

static size_t sign_length(struct str rest)
{
    if (rest.length >= 2 &&
        (memcmp(rest.data, "<>", 2) == 0 || memcmp(rest.data, "<=", 2) == 0 || memcmp(rest.data, ">=", 2) == 0)) {
        return 2;
    }
    return rest.data[0] != '\0' && strchr("=<>()[],.+-", rest.data[0]) != NULL;
}

bool parser_next(struct parser *parser)
{
    const char *data = parser->text.data;
    size_t at = parser->at;
    size_t end;

    parser->previous = parser->token;
    while (at < parser->text.length && (data[at] == ' ' || (data[at] >= '\t' && data[at] <= '\r'))) {
        at++;
    }
    if (at == parser->text.length) {
        parser->token = (struct token){TOKEN_END, str_slice(data + at, 0)};
        parser->at = at;
        return true;
    }
    if (data[at] == '#' || data[at] == ':') {
        end = word_end(parser, at + 1);
        parser->token.kind = data[at] == '#' ? TOKEN_NAME : TOKEN_VALUE;
    } else if (data[at] >= '0' && data[at] <= '9') {
        for (end = at; end < parser->text.length && data[end] >= '0' && data[end] <= '9'; end++) {
        }
        parser->token.kind = TOKEN_NUMBER;
    } else if (is_letter(data[at])) {
        end = word_end(parser, at);
        parser->token.kind = TOKEN_WORD;
    } else {
        end = at + sign_length(str_slice(data + at, parser->text.length - at));
        parser->token.kind = TOKEN_SIGN;
    }
    if (end == at || (end == at + 1 && (data[at] == '#' || data[at] == ':'))) {
        for (end = at + 1; end < parser->text.length && ((uint8_t)data[end] & 0xC0) == 0x80; end++) {
        }
        parser->token.text = str_slice(data + at, end - at);
        parser->at = end;
        return parser_syntax(parser);
    }
    parser->token.text = str_slice(data + at, end - at);
    parser->at = end;
    return true;
}

bool parser_begin(struct parser *parser, struct str text, const char *what)
{
    parser->text = text;
    parser->what = what;
    parser->at = 0;
    parser->token = parser->previous = (struct token){0};
    if (text.length == 0) {
        return parser_fail(parser, "The expression can not be empty;");
    }
    if (text.length > EXPRESSION_MAX_BYTES) {
        return parser_fail(parser, "Expression size has exceeded the maximum allowed size; expression size: %zu",
                           text.length);
    }
    return parser_next(parser);
}

bool parser_is_sign(const struct parser *parser, const char *sign)
{
    return parser->token.kind == TOKEN_SIGN && str_is(parser->token.text, sign);
}

bool parser_is_word(const struct parser *parser, const char *word)
{
    return parser->token.kind == TOKEN_WORD && parser->token.text.length == strlen(word) &&
           strncasecmp(parser->token.text.data, word, parser->token.text.length) == 0;
}

bool parser_take_sign(struct parser *parser, const char *sign)
{
    return parser_is_sign(parser, sign) ? parser_next(parser) : parser_syntax(parser);
}

bool parser_count_operator(struct parser *parser)
{
    return ++parser->operators <= EXPRESSION_MAX_OPERATORS ||
           parser_fail(parser, "The expression contains too many operators; operator count: %u", parser->operators);
}

/* The name that stands for the placeholder. */
static bool named(struct parser *parser, struct str *name)
{
    size_t place = 0;

    for (void *at = json_object_iter((json_t *)(uintptr_t)parser->scope->names); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)parser->scope->names, at), place++) {
        if (str_is(parser->token.text, json_object_iter_key(at))) {
            parser->scope->name_used[place] = true;
            *name = str_slice(json_string_value(json_object_iter_value(at)),
                              json_string_length(json_object_iter_value(at)));
            return true;
        }
    }
    return parser_fail(parser,
                       "An expression attribute name used in the document path is not defined; attribute name: %.*s",
                       STR_ARGS(parser->token.text));
}

/* A word of the grammar, where it stands in place of a name. */
static bool is_operator(const struct parser *parser)
{
    static const char *const words[] = {"AND", "OR", "NOT", "BETWEEN", "IN"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (parser_is_word(parser, words[i])) {
            return true;
        }
    }
    return false;
}

static bool path_element(struct parser *parser, struct path_step *step)
{
    *step = (struct path_step){0};
    if (parser->token.kind == TOKEN_NAME) {
        return named(parser, &step->name) && parser_next(parser);
    }
    if (parser->token.kind != TOKEN_WORD || is_operator(parser)) {
        return parser_syntax(parser);
    }
    if (reserved_word(parser->token.text)) {
        return parser_fail(parser, "Attribute name is a reserved keyword; reserved keyword: %.*s",
                           STR_ARGS(parser->token.text));
    }
    step->name = parser->token.text;
    return parser_next(parser);
}

/* "[3]": the sign is looked at. */
static bool path_index(struct parser *parser, struct path_step *step)
{
    uint64_t index = 0;

    *step = (struct path_step){0};
    if (!parser_next(parser)) {
        return false;
    }
    if (parser->token.kind != TOKEN_NUMBER) {
        return parser_syntax(parser);
    }
    for (size_t i = 0; i < parser->token.text.length && index <= UINT32_MAX; i++) {
        index = index * 10 + (uint64_t)(parser->token.text.data[i] - '0');
    }
    if (index > INT32_MAX) {
        return parser_fail(parser, "List index is not within the allowable range; index: [%.*s]",
                           STR_ARGS(parser->token.text));
    }
    step->index = (uint32_t)index;
    return parser_next(parser) && parser_take_sign(parser, "]");
}

bool parser_path(struct parser *parser, struct path *path)
{
    struct path_step steps[MAX_PATH_STEPS];
    size_t count = 0;

    if (!path_element(parser, &steps[count++])) {
        return false;
    }
    while (parser_is_sign(parser, ".") || parser_is_sign(parser, "[")) {
        bool index = parser_is_sign(parser, "[");

        if (count > ATTRIBUTE_MAX_DEPTH) {
            return parser_fail(parser, "The document path has too many nesting elements; nesting levels: %zu", count);
        }
        if (index ? !path_index(parser, &steps[count]) : !parser_next(parser) || !path_element(parser, &steps[count])) {
            return false;
        }
        count++;
    }
    struct path_step *kept = arena_take(parser->arena, count * sizeof *kept, parser->error);

    if (kept == NULL) {
        return false;
    }
    memcpy(kept, steps, count * sizeof *kept);
    *path = (struct path){kept, count};
    return true;
}

bool parser_value(struct parser *parser, const struct attribute **value)
{
    const struct attribute *values = parser->scope->values;
    const struct attribute *found = values != NULL ? attribute_find(values, parser->token.text) : NULL;

    if (found == NULL) {
        return parser_fail(parser,
                           "An expression attribute value used in expression is not defined; attribute value: "
                           "%.*s",
                           STR_ARGS(parser->token.text));
    }
    const struct attribute_member *member =
        (const struct attribute_member *)(const void *)((const char *)found - offsetof(struct attribute_member, value));

    parser->scope->value_used[member - values->as.map.members] = true;
    *value = found;
    return parser_next(parser);
}

static bool call(struct parser *parser, struct operand *operand);

/* "(operand)", in updates also a sum: the parenthesis is looked at. */
static bool enclosed(struct parser *parser, struct operand *operand)
{
    if (++parser->depth > MAX_PARENTHESES) {
        return parser_fail(parser, "The expression is nested too deeply");
    }
    bool good =
        parser_next(parser) && (parser->updating ? parser_sum(parser, operand) : parser_operand(parser, operand));

    parser->depth--;
    return good && parser_take_sign(parser, ")");
}

bool parser_operand(struct parser *parser, struct operand *operand)
{
    *operand = (struct operand){0};
    if (parser->token.kind == TOKEN_VALUE) {
        operand->kind = OPERAND_VALUE;
        return parser_value(parser, &operand->value);
    }
    if (parser->token.kind == TOKEN_WORD) {
        struct parser ahead = *parser;

        ahead.error = NULL;
        if (parser_next(&ahead) && parser_is_sign(&ahead, "(")) {
            return call(parser, operand);
        }
    }
    if (parser_is_sign(parser, "(")) {
        return enclosed(parser, operand);
    }
    operand->kind = OPERAND_PATH;
    return parser_path(parser, &operand->path);
}

static bool sum_operand(struct parser *parser, const char *sign, const struct operand *operand)
{
    return operand->kind != OPERAND_VALUE || operand->value->type == ATTRIBUTE_NUMBER ||
           parser_fail(parser,
                       "Incorrect operand type for operator or function; operator or function: %s, operand type: %s",
                       sign, attribute_type_name(operand->value->type));
}

bool parser_sum(struct parser *parser, struct operand *operand)
{
    if (!parser_operand(parser, operand)) {
        return false;
    }
    bool plus = parser_is_sign(parser, "+");

    if (!plus && !parser_is_sign(parser, "-")) {
        return true;
    }
    struct operand *sides = arena_zeroed(parser->arena, 2 * sizeof *sides, parser->error);

    if (sides == NULL || !parser_next(parser) || !parser_operand(parser, &sides[1])) {
        return false;
    }
    sides[0] = *operand;
    *operand = (struct operand){.kind = plus ? OPERAND_PLUS : OPERAND_MINUS, .first = &sides[0], .second = &sides[1]};
    return sum_operand(parser, plus ? "+" : "-", &sides[0]) && sum_operand(parser, plus ? "+" : "-", &sides[1]) &&
           parser_count_operator(parser);
}

static bool wrong_count(struct parser *parser, struct str function, unsigned count)
{
    return parser_fail(parser,
                       "Incorrect number of operands for operator or function; operator or function: %.*s, number of "
                       "operands: %u",
                       STR_ARGS(function), count);
}

/* "(a, b)", up to two operands. */
static bool arguments(struct parser *parser, struct str function, struct operand into[2], unsigned wanted)
{
    unsigned count = 0;

    if (++parser->depth > MAX_PARENTHESES) {
        return parser_fail(parser, "The expression is nested too deeply");
    }
    if (!parser_take_sign(parser, "(")) {
        return false;
    }
    do {
        struct operand operand;

        if ((count > 0 && !parser_next(parser)) || !parser_operand(parser, &operand)) {
            return false;
        }
        if (count < 2) {
            into[count] = operand;
        }
        count++;
    } while (parser_is_sign(parser, ","));
    parser->depth--;
    return parser_take_sign(parser, ")") && (count == wanted || wrong_count(parser, function, count));
}

/* What can be told of an operand's type before an item is seen. */
static bool check_operand(struct parser *parser, struct str function, enum operand_kind kind,
                          const struct operand *operand)
{
    enum attribute_type type = operand->kind == OPERAND_VALUE ? operand->value->type : ATTRIBUTE_NUMBER;
    bool known = operand->kind == OPERAND_VALUE || operand->kind == OPERAND_SIZE;
    bool sized = type != ATTRIBUTE_NUMBER && type != ATTRIBUTE_BOOL && type != ATTRIBUTE_NULL;

    return !known || kind == OPERAND_IF_ABSENT || (kind == OPERAND_SIZE ? sized : type == ATTRIBUTE_LIST) ||
           parser_fail(parser,
                       "Incorrect operand type for operator or function; operator or function: %.*s, operand type: %s",
                       STR_ARGS(function), attribute_type_name(type));
}

/* The functions that give a value. */
static bool call(struct parser *parser, struct operand *operand)
{
    static const struct {
        const char *name;
        enum operand_kind kind;
        bool updating;
        unsigned operands;
    } functions[] = {
        {"size", OPERAND_SIZE, false, 1},
        {"if_not_exists", OPERAND_IF_ABSENT, true, 2},
        {"list_append", OPERAND_LIST_APPEND, true, 2},
    };
    static const char *const predicates[] = {"attribute_exists", "attribute_not_exists", "attribute_type",
                                             "begins_with", "contains"};
    struct str function = parser->token.text;
    struct operand *given = arena_zeroed(parser->arena, 2 * sizeof *given, parser->error);

    if (given == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (!str_is(function, functions[i].name)) {
            continue;
        }
        if (functions[i].updating != parser->updating) {
            return parser_fail(parser, "The function is not allowed in %s expression; function: %.*s",
                               parser->updating ? "an update" : "a condition", STR_ARGS(function));
        }
        if (!parser_next(parser) || !arguments(parser, function, given, functions[i].operands)) {
            return false;
        }
        for (unsigned j = 0; j < functions[i].operands; j++) {
            if (!check_operand(parser, function, functions[i].kind, &given[j])) {
                return false;
            }
        }
        if (functions[i].kind == OPERAND_IF_ABSENT && given[0].kind != OPERAND_PATH) {
            return parser_fail(parser, "Operator or function requires a document path; operator or function: "
                                       "if_not_exists");
        }
        *operand = (struct operand){.kind = functions[i].kind,
                                    .path = given[0].path,
                                    .first = &given[0],
                                    .second = functions[i].operands > 1 ? &given[1] : NULL};
        return parser_count_operator(parser);
    }
    for (size_t i = 0; i < sizeof predicates / sizeof *predicates; i++) {
        if (str_is(function, predicates[i])) {
            return parser->updating ? parser_fail(parser,
                                                  "The function is not allowed in an update expression; "
                                                  "function: %.*s",
                                                  STR_ARGS(function))
                                    : parser_fail(parser,
                                                  "The function is not allowed to be used this way in an "
                                                  "expression; function: %.*s",
                                                  STR_ARGS(function));
        }
    }
    return parser_fail(parser, "Invalid function name; function: %.*s", STR_ARGS(function));
}

bool expression_scope_begin(struct expression_scope *scope, struct arena *arena, struct error *error)
{
    size_t names = scope->names != NULL ? json_object_size(scope->names) : 0;
    size_t values = scope->values != NULL ? scope->values->as.map.count : 0;

    scope->name_used = arena_zeroed(arena, names + 1, error);
    scope->value_used = arena_zeroed(arena, values + 1, error);
    return scope->name_used != NULL && scope->value_used != NULL;
}

bool expression_scope_end(const struct expression_scope *scope, struct error *error)
{
    size_t place = 0;

    for (void *at = json_object_iter((json_t *)(uintptr_t)scope->names); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)scope->names, at), place++) {
        if (!scope->name_used[place]) {
            return error_set_named(error, ERROR_INVALID, VALIDATION,
                                   "Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}",
                                   json_object_iter_key(at));
        }
    }
    for (size_t i = 0; scope->values != NULL && i < scope->values->as.map.count; i++) {
        if (!scope->value_used[i]) {
            return error_set_named(error, ERROR_INVALID, VALIDATION,
                                   "Value provided in ExpressionAttributeValues unused in expressions: keys: {%.*s}",
                                   STR_ARGS(scope->values->as.map.members[i].name));
        }
    }
    return true;
}
