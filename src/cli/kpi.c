#include "kpi/tables.h"

#include <string.h>

#include "cli/cli.h"
#include "cli/kpi_reading.h"

#include "cli/sheet.h"
#include "cli/table.h"

enum {
    KPI_DATA,
    KPI_PIPELINE,
    KPI_CATEGORY,
    KPI_KEY,
    KPI_FROM,
    KPI_TO,
    KPI_BY,
    KPI_TOP,
    KPI_WORST,
    KPI_THOUSANDS,
    KPI_CSV,
    KPI_JSON
};

static const struct option options[] = {
    [KPI_DATA] = CLI_OPTION_DATA,
    [KPI_PIPELINE] = CLI_OPTION_PIPELINE,
    [KPI_CATEGORY] = {.name = "category",
                      .kind = VALUE_TEXT,
                      .argument = "C",
                      .help = "show only this category, of a table that has categories"},
    [KPI_KEY] = {.name = "key",
                 .kind = VALUE_TEXT,
                 .argument = "KEY",
                 .help = "show only this product, customer, region or whatever the table's first key other than a date "
                         "is"},
    [KPI_FROM] = {.name = "from", .kind = VALUE_DATE, .argument = "DATE", .help = "show only this day and later ones"},
    [KPI_TO] = {.name = "to", .kind = VALUE_DATE, .argument = "DATE", .help = "show only this day and earlier ones"},
    [KPI_BY] = {.name = "by",
                .kind = VALUE_TEXT,
                .argument = "COLUMN",
                .help = "what --top and --worst go by (default: what the table ranks by, else its first sum of money, "
                        "else its first count)"},
    [KPI_TOP] = {.name = "top",
                 .kind = VALUE_COUNT,
                 .argument = "N",
                 .minimum = 1,
                 .help = "show only the N rows with the largest values, largest first"},
    [KPI_WORST] = {.name = "worst",
                   .kind = VALUE_COUNT,
                   .argument = "N",
                   .minimum = 1,
                   .help = "show only the N rows with the smallest values, smallest first"},
    [KPI_THOUSANDS] = {.name = "thousands", .kind = VALUE_FLAG, .help = "separate thousands in the table's numbers"},
    [KPI_CSV] = {.name = "csv", .kind = VALUE_FLAG, .help = "print CSV for programs"},
    [KPI_JSON] = CLI_OPTION_JSON,
};

static const char *const usual[] = {"category", "days",       "products", "product_day", "customers",
                                    "months",   "fulfilment", "regions",  NULL};
static const struct operand operands[] = {
    {.name = "TABLE",
     .kind = VALUE_TEXT,
     .choices = usual,
     .optional = true,
     .help = "the table, also without its _day and in the plural; without it, the tables are listed"},
};

/* The column with this name. */
static bool find_column(const struct kpi_result *result, const char *name, int *found, struct error *error)
{
    const char *names[KPI_MAX_KEYS + KPI_MAX_MEASURES + 1] = {NULL};
    for (int c = 0; c < result->column_count; c++) {
        names[c] = result->columns[c].name;
        if (strcmp(names[c], name) == 0) {
            *found = c;
            return true;
        }
    }
    const char *nearest = options_nearest(name, names);
    return error_set(error, ERROR_USAGE, "--by: the table '%s' has no column '%s'%s%s%s", result->table->name, name,
                     nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                     nearest == NULL ? "" : "'?");
}

/* Puts the wanted rows first and gives their number. */
static bool choose_rows(const struct options *given, struct kpi_result *result, int *bar, size_t *rows,
                        struct error *error)
{
    const struct value *top = &given->values[KPI_TOP], *worst = &given->values[KPI_WORST];
    const char *by = given->values[KPI_BY].text;
    *rows = result->rows;
    *bar = kpi_reading_main_column(result);
    if (by != NULL && !find_column(result, by, bar, error)) return false;
    if (!top->given && !worst->given) return true;
    if (*bar < 0)
        return error_set(error, ERROR_USAGE, "the table '%s' has no number to go by; name a column with --by",
                         result->table->name);
    size_t most = (size_t)(top->given ? top->number : worst->number);
    *rows = most < *rows ? most : *rows;
    return kpi_result_order(result, *bar, top->given, error);
}

static bool print_result(const struct options *given, const struct kpi_store *store, const struct kpi_result *result,
                         int bar, size_t rows, struct error *error)
{
    struct value_column columns[KPI_READING_COLUMNS];
    bool additive[KPI_READING_COLUMNS];
    size_t count = (size_t)result->column_count;
    struct sheet_options form = {
        .form = given->values[KPI_CSV].given    ? SHEET_CSV
                : given->values[KPI_JSON].given ? SHEET_JSON
                                                : SHEET_TABLE,
        .out = stdout,
        .terms = store->terms,
        .additive = additive,
        .bar = bar < 0 ? SHEET_NO_BAR : (size_t)bar,
        .thousands = given->values[KPI_THOUSANDS].given,
    };
    kpi_reading_columns(result, columns);
    for (size_t c = 0; c < count; c++) additive[c] = kpi_reading_is_additive(result, (int)c);
    for (size_t i = 0; bar >= 0 && i < rows; i++)
        if (result->values[bar][i] > form.bar_full) form.bar_full = result->values[bar][i];
    struct sheet *sheet = sheet_new(columns, count, &form, error);
    bool good = sheet != NULL && sheet_write(sheet, columns, 0, rows, error) && sheet_finish(sheet, error);
    sheet_free(sheet);
    return good;
}

static bool is_filtered(const struct options *given)
{
    return given->values[KPI_CATEGORY].given || given->values[KPI_KEY].given || given->values[KPI_FROM].given ||
           given->values[KPI_TO].given;
}

static bool show_table(const struct options *given, const struct kpi_store *store, struct error *error)
{
    struct kpi_filter filter = {.from_day = INT64_MIN, .to_day = INT64_MAX};
    struct kpi_result result = {0};
    const struct kpi_table *table = kpi_reading_table(store->spec, given->operands[0], error);
    if (table == NULL) return false;
    if (given->values[KPI_FROM].given) filter.from_day = given->values[KPI_FROM].number;
    if (given->values[KPI_TO].given) filter.to_day = given->values[KPI_TO].number;
    int bar = -1;
    size_t rows = 0;
    bool good = kpi_reading_key(table, "category", given->values[KPI_CATEGORY].text, &filter, error) &&
                kpi_reading_key(table, NULL, given->values[KPI_KEY].text, &filter, error) &&
                kpi_read(store->state, store->spec, store->terms, table, &filter, &result, error) &&
                choose_rows(given, &result, &bar, &rows, error) &&
                print_result(given, store, &result, bar, rows, error);
    if (good && rows == 0)
        fprintf(stderr, "aisle: the table '%s' has no %s\n", table->name, is_filtered(given) ? "such rows" : "rows");
    kpi_result_free(&result);
    return good;
}

static bool list_tables(const struct kpi_spec *spec, struct error *error)
{
    static const struct table_column columns[] = {{.title = "table"}, {.title = "what"}, {.title = "keys"}};
    struct terminal terminal = terminal_of(stdout);
    struct table *table = table_new(stdout, &terminal, columns, COUNT_OF(columns), error);
    if (table == NULL) return false;
    for (int t = 0; t < spec->table_count; t++) {
        const struct kpi_table *kpi = &spec->tables[t];
        char keys[200] = "";
        size_t length = 0;
        for (int k = 0; k < kpi->key_count && length < sizeof keys; k++)
            length += (size_t)snprintf(keys + length, sizeof keys - length, "%s%s", k == 0 ? "" : ", ", kpi->keys[k]);
        table_text(table, str_of(kpi->name));
        table_text(table, str_of(kpi->title == NULL ? "" : kpi->title));
        table_text(table, str_of(keys));
        table_end_row(table);
    }
    bool good = table_finish(table, error);
    table_free(table);
    return good;
}

static int run(const struct options *given)
{
    struct error error = {0};
    struct kpi_store store = {0};
    if ((given->values[KPI_TOP].given && given->values[KPI_WORST].given) ||
        (given->values[KPI_CSV].given && given->values[KPI_JSON].given)) {
        error_set(&error, ERROR_USAGE, "'aisle kpi' takes one of --top and --worst, and one of --csv and --json");
        return cli_fail(&error);
    }
    bool good = kpi_reading_open(&store, given->values[KPI_DATA].text, given->values[KPI_PIPELINE].text, &error);
    if (good && given->operand_count == 0)
        good = list_tables(store.spec, &error);
    else if (good)
        good = show_table(given, &store, &error);
    kpi_store_close(&store);
    return good ? CLI_DONE : cli_fail(&error);
}

const struct command cli_kpi = {
    .name = "kpi",
    .summary = "Show a KPI table",
    .description =
        "Shows a KPI table of a data folder as aligned text with small bars, as CSV or as JSON. Numbers are "
        "exact, whatever the order and the pieces in which the files came.\n\n"
        "Tables are declared in the pipeline's kpis.json; for orders: category_day, day, product_day, product, "
        "customer, month, fulfilment_day and region_day.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle kpi days --from 2025-04-01 --to 2025-04-30", "aisle kpi category --category Electronics",
                 "aisle kpi products --worst 20", "aisle kpi customers --top 10 --by orders --json"},
    .run = run,
};
