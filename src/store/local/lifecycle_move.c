/* Moving a version to another storage class: its bytes are put anew, compressed, under the row that stays. */
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/memory.h"
#include "store/local/lifecycle_private.h"

#define COPY_BYTES ((size_t)256 << 10)

static const char pieces_sql[] = "SELECT number, offset, size_bytes, checksum_kind, checksum FROM piece "
                                 "WHERE whole = ?1 ORDER BY ordinal";

/* A version on its way. */
struct move {
    struct lifecycle_step *step;
    const struct lifecycle_action *action;
    struct object_reader *reader;
    size_t count;           /* of pieces; 0: the bytes stay as they are */
    struct intake *intakes; /* a new body for each piece */
    struct body *bodies;
    struct body_piece *pieces;
    bool applied;
    struct doomed doomed;
};

static bool store_piece(struct move *move, size_t piece, enum object_encryption encryption, char *bytes,
                        struct error *error)
{
    struct intake_options options = {.encryption = encryption, .compressed = true};
    struct intake *intake = &move->intakes[piece];
    struct intake_sums sums;
    uint64_t offset = 0;
    uint64_t size_bytes = 0;

    body_piece(move->reader, piece, &offset, &size_bytes);
    struct put_expected expected = {.size_given = true, .size_bytes = size_bytes};

    if (!intake_begin(intake, move->step->store, &options, error)) {
        return false;
    }
    for (uint64_t done = 0; done < size_bytes;) {
        size_t wanted = size_bytes - done < COPY_BYTES ? (size_t)(size_bytes - done) : COPY_BYTES;
        ssize_t got = object_read(move->reader, bytes, wanted, offset + done, error);

        if (got <= 0 || !intake_write(intake, bytes, (size_t)got, error)) {
            return false;
        }
        done += (uint64_t)got;
    }
    if (!intake_finish(intake, &expected, &sums, &move->bodies[piece], error)) {
        return false;
    }
    if (move->action->row.part_count == 0 && memcmp(sums.md5, move->action->row.etag, ETAG_BYTES) != 0) {
        return error_set(error, ERROR_CORRUPT, "%s: its bytes are not those that were put; run aisle fsck",
                         move->action->key);
    }
    intake_shed(intake);
    return true;
}

/* The bytes as the new class wants them. */
static bool store_bytes(struct move *move, struct error *error)
{
    const struct object_row *row = &move->action->row;
    enum object_encryption encryption =
        (enum object_encryption)(row->flags >> OBJECT_ENCRYPTION_SHIFT & OBJECT_NUMBER_MASK);

    if (encryption == ENCRYPTION_CUSTOMER || !storage_class_compressed(move->action->class) ||
        storage_class_compressed(row->flags >> OBJECT_CLASS_SHIFT & OBJECT_NUMBER_MASK)) {
        return true;
    }
    char *bytes = memory_array(COPY_BYTES, 1, error);

    move->reader = bytes != NULL ? body_open(move->step->store, row->body, row->size_bytes, error) : NULL;
    size_t count = move->reader != NULL ? body_piece_count(move->reader) : 0;

    move->intakes = count > 0 ? memory_zeroed(count * sizeof *move->intakes, error) : NULL;
    move->bodies = move->intakes != NULL ? memory_zeroed(count * sizeof *move->bodies, error) : NULL;
    bool good = move->reader != NULL && move->bodies != NULL;

    for (; good && move->count < count; move->count++) {
        good = !lifecycle_stopped(move->step->store) && store_piece(move, move->count, encryption, bytes, error);
    }
    memory_free(bytes);
    return good;
}

/* What is told of the old pieces is so of the new ones. */
static bool describe_pieces(struct move *move, struct statement_cache *db, struct error *error)
{
    sqlite3_stmt *rows = statement_get(db, pieces_sql, error);
    size_t p = 0;
    int there = rows != NULL ? 1 : -1;

    if (rows != NULL) {
        sqlite3_bind_int64(rows, 1, move->action->row.body);
    }
    while (there > 0 && (there = statement_next(db, rows, error)) > 0) {
        const char *checksum = (const char *)sqlite3_column_text(rows, 4);
        struct body_piece *piece = &move->pieces[p++];

        if (p > move->count) {
            statement_done(rows);
            return error_set(error, ERROR_CORRUPT, "%s: its pieces have changed; run aisle fsck", move->action->key);
        }
        piece->number = (unsigned)sqlite3_column_int64(rows, 0);
        piece->offset = (uint64_t)sqlite3_column_int64(rows, 1);
        piece->size_bytes = (uint64_t)sqlite3_column_int64(rows, 2);
        piece->checksum.present = checksum != NULL;
        if (checksum != NULL) {
            piece->checksum.kind = (enum digest_kind)sqlite3_column_int(rows, 3);
            strncpy(piece->checksum.value, checksum, sizeof piece->checksum.value - 1);
        }
    }
    return there == 0;
}

static bool insert_bodies(struct move *move, struct statement_cache *db, int64_t *body, struct error *error)
{
    if (move->action->row.part_count == 0) {
        return body_insert(db, &move->bodies[0], body, error);
    }
    move->pieces = memory_zeroed(move->count * sizeof *move->pieces, error);
    if (move->pieces == NULL || !describe_pieces(move, db, error)) {
        return false;
    }
    for (size_t p = 0; p < move->count; p++) {
        if (!body_insert(db, &move->bodies[p], &move->pieces[p].body, error)) {
            return false;
        }
    }
    return body_insert_pieces(db, move->pieces, move->count, move->action->row.size_bytes, body, error);
}

static bool add_event(struct move *move, struct statement_cache *db, const struct object_row *row, struct error *error)
{
    char etag[ETAG_CHARACTERS + 1];
    struct event_new event = {.name = "LifecycleTransition",
                              .bucket = move->step->bucket->name,
                              .key = move->action->key,
                              .version_id = move->action->version_id,
                              .etag = etag,
                              .size_bytes = row->size_bytes,
                              .time_us = clock_now_us()};

    object_row_etag(row, etag);
    return event_add(db, &event, error);
}

static bool apply_move(void *context, struct statement_cache *db, struct error *error)
{
    struct move *move = context;
    struct object_found found;
    int there = lifecycle_find(move->step, db, move->action, &found, error);

    if (there <= 0) {
        return there == 0 && error_set(error, ERROR_NOT_FOUND, "it is gone");
    }
    struct object_row row = found.row;
    char *detail = arena_take(move->step->arena, row.detail_bytes + 1, error);

    if (detail != NULL && row.detail_bytes > 0) {
        memcpy(detail, row.detail, row.detail_bytes);
    }
    row.detail = detail;
    statement_done(found.statement);
    row.flags &= ~(OBJECT_NUMBER_MASK << OBJECT_CLASS_SHIFT);
    row.flags |= move->action->class << OBJECT_CLASS_SHIFT;
    move->applied = detail != NULL &&
                    (move->count == 0 || (insert_bodies(move, db, &row.body, error) &&
                                          body_release(db, move->action->row.body, &move->doomed, error))) &&
                    object_row_write(db, move->step->bucket->id, move->action->key, &row, error) &&
                    add_event(move, db, &row, error);
    return move->applied;
}

/* Whether the version is another one by now, or gone: then it is no failure that it could not be moved. */
static bool is_gone(struct lifecycle_step *step, const struct lifecycle_action *action)
{
    struct statement_cache *reader = local_read_begin(step->store, NULL);
    struct object_found found;
    int there = reader != NULL ? lifecycle_find(step, reader, action, &found, NULL) : -1;

    if (there > 0) {
        statement_done(found.statement);
    }
    local_read_end(step->store, reader);
    return there == 0;
}

bool lifecycle_move(struct lifecycle_step *step, const struct lifecycle_action *action, struct error *error)
{
    struct move move = {.step = step, .action = action};
    bool good = store_bytes(&move, error);

    if (good && failpoint_hit("lifecycle.stored")) {
        good = error_set(error, ERROR_IO, "the move was stopped by a failpoint");
    }
    if (good) {
        good = committer_do(step->store->committer, apply_move, &move, error);
        step->counts->moved += good;
        doomed_remove(step->store, &move.doomed, good);
    }
    for (size_t p = 0; move.intakes != NULL && p <= move.count && p < body_piece_count(move.reader); p++) {
        if (good) {
            intake_keep(&move.intakes[p]);
        } else {
            put_failed(&move.intakes[p], move.applied);
        }
        intake_free(&move.intakes[p]);
    }
    object_close(move.reader);
    memory_free(move.intakes);
    memory_free(move.bodies);
    memory_free(move.pieces);
    return good || lifecycle_stopped(step->store) || is_gone(step, action);
}
