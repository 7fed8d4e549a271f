#include "store/catalog.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "store/statement_cache.h"

/* "AiSl", in the header of the file, says whose database it is. */
#define APPLICATION_ID 0x4169536c
#define VERSION 2

/* Pages of the write-ahead log after which SQLite moves them to the database: what opening may have to read again. */
#define CHECKPOINT_PAGES 500
#define BUSY_TIMEOUT_MS 10000

static const char tables[] =
    "CREATE TABLE files("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT," /* the order in which they were named */
    "  role TEXT NOT NULL, dataset TEXT NOT NULL, partition TEXT NOT NULL,"
    "  path TEXT NOT NULL UNIQUE,"
    "  rows INTEGER NOT NULL, size_bytes INTEGER NOT NULL,"
    "  run TEXT NOT NULL);"
    "CREATE INDEX files_by_place ON files(role, dataset, partition);"
    /* Files that no longer count, but that a reader may still have been reading when they ended. */
    "CREATE TABLE forgotten(path TEXT PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE documents(key TEXT PRIMARY KEY, text TEXT NOT NULL);"
    "CREATE TABLE sources("
    "  number INTEGER PRIMARY KEY,"
    "  run TEXT NOT NULL, pipeline TEXT NOT NULL, dataset TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL,"
    "  size_bytes INTEGER NOT NULL, rows INTEGER NOT NULL);"
    "CREATE INDEX sources_by_content ON sources(sha256, pipeline, dataset);"
    "CREATE TABLE runs("
    "  id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, status TEXT NOT NULL, json TEXT NOT NULL,"
    "  started_us INTEGER NOT NULL, ended_us INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX runs_by_start ON runs(started_us, id);";

/* What version 2 added: the object store (store/local/local_private.h says what is what), and which files may be at a
 * URL, too (store/folder.h: outputs). */
static const char tables_of_objects[] =
    "CREATE TABLE bucket("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,"
    "  created_us INTEGER NOT NULL, versioning INTEGER NOT NULL, object_lock INTEGER NOT NULL);"
    "CREATE TABLE bucket_setting("
    "  bucket INTEGER NOT NULL, setting INTEGER NOT NULL, json TEXT NOT NULL,"
    "  PRIMARY KEY(bucket, setting)) WITHOUT ROWID;"
    "CREATE TABLE object("
    "  bucket INTEGER NOT NULL, key TEXT NOT NULL, rank INTEGER NOT NULL,"
    "  flags INTEGER NOT NULL, size_bytes INTEGER NOT NULL, modified_us INTEGER NOT NULL,"
    "  hash BLOB," /* 16 bytes of the ETag, 4 bytes big-endian of how many parts if so, 32 of the SHA-256 if known */
    "  body INTEGER, detail BLOB,"
    "  PRIMARY KEY(bucket, key, rank)) WITHOUT ROWID;"
    /* What fsck took out of object: bytes that are missing or damaged. */
    "CREATE TABLE quarantine("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, bucket INTEGER NOT NULL, key TEXT NOT NULL, rank INTEGER NOT NULL,"
    "  flags INTEGER NOT NULL, size_bytes INTEGER NOT NULL, modified_us INTEGER NOT NULL, hash BLOB, body INTEGER,"
    "  detail BLOB, reason TEXT NOT NULL, found_us INTEGER NOT NULL);"
    "CREATE TABLE body("
    "  id INTEGER PRIMARY KEY, refs INTEGER NOT NULL, form INTEGER NOT NULL,"
    "  size_bytes INTEGER NOT NULL, stored_bytes INTEGER NOT NULL,"
    "  blob TEXT, wrapped BLOB, bytes BLOB);"
    "CREATE UNIQUE INDEX body_by_blob ON body(blob) WHERE blob IS NOT NULL;"
    "CREATE TABLE piece("
    "  whole INTEGER NOT NULL, ordinal INTEGER NOT NULL, body INTEGER NOT NULL, number INTEGER NOT NULL,"
    "  offset INTEGER NOT NULL, size_bytes INTEGER NOT NULL,"
    "  checksum_kind INTEGER, checksum TEXT,"
    "  PRIMARY KEY(whole, ordinal)) WITHOUT ROWID;"
    "CREATE TABLE upload("
    "  bucket INTEGER NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL,"
    "  owner TEXT NOT NULL, started_us INTEGER NOT NULL, flags INTEGER NOT NULL, detail BLOB,"
    /* Of one that is complete, for a day: what was asked for, and the object that it became. */
    "  completed_us INTEGER, request BLOB, object_rank INTEGER, object_flags INTEGER, size_bytes INTEGER,"
    "  modified_us INTEGER, hash BLOB, part_count INTEGER, checksum TEXT,"
    "  PRIMARY KEY(bucket, key, id)) WITHOUT ROWID;"
    "CREATE INDEX upload_by_completion ON upload(completed_us) WHERE completed_us IS NOT NULL;"
    "CREATE TABLE part("
    "  upload TEXT NOT NULL, number INTEGER NOT NULL,"
    "  body INTEGER NOT NULL, size_bytes INTEGER NOT NULL, modified_us INTEGER NOT NULL, hash BLOB NOT NULL,"
    "  checksum_kind INTEGER, checksum TEXT,"
    "  PRIMARY KEY(upload, number)) WITHOUT ROWID;"
    "CREATE TABLE event("
    "  sequence INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, time_us INTEGER NOT NULL,"
    "  bucket TEXT NOT NULL, key TEXT NOT NULL, version TEXT, etag TEXT, owner TEXT, request_id TEXT, source_ip TEXT,"
    "  size_bytes INTEGER NOT NULL);"
    "CREATE TABLE output("
    "  url TEXT NOT NULL, path TEXT NOT NULL, done INTEGER NOT NULL,"
    "  PRIMARY KEY(url, path)) WITHOUT ROWID;"
    /* Files of watched folders that became objects. */
    "CREATE TABLE watched("
    "  folder TEXT NOT NULL, name TEXT NOT NULL, size_bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL,"
    "  sha256 BLOB NOT NULL, PRIMARY KEY(folder, name)) WITHOUT ROWID;"
    "CREATE TABLE access_key("
    "  id TEXT PRIMARY KEY, sealed BLOB NOT NULL," /* the id, the secret and the session token, under the key file */
    "  name TEXT NOT NULL, owner TEXT NOT NULL, policy TEXT,"
    "  created_us INTEGER NOT NULL, expires_us INTEGER NOT NULL, active INTEGER NOT NULL)"
    "  WITHOUT ROWID;";

#define FILE_COLUMNS "SELECT role, dataset, partition, path, rows, size_bytes, run FROM files "

static const char *const queries[CATALOG_QUERIES] = {
    [CATALOG_BEGIN_READ] = "BEGIN",
    [CATALOG_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [CATALOG_COMMIT] = "COMMIT",
    [CATALOG_ROLLBACK] = "ROLLBACK",
    [CATALOG_PIN] = "SELECT 1 FROM files LIMIT 1",
    [CATALOG_FILES] = FILE_COLUMNS "WHERE role = ?1 ORDER BY partition, id",
    [CATALOG_FILES_OF_DATASET] = FILE_COLUMNS "WHERE role = ?1 AND dataset = ?2 ORDER BY partition, id",
    [CATALOG_FILES_OF_PARTITION] = FILE_COLUMNS "WHERE role = ?1 AND partition = ?3 ORDER BY partition, id",
    [CATALOG_FILES_OF_BOTH] = FILE_COLUMNS "WHERE role = ?1 AND dataset = ?2 AND partition = ?3 ORDER BY partition, id",
    [CATALOG_ALL_FILES] = FILE_COLUMNS "ORDER BY id",
    [CATALOG_HAS_FILE] = "SELECT 1 FROM files WHERE path = ?1 UNION ALL SELECT 1 FROM forgotten WHERE path = ?1",
    [CATALOG_ADD_FILE] = "INSERT INTO files(role, dataset, partition, path, rows, size_bytes, run) "
                         "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [CATALOG_REMOVE_FILE] = "DELETE FROM files WHERE path = ?1",
    [CATALOG_FORGOTTEN] = "SELECT path FROM forgotten",
    [CATALOG_ADD_FORGOTTEN] = "INSERT OR IGNORE INTO forgotten(path) VALUES(?1)",
    [CATALOG_CLEAR_FORGOTTEN] = "DELETE FROM forgotten",
    [CATALOG_REVIVE] = "DELETE FROM forgotten WHERE path = ?1",
    [CATALOG_DOCUMENT] = "SELECT text FROM documents WHERE key = ?1",
    [CATALOG_PUT_DOCUMENT] = "INSERT INTO documents(key, text) VALUES(?1, ?2) "
                             "ON CONFLICT(key) DO UPDATE SET text = excluded.text",
    [CATALOG_REMOVE_DOCUMENT] = "DELETE FROM documents WHERE key = ?1",
    [CATALOG_TAKEN] = "SELECT run, name FROM sources WHERE sha256 = ?1 AND pipeline = ?2 AND dataset = ?3 "
                      "ORDER BY number LIMIT 1",
    [CATALOG_OWNER] = "SELECT runs.pipeline FROM files JOIN runs ON runs.id = files.run "
                      "WHERE files.role = ?1 AND files.dataset = ?2 LIMIT 1",
    [CATALOG_SOURCE] = "SELECT run, dataset, name, sha256, size_bytes, rows FROM sources WHERE number = ?1",
    [CATALOG_NEXT_SOURCE] = "SELECT coalesce(max(number), 0) + 1 FROM sources",
    [CATALOG_ADD_SOURCE] = "INSERT INTO sources(number, run, pipeline, dataset, name, sha256, size_bytes, rows) "
                           "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [CATALOG_LIST_OUTPUTS] = "INSERT OR IGNORE INTO output(url, path, done) SELECT ?1, path, 0 FROM files "
                             "WHERE role IN ('cleaned', 'rejected', 'invalid')",
    [CATALOG_OUTPUTS] = "SELECT output.path, files.path IS NULL FROM output LEFT JOIN files USING (path) "
                        "WHERE url = ?1 AND (done = 0 OR files.path IS NULL) ORDER BY files.path IS NULL, output.path",
    [CATALOG_OUTPUT_DONE] = "UPDATE output SET done = 1 WHERE url = ?1 AND path = ?2",
    [CATALOG_OUTPUT_GONE] = "DELETE FROM output WHERE url = ?1 AND path = ?2",
    [CATALOG_RUNS] = "SELECT id, pipeline, status, json, started_us, ended_us FROM runs "
                     "ORDER BY started_us DESC, id DESC LIMIT ?1",
    [CATALOG_PUT_RUN] = "INSERT INTO runs(id, pipeline, status, json, started_us, ended_us) "
                        "VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(id) DO UPDATE SET pipeline = excluded.pipeline, "
                        "status = excluded.status, json = excluded.json, started_us = excluded.started_us, "
                        "ended_us = excluded.ended_us",
};

bool catalog_fail(const struct catalog *catalog, struct error *error)
{
    return statement_fail(catalog->db, catalog->path, error);
}

static bool execute(struct catalog *catalog, const char *sql, struct error *error)
{
    return sqlite3_exec(catalog->db, sql, NULL, NULL, NULL) == SQLITE_OK || catalog_fail(catalog, error);
}

/* The number that a statement gives. */
static bool number_of(struct catalog *catalog, const char *sql, int64_t *number, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool good = sqlite3_prepare_v2(catalog->db, sql, -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_ROW;

    if (good) {
        *number = sqlite3_column_int64(statement, 0);
    } else {
        catalog_fail(catalog, error);
    }
    sqlite3_finalize(statement);
    return good;
}

/* Makes what is missing since `version` (0: a new database), all of it or nothing. */
static bool make_tables(struct catalog *catalog, int64_t version, struct error *error)
{
    char marks[100];

    sqlite3_snprintf(sizeof marks, marks, "PRAGMA application_id = %d; PRAGMA user_version = %d;", APPLICATION_ID,
                     VERSION);
    if (execute(catalog, "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE;", error) &&
        (version > 0 || execute(catalog, tables, error)) && execute(catalog, tables_of_objects, error) &&
        execute(catalog, marks, error) && execute(catalog, "COMMIT", error)) {
        return true;
    }
    sqlite3_exec(catalog->db, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

/* Makes the tables of a new database, brings an older one up to date, and refuses one that is not ours or too new.
 * Readers take an older one as it is: what they read has not changed. */
static bool check_version(struct catalog *catalog, bool write, struct error *error)
{
    int64_t application = 0;
    int64_t version = 0;
    int64_t objects = 0;

    if (!number_of(catalog, "PRAGMA application_id", &application, error) ||
        !number_of(catalog, "PRAGMA user_version", &version, error)) {
        return false;
    }
    if (application == APPLICATION_ID && version > VERSION) {
        return error_set(error, ERROR_CONFLICT,
                         "%s was written by a newer Aisle (its schema has version %lld, this program knows %d); use "
                         "that one",
                         catalog->path, (long long)version, VERSION);
    }
    if (application == APPLICATION_ID && version >= 1) {
        return version == VERSION || !write || make_tables(catalog, version, error);
    }
    if (!number_of(catalog, "SELECT count(*) FROM sqlite_master", &objects, error)) {
        return false;
    }
    if (application != 0 || version != 0 || objects != 0) {
        return error_set(error, ERROR_CORRUPT,
                         "%s/" CATALOG_FILE " is not a database of Aisle; name another data folder", catalog->path);
    }
    if (!write) {
        return error_set(error, ERROR_NOT_FOUND, "%s holds no data yet; run a pipeline into it first", catalog->path);
    }
    return make_tables(catalog, 0, error);
}

static bool configure(struct catalog *catalog, bool write, struct error *error)
{
    char pragmas[200];

    sqlite3_busy_timeout(catalog->db, BUSY_TIMEOUT_MS);
    /* Leaving the log where it is makes closing quick; the next one to open goes on with it. */
    sqlite3_db_config(catalog->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_snprintf(
        sizeof pragmas, pragmas,
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = %d; PRAGMA journal_size_limit = 8388608;%s",
        CHECKPOINT_PAGES, write ? "" : " PRAGMA query_only = 1;");
    return execute(catalog, pragmas, error);
}

bool catalog_open(struct catalog *catalog, const char *path, bool write, struct error *error)
{
    struct buffer file __attribute__((cleanup(buffer_free))) = {0};
    struct stat status;
    int flags = SQLITE_OPEN_READWRITE | (write ? SQLITE_OPEN_CREATE : 0);

    memset(catalog, 0, sizeof *catalog);
    catalog->path = path;
    buffer_append_format(&file, "%s/" CATALOG_FILE, path);
    if (buffer_text(&file) == NULL) {
        return buffer_check(&file, error);
    }
    if (!write && stat(file.data, &status) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) {
            return error_set_errno(error, errno, "%s cannot be examined", file.data);
        }
        return error_set(error, ERROR_NOT_FOUND,
                         "there is no data folder at %s (it has no " CATALOG_FILE
                         "); run a pipeline first, or name another folder with --data",
                         path);
    }
    if (sqlite3_open_v2(file.data, &catalog->db, flags, NULL) != SQLITE_OK) {
        if (catalog->db == NULL) {
            return error_set(error, ERROR_MEMORY, "%s: out of memory", file.data);
        }
        catalog_fail(catalog, error);
        catalog_close(catalog);
        return false;
    }
    if (!configure(catalog, write, error) || !check_version(catalog, write, error)) {
        catalog_close(catalog);
        return false;
    }
    return true;
}

void catalog_close(struct catalog *catalog)
{
    for (int q = 0; q < CATALOG_QUERIES; q++) {
        sqlite3_finalize(catalog->statements[q]);
        catalog->statements[q] = NULL;
    }
    sqlite3_close(catalog->db);
    catalog->db = NULL;
}

sqlite3_stmt *catalog_statement(struct catalog *catalog, enum catalog_query query, struct error *error)
{
    sqlite3_stmt **statement = &catalog->statements[query];

    if (*statement == NULL &&
        sqlite3_prepare_v3(catalog->db, queries[query], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) != SQLITE_OK) {
        catalog_fail(catalog, error);
        return NULL;
    }
    sqlite3_clear_bindings(*statement);
    return *statement;
}

int catalog_step(struct catalog *catalog, sqlite3_stmt *statement, struct error *error)
{
    int code = sqlite3_step(statement);

    if (code == SQLITE_ROW) {
        return 1;
    }
    if (code != SQLITE_DONE) {
        catalog_fail(catalog, error);
    }
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? 0 : -1;
}

bool catalog_run(struct catalog *catalog, sqlite3_stmt *statement, struct error *error)
{
    int there = catalog_step(catalog, statement, error);

    if (there > 0) {
        sqlite3_reset(statement);
    }
    return there >= 0;
}

bool catalog_do(struct catalog *catalog, enum catalog_query query, struct error *error)
{
    sqlite3_stmt *statement = catalog_statement(catalog, query, error);

    return statement != NULL && catalog_run(catalog, statement, error);
}

void catalog_bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

const char *catalog_text(sqlite3_stmt *statement, int column, struct arena *arena, struct error *error)
{
    const void *text = sqlite3_column_text(statement, column);

    return arena_text(arena, text != NULL ? text : "", (size_t)sqlite3_column_bytes(statement, column), error);
}
