/* AttributeUpdates, AttributesToGet, and the rule that a request has parameters of one kind. */
#include <stdio.h>

#include "table/older.h"

#define VALIDATION "ValidationException"
#define BAD "One or more parameter values were invalid: "

static const char *const long_names[ATTRIBUTE_TYPES] = {"STRING",     "NUMBER",  "BINARY", "STRING_SET", "NUMBER_SET",
                                                        "BINARY_SET", "BOOLEAN", "NULL",   "LIST",       "MAP"};

static bool is_set(enum attribute_type type)
{
    return type >= ATTRIBUTE_STRING_SET && type <= ATTRIBUTE_BINARY_SET;
}

/* ADD of a list adds its elements at the end. */
static bool append(struct update_action *action, const struct attribute *value, struct arena *arena,
                   struct error *error)
{
    static const struct attribute empty = {.type = ATTRIBUTE_LIST};
    struct operand *operands = arena_zeroed(arena, 3 * sizeof *operands, error);

    if (operands == NULL) {
        return false;
    }
    operands[0] = (struct operand){.kind = OPERAND_IF_ABSENT, .path = action->path, .second = &operands[2]};
    operands[1] = (struct operand){.kind = OPERAND_VALUE, .value = value};
    operands[2] = (struct operand){.kind = OPERAND_VALUE, .value = &empty};
    action->verb = UPDATE_SET;
    action->operand = (struct operand){.kind = OPERAND_LIST_APPEND, .first = &operands[0], .second = &operands[1]};
    return true;
}

static bool set_verb(struct update_action *action, const char *verb, const struct attribute *value, struct arena *arena,
                     struct error *error)
{
    bool add = strcmp(verb, "ADD") == 0;
    bool delete = strcmp(verb, "DELETE") == 0;

    if (!add && !delete &&strcmp(verb, "PUT") != 0) {
        return error_set_named(error, ERROR_INVALID, VALIDATION,
                               "1 validation error detected: Value '%s' at 'attributeUpdates.member.action' failed to "
                               "satisfy constraint: Member must satisfy enum value set: [ADD, DELETE, PUT]",
                               verb);
    }
    if (value == NULL) {
        action->verb = UPDATE_REMOVE;
        return delete || error_set_named(error, ERROR_INVALID, VALIDATION,
                                         BAD "Only DELETE action is allowed when no attribute value is specified");
    }
    action->verb = add ? UPDATE_ADD : delete ? UPDATE_DELETE : UPDATE_SET;
    action->operand = (struct operand){.kind = OPERAND_VALUE, .value = value};
    if (add && value->type == ATTRIBUTE_LIST) {
        return append(action, value, arena, error);
    }
    bool fits = is_set(value->type) || (add ? value->type == ATTRIBUTE_NUMBER : !delete);

    return fits || error_set_named(error, ERROR_INVALID, VALIDATION, BAD "%s is not supported for the type %s",
                                   add ? "ADD action" : "DELETE action with value", long_names[value->type]);
}

static bool read_action(const char *name, const json_t *given, struct arena *arena, struct update_action *action,
                        struct error *error)
{
    const char *verb = json_string_value(json_object_get(given, "Action"));
    const json_t *value = json_object_get(given, "Value");
    struct attribute *made = arena_zeroed(arena, sizeof *made, error);
    struct path_step *step = arena_zeroed(arena, sizeof *step, error);

    if (made == NULL || step == NULL) {
        return false;
    }
    if (name[0] == '\0') {
        return error_set_named(error, ERROR_INVALID, VALIDATION, "Empty attribute name");
    }
    step->name = (struct str){arena_text(arena, name, strlen(name), error), strlen(name)};
    action->path = (struct path){step, 1};
    return step->name.data != NULL && (value == NULL || attribute_from_json(value, arena, made, error)) &&
           set_verb(action, verb != NULL ? verb : "PUT", value != NULL ? made : NULL, arena, error);
}

bool older_update(const json_t *given, struct arena *arena, struct update *update, struct error *error)
{
    size_t count = json_object_size(given);
    struct update_action *actions = arena_zeroed(arena, (count + 1) * sizeof *actions, error);
    size_t i = 0;

    if (actions == NULL) {
        return false;
    }
    for (void *at = json_object_iter((json_t *)(uintptr_t)given); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)given, at), i++) {
        if (!read_action(json_object_iter_key(at), json_object_iter_value(at), arena, &actions[i], error)) {
            return false;
        }
    }
    *update = (struct update){actions, count};
    return true;
}

bool older_projection(const json_t *given, struct arena *arena, struct projection *projection, struct error *error)
{
    size_t count = json_array_size(given);
    struct path *paths = arena_zeroed(arena, (count + 1) * sizeof *paths, error);
    struct path_step *steps = arena_zeroed(arena, (count + 1) * sizeof *steps, error);

    if (paths == NULL || steps == NULL) {
        return false;
    }
    if (count == 0) {
        return error_set_named(error, ERROR_INVALID, VALIDATION, "AttributesToGet cannot be empty");
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(given, i));

        if (name == NULL || name[0] == '\0') {
            return error_set_named(error, ERROR_INVALID, VALIDATION, "Empty attribute name");
        }
        steps[i].name = (struct str){arena_text(arena, name, strlen(name), error), strlen(name)};
        paths[i] = (struct path){&steps[i], 1};
        if (steps[i].name.data == NULL) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (str_equal(steps[i].name, steps[j].name)) {
                return error_set_named(error, ERROR_INVALID, VALIDATION, BAD "Duplicate value in attribute name: %.*s",
                                       STR_ARGS(steps[i].name));
            }
        }
    }
    *projection = (struct projection){paths, count};
    return true;
}

/* The request's members of these names, "a, b". */
static size_t list_members(const json_t *request, const char *const *names, char *text, size_t size)
{
    size_t length = 0;

    text[0] = '\0';
    for (size_t i = 0; names[i] != NULL; i++) {
        const json_t *member = json_object_get(request, names[i]);

        if (member != NULL && !json_is_null(member)) {
            length += (size_t)snprintf(text + length, size - length, "%s%s", length > 0 ? ", " : "", names[i]);
        }
    }
    return length;
}

bool older_check_mix(const json_t *request, struct error *error)
{
    static const char *const older[] = {"AttributesToGet", "AttributeUpdates", "ConditionalOperator", "Expected",
                                        "KeyConditions",   "QueryFilter",      "ScanFilter",          NULL};
    static const char *const beside_keys[] = {
        "AttributesToGet", "AttributeUpdates", "ConditionalOperator", "Expected", "QueryFilter", "ScanFilter", NULL};
    static const char *const newer[] = {"ConditionExpression",  "FilterExpression", "KeyConditionExpression",
                                        "ProjectionExpression", "UpdateExpression", NULL};
    char first[200];
    char second[200];

    /* KeyConditions may stand beside the newer filter and projection. */
    bool keys = json_is_string(json_object_get(request, "KeyConditionExpression"));

    return list_members(request, keys ? older : beside_keys, first, sizeof first) == 0 ||
           list_members(request, newer, second, sizeof second) == 0 ||
           error_set_named(error, ERROR_INVALID, VALIDATION,
                           "Can not use both expression and non-expression parameters in the same request: "
                           "Non-expression parameters: {%s} Expression parameters: {%s}",
                           first, second);
}
