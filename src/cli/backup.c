/* aisle backup and aisle restore. */
#include <inttypes.h>

#include "cli/cli.h"
#include "cli/human.h"
#include "cli/progress.h"
#include "store/backup.h"

enum { BACKUP_DATA, BACKUP_WITHOUT_KEY, BACKUP_VERIFY, BACKUP_JSON };
static const struct option backup_options[] = {
    [BACKUP_DATA] = CLI_OPTION_DATA,
    [BACKUP_WITHOUT_KEY] = {.name = "without-key",
                            .kind = VALUE_FLAG,
                            .help =
                                "leave the key file out; keep it elsewhere: without it nothing encrypted can be read"},
    [BACKUP_VERIFY] = {.name = "verify", .kind = VALUE_FLAG, .help = "read the whole backup again and compare"},
    [BACKUP_JSON] = CLI_OPTION_JSON,
};
static const struct operand backup_operands[] = {
    {.name = "DEST", .kind = VALUE_FOLDER, .help = "the backup's folder: a new one, or one of a backup made before"},
};

enum { RESTORE_DATA, RESTORE_PARTIAL, RESTORE_JSON };
static const struct option restore_options[] = {
    [RESTORE_DATA] = CLI_OPTION_DATA,
    [RESTORE_PARTIAL] = {.name = "partial",
                         .kind = VALUE_FLAG,
                         .help = "restore what is whole, though files of the backup are missing or damaged"},
    [RESTORE_JSON] = CLI_OPTION_JSON,
};
static const struct operand restore_operands[] = {
    {.name = "SOURCE", .kind = VALUE_FOLDER, .help = "the backup's folder"},
};

static void show_problem(void *context, const char *path, const char *what)
{
    progress_end(context);
    fprintf(stderr, "aisle: %s: %s\n", path, what);
}

static void show_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    progress_update(context, done_bytes, total_bytes);
}

/* What was done, as one line or as JSON. */
static bool show_counts(const char *done, const struct backup_counts *counts, bool as_json, struct error *error)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};

    if (as_json) {
        printf("{\"files\": %" PRIu64 ", \"size_bytes\": %" PRIu64 ", \"copied_files\": %" PRIu64
               ", \"copied_bytes\": %" PRIu64 ", \"removed_files\": %" PRIu64 ", \"problems\": %" PRIu64 "}\n",
               counts->files, counts->size_bytes, counts->copied_files, counts->copied_bytes, counts->removed_files,
               counts->problems);
        return true;
    }
    human_bytes(&text, counts->size_bytes);
    buffer_append_format(&text, " in %" PRIu64 " files %s, ", counts->files, done);
    human_bytes(&text, counts->copied_bytes);
    buffer_append_format(&text, " in %" PRIu64 " files copied", counts->copied_files);
    if (counts->removed_files > 0)
        buffer_append_format(&text, ", %" PRIu64 " old files removed", counts->removed_files);
    if (buffer_text(&text) == NULL) return buffer_check(&text, error);
    puts(text.data);
    return true;
}

static int run_with(const struct backup_options *given, const char *stage, const char *done, bool as_json,
                    bool (*work)(const struct backup_options *, struct backup_counts *, struct error *))
{
    struct error error = {0};
    struct backup_counts counts;
    struct progress progress;
    struct backup_options options = *given;

    options.context = &progress;
    options.problem = show_problem;
    options.progress = show_progress;
    progress_start(&progress, stderr, stage);
    bool good = work(&options, &counts, &error);
    progress_end(&progress);
    if (good) good = show_counts(done, &counts, as_json, &error);
    if (!good) return cli_fail(&error);
    return counts.problems > 0 ? CLI_FAILED : CLI_DONE;
}

static int run_backup(const struct options *given)
{
    struct backup_options options = {
        .data = given->values[BACKUP_DATA].text,
        .backup = given->operands[0],
        .without_key = given->values[BACKUP_WITHOUT_KEY].given,
        .verify = given->values[BACKUP_VERIFY].given,
    };

    return run_with(&options, "copying", "backed up", given->values[BACKUP_JSON].given, backup_make);
}

static int run_restore(const struct options *given)
{
    struct backup_options options = {
        .data = given->values[RESTORE_DATA].text,
        .backup = given->operands[0],
        .partial = given->values[RESTORE_PARTIAL].given,
    };

    return run_with(&options, "restoring", "restored", given->values[RESTORE_JSON].given, backup_restore);
}

const struct command cli_backup = {
    .name = "backup",
    .summary = "Copy a data folder while it is used",
    .description = "Copies a data folder as it stands at one moment: buckets, objects and access keys, tables and what "
                   "the engine remembers. 'aisle serve' or a run may own the folder and go on writing.\n\n"
                   "Into the folder of a backup made before, only what is new is copied; then what is not needed any "
                   "more is removed. A backup that is stopped leaves the one before as it was.\n\n"
                   "The backup holds a manifest with the SHA-256 of each file. It also holds the key file, when that "
                   "lies in the data folder: keep the backup as safe as the data.\n\n"
                   "A file that is missing is told and noted; the others are copied, and the exit status is 1.",
    .options = backup_options,
    .option_count = COUNT_OF(backup_options),
    .operands = backup_operands,
    .operand_count = COUNT_OF(backup_operands),
    .examples = {"aisle backup /mnt/backup/aisle", "aisle backup --verify --data /srv/aisle /mnt/backup/aisle"},
    .run = run_backup,
};

const struct command cli_restore = {
    .name = "restore",
    .summary = "Make a data folder from a backup",
    .description =
        "Copies a backup made by 'aisle backup' into a data folder, which must be new or empty. Every file is "
        "compared with the backup's manifest on the way. The data folder appears when all of it is there.",
    .options = restore_options,
    .option_count = COUNT_OF(restore_options),
    .operands = restore_operands,
    .operand_count = COUNT_OF(restore_operands),
    .examples = {"aisle restore /mnt/backup/aisle --data /srv/aisle"},
    .run = run_restore,
};
