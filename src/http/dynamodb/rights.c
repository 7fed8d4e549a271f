#include "http/dynamodb/rights.h"

#include "base/json.h"

struct asking {
    const struct dynamodb_options *options;
    const struct exchange *exchange;
    const struct access_caller *caller;
    struct error *error;
};

/* `table` is a name or an ARN; NULL: all tables. `index` NULL: the table itself. */
static bool ask(const struct asking *asking, const char *action, const char *table, const char *index)
{
    struct arena *arena = asking->exchange->arena;
    const char *slash = table != NULL && strncmp(table, "arn:", 4) == 0 ? strrchr(table, '/') : NULL;
    const char *name = slash != NULL ? slash + 1 : table != NULL ? table : "*";
    const char *full = arena_format(arena, asking->error, "dynamodb:%s", action);
    const char *resource =
        arena_format(arena, asking->error, "arn:aws:dynamodb:%s:%s:table/%s%s%s", asking->options->region,
                     asking->options->account, name, index != NULL ? "/index/" : "", index != NULL ? index : "");

    return full != NULL && resource != NULL &&
           access_allow_action(asking->options->access, asking->exchange, asking->caller, full, resource,
                               asking->error);
}

/* {"RequestItems": {"TABLE": …}} */
static bool ask_batch(const struct asking *asking, const char *operation, const json_t *tables)
{
    for (void *at = json_object_iter((json_t *)(uintptr_t)tables); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)tables, at)) {
        if (!ask(asking, operation, json_object_iter_key(at), NULL)) {
            return false;
        }
    }
    return true;
}

/* {"TransactItems": [{"Put": {"TableName": …}}, …]} */
static bool ask_transaction(const struct asking *asking, const json_t *items)
{
    static const char *const actions[][2] = {{"Get", "GetItem"},
                                             {"Put", "PutItem"},
                                             {"Update", "UpdateItem"},
                                             {"Delete", "DeleteItem"},
                                             {"ConditionCheck", "ConditionCheckItem"}};

    for (size_t i = 0; i < json_array_size(items); i++) {
        for (size_t j = 0; j < sizeof actions / sizeof *actions; j++) {
            const json_t *part = json_object_get(json_array_get(items, i), actions[j][0]);

            if (part != NULL &&
                !ask(asking, actions[j][1], json_string_value(json_object_get(part, "TableName")), NULL)) {
                return false;
            }
        }
    }
    return true;
}

static bool ask_all(const struct asking *asking, const char *operation, const json_t *request)
{
    const json_t *tables = json_object_get(request, "RequestItems");
    const json_t *items = json_object_get(request, "TransactItems");
    const char *table = json_string_value(json_object_get(request, "TableName"));
    const char *index = json_string_value(json_object_get(request, "IndexName"));

    if (json_object_size(tables) > 0) {
        return ask_batch(asking, operation, tables);
    }
    if (json_array_size(items) > 0) {
        return ask_transaction(asking, items);
    }
    if (table == NULL) {
        table = json_string_value(json_object_get(request, "ResourceArn"));
    }
    return ask(asking, operation, table, index);
}

bool rights_check(const struct dynamodb_options *options, const struct exchange *exchange,
                  const struct access_caller *caller, const char *operation, struct str body, struct error *error)
{
    const struct asking asking = {options, exchange, caller, error};
    json_t *request = json_read(body.data, body.length, "the request", NULL);
    bool allowed = ask_all(&asking, operation, request);

    json_decref(request);
    return allowed;
}
