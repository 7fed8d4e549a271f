/* Buckets and their settings, in the database. */
#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "store/local/local_private.h"

static const char find_sql[] = "SELECT id, versioning, object_lock, owner FROM bucket WHERE name = ?1";
static const char insert_sql[] = "INSERT INTO bucket(name, owner, created_us, versioning, object_lock) "
                                 "VALUES(?1, ?2, ?3, ?4, ?5)";
static const char remove_sql[] = "DELETE FROM bucket WHERE id = ?1";
static const char remove_settings_sql[] = "DELETE FROM bucket_setting WHERE bucket = ?1";
static const char used_sql[] = "SELECT 1 FROM object WHERE bucket = ?1 UNION ALL "
                               "SELECT 1 FROM upload WHERE bucket = ?1 AND completed_us IS NULL LIMIT 1";
static const char remove_uploads_sql[] = "DELETE FROM upload WHERE bucket = ?1";
static const char list_sql[] = "SELECT id, name, owner, created_us, versioning, object_lock FROM bucket "
                               "WHERE ?1 IS NULL OR owner = ?1 ORDER BY name";
static const char put_setting_sql[] = "INSERT INTO bucket_setting(bucket, setting, json) VALUES(?1, ?2, ?3) "
                                      "ON CONFLICT(bucket, setting) DO UPDATE SET json = excluded.json";
static const char remove_setting_sql[] = "DELETE FROM bucket_setting WHERE bucket = ?1 AND setting = ?2";
static const char versioning_sql[] = "UPDATE bucket SET versioning = ?2 WHERE id = ?1";
static const char object_lock_sql[] = "UPDATE bucket SET object_lock = 1 WHERE id = ?1";

bool bucket_absent(const char *name, struct error *error)
{
    return error_set_named(error, ERROR_NOT_FOUND, "NoSuchBucket", "there is no bucket \"%s\"", name);
}

/* 1 there is one, 0 not, -1 failure. `same_owner`: it belongs to `owner` (may be NULL). */
static int find_row(struct statement_cache *db, const char *name, struct bucket_row *row, bool *same_owner,
                    const char *owner, struct error *error)
{
    sqlite3_stmt *find = statement_get(db, find_sql, error);

    if (find == NULL) {
        return -1;
    }
    statement_bind_text(find, 1, name);
    int there = statement_next(db, find, error);

    if (there > 0) {
        const char *text = (const char *)sqlite3_column_text(find, 3);

        row->id = sqlite3_column_int64(find, 0);
        row->versioning = (enum bucket_versioning)sqlite3_column_int(find, 1);
        row->object_lock = sqlite3_column_int(find, 2) != 0;
        *same_owner = owner != NULL && text != NULL && strcmp(text, owner) == 0;
        statement_done(find);
    }
    return there;
}

bool bucket_row_find(struct statement_cache *db, const char *name, struct bucket_row *row, struct error *error)
{
    bool same_owner = false;
    int there = find_row(db, name, row, &same_owner, NULL, error);

    return there > 0 || (there == 0 && bucket_absent(name, error));
}

/* S3's rules for names of general purpose buckets. */
static const char *name_fault(const char *name)
{
    static const char *const beginnings[] = {"xn--", "sthree-", "amzn-s3-demo-"};
    static const char *const ends[] = {"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"};
    size_t length = strlen(name);
    bool address = true;
    unsigned dots = 0;

    if (length < 3 || length > 63) {
        return "it must have 3 to 63 characters";
    }
    for (size_t i = 0; i < length; i++) {
        bool digit = name[i] >= '0' && name[i] <= '9';

        if (!digit && !(name[i] >= 'a' && name[i] <= 'z') && name[i] != '-' && name[i] != '.') {
            return "it may hold only a-z, 0-9, '-' and '.'";
        }
        address = address && (digit || name[i] == '.');
        dots += name[i] == '.';
    }
    if (!isalnum((unsigned char)name[0]) || !isalnum((unsigned char)name[length - 1])) {
        return "it must begin and end with a letter or a digit";
    }
    if (strstr(name, "..") != NULL) {
        return "it may not hold two dots in a row";
    }
    if (address && dots == 3) {
        return "it may not look like an IP address";
    }
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0) {
            return "it may not begin with xn--, sthree- or amzn-s3-demo-, which are reserved";
        }
    }
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (length > strlen(ends[i]) && strcmp(name + length - strlen(ends[i]), ends[i]) == 0) {
            return "it may not end with -s3alias, --ol-s3, .mrap, --x-s3 or --table-s3, which are reserved";
        }
    }
    return NULL;
}

static bool put_setting(struct statement_cache *db, int64_t bucket, enum bucket_setting setting, const char *json,
                        struct error *error)
{
    sqlite3_stmt *put = statement_get(db, json != NULL ? put_setting_sql : remove_setting_sql, error);

    if (put == NULL) {
        return false;
    }
    sqlite3_bind_int64(put, 1, bucket);
    sqlite3_bind_int64(put, 2, setting);
    if (json != NULL) {
        statement_bind_text(put, 3, json);
    }
    return statement_run(db, put, error);
}

static bool apply_create(void *context, struct statement_cache *db, struct error *error)
{
    const struct bucket_create *create = context;
    struct bucket_row row;
    bool same_owner = false;
    int there = find_row(db, create->name, &row, &same_owner, create->owner, error);

    if (there < 0) {
        return false;
    }
    if (there > 0) {
        return same_owner
                   ? error_set_named(error, ERROR_CONFLICT, "BucketAlreadyOwnedByYou",
                                     "the bucket \"%s\" is there already, and yours", create->name)
                   : error_set_named(error, ERROR_CONFLICT, "BucketAlreadyExists",
                                     "the bucket \"%s\" belongs to another account; choose another name", create->name);
    }
    sqlite3_stmt *insert = statement_get(db, insert_sql, error);

    if (insert == NULL) {
        return false;
    }
    statement_bind_text(insert, 1, create->name);
    statement_bind_text(insert, 2, create->owner);
    sqlite3_bind_int64(insert, 3, clock_now_us());
    sqlite3_bind_int64(insert, 4, create->object_lock ? VERSIONING_ENABLED : VERSIONING_NEVER);
    sqlite3_bind_int64(insert, 5, create->object_lock);
    if (!statement_run(db, insert, error)) {
        return false;
    }
    int64_t id = sqlite3_last_insert_rowid(statement_cache_db(db));

    return (create->ownership == NULL || put_setting(db, id, BUCKET_OWNERSHIP, create->ownership, error)) &&
           (!create->object_lock ||
            (put_setting(db, id, BUCKET_OBJECT_LOCK, "{\"ObjectLockEnabled\": \"Enabled\"}", error) &&
             put_setting(db, id, BUCKET_VERSIONING, "{\"Status\": \"Enabled\"}", error)));
}

bool bucket_create(struct local_store *store, const struct bucket_create *create, struct error *error)
{
    const char *fault = name_fault(create->name);
    struct bucket_create copy = *create;

    if (fault != NULL) {
        return error_set_named(error, ERROR_INVALID, "InvalidBucketName", "\"%s\" is no name for a bucket: %s",
                               create->name, fault);
    }
    if (!committer_do(store->committer, apply_create, &copy, error)) {
        return false;
    }
    bucket_cache_forget(store, create->name);
    return true;
}

static bool remove_rows(struct statement_cache *db, const char *sql, int64_t bucket, struct error *error)
{
    sqlite3_stmt *remove = statement_get(db, sql, error);

    if (remove == NULL) {
        return false;
    }
    sqlite3_bind_int64(remove, 1, bucket);
    return statement_run(db, remove, error);
}

static bool apply_remove(void *context, struct statement_cache *db, struct error *error)
{
    const char *name = context;
    struct bucket_row row;
    sqlite3_stmt *used = bucket_row_find(db, name, &row, error) ? statement_get(db, used_sql, error) : NULL;

    if (used == NULL) {
        return false;
    }
    sqlite3_bind_int64(used, 1, row.id);
    int there = statement_next(db, used, error);

    statement_done(used);
    if (there != 0) {
        return there > 0 && error_set_named(error, ERROR_CONFLICT, "BucketNotEmpty",
                                            "the bucket \"%s\" still holds objects, versions, delete markers or "
                                            "uploads; remove them first",
                                            name);
    }
    return remove_rows(db, remove_settings_sql, row.id, error) && remove_rows(db, remove_uploads_sql, row.id, error) &&
           remove_rows(db, remove_sql, row.id, error);
}

bool bucket_remove(struct local_store *store, const char *name, struct error *error)
{
    char copy[64];

    if (strlen(name) >= sizeof copy) {
        return bucket_absent(name, error);
    }
    memcpy(copy, name, strlen(name) + 1);
    if (!committer_do(store->committer, apply_remove, copy, error)) {
        return false;
    }
    bucket_cache_forget(store, name);
    return true;
}

static bool read_bucket(sqlite3_stmt *list, struct arena *arena, struct bucket *bucket, struct error *error)
{
    memset(bucket, 0, sizeof *bucket);
    bucket->id = sqlite3_column_int64(list, 0);
    bucket->name = statement_text(list, 1, arena, error);
    bucket->owner = statement_text(list, 2, arena, error);
    bucket->created_us = sqlite3_column_int64(list, 3);
    bucket->versioning = (enum bucket_versioning)sqlite3_column_int(list, 4);
    bucket->object_lock = sqlite3_column_int(list, 5) != 0;
    return bucket->name != NULL && bucket->owner != NULL;
}

bool bucket_list(struct local_store *store, struct arena *arena, const char *owner, struct bucket **buckets,
                 size_t *count, struct error *error)
{
    struct statement_cache *reader = local_read_begin(store, error);
    sqlite3_stmt *list = reader != NULL ? statement_get(reader, list_sql, error) : NULL;
    size_t room = 0;
    int there = list != NULL ? 1 : -1;

    *buckets = NULL;
    *count = 0;
    if (list != NULL) {
        statement_bind_text(list, 1, owner);
    }
    while (there > 0 && (there = statement_next(reader, list, error)) > 0) {
        if (*count == room) {
            struct bucket *more = arena_take(arena, (2 * room + 16) * sizeof *more, error);

            if (more != NULL && room > 0) {
                memcpy(more, *buckets, room * sizeof *more);
            }
            room = 2 * room + 16;
            *buckets = more;
        }
        if (*buckets == NULL || !read_bucket(list, arena, &(*buckets)[*count], error)) {
            statement_done(list);
            there = -1;
            break;
        }
        (*count)++;
    }
    local_read_end(store, reader);
    return there == 0;
}

struct set {
    const char *name, *json;
    enum bucket_setting setting;
    enum bucket_versioning versioning; /* BUCKET_VERSIONING */
};

static bool run_on(struct statement_cache *db, const char *sql, int64_t bucket, int64_t value, struct error *error)
{
    sqlite3_stmt *statement = statement_get(db, sql, error);

    if (statement == NULL) {
        return false;
    }
    sqlite3_bind_int64(statement, 1, bucket);
    if (sqlite3_bind_parameter_count(statement) > 1) {
        sqlite3_bind_int64(statement, 2, value);
    }
    return statement_run(db, statement, error);
}

static bool apply_set(void *context, struct statement_cache *db, struct error *error)
{
    const struct set *set = context;
    struct bucket_row row;

    if (!bucket_row_find(db, set->name, &row, error)) {
        return false;
    }
    if (set->setting == BUCKET_VERSIONING) {
        if (set->versioning != VERSIONING_ENABLED && row.object_lock) {
            return error_set_named(error, ERROR_CONFLICT, "InvalidBucketState",
                                   "the bucket \"%s\" has object lock, so its versioning cannot be suspended",
                                   set->name);
        }
        if (!run_on(db, versioning_sql, row.id, set->versioning, error)) {
            return false;
        }
    }
    if (set->setting == BUCKET_OBJECT_LOCK) {
        if (set->json == NULL || row.versioning != VERSIONING_ENABLED) {
            return error_set_named(error, ERROR_CONFLICT, "InvalidBucketState",
                                   "object lock needs a bucket with versioning, and cannot be taken away again");
        }
        if (!run_on(db, object_lock_sql, row.id, 0, error)) {
            return false;
        }
    }
    return put_setting(db, row.id, set->setting, set->json, error);
}

/* What a versioning document asks for. */
static bool read_versioning(const char *text, enum bucket_versioning *versioning, struct error *error)
{
    json_t *document = text != NULL ? json_read(text, strlen(text), "VersioningConfiguration", error) : NULL;
    const char *status = json_string_value(json_object_get(document, "Status"));
    bool good = status != NULL && (strcmp(status, "Enabled") == 0 || strcmp(status, "Suspended") == 0);

    if (good) {
        *versioning = strcmp(status, "Enabled") == 0 ? VERSIONING_ENABLED : VERSIONING_SUSPENDED;
    } else if (document != NULL || text == NULL) {
        error_set_named(error, ERROR_INVALID, "IllegalVersioningConfigurationException",
                        "versioning must be Enabled or Suspended");
    }
    json_decref(document);
    return good;
}

bool bucket_set(struct local_store *store, const char *name, enum bucket_setting setting, const char *json,
                struct error *error)
{
    struct set set = {.name = name, .setting = setting, .json = json};

    if (setting == BUCKET_VERSIONING && !read_versioning(json, &set.versioning, error)) {
        return false;
    }
    if (!committer_do(store->committer, apply_set, &set, error)) {
        return false;
    }
    bucket_cache_forget(store, name);
    return true;
}
