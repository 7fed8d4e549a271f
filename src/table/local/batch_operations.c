/* BatchGetItem, BatchWriteItem, TransactGetItems, TransactWriteItems. */
#include <stdio.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "table/local/local_private.h"

#define VALIDATION "ValidationException"
#define MAX_BATCH_WRITES 25
#define MAX_BATCH_GETS 100
#define MAX_TRANSACTION 100
#define MAX_TOKEN 36
#define TOKEN_KEPT_US (INT64_C(600) * 1000000)
#define MAX_ANSWER_BYTES (16 * 1024 * 1024)
#define MAX_TRANSACTION_BYTES (4 * 1024 * 1024)

struct batch {
    struct call *call;
    const char *token;                /* ClientRequestToken of a transaction, or NULL */
    uint8_t digest[DIGEST_MAX_BYTES]; /* of what the token stands for */
    bool done_before;
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

static double write_units(const struct write *write)
{
    uint64_t before = write->had ? attribute_item_bytes(&write->before) : 0;
    uint64_t after = write->has ? attribute_item_bytes(&write->after) : 0;

    return capacity_write_units(before > after ? before : after);
}

static double write_units_twice(const struct write *write)
{
    return 2 * write_units(write);
}

static double read_units(const struct write *write)
{
    return capacity_read_units(write->had ? attribute_item_bytes(&write->before) : 0, write->consistent);
}

static double read_units_twice(const struct write *write)
{
    return 2 * capacity_read_units(write->had ? attribute_item_bytes(&write->before) : 0, true);
}

/* What they count for, of each table once. */
static void append_costs(const struct batch *batch, int how, double (*units_of)(const struct write *write),
                         const char *kind)
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
                told = told || j < i;
                units += units_of(write);
            }
        }
        if (!told) {
            buffer_append_text(out, between);
            capacity_append(out, batch->writes[i].definition, NULL, how, units);
            if (kind != NULL) {
                out->length--; /* the closing brace */
                buffer_append_format(out, ",\"%sCapacityUnits\":%.1f}", kind, units);
            }
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
        append_costs(&batch, capacity, write_units, NULL);
        buffer_append_char(call->response, '}');
    }
    release(&batch);
    return good;
}

/* The item at a key that the request names; kept among the batch's writes, as what was there before. */
static bool get_one(struct batch *batch, struct statement_cache *db, const json_t *request, const char *duplicate,
                    struct error *error)
{
    struct write *write = &batch->writes[batch->count];

    if (!write_read_key(batch->call, request, write, error)) {
        return false;
    }
    batch->count++;
    int found = item_load(db, write->definition->space, write->key, batch->call->arena, &write->before, error);

    write->had = found == 1;
    return found >= 0 && check_distinct(batch, duplicate, error);
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
        bool good =
            request != NULL && get_one(batch, db, request, "Provided list of item keys contains duplicates", error);

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
    append_costs(&batch, capacity, read_units, NULL);
    buffer_append_char(call->response, '}');
    json_decref(unprocessed);
    release(&batch);
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
        if (actions[i].kind == WRITE_CHECK && json_object_get(given, "ConditionExpression") == NULL) {
            return error_set_named(
                error, ERROR_INVALID, VALIDATION,
                "1 validation error detected: Value null at 'transactItems.%zu.member.conditionCheck."
                "conditionExpression' failed to satisfy constraint: Member must not be null",
                batch->count + 1);
        }
        if (!write_read(batch->call, given, actions[i].kind, &batch->writes[batch->count], error)) {
            return false;
        }
        batch->count++;
    }
    return found == 1 || invalid(error, "TransactItems can only contain one of Check, Put, Update or Delete");
}

static const char forget_tokens[] = "DELETE FROM item_token WHERE made_us < ?1";
static const char find_token[] = "SELECT digest FROM item_token WHERE token = ?1";
static const char keep_token[] = "INSERT INTO item_token(token, made_us, digest) VALUES(?1, ?2, ?3)";

/* Notes the transaction under its token; when the same one has been done, it is not done again. */
static bool note_token(struct batch *batch, struct statement_cache *db, struct error *error)
{
    int64_t now_us = clock_now_us();
    size_t size = digest_bytes(DIGEST_SHA256);
    sqlite3_stmt *statement = statement_get(db, forget_tokens, error);

    if (statement == NULL) {
        return false;
    }
    sqlite3_bind_int64(statement, 1, now_us - TOKEN_KEPT_US);
    if (!statement_run(db, statement, error) || (statement = statement_get(db, find_token, error)) == NULL) {
        return false;
    }
    statement_bind_text(statement, 1, batch->token);
    int row = statement_next(db, statement, error);

    if (row == 1) {
        batch->done_before = (size_t)sqlite3_column_bytes(statement, 0) == size &&
                             memcmp(sqlite3_column_blob(statement, 0), batch->digest, size) == 0;
        statement_done(statement);
        return batch->done_before ||
               error_set_named(error, ERROR_CONFLICT, "IdempotentParameterMismatchException",
                               "The request uses the same client token as a previous, but non-identical request. Do "
                               "not reuse a client token with different requests, unless the requests are identical");
    }
    if (row < 0 || (statement = statement_get(db, keep_token, error)) == NULL) {
        return false;
    }
    statement_bind_text(statement, 1, batch->token);
    sqlite3_bind_int64(statement, 2, now_us);
    sqlite3_bind_blob64(statement, 3, batch->digest, size, SQLITE_STATIC);
    return statement_run(db, statement, error);
}

/* ClientRequestToken, and what the request is but for it. */
static bool read_token(struct batch *batch, const json_t *items, struct error *error)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};

    if (!request_optional_text(batch->call->request, "ClientRequestToken", &batch->token, error)) {
        return false;
    }
    if (batch->token == NULL || batch->token[0] == '\0') {
        batch->token = NULL;
        return true;
    }
    if (strlen(batch->token) > MAX_TOKEN) {
        return error_set_named(error, ERROR_INVALID, VALIDATION,
                               "1 validation error detected: Value '%s' at 'clientRequestToken' failed to satisfy "
                               "constraint: Member must have length less than or equal to 36",
                               batch->token);
    }
    json_append(&text, items, JSON_COMPACT | JSON_SORT_KEYS);
    return buffer_check(&text, error) && digest_once(DIGEST_SHA256, text.data, text.length, batch->digest, error);
}

/* All of them, or none: each failure is kept for its place in the list of reasons. */
static bool apply_transaction(void *context, struct statement_cache *db, struct error *error)
{
    struct batch *batch = context;
    bool good = true;

    if (batch->token != NULL && (!note_token(batch, db, error) || batch->done_before)) {
        return batch->done_before;
    }
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
    bool good = batch.writes != NULL && batch.errors != NULL && read_token(&batch, items, error) &&
                read_transaction(&batch, items, error);

    if (good && !committer_do(call->tables->committer, apply_transaction, &batch, error)) {
        if (error->name != NULL && strcmp(error->name, "TransactionCanceledException") == 0) {
            tell_reasons(&batch, error);
        }
        good = false;
    } else if (good) {
        buffer_append_char(call->response, '{');
        append_costs(&batch, capacity, batch.done_before ? read_units_twice : write_units_twice,
                     batch.done_before ? "Read" : "Write");
        buffer_append_char(call->response, '}');
    }
    release(&batch);
    return good;
}

static bool get_of_transaction(struct batch *batch, struct statement_cache *db, const json_t *entry, uint64_t *bytes,
                               struct error *error)
{
    struct call *call = batch->call;
    const json_t *get = json_object_get(entry, "Get");
    struct write *write = &batch->writes[batch->count];
    struct projection projection;
    struct attribute item;
    bool projected;

    if (!json_is_object(get)) {
        return invalid(error, "TransactItems can only contain Get");
    }
    if (!read_projection(call, get, &projection, &projected, error) ||
        !get_one(batch, db, get, "Transaction request cannot include multiple operations on one item", error)) {
        return false;
    }
    item = write->before;
    *bytes += write->had ? attribute_item_bytes(&item) : 0;
    if (write->had && projected && !projection_take(&projection, &item, call->arena, &item, error)) {
        return false;
    }
    buffer_append_char(call->response, '{');
    if (write->had) {
        buffer_append_text(call->response, "\"Item\":");
        attribute_map_to_json(call->response, &item);
    }
    buffer_append_char(call->response, '}');
    return *bytes <= MAX_TRANSACTION_BYTES ||
           invalid(error, "Collection size limit exceeded: the items of a transaction are at most 4 MB");
}

static bool transact_get(struct call *call, struct error *error)
{
    const json_t *items = json_object_get(call->request, "TransactItems");
    struct batch batch = {.call = call};
    uint64_t bytes = 0;
    int capacity;

    if (!check_count(items, error) || !capacity_asked(call->request, &capacity, error)) {
        return false;
    }
    batch.writes = arena_zeroed(call->arena, (MAX_TRANSACTION + 1) * sizeof *batch.writes, error);
    struct statement_cache *db = batch.writes != NULL ? local_read_begin(call->tables->store, error) : NULL;

    if (db == NULL) {
        return false;
    }
    bool good = local_snapshot_begin(db, error);

    buffer_append_text(call->response, "{\"Responses\":[");
    for (size_t i = 0; good && i < json_array_size(items); i++) {
        if (i > 0) {
            buffer_append_char(call->response, ',');
        }
        good = get_of_transaction(&batch, db, json_array_get(items, i), &bytes, error);
    }
    local_snapshot_end(db);
    local_read_end(call->tables->store, db);
    buffer_append_char(call->response, ']');
    append_costs(&batch, capacity, read_units_twice, "Read");
    buffer_append_char(call->response, '}');
    release(&batch);
    return good;
}

const struct operation batch_operations[] = {
    {"BatchGetItem", batch_get, false},
    {"BatchWriteItem", batch_write, true},
    {"TransactGetItems", transact_get, false},
    {"TransactWriteItems", transact_write, true},
    {NULL, NULL, false},
};
