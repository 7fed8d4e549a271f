#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/kpi_reading.h"
#include "cli/sheet.h"
#include "cli/table.h"
#include "kpi/lineage.h"
#include "tabular/json_lines.h"

enum { TRACE_DATA, TRACE_PIPELINE, TRACE_LIMIT, TRACE_JSON };
static const struct option options[] = {
    [TRACE_DATA] = CLI_OPTION_DATA,
    [TRACE_PIPELINE] = CLI_OPTION_PIPELINE,
    [TRACE_LIMIT] = {.name = "limit",
                     .kind = VALUE_COUNT,
                     .argument = "N",
                     .fallback = "100",
                     .help = "show at most N rows, 0 for all; all are counted"},
    [TRACE_JSON] = CLI_OPTION_JSON,
};

static const char *const usual[] = {"category_day",   "day",        "product_day", "product", "customer", "month",
                                    "fulfilment_day", "region_day", NULL};
static const struct operand operands[] = {
    {.name = "TABLE", .kind = VALUE_TEXT, .choices = usual, .help = "the KPI table"},
    {.name = "KEY",
     .kind = VALUE_TEXT,
     .repeats = true,
     .help = "the row's keys in the order in which 'aisle kpi' shows them; the last ones may be left out"},
};

/* Names of source files that were looked up, by number. */
enum { NAMES_KEPT = 1024 };

struct tracing {
    const struct kpi_store *store;
    struct arena *arena;
    struct folder_source *sources; /* NAMES_KEPT of them */
    uint64_t limit;                /* UINT64_MAX: all */
    uint64_t seen;
    uint64_t by_dataset[KPI_MAX_DATASETS];
    struct table *table; /* NULL for JSON */
    struct buffer text;
};

static const struct folder_source *source_of(struct tracing *tracing, int64_t number, struct error *error)
{
    struct folder_source *kept = &tracing->sources[(uint64_t)number % NAMES_KEPT];
    if (kept->name != NULL && kept->number == number) return kept;
    kept->name = NULL;
    return folder_source(tracing->store->folder, tracing->arena, number, kept, error) ? kept : NULL;
}

/* A field of a row as a column of one row. `value` and `text` are where it lies. */
static struct value_column column_of(const struct lineage_row *row, size_t field, int64_t *value, struct str *text)
{
    const struct field *definition = &row->dataset->schema->fields[field];
    const struct column *column = &row->batch->column[field];
    if (column->kind == COLUMN_TEXT)
        *text = column_text(column, row->row);
    else
        column_unpack(column, row->row, 1, value);
    return (struct value_column){
        .name = definition->name, .kind = column->kind, .scale = definition->scale, .values = value, .texts = text};
}

static bool is_null(const struct value_column *column)
{
    if (column->kind == COLUMN_ABSENT) return true;
    return column->kind == COLUMN_TEXT ? column->texts[0].data == NULL : column->values[0] == COLUMN_NULL;
}

/* {"order_id":12,"status":"returned",…} */
static void append_object(struct tracing *tracing, const struct lineage_row *row)
{
    buffer_append_char(&tracing->text, '{');
    for (size_t f = 0; f < row->dataset->schema->field_count; f++) {
        int64_t value = COLUMN_NULL;
        struct str text = {NULL, 0};
        struct value_column column = column_of(row, f, &value, &text);
        if (f > 0) buffer_append_char(&tracing->text, ',');
        json_append_string(&tracing->text, str_of(column.name));
        buffer_append_char(&tracing->text, ':');
        json_lines_value(&tracing->text, &column, tracing->store->terms, 0);
    }
    buffer_append_char(&tracing->text, '}');
}

/* order_id=12 status=returned …, without what is null */
static void append_pairs(struct tracing *tracing, const struct lineage_row *row)
{
    for (size_t f = 0; f < row->dataset->schema->field_count; f++) {
        int64_t value = COLUMN_NULL;
        struct str text = {NULL, 0};
        struct value_column column = column_of(row, f, &value, &text);
        if (is_null(&column)) continue;
        buffer_append_format(&tracing->text, "%s%s=", tracing->text.length == 0 ? "" : " ", column.name);
        if (column.kind == COLUMN_TEXT)
            buffer_append_str(&tracing->text, text);
        else
            value_append(&tracing->text, &column, tracing->store->terms, value);
    }
}

static bool put_row(struct tracing *tracing, const struct lineage_row *row, const struct folder_source *source,
                    struct error *error)
{
    char line[24];
    snprintf(line, sizeof line, "%" PRId64, row->line);
    append_pairs(tracing, row);
    if (!buffer_check(&tracing->text, error)) return false;
    table_text(tracing->table, str_of(row->dataset->name));
    table_text(tracing->table, str_of(source->name));
    table_text(tracing->table, str_of(line));
    table_text(tracing->table, str_slice(tracing->text.data, tracing->text.length));
    table_end_row(tracing->table);
    return true;
}

static bool write_object(struct tracing *tracing, const struct lineage_row *row, const struct folder_source *source,
                         struct error *error)
{
    struct buffer *text = &tracing->text;
    buffer_append_text(text, tracing->seen == 1 ? "{\"dataset\":" : ",\n {\"dataset\":");
    json_append_string(text, str_of(row->dataset->name));
    buffer_append_text(text, ",\"file\":");
    json_append_string(text, str_of(source->name));
    buffer_append_format(text, ",\"line\":%" PRId64 ",\"run\":", row->line);
    json_append_string(text, str_of(source->run));
    buffer_append_text(text, ",\"row\":");
    append_object(tracing, row);
    buffer_append_char(text, '}');
    if (!buffer_check(text, error)) return false;
    fwrite(text->data, 1, text->length, stdout);
    return true;
}

static bool visit(void *context, const struct lineage_row *row, struct error *error)
{
    struct tracing *tracing = context;
    tracing->by_dataset[row->dataset - tracing->store->spec->datasets]++;
    if (tracing->seen >= tracing->limit) return true;
    tracing->seen++;
    const struct folder_source *source = source_of(tracing, row->source, error);
    buffer_clear(&tracing->text);
    return source != NULL &&
           (tracing->table != NULL ? put_row(tracing, row, source, error) : write_object(tracing, row, source, error));
}

/* The KPI row itself, so that one sees what is being explained. */
static bool show_kpis(const struct tracing *tracing, const struct kpi_table *table, char **keys, int key_count,
                      struct error *error)
{
    struct kpi_filter filter = {.from_day = INT64_MIN, .to_day = INT64_MAX};
    struct kpi_result result = {0};
    struct value_column columns[KPI_READING_COLUMNS];
    struct sheet_options form = {.out = stdout, .terms = tracing->store->terms, .bar = SHEET_NO_BAR};
    for (int k = 0; k < key_count; k++) filter.key[k] = keys[k];
    if (!kpi_read(tracing->store->state, tracing->store->spec, tracing->store->terms, table, &filter, &result, error))
        return false;
    kpi_reading_columns(&result, columns);
    struct sheet *sheet = NULL;
    bool good = true;
    if (result.rows > 0) {
        sheet = sheet_new(columns, (size_t)result.column_count, &form, error);
        good = sheet != NULL && sheet_write(sheet, columns, 0, result.rows, error) && sheet_finish(sheet, error);
        fputc('\n', stdout);
    }
    sheet_free(sheet);
    kpi_result_free(&result);
    return good;
}

static void write_counts(const struct tracing *tracing)
{
    const struct kpi_spec *spec = tracing->store->spec;
    uint64_t all = 0;
    for (int d = 0; d < spec->dataset_count; d++) all += tracing->by_dataset[d];
    if (all == 0) {
        puts("no row stands behind it");
        return;
    }
    fputc('\n', stdout);
    for (int d = 0; d < spec->dataset_count; d++)
        if (tracing->by_dataset[d] > 0)
            printf("%s: %" PRIu64 " row%s\n", spec->datasets[d].name, tracing->by_dataset[d],
                   tracing->by_dataset[d] == 1 ? "" : "s");
    if (all > tracing->seen)
        printf("%" PRIu64 " of %" PRIu64 " rows are shown; --limit 0 shows all\n", tracing->seen, all);
}

static bool trace_table(struct tracing *tracing, const struct kpi_table *table, char **keys, int key_count,
                        struct error *error)
{
    static const struct table_column columns[] = {
        {.title = "dataset"}, {.title = "file"}, {.title = "line", .kind = TABLE_NUMBER}, {.title = "row"}};
    struct terminal terminal = terminal_of(stdout);
    if (!show_kpis(tracing, table, keys, key_count, error)) return false;
    tracing->table = table_new(stdout, &terminal, columns, COUNT_OF(columns), error);
    bool good = tracing->table != NULL &&
                lineage_walk(tracing->store, table, (const char *const *)keys, key_count, visit, tracing, error) &&
                (tracing->seen == 0 || table_finish(tracing->table, error));
    table_free(tracing->table);
    if (good) write_counts(tracing);
    return good;
}

static bool trace_json(struct tracing *tracing, const struct kpi_table *table, char **keys, int key_count,
                       struct error *error)
{
    fputc('[', stdout);
    bool good = lineage_walk(tracing->store, table, (const char *const *)keys, key_count, visit, tracing, error);
    fputs("]\n", stdout);
    return good;
}

static bool trace(const struct options *given, struct tracing *tracing, struct error *error)
{
    const struct kpi_table *table = kpi_reading_table(tracing->store->spec, given->operands[0], error);
    if (table == NULL) return false;
    tracing->arena = arena_new(0, error);
    tracing->sources = memory_zeroed(NAMES_KEPT * sizeof *tracing->sources, error);
    bool good = tracing->arena != NULL && tracing->sources != NULL;
    int key_count = (int)given->operand_count - 1;
    buffer_init(&tracing->text, 0);
    if (good && given->values[TRACE_JSON].given)
        good = trace_json(tracing, table, given->operands + 1, key_count, error);
    else if (good)
        good = trace_table(tracing, table, given->operands + 1, key_count, error);
    buffer_free(&tracing->text);
    memory_free(tracing->sources);
    arena_free(tracing->arena);
    return good;
}

static int run(const struct options *given)
{
    struct error error = {0};
    struct kpi_store store = {0};
    int64_t limit = given->values[TRACE_LIMIT].number;
    struct tracing tracing = {.store = &store, .limit = limit == 0 ? UINT64_MAX : (uint64_t)limit};
    bool good = kpi_reading_open(&store, given->values[TRACE_DATA].text, given->values[TRACE_PIPELINE].text, &error) &&
                trace(given, &tracing, &error);
    kpi_store_close(&store);
    return good ? CLI_DONE : cli_fail(&error);
}

const struct command cli_trace = {
    .name = "trace",
    .summary = "Show the files and lines that a KPI came from",
    .description =
        "Goes from a row of a KPI table back to the cleaned rows that it was worked out from, each with the file "
        "and line it came from. A file's line counts from 1, the header among them.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle trace category_day Electronics 2025-04-01", "aisle trace product 1042 --json --limit 0"},
    .run = run,
};
