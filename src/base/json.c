#include "base/json.h"

#include <string.h>

#include "base/file.h"

json_t *json_read(const char *data, size_t size, const char *name, struct error *error)
{
    json_error_t place;
    json_t *value = json_loadb(data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &place);

    if (value == NULL) {
        error_set(error, json_error_code(&place) == json_error_out_of_memory ? ERROR_MEMORY : ERROR_INVALID,
                  "%s, line %d, column %d: not valid JSON: %s", name, place.line, place.column, place.text);
    }
    return value;
}

json_t *json_read_file(const char *path, struct error *error)
{
    struct buffer text __attribute__((cleanup(buffer_free)));

    buffer_init(&text, (size_t)64 * 1024 * 1024);
    if (!file_load(path, &text, error)) {
        return NULL;
    }
    return json_read(text.data, text.length, path, error);
}

static const char *type_name(json_type type)
{
    switch (type) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        return "null";
    }
    return "a value";
}

/* A wanted true takes false too, and a wanted real a whole number. */
static bool has_type(const json_t *value, json_type type)
{
    switch (type) {
    case JSON_TRUE:
    case JSON_FALSE:
        return json_is_boolean(value);
    case JSON_REAL:
        return json_is_number(value);
    default:
        return json_typeof(value) == type;
    }
}

json_t *json_need(json_t *object, const char *key, json_type type, const char *name, struct error *error)
{
    if (!json_is_object(object)) {
        error_set(error, ERROR_INVALID, "%s must be an object", name);
        return NULL;
    }
    json_t *value = json_object_get(object, key);

    if (value == NULL) {
        error_set(error, ERROR_INVALID, "%s: \"%s\" is missing; it must be %s", name, key, type_name(type));
        return NULL;
    }
    if (!has_type(value, type)) {
        error_set(error, ERROR_INVALID, "%s: \"%s\" must be %s", name, key, type_name(type));
        return NULL;
    }
    return value;
}

const char *json_text_or(json_t *object, const char *key, const char *fallback, const char *name, struct error *error)
{
    json_t *value = json_object_get(object, key);

    if (value == NULL) {
        return fallback;
    }
    if (!json_is_string(value)) {
        error_set(error, ERROR_INVALID, "%s: \"%s\" must be a string", name, key);
        return NULL;
    }
    return json_string_value(value);
}

/* The known key that is fewest edits away, or NULL when none is near enough to be meant. */
static const char *nearest(const char *key, const char *const *known)
{
    const char *best = NULL;
    size_t least = strlen(key) / 3 + 2;

    for (; *known != NULL; known++) {
        size_t distance = str_distance(str_of(key), str_of(*known));

        if (distance < least) {
            least = distance;
            best = *known;
        }
    }
    return best;
}

bool json_only(json_t *object, const char *const *known, const char *name, struct error *error)
{
    const char *key = NULL;
    json_t *value = NULL;

    json_object_foreach (object, key, value) {
        size_t i = 0;

        while (known[i] != NULL && strcmp(known[i], key) != 0) {
            i++;
        }
        if (known[i] == NULL) {
            const char *meant = nearest(key, known);

            error_set(error, ERROR_INVALID, "%s: \"%s\" is not known here", name, key);
            return meant != NULL ? error_set(error, ERROR_INVALID, "%s: \"%s\" is not known here; did you mean \"%s\"?",
                                             name, key, meant)
                                 : false;
        }
    }
    return true;
}

/* Appends bytes that are well-formed UTF-8. */
static void append_escaped(struct buffer *buffer, struct str text)
{
    size_t from = 0;

    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        buffer_append(buffer, text.data + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\') {
            buffer_append_char(buffer, '\\');
            buffer_append_char(buffer, (char)c);
        } else if (c == '\n') {
            buffer_append_text(buffer, "\\n");
        } else {
            buffer_append_format(buffer, "\\u%04x", c);
        }
    }
    buffer_append(buffer, text.data + from, text.length - from);
}

void json_append_string(struct buffer *buffer, struct str text)
{
    size_t wrong = 0;

    buffer_append_char(buffer, '"');
    while (!str_is_utf8(text, &wrong)) {
        append_escaped(buffer, str_slice(text.data, wrong));
        buffer_append_text(buffer, "\xEF\xBF\xBD");
        text = str_slice(text.data + wrong + 1, text.length - wrong - 1);
    }
    append_escaped(buffer, text);
    buffer_append_char(buffer, '"');
}
