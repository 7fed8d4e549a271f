/* Making a backup. While it goes on the folder is marked as being read, so that its owner leaves files where they are
 * though they are not needed any more (store/lock.c); the database is copied in one transaction; and what it names is
 * copied after that. */
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "store/backup_copy.h"
#include "store/folder_private.h"
#include "store/manifest.h"
#include "store/statement_cache.h"

#define MANIFEST_OLD MANIFEST_FILE ".old"

struct making {
    const struct backup_options *options;
    struct backup_counts *counts;
    struct folder *folder;
    int lock_fd; /* of the backup; -1: not taken */
    char id[27];
    char database[40]; /* its name in the backup */
    sqlite3 *copy;     /* the database in the backup */
    uint64_t total_bytes;
    struct manifest_writer *manifest;
    struct manifest_reader *former; /* of the backup before; NULL: there is none, or no more of it */
    struct manifest_entry former_entry;
    bool former_pending;    /* former_entry was not passed yet */
    struct buffer from, to; /* paths */
};

static bool fail_copy(const struct making *making, struct error *error)
{
    return statement_fail(making->copy, making->options->backup, error);
}

/* --- the backup's folder --- */

static bool lock_backup(struct making *making, struct error *error)
{
    const char *backup = making->options->backup;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};

    if (!file_make_folders(backup, error) || copy_path(backup, "lock", &making->to, error) == NULL) {
        return false;
    }
    making->lock_fd = open(making->to.data, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (making->lock_fd < 0) {
        return error_set_errno(error, errno, "%s cannot be opened", making->to.data);
    }
    return fcntl(making->lock_fd, F_OFD_SETLK, &lock) == 0 ||
           error_set(error, ERROR_CONFLICT, "another process makes a backup into %s; wait until it ends", backup);
}

static bool refuse_foreign(void *context, const char *name, struct error *error)
{
    static const char *const ours[] = {"lock", "key", "blobs", MANIFEST_FILE ".new"};

    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strcmp(name, ours[i]) == 0) {
            return true;
        }
    }
    for (size_t r = 0; r < folder_room_count; r++) {
        if (strcmp(name, folder_rooms[r]) == 0) {
            return true;
        }
    }
    return strncmp(name, "aisle-", 6) == 0 ||
           error_set(error, ERROR_CONFLICT, "%s holds files that are not of a backup (such as %s); name another folder",
                     (const char *)context, name);
}

/* Databases of backups that were never finished, or are not needed any more. */
static bool remove_database(void *context, const char *name, struct error *error)
{
    struct making *making = context;
    const char *named = making->former != NULL ? manifest_database(making->former) : "";

    if (strncmp(name, "aisle-", 6) != 0 || strcmp(name, named) == 0) {
        return true;
    }
    return copy_path(making->options->backup, name, &making->to, error) != NULL && file_remove(making->to.data, error);
}

/* Goes to the next entry of the backup before. One that is damaged ends there: the rest is copied anew. */
static void step_former(struct making *making)
{
    struct error error = {0};

    making->former_pending = manifest_next(making->former, &making->former_entry, &error) > 0;
    if (error.code != ERROR_NONE) {
        log_event(LOG_WARN, "former_manifest_damaged", "reason", "s", error.message, NULL);
    }
}

static bool open_former(struct making *making, struct error *error)
{
    if (copy_path(making->options->backup, MANIFEST_FILE, &making->to, error) == NULL) {
        return false;
    }
    making->former = manifest_open(making->to.data, error);
    if (making->former == NULL && error->code != ERROR_NOT_FOUND) {
        return error_prefix(error, "the backup that is there cannot be added to");
    }
    if (making->former == NULL &&
        !file_list(making->options->backup, refuse_foreign, (void *)(uintptr_t)making->options->backup, error)) {
        return false;
    }
    if (making->former != NULL) {
        step_former(making);
    }
    return file_list(making->options->backup, remove_database, making, error);
}

/* Whether the backup before has the file; its entry is former_entry then. */
static bool in_former(struct making *making, const char *path)
{
    while (making->former_pending && manifest_compare(making->former_entry.path, path) < 0) {
        step_former(making);
    }
    return making->former_pending && making->former_entry.missing == NULL &&
           strcmp(making->former_entry.path, path) == 0;
}

/* --- the database --- */

/* Copies all pages within one read transaction of the source. */
static bool copy_pages(struct making *making, struct error *error)
{
    sqlite3_backup *backup = sqlite3_backup_init(making->copy, "main", making->folder->catalog.db, "main");

    if (backup == NULL) {
        return fail_copy(making, error);
    }
    int code = sqlite3_backup_step(backup, -1);

    sqlite3_backup_finish(backup);
    if (code == SQLITE_DONE) {
        return true;
    }
    return code == SQLITE_BUSY || code == SQLITE_LOCKED
               ? error_set(error, ERROR_CONFLICT, "the database of %s is busy; try again", making->options->data)
               : fail_copy(making, error);
}

static bool copy_database(struct making *making, struct error *error)
{
    struct manifest_entry entry = {.path = making->database};

    snprintf(making->database, sizeof making->database, "aisle-%s.db", making->id);
    if (copy_path(making->options->backup, making->database, &making->to, error) == NULL) {
        return false;
    }
    if (sqlite3_open_v2(making->to.data, &making->copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
        SQLITE_OK) {
        return making->copy == NULL ? error_set(error, ERROR_MEMORY, "%s: out of memory", making->to.data)
                                    : fail_copy(making, error);
    }
    /* A copy that is not finished is thrown away, so it needs no journal; what is finished is synced with the rest.
     * From the write-ahead log, that a copy of a running server's database names, nothing is needed. */
    if (sqlite3_exec(making->copy, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;", NULL, NULL, NULL) !=
            SQLITE_OK ||
        !copy_pages(making, error) ||
        (sqlite3_exec(making->copy, "PRAGMA journal_mode = DELETE;", NULL, NULL, NULL) != SQLITE_OK &&
         !fail_copy(making, error)) ||
        !copy_hash(making->to.data, &entry.size_bytes, entry.sha256, error)) {
        return false;
    }
    making->counts->copied_files++;
    making->counts->copied_bytes += entry.size_bytes;
    making->counts->files++;
    making->counts->size_bytes += entry.size_bytes;
    return manifest_add(making->manifest, &entry, error);
}

/* --- files --- */

static void tell_progress(const struct making *making)
{
    if (making->options->progress != NULL) {
        making->options->progress(making->options->context, making->counts->size_bytes, making->total_bytes);
    }
}

/* A file that is missing or too short does not keep the others from being copied. */
static bool add_missing(struct making *making, const char *path, const struct error *what, struct error *error)
{
    struct manifest_entry entry = {.path = path, .missing = what->message};

    making->counts->problems++;
    if (making->options->problem != NULL) {
        making->options->problem(making->options->context, path, what->message);
    }
    return manifest_add(making->manifest, &entry, error);
}

static bool is_there(const char *path, uint64_t size_bytes)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size == size_bytes;
}

/* Whether the copy that the backup before has will do. A blob never changes under its name; of other files the bytes
 * are compared. */
static bool has_copy(struct making *making, const char *path, struct manifest_entry *entry)
{
    uint64_t size_bytes = 0;
    char sha256[65];

    if (!in_former(making, path) || !is_there(making->to.data, making->former_entry.size_bytes)) {
        return false;
    }
    if (strncmp(path, "blobs/", 6) == 0) {
        if (!is_there(making->from.data, making->former_entry.size_bytes)) {
            return false;
        }
    } else if (!copy_hash(making->from.data, &size_bytes, sha256, NULL) ||
               strcmp(sha256, making->former_entry.sha256) != 0) {
        return false;
    }
    *entry = making->former_entry;
    entry->path = path;
    return true;
}

/* `size_bytes` UINT64_MAX: whatever it is. */
static bool add_file(struct making *making, const char *path, uint64_t size_bytes, struct error *error)
{
    struct manifest_entry entry = {.path = path};
    struct error what = {0};
    mode_t mode = strcmp(path, "key") == 0 ? 0600 : strncmp(path, "blobs/", 6) == 0 ? 0444 : 0666;

    if (copy_path(making->options->data, path, &making->from, error) == NULL ||
        copy_path(making->options->backup, path, &making->to, error) == NULL) {
        return false;
    }
    if (!has_copy(making, path, &entry)) {
        if (!copy_file(making->from.data, making->to.data, mode, &entry.size_bytes, entry.sha256, &what)) {
            /* What lies with the copy ends the backup; what lies with the source is told. */
            bool source = what.code == ERROR_NOT_FOUND || strstr(what.message, making->from.data) != NULL;

            return source ? add_missing(making, path, &what, error) : error_set(error, what.code, "%s", what.message);
        }
        making->counts->copied_files++;
        making->counts->copied_bytes += entry.size_bytes;
    }
    if (size_bytes != UINT64_MAX && entry.size_bytes != size_bytes) {
        error_set(&what, ERROR_CORRUPT, "%s has %llu bytes where the database says %llu", making->from.data,
                  (unsigned long long)entry.size_bytes, (unsigned long long)size_bytes);
        return add_missing(making, path, &what, error);
    }
    making->counts->files++;
    making->counts->size_bytes += entry.size_bytes;
    tell_progress(making);
    return manifest_add(making->manifest, &entry, error);
}

/* Every file that a query names, with its size. */
static bool add_named(struct making *making, const char *sql, struct error *error)
{
    sqlite3_stmt *query = NULL;
    bool good = sqlite3_prepare_v2(making->copy, sql, -1, &query, NULL) == SQLITE_OK || fail_copy(making, error);
    int code = SQLITE_ROW;

    while (good && (code = sqlite3_step(query)) == SQLITE_ROW) {
        const char *path = (const char *)sqlite3_column_text(query, 0);

        good = path != NULL ? add_file(making, path, (uint64_t)sqlite3_column_int64(query, 1), error)
                            : error_set(error, ERROR_MEMORY, "no memory to read the database's copy");
    }
    if (good && code != SQLITE_DONE) {
        good = fail_copy(making, error);
    }
    sqlite3_finalize(query);
    return good;
}

static bool has_objects(struct making *making, bool *has, struct error *error)
{
    sqlite3_stmt *query = NULL;
    bool good = sqlite3_prepare_v2(making->copy, "SELECT 1 FROM sqlite_master WHERE name = 'body'", -1, &query, NULL) ==
                    SQLITE_OK ||
                fail_copy(making, error);

    *has = good && sqlite3_step(query) == SQLITE_ROW;
    sqlite3_finalize(query);
    return good;
}

static bool count_total(struct making *making, bool objects, struct error *error)
{
    const char *sql = objects ? "SELECT (SELECT total(size_bytes) FROM files) + (SELECT total(stored_bytes) FROM body "
                                "WHERE blob IS NOT NULL)"
                              : "SELECT total(size_bytes) FROM files";
    sqlite3_stmt *query = NULL;
    bool good = sqlite3_prepare_v2(making->copy, sql, -1, &query, NULL) == SQLITE_OK || fail_copy(making, error);

    if (good && sqlite3_step(query) == SQLITE_ROW) {
        making->total_bytes = making->counts->size_bytes + (uint64_t)sqlite3_column_int64(query, 0);
    }
    sqlite3_finalize(query);
    return good;
}

static bool has_key(struct making *making, bool *has, struct error *error)
{
    struct stat status;

    if (copy_path(making->options->data, "key", &making->from, error) == NULL) {
        return false;
    }
    *has = !making->options->without_key && stat(making->from.data, &status) == 0;
    return true;
}

static bool copy_all(struct making *making, struct error *error)
{
    bool objects = false;
    bool key = false;

    /* The folders of a blob are told by characters 6 and 7 of its name (store/local/blob.c). */
    return copy_database(making, error) && has_objects(making, &objects, error) &&
           count_total(making, objects, error) && has_key(making, &key, error) &&
           (!key || add_file(making, "key", UINT64_MAX, error)) &&
           add_named(making, "SELECT path, size_bytes FROM files ORDER BY path", error) &&
           (!objects || add_named(making,
                                  "SELECT 'blobs/' || substr(blob, 6, 2) || '/' || blob, stored_bytes FROM body "
                                  "WHERE blob IS NOT NULL ORDER BY blob",
                                  error));
}

/* --- the end --- */

/* Removes the files that the backup before held, and this one does not. */
static bool remove_former(struct making *making, struct error *error)
{
    const char *backup = making->options->backup;
    struct manifest_entry old = {0};
    struct manifest_entry new = {0};
    struct error ignored = {0};

    if (copy_path(backup, MANIFEST_OLD, &making->from, error) == NULL ||
        copy_path(backup, MANIFEST_FILE, &making->to, error) == NULL) {
        return false;
    }
    struct manifest_reader *old_reader = manifest_open(making->from.data, &ignored);
    struct manifest_reader *new_reader = manifest_open(making->to.data, error);
    int old_there = old_reader != NULL ? manifest_next(old_reader, &old, &ignored) : 0;
    int new_there = new_reader != NULL ? manifest_next(new_reader, &new, error) : -1;
    bool good = new_there >= 0;

    while (good && old_there > 0) {
        int order = new_there > 0 ? manifest_compare(old.path, new.path) : -1;

        if (order > 0) {
            new_there = manifest_next(new_reader, &new, error);
            good = new_there >= 0;
            continue;
        }
        if (order < 0 && old.missing == NULL) {
            good = copy_path(backup, old.path, &making->from, error) != NULL && file_remove(making->from.data, error);
            making->counts->removed_files += good;
        }
        old_there = manifest_next(old_reader, &old, &ignored);
    }
    manifest_reader_free(old_reader);
    manifest_reader_free(new_reader);
    return good && copy_path(backup, MANIFEST_OLD, &making->from, error) != NULL &&
           file_remove(making->from.data, error);
}

/* The manifest of the backup before stays beside until what it alone names is removed. */
static bool keep_former(struct making *making, struct error *error)
{
    const char *backup = making->options->backup;

    if (copy_path(backup, MANIFEST_FILE, &making->from, error) == NULL ||
        copy_path(backup, MANIFEST_OLD, &making->to, error) == NULL || !file_remove(making->to.data, error)) {
        return false;
    }
    return link(making->from.data, making->to.data) == 0 || errno == ENOENT ||
           error_set_errno(error, errno, "%s cannot be linked", making->from.data);
}

/* What a backup left that was stopped between its manifest and the removal. */
static bool finish_former(struct making *making, struct error *error)
{
    struct stat status;

    if (copy_path(making->options->backup, MANIFEST_OLD, &making->from, error) == NULL) {
        return false;
    }
    return stat(making->from.data, &status) != 0 || remove_former(making, error);
}

static bool verify(struct making *making, struct error *error)
{
    struct manifest_entry entry;
    int there = 0;

    if (copy_path(making->options->backup, MANIFEST_FILE, &making->from, error) == NULL) {
        return false;
    }
    struct manifest_reader *reader = manifest_open(making->from.data, error);

    while (reader != NULL && (there = manifest_next(reader, &entry, error)) > 0) {
        char sha256[65] = "";
        uint64_t size_bytes = 0;
        struct error what = {0};

        if (entry.missing != NULL) {
            continue;
        }
        if (copy_path(making->options->backup, entry.path, &making->to, error) == NULL) {
            there = -1;
            break;
        }
        if (copy_hash(making->to.data, &size_bytes, sha256, &what) && strcmp(sha256, entry.sha256) != 0) {
            error_set(&what, ERROR_CORRUPT, "%s is not what was copied there: it is damaged", making->to.data);
        }
        if (what.code != ERROR_NONE) {
            making->counts->problems++;
            if (making->options->problem != NULL) {
                making->options->problem(making->options->context, entry.path, what.message);
            }
        }
    }
    manifest_reader_free(reader);
    return reader != NULL && there == 0;
}

static bool commit(struct making *making, struct error *error)
{
    if (!copy_sync(making->options->backup, error)) {
        return false;
    }
    if (failpoint_hit("backup.copied")) {
        return error_set(error, ERROR_IO, "the backup was stopped by a failpoint");
    }
    if (!keep_former(making, error) || !manifest_finish(making->manifest, error)) {
        return false;
    }
    return !failpoint_hit("backup.named") || error_set(error, ERROR_IO, "the backup was stopped by a failpoint");
}

static bool make(struct making *making, struct error *error)
{
    if (!random_ulid(making->id, error) || !lock_backup(making, error) || !finish_former(making, error) ||
        !open_former(making, error)) {
        return false;
    }
    char database[40];

    snprintf(database, sizeof database, "aisle-%s.db", making->id);
    if (copy_path(making->options->backup, MANIFEST_FILE, &making->to, error) == NULL) {
        return false;
    }
    making->manifest = manifest_create(making->to.data, making->id, database, error);
    return making->manifest != NULL && copy_all(making, error) && commit(making, error) &&
           remove_former(making, error) && (!making->options->verify || verify(making, error));
}

bool backup_make(const struct backup_options *options, struct backup_counts *counts, struct error *error)
{
    struct making making = {.options = options, .counts = counts, .lock_fd = -1};

    memset(counts, 0, sizeof *counts);
    making.folder = folder_open(options->data, FOLDER_READ, error);
    if (making.folder == NULL) {
        return false;
    }
    bool good = lock_reader_enter(making.folder, error) && make(&making, error);

    if (making.folder->lock_fd >= 0) {
        lock_reader_leave(making.folder);
    }
    sqlite3_close(making.copy);
    manifest_reader_free(making.former);
    manifest_writer_free(making.manifest);
    folder_close(making.folder);
    if (making.lock_fd >= 0) {
        close(making.lock_fd);
    }
    buffer_free(&making.from);
    buffer_free(&making.to);
    return good;
}
