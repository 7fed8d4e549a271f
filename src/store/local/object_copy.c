/* Copying: the new row shares the body where the new object is to lie as the old one does; else the bytes are put anew.
 */
#include <string.h>

#include "base/memory.h"
#include "store/local/local_private.h"

#define COPY_BYTES ((size_t)256 << 10)

struct copy {
    struct local_store *store;
    const struct object_place *from;
    const struct object_conditions *from_conditions;
    struct object source; /* as it was when the copy began */
    int64_t from_bucket;  /* its id */
    struct arena *arena;
    struct object_install install;
    struct object_put options;
    struct doomed doomed;
    bool changed; /* the source is another one now, which is to be looked at again */
};

static bool apply_copy(void *context, struct statement_cache *db, struct error *error)
{
    struct copy *copy = context;
    struct object_found found;
    char etag[ETAG_CHARACTERS + 1];
    int there = object_row_find(db, copy->from_bucket, copy->from->key, copy->from->version_id, &found, error);

    if (there <= 0) {
        return there == 0 && object_absent(copy->from, error);
    }
    struct object_row row = found.row;

    statement_done(found.statement);
    object_row_etag(&row, etag);
    if (row.modified_us != copy->source.modified_us || strcmp(etag, copy->source.etag) != 0) {
        copy->changed = true;
        return error_set_named(error, ERROR_CONFLICT, "OperationAborted", "%s/%s changed while it was copied",
                               copy->from->bucket, copy->from->key);
    }
    copy->install.size_bytes = row.size_bytes;
    memcpy(copy->install.etag, row.etag, ETAG_BYTES);
    copy->install.part_count = row.part_count;
    copy->install.sha256 = row.has_sha256 ? row.sha256 : NULL;
    copy->install.body = row.body;
    return body_share(db, row.body, error) && object_install(db, &copy->install, &copy->doomed, error);
}

/* Whether the new object's bytes are to lie as the old one's. */
static bool lies_alike(const struct copy *copy, const struct packed *packed)
{
    const struct object *source = &copy->source;
    unsigned class = 0;
    bool checksum_there = copy->options.digests == 0 ||
                          (source->checksum.present && copy->options.digests == 1U << source->checksum.kind);

    return source->encryption == copy->options.encryption && source->encryption != ENCRYPTION_CUSTOMER &&
           checksum_there && storage_class_number(source->storage_class, &class, NULL) &&
           storage_class_compressed(class) ==
               storage_class_compressed(packed->flags >> OBJECT_CLASS_SHIFT & OBJECT_NUMBER_MASK);
}

static bool share(struct copy *copy, const struct bucket *to, struct packed packed, struct arena *arena,
                  struct object *object, struct error *error)
{
    copy->install = (struct object_install){.bucket = copy->options.bucket,
                                            .bucket_id = to->id,
                                            .key = copy->options.key,
                                            .conditions = &copy->options.conditions,
                                            .packed = packed,
                                            .event = copy->options.event,
                                            .owner = copy->options.owner,
                                            .request_id = copy->options.request_id,
                                            .source_ip = copy->options.source_ip};
    bool committed = committer_do(copy->store->committer, apply_copy, copy, error);

    doomed_remove(copy->store, &copy->doomed, committed);
    return committed && object_unpack(to, copy->options.key, &copy->install.row, true, arena, object, error);
}

/* Puts the bytes anew. */
static bool move_bytes(struct object_reader *reader, struct put *put, uint64_t size_bytes, struct error *error)
{
    char *piece = memory_array(COPY_BYTES, 1, error);
    uint64_t offset = 0;
    bool good = piece != NULL;

    while (good && offset < size_bytes) {
        ssize_t got = object_read(reader, piece, COPY_BYTES, offset, error);

        good = got > 0 && object_put_write(put, piece, (size_t)got, error);
        offset += got > 0 ? (uint64_t)got : 0;
    }
    memory_free(piece);
    return good;
}

static bool rewrite(struct copy *copy, const uint8_t *from_customer_key, struct arena *arena, struct object *object,
                    struct error *error)
{
    struct object source;
    struct object_reader *reader = object_open(copy->store, copy->from, from_customer_key, copy->arena, &source, error);
    struct put *put = NULL;
    bool good = false;

    if (reader != NULL &&
        (copy->from_conditions == NULL || object_conditions_hold(&source, copy->from_conditions, error))) {
        struct put_expected expected = {.size_given = true, .size_bytes = source.size_bytes};

        if (copy->options.digests == 0 && source.checksum.present && !source.checksum.composite) {
            copy->options.digests = 1U << source.checksum.kind;
        }
        for (unsigned kind = 0; kind < DIGEST_KINDS && !expected.checksum_given; kind++) {
            expected.checksum_given = (copy->options.digests & 1U << kind) != 0;
            expected.checksum_kind = (enum digest_kind)kind;
        }
        put = object_put_begin(copy->store, &copy->options, error);
        good = put != NULL && move_bytes(reader, put, source.size_bytes, error) &&
               object_put_finish(put, &expected, arena, object, error);
    }
    object_put_abandon(put);
    object_close(reader);
    return good;
}

/* One try to copy what the source is now. */
static bool copy_now(struct copy *copy, const uint8_t *from_customer_key, const struct object_put *to,
                     const struct bucket *bucket, struct arena *arena, struct object *object, struct error *error)
{
    struct packed packed;

    copy->changed = false;
    copy->options = *to;
    put_options_default(&copy->options, bucket);
    if (!object_head(copy->store, copy->from, copy->arena, &copy->source, error) || !put_options_check(to, error) ||
        (copy->from_conditions != NULL && !object_conditions_hold(&copy->source, copy->from_conditions, error)) ||
        !object_pack(&copy->options, bucket, copy->arena, &packed, error)) {
        return false;
    }
    if (!lies_alike(copy, &packed)) {
        return rewrite(copy, from_customer_key, arena, object, error);
    }
    return object_pack_checksum(&packed, &copy->source.checksum, copy->arena, error) &&
           share(copy, bucket, packed, arena, object, error);
}

bool object_copy(struct local_store *store, const struct object_place *from, const uint8_t *from_customer_key,
                 const struct object_conditions *from_conditions, const struct object_put *to, struct arena *arena,
                 struct object *object, struct error *error)
{
    struct copy copy = {.store = store, .from = from, .from_conditions = from_conditions, .arena = arena_new(0, error)};
    const struct bucket *source = copy.arena != NULL ? bucket_find(store, from->bucket, error) : NULL;
    const struct bucket *bucket = source != NULL ? bucket_find(store, to->bucket, error) : NULL;
    bool good = false;

    if (bucket != NULL) {
        copy.from_bucket = source->id;
        do {
            good = copy_now(&copy, from_customer_key, to, bucket, arena, object, error);
        } while (!good && copy.changed);
    }
    bucket_release(store, bucket);
    bucket_release(store, source);
    arena_free(copy.arena);
    return good;
}
