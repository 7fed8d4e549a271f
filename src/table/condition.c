/* Judging conditions on items. */
#include "table/expression.h"

/* An operand's value for the item; NULL when there is none. A size is made in `sized`. */
struct sized {
    struct attribute value;
    struct decimal number;
};

static uint64_t size_of(const struct attribute *value)
{
    switch (value->type) {
    case ATTRIBUTE_STRING:
    case ATTRIBUTE_BINARY:
        return value->as.text.length;
    case ATTRIBUTE_MAP:
        return value->as.map.count;
    case ATTRIBUTE_NUMBER:
    case ATTRIBUTE_BOOL:
    case ATTRIBUTE_NULL:
        return UINT64_MAX; /* has no size */
    default:
        return value->as.list.count;
    }
}

static void set_number(struct sized *sized, uint64_t number)
{
    uint8_t digits[20];
    int count = 0;

    sized->number = (struct decimal){0};
    for (; number > 0; number /= 10) {
        digits[count++] = (uint8_t)(number % 10);
    }
    sized->number.exponent = (int16_t)count;
    for (int i = 0; i < count; i++) {
        sized->number.digits[i] = digits[count - 1 - i];
        if (sized->number.digits[i] != 0) {
            sized->number.count = (uint8_t)(i + 1);
        }
    }
    sized->value = (struct attribute){.type = ATTRIBUTE_NUMBER, .as.number = &sized->number};
}

static const struct attribute *value_of(const struct operand *operand, const struct attribute *item,
                                        struct sized *sized)
{
    if (operand->kind == OPERAND_PATH) {
        return path_find(&operand->path, item);
    }
    if (operand->kind != OPERAND_SIZE) {
        return operand->value;
    }
    const struct attribute *inner = value_of(operand->first, item, sized);
    uint64_t size = inner != NULL ? size_of(inner) : UINT64_MAX;

    if (size == UINT64_MAX) {
        return NULL;
    }
    set_number(sized, size);
    return &sized->value;
}

/* Whether both can be ordered; `*order` says how. */
static bool ordered(const struct attribute *a, const struct attribute *b, int *order)
{
    if (a == NULL || b == NULL || a->type != b->type || a->type > ATTRIBUTE_BINARY) {
        return false;
    }
    *order = attribute_compare(a, b);
    return true;
}

static bool begins_with(const struct attribute *text, const struct attribute *start)
{
    if (text == NULL || start == NULL || text->type != start->type ||
        (text->type != ATTRIBUTE_STRING && text->type != ATTRIBUTE_BINARY)) {
        return false;
    }
    return text->as.text.length >= start->as.text.length &&
           (start->as.text.length == 0 || memcmp(text->as.text.data, start->as.text.data, start->as.text.length) == 0);
}

static bool holds_text(const struct attribute *whole, const struct attribute *part)
{
    return part->type == whole->type &&
           (part->as.text.length == 0 ||
            memmem(whole->as.text.data, whole->as.text.length, part->as.text.data, part->as.text.length) != NULL);
}

static bool contains(const struct attribute *whole, const struct attribute *part)
{
    if (whole == NULL || part == NULL) {
        return false;
    }
    switch (whole->type) {
    case ATTRIBUTE_STRING:
    case ATTRIBUTE_BINARY:
        return holds_text(whole, part);
    case ATTRIBUTE_LIST:
    case ATTRIBUTE_STRING_SET:
    case ATTRIBUTE_NUMBER_SET:
    case ATTRIBUTE_BINARY_SET:
        for (size_t i = 0; i < whole->as.list.count; i++) {
            if (attribute_equal(&whole->as.list.items[i], part)) {
                return true;
            }
        }
        return false;
    default:
        return false;
    }
}

static bool is_type(const struct attribute *value, const struct attribute *name)
{
    return value != NULL && str_is(name->as.text, attribute_type_name(value->type));
}

static bool is_in(const struct condition *condition, const struct attribute *value, const struct attribute *item)
{
    for (size_t i = 1; value != NULL && i < condition->operand_count; i++) {
        struct sized sized;
        const struct attribute *other = value_of(&condition->operands[i], item, &sized);

        if (other != NULL && attribute_equal(value, other)) {
            return true;
        }
    }
    return false;
}

static bool between(const struct condition *condition, const struct attribute *value, const struct attribute *item)
{
    struct sized low;
    struct sized high;
    int above;
    int below;

    return ordered(value, value_of(&condition->operands[1], item, &low), &above) &&
           ordered(value, value_of(&condition->operands[2], item, &high), &below) && above >= 0 && below <= 0;
}

/* The conditions of one or two operands. */
static bool compare(const struct condition *condition, const struct attribute *first, const struct attribute *second)
{
    int order;

    switch (condition->kind) {
    case CONDITION_EQUAL:
        return first != NULL && second != NULL && attribute_equal(first, second);
    case CONDITION_NOT_EQUAL:
        return first == NULL || second == NULL || !attribute_equal(first, second);
    case CONDITION_LESS:
        return ordered(first, second, &order) && order < 0;
    case CONDITION_LESS_OR_EQUAL:
        return ordered(first, second, &order) && order <= 0;
    case CONDITION_GREATER:
        return ordered(first, second, &order) && order > 0;
    case CONDITION_GREATER_OR_EQUAL:
        return ordered(first, second, &order) && order >= 0;
    case CONDITION_EXISTS:
        return first != NULL;
    case CONDITION_NOT_EXISTS:
        return first == NULL;
    case CONDITION_TYPE:
        return is_type(first, second);
    case CONDITION_BEGINS_WITH:
        return begins_with(first, second);
    default:
        return contains(first, second);
    }
}

bool expression_holds(const struct condition *condition, const struct attribute *item)
{
    struct sized first_size;
    struct sized second_size;

    if (condition->kind == CONDITION_AND) {
        return expression_holds(condition->first, item) && expression_holds(condition->second, item);
    }
    if (condition->kind == CONDITION_OR) {
        return expression_holds(condition->first, item) || expression_holds(condition->second, item);
    }
    if (condition->kind == CONDITION_NOT) {
        return !expression_holds(condition->first, item);
    }
    const struct attribute *first = value_of(&condition->operands[0], item, &first_size);

    if (condition->kind == CONDITION_IN) {
        return is_in(condition, first, item);
    }
    if (condition->kind == CONDITION_BETWEEN) {
        return between(condition, first, item);
    }
    return compare(condition, first,
                   condition->operand_count > 1 ? value_of(&condition->operands[1], item, &second_size) : NULL);
}

static bool operand_mentions(const struct operand *operand, struct str name)
{
    if (operand->kind == OPERAND_SIZE) {
        return operand_mentions(operand->first, name);
    }
    return operand->kind == OPERAND_PATH && str_equal(operand->path.steps[0].name, name);
}

bool expression_mentions(const struct condition *condition, struct str name)
{
    for (size_t i = 0; i < condition->operand_count; i++) {
        if (operand_mentions(&condition->operands[i], name)) {
            return true;
        }
    }
    return (condition->first != NULL && expression_mentions(condition->first, name)) ||
           (condition->second != NULL && expression_mentions(condition->second, name));
}
