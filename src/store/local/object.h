/* Objects of the local store: putting, getting, deleting, copying, listing, and what is told of each. */
#ifndef AISLE_STORE_LOCAL_OBJECT_H
#define AISLE_STORE_LOCAL_OBJECT_H

#include "base/digest.h"
#include "store/local/bucket.h"

#define OBJECT_MAX_KEY_BYTES 1024
#define OBJECT_MAX_BYTES (UINT64_C(5) << 40)
#define OBJECT_MAX_TAGS 10

enum object_encryption {
    ENCRYPTION_NONE,
    ENCRYPTION_AES256,   /* under the store's key file: x-amz-server-side-encryption: AES256 */
    ENCRYPTION_CUSTOMER, /* SSE-C: the key comes with each request and is not kept */
};

enum object_lock_mode { LOCK_NONE, LOCK_GOVERNANCE, LOCK_COMPLIANCE };

/* A checksum that S3 keeps with an object (x-amz-checksum-*). */
struct object_checksum {
    bool present;
    enum digest_kind kind;
    bool composite; /* of the parts' checksums, "VALUE-N" */
    char value[64]; /* base 64, and "-N" when composite */
};

/* All that is known of one version of an object. Texts live in the arena that was given. */
struct object {
    const char *key;
    const char *version_id; /* "null" for one made without versioning */
    bool latest;
    bool delete_marker;
    uint64_t size_bytes;
    int64_t modified_us;
    const char *etag;   /* without quotes; "HEX-N" of parts */
    const char *sha256; /* 64 hexadecimal digits; "" for one of parts or under SSE-C */
    const char *owner;
    const char *storage_class;         /* "STANDARD", "GLACIER_IR", … as put, or as lifecycle moved it */
    const struct store_field *headers; /* Content-Type, Cache-Control, Content-Disposition, Content-Encoding,
                                          Content-Language, Expires, x-amz-website-redirect-location: as given */
    size_t header_count;
    const struct store_field *metadata; /* names without x-amz-meta-, in lower case */
    size_t metadata_count;
    unsigned tag_count;
    struct object_checksum checksum;
    unsigned part_count; /* 0: it was not put in parts */
    enum object_encryption encryption;
    const char *customer_key_md5; /* base 64; ENCRYPTION_CUSTOMER */
    enum object_lock_mode lock_mode;
    int64_t lock_until_us;
    bool legal_hold;
    const char *acl; /* JSON, NULL: the owner alone */
};

/* Which object; version NULL: the current one. */
struct object_place {
    const char *bucket, *key, *version_id;
};

struct object_conditions {
    const char *if_match, *if_none_match;                 /* the header's text: ETags or *; NULL: none */
    int64_t if_modified_since_us, if_unmodified_since_us; /* 0: none */
    int64_t if_size; /* deletes (x-amz-if-match-size); -1 or 0 with if_size_given false: none */
    bool if_size_given;
};

/* What comes with a new object. */
struct object_put {
    const char *bucket, *key;
    const char *owner;                 /* account id of who puts */
    const struct store_field *headers; /* see struct object */
    size_t header_count;
    const struct store_field *metadata;
    size_t metadata_count;
    const struct store_field *tags;
    size_t tag_count;
    const char *storage_class;         /* NULL: STANDARD */
    enum object_encryption encryption; /* NONE: the bucket's default */
    const uint8_t *customer_key;       /* 32 bytes; ENCRYPTION_CUSTOMER */
    enum object_lock_mode lock_mode;
    int64_t lock_until_us;
    bool legal_hold;
    const char *acl;                     /* JSON or NULL */
    struct object_conditions conditions; /* if_match and if_none_match, judged in the transaction */
    unsigned digests;                    /* bits of enum digest_kind to compute besides MD5 and SHA-256 */
    const char *event;                   /* "ObjectCreated:Put", "ObjectCreated:Post", … */
    const char *request_id;              /* for the event; NULL: none */
    const char *source_ip;
};

/* A put in progress. */
struct put;
struct put *object_put_begin(struct local_store *store, const struct object_put *options, struct error *error);
bool object_put_write(struct put *put, const void *data, size_t size, struct error *error);

/* What the bytes must be, as it becomes known (a trailer comes after them). Each is checked by finish: BadDigest for
 * MD5 and checksums, XAmzContentSHA256Mismatch for the payload's hash, IncompleteBody for the size. */
struct put_expected {
    const char *md5_base64; /* Content-MD5; NULL: not given */
    const char *sha256_hex; /* x-amz-content-sha256 */
    bool size_given;
    uint64_t size_bytes;
    bool checksum_given;            /* x-amz-checksum-…: kept with the object */
    enum digest_kind checksum_kind; /* was asked for in `digests` */
    const char *checksum_base64;    /* NULL: none to compare, compute it and keep it */
};
bool object_put_finish(struct put *put, const struct put_expected *expected, struct arena *arena, struct object *object,
                       struct error *error);
void object_put_abandon(struct put *put); /* frees it, after finish too */

/* What is known of an object; NoSuchKey, NoSuchVersion, and MethodNotAllowed for a delete marker asked for by version,
 * which are filled in then, too. */
bool object_head(struct local_store *store, const struct object_place *place, struct arena *arena,
                 struct object *object, struct error *error);

/* Judges If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since in the order of RFC 9110, 13.2.2:
 * PreconditionFailed, or NotModified (HTTP 304). */
bool object_conditions_hold(const struct object *object, const struct object_conditions *conditions,
                            struct error *error);

/* Reads a version's bytes. It stays readable when it is deleted meanwhile. */
struct object_reader;
struct object_reader *object_open(struct local_store *store, const struct object_place *place,
                                  const uint8_t *customer_key, struct arena *arena, struct object *object,
                                  struct error *error);
ssize_t object_read(struct object_reader *reader, void *data, size_t size, uint64_t offset, struct error *error);
/* The bytes in memory (small bodies), or NULL; they live as long as the reader. */
const void *object_reader_bytes(const struct object_reader *reader);
/* A descriptor whose bytes are the body's from `*offset` on, for sendfile; -1 when the body lies otherwise. The reader
 * owns it. */
int object_reader_file(const struct object_reader *reader, uint64_t *offset);
void object_close(struct object_reader *reader);

/* Where a part of a multipart object lies (GET with partNumber): false with InvalidPartNumber. */
bool object_part_range(struct local_store *store, const struct object_place *place, unsigned part, uint64_t *offset,
                       uint64_t *size_bytes, struct object_checksum *checksum, struct error *error);

struct object_delete {
    const char *bucket, *key, *version_id; /* version NULL: a delete marker where the bucket has versioning */
    struct object_conditions conditions;
    bool bypass_governance;
    const char *owner, *request_id, *source_ip; /* for the event */
};
struct object_deleted {
    bool ok;
    struct error error;
    const char *version_id; /* deleted, or of the marker that was made; NULL: none */
    bool marker_made, marker_deleted;
};
/* Deletes, in one commit, each for itself: an absent key is success; AccessDenied for what is locked. */
bool object_delete(struct local_store *store, const struct object_delete *deletes, size_t count, struct arena *arena,
                   struct object_deleted *results, struct error *error);

/* Copies without moving bytes where both lie alike (blobs are shared and counted). `to` says all of the new object:
 * who calls has merged headers, metadata and tags by the directives. */
bool object_copy(struct local_store *store, const struct object_place *from, const uint8_t *from_customer_key,
                 const struct object_conditions *from_conditions, const struct object_put *to, struct arena *arena,
                 struct object *object, struct error *error);

struct object_listing {
    const char *bucket;
    const char *prefix, *delimiter; /* "" for none */
    const char *after;              /* keys after this one; "": from the beginning */
    const char *after_version;      /* versions: and of that key the versions after this one; NULL: none of it */
    bool versions;                  /* all versions and delete markers, newest first of each key */
    unsigned most;                  /* 0 … 1,000 objects and prefixes together */
};
struct object_page {
    struct object *objects; /* in order; of a listing only key, version_id, latest, delete_marker, size_bytes,
                               modified_us, etag, owner, storage_class and checksum.kind are filled in */
    size_t object_count;
    const char **prefixes;
    size_t prefix_count;
    bool truncated;
    const char *next_key; /* `after` and `after_version` of the next page, when truncated */
    const char *next_version;
};
bool object_list(struct local_store *store, const struct object_listing *listing, struct arena *arena,
                 struct object_page *page, struct error *error);

bool object_tags(struct local_store *store, const struct object_place *place, struct arena *arena,
                 struct store_field **tags, size_t *count, struct error *error);
bool object_set_tags(struct local_store *store, const struct object_place *place, const struct store_field *tags,
                     size_t count, struct error *error); /* none: takes them away */
bool object_set_acl(struct local_store *store, const struct object_place *place, const char *json, struct error *error);

/* A stricter lock is always allowed; a weaker one only for GOVERNANCE with `bypass`. */
bool object_set_retention(struct local_store *store, const struct object_place *place, enum object_lock_mode mode,
                          int64_t until_us, bool bypass, struct error *error);
bool object_set_legal_hold(struct local_store *store, const struct object_place *place, bool hold, struct error *error);

/* The outbox: what happened to objects, in order, each once. */
struct object_event {
    int64_t sequence; /* ascending, never used again */
    const char *id;   /* unique */
    const char *name; /* "ObjectCreated:Put", "ObjectRemoved:DeleteMarkerCreated", "LifecycleExpiration:Delete", … */
    int64_t time_us;
    const char *bucket, *key, *version_id, *etag, *owner, *request_id, *source_ip;
    uint64_t size_bytes;
};
bool object_events(struct local_store *store, int64_t after_sequence, size_t most, struct arena *arena,
                   struct object_event **events, size_t *count, struct error *error);

#endif
