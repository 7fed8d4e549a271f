#include "store/local/lifecycle.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "store/local/lifecycle_private.h"
#include "store/local/upload.h"

/* Rows that are looked at together, and those that one transaction changes: others wait no longer than for these. */
#define ROWS_AT_ONCE 1000
#define CHANGES_AT_ONCE 100

static const char walk_sql[] = "SELECT " OBJECT_ROW_COLUMNS ", o.key FROM object o "
                               "WHERE o.bucket = ?1 AND (o.key, o.rank) > (?2, ?3) ORDER BY o.key, o.rank LIMIT ?4";
static const char others_sql[] = "SELECT count(*) FROM (SELECT 1 FROM object WHERE bucket = ?1 AND key = ?2 LIMIT 2)";

/* Where the walk through a bucket stands, between pages of rows. */
struct walk {
    struct lifecycle_step step;
    struct lifecycle_rules rules;
    int64_t now_us;
    char key[OBJECT_MAX_KEY_BYTES + 1]; /* of the last row */
    int64_t rank;
    unsigned newer;       /* versions of the key so far */
    int64_t newest_us;    /* when the last one was made, which made the next one noncurrent */
    size_t prefix_length; /* that all rules begin with */
    bool ended;
    struct lifecycle_action actions[ROWS_AT_ONCE];
    size_t action_count;
};

bool lifecycle_stopped(struct local_store *store)
{
    return atomic_load(&store->lifecycle_stopped);
}

void lifecycle_stop(struct local_store *store)
{
    atomic_store(&store->lifecycle_stopped, true);
}

int lifecycle_find(struct lifecycle_step *step, struct statement_cache *db, const struct lifecycle_action *action,
                   struct object_found *found, struct error *error)
{
    int there = object_row_find(db, step->bucket->id, action->key, action->version_id, found, error);

    if (there > 0 && (found->row.rank != action->row.rank || found->row.modified_us != action->row.modified_us ||
                      found->row.body != action->row.body || (action->verdict == LIFECYCLE_EXPIRE && !found->latest))) {
        statement_done(found->statement);
        there = 0;
    }
    return there;
}

static bool add_action(struct walk *walk, enum lifecycle_verdict verdict, unsigned class, const struct object_row *row,
                       struct error *error)
{
    struct lifecycle_action *action = &walk->actions[walk->action_count++];

    *action = (struct lifecycle_action){.verdict = verdict, .class = class, .row = *row};
    action->row.detail = NULL;
    action->row.detail_bytes = 0;
    action->key = arena_text(walk->step.arena, walk->key, strlen(walk->key), error);
    action->version_id =
        action->key != NULL ? version_id_of(walk->step.bucket->id, row, walk->step.arena, error) : NULL;
    return action->version_id != NULL;
}

static bool take_row(struct walk *walk, sqlite3_stmt *rows, struct error *error)
{
    const char *key = (const char *)sqlite3_column_text(rows, OBJECT_ROW_COLUMN_COUNT);
    struct object_row row;
    unsigned class = 0;

    if (key == NULL || strlen(key) > OBJECT_MAX_KEY_BYTES || !object_row_read(rows, &row, error)) {
        return key != NULL && error_set(error, ERROR_CORRUPT, "a key of the object index is too long; run aisle fsck");
    }
    if (strcmp(key, walk->key) != 0) {
        memcpy(walk->key, key, strlen(key) + 1);
        walk->newer = 0;
    } else {
        walk->newer++;
    }
    walk->rank = row.rank;
    struct lifecycle_version version = {.key = walk->key,
                                        .row = &row,
                                        .current = walk->newer == 0,
                                        .alone = walk->newer == 0, /* found out when it matters */
                                        .newer = walk->newer > 0 ? walk->newer - 1 : 0,
                                        .noncurrent_us = walk->newest_us};

    walk->newest_us = row.modified_us;
    enum lifecycle_verdict verdict = lifecycle_judge(&walk->rules, &version, walk->now_us, &class);

    return verdict == LIFECYCLE_KEEP || add_action(walk, verdict, class, &row, error);
}

/* The next rows, and what is to be done to them. */
static bool look(struct walk *walk, struct error *error)
{
    struct statement_cache *reader = local_read_begin(walk->step.store, error);
    sqlite3_stmt *rows = reader != NULL ? statement_get(reader, walk_sql, error) : NULL;
    char after[OBJECT_MAX_KEY_BYTES + 1];
    unsigned seen = 0;
    int there = rows != NULL ? 1 : -1;

    walk->action_count = 0;
    memcpy(after, walk->key, sizeof after);
    if (rows != NULL) {
        sqlite3_bind_int64(rows, 1, walk->step.bucket->id);
        statement_bind_text(rows, 2, after);
        sqlite3_bind_int64(rows, 3, walk->rank);
        sqlite3_bind_int64(rows, 4, ROWS_AT_ONCE);
    }
    while (there > 0 && (there = statement_next(reader, rows, error)) > 0) {
        seen++;
        if (!take_row(walk, rows, error)) {
            statement_done(rows);
            there = -1;
        }
    }
    local_read_end(walk->step.store, reader);
    walk->ended = seen < ROWS_AT_ONCE;
    return there == 0;
}

/* Deletions that one transaction makes. */
struct batch {
    struct lifecycle_step *step;
    const struct lifecycle_action *actions;
    size_t count;
    struct object_deleting deleting;
    uint64_t expired, removed;
};

static bool is_alone(struct statement_cache *db, int64_t bucket, const char *key, bool *alone, struct error *error)
{
    sqlite3_stmt *others = statement_get(db, others_sql, error);

    if (others == NULL) {
        return false;
    }
    sqlite3_bind_int64(others, 1, bucket);
    statement_bind_text(others, 2, key);
    int there = statement_next(db, others, error);

    if (there > 0) {
        *alone = sqlite3_column_int64(others, 0) == 1;
        statement_done(others);
    }
    return there > 0;
}

static bool apply_one(struct batch *batch, struct statement_cache *db, const struct lifecycle_action *action,
                      struct error *error)
{
    struct object_found found;
    struct object_deleted deleted = {0};
    bool marker = (action->row.flags & OBJECT_MARKER) != 0;
    bool alone = true;
    int there = lifecycle_find(batch->step, db, action, &found, error);

    if (there <= 0) {
        return there == 0;
    }
    bool current = found.latest;

    statement_done(found.statement);
    if (marker && current && !is_alone(db, batch->step->bucket->id, action->key, &alone, error)) {
        return false;
    }
    if (!alone) {
        return true;
    }
    struct object_delete delete = {.bucket = batch->step->bucket->name,
                                   .key = action->key,
                                   .version_id = action->verdict == LIFECYCLE_EXPIRE ? NULL : action->version_id};

    if (object_delete_one(&batch->deleting, db, &delete, &deleted, error)) {
        batch->expired += action->verdict == LIFECYCLE_EXPIRE;
        batch->removed += action->verdict == LIFECYCLE_REMOVE;
        return true;
    }
    return error->name != NULL; /* it is locked, or the bucket is gone */
}

static bool apply_batch(void *context, struct statement_cache *db, struct error *error)
{
    struct batch *batch = context;

    for (size_t a = 0; a < batch->count; a++) {
        struct error failure = {0};

        if (batch->actions[a].verdict != LIFECYCLE_MOVE && !apply_one(batch, db, &batch->actions[a], &failure)) {
            *error = failure;
            return false;
        }
    }
    return true;
}

static bool delete_batch(struct walk *walk, size_t first, size_t count, struct error *error)
{
    struct batch batch = {.step = &walk->step,
                          .actions = &walk->actions[first],
                          .count = count,
                          .deleting = {.arena = walk->step.arena,
                                       .event_deleted = "LifecycleExpiration:Delete",
                                       .event_marker = "LifecycleExpiration:DeleteMarkerCreated"}};
    bool any = false;

    for (size_t a = first; a < first + count; a++) {
        any = any || walk->actions[a].verdict != LIFECYCLE_MOVE;
    }
    if (!any) {
        return true;
    }
    bool committed = committer_do(walk->step.store->committer, apply_batch, &batch, error);

    doomed_remove(walk->step.store, &batch.deleting.doomed, committed);
    walk->step.counts->expired += committed ? batch.expired : 0;
    walk->step.counts->removed += committed ? batch.removed : 0;
    return committed;
}

static bool act(struct walk *walk, struct error *error)
{
    for (size_t a = 0; a < walk->action_count && !lifecycle_stopped(walk->step.store); a += CHANGES_AT_ONCE) {
        size_t rest = walk->action_count - a;

        if (!delete_batch(walk, a, rest < CHANGES_AT_ONCE ? rest : CHANGES_AT_ONCE, error)) {
            return false;
        }
    }
    for (size_t a = 0; a < walk->action_count && !lifecycle_stopped(walk->step.store); a++) {
        struct error failure = {0};

        if (walk->actions[a].verdict == LIFECYCLE_MOVE && !lifecycle_move(&walk->step, &walk->actions[a], &failure)) {
            walk->step.counts->failed++;
            log_event(LOG_WARN, "lifecycle_move_failed", "bucket", "s", walk->step.bucket->name, "key", "s",
                      walk->actions[a].key, "reason", "s", failure.message, NULL);
        }
    }
    return true;
}

/* Uploads that were begun so many days before the last midnight. */
static bool abort_uploads(struct walk *walk, struct error *error)
{
    const int64_t day_us = INT64_C(86400000000);

    for (size_t r = 0; r < walk->rules.count; r++) {
        const struct lifecycle_rule *rule = &walk->rules.rules[r];
        int64_t before_us = walk->now_us / day_us * day_us - rule->abort.days * day_us + 1;

        if (rule->abort.given && rule->tag_count == 0 &&
            !upload_abort_stale(walk->step.store, walk->step.bucket->name, rule->prefix, before_us,
                                &walk->step.counts->uploads_aborted, error)) {
            return false;
        }
    }
    return true;
}

/* Begins where all rules begin. */
static void seek_first(struct walk *walk)
{
    const char *first = walk->rules.count > 0 ? walk->rules.rules[0].prefix : "";
    size_t common = strlen(first);

    for (size_t r = 1; r < walk->rules.count; r++) {
        const char *prefix = walk->rules.rules[r].prefix;
        size_t same = 0;

        while (same < common && prefix[same] == first[same]) {
            same++;
        }
        common = same;
    }
    common = common <= OBJECT_MAX_KEY_BYTES ? common : 0;
    memset(walk->key, 0, sizeof walk->key);
    memcpy(walk->key, first, common);
    walk->rank = INT64_MIN;
    walk->prefix_length = common;
}

static bool run_rules(struct walk *walk, struct error *error)
{
    bool good = abort_uploads(walk, error);
    char prefix[OBJECT_MAX_KEY_BYTES + 1];

    seek_first(walk);
    memcpy(prefix, walk->key, sizeof prefix);
    while (good && walk->rules.count > 0 && !walk->ended && !lifecycle_stopped(walk->step.store)) {
        walk->step.arena = arena_new(0, error);
        good = walk->step.arena != NULL && look(walk, error) && act(walk, error);
        arena_free(walk->step.arena);
        walk->ended = walk->ended || strncmp(walk->key, prefix, walk->prefix_length) != 0;
    }
    return good;
}

static bool run_bucket(struct local_store *store, const struct bucket *bucket, int64_t now_us,
                       struct lifecycle_counts *counts, struct error *error)
{
    struct arena *arena = arena_new(0, error);
    struct walk *walk = arena != NULL ? memory_zeroed(sizeof *walk, error) : NULL;
    struct error failure = {0};
    bool good = walk != NULL;

    if (good && !lifecycle_rules_read(bucket->settings[BUCKET_LIFECYCLE], arena, &walk->rules, &failure)) {
        counts->failed++;
        log_event(LOG_WARN, "lifecycle_not_read", "bucket", "s", bucket->name, "reason", "s", failure.message, NULL);
    } else if (good) {
        walk->step = (struct lifecycle_step){.store = store, .bucket = bucket, .counts = counts};
        walk->now_us = now_us;
        good = run_rules(walk, error);
    }
    memory_free(walk);
    arena_free(arena);
    return good;
}

bool lifecycle_run(struct local_store *store, int64_t now_us, struct lifecycle_counts *counts, struct error *error)
{
    struct arena *arena = arena_new(0, error);
    struct bucket *buckets = NULL;
    size_t count = 0;
    bool good = arena != NULL && bucket_list(store, arena, NULL, &buckets, &count, error);

    for (size_t b = 0; good && b < count && !lifecycle_stopped(store); b++) {
        const struct bucket *bucket = bucket_find(store, buckets[b].name, NULL);

        if (bucket != NULL && bucket->settings[BUCKET_LIFECYCLE] != NULL) {
            good = run_bucket(store, bucket, now_us, counts, error);
        }
        bucket_release(store, bucket);
    }
    arena_free(arena);
    return good;
}
