/* aisle mb, aisle rb: making and removing buckets. */
#include "cli/cli.h"
#include "cli/emptying.h"
#include "cli/reach.h"

enum { BUCKET_ENDPOINT, BUCKET_DATA, BUCKET_FORCE };
static const struct option options[] = {
    [BUCKET_ENDPOINT] = CLI_OPTION_ENDPOINT,
    [BUCKET_DATA] = CLI_OPTION_BUCKETS,
    [BUCKET_FORCE] = {.name = "force", .kind = VALUE_FLAG, .help = "delete all its objects first"},
};

static const struct operand operands[] = {
    {.name = "URL", .kind = VALUE_TEXT, .help = "s3://BUCKET"},
};

static const char *bucket_of(const char *url, struct arena *arena, struct error *error)
{
    const char *bucket = NULL, *key = NULL;
    if (!store_url(url, arena, &bucket, &key, error)) return NULL;
    if (!*key) return bucket;
    error_set(error, ERROR_USAGE, "'%s' names an object: write s3://%s for its bucket", url, bucket);
    return NULL;
}

static int run(const struct options *given, bool make)
{
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);
    const char *bucket = arena ? bucket_of(given->operands[0], arena, &error) : NULL;
    struct reach *reach =
        bucket ? reach_open(&given->values[BUCKET_ENDPOINT], &given->values[BUCKET_DATA], &error) : NULL;
    bool good = reach != NULL;
    if (good && make) good = store_make_bucket(reach_store(reach), bucket, &error);
    if (good && !make && given->values[BUCKET_FORCE].number)
        good = emptying_run(reach_store(reach), bucket, "", &error);
    if (good && !make) good = store_remove_bucket(reach_store(reach), bucket, &error);
    reach_close(reach);
    if (arena) arena_free(arena);
    return good ? CLI_DONE : cli_fail(&error);
}

static int run_mb(const struct options *given)
{
    return run(given, true);
}

static int run_rb(const struct options *given)
{
    return run(given, false);
}

const struct command cli_mb = {
    .name = "mb",
    .summary = "Make a bucket",
    .description = "Makes a bucket; one that is there already and yours is all right. aisle ls says which server or "
                   "folder s3:// names mean.",
    .options = options,
    .option_count = BUCKET_FORCE,
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle mb s3://retail-data"},
    .run = run_mb,
};

const struct command cli_rb = {
    .name = "rb",
    .summary = "Remove a bucket",
    .description = "Removes an empty bucket, or with --force one whose objects are deleted first. Versions that a "
                   "versioned bucket keeps are not deleted by it.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle rb s3://retail-data", "aisle rb --force s3://scratch"},
    .run = run_rb,
};
