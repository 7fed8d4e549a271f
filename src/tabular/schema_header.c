/* Which column of a file is which field of a schema. */
#include <strings.h>

#include "tabular/schema.h"

/* How well a name fits a field: 0 its own name, 1 … its aliases in order, -1 not at all. */
static int fit(const struct field *field, struct str name)
{
    if (str_is(name, field->name)) return 0;
    for (size_t i = 0; i < field->alias_count; i++)
        if (str_is(name, field->aliases[i])) return (int)i + 1;
    return -1;
}

int schema_find(const struct schema *schema, struct str name)
{
    for (size_t i = 0; i < schema->field_count; i++)
        if (fit(&schema->fields[i], name) >= 0) return (int)i;
    return -1;
}

/* Names for a sentence: "a", "b" and at most ten of them. */
struct name_list {
    struct buffer text;
    size_t count;
};

static void list_name(struct name_list *list, struct str name)
{
    if (list->count++ >= 10) return;
    if (list->count > 1) buffer_append_text(&list->text, ", ");
    buffer_append_char(&list->text, '"');
    buffer_append_str(&list->text, name.length > 60 ? str_slice(name.data, 60) : name);
    buffer_append_char(&list->text, '"');
}

static void list_end(struct name_list *list)
{
    if (list->count > 10) buffer_append_format(&list->text, " and %zu more", list->count - 10);
}

/* Two columns of one name; an empty name names nothing. */
static bool find_duplicate(const struct str *names, size_t count, struct name_list *duplicates)
{
    for (size_t i = 0; i < count; i++) {
        bool again = false;
        for (size_t j = 0; j < i && !again && names[i].length > 0; j++) again = str_equal(names[i], names[j]);
        if (again) list_name(duplicates, names[i]);
    }
    return duplicates->count > 0;
}

/* A column's name that differs from the field's only in case or in a few signs ("Order ID" for order_id). */
static bool is_near(struct str name, const char *wanted)
{
    size_t i = 0;
    for (; *wanted; wanted++) {
        if (*wanted == '_' || *wanted == ' ' || *wanted == '-') continue;
        while (i < name.length && (name.data[i] == '_' || name.data[i] == ' ' || name.data[i] == '-')) i++;
        if (i == name.length || strncasecmp(&name.data[i], wanted, 1) != 0) return false;
        i++;
    }
    return i == name.length;
}

/* Gives each column to the field that it fits, and each field the column that fits it best. */
static void assign(const struct schema *schema, const struct str *names, size_t count, struct header_map *map)
{
    for (size_t f = 0; f < schema->field_count; f++) {
        int best = -1;
        map->column_of_field[f] = -1;
        for (size_t c = 0; c < count; c++) {
            int how = fit(&schema->fields[f], names[c]);
            if (how >= 0 && (best < 0 || how < best)) {
                best = how;
                map->column_of_field[f] = (int)c;
            }
        }
    }
    for (size_t c = 0; c < count; c++) map->field_of_column[c] = -1;
    for (size_t f = 0; f < schema->field_count; f++)
        if (map->column_of_field[f] >= 0) map->field_of_column[map->column_of_field[f]] = (int)f;
}

/* What may be meant by a column that is missing. */
static void append_hint(const struct field *field, const struct str *names, size_t count, struct buffer *into)
{
    for (size_t a = 0; a < field->alias_count; a++)
        buffer_append_format(into, "%s\"%s\"", a == 0 ? " (or " : ", ", field->aliases[a]);
    if (field->alias_count > 0) buffer_append_char(into, ')');
    for (size_t c = 0; c < count; c++) {
        if (!is_near(names[c], field->name)) continue;
        buffer_append_text(into, "; a column \"");
        buffer_append_str(into, names[c]);
        buffer_append_text(into, "\" is there: rename it, or name it in the field's \"aliases\"");
    }
}

static void find_problem(const struct schema *schema, const struct str *names, size_t count,
                         const struct header_map *map, struct buffer *problem)
{
    struct name_list list = {0};
    if (find_duplicate(names, count, &list)) {
        list_end(&list);
        buffer_append_text(problem, "the header names a column twice: ");
        buffer_append_str(problem, str_slice(list.text.data, list.text.length));
    }
    buffer_free(&list.text);
    for (size_t f = 0; f < schema->field_count; f++) {
        const struct field *field = &schema->fields[f];
        if (map->column_of_field[f] >= 0 || field->optional) continue;
        if (problem->length > 0) buffer_append_text(problem, "; ");
        buffer_append_format(problem, "the column \"%s\" is missing", field->name);
        append_hint(field, names, count, problem);
    }
}

static void find_drift(const struct schema *schema, const struct str *names, size_t count, const struct header_map *map,
                       struct buffer *into)
{
    struct name_list unknown = {0}, absent = {0};
    for (size_t c = 0; c < count; c++)
        if (map->field_of_column[c] < 0) list_name(&unknown, names[c]);
    for (size_t f = 0; f < schema->field_count; f++)
        if (map->column_of_field[f] < 0 && schema->fields[f].optional)
            list_name(&absent, str_of(schema->fields[f].name));
    list_end(&unknown);
    list_end(&absent);
    if (unknown.count > 0) {
        buffer_append_text(into, "columns that the schema does not know: ");
        buffer_append_str(into, str_slice(unknown.text.data, unknown.text.length));
    }
    if (unknown.count > 0 && absent.count > 0) { /* one may be the other under a new name */
        buffer_append_text(into, "; optional columns that are not there: ");
        buffer_append_str(into, str_slice(absent.text.data, absent.text.length));
    }
    buffer_free(&unknown.text);
    buffer_free(&absent.text);
}

/* The buffer's text in the arena; NULL in `*text` when the buffer is empty. */
static bool keep_text(struct arena *arena, const struct buffer *buffer, const char **text, struct error *error)
{
    if (!buffer_check(buffer, error)) return false;
    *text = NULL;
    if (buffer->length == 0) return true;
    *text = arena_text(arena, buffer->data, buffer->length, error);
    return *text != NULL;
}

static bool is_unknown_refused(const struct schema *schema, const struct header_map *map)
{
    for (size_t c = 0; c < map->column_count; c++)
        if (map->field_of_column[c] < 0 && schema->drift == DRIFT_FAIL) return true;
    return false;
}

bool schema_map_header(struct arena *arena, const struct schema *schema, const struct str *names, size_t count,
                       struct header_map *map, struct error *error)
{
    *map = (struct header_map){.column_count = count};
    struct str *trimmed = arena_take(arena, (count + 1) * sizeof *trimmed, error);
    map->field_of_column = arena_take(arena, (count + 1) * sizeof *map->field_of_column, error);
    map->column_of_field = arena_take(arena, schema->field_count * sizeof *map->column_of_field, error);
    if (!trimmed || !map->field_of_column || !map->column_of_field) return false;
    for (size_t i = 0; i < count; i++) trimmed[i] = str_trim(names[i]);
    assign(schema, trimmed, count, map);
    struct buffer problem = {0}, drift = {0};
    find_problem(schema, trimmed, count, map, &problem);
    find_drift(schema, trimmed, count, map, &drift);
    if (is_unknown_refused(schema, map) && problem.length == 0) {
        buffer_append_text(&problem, "the schema takes no other columns than its own: ");
        buffer_append_str(&problem, str_slice(drift.data, drift.length));
    }
    bool kept = keep_text(arena, &problem, &map->problem, error) && keep_text(arena, &drift, &map->notice, error);
    buffer_free(&problem);
    buffer_free(&drift);
    return kept;
}
