#include "table/attribute.h"

#include <stdlib.h>

#define VALIDATION "ValidationException"

static const char *const type_names[ATTRIBUTE_TYPES] = {
    [ATTRIBUTE_STRING] = "S",      [ATTRIBUTE_NUMBER] = "N",      [ATTRIBUTE_BINARY] = "B",
    [ATTRIBUTE_STRING_SET] = "SS", [ATTRIBUTE_NUMBER_SET] = "NS", [ATTRIBUTE_BINARY_SET] = "BS",
    [ATTRIBUTE_BOOL] = "BOOL",     [ATTRIBUTE_NULL] = "NULL",     [ATTRIBUTE_LIST] = "L",
    [ATTRIBUTE_MAP] = "M",
};

const char *attribute_type_name(enum attribute_type type)
{
    return type_names[type];
}

bool attribute_type_of(const char *name, enum attribute_type *type)
{
    for (int i = 0; i < ATTRIBUTE_TYPES; i++) {
        if (strcmp(name, type_names[i]) == 0) {
            *type = (enum attribute_type)i;
            return true;
        }
    }
    return false;
}

static int compare_bytes(struct str a, struct str b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

int attribute_compare(const struct attribute *a, const struct attribute *b)
{
    return a->type == ATTRIBUTE_NUMBER ? decimal_compare(a->as.number, b->as.number)
                                       : compare_bytes(a->as.text, b->as.text);
}

static int compare_items(const void *a, const void *b)
{
    return attribute_compare(a, b);
}

bool attribute_sort_set(struct attribute *items, size_t count, struct error *error)
{
    if (count > 1) {
        qsort(items, count, sizeof *items, compare_items);
    }
    for (size_t i = 1; i < count; i++) {
        if (attribute_compare(&items[i - 1], &items[i]) == 0) {
            return error_set_named(error, ERROR_INVALID, VALIDATION,
                                   "One or more parameter values were invalid: Input collection contains duplicates");
        }
    }
    return true;
}

/* Where the member stands, or the place where it would; `*there` says which. */
static size_t place_of(const struct attribute *map, struct str name, bool *there)
{
    size_t low = 0;
    size_t high = map->as.map.count;

    *there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_bytes(map->as.map.members[middle].name, name);

        if (order == 0) {
            *there = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct attribute *attribute_find(const struct attribute *map, struct str name)
{
    bool there;
    size_t place = place_of(map, name, &there);

    return there ? &map->as.map.members[place].value : NULL;
}

bool attribute_with(const struct attribute *map, struct str name, const struct attribute *value, struct arena *arena,
                    struct attribute *changed, struct error *error)
{
    bool there;
    size_t place = place_of(map, name, &there);
    size_t count = map->as.map.count + (value != NULL) - there;
    size_t after = place + there;
    struct attribute_member *members = arena_take(arena, (count + 1) * sizeof *members, error);

    if (members == NULL) {
        return false;
    }
    if (place > 0) {
        memcpy(members, map->as.map.members, place * sizeof *members);
    }
    if (value != NULL) {
        members[place] = (struct attribute_member){name, *value};
    }
    if (after < map->as.map.count) {
        memcpy(members + place + (value != NULL), map->as.map.members + after,
               (map->as.map.count - after) * sizeof *members);
    }
    *changed = (struct attribute){.type = ATTRIBUTE_MAP, .as.map = {members, count}};
    return true;
}

static bool equal_lists(const struct attribute *a, const struct attribute *b)
{
    if (a->as.list.count != b->as.list.count) {
        return false;
    }
    for (size_t i = 0; i < a->as.list.count; i++) {
        if (!attribute_equal(&a->as.list.items[i], &b->as.list.items[i])) {
            return false;
        }
    }
    return true;
}

static bool equal_maps(const struct attribute *a, const struct attribute *b)
{
    if (a->as.map.count != b->as.map.count) {
        return false;
    }
    for (size_t i = 0; i < a->as.map.count; i++) {
        if (!str_equal(a->as.map.members[i].name, b->as.map.members[i].name) ||
            !attribute_equal(&a->as.map.members[i].value, &b->as.map.members[i].value)) {
            return false;
        }
    }
    return true;
}

bool attribute_equal(const struct attribute *a, const struct attribute *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case ATTRIBUTE_STRING:
    case ATTRIBUTE_BINARY:
    case ATTRIBUTE_NUMBER:
        return attribute_compare(a, b) == 0;
    case ATTRIBUTE_BOOL:
        return a->as.boolean == b->as.boolean;
    case ATTRIBUTE_NULL:
        return true;
    case ATTRIBUTE_MAP:
        return equal_maps(a, b);
    default:
        return equal_lists(a, b);
    }
}

/* "approximately (length of the attribute name) + (1 byte per two significant digits) + (1 byte)"; one more for a sign.
 */
static uint64_t number_bytes(const struct decimal *number)
{
    return 1 + (uint64_t)(number->count + 1) / 2 + number->negative;
}

uint64_t attribute_item_bytes(const struct attribute *map)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < map->as.map.count; i++) {
        bytes += map->as.map.members[i].name.length + attribute_bytes(&map->as.map.members[i].value);
    }
    return bytes;
}

uint64_t attribute_bytes(const struct attribute *attribute)
{
    uint64_t bytes = 0;

    switch (attribute->type) {
    case ATTRIBUTE_STRING:
    case ATTRIBUTE_BINARY:
        return attribute->as.text.length;
    case ATTRIBUTE_NUMBER:
        return number_bytes(attribute->as.number);
    case ATTRIBUTE_BOOL:
    case ATTRIBUTE_NULL:
        return 1;
    case ATTRIBUTE_MAP: /* "3 bytes of overhead, regardless of its contents, and 1 byte for each element" */
        return 3 + attribute->as.map.count + attribute_item_bytes(attribute);
    case ATTRIBUTE_LIST:
        bytes = 3 + attribute->as.list.count;
        break;
    default:
        break;
    }
    for (size_t i = 0; i < attribute->as.list.count; i++) {
        bytes += attribute_bytes(&attribute->as.list.items[i]);
    }
    return bytes;
}
