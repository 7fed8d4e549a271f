/* aisle presign: a URL that lets whoever has it read or write one object for a while. */
#include "cli/cli.h"
#include "cli/reach.h"

enum { PRESIGN_EXPIRES, PRESIGN_METHOD, PRESIGN_ENDPOINT, PRESIGN_DATA };

static const char *const methods[] = {"GET", "PUT", "HEAD", "DELETE", NULL};

static const struct option options[] = {
    [PRESIGN_EXPIRES] = {.name = "expires",
                         .kind = VALUE_COUNT,
                         .argument = "SECONDS",
                         .fallback = "3600",
                         .minimum = 1,
                         .maximum = 604800,
                         .help = "how long it is good for"},
    [PRESIGN_METHOD] = {.name = "method",
                        .kind = VALUE_CHOICE,
                        .argument = "METHOD",
                        .fallback = "GET",
                        .choices = methods,
                        .help = "what it lets do"},
    [PRESIGN_ENDPOINT] = CLI_OPTION_ENDPOINT,
    [PRESIGN_DATA] = CLI_OPTION_BUCKETS,
};

static const struct operand operands[] = {
    {.name = "URL", .kind = VALUE_TEXT, .help = "s3://BUCKET/KEY"},
};

static const char *sign(const struct options *given, const struct reach *reach, struct arena *arena,
                        struct error *error)
{
    const char *bucket = NULL, *key = NULL;
    if (!store_url(given->operands[0], arena, &bucket, &key, error)) return NULL;
    if (!*key) {
        error_set(error, ERROR_USAGE, "'%s' names a bucket, not an object", given->operands[0]);
        return NULL;
    }
    return store_presign(reach_store(reach), methods[given->values[PRESIGN_METHOD].number], bucket, key,
                         given->values[PRESIGN_EXPIRES].number, arena, error);
}

static int run(const struct options *given)
{
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);
    struct reach *reach =
        arena ? reach_open(&given->values[PRESIGN_ENDPOINT], &given->values[PRESIGN_DATA], &error) : NULL;
    const char *url = reach ? sign(given, reach, arena, &error) : NULL;
    if (url) puts(url);
    reach_close(reach);
    if (arena) arena_free(arena);
    return url ? CLI_DONE : cli_fail(&error);
}

const struct command cli_presign = {
    .name = "presign",
    .summary = "Make a URL to an object that carries its own permission",
    .description =
        "Prints a URL that lets whoever has it do one thing with one object, without a key of their own, until "
        "it expires. The object need not be there yet. aisle ls says which server s3:// names mean.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle presign s3://retail-data/reports/week.pdf",
                 "aisle presign --method PUT --expires 600 s3://retail-data/raw_data/orders/day9.csv"},
    .run = run,
};
