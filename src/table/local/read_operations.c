/* Query and Scan. */
#include "base/json.h"
#include "table/local/local_private.h"
#include "table/older.h"

#define VALIDATION "ValidationException"
#define MAX_PAGE_BYTES (1024 * 1024)
#define MAX_SEGMENTS 1000000

static const char forward[] = "SELECT key, value FROM item WHERE space = ?1 AND key >= ?2 AND key < ?3 ORDER BY key";
static const char backward[] =
    "SELECT key, value FROM item WHERE space = ?1 AND key >= ?2 AND key < ?3 ORDER BY key DESC";

struct reading {
    struct call *call;
    struct table_definition *definition;
    const struct table_index *index; /* NULL: the table */
    const struct key_schema *keys;
    bool query, reverse, count_only, consistent;
    bool whole; /* attributes are asked for that the index lacks: they come from the table */
    int64_t limit;
    struct buffer low, high;
    struct key_condition *searched; /* NULL: a scan */
    const struct condition *filter;
    bool projected;
    struct projection projection;
    int capacity;
    /* As it goes. */
    int64_t seen, taken;
    uint64_t bytes;
    double fetched; /* units of the items that came from the table */
    bool more;
    struct attribute last; /* the item that was seen last */
};

static bool invalid(struct error *error, const char *words)
{
    return error_set_named(error, ERROR_INVALID, VALIDATION, "%s", words);
}

static bool is_part(const struct key_schema *keys, struct str name)
{
    return str_equal(keys->partition, name) || (keys->sort.data != NULL && str_equal(keys->sort, name));
}

static bool check_filter(const struct reading *reading, bool older, struct error *error)
{
    struct str names[2] = {reading->keys->partition, reading->keys->sort};

    for (int i = 0; reading->query && i < 2; i++) {
        if (names[i].data != NULL && expression_mentions(reading->filter, names[i])) {
            return error_set_named(error, ERROR_INVALID, VALIDATION,
                                   "%s can only contain non-primary key attributes: Primary key attribute: %.*s",
                                   older ? "QueryFilter" : "Filter Expression", STR_ARGS(names[i]));
        }
    }
    return true;
}

static bool take_key_condition(struct reading *reading, const struct condition *condition, struct error *error)
{
    reading->searched = arena_zeroed(reading->call->arena, sizeof *reading->searched, error);
    return reading->searched != NULL && key_condition_of(condition, reading->keys, reading->searched, error) &&
           item_key_range(reading->searched, reading->index != NULL, &reading->low, &reading->high, error);
}

/* KeyConditions, QueryFilter, ScanFilter, AttributesToGet. */
static bool read_older(struct reading *reading, struct error *error)
{
    struct call *call = reading->call;
    const json_t *keys = json_object_get(call->request, "KeyConditions");
    const json_t *filter = json_object_get(call->request, reading->query ? "QueryFilter" : "ScanFilter");
    const json_t *wanted = json_object_get(call->request, "AttributesToGet");
    const struct condition *condition;
    const char *together;

    if (!request_optional_text(call->request, "ConditionalOperator", &together, error) ||
        !older_condition(filter, OLDER_FILTER, together, call->arena, &reading->filter, error)) {
        return false;
    }
    if (json_is_object(keys) && reading->query) {
        if (json_object_size(keys) < 1 || json_object_size(keys) > 2) {
            return invalid(error, "Conditions can be of length 1 or 2 only");
        }
        if (!older_condition(keys, OLDER_KEYS, NULL, call->arena, &condition, error) ||
            !take_key_condition(reading, condition, error)) {
            return false;
        }
    }
    if (json_is_array(wanted)) {
        reading->projected = true;
        return older_projection(wanted, call->arena, &reading->projection, error);
    }
    return true;
}

static bool read_key_expression(struct reading *reading, struct expression_scope *scope, const char *text,
                                struct error *error)
{
    const struct condition *condition;

    if (text == NULL) {
        return reading->searched != NULL ||
               invalid(error, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
                              "request.");
    }
    condition = expression_condition(scope, str_of(text), "KeyConditionExpression", reading->call->arena, error);
    return condition != NULL && take_key_condition(reading, condition, error);
}

static bool read_expressions(struct reading *reading, struct error *error)
{
    struct call *call = reading->call;
    struct attribute *values = arena_take(call->arena, sizeof *values, error);
    struct expression_scope scope = {0};
    const char *filter;
    const char *projection;
    const char *key = NULL;

    if (values == NULL || !older_check_mix(call->request, error) ||
        !request_optional_text(call->request, "FilterExpression", &filter, error) ||
        !request_optional_text(call->request, "ProjectionExpression", &projection, error) ||
        (reading->query && !request_optional_text(call->request, "KeyConditionExpression", &key, error))) {
        return false;
    }
    bool any = filter != NULL || projection != NULL || key != NULL;

    const char *missing =
        reading->query ? "FilterExpression and KeyConditionExpression are null" : "FilterExpression is null";

    if (any ? !request_scope(call, call->request, values, &scope, error)
            : !request_no_scope(call->request, missing, error)) {
        return false;
    }
    if (!read_older(reading, error)) {
        return false;
    }
    if (reading->query && !read_key_expression(reading, &scope, key, error)) {
        return false;
    }
    if (filter != NULL) {
        reading->filter = expression_condition(&scope, str_of(filter), "FilterExpression", call->arena, error);
        if (reading->filter == NULL) {
            return false;
        }
    }
    if (projection != NULL) {
        reading->projected = true;
        if (!projection_parse(&scope, str_of(projection), call->arena, &reading->projection, error)) {
            return false;
        }
    }
    return (reading->filter == NULL || check_filter(reading, filter == NULL, error)) &&
           (!any || expression_scope_end(&scope, error));
}

static bool read_segment(struct reading *reading, struct error *error)
{
    const json_t *segment = json_object_get(reading->call->request, "Segment");
    const json_t *total = json_object_get(reading->call->request, "TotalSegments");
    json_int_t number = segment != NULL ? json_integer_value(segment) : 0;
    json_int_t of = total != NULL ? json_integer_value(total) : 1;

    if ((segment == NULL) != (total == NULL)) {
        return invalid(error, segment == NULL
                                  ? "The Segment parameter is required but was not present in the request when "
                                    "parameter TotalSegments is present"
                                  : "The TotalSegments parameter is required but was not present in the request "
                                    "when Segment parameter is present");
    }
    if (of < 1 || of > MAX_SEGMENTS) {
        return error_set_named(
            error, ERROR_INVALID, VALIDATION,
            "1 validation error detected: Value '%lld' at 'totalSegments' failed to satisfy constraint: "
            "Member must have value between 1 and 1000000",
            (long long)of);
    }
    if (number < 0 || number >= of) {
        return error_set_named(
            error, ERROR_INVALID, VALIDATION,
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: "
            "%lld is not less than TotalSegments: %lld",
            (long long)number, (long long)of);
    }
    item_key_segment((unsigned)number, (unsigned)of, &reading->low, &reading->high);
    return true;
}

/* How many attributes the keys of table and index have together. */
static size_t key_parts(const struct reading *reading)
{
    const struct key_schema *own = &reading->definition->keys;
    const struct key_schema *keys = reading->keys;
    size_t parts = 1 + (own->sort.data != NULL);

    if (reading->index != NULL) {
        parts += !is_part(own, keys->partition);
        parts += keys->sort.data != NULL && !is_part(own, keys->sort);
    }
    return parts;
}

static int compare_bytes(struct str a, struct str b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = memcmp(a.data, b.data, shorter);

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static bool within(const struct buffer *low, const struct buffer *high, struct str at)
{
    return compare_bytes(at, str_slice(low->data, low->length)) >= 0 &&
           compare_bytes(at, str_slice(high->data, high->length)) < 0;
}

/* Goes on after the key that the request gives. */
static bool read_start(struct reading *reading, struct error *error)
{
    const json_t *given = json_object_get(reading->call->request, "ExclusiveStartKey");
    struct buffer own __attribute__((cleanup(buffer_free))) = {0};
    struct buffer place __attribute__((cleanup(buffer_free))) = {0};
    struct attribute start;
    struct error ignored = {0};

    if (given == NULL || json_is_null(given)) {
        return true;
    }
    if (!attribute_map_from_json(given, reading->call->arena, &start, error)) {
        return false;
    }
    bool good = item_key(&reading->definition->keys, &start, &own, &ignored) &&
                (reading->index == NULL ||
                 item_index_key(reading->keys, &start, str_slice(own.data, own.length), &place, &ignored));
    const struct buffer *from = reading->index == NULL ? &own : &place;

    if (!good || start.as.map.count != key_parts(reading)) {
        return invalid(error,
                       "The provided starting key is invalid: The provided key element does not match the schema");
    }
    if (reading->query) {
        struct str at = str_slice(from->data, from->length);
        size_t head = reading->low.length < at.length ? reading->low.length : at.length;
        size_t partition = (size_t)4 + (uint8_t)reading->low.data[2] * 256U + (uint8_t)reading->low.data[3];

        if (partition > head || memcmp(at.data, reading->low.data, partition) != 0) {
            return invalid(error, "The provided starting key is outside query boundaries based on provided conditions");
        }
        if (!within(&reading->low, &reading->high, at)) {
            return invalid(error, "The provided starting key does not match the range key predicate");
        }
    }
    struct buffer *bound = reading->reverse ? &reading->high : &reading->low;

    buffer_clear(bound);
    buffer_append(bound, from->data, from->length);
    if (!reading->reverse) {
        buffer_append_char(bound, '\0');
    }
    return buffer_check(bound, error);
}

static bool read_index(struct reading *reading, struct error *error)
{
    const char *name;

    reading->keys = &reading->definition->keys;
    if (!request_optional_text(reading->call->request, "IndexName", &name, error)) {
        return false;
    }
    if (name == NULL) {
        return true;
    }
    reading->index = definition_index(reading->definition, name);
    if (reading->index == NULL) {
        return error_set_named(error, ERROR_INVALID, VALIDATION, "The table does not have the specified index: %s",
                               name);
    }
    if (reading->index->global && reading->consistent) {
        return invalid(error, "Consistent reads are not supported on global secondary indexes");
    }
    reading->keys = &reading->index->keys;
    return true;
}

/* A global index gives what it has of items, and no more. */
static bool check_projected(const struct reading *reading, struct error *error)
{
    for (size_t i = 0; i < reading->projection.count; i++) {
        struct str name = reading->projection.paths[i].steps[0].name;

        if (!definition_projects(reading->definition, reading->index, name)) {
            return error_set_named(error, ERROR_INVALID, VALIDATION,
                                   "One or more parameter values were invalid: Global secondary index %s does not "
                                   "project [%.*s]",
                                   reading->index->name, STR_ARGS(name));
        }
    }
    return true;
}

static bool read_select(struct reading *reading, struct error *error)
{
    static const char *const choices[] = {
        "", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT", NULL};
    bool partial = reading->index != NULL && reading->index->projection != PROJECTION_ALL;
    int select;

    if (!request_choice(reading->call->request, "Select", choices, &select, error)) {
        return false;
    }
    if (select == 2 && reading->index == NULL) {
        return invalid(error, "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
    }
    if (select == 1 && partial && reading->index->global) {
        return error_set_named(
            error, ERROR_INVALID, VALIDATION,
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for "
            "global secondary index %s because its projection type is not ALL",
            reading->index->name);
    }
    if (reading->projected && select != 0 && select != 3) {
        const json_t *older = json_object_get(reading->call->request, "AttributesToGet");

        return error_set_named(error, ERROR_INVALID, VALIDATION, "Cannot specify the %s when choosing to get %s",
                               older != NULL ? "AttributesToGet" : "ProjectionExpression",
                               select == 4 ? "only the Count" : choices[select]);
    }
    if (select == 3 && !reading->projected) {
        return invalid(error, "Must specify the AttributesToGet or ProjectionExpression when choosing to get "
                              "SPECIFIC_ATTRIBUTES");
    }
    if (partial && reading->index->global && reading->projected && !check_projected(reading, error)) {
        return false;
    }
    reading->count_only = select == 4;
    reading->whole = partial && !reading->index->global && (select == 1 || reading->projected);
    return true;
}

static bool read_limit(struct reading *reading, struct error *error)
{
    const json_t *limit = json_object_get(reading->call->request, "Limit");

    reading->limit = limit != NULL && !json_is_null(limit) ? json_integer_value(limit) : INT64_MAX;
    return reading->limit >= 1 ||
           error_set_named(
               error, ERROR_INVALID, VALIDATION,
               "1 validation error detected: Value '%lld' at 'limit' failed to satisfy constraint: Member must "
               "have value greater than or equal to 1",
               (long long)reading->limit);
}

static bool prepare(struct reading *reading, struct error *error)
{
    const json_t *request = reading->call->request;

    reading->consistent = json_is_true(json_object_get(request, "ConsistentRead"));
    reading->reverse = json_is_false(json_object_get(request, "ScanIndexForward"));
    return capacity_asked(request, &reading->capacity, error) && read_limit(reading, error) &&
           (reading->definition = definition_of_request(reading->call, request, error)) != NULL &&
           read_index(reading, error) && read_expressions(reading, error) && read_select(reading, error) &&
           (reading->query || read_segment(reading, error)) && read_start(reading, error);
}

/* The whole item of an index's entry. */
static bool fetch(struct reading *reading, struct statement_cache *db, struct attribute *item, struct error *error)
{
    struct buffer own __attribute__((cleanup(buffer_free))) = {0};

    if (!item_key(&reading->definition->keys, item, &own, error) ||
        item_load(db, reading->definition->space, str_slice(own.data, own.length), reading->call->arena, item, error) <
            0) {
        return false;
    }
    reading->fetched += capacity_read_units(attribute_item_bytes(item), reading->consistent);
    return true;
}

/* Judges one row and adds it to the response. */
static bool take(struct reading *reading, struct statement_cache *db, sqlite3_stmt *statement, struct error *error)
{
    size_t size = (size_t)sqlite3_column_bytes(statement, 1);
    const char *value = arena_text(reading->call->arena, sqlite3_column_blob(statement, 1), size, error);
    struct buffer *out = reading->call->response;
    struct attribute item;

    if (value == NULL || !attribute_load(value, size, reading->call->arena, &item, error)) {
        return false;
    }
    reading->seen++;
    reading->last = item;
    reading->bytes += attribute_item_bytes(&item);
    if (reading->whole && !fetch(reading, db, &item, error)) {
        return false;
    }
    if (reading->filter != NULL && !expression_holds(reading->filter, &item)) {
        return true;
    }
    reading->taken++;
    if (reading->count_only) {
        return true;
    }
    if (reading->projected && !projection_take(&reading->projection, &item, reading->call->arena, &item, error)) {
        return false;
    }
    if (reading->taken > 1) {
        buffer_append_char(out, ',');
    }
    attribute_map_to_json(out, &item);
    return true;
}

static bool scan_rows(struct reading *reading, struct statement_cache *db, struct error *error)
{
    sqlite3_stmt *statement = statement_get(db, reading->reverse ? backward : forward, error);
    int row = -1;

    if (statement == NULL) {
        return false;
    }
    sqlite3_bind_int64(statement, 1, reading->index != NULL ? reading->index->space : reading->definition->space);
    sqlite3_bind_blob64(statement, 2, reading->low.data, reading->low.length, SQLITE_STATIC);
    sqlite3_bind_blob64(statement, 3, reading->high.data, reading->high.length, SQLITE_STATIC);
    while (!reading->more && (row = statement_next(db, statement, error)) == 1) {
        if (!take(reading, db, statement, error)) {
            statement_done(statement);
            return false;
        }
        reading->more = reading->seen >= reading->limit || reading->bytes >= MAX_PAGE_BYTES;
    }
    statement_done(statement);
    return row >= 0;
}

/* The members of the keys of table and index, of the item that was seen last. */
static void append_last_key(struct reading *reading)
{
    struct buffer *out = reading->call->response;
    const char *between = "";

    buffer_append_text(out, ",\"LastEvaluatedKey\":{");
    for (size_t i = 0; i < reading->last.as.map.count; i++) {
        const struct attribute_member *member = &reading->last.as.map.members[i];

        if (is_part(&reading->definition->keys, member->name) || is_part(reading->keys, member->name)) {
            buffer_append_text(out, between);
            json_append_string(out, member->name);
            buffer_append_char(out, ':');
            attribute_to_json(out, &member->value);
            between = ",";
        }
    }
    buffer_append_char(out, '}');
}

static bool read_page(struct reading *reading, struct error *error)
{
    struct buffer *out = reading->call->response;
    struct statement_cache *db;

    if (!prepare(reading, error) || (db = local_read_begin(reading->call->tables->store, error)) == NULL) {
        return false;
    }
    buffer_append_text(out, "{\"Items\":[");
    bool good = scan_rows(reading, db, error);

    local_read_end(reading->call->tables->store, db);
    if (!good) {
        return false;
    }
    if (reading->count_only) {
        buffer_clear(out);
        buffer_append_char(out, '{');
    } else {
        buffer_append_text(out, "],");
    }
    buffer_append_format(out, "\"Count\":%lld,\"ScannedCount\":%lld", (long long)reading->taken,
                         (long long)reading->seen);
    if (reading->more) {
        append_last_key(reading);
    }
    if (reading->capacity != 0) {
        buffer_append_text(out, ",\"ConsumedCapacity\":");
        capacity_append(out, reading->definition, reading->index, reading->capacity,
                        capacity_read_units(reading->bytes, reading->consistent), reading->fetched);
    }
    buffer_append_char(out, '}');
    return true;
}

static bool read_items(struct call *call, bool query, struct error *error)
{
    struct reading reading = {.call = call, .query = query};
    bool good = read_page(&reading, error);

    definition_release(call->tables, reading.definition);
    buffer_free(&reading.low);
    buffer_free(&reading.high);
    return good;
}

static bool query(struct call *call, struct error *error)
{
    return read_items(call, true, error);
}

static bool scan(struct call *call, struct error *error)
{
    return read_items(call, false, error);
}

const struct operation read_operations[] = {{"Query", query, false}, {"Scan", scan, false}, {NULL, NULL, false}};
