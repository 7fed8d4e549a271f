#include "store/statement_cache.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "store/catalog.h"

/* More than there are statements in the program; a power of two. */
#define SLOTS 512

#define BUSY_TIMEOUT_MS 10000
#define WRITE_CACHE_KB 16384
#define READ_CACHE_KB 2048

struct slot {
    const char *sql;
    sqlite3_stmt *statement;
};

struct statement_cache {
    sqlite3 *db;
    const char *folder;
    unsigned count;
    struct slot slots[SLOTS];
};

bool statement_fail(sqlite3 *db, const char *folder, struct error *error)
{
    const char *what = sqlite3_errmsg(db);

    switch (sqlite3_errcode(db)) {
    case SQLITE_FULL:
        return error_set(error, ERROR_LIMIT, "%s/" CATALOG_FILE ": the disk is full; make room and try again", folder);
    case SQLITE_NOMEM:
        return error_set(error, ERROR_MEMORY, "%s/" CATALOG_FILE ": out of memory", folder);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(error, ERROR_CONFLICT, "%s/" CATALOG_FILE ": another program holds the database; try again",
                         folder);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return error_set(error, ERROR_CORRUPT,
                         "%s/" CATALOG_FILE ": the database is damaged (%s); restore the data folder from a backup",
                         folder, what);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return error_set(error, ERROR_DENIED, "%s/" CATALOG_FILE ": not allowed to write the database", folder);
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR: {
        int failure = sqlite3_system_errno(db);

        if (failure != 0) {
            return error_set_errno(error, failure, "%s/" CATALOG_FILE ": the database cannot be read or written",
                                   folder);
        }
        return error_set(error, ERROR_IO, "%s/" CATALOG_FILE ": the database cannot be read or written: %s", folder,
                         what);
    }
    default:
        return error_set(error, ERROR_INTERNAL, "%s/" CATALOG_FILE ": %s", folder, what);
    }
}

static bool open_database(struct statement_cache *cache, bool write, struct error *error)
{
    struct buffer file __attribute__((cleanup(buffer_free))) = {0};
    char pragmas[200];

    buffer_append_format(&file, "%s/" CATALOG_FILE, cache->folder);
    if (buffer_text(&file) == NULL) {
        return buffer_check(&file, error);
    }
    if (sqlite3_open_v2(file.data, &cache->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        return cache->db == NULL ? error_set(error, ERROR_MEMORY, "%s: out of memory", file.data)
                                 : statement_fail(cache->db, cache->folder, error);
    }
    sqlite3_busy_timeout(cache->db, BUSY_TIMEOUT_MS);
    sqlite3_db_config(cache->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_snprintf(sizeof pragmas, pragmas,
                     "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY;"
                     "PRAGMA secure_delete = FAST; PRAGMA cache_size = -%d;%s",
                     write ? WRITE_CACHE_KB : READ_CACHE_KB, write ? "" : "PRAGMA query_only = 1;");
    return sqlite3_exec(cache->db, pragmas, NULL, NULL, NULL) == SQLITE_OK ||
           statement_fail(cache->db, cache->folder, error);
}

struct statement_cache *statement_cache_open(const char *folder, bool write, struct error *error)
{
    struct statement_cache *cache = memory_zeroed(sizeof *cache, error);

    if (cache == NULL) {
        return NULL;
    }
    cache->folder = folder;
    if (!open_database(cache, write, error)) {
        statement_cache_close(cache);
        return NULL;
    }
    return cache;
}

void statement_cache_close(struct statement_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (unsigned s = 0; s < SLOTS; s++) {
        sqlite3_finalize(cache->slots[s].statement);
    }
    sqlite3_close(cache->db);
    memory_free(cache);
}

sqlite3 *statement_cache_db(const struct statement_cache *cache)
{
    return cache->db;
}

/* The slot of a text, taken or free (Fibonacci hashing of its address, Knuth, The Art of Computer Programming 6.4). */
static struct slot *slot_of(struct statement_cache *cache, const char *sql)
{
    uint64_t s = ((uint64_t)(uintptr_t)sql * UINT64_C(0x9E3779B97F4A7C15)) >> 32;

    while (cache->slots[s % SLOTS].sql != NULL && cache->slots[s % SLOTS].sql != sql) {
        s++;
    }
    return &cache->slots[s % SLOTS];
}

sqlite3_stmt *statement_get(struct statement_cache *cache, const char *sql, struct error *error)
{
    struct slot *slot = slot_of(cache, sql);

    if (slot->sql != NULL) {
        sqlite3_reset(slot->statement);
        return slot->statement;
    }
    if (cache->count == SLOTS - 1) {
        error_set(error, ERROR_INTERNAL, "%s: more than %d statements are prepared", cache->folder, SLOTS - 1);
        return NULL;
    }
    if (sqlite3_prepare_v3(cache->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &slot->statement, NULL) != SQLITE_OK) {
        statement_fail(cache->db, cache->folder, error);
        return NULL;
    }
    slot->sql = sql;
    cache->count++;
    return slot->statement;
}

int statement_next(struct statement_cache *cache, sqlite3_stmt *statement, struct error *error)
{
    int code = sqlite3_step(statement);

    if (code == SQLITE_ROW) {
        return 1;
    }
    if (code != SQLITE_DONE) {
        statement_fail(cache->db, cache->folder, error);
    }
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? 0 : -1;
}

void statement_done(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
}

bool statement_run(struct statement_cache *cache, sqlite3_stmt *statement, struct error *error)
{
    int there = statement_next(cache, statement, error);

    if (there > 0) {
        sqlite3_reset(statement);
    }
    return there >= 0;
}

void statement_bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

const char *statement_text(sqlite3_stmt *statement, int column, struct arena *arena, struct error *error)
{
    const void *text = sqlite3_column_text(statement, column);

    return arena_text(arena, text != NULL ? text : "", (size_t)sqlite3_column_bytes(statement, column), error);
}
