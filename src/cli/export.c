#include <string.h>

#include "base/memory.h"
#include "cli/cli.h"
#include "cli/kpi_reading.h"
#include "cli/outlet.h"

#include "cli/progress.h"
#include "tabular/datetime.h"
#include "tabular/parquet.h"

enum { EXPORT_DATA, EXPORT_PIPELINE, EXPORT_FORMAT, EXPORT_OUTPUT, EXPORT_FROM, EXPORT_TO };

static const char *const formats[] = {
    [OUTLET_CSV] = "csv", [OUTLET_JSON_LINES] = "jsonl", [OUTLET_PARQUET] = "parquet", NULL};

static const struct option options[] = {
    [EXPORT_DATA] = CLI_OPTION_DATA,
    [EXPORT_PIPELINE] = CLI_OPTION_PIPELINE,
    [EXPORT_FORMAT] = {.name = "format",
                       .letter = 'f',
                       .kind = VALUE_CHOICE,
                       .argument = "FORMAT",
                       .choices = formats,
                       .help = "what to write; without it the ending of FILE tells, else it is csv"},
    [EXPORT_OUTPUT] = {.name = "output",
                       .letter = 'o',
                       .kind = VALUE_FILE,
                       .argument = "FILE",
                       .help = "where to write (default: standard output)"},
    [EXPORT_FROM] = {.name = "from", .kind = VALUE_DATE, .argument = "DATE", .help = "only this day and later ones"},
    [EXPORT_TO] = {.name = "to", .kind = VALUE_DATE, .argument = "DATE", .help = "only this day and earlier ones"},
};

static const char *const usual[] = {"category_day",   "day",        "product_day", "product",  "customer",    "month",
                                    "fulfilment_day", "region_day", "orders",      "products", "order_items", NULL};
static const struct operand operands[] = {
    {.name = "TABLE", .kind = VALUE_TEXT, .choices = usual, .help = "a KPI table, or a dataset for its cleaned rows"},
};

struct export
{
    const struct options *given;
    const struct kpi_store *store;
    enum outlet_format format;
    const char *path; /* NULL: standard output */
    int64_t from_day, to_day;
};

/* What --format says, or the ending of the file's name. */
static enum outlet_format format_of(const struct options *given)
{
    const struct value *format = &given->values[EXPORT_FORMAT];
    const char *path = given->values[EXPORT_OUTPUT].text;
    if (format->given) return (enum outlet_format)format->number;
    const char *dot = path == NULL ? NULL : strrchr(path, '.');
    for (int i = 0; dot != NULL && formats[i] != NULL; i++)
        if (strcmp(dot + 1, formats[i]) == 0) return (enum outlet_format)i;
    return OUTLET_CSV;
}

static bool export_kpis(const struct export *export, const struct kpi_table *table, struct error *error)
{
    const struct kpi_filter filter = {.from_day = export->from_day, .to_day = export->to_day};
    const struct kpi_view view = {export->store->state, export->store->spec, export->store->terms};
    return kpi_reading_export(&view, table, &filter, export->format, export->path, error);
}

/* --- cleaned rows ----------------------------------------------------------------------------------------------- */

enum { CLEANED_COLUMNS = 2 * KPI_MAX_COLUMNS + 1 };

/* The cleaned rows of one dataset on their way out. Columns are the schema's fields, what the spec adds to them, and
 * the partition (the order's date) where it is none of these. */
struct cleaned_export {
    const struct export *export;
    struct arena *arena; /* of the row group at hand */
    struct value_column columns[CLEANED_COLUMNS];
    size_t count;
    size_t partition_column; /* SIZE_MAX: none is added */
    struct outlet *outlet;
};

static void add_column(struct cleaned_export *cleaned, const char *name, enum column_kind kind, int scale)
{
    bool is_text = kind == COLUMN_TEXT || kind == COLUMN_TERM;
    cleaned->columns[cleaned->count++] =
        (struct value_column){.name = name, .kind = is_text ? COLUMN_TEXT : kind, .scale = scale};
}

static void name_columns(struct cleaned_export *cleaned, const struct kpi_dataset *dataset, const char *partition)
{
    bool named = dataset->partition_column < 0;
    for (size_t f = 0; f < dataset->schema->field_count; f++) {
        const struct field *field = &dataset->schema->fields[f];
        add_column(cleaned, field->name, field->kind, field->scale);
        named = named || strcmp(field->name, partition) == 0;
    }
    for (int i = 0; i < dataset->cleaned_count; i++) {
        const struct kpi_column *column = &dataset->columns[dataset->cleaned[i]];
        add_column(cleaned, column->name, column->kind, column->scale);
        named = named || strcmp(column->name, partition) == 0;
    }
    cleaned->partition_column = named ? SIZE_MAX : cleaned->count;
    if (!named) add_column(cleaned, partition, COLUMN_DATE, 0);
}

/* Texts that stay after the reader's next call. */
static bool keep_texts(struct arena *arena, struct str *texts, size_t rows, struct error *error)
{
    for (size_t i = 0; i < rows; i++) {
        if (texts[i].data == NULL) continue;
        texts[i].data = arena_text(arena, texts[i].data, texts[i].length, error);
        if (texts[i].data == NULL) return false;
    }
    return true;
}

static bool read_column(struct cleaned_export *cleaned, struct parquet_reader *reader, size_t group, size_t c,
                        int64_t day, struct error *error)
{
    struct value_column *column = &cleaned->columns[c];
    size_t rows = (size_t)parquet_group_rows(reader, group);
    bool is_text = column->kind == COLUMN_TEXT;
    int64_t *values = is_text ? NULL : arena_take(cleaned->arena, (rows + 1) * sizeof *values, error);
    struct str *texts = is_text ? arena_zeroed(cleaned->arena, (rows + 1) * sizeof *texts, error) : NULL;
    if (values == NULL && texts == NULL) return false;
    column->values = values;
    column->texts = texts;
    int field = c == cleaned->partition_column ? -1 : parquet_find(reader, column->name);
    if (field >= 0)
        return parquet_read_column(reader, group, (size_t)field, NULL, values, texts, error) &&
               (!is_text || keep_texts(cleaned->arena, texts, rows, error));
    for (size_t i = 0; i < rows && !is_text; i++) values[i] = c == cleaned->partition_column ? day : COLUMN_NULL;
    return true;
}

static bool export_file(struct cleaned_export *cleaned, const char *path, int64_t day, struct error *error)
{
    struct parquet_reader *reader = parquet_open(path, error);
    bool good = reader != NULL;
    for (size_t group = 0; good && group < parquet_group_count(reader); group++) {
        arena_reset(cleaned->arena);
        for (size_t c = 0; c < cleaned->count && good; c++) good = read_column(cleaned, reader, group, c, day, error);
        good =
            good && outlet_write(cleaned->outlet, cleaned->columns, (size_t)parquet_group_rows(reader, group), error);
    }
    parquet_reader_free(reader);
    return good;
}

/* Whether a file's day is asked for; a file without a day always is. */
static bool is_wanted(const struct export *export, const char *partition, int64_t *day)
{
    *day = COLUMN_NULL;
    if (*partition == '\0' || !date_parse(str_of(partition), day)) return true;
    return *day >= export->from_day && *day <= export->to_day;
}

static bool export_files(struct cleaned_export *cleaned, const struct folder_file *files, size_t count,
                         struct error *error)
{
    const struct export *export = cleaned->export;
    const char *folder = folder_path(export->store->folder);
    struct progress progress;
    uint64_t total = 0, done = 0;
    int64_t day = 0;
    bool good = true;
    for (size_t i = 0; i < count; i++) total += is_wanted(export, files[i].partition, &day) ? files[i].size_bytes : 0;
    progress_start(&progress, stderr, "exporting");
    for (size_t i = 0; i < count && good; i++) {
        struct buffer path;
        if (!is_wanted(export, files[i].partition, &day)) continue;
        buffer_init(&path, 0);
        buffer_append_format(&path, "%s/%s", folder, files[i].path);
        good = buffer_check(&path, error) && export_file(cleaned, buffer_text(&path), day, error);
        buffer_free(&path);
        done += files[i].size_bytes;
        if (export->path != NULL) progress_update(&progress, done, total);
    }
    progress_end(&progress);
    return good;
}

static bool export_cleaned(const struct export *export, const struct kpi_dataset *dataset, struct error *error)
{
    struct cleaned_export cleaned = {.export = export};
    struct folder *folder = export->store->folder;
    struct folder_file *files = NULL;
    size_t count = 0;
    struct arena *names = arena_new(0, error);
    cleaned.arena = names == NULL ? NULL : arena_new(0, error);
    bool reading = cleaned.arena != NULL && folder_read_begin(folder, error);
    bool good = reading && folder_files(folder, names, "cleaned", dataset->name, NULL, &files, &count, error);
    if (good) {
        name_columns(&cleaned, dataset, export->store->spec->partition);
        cleaned.outlet = outlet_open(export->format, export->path, cleaned.columns, cleaned.count, NULL, error);
        good = cleaned.outlet != NULL && export_files(&cleaned, files, count, error) &&
               outlet_finish(cleaned.outlet, error);
    }
    if (reading) folder_read_end(folder);
    outlet_free(cleaned.outlet);
    arena_free(cleaned.arena);
    arena_free(names);
    return good;
}

static int run(const struct options *given)
{
    struct error error = {0};
    struct kpi_store store = {0};
    const char *name = given->operands[0];
    bool good = kpi_reading_open(&store, given->values[EXPORT_DATA].text, given->values[EXPORT_PIPELINE].text, &error);
    struct export export = {
        .given = given,
        .store = &store,
        .format = format_of(given),
        .path = given->values[EXPORT_OUTPUT].text,
        .from_day = given->values[EXPORT_FROM].given ? given->values[EXPORT_FROM].number : INT64_MIN,
        .to_day = given->values[EXPORT_TO].given ? given->values[EXPORT_TO].number : INT64_MAX,
    };
    int dataset = good ? kpi_dataset_find(store.spec, name) : -1;
    if (good && dataset >= 0) {
        good = export_cleaned(&export, &store.spec->datasets[dataset], &error);
    } else if (good) {
        const struct kpi_table *table = kpi_reading_table(store.spec, name, &error);
        good = table != NULL && export_kpis(&export, table, &error);
    }
    kpi_store_close(&store);
    return good ? CLI_DONE : cli_fail(&error);
}

const struct command cli_export = {
    .name = "export",
    .summary = "Write a KPI table or cleaned rows as CSV, JSON lines or Parquet",
    .description =
        "Writes a KPI table, or the cleaned rows of a dataset (orders, order_items, products), to a file or to "
        "standard output. A file gets its name when it is complete.\n\n"
        "The names of datasets come before those of tables: 'orders' is the cleaned orders.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle export category_day -o categories.parquet", "aisle export day --from 2025-04-01 > days.csv",
                 "aisle export order_items --format jsonl | jq .sale_price"},
    .run = run,
};
