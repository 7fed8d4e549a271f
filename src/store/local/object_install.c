/* Putting a version in its place among those of its key. */
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "store/local/local_private.h"

static const char nulls_sql[] = "SELECT rank, body FROM object WHERE bucket = ?1 AND key = ?2 AND (flags & 2) <> 0 "
                                "ORDER BY rank LIMIT 1";

int object_current(struct statement_cache *db, int64_t bucket, const char *key, struct object_row *row,
                   struct error *error)
{
    struct object_found found;
    int there = object_row_find(db, bucket, key, NULL, &found, error);

    if (there > 0) {
        *row = found.row;
        row->detail = NULL;
        row->detail_bytes = 0;
        statement_done(found.statement);
    }
    return there;
}

bool object_remove_version(struct statement_cache *db, int64_t bucket, const char *key, int64_t rank, int64_t body,
                           struct doomed *doomed, struct error *error)
{
    return object_row_remove(db, bucket, key, rank, error) && (body == 0 || body_release(db, body, doomed, error));
}

bool object_remove_null(struct statement_cache *db, int64_t bucket, const char *key, struct doomed *doomed,
                        struct error *error)
{
    sqlite3_stmt *nulls = statement_get(db, nulls_sql, error);

    if (nulls == NULL) {
        return false;
    }
    sqlite3_bind_int64(nulls, 1, bucket);
    statement_bind_text(nulls, 2, key);
    int there = statement_next(db, nulls, error);

    if (there <= 0) {
        return there == 0;
    }
    int64_t rank = sqlite3_column_int64(nulls, 0);
    int64_t body = sqlite3_column_int64(nulls, 1);

    statement_done(nulls);
    return object_remove_version(db, bucket, key, rank, body, doomed, error);
}

int64_t object_new_rank(enum bucket_versioning versioning, const struct object_row *current, int64_t now_us)
{
    if (versioning == VERSIONING_NEVER) {
        return 0;
    }
    /* A clock that went back does not bring an older version to the front. */
    return current != NULL && current->rank <= -now_us ? current->rank - 1 : -now_us;
}

/* Takes away what the new version stands in for. */
static bool make_room(struct statement_cache *db, enum bucket_versioning versioning, const char *key,
                      struct object_install *install, const struct object_row *current, struct doomed *doomed,
                      struct error *error)
{
    switch (versioning) {
    case VERSIONING_NEVER:
        /* Its row is replaced. */
        return current == NULL || current->body == 0 || body_release(db, current->body, doomed, error);
    case VERSIONING_SUSPENDED:
        return object_remove_null(db, install->bucket_id, key, doomed, error);
    default:
        return true;
    }
}

static bool add_event(struct statement_cache *db, const struct object_install *install, struct error *error)
{
    char etag[ETAG_CHARACTERS + 1];

    object_row_etag(&install->row, etag);
    struct event_new event = {.name = install->event,
                              .bucket = install->bucket,
                              .key = install->key,
                              .version_id = install->version_id,
                              .owner = install->owner,
                              .request_id = install->request_id,
                              .source_ip = install->source_ip,
                              .etag = etag,
                              .size_bytes = install->size_bytes,
                              .time_us = install->row.modified_us};

    return install->event == NULL || event_add(db, &event, error);
}

static void fill_row(struct object_install *install, enum bucket_versioning versioning,
                     const struct object_row *current)
{
    struct object_row *row = &install->row;

    memset(row, 0, sizeof *row);
    row->modified_us = clock_now_us();
    row->rank = object_new_rank(versioning, current, row->modified_us);
    row->flags = install->packed.flags | (versioning == VERSIONING_ENABLED ? 0U : OBJECT_NULL);
    row->size_bytes = install->size_bytes;
    memcpy(row->etag, install->etag, ETAG_BYTES);
    row->part_count = install->part_count;
    row->has_sha256 = install->sha256 != NULL;
    if (install->sha256 != NULL) {
        memcpy(row->sha256, install->sha256, SHA256_BYTES);
    }
    row->body = install->body;
    row->detail = install->packed.bytes;
    row->detail_bytes = install->packed.size;
    if (versioning == VERSIONING_ENABLED) {
        version_text(install->bucket_id, row->rank, install->version_id);
    } else {
        memcpy(install->version_id, "null", sizeof "null");
    }
}

bool object_install(struct statement_cache *db, struct object_install *install, struct doomed *doomed,
                    struct error *error)
{
    struct object_place place = {install->bucket, install->key, NULL};
    struct bucket_row bucket;
    struct object_row current;

    if (!bucket_row_find(db, install->bucket, &bucket, error)) {
        return false;
    }
    if (install->bucket_id != 0 && install->bucket_id != bucket.id) {
        return bucket_absent(install->bucket, error); /* removed since, and another of the name made */
    }
    install->bucket_id = bucket.id;
    int there = object_current(db, bucket.id, install->key, &current, error);

    if (there < 0 || (install->conditions != NULL &&
                      !conditions_for_write(install->conditions, &place, there > 0 ? &current : NULL, error))) {
        return false;
    }
    fill_row(install, bucket.versioning, there > 0 ? &current : NULL);
    return make_room(db, bucket.versioning, install->key, install, there > 0 ? &current : NULL, doomed, error) &&
           object_row_write(db, bucket.id, install->key, &install->row, error) && add_event(db, install, error);
}
