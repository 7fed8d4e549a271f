/* A schema drafted from a profile. */
#include <inttypes.h>

#include "base/json.h"
#include "task/profile.h"

/* An enumeration is proposed when its values came so many times on average. */
#define ENUM_REPEATS 5

static const char *type_name(const struct profile_column *column)
{
    switch (column->type) {
    case FIELD_INTEGER:
        return "integer";
    case FIELD_NUMBER:
        return "number";
    case FIELD_BOOLEAN:
        return "boolean";
    case FIELD_DATE:
        return "date";
    case FIELD_DATETIME:
        return "datetime";
    case FIELD_TIME:
        return "time";
    default:
        return "string";
    }
}

static bool is_enumeration(const struct profile_column *column)
{
    return column->type == FIELD_STRING && !column->id && column->value_count > 0 &&
           column->present >= column->value_count * ENUM_REPEATS;
}

/* A text that repeats, or names something. */
static bool is_interned(const struct profile_column *column)
{
    return column->type == FIELD_STRING && column->longest <= 64 &&
           (column->id || is_enumeration(column) || column->distinct * 4 <= column->present);
}

/* One member more in an object that has `*count` so far. */
static void begin_member(struct buffer *into, size_t *count, const char *name)
{
    buffer_append_format(into, "%s\"%s\": ", (*count)++ > 0 ? ", " : "", name);
}

static void add_constraints(const struct profile *profile, const struct profile_column *column, struct buffer *into)
{
    size_t count = 0;
    buffer_append_text(into, ",\n     \"constraints\": {");
    if (column->missing == 0 && profile->rows > profile->broken) {
        begin_member(into, &count, "required");
        buffer_append_text(into, "true");
    }
    bool primary = profile->primary_key >= 0 && column == &profile->columns[profile->primary_key];
    if (column->key && (column->id || column->type == FIELD_STRING) && !primary && column->longest <= 64 &&
        profile->rows - profile->broken >= 2) {
        begin_member(into, &count, "unique");
        buffer_append_text(into, "true");
    }
    if ((column->type == FIELD_INTEGER || column->type == FIELD_NUMBER) && !column->negative) {
        begin_member(into, &count, "minimum");
        buffer_append_text(into, "0");
    }
    if (is_enumeration(column)) {
        begin_member(into, &count, "enum");
        for (size_t i = 0; i < column->value_count; i++) {
            buffer_append_text(into, i == 0 ? "[" : ", ");
            json_append_string(into, str_of(column->values[i].text));
        }
        buffer_append_char(into, ']');
    }
    buffer_append_char(into, '}');
}

/* What was seen, for whoever reviews the draft. */
static void add_description(const struct profile_column *column, struct buffer *into)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    buffer_append_format(&text, "%" PRIu64 " different values", column->distinct);
    if (column->missing > 0) buffer_append_format(&text, ", %" PRIu64 " missing", column->missing);
    if (column->least) buffer_append_format(&text, ", from %s to %s", column->least, column->most);
    if (column->ambiguous) buffer_append_text(&text, "; day and month may be exchanged: look which is right");
    buffer_append_text(into, ",\n     \"description\": ");
    json_append_string(into, str_slice(text.data, text.length));
    into->failed = into->failed || text.failed;
}

static void add_field(const struct profile *profile, const struct profile_column *column, struct buffer *into)
{
    buffer_append_text(into, "    {\"name\": ");
    json_append_string(into, str_of(column->name));
    buffer_append_format(into, ", \"type\": \"%s\"", type_name(column));
    if (column->format) {
        buffer_append_text(into, ", \"format\": ");
        json_append_string(into, str_of(column->format));
    }
    if (column->type == FIELD_NUMBER) buffer_append_format(into, ", \"scale\": %d", column->scale);
    if (is_interned(column)) buffer_append_text(into, ", \"intern\": true");
    if (column->missing_text_count > 0) {
        buffer_append_text(into, ", \"missingValues\": [\"\"");
        for (size_t i = 0; i < column->missing_text_count; i++) {
            buffer_append_text(into, ", ");
            json_append_string(into, str_of(column->missing_texts[i]));
        }
        buffer_append_char(into, ']');
    }
    add_description(column, into);
    add_constraints(profile, column, into);
    buffer_append_char(into, '}');
}

void profile_draft(const struct profile *profile, struct buffer *into)
{
    buffer_append_text(into, "{\n  \"name\": ");
    json_append_string(into, str_of(profile->name));
    if (profile->delimiter != ',') {
        char delimiter[2] = {profile->delimiter, 0};
        buffer_append_text(into, ",\n  \"dialect\": {\"delimiter\": ");
        json_append_string(into, str_of(delimiter));
        buffer_append_char(into, '}');
    }
    if (profile->encoding != CSV_UTF8)
        buffer_append_format(into, ",\n  \"encoding\": \"%s\"", profile->encoding == CSV_LATIN1 ? "latin-1" : "utf-16");
    if (profile->primary_key >= 0) {
        buffer_append_text(into, ",\n  \"primaryKey\": ");
        json_append_string(into, str_of(profile->columns[profile->primary_key].name));
    }
    buffer_append_text(into, ",\n  \"fields\": [\n");
    for (size_t i = 0; i < profile->column_count; i++) {
        add_field(profile, &profile->columns[i], into);
        buffer_append_text(into, i + 1 < profile->column_count ? ",\n" : "\n");
    }
    buffer_append_text(into, "  ]\n}\n");
}
