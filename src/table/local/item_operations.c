/* PutItem, UpdateItem, DeleteItem, GetItem. */
#include "table/local/local_private.h"
#include "table/older.h"

enum return_values { RETURN_NONE, RETURN_ALL_OLD, RETURN_ALL_NEW, RETURN_UPDATED_OLD, RETURN_UPDATED_NEW };

struct single {
    struct call *call;
    struct write write;
};

static bool apply_single(void *context, struct statement_cache *db, struct error *error)
{
    struct single *single = context;

    return write_apply(&single->write, db, single->call->arena, error);
}

static void append_map(struct buffer *out, const char *member, const struct attribute *map)
{
    buffer_append_text(out, out->data[out->length - 1] == '{' ? "\"" : ",\"");
    buffer_append_text(out, member);
    buffer_append_text(out, "\":");
    attribute_map_to_json(out, map);
}

/* Of the attributes that the update named, what they were or are. */
static bool append_updated(struct call *call, const struct write *write, const struct attribute *item,
                           struct error *error)
{
    struct path *paths = arena_take(call->arena, (write->update.count + 1) * sizeof *paths, error);
    struct attribute part;

    for (size_t i = 0; paths != NULL && i < write->update.count; i++) {
        paths[i] = write->update.actions[i].path;
    }
    struct projection projection = {paths, write->update.count};

    if (paths == NULL || !projection_take(&projection, item, call->arena, &part, error)) {
        return false;
    }
    if (part.as.map.count > 0) {
        append_map(call->response, "Attributes", &part);
    }
    return true;
}

static bool append_values(struct call *call, const struct write *write, enum return_values values, struct error *error)
{
    bool old = values == RETURN_ALL_OLD || values == RETURN_UPDATED_OLD;
    const struct attribute *item = old ? &write->before : &write->after;

    if (values == RETURN_NONE || (old ? !write->had : !write->has)) {
        return true;
    }
    if (values == RETURN_UPDATED_OLD || values == RETURN_UPDATED_NEW) {
        return append_updated(call, write, item, error);
    }
    append_map(call->response, "Attributes", item);
    return true;
}

static void append_cost(struct call *call, const struct write *write, int how)
{
    uint64_t before = write->had ? attribute_item_bytes(&write->before) : 0;
    uint64_t after = write->has ? attribute_item_bytes(&write->after) : 0;

    if (how != 0) {
        buffer_append_text(call->response, call->response->data[call->response->length - 1] == '{'
                                               ? "\"ConsumedCapacity\":"
                                               : ",\"ConsumedCapacity\":");
        capacity_append(call->response, write->definition, NULL, how,
                        capacity_write_units(before > after ? before : after), 0);
    }
}

/* What DynamoDB says of an item that stood in the way. */
static bool tell_failure(struct call *call, const struct write *write, const struct error *error)
{
    if (error->name != NULL && strcmp(error->name, "ConditionalCheckFailedException") == 0 && write->had &&
        write->all_old_on_failure) {
        buffer_clear(call->response);
        buffer_append_char(call->response, '{');
        append_map(call->response, "Item", &write->before);
        buffer_append_char(call->response, '}');
    }
    return false;
}

static bool write_one(struct call *call, enum write_kind kind, const char *const *choices,
                      const enum return_values *meanings, struct error *error)
{
    struct single single = {.call = call};
    int values;
    int capacity;

    if (!request_choice(call->request, "ReturnValues", choices, &values, error) ||
        !capacity_asked(call->request, &capacity, error) ||
        !write_read(call, call->request, kind, &single.write, error)) {
        return false;
    }
    bool good = committer_do(call->tables->committer, apply_single, &single, error);

    if (good) {
        buffer_append_char(call->response, '{');
        good = append_values(call, &single.write, meanings[values], error);
        append_cost(call, &single.write, capacity);
        buffer_append_char(call->response, '}');
    } else {
        tell_failure(call, &single.write, error);
    }
    definition_release(call->tables, single.write.definition);
    return good;
}

static const char *const old_choices[] = {"NONE", "ALL_OLD", NULL};
static const enum return_values old_meanings[] = {RETURN_NONE, RETURN_ALL_OLD};

static bool put_item(struct call *call, struct error *error)
{
    return write_one(call, WRITE_PUT, old_choices, old_meanings, error);
}

static bool delete_item(struct call *call, struct error *error)
{
    return write_one(call, WRITE_DELETE, old_choices, old_meanings, error);
}

static bool update_item(struct call *call, struct error *error)
{
    static const char *const choices[] = {"NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW", NULL};
    static const enum return_values meanings[] = {RETURN_NONE, RETURN_ALL_OLD, RETURN_UPDATED_OLD, RETURN_ALL_NEW,
                                                  RETURN_UPDATED_NEW};

    return write_one(call, WRITE_UPDATE, choices, meanings, error);
}

bool read_projection(struct call *call, const json_t *request, struct projection *projection, bool *any,
                     struct error *error)
{
    struct attribute values;
    struct expression_scope scope;
    const char *text;

    const json_t *older = json_object_get(request, "AttributesToGet");

    if (!older_check_mix(request, error) || !request_optional_text(request, "ProjectionExpression", &text, error)) {
        return false;
    }
    *any = text != NULL || json_is_array(older);
    if (text == NULL) {
        return request_no_scope(request, "ProjectionExpression is null", error) &&
               (!*any || older_projection(older, call->arena, projection, error));
    }
    return request_scope(call, request, &values, &scope, error) &&
           (projection_parse(&scope, str_of(text), call->arena, projection, error) &&
            expression_scope_end(&scope, error));
}

static bool get_item(struct call *call, struct error *error)
{
    struct write write;
    struct projection projection;
    struct attribute item;
    bool projected;
    int capacity;
    int found = -1;
    bool consistent = json_is_true(json_object_get(call->request, "ConsistentRead"));

    if (!capacity_asked(call->request, &capacity, error) ||
        !read_projection(call, call->request, &projection, &projected, error) ||
        !write_read_key(call, call->request, &write, error)) {
        return false;
    }
    struct statement_cache *db = local_read_begin(call->tables->store, error);

    if (db != NULL) {
        found = item_load(db, write.definition->space, write.key, call->arena, &item, error);
        local_read_end(call->tables->store, db);
    }
    uint64_t bytes = found == 1 ? attribute_item_bytes(&item) : 0;

    buffer_append_char(call->response, '{');
    if (found == 1 && projected && !projection_take(&projection, &item, call->arena, &item, error)) {
        found = -1;
    }
    if (found == 1) {
        append_map(call->response, "Item", &item);
    }
    if (capacity != 0) {
        buffer_append_text(call->response, found == 1 ? ",\"ConsumedCapacity\":" : "\"ConsumedCapacity\":");
        capacity_append(call->response, write.definition, NULL, capacity, capacity_read_units(bytes, consistent), 0);
    }
    buffer_append_char(call->response, '}');
    definition_release(call->tables, write.definition);
    return found >= 0;
}

const struct operation item_operations[] = {
    {"PutItem", put_item, true},
    {"UpdateItem", update_item, true},
    {"DeleteItem", delete_item, true},
    {"GetItem", get_item, false},
    {NULL, NULL, false},
};
