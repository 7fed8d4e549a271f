/* Looking at bodies: their bytes are there, have their size and, where they are read, their hashes. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "store/local/fsck_private.h"

#define STEP_BYTES (1U << 20)

static const char bodies_sql[] = "SELECT id, form, size_bytes, stored_bytes, blob, wrapped, bytes FROM body "
                                 "WHERE form & 8 = 0 ORDER BY id";
static const char bad_sql[] = "INSERT OR IGNORE INTO fsck_bad(body, kind, why) VALUES(?1, ?2, ?3)";
static const char sums_sql[] = "INSERT INTO fsck_sums(body, md5, sha256) VALUES(?1, ?2, ?3)";
static const char total_sql[] = "SELECT total(size_bytes) FROM body WHERE form & 8 = 0";
static const char wholes_sql[] = "SELECT id, size_bytes FROM body WHERE form & 8 <> 0";
static const char pieces_sql[] = "SELECT p.offset, p.size_bytes, b.size_bytes, s.md5 FROM piece p "
                                 "LEFT JOIN body b ON b.id = p.body LEFT JOIN fsck_sums s ON s.body = p.body "
                                 "WHERE p.whole = ?1 ORDER BY p.ordinal";
static const char bad_pieces_sql[] = "INSERT OR IGNORE INTO fsck_bad(body, kind, why) "
                                     "SELECT p.whole, b.kind, b.why FROM piece p JOIN fsck_bad b ON b.body = p.body";
static const char no_rows_sql[] = "INSERT OR IGNORE INTO fsck_bad(body, kind, why) SELECT DISTINCT o.body, "
                                  "'missing_body', 'the row of its body is missing' FROM object o "
                                  "LEFT JOIN body b ON b.id = o.body WHERE o.body IS NOT NULL AND b.id IS NULL";
static const char sizes_sql[] = "INSERT OR IGNORE INTO fsck_bad(body, kind, why) SELECT o.body, 'damaged_body', "
                                "'its body has ' || b.size_bytes || ' bytes and not ' || o.size_bytes "
                                "FROM object o JOIN body b ON b.id = o.body WHERE b.size_bytes <> o.size_bytes";
/* 16 bytes of MD5, then 4 of the count of parts when there are any, then 32 of SHA-256 when it is known. Under a
 * customer's key they are of nothing. */
static const char hashes_sql[] =
    "INSERT OR IGNORE INTO fsck_bad(body, kind, why) SELECT o.body, 'damaged_body', 'its bytes do not have the hash "
    "that "
    "they were put with' FROM object o JOIN body b ON b.id = o.body JOIN fsck_sums s ON s.body = o.body "
    "WHERE (b.form & 4) = 0 AND ((length(o.hash) IN (48, 52) AND substr(o.hash, -32) <> s.sha256) OR "
    "(length(o.hash) IN (16, 48) AND substr(o.hash, 1, 16) <> s.md5) OR "
    "(length(o.hash) IN (20, 52) AND b.form & 8 <> 0 AND substr(o.hash, 1, 16) <> s.md5))";

struct stored {
    int64_t id;
    unsigned form;
    uint64_t size_bytes, stored_bytes;
    const char *blob;
    const void *wrapped, *bytes;
    size_t wrapped_bytes, inline_bytes;
    int64_t modified_ns; /* BODY_ADOPTED */
};

static bool add_bad(struct fsck *fsck, int64_t body, const char *kind, const char *why, struct error *error)
{
    sqlite3_stmt *bad = statement_get(fsck->db, bad_sql, error);

    if (bad == NULL) {
        return false;
    }
    sqlite3_bind_int64(bad, 1, body);
    statement_bind_text(bad, 2, kind);
    statement_bind_text(bad, 3, why);
    return statement_run(fsck->db, bad, error);
}

static bool add_sums(struct fsck *fsck, int64_t body, const uint8_t md5[ETAG_BYTES], const uint8_t *sha256,
                     struct error *error)
{
    sqlite3_stmt *sums = statement_get(fsck->db, sums_sql, error);

    if (sums == NULL) {
        return false;
    }
    sqlite3_bind_int64(sums, 1, body);
    sqlite3_bind_blob(sums, 2, md5, ETAG_BYTES, SQLITE_STATIC);
    sqlite3_bind_blob(sums, 3, sha256, sha256 != NULL ? SHA256_BYTES : 0, SQLITE_STATIC);
    return statement_run(fsck->db, sums, error);
}

/* Whether the stored bytes are there and as many as they must be. */
static bool stored_sound(const struct fsck *fsck, const struct stored *stored, const char **kind, struct error *what)
{
    char path[4200];
    struct stat status;

    *kind = "damaged_body";
    if (stored->blob == NULL) {
        return stored->inline_bytes == stored->stored_bytes ||
               error_set(what, ERROR_CORRUPT, "its row holds %zu bytes and not %llu", stored->inline_bytes,
                         (unsigned long long)stored->stored_bytes);
    }
    blob_path(fsck->path, stored->blob, path, sizeof path);
    if (lstat(path, &status) != 0) {
        *kind = errno == ENOENT ? "missing_body" : *kind;
        return error_set_errno(what, errno, "%s cannot be examined", path);
    }
    if ((stored->form & BODY_ADOPTED) != 0 &&
        (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec != stored->modified_ns) {
        return error_set(what, ERROR_CORRUPT, "%s was adopted, and changed since", path);
    }
    return (S_ISREG(status.st_mode) && (uint64_t)status.st_size == stored->stored_bytes) ||
           error_set(what, ERROR_CORRUPT, "%s has %lld bytes and not %llu", path, (long long)status.st_size,
                     (unsigned long long)stored->stored_bytes);
}

static bool read_through(struct fsck *fsck, struct blob_reader *reader, uint64_t size_bytes, struct digest *digest,
                         struct error *what)
{
    void *step __attribute__((cleanup(memory_release))) = memory_array(STEP_BYTES, 1, what);

    for (uint64_t at = 0; step != NULL && at < size_bytes;) {
        ssize_t got = blob_read(reader, step, STEP_BYTES, at, what);

        if (got <= 0 || !digest_add(digest, step, (size_t)got, what)) {
            return false;
        }
        at += (uint64_t)got;
        fsck->counts->read_bytes += (uint64_t)got;
        if (fsck->options->progress != NULL) {
            fsck->options->progress(fsck->options->context, fsck->counts->read_bytes, fsck->total_bytes);
        }
    }
    return step != NULL;
}

static struct blob_reader *open_body(const struct fsck *fsck, const struct stored *stored, struct error *what)
{
    uint8_t key[KEY_BYTES];
    struct blob_form form = {.compressed = (stored->form & BODY_COMPRESSED) != 0};

    if ((stored->form & BODY_WRAPPED_BY_STORE) != 0) {
        if (stored->wrapped_bytes != BLOB_WRAPPED_KEY_BYTES) {
            error_set(what, ERROR_CORRUPT, "its wrapped key has %zu bytes and not %d", stored->wrapped_bytes,
                      BLOB_WRAPPED_KEY_BYTES);
            return NULL;
        }
        if (!blob_key_unwrap(fsck->master, stored->wrapped, stored->blob != NULL ? stored->blob : BODY_INLINE_BOUND,
                             key, what)) {
            return NULL;
        }
        form.key = key;
    }
    struct blob_reader *reader =
        stored->blob != NULL ? blob_open(fsck->path, stored->blob, &form, stored->size_bytes, what)
                             : blob_open_bytes(stored->bytes, stored->inline_bytes, &form, stored->size_bytes, what);

    explicit_bzero(key, sizeof key);
    return reader;
}

/* Reads a body and notes its hashes. What is wrong with it goes to `what`. */
static bool read_body(struct fsck *fsck, const struct stored *stored, struct error *what, struct error *error)
{
    uint8_t md5[DIGEST_MAX_BYTES];
    uint8_t sha256[DIGEST_MAX_BYTES];
    struct blob_reader *reader = open_body(fsck, stored, what);
    struct digest *digest = reader != NULL ? digest_new(1U << DIGEST_MD5 | 1U << DIGEST_SHA256, what) : NULL;
    bool good = digest != NULL && read_through(fsck, reader, stored->size_bytes, digest, what) &&
                digest_value(digest, DIGEST_MD5, md5, what) && digest_value(digest, DIGEST_SHA256, sha256, what);

    digest_free(digest);
    blob_reader_free(reader);
    if (what->code == ERROR_MEMORY || (!good && what->code == ERROR_INTERNAL)) {
        return error_set(error, what->code, "%s", what->message);
    }
    return !good || add_sums(fsck, stored->id, md5, sha256, error);
}

static bool look_at(struct fsck *fsck, const struct stored *stored, struct error *error)
{
    struct error what = {0};
    const char *kind = NULL;
    bool readable = (stored->form & BODY_WRAPPED_BY_CUSTOMER) == 0 &&
                    ((stored->form & BODY_WRAPPED_BY_STORE) == 0 || fsck->master_there);

    fsck->counts->bodies++;
    fsck->counts->blobs += stored->blob != NULL;
    if (stored_sound(fsck, stored, &kind, &what) && fsck->options->deep) {
        fsck->counts->unread_bodies += !readable;
        if (readable && !read_body(fsck, stored, &what, error)) {
            return false;
        }
    }
    return what.code == ERROR_NONE || add_bad(fsck, stored->id, kind, what.message, error);
}

static bool look_at_all(struct fsck *fsck, struct error *error)
{
    sqlite3_stmt *bodies = statement_get(fsck->db, bodies_sql, error);
    int there = bodies != NULL ? 1 : -1;

    while (there > 0 && (there = statement_next(fsck->db, bodies, error)) > 0) {
        struct stored stored = {
            .id = sqlite3_column_int64(bodies, 0),
            .form = (unsigned)sqlite3_column_int(bodies, 1),
            .size_bytes = (uint64_t)sqlite3_column_int64(bodies, 2),
            .stored_bytes = (uint64_t)sqlite3_column_int64(bodies, 3),
            .blob = (const char *)sqlite3_column_text(bodies, 4),
            .modified_ns = sqlite3_column_int64(bodies, 5),
            .wrapped = sqlite3_column_blob(bodies, 5),
            .bytes = sqlite3_column_blob(bodies, 6),
            .wrapped_bytes = (size_t)sqlite3_column_bytes(bodies, 5),
            .inline_bytes = (size_t)sqlite3_column_bytes(bodies, 6),
        };

        if (!look_at(fsck, &stored, error)) {
            statement_done(bodies);
            there = -1;
        }
    }
    return there == 0;
}

/* The pieces of a whole follow each other without a gap; of all their hashes comes its ETag. */
static bool look_at_pieces(struct fsck *fsck, int64_t whole, uint64_t size_bytes, struct error *error)
{
    sqlite3_stmt *pieces = statement_get(fsck->db, pieces_sql, error);
    struct digest *digest = pieces != NULL ? digest_new(1U << DIGEST_MD5, error) : NULL;
    uint8_t md5[DIGEST_MAX_BYTES];
    uint64_t end = 0;
    bool fits = true;
    bool all_read = fsck->options->deep;
    int there = digest != NULL ? 1 : -1;

    if (pieces != NULL) {
        sqlite3_bind_int64(pieces, 1, whole);
    }
    while (there > 0 && (there = statement_next(fsck->db, pieces, error)) > 0) {
        const void *piece_md5 = sqlite3_column_blob(pieces, 3);

        fits = fits && (uint64_t)sqlite3_column_int64(pieces, 0) == end &&
               sqlite3_column_type(pieces, 2) != SQLITE_NULL &&
               sqlite3_column_int64(pieces, 1) == sqlite3_column_int64(pieces, 2);
        end += (uint64_t)sqlite3_column_int64(pieces, 1);
        all_read = all_read && piece_md5 != NULL;
        if (all_read && !digest_add(digest, piece_md5, ETAG_BYTES, error)) {
            statement_done(pieces);
            there = -1;
        }
    }
    bool good = there == 0 && digest_value(digest, DIGEST_MD5, md5, error) &&
                (!all_read || add_sums(fsck, whole, md5, NULL, error)) &&
                ((fits && end == size_bytes) ||
                 add_bad(fsck, whole, "damaged_body", "its pieces do not make the whole", error));

    digest_free(digest);
    return good;
}

static bool look_at_wholes(struct fsck *fsck, struct error *error)
{
    sqlite3_stmt *wholes = statement_get(fsck->db, wholes_sql, error);
    int there = wholes != NULL ? 1 : -1;

    while (there > 0 && (there = statement_next(fsck->db, wholes, error)) > 0) {
        if (!look_at_pieces(fsck, sqlite3_column_int64(wholes, 0), (uint64_t)sqlite3_column_int64(wholes, 1), error)) {
            statement_done(wholes);
            there = -1;
        }
    }
    return there == 0;
}

bool fsck_bodies(struct fsck *fsck, struct error *error)
{
    sqlite3_stmt *total = statement_get(fsck->db, total_sql, error);

    if (total == NULL || statement_next(fsck->db, total, error) <= 0) {
        return false;
    }
    fsck->total_bytes = (uint64_t)sqlite3_column_int64(total, 0);
    statement_done(total);
    return look_at_all(fsck, error) && fsck_run(fsck, bad_pieces_sql, error) && look_at_wholes(fsck, error) &&
           fsck_run(fsck, no_rows_sql, error) && fsck_run(fsck, sizes_sql, error) &&
           (!fsck->options->deep || fsck_run(fsck, hashes_sql, error));
}
