/* Reading what CreateTable asks for. The words of errors are DynamoDB's. */
#include "table/definition.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"

#define VALIDATION "ValidationException"
#define MAX_NAME 255
#define MAX_KEY_NAME 255

struct creating {
    struct table_definition *made;
    const json_t *request;
    const json_t *types; /* AttributeDefinitions */
    struct error *error;
};

static bool invalid(struct error *error, const char *words)
{
    return error_set_named(error, ERROR_INVALID, VALIDATION, "%s", words);
}

bool definition_check_name(const char *name, const char *parameter, struct error *error)
{
    size_t length = strlen(name);

    if (length < 3 || length > MAX_NAME) {
        return error_set_named(error, ERROR_INVALID, VALIDATION,
                               "%s must be at least 3 characters long and at most 255 characters long", parameter);
    }
    for (size_t i = 0; i < length; i++) {
        char c = name[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
              c == '.')) {
            return error_set_named(error, ERROR_INVALID, VALIDATION,
                                   "1 validation error detected: Value '%s' at '%c%s' failed to satisfy constraint: "
                                   "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
                                   name, parameter[0] | 0x20, parameter + 1);
        }
    }
    return true;
}

static const char *keep(struct creating *creating, const char *text)
{
    return arena_text(creating->made->arena, text, strlen(text), creating->error);
}

/* The type that AttributeDefinitions gives the attribute. */
static bool type_of(struct creating *creating, const char *name, enum attribute_type *type)
{
    for (size_t i = 0; i < json_array_size(creating->types); i++) {
        const json_t *entry = json_array_get(creating->types, i);
        const char *own = json_string_value(json_object_get(entry, "AttributeName"));
        const char *letter = json_string_value(json_object_get(entry, "AttributeType"));

        if (own != NULL && letter != NULL && strcmp(own, name) == 0) {
            return attribute_type_of(letter, type) && *type <= ATTRIBUTE_BINARY;
        }
    }
    return error_set_named(creating->error, ERROR_INVALID, VALIDATION,
                           "One or more parameter values were invalid: Some index key attributes are not defined in "
                           "AttributeDefinitions. Keys: [%s], AttributeDefinitions: missing",
                           name);
}

static bool read_key(struct creating *creating, const json_t *element, bool sort, struct key_schema *keys)
{
    const char *name = json_string_value(json_object_get(element, "AttributeName"));
    const char *role = json_string_value(json_object_get(element, "KeyType"));

    if (name == NULL || role == NULL || strlen(name) == 0 || strlen(name) > MAX_KEY_NAME) {
        return invalid(creating->error,
                       "1 validation error detected: Value at 'keySchema' failed to satisfy constraint: "
                       "each element needs an AttributeName of 1 to 255 characters and a KeyType");
    }
    if (strcmp(role, sort ? "RANGE" : "HASH") != 0) {
        return invalid(creating->error, sort ? "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"
                                             : "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    }
    const char *kept = keep(creating, name);

    if (kept == NULL || !type_of(creating, name, sort ? &keys->sort_type : &keys->partition_type)) {
        return false;
    }
    *(sort ? &keys->sort : &keys->partition) = str_of(kept);
    return true;
}

static bool read_keys(struct creating *creating, const json_t *schema, struct key_schema *keys)
{
    size_t count = json_array_size(schema);

    *keys = (struct key_schema){0};
    if (count == 0 || count > 2) {
        return invalid(creating->error, count == 0
                                            ? "One or more parameter values were invalid: No KeySchema given"
                                            : "1 validation error detected: Value at 'keySchema' failed to "
                                              "satisfy constraint: Member must have length less than or equal to "
                                              "2");
    }
    if (!read_key(creating, json_array_get(schema, 0), false, keys) ||
        (count == 2 && !read_key(creating, json_array_get(schema, 1), true, keys))) {
        return false;
    }
    return count == 1 || !str_equal(keys->partition, keys->sort) ||
           invalid(creating->error, "Both the Hash Key and the Range Key element in the KeySchema have the same name");
}

static bool read_projection(struct creating *creating, const json_t *given, struct table_index *index)
{
    const char *type = json_string_value(json_object_get(given, "ProjectionType"));
    const json_t *included = json_object_get(given, "NonKeyAttributes");

    if (type == NULL) {
        return invalid(creating->error, "One or more parameter values were invalid: Unknown ProjectionType: null");
    }
    index->projection = strcmp(type, "ALL") == 0       ? PROJECTION_ALL
                        : strcmp(type, "INCLUDE") == 0 ? PROJECTION_INCLUDE
                                                       : PROJECTION_KEYS_ONLY;
    if (index->projection == PROJECTION_KEYS_ONLY && strcmp(type, "KEYS_ONLY") != 0) {
        return error_set_named(creating->error, ERROR_INVALID, VALIDATION,
                               "One or more parameter values were invalid: Unknown ProjectionType: %s", type);
    }
    if ((index->projection == PROJECTION_INCLUDE) != (included != NULL)) {
        return error_set_named(creating->error, ERROR_INVALID, VALIDATION,
                               index->projection == PROJECTION_INCLUDE
                                   ? "One or more parameter values were invalid: ProjectionType is %s, but "
                                     "NonKeyAttributes is not specified"
                                   : "One or more parameter values were invalid: ProjectionType is %s, but "
                                     "NonKeyAttributes is specified",
                               type);
    }
    index->included_count = json_array_size(included);
    index->included =
        arena_zeroed(creating->made->arena, (index->included_count + 1) * sizeof *index->included, creating->error);
    for (size_t i = 0; index->included != NULL && i < index->included_count; i++) {
        const char *name = json_string_value(json_array_get(included, i));

        if (name == NULL || (index->included[i] = keep(creating, name)) == NULL) {
            return name == NULL ? invalid(creating->error, "NonKeyAttributes must be strings") : false;
        }
    }
    return index->included != NULL;
}

static bool read_index(struct creating *creating, const json_t *given, bool global, struct table_index *index)
{
    const char *name = json_string_value(json_object_get(given, "IndexName"));

    index->global = global;
    if (name == NULL) {
        return invalid(creating->error, "1 validation error detected: Value null at 'indexName' failed to satisfy "
                                        "constraint: Member must not be null");
    }
    if (!definition_check_name(name, "IndexName", creating->error) || (index->name = keep(creating, name)) == NULL ||
        !read_keys(creating, json_object_get(given, "KeySchema"), &index->keys)) {
        return false;
    }
    for (const struct table_index *other = creating->made->indexes; other < index; other++) {
        if (strcmp(other->name, name) == 0) {
            return error_set_named(creating->error, ERROR_INVALID, VALIDATION,
                                   "One or more parameter values were invalid: Duplicate index name: %s", name);
        }
    }
    if (!global && index->keys.sort.data == NULL) {
        return error_set_named(
            creating->error, ERROR_INVALID, VALIDATION,
            "One or more parameter values were invalid: Index KeySchema does not have a range key for "
            "index: %s",
            name);
    }
    if (!global && !str_equal(index->keys.partition, creating->made->keys.partition)) {
        return error_set_named(
            creating->error, ERROR_INVALID, VALIDATION,
            "One or more parameter values were invalid: Index KeySchema does not have the same leading "
            "hash key as table KeySchema for index: %s. index hash key: %.*s, table hash key: %.*s",
            name, STR_ARGS(index->keys.partition), STR_ARGS(creating->made->keys.partition));
    }
    return read_projection(creating, json_object_get(given, "Projection"), index);
}

static bool read_indexes(struct creating *creating, int64_t first_space)
{
    struct table_definition *made = creating->made;
    const json_t *local = json_object_get(creating->request, "LocalSecondaryIndexes");
    const json_t *global = json_object_get(creating->request, "GlobalSecondaryIndexes");
    size_t locals = json_array_size(local);
    size_t globals = json_array_size(global);

    if ((local != NULL && locals == 0) || (global != NULL && globals == 0)) {
        return invalid(creating->error, "One or more parameter values were invalid: List of indexes is empty");
    }
    if (locals > TABLE_MAX_LOCAL_INDEXES || globals > TABLE_MAX_GLOBAL_INDEXES) {
        return error_set_named(creating->error, ERROR_LIMIT, VALIDATION,
                               "One or more parameter values were invalid: %s count exceeds the per-table limit of %d",
                               locals > TABLE_MAX_LOCAL_INDEXES ? "LocalSecondaryIndex" : "GlobalSecondaryIndex",
                               locals > TABLE_MAX_LOCAL_INDEXES ? TABLE_MAX_LOCAL_INDEXES : TABLE_MAX_GLOBAL_INDEXES);
    }
    if (locals > 0 && made->keys.sort.data == NULL) {
        return invalid(creating->error,
                       "One or more parameter values were invalid: Table KeySchema does not have a range "
                       "key, which is required when specifying a LocalSecondaryIndex");
    }
    made->indexes = arena_zeroed(made->arena, (locals + globals + 1) * sizeof *made->indexes, creating->error);
    for (size_t i = 0; made->indexes != NULL && i < locals + globals; i++) {
        const json_t *given = i < locals ? json_array_get(local, i) : json_array_get(global, i - locals);

        if (!read_index(creating, given, i >= locals, &made->indexes[i])) {
            return false;
        }
        made->indexes[i].space = first_space + 1 + (int64_t)i;
        made->index_count++;
    }
    return made->indexes != NULL;
}

static bool in_keys(const struct key_schema *keys, const char *name)
{
    return str_is(keys->partition, name) || (keys->sort.data != NULL && str_is(keys->sort, name));
}

/* Every attribute that is defined must be part of a key. */
static bool check_types(struct creating *creating)
{
    for (size_t i = 0; i < json_array_size(creating->types); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(creating->types, i), "AttributeName"));
        const char *type = json_string_value(json_object_get(json_array_get(creating->types, i), "AttributeType"));
        bool used = name != NULL && in_keys(&creating->made->keys, name);

        if (type == NULL || strlen(type) != 1 || strchr("SNB", type[0]) == NULL) {
            return error_set_named(
                creating->error, ERROR_INVALID, VALIDATION,
                "1 validation error detected: Value '%s' at 'attributeDefinitions.%zu.member."
                "attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N,"
                " S]",
                type != NULL ? type : "null", i + 1);
        }
        for (size_t j = 0; name != NULL && j < creating->made->index_count; j++) {
            used = used || in_keys(&creating->made->indexes[j].keys, name);
        }
        if (!used) {
            return invalid(creating->error,
                           "One or more parameter values were invalid: Number of attributes in KeySchema "
                           "does not exactly match number of attributes defined in "
                           "AttributeDefinitions");
        }
    }
    return true;
}

static bool read_capacity(struct creating *creating)
{
    const char *mode = json_string_value(json_object_get(creating->request, "BillingMode"));
    const json_t *throughput = json_object_get(creating->request, "ProvisionedThroughput");

    creating->made->on_demand = mode != NULL && strcmp(mode, "PAY_PER_REQUEST") == 0;
    if (mode != NULL && !creating->made->on_demand && strcmp(mode, "PROVISIONED") != 0) {
        return error_set_named(creating->error, ERROR_INVALID, VALIDATION,
                               "1 validation error detected: Value '%s' at 'billingMode' failed to satisfy constraint: "
                               "Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]",
                               mode);
    }
    if (creating->made->on_demand && throughput != NULL) {
        return invalid(creating->error, "One or more parameter values were invalid: Neither ReadCapacityUnits nor "
                                        "WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
    }
    creating->made->read_units = json_integer_value(json_object_get(throughput, "ReadCapacityUnits"));
    creating->made->write_units = json_integer_value(json_object_get(throughput, "WriteCapacityUnits"));
    return creating->made->on_demand || (creating->made->read_units > 0 && creating->made->write_units > 0) ||
           invalid(creating->error,
                   "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits "
                   "must both be specified when BillingMode is PROVISIONED");
}

static bool read_settings(struct creating *creating)
{
    const json_t *stream = json_object_get(creating->request, "StreamSpecification");
    const char *view = json_string_value(json_object_get(stream, "StreamViewType"));

    creating->made->deletion_protection = json_is_true(json_object_get(creating->request, "DeletionProtectionEnabled"));
    creating->made->tags = json_incref(json_object_get(creating->request, "Tags"));
    if (!json_is_true(json_object_get(stream, "StreamEnabled"))) {
        return true;
    }
    if (view == NULL) {
        return invalid(creating->error,
                       "One or more parameter values were invalid: StreamViewType must be specified when "
                       "the stream is enabled");
    }
    creating->made->stream_view = keep(creating, view);
    return creating->made->stream_view != NULL;
}

static const char *new_uuid(struct arena *arena, struct error *error)
{
    uint8_t b[16];

    if (!random_bytes(b, sizeof b, error)) {
        return NULL;
    }
    b[6] = (uint8_t)((b[6] & 0x0F) | 0x40); /* RFC 9562, version 4 */
    b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
    return arena_format(arena, error, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                        b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static bool create(struct creating *creating, int64_t first_space)
{
    struct table_definition *made = creating->made;
    const char *name = json_string_value(json_object_get(creating->request, "TableName"));

    if (name == NULL) {
        return invalid(creating->error, "The parameter 'TableName' is required but was not present in the request");
    }
    creating->types = json_object_get(creating->request, "AttributeDefinitions");
    made->space = first_space;
    made->name = keep(creating, name);
    made->id = new_uuid(made->arena, creating->error);
    return made->name != NULL && made->id != NULL && definition_check_name(name, "TableName", creating->error) &&
           read_keys(creating, json_object_get(creating->request, "KeySchema"), &made->keys) &&
           read_capacity(creating) && read_indexes(creating, first_space) && check_types(creating) &&
           read_settings(creating);
}

struct table_definition *definition_create(const json_t *request, int64_t first_space, int64_t now_us,
                                           struct error *error)
{
    struct table_definition *made = memory_zeroed(sizeof *made, error);
    struct creating creating = {.made = made, .request = request, .error = error};

    if (made == NULL) {
        return NULL;
    }
    made->references = 1;
    made->created_us = now_us;
    made->arena = arena_new(0, error);
    if (made->arena == NULL || !create(&creating, first_space)) {
        definition_free(made);
        return NULL;
    }
    return made;
}

void definition_free(struct table_definition *definition)
{
    if (definition != NULL) {
        json_decref(definition->tags);
        arena_free(definition->arena);
        memory_free(definition);
    }
}

const struct table_index *definition_index(const struct table_definition *definition, const char *name)
{
    for (size_t i = 0; i < definition->index_count; i++) {
        if (strcmp(definition->indexes[i].name, name) == 0) {
            return &definition->indexes[i];
        }
    }
    return NULL;
}

static bool is_key_of(const struct key_schema *keys, struct str name)
{
    return str_equal(keys->partition, name) || (keys->sort.data != NULL && str_equal(keys->sort, name));
}

bool definition_projects(const struct table_definition *definition, const struct table_index *index, struct str name)
{
    if (index->projection == PROJECTION_ALL || is_key_of(&definition->keys, name) || is_key_of(&index->keys, name)) {
        return true;
    }
    for (size_t i = 0; i < index->included_count; i++) {
        if (str_is(name, index->included[i])) {
            return true;
        }
    }
    return false;
}
