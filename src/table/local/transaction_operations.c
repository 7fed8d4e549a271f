/* TransactGetItems and TransactWriteItems. */
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "table/local/batch.h"

#define VALIDATION "ValidationException"
#define MAX_TRANSACTION 100
#define MAX_TOKEN 36
#define TOKEN_KEPT_US (INT64_C(600) * 1000000)
#define MAX_TRANSACTION_BYTES (4 * 1024 * 1024)

static bool invalid(struct error *error, const char *words)
{
    return error_set_named(error, ERROR_INVALID, VALIDATION, "%s", words);
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
    return batch_check_distinct(batch, "Transaction request cannot include multiple operations on one item", error);
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
        batch_append_costs(&batch, &(struct batch_cost){.how = capacity,
                                                        .factor = 2,
                                                        .reads = batch.done_before,
                                                        .kind = batch.done_before ? "Read" : "Write"});
        buffer_append_char(call->response, '}');
    }
    batch_release(&batch);
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
        !batch_get_one(batch, db, get, "Transaction request cannot include multiple operations on one item", error)) {
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
    batch_append_costs(&batch, &(struct batch_cost){.how = capacity, .factor = 2, .reads = true, .kind = "Read"});
    buffer_append_char(call->response, '}');
    batch_release(&batch);
    return good;
}

const struct operation transaction_operations[] = {
    {"TransactGetItems", transact_get, false},
    {"TransactWriteItems", transact_write, true},
    {NULL, NULL, false},
};
