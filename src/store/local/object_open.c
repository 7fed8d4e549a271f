/* Reading the bytes of an object: from its row, from a file, or from the pieces that it was put in. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/local/local_private.h"

static const char body_sql[] = "SELECT " BODY_COLUMNS " FROM body b WHERE b.id = ?1";
static const char pieces_sql[] = "SELECT " BODY_COLUMNS ", p.offset "
                                 "FROM piece p JOIN body b ON b.id = p.body WHERE p.whole = ?1 ORDER BY p.ordinal";
static const char count_sql[] = "SELECT count(*) FROM piece WHERE whole = ?1";
static const char part_sql[] = "SELECT offset, size_bytes, checksum_kind, checksum FROM piece "
                               "WHERE whole = ?1 AND number = ?2";

/* A body as it is opened. */
struct piece {
    uint64_t offset, size_bytes;
    uint64_t stored_bytes;
    unsigned form;
    int64_t modified_ns;               /* BODY_ADOPTED */
    char blob[BLOB_ID_CHARACTERS + 1]; /* "" when it is in `bytes` */
    uint8_t key[KEY_BYTES];
    char *bytes; /* owned */
};

struct object_reader {
    struct local_store *store;
    uint64_t size_bytes;
    struct piece *pieces;
    size_t piece_count;
    struct blob_reader *open; /* of the piece `open_piece` */
    size_t open_piece;
    struct blob_pin *pin; /* with several pieces */
    struct piece only;    /* what `pieces` points to when there is one */
};

static bool unwrap(struct local_store *store, const uint8_t *customer_key, const void *wrapped, size_t wrapped_bytes,
                   struct piece *piece, struct error *error)
{
    const uint8_t *key = (piece->form & BODY_WRAPPED_BY_CUSTOMER) != 0 ? customer_key : store->master;

    if ((piece->form & (BODY_WRAPPED_BY_CUSTOMER | BODY_WRAPPED_BY_STORE)) == 0) {
        return true;
    }
    if (key == NULL) {
        return error_set_named(error, ERROR_INVALID, "InvalidRequest",
                               "the object was put with a key of the customer's, which must be given to read it");
    }
    if (wrapped == NULL || wrapped_bytes != BLOB_WRAPPED_KEY_BYTES) {
        return error_set(error, ERROR_CORRUPT, "the key of a body is not there; run aisle fsck");
    }
    if (blob_key_unwrap(key, wrapped, piece->blob[0] != '\0' ? piece->blob : BODY_INLINE_BOUND, piece->key, error)) {
        return true;
    }
    return (piece->form & BODY_WRAPPED_BY_CUSTOMER) == 0
               ? false
               : error_set_named(error, ERROR_DENIED, "AccessDenied",
                                 "the key that was given is not the one that the object was put with");
}

/* Of a statement that selects a body's columns from `first` on. */
static bool read_piece(struct local_store *store, const uint8_t *customer_key, sqlite3_stmt *row, int first,
                       struct piece *piece, struct error *error)
{
    memset(piece, 0, sizeof *piece);
    piece->form = (unsigned)sqlite3_column_int(row, first);
    piece->size_bytes = (uint64_t)sqlite3_column_int64(row, first + 1);
    piece->stored_bytes = (uint64_t)sqlite3_column_int64(row, first + 2);
    piece->modified_ns = (piece->form & BODY_ADOPTED) != 0 ? sqlite3_column_int64(row, first + 4) : 0;
    const char *blob = (const char *)sqlite3_column_text(row, first + 3);

    if (blob != NULL && sqlite3_column_bytes(row, first + 3) == BLOB_ID_CHARACTERS) {
        memcpy(piece->blob, blob, BLOB_ID_CHARACTERS);
    } else if ((piece->form & BODY_PIECES) == 0) {
        const void *bytes = sqlite3_column_blob(row, first + 5);

        if ((uint64_t)sqlite3_column_bytes(row, first + 5) != piece->stored_bytes) {
            return error_set(error, ERROR_CORRUPT, "the bytes of a body are not whole; run aisle fsck");
        }
        piece->bytes = memory_array(piece->stored_bytes + 1, 1, error);
        if (piece->bytes == NULL) {
            return false;
        }
        if (piece->stored_bytes > 0) {
            memcpy(piece->bytes, bytes, piece->stored_bytes);
        }
    }
    return unwrap(store, customer_key, sqlite3_column_blob(row, first + 4),
                  (size_t)sqlite3_column_bytes(row, first + 4), piece, error);
}

static bool count_pieces(struct statement_cache *db, int64_t whole, size_t *count, struct error *error)
{
    sqlite3_stmt *query = statement_get(db, count_sql, error);

    if (query == NULL) {
        return false;
    }
    sqlite3_bind_int64(query, 1, whole);
    int there = statement_next(db, query, error);

    if (there > 0) {
        *count = (size_t)sqlite3_column_int64(query, 0);
        statement_done(query);
    }
    return there > 0;
}

static bool read_pieces(struct object_reader *reader, struct statement_cache *db, int64_t whole,
                        const uint8_t *customer_key, struct error *error)
{
    size_t count = 0;
    sqlite3_stmt *rows = count_pieces(db, whole, &count, error) ? statement_get(db, pieces_sql, error) : NULL;

    reader->pieces = rows != NULL ? memory_zeroed((count + 1) * sizeof *reader->pieces, error) : NULL;
    if (reader->pieces == NULL) {
        return false;
    }
    sqlite3_bind_int64(rows, 1, whole);
    int there = 1;

    while (there > 0 && (there = statement_next(db, rows, error)) > 0) {
        struct piece *piece = &reader->pieces[reader->piece_count];

        if (reader->piece_count++ == count || !read_piece(reader->store, customer_key, rows, 0, piece, error)) {
            statement_done(rows);
            return false;
        }
        piece->offset = (uint64_t)sqlite3_column_int64(rows, 6);
    }
    return there == 0 && (reader->piece_count == count ||
                          error_set(error, ERROR_CORRUPT, "pieces of a body are not there; run aisle fsck"));
}

/* Takes the body that a row tells of from the column `first` on; its pieces, when it has any and the reader is pinned.
 * `*composite`: it is made of pieces. Ends the statement. */
static bool take_body(struct object_reader *reader, struct statement_cache *db, sqlite3_stmt *row, int first,
                      int64_t id, const uint8_t *customer_key, bool *composite, struct error *error)
{
    bool good = sqlite3_column_type(row, first) != SQLITE_NULL
                    ? read_piece(reader->store, customer_key, row, first, &reader->only, error)
                    : error_set(error, ERROR_CORRUPT, "the body of an object is not there; run aisle fsck");

    statement_done(row);
    reader->pieces = &reader->only;
    reader->piece_count = 1;
    *composite = (reader->only.form & BODY_PIECES) != 0;
    if (!good || !*composite || reader->pin == NULL) {
        return good;
    }
    reader->piece_count = 0;
    return read_pieces(reader, db, id, customer_key, error);
}

static struct blob_reader *open_piece(struct object_reader *reader, size_t p, struct error *error)
{
    struct piece *piece = &reader->pieces[p];
    struct blob_form form = {
        .compressed = (piece->form & BODY_COMPRESSED) != 0,
        .key = (piece->form & (BODY_WRAPPED_BY_CUSTOMER | BODY_WRAPPED_BY_STORE)) != 0 ? piece->key : NULL,
    };

    if (reader->open != NULL && reader->open_piece == p) {
        return reader->open;
    }
    blob_reader_free(reader->open);
    reader->open = piece->blob[0] != '\0'
                       ? blob_open(reader->store->path, piece->blob, &form, piece->size_bytes, error)
                       : blob_open_bytes(piece->bytes, piece->stored_bytes, &form, piece->size_bytes, error);
    reader->open_piece = p;
    if (reader->open != NULL && (piece->form & BODY_ADOPTED) != 0 &&
        !body_unchanged(blob_reader_file(reader->open), piece->modified_ns, error)) {
        blob_reader_free(reader->open);
        reader->open = NULL;
    }
    return reader->open;
}

static void clear_pieces(struct object_reader *reader)
{
    blob_reader_free(reader->open);
    reader->open = NULL;
    for (size_t p = 0; p < reader->piece_count; p++) {
        memory_free(reader->pieces[p].bytes);
        explicit_bzero(reader->pieces[p].key, KEY_BYTES);
    }
    if (reader->pieces != &reader->only) {
        memory_free(reader->pieces);
    }
    reader->pieces = NULL;
    reader->piece_count = 0;
}

/* Looks the object up, with its body. */
static bool look_up(struct object_reader *reader, struct statement_cache *db, const struct bucket *bucket,
                    const struct object_place *place, const uint8_t *customer_key, struct arena *arena,
                    struct object *object, bool *composite, struct error *error)
{
    struct object_found found;
    int there = object_row_find_body(db, bucket->id, place->key, place->version_id, &found, error);

    if (there <= 0) {
        return there == 0 && object_absent(place, error);
    }
    if (!object_unpack(bucket, place->key, &found.row, found.latest, arena, object, error) ||
        !object_judge_marker(place, object, error)) {
        statement_done(found.statement);
        return false;
    }
    reader->size_bytes = object->size_bytes;
    return take_body(reader, db, found.statement, BODY_FIRST_COLUMN, found.row.body, customer_key, composite, error);
}

/* One try: rows of one state (one statement sees one), and the file that they name. */
static bool open_once(struct object_reader *reader, const struct bucket *bucket, const struct object_place *place,
                      const uint8_t *customer_key, struct arena *arena, struct object *object, bool *composite,
                      struct error *error)
{
    struct statement_cache *db = local_read_begin(reader->store, error);
    bool several = reader->pin != NULL;
    bool good = db != NULL && (!several || local_snapshot_begin(db, error));

    if (good) {
        good = look_up(reader, db, bucket, place, customer_key, arena, object, composite, error);
        if (several) {
            local_snapshot_end(db);
        }
    }
    local_read_end(reader->store, db);
    if (good && (!*composite || several)) {
        good = reader->piece_count == 0 || open_piece(reader, 0, error) != NULL;
    }
    return good;
}

/* A file that is gone was removed between reading its name and opening it, when there is another body now. */
static bool open_current(struct object_reader *reader, const struct bucket *bucket, const struct object_place *place,
                         const uint8_t *customer_key, struct arena *arena, struct object *object, struct error *error)
{
    char missing[BLOB_ID_CHARACTERS + 1] = "";

    for (;;) {
        struct error failure = {0};
        bool composite = false;

        if (!open_once(reader, bucket, place, customer_key, arena, object, &composite, &failure)) {
            struct piece *first = reader->piece_count > 0 ? &reader->pieces[0] : NULL;
            bool gone = failure.code == ERROR_NOT_FOUND && failure.name == NULL && first != NULL &&
                        first->blob[0] != '\0' && strcmp(first->blob, missing) != 0;

            if (!gone) {
                if (failure.code == ERROR_NOT_FOUND && failure.name == NULL) {
                    failure.code = ERROR_CORRUPT;
                }
                if (error != NULL) {
                    *error = failure;
                }
                return false;
            }
            memcpy(missing, first->blob, sizeof missing);
        } else if (!composite || reader->pin != NULL) {
            return true;
        } else {
            reader->pin = blob_pin(reader->store, error);
            if (reader->pin == NULL) {
                return false;
            }
        }
        clear_pieces(reader);
    }
}

struct object_reader *object_open(struct local_store *store, const struct object_place *place,
                                  const uint8_t *customer_key, struct arena *arena, struct object *object,
                                  struct error *error)
{
    const struct bucket *bucket = bucket_find(store, place->bucket, error);
    struct object_reader *reader = bucket != NULL ? memory_zeroed(sizeof *reader, error) : NULL;

    memset(object, 0, sizeof *object);
    if (reader != NULL) {
        reader->store = store;
        if (!open_current(reader, bucket, place, customer_key, arena, object, error)) {
            object_close(reader);
            reader = NULL;
        }
    }
    bucket_release(store, bucket);
    return reader;
}

struct object_reader *body_open(struct local_store *store, int64_t id, uint64_t size_bytes, struct error *error)
{
    struct object_reader *reader = memory_zeroed(sizeof *reader, error);
    struct statement_cache *db = NULL;
    bool composite = false;
    bool good = false;

    if (reader == NULL) {
        return NULL;
    }
    reader->store = store;
    reader->size_bytes = size_bytes;
    reader->pin = blob_pin(store, error);
    db = reader->pin != NULL ? local_read_begin(store, error) : NULL;
    if (db != NULL && local_snapshot_begin(db, error)) {
        sqlite3_stmt *row = statement_get(db, body_sql, error);
        int there = -1;

        if (row != NULL) {
            sqlite3_bind_int64(row, 1, id);
            there = statement_next(db, row, error);
        }
        good = there > 0 ? take_body(reader, db, row, 0, id, NULL, &composite, error)
                         : there == 0 && error_set(error, ERROR_CORRUPT, "the body of an object is not there");
        local_snapshot_end(db);
    }
    local_read_end(store, db);
    if (!good) {
        object_close(reader);
        return NULL;
    }
    return reader;
}

size_t body_piece_count(const struct object_reader *reader)
{
    return reader->piece_count;
}

void body_piece(const struct object_reader *reader, size_t piece, uint64_t *offset, uint64_t *size_bytes)
{
    *offset = reader->pieces[piece].offset;
    *size_bytes = reader->pieces[piece].size_bytes;
}

/* The piece that holds a place of the object. */
static size_t piece_at(const struct object_reader *reader, uint64_t offset)
{
    size_t low = 0;
    size_t high = reader->piece_count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (reader->pieces[middle].offset <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

ssize_t object_read(struct object_reader *reader, void *data, size_t size, uint64_t offset, struct error *error)
{
    size_t done = 0;

    if (offset >= reader->size_bytes) {
        return 0;
    }
    if (size > reader->size_bytes - offset) {
        size = (size_t)(reader->size_bytes - offset);
    }
    for (size_t p = piece_at(reader, offset); done < size && p < reader->piece_count; p++) {
        const struct piece *piece = &reader->pieces[p];
        uint64_t within = offset + done - piece->offset;
        size_t wanted = size - done < piece->size_bytes - within ? size - done : (size_t)(piece->size_bytes - within);
        struct blob_reader *blob = open_piece(reader, p, error);

        if (blob == NULL) {
            return -1;
        }
        ssize_t got = blob_read(blob, (char *)data + done, wanted, within, error);

        if (got < 0) {
            return -1;
        }
        if ((size_t)got < wanted) {
            error_set(error, ERROR_CORRUPT, "the bytes of an object end too early; run aisle fsck");
            return -1;
        }
        done += wanted;
    }
    return (ssize_t)done;
}

const void *object_reader_bytes(const struct object_reader *reader)
{
    return reader->piece_count == 1 && reader->open != NULL ? blob_reader_bytes(reader->open) : NULL;
}

int object_reader_file(const struct object_reader *reader, uint64_t *offset)
{
    *offset = 0;
    return reader->piece_count == 1 && reader->open != NULL ? blob_reader_file(reader->open) : -1;
}

void object_close(struct object_reader *reader)
{
    if (reader != NULL) {
        clear_pieces(reader);
        blob_unpin(reader->store, reader->pin);
        memory_free(reader);
    }
}

static bool read_part(struct statement_cache *db, int64_t body, unsigned part, uint64_t *offset, uint64_t *size_bytes,
                      struct object_checksum *checksum, struct error *error)
{
    sqlite3_stmt *row = statement_get(db, part_sql, error);

    if (row == NULL) {
        return false;
    }
    sqlite3_bind_int64(row, 1, body);
    sqlite3_bind_int64(row, 2, part);
    int there = statement_next(db, row, error);

    if (there <= 0) {
        return there == 0 &&
               error_set_named(error, ERROR_INVALID, "InvalidPartNumber", "the object has no part %u", part);
    }
    const char *value = (const char *)sqlite3_column_text(row, 3);

    *offset = (uint64_t)sqlite3_column_int64(row, 0);
    *size_bytes = (uint64_t)sqlite3_column_int64(row, 1);
    checksum->present = value != NULL;
    if (value != NULL) {
        checksum->kind = (enum digest_kind)sqlite3_column_int(row, 2);
        snprintf(checksum->value, sizeof checksum->value, "%s", value);
    }
    statement_done(row);
    return true;
}

bool object_part_range(struct local_store *store, const struct object_place *place, unsigned part, uint64_t *offset,
                       uint64_t *size_bytes, struct object_checksum *checksum, struct error *error)
{
    const struct bucket *bucket = bucket_find(store, place->bucket, error);
    struct statement_cache *db = bucket != NULL ? local_read_begin(store, error) : NULL;
    struct object_found found = {0};
    int there = -1;
    bool good = false;

    memset(checksum, 0, sizeof *checksum);
    if (db != NULL && local_snapshot_begin(db, error)) {
        there = object_row_find(db, bucket->id, place->key, place->version_id, &found, error);
        if (there > 0) {
            statement_done(found.statement);
        }
        if (there == 0 || (there > 0 && (found.row.flags & OBJECT_MARKER) != 0)) {
            object_absent(place, error);
        } else if (there > 0 && found.row.part_count > 0) {
            good = read_part(db, found.row.body, part, offset, size_bytes, checksum, error);
        } else if (there > 0) {
            *offset = 0;
            *size_bytes = found.row.size_bytes;
            good = part == 1 || error_set_named(error, ERROR_INVALID, "InvalidPartNumber",
                                                "the object was not put in parts, so it has only part 1, not %u", part);
        }
        local_snapshot_end(db);
    }
    local_read_end(store, db);
    bucket_release(store, bucket);
    return good;
}
