#include "http/s3/shape.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json.h"
#include "http/date.h"

static const char xsi_namespace[] = " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"";

static bool malformed(struct error *error, const struct xml_element *element, const char *what)
{
    return error_set_named(error, ERROR_INVALID, "MalformedXML",
                           "The XML you provided was not well-formed or did not validate against our published schema: "
                           "%s %s",
                           element->name, what);
}

static const struct shape_member *find_member(const struct shape_member *members, const char *element)
{
    for (; members->element != NULL; members++) {
        if (members->kind != SHAPE_TYPE && strcmp(members->element, element) == 0) {
            return members;
        }
    }
    return NULL;
}

static json_t *read_members(const struct shape_member *members, const struct xml_element *element, struct error *error);

static json_t *read_text(const struct shape_member *member, const struct xml_element *element, struct error *error)
{
    size_t i = 0;

    while (member->values != NULL && member->values[i] != NULL && strcmp(member->values[i], element->text) != 0) {
        i++;
    }
    if (member->values != NULL && member->values[i] == NULL) {
        malformed(error, element, "has a value that it may not have");
        return NULL;
    }
    return json_string(element->text);
}

static json_t *read_number(const struct xml_element *element, struct error *error)
{
    struct str text = str_trim(str_of(element->text));
    int64_t value = 0;
    bool good = text.length > 0;

    for (size_t i = 0; good && i < text.length; i++) {
        good = text.data[i] >= '0' && text.data[i] <= '9' && !__builtin_mul_overflow(value, 10, &value) &&
               !__builtin_add_overflow(value, text.data[i] - '0', &value);
    }
    if (!good) {
        malformed(error, element, "must be a whole number");
        return NULL;
    }
    return json_integer(value);
}

static json_t *read_bool(const struct xml_element *element, struct error *error)
{
    struct str text = str_trim(str_of(element->text));

    if (text.length == 4 && strncasecmp(text.data, "true", 4) == 0) {
        return json_true();
    }
    if (text.length == 5 && strncasecmp(text.data, "false", 5) == 0) {
        return json_false();
    }
    malformed(error, element, "must be true or false");
    return NULL;
}

static json_t *read_time(const struct xml_element *element, struct error *error)
{
    int64_t time_us = 0;
    char text[32];

    if (!http_date_parse(element->text, &time_us)) {
        malformed(error, element, "must be a date and time such as 2025-07-01T00:00:00Z");
        return NULL;
    }
    clock_format_rfc3339(time_us, text);
    return json_string(text);
}

/* NULL for want of memory has no error yet: json_built tells it at the end. */
static json_t *read_value(const struct shape_member *member, const struct xml_element *element, struct error *error)
{
    switch (member->kind) {
    case SHAPE_TEXT:
    case SHAPE_TYPE:
        return read_text(member, element, error);
    case SHAPE_NUMBER:
        return read_number(element, error);
    case SHAPE_BOOL:
        return read_bool(element, error);
    case SHAPE_TIME:
        return read_time(element, error);
    case SHAPE_STRUCT:
        return read_members(member->members, element, error);
    }
    return NULL;
}

static json_t *list_of(json_t *object, const char *member)
{
    json_t *list = json_object_get(object, member);

    if (list == NULL) {
        json_object_set_new(object, member, json_array());
        list = json_object_get(object, member);
    }
    return list;
}

static bool read_items(const struct shape_member *member, const struct xml_element *element, json_t *list,
                       struct error *error)
{
    for (const struct xml_element *item = element->first_child; item != NULL; item = item->next) {
        if (strcmp(item->name, member->item) != 0) {
            return malformed(error, item, "is not known here");
        }
        json_t *value = read_value(member, item, error);

        if (value == NULL) {
            return false;
        }
        json_array_append_new(list, value);
    }
    return true;
}

static bool read_member(const struct shape_member *members, const struct xml_element *element, json_t *object,
                        struct error *error)
{
    const struct shape_member *member = find_member(members, element->name);

    if (member == NULL) {
        return malformed(error, element, "is not known here");
    }
    if (json_object_get(object, member->member) != NULL && (!member->list || member->item != NULL)) {
        return malformed(error, element, "is given twice");
    }
    if (member->list && member->item != NULL) {
        return read_items(member, element, list_of(object, member->member), error);
    }
    json_t *value = read_value(member, element, error);

    if (value == NULL) {
        return false;
    }
    if (member->list) {
        json_array_append_new(list_of(object, member->member), value);
    } else {
        json_object_set_new(object, member->member, value);
    }
    return true;
}

static bool read_type(const struct shape_member *member, const struct xml_element *element, json_t *object,
                      struct error *error)
{
    const struct xml_element typed = {.name = "xsi:type", .text = element->type != NULL ? element->type : ""};
    json_t *value = read_text(member, &typed, error);

    json_object_set_new(object, member->member, value);
    return value != NULL;
}

static bool check_needed(const struct shape_member *members, const struct xml_element *element, json_t *object,
                         struct error *error)
{
    for (; members->element != NULL; members++) {
        if (members->kind == SHAPE_TYPE && !read_type(members, element, object, error)) {
            return false;
        }
        if (members->needed && json_object_get(object, members->member) == NULL) {
            return error_set_named(
                error, ERROR_INVALID, "MalformedXML",
                "The XML you provided was not well-formed or did not validate against our published schema: "
                "%s lacks %s",
                element->name, members->element);
        }
    }
    return true;
}

static json_t *read_members(const struct shape_member *members, const struct xml_element *element, struct error *error)
{
    json_t *object = json_object();

    for (const struct xml_element *child = element->first_child; child != NULL; child = child->next) {
        if (!read_member(members, child, object, error)) {
            json_decref(object);
            return NULL;
        }
    }
    if (!check_needed(members, element, object, error)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

json_t *shape_from_xml(const struct shape *shape, const void *data, size_t size, struct arena *arena,
                       struct error *error)
{
    const struct xml_element *root = xml_read(data, size, arena, error);
    uint64_t before = json_failures();

    if (root == NULL) {
        return NULL;
    }
    if (strcmp(root->name, shape->root) != 0) {
        error_set_named(error, ERROR_INVALID, "MalformedXML",
                        "The XML you provided was not well-formed or did not validate against our published schema: "
                        "it is a %s, not a %s",
                        root->name, shape->root);
        return NULL;
    }
    json_t *value = read_members(shape->members, root, error);

    if (!json_built(before, error)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

static void write_members(const struct shape_member *members, const json_t *object, struct buffer *out);

/* The start of an element, with its type where it has one. */
static void open_element(const char *element, const struct shape_member *member, const json_t *value,
                         struct buffer *out)
{
    const struct shape_member *first = member->kind == SHAPE_STRUCT ? member->members : NULL;
    const char *type =
        first != NULL && first->kind == SHAPE_TYPE ? json_string_value(json_object_get(value, first->member)) : NULL;

    if (type == NULL) {
        xml_open(out, element);
        return;
    }
    buffer_append_char(out, '<');
    buffer_append_text(out, element);
    buffer_append_text(out, xsi_namespace);
    buffer_append_text(out, type);
    buffer_append_text(out, "\">");
}

static void write_value(const char *element, const struct shape_member *member, const json_t *value, struct buffer *out)
{
    switch (member->kind) {
    case SHAPE_TEXT:
    case SHAPE_TIME:
        xml_leaf_text(out, element, json_string_value(value));
        break;
    case SHAPE_NUMBER:
        xml_leaf_number(out, element, json_integer_value(value));
        break;
    case SHAPE_BOOL:
        xml_leaf_bool(out, element, json_is_true(value));
        break;
    case SHAPE_STRUCT:
        open_element(element, member, value, out);
        write_members(member->members, value, out);
        xml_close(out, element);
        break;
    case SHAPE_TYPE:
        break;
    }
}

static void write_members(const struct shape_member *members, const json_t *object, struct buffer *out)
{
    for (; members->element != NULL; members++) {
        const json_t *value = json_object_get(object, members->member);
        size_t count = members->list ? json_array_size(value) : 0;

        if (value == NULL) {
            continue;
        }
        if (!members->list) {
            write_value(members->element, members, value, out);
            continue;
        }
        if (members->item != NULL) {
            xml_open(out, members->element);
        }
        for (size_t i = 0; i < count; i++) {
            write_value(members->item != NULL ? members->item : members->element, members, json_array_get(value, i),
                        out);
        }
        if (members->item != NULL) {
            xml_close(out, members->element);
        }
    }
}

void shape_to_xml(const struct shape *shape, const json_t *value, struct buffer *out)
{
    xml_declare(out);
    xml_open_root(out, shape->root);
    write_members(shape->members, value, out);
    xml_close(out, shape->root);
}
