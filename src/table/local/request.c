/* Members that many requests have. */
#include "table/local/local_private.h"

#define VALIDATION "ValidationException"

bool request_optional_text(const json_t *request, const char *member, const char **text, struct error *error)
{
    const json_t *value = json_object_get(request, member);

    *text = json_string_value(value);
    if (*text != NULL && strlen(*text) != json_string_length(value)) {
        return error_set_named(error, ERROR_INVALID, VALIDATION, "%s must not hold the character U+0000", member);
    }
    return *text != NULL || value == NULL || json_is_null(value) ||
           error_set_named(error, ERROR_INVALID, "SerializationException", "%s must be a string", member);
}

const char *request_text(const json_t *request, const char *member, struct error *error)
{
    const char *text;

    if (!request_optional_text(request, member, &text, error)) {
        return NULL;
    }
    if (text == NULL) {
        error_set_named(error, ERROR_INVALID, VALIDATION,
                        "The parameter '%s' is required but was not present in the request", member);
    }
    return text;
}

bool request_choice(const json_t *request, const char *member, const char *const *choices, int *choice,
                    struct error *error)
{
    const char *text;

    *choice = 0;
    if (!request_optional_text(request, member, &text, error)) {
        return false;
    }
    for (int i = 0; text != NULL && choices[i] != NULL; i++) {
        if (strcmp(choices[i], text) == 0) {
            *choice = i;
            return true;
        }
    }
    return text == NULL ||
           error_set_named(
               error, ERROR_INVALID, VALIDATION,
               "1 validation error detected: Value '%s' at '%c%s' failed to satisfy constraint: Member must "
               "satisfy enum value set",
               text, member[0] | 0x20, member + 1);
}

struct table_definition *definition_of_request(struct call *call, const json_t *request, struct error *error)
{
    const char *name = request_text(request, "TableName", error);
    const char *slash = name != NULL && strncmp(name, "arn:", 4) == 0 ? strrchr(name, '/') : NULL;

    if (name == NULL) {
        return NULL;
    }
    name = slash != NULL ? slash + 1 : name;
    return definition_check_name(name, "TableName", error) ? definition_find(call->tables, name, error) : NULL;
}

bool request_no_scope(const json_t *request, const char *why, struct error *error)
{
    if (json_object_get(request, "ExpressionAttributeNames") != NULL) {
        return error_set_named(error, ERROR_INVALID, VALIDATION,
                               "ExpressionAttributeNames can only be specified when using expressions");
    }
    return json_object_get(request, "ExpressionAttributeValues") == NULL ||
           error_set_named(error, ERROR_INVALID, VALIDATION,
                           "ExpressionAttributeValues can only be specified when using expressions: %s", why);
}

/* "#name" and ":value": a sign, then letters, digits and underscores. */
static bool is_placeholder(struct str name, char sign)
{
    for (size_t i = 1; i < name.length; i++) {
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", name.data[i]) == NULL) {
            return false;
        }
    }
    return name.length > 1 && name.data[0] == sign;
}

/* The values of expressions; the error of one names it. */
static bool read_values(struct call *call, const json_t *given, struct attribute *values, struct error *error)
{
    for (void *at = json_object_iter((json_t *)(uintptr_t)given); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)given, at)) {
        struct attribute value;
        struct error why = {0};

        if (!is_placeholder(str_of(json_object_iter_key(at)), ':')) {
            return error_set_named(error, ERROR_INVALID, VALIDATION,
                                   "ExpressionAttributeValues contains invalid key: Syntax error; key: \"%s\"",
                                   json_object_iter_key(at));
        }
        if (!attribute_from_json(json_object_iter_value(at), call->arena, &value, &why)) {
            if (why.name == NULL || strcmp(why.name, VALIDATION) != 0) {
                *error = why;
                return false;
            }
            return error_set_named(error, ERROR_INVALID, VALIDATION,
                                   "ExpressionAttributeValues contains invalid value: %s for key %s", why.message,
                                   json_object_iter_key(at));
        }
    }
    return attribute_map_from_json(given, call->arena, values, error);
}

bool request_scope(struct call *call, const json_t *request, struct attribute *values, struct expression_scope *scope,
                   struct error *error)
{
    const json_t *names = json_object_get(request, "ExpressionAttributeNames");
    const json_t *given = json_object_get(request, "ExpressionAttributeValues");

    *scope = (struct expression_scope){0};
    if (json_is_object(names)) {
        if (json_object_size(names) == 0) {
            return error_set_named(error, ERROR_INVALID, VALIDATION, "ExpressionAttributeNames must not be empty");
        }
        for (void *at = json_object_iter((json_t *)(uintptr_t)names); at != NULL;
             at = json_object_iter_next((json_t *)(uintptr_t)names, at)) {
            const char *name = json_object_iter_key(at);

            if (!is_placeholder(str_of(name), '#') || !json_is_string(json_object_iter_value(at))) {
                return error_set_named(error, ERROR_INVALID, VALIDATION,
                                       "ExpressionAttributeNames contains invalid key: Syntax error; key: \"%s\"",
                                       name);
            }
            if (json_string_length(json_object_iter_value(at)) == 0) {
                return error_set_named(error, ERROR_INVALID, VALIDATION,
                                       "ExpressionAttributeNames contains invalid value: Empty attribute name for key "
                                       "%s",
                                       name);
            }
        }
        scope->names = names;
    }
    if (given != NULL && !json_is_null(given)) {
        if (!read_values(call, given, values, error)) {
            return false;
        }
        if (values->as.map.count == 0) {
            return error_set_named(error, ERROR_INVALID, VALIDATION, "ExpressionAttributeValues must not be empty");
        }
        scope->values = values;
    }
    return expression_scope_begin(scope, call->arena, error);
}
