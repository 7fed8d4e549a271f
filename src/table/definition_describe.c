/* Telling what a table is, as DescribeTable does. */
#include <stdio.h>

#include "table/definition.h"

static json_t *text_of(struct str text)
{
    return json_stringn(text.data, text.length);
}

static json_t *key_element(struct str name, const char *role)
{
    return json_pack("{s:o, s:s}", "AttributeName", text_of(name), "KeyType", role);
}

static json_t *key_schema(const struct key_schema *keys)
{
    json_t *schema = json_array();

    json_array_append_new(schema, key_element(keys->partition, "HASH"));
    if (keys->sort.data != NULL) {
        json_array_append_new(schema, key_element(keys->sort, "RANGE"));
    }
    return schema;
}

static void add_type(json_t *types, struct str name, enum attribute_type type)
{
    for (size_t i = 0; i < json_array_size(types); i++) {
        if (str_is(name, json_string_value(json_object_get(json_array_get(types, i), "AttributeName")))) {
            return;
        }
    }
    json_array_append_new(
        types, json_pack("{s:o, s:s}", "AttributeName", text_of(name), "AttributeType", attribute_type_name(type)));
}

static void add_types(json_t *types, const struct key_schema *keys)
{
    add_type(types, keys->partition, keys->partition_type);
    if (keys->sort.data != NULL) {
        add_type(types, keys->sort, keys->sort_type);
    }
}

static json_t *throughput(const struct table_definition *definition)
{
    return json_pack("{s:i, s:I, s:I}", "NumberOfDecreasesToday", 0, "ReadCapacityUnits",
                     (json_int_t)definition->read_units, "WriteCapacityUnits", (json_int_t)definition->write_units);
}

static json_t *projection(const struct table_index *index)
{
    static const char *const names[] = {
        [PROJECTION_ALL] = "ALL", [PROJECTION_KEYS_ONLY] = "KEYS_ONLY", [PROJECTION_INCLUDE] = "INCLUDE"};
    json_t *told = json_pack("{s:s}", "ProjectionType", names[index->projection]);

    if (index->projection == PROJECTION_INCLUDE) {
        json_t *included = json_array();

        for (size_t i = 0; i < index->included_count; i++) {
            json_array_append_new(included, json_string(index->included[i]));
        }
        json_object_set_new(told, "NonKeyAttributes", included);
    }
    return told;
}

static void arn(char text[512], const struct table_definition *definition, const struct definition_told *told,
                const char *kind, const char *name)
{
    snprintf(text, 512, "arn:aws:dynamodb:%s:%s:table/%s%s%s", told->region, told->account, definition->name, kind,
             name);
}

static json_t *index_told(const struct table_definition *definition, const struct table_index *index,
                          const struct definition_told *told)
{
    char text[512];

    arn(text, definition, told, "/index/", index->name);
    json_t *given = json_pack("{s:s, s:o, s:o, s:s, s:I, s:I}", "IndexName", index->name, "KeySchema",
                              key_schema(&index->keys), "Projection", projection(index), "IndexArn", text,
                              "IndexSizeBytes", (json_int_t)0, "ItemCount", (json_int_t)0);

    if (index->global) {
        json_object_set_new(given, "IndexStatus", json_string("ACTIVE"));
        json_object_set_new(given, "ProvisionedThroughput", throughput(definition));
    }
    return given;
}

static void tell_indexes(json_t *given, const struct table_definition *definition, const struct definition_told *told)
{
    json_t *lists[2] = {json_array(), json_array()};
    const char *const names[2] = {"LocalSecondaryIndexes", "GlobalSecondaryIndexes"};

    for (size_t i = 0; i < definition->index_count; i++) {
        json_array_append_new(lists[definition->indexes[i].global],
                              index_told(definition, &definition->indexes[i], told));
    }
    for (int i = 0; i < 2; i++) {
        if (json_array_size(lists[i]) > 0) {
            json_object_set(given, names[i], lists[i]);
        }
        json_decref(lists[i]);
    }
}

static void tell_stream(json_t *given, const struct table_definition *definition, const struct definition_told *told)
{
    char text[512];

    if (definition->stream_view == NULL) {
        return;
    }
    arn(text, definition, told, "/stream/", definition->stream_label);
    json_object_set_new(given, "StreamSpecification",
                        json_pack("{s:b, s:s}", "StreamEnabled", 1, "StreamViewType", definition->stream_view));
    json_object_set_new(given, "LatestStreamArn", json_string(text));
    json_object_set_new(given, "LatestStreamLabel", json_string(definition->stream_label));
}

json_t *definition_describe(const struct table_definition *definition, const struct definition_told *told)
{
    char text[512];
    json_t *types = json_array();
    int64_t created_ms = definition->created_us / 1000;

    add_types(types, &definition->keys);
    for (size_t i = 0; i < definition->index_count; i++) {
        add_types(types, &definition->indexes[i].keys);
    }
    arn(text, definition, told, "", "");
    json_t *given = json_pack("{s:s, s:s, s:s, s:s, s:f, s:o, s:o, s:o, s:I, s:I, s:b}", "TableName", definition->name,
                              "TableId", definition->id, "TableArn", text, "TableStatus", told->status,
                              "CreationDateTime", (double)created_ms / 1e3, "AttributeDefinitions", types, "KeySchema",
                              key_schema(&definition->keys), "ProvisionedThroughput", throughput(definition),
                              "ItemCount", (json_int_t)told->items, "TableSizeBytes", (json_int_t)told->bytes,
                              "DeletionProtectionEnabled", definition->deletion_protection);

    if (definition->on_demand) {
        json_object_set_new(given, "BillingModeSummary", json_pack("{s:s}", "BillingMode", "PAY_PER_REQUEST"));
    }
    tell_indexes(given, definition, told);
    tell_stream(given, definition, told);
    return given;
}
