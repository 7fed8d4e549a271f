/* Making a change lasting: the files first, then the one transaction that names them. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/thread.h"
#include "store/change.h"

/* Syncs wait for the disk, not for a processor, and the file system joins those that come together. */
#define SYNC_THREADS 16

static bool sync_one(void *context, size_t index, unsigned worker, struct error *error)
{
    const struct change *change = context;
    const struct staged *staged = &change->staged[index];
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    struct stat status;

    (void)worker;
    if (!staged->folder && !staged->named) {
        return true;
    }
    if (folder_join(change->folder, staged->path, &path, error) == NULL) {
        return false;
    }
    int fd = open(path.data, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return error_set_errno(error, errno, "%s cannot be opened", path.data);
    }
    bool good = fstat(fd, &status) == 0 || error_set_errno(error, errno, "%s cannot be examined", path.data);

    if (good && !staged->folder && (uint64_t)status.st_size != staged->size_bytes) {
        good = error_set(error, ERROR_INTERNAL, "%s has %lld bytes, and was named with %llu", path.data,
                         (long long)status.st_size, (unsigned long long)staged->size_bytes);
    }
    good = good && file_sync(fd, path.data, error);
    close(fd);
    return good;
}

bool change_sync(struct change *change, struct error *error)
{
    unsigned threads = change->staged_count < SYNC_THREADS ? (unsigned)change->staged_count : SYNC_THREADS;

    if (threads == 0) {
        return true;
    }
    struct team *team = team_new(threads, error);

    if (team == NULL) {
        return false;
    }
    bool good = team_run(team, change->staged_count, sync_one, change, error);

    team_free(team);
    return good;
}

static bool apply_name(struct catalog *catalog, const struct folder_file *file, struct error *error)
{
    sqlite3_stmt *revive = catalog_statement(catalog, CATALOG_REVIVE, error);
    sqlite3_stmt *add = catalog_statement(catalog, CATALOG_ADD_FILE, error);

    if (revive == NULL || add == NULL) {
        return false;
    }
    catalog_bind_text(revive, 1, file->path);
    catalog_bind_text(add, 1, file->role);
    catalog_bind_text(add, 2, file->dataset);
    catalog_bind_text(add, 3, file->partition);
    catalog_bind_text(add, 4, file->path);
    sqlite3_bind_int64(add, 5, (sqlite3_int64)file->rows);
    sqlite3_bind_int64(add, 6, (sqlite3_int64)file->size_bytes);
    catalog_bind_text(add, 7, file->run);
    return catalog_run(catalog, revive, error) && catalog_run(catalog, add, error);
}

static bool apply_forget(struct catalog *catalog, const char *path, struct error *error)
{
    sqlite3_stmt *remove = catalog_statement(catalog, CATALOG_REMOVE_FILE, error);
    sqlite3_stmt *add = catalog_statement(catalog, CATALOG_ADD_FORGOTTEN, error);

    if (remove == NULL || add == NULL) {
        return false;
    }
    catalog_bind_text(remove, 1, path);
    catalog_bind_text(add, 1, path);
    if (!catalog_run(catalog, remove, error)) {
        return false;
    }
    if (sqlite3_changes(catalog->db) != 1) {
        return error_set(error, ERROR_INTERNAL, "%s/%s cannot end: it is not a current file", catalog->path, path);
    }
    return catalog_run(catalog, add, error);
}

static bool apply_document(struct catalog *catalog, const char *key, const char *text, struct error *error)
{
    sqlite3_stmt *query =
        catalog_statement(catalog, text != NULL ? CATALOG_PUT_DOCUMENT : CATALOG_REMOVE_DOCUMENT, error);

    if (query == NULL) {
        return false;
    }
    catalog_bind_text(query, 1, key);
    if (text != NULL) {
        catalog_bind_text(query, 2, text);
    }
    return catalog_run(catalog, query, error);
}

static bool apply_take(struct catalog *catalog, const char *pipeline, const struct folder_source *source,
                       struct error *error)
{
    sqlite3_stmt *query = catalog_statement(catalog, CATALOG_ADD_SOURCE, error);

    if (query == NULL) {
        return false;
    }
    sqlite3_bind_int64(query, 1, source->number);
    catalog_bind_text(query, 2, source->run);
    catalog_bind_text(query, 3, pipeline);
    catalog_bind_text(query, 4, source->dataset);
    catalog_bind_text(query, 5, source->name);
    catalog_bind_text(query, 6, source->sha256);
    sqlite3_bind_int64(query, 7, (sqlite3_int64)source->size_bytes);
    sqlite3_bind_int64(query, 8, (sqlite3_int64)source->rows);
    return catalog_run(catalog, query, error);
}

static bool apply_run(struct catalog *catalog, const struct folder_run *run, struct error *error)
{
    sqlite3_stmt *query = catalog_statement(catalog, CATALOG_PUT_RUN, error);

    if (query == NULL) {
        return false;
    }
    catalog_bind_text(query, 1, run->id);
    catalog_bind_text(query, 2, run->pipeline);
    catalog_bind_text(query, 3, run->status);
    catalog_bind_text(query, 4, run->json);
    sqlite3_bind_int64(query, 5, run->started_us);
    sqlite3_bind_int64(query, 6, run->ended_us);
    return catalog_run(catalog, query, error);
}

static bool apply_output(struct catalog *catalog, const char *url, struct error *error)
{
    sqlite3_stmt *query = catalog_statement(catalog, CATALOG_LIST_OUTPUTS, error);

    if (query == NULL) {
        return false;
    }
    catalog_bind_text(query, 1, url);
    return catalog_run(catalog, query, error);
}

static bool apply(struct catalog *catalog, const struct operation *operation, struct error *error)
{
    switch (operation->kind) {
    case OPERATION_NAME:
        return apply_name(catalog, &operation->file, error);
    case OPERATION_FORGET:
        return apply_forget(catalog, operation->path, error);
    case OPERATION_DOCUMENT:
        return apply_document(catalog, operation->document.key, operation->document.text, error);
    case OPERATION_TAKE:
        return apply_take(catalog, operation->take.pipeline, &operation->take.source, error);
    case OPERATION_RUN:
        return apply_run(catalog, &operation->run, error);
    case OPERATION_OUTPUT:
        return apply_output(catalog, operation->url, error);
    }
    return false;
}

bool change_apply(struct change *change, struct error *error)
{
    struct folder *folder = change->folder;
    struct catalog *catalog = &folder->catalog;
    bool ends = false;

    if (!catalog_do(catalog, CATALOG_BEGIN_WRITE, error)) {
        return false;
    }
    bool good = !folder->forgotten_removed || catalog_do(catalog, CATALOG_CLEAR_FORGOTTEN, error);

    for (const struct operation *operation = change->first; good && operation != NULL; operation = operation->next) {
        ends |= operation->kind == OPERATION_FORGET;
        good = apply(catalog, operation, error);
    }
    if (good && failpoint_hit("change.applied")) {
        good = error_set(error, ERROR_IO, "%s: the transaction was stopped: failpoint", folder->path);
    }
    good = good && catalog_do(catalog, CATALOG_COMMIT, error);
    if (!good) {
        if (!sqlite3_get_autocommit(catalog->db)) {
            catalog_do(catalog, CATALOG_ROLLBACK, NULL);
        }
        return false;
    }
    folder->forgotten_removed = folder->forgotten_removed && !ends;
    return true;
}

bool folder_outputs_done(struct folder *folder, const char *url, const struct folder_output *outputs, size_t count,
                         struct error *error)
{
    struct catalog *catalog = &folder->catalog;
    bool good = catalog_do(catalog, CATALOG_BEGIN_WRITE, error);

    for (size_t i = 0; good && i < count; i++) {
        sqlite3_stmt *query =
            catalog_statement(catalog, outputs[i].ended ? CATALOG_OUTPUT_GONE : CATALOG_OUTPUT_DONE, error);

        good = query != NULL;
        if (good) {
            catalog_bind_text(query, 1, url);
            catalog_bind_text(query, 2, outputs[i].path);
            good = catalog_run(catalog, query, error);
        }
    }
    good = good && catalog_do(catalog, CATALOG_COMMIT, error);
    if (!good && !sqlite3_get_autocommit(catalog->db)) {
        catalog_do(catalog, CATALOG_ROLLBACK, NULL);
    }
    return good;
}
