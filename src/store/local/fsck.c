/* Testing the object store: rows against rows, rows against files, files against rows; then the repair, all of whose
 * rows change in one transaction. */
#include "store/local/fsck.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "store/folder_private.h"
#include "store/local/fsck_private.h"

/* Beside a running owner a file is not taken for lost before it is so old: its row may be on the way. */
#define SETTLED_US (INT64_C(3600) * 1000000)

static const char *const prepare_sql[] = {
    "PRAGMA temp_store = FILE",
    "CREATE TEMP TABLE fsck_uses(body INTEGER PRIMARY KEY, uses INTEGER NOT NULL)",
    "CREATE TEMP TABLE fsck_bad(body INTEGER PRIMARY KEY, kind TEXT NOT NULL, why TEXT NOT NULL)",
    "CREATE TEMP TABLE fsck_sums(body INTEGER PRIMARY KEY, md5 BLOB, sha256 BLOB)",
    "CREATE TEMP TABLE fsck_found(kind TEXT NOT NULL, what TEXT NOT NULL, repair TEXT)",
};
static const char begin_read_sql[] = "BEGIN";
static const char begin_write_sql[] = "BEGIN IMMEDIATE";
static const char commit_sql[] = "COMMIT";
static const char versions_sql[] = "SELECT count(*) FROM object";
static const char clear_uses_sql[] = "DELETE FROM fsck_uses";
static const char uses_sql[] = "INSERT INTO fsck_uses SELECT body, count(*) FROM ("
                               "SELECT body FROM object WHERE body IS NOT NULL UNION ALL "
                               "SELECT body FROM piece WHERE whole IN (SELECT id FROM body) UNION ALL "
                               "SELECT body FROM part UNION ALL "
                               "SELECT body FROM quarantine WHERE body IS NOT NULL) GROUP BY body";
static const char note_sql[] = "INSERT INTO fsck_found(kind, what, repair) VALUES(?1, ?2, ?3)";
static const char found_sql[] = "SELECT kind, what, repair FROM fsck_found ORDER BY rowid";

#define VERSION_NAME                                                                                                   \
    "coalesce((SELECT name FROM bucket WHERE id = o.bucket), 'bucket ' || o.bucket) || '/' || o.key || "               \
    "CASE WHEN o.flags & 2 THEN '' ELSE ' (version of ' || "                                                           \
    "strftime('%Y-%m-%dT%H:%M:%SZ', o.modified_us / 1000000, 'unixepoch') || ')' END"
#define REPAIR(text) "CASE WHEN ?1 THEN '" text "' END"

static const char note_bad_sql[] =
    "INSERT INTO fsck_found SELECT b.kind, " VERSION_NAME
    " || ': ' || b.why, " REPAIR("moved to quarantine") " FROM object o JOIN fsck_bad b ON b.body = o.body";
static const char note_strays_sql[] =
    "INSERT INTO fsck_found SELECT 'lost_version', " VERSION_NAME " || ': its bucket is missing', " REPAIR(
        "moved to quarantine") " FROM object o WHERE o.bucket NOT IN (SELECT id FROM bucket)";
static const char note_parts_sql[] =
    "INSERT INTO fsck_found SELECT 'lost_part', 'part ' || p.number || ' of upload ' || p.upload || ': ' || "
    "coalesce((SELECT why FROM fsck_bad WHERE body = p.body), 'its upload or its body is missing'), " REPAIR(
        "removed, to be sent again") " FROM part p WHERE p.body IN (SELECT body FROM fsck_bad) OR "
                                     "p.body NOT IN (SELECT id FROM body) OR p.upload NOT IN (SELECT id FROM upload "
                                     "WHERE completed_us IS NULL)";
static const char note_references_sql[] =
    "INSERT INTO fsck_found SELECT 'wrong_references', 'body ' || b.id || ' is named by ' || u.uses || ' rows, and "
    "says ' "
    "|| b.refs, " REPAIR("count set right") " FROM body b JOIN fsck_uses u ON u.body = b.id WHERE u.uses <> b.refs";
static const char note_unused_sql[] =
    "INSERT INTO fsck_found SELECT 'unused_body', 'body ' || b.id || coalesce(' in blob ' || b.blob, '') || ' of ' || "
    "b.size_bytes || ' bytes is named by no row', " REPAIR(
        "kept in quarantine") " FROM body b WHERE b.id NOT IN (SELECT body FROM fsck_uses)";

#define QUARANTINE                                                                                                     \
    "INSERT INTO quarantine(bucket, key, rank, flags, size_bytes, modified_us, hash, body, detail, reason, found_us) " \
    "SELECT o.bucket, o.key, o.rank, o.flags, o.size_bytes, o.modified_us, o.hash, "                                   \
    "(SELECT id FROM body WHERE id = o.body), o.detail, "

static const char quarantine_bad_sql[] =
    QUARANTINE "b.why, unixepoch() * 1000000 FROM object o JOIN fsck_bad b ON b.body = o.body";
static const char remove_bad_sql[] = "DELETE FROM object WHERE body IN (SELECT body FROM fsck_bad)";
static const char quarantine_strays_sql[] = QUARANTINE "'its bucket is missing', unixepoch() * 1000000 FROM object o "
                                                       "WHERE o.bucket NOT IN (SELECT id FROM bucket)";
static const char remove_strays_sql[] = "DELETE FROM object WHERE bucket NOT IN (SELECT id FROM bucket)";
static const char quarantine_unused_sql[] =
    "INSERT INTO quarantine(bucket, key, rank, flags, size_bytes, modified_us, body, reason, found_us) "
    "SELECT 0, '', 0, 0, b.size_bytes, 0, b.id, 'named by no row', unixepoch() * 1000000 "
    "FROM body b WHERE b.id NOT IN (SELECT body FROM fsck_uses)";
static const char remove_parts_sql[] =
    "DELETE FROM part WHERE body IN (SELECT body FROM fsck_bad) OR body NOT IN (SELECT id FROM body) OR "
    "upload NOT IN (SELECT id FROM upload WHERE completed_us IS NULL)";
static const char remove_pieces_sql[] = "DELETE FROM piece WHERE whole NOT IN (SELECT id FROM body)";
static const char set_references_sql[] =
    "UPDATE body SET refs = (SELECT uses FROM fsck_uses WHERE body = id) WHERE refs <> (SELECT uses FROM fsck_uses "
    "WHERE body = id)";
static const char named_sql[] = "SELECT 1 FROM body WHERE blob = ?1";

bool fsck_run(struct fsck *fsck, const char *sql, struct error *error)
{
    sqlite3_stmt *statement = statement_get(fsck->db, sql, error);

    if (statement == NULL) {
        return false;
    }
    if (sqlite3_bind_parameter_count(statement) == 1) {
        sqlite3_bind_int(statement, 1, fsck->options->repair);
    }
    return statement_run(fsck->db, statement, error);
}

static bool run_all(struct fsck *fsck, const char *const *statements, size_t count, struct error *error)
{
    for (size_t s = 0; s < count; s++) {
        if (!fsck_run(fsck, statements[s], error)) {
            return false;
        }
    }
    return true;
}

bool fsck_note(struct fsck *fsck, const char *kind, const char *repair, struct error *error, const char *format, ...)
{
    char text[2000];
    va_list arguments;
    sqlite3_stmt *note = statement_get(fsck->db, note_sql, error);

    if (note == NULL) {
        return false;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    statement_bind_text(note, 1, kind);
    statement_bind_text(note, 2, text);
    statement_bind_text(note, 3, repair);
    return statement_run(fsck->db, note, error);
}

bool fsck_uses(struct fsck *fsck, struct error *error)
{
    return fsck_run(fsck, clear_uses_sql, error) && fsck_run(fsck, uses_sql, error);
}

/* --- files that no row names --- */

static int is_named(struct fsck *fsck, const char *name, struct error *error)
{
    sqlite3_stmt *named = statement_get(fsck->db, named_sql, error);

    if (named == NULL) {
        return -1;
    }
    statement_bind_text(named, 1, name);
    int there = statement_next(fsck->db, named, error);

    statement_done(named);
    return there;
}

/* Moves a file to lost+found/, under a name that none has there. */
static bool move_away(struct fsck *fsck, const char *path, const char *name, struct error *error)
{
    struct buffer to __attribute__((cleanup(buffer_free))) = {0};

    buffer_append_format(&to, "%s/lost+found", fsck->path);
    if (buffer_text(&to) == NULL) {
        return buffer_check(&to, error);
    }
    if (!file_make_folders(to.data, error)) {
        return false;
    }
    buffer_append_format(&to, "/%s", name);
    if (buffer_text(&to) == NULL) {
        return buffer_check(&to, error);
    }
    return renameat2(AT_FDCWD, path, AT_FDCWD, to.data, RENAME_NOREPLACE) == 0 ||
           error_set_errno(error, errno, "%s cannot be moved to %s", path, to.data);
}

static bool look_at_file(struct fsck *fsck, const char *path, const char *name, struct error *error)
{
    struct stat status;
    int named = is_named(fsck, name, error);

    if (named != 0) {
        return named > 0;
    }
    if (lstat(path, &status) != 0) {
        return errno == ENOENT || error_set_errno(error, errno, "%s cannot be examined", path);
    }
    int64_t age_us = clock_now_us() - (int64_t)status.st_ctim.tv_sec * 1000000;

    if (fsck->options->folder->access != FOLDER_WRITE && age_us < SETTLED_US) {
        return true;
    }
    return (!fsck->options->repair || move_away(fsck, path, name, error)) &&
           fsck_note(fsck, "unnamed_file", fsck->options->repair ? "moved to lost+found" : NULL, error,
                     "%s, %lld bytes, is named by no row", path, (long long)status.st_size);
}

struct walk {
    struct fsck *fsck;
    const char *folder;
};

static bool visit_file(void *context, const char *name, struct error *error)
{
    const struct walk *walk = context;
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};

    buffer_append_format(&path, "%s/%s", walk->folder, name);
    return (buffer_text(&path) != NULL || buffer_check(&path, error)) &&
           look_at_file(walk->fsck, path.data, name, error);
}

static bool visit_folder(void *context, const char *name, struct error *error)
{
    const struct walk *walk = context;
    struct walk inner = {.fsck = walk->fsck};
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    struct stat status;

    buffer_append_format(&path, "%s/%s", walk->folder, name);
    if (buffer_text(&path) == NULL) {
        return buffer_check(&path, error);
    }
    inner.folder = path.data;
    if (lstat(path.data, &status) == 0 && !S_ISDIR(status.st_mode)) {
        return look_at_file(walk->fsck, path.data, name, error);
    }
    return file_list(path.data, visit_file, &inner, error);
}

static bool look_at_files(struct fsck *fsck, struct error *error)
{
    struct walk walk = {.fsck = fsck};
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    struct stat status;

    buffer_append_format(&path, "%s/blobs", fsck->path);
    if (buffer_text(&path) == NULL) {
        return buffer_check(&path, error);
    }
    walk.folder = path.data;
    return stat(path.data, &status) != 0 || file_list(path.data, visit_folder, &walk, error);
}

/* --- all of it --- */

static bool find(struct fsck *fsck, struct error *error)
{
    static const char *const notes[] = {note_bad_sql, note_strays_sql, note_parts_sql, note_references_sql,
                                        note_unused_sql};
    sqlite3_stmt *versions = statement_get(fsck->db, versions_sql, error);

    if (versions == NULL || statement_next(fsck->db, versions, error) <= 0) {
        return false;
    }
    fsck->counts->versions = (uint64_t)sqlite3_column_int64(versions, 0);
    statement_done(versions);
    return fsck_bodies(fsck, error) && fsck_uses(fsck, error) &&
           run_all(fsck, notes, sizeof notes / sizeof notes[0], error);
}

/* In the order in which each finds what it needs. */
static bool repair(struct fsck *fsck, struct error *error)
{
    static const char *const removals[] = {quarantine_bad_sql, remove_bad_sql,   quarantine_strays_sql,
                                           remove_strays_sql,  remove_parts_sql, remove_pieces_sql};
    static const char *const rest[] = {quarantine_unused_sql};
    static const char *const end[] = {set_references_sql};

    return run_all(fsck, removals, sizeof removals / sizeof removals[0], error) && fsck_uses(fsck, error) &&
           run_all(fsck, rest, 1, error) && fsck_uses(fsck, error) && run_all(fsck, end, 1, error);
}

static bool tell(struct fsck *fsck, struct error *error)
{
    sqlite3_stmt *found = statement_get(fsck->db, found_sql, error);
    int there = found != NULL ? 1 : -1;

    while (there > 0 && (there = statement_next(fsck->db, found, error)) > 0) {
        struct fsck_problem problem = {
            .kind = (const char *)sqlite3_column_text(found, 0),
            .what = (const char *)sqlite3_column_text(found, 1),
            .repair = (const char *)sqlite3_column_text(found, 2),
        };

        fsck->counts->problems++;
        fsck->counts->repaired += problem.repair != NULL;
        if (fsck->options->problem != NULL) {
            fsck->options->problem(fsck->options->context, &problem);
        }
    }
    return there == 0;
}

static bool read_key(struct fsck *fsck, struct error *error)
{
    struct buffer path __attribute__((cleanup(buffer_free))) = {0};
    const char *key_file = fsck->options->key_file;
    struct error what = {0};

    buffer_append_format(&path, "%s/key", fsck->path);
    if (buffer_text(&path) == NULL) {
        return buffer_check(&path, error);
    }
    fsck->master_there = blob_master_key(key_file != NULL ? key_file : path.data, false, fsck->master, &what);
    return fsck->master_there || (key_file == NULL && what.code == ERROR_NOT_FOUND) ||
           error_set(error, what.code, "%s", what.message);
}

/* A folder that was made before there were objects has none, until it is next opened for writing. */
static bool has_objects(struct fsck *fsck)
{
    sqlite3_stmt *statement = NULL;
    bool has =
        sqlite3_prepare_v2(statement_cache_db(fsck->db), "SELECT 1 FROM quarantine", -1, &statement, NULL) == SQLITE_OK;

    sqlite3_finalize(statement);
    return has;
}

static bool check(struct fsck *fsck, struct error *error)
{
    if (!run_all(fsck, prepare_sql, sizeof prepare_sql / sizeof prepare_sql[0], error) || !read_key(fsck, error) ||
        !fsck_run(fsck, fsck->options->repair ? begin_write_sql : begin_read_sql, error)) {
        return false;
    }
    bool good = find(fsck, error) && (!fsck->options->repair || repair(fsck, error));

    if (good && failpoint_hit("fsck.repaired")) {
        good = error_set(error, ERROR_IO, "the repair was stopped by a failpoint");
    }
    good = good && fsck_run(fsck, commit_sql, error);
    if (!good) {
        sqlite3_exec(statement_cache_db(fsck->db), "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    return look_at_files(fsck, error) && tell(fsck, error);
}

bool fsck_objects(const struct fsck_options *options, struct fsck_counts *counts, struct error *error)
{
    struct fsck fsck = {.options = options, .counts = counts, .path = folder_path(options->folder)};

    memset(counts, 0, sizeof *counts);
    if (options->repair && options->folder->access != FOLDER_WRITE) {
        return error_set(error, ERROR_INTERNAL, "a repair needs the folder open for writing");
    }
    fsck.db = statement_cache_open(fsck.path, true, error);
    bool good = fsck.db != NULL && (!has_objects(&fsck) || check(&fsck, error));

    statement_cache_close(fsck.db);
    explicit_bzero(fsck.master, sizeof fsck.master);
    return good;
}
