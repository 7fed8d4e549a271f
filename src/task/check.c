#include "task/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "task/check_state.h"

/* The file's name without folder and without ".csv", ".gz" and the like. */
static struct str stem_of(const char *path)
{
    static const char *const endings[] = {".gz", ".zst", ".csv", ".tsv", ".txt"};
    const char *slash = strrchr(path, '/');
    struct str stem = str_of(slash ? slash + 1 : path);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (str_ends_with(stem, endings[i]) && stem.length > strlen(endings[i])) stem.length -= strlen(endings[i]);
    return stem;
}

static bool name_output(const struct check *check, const char *suffix, struct check_output *output, struct error *error)
{
    struct str stem = stem_of(check->options->path);
    const char *folder = check->options->out_folder;
    struct arena *arena = check->report->arena;
    output->path = arena_format(arena, error, "%s/%.*s_%s.csv", folder, STR_ARGS(stem), suffix);
    output->temporary = arena_format(arena, error, "%s/.%.*s_%s.csv.part", folder, STR_ARGS(stem), suffix);
    return output->path && output->temporary;
}

bool check_output_open(struct check_output *output, struct error *error)
{
    output->fd = open(output->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (output->fd < 0) return error_set_errno(error, errno, "%s could not be created", output->temporary);
    return true;
}

void check_output_close(struct check_output *output)
{
    if (output->fd >= 0) close(output->fd);
    output->fd = -1;
    buffer_free(&output->pending);
}

/* A file without a name, for rejects that nobody wants to keep. */
static bool open_nameless(struct check *check, struct error *error)
{
    const char *folder = getenv("TMPDIR");
    char *path =
        arena_format(check->report->arena, error, "%s/aisle-check-XXXXXX", folder && *folder ? folder : "/tmp");
    if (!path) return false;
    check->rejected.fd = mkostemp(path, O_CLOEXEC);
    if (check->rejected.fd < 0)
        return error_set_errno(error, errno, "%s could not be created (TMPDIR names the folder)", path);
    unlink(path);
    return true;
}

static bool open_outputs(struct check *check, struct error *error)
{
    const char *folder = check->options->out_folder;
    if (!folder) return open_nameless(check, error);
    return file_make_folders(folder, error) && name_output(check, "valid", &check->valid, error) &&
           name_output(check, "rejected", &check->rejected, error) && check_output_open(&check->valid, error) &&
           check_output_open(&check->rejected, error);
}

/* Gives an output its name; one of an earlier check that has nothing now is removed. */
static bool publish(struct check_output *output, bool wanted, const char **path, struct error *error)
{
    if (!output->path) return true;
    check_output_close(output);
    if (!wanted) return file_remove(output->temporary, error) && file_remove(output->path, error);
    if (rename(output->temporary, output->path) != 0)
        return error_set_errno(error, errno, "%s could not be renamed to %s", output->temporary, output->path);
    *path = output->path;
    return true;
}

static bool open_source(struct check *check, struct error *error)
{
    const struct schema *schema = check->report->schema;
    const char *folder = getenv("TMPDIR");
    struct csv_source_options options = {.encoding = (enum csv_encoding)schema->encoding,
                                         .temporary_folder = folder && *folder ? folder : "/tmp"};
    if (!csv_source_open(&check->source, check->options->path, &options, error)) return false;
    check->source_open = true;
    check->report->bytes = check->source.size - check->source.start;
    return true;
}

bool check_validate(const struct check *check, struct validate_file *file, const struct validate_options *options,
                    bool (*take)(void *context, const struct batch *batch, struct error *error), void *context,
                    struct error *error)
{
    struct validation *validation = validation_new(check->team, file, 1, options, error);
    bool good = validation != NULL;
    for (bool done = false; good && !done;) {
        struct batch **batches = NULL;
        size_t count = 0;
        good = validation_next(validation, &batches, &count, &done, error);
        for (size_t i = 0; i < count; i++) {
            good = good && take(context, batches[i], error);
            batch_free(batches[i]);
        }
        memory_free(batches);
    }
    validation_free(validation);
    return good;
}

/* The fast way over the whole file; keys of valid rows are kept. */
static bool validate(struct check *check, struct error *error)
{
    struct validate_options options = {.terms = check->terms,
                                       .batches = check->key_count > 0,
                                       .progress = check->options->progress,
                                       .progress_context = check->options->progress_context};
    check->file = (struct validate_file){.source = &check->source,
                                         .schema = check->report->schema,
                                         .keep = check->keep,
                                         .rejects_fd = check->rejected.fd,
                                         .rejects_raw = check->key_count > 0,
                                         .rejects_path = check->rejected.path ? check->rejected.temporary : "rejects",
                                         .valid_fd = check->valid.fd,
                                         .valid_path = check->valid.temporary};
    return check_validate(check, &check->file, &options, check_take_batch, check, error);
}

static bool judge_file(struct check *check, struct error *error)
{
    struct check_report *report = check->report;
    const struct file_report *told = &check->file.report;
    if (!validate(check, error)) return false;
    report->verdict = told->verdict;
    report->read = told->read;
    report->rejected = told->rejected;
    if (told->notice[0]) report->notice = arena_text(report->arena, told->notice, strlen(told->notice), error);
    if (told->verdict != FILE_TAKEN) {
        report->problem = arena_text(report->arena, told->problem, strlen(told->problem), error);
        report->problem_line = told->problem_line;
        report->read = report->rejected = 0;
        return report->problem != NULL;
    }
    if (told->rejected > 0 && !check_take_rejects(check, error)) return false;
    if (!check_compare_keys(check, error)) return false;
    if ((told->rejected > 0 || check->breaks.count > 0 || told->warned > 0) && !check_explain(check, error))
        return false;
    return csv_source_finish(&check->source, error);
}

static bool finish(struct check *check, struct error *error)
{
    struct check_report *report = check->report;
    const struct schema *schema = report->schema;
    bool taken = report->verdict == FILE_TAKEN;
    report->valid = report->read - report->rejected;
    double share = report->read > 0 ? (double)report->rejected / (double)report->read : 0;
    report->over_budget =
        schema->has_budget && (report->rejected > schema->budget_count || share > schema->budget_share);
    return publish(&check->valid, taken, &report->valid_path, error) &&
           publish(&check->rejected, taken && report->rejected > 0, &report->rejected_path, error);
}

static void release(struct check *check)
{
    for (size_t i = 0; i < check->key_count; i++) {
        key_list_free(&check->keys[i].rows.valid);
        key_list_free(&check->keys[i].rows.rejected);
    }
    key_breaks_free(&check->breaks);
    memory_free(check->rejected_rows);
    struct check_output *outputs[] = {&check->valid, &check->rejected};
    for (size_t i = 0; i < 2; i++) {
        bool left = outputs[i]->fd >= 0 && outputs[i]->path;
        check_output_close(outputs[i]);
        if (left) unlink(outputs[i]->temporary);
    }
    if (check->source_open) csv_source_close(&check->source);
    terms_free(check->terms);
}

bool check_run(struct team *team, const struct check_options *options, struct check_report *report, struct error *error)
{
    struct check check = {.options = options, .report = report, .team = team};
    check.valid.fd = check.rejected.fd = -1;
    *report = (struct check_report){0};
    report->arena = arena_new(0, error);
    report->schema = report->arena ? schema_load(report->arena, options->schema_path, error) : NULL;
    check.terms = report->schema ? terms_new(error) : NULL;
    bool good = check.terms != NULL;
    if (good) check.dialect = (struct csv_dialect){report->schema->delimiter, report->schema->quote};
    good = good && check_list_keys(&check, error) && open_source(&check, error) && open_outputs(&check, error) &&
           judge_file(&check, error) && finish(&check, error);
    release(&check);
    return good;
}

void check_report_free(struct check_report *report)
{
    schema_free(report->schema);
    arena_free(report->arena);
    *report = (struct check_report){0};
}
