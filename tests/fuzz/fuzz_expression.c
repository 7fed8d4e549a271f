/* Expressions: the first byte chooses the kind, the rest is the text. What is taken is judged on, or applied to, an
 * item that has one of everything; an updated item is a well-formed one. */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "table/expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char item_json[] =
    "{\"a\":{\"S\":\"x\"},\"n\":{\"N\":\"1.5\"},\"s\":{\"SS\":[\"a\",\"b\"]},\"l\":{\"L\":[{\"N\":\"1\"},{\"L\":[]}]},"
    "\"m\":{\"M\":{\"k\":{\"S\":\"v\"},\"l\":{\"L\":[{\"S\":\"e\"}]}}},\"b\":{\"BOOL\":true}}";
static const char values_json[] =
    "{\":s\":{\"S\":\"x\"},\":n\":{\"N\":\"2\"},\":t\":{\"SS\":[\"b\",\"c\"]},\":l\":{\"L\":[{\"S\":\"y\"}]},"
    "\":b\":{\"BOOL\":false},\":T\":{\"S\":\"SS\"}}";

static void check_item(const struct attribute *item, struct arena *arena, struct error *error)
{
    struct buffer stored __attribute__((cleanup(buffer_free))) = {0};
    struct attribute again;

    attribute_store(&stored, item);
    if (!attribute_load(stored.data, stored.length, arena, &again, error) || !attribute_equal(item, &again)) {
        abort();
    }
}

static void try_all(uint8_t kind, struct str text, struct expression_scope *scope, const struct attribute *item,
                    struct arena *arena, struct error *error)
{
    struct key_schema schema = {str_of("a"), str_of("n"), ATTRIBUTE_STRING, ATTRIBUTE_NUMBER};
    struct attribute result;

    if (kind % 3 == 0) {
        const struct condition *condition = expression_condition(scope, text, "ConditionExpression", arena, error);
        struct key_condition key;

        if (condition != NULL) {
            expression_holds(condition, item);
            expression_mentions(condition, str_of("m"));
            key_condition_of(condition, &schema, &key, error);
        }
    } else if (kind % 3 == 1) {
        struct projection projection;

        if (projection_parse(scope, text, arena, &projection, error) &&
            projection_take(&projection, item, arena, &result, error)) {
            check_item(&result, arena, error);
        }
    } else {
        struct update update;

        if (update_parse(scope, text, arena, &update, error) && update_apply(&update, item, arena, &result, error)) {
            check_item(&result, arena, error);
        }
    }
    expression_scope_end(scope, error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct arena *arena = arena_new(0, &error);
    json_t *item_tree = json_read(item_json, sizeof item_json - 1, "item", &error);
    json_t *values_tree = json_read(values_json, sizeof values_json - 1, "values", &error);
    json_t *names = json_pack("{s:s, s:s}", "#a", "a", "#l", "l");
    struct attribute item;
    struct attribute values;
    struct expression_scope scope = {.names = names, .values = &values};

    if (size > 0 && attribute_map_from_json(item_tree, arena, &item, &error) &&
        attribute_map_from_json(values_tree, arena, &values, &error) && expression_scope_begin(&scope, arena, &error)) {
        try_all(data[0], str_slice((const char *)data + 1, size - 1), &scope, &item, arena, &error);
    }
    json_decref(names);
    json_decref(values_tree);
    json_decref(item_tree);
    arena_free(arena);
    return 0;
}
