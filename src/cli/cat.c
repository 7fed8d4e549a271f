/* aisle cat: objects to standard output. */
#include "base/memory.h"
#include "cli/cli.h"
#include "cli/reach.h"

#define STEP_BYTES ((size_t)1 << 20)

enum { CAT_ENDPOINT, CAT_DATA };
static const struct option options[] = {
    [CAT_ENDPOINT] = CLI_OPTION_ENDPOINT,
    [CAT_DATA] = CLI_OPTION_BUCKETS,
};

static const struct operand operands[] = {
    {.name = "URL", .kind = VALUE_TEXT, .repeats = true, .help = "s3://BUCKET/KEY"},
};

static bool copy_out(struct store *store, const char *url, char *block, struct arena *arena, struct error *error)
{
    const char *bucket = NULL, *key = NULL;
    if (!store_url(url, arena, &bucket, &key, error)) return false;
    if (!*key) return error_set(error, ERROR_USAGE, "'%s' names a bucket, not an object", url);
    struct store_reader *reader = store_open(store, bucket, key, error);
    if (!reader) return false;
    uint64_t at = 0;
    ssize_t got = 0;
    while ((got = store_read(reader, block, STEP_BYTES, at, error)) > 0) {
        if (fwrite(block, 1, (size_t)got, stdout) != (size_t)got) break;
        at += (uint64_t)got;
    }
    store_close(reader);
    return got >= 0;
}

static int run(const struct options *given)
{
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);
    char *block = arena ? memory_array(1, STEP_BYTES, &error) : NULL;
    struct reach *reach = block ? reach_open(&given->values[CAT_ENDPOINT], &given->values[CAT_DATA], &error) : NULL;
    bool good = reach != NULL;
    for (size_t i = 0; good && i < given->operand_count && !ferror(stdout); i++) {
        good = copy_out(reach_store(reach), given->operands[i], block, arena, &error);
    }
    reach_close(reach);
    memory_free(block);
    if (arena) arena_free(arena);
    return good ? CLI_DONE : cli_fail(&error);
}

const struct command cli_cat = {
    .name = "cat",
    .summary = "Write objects to standard output",
    .description =
        "Writes the bytes of each object in turn. What is read of one is of one version, whatever is written "
        "meanwhile. aisle ls says which server or folder s3:// names mean.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle cat s3://retail-data/raw_data/orders/day1.csv", "aisle cat s3://b/a.csv.gz | zcat | head"},
    .run = run,
};
