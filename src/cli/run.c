/* aisle run: files in, KPIs out. */
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/kpi_reading.h"
#include "cli/progress.h"
#include "cli/reach.h"
#include "cli/run_summary.h"
#include "task/pipeline.h"
#include "task/run.h"

enum {
    RUN_DATA,
    RUN_JSON,
    RUN_ENDPOINT,
    RUN_OUTPUT,
    RUN_KPI_ONLY,
    RUN_TABLES,
    RUN_OUT,
    RUN_REPROCESS,
    RUN_MEMORY,
    RUN_THREADS
};

static const struct option options[] = {
    [RUN_DATA] = CLI_OPTION_DATA,
    [RUN_JSON] = CLI_OPTION_JSON,
    [RUN_ENDPOINT] = CLI_OPTION_ENDPOINT,
    [RUN_OUTPUT] = {.name = "output",
                    .kind = VALUE_TEXT,
                    .argument = "URL",
                    .help = "s3://BUCKET/PREFIX below which cleaned/, rejected/ and invalid/ are kept as objects, too"},
    [RUN_KPI_ONLY] = {.name = "kpi-only",
                      .kind = VALUE_FLAG,
                      .help = "work out the KPI tables of these files alone, as CSV, and keep nothing"},
    [RUN_TABLES] = {.name = "tables",
                    .kind = VALUE_TEXT,
                    .argument = "LIST",
                    .help = "with --kpi-only: only these tables, separated by commas"},
    [RUN_OUT] = {.name = "out",
                 .letter = 'o',
                 .kind = VALUE_FOLDER,
                 .argument = "DIR",
                 .fallback = "./kpis",
                 .help = "with --kpi-only: where the tables go"},
    [RUN_REPROCESS] = {.name = "reprocess",
                       .kind = VALUE_FLAG,
                       .help = "take files again whose content was taken before"},
    [RUN_MEMORY] = {.name = "memory-limit",
                    .kind = VALUE_SIZE,
                    .argument = "SIZE",
                    .minimum = 16 << 20,
                    .help = "memory for the rows at work; a quarter of the machine unless given"},
    [RUN_THREADS] = {.name = "threads",
                     .kind = VALUE_COUNT,
                     .argument = "N",
                     .minimum = 1,
                     .maximum = 1024,
                     .help = "threads to use; one for each processor unless given"},
};

static const char *const pipelines[] = {"orders", NULL};

static const struct operand operands[] = {
    {.name = "PIPELINE",
     .kind = VALUE_TEXT,
     .choices = pipelines,
     .help = "a pipeline's name, or the path of its folder"},
    {.name = "PATH", .kind = VALUE_FILE, .repeats = true, .help = "files, folders of files, or s3://BUCKET/PREFIX"},
};

struct shown_progress {
    struct progress line;
    const char *stage;
};

static void show_progress(void *context, const char *stage, uint64_t done, uint64_t total)
{
    struct shown_progress *shown = context;
    if (strcmp(shown->stage, stage) != 0) progress_stage(&shown->line, stage);
    shown->stage = stage;
    progress_update(&shown->line, done, total);
}

/* One table as a CSV file. */
static bool write_table(const struct run *run, const struct kpi_table *table, const char *folder, struct error *error)
{
    const struct kpi_filter all = {.from_day = INT64_MIN, .to_day = INT64_MAX};
    const struct kpi_view view = {run_state(run), run_spec(run), run_terms(run)};
    struct buffer path;
    buffer_init(&path, 4096);
    buffer_append_format(&path, "%s/%s.csv", folder, table->name);
    const char *name = buffer_text(&path);
    bool good = buffer_check(&path, error) && kpi_reading_export(&view, table, &all, OUTLET_CSV, name, error);
    buffer_free(&path);
    return good;
}

static bool write_tables(const struct run *run, const char *folder, struct error *error)
{
    if (!file_make_folders(folder, error)) return false;
    for (int t = 0; t < run_spec(run)->table_count; t++) {
        if (!write_table(run, &run_spec(run)->tables[t], folder, error)) return false;
    }
    return true;
}

static int exit_of(enum run_status status)
{
    switch (status) {
    case RUN_DONE:
    case RUN_NOTHING_NEW:
        return CLI_DONE;
    case RUN_VALIDATION_FAILED:
        return CLI_FAILED;
    default:
        return CLI_REJECTS;
    }
}

static int report(const struct run *run, bool as_json)
{
    struct error error = {0};
    if (!as_json) {
        return run_summary_write(stdout, run_record(run), &error) ? exit_of(run_status(run)) : cli_fail(&error);
    }
    struct buffer text;
    buffer_init(&text, 0);
    json_append(&text, run_record(run), JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    buffer_append_char(&text, '\n');
    int written = cli_write(&text);
    return written == CLI_DONE ? exit_of(run_status(run)) : written;
}

static int execute(const struct run_options *wanted, const struct options *given)
{
    struct error error = {0};
    struct run *run = run_new(wanted, &error);
    if (!run) return cli_fail(&error);
    struct shown_progress *shown = wanted->progress_context;
    progress_start(&shown->line, stderr, shown->stage);
    bool good = run_execute(run, &error);
    progress_end(&shown->line);
    if (good && wanted->kpi_only) good = write_tables(run, given->values[RUN_OUT].text, &error);
    bool written = !good || !wanted->output || run_write_output(run, &error);
    int status = good ? report(run, given->values[RUN_JSON].number != 0) : cli_fail(&error);
    if (!written) status = cli_fail(&error);
    run_free(run);
    return status;
}

/* The store that URLs mean; NULL where none is given, or where they mean the data folder's own buckets, which the run
 * opens itself. False on failure. */
static bool reach_objects(const struct options *given, bool kpi_only, struct reach **reach, struct error *error)
{
    const struct value *endpoint = &given->values[RUN_ENDPOINT], *data = &given->values[RUN_DATA];
    bool any = given->values[RUN_OUTPUT].text != NULL;
    for (size_t i = 1; i < given->operand_count; i++) any |= store_is_url(given->operands[i]);
    *reach = NULL;
    if (!any) return true;
    *reach = kpi_only ? reach_open(endpoint, data, error) : reach_open_elsewhere(endpoint, data, error);
    return *reach || error->code == ERROR_NONE;
}

static int run_pipeline(const struct options *given, const char *folder)
{
    struct error error = {0};
    struct shown_progress shown = {.stage = "opening"};
    struct run_options wanted = {.pipeline_folder = folder,
                                 .paths = given->operands + 1,
                                 .path_count = given->operand_count - 1,
                                 .output = given->values[RUN_OUTPUT].text,
                                 .data_folder = given->values[RUN_DATA].text,
                                 .kpi_only = given->values[RUN_KPI_ONLY].number != 0,
                                 .tables = given->values[RUN_TABLES].text,
                                 .reprocess = given->values[RUN_REPROCESS].number != 0,
                                 .memory_limit = (uint64_t)given->values[RUN_MEMORY].number,
                                 .threads = (unsigned)given->values[RUN_THREADS].number,
                                 .progress = show_progress,
                                 .progress_context = &shown};
    struct reach *reach = NULL;
    cli_raise_descriptors(); /* each file stays open until the run ends */
    if (wanted.tables && !wanted.kpi_only) {
        error_set(&error, ERROR_USAGE, "--tables goes with --kpi-only: a data folder always holds all tables");
        return cli_fail(&error);
    }
    if (wanted.output && wanted.kpi_only) {
        error_set(&error, ERROR_USAGE, "--output goes with a data folder, and --kpi-only keeps none");
        return cli_fail(&error);
    }
    if (!reach_objects(given, wanted.kpi_only, &reach, &error)) return cli_fail(&error);
    if (reach) wanted.store = reach_store(reach);
    int status = execute(&wanted, given);
    reach_close(reach);
    return status;
}

static int run(const struct options *given)
{
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);
    const char *folder = arena ? pipeline_folder(arena, given->operands[0], &error) : NULL;
    int status = folder ? run_pipeline(given, folder) : cli_fail(&error);
    if (arena) arena_free(arena);
    return status;
}

const struct command cli_run = {
    .name = "run",
    .summary = "Run a pipeline over files and work out its KPIs",
    .description =
        "Finds the files of each dataset by their names or folders, validates every row, deduplicates, joins and works "
        "out "
        "the KPI tables, and keeps cleaned rows, rejected rows and tables in the data folder. A later run adds to what "
        "is "
        "there; files whose content was taken before are passed over.\n\n"
        "Files may be objects: s3://BUCKET/PREFIX takes all below it, by the same rules, from the server of "
        "--endpoint-url; or from what AWS's own tools would talk to when AWS_ENDPOINT_URL, AWS_PROFILE or "
        "AWS_ACCESS_KEY_ID is set; or from the buckets of the data folder. With --output the cleaned, rejected and "
        "invalid files are at a URL there, too, under the names that they have in the data folder; what a run could "
        "not finish the next one with the same --output does.\n\n"
        "Every row read ends valid, rejected, duplicate or pending (its order or product has not come yet), and the "
        "summary shows that sum. The exit status is 0 when all is done, 3 when it is done but files could not be taken "
        "or "
        "more rows were rejected than the schema allows, 1 when nothing was done.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle run orders ./day1/", "aisle run orders --data /srv/aisle order_items_part7.csv --json",
                 "aisle run orders --endpoint-url http://127.0.0.1:9000 s3://retail-data/raw_data/",
                 "aisle run orders s3://retail-data/raw_data/ --output s3://retail-lake/orders/",
                 "aisle run orders --kpi-only --tables category_day,day -o ./kpis ./day1/"},
    .run = run,
};
