/* Rows of bodies, how often they are named, and the removal of files that no row names any more. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "store/folder_private.h"
#include "store/local/local_private.h"

static const char insert_sql[] = "INSERT INTO body(refs, form, size_bytes, stored_bytes, blob, wrapped, bytes) "
                                 "VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6)";
static const char insert_piece_sql[] = "INSERT INTO piece(whole, ordinal, body, number, offset, size_bytes, "
                                       "checksum_kind, checksum) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
static const char share_sql[] = "UPDATE body SET refs = refs + 1 WHERE id = ?1";
static const char last_sql[] = "DELETE FROM body WHERE id = ?1 AND refs = 1 RETURNING blob, form";
static const char unshare_sql[] = "UPDATE body SET refs = refs - 1 WHERE id = ?1";
static const char pieces_sql[] = "SELECT body FROM piece WHERE whole = ?1 ORDER BY ordinal";
static const char remove_pieces_sql[] = "DELETE FROM piece WHERE whole = ?1";

struct doomed_blob {
    struct doomed_blob *next;
    char id[BLOB_ID_CHARACTERS + 1];
};

bool doomed_add(struct doomed *doomed, const char *blob, struct error *error)
{
    struct doomed_blob *one = memory_zeroed(sizeof *one, error);

    if (one == NULL) {
        return false;
    }
    strncpy(one->id, blob, BLOB_ID_CHARACTERS);
    one->next = doomed->first;
    doomed->first = one;
    return true;
}

bool body_insert(struct statement_cache *db, const struct body *body, int64_t *id, struct error *error)
{
    sqlite3_stmt *insert = statement_get(db, insert_sql, error);

    if (insert == NULL) {
        return false;
    }
    sqlite3_bind_int64(insert, 1, body->form);
    sqlite3_bind_int64(insert, 2, (int64_t)body->size_bytes);
    sqlite3_bind_int64(insert, 3, (int64_t)body->stored_bytes);
    statement_bind_text(insert, 4, body->blob[0] != '\0' ? body->blob : NULL);
    if ((body->form & BODY_ADOPTED) != 0) {
        sqlite3_bind_int64(insert, 5, body->modified_ns);
    } else {
        sqlite3_bind_blob(insert, 5,
                          (body->form & (BODY_WRAPPED_BY_STORE | BODY_WRAPPED_BY_CUSTOMER)) != 0 ? body->wrapped : NULL,
                          BLOB_WRAPPED_KEY_BYTES, SQLITE_STATIC);
    }
    if (body->blob[0] != '\0' || (body->form & BODY_PIECES) != 0) {
        sqlite3_bind_null(insert, 6);
    } else if (body->stored_bytes == 0) {
        sqlite3_bind_zeroblob(insert, 6, 0);
    } else {
        sqlite3_bind_blob64(insert, 6, body->bytes, body->stored_bytes, SQLITE_STATIC);
    }
    if (!statement_run(db, insert, error)) {
        return false;
    }
    *id = sqlite3_last_insert_rowid(statement_cache_db(db));
    return true;
}

bool body_unchanged(int fd, int64_t modified_ns, struct error *error)
{
    struct stat status;

    return (fstat(fd, &status) == 0 &&
            (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec == modified_ns) ||
           error_set(
               error, ERROR_CORRUPT,
               "the file that the object was adopted from was changed in its place, so the object's bytes are not "
               "those that it was made of; adopt it again, or run aisle fsck");
}

static bool insert_piece(struct statement_cache *db, int64_t whole, size_t ordinal, const struct body_piece *piece,
                         struct error *error)
{
    sqlite3_stmt *insert = statement_get(db, insert_piece_sql, error);

    if (insert == NULL) {
        return false;
    }
    sqlite3_bind_int64(insert, 1, whole);
    sqlite3_bind_int64(insert, 2, (int64_t)ordinal);
    sqlite3_bind_int64(insert, 3, piece->body);
    sqlite3_bind_int64(insert, 4, piece->number);
    sqlite3_bind_int64(insert, 5, (int64_t)piece->offset);
    sqlite3_bind_int64(insert, 6, (int64_t)piece->size_bytes);
    if (piece->checksum.present) {
        sqlite3_bind_int64(insert, 7, piece->checksum.kind);
    } else {
        sqlite3_bind_null(insert, 7);
    }
    statement_bind_text(insert, 8, piece->checksum.present ? piece->checksum.value : NULL);
    return statement_run(db, insert, error);
}

bool body_insert_pieces(struct statement_cache *db, const struct body_piece *pieces, size_t count, uint64_t size_bytes,
                        int64_t *id, struct error *error)
{
    struct body whole = {.form = BODY_PIECES, .size_bytes = size_bytes};

    if (!body_insert(db, &whole, id, error)) {
        return false;
    }
    for (size_t p = 0; p < count; p++) {
        if (!insert_piece(db, *id, p, &pieces[p], error)) {
            return false;
        }
    }
    return true;
}

static bool run_with(struct statement_cache *db, const char *sql, int64_t id, struct error *error)
{
    sqlite3_stmt *statement = statement_get(db, sql, error);

    if (statement == NULL) {
        return false;
    }
    sqlite3_bind_int64(statement, 1, id);
    return statement_run(db, statement, error);
}

bool body_share(struct statement_cache *db, int64_t id, struct error *error)
{
    return run_with(db, share_sql, id, error);
}

/* Removes the row when it has one reference: 1 it did, 0 it has more, -1 failure. */
static int remove_last(struct statement_cache *db, int64_t id, unsigned *form, struct doomed *doomed,
                       struct error *error)
{
    sqlite3_stmt *last = statement_get(db, last_sql, error);

    if (last == NULL) {
        return -1;
    }
    sqlite3_bind_int64(last, 1, id);
    int there = statement_next(db, last, error);

    if (there > 0) {
        const char *blob = (const char *)sqlite3_column_text(last, 0);

        *form = (unsigned)sqlite3_column_int(last, 1);
        if (blob != NULL && !doomed_add(doomed, blob, error)) {
            there = -1;
        }
    }
    statement_done(last);
    return there;
}

static bool release_pieces(struct statement_cache *db, int64_t whole, struct doomed *doomed, struct error *error)
{
    sqlite3_stmt *pieces = statement_get(db, pieces_sql, error);
    int there = pieces != NULL ? 1 : -1;

    if (pieces != NULL) {
        sqlite3_bind_int64(pieces, 1, whole);
    }
    while (there > 0 && (there = statement_next(db, pieces, error)) > 0) {
        int64_t piece = sqlite3_column_int64(pieces, 0);
        unsigned form = 0;
        int removed = remove_last(db, piece, &form, doomed, error);

        if (removed < 0 || (removed == 0 && !run_with(db, unshare_sql, piece, error))) {
            statement_done(pieces);
            there = -1;
        }
    }
    return there == 0 && run_with(db, remove_pieces_sql, whole, error);
}

bool body_release(struct statement_cache *db, int64_t id, struct doomed *doomed, struct error *error)
{
    unsigned form = 0;
    int removed = remove_last(db, id, &form, doomed, error);

    if (removed < 0) {
        return false;
    }
    if (removed == 0) {
        return run_with(db, unshare_sql, id, error);
    }
    return (form & BODY_PIECES) == 0 || release_pieces(db, id, doomed, error);
}

/* --- readers that open a body's files one after the other --- */

struct blob_pins {
    pthread_mutex_t lock;
    struct blob_pin *first; /* open readers, oldest first */
    struct blob_pin **last;
    uint64_t count;        /* of pins so far */
    struct parked *parked; /* oldest first */
    struct parked **parked_last;
    pthread_mutex_t removal;     /* of files: holds the rest */
    int lock_fd;                 /* of the folder's lock; -1: not yet open */
    struct doomed_blob *waiting; /* for readers in other processes to end */
};

struct blob_pin {
    struct blob_pin *next;
    uint64_t number;
};

/* Files that readers up to a number may still open. */
struct parked {
    struct parked *next;
    uint64_t number;
    struct doomed doomed;
};

struct blob_pins *blob_pins_new(struct error *error)
{
    struct blob_pins *pins = memory_zeroed(sizeof *pins, error);

    if (pins != NULL) {
        pthread_mutex_init(&pins->lock, NULL);
        pthread_mutex_init(&pins->removal, NULL);
        pins->lock_fd = -1;
        pins->last = &pins->first;
        pins->parked_last = &pins->parked;
    }
    return pins;
}

static void remove_file(struct local_store *store, const char *id)
{
    struct error error = {0};

    if (!blob_remove(store->path, id, &error)) {
        log_event(LOG_WARN, "blob_not_removed", "blob", "s", id, "reason", "s", error.message, NULL);
        local_unclean(store);
    }
}

/* Removes what waits, unless another process reads the folder, such as a backup: then a later call does. */
static void remove_waiting(struct local_store *store, struct blob_pins *pins)
{
    if (pins->lock_fd < 0) {
        pins->lock_fd = lock_descriptor(store->folder, NULL);
    }
    if (pins->lock_fd < 0 || !lock_readers_hold(pins->lock_fd)) {
        return;
    }
    for (struct doomed_blob *one = pins->waiting, *next = NULL; one != NULL; one = next) {
        next = one->next;
        remove_file(store, one->id);
        memory_free(one);
    }
    pins->waiting = NULL;
    lock_readers_admit(pins->lock_fd);
}

static void remove_files(struct local_store *store, struct doomed *doomed)
{
    struct blob_pins *pins = store->pins;
    struct doomed_blob **end = &doomed->first;

    if (doomed->first == NULL) {
        return;
    }
    while (*end != NULL) {
        end = &(*end)->next;
    }
    pthread_mutex_lock(&pins->removal);
    *end = pins->waiting;
    pins->waiting = doomed->first;
    remove_waiting(store, pins);
    pthread_mutex_unlock(&pins->removal);
    doomed->first = NULL;
}

static void forget_files(struct doomed *doomed)
{
    for (struct doomed_blob *one = doomed->first, *next = NULL; one != NULL; one = next) {
        next = one->next;
        memory_free(one);
    }
    doomed->first = NULL;
}

void blob_pins_free(struct local_store *store)
{
    struct blob_pins *pins = store->pins;

    if (pins == NULL) {
        return;
    }
    for (struct parked *parked = pins->parked, *next = NULL; parked != NULL; parked = next) {
        next = parked->next;
        remove_files(store, &parked->doomed);
        memory_free(parked);
    }
    if (pins->waiting != NULL) {
        remove_waiting(store, pins);
    }
    if (pins->waiting != NULL) {
        local_unclean(store);
        forget_files(&(struct doomed){pins->waiting});
    }
    if (pins->lock_fd >= 0) {
        close(pins->lock_fd);
    }
    pthread_mutex_destroy(&pins->lock);
    pthread_mutex_destroy(&pins->removal);
    memory_free(pins);
    store->pins = NULL;
}

struct blob_pin *blob_pin(struct local_store *store, struct error *error)
{
    struct blob_pins *pins = store->pins;
    struct blob_pin *pin = memory_zeroed(sizeof *pin, error);

    if (pin != NULL) {
        pthread_mutex_lock(&pins->lock);
        pin->number = ++pins->count;
        *pins->last = pin;
        pins->last = &pin->next;
        pthread_mutex_unlock(&pins->lock);
    }
    return pin;
}

static void unlink_pin(struct blob_pins *pins, struct blob_pin *pin)
{
    struct blob_pin **at = &pins->first;

    while (*at != pin) {
        at = &(*at)->next;
    }
    *at = pin->next;
    if (pins->last == &pin->next) {
        pins->last = at;
    }
}

void blob_unpin(struct local_store *store, struct blob_pin *pin)
{
    struct blob_pins *pins = store->pins;
    struct parked *ready = NULL;
    struct parked **end = &ready;

    if (pin == NULL) {
        return;
    }
    pthread_mutex_lock(&pins->lock);
    unlink_pin(pins, pin);
    while (pins->parked != NULL && (pins->first == NULL || pins->parked->number < pins->first->number)) {
        struct parked *parked = pins->parked;

        pins->parked = parked->next;
        if (pins->parked == NULL) {
            pins->parked_last = &pins->parked;
        }
        parked->next = NULL;
        *end = parked;
        end = &parked->next;
    }
    pthread_mutex_unlock(&pins->lock);
    while (ready != NULL) {
        struct parked *next = ready->next;

        remove_files(store, &ready->doomed);
        memory_free(ready);
        ready = next;
    }
    memory_free(pin);
}

/* Leaves the files to the readers that are open. False: there is none. */
static bool park(struct local_store *store, struct doomed *doomed)
{
    struct blob_pins *pins = store->pins;
    struct parked *parked = memory_zeroed(sizeof *parked, NULL);

    if (parked == NULL) {
        return false;
    }
    pthread_mutex_lock(&pins->lock);
    bool wanted = pins->first != NULL;

    if (wanted) {
        parked->number = pins->count;
        parked->doomed = *doomed;
        *pins->parked_last = parked;
        pins->parked_last = &parked->next;
        doomed->first = NULL;
    }
    pthread_mutex_unlock(&pins->lock);
    if (!wanted) {
        memory_free(parked);
    }
    return wanted;
}

void doomed_remove(struct local_store *store, struct doomed *doomed, bool committed)
{
    if (!committed) {
        forget_files(doomed);
    } else if (doomed->first != NULL && !park(store, doomed)) {
        remove_files(store, doomed);
    }
}
