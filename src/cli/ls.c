/* aisle ls: buckets, and what is in them. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/reach.h"
#include "cli/table.h"

enum { LS_RECURSIVE, LS_ENDPOINT, LS_DATA, LS_JSON };
static const struct option options[] = {
    [LS_RECURSIVE] = {.name = "recursive",
                      .letter = 'r',
                      .kind = VALUE_FLAG,
                      .help = "list every object below, not folder by folder"},
    [LS_ENDPOINT] = CLI_OPTION_ENDPOINT,
    [LS_DATA] = CLI_OPTION_BUCKETS,
    [LS_JSON] = {.name = "json", .kind = VALUE_FLAG, .help = "print a line of JSON for each"},
};

static const struct operand operands[] = {
    {.name = "URL", .kind = VALUE_TEXT, .optional = true, .help = "s3://BUCKET or s3://BUCKET/PREFIX; none: buckets"},
};

struct list {
    struct table *table; /* NULL: JSON lines */
    struct buffer line;
};

static bool print_line(struct list *list, struct error *error)
{
    buffer_append_char(&list->line, '\n');
    if (!buffer_check(&list->line, error)) return false;
    fwrite(list->line.data, 1, list->line.length, stdout);
    buffer_clear(&list->line);
    return true;
}

static void time_text(int64_t time_us, char text[32])
{
    clock_format_rfc3339(time_us, text);
    text[19] = '\0';
    text[10] = ' ';
}

static bool show_bucket(void *context, const char *bucket, int64_t created_us, struct error *error)
{
    struct list *list = context;
    char created[32];
    if (!list->table) {
        clock_format_rfc3339(created_us, created);
        buffer_append_text(&list->line, "{\"bucket\": ");
        json_append_string(&list->line, str_of(bucket));
        buffer_append_format(&list->line, ", \"created\": \"%s\"}", created);
        return print_line(list, error);
    }
    time_text(created_us, created);
    table_text(list->table, str_of(created));
    table_text(list->table, str_of(bucket));
    table_end_row(list->table);
    return true;
}

static bool print_object(struct list *list, const struct store_object *object, bool is_prefix, struct error *error)
{
    char modified[32];
    clock_format_rfc3339(object->modified_us, modified);
    buffer_append_text(&list->line, is_prefix ? "{\"prefix\": " : "{\"key\": ");
    json_append_string(&list->line, str_of(object->key));
    if (!is_prefix) {
        buffer_append_format(&list->line,
                             ", \"size_bytes\": %" PRIu64 ", \"modified\": \"%s\", \"etag\": ", object->size_bytes,
                             modified);
        json_append_string(&list->line, str_of(object->etag));
    }
    buffer_append_char(&list->line, '}');
    return print_line(list, error);
}

static bool show_object(void *context, const struct store_object *object, bool is_prefix, struct error *error)
{
    struct list *list = context;
    if (!list->table) return print_object(list, object, is_prefix, error);
    char modified[32] = "", size[24] = "";
    if (!is_prefix) {
        time_text(object->modified_us, modified);
        snprintf(size, sizeof size, "%" PRIu64, object->size_bytes);
    }
    table_text(list->table, str_of(modified));
    table_text(list->table, str_of(size));
    table_text(list->table, str_of(object->key));
    table_end_row(list->table);
    return true;
}

static bool show(struct list *list, struct store *store, const char *url, bool recursive, struct arena *arena,
                 struct error *error)
{
    const char *bucket = NULL, *prefix = NULL;
    if (!url) return store_list_buckets(store, show_bucket, list, error);
    if (!store_url(url, arena, &bucket, &prefix, error)) return false;
    struct store_listing listing = {.prefix = prefix, .delimiter = recursive ? "" : "/", .start_after = ""};
    return store_list(store, bucket, &listing, show_object, list, error);
}

static int run(const struct options *given)
{
    static const struct table_column buckets[] = {{"created", TABLE_WHOLE, 0}, {"bucket", TABLE_WHOLE, 0}};
    static const struct table_column objects[] = {
        {"modified", TABLE_WHOLE, 0}, {"bytes", TABLE_NUMBER, 0}, {"key", TABLE_WHOLE, 0}};
    struct error error = {0};
    const char *url = given->operand_count > 0 ? given->operands[0] : NULL;
    bool json = given->values[LS_JSON].number != 0;
    struct terminal terminal = terminal_of(stdout);
    struct list list = {0};
    struct arena *arena = arena_new(0, &error);
    struct reach *reach = arena ? reach_open(&given->values[LS_ENDPOINT], &given->values[LS_DATA], &error) : NULL;
    if (reach && !json) {
        list.table =
            table_new(stdout, &terminal, url ? objects : buckets, url ? COUNT_OF(objects) : COUNT_OF(buckets), &error);
    }
    bool good = reach && (json || list.table) &&
                show(&list, reach_store(reach), url, given->values[LS_RECURSIVE].number != 0, arena, &error) &&
                (!list.table || table_finish(list.table, &error));
    if (list.table) table_free(list.table);
    buffer_free(&list.line);
    reach_close(reach);
    if (arena) arena_free(arena);
    return good ? CLI_DONE : cli_fail(&error);
}

const struct command cli_ls = {
    .name = "ls",
    .summary = "List buckets and objects",
    .description =
        "Without a URL lists the buckets; with one, what its prefix begins: objects with their time, size and "
        "key, and folders, which are keys up to the next slash.\n\n"
        "s3:// names mean the server of --endpoint-url; or the buckets of the data folder of --data, through "
        "its server when one runs; or what AWS's own tools would talk to when AWS_ENDPOINT_URL, AWS_PROFILE "
        "or AWS_ACCESS_KEY_ID is set; or the data folder of AISLE_DATA or ./aisle-data when it is there.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle ls", "aisle ls s3://retail-data/raw_data/",
                 "aisle ls --endpoint-url http://127.0.0.1:9000 --recursive s3://retail-data"},
    .run = run,
};
