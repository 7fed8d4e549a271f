#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "kpi/cleaned_private.h"
#include "tabular/datetime.h"

/* Values of a field of one run of tuples. */
static void run_values(const struct fact_field *field, const struct tuple_run *run, int64_t *values)
{
    if (field->settled) {
        for (uint32_t i = 0; i < run->count; i++) values[i] = field->base;
        return;
    }
    const uint32_t *low = pile_word(run->pile, field->word) + run->from;
    if (field->raw) {
        const uint32_t *high = pile_word(run->pile, field->word + 1) + run->from;
        for (uint32_t i = 0; i < run->count; i++) values[i] = (int64_t)((uint64_t)high[i] << 32 | low[i]);
        return;
    }
    int64_t base = field->base, unit = field->unit;
    for (uint32_t i = 0; i < run->count; i++) {
        int64_t value = base + unit * (int64_t)low[i];
        values[i] = low[i] == CODE_NULL ? COLUMN_NULL : value;
    }
}

/* Values of a field. References of one item stand together, so the batch is looked up once a run. */
static void gather_field(const struct cleaned_rows *part, int field, int64_t *values)
{
    for (size_t r = 0; r < part->run_count; r++) {
        run_values(&part->fact->fields[field], &part->runs[r], values);
        values += part->runs[r].count;
    }
    for (size_t i = 0; part->references && i < part->count;) {
        size_t item = part->references[i] >> 32, end = i + 1;
        while (end < part->count && part->references[end] >> 32 == item) end++;
        column_pick(&part->list->items[item].batch->column[field], part->references + i, end - i, values + i);
        i = end;
    }
}

static bool gather_column(const struct kpi_dataset *dataset, int column, const struct cleaned_rows *part,
                          int64_t *values, struct error *error)
{
    const struct kpi_column *c = &dataset->columns[column];
    if (c->operator== OPERATOR_FIELD) {
        gather_field(part, c->field, values);
        return true;
    }
    int64_t *a = memory_array(part->count + 1, sizeof *a, error), *b = memory_array(part->count + 1, sizeof *b, error);
    bool good = a && b && gather_column(dataset, c->argument[0], part, a, error);
    if (good && c->argument[1] >= 0) good = gather_column(dataset, c->argument[1], part, b, error);
    good = good && rows_operate(c, a, b, part->count, values, error);
    memory_free(a);
    memory_free(b);
    return good;
}

static struct str text_at(const struct rows *rows, int field, size_t row)
{
    const struct column *column = &rows->batch->column[field];
    return column->kind == COLUMN_TEXT ? column_text(column, row) : (struct str){0};
}

static void gather_text(const struct cleaned_rows *part, int field, struct str *texts)
{
    for (size_t r = 0; r < part->run_count; r++) {
        const struct tuple_run *run = &part->runs[r];
        const uint32_t *rows = pile_word(run->pile, run->row_word) + run->from;
        for (uint32_t i = 0; i < run->count; i++) *texts++ = text_at(&part->list->items[run->item], field, rows[i]);
    }
    for (size_t i = 0; part->references && i < part->count; i++) {
        row_reference reference = part->references[i];
        texts[i] = text_at(&part->list->items[reference >> 32], field, (uint32_t)reference);
    }
}

static int64_t lineage_of(const struct rows *rows, size_t row, bool line)
{
    return line ? rows_line(rows, row) : rows_source(rows, row);
}

static void gather_lineage(const struct cleaned_rows *part, bool line, int64_t *values)
{
    for (size_t r = 0; r < part->run_count; r++) {
        const struct tuple_run *run = &part->runs[r];
        const uint32_t *rows = pile_word(run->pile, run->row_word) + run->from;
        for (uint32_t i = 0; i < run->count; i++) *values++ = lineage_of(&part->list->items[run->item], rows[i], line);
    }
    for (size_t i = 0; part->references && i < part->count; i++) {
        row_reference reference = part->references[i];
        values[i] = lineage_of(&part->list->items[reference >> 32], (uint32_t)reference, line);
    }
}

/* The output columns of a dataset: fields, derived ones, lineage. */
static size_t output_fields(const struct kpi_dataset *dataset, struct parquet_field *fields)
{
    size_t count = 0;
    for (size_t f = 0; f < dataset->schema->field_count; f++) {
        const struct field *field = &dataset->schema->fields[f];
        fields[count++] = (struct parquet_field){.name = field->name, .kind = field->kind, .scale = field->scale};
    }
    for (int i = 0; i < dataset->cleaned_count; i++) {
        const struct kpi_column *column = &dataset->columns[dataset->cleaned[i]];
        fields[count++] = (struct parquet_field){.name = column->name, .kind = column->kind, .scale = column->scale};
    }
    fields[count++] = (struct parquet_field){.name = "_source", .kind = COLUMN_INTEGER};
    fields[count++] = (struct parquet_field){.name = "_line", .kind = COLUMN_INTEGER};
    return count;
}

struct writing {
    const struct kpi_dataset *dataset;
    const struct cleaned_rows *lists;
    size_t list_count, rows;
    struct parquet_field *fields;
    struct parquet_values *values;
    size_t field_count;
};

/* Room for one output column, which keeps what it had for the next file. */
static void *desk_column(struct desk *desk, size_t output, size_t size, struct error *error)
{
    if (desk->sizes[output] < size || !desk->columns[output]) {
        memory_free(desk->columns[output]);
        desk->sizes[output] = size + size / 2;
        desk->columns[output] = memory_array(1, desk->sizes[output] + 1, error);
        if (!desk->columns[output]) desk->sizes[output] = 0;
    }
    return desk->columns[output];
}

static bool fill_output(struct writing *writing, struct desk *desk, size_t output, struct error *error)
{
    size_t fields = writing->dataset->schema->field_count, derived = (size_t)writing->dataset->cleaned_count;
    bool text = writing->fields[output].kind == COLUMN_TEXT;
    void *room = desk_column(desk, output, writing->rows * (text ? sizeof(struct str) : sizeof(int64_t)), error);
    if (!room) return false;
    if (text) {
        writing->values[output].texts = room;
    } else {
        writing->values[output].values = room;
    }
    size_t at = 0;
    for (size_t l = 0; l < writing->list_count; l++) {
        const struct cleaned_rows *part = &writing->lists[l];
        if (text) {
            gather_text(part, (int)output, (struct str *)room + at);
        } else if (output < fields) {
            gather_field(part, (int)output, (int64_t *)room + at);
        } else if (output < fields + derived) {
            int column = writing->dataset->cleaned[output - fields];
            if (!gather_column(writing->dataset, column, part, (int64_t *)room + at, error)) return false;
        } else {
            gather_lineage(part, output == fields + derived + 1, (int64_t *)room + at);
        }
        at += part->count;
    }
    return true;
}

/* The desk's writer for a dataset, set to begin a file. NULL on failure. */
static struct parquet_writer *begin_file(struct cleaned *cleaned, struct desk *desk, const struct writing *writing,
                                         int fd, const char *path, struct error *error)
{
    struct parquet_writer **writer = &desk->writers[writing->dataset - cleaned->spec->datasets];
    if (!*writer) {
        *writer =
            parquet_create(fd, path, writing->fields, writing->field_count, PARQUET_SNAPPY, cleaned->terms, error);
        return *writer;
    }
    return parquet_restart(*writer, fd, path, error) ? *writer : NULL;
}

static bool write_parquet(struct cleaned *cleaned, struct desk *desk, struct writing *writing, int fd, const char *path,
                          uint64_t *size, struct error *error)
{
    for (size_t f = 0; f < writing->field_count; f++) {
        if (!fill_output(writing, desk, f, error)) return false;
    }
    struct parquet_writer *writer = begin_file(cleaned, desk, writing, fd, path, error);
    return writer && parquet_write_group(writer, writing->values, writing->rows, error) &&
           parquet_finish(writer, size, error);
}

static const char *new_path(struct cleaned *cleaned, const char *dataset, int64_t place, struct error *error)
{
    unsigned serial = ++cleaned->serial;
    if (place >= PLACE_PENDING) {
        return arena_format(cleaned->arena, error, "pending/%s/%lld-%s-%u.parquet", dataset,
                            (long long)(place - PLACE_PENDING), cleaned->run, serial);
    }
    if (place == PLACE_WHOLE &&
        cleaned->spec->datasets[kpi_dataset_find(cleaned->spec, dataset)].partition_column < 0) {
        return arena_format(cleaned->arena, error, "cleaned/%s/%s-%u.parquet", dataset, cleaned->run, serial);
    }
    char date[16];
    date_text(place, date);
    return arena_format(cleaned->arena, error, "cleaned/%s/%s=%s/%s-%u.parquet", dataset, cleaned->spec->partition,
                        date, cleaned->run, serial);
}

bool cleaned_write(struct cleaned *cleaned, unsigned worker, int dataset, int64_t place,
                   const struct cleaned_rows *lists, size_t list_count, struct error *error)
{
    struct parquet_field fields[KPI_MAX_COLUMNS * 2];
    struct parquet_values values[KPI_MAX_COLUMNS * 2] = {{0}};
    struct writing writing = {.dataset = &cleaned->spec->datasets[dataset],
                              .lists = lists,
                              .list_count = list_count,
                              .fields = fields,
                              .values = values};
    for (size_t l = 0; l < list_count; l++) writing.rows += lists[l].count;
    if (writing.rows == 0) return true;
    writing.field_count = output_fields(writing.dataset, fields);
    struct part part = {.dataset = dataset, .place = place, .rows = writing.rows, .staged = true};
    pthread_mutex_lock(&cleaned->lock);
    part.path = new_path(cleaned, writing.dataset->name, place, error);
    int fd = part.path ? change_create(cleaned->change, part.path, error) : -1;
    pthread_mutex_unlock(&cleaned->lock);
    bool good =
        fd >= 0 && write_parquet(cleaned, &cleaned->desks[worker], &writing, fd, part.path, &part.size_bytes, error);
    if (fd >= 0) close(fd);
    pthread_mutex_lock(&cleaned->lock);
    good = good && cleaned_add_part(cleaned, part, error);
    pthread_mutex_unlock(&cleaned->lock);
    return good;
}
