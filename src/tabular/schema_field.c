/* One element of a schema's "fields", compiled. */
#include <stdio.h>

#include "tabular/datetime.h"
#include "tabular/pattern.h"
#include "tabular/schema_read.h"

#define SCALE_DEFAULT 6

/* clang-format off */
static const struct {
    const char *name;
    enum field_type type;
    enum column_kind kind;
    enum text_form form;
} types[] = {
    {"string", FIELD_STRING, COLUMN_TEXT, FORM_NONE},
    {"integer", FIELD_INTEGER, COLUMN_INTEGER, FORM_NONE},
    {"number", FIELD_NUMBER, COLUMN_DECIMAL, FORM_NONE},
    {"boolean", FIELD_BOOLEAN, COLUMN_BOOLEAN, FORM_NONE},
    {"date", FIELD_DATE, COLUMN_DATE, FORM_NONE},
    {"datetime", FIELD_DATETIME, COLUMN_TIMESTAMP, FORM_NONE},
    {"time", FIELD_TIME, COLUMN_INTEGER, FORM_NONE},
    {"year", FIELD_YEAR, COLUMN_INTEGER, FORM_NONE},
    {"yearmonth", FIELD_YEARMONTH, COLUMN_INTEGER, FORM_NONE},
    {"duration", FIELD_DURATION, COLUMN_TEXT, FORM_DURATION},
    {"object", FIELD_OBJECT, COLUMN_TEXT, FORM_OBJECT},
    {"array", FIELD_ARRAY, COLUMN_TEXT, FORM_ARRAY},
    {"geopoint", FIELD_GEOPOINT, COLUMN_TEXT, FORM_GEOPOINT},
    {"geojson", FIELD_GEOJSON, COLUMN_TEXT, FORM_GEOJSON},
    {"any", FIELD_ANY, COLUMN_TEXT, FORM_NONE},
};

/* The formats of types that stay texts. */
static const struct {
    const char *name;
    enum field_type type;
    enum text_form form;
} formats[] = {
    {"email", FIELD_STRING, FORM_EMAIL},
    {"uri", FIELD_STRING, FORM_URI},
    {"uuid", FIELD_STRING, FORM_UUID},
    {"binary", FIELD_STRING, FORM_BINARY},
    {"array", FIELD_GEOPOINT, FORM_GEOPOINT_ARRAY},
    {"object", FIELD_GEOPOINT, FORM_GEOPOINT_OBJECT},
    {"topojson", FIELD_GEOJSON, FORM_TOPOJSON},
};
/* clang-format on */

/* One field on its way through the functions below. */
struct field_reader {
    const struct schema_reader *schema;
    json_t *json;
    json_t *constraints; /* NULL: none */
    const char *where;
    struct field *field;
};

static bool is_text(const struct field *field)
{
    return field->kind == COLUMN_TEXT || field->kind == COLUMN_TERM;
}

static bool read_type(const struct field_reader *reader, struct error *error)
{
    struct field *field = reader->field;
    const char *name;
    bool intern = false;
    if (!schema_read_text(reader->schema, reader->json, "type", reader->where, &name, error) ||
        !schema_read_flag(reader->schema, reader->json, "intern", reader->where, &intern, error))
        return false;
    const char *wanted = name ? name : "string";
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].name, wanted) == 0) {
            field->type = types[i].type;
            field->kind = types[i].kind;
            field->form = types[i].form;
            if (intern && !is_text(field))
                return schema_wrong(reader->schema, error, reader->where, "\"intern\" is for strings, not for %s",
                                    wanted);
            if (intern) field->kind = COLUMN_TERM;
            return true;
        }
    }
    return schema_wrong(reader->schema, error, reader->where,
                        "unknown type \"%s\"; known are string, integer, number, boolean, date, datetime, time, year, "
                        "yearmonth, duration, object, array, geopoint, geojson and any",
                        wanted);
}

/* A format of a type that stays a text. */
static bool set_text_form(const struct field_reader *reader, const char *format, struct error *error)
{
    struct field *field = reader->field;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (formats[i].type == field->type && strcmp(formats[i].name, format) == 0) {
            field->form = formats[i].form;
            return true;
        }
    }
    return schema_wrong(reader->schema, error, reader->where, "the format \"%s\" is not known for this type", format);
}

static bool read_format(const struct field_reader *reader, struct error *error)
{
    struct field *field = reader->field;
    const char *format;
    if (!schema_read_text(reader->schema, reader->json, "format", reader->where, &format, error)) return false;
    if (!format || strcmp(format, "default") == 0) return true;
    if (field->type != FIELD_DATE && field->type != FIELD_DATETIME && field->type != FIELD_TIME)
        return set_text_form(reader, format, error);
    field->format = strncmp(format, "fmt:", 4) == 0 ? format + 4 : format;
    if (strcmp(format, "any") == 0) return true;
    const char *problem = timestamp_format_problem(field->format);
    if (!problem && strchr(field->format, '%')) return true;
    return schema_wrong(reader->schema, error, reader->where,
                        "the format \"%s\" is neither \"default\" nor \"any\" nor made of strptime's directives%s%.2s",
                        format, problem ? ": unknown is " : "", problem ? problem : "");
}

/* One character of a number's form. */
static bool read_mark(const struct field_reader *reader, const char *key, char *mark, struct error *error)
{
    const char *text;
    if (!schema_read_text(reader->schema, reader->json, key, reader->where, &text, error)) return false;
    if (!text || (text[0] == 0 && strcmp(key, "groupChar") == 0)) return true;
    bool wrong = strlen(text) != 1 || strchr("+-eE", text[0]) || (text[0] >= '0' && text[0] <= '9');
    if (wrong || (unsigned char)text[0] >= 0x80)
        return schema_wrong(reader->schema, error, reader->where,
                            "\"%s\" must be one ASCII character that no number has", key);
    *mark = text[0];
    return true;
}

static bool read_number_form(const struct field_reader *reader, struct error *error)
{
    struct field *field = reader->field;
    field->number = number_format_default;
    field->scale = field->type == FIELD_NUMBER ? SCALE_DEFAULT : 0;
    if (!read_mark(reader, "decimalChar", &field->number.decimal, error) ||
        !read_mark(reader, "groupChar", &field->number.group, error) ||
        !schema_read_flag(reader->schema, reader->json, "bareNumber", reader->where, &field->number.bare, error))
        return false;
    if (field->number.decimal == field->number.group)
        return schema_wrong(reader->schema, error, reader->where, "decimalChar and groupChar are the same");
    json_t *scale = json_object_get(reader->json, "scale");
    if (!scale) return true;
    if (field->type != FIELD_NUMBER || !json_is_integer(scale) || json_integer_value(scale) < 0 ||
        json_integer_value(scale) > NUMBER_SCALE_MAX)
        return schema_wrong(reader->schema, error, reader->where,
                            "\"scale\" is for numbers and must be a whole number from 0 to %d", NUMBER_SCALE_MAX);
    field->scale = (int)json_integer_value(scale);
    return true;
}

static bool read_boolean_form(const struct field_reader *reader, struct error *error)
{
    static const char *const trues[] = {"true", "True", "TRUE", "1"};
    static const char *const falses[] = {"false", "False", "FALSE", "0"};
    struct field *field = reader->field;
    if (field->type != FIELD_BOOLEAN) return true;
    if (!schema_read_texts(reader->schema, reader->json, "trueValues", reader->where, &field->trues, &field->true_count,
                           error) ||
        !schema_read_texts(reader->schema, reader->json, "falseValues", reader->where, &field->falses,
                           &field->false_count, error))
        return false;
    struct arena *arena = reader->schema->arena;
    struct str *standard = arena_take(arena, 8 * sizeof *standard, error);
    if (!standard) return false;
    for (size_t i = 0; i < 4; i++) {
        standard[i] = str_of(trues[i]);
        standard[4 + i] = str_of(falses[i]);
    }
    if (field->true_count == 0) {
        field->trues = standard;
        field->true_count = 4;
    }
    if (field->false_count == 0) {
        field->falses = standard + 4;
        field->false_count = 4;
    }
    return true;
}

/* A text that must be a value of the field, such as a bound; numbers stand as in JSON, however the column has them. */
static bool parse_value(const struct field_reader *reader, struct str text, const char *what, int64_t *value,
                        struct error *error)
{
    enum number_result result;
    struct field plain = *reader->field;
    plain.number = number_format_default;
    if (field_parse(&plain, text, value, &result)) return true;
    return schema_wrong(reader->schema, error, reader->where, "%s %.*s is not a value of the field's type%s", what,
                        (int)(text.length > 80 ? 80 : text.length), text.data,
                        result == NUMBER_TOO_FINE ? ": raise its \"scale\"" : "");
}

static bool read_bound(const struct field_reader *reader, const char *key, bool *has, int64_t *bound,
                       struct error *error)
{
    struct str *texts = NULL;
    size_t count;
    if (!schema_read_texts(reader->schema, reader->constraints, key, reader->where, &texts, &count, error))
        return false;
    if (count == 0) return true;
    if (count > 1 || is_text(reader->field) || reader->field->type == FIELD_BOOLEAN)
        return schema_wrong(reader->schema, error, reader->where,
                            "\"%s\" takes one bound, and is for numbers, dates and times", key);
    if (*has)
        return schema_wrong(reader->schema, error, reader->where, "\"%s\" is a second bound on the same side", key);
    *has = true;
    return parse_value(reader, texts[0], key, bound, error);
}

static bool read_bounds(const struct field_reader *reader, struct error *error)
{
    struct field *field = reader->field;
    field->exclusive_minimum = json_object_get(reader->constraints, "exclusiveMinimum") != NULL;
    field->exclusive_maximum = json_object_get(reader->constraints, "exclusiveMaximum") != NULL;
    return read_bound(reader, "minimum", &field->has_minimum, &field->minimum, error) &&
           read_bound(reader, "exclusiveMinimum", &field->has_minimum, &field->minimum, error) &&
           read_bound(reader, "maximum", &field->has_maximum, &field->maximum, error) &&
           read_bound(reader, "exclusiveMaximum", &field->has_maximum, &field->maximum, error);
}

static bool read_length(const struct field_reader *reader, const char *key, uint32_t *length, struct error *error)
{
    json_t *json = json_object_get(reader->constraints, key);
    if (!json) return true;
    if (!json_is_integer(json) || json_integer_value(json) < 0 || json_integer_value(json) > UINT32_MAX)
        return schema_wrong(reader->schema, error, reader->where, "\"%s\" must be a whole number from 0 on", key);
    *length = (uint32_t)json_integer_value(json);
    reader->field->has_lengths = true;
    return true;
}

static bool read_enum(const struct field_reader *reader, struct error *error)
{
    struct field *field = reader->field;
    if (!schema_read_texts(reader->schema, reader->constraints, "enum", reader->where, &field->enums,
                           &field->enum_count, error))
        return false;
    if (field->enum_count == 0 || is_text(field)) return true;
    field->enum_values = arena_take(reader->schema->arena, field->enum_count * sizeof *field->enum_values, error);
    if (!field->enum_values) return false;
    for (size_t i = 0; i < field->enum_count; i++)
        if (!parse_value(reader, field->enums[i], "enum", &field->enum_values[i], error)) return false;
    return true;
}

static bool read_pattern(const struct field_reader *reader, struct error *error)
{
    const char *expression;
    if (!schema_read_text(reader->schema, reader->constraints, "pattern", reader->where, &expression, error))
        return false;
    if (!expression) return true;
    reader->field->pattern = pattern_new(expression, error);
    return reader->field->pattern || error_prefix(error, "%s: %s", reader->schema->name, reader->where);
}

static bool read_constraints(const struct field_reader *reader, struct error *error)
{
    static const char *const known[] = {"required",         "unique",    "minimum",   "maximum", "exclusiveMinimum",
                                        "exclusiveMaximum", "minLength", "maxLength", "pattern", "enum"};
    struct field *field = reader->field;
    if (reader->constraints && !json_is_object(reader->constraints))
        return schema_wrong(reader->schema, error, reader->where, "\"constraints\" must be an object");
    const char *key;
    json_t *ignored;
    json_object_foreach (reader->constraints, key, ignored) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) found = found || strcmp(known[i], key) == 0;
        if (!found) return schema_wrong(reader->schema, error, reader->where, "unknown constraint \"%s\"", key);
    }
    field->max_length = UINT32_MAX;
    return schema_read_flag(reader->schema, reader->constraints, "required", reader->where, &field->required, error) &&
           schema_read_flag(reader->schema, reader->constraints, "unique", reader->where, &field->unique, error) &&
           read_bounds(reader, error) && read_length(reader, "minLength", &field->min_length, error) &&
           read_length(reader, "maxLength", &field->max_length, error) && read_pattern(reader, error) &&
           read_enum(reader, error);
}

static bool read_severity(const struct field_reader *reader, struct error *error)
{
    json_t *object = json_object_get(reader->json, "severity");
    if (object && !json_is_object(object))
        return schema_wrong(reader->schema, error, reader->where, "\"severity\" must be an object of rule names");
    const char *key;
    json_t *value;
    json_object_foreach (object, key, value) {
        int rule = schema_rule_of(key);
        const char *text = json_string_value(value);
        bool warning = text && strcmp(text, "warning") == 0;
        if (rule < 0 || rule >= RULE_CONDITION || !text || (!warning && strcmp(text, "error") != 0))
            return schema_wrong(reader->schema, error, reader->where,
                                "\"severity\" of \"%s\" must be a constraint's name with \"error\" or \"warning\"",
                                key);
        reader->field->warning[rule] = warning;
    }
    return true;
}

static bool read_messages(const struct field_reader *reader, struct error *error)
{
    json_t *object = json_object_get(reader->json, "messages");
    if (object && !json_is_object(object))
        return schema_wrong(reader->schema, error, reader->where, "\"messages\" must be an object of rule names");
    const char *key;
    json_t *value;
    json_object_foreach (object, key, value) {
        int rule = schema_rule_of(key);
        if (rule < 0) return schema_wrong(reader->schema, error, reader->where, "\"messages\" has no rule \"%s\"", key);
        if (!schema_read_text(reader->schema, object, key, reader->where, &reader->field->message[rule], error))
            return false;
    }
    return true;
}

static bool read_names(const struct field_reader *reader, struct error *error)
{
    struct field *field = reader->field;
    struct str *aliases = NULL;
    field->trim = true;
    if (!schema_read_texts(reader->schema, reader->json, "aliases", reader->where, &aliases, &field->alias_count,
                           error) ||
        !schema_read_flag(reader->schema, reader->json, "optional", reader->where, &field->optional, error) ||
        !schema_read_flag(reader->schema, reader->json, "trim", reader->where, &field->trim, error))
        return false;
    field->aliases = arena_zeroed(reader->schema->arena, (field->alias_count + 1) * sizeof *field->aliases, error);
    if (!field->aliases) return false;
    for (size_t i = 0; i < field->alias_count; i++) field->aliases[i] = aliases[i].data;
    return true;
}

static bool read_missing(const struct field_reader *reader, struct error *error)
{
    struct field *field = reader->field;
    field->missing = reader->schema->schema->missing;
    field->missing_count = reader->schema->schema->missing_count;
    size_t count;
    if (!json_object_get(reader->json, "missingValues")) return true;
    if (!schema_read_texts(reader->schema, reader->json, "missingValues", reader->where, &field->missing, &count,
                           error))
        return false;
    field->missing[count] = str_of("");
    field->missing_count = count + 1;
    return true;
}

static bool read_default(const struct field_reader *reader, struct error *error)
{
    struct field *field = reader->field;
    struct str *texts = NULL;
    size_t count;
    if (!schema_read_texts(reader->schema, reader->json, "default", reader->where, &texts, &count, error)) return false;
    if (count == 0) return true;
    if (count > 1) return schema_wrong(reader->schema, error, reader->where, "\"default\" must be one value");
    struct verdict verdict;
    field_judge(reader->schema->schema, field, texts[0], NULL, &verdict);
    if (verdict.failed) return error_set(error, ERROR_MEMORY, "no memory to judge a default");
    if (!verdict.present || verdict.broken)
        return schema_wrong(reader->schema, error, reader->where, "the default %.*s breaks the field's own rules",
                            (int)(texts[0].length > 80 ? 80 : texts[0].length), texts[0].data);
    field->has_default = true;
    field->default_text = verdict.text;
    field->default_value = verdict.value;
    return true;
}

bool schema_read_field(const struct schema_reader *schema, json_t *json, struct field *field, struct error *error)
{
    if (!json_is_object(json))
        return schema_wrong(schema, error, "fields", "each must be an object with \"name\" and \"type\"");
    if (!schema_read_text(schema, json, "name", "fields", &field->name, error)) return false;
    if (!field->name || !field->name[0]) return schema_wrong(schema, error, "fields", "each must have a \"name\"");
    char where[160];
    snprintf(where, sizeof where, "field \"%s\"", field->name);
    struct field_reader reader = {.schema = schema,
                                  .json = json,
                                  .constraints = json_object_get(json, "constraints"),
                                  .where = where,
                                  .field = field};
    return read_names(&reader, error) && read_type(&reader, error) && read_format(&reader, error) &&
           read_number_form(&reader, error) && read_boolean_form(&reader, error) && read_missing(&reader, error) &&
           read_constraints(&reader, error) && read_severity(&reader, error) && read_messages(&reader, error) &&
           read_default(&reader, error);
}
