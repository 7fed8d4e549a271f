/* Conditions by operator and list of values. */
#include <stdio.h>

#include "table/older.h"

#define VALIDATION "ValidationException"
#define BAD "One or more parameter values were invalid: "

struct older {
    struct arena *arena;
    struct error *error;
};

static const struct comparison {
    const char *name;
    enum condition_kind kind;
    bool negated;
    size_t least, most; /* values */
    unsigned types;     /* a bit for each that a value may have */
} comparisons[] = {
#define SCALARS (1U << ATTRIBUTE_STRING | 1U << ATTRIBUTE_NUMBER | 1U << ATTRIBUTE_BINARY)
#define TEXTS (1U << ATTRIBUTE_STRING | 1U << ATTRIBUTE_BINARY)
#define ANY ((1U << ATTRIBUTE_TYPES) - 1)
    {"EQ", CONDITION_EQUAL, false, 1, 1, ANY},
    {"NE", CONDITION_NOT_EQUAL, false, 1, 1, ANY},
    {"LT", CONDITION_LESS, false, 1, 1, SCALARS},
    {"LE", CONDITION_LESS_OR_EQUAL, false, 1, 1, SCALARS},
    {"GT", CONDITION_GREATER, false, 1, 1, SCALARS},
    {"GE", CONDITION_GREATER_OR_EQUAL, false, 1, 1, SCALARS},
    {"NULL", CONDITION_NOT_EXISTS, false, 0, 0, ANY},
    {"NOT_NULL", CONDITION_EXISTS, false, 0, 0, ANY},
    {"CONTAINS", CONDITION_CONTAINS, false, 1, 1, SCALARS},
    {"NOT_CONTAINS", CONDITION_CONTAINS, true, 1, 1, SCALARS},
    {"BEGINS_WITH", CONDITION_BEGINS_WITH, false, 1, 1, TEXTS},
    {"IN", CONDITION_IN, false, 1, SIZE_MAX, SCALARS},
    {"BETWEEN", CONDITION_BETWEEN, false, 2, 2, SCALARS},
#undef SCALARS
#undef TEXTS
#undef ANY
};

static bool refused(const struct older *older, const char *words)
{
    return error_set_named(older->error, ERROR_INVALID, VALIDATION, "%s", words);
}

static const struct comparison *find(const struct older *older, const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof comparisons / sizeof *comparisons; i++) {
        if (strcmp(comparisons[i].name, name) == 0) {
            return &comparisons[i];
        }
    }
    refused(older, "Comparison type does not exist in DynamoDB");
    return NULL;
}

static bool check_values(const struct older *older, const struct comparison *comparison, const struct operand *operands,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum attribute_type type = operands[i].value->type;

        if ((comparison->types >> type & 1) == 0) {
            return error_set_named(older->error, ERROR_INVALID, VALIDATION,
                                   BAD "ComparisonOperator %s is not valid for %s AttributeValue type",
                                   comparison->name, attribute_type_name(type));
        }
    }
    for (size_t i = 1; i < count; i++) {
        if (operands[i].value->type != operands[0].value->type) {
            return refused(older, BAD "AttributeValues inside AttributeValueList must be of same type");
        }
    }
    return comparison->kind != CONDITION_BETWEEN || attribute_compare(operands[0].value, operands[1].value) <= 0 ||
           refused(older, "The BETWEEN condition was provided a range where the lower bound is greater than the upper "
                          "bound");
}

static bool set_path(const struct older *older, struct str name, struct path *path)
{
    struct path_step *step = arena_zeroed(older->arena, sizeof *step, older->error);

    if (step == NULL) {
        return false;
    }
    if (name.length == 0) {
        return refused(older, "Empty attribute name");
    }
    step->name.data = arena_text(older->arena, name.data, name.length, older->error);
    step->name.length = name.length;
    *path = (struct path){step, 1};
    return step->name.data != NULL;
}

/* The operands' values: one, or a list of them. */
static bool read_values(const struct older *older, const json_t *list, const json_t *value, struct operand *operands,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct attribute *made = arena_take(older->arena, sizeof *made, older->error);

        if (made == NULL ||
            !attribute_from_json(value != NULL ? value : json_array_get(list, i), older->arena, made, older->error)) {
            return false;
        }
        operands[i] = (struct operand){.kind = OPERAND_VALUE, .value = made};
    }
    return true;
}

/* `value`: the one that Expected has beside an operator, or NULL. */
static const struct condition *compared(const struct older *older, struct str name, const char *verb,
                                        const json_t *list, const json_t *value)
{
    const struct comparison *comparison = find(older, verb);
    size_t count = value != NULL ? 1 : json_array_size(list);
    struct condition *conditions = arena_zeroed(older->arena, 4 * sizeof *conditions, older->error);
    struct operand *operands = arena_zeroed(older->arena, (count + 1) * sizeof *operands, older->error);

    if (comparison == NULL || conditions == NULL || operands == NULL) {
        return NULL;
    }
    operands[0].kind = OPERAND_PATH;
    if (!set_path(older, name, &operands[0].path) || !read_values(older, list, value, operands + 1, count)) {
        return NULL;
    }
    if (count < comparison->least || count > comparison->most) {
        error_set_named(older->error, ERROR_INVALID, VALIDATION,
                        BAD "Invalid number of argument(s) for the %s ComparisonOperator", comparison->name);
        return NULL;
    }
    if (!check_values(older, comparison, operands + 1, count)) {
        return NULL;
    }
    conditions[0] = (struct condition){.kind = comparison->kind, .operands = operands, .operand_count = count + 1};
    if (!comparison->negated) {
        return &conditions[0];
    }
    conditions[1] = (struct condition){.kind = CONDITION_NOT, .first = &conditions[0]};
    conditions[2] = (struct condition){.kind = CONDITION_EXISTS, .operands = operands, .operand_count = 1};
    conditions[3] = (struct condition){.kind = CONDITION_AND, .first = &conditions[1], .second = &conditions[2]};
    return &conditions[3];
}

static const struct condition *wrong(const struct older *older, const char *words, const char *name)
{
    error_set_named(older->error, ERROR_INVALID, VALIDATION, BAD "%s for Attribute: %s", words, name);
    return NULL;
}

/* {"Value": …, "Exists": …} without an operator. */
static const struct condition *expected_value(const struct older *older, const char *name, const json_t *exists,
                                              const json_t *value)
{
    if (json_is_false(exists)) {
        return value == NULL ? compared(older, str_of(name), "NULL", NULL, NULL)
                             : wrong(older, "Value cannot be used when Exists is false", name);
    }
    if (value == NULL) {
        return wrong(older,
                     exists != NULL ? "Value must be provided when Exists is true"
                                    : "Value must be provided when Exists is null",
                     name);
    }
    return compared(older, str_of(name), "EQ", NULL, value);
}

static const struct condition *expected(const struct older *older, const char *name, const json_t *given)
{
    const char *verb = json_string_value(json_object_get(given, "ComparisonOperator"));
    const json_t *list = json_object_get(given, "AttributeValueList");
    const json_t *exists = json_object_get(given, "Exists");
    const json_t *value = json_object_get(given, "Value");
    char words[160];

    if (verb == NULL) {
        return list == NULL ? expected_value(older, name, exists, value)
                            : wrong(older, "AttributeValueList can only be used with a ComparisonOperator", name);
    }
    if (exists != NULL) {
        return wrong(older, "Exists and ComparisonOperator cannot be used together", name);
    }
    if (list != NULL && value != NULL) {
        return wrong(older, "Value and AttributeValueList cannot be used together", name);
    }
    const struct comparison *comparison = find(older, verb);

    if (comparison == NULL) {
        return NULL;
    }
    if (list == NULL && value == NULL && comparison->least > 0) {
        snprintf(words, sizeof words, "Value or AttributeValueList must be used with ComparisonOperator: %s",
                 comparison->name);
        return wrong(older, words, name);
    }
    return compared(older, str_of(name), verb, list, value);
}

static bool check_together(const struct older *older, size_t count, const char *together)
{
    if (together == NULL) {
        return true;
    }
    if (strcmp(together, "AND") != 0 && strcmp(together, "OR") != 0) {
        return error_set_named(older->error, ERROR_INVALID, VALIDATION,
                               "1 validation error detected: Value '%s' at 'conditionalOperator' failed to satisfy "
                               "constraint: Member must satisfy enum value set: [OR, AND]",
                               together);
    }
    return count >= 2 ||
           refused(older, count == 0 ? "ConditionalOperator cannot be used without Filter or Expected"
                                     : "ConditionalOperator can only be used when Filter or Expected has two or "
                                       "more elements");
}

bool older_condition(const json_t *given, enum older_kind kind, const char *together, struct arena *arena,
                     const struct condition **condition, struct error *error)
{
    struct older older = {arena, error};
    bool either = together != NULL && strcmp(together, "OR") == 0;

    *condition = NULL;
    for (void *at = json_object_iter((json_t *)(uintptr_t)given); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)given, at)) {
        const char *name = json_object_iter_key(at);
        const json_t *one = json_object_iter_value(at);
        const struct condition *made =
            kind == OLDER_EXPECTED
                ? expected(&older, name, one)
                : compared(&older, str_of(name), json_string_value(json_object_get(one, "ComparisonOperator")),
                           json_object_get(one, "AttributeValueList"), NULL);
        struct condition *both = arena_zeroed(arena, sizeof *both, error);

        if (made == NULL || both == NULL) {
            return false;
        }
        *both = (struct condition){.kind = either ? CONDITION_OR : CONDITION_AND, .first = *condition, .second = made};
        *condition = *condition != NULL ? both : made;
    }
    return check_together(&older, json_object_size(given), together);
}
