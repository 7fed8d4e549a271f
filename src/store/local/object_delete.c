/* Deleting: a version for good, or behind a delete marker where the bucket keeps versions. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "store/local/local_private.h"

struct deletion {
    struct object_deleting deleting;
    const struct object_delete *deletes;
    struct object_deleted *results;
    size_t count;
};

bool object_may_go(const struct object_row *row, bool bypass_governance, struct error *error)
{
    struct packed_text text;

    if ((row->flags & OBJECT_LOCKED) == 0) {
        return true;
    }
    for (size_t at = 0; packed_next(row, &at, &text);) {
        bool compliance = text.letter == 'l' && strcmp(text.name, "COMPLIANCE") == 0;

        if (text.letter == 'g') {
            return error_set_named(error, ERROR_DENIED, "AccessDenied", "the version is under a legal hold");
        }
        if (text.letter == 'l' && (compliance || !bypass_governance) &&
            strtoll(text.value, NULL, 10) > clock_now_us()) {
            return error_set_named(error, ERROR_DENIED, "AccessDenied",
                                   "the version is locked until its retention ends (%s)", text.name);
        }
    }
    return true;
}

static bool add_event(struct statement_cache *db, const struct object_delete *delete, const char *name,
                      const char *version_id, struct error *error)
{
    struct event_new event = {.name = name,
                              .bucket = delete->bucket,
                              .key = delete->key,
                              .version_id = version_id,
                              .owner = delete->owner,
                              .request_id = delete->request_id,
                              .source_ip = delete->source_ip,
                              .etag = "",
                              .time_us = clock_now_us()};

    return event_add(db, &event, error);
}

/* A row of the key, with what judging it needs; the statement is done. */
static int find(struct object_deleting *work, struct statement_cache *db, int64_t bucket,
                const struct object_delete *delete, struct object_row *row, struct error *error)
{
    struct object_found found;
    int there = object_row_find(db, bucket, delete->key, delete->version_id, &found, error);

    if (there > 0) {
        *row = found.row;
        if (row->detail_bytes > 0) {
            char *copy = arena_take(work->arena, row->detail_bytes, error);

            if (copy != NULL) {
                memcpy(copy, row->detail, row->detail_bytes);
            } else {
                there = -1;
            }
            row->detail = copy;
        }
        statement_done(found.statement);
    }
    return there;
}

static bool delete_version(struct object_deleting *work, struct statement_cache *db, int64_t bucket,
                           const struct object_delete *delete, struct object_deleted *result, struct error *error)
{
    struct object_row row;
    int there = find(work, db, bucket, delete, &row, error);

    if (there <= 0) {
        result->version_id = delete->version_id;
        return there == 0;
    }
    if (!conditions_for_delete(&delete->conditions, &row, error) ||
        !object_may_go(&row, delete->bypass_governance, error)) {
        return false;
    }
    const char *version_id = version_id_of(bucket, &row, work->arena, error);

    if (version_id == NULL ||
        !object_remove_version(db, bucket, delete->key, row.rank, row.body, &work->doomed, error) ||
        !add_event(db, delete, work->event_deleted, version_id, error)) {
        return false;
    }
    result->marker_deleted = (row.flags & OBJECT_MARKER) != 0;
    result->version_id = delete->version_id != NULL ? version_id : NULL;
    return true;
}

static bool put_marker(struct object_deleting *work, struct statement_cache *db, const struct bucket_row *bucket,
                       const struct object_delete *delete, struct object_deleted *result, struct error *error)
{
    struct object_row current;
    int there = find(work, db, bucket->id, delete, &current, error);

    if (there < 0 || !conditions_for_delete(&delete->conditions, there > 0 ? &current : NULL, error)) {
        return false;
    }
    int64_t now_us = clock_now_us();
    struct object_row marker = {.rank = object_new_rank(bucket->versioning, there > 0 ? &current : NULL, now_us),
                                .flags =
                                    OBJECT_MARKER | (bucket->versioning == VERSIONING_SUSPENDED ? OBJECT_NULL : 0U),
                                .modified_us = now_us};

    result->version_id = version_id_of(bucket->id, &marker, work->arena, error);
    result->marker_made = true;
    return result->version_id != NULL &&
           (bucket->versioning != VERSIONING_SUSPENDED ||
            object_remove_null(db, bucket->id, delete->key, &work->doomed, error)) &&
           object_row_write(db, bucket->id, delete->key, &marker, error) &&
           add_event(db, delete, work->event_marker, result->version_id, error);
}

bool object_delete_one(struct object_deleting *work, struct statement_cache *db, const struct object_delete *delete,
                       struct object_deleted *result, struct error *error)
{
    struct bucket_row bucket;

    if (!bucket_row_find(db, delete->bucket, &bucket, error)) {
        return false;
    }
    if (delete->version_id != NULL || bucket.versioning == VERSIONING_NEVER) {
        return delete_version(work, db, bucket.id, delete, result, error);
    }
    return put_marker(work, db, &bucket, delete, result, error);
}

/* Failures of the request leave nothing behind, so that others of the call can go on; other failures end it. */
static bool of_the_request(const struct error *failure)
{
    return failure->name != NULL;
}

static bool apply_delete(void *context, struct statement_cache *db, struct error *error)
{
    struct deletion *work = context;

    for (size_t d = 0; d < work->count; d++) {
        struct object_deleted *result = &work->results[d];

        memset(result, 0, sizeof *result);
        result->ok = object_delete_one(&work->deleting, db, &work->deletes[d], result, &result->error);
        if (!result->ok && !of_the_request(&result->error)) {
            *error = result->error;
            return false;
        }
    }
    return true;
}

bool object_delete(struct local_store *store, const struct object_delete *deletes, size_t count, struct arena *arena,
                   struct object_deleted *results, struct error *error)
{
    struct deletion work = {.deleting = {.arena = arena,
                                         .event_deleted = "ObjectRemoved:Delete",
                                         .event_marker = "ObjectRemoved:DeleteMarkerCreated"},
                            .deletes = deletes,
                            .results = results,
                            .count = count};
    bool committed = committer_do(store->committer, apply_delete, &work, error);

    doomed_remove(store, &work.deleting.doomed, committed);
    return committed;
}
