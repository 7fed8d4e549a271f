/* Taking a backup back: beside the place of the data folder, which it gets at the end. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/backup.h"
#include "store/backup_copy.h"
#include "store/catalog.h"
#include "store/manifest.h"

struct restoring {
    const struct backup_options *options;
    struct backup_counts *counts;
    char *data;    /* without a slash at its end */
    char *working; /* the folder that becomes the data folder */
    uint64_t total_bytes;
    struct buffer from, to; /* paths */
};

static bool refuse_entry(void *context, const char *name, struct error *error)
{
    return error_set(error, ERROR_CONFLICT, "%s holds files already (such as %s); restore into a new folder",
                     (const char *)context, name);
}

static bool check_place(const struct restoring *restoring, struct error *error)
{
    struct stat status;

    if (stat(restoring->data, &status) != 0) {
        return errno == ENOENT || error_set_errno(error, errno, "%s cannot be examined", restoring->data);
    }
    return file_list(restoring->data, refuse_entry, restoring->data, error);
}

/* Reads the manifest to its end, so that nothing is copied of one that is damaged. */
static bool check_manifest(struct restoring *restoring, const char *path, struct error *error)
{
    struct manifest_reader *reader = manifest_open(path, error);
    struct manifest_entry entry;
    int there = reader != NULL ? 1 : -1;

    while (there > 0 && (there = manifest_next(reader, &entry, error)) > 0) {
        restoring->total_bytes += entry.size_bytes;
    }
    manifest_reader_free(reader);
    if (reader == NULL && error->code == ERROR_NOT_FOUND) {
        return error_set(error, ERROR_NOT_FOUND, "%s is not a backup: it has no " MANIFEST_FILE,
                         restoring->options->backup);
    }
    return there == 0;
}

static void tell_problem(const struct restoring *restoring, const char *path, const char *what)
{
    restoring->counts->problems++;
    if (restoring->options->problem != NULL) {
        restoring->options->problem(restoring->options->context, path, what);
    }
}

/* Copies a file and compares it with what the manifest says. */
static bool take_file(struct restoring *restoring, const struct manifest_entry *entry, bool database,
                      struct error *error)
{
    uint64_t size_bytes = 0;
    char sha256[65] = "";
    struct error what = {0};

    if (entry->missing != NULL) {
        tell_problem(restoring, entry->path, entry->missing);
        return true;
    }
    if (copy_path(restoring->options->backup, entry->path, &restoring->from, error) == NULL ||
        copy_path(restoring->working, database ? CATALOG_FILE : entry->path, &restoring->to, error) == NULL) {
        return false;
    }
    mode_t mode = strcmp(entry->path, "key") == 0 ? 0600 : strncmp(entry->path, "blobs/", 6) == 0 ? 0444 : 0666;

    if (!copy_file(restoring->from.data, restoring->to.data, mode, &size_bytes, sha256, &what)) {
        bool source = what.code == ERROR_NOT_FOUND || strstr(what.message, restoring->from.data) != NULL;

        if (!source || database) {
            return error_set(error, what.code, "%s", what.message);
        }
        tell_problem(restoring, entry->path, what.message);
        return true;
    }
    if (size_bytes != entry->size_bytes || strcmp(sha256, entry->sha256) != 0) {
        error_set(&what, ERROR_CORRUPT, "%s is not what was copied there: it is damaged", restoring->from.data);
        if (database) {
            return error_set(error, what.code, "%s", what.message);
        }
        tell_problem(restoring, entry->path, what.message);
        return file_remove(restoring->to.data, error);
    }
    restoring->counts->files++;
    restoring->counts->copied_files++;
    restoring->counts->size_bytes += size_bytes;
    restoring->counts->copied_bytes += size_bytes;
    if (restoring->options->progress != NULL) {
        restoring->options->progress(restoring->options->context, restoring->counts->size_bytes,
                                     restoring->total_bytes);
    }
    return true;
}

static bool take_all(struct restoring *restoring, const char *path, struct error *error)
{
    struct manifest_reader *reader = manifest_open(path, error);
    struct manifest_entry entry;
    int there = reader != NULL ? 1 : -1;

    while (there > 0 && (there = manifest_next(reader, &entry, error)) > 0) {
        bool database = strcmp(entry.path, manifest_database(reader)) == 0;

        if (!take_file(restoring, &entry, database, error)) {
            there = -1;
        }
    }
    manifest_reader_free(reader);
    if (there == 0 && restoring->counts->problems > 0 && !restoring->options->partial) {
        return error_set(error, ERROR_CORRUPT,
                         "%llu files of the backup are missing or damaged, so nothing was restored; --partial restores "
                         "the others",
                         (unsigned long long)restoring->counts->problems);
    }
    return there == 0;
}

/* A copy of a database is in no journal mode; a data folder's is in WAL mode. Readers look for the lock. */
static bool prepare_database(struct restoring *restoring, struct error *error)
{
    sqlite3 *db = NULL;

    if (copy_path(restoring->working, CATALOG_FILE, &restoring->to, error) == NULL) {
        return false;
    }
    bool good = sqlite3_open_v2(restoring->to.data, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
                sqlite3_exec(db, "PRAGMA journal_mode = WAL;", NULL, NULL, NULL) == SQLITE_OK;

    if (!good) {
        error_set(error, ERROR_CORRUPT, "%s: the restored database cannot be used: %s", restoring->to.data,
                  db != NULL ? sqlite3_errmsg(db) : "out of memory");
    }
    sqlite3_close(db);
    return good && copy_path(restoring->working, "lock", &restoring->to, error) != NULL &&
           file_store(restoring->to.data, "", 0, error);
}

static bool put_in_place(struct restoring *restoring, struct error *error)
{
    const char *slash = strrchr(restoring->data, '/');

    if (!prepare_database(restoring, error) || !copy_sync(restoring->working, error)) {
        return false;
    }
    if (failpoint_hit("restore.copied")) {
        return error_set(error, ERROR_IO, "the restore was stopped by a failpoint");
    }
    if (rename(restoring->working, restoring->data) != 0) {
        return error_set_errno(error, errno, "%s cannot be put in its place", restoring->working);
    }
    char *parent __attribute__((cleanup(memory_release))) =
        slash != NULL
            ? memory_copy_text(restoring->data, slash > restoring->data ? (size_t)(slash - restoring->data) : 1, error)
            : memory_copy_text(".", 1, error);

    return parent != NULL && file_sync_folder(parent, error);
}

static bool restore(struct restoring *restoring, struct error *error)
{
    struct buffer manifest __attribute__((cleanup(buffer_free))) = {0};

    if (copy_path(restoring->options->backup, MANIFEST_FILE, &manifest, error) == NULL ||
        !check_place(restoring, error) || !check_manifest(restoring, manifest.data, error)) {
        return false;
    }
    /* What a restore left that was stopped. */
    if (!file_remove_tree(restoring->working, error) || !file_make_folders(restoring->working, error)) {
        return false;
    }
    if (take_all(restoring, manifest.data, error) && put_in_place(restoring, error)) {
        return true;
    }
    file_remove_tree(restoring->working, NULL);
    return false;
}

bool backup_restore(const struct backup_options *options, struct backup_counts *counts, struct error *error)
{
    struct restoring restoring = {.options = options, .counts = counts};
    struct buffer working __attribute__((cleanup(buffer_free))) = {0};
    size_t length = strlen(options->data);

    memset(counts, 0, sizeof *counts);
    while (length > 1 && options->data[length - 1] == '/') {
        length--;
    }
    restoring.data = memory_copy_text(options->data, length, error);
    if (restoring.data == NULL) {
        return false;
    }
    buffer_append_format(&working, "%s.restoring", restoring.data);
    restoring.working = working.data;
    bool good = (buffer_text(&working) != NULL || buffer_check(&working, error));

    restoring.working = working.data;
    good = good && restore(&restoring, error);
    memory_free(restoring.data);
    buffer_free(&restoring.from);
    buffer_free(&restoring.to);
    return good;
}
