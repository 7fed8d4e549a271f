#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/human.h"
#include "cli/run_summary.h"
#include "cli/table.h"
#include "store/folder.h"

enum { RUNS_DATA, RUNS_LAST, RUNS_JSON };
static const struct option options[] = {
    [RUNS_DATA] = CLI_OPTION_DATA,
    [RUNS_LAST] = {.name = "last",
                   .kind = VALUE_COUNT,
                   .argument = "N",
                   .fallback = "20",
                   .minimum = 1,
                   .help = "list only the newest N runs"},
    [RUNS_JSON] = CLI_OPTION_JSON,
};

static const char *const actions[] = {"show", NULL};
static const struct operand operands[] = {
    {.name = "show", .kind = VALUE_CHOICE, .choices = actions, .optional = true, .help = "tell all of one run"},
    {.name = "RUN", .kind = VALUE_TEXT, .optional = true, .help = "the run's id, or how it begins"},
};

struct records {
    struct folder *folder;
    struct arena *arena;
    struct folder_run *runs; /* newest first */
    size_t count;
};

static bool records_open(struct records *records, const char *data, size_t most, struct error *error)
{
    records->arena = arena_new(0, error);
    if (records->arena == NULL) return false;
    records->folder = folder_open(data, FOLDER_READ, error);
    if (records->folder == NULL) return false;
    return folder_runs(records->folder, records->arena, most, &records->runs, &records->count, error);
}

static void records_close(struct records *records)
{
    if (records->folder != NULL) folder_close(records->folder);
    arena_free(records->arena);
}

/* The sum of a count over the datasets of a record. */
static int64_t sum_of(json_t *record, const char *count)
{
    int64_t sum = 0;
    const char *name = NULL;
    json_t *dataset = NULL;
    json_object_foreach (json_object_get(record, "datasets"), name, dataset)
        sum += json_integer_value(json_object_get(dataset, count));
    return sum;
}

static void put_row(struct table *table, const struct folder_run *run, json_t *record)
{
    char started[32], count[24];
    struct buffer took;
    buffer_init(&took, 0);
    clock_format_rfc3339(run->started_us, started);
    started[16] = '\0';
    started[10] = ' ';
    human_duration(&took, run->ended_us - run->started_us);
    table_text(table, str_of(run->id));
    table_text(table, str_of(started));
    table_text(table, str_of(run->status));
    snprintf(count, sizeof count, "%" PRId64, sum_of(record, "read"));
    table_text(table, str_of(count));
    snprintf(count, sizeof count, "%" PRId64, sum_of(record, "rejected"));
    table_text(table, str_of(count));
    table_text(table, took.failed ? str_of("") : str_slice(took.data, took.length));
    table_text(table, str_of(run->pipeline));
    table_end_row(table);
    buffer_free(&took);
}

static bool list_table(const struct records *records, struct error *error)
{
    static const struct table_column columns[] = {
        {.title = "run", .kind = TABLE_WHOLE},       {.title = "started (UTC)", .kind = TABLE_WHOLE},
        {.title = "status", .kind = TABLE_WHOLE},    {.title = "rows read", .kind = TABLE_NUMBER},
        {.title = "rejected", .kind = TABLE_NUMBER}, {.title = "took", .kind = TABLE_NUMBER},
        {.title = "pipeline", .kind = TABLE_TEXT},
    };
    struct terminal terminal = terminal_of(stdout);
    struct table *table = table_new(stdout, &terminal, columns, COUNT_OF(columns), error);
    if (table == NULL) return false;
    table_separate_thousands(table);
    bool good = true;
    for (size_t i = 0; i < records->count && good; i++) {
        const struct folder_run *run = &records->runs[i];
        json_t *record = json_read(run->json, strlen(run->json), run->id, error);
        good = record != NULL;
        if (good) put_row(table, run, record);
        json_decref(record);
    }
    good = good && table_finish(table, error);
    table_free(table);
    return good;
}

static void list_json(const struct records *records)
{
    fputc('[', stdout);
    for (size_t i = 0; i < records->count; i++) printf("%s%s", i == 0 ? "" : ",\n ", records->runs[i].json);
    fputs("]\n", stdout);
}

static const struct folder_run *find_run(const struct records *records, const char *id, struct error *error)
{
    const struct folder_run *found = NULL;
    for (size_t i = 0; i < records->count; i++) {
        const struct folder_run *run = &records->runs[i];
        if (strncmp(run->id, id, strlen(id)) != 0) continue;
        if (found != NULL) {
            error_set(error, ERROR_USAGE, "more than one run begins with '%s': %s and %s", id, found->id, run->id);
            return NULL;
        }
        found = run;
    }
    if (found == NULL) error_set(error, ERROR_NOT_FOUND, "there is no run '%s'; 'aisle runs' lists them", id);
    return found;
}

static bool show_run(const struct folder_run *run, bool as_json, struct error *error)
{
    if (as_json) {
        puts(run->json);
        return true;
    }
    json_t *record = json_read(run->json, strlen(run->json), run->id, error);
    bool good = record != NULL && run_summary_write(stdout, record, error);
    json_decref(record);
    return good;
}

static int run(const struct options *given)
{
    struct error error = {0};
    struct records records = {0};
    bool show = given->operand_count > 0;
    bool as_json = given->values[RUNS_JSON].given;
    if (show && given->operand_count < 2) {
        error_set(&error, ERROR_USAGE, "'aisle runs show' needs RUN (the run's id, or how it begins)");
        return cli_fail(&error);
    }
    size_t most = show ? SIZE_MAX : (size_t)given->values[RUNS_LAST].number;
    bool good = records_open(&records, given->values[RUNS_DATA].text, most, &error);
    if (good && show) {
        const struct folder_run *found = find_run(&records, given->operands[1], &error);
        good = found != NULL && show_run(found, as_json, &error);
    } else if (good && as_json) {
        list_json(&records);
    } else if (good) {
        good = list_table(&records, &error);
    }
    records_close(&records);
    return good ? CLI_DONE : cli_fail(&error);
}

const struct command cli_runs = {
    .name = "runs",
    .summary = "List the runs of a data folder, or show one",
    .description = "Lists the runs that a data folder remembers, newest first: when each began, how it ended, how many "
                   "rows it read and rejected, how long it took.\n\n"
                   "'aisle runs show RUN' tells what became of the rows of each dataset (read = valid + rejected + "
                   "duplicate + pending) and what else the run noted.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle runs", "aisle runs show 01JX3", "aisle runs --json --last 1"},
    .run = run,
};
