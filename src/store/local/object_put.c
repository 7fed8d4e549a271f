/* Putting an object: bytes into a blob, then the row and the event in one transaction. */
#include <string.h>

#include "base/failpoint.h"
#include "base/memory.h"
#include "base/str.h"
#include "store/local/local_private.h"

static bool check_key(const char *key, struct error *error)
{
    size_t length = strlen(key);
    size_t offset = 0;

    if (length == 0 || length > OBJECT_MAX_KEY_BYTES) {
        return error_set_named(error, ERROR_INVALID, "KeyTooLongError", "a key must have 1 to %d bytes, not %zu",
                               OBJECT_MAX_KEY_BYTES, length);
    }
    return str_is_utf8(str_slice(key, length), &offset) ||
           error_set_named(error, ERROR_INVALID, "InvalidArgument", "the key is not UTF-8 (at byte %zu)", offset + 1);
}

static const char *copy_text(const char *text, struct arena *arena, bool *good, struct error *error)
{
    const char *copy = text != NULL && *good ? arena_text(arena, text, strlen(text), error) : NULL;

    *good = *good && (text == NULL || copy != NULL);
    return copy;
}

bool put_options_copy(struct object_put *copy, const struct object_put *options, struct arena *arena,
                      struct error *error)
{
    bool good = true;

    /* Headers, metadata and tags are in the packed form already. */
    *copy = *options;
    copy->headers = copy->metadata = copy->tags = NULL;
    copy->header_count = copy->metadata_count = copy->tag_count = 0;
    copy->customer_key = NULL;
    copy->bucket = copy_text(options->bucket, arena, &good, error);
    copy->key = copy_text(options->key, arena, &good, error);
    copy->owner = copy_text(options->owner, arena, &good, error);
    copy->storage_class = copy_text(options->storage_class, arena, &good, error);
    copy->acl = NULL;
    copy->conditions.if_match = copy_text(options->conditions.if_match, arena, &good, error);
    copy->conditions.if_none_match = copy_text(options->conditions.if_none_match, arena, &good, error);
    copy->event = copy_text(options->event, arena, &good, error);
    copy->request_id = copy_text(options->request_id, arena, &good, error);
    copy->source_ip = copy_text(options->source_ip, arena, &good, error);
    return good;
}

void put_options_default(struct object_put *options, const struct bucket *bucket)
{
    const char *encryption = bucket->settings[BUCKET_ENCRYPTION];

    if (options->encryption == ENCRYPTION_NONE && encryption != NULL && strstr(encryption, "\"AES256\"") != NULL) {
        options->encryption = ENCRYPTION_AES256;
    }
}

bool put_options_check(const struct object_put *options, struct error *error)
{
    return check_key(options->key, error);
}

static bool begin(struct put *put, struct local_store *store, const struct object_put *given, struct error *error)
{
    const struct bucket *bucket = bucket_find(store, given->bucket, error);
    struct object_put options = *given;

    if (bucket == NULL) {
        return false;
    }
    put_options_default(&options, bucket);
    put->bucket_id = bucket->id;
    bool good = put_options_check(&options, error) && object_pack(&options, bucket, put->arena, &put->packed, error) &&
                put_options_copy(&put->options, &options, put->arena, error);

    bucket_release(store, bucket);
    struct intake_options intake = {
        .encryption = options.encryption,
        .customer_key = options.customer_key,
        .compressed = storage_class_compressed(put->packed.flags >> OBJECT_CLASS_SHIFT & OBJECT_NUMBER_MASK),
        .digests = options.digests,
    };

    return good && intake_begin(&put->intake, store, &intake, error);
}

struct put *object_put_begin(struct local_store *store, const struct object_put *options, struct error *error)
{
    struct put *put = memory_zeroed(sizeof *put, error);

    if (put == NULL) {
        return NULL;
    }
    put->arena = arena_new(0, error);
    if (put->arena == NULL || !begin(put, store, options, error)) {
        object_put_abandon(put);
        return NULL;
    }
    return put;
}

bool object_put_write(struct put *put, const void *data, size_t size, struct error *error)
{
    return intake_write(&put->intake, data, size, error);
}

struct install_context {
    const struct put *put;
    struct object_install install;
    const struct body *body;
    struct doomed doomed;
    bool applied;
};

static bool apply_put(void *context, struct statement_cache *db, struct error *error)
{
    struct install_context *work = context;

    work->applied = body_insert(db, work->body, &work->install.body, error) &&
                    object_install(db, &work->install, &work->doomed, error) &&
                    (work->put->also == NULL || work->put->also(work->put->also_context, db, error));
    return work->applied;
}

static bool answer(const struct install_context *work, struct local_store *store, struct arena *arena,
                   struct object *object, struct error *error)
{
    const struct bucket *bucket = bucket_find(store, work->install.bucket, error);

    if (bucket == NULL) {
        return false;
    }
    bool good = object_unpack(bucket, work->install.key, &work->install.row, true, arena, object, error);

    bucket_release(store, bucket);
    return good;
}

bool object_put_finish(struct put *put, const struct put_expected *expected, struct arena *arena, struct object *object,
                       struct error *error)
{
    struct intake_sums sums;
    struct body body;
    bool applied = false;

    if (!intake_finish(&put->intake, expected, &sums, &body, error)) {
        return false;
    }
    if (put_install(put, &body, &sums, arena, object, &applied, error)) {
        return true;
    }
    put_failed(&put->intake, applied);
    return false;
}

bool put_install(struct put *put, const struct body *body, const struct intake_sums *sums, struct arena *arena,
                 struct object *object, bool *applied, struct error *error)
{
    *applied = false;
    if (!object_pack_checksum(&put->packed, &sums->checksum, put->arena, error)) {
        return false;
    }
    if (failpoint_hit("object.stored")) {
        return error_set(error, ERROR_IO, "the put was stopped by a failpoint");
    }
    struct local_store *store = put->intake.store;
    struct install_context work = {
        .put = put,
        .body = body,
        .install = {.bucket = put->options.bucket,
                    .bucket_id = put->bucket_id,
                    .key = put->options.key,
                    .conditions = &put->options.conditions,
                    .packed = put->packed,
                    .size_bytes = body->size_bytes,
                    .sha256 = put->options.encryption != ENCRYPTION_CUSTOMER ? sums->sha256 : NULL,
                    .event = put->options.event,
                    .owner = put->options.owner,
                    .request_id = put->options.request_id,
                    .source_ip = put->options.source_ip},
    };

    memcpy(work.install.etag, sums->md5, ETAG_BYTES);
    bool committed = committer_do(store->committer, apply_put, &work, error);

    if (committed) {
        failpoint_hit("object.committed");
    }
    doomed_remove(store, &work.doomed, committed);
    *applied = work.applied;
    if (!committed) {
        return false;
    }
    intake_keep(&put->intake);
    return answer(&work, store, arena, object, error);
}

void put_failed(struct intake *intake, bool applied)
{
    if (applied) {
        /* The transaction failed on its way to the disk: only the next opening knows whether it is there. */
        intake_keep(intake);
        local_unclean(intake->store);
    }
}

void object_put_abandon(struct put *put)
{
    if (put != NULL) {
        intake_free(&put->intake);
        arena_free(put->arena);
        memory_free(put);
    }
}
