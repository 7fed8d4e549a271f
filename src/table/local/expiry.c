/* What is done beside answering: items whose time to live has passed go, and what a table that was dropped left behind.
 * In steps, between which others write. */
#include <stdio.h>

#include "table/local/local_private.h"

#define ROWS_AT_ONCE 1000
#define ERASED_AT_ONCE 1000
#define OLDEST_S (INT64_C(5) * 365 * 86400) /* what passed longer ago is taken for a slip, and kept */

static const char next_rows[] = "SELECT key, value FROM item WHERE space = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
static const char next_space[] = "SELECT space FROM item WHERE space > ?1 ORDER BY space LIMIT 1";
static const char owner_of_space[] = "SELECT last_space FROM item_table WHERE ?1 BETWEEN space AND last_space";
static const char erase_space[] =
    "DELETE FROM item WHERE space = ?1 AND key IN (SELECT key FROM item WHERE space = ?1 LIMIT ?2)";

struct step {
    struct local_tables *tables;
    struct arena *arena;
    struct table_definition *definition; /* held */
    int64_t now_s;
    struct str *keys; /* of items to look at again */
    size_t count;
    struct buffer after; /* the last key that was read */
    bool more;
    uint64_t removed;
    int64_t space;
};

/* Seconds since 1970, which may have a fraction; larger than any time when it is none. */
static bool has_passed(const struct step *step, const struct attribute *item)
{
    const char *name = step->definition->time_to_live;
    const struct attribute *value = name != NULL ? attribute_find(item, str_of(name)) : NULL;
    int64_t time_s = 0;

    if (value == NULL || value->type != ATTRIBUTE_NUMBER || value->as.number->negative ||
        value->as.number->exponent > 15) {
        return false;
    }
    for (int i = 0; i < value->as.number->exponent; i++) {
        time_s = time_s * 10 + value->as.number->digits[i];
    }
    return time_s <= step->now_s && time_s > step->now_s - OLDEST_S;
}

static bool take_row(struct step *step, sqlite3_stmt *statement, struct error *error)
{
    size_t size = (size_t)sqlite3_column_bytes(statement, 1);
    size_t length = (size_t)sqlite3_column_bytes(statement, 0);
    const char *key = sqlite3_column_blob(statement, 0);
    struct attribute item;

    buffer_clear(&step->after);
    buffer_append(&step->after, key, length);
    if (!buffer_check(&step->after, error) ||
        !attribute_load(sqlite3_column_blob(statement, 1), size, step->arena, &item, error)) {
        return false;
    }
    if (has_passed(step, &item)) {
        step->keys[step->count] = str_slice(arena_text(step->arena, key, length, error), length);
        return step->keys[step->count++].data != NULL;
    }
    return true;
}

/* Reads the next rows, and notes which of them have passed. */
static bool read_rows(struct step *step, struct error *error)
{
    struct statement_cache *db = local_read_begin(step->tables->store, error);
    sqlite3_stmt *statement = db != NULL ? statement_get(db, next_rows, error) : NULL;
    struct buffer from __attribute__((cleanup(buffer_free))) = {0};
    int row = -1;
    int64_t rows = 0;

    buffer_append(&from, step->after.data, step->after.length);
    step->count = 0;
    step->keys = arena_take(step->arena, ROWS_AT_ONCE * sizeof *step->keys, error);
    if (statement != NULL && step->keys != NULL && buffer_check(&from, error)) {
        sqlite3_bind_int64(statement, 1, step->definition->space);
        sqlite3_bind_blob64(statement, 2, from.length > 0 ? from.data : "", from.length, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 3, ROWS_AT_ONCE);
        while ((row = statement_next(db, statement, error)) == 1) {
            rows++;
            if (!take_row(step, statement, error)) {
                row = -1;
                break;
            }
        }
        statement_done(statement);
    }
    if (db != NULL) {
        local_read_end(step->tables->store, db);
    }
    step->more = rows == ROWS_AT_ONCE;
    return row == 0;
}

/* In the committer: each is judged again, since it may have been written in between. */
static bool remove_passed(void *context, struct statement_cache *db, struct error *error)
{
    struct step *step = context;
    uint64_t removed = 0;

    for (size_t i = 0; i < step->count; i++) {
        struct write write = {.kind = WRITE_DELETE, .definition = step->definition, .key = step->keys[i]};
        struct attribute item;
        int found = item_load(db, step->definition->space, write.key, step->arena, &item, error);

        if (found < 0 || (found == 1 && has_passed(step, &item) && !write_apply(&write, db, step->arena, error))) {
            return false;
        }
        removed += write.had;
    }
    step->removed = removed;
    return true;
}

static bool expire_step(struct step *step, const char *name, uint64_t *removed, struct error *error)
{
    step->arena = arena_new(0, error);
    if (step->arena == NULL) {
        return false;
    }
    pthread_rwlock_rdlock(&step->tables->altering);
    step->definition = definition_find(step->tables, name, NULL);
    step->more = false;
    step->removed = 0;
    bool good = step->definition == NULL || step->definition->time_to_live == NULL ||
                (read_rows(step, error) &&
                 (step->count == 0 || committer_do(step->tables->committer, remove_passed, step, error)));

    definition_release(step->tables, step->definition);
    pthread_rwlock_unlock(&step->tables->altering);
    arena_free(step->arena);
    *removed += good ? step->removed : 0;
    return good;
}

static bool erase_step(void *context, struct statement_cache *db, struct error *error)
{
    struct step *step = context;
    sqlite3_stmt *statement = statement_get(db, erase_space, error);

    if (statement == NULL) {
        return false;
    }
    sqlite3_bind_int64(statement, 1, step->space);
    sqlite3_bind_int64(statement, 2, ERASED_AT_ONCE);
    if (!statement_run(db, statement, error)) {
        return false;
    }
    step->more = sqlite3_changes64(statement_cache_db(db)) == ERASED_AT_ONCE;
    return true;
}

/* One number that the statement gives for `bound`: 1, 0 when it gives none, -1 failure. */
static int ask(struct local_tables *tables, const char *sql, int64_t bound, int64_t *number, struct error *error)
{
    struct statement_cache *db = local_read_begin(tables->store, error);
    sqlite3_stmt *statement = db != NULL ? statement_get(db, sql, error) : NULL;
    int row = -1;

    if (statement != NULL) {
        sqlite3_bind_int64(statement, 1, bound);
        row = statement_next(db, statement, error);
        *number = row == 1 ? sqlite3_column_int64(statement, 0) : 0;
        statement_done(statement);
    }
    if (db != NULL) {
        local_read_end(tables->store, db);
    }
    return row;
}

/* Items in spaces of no table: of one that was being dropped when the process ended. */
static bool sweep(struct local_tables *tables, struct error *error)
{
    struct step step = {.tables = tables};
    int64_t at = 0;
    int found = 0;

    while (!atomic_load(&tables->stop) && (found = ask(tables, next_space, at, &step.space, error)) == 1) {
        int64_t last;
        int owned = ask(tables, owner_of_space, step.space, &last, error);

        if (owned < 0) {
            return false;
        }
        at = owned == 1 ? last : step.space;
        step.more = owned == 0;
        while (step.more && !atomic_load(&tables->stop)) {
            if (!committer_do(tables->committer, erase_step, &step, error)) {
                return false;
            }
        }
    }
    return found >= 0;
}

/* The name of the first table after this one; false when there is none. */
static bool next_name(struct local_tables *tables, char name[256])
{
    bool found = false;

    pthread_mutex_lock(&tables->mutex);
    for (size_t i = 0; i < tables->definition_count && !found; i++) {
        found = strcmp(tables->definitions[i]->name, name) > 0;
        if (found) {
            snprintf(name, 256, "%s", tables->definitions[i]->name);
        }
    }
    pthread_mutex_unlock(&tables->mutex);
    return found;
}

bool local_tables_upkeep(struct tables *port, int64_t now_us, uint64_t *expired, struct error *error)
{
    struct local_tables *tables = (struct local_tables *)port;
    char name[256] = "";
    bool good = sweep(tables, error);

    *expired = 0;
    while (good && !atomic_load(&tables->stop) && next_name(tables, name)) {
        struct step step = {.tables = tables, .now_s = now_us / 1000000};

        do {
            good = expire_step(&step, name, expired, error);
        } while (good && step.more && !atomic_load(&tables->stop));
        buffer_free(&step.after);
    }
    return good;
}

void local_tables_stop(struct tables *port)
{
    atomic_store(&((struct local_tables *)port)->stop, true);
}
