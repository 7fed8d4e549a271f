/* BatchGetItem and BatchWriteItem. */
#include "base/json.h"
#include "table/local/batch.h"

#define VALIDATION "ValidationException"
#define MAX_BATCH_WRITES 25
#define MAX_BATCH_GETS 100
#define MAX_ANSWER_BYTES (16 * 1024 * 1024)

static bool invalid(struct error *error, const char *words)
{
    return error_set_named(error, ERROR_INVALID, VALIDATION, "%s", words);
}

static bool apply_batch(void *context, struct statement_cache *db, struct error *error)
{
    struct batch *batch = context;

    for (size_t i = 0; i < batch->count; i++) {
        if (!write_apply(&batch->writes[i], db, batch->call->arena, error)) {
            return false;
        }
    }
    return true;
}

/* One of a table's entries: {"PutRequest": {"Item": …}} or {"DeleteRequest": {"Key": …}}, as if it were a request of
 * its own. */
static bool read_batch_write(struct batch *batch, const char *table, const json_t *entry, struct error *error)
{
    const json_t *put = json_object_get(entry, "PutRequest");
    const json_t *delete = json_object_get(entry, "DeleteRequest");

    if ((put != NULL) == (delete != NULL)) {
        return invalid(error, put != NULL
                                  ? "Supplied AttributeValue has more than one datatypes set, must contain exactly "
                                    "one of the supported datatypes"
                                  : "Supplied WriteRequest is empty");
    }
    if (batch->count == MAX_BATCH_WRITES) {
        return invalid(error, "Too many items requested for the BatchWriteItem call");
    }
    json_t *request = json_copy((json_t *)(uintptr_t)(put != NULL ? put : delete));

    json_object_set_new(request, "TableName", json_string(table));
    bool good =
        write_read(batch->call, request, put != NULL ? WRITE_PUT : WRITE_DELETE, &batch->writes[batch->count], error);

    batch->count += good;
    json_decref(request);
    return good;
}

static bool read_batch(struct batch *batch, struct error *error)
{
    const json_t *tables = json_object_get(batch->call->request, "RequestItems");

    if (json_object_size(tables) == 0) {
        return invalid(error, "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: "
                              "Member must have length greater than or equal to 1");
    }
    for (void *at = json_object_iter((json_t *)(uintptr_t)tables); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)tables, at)) {
        const json_t *entries = json_object_iter_value(at);

        if (json_array_size(entries) == 0) {
            return invalid(error,
                           "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Map "
                           "value must satisfy constraint: [Member must have length less than or equal to 25, Member "
                           "must have length greater than or equal to 1]");
        }
        for (size_t i = 0; i < json_array_size(entries); i++) {
            if (!read_batch_write(batch, json_object_iter_key(at), json_array_get(entries, i), error)) {
                return false;
            }
        }
    }
    return batch_check_distinct(batch, "Provided list of item keys contains duplicates", error);
}

static bool batch_write(struct call *call, struct error *error)
{
    struct batch batch = {.call = call};
    int capacity;

    batch.writes = arena_zeroed(call->arena, MAX_BATCH_WRITES * sizeof *batch.writes, error);
    bool good = batch.writes != NULL && capacity_asked(call->request, &capacity, error) && read_batch(&batch, error) &&
                committer_do(call->tables->committer, apply_batch, &batch, error);

    if (good) {
        buffer_append_text(call->response, "{\"UnprocessedItems\":{}");
        batch_append_costs(&batch, &(struct batch_cost){.how = capacity, .factor = 1});
        buffer_append_char(call->response, '}');
    }
    batch_release(&batch);
    return good;
}

/* Gets the keys of one table of a BatchGetItem; `rest` takes those that no longer fit into the answer. */
static bool get_keys(struct batch *batch, struct statement_cache *db, const char *table, const json_t *wanted,
                     json_t *rest, struct error *error)
{
    struct call *call = batch->call;
    const json_t *keys = json_object_get(wanted, "Keys");
    struct projection projection;
    bool projected;
    const char *between = "";

    if (json_array_size(keys) == 0) {
        return invalid(error, "1 validation error detected: Value '[]' at 'requestItems.member.keys' failed to satisfy "
                              "constraint: Member must have length greater than or equal to 1");
    }
    if (!read_projection(call, wanted, &projection, &projected, error)) {
        return false;
    }
    json_append_string(call->response, str_of(table));
    buffer_append_text(call->response, ":[");
    for (size_t i = 0; i < json_array_size(keys); i++) {
        if (batch->count + json_array_size(rest) == MAX_BATCH_GETS) {
            return invalid(error, "Too many items requested for the BatchGetItem call");
        }
        if (call->response->length > MAX_ANSWER_BYTES) {
            json_array_append(rest, json_array_get(keys, i));
            continue;
        }
        json_t *request = json_pack("{s:s, s:O}", "TableName", table, "Key", json_array_get(keys, i));
        struct write *write = &batch->writes[batch->count];
        struct attribute item;
        bool good = request != NULL &&
                    batch_get_one(batch, db, request, "Provided list of item keys contains duplicates", error);

        json_decref(request);
        write->consistent = json_is_true(json_object_get(wanted, "ConsistentRead"));
        item = write->before;
        if (!good || (write->had && projected && !projection_take(&projection, &item, call->arena, &item, error))) {
            return false;
        }
        if (write->had) {
            buffer_append_text(call->response, between);
            attribute_map_to_json(call->response, &item);
            between = ",";
        }
    }
    buffer_append_char(call->response, ']');
    return true;
}

static bool get_tables(struct batch *batch, struct statement_cache *db, json_t *unprocessed, struct error *error)
{
    const json_t *tables = json_object_get(batch->call->request, "RequestItems");
    const char *between = "";
    bool good = true;

    buffer_append_text(batch->call->response, "{\"Responses\":{");
    for (void *at = json_object_iter((json_t *)(uintptr_t)tables); good && at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)tables, at)) {
        json_t *rest = json_array();

        buffer_append_text(batch->call->response, between);
        between = ",";
        good = get_keys(batch, db, json_object_iter_key(at), json_object_iter_value(at), rest, error);
        if (json_array_size(rest) > 0) {
            json_t *left = json_copy(json_object_iter_value(at));

            json_object_set(left, "Keys", rest);
            json_object_set_new(unprocessed, json_object_iter_key(at), left);
        }
        json_decref(rest);
    }
    return good;
}

static bool batch_get(struct call *call, struct error *error)
{
    struct batch batch = {.call = call};
    int capacity;

    if (!capacity_asked(call->request, &capacity, error)) {
        return false;
    }
    if (json_object_size(json_object_get(call->request, "RequestItems")) == 0) {
        return invalid(error, "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: "
                              "Member must have length greater than or equal to 1");
    }
    batch.writes = arena_zeroed(call->arena, (MAX_BATCH_GETS + 1) * sizeof *batch.writes, error);
    struct statement_cache *db = batch.writes != NULL ? local_read_begin(call->tables->store, error) : NULL;

    if (db == NULL) {
        return false;
    }
    json_t *unprocessed = json_object();
    bool good = get_tables(&batch, db, unprocessed, error);

    local_read_end(call->tables->store, db);
    buffer_append_text(call->response, "},\"UnprocessedKeys\":");
    json_append(call->response, unprocessed, JSON_COMPACT);
    batch_append_costs(&batch, &(struct batch_cost){.how = capacity, .factor = 1, .reads = true});
    buffer_append_char(call->response, '}');
    json_decref(unprocessed);
    batch_release(&batch);
    return good;
}

const struct operation batch_operations[] = {
    {"BatchGetItem", batch_get, false},
    {"BatchWriteItem", batch_write, true},
    {NULL, NULL, false},
};
