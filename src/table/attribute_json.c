/* Values as DynamoDB's JSON, both ways. The words of errors are DynamoDB's. */
#include <stdlib.h>

#include "base/digest.h"
#include "base/json.h"
#include "table/attribute.h"

#define VALIDATION "ValidationException"
#define SERIALIZATION "SerializationException"

struct reading {
    struct arena *arena;
    struct error *error;
};

static bool invalid(struct reading *reading, const char *words)
{
    return error_set_named(reading->error, ERROR_INVALID, VALIDATION, "%s", words);
}

static bool read_text(struct reading *reading, const json_t *json, struct str *text)
{
    if (!json_is_string(json)) {
        return error_set_named(reading->error, ERROR_INVALID, SERIALIZATION,
                               json_is_object(json) || json_is_array(json)
                                   ? "Start of structure or map found where not expected."
                                   : "%s cannot be converted to String",
                               json_is_number(json) ? "NUMBER_VALUE"
                               : json_is_null(json) ? "NULL"
                                                    : "BOOLEAN_VALUE");
    }
    text->length = json_string_length(json);
    text->data = arena_text(reading->arena, json_string_value(json), text->length, reading->error);
    return text->data != NULL;
}

static bool read_binary(struct reading *reading, const json_t *json, struct str *bytes)
{
    struct str text;

    if (!read_text(reading, json, &text)) {
        return false;
    }
    size_t padding = str_ends_with(text, "==") ? 2 : str_ends_with(text, "=");
    size_t size = text.length / 4 * 3 - (text.length >= 4 ? padding : 0);
    uint8_t *data = arena_take(reading->arena, size + 1, reading->error);

    if (data == NULL) {
        return false;
    }
    if (!digest_from_base64(text.data, data, size)) {
        return error_set_named(reading->error, ERROR_INVALID, SERIALIZATION,
                               "Base64 encoded length is expected a multiple of 4 bytes of valid characters but found: "
                               "%zu",
                               text.length);
    }
    *bytes = str_slice((const char *)data, size);
    return true;
}

static bool read_number(struct reading *reading, const json_t *json, const struct decimal **number)
{
    struct decimal *made = arena_take(reading->arena, sizeof *made, reading->error);
    struct str text;

    if (made == NULL || !read_text(reading, json, &text)) {
        return false;
    }
    *number = made;
    if (text.length == 0) {
        return invalid(reading, "The parameter cannot be converted to a numeric value");
    }
    return decimal_parse(text, made, reading->error);
}

static bool read_scalar(struct reading *reading, const json_t *json, struct attribute *attribute)
{
    switch (attribute->type) {
    case ATTRIBUTE_STRING:
        return read_text(reading, json, &attribute->as.text);
    case ATTRIBUTE_BINARY:
        return read_binary(reading, json, &attribute->as.text);
    default:
        return read_number(reading, json, &attribute->as.number);
    }
}

static bool read_value(struct reading *reading, const json_t *json, unsigned depth, struct attribute *attribute);

static const char *const empty_sets[ATTRIBUTE_TYPES] = {
    [ATTRIBUTE_STRING_SET] = "One or more parameter values were invalid: An string set  may not be empty",
    [ATTRIBUTE_NUMBER_SET] = "One or more parameter values were invalid: An number set  may not be empty",
    [ATTRIBUTE_BINARY_SET] = "One or more parameter values were invalid: Binary sets should not be empty",
};

static bool read_set(struct reading *reading, const json_t *json, enum attribute_type element,
                     struct attribute *attribute)
{
    size_t count = json_array_size(json);
    struct attribute *items = arena_zeroed(reading->arena, (count + 1) * sizeof *items, reading->error);

    if (items == NULL) {
        return false;
    }
    if (!json_is_array(json)) {
        return error_set_named(reading->error, ERROR_INVALID, SERIALIZATION, "Unexpected field type");
    }
    if (count == 0) {
        return invalid(reading, empty_sets[attribute->type]);
    }
    for (size_t i = 0; i < count; i++) {
        items[i].type = element;
        if (!read_scalar(reading, json_array_get(json, i), &items[i])) {
            return false;
        }
    }
    attribute->as.list.items = items;
    attribute->as.list.count = count;
    return attribute_sort_set(items, count, reading->error);
}

static bool read_list(struct reading *reading, const json_t *json, unsigned depth, struct attribute *attribute)
{
    size_t count = json_array_size(json);
    struct attribute *items = arena_zeroed(reading->arena, (count + 1) * sizeof *items, reading->error);

    if (items == NULL) {
        return false;
    }
    if (!json_is_array(json)) {
        return error_set_named(reading->error, ERROR_INVALID, SERIALIZATION, "Unexpected field type");
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_value(reading, json_array_get(json, i), depth, &items[i])) {
            return false;
        }
    }
    attribute->as.list.items = items;
    attribute->as.list.count = count;
    return true;
}

static int compare_members(const void *a, const void *b)
{
    const struct attribute_member *first = a;
    const struct attribute_member *second = b;
    struct attribute x = {.type = ATTRIBUTE_STRING, .as.text = first->name};
    struct attribute y = {.type = ATTRIBUTE_STRING, .as.text = second->name};

    return attribute_compare(&x, &y);
}

static bool read_map(struct reading *reading, const json_t *json, unsigned depth, struct attribute *attribute)
{
    size_t count = json_object_size(json);
    struct attribute_member *members = arena_zeroed(reading->arena, (count + 1) * sizeof *members, reading->error);
    size_t i = 0;

    if (members == NULL) {
        return false;
    }
    if (!json_is_object(json)) {
        return error_set_named(reading->error, ERROR_INVALID, SERIALIZATION, "Unexpected field type");
    }
    for (void *at = json_object_iter((json_t *)(uintptr_t)json); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)json, at), i++) {
        struct str name = str_of(json_object_iter_key(at));

        members[i].name = (struct str){arena_text(reading->arena, name.data, name.length, reading->error), name.length};
        if (members[i].name.data != NULL && name.length == 0) {
            return invalid(reading, "Empty attribute name");
        }
        if (members[i].name.data == NULL ||
            !read_value(reading, json_object_iter_value(at), depth, &members[i].value)) {
            return false;
        }
    }
    if (count > 1) {
        qsort(members, count, sizeof *members, compare_members);
    }
    attribute->type = ATTRIBUTE_MAP;
    attribute->as.map.members = members;
    attribute->as.map.count = count;
    return true;
}

static bool read_bool(struct reading *reading, const json_t *json, struct attribute *attribute)
{
    if (!json_is_boolean(json)) {
        return error_set_named(reading->error, ERROR_INVALID, SERIALIZATION, "Unexpected token received from parser");
    }
    attribute->as.boolean = json_is_true(json);
    return attribute->type == ATTRIBUTE_BOOL || attribute->as.boolean ||
           invalid(reading, "One or more parameter values were invalid: Null attribute value types must have the value "
                            "of true");
}

/* The one member that names the type. */
static bool read_type(struct reading *reading, const json_t *json, enum attribute_type *type, const json_t **content)
{
    size_t found = 0;

    if (!json_is_object(json)) {
        return error_set_named(reading->error, ERROR_INVALID, SERIALIZATION, "Unexpected field type");
    }
    for (void *at = json_object_iter((json_t *)(uintptr_t)json); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)json, at)) {
        enum attribute_type named;

        if (attribute_type_of(json_object_iter_key(at), &named)) {
            *type = named;
            *content = json_object_iter_value(at);
            found++;
        }
    }
    return found == 1 ||
           invalid(reading, found == 0
                                ? "Supplied AttributeValue is empty, must contain exactly one of the supported "
                                  "datatypes"
                                : "Supplied AttributeValue has more than one datatypes set, must contain exactly "
                                  "one of the supported datatypes");
}

static bool read_value(struct reading *reading, const json_t *json, unsigned depth, struct attribute *attribute)
{
    const json_t *content = NULL;

    if (!read_type(reading, json, &attribute->type, &content)) {
        return false;
    }
    if (depth >= ATTRIBUTE_MAX_DEPTH) {
        return invalid(reading, "Nesting Levels have exceeded supported limits: Attributes in the item have nested "
                                "levels beyond supported limit");
    }
    switch (attribute->type) {
    case ATTRIBUTE_BOOL:
    case ATTRIBUTE_NULL:
        return read_bool(reading, content, attribute);
    case ATTRIBUTE_STRING_SET:
        return read_set(reading, content, ATTRIBUTE_STRING, attribute);
    case ATTRIBUTE_NUMBER_SET:
        return read_set(reading, content, ATTRIBUTE_NUMBER, attribute);
    case ATTRIBUTE_BINARY_SET:
        return read_set(reading, content, ATTRIBUTE_BINARY, attribute);
    case ATTRIBUTE_LIST:
        return read_list(reading, content, depth + 1, attribute);
    case ATTRIBUTE_MAP:
        return read_map(reading, content, depth + 1, attribute);
    default:
        return read_scalar(reading, content, attribute);
    }
}

bool attribute_from_json(const json_t *json, struct arena *arena, struct attribute *attribute, struct error *error)
{
    struct reading reading = {arena, error};

    return read_value(&reading, json, 0, attribute);
}

bool attribute_map_from_json(const json_t *json, struct arena *arena, struct attribute *map, struct error *error)
{
    struct reading reading = {arena, error};

    return read_map(&reading, json, 0, map);
}

/* Base 64 straight into the buffer. */
static void write_binary(struct buffer *out, struct str bytes)
{
    size_t size = (bytes.length + 2) / 3 * 4;
    char *room;

    buffer_append_char(out, '"');
    room = buffer_room(out, size + 1);
    if (room != NULL) {
        digest_base64((const uint8_t *)bytes.data, bytes.length, room);
        buffer_advance(out, size);
    }
    buffer_append_char(out, '"');
}

static void write_scalar(struct buffer *out, const struct attribute *attribute)
{
    char text[DECIMAL_TEXT_BYTES];

    if (attribute->type == ATTRIBUTE_STRING) {
        json_append_string(out, attribute->as.text);
    } else if (attribute->type == ATTRIBUTE_BINARY) {
        write_binary(out, attribute->as.text);
    } else {
        size_t length = decimal_text(attribute->as.number, text);

        buffer_append_char(out, '"');
        buffer_append(out, text, length);
        buffer_append_char(out, '"');
    }
}

void attribute_map_to_json(struct buffer *out, const struct attribute *map)
{
    buffer_append_char(out, '{');
    for (size_t i = 0; i < map->as.map.count; i++) {
        if (i > 0) {
            buffer_append_char(out, ',');
        }
        json_append_string(out, map->as.map.members[i].name);
        buffer_append_char(out, ':');
        attribute_to_json(out, &map->as.map.members[i].value);
    }
    buffer_append_char(out, '}');
}

static void write_list(struct buffer *out, const struct attribute *attribute)
{
    buffer_append_char(out, '[');
    for (size_t i = 0; i < attribute->as.list.count; i++) {
        if (i > 0) {
            buffer_append_char(out, ',');
        }
        if (attribute->type == ATTRIBUTE_LIST) {
            attribute_to_json(out, &attribute->as.list.items[i]);
        } else {
            write_scalar(out, &attribute->as.list.items[i]);
        }
    }
    buffer_append_char(out, ']');
}

void attribute_to_json(struct buffer *out, const struct attribute *attribute)
{
    buffer_append_text(out, "{\"");
    buffer_append_text(out, attribute_type_name(attribute->type));
    buffer_append_text(out, "\":");
    switch (attribute->type) {
    case ATTRIBUTE_STRING:
    case ATTRIBUTE_NUMBER:
    case ATTRIBUTE_BINARY:
        write_scalar(out, attribute);
        break;
    case ATTRIBUTE_BOOL:
        buffer_append_text(out, attribute->as.boolean ? "true" : "false");
        break;
    case ATTRIBUTE_NULL:
        buffer_append_text(out, "true");
        break;
    case ATTRIBUTE_MAP:
        attribute_map_to_json(out, attribute);
        break;
    default:
        write_list(out, attribute);
    }
    buffer_append_char(out, '}');
}
