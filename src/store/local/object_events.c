/* The outbox: rows that are written with what they tell of, and read in order. */
#include <string.h>

#include "base/clock.h"
#include "store/local/local_private.h"

/* How long events are kept, and how many of those older go at once, so that no transaction takes long. */
#define KEEP_US (INT64_C(7) * 86400 * 1000000)
#define REMOVED_AT_ONCE 2048
#define REMOVE_EVERY 1024

static const char add_sql[] = "INSERT INTO event(name, time_us, bucket, key, version, etag, owner, request_id, "
                              "source_ip, size_bytes) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
static const char list_sql[] = "SELECT sequence, name, time_us, bucket, key, version, etag, owner, request_id, "
                               "source_ip, size_bytes FROM event WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
static const char remove_sql[] = "DELETE FROM event WHERE sequence IN "
                                 "(SELECT sequence FROM event ORDER BY sequence LIMIT ?2) AND time_us < ?1";

static bool remove_old(struct statement_cache *db, int64_t now_us, struct error *error)
{
    sqlite3_stmt *remove = statement_get(db, remove_sql, error);

    if (remove == NULL) {
        return false;
    }
    sqlite3_bind_int64(remove, 1, now_us - KEEP_US);
    sqlite3_bind_int64(remove, 2, REMOVED_AT_ONCE);
    return statement_run(db, remove, error);
}

bool event_add(struct statement_cache *db, const struct event_new *event, struct error *error)
{
    sqlite3_stmt *add = statement_get(db, add_sql, error);

    if (add == NULL) {
        return false;
    }
    statement_bind_text(add, 1, event->name);
    sqlite3_bind_int64(add, 2, event->time_us);
    statement_bind_text(add, 3, event->bucket);
    statement_bind_text(add, 4, event->key);
    statement_bind_text(add, 5, event->version_id);
    statement_bind_text(add, 6, event->etag);
    statement_bind_text(add, 7, event->owner);
    statement_bind_text(add, 8, event->request_id);
    statement_bind_text(add, 9, event->source_ip);
    sqlite3_bind_int64(add, 10, (int64_t)event->size_bytes);
    return statement_run(db, add, error) && (sqlite3_last_insert_rowid(statement_cache_db(db)) % REMOVE_EVERY != 0 ||
                                             remove_old(db, event->time_us, error));
}

/* FNV-1a, for an id that other stores' events do not have. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static bool read_event(sqlite3_stmt *list, struct arena *arena, struct object_event *event, struct error *error)
{
    event->sequence = sqlite3_column_int64(list, 0);
    event->time_us = sqlite3_column_int64(list, 2);
    event->size_bytes = (uint64_t)sqlite3_column_int64(list, 10);
    event->name = statement_text(list, 1, arena, error);
    event->bucket = statement_text(list, 3, arena, error);
    event->key = statement_text(list, 4, arena, error);
    event->version_id = statement_text(list, 5, arena, error);
    event->etag = statement_text(list, 6, arena, error);
    event->owner = statement_text(list, 7, arena, error);
    event->request_id = statement_text(list, 8, arena, error);
    event->source_ip = statement_text(list, 9, arena, error);
    if (event->name == NULL || event->bucket == NULL || event->key == NULL || event->version_id == NULL ||
        event->etag == NULL || event->owner == NULL || event->request_id == NULL || event->source_ip == NULL) {
        return false;
    }
    uint64_t hash = hash_text(hash_text(UINT64_C(0xcbf29ce484222325), event->bucket), event->key);

    event->id = arena_format(arena, error, "%016llx%016llx", (unsigned long long)event->sequence,
                             (unsigned long long)(hash ^ (uint64_t)event->time_us));
    return event->id != NULL;
}

bool object_events(struct local_store *store, int64_t after_sequence, size_t most, struct arena *arena,
                   struct object_event **events, size_t *count, struct error *error)
{
    struct statement_cache *reader = local_read_begin(store, error);
    sqlite3_stmt *list = reader != NULL ? statement_get(reader, list_sql, error) : NULL;
    size_t room = 0;
    int there = list != NULL ? 1 : -1;

    *events = NULL;
    *count = 0;
    if (list != NULL) {
        sqlite3_bind_int64(list, 1, after_sequence);
        sqlite3_bind_int64(list, 2, (int64_t)(most < INT64_MAX ? most : INT64_MAX));
    }
    while (there > 0 && (there = statement_next(reader, list, error)) > 0) {
        if (*count == room) {
            struct object_event *more = arena_take(arena, (2 * room + 64) * sizeof *more, error);

            if (more != NULL && room > 0) {
                memcpy(more, *events, room * sizeof *more);
            }
            room = 2 * room + 64;
            *events = more;
        }
        if (*events == NULL || !read_event(list, arena, &(*events)[*count], error)) {
            statement_done(list);
            there = -1;
            break;
        }
        (*count)++;
    }
    local_read_end(store, reader);
    return there == 0;
}
