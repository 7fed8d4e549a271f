/* Completing an upload: the parts' bodies become the pieces of one body; no bytes are moved. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "store/local/upload_private.h"

/* How long completing again gives the same answer. */
#define REMEMBER_US (INT64_C(86400) * 1000000)

static const char part_sql[] = "SELECT body, size_bytes, hash, checksum_kind, checksum FROM part "
                               "WHERE upload = ?1 AND number = ?2";
static const char take_sql[] = "DELETE FROM part WHERE upload = ?1 AND number = ?2";
static const char done_sql[] =
    "UPDATE upload SET completed_us = ?4, request = ?5, object_rank = ?6, object_flags = ?7, "
    "size_bytes = ?8, modified_us = ?9, hash = ?10, part_count = ?11, checksum = ?12, "
    "detail = NULL WHERE bucket = ?1 AND key = ?2 AND id = ?3";
static const char again_sql[] = "SELECT request, object_rank, object_flags, size_bytes, modified_us, hash, part_count, "
                                "checksum FROM upload WHERE bucket = ?1 AND key = ?2 AND id = ?3 AND completed_us > ?4";
static const char forget_sql[] = "DELETE FROM upload WHERE completed_us <= ?1";

struct complete_context {
    struct local_store *store;
    const struct upload_complete *complete;
    struct arena *arena;
    struct upload_row row;
    struct object asked; /* what the upload's flags say of the object: its checksum */
    uint8_t request[DIGEST_MAX_BYTES];
    struct body_piece *pieces;
    uint64_t size_bytes;
    struct object_checksum checksum;
    struct object_install install;
    bool repeated; /* it was complete already */
    struct doomed doomed;
};

static bool invalid_part(const struct upload_named *named, struct error *error)
{
    return error_set_named(error, ERROR_INVALID, "InvalidPart",
                           "part %u was not uploaded, or its ETag or checksum is not the one that was given",
                           named->number);
}

/* What tells one request to complete from another: the SHA-256 of the parts it names. */
static bool request_of(const struct upload_complete *complete, uint8_t request[DIGEST_MAX_BYTES], struct error *error)
{
    struct digest *digest = digest_new(1U << DIGEST_SHA256, error);
    bool good = digest != NULL;

    for (size_t p = 0; good && p < complete->part_count; p++) {
        char number[16];

        snprintf(number, sizeof number, "%u ", complete->parts[p].number);
        good = digest_add(digest, number, strlen(number), error) &&
               digest_add(digest, complete->parts[p].etag, strlen(complete->parts[p].etag) + 1, error);
    }
    good = good && digest_value(digest, DIGEST_SHA256, request, error);
    digest_free(digest);
    return good;
}

static bool check_order(const struct upload_complete *complete, struct error *error)
{
    if (complete->part_count == 0) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest", "at least one part must be named");
    }
    for (size_t p = 1; p < complete->part_count; p++) {
        if (complete->parts[p].number <= complete->parts[p - 1].number) {
            return error_set_named(error, ERROR_INVALID, "InvalidPartOrder",
                                   "the parts must be named in ascending order: %u comes after %u",
                                   complete->parts[p].number, complete->parts[p - 1].number);
        }
    }
    return true;
}

/* Whether a part's checksum was given as it must be. */
static bool check_given(const struct complete_context *work, const struct upload_named *named,
                        const struct object_checksum *checksum, struct error *error)
{
    if (named->checksum_base64 != NULL) {
        return (checksum->present && strcmp(named->checksum_base64, checksum->value) == 0) ||
               invalid_part(named, error);
    }
    return !work->asked.checksum.present || !work->asked.checksum.composite ||
           error_set_named(error, ERROR_INVALID, "InvalidRequest",
                           "the upload was begun with a checksum for each part; that of part %u is missing",
                           named->number);
}

static bool read_part(sqlite3_stmt *query, struct complete_context *work, size_t p, uint8_t md5[ETAG_BYTES],
                      struct error *error)
{
    const struct upload_named *named = &work->complete->parts[p];
    struct body_piece *piece = &work->pieces[p];
    const void *hash = sqlite3_column_blob(query, 2);
    const char *checksum = (const char *)sqlite3_column_text(query, 4);
    uint8_t given[ETAG_BYTES];

    *piece = (struct body_piece){
        .body = sqlite3_column_int64(query, 0),
        .number = named->number,
        .offset = work->size_bytes,
        .size_bytes = (uint64_t)sqlite3_column_int64(query, 1),
    };
    if (hash == NULL || sqlite3_column_bytes(query, 2) != ETAG_BYTES) {
        return error_set(error, ERROR_CORRUPT, "the row of part %u is damaged; run aisle fsck", named->number);
    }
    memcpy(md5, hash, ETAG_BYTES);
    if (checksum != NULL) {
        piece->checksum.present = true;
        piece->checksum.kind = (enum digest_kind)sqlite3_column_int(query, 3);
        snprintf(piece->checksum.value, sizeof piece->checksum.value, "%s", checksum);
    }
    if (!digest_from_hex(named->etag, given, sizeof given) || memcmp(given, md5, sizeof given) != 0) {
        return invalid_part(named, error);
    }
    if (piece->size_bytes < UPLOAD_MIN_PART_BYTES && p + 1 < work->complete->part_count) {
        return error_set_named(error, ERROR_INVALID, "EntityTooSmall",
                               "part %u has %llu bytes: every part but the last must have at least 5 MiB",
                               named->number, (unsigned long long)piece->size_bytes);
    }
    work->size_bytes += piece->size_bytes;
    return check_given(work, named, &piece->checksum, error);
}

/* Takes the checksum of one part into that of the whole. */
static bool join_checksum(struct complete_context *work, const struct body_piece *piece, struct digest *composite,
                          uint8_t whole[DIGEST_MAX_BYTES], struct error *error)
{
    enum digest_kind kind = work->asked.checksum.kind;
    uint8_t value[DIGEST_MAX_BYTES];
    uint8_t joined[8];

    if (!work->asked.checksum.present) {
        return true;
    }
    if (!piece->checksum.present || piece->checksum.kind != kind ||
        !digest_from_base64(piece->checksum.value, value, digest_bytes(kind))) {
        return error_set(error, ERROR_CORRUPT, "part %u has not the checksum it must have; run aisle fsck",
                         piece->number);
    }
    if (work->asked.checksum.composite) {
        return digest_add(composite, value, digest_bytes(kind), error);
    }
    if (piece->offset == 0 && piece == work->pieces) {
        memcpy(whole, value, digest_bytes(kind));
        return true;
    }
    if (!digest_join(kind, whole, value, piece->size_bytes, joined, error)) {
        return false;
    }
    memcpy(whole, joined, digest_bytes(kind));
    return true;
}

/* Reads every part that is named, and makes the ETag and the checksum of the whole. */
static bool gather(struct complete_context *work, struct statement_cache *db, struct digest *etag,
                   struct digest *composite, struct error *error)
{
    const struct upload_complete *complete = work->complete;
    enum digest_kind kind = work->asked.checksum.kind;
    uint8_t value[DIGEST_MAX_BYTES] = {0};
    uint8_t md5[ETAG_BYTES];
    sqlite3_stmt *query = statement_get(db, part_sql, error);

    if (query == NULL) {
        return false;
    }
    for (size_t p = 0; p < complete->part_count; p++) {
        sqlite3_reset(query);
        statement_bind_text(query, 1, complete->id);
        sqlite3_bind_int64(query, 2, complete->parts[p].number);
        int there = statement_next(db, query, error);
        bool good = there > 0 && read_part(query, work, p, md5, error);

        if (there > 0) {
            statement_done(query);
        }
        if (there == 0) {
            return invalid_part(&complete->parts[p], error);
        }
        if (!good || !digest_add(etag, md5, sizeof md5, error) ||
            !join_checksum(work, &work->pieces[p], composite, value, error)) {
            return false;
        }
    }
    if (work->asked.checksum.present) {
        if (work->asked.checksum.composite && !digest_value(composite, kind, value, error)) {
            return false;
        }
        work->checksum = work->asked.checksum;
        digest_base64(value, digest_bytes(kind), work->checksum.value);
    }
    return digest_value(etag, DIGEST_MD5, value, error) && memcpy(work->install.etag, value, ETAG_BYTES) != NULL;
}

/* Compares with what was said of the whole. */
static bool check_whole(struct complete_context *work, struct error *error)
{
    const struct upload_complete *complete = work->complete;
    const struct object_checksum *checksum = &work->checksum;
    size_t length = strlen(checksum->value);

    if (complete->size_given && complete->size_bytes != work->size_bytes) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               "x-amz-mp-object-size says %llu bytes, and the parts have %llu",
                               (unsigned long long)complete->size_bytes, (unsigned long long)work->size_bytes);
    }
    if (work->size_bytes > OBJECT_MAX_BYTES) {
        return error_set_named(error, ERROR_LIMIT, "EntityTooLarge", "an object may have no more than 5 TiB");
    }
    if (complete->checksum_base64 == NULL) {
        return true;
    }
    if (!checksum->present || strncmp(complete->checksum_base64, checksum->value, length) != 0 ||
        (complete->checksum_base64[length] != '\0' &&
         (!checksum->composite || complete->checksum_base64[length] != '-'))) {
        return error_set_named(error, ERROR_INVALID, "BadDigest",
                               "the checksum that was given for the object is not that of its parts (%s)",
                               checksum->present ? checksum->value : "they have none");
    }
    return true;
}

/* The named parts' rows go without their bodies, whose references the pieces have. */
static bool take_parts(struct complete_context *work, struct statement_cache *db, struct error *error)
{
    sqlite3_stmt *take = statement_get(db, take_sql, error);

    for (size_t p = 0; take != NULL && p < work->complete->part_count; p++) {
        sqlite3_reset(take);
        statement_bind_text(take, 1, work->complete->id);
        sqlite3_bind_int64(take, 2, work->complete->parts[p].number);
        if (!statement_run(db, take, error)) {
            return false;
        }
    }
    return take != NULL && upload_remove_parts(db, work->complete->id, &work->doomed, error);
}

static bool forget_old(struct statement_cache *db, int64_t now_us, struct error *error)
{
    sqlite3_stmt *forget = statement_get(db, forget_sql, error);

    if (forget == NULL) {
        return false;
    }
    sqlite3_bind_int64(forget, 1, now_us - REMEMBER_US);
    return statement_run(db, forget, error);
}

/* What is to be answered when the same comes again. */
static bool remember(struct complete_context *work, struct statement_cache *db, struct error *error)
{
    const struct object_row *row = &work->install.row;
    sqlite3_stmt *done = statement_get(db, done_sql, error);

    if (done == NULL) {
        return false;
    }
    sqlite3_bind_int64(done, 1, work->row.bucket);
    statement_bind_text(done, 2, work->complete->key);
    statement_bind_text(done, 3, work->complete->id);
    sqlite3_bind_int64(done, 4, clock_now_us());
    sqlite3_bind_blob(done, 5, work->request, SHA256_BYTES, SQLITE_STATIC);
    sqlite3_bind_int64(done, 6, row->rank);
    sqlite3_bind_int64(done, 7, row->flags & ~(unsigned)OBJECT_OWNER);
    sqlite3_bind_int64(done, 8, (int64_t)row->size_bytes);
    sqlite3_bind_int64(done, 9, row->modified_us);
    sqlite3_bind_blob(done, 10, row->etag, ETAG_BYTES, SQLITE_STATIC);
    sqlite3_bind_int64(done, 11, row->part_count);
    statement_bind_text(done, 12, work->checksum.present ? work->checksum.value : NULL);
    return statement_run(db, done, error) && forget_old(db, clock_now_us(), error);
}

/* The answer to what was completed with the same parts before: 1, 0 it was not, -1. */
static int recall(struct complete_context *work, struct statement_cache *db, struct error *error)
{
    struct object_row *row = &work->install.row;
    sqlite3_stmt *again = statement_get(db, again_sql, error);

    if (again == NULL) {
        return -1;
    }
    sqlite3_bind_int64(again, 1, work->row.bucket);
    statement_bind_text(again, 2, work->complete->key);
    statement_bind_text(again, 3, work->complete->id);
    sqlite3_bind_int64(again, 4, clock_now_us() - REMEMBER_US);
    int there = statement_next(db, again, error);

    if (there <= 0) {
        return there;
    }
    const void *request = sqlite3_column_blob(again, 0);
    const void *hash = sqlite3_column_blob(again, 5);
    const char *checksum = (const char *)sqlite3_column_text(again, 7);

    if (request == NULL || sqlite3_column_bytes(again, 0) != SHA256_BYTES || hash == NULL ||
        sqlite3_column_bytes(again, 5) != ETAG_BYTES || memcmp(request, work->request, SHA256_BYTES) != 0) {
        there = 0;
    } else {
        memset(row, 0, sizeof *row);
        row->rank = sqlite3_column_int64(again, 1);
        row->flags = (unsigned)sqlite3_column_int64(again, 2);
        row->size_bytes = (uint64_t)sqlite3_column_int64(again, 3);
        row->modified_us = sqlite3_column_int64(again, 4);
        memcpy(row->etag, hash, ETAG_BYTES);
        row->part_count = (unsigned)sqlite3_column_int(again, 6);
        snprintf(work->checksum.value, sizeof work->checksum.value, "%s", checksum != NULL ? checksum : "");
        work->repeated = true;
    }
    statement_done(again);
    return there;
}

static bool install(struct complete_context *work, struct statement_cache *db, struct error *error)
{
    const struct upload_complete *complete = work->complete;
    struct object_install *install = &work->install;

    install->packed = work->row.packed;
    install->packed.flags &= ~(OBJECT_NUMBER_MASK << OBJECT_CHECKSUM_SHIFT | (unsigned)OBJECT_COMPOSITE);
    if (work->checksum.present && work->checksum.composite) {
        size_t length = strlen(work->checksum.value);

        snprintf(work->checksum.value + length, sizeof work->checksum.value - length, "-%zu", complete->part_count);
    }
    if (!object_pack_checksum(&install->packed, &work->checksum, work->arena, error) ||
        !body_insert_pieces(db, work->pieces, complete->part_count, work->size_bytes, &install->body, error)) {
        return false;
    }
    install->bucket = complete->bucket;
    install->bucket_id = work->row.bucket;
    install->key = complete->key;
    install->conditions = &complete->conditions;
    install->size_bytes = work->size_bytes;
    install->part_count = (unsigned)complete->part_count;
    install->event = "ObjectCreated:CompleteMultipartUpload";
    install->owner = work->row.owner;
    install->request_id = complete->request_id;
    install->source_ip = complete->source_ip;
    return object_install(db, install, &work->doomed, error);
}

static bool complete_new(struct complete_context *work, struct statement_cache *db, struct error *error)
{
    object_unpack_flags(work->row.packed.flags, &work->asked);
    bool composite = work->asked.checksum.present && work->asked.checksum.composite;
    struct digest *etag = digest_new(1U << DIGEST_MD5, error);
    struct digest *checksums = etag != NULL ? digest_new(composite ? 1U << work->asked.checksum.kind : 0, error) : NULL;
    bool good = checksums != NULL && gather(work, db, etag, checksums, error);

    digest_free(etag);
    digest_free(checksums);
    return good && check_whole(work, error) && install(work, db, error) && take_parts(work, db, error) &&
           remember(work, db, error);
}

static bool apply_complete(void *context, struct statement_cache *db, struct error *error)
{
    struct complete_context *work = context;
    const struct upload_complete *complete = work->complete;
    struct bucket_row bucket;

    if (!bucket_row_find(db, complete->bucket, &bucket, error)) {
        return false;
    }
    int there = upload_row_find(db, bucket.id, complete->key, complete->id, work->arena, &work->row, error);

    if (there > 0 && work->row.completed) {
        there = recall(work, db, error);
        return there > 0 || (there == 0 && upload_absent(complete->key, complete->id, error));
    }
    if (there == 0) {
        return upload_absent(complete->key, complete->id, error);
    }
    return there > 0 && complete_new(work, db, error);
}

/* The object as it was made, from the row that was written or remembered. */
static bool answer(struct complete_context *work, struct arena *arena, struct object *object, struct error *error)
{
    const struct bucket *bucket = bucket_find(work->store, work->complete->bucket, error);

    if (bucket == NULL) {
        return false;
    }
    bool good = object_unpack(bucket, work->complete->key, &work->install.row, true, arena, object, error);

    bucket_release(work->store, bucket);
    if (good && work->repeated) {
        memcpy(object->checksum.value, work->checksum.value, sizeof object->checksum.value);
    }
    return good;
}

bool upload_complete(struct local_store *store, const struct upload_complete *complete, struct arena *arena,
                     struct object *object, struct error *error)
{
    struct complete_context work = {.store = store, .complete = complete, .arena = arena};

    if (!check_order(complete, error) || !request_of(complete, work.request, error)) {
        return false;
    }
    work.pieces = arena_zeroed(arena, complete->part_count * sizeof *work.pieces, error);
    if (work.pieces == NULL) {
        return false;
    }
    bool committed = committer_do(store->committer, apply_complete, &work, error);

    doomed_remove(store, &work.doomed, committed);
    return committed && answer(&work, arena, object, error);
}
