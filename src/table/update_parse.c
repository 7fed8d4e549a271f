/* Updates: the grammar.
 *
 *   update = { section }, each of the four at most once
 *   section = SET path = value {, path = value} | REMOVE path {, path} | ADD path :value {, …} | DELETE path :value {,
 * …} value   = operand [ ("+" | "-") operand ]
 */
#include "table/expression_parse.h"

#define MAX_ACTIONS 400

static const char *const verbs[] = {
    [UPDATE_SET] = "SET", [UPDATE_REMOVE] = "REMOVE", [UPDATE_ADD] = "ADD", [UPDATE_DELETE] = "DELETE"};

/* Types as errors of ADD and DELETE name them. */
static const char *const long_names[ATTRIBUTE_TYPES] = {"STRING",     "NUMBER",  "BINARY", "STRING_SET", "NUMBER_SET",
                                                        "BINARY_SET", "BOOLEAN", "NULL",   "LIST",       "MAP"};

/* ADD and DELETE take a value placeholder of some types only. */
static bool parse_value(struct parser *parser, struct update_action *action)
{
    if (parser->token.kind != TOKEN_VALUE) {
        return parser_syntax(parser);
    }
    action->operand.kind = OPERAND_VALUE;
    if (!parser_value(parser, &action->operand.value)) {
        return false;
    }
    enum attribute_type type = action->operand.value->type;
    bool set = type == ATTRIBUTE_STRING_SET || type == ATTRIBUTE_NUMBER_SET || type == ATTRIBUTE_BINARY_SET;

    return set || (action->verb == UPDATE_ADD && type == ATTRIBUTE_NUMBER) ||
           parser_fail(parser,
                       "Incorrect operand type for operator or function; operator: %s, operand type: %s, "
                       "typeSet: ALLOWED_FOR_%s_OPERAND",
                       verbs[action->verb], long_names[type], verbs[action->verb]);
}

static bool parse_section(struct parser *parser, enum update_verb verb, struct update_action *actions, size_t *count)
{
    do {
        struct update_action *action = &actions[*count];

        *action = (struct update_action){.verb = verb};
        if (*count == MAX_ACTIONS) {
            return parser_fail(parser, "The expression contains too many operators; operator count: %zu", *count);
        }
        if (!parser_next(parser) || !parser_path(parser, &action->path)) {
            return false;
        }
        if (verb == UPDATE_SET ? !parser_take_sign(parser, "=") || !parser_sum(parser, &action->operand)
                               : verb != UPDATE_REMOVE && !parse_value(parser, action)) {
            return false;
        }
        (*count)++;
    } while (parser_is_sign(parser, ","));
    return true;
}

static bool parse_sections(struct parser *parser, struct update_action *actions, size_t *count)
{
    bool seen[4] = {false};

    if (parser->token.kind == TOKEN_END) {
        return parser_syntax(parser);
    }
    while (parser->token.kind != TOKEN_END) {
        int verb = 0;

        while (verb < 4 && !parser_is_word(parser, verbs[verb])) {
            verb++;
        }
        if (verb == 4) {
            return parser_syntax(parser);
        }
        if (seen[verb]) {
            return parser_fail(parser, "The \"%s\" section can only be used once in an update expression;",
                               verbs[verb]);
        }
        seen[verb] = true;
        if (!parse_section(parser, (enum update_verb)verb, actions, count)) {
            return false;
        }
    }
    return true;
}

bool update_parse(struct expression_scope *scope, struct str text, struct arena *arena, struct update *update,
                  struct error *error)
{
    struct parser parser = {.scope = scope, .arena = arena, .error = error, .updating = true};
    struct update_action *actions = arena_take(arena, (MAX_ACTIONS + 1) * sizeof *actions, error);
    struct path *paths = arena_take(arena, (MAX_ACTIONS + 1) * sizeof *paths, error);
    size_t count = 0;

    if (actions == NULL || paths == NULL || !parser_begin(&parser, text, "UpdateExpression") ||
        !parse_sections(&parser, actions, &count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        paths[i] = actions[i].path;
    }
    *update = (struct update){actions, count};
    return paths_check(&parser, paths, count);
}
