/* aisle adopt and aisle browse: from a tree of files to a bucket and back, without copying. */
#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "store/local/adopt.h"
#include "store/local/browse.h"
#include "store/local/bucket.h"
#include "store/store.h"

#define OWNER "000000000000"

enum { ADOPT_DATA, ADOPT_COPY, ADOPT_KEY_FILE, ADOPT_JSON };
static const struct option adopt_options[] = {
    [ADOPT_DATA] = CLI_OPTION_DATA,
    [ADOPT_COPY] = {.name = "copy", .kind = VALUE_FLAG, .help = "copy files rather than link to them"},
    [ADOPT_KEY_FILE] = {.name = "key-file",
                        .kind = VALUE_FILE,
                        .argument = "FILE",
                        .help = "the key file, when it is not 'key' in the data folder"},
    [ADOPT_JSON] = CLI_OPTION_JSON,
};
static const struct operand adopt_operands[] = {
    {.name = "DIR", .kind = VALUE_FOLDER, .help = "the tree of files"},
    {.name = "URL", .kind = VALUE_TEXT, .help = "s3://BUCKET/PREFIX; the bucket is made when it is missing"},
};

enum { BROWSE_DATA, BROWSE_INTO, BROWSE_JSON };
static const struct option browse_options[] = {
    [BROWSE_DATA] = CLI_OPTION_DATA,
    [BROWSE_INTO] = {.name = "into",
                     .kind = VALUE_FOLDER,
                     .argument = "DIR",
                     .help = "where the tree is made; 'browse' in the data folder unless given"},
    [BROWSE_JSON] = CLI_OPTION_JSON,
};
static const struct operand browse_operands[] = {
    {.name = "BUCKET", .kind = VALUE_TEXT, .optional = true, .help = "only this bucket"},
};

static void show_skipped_file(void *context, const char *path, const char *why)
{
    (void)context;
    fprintf(stderr, "aisle: %s is passed over: %s\n", path, why);
}

static void show_skipped_key(void *context, const char *bucket, const char *key, const char *why)
{
    (void)context;
    fprintf(stderr, "aisle: s3://%s/%s is passed over: %s\n", bucket, key, why);
}

static bool make_bucket(struct local_store *store, const char *name, struct error *error)
{
    struct error own = {0};

    if (bucket_create(store, &(struct bucket_create){.name = name, .owner = OWNER}, &own)) return true;
    if (own.name != NULL && strcmp(own.name, "BucketAlreadyOwnedByYou") == 0) return true;
    return error_set(error, own.code, "%s", own.message);
}

static bool adopt(const struct options *given, struct arena *arena, struct adopt_counts *counts, struct error *error)
{
    struct adopt_options options = {.folder = given->operands[0],
                                    .owner = OWNER,
                                    .copy = given->values[ADOPT_COPY].given,
                                    .skipped = show_skipped_file};

    if (!store_url(given->operands[1], arena, &options.bucket, &options.prefix, error)) return false;
    struct folder *folder = folder_open(given->values[ADOPT_DATA].text, FOLDER_WRITE, error);
    struct local_options local = {.folder = folder, .key_file = given->values[ADOPT_KEY_FILE].text};
    struct local_store *store = folder != NULL ? local_open(&local, error) : NULL;
    bool good =
        store != NULL && make_bucket(store, options.bucket, error) && adopt_tree(store, &options, counts, error);

    local_close(store);
    folder_close(folder);
    return good;
}

static int run_adopt(const struct options *given)
{
    struct error error = {0};
    struct adopt_counts counts = {0};
    struct arena *arena = arena_new(0, &error);
    bool good = arena != NULL && adopt(given, arena, &counts, &error);

    arena_free(arena);
    if (!good) return cli_fail(&error);
    printf(given->values[ADOPT_JSON].given
               ? "{\"files\": %" PRIu64 ", \"size_bytes\": %" PRIu64 ", \"linked\": %" PRIu64 ", \"copied\": %" PRIu64
                 ", \"present\": %" PRIu64 ", \"skipped\": %" PRIu64 "}\n"
               : "%" PRIu64 " files of %" PRIu64 " bytes are objects: %" PRIu64 " linked, %" PRIu64 " copied, %" PRIu64
                 " were there, %" PRIu64 " passed over\n",
           counts.files, counts.size_bytes, counts.linked, counts.copied, counts.present, counts.skipped);
    return CLI_DONE;
}

static int run_browse(const struct options *given)
{
    struct error error = {0};
    struct browse_counts counts;
    struct buffer into __attribute__((cleanup(buffer_free))) = {0};
    const char *data = given->values[BROWSE_DATA].text;

    buffer_append_format(&into, "%s/browse", data);
    if (buffer_text(&into) == NULL) {
        buffer_check(&into, &error);
        return cli_fail(&error);
    }
    struct browse_options options = {
        .data = data,
        .bucket = given->operand_count > 0 ? given->operands[0] : NULL,
        .into = given->values[BROWSE_INTO].text != NULL ? given->values[BROWSE_INTO].text : into.data,
        .skipped = show_skipped_key,
    };

    if (!browse_make(&options, &counts, &error)) return cli_fail(&error);
    printf(given->values[BROWSE_JSON].given
               ? "{\"linked\": %" PRIu64 ", \"written\": %" PRIu64 ", \"skipped\": %" PRIu64 "}\n"
               : "%" PRIu64 " objects linked, %" PRIu64 " small ones written, %" PRIu64 " passed over\n",
           counts.linked, counts.written, counts.skipped);
    return CLI_DONE;
}

const struct command cli_adopt = {
    .name = "adopt",
    .summary = "Make objects of a tree of files where it lies",
    .description =
        "Makes an object of each regular file below DIR, under PREFIX and its path. Where DIR lies on the file system "
        "of "
        "the data folder, files of more than 64 KiB are not copied: the store holds a hard link. Such a file may be "
        "removed or replaced by another of its name, and the object stays. It must not be changed in its place: that "
        "changes the object's bytes, so reading the object fails from then on, and 'aisle fsck' names it. With --copy "
        "nothing links to the files.\n\n"
        "What is there already with the same content is passed over, so a stop is made good by doing it again. No "
        "server "
        "may own the data folder meanwhile.",
    .options = adopt_options,
    .option_count = COUNT_OF(adopt_options),
    .operands = adopt_operands,
    .operand_count = COUNT_OF(adopt_operands),
    .examples = {"aisle adopt ./archive s3://retail-data/archive/", "aisle adopt --copy /mnt/drop s3://drop"},
    .run = run_adopt,
};

const struct command cli_browse = {
    .name = "browse",
    .summary = "Make a tree of plain files of what buckets hold",
    .description = "Makes DIR/BUCKET/KEY of each current object whose bytes lie as they are: large ones as hard links, "
                   "which take no "
                   "room, small ones written out. Objects that are encrypted, compressed or were put in parts, and "
                   "keys that no file "
                   "can be named by, are passed over and told. The files are read-only; they stay as they are when "
                   "objects change, "
                   "until the tree is made anew, which takes its place at once. DIR must lie on the file system of the "
                   "data folder. "
                   "It may run beside 'aisle serve'.",
    .options = browse_options,
    .option_count = COUNT_OF(browse_options),
    .operands = browse_operands,
    .operand_count = COUNT_OF(browse_operands),
    .examples = {"aisle browse", "aisle browse retail-data --into /srv/view"},
    .run = run_browse,
};
