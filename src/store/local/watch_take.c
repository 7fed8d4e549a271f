/* Taking one file of a watched folder: the object and the note of it in one transaction, then what is done with the
 * file, then the end of the note where the file is gone. Stopped between any two of these, the next look finds where it
 * stood. */
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
#include "store/local/watch_private.h"

#define STEP_BYTES (1U << 20)

static const char find_sql[] = "SELECT size_bytes, modified_ns, sha256 FROM watched WHERE folder = ?1 AND name = ?2";
static const char note_sql[] = "INSERT OR REPLACE INTO watched(folder, name, size_bytes, modified_ns, sha256) "
                               "VALUES(?1, ?2, ?3, ?4, ?5)";
static const char forget_sql[] = "DELETE FROM watched WHERE folder = ?1 AND name = ?2";
static const char names_sql[] = "SELECT name FROM watched WHERE folder = ?1";

struct file {
    const struct watch_target *target;
    const char *name;
    struct buffer path;
    int fd;
    int64_t size_bytes, modified_ns;
    uint8_t sha256[DIGEST_MAX_BYTES];
    bool known_stat, known_content; /* what the note says of it is still so */
};

static int64_t modified_of(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

static bool changed(const struct file *file, struct error *error)
{
    return error_set(error, ERROR_CONFLICT, "%s changed while it was read", file->path.data);
}

static bool open_file(struct file *file, struct error *error)
{
    struct stat status;

    buffer_append_format(&file->path, "%s/%s", file->target->folder, file->name);
    if (buffer_text(&file->path) == NULL) {
        return buffer_check(&file->path, error);
    }
    file->fd = open(file->path.data, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file->fd < 0 || fstat(file->fd, &status) != 0) {
        return error_set_errno(error, errno, "%s cannot be opened", file->path.data);
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(error, ERROR_NOT_FOUND, "%s is not a regular file", file->path.data);
    }
    file->size_bytes = status.st_size;
    file->modified_ns = modified_of(&status);
    return true;
}

/* Whether the file is still the one that was opened. */
static bool is_same(const struct file *file)
{
    struct stat status;
    struct stat named;

    return fstat(file->fd, &status) == 0 && status.st_size == file->size_bytes &&
           modified_of(&status) == file->modified_ns && lstat(file->path.data, &named) == 0 &&
           named.st_ino == status.st_ino && named.st_dev == status.st_dev;
}

/* What the note of this file says, when there is one. */
static bool look_up(struct file *file, uint8_t noted[SHA256_BYTES], bool *there, struct error *error)
{
    struct statement_cache *reader = local_read_begin(file->target->store, error);
    sqlite3_stmt *find = reader != NULL ? statement_get(reader, find_sql, error) : NULL;
    int found = -1;

    if (find != NULL) {
        statement_bind_text(find, 1, file->target->folder);
        statement_bind_text(find, 2, file->name);
        found = statement_next(reader, find, error);
        *there = found > 0 && sqlite3_column_bytes(find, 2) == SHA256_BYTES;
        if (*there) {
            file->known_stat =
                sqlite3_column_int64(find, 0) == file->size_bytes && sqlite3_column_int64(find, 1) == file->modified_ns;
            memcpy(noted, sqlite3_column_blob(find, 2), SHA256_BYTES);
        }
        statement_done(find);
    }
    local_read_end(file->target->store, reader);
    return found >= 0;
}

static bool add_note(void *context, struct statement_cache *db, struct error *error)
{
    const struct file *file = context;
    sqlite3_stmt *note = statement_get(db, note_sql, error);

    if (note == NULL) {
        return false;
    }
    statement_bind_text(note, 1, file->target->folder);
    statement_bind_text(note, 2, file->name);
    sqlite3_bind_int64(note, 3, file->size_bytes);
    sqlite3_bind_int64(note, 4, file->modified_ns);
    sqlite3_bind_blob(note, 5, file->sha256, SHA256_BYTES, SQLITE_STATIC);
    return statement_run(db, note, error);
}

static bool remove_note(void *context, struct statement_cache *db, struct error *error)
{
    const struct file *file = context;
    sqlite3_stmt *forget = statement_get(db, forget_sql, error);

    if (forget == NULL) {
        return false;
    }
    statement_bind_text(forget, 1, file->target->folder);
    statement_bind_text(forget, 2, file->name);
    return statement_run(db, forget, error);
}

/* Reads the file to its end: into the put, or where that is NULL only through the checksum. */
static bool read_through(struct file *file, struct put *put, struct error *error)
{
    void *step __attribute__((cleanup(memory_release))) = memory_array(STEP_BYTES, 1, error);
    struct digest *digest = step != NULL ? digest_new(1U << DIGEST_SHA256, error) : NULL;
    bool good = digest != NULL;
    int64_t at = 0;

    while (good && at < file->size_bytes) {
        int64_t left = file->size_bytes - at;
        ssize_t got = file_read_at(file->fd, step, left < STEP_BYTES ? (size_t)left : STEP_BYTES, (uint64_t)at,
                                   file->path.data, error);

        good = got > 0 ? digest_add(digest, step, (size_t)got, error) &&
                             (put == NULL || object_put_write(put, step, (size_t)got, error))
                       : got == 0 && changed(file, error);
        at += got > 0 ? got : 0;
        if (good && atomic_load(file->target->stop)) {
            good = error_set(error, ERROR_CONFLICT, "%s is left for the next start", file->path.data);
        }
    }
    good = good && digest_value(digest, DIGEST_SHA256, file->sha256, error);
    digest_free(digest);
    return good && (is_same(file) || changed(file, error));
}

static bool make_object(struct file *file, struct error *error)
{
    const struct watch_target *target = file->target;
    struct buffer key __attribute__((cleanup(buffer_free))) = {0};
    struct put_expected expected = {.size_given = true, .size_bytes = (uint64_t)file->size_bytes};
    struct arena *arena = arena_new(0, error);
    struct object object;

    buffer_append_format(&key, "%s%s", target->prefix, file->name);
    if (arena == NULL || buffer_text(&key) == NULL) {
        arena_free(arena);
        return arena != NULL && buffer_check(&key, error);
    }
    struct object_put options = {
        .bucket = target->bucket, .key = key.data, .owner = target->owner, .event = "ObjectCreated:Put"};
    struct put *put = object_put_begin(target->store, &options, error);
    bool good = put != NULL && read_through(file, put, error);

    if (good) {
        put->also = add_note;
        put->also_context = file;
        good = object_put_finish(put, &expected, arena, &object, error);
    }
    object_put_abandon(put);
    if (good) {
        log_event(LOG_INFO, "file_taken", "path", "s", file->path.data, "bucket", "s", target->bucket, "key", "s",
                  key.data, "size_bytes", "i", file->size_bytes, NULL);
    }
    arena_free(arena);
    return good;
}

/* Reads a file whose note is of another time: when its content is the same only the note is made new. */
static bool compare(struct file *file, const uint8_t noted[SHA256_BYTES], struct error *error)
{
    if (!read_through(file, NULL, error)) {
        return false;
    }
    file->known_content = memcmp(file->sha256, noted, SHA256_BYTES) == 0;
    return !file->known_content || committer_do(file->target->store->committer, add_note, file, error);
}

/* --- what becomes of the file --- */

/* Moves it to .taken/ under its path there, or beside one of that name under a name of its own. */
static bool archive(const struct file *file, struct error *error)
{
    struct buffer to __attribute__((cleanup(buffer_free))) = {0};
    char id[27];

    buffer_append_format(&to, "%s/.taken/%s", file->target->folder, file->name);
    if (buffer_text(&to) == NULL) {
        return buffer_check(&to, error);
    }
    char *slash = strrchr(to.data, '/');

    *slash = '\0';
    if (!file_make_folders(to.data, error)) {
        return false;
    }
    *slash = '/';
    if (renameat2(AT_FDCWD, file->path.data, AT_FDCWD, to.data, RENAME_NOREPLACE) == 0) {
        return true;
    }
    if (errno == EEXIST) {
        if (!random_ulid(id, error)) {
            return false;
        }
        buffer_append_format(&to, ".%s", id);
        if (buffer_text(&to) == NULL) {
            return buffer_check(&to, error);
        }
        if (rename(file->path.data, to.data) == 0) {
            return true;
        }
    }
    return error_set_errno(error, errno, "%s cannot be moved to %s", file->path.data, to.data);
}

static bool remove_marker(const struct file *file, struct error *error)
{
    struct buffer marker __attribute__((cleanup(buffer_free))) = {0};

    buffer_append_format(&marker, "%s.done", file->path.data);
    return buffer_text(&marker) != NULL ? file_remove(marker.data, error) : buffer_check(&marker, error);
}

/* Only a file that still is what became the object is deleted or moved. */
static bool finish(struct file *file, struct error *error)
{
    const struct watch_target *target = file->target;

    if (failpoint_hit("watch.taken")) {
        return error_set(error, ERROR_IO, "stopped by a failpoint");
    }
    if (target->after == AFTER_KEEP) {
        return true;
    }
    if (!is_same(file)) {
        return changed(file, error);
    }
    if ((target->done_marker && !remove_marker(file, error)) ||
        !(target->after == AFTER_DELETE ? file_remove(file->path.data, error) : archive(file, error))) {
        return false;
    }
    if (failpoint_hit("watch.moved")) {
        return error_set(error, ERROR_IO, "stopped by a failpoint");
    }
    return committer_do(target->store->committer, remove_note, file, error);
}

bool watch_take(const struct watch_target *target, const char *name, struct error *error)
{
    struct file file = {.target = target, .name = name, .fd = -1};
    uint8_t noted[SHA256_BYTES];
    bool there = false;
    bool good = open_file(&file, error) && look_up(&file, noted, &there, error);

    if (good && there && !file.known_stat) {
        good = compare(&file, noted, error);
    }
    if (good && !file.known_content && !(there && file.known_stat)) {
        good = make_object(&file, error);
    }
    good = good && finish(&file, error);
    if (file.fd >= 0) {
        close(file.fd);
    }
    buffer_free(&file.path);
    return good;
}

/* A file that was noted and is still there was not yet deleted or archived; one that is not needs no note. */
static bool tidy_name(const struct watch_target *target, const char *name, struct error *error)
{
    struct file file = {.target = target, .name = name, .fd = -1};
    uint8_t noted[SHA256_BYTES];
    struct error what = {0};
    bool there = false;
    bool good = true;

    if (open_file(&file, &what)) {
        good = look_up(&file, noted, &there, error) && (!there || !file.known_stat || finish(&file, error));
    } else if (what.code == ERROR_NOT_FOUND) {
        good = committer_do(target->store->committer, remove_note, &file, error);
    }
    if (file.fd >= 0) {
        close(file.fd);
    }
    buffer_free(&file.path);
    return good;
}

static bool tidy_names(const struct watch_target *target, struct statement_cache *reader, struct error *error)
{
    sqlite3_stmt *names = statement_get(reader, names_sql, error);
    int there = names != NULL ? 1 : -1;

    if (names != NULL) {
        statement_bind_text(names, 1, target->folder);
    }
    while (there > 0 && (there = statement_next(reader, names, error)) > 0) {
        if (!tidy_name(target, (const char *)sqlite3_column_text(names, 0), error)) {
            statement_done(names);
            there = -1;
        }
    }
    return there == 0;
}

bool watch_tidy(const struct watch_target *target, struct error *error)
{
    if (target->after == AFTER_KEEP) {
        return true;
    }
    struct statement_cache *reader = local_read_begin(target->store, error);
    bool good = reader != NULL && tidy_names(target, reader, error);

    local_read_end(target->store, reader);
    return good;
}
