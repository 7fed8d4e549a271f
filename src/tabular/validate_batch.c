#include "tabular/validate_batch.h"

#include <string.h>

#include "base/memory.h"

static struct str span_text(const struct field *field, const char *data, int64_t span)
{
    if (span == COLUMN_NULL) return str_slice(NULL, 0);
    if (span == TEXT_DEFAULT) return field->default_text;
    uint32_t start = (uint32_t)((uint64_t)span >> 32);
    return str_slice(data + start, (uint32_t)span - start);
}

static bool pack_text(struct column *column, const struct field *field, const char *data, const int64_t *spans,
                      size_t rows, struct error *error)
{
    uint64_t size = 0;
    bool has_null = false;
    for (size_t i = 0; i < rows; i++) {
        size += span_text(field, data, spans[i]).length;
        has_null |= spans[i] == COLUMN_NULL;
    }
    *column = (struct column){.kind = COLUMN_TEXT, .unit = 1, .has_null = has_null};
    column->starts = memory_array(rows + 1, sizeof *column->starts, error);
    column->bytes = memory_array(size + 1, 1, error);
    if (column->starts == NULL || column->bytes == NULL) return false;
    if (has_null) {
        column->nulls = memory_zeroed((rows + 63) / 64 * sizeof *column->nulls, error);
        if (column->nulls == NULL) return false;
    }
    uint32_t at = 0;
    for (size_t i = 0; i < rows; i++) {
        struct str text = span_text(field, data, spans[i]);
        column->starts[i] = at;
        if (text.data == NULL)
            column->nulls[i / 64] |= UINT64_C(1) << (i % 64);
        else
            memcpy(column->bytes + at, text.data, text.length);
        at += (uint32_t)text.length;
    }
    column->starts[rows] = at;
    return true;
}

/* The default of a text field whose column the file lacks, once a row. */
static bool pack_default_text(struct column *column, struct str text, size_t rows, struct error *error)
{
    *column = (struct column){.kind = COLUMN_TEXT, .unit = 1};
    column->starts = memory_array(rows + 1, sizeof *column->starts, error);
    column->bytes = memory_array(rows * text.length + 1, 1, error);
    if (column->starts == NULL || column->bytes == NULL) return false;
    for (size_t i = 0; i < rows; i++) {
        column->starts[i] = (uint32_t)(i * text.length);
        memcpy(column->bytes + i * text.length, text.data, text.length);
    }
    column->starts[rows] = (uint32_t)(rows * text.length);
    return true;
}

/* A column that the file lacks: null, or the field's default. */
static bool pack_absent(struct column *column, const struct job *job, size_t index, size_t rows, struct error *error)
{
    const struct field *field = &job->plan->schema->fields[index];
    *column = (struct column){.kind = COLUMN_ABSENT, .unit = 1};
    const bool *keep = job->state->file->keep;
    if (!field->has_default || (keep != NULL && !keep[index])) return true;
    if (field->kind == COLUMN_TEXT) return pack_default_text(column, field->default_text, rows, error);
    int64_t value = field->default_value;
    if (field->kind == COLUMN_TERM) {
        value = term_of(job->validation->options.terms, field->default_text, error);
        if (value == TERM_NULL) return false;
    }
    return column_pack(column, field->kind, &value, 1, error);
}

static bool pack_field(struct column *column, const struct job *job, size_t index, struct error *error)
{
    const struct field *field = &job->plan->schema->fields[index];
    const int64_t *values = job->worker->values[index];
    if (!job_keeps(job, index)) return pack_absent(column, job, index, job->kept, error);
    if (field->kind == COLUMN_TEXT) return pack_text(column, field, job->records.data, values, job->kept, error);
    return column_pack_units(column, field->kind, values, job->kept, job->worker->units[index], error);
}

static size_t column_size(const struct column *column, size_t rows)
{
    size_t size = rows * column->width;
    if (column->starts != NULL) size += (rows + 1) * sizeof *column->starts + column->starts[rows];
    if (column->nulls != NULL) size += rows / 8 + 8;
    return size;
}

static bool fill_batch(struct batch *batch, const struct job *job, struct error *error)
{
    size_t fields = job->plan->schema->field_count;
    batch->file = job->block->file;
    batch->rows = (uint32_t)job->kept;
    batch->first_line = job->first_line;
    batch->size_bytes = sizeof *batch + fields * sizeof *batch->column;
    batch->column = memory_zeroed(fields * sizeof *batch->column, error);
    if (batch->column == NULL) return false;
    batch->columns = (uint32_t)fields;
    if (job->scattered) {
        batch->lines = memory_array(job->kept, sizeof *batch->lines, error);
        if (batch->lines == NULL) return false;
        memcpy(batch->lines, job->worker->lines, job->kept * sizeof *batch->lines);
        batch->size_bytes += job->kept * sizeof *batch->lines;
    }
    for (size_t i = 0; i < fields; i++) {
        if (!pack_field(&batch->column[i], job, i, error)) return false;
        batch->size_bytes += column_size(&batch->column[i], job->kept);
    }
    return true;
}

bool batch_build(struct job *job, struct error *error)
{
    struct batch *batch = memory_zeroed(sizeof *batch, error);
    if (batch == NULL) return false;
    if (!fill_batch(batch, job, error)) {
        batch_free(batch);
        return false;
    }
    job->block->batch = batch;
    return true;
}
