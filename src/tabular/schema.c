#include "tabular/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "tabular/csv_source.h"
#include "tabular/pattern.h"
#include "tabular/schema_read.h"

static const char *const rule_names[RULE_COUNT] = {
    [RULE_REQUIRED] = "required",    [RULE_TYPE] = "type",
    [RULE_MINIMUM] = "minimum",      [RULE_MAXIMUM] = "maximum",
    [RULE_MIN_LENGTH] = "minLength", [RULE_MAX_LENGTH] = "maxLength",
    [RULE_PATTERN] = "pattern",      [RULE_ENUM] = "enum",
    [RULE_UNIQUE] = "unique",        [RULE_REFERENCE] = "reference",
    [RULE_CONDITION] = "condition",  [RULE_ENCODING] = "encoding",
    [RULE_FIELDS] = "fields",        [RULE_QUOTING] = "quoting",
};

const char *rule_name(enum rule rule)
{
    return rule_names[rule];
}

int schema_rule_of(const char *name)
{
    for (int rule = 0; rule < RULE_COUNT; rule++)
        if (strcmp(rule_names[rule], name) == 0) return rule;
    return -1;
}

bool schema_wrong(const struct schema_reader *reader, struct error *error, const char *where, const char *format, ...)
{
    char what[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(error, ERROR_INVALID, "%s: %s: %s", reader->name, where, what);
}

/* A string, number or boolean as text in the arena; a real number in the fewest digits that give it back. */
static bool read_scalar(const struct schema_reader *reader, json_t *json, const char *where, struct str *text,
                        struct error *error)
{
    char number[64];
    const char *from = number;
    size_t length;
    if (json_is_string(json)) {
        from = json_string_value(json);
        length = json_string_length(json);
    } else if (json_is_integer(json)) {
        length = (size_t)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
    } else if (json_is_real(json)) {
        int digits = 15;
        do length = (size_t)snprintf(number, sizeof number, "%.*g", digits, json_real_value(json));
        while (digits++ < 17 && strtod(number, NULL) != json_real_value(json));
    } else if (json_is_boolean(json)) {
        from = json_is_true(json) ? "true" : "false";
        length = strlen(from);
    } else {
        return schema_wrong(reader, error, where, "must be a string, a number or a boolean");
    }
    char *copy = arena_text(reader->arena, from, length, error);
    if (!copy) return false;
    *text = str_slice(copy, length);
    return true;
}

bool schema_read_texts(const struct schema_reader *reader, json_t *object, const char *key, const char *where,
                       struct str **texts, size_t *count, struct error *error)
{
    char place[200];
    snprintf(place, sizeof place, "%s: \"%s\"", where, key);
    json_t *list = json_object_get(object, key);
    *count = 0;
    if (!list) return true;
    size_t size = json_is_array(list) ? json_array_size(list) : 1;
    struct str *room = arena_take(reader->arena, (size + 1) * sizeof *room, error);
    if (!room) return false;
    for (size_t i = 0; i < size; i++) {
        json_t *element = json_is_array(list) ? json_array_get(list, i) : list;
        if (!read_scalar(reader, element, place, &room[i], error)) return false;
    }
    *texts = room;
    *count = size;
    return true;
}

bool schema_read_flag(const struct schema_reader *reader, json_t *object, const char *key, const char *where,
                      bool *value, struct error *error)
{
    json_t *flag = json_object_get(object, key);
    if (!flag) return true;
    if (!json_is_boolean(flag)) return schema_wrong(reader, error, where, "\"%s\" must be true or false", key);
    *value = json_is_true(flag);
    return true;
}

bool schema_read_text(const struct schema_reader *reader, json_t *object, const char *key, const char *where,
                      const char **text, struct error *error)
{
    json_t *member = json_object_get(object, key);
    *text = NULL;
    if (!member) return true;
    if (!json_is_string(member) || strlen(json_string_value(member)) != json_string_length(member))
        return schema_wrong(reader, error, where, "\"%s\" must be a string", key);
    *text = arena_text(reader->arena, json_string_value(member), json_string_length(member), error);
    return *text != NULL;
}

/* Takes the schema's missingValues; an empty text is always missing. */
static bool read_missing(const struct schema_reader *reader, json_t *json, struct error *error)
{
    struct schema *schema = reader->schema;
    if (!schema_read_texts(reader, json, "missingValues", "schema", &schema->missing, &schema->missing_count, error))
        return false;
    if (schema->missing_count == 0) {
        schema->missing = arena_zeroed(reader->arena, sizeof *schema->missing, error);
        if (!schema->missing) return false;
        schema->missing_count = 1;
    }
    for (size_t i = 0; i < schema->missing_count; i++)
        if (schema->missing[i].length == 0) return true;
    schema->missing[schema->missing_count++] = str_of("");
    return true;
}

/* Two fields must not claim one header name. */
static bool check_names(const struct schema_reader *reader, struct error *error)
{
    const struct schema *schema = reader->schema;
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];
        for (size_t a = 0; a <= field->alias_count; a++) {
            const char *name = a == 0 ? field->name : field->aliases[a - 1];
            for (size_t j = 0; j < i; j++) {
                const struct field *other = &schema->fields[j];
                bool taken = strcmp(other->name, name) == 0;
                for (size_t b = 0; b < other->alias_count; b++) taken = taken || strcmp(other->aliases[b], name) == 0;
                if (taken)
                    return schema_wrong(reader, error, "fields", "\"%s\" means both \"%s\" and \"%s\"", name,
                                        other->name, field->name);
            }
        }
    }
    return true;
}

static bool read_fields(const struct schema_reader *reader, json_t *json, struct error *error)
{
    struct schema *schema = reader->schema;
    json_t *fields = json_object_get(json, "fields");
    size_t count = json_array_size(fields);
    if (!json_is_array(fields) || count == 0)
        return schema_wrong(reader, error, "schema", "\"fields\" must be a list of at least one field");
    if (count > SCHEMA_FIELD_CEILING)
        return schema_wrong(reader, error, "schema", "%zu fields are more than %d", count, SCHEMA_FIELD_CEILING);
    schema->fields = arena_zeroed(reader->arena, count * sizeof *schema->fields, error);
    if (!schema->fields) return false;
    for (size_t i = 0; i < count; i++) {
        schema->field_count = i + 1;
        if (!schema_read_field(reader, json_array_get(fields, i), &schema->fields[i], error)) return false;
    }
    return check_names(reader, error);
}

/* A member that holds one byte, such as a delimiter. */
static bool read_byte(const struct schema_reader *reader, json_t *object, const char *key, char *byte,
                      struct error *error)
{
    const char *text;
    if (!schema_read_text(reader, object, key, "dialect", &text, error)) return false;
    if (!text) return true;
    if (strlen(text) > 1 || text[0] == '\n' || text[0] == '\r' || (unsigned char)text[0] >= 0x80)
        return schema_wrong(reader, error, "dialect", "\"%s\" must be one ASCII character", key);
    *byte = text[0];
    return true;
}

static bool read_dialect(const struct schema_reader *reader, json_t *json, struct error *error)
{
    struct schema *schema = reader->schema;
    schema->delimiter = ',';
    schema->quote = '"';
    json_t *dialect = json_object_get(json, "dialect");
    if (dialect && !json_is_object(dialect))
        return schema_wrong(reader, error, "schema", "\"dialect\" must be an object");
    if (!read_byte(reader, dialect, "delimiter", &schema->delimiter, error) ||
        !read_byte(reader, dialect, "quoteChar", &schema->quote, error))
        return false;
    if (schema->delimiter == 0 || schema->delimiter == schema->quote)
        return schema_wrong(reader, error, "dialect", "the delimiter must be a character other than the quote");
    const char *encoding;
    if (!schema_read_text(reader, json, "encoding", "schema", &encoding, error)) return false;
    if (!encoding || strcmp(encoding, "utf-8") == 0)
        schema->encoding = CSV_UTF8;
    else if (strcmp(encoding, "latin-1") == 0 || strcmp(encoding, "iso-8859-1") == 0)
        schema->encoding = CSV_LATIN1;
    else if (strcmp(encoding, "utf-16") == 0)
        schema->encoding = CSV_UTF16;
    else
        return schema_wrong(reader, error, "schema", "\"encoding\" must be utf-8, latin-1 or utf-16, is %s", encoding);
    return true;
}

static bool read_budget(const struct schema_reader *reader, json_t *json, struct error *error)
{
    struct schema *schema = reader->schema;
    schema->budget_count = UINT64_MAX;
    schema->budget_share = 1.0;
    json_t *budget = json_object_get(json, "rejectBudget");
    if (!budget) return true;
    json_t *count = json_object_get(budget, "count");
    json_t *share = json_object_get(budget, "share");
    if (!json_is_object(budget) || (!count && !share))
        return schema_wrong(reader, error, "rejectBudget", "must be an object with \"count\", \"share\" or both");
    if (count && (!json_is_integer(count) || json_integer_value(count) < 0))
        return schema_wrong(reader, error, "rejectBudget", "\"count\" must be a whole number from 0 on");
    if (share && (!json_is_number(share) || !(json_number_value(share) >= 0 && json_number_value(share) <= 1)))
        return schema_wrong(reader, error, "rejectBudget", "\"share\" must be a number from 0 to 1");
    schema->has_budget = true;
    if (count) schema->budget_count = (uint64_t)json_integer_value(count);
    if (share) schema->budget_share = json_number_value(share);
    return true;
}

static bool read_settings(const struct schema_reader *reader, json_t *json, struct error *error)
{
    struct schema *schema = reader->schema;
    const char *drift;
    struct str *match = NULL;
    if (!schema_read_text(reader, json, "drift", "schema", &drift, error) ||
        !schema_read_texts(reader, json, "match", "schema", &match, &schema->match_count, error))
        return false;
    if (!drift || strcmp(drift, "ignore") == 0)
        schema->drift = DRIFT_IGNORE;
    else if (strcmp(drift, "fail") == 0)
        schema->drift = DRIFT_FAIL;
    else if (strcmp(drift, "accept") == 0)
        schema->drift = DRIFT_ACCEPT;
    else
        return schema_wrong(reader, error, "schema", "\"drift\" must be fail, ignore or accept, is %s", drift);
    schema->match = arena_zeroed(reader->arena, (schema->match_count + 1) * sizeof *schema->match, error);
    if (!schema->match) return false;
    for (size_t i = 0; i < schema->match_count; i++) schema->match[i] = match[i].data;
    return read_dialect(reader, json, error) && read_budget(reader, json, error);
}

/* The last part of a path without its ending. */
static const char *stem_of(struct arena *arena, const char *path, struct error *error)
{
    const char *slash = strrchr(path, '/');
    const char *start = slash ? slash + 1 : path;
    const char *dot = strrchr(start, '.');
    return arena_text(arena, start, dot && dot > start ? (size_t)(dot - start) : strlen(start), error);
}

static bool compile(const struct schema_reader *reader, json_t *json, struct error *error)
{
    struct schema *schema = reader->schema;
    if (!json_is_object(json)) return schema_wrong(reader, error, "schema", "must be a JSON object with \"fields\"");
    if (!schema_read_text(reader, json, "name", "schema", &schema->name, error)) return false;
    if (!schema->name) schema->name = stem_of(reader->arena, reader->name, error);
    return schema->name && read_missing(reader, json, error) && read_fields(reader, json, error) &&
           read_settings(reader, json, error) && schema_read_relations(reader, json, error) &&
           schema_read_order(reader, json, error);
}

struct schema *schema_compile(struct arena *arena, const void *json, const char *name, struct error *error)
{
    struct schema *schema = arena_zeroed(arena, sizeof *schema, error);
    if (!schema) return NULL;
    struct schema_reader reader = {.arena = arena, .name = name, .schema = schema};
    /* The tree is only read; jansson's accessors take it without const. */
    if (!compile(&reader, (json_t *)(uintptr_t)json, error)) {
        schema_free(schema);
        return NULL;
    }
    return schema;
}

struct schema *schema_load(struct arena *arena, const char *path, struct error *error)
{
    json_t *json = json_read_file(path, error);
    if (!json) return NULL;
    struct schema *schema = schema_compile(arena, json, path, error);
    json_decref(json);
    return schema;
}

void schema_free(struct schema *schema)
{
    if (!schema) return;
    for (size_t i = 0; i < schema->field_count; i++) {
        pattern_free(schema->fields[i].pattern);
        schema->fields[i].pattern = NULL;
    }
}
