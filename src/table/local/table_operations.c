/* CreateTable, DescribeTable, ListTables, UpdateTable, DeleteTable, time to live, tags. */
#include "base/clock.h"
#include "base/json.h"
#include "table/local/local_private.h"

#define VALIDATION "ValidationException"
#define MOST_LISTED 100
#define ERASED_AT_ONCE 5000

#define SPACES_OF_TABLE (TABLE_MAX_LOCAL_INDEXES + TABLE_MAX_GLOBAL_INDEXES + 2)

static const char next_space[] =
    "INSERT INTO item_space(id, last) SELECT 1, coalesce(max(last_space), 0) + ?1 FROM item_table WHERE true"
    " ON CONFLICT(id) DO UPDATE SET last = last + ?1 RETURNING last";
static const char add_table[] = "INSERT INTO item_table(name, space, last_space, definition) VALUES(?1, ?2, ?3, ?4)";
static const char set_definition[] = "UPDATE item_table SET definition = ?2 WHERE name = ?1";
static const char get_definition[] = "SELECT definition FROM item_table WHERE name = ?1";
static const char drop_table[] = "DELETE FROM item_table WHERE name = ?1";
static const char erase_space[] =
    "DELETE FROM item WHERE (space, key) IN (SELECT space, key FROM item WHERE space BETWEEN ?1 AND ?2 LIMIT ?3)";
static const char count_items[] =
    "SELECT count(*), coalesce(sum(length(key) + length(value)), 0) FROM item WHERE space = ?1";

static bool append_description(struct call *call, const char *member, const struct table_definition *definition,
                               const char *status, uint64_t items, uint64_t bytes, struct error *error)
{
    struct definition_told told = {.region = call->tables->region,
                                   .account = call->tables->account,
                                   .status = status,
                                   .items = items,
                                   .bytes = bytes};
    uint64_t before = json_failures();
    json_t *description = definition_describe(definition, &told);

    buffer_append_format(call->response, "{\"%s\":", member);
    json_append(call->response, description, JSON_COMPACT);
    buffer_append_char(call->response, '}');
    json_decref(description);
    return json_built(before, error);
}

struct creating {
    struct call *call;
    struct table_definition *definition; /* made in the transaction, which knows the next space */
};

static bool store_definition(struct statement_cache *db, const struct table_definition *definition,
                             const json_t *request, struct error *error)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    json_t *stored = definition_store(definition, request, error);
    sqlite3_stmt *statement = stored != NULL ? statement_get(db, add_table, error) : NULL;

    json_append(&text, stored, JSON_COMPACT);
    json_decref(stored);
    if (statement == NULL || buffer_text(&text) == NULL) {
        return statement != NULL && buffer_check(&text, error);
    }
    statement_bind_text(statement, 1, definition->name);
    sqlite3_bind_int64(statement, 2, definition->space);
    sqlite3_bind_int64(statement, 3, definition->space + SPACES_OF_TABLE - 1);
    statement_bind_text(statement, 4, text.data);
    return statement_run(db, statement, error);
}

static bool apply_create(void *context, struct statement_cache *db, struct error *error)
{
    struct creating *creating = context;
    const json_t *request = creating->call->request;
    sqlite3_stmt *statement = statement_get(db, next_space, error);
    const char *name = json_string_value(json_object_get(request, "TableName"));

    if (statement == NULL) {
        return false;
    }
    sqlite3_bind_int64(statement, 1, SPACES_OF_TABLE);
    if (statement_next(db, statement, error) != 1) {
        return false;
    }
    int64_t space = sqlite3_column_int64(statement, 0) - SPACES_OF_TABLE + 1;

    if (statement_next(db, statement, error) != 0) {
        return false;
    }
    creating->definition = definition_create(request, space, clock_now_us(), error);
    if (creating->definition == NULL) {
        return false;
    }
    struct table_definition *other = definition_find(creating->call->tables, name, NULL);

    definition_release(creating->call->tables, other);
    if (other != NULL) {
        return error_set_named(error, ERROR_CONFLICT, "ResourceInUseException", "Table already exists: %s", name);
    }
    return store_definition(db, creating->definition, request, error);
}

static bool create_table(struct call *call, struct error *error)
{
    struct creating creating = {.call = call};

    pthread_rwlock_wrlock(&call->tables->altering);
    bool good = committer_do(call->tables->committer, apply_create, &creating, error);

    if (good) {
        good = append_description(call, "TableDescription", creating.definition, "ACTIVE", 0, 0, error) &&
               definition_exchange(call->tables, creating.definition->name, creating.definition, error);
    } else {
        definition_free(creating.definition);
    }
    pthread_rwlock_unlock(&call->tables->altering);
    return good;
}

static bool count(struct call *call, const struct table_definition *definition, uint64_t *items, uint64_t *bytes,
                  struct error *error)
{
    struct statement_cache *db = local_read_begin(call->tables->store, error);
    sqlite3_stmt *statement = db != NULL ? statement_get(db, count_items, error) : NULL;
    bool good = false;

    if (statement != NULL) {
        sqlite3_bind_int64(statement, 1, definition->space);
        good = statement_next(db, statement, error) == 1;
        *items = good ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
        *bytes = good ? (uint64_t)sqlite3_column_int64(statement, 1) : 0;
        statement_done(statement);
    }
    if (db != NULL) {
        local_read_end(call->tables->store, db);
    }
    return good;
}

static bool describe_table(struct call *call, struct error *error)
{
    struct table_definition *definition = definition_of_request(call, call->request, error);
    uint64_t items;
    uint64_t bytes;
    bool good = definition != NULL && count(call, definition, &items, &bytes, error) &&
                append_description(call, "Table", definition, "ACTIVE", items, bytes, error);

    definition_release(call->tables, definition);
    return good;
}

static bool list_tables(struct call *call, struct error *error)
{
    const char *after;
    const json_t *limit = json_object_get(call->request, "Limit");
    int64_t most = limit != NULL ? json_integer_value(limit) : MOST_LISTED;
    const char *last = NULL;
    int64_t listed = 0;
    bool more = false;

    if (!request_optional_text(call->request, "ExclusiveStartTableName", &after, error)) {
        return false;
    }
    if (after != NULL && !definition_check_name(after, "ExclusiveStartTableName", error)) {
        return false;
    }
    if (most < 1 || most > MOST_LISTED) {
        return error_set_named(
            error, ERROR_INVALID, VALIDATION,
            "1 validation error detected: Value '%lld' at 'limit' failed to satisfy constraint: Member "
            "must have value %s",
            (long long)most, most < 1 ? "greater than or equal to 1" : "less than or equal to 100");
    }
    buffer_append_text(call->response, "{\"TableNames\":[");
    pthread_mutex_lock(&call->tables->mutex);
    for (size_t i = 0; i < call->tables->definition_count && !more; i++) {
        const char *name = call->tables->definitions[i]->name;

        if (after != NULL && strcmp(name, after) <= 0) {
            continue;
        }
        more = listed == most;
        if (!more) {
            buffer_append_format(call->response, "%s\"%s\"", listed++ > 0 ? "," : "", name);
            last = arena_text(call->arena, name, strlen(name), NULL);
        }
    }
    pthread_mutex_unlock(&call->tables->mutex);
    buffer_append_char(call->response, ']');
    if (more && last != NULL) {
        buffer_append_format(call->response, ",\"LastEvaluatedTableName\":\"%s\"", last);
    }
    buffer_append_char(call->response, '}');
    return true;
}

struct dropping {
    const struct table_definition *definition;
    bool first;
    bool more; /* items are left */
};

/* Takes the table away, and then its items some at a time, so that others' writes come in between. */
static bool apply_drop(void *context, struct statement_cache *db, struct error *error)
{
    struct dropping *dropping = context;
    sqlite3_stmt *statement;

    if (dropping->first) {
        statement = statement_get(db, drop_table, error);
        if (statement == NULL) {
            return false;
        }
        statement_bind_text(statement, 1, dropping->definition->name);
        if (!statement_run(db, statement, error)) {
            return false;
        }
    }
    statement = statement_get(db, erase_space, error);
    if (statement == NULL) {
        return false;
    }
    sqlite3_bind_int64(statement, 1, dropping->definition->space);
    sqlite3_bind_int64(statement, 2, dropping->definition->space + SPACES_OF_TABLE - 1);
    sqlite3_bind_int64(statement, 3, ERASED_AT_ONCE);
    if (!statement_run(db, statement, error)) {
        return false;
    }
    dropping->more = sqlite3_changes64(statement_cache_db(db)) == ERASED_AT_ONCE;
    return true;
}

static bool delete_table(struct call *call, struct error *error)
{
    struct dropping dropping = {.first = true};

    pthread_rwlock_wrlock(&call->tables->altering);
    struct table_definition *definition = definition_of_request(call, call->request, error);
    bool good = definition != NULL &&
                (!definition->deletion_protection ||
                 error_set_named(error, ERROR_INVALID, VALIDATION,
                                 "Resource cannot be deleted as it is currently protected against deletion. Disable "
                                 "deletion protection first."));

    dropping.definition = definition;
    good = good && committer_do(call->tables->committer, apply_drop, &dropping, error) &&
           definition_exchange(call->tables, definition->name, NULL, error);
    pthread_rwlock_unlock(&call->tables->altering);
    good = good && append_description(call, "TableDescription", definition, "DELETING", 0, 0, error);
    dropping.first = false;
    while (good && dropping.more) {
        good = committer_do(call->tables->committer, apply_drop, &dropping, error);
    }
    definition_release(call->tables, definition);
    return good;
}

/* A change of the stored definition: `change` edits the JSON that is stored. */
struct editing {
    struct call *call;
    const char *name;
    bool (*change)(struct call *call, json_t *stored, struct error *error);
    struct table_definition *changed;
};

static bool load_stored(struct statement_cache *db, const char *name, json_t **stored, struct error *error)
{
    sqlite3_stmt *statement = statement_get(db, get_definition, error);

    *stored = NULL;
    if (statement == NULL) {
        return false;
    }
    statement_bind_text(statement, 1, name);
    int row = statement_next(db, statement, error);

    if (row == 1) {
        *stored = json_read((const char *)sqlite3_column_text(statement, 0), (size_t)sqlite3_column_bytes(statement, 0),
                            name, error);
        statement_done(statement);
        return *stored != NULL;
    }
    return row == 0 && error_set_named(error, ERROR_NOT_FOUND, "ResourceNotFoundException",
                                       "Requested resource not found: Table: %s not found", name);
}

static bool apply_edit(void *context, struct statement_cache *db, struct error *error)
{
    struct editing *editing = context;
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};
    json_t *stored;
    sqlite3_stmt *statement = NULL;
    bool good = load_stored(db, editing->name, &stored, error) && editing->change(editing->call, stored, error) &&
                (editing->changed = definition_load(stored, error)) != NULL;

    json_append(&text, stored, JSON_COMPACT);
    json_decref(stored);
    if (!good || buffer_text(&text) == NULL || (statement = statement_get(db, set_definition, error)) == NULL) {
        return good && statement != NULL && buffer_check(&text, error);
    }
    statement_bind_text(statement, 1, editing->name);
    statement_bind_text(statement, 2, text.data);
    return statement_run(db, statement, error);
}

/* Edits the definition of a table, on disk and in memory. */
static bool edit(struct call *call, const char *name, bool (*change)(struct call *, json_t *, struct error *),
                 struct error *error)
{
    struct editing editing = {.call = call, .name = name, .change = change};

    pthread_rwlock_wrlock(&call->tables->altering);
    bool good = committer_do(call->tables->committer, apply_edit, &editing, error);

    if (good) {
        good = definition_exchange(call->tables, name, editing.changed, error);
    } else {
        definition_free(editing.changed);
    }
    pthread_rwlock_unlock(&call->tables->altering);
    return good;
}

static bool change_settings(struct call *call, json_t *stored, struct error *error)
{
    static const char *const members[] = {
        "BillingMode", "ProvisionedThroughput", "DeletionProtectionEnabled", "StreamSpecification",
        "TableClass",  "SSESpecification"};
    json_t *request = json_object_get(stored, "Request");

    (void)error;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_t *given = json_object_get(call->request, members[i]);

        if (given != NULL) {
            json_object_set(request, members[i], given);
        }
    }
    const char *mode = json_string_value(json_object_get(request, "BillingMode"));

    if (mode != NULL && strcmp(mode, "PAY_PER_REQUEST") == 0) {
        json_object_del(request, "ProvisionedThroughput");
    }
    return true;
}

static bool update_table(struct call *call, struct error *error)
{
    struct table_definition *definition = definition_of_request(call, call->request, error);

    if (definition == NULL) {
        return false;
    }
    const char *name = arena_text(call->arena, definition->name, strlen(definition->name), error);

    definition_release(call->tables, definition);
    if (name == NULL) {
        return false;
    }
    if (json_object_get(call->request, "GlobalSecondaryIndexUpdates") != NULL) {
        return error_set_named(error, ERROR_INVALID, VALIDATION,
                               "Indexes of a table that exists cannot be changed; make a new table with them");
    }
    return edit(call, name, change_settings, error) && describe_table(call, error);
}

static bool change_time_to_live(struct call *call, json_t *stored, struct error *error)
{
    const json_t *given = json_object_get(call->request, "TimeToLiveSpecification");
    const char *attribute = json_string_value(json_object_get(given, "AttributeName"));
    const char *current = json_string_value(json_object_get(stored, "TimeToLive"));

    if (attribute == NULL || attribute[0] == '\0' || strlen(attribute) > 255) {
        return error_set_named(
            error, ERROR_INVALID, VALIDATION,
            "1 validation error detected: Value at 'timeToLiveSpecification.attributeName' failed to "
            "satisfy constraint: Member must have length between 1 and 255");
    }
    if (json_is_true(json_object_get(given, "Enabled"))) {
        if (current != NULL) {
            return error_set_named(error, ERROR_INVALID, VALIDATION, "TimeToLive is already enabled");
        }
        return json_object_set_new(stored, "TimeToLive", json_string(attribute)) == 0;
    }
    return current == NULL ? error_set_named(error, ERROR_INVALID, VALIDATION, "TimeToLive is already disabled")
                           : json_object_del(stored, "TimeToLive") == 0;
}

static bool update_time_to_live(struct call *call, struct error *error)
{
    const char *name = request_text(call->request, "TableName", error);

    if (name == NULL || !edit(call, name, change_time_to_live, error)) {
        return false;
    }
    buffer_append_text(call->response, "{\"TimeToLiveSpecification\":");
    json_append(call->response, json_object_get(call->request, "TimeToLiveSpecification"), JSON_COMPACT);
    buffer_append_char(call->response, '}');
    return true;
}

static bool describe_time_to_live(struct call *call, struct error *error)
{
    struct table_definition *definition = definition_of_request(call, call->request, error);

    if (definition == NULL) {
        return false;
    }
    if (definition->time_to_live != NULL) {
        buffer_append_text(call->response, "{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":\"ENABLED\","
                                           "\"AttributeName\":");
        json_append_string(call->response, str_of(definition->time_to_live));
        buffer_append_text(call->response, "}}");
    } else {
        buffer_append_text(call->response, "{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":\"DISABLED\"}}");
    }
    definition_release(call->tables, definition);
    return true;
}

/* "arn:aws:dynamodb:REGION:ACCOUNT:table/NAME" */
static const char *table_of_arn(struct call *call, struct error *error)
{
    const char *arn = request_text(call->request, "ResourceArn", error);
    const char *slash = arn != NULL ? strrchr(arn, '/') : NULL;

    if (arn != NULL && slash == NULL) {
        error_set_named(error, ERROR_INVALID, VALIDATION, "Invalid TableArn: Invalid ResourceArn provided as input %s",
                        arn);
    }
    return slash != NULL ? slash + 1 : NULL;
}

static json_t *tags_of(json_t *stored)
{
    json_t *request = json_object_get(stored, "Request");
    json_t *tags = json_object_get(request, "Tags");

    if (tags == NULL) {
        tags = json_array();
        json_object_set_new(request, "Tags", tags);
    }
    return tags;
}

static void remove_tag(json_t *tags, const char *key)
{
    for (size_t i = json_array_size(tags); i-- > 0;) {
        const char *own = json_string_value(json_object_get(json_array_get(tags, i), "Key"));

        if (own != NULL && strcmp(own, key) == 0) {
            json_array_remove(tags, i);
        }
    }
}

static bool change_tags(struct call *call, json_t *stored, struct error *error)
{
    json_t *tags = tags_of(stored);
    const json_t *given = json_object_get(call->request, "Tags");
    const json_t *removed = json_object_get(call->request, "TagKeys");

    for (size_t i = 0; i < json_array_size(given); i++) {
        json_t *tag = json_array_get(given, i);
        const char *key = json_string_value(json_object_get(tag, "Key"));

        if (key == NULL || json_string_value(json_object_get(tag, "Value")) == NULL) {
            return error_set_named(error, ERROR_INVALID, VALIDATION, "Each tag needs a Key and a Value");
        }
        remove_tag(tags, key);
        json_array_append(tags, tag);
    }
    for (size_t i = 0; i < json_array_size(removed); i++) {
        const char *key = json_string_value(json_array_get(removed, i));

        remove_tag(tags, key != NULL ? key : "");
    }
    return json_array_size(tags) <= 50 ||
           error_set_named(error, ERROR_INVALID, VALIDATION, "Too many tags: a table has at most 50");
}

static bool edit_tags(struct call *call, struct error *error)
{
    const char *name = table_of_arn(call, error);

    return name != NULL && edit(call, name, change_tags, error);
}

static bool list_tags(struct call *call, struct error *error)
{
    const char *name = table_of_arn(call, error);
    struct table_definition *definition = name != NULL ? definition_find(call->tables, name, error) : NULL;

    if (definition == NULL) {
        return false;
    }
    buffer_append_text(call->response, "{\"Tags\":");
    if (definition->tags != NULL) {
        json_append(call->response, definition->tags, JSON_COMPACT);
    } else {
        buffer_append_text(call->response, "[]");
    }
    buffer_append_char(call->response, '}');
    definition_release(call->tables, definition);
    return true;
}

static bool describe_limits(struct call *call, struct error *error)
{
    (void)error;
    buffer_append_text(call->response, "{\"AccountMaxReadCapacityUnits\":80000,\"AccountMaxWriteCapacityUnits\":80000,"
                                       "\"TableMaxReadCapacityUnits\":40000,\"TableMaxWriteCapacityUnits\":40000}");
    return true;
}

const struct operation table_operations[] = {
    {"CreateTable", create_table, false},
    {"DescribeTable", describe_table, false},
    {"ListTables", list_tables, false},
    {"UpdateTable", update_table, false},
    {"DeleteTable", delete_table, false},
    {"UpdateTimeToLive", update_time_to_live, false},
    {"DescribeTimeToLive", describe_time_to_live, false},
    {"TagResource", edit_tags, false},
    {"UntagResource", edit_tags, false},
    {"ListTagsOfResource", list_tags, false},
    {"DescribeLimits", describe_limits, false},
    {NULL, NULL, false},
};
