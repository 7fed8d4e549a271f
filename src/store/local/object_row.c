/* Rows of objects: reading and writing them, the ids of versions, and what callers see of a row. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/local/local_private.h"

#define OLDER_THAN_NONE "NOT EXISTS(SELECT 1 FROM object n WHERE n.bucket = ?1 AND n.key = ?2 AND n.rank < o.rank)"
#define WHERE_KEY " WHERE o.bucket = ?1 AND o.key = ?2 "
#define FROM_BOTH ", " BODY_COLUMNS " FROM object o LEFT JOIN body b ON b.id = o.body" WHERE_KEY

static const char current_sql[] = "SELECT " OBJECT_ROW_COLUMNS ", 1 FROM object o" WHERE_KEY "ORDER BY o.rank LIMIT 1";
static const char version_sql[] =
    "SELECT " OBJECT_ROW_COLUMNS ", " OLDER_THAN_NONE " FROM object o" WHERE_KEY "AND o.rank = ?3";
static const char null_sql[] = "SELECT " OBJECT_ROW_COLUMNS ", " OLDER_THAN_NONE " FROM object o" WHERE_KEY
                               "AND (o.flags & 2) <> 0 ORDER BY o.rank LIMIT 1";
static const char current_body_sql[] = "SELECT " OBJECT_ROW_COLUMNS ", 1" FROM_BOTH "ORDER BY o.rank LIMIT 1";
static const char version_body_sql[] = "SELECT " OBJECT_ROW_COLUMNS ", " OLDER_THAN_NONE FROM_BOTH "AND o.rank = ?3";
static const char null_body_sql[] =
    "SELECT " OBJECT_ROW_COLUMNS ", " OLDER_THAN_NONE FROM_BOTH "AND (o.flags & 2) <> 0 ORDER BY o.rank LIMIT 1";
static const char write_sql[] = "INSERT OR REPLACE INTO object(bucket, key, rank, flags, size_bytes, modified_us, "
                                "hash, body, detail) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
static const char remove_sql[] = "DELETE FROM object WHERE bucket = ?1 AND key = ?2 AND rank = ?3";

/* The finalizer of SplitMix64 (Steele, Lea, Flood, 2014): a bijection of 64 bits, and its inverse. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static uint64_t unmix(uint64_t x)
{
    x = (x ^ x >> 31 ^ x >> 62) * UINT64_C(0x319642B2D24D8EC3);
    x = (x ^ x >> 27 ^ x >> 54) * UINT64_C(0x96DE1B173F119089);
    return x ^ x >> 30 ^ x >> 60;
}

/* The other half of a version's id, which tells ids of this bucket from other texts. */
static uint64_t seal(int64_t bucket, uint64_t mixed)
{
    return mix(mixed ^ mix((uint64_t)bucket + UINT64_C(0x9E3779B97F4A7C15)));
}

void version_text(int64_t bucket, int64_t rank, char text[VERSION_CHARACTERS + 1])
{
    uint64_t mixed = mix((uint64_t)rank);

    snprintf(text, VERSION_CHARACTERS + 1, "%016llx%016llx", (unsigned long long)mixed,
             (unsigned long long)seal(bucket, mixed));
}

bool version_rank(int64_t bucket, const char *text, int64_t *rank)
{
    uint64_t halves[2] = {0, 0};

    if (strlen(text) != VERSION_CHARACTERS) {
        return false;
    }
    for (unsigned i = 0; i < VERSION_CHARACTERS; i++) {
        char c = text[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : 16;

        if (digit > 15) {
            return false;
        }
        halves[i / 16] = halves[i / 16] << 4 | digit;
    }
    *rank = (int64_t)unmix(halves[0]);
    return halves[1] == seal(bucket, halves[0]);
}

static bool read_hash(sqlite3_stmt *statement, int column, struct object_row *row)
{
    const uint8_t *hash = sqlite3_column_blob(statement, column);
    size_t size = (size_t)sqlite3_column_bytes(statement, column);

    if (size == 0) {
        return (row->flags & OBJECT_MARKER) != 0;
    }
    row->has_sha256 = size >= ETAG_BYTES + SHA256_BYTES;
    bool parts = size == ETAG_BYTES + 4 || size == ETAG_BYTES + 4 + SHA256_BYTES;

    if (hash == NULL || size != ETAG_BYTES + (parts ? 4U : 0U) + (row->has_sha256 ? SHA256_BYTES : 0U)) {
        return false;
    }
    memcpy(row->etag, hash, ETAG_BYTES);
    if (parts) {
        const uint8_t *count = hash + ETAG_BYTES;

        row->part_count = (unsigned)count[0] << 24 | (unsigned)count[1] << 16 | (unsigned)count[2] << 8 | count[3];
    }
    if (row->has_sha256) {
        memcpy(row->sha256, hash + size - SHA256_BYTES, SHA256_BYTES);
    }
    return true;
}

bool object_row_read(sqlite3_stmt *statement, struct object_row *row, struct error *error)
{
    row->rank = sqlite3_column_int64(statement, 0);
    row->flags = (unsigned)sqlite3_column_int64(statement, 1);
    row->size_bytes = (uint64_t)sqlite3_column_int64(statement, 2);
    row->modified_us = sqlite3_column_int64(statement, 3);
    row->part_count = 0;
    row->has_sha256 = false;
    row->body = sqlite3_column_int64(statement, 5);
    row->detail = sqlite3_column_blob(statement, 6);
    row->detail_bytes = (size_t)sqlite3_column_bytes(statement, 6);
    return (read_hash(statement, 4, row) &&
            (row->detail_bytes == 0 || (row->detail != NULL && row->detail[row->detail_bytes - 1] == '\0'))) ||
           error_set(error, ERROR_CORRUPT, "a row of the object index does not hold what it must; run aisle fsck");
}

bool object_row_write(struct statement_cache *db, int64_t bucket, const char *key, const struct object_row *row,
                      struct error *error)
{
    sqlite3_stmt *write = statement_get(db, write_sql, error);
    uint8_t hash[ETAG_BYTES + 4 + SHA256_BYTES];
    size_t size = ETAG_BYTES;

    if (write == NULL) {
        return false;
    }
    memcpy(hash, row->etag, ETAG_BYTES);
    if (row->part_count > 0) {
        for (unsigned b = 0; b < 4; b++) {
            hash[size++] = (uint8_t)(row->part_count >> (24 - 8 * b));
        }
    }
    if (row->has_sha256) {
        memcpy(hash + size, row->sha256, SHA256_BYTES);
        size += SHA256_BYTES;
    }
    sqlite3_bind_int64(write, 1, bucket);
    statement_bind_text(write, 2, key);
    sqlite3_bind_int64(write, 3, row->rank);
    sqlite3_bind_int64(write, 4, row->flags);
    sqlite3_bind_int64(write, 5, (int64_t)row->size_bytes);
    sqlite3_bind_int64(write, 6, row->modified_us);
    if ((row->flags & OBJECT_MARKER) != 0) {
        sqlite3_bind_null(write, 7);
        sqlite3_bind_null(write, 8);
    } else {
        sqlite3_bind_blob(write, 7, hash, (int)size, SQLITE_STATIC);
        sqlite3_bind_int64(write, 8, row->body);
    }
    sqlite3_bind_blob64(write, 9, row->detail_bytes > 0 ? row->detail : NULL, row->detail_bytes, SQLITE_STATIC);
    return statement_run(db, write, error);
}

bool object_row_remove(struct statement_cache *db, int64_t bucket, const char *key, int64_t rank, struct error *error)
{
    sqlite3_stmt *remove = statement_get(db, remove_sql, error);

    if (remove == NULL) {
        return false;
    }
    sqlite3_bind_int64(remove, 1, bucket);
    statement_bind_text(remove, 2, key);
    sqlite3_bind_int64(remove, 3, rank);
    return statement_run(db, remove, error);
}

void object_row_etag(const struct object_row *row, char text[ETAG_CHARACTERS + 1])
{
    text[0] = '\0';
    if ((row->flags & OBJECT_MARKER) == 0) {
        digest_hex(row->etag, ETAG_BYTES, text);
        if (row->part_count > 0) {
            snprintf(text + 2 * ETAG_BYTES, ETAG_CHARACTERS + 1 - 2 * ETAG_BYTES, "-%u", row->part_count);
        }
    }
}

static int find(struct statement_cache *db, const char *const sql[3], int64_t bucket, const char *key,
                const char *version_id, struct object_found *found, struct error *error)
{
    bool null_version = version_id != NULL && strcmp(version_id, "null") == 0;
    int64_t rank = 0;

    if (version_id != NULL && !null_version && !version_rank(bucket, version_id, &rank)) {
        error_set_named(error, ERROR_INVALID, "InvalidArgument", "\"%s\" is no version id of this bucket", version_id);
        return -1;
    }
    found->statement = statement_get(db, sql[version_id == NULL ? 0 : null_version ? 2 : 1], error);
    if (found->statement == NULL) {
        return -1;
    }
    sqlite3_bind_int64(found->statement, 1, bucket);
    statement_bind_text(found->statement, 2, key);
    if (version_id != NULL && !null_version) {
        sqlite3_bind_int64(found->statement, 3, rank);
    }
    int there = statement_next(db, found->statement, error);

    if (there > 0) {
        found->latest = sqlite3_column_int(found->statement, OBJECT_ROW_COLUMN_COUNT) != 0;
        if (!object_row_read(found->statement, &found->row, error)) {
            there = -1;
        } else if (version_id != NULL && !null_version && (found->row.flags & OBJECT_NULL) != 0) {
            there = 0;
        }
        if (there <= 0) {
            statement_done(found->statement);
        }
    }
    return there;
}

int object_row_find(struct statement_cache *db, int64_t bucket, const char *key, const char *version_id,
                    struct object_found *found, struct error *error)
{
    static const char *const sql[3] = {current_sql, version_sql, null_sql};

    return find(db, sql, bucket, key, version_id, found, error);
}

int object_row_find_body(struct statement_cache *db, int64_t bucket, const char *key, const char *version_id,
                         struct object_found *found, struct error *error)
{
    static const char *const sql[3] = {current_body_sql, version_body_sql, null_body_sql};

    return find(db, sql, bucket, key, version_id, found, error);
}

bool object_absent(const struct object_place *place, struct error *error)
{
    if (place->version_id != NULL) {
        return error_set_named(error, ERROR_NOT_FOUND, "NoSuchVersion", "%s/%s has no version \"%s\"", place->bucket,
                               place->key, place->version_id);
    }
    return error_set_named(error, ERROR_NOT_FOUND, "NoSuchKey", "there is no object %s/%s", place->bucket, place->key);
}

const char *version_id_of(int64_t bucket, const struct object_row *row, struct arena *arena, struct error *error)
{
    char text[VERSION_CHARACTERS + 1];

    if ((row->flags & OBJECT_NULL) != 0) {
        return "null";
    }
    version_text(bucket, row->rank, text);
    return arena_text(arena, text, VERSION_CHARACTERS, error);
}
