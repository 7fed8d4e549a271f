/* aisle rm: deleting objects. */
#include "cli/cli.h"
#include "cli/emptying.h"
#include "cli/reach.h"

enum { RM_RECURSIVE, RM_ENDPOINT, RM_DATA };
static const struct option options[] = {
    [RM_RECURSIVE] = {.name = "recursive",
                      .letter = 'r',
                      .kind = VALUE_FLAG,
                      .help = "delete every object whose key begins so"},
    [RM_ENDPOINT] = CLI_OPTION_ENDPOINT,
    [RM_DATA] = CLI_OPTION_BUCKETS,
};

static const struct operand operands[] = {
    {.name = "URL", .kind = VALUE_TEXT, .repeats = true, .help = "s3://BUCKET/KEY, or a prefix with --recursive"},
};

static bool remove_one(struct store *store, const char *url, bool recursive, struct arena *arena, struct error *error)
{
    const char *bucket = NULL, *key = NULL;
    if (!store_url(url, arena, &bucket, &key, error)) return false;
    if (recursive) return emptying_run(store, bucket, key, error);
    if (*key) return store_delete(store, bucket, key, error);
    return error_set(error, ERROR_USAGE, "'%s' names a bucket: --recursive deletes all in it, aisle rb the bucket",
                     url);
}

static int run(const struct options *given)
{
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);
    struct reach *reach = arena ? reach_open(&given->values[RM_ENDPOINT], &given->values[RM_DATA], &error) : NULL;
    bool good = reach != NULL;
    for (size_t i = 0; good && i < given->operand_count; i++) {
        good =
            remove_one(reach_store(reach), given->operands[i], given->values[RM_RECURSIVE].number != 0, arena, &error);
    }
    reach_close(reach);
    if (arena) arena_free(arena);
    return good ? CLI_DONE : cli_fail(&error);
}

const struct command cli_rm = {
    .name = "rm",
    .summary = "Delete objects",
    .description = "Deletes objects; one that is not there is all right. In a bucket with versioning the versions of "
                   "before are kept. aisle ls says which server or folder s3:// names mean.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle rm s3://retail-data/raw_data/orders/day1.csv", "aisle rm --recursive s3://retail-data/tmp/"},
    .run = run,
};
