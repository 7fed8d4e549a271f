#include "cli/run_summary.h"

#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "cli/human.h"
#include "cli/options.h"
#include "cli/table.h"

static const char *const counts[] = {"read", "valid", "rejected", "duplicate", "pending"};

/* Members that have a form of their own below. */
static const char *const told[] = {"run",      "pipeline", "status", "started",          "seconds",
                                   "datasets", "totals",   "files",  "not_of_a_dataset", NULL};

enum { FILES_TOLD = 20 };

/* "Run 01JX3  DONE  in 0.83 s" */
static bool write_headline(FILE *out, const struct terminal *terminal, json_t *record, struct error *error)
{
    const char *run = json_string_value(json_object_get(record, "run"));
    const char *status = json_string_value(json_object_get(record, "status"));
    json_t *seconds = json_object_get(record, "seconds");
    const char *plain = terminal_style(terminal, STYLE_PLAIN);
    struct buffer line;
    buffer_init(&line, 0);
    if (run != NULL) buffer_append_format(&line, "%sRun %s%s  ", terminal_style(terminal, STYLE_BOLD), run, plain);
    if (status != NULL) {
        enum terminal_style style =
            strcmp(status, "DONE") == 0 || strcmp(status, "NOTHING_NEW") == 0 ? STYLE_GREEN : STYLE_YELLOW;
        buffer_append_format(&line, "%s%s%s", terminal_style(terminal, style), status, plain);
    }
    if (json_is_number(seconds)) {
        buffer_append_text(&line, "  in ");
        human_duration(&line, (int64_t)(json_number_value(seconds) * 1e6));
    }
    buffer_append_char(&line, '\n');
    bool good = buffer_check(&line, error);
    if (good) fwrite(line.data, 1, line.length, out);
    buffer_free(&line);
    return good;
}

static void put_count(struct table *table, int64_t count)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, count);
    table_text(table, str_of(text));
}

/* What became of the rows of each dataset, under a title. */
static bool write_balance(FILE *out, const struct terminal *terminal, const char *title, json_t *datasets,
                          struct error *error)
{
    if (json_object_size(datasets) == 0) return true;
    struct table_column columns[COUNT_OF(counts) + 1] = {{.title = title, .kind = TABLE_TEXT}};
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        columns[i + 1] = (struct table_column){.title = counts[i], .kind = TABLE_NUMBER};
    struct table *table = table_new(out, terminal, columns, COUNT_OF(columns), error);
    if (table == NULL) return false;
    int64_t sums[COUNT_OF(counts)] = {0};
    const char *name = NULL;
    json_t *dataset = NULL;
    table_separate_thousands(table);
    json_object_foreach (datasets, name, dataset) {
        table_text(table, str_of(name));
        for (size_t i = 0; i < COUNT_OF(counts); i++) {
            int64_t count = json_integer_value(json_object_get(dataset, counts[i]));
            sums[i] += count;
            put_count(table, count);
        }
        table_end_row(table);
    }
    table_text(table, str_of("total"));
    for (size_t i = 0; i < COUNT_OF(counts); i++) put_count(table, sums[i]);
    table_end_totals(table);
    fputc('\n', out);
    bool good = table_finish(table, error);
    table_free(table);
    return good;
}

/* Whether the sums over all runs say more than this run does. */
static bool is_first_run(json_t *datasets, json_t *totals)
{
    const char *name = NULL;
    json_t *total = NULL;
    json_object_foreach (totals, name, total) {
        int64_t here = json_integer_value(json_object_get(json_object_get(datasets, name), "read"));
        if (json_integer_value(json_object_get(total, "read")) != here) return false;
    }
    return true;
}

/* --- files ------------------------------------------------------------------------------------------------------ */

static void append_count(struct buffer *line, json_t *count)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(count));
    human_number(line, str_slice(digits, (size_t)length), true);
}

/* What is worth telling of a file; nothing of one that was simply taken. */
static void append_file(struct buffer *line, json_t *file)
{
    const char *outcome = json_string_value(json_object_get(file, "outcome"));
    const char *problem = json_string_value(json_object_get(file, "problem"));
    const char *reason = json_string_value(json_object_get(file, "reason"));
    const char *rejects = json_string_value(json_object_get(file, "rejects"));
    json_t *rejected = json_object_get(file, "rejected");
    if (outcome != NULL && strcmp(outcome, "taken") != 0) buffer_append_text(line, outcome);
    if (problem != NULL || reason != NULL)
        buffer_append_format(line, "%s%s", line->length > 0 ? ": " : "", problem != NULL ? problem : reason);
    if (json_integer_value(rejected) == 0) return;
    buffer_append_text(line, line->length > 0 ? "; " : "");
    append_count(line, rejected);
    buffer_append_text(line, " of ");
    append_count(line, json_object_get(file, "read"));
    buffer_append_text(line, " rows rejected");
    if (rejects != NULL) buffer_append_format(line, ", kept in %s", rejects);
}

/* Counts a file's notice with those of other files of its dataset that say the same. */
static bool count_notice(json_t *notices, json_t *file, struct error *error)
{
    const char *notice = json_string_value(json_object_get(file, "notice"));
    const char *dataset = json_string_value(json_object_get(file, "dataset"));
    struct buffer key;
    if (notice == NULL) return true;
    buffer_init(&key, 0);
    buffer_append_format(&key, "%s: %s", dataset == NULL ? "" : dataset, notice);
    const char *text = buffer_text(&key);
    json_int_t count = text == NULL ? 0 : json_integer_value(json_object_get(notices, text));
    bool good = text != NULL && json_object_set_new_nocheck(notices, text, json_integer(count + 1)) == 0;
    buffer_free(&key);
    return good || error_set(error, ERROR_MEMORY, "no memory to sum up what was noticed of files");
}

static bool write_notices(FILE *out, const struct terminal *terminal, json_t *files, struct error *error)
{
    json_t *notices = json_object();
    json_t *value = NULL;
    const char *text = NULL;
    size_t index = 0;
    bool good = notices != NULL || error_set(error, ERROR_MEMORY, "no memory to sum up what was noticed of files");
    json_array_foreach (files, index, value) good = good && count_notice(notices, value, error);
    if (good && json_object_size(notices) > 0) fputc('\n', out);
    json_object_foreach (notices, text, value) {
        struct buffer line;
        buffer_init(&line, 0);
        terminal_append(terminal, &line, str_of(text), 0);
        if (json_integer_value(value) > 1)
            buffer_append_format(&line, " (%" JSON_INTEGER_FORMAT " files)", json_integer_value(value));
        buffer_append_char(&line, '\n');
        good = good && buffer_check(&line, error);
        if (good) fwrite(line.data, 1, line.length, out);
        buffer_free(&line);
    }
    json_decref(notices);
    return good;
}

static bool write_file(FILE *out, const struct terminal *terminal, json_t *file, size_t *count, struct error *error)
{
    const char *name = json_string_value(json_object_get(file, "file"));
    struct buffer text, line;
    buffer_init(&text, 0);
    buffer_init(&line, 0);
    append_file(&text, file);
    bool good = buffer_check(&text, error);
    if (good && text.length > 0 && (*count)++ < FILES_TOLD) {
        if (*count == 1) fputc('\n', out);
        terminal_append(terminal, &line, str_of(name == NULL ? "a file" : name), 0);
        buffer_append_text(&line, ": ");
        terminal_append(terminal, &line, str_slice(text.data, text.length), 0);
        buffer_append_char(&line, '\n');
        good = buffer_check(&line, error);
        if (good) fwrite(line.data, 1, line.length, out);
    }
    buffer_free(&text);
    buffer_free(&line);
    return good;
}

static bool write_files(FILE *out, const struct terminal *terminal, json_t *record, struct error *error)
{
    json_t *passed_by = json_object_get(record, "not_of_a_dataset");
    json_t *file = NULL;
    size_t index = 0, count = 0;
    json_array_foreach (json_object_get(record, "files"), index, file) {
        if (!write_file(out, terminal, file, &count, error)) return false;
    }
    if (count > FILES_TOLD) fprintf(out, "and %zu more (--json lists them)\n", count - FILES_TOLD);
    if (!write_notices(out, terminal, json_object_get(record, "files"), error)) return false;
    if (json_array_size(passed_by) > 0)
        fprintf(out, "\nleft alone, of no dataset: %zu (--json lists them)\n", json_array_size(passed_by));
    return true;
}

/* --- other members ---------------------------------------------------------------------------------------------- */

/* "days_recomputed" as "days recomputed". */
static void write_name(FILE *out, const char *name)
{
    fputs("  ", out);
    for (; *name != '\0'; name++) fputc(*name == '_' ? ' ' : *name, out);
    fputc(':', out);
}

static int append_dumped(const char *data, size_t size, void *buffer)
{
    buffer_append(buffer, data, size);
    return 0;
}

/* A text as it is, anything else as JSON; ends the line. */
static bool write_value(FILE *out, const struct terminal *terminal, json_t *value, struct error *error)
{
    struct buffer text, line;
    buffer_init(&text, 0);
    buffer_init(&line, 0);
    bool good = true;
    if (json_is_string(value))
        buffer_append(&text, json_string_value(value), json_string_length(value));
    else if (json_dump_callback(value, append_dumped, &text, JSON_ENCODE_ANY | JSON_COMPACT) != 0)
        good = error_set(error, ERROR_MEMORY, "no memory to show a run's record");
    good = good && buffer_check(&text, error);
    if (good && text.length > 0) terminal_append(terminal, &line, str_slice(text.data, text.length), 0);
    buffer_append_char(&line, '\n');
    good = good && buffer_check(&line, error);
    if (good) fwrite(line.data, 1, line.length, out);
    buffer_free(&text);
    buffer_free(&line);
    return good;
}

static bool write_member(FILE *out, const struct terminal *terminal, const char *name, json_t *value,
                         struct error *error)
{
    bool empty = (json_is_array(value) && json_array_size(value) == 0) ||
                 (json_is_object(value) && json_object_size(value) == 0) || json_is_null(value);
    if (empty) return true;
    write_name(out, name);
    fputc(json_is_array(value) ? '\n' : ' ', out);
    if (!json_is_array(value)) return write_value(out, terminal, value, error);
    size_t index = 0;
    json_t *item = NULL;
    json_array_foreach (value, index, item) {
        fputs("    ", out);
        if (!write_value(out, terminal, item, error)) return false;
    }
    return true;
}

bool run_summary_write(FILE *out, json_t *record, struct error *error)
{
    struct terminal terminal = terminal_of(out);
    json_t *datasets = json_object_get(record, "datasets");
    json_t *totals = json_object_get(record, "totals");
    if (!write_headline(out, &terminal, record, error) || !write_balance(out, &terminal, "this run", datasets, error) ||
        (!is_first_run(datasets, totals) && !write_balance(out, &terminal, "all runs", totals, error)) ||
        !write_files(out, &terminal, record, error))
        return false;
    fputc('\n', out);
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach (record, name, value) {
        size_t i = 0;
        while (told[i] != NULL && strcmp(told[i], name) != 0) i++;
        if (told[i] == NULL && !write_member(out, &terminal, name, value, error)) return false;
    }
    return true;
}
