/* The keys of a check: which there are, their values, and what they break. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tabular/csv_walk.h"
#include "task/check_state.h"

static bool in_primary_key(const struct schema *schema, int field)
{
    return schema->primary_key_count == 1 && schema->primary_key[0] == field;
}

/* Adds a key, whose texts become terms, so that every key value is a number. */
static struct check_key *add_key(struct check *check, const int *fields, size_t width, enum rule rule)
{
    struct schema *schema = check->report->schema;
    struct check_key *key = &check->keys[check->key_count++];
    *key = (struct check_key){.fields = fields, .width = width, .rule = rule};
    key->rows.valid.width = key->rows.rejected.width = width;
    for (size_t i = 0; i < width; i++) {
        struct field *field = &schema->fields[fields[i]];
        field->kind = field->kind == COLUMN_TEXT ? COLUMN_TERM : field->kind;
        check->keep[fields[i]] = true;
    }
    return key;
}

static const char *path_of(const struct check *check, const struct reference *reference)
{
    if (!reference->dataset[0]) return check->options->path;
    for (size_t i = 0; i < check->options->with_count; i++)
        if (strcmp(check->options->with[i].resource, reference->dataset) == 0) return check->options->with[i].path;
    return NULL;
}

bool check_list_keys(struct check *check, struct error *error)
{
    struct check_report *report = check->report;
    struct schema *schema = report->schema;
    size_t most = schema->field_count + schema->reference_count + 1;
    check->keys = arena_zeroed(report->arena, most * sizeof *check->keys, error);
    check->keep = arena_zeroed(report->arena, schema->field_count * sizeof *check->keep, error);
    int *singles = arena_take(report->arena, schema->field_count * sizeof *singles, error);
    report->unchecked = arena_take(report->arena, (schema->reference_count + 1) * sizeof *report->unchecked, error);
    if (!check->keys || !check->keep || !singles || !report->unchecked) return false;
    if (schema->primary_key_count > 0) add_key(check, schema->primary_key, schema->primary_key_count, RULE_UNIQUE);
    for (size_t i = 0; i < schema->field_count; i++) {
        singles[i] = (int)i;
        if (schema->fields[i].unique && !in_primary_key(schema, (int)i)) add_key(check, &singles[i], 1, RULE_UNIQUE);
    }
    for (size_t i = 0; i < schema->reference_count; i++) {
        const struct reference *reference = &schema->references[i];
        const char *path = path_of(check, reference);
        if (!path) {
            report->unchecked[report->unchecked_count++] = reference->dataset;
            continue;
        }
        struct check_key *key = add_key(check, reference->fields, reference->count, RULE_REFERENCE);
        key->reference = reference;
        key->foreign_path = path;
    }
    return true;
}

/* Appends the values of some columns of a batch, row by row. */
static bool append_batch(const struct batch *batch, const int *fields, struct key_list *list, struct error *error)
{
    int64_t values[512];
    int64_t *room = key_list_room(list, batch->rows, error);
    if (!room) return false;
    for (size_t from = 0; from < batch->rows; from += 512) {
        size_t count = batch->rows - from < 512 ? batch->rows - from : 512;
        for (size_t f = 0; f < list->width; f++) {
            column_unpack(&batch->column[fields[f]], from, count, values);
            for (size_t i = 0; i < count; i++) room[(from + i) * list->width + f] = values[i];
        }
    }
    list->count += batch->rows;
    return true;
}

bool check_take_batch(void *context, const struct batch *batch, struct error *error)
{
    struct check *check = context;
    for (size_t k = 0; k < check->key_count; k++)
        if (!append_batch(batch, check->keys[k].fields, &check->keys[k].rows.valid, error)) return false;
    return true;
}

bool check_judge(const struct check *check, const struct header_map *map, const struct str *fields, size_t count,
                 struct verdict *verdicts, struct error *error)
{
    const struct schema *schema = check->report->schema;
    for (size_t f = 0; f < schema->field_count; f++) {
        const struct field *field = &schema->fields[f];
        int column = map->column_of_field[f];
        if (column < 0 || (size_t)column >= count) {
            verdicts[f] = (struct verdict){.present = field->has_default,
                                           .text = field->default_text,
                                           .value = field->has_default ? field->default_value : COLUMN_NULL};
            continue;
        }
        field_judge(schema, field, fields[column], check->terms, &verdicts[f]);
        if (verdicts[f].failed)
            return error_set(error, ERROR_MEMORY, "out of memory for the values of column %s", field->name);
    }
    return true;
}

/* The row number at the end of a reject row. */
static uint64_t number_at_end(struct str bytes)
{
    uint64_t number = 0, unit = 1;
    for (size_t i = bytes.length; i > 0 && bytes.data[i - 1] >= '0' && bytes.data[i - 1] <= '9'; i--) {
        number += unit * (uint64_t)(bytes.data[i - 1] - '0');
        unit *= 10;
    }
    return number;
}

static bool append_rejected(struct check *check, const struct header_map *map, const struct csv_record *record,
                            struct verdict *verdicts, struct error *error)
{
    check->rejected_rows[check->rejected_count++] = number_at_end(record->bytes);
    if (check->key_count == 0) return true;
    bool whole = record->broken == RULE_COUNT;
    if (whole && !check_judge(check, map, record->fields, record->field_count, verdicts, error)) return false;
    for (size_t k = 0; k < check->key_count; k++) {
        struct check_key *key = &check->keys[k];
        int64_t *room = key_list_room(&key->rows.rejected, 1, error);
        if (!room) return false;
        for (size_t f = 0; f < key->width; f++)
            room[f] = whole && verdicts[key->fields[f]].broken == 0 ? verdicts[key->fields[f]].value : COLUMN_NULL;
        key->rows.rejected.count++;
    }
    return true;
}

static bool walk_rejects(struct check *check, struct csv_walk *walk, struct verdict *verdicts, struct error *error)
{
    struct csv_record record;
    struct header_map map;
    bool end;
    if (!csv_walk_next(walk, &record, &end, error)) return false;
    if (end || record.broken != RULE_COUNT) return error_set(error, ERROR_INTERNAL, "the rejected rows have no header");
    if (!schema_map_header(check->report->arena, check->report->schema, record.fields, record.field_count, &map, error))
        return false;
    while (csv_walk_next(walk, &record, &end, error) && !end) {
        if (check->rejected_count == check->file.report.rejected)
            return error_set(error, ERROR_INTERNAL, "there are more rejected rows than were counted");
        if (!append_rejected(check, &map, &record, verdicts, error)) return false;
    }
    if (end && check->rejected_count != check->file.report.rejected)
        return error_set(error, ERROR_INTERNAL, "%zu rejected rows were written, %" PRIu64 " counted",
                         check->rejected_count, check->file.report.rejected);
    return end;
}

bool check_take_rejects(struct check *check, struct error *error)
{
    struct csv_source rejects = {
        .path = check->file.rejects_path, .fd = check->rejected.fd, .size = check->file.report.rejects_size};
    struct verdict *verdicts =
        arena_take(check->report->arena, check->report->schema->field_count * sizeof *verdicts, error);
    check->rejected_rows = memory_array(check->file.report.rejected, sizeof *check->rejected_rows, error);
    if (!verdicts || !check->rejected_rows) return false;
    struct csv_walk *walk = csv_walk_new(&rejects, &check->dialect, error);
    bool good = walk && walk_rejects(check, walk, verdicts, error);
    csv_walk_free(walk);
    for (size_t k = 0; k < check->key_count; k++) {
        check->keys[k].rows.rejected_rows = check->rejected_rows;
        check->keys[k].rows.rejected_count = check->rejected_count;
    }
    return good;
}

/* A schema of the foreign columns alone, each of the type of the field that refers to it. */
static struct schema *foreign_schema(const struct check *check, const struct check_key *key, struct error *error)
{
    struct arena *arena = check->report->arena;
    const struct schema *own = check->report->schema;
    struct schema *schema = arena_zeroed(arena, sizeof *schema, error);
    if (!schema) return NULL;
    *schema = (struct schema){.name = key->reference->dataset,
                              .field_count = key->width,
                              .missing = own->missing,
                              .missing_count = own->missing_count,
                              .drift = DRIFT_IGNORE,
                              .delimiter = own->delimiter,
                              .quote = own->quote,
                              .encoding = own->encoding};
    schema->fields = arena_zeroed(arena, key->width * sizeof *schema->fields, error);
    schema->order = arena_zeroed(arena, key->width * RULE_COUNT * sizeof *schema->order, error);
    schema->by_rank = arena_zeroed(arena, key->width * RULE_COUNT * sizeof *schema->by_rank, error);
    const char **aliases = arena_take(arena, key->width * sizeof *aliases, error);
    if (!schema->fields || !schema->order || !schema->by_rank || !aliases) return NULL;
    for (size_t i = 0; i < key->width; i++) {
        const struct field *from = &own->fields[key->fields[i]];
        aliases[i] = from->name;
        schema->fields[i] = (struct field){.name = key->reference->foreigns[i],
                                           .aliases = &aliases[i],
                                           .alias_count = 1,
                                           .type = from->type,
                                           .format = from->format,
                                           .form = from->form,
                                           .kind = from->kind,
                                           .scale = from->scale,
                                           .trim = from->trim,
                                           .number = from->number,
                                           .missing = from->missing,
                                           .missing_count = from->missing_count,
                                           .trues = from->trues,
                                           .true_count = from->true_count,
                                           .falses = from->falses,
                                           .false_count = from->false_count,
                                           .max_length = UINT32_MAX};
        for (uint16_t rule = 0; rule < RULE_COUNT; rule++) {
            schema->order[i * RULE_COUNT + rule] = (uint16_t)(i * RULE_COUNT + rule);
            schema->by_rank[i * RULE_COUNT + rule] = (uint16_t)(i * RULE_COUNT + rule);
        }
    }
    return schema;
}

/* Drops keys with a null in them. */
static void drop_nulls(struct key_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        const int64_t *key = list->values + i * list->width;
        bool null = false;
        for (size_t f = 0; f < list->width; f++) null = null || key[f] == COLUMN_NULL;
        if (!null) memmove(list->values + kept++ * list->width, key, list->width * sizeof *key);
    }
    list->count = kept;
}

/* The foreign key's columns are all that the batch has. */
static bool take_foreign(void *context, const struct batch *batch, struct error *error)
{
    int fields[64];
    for (uint32_t i = 0; i < batch->columns; i++) fields[i] = (int)i;
    return append_batch(batch, fields, context, error);
}

static bool read_foreign(struct check *check, const struct check_key *key, struct csv_source *source,
                         struct key_list *list, struct error *error)
{
    struct validate_options options = {.terms = check->terms, .batches = true};
    struct validate_file file = {.source = source, .rejects_fd = -1, .valid_fd = -1};
    file.schema = foreign_schema(check, key, error);
    if (!file.schema) return false;
    if (key->width > 64) return error_set(error, ERROR_LIMIT, "a foreign key of %zu fields is too wide", key->width);
    bool good = check_validate(check, &file, &options, take_foreign, list, error);
    if (good && file.report.verdict != FILE_TAKEN)
        return error_set(error, ERROR_INVALID, "%s, which foreign keys refer to: %s", key->foreign_path,
                         file.report.problem);
    drop_nulls(list);
    return good;
}

static bool compare_reference(struct check *check, size_t k, struct error *error)
{
    const struct check_key *key = &check->keys[k];
    struct key_list foreign = {.width = key->width};
    struct csv_source source;
    const char *folder = getenv("TMPDIR");
    struct csv_source_options options = {.encoding = (enum csv_encoding)check->report->schema->encoding,
                                         .temporary_folder = folder && *folder ? folder : "/tmp"};
    if (!csv_source_open(&source, key->foreign_path, &options, error)) return false;
    bool good = read_foreign(check, key, &source, &foreign, error) && csv_source_finish(&source, error) &&
                keys_find_dangling(&key->rows, &foreign, (uint32_t)k, &check->breaks, error);
    csv_source_close(&source);
    key_list_free(&foreign);
    return good;
}

bool check_compare_keys(struct check *check, struct error *error)
{
    for (size_t k = 0; k < check->key_count; k++) {
        const struct check_key *key = &check->keys[k];
        bool good = key->rule == RULE_REFERENCE ? compare_reference(check, k, error)
                                                : keys_find_repeated(&key->rows, (uint32_t)k, &check->breaks, error);
        if (!good) return false;
    }
    key_breaks_sort(&check->breaks);
    return true;
}
