#include "task/library.h"

#include <aisle.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/thread.h"
#include "tabular/validate.h"

/* One call of the library. */
struct call {
    const char *schema_path;
    struct team *team;
    struct csv_source source;
    struct validate_file file;
    struct library_rows rows;
};

static int open_nameless(struct error *error)
{
    const char *folder = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
    char path[4096];

    if (snprintf(path, sizeof path, "%s/aisle-rejects-XXXXXX", folder) >= (int)sizeof path) {
        error_set(error, ERROR_USAGE, "TMPDIR is longer than a path may be");
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);

    if (fd < 0) {
        error_set_errno(error, errno, "no temporary file can be made in %s (TMPDIR names the folder)", folder);
        return -1;
    }
    unlink(path);
    return fd;
}

static bool keep_batches(struct library_rows *rows, struct batch **batches, size_t count, struct error *error)
{
    struct batch **all = memory_resize(rows->batches, rows->batch_count + count + 1, sizeof *all, error);

    if (all == NULL) {
        for (size_t i = 0; i < count; i++) {
            batch_free(batches[i]);
        }
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        all[rows->batch_count + i] = batches[i];
    }
    rows->batches = all;
    rows->batch_count += count;
    return true;
}

static bool judge(struct call *call, struct error *error)
{
    const struct validate_options options = {.terms = call->rows.terms, .batches = true};
    struct validation *validation = validation_new(call->team, &call->file, 1, &options, error);
    bool good = validation != NULL;

    for (bool done = false; good && !done;) {
        struct batch **batches = NULL;
        size_t count = 0;

        good = validation_next(validation, &batches, &count, &done, error) &&
               keep_batches(&call->rows, batches, count, error);
        memory_free(batches);
    }
    validation_free(validation);
    if (good && call->file.report.verdict != FILE_TAKEN) {
        return error_set(error, ERROR_INVALID, "%s: %s", call->source.path, call->file.report.problem);
    }
    return good && csv_source_finish(&call->source, error);
}

static bool prepare(struct call *call, const char *csv_path, unsigned threads, struct error *error)
{
    struct library_rows *rows = &call->rows;

    rows->arena = arena_new(0, error);
    rows->schema = rows->arena != NULL ? schema_load(rows->arena, call->schema_path, error) : NULL;
    rows->terms = rows->schema != NULL ? terms_new(error) : NULL;
    call->team = rows->terms != NULL ? team_new(threads, error) : NULL;
    if (call->team == NULL) {
        return false;
    }
    const struct csv_source_options options = {.encoding = (enum csv_encoding)rows->schema->encoding};

    call->file.schema = rows->schema;
    call->file.source = &call->source;
    return csv_source_open(&call->source, csv_path, &options, error);
}

static bool prepare_rejects(struct call *call, struct error *error)
{
    if (call->rows.schema->quote == '\0') {
        return error_set(error, ERROR_USAGE,
                         "%s: rejected rows are given only of files whose dialect has a quote character",
                         call->schema_path);
    }
    call->file.rejects_fd = open_nameless(error);
    call->file.rejects_path = "the rejected rows";
    call->file.rejects_raw = true;
    return call->file.rejects_fd >= 0;
}

static void call_free(struct call *call)
{
    if (call->file.rejects_fd >= 0) {
        close(call->file.rejects_fd);
    }
    csv_source_close(&call->source);
    library_rows_free(&call->rows);
    team_free(call->team);
}

static bool give(struct call *call, struct ArrowArrayStream *valid, struct ArrowArrayStream *rejected,
                 struct error *error)
{
    const struct csv_dialect dialect = {call->rows.schema->delimiter, call->rows.schema->quote};

    if (rejected != NULL) {
        int fd = call->file.rejects_fd;

        call->file.rejects_fd = -1;
        if (!library_stream_rejects(rejected, fd, call->file.report.rejects_size, &dialect, error)) {
            return false;
        }
    }
    if (library_stream_rows(valid, &call->rows, error)) {
        return true;
    }
    if (rejected != NULL) {
        rejected->release(rejected);
    }
    return false;
}

__attribute__((visibility("default"))) int
aisle_validate_csv(const char *schema_path, const char *csv_path, unsigned threads, struct ArrowArrayStream *valid,
                   struct ArrowArrayStream *rejected, struct aisle_counts *counts, char *message, size_t message_size)
{
    struct error error = {0};
    struct call call = {.schema_path = schema_path, .source = {.fd = -1}, .file = {.rejects_fd = -1, .valid_fd = -1}};
    bool good = prepare(&call, csv_path, threads, &error) && (rejected == NULL || prepare_rejects(&call, &error)) &&
                judge(&call, &error);
    const struct file_report *report = &call.file.report;
    const struct aisle_counts found = {report->read, report->read - report->rejected, report->rejected};

    good = good && give(&call, valid, rejected, &error);
    call_free(&call);
    if (!good) {
        snprintf(message, message_size, "%s", error.message);
        return (int)error.code;
    }
    if (counts != NULL) {
        *counts = found;
    }
    return 0;
}
