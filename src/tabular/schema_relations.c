/* What a schema says about several fields at once: keys, references, conditional rules, versions, and the order in
 * which a row's reasons stand. */

#include "tabular/schema_read.h"

static bool find_field(const struct schema_reader *reader, struct str name, const char *where, int *field,
                       struct error *error)
{
    *field = schema_find(reader->schema, name);
    if (*field >= 0) return true;
    return schema_wrong(reader, error, where, "there is no field \"%.*s\"", (int)(name.length > 80 ? 80 : name.length),
                        name.data);
}

/* A list of field names as indexes. */
static bool read_fields(const struct schema_reader *reader, json_t *json, const char *key, int **fields, size_t *count,
                        struct error *error)
{
    struct str *names = NULL;
    size_t found;
    if (!schema_read_texts(reader, json, key, "schema", &names, &found, error)) return false;
    *fields = arena_take(reader->arena, (found + 1) * sizeof **fields, error);
    if (!*fields) return false;
    for (size_t i = 0; i < found; i++)
        if (!find_field(reader, names[i], key, &(*fields)[i], error)) return false;
    *count = found;
    return true;
}

static bool read_reference(const struct schema_reader *reader, json_t *json, struct reference *reference,
                           struct error *error)
{
    const char *where = "foreignKeys";
    json_t *target = json_object_get(json, "reference");
    struct str *foreign = NULL;
    size_t foreign_count;
    if (!json_is_object(json) || !json_is_object(target))
        return schema_wrong(reader, error, where,
                            "each must be {\"fields\": …, \"reference\": {\"resource\": …, \"fields\": …}}");
    if (!read_fields(reader, json, "fields", &reference->fields, &reference->count, error) ||
        !schema_read_texts(reader, target, "fields", where, &foreign, &foreign_count, error) ||
        !schema_read_text(reader, target, "resource", where, &reference->dataset, error))
        return false;
    if (reference->count == 0 || reference->count != foreign_count)
        return schema_wrong(reader, error, where, "%zu fields cannot refer to %zu", reference->count, foreign_count);
    if (!reference->dataset) reference->dataset = "";
    reference->foreigns = arena_take(reader->arena, foreign_count * sizeof *reference->foreigns, error);
    if (!reference->foreigns) return false;
    for (size_t i = 0; i < foreign_count; i++) {
        int ignored;
        reference->foreigns[i] = foreign[i].data;
        if (!reference->dataset[0] && !find_field(reader, foreign[i], where, &ignored, error)) return false;
    }
    return true;
}

static bool read_references(const struct schema_reader *reader, json_t *json, struct error *error)
{
    struct schema *schema = reader->schema;
    json_t *list = json_object_get(json, "foreignKeys");
    if (list && !json_is_array(list)) return schema_wrong(reader, error, "schema", "\"foreignKeys\" must be a list");
    size_t count = json_array_size(list);
    schema->references = arena_zeroed(reader->arena, (count + 1) * sizeof *schema->references, error);
    if (!schema->references) return false;
    schema->reference_count = count;
    for (size_t i = 0; i < count; i++)
        if (!read_reference(reader, json_array_get(list, i), &schema->references[i], error)) return false;
    return true;
}

static bool read_condition(const struct schema_reader *reader, json_t *json, struct condition_rule *rule,
                           struct error *error)
{
    const char *where = "rules";
    const char *field, *require;
    json_t *when = json_object_get(json, "when");
    if (!json_is_object(when))
        return schema_wrong(reader, error, where, "each must have \"when\" (an object), \"require\" and \"message\"");
    if (!schema_read_text(reader, when, "field", where, &field, error) ||
        !schema_read_text(reader, json, "require", where, &require, error) ||
        !schema_read_text(reader, json, "message", where, &rule->message, error))
        return false;
    if (!field || !require)
        return schema_wrong(reader, error, where, "each must name \"when\": {\"field\": …} and \"require\"");
    rule->when_present = true;
    if (!find_field(reader, str_of(field), where, &rule->when_field, error) ||
        !find_field(reader, str_of(require), where, &rule->require_field, error) ||
        !schema_read_flag(reader, when, "present", where, &rule->when_present, error) ||
        !schema_read_texts(reader, when, "in", where, &rule->when_values, &rule->when_value_count, error))
        return false;
    if (rule->when_values && json_object_get(when, "present"))
        return schema_wrong(reader, error, where, "\"present\" and \"in\" exclude each other");
    return true;
}

static bool read_conditions(const struct schema_reader *reader, json_t *json, struct error *error)
{
    struct schema *schema = reader->schema;
    json_t *list = json_object_get(json, "rules");
    if (list && !json_is_array(list)) return schema_wrong(reader, error, "schema", "\"rules\" must be a list");
    size_t count = json_array_size(list);
    schema->conditions = arena_zeroed(reader->arena, (count + 1) * sizeof *schema->conditions, error);
    if (!schema->conditions) return false;
    schema->condition_count = count;
    for (size_t i = 0; i < count; i++)
        if (!read_condition(reader, json_array_get(list, i), &schema->conditions[i], error)) return false;
    return true;
}

bool schema_read_relations(const struct schema_reader *reader, json_t *json, struct error *error)
{
    struct schema *schema = reader->schema;
    if (!read_fields(reader, json, "primaryKey", &schema->primary_key, &schema->primary_key_count, error) ||
        !read_fields(reader, json, "version", &schema->version_fields, &schema->version_count, error))
        return false;
    for (size_t i = 0; i < schema->primary_key_count; i++) schema->fields[schema->primary_key[i]].required = true;
    for (size_t i = 0; i < schema->version_count; i++) {
        const struct field *field = &schema->fields[schema->version_fields[i]];
        if (field->kind != COLUMN_TIMESTAMP && field->kind != COLUMN_DATE && field->kind != COLUMN_INTEGER)
            return schema_wrong(reader, error, "version", "\"%s\" must be a date, a time or an integer", field->name);
    }
    return read_references(reader, json, error) && read_conditions(reader, json, error);
}

/* Ranks given out so far. */
struct ranking {
    struct schema *schema;
    uint16_t next;
};

#define UNRANKED UINT16_MAX

static void rank(struct ranking *ranking, size_t field, int rule)
{
    size_t index = field * RULE_COUNT + (size_t)rule;
    if (ranking->schema->order[index] != UNRANKED) return;
    ranking->schema->order[index] = ranking->next;
    ranking->schema->by_rank[ranking->next++] = (uint16_t)index;
}

static void rank_field(struct ranking *ranking, size_t field)
{
    for (int rule = 0; rule < RULE_COUNT; rule++) rank(ranking, field, rule);
}

static bool rank_entry(const struct schema_reader *reader, json_t *entry, struct ranking *ranking, struct error *error)
{
    const char *where = "reasons";
    const char *name = json_string_value(json_is_array(entry) ? json_array_get(entry, 0) : entry);
    size_t size = json_is_array(entry) ? json_array_size(entry) : 0;
    const char *rule_text = size == 2 ? json_string_value(json_array_get(entry, 1)) : size == 0 ? name : "";
    if (!name || !rule_text || size > 2)
        return schema_wrong(reader, error, where, "each must be a rule's name, [field] or [field, rule]");
    int rule = size == 1 ? RULE_REQUIRED : schema_rule_of(rule_text);
    int field = 0;
    if (rule < 0) return schema_wrong(reader, error, where, "there is no rule \"%s\"", rule_text);
    if (size > 0 && !find_field(reader, str_of(name), where, &field, error)) return false;
    if (size == 1) rank_field(ranking, (size_t)field);
    for (size_t i = 0; size == 0 && i < reader->schema->field_count; i++) rank(ranking, i, rule);
    if (size == 2) rank(ranking, (size_t)field, rule);
    return true;
}

bool schema_read_order(const struct schema_reader *reader, json_t *json, struct error *error)
{
    struct schema *schema = reader->schema;
    size_t count = schema->field_count * RULE_COUNT;
    json_t *list = json_object_get(json, "reasons");
    if (list && !json_is_array(list)) return schema_wrong(reader, error, "schema", "\"reasons\" must be a list");
    schema->order = arena_take(reader->arena, count * sizeof *schema->order, error);
    schema->by_rank = arena_take(reader->arena, count * sizeof *schema->by_rank, error);
    if (!schema->order || !schema->by_rank) return false;
    memset(schema->order, 0xFF, count * sizeof *schema->order);
    struct ranking ranking = {.schema = schema};
    size_t i;
    json_t *entry;
    json_array_foreach (list, i, entry) {
        if (!rank_entry(reader, entry, &ranking, error)) return false;
    }
    for (size_t field = 0; field < schema->field_count; field++) rank_field(&ranking, field);
    return true;
}
