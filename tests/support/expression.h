/* Items and expressions from JSON, for tests. */
#ifndef AISLE_TESTS_SUPPORT_EXPRESSION_H
#define AISLE_TESTS_SUPPORT_EXPRESSION_H

#include "base/json.h"
#include "support/unit.h"
#include "table/expression.h"

struct given {
    struct arena *arena;
    json_t *names;
    struct attribute item, values;
    struct expression_scope scope;
    struct error error;
};

static inline struct attribute given_map(struct given *given, const char *json)
{
    json_t *tree = json_read(json, strlen(json), "test", &given->error);
    struct attribute map = {0};

    if (tree == NULL || !attribute_map_from_json(tree, given->arena, &map, &given->error)) {
        fail_msg("%s: %s", json, given->error.message);
    }
    json_decref(tree);
    return map;
}

/* `names` and `values` may be NULL. */
static inline void given_begin(struct given *given, const char *item, const char *names, const char *values)
{
    *given = (struct given){0};
    given->arena = arena_new(0, &given->error);
    assert_non_null(given->arena);
    given->item = given_map(given, item);
    if (names != NULL) {
        given->names = json_read(names, strlen(names), "test", &given->error);
        given->scope.names = given->names;
    }
    if (values != NULL) {
        given->values = given_map(given, values);
        given->scope.values = &given->values;
    }
    assert_true(expression_scope_begin(&given->scope, given->arena, &given->error));
}

static inline void given_free(struct given *given)
{
    json_decref(given->names);
    arena_free(given->arena);
}

#endif
