#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kpi/cleaned_private.h"

#define LINEAGE_COLUMNS 2

/* Rows of all files of a place, by column, before they are packed. */
struct reading {
    struct cleaned *cleaned;
    const struct kpi_dataset *dataset;
    const bool *fields; /* those that are read; NULL: all, and the lineage */
    size_t rows;
    int64_t **values;   /* by field, then _source and _line */
    struct str **texts; /* by field, for free text */
    struct arena *text_arena;
};

/* Numbers of another type or scale would be other values: the schema may not change under rows that are kept. */
static bool check_type(const struct reading *reading, const struct field *field, const struct parquet_field *kept,
                       struct error *error)
{
    bool text = field->kind == COLUMN_TEXT || field->kind == COLUMN_TERM;
    bool same = text ? kept->kind == COLUMN_TEXT
                     : kept->kind == field->kind && (field->kind != COLUMN_DECIMAL || kept->scale == field->scale);
    if (same) return true;
    return error_set(error, ERROR_CONFLICT,
                     "the schema of \"%s\" gives \"%s\" another type or scale than the rows that %s keeps; change it "
                     "back, or take the files into another data folder",
                     reading->dataset->name, field->name, folder_path(reading->cleaned->folder));
}

static bool read_column(struct reading *reading, struct parquet_reader *reader, size_t group, int field, size_t at,
                        struct error *error)
{
    const struct schema *schema = reading->dataset->schema;
    int fields = (int)schema->field_count;
    bool text = field < fields && schema->fields[field].kind == COLUMN_TEXT;
    const char *name = field < fields ? schema->fields[field].name : field == fields ? "_source" : "_line";
    size_t rows = parquet_group_rows(reader, group);
    int column = parquet_find(reader, name);
    if (column < 0) { /* a field that the schema gained since */
        for (size_t i = 0; i < rows; i++) {
            if (text) {
                reading->texts[field][at + i] = (struct str){0};
            } else {
                reading->values[field][at + i] = COLUMN_NULL;
            }
        }
        return true;
    }
    const struct parquet_field *kept = parquet_field_at(reader, (size_t)column);
    if (field < fields && !check_type(reading, &schema->fields[field], kept, error)) return false;
    if (!text) {
        return parquet_read_column(reader, group, (size_t)column, reading->cleaned->terms, reading->values[field] + at,
                                   NULL, error);
    }
    struct str *texts = reading->texts[field] + at;
    if (!parquet_read_column(reader, group, (size_t)column, NULL, NULL, texts, error)) return false;
    for (size_t i = 0; i < rows; i++) {
        if (!texts[i].data) continue;
        texts[i].data = arena_text(reading->text_arena, texts[i].data, texts[i].length, error);
        if (!texts[i].data) return false;
    }
    return true;
}

static bool is_read(const struct reading *reading, size_t column)
{
    return !reading->fields || (column < reading->dataset->schema->field_count && reading->fields[column]);
}

static bool read_part(struct reading *reading, const struct part *part, size_t *at, struct error *error)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder_path(reading->cleaned->folder), part->path);
    struct parquet_reader *reader = parquet_open(path, error);
    bool good = reader != NULL;
    if (good && parquet_row_count(reader) != part->rows) {
        good = error_set(error, ERROR_CORRUPT, "%s has %llu rows, the folder says %llu", path,
                         (unsigned long long)parquet_row_count(reader), (unsigned long long)part->rows);
    }
    for (size_t group = 0; good && group < parquet_group_count(reader); group++) {
        size_t columns = reading->dataset->schema->field_count + LINEAGE_COLUMNS;
        for (size_t c = 0; good && c < columns; c++) {
            if (is_read(reading, c)) good = read_column(reading, reader, group, (int)c, *at, error);
        }
        *at += parquet_group_rows(reader, group);
    }
    if (reader) parquet_reader_free(reader);
    return good;
}

static bool pack_text(struct column *column, const struct str *texts, size_t rows, struct error *error)
{
    size_t bytes = 0;
    for (size_t i = 0; i < rows; i++) bytes += texts[i].length;
    if (bytes > UINT32_MAX) return error_set(error, ERROR_LIMIT, "more than 4 GiB of text in one place");
    *column = (struct column){.kind = COLUMN_TEXT};
    column->starts = memory_array(rows + 1, sizeof *column->starts, error);
    column->bytes = memory_array(bytes + 1, 1, error);
    column->nulls = memory_zeroed((rows / 64 + 1) * sizeof *column->nulls, error);
    if (!column->starts || !column->bytes || !column->nulls) return false;
    uint32_t at = 0;
    for (size_t i = 0; i < rows; i++) {
        column->starts[i] = at;
        if (texts[i].length) memcpy(column->bytes + at, texts[i].data, texts[i].length);
        if (!texts[i].data) column->nulls[i >> 6] |= UINT64_C(1) << (i & 63);
        at += (uint32_t)texts[i].length;
    }
    column->starts[rows] = at;
    return true;
}

static bool pack_rows(struct reading *reading, struct rows *rows, struct error *error)
{
    size_t fields = reading->dataset->schema->field_count;
    struct batch *batch = memory_zeroed(sizeof *batch, error);
    if (!batch) return false;
    rows->batch = batch;
    batch->rows = (uint32_t)reading->rows;
    batch->column = memory_zeroed((fields + 1) * sizeof *batch->column, error);
    if (!batch->column) return false;
    batch->columns = (uint32_t)fields;
    for (size_t f = 0; f < fields; f++) {
        enum column_kind kind = reading->dataset->schema->fields[f].kind;
        if (!is_read(reading, f)) continue;
        bool good = kind == COLUMN_TEXT
                        ? pack_text(&batch->column[f], reading->texts[f], reading->rows, error)
                        : column_pack(&batch->column[f], kind, reading->values[f], reading->rows, error);
        if (!good) return false;
    }
    rows->sources = reading->values[fields];
    rows->source_lines = reading->values[fields + 1];
    reading->values[fields] = reading->values[fields + 1] = NULL;
    return true;
}

static bool reading_open(struct reading *reading, struct error *error)
{
    size_t fields = reading->dataset->schema->field_count;
    reading->values = memory_zeroed((fields + LINEAGE_COLUMNS) * sizeof *reading->values, error);
    reading->texts = memory_zeroed((fields + 1) * sizeof *reading->texts, error);
    reading->text_arena = arena_new(0, error);
    if (!reading->values || !reading->texts || !reading->text_arena) return false;
    for (size_t f = 0; f < fields + LINEAGE_COLUMNS; f++) {
        bool text = f < fields && reading->dataset->schema->fields[f].kind == COLUMN_TEXT;
        if (!is_read(reading, f)) continue;
        if (text) {
            reading->texts[f] = memory_array(reading->rows + 1, sizeof(struct str), error);
        } else {
            reading->values[f] = memory_array(reading->rows + 1, sizeof(int64_t), error);
        }
        if (text ? !reading->texts[f] : !reading->values[f]) return false;
    }
    return true;
}

static void reading_close(struct reading *reading)
{
    size_t fields = reading->dataset->schema->field_count;
    for (size_t f = 0; reading->values && f < fields + LINEAGE_COLUMNS; f++) memory_free(reading->values[f]);
    for (size_t f = 0; reading->texts && f < fields; f++) memory_free(reading->texts[f]);
    memory_free(reading->values);
    memory_free(reading->texts);
    if (reading->text_arena) arena_free(reading->text_arena);
}

/* `earlier`: no rows that this change wrote. */
static bool read_place(struct cleaned *cleaned, int dataset, int64_t place, const bool *fields, bool earlier,
                       struct rows *rows, struct error *error)
{
    size_t count, at = 0;
    *rows = (struct rows){0};
    size_t first = cleaned_find_parts(cleaned, dataset, place, &count);
    struct reading reading = {.cleaned = cleaned, .dataset = &cleaned->spec->datasets[dataset], .fields = fields};
    for (size_t i = first; i < first + count; i++) {
        const struct part *part = &cleaned->parts[i];
        if (!part->dropped && !(earlier && part->staged)) reading.rows += part->rows;
    }
    bool good = reading_open(&reading, error);
    for (size_t i = first; good && i < first + count; i++) {
        const struct part *part = &cleaned->parts[i];
        if (!part->dropped && !(earlier && part->staged)) good = read_part(&reading, part, &at, error);
    }
    good = good && pack_rows(&reading, rows, error);
    reading_close(&reading);
    if (!good) {
        batch_free(rows->batch);
        *rows = (struct rows){0};
    }
    return good;
}

bool cleaned_read(struct cleaned *cleaned, int dataset, int64_t place, struct rows *rows, struct error *error)
{
    return read_place(cleaned, dataset, place, NULL, false, rows, error);
}

bool cleaned_read_fields(struct cleaned *cleaned, int dataset, int64_t place, const bool *fields, struct rows *rows,
                         struct error *error)
{
    return read_place(cleaned, dataset, place, fields, false, rows, error);
}

bool cleaned_take(struct cleaned *cleaned, int dataset, int64_t place, struct rows *rows, struct error *error)
{
    if (!read_place(cleaned, dataset, place, NULL, true, rows, error)) return false;
    size_t count;
    size_t first = cleaned_find_parts(cleaned, dataset, place, &count);
    bool good = true;
    for (size_t i = first; good && i < first + count; i++) {
        if (!cleaned->parts[i].staged) good = cleaned_drop_part(cleaned, &cleaned->parts[i], error);
    }
    if (good) return true;
    batch_free(rows->batch);
    memory_free(rows->sources);
    memory_free(rows->source_lines);
    *rows = (struct rows){0};
    return false;
}

static int compare_keys(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool part_mentions(struct cleaned *cleaned, const struct part *part, const char *field, const int64_t *keys,
                          size_t count, bool *any, struct error *error)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder_path(cleaned->folder), part->path);
    struct parquet_reader *reader = parquet_open(path, error);
    int column = reader ? parquet_find(reader, field) : -1;
    bool good = reader != NULL;
    for (size_t group = 0; good && column >= 0 && !*any && group < parquet_group_count(reader); group++) {
        size_t rows = parquet_group_rows(reader, group);
        int64_t *values = memory_array(rows + 1, sizeof *values, error);
        good = values && parquet_read_column(reader, group, (size_t)column, cleaned->terms, values, NULL, error);
        for (size_t i = 0; good && i < rows && !*any; i++) {
            *any = bsearch(&values[i], keys, count, sizeof *keys, compare_keys) != NULL;
        }
        memory_free(values);
    }
    if (reader) parquet_reader_free(reader);
    return good;
}

bool cleaned_mentions(struct cleaned *cleaned, int dataset, int64_t place, int field, const int64_t *keys, size_t count,
                      bool *any, struct error *error)
{
    size_t parts;
    size_t first = cleaned_find_parts(cleaned, dataset, place, &parts);
    const char *name = cleaned->spec->datasets[dataset].schema->fields[field].name;
    *any = false;
    for (size_t i = first; i < first + parts && !*any; i++) {
        const struct part *part = &cleaned->parts[i];
        if (!part->dropped && !part_mentions(cleaned, part, name, keys, count, any, error)) return false;
    }
    return true;
}
