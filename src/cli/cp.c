/* aisle cp: files and objects. */
#include "cli/cli.h"
#include "cli/copying.h"
#include "cli/progress.h"
#include "cli/reach.h"

enum { CP_RECURSIVE, CP_TYPE, CP_ENDPOINT, CP_DATA };
static const struct option options[] = {
    [CP_RECURSIVE] = {.name = "recursive",
                      .letter = 'r',
                      .kind = VALUE_FLAG,
                      .help = "copy a folder's files, or all objects that a prefix begins"},
    [CP_TYPE] = {.name = "content-type",
                 .kind = VALUE_TEXT,
                 .argument = "TYPE",
                 .help = "the objects' media type; told by the name's ending unless given"},
    [CP_ENDPOINT] = CLI_OPTION_ENDPOINT,
    [CP_DATA] = CLI_OPTION_BUCKETS,
};

static const struct operand operands[] = {
    {.name = "FROM", .kind = VALUE_FILE, .help = "a file, s3://BUCKET/KEY, or - for standard input"},
    {.name = "TO", .kind = VALUE_FILE, .help = "a file, s3://BUCKET/KEY, or - for standard output"},
};

static void show(void *context, uint64_t objects, uint64_t bytes)
{
    (void)objects;
    progress_update(context, bytes, 0);
}

static int run(const struct options *given)
{
    struct error error = {0};
    struct progress progress;
    struct reach *reach = reach_open(&given->values[CP_ENDPOINT], &given->values[CP_DATA], &error);
    if (!reach) return cli_fail(&error);
    struct copying copying = {.store = reach_store(reach),
                              .from = given->operands[0],
                              .to = given->operands[1],
                              .recursive = given->values[CP_RECURSIVE].number != 0,
                              .content_type = given->values[CP_TYPE].text,
                              .done = show,
                              .context = &progress};
    progress_start(&progress, stderr, "copying");
    bool good = copying_run(&copying, &error);
    progress_end(&progress);
    reach_close(reach);
    return good ? CLI_DONE : cli_fail(&error);
}

const struct command cli_cp = {
    .name = "cp",
    .summary = "Copy files to objects, objects to files, objects to objects",
    .description =
        "One of FROM and TO is an s3:// URL, or both are; - is standard input or output. A target that ends in a "
        "slash, "
        "is a bucket alone, or is a folder takes the name of what is copied. Large ones go in parts, several at once; "
        "objects are whole or not there, and so are the files that they become. aisle ls says which server or folder "
        "s3:// names mean.",
    .options = options,
    .option_count = COUNT_OF(options),
    .operands = operands,
    .operand_count = COUNT_OF(operands),
    .examples = {"aisle cp orders_part1.csv s3://retail-data/raw_data/orders/",
                 "aisle cp --recursive ./day1/ s3://retail-data/raw_data/", "aisle cp s3://retail-data/week.pdf .",
                 "zcat old.csv.gz | aisle cp - s3://retail-data/raw_data/orders/old.csv"},
    .run = run,
};
