/* Uploads in parts: beginning one, what is known of it, ending it without an object. */
#include "store/local/upload.h"

#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "store/local/upload_private.h"

static const char insert_sql[] = "INSERT INTO upload(bucket, key, id, owner, started_us, flags, detail) "
                                 "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
static const char find_sql[] = "SELECT owner, started_us, flags, detail, completed_us IS NOT NULL FROM upload "
                               "WHERE bucket = ?1 AND key = ?2 AND id = ?3";
static const char remove_sql[] = "DELETE FROM upload WHERE bucket = ?1 AND key = ?2 AND id = ?3";
static const char parts_sql[] = "SELECT body FROM part WHERE upload = ?1";
static const char remove_parts_sql[] = "DELETE FROM part WHERE upload = ?1";
static const char stale_sql[] = "SELECT bucket, key, id FROM upload WHERE started_us < ?1 AND completed_us IS NULL AND "
                                "(?2 = 0 OR bucket = ?2) AND substr(key, 1, length(?3)) = ?3 LIMIT 1000";

bool upload_absent(const char *key, const char *id, struct error *error)
{
    return error_set_named(error, ERROR_NOT_FOUND, "NoSuchUpload",
                           "there is no upload \"%s\" of \"%s\": it was completed or aborted, or never begun", id, key);
}

/* Which checksums can be of the whole, and which of the parts' checksums (S3, "Checking object integrity"). */
static bool check_checksum(const struct object_checksum *checksum, struct error *error)
{
    if (!checksum->present) {
        return true;
    }
    bool crc = checksum->kind >= DIGEST_CRC32;
    bool good = checksum->kind != DIGEST_MD5 && (checksum->composite ? checksum->kind != DIGEST_CRC64NVME : crc);

    return good || error_set_named(error, ERROR_INVALID, "InvalidRequest",
                                   "the checksum type %s cannot be used with this checksum algorithm",
                                   checksum->composite ? "COMPOSITE" : "FULL_OBJECT");
}

struct create_context {
    const struct object_put *options;
    int64_t bucket;
    const char *id, *owner;
    struct packed packed;
};

static bool apply_create(void *context, struct statement_cache *db, struct error *error)
{
    const struct create_context *create = context;
    struct bucket_row bucket;
    sqlite3_stmt *insert = statement_get(db, insert_sql, error);

    if (insert == NULL || !bucket_row_find(db, create->options->bucket, &bucket, error)) {
        return false;
    }
    if (bucket.id != create->bucket) {
        return bucket_absent(create->options->bucket, error);
    }
    sqlite3_bind_int64(insert, 1, bucket.id);
    statement_bind_text(insert, 2, create->options->key);
    statement_bind_text(insert, 3, create->id);
    statement_bind_text(insert, 4, create->owner);
    sqlite3_bind_int64(insert, 5, clock_now_us());
    sqlite3_bind_int64(insert, 6, create->packed.flags);
    sqlite3_bind_blob64(insert, 7, create->packed.size > 0 ? create->packed.bytes : NULL, create->packed.size,
                        SQLITE_STATIC);
    return statement_run(db, insert, error);
}

const char *upload_create(struct local_store *store, const struct object_put *options,
                          const struct object_checksum *checksum, struct arena *arena, struct error *error)
{
    struct object_put complete = *options;
    struct create_context create = {.options = options};
    char id[27];

    if (!put_options_check(options, error) || !check_checksum(checksum, error) || !random_ulid(id, error)) {
        return NULL;
    }
    const struct bucket *bucket = bucket_find(store, options->bucket, error);

    if (bucket == NULL) {
        return NULL;
    }
    put_options_default(&complete, bucket);
    create.bucket = bucket->id;
    create.owner = options->owner != NULL ? options->owner : bucket->owner;
    create.id = arena_text(arena, id, strlen(id), error);
    bool good = create.id != NULL && object_pack(&complete, bucket, arena, &create.packed, error);

    if (good && checksum->present) {
        create.packed.flags |= ((unsigned)checksum->kind + 1) << OBJECT_CHECKSUM_SHIFT |
                               (checksum->composite ? (unsigned)OBJECT_COMPOSITE : 0U);
    }
    good = good && committer_do(store->committer, apply_create, &create, error);
    bucket_release(store, bucket);
    return good ? create.id : NULL;
}

const char *upload_detail(sqlite3_stmt *statement, int column, struct arena *arena, struct error *error)
{
    const void *bytes = sqlite3_column_blob(statement, column);

    return arena_text(arena, bytes != NULL ? bytes : "", (size_t)sqlite3_column_bytes(statement, column), error);
}

int upload_row_find(struct statement_cache *db, int64_t bucket, const char *key, const char *id, struct arena *arena,
                    struct upload_row *row, struct error *error)
{
    sqlite3_stmt *find = statement_get(db, find_sql, error);

    if (find == NULL) {
        return -1;
    }
    sqlite3_bind_int64(find, 1, bucket);
    statement_bind_text(find, 2, key);
    statement_bind_text(find, 3, id);
    int there = statement_next(db, find, error);

    if (there > 0) {
        row->bucket = bucket;
        row->owner = statement_text(find, 0, arena, error);
        row->started_us = sqlite3_column_int64(find, 1);
        row->packed.flags = (unsigned)sqlite3_column_int64(find, 2);
        row->packed.bytes = upload_detail(find, 3, arena, error);
        row->packed.size = (size_t)sqlite3_column_bytes(find, 3);
        row->completed = sqlite3_column_int(find, 4) != 0;
        if (row->owner == NULL || row->packed.bytes == NULL) {
            there = -1;
        }
    }
    statement_done(find);
    return there;
}

bool upload_fill(const struct upload_row *row, const char *key, const char *id, struct arena *arena,
                 struct upload *upload, struct error *error)
{
    struct object_row detail = {.detail = row->packed.bytes, .detail_bytes = row->packed.size};
    struct packed_text text;
    struct object object = {0};

    object_unpack_flags(row->packed.flags, &object);
    *upload = (struct upload){
        .id = arena_text(arena, id, strlen(id), error),
        .key = arena_text(arena, key, strlen(key), error),
        .owner = row->owner,
        .storage_class = object.storage_class,
        .started_us = row->started_us,
        .checksum_given = object.checksum.present,
        .checksum_kind = object.checksum.kind,
        .checksum_composite = object.checksum.composite,
        .encryption = object.encryption,
    };
    for (size_t at = 0; packed_next(&detail, &at, &text);) {
        if (text.letter == 'k') {
            upload->customer_key_md5 = text.value;
        }
    }
    return upload->id != NULL && upload->key != NULL;
}

bool upload_head(struct local_store *store, const char *bucket, const char *key, const char *id, struct arena *arena,
                 struct upload *upload, struct error *error)
{
    struct upload_row row;
    const struct bucket *found = bucket_find(store, bucket, error);
    struct statement_cache *reader = found != NULL ? local_read_begin(store, error) : NULL;
    int there = reader != NULL ? upload_row_find(reader, found->id, key, id, arena, &row, error) : -1;

    local_read_end(store, reader);
    if (found != NULL) {
        bucket_release(store, found);
    }
    if (there == 0 || (there > 0 && row.completed)) {
        return upload_absent(key, id, error);
    }
    return there > 0 && upload_fill(&row, key, id, arena, upload, error);
}

bool upload_remove_parts(struct statement_cache *db, const char *id, struct doomed *doomed, struct error *error)
{
    sqlite3_stmt *parts = statement_get(db, parts_sql, error);
    int there = parts != NULL ? 1 : -1;

    if (parts != NULL) {
        statement_bind_text(parts, 1, id);
    }
    while (there > 0 && (there = statement_next(db, parts, error)) > 0) {
        if (!body_release(db, sqlite3_column_int64(parts, 0), doomed, error)) {
            statement_done(parts);
            there = -1;
        }
    }
    sqlite3_stmt *remove = there == 0 ? statement_get(db, remove_parts_sql, error) : NULL;

    if (remove == NULL) {
        return false;
    }
    statement_bind_text(remove, 1, id);
    return statement_run(db, remove, error);
}

bool upload_remove(struct statement_cache *db, int64_t bucket, const char *key, const char *id, struct doomed *doomed,
                   struct error *error)
{
    sqlite3_stmt *remove = statement_get(db, remove_sql, error);

    if (remove == NULL) {
        return false;
    }
    sqlite3_bind_int64(remove, 1, bucket);
    statement_bind_text(remove, 2, key);
    statement_bind_text(remove, 3, id);
    return statement_run(db, remove, error) && upload_remove_parts(db, id, doomed, error);
}

struct abort_context {
    const char *bucket, *key, *id;
    struct arena *arena;
    struct doomed doomed;
};

static bool apply_abort(void *context, struct statement_cache *db, struct error *error)
{
    struct abort_context *abort = context;
    struct bucket_row bucket;
    struct upload_row row;

    if (!bucket_row_find(db, abort->bucket, &bucket, error)) {
        return false;
    }
    int there = upload_row_find(db, bucket.id, abort->key, abort->id, abort->arena, &row, error);

    if (there <= 0 || row.completed) {
        return there >= 0 && upload_absent(abort->key, abort->id, error);
    }
    return upload_remove(db, bucket.id, abort->key, abort->id, &abort->doomed, error);
}

bool upload_abort(struct local_store *store, const char *bucket, const char *key, const char *id, struct error *error)
{
    struct abort_context abort = {.bucket = bucket, .key = key, .id = id, .arena = arena_new(0, error)};
    bool good = abort.arena != NULL && committer_do(store->committer, apply_abort, &abort, error);

    doomed_remove(store, &abort.doomed, good);
    arena_free(abort.arena);
    return good;
}

struct stale_context {
    int64_t bucket, before_us;
    const char *prefix;
    struct arena *arena;
    struct doomed doomed;
    uint64_t count;
};

struct stale {
    struct stale *next;
    int64_t bucket;
    const char *key, *id;
};

/* Those that are too old, a thousand at a time. */
static bool apply_stale(void *context, struct statement_cache *db, struct error *error)
{
    struct stale_context *work = context;
    struct stale *first = NULL;
    sqlite3_stmt *query = statement_get(db, stale_sql, error);
    int there = query != NULL ? 1 : -1;

    if (query != NULL) {
        sqlite3_bind_int64(query, 1, work->before_us);
        sqlite3_bind_int64(query, 2, work->bucket);
        statement_bind_text(query, 3, work->prefix);
    }
    work->count = 0;
    while (there > 0 && (there = statement_next(db, query, error)) > 0) {
        struct stale *stale = arena_take(work->arena, sizeof *stale, error);

        if (stale != NULL) {
            *stale = (struct stale){first, sqlite3_column_int64(query, 0), statement_text(query, 1, work->arena, error),
                                    statement_text(query, 2, work->arena, error)};
        }
        if (stale == NULL || stale->key == NULL || stale->id == NULL) {
            statement_done(query);
            return false;
        }
        first = stale;
    }
    for (; there == 0 && first != NULL; first = first->next, work->count++) {
        if (!upload_remove(db, first->bucket, first->key, first->id, &work->doomed, error)) {
            return false;
        }
    }
    return there == 0;
}

bool upload_abort_stale(struct local_store *store, const char *bucket, const char *prefix, int64_t before_us,
                        uint64_t *aborted, struct error *error)
{
    struct stale_context work = {.prefix = prefix, .before_us = before_us, .arena = arena_new(0, error)};
    bool good = work.arena != NULL;

    *aborted = 0;
    if (good && bucket != NULL) {
        const struct bucket *found = bucket_find(store, bucket, error);

        good = found != NULL;
        if (good) {
            work.bucket = found->id;
            bucket_release(store, found);
        }
    }
    do {
        arena_reset(work.arena);
        good = good && committer_do(store->committer, apply_stale, &work, error);
        doomed_remove(store, &work.doomed, good);
        *aborted += good ? work.count : 0;
    } while (good && work.count > 0);
    arena_free(work.arena);
    return good;
}
