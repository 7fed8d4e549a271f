/* Parts of an upload: their bytes come in like an object's, and wait in bodies of their own. */
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/memory.h"
#include "store/local/upload_private.h"

#define COPY_BYTES (1U << 20)
#define PART_MAX_BYTES (UINT64_C(5) << 30)

static const char former_sql[] = "SELECT body FROM part WHERE upload = ?1 AND number = ?2";
static const char insert_sql[] = "INSERT OR REPLACE INTO part(upload, number, body, size_bytes, modified_us, hash, "
                                 "checksum_kind, checksum) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/* What a put is a part of. */
struct upload_target {
    int64_t bucket;
    const char *key, *id;
    unsigned number;
    bool checksum_given;
    enum digest_kind checksum_kind;
};

/* The key must be that which the upload was begun with. */
static bool check_customer_key(const struct upload *upload, const uint8_t *customer_key, struct error *error)
{
    uint8_t md5[DIGEST_MAX_BYTES];
    char text[32];

    if ((upload->encryption == ENCRYPTION_CUSTOMER) != (customer_key != NULL)) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               customer_key == NULL
                                   ? "the upload was begun with a customer's key, which must come with each part"
                                   : "the upload was begun without a customer's key, so its parts cannot have one");
    }
    if (customer_key == NULL) {
        return true;
    }
    if (!digest_once(DIGEST_MD5, customer_key, KEY_BYTES, md5, error)) {
        return false;
    }
    digest_base64(md5, ETAG_BYTES, text);
    return (upload->customer_key_md5 != NULL && strcmp(text, upload->customer_key_md5) == 0) ||
           error_set_named(error, ERROR_INVALID, "InvalidRequest",
                           "the customer's key is not the one that the upload was begun with");
}

static bool fill_target(struct put *put, struct local_store *store, const char *bucket, const struct upload *upload,
                        struct error *error)
{
    const struct bucket *found = bucket_find(store, bucket, error);

    put->part = found != NULL ? arena_zeroed(put->arena, sizeof *put->part, error) : NULL;
    if (put->part != NULL) {
        put->part->bucket = found->id;
        put->part->key = upload->key;
        put->part->id = upload->id;
        put->part->checksum_given = upload->checksum_given;
        put->part->checksum_kind = upload->checksum_kind;
    }
    if (found != NULL) {
        bucket_release(store, found);
    }
    return put->part != NULL;
}

static bool begin(struct put *put, struct local_store *store, const char *bucket, const struct upload *upload,
                  const uint8_t *customer_key, unsigned digests, struct error *error)
{
    unsigned class = 0;

    if (!check_customer_key(upload, customer_key, error) || !fill_target(put, store, bucket, upload, error) ||
        !storage_class_number(upload->storage_class, &class, error)) {
        return false;
    }
    struct intake_options options = {
        .encryption = upload->encryption,
        .customer_key = customer_key,
        .compressed = storage_class_compressed(class),
        .digests = digests | (upload->checksum_given ? 1U << upload->checksum_kind : 0U),
    };

    return intake_begin(&put->intake, store, &options, error);
}

struct put *upload_part_begin(struct local_store *store, const char *bucket, const char *key, const char *id,
                              unsigned number, const uint8_t *customer_key, unsigned digests, struct error *error)
{
    struct upload upload;

    if (number < 1 || number > UPLOAD_MAX_PARTS) {
        error_set_named(error, ERROR_INVALID, "InvalidArgument", "a part's number must be 1 to %d, not %u",
                        UPLOAD_MAX_PARTS, number);
        return NULL;
    }
    struct put *put = memory_zeroed(sizeof *put, error);

    if (put == NULL) {
        return NULL;
    }
    put->arena = arena_new(0, error);
    if (put->arena == NULL || !upload_head(store, bucket, key, id, put->arena, &upload, error) ||
        !begin(put, store, bucket, &upload, customer_key, digests, error)) {
        object_put_abandon(put);
        return NULL;
    }
    put->part->number = number;
    return put;
}

struct part_context {
    const struct upload_target *target;
    const struct body *body;
    const struct intake_sums *sums;
    struct arena *arena;
    int64_t modified_us;
    struct doomed doomed;
    bool applied;
};

/* Takes away the part of that number that came before. */
static bool release_former(struct statement_cache *db, struct part_context *work, struct error *error)
{
    sqlite3_stmt *former = statement_get(db, former_sql, error);

    if (former == NULL) {
        return false;
    }
    statement_bind_text(former, 1, work->target->id);
    sqlite3_bind_int64(former, 2, work->target->number);
    int there = statement_next(db, former, error);
    int64_t body = there > 0 ? sqlite3_column_int64(former, 0) : 0;

    statement_done(former);
    return there == 0 || (there > 0 && body_release(db, body, &work->doomed, error));
}

static bool insert_part(struct statement_cache *db, const struct part_context *work, int64_t body, struct error *error)
{
    sqlite3_stmt *insert = statement_get(db, insert_sql, error);

    if (insert == NULL) {
        return false;
    }
    statement_bind_text(insert, 1, work->target->id);
    sqlite3_bind_int64(insert, 2, work->target->number);
    sqlite3_bind_int64(insert, 3, body);
    sqlite3_bind_int64(insert, 4, (int64_t)work->body->size_bytes);
    sqlite3_bind_int64(insert, 5, work->modified_us);
    sqlite3_bind_blob(insert, 6, work->sums->md5, ETAG_BYTES, SQLITE_STATIC);
    if (work->sums->checksum.present) {
        sqlite3_bind_int64(insert, 7, work->sums->checksum.kind);
    } else {
        sqlite3_bind_null(insert, 7);
    }
    statement_bind_text(insert, 8, work->sums->checksum.present ? work->sums->checksum.value : NULL);
    return statement_run(db, insert, error);
}

static bool apply_part(void *context, struct statement_cache *db, struct error *error)
{
    struct part_context *work = context;
    const struct upload_target *target = work->target;
    struct upload_row row;
    int64_t body = 0;
    int there = upload_row_find(db, target->bucket, target->key, target->id, work->arena, &row, error);

    if (there == 0 || (there > 0 && row.completed)) {
        return upload_absent(target->key, target->id, error);
    }
    work->applied = there > 0 && release_former(db, work, error) && body_insert(db, work->body, &body, error) &&
                    insert_part(db, work, body, error);
    return work->applied;
}

/* The checksum that the upload was begun with is computed where it was not sent. */
static bool expect(const struct upload_target *target, const struct put_expected *given, struct put_expected *expected,
                   struct error *error)
{
    *expected = *given;
    if (!target->checksum_given) {
        return true;
    }
    if (given->checksum_given && given->checksum_kind != target->checksum_kind) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               "the part's checksum is of another algorithm than the upload was begun with");
    }
    expected->checksum_given = true;
    expected->checksum_kind = target->checksum_kind;
    return true;
}

bool upload_part_finish(struct put *put, const struct put_expected *expected, struct arena *arena,
                        struct upload_part *part, struct error *error)
{
    struct local_store *store = put->intake.store;
    struct put_expected all;
    struct intake_sums sums;
    struct body body;
    char etag[2 * ETAG_BYTES + 1];

    if (put->intake.size_bytes > PART_MAX_BYTES) {
        return error_set_named(error, ERROR_LIMIT, "EntityTooLarge", "a part may have no more than 5 GiB");
    }
    if (!expect(put->part, expected, &all, error) || !intake_finish(&put->intake, &all, &sums, &body, error)) {
        return false;
    }
    if (failpoint_hit("upload.stored")) {
        return error_set(error, ERROR_IO, "the part was stopped by a failpoint");
    }
    struct part_context work = {
        .target = put->part, .body = &body, .sums = &sums, .arena = put->arena, .modified_us = clock_now_us()};
    bool committed = committer_do(store->committer, apply_part, &work, error);

    doomed_remove(store, &work.doomed, committed);
    if (!committed) {
        put_failed(&put->intake, work.applied);
        return false;
    }
    intake_keep(&put->intake);
    digest_hex(sums.md5, ETAG_BYTES, etag);
    *part = (struct upload_part){
        .number = put->part->number,
        .size_bytes = body.size_bytes,
        .modified_us = work.modified_us,
        .etag = arena_text(arena, etag, 2 * ETAG_BYTES, error),
        .checksum = sums.checksum,
    };
    return part->etag != NULL;
}

/* Whether the range lies in the object; its length. */
static bool check_range(const struct upload_copy *copy, const struct object *object, uint64_t *size_bytes,
                        struct error *error)
{
    uint64_t left = copy->offset <= object->size_bytes ? object->size_bytes - copy->offset : 0;

    *size_bytes = copy->size_bytes == UINT64_MAX ? left : copy->size_bytes;
    if (copy->offset > object->size_bytes || *size_bytes > left) {
        return error_set_named(error, ERROR_INVALID, "InvalidArgument",
                               "the range that is to be copied does not lie in the object, which has %llu bytes",
                               (unsigned long long)object->size_bytes);
    }
    return *size_bytes <= PART_MAX_BYTES ||
           error_set_named(error, ERROR_LIMIT, "EntityTooLarge", "a part may have no more than 5 GiB");
}

static bool copy_bytes(struct put *put, struct object_reader *reader, uint64_t offset, uint64_t size_bytes,
                       struct error *error)
{
    void *step __attribute__((cleanup(memory_release))) = memory_array(COPY_BYTES, 1, error);

    while (step != NULL && size_bytes > 0) {
        size_t wanted = size_bytes < COPY_BYTES ? (size_t)size_bytes : COPY_BYTES;
        ssize_t got = object_read(reader, step, wanted, offset, error);

        if (got < 0 || ((size_t)got < wanted && !error_set(error, ERROR_CORRUPT, "an object ends too early")) ||
            !intake_write(&put->intake, step, wanted, error)) {
            return false;
        }
        offset += wanted;
        size_bytes -= wanted;
    }
    return step != NULL;
}

bool upload_part_copy(struct put *put, const struct upload_copy *copy, struct arena *arena, struct upload_part *part,
                      struct error *error)
{
    struct object object;
    struct put_expected expected = {0};
    uint64_t size_bytes = 0;
    struct object_reader *reader =
        object_open(put->intake.store, &copy->from, copy->from_customer_key, arena, &object, error);

    if (reader == NULL) {
        return false;
    }
    bool good = object_conditions_hold(&object, &copy->conditions, error);

    if (!good && error->name != NULL && strcmp(error->name, "NotModified") == 0) {
        error->name = "PreconditionFailed";
    }
    good = good && check_range(copy, &object, &size_bytes, error) &&
           copy_bytes(put, reader, copy->offset, size_bytes, error);
    object_close(reader);
    return good && upload_part_finish(put, &expected, arena, part, error);
}
