/* aisle fsck: tests a data folder, and repairs it. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/human.h"
#include "cli/progress.h"
#include "store/local/fsck.h"

enum { FSCK_DATA, FSCK_DEEP, FSCK_REPAIR, FSCK_KEY_FILE, FSCK_JSON };
static const struct option options[] = {
    [FSCK_DATA] = CLI_OPTION_DATA,
    [FSCK_DEEP] = {.name = "deep", .kind = VALUE_FLAG, .help = "read every byte and compare it with its hash"},
    [FSCK_REPAIR] = {.name = "repair",
                     .kind = VALUE_FLAG,
                     .help = "repair what can be repaired without losing data; nobody may use the folder meanwhile"},
    [FSCK_KEY_FILE] = {.name = "key-file",
                       .kind = VALUE_FILE,
                       .argument = "FILE",
                       .help = "the key file, when it is not 'key' in the data folder"},
    [FSCK_JSON] = CLI_OPTION_JSON,
};

struct report {
    bool as_json;
    uint64_t problems, repaired;
    struct progress progress;
};

static void put_member(struct buffer *line, const char *name, const char *text)
{
    buffer_append_format(line, "%s\"%s\": ", line->length > 1 ? ", " : "", name);
    if (text == NULL)
        buffer_append_text(line, "null");
    else
        json_append_string(line, str_of(text));
}

static void show(struct report *report, const struct fsck_problem *problem)
{
    struct buffer line __attribute__((cleanup(buffer_free))) = {0};

    progress_end(&report->progress);
    report->problems++;
    report->repaired += problem->repair != NULL;
    if (report->as_json) {
        buffer_append_char(&line, '{');
        put_member(&line, "kind", problem->kind);
        put_member(&line, "what", problem->what);
        put_member(&line, "repair", problem->repair);
        buffer_append_char(&line, '}');
    } else {
        buffer_append_format(&line, "%s: %s", problem->kind, problem->what);
        if (problem->repair != NULL) buffer_append_format(&line, " (%s)", problem->repair);
    }
    if (buffer_text(&line) != NULL) puts(line.data);
}

static void show_object(void *context, const struct fsck_problem *problem)
{
    show(context, problem);
}

static void show_file(void *context, const struct folder_file *file, const struct error *what)
{
    show(context, &(struct fsck_problem){.kind = file != NULL ? "engine_file" : "database", .what = what->message});
}

static void show_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    struct report *report = context;

    progress_update(&report->progress, done_bytes, total_bytes);
}

static bool summarize(const struct report *report, const struct fsck_counts *counts, struct error *error)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};

    if (report->as_json) {
        printf("{\"versions\": %" PRIu64 ", \"bodies\": %" PRIu64 ", \"blobs\": %" PRIu64 ", \"read_bytes\": %" PRIu64
               ", \"unread_bodies\": %" PRIu64 ", \"problems\": %" PRIu64 ", \"repaired\": %" PRIu64 "}\n",
               counts->versions, counts->bodies, counts->blobs, counts->read_bytes, counts->unread_bodies,
               report->problems, report->repaired);
        return true;
    }
    buffer_append_format(&text, "%" PRIu64 " versions, %" PRIu64 " bodies, %" PRIu64 " of them files", counts->versions,
                         counts->bodies, counts->blobs);
    if (counts->read_bytes > 0) {
        buffer_append_text(&text, ", ");
        human_bytes(&text, counts->read_bytes);
        buffer_append_text(&text, " read");
    }
    if (counts->unread_bodies > 0)
        buffer_append_format(&text, ", %" PRIu64 " encrypted under customers' keys and not read",
                             counts->unread_bodies);
    if (report->problems == 0)
        buffer_append_text(&text, ": no problem found");
    else
        buffer_append_format(&text, ": %" PRIu64 " problems, %" PRIu64 " repaired", report->problems, report->repaired);
    if (buffer_text(&text) == NULL) return buffer_check(&text, error);
    puts(text.data);
    return true;
}

static int run(const struct options *given)
{
    struct error error = {0};
    struct report report = {.as_json = given->values[FSCK_JSON].given};
    struct fsck_counts counts = {0};
    uint64_t problems = 0;
    bool repair = given->values[FSCK_REPAIR].given;
    struct folder *folder = folder_open(given->values[FSCK_DATA].text, repair ? FOLDER_WRITE : FOLDER_READ, &error);
    struct folder_verifier verifier = {.context = &report, .problem = show_file};
    struct fsck_options objects = {
        .folder = folder,
        .repair = repair,
        .deep = given->values[FSCK_DEEP].given,
        .key_file = given->values[FSCK_KEY_FILE].text,
        .context = &report,
        .problem = show_object,
        .progress = show_progress,
    };

    progress_start(&report.progress, stderr, "checking");
    bool good = folder != NULL && folder_verify(folder, &verifier, &problems, &error) &&
                fsck_objects(&objects, &counts, &error);
    progress_end(&report.progress);
    folder_close(folder);
    if (good) good = summarize(&report, &counts, &error);
    if (!good) return cli_fail(&error);
    return report.problems > report.repaired ? CLI_FAILED : CLI_DONE;
}

const struct command cli_fsck = {
    .name = "fsck",
    .summary = "Test a data folder, and repair it",
    .description =
        "Tests that the database is sound, that every file it names is there with its size, that rows name each other "
        "as they must, and that no file lies there unnamed. With --deep every body is read, decrypted and compared "
        "with "
        "the hashes that it was put with. It may run beside 'aisle serve'.\n\n"
        "--repair changes only what loses nothing: versions of objects whose bytes are missing or damaged are moved to "
        "quarantine, so that no client is served them; files that nothing names are moved to lost+found in the data "
        "folder; wrong counts of references are set right; parts of unfinished uploads whose bytes are gone are "
        "removed, "
        "so that they are sent again. Each line says what was found and what was done.\n\n"
        "The exit status is 0 when there is no problem, or none that was not repaired, else 1.",
    .options = options,
    .option_count = COUNT_OF(options),
    .examples = {"aisle fsck", "aisle fsck --deep --json", "aisle fsck --repair --data /srv/aisle"},
    .run = run,
};
