#include "base/json.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"

enum { MAXIMUM_FILE_BYTES = 64 * 1024 * 1024 };

/* jansson takes some failed allocations for syntax errors, and loses a character of the text after others, so its
 * allocator counts those that failed. */
static _Thread_local uint64_t failures;

static void *allocate(size_t size)
{
    void *bytes = memory_array(size, 1, NULL);

    failures += bytes == NULL;
    return bytes;
}

static __attribute__((constructor)) void use_house_memory(void)
{
    json_set_alloc_funcs(allocate, memory_free);
}

static json_t *read_bytes(const char *data, size_t size, const char *name, size_t flags, struct error *error)
{
    json_error_t place;
    uint64_t before = failures;
    json_t *value = json_loadb(data, size, flags | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &place);

    if (failures != before) {
        json_decref(value);
        error_set(error, ERROR_MEMORY, "out of memory while reading %s of %zu bytes", name, size);
        return NULL;
    }
    if (value == NULL) {
        error_set(error, ERROR_INVALID, "%s, line %d, column %d: not valid JSON: %s", name, place.line, place.column,
                  place.text);
    }
    return value;
}

json_t *json_read(const char *data, size_t size, const char *name, struct error *error)
{
    return read_bytes(data, size, name, 0, error);
}

json_t *json_read_data(const char *data, size_t size, const char *name, struct error *error)
{
    return read_bytes(data, size, name, JSON_ALLOW_NUL, error);
}

json_t *json_read_file(const char *path, struct error *error)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {.ceiling = MAXIMUM_FILE_BYTES};

    if (!file_load(path, &text, error)) {
        return NULL;
    }
    return json_read(text.data, text.length, path, error);
}

uint64_t json_failures(void)
{
    return failures;
}

bool json_built(uint64_t before, struct error *error)
{
    return failures == before || error_set(error, ERROR_MEMORY, "out of memory while putting a JSON value together");
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

static int append_portion(const char *data, size_t size, void *context)
{
    struct buffer *buffer = context;

    buffer_append(buffer, data, size);
    return buffer->failed ? -1 : 0;
}

void json_append(struct buffer *buffer, const json_t *value, size_t flags)
{
    if (json_dump_callback(value, append_portion, buffer, flags | JSON_ENCODE_ANY) != 0) {
        buffer->failed = true;
    }
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

void json_append_member(struct buffer *buffer, const char *key, const char *text)
{
    buffer_append_format(buffer, ", \"%s\": ", key);
    if (text != NULL) {
        json_append_string(buffer, str_of(text));
    } else {
        buffer_append_text(buffer, "null");
    }
}
