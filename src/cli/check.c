/* aisle check: one CSV file against a schema. */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/check_view.h"
#include "cli/cli.h"
#include "cli/progress.h"

enum { CHECK_SCHEMA, CHECK_OUT, CHECK_WITH, CHECK_SAMPLES, CHECK_HTML, CHECK_JSON };

static const struct option options[] = {
    [CHECK_SCHEMA] = {.name = "schema",
                      .letter = 's',
                      .kind = VALUE_FILE,
                      .argument = "SCHEMA",
                      .required = true,
                      .help = "the Table Schema to check against"},
    [CHECK_OUT] = {.name = "out",
                   .letter = 'o',
                   .kind = VALUE_FOLDER,
                   .argument = "DIR",
                   .help = "write NAME_valid.csv and NAME_rejected.csv there"},
    [CHECK_WITH] = {.name = "with",
                    .kind = VALUE_TEXT,
                    .argument = "NAME=FILE[,…]",
                    .help = "files that foreign keys refer to, by the schema's names for them"},
    [CHECK_SAMPLES] = {.name = "samples",
                       .kind = VALUE_COUNT,
                       .argument = "N",
                       .fallback = "3",
                       .maximum = 10000,
                       .help = "show so many rows for each rule and column"},
    [CHECK_HTML] = {.name = "html", .kind = VALUE_FILE, .argument = "FILE", .help = "write the report as a page"},
    [CHECK_JSON] = CLI_OPTION_JSON,
};

static const struct operand operands[] = {
    {.name = "FILE", .kind = VALUE_FILE, .help = "a CSV file, plain or packed (.gz, .zst)"},
};

#define WITH_CEILING 64

/* Takes "orders=a.csv,products=b.csv" apart, in place. */
static bool read_with(char *text, struct check_with *with, size_t *count, struct error *error)
{
    *count = 0;
    for (char *at = text; at && *at;) {
        char *comma = strchr(at, ',');
        char *equals = strchr(at, '=');
        if (comma) *comma = 0;
        if (!equals || equals == at || (comma && equals > comma) || !equals[1])
            return error_set(error, ERROR_USAGE, "--with: '%s' is not of the form NAME=FILE", at);
        if (*count == WITH_CEILING) return error_set(error, ERROR_USAGE, "--with: more than %d files", WITH_CEILING);
        *equals = 0;
        with[(*count)++] = (struct check_with){.resource = at, .path = equals + 1};
        at = comma ? comma + 1 : NULL;
    }
    return true;
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    progress_update(context, done, total);
}

static bool print_report(const struct check_view *view, const struct value *values, struct error *error)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    if (values[CHECK_HTML].text) {
        check_view_html(&text, view);
        if (!buffer_check(&text, error) || !file_store(values[CHECK_HTML].text, text.data, text.length, error))
            return false;
        buffer_clear(&text);
    }
    if (values[CHECK_JSON].number == 0) return check_view_text(stdout, view, error);
    check_view_json(&text, view);
    if (!buffer_check(&text, error)) return false;
    fwrite(text.data, 1, text.length, stdout);
    return true;
}

/* Clean, or within its budget: 0; over the budget: 3; any other: 1. */
static int status_of(const struct check_report *report)
{
    if (report->verdict != FILE_TAKEN) return CLI_FAILED;
    if (report->over_budget) return CLI_REJECTS;
    return report->rejected > 0 && !report->schema->has_budget ? CLI_FAILED : CLI_DONE;
}

static bool check_and_print(const struct options *given, const struct check_options *what, int *status,
                            struct error *error)
{
    struct check_report report = {0};
    int64_t started = clock_monotonic_us();
    struct team *team = team_new(0, error);
    bool good = team && check_run(team, what, &report, error);
    progress_end(what->progress_context);
    if (good) {
        struct check_view view = {.report = &report,
                                  .path = what->path,
                                  .schema_path = what->schema_path,
                                  .duration_us = clock_monotonic_us() - started};
        *status = status_of(&report);
        good = print_report(&view, given->values, error);
    }
    check_report_free(&report);
    team_free(team);
    return good;
}

static int run(const struct options *given)
{
    struct error error = {0};
    struct check_with with[WITH_CEILING];
    struct progress progress;
    const struct value *values = given->values;
    const char *text = values[CHECK_WITH].text ? values[CHECK_WITH].text : "";
    char *pairs __attribute__((cleanup(memory_release))) = memory_copy_text(text, strlen(text), &error);
    struct check_options what = {.path = given->operands[0],
                                 .schema_path = values[CHECK_SCHEMA].text,
                                 .out_folder = values[CHECK_OUT].text,
                                 .with = with,
                                 .samples = (size_t)values[CHECK_SAMPLES].number,
                                 .progress = show_progress,
                                 .progress_context = &progress};
    int status = CLI_FAILED;
    if (!pairs || !read_with(pairs, with, &what.with_count, &error)) return cli_fail(&error);
    progress_start(&progress, stderr, "checking");
    if (!check_and_print(given, &what, &status, &error)) return cli_fail(&error);
    return status;
}

const struct command cli_check = {
    .name = "check",
    .summary = "Check a CSV file against a schema",
    .description =
        "Judges every row of a file by a Frictionless Table Schema (docs/schemas.md tells what it may hold) and says "
        "what "
        "is wrong, by column and rule, with the first rows of each. With --out, the valid rows go as they are to "
        "NAME_valid.csv and the others, with all their reasons and row numbers, to NAME_rejected.csv.\n\n"
        "Primary keys and unique fields are compared over the whole file: of several rows with one key the first "
        "keeps it. Foreign keys are looked up in the files named by --with.\n\n"
        "The exit status is 0 when no row is rejected or the rejects are within the schema's budget, 3 when they "
        "are over that budget, and 1 when rows are rejected and there is no budget or the file cannot be taken at all.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle check sales.csv --schema pipelines/sales/schema.json --out ./checked",
                 "aisle check items.csv -s pipelines/orders/schemas/order_items.json --with "
                 "orders=orders.csv,products=products.csv",
                 "aisle check sales.csv -s pipelines/sales/schema.json --html report.html --json"},
    .run = run,
};
