/* The object store that tasks read and write: the port.
 *
 * Two implementations: the local store in the data folder (store/local/local_port.h) and an S3 client
 * (store/remote/remote.h). One contract suite runs over both. All functions may be called from any thread; a reader or
 * writer belongs to one thread at a time.
 *
 * Failures carry S3's names: NoSuchBucket, NoSuchKey, NoSuchVersion, PreconditionFailed, InvalidRange, AccessDenied, …
 */
#ifndef AISLE_STORE_STORE_H
#define AISLE_STORE_STORE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"

struct store;
struct store_reader;
struct store_writer;

struct store_field {
    const char *name, *value;
};

/* What is known of an object. Texts live in the arena that was given. */
struct store_object {
    const char *key;
    const char *version_id; /* "" where the bucket keeps none */
    uint64_t size_bytes;
    int64_t modified_us;
    const char *etag;                   /* without quotes */
    const char *sha256;                 /* 64 hexadecimal digits, "" when not known */
    const char *content_type;           /* "" when not known (listings) */
    const struct store_field *metadata; /* of the user, names without x-amz-meta- */
    size_t metadata_count;
};

void store_free(struct store *store);

/* ERROR_NOT_FOUND when it is not there. */
bool store_head(struct store *store, const char *bucket, const char *key, struct arena *arena,
                struct store_object *object, struct error *error);

/* Opens an object for reading. What is read is of one version, whatever is written meanwhile. */
struct store_reader *store_open(struct store *store, const char *bucket, const char *key, struct error *error);
const struct store_object *store_reader_object(const struct store_reader *reader);
/* Reads up to `size` bytes at `offset`; fewer only at the end. -1 on failure. */
ssize_t store_read(struct store_reader *reader, void *data, size_t size, uint64_t offset, struct error *error);
void store_close(struct store_reader *reader);

struct store_put {
    const char *bucket, *key;
    const char *content_type;           /* NULL: application/octet-stream */
    const struct store_field *metadata; /* of the user */
    size_t metadata_count;
    bool only_if_absent;  /* PreconditionFailed when the key has an object */
    const char *if_match; /* an ETag that the object must have; NULL: any */
};

/* Writes an object: nothing of it is seen before store_finish returns true; then it is durable. store_abandon frees the
 * writer in either case and takes back what was not finished. */
struct store_writer *store_create(struct store *store, const struct store_put *put, struct error *error);
bool store_write(struct store_writer *writer, const void *data, size_t size, struct error *error);
bool store_finish(struct store_writer *writer, struct arena *arena, struct store_object *object, struct error *error);
void store_abandon(struct store_writer *writer);

/* A whole file of this machine, in parallel parts where that pays; and back. */
bool store_upload(struct store *store, const struct store_put *put, const char *path, struct error *error);
bool store_download(struct store *store, const char *bucket, const char *key, const char *path, struct error *error);

bool store_copy(struct store *store, const char *bucket, const char *key, const struct store_put *to,
                struct error *error);

/* An absent key is success. */
bool store_delete(struct store *store, const char *bucket, const char *key, struct error *error);

struct store_listing {
    const char *prefix;      /* "" for all */
    const char *delimiter;   /* "" for none */
    const char *start_after; /* "" for the beginning */
};
/* Every object, and every common prefix (with `object.key` ending in the delimiter and `is_prefix`), in the order of
 * keys' bytes, page by page underneath. `visit` may stop by returning false with `error` set. */
bool store_list(struct store *store, const char *bucket, const struct store_listing *listing,
                bool (*visit)(void *context, const struct store_object *object, bool is_prefix, struct error *error),
                void *context, struct error *error);

bool store_list_buckets(struct store *store,
                        bool (*visit)(void *context, const char *bucket, int64_t created_us, struct error *error),
                        void *context, struct error *error);
bool store_make_bucket(struct store *store, const char *bucket, struct error *error);   /* ours already: success */
bool store_remove_bucket(struct store *store, const char *bucket, struct error *error); /* BucketNotEmpty */

/* A URL that gives the object to whoever has it, for so long. */
const char *store_presign(struct store *store, const char *method, const char *bucket, const char *key,
                          int64_t expires_seconds, struct arena *arena, struct error *error);

/* "s3://bucket/some/key": true and both parts (key may be "") in the arena when the text is one. */
bool store_url(const char *text, struct arena *arena, const char **bucket, const char **key, struct error *error);
bool store_is_url(const char *text);

#endif
