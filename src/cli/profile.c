/* aisle profile: what a file holds, and a schema drafted from it. */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/human.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "task/profile.h"

enum { PROFILE_OUTPUT, PROFILE_DELIMITER, PROFILE_ENCODING, PROFILE_JSON };

static const char *const encodings[] = {"utf-8", "latin-1", "utf-16", NULL};

static const struct option options[] = {
    [PROFILE_OUTPUT] = {.name = "output",
                        .letter = 'o',
                        .kind = VALUE_FILE,
                        .argument = "FILE",
                        .help = "write the drafted schema there instead of to standard output"},
    [PROFILE_DELIMITER] = {.name = "delimiter",
                           .letter = 'd',
                           .kind = VALUE_TEXT,
                           .argument = "CHAR",
                           .help = "what parts the columns (default: told from the first lines)"},
    [PROFILE_ENCODING] = {.name = "encoding",
                          .kind = VALUE_CHOICE,
                          .argument = "NAME",
                          .fallback = "utf-8",
                          .choices = encodings,
                          .help = "how the text is encoded"},
    [PROFILE_JSON] = CLI_OPTION_JSON,
};

static const struct operand operands[] = {
    {.name = "FILE", .kind = VALUE_FILE, .help = "a CSV file, plain or packed (.gz, .zst)"},
};

static const char *type_name(const struct profile_column *column)
{
    static const char *const names[] = {
        [FIELD_STRING] = "string",   [FIELD_INTEGER] = "integer", [FIELD_NUMBER] = "number",
        [FIELD_BOOLEAN] = "boolean", [FIELD_DATE] = "date",       [FIELD_DATETIME] = "datetime",
        [FIELD_TIME] = "time"};
    return column->id ? "string (id)" : names[column->type];
}

static void put_number(struct table *table, uint64_t number)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    table_text(table, str_slice(digits, (size_t)length));
}

static void put_text(struct table *table, const char *text)
{
    if (text)
        table_text(table, str_of(text));
    else
        table_blank(table);
}

/* "delivered 61 %, returned 12 %, …", unless even the first is rare. */
static void put_top(struct table *table, const struct profile_column *column)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    bool telling = !column->key && column->top_count > 0 && column->top[0].count * 100 >= column->present;
    for (size_t i = 0; telling && i < column->top_count; i++)
        buffer_append_format(&text, "%s%s %.3g %%", i > 0 ? ", " : "", column->top[i].text,
                             100.0 * (double)column->top[i].count / (double)column->present);
    if (column->key) buffer_append_text(&text, "each once");
    table_text(table, str_slice(text.length > 0 ? text.data : "", text.length));
}

static void put_median(struct table *table, const struct profile_column *column)
{
    char text[40];
    int length = snprintf(text, sizeof text, "%.10g", column->quantiles[1]);
    if (column->has_quantiles)
        table_text(table, str_slice(text, (size_t)length));
    else
        table_blank(table);
}

static bool print_table(FILE *out, const struct profile *profile, struct error *error)
{
    static const struct table_column columns[] = {
        {"column", TABLE_TEXT, 0},     {"type", TABLE_TEXT, 0},   {"missing", TABLE_NUMBER, 0},
        {"distinct", TABLE_NUMBER, 0}, {"least", TABLE_TEXT, 0},  {"median", TABLE_NUMBER, 0},
        {"most", TABLE_TEXT, 0},       {"values", TABLE_TEXT, 0},
    };
    struct terminal terminal = terminal_of(out);
    struct table *table = table_new(out, &terminal, columns, COUNT_OF(columns), error);
    if (!table) return false;
    for (size_t i = 0; i < profile->column_count; i++) {
        const struct profile_column *column = &profile->columns[i];
        put_text(table, column->name);
        put_text(table, type_name(column));
        put_number(table, column->missing);
        put_number(table, column->distinct);
        put_text(table, column->least);
        put_median(table, column);
        put_text(table, column->most);
        put_top(table, column);
        table_end_row(table);
    }
    bool good = table_finish(table, error);
    table_free(table);
    fprintf(out, "\n%" PRIu64 " rows", profile->rows);
    if (profile->broken > 0) fprintf(out, ", %" PRIu64 " of them broken and left out", profile->broken);
    if (profile->primary_key >= 0)
        fprintf(out, "; %s looks like the primary key", profile->columns[profile->primary_key].name);
    fputc('\n', out);
    return good;
}

static void json_column(struct buffer *into, const struct profile_column *column)
{
    buffer_append_text(into, "{\"name\": ");
    json_append_string(into, str_of(column->name));
    json_append_member(into, "type", column->id ? "string" : type_name(column));
    json_append_member(into, "format", column->format);
    buffer_append_format(into,
                         ", \"id\": %s, \"present\": %" PRIu64 ", \"missing\": %" PRIu64 ", \"distinct\": %" PRIu64
                         ", \"key\": %s, \"shortest\": %zu, \"longest\": %zu",
                         column->id ? "true" : "false", column->present, column->missing, column->distinct,
                         column->key ? "true" : "false", column->shortest, column->longest);
    json_append_member(into, "least", column->least);
    json_append_member(into, "most", column->most);
    if (column->has_quantiles)
        buffer_append_format(into, ", \"quantiles\": [%.17g, %.17g, %.17g], \"quantiles_estimated\": %s",
                             column->quantiles[0], column->quantiles[1], column->quantiles[2],
                             column->estimated ? "true" : "false");
    buffer_append_text(into, ", \"top\": [");
    for (size_t i = 0; i < column->top_count; i++) {
        buffer_append_text(into, i > 0 ? ", {\"value\": " : "{\"value\": ");
        json_append_string(into, str_of(column->top[i].text));
        buffer_append_format(into, ", \"count\": %" PRIu64 "}", column->top[i].count);
    }
    buffer_append_text(into, "]}");
}

static bool print_json(const struct profile *profile, const char *path, const struct buffer *draft, struct error *error)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    buffer_append_text(&text, "{\"file\": ");
    json_append_string(&text, str_of(path));
    buffer_append_format(&text, ", \"bytes\": %" PRIu64 ", \"rows\": %" PRIu64 ", \"broken\": %" PRIu64, profile->bytes,
                         profile->rows, profile->broken);
    json_append_member(&text, "primary_key",
                       profile->primary_key < 0 ? NULL : profile->columns[profile->primary_key].name);
    buffer_append_text(&text, ", \"columns\": [");
    for (size_t i = 0; i < profile->column_count; i++) {
        buffer_append_text(&text, i > 0 ? ", " : "");
        json_column(&text, &profile->columns[i]);
    }
    buffer_append_text(&text, "], \"schema\": ");
    buffer_append(&text, draft->data, draft->length);
    buffer_append_text(&text, "}\n");
    if (!buffer_check(&text, error)) return false;
    fwrite(text.data, 1, text.length, stdout);
    return true;
}

/* The draft goes to its file, else to standard output; the table to standard output unless the draft is there. */
static bool print_profile(const struct profile *profile, const struct options *given, struct error *error)
{
    struct buffer draft __attribute__((cleanup(buffer_free))) = {0};
    const char *output = given->values[PROFILE_OUTPUT].text;
    profile_draft(profile, &draft);
    if (!buffer_check(&draft, error) || (output && !file_store(output, draft.data, draft.length, error))) return false;
    if (given->values[PROFILE_JSON].number != 0) return print_json(profile, given->operands[0], &draft, error);
    if (!print_table(output ? stdout : stderr, profile, error)) return false;
    if (!output) fwrite(draft.data, 1, draft.length, stdout);
    return true;
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    progress_update(context, done, total);
}

static bool read_delimiter(const char *text, char *delimiter, struct error *error)
{
    *delimiter = 0;
    if (!text) return true;
    if (strcmp(text, "\\t") == 0 || strcmp(text, "tab") == 0) text = "\t";
    *delimiter = text[0];
    if (strlen(text) == 1 && text[0] != '"' && text[0] != '\n' && text[0] != '\r' && (unsigned char)text[0] < 0x80)
        return true;
    return error_set(error, ERROR_USAGE, "--delimiter: '%s' is not one ASCII character (a tab is \\t)", text);
}

static int run(const struct options *given)
{
    struct error error = {0};
    struct progress progress;
    struct profile profile = {0};
    struct profile_options what = {.path = given->operands[0],
                                   .encoding = (enum csv_encoding)given->values[PROFILE_ENCODING].number,
                                   .progress = show_progress,
                                   .progress_context = &progress};
    if (!read_delimiter(given->values[PROFILE_DELIMITER].text, &what.delimiter, &error)) return cli_fail(&error);
    progress_start(&progress, stderr, "reading");
    bool good = profile_run(&what, &profile, &error);
    progress_end(&progress);
    good = good && print_profile(&profile, given, &error);
    profile_free(&profile);
    return good ? CLI_DONE : cli_fail(&error);
}

const struct command cli_profile = {
    .name = "profile",
    .summary = "Draft a schema from a CSV file",
    .description =
        "Reads a whole file and tells of each column its type, missing values, different values, least, median and "
        "most, "
        "and the values that come most often; and drafts a Table Schema from it for review: types, enumerations, "
        "keys, texts that mean no value. Whole numbers that are names (ids, codes, leading zeros) become strings.\n\n"
        "The draft goes to standard output and the table to standard error; with -o the draft goes to that file and "
        "the "
        "table to standard output. The file that it was drafted from is valid by the draft.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle profile orders.csv", "aisle profile orders.csv -o schema.json",
                 "aisle profile export.csv -d ';' --json"},
    .run = run,
};
