/* aisle sample: data to try, test and measure with. */
#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/progress.h"
#include "task/sample.h"

enum {
    SAMPLE_ROWS,
    SAMPLE_DIRTY,
    SAMPLE_SEED,
    SAMPLE_OUT,
    SAMPLE_FAMILY,
    SAMPLE_DAYS,
    SAMPLE_START,
    SAMPLE_FIRST_ORDER,
    SAMPLE_FILES,
    SAMPLE_PRODUCTS,
    SAMPLE_CUSTOMERS,
    SAMPLE_JSON
};

static const char *const kinds[] = {"orders", "sales", "catalog", NULL};
static const char *const families[] = {"pieces", "quantity", NULL};

static const struct option options[] = {
    [SAMPLE_ROWS] = {.name = "rows",
                     .letter = 'n',
                     .kind = VALUE_COUNT,
                     .argument = "N",
                     .fallback = "1000",
                     .minimum = 1,
                     .maximum = 10000000000,
                     .help = "orders, sales or products to make"},
    [SAMPLE_DIRTY] = {.name = "dirty",
                      .kind = VALUE_SHARE,
                      .argument = "SHARE",
                      .fallback = "0",
                      .help = "share of the rows that get a defect"},
    [SAMPLE_SEED] = {.name = "seed",
                     .kind = VALUE_COUNT,
                     .argument = "N",
                     .fallback = "1",
                     .help = "the same seed gives the same bytes on every machine"},
    [SAMPLE_OUT] = {.name = "out",
                    .letter = 'o',
                    .kind = VALUE_FOLDER,
                    .argument = "DIR",
                    .fallback = "./sample",
                    .help = "where the files go"},
    [SAMPLE_FAMILY] = {.name = "family",
                       .kind = VALUE_CHOICE,
                       .argument = "NAME",
                       .fallback = "pieces",
                       .choices = families,
                       .help = "columns of orders: a line a piece with timestamps, or lines with quantities and dates"},
    [SAMPLE_DAYS] = {.name = "days",
                     .kind = VALUE_COUNT,
                     .argument = "N",
                     .fallback = "31",
                     .minimum = 1,
                     .maximum = 36525,
                     .help = "how many days orders and sales fall in"},
    [SAMPLE_START] = {.name = "start",
                      .kind = VALUE_DATE,
                      .argument = "DATE",
                      .fallback = "2025-03-08",
                      .help = "the first of these days"},
    [SAMPLE_FIRST_ORDER] = {.name = "first-order",
                            .kind = VALUE_COUNT,
                            .argument = "N",
                            .fallback = "1",
                            .minimum = 1,
                            .maximum = 100000000000,
                            .help = "the number of the first order, to go on after another sample"},
    [SAMPLE_FILES] = {.name = "files",
                      .kind = VALUE_COUNT,
                      .argument = "N",
                      .minimum = 1,
                      .maximum = 100000,
                      .help = "parts that each dataset comes in (default: one for 500,000 rows)"},
    [SAMPLE_PRODUCTS] = {.name = "products",
                         .kind = VALUE_COUNT,
                         .argument = "N",
                         .minimum = 1,
                         .maximum = 100000000,
                         .help = "products that are sold (default: as many as orders, at most 30,000)"},
    [SAMPLE_CUSTOMERS] = {.name = "customers",
                          .kind = VALUE_COUNT,
                          .argument = "N",
                          .minimum = 1,
                          .maximum = 10000000000,
                          .help = "customers who buy (default: two for three orders)"},
    [SAMPLE_JSON] = CLI_OPTION_JSON,
};

static const struct operand operands[] = {
    {.name = "KIND", .kind = VALUE_CHOICE, .choices = kinds, .help = "what to make"},
};

static enum sample_kind kind_of(const char *word)
{
    size_t kind = 0;
    while (kinds[kind + 1] != NULL && strcmp(kinds[kind], word) != 0) kind++;
    return (enum sample_kind)kind;
}

static void show_progress(void *context, uint64_t done_bytes, uint64_t about_bytes)
{
    progress_update(context, done_bytes, about_bytes);
}

static void print_text(const struct sample_report *report, const char *folder)
{
    for (size_t i = 0; i < report->dataset_count; i++) {
        const struct sample_dataset *dataset = &report->datasets[i];
        printf("%s: %" PRIu64 " rows, %" PRIu64 " of them dirty, in %" PRIu64 " %s (%.1f MB)\n", dataset->name,
               dataset->rows, dataset->dirty, dataset->files, dataset->files == 1 ? "file" : "files",
               (double)dataset->bytes / 1e6);
    }
    printf("in %s\n", folder);
}

static void print_json(const struct sample_report *report)
{
    printf("{");
    for (size_t i = 0; i < report->dataset_count; i++) {
        const struct sample_dataset *dataset = &report->datasets[i];
        printf("%s\"%s\": {\"rows\": %" PRIu64 ", \"files\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"dirty\": %" PRIu64
               ", \"defects\": {",
               i > 0 ? ", " : "", dataset->name, dataset->rows, dataset->files, dataset->bytes, dataset->dirty);
        const char *comma = "";
        for (size_t defect = 0; defect < dataset->defect_count; defect++) {
            printf("%s\"%s\": %" PRIu64, comma, dataset->defect[defect], dataset->count[defect]);
            comma = ", ";
        }
        printf("}}");
    }
    printf("}\n");
}

static uint64_t number_of(const struct value *value)
{
    return value->text == NULL ? 0 : (uint64_t)value->number;
}

static int run(const struct options *given)
{
    struct error error = {0};
    const struct value *values = given->values;
    struct progress progress;
    struct sample_options what = {
        .kind = kind_of(given->operands[0]),
        .family = (enum sample_family)values[SAMPLE_FAMILY].number,
        .rows = number_of(&values[SAMPLE_ROWS]),
        .dirty = sample_share(values[SAMPLE_DIRTY].real),
        .seed = number_of(&values[SAMPLE_SEED]),
        .folder = values[SAMPLE_OUT].text,
        .first_day = (int32_t)values[SAMPLE_START].number,
        .days = (uint32_t)values[SAMPLE_DAYS].number,
        .first_order = number_of(&values[SAMPLE_FIRST_ORDER]),
        .files = (uint32_t)number_of(&values[SAMPLE_FILES]),
        .products = number_of(&values[SAMPLE_PRODUCTS]),
        .customers = number_of(&values[SAMPLE_CUSTOMERS]),
        .progress = show_progress,
        .progress_context = &progress,
    };
    if (what.first_day < 0) {
        error_set(&error, ERROR_USAGE, "--start: days before 1970-01-01 cannot be made, %s is one",
                  values[SAMPLE_START].text);
        return cli_fail(&error);
    }
    struct team *team = team_new(0, &error);
    if (team == NULL) return cli_fail(&error);
    struct sample_report report;
    progress_start(&progress, stderr, "writing");
    bool written = sample_write(team, &what, &report, &error);
    progress_end(&progress);
    team_free(team);
    if (!written) return cli_fail(&error);
    if (values[SAMPLE_JSON].number != 0)
        print_json(&report);
    else
        print_text(&report, what.folder);
    return CLI_DONE;
}

const struct command cli_sample = {
    .name = "sample",
    .summary = "Make realistic data for demos, tests and benchmarks",
    .description =
        "Writes CSV files of a made-up shop: orders, their lines and the products (in a folder each), "
        "smartphone sales with reviews, or a product catalogue. The same seed gives the same bytes on every "
        "machine, and the clean rows do not depend on how many rows are dirty.\n\n"
        "A dirty row has one defect: a missing id, a date such as 2025-02-30, a negative or unreadable price, "
        "an unknown status, an order or product that never comes, cells too few or too many, bytes that are "
        "not UTF-8, wrong quoting; or a copy of it comes again later, the same, changed or older. --json "
        "tells how many rows got which.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle sample orders --rows 100000 --dirty 2% --seed 7 --out ./day1",
                 "aisle sample orders --rows 1000 --first-order 100001 --start 2025-04-08 --days 1 --out ./day2",
                 "aisle sample sales --rows 1000 --out ./sales"},
    .run = run,
};
