/* What the files of the local store share with each other.
 *
 * Tables (store/catalog.c makes them):
 *
 *   object   a row for each version of a key. Its rank orders versions, newest first; the first is the current one.
 *            Rank is 0 in a bucket that never had versioning, else less than any other of the key, near -(time in
 *            microseconds); the version's id is a form of it (version_text), so it is not stored.
 *   body     bytes: a blob's name, or the bytes themselves, or neither when it is made of pieces; `refs` says how many
 *            rows of object, piece and part name it. The row goes with the last of them.
 *   piece    the bodies that a body of a multipart object is made of, in order.
 *   event    the outbox.
 */
#ifndef AISLE_STORE_LOCAL_LOCAL_PRIVATE_H
#define AISLE_STORE_LOCAL_LOCAL_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buffer.h"
#include "store/local/blob.h"
#include "store/local/bucket.h"
#include "store/local/object.h"
#include "store/statement_cache.h"

#define KEY_BYTES 32
#define ETAG_BYTES 16
#define SHA256_BYTES 32
#define VERSION_CHARACTERS 32
#define ETAG_CHARACTERS 43 /* 32 digits, and "-N" */

struct bucket_cache;
struct key_cache;
struct read_pool;
struct blob_pins;

struct local_store {
    struct folder *folder;
    const char *path; /* of the data folder */
    uint32_t inline_bytes;
    uint8_t master[KEY_BYTES];
    struct committer *committer;
    struct read_pool *readers;
    struct bucket_cache *buckets;
    struct blob_pins *pins;
    struct key_cache *access_keys;
    _Atomic bool lifecycle_stopped;
};

/* Something may be left behind that the next to open has to look for. */
void local_unclean(struct local_store *store);

/* Removes what such an end left behind. */
bool local_sweep(struct local_store *store, struct error *error);

/* --- bodies: body.c --- */

/* Blobs that no row names once the transaction stands. Who calls committer_do gives them to doomed_remove afterwards,
 * whether it went well or not. */
struct doomed {
    struct doomed_blob *first;
};
bool doomed_add(struct doomed *doomed, const char *blob, struct error *error);
/* Committed: removes the files, those that an open reader may still need when it closes. Not: just forgets. */
void doomed_remove(struct local_store *store, struct doomed *doomed, bool committed);

/* A reader that opens a body's files one after the other: files are not removed from under it. Taken before the rows
 * that name them are read. */
struct blob_pin;
struct blob_pin *blob_pin(struct local_store *store, struct error *error);
void blob_unpin(struct local_store *store, struct blob_pin *pin); /* NULL is all right */
struct blob_pins *blob_pins_new(struct error *error);
void blob_pins_free(struct local_store *store);

enum body_form {
    BODY_COMPRESSED = 1,
    BODY_WRAPPED_BY_STORE = 2,
    BODY_WRAPPED_BY_CUSTOMER = 4,
    BODY_PIECES = 8,
    BODY_ADOPTED = 16, /* the blob is a link to a file that others may change: its time of modification is kept */
};

/* A body that was written, as a row takes it. */
struct body {
    unsigned form; /* bits of enum body_form */
    uint64_t size_bytes, stored_bytes;
    char blob[BLOB_ID_CHARACTERS + 1]; /* "" when it is in `bytes` */
    const void *bytes;
    uint8_t wrapped[BLOB_WRAPPED_KEY_BYTES]; /* bound to the blob's name, or to BODY_INLINE_BOUND */
    int64_t modified_ns;                     /* BODY_ADOPTED */
};
#define BODY_INLINE_BOUND "inline"

/* In a transaction. A new body has one reference, its maker's. */
bool body_insert(struct statement_cache *db, const struct body *body, int64_t *id, struct error *error);
/* A body made of others, whose references become this one's pieces. `pieces` are in order. */
struct body_piece {
    int64_t body;
    unsigned number; /* of the part */
    uint64_t offset, size_bytes;
    struct object_checksum checksum; /* of the part */
};
bool body_insert_pieces(struct statement_cache *db, const struct body_piece *pieces, size_t count, uint64_t size_bytes,
                        int64_t *id, struct error *error);
bool body_share(struct statement_cache *db, int64_t id, struct error *error);
/* Takes one reference away, and the body with its last, pieces too. */
bool body_release(struct statement_cache *db, int64_t id, struct doomed *doomed, struct error *error);

/* --- receiving bytes: intake.c; what object_put_* and upload_part_* have in common --- */

struct intake_options {
    enum object_encryption encryption;
    const uint8_t *customer_key; /* ENCRYPTION_CUSTOMER */
    bool compressed;
    unsigned digests; /* bits of enum digest_kind besides MD5 and SHA-256 */
};
struct intake {
    struct local_store *store;
    struct blob_writer *writer;
    struct digest *digest;        /* all but MD5 */
    struct digest *md5;           /* by itself, so that a thread can take it */
    struct digest_beside *beside; /* that thread, once there are many bytes; NULL: none */
    bool alone;                   /* no thread could be had */
    unsigned digests;
    unsigned form; /* bits of enum body_form */
    uint8_t key[KEY_BYTES], wrapping[KEY_BYTES];
    uint64_t size_bytes;
    struct blob_stored stored; /* after intake_finish */
    bool stored_file;          /* there is a file that no row names yet */
};
/* What the bytes came to. */
struct intake_sums {
    uint8_t md5[ETAG_BYTES], sha256[SHA256_BYTES];
    struct object_checksum checksum; /* when it was expected or asked for */
};
/* A zeroed intake may be given to intake_free. */
bool intake_begin(struct intake *intake, struct local_store *store, const struct intake_options *options,
                  struct error *error);
bool intake_write(struct intake *intake, const void *data, size_t size, struct error *error);
/* Checks what is expected and makes the bytes durable (bytes that stay in memory become so with their row). */
bool intake_finish(struct intake *intake, const struct put_expected *expected, struct intake_sums *sums,
                   struct body *body, struct error *error);
/* A committed row names the file now, or may (the transaction failed, so that nobody knows): intake_free leaves it. */
void intake_keep(struct intake *intake);
void intake_free(struct intake *intake);
/* Frees what a finished intake needs no more, when its bytes lie in a file. */
void intake_shed(struct intake *intake);

/* --- rows of objects: object_row.c --- */

enum object_flags {
    OBJECT_MARKER = 1,    /* a delete marker */
    OBJECT_NULL = 2,      /* its version's id is "null" */
    OBJECT_OWNER = 4,     /* the detail names an owner other than the bucket's */
    OBJECT_TAGGED = 8,    /* the detail has tags */
    OBJECT_LOCKED = 16,   /* the detail has a retention or a legal hold */
    OBJECT_COMPOSITE = 32 /* the checksum is one of parts' checksums */
};
/* Numbers among the flags: enum object_encryption, the storage class, and 1 + enum digest_kind of the checksum. */
#define OBJECT_ENCRYPTION_SHIFT 8
#define OBJECT_CLASS_SHIFT 12
#define OBJECT_CHECKSUM_SHIFT 16
#define OBJECT_NUMBER_MASK 15U

/* What comes with an object besides its bytes, as a row keeps it: for each thing a letter, a name and a value, each of
 * the texts with its NUL: h header, m metadata, t tag, o owner, c checksum, k MD5 of the customer's key, l lock (mode
 * and time), g legal hold, a ACL. */
struct packed {
    unsigned flags;
    const char *bytes;
    size_t size;
};
/* Checks the options (tags, storage class, lock against the bucket) and packs them; memory from the arena. */
bool object_pack(const struct object_put *options, const struct bucket *bucket, struct arena *arena,
                 struct packed *packed, struct error *error);
/* With the checksum, too. */
bool object_pack_checksum(struct packed *packed, const struct object_checksum *checksum, struct arena *arena,
                          struct error *error);

/* A row of the table object. */
struct object_row {
    int64_t rank;
    unsigned flags;
    uint64_t size_bytes;
    int64_t modified_us;
    uint8_t etag[ETAG_BYTES];
    unsigned part_count; /* 0: not put in parts */
    bool has_sha256;
    uint8_t sha256[SHA256_BYTES];
    int64_t body; /* 0: a delete marker */
    const char *detail;
    size_t detail_bytes;
};

/* The next of the packed texts of a row's detail; `*at` is 0 at first. */
struct packed_text {
    char letter;
    const char *name, *value;
};
bool packed_next(const struct object_row *row, size_t *at, struct packed_text *text);
/* Packs a retention and a legal hold where there are any. */
void object_pack_lock(struct buffer *into, enum object_lock_mode mode, int64_t until_us, bool legal_hold);

bool object_check_tags(const struct store_field *tags, size_t count, struct error *error); /* InvalidTag */

/* Storage classes by the numbers that flags hold: InvalidStorageClass; and whether blobs of a class are compressed. */
bool storage_class_number(const char *name, unsigned *number, struct error *error);
const char *storage_class_name(unsigned number);
bool storage_class_compressed(unsigned number);

/* What flags tell by themselves. */
void object_unpack_flags(unsigned flags, struct object *object);
/* Everything of a row as the struct that callers get; texts in the arena. */
bool object_unpack(const struct bucket *bucket, const char *key, const struct object_row *row, bool latest,
                   struct arena *arena, struct object *object, struct error *error);

/* Version ids. `text` holds VERSION_CHARACTERS and a NUL. False when a text is no version's of this bucket. */
void version_text(int64_t bucket, int64_t rank, char text[VERSION_CHARACTERS + 1]);
bool version_rank(int64_t bucket, const char *text, int64_t *rank);
/* Of a row, in the arena; "null" for one without. */
const char *version_id_of(int64_t bucket, const struct object_row *row, struct arena *arena, struct error *error);

/* The columns of struct object_row, and how they are read from a statement that selects them first. `detail` points
 * into the statement. */
#define OBJECT_ROW_COLUMNS "o.rank, o.flags, o.size_bytes, o.modified_us, o.hash, o.body, o.detail"
#define OBJECT_ROW_COLUMN_COUNT 7
bool object_row_read(sqlite3_stmt *statement, struct object_row *row, struct error *error);
bool object_row_write(struct statement_cache *db, int64_t bucket, const char *key, const struct object_row *row,
                      struct error *error); /* replaces one of the same rank */
/* A row that is there, without anything of its body. */
bool object_row_remove(struct statement_cache *db, int64_t bucket, const char *key, int64_t rank, struct error *error);
/* The 32 hexadecimal digits, and "-N" of parts. */
void object_row_etag(const struct object_row *row, char text[ETAG_CHARACTERS + 1]);

/* The row of a version (NULL: the current one, "null": that without an id). 1: it is there, and `found` is valid until
 * statement_done(found->statement); 0: it is not; -1: failure. */
struct object_found {
    struct object_row row;
    bool latest;
    sqlite3_stmt *statement;
};
int object_row_find(struct statement_cache *db, int64_t bucket, const char *key, const char *version_id,
                    struct object_found *found, struct error *error);
/* As object_row_find, with the columns of the body from BODY_FIRST_COLUMN on (nulls for a delete marker). */
#define BODY_COLUMNS "b.form, b.size_bytes, b.stored_bytes, b.blob, b.wrapped, b.bytes"
#define BODY_COLUMN_COUNT 6
#define BODY_FIRST_COLUMN (OBJECT_ROW_COLUMN_COUNT + 1)
int object_row_find_body(struct statement_cache *db, int64_t bucket, const char *key, const char *version_id,
                         struct object_found *found, struct error *error);
/* As NoSuchKey or NoSuchVersion. Returns false. */
bool object_absent(const struct object_place *place, struct error *error);

/* --- putting a row in its place: object_install.c --- */

/* In a transaction (a function given to committer_do): makes a new current version of a key, with its event. */
struct object_install {
    const char *bucket, *key;
    const struct object_conditions *conditions; /* NULL: none */
    struct packed packed;
    uint64_t size_bytes;
    uint8_t etag[ETAG_BYTES];
    unsigned part_count;
    const uint8_t *sha256; /* NULL: not known */
    int64_t body;          /* its one reference becomes the object's */
    const char *event, *owner, *request_id, *source_ip;
    int64_t bucket_id; /* that the name stood for; 0: not known */
    /* Filled in: the row and the version's id ("null" without versioning). */
    struct object_row row;
    char version_id[VERSION_CHARACTERS + 1];
};
bool object_install(struct statement_cache *db, struct object_install *install, struct doomed *doomed,
                    struct error *error);

/* The current row without its detail: 1, 0, -1. */
int object_current(struct statement_cache *db, int64_t bucket, const char *key, struct object_row *row,
                   struct error *error);
/* A version goes, with its body (0: none); and the one whose id is "null", if there is one. */
bool object_remove_version(struct statement_cache *db, int64_t bucket, const char *key, int64_t rank, int64_t body,
                           struct doomed *doomed, struct error *error);
bool object_remove_null(struct statement_cache *db, int64_t bucket, const char *key, struct doomed *doomed,
                        struct error *error);
/* The rank of what comes before `current` (NULL: there is nothing). */
int64_t object_new_rank(enum bucket_versioning versioning, const struct object_row *current, int64_t now_us);

/* Conditions on what a key holds when it is written (`current` NULL: nothing), or when `row` is deleted. */
bool conditions_for_write(const struct object_conditions *conditions, const struct object_place *place,
                          const struct object_row *current, struct error *error);
bool conditions_for_delete(const struct object_conditions *conditions, const struct object_row *row,
                           struct error *error);

/* --- buckets in a transaction: bucket.c --- */

struct bucket_row {
    int64_t id;
    enum bucket_versioning versioning;
    bool object_lock;
};
bool bucket_absent(const char *name, struct error *error); /* NoSuchBucket; returns false */
bool bucket_row_find(struct statement_cache *db, const char *name, struct bucket_row *row, struct error *error);

/* --- buckets in memory: bucket_cache.c --- */

struct bucket_cache *bucket_cache_new(struct error *error);
void bucket_cache_free(struct bucket_cache *cache);
/* The bucket was changed, made or removed. */
void bucket_cache_forget(struct local_store *store, const char *name);

/* --- access keys in memory: access_key.c --- */

bool access_keys_open(struct local_store *store, struct error *error);
void access_keys_close(struct local_store *store);

/* --- the outbox: object_events.c --- */

struct event_new {
    const char *name, *bucket, *key, *version_id, *owner, *request_id, *source_ip;
    const char *etag; /* "" for none */
    uint64_t size_bytes;
    int64_t time_us;
};
/* In a transaction. */
bool event_add(struct statement_cache *db, const struct event_new *event, struct error *error);

/* A put in progress: of an object, or of a part, which then has `part`. */
struct put {
    struct intake intake;
    struct arena *arena;       /* of this put: holds the options' texts */
    struct object_put options; /* of an object */
    struct packed packed;      /* of an object */
    int64_t bucket_id;
    struct upload_target *part; /* the upload files' own, in `arena` */
    /* What is to be done in the transaction that makes the object; NULL: nothing. */
    bool (*also)(void *context, struct statement_cache *db, struct error *error);
    void *also_context;
};

/* What a lookup of a delete marker is told: NoSuchKey, or MethodNotAllowed by version. */
bool object_judge_marker(const struct object_place *place, const struct object *object, struct error *error);
/* Deleting in a transaction. A failure with a name is the request's, and has changed nothing. */
struct object_deleting {
    struct arena *arena; /* for what results hold */
    struct doomed doomed;
    const char *event_deleted, *event_marker;
};
bool object_delete_one(struct object_deleting *work, struct statement_cache *db, const struct object_delete *delete,
                       struct object_deleted *result, struct error *error);
/* Whether a version's lock lets it be deleted (the row with its detail). */
bool object_may_go(const struct object_row *row, bool bypass_governance, struct error *error);

/* A body by its id, as a reader of all its bytes, whatever happens to it meanwhile; its master's key must be enough. */
struct object_reader *body_open(struct local_store *store, int64_t id, uint64_t size_bytes, struct error *error);
size_t body_piece_count(const struct object_reader *reader);
void body_piece(const struct object_reader *reader, size_t piece, uint64_t *offset, uint64_t *size_bytes);

/* The key's form; what the bucket gives by default; what a put keeps of its options beside the packed form. */
bool put_options_check(const struct object_put *options, struct error *error);
void put_options_default(struct object_put *options, const struct bucket *bucket);
bool put_options_copy(struct object_put *copy, const struct object_put *options, struct arena *arena,
                      struct error *error);
/* In one transaction the body, its row and its event; the last part of object_put_finish, for bodies that were not
 * written through the put. `*applied` as put_failed takes it. */
bool put_install(struct put *put, const struct body *body, const struct intake_sums *sums, struct arena *arena,
                 struct object *object, bool *applied, struct error *error);
/* The adopted file is as it was then; ERROR_CORRUPT. */
bool body_unchanged(int fd, int64_t modified_ns, struct error *error);
/* committer_do failed; `applied`: not the function that was given to it, so that nobody knows. */
void put_failed(struct intake *intake, bool applied);

#endif
