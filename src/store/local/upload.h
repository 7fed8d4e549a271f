/* Uploads in parts: S3's multipart uploads. */
#ifndef AISLE_STORE_LOCAL_UPLOAD_H
#define AISLE_STORE_LOCAL_UPLOAD_H

#include "store/local/object.h"

#define UPLOAD_MAX_PARTS 10000
#define UPLOAD_MIN_PART_BYTES (UINT64_C(5) << 20)

struct upload {
    const char *id, *key, *owner, *storage_class;
    int64_t started_us;
    bool checksum_given;
    enum digest_kind checksum_kind;
    bool checksum_composite;
    enum object_encryption encryption;
    const char *customer_key_md5;
};

/* Begins; `options` says all of the object but its bytes. `checksum`: what its parts carry. Gives the id. */
const char *upload_create(struct local_store *store, const struct object_put *options,
                          const struct object_checksum *checksum, struct arena *arena, struct error *error);
/* NoSuchUpload. */
bool upload_head(struct local_store *store, const char *bucket, const char *key, const char *id, struct arena *arena,
                 struct upload *upload, struct error *error);

/* A part is put like an object: write, then finish with what is expected. `customer_key` as the upload was begun. */
struct put *upload_part_begin(struct local_store *store, const char *bucket, const char *key, const char *id,
                              unsigned number, const uint8_t *customer_key, unsigned digests, struct error *error);
struct upload_part {
    unsigned number;
    uint64_t size_bytes;
    int64_t modified_us;
    const char *etag;
    struct object_checksum checksum;
};
bool upload_part_finish(struct put *put, const struct put_expected *expected, struct arena *arena,
                        struct upload_part *part, struct error *error);
/* A part from a range of an object; `size_bytes` UINT64_MAX: to its end. */
struct upload_copy {
    struct object_place from;
    const uint8_t *from_customer_key;
    struct object_conditions conditions;
    uint64_t offset, size_bytes;
};
bool upload_part_copy(struct put *put, const struct upload_copy *copy, struct arena *arena, struct upload_part *part,
                      struct error *error);

/* One of the parts that a client names to complete. */
struct upload_named {
    unsigned number;
    const char *etag;            /* quotes taken off */
    const char *checksum_base64; /* NULL: not given */
};
struct upload_complete {
    const char *bucket, *key, *id;
    const struct upload_named *parts;
    size_t part_count;
    struct object_conditions conditions;
    const char *checksum_base64; /* of the whole, NULL: not given */
    bool size_given;
    uint64_t size_bytes; /* x-amz-mp-object-size */
    const char *request_id, *source_ip;
};
/* InvalidPart, InvalidPartOrder, EntityTooSmall, NoSuchUpload; completing the same upload again with the same parts
 * gives the same answer for a day. */
bool upload_complete(struct local_store *store, const struct upload_complete *complete, struct arena *arena,
                     struct object *object, struct error *error);
bool upload_abort(struct local_store *store, const char *bucket, const char *key, const char *id, struct error *error);

/* Aborts those that were begun before a time: of all buckets when `bucket` is NULL; `prefix` "" for all keys. */
#define UPLOAD_STALE_US (INT64_C(7) * 86400 * 1000000)
bool upload_abort_stale(struct local_store *store, const char *bucket, const char *prefix, int64_t before_us,
                        uint64_t *aborted, struct error *error);

struct upload_listing {
    const char *bucket, *prefix, *delimiter, *after_key, *after_id;
    unsigned most;
};
struct upload_page {
    struct upload *uploads;
    size_t upload_count;
    const char **prefixes;
    size_t prefix_count;
    bool truncated;
    const char *next_key, *next_id;
};
bool upload_list(struct local_store *store, const struct upload_listing *listing, struct arena *arena,
                 struct upload_page *page, struct error *error);
bool upload_parts(struct local_store *store, const char *bucket, const char *key, const char *id, unsigned after,
                  unsigned most, struct arena *arena, struct upload_part **parts, size_t *count, bool *truncated,
                  struct error *error);

#endif
