/* Applying updates: every operand is taken from the item as it was, and the item itself is copied where it changes. */
#include <stdlib.h>

#include "table/expression.h"

#define VALIDATION "ValidationException"

struct applying {
    const struct attribute *before;
    struct arena *arena;
    struct error *error;
};

static bool wrong_type(struct applying *applying)
{
    return error_set_named(applying->error, ERROR_INVALID, VALIDATION,
                           "An operand in the update expression has an incorrect data type");
}

static bool absent(struct applying *applying)
{
    return error_set_named(applying->error, ERROR_INVALID, VALIDATION,
                           "The provided expression refers to an attribute that does not exist in the item");
}

static bool wrong_path(struct applying *applying)
{
    return error_set_named(applying->error, ERROR_INVALID, VALIDATION,
                           "The document path provided in the update expression is invalid for update");
}

static bool evaluate(struct applying *applying, const struct operand *operand, struct attribute *value);

static bool add_numbers(struct applying *applying, const struct attribute *a, const struct attribute *b, bool minus,
                        struct attribute *sum)
{
    struct decimal *number = arena_take(applying->arena, sizeof *number, applying->error);

    if (number == NULL) {
        return false;
    }
    if (a->type != ATTRIBUTE_NUMBER || b->type != ATTRIBUTE_NUMBER) {
        return wrong_type(applying);
    }
    *sum = (struct attribute){.type = ATTRIBUTE_NUMBER, .as.number = number};
    return (minus ? decimal_subtract : decimal_add)(a->as.number, b->as.number, number, applying->error);
}

static bool append_lists(struct applying *applying, const struct attribute *a, const struct attribute *b,
                         struct attribute *both)
{
    if (a->type != ATTRIBUTE_LIST || b->type != ATTRIBUTE_LIST) {
        return wrong_type(applying);
    }
    size_t count = a->as.list.count + b->as.list.count;
    struct attribute *items = arena_take(applying->arena, (count + 1) * sizeof *items, applying->error);

    if (items == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = i < a->as.list.count ? a->as.list.items[i] : b->as.list.items[i - a->as.list.count];
    }
    *both = (struct attribute){.type = ATTRIBUTE_LIST, .as.list = {items, count}};
    return true;
}

static bool evaluate_pair(struct applying *applying, const struct operand *operand, struct attribute *value)
{
    struct attribute first;
    struct attribute second;

    if (!evaluate(applying, operand->first, &first) || !evaluate(applying, operand->second, &second)) {
        return false;
    }
    return operand->kind == OPERAND_LIST_APPEND
               ? append_lists(applying, &first, &second, value)
               : add_numbers(applying, &first, &second, operand->kind == OPERAND_MINUS, value);
}

static bool evaluate(struct applying *applying, const struct operand *operand, struct attribute *value)
{
    const struct attribute *found;

    switch (operand->kind) {
    case OPERAND_VALUE:
        *value = *operand->value;
        return true;
    case OPERAND_PATH:
    case OPERAND_IF_ABSENT:
        found = path_find(&operand->path, applying->before);
        if (operand->kind == OPERAND_IF_ABSENT && !evaluate(applying, operand->second, value)) {
            return false;
        }
        if (found == NULL) {
            return operand->kind == OPERAND_IF_ABSENT || absent(applying);
        }
        *value = *found;
        return true;
    default:
        return evaluate_pair(applying, operand, value);
    }
}

/* A copy of the list with the element replaced, added at the end, or (`value` NULL) taken away. */
static bool list_with(struct applying *applying, const struct attribute *list, size_t index,
                      const struct attribute *value, struct attribute *changed)
{
    size_t count = list->as.list.count;
    struct attribute *items = arena_take(applying->arena, (count + 2) * sizeof *items, applying->error);
    size_t kept = 0;

    if (items == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (i != index) {
            items[kept++] = list->as.list.items[i];
        } else if (value != NULL) {
            items[kept++] = *value;
        }
    }
    if (index >= count && value != NULL) {
        items[kept++] = *value;
    }
    *changed = (struct attribute){.type = ATTRIBUTE_LIST, .as.list = {items, kept}};
    return true;
}

/* `place` with what the rest of the path names replaced, or taken away when `value` is NULL. */
static bool change(struct applying *applying, const struct attribute *place, const struct path_step *steps,
                   size_t count, const struct attribute *value, struct attribute *changed)
{
    bool member = steps->name.data != NULL;
    struct attribute inner;

    if (place->type != (member ? ATTRIBUTE_MAP : ATTRIBUTE_LIST)) {
        return wrong_path(applying);
    }
    if (count > 1) {
        struct path step = {steps, 1};
        const struct attribute *found = path_find(&step, place);

        if (found == NULL) {
            return wrong_path(applying);
        }
        if (!change(applying, found, steps + 1, count - 1, value, &inner)) {
            return false;
        }
        value = &inner;
    }
    return member ? attribute_with(place, steps->name, value, applying->arena, changed, applying->error)
                  : list_with(applying, place, steps->index, value, changed);
}

static bool is_set(const struct attribute *value)
{
    return value->type == ATTRIBUTE_STRING_SET || value->type == ATTRIBUTE_NUMBER_SET ||
           value->type == ATTRIBUTE_BINARY_SET;
}

static bool in_set(const struct attribute *set, const struct attribute *element)
{
    for (size_t i = 0; i < set->as.list.count; i++) {
        if (attribute_compare(&set->as.list.items[i], element) == 0) {
            return true;
        }
    }
    return false;
}

/* The set with the other's elements added, or taken away. */
static bool change_set(struct applying *applying, const struct attribute *set, const struct attribute *other, bool add,
                       struct attribute *changed)
{
    size_t most = set->as.list.count + other->as.list.count;
    struct attribute *items = arena_take(applying->arena, (most + 1) * sizeof *items, applying->error);
    size_t count = 0;

    if (items == NULL) {
        return false;
    }
    if (set->type != other->type) {
        return wrong_type(applying);
    }
    for (size_t i = 0; i < set->as.list.count; i++) {
        if (add || !in_set(other, &set->as.list.items[i])) {
            items[count++] = set->as.list.items[i];
        }
    }
    for (size_t i = 0; add && i < other->as.list.count; i++) {
        if (!in_set(set, &other->as.list.items[i])) {
            items[count++] = other->as.list.items[i];
        }
    }
    *changed = (struct attribute){.type = set->type, .as.list = {items, count}};
    return attribute_sort_set(items, count, applying->error);
}

/* What the attribute becomes by ADD or DELETE; `*none`: nothing is left of it. */
static bool combine(struct applying *applying, const struct update_action *action, struct attribute *value, bool *none)
{
    const struct attribute *found = path_find(&action->path, applying->before);
    const struct attribute *given = action->operand.value;
    bool add = action->verb == UPDATE_ADD;

    *none = false;
    if (found == NULL) {
        *none = !add;
        *value = *given;
        return true;
    }
    if (given->type == ATTRIBUTE_NUMBER) {
        return add_numbers(applying, found, given, false, value);
    }
    if (!is_set(found)) {
        return wrong_type(applying);
    }
    if (!change_set(applying, found, given, add, value)) {
        return false;
    }
    *none = value->as.list.count == 0;
    return true;
}

static bool apply(struct applying *applying, const struct update_action *action, struct attribute *item)
{
    struct attribute value = {0};
    struct attribute changed;
    bool none = action->verb == UPDATE_REMOVE;

    if (action->verb == UPDATE_SET) {
        if (!evaluate(applying, &action->operand, &value)) {
            return false;
        }
    } else if (action->verb != UPDATE_REMOVE && !combine(applying, action, &value, &none)) {
        return false;
    }
    if (none && action->verb == UPDATE_DELETE && path_find(&action->path, item) == NULL && action->path.count == 1) {
        return true;
    }
    if (!change(applying, item, action->path.steps, action->path.count, none ? NULL : &value, &changed)) {
        return false;
    }
    *item = changed;
    return true;
}

static const struct path_step *last_step(const struct update_action *action)
{
    return &action->path.steps[action->path.count - 1];
}

/* Whether it takes an element out of a list, so that those behind it move. */
static bool closes_up(const struct update_action *action)
{
    return action->verb == UPDATE_REMOVE && last_step(action)->name.data == NULL;
}

/* The order in which every index means the element that it was of the item before: what is set beyond a list's end goes
 * there in the order of indexes; elements are taken out last, the deeper lists' first and each list's from behind. */
static int compare_actions(const void *a, const void *b)
{
    const struct update_action *first = *(const struct update_action *const *)a;
    const struct update_action *second = *(const struct update_action *const *)b;
    uint32_t x = last_step(first)->index;
    uint32_t y = last_step(second)->index;

    if (closes_up(first) != closes_up(second)) {
        return closes_up(first) ? 1 : -1;
    }
    if (closes_up(first) && first->path.count != second->path.count) {
        return first->path.count > second->path.count ? -1 : 1;
    }
    if (x != y) {
        return (x < y) != closes_up(first) ? -1 : 1;
    }
    return first < second ? -1 : first > second;
}

bool update_apply(const struct update *update, const struct attribute *item, struct arena *arena,
                  struct attribute *changed, struct error *error)
{
    struct applying applying = {item, arena, error};
    const struct update_action **actions = arena_take(arena, (update->count + 1) * sizeof *actions, error);

    if (actions == NULL) {
        return false;
    }
    for (size_t i = 0; i < update->count; i++) {
        actions[i] = &update->actions[i];
    }
    qsort(actions, update->count, sizeof *actions, compare_actions);
    *changed = *item;
    for (size_t i = 0; i < update->count; i++) {
        if (!apply(&applying, actions[i], changed)) {
            return false;
        }
    }
    return true;
}
