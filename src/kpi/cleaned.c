#include "kpi/cleaned.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "kpi/state.h"
#include "tabular/datetime.h"

/* A file that is current, or will be when the change commits. */
struct part {
    int dataset;
    int64_t place;
    const char *path; /* within the folder */
    uint64_t rows, size_bytes;
    bool staged; /* made by this change */
    bool dropped;
};

/* What one worker writes files with, kept from file to file. */
struct desk {
    struct parquet_writer *writers[KPI_MAX_DATASETS];
    void *columns[KPI_MAX_COLUMNS * 2];
    size_t sizes[KPI_MAX_COLUMNS * 2]; /* in bytes */
};

struct cleaned {
    struct desk *desks; /* by worker */
    unsigned workers;
    const struct kpi_spec *spec;
    struct folder *folder;
    struct change *change;
    const char *run;
    struct terms *terms;
    struct arena *arena;
    pthread_mutex_t lock; /* over parts, arena and change while several threads write */
    struct part *parts;   /* sorted by dataset and place as far as `sorted` */
    size_t count, capacity, sorted;
    unsigned serial;
};

#define LINEAGE_COLUMNS 2

static int compare_parts(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->dataset != y->dataset) return x->dataset - y->dataset;
    if (x->place != y->place) return x->place < y->place ? -1 : 1;
    if (x->staged != y->staged) return x->staged - y->staged;
    return strcmp(x->path, y->path);
}

static bool add_part(struct cleaned *cleaned, struct part part, struct error *error)
{
    if (cleaned->count == cleaned->capacity) {
        size_t capacity = cleaned->capacity ? cleaned->capacity * 2 : 256;
        struct part *parts = memory_resize(cleaned->parts, capacity, sizeof *parts, error);
        if (!parts) return false;
        cleaned->parts = parts;
        cleaned->capacity = capacity;
    }
    cleaned->parts[cleaned->count++] = part;
    return true;
}

/* The place that a partition's text stands for. */
static bool place_of(const char *role, const char *partition, int64_t *place, struct error *error)
{
    if (strcmp(role, "pending") == 0) {
        *place = PLACE_PENDING + strtoll(partition, NULL, 10);
        return true;
    }
    if (*partition == '\0') {
        *place = PLACE_WHOLE;
        return true;
    }
    if (date_parse(str_of(partition), place)) return true;
    return error_set(error, ERROR_CORRUPT, "the partition \"%s\" is not a date", partition);
}

static bool load_parts(struct cleaned *cleaned, const char *role, struct error *error)
{
    struct folder_file *files;
    size_t count;
    if (!folder_files(cleaned->folder, cleaned->arena, role, NULL, NULL, &files, &count, error)) return false;
    for (size_t i = 0; i < count; i++) {
        struct part part = {.dataset = kpi_dataset_find(cleaned->spec, files[i].dataset),
                            .path = files[i].path,
                            .rows = files[i].rows,
                            .size_bytes = files[i].size_bytes};
        if (part.dataset < 0) continue; /* of another pipeline in the same folder */
        if (!place_of(role, files[i].partition, &part.place, error) || !add_part(cleaned, part, error)) return false;
    }
    return true;
}

/* Rows are named by their dataset alone, so they belong to one pipeline: the one that has a state here. */
static bool check_owner(struct cleaned *cleaned, struct error *error)
{
    if (cleaned->count == 0) return true;
    const char *key = arena_format(cleaned->arena, error, "kpi/%s", cleaned->spec->pipeline);
    if (!key) return false;
    error->code = ERROR_NONE;
    if (folder_document(cleaned->folder, cleaned->arena, key, error)) return true;
    if (error->code != ERROR_NONE) return false;
    return error_set(error, ERROR_CONFLICT,
                     "%s holds rows of a dataset \"%s\" of another pipeline than \"%s\"; give each pipeline a data "
                     "folder of its own",
                     folder_path(cleaned->folder), cleaned->spec->datasets[cleaned->parts[0].dataset].name,
                     cleaned->spec->pipeline);
}

struct cleaned *cleaned_open(const struct kpi_spec *spec, struct folder *folder, struct change *change, const char *run,
                             struct terms *terms, unsigned workers, struct error *error)
{
    struct cleaned *cleaned = memory_zeroed(sizeof *cleaned, error);
    if (!cleaned) return NULL;
    *cleaned = (struct cleaned){.spec = spec, .folder = folder, .change = change, .run = run, .terms = terms};
    pthread_mutex_init(&cleaned->lock, NULL);
    cleaned->workers = workers;
    cleaned->desks = memory_zeroed(workers * sizeof *cleaned->desks, error);
    cleaned->arena = arena_new(0, error);
    if (cleaned->desks && cleaned->arena && load_parts(cleaned, "cleaned", error) &&
        load_parts(cleaned, "pending", error) && check_owner(cleaned, error)) {
        if (cleaned->count) qsort(cleaned->parts, cleaned->count, sizeof *cleaned->parts, compare_parts);
        cleaned->sorted = cleaned->count;
        return cleaned;
    }
    cleaned_close(cleaned);
    return NULL;
}

void cleaned_close(struct cleaned *cleaned)
{
    if (!cleaned) return;
    for (unsigned w = 0; cleaned->desks && w < cleaned->workers; w++) {
        struct desk *desk = &cleaned->desks[w];
        for (int d = 0; d < KPI_MAX_DATASETS; d++) {
            if (desk->writers[d]) parquet_writer_free(desk->writers[d]);
        }
        for (int c = 0; c < KPI_MAX_COLUMNS * 2; c++) memory_free(desk->columns[c]);
    }
    memory_free(cleaned->desks);
    pthread_mutex_destroy(&cleaned->lock);
    memory_free(cleaned->parts);
    if (cleaned->arena) arena_free(cleaned->arena);
    memory_free(cleaned);
}

/* Puts the parts that were added since in order, so that a place's parts are neighbours. */
static void order_parts(struct cleaned *cleaned)
{
    if (cleaned->sorted == cleaned->count) return;
    qsort(cleaned->parts, cleaned->count, sizeof *cleaned->parts, compare_parts);
    cleaned->sorted = cleaned->count;
}

/* The index of the first part of a place, and how many parts it has. */
static size_t find_parts(struct cleaned *cleaned, int dataset, int64_t place, size_t *count)
{
    order_parts(cleaned);
    size_t low = 0, high = cleaned->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct part *part = &cleaned->parts[middle];
        bool before = part->dataset != dataset ? part->dataset < dataset : part->place < place;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    size_t end = low;
    while (end < cleaned->count && cleaned->parts[end].dataset == dataset && cleaned->parts[end].place == place) end++;
    *count = end - low;
    return low;
}

size_t cleaned_files(struct cleaned *cleaned, int dataset, int64_t place)
{
    size_t count, live = 0;
    size_t first = find_parts(cleaned, dataset, place, &count);
    for (size_t i = first; i < first + count; i++) live += !cleaned->parts[i].dropped;
    return live;
}

bool cleaned_places(struct cleaned *cleaned, int dataset, int64_t **places, size_t *count, struct error *error)
{
    order_parts(cleaned);
    *count = 0;
    *places = memory_array(cleaned->count + 1, sizeof **places, error);
    if (!*places) return false;
    for (size_t i = 0; i < cleaned->count; i++) {
        const struct part *part = &cleaned->parts[i];
        if (part->dataset != dataset || part->dropped) continue;
        if (*count == 0 || (*places)[*count - 1] != part->place) (*places)[(*count)++] = part->place;
    }
    return true;
}

/* ---- reading ---- */

/* Rows of all files of a place, by column, before they are packed. */
struct reading {
    struct cleaned *cleaned;
    const struct kpi_dataset *dataset;
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
        int columns = (int)reading->dataset->schema->field_count + LINEAGE_COLUMNS;
        for (int c = 0; good && c < columns; c++) good = read_column(reading, reader, group, c, *at, error);
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

bool cleaned_read(struct cleaned *cleaned, int dataset, int64_t place, struct rows *rows, struct error *error)
{
    size_t count, at = 0;
    *rows = (struct rows){0};
    size_t first = find_parts(cleaned, dataset, place, &count);
    struct reading reading = {.cleaned = cleaned, .dataset = &cleaned->spec->datasets[dataset]};
    for (size_t i = first; i < first + count; i++) {
        if (!cleaned->parts[i].dropped) reading.rows += cleaned->parts[i].rows;
    }
    bool good = reading_open(&reading, error);
    for (size_t i = first; good && i < first + count; i++) {
        if (!cleaned->parts[i].dropped) good = read_part(&reading, &cleaned->parts[i], &at, error);
    }
    good = good && pack_rows(&reading, rows, error);
    reading_close(&reading);
    if (!good) {
        batch_free(rows->batch);
        *rows = (struct rows){0};
    }
    return good;
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
    size_t first = find_parts(cleaned, dataset, place, &parts);
    const char *name = cleaned->spec->datasets[dataset].schema->fields[field].name;
    *any = false;
    for (size_t i = first; i < first + parts && !*any; i++) {
        const struct part *part = &cleaned->parts[i];
        if (!part->dropped && !part_mentions(cleaned, part, name, keys, count, any, error)) return false;
    }
    return true;
}

/* ---- writing ---- */

static int64_t tuple_value(const struct fact_field *field, const uint32_t *tuple)
{
    uint32_t low = tuple[field->word];
    if (field->raw) return (int64_t)((uint64_t)tuple[field->word + 1] << 32 | low);
    return low == CODE_NULL ? COLUMN_NULL : field->base + field->unit * (int64_t)low;
}

/* Values of a field. References of one item stand together, so the batch is looked up once a run. */
static void gather_field(const struct cleaned_rows *part, int field, int64_t *values)
{
    if (part->tuples) {
        for (size_t i = 0; i < part->count; i++) values[i] = tuple_value(&part->fact->fields[field], part->tuples[i]);
        return;
    }
    for (size_t i = 0; i < part->count;) {
        size_t item = part->references[i] >> 32, end = i + 1;
        while (end < part->count && part->references[end] >> 32 == item) end++;
        column_pick(&part->list->items[item].batch->column[field], part->references + i, end - i, values + i);
        i = end;
    }
}

static row_reference reference_at(const struct cleaned_rows *part, size_t i)
{
    if (part->references) return part->references[i];
    const uint32_t *words = part->tuples[i] + part->fact->reference_word;
    return (row_reference)words[0] << 32 | words[1];
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

static void gather_text(const struct cleaned_rows *part, int field, struct str *texts)
{
    for (size_t i = 0; i < part->count; i++) {
        row_reference reference = reference_at(part, i);
        const struct rows *rows = &part->list->items[reference >> 32];
        texts[i] = rows->batch->column[field].kind == COLUMN_TEXT
                       ? column_text(&rows->batch->column[field], (uint32_t)reference)
                       : (struct str){0};
    }
}

static void gather_lineage(const struct cleaned_rows *part, bool line, int64_t *values)
{
    for (size_t i = 0; i < part->count; i++) {
        row_reference reference = reference_at(part, i);
        const struct rows *rows = &part->list->items[reference >> 32];
        uint32_t row = (uint32_t)reference;
        values[i] = line ? rows_line(rows, row) : rows_source(rows, row);
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
    good = good && add_part(cleaned, part, error);
    pthread_mutex_unlock(&cleaned->lock);
    return good;
}

bool cleaned_drop(struct cleaned *cleaned, int dataset, int64_t place, struct error *error)
{
    size_t count;
    size_t first = find_parts(cleaned, dataset, place, &count);
    for (size_t i = first; i < first + count; i++) {
        struct part *part = &cleaned->parts[i];
        if (part->dropped) continue;
        part->dropped = true;
        if (!change_forget(cleaned->change, part->path, error)) return false;
    }
    return true;
}

bool cleaned_finish(struct cleaned *cleaned, struct error *error)
{
    for (size_t i = 0; i < cleaned->count; i++) {
        const struct part *part = &cleaned->parts[i];
        if (!part->staged || part->dropped) continue;
        const struct kpi_dataset *dataset = &cleaned->spec->datasets[part->dataset];
        bool pending = part->place >= PLACE_PENDING;
        char partition[32] = "";
        if (pending) {
            snprintf(partition, sizeof partition, "%lld", (long long)(part->place - PLACE_PENDING));
        } else if (dataset->partition_column >= 0) {
            date_text(part->place, partition);
        }
        struct folder_file file = {.role = pending ? "pending" : "cleaned",
                                   .dataset = dataset->name,
                                   .partition = partition,
                                   .path = part->path,
                                   .rows = part->rows,
                                   .size_bytes = part->size_bytes,
                                   .run = cleaned->run};
        if (!change_name(cleaned->change, &file, error)) return false;
    }
    return true;
}
