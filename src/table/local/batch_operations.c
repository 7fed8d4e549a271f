/* BatchGetItem, BatchWriteItem, TransactGetItems, TransactWriteItems. */
#include <stdio.h>

#include "base/json.h"
#include "table/local/local_private.h"

#define VALIDATION "ValidationException"
#define MAX_BATCH_WRITES 25
#define MAX_BATCH_GETS 100
#define MAX_TRANSACTION 100
#define MAX_ANSWER_BYTES (16 * 1024 * 1024)
#define MAX_TRANSACTION_BYTES (4 * 1024 * 1024)

struct batch {
    struct call *call;
    struct write *writes;
    size_t count;
    struct error *errors; /* of each write of a transaction */
};

static bool invalid(struct error *error, const char *words)
{
    return error_set_named(error, ERROR_INVALID, VALIDATION, "%s", words);
}

static void release(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        definition_release(batch->call->tables, batch->writes[i].definition);
    }
}

/* No two of the writes may be of one item. */
static bool check_distinct(const struct batch *batch, const char *words, struct error *error)
{
    for (size_t i = 0; i < batch->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (batch->writes[i].definition->space == batch->writes[j].definition->space &&
                str_equal(batch->writes[i].key, batch->writes[j].key)) {
                return invalid(error, words);
            }
        }
    }
    return true;
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
    return check_distinct(batch, "Provided list of item keys contains duplicates", error);
}

/* What the writes count for, of each table once. */
static void append_costs(const struct batch *batch, int how, unsigned factor)
{
    struct buffer *out = batch->call->response;
    const char *between = out->length > 1 ? ",\"ConsumedCapacity\":[" : "\"ConsumedCapacity\":[";

    if (how == 0) {
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        double units = 0;
        bool told = false;

        for (size_t j = 0; j < batch->count; j++) {
            const struct write *write = &batch->writes[j];

            if (write->definition == batch->writes[i].definition) {
                uint64_t before = write->had ? attribute_item_bytes(&write->before) : 0;
                uint64_t after = write->has ? attribute_item_bytes(&write->after) : 0;

                told = told || j < i;
                units += factor * capacity_write_units(before > after ? before : after);
            }
        }
        if (!told) {
            buffer_append_text(out, between);
            capacity_append(out, batch->writes[i].definition, NULL, how, units);
            between = ",";
        }
    }
    buffer_append_char(out, ']');
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
        append_costs(&batch, capacity, 1);
        buffer_append_char(call->response, '}');
    }
    release(&batch);
    return good;
}

/* Gets the keys of one table of a BatchGetItem; `rest` takes those that no longer fit into the answer. */
static bool get_keys(struct call *call, const char *table, const json_t *wanted, json_t *rest, size_t *count,
                     struct error *error)
{
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
        json_t *request = json_pack("{s:s, s:O}", "TableName", table, "Key", json_array_get(keys, i));
        struct write write = {0};
        struct attribute item;
        struct statement_cache *db = NULL;
        int found = -1;

        if (++*count > MAX_BATCH_GETS) {
            json_decref(request);
            return invalid(error, "Too many items requested for the BatchGetItem call");
        }
        if (call->response->length > MAX_ANSWER_BYTES) {
            json_array_append(rest, json_array_get(keys, i));
            json_decref(request);
            continue;
        }
        if (request != NULL && write_read_key(call, request, &write, error) &&
            (db = local_read_begin(call->tables->store, error)) != NULL) {
            found = item_load(db, write.definition->space, write.key, call->arena, &item, error);
            local_read_end(call->tables->store, db);
        }
        definition_release(call->tables, write.definition);
        json_decref(request);
        if (found == 1 && projected && !projection_take(&projection, &item, call->arena, &item, error)) {
            found = -1;
        }
        if (found < 0) {
            return false;
        }
        if (found == 1) {
            buffer_append_text(call->response, between);
            attribute_map_to_json(call->response, &item);
            between = ",";
        }
    }
    buffer_append_char(call->response, ']');
    return true;
}

static bool batch_get(struct call *call, struct error *error)
{
    const json_t *tables = json_object_get(call->request, "RequestItems");
    json_t *unprocessed = json_object();
    const char *between = "";
    size_t count = 0;
    bool good =
        json_object_size(tables) > 0 ||
        invalid(error, "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: "
                       "Member must have length greater than or equal to 1");

    buffer_append_text(call->response, "{\"Responses\":{");
    for (void *at = json_object_iter((json_t *)(uintptr_t)tables); good && at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)tables, at)) {
        json_t *rest = json_array();

        buffer_append_text(call->response, between);
        between = ",";
        good = get_keys(call, json_object_iter_key(at), json_object_iter_value(at), rest, &count, error);
        if (json_array_size(rest) > 0) {
            json_t *left = json_copy(json_object_iter_value(at));

            json_object_set(left, "Keys", rest);
            json_object_set_new(unprocessed, json_object_iter_key(at), left);
        }
        json_decref(rest);
    }
    buffer_append_text(call->response, "},\"UnprocessedKeys\":");
    json_append(call->response, unprocessed, JSON_COMPACT);
    buffer_append_char(call->response, '}');
    json_decref(unprocessed);
    return good;
}

static const struct {
    const char *name;
    enum write_kind kind;
} actions[] = {{"Put", WRITE_PUT}, {"Update", WRITE_UPDATE}, {"Delete", WRITE_DELETE}, {"ConditionCheck", WRITE_CHECK}};

static bool read_action(struct batch *batch, const json_t *entry, struct error *error)
{
    size_t found = 0;

    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        const json_t *given = json_object_get(entry, actions[i].name);

        if (given == NULL) {
            continue;
        }
        if (++found > 1) {
            break;
        }
        if (!write_read(batch->call, given, actions[i].kind, &batch->writes[batch->count], error)) {
            return false;
        }
        batch->count++;
    }
    return found == 1 || invalid(error, "TransactItems can only contain one of Check, Put, Update or Delete");
}

/* All of them, or none: each failure is kept for its place in the list of reasons. */
static bool apply_transaction(void *context, struct statement_cache *db, struct error *error)
{
    struct batch *batch = context;
    bool good = true;

    for (size_t i = 0; i < batch->count; i++) {
        good = write_apply(&batch->writes[i], db, batch->call->arena, &batch->errors[i]) && good;
        if (batch->errors[i].code != ERROR_NONE && batch->errors[i].code != ERROR_INVALID) {
            *error = batch->errors[i]; /* the machine's failure, not the request's */
            return false;
        }
    }
    return good || error_set_named(error, ERROR_INVALID, "TransactionCanceledException",
                                   "Transaction cancelled, please refer cancellation reasons for specific reasons");
}

static const char *reason_code(const struct error *error)
{
    if (error->code == ERROR_NONE) {
        return "None";
    }
    return error->name != NULL && strcmp(error->name, "ConditionalCheckFailedException") == 0 ? "ConditionalCheckFailed"
                                                                                              : "ValidationError";
}

static void tell_reasons(const struct batch *batch, struct error *error)
{
    struct buffer *out = batch->call->response;
    char codes[500];
    size_t length = 0;

    buffer_clear(out);
    buffer_append_text(out, "{\"CancellationReasons\":[");
    for (size_t i = 0; i < batch->count; i++) {
        const struct write *write = &batch->writes[i];
        const char *code = reason_code(&batch->errors[i]);

        buffer_append_format(out, "%s{\"Code\":\"%s\"", i > 0 ? "," : "", code);
        if (batch->errors[i].code != ERROR_NONE) {
            buffer_append_text(out, ",\"Message\":");
            json_append_string(out, str_of(batch->errors[i].message));
        }
        if (strcmp(code, "ConditionalCheckFailed") == 0 && write->had && write->all_old_on_failure) {
            buffer_append_text(out, ",\"Item\":");
            attribute_map_to_json(out, &write->before);
        }
        buffer_append_char(out, '}');
        if (length + 30 < sizeof codes) {
            length += (size_t)snprintf(codes + length, sizeof codes - length, "%s%s", i > 0 ? ", " : "", code);
        }
    }
    buffer_append_text(out, "]}");
    error_set_named(error, ERROR_INVALID, "TransactionCanceledException",
                    "Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", codes);
}

static bool read_transaction(struct batch *batch, const json_t *items, struct error *error)
{
    for (size_t i = 0; i < json_array_size(items); i++) {
        if (!read_action(batch, json_array_get(items, i), error)) {
            return false;
        }
    }
    return check_distinct(batch, "Transaction request cannot include multiple operations on one item", error);
}

static bool check_count(const json_t *items, struct error *error)
{
    size_t count = json_array_size(items);

    return (count >= 1 && count <= MAX_TRANSACTION) ||
           error_set_named(
               error, ERROR_INVALID, VALIDATION,
               "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must "
               "have length %s",
               count == 0 ? "greater than or equal to 1" : "less than or equal to 100");
}

static bool transact_write(struct call *call, struct error *error)
{
    const json_t *items = json_object_get(call->request, "TransactItems");
    struct batch batch = {.call = call};
    int capacity;

    if (!check_count(items, error) || !capacity_asked(call->request, &capacity, error)) {
        return false;
    }
    batch.writes = arena_zeroed(call->arena, MAX_TRANSACTION * sizeof *batch.writes, error);
    batch.errors = arena_zeroed(call->arena, MAX_TRANSACTION * sizeof *batch.errors, error);
    bool good = batch.writes != NULL && batch.errors != NULL && read_transaction(&batch, items, error);

    if (good && !committer_do(call->tables->committer, apply_transaction, &batch, error)) {
        if (error->name != NULL && strcmp(error->name, "TransactionCanceledException") == 0) {
            tell_reasons(&batch, error);
        }
        good = false;
    } else if (good) {
        buffer_append_char(call->response, '{');
        append_costs(&batch, capacity, 2);
        buffer_append_char(call->response, '}');
    }
    release(&batch);
    return good;
}

static bool get_of_transaction(struct call *call, struct statement_cache *db, const json_t *entry, uint64_t *bytes,
                               struct error *error)
{
    const json_t *get = json_object_get(entry, "Get");
    struct write write;
    struct projection projection;
    struct attribute item;
    bool projected;

    if (!json_is_object(get)) {
        return invalid(error, "TransactItems can only contain Get");
    }
    if (!read_projection(call, get, &projection, &projected, error) || !write_read_key(call, get, &write, error)) {
        return false;
    }
    int found = item_load(db, write.definition->space, write.key, call->arena, &item, error);

    definition_release(call->tables, write.definition);
    *bytes += found == 1 ? attribute_item_bytes(&item) : 0;
    if (found == 1 && projected && !projection_take(&projection, &item, call->arena, &item, error)) {
        return false;
    }
    buffer_append_char(call->response, '{');
    if (found == 1) {
        buffer_append_text(call->response, "\"Item\":");
        attribute_map_to_json(call->response, &item);
    }
    buffer_append_char(call->response, '}');
    return found >= 0 &&
           (*bytes <= MAX_TRANSACTION_BYTES ||
            invalid(error, "Collection size limit exceeded: the items of a transaction are at most 4 MB"));
}

static bool transact_get(struct call *call, struct error *error)
{
    const json_t *items = json_object_get(call->request, "TransactItems");
    uint64_t bytes = 0;

    if (!check_count(items, error)) {
        return false;
    }
    struct statement_cache *db = local_read_begin(call->tables->store, error);

    if (db == NULL) {
        return false;
    }
    bool good = local_snapshot_begin(db, error);

    buffer_append_text(call->response, "{\"Responses\":[");
    for (size_t i = 0; good && i < json_array_size(items); i++) {
        if (i > 0) {
            buffer_append_char(call->response, ',');
        }
        good = get_of_transaction(call, db, json_array_get(items, i), &bytes, error);
    }
    buffer_append_text(call->response, "]}");
    local_snapshot_end(db);
    local_read_end(call->tables->store, db);
    return good;
}

const struct operation batch_operations[] = {
    {"BatchGetItem", batch_get},
    {"BatchWriteItem", batch_write},
    {"TransactGetItems", transact_get},
    {"TransactWriteItems", transact_write},
    {NULL, NULL},
};
