/* Listing keys, or all versions of them, in the order of their bytes, a page at a time.
 *
 * Rows are walked in the order of the table. What is not wanted in bulk (the rest of a common prefix, old versions) is
 * skipped by seeking past it, but only after a few steps have shown that there is much of it: a step costs a tenth of a
 * seek.
 */
#include <stdio.h>
#include <string.h>

#include "store/local/local_private.h"

#define STEPS_BEFORE_SEEK 8

static const char walk_sql[] = "SELECT key, rank, flags, size_bytes, modified_us, hash, detail FROM object "
                               "WHERE bucket = ?1 AND (key, rank) > (?2, ?3) ORDER BY key, rank";
static const char null_sql[] = "SELECT rank FROM object WHERE bucket = ?1 AND key = ?2 AND (flags & 2) <> 0 "
                               "ORDER BY rank LIMIT 1";

struct walk {
    const struct bucket *bucket;
    const struct object_listing *listing;
    struct statement_cache *db;
    sqlite3_stmt *rows;
    struct arena *arena;
    struct object_page *page;
    const char *owner; /* in the arena */
    size_t prefix_length, delimiter_length;
    char key[OBJECT_MAX_KEY_BYTES + 1]; /* of the last row that was looked at */
    size_t key_length;
    bool key_seen; /* there was one */
    char seek[OBJECT_MAX_KEY_BYTES + 2];
    unsigned passed;                        /* rows passed over in a row */
    char skipped[OBJECT_MAX_KEY_BYTES + 1]; /* the common prefix that is passed over; "" for none */
    size_t skipped_length;
};

static void seek_to(struct walk *walk, const char *key, size_t length, int64_t rank)
{
    sqlite3_reset(walk->rows);
    sqlite3_bind_int64(walk->rows, 1, walk->bucket->id);
    sqlite3_bind_text(walk->rows, 2, key, (int)length, SQLITE_STATIC);
    sqlite3_bind_int64(walk->rows, 3, rank);
    walk->passed = 0;
}

/* Past everything that begins with a prefix: keys are UTF-8, so a last byte can be raised. */
static void seek_past_prefix(struct walk *walk, const char *prefix, size_t length)
{
    memcpy(walk->seek, prefix, length);
    walk->seek[length - 1] = (char)((unsigned char)walk->seek[length - 1] + 1);
    seek_to(walk, walk->seek, length, INT64_MIN);
}

static void seek_past_key(struct walk *walk, const char *key, size_t length)
{
    memcpy(walk->seek, key, length);
    seek_to(walk, walk->seek, length, INT64_MAX);
}

/* The length of the common prefix that a key belongs to; 0: to none. */
static size_t common_prefix(const struct walk *walk, const char *key, size_t length)
{
    const char *delimiter = walk->listing->delimiter;

    if (walk->delimiter_length == 0 || length < walk->prefix_length + walk->delimiter_length) {
        return 0;
    }
    const char *found =
        memmem(key + walk->prefix_length, length - walk->prefix_length, delimiter, walk->delimiter_length);

    return found != NULL ? (size_t)(found - key) + walk->delimiter_length : 0;
}

static bool begins_with(const char *text, size_t length, const char *prefix, size_t prefix_length)
{
    return length >= prefix_length && memcmp(text, prefix, prefix_length) == 0;
}

/* The rank after which the next page of versions begins; 1, 0 there is no such version, -1. */
static int rank_after(struct walk *walk, int64_t *rank, struct error *error)
{
    const struct object_listing *listing = walk->listing;

    if (strcmp(listing->after_version, "null") != 0) {
        return version_rank(walk->bucket->id, listing->after_version, rank)
                   ? 1
                   : (error_set_named(error, ERROR_INVALID, "InvalidArgument", "\"%s\" is no version id of this bucket",
                                      listing->after_version),
                      -1);
    }
    sqlite3_stmt *find = statement_get(walk->db, null_sql, error);

    if (find == NULL) {
        return -1;
    }
    sqlite3_bind_int64(find, 1, walk->bucket->id);
    statement_bind_text(find, 2, listing->after);
    int there = statement_next(walk->db, find, error);

    if (there > 0) {
        *rank = sqlite3_column_int64(find, 0);
        statement_done(find);
    }
    return there;
}

static bool seek_first(struct walk *walk, struct error *error)
{
    const struct object_listing *listing = walk->listing;
    size_t after_length = strlen(listing->after);
    int64_t rank = INT64_MAX;

    if (strcmp(listing->after, listing->prefix) < 0) {
        seek_to(walk, listing->prefix, walk->prefix_length, INT64_MIN);
        return true;
    }
    bool inside = after_length <= OBJECT_MAX_KEY_BYTES &&
                  begins_with(listing->after, after_length, listing->prefix, walk->prefix_length);

    if (inside && common_prefix(walk, listing->after, after_length) == after_length && after_length > 0 &&
        listing->after_version == NULL) {
        seek_past_prefix(walk, listing->after, after_length);
        return true;
    }
    if (after_length == 0) {
        rank = INT64_MIN;
    } else if (listing->versions && listing->after_version != NULL && rank_after(walk, &rank, error) < 0) {
        return false;
    }
    seek_to(walk, listing->after, after_length, rank);
    return true;
}

static bool page_full(const struct walk *walk)
{
    return walk->page->object_count + walk->page->prefix_count >= walk->listing->most;
}

static bool add_prefix(struct walk *walk, const char *key, size_t length, struct error *error)
{
    const char *prefix = arena_text(walk->arena, key, length, error);

    walk->page->prefixes[walk->page->prefix_count] = prefix;
    walk->page->prefix_count += prefix != NULL;
    walk->page->next_key = prefix;
    walk->page->next_version = NULL;
    memcpy(walk->skipped, key, length);
    walk->skipped_length = length;
    walk->passed = 0;
    return prefix != NULL;
}

static char *put_hex(char *at, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    return at;
}

/* The texts of an object in one piece of memory: key, ETag, version id. */
static bool add_texts(struct walk *walk, struct object *object, int64_t rank, unsigned flags, struct error *error)
{
    const uint8_t *hash = sqlite3_column_blob(walk->rows, 5);
    size_t hash_bytes = (size_t)sqlite3_column_bytes(walk->rows, 5);
    bool has_version = (flags & OBJECT_NULL) == 0;
    char *at = arena_take(
        walk->arena, walk->key_length + 1 + ETAG_CHARACTERS + 1 + (has_version ? VERSION_CHARACTERS + 1 : 0), error);

    if (at == NULL) {
        return false;
    }
    object->key = at;
    memcpy(at, walk->key, walk->key_length + 1);
    at += walk->key_length + 1;
    object->etag = at;
    if (hash_bytes >= ETAG_BYTES) {
        at = put_hex(at, hash, ETAG_BYTES);
        if (hash_bytes % 16 == 4) {
            const uint8_t *count = hash + ETAG_BYTES;

            at += snprintf(at, 12, "-%u",
                           (unsigned)count[0] << 24 | (unsigned)count[1] << 16 | (unsigned)count[2] << 8 | count[3]);
        }
    }
    *at++ = '\0';
    object->version_id = "null";
    if (has_version) {
        object->version_id = at;
        version_text(walk->bucket->id, rank, at);
    }
    return true;
}

/* The owner that the detail names. */
static bool add_owner(struct walk *walk, struct object *object, struct error *error)
{
    struct object_row row = {.detail = sqlite3_column_blob(walk->rows, 6),
                             .detail_bytes = (size_t)sqlite3_column_bytes(walk->rows, 6)};
    struct packed_text text;

    for (size_t at = 0; packed_next(&row, &at, &text);) {
        if (text.letter == 'o') {
            object->owner = arena_text(walk->arena, text.value, strlen(text.value), error);
        }
    }
    return object->owner != NULL;
}

static bool add_object(struct walk *walk, int64_t rank, unsigned flags, bool latest, struct error *error)
{
    struct object *object = &walk->page->objects[walk->page->object_count];

    if (!add_texts(walk, object, rank, flags, error)) {
        return false;
    }
    object->latest = latest;
    object->size_bytes = (uint64_t)sqlite3_column_int64(walk->rows, 3);
    object->modified_us = sqlite3_column_int64(walk->rows, 4);
    object->owner = walk->owner;
    object->sha256 = "";
    object_unpack_flags(flags, object);
    if ((flags & OBJECT_OWNER) != 0 && !add_owner(walk, object, error)) {
        return false;
    }
    walk->page->object_count++;
    walk->page->next_key = object->key;
    walk->page->next_version = walk->listing->versions ? object->version_id : NULL;
    return true;
}

/* What becomes of the row that the statement stands on. */
enum verdict { GO_ON, STOP, FAILED };

static enum verdict take_row(struct walk *walk, struct error *error)
{
    const char *key = sqlite3_column_blob(walk->rows, 0);
    size_t length = (size_t)sqlite3_column_bytes(walk->rows, 0);
    int64_t rank = sqlite3_column_int64(walk->rows, 1);
    unsigned flags = (unsigned)sqlite3_column_int64(walk->rows, 2);

    if (key == NULL || length > OBJECT_MAX_KEY_BYTES ||
        !begins_with(key, length, walk->listing->prefix, walk->prefix_length)) {
        return STOP;
    }
    if (walk->skipped_length > 0 && begins_with(key, length, walk->skipped, walk->skipped_length)) {
        if (++walk->passed >= STEPS_BEFORE_SEEK) {
            seek_past_prefix(walk, walk->skipped, walk->skipped_length);
        }
        return GO_ON;
    }
    bool older = walk->key_seen && length == walk->key_length && memcmp(key, walk->key, length) == 0;

    memcpy(walk->key, key, length);
    walk->key[length] = '\0';
    walk->key_length = length;
    walk->key_seen = true;
    if (!walk->listing->versions && (older || (flags & OBJECT_MARKER) != 0)) {
        if (older && ++walk->passed >= STEPS_BEFORE_SEEK) {
            seek_past_key(walk, walk->key, length);
        }
        return GO_ON;
    }
    if (page_full(walk)) {
        walk->page->truncated = true;
        return STOP;
    }
    walk->passed = 0;
    size_t common = common_prefix(walk, walk->key, length);
    bool good = common > 0 ? add_prefix(walk, walk->key, common, error) : add_object(walk, rank, flags, !older, error);

    return good ? GO_ON : FAILED;
}

static bool run_walk(struct walk *walk, struct error *error)
{
    enum verdict verdict = GO_ON;

    walk->rows = statement_get(walk->db, walk_sql, error);
    if (walk->rows == NULL || !seek_first(walk, error)) {
        return false;
    }
    while (verdict == GO_ON) {
        int there = statement_next(walk->db, walk->rows, error);

        if (there <= 0) {
            verdict = there == 0 ? STOP : FAILED;
        } else {
            verdict = take_row(walk, error);
        }
    }
    statement_done(walk->rows);
    return verdict == STOP;
}

static bool prepare(struct walk *walk, struct error *error)
{
    struct object_page *page = walk->page;
    size_t most = walk->listing->most;

    memset(page, 0, sizeof *page);
    walk->prefix_length = strlen(walk->listing->prefix);
    walk->delimiter_length = strlen(walk->listing->delimiter);
    page->objects = arena_zeroed(walk->arena, most * sizeof *page->objects, error);
    page->prefixes = page->objects != NULL && walk->delimiter_length > 0
                         ? arena_take(walk->arena, most * sizeof *page->prefixes, error)
                         : NULL;
    walk->owner = arena_text(walk->arena, walk->bucket->owner, strlen(walk->bucket->owner), error);
    if (walk->listing->versions && walk->listing->after_version != NULL &&
        strlen(walk->listing->after) <= OBJECT_MAX_KEY_BYTES) {
        /* What comes first may be a further version of this key. */
        walk->key_length = strlen(walk->listing->after);
        memcpy(walk->key, walk->listing->after, walk->key_length + 1);
        walk->key_seen = true;
    }
    return page->objects != NULL && walk->owner != NULL && (walk->delimiter_length == 0 || page->prefixes != NULL);
}

bool object_list(struct local_store *store, const struct object_listing *listing, struct arena *arena,
                 struct object_page *page, struct error *error)
{
    struct walk walk = {.listing = listing, .arena = arena, .page = page};
    bool good = false;

    walk.bucket = bucket_find(store, listing->bucket, error);
    if (walk.bucket == NULL || !prepare(&walk, error)) {
        bucket_release(store, walk.bucket);
        return false;
    }
    walk.db = local_read_begin(store, error);
    if (walk.db != NULL && local_snapshot_begin(walk.db, error)) {
        good = listing->most == 0 || run_walk(&walk, error);
        local_snapshot_end(walk.db);
    }
    local_read_end(store, walk.db);
    bucket_release(store, walk.bucket);
    return good;
}
