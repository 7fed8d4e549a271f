/* Key conditions: of all conditions, those that say one partition and at most one range of it. */
#include "table/expression.h"

#define VALIDATION "ValidationException"

static bool refused(struct error *error, const char *words)
{
    return error_set_named(error, ERROR_INVALID, VALIDATION, "%s", words);
}

/* The value that the condition compares the attribute with; NULL when it is another form. */
static const struct attribute *compared(const struct condition *condition, size_t place)
{
    return place < condition->operand_count && condition->operands[place].kind == OPERAND_VALUE
               ? condition->operands[place].value
               : NULL;
}

static bool attribute_of(const struct condition *condition, struct str *name, struct error *error)
{
    if (condition->operand_count < 2 || condition->operands[0].kind != OPERAND_PATH) {
        return condition->operand_count > 0 && condition->operands[0].kind == OPERAND_VALUE
                   ? refused(error, "Invalid condition in KeyConditionExpression: Multiple attribute names used in one "
                                    "condition")
                   : refused(error, "Invalid operator used in KeyConditionExpression: attribute_exists");
    }
    if (condition->operands[0].path.count != 1) {
        return refused(error, "KeyConditionExpressions cannot have conditions on nested attributes");
    }
    *name = condition->operands[0].path.steps[0].name;
    return true;
}

static bool range_of(enum condition_kind kind, enum key_range *range)
{
    static const struct {
        enum condition_kind kind;
        enum key_range range;
    } ranges[] = {
        {CONDITION_EQUAL, KEY_EQUAL},
        {CONDITION_LESS, KEY_LESS},
        {CONDITION_LESS_OR_EQUAL, KEY_LESS_OR_EQUAL},
        {CONDITION_GREATER, KEY_GREATER},
        {CONDITION_GREATER_OR_EQUAL, KEY_GREATER_OR_EQUAL},
        {CONDITION_BETWEEN, KEY_BETWEEN},
        {CONDITION_BEGINS_WITH, KEY_BEGINS_WITH},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (ranges[i].kind == kind) {
            *range = ranges[i].range;
            return true;
        }
    }
    return false;
}

static bool wrong_operator(const struct condition *condition, struct error *error)
{
    static const struct {
        enum condition_kind kind;
        const char *name;
    } names[] = {
        {CONDITION_OR, "OR"},
        {CONDITION_NOT, "NOT"},
        {CONDITION_NOT_EQUAL, "<>"},
        {CONDITION_IN, "IN"},
        {CONDITION_EXISTS, "attribute_exists"},
        {CONDITION_NOT_EXISTS, "attribute_not_exists"},
        {CONDITION_TYPE, "attribute_type"},
        {CONDITION_CONTAINS, "contains"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].kind == condition->kind) {
            return error_set_named(error, ERROR_INVALID, VALIDATION,
                                   "Invalid operator used in KeyConditionExpression: %s", names[i].name);
        }
    }
    return refused(error, "Query key condition not supported");
}

static bool check_type(const struct attribute *value, enum attribute_type type, struct error *error)
{
    if (value->type != type) {
        return refused(error,
                       "One or more parameter values were invalid: Condition parameter type does not match schema "
                       "type");
    }
    if (type != ATTRIBUTE_NUMBER && value->as.text.length == 0) {
        return refused(error,
                       "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
                       "contain an empty string value.");
    }
    return true;
}

static bool take_sort(const struct condition *condition, const struct key_schema *schema, struct key_condition *key,
                      struct error *error)
{
    if (key->range != KEY_ALL) {
        return refused(error, "KeyConditionExpressions must only contain one condition per key");
    }
    key->low = compared(condition, 1);
    key->high = condition->kind == CONDITION_BETWEEN ? compared(condition, 2) : NULL;
    if (key->low == NULL || (condition->kind == CONDITION_BETWEEN && key->high == NULL)) {
        return refused(error, "Invalid condition in KeyConditionExpression: Multiple attribute names used in one "
                              "condition");
    }
    if (!range_of(condition->kind, &key->range)) {
        return wrong_operator(condition, error);
    }
    return check_type(key->low, schema->sort_type, error) &&
           (key->high == NULL || check_type(key->high, schema->sort_type, error));
}

/* ":v < name" is "name > :v". */
static void mirror(const struct condition **condition, struct condition *mirrored, struct operand turned[2])
{
    static const enum condition_kind kinds[] = {
        [CONDITION_EQUAL] = CONDITION_EQUAL,
        [CONDITION_LESS] = CONDITION_GREATER,
        [CONDITION_LESS_OR_EQUAL] = CONDITION_GREATER_OR_EQUAL,
        [CONDITION_GREATER] = CONDITION_LESS,
        [CONDITION_GREATER_OR_EQUAL] = CONDITION_LESS_OR_EQUAL,
    };
    const struct condition *given = *condition;

    if (given->kind < CONDITION_EQUAL || given->kind > CONDITION_GREATER_OR_EQUAL ||
        given->kind == CONDITION_NOT_EQUAL || given->operands[0].kind != OPERAND_VALUE ||
        given->operands[1].kind != OPERAND_PATH) {
        return;
    }
    turned[0] = given->operands[1];
    turned[1] = given->operands[0];
    *mirrored = *given;
    mirrored->kind = kinds[given->kind];
    mirrored->operands = turned;
    *condition = mirrored;
}

static bool take(const struct condition *condition, const struct key_schema *schema, struct key_condition *key,
                 struct error *error)
{
    struct str name = {0};

    struct operand turned[2];
    struct condition mirrored;

    if (condition->kind == CONDITION_AND) {
        return take(condition->first, schema, key, error) && take(condition->second, schema, key, error);
    }
    enum key_range range;

    mirror(&condition, &mirrored, turned);
    if (!range_of(condition->kind, &range)) {
        return wrong_operator(condition, error);
    }
    if (!attribute_of(condition, &name, error)) {
        return false;
    }
    if (schema->sort.data != NULL && str_equal(name, schema->sort)) {
        return take_sort(condition, schema, key, error);
    }
    if (!str_equal(name, schema->partition)) {
        return error_set_named(error, ERROR_INVALID, VALIDATION, "Query condition missed key schema element: %.*s",
                               STR_ARGS(schema->partition));
    }
    if (key->partition != NULL) {
        return refused(error, "KeyConditionExpressions must only contain one condition per key");
    }
    key->partition = compared(condition, 1);
    if (range != KEY_EQUAL || key->partition == NULL) {
        return refused(error, "Query key condition not supported");
    }
    return check_type(key->partition, schema->partition_type, error);
}

bool key_condition_of(const struct condition *condition, const struct key_schema *schema, struct key_condition *key,
                      struct error *error)
{
    *key = (struct key_condition){0};
    if (!take(condition, schema, key, error)) {
        return false;
    }
    return key->partition != NULL ||
           error_set_named(error, ERROR_INVALID, VALIDATION, "Query condition missed key schema element: %.*s",
                           STR_ARGS(schema->partition));
}
