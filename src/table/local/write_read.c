/* Reading what is to be written from a request: of PutItem, UpdateItem, DeleteItem, and of a transaction's parts. */
#include "table/local/local_private.h"
#include "table/older.h"

#define VALIDATION "ValidationException"

/* An update may not touch the key. */
static bool check_update(const struct write *write, struct error *error)
{
    const struct key_schema *keys = &write->definition->keys;

    for (size_t i = 0; i < write->update.count; i++) {
        struct str name = write->update.actions[i].path.steps[0].name;

        if (str_equal(name, keys->partition) || (keys->sort.data != NULL && str_equal(name, keys->sort))) {
            return error_set_named(error, ERROR_INVALID, VALIDATION,
                                   "One or more parameter values were invalid: Cannot update attribute %.*s. This "
                                   "attribute is part of the key",
                                   STR_ARGS(name));
        }
    }
    return true;
}

static bool read_older(struct call *call, const json_t *request, struct write *write, struct error *error)
{
    const char *together;

    return request_optional_text(request, "ConditionalOperator", &together, error) &&
           older_condition(json_object_get(request, "Expected"), OLDER_EXPECTED, together, call->arena,
                           &write->condition, error) &&
           (write->kind != WRITE_UPDATE ||
            older_update(json_object_get(request, "AttributeUpdates"), call->arena, &write->update, error)) &&
           check_update(write, error);
}

static bool read_expressions(struct call *call, const json_t *request, struct write *write, struct error *error)
{
    struct attribute *values = arena_take(call->arena, sizeof *values, error);
    struct expression_scope scope;
    const char *condition;
    const char *update = NULL;

    if (values == NULL || !request_optional_text(request, "ConditionExpression", &condition, error) ||
        (write->kind == WRITE_UPDATE && !request_optional_text(request, "UpdateExpression", &update, error))) {
        return false;
    }
    if (condition == NULL && update == NULL) {
        return request_no_scope(request,
                                write->kind == WRITE_UPDATE ? "UpdateExpression and ConditionExpression are null"
                                                            : "ConditionExpression is null",
                                error) &&
               read_older(call, request, write, error);
    }
    if (!request_scope(call, request, values, &scope, error) ||
        (update != NULL && !update_parse(&scope, str_of(arena_text(call->arena, update, strlen(update), error)),
                                         call->arena, &write->update, error))) {
        return false;
    }
    if (condition != NULL) {
        write->condition = expression_condition(&scope, str_of(condition), "ConditionExpression", call->arena, error);
        if (write->condition == NULL) {
            return false;
        }
    }
    return expression_scope_end(&scope, error) && check_update(write, error);
}

static bool read_key(struct call *call, const json_t *request, struct write *write, struct error *error)
{
    const char *member = write->kind == WRITE_PUT ? "Item" : "Key";
    struct buffer key __attribute__((cleanup(buffer_free))) = {0};
    const json_t *given = json_object_get(request, member);

    if (given == NULL || json_is_null(given)) {
        return error_set_named(
            error, ERROR_INVALID, VALIDATION,
            "1 validation error detected: Value null at '%c%s' failed to satisfy constraint: Member must "
            "not be null",
            member[0] | 0x20, member + 1);
    }
    if (!attribute_map_from_json(given, call->arena, &write->item, error) ||
        !(write->kind == WRITE_PUT ? item_key(&write->definition->keys, &write->item, &key, error)
                                   : item_key_alone(&write->definition->keys, &write->item, &key, error))) {
        return false;
    }
    write->key = str_slice(arena_text(call->arena, key.data, key.length, error), key.length);
    return write->key.data != NULL;
}

bool write_read(struct call *call, const json_t *request, enum write_kind kind, struct write *write,
                struct error *error)
{
    static const char *const choices[] = {"NONE", "ALL_OLD", NULL};
    int on_failure;

    *write = (struct write){.kind = kind};
    if (!older_check_mix(request, error) ||
        !request_choice(request, "ReturnValuesOnConditionCheckFailure", choices, &on_failure, error) ||
        (write->definition = definition_of_request(call, request, error)) == NULL) {
        return false;
    }
    write->all_old_on_failure = on_failure == 1;
    if (!read_expressions(call, request, write, error) || !read_key(call, request, write, error)) {
        definition_release(call->tables, write->definition);
        write->definition = NULL;
        return false;
    }
    return true;
}

bool write_read_key(struct call *call, const json_t *request, struct write *write, struct error *error)
{
    *write = (struct write){.kind = WRITE_CHECK};
    write->definition = definition_of_request(call, request, error);
    if (write->definition == NULL || read_key(call, request, write, error)) {
        return write->definition != NULL;
    }
    definition_release(call->tables, write->definition);
    write->definition = NULL;
    return false;
}
