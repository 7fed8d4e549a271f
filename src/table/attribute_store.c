/* Stored form of values.
 *
 *   value   = type (1 byte, enum attribute_type) content
 *   content = STRING, BINARY: length bytes · NUMBER: the code of decimal_encode · BOOL: 0 or 1 · NULL: nothing
 *           | LIST: count values · MAP: count (length name value)… · sets: count contents
 * Lengths and counts are unsigned LEB128. The numbers of the types are part of the form.
 */
#include "base/buffer.h"
#include "table/attribute.h"

static void store_size(struct buffer *out, size_t size)
{
    while (size >= 0x80) {
        buffer_append_char(out, (char)((size & 0x7F) | 0x80));
        size >>= 7;
    }
    buffer_append_char(out, (char)size);
}

static void store_text(struct buffer *out, struct str text)
{
    store_size(out, text.length);
    buffer_append_str(out, text);
}

static void store_number(struct buffer *out, const struct decimal *number)
{
    uint8_t code[DECIMAL_CODE_BYTES];

    buffer_append(out, code, decimal_encode(number, code));
}

static bool is_text(enum attribute_type type)
{
    return type == ATTRIBUTE_STRING || type == ATTRIBUTE_BINARY;
}

static bool is_set(enum attribute_type type)
{
    return type == ATTRIBUTE_STRING_SET || type == ATTRIBUTE_NUMBER_SET || type == ATTRIBUTE_BINARY_SET;
}

static enum attribute_type element_type(enum attribute_type set)
{
    return set == ATTRIBUTE_STRING_SET   ? ATTRIBUTE_STRING
           : set == ATTRIBUTE_NUMBER_SET ? ATTRIBUTE_NUMBER
                                         : ATTRIBUTE_BINARY;
}

static void store_content(struct buffer *out, const struct attribute *attribute)
{
    if (is_text(attribute->type)) {
        store_text(out, attribute->as.text);
    } else if (attribute->type == ATTRIBUTE_NUMBER) {
        store_number(out, attribute->as.number);
    } else if (attribute->type == ATTRIBUTE_BOOL) {
        buffer_append_char(out, attribute->as.boolean);
    } else if (attribute->type == ATTRIBUTE_MAP) {
        store_size(out, attribute->as.map.count);
        for (size_t i = 0; i < attribute->as.map.count; i++) {
            store_text(out, attribute->as.map.members[i].name);
            attribute_store(out, &attribute->as.map.members[i].value);
        }
    } else if (attribute->type == ATTRIBUTE_LIST || is_set(attribute->type)) {
        store_size(out, attribute->as.list.count);
        for (size_t i = 0; i < attribute->as.list.count; i++) {
            if (attribute->type == ATTRIBUTE_LIST) {
                attribute_store(out, &attribute->as.list.items[i]);
            } else {
                store_content(out, &attribute->as.list.items[i]);
            }
        }
    }
}

void attribute_store(struct buffer *out, const struct attribute *attribute)
{
    buffer_append_char(out, (char)attribute->type);
    store_content(out, attribute);
}

struct loading {
    const uint8_t *data;
    size_t size, at;
    struct arena *arena;
    struct error *error;
};

static bool corrupt(struct loading *loading)
{
    return error_set(loading->error, ERROR_CORRUPT, "a stored item has bytes at %zu that no item has", loading->at);
}

static bool load_size(struct loading *loading, size_t *size)
{
    *size = 0;
    for (unsigned shift = 0; loading->at < loading->size && shift < 35; shift += 7) {
        uint8_t byte = loading->data[loading->at++];

        *size |= (size_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            return byte != 0 || shift == 0 || corrupt(loading); /* the shortest form is the only one */
        }
    }
    return corrupt(loading);
}

static bool load_text(struct loading *loading, struct str *text)
{
    size_t length;

    if (!load_size(loading, &length)) {
        return false;
    }
    if (length > loading->size - loading->at) {
        return corrupt(loading);
    }
    *text = str_slice((const char *)loading->data + loading->at, length);
    loading->at += length;
    return true;
}

static bool load_number(struct loading *loading, const struct decimal **number)
{
    struct decimal *made = arena_take(loading->arena, sizeof *made, loading->error);
    size_t used;

    if (made == NULL ||
        !decimal_decode(loading->data + loading->at, loading->size - loading->at, made, &used, loading->error)) {
        return false;
    }
    loading->at += used;
    *number = made;
    return true;
}

static bool load_value(struct loading *loading, unsigned depth, struct attribute *attribute);
static bool load_content(struct loading *loading, unsigned depth, struct attribute *attribute);

/* How many elements follow; each takes at least one byte, so that a wrong count asks for no memory. */
static bool load_count(struct loading *loading, size_t *count)
{
    return load_size(loading, count) && (*count <= loading->size - loading->at || corrupt(loading));
}

static bool load_list(struct loading *loading, unsigned depth, struct attribute *attribute)
{
    bool set = is_set(attribute->type);
    struct attribute *items;
    size_t count;

    if (!load_count(loading, &count) ||
        (items = arena_zeroed(loading->arena, (count + 1) * sizeof *items, loading->error)) == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (set) {
            items[i].type = element_type(attribute->type);
        }
        if (set ? !load_content(loading, depth, &items[i]) : !load_value(loading, depth, &items[i])) {
            return false;
        }
        if (set && i > 0 && attribute_compare(&items[i - 1], &items[i]) >= 0) {
            return corrupt(loading);
        }
    }
    attribute->as.list.items = items;
    attribute->as.list.count = count;
    return true;
}

static bool load_map(struct loading *loading, unsigned depth, struct attribute *attribute)
{
    struct attribute_member *members;
    size_t count;

    if (!load_count(loading, &count) ||
        (members = arena_zeroed(loading->arena, (count + 1) * sizeof *members, loading->error)) == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!load_text(loading, &members[i].name) || !load_value(loading, depth, &members[i].value)) {
            return false;
        }
    }
    for (size_t i = 1; i < count; i++) {
        struct attribute a = {.type = ATTRIBUTE_STRING, .as.text = members[i - 1].name};
        struct attribute b = {.type = ATTRIBUTE_STRING, .as.text = members[i].name};

        if (attribute_compare(&a, &b) >= 0) {
            return corrupt(loading);
        }
    }
    attribute->as.map.members = members;
    attribute->as.map.count = count;
    return true;
}

static bool load_bool(struct loading *loading, struct attribute *attribute)
{
    if (loading->at == loading->size || loading->data[loading->at] > 1) {
        return corrupt(loading);
    }
    attribute->as.boolean = loading->data[loading->at++] != 0;
    return true;
}

static bool load_content(struct loading *loading, unsigned depth, struct attribute *attribute)
{
    switch (attribute->type) {
    case ATTRIBUTE_STRING:
    case ATTRIBUTE_BINARY:
        return load_text(loading, &attribute->as.text);
    case ATTRIBUTE_NUMBER:
        return load_number(loading, &attribute->as.number);
    case ATTRIBUTE_BOOL:
        return load_bool(loading, attribute);
    case ATTRIBUTE_NULL:
        return true;
    case ATTRIBUTE_MAP:
        return load_map(loading, depth + 1, attribute);
    default:
        return load_list(loading, depth + 1, attribute);
    }
}

static bool load_value(struct loading *loading, unsigned depth, struct attribute *attribute)
{
    if (loading->at == loading->size || loading->data[loading->at] >= ATTRIBUTE_TYPES ||
        depth > ATTRIBUTE_MAX_DEPTH + 1) {
        return corrupt(loading);
    }
    attribute->type = (enum attribute_type)loading->data[loading->at++];
    return load_content(loading, depth, attribute);
}

bool attribute_load(const void *data, size_t size, struct arena *arena, struct attribute *attribute,
                    struct error *error)
{
    struct loading loading = {data, size, 0, arena, error};

    return load_value(&loading, 0, attribute) && (loading.at == size || corrupt(&loading));
}
